"""What a trained learner says: probabilities, test-time augmentation, scores, one image."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from bearwidgets.data.augment.augment import augmentation
from bearwidgets.data.augment.loader import ImageFiles, load_batches
from bearwidgets.data.exam import judged_labels
from bearwidgets.data.split import check_split
from bearwidgets.errors import BadInputError
from bearwidgets.learn.input.preprocessing import PRESIZE, as_image
from bearwidgets.learn.scores import class_numbers, split_scores
from bearwidgets.learn.state import LearnerState

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pandas as pd
    from PIL import Image

    from bearwidgets.data.augment.augment import Augment
    from bearwidgets.data.dataset import Dataset
    from bearwidgets.learn.progress import Progress


@dataclass(frozen=True)
class Prediction:
    """What a learner says of one image.

    Attributes:
        label: the most probable class.
        probability: of that class, 0 to 1.
        probabilities: of every class, by name.
    """

    label: str
    probability: float
    probabilities: dict[str, float]

    @classmethod
    def of(cls, classes: list[str], row: np.ndarray) -> Prediction:
        """From the probabilities (classes,) of one image."""
        best = int(row.argmax())
        return cls(classes[best], float(row[best]), dict(zip(classes, row.tolist(), strict=True)))


class Predicts(LearnerState):
    """A learner as those see it who only ask for its opinion. Asking never changes the learner's data set."""

    def compute_features(self, ds: Dataset | None = None, split: str | None = None) -> Iterator[Progress]:
        """The features of all items, or of one split; what cannot be decoded is in `features.problems` then."""
        used = self.data(ds)
        table = used.table if split is None else used.table[used.table.split == split]
        yield from self.features.compute(list(table.content), [used.path_of(each) for each in table.id])

    def predictions(
        self, ds: Dataset | None = None, *, split: str | None = None
    ) -> tuple[pd.DataFrame, np.ndarray]:
        """Probabilities for every item that can be decoded, without augmentation.

        Args:
            ds: other items than the learner's own.
            split: only those of "train", "valid" or "test".

        Returns:
            The table of the items, and probabilities (n, classes), float32.

        Raises:
            BadInputError: the learner is not trained, or has no data set.
        """
        self._check_trained()
        for _ in self.compute_features(ds, split):
            pass
        table = self.data(ds).table
        wanted = ~table.content.isin(list(self.features.problems))
        table = table[wanted if split is None else wanted & (table.split == split)].reset_index(drop=True)
        return table, self._probabilities(self.features.array(list(table.content)))

    def tta(
        self,
        split: str = "valid",
        n: int = 4,
        *,
        beta: float = 0.25,
        augment: str | Augment = "light",
        ds: Dataset | None = None,
    ) -> tuple[pd.DataFrame, np.ndarray]:
        """Test-time augmentation: mean probabilities of `n` augmented views of each image, and the plain one.

        Args:
            split: "train", "valid" or "test".
            n: views.
            beta: weight of the plain view, 0 to 1; the mean of the others has the rest (fastai's rule).
            augment: as in `Recipe`.
            ds: other items than the learner's own.

        Returns:
            As `predictions`.
        """
        if not isinstance(n, int) or n < 1 or not 0 <= beta <= 1:
            raise BadInputError(
                f"n is {n!r} and beta is {beta!r}; allowed are n from 1 on and beta from 0 to 1."
            )
        table, plain = self.predictions(ds, split=split)
        used = self.data(ds)
        paths = [used.path_of(each) for each in table.id]
        presize = round(PRESIZE * self.size)
        images = ImageFiles(paths, partial(self.preprocessing.open, at_least=presize), presize=presize)
        transform = augmentation(
            augment,
            self.size,
            interpolation=self.preprocessing.interpolation,
            resize=self.preprocessing.resize,
        )
        batches = [range(start, min(start + 32, len(table))) for start in range(0, len(table), 32)]
        total = np.zeros_like(plain)
        for view in range(n):
            for batch in load_batches(images, batches, transform, seed=self.seed * 1000 + view):
                features = self.features.of_pixels(batch.pixels).astype(np.float32)
                total[batch.rows] += self._probabilities(features)
        return table, (1 - beta) * total / n + beta * plain

    def out_of_fold(self) -> tuple[list[str], np.ndarray] | None:
        """Ids and probabilities (n, classes) of training items from heads that did not see them, if there are any."""
        if self.head_fit is None:
            return None
        held = self.head_fit.held
        ids = [id_ for id_, is_held in zip(self.record.fitted_on, held, strict=True) if is_held]
        return ids, self.head_fit.out_of_fold[held]

    def training_dynamics(self) -> tuple[list[str], list[np.ndarray]] | None:
        """Ids of training items and what was said of them before, where the whole network was trained.

        Returns:
            Ids and two arrays (n, classes): the mean probabilities over the epochs, and those of heads that did not
            see the item, from the training in the quick mode before; NaN where there are none. See
            `TrainingDynamics`.
        """
        return None if self.record.dynamics is None else self.record.dynamics.opinions()

    def evaluate(self, split: str = "valid", ds: Dataset | None = None, *, tta: int = 0) -> dict[str, Any]:
        """Measure on one split, without augmentation.

        Args:
            split: "valid", "train" or "test".
            ds: where to take items and labels from instead, such as `learn.ds.cleaned(journal, exam="corrected")`.
            tta: as many augmented views of each image besides (see `tta`).

        Returns:
            loss (mean log-loss, nats), accuracy and error_rate (0 to 1), n, per_class (class → n, accuracy), metrics
            (name → value, if the learner has some) and provenance (how the probabilities were made; made_by is its
            older name). The labels of "valid" are those of the frozen exam; where the labels on disk were corrected
            since, error_rate_corrected is on these.

        Raises:
            BadInputError: no such split, or the learner is not trained.
        """
        used = self.data(ds)
        check_split(split, used.table)
        table, chosen = self.tta(split, tta, ds=ds) if tta else self.predictions(ds, split=split)
        exam = used.exam if ds is None and split == "valid" else None
        labels = judged_labels(table, exam)
        if exam is None:  # a class of the exam may be gone from the data since; others have to be known
            class_numbers(labels, self.classes)
        scores = split_scores(labels, chosen, self.classes, table.label, self.metrics)
        scores["provenance"] = self.provenance + (f", {tta} augmented views" if tta else "")
        scores["made_by"] = scores["provenance"]
        if exam is not None and not tta:
            self.record.scores = scores
        return scores

    def predict(self, image: str | Path | bytes | Image.Image | np.ndarray) -> Prediction:
        """Classify one image: a path, a PIL image, an array (h, w, 3) or (h, w) of uint8, or a file's bytes.

        Raises:
            ImageError: it cannot be opened as an image.
            BadInputError: another kind of thing, or the learner is not trained.
        """
        self._check_trained()
        opened = as_image(image, self.preprocessing)
        pixels = self.preprocessing.resizer(opened)[None].copy()
        features = self.features.of_pixels(pixels).astype(np.float32)
        return Prediction.of(self.classes, self._probabilities(features)[0])

    def _probabilities(self, features: np.ndarray) -> np.ndarray:
        head = self.module.head
        device = next(self.module.parameters()).device
        with torch.inference_mode():
            logits = head(torch.from_numpy(features).to(device)).float().cpu()
            return torch.softmax(logits, 1).numpy()
