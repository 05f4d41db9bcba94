"""Fixtures of the tests of this room: a small data set, a learner with weights, what goes through a body."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from made_data import TINY
from safetensors.torch import save_file

from bearwidgets.data.dataset import Dataset
from bearwidgets.learn.head.features import FeatureStore
from bearwidgets.learn.learner import Learner

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def ds(images: Path) -> Dataset:
    """Three classes of eight images, two of each held out."""
    return Dataset.from_folder(images, valid_pct=0.25)


@pytest.fixture
def paths(images: Path) -> list[Path]:
    return sorted(images.rglob("*.jpg"))


@pytest.fixture
def pretrained(ds: Dataset, tmp_path: Path) -> Learner:
    """A learner whose body comes from a file of weights, `tmp_path / "body.safetensors"`."""
    body = Learner(ds, **TINY, seed=1).module.body.state_dict()
    path = tmp_path / "body.safetensors"
    save_file({name: tensor.contiguous() for name, tensor in body.items()}, path)
    return Learner(ds, **{**TINY, "weights": path})


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many images went through a body, call by call."""
    numbers, original = [], FeatureStore.of_pixels
    monkeypatch.setattr(
        FeatureStore, "of_pixels", lambda self, pixels: numbers.append(len(pixels)) or original(self, pixels)
    )
    return numbers
