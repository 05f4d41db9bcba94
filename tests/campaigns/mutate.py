"""Damage each file of a workspace in every way, open it again, and see whether anything changed without a word.

    python tests/campaigns/mutate.py [--runs 3000] [--seed 0] [--only journal.jsonl]

The workspace has decisions, bulk acts, an undo, copies, a frozen exam, a round that stands and one that was rolled
back. A run changes one file (bits, cuts, swaps, JSON values of other types, an empty file, none), opens data set and
journal, decides, and rolls the standing round back. Outcomes: the same as without damage; told (a warning or a note);
refused in a sentence. A silent change, an error that is none of bearwidgets', or a lost image is a failure.
"""

from __future__ import annotations

import json
import random
import shutil
import traceback
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import common
from common import Tally, bag
from made_data import write_images

from bearwidgets.clean.journal import Journal
from bearwidgets.clean.log.manifest import ManifestWriter
from bearwidgets.data.dataset import Dataset
from bearwidgets.errors import BearwidgetsError

if TYPE_CHECKING:
    from collections.abc import Callable

VALUES: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    2,
    10**30,
    1e999,
    "",
    "x",
    "../../x",
    "\ud800",
    [],
    [[]],
    {},
    {"a": 1},
)


OUTCOMES = ("same", "told", "refused", "SILENT CHANGE", "RAW ERROR", "IMAGE LOST")


def prepare(root: Path) -> None:
    """A data folder with a workspace that has something of everything."""
    write_images(root, {"black": 5, "grizzly": 5, "teddy": 5})
    for copy in ("grizzly/copy.jpg", "teddy/copy.jpg"):
        shutil.copy2(root / "black/000.jpg", root / copy)
    ds = Dataset.from_folder(root)
    ds.freeze_exam()
    journal = Journal.open(ds, by="Ada")
    id_of = ds.table.set_index("path").id
    journal.record(id_of[["black/001.jpg", "teddy/copy.jpg"]].tolist(), "delete")
    journal.record([id_of["grizzly/001.jpg"]], "relabel", "black")
    journal.apply()
    journal.rollback(1)
    journal.record(id_of[["black/002.jpg", "black/003.jpg", "black/004.jpg"]].tolist(), "unsure")
    journal.record([id_of["teddy/001.jpg"]], "delete")
    journal.undo()
    journal.record([id_of["black/001.jpg"]], "clear")
    journal.apply()
    ds = ds.reread()
    journal = Journal.open(ds, by="Bo")
    id_of = ds.table.set_index("path").id
    journal.record([id_of["teddy/002.jpg"]], "delete")
    journal.record([id_of["grizzly/copy.jpg"]], "relabel", "teddy")
    journal.record([id_of["grizzly/copy.jpg"]], "clear")
    journal.record([id_of["teddy/003.jpg"]], "keep")
    journal.write_manifest()


def look(root: Path) -> tuple[list[Any], list[str]]:
    """What the data set and its journal say now and after going on, and everything that was told."""
    told: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        ds = Dataset.from_folder(root)
        journal = Journal.open(ds, by="Cy")
        if journal.recovered:
            ds = ds.reread()
            journal = Journal.open(ds, by="Cy")
        state = [_state(ds, journal)]
        told += [*ds.notes, *journal.notes]
        journal.record([ds.table.set_index("path").id["black/004.jpg"]], "keep")
        journal.undo()
        if journal.standing:
            told += journal.rollback().notes
            ds = ds.reread()
            journal = Journal.open(ds, by="Cy")
        told += journal.notes
        state.append(_state(ds, journal))
    return state, sorted({*told, *(str(each.message) for each in caught)})


def _state(ds: Dataset, journal: Journal) -> Any:
    paths = dict(zip(ds.table.id, ds.table.path, strict=True))
    decided = sorted(
        (paths.get(id_, row.path), row.action, row.new_label, row.decided_by)
        for id_, row in journal.decisions.iterrows()
    )
    exam = ds.exam
    return (
        decided,
        journal.standing,
        [len(each) for each in (journal.rounds, ds)],
        dict(zip(ds.table.path, ds.table.split, strict=True)),
        exam and dict(exam.items),
    )


def flip(data: bytes, choose: random.Random) -> bytes:
    """One bit."""
    changed = bytearray(data)
    changed[choose.randrange(len(data))] ^= 1 << choose.randrange(8)
    return bytes(changed)


def cut(data: bytes, choose: random.Random) -> bytes:
    """The end is lost, or some bytes in the middle."""
    start, end = sorted(choose.choices(range(len(data) + 1), k=2))
    return data[:start] + (data[end:] if choose.random() < 0.5 else b"")


def zero(data: bytes, choose: random.Random) -> bytes:
    """A block that reads as zeros."""
    start = choose.randrange(len(data))
    return data[:start] + bytes(min(64, len(data) - start)) + data[start + 64 :]


