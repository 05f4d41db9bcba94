"""Class imbalance: classes with far fewer items than the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from bearwidgets.figures import percent
from bearwidgets.review.checks.registry import DEVIATIONS, CheckResult, check, median_and_deviation

if TYPE_CHECKING:
    from bearwidgets.review.checks.inputs import CheckInputs

# A class below a tenth of the usual is rare whatever the others are like (the slight end of imbalance in Krawczyk,
# 2016, Learning from imbalanced data, is 1:4, the high one 1:100); half of the usual is within what happens.
_RARE, _USUAL = 0.1, 0.5
_FEW = 5  # classes, of fewer than which the spread says nothing: one of two is always far from the middle


def rare_classes(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Which classes have far fewer items than is usual in this data set, from the number of items of each.

    Gives shares (classes,) of the median count; rare (classes,) bool; the share below which a class is rare: 3.5
    robust standard deviations of the logarithm under the median, but between 0.1 and 0.5; 0.5 for less than five.
    """
    if not len(counts):
        return np.zeros(0), np.zeros(0, bool), _USUAL
    _, deviation = median_and_deviation(np.log(counts))
    below = float(np.clip(np.exp(-DEVIATIONS * deviation), _RARE, _USUAL)) if len(counts) >= _FEW else _USUAL
    shares = counts / np.median(counts)
    return shares, shares < below, below


@check("class_imbalance", title="Rare classes", about_set=True)
def class_imbalance(inputs: CheckInputs) -> CheckResult:
    """All items of a class that has far fewer of them than is usual; a group is a class."""
    codes, classes = pd.factorize(inputs.table.label, sort=True)
    counts = np.bincount(codes, minlength=len(classes))
    shares, rare, below = rare_classes(counts)
    if inputs.threshold:
        rare, below = 1.0 - shares >= inputs.threshold, 1.0 - inputs.threshold
    threshold = inputs.threshold or 1.0 - below
    flag = rare[codes]
    score = np.clip(1.0 - shares, 0.0, 1.0)[codes]
    said = [
        f"One of only {count:,} images of {name}: {percent(share)} of the usual number" if is_rare else ""
        for name, count, share, is_rare in zip(classes, counts, shares, rare, strict=True)
    ]
    note = ""
    if len(counts):
        least, most = int(counts.argmin()), int(counts.argmax())
        note = (
            f"{len(classes)} classes, {np.median(counts):,.0f} images in the median one; the smallest is "
            f"{classes[least]} with {counts[least]:,}, the largest {classes[most]} with {counts[most]:,}; "
            f"rare is below {percent(below)} of the median"
        )
    return CheckResult(
        score, flag, threshold, np.where(flag, codes, -1), why=[said[c] for c in codes], note=note
    )
