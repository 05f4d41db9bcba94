"""The confusion matrix in a real JupyterLab: 1,000 classes, then 100,000 images of which a cell is opened.

    python tests/benchmarks/confusion_view.py [--classes 1000] [--items 100000] [--acts 40]

Opening counts from the start of the cell to the second frame after the matrix says that it is drawn. An act is a real
key, wheel turn or mouse move; its time is the browser's own, from the input to the next frame that was painted
(Event Timing, in steps of 8 ms, 16 ms where the browser reports none). A cell's images count from the click to the
frame in which every tile in sight has its image.
"""

from __future__ import annotations

import os
import random
import time
from typing import Any

from common import bears_copy, middle_and_slow, open_lab, parser, print_table
from folder_to_grid import PAINTED
from large_grid import SET_UP, linked_items

COUNTS = """
import sys
import numpy as np
import bearwidgets as bw
sys.path.insert(0, {here!r})
from confusion import made_up
names = [f"class {{n:04}}" for n in range({classes})]
pairs = [[names[each] for each in one] for one in made_up({classes}, {items}, 0)]
confusion = bw.Confusion.from_predictions(*pairs, names)
confusion.find_groups(), confusion.per_class()  # imports SciPy
bw.ConfusionMatrix
"""
MATRIX = "bw.ConfusionMatrix(confusion)"
REVIEW = """
P[np.arange(len(P)), ds.table.label.astype("category").cat.codes.to_numpy()] += 0.3
review = bw.Review.from_predictions(ds, P / P.sum(1, keepdims=True), ds.classes)
len(review.table)
"""
GRID = "matrix = bw.ConfusionMatrix(review, split='all'); matrix"
READY = "document.querySelector('.bw-confusion')?.dataset.ready === 'true'"
WATCH = """() => {
  window.acts = [];
  new PerformanceObserver((list) => {
    for (const { interactionId, name, duration } of list.getEntries())
      if (interactionId || name === "wheel" || name === "pointermove") acts.push(duration);
  }).observe({ type: "event", durationThreshold: 16 });
}"""
FRAMES = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
SHOWN = (
    "async (before) => { const painted = "
    + PAINTED
    + """;
  const frame = () => new Promise((done) => requestAnimationFrame(done));
  const root = document.querySelector(".bw-cleaner");
  while ((root.dataset.revision === before || !painted()) && performance.now() - pressed < 10000) await frame();
  return performance.now() - pressed;
}"""
)


def opened(lab: Any, cell: int) -> float:
    """Seconds from the start of a cell to the painted matrix."""
    began = time.perf_counter()
    lab.start_cell(cell)
    lab.page.wait_for_function(READY, timeout=60_000, polling="raf")
    lab.page.evaluate(FRAMES)
    return time.perf_counter() - began


def reactions(lab: Any, acts: int) -> dict[str, list[float]]:
    """Milliseconds to the next painted frame of mouse moves, keys and wheel turns on the matrix."""
    page = lab.page
    box = page.locator(".bw-confusion canvas").first
    box.scroll_into_view_if_needed()
    place = box.bounding_box()
    draw = random.Random(0)  # noqa: S311
    page.evaluate(WATCH)

    def spot() -> tuple[float, float]:
        return (
            place["x"] + place["width"] * draw.uniform(0.3, 0.9),
            place["y"] + place["height"] * draw.uniform(0.3, 0.9),
        )

    def wheel() -> None:
        page.keyboard.down("Control")
        page.mouse.wheel(0, draw.choice([-120, 120]))
        page.keyboard.up("Control")

    kinds = {
        "mouse moves": lambda: page.mouse.move(*spot()),
        "arrow keys": lambda: page.keyboard.press(draw.choice(["ArrowRight", "ArrowDown", "ArrowLeft"])),
        "zoom keys": lambda: page.keyboard.press(draw.choice(["+", "+", "-"])),
        "wheel with Ctrl": wheel,
    }
    page.mouse.click(*spot())
    found = {}
    for kind, act in kinds.items():
        page.evaluate("() => { acts.length = 0; }")
        for _ in range(acts):
            act()
            page.wait_for_timeout(60)
        page.wait_for_timeout(300)
        slow = page.evaluate("() => acts")
        found[kind] = slow + [16.0] * max(0, acts - len(slow))
    return found


def cells_opened(lab: Any, acts: int) -> list[float]:
    """Milliseconds from a click on a cell to its painted images."""
    page = lab.page
    page.evaluate(
        "() => addEventListener('pointerdown', () => { window.pressed = performance.now(); }, true)"
    )
    canvas = page.locator(".bw-matrix-canvas")
    times = []
    for number in range(acts):
        canvas.scroll_into_view_if_needed()
        before = page.evaluate("document.querySelector('.bw-cleaner').dataset.revision")
        x, y, side = page.evaluate("JSON.parse(document.querySelector('.bw-matrix-box').dataset.place)")
        row, column = divmod(number % 9, 3)
        canvas.click(position={"x": x + (column + 0.5) * side, "y": y + (row + 0.5) * side})
        times.append(page.evaluate(SHOWN, before))
    return times


def main() -> None:
    """Open, act, print."""
    options = parser(__doc__, classes=1000, items=100_000, acts=40).parse_args()
    here = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 - a path for the kernel's text
    with open_lab() as lab:
        lab.open([COUNTS.format(here=here, classes=options.classes, items=options.items), MATRIX])
        lab.run_cell(0, timeout=120_000)
        seconds = opened(lab, 1)
        moved = reactions(lab, options.acts)
    folder = linked_items(bears_copy(), options.items)
    with open_lab() as lab:
        lab.open([SET_UP.format(folder=str(folder), cache=os.environ["BEARWIDGETS_CACHE"]), REVIEW, GRID])
        lab.run_cell(0, timeout=600_000)
        lab.run_cell(1, timeout=120_000)
        with_grid = opened(lab, 2)
        lab.page.wait_for_function(PAINTED, timeout=60_000)
        images = cells_opened(lab, 18)
    rows = [
        [f"{options.classes:,} classes: opens", f"{seconds:.2f} s", "< 1 s"],
        *([f"reacts: {kind}", middle_and_slow(each), "< 50 ms"] for kind, each in moved.items()),
        [f"{options.items:,} images: opens", f"{with_grid:.2f} s", ""],
        ["from a cell to its images", middle_and_slow(images), "< 300 ms"],
    ]
    print_table(
        "The confusion matrix in JupyterLab; median / 95th percentile", ["what", "measured", "asked"], rows
    )


if __name__ == "__main__":
    main()
