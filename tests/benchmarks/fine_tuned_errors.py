"""Likely wrong labels from a network that was trained throughout, out of fold and over the epochs, beside cleanlab.

    python tests/benchmarks/fine_tuned_errors.py [--size 128] [--epochs 6] [--folds 4] [--limit 6000]
        [--peer-python PATH]

`cross_validate(mode="full")` on the aggregate labels of `cifar10n`, or one learner with `--folds 0`. The early
layers train nearly as fast as the head, for the body has never seen images of 32 px, enlarged. cleanlab's scores
are those of `--peer-python` on our probabilities.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from common import new_cache, parser, print_table
from label_errors import SHARES, Judged, cifar_tasks, judgment, peer_scores, recall, suggestion_rate
from sklearn.metrics import average_precision_score

if TYPE_CHECKING:
    import argparse
    from pathlib import Path


def measure(options: argparse.Namespace, home: Path) -> None:
    """Out-of-fold probabilities of networks that were trained throughout."""
    import bearwidgets as bw

    task = cifar_tasks(["aggregate"])[0]
    frame = pd.DataFrame({"path": task.paths, "label": task.given})[: options.limit]
    ds = bw.Dataset.from_df(frame, root=task.folder, valid_pct=0, workspace=home / "work")
    began = time.monotonic()
    rates = {"base_lr": options.base_lr, "lr_mult": options.lr_mult}
    if options.folds:
        learn = bw.cross_validate(
            ds, options.folds, epochs=options.epochs, mode="full", size=options.size, fit_options=rates
        )
    else:
        learn = bw.Learner(ds, size=options.size).fine_tune(options.epochs, mode="full", **rates)
    review, minutes = bw.Review(learn), (time.monotonic() - began) / 60
    each, issue = judgment(task, review), review.table.label_issue.to_numpy()
    wrong = each.wrong
    found = peer_scores(options.peer_python, each.target, review.probabilities)
    row = [
        f"{options.size} px, {options.epochs} epochs, {options.folds} folds, {len(wrong)} items",
        f"{(review.table.predicted == each.clean).mean():.3f}",
        f"{average_precision_score(wrong, issue):.3f}",
        *(f"{recall(issue, wrong, share):.3f}" for share in SHARES),
        f"{max((average_precision_score(wrong, score) for score in found.values()), default=np.nan):.3f}",
        f"{suggestion_rate(each):.3f}",
        f"{minutes:.0f} min",
    ]
    header = ["trained", "accuracy on clean labels", "AP", "recall at 10 %", "at 20 %", "best cleanlab AP"]
    print_table("Fine-tuned, aggregate labels", [*header, "suggestion right, first 1,000", "time"], [row])
    print_table("What each opinion finds alone", ["opinion", "AP"], opinions(learn, each))


def opinions(learn: Any, each: Judged) -> list[list[str]]:
    """AP of the last weights (out of fold, where there are folds), of the epochs before and of the first heads."""
    from bearwidgets.review import scores

    table, last = learn.predictions()
    ids, earlier = learn.training_dynamics()
    known = pd.Index(ids).get_indexer(each.review.table.index)
    parts = {"the last weights": last[pd.Index(table.id).get_indexer(each.review.table.index)]}
    names = ("the mean over the epochs", "heads on the frozen body, out of fold")
    parts |= {name: each[known] for name, each in zip(names, earlier, strict=False)}
    parts["the mean of all"] = scores.consensus(list(parts.values()))
    return [
        [name, f"{average_precision_score(each.wrong, scores.label_issue(p, each.target)):.3f}"]
        for name, p in parts.items()
        if np.isfinite(p).all()
    ]


def main() -> None:
    """Print the tables."""
    rates = {"base_lr": 1e-3, "lr_mult": 3.0}
    options = parser(__doc__, peer_python=sys.executable, size=128, epochs=6, folds=4, limit=6000, **rates)
    measure(options.parse_args(), new_cache(keep=True))


if __name__ == "__main__":
    main()
