"""Kill the process at every step, and at any line, of all that changes a workspace; then open it again and look.

    python tests/campaigns/kill.py [--runs 1000] [--seed 0] [--only apply] [--stride 1]

First every step of every act (before each change of a file, and in the middle of each write), then lines at random
until `--runs` is reached. Acts that move files are tried with the trash on the same device, on another one
(`/dev/shm`), and with labels in a table; each without strangers and with other people's files that appear at the old
or new names of what moves: after the kill, or meanwhile with no kill at all. Half of the recoveries are killed, too.

Right is: no content is lost; without strangers names, bytes and times are those of before or of after the act, the
journal says the same, and going on leads to after and back to before; nothing but errors of bearwidgets is raised.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import common
from common import Tally, bag, child, digest
from made_data import write_images

from bearwidgets.clean import export as exports
from bearwidgets.clean.apply import moves
from bearwidgets.clean.journal import Journal
from bearwidgets.clean.log.manifest import ManifestWriter
from bearwidgets.data.dataset import Dataset
from bearwidgets.errors import BearwidgetsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MEMORY = Path("/dev/shm")  # noqa: S108 - looked for, not relied on
OLD = 1_500_000_000_123_456_789  # ns
DELETED, RELABELED, NEW_CLASS = "black/000.jpg", "grizzly/000.jpg", "black/001.jpg"
SOURCES = {"apply": (DELETED, RELABELED, NEW_CLASS), "rollback": ("panda/001.jpg", "teddy/000-2.jpg")}
TARGETS = {"apply": ("panda/001.jpg", "teddy/000-2.jpg"), "rollback": (DELETED, RELABELED, NEW_CLASS)}
STRANGERS = ("none", "source", "target", "both")
CHANGES = {
    f"os.{name}" for name in ("rename", "remove", "link", "mkdir", "rmdir", "utime", "chmod", "truncate")
}


@dataclass
class Ground:
    """One data folder with its workspace, made anew for each run from a template."""

    base: Path
    other: Path
    act: str
    layout: str = (
        "folder"  # or "across": the workspace is on another device; or "table": labels in a CSV file
    )

    @property
    def root(self) -> Path:
        return self.base / "data"

    @property
    def workspace(self) -> Path:
        return self.other / "ws" if self.layout == "across" else self.root / ".bearwidgets"

    @property
    def places(self) -> tuple[Path, Path]:
        return self.base, self.other

    def open(self) -> tuple[Any, Any]:
        if self.layout == "table":
            ds = Dataset.from_csv(self.root / "labels.csv", workspace=self.workspace)
        else:
            ds = Dataset.from_folder(self.root, workspace=self.workspace)
        return ds, Journal.open(ds, by="Ada")

    def renew(self) -> None:
        """The files as they are before the act."""
        for place in self.places:
            for each in place.iterdir():
                if each.is_file():
                    each.unlink()
                elif each.name != "template":
                    shutil.rmtree(each)
        for place in self.places:
            shutil.copytree(place / "template", place, dirs_exist_ok=True)

    def files(self) -> dict[str, tuple[bytes, int]]:
        """The data: names, bytes and times."""
        found = {}
        for each in sorted(self.root.rglob("*")):
            name = each.relative_to(self.root).as_posix()
            passing = (
                each.name.startswith(".bearwidgets-") and each.suffix == ".tmp"
            )  # the next write clears it
            if each.is_file() and not passing and not name.startswith(".bearwidgets/"):
                found[name] = each.read_bytes(), each.stat().st_mtime_ns
        return found


def prepare(ground: Ground) -> None:
    """The data, a journal with decisions, and what else the act needs, as the template."""
    write_images(ground.root, {"black": 2, "grizzly": 2, "teddy": 2}, size=(16, 16))
    files = sorted(ground.root.rglob("*.jpg"))
    for n, file in enumerate(files):
        os.utime(file, ns=(OLD, OLD + n))
    if ground.layout == "table":
        rows = [f"{each.relative_to(ground.root).as_posix()},{each.parent.name}\n" for each in files]
        (ground.root / "labels.csv").write_text("path,label\n" + "".join(rows))
    ds, journal = ground.open()
    ids = dict(zip(ds.table.path, ds.table.id, strict=True))
    journal.record([ids[DELETED]], "delete")
    journal.record([ids[RELABELED]], "relabel", "teddy")
    journal.record([ids[NEW_CLASS]], "relabel", "panda")
    journal.record([ids["teddy/000.jpg"]], "unsure")
    if ground.act == "rollback":
        journal.apply()
    if ground.act == "merge":
        theirs = Journal.open(Dataset.from_folder(ground.root, workspace=ground.base / "theirs"), by="Bea")
        theirs.record([ids["grizzly/001.jpg"], ids["teddy/001.jpg"]], "keep")
    for place in ground.places:
        (place / "template").mkdir()
        for each in list(place.iterdir()):
            if each.name != "template":
                each.rename(place / "template" / each.name)


def perform(ground: Ground) -> None:
    """The act itself."""
    if ground.act == "merge":
        Journal.merge(ground.workspace, ground.base / "theirs", ground.base / "merged", by="Ada")
        return
    ds, journal = ground.open()
    if ground.act == "export":
        exports.export(ds, journal, ground.base / "exported", "folder")
    elif ground.act == "mark":
        journal.record([ds.table.id.iloc[-1]], "keep")
    elif ground.act == "settle":
        journal.record(ds.table.id.tolist(), "keep")
    elif ground.act == "undo":
        journal.undo()
    elif ground.act == "apply":
        journal.apply()
    else:
        journal.rollback()


def state(ground: Ground) -> Any:
    """What the act changes, as a fresh process sees it."""
    if ground.act == "export":
        return sorted(bag(ground.base / "exported").items()) if (ground.base / "exported").exists() else None
    if ground.act == "merge":
        merged = ground.base / "merged"
        return said(Journal.open(merged)) if (merged / "journal.jsonl").exists() else None
    return said(ground.open()[1]), sorted(ground.files().items())


def said(journal: Any) -> list[tuple[Any, ...]]:
    return sorted(journal.decisions[["content", "action"]].itertuples(index=False, name=None))


def go_on(ground: Ground, after: Any, before: Any) -> str:
    """Do the act unless it was done, and undo it where it can be undone; what is not as it must be."""
    if state(ground) != after:
        perform(ground)
    if state(ground) != after:
        return "going on does not lead to the end of the act"
    if ground.act in SOURCES:
        _, journal = ground.open()
        _ = journal.rollback() if ground.act == "apply" else journal.apply()
        if ground.act == "apply" and state(ground) != before:
            return "a rollback does not lead back to the beginning"
    return ""


class Killer:
    """Counts steps, or lines, of the act and ends the process, or calls somebody else, at one of them."""

    def __init__(self, ground: Ground, at: int, then: Callable[[], None], *, lines: bool) -> None:
        self.count = 0
        self._places = tuple(map(str, ground.places))
        self._at, self._then = at, then
        os.fsync = lambda _: None
        ManifestWriter.touch = lambda _: None
        if lines:
            sys.settrace(self._trace)
            return
        sys.addaudithook(self._audit)
        write, rename, copy = os.write, moves.rename_new, shutil.copyfileobj

        def half_write(descriptor: int, data: Any) -> int:
            self.tick()
            if self.count + 1 == self._at:
                write(descriptor, bytes(data)[: len(data) // 2])
            self.tick()
            return write(descriptor, data)

        def half_copy(reading: Any, writing: Any, *size: int) -> None:
            if self.count + 1 == self._at:
                writing.write(reading.read(99))
                writing.flush()
            self.tick()
            copy(reading, writing, *size)

        def rename_new(source: Path, target: Path) -> bool:
            self.tick()
            done = rename(source, target)
            self.tick()
            return done

        os.write, shutil.copyfileobj, moves.rename_new = half_write, half_copy, rename_new

    def tick(self) -> None:
        self.count += 1
        if self.count == self._at:
            self._then()

    def _audit(self, event: str, values: tuple[Any, ...]) -> None:
        made = event == "open" and values[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        if (made or event in CHANGES) and str(values[0]).startswith(self._places):
            self.tick()

    def _trace(self, frame: Any, event: str, _value: object) -> Any:
        name = frame.f_code.co_filename
        if "bearwidgets" not in name or not ("clean" in name or name.endswith("files.py")):
            return None
        if event == "line":
            self.tick()
        return self._trace


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def put_strangers(ground: Ground, where: str) -> None:
    """Other people's files, at names that are free."""
    names = (SOURCES if where in {"source", "both"} else {}).get(ground.act, ())
    names += (TARGETS if where in {"target", "both"} else {}).get(ground.act, ())
    for name in names:
        file = ground.root / name
        if not file.exists():
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(f"a stranger at {name}".encode())
            with (ground.base / "strangers").open("a") as known:
                known.write(f"{digest(file)} {file.stat().st_size}\n")


