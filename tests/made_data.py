"""Small made-up data sets for tests."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageFilter

if TYPE_CHECKING:
    from collections.abc import Mapping

REPOSITORY = Path(__file__).resolve().parent.parent


def write_images(
    folder: Path, classes: Mapping[str, int], *, size: tuple[int, int] = (48, 40), seed: int = 0
) -> Path:
    """Write `folder/<class>/<number>.jpg`, each file with bytes of its own, and return `folder`.

    Each class has a colour of its own with some noise on it, so that a linear head can tell them apart.
    The same arguments write the same bytes.
    """
    for index, (label, n) in enumerate(classes.items()):
        (folder / label).mkdir(parents=True, exist_ok=True)
        random = np.random.default_rng([seed, index])
        colour = np.random.default_rng(index).integers(0, 256, 3)
        for number in range(n):
            pixels = colour + random.normal(0, 20, (size[1], size[0], 3))
            image = Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
            image.save(folder / label / f"{number:03}.jpg", quality=90)
    return folder


def scene(seed=0, size=(240, 180)):
    """Rectangles of many tones on a slope of light: a picture with sharp edges."""
    random = np.random.default_rng(seed)
    pixels = np.zeros((size[1], size[0], 3)) + np.linspace(60, 160, size[0])[None, :, None]
    for _ in range(40):
        x, y = random.integers(0, size[0] - 20), random.integers(0, size[1] - 20)
        w, h = random.integers(8, 60, 2)
        pixels[y : y + h, x : x + w] = random.integers(0, 256, 3)
    return Image.fromarray(pixels.astype(np.uint8)).filter(ImageFilter.GaussianBlur(0.5))


def packed(image, kind="PNG", **how):
    """Bytes of an image as a file of this kind."""
    stream = io.BytesIO()
    image.save(stream, kind, **how)
    return stream.getvalue()


def rotten_png():
    """A PNG whose header and end are good and whose pixels are not."""
    data = bytearray(packed(scene(9)))
    at = data.index(b"IDAT") + 40
    data[at : at + 200] = b"\0" * 200
    return bytes(data)
