"""A review: one table with a row for each item that says how suspect its label is."""

from __future__ import annotations

import contextlib
from copy import copy
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bearwidgets.data.dataset import check_dataset
from bearwidgets.data.split import check_split
from bearwidgets.errors import BadInputError, check_whole, unknown_name
from bearwidgets.figures import percent
from bearwidgets.review import scores
from bearwidgets.review.given import chance_note, class_names, given_rows, item_frame
from bearwidgets.review.inspect.counts import confusion_counts, most_confused
from bearwidgets.review.scores import MOST, near_labels, reasons

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bearwidgets.data.dataset import Dataset
    from bearwidgets.learn.folds.cross_validation import CrossValidation
    from bearwidgets.learn.predict import Predicts
    from bearwidgets.review.fastai import FastaiPredictor


class Review:
    """Every item of every split with its loss, its margin and how likely its label is wrong.

    Probabilities are free of augmentation. Where the learner has out-of-fold probabilities (quick mode), a training
    item is judged by a head that never trained on it. A network that was trained throughout may know its training
    items by heart; the mean is taken of its opinion, of what it said of them while it trained and, where there are no
    folds, of what heads that never trained on them said before. `out_of_fold` and `over_epochs` say which.

    Args:
        learn: a trained `Learner`, or a fastai `Learner`.
        ds: other items than the learner's own, such as all of them after some were left out of training.

    Attributes:
        table: DataFrame by id: path, label, split, predicted, confidence (of the predicted class, 0 to 1), loss
            (nats), margin (nats; negative where label and prediction disagree), label_issue (0 to 1, higher is
            more suspect), suggested (the label the model would give), second (the best other one if that is wrong
            too, "" where there is no third class), why (one sentence with the figures).
        probabilities: (n, classes) float32, in the order of `table`.
        classes: names of the columns of `probabilities`.
        out_of_fold: whether training items were judged by models that never trained on them; None where that is
            not known, as for given probabilities.
        over_epochs: whether what the model said of them during the training counts as well.
        notes: sentences on what deserves a look, such as given predictions that agree with the labels as by chance.
        ds: the data set, or None for `from_predictions` of a table.
        learn: the learner, or None.

    Raises:
        BadInputError: the learner is not trained, or not a learner at all.

    Example:
        >>> review = bw.Review(learn)
        >>> list(review.suspects(5)[["path", "label", "suggested"]].columns)
        ['path', 'label', 'suggested']
    """

    def __init__(self, learn: Any, ds: Dataset | None = None) -> None:
        predictor = _predictor(learn)
        table, probabilities = predictor.predictions(ds)
        numbers = pd.Index(table.id)
        unseen = np.zeros(len(table), dtype=bool)
        self._model, self.over_epochs = predictor.provenance, False
        held_out = predictor.out_of_fold()
        self.out_of_fold: bool | None = held_out is not None
        if held_out is not None:
            rows = numbers.get_indexer(pd.Index(held_out[0]))
            probabilities[rows[rows >= 0]] = held_out[1][rows >= 0]
            unseen[rows[rows >= 0]] = True
        if (dynamics := predictor.training_dynamics()) is not None:
            rows = numbers.get_indexer(pd.Index(dynamics[0]))
            earlier = [each[rows >= 0] for each in dynamics[1]]
            rows = rows[rows >= 0]
            probabilities[rows] = scores.consensus([probabilities[rows], *earlier])
            unseen[rows] = False
            self.over_epochs = bool(len(rows))
        self.notes: list[str] = []
        self.ds: Dataset | None = ds or predictor.ds
        self.learn = learn
        self._set_up(table.set_index("id"), probabilities, predictor.classes, unseen)

    @classmethod
    def from_predictions(
        cls,
        table: pd.DataFrame | Dataset,
        probabilities: np.ndarray | pd.DataFrame,
        classes: Sequence[object],
        *,
        provenance: str = "given",
        made_by: str | None = None,
    ) -> Review:
        """A review of probabilities that another model made.

        Args:
            table: a data set, or a DataFrame with `label`, and where there are such columns `id`, `path` and
                `split`. Without a data set there are no images, so no `Cleaner`.
            probabilities: (n, classes), rows that sum to 1; an array, a tensor, or a DataFrame. The rows of an array
                are in the order of the table (of `Dataset.table`, which is sorted by path). Those of a DataFrame with
                ids or paths as its index are put in that order; names that do not fit are refused.
            classes: names of the columns of `probabilities`, in their order; numbers become text.
            provenance: how they were made, in words.
            made_by: the former name of `provenance`, which still works.

        Raises:
            BadInputError: shapes, labels or probabilities that do not fit together.

        Example:
            >>> table = pd.DataFrame({"label": ["black", "teddy"]})
            >>> p = np.array([[0.9, 0.1], [0.8, 0.2]])
            >>> bw.Review.from_predictions(table, p, ["black", "teddy"]).table.why.tolist()[1]
            'Labeled teddy. The model says black (80 %)'
        """
        ds = None if isinstance(table, pd.DataFrame) else check_dataset(table, "table")
        table = table if isinstance(table, pd.DataFrame) else table.table
        names, frame = class_names(classes), item_frame(table)
        rows = given_rows(probabilities, table if ds is None else ds, frame, names)
        review = cls.__new__(cls)
        review._model, review.out_of_fold, review.over_epochs = made_by or provenance, None, False  # noqa: SLF001
        review.ds, review.learn = ds, None
        review._set_up(frame.set_index("id"), rows, names, np.zeros(len(frame), dtype=bool))  # noqa: SLF001
        review.notes = chance_note(review.table.predicted, review.table.label)
        return review

    def rebind(self, ds: Dataset) -> Review:
        """The same probabilities for the items of another data set, known by their content.

        Items without probabilities, or with a label that is no class here, are not in it.
        """
        contents = self.table.index
        if self.ds is not None:
            contents = pd.Index(self.ds.table.set_index("id").content.reindex(contents))
        known = pd.Series(np.arange(len(contents)), index=contents)
        rows = ds.table.content.map(known[~known.index.duplicated()])
        good = rows.notna() & ds.table.label.isin(self.classes)
        numbers = rows[good].to_numpy(dtype=np.int64)
        review = copy(self)
        review.ds = ds
        review._set_up(  # noqa: SLF001 - its own class
            ds.table[good].set_index("id"), self.probabilities[numbers], self.classes, self._unseen[numbers]
        )
        return review

    @property
    def provenance(self) -> str:
        """How the probabilities were made, in words."""
        if self.out_of_fold is None:
            return self._model
        judged = "out of fold" if self.out_of_fold else "in sample"
        epochs = " and over the epochs" if self.over_epochs else ""
        return f"{self._model}; training items judged {judged}{epochs}"

    @property
    def in_short(self) -> str:
        """What made the probabilities, and how often it is wrong on the evaluation split, if there is one.

        Example:
            >>> review.in_short.startswith("Quick model · ")
            True
        """
        name = f"{getattr(self.learn, 'mode', '')} model".strip().capitalize()
        held_out = self.table[self.table.split == "valid"]
        wrong = (held_out.predicted != held_out.label).mean()
        return f"{name} · {percent(wrong, 1)} error" if len(held_out) else name

    @property
    def labels(self) -> str:
        """Which labels count, in words: those on disk, or those that were decided when the model was trained."""
        if self.ds is None:
            return "labels as given"
        same = (self.table.label == self.labels_on_disk).all()
        return "labels as on disk" if same else "labels as decided before the training"

    @property
    def labels_on_disk(self) -> pd.Series:
        """The label of each item on disk, in the order of `table`; the given ones where there is no data set."""
        if self.ds is None:
            return self.table.label
        on_disk = self.ds.on_disk.table.set_index("id").label.reindex(self.table.index)
        return on_disk.where(on_disk.notna(), self.table.label)

    def likely_wrong(self) -> tuple[np.ndarray, np.ndarray]:
        """Which labels are likely wrong (n,) bool, and with which chance each is (n,); see `scores.likely_wrong`."""
        if self._likely_wrong is None:
            target = pd.Index(self.classes).get_indexer(pd.Index(self.table.label))
            issue = self.table.label_issue.to_numpy(dtype=np.float64)
            self._likely_wrong = scores.likely_wrong(self.probabilities, target, issue)
        return self._likely_wrong

    @property
    def made_by(self) -> str:
        """The former name of `provenance`, which still works."""
        return self.provenance

    def _set_up(
        self, table: pd.DataFrame, probabilities: np.ndarray, classes: list[str], unseen: np.ndarray
    ) -> None:
        """Make the table; `unseen` (n,) says which items the model never trained on."""
        _check(table, probabilities, classes)
        target = pd.Index(classes).get_indexer(pd.Index(table.label))
        if (target < 0).any():
            raise BadInputError(
                unknown_name("class", table.label[target < 0].iloc[0], classes, "in this review")
            )
        best = probabilities.argmax(1)
        issue = scores.label_issue(probabilities, target)
        names = np.array([*classes, ""], dtype=object)
        near = None
        if "content" in table and (features := _features_of(self.learn, table.content)) is not None:
            suspects = np.argsort(-issue, kind="stable")[:MOST]
            near = near_labels(features, suspects, target, len(classes), best)
        self.probabilities, self.classes, self._unseen = probabilities, classes, unseen
        self._likely_wrong: tuple[np.ndarray, np.ndarray] | None = None
        self.table = table[["path", "label", "split"]].assign(
            predicted=names[best],
            confidence=probabilities[np.arange(len(best)), best].astype(np.float64),
            loss=scores.log_loss(probabilities, target).astype(np.float64),
            margin=scores.log_margin(probabilities, target).astype(np.float64),
            label_issue=issue,
            suggested=names[best],
            second=names[scores.second_choice(probabilities, target)],
            why=reasons(probabilities, target, classes, unseen=unseen, near=near),
        )

    def __repr__(self) -> str:
        notes = "".join(f"\n  note: {note}" for note in self.notes)
        return f"Review({len(self.table)} items, {len(self.classes)} classes, {self.provenance}){notes}"

    def suspects(self, n: int = 20, split: str | None = None) -> pd.DataFrame:
        """The `n` items whose label is most likely wrong, the most suspect first."""
        return self._first(n, split, "label_issue")

    def top_losses(self, n: int = 9, split: str | None = None) -> pd.DataFrame:
        """The `n` items with the highest loss, the highest first."""
        return self._first(n, split, "loss")

    def _first(self, n: int, split: str | None, column: str) -> pd.DataFrame:
        check_whole("n", n, 0, kind=Integral)
        return self._in_split(split).sort_values(column, ascending=False, kind="stable").head(n)

    def confusion_matrix(self, split: str | None = "valid") -> pd.DataFrame:
        """Counts (classes, classes): rows are the labels, columns the predicted ones.

        Args:
            split: "train", "valid" or "test"; None for all items.

        Raises:
            BadInputError: no such split.
        """
        table = self._in_split(split)
        return confusion_counts(table.label, table.predicted, self.classes)

    def most_confused(self, min_count: int = 1, split: str | None = None) -> pd.DataFrame:
        """Pairs of classes that are mistaken for each other: actual, predicted, count, share of the actual class."""
        check_whole("min_count", min_count, 0, kind=Integral)
        found = most_confused(self.confusion_matrix(split), min_count)
        return found.rename_axis(columns=self.labels)  # the head of the table says what it counts

    def _in_split(self, split: str | None) -> pd.DataFrame:
        if split is None:
            return self.table
        check_split(split, self.table, "in this review")
        return self.table[self.table.split == split]


