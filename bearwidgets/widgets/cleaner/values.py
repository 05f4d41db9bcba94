"""What is known of each item as a number: orders to choose from, ranges to filter by, how values are spread."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import numpy as np

from bearwidgets.errors import BadInputError, unknown_name
from bearwidgets.widgets.protocol import SORTS, RangeFilter, SortChoice, ValueRange, ViewSpec

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from bearwidgets.data.dataset import Dataset
    from bearwidgets.widgets.cleaner.queues import IssueSource

STEPS = 20  # of a histogram
ROUNDING = 1e-6  # of scores, which are float32: what reads as 0.9 is not below 0.9
# Title and whether the highest value comes first; a check's score of that name gives way.
_TITLES = {
    "label_issue": ("Label issue", True),
    "loss": ("Loss", True),
    "margin": ("Margin", False),
    "confidence": ("Confidence", False),
    "label": ("Label", False),
    "path": ("Path", False),
    "decided": ("Time decided", True),
    "queue": ("Queue", True),
}
_RANGES = {
    "confidence": ("Confidence", ""),
    "label_issue": ("Label issue", ""),
    "brightness": ("Brightness", ""),
    "sharpness": ("Sharpness", ""),
    "size": ("Size", "px"),
}


class Values:
    """Values of the items of a data set, (n,) each in the order of its table, NaN where one is not known.

    Args:
        ds: The data set.
        scores: Scores by name.
        issues: Checks whose scores can be sorted by, if there are any.
    """

    def __init__(self, ds: Dataset, scores: Mapping[str, np.ndarray], issues: IssueSource | None) -> None:
        self._ds, self._scores = ds, scores
        self._titles = {name: title for name, title, *_ in issues.queues()} if issues is not None else {}
        self._checks: pd.DataFrame | None = getattr(issues, "table", None)
        self._stats: pd.DataFrame | None = getattr(issues, "image_stats", None)

    @functools.cached_property
    def _checked(self) -> dict[str, np.ndarray]:
        """The scores of the checks that gave any."""
        if self._checks is None:
            return {}
        table = self._checks.reindex(self._ds.table["id"])
        columns = {name: f"{name}_score" for name in self._titles if name not in SORTS}
        found = {name: table[column].to_numpy(float) for name, column in columns.items() if column in table}
        return {name: score for name, score in found.items() if np.isfinite(score).any()}

    def score(self, name: str) -> np.ndarray | None:
        """The score of that name, of the review or of a check; None where there is none."""
        return self._scores.get(name, self._checked.get(name))

    def sorts(self, view: ViewSpec) -> list[SortChoice]:
        """All orders that can be chosen now, those of checks last."""
        known = [
            name
            for name in _TITLES
            if (view.queue is not None if name == "queue" else self._is_known(name, self._scores))
        ]
        return [SortChoice(name, *_TITLES[name]) for name in known] + [
            SortChoice(name, self._titles[name], descending=True) for name in self._checked
        ]

    @staticmethod
    def _is_known(name: str, scores: Mapping[str, np.ndarray]) -> bool:
        return name not in scores or bool(np.isfinite(scores[name]).any())

    @functools.cached_property
    def _measured(self) -> dict[str, np.ndarray]:
        """What can be filtered by, as far as it is known of any item."""
        table = self._ds.table
        found = {name: self._scores[name] for name in ("confidence", "label_issue")}
        if self._stats is not None:
            stats = self._stats.reindex(table["id"])
            found["brightness"] = stats.brightness.to_numpy(float)
            found["sharpness"] = 1 / np.maximum(stats.blur.to_numpy(float), 1.0)
        found["size"] = np.sqrt(table.width.to_numpy(float) * table.height.to_numpy(float))
        return {name: values for name, values in found.items() if np.isfinite(values).any()}

    def within(self, wanted: RangeFilter) -> np.ndarray:
        """(n,) which items have a value in a range; those of which none is known have not.

        Raises:
            BadInputError: There is no such value, or the range is empty.
        """
        if wanted.name not in self._measured:
            raise BadInputError(unknown_name("range", wanted.name, self._measured, "to filter by"))
        low, high = wanted.low, wanted.high
        if low is not None and high is not None and low > high:
            raise BadInputError(
                f"The range of {wanted.name} goes from {low:g} to {high:g}; give the lower end first."
            )
        values = self._measured[wanted.name]
        above = True if low is None else values >= low - ROUNDING
        below = True if high is None else values <= high + ROUNDING
        return np.isfinite(values) & above & below

    def ranges(self, rows: np.ndarray) -> list[ValueRange]:
        """How the values of some rows are spread; what is known of none of them is left out."""
        found = []
        for name, (title, unit) in _RANGES.items():
            values = self._measured[name][rows] if name in self._measured else np.zeros(0)
            values = values[np.isfinite(values)]
            if len(values):
                low, high = float(values.min()), float(values.max())
                steps = np.zeros(len(values), int) if low == high else (values - low) / (high - low) * STEPS
                counts = np.bincount(np.minimum(steps.astype(int), STEPS - 1), minlength=STEPS)
                found.append(ValueRange(name, title, unit, low, high, counts.tolist()))
        return found
