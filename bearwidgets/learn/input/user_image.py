"""One image from whatever a user gives: a path, a file's bytes, a PIL image, an array."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageOps

from bearwidgets.data.formats.bands import image_of_array
from bearwidgets.errors import BadInputError

if TYPE_CHECKING:
    from bearwidgets.data.formats.registry import ImageLike
    from bearwidgets.learn.input.preprocessing import Preprocessing

_WITH_EXTRAS = ("RGBA", "LA", "P", "L", "I;16", "1")


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
