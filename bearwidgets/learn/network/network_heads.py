"""Heads: the one a network has, taken off with a proof; fastai's and the mean of two, to be put on."""

from __future__ import annotations

import math

import torch
from torch import nn


def noise(n: int, in_chans: int, size: int) -> torch.Tensor:
    """Images of noise (n, in_chans, size, size), from -1 to 1, always the same."""
    return torch.rand(n, in_chans, size, size, generator=torch.Generator().manual_seed(0)) * 2 - 1


def take_off_head(module: nn.Module, images: torch.Tensor, classes: int) -> nn.Linear | None:
    """Put an Identity in the place of the last linear layer, if that layer is proven to be all that follows it.

    The proof: with other weights in the layer, the layer applied to what `module` (in evaluation mode) gives for
    `images` without it is what `module` gives with it. Returns a linear layer of the same weights; None, and `module`
    as it was, where nothing was proven.
    """
    candidates = [
        (name, each)
        for name, each in module.named_modules()
        if name and isinstance(each, nn.Linear) and each.out_features == classes
    ]
    for name, linear in reversed(candidates):
        parent, _, last = name.rpartition(".")
        owner = module.get_submodule(parent)
        if _is_head(module, owner, last, linear, images):
            setattr(owner, last, nn.Identity())
            return _copy_of(linear)
    return None


def _is_head(module: nn.Module, owner: nn.Module, name: str, linear: nn.Linear, images: torch.Tensor) -> bool:
    other = _copy_of(linear)
    generator = torch.Generator().manual_seed(0)
    try:
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            for parameter in other.parameters():
                parameter.copy_(torch.randn(parameter.shape, generator=generator))
            setattr(owner, name, other)
            wanted = module(images)
            setattr(owner, name, nn.Identity())
            features = module(images)
            shape = (len(images), linear.in_features)
            return features.shape == shape and alike(other(features), wanted)
    except Exception:  # noqa: BLE001 - what needs the layer itself raises anything: then it is not the head
        return False
    finally:
        setattr(owner, name, linear)


def _copy_of(linear: nn.Linear) -> nn.Linear:
    """A plain layer of the same weights; no bias becomes one of zeros."""
    weight, bias = linear.weight.detach(), linear.bias
    copy = nn.utils.skip_init(nn.Linear, linear.in_features, linear.out_features).to(weight)
    with torch.no_grad():
        copy.weight.copy_(weight)
        copy.bias.copy_(torch.zeros_like(copy.bias) if bias is None else bias)
    return copy


def alike(first: torch.Tensor, second: torch.Tensor) -> bool:
    """Equal up to rounding."""
    return torch.allclose(first, second, rtol=1e-4, atol=1e-4 * float(second.abs().max()))


class MeanHead(nn.Module):
    """Features (n, d) of two networks side by side → logits (n, classes) whose softmax is the mean of two heads'.

    Each of the two linear heads takes its half of the features.
    """

    def __init__(self, features: int, classes: int) -> None:
        super().__init__()
        self.first = nn.Linear(features // 2, classes)
        self.second = nn.Linear(features // 2, classes)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Logits (n, classes): logarithms of the mean probabilities."""
        first, second = features.chunk(2, 1)
        logs = [self.first(first).log_softmax(1), self.second(second).log_softmax(1)]
        return torch.stack(logs).logsumexp(0) - math.log(2)


def linear_parts(head: nn.Module) -> list[tuple[nn.Linear, slice]]:
    """The linear layers of a head, each with the columns of the features that it takes; none for another head."""
    if isinstance(head, nn.Linear):
        return [(head, slice(None))]
    if isinstance(head, MeanHead):
        width = head.first.in_features
        return [(head.first, slice(width)), (head.second, slice(width, 2 * width))]
    return []


def mlp_head(features: int, classes: int, *, seed: int = 0) -> nn.Sequential:
    """A head as fastai puts it after the pooling: norm, dropout, a hidden layer of 512, norm, dropout, a last layer.

    Source: `create_head` of fastai 2.8, with its Kaiming initialization; the linear layers have no bias. `seed` draws
    the weights; the global generator is left as it was.
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        head = nn.Sequential(
            nn.BatchNorm1d(features),
            nn.Dropout(0.25),
            nn.Linear(features, 512, bias=False),
            nn.ReLU(inplace=True),
            nn.BatchNorm1d(512),
            nn.Dropout(0.5),
            nn.Linear(512, classes, bias=False),
        )
        for layer in head:
            if isinstance(layer, nn.Linear):
                nn.init.kaiming_normal_(layer.weight)
            elif isinstance(layer, nn.BatchNorm1d):
                nn.init.constant_(layer.bias, 1e-3)
    return head
