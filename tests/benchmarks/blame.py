"""Every decision's effect by one Newton step, beside really fitting the head without each of 200 decisions.

    python tests/benchmarks/blame.py [--decisions 200] [--many 10000]

Bears with 20 % flips and CIFAR-10N (random1 labels), features at 224 px and 64 px; a fifth is the exam, with its
right labels. A reviewer relabels wrong labels and, in one case of ten, slips: another class than the right one, or a
right label changed; every tenth decision is a delete. The strength is the one that the quick mode chooses; with the
corrected loss its transition too, else labels are taken at their word, as `cleaner.blame` does.
The real fit starts from the head with all decisions and runs to a gradient of 1e-7 of the mean loss, by L-BFGS.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
from common import features_of, new_cache, parser, print_table
from label_errors import bears_tasks, cifar_tasks, flipped
from scipy.stats import spearmanr

from bearwidgets.learn.head.linear_head import fitted_head, rotate
from bearwidgets.review.effect import decision_effects
from bearwidgets.review.effect.influence import ABSENT, Changes, Influence, Items, influence

if TYPE_CHECKING:
    from bearwidgets.learn.head.softmax import Softmax

SLIPS, DELETES, EXAM = 0.1, 0.1, 0.2


class Case(NamedTuple):
    """A training set with decisions, an exam, and which decisions are slips."""

    train: Items
    exam: Items
    changes: Changes
    rows: np.ndarray  # of the decisions in the whole training set
    slip: np.ndarray
    strength: float
    transition: np.ndarray
    all_train: Items  # `ABSENT` for what is deleted


def make_case(features: np.ndarray, given: np.ndarray, right: np.ndarray, n: int, seed: int) -> Case:
    """Split, review, choose strength and transition."""
    random = np.random.default_rng(seed)
    n_classes, order = int(right.max()) + 1, random.permutation(len(right))
    exam, train = np.split(order, [round(EXAM * len(order))])
    x, before, truth = features[train], given[train], right[train]
    wrong, sound = np.flatnonzero(before != truth), np.flatnonzero(before == truth)
    few = min(n, len(wrong)) - round(SLIPS * min(n, len(wrong)) / 2)
    rows = np.r_[
        random.choice(wrong, few, replace=False), random.choice(sound, round(SLIPS * few), replace=False)
    ]
    now = truth.copy()
    slip = (random.random(len(rows)) < SLIPS / 2) | (before[rows] == truth[rows])
    now[rows[slip]] = (before[rows[slip]] + random.integers(1, n_classes, slip.sum())) % n_classes
    slip &= now[rows] != truth[rows]
    gone = random.random(len(rows)) < DELETES
    now[rows[gone]], slip[gone] = ABSENT, False
    target = before.copy()
    target[rows] = now[rows]
    there = target != ABSENT
    fit = fitted_head(x[there], target[there], np.arange(there.sum()), n_classes, 0)
    return Case(
        Items(x[there], target[there]),
        Items(features[exam], right[exam]),
        Changes(x[rows], now[rows], before[rows]),
        rows,
        slip,
        fit.strength,
        fit.transition.astype(np.float64),
        Items(x, target),
    )


def refitted(case: Case) -> np.ndarray:
    """(m, 2): mean log-loss and expected mistakes with all decisions, less those without each."""
    from bearwidgets.learn.head import softmax

    turned, n_classes = rotate(case.train.features), len(case.transition)

    def turn(features: np.ndarray) -> np.ndarray:
        return (((features - turned.mean) / turned.scale) @ turned.axes).astype(np.float32)

    values, judged = turn(case.all_train.features), turn(case.exam.features)
    softmax.LEAST_GRADIENT, softmax.MOST_STEPS = 1e-7, 3000

    def fit(target: np.ndarray, start: Softmax | None = None) -> Softmax:
        there = target != ABSENT
        options = {"transition": case.transition, "start": start}
        return softmax.fit_softmax(values[there], target[there], n_classes, case.strength, **options)

    def judge(model: Softmax) -> np.ndarray:
        p = model.probabilities(judged)[np.arange(len(judged)), case.exam.target]
        return np.array([-np.log(p).mean(), (1 - p).sum()])

    first = fit(case.all_train.target)
    found = []
    for row, before in zip(case.rows, case.changes.before, strict=True):
        target = case.all_train.target.copy()
        target[row] = before
        found.append(judge(fit(target, first)))
    return judge(first) - np.array(found)


def measured(name: str, case: Case) -> list[object]:
    """A row of the table."""
    began = time.monotonic()
    found = influence(case.train, case.exam, case.changes, case.strength, case.transition)
    step = time.monotonic() - began
    real = refitted(case)
    fits = time.monotonic() - began - step
    harms = decision_effects._harms(found, len(case.exam.target))
    slips_first = case.slip[np.argsort(-found.loss)][: case.slip.sum()].mean() if case.slip.any() else np.nan
    return [
        name,
        f"{len(case.train.target):,} × {case.train.features.shape[1]:,}, {len(case.transition)}",
        len(case.rows),
        f"{spearmanr(found.loss, real[:, 0])[0]:.3f}",
        f"{spearmanr(found.mistakes, real[:, 1])[0]:.3f}",
        f"{step:.1f} s",
        f"{fits:.0f} s",
        f"{case.slip.sum()}; {slips_first:.0%} ({case.slip.mean():.0%} by chance)",
        f"{harms.sum()}, {(harms & case.slip).sum()} of them slips",
    ]


def timed(features: np.ndarray, right: np.ndarray, n_classes: int, many: int) -> list[object]:
    """Seconds for many decisions, on the first classes; items are drawn with replacement and some noise."""
    random = np.random.default_rng(0)
    here = np.flatnonzero(right < n_classes)
    rows = random.choice(here, many + 2000)
    noise = 0.1 * features.std(0) * random.normal(size=(len(rows), features.shape[1]))
    x, y = (features[rows] + noise).astype(np.float32), right[rows]
    before = np.where(random.random(len(rows)) < 0.3, random.integers(0, n_classes, len(rows)), y)
    changes = Changes(x[:many], y[:many], before[:many])
    began = time.monotonic()
    found: Influence = influence(
        Items(x[:many], y[:many]), Items(x[many:], y[many:]), changes, 300.0, np.eye(n_classes)
    )
    assert np.isfinite(found.loss).all()
    return [f"{many:,}", f"{features.shape[1]:,}", n_classes, 2000, f"{time.monotonic() - began:.1f} s"]


def main() -> None:
    """Print the tables."""
    options = parser(__doc__, decisions=200, many=10000).parse_args()
    new_cache(keep=True)
    rows = []
    bears, cifar = bears_tasks(1)[0], cifar_tasks(["random1"])[0]
    for task, size in ((bears, 224), (cifar, 64)):
        frame = pd.DataFrame({"path": task.paths, "label": task.clean})
        features, classes = features_of(frame, task.folder, size), sorted(set(task.clean))
        given = flipped(task.clean, 0.2, "any") if task is bears else task.given
        numbers = [np.searchsorted(classes, each) for each in (given, task.clean)]
        case = make_case(features, *numbers, options.decisions, 0)
        rows.append(measured(task.name, case._replace(transition=np.eye(len(classes)))))
        rows.append(measured(f"{task.name}, corrected loss", case))
    header = [
        "set",
        "items × features, classes",
        "decisions",
        "rank correlation: loss",
        "mistakes",
        "one step each",
    ]
    print_table(
        "Every decision's effect", [*header, "real fits", "slips; first in the list", "called harmful"], rows
    )
    header = ["decisions", "features", "classes", "images of the exam", "time"]
    print_table("Many decisions", header, [timed(features, numbers[1], n, options.many) for n in (3, 10)])


if __name__ == "__main__":
    main()
