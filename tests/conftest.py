"""Fixtures that every test may use: the real data, small made-up folders, a cache of the test's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import hypothesis
import pytest
from install_browser import FLAGS, find_browser
from made_data import CLASSES, REPOSITORY, TINY, write_images

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser

    from bearwidgets.data.dataset import Dataset
    from bearwidgets.learn.learner import Learner


# How long one example takes says more about the machine than about the code.
hypothesis.settings.register_profile("bearwidgets", deadline=None)
hypothesis.settings.load_profile("bearwidgets")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder with the real data sets (`bears`, `cifar10n`), which lies beside the repository."""
    folder = REPOSITORY.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"the real data sets are not on this machine: no folder {folder}")
    return folder


@pytest.fixture(scope="session", autouse=True)
def _shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep all tests out of the user's cache folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BEARWIDGETS_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True)
def _own_cache(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Give every test a cache of its own, but those of the real data: their features take long."""
    if "shared_data" not in request.fixturenames:
        monkeypatch.setenv("BEARWIDGETS_CACHE", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture
def make_images() -> Callable[..., Path]:
    """`make_images(folder, {"black": 4, "teddy": 3})` writes such a folder of classes and returns it."""
    return write_images


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """A folder of three classes with eight images each."""
    return write_images(tmp_path / "images", dict.fromkeys(CLASSES, 8))


@pytest.fixture
def ds(images: Path) -> Dataset:
    """The data set of that folder: 18 to train on, 6 held out."""
    from bearwidgets.data.dataset import Dataset

    return Dataset.from_folder(images)


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Learner:
    """A learner of the quick mode for tests that only read it: 18 images to train on, 6 held out, as `images`."""
    from bearwidgets.data.dataset import Dataset
    from bearwidgets.learn.learner import Learner

    folder = write_images(tmp_path_factory.mktemp("trained") / "images", dict.fromkeys(CLASSES, 8))
    return Learner(Dataset.from_folder(folder, valid_pct=0.25), **TINY).fine_tune(progress=False)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Headless Chromium for both browser rings; a missing one fails, it does not skip."""
    from playwright.sync_api import sync_playwright

    path = find_browser()
    assert path, "No Chromium found: run `make test`, which installs one."
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()
