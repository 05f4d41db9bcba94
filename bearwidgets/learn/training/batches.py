"""Minibatches of images for the training loop: who comes when, augmented, on the device."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from bearwidgets.data.augment.loader import load_batches
from bearwidgets.errors import BadInputError, unknown_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lightning_fabric import Fabric

    from bearwidgets.data.augment.augment import Augment
    from bearwidgets.data.augment.loader import ImageFiles
    from bearwidgets.learn.input.preprocessing import Preprocessing
    from bearwidgets.learn.training.recipe import Recipe

BATCH_SIZE = 64


@dataclass(frozen=True)
class Minibatch:
    """What one step trains on."""

    images: (
        torch.Tensor
    )  # (n, channels, h, w) float, normalized, on the device; n is 0 for a step to pass over
    target: torch.Tensor  # (n,) int64, class numbers
    total: float  # sum of the class weights over this batch; n where there are none
    rows: np.ndarray | None = (
        None  # numbers of its items in all processes; None where nobody asks who they are
    )


class ImageBatches:
    """Minibatches of augmented images; of several processes each gets its share of every batch.

    Who is in which batch, and every random crop, follows from `seed`, the epoch, the batch and the image alone: not
    from the number of processes or threads, nor from where a training that was cut off starts again. There are
    `steps` minibatches in an epoch; `problems` has the reason for each row whose image could not be opened so far.
    """

    def __init__(
        self,
        images: ImageFiles,
        target: np.ndarray,
        classes: Sequence[str],
        preprocessing: Preprocessing,
        augment: Augment,
        recipe: Recipe,
        fabric: Fabric,
        seed: int,
    ) -> None:
        self._images, self._target = images, target
        self._preprocessing, self._augment = preprocessing, augment
        self._size = recipe.batch_size or default_batch_size(len(target))
        self._balanced = recipe.sampling == "balanced"
        self._fabric, self._seed = fabric, seed
        self.n_classes = len(classes)
        self._weights = class_weights(recipe.class_weights, target, classes)
        self.class_weights = None
        if self._weights is not None:
            self.class_weights = torch.from_numpy(self._weights).to(fabric.device)
        self.steps = len(self._order(0))
        self.problems: dict[int, str] = {}

    def epoch(self, number: int, first: int = 0) -> Iterator[Minibatch]:
        """The minibatches of one epoch, from the one numbered `first` on."""
        order = self._order(number)[first:]
        rank, world = self._fabric.global_rank, self._fabric.world_size
        mine = [rows[rank::world].tolist() for rows in order]
        seed = self._seed * 1000 + number
        for rows, batch in zip(
            order, load_batches(self._images, mine, self._augment, seed=seed, first=first), strict=True
        ):
            self.problems.update(batch.problems)
            if batch.problems and world > 1:
                path, reason = next(iter(batch.problems.items()))
                raise BadInputError(f"An image cannot be read any more ({reason}); its row is {path}.")
            target = self._target[batch.rows]
            here = len(target) if len(target) > 1 else 0
            pixels = batch.pixels[:here]
            images = self._preprocessing.normalize(pixels, self._fabric.device) if here else torch.zeros(0)
            total = float(len(target) if self._weights is None else self._weights[target].sum())
            known = np.asarray(batch.rows[:here] if world == 1 else rows)
            yield Minibatch(
                images, torch.from_numpy(target[:here]).to(self._fabric.device), total or 1.0, known
            )

    def _order(self, epoch: int) -> list[np.ndarray]:
        generator = np.random.default_rng((self._seed, epoch))
        n = len(self._target)
        if self._balanced:
            chance = 1 / np.bincount(self._target)[self._target]
            order = generator.choice(n, n, p=chance / chance.sum())
        else:
            order = generator.permutation(n)
        batches = [order[start : start + self._size] for start in range(0, n, self._size)]
        least = 2 * self._fabric.world_size  # a batch norm cannot train on one image
        if len(batches) > 1 and len(batches[-1]) < least:
            batches.pop()
        return batches


def default_batch_size(n: int) -> int:
    """64, or a quarter of the data where that is less: four steps an epoch are few enough."""
    return min(BATCH_SIZE, max(2, n // 4))


def class_weights(
    given: str | Mapping[str, float] | None, target: np.ndarray, classes: Sequence[str]
) -> np.ndarray | None:
    """Weight of each class, (classes,) float32, or None for equal ones; `target` (n,) are class numbers.

    "balanced" is n / (classes with items · items of the class); a mapping names weights, the others are 1.
    """
    if given is None:
        return None
    counts = np.bincount(target, minlength=len(classes))
    if isinstance(given, Mapping):
        for name in given:
            if name not in classes:
                raise BadInputError(unknown_name("class", name, classes, "in this data set"))
        weights = np.array([given.get(name, 1.0) for name in classes], dtype=np.float32)
        if not weights[counts > 0].any():
            raise BadInputError(
                "class_weights are 0 for every class that has images; nothing would be learned."
            )
        return weights
    return (len(target) / (np.count_nonzero(counts) * np.maximum(counts, 1))).astype(np.float32)
