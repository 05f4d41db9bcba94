"""What each queue asks: what K answers there, what Enter does, and which of its problems are left. No widget here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bearwidgets.data.actions import ABOUT, DELETE, DUPLICATE, IMAGE, LABEL
from bearwidgets.review.checks import triage
from bearwidgets.review.checks.registry import CHECKS

if TYPE_CHECKING:
    from collections.abc import Iterable

BITS = {about: 1 << at for at, about in enumerate(ABOUT)}  # answers of an item, as the bits of a number
EVERY = sum(BITS.values())  # a delete and an unsure leave nothing to ask

KEEP_SAYS = {
    LABEL: "label is right",
    IMAGE: "image is fine",
    DUPLICATE: "not duplicates",
    "": "nothing is wrong",
}
SUGGESTED, ONE, PROPOSED = "suggested", "one", "proposed"
ACCEPT_SAYS = {
    SUGGESTED: "suggested label",
    ONE: "keep one of the copies",
    DELETE: "delete",
    PROPOSED: "what is proposed",
    "": "",
}
CHOSEN = "chosen"  # the queue of what a notebook chose
LOOK_AGAIN = "look_again"  # the queue of decisions that harm
STANDS = EVERY + 1  # the bit of what no answer answers: that a decision that harms still stands

TRIAGE = triage.NAME


def asked_by(queue: str, *, has_keepers: bool = False) -> str:
    """What the images of a queue are asked about: their label, the image itself, or whether they are copies.

    It follows from what the check of that name proposes. Where each image has a question of its own it is "".
    """
    if queue == TRIAGE:
        return ""
    if has_keepers:
        return DUPLICATE
    if queue in CHECKS:
        return CHECKS[queue].asks
    return LABEL if queue in (CHOSEN, LOOK_AGAIN) else IMAGE


def accepted_in(queue: str, *, has_keepers: bool = False) -> str:
    """What Enter does in a queue, a key of `ACCEPT_SAYS`; nothing where only a person can tell what is to be done."""
    if queue == LOOK_AGAIN:
        return ""
    about = asked_by(queue, has_keepers=has_keepers)
    deletes = queue in CHECKS and CHECKS[queue].proposes == DELETE
    return {"": PROPOSED, LABEL: SUGGESTED, DUPLICATE: ONE}.get(about, DELETE if deletes else "")


def first_of(bits: int, preferred: int = 0) -> str | None:
    """One of the answers: one that is preferred, or else the first."""
    return next((about for about in ABOUT if BITS[about] & (bits & preferred or bits)), None)


def bits_of(about: Iterable[str]) -> int:
    """Answers as bits."""
    return sum(BITS[each] for each in about)


class Tally:
    """How many problems of a queue are left, at a cost that grows with what changes.

    A group of copies is one problem, which is left while more than one of it stays and any of those has no answer;
    each other image is a problem of its own, which is left until it has an answer.

    Attributes:
        problems: how many there are.
        left: how many are left.
        undecided: images without an answer in those.

    Args:
        rows: (m,) rows of the table.
        asked: (m,) bits of what they are asked.
        group: (m,) which of them are copies of one image; below 0 for none.
    """

    def __init__(self, rows: np.ndarray, asked: np.ndarray, group: np.ndarray) -> None:
        order = np.argsort(rows)
        alone = group < 0
        problem = np.unique(np.where(alone, -1 - np.arange(len(rows)), group), return_inverse=True)[1]
        self._rows, self._asked, self._problem = rows[order], asked[order], problem[order]
        self._unanswered = np.bincount(problem)
        self._stay = self._unanswered.copy()
        self._one_may_stay = np.zeros(len(self._stay), dtype=bool)
        self._one_may_stay[problem[~alone]] = True
        self.problems = len(self._stay)
        self.left = self.undecided = 0
        self._sum(np.arange(self.problems), 1)

    def count(self, rows: np.ndarray, answers: np.ndarray, stays: np.ndarray, sign: int) -> None:
        """Count rows of the table in (1) or out (-1), with the answers (bits) they have and whether they stay."""
        at, here = self._find(rows)
        if not len(at):
            return
        problem = self._problem[at]
        touched = np.unique(problem)
        self._sum(touched, -1)
        np.add.at(self._stay, problem, sign * stays[here])
        np.add.at(self._unanswered, problem, sign * ((answers[here] & self._asked[at]) != self._asked[at]))
        self._sum(touched, 1)

    def is_left(self, rows: np.ndarray, answers: np.ndarray) -> np.ndarray:
        """(k,) which rows are in the queue, have no answer, and are of a problem that is left."""
        at, here = self._find(rows)
        here[here] = ((answers[here] & self._asked[at]) != self._asked[at]) & self._open(self._problem[at])
        return here

    def is_open(self, rows: np.ndarray) -> np.ndarray:
        """(k,) which rows are in the queue and of a problem that is left."""
        at, here = self._find(rows)
        here[here] = self._open(self._problem[at])
        return here

    def _find(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Places of those rows that are in the queue, and which they are."""
        at = np.searchsorted(self._rows, rows)
        here = at < len(self._rows)
        here[here] = self._rows[at[here]] == rows[here]
        return at[here], here

    def _open(self, problems: np.ndarray) -> np.ndarray:
        return (self._unanswered[problems] > 0) & ((self._stay[problems] > 1) | ~self._one_may_stay[problems])

    def _sum(self, problems: np.ndarray, sign: int) -> None:
        still = problems[self._open(problems)]
        self.left += sign * len(still)
        self.undecided += sign * int(self._unanswered[still].sum())