def steps_of(
    ground: Ground, work: Callable[[], Any], at: int, then: Callable[[], None], *, lines: bool
) -> Any:
    """Run something in a process that is watched: exit status, and how many steps or lines there were."""

    def watched() -> int:
        killer = Killer(ground, at, then, lines=lines)
        try:
            work()
        except BearwidgetsError:  # strangers may stand in the way
            pass
        finally:
            sys.settrace(None)
        return killer.count

    return child(watched)


class Campaign:
    """All runs of one act on one ground."""

    def __init__(self, ground: Ground, tally: Tally) -> None:
        self.ground, self.tally = ground, tally
        for place in ground.places:
            place.mkdir(parents=True, exist_ok=True)
        _done(child(lambda: prepare(ground)))
        ground.renew()
        self.before = _done(child(lambda: state(ground)))
        self.contents = {each: n for place in ground.places for each, n in sizes(place / "template").items()}
        self.n_steps = self._count(lines=False)
        self.n_lines = self._count(lines=True)
        self.after = _done(child(lambda: state(ground)))

    def _count(self, *, lines: bool) -> int:
        self.ground.renew()
        return _done(steps_of(self.ground, lambda: perform(self.ground), 0, die, lines=lines))

    def run(
        self,
        at: int,
        *,
        lines: bool = False,
        strangers: str = "none",
        meanwhile: bool = False,
        again: int = 0,
    ) -> None:
        """Kill at a step or line, or have strangers come at it; kill the recovery at its step `again`, if given."""
        ground = self.ground
        ground.renew()
        then = (lambda: put_strangers(ground, strangers)) if meanwhile else die
        steps_of(ground, lambda: perform(ground), at, then, lines=lines)
        put_strangers(ground, strangers)
        if again:
            steps_of(ground, ground.open, again, die, lines=False)
        status, found = child(lambda: self.look(strangers))
        kind = f"{ground.act}, {ground.layout}" + (", strangers" if strangers != "none" else "")
        problem = found if isinstance(found, str) else f"ended with {status}"
        lost = self.lost()
        if lost:
            problem = f"{lost} bytes lost. {problem}"
        told = f"{'line' if lines else 'step'} {at}, strangers {strangers}, meanwhile {meanwhile}, again {again}: "
        self.tally.take(kind, told + problem if problem else "", bytes_lost=lost)

    def look(self, strangers: str) -> str:
        ground = self.ground
        try:
            now = state(ground)
            if strangers != "none":
                return ""
            if now not in (self.before, self.after):
                return "neither as before nor as after"
            problem = go_on(ground, self.after, self.before)
        except BearwidgetsError as error:
            return "" if strangers != "none" else f"{type(error).__name__}: {error}"
        parts = [str(each) for place in ground.places for each in place.rglob("*.part")]
        parts += [str(each) for each in ground.root.glob(".bearwidgets-*.tmp")]
        return problem or (f"left: {parts}" if parts else "")

    def lost(self) -> int:
        """Bytes of images and strangers that are nowhere any more."""
        known = self.ground.base / "strangers"
        put = dict(line.split() for line in known.read_text().splitlines()) if known.exists() else {}
        there = bag(
            *(each for place in self.ground.places for each in place.iterdir() if each.name != "template")
        )
        every = {**self.contents, **{content: int(n) for content, n in put.items()}}
        return sum(n for content, n in every.items() if content not in there)


