"""Learning rate and momentum as pure functions of the share of training done, with fastai 2.8's numbers.

A schedule gives the share of the highest rate, so that one schedule serves all layer groups, whatever their rates.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol


class Schedule(Protocol):
    """What the loop asks before each step."""

    def at(self, share: float) -> tuple[float, float]:
        """(share of the highest rate, momentum) once `share` of the steps, 0 to 1, is done."""
        ...


def cosine(start: float, end: float, share: float) -> float:
    """Value on the cosine ramp from `start` (share 0) to `end` (share 1)."""
    return start + (end - start) * (1 - math.cos(math.pi * min(max(share, 0.0), 1.0))) / 2


@dataclass(frozen=True)
class OneCycle:
    """One rise and one fall of the rate; momentum goes the other way.

    Source: Smith, "A disciplined approach to neural network hyper-parameters" (2018), with cosine ramps.
    """

    pct_start: float = 0.25  # share of the steps spent rising, in (0, 1)
    div: float = 25.0  # the start is the highest rate divided by this
    div_final: float = 1e5  # the end is the highest rate divided by this
    momenta: tuple[float, float, float] = (0.95, 0.85, 0.95)  # beta1 at the start, at the top, at the end

    def at(self, share: float) -> tuple[float, float]:
        """(share of the highest rate, momentum) once `share` of the steps, 0 to 1, is done."""
        low, high, last = self.momenta
        if share < self.pct_start:
            rise = share / self.pct_start
            return cosine(1 / self.div, 1, rise), cosine(low, high, rise)
        fall = (share - self.pct_start) / (1 - self.pct_start)
        return cosine(1, 1 / self.div_final, fall), cosine(high, last, fall)


@dataclass(frozen=True)
class FlatCosine:
    """The highest rate for `pct_start` of the steps, then a cosine down to it divided by `div_final`."""

    pct_start: float = 0.75
    div_final: float = 1e5
    momentum: float = 0.9

    def at(self, share: float) -> tuple[float, float]:
        """(share of the highest rate, momentum) once `share` of the steps, 0 to 1, is done."""
        fall = (share - self.pct_start) / (1 - self.pct_start)
        return cosine(1, 1 / self.div_final, fall), self.momentum


@dataclass(frozen=True)
class Constant:
    """The same rate and momentum at every step."""

    momentum: float = 0.9

    def at(self, share: float) -> tuple[float, float]:  # noqa: ARG002 - as the others
        """(1, momentum)."""
        return 1.0, self.momentum


@dataclass(frozen=True)
class Exponential:
    """From `start` times the highest rate up to it, by the same factor at each step: the range test of `lr_find`."""

    start: float
    momentum: float = 0.9

    def at(self, share: float) -> tuple[float, float]:
        """(share of the highest rate, momentum) once `share` of the steps, 0 to 1, is done."""
        return self.start ** (1 - share), self.momentum
