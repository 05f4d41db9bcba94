"""Work for long in one process: pages, marks, and Cleaners that are made and dropped; how much memory stays.

    python tests/campaigns/soak.py [--pages 20000] [--marks 5000] [--cleaners 200]

Pages of 48 images and marks, every tenth undone, go to one Cleaner of 600 images; then Cleaners and ConfusionMatrices
of 20,000 items are made, asked, and dropped or, every second one, shown and closed. Right is: no request is refused,
and after the first tenth of each part memory grows by at most 100 MB.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import random
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import common
import numpy as np
import pandas as pd
from common import Tally
from made_data import write_images

from bearwidgets.data.dataset import Dataset
from bearwidgets.review.review import Review
from bearwidgets.widgets.cleaner.cleaner import Cleaner
from bearwidgets.widgets.inspect.confusion import ConfusionMatrix

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from bearwidgets.widgets.view import View

MOST = 100  # MB; a Cleaner of so many items that stayed would be 30
CLASSES = ("black", "grizzly", "teddy")
ITEMS = 20_000


def memory() -> float:
    """Resident memory of this process without what was given back to the allocator, MB."""
    gc.collect()
    with contextlib.suppress(AttributeError):  # another C library
        ctypes.CDLL(None).malloc_trim(0)
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def ask(view: View, op: str, **fields: Any) -> str:
    """Send a request; why it was refused, or ""."""
    heard: list[dict[str, Any]] = []
    view.send = lambda content, _buffers=None: heard.append(content)
    content = {"kind": "request", "id": 1, "op": op, **fields}
    view._handle_msg({"content": {"data": {"method": "custom", "content": content}}, "buffers": []})
    del view.send
    return next((each.get("error", "") for each in heard if each["kind"] == "reply"), "no reply")


def part(tally: Tally, name: str, runs: int, step: Callable[[int], str]) -> None:
    """Do one thing so often, and see what memory it leaves behind once all is warm."""
    for number in range(runs):
        if number == runs // 10:
            start = memory()
        tally.take(name, step(number))
    end = memory()
    print(f"{name:9} {start:6.0f} MB after a tenth, {end:6.0f} MB at the end")
    tally.take(f"memory of {name}", f"+{end - start:.0f} MB" if end - start > MOST else "")


def large_review(ds: Dataset) -> Review:
    """Scores of many items whose files are not there."""
    numbers = np.arange(ITEMS)
    ids = [f"{number:032x}" for number in numbers]
    table = pd.DataFrame({"id": ids, "content": ids, "label": np.array(CLASSES, dtype=object)[numbers % 3]})
    table = table.assign(
        path=table.label + "/" + table.id + ".jpg",
        split=np.where(numbers % 5, "train", "valid"),
        width=48,
        height=40,
    )
    chance = np.random.default_rng(0).dirichlet(np.ones(3), ITEMS).astype(np.float32)
    return Review.from_predictions(replace(ds, table=table), chance, ds.classes)


def soak(base: Path, options: argparse.Namespace, tally: Tally) -> None:
    """All three parts."""
    chance = random.Random(0)  # noqa: S311
    ds = Dataset.from_folder(write_images(base / "images", dict.fromkeys(CLASSES, 200)))
    cleaner = Cleaner(ds)
    ids = ds.table.id.tolist()
    review = large_review(Dataset.from_folder(write_images(base / "few", dict.fromkeys(CLASSES, 2))))

    def page(_number: int) -> str:
        start, px = chance.randrange(len(ids)), chance.choice([160, 320])
        return ask(cleaner, "page", revision=1, start=start, stop=start + 48, px=px)

    def mark(number: int) -> str:
        if number % 10 == 9:
            return ask(cleaner, "undo")
        action = chance.choice(["keep", "delete", "unsure", "clear"])
        return ask(cleaner, "mark", ids=chance.sample(ids, 3), action=action)

    def view(number: int) -> str:
        made = Cleaner(review) if number % 4 < 2 else ConfusionMatrix(review)
        problem = ask(made, "hello") or ask(made, "page", revision=1, start=0, stop=256, px=160, images=False)
        problem = problem or ask(made, "mark", ids=[f"{number:032x}"], action="keep")
        if number % 2:
            made._repr_mimebundle_()
            made.close()
        return problem

    part(tally, "pages", options.pages, page)
    part(tally, "marks", options.marks, mark)
    part(tally, "cleaners", options.cleaners, view)


def main() -> int:
    """Run from the command line."""
    tally, options = Tally("soak"), common.options(__doc__, pages=20_000, marks=5000, cleaners=200)
    with common.grounds() as folder:
        base = Path(folder)
        os.environ["BEARWIDGETS_CACHE"] = str(base / "cache")
        soak(base, options, tally)
    return tally.report()


if __name__ == "__main__":
    raise SystemExit(main())
