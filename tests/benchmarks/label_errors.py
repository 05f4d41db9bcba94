"""Likely wrong labels: how early they come in the ranking, beside cleanlab, a random order and an oracle.

    python tests/benchmarks/label_errors.py [--peer-python PATH] [--size 224] [--seeds 10] [--curves FILE]
    python tests/benchmarks/label_errors.py --ablation
    python tests/benchmarks/label_errors.py --networks [--limit 6000]

The real label sets of `cifar10n` (6,000 images of 32 px), flips of its clean labels (10 % to any other class; 20 % to
the next class; 20 % of some classes to the one they are taken for, as in Patrini et al., CVPR 2017), and the bears
with 10 % flips. Features, head and review are those of `Learner` and `Review`; every image is in train.
cleanlab's scores are computed by `--peer-python`, a Python that has it, on two sets of probabilities: our own, and
the out-of-fold ones of a default scikit-learn `LogisticRegression` on the same features.

`--ablation` shows what the second pass of the head and each score bring, `--networks` what the larger offline network
and the mean of both bring, each at its own size; `--limit` takes a sample of the images of `cifar10n`.
"""

from __future__ import annotations

import argparse
import contextlib
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import numpy as np
import pandas as pd
from common import new_cache, parser, print_table, shared
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.model_selection import cross_val_predict

SHARES = (0.1, 0.2)  # reviewed
PEERS = [
    ("self_confidence", False),
    ("self_confidence", True),
    ("normalized_margin", False),
    ("normalized_margin", True),
    ("confidence_weighted_entropy", False),
]
LIKE = {"truck": "automobile", "bird": "airplane", "deer": "horse", "cat": "dog", "dog": "cat"}


class Task(NamedTuple):
    """A set of labels, some of them wrong."""

    name: str
    folder: Path
    paths: list[str]
    given: np.ndarray
    clean: np.ndarray


def cifar_tasks(names: list[str] | None = None) -> list[Task]:
    """Labels that people gave, and flips of the clean ones."""
    folder = shared("cifar10n")
    table = pd.read_csv(folder / "labels.csv")
    clean = table.clean.to_numpy(dtype=object)
    given = {name: table[name].to_numpy(dtype=object) for name in ("aggregate", "random1", "worst")}
    given["10 % to any"] = flipped(clean, 0.1, "any")
    given["20 % to next"] = flipped(clean, 0.2, "next")
    given["20 % to alike"] = flipped(clean, 0.2, "alike")
    return [Task(name, folder, table.path.tolist(), given[name], clean) for name in names or given]


def bears_tasks(seeds: int) -> list[Task]:
    """10 % of the bears with one of the two other labels."""
    folder = shared("bears")
    paths = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.*"))
    clean = np.array([Path(path).parent.name for path in paths], dtype=object)
    return [Task("bears", folder, paths, flipped(clean, 0.1, "any", seed), clean) for seed in range(seeds)]


def flipped(clean: np.ndarray, share: float, how: str, seed: int = 0) -> np.ndarray:
    """Labels of which each is wrong with a chance of `share`."""
    random, classes = np.random.default_rng(seed), sorted(set(clean))
    number = np.array([classes.index(label) for label in clean])
    step = random.integers(1, len(classes), len(clean)) if how == "any" else 1
    wrong = np.array(classes, dtype=object)[(number + step) % len(classes)]
    if how == "alike":
        wrong = np.array([LIKE.get(label, label) for label in clean], dtype=object)
    return np.where(random.random(len(clean)) < share, wrong, clean)


class Judged(NamedTuple):
    """A task and what was made of it; rows as in the review."""

    task: Task
    review: Any
    target: np.ndarray
    wrong: np.ndarray
    clean: np.ndarray
    seconds: float
    default: np.ndarray


def judge(task: Task, size: int | None, home: Path, *, default: bool = True, **network: Any) -> Judged:
    """Train in the quick mode on all items and review it; and the default head beside it.

    `network` are options of `Learner`.
    """
    import bearwidgets as bw

    frame = pd.DataFrame({"path": task.paths, "label": task.given})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # copies with contradictory labels, and no exam: known
        ds = bw.Dataset.from_df(
            frame, root=task.folder, valid_pct=0, workspace=Path(tempfile.mkdtemp(dir=home))
        )
        began = time.monotonic()
        learn = bw.Learner(ds, size=size, **network).fine_tune(progress=False)
        review = bw.Review(learn)
        seconds = time.monotonic() - began
    each = judgment(task, review, seconds)
    if not default:
        return each
    features = learn.features.array(list(learn.ds.table.set_index("id").content[review.table.index]))
    return each._replace(default=default_probabilities(features, each.target))


