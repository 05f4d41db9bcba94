"""Folder → first painted grid on the 480 bears in a real JupyterLab, beside fastai's fine_tune(1) and cleaner.

    python tests/benchmarks/folder_to_grid.py [--runs 3]

Cold caches, after imports, same files, body and weights at 224 px, the two in turn. Ours is counted from the start
of the cell to the frame in which every tile in sight has its image; fastai's from the folder's table to the
cleaner's widget in the kernel, the browser not counted. The row "all checks" runs `find_issues` too, before the grid.
"""

from __future__ import annotations

import contextlib
import io
import time
from statistics import median
from typing import TYPE_CHECKING

from common import bears_copy, fastai_learner, new_folder, open_lab, parser, print_table

if TYPE_CHECKING:
    from pathlib import Path

SET_UP = """
import os, time
os.environ["BEARWIDGETS_CACHE"] = {cache!r}
import bearwidgets as bw
bw.Dataset, bw.Learner, bw.Review, bw.Cleaner
import torch; torch.nn.Linear(2, 2)(torch.zeros(1, 2))
"""
RUN = """
began = time.monotonic()
ds = bw.Dataset.from_folder({folder!r}, workspace={workspace!r}); t_folder = time.monotonic()
learn = bw.Learner(ds); learn.fine_tune(4, progress=False); t_train = time.monotonic()
issues = bw.find_issues(learn) if {checks} else None; t_checks = time.monotonic()
cleaner = bw.Cleaner(learn, issues=issues); t_cleaner = time.monotonic()
cleaner
"""
PARTS = ("table", "training", "checks", "cleaner")
PAINTED = """() => {
  const cells = [...document.querySelectorAll('.bw-cell')];
  const grid = document.querySelector('.bw-grid');
  if (!grid || !cells.length) return false;
  const box = grid.getBoundingClientRect();
  const seen = cells.filter(cell => {
    const place = cell.getBoundingClientRect();
    return place.height && place.bottom > box.top && place.top < box.bottom;
  });
  const painted = img => img && img.complete && img.naturalWidth;
  return seen.length > 0 && seen.every(cell => painted(cell.querySelector("img")));
}"""


def ours(folder: Path, *, checks: bool) -> dict[str, float]:
    """Seconds of each part, and of the whole as the browser sees it."""
    work = new_folder()
    with open_lab() as lab:
        run = RUN.format(folder=str(folder), workspace=str(work / "workspace"), checks=checks)
        told = "print(t_folder - began, t_train - t_folder, t_checks - t_train, t_cleaner - t_checks)"
        lab.open([SET_UP.format(cache=str(work / "cache")), run, told])
        lab.run_cell(0)
        began = time.monotonic()
        lab.start_cell(1)
        lab.page.wait_for_function(PAINTED, timeout=300_000, polling="raf")
        painted = time.monotonic() - began
        lab.run_cell(2)
        parts = [float(each) for each in lab.text_of(2).split()]
    return dict(zip(PARTS, parts, strict=True)) | {"painted": painted}


def fastai(folder: Path) -> dict[str, float]:
    """Seconds of fine_tune(1) and of building the cleaner."""
    import builtins

    from IPython.display import display

    builtins.display = display  # the cleaner takes it for granted, as a notebook has it
    from fastai.vision.widgets import ImageClassifierCleaner

    import bearwidgets as bw

    ds = bw.Dataset.from_folder(folder, workspace=new_folder())
    began = time.monotonic()
    learn = fastai_learner(ds.table, ds.root, 0)
    with learn.no_bar(), learn.no_logging():
        learn.fine_tune(1)
        trained = time.monotonic() - began
        with contextlib.redirect_stdout(
            io.StringIO()
        ):  # outside of a notebook it prints the names of its images
            ImageClassifierCleaner(learn)
    painted = time.monotonic() - began
    return {"training": trained, "cleaner": painted - trained, "painted": painted}


def main() -> None:
    """Alternate the two, print each run and the ratio of the medians."""
    options = parser(__doc__, runs=3).parse_args()
    folder = bears_copy()
    sides = {
        "bearwidgets": lambda: ours(folder, checks=False),
        "bearwidgets, all checks": lambda: ours(folder, checks=True),
        "fastai": lambda: fastai(folder),
    }
    painted: dict[str, list[float]] = {name: [] for name in sides}
    rows = []
    for number in range(options.runs):
        for name, measure in sides.items():
            figures = measure()
            painted[name].append(figures["painted"])
            cells = [f"{figures[key]:.2f} s" if key in figures else "" for key in (*PARTS, "painted")]
            rows.append([number, name, *cells])
            print(rows[-1], flush=True)
    middle = {name: median(seconds) for name, seconds in painted.items()}
    for name, seconds in middle.items():
        rows.append(["median", name, "", "", "", "", f"{seconds:.2f} s, {middle['fastai'] / seconds:.1f}×"])
    print_table("Folder → grid, 480 bears at 224 px", ["run", "what", *PARTS, "all"], rows)


if __name__ == "__main__":
    main()
