"""Figures of one split: loss, accuracy, per class; on the labels of the exam, and on those corrected since."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bearwidgets.errors import BadInputError, unknown_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FLOOR = 1e-7


def split_scores(
    labels: pd.Series, probabilities: np.ndarray, classes: Sequence[str], now: pd.Series | None = None
) -> dict[str, Any]:
    """Loss (mean log-loss, nats), accuracy, error_rate, n, per_class (class → n, accuracy).

    Args:
        labels: (n,) that count; one that is no class (it may be gone since) counts as wrong.
        probabilities: (n, classes).
        classes: names of the columns.
        now: (n,) labels as corrected since, if they are others; they make error_rate_corrected.
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
    }


def class_numbers(labels: pd.Series, classes: Sequence[str]) -> np.ndarray:
    """Labels (n,) as class numbers (n,) int64; a label that is no class is an error."""
    target = pd.Index(classes).get_indexer(pd.Index(labels))
    if (target < 0).any():
        raise BadInputError(unknown_name("class", labels[target < 0].iloc[0], classes, "in this learner"))
    return target.astype(np.int64)
