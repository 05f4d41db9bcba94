"""Off-topic images: items that lie far from all others, by the distance to their nearest neighbors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bearwidgets.data.actions import DELETE
from bearwidgets.review.checks.registry import CheckResult, check, median_and_deviation

if TYPE_CHECKING:
    from bearwidgets.review.checks.inputs import CheckInputs

# Leys et al. (2013), Detecting outliers: do not use standard deviation around the mean, use absolute deviation
# around the median: 2.5 is what they recommend, and the logarithms taken here are close to normal.
_DEVIATIONS = 2.5
# nothing nearer is off topic, however alike the rest: in high dimensions distances concentrate
_LEAST_RATIO = 1.25
_MOST_SHARE = 0.1  # of the items that count as near: in a small set all others would be near


def distance_ratio(index: np.ndarray, similarity: np.ndarray, target: np.ndarray) -> np.ndarray:
    """How many times as far from its neighbors each item is as is usual for the classes it lies among.

    The mean cosine distance to the nearest items (Kuan and Mueller, 2022, Back to the Basics: Revisiting
    Out-of-Distribution Detection Baselines), divided by the mean, over these neighbors, of the median of that
    distance in the neighbor's class. So the items of a varied class are not all off topic, and as the item's own
    label has no part in it, a wrong label alone makes no outlier. Takes the nearest items (n, k), -1 for none, their
    cosines (n, k) and class numbers (n,); gives (n,) above 0, 1 is usual, NaN for an item without neighbors.
    """
    width = max(min(index.shape[1], int(_MOST_SHARE * len(index))), min(index.shape[1], 5))
    index, similarity = index[:, :width], similarity[:, :width]
    known = (index >= 0).any(1)
    ratio = np.full(len(index), np.nan)
    if not known.any():
        return ratio
    distance = np.full(len(index), np.nan)
    distance[known] = np.nanmean(np.maximum(1.0 - similarity[known].astype(np.float64), 0.0), axis=1)
    usual = np.full(int(target.max()) + 1, np.nan)
    for number in np.unique(target[known]):
        usual[number] = np.median(distance[known & (target == number)])
    among = np.where(index[known] >= 0, usual[target[index[known]]], np.nan)
    ratio[known] = (distance[known] + 1e-6) / (np.nanmean(among, axis=1) + 1e-6)
    return ratio


def outlier_score(ratio: np.ndarray) -> tuple[np.ndarray, float]:
    """Scores in 0 to 1, of which 0.5 and above stand out, and the ratio (at least 1.25) that 0.5 stands for.

    The logarithm of the ratio, beyond its median, in units of the threshold: 2.5 robust standard deviations.
    """
    known = np.isfinite(ratio)
    if not known.any():
        return np.full(len(ratio), np.nan), _LEAST_RATIO
    logs = np.log(ratio[known])
    middle, deviation = median_and_deviation(logs)
    least = max(_DEVIATIONS * deviation, float(np.log(_LEAST_RATIO)))
    beyond = np.maximum(logs - middle, 0.0)
    score = np.full(len(ratio), np.nan)
    score[known] = beyond / (beyond + least)
    return score, float(np.exp(middle + least))


@check("off_topic", title="Off topic", needs=["features"], proposes=DELETE)
def off_topic(inputs: CheckInputs) -> CheckResult:
    """Items whose features are far from those of all others, for the density of the classes around them."""
    near = inputs.neighbors
    target = inputs.table.label.astype("category").cat.codes.to_numpy()
    ratio = distance_ratio(near.index, near.similarity, target)
    score, least = outlier_score(ratio)
    threshold = inputs.threshold or 0.5
    flag = score >= threshold  # NaN is not
    chance = score**2 / (score**2 + (1 - score) ** 2)  # few of those that stand out a little are off topic
    why = np.full(len(flag), "", dtype=object)
    why[flag] = [f"Unlike the other images ({times:.1f}× the usual distance)" for times in ratio[flag]]
    if inputs.imagenet is not None and inputs.features is not None and flag.any():
        looks_like = inputs.imagenet.looks_like(inputs.features[flag])
        why[flag] += [f"; looks like: {name}" if name else "" for name in looks_like]
    note = (
        f"{flag.sum():,} of {len(flag):,} images are unlike the others; a score of 0.5 is {least:.2f}× the usual "
        "distance"
    )
    return CheckResult(score, flag, threshold, why=why.tolist(), note=note, chance=chance)
