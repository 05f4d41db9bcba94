"""A round on disk: its write-ahead plan, the moves it stands for, and the way back.

A round that did not come to its end is always taken back, never completed: whoever finds it later finds the files as
they were before, and the decisions still pending. The plan is on disk before the first file moves; how far the moves
came is read off the files themselves (see `moves`), so nothing can contradict them.

`rounds/NNNN/` holds plan.json (the moves) and a copy of it, receipt.json (the state, see `data.workspace`),
manifest.csv (the decisions carried out) and, if labels live in a CSV file, labels-before.csv. Without a receipt, the
round was being applied when its process died.
"""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import asdict, dataclass, field
from types import NoneType
from typing import TYPE_CHECKING, Any

from bearwidgets.clean.apply.free_names import inside
from bearwidgets.clean.apply.labels import edit_labels, frame_labels
from bearwidgets.clean.apply.moves import FileMove, Move, move, put_back, wrong
from bearwidgets.data.actions import RELABEL
from bearwidgets.data.identity import hash_bytes
from bearwidgets.data.workspace import PLANS, read_object
from bearwidgets.errors import ConflictError, WorkspaceError
from bearwidgets.files import checked, patiently, sync_folder, write_atomic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from bearwidgets.clean.apply.labels import Row
    from bearwidgets.clean.apply.paths import DataPaths

_VERSION = 1
_TEXTS, _NUMBERS = ("id", "action", "label", "path", "target", "content"), ("seq", "size", "mtime_ns")
_MOVE = {**dict.fromkeys(_TEXTS, str), **dict.fromkeys(_NUMBERS, int), "new_label": (str, NoneType)}
_LABELS = {"before": (str, NoneType), "after": str}


@dataclass
class LabelChange:
    """The hashes of the label file before and after a round; before is None if the round made the file."""

    before: str | None
    after: str


