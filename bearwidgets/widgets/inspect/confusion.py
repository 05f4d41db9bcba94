"""The confusion matrix as a view: cells are chosen in it, and their images shown in a grid."""

from __future__ import annotations

import html
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bearwidgets.errors import BadInputError, shortened, unknown_name
from bearwidgets.figures import counted, percent
from bearwidgets.review.confusion import AS_DECIDED, LABELS, Confusion
from bearwidgets.review.confusion_difference import ConfusionDifference
from bearwidgets.review.inspect.groups import ORDERS
from bearwidgets.review.review import Review
from bearwidgets.safe_text import visible
from bearwidgets.widgets import protocol
from bearwidgets.widgets.cleaner.cleaner import Cleaner
from bearwidgets.widgets.cleaner.requests import Requests
from bearwidgets.widgets.inspect.confusion_given import given_matrices, made_before, names_of
from bearwidgets.widgets.inspect.limit import MATRIX, Limit
from bearwidgets.widgets.view import View, bundle, grid_module

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bearwidgets.review.inspect.groups import Group
    from bearwidgets.widgets.protocol import KernelEvent, MatrixReply

ALL = "all"
MOST_CLASSES = 20  # of the table that goes with the output
LIVE_CLASSES = 200  # up to which the page asks for the matrix anew after every decision


