"""How an image, or whatever a user gives as one, becomes the body's input: opened, resized, scaled, normalized."""

from __future__ import annotations

import io
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image, ImageOps

from bearwidgets.data.augment.transforms import Resize, check_square
from bearwidgets.data.formats.bands import image_of_array, open_bands
from bearwidgets.data.formats.rasters import check_in_chans
from bearwidgets.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bearwidgets.data.formats.registry import ImageLike

PRESIZE = 1.5  # an image is kept so much larger than the network sees it, for what crops it
_BYTE = 255
_LARGEST = 8192  # px of a side; a file that asks for more is damaged or means harm
_GREATEST = float(np.finfo(np.float32).max)
_WITH_EXTRAS = ("RGBA", "LA", "P", "L", "I;16", "1")  # modes that a PNG holds as they are
_PROJECTED = 3  # what a projection leaves of the bands


@dataclass(frozen=True)
class Projection:
    """A linear map from the bands of a pixel to three channels, `matrix @ bands + offset`."""

    matrix: tuple[tuple[float, ...], ...]
    offset: tuple[float, ...]

    def __call__(self, pixels: torch.Tensor) -> torch.Tensor:
        """Channels (..., 3) of pixels (..., bands)."""
        matrix = torch.tensor(self.matrix, device=pixels.device, dtype=pixels.dtype)
        return pixels @ matrix.T + torch.tensor(self.offset, device=pixels.device, dtype=pixels.dtype)


@dataclass(frozen=True)
class Preprocessing:
    """How an image becomes the body's input; all of it is saved with a learner."""

    size: int  # side of the square that the body sees, px
    mean: tuple[float, ...]  # of each channel, subtracted once the values are scaled to [0, 1] and projected
    std: tuple[float, ...]  # of each channel, what is divided by then
    interpolation: str = "bicubic"
    resize: str = "squish"  # the method of `Resize`
    in_chans: int = 3  # bands of an image
    pca: Projection | None = None  # map from these to three channels; None where the body takes the bands

    def __post_init__(self) -> None:
        check_square(self.size, self.resize, self.interpolation)

    @property
    def channels(self) -> int:
        """Channels that the body takes: the bands of an image, or the three that the projection leaves."""
        return self.in_chans if self.pca is None else _PROJECTED

    @property
    def resizer(self) -> Resize:
        """Image → pixels (size, size, bands): uint8 of a PIL image, float32 of an array."""
        return Resize(self.size, self.resize, self.interpolation)

    def open(self, source: str | Path | bytes, at_least: int | None = None) -> ImageLike:
        """Open an image of `in_chans` bands, a large JPEG at a half, a quarter or an eighth where that suffices.

        `at_least` is the short side in px that suffices; `size` if not given. A training that crops needs more.
        """
        return open_bands(source, self.in_chans, at_least=self.size if at_least is None else at_least)

    def normalize(self, pixels: np.ndarray, device: torch.device) -> torch.Tensor:
        """What the body takes: a float tensor (n, channels, h, w), channels last in memory.

        Pixels are (n, h, w, bands), uint8 (0 to 255) or float32 (as they are).
        """
        if pixels.ndim != 4 or pixels.shape[3] != self.in_chans:
            raise BadInputError(
                f"Pixels of shape {pixels.shape} came; allowed are (n, height, width, {self.in_chans})."
            )
        scale = _BYTE if pixels.dtype == np.uint8 else 1
        tensor = torch.from_numpy(pixels).to(device).float()
        if self.pca is not None:
            tensor, scale = self.pca(tensor / scale), 1
        mean = torch.tensor(self.mean, device=device) * scale
        std = torch.tensor(self.std, device=device) * scale
        return ((tensor - mean) / std).permute(0, 3, 1, 2)

    def as_metadata(self) -> dict[str, Any]:
        """All of it, as JSON can hold it; `from_metadata` reads it."""
        return json.loads(json.dumps(asdict(self)))  # lists where tuples were

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, Any]) -> Preprocessing:
        """What `as_metadata` gave, which may lie among other entries; resize, in_chans and pca may be missing."""
        try:
            size, interpolation = metadata["size"], metadata["interpolation"]
            resize, in_chans = metadata.get("resize", "squish"), metadata.get("in_chans", 3)
            pca = metadata.get("pca")
            check_in_chans(in_chans)
            projection = None if pca is None else _projection(pca, in_chans)
            channels = in_chans if projection is None else _PROJECTED
            mean, std = check_statistics(metadata["mean"], metadata["std"], channels)
            made = cls(size, mean, std, interpolation, resize, in_chans, projection)
        except (BadInputError, KeyError, TypeError, AttributeError) as error:
            what = f"it lacks {error}" if isinstance(error, KeyError) else str(error)
            raise BadInputError(f"The preprocessing in the metadata is damaged: {what}") from error
        if size > _LARGEST:
            raise BadInputError(
                f"The preprocessing in the metadata is damaged: its size is {size} px; at most {_LARGEST} px are "
                "allowed."
            )
        return made