@dataclass
class Round:
    """One round's folder and what its plan.json says.

    Attributes:
        paths: Where the files of the data set lie.
        number: The round.
        moves: What happens to which file.
        source: What the labels came from when it was applied: "folder", "csv" or "df".
        made: Folders below the data root that the round makes, outermost first.
        labels: The change to the label file, if there is one.
        step: Is told each step before it is taken.
    """

    paths: DataPaths
    number: int
    moves: Sequence[Move]
    source: str
    made: list[str] = field(default_factory=list)
    labels: LabelChange | None = None
    step: Callable[[str], None] = lambda _: None

    @property
    def folder(self) -> Path:
        """rounds/NNNN."""
        return self.paths.round_folder(self.number)

    @classmethod
    def read(cls, paths: DataPaths, number: int, step: Callable[[str], None]) -> Round:
        """Read plan.json, or its copy if that is damaged.

        Raises:
            WorkspaceError: Neither is there and can be understood.
        """
        files = [paths.round_folder(number) / name for name in PLANS]
        for plan in filter(None, map(read_object, files)):
            if plan.pop("hash", None) not in (None, _plan_hash(plan)):
                continue
            version = plan.get("v")
            if type(version) is int and version > _VERSION:
                raise WorkspaceError(
                    f"{files[0]} was written by a newer bearwidgets. Upgrade with: pip install -U bearwidgets"
                )
            with contextlib.suppress(ValueError, KeyError, TypeError):
                labels = LabelChange(**checked(plan["labels"], _LABELS)) if plan["labels"] else None
                moves = [Move(**checked(row, _MOVE)) for row in plan["moves"]]
                made, source = [str(each) for each in plan["made"]], str(plan["source"])
                round_ = cls(paths.of_round(source), number, moves, source, made, labels, step)
                if version == _VERSION:
                    return round_
        there = [str(each) for each in files if each.exists()]
        what = f"{' and '.join(there)} cannot be read or understood" if there else f"there is no {files[0]}"
        raise WorkspaceError(
            f"Round {number} has no plan, so it cannot be rolled back: {what}. {paths.workspace / 'trash'} holds the"
            f" images that it deleted, and {files[0].parent / 'manifest.csv'} lists what it did."
        )

    def check_paths(self) -> None:
        """Look at every path of the plan before any is used.

        Raises:
            WorkspaceError: One leads out of the data folder or the workspace.
        """
        try:
            for path in self.made:
                inside(self.paths.root, path)
            for _ in self.file_moves():
                pass
        except ConflictError as error:
            raise WorkspaceError(f"Round {self.number} cannot be taken back: {error}") from error

    def note(self, state: str, at: str, by: str, left: Sequence[str] = ()) -> None:
        """Write receipt.json; `left` says what could not be brought back."""
        self.step(f"receipt: {state}")
        receipt = {
            "v": _VERSION,
            "round": self.number,
            "state": state,
            "at": at,
            "by": by,
            "moves": len(self.moves),
            "left": list(left),
        }
        write_atomic(self.folder / "receipt.json", _json(receipt))

    def begin(self, at: str, by: str, manifest: bytes, rows: Iterable[Row]) -> bytes | None:
        """Make the folder and put the plan on disk, before anything else changes.

        Args:
            at: The time.
            by: Who applies.
            manifest: The decisions that the round carries out.
            rows: Of every item path, label, split, content and the frame's label, where labels came as a DataFrame.

        Returns:
            The new bytes of the label file, if there is one.

        Raises:
            ConflictError: The label file is not the table it was.
            OSError: The system refused.
        """
        self.step("make folder")
        self.folder.mkdir(parents=True)
        sync_folder(self.folder.parent)
        new = self._plan_labels(rows)
        self.made = self._missing_folders()
        write_atomic(self.folder / "manifest.csv", manifest)
        plan = {
            "v": _VERSION,
            "round": self.number,
            "time": at,
            "by": by,
            "source": self.source,
            "made": self.made,
            "labels": asdict(self.labels) if self.labels else None,
            "moves": [asdict(each) for each in self.moves],
        }
        self.step("write plan")
        for name in PLANS:
            write_atomic(self.folder / name, _json({**plan, "hash": _plan_hash(plan)}))
        return new

    def carry_out(self, new_labels_: bytes | None) -> None:
        """Move every file, then replace the label file, and make it last.

        Raises:
            ConflictError: A file changed or appeared since the plan.
            OSError: The system refused.
        """
        files = list(self.file_moves())
        for each in files:
            try:
                move(each, self.step)
            except FileExistsError as error:
                taken = error.filename2 or error.filename or each.target
                raise ConflictError(f"A file appeared at {taken} since the plan was made.") from error
        file = self.paths.labels
        if new_labels_ is not None and file is not None:
            if self.labels is not None and _hash(file) != self.labels.before:
                raise ConflictError(f"{file} was changed a moment ago, so its labels were not replaced.")
            self.step("replace labels")
            write_atomic(file, new_labels_, like=file.stat() if file.exists() else None)
        self.step("sync folders")
        for folder in {folder for each in files for folder in (each.source.parent, each.target.parent)}:
            sync_folder(folder)

    def obstacles(self) -> list[str]:
        """Why the round cannot be rolled back as a whole, files that are back already aside; nothing is changed."""
        if self.source != self.paths.source:
            return [f"it was applied to labels from a {self.source}; open the data set that way"]
        found = []
        for each in self.file_moves():
            if os.path.lexists(each.source):
                if wrong(each.source, each.content):
                    found.append(f"a file is in the way at {each.source}")
            elif reason := wrong(each.target, each.content):
                found.append(reason)
        file = self.paths.labels
        if self.labels and file is not None and _hash(file) not in {self.labels.before, self.labels.after}:
            found.append(
                f"{file} was changed since; the one before is kept as {self.folder / 'labels-before.csv'}"
            )
        return found

    def partly_back(self) -> bool:
        """Whether any file that the round moved is not there, but has its old name or is on its way back."""
        return any(
            wrong(each.target, each.content)
            and (os.path.lexists(each.source_part) or not wrong(each.source, each.content))
            for each in self.file_moves()
        )

    def take_back(self) -> list[str]:
        """Bring everything back that is still where the round put it; can be repeated after any interruption.

        Returns:
            What could not be brought back, and stays where it is.

        Raises:
            ConflictError: A file was replaced at this very moment; call again.
            OSError: The system refused; call again when it does not.
        """
        left = [reason for reason in [self._labels_back()] if reason]
        folders = {self.paths.round_folder(self.number)}
        for each in reversed(list(self.file_moves())):
            if reason := put_back(each, self.step):
                left.append(reason)
            folders |= {each.source.parent, each.target.parent}
        self.step("drop empty folders")
        for path in reversed(self.made):
            _drop_if_empty(inside(self.paths.root, path))
        trash = self.paths.workspace / "trash" / f"{self.number:04d}"
        if trash.is_dir():
            for folder in sorted(each for each in trash.rglob("*") if each.is_dir())[::-1]:
                _drop_if_empty(folder)
            _drop_if_empty(trash)
        for folder in folders:
            if folder.is_dir():
                sync_folder(folder)
        return left

    def file_moves(self) -> Iterator[FileMove]:
        """The files that move, with absolute paths that are checked to stay inside root and workspace."""
        for index, each in enumerate(self.moves):
            if each.moves_file:
                yield FileMove(
                    source=self.paths.source_of(each.path),
                    target=self.paths.target_of(each.action, each.target),
                    part=f".bearwidgets-{self.number:04d}-{index:06d}.part",
                    content=each.content,
                    size=each.size,
                    mtime_ns=each.mtime_ns,
                )

    def _missing_folders(self) -> list[str]:
        found = set()
        for each in self.moves:
            if each.action == RELABEL and each.moves_file:
                folder = self.paths.target_of(each.action, each.target).parent
                while not folder.exists():
                    found.add(folder.relative_to(self.paths.root).as_posix())
                    folder = folder.parent
        return sorted(found)

    def _plan_labels(self, rows: Iterable[Row]) -> bytes | None:
        file = self.paths.labels
        if file is None:
            return None
        old = file.read_bytes() if file.exists() else None
        if self.source == "df":
            new = frame_labels(rows, self.moves, old or b"")
        elif old is None:
            raise ConflictError(f"{file} is gone, so its labels cannot be changed.")
        else:
            new = edit_labels(old, self.paths, self.moves)
        if old is not None:
            write_atomic(self.folder / "labels-before.csv", old, like=file.stat())
        self.labels = LabelChange(None if old is None else hash_bytes(old), hash_bytes(new))
        return new

    def _labels_back(self) -> str:
        file, kept = self.paths.labels, self.folder / "labels-before.csv"
        if self.labels is None or file is None:
            return ""
        now = _hash(file)
        if now == self.labels.before:
            return ""
        if now != self.labels.after:
            return f"{file} was changed since; the one before is kept as {kept}"
        self.step("labels back")
        if self.labels.before is None:
            patiently(lambda: file.replace(self.folder / "labels-made.csv"))
        elif _hash(kept) == self.labels.before:
            write_atomic(file, kept.read_bytes(), like=kept.stat())
        else:
            return f"{kept} is not what {file} was before the round, so that was left as it is"
        return ""


def _plan_hash(plan: dict[str, Any]) -> str:
    return hash_bytes(json.dumps(plan, sort_keys=True).encode())


def _hash(file: Path) -> str | None:
    """The hash of a file's bytes, None if there is no file."""
    return hash_bytes(file.read_bytes()) if file.exists() else None


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=1).encode()


def _drop_if_empty(folder: Path) -> None:
    with contextlib.suppress(OSError):  # not empty, or never made: both are as they should be
        folder.rmdir()
