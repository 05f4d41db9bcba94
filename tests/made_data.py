"""Small made-up data sets for tests."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageFilter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bearwidgets.data.dataset import Dataset

REPOSITORY = Path(__file__).resolve().parent.parent
CLASSES = ["black", "grizzly", "teddy"]
TINY = {"arch": "test_resnet", "weights": None, "size": 32}  # a learner that is trained in a second


class Bomb:
    """A pickle of it makes a folder where it is opened."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self):
        return os.mkdir, (str(self.mark),)


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


def clouds(n: int, n_classes: int, apart: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Features (n, 12) in a cloud a class, so far apart, and their class numbers."""
    random = np.random.default_rng(seed)
    target = np.arange(n) % n_classes
    return random.normal(size=(n, 12)) + apart * np.eye(n_classes, 12)[target], target


def squeezed(path: Path) -> np.ndarray:
    """The pixels that a bilinear network of 32 px is given of an image file."""
    image = Image.open(path).convert("RGB")
    return np.asarray(image.resize((32, 32), Image.Resampling.BILINEAR, reducing_gap=2.0))


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


def save_image(path: Path, color: object = "red", size: tuple[int, int] = (20, 10)) -> Path:
    """Write an image of one color, as PNG whatever its name, and its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, color).save(path, "PNG")
    return path


def reasons(ds: Dataset) -> dict[str, str]:
    """Path → reason of what could not be used."""
    return dict(zip(ds.problems["path"], ds.problems["reason"], strict=True))
