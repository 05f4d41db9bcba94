"""A review: one table with a row for each item that says how suspect its label is."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pandas as pd

from bearwidgets.errors import BadInputError, unknown_name
from bearwidgets.review import confusion, scores
from bearwidgets.review.reasons import MOST, near_labels, reasons

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bearwidgets.data.dataset import Dataset


class Predictor(Protocol):
    """What `Review` needs of a learner."""

    ds: Dataset
    classes: list[str]
    made_by: str

    def predictions(self, ds: Dataset | None = None) -> tuple[pd.DataFrame, np.ndarray]:
        """Table of the items, and probabilities (n, classes)."""
        ...

    def out_of_fold(self) -> tuple[list[str], np.ndarray] | None:
        """Ids and probabilities from models that did not see these items, or None."""
        ...

    def training_dynamics(self) -> tuple[list[str], list[np.ndarray]] | None:
        """Ids, and probabilities (n, classes) of these items during the training, NaN for none; or None."""
        ...


class Review:
    """Every item of every split with its loss, its margin and how likely its label is wrong.

    Probabilities are free of augmentation. Where the learner has out-of-fold probabilities (cached mode), a
    training item is judged by a head that did not see it. A network that was trained throughout may know its training
    items by heart; the mean is taken of its opinion, of what it said of them while it trained and, where there are no
    folds, of what heads that did not see them said before. `made_by` says which.

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
        made_by: how the probabilities were made, in words.
        ds: the data set, or None for `from_predictions`.
        learn: the learner, or None.

    Raises:
        BadInputError: the learner is not trained, or not a learner at all.

    Example:
        >>> review = bw.Review(learn)  # doctest: +SKIP
        >>> review.suspects(5)[["path", "label", "suggested"]]  # doctest: +SKIP
    """

    def __init__(self, learn: Any, ds: Dataset | None = None) -> None:
        predictor: Predictor
        if hasattr(learn, "dls"):
            from bearwidgets.review.fastai import FastaiPredictor

            predictor = FastaiPredictor(learn)
        elif hasattr(learn, "predictions"):
            predictor = learn
        else:
            raise BadInputError(
                f"A Review needs a trained bearwidgets or fastai Learner, not {type(learn).__name__}. For "
                "probabilities of another model use Review.from_predictions(table, probabilities, classes)."
            )
        table, probabilities = predictor.predictions(ds)
        made_by = predictor.made_by
        unseen = np.zeros(len(table), dtype=bool)
        if (held_out := predictor.out_of_fold()) is not None:
            rows = pd.Index(table.id).get_indexer(pd.Index(held_out[0]))
            probabilities[rows[rows >= 0]] = held_out[1][rows >= 0]
            unseen[rows[rows >= 0]] = True
            made_by += "; training items judged out of fold"
        else:
            made_by += "; training items judged in sample"
        if (dynamics := predictor.training_dynamics()) is not None:
            rows = pd.Index(table.id).get_indexer(pd.Index(dynamics[0]))
            earlier = [each[rows >= 0] for each in dynamics[1]]
            rows = rows[rows >= 0]
            probabilities[rows] = scores.consensus([probabilities[rows], *earlier])
            unseen[rows] = False
            made_by += " and over the epochs" if len(rows) else ""
        features = _features_of(learn, table.content) if "content" in table else None
        self._set_up(
            table.set_index("id"), probabilities, predictor.classes, made_by, unseen=unseen, features=features
        )
        self.ds, self.learn = ds or predictor.ds, learn

    @classmethod
    def from_predictions(
        cls,
        table: pd.DataFrame | Dataset,
        probabilities: np.ndarray,
        classes: Sequence[str],
        *,
        made_by: str = "given",
    ) -> Review:
        """A review of probabilities that another model made.

        Args:
            table: a data set, or a DataFrame with `label`, and where there are such columns `id`, `path` and
                `split`. Without a data set there are no images, so no `Cleaner`.
            probabilities: (n, classes), rows that sum to 1.
            classes: names of the columns of `probabilities`.
            made_by: how they were made, in words.

        Raises:
            BadInputError: shapes, labels or probabilities that do not fit together.
        """
        ds = None if isinstance(table, pd.DataFrame) else table
        table = table if isinstance(table, pd.DataFrame) else table.table
        if "label" not in table:
            raise BadInputError(unknown_name("column", "label", map(str, table.columns), "in this table"))
        frame = table.reset_index(drop="id" in table or table.index.name != "id").copy()
        if "id" not in frame:
            frame["id"] = [str(number) for number in range(len(frame))]
        frame["path"] = frame["path"] if "path" in frame else frame["id"]
        frame["split"] = frame.get("split", "train")
        if frame.id.duplicated().any():
            raise BadInputError(
                f"The id {frame.id[frame.id.duplicated()].iloc[0]!r} stands twice in the table."
            )
        review = cls.__new__(cls)
        rows = np.array(_in_order(probabilities, list(classes)), dtype=np.float32)
        review._set_up(frame.set_index("id"), rows, list(classes), made_by)  # noqa: SLF001 - its own class
        review.ds = ds
        return review

    def on(self, ds: Dataset) -> Review:
        """The same probabilities for the items of another data set, known by their content.

        Items without probabilities, or with a label that is no class here, are not in it.

        Args:
            ds: such as this review's data set after files were moved or relabelled.
        """
        known = pd.Series(np.arange(len(self.table)), index=self._contents())
        rows = ds.table.content.map(known[~known.index.duplicated()])
        good = rows.notna() & ds.table.label.isin(self.classes)
        review = type(self).__new__(type(self))
        probabilities = self.probabilities[rows[good].to_numpy(dtype=np.int64)]
        table = ds.table[good].set_index("id")
        review._set_up(  # noqa: SLF001 - its own class
            table,
            probabilities,
            self.classes,
            self.made_by,
            unseen=self._unseen[rows[good].to_numpy(dtype=np.int64)],
            features=_features_of(self.learn, table.content),
        )
        review.ds, review.learn = ds, self.learn
        return review

    def _contents(self) -> pd.Index:
        if self.ds is None:
            return self.table.index
        return pd.Index(self.ds.table.set_index("id").content.reindex(self.table.index))

    def _set_up(
        self,
        table: pd.DataFrame,
        probabilities: np.ndarray,
        classes: list[str],
        made_by: str,
        *,
        unseen: np.ndarray | None = None,
        features: np.ndarray | None = None,
    ) -> None:
        _check(table, probabilities, classes)
        target = pd.Index(classes).get_indexer(pd.Index(table.label))
        if (target < 0).any():
            raise BadInputError(
                unknown_name("class", table.label[target < 0].iloc[0], classes, "in this review")
            )
        best = probabilities.argmax(1)
        margin = scores.log_margin(probabilities, target)
        issue = scores.label_issue(probabilities, target)
        names = np.array([*classes, ""], dtype=object)
        near = None
        if features is not None:
            suspects = np.argsort(-issue, kind="stable")[:MOST]
            near = near_labels(features, suspects, target, len(classes), best)
        self.probabilities, self.classes, self.made_by = probabilities, classes, made_by
        self.table = table[["path", "label", "split"]].assign(
            predicted=names[best],
            confidence=probabilities[np.arange(len(best)), best].astype(np.float64),
            loss=scores.log_loss(probabilities, target).astype(np.float64),
            margin=margin.astype(np.float64),
            label_issue=issue,
            suggested=names[best],
            second=names[scores.second_choice(probabilities, target)],
            why=reasons(probabilities, target, classes, unseen=unseen, near=near),
        )
        self._unseen = np.zeros(len(table), dtype=bool) if unseen is None else unseen
        self.ds: Dataset | None = None
        self.learn: Any = None

    def __repr__(self) -> str:
        return f"Review({len(self.table)} items, {len(self.classes)} classes, {self.made_by})"

    def suspects(self, n: int = 20, split: str | None = None) -> pd.DataFrame:
        """The `n` items whose label is most likely wrong, the most suspect first."""
        return self._first(n, split, "label_issue")

    def top_losses(self, n: int = 9, split: str | None = None) -> pd.DataFrame:
        """The `n` items with the highest loss, the highest first."""
        return self._first(n, split, "loss")

    def _first(self, n: int, split: str | None, column: str) -> pd.DataFrame:
        if not isinstance(n, (int, np.integer)) or n < 0:
            raise BadInputError(f"n is {n!r}; allowed is a whole number from 0 on.")
        return self._of(split).sort_values(column, ascending=False, kind="stable").head(n)

    def confusion_matrix(self, split: str | None = "valid") -> pd.DataFrame:
        """Counts (classes, classes): rows are the given labels, columns the predicted ones.

        Args:
            split: "train", "valid" or "test"; None for all items.

        Raises:
            BadInputError: no such split.
        """
        table = self._of(split)
        return confusion.confusion_counts(table.label, table.predicted, self.classes)

    def most_confused(self, min_count: int = 1, split: str | None = None) -> pd.DataFrame:
        """Pairs of classes that are mistaken for each other: actual, predicted, count, share of the actual class."""
        return confusion.most_confused(self.confusion_matrix(split), min_count)

    def _of(self, split: str | None) -> pd.DataFrame:
        if split is None:
            return self.table
        known = sorted(self.table.split.unique())
        if split not in known:
            raise BadInputError(unknown_name("split", split, known, "in this review"))
        return self.table[self.table.split == split]


def _features_of(learn: Any, contents: pd.Series) -> np.ndarray | None:
    """Features (n, d) that the learner has at hand, or None where it has none of all of these images."""
    with contextlib.suppress(AttributeError, KeyError):  # no such learner; its body has changed since
        return learn.features.array(list(contents))
    return None


def _in_order(probabilities: Any, classes: list[str]) -> Any:
    """The columns of a DataFrame in the order of the classes, where they have names."""
    if not isinstance(probabilities, pd.DataFrame) or isinstance(probabilities.columns, pd.RangeIndex):
        return probabilities
    for name in classes:
        if name not in probabilities:
            raise BadInputError(unknown_name("class", name, probabilities.columns, "among these columns"))
    return probabilities[classes]


def _check(table: pd.DataFrame, probabilities: np.ndarray, classes: list[str]) -> None:
    if probabilities.shape != (len(table), len(classes)):
        raise BadInputError(
            f"probabilities have shape {probabilities.shape}; {len(table)} items and {len(classes)} classes need "
            f"({len(table)}, {len(classes)})."
        )
    if len(classes) < 2 or len(set(classes)) != len(classes):
        raise BadInputError(f"A review needs two or more different classes, not {classes!r}.")
    if not np.isfinite(probabilities).all() or (probabilities < 0).any():
        raise BadInputError("probabilities hold values that are negative or not numbers; allowed is 0 to 1.")
    if len(table) and np.abs(probabilities.sum(1) - 1).max() > 1e-2:
        raise BadInputError("Rows of probabilities do not sum to 1; logits need a softmax first.")
