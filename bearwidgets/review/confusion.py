"""The confusion matrix and what can be read off it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Sequence


def confusion_counts(actual: pd.Series, predicted: pd.Series, classes: Sequence[str]) -> pd.DataFrame:
    """Counts (classes, classes): rows are the labels, columns the predicted ones."""
    index = pd.Index(classes)
    rows, columns = index.get_indexer(pd.Index(actual)), index.get_indexer(pd.Index(predicted))
    flat = np.bincount(rows * len(index) + columns, minlength=len(index) ** 2)
    return pd.DataFrame(
        flat.reshape(len(index), len(index)), index=index.rename("actual"), columns=index.rename("predicted")
    )


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
