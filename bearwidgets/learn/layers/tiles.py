"""What a person sees of a layer: kernels, patches of images, maps; all as arrays of colors."""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bearwidgets.learn.layers.fields import Layer
    from bearwidgets.learn.layers.responses import LayerResponses, Response

GRAY = 128  # around a patch that ends at the border of its image
_FINE = 24  # px; smaller patches are enlarged pixel by pixel


def kernels(weight: np.ndarray) -> np.ndarray:
    """Kernels (n, bands, h, w) as colors (n, h, w, 3), uint8, all on one scale: gray is 0.

    Of other than three bands the mean over the bands is shown, in gray.
    """
    shown = weight if weight.shape[1] == 3 else weight.mean(1, keepdims=True).repeat(3, 1)
    most = float(np.abs(shown).max()) or 1.0
    return np.round(127.5 + 127.5 * shown / most).astype(np.uint8).transpose(0, 2, 3, 1)


def as_colors(pixels: np.ndarray) -> np.ndarray:
    """Pixels (h, w, bands) as (h, w, 3), uint8; of many bands the first three, from their least to their greatest."""
    shown = pixels if pixels.shape[2] >= 3 else pixels[:, :, :1].repeat(3, 2)
    shown = shown[:, :, :3]
    if shown.dtype == np.uint8:
        return shown
    low, high = np.nanmin(shown), np.nanmax(shown)
    return np.nan_to_num((shown - low) / ((high - low) or 1) * 255).astype(np.uint8)


def patch(pixels: np.ndarray, box: tuple[int, int, int, int], layer: Layer, px: int) -> Image.Image:
    """What a unit sees, `px` × `px`; gray where its receptive field reaches over the border of the image."""
    height, width = layer.field
    left, top = _origin(box[0], box[2], width), _origin(box[1], box[3], height)
    scale = px / max(height, width)
    cut = Image.fromarray(as_colors(pixels)).crop(box)
    size = (max(1, round(cut.width * scale)), max(1, round(cut.height * scale)))
    way = Image.Resampling.NEAREST if max(height, width) < _FINE else Image.Resampling.BICUBIC
    square = Image.new("RGB", (px, px), (GRAY,) * 3)
    spare = (max(height, width) - width) * scale / 2, (max(height, width) - height) * scale / 2
    corner = round((box[0] - left) * scale + spare[0]), round((box[1] - top) * scale + spare[1])
    square.paste(cut.resize(size, way), corner)
    return square


def _origin(first: int, last: int, field: int) -> int:
    """Where a receptive field of that length would begin that is clipped to first … last."""
    return last - field if first == 0 else first


def mosaic(responses: LayerResponses, layer: Layer, found: Sequence[Response], px: int) -> Image.Image:
    """The patches of a channel in a square of squares, the strongest first, each of `px` px with a gap of 2."""
    side = max(1, math.ceil(math.sqrt(len(found))))
    across = side * (px + 2) - 2
    whole = Image.new("RGB", (across, across), (GRAY,) * 3)
    for number, each in enumerate(found):
        row, column = divmod(number, side)
        one = patch(responses.pixels(each.id), each.box, layer, px)
        whole.paste(one, (column * (px + 2), row * (px + 2)))
    return whole


def heat(values: np.ndarray, top: float) -> Image.Image:
    """A map (h, w) in gray: black is 0 and below, white is `top` and above."""
    scaled = np.clip(np.nan_to_num(values) / (top if top > 0 else 1.0), 0, 1)
    return Image.fromarray(np.round(255 * scaled).astype(np.uint8))


def encoded(image: Image.Image, kind: str = "JPEG", *, quality: int = 85) -> bytes:
    """The bytes of a file: "JPEG" for patches, "PNG" for kernels and maps."""
    out = io.BytesIO()
    image.save(out, kind, **({"quality": quality} if kind == "JPEG" else {}))
    return out.getvalue()
