"""A linear softmax classifier whose labels may be wrong in a known way, and the estimate of that way."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from bearwidgets.data.parallel import one_thread

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_STEPS = 300
LEAST_GRADIENT = 1e-4  # of the mean loss
ROUNDS = 30  # of the estimate of a transition
TRUSTED = 0.9  # share of right labels that the estimate starts from
LEAST_LEAD = 0.2  # of a class's own label over the next one


class Softmax(NamedTuple):
    """Logits are `values @ weight + bias`: weight (d, classes) and bias (classes,), float64."""

    weight: np.ndarray
    bias: np.ndarray

    def probabilities(self, values: np.ndarray) -> np.ndarray:
        """(n, classes) float64."""
        return softmax((values @ self.weight.astype(values.dtype)).astype(np.float64) + self.bias, axis=1)


def fit_softmax(
    values: np.ndarray,
    target: np.ndarray,
    n_classes: int,
    strength: float,
    *,
    transition: np.ndarray | None = None,
    start: Softmax | None = None,
) -> Softmax:
    """Minimize the sum of log-losses + strength / 2 · |weight|², by L-BFGS; the bias has no penalty.

    With a transition the classifier gives the right label, and the loss is that of the given one behind it: the
    forward correction of Patrini et al., "Making deep neural networks robust to label noise", CVPR 2017. It is
    (classes, classes), how likely an item of the class of a row is labeled as that of a column. Values are (n, d)
    float32, `target` class numbers (n,), `start` is a fit to start from, such as that of a similar strength.
    """
    n, d = values.shape
    shape = (d + 1, n_classes)
    first = np.zeros(shape) if start is None else np.vstack([start.weight, start.bias])
    loss = loss_of(target, n_classes, transition)

    def objective(flat: np.ndarray) -> tuple[float, np.ndarray]:
        weight, bias = flat.reshape(shape)[:d], flat.reshape(shape)[d]
        total, slope = loss((values @ weight.astype(np.float32)).astype(np.float64) + bias)
        gradient = np.vstack([values.T @ slope.astype(np.float32) + strength * weight, slope.sum(0)])
        return (total + strength / 2 * float((weight**2).sum())) / n, gradient.ravel() / n

    options = {"maxiter": MOST_STEPS, "gtol": LEAST_GRADIENT}
    with one_thread():
        found = minimize(objective, first.ravel(), jac=True, method="L-BFGS-B", options=options).x
    return Softmax(found.reshape(shape)[:d], found.reshape(shape)[d])


def loss_of(
    target: np.ndarray, n_classes: int, transition: np.ndarray | None
) -> Callable[[np.ndarray], tuple[float, np.ndarray]]:
    """Logits (n, classes) → summed loss, and its slope (n, classes) in the logits; see `fit_softmax`."""
    rows = np.arange(len(target))
    if transition is None:
        given = np.eye(n_classes)[target]

        def plain(logits: np.ndarray) -> tuple[float, np.ndarray]:
            log = log_softmax(logits, axis=1)
            return -float(log[rows, target].sum()), np.exp(log) - given

        return plain
    chance = transition.T[target]

    def corrected(logits: np.ndarray) -> tuple[float, np.ndarray]:
        p = softmax(logits, axis=1)
        joint = p * chance
        total = joint.sum(1, keepdims=True) + 1e-12
        return -float(np.log(total).sum()), p - joint / total

    return corrected


def estimate_transition(probabilities: np.ndarray, target: np.ndarray) -> np.ndarray:
    """How likely an item of each class (row) is given each label (column), (classes, classes), rows that sum to 1.

    Expectation maximization as of Dawid & Skene (Applied Statistics 28, 1979) with one annotator, the classes of the
    items being known by these out-of-fold probabilities (n, classes): each item is shared out over the classes that
    it may belong to, given its label; the shares are counted; and so again. It starts from labels that are mostly
    right, and one item for each class is spread over all labels, so that a class with few items keeps possible ones.
    A class whose own label does not lead the next one clearly is taken to be labeled rightly: what looks like wrong
    labels may as well be two classes that are hard to tell apart, and a transition that mixes them would merge them.
    """
    n_classes = probabilities.shape[1]
    transition = np.full((n_classes, n_classes), (1 - TRUSTED) / (n_classes - 1))
    np.fill_diagonal(transition, TRUSTED)
    labels = np.eye(n_classes)[target]
    for _ in range(ROUNDS):
        shares = probabilities * transition.T[target]
        shares /= np.maximum(shares.sum(1, keepdims=True), 1e-12)
        counts = shares.T @ labels + 1 / n_classes
        transition = counts / counts.sum(1, keepdims=True)
    others = np.where(np.eye(n_classes, dtype=bool), 0.0, transition)
    mixed = transition.diagonal() - others.max(1) < LEAST_LEAD
    transition[mixed] = np.eye(n_classes)[mixed]
    return transition
