"""What a check may read, computed once, when a check first asks for it."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from bearwidgets.data.image_stats.table import image_stats_of, measuring
from bearwidgets.errors import BadInputError
from bearwidgets.learn.progress import Progress
from bearwidgets.review.checks.copies import SURE, find_copies

if TYPE_CHECKING:
    from collections.abc import Collection, Generator

    import pandas as pd

    from bearwidgets.data.dataset import Dataset
    from bearwidgets.learn.head.imagenet import ImageNetHead
    from bearwidgets.learn.predict import Predicts
    from bearwidgets.review.checks.copies import Copies
    from bearwidgets.review.neighbors import Neighbors
    from bearwidgets.review.review import Review


class CheckInputs:
    """What a check may read.

    Attributes:
        ds: The data set.
        table: Its table: id, content, path, label, split, width, height; a row for each of n items.
        review: Scores and probabilities, or None. It may lack some items, so go by the id.
        threshold: The score from which this check is to flag an item, where the user gave one; else None.
    """

    def __init__(self, ds: Dataset, review: Review | None = None, learn: Predicts | None = None) -> None:
        self.ds = ds
        self.table: pd.DataFrame = ds.table
        self.review = review
        self.threshold: float | None = None
        self._learn = learn  # whose body gives the features

    def lacks(self, need: str) -> str:
        """Why something that a check needs is missing, or "" where it is there."""
        if need == "review" and self.review is None:
            return "needs predictions: give a trained Learner or a Review"
        if need == "features" and self._learn is None:
            return "needs features: give a bearwidgets Learner, or a Review of one"
        return ""

    def computing(self, needs: Collection[str]) -> Generator[Progress]:
        """Compute what checks of these needs will read, step by step."""
        if {"image_stats", "looks"} & set(needs):
            steps = measuring(self.ds)
            while True:
                try:
                    yield Progress("pixels", *next(steps))
                except StopIteration as end:
                    self.image_stats = end.value
                    break
        if "features" in needs and self._learn is not None:
            yield from self._learn.compute_features(self.ds)

    @cached_property
    def image_stats(self) -> pd.DataFrame:
        """Figures of the pixels, a row for each item; see `bearwidgets.data.image_stats.table.image_stats_of`."""
        return image_stats_of(self.ds)

    @property
    def looks(self) -> pd.DataFrame:
        """The former name of `image_stats`, which still works."""
        return self.image_stats

    @property
    def copies(self) -> Copies:
        """Pairs of images that are copies but not the same bytes, from the check's threshold on."""
        return self._possible_copies.at_least(SURE if self.threshold is None else self.threshold)

    @cached_property
    def _possible_copies(self) -> Copies:
        near = None if self.lacks("features") else self.neighbors
        return find_copies(self.ds, self.image_stats, near, least=0.0)

    @cached_property
    def features(self) -> np.ndarray | None:
        """(n, d) float32 of the learner's body, zeros where an image does not decode; None without a learner."""
        if self._learn is None:
            return None
        ds = self.ds
        for _ in self._learn.compute_features(ds):
            pass
        store = self._learn.features
        broken = ds.table.content.isin(list(store.problems)).to_numpy()
        good = store.array(list(ds.table.content[~broken]))
        features = np.zeros((len(ds), good.shape[1]), np.float32)
        features[~broken] = good
        return features

    @cached_property
    def imagenet(self) -> ImageNetHead | None:
        """ImageNet's classifier for these features; None unless the body has the offline weights as they came."""
        from bearwidgets.learn.head.imagenet import imagenet_head

        return None if self._learn is None else imagenet_head(self._learn.features)

    @cached_property
    def neighbors(self) -> Neighbors:
        """The nearest items of each by the cosine of their features.

        Raises:
            BadInputError: There are no features; a check that asks has "features" among its needs.
        """
        from bearwidgets.review.neighbors import nearest

        if self.features is None:
            raise BadInputError(f"There are no neighbors: {self.lacks('features')}.")
        return nearest(self.features)
