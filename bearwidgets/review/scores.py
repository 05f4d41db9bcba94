"""How likely a given label is wrong, from probabilities alone, and why, in a sentence: plain functions on arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bearwidgets.figures import near_percent

if TYPE_CHECKING:
    from collections.abc import Sequence

FLOOR = 1e-7
TINY = 1e-30  # below any probability of float32 that matters
CLASS_SHARE = 0.25
POWERS = (0.1, 1.0)  # of the probabilities: one over the temperature
SOFTENING = 2 / 3
SAMPLE = 5000
TIMES = 3.0
"""How many times as likely as the given label another one has to be, for the given one to be called likely wrong."""
NEAREST = 5
MOST = 300
"""Items, the most suspect first, whose nearest images are looked up: more than a person looks at in one sitting,
and at 50,000 items still about a second."""


def log_loss(probabilities: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Loss (n,) in nats, at least 0: minus the log of the given label's probability, of (n, classes)."""
    return np.maximum(-np.log(np.maximum(_picked(probabilities, target), FLOOR)), 0.0)


def log_margin(probabilities: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Margin (n,) in nats: log p of the given label minus log p of the best other; below 0 where they disagree."""
    others = probabilities.copy()
    others[np.arange(len(target)), target] = 0.0
    best = np.maximum(others.max(1), FLOOR)
    return np.log(np.maximum(_picked(probabilities, target), FLOOR)) - np.log(best)


def label_issue(probabilities: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Likelihood (n,) in [0, 1] that the given label is wrong, for ranking: higher is more suspect.

    The log of the given label's probability plus the log-margin, through a logistic function; 0.5 stands for two
    labels that are as likely as each other. It is an order, not a calibrated probability. Before:

    - Probabilities that are too sure of themselves are softened two thirds of the way to the temperature that gives
      the given labels the least log-loss (Guo et al., "On calibration of modern neural networks", ICML 2017). Not all
      of it, for wrong labels of one kind make every probability look too sure.
    - Every other class is helped by the logarithm of how much oftener its items (as predicted) have the given label
      than the other way round, less a standard error: a model that cannot tell two classes apart confuses them both
      ways, wrong labels often go one way.
    - A quarter of the mean margin of the class is taken off: a class that is hard throughout would else fill the top.

    Takes probabilities (n, classes), rows that sum to 1, and class numbers (n,).
    """
    rows, n_classes = np.arange(len(target)), probabilities.shape[1]
    log = _soften(np.log(np.maximum(probabilities, TINY)), target)
    others = log + _one_way(probabilities, target)[target]
    others[rows, target] = -np.inf
    margin = log[rows, target] - others.max(1)
    counts = np.bincount(target, minlength=n_classes)
    means = np.bincount(target, weights=margin, minlength=n_classes) / np.maximum(counts, 1)
    score = np.log(2.0) + log[rows, target] + margin - CLASS_SHARE * means[target]
    return 1.0 / (1.0 + np.exp(np.clip(score, -60.0, 60.0)))


def _soften(log: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Log-probabilities (n, classes), softened; the temperature is told from a sample where there are many."""
    from scipy.optimize import minimize_scalar
    from scipy.special import log_softmax

    if not len(log):
        return log
    sample = slice(None, None, -(-len(log) // SAMPLE))
    some, given = log[sample], target[sample]

    def loss(power: float) -> float:
        return -float(log_softmax(power * some, axis=1)[np.arange(len(given)), given].mean())

    power = minimize_scalar(loss, bounds=POWERS, method="bounded", options={"xatol": 1e-2}).x ** SOFTENING
    return log_softmax(log * log.dtype.type(power), axis=1)


def _one_way(probabilities: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Log-ratio (classes given, classes predicted) of the items of one cell to those of its mirror, drawn to 0.

    It is drawn by its standard error, with half an item more in each cell (Haldane and Anscombe's correction).
    """
    n_classes = probabilities.shape[1]
    cells = target * n_classes + probabilities.argmax(1)
    counts = np.bincount(cells, minlength=n_classes**2).reshape(n_classes, n_classes) + 0.5
    ratio = np.log(counts / counts.T)
    return np.sign(ratio) * np.maximum(np.abs(ratio) - np.sqrt(1 / counts + 1 / counts.T), 0.0)


def likely_wrong(
    probabilities: np.ndarray, target: np.ndarray, issue: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Which labels are likely wrong, (n,) bool, and with which chance each is, (n,) in 0 to 1.

    A label is likely wrong where another one is `TIMES` as likely, by probabilities that are softened as in
    `label_issue`: a model that knows little hardly calls any label wrong, however often it disagrees. The chance is
    `issue` (n,), moved so that it sums to the number of labels that are likely wrong and that confident learning
    counts as wrong too (Northcutt, Jiang and Chuang, "Confident learning", 2021): another class is at least as
    probable as it is on average for the items of that class.
    """
    from scipy.optimize import brentq
    from scipy.special import expit, logit

    rows = np.arange(len(target))
    log = _soften(np.log(np.maximum(probabilities, TINY)), target)
    own = log[rows, target].copy()
    log[rows, target] = -np.inf
    likely = log.max(1, initial=-np.inf) - own >= np.log(TIMES)
    counts = np.bincount(target, minlength=probabilities.shape[1])
    usual = np.bincount(target, weights=_picked(probabilities, target), minlength=len(counts))
    usual = np.where(counts > 0, usual / np.maximum(counts, 1), np.inf)
    confident = np.where(probabilities >= usual, probabilities, 0)
    sure = (confident.max(1, initial=0) > 0) & (confident.argmax(1) != target)
    odds, number = logit(np.clip(issue, FLOOR, 1 - FLOOR)), max(0.5, float((sure & likely).sum()))
    if not len(target):
        return likely, issue
    shift = (
        brentq(lambda move: float(expit(odds + move).sum()) - number, -40, 40) if number < len(target) else 0
    )
    return likely, expit(odds + shift)


def consensus(opinions: Sequence[np.ndarray]) -> np.ndarray:
    """Mean (n, classes) float32 of several probabilities for the same items; rows that are NaN do not count."""
    return np.nanmean(opinions, axis=0).astype(np.float32)


def second_choice(probabilities: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Class number (n,) of the best label that is neither the predicted nor the given one; -1 where there is none.

    It is what a person picks where both are wrong; where model and label agree, it is the runner-up.
    """
    rows = np.arange(len(target))
    left = probabilities.copy()
    left[rows, probabilities.argmax(1)] = left[rows, target] = -1.0
    best = left.argmax(1)
    return np.where(left[rows, best] < 0, -1, best)


def _picked(probabilities: np.ndarray, target: np.ndarray) -> np.ndarray:
    return probabilities[np.arange(len(target)), target]


class Near(NamedTuple):
    """The most common label among the `NEAREST` images of some items: rows, class numbers, how many have it (m,)."""

    rows: np.ndarray
    label: np.ndarray
    count: np.ndarray


def near_labels(
    features: np.ndarray, rows: np.ndarray, target: np.ndarray, n_classes: int, expected: np.ndarray
) -> Near:
    """What the images nearest to some rows (m,) are labeled, by the cosine of the features (n, d) of all items.

    Where two labels are equally common, the expected one (n,) counts. There are no rows where there are not more than
    `NEAREST` items.
    """
    if len(features) <= NEAREST or not len(rows):
        return Near(*np.zeros((3, 0), np.int64))
    lengths = np.linalg.norm(features, axis=1)
    similarity = (features[rows] @ features.T) / np.maximum(lengths, 1e-12)
    similarity[np.arange(len(rows)), rows] = -np.inf
    nearest = np.argpartition(-similarity, NEAREST - 1, axis=1)[:, :NEAREST]
    votes = np.zeros((len(rows), n_classes))
    np.add.at(votes, (np.arange(len(rows))[:, None], target[nearest]), 1)
    votes[np.arange(len(rows)), expected[rows]] += 0.5
    label = votes.argmax(1)
    return Near(rows, label, votes[np.arange(len(rows)), label].astype(np.int64))


def reasons(
    probabilities: np.ndarray,
    target: np.ndarray,
    classes: Sequence[str],
    *,
    unseen: np.ndarray | None = None,
    near: Near | None = None,
) -> list[str]:
    """One sentence for each item, from probabilities (n, classes) and the class numbers of the labels (n,).

    `unseen` (n,) says for which items the model is known not to have been trained on them.
    """
    n = len(target)
    others = probabilities.copy()
    others[np.arange(n), target] = -1
    best = others.argmax(1)
    own, other = probabilities[np.arange(n), target], probabilities[np.arange(n), best]
    seen = np.ones(n, bool) if unseen is None else ~unseen
    rows = zip(target.tolist(), best.tolist(), own.tolist(), other.tolist(), seen.tolist(), strict=True)
    said = [_sentence(classes[label], classes[rival], p, q, seen=each) for label, rival, p, q, each in rows]
    if near is not None:
        for row, label, count in zip(*(each.tolist() for each in near), strict=True):
            are = "is" if count == 1 else "are"
            said[row] += f". {count} of its {NEAREST} nearest images {are} labeled {classes[label]}"
    return said


def _sentence(label: str, rival: str, own: float, other: float, *, seen: bool) -> str:
    model = "The model" if seen else "The model, which never trained on this image,"
    if own < other:
        return f"Labeled {label}. {model} says {rival} ({near_percent(other)})"
    return (
        f"Labeled {label}. {model} agrees ({near_percent(own)}); next comes {rival} ({near_percent(other)})"
    )
