"""Two confusion matrices of the same classes, and where they differ by more than chance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bearwidgets.errors import BadInputError
from bearwidgets.review.confusion import Confusion
from bearwidgets.review.inspect.counts import as_frame, count_cells
from bearwidgets.safe_text import visible

if TYPE_CHECKING:
    from bearwidgets.review.inspect.matrix import Items

_SHARED, _SAME_LABEL = 0.5, 0.75  # ids that are running numbers say nothing, for other items have them too


@dataclass(frozen=True, eq=False)
class ConfusionDifference:
    """What changed from one confusion matrix to another: two models, or two rounds of one; made by `of`.

    Attributes:
        classes: names of the rows and columns.
        before: counts (classes, classes) int64 of the first.
        after: those of the second.
        p_value: (classes, classes) of the exact test of each cell; NaN where it could not come out below `level`.
        marked: (classes, classes) bool, where the difference is more than chance.
        paired: whether the same items were compared.
        level: share of false ones among all marks that is expected at most.

    Example:
        >>> before = Confusion.from_counts([[60, 40], [10, 90]], ["black", "teddy"])
        >>> after = Confusion.from_counts([[90, 10], [10, 90]], ["black", "teddy"])
        >>> ConfusionDifference.of(before, after).sentence("black", "teddy")
        'black called teddy: 40 before, 10 after, more than chance (p = 1.2e-06)'
    """

    classes: tuple[str, ...]
    before: np.ndarray
    after: np.ndarray
    p_value: np.ndarray
    marked: np.ndarray
    paired: bool
    level: float

    @classmethod
    def of(
        cls, before: Confusion, after: Confusion, *, level: float = 0.05, paired: bool | None = None
    ) -> ConfusionDifference:
        """Compare two matrices: an exact two-sided test for each cell, and a false-discovery rate for all marks.

        Where the items are the same, those that are in a cell of one matrix only are put against each other
        (McNemar's test, exact form, as `paired.sign_test`); else the shares of two cells in their rows (Fisher's
        exact test, twice the smaller tail). Cells that could not come out below `level` whatever was found are not
        tested (Gilbert, "A modified false discovery rate multiple-comparisons procedure for discrete data", 2005);
        of the others some are marked by Benjamini & Hochberg, "Controlling the false discovery rate" (1995). Where
        two models are equally good, a mark anywhere comes up in at most a share `level` of comparisons.

        Args:
            before: the first; a class that only one of the two has counts 0 in the other.
            after: the second.
            level: from 0 to 1.
            paired: True for the same items, False for others; without, they are the same where both have ids and
                share at least half of them, three of four with the same label; then only those they share are
                compared. True without ids takes the items in their order.

        Raises:
            BadInputError: a level out of range, or `paired=True` where items are not known or not as many.
        """
        for given in (before, after):
            if not isinstance(given, Confusion):
                raise BadInputError(f"A comparison is of two Confusion, not {type(given).__name__}.")
        if not 0 < level < 1:
            raise BadInputError(f"level is {level!r}; allowed is a number between 0 and 1, such as 0.05.")
        names = list(dict.fromkeys((*before.classes, *after.classes)))
        numbers = [np.array([names.index(name) for name in each.classes]) for each in (before, after)]
        items = [
            given.items and given.items.onto(number)
            for given, number in zip((before, after), numbers, strict=True)
        ]
        pair = _pair(*items, paired=paired)
        if pair is None:
            counts = [np.zeros((len(names), len(names)), dtype=np.int64) for _ in numbers]
            for each, number, given in zip(counts, numbers, (before, after), strict=True):
                each[np.ix_(number, number)] = given.counts
            p_value = _fisher(*counts, level)
        else:
            counts = [count_cells(each.actual, each.predicted, len(names)) for each in pair]
            p_value = _mcnemar(*pair, len(names), level)
        return cls(tuple(names), *counts, p_value, _marks(p_value, level), pair is not None, level)

    @property
    def change(self) -> np.ndarray:
        """(classes, classes) int64, the counts after minus those before."""
        return self.after - self.before

    def to_frame(self) -> pd.DataFrame:
        """The change as a table with the names of the classes."""
        return as_frame(self.change, self.classes)

    def changes(self) -> pd.DataFrame:
        """The cells that changed, the surest first: actual, predicted, before, after, p_value, marked."""
        rows, columns = np.nonzero(self.change)
        names = np.array(self.classes, dtype=object)
        figures = {
            name: getattr(self, name)[rows, columns] for name in ("before", "after", "p_value", "marked")
        }
        table = pd.DataFrame({"actual": names[rows], "predicted": names[columns], **figures})
        return table.sort_values("p_value", kind="stable").reset_index(drop=True)

    def sentence(self, actual: str, predicted: str) -> str:
        """A cell in words.

        Raises:
            BadInputError: no such class.
        """
        cell = Confusion(self.classes, self.after).cell(actual, predicted)
        before, after, p = (int(self.before[cell]), int(self.after[cell]), float(self.p_value[cell]))
        said = f"{visible(actual)} called {visible(predicted)}: {before:,} before, {after:,} after"
        if np.isnan(p):
            return f"{said}, too few to tell from chance"
        return f"{said}, {'more than' if self.marked[cell] else 'within'} chance (p = {p:.2g})"


def _pair(first: Items | None, second: Items | None, *, paired: bool | None) -> tuple[Items, Items] | None:
    """The items that both have, in one order; None where they are to be taken for different ones."""
    if paired is False or (paired is None and not (first and second)):
        return None
    if first is None or second is None:
        raise BadInputError(
            "paired=True needs the items of both matrices; make them with from_predictions(…, ids=…)."
        )
    if first.ids is None or second.ids is None:
        if paired is None:
            return None
        if len(first.actual) != len(second.actual):
            raise BadInputError(
                f"paired=True takes items without ids in their order, but there are {len(first.actual):,} and "
                f"{len(second.actual):,}; give ids=… to both."
            )
        return first, second
    rows = pd.Index(second.ids).get_indexer(pd.Index(first.ids))
    shared = np.flatnonzero(rows >= 0)
    one, other = first.at(shared), second.at(rows[shared])
    if paired and not len(shared):
        raise BadInputError(
            "paired=True, but the two matrices share no id; leave paired out for different items."
        )
    same = len(shared) and (one.actual == other.actual).mean() >= _SAME_LABEL
    if not paired and not (same and len(shared) >= _SHARED * max(len(rows), len(second.ids))):
        return None
    return one, other


def _mcnemar(first: Items, second: Items, n_classes: int, level: float) -> np.ndarray:
    from scipy.stats import binom

    cells = [each.actual.astype(np.int64) * n_classes + each.predicted for each in (first, second)]
    other = cells[0] != cells[1]
    gone, new = (np.bincount(each[other], minlength=n_classes**2) for each in cells)
    tested = np.flatnonzero(gone + new)
    n = (gone + new)[tested]
    return _exact(binom(n, 0.5), new[tested], np.zeros_like(n), n, tested, n_classes, level)


def _fisher(before: np.ndarray, after: np.ndarray, level: float) -> np.ndarray:
    from scipy.stats import hypergeom

    tested = np.flatnonzero(before + after)
    rows = [np.repeat(each.sum(1), len(each))[tested] for each in (before, after)]
    hits = (before + after).ravel()[tested]
    low, high = np.maximum(0, hits - rows[0]), np.minimum(hits, rows[1])
    distribution = hypergeom(rows[0] + rows[1], hits, rows[1])
    return _exact(distribution, after.ravel()[tested], low, high, tested, len(before), level)


def _exact(
    distribution: Any,
    seen: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    cells: np.ndarray,
    n: int,
    level: float,
) -> np.ndarray:
    """P-values (n, n), twice the smaller tail, of what was seen in some cells; NaN where none could reach `level`."""
    values = np.full(n * n, np.nan)
    if len(cells):
        least = 2 * np.minimum(distribution.pmf(low), distribution.pmf(high))
        p = 2 * np.minimum(distribution.cdf(seen), distribution.sf(seen - 1))
        values[cells] = np.where(least <= level, np.minimum(p, 1.0), np.nan)
    return values.reshape(n, n)


def _marks(p_value: np.ndarray, level: float) -> np.ndarray:
    from scipy.stats import false_discovery_control

    marked = np.zeros(p_value.shape, dtype=bool)
    tested = ~np.isnan(p_value)
    if tested.any():
        marked[tested] = false_discovery_control(p_value[tested]) <= level
    return marked
