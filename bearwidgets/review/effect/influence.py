"""What each decision does to the exam: one Newton step of the linear head without it, for thousands at once.

A head fitted to convergence has a gradient of zero. So leaving one decision out moves its weights by minus the
inverse Hessian of the problem without it times the gradient that the decision's item adds (Koh and Liang,
"Understanding black-box predictions via influence functions", ICML 2017; with the Hessian of the left-out problem as
in Cook and Weisberg, "Residuals and influence in regression", 1982). The loss is that of `fit_softmax`: the sum of
the log-losses, corrected by the transition where there is one, plus strength / 2 · |weight|². Strength, transition
and the scale of the features stay as they are.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import softmax

from bearwidgets.learn.head.linear_head import rotate
from bearwidgets.review.effect.newton import Curvature, at_minimum, probabilities, slope_of

ABSENT = -1  # the class number of an item that is left out
CHUNK = 64  # decisions whose effect on every image of the exam is held at once
MOST = 2000  # decisions, the most harmful, whose effect is told image by image
ROUNDS = 8  # of Newton's method on the logits of one item
SHARES = (1.0, 0.3, 0.1)  # of a step that are tried
HALF = 0.5  # of the largest rise: from there on an image counts among those that get worse most


class Items(NamedTuple):
    """Features (n, d) float32 and class numbers (n,) of some items."""

    features: np.ndarray
    target: np.ndarray


class Changes(NamedTuple):
    """Decided items: features (m, d), and class numbers (m,) with the decision and without it; `ABSENT` is left out.

    A relabel has two classes; a delete is `ABSENT` with the decision. Where both are equal nothing changes.
    """

    features: np.ndarray
    now: np.ndarray
    before: np.ndarray


class Influence(NamedTuple):
    """What each of m decisions changes on the exam; negative numbers are for the better.

    Attributes:
        loss: (m,) of the mean log-loss, nats.
        mistakes: (m,) of the expected number of mistakes.
        error: (m,) standard error of `loss` over the images of the exam; NaN where no image was looked at, for the
            loss does not rise or there are `MOST` that do more harm.
        worst: (m, n_exam) bool, whose own loss rises most: by half of the largest rise or more.
    """

    loss: np.ndarray
    mistakes: np.ndarray
    error: np.ndarray
    worst: np.ndarray


def influence(
    train: Items, exam: Items, changes: Changes, strength: float, transition: np.ndarray
) -> Influence:
    """The effect of each decision on the exam, by leaving it out of the training set in which it is taken.

    Args:
        train: the items that the head is fitted to, with the labels that were decided; of two classes at least.
        exam: the images that are judged, with the labels that count.
        changes: the decisions, of items that are in `train` unless they are `ABSENT` now.
        strength: the L2 penalty, as in `HeadFit`.
        transition: (classes, classes), as in `HeadFit`; the unit matrix corrects nothing.

    Example:
        >>> random = np.random.default_rng(0)
        >>> x, y = random.normal(size=(60, 4)).astype("float32"), np.arange(60) % 2
        >>> x[:, 0] += 3 * y
        >>> train = Items(x[:40], np.r_[1 - y[:1], y[1:40]])  # the first was relabeled, wrongly
        >>> found = influence(train, Items(x[40:], y[40:]), Changes(x[:1], 1 - y[:1], y[:1]), 1.0, np.eye(2))
        >>> bool(found.loss[0] > 0)
        True
    """
    turned = rotate(train.features)

    def turn(features: np.ndarray) -> np.ndarray:
        values = ((features - turned.mean) / turned.scale) @ turned.axes
        return np.hstack([values, np.ones((len(values), 1))]).astype(np.float32)

    chances = None if np.array_equal(transition, np.eye(len(transition))) else transition
    curvature = at_minimum(turned.values, train.target, len(transition), strength, chances)
    judged, decided = turn(exam.features), turn(changes.features)
    p = probabilities(judged, curvature.weight)
    slope = p - np.eye(len(transition))[exam.target]  # of each log-loss in the logits
    own = p[np.arange(len(p)), exam.target, None]
    loss_direction, mistake_direction = (
        curvature.solve(judged.T @ each.astype(np.float32)) for each in (slope / len(p), own * slope)
    )
    push = _push(decided, changes, curvature, chances)
    loss = ((decided @ loss_direction) * push).sum(1)
    error, worst = _by_image(judged, slope, decided, push, curvature, loss)
    return Influence(loss, ((decided @ mistake_direction) * push).sum(1), error, worst)


def _push(
    decided: np.ndarray, changes: Changes, curvature: Curvature, transition: np.ndarray | None
) -> np.ndarray:
    """(m, classes): minus what is added to the gradient of the logits of each item without its decision.

    The weights move by H⁻¹ K v, with K the features of the item for each class, and its own logits by Kᵀ H⁻¹ K v. So
    v is where the gradient at the moved logits is v. Its first Newton step is (1 + D Kᵀ H⁻¹ K)⁻¹ g: that of the
    left-out problem, whose Hessian is changed by a block D. The loss of the item itself is followed further, for with
    a transition it is far from quadratic; that of all others stays quadratic.
    """
    logits = (decided @ curvature.weight.astype(np.float32)).astype(np.float64)
    unit = np.eye(logits.shape[1])
    leverage = np.concatenate(
        [curvature.leverage(decided[at : at + CHUNK]) for at in range(0, len(decided), CHUNK)]
        or [np.zeros((0, *unit.shape))]
    )

    def left(push: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        moved = logits - (leverage @ push[..., None])[..., 0]
        p = softmax(moved, axis=1)
        without, with_it = (_slope_and_block(p, each, transition) for each in (changes.before, changes.now))
        return push - (without[0] - with_it[0]), without[1] - with_it[1]

    push = np.zeros(logits.shape)
    for _ in range(ROUNDS):
        rest, block = left(push)
        step = np.linalg.solve(unit + block @ leverage, rest[..., None])[..., 0]
        tried = np.stack([push, *(np.clip(push - share * step, -1, 1) for share in SHARES)])
        size = np.stack([np.abs(left(each)[0]).sum(1) for each in tried])
        push = np.take_along_axis(tried, size.argmin(0)[None, :, None], axis=0)[0]
    return push


def _slope_and_block(
    p: np.ndarray, target: np.ndarray, transition: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Gradient (m, classes) and Hessian (m, classes, classes) of each loss in the logits; 0 for what is left out."""
    there = target != ABSENT
    slope, known = slope_of(p, np.where(there, target, 0), transition)
    block = _spread(p) - (0 if known is None else _spread(known))
    return slope * there[:, None], block * there[:, None, None]


