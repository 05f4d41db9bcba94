"""What applying the decisions would do to the files, and what stands in the way; nothing is changed here."""

from __future__ import annotations

import html
import itertools
import os
import shutil
import stat as modes
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pandas as pd

from bearwidgets.clean.apply.free_names import FreeNames
from bearwidgets.clean.apply.labels import edit_labels
from bearwidgets.clean.apply.moves import Move
from bearwidgets.clean.apply.paths import nearest
from bearwidgets.data.actions import ACTIONS, CHANGING, DELETE
from bearwidgets.data.identity import content_id
from bearwidgets.errors import BearwidgetsError, ConflictError, and_more
from bearwidgets.figures import counted
from bearwidgets.safe_text import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from bearwidgets.clean.apply.paths import DataPaths
    from bearwidgets.clean.apply.round import Round
    from bearwidgets.clean.log.fold import Decision
    from bearwidgets.clean.log.item_index import Item, Items

_SHOWN = 20  # rows of a plan in its text
MOVE_COLUMNS = ("id", "path", "action", "label", "new_label", "target")


@dataclass(frozen=True, repr=False)
class Plan:
    """What `Journal.apply` would do.

    Attributes:
        round: The number the round would get.
        moves: id, path, action, label, new_label, target (of a delete in the workspace's trash), split.
        problems: path and reason of decisions that cannot be carried out as things are.
        counts: How many decisions to delete and relabel would be carried out, how many say keep and unsure (these
            change nothing on disk), and how many are absent: about images that the data set does not have.
        steps: The moves as objects.
    """

    round: int
    moves: pd.DataFrame
    problems: pd.DataFrame
    counts: dict[str, int]
    steps: tuple[Move, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing stands in the way."""
        return self.problems.empty

    def of_train(self) -> Plan:
        """The plan for the training items alone; decisions on the evaluation splits then stay pending."""
        train = self.moves.split == "train"
        moves = self.moves[train].reset_index(drop=True)
        counts = {each: int((moves.action == each).sum()) for each in CHANGING}
        steps = tuple(itertools.compress(self.steps, train))
        return replace(self, moves=moves, counts=self.counts | counts, steps=steps)

    def __repr__(self) -> str:
        moves = [f"\n  {step.action} {step.path} → {step.target}" for step in self.steps]
        problems = [f"\n  ! {path}: {reason}" for path, reason in self.problems.to_numpy()]
        listed = (and_more(each, _SHOWN, separator="") for each in (moves, problems))
        return f"Plan of round {self.round}: {self.summary()}{''.join(listed)}"

    def _repr_html_(self) -> str:
        lines = "\n".join(map(visible, repr(self).split("\n")))
        return f"<pre>{html.escape(lines)}</pre>"

    def summary(self) -> str:
        """One sentence: "12 to delete, 3 to relabel; 1 problem"."""
        parts = [f"{self.counts[action]} to {action}" for action in CHANGING]
        n = len(self.problems)
        return ", ".join(parts) + (f"; {counted(n, 'problem')}" if n else "")


@dataclass(frozen=True, repr=False)
class Receipt:
    """What a round did, or what its rollback undid.

    Attributes:
        round: The number to give to `Journal.rollback`; 0 if there was nothing to do.
        counts: How many images were deleted and relabeled.
        moves: As in `Plan`, without the split.
        folder: Where plan, receipt and the round's own manifest lie.
        labels: The file of labels that was written, if these are no folders.
        undone: Whether this is the receipt of a rollback.
        notes: Files that could not be brought back after an interruption, and where they are.
    """

    round: int
    counts: dict[str, int]
    moves: pd.DataFrame
    folder: Path
    labels: Path | None = None
    undone: bool = False
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, round_: Round, *, undone: bool = False, notes: Iterable[str] = ()) -> Receipt:
        """The receipt of a round."""
        counts = {action: sum(move.action == action for move in round_.moves) for action in CHANGING}
        table = moves_table(round_.moves)
        labels = round_.paths.labels if round_.labels and not undone else None
        return cls(round_.number, counts, table, round_.folder, labels, undone, tuple(notes))

    @classmethod
    def of_nothing(cls, paths: DataPaths) -> Receipt:
        """The receipt where nothing was to be done, and nothing was."""
        return cls(0, dict.fromkeys(CHANGING, 0), moves_table([]), paths.workspace / "rounds")

    def summary(self) -> str:
        """One sentence: "Round 1 applied: 4 images deleted, 10 relabeled"."""
        if not self.round:
            return "Nothing to do: no decision to delete or relabel is pending"
        n = sum(self.counts.values())
        if not self.undone:
            deleted, relabeled = (self.counts[action] for action in CHANGING)
            return f"Round {self.round} applied: {counted(deleted, 'image')} deleted, {relabeled} relabeled"
        if self.notes:
            return f"Round {self.round} undone, but not every file could be put back"
        return f"Round {self.round} undone: {f'all {n} files are' if n > 1 else 'the file is'} back in place"

    def __repr__(self) -> str:
        record = f"; the record is in {self.folder}" if self.round else ""
        labels = f"; the labels are in {self.labels}" if self.labels else ""
        return "\n".join([f"{self.summary()}{record}{labels}", *self.notes])


def make_plan(
    decisions: Iterable[Decision], items: Items, paths: DataPaths, number: int, splits: Mapping[str, str]
) -> Plan:
    """Check every decision that changes something on disk against the files as they are.

    Args:
        decisions: The decisions in force.
        items: The items of the data set.
        paths: Where the files lie.
        number: The number of the round.
        splits: The split of each item, by id.
    """
    decisions = list(decisions)
    counts = Counter(each.action for each in decisions if each.action not in CHANGING)
    names = FreeNames(paths.root), FreeNames(paths.workspace)
    steps, problems = [], []
    for decision in sorted(decisions, key=lambda each: (each.path, each.id)):
        item = items.get(decision.id)
        if decision.action not in CHANGING:
            continue
        if item is None:
            counts["absent"] += 1
            continue
        reason, stat = check_file(paths, item.path, item.content)
        if stat is None:
            problems.append((item.path, reason))
            continue
        step = _step(decision, item, stat, paths, names, number)
        reason = _refused(paths, step) if step.moves_file else ""
        if reason:
            problems.append((item.path, reason))
        else:
            steps.append(step)
            counts[step.action] += 1
    problems += _space(paths, steps) + _labels(paths, steps)
    return Plan(
        round=number,
        moves=moves_table(steps).assign(split=[splits.get(each.id, "") for each in steps]),
        problems=pd.DataFrame(problems, columns=["path", "reason"], dtype=object),
        counts={action: counts[action] for action in (*ACTIONS, "absent")},
        steps=tuple(steps),
    )


def moves_table(steps: Sequence[Move]) -> pd.DataFrame:
    """The moves as a table."""
    rows = [[getattr(step, name) for name in MOVE_COLUMNS] for step in steps]
    return pd.DataFrame(rows, columns=list(MOVE_COLUMNS), dtype=object)


def check_file(paths: DataPaths, path: str, content: str) -> tuple[str, os.stat_result | None]:
    """Whether an image is the very file it was; its `lstat`, or why not."""
    try:
        file = paths.source_of(path)
        stat = file.lstat()
        if modes.S_ISLNK(stat.st_mode):
            return "is a link; only files are moved, copy the image here or take the decision back", None
        if content_id(file) != content:
            return "has other bytes than when the data set was opened; open it again and look again", None
    except (FileNotFoundError, NotADirectoryError):
        return "is not there any more; open the data set again", None
    except BearwidgetsError as error:
        return str(error), None
    except OSError as error:
        return f"cannot be read ({error.strerror})", None
    return "", stat


def _step(
    decision: Decision,
    item: Item,
    stat: os.stat_result,
    paths: DataPaths,
    names: tuple[FreeNames, FreeNames],
    number: int,
) -> Move:
    in_root, in_workspace = names
    if decision.action == DELETE:
        target = in_workspace.take(f"trash/{number:04d}/{item.path}")
    elif item.label == decision.new_label or not (paths.source == "folder" or paths.by_folder):
        target = item.path
    else:
        target = in_root.take(paths.class_path(item.path, item.label, str(decision.new_label)))
    return Move(
        id=decision.id,
        seq=decision.seq,
        action=decision.action,
        label=item.label,
        new_label=decision.new_label,
        path=item.path,
        target=target,
        content=item.content,
        size=stat.st_size,
        mtime_ns=stat.st_mtime_ns,
    )


def _refused(paths: DataPaths, step: Move) -> str:
    """Why a move is not permitted, or ""."""
    try:
        source, target = paths.source_of(step.path), paths.target_of(step.action, step.target)
    except BearwidgetsError as error:
        return str(error)
    for folder in (source.parent, nearest(target.parent)):
        if not folder.is_dir():
            return f"{folder} is in the way: it is no folder"
        if not os.access(folder, os.W_OK | os.X_OK):
            return f"no permission to change the folder {folder}"
    return ""


def _space(paths: DataPaths, steps: Sequence[Move]) -> list[tuple[str, str]]:
    """Problems of file systems that moves lead to from another one, and that have too little room."""
    needed: Counter[int] = Counter()
    folders: dict[int, Path] = {}
    for step in steps:
        if step.moves_file:
            target = nearest(paths.target_of(step.action, step.target).parent)
            device = target.stat().st_dev
            if device != paths.source_of(step.path).parent.stat().st_dev:
                needed[device] += step.size
                folders[device] = target
    free = {device: shutil.disk_usage(folder).free for device, folder in folders.items()}
    return [
        (
            str(folders[device]),
            f"its disk has {free[device]:,} bytes free, and {n_bytes:,} are to be moved there",
        )
        for device, n_bytes in needed.items()
        if n_bytes > free[device]
    ]


def _labels(paths: DataPaths, steps: Sequence[Move]) -> list[tuple[str, str]]:
    """The problem of a CSV file of labels that cannot take the change."""
    file = paths.labels
    if paths.source != "csv" or file is None or not steps:
        return []
    if not os.access(file.parent, os.W_OK | os.X_OK):
        return [(str(file), f"no permission to change the folder {file.parent}")]
    try:
        edit_labels(file.read_bytes(), paths, steps)
    except ConflictError as error:
        return [(str(file), str(error))]
    except OSError as error:
        return [(str(file), f"cannot be read ({error.strerror})")]
    return []