def swap(data: bytes, choose: random.Random) -> bytes:
    """Two lines change places, or one is there twice, or one is lost."""
    lines = data.splitlines(keepends=True)
    one, other = choose.randrange(len(lines)), choose.randrange(len(lines))
    kind = choose.randrange(3)
    if kind == 0:
        lines[one], lines[other] = lines[other], lines[one]
    elif kind == 1:
        lines.insert(other, lines[one])
    else:
        del lines[one]
    return b"".join(lines)


def value(data: bytes, choose: random.Random) -> bytes:
    """A value in the JSON, anywhere, becomes another one; or a field is lost."""
    lines = data.splitlines(keepends=True)
    at = choose.randrange(len(lines))
    try:
        tree = json.loads(data)
        lines, at = [data], 0
    except ValueError:
        try:
            tree = json.loads(lines[at])
        except ValueError:
            return flip(data, choose)
    where = list(_places(tree))
    holder, key = choose.choice(where)
    if choose.random() < 0.2:
        del holder[key]
    else:
        holder[key] = choose.choice(VALUES)
    lines[at] = json.dumps(tree).encode() + b"\n"
    return b"".join(lines)


def _places(tree: Any) -> Any:
    for key in list(tree) if isinstance(tree, dict) else range(len(tree)):
        yield tree, key
        if isinstance(tree[key], (dict, list)):
            yield from _places(tree[key])


def empty(_data: bytes, _choose: random.Random) -> bytes:
    """Nothing is left."""
    return b""


def deep(_data: bytes, _choose: random.Random) -> bytes:
    """JSON that is nested too deeply."""
    return b"[" * 100_000 + b"]" * 100_000


KINDS: tuple[tuple[Callable[[bytes, random.Random], bytes], int], ...] = (
    (flip, 30),
    (value, 40),
    (cut, 15),
    (swap, 15),
    (zero, 5),
    (empty, 1),
    (deep, 1),
)


def run(
    template: Path, root: Path, name: str, choose: random.Random, expected: Any, base: list[str]
) -> tuple[str, str]:
    """One run: the kind of change, and the outcome."""
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(template, root)
    file = root / ".bearwidgets" / name
    data = file.read_bytes()
    kind = choose.choices([each for each, _ in KINDS], [weight for _, weight in KINDS])[0]
    lost = not data or choose.random() < 0.01
    if lost:
        file.unlink()
    else:
        file.write_bytes(kind(data, choose))
    what = "lost" if lost else kind.__name__
    try:
        state, told = look(root)
    except BearwidgetsError as error:
        return what, f"refused: {error}"
    except Exception:  # noqa: BLE001 - that is what is looked for
        return what, f"RAW ERROR {traceback.format_exc(limit=-3)}"
    if gone := _images(template) - _images(root):
        return what, f"IMAGE LOST {gone}"
    if state != expected:
        return what, "told" if told != base else f"SILENT CHANGE {_difference(state, expected)}"
    return what, "told" if told != base else "same"


def _images(root: Path) -> set[str]:
    places = [each for each in root.iterdir() if each.name != ".bearwidgets"]
    return set(bag(*places, root / ".bearwidgets" / "trash"))


def _difference(state: list[Any], expected: list[Any]) -> str:
    pairs = [
        (one, other) for a, b in zip(state, expected, strict=True) for one, other in zip(a, b, strict=True)
    ]
    return "; ".join(f"{one} in place of {other}" for one, other in pairs if one != other)[:500]


def main() -> int:
    """Prepare, damage, count."""
    options = common.options(__doc__, runs=3000, seed=0, only="")  # part of the names of the files to damage
    ManifestWriter.touch = lambda _self: None  # ty: ignore[invalid-assignment] - it would write behind the runs
    tally, outcomes = Tally("mutate"), Tally("")
    choose = random.Random(options.seed)  # noqa: S311 - no secret
    with common.grounds() as folder:
        template, root = Path(folder) / "template" / "bears", Path(folder) / "run" / "bears"
        prepare(template)
        shutil.copytree(template, root)
        expected, base = look(root)
        space = template / ".bearwidgets"
        names = sorted(
            each.relative_to(space).as_posix()
            for each in space.rglob("*")
            if each.is_file() and "trash" not in each.parts and options.only in each.name
        )
        weights = [8 if name == "journal.jsonl" else 4 if name == "exam.json" else 1 for name in names]
        for _ in range(options.runs):
            name = choose.choices(names, weights)[0]
            what, outcome = run(template, root, name, choose, expected, base)
            outcomes.runs[next(each for each in OUTCOMES if outcome.startswith(each))] += 1
            tally.take(f"{name} {what}", outcome if outcome[:3].isupper() else "")
    print(", ".join(f"{n} {outcome}" for outcome, n in sorted(outcomes.runs.items())))
    return tally.report()


if __name__ == "__main__":
    raise SystemExit(main())
