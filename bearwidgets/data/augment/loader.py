"""From image files to batches of pixels: each file is decoded once, kept small, and read ahead in threads.

Pillow lets go of the interpreter while it decodes and resamples, so a few threads keep all cores busy.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from bearwidgets.data.augment.transforms import Resize, layers_of, pixels_of
from bearwidgets.data.formats.limits import its_own_trouble
from bearwidgets.data.parallel import begun_ahead
from bearwidgets.errors import BadInputError, ImageError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Sequence
    from concurrent.futures import Future, ThreadPoolExecutor
    from pathlib import Path

    from bearwidgets.data.augment.augment import Augment
    from bearwidgets.data.formats.registry import ImageLike

_AHEAD = 4  # batches


class ImageFiles:
    """Images by their row, opened when they are first asked for and then kept in memory as long as there is room.

    What is over the budget (in bytes) is opened anew each time. What came first stays: an epoch asks for every
    image once, so keeping the latest ones instead would keep none until it is asked for again. An image is shrunk
    to a short side of `presize` px whether it is kept or not, so what one gets does not depend on what there was
    room for. Several threads may ask at once.

    Raises:
        BadInputError: `presize` is below 1, or the budget negative.
    """

    def __init__(
        self,
        paths: Sequence[Path | bytes],
        open: Callable[[Path | bytes], ImageLike],  # noqa: A002 - what it does
        *,
        presize: int | None,
        budget: int = 2**30,
    ) -> None:
        if presize is not None and presize < 1:
            raise BadInputError(f"presize is {presize!r}; allowed is a whole number of pixels from 1 on.")
        if budget < 0:
            raise BadInputError(f"budget is {budget!r}; allowed is a number of bytes from 0 on.")
        self._paths, self._open = paths, open
        self._presize, self._budget = presize, budget
        self._kept: dict[int, _Kept] = {}
        self.nbytes = 0  # that the kept images take
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._paths)

    def __getitem__(self, row: int) -> ImageLike:
        """The image of a row; an array is to be read only.

        Raises:
            ImageError: Its file cannot be used as an image.
        """
        kept = self._kept.get(row)
        if kept is not None:
            return kept.image()
        image = self._open(self._paths[row])
        if self._presize is not None:
            image = _shrunk(image, self._presize)
        if self.nbytes < self._budget:
            self._keep(row, _Kept.of(image))
        return image

    def _keep(self, row: int, kept: _Kept) -> None:
        with self._lock:
            if row not in self._kept and self.nbytes + kept.nbytes <= self._budget:
                self._kept[row] = kept
                self.nbytes += kept.nbytes


@dataclass(frozen=True)
class _Kept:
    """An image at a byte for each band and pixel, of which Pillow takes four for three bands; arrays as they are."""

    mode: str
    size: tuple[int, int]
    data: bytes | np.ndarray

    @classmethod
    def of(cls, image: ImageLike) -> _Kept:
        if isinstance(image, Image.Image):
            return cls(image.mode, image.size, image.tobytes())
        values = np.array(image, dtype=np.float32)
        values.flags.writeable = False
        return cls("", (0, 0), values)

    @property
    def nbytes(self) -> int:
        return self.data.nbytes if isinstance(self.data, np.ndarray) else len(self.data)

    def image(self) -> ImageLike:
        if isinstance(self.data, np.ndarray):
            return self.data
        return Image.frombytes(self.mode, self.size, self.data)


def _shrunk(image: ImageLike, presize: int) -> ImageLike:
    """The image with a short side of at most `presize` px, its aspect kept."""
    layers = layers_of(image)
    width, height = layers[0].size
    scale = presize / min(width, height)
    if scale >= 1:
        return image
    size = (round(width * scale), round(height * scale))
    small = [layer.resize(size, Image.Resampling.BICUBIC, reducing_gap=2.0) for layer in layers]
    return small[0] if isinstance(image, Image.Image) else pixels_of(small)


@dataclass(frozen=True)
class Batch:
    """Some images as pixels.

    Attributes:
        rows: (n,) int, which of the asked-for images these are.
        pixels: (n, size, size, bands), uint8 or (of arrays) float32.
        problems: row → reason, for images that could not be opened; they are in neither of the other two.
    """

    rows: np.ndarray
    pixels: np.ndarray
    problems: dict[int, str]


def load_batches(
    images: ImageFiles,
    batches: Iterable[Sequence[int]],
    transform: Resize | Augment,
    *,
    seed: int = 0,
    first: int = 0,
) -> Generator[Batch]:
    """Yield the pixels of each batch (rows of `images`), made in threads a few batches ahead.

    A random transform gets a generator of its own for each image, which follows from `seed`, the number of the batch
    and the row; so the pixels are the same whatever thread makes them. The batches are numbered from `first` on: a
    training that goes on half-way gets the same pixels as one that was never cut off.
    """

    @its_own_trouble
    def pixels(row: int, number: int) -> np.ndarray:
        if isinstance(transform, Resize):
            return transform(images[row])
        return transform(images[row], np.random.default_rng((seed, number, row)))

    def make(row: int, number: int) -> np.ndarray | str:
        try:
            return pixels(row, number)
        except ImageError as error:
            return str(error)

    def begin(pool: ThreadPoolExecutor, batch: tuple[int, Sequence[int]]) -> Future[Batch]:
        number, rows = batch
        made = [pool.submit(make, row, number) for row in rows]
        return pool.submit(_stack, rows, made, transform.size)

    return begun_ahead(begin, enumerate(batches, first), ahead=_AHEAD)


def _stack(rows: Sequence[int], futures: list[Future[np.ndarray | str]], size: int) -> Batch:
    results = [future.result() for future in futures]
    good = [(row, each) for row, each in zip(rows, results, strict=True) if not isinstance(each, str)]
    problems = {row: each for row, each in zip(rows, results, strict=True) if isinstance(each, str)}
    if len({each.dtype for _, each in good}) > 1:  # bytes beside floats from 0 to 1: one scale for both
        good = [(row, each / np.float32(255) if each.dtype == np.uint8 else each) for row, each in good]
    pixels = np.stack([each for _, each in good]) if good else np.zeros((0, size, size, 3), np.uint8)
    return Batch(np.array([row for row, _ in good], dtype=np.int64), pixels, problems)
