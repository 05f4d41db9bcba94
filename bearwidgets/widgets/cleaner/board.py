"""What a grid shows and in which order: scores and decisions as columns, a filter, a sort. No widget here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bearwidgets.errors import BadInputError, unknown_name
from bearwidgets.widgets.cleaner.queues import NO_GROUP, Groups, Queues, together

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bearwidgets.data.dataset import Dataset
    from bearwidgets.review.review import Review
    from bearwidgets.widgets.cleaner.queues import IssueSource

ACTIONS = ("keep", "delete", "relabel", "unsure")
SORTS = ("label_issue", "loss", "margin", "confidence", "path", "label", "decided", "queue")
DECISIONS = ("pending", "undecided", *ACTIONS)
SCORES = ("confidence", "loss", "margin", "label_issue")


@dataclass(frozen=True)
class View:
    """Which items are shown, and in which order; None and "" mean all of them.

    Attributes:
        label: the given label.
        predicted: the predicted one.
        split: train, valid or test.
        decision: pending (any), undecided, or one of the actions.
        text: part of the path, small and capital letters alike.
        sort: a score, path, label, decided (the newest decision), or queue: the order of the queue.
        descending: from the highest on.
        queue: only what a queue of issues lists, groups together.
    """

    label: str | None = None
    predicted: str | None = None
    split: str | None = None
    decision: str | None = None
    text: str = ""
    sort: str = "label_issue"
    descending: bool = True
    queue: str | None = None


class Board:
    """The items of a data set in the order of a view.

    Marks never change the order, so that nothing moves under the hand that decides; `show` does.

    Attributes:
        revision: grows with each new order; places in the view are only good for one revision.
        order: rows of `ds.table` in the view.
        training: (n,) the label under which each item trains now; None if it does not: not in train, deleted, unsure.
        exam_marks: decisions on items outside of train: proposed corrections of the exam.
        queue: the queue that is shown, or None.
        groups: what belongs together in the view, or None where nothing does.
    """

    def __init__(
        self, ds: Dataset, review: Review | None, decisions: pd.DataFrame, issues: IssueSource | None = None
    ) -> None:
        self.view = View(sort="label_issue" if review is not None else "path", descending=review is not None)
        self.revision = 0
        self.seen_ids: set[str] = set()
        self.issues = issues
        self.load(ds, review, decisions)

    def load(self, ds: Dataset, review: Review | None, decisions: pd.DataFrame) -> None:
        """Take other items or other scores, and order them anew."""
        table = ds.table
        self.ds, self.review = ds, review
        self.ids: np.ndarray = table.id.to_numpy(dtype=object)
        self.paths: np.ndarray = table.path.to_numpy(dtype=object)
        self.labels: np.ndarray = table.label.to_numpy(dtype=object)
        self.splits: np.ndarray = table.split.to_numpy(dtype=object)
        self._index = pd.Index(self.ids)
        self._folded: list[str] | None = None
        rows = review.table.index.get_indexer(self._index) if review is not None else np.full(len(table), -1)
        self.scored = rows >= 0
        self.scores = {name: _taken(review, name, rows, np.nan) for name in SCORES}
        self.predicted = _taken(review, "predicted", rows, None)
        self.suggested = _taken(review, "suggested", rows, None)
        self._second = _taken(review, "second", rows, None)
        self._why = _taken(review, "why", rows, None)
        self.queues = Queues(self.issues, self._index)
        self._label_counts = _counts(self.labels)
        self._split_counts = _counts(self.splits)
        self.seen = np.fromiter((each in self.seen_ids for each in self.ids), bool, len(self.ids))
        self.decide(decisions)
        self.show(
            self.view if self.view.queue is None or self.view.queue in self.queues else View(sort="path")
        )

    def decide(self, decisions: pd.DataFrame) -> None:
        """Take the decisions now in force; the order stays."""
        n = len(self.ids)
        self.actions = np.full(n, "", dtype=object)
        self.new_labels = np.full(n, None, dtype=object)
        self.decided = np.full(n, -1, dtype=np.int64)
        rows = self._index.get_indexer(decisions.index)
        good = rows >= 0
        self.actions[rows[good]] = decisions.action.to_numpy(dtype=object)[good]
        relabel = good & (decisions.action == "relabel").to_numpy()
        self.new_labels[rows[relabel]] = decisions.new_label.to_numpy(dtype=object)[relabel]
        self.decided[rows[good]] = decisions.seq.to_numpy(dtype=np.int64)[good]
        self.undecided = self.actions == ""
        self._action_counts = {action: int((self.actions == action).sum()) for action in ACTIONS}
        out = (self.actions == "delete") | (self.actions == "unsure")
        self.training = np.where(relabelled := self.actions == "relabel", self.new_labels, self.labels)
        self.training[(self.splits != "train") | out] = None
        self.exam_marks = int(((relabelled | out) & (self.splits != "train")).sum())

    def show(self, view: View) -> None:
        """Filter and sort anew.

        Raises:
            BadInputError: a sort or a decision that there is not; a class or split without items is allowed.
        """
        if view.sort not in SORTS:
            raise BadInputError(unknown_name("sort", view.sort, SORTS))
        if view.decision and view.decision not in DECISIONS:
            raise BadInputError(unknown_name("decision", view.decision, DECISIONS))
        if view.sort == "queue" and view.queue is None:
            raise BadInputError(
                "The order of a queue needs a queue; choose one of both: queue=..., sort='path'."
            )
        queue = self.queues.get(view.queue)
        chosen = self._chosen(view)
        rows = np.flatnonzero(chosen) if queue is None else queue.rows[chosen[queue.rows]]
        if view.sort == "queue":
            keys = np.arange(len(rows)) * (1 if view.descending else -1)
        elif view.sort in SCORES:
            keys = self.scores[view.sort][rows] * (-1 if view.descending else 1)  # NaN sorts last either way
        else:
            column = {"path": self.paths, "label": self.labels, "decided": self.decided}[view.sort]
            keys = pd.factorize(column[rows], sort=True)[0] * (-1 if view.descending else 1)
        self.order = rows[np.argsort(keys, kind="stable")]
        self.groups: Groups | None = None
        if queue is not None:
            self.order, self.groups = together(self.order, queue, self.labels)
        self.runs = [] if self.groups is None else self.groups.runs()
        self.queue, self._queue_rows = queue, pd.Index([] if queue is None else queue.rows)
        self.view = view
        self.revision += 1

    def _chosen(self, view: View) -> np.ndarray:
        chosen = np.ones(len(self.ids), dtype=bool)
        for wanted, column in (
            (view.label, self.labels),
            (view.predicted, self.predicted),
            (view.split, self.splits),
        ):
            if wanted:
                chosen &= column == wanted
        if view.decision == "undecided":
            chosen &= self.undecided
        elif view.decision == "pending":
            chosen &= ~self.undecided
        elif view.decision:
            chosen &= self.actions == view.decision
        if view.text:
            if self._folded is None:
                self._folded = [each.casefold() for each in self.paths]
            wanted = view.text.casefold()
            chosen &= np.fromiter((wanted in each for each in self._folded), bool, len(chosen))
        return chosen

    def rows_at(self, places: Iterable[tuple[int, int]]) -> np.ndarray:
        """Rows of the table at half-open ranges of places in the view, each once."""
        parts = [self.order[start:stop] for start, stop in places]
        return np.unique(np.concatenate(parts)) if parts else np.zeros(0, dtype=np.int64)

    def rows_of(self, ids: Sequence[str]) -> np.ndarray:
        """Rows of the table for ids.

        Raises:
            BadInputError: no such item.
        """
        rows = self._index.get_indexer(pd.Index(list(ids), dtype=object))
        if (rows < 0).any():
            raise BadInputError(f"No item {ids[int(np.argmax(rows < 0))]!r} here; ids stand in ds.table.id.")
        return rows

    def place_of(self, id_: str) -> int | None:
        """Place of an item in the view, None if the view does not show it."""
        row = self._index.get_indexer(pd.Index([id_], dtype=object))[0]
        found = np.flatnonzero(self.order == row)
        return int(found[0]) if row >= 0 and len(found) else None

    def item(self, place: int) -> dict[str, Any]:
        """One tile's words and figures."""
        row = int(self.order[place])
        action = self.actions[row]
        return {
            "i": place,
            "id": self.ids[row],
            "path": self.paths[row],
            "label": self.labels[row],
            "split": self.splits[row],
            "predicted": self.predicted[row],
            "suggested": self.suggested[row],
            "second": self._second[row] or None,
            "why": self.why(row),
            "group": None if self.groups is None else self.groups.item(place),
            **{name: float(self.scores[name][row]) for name in ("confidence", "loss", "label_issue")},
            "decision": {"action": action, "label": self.new_labels[row]} if action else None,
        }

    def why(self, row: int) -> str:
        """Why an item is shown, in one sentence: what the queue says, or else the review; "" where neither does."""
        place = self._queue_rows.get_indexer(pd.Index([row]))[0]
        said = self.queue.why[place] if self.queue is not None and place >= 0 else ""
        return said or self._why[row] or ""

    def settled(self, rows: np.ndarray, *, keepers: bool) -> tuple[np.ndarray, np.ndarray]:
        """Who stays and who goes where one of each group is kept, of what the view shows of these groups.

        Args:
            rows: members of the groups.
            keepers: the proposed ones stay, and what is decided is not decided again: where a copy is kept or has a
                new label that one stays, and a group whose proposed one is to go is left alone. Else `rows` stay.

        Returns:
            Rows that stay and rows that go; groups of which nobody in the view would stay are left alone.

        Raises:
            BadInputError: the view has no groups of copies, these items are in none, or nobody would stay.
        """
        groups = self.groups
        if groups is None or not groups.copies.any():
            raise BadInputError("There are no groups of copies in this view; show a queue that has some.")
        member = groups.copies & (groups.number != NO_GROUP)
        given = np.isin(self.order, rows) & member
        if not given.any():
            raise BadInputError("This item is in no group of copies.")
        touched = member & np.isin(groups.number, groups.number[given])
        stays = touched & groups.keeper if keepers else given
        kept = touched & np.isin(self.actions[self.order], ("keep", "relabel")) & keepers
        if not (stays | kept).any():
            raise BadInputError(
                "The proposed keeper is hidden by the filters; name the one that stays, or clear the filters."
            )
        if not keepers:
            goes = np.isin(groups.number, groups.number[stays]) & ~stays
            return self.order[stays], self.order[goes]
        undecided = self.undecided[self.order]
        stays &= undecided & ~np.isin(groups.number, groups.number[kept])
        goes = np.isin(groups.number, groups.number[stays | kept]) & undecided & ~stays
        return self.order[stays], self.order[goes]

    def evidence(self, row: int) -> dict[str, Any]:
        """What the person saw when deciding, for the journal."""
        rank_by = self.view.queue or self.view.sort
        if not self.scored[row]:
            return {"rank_by": rank_by}
        figures = {
            name: round(float(self.scores[name][row]), 6) for name in ("confidence", "loss", "label_issue")
        }
        return {"rank_by": rank_by, "predicted": self.predicted[row], **figures}

    def mark_seen(self, rows: np.ndarray) -> None:
        """Remember that these were looked at."""
        self.seen[rows] = True
        self.seen_ids.update(self.ids[rows])

    def counts(self) -> dict[str, dict[str, int]]:
        """Items by label, by split and by action in force."""
        return {
            "label": self._label_counts,
            "split": self._split_counts,
            "action": self._action_counts,
        }


def _taken(review: Review | None, name: str, rows: np.ndarray, missing: Any) -> np.ndarray:
    if review is None or not len(review.table) or name not in review.table:
        return np.full(len(rows), missing, dtype=object if missing is None else float)
    values = review.table[name].to_numpy()[np.maximum(rows, 0)].copy()
    values[rows < 0] = missing
    return values


def _counts(values: np.ndarray) -> dict[str, int]:
    names, counts = np.unique(values.astype(str), return_counts=True)
    return {str(name): int(count) for name, count in zip(names, counts, strict=True)}
