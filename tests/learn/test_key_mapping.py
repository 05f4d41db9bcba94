"""Files of weights as the libraries write them: names of older files, other sizes, the other library."""

from __future__ import annotations

import pytest
import safetensors.torch
import timm
import torch
import torchvision
from torch import nn

from bearwidgets.errors import BadInputError
from bearwidgets.learn.network import weights
from bearwidgets.learn.network.bodies import noted
from bearwidgets.learn.network.model import create_body


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
    old = {
        name.replace("norm1.", "norm.1.").replace("conv2.", "conv.2."): tensor
        for name, tensor in theirs.items()
    }
    assert "features.denseblock1.denselayer1.norm.1.weight" in old
    body = loaded(arch, old, tmp_path).state_dict()
    assert torch.equal(
        body["features.denseblock1.denselayer1.norm1.weight"],
        theirs["features.denseblock1.denselayer1.norm1.weight"],
    )


def test_positions_of_a_timm_transformer_are_resampled_as_timm_does_it(tmp_path):
    trained = timm.create_model("test_vit").state_dict()
    theirs = timm.create_model(
        "test_vit",
        pretrained=True,
        img_size=64,
        num_classes=0,
        pretrained_cfg_overlay={"state_dict": dict(trained)},
    )
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
