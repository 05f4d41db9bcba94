"""Fixtures of the tests of this room: a data set of three classes and its journal."""

from __future__ import annotations

import os

import pytest
from rounds_kit import decide, open_journal, snapshot, write_bears

from bearwidgets.clean.journal import Journal
from bearwidgets.clean.log.manifest import ManifestWriter
from bearwidgets.data.dataset import Dataset


@pytest.fixture
def dataset(images):
    return Dataset.from_folder(images)


@pytest.fixture
def journal(dataset):
    return Journal.open(dataset, by="Ada")


@pytest.fixture
def quick(monkeypatch):
    """No waiting for the disk, and no manifest behind the back of a test that takes its folder away."""
    monkeypatch.setattr(os, "fsync", lambda _: None)
    monkeypatch.setattr(ManifestWriter, "touch", lambda _: None)


@pytest.fixture
def bears(tmp_path):
    return write_bears(tmp_path / "bears")


@pytest.fixture
def decided(bears):
    """A journal with decisions of every kind, the ids by path, and the files as they are."""
    journal, ids = open_journal(bears)
    decide(journal, ids)
    return journal, ids, snapshot(bears)
