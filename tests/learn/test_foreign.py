"""Networks made elsewhere: split where that is proven, whole where not, refused where they give no logits."""

from __future__ import annotations

import pytest
import timm
import torch
import torchvision
from torch import nn

from bearwidgets.errors import BadInputError
from bearwidgets.learn.network.foreign import split_module
from bearwidgets.learn.network.groups import layer_groups
from bearwidgets.learn.network.model import fingerprint, width


def small(*layers, bands=3):
    return nn.Sequential(nn.Conv2d(bands, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), *layers)


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
        (lambda: torchvision.models.mobilenet_v3_small(num_classes=3), 1024),
        (lambda: timm.create_model("test_resnet", num_classes=3), 96),
        (lambda: timm.create_model("test_efficientnet", num_classes=3), 256),
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
    "last",
    [
        [nn.Linear(8, 3), nn.Tanh()],
        [nn.Linear(8, 3), nn.BatchNorm1d(3)],
        [nn.Unflatten(1, (1, 8)), nn.Conv1d(1, 1, 6), nn.Flatten()],
    ],
)
def test_what_does_not_split_is_taken_whole(last):
    module = small(*last).eval()
    network = split_module(module, 3, 64)
    assert not network.splits
    assert isinstance(network.head, nn.Identity)
    assert width(network.body) == 3
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
