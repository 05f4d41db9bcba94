"""Batch norms that see the whole batch of several processes: the training is the same however many there are."""

from __future__ import annotations

import contextlib
from types import MethodType
from typing import TYPE_CHECKING, Any

import torch
from timm.layers import BatchNormAct2d, convert_sync_batchnorm
from torch import distributed, nn
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Generator

    from lightning_fabric import Fabric

_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


@contextlib.contextmanager
def synced_batch_norms(model: nn.Module, fabric: Fabric) -> Generator[None]:
    """For the length of a block, normalize by mean and variance of the batches of all processes together.

    Every process has a part of a batch. Means over its own part alone would be those of a smaller batch: another
    training. Torch has such layers for GPUs only, so on a CPU the forward pass of the model's own is replaced.

    Args:
        model: its parameters, statistics and, after the block, layers stay the same objects.
        fabric: with one process nothing is done.

    Source: Ioffe and Szegedy, 2015; Peng et al., "MegDet", 2018, for the gradient across processes.

    Example:
        >>> with synced_batch_norms(model, fabric):  # doctest: +SKIP
        ...     loss = model(pictures).sum()
    """
    if fabric.world_size == 1:
        yield
        return
    places = [
        (parent, name, child)
        for parent in model.modules()
        for name, child in parent.named_children()
        if isinstance(child, _NORMS)
    ]
    if fabric.device.type == "cuda":
        convert_sync_batchnorm(model)
    else:
        for _, _, norm in places:
            norm.forward = MethodType(_forward, norm)
    try:
        yield
    finally:
        for parent, name, norm in places:
            parent.add_module(name, norm)
            vars(norm).pop("forward", None)


def _forward(norm: Any, values: torch.Tensor) -> torch.Tensor:
    """What the layer does itself in training mode, with mean and variance over all processes."""
    if not norm.training:
        return type(norm).forward(norm, values)
    mean, variance, n = _statistics(values)
    if norm.track_running_stats:
        _track(norm, mean, variance, n)
    values = _Normalize.apply(values, norm.weight, norm.bias, mean, variance, n, norm.eps)
    return norm.act(norm.drop(values)) if isinstance(norm, BatchNormAct2d) else values


@torch.no_grad()
def _statistics(values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, float]:
    """Mean (c,) and variance (c,) per channel over all processes, and of how many values each."""
    here = values.numel() // values.shape[1]
    variance, mean = torch.var_mean(values.float(), _all_but_channels(values), correction=0)
    mine = torch.stack([torch.full_like(mean, here), mean, variance]).double()
    parts = [torch.empty_like(mine) for _ in range(distributed.get_world_size())]
    distributed.all_gather(parts, mine)
    n, means, variances = torch.stack(parts, dim=1)
    total = n.sum(0)
    mean = (n * means).sum(0) / total
    # Sums of squares about the mean of each part, moved to the mean of all: no difference of large numbers.
    variance = (n * (variances + (means - mean) ** 2)).sum(0) / total
    return mean.float(), variance.float(), float(total[0])


@torch.no_grad()
def _track(norm: Any, mean: torch.Tensor, variance: torch.Tensor, n: float) -> None:
    norm.num_batches_tracked.add_(1)
    share = 1 / float(norm.num_batches_tracked) if norm.momentum is None else norm.momentum
    norm.running_mean.lerp_(mean.to(norm.running_mean), share)
    norm.running_var.lerp_((variance * (n / max(n - 1, 1))).to(norm.running_var), share)


class _Normalize(torch.autograd.Function):
    """Scale and shift, with the gradient that flows back through mean and variance into all processes."""

    @staticmethod
    def forward(
        ctx: Any,
        values: torch.Tensor,
        weight: torch.Tensor | None,
        bias: torch.Tensor | None,
        mean: torch.Tensor,
        variance: torch.Tensor,
        n: float,
        eps: float,
    ) -> torch.Tensor:
        ctx.save_for_backward(values, weight, mean, variance)
        ctx.n, ctx.eps = n, eps
        return functional.batch_norm(values, mean, variance, weight, bias, eps=eps)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        values, weight, mean, variance = ctx.saved_tensors
        shape = [1, -1, *[1] * (values.ndim - 2)]
        scale = (variance + ctx.eps).rsqrt()
        normalized = (values.float() - mean.view(shape)) * scale.view(shape)
        gradient = gradient.float()
        dimensions = _all_but_channels(values)
        here = torch.stack([gradient.sum(dimensions), (gradient * normalized).sum(dimensions)])
        everywhere = here.clone()
        distributed.all_reduce(everywhere)
        of_mean, of_scale = everywhere / ctx.n
        back = gradient - of_mean.view(shape) - normalized * of_scale.view(shape)
        back = back * (scale if weight is None else scale * weight).view(shape)
        of_bias, of_weight = (None, None) if weight is None else here.to(weight)
        return back.to(values.dtype), of_weight, of_bias, None, None, None, None


def _all_but_channels(values: torch.Tensor) -> list[int]:
    return [0, *range(2, values.ndim)]
