"""`transforms.Resize` as tensor operations, so that an exported network can do its own resizing.

It does what Pillow does, in the same two steps: averages of whole blocks of pixels where the picture shrinks a lot,
then a kernel along each side. Blocks are differences of running sums, a kernel is a matrix of weights; both are
computed from the picture's size while the network runs. That needs nothing but plain arithmetic, so every runtime can
do it, and height and width stay free.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import nn

if TYPE_CHECKING:
    from bearwidgets.data.augment.transforms import Resize

REDUCING_GAP = (
    2  # what `Resize` gives Pillow: the kernel is left to shrink the picture at least so many times
)
REACH = {"nearest": 0, "bilinear": 1, "bicubic": 2, "lanczos": 3}  # px of the output, to either side
FIXED_POINT = 2**24  # Pillow divides by a block's size in whole numbers


@dataclass(frozen=True)
class Side:
    """How one side of a picture is resized; all but `blocks` are whole numbers, as tensors without dimensions.

    Attributes:
        shown: px of the picture that fill the output, from `start` on.
        start: see above.
        inner: px of the output that are filled, from `corner` on.
        corner: see above.
        block: px of the picture that are averaged first.
        first: where the first block begins.
        last: where the last block ends; it may be smaller than the others.
        blocks: (m,) numbers of the blocks; there may be some too many, which are empty.
    """

    shown: torch.Tensor
    start: torch.Tensor
    inner: torch.Tensor
    corner: torch.Tensor
    block: torch.Tensor
    first: torch.Tensor
    last: torch.Tensor
    blocks: torch.Tensor

    def bounds(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Where each block begins and ends, (m,) each."""
        begin = torch.minimum(self.first + self.blocks * self.block, self.last)
        return begin, torch.minimum(begin + self.block, self.last)


class TensorResize(nn.Module):
    """Pictures (n, height, width, bands) → float (n, bands, size, size): whole numbers of uint8, any of float32.

    Equal to Pillow, but for one grey level here and there, and for the pass of the kernel that comes first: here that
    is always the one along rows. Newer versions of Pillow start with the cheaper one: hard edges in pictures that are
    higher than wide then differ by a few levels, as they do from one version of Pillow to another.

    Args:
        resize: what to do as.
    """

    def __init__(self, resize: Resize) -> None:
        super().__init__()
        self.size, self.method, self.interpolation = resize.size, resize.method, resize.interpolation

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """As the class says."""
        height, width = pictures.shape[1], pictures.shape[2]
        down, across = self._side(height, width), self._side(width, height)
        values = pictures.permute(0, 3, 1, 2)
        finish = _to_levels if pictures.dtype == torch.uint8 else _as_they_are
        if self.interpolation != "nearest":
            values = _shrink(values, down, across)
        values = finish(values.float() @ self._weights(across).T)
        return finish(self._weights(down) @ values)

    def _side(self, side: int, other: int) -> Side:
        """How a side of `side` px is resized where the other one has `other` px."""
        count = torch.tensor(1) * side  # lengths are tensors, so that they stay free in an exported graph
        shown, start, inner, corner = count, torch.tensor(0), torch.tensor(self.size), torch.tensor(0)
        if self.method == "crop":
            shown = torch.minimum(count, torch.tensor(1) * other)
            start = (count - shown) // 2
        if self.method == "pad":
            scale = self.size / torch.maximum(count, torch.tensor(1) * other).double()
            inner = torch.round(count.double() * scale).long().clamp(min=1)
            corner = (self.size - inner) // 2
        if self.interpolation == "nearest":
            return Side(shown, start, inner, corner, torch.tensor(1), start, count, torch.arange(side))
        reach = REACH[self.interpolation]
        block = (shown // (REDUCING_GAP * inner)).clamp(min=1)
        # Pillow averages no more of the picture than the kernel then needs; else the kernel sees all that it reaches
        widest = reach * 2 * REDUCING_GAP
        margin = torch.where(block > 1, (reach - 0.5) * shown / inner, torch.tensor(float(widest)))
        first = (start - margin).clamp(min=0).floor().long()
        last = torch.minimum(count, (start + shown + margin).ceil().long())
        most = 2 * REDUCING_GAP * self.size + 2 * widest + 2
        return Side(shown, start, inner, corner, block, first, last, torch.arange(side)[:most])

    def _weights(self, side: Side) -> torch.Tensor:
        """Matrix (size, m) from the blocks of a side to the output's px."""
        row = (torch.arange(self.size) - side.corner)[:, None]
        if self.interpolation == "nearest":
            weights = (side.blocks == side.start + (2 * row + 1) * side.shown // (2 * side.inner)).float()
        else:
            begin, end = side.bounds()
            step = side.shown / (side.block * side.inner)
            center = (side.start - side.first) / side.block + (row + 0.5) * step
            distance = (side.blocks + 0.5 - center) / step.clamp(min=1.0)
            weights = torch.where(begin < end, _kernel(distance.abs(), self.interpolation), torch.zeros(()))
            weights = weights / weights.sum(1, keepdim=True)
        return torch.where((row >= 0) & (row < side.inner), weights, torch.zeros(()))


def _shrink(values: torch.Tensor, down: Side, across: Side) -> torch.Tensor:
    """Means of the blocks of (n, bands, height, width); whole numbers of uint8, rounded as Pillow does it."""
    exact = torch.int32 if values.dtype == torch.uint8 else torch.float64
    (top, bottom), (left, right) = down.bounds(), across.bounds()
    sums = _running(values.to(exact), 3)
    sums = sums.index_select(3, right) - sums.index_select(3, left)
    sums = _running(sums, 2)
    sums = sums.index_select(2, bottom) - sums.index_select(2, top)
    counts = ((bottom - top)[:, None] * (right - left)).clamp(min=1)
    if exact == torch.float64:
        return sums / counts
    share = (FIXED_POINT / counts.float()).floor().long()
    return (sums + counts // 2) * share // FIXED_POINT  # `//`, because torch.div is exported as one of floats


def _running(values: torch.Tensor, dimension: int) -> torch.Tensor:
    """Sums of all that stands before each place, and of all at the end."""
    nothing = torch.zeros_like(values.narrow(dimension, 0, 1))
    return torch.cat([nothing, values.cumsum(dimension, dtype=values.dtype)], dimension)


def _to_levels(values: torch.Tensor) -> torch.Tensor:
    """Whole numbers from 0 to 255, as Pillow rounds after each pass."""
    return (values + 0.5).floor().clamp(0, 255)


def _as_they_are(values: torch.Tensor) -> torch.Tensor:
    return values


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
