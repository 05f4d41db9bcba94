"""What the classifier of ImageNet that stood behind the offline body says of features that are there anyway."""

from __future__ import annotations

import contextlib
import functools
from importlib.metadata import distribution
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from bearwidgets.errors import MissingFileError
from bearwidgets.figures import percent
from bearwidgets.learn.network.lite import BOTH
from bearwidgets.learn.network.weights import BOTH_BODIES, OFFLINE, offline_weights

if TYPE_CHECKING:
    from bearwidgets.learn.head.features import FeatureStore

LEAST = 0.2
"""The probability below which an image looks like none of the 1,000 classes."""


class ImageNetHead(NamedTuple):
    """The linear layer from features to the 1,000 classes of ImageNet."""

    weight: torch.Tensor  # (1000, d)
    bias: torch.Tensor  # (1000,)

    def probabilities(self, features: np.ndarray) -> np.ndarray:
        """Probabilities (n, 1000), float32, of features (n, d)."""
        with torch.inference_mode():
            logits = torch.from_numpy(np.asarray(features, np.float32)) @ self.weight.T + self.bias
            return torch.softmax(logits, 1).numpy()

    def looks_like(self, features: np.ndarray) -> list[str]:
        """The most probable class of each of some features (n, d), such as "sloth bear (93 %)".

        "" where no class has a probability of `LEAST`.
        """
        found = self.probabilities(features)
        return [
            f"{_class_names()[number]} ({percent(row[number])})" if row[number] >= LEAST else ""
            for row, number in zip(found, found.argmax(1).tolist(), strict=True)
        ]


def imagenet_head(features: FeatureStore) -> ImageNetHead | None:
    """The classifier that belongs to the body of some features; None without the offline weights as they came.

    The features, means over the image, are exactly what the classifier takes, so there is no second pass.
    """
    known = {file.body: arch for arch, file in OFFLINE.items()} | {BOTH_BODIES: BOTH}
    if features.weights in known:
        with contextlib.suppress(MissingFileError):  # the learner was saved where the package is installed
            head = head_of(known[features.weights])
            return head if head.weight.shape[1] == features.width else None
    return None


@functools.cache
def head_of(arch: str) -> ImageNetHead:
    """The classifier of one of the offline bodies; of both side by side its logits are the mean of theirs.

    Raises:
        MissingFileError: Its package is not installed.
    """
    if arch == BOTH:
        first, second = map(head_of, OFFLINE)
        return ImageNetHead(torch.cat([first.weight, second.weight], 1) / 2, (first.bias + second.bias) / 2)
    tensors = offline_weights(arch)
    return ImageNetHead(tensors["classifier.weight"], tensors["classifier.bias"])


@functools.cache
def _class_names() -> list[str]:
    """Of several names of a class the first, from timm's table, which takes no loading of timm itself."""
    synsets, names = (
        Path(str(distribution("timm").locate_file(f"timm/data/_info/imagenet_{table}.txt"))).read_text(
            "utf-8"
        )
        for table in ("synsets", "synset_to_lemma")
    )
    name_of = dict(line.split("\t", 1) for line in names.splitlines())
    return [name_of[synset].partition(",")[0] for synset in synsets.split()]
