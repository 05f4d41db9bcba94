"""The numbers of a confusion matrix: counts, rates, pairs that are confused, figures of each class."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from bearwidgets.errors import BadInputError, unknown_name
from bearwidgets.figures import percent, span, wilson

if TYPE_CHECKING:
    from collections.abc import Sequence

NORMALIZE = ("actual", "predicted", "all")
_NAN = float("nan")


def name_key(name: str) -> str:
    """What names of classes are sorted by: whatever their case, and numbers in them by their value.

    Example:
        >>> sorted(["B10", "b9", "A"], key=name_key)
        ['A', 'b9', 'B10']
    """
    return re.sub(r"\d+", lambda digits: digits[0].zfill(20), name.casefold())


def count_cells(actual: np.ndarray, predicted: np.ndarray, n_classes: int) -> np.ndarray:
    """Counts (classes, classes) int64 of class numbers (n,): rows are the labels, columns the predicted ones."""
    cells = actual.astype(np.int64) * n_classes + predicted
    return np.bincount(cells, minlength=n_classes**2).astype(np.int64).reshape(n_classes, n_classes)


def confusion_counts(actual: pd.Series, predicted: pd.Series, classes: Sequence[str]) -> pd.DataFrame:
    """Counts (classes, classes) of names of classes: rows are the labels, columns the predicted ones."""
    index = pd.Index(classes)
    numbers = [index.get_indexer(pd.Index(each)) for each in (actual, predicted)]
    return as_frame(count_cells(*numbers, len(index)), classes)


def as_frame(values: np.ndarray, classes: Sequence[str]) -> pd.DataFrame:
    """Values (classes, classes) with the names of their rows, "actual", and columns, "predicted"."""
    index = pd.Index(classes)
    return pd.DataFrame(values, index=index.rename("actual"), columns=index.rename("predicted"))


def most_confused(counts: pd.DataFrame, min_count: int = 1) -> pd.DataFrame:
    """Pairs of classes that are mistaken: columns actual, predicted, count, share (of the actual class)."""
    values = counts.to_numpy()
    totals = values.sum(1)
    rows, columns = np.nonzero((values >= max(1, min_count)) & ~np.eye(len(values), dtype=bool))
    table = pd.DataFrame(
        {
            "actual": counts.index.to_numpy()[rows],
            "predicted": counts.columns.to_numpy()[columns],
            "count": values[rows, columns],
            "share": values[rows, columns] / totals[rows],
        }
    )
    return table.sort_values(["count", "share"], ascending=False, kind="stable").reset_index(drop=True)


def mistakes_only(counts: np.ndarray) -> np.ndarray:
    """A copy of counts (classes, classes) with 0 where label and prediction are the same."""
    return counts * ~np.eye(len(counts), dtype=bool)


def totals(counts: np.ndarray, normalize: str) -> np.ndarray:
    """What a rate is of, for each cell (classes, classes): its row, its column or everything.

    Raises:
        BadInputError: `normalize` is not one of "actual", "predicted" and "all".
    """
    if normalize not in NORMALIZE:
        raise BadInputError(unknown_name("way to normalize", normalize, NORMALIZE))
    axis = {"actual": 1, "predicted": 0, "all": None}[normalize]
    return np.broadcast_to(counts.sum(axis, keepdims=True), counts.shape)


def rates(counts: np.ndarray, normalize: str) -> np.ndarray:
    """Counts (classes, classes) as shares from 0 to 1 of their totals; NaN where there is nothing to share."""
    whole = totals(counts, normalize)
    return np.divide(counts, whole, out=np.full(counts.shape, np.nan), where=whole > 0)


def class_scores(counts: np.ndarray, classes: Sequence[str]) -> pd.DataFrame:
    """Figures of each class; see `Confusion.per_class`."""
    hits, support, predicted = counts.diagonal(), counts.sum(1), counts.sum(0)
    table = pd.DataFrame({"support": support, "predicted": predicted}, index=pd.Index(classes, name="class"))
    for name, of in (("precision", predicted), ("recall", support), ("f1", support + predicted - hits)):
        figures = np.array([_share_and_ends(*each) for each in zip(hits.tolist(), of.tolist(), strict=True)])
        if name == "f1":
            figures = (
                2 * figures / (1 + figures)
            )  # of the share of hits among all that are or are called the class
        table[[name, f"{name}_low", f"{name}_high"]] = figures.reshape(-1, 3)
    return table


def class_scores_told(scores: pd.DataFrame) -> pd.DataFrame:
    """The figures of `class_scores` in words: a share with its interval, "–" where there is none."""
    told = scores[["support", "predicted"]].copy()
    for name in ("precision", "recall", "f1"):
        columns = scores[[name, f"{name}_low", f"{name}_high"]].to_numpy()
        told[name] = [
            "–" if np.isnan(share) else f"{percent(share, 1)} ({span(low, high)})"
            for share, low, high in columns
        ]
    return told


def _share_and_ends(hits: int, n: int) -> tuple[float, float, float]:
    return (hits / n, *wilson(hits, n)) if n else (_NAN, _NAN, _NAN)
