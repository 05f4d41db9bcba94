"""k-fold cross-validation: each item judged by a learner that did not see it, and the learners as an ensemble."""

from __future__ import annotations

import contextlib
import copy
import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bearwidgets.data.exam import judged_labels
from bearwidgets.data.split import check_split
from bearwidgets.errors import BadInputError
from bearwidgets.figures import percent
from bearwidgets.learn.folds.folds import Folds
from bearwidgets.learn.learner import Learner
from bearwidgets.learn.predict import Prediction
from bearwidgets.learn.progress import QUICK_STAGES, run_with_bar
from bearwidgets.learn.provenance import as_mode
from bearwidgets.learn.scores import class_numbers, split_scores

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence
    from pathlib import Path

    from PIL import Image

    from bearwidgets.data.dataset import Dataset
    from bearwidgets.learn.progress import Progress
    from bearwidgets.learn.provenance import Mode, ModeName

_FIGURES = ("n", "loss", "accuracy", "error_rate")
_UNTRAINED = "No fold is trained yet; call `bw.cross_validate(ds)`."


def cross_validate(
    ds: Dataset,
    folds: int = 5,
    *,
    epochs: int = 4,
    mode: ModeName = "quick",
    seed: int = 0,
    splits: str | Sequence[str] = ("train",),
    groups: str | Mapping[str, object] | Sequence[object] | None = None,
    fit_options: Mapping[str, Any] | None = None,
    progress: bool = True,
    **learner_options: Any,
) -> CrossValidation:
    """Train a learner for each fold, so that every item of train is judged by one that did not see it.

    That is what the search for wrong labels needs, `bw.Review(bw.cross_validate(ds))`, and an ensemble besides.
    The evaluation split stays an exam: no fold is drawn from it, and `evaluate("valid")` measures the ensemble on
    it. With `splits=("train", "valid")` its items are folded and judged like the others; no exam is left then, and
    `evaluate("valid")` tells of the learners that did not see each item.

    Every class is spread over the folds as evenly as can be. Equal bytes, and items of one group, lie in one fold.
    In the quick mode the features are computed once for all folds; in the full mode each fold trains a fresh
    copy of the body. Ctrl-C leaves the finished folds usable.

    Args:
        ds: the data set.
        folds: how many, 2 or more.
        epochs: as in `Learner.fine_tune`.
        mode: as in `Learner.fine_tune`.
        seed: of the folds and of the learners.
        splits: whose items are folded.
        groups: items that belong together, such as photos of one animal: a mapping from id or path to the group,
            or a column (as many values as `ds.table` has rows, or its name there). An item that is not in the
            mapping, or whose value is missing, stands alone.
        fit_options: others of `Learner.fine_tune` for the full mode: base_lr, augment, norm_eval and so on.
        progress: show a bar.
        learner_options: of `Learner`: arch, weights, size and so on.

    Raises:
        BadInputError: fewer than 2 folds, more folds than different images, fewer than two classes in what a fold
            would train on, an unknown split or group column.

    Example:
        >>> cv = bw.cross_validate(ds, folds=2, size=64, progress=False)
        >>> cv.summary.columns.tolist()
        ['mean', 'std', 'standard_error']
        >>> len(bw.Review(cv).table) == len(ds.table)
        True
    """
    cv = CrossValidation(ds, folds, seed=seed, splits=splits, groups=groups, **learner_options)
    for note in cv.folds.notes:
        warnings.warn(note, stacklevel=2)
    steps = cv.fine_tuning(epochs, mode=mode, **(fit_options or {}))
    try:
        within = [*QUICK_STAGES, *["unfrozen"] * (as_mode(mode) == "full")]
        stages = [cv.stage(number, name) for number in range(cv.folds.n) for name in within]
        run_with_bar(steps, show=progress, stages=stages)
    except KeyboardInterrupt:
        steps.close()
        use = "can be used" if cv.learners else "holds nothing yet"
        warnings.warn(f"Interrupted. {cv!r} {use}.", stacklevel=2)
    return cv


