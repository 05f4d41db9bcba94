"""Layer groups by depth, what weight decay is for, norm layers, and rates spread over groups as fastai does it."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import timm
import torch
from timm.layers import BatchNormAct2d, FrozenBatchNormAct2d, LayerNorm2d, RmsNorm
from torch import nn

from bearwidgets.errors import BadInputError
from bearwidgets.learn.network.groups import batch_norms, decays, layer_groups, norm_parameters, spread_rates
from bearwidgets.learn.network.model import Classifier, create_body


def classifier(arch, size=64):
    body, features, *_ = create_body(arch, None, size, 0)
    return Classifier(body, features, 3)


def names_in(module, parameters):
    names = {id(each): name for name, each in module.named_parameters()}
    return [names[id(each)] for each in parameters]


def tops(module, parameters):
    return {name.removeprefix("body.").split(".")[0] for name in names_in(module, parameters)}


def test_a_resnet_is_cut_where_fastai_cuts_it():
    network = classifier("resnet18")
    stem, deep, head = layer_groups(network)
    assert tops(network, stem) == {"conv1", "bn1", "layer1", "layer2"}
    assert tops(network, deep) == {"layer3", "layer4"}
    assert names_in(network, head) == ["head.weight", "head.bias"]


def test_without_a_matcher_the_order_of_the_forward_pass_decides():
    network = classifier("torchvision/resnet18")
    first, second, _ = layer_groups(network)
    assert {"conv1", "bn1", "layer1"} <= tops(network, first)
    assert "layer4" not in tops(network, first)
    assert {"layer4"} <= tops(network, second)
    sizes = [sum(each.ndim > 1 for each in group) for group in (first, second)]
    assert abs(sizes[0] - sizes[1]) <= 2


class Backwards(nn.Module):
    """Its layers are registered in the reverse order."""

    input_shape = (3, 8, 8)

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))
        self.last = nn.Conv2d(6, 8, 1)
        self.middle = nn.Conv2d(4, 6, 1)
        self.first = nn.Conv2d(3, 4, 1)
        self.unused = nn.Linear(2, 2)

    def forward(self, images):
        return self.last(self.middle(self.first(images * self.scale))).mean((2, 3))


def test_layers_go_by_when_they_are_reached_and_the_unused_with_their_neighbor():
    module = Backwards()
    groups = layer_groups(module, 4)
    assert [names_in(module, group) for group in groups] == [
        ["scale"],
        ["first.weight", "first.bias", "unused.weight", "unused.bias"],
        ["middle.weight", "middle.bias"],
        ["last.weight", "last.bias"],
    ]
    assert module.training
    assert not module.first._forward_pre_hooks


class WithMatcher(Backwards):
    """It says of its layers that the last one registered is the deepest."""

    def group_matcher(self, **_):
        return {"stem": "scale|last", "blocks": [("middle", (0,)), ("first", (1,))]}


def test_what_timms_matcher_says_comes_before_the_forward_pass():
    module = WithMatcher()
    assert [names_in(module, group) for group in layer_groups(module, 4)] == [
        ["scale", "last.weight", "last.bias"],
        ["middle.weight", "middle.bias"],
        ["first.weight", "first.bias"],
        ["unused.weight", "unused.bias"],
    ]


def test_where_no_picture_passes_the_order_of_registration_decides():
    module = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 4))
    assert [names_in(module, group) for group in layer_groups(module, 3)] == [
        [f"{number}.weight", f"{number}.bias"] for number in range(3)
    ]


def test_the_last_layer_of_an_attention_goes_with_the_attention():
    module = nn.Sequential(
        nn.Conv2d(3, 8, 8), nn.Flatten(2), nn.TransformerEncoderLayer(64, 2, 16), nn.Linear(64, 2)
    )
    module.input_shape = (3, 15, 15)
    module[0].weight.requires_grad_(False)
    groups = layer_groups(module, 4)
    for group in groups:
        names = names_in(module, group)
        assert ("2.self_attn.in_proj_weight" in names) == ("2.self_attn.out_proj.weight" in names)
    assert "0.weight" in names_in(module, groups[0])  # frozen ones are in a group as well


@pytest.mark.parametrize("n", [1, 2, 3, 5, 8])
@pytest.mark.parametrize("arch", ["test_resnet", "test_vit", "squeezenet1_1"])
def test_every_parameter_is_in_one_group(arch, n):
    network = classifier(arch)
    groups = layer_groups(network, n)
    assert len(groups) == n
    assert all(groups)
    ids = [id(each) for group in groups for each in group]
    assert len(ids) == len(set(ids))
    assert set(ids) == {id(each) for each in network.parameters()}
    if n > 1:
        assert names_in(network, groups[-1]) == ["head.weight", "head.bias"]


def test_a_small_body_gives_fewer_groups():
    tiny = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    assert [len(each) for each in layer_groups(Classifier(tiny, 4, 3), 5)] == [2, 2]
    assert [len(each) for each in layer_groups(Classifier(nn.Flatten(), 4, 3), 3)] == [2]
    whole = nn.Sequential(*tiny, nn.Linear(4, 3))
    assert [len(each) for each in layer_groups(Classifier(whole, 3, 3, nn.Identity()), 2)] == [2, 2]


def test_shared_parameters_are_counted_once():
    layers = [nn.Linear(3 * 64 * 64, 4), nn.Linear(4, 4), nn.Linear(4, 4)]
    layers[2].weight = layers[1].weight
    body = nn.Sequential(nn.Flatten(), *layers, nn.ReLU(), layers[1])
    body.input_shape = (3, 64, 64)
    network = Classifier(body, 4, 4)
    network.head.weight = layers[0].bias
    ids = [id(each) for group in layer_groups(network) for each in group]
    assert len(ids) == len(set(ids)) == 6


@pytest.mark.parametrize("n", [0, -1, 2.0, "3", None])
def test_an_odd_number_of_groups_is_refused(n):
    with pytest.raises(BadInputError, match="n is"):
        layer_groups(nn.Linear(2, 2), n)


class ScaleNorm(nn.Module):
    """A norm of somebody's own."""

    def __init__(self, size):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(size))


