"""What arrays mean as images: which axis holds the bands, the scale of their values, how they are shown.

An array of bands is (height, width, bands) in the type it was stored in.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from bearwidgets.data.problems import REFUSED, UNSUPPORTED
from bearwidgets.errors import BadInputError, ImageError
from bearwidgets.figures import counted

if TYPE_CHECKING:
    from bearwidgets.data.formats.registry import ImageLike

VIEW_BYTES = 8
"""Memory that `view` takes for a px, the array not counted."""

FLOAT_BYTES = 6
"""Memory that `image_of` takes for a value, the array not counted."""

_ITEM_BYTES = 16  # of the longest float; no larger item is a number
_LOW, _HIGH = 2, 98  # percentiles that become black and white in a view
_STRIP = 2**20  # px of which floats are made at once
_LOOKED_AT = 2**19  # values a band whose percentiles are taken


def array_bands(values: np.ndarray) -> np.ndarray:
    """An array as (height, width, bands): the axis of the bands is the shortest of three, the first or the last.

    Raises:
        ImageError: It holds no numbers, or its shape is no image or can be read in two ways.
    """
    check_type(values.dtype)
    return bands_last(values, bands_axis(values.shape))


def as_floats(values: np.ndarray) -> np.ndarray:
    """Float32 of an array (height, width, bands): whole numbers divided by the greatest of their type.

    So unsigned ones lie in 0..1, and the zero of signed ones stays zero (they lie in -1..1). Floats are taken as
    they are; what is no finite number becomes the mean of the finite ones of its band, so that it pulls no
    statistics and spreads no further when the image is resized.

    Raises:
        ImageError: No value is a finite number.
    """
    floats = _floats(values)
    finite = np.isfinite(floats)
    if finite.all():
        return floats
    if not finite.any():
        raise ImageError("not one of its values is a finite number")
    floats[~finite] = 0
    counts = np.maximum(finite.sum((0, 1)), 1)
    means = (floats.sum((0, 1), dtype=np.float64) / counts).astype(np.float32)
    np.copyto(floats, means, where=~finite)
    return floats


def _floats(values: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):  # a double too large for float32 counts as infinite
        floats = values.astype(np.float32, order="C")
    if values.dtype.kind in "ui":
        floats /= np.float32(np.iinfo(values.dtype).max)
    return floats


def image_of(values: np.ndarray) -> ImageLike:
    """What an array (height, width, bands) is as an image: bytes of one or three bands stay bytes."""
    if values.dtype == np.uint8 and values.shape[2] in (1, 3):
        return Image.fromarray(np.ascontiguousarray(values if values.shape[2] == 3 else values[..., 0]))
    return as_floats(values)


def check_bands(found: int, in_chans: int) -> None:
    """Refuse an image of other bands than those that are wanted.

    Raises:
        ImageError: The reason, and what to do.
    """
    if found != in_chans:
        raise ImageError(
            f"it has {counted(found, 'band')}, but in_chans={in_chans} is asked for: "
            f"pass in_chans={found}, or take it out of the data"
        )


def check_in_chans(in_chans: object) -> None:
    """Raise a BadInputError unless it is a number of bands."""
    if isinstance(in_chans, bool) or not isinstance(in_chans, int) or in_chans < 1:
        raise BadInputError(
            f"in_chans is {in_chans!r}; allowed is the number of bands of the images, a whole number from 1 on."
        )


def view(values: np.ndarray) -> Image.Image:
    """An RGB image of an array (height, width, bands): its first three bands, or the first in gray.

    Each is stretched from its 2nd to its 98th percentile. Bytes of one or three bands are shown as they are.
    """
    height, width, bands = values.shape
    if values.dtype == np.uint8 and bands in (1, 3):
        return Image.fromarray(np.broadcast_to(values, (height, width, 3)).copy())
    shown = values[..., : 3 if bands >= 3 else 1]
    step = max(1, math.isqrt(height * width // _LOOKED_AT))
    some = as_floats(shown[::step, ::step])
    low, high = np.percentile(some, (_LOW, _HIGH), axis=(0, 1))
    low, spread = low.astype(np.float32), np.where(high > low, high - low, 1).astype(np.float32)
    means = some.mean((0, 1))
    pixels = np.empty((height, width, 3), np.uint8)
    rows = max(1, _STRIP // width)
    for top in range(0, height, rows):  # floats of all of it would take gigabytes
        floats = _floats(shown[top : top + rows])
        levels = (np.where(np.isfinite(floats), floats, means) - low) / spread
        pixels[top : top + rows] = (np.clip(levels, 0, 1) * 255).round()
    return Image.fromarray(pixels)


def check_type(dtype: np.dtype) -> None:
    """Refuse arrays of anything but real numbers."""
    if dtype.hasobject:
        raise ImageError(
            "an array of Python objects (a pickle), which is never opened; allowed are numbers", REFUSED
        )
    if dtype.kind not in "buif" or dtype.itemsize > _ITEM_BYTES:
        raise ImageError(
            f"an array of type {str(dtype)[:40]}; allowed are booleans, whole numbers and floats of real values",
            UNSUPPORTED,
        )


def bands_axis(shape: tuple[int, ...]) -> int | None:
    """Which axis holds the bands; None where there are only height and width."""
    if len(shape) == 2:
        return None
    if len(shape) == 3:
        first, middle, last = shape
        if last < min(first, middle):
            return 2
        if first < min(middle, last):
            return 0
    raise ImageError(
        f"an array of shape {shape if len(shape) < 9 else f'with {len(shape)} axes'} is no image; allowed are "
        "(height, width), and (height, width, bands) or (bands, height, width) with fewer bands than px on a side"
    )


def bands_last(values: np.ndarray, bands_at: int | None) -> np.ndarray:
    """The array as (height, width, bands)."""
    return values[..., None] if bands_at is None else np.moveaxis(values, bands_at, -1)
