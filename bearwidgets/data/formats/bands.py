"""Open images of any number of bands: photos as Pillow has them, all others as arrays of floats."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bearwidgets.data.formats.images import bytes_of, known_format
from bearwidgets.data.formats.limits import its_own_trouble, most_pixels
from bearwidgets.data.formats.rasters import array_bands, check_bands, check_in_chans, image_of

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

    from bearwidgets.data.formats.registry import ImageLike


@its_own_trouble
def open_bands(
    source: str | Path | bytes, in_chans: int, *, max_pixels: int | None = None, at_least: int | None = None
) -> ImageLike:
    """Open an image of `in_chans` bands: a file that Pillow knows, a NumPy array or a TIFF of many bands.

    Any photo will do for three bands and for one: it is made RGB or gray, as `open_image` does, and of a TIFF with
    several gray pages of 8 bits this is the first. Other numbers of bands have to be those of the file: the
    samples of a px (interleaved or planar), or the gray pages of equal size of a TIFF; of a NumPy array the
    shortest axis, which is the last or the first. `max_pixels` and `at_least` are as of `open_image`.

    Returns:
        A PIL image of mode RGB (3 bands) or L (1 band) where the values are bytes; else an array
        (h, w, in_chans) of float32: whole numbers divided by the greatest of their type (those of a gray photo by the
        greatest of the bits in use, 8 to 16), floats as they are, and what is no finite number replaced by the mean
        of its band.

    Raises:
        ImageError: The file is missing, of another format, broken or too large, or has other bands.
        BadInputError: `in_chans` is no whole number from 1 on.
    """
    check_in_chans(in_chans)
    most = max_pixels or most_pixels()
    with bytes_of(source) as data:
        found = known_format(data)
        if found.bands is not None:
            return found.bands(data, in_chans, most, at_least)
        image = found.open(data, most, at_least)
    if in_chans == 1:
        return image.convert("L")
    check_bands(3, in_chans)
    return image


def image_of_array(values: np.ndarray, in_chans: int) -> ImageLike:
    """The image that `open_bands` opens where this array, of two or three axes, lies in an `.npy` file.

    Raises:
        ImageError: It holds no numbers, or has other bands, or a shape that is no image.
    """
    values = array_bands(values)
    check_bands(values.shape[2], in_chans)
    return image_of(values)
