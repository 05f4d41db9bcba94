"""What accepting would change in a view, above a threshold and by pair of labels. No widget here."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bearwidgets.data.actions import CHANGING, DELETE, RELABEL
from bearwidgets.errors import BadInputError, shortened
from bearwidgets.widgets.cleaner.values import ROUNDING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bearwidgets.widgets.cleaner.board import Board

THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)


class Suggestion(NamedTuple):
    """One undecided item that accepting would change."""

    place: int  # in the view
    row: int  # of `ds.table`
    label: str
    becomes: str  # the new label, or "delete"
    confidence: float  # of the model; where an image is to go, the score of the queue


def suggestions(board: Board, label: str | None = None, becomes: str | None = None) -> list[Suggestion]:
    """Every suggestion in the view, in its order, of one pair of labels or of all."""
    found = []
    scores = {} if board.queue is None else dict(zip(board.queue.rows, board.queue.score, strict=True))
    for place in board.places_left().tolist():
        row = int(board.order[place])
        proposal = board.proposal(row)
        if proposal is None or proposal.action not in CHANGING:
            continue
        into = DELETE if proposal.label is None else proposal.label
        sure = board.scores["confidence"][row] if proposal.action == RELABEL else scores.get(row, np.nan)
        if label in (None, board.labels[row]) and becomes in (None, into):
            found.append(Suggestion(place, row, board.labels[row], into, float(sure)))
    return found


def sure_ones(found: list[Suggestion], at_least: float) -> list[Suggestion]:
    """Those with at least this confidence.

    Raises:
        BadInputError: The threshold is not between 0 and 1.
    """
    if isinstance(at_least, bool) or not isinstance(at_least, (int, float)) or not 0 <= at_least <= 1:
        raise BadInputError(
            f"at_least is {shortened(at_least)}; allowed is a number from 0 to 1, such as 0.95."
        )
    return [each for each in found if each.confidence >= at_least - ROUNDING]


def runs_of(places: Sequence[int] | np.ndarray) -> list[tuple[int, int]]:
    """Places as sorted half-open ranges, each once."""
    at = np.unique(np.array(places, dtype=np.int64))
    starts = np.flatnonzero(np.diff(at, prepend=-2) > 1)
    ends = [*(starts[1:] - 1), len(at) - 1]
    return [(int(at[start]), int(at[end]) + 1) for start, end in zip(starts, ends, strict=False)]


def pairs_of(found: list[Suggestion]) -> list[tuple[tuple[str, str], int]]:
    """How many go from each label to each other one, the most frequent first."""
    return Counter((each.label, each.becomes) for each in found).most_common()
