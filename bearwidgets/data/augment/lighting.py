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
    """Pixels (uint8) whose logits are moved, then multiplied, as by fastai: nothing is cut off at black or white."""
    if not added and factor == 1:
        return pixels
    values = np.clip(np.arange(256) / 255, _EDGE, 1 - _EDGE)
    logits = (np.log(values / (1 - values)) + added) * factor
    table = (255 / (1 + np.exp(-logits))).round().astype(np.uint8)
    return table.take(pixels, mode="clip")


def relight_values(values: np.ndarray, added: float, factor: float) -> np.ndarray:
    """Values (h, w, bands) whose distances to the band's mean are multiplied; it is moved by so many deviations."""
    if not added and factor == 1:
        return values
    mean, spread = values.mean((0, 1)), values.std((0, 1))
    return (values - mean) * np.float32(factor) + (mean + np.float32(added) * spread)


def recolor(layer: Image.Image, saturation: float, hue: float) -> Image.Image:
    """An image of mode RGB, its distance to gray multiplied, its colors turned by degrees in YIQ; no brighter."""
    if saturation == 1 and not hue:
        return layer
    angle = math.radians(hue)
    cos, sin = saturation * math.cos(angle), saturation * math.sin(angle)
    matrix = _FROM_YIQ @ np.array([[1, 0, 0], [0, cos, -sin], [0, sin, cos]]) @ _TO_YIQ
    return layer.convert("RGB", tuple(np.column_stack([matrix, np.zeros(3)]).ravel().tolist()))


def blot(pixels: np.ndarray, share: float, aspect: float, rng: np.random.Generator) -> np.ndarray:
    """Pixels (size, size, bands) with a rectangle of noise somewhere: Zhong et al., "Random erasing" (2017).

    It takes a share of the area, and `aspect` is its height by width; where it would not fit, that side is cut.
    """
    size = len(pixels)
    width = min(size, max(1, round(size * math.sqrt(share / aspect))))
    height = min(size, max(1, round(size * math.sqrt(share * aspect))))
    left, top = rng.integers(size - width + 1), rng.integers(size - height + 1)
    pixels = pixels.copy()
    part = pixels[top : top + height, left : left + width]
    part[:] = rng.integers(0, 256, part.shape, dtype=np.uint8)
    return pixels
