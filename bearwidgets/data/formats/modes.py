"""From what a decoder gives to RGB: transparency over white, deep gray to 8 bits; large images strip by strip."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Iterator

_STRIP = 2**22  # px that are converted at once: working copies of more would take gigabytes
_TOPS = (1, 255, 1023, 4095, 16383, 65535)  # the greatest number of the bits in use: 8, 10, 12, 14 or 16
_MOST = 0.999  # share of the px that tells the bits in use; the others may be hot
_ABOUT_ONE = 1.05  # floats from 0 to 1 exceed it a little once they are resampled
_TRANSPARENT = {"RGBA", "LA", "PA", "RGBa", "La"}


def is_deep(image: Image.Image) -> bool:
    """Whether it is gray of more than 8 bits."""
    return image.mode in {"I", "F"} or image.mode.startswith("I;16")


def shrunk_rgb(image: Image.Image, factor: int) -> Image.Image:
    """The image in mode RGB, over white where it is transparent; a large one at 1/factor of its sides.

    An image of one strip keeps its size. Deep gray is brought to 8 bits, see `_deep_range`.
    """
    deep = _deep_range(image) if is_deep(image) else None
    width, height = image.size
    if width * height <= _STRIP:
        return _rgb(image, deep)
    shrunk = Image.new("RGB", (-(-width // factor), -(-height // factor)))
    for top, strip in _strips(image, factor):
        shrunk.paste(_rgb(strip, deep).reduce(factor), (0, top // factor))
    return shrunk


def deep_levels(image: Image.Image) -> Image.Image:
    """Deep gray in mode F: floats as they are, whole numbers divided by the greatest one of the bits in use."""
    if image.mode == "F":
        return image
    least, top = _deep_range(image)
    levels = (np.asarray(image, dtype=np.float32) - np.float32(least)) / np.float32(top)
    return Image.fromarray(np.minimum(levels, 1))


def digest(image: Image.Image) -> bytes:
    """Hash of the pixels."""
    sums = hashlib.blake2b(digest_size=16)
    for _, strip in _strips(image, 1):
        sums.update(strip.tobytes())
    return sums.digest()


def _rgb(image: Image.Image, deep: tuple[float, float] | None) -> Image.Image:
    if deep is not None:
        least, top = deep
        values = (_finite(image) - np.float32(least)) * np.float32(255 / top)
        return Image.fromarray(values.round().clip(0, 255).astype(np.uint8)).convert("RGB")
    if "transparency" in image.info or image.mode in _TRANSPARENT:
        if image.mode in {"RGBa", "La"}:
            image = image.convert("RGBA" if image.mode == "RGBa" else "LA")
        layer = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")


def _deep_range(image: Image.Image) -> tuple[float, float]:
    """What becomes black in an image of deep gray, and how far above it white is.

    From 0 to the greatest number of the bits in use, so that 12 bits in a file of 16 are not black, and images of one
    camera are brought to 8 bits alike; a thousandth of whole numbers may be above, so that a hot px does not darken
    all others. Negative and larger values are stretched from their least to their greatest.
    """
    ranges = np.array(
        [(each.min(), each.max()) for each in (_finite(strip) for _, strip in _strips(image, 1))]
    )
    least, greatest = float(ranges[:, 0].min()), float(ranges[:, 1].max())
    if least < 0 or greatest > _TOPS[-1]:
        return least, greatest - least or 1
    if greatest <= (_ABOUT_ONE if image.mode == "F" else 1):
        return 0, 1
    if image.mode != "F":
        greatest = _most_are_below(image)
    return 0, next(top for top in _TOPS[1:] if greatest <= top)


def _most_are_below(image: Image.Image) -> int:
    """The least value that all but a thousandth of the px, whole numbers up to 65,535, do not exceed."""
    counts = np.zeros(_TOPS[-1] + 1, dtype=np.int64)
    for _, strip in _strips(image, 1):
        counts += np.bincount(np.asarray(strip).ravel().astype(np.intp), minlength=len(counts))
    return int(np.searchsorted(counts.cumsum(), counts.sum() * _MOST))


def _finite(image: Image.Image) -> np.ndarray:
    return np.nan_to_num(np.asarray(image, dtype=np.float32), posinf=0, neginf=0)


def _strips(image: Image.Image, multiple: int) -> Iterator[tuple[int, Image.Image]]:
    """The image cut across: the top of each strip, a multiple of `multiple`, and the strip."""
    rows = max(1, _STRIP // (image.width * multiple)) * multiple
    for top in range(0, image.height, rows):
        yield top, image.crop((0, top, image.width, min(top + rows, image.height)))
