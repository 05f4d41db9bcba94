"""What is read off a confusion matrix: cells in words, rates, who is wrong, figures of each class, a plot."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from bearwidgets.errors import BadInputError, check_whole, unknown_name
from bearwidgets.figures import counted, near_percent, percent
from bearwidgets.review.inspect import counts as numbers
from bearwidgets.review.inspect.groups import Tree, class_order, class_tree
from bearwidgets.review.inspect.plot import plot_matrix
from bearwidgets.safe_text import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

GIVEN = "labels as given"


class Items(NamedTuple):
    """The items that are counted: ids (n,), or None, and the class numbers (n,) of their labels and predictions."""

    ids: np.ndarray | None
    actual: np.ndarray
    predicted: np.ndarray

    def onto(self, number: np.ndarray) -> Items:
        """The same items with the new number (classes,) of each class."""
        return Items(self.ids, number[self.actual], number[self.predicted])

    def at(self, rows: np.ndarray) -> Items:
        """Some of the items, in the order of their rows (m,)."""
        return Items(None if self.ids is None else self.ids[rows], self.actual[rows], self.predicted[rows])


@dataclass(frozen=True, eq=False)
class Matrix:
    """Counts with the names of their classes, and what is read off them; see `Confusion`."""

    classes: tuple[str, ...]
    counts: np.ndarray
    label_wrong: np.ndarray | None = None
    labels: str = GIVEN
    split: str | None = None
    items: Items | None = None

    def __repr__(self) -> str:
        classes = counted(len(self.classes), "class", "classes")
        return f"{type(self).__name__}({counted(self.total, 'item')}, {classes}, {self.labels})"

    @property
    def total(self) -> int:
        """How many items are counted."""
        return int(self.counts.sum())

    @property
    def model_wrong(self) -> np.ndarray | None:
        """(classes, classes), the rest of each count besides `label_wrong`.

        Where label and prediction differ, the model is expected to be wrong there; where they agree, both are right.
        """
        return None if self.label_wrong is None else self.counts - self.label_wrong

    def to_frame(self, normalize: str | None = None) -> pd.DataFrame:
        """The counts, or rates, as a table with the names of the classes.

        Args:
            normalize: "actual", "predicted" or "all" for rates from 0 to 1 of a row, a column or everything, NaN
                where it is empty; None for counts.

        Raises:
            BadInputError: another word.
        """
        values = self.counts.copy() if normalize is None else numbers.rates(self.counts, normalize)
        return numbers.as_frame(values, self.classes)

    def sentence(self, actual: str, predicted: str, normalize: str = "actual") -> str:
        """A cell in words, as a share of its row ("actual"), its column ("predicted") or everything ("all").

        Raises:
            BadInputError: no such class, or another word.

        Example:
            >>> Matrix(("black", "teddy"), np.array([[8, 2], [1, 9]])).sentence("black", "teddy", "all")
            '2 of 20 are black called teddy (10 %)'
        """
        cell = self.cell(actual, predicted)
        count, whole = int(self.counts[cell]), int(numbers.totals(self.counts, normalize)[cell])
        one, other = (visible(self.classes[number]) for number in cell)
        said = {
            "actual": f"{one} called {other}",
            "predicted": f"called {other} are {one}",
            "all": f"are {one} called {other}",
        }[normalize]
        return f"{count:,} of {whole:,} {said} ({_share(count, whole)})"

    def who_is_wrong(self, actual: str, predicted: str) -> str:
        """The two parts of a cell in words, whole numbers that add up to its count; "" where they are not known.

        Raises:
            BadInputError: no such class.
        """
        cell = self.cell(actual, predicted)
        if self.label_wrong is None:
            return ""
        count, label = int(self.counts[cell]), round(float(self.label_wrong[cell]))
        rest = "both are right" if cell[0] == cell[1] else "the model is wrong"
        return f"of {count:,}, about {label:,} with a wrong label and {count - label:,} where {rest}"

    def ids(self, actual: str | None = None, predicted: str | None = None) -> list[Any]:
        """The ids of the items of a cell; of a row or a column where only one is named, else of all.

        Raises:
            BadInputError: no such class, or a matrix without ids.
        """
        rows, columns = (None if name is None else [name] for name in (actual, predicted))
        return self.ids_of([(rows, columns)])

    def ids_of(self, blocks: Iterable[tuple[Sequence[str] | None, Sequence[str] | None]]) -> list[Any]:
        """The ids of the items of several cells, each once.

        Args:
            blocks: names of rows and of columns; all cells in which they meet; None for all.

        Raises:
            BadInputError: no such class, or a matrix without ids.
        """
        if self.items is None or self.items.ids is None:
            raise BadInputError("This matrix was made without ids, so its cells have counts and no items.")
        here = np.zeros(len(self.items.ids), dtype=bool)
        for rows, columns in blocks:
            meet = np.ones(len(here), dtype=bool)
            for names, codes in ((rows, self.items.actual), (columns, self.items.predicted)):
                if names is not None:
                    chosen = np.zeros(len(self.classes), dtype=bool)
                    chosen[[self._number(name) for name in names]] = True
                    meet &= chosen[codes]
            here |= meet
        return self.items.ids[here].tolist()

    def per_class(self) -> pd.DataFrame:
        """Figures of each class, with 95 % intervals.

        Columns support, predicted (how many were called it), and precision, recall and f1, each with _low and _high;
        all 0 to 1, NaN where there is nothing to share: no item was called the class, has the label, or either.
        Intervals are Wilson's (see `figures.wilson`), that of F1 by his interval for the share of hits among all that
        are or are called the class, of which F1 is a rising function (the "Wilson indirect" way of Lam, Gopal & Qian,
        "Confidence intervals for the F1 score: a comparison of four methods", 2023).
        """
        return numbers.class_scores(self.counts, self.classes)

    def per_class_told(self) -> pd.DataFrame:
        """The same in words: "90.0 % (85.1–93.4 %)", and "–" where there is nothing to share."""
        return numbers.class_scores_told(self.per_class())

    def most_confused(self, n: int = 20) -> pd.DataFrame:
        """The `n` pairs that are mistaken most often: actual, predicted, count, share of the actual class."""
        check_whole("n", n, 0)
        found = numbers.most_confused(self.to_frame()).head(n)
        return found.rename_axis(columns=self.labels)

    def order(self, by: str = "name") -> list[int]:
        """The numbers of the classes in an order.

        Args:
            by: "name", "size" (most items first), "most confused" (most mistakes in row and column first) or
                "similarity" (classes that are confused with each other beside each other).

        Raises:
            BadInputError: no such order.
        """
        return class_order(self.counts, self.classes, by, lambda: self.tree).tolist()

    @functools.cached_property
    def tree(self) -> Tree | None:
        """All classes, joined by how often they are confused; see `inspect.groups.class_tree`."""
        return class_tree(self.counts, np.arange(len(self.classes)))

    def plot(self, ax: Any = None, *, normalize: str = "actual") -> Any:
        """A matplotlib Figure for a paper: rates as colors, up to 20 classes with counts in the cells.

        Args:
            ax: axes to draw in; without, a new figure.
            normalize: what the colors are shares of: "actual", "predicted" or "all".

        Raises:
            BadInputError: another word, or matplotlib is not installed.
        """
        return plot_matrix(self.counts, self.classes, normalize, ax)

    def cells_of(self, ids: Iterable[str]) -> np.ndarray:
        """Where these items are counted: (cells, 3) int64, row, column and how many of them.

        Raises:
            BadInputError: the matrix was made without ids.

        Example:
            >>> matrix = bw.Confusion.from_predictions(["a", "b", "b"], ["a", "b", "a"], ids=["x", "y", "z"])
            >>> matrix.cells_of(["y", "z"]).tolist()
            [[1, 0, 1], [1, 1, 1]]
        """
        if self.items is None or self.items.ids is None:
            raise BadInputError("This matrix was made without ids, so its cells have counts and no items.")
        here = pd.Index(self.items.ids, dtype=object).isin(list(ids))
        codes = self.items.actual[here].astype(np.int64) * len(self.classes) + self.items.predicted[here]
        cells, counts = np.unique(codes, return_counts=True)
        return np.stack([*np.divmod(cells, len(self.classes)), counts], axis=1)

    def _number(self, name: object) -> int:
        number = self._numbers.get(str(name))  # classes may be numbers, whose names are text
        if number is None:
            raise BadInputError(unknown_name("class", name, self.classes, "in this matrix"))
        return number

    @functools.cached_property
    def _numbers(self) -> dict[str, int]:
        return {name: number for number, name in enumerate(self.classes)}

    def cell(self, actual: str, predicted: str) -> tuple[int, int]:
        """The row and the column of a cell.

        Raises:
            BadInputError: no such class.
        """
        return self._number(actual), self._number(predicted)


def _share(count: int, whole: int) -> str:
    if not whole:
        return "–"
    return percent(count / whole) if count in {0, whole} else near_percent(count / whole)
