"""Scores of how likely a given label is wrong, from probabilities alone: plain functions on arrays."""

from __future__ import annotations

import numpy as np

FLOOR = 1e-7
CLASS_SHARE = 0.25


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


def label_issue(margin: np.ndarray, target: np.ndarray, n_classes: int) -> np.ndarray:
    """Likelihood (n,) in [0, 1] that the given label is wrong, for ranking: higher is more suspect.

    The log-margin, less a quarter of the mean margin of its class (a class that the model finds hard throughout
    would else fill the top), through a logistic function. It is an order, not a calibrated probability.
    """
    counts = np.bincount(target, minlength=n_classes)
    means = np.bincount(target, weights=margin, minlength=n_classes) / np.maximum(counts, 1)
    adjusted = margin - CLASS_SHARE * means[target]
    return 1.0 / (1.0 + np.exp(np.clip(adjusted, -60.0, 60.0)))


def _picked(probabilities: np.ndarray, target: np.ndarray) -> np.ndarray:
    return probabilities[np.arange(len(target)), target]
