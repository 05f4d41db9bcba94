"""What makes training quick on a processor, and leaves no trace."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from bearwidgets.learn.training.cpu_speed import depthwise_in_float32


@pytest.fixture
def network() -> nn.Sequential:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(nn.Conv2d(4, 4, 3), nn.Conv2d(4, 4, 3, groups=4))


def test_depthwise_convolutions_stay_out_of_mixed_precision(network):
    pictures = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    with torch.autocast("cpu", torch.bfloat16):
        assert network(pictures).dtype == torch.bfloat16
        with depthwise_in_float32(network):
            assert network(pictures).dtype == torch.float32
        assert network(pictures).dtype == torch.bfloat16
    assert "forward" not in vars(network[1])


def test_a_copy_made_meanwhile_uses_its_own_weights(network):
    pictures = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    with depthwise_in_float32(network):
        other = copy.deepcopy(network)
    with torch.no_grad():
        other[1].weight.zero_()
        other[1].bias.zero_()
        assert not other(pictures).any()
        assert network(pictures).any()
        other.to(torch.bfloat16)(pictures.bfloat16())
