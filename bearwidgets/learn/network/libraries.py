"""timm and torchvision, loaded when something of them is first needed.

With what they bring along they take as long as PyTorch itself, and a quick training of the network whose weights
are installed needs neither.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import timm
    import timm.data.config
    import torchvision
else:

    class _Library:
        def __init__(self, name: str) -> None:
            self._name = name

        def __getattr__(self, name: str) -> object:
            return getattr(importlib.import_module(self._name), name)

    timm, torchvision = _Library("timm"), _Library("torchvision")

__all__ = ["timm", "torchvision"]
