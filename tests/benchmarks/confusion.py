"""The numbers behind a confusion matrix of many classes: ms for each, and bytes.

    python tests/benchmarks/confusion.py [--classes 1000] [--items 100000] [--runs 5]

Classes are in groups of eight; a fifth of the predictions is wrong, two thirds of them within the group. A matrix of
a review has the chance that each label is wrong, which the first call works out and the review keeps. Times are after
a first call, which imports.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from common import middle_and_slow, parser, print_table

from bearwidgets.review.confusion import Confusion
from bearwidgets.review.confusion_difference import ConfusionDifference
from bearwidgets.review.review import Review

if TYPE_CHECKING:
    from collections.abc import Callable

GROUP = 8
REVIEWED = 100  # classes of the review: its probabilities are the larger part of the memory


def made_up(classes: int, items: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels and predictions (items,) as class numbers."""
    random = np.random.default_rng(seed)
    actual = np.arange(items) % classes
    near = actual // GROUP * GROUP + random.integers(0, GROUP, items)
    wrong = np.where(
        random.random(items) < 2 / 3, np.minimum(near, classes - 1), random.integers(0, classes, items)
    )
    return actual, np.where(random.random(items) < 0.2, wrong, actual)


def reviewed(items: int) -> Review:
    """A review with probabilities drawn at random around the labels."""
    random = np.random.default_rng(0)
    actual, predicted = made_up(REVIEWED, items, 0)
    p = random.random((items, REVIEWED), dtype=np.float32)
    p[np.arange(items), predicted] += 5 * REVIEWED
    names = [f"class {number:04}" for number in range(REVIEWED)]
    table = pd.DataFrame({"label": [names[each] for each in actual]})
    table["split"] = np.where(np.arange(items) % 5, "train", "valid")
    return Review.from_predictions(table, p / p.sum(1, keepdims=True), names)


def timed(work: Callable[[], Any], runs: int) -> str:
    """Median and slowest of some runs after a first one."""
    work()
    times = []
    for _ in range(runs):
        began = time.perf_counter()
        work()
        times.append(1000 * (time.perf_counter() - began))
    return middle_and_slow(times, 1)


def main() -> None:
    """Measure, print."""
    options = parser(__doc__, classes=1000, items=100_000, runs=5).parse_args()
    names = [f"class {number:04}" for number in range(options.classes)]
    drawn = [made_up(options.classes, options.items, seed) for seed in (0, 1)]
    labels = [[[names[each] for each in one] for one in pair] for pair in drawn]
    ids = range(options.items)
    first, second = (Confusion.from_predictions(*pair, names, ids=ids) for pair in labels)
    groups = first.find_groups()
    review = reviewed(options.items)
    Confusion.of(review)
    work: dict[str, Callable[[], Any]] = {
        "from names of labels and predictions": lambda: Confusion.from_predictions(
            *labels[0], names, ids=ids
        ),
        f"of a review of {REVIEWED} classes, one split": lambda: Confusion.of(review, "valid"),
        "rates, by row": lambda: first.to_frame("actual"),
        "figures of each class with intervals": first.per_class,
        "the most confused pairs": first.most_confused,
        "order by most confused": lambda: first.order("most confused"),
        "order by similarity": lambda: first.order("similarity"),
        f"groups found ({len(groups)})": first.find_groups,
        "folded": lambda: first.fold(groups),
        "the items of a cell": lambda: first.ids(names[0], names[1]),
        "difference of two on the same items": lambda: ConfusionDifference.of(first, second),
        "difference of two on others": lambda: ConfusionDifference.of(first, second, paired=False),
    }
    rows = [[name, timed(each, options.runs)] for name, each in work.items()]
    assert first.items is not None
    held = first.counts.nbytes + first.items.actual.nbytes + first.items.predicted.nbytes
    rows.append(["memory of counts and class numbers", f"{held / 2**20:.1f} MiB"])
    title = f"{options.classes:,} classes, {options.items:,} items; median and slowest of {options.runs}"
    print_table(title, ["", "time"], rows)


if __name__ == "__main__":
    main()