class ConfusionMatrix(View):
    """A confusion matrix to work in: choose cells, rows and columns, and act on their images in a grid.

    A click chooses a cell, or by its name a row or a column; Shift takes all in between, Ctrl adds. Each cell shows
    how many of its labels are expected to be wrong, and for how many the model is; see `Confusion.of`.

    Args:
        source: a `Review`, or what a `Cleaner` takes; or a `Confusion`, made of counts or predictions without images;
            or such by name, as of `Confusion.by_label`.
        cleaner: a grid elsewhere in the notebook to drive instead of one below.
        split: "valid", "train", "test" or "all"; of several matrices, the name of one.
        labels: "as decided" or "as on disk".
        compare: a `Review`, a trained learner or a `Confusion` of before: the matrix shows what changed since, and
            marks what is more than chance.
        height: of the grid below, px.

    Attributes:
        cleaner: the grid as a `Cleaner`, with all its methods; None where there are no images.
        split: which items are counted.
        labels: which labels count.
        groups: classes that are confused with each other, which the view can show as one.

    Raises:
        BadInputError: a source without predictions, or a split or kind of labels that there is not.

    Example:
        >>> matrix = bw.ConfusionMatrix(review)
        >>> matrix.show("grizzly", "black") >= 0
        True
    """

    _esm = bundle("confusion.js")
    _css = bundle("confusion.css")

    def __init__(
        self,
        source: Any,
        *,
        cleaner: Cleaner | None = None,
        split: str | None = None,
        labels: str = AS_DECIDED,
        compare: Any = None,
        height: int = 460,
    ) -> None:
        if not isinstance(cleaner, (Cleaner, type(None))):
            raise BadInputError(f"cleaner is {shortened(cleaner)}; allowed is the bw.Cleaner to drive.")
        self._given = given_matrices(source)
        self._has_grid = cleaner is None and not self._given
        self.cleaner = None if self._given else cleaner or Cleaner(source)
        handlers: dict[str, Any] = {
            "matrix": (protocol.MatrixRequest, self._matrix),
            "cells": (protocol.CellsRequest, self._cells),
            "scores": (protocol.Nothing, self._scores),
            "group": (protocol.GroupRequest, self._group),
            "matrix_link": (protocol.Nothing, self._link),
        }
        self.groups: tuple[Group, ...] = ()
        self._known: tuple[object, Confusion] | None = None
        self._before: Confusion | Review | None = made_before(compare)
        self.split, self.labels = "", AS_DECIDED
        if self.cleaner is None:
            super().__init__(handlers, threading.RLock(), height=height)
        else:
            if self.cleaner.review is None:
                raise BadInputError(
                    "A confusion matrix needs predictions, and so does the grid it drives; give them a Review or a "
                    "trained Learner."
                )
            if cleaner is not None and isinstance(source, Review) and source is not cleaner.review:
                raise BadInputError(
                    "The cleaner shows another review than the one given; give cleaner.review."
                )
            session = self.cleaner._session  # noqa: SLF001 - the same work, seen in another view
            self._limit = Limit(session.links)
            if cleaner is None:
                session.links.place = MATRIX
            super().__init__(
                handlers | grid_module() | Requests(session).handlers, self.cleaner.lock, height=height
            )
        self._choose(self._parts()[0] if split is None else split, labels)
        if self.cleaner is not None:
            self.cleaner._session.join(self)  # noqa: SLF001

    def __repr__(self) -> str:
        return f"ConfusionMatrix({counted(len(self.confusion.classes), 'class', 'classes')}, {self.split!r})"

    @property
    def confusion(self) -> Confusion:
        """The matrix as numbers: rates, sentences, figures of each class, folded groups.

        Example:
            >>> bw.ConfusionMatrix(review).confusion.total > 0
            True
        """
        if self.cleaner is None:
            return self._given[self.split]
        review, split = self._review, None if self.split == ALL else self.split
        journal = self.cleaner.journal
        ids = self._counted_ids()
        now = (review, split, self.labels, journal.version, self._limit.number)
        if self._known is None or self._known[0] != now:
            found = Confusion.of(review, split, labels=self.labels, decisions=journal.decisions, ids=ids)
            self._known = now, found
        return self._known[1]

    @property
    def difference(self) -> ConfusionDifference | None:
        """What changed since the one it is compared with, or None."""
        before = self._before
        if isinstance(before, Review):
            split = None if self.split == ALL else self.split
            before = Confusion.of(before, split, labels=self.labels, ids=self._counted_ids())
        return None if before is None else ConfusionDifference.of(before, self.confusion)

    @property
    def limited(self) -> str:
        """Which images are counted, as "214 of 1,000 images: filter from the map", or "" for all.

        A filter of another linked view limits the matrix, unless that is compared with a `Confusion`.
        """
        confusion, limit = self.confusion, None if self.cleaner is None else self._limit.shown()
        if limit is None or self._counted_ids() is None:
            return ""
        table = self._review.table
        total = len(table) if self.split == ALL else int((table.split == self.split).sum())
        where = "" if limit.by is None else f" from {limit.by.place}"
        return f"{confusion.total:,} of {counted(total, 'image')}: filter{where}"

    def count_all(self) -> None:
        """Count all images again, whatever another view is filtered to; see `limited`."""
        if self.cleaner is not None:
            self._limit.lift()
        self.tell(protocol.MatrixEvent())

    def _counted_ids(self) -> np.ndarray | None:
        shown = None if self.cleaner is None else self._limit.shown()
        return None if shown is None or isinstance(self._before, Confusion) else shown.ids

    def show(
        self, actual: str | Sequence[str] | None = None, predicted: str | Sequence[str] | None = None
    ) -> int:
        """Show the images of a cell in the grid, those the model is surest of first; gives their number.

        Args:
            actual: name of a row, or several; all rows if not given.
            predicted: the same of columns.

        Raises:
            BadInputError: no such class, or a matrix without images.
        """
        rows, columns = (None if each is None else names_of(each) for each in (actual, predicted))
        return self._show([(rows, columns)])

    def to_frame(self, normalize: str | None = None) -> pd.DataFrame:
        """The counts, or rates of "actual", "predicted" or "all", as a table; see `Confusion.to_frame`."""
        return self.confusion.to_frame(normalize)

    def most_confused(self, n: int = 20) -> pd.DataFrame:
        """The pairs that are mistaken most often; see `Confusion.most_confused`."""
        return self.confusion.most_confused(n)

    def per_class(self) -> pd.DataFrame:
        """Precision, recall, F1 and support of each class with 95 % intervals; see `Confusion.per_class`."""
        return self.confusion.per_class()

    def plot(self, ax: Any = None, *, normalize: str = "actual") -> Any:
        """A matplotlib Figure for a paper; see `Confusion.plot`."""
        return self.confusion.plot(ax, normalize=normalize)

    def rename_group(self, name: str, new: str) -> None:
        """Call a group of classes otherwise; it is pinned.

        Raises:
            BadInputError: no such group, or a name that is empty or taken.
        """
        self._regroup(name, rename=new)

    def pin_group(self, name: str, *, pinned: bool = True) -> None:
        """Have a group stay as it is when groups are found anew, or no longer.

        Raises:
            BadInputError: no such group.
        """
        self._regroup(name, pinned=pinned)

    def _regroup(self, name: str, *, rename: str | None = None, pinned: bool | None = None) -> None:
        with self.lock:
            known = [group.name for group in self.groups]
            if name not in known:
                raise BadInputError(unknown_name("group", name, known, "in this matrix"))
            if rename is not None and rename != name:
                taken = {*known, *self.confusion.classes}
                if not rename.strip() or len(rename) > 100 or rename in taken:
                    raise BadInputError(
                        f"A group cannot be called {shortened(rename)}; allowed is a text of 1 to 100 characters "
                        "that is no other group's or class's name."
                    )
            groups = list(self.groups)
            at = known.index(name)
            if rename is not None:
                groups[at] = groups[at].renamed(rename)
            if pinned is not None:
                groups[at] = groups[at].pin(pinned=pinned)
            self.groups = tuple(groups)
        self.tell(protocol.MatrixEvent())

    def _live(self, **options: Any) -> Any:
        """Show it, and find what takes long while the page still loads."""
        threading.Thread(target=self._ahead, daemon=True).start()
        return super()._live(**options)

    def _ahead(self) -> None:
        with suppress(BadInputError):
            with self.lock:
                confusion = self.confusion
            _ = confusion.tree  # which is kept, for groups and orders

    def counted(self) -> tuple[MatrixReply, list[bytes]]:
        """The matrix as the view shows it, and its buffers."""
        confusion, difference = self.confusion, self.difference
        self.groups = confusion.find_groups(self.groups)
        number = {name: at for at, name in enumerate(confusion.classes)}
        total = confusion.total
        wrong = confusion.label_wrong
        filled = confusion.counts > 0
        columns: list[tuple[str, np.ndarray | None]] = [("<i4", confusion.counts), ("<f4", wrong)]
        told = None
        if difference is not None:
            rows = [difference.classes.index(name) for name in confusion.classes]
            before, marked, p = (
                each[np.ix_(rows, rows)]
                for each in (difference.before, difference.marked, difference.p_value)
            )
            filled |= before > 0
            columns += [("<i4", before), ("u1", marked), ("<f4", p)]
            told = protocol.Difference(difference.paired, difference.level, int(marked.sum()))
        return protocol.MatrixReply(
            classes=list(confusion.classes),
            part=self.split,
            parts=self._parts(),
            part_title="Split" if not self._given else "Label",
            labels=confusion.labels,
            kind=self.labels,
            kinds=list(LABELS) if not self._given and self._review.ds is not None else [],
            total=total,
            accuracy=float(confusion.counts.trace() / total) if total else None,
            orders={by: confusion.order(by) for by in ORDERS},
            groups=[
                protocol.ClassGroup(each.name, [number[name] for name in each.members], each.pinned)
                for each in self.groups
            ],
            grid=self._has_grid,
            images=self.cleaner is not None,
            difference=told,
            limited=self.limited,
            limit=0 if self.cleaner is None else self._limit.number,
        ), [
            np.flatnonzero(filled).astype("<i4").tobytes(),
            *(b"" if each is None else each[filled].astype(kind).tobytes() for kind, each in columns),
        ]

    def static_html(self) -> str:
        """The matrix as a table, of many classes those with the most errors."""
        with self.lock:
            confusion = self.confusion
        counts, names = confusion.counts, list(map(visible, confusion.classes))
        errors = counts.sum(0) + counts.sum(1) - 2 * counts.diagonal()
        rows = np.sort(np.argsort(-errors, kind="stable")[:MOST_CLASSES])
        named = pd.Index([names[row] for row in rows])
        table = pd.DataFrame(counts[rows][:, rows], named.rename("actual"), named.rename("predicted"))
        total = confusion.total
        right = f", {percent(counts.trace() / total)} as predicted" if total else ""
        some = (
            f"; the {len(rows)} classes with the most errors of {len(names):,}"
            if len(rows) < len(names)
            else ""
        )
        part = f", split {self.split}" if not self._given else f", {self.split}" if self.split else ""
        images = self.limited or counted(total, "image")
        title = f"{images}{part}, {confusion.labels}{right}{some}"
        return f'<p style="font:12px sans-serif">{html.escape(title)}</p>{table.to_html()}'

    def _matrix(self, request: protocol.MatrixRequest) -> tuple[MatrixReply, list[bytes]]:
        part = self.split if request.part is None else request.part
        self._choose(part, self.labels if request.labels is None else request.labels)
        if request.everything and self.cleaner is not None:
            self._limit.lift()
        return self.counted()

    def _cells(self, request: protocol.CellsRequest) -> protocol.Nothing:
        self._show([(each.actual, each.predicted) for each in request.blocks])
        return protocol.Nothing()

    def _scores(self, _request: protocol.Nothing) -> protocol.ScoresReply:
        told = self.confusion.per_class_told().reset_index().astype(str)
        return protocol.ScoresReply(list(told.columns), told.to_numpy().tolist())

    def _link(self, _request: protocol.Nothing) -> tuple[protocol.MatrixLinkReply, list[bytes]]:
        """The cells of what is selected; where nothing is, of what another view was made to show."""
        if self.cleaner is None:
            return protocol.MatrixLinkReply(0, 0, "", 0), [b""]
        links = self.cleaner._session.links  # noqa: SLF001
        limited = self._counted_ids() is not None  # then the cells hold nothing else
        selected, shown = links.group.selected, [] if limited else links.shown_elsewhere
        where = links.group.where if selected else links.where_shown
        cells = self.confusion.cells_of(selected or shown)
        reply = protocol.MatrixLinkReply(len(selected), len(shown), where, self._limit.number)
        return reply, [cells.astype("<i4").tobytes()]

    def _group(self, request: protocol.GroupRequest) -> protocol.Nothing:
        self._regroup(request.name, rename=request.rename, pinned=request.pinned)
        return protocol.Nothing()

    def _show(self, blocks: Sequence[tuple[Sequence[str] | None, Sequence[str] | None]]) -> int:
        if self.cleaner is None:
            raise BadInputError("This matrix was made without images, so its cells cannot be opened.")
        if not blocks:
            raise BadInputError("No cell is chosen; choose one or more.")
        confusion = self.confusion
        known = set(confusion.classes)
        for each in (name for block in blocks for names in block for name in names or ()):
            if each not in known:
                raise BadInputError(unknown_name("class", each, confusion.classes, "in this matrix"))
        one = [(rows or (), columns or ()) for rows, columns in blocks]
        plain = self.labels == AS_DECIDED and self._counted_ids() is None
        if plain and [tuple(map(len, block)) for block in one] == [(1, 1)]:
            split = None if self.split == ALL else self.split
            return self.cleaner.show(
                label=one[0][0][0], predicted=one[0][1][0], split=split, sort="confidence"
            )
        ids = confusion.ids_of(blocks)
        sure = self._review.table.confidence.reindex(ids)
        return self.cleaner.show(ids=sure.sort_values(ascending=False, kind="stable").index.tolist())

    def _choose(self, part: str, labels: str) -> None:
        if part not in self._parts():
            what, where = ("split", "in this review") if not self._given else ("matrix", "here")
            raise BadInputError(unknown_name(what, part, self._parts(), where))
        if labels not in LABELS:
            raise BadInputError(unknown_name("kind of labels", labels, LABELS))
        self.split, self.labels = part, labels

    def _parts(self) -> list[str]:
        if self._given:
            return list(self._given)
        there = set(self._review.table.split)
        return [*(each for each in ("valid", "test", "train") if each in there), ALL]

    @property
    def _review(self) -> Review:
        review = None if self.cleaner is None else self.cleaner.review
        assert review is not None  # noqa: S101 - refused at the start
        return review

    def tell(self, event: KernelEvent) -> None:
        """Send an event to the page, which hears of a grid only where it has one."""
        if self._has_grid or isinstance(event, (protocol.MatrixEvent, protocol.LinkEvent)):
            super().tell(event)

    def decisions_changed(self, version: int) -> None:
        """Tell that it is known of more images who is wrong."""
        super().decisions_changed(version)
        if len(self._review.classes) <= LIVE_CLASSES:
            self.tell(protocol.MatrixEvent())

    def scores_changed(self) -> None:
        """Tell that there is a new matrix."""
        if self.split not in self._parts():
            self.split = self._parts()[0]
        self.tell(protocol.MatrixEvent())
