"""Fixtures of the tests of this room: a data set of three classes and its journal."""

from __future__ import annotations

import pytest

from bearwidgets.clean.journal import Journal
from bearwidgets.data.dataset import Dataset


@pytest.fixture
def dataset(images):
    return Dataset.from_folder(images)


@pytest.fixture
def journal(dataset):
    return Journal.open(dataset, by="Ada")