def _spread(p: np.ndarray) -> np.ndarray:
    return p[:, :, None] * np.eye(p.shape[1]) - p[:, :, None] * p[:, None, :]


def _by_image(
    judged: np.ndarray,
    slope: np.ndarray,
    decided: np.ndarray,
    push: np.ndarray,
    curvature: Curvature,
    loss: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """The standard error of each mean change, and whose loss rises most, for the decisions that harm."""
    error, worst = np.full(len(loss), np.nan), np.zeros((len(loss), len(judged)), dtype=bool)
    rows = np.argsort(-loss, kind="stable")[:MOST]
    rows = rows[loss[rows] > 0]
    for at in range(0, len(rows), CHUNK):
        some = rows[at : at + CHUNK]
        steps = curvature.near_solve(decided[some, :, None] * push[some, None, :].astype(np.float32))
        logits = judged @ steps.transpose(1, 0, 2).reshape(steps.shape[1], -1)
        change = (logits.reshape(len(judged), len(some), -1) * slope[:, None]).sum(2).T
        error[some] = change.std(1, ddof=1) / np.sqrt(len(judged)) if len(judged) > 1 else np.inf
        largest = change.max(1, keepdims=True)
        worst[some] = (change >= HALF * largest) & (largest > 0)
    return error, worst
