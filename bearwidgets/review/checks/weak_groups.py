"""Weak groups: clusters of similar images for which the model is right far less often than elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bearwidgets.data.actions import RELABEL
from bearwidgets.figures import percent
from bearwidgets.review.checks.registry import CheckResult, check

if TYPE_CHECKING:
    from bearwidgets.review.checks.inputs import CheckInputs

SEED = 0
_LEVEL = 0.01  # chance of any false group among all, after Holm's correction
LEAST_DROP = 0.05  # of accuracy: with very many items smaller drops would be significant too
_LEAST_SIZE = 25  # mean items in a cluster; fewer show nothing but total failure
_MOST_GROUPS = 50
_MOST_DRAWN = 20_000  # rows from which the components are computed
_COMPONENTS = 32  # what k-means sees: it fails in many dimensions, and takes long


class WeakGroups(NamedTuple):
    """Clusters in the order of their p values: group (n,) int64 with -1 for none, then (groups,) figures of each."""

    group: np.ndarray
    size: np.ndarray
    accuracy: np.ndarray
    elsewhere: np.ndarray
    p: np.ndarray
    weak: np.ndarray


def find_weak_groups(
    features: np.ndarray, right: np.ndarray, *, least_drop: float = LEAST_DROP, seed: int = SEED
) -> WeakGroups:
    """Cluster the items by their features alone, and test for each cluster whether the model fails there more often.

    k-means on the main components of the features brought to length 1. As errors have no part in the clusters, the
    one-sided exact test of Fisher holds its level; Holm's (1979) correction holds it for all clusters together.
    The idea of groups in feature space is that of Eyuboglu et al., 2022, Domino: Discovering Systematic Errors with
    Cross-Modal Embeddings. Features are (n, d), of which rows of zeros are in no group; `right` (n,) is 1 where the
    prediction is the label, 0 where not, NaN where there is none. A group is weak where p is below 0.01 and its
    accuracy lower than elsewhere by `least_drop`, 0 to 1.
    """
    from scipy.stats import hypergeom

    usable = np.flatnonzero(np.isfinite(right) & features.any(1))
    n_groups = min(_MOST_GROUPS, len(usable) // _LEAST_SIZE)
    group = np.full(len(features), -1, np.int64)
    if n_groups < 2:
        none = np.zeros(0)
        return WeakGroups(group, none.astype(int), none, none, none, none.astype(bool))
    found = _clusters(features, usable, n_groups, seed)
    wrong = 1 - right[usable].astype(np.int64)
    size = np.bincount(found, minlength=n_groups)
    failed = np.bincount(found, weights=wrong, minlength=n_groups).astype(np.int64)
    # the chance of as many failures in each cluster, or more, were they spread at random
    p = _holm(hypergeom.sf(failed - 1, size.sum(), failed.sum(), size))
    accuracy = 1 - failed / np.maximum(size, 1)
    elsewhere = 1 - (failed.sum() - failed) / np.maximum(size.sum() - size, 1)
    order = np.lexsort([accuracy - elsewhere, p])
    group[usable] = np.argsort(order)[found]
    weak = (p < _LEVEL) & (elsewhere - accuracy >= least_drop)
    return WeakGroups(group, size[order], accuracy[order], elsewhere[order], p[order], weak[order])


def _clusters(features: np.ndarray, rows: np.ndarray, n_groups: int, seed: int) -> np.ndarray:
    """Cluster of each of some rows; no copy of all of their features is made."""
    from sklearn.cluster import KMeans
    from sklearn.decomposition import PCA

    drawn = rows
    if len(rows) > _MOST_DRAWN:
        drawn = np.sort(np.random.default_rng(seed).choice(rows, _MOST_DRAWN, replace=False))
    main = PCA(min(_COMPONENTS, len(drawn), features.shape[1]), random_state=seed).fit(_unit(features[drawn]))
    parts = [main.transform(_unit(features[rows[at : at + 4096]])) for at in range(0, len(rows), 4096)]
    return KMeans(n_groups, n_init=1, max_iter=50, random_state=seed).fit(np.concatenate(parts)).labels_


def _unit(features: np.ndarray) -> np.ndarray:
    return features / np.linalg.norm(features, axis=1, keepdims=True)


def _holm(p: np.ndarray) -> np.ndarray:
    order = np.argsort(p, kind="stable")
    adjusted = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    out = np.empty(len(p))
    out[order] = np.minimum(adjusted, 1.0)
    return out


@check("weak_groups", title="Weak groups", needs=["features", "review"], proposes=RELABEL)
def weak_groups(inputs: CheckInputs) -> CheckResult:
    """Items of clusters in which predictions are wrong far more often; the score is the drop of accuracy."""
    assert inputs.features is not None  # noqa: S101 - the check needs them
    assert inputs.review is not None  # noqa: S101 - the check needs it
    review = inputs.review.table.reindex(inputs.table.id)
    right = (review.predicted == review.label).astype(float).where(review.predicted.notna()).to_numpy()
    threshold = inputs.threshold or LEAST_DROP
    found = find_weak_groups(inputs.features, right, least_drop=threshold)
    inside = found.group >= 0
    drop = np.append(np.maximum(found.elsewhere - found.accuracy, 0.0), np.nan)
    flag = np.append(found.weak, False)[found.group]
    said = [
        f"One of {size:,} similar images, of which the model gets {percent(here)} right (elsewhere {percent(there)})"
        for size, here, there in zip(found.size, found.accuracy, found.elsewhere, strict=True)
    ]
    why = [said[number] if flagged else "" for number, flagged in zip(found.group, flag, strict=True)]
    note = f"the model is worse than elsewhere in {found.weak.sum()} of {len(found.size)} groups of similar images"
    if found.weak.any():
        first = int(np.flatnonzero(found.weak)[0])
        note += (
            f"; in the clearest, of {found.size[first]:,}, it gets {percent(found.accuracy[first])} right "
            f"(p = {found.p[first]:.1g})"
        )
    score = np.where(inside, drop[found.group], np.nan)
    return CheckResult(
        score,
        flag,
        threshold,
        np.where(flag, found.group, -1),
        why=why,
        note=note,
        new_label=review.predicted.to_numpy(),
        chance=np.where(flag, score, np.nan),
    )
