"""The head of the quick mode: a linear classifier fitted to convergence, its L2 strength chosen by held-out loss.

On a few hundred photos the strength decides more than anything else about the head, both for its error and for how
well its doubts point at wrong labels; so it is chosen by cross-validation inside the training split, never on the
evaluation split. The folds leave out-of-fold probabilities behind, and these an estimate of which classes are
labeled as which others. All is then fitted again with that in the loss, so that wrong labels are not learned.
"""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bearwidgets.data.parallel import in_threads
from bearwidgets.errors import BadInputError
from bearwidgets.learn.head.softmax import Softmax, estimate_transition, fit_softmax

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

STRENGTHS = (1e4, 3e3, 1e3, 300.0, 100.0, 30.0, 10.0, 3.0, 1.0)
PLAIN_STRENGTH = 100.0  # where there is too little to choose by
FOLDS = 5
CORRECTIONS = 2  # rounds of estimating which labels are wrong, and fitting again
FLOOR = 1e-7
_LARGE = 500_000  # values from which folds are fitted side by side; before that threads wait for Python


class FoldHeads(NamedTuple):
    """The heads of the folds, from which those of slightly other labels are soon found (see `warm_heads`).

    Of features (n, d), r principal axes of them, and the classes that have items.
    """

    number: np.ndarray  # (n,) int64: the fold that holds an item out, -1 where none does
    present: np.ndarray  # (classes present,) numbers of these classes
    weight: np.ndarray  # (folds, r, classes present), for features on their axes
    bias: np.ndarray  # (folds, classes present)
    axes: np.ndarray  # (d, r) float32
    mean: np.ndarray  # (d,)
    scale: float


@dataclass(frozen=True)
class HeadFit:
    """A fitted linear head; arrays are float32.

    The strength is the L2 penalty that won: loss = sum of log-losses + strength / 2 · |weight|², features centered
    and divided by their overall standard deviation. The transition (classes, classes) is how likely an item of the
    class of a row is thought to be given the label of a column; the loss is corrected by it (see `fit_softmax`), and
    probabilities are of right labels.

    Of two heads whose mean is taken (`mean_fit`), `weight` has the features of both, `bias` is (2, classes),
    `strength` is that of the first, and all else is the mean.
    """

    weight: np.ndarray  # (classes, features), for raw features
    bias: np.ndarray  # (classes,)
    strength: float
    held_out_loss: dict[
        float, float
    ]  # mean log-loss on held-out folds for each strength tried, not corrected
    transition: np.ndarray
    out_of_fold: np.ndarray  # (n, classes), for each training item from heads that did not see it
    held: np.ndarray  # (n,) bool, for which items there is such a head; in tiny sets there may be none
    folds: FoldHeads | None = None  # None in tiny sets, and of the mean of two heads


@dataclass(frozen=True)
class Rotated:
    """Features centered, scaled and turned onto their principal axes: the same distances, fewer columns."""

    values: np.ndarray
    axes: np.ndarray
    mean: np.ndarray
    scale: float


def fit_head(
    features: np.ndarray, target: np.ndarray, groups: np.ndarray, n_classes: int, seed: int
) -> Iterator[float | HeadFit]:
    """Yield the held-out loss of each strength tried, then the fit.

    Takes features (n, d), class numbers (n,) from 0 to n_classes - 1, and content ids (n,), of which equal ones never
    straddle a fold. A class with no item gets a very low logit; fewer than two classes with items are an error.
    """
    present = np.unique(target)
    if len(present) < 2:
        raise BadInputError(
            f"The training split holds {len(target)} images of {len(present)} class; a classifier needs images of "
            "at least two classes. Put them in folders named after their class."
        )
    rotated = rotate(features)
    data = _Data(rotated.values, np.searchsorted(present, target), len(present))
    folds = list(_folds(target, groups, seed))
    held_out = np.zeros(len(target), dtype=bool)
    held_out[[row for _, held in folds for row in held]] = True
    losses: dict[float, float] = {}
    best = _Fold(np.full((len(target), len(present)), 1 / len(present)), [None] * len(folds))
    fold = best
    for strength in STRENGTHS if folds else [PLAIN_STRENGTH]:
        fold = _out_of_fold(data, folds, strength, fold)
        chosen = np.maximum(fold.probabilities[np.arange(len(target)), data.target], FLOOR)
        losses[strength] = float(-np.log(chosen).mean())
        if losses[strength] == min(losses.values()):
            best = fold
        yield losses[strength]
        if len(losses) - 1 - list(losses).index(min(losses, key=losses.__getitem__)) >= 2:
            break
    strength = min(losses, key=losses.__getitem__)
    transition = np.eye(len(present))
    for _ in range(CORRECTIONS if folds else 0):
        transition = estimate_transition(best.probabilities[held_out], data.target[held_out])
        best = _out_of_fold(data, folds, strength, best, transition)
    model = fit_softmax(data.values, data.target, data.n_classes, strength, transition=transition)
    # in terms of raw features and of all classes, those without items included
    weight, bias = np.zeros((n_classes, len(rotated.mean))), np.full(n_classes, -1e4)
    weight[present] = (rotated.axes @ model.weight).T / rotated.scale
    bias[present] = model.bias - weight[present] @ rotated.mean
    out_of_fold = np.full((len(target), n_classes), FLOOR)
    out_of_fold[:, present] = best.probabilities
    out_of_fold /= out_of_fold.sum(1, keepdims=True)
    wide = np.eye(n_classes)
    wide[np.ix_(present, present)] = transition
    single = [each.astype(np.float32) for each in (weight, bias, wide, out_of_fold)]
    kept = _kept(best, folds, present, rotated)
    yield HeadFit(single[0], single[1], strength, losses, single[2], single[3], held_out, kept)