def sizes(place: Path) -> dict[str, int]:
    """Content and size of each image below a folder."""
    return {digest(each): each.stat().st_size for each in place.rglob("*.jpg")}


def warm_up(base: Path) -> None:
    """Have all modules loaded before the first fork; the cache of this process is not that of its children."""
    os.environ["BEARWIDGETS_CACHE"] = str(base / "cache-of-parent")
    ManifestWriter.touch = lambda _: None
    ground = Ground(base / "warm", base / "warm-other", "apply")
    for place in ground.places:
        place.mkdir()
    prepare(ground)
    ground.renew()
    perform(ground)
    state(ground)
    os.environ["BEARWIDGETS_CACHE"] = str(base / "cache")


def _done(answer: tuple[int, Any]) -> Any:
    status, value = answer
    if status:
        raise SystemExit(f"The campaign itself failed ({status}): {value}")
    return value


ACTS = ("mark", "undo", "settle", "apply", "rollback", "export", "merge")


def campaigns(base: Path, other: Path, tally: Tally, only: str = "") -> Iterator[Campaign]:
    for act in ACTS:
        for layout in ("folder", "across", "table") if act in SOURCES else ("folder",):
            if not only or act == only:
                name = f"{act}-{layout}"
                yield Campaign(Ground(base / name, other / name, act, layout), tally)


def every_step(campaign: Campaign, chance: random.Random, stride: int) -> None:
    """Kill at each step, or each so many steps; with strangers where files move."""
    moved = campaign.ground.act in SOURCES
    for at in range(chance.randint(1, stride), campaign.n_steps + 1, stride):
        for strangers in STRANGERS if moved and stride == 1 else ("none",):
            campaign.run(at, strangers=strangers, again=chance.choice([0, chance.randint(1, 40)]))
        if moved:
            campaign.run(at, strangers=chance.choice(STRANGERS[1:]), meanwhile=True)


def main() -> int:
    """Run from the command line; with a stride only every so many steps are the last."""
    options = common.options(__doc__, runs=1000, seed=0, stride=1, only="")
    chance, tally = random.Random(options.seed), Tally("kill")  # noqa: S311
    with common.grounds() as folder, common.grounds(MEMORY) as other_folder:
        base, other = Path(folder).resolve(), Path(other_folder)
        warm_up(base)
        every = list(campaigns(base, other, tally, options.only))
        for each in every:
            every_step(each, chance, options.stride)
        while tally.runs.total() < options.runs:
            each = chance.choice(every)
            strangers = chance.choice(STRANGERS) if each.ground.act in SOURCES else "none"
            again = chance.choice([0, chance.randint(1, 40)])
            each.run(chance.randint(1, each.n_lines), lines=True, strangers=strangers, again=again)
    return tally.report()


if __name__ == "__main__":
    raise SystemExit(main())
