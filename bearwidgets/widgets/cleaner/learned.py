"""What a person's decisions say of the checks, kept over trainings and moved files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bearwidgets.review.checks.issues import Issues

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from bearwidgets.review.checks.triage import Looks
    from bearwidgets.widgets.cleaner.board import Board


class Learned:
    """The looks that were taken, each with what the checks said of the image then.

    After a training the checks say something else of an image: of one that was corrected, that it is fine. So what
    they said before is kept.

    Args:
        after: decisions count that have a `seq` greater than this.
    """

    def __init__(self, after: int) -> None:
        self.after = after
        self._earlier: Looks | None = None

    def keep(self, board: Board, decisions: pd.DataFrame) -> None:
        """Keep what the checks say now of what was decided, before they are run anew."""
        new = decisions[decisions.seq > self.after]
        self.after = max(decisions.seq, default=self.after)
        if isinstance(board.issues, Issues) and len(new):
            self._earlier = board.issues.looks(new).and_before(self._earlier)

    def forget(self, ids: Iterable[str]) -> None:
        """These were withdrawn, or are decided anew."""
        if self._earlier is not None:
            self._earlier = self._earlier.without(ids)

    def rank(self, board: Board, decisions: pd.DataFrame) -> None:
        """Put what to review first in the order that follows, from the next `Board.show` on."""
        new = decisions[decisions.seq > self.after]
        if len(new) or self._earlier is not None:
            board.rank_anew(new, self._earlier)
