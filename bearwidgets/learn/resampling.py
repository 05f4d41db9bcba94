"""`bearwidgets.data.transforms.Resize` as tensor operations, so that an exported network can do its own resizing.

A resize is separable: each side is multiplied by a matrix of weights, which is computed from the picture's size while
the network runs. That needs nothing but arithmetic, so every runtime can do it and height and width stay free.
Where Pillow shrinks in two steps (averages of whole pixels, then its kernel), one matrix holds both.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import nn

if TYPE_CHECKING:
    from bearwidgets.data.transforms import Resize

REDUCING_GAP = (
    2  # what `Resize` gives Pillow: the kernel is left to shrink the picture at least so many times
)
REACH = {"nearest": 0, "bilinear": 1, "bicubic": 2, "lanczos": 3}  # px of the output, to either side


class TensorResize(nn.Module):
    """Pictures (n, height, width, bands) of uint8 → float (n, bands, size, size) with whole numbers from 0 to 255.

    Differs from Pillow by one grey level at most, but for the pass that comes first: here always the one along rows.
    Newer versions of Pillow start with the cheaper one: hard edges then differ by a few levels, as they do from one
    version of Pillow to another.

    Args:
        resize: what to do as; its method may be "squish", "crop" or "pad".
    """

    def __init__(self, resize: Resize) -> None:
        super().__init__()
        self.size, self.method, self.interpolation = resize.size, resize.method, resize.interpolation

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """As the class says."""
        height, width = pictures.shape[1], pictures.shape[2]
        values = pictures.permute(0, 3, 1, 2).float()
        values = _to_levels(values @ self._weights(width, height).T)
        return _to_levels(self._weights(height, width) @ values)

    def _weights(self, side: int, other: int) -> torch.Tensor:
        """Matrix (size, side) that resizes one side of a picture; `other` is the length of the other side, px."""
        count = torch.tensor(1) * side  # lengths are tensors, so that they stay free in an exported graph
        shown, start, inner, corner = count, torch.tensor(0), torch.tensor(self.size), torch.tensor(0)
        if self.method == "crop":
            shown = torch.minimum(count, torch.tensor(1) * other)
            start = (count - shown) // 2
        if self.method == "pad":
            scale = self.size / torch.maximum(count, torch.tensor(1) * other).double()
            inner = torch.round(count.double() * scale).long().clamp(min=1)
            corner = (self.size - inner) // 2
        row = (torch.arange(self.size) - corner)[:, None]
        column = torch.arange(side)[None]
        if self.interpolation == "nearest":
            weights = (column == start + (2 * row + 1) * shown // (2 * inner)).float()
        else:
            weights = self._smooth(row, column, start, shown, inner, count)
        return torch.where((row >= 0) & (row < inner), weights, torch.zeros(()))

    def _smooth(
        self,
        row: torch.Tensor,
        column: torch.Tensor,
        start: torch.Tensor,
        shown: torch.Tensor,
        inner: torch.Tensor,
        count: torch.Tensor,
    ) -> torch.Tensor:
        """Weights of the source px `column` in the output px `row`, for `shown` px from `start` on → `inner` px."""
        reach = REACH[self.interpolation]
        block = torch.div(shown, REDUCING_GAP * inner, rounding_mode="floor").clamp(min=1)
        margin = torch.where(
            block > 1, (reach - 0.5) * shown / inner, count
        )  # Pillow averages no more than it needs
        first = (start - margin).clamp(min=0).floor().long()
        last = torch.minimum(count, (start + shown + margin).ceil().long())
        number = torch.div((column - first).clamp(min=0), block, rounding_mode="floor")
        filled = torch.minimum(first + (number + 1) * block, last) - (first + number * block)
        step = shown / (block * inner)
        center = (start - first) / block + (row + 0.5) * step
        distance = (number + 0.5 - center) / step.clamp(min=1.0)
        weights = _kernel(distance.abs(), self.interpolation) / filled.clamp(min=1)
        weights = torch.where((column >= first) & (column < last), weights, torch.zeros(()))
        return weights / weights.sum(1, keepdim=True)


def _to_levels(values: torch.Tensor) -> torch.Tensor:
    """Whole numbers from 0 to 255, as Pillow rounds after each pass."""
    return (values + 0.5).floor().clamp(0, 255)


def _kernel(x: torch.Tensor, interpolation: str) -> torch.Tensor:
    """Pillow's kernels at distances of 0 px and more: a triangle, Keys' cubic (a = -0.5), Lanczos with 3 lobes."""
    nothing = torch.zeros(())
    if interpolation == "bilinear":
        return (1 - x).clamp(min=0)
    if interpolation == "lanczos":
        return torch.where(x < REACH["lanczos"], _sinc(x) * _sinc(x / REACH["lanczos"]), nothing)
    near = (1.5 * x - 2.5) * x * x + 1
    far = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return torch.where(x < 1, near, torch.where(x < REACH["bicubic"], far, nothing))


def _sinc(x: torch.Tensor) -> torch.Tensor:
    angle = (x * math.pi).clamp(min=1e-6)
    return torch.sin(angle) / angle
