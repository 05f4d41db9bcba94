"""How a picture becomes the body's input: resized, scaled to [0, 1], normalised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from bearwidgets.data.transforms import Squeeze

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Preprocessing:
    """How a picture becomes the body's input: squeezed to `size` × `size` px, scaled to [0, 1], normalised."""

    size: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    interpolation: str = "bicubic"

    @property
    def resizer(self) -> Squeeze:
        """Picture → pixels (size, size, 3), uint8."""
        return Squeeze(self.size, self.interpolation)

    def normalize(self, pixels: np.ndarray, device: torch.device) -> torch.Tensor:
        """Float tensor (n, 3, h, w), channels last in memory, of uint8 pixels (n, h, w, 3)."""
        tensor = torch.from_numpy(pixels).to(device).float()
        mean = torch.tensor(self.mean, device=device) * 255
        std = torch.tensor(self.std, device=device) * 255
        return ((tensor - mean) / std).permute(0, 3, 1, 2)
