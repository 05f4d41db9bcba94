"""What a training leaves behind for a diagnosis, and what a diagnosis finds in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from bearwidgets.data.exam import judged_labels

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bearwidgets.learn.predict import Predicts


class Score(NamedTuple):
    """How many of `n` images are wrong."""

    wrong: int
    n: int

    @property
    def error(self) -> float:
        """Error rate, 0 to 1."""
        return self.wrong / self.n


@dataclass(frozen=True)
class TrainingEvidence:
    """All that a diagnosis rests on."""

    history: pd.DataFrame  # as `Learner.history`
    steps: pd.DataFrame  # as `Learner.steps`; empty in the quick mode
    train_counts: Mapping[str, int]  # training images by class, a class without any too
    valid_counts: Mapping[str, int]  # evaluation images by class; a class without any may be absent
    valid_right: Mapping[str, int]  # those of them that are predicted right, by class
    valid_predicted: Mapping[str, int]  # evaluation images by predicted class
    mode: str  # "quick" or "full"
    held_out_loss: Mapping[float, float] = field(default_factory=dict)  # of the quick mode, by L2 strength
    in_sample: Score | None = None  # of training images, by the head fitted on them, where that costs little
    out_of_fold: Score | None = None  # of training images, by heads that did not see them

    @property
    def valid(self) -> Score:
        """On the evaluation split, now."""
        n = sum(self.valid_counts.values())
        return Score(n - sum(self.valid_right.values()), n)

    @property
    def trained(self) -> pd.DataFrame:
        """The rows of history whose epochs consist of training steps."""
        return self.history[self.history.stage.isin(self.steps.stage.unique())]

    @property
    def blind(self) -> float:
        """Loss of blind guessing: entropy of the training images' classes, nats; 0 where there is one class."""
        shares = np.array([each for each in self.train_counts.values() if each], float)
        shares /= shares.sum() or 1.0
        return float(-(shares * np.log(shares)).sum())


@dataclass(frozen=True)
class Finding:
    """One thing that a training shows.

    Attributes:
        code: a short name for programs, such as "over_fit".
        sentence: what is seen, with its numbers.
        figure: these numbers by name; rates as shares, 0 to 1.
        advice: what may be done about it.

    Example:
        >>> print(Finding("chance_level", "31 of 100 are right.", {"right": 31, "n": 100}, "Train longer."))
        31 of 100 are right. Train longer.
    """

    code: str
    sentence: str
    figure: Mapping[str, Any]
    advice: str

    def __str__(self) -> str:
        return f"{self.sentence} {self.advice}"


def evidence_of(learn: Predicts) -> TrainingEvidence:
    """Collect what a trained learner shows; at most the features of the evaluation split are computed for it.

    The labels of the evaluation split are those of the frozen exam, as in `Learner.evaluate`.
    """
    table = learn.data().table
    labels, predicted = _judged(learn, "valid")
    in_sample = out_of_fold = None
    if learn.head_fit is not None:  # all features are there
        truth, said = _judged(learn, "train")
        in_sample = Score(int((truth != said).sum()), len(truth))
        out_of_fold = _out_of_fold(learn)
    return TrainingEvidence(
        history=learn.history,
        steps=learn.steps,
        train_counts=_counts(table.label[table.split == "train"], learn.classes),
        valid_counts=_counts(labels, learn.classes),
        valid_right=_counts(labels[labels == predicted], learn.classes),
        valid_predicted=_counts(predicted, learn.classes),
        mode=learn.mode or "",
        held_out_loss=learn.head_fit.held_out_loss if learn.head_fit is not None else {},
        in_sample=in_sample,
        out_of_fold=out_of_fold,
    )


def numbers(table: pd.DataFrame, column: str) -> np.ndarray:
    """A column as float, (n,); NaN where there is no number."""
    return pd.to_numeric(table[column], errors="coerce").to_numpy(float)


def _judged(learn: Predicts, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Labels and predicted labels, (n,) each, of one split."""
    ds = learn.data()
    if not (ds.table.split == split).any():
        return np.array([], object), np.array([], object)
    table, probabilities = learn.predictions(split=split)
    return judged_labels(table, ds.exam).to_numpy(object), np.array(learn.classes, object)[
        probabilities.argmax(1)
    ]


def _out_of_fold(learn: Predicts) -> Score | None:
    found = learn.out_of_fold()
    if found is None or not found[0]:
        return None
    ids, probabilities = found
    labels = learn.data().table.set_index("id").label.reindex(ids).to_numpy(object)
    said = np.array(learn.classes, object)[probabilities.argmax(1)]
    return Score(int((labels != said).sum()), len(ids))


def _counts(labels: Any, classes: list[str]) -> dict[str, int]:
    """How often each class, and each label that is no class of the learner, occurs."""
    counts = pd.Series(labels, dtype=object).value_counts()
    return {name: int(counts.get(name, 0)) for name in [*classes, *counts.index.difference(classes)]}