def check_statistics(mean: object, std: object, channels: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation as tuples of one float for each channel."""
    means, stds = _numbers("mean", mean, channels), _numbers("std", std, channels)
    if np.float32(min(stds)) <= 0:
        raise BadInputError(f"std is {list(stds)!r}; allowed are numbers above 0.")
    return means, stds


def _projection(pca: Mapping[str, Any], in_chans: int) -> Projection:
    rows: Sequence[Any] = pca["matrix"]
    if not isinstance(rows, (list, tuple)) or len(rows) != _PROJECTED:
        raise BadInputError(f"the matrix of pca has other than {_PROJECTED} rows.")
    matrix = tuple(_numbers("a row of pca", row, in_chans) for row in rows)
    return Projection(matrix, _numbers("the offset of pca", pca["offset"], _PROJECTED))


def _numbers(name: str, values: object, count: int) -> tuple[float, ...]:
    listed = isinstance(values, (list, tuple, np.ndarray))
    if not listed or len(values) != count or not all(map(_is_finite, values)):
        raise BadInputError(
            f"{name} is {str(values)[:100]}; allowed is a list of {count} finite numbers, one for each channel."
        )
    return tuple(map(float, values))


def _is_finite(value: object) -> bool:
    real = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    return real and bool(-_GREATEST <= value <= _GREATEST)


def as_image(given: object, preprocessing: Preprocessing) -> ImageLike:
    """The image as `preprocessing` would open it from a file."""
    if isinstance(given, np.ndarray) and preprocessing.in_chans != 3:
        return image_of_array(given, preprocessing.in_chans)
    return preprocessing.open(as_file(given))


def as_file(given: object) -> str | Path | bytes:
    """A path or the bytes of a file as they are; a PIL image or an array of uint8 as the bytes of a PNG.

    Equal bytes mean equal images: palette, transparency and the turn that a camera noted are in them.
    """
    if isinstance(given, (str, Path, bytes)):
        return given
    if isinstance(given, np.ndarray):
        color = given.ndim == 3 and given.shape[2] in (3, 4)
        if given.dtype != np.uint8 or not (given.ndim == 2 or color) or not given.size:
            raise BadInputError(
                f"An array of shape {given.shape} and type {given.dtype} is no image; allowed are (h, w), "
                "(h, w, 3) and (h, w, 4) of uint8."
            )
        given = Image.fromarray(given)
    if not isinstance(given, Image.Image):
        raise BadInputError(
            f"{type(given).__name__} is no image; allowed are a path, bytes, a PIL image or an array."
        )
    image = ImageOps.exif_transpose(given)  # Pillow opens an image without turning it
    data = io.BytesIO()
    (image if image.mode in _WITH_EXTRAS else image.convert("RGB")).save(data, "PNG", compress_level=1)
    return data.getvalue()
