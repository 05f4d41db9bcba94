"""The confusion matrix as a view: a click on a cell shows its images in a grid."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bearwidgets.errors import BadInputError, shortened, unknown_name
from bearwidgets.figures import counted, percent
from bearwidgets.review.review import Review
from bearwidgets.safe_text import visible
from bearwidgets.widgets import protocol
from bearwidgets.widgets.cleaner.cleaner import Cleaner
from bearwidgets.widgets.cleaner.requests import Requests
from bearwidgets.widgets.view import View, bundle

if TYPE_CHECKING:
    from bearwidgets.widgets.protocol import CellRequest, KernelEvent, MatrixReply, MatrixRequest

ALL = "all"
MOST_CLASSES = 20  # of the table that goes with the output


class ConfusionMatrix(View):
    """A confusion matrix whose cells open their images in a grid below it, to act on them there.

    Args:
        source: a `Review`, or what a `Cleaner` takes.
        cleaner: a grid elsewhere in the notebook to drive instead of one below.
        split: "valid", "train", "test" or "all".
        height: of the grid below, px.

    Attributes:
        cleaner: the grid as a `Cleaner`, with all its methods.
        split: which items are counted.

    Raises:
        BadInputError: a source without predictions, or a split that there is not.

    Example:
        >>> matrix = bw.ConfusionMatrix(review)
        >>> matrix.show("grizzly", "black") >= 0
        True
    """

    _esm = bundle("confusion.js")
    _css = bundle("confusion.css")

    def __init__(
        self, source: Any, *, cleaner: Cleaner | None = None, split: str | None = None, height: int = 460
    ) -> None:
        if not isinstance(cleaner, (Cleaner, type(None))):
            raise BadInputError(f"cleaner is {shortened(cleaner)}; allowed is the bw.Cleaner to drive.")
        self.cleaner = cleaner or Cleaner(source)
        if self.cleaner.review is None:
            raise BadInputError(
                "A confusion matrix needs predictions, and so does the grid it drives; give them a Review or a "
                "trained Learner."
            )
        if cleaner is not None and isinstance(source, Review) and source is not cleaner.review:
            raise BadInputError("The cleaner shows another review than the one given; give cleaner.review.")
        session = self.cleaner._session  # noqa: SLF001 - the same work, seen in another view
        self._has_grid = cleaner is None
        self.split = ""
        self._choose(split or self._splits()[0])
        handlers = {
            "matrix": (protocol.MatrixRequest, self._matrix),
            "cell": (protocol.CellRequest, self._cell),
        }
        super().__init__(handlers | Requests(session).handlers, self.cleaner.lock, height=height)
        session.join(self)

    def __repr__(self) -> str:
        return f"ConfusionMatrix({len(self._review.classes)} classes, split {self.split!r})"

    def show(self, actual: str, predicted: str) -> int:
        """Show the images of one cell in the grid, the most suspect first; gives their number.

        Raises:
            BadInputError: no such class.
        """
        classes = self._review.classes
        for name in (actual, predicted):
            if name not in classes:
                raise BadInputError(unknown_name("class", name, classes, "in this matrix"))
        return self.cleaner.show(
            label=actual, predicted=predicted, split=None if self.split == ALL else self.split
        )

    def counted(self) -> MatrixReply:
        """The matrix as the view shows it."""
        review = self._review
        counts = review.confusion_matrix(None if self.split == ALL else self.split).to_numpy()
        total = int(counts.sum())
        return protocol.MatrixReply(
            classes=review.classes,
            counts=counts.tolist(),
            split=self.split,
            labels=review.labels,
            splits=self._splits(),
            total=total,
            accuracy=float(counts.trace() / total) if total else None,
            grid=self._has_grid,
        )

    def static_html(self) -> str:
        """The matrix as a table, of many classes those with the most errors."""
        with self.cleaner.lock:
            matrix = self.counted()
        counts, names = np.array(matrix.counts), list(map(visible, matrix.classes))
        errors = counts.sum(0) + counts.sum(1) - 2 * counts.diagonal()
        rows = np.sort(np.argsort(-errors, kind="stable")[:MOST_CLASSES])
        named = pd.Index([names[row] for row in rows])
        table = pd.DataFrame(counts[rows][:, rows], named.rename("actual"), named.rename("predicted"))
        right = "" if matrix.accuracy is None else f", {percent(matrix.accuracy)} as predicted"
        some = (
            f"; the {len(rows)} classes with the most errors of {len(names):,}"
            if len(rows) < len(names)
            else ""
        )
        title = f"{counted(matrix.total, 'image')}, split {self.split}, {matrix.labels}{right}{some}"
        return f'<p style="font:12px sans-serif">{html.escape(title)}</p>{table.to_html()}'

    def _matrix(self, request: MatrixRequest) -> MatrixReply:
        if request.split is not None:
            self._choose(request.split)
        return self.counted()

    def _cell(self, request: CellRequest) -> protocol.Nothing:
        self.show(request.actual, request.predicted)
        return protocol.Nothing()

    def _choose(self, split: str) -> None:
        if split not in self._splits():
            raise BadInputError(unknown_name("split", split, self._splits(), "in this review"))
        self.split = split

    def _splits(self) -> list[str]:
        there = set(self._review.table.split)
        return [*(each for each in ("valid", "test", "train") if each in there), ALL]

    @property
    def _review(self) -> Review:
        review = self.cleaner.review
        assert review is not None  # noqa: S101 - refused at the start
        return review

    def tell(self, event: KernelEvent) -> None:
        """Send an event to the page, which hears of a grid only where it has one."""
        if self._has_grid or isinstance(event, protocol.MatrixEvent):
            super().tell(event)

    def scores_changed(self) -> None:
        """Tell the new matrix."""
        if self.split not in self._splits():
            self.split = self._splits()[0]
        self.tell(protocol.MatrixEvent(self.counted()))
