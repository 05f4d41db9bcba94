"""Arrays of bands: NumPy's `.npy` files, checked by their headers before they are read, and what arrays mean.

An array of bands is (height, width, bands) in the type it was stored in. Nothing in a file is ever executed:
arrays of Python objects, which are pickles, are refused by their header.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
from PIL import Image

from bearwidgets.errors import ImageError

if TYPE_CHECKING:
    from pathlib import Path

NPY_START = b"\x93NUMPY"

MAX_VALUES = 2**27
"""Width times height times bands above which an array is refused: 512 MB as float32."""

_ITEM_BYTES = 16  # of the longest float; no larger item is a number
_LOW, _HIGH = 2, 98  # percentiles that become black and white in a view
_LOOKED_AT = 2**19  # values a band whose percentiles are taken
_READERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


@dataclass(frozen=True)
class NpyHeader:
    """What the head of an `.npy` file says.

    Attributes:
        shape: As stored: (h, w), (h, w, bands) or (bands, h, w).
        bands_at: The axis of the bands, 0 or 2; None where there is no such axis.
        dtype: Of the values: booleans, whole numbers or floats.
        fortran: Whether the first axis runs fastest.
        start: Where the values begin, in bytes.
    """

    shape: tuple[int, ...]
    bands_at: int | None
    dtype: np.dtype
    fortran: bool
    start: int

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in px."""
        height, width = (n for axis, n in enumerate(self.shape) if axis != self.bands_at)
        return width, height


def npy_header(source: bytes | Path, max_pixels: int) -> NpyHeader:
    """Read and check the header of an `.npy` file, and that the file is long enough for it.

    Raises:
        ImageError: It is no array of numbers, of a shape that is no picture, too large, or cut off.
    """
    if isinstance(source, bytes):
        return _header(io.BytesIO(source), len(source), max_pixels)
    try:
        with source.open("rb") as file:
            return _header(file, source.stat().st_size, max_pixels)
    except OSError as error:
        raise ImageError(f"cannot be read: {(error.strerror or str(error)).lower()}") from error


def read_npy(source: bytes | Path, max_pixels: int) -> np.ndarray:
    """The array (height, width, bands) of an `.npy` file, in its own type; a file's is mapped, not read.

    Raises:
        ImageError: As `npy_header`.
    """
    header = npy_header(source, max_pixels)
    if isinstance(source, bytes):
        count = math.prod(header.shape)
        values = np.frombuffer(source, header.dtype, count, header.start)
        values = values.reshape(header.shape, order="F" if header.fortran else "C")
    else:
        try:
            values = np.load(source, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError) as error:  # changed since its header was looked at
            raise ImageError(f"broken NumPy array: it cannot be read ({error})") from error
    return _bands_last(values, header.bands_at)


def array_bands(values: np.ndarray) -> np.ndarray:
    """An array as (height, width, bands): the axis of the bands is the shortest of three, the first or the last.

    Raises:
        ImageError: It holds no numbers, or its shape is no picture or can be read in two ways.

    Example:
        >>> array_bands(np.zeros((5, 40, 60))).shape
        (40, 60, 5)
    """
    _check_type(values.dtype)
    return _bands_last(values, _bands_axis(values.shape))


def as_floats(values: np.ndarray) -> np.ndarray:
    """Float32 of an array (height, width, bands): whole numbers divided by the greatest of their type.

    So unsigned ones lie in 0..1, and the zero of signed ones stays zero (they lie in -1..1). Floats are taken as
    they are; what is no finite number becomes the mean of the finite ones of its band, so that it pulls no
    statistics and spreads no further when the picture is resized.

    Raises:
        ImageError: No value is a finite number.
    """
    if values.dtype.kind in "ui":
        return values.astype(np.float32, order="C") / np.float32(np.iinfo(values.dtype).max)
    with np.errstate(over="ignore"):  # a double too large for float32 counts as infinite
        floats = values.astype(np.float32, order="C")
    finite = np.isfinite(floats)
    if finite.all():
        return floats
    if not finite.any():
        raise ImageError("not one of its values is a finite number")
    floats[~finite] = 0
    counts = np.maximum(finite.sum((0, 1)), 1)
    means = (floats.sum((0, 1), dtype=np.float64) / counts).astype(np.float32)
    return np.where(finite, floats, means)


def view(values: np.ndarray) -> Image.Image:
    """An RGB picture of an array (height, width, bands): its first three bands, or the first in grey.

    Each is stretched from its 2nd to its 98th percentile. Bytes of one or three bands are shown as they are.
    """
    height, width, bands = values.shape
    if values.dtype == np.uint8 and bands in (1, 3):
        return Image.fromarray(np.broadcast_to(values, (height, width, 3)).copy())
    shown = as_floats(values[..., : 3 if bands >= 3 else 1])
    step = max(1, math.isqrt(height * width // _LOOKED_AT))
    low, high = np.percentile(shown[::step, ::step], (_LOW, _HIGH), axis=(0, 1))
    low, spread = low.astype(np.float32), np.where(high > low, high - low, 1).astype(np.float32)
    pixels = np.clip((shown - low) / spread, 0, 1)
    return Image.fromarray(
        np.broadcast_to((pixels * 255).round().astype(np.uint8), (height, width, 3)).copy()
    )


def check_extent(what: str, width: int, height: int, bands: int, max_pixels: int) -> None:
    """Refuse an empty or too large array before it is read.

    Raises:
        ImageError: The reason.
    """
    if min(width, height, bands) < 1:
        raise ImageError(f"{what} of {width} x {height} px and {bands} bands: there is no picture in it")
    if width * height > max_pixels:
        raise ImageError(f"too large: {width} x {height} px, the limit is {max_pixels / 1e6:.0f} million px")
    if width * height * bands > MAX_VALUES:
        raise ImageError(
            f"too large: {width} x {height} px of {bands} bands, the limit is {MAX_VALUES / 1e6:.0f} million values"
        )


def _header(file: BinaryIO, length: int, max_pixels: int) -> NpyHeader:
    try:
        shape, fortran, dtype = _READERS[np.lib.format.read_magic(file)](file)
    except Exception as error:  # a hostile header makes the parser raise anything
        raise ImageError(f"broken NumPy array: its header cannot be read ({length:,} bytes)") from error
    _check_type(dtype)
    header = NpyHeader(shape, _bands_axis(shape), dtype, fortran, file.tell())
    bands = 1 if header.bands_at is None else shape[header.bands_at]
    check_extent("NumPy array", *header.size, bands, max_pixels)
    if length - header.start < math.prod(shape) * dtype.itemsize:
        raise ImageError("cut off: the file ends before the array does")
    return header


def _check_type(dtype: np.dtype) -> None:
    if dtype.hasobject:
        raise ImageError("an array of Python objects (a pickle), which is never opened; allowed are numbers")
    if dtype.kind not in "buif" or dtype.itemsize > _ITEM_BYTES:
        raise ImageError(
            f"an array of type {str(dtype)[:40]}; allowed are booleans, whole numbers and floats of real values"
        )


def _bands_axis(shape: tuple[int, ...]) -> int | None:
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
        f"an array of shape {shape if len(shape) < 9 else f'with {len(shape)} axes'} is no picture; allowed are "
        "(height, width), and (height, width, bands) or (bands, height, width) with fewer bands than px on a side"
    )


def _bands_last(values: np.ndarray, bands_at: int | None) -> np.ndarray:
    return values[..., None] if bands_at is None else np.moveaxis(values, bands_at, -1)