def judgment(task: Task, review: Any, seconds: float = 0.0) -> Judged:
    """What a review says of a task."""
    clean = pd.Series(task.clean, index=task.paths)[review.table.path].to_numpy()
    target = review.table.label.map(review.classes.index).to_numpy()
    wrong = (review.table.label != clean).to_numpy()
    return Judged(task, review, target, wrong, clean, seconds, review.probabilities)


def default_probabilities(features: np.ndarray, target: np.ndarray) -> np.ndarray:
    """What most people start from: scikit-learn's head as it comes, out of fold."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return cross_val_predict(LogisticRegression(), features, target, cv=5, method="predict_proba")


def recall(score: np.ndarray, wrong: np.ndarray, share: float) -> float:
    """Share of the wrong labels among the first `share` of all items."""
    first = np.argsort(-score, kind="stable")[: round(share * len(score))]
    return float(wrong[first].sum() / wrong.sum())


def peer_scores(python: str, target: np.ndarray, probabilities: np.ndarray) -> dict[str, np.ndarray]:
    """cleanlab's scores by name, higher = more suspect; empty where that Python has no cleanlab."""
    with tempfile.TemporaryDirectory() as folder:
        given, made = Path(folder) / "given.npz", Path(folder) / "made.npz"
        exact = probabilities.astype(np.float64)
        np.savez(given, target=target, probabilities=exact / exact.sum(1, keepdims=True))
        done = subprocess.run(
            [python, __file__, "--child", str(given), str(made)], capture_output=True, text=True, check=False
        )
        if done.returncode:
            print(f"No cleanlab in {python}: {done.stderr.strip().splitlines()[-1]}", file=sys.stderr)
            return {}
        with np.load(made) as scores:
            return dict(scores)


def peer_child(given: str, made: str) -> None:
    """Runs in the Python of the peer."""
    from cleanlab.rank import get_label_quality_scores

    with np.load(given) as arrays:
        target, probabilities = arrays["target"], arrays["probabilities"]
    scores = {
        method + (", adjusted" if adjusted else ""): 1
        - get_label_quality_scores(target, probabilities, method=method, adjust_pred_probs=adjusted)
        for method, adjusted in PEERS
    }
    np.savez(made, **scores)


def compare(judged: list[Judged], python: str) -> None:
    """The two tables that hold all sets of labels together."""
    from bearwidgets.review import scores

    rows, same = [], []
    for name in dict.fromkeys(each.task.name for each in judged):
        group = [each for each in judged if each.task.name == name]
        figures = []
        for each in group:
            issue, wrong = each.review.table.label_issue.to_numpy(), each.wrong
            theirs = {}
            for kind, probabilities in (("ours", each.review.probabilities), ("default", each.default)):
                found = peer_scores(python, each.target, probabilities)
                own = scores.label_issue(probabilities, each.target)
                theirs[kind] = {peer: average_precision_score(wrong, score) for peer, score in found.items()}
                same.append((name, kind, average_precision_score(wrong, own), theirs[kind]))
            right = suggestion_rate(each)
            figures.append(
                [
                    wrong.mean(),
                    average_precision_score(wrong, issue),
                    *(recall(issue, wrong, share) for share in SHARES),
                    *(min(1.0, share / wrong.mean()) for share in SHARES),
                    max(theirs["ours"].values(), default=np.nan),
                    max(theirs["default"].values(), default=np.nan),
                    right,
                    each.seconds,
                ]
            )
        mean = np.mean(figures, 0)
        rows.append(
            [
                f"{name} ({len(group)})" if len(group) > 1 else name,
                *(f"{value:.3f}" for value in mean[:-1]),
                f"{mean[1] - mean[7]:+.3f}",
                f"{mean[-1]:.1f} s",
            ]
        )
    header = [
        "labels", "wrong = AP of a random order", "AP", "recall at 10 %", "at 20 %", "oracle at 10 %", "at 20 %",
        "best cleanlab AP, our probabilities", "default head", "suggestion right, first 1,000",
        "AP above the default head's", "time with features",
    ]  # fmt: skip
    print_table("Wrong labels found", header, rows)
    identical_table(same)


def identical_table(same: list[tuple[str, str, float, dict[str, float]]]) -> None:
    """Our score and each of cleanlab's on the same probabilities."""
    if not same[0][3]:
        return
    keys = list(dict.fromkeys((name, kind) for name, kind, *_ in same))
    peers, rows, best, above = list(same[0][3]), [], 0, 0
    for key in keys:
        group = [each for each in same if each[:2] == key]
        own = float(np.mean([each[2] for each in group]))
        theirs = [float(np.mean([each[3][peer] for each in group])) for peer in peers]
        best += own >= max(theirs)
        above += own >= theirs[0]
        rows.append([*key, f"{own:.3f}", *(f"{value:.3f}" for value in theirs)])
    print_table("Identical probabilities, average precision", ["labels", "head", "ours", *peers], rows)
    print(f"At or above the best in {best} of {len(keys)}, at or above self_confidence in {above}.")


