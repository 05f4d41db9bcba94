"""Two sets of labels of the same images, each learned on the same folds: what the heads say of images held out."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bearwidgets.learn.folds.folds import assign_folds
from bearwidgets.learn.head.linear_head import fitted_head, rotate
from bearwidgets.learn.head.softmax import Softmax, fit_softmax
from bearwidgets.learn.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

FOLDS = 5
MOST_JUDGED = 6000  # images times repetitions
REPEATS = (2, 10)  # at least, at most
LEFT_OUT = -1
STAGE = "measuring"


class Choice(NamedTuple):
    """How a head is fitted, see `fit_softmax`."""

    strength: float
    transition: np.ndarray  # (classes, classes)


class CrossFit(NamedTuple):
    """Class numbers (repeats, n) said of images held out, by heads that learned one set of labels or the other."""

    before: np.ndarray
    after: np.ndarray


def cross_fit(
    features: np.ndarray,
    before: np.ndarray,
    after: np.ndarray,
    content: Sequence[str],
    *,
    groups: Sequence[object] | None = None,
    choices: Sequence[Choice | None] = (None, None),
    seed: int = 0,
) -> Generator[Progress, None, CrossFit]:
    """Repeated stratified cross-validation of the linear head under two sets of labels.

    Each image is judged by heads that saw neither it nor a copy of it. Both sets of labels are learned on the same
    folds, so what differs is the labels alone. Strength and correction for wrong labels are the same in all folds:
    that is the only thing by which a held-out image has a say in the head that judges it.

    Args:
        features: (n, d).
        before: (n,) class numbers, -1 where the image is left out.
        after: (n,) the same.
        content: (n,) equal where two images have the same bytes; such images lie in one fold.
        groups: (n,) equal where images belong together; None stands alone.
        choices: strength and correction for each set of labels; chosen on all of its images where None.
        seed: of the folds.

    Yields:
        Progress, a step a fold.
    """
    n, classes = len(features), int(max(before.max(), after.max())) + 1
    sets = [before] if (before == after).all() else [before, after]
    repeats = int(np.clip(MOST_JUDGED // max(n, 1), *REPEATS))
    total, step = len(sets) * FOLDS * repeats, 0
    yield Progress(STAGE, 0, total)
    chosen = [
        given or _choose(features, labels, np.asarray(content), classes, seed)
        for labels, given in zip(sets, choices, strict=False)
    ]
    values = rotate(features).values
    said = np.zeros((len(sets), repeats, n), dtype=np.int64)
    names = [str(each) for each in before]
    for repeat in range(repeats):
        fold = assign_folds(content, names, FOLDS, groups=groups, seed=seed * 1000 + repeat)
        for number in range(FOLDS):
            held = fold == number
            for which, labels in enumerate(sets):
                train = ~held & (labels != LEFT_OUT)
                strength, transition = chosen[which]
                model = fit_softmax(values[train], labels[train], classes, strength, transition=transition)
                said[which, repeat, held] = _told(model, values[held], np.unique(labels[train]))
                step += 1
                yield Progress(STAGE, step, total)
    return CrossFit(said[0], said[-1])


def _choose(features: np.ndarray, labels: np.ndarray, content: np.ndarray, classes: int, seed: int) -> Choice:
    used = labels != LEFT_OUT
    fit = fitted_head(features[used], labels[used], content[used], classes, seed)
    return Choice(fit.strength, fit.transition.astype(np.float64))


def _told(model: Softmax, values: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """The most probable class among those that the head has seen."""
    return seen[model.probabilities(values)[:, seen].argmax(1)]
