"""The confusion matrix as a view: a click on a cell shows its images in a grid."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import anywidget
import ipywidgets
import traitlets

from bearwidgets.errors import BadInputError, unknown_name
from bearwidgets.review.review import Review
from bearwidgets.widgets import protocol
from bearwidgets.widgets.cleaner.cleaner import STATIC, Cleaner

if TYPE_CHECKING:
    from collections.abc import Mapping

ALL = "all"


class MatrixView(anywidget.AnyWidget):
    """The matrix alone; its cells say what was clicked to the function they are given."""

    _esm = STATIC / "confusion.js"
    _css = STATIC / "confusion.css"
    height = traitlets.Int(420, help="Largest height of the matrix, px.").tag(sync=True)

    def __init__(self, owner: ConfusionMatrix) -> None:
        super().__init__()
        self._handlers = {"hello": owner.hello, "split": owner.choose_split, "cell": owner.choose_cell}
        self.on_msg(self._on_message)

    def _on_message(self, _widget: Any, content: Any, _buffers: Any) -> None:
        answer = protocol.answer(self._handlers, content)
        if answer is not None:
            self.send(answer[0], cast("list[Any]", answer[1]))


class ConfusionMatrix(ipywidgets.VBox):
    """A confusion matrix whose cells open their images, with a `Cleaner` below it to act on them.

    Args:
        source: a `Review`, or what a `Cleaner` takes.
        cleaner: a grid to drive instead of one below.
        split: "valid", "train", "test" or "all".

    Attributes:
        cleaner: the linked grid.

    Raises:
        BadInputError: a source without predictions, or a split that there is not.

    Example:
        >>> bw.ConfusionMatrix(review)  # doctest: +SKIP
    """

    def __init__(self, source: Any, *, cleaner: Cleaner | None = None, split: str | None = None) -> None:
        self.cleaner = cleaner or Cleaner(source, height=460)
        if self.cleaner.review is None:
            raise BadInputError(
                "A confusion matrix needs predictions, and so does the grid it drives; give them a Review or a "
                "trained Learner."
            )
        if cleaner is not None and isinstance(source, Review) and source is not cleaner.review:
            raise BadInputError("The cleaner shows another review than the one given; give cleaner.review.")
        review = self._review
        self._splits = _splits(review)
        self.split = self._splits[0]
        self._select(split or self.split)
        self.matrix = MatrixView(self)
        self.cleaner.on_scores(self._tell)
        super().__init__([self.matrix] if cleaner is not None else [self.matrix, self.cleaner])

    def __repr__(self) -> str:
        return f"ConfusionMatrix({len(self._review.classes)} classes, split {self.split!r})"

    def hello(self, _fields: Mapping[str, Any]) -> dict[str, Any]:
        """The matrix as the view shows it: classes, counts (rows actual, columns predicted), accuracy."""
        review = self._review
        counts = review.confusion_matrix(None if self.split == ALL else self.split).to_numpy()
        total = int(counts.sum())
        return {
            "classes": review.classes,
            "counts": counts.tolist(),
            "split": self.split,
            "splits": self._splits,
            "total": total,
            "accuracy": float(counts.trace() / total) if total else None,
        }

    def choose_split(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Show another split."""
        self._select(protocol.text(fields, "split", self._splits))
        return self.hello(fields)

    def choose_cell(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Show the images of one cell in the grid."""
        self.show(protocol.text(fields, "actual"), protocol.text(fields, "predicted"))
        return {}

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

    def _select(self, split: str) -> None:
        if split not in self._splits:
            raise BadInputError(unknown_name("split", split, self._splits, "in this review"))
        self.split = split

    @property
    def _review(self) -> Review:
        """The scores of the grid on the labels of the grid, so that a cell counts what a click shows."""
        review = self.cleaner.review
        assert review is not None  # noqa: S101 - refused at the start
        return review.rebind(self.cleaner.ds)

    def _tell(self) -> None:
        review = self._review
        self._splits = _splits(review)
        if self.split not in self._splits:
            self.split = self._splits[0]
        self.matrix.send({"kind": "event", "event": "matrix", **self.hello({})})


def _splits(review: Review) -> list[str]:
    return [*(each for each in ("valid", "test", "train") if (review.table.split == each).any()), ALL]
