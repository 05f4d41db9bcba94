"""The network: body and heads, where its weights come from, and the copy that is quick in evaluation."""

from __future__ import annotations

import warnings

import pytest
import timm
import torch
import torchvision
from timm.layers import StdConv2d
from torch import nn

from bearwidgets.errors import BadInputError
from bearwidgets.learn.network.groups import layer_groups
from bearwidgets.learn.network.model import (
    Classifier,
    create_body,
    fingerprint,
    for_inference,
    split_module,
    width,
)
from bearwidgets.learn.network.network_heads import mlp_head


def shaken(body: nn.Module) -> nn.Module:
    """Give the batch norms statistics other than those of a new network."""
    generator = torch.Generator().manual_seed(1)
    for module in body.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor in (module.running_mean, module.weight.data, module.bias.data):
                tensor.add_(torch.randn(tensor.shape, generator=generator) * 0.1)
            module.running_var.mul_(torch.rand(module.running_var.shape, generator=generator) + 0.5)
    return body.eval()


def norms(body: nn.Module) -> int:
    return sum(isinstance(module, nn.BatchNorm2d) for module in body.modules())


def outputs(first, second, size, bands=3):
    images = torch.randn(2, bands, size, size, generator=torch.Generator().manual_seed(2))
    with torch.inference_mode():
        return first(images), second(images)


@pytest.mark.parametrize("bands", [1, 3, 5])
@pytest.mark.parametrize("arch", ["efficientnet_lite0", "torchvision/resnet18", "mobilenet_v3_small"])
def test_folded_networks_say_the_same_for_any_bands(arch, bands):
    body = shaken(create_body(arch, None, 64, 0, in_chans=bands)[0])
    before = fingerprint(body)
    fast = for_inference(body, torch.float32, 64, bands)
    assert norms(body) > 0
    assert norms(fast) == 0
    plain, folded = outputs(body, fast, 64, bands)
    torch.testing.assert_close(folded, plain, rtol=1e-3, atol=1e-4 * float(plain.abs().max()))
    assert fingerprint(body) == before


