"""How likely a look at an image changes something, from what several checks say of it: plain functions on arrays."""

from __future__ import annotations

import numpy as np

SPREAD = 1.5
"""Standard deviation of what may be wrong with the log-odds of a check before anything is decided: a person's first
ten decisions on its items outweigh it."""
_SLOPE_SPREAD = 0.5
_SUREST = 0.95  # no score is ever surer
_TINY = 1e-3


def chance_of_change(
    said: np.ndarray, looks: np.ndarray, changed: np.ndarray, *, learn_slope: np.ndarray
) -> np.ndarray:
    """The probability (n, checks) that a look at an item changes something for the reason that each check gives.

    Each check has a logistic curve over the log-odds of what it says (Platt, "Probabilistic Outputs for Support
    Vector Machines", 1999), and an item is changed where any of its reasons holds (the noisy "or" of Pearl,
    Probabilistic Reasoning in Intelligent Systems, 1988). Before anything is decided the curves are the identity;
    decisions move them, against normal priors, to where they explain best what was changed and what was kept.

    Args:
        said: (n, checks) what each check takes for the probability, in 0 to 1; NaN where it says nothing.
        looks: (m, checks) the same of the items that were looked at, as it was then; NaN, too, where a look that
            changed nothing did not speak of the check.
        changed: (m,) bool, whether a look changed something.
        learn_slope: (checks,) bool, for which checks the slope is learned as well: those with a score, not a flag.
    """
    from scipy.special import expit, logit

    def odds(given: np.ndarray) -> np.ndarray:
        return logit(np.clip(np.nan_to_num(given, nan=_TINY), _TINY, _SUREST))

    shift, slope = _learned(odds(looks), np.isfinite(looks), changed, learn_slope)
    return np.where(np.isfinite(said), expit(shift + slope * odds(said)), 0.0)


def any_of(chances: np.ndarray) -> np.ndarray:
    """The probability (n,) that any of the reasons (n, checks) holds."""
    return 1.0 - np.prod(1.0 - chances, axis=1)


def _learned(
    odds: np.ndarray, speaks: np.ndarray, found: np.ndarray, learn_slope: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Shift and slope (checks,) of the log-odds, the most likely ones after the decisions."""
    from scipy.optimize import minimize
    from scipy.special import expit

    looked = speaks.any(1)
    n = odds.shape[1]
    start = np.concatenate([np.zeros(n), np.ones(n)])
    if not looked.any():
        return start[:n], start[n:]
    odds, speaks, found = odds[looked], speaks[looked], found[looked]
    spread = np.concatenate([np.full(n, SPREAD), np.where(learn_slope, _SLOPE_SPREAD, _TINY)])

    def cost(curve: np.ndarray) -> tuple[float, np.ndarray]:
        line = np.where(speaks, curve[:n] + curve[n:] * odds, -np.inf)
        none = np.logaddexp(0, line).sum(1)  # minus the log of the probability that no reason holds
        some = np.maximum(-np.expm1(-none), 1e-12)
        fit = np.where(found, np.log(some), -none).sum()
        pull = np.where(found, np.exp(-none) / some, -1.0)[:, None] * expit(line)
        away = (curve - start) / spread
        gradient = np.concatenate([pull.sum(0), (pull * odds).sum(0)])
        return float((away**2).sum() / 2 - fit), away / spread - gradient

    curve = minimize(cost, start, jac=True, method="L-BFGS-B").x
    return curve[:n], curve[n:]
