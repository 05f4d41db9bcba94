"""Saved learners: bit for bit the same, and nothing but tensors and a card."""

from __future__ import annotations

import json
import pickle
from typing import TYPE_CHECKING

import numpy as np
import pytest
import safetensors.torch
import torch

from bearwidgets.data.dataset import Dataset
from bearwidgets.errors import BadInputError, MissingFileError, WorkspaceError
from bearwidgets.learn import bundle
from bearwidgets.learn.learner import Learner
from bearwidgets.review.review import Review

if TYPE_CHECKING:
    from pathlib import Path

TINY = {"arch": "test_resnet", "weights": None, "size": 32}


@pytest.fixture
def ds(images) -> Dataset:
    return Dataset.from_folder(images, valid_pct=0.25)


@pytest.fixture
def learn(ds) -> Learner:
    return Learner(ds, **TINY).fine_tune(progress=False)


def rewritten(path: Path, **changes: object) -> Path:
    """The same file with another card; a change to None takes the entry out."""
    card, tensors = bundle.read(path)
    card = {key: value for key, value in {**card, **changes}.items() if value is not None}
    safetensors.torch.save_file(tensors, path, {bundle.CARD: json.dumps(card)})
    return path


@pytest.mark.parametrize("mode", ["cached", "exact"])
@pytest.mark.parametrize("arch", ["test_resnet", "test_vit", "mobilenetv3_small_050"])
def test_a_round_trip_gives_the_same_bits(ds, tmp_path, mode, arch, monkeypatch):
    saved = Learner(ds, arch=arch, weights=None, size=64).fine_tune(1, mode=mode, progress=False)
    path = saved.save(tmp_path / "bears.bw")
    monkeypatch.setenv("BEARWIDGETS_CACHE", str(tmp_path / "another"))  # so that nothing comes from the cache
    loaded = Learner.load(path, ds)
    assert (loaded.predictions()[1] == saved.predictions()[1]).all()
    picture = ds.path_of(ds.table.id[0])
    assert loaded.predict(picture) == saved.predict(picture)
    assert (loaded.classes, loaded.made_by, loaded.mode) == (saved.classes, saved.made_by, mode)
    assert loaded.evaluate("valid") == saved.evaluate("valid")


def test_a_loaded_learner_predicts_without_data_and_says_what_it_cannot(learn, images, tmp_path):
    loaded = Learner.load(learn.save(tmp_path / "bears.bw"))
    assert loaded.predict(images / "teddy" / "000.jpg").label == "teddy"
    acts = (loaded.predictions, loaded.evaluate, loaded.fine_tune, lambda: Review(loaded))
    for act in acts:
        with pytest.raises(BadInputError, match="data set"):
            act()


def test_a_loaded_learner_can_be_trained_on(learn, ds, tmp_path):
    loaded = Learner.load(learn.save(tmp_path / "bears.bw"), ds).fine_tune(progress=False)
    assert (loaded.predictions()[1] == learn.predictions()[1]).all()


def test_saving_replaces_the_old_file_and_leaves_nothing_else(learn, tmp_path):
    (tmp_path / "bears.bw").write_text("old")
    learn.save(tmp_path / "bears.bw")
    assert Learner.load(tmp_path / "bears.bw").classes == learn.classes
    assert [each.name for each in tmp_path.glob("*bears.bw*")] == ["bears.bw"]
    plain = tmp_path / "plain"
    plain.touch()
    assert (tmp_path / "bears.bw").stat().st_mode == plain.stat().st_mode


def test_a_failed_save_keeps_the_old_file_and_leaves_nothing_else(learn, tmp_path, monkeypatch):
    (tmp_path / "bears.bw").write_text("old")

    def full(handle):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(WorkspaceError, match="No space left"):  # noqa: PT012 - the patch is to end with it
        patch.setattr(bundle.os, "fsync", full)
        learn.save(tmp_path / "bears.bw")
    assert (tmp_path / "bears.bw").read_text() == "old"
    assert [each.name for each in tmp_path.glob("*bears.bw*")] == ["bears.bw"]
    with pytest.raises(WorkspaceError, match="could not be saved"):
        learn.save(tmp_path / "no" / "such" / "folder.bw")


@pytest.mark.parametrize("content", [b"", b"\x00" * 100, b"<html>", pickle.dumps([1])])
def test_rubbish_is_refused(tmp_path, content):
    (tmp_path / "bears.bw").write_bytes(content)
    with pytest.raises(BadInputError, match=r"not a file that `learn.save` wrote"):
        Learner.load(tmp_path / "bears.bw")


def test_a_cut_off_file_is_refused(learn, tmp_path):
    path = learn.save(tmp_path / "bears.bw")
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(BadInputError, match="broken"):
        Learner.load(path)


@pytest.mark.parametrize("card", [None, "5", "{}", "not json", '{"format": "x"}'])
def test_tensors_without_a_card_of_ours_are_refused(tmp_path, card):
    metadata = None if card is None else {bundle.CARD: card}
    safetensors.torch.save_file({"a": torch.zeros(2)}, tmp_path / "a.bw", metadata)
    with pytest.raises(BadInputError, match=r"no bearwidgets card|not a file"):
        Learner.load(tmp_path / "a.bw")


def test_a_newer_format_asks_for_an_update(learn, tmp_path):
    path = rewritten(learn.save(tmp_path / "bears.bw"), format=bundle.FORMAT + 1, version="9.9", classes=None)
    with pytest.raises(BadInputError, match=r"written by bearwidgets 9.9, a newer one; update"):
        Learner.load(path)


@pytest.mark.parametrize("key", bundle.KEYS)
def test_a_card_that_lacks_something_is_refused(learn, tmp_path, key):
    path = rewritten(learn.save(tmp_path / "bears.bw"), **{key: None})
    with pytest.raises(BadInputError, match=f"lacks {key}"):
        Learner.load(path)


def test_tensors_that_do_not_fit_the_card_are_refused(learn, tmp_path):
    path = learn.save(tmp_path / "bears.bw")
    with pytest.raises(BadInputError, match="another one"):
        Learner.load(rewritten(path, classes=["a", "b"]))
    with pytest.raises(BadInputError, match="lacks"):
        Learner.load(rewritten(path, timm="test_efficientnet", classes=learn.classes))
    with pytest.raises(BadInputError, match="unknown to timm"):
        Learner.load(rewritten(path, timm="resnet_of_tomorrow"))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(MissingFileError, match=r"none\.bw"):
        Learner.load(tmp_path / "none.bw")


def test_classes_with_any_characters_survive(make_images, tmp_path):
    names = {"ours brun é": 4, "熊": 4, 'a "b" & <c>': 4}
    ds = Dataset.from_folder(make_images(tmp_path / "odd", names))
    learn = Learner(ds, **TINY).fine_tune(progress=False)
    assert Learner.load(learn.save(tmp_path / "odd.bw")).classes == sorted(names)
    assert np.isfinite(learn.predictions()[1]).all()
