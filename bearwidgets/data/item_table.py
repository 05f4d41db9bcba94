"""The table of items and what follows from it: positions, paths, the frozen exam, the view after decisions.

What only reads items takes an `ItemTable`; the ways in and the ways to show are in `Dataset`, which is one.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import pandas as pd

from bearwidgets.data.cleaned import cleaned_table
from bearwidgets.data.exam import Exam, find_exam, freeze
from bearwidgets.data.listing.walk import is_inside
from bearwidgets.data.problems import UNREADABLE, problem_table
from bearwidgets.errors import BadInputError, shortened

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from typing_extensions import Self

    from bearwidgets.data.cleaned import HasDecisions


@dataclass(frozen=True, eq=False, repr=False)
class ItemTable:
    """Labeled images with a split; never changed afterwards.

    Attributes:
        root: The resolved folder that paths are relative to.
        workspace: Folder for journal, manifest and exam.
        table: One row per usable image, sorted by path: id, path (posix, relative to root), label, split
            ("train", "valid" or "test"), width and height (px, after the EXIF turn), content (hash of the
            bytes), and group where groups were given. The id is the content, unless other files have the same bytes.
        problems: What could not be used, by path: path, reason, kind ("unreadable", "not an image", "unsupported",
            "refused" or "missing").
        notes: Sentences on what deserves a look, such as "only one class".
        valid_pct: Share of items that the split by hash put into "valid".
        seed: Seed of that split.
        groups: What told which images stay on one side of it: the pattern or the column; None for nothing.
        follow_links: Whether links that leave the root, and links to folders, are followed.
    """

    root: Path
    workspace: Path
    table: pd.DataFrame
    problems: pd.DataFrame
    notes: list[str]
    valid_pct: float
    seed: int
    groups: str | None = field(default=None, kw_only=True)
    follow_links: bool = field(default=False, kw_only=True)
    _on_disk: Self | None = field(default=None, kw_only=True)  # set in a view: what it is a view of

    @cached_property
    def classes(self) -> list[str]:
        """Sorted labels of the items."""
        return sorted(set(self.table["label"]))

    @property
    def on_disk(self) -> Self:
        """The items as they were read from disk, if these are a view of them (cleaned, a fold); else themselves."""
        return self if self._on_disk is None else self._on_disk

    @property
    def exam(self) -> Exam | None:
        """The frozen evaluation split of this `valid_pct` and `seed`, or None before `freeze_exam`.

        Raises:
            WorkspaceError: `exam.json` cannot be read.
        """
        return find_exam(self.workspace, self.valid_pct, self.seed, set(self.table["content"]))

    def freeze_exam(self) -> Exam:
        """Keep who is valid, and under which label on disk, unless that is kept already.

        Raises:
            WorkspaceError: `exam.json` is there but cannot be read.
        """
        table = self.on_disk.table
        valid = table[table["split"] == "valid"]
        items = dict(zip(valid["content"][::-1], valid["label"][::-1], strict=True))
        return freeze(self.workspace, self.valid_pct, self.seed, items)

    def index_of(self, id: str) -> int:  # noqa: A002 - the name of the column
        """Position of an item in the table.

        Raises:
            BadInputError: There is no item with this id.
        """
        try:
            return self._positions[id]
        except KeyError:
            raise BadInputError(
                f"No item {id!r} in this data set of {len(self):,} items: take an id from Dataset.table."
            ) from None

    def path_of(self, id: str) -> Path:  # noqa: A002 - the name of the column
        """Absolute path of an item's file.

        Raises:
            BadInputError: There is no such item, or its path was made to leave the data folder by now.
        """
        path = self.root / self._paths[self.index_of(id)]
        if not self.follow_links and not is_inside(str(self.root), str(path)):
            raise BadInputError(f"{str(path)!r} leaves the data folder {str(self.root)!r}: refused.")
        return path

    def cleaned(self, journal: HasDecisions, *, exam: Literal["frozen", "corrected"] = "frozen") -> Self:
        """The same data with the decisions taken into account; nothing on disk changes.

        Among the items of train, "delete" and "unsure" leave out and "relabel" gives the new label. Those of
        valid and test stay as they were, for cleaning the exam must not pass for learning; `exam="corrected"`
        takes the decisions there too.

        Args:
            journal: A `Journal`, or anything whose `decisions` is such a table.
            exam: What happens to valid and test.

        Raises:
            BadInputError: `exam` is neither of the two.

        Example:
            >>> len(ds.cleaned(journal)) <= len(ds)
            True
        """
        decisions = getattr(journal, "decisions", None)
        if not isinstance(decisions, pd.DataFrame):
            raise BadInputError(f"journal is {shortened(journal)}; a Journal is needed: bw.Journal.open(ds).")
        table, notes = cleaned_table(self.table, decisions, exam)
        return replace(self.with_table(table), notes=[*self.notes, *notes])

    def with_table(self, table: pd.DataFrame) -> Self:
        """The same data with another table: some of the rows, other labels or another split; nothing on disk changes.

        Args:
            table: As `table`, with an index from 0 on.
        """
        return replace(self, table=table, _on_disk=self.on_disk)

    def without(self, ids: Sequence[str], reasons: str | Sequence[str]) -> Self:
        """The same data without items that turned out to be unusable; they move to `problems`.

        Args:
            ids: Items of this data set.
            reasons: One reason for each, or one for all.

        Raises:
            BadInputError: An id is unknown, or the numbers of ids and reasons differ.
        """
        each = [reasons] * len(ids) if isinstance(reasons, str) else list(reasons)
        if len(each) != len(ids):
            raise BadInputError(
                f"{len(ids)} ids came with {len(each)} reasons; give one for each, or one for all."
            )
        rows = [self.index_of(id_) for id_ in ids]
        told = self.with_import_notes(
            [(self._paths[row], why, UNREADABLE) for row, why in zip(rows, each, strict=True)]
        )
        table = self.table.drop(index=rows).reset_index(drop=True)
        on_disk = None if self._on_disk is None else self._on_disk.without(ids, reasons)
        return replace(told, table=table, _on_disk=on_disk)

    def with_import_notes(self, problems: Sequence[tuple[str, str, str]], notes: Sequence[str] = ()) -> Self:
        """The same data with more `problems` (path, reason, kind), and with more `notes`."""
        known = self.problems.itertuples(index=False, name=None)
        return replace(self, problems=problem_table([*known, *problems]), notes=[*self.notes, *notes])

    @cached_property
    def _positions(self) -> dict[str, int]:
        return {id_: row for row, id_ in enumerate(self.table["id"].tolist())}

    @cached_property
    def _paths(self) -> list[str]:
        return self.table["path"].tolist()

    def __len__(self) -> int:
        return len(self.table)
