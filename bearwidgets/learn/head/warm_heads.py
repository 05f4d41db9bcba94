"""The heads of the folds after a few labels changed: some steps from where they are, in place of a new fit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import minimize
from scipy.special import softmax

from bearwidgets.data.parallel import one_thread
from bearwidgets.learn.head.linear_head import FLOOR
from bearwidgets.learn.head.softmax import loss_of

if TYPE_CHECKING:
    from bearwidgets.learn.head.linear_head import HeadFit

STEPS = 4
LEFT_OUT = -1
RIDGE = 1e-3  # of the number of items, on the bias: to shift all logits changes nothing


class WarmHeads:
    """Out-of-fold probabilities that follow the labels, by a few steps of L-BFGS for each change of them.

    The steps are taken in coordinates in which the Hessian is about the identity: it is taken for the product of that
    of the mean item in the logits and that of the features, which is diagonal on their principal axes. What is left
    after the steps is made up for by those of the next change.

    Args:
        features: (n, d) float32, of the items of the fit, in its order.
        fit: how the head was fitted; it has `folds`.
    """

    def __init__(self, features: np.ndarray, fit: HeadFit) -> None:
        heads = fit.folds
        if heads is None:
            raise ValueError("a fit without folds has nothing to go on from")
        self._features, self._heads, self._strength = features, heads, fit.strength
        self._transition = fit.transition[np.ix_(heads.present, heads.present)].astype(np.float64)
        self._weight, self._bias = heads.weight.astype(np.float64), heads.bias.astype(np.float64)
        self._n_classes = len(fit.transition)
        self._square: np.ndarray | None = None

    def follow(self, target: np.ndarray, steps: int = STEPS) -> np.ndarray:
        """Probabilities (n, classes) float32 of each item from the head that did not see it, under other labels.

        Args:
            target: (n,) class numbers, -1 where the item is left out. Items of classes that had none are left out.
            steps: of each head.
        """
        heads = self._heads
        places = np.full(self._n_classes, LEFT_OUT)
        places[heads.present] = np.arange(len(heads.present))
        labels = np.where(target < 0, LEFT_OUT, places[target])
        found = np.full((len(target), len(heads.present)), 1 / len(heads.present))
        with one_thread():
            for fold in range(len(heads.weight)):
                if steps:
                    self._fit(fold, labels, steps)
                held = heads.number == fold
                found[held] = softmax(self._logits(fold, self._features[held]), axis=1)
        wide = np.full((len(target), self._n_classes), FLOOR)
        wide[:, heads.present] = found
        return (wide / wide.sum(1, keepdims=True)).astype(np.float32)

    def _logits(self, fold: int, features: np.ndarray) -> np.ndarray:
        return self._logits_of(features, self._weight[fold], self._bias[fold])

    def _logits_of(self, features: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
        heads = self._heads
        plain = heads.axes @ weight.astype(np.float32) / heads.scale
        return (features @ plain.astype(np.float32)).astype(np.float64) + (bias - heads.mean @ plain)

    def _fit(self, fold: int, labels: np.ndarray, steps: int) -> None:
        """Some steps of L-BFGS in coordinates in which the Hessian is about the identity."""
        heads = self._heads
        used = (heads.number != fold) & (labels != LEFT_OUT)
        features, loss_at = self._features[used], loss_of(labels[used], len(heads.present), self._transition)
        p = softmax(self._logits(fold, features), axis=1)
        size, mix = np.linalg.eigh(np.diag(p.sum(0)) - p.T @ p)
        squares = np.append(self._squares() / len(labels), 1.0)
        penalty = np.append(np.full(len(squares) - 1, self._strength), RIDGE * len(p))
        unit = 1 / np.sqrt(np.maximum(size, 0) * squares[:, None] + penalty[:, None])

        def objective(flat: np.ndarray) -> tuple[float, np.ndarray]:
            moved = (flat.reshape(unit.shape) * unit) @ mix.T
            weight, bias = moved[:-1], moved[-1]
            loss, slope = loss_at(self._logits_of(features, weight, bias))
            raw = features.T @ slope.astype(np.float32)
            raw = (raw - heads.mean[:, None] * slope.sum(0)) / heads.scale
            gradient = np.vstack([heads.axes.T @ raw + self._strength * weight, slope.sum(0)])
            return loss + self._strength / 2 * float((weight**2).sum()), ((gradient @ mix) * unit).ravel()

        start = (np.vstack([self._weight[fold], self._bias[fold]]) @ mix) / unit
        options = {"maxiter": steps, "maxfun": 2 * steps}
        end = minimize(objective, start.ravel(), jac=True, method="L-BFGS-B", options=options).x
        moved = (end.reshape(unit.shape) * unit) @ mix.T
        self._weight[fold], self._bias[fold] = moved[:-1], moved[-1]

    def _squares(self) -> np.ndarray:
        """(r,) the squared features on each axis, summed over the items; axes are orthogonal in them."""
        if self._square is None:
            heads = self._heads
            part = self._features[:: max(1, len(self._features) // 4000)]
            turned = (part - heads.mean.astype(np.float32)) @ (heads.axes / heads.scale)
            self._square = np.einsum("ij,ij->j", turned, turned, dtype=np.float64)
            self._square *= len(self._features) / len(part)
        return self._square
