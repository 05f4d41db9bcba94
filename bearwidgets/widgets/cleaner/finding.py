"""Scores and queues of what is there now: after files moved, and after labels that the scores know were withdrawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bearwidgets.data.actions import RELABEL
from bearwidgets.review.checks.issues import Issues
from bearwidgets.review.checks.run import finding_again
from bearwidgets.widgets.cleaner.retraining import review_anew

if TYPE_CHECKING:
    from collections.abc import Generator

    from bearwidgets.data.dataset import Dataset
    from bearwidgets.learn.progress import Progress
    from bearwidgets.review.review import Review
    from bearwidgets.widgets.cleaner.board import Board
    from bearwidgets.widgets.cleaner.queues import IssueSource

ALL = slice(None)


def labels_now(board: Board, rows: np.ndarray | slice = ALL) -> np.ndarray:
    """(k,) the labels that scores are to be for: those they were made for, or on disk where no new label stands."""
    return np.where(board.decisions.action[rows] == RELABEL, board.judged[rows], board.labels[rows])


def is_behind(board: Board, rows: np.ndarray | slice = ALL) -> bool:
    """Whether any scores in these rows are for a label that was withdrawn since."""
    return bool((board.judged[rows] != labels_now(board, rows)).any())


def finding(
    issues: IssueSource | None, review: Review | None, learn: Any, ds: Dataset
) -> Generator[Progress, None, tuple[Review | None, IssueSource | None]]:
    """Scores and issues for these items and labels; issues that are not our own stay as they are.

    The scores are those of `review`, unless the learner can judge items that are not in it: a round that a training
    did without was rolled back.
    """
    if review is not None:
        known = review.ds.table.content if review.ds is not None else ()
        unknown = ds.table.label.isin(review.classes) & ~ds.table.content.isin(known)
        anew = unknown.any() and hasattr(learn, "with_data")
        review = review_anew(learn, ds) if anew else review.rebind(ds)
    if isinstance(issues, Issues):
        issues = yield from finding_again(issues, ds if review is None else review)
    return review, issues
