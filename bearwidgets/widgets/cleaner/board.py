"""What a grid shows and in which order: scores and decisions as columns, a filter, a sort. No widget here."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bearwidgets.clean.log.remarks import value_of
from bearwidgets.data.actions import ACTIONS, LABEL
from bearwidgets.errors import BadInputError, shortened, unknown_name
from bearwidgets.widgets.cleaner.asking import Asking
from bearwidgets.widgets.cleaner.decision_columns import DecisionColumns
from bearwidgets.widgets.cleaner.questions import (
    BITS,
    CHOSEN,
    TRIAGE,
)
from bearwidgets.widgets.cleaner.queues import Queues, together
from bearwidgets.widgets.cleaner.similar import MOST as MOST_SIMILAR
from bearwidgets.widgets.cleaner.similar import Similar, similar_to
from bearwidgets.widgets.cleaner.values import Values
from bearwidgets.widgets.protocol import Counts, Filter, Item, ValueRange, ViewSpec

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bearwidgets.clean.log.fold import Decision as Recorded
    from bearwidgets.clean.log.remarks import Remark
    from bearwidgets.data.dataset import Dataset
    from bearwidgets.review.checks.triage import Looks
    from bearwidgets.review.review import Review
    from bearwidgets.widgets.cleaner.queues import IssueSource, Queue

SCORES = ("confidence", "loss", "margin", "label_issue")


class Board(Asking):
    """The items of a data set in the order of a view.

    Decisions never change the order, so that nothing moves under the hand that decides; `show` does.

    Attributes:
        revision: grows with each new order; places in the view are only good for one revision.
        order: rows of `ds.table` in the view.
        decisions: those in force, as columns.
        queue: the queue that is shown, or None.
        groups: what belongs together in the view, or None where nothing does.
        similar: how far the items of the view are from its first one, where it shows that; else None.
        remarks: tags and notes by id; whoever made the board keeps them up.
    """

    def __init__(
        self,
        ds: Dataset,
        review: Review | None,
        decisions: pd.DataFrame,
        issues: IssueSource | None = None,
        remarks: Mapping[str, Remark] | None = None,
        settled: Mapping[str, Sequence[str]] = MappingProxyType({}),
    ) -> None:
        self.view = ViewSpec("path", descending=False) if review is None else ViewSpec("label_issue")
        self.revision = 0
        self.ids: np.ndarray = np.zeros(0, dtype=object)
        self.seen_ids: set[str] = set()
        self.issues = issues
        self.remarks = {} if remarks is None else remarks
        self._chosen_ids: list[str] | None = None
        self._harmful: pd.DataFrame | None = None
        self._trained_on: Mapping[str, str] = {}
        self.load(ds, review, decisions, settled)
        if TRIAGE in self.queues.names:
            self.show(ViewSpec("queue", queue=TRIAGE))

    def load(
        self,
        ds: Dataset,
        review: Review | None,
        decisions: pd.DataFrame,
        settled: Mapping[str, Sequence[str]] = MappingProxyType({}),
        *,
        hold: bool = False,
    ) -> None:
        """Take other items or other scores, and order them anew; with `hold` not if the items are the same.

        `settled` is as in `Journal.settled`.
        """
        table = ds.table
        self.ds, self.review = ds, review
        hold = hold and np.array_equal(self.ids, table.id)
        self.ids = table.id.to_numpy(dtype=object)
        self.paths: np.ndarray = table.path.to_numpy(dtype=object)
        self.labels: np.ndarray = table.label.to_numpy(dtype=object)
        self.splits: np.ndarray = table.split.to_numpy(dtype=object)
        self.contents: np.ndarray = table.content.to_numpy(dtype=object)
        self._index = pd.Index(self.ids, dtype=object)  # as text it would be looked through from end to end
        self._folded: list[str] | None = None
        rows = review.table.index.get_indexer(self._index) if review is not None else np.full(len(table), -1)
        self.scored = rows >= 0
        self.scores = {name: _taken(review, name, rows, np.nan) for name in SCORES}
        self.predicted = _taken(review, "predicted", rows, None)
        self.judged = np.where(self.scored, _taken(review, "label", rows, None), self.labels)
        self.suggested = _taken(review, "suggested", rows, None)
        self._second = _taken(review, "second", rows, None)
        self._why = _taken(review, "why", rows, None)
        self.queues = Queues(self.issues, self._index, self._chosen_ids)
        self.queues.look_again(self._harmful)
        self.values = Values(ds, self.scores, self.issues)
        self._label_counts, self._split_counts = (
            {str(name): n for name, n in sorted(Counter(each.tolist()).items())}
            for each in (self.judged, self.splits)
        )
        self.seen = np.fromiter((each in self.seen_ids for each in self.ids), bool, len(self.ids))
        self.decisions = DecisionColumns(ds, self._index, decisions, self._trained_on, self.queues, settled)
        if hold:
            return
        try:
            self.show(self.view)
        except BadInputError:  # its queue, item, order or values are not there any more
            self.show(ViewSpec("path"))

    def trained_on(self, labels: Mapping[str, str]) -> None:
        """The scores shown come from a training on these items and labels, by id."""
        self._trained_on = labels
        self.decisions.trained_on(labels)

    def update(self, changes: Mapping[str, Recorded | None]) -> np.ndarray:
        """Take the decisions that changed, by id; None for one that is gone. The order stays; gives the rows."""
        self._resolution = None
        if self._harmful is not None and self._harmful.index.isin(list(changes)).any():
            self.look_again(self._harmful[~self._harmful.index.isin(list(changes))])
        return self.decisions.update(changes)

    def show(self, view: ViewSpec) -> None:
        """Filter and sort anew; a queue must be there, a class or split without items is allowed."""
        queue = similar = None
        if view.similar is not None:
            row = int(self.rows_of([view.similar])[0])
            view = replace(view, similar=self.ids[row])
            similar = self.similar_to(row, MOST_SIMILAR)
            order = np.concatenate([[row], similar.rows])
        elif view.sort == "queue" and view.queue is None:
            raise BadInputError(
                "The order of a queue needs a queue; choose one of both: queue=..., sort='path'."
            )
        else:
            queue, rows = self.queues.get(view.queue), self._rows(view)
            order = rows[np.argsort(self._keys(rows, view), kind="stable")]
            if view.descending and view.sort in ("queue", "label_issue") and view.queue != CHOSEN:
                # what is decided steps back, but where a person said: exactly these, in this order
                order = order[np.argsort(~self._is_open(queue, order), kind="stable")]
        self.order, self.similar = order, similar
        self.groups = None
        if queue is not None:
            self.order, self.groups = together(self.order, queue, self.labels)
        self._resolution = None
        self.runs = [] if self.groups is None else self.groups.runs()
        self._places = np.full(len(self.ids), -1)
        self._places[self.order] = np.arange(len(self.order))
        self.queue, self._queue_places = queue, np.full(len(self.ids), -1)
        if queue is not None:
            self._queue_places[queue.rows] = np.arange(len(queue.rows))
        self.view = view
        self.revision += 1

    def _rows(self, view: ViewSpec) -> np.ndarray:
        """The rows that queue and filter let through, in the order of the queue or of the table."""
        queue = self.queues.get(view.queue)
        chosen = self._chosen(view.filter, queue)
        return np.flatnonzero(chosen) if queue is None else queue.rows[chosen[queue.rows]]

    def _keys(self, rows: np.ndarray, view: ViewSpec) -> np.ndarray:
        """What to sort these rows by, the lowest first; NaN comes last either way."""
        sign = -1 if view.descending else 1
        if view.sort == "queue":
            return np.arange(len(rows)) * -sign
        if (score := self.values.score(view.sort)) is not None:
            return score[rows] * sign
        columns = {"path": self.paths, "label": self.labels, "decided": self.decisions.seq}
        if view.sort not in columns:
            known = [each.name for each in self.values.sorts(view)]
            raise BadInputError(unknown_name("order", view.sort, known, "to sort by"))
        return pd.factorize(columns[view.sort][rows], sort=True)[0] * sign

    def similar_to(self, row: int, n: int) -> Similar:
        """The `n` items that look most like one."""
        return similar_to(self.ds, getattr(self.review, "learn", None), row, n)

    def ranges(self) -> list[ValueRange]:
        """How the values in the view are spread, whatever its range filters say."""
        if self.similar is not None:
            return self.values.ranges(self.order)
        unranged = replace(self.view, filter=replace(self.view.filter, ranges=[]))
        return self.values.ranges(self._rows(unranged))

    def choose(self, ids: Sequence[str] | None) -> None:
        """Have a queue "chosen" of these items in this order; None takes it away."""
        self._chosen_ids = None if ids is None else self.ids[self.rows_of(list(dict.fromkeys(ids)))].tolist()
        queue = self.queues.choose(self._chosen_ids)
        if queue is not None:
            self.decisions.count_in(queue)

    def look_again(self, harmful: pd.DataFrame | None) -> None:
        """Have a queue of items whose decisions harm, see `Queues.look_again`; who is decided anew leaves it."""
        self._harmful = harmful
        queue = self.queues.look_again(harmful)
        if queue is not None:
            self.decisions.count_in(queue)

    def rank_anew(self, decisions: pd.DataFrame, earlier: Looks | None = None) -> None:
        """Learn from decisions in which order to look; the order that is shown stays until `show`."""
        queue = self.queues.rank_anew(decisions, earlier)
        if queue is not None:
            self.decisions.count_in(queue)

    def is_left(self, queue: Queue | None) -> np.ndarray:
        """(n,) which items still need an answer to what a queue asks; without one, whether their label is right."""
        answers = self.decisions.answers
        if queue is None:
            return (answers & BITS[LABEL]) == 0
        left = np.zeros(len(self.ids), dtype=bool)
        if queue.name in self.queues.tallies:  # an order that was held may be of a queue that is gone
            left[queue.rows] = self.queues.tallies[queue.name].is_left(queue.rows, answers[queue.rows])
        return left

    def _is_open(self, queue: Queue | None, rows: np.ndarray) -> np.ndarray:
        """(k,) which of these rows are of a problem that is left; without a queue, those that need an answer."""
        return self.is_left(None)[rows] if queue is None else self.queues.tallies[queue.name].is_open(rows)

    def places_left(self) -> np.ndarray:
        """Places in the view that still need an answer."""
        return np.flatnonzero(self.is_left(self.queue)[self.order])

    def next_left(self, start: int, *, back: bool) -> int | None:
        """The next place after (before) `start` in the view that still needs an answer; None where there is none."""
        places = self.places_left()
        found = places[places < start][-1:] if back else places[places > start][:1]
        return int(found[0]) if len(found) else None

    def _chosen(self, wanted: Filter, queue: Queue | None) -> np.ndarray:
        chosen = np.ones(len(self.ids), dtype=bool)
        for value, column in (
            (wanted.label, self.judged),
            (wanted.predicted, self.predicted),
            (wanted.split, self.splits),
        ):
            if value:
                chosen &= column == value
        if wanted.decision == "undecided":
            chosen &= self.is_left(queue)
        elif wanted.decision == "pending":
            chosen &= ~self.decisions.undecided
        elif wanted.decision:
            chosen &= self.decisions.action == wanted.decision
        if wanted.text:
            if self._folded is None:
                self._folded = [each.casefold() for each in self.paths]
            text = wanted.text.casefold()
            chosen &= np.fromiter((text in each for each in self._folded), bool, len(chosen))
        for each in wanted.ranges:
            chosen &= self.values.within(each)
        if wanted.tag:
            tagged = {id_ for id_, remark in self.remarks.items() if wanted.tag in remark.tags}
            chosen &= self._index.isin(tagged)
        return chosen

    def ids_at(self, ranges: Iterable[tuple[int, int]]) -> list[str]:
        """Ids at half-open ranges of places in the view, each once."""
        rows: list[int] = []
        ranges = list(ranges)
        if sum(stop - start for start, stop in ranges) > len(self.order):
            raise BadInputError(
                f"The ranges overlap; allowed are at most all {len(self.order)} places, each once."
            )
        for start, stop in ranges:
            if not 0 <= start <= stop <= len(self.order):
                raise BadInputError(
                    f"The range [{start}, {stop}] does not fit; allowed is [start, stop] within 0 and "
                    f"{len(self.order)}."
                )
            rows += self.order[start:stop].tolist()
        return self.ids[list(dict.fromkeys(rows))].tolist()

    def rows_of(self, ids: Sequence[str]) -> np.ndarray:
        """Rows of the table for ids or paths, all of which must be there."""
        names = pd.Index(list(ids), dtype=object)
        rows = self._index.get_indexer(names)
        if (rows < 0).any():
            rows = np.where(rows < 0, pd.Index(self.paths, dtype=object).get_indexer(names), rows)
        if (rows < 0).any():
            raise BadInputError(
                f"No item {shortened(ids[int(np.argmax(rows < 0))])} here; ids and paths stand in ds.table."
            )
        return rows

    def place_of(self, id_: str) -> int | None:
        """Place of an item in the view, None if the view does not show it."""
        row = self._index.get_indexer(pd.Index([id_], dtype=object))[0]
        return int(self._places[row]) if row >= 0 and self._places[row] >= 0 else None

    def places_of(self, ids: Sequence[str]) -> np.ndarray:
        """Places of items in the view, -1 for those that it does not show or know."""
        rows = self._index.get_indexer(pd.Index(list(ids), dtype=object))
        return np.where(rows >= 0, self._places[rows], -1) if len(self.ids) else np.full(len(rows), -1)

    def among(self, ids: Iterable[str]) -> np.ndarray:
        """Which items are among these ids, (items,) bool; ids of no item do not count."""
        found = self._index.get_indexer(pd.Index(list(ids), dtype=object))
        here = np.zeros(len(self.ids), dtype=bool)
        here[found[found >= 0]] = True
        return here

    def item(self, place: int) -> Item:
        """One tile's words and figures."""
        row = int(self.order[place])
        tags, note = value_of(self.remarks.get(self.ids[row]))
        confidence, loss, label_issue = (
            float(self.scores[name][row]) for name in ("confidence", "loss", "label_issue")
        )
        return Item(
            i=place,
            id=self.ids[row],
            path=self.paths[row],
            label=self.labels[row],
            split=self.splits[row],
            predicted=self.predicted[row],
            confidence=confidence,
            loss=loss,
            label_issue=label_issue,
            suggested=self.suggested[row],
            second=self._second[row] or None,
            why=self.why(row),
            group=self._group(place),
            decision=self.decision(row),
            proposal=self.proposal(row),
            stale=bool(self.decisions.stale[row]),
            tags=list(tags),
            note=note,
        )

    def why(self, row: int) -> str:
        """Why an item is shown, in one sentence: what the queue says, or else the review; "" where neither does."""
        if self.similar is not None and row != self.order[0]:
            return self.similar.why(self._places[row] - 1, self.paths[self.order[0]])
        place = self._queue_places[row]
        said = self.queue.why[place] if self.queue is not None and place >= 0 else ""
        return said or self._why[row] or ""

    def evidence(self, row: int) -> dict[str, Any]:
        """What the person saw when deciding, for the journal."""
        rank_by = "similar" if self.similar is not None else self.view.queue or self.view.sort
        if not self.scored[row]:
            return {"rank_by": rank_by}
        figures = {
            name: round(float(self.scores[name][row]), 6) for name in ("confidence", "loss", "label_issue")
        }
        return {"rank_by": rank_by, "predicted": self.predicted[row], **figures}

    def mark_seen(self, ids: Sequence[str]) -> None:
        """Remember that these were looked at."""
        self.seen[self.rows_of(ids)] = True
        self.seen_ids.update(ids)

    def counts(self) -> Counts:
        """Items by label, by split and by action in force."""
        actions = {action: self.decisions.by_action[action] for action in ACTIONS}
        return Counts(self._label_counts, self._split_counts, actions)


def _taken(review: Review | None, name: str, rows: np.ndarray, missing: Any) -> np.ndarray:
    if review is None or not len(review.table) or name not in review.table:
        return np.full(len(rows), missing, dtype=object if missing is None else float)
    values = review.table[name].to_numpy()[np.maximum(rows, 0)].copy()
    values[rows < 0] = missing
    return values