def suggestion_rate(each: Judged, first: int = 1000) -> float:
    """Among the wrong labels of the first items: how many suggestions are the right label."""
    order = np.argsort(-each.review.table.label_issue.to_numpy(), kind="stable")[:first]
    hits = order[each.wrong[order]]
    return float((each.review.table.suggested.to_numpy()[hits] == each.clean[hits]).mean())


def known_bad(size: int, home: Path) -> None:
    """At which rank each image comes that a person found fault with, with the labels as they are."""
    task = bears_tasks(1)[0]
    each = judge(task._replace(given=task.clean), size, home, default=False)
    order = each.review.table.sort_values("label_issue", ascending=False, kind="stable")
    rank = pd.Series(np.arange(1, len(order) + 1), index=order.path)
    verdicts = pd.read_csv(shared("bears").parent / "bears-verdicts.csv")
    verdicts["rank"] = verdicts.file.map(rank)
    rows = []
    for verdict, group in verdicts.groupby("verdict"):
        ranks = sorted(group["rank"].astype(int))
        rows.append([verdict, len(group), int(np.median(ranks)), ", ".join(map(str, ranks))])
    print_table(f"Known bad images among {len(order)} bears", ["verdict", "n", "median rank", "ranks"], rows)


def speed() -> None:
    """The ranking alone, and the sentences, for 50,000 items of 10 classes."""
    from bearwidgets.review import scores
    from bearwidgets.review.scores import reasons

    random = np.random.default_rng(0)
    probabilities = random.dirichlet(np.full(10, 0.2), 50_000).astype(np.float32)
    target, times = random.integers(0, 10, 50_000), []
    for _ in range(7):
        began = time.perf_counter()
        np.argsort(-scores.label_issue(probabilities, target), kind="stable")
        times.append(time.perf_counter() - began)
    began = time.perf_counter()
    reasons(probabilities, target, [str(number) for number in range(10)])
    said = time.perf_counter() - began
    print_table("50,000 × 10", ["ranking", "sentences"], [[f"{np.median(times):.3f} s", f"{said:.2f} s"]])


def ablation(tasks: list[tuple[Task, int]], home: Path) -> None:
    """AP of each score, without and with the correction of the head."""
    from bearwidgets.learn.head import linear_head as head
    from bearwidgets.review import scores

    def nearest(each: Judged) -> np.ndarray:
        from bearwidgets.review.neighbors import nearest

        contents = each.review.ds.table.set_index("id").content[each.review.table.index]
        index, _ = nearest(each.review.learn.features.array(list(contents)), 20)
        labels = np.eye(len(each.review.classes))[each.target]
        votes = labels[index].sum(1) + labels.mean(0)  # no label is impossible
        return votes / votes.sum(1, keepdims=True)

    def found(each: Judged, probabilities: np.ndarray, without: str) -> float:
        changes = {
            "temperature": ("_soften", lambda log, _target: log),
            "one way": ("_one_way", lambda p, _target: np.zeros((p.shape[1], p.shape[1]))),
            "class mean": ("CLASS_SHARE", 0.0),
        }
        if without == "all":
            return average_precision_score(each.wrong, -scores.log_margin(probabilities, each.target))
        with contextlib.ExitStack() as stack:
            if without:
                stack.enter_context(patch.object(scores, *changes[without]))
            return average_precision_score(each.wrong, scores.label_issue(probabilities, each.target))

    variants = ["", "temperature", "one way", "class mean", "all"]
    figures: dict[str, list[list[float]]] = {}
    for task, size in tasks:
        row: list[float] = []
        for rounds in (0, 1, 2):
            head.CORRECTIONS = rounds
            each = judge(task, size, home, default=False)
            row += [found(each, each.review.probabilities, without) for without in variants]
        row.append(found(each, nearest(each), ""))
        figures.setdefault(task.name, []).append(row)
        print(task.name, np.round(row, 3), file=sys.stderr, flush=True)
    names = [
        f"{rounds} corrections" + {"": "", "all": ", log-margin alone"}.get(name, f", without {name}")
        for rounds in (0, 1, 2)
        for name in variants
    ]
    print_table(
        "Ablation, average precision",
        ["labels", *names, "20 nearest"],
        [[name, *(f"{value:.3f}" for value in np.mean(rows, 0))] for name, rows in figures.items()],
    )


