"""From picture files to batches of pixels: the plain squeeze for evaluation, a random crop and flip for training.

Decoding runs in a few threads (Pillow lets go of the interpreter while it works), a few batches ahead.
"""

from __future__ import annotations

import collections
import math
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from bearwidgets.data.images import open_image
from bearwidgets.errors import ImageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from concurrent.futures import Future
    from pathlib import Path

RESAMPLING = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
_AHEAD = 4


@dataclass(frozen=True)
class Squeeze:
    """The whole picture at `size` × `size` px: nothing is cut off, the aspect ratio is not kept."""

    size: int
    interpolation: str = "bicubic"

    def __call__(self, image: Image.Image) -> np.ndarray:
        """Array (size, size, 3), uint8, of an RGB picture."""
        return np.asarray(
            image.resize((self.size, self.size), RESAMPLING[self.interpolation], reducing_gap=2.0)
        )


@dataclass(frozen=True)
class RandomCrop:
    """A random part of the picture (35–100 % of its area, aspect 3:4 to 4:3), flipped half of the time.

    The random resized crop of Szegedy et al., "Going deeper with convolutions" (2015), with fastai's `min_scale`.
    """

    size: int
    interpolation: str = "bicubic"
    min_scale: float = 0.35

    def __call__(self, image: Image.Image, rng: np.random.Generator) -> np.ndarray:
        """Array (size, size, 3), uint8, of an RGB picture."""
        width, height = image.size
        area = width * height * rng.uniform(self.min_scale, 1)
        aspect = math.exp(rng.uniform(math.log(3 / 4), math.log(4 / 3)))
        crop_width = min(width, max(1, round(math.sqrt(area * aspect))))
        crop_height = min(height, max(1, round(math.sqrt(area / aspect))))
        left, top = int(rng.integers(width - crop_width + 1)), int(rng.integers(height - crop_height + 1))
        part = image.resize(
            (self.size, self.size),
            RESAMPLING[self.interpolation],
            box=(left, top, left + crop_width, top + crop_height),
            reducing_gap=2.0,
        )
        pixels = np.asarray(part)
        return pixels[:, ::-1] if rng.random() < 0.5 else pixels


@dataclass(frozen=True)
class Batch:
    """Some pictures as pixels.

    Attributes:
        rows: (n,) int, which of the asked-for pictures these are.
        pixels: (n, size, size, 3) uint8.
        problems: row → reason, for pictures that could not be opened; they are in neither of the other two.
    """

    rows: np.ndarray
    pixels: np.ndarray
    problems: dict[int, str]


def load_batches(
    paths: Sequence[Path],
    batches: Iterable[Sequence[int]],
    transform: Squeeze | RandomCrop,
    *,
    at_least: int,
    seed: int = 0,
) -> Iterator[Batch]:
    """Yield the pictures of each batch, decoded in threads a few batches ahead.

    Args:
        paths: of all pictures.
        batches: for each batch the rows in `paths`.
        transform: picture → (size, size, 3) uint8; a random one gets a generator of its own for each picture.
        at_least: short side in px down to which a large JPEG may be decoded.
        seed: makes random transforms repeatable whatever thread runs them.
    """

    def load(row: int, number: int) -> np.ndarray | str:
        try:
            image = open_image(paths[row], at_least=at_least)
        except ImageError as error:
            return str(error)
        if isinstance(transform, Squeeze):
            return transform(image)
        return transform(image, np.random.default_rng((seed, number, row)))

    with ThreadPoolExecutor(max(1, min(8, os.cpu_count() or 1))) as pool:
        waiting: collections.deque[tuple[Sequence[int], list[Future[np.ndarray | str]]]] = collections.deque()
        try:
            for number, rows in enumerate(batches):
                waiting.append((rows, [pool.submit(load, row, number) for row in rows]))
                if len(waiting) > _AHEAD:
                    yield _collect(*waiting.popleft())
            while waiting:
                yield _collect(*waiting.popleft())
        finally:
            for _, futures in waiting:
                for future in futures:
                    future.cancel()


def _collect(rows: Sequence[int], futures: list[Future[np.ndarray | str]]) -> Batch:
    results = [future.result() for future in futures]
    good = [(row, each) for row, each in zip(rows, results, strict=True) if not isinstance(each, str)]
    problems = {row: each for row, each in zip(rows, results, strict=True) if isinstance(each, str)}
    pixels = np.stack([each for _, each in good]) if good else np.zeros((0, 0, 0, 3), np.uint8)
    return Batch(np.array([row for row, _ in good], dtype=np.int64), pixels, problems)
