"""Open images of any number of bands: photos as Pillow has them, all others as arrays of floats."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from bearwidgets.data.formats.images import MAX_PIXELS, decode, read_bytes, sniff, to_rgb
from bearwidgets.data.formats.rasters import NPY_START, array_bands, as_floats, read_npy
from bearwidgets.data.formats.tiffs import is_photo, read_tiff, tiff_header
from bearwidgets.errors import BadInputError, ImageError

if TYPE_CHECKING:
    from bearwidgets.data.augment.transforms import Picture

_MOST_PHOTO_BANDS = 4  # red, green, blue and how opaque
_DEEP = 65535  # what Pillow's grey modes of more than 8 bits go up to in a PNG or TIFF
_COLOUR_MODES = {"LA": 2, "RGBA": 4, "CMYK": 4}


def open_bands(
    source: str | Path | bytes, in_chans: int, *, max_pixels: int = MAX_PIXELS, at_least: int | None = None
) -> Picture:
    """Open an image of `in_chans` bands: a file that Pillow knows, a NumPy array or a TIFF of many bands.

    Any photo will do for three bands and for one: it is made RGB or grey, as `open_image` does, and of a TIFF with
    several grey pages of 8 bits this is the first. Other numbers of bands have to be those of the file: the
    samples of a px (interleaved or planar), or the grey pages of equal size of a TIFF; of a NumPy array the
    shortest axis, which is the last or the first.

    Args:
        source: A path, or the bytes of a file.
        in_chans: How many bands are wanted, 1 or more.
        max_pixels: The largest width times height that is decoded.
        at_least: As of `open_image`: a short side in px that suffices, for which a large JPEG is decoded smaller.

    Returns:
        A PIL image of mode RGB (3 bands) or L (1 band) where the values are bytes; else an array
        (h, w, in_chans) of float32: whole numbers divided by the greatest of their type, floats as they are, and
        what is no finite number replaced by the mean of its band.

    Raises:
        ImageError: The file is missing, of another format, broken or too large, or has other bands.
        BadInputError: `in_chans` is no whole number from 1 on.

    Example:
        >>> open_bands("fields/wheat/7.npy", 5).shape  # doctest: +SKIP
        (64, 64, 5)
    """
    check_in_chans(in_chans)
    npy = _npy_of(source)
    if npy is not None:
        return _picture(read_npy(npy, max_pixels), in_chans)
    data = source if isinstance(source, bytes) else read_bytes(source)
    if sniff(data[:16]) == "TIFF":
        header = tiff_header(data)
        as_photo = in_chans == 3 or (in_chans == 1 and not header.strange_grey)
        if not (as_photo and header.samples <= _MOST_PHOTO_BANDS and is_photo(data, header)):
            _check_bands(header.bands, in_chans)
            return _picture(read_tiff(data, header, max_pixels), in_chans)
    if in_chans == 3:
        return decode(data, to_rgb, max_pixels=max_pixels, at_least=at_least)
    if in_chans == 1:
        return _grey(decode(data, _to_grey, max_pixels=max_pixels, at_least=at_least))
    image = decode(data, lambda picture: picture, max_pixels=max_pixels)
    _check_bands(_COLOUR_MODES.get(image.mode, 1 if _is_grey(image) else 3), in_chans)
    return as_floats(np.asarray(image))


def picture_of_array(values: np.ndarray, in_chans: int) -> Picture:
    """The same picture that `open_bands` opens where this array lies in an `.npy` file.

    Args:
        values: (h, w), (h, w, bands) or (bands, h, w) of booleans, whole numbers or floats.
        in_chans: How many bands are wanted.

    Raises:
        ImageError: It holds no numbers, or has other bands, or a shape that is no picture.

    Example:
        >>> picture_of_array(np.full((4, 8, 8), 51, np.uint8), 4)[0, 0]
        array([0.2, 0.2, 0.2, 0.2], dtype=float32)
    """
    return _picture(array_bands(values), in_chans)


def check_in_chans(in_chans: object) -> None:
    """Raise a BadInputError unless it is a number of bands."""
    if isinstance(in_chans, bool) or not isinstance(in_chans, int) or in_chans < 1:
        raise BadInputError(
            f"in_chans is {in_chans!r}; allowed is the number of bands of the images, a whole number from 1 on."
        )


def _npy_of(source: str | Path | bytes) -> bytes | Path | None:
    """The source if it is an `.npy` file; a path stays a path, so that the file can be mapped."""
    if isinstance(source, bytes):
        return source if source.startswith(NPY_START) else None
    path = Path(source)
    try:
        with path.open("rb") as file:
            return path if file.read(len(NPY_START)) == NPY_START else None
    except OSError:
        return None  # `read_bytes` says why


def _picture(values: np.ndarray, in_chans: int) -> Picture:
    """What an array (height, width, bands) means as a picture of `in_chans` bands."""
    _check_bands(values.shape[2], in_chans)
    if values.dtype == np.uint8 and in_chans in (1, 3):
        return Image.fromarray(np.ascontiguousarray(values if in_chans == 3 else values[..., 0]))
    return as_floats(values)


def _check_bands(found: int, in_chans: int) -> None:
    if found != in_chans:
        raise ImageError(
            f"it has {found} band{'s' if found > 1 else ''}, but in_chans={in_chans} is asked for: "
            f"pass in_chans={found}, or take it out of the data"
        )


def _to_grey(picture: Image.Image) -> Image.Image:
    return picture if _is_deep(picture) else to_rgb(picture).convert("L")


def _grey(picture: Image.Image) -> Picture:
    """A picture of mode L as it is, a deeper one as floats (h, w, 1)."""
    if picture.mode == "L":
        return picture
    values = np.asarray(picture, dtype=np.float32)[..., None]
    return as_floats(values if picture.mode == "F" else values / _DEEP)


def _is_deep(picture: Image.Image) -> bool:
    return picture.mode in {"I", "F"} or picture.mode.startswith("I;16")


def _is_grey(picture: Image.Image) -> bool:
    return _is_deep(picture) or picture.mode in {"1", "L"}
