"""Two learners judged on the same images: how many mistakes more or fewer, and what chance alone could do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

DRAWS = 4000
LEVEL = 0.95


@dataclass(frozen=True)
class PairedChange:
    """Mistakes of two learners on the same images.

    Attributes:
        n: images.
        error_before: share of mistakes of the first, 0 to 1.
        error_after: that of the second.
        low: lower end of the 95 % interval of error_after - error_before.
        high: upper end.
        fixed: images that the first gets wrong and the second right.
        broken: images that the first gets right and the second wrong.
        p_value: of fixed against broken, see `sign_test`.
    """

    n: int
    error_before: float
    error_after: float
    low: float
    high: float
    fixed: int
    broken: int
    p_value: float


def paired_change(
    before: np.ndarray,
    after: np.ndarray,
    pieces: Sequence[object] | np.ndarray,
    *,
    widen: float = 1.0,
    seed: int = 0,
) -> PairedChange:
    """Compare two learners on the same images.

    The interval is that of the paired bootstrap (Efron & Tibshirani, "An Introduction to the Bootstrap", 1993):
    images are drawn again, copies of one image together, and both learners are judged on the same draw. One image
    that only the first gets wrong and one that only the second gets wrong are added to what is drawn from, so that
    few images without a difference do not pass for certainty (after Agresti & Min, "Simple improved confidence
    intervals for comparing matched proportions", Statistics in Medicine 24, 2005).

    Args:
        before: (n,) how wrong the first is on each image: 0.0 or 1.0, or the mean of that over repetitions.
        after: (n,) the same of the second.
        pieces: (n,) equal where images are copies of each other.
        widen: by how much the interval is wider than that of the draws.
        seed: of the draws.
    """
    n = len(before)
    if not n:
        return PairedChange(0, float("nan"), float("nan"), float("nan"), float("nan"), 0, 0, 1.0)
    change = after - before
    _, piece = np.unique(np.asarray(pieces), return_inverse=True)
    sums, sizes = np.bincount(piece, change), np.bincount(piece)
    kinds, counts = np.unique(
        np.c_[np.r_[sums, 1.0, -1.0], np.r_[sizes, 1, 1]].round(9), axis=0, return_counts=True
    )
    total = counts.sum()
    drawn = np.random.default_rng(seed).multinomial(total, counts / total, size=DRAWS)
    means = (drawn @ kinds[:, 0]) / np.maximum(drawn @ kinds[:, 1], 1)
    middle = float(change.mean())
    low, high = middle + widen * (np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]) - middle)
    wrong = before > 0.5, after > 0.5
    fixed, broken = int((wrong[0] & ~wrong[1]).sum()), int((~wrong[0] & wrong[1]).sum())
    return PairedChange(
        n,
        float(before.mean()),
        float(after.mean()),
        float(low),
        float(high),
        fixed,
        broken,
        sign_test(fixed, broken),
    )


def sign_test(fixed: int, broken: int) -> float:
    """Two-sided p-value of `fixed` against `broken` under a fair coin (McNemar's test, exact form).

    1.0 where nothing differs.
    """
    from scipy.stats import binomtest

    return float(binomtest(fixed, fixed + broken).pvalue) if fixed + broken else 1.0
