"""What the view asks of each image: what K answers, what Enter does, who of a group stays. No widget here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bearwidgets.data.actions import DELETE, DUPLICATE, KEEP, LABEL, LEFT_OUT, RELABEL, Choice
from bearwidgets.errors import BadInputError
from bearwidgets.widgets.cleaner.questions import ACCEPT_SAYS, KEEP_SAYS, ONE, SUGGESTED, bits_of
from bearwidgets.widgets.cleaner.queues import NO_GROUP
from bearwidgets.widgets.protocol import Decision, Group

if TYPE_CHECKING:
    from bearwidgets.review.review import Review
    from bearwidgets.widgets.cleaner.decision_columns import DecisionColumns
    from bearwidgets.widgets.cleaner.queues import Groups, Queue


class Asking:
    """What can be answered in a view, and what its answers decide; the base of `Board`, which knows the order."""

    order: np.ndarray
    scored: np.ndarray
    labels: np.ndarray
    suggested: np.ndarray
    review: Review | None
    queue: Queue | None
    groups: Groups | None
    decisions: DecisionColumns
    _places: np.ndarray  # of each row of the table in the view; -1 where it is not shown
    _queue_places: np.ndarray  # the same in the queue
    _resolution: tuple[np.ndarray, np.ndarray] | None  # who of each group stays and goes, once it was asked

    def _asks(self, row: int) -> tuple[str, ...]:
        """What K answers on an item in this view, some of `actions.ABOUT`."""
        place = int(self._queue_places[row])
        if self.queue is None or (place < 0 and self.queue.checks):
            return (LABEL,)
        return (self.queue.about,) if place < 0 else self.queue.asked[place]

    def _accepts(self, row: int) -> str:
        """What Enter does on an item in this view, a key of `questions.ACCEPT_SAYS`."""
        place = int(self._queue_places[row])
        if self.queue is None or (place < 0 and self.queue.checks):
            return SUGGESTED
        return self.queue.accepts if place < 0 else self.queue.accepted(place)

    @property
    def about(self) -> str | None:
        """What K answers in this view, one of `actions.ABOUT`; None where each image has a question of its own."""
        return LABEL if self.queue is None else self.queue.about or None

    @property
    def words(self) -> tuple[str, str]:
        """What K says and what Enter does in this view, in words."""
        accepts = SUGGESTED if self.queue is None else self.queue.accepts
        nothing = accepts == SUGGESTED and self.review is None
        return KEEP_SAYS[self.about or ""], "" if nothing else ACCEPT_SAYS[accepts]

    def decision(self, row: int) -> Decision | None:
        """The decision in force on an item; of several answers that to what this view asks."""
        return self.decisions.at(row, bits_of(self._asks(row)))

    def proposal(self, row: int) -> Decision | None:
        """What accepting decides in this view; None where it decides nothing."""
        accepts = self._accepts(row)
        if accepts == ONE:
            place = self._places[row]
            group = self._group(place) if place >= 0 else None
            return None if group is None else group.proposal
        if accepts == DELETE:
            return Decision(DELETE)
        if accepts != SUGGESTED or not self.scored[row]:
            return None
        if self.suggested[row] == self.labels[row]:
            return Decision(KEEP, about=LABEL)
        return Decision(RELABEL, self.suggested[row])

    def accepted(self, rows: np.ndarray) -> dict[int, Choice]:
        """What accepting decides, by row: of copies on their whole groups, as `resolved` with `keepers`."""
        copies = [row for row in rows.tolist() if self._accepts(row) == ONE]
        others = [row for row in rows.tolist() if self._accepts(row) != ONE]
        chosen = self.resolved(np.array(copies), keepers=True) if copies else {}
        proposals = {row: each for row in others if (each := self.proposal(row)) is not None}
        return chosen | {row: Choice(each.action, each.label) for row, each in proposals.items()}

    def kept(self, rows: np.ndarray) -> dict[int, Choice]:
        """What K decides, by row: the answer to what this view asks.

        That images are no duplicates is said of their whole groups, as far as the view shows them and they stay.
        """
        groups = self.groups
        asked = {row: self._asks(row) for row in rows.tolist()}
        copies = [row for row, about in asked.items() if about == (DUPLICATE,)]
        if groups is not None and copies:
            here = np.isin(self.order, copies) & groups.copies
            same = groups.same(here) & ~np.isin(self.decisions.action[self.order], LEFT_OUT)
            asked |= dict.fromkeys(self.order[same].tolist() if here.any() else (), (DUPLICATE,))
        return {row: Choice(KEEP, None, about) for row, about in asked.items()}

    def resolved(self, rows: np.ndarray, *, keepers: bool) -> dict[int, Choice]:
        """What is decided, by row, where one of each group stays and the others go, as far as the view shows them.

        With `keepers` the proposed ones of the groups of `rows` stay, see `Groups.keepers_stay`, else `rows`. Who has
        a new label and stays keeps it; a group of which nobody in the view would stay is left alone.
        """
        groups = self.groups
        if groups is None or not groups.copies.any():
            raise BadInputError("There are no groups of copies in this view; show a queue that has some.")
        given = np.isin(self.order, rows) & groups.copies
        if not given.any():
            raise BadInputError("This item is in no group of copies.")
        action, answers = (each[self.order] for each in (self.decisions.action, self.decisions.answers))
        stay = groups.keeper | groups.firm(action, answers)
        if keepers and not (groups.same(given) & stay).any():
            raise BadInputError(
                "The proposed keeper is hidden by the filters; name the one that stays, or clear the filters."
            )
        stays, goes = given, groups.same(given) & ~given
        if keepers:
            stays, goes = groups.keepers_stay(given, action, answers)
        return dict.fromkeys(self.order[stays].tolist(), Choice(KEEP, None, (DUPLICATE,))) | dict.fromkeys(
            self.order[goes].tolist(), Choice(DELETE)
        )

    def _group(self, place: int) -> Group | None:
        """What an item says of its group; None for an item in none."""
        groups = self.groups
        if groups is None or groups.number[place] == NO_GROUP:
            return None
        if self._resolution is None:
            columns = (self.decisions.action, self.decisions.answers)
            self._resolution = groups.keepers_stay(groups.copies, *(each[self.order] for each in columns))
        stays, goes = (each[place] for each in self._resolution)
        proposal = Decision(KEEP, about=DUPLICATE) if stays else Decision(DELETE) if goes else None
        return groups.item(place, proposal)
