"""Fixtures that every test may use: the real data, small made-up folders, a cache of the test's own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder with the real data sets (`bears`, `cifar10n`), which lies beside the repository."""
    folder = REPOSITORY.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"the real data sets are not on this machine: no folder {folder}")
    return folder


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep every test out of the user's cache folder."""
    monkeypatch.setenv("BEARWIDGETS_CACHE", str(tmp_path_factory.mktemp("cache")))


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


@pytest.fixture
def make_images() -> Callable[..., Path]:
    """`make_images(folder, {"black": 4, "teddy": 3})` writes such a folder of classes and returns it."""
    return write_images


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """A folder of three classes with eight images each."""
    return write_images(tmp_path / "images", {"black": 8, "grizzly": 8, "teddy": 8})
