"""Order drift: items that stand near each other in the order of the files look alike."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from bearwidgets.figures import percent
from bearwidgets.review.checks.registry import CheckResult, check

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bearwidgets.review.checks.inputs import CheckInputs

SEED = 0
_NEIGHBORS = 10
_SHUFFLES = 199  # the smallest p value is then 0.005
_LEVEL = 0.01
_NEAR = 0.5  # nearness of an item that is shown: in a set that drifts none stands out, as all of it does
_LEAST_EFFECT = 0.05  # of the expected distance: with very many items less would be significant too


class Drift(NamedTuple):
    """How near in order the neighbors in feature space stand.

    distance and expected (mean distance in order as a share of the class, now and with shuffled files), p, and
    nearness (n,): 0 where an item's neighbors stand anywhere, 1 where they stand beside it, NaN where it has none.
    """

    distance: float
    expected: float
    p: float
    nearness: np.ndarray

    @property
    def effect(self) -> float:
        """By what share the neighbors stand nearer than with shuffled files, 0 to 1."""
        return max(0.0, 1.0 - self.distance / self.expected) if self.expected else 0.0


def order_drift(index: np.ndarray, target: np.ndarray, *, seed: int = SEED) -> Drift:
    """Test whether items that are near in feature space are near in the order of their class.

    After Cummings, Snorrason and Mueller (2023), Detecting Dataset Drift and Non-IID Sampling via k-Nearest
    Neighbors, but within classes only, so that files sorted by class do not count, and against shuffled orders of
    each class, which makes p exact. It is 1 where no two neighbors are of one class. `index` (n, k) are the nearest
    items in feature space, -1 for none; items stand in their order. `target` (n,) are class numbers.
    """
    n = len(target)
    item = np.repeat(np.arange(n), min(index.shape[1], _NEIGHBORS))
    other = index[:, :_NEIGHBORS].ravel()
    same = (other >= 0) & (target[item] == target[other])
    item, other = item[same], other[same]
    nearness = np.full(n, np.nan)
    if not len(item):
        return Drift(0.0, 0.0, 1.0, nearness)
    place = _places(target)
    apart = np.abs(place[item] - place[other])
    shuffled = np.empty(_SHUFFLES)
    generator = np.random.default_rng(seed)
    by_class, mixed = np.argsort(target, kind="stable"), np.empty(n)
    for number in range(_SHUFFLES):  # the places of each class are dealt out anew within it
        mixed[by_class] = place[np.lexsort([generator.random(n), target])]
        shuffled[number] = np.abs(mixed[item] - mixed[other]).mean()
    p = (1 + (shuffled <= apart.mean()).sum()) / (1 + _SHUFFLES)
    counts = np.bincount(item, minlength=n)
    has = counts > 0
    mean = np.bincount(item, weights=apart, minlength=n)[has] / counts[has]
    usual = (place[has] ** 2 + (1 - place[has]) ** 2) / 2  # of an even distribution, seen from this place
    nearness[has] = np.clip(1 - mean / usual, 0, 1)
    return Drift(float(apart.mean()), float(shuffled.mean()), float(p), nearness)


def _places(target: np.ndarray) -> np.ndarray:
    """Where each item stands in its class, above 0 and below 1."""
    by_class = pd.Series(target).groupby(target)
    return ((by_class.cumcount() + 0.5) / by_class.transform("size")).to_numpy()


def natural_order(paths: Sequence[str]) -> np.ndarray:
    """Rows (n,) in the order in which a person counts files: img_9 before img_10."""
    keys = [
        [(part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in re.split(r"(\d+)", path)]
        for path in paths
    ]
    return np.array(sorted(range(len(keys)), key=keys.__getitem__), dtype=np.int64)


@check("order_drift", title="Order drift", needs=["features"], about_set=True)
def drift_in_order(inputs: CheckInputs) -> CheckResult:
    """Items whose neighbors in feature space stand near them in the order of the files, if that holds over all."""
    order = natural_order(list(inputs.table.path))
    inverse = np.argsort(order)
    index = inputs.neighbors.index[order]
    index = np.where(index >= 0, inverse[index], -1)
    target = inputs.table.label.astype("category").cat.codes.to_numpy()[order].astype(np.int64)
    found = order_drift(index, target)
    score = found.nearness[inverse]
    drifts = found.p < _LEVEL and found.effect >= _LEAST_EFFECT
    near = inputs.threshold or _NEAR
    flag = (score >= near) & drifts
    why = [
        f"Similar images are {percent(each)} nearer in the order of the files than by chance"
        if flagged
        else ""
        for each, flagged in zip(score, flag, strict=True)
    ]
    note = (
        f"similar images are {percent(found.distance)} of their class apart, {percent(found.expected)} if shuffled "
        f"(p = {found.p:.2g})"
    )
    return CheckResult(score, flag, near, why=why, note=note)
