"""Off-topic images: items that lie far from all others, and that ImageNet's classifier takes for something else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bearwidgets.data.actions import DELETE
from bearwidgets.review.checks.registry import CheckResult, check, median_and_deviation

if TYPE_CHECKING:
    from bearwidgets.learn.head.imagenet import ImageNetHead
    from bearwidgets.review.checks.inputs import CheckInputs

# Leys et al. (2013), Detecting outliers: do not use standard deviation around the mean, use absolute deviation
# around the median: 2.5 is what they recommend, and the logarithms taken here are close to normal.
_DEVIATIONS = 2.5
# nothing nearer is off topic, however alike the rest: in high dimensions distances concentrate
_LEAST_RATIO = 1.25
_MOST_SHARE = 0.1  # of the items that count as near: in a small set all others would be near
_WEIGHTS = (
    0.35,
    0.15,
)  # of the two distances by ImageNet's classes beside the one by neighbors, see RESULTS.md
_BLOCK = 4096  # rows of 1,000 probabilities that are there at once


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


def imagenet_distances(
    head: ImageNetHead, features: np.ndarray, target: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """How unlike each class of the data an item is by the classes of ImageNet: two distances (n,), 0 and above.

    With p the item's probabilities and q the mean ones of the class nearest to it, the negative logarithms of the sum
    of p √q, which grows with what is rare in the class, and of the sum of √(p q) (Bhattacharyya's distance, which
    orders as Hellinger's does). Takes features (n, d) of the head's body and class numbers (n,).
    """
    blocks = [slice(start, start + _BLOCK) for start in range(0, len(features), _BLOCK)]
    total = np.zeros((int(target.max(initial=0)) + 1, head.bias.shape[0]))
    for rows in blocks:
        np.add.at(total, target[rows], head.probabilities(features[rows]))
    usual = np.sqrt(total / np.maximum(total.sum(1, keepdims=True), 1.0)).astype(np.float32).T
    rare, distance = np.zeros(len(features)), np.zeros(len(features))
    for rows in blocks:
        found = head.probabilities(features[rows])
        rare[rows] = -np.log((found @ usual).max(1) + 1e-12)
        distance[rows] = -np.log((np.sqrt(found) @ usual).max(1) + 1e-12)
    return rare, distance


def with_imagenet(ratio: np.ndarray, distances: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """The ratios (n,) of distances, raised or lowered by how unusual the `imagenet_distances` are in these data."""
    known = np.isfinite(ratio)
    if not known.any():
        return ratio
    logs = np.log(ratio)
    _, spread = median_and_deviation(logs[known])
    for weight, values in zip(_WEIGHTS, distances, strict=True):
        middle, deviation = median_and_deviation(values[known])
        if deviation > 0:
            logs += weight * spread * (values - middle) / deviation
    return np.exp(logs)


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
    """Items whose features are far from those of all others, for the density of the classes around them.

    With the offline weights, ImageNet's classifier on the same features counts as well.
    """
    near = inputs.neighbors
    target = inputs.table.label.astype("category").cat.codes.to_numpy()
    ratio = distance_ratio(near.index, near.similarity, target)
    head, features = inputs.imagenet, inputs.features
    is_known = head is not None and features is not None
    raised = with_imagenet(ratio, imagenet_distances(head, features, target)) if is_known else ratio
    score, least = outlier_score(raised)
    threshold = inputs.threshold or 0.5
    flag = score >= threshold  # NaN is not
    chance = score**2 / (score**2 + (1 - score) ** 2)  # few of those that stand out a little are off topic
    why = np.full(len(flag), "", dtype=object)
    why[flag] = [f"Unlike the other images ({times:.1f}× the usual distance)" for times in ratio[flag]]
    if is_known and flag.any():
        why[flag] += [f"; looks like: {name}" if name else "" for name in head.looks_like(features[flag])]
    note = (
        f"{flag.sum():,} of {len(flag):,} images are unlike the others; a score of 0.5 is {least:.2f}× the usual "
        "distance" + (" where ImageNet's classes are the usual ones" if is_known else "")
    )
    return CheckResult(score, flag, threshold, why=why.tolist(), note=note, chance=chance)