class Misleading(nn.Module):
    """Its norm stands after one convolution but is applied to the other."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3)
        self.second = nn.Conv2d(8, 8, 3)
        self.norm = nn.BatchNorm2d(8)

    def forward(self, images):
        return self.second(torch.relu(self.norm(self.first(images)))).mean((2, 3))


class Standardised(nn.Sequential):
    """A convolution whose weights are not used as they are."""

    def __init__(self):
        super().__init__(StdConv2d(3, 8, 3), nn.BatchNorm2d(8), nn.AdaptiveAvgPool2d(1), nn.Flatten())


@pytest.mark.parametrize("kind", [Misleading, Standardised])
def test_where_folding_would_change_the_result_the_body_is_left_as_it_is(kind):
    body = shaken(kind())
    fast = for_inference(body, torch.float32, 32)
    assert norms(fast) == 1
    plain, folded = outputs(body, fast, 32)
    torch.testing.assert_close(folded, plain)


def test_offline_weights_are_the_default_of_lite0_and_not_of_a_network_without():
    *_, source, preprocessing = create_body("efficientnet_lite0", "auto", 64, 0)
    assert source.weights == "ImageNet, offline"
    assert (preprocessing.mean, preprocessing.std) == ((0.5,) * 3, (0.5,) * 3)
    with pytest.raises(BadInputError, match="No offline weights for 'resnet18'"):
        create_body("resnet18", "offline", 64, 0)


def test_other_words_for_weights_are_refused_with_those_that_are_allowed():
    with pytest.raises(FileNotFoundError, match=r"No weights file at 'imagenet'.*'auto'.*weights='offline'"):
        create_body("test_resnet", "imagenet", 64, 0)
    for strange in (True, 1, b"auto"):
        with pytest.raises(BadInputError, match=r"weights is .*'auto', weights='offline'"):
            create_body("test_resnet", strange, 64, 0)


def test_a_head_stands_behind_the_body():
    body, features, *_ = create_body("test_resnet", None, 64, 0)
    images = torch.rand(2, 3, 64, 64)
    plain = Classifier(body, features, 5).eval()
    with torch.no_grad():
        torch.testing.assert_close(plain(images), plain.head(body(images)))
        assert Classifier(body, features, 5, mlp_head(features, 5)).eval()(images).shape == (2, 5)
        whole = Classifier(body, features, features, nn.Identity()).eval()
        torch.testing.assert_close(whole(images), body(images))
    assert plain.splits
    assert Classifier(body, features, 5, mlp_head(features, 5)).splits
    assert not whole.splits


def test_the_head_of_fastai_is_built_and_drawn_as_fastai_does_it_by_its_seed_alone():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fastai = pytest.importorskip("fastai.vision.all")
    with torch.random.fork_rng():
        torch.manual_seed(7)
        theirs = fastai.create_head(64, 3, pool=False)
        fastai.apply_init(theirs, nn.init.kaiming_normal_)
    state = torch.random.get_rng_state()
    ours = mlp_head(64, 3, seed=7)
    assert torch.equal(torch.random.get_rng_state(), state)
    kinds = (nn.BatchNorm1d, nn.Dropout, nn.Linear, nn.ReLU)
    leaves = [each for each in theirs.modules() if isinstance(each, kinds)]
    assert [type(each) for each in ours] == [type(each) for each in leaves]
    for layers in (ours, leaves):
        assert [each.p for each in layers if isinstance(each, nn.Dropout)] == [0.25, 0.5]
    pairs = list(zip(ours.state_dict().values(), theirs.state_dict().values(), strict=True))
    assert all(torch.equal(mine, other) for mine, other in pairs)
    images = torch.randn(4, 64)
    assert torch.equal(ours.eval()(images), theirs.eval()(images))
    assert not torch.equal(mlp_head(64, 3, seed=0)[2].weight, ours[2].weight)


# Networks made elsewhere: split where that is proven, whole where not, refused where they give no logits


def small(*layers, bands=3):
    return nn.Sequential(nn.Conv2d(bands, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), *layers)


class Residual(nn.Module):
    """Its last layer is not all that follows the features."""

    def __init__(self):
        super().__init__()
        self.body = small(nn.Linear(8, 3))
        self.last = nn.Linear(3, 3)

    def forward(self, images):
        features = self.body(images)
        return features + self.last(features)


class Attention(nn.Module):
    """Its last linear layer is never called: another module reads its weights."""

    def __init__(self):
        super().__init__()
        self.body = small()
        self.attention = nn.MultiheadAttention(8, 2)

    def forward(self, images):
        features = self.body(images)
        return self.attention(features, features, features)[0]


def zeros(layer):
    """The layer with weights of 0: nothing changes in its place."""
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


class Gives(nn.Module):
    """Something made of the logits of a small network."""

    def __init__(self, make):
        super().__init__()
        self.network = small(nn.Linear(8, 3))
        self.make = make

    def forward(self, images):
        return self.make(self, self.network(images))


def logits_of(module, bands=3):
    images = torch.rand(3, bands, 64, 64, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        return module(images)


@pytest.mark.parametrize(
    ("make", "features"),
    [
        (lambda: small(nn.Linear(8, 3)), 8),
        (lambda: small(nn.Linear(8, 7), nn.ReLU(), nn.Dropout(), nn.Linear(7, 3)), 7),
        (lambda: torchvision.models.mobilenet_v3_small(num_classes=3), 1024),
        (lambda: timm.create_model("test_resnet", num_classes=3), 96),
        (lambda: timm.create_model("mobilenetv3_small_050", num_classes=3), 1024),
        (lambda: nn.DataParallel(small(nn.Linear(8, 3, bias=False))), 8),
    ],
)
def test_a_last_linear_layer_becomes_the_head(make, features):
    module = make().eval()
    before = fingerprint(module)
    network = split_module(module, 3, 64)
    assert network.splits
    assert isinstance(network.head, nn.Linear)
    assert network.head.in_features == width(network.body) == features
    assert not network.training
    torch.testing.assert_close(logits_of(network), logits_of(module))
    network.head.weight.data.zero_()
    assert fingerprint(module) == before
    assert len(layer_groups(network)[-1]) == 2


@pytest.mark.parametrize(
    ("module", "classes"),
    [
        (small(nn.Linear(8, 3), nn.Tanh()), 3),
        (small(zeros(nn.Linear(8, 3)), nn.Tanh()), 3),
        (small(nn.Linear(8, 3), nn.BatchNorm1d(3)), 3),
        (small(nn.Unflatten(1, (1, 8)), nn.Conv1d(1, 1, 6), nn.Flatten()), 3),
        (small(), 8),
        (Residual(), 3),
        (Attention(), 8),
    ],
)
def test_what_does_not_split_is_taken_whole(module, classes):
    network = split_module(module.eval(), classes, 64)
    assert not network.splits
    assert isinstance(network.head, nn.Identity)
    assert width(network.body) == classes
    torch.testing.assert_close(logits_of(network), logits_of(module))
    groups = layer_groups(network)
    assert {id(each) for group in groups for each in group} == {id(each) for each in network.parameters()}


def test_the_module_in_training_mode_stays_in_it_and_its_statistics_as_they_were():
    module = nn.Sequential(nn.BatchNorm2d(3), small(nn.Linear(8, 3))).train()
    split_module(module, 3, 64)
    assert module.training
    assert module[0].num_batches_tracked == 0


def test_other_bands_and_double_precision():
    network = split_module(small(nn.Linear(8, 3), bands=5).double(), 3, 64, in_chans=5)
    assert logits_of(network, bands=5).dtype == torch.float32
    assert network.body.input_shape == (5, 64, 64)


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (Gives(lambda _, logits: (logits, logits)), "gives a tuple in training mode.*aux_logits=False"),
        (Gives(lambda _, logits: {"logits": logits}), "gives a dict"),
        (Gives(lambda self, logits: [logits] if self.training else logits), "gives a list in training mode"),
        (Gives(lambda _, logits: logits.softmax(1)), "gives probabilities"),
        (Gives(lambda _, logits: logits * float("nan")), "not finite"),
        (Gives(lambda _, logits: logits + torch.rand(1)), "other logits each time"),
        (small(nn.Linear(8, 4)), r"shape \(2, 4\).*for 3 classes it has to be \(2, 3\)"),
        (small(), r"shape \(2, 8\)"),
        (small(nn.Linear(8, 3), bands=1), r"cannot work on images of shape \(2, 3, 64, 64\)"),
        (torchvision.models.inception_v3(num_classes=3, init_weights=False), "cannot work on"),
        (
            torchvision.models.googlenet(num_classes=3, aux_logits=True, init_weights=False),
            "GoogLeNetOutputs",
        ),
        ("resnet18", "str is no network"),
    ],
)
def test_what_gives_no_logits_is_refused(module, message):
    with pytest.raises(BadInputError, match=f"(?s){message}"):
        split_module(module, 3, 64)


def test_a_module_that_cannot_be_copied_says_so():
    module = small(nn.Linear(8, 3))
    module.lock = __import__("threading").Lock()
    with pytest.raises(BadInputError, match="cannot be copied"):
        split_module(module, 3, 64)


def test_nothing_global_changes():
    module = small(nn.Dropout(), nn.LazyLinear(3))
    state = torch.random.get_rng_state()
    first, second = (split_module(module, 3, 64) for _ in range(2))
    assert fingerprint(first) == fingerprint(second)
    assert torch.equal(torch.random.get_rng_state(), state)