def test_all_norm_layers_are_known():
    kinds = [
        *(nn.BatchNorm1d(4), nn.BatchNorm2d(4), nn.LayerNorm(4), nn.LayerNorm((4, 4)), nn.GroupNorm(2, 4)),
        *(nn.InstanceNorm2d(4, affine=True), nn.RMSNorm(4), RmsNorm(4), LayerNorm2d(4), ScaleNorm(4)),
        BatchNormAct2d(4, act_layer=nn.PReLU),
    ]
    normed_block = type("NormedBlock", (nn.Linear,), {})(4, 4)  # not a norm, though its name says so
    others = [nn.Linear(4, 4), nn.Conv2d(4, 4, 3), normed_block, nn.PReLU()]
    module = nn.ModuleList([*kinds, *others])
    wanted = {id(each) for kind in kinds for each in kind.parameters(recurse=False)}
    found = norm_parameters(module)
    assert {id(each) for each in found} == wanted
    assert len(found) == len(wanted)
    assert not decays(module) & wanted
    assert id(kinds[-1].act.weight) not in wanted


def test_layers_with_running_statistics():
    moving = [nn.BatchNorm2d(4), BatchNormAct2d(4), nn.InstanceNorm2d(4, track_running_stats=True)]
    others = [nn.BatchNorm2d(4, track_running_stats=False), nn.LayerNorm(4), FrozenBatchNormAct2d(4)]
    assert batch_norms(nn.ModuleList([*moving, *others])) == moving


def test_decay_is_for_the_weights_of_layers():
    network = classifier("test_vit")
    decayed = decays(network)
    names = {name for name, each in network.named_parameters() if id(each) in decayed}
    assert {"head.weight", "body.patch_embed.proj.weight", "body.blocks.0.attn.qkv.weight"} <= names
    assert not {"body.pos_embed", "body.cls_token", "head.bias", "body.norm.weight"} & names
    assert not [name for name in names if name.endswith("bias")]


@pytest.mark.parametrize(
    ("arch", "spared"),
    [
        ("swin_tiny_patch4_window7_224", "relative_position_bias_table"),
        ("swin_t", "relative_position_bias_table"),
        ("levit_128s", "attention_biases"),
    ],
)
def test_tables_of_positions_do_not_decay(arch, spared):
    network = classifier(arch)
    decayed = decays(network)
    tables = {
        id(each) for name, each in network.named_parameters() if name.endswith(spared) and each.ndim > 1
    }
    assert tables
    assert not decayed & tables


class WithOwnWord(nn.Module):
    """It says itself what is not to decay."""

    def __init__(self):
        super().__init__()
        self.mixing = nn.Parameter(torch.ones(3, 3))
        self.weight = nn.Parameter(torch.ones(3, 3))
        self.encoder = nn.ModuleDict({"grid": nn.Linear(2, 2)})

    def no_weight_decay(self):
        return {"mixing", "encoder.*"}


def test_what_a_module_says_of_itself_holds_within_another():
    module = nn.Sequential(nn.Linear(2, 2), WithOwnWord())
    assert decays(module) == {id(module[0].weight), id(module[1].weight)}


@pytest.mark.parametrize("arch", ["test_resnet", "test_efficientnet", "mobilenetv3_small_050"])
def test_fastai_spares_the_same_parameters(arch):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fastai = pytest.importorskip("fastai.torch_core")
    body = timm.create_model(arch, num_classes=0)
    spared = {id(each) for each in fastai.norm_bias_params(body)}
    assert decays(body) == {id(each) for each in body.parameters()} - spared


@pytest.mark.parametrize(
    ("lr", "n"),
    [
        *((1e-3, 3), (slice(1e-5, 1e-3), 3), (slice(1e-2), 3), (slice(1e-5, 1e-3), 1), (slice(1e-2), 1)),
        *(([1e-4, 2e-4, 3e-4], 3), ((1e-4, 1e-3), 2), ([1e-3], 3), (slice(1e-2, 1e-4), 4)),
    ],
)
def test_rates_are_spread_as_fastai_spreads_them(lr, n):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fastai = pytest.importorskip("fastai.optimizer")
    optimizer = fastai.SGD([[nn.Parameter(torch.ones(1))] for _ in range(n)], lr=0.1)
    optimizer.set_hyper("lr", fastai.L(lr) if isinstance(lr, (list, tuple)) else lr)
    assert spread_rates(lr, n) == pytest.approx([each["lr"] for each in optimizer.hypers], rel=1e-12)
    assert spread_rates(np.float32(0.5), 2) == [0.5, 0.5], "a number of numpy is one"


@pytest.mark.parametrize(
    "lr",
    [
        *(0, -1e-3, float("nan"), float("inf"), "1e-3", None, True, [], [1e-3, 1e-3], [1e-3, -1e-3, 1e-3]),
        *(slice(None), slice(1e-3, None), slice(0, 1e-3), slice(1e-5, float("nan")), slice(1e-5, 1e-3, 2)),
    ],
)
def test_rates_that_cannot_be_meant_are_refused(lr):
    with pytest.raises(BadInputError, match=r"lr (is|has).*(allowed is|slice)"):
        spread_rates(lr, 3)
