"""Small made-up data sets for tests."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

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