def networks(tasks: list[Task], home: Path) -> None:
    """AP of the ranking, and errors on the clean labels out of fold: each offline network, and the mean of both."""
    kinds: dict[str, dict[str, Any]] = {
        "efficientnet_lite0": {},
        "efficientnet_lite2": {"arch": "efficientnet_lite2"},
        "quality='best'": {"quality": "best"},
    }
    figures: dict[tuple[str, str], list[list[float]]] = {}
    for task in tasks:
        for kind, network in kinds.items():
            each = judge(task, None, home, default=False, **network)
            found = np.array(each.review.classes, dtype=object)[each.review.probabilities.argmax(1)]
            issue = each.review.table.label_issue.to_numpy()
            row = [average_precision_score(each.wrong, issue), float((found != each.clean).mean())]
            figures.setdefault((task.name, kind), []).append([len(found), *row])
            print(task.name, kind, np.round(row, 3), file=sys.stderr, flush=True)
    rows = []
    for (name, kind), group in figures.items():
        n, precision, error = np.mean(group, 0)
        rows.append([name, int(n), kind, f"{precision:.3f}", f"{error:.1%}"])
    print_table(
        "Networks", ["labels", "images", "network", "AP", "errors on clean labels, out of fold"], rows
    )


def sampled(task: Task, n: int) -> Task:
    """At most `n` of its images, always the same."""
    if n >= len(task.paths):
        return task
    rows = np.sort(np.random.default_rng(0).choice(len(task.paths), n, replace=False))
    return task._replace(
        paths=[task.paths[row] for row in rows], given=task.given[rows], clean=task.clean[rows]
    )


def save_curves(judged: list[Judged], path: Path) -> None:
    """Recall against the share reviewed: ours, the default head by self-confidence, a random order, an oracle."""
    from matplotlib.figure import Figure

    firsts = {each.task.name: each for each in reversed(judged)}
    names = list(dict.fromkeys(each.task.name for each in judged))
    figure = Figure(figsize=(3 * -(-len(names) // 2), 6), layout="constrained")
    axes = figure.subplots(2, -(-len(names) // 2), sharex=True, sharey=True, squeeze=False).ravel()
    shares = np.linspace(0, 1, 101)
    for axis in axes[len(names) :]:
        axis.set_axis_off()
    for axis, name in zip(axes, names, strict=False):
        each = firsts[name]
        confidence = each.default[np.arange(len(each.target)), each.target]
        orders = {"bearwidgets": each.review.table.label_issue.to_numpy(), "default head": -confidence}
        for label, score in orders.items():
            axis.plot(shares, [recall(score, each.wrong, share) for share in shares], label=label)
        axis.plot(shares, np.minimum(1, shares / each.wrong.mean()), "k:", linewidth=1, label="oracle")
        axis.plot(shares, shares, color="0.6", linewidth=1, label="random")
        axis.set_title(f"{name}, {each.wrong.mean():.0%} wrong", fontsize=10)
    axes[0].legend(fontsize=8, loc="lower right")
    figure.supxlabel("share of the images reviewed")
    figure.supylabel("share of the wrong labels found")
    figure.savefig(path)


def main() -> None:
    """Print the tables."""
    taken = parser(__doc__, peer_python=sys.executable, size=224, seeds=10)
    taken.add_argument("--curves", type=Path)
    taken.add_argument("--only", choices=["cifar10n", "bears"])
    taken.add_argument("--ablation", action="store_true")
    taken.add_argument("--networks", action="store_true")
    taken.add_argument("--limit", type=int, default=6000)
    taken.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    options = taken.parse_args()
    if options.child:
        peer_child(*options.child)
        return
    home = new_cache(keep=True)
    tasks = [] if options.only == "bears" else [(task, options.size) for task in cifar_tasks()]
    tasks += [] if options.only == "cifar10n" else [(task, 224) for task in bears_tasks(options.seeds)]
    if options.ablation:
        ablation(tasks, home)
        return
    if options.networks:
        networks([sampled(task, options.limit) for task, _ in tasks], home)
        return
    judged = []
    for task, size in tasks:
        judged.append(judge(task, size, home))
        issue = judged[-1].review.table.label_issue.to_numpy()
        print(
            task.name, f"{average_precision_score(judged[-1].wrong, issue):.3f}", file=sys.stderr, flush=True
        )
    compare(judged, options.peer_python)
    if options.only != "cifar10n":
        known_bad(224, home)
    speed()
    if options.curves:
        save_curves(judged, options.curves)


if __name__ == "__main__":
    main()
