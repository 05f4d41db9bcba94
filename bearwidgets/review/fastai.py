"""fastai learners as predictors: their items, their labels, and their probabilities without augmentation."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bearwidgets.data.dataset import Dataset
from bearwidgets.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Sequence

_INSTEAD = (
    "; use Review.from_predictions(table, probabilities, classes) with the probabilities that you want seen."
)


class FastaiPredictor:
    """A trained fastai vision learner, seen as what `Review` needs.

    The training items are predicted with the validation transforms: fastai's own interpretation would put random
    crops and flips on them. Items that are no paths, and targets with several labels, are refused.
    """

    def __init__(self, learn: Any) -> None:
        self._learn = learn
        self.classes = _classes(learn)
        self.provenance = "fastai learner, validation transforms"
        items = _items(learn.dls.train_ds) + _items(learn.dls.valid_ds)
        if not items:
            raise BadInputError(
                "This fastai learner has no items, as after load_learner: give it its data with learn.dls ="
                " ImageDataLoaders.from_folder(...) or the like; or make a data set, bw.Dataset.from_folder(...), and"
                " use Review.from_predictions(ds, probabilities, classes)."
            )
        labels = _labels(learn.dls.train_ds, self.classes) + _labels(learn.dls.valid_ds, self.classes)
        splits = ["train"] * len(learn.dls.train_ds) + ["valid"] * len(learn.dls.valid_ds)
        root = Path(os.path.commonpath([each.parent for each in items]))
        if root.name in self.classes:  # all items in one class folder
            root = root.parent
        paths = [each.relative_to(root).as_posix() for each in items]
        frame = pd.DataFrame({"path": paths, "label": labels, "split": splits})
        self.ds = Dataset.from_df(frame, root=root, path="path", label="label", split="split")

    def predictions(self, ds: Dataset | None = None) -> tuple[pd.DataFrame, np.ndarray]:
        """Table of the items, and probabilities (n, classes)."""
        ds = ds or self.ds
        table = ds.table
        loader = self._learn.dls.test_dl([ds.root / path for path in table.path], num_workers=0)
        with self._learn.no_bar(), self._learn.no_logging():
            logits, _ = self._learn.get_preds(dl=loader, reorder=False)
        return table, np.asarray(logits, dtype=np.float32)

    def out_of_fold(self) -> tuple[list[str], np.ndarray] | None:
        """None: fastai trains one network."""
        return None

    def training_dynamics(self) -> tuple[list[str], list[np.ndarray]] | None:
        """None: fastai does not keep what its network said while it trained."""
        return None


def _classes(learn: Any) -> list[str]:
    vocab = getattr(learn.dls, "vocab", None)
    if vocab is None or any(isinstance(each, (list, tuple)) for each in vocab):
        raise BadInputError(f"This fastai learner is no classifier with one label for each image{_INSTEAD}")
    return [str(each) for each in vocab]


def _items(dataset: Any) -> list[Path]:
    items = dataset.items
    rows = [row for _, row in items.iterrows()] if isinstance(items, pd.DataFrame) else list(items)
    return [_path(each, dataset.tls[0].tfms.fs) for each in rows]


def _path(item: Any, transforms: Sequence[Any]) -> Path:
    """The file that an item is or, as a row of a table has it, that the first transforms make of it."""
    for transform in [None, *transforms]:
        item = item if transform is None else transform(item)
        if isinstance(item, (str, Path)):
            return Path(item).resolve()
    raise BadInputError(
        f"The items of this fastai learner are {type(item).__name__}, not paths of files{_INSTEAD}"
    )


def _labels(dataset: Any, classes: Sequence[str]) -> list[str]:
    targets = [np.asarray(each) for each in dataset.tls[-1]]
    if any(each.ndim for each in targets):
        raise BadInputError(f"The images of this fastai learner have several labels each{_INSTEAD}")
    return [classes[int(each)] for each in targets]
