"""The head of the cached mode: a linear classifier fitted to convergence, its L2 strength chosen by held-out loss.

On a few hundred photos the strength decides more than anything else about the head, both for its error and for how
well its doubts point at wrong labels; so it is chosen by cross-validation inside the training split, never on the
evaluation split. The folds leave out-of-fold probabilities behind at no further cost.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from bearwidgets.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Iterator

STRENGTHS = (1e4, 3e3, 1e3, 300.0, 100.0, 30.0, 10.0, 3.0, 1.0)
PLAIN_STRENGTH = 100.0  # where there is too little to choose by
FOLDS = 5
FLOOR = 1e-7


@dataclass(frozen=True)
class HeadFit:
    """A fitted linear head.

    Attributes:
        weight: (classes, features) float32, for raw features.
        bias: (classes,) float32.
        strength: the L2 penalty that won: loss = sum of log-losses + strength / 2 · |weight|², features centred
            and divided by their overall standard deviation.
        held_out_loss: mean log-loss on held-out folds for each strength tried.
        out_of_fold: (n, classes) float32, probabilities for each training item from heads that did not see it.
        held: (n,) bool, for which items there is such a head; in tiny sets there may be none.
    """

    weight: np.ndarray
    bias: np.ndarray
    strength: float
    held_out_loss: dict[float, float]
    out_of_fold: np.ndarray
    held: np.ndarray


@dataclass(frozen=True)
class _Rotated:
    """Features centred, scaled and turned onto their principal axes: the same distances, fewer columns."""

    values: np.ndarray
    axes: np.ndarray
    mean: np.ndarray
    scale: float


def fit_head(
    features: np.ndarray, target: np.ndarray, groups: np.ndarray, n_classes: int, seed: int
) -> Iterator[float | HeadFit]:
    """Yield the held-out loss of each strength tried, then the fit.

    Args:
        features: (n, d) float.
        target: (n,) int, class numbers from 0 to n_classes - 1.
        groups: (n,) content ids; equal ones never straddle a fold.
        n_classes: columns of the result; a class with no item gets a very low logit.
        seed: of the folds.

    Raises:
        BadInputError: fewer than two classes have items.
    """
    present = np.unique(target)
    if len(present) < 2:
        raise BadInputError(
            f"The training split holds {len(target)} images of {len(present)} class; a classifier needs images of "
            "at least two classes. Put them in folders named after their class."
        )
    rotated = _rotate(features)
    folds = list(_folds(target, groups, seed))
    held_out = np.zeros(len(target), dtype=bool)
    held_out[[row for _, held in folds for row in held]] = True
    losses: dict[float, float] = {}
    best = np.zeros((0, 0))
    for strength in STRENGTHS if folds else [PLAIN_STRENGTH]:
        probabilities = np.full((len(target), n_classes), FLOOR)
        for train, held in folds:
            model = _fit(rotated.values[train], target[train], strength)
            probabilities[np.ix_(held, model.classes_)] = model.predict_proba(rotated.values[held])
        probabilities /= probabilities.sum(1, keepdims=True)
        chosen = np.maximum(probabilities[np.arange(len(target)), target], FLOOR)
        losses[strength] = float(-np.log(chosen).mean())
        if losses[strength] == min(losses.values()):
            best = probabilities
        yield losses[strength]
        if len(losses) - 1 - list(losses).index(min(losses, key=losses.__getitem__)) >= 2:
            break
    strength = min(losses, key=losses.__getitem__)
    model = _fit(rotated.values, target, strength)
    weight = np.zeros((n_classes, features.shape[1]))
    bias = np.full(n_classes, -1e4)
    weight[model.classes_], bias[model.classes_] = _unrotate(model, rotated)
    yield HeadFit(
        weight.astype(np.float32),
        bias.astype(np.float32),
        strength,
        losses,
        best.astype(np.float32),
        held_out,
    )


def _rotate(features: np.ndarray) -> _Rotated:
    mean = features.mean(0, dtype=np.float64)
    centred = features.astype(np.float64) - mean
    scale = float(centred.std()) or 1.0
    centred /= scale
    covariance = centred @ centred.T if len(centred) < centred.shape[1] else centred.T @ centred
    values, vectors = np.linalg.eigh(covariance)
    keep = values > values[-1] * 1e-9
    keep[-1] = True  # pictures that are all alike leave one axis, of length 0
    if len(centred) < centred.shape[1]:
        axes = centred.T @ (vectors[:, keep] / np.sqrt(np.maximum(values[keep], 1e-12)))
    else:
        axes = vectors[:, keep]
    return _Rotated(centred @ axes, axes, mean, scale)


def _folds(target: np.ndarray, groups: np.ndarray, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Rows to fit on and rows held out; none where no class has two items, or all items have the same bytes."""
    n_groups = len(np.unique(groups))
    counts = np.bincount(target)
    if n_groups < 2 or counts.max() < 2:
        return
    folds = int(min(FOLDS, n_groups, max(2, counts.max())))
    unique = n_groups == len(groups)
    splitter = (StratifiedKFold if unique else StratifiedGroupKFold)(folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The least populated class")
        for train, held in splitter.split(target, target, None if unique else groups):
            if len(held) and len(np.unique(target[train])) >= 2:
                yield train, held


def _fit(values: np.ndarray, target: np.ndarray, strength: float) -> LogisticRegression:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return LogisticRegression(C=1 / strength, max_iter=300, tol=1e-3).fit(values, target)


def _unrotate(model: LogisticRegression, rotated: _Rotated) -> tuple[np.ndarray, np.ndarray]:
    coefficients, intercepts = model.coef_, model.intercept_
    if len(model.classes_) == 2:
        coefficients = np.vstack([-coefficients / 2, coefficients / 2])
        intercepts = np.array([-intercepts[0] / 2, intercepts[0] / 2])
    weight = coefficients @ rotated.axes.T / rotated.scale
    return weight, intercepts - weight @ rotated.mean
