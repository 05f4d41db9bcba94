"""Heads: taken off only with a proof, and fastai's put on."""

from __future__ import annotations

import warnings

import pytest
import torch
from torch import nn

from bearwidgets.learn.network.network_heads import mlp_head, noise, take_off_head

PICTURES = noise(2, 3, 16)


def pooled(*layers):
    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), *layers).eval()


def test_the_last_layer_is_taken_off_and_says_the_same_from_outside():
    torch.manual_seed(0)
    module = pooled(nn.Linear(8, 8), nn.ReLU(), nn.Dropout(), nn.Linear(8, 5))
    with torch.no_grad():
        before = module(PICTURES)
        head = take_off_head(module, PICTURES, 5)
        assert isinstance(module[-1], nn.Identity)
        assert isinstance(module[4], nn.Linear)
        torch.testing.assert_close(head(module(PICTURES)), before)


class Residual(nn.Module):
    """Its last layer is not all that follows the features."""

    def __init__(self):
        super().__init__()
        self.body = pooled(nn.Linear(8, 5))
        self.last = nn.Linear(5, 5)

    def forward(self, images):
        features = self.body(images)
        return features + self.last(features)


class Attention(nn.Module):
    """Its last linear layer is never called: another module reads its weights."""

    def __init__(self):
        super().__init__()
        self.body = pooled()
        self.attention = nn.MultiheadAttention(8, 2)

    def forward(self, images):
        features = self.body(images)
        return self.attention(features, features, features)[0]


@pytest.mark.parametrize(
    ("module", "classes"),
    [
        (Residual(), 5),
        (Attention(), 8),
        (pooled(nn.Linear(8, 5), nn.Tanh()), 5),
        (pooled(nn.Linear(8, 5)), 4),
        (pooled(), 8),
    ],
)
def test_what_is_not_proven_stays_as_it_was(module, classes):
    module = module.eval()
    with torch.no_grad():
        before = module(PICTURES)
        assert take_off_head(module, PICTURES, classes) is None
        assert torch.equal(module(PICTURES), before)


def test_a_layer_of_zeros_that_something_follows_is_not_taken_for_the_head():
    module = pooled(nn.Linear(8, 5), nn.Tanh())
    nn.init.zeros_(module[4].weight)
    nn.init.zeros_(module[4].bias)
    assert take_off_head(module, PICTURES, 5) is None


def test_the_head_of_fastai_is_built_and_drawn_as_fastai_does_it():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fastai = pytest.importorskip("fastai.vision.all")
    with torch.random.fork_rng():
        torch.manual_seed(7)
        theirs = fastai.create_head(64, 3, pool=False)
        fastai.apply_init(theirs, nn.init.kaiming_normal_)
    ours = mlp_head(64, 3, seed=7)
    kinds = (nn.BatchNorm1d, nn.Dropout, nn.Linear, nn.ReLU)
    leaves = [each for each in theirs.modules() if isinstance(each, kinds)]
    assert [type(each) for each in ours] == [type(each) for each in leaves]
    assert [each.p for each in ours if isinstance(each, nn.Dropout)] == [0.25, 0.5]
    assert [each.p for each in leaves if isinstance(each, nn.Dropout)] == [0.25, 0.5]
    pairs = list(zip(ours.state_dict().values(), theirs.state_dict().values(), strict=True))
    assert all(torch.equal(mine, other) for mine, other in pairs)
    images = torch.randn(4, 64)
    assert torch.equal(ours.eval()(images), theirs.eval()(images))


def test_a_head_depends_on_its_seed_alone():
    state = torch.random.get_rng_state()
    first, second, other = (mlp_head(8, 3, seed=seed)[2].weight for seed in (0, 0, 1))
    assert torch.equal(first, second)
    assert not torch.equal(first, other)
    assert torch.equal(torch.random.get_rng_state(), state)
