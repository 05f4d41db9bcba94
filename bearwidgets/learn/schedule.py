"""Learning rate and momentum as pure functions of the share of training done, with fastai 2.8's numbers.

Source: Smith, "A disciplined approach to neural network hyper-parameters" (2018), as fastai's one-cycle has it:
cosine ramps, per batch, momentum against the rate.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


def cosine(start: float, end: float, share: float) -> float:
    """Value on the cosine ramp from `start` (share 0) to `end` (share 1)."""
    return start + (end - start) * (1 - math.cos(math.pi * min(max(share, 0.0), 1.0))) / 2


@dataclass(frozen=True)
class OneCycle:
    """One rise and one fall of the rate; momentum goes the other way.

    Attributes:
        lr_max: rate at the top; the start is `lr_max / div`, the end `lr_max / div_final`.
        pct_start: share of the steps spent rising, in (0, 1).
        momenta: beta1 at the start, at the top, at the end.
    """

    lr_max: float
    pct_start: float = 0.25
    div: float = 25.0
    div_final: float = 1e5
    momenta: tuple[float, float, float] = (0.95, 0.85, 0.95)

    def at(self, share: float) -> tuple[float, float]:
        """(rate, momentum) once `share` of the steps, 0 to 1, is done."""
        low, high, last = self.momenta
        if share < self.pct_start:
            rise = share / self.pct_start
            return cosine(self.lr_max / self.div, self.lr_max, rise), cosine(low, high, rise)
        fall = (share - self.pct_start) / (1 - self.pct_start)
        return cosine(self.lr_max, self.lr_max / self.div_final, fall), cosine(high, last, fall)
