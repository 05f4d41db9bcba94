"""From which score on an item stands out of its own data set, by statistics that outliers do not move."""

from __future__ import annotations

import numpy as np

DEVIATIONS = 3.5
"""Robust standard deviations from which a value is an outlier (Iglewicz and Hoaglin, 1993, How to Detect and Handle
Outliers)."""
_STANDS_OUT = 0.05  # of the score: where all items are alike, the least that sets one apart
_TO_DEVIATION = 1.4826  # median absolute deviation to standard deviation of a normal distribution


def median_and_deviation(values: np.ndarray) -> tuple[float, float]:
    """Median and robust standard deviation (median absolute deviation × 1.4826) of finite values (n,)."""
    middle = float(np.median(values))
    return middle, _TO_DEVIATION * float(np.median(np.abs(values - middle)))


def adaptive_threshold(score: np.ndarray, *, least: float = 0.5, most: float = 1.0) -> float:
    """The score from which an item stands out of its own data set, of scores (n,) that are NaN where unknown.

    It is the median plus 3.5 robust standard deviations (Iglewicz and Hoaglin, 1993), held between two absolute
    bounds: below the lower nothing is wrong, so that a clean set is not flagged for having a tail; above the upper
    (infinity where only what is rare can be wrong) something is wrong however common it is.
    """
    known = score[np.isfinite(score)]
    if not len(known):
        return least
    middle, deviation = median_and_deviation(known)
    return float(np.clip(middle + max(DEVIATIONS * deviation, _STANDS_OUT), least, most))
