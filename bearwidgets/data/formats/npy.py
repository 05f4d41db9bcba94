"""NumPy's `.npy` files, checked by their headers before they are read.

Nothing in a file is ever executed: arrays of Python objects, which are pickles, are refused by their header.
"""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bearwidgets.data.formats.limits import check_extent, decoding
from bearwidgets.data.formats.rasters import (
    FLOAT_BYTES,
    VIEW_BYTES,
    bands_axis,
    bands_last,
    check_bands,
    check_type,
    image_of,
    view,
)
from bearwidgets.data.formats.registry import Format, ImageLike, register
from bearwidgets.errors import ImageError

if TYPE_CHECKING:
    from PIL import Image

_READERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


class _Header(NamedTuple):
    shape: tuple[int, ...]  # (h, w), (h, w, bands) or (bands, h, w)
    bands_at: int | None  # the axis of the bands; None where there is no such axis
    dtype: np.dtype
    fortran: bool  # the first axis runs fastest
    start: int  # byte at which the values begin

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in px."""
        height, width = (n for axis, n in enumerate(self.shape) if axis != self.bands_at)
        return width, height


def _header(data: bytes, max_pixels: int) -> _Header:
    file = io.BytesIO(data)
    try:
        shape, fortran, dtype = _READERS[np.lib.format.read_magic(file)](file)
    except Exception as error:  # a hostile header makes the parser raise anything
        raise ImageError(f"broken NumPy array: its header cannot be read ({len(data):,} bytes)") from error
    check_type(dtype)
    if any(type(side) is not int for side in shape):  # True is a number to the parser
        raise ImageError(f"broken NumPy array: its shape is {str(shape)[:100]}")
    header = _Header(shape, bands_axis(shape), dtype, fortran, file.tell())
    bands = 1 if header.bands_at is None else shape[header.bands_at]
    check_extent("NumPy array", *header.size, bands, max_pixels)
    if len(data) - header.start < math.prod(shape) * dtype.itemsize:
        raise ImageError("cut off: the file ends before the array does")
    return header


def _read(data: bytes, max_pixels: int) -> np.ndarray:
    """The array (height, width, bands), in its own type."""
    header = _header(data, max_pixels)
    values = np.frombuffer(data, header.dtype, math.prod(header.shape), header.start)
    return bands_last(values.reshape(header.shape, order="F" if header.fortran else "C"), header.bands_at)


def _size(data: bytes, max_pixels: int) -> tuple[int, int]:
    return _header(data, max_pixels).size


def _open(data: bytes, max_pixels: int, _at_least: int | None) -> Image.Image:
    values = _read(data, max_pixels)
    with decoding("NumPy array", values.shape[0] * values.shape[1] * VIEW_BYTES, max_pixels):
        return view(values)


def _bands(data: bytes, in_chans: int, max_pixels: int, _at_least: int | None) -> ImageLike:
    values = _read(data, max_pixels)
    check_bands(values.shape[2], in_chans)
    with decoding("NumPy array", values.size * FLOAT_BYTES, max_pixels):
        return image_of(values)


register(
    Format("NPY", rb"\x93NUMPY", "npy", size=_size, open=_open, bands=_bands, title="NumPy arrays (.npy)")
)
