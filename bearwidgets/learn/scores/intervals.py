"""How far a share that was counted may be from the true one."""

from __future__ import annotations

import math

from scipy.special import ndtri


def wilson(hits: int, n: int) -> tuple[float, float]:
    """95 % interval of a share of which `hits` of `n` were seen (Wilson, 1927); good for small `n` too.

    Source: Brown, Cai & DasGupta, "Interval estimation for a binomial proportion" (2001), recommend it.
    """
    z = float(ndtri(0.975))
    middle, spread = hits + z * z / 2, z * math.sqrt(hits * (n - hits) / n + z * z / 4)
    return max(0.0, (middle - spread) / (n + z * z)), min(1.0, (middle + spread) / (n + z * z))


def percent(share: float) -> str:
    """A share from 0 to 1 in words, with one decimal."""
    return f"{100 * share:.1f} %"
