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
    """The image as `preprocessing` would open it from a file.

    Raises:
        ImageError: it cannot be opened as an image.
        BadInputError: another kind of thing.
    """
    if isinstance(given, (str, Path, bytes)):
        return preprocessing.open(given)
    if isinstance(given, np.ndarray):
        if preprocessing.in_chans != 3:
            return image_of_array(given, preprocessing.in_chans)
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
    image = ImageOps.exif_transpose(given)  # an image that Pillow opened is not turned yet
    data = io.BytesIO()
    (image if image.mode in _WITH_EXTRAS else image.convert("RGB")).save(data, "PNG")
    return preprocessing.open(data.getvalue())
