"""One mark and one undo through the message handler of a Cleaner over 100,000 items: kernel time and how far it goes.

    python tests/benchmarks/mark.py [--items 100000] [--decisions 0,10000,50000] [--marks 200]

Nothing but the message and the journal takes part: no browser, no images. "Calls" are calls of functions of
bearwidgets for one mark; "rows" are the rows that were looked up by id (`Index.get_indexer`) or put into a new table.
"Processor" is the time that the kernel's thread worked, without waiting for the disk or for other programs.
The marks follow one another without a pause, so the manifest is written behind some of them, too.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import numpy as np
import pandas as pd
from common import middle_and_slow, parser, print_table
from made_data import write_images

import bearwidgets as bw

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PACKAGE = str(Path(bw.__file__).parent)
WARM_UP = 5
ACT = 50  # decisions that were made as one act


def made_up(n: int, folder: Path) -> bw.Dataset:
    """A data set of `n` items whose files are not there."""
    classes = ("black", "grizzly", "teddy")
    ds = bw.Dataset.from_folder(write_images(folder / "bears", dict.fromkeys(classes, 2)))
    ids = [f"{number:032x}" for number in range(n)]
    labels = [classes[number % 3] for number in range(n)]
    table = pd.DataFrame(
        {
            "id": ids,
            "path": [f"{label}/{number:06}.jpg" for number, label in enumerate(labels)],
            "label": labels,
            "split": np.where(np.arange(n) % 5, "train", "valid"),
            "width": 48,
            "height": 40,
            "content": ids,
        }
    )
    return replace(ds, table=table)


def decided_cleaner(n: int, decisions: int, folder: Path) -> bw.Cleaner:
    """A Cleaner with scores over `n` items, the last of which are decided."""
    ds = made_up(n, folder)
    probabilities = np.random.default_rng(0).dirichlet(np.ones(3), n).astype(np.float32)
    cleaner = bw.Cleaner(bw.Review.from_predictions(ds, probabilities, ds.classes))
    ids = ds.table.id.tolist()[n - decisions :]
    shown = {
        "predicted": "teddy",
        "confidence": 0.9,
        "loss": 2.5,
        "label_issue": 0.5,
        "rank_by": "label_issue",
    }
    for number, start in enumerate(range(0, decisions, ACT)):
        act = ids[start : start + ACT]
        seen = dict.fromkeys(act, shown)
        cleaner.journal.record(act, ("keep", "delete", "unsure")[number % 3], seen=seen)
    return cleaner


def counted(owner: Any, name: str, count: Callable[..., None]) -> Any:
    """Have `count` called with the arguments and the result of each call of a function."""
    real = getattr(owner, name)

    def call(*args: Any, **options: Any) -> Any:
        result = real(*args, **options)
        count(*args)
        return result

    return patch.object(owner, name, call)


class Work:
    """What requests cost: how often functions were called, files synced, rows looked up or tabulated."""

    def __init__(self) -> None:
        self.calls = self.syncs = self.rows = 0
        self._thread = threading.get_ident()

    @contextlib.contextmanager
    def counting(self) -> Iterator[None]:
        """Count what happens in the block, in this thread."""
        with (
            counted(os, "fsync", lambda _: self._add("syncs", 1)),
            counted(pd.Index, "get_indexer", lambda _, target, *_rest: self._add("rows", len(target))),
            counted(pd.DataFrame, "__init__", lambda frame, *_rest: self._add("rows", len(frame))),
        ):
            sys.setprofile(self._called)
            try:
                yield
            finally:
                sys.setprofile(None)

    def _add(self, name: str, n: int) -> None:
        if threading.get_ident() == self._thread:  # and not the manifest, which is written meanwhile
            setattr(self, name, getattr(self, name) + n)

    def _called(self, frame: Any, event: str, _argument: Any) -> None:
        self.calls += event == "call" and frame.f_code.co_filename.startswith(PACKAGE)


def ask(cleaner: bw.Cleaner, **fields: Any) -> dict[str, Any]:
    """Send one request as the view does; gives the result."""
    sent: list[Any] = []
    cleaner.send = lambda content, _buffers=None: sent.append(content)  # ty: ignore[invalid-assignment]
    cleaner._handle_custom_msg({"kind": "request", "id": 1, **fields}, [])
    reply = next(each for each in sent if each["kind"] == "reply")
    if not reply["ok"]:
        raise SystemExit(reply["error"])
    return reply["result"]


def measured(n: int, decisions: int, marks: int) -> list[str]:
    """One row of the table."""
    with tempfile.TemporaryDirectory(prefix="bearwidgets-mark-", ignore_cleanup_errors=True) as folder:
        cleaner = decided_cleaner(n, decisions, Path(folder))
        ids = cleaner.ds.table.id.tolist()
        ask(cleaner, op="hello")
        requests = [
            {"op": "mark", "ids": [ids[number]], "action": ("keep", "delete", "unsure")[number % 3]}
            for number in range(marks + WARM_UP)
        ]
        figures = []
        for batch in (requests, [{"op": "undo"}] * len(requests)):
            times, busy = [], []
            for request in batch:
                began, worked = time.perf_counter(), time.thread_time()
                if ask(cleaner, **request)["changed"] != 1:
                    raise SystemExit(f"{request} changed something else than one decision")
                times.append(1000 * (time.perf_counter() - began))
                busy.append(1000 * (time.thread_time() - worked))
            figures += [middle_and_slow(each[WARM_UP:], 1) for each in (times, busy)]
        work = Work()
        with work.counting():
            ask(cleaner, **requests[0])
        cleaner.journal.write_manifest()
    return [f"{decisions:,}", *figures, f"{work.calls:,}", f"{work.rows:,}", str(work.syncs)]


def main() -> None:
    """Measure, print."""
    options = parser(__doc__, items=100_000, decisions="0,10000,50000", marks=200).parse_args()
    rows = [measured(options.items, int(each), options.marks) for each in options.decisions.split(",")]
    header = ["decisions there", "mark, p50 / p95", "processor", "undo, p50 / p95", "processor"]
    header += ["calls", "rows", "syncs"]
    print_table(f"One mark at {options.items:,} items", header, rows)


if __name__ == "__main__":
    main()
