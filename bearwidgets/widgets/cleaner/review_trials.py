"""Decisions as looks: what each look at a queue brought, for the running yield. Plain functions, no widget."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from bearwidgets.data.actions import CHANGING, DELETE, LABEL, UNSURE
from bearwidgets.widgets.cleaner.queues import NO_GROUP
from bearwidgets.widgets.protocol import SORTS

if TYPE_CHECKING:
    from bearwidgets.clean.journal import Journal
    from bearwidgets.widgets.cleaner.board import Board


_LABELS = "label_issues"  # the queue of what the grid without a queue shows, too


def counted_from(journal: Journal) -> int:
    """The newest decision that is as old as the last applied round; 0 without a round.

    A round takes what it carried out from the decisions and leaves what was kept: those alone would say that
    looking never found anything.
    """
    rounds, decisions = journal.rounds, journal.decisions
    applied = rounds.applied_at[rounds.rolled_back_at.isna()]
    if not len(applied):
        return 0
    return int(max(decisions.seq[decisions.decided_at <= max(applied)], default=0))


def review_trials(
    board: Board, decisions: pd.DataFrame, after: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Every look that was taken or is still to take, in the queue that is shown or in all scored items.

    A group is one look: something changed if any of it did. What is unsure, or was decided in another queue, is
    no look: its answer says nothing about this order. Only decisions with a `seq` greater than `after` count.

    Returns:
        score (m,), changed (m,) 1, 0 or NaN for undecided, when (m,): what `review_yield` takes.
    """
    queue = board.queue
    if queue is not None:
        rows, score, group, orders = queue.rows, queue.score, queue.group, (queue.name,)
        orders += SORTS if queue.name == _LABELS else ()
    else:
        rows, orders = np.flatnonzero(board.scored), (*SORTS, _LABELS)
        score, group = board.scores["label_issue"][rows], np.full(len(rows), NO_GROUP)
    here = decisions[(decisions.seq > after) & decisions.rank_by.isin(orders) & (decisions.action != UNSURE)]
    taken = np.isin(board.decisions.seq[rows], here.seq)
    changing = CHANGING if queue is None or queue.about in (LABEL, "") else (DELETE,)
    changed = np.where(np.isin(board.decisions.action[rows], changing), 1.0, 0.0)
    changed[~taken] = np.nan
    good = (taken | board.is_left(queue)[rows]) & np.isfinite(score)
    one = np.where(group == NO_GROUP, NO_GROUP - 1 - np.arange(len(rows)), group)
    table = pd.DataFrame({"score": score, "changed": changed, "when": board.decisions.seq[rows]})[good]
    units = table.groupby(one[good], sort=False).max()
    return tuple(units[name].to_numpy() for name in ("score", "changed", "when"))