def _predictor(learn: Any) -> Predicts | CrossValidation | FastaiPredictor:
    if hasattr(learn, "dls"):
        from bearwidgets.review.fastai import FastaiPredictor

        return FastaiPredictor(learn)
    if hasattr(learn, "predictions"):
        return learn
    raise BadInputError(
        f"A Review needs a trained bearwidgets or fastai Learner, not {type(learn).__name__}. For probabilities of "
        "another model use Review.from_predictions(table, probabilities, classes)."
    )


def _features_of(learn: Any, contents: pd.Series) -> np.ndarray | None:
    """Features (n, d) that the learner has at hand, or None where it has none of all of these images."""
    with contextlib.suppress(AttributeError, KeyError):  # no such learner; its body has changed since
        return learn.features.array(list(contents))
    return None


def _check(table: pd.DataFrame, probabilities: np.ndarray, classes: list[str]) -> None:
    if probabilities.shape != (len(table), len(classes)):
        raise BadInputError(
            f"probabilities have shape {probabilities.shape}; {len(table)} items and {len(classes)} classes need "
            f"({len(table)}, {len(classes)})."
        )
    if not np.isfinite(probabilities).all() or (probabilities < 0).any():
        raise BadInputError("probabilities hold values that are negative or not numbers; allowed is 0 to 1.")
    if len(table) and np.abs(probabilities.sum(1) - 1).max() > 1e-2:
        raise BadInputError("Rows of probabilities do not sum to 1; logits need a softmax first.")
