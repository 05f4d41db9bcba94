"""Scores of how likely a given label is wrong, from probabilities alone: plain functions on arrays."""

from __future__ import annotations

import numpy as np

FLOOR = 1e-7
CLASS_SHARE = 0.25
ONE_WAY_SHARE = 0.5


def log_loss(probabilities: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Loss (n,) in nats, at least 0: minus the log of the given label's probability.

    Args:
        probabilities: (n, classes), rows that sum to 1.
        target: (n,) class numbers.
    """
    return np.maximum(-np.log(np.maximum(_picked(probabilities, target), FLOOR)), 0.0)


def log_margin(probabilities: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Margin (n,) in nats: log p of the given label minus log p of the best other; below 0 where they disagree."""
    others = probabilities.copy()
    others[np.arange(len(target)), target] = 0.0
    best = np.maximum(others.max(1), FLOOR)
    return np.log(np.maximum(_picked(probabilities, target), FLOOR)) - np.log(best)


def label_issue(probabilities: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Likelihood (n,) in [0, 1] that the given label is wrong, for ranking: higher is more suspect.

    The log-margin, corrected twice, through a logistic function. Every other class is helped by half the logarithm of
    how much oftener its items (as predicted) have the given label than the other way round: a model that cannot tell
    two classes apart confuses them both ways, wrong labels often go one way. And a quarter of the mean margin of the
    class is taken off, for a class that the model finds hard throughout would else fill the top. It is an order, not
    a calibrated probability.

    Args:
        probabilities: (n, classes), rows that sum to 1.
        target: (n,) class numbers.

    Example:
        >>> label_issue(np.array([[0.9, 0.1], [0.1, 0.9], [0.2, 0.8]]), np.array([0, 1, 0])).round(2).tolist()
        [0.14, 0.13, 0.85]
    """
    rows, n_classes = np.arange(len(target)), probabilities.shape[1]
    log = np.log(np.maximum(probabilities, FLOOR))
    others = log + ONE_WAY_SHARE * _one_way(probabilities, target)[target]
    others[rows, target] = -np.inf
    margin = log[rows, target] - others.max(1)
    counts = np.bincount(target, minlength=n_classes)
    means = np.bincount(target, weights=margin, minlength=n_classes) / np.maximum(counts, 1)
    adjusted = (margin - CLASS_SHARE * means[target]).astype(np.float64)
    return 1.0 / (1.0 + np.exp(np.clip(adjusted, -60.0, 60.0)))


def _one_way(probabilities: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Log-ratio (classes given, classes predicted) of the items of one cell to those of its mirror, one more each."""
    n_classes = probabilities.shape[1]
    cells = target * n_classes + probabilities.argmax(1)
    counts = np.log(np.bincount(cells, minlength=n_classes**2).reshape(n_classes, n_classes) + 1.0)
    return counts - counts.T


def second_choice(probabilities: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Class number (n,) of the best label that is neither the predicted nor the given one; -1 where there is none.

    It is what a person picks where both are wrong; where model and label agree, it is the runner-up.

    Args:
        probabilities: (n, classes), rows that sum to 1.
        target: (n,) class numbers.

    Example:
        >>> second_choice(np.array([[0.1, 0.7, 0.2], [0.1, 0.7, 0.2]]), np.array([0, 1])).tolist()
        [2, 2]
    """
    rows = np.arange(len(target))
    left = probabilities.copy()
    left[rows, probabilities.argmax(1)] = left[rows, target] = -1.0
    best = left.argmax(1)
    return np.where(left[rows, best] < 0, -1, best)


def neighbor_probabilities(index: np.ndarray, target: np.ndarray, n_classes: int) -> np.ndarray:
    """Probabilities (n, classes) from the labels of the nearest items alone: a judge that needs no training.

    The share of each label among the neighbors, with one more vote spread over all classes as they are in the data,
    so that no probability is 0 (Bahri, Jiang & Gupta, "Deep k-NN for noisy labels", ICML 2020, rank by this share).

    Args:
        index: (n, k) int, the nearest others of each item, -1 for none.
        target: (n,) class numbers.
        n_classes: How many classes there are.

    Example:
        >>> neighbor_probabilities(np.array([[1, 2], [0, 2], [0, 1]]), np.array([0, 0, 1]), 2).round(2)[2].tolist()
        [0.89, 0.11]
    """
    share = np.bincount(target, minlength=n_classes) / max(len(target), 1)
    votes = np.tile(share, (len(target), 1))
    rows, columns = np.nonzero(index >= 0)
    np.add.at(votes, (rows, target[index[rows, columns]]), 1.0)
    return votes / votes.sum(1, keepdims=True)


def _picked(probabilities: np.ndarray, target: np.ndarray) -> np.ndarray:
    return probabilities[np.arange(len(target)), target]
