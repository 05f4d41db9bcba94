"""A Cleaner over 100,000 items in a real JupyterLab: time to open, memory, scrolling, cells in the page, file size.

    python tests/benchmarks/large_grid.py [--items 100000] [--jumps 40]

The items are hard links to the 480 bears. A jump scrolls to a random place and ends with the frame in which every
tile in sight has its image; cold places are new, warm ones were visited before.
"""

from __future__ import annotations

import json
import os
import random
import time
from typing import TYPE_CHECKING

from common import bears_copy, middle_and_slow, open_lab, parser, print_table
from folder_to_grid import PAINTED

if TYPE_CHECKING:
    from pathlib import Path

SET_UP = """
import os, time, resource
os.environ["BEARWIDGETS_CACHE"] = {cache!r}
import numpy as np
import bearwidgets as bw
bw.Cleaner
ds = bw.Dataset.from_folder({folder!r})
rng = np.random.default_rng(0)
P = rng.dirichlet(np.ones(len(ds.classes)), len(ds)).astype("float32")
"""
OPEN = """
began = time.perf_counter()
review = bw.Review.from_predictions(ds, P, ds.classes); t_review = time.perf_counter() - began
began = time.perf_counter()
cleaner = bw.Cleaner(review); t_cleaner = time.perf_counter() - began
cleaner
"""
TELL = """
print(len(ds), t_review, t_cleaner, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20)
"""
JUMP = (
    """async ([share]) => {
  const painted = """
    + PAINTED
    + """;
  const grid = document.querySelector('.bw-grid');
  const began = performance.now();
  grid.scrollTop = share * (grid.scrollHeight - grid.clientHeight);
  const frame = () => new Promise(done => requestAnimationFrame(done));
  await frame();
  await frame();
  while (!painted() && performance.now() - began < 10000) await frame();
  return [performance.now() - began, document.querySelectorAll('.bw-cell').length];
}"""
)


def linked_items(bears: Path, n: int) -> Path:
    """A folder of `n` hard links to the bears."""
    folder = bears.parent / "many"
    files = sorted(bears.glob("*/*.jpg"))
    for label in {path.parent.name for path in files}:
        (folder / label).mkdir(parents=True)
    for number in range(n):
        source = files[number % len(files)]
        os.link(source, folder / source.parent.name / f"{number:06d}.jpg")
    return folder


def main() -> None:
    """Open, jump, save, print."""
    options = parser(__doc__, items=100_000, jumps=40).parse_args()
    folder = linked_items(bears_copy(), options.items)
    with open_lab() as lab:
        lab.open([SET_UP.format(folder=str(folder), cache=os.environ["BEARWIDGETS_CACHE"]), OPEN, TELL])
        before = len(json.dumps(lab.save()))
        lab.run_cell(0, timeout=600_000)
        began = time.perf_counter()
        lab.start_cell(1)
        lab.page.wait_for_function(PAINTED, timeout=60_000, polling="raf")
        painted = time.perf_counter() - began
        lab.run_cell(2)
        n, t_review, t_cleaner, memory = (float(each) for each in lab.text_of(2).split())
        places = [random.Random(number).random() for number in range(options.jumps)]  # noqa: S311
        cold = [lab.page.evaluate(JUMP, [place]) for place in places]
        warm = [lab.page.evaluate(JUMP, [place]) for place in reversed(places)]
        grown = len(json.dumps(lab.save())) - before
        lab.run_cell(2)
        after = float(lab.text_of(2).split()[3])
    opened = f"{t_cleaner:.2f} s (Review from given probabilities {t_review:.2f} s)"
    rows = [
        ["items", f"{n:,.0f}", ""],
        ["Cleaner opens, kernel time", opened, "< 1 s"],
        ["first images, from the start of the cell", f"{painted:.2f} s", ""],
        ["jump to a new place, p50 / p95", middle_and_slow([ms for ms, _ in cold]), "p95 < 300 ms"],
        ["jump to a visited place, p50 / p95", middle_and_slow([ms for ms, _ in warm]), "p95 < 100 ms"],
        ["cells in the page, most", f"{max(cells for _, cells in cold + warm)}", "< 300"],
        ["notebook file grows by, with the copy of the view", f"{grown / 1024:.1f} KB", "< 70 KB"],
        ["kernel memory, peak, at opening / after the jumps", f"{memory:.2f} / {after:.2f} GB", "< 1.5 GB"],
    ]
    print_table("A Cleaner over 100,000 items", ["what", "measured", "asked"], rows)


if __name__ == "__main__":
    main()
