"""Why a label looks wrong or right, in one sentence for each item, with the figures it rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

NEAREST = 5
MOST = 300
"""Items, the most suspect first, whose nearest images are looked up: more than a person looks at in one sitting,
and at 50,000 items still about a second."""


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
        return f"Labeled {label}. {model} says {rival} ({_chance(other)})"
    return f"Labeled {label}. {model} agrees ({_chance(own)}); next comes {rival} ({_chance(other)})"


def _chance(probability: float) -> str:
    if probability < 0.005:
        return "under 1 %"
    return "over 99 %" if probability > 0.995 else percent(probability)


def percent(share: float) -> str:
    """A share as a person reads it: 0.634 is 63 %."""
    return f"{100 * share:.0f} %"
