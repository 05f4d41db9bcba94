"""What a review has found, what may be left to find, and when it is time to stop: plain functions on arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bearwidgets.figures import counted, percent

WINDOW = 25
KEPT = 5  # how far a run goes on in which everything was wrong, nothing tells
PAYS = 1 / 25  # changes per decision, up to which it is time to stop
LEVEL = 0.9
WIDEST = 0.25  # share of what is left; a wider interval says nothing
_EDGE = 1e-6
_BINS = 16
_GRID = 21
_BENDS = np.array([0, 0.1, 0.25, 0.5, 1.0])
_CEILINGS = np.array([1.0, 0.97, 0.9, 0.78, 0.6, 0.45])
_REACH = 1.5  # standard deviations of what is left, over which a decision above it counts less and less
_LEAST_SPREAD = 0.1
_DRAWS = 1000


@dataclass(frozen=True)
class ReviewYield:
    """What the decisions so far brought, and what those still to make may bring.

    Attributes:
        decided: decisions that count.
        changed: those of them that changed something (delete or relabel, not keep).
        recent: how many of the newest decisions the running yield is of, at most 25.
        recent_changed: those of them that changed something.
        left: items that are not decided.
        errors: estimate of how many of those left would be changed; None under 25 decisions, under 5 kept, and
            while its interval is wider than a quarter of what is left (and than 10 items).
        low: lower end of its 90 % interval; None as `errors`.
        high: upper end; None as `errors`.
        ahead: how many of the next 25, the most suspect first, would be changed; None as `errors`.

    Example:
        >>> print(ReviewYield(60, 30, 25, 13, left=437, errors=14.2, low=6, high=31, ahead=9.0))
        13 of the last 25 decisions changed something (52 %). About 14 of the other 437 may still be wrong (6–31).
    """

    decided: int
    changed: int
    recent: int
    recent_changed: int
    left: int
    errors: float | None = None
    low: int | None = None
    high: int | None = None
    ahead: float | None = None

    @property
    def rate(self) -> float | None:
        """Share of the newest decisions that changed something; None without decisions."""
        return self.recent_changed / self.recent if self.recent else None

    @property
    def stop(self) -> bool:
        """Whether it is time to stop: at most one change in 25 decisions, among the last ones and the next ones."""
        if self.ahead is None or self.rate is None or self.left < WINDOW:
            return False
        return self.rate <= PAYS and self.ahead <= PAYS * WINDOW

    @property
    def hint(self) -> str:
        """One sentence with the figures where it is time to stop, else ""."""
        if not self.stop:
            return ""
        changes = {0: "no change", 1: "one change"}[self.recent_changed]
        return f"You can stop here: {changes} in the last {self.recent}. {self._remaining}"

    @property
    def _remaining(self) -> str:
        number = round(self.errors or 0.0)
        some = f"About {number}" if number else "Hardly any"
        return f"{some} of the other {self.left} may still be wrong ({self.low}–{self.high})."

    def __str__(self) -> str:
        if not self.recent:
            return "Nothing here is decided yet."
        last = counted(self.recent, "decision")
        said = f"{self.recent_changed} of the last {last} changed something ({percent(self.rate or 0)})."
        if self.stop or self.errors is None:
            return f"{said} {self.hint}".rstrip()
        return f"{said} {self._remaining}"


def review_yield(score: np.ndarray, changed: np.ndarray, when: np.ndarray) -> ReviewYield:
    """The running yield of a review and what is left to find.

    How likely an item is to be changed, given its score, is learned from the decisions so far: a logistic curve over
    the log-odds of the score (Platt, "Probabilistic Outputs for Support Vector Machines", 1999) that does not fall,
    may bend, and may end below 1, as no score is ever sure; with the weak Cauchy priors of Gelman et al. ("A weakly
    informative default prior distribution for logistic and other regression models", 2008). A decision counts the
    less the farther its score lies above what is left (local likelihood, Tibshirani and Hastie, 1987). The order of
    the decisions does not matter. The estimate is the mean over all such curves, weighted by how
    well they fit; the interval holds 90 % of the numbers that these curves and chance give together.

    Args:
        score: (n,) in [0, 1], higher is more suspect.
        changed: (n,) 1.0 where the decision changed something, 0.0 where it did not, NaN where there is none.
        when: (n,) numbers that grow with time; not read where there is no decision.
    """
    decided = ~np.isnan(changed)
    newest = np.flatnonzero(decided)[np.argsort(when[decided], kind="stable")][-WINDOW:]
    n_changed = int(np.nansum(changed))
    found = (int(decided.sum()), n_changed, len(newest), int(changed[newest].sum()), int((~decided).sum()))
    if found[0] < WINDOW or found[0] - n_changed < KEPT or not found[4]:
        return ReviewYield(*found)
    errors, low, high, ahead = _left_to_find(score, changed)
    if high - low > max(10, WIDEST * found[4]):
        return ReviewYield(*found)
    return ReviewYield(*found, errors, low, high, ahead)


def _left_to_find(score: np.ndarray, changed: np.ndarray) -> tuple[float, int, int, float]:
    """Errors left, the ends of their interval, and how many the next 25 hold."""
    odds = np.log(bounded := np.clip(score, _EDGE, 1 - _EDGE)) - np.log1p(-bounded)
    scaled = (odds - odds.mean()) / (2 * max(float(odds.std()), 1e-9))  # as the priors want it
    decided = ~np.isnan(changed)
    shares = np.linspace(0, 1, _BINS)
    edges = np.unique([np.quantile(scaled[each], shares) for each in (decided, ~decided)])
    bins = np.searchsorted(edges, scaled, side="right") - 1
    counts = np.bincount(bins, minlength=len(edges))
    middles = np.bincount(bins, scaled, len(edges)) / np.maximum(counts, 1)
    errors = np.bincount(bins[decided], changed[decided], len(edges))
    kept = np.bincount(bins[decided], minlength=len(edges)) - errors
    left = np.bincount(bins[~decided], minlength=len(edges))

    spread = max(float(scaled[~decided].std()), _LEAST_SPREAD)
    beyond = np.maximum(middles - np.quantile(scaled[~decided], 0.9), 0)
    near = np.exp(-beyond / (_REACH * spread))
    weights, curves = _posterior(middles, near * errors, near * kept)
    generator = np.random.default_rng(0)
    drawn = generator.choice(len(curves), _DRAWS, p=weights)
    numbers = generator.binomial(left, curves[drawn]).sum(1)
    low, high = np.quantile(numbers, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], method="closest_observation")
    mean = weights @ curves
    ahead = np.sort(mean[bins[~decided]])[::-1][:WINDOW].sum()
    return float(left @ mean), int(low), int(high), float(ahead)


def _posterior(middles: np.ndarray, errors: np.ndarray, kept: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weights (g,) and curves (g, bins) on a grid of intercepts and slopes, narrowed to where the weight is.

    Each with every bend (the log-odds fall faster and faster below the highest score) and every ceiling.
    """
    from scipy.special import expit

    low, high = np.array([-30.0, 0.0]), np.array([30.0, 40.0])
    bent = middles - _BENDS[:, None] * (middles - middles.max()) ** 2
    prior = np.log1p((_BENDS / 0.3) ** 2)[:, None]
    weights = curves = np.zeros(0)
    for _ in range(3):
        intercepts, slopes = (np.linspace(low[axis], high[axis], _GRID) for axis in (0, 1))
        line = intercepts[:, None, None, None] + slopes[:, None, None] * bent
        curves = (_CEILINGS[:, None] * expit(line)[:, :, :, None]).clip(1e-12, 1 - 1e-12)
        fit = np.log(curves) @ errors + np.log1p(-curves) @ kept - prior
        fit -= (np.log1p((intercepts[:, None] / 10) ** 2) + np.log1p((slopes / 2.5) ** 2))[:, :, None, None]
        weights = np.exp(fit - fit.max())
        for axis, values in enumerate((intercepts, slopes)):
            mass = weights.sum((1 - axis, 2, 3))
            good = values[mass > 1e-5 * mass.max()]
            step = values[1] - values[0]
            low[axis], high[axis] = good[0] - step, good[-1] + step
        low[1] = max(low[1], 0.0)
    return weights.ravel() / weights.sum(), curves.reshape(-1, len(middles))
