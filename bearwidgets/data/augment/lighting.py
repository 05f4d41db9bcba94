"""Changes of an image's values that move nothing: light, color, and a part that is blotted out."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from PIL import Image

_EDGE = 1e-7  # how near to 0 and 1 a value may come before its logit is taken
_TO_YIQ = np.array([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])
_FROM_YIQ = np.linalg.inv(_TO_YIQ)


def relight(pixels: np.ndarray, added: float, factor: float) -> np.ndarray:
    """Pixels whose logits are moved and then multiplied, as by fastai: nothing is cut off at black or white.

    Args:
        pixels: uint8 of any shape.
        added: To the logits of all values (of 0 to 255 as 0 to 1): positive is brighter.
        factor: Of the logits: above 1 is more contrast.

    Example:
        >>> relight(np.array([0, 64, 128, 255], np.uint8), 0, 2)
        array([  0,  26, 128, 255], dtype=uint8)
    """
    if not added and factor == 1:
        return pixels
    values = np.clip(np.arange(256) / 255, _EDGE, 1 - _EDGE)
    logits = (np.log(values / (1 - values)) + added) * factor
    table = (255 / (1 + np.exp(-logits))).round().astype(np.uint8)
    return table.take(pixels, mode="clip")


def relight_values(values: np.ndarray, added: float, factor: float) -> np.ndarray:
    """The same for values without bounds: distances to a band's mean are multiplied, its mean is moved.

    Args:
        values: (h, w, bands) float32.
        added: To all values, in standard deviations of their band.
        factor: Of the distances to the band's mean.
    """
    if not added and factor == 1:
        return values
    mean, spread = values.mean((0, 1)), values.std((0, 1))
    return (values - mean) * np.float32(factor) + (mean + np.float32(added) * spread)


def recolor(layer: Image.Image, saturation: float, hue: float) -> Image.Image:
    """An image of mode RGB whose colors are at other distances to gray, and turned about it; as bright as it was.

    Args:
        layer: An image of mode RGB.
        saturation: Factor of the distance to gray, 0 or more.
        hue: Degrees by which colors turn about the gray axis of the YIQ space.
    """
    if saturation == 1 and not hue:
        return layer
    angle = math.radians(hue)
    cos, sin = saturation * math.cos(angle), saturation * math.sin(angle)
    matrix = _FROM_YIQ @ np.array([[1, 0, 0], [0, cos, -sin], [0, sin, cos]]) @ _TO_YIQ
    return layer.convert("RGB", tuple(np.column_stack([matrix, np.zeros(3)]).ravel().tolist()))


def blot(pixels: np.ndarray, share: float, aspect: float, rng: np.random.Generator) -> np.ndarray:
    """Pixels with a rectangle of noise somewhere: Zhong et al., "Random erasing data augmentation" (2017).

    Args:
        pixels: (size, size, bands) uint8.
        share: Of the area.
        aspect: Height by width; where the rectangle would not fit, that side is cut.
        rng: Of the place and the noise.
    """
    size = len(pixels)
    width = min(size, max(1, round(size * math.sqrt(share / aspect))))
    height = min(size, max(1, round(size * math.sqrt(share * aspect))))
    left, top = rng.integers(size - width + 1), rng.integers(size - height + 1)
    pixels = pixels.copy()
    part = pixels[top : top + height, left : left + width]
    part[:] = rng.integers(0, 256, part.shape, dtype=np.uint8)
    return pixels
