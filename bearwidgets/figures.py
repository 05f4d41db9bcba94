"""How figures are told: a share in percent, its interval, how many of a thing."""

from __future__ import annotations

import math
from statistics import NormalDist


def percent(share: float, digits: int = 0) -> str:
    """A share from 0 to 1 as a person reads it; `digits` after the point.

    Example:
        >>> percent(0.634), percent(0.05, 1)
        ('63 %', '5.0 %')
    """
    return f"{100 * share:.{digits}f} %"


def near_percent(share: float) -> str:
    """A share in whole percent, where 0 % and 100 % would say more than is known.

    Example:
        >>> near_percent(0.001), near_percent(0.63), near_percent(0.999)
        ('under 1 %', '63 %', 'over 99 %')
    """
    if share < 0.005:
        return "under 1 %"
    return "over 99 %" if share > 0.995 else percent(share)


def wilson(hits: int, n: int) -> tuple[float, float]:
    """95 % interval of a share of which `hits` of `n` were seen (Wilson, 1927); good for small `n` too.

    Source: Brown, Cai & DasGupta, "Interval estimation for a binomial proportion" (2001), recommend it.
    """
    z = NormalDist().inv_cdf(0.975)
    middle, spread = hits + z * z / 2, z * math.sqrt(hits * (n - hits) / n + z * z / 4)
    return max(0.0, (middle - spread) / (n + z * z)), min(1.0, (middle + spread) / (n + z * z))


def interval(hits: int, n: int) -> str:
    """The 95 % interval of a share in words, see `wilson`.

    Example:
        >>> interval(3, 60)
        '1.7–13.7 %'
    """
    return span(*wilson(hits, n))


def span(low: float, high: float) -> str:
    """The two ends of an interval of a share, as `interval` tells them.

    Example:
        >>> span(0.017, 0.137)
        '1.7–13.7 %'
    """
    return f"{100 * low:.1f}–{percent(high, 1)}"


def counted(n: int, one: str, many: str = "") -> str:
    """A number and what is counted.

    Example:
        >>> counted(1, "image"), counted(1200, "class", "classes")
        ('1 image', '1,200 classes')
    """
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def short_number(value: float) -> str:
    """A number of any size with at most three digits that count.

    Example:
        >>> short_number(0.25), short_number(1e-05), short_number(2000.0), short_number(0.0)
        ('0.25', '1e-5', '2,000', '0')
    """
    if value != 0 and not 1e-3 <= abs(value) < 1e5:
        mantissa, _, power = f"{value:.2e}".partition("e")
        return f"{mantissa.rstrip('0').rstrip('.')}e{int(power)}"
    return f"{float(f'{value:.3g}'):,.6f}".rstrip("0").rstrip(".")