class CrossValidation:
    """The learners of all folds: an estimate, out-of-fold probabilities, and an ensemble. See `cross_validate`.

    It stands wherever a trained `Learner` is asked for its opinion: in `Review`, `Cleaner` and `measure_effect`.

    Attributes:
        ds: the data set, less the images that could not be decoded.
        classes: names of the columns of probabilities.
        learners: one for each finished fold, in their order. Of its own data set "train" are the items it was
            trained on, "valid" the fold it was examined on, "test" everything that is in no fold.
        folds: how many (`n`), of which splits, with notes on classes too small for them.
    """

    def __init__(
        self,
        ds: Dataset,
        folds: int = 5,
        *,
        seed: int = 0,
        splits: str | Sequence[str] = ("train",),
        groups: str | Mapping[str, object] | Sequence[object] | None = None,
        **learner_options: Any,
    ) -> None:
        self.folds = Folds.draw(ds, folds, splits=splits, groups=groups, seed=seed)
        self._start(ds, Learner(ds, seed=seed, **learner_options))

    def _start(self, ds: Dataset, base: Learner) -> None:
        self.ds, self.classes, self._base = ds, list(ds.classes), base
        self.learners: list[Learner] = []
        self._rows: list[dict[str, float]] = []

    def __repr__(self) -> str:
        if not self.learners:
            return f"CrossValidation({self.folds.n} folds, none trained yet)"
        error = self.summary.loc["error_rate"]
        spread = f" ± {percent(error['standard_error'], 1)}" if len(self.learners) > 1 else ""
        return f"CrossValidation(held-out error {percent(error['mean'], 1)}{spread}, {self.provenance})"

    @property
    def mode(self) -> Mode | None:
        """The mode of the last training, "quick" or "full"; None before a fold is finished."""
        return self.learners[-1].mode if self.learners else None

    @property
    def is_trained(self) -> bool:
        """Whether a fold is finished."""
        return bool(self.learners)

    @property
    def provenance(self) -> str:
        """How the probabilities were made, in words; empty before a fold is finished."""
        if not self.learners:
            return ""
        done, n = len(self.learners), self.folds.n
        of = "" if done == n else f" of {n}"
        return (
            f"{done}{of} folds of {' and '.join(self.folds.splits)}; the first: {self.learners[0].provenance}"
        )

    @property
    def made_by(self) -> str:
        """The older name of `provenance`."""
        return self.provenance

    @property
    def table(self) -> pd.DataFrame:
        """A row for each finished fold, on the n items that it held out.

        Columns: n_train, n, loss (mean log-loss, nats), accuracy and error_rate (0 to 1), then `metrics`.
        """
        numbers = pd.RangeIndex(1, len(self._rows) + 1, name="fold")
        columns = ["n_train", *_FIGURES, *self._base.metrics]
        return pd.DataFrame(self._rows, columns=columns, index=numbers)

    @property
    def summary(self) -> pd.DataFrame:
        """Mean, std and standard_error over the finished folds, a row each for loss, accuracy, error_rate, metrics.

        std is that between folds, with k - 1 in the denominator. Folds are not independent, for any two share most
        of their training items, and no unbiased estimate of the mean's variance exists (Bengio & Grandvalet, "No
        unbiased estimator of the variance of k-fold cross-validation", JMLR 5, 2004). standard_error is therefore
        the wider std · sqrt(1/k + 1/(folds - 1)) of Nadeau & Bengio, "Inference for the generalization error",
        Machine Learning 52, 2003: a rough guide, no basis for a confidence interval.
        """
        figures = self.table.drop(columns=["n_train", "n"]).astype(float)
        std = figures.std(ddof=1)
        wider = (1 / max(1, len(figures)) + 1 / (self.folds.n - 1)) ** 0.5
        return pd.DataFrame({"mean": figures.mean(), "std": std, "standard_error": std * wider})

    def fine_tuning(
        self, epochs: int = 4, *, mode: ModeName = "quick", **fit_options: Any
    ) -> Generator[Progress]:
        """Train fold after fold, step by step; `stage` names the fold. Stopped, the finished folds stay."""
        if fit_options.get("checkpoint") is not None:
            raise BadInputError(
                "A checkpoint belongs to one training, and each fold is one. Cross-validate without it."
            )

        def start(number: int) -> tuple[Learner, Generator[Progress]]:
            learner = self._base.with_data(self.folds.data(self.ds, number))
            return learner, learner.fine_tuning(epochs, mode=mode, **fit_options)

        return self._train(start, start(0))  # a wrong mode or number is refused at once

    def stage(self, number: int, name: str) -> str:
        """What a stage of the training of one fold, from 0 on, is called."""
        return f"fold {number + 1} of {self.folds.n}: {name}"

    def _train(
        self,
        start: Callable[[int], tuple[Learner, Generator[Progress]]],
        first: tuple[Learner, Generator[Progress]],
    ) -> Generator[Progress]:
        for number in range(self.folds.n):
            learner, training = start(number) if number else first
            with contextlib.closing(training):
                for step in training:
                    yield replace(step, stage=self.stage(number, step.stage))
            self._leave_out(learner)
            row = self._examine(learner)
            self.learners, self._rows = [*self.learners[:number], learner], [*self._rows[:number], row]

    def _leave_out(self, learner: Learner) -> None:
        """Images that a learner could not decode are tried by no further one."""
        left = learner.data()
        lost = self.ds.table[~self.ds.table["id"].isin(left.table["id"])]
        if len(lost):
            reasons = dict(zip(left.problems["path"], left.problems["reason"], strict=True))
            self.ds = self.ds.without(lost["id"].tolist(), [reasons[path] for path in lost["path"]])

    def _examine(self, learner: Learner) -> dict[str, float]:
        ds = learner.data()
        own = ds.table
        held = np.flatnonzero(own["split"] == "valid")
        table, probabilities = learner.predictions(_part(ds, held))
        scores = split_scores(table["label"], probabilities, self.classes, metrics=self._base.metrics)
        figures = {name: scores[name] for name in _FIGURES}
        return {"n_train": int((own["split"] == "train").sum()), **figures, **scores.get("metrics", {})}

    def predictions(self, ds: Dataset | None = None) -> tuple[pd.DataFrame, np.ndarray]:
        """Probabilities for every item: the mean over the learners that were not trained on it.

        For an item of the folds that is one learner, for any other it is all of them. Where only learners that saw
        an item are there (the training was stopped before its fold), it is all of them too. Items are known by
        their bytes. Arguments, result and errors are those of `Learner.predictions`.
        """
        if not self.learners:
            raise BadInputError(_UNTRAINED)
        ds = self.ds if ds is None else ds
        seen = self.folds.seen(ds)
        fold = np.where(seen < len(self.learners), seen, -1)
        total = np.zeros((len(ds.table), len(self.classes)), dtype=np.float64)
        n = np.zeros(len(ds.table), dtype=np.int64)
        for number, learner in enumerate(self.learners):
            asked = np.flatnonzero((fold == number) | (fold < 0))
            table, probabilities = learner.predictions(_part(ds, asked))
            rows = pd.Index(ds.table["id"]).get_indexer(pd.Index(table["id"]))
            total[rows] += probabilities
            n[rows] += 1
        mean = total[n > 0] / n[n > 0, None]
        return ds.table[n > 0].reset_index(drop=True), mean.astype(np.float32)

    def out_of_fold(self) -> tuple[list[str], np.ndarray] | None:
        """Ids and probabilities (n, classes) of all items of finished folds, from learners that did not see them."""
        if not self.learners:
            return None
        fold = self.folds.numbers(self.ds)
        held = np.flatnonzero((fold >= 0) & (fold < len(self.learners)))
        table, probabilities = self.predictions(_part(self.ds, held))
        return table["id"].tolist(), probabilities

    def training_dynamics(self) -> tuple[list[str], list[np.ndarray]] | None:
        """As `Learner.training_dynamics`, of items of the folds: the mean over the learners that trained on them.

        The first heads are not in it: what the last weights say out of fold is better.
        """
        found = [each for learner in self.learners if (each := learner.training_dynamics()) is not None]
        if not found:
            return None
        ids = pd.Index(self.ds.table["id"])
        total, n = np.zeros((len(ids), len(self.classes))), np.zeros(len(ids))
        for some, (mean, _) in found:
            rows = ids.get_indexer(pd.Index(some))
            good = (rows >= 0) & np.isfinite(mean).all(1)
            total[rows[good]] += mean[good]
            n[rows[good]] += 1
        said = n > 0
        return ids[said].tolist(), [(total[said] / n[said, None]).astype(np.float32)]

    def evaluate(self, split: str = "valid", ds: Dataset | None = None) -> dict[str, Any]:
        """Measure on one split, without augmentation: the ensemble, or out of fold where the split was folded.

        Of a folded split only the items of finished folds count. Arguments, result and errors are those of
        `Learner.evaluate`.
        """
        used = self.ds if ds is None else ds
        check_split(split, used.table)
        judged = self.folds.numbers(used) < max(1, len(self.learners))
        asked = np.flatnonzero((used.table["split"] == split).to_numpy() & judged)
        table, probabilities = self.predictions(_part(used, asked))
        if table.empty:
            raise BadInputError(
                f"No item of {split!r} lies in one of the {len(self.learners)} finished folds."
            )
        exam = self.ds.exam if ds is None and split == "valid" else None
        if exam is None:
            class_numbers(table["label"], self.classes)  # names a label that is no class
        how = "judged out of fold" if split in self.folds.splits else "mean probability"
        said = f"{self.provenance}; {how}"
        labels, metrics = judged_labels(table, exam), self._base.metrics
        scores = split_scores(labels, probabilities, self.classes, table["label"], metrics)
        return {**scores, "provenance": said, "made_by": said}

    def predict(self, image: str | Path | bytes | Image.Image | np.ndarray) -> Prediction:
        """Classify one image by the mean probability of all learners; images and errors as `Learner.predict`."""
        if not self.learners:
            raise BadInputError(_UNTRAINED)
        each = [list(learner.predict(image).probabilities.values()) for learner in self.learners]
        return Prediction.of(self.classes, np.mean(each, axis=0))

    def with_data(self, ds: Dataset) -> CrossValidation:
        """The same for other items, not trained yet; shares the features known so far."""
        other = copy.copy(self)
        other.folds = self.folds.redraw(ds)
        other._start(ds, self._base.with_data(ds))  # noqa: SLF001 - its own class
        return other


def _part(ds: Dataset, rows: np.ndarray) -> Dataset:
    """The data set with these rows only."""
    return ds.with_table(ds.table.iloc[rows].reset_index(drop=True))
