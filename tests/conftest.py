"""Fixtures that every test may use: the real data, small made-up folders, a cache of the test's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from made_data import REPOSITORY, write_images

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


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


@pytest.fixture
def make_images() -> Callable[..., Path]:
    """`make_images(folder, {"black": 4, "teddy": 3})` writes such a folder of classes and returns it."""
    return write_images


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """A folder of three classes with eight images each."""
    return write_images(tmp_path / "images", {"black": 8, "grizzly": 8, "teddy": 8})
