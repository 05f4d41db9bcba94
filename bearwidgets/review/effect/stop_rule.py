"""Are nearly all wrong labels found? A bound from images drawn at random: plain functions on numbers.

Looking down a ranking says little about its far end. A random sample of what is left does: of `left` images `drawn`
are looked at, and how many wrong ones there can be in all follows from the hypergeometric distribution, whatever the
ranking is worth. Source: Callaghan and Müller-Hansen, "Statistical stopping criteria for automated screening in
systematic reviews", Systematic Reviews 9:273, 2020. They test after every look; here the size of a sample is fixed
before its first image is looked at, and each further sample may be wrong with half the chance of the one before, so
that all of them together are wrong in at most 5 % of all reviews (Bonferroni), however often somebody looks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from bearwidgets.errors import BadInputError
from bearwidgets.figures import counted, percent

RECALL = 0.9  # share of the wrong labels that is to be found
CONFIDENCE = 0.95
_PLANNED = 0.8  # chance that a sample of the size taken shows it, where as many are wrong as expected
_EDGE = 1e-9


@dataclass(frozen=True)
class Draw:
    """A random sample of what was left at some time, and what looking at it brought.

    Attributes:
        number: 1 for the first sample of a review, 2 for the next, and so on.
        left: images that were not decided when it was drawn.
        drawn: how many of them it has, fixed since then.
        found: wrong labels found before.
        looked: how many of the sample are decided.
        wrong: how many of those had a wrong label.
        others: wrong labels found since among those left that were not drawn.

    Raises:
        BadInputError: Numbers that cannot be, such as more drawn than left.

    Example:
        >>> print(Draw(1, left=1300, drawn=192, found=200, looked=192, wrong=0))
        With 95 % confidence at least 90 % of the wrong labels are found: 0 of 192 drawn at random were wrong.
    """

    number: int
    left: int
    drawn: int
    found: int
    looked: int = 0
    wrong: int = 0
    others: int = 0

    def __post_init__(self) -> None:
        sample = 0 <= self.wrong <= self.looked <= self.drawn <= self.left
        if self.number < 1 or not sample or self.found < 0 or not 0 <= self.others <= self.left - self.drawn:
            raise BadInputError(f"There is no such sample: {self!r}.")

    @property
    def risk(self) -> float:
        """Chance that what this sample says is wrong, at most: 2.5 % for the first, half as much for each further."""
        return (1 - CONFIDENCE) / 2**self.number

    @property
    def is_done(self) -> bool:
        """Whether all of it is looked at; before that it says nothing."""
        return self.looked == self.drawn

    @property
    def recall(self) -> float | None:
        """Share of the wrong labels that is found, at least, with the confidence that is asked; None until done."""
        if not self.is_done:
            return None
        most = self.found + most_wrong(self.left, self.drawn, self.wrong, self.risk)
        return min(1.0, (self.found + self.wrong + self.others) / most) if most else 1.0

    @property
    def holds(self) -> bool:
        """Whether it shows that enough is found."""
        return self.recall is not None and self.recall >= RECALL - _EDGE

    @property
    def can_hold(self) -> bool:
        """Whether it shows that, should the rest of it be right; where not, its rest need not be looked at."""
        done = Draw(self.number, self.left, self.drawn, self.found, self.drawn, self.wrong, self.others)
        return done.holds

    def __str__(self) -> str:
        came = f"{self.wrong} of {self.looked} drawn at random were wrong"
        enough = f"at least {percent(RECALL)} of the wrong labels are found"
        promise = f"With {percent(CONFIDENCE)} confidence {enough}"
        if self.holds:
            return f"{promise}: {came}."
        if self.recall is None and self.can_hold:
            rest = counted(self.drawn - self.looked, "more image")
            return f"{promise}, should {rest} drawn at random be right."
        least = math.floor(100 * (self.recall or 0)) / 100
        surely = f"; surely found are {percent(least)}" if self.is_done else ""
        return f"Too many may be left: {came}{surely}. {self._next()}"

    def _next(self) -> str:
        """What to do where this sample does not show it."""
        left = self.left - self.looked - self.others
        again = sample_size(left, self.found + self.wrong + self.others, self.number + 1)
        more = counted(again, "more image")
        return f"Go on down the list, or look at {more} drawn at random: if all are right, it is enough."


def most_wrong(left: int, drawn: int, wrong: int, risk: float) -> int:
    """How many of `left` can be wrong, if `wrong` of `drawn` at random were: more are as unlikely as `risk`.

    Example:
        >>> most_wrong(1000, 100, 0, 0.05), most_wrong(1000, 1000, 7, 0.05)
        (28, 7)
    """
    from scipy.stats import hypergeom

    low, high = wrong, left - (drawn - wrong)  # the chance to see so few falls with every wrong one more
    while low < high:
        middle = (low + high + 1) // 2
        if hypergeom.cdf(wrong, left, middle, drawn) > risk:
            low = middle
        else:
            high = middle - 1
    return low


def sample_size(left: int, found: int, number: int, expected: float = 0.0) -> int:
    """How many of `left` to draw at random to show that enough is found.

    It is the smallest sample that shows it with a chance of 80 % where `expected` are wrong of those left; all of
    them where too many are expected. Whatever is expected, what the sample says holds.

    Args:
        left: Images that are not decided.
        found: Wrong labels found so far.
        number: 1 for the first sample of a review, 2 for the next, and so on.
        expected: Estimate of the wrong labels left, as `ReviewYield.errors`.

    Example:
        >>> sample_size(1300, 200, 1), sample_size(1300, 200, 1, expected=5)
        (192, 337)
    """
    from scipy.stats import hypergeom

    risk, wrong = (1 - CONFIDENCE) / 2**number, min(left, round(expected))

    def is_enough(drawn: int) -> bool:
        allowed = _most_allowed(left, drawn, found, risk, wrong)
        return allowed >= 0 and hypergeom.cdf(allowed, left, wrong, drawn) >= _PLANNED

    low, high = min(1, left), left
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if is_enough(middle) else (middle + 1, high)
    return low


def _most_allowed(left: int, drawn: int, found: int, risk: float, wrong: int) -> int:
    """The most of `drawn`, up to `wrong`, that may be wrong so that enough is found; -1 where not even none."""
    from scipy.stats import hypergeom

    seen = np.arange(min(drawn, wrong) + 1)
    too_many = np.floor((found + seen) / RECALL + _EDGE).astype(int) - found + 1
    possible = too_many <= left - drawn + seen
    chance = np.zeros(len(seen))
    chance[possible] = hypergeom.cdf(seen[possible], left, too_many[possible], drawn)
    fails = np.flatnonzero(chance > risk)
    return int(fails[0]) - 1 if len(fails) else len(seen) - 1
