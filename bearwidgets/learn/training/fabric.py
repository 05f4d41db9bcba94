"""Lightning Fabric for one device, or for several processes: which device, which precision."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

import torch
from lightning_fabric import Fabric
from timm.layers import convert_sync_batchnorm
from torch import nn

from bearwidgets.learn.network.model import fast_precision

if TYPE_CHECKING:
    from collections.abc import Generator


def make_fabric(device: torch.device, precision: str, **processes: Any) -> Fabric:
    """Fabric for one device in the asked-for precision; `processes` for several (devices, strategy)."""
    if precision == "auto":
        precision = "bf16" if fast_precision(device) == torch.bfloat16 else "32"
    names: dict[str, Any] = {"bf16": "bf16-mixed", "32": "32-true"}
    with _no_chatter():
        return Fabric(accelerator=device.type, precision=names[precision], **(processes or {"devices": 1}))


@contextmanager
def _no_chatter() -> Generator[None]:
    """Fabric tells on a log that everybody sees which precision it uses; the recipe says it already."""
    chatter = logging.getLogger("lightning_fabric.utilities.rank_zero")
    level = chatter.level
    chatter.setLevel(logging.WARNING)
    try:
        yield
    finally:
        chatter.setLevel(level)


def reduce(fabric: Fabric, tensor: torch.Tensor, how: Literal["mean", "sum"] = "mean") -> torch.Tensor:
    """The mean or the sum of a tensor over all processes."""
    found = fabric.all_reduce(tensor, reduce_op=how)
    assert isinstance(found, torch.Tensor)  # noqa: S101 - what a tensor comes to
    return found


@contextmanager
def shared_batch_norms(model: nn.Module, fabric: Fabric) -> Generator[None]:
    """For the length of a block, normalize by the batches of all GPUs together, with torch's own layer for that.

    On a CPU, for which torch has no such layer, and with one process, nothing is done.
    """
    if fabric.world_size == 1 or fabric.device.type != "cuda":
        yield
        return
    norms = [
        (parent, name, child)
        for parent in model.modules()
        for name, child in parent.named_children()
        if isinstance(child, (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d))
    ]
    convert_sync_batchnorm(model)
    try:
        yield
    finally:
        for parent, name, norm in norms:
            parent.add_module(name, norm)
