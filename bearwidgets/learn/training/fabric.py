"""Lightning Fabric for one device, or for several processes: which device, which precision."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from lightning_fabric import Fabric

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