def fitted_head(
    features: np.ndarray, target: np.ndarray, groups: np.ndarray, n_classes: int, seed: int
) -> HeadFit:
    """The fit that `fit_head` comes to, with the same arguments."""
    steps = fit_head(features, target, groups, n_classes, seed)
    return next(each for each in steps if isinstance(each, HeadFit))


def _kept(
    best: _Fold, folds: list[tuple[np.ndarray, np.ndarray]], present: np.ndarray, rotated: Rotated
) -> FoldHeads | None:
    models = [each for each in best.models if each is not None]
    if not folds or len(models) < len(folds):
        return None
    number = np.full(len(best.probabilities), -1)
    for fold, (_, held) in enumerate(folds):
        number[held] = fold
    weights, biases = (np.stack(each).astype(np.float32) for each in zip(*models, strict=True))
    return FoldHeads(
        number, present, weights, biases, rotated.axes.astype(np.float32), rotated.mean, rotated.scale
    )


def mean_fit(fits: Sequence[HeadFit]) -> HeadFit:
    """The fits of heads on the same items as one, whose probabilities are the mean; a single fit as it is."""
    if len(fits) == 1:
        return fits[0]
    first = fits[0]
    tried = [each for each in first.held_out_loss if all(each in fit.held_out_loss for fit in fits)]
    return replace(
        first,
        weight=np.hstack([fit.weight for fit in fits]),
        bias=np.stack([fit.bias for fit in fits]),
        held_out_loss={each: float(np.mean([fit.held_out_loss[each] for fit in fits])) for each in tried},
        transition=np.mean([fit.transition for fit in fits], axis=0),
        out_of_fold=np.mean([fit.out_of_fold for fit in fits], axis=0),
        folds=None,
    )


class _Data(NamedTuple):
    values: np.ndarray  # (n, d) float32
    target: np.ndarray  # (n,) numbers among the classes that are present
    n_classes: int


class _Fold(NamedTuple):
    probabilities: np.ndarray  # (n, classes) of each item from the model that did not see it
    models: Sequence[Softmax | None]  # of each fold, to start the next fit from


def _out_of_fold(
    data: _Data,
    folds: list[tuple[np.ndarray, np.ndarray]],
    strength: float,
    before: _Fold,
    transition: np.ndarray | None = None,
) -> _Fold:
    def fit(train: np.ndarray, start: Softmax | None) -> Softmax:
        values, target = data.values[train], data.target[train]
        return fit_softmax(values, target, data.n_classes, strength, transition=transition, start=start)

    threads = min(len(folds), os.cpu_count() or 1) if data.values.size >= _LARGE else 1
    starts = zip((train for train, _ in folds), before.models, strict=False)
    models = list(in_threads(lambda each: fit(*each), starts, threads=max(threads, 1)))
    probabilities = np.full((len(data.target), data.n_classes), FLOOR)
    for (train, held), model in zip(folds, models, strict=True):
        seen = np.unique(data.target[train])
        probabilities[np.ix_(held, seen)] = model.probabilities(data.values[held])[:, seen]
    return _Fold(probabilities / probabilities.sum(1, keepdims=True), models)


def rotate(features: np.ndarray) -> Rotated:
    """Features (n, d) of some items, centered, scaled and turned; the longest axes come last."""
    mean = features.mean(0, dtype=np.float64)
    centered = features.astype(np.float64) - mean
    scale = float(centered.std()) or 1.0
    centered /= scale
    covariance = centered @ centered.T if len(centered) < centered.shape[1] else centered.T @ centered
    values, vectors = np.linalg.eigh(covariance)
    keep = values > values[-1] * 1e-9
    keep[-1] = True  # images that are all alike leave one axis, of length 0
    if len(centered) < centered.shape[1]:
        axes = centered.T @ (vectors[:, keep] / np.sqrt(np.maximum(values[keep], 1e-12)))
    else:
        axes = vectors[:, keep]
    return Rotated((centered @ axes).astype(np.float32), axes, mean, scale)


def _folds(target: np.ndarray, groups: np.ndarray, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Rows to fit on and rows held out; none where no class has two items, or all items have the same bytes."""
    n_groups = len(np.unique(groups))
    counts = np.bincount(target)
    if n_groups < 2 or counts.max() < 2:
        return
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    folds = int(min(FOLDS, n_groups, max(2, counts.max())))
    unique = n_groups == len(groups)
    splitter = (StratifiedKFold if unique else StratifiedGroupKFold)(folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The least populated class")
        for train, held in splitter.split(target, target, None if unique else groups):
            if len(held) and len(np.unique(target[train])) >= 2:
                yield train, held
