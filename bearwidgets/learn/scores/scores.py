"""Figures of one split: loss, accuracy, per class, on the labels of the exam and on corrected ones; and intervals."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.special import ndtri

from bearwidgets.errors import BadInputError, unknown_name
from bearwidgets.learn.scores.metrics import compute_metrics

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torchmetrics import Metric

FLOOR = 1e-7


def split_scores(
    labels: pd.Series,
    probabilities: np.ndarray,
    classes: Sequence[str],
    now: pd.Series | None = None,
    metrics: Mapping[str, Metric] | None = None,
) -> dict[str, Any]:
    """Loss (mean log-loss, nats), accuracy, error_rate, n, per_class (class → n, accuracy) of (n, classes).

    A label (n,) that is no class (it may be gone since) counts as wrong. Labels that were corrected since, `now`,
    make error_rate_corrected where they are others; metrics are computed where some are given.
    """
    target = pd.Index(classes).get_indexer(pd.Index(labels))
    predicted = probabilities.argmax(1)
    right = predicted == target
    picked = np.where(target < 0, 0.0, probabilities[np.arange(len(target)), target])
    corrected = {}
    if now is not None and (now.to_numpy() != labels.to_numpy()).any():
        wrong = predicted != pd.Index(classes).get_indexer(pd.Index(now))
        corrected = {"error_rate_corrected": float(wrong.mean())}
    per_class: Mapping[str, Any] = {
        name: {"n": int((target == number).sum()), "accuracy": float(right[target == number].mean())}
        for number, name in enumerate(classes)
        if (target == number).any()
    }
    return {
        "loss": float(-np.log(np.maximum(picked, FLOOR)).mean()),
        "accuracy": float(right.mean()),
        "error_rate": float(1 - right.mean()),
        **corrected,
        "n": len(target),
        "per_class": per_class,
        **({"metrics": compute_metrics(metrics, probabilities, target)} if metrics else {}),
    }


def class_numbers(labels: pd.Series, classes: Sequence[str]) -> np.ndarray:
    """Labels (n,) as class numbers (n,) int64; a label that is no class is an error."""
    target = pd.Index(classes).get_indexer(pd.Index(labels))
    if (target < 0).any():
        raise BadInputError(unknown_name("class", labels[target < 0].iloc[0], classes, "in this learner"))
    return target.astype(np.int64)


def wilson(hits: int, n: int) -> tuple[float, float]:
    """95 % interval of a share of which `hits` of `n` were seen (Wilson, 1927); good for small `n` too.

    Source: Brown, Cai & DasGupta, "Interval estimation for a binomial proportion" (2001), recommend it.
    """
    z = float(ndtri(0.975))
    middle, spread = hits + z * z / 2, z * math.sqrt(hits * (n - hits) / n + z * z / 4)
    return max(0.0, (middle - spread) / (n + z * z)), min(1.0, (middle + spread) / (n + z * z))


def percent(share: float) -> str:
    """A share from 0 to 1 in words, with one decimal."""
    return f"{100 * share:.1f} %"
