"""The estimate of the errors left, and the hint to stop, in simulated reviews of real rankings.

    python tests/benchmarks/review_yield.py [--size 224] [--seeds 10]

The sets of labels of `label_errors.py`. A reviewer who makes no mistake goes down the ranking; after every 25
decisions the figures that the Cleaner would show are compared with the truth.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from common import new_cache, parser, print_table
from label_errors import bears_tasks, cifar_tasks, judge

from bearwidgets.review.effect.running_yield import PAYS, WINDOW, review_yield


class Simulated(NamedTuple):
    """What the figures of one review were worth."""

    said: int
    held: int
    width: list[float]
    off: list[float]
    stop: int
    recall: float


def simulate(score: np.ndarray, wrong: np.ndarray) -> Simulated:
    """Review in the order of the score until everything is decided."""
    order = np.argsort(-score, kind="stable")
    when = np.empty(len(order))
    when[order] = np.arange(len(order))
    said, held, width, off, stop = 0, 0, [], [], 0
    for looked in range(WINDOW, len(order), WINDOW):
        changed = np.where(when < looked, wrong.astype(float), np.nan)
        shown = review_yield(score, changed, when)
        if shown.stop and not stop:
            stop = looked
        if shown.errors is None or shown.low is None or shown.high is None:
            continue
        left = int(wrong[order[looked:]].sum())
        said, held = said + 1, held + (shown.low <= left <= shown.high)
        width.append((shown.high - shown.low) / (len(order) - looked))
        off.append((shown.errors - left) / max(left, 10))
    found = wrong[order[: stop or len(order)]].sum()
    return Simulated(said, held, width, off, stop, float(found / wrong.sum()))


def main() -> None:
    """Print the table."""
    options = parser(__doc__, size=224, seeds=10).parse_args()
    home = new_cache(keep=True)
    found: dict[str, list[tuple[int, Simulated]]] = {}
    tasks = [(task, options.size) for task in cifar_tasks()]
    tasks += [(task, 224) for task in bears_tasks(options.seeds)]
    for task, size in tasks:
        each = judge(task, size, home, default=False)
        result = simulate(each.review.table.label_issue.to_numpy(), each.wrong)
        found.setdefault(task.name, []).append((len(each.wrong), result))
        print(task.name, result.held, result.said, result.stop, round(result.recall, 3), flush=True)
    header = ["labels", "estimates shown", "interval holds the truth", "its width, share of what is left",
              "estimate off by, median", "hint to stop after, share of all", "recall by then"]  # fmt: skip
    rows = []
    for name, group in found.items():
        results = [result for _, result in group]
        said = sum(result.said for result in results)
        rows.append(
            [
                f"{name} ({len(group)})" if len(group) > 1 else name,
                f"{said}",
                f"{sum(result.held for result in results) / max(said, 1):.2f}",
                f"{np.median(np.concatenate([result.width for result in results])):.3f}",
                f"{np.median(np.concatenate([result.off for result in results])):+.2f}",
                f"{np.mean([(result.stop or n) / n for n, result in group]):.2f}",
                f"{np.mean([result.recall for result in results]):.3f}",
            ]
        )
    print_table(f"Simulated reviews; the hint comes at {PAYS:.0%} finds", header, rows)


if __name__ == "__main__":
    main()
