"""The Hessian of a linear softmax head at the minimum of its loss: solutions of it, and the leverage of items."""

from __future__ import annotations

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve
from scipy.special import softmax

from bearwidgets.learn.head.softmax import fit_softmax

DENSE = 1000  # weights, those on the longest axes of the features, whose Hessian is inverted as it is
STEPS = 20  # of Newton's method, at most
CONVERGED = 1e-5  # of the gradient of the mean loss
NEAR = 1e-4  # relative residual at which a solution is taken
MOST_TURNS = 500  # of conjugate gradients
RIDGE = 1e-6  # of the number of items, on the constant: to shift all logits changes nothing
TINY = 1e-12


def probabilities(values: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """(n, classes) float64, of values (n, k) whose last column is 1 and weights (k, classes)."""
    return softmax((values @ weight.astype(np.float32)).astype(np.float64), axis=1)


def slope_of(
    p: np.ndarray, target: np.ndarray, transition: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray | None]:
    """The gradient (n, classes) of each loss in the logits, and what the given label makes of `p`.

    The latter is None without a transition, for then it is certain.
    """
    if transition is None:
        return p - np.eye(p.shape[1])[target], None
    joint = p * transition.T[target]
    known = joint / (joint.sum(1, keepdims=True) + TINY)
    return p - known, known


class Curvature:
    """The Hessian H at some weights, of features on their principal axes, the longest last, and a constant.

    `solve` is by conjugate gradients. `near_solve` and `leverage` are exact where there are few weights; else they
    take what lies on the longest axes as it is, and on each other axis the mean over the items.

    Args:
        values: (n, k) float32, the last column is 1.
        penalty: (k,) of the weights on each column.
        weight: (k, classes).
        p: (n, classes) probabilities of right labels.
        known: (n, classes) the same where the given label is known; None without a transition.
    """

    def __init__(
        self,
        values: np.ndarray,
        penalty: np.ndarray,
        weight: np.ndarray,
        p: np.ndarray,
        known: np.ndarray | None,
    ) -> None:
        self.weight, self._values, self._penalty, self._p, self._known = weight, values, penalty, p, known
        k, n_classes = weight.shape
        self._rest = max(0, k - max(1, DENSE // n_classes))  # shorter axes come first
        mean = np.diag(p.sum(0)) - p.T @ p
        if known is not None:
            mean -= np.diag(known.sum(0)) - known.T @ known
        size, self._mix = np.linalg.eigh(mean / len(p))
        square = np.einsum("ij,ij->j", values, values, dtype=np.float64)[: self._rest]
        # (rest, classes): one over the eigenvalues of the mean block of each axis
        self._inverse = 1 / (np.maximum(size, 0) * square[:, None] + penalty[: self._rest, None])
        try:
            self._factor = cho_factor(self._dense(known))
        except LinAlgError:  # with a transition the loss is not convex everywhere
            self._factor = cho_factor(self._dense(None))

    def _dense(self, known: np.ndarray | None) -> np.ndarray:
        """The Hessian of the weights on the longest axes, class by class."""
        top, n_classes = self._values[:, self._rest :], self._p.shape[1]
        size = top.shape[1]
        found = np.zeros((n_classes, size, n_classes, size))
        for first in range(n_classes):
            for other in range(first + 1):
                block = -self._p[:, first] * self._p[:, other]
                if known is not None:
                    block += known[:, first] * known[:, other]
                if first == other:
                    block += self._p[:, first] - (0 if known is None else known[:, first])
                part = top.T @ (top * block[:, None].astype(np.float32))
                found[first, :, other] = part
                found[other, :, first] = part.T
        found = found.reshape(n_classes * size, -1)
        found[np.diag_indices(len(found))] += np.tile(self._penalty[self._rest :], n_classes)
        return found

    def times(self, direction: np.ndarray) -> np.ndarray:
        """H times a direction (k, classes)."""
        moved = (self._values @ direction.astype(np.float32)).astype(np.float64)
        bent = _bend(self._p, moved) - (0 if self._known is None else _bend(self._known, moved))
        return self._values.T @ bent.astype(np.float32) + self._penalty[:, None] * direction

    def near_solve(self, wanted: np.ndarray) -> np.ndarray:
        """About H⁻¹ of each of (…, k, classes)."""
        n_classes, top = wanted.shape[-1], wanted[..., self._rest :, :]
        flat = np.swapaxes(top, -1, -2).reshape(-1, n_classes * top.shape[-2])
        solved = cho_solve(self._factor, flat.T).T.reshape(*wanted.shape[:-2], n_classes, -1)
        rest = ((wanted[..., : self._rest, :] @ self._mix) * self._inverse) @ self._mix.T
        return np.concatenate([rest, np.swapaxes(solved, -1, -2)], axis=-2)

    def leverage(self, values: np.ndarray) -> np.ndarray:
        """(m, classes, classes): Kᵀ H⁻¹ K of each item of (m, k), K being its values for each class."""
        n_classes, top = self.weight.shape[1], values[:, self._rest :].astype(np.float64)
        columns = np.zeros((n_classes, top.shape[1], n_classes, len(values)))
        for each in range(n_classes):
            columns[each, :, each] = top.T
        solved = cho_solve(self._factor, columns.reshape(len(self._factor[0]), -1)).reshape(columns.shape)
        found = np.einsum("mj,cjkm->mck", top, solved)
        rest = values[:, : self._rest].astype(np.float64) ** 2 @ self._inverse
        return found + (self._mix * rest[:, None, :]) @ self._mix.T

    def solve(self, wanted: np.ndarray, near: float = NEAR) -> np.ndarray:
        """H⁻¹ of (k, classes), by conjugate gradients that start from and are led by `near_solve`."""
        found = np.zeros(wanted.shape)
        left = wanted.astype(np.float64)
        led = self.near_solve(left)
        direction, size = led, float((left * led).sum())
        end = near * np.linalg.norm(left)
        for _ in range(MOST_TURNS):
            bent = self.times(direction)
            curve = float((direction * bent).sum())
            if np.linalg.norm(left) <= end or curve <= 0:
                break
            found = found + size / curve * direction
            left = left - size / curve * bent
            led = self.near_solve(left)
            before, size = size, float((left * led).sum())
            direction = led + size / before * direction
        return found


def _bend(p: np.ndarray, moved: np.ndarray) -> np.ndarray:
    return p * (moved - (p * moved).sum(1, keepdims=True))


def at_minimum(
    values: np.ndarray, target: np.ndarray, n_classes: int, strength: float, transition: np.ndarray | None
) -> Curvature:
    """Fit a head to convergence: as `fit_softmax`, then by Newton steps until hardly a gradient is left.

    Values (n, d) are on their principal axes, the longest last; the other arguments are those of `fit_softmax`.
    """
    start = fit_softmax(values, target, n_classes, strength, transition=transition)
    weight = np.vstack([start.weight, start.bias])
    values = np.hstack([values, np.ones((len(values), 1), np.float32)])
    penalty = np.append(np.full(len(weight) - 1, float(strength)), 0.0)
    ridge = np.append(penalty[:-1], RIDGE * len(values))
    for _ in range(STEPS):
        p = probabilities(values, weight)
        slope, known = slope_of(p, target, transition)
        gradient = values.T @ slope.astype(np.float32) + penalty[:, None] * weight
        curvature = Curvature(values, ridge, weight, p, known)
        if np.abs(gradient).max() <= CONVERGED * len(values):
            break
        weight = weight - curvature.solve(gradient, 1e-3)
    return curvature
