"""Two processes decide at the same time while a third applies and rolls back; then nothing may be lost or doubled.

    python tests/campaigns/two_processes.py [--decisions 1000] [--seed 0]

Right is: every decision that `record` took is a line of its own, in one order without a gap or damage; the memory of
both writers, and a fresh reading, say the same of every file; all images are there; nothing but errors of bearwidgets
is raised. Where an image is in the trash just then, or files are on the move for long, a refusal is right.
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import random
import warnings
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import common
from common import Tally, bag
from made_data import write_images

from bearwidgets.clean.journal import Journal
from bearwidgets.clean.log.encoding import decode
from bearwidgets.data.dataset import Dataset
from bearwidgets.errors import BadInputError, BearwidgetsError, ConflictError

if TYPE_CHECKING:
    from multiprocessing.queues import Queue
    from multiprocessing.synchronize import Barrier, Event

CHOICES = [("keep", None), ("unsure", None), ("delete", None), ("relabel", "teddy"), ("relabel", "panda")]


def decide(root: Path, name: str, n: int, seed: int, done: Barrier, answers: Queue[Any]) -> None:
    """Take `n` decisions, wait for all others to end, and tell what was taken and what is in force."""
    choose = random.Random(seed)  # noqa: S311 - no secret
    ds = Dataset.from_folder(root)
    journal = Journal.open(ds, by=name)
    ids, taken, problem = ds.table.id.tolist(), 0, ""
    try:
        for _ in range(n):
            try:
                taken += journal.record([choose.choice(ids)], *choose.choice(CHOICES))
            except BadInputError:  # it is in the trash just now
                continue
    except BearwidgetsError as error:
        problem = f"{name}: {error}"
    except Exception as error:  # noqa: BLE001 - that is what is looked for
        problem = f"{name}: RAW ERROR {error!r}"
    done.wait()
    answers.put((name, taken, problem, _said(journal)))


def apply(root: Path, end: Event, answers: Queue[Any]) -> None:
    """Apply and roll back in turn until the others are done."""
    rounds, problem = 0, ""
    warnings.simplefilter("ignore")
    try:
        while not end.is_set():
            journal = Journal.open(Dataset.from_folder(root), by="Cy")
            try:
                plan = None if rounds % 2 else journal.plan()  # the others decide while a plan is looked at
                with contextlib.suppress(ConflictError):
                    rounds += journal.apply(plan).round > 0
                rounds += journal.apply().round > 0
                journal.rollback()
            except (BearwidgetsError, FileNotFoundError) as error:
                if not isinstance(error, BearwidgetsError):
                    raise
        journal = Journal.open(Dataset.from_folder(root), by="Cy")
        while journal.standing:
            journal.rollback()
    except Exception as error:  # noqa: BLE001 - that is what is looked for
        problem = f"Cy: RAW ERROR {error!r}"
    answers.put(("Cy", rounds, problem, {}))


def _said(journal: Journal) -> dict[str, tuple[str, str | None]]:
    table = journal.decisions
    return dict(zip(table.index, zip(table.action, table.new_label, strict=True), strict=True))


def main() -> int:
    """Start them, count."""
    options = common.options(__doc__, decisions=1000, seed=0)
    tally, context = Tally("two processes"), multiprocessing.get_context("spawn")
    with common.grounds() as folder:
        root = write_images(Path(folder) / "bears", dict.fromkeys(("black", "grizzly", "teddy"), 10))
        images = bag(root)
        answers, done, end = context.Queue(), context.Barrier(3, timeout=1800), context.Event()
        writers = [
            context.Process(
                target=decide, args=(root, name, options.decisions, options.seed + at, done, answers)
            )
            for at, name in enumerate(("Ada", "Bo"))
        ]
        third = context.Process(target=apply, args=(root, end, answers))
        for each in (*writers, third):
            each.start()
        while done.n_waiting < len(writers) and all(each.is_alive() for each in writers):
            third.join(0.2)
        end.set()
        third.join()
        told = [answers.get()]
        done.wait()
        told += [answers.get() for _ in writers]
        _check(root, {name: rest for name, *rest in told}, tally, images)
    return tally.report()


def _check(root: Path, told: dict[str, list[Any]], tally: Tally, images: Counter[str]) -> None:
    fresh = Journal.open(Dataset.from_folder(root))
    lines = [decode(piece) for piece in fresh.path.read_bytes().splitlines()]
    written = Counter(line["by"] for line in lines if line["action"] not in {"apply", "rollback"})
    for name, (count, problem, said) in told.items():
        if name == "Cy":
            print(f"Cy applied and rolled back {count} rounds")
            tally.runs["a round applied and rolled back"] += count - 1
            tally.take("a round applied and rolled back", problem)
            continue
        tally.runs["a decision"] += count - 1
        tally.take("a decision", problem)
        tally.take(
            "lines", "" if written[name] == count else f"{name}: {written[name]} lines, {count} decisions"
        )
        tally.take("memory", "" if said == _said(fresh) else f"{name}: {json.dumps(said)} in memory")
    numbers = [line["seq"] for line in lines]
    tally.take("order", "" if numbers == list(range(1, len(lines) + 1)) else f"numbers {numbers}")
    tally.take("notes", "; ".join(fresh.notes))
    found = bag(*(each for each in root.iterdir() if each.name != ".bearwidgets"))
    tally.take("images", "" if found == images else f"{images - found} are gone, {found - images} are new")


if __name__ == "__main__":
    raise SystemExit(main())
