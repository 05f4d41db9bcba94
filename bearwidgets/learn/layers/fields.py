"""Receptive fields: which pixels the units of each layer see, found out with the network itself.

A column of pixels becomes NaN, and whatever unit becomes NaN has seen it. That is exact whatever the order of the
modules is, and needs no reading of the network's code.
"""

from __future__ import annotations

import contextlib
import copy
import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

_STRIPS, _BATCH = (32, 64, 128), 16  # px; images
GATES, NORMS = "squeeze-and-excite gates", "normalization over the whole image"
_GLOBAL_NORMS = (nn.GroupNorm, nn.modules.instancenorm._InstanceNorm)  # noqa: SLF001 - the base of all three


@dataclass(frozen=True, eq=False)
class Layer:
    """A convolution of a network, the batch norm after it included.

    Attributes:
        name: dotted, as the body's `get_submodule` takes it.
        channels: how many it gives.
        rows: (height of its map, 2), which rows of pixels each row of units sees, half open.
        columns: (width of its map, 2), the same across.
    """

    name: str
    channels: int
    rows: np.ndarray
    columns: np.ndarray

    @property
    def field(self) -> tuple[int, int]:
        """Height and width in px of what a unit sees that is not at the border."""
        height, width = (int((each[:, 1] - each[:, 0]).max()) for each in (self.rows, self.columns))
        return height, width

    def box(self, place: int) -> tuple[int, int, int, int]:
        """What the unit at a place (row · width + column) sees: left, top, right, bottom in px, within the image."""
        row, column = divmod(int(place), len(self.columns))
        (top, bottom), (left, right) = self.rows[row].tolist(), self.columns[column].tolist()
        return left, top, right, bottom

    def center(self, place: int, size: int) -> tuple[float, float]:
        """The middle of the unit's share of an image of `size` px: x, y."""
        row, column = divmod(int(place), len(self.columns))
        return (column + 0.5) * size / len(self.columns), (row + 0.5) * size / len(self.rows)


def convolutions(net: nn.Module, images: torch.Tensor) -> list[str]:
    """Names of those that see a map of places in `images`, in the order in which they are used."""
    found: list[str] = []

    def note(name: str, output: torch.Tensor) -> None:
        if output.ndim == 4 and output.shape[2] * output.shape[3] > 1 and name not in found:
            found.append(name)

    names = [name for name, module in net.named_modules() if isinstance(module, nn.Conv2d)]
    with hooked(net, names, note), torch.inference_mode():
        net(images)
    return found


@contextlib.contextmanager
def hooked(
    net: nn.Module, names: Sequence[str], hear: Callable[[str, torch.Tensor], object]
) -> Generator[None]:
    """Have `hear` told of the output of each of these modules whenever there is one."""
    handles = [
        net.get_submodule(name).register_forward_hook(
            lambda _module, _inputs, output, name=name: hear(name, output) and None
        )
        for name in names
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def layers_of(net: nn.Module, size: int, bands: int) -> Generator[tuple[int, int], None, list[Layer]]:
    """The layers of a network for images of `size` px; yields how many of all probes are done.

    Gates and norms that look at the whole map (squeeze and excite, group norm) are left out of what is seen.
    """
    probe = copy.deepcopy(net).cpu().float().eval()
    for part in global_parts(probe, size, bands):
        parent, _, last = part.rpartition(".")
        setattr(probe.get_submodule(parent), last, nn.Identity())
    names = convolutions(probe, torch.zeros(1, bands, size, size))
    across = next(each for each in (*_STRIPS, size) if each >= size or _takes(probe, bands, size, each))
    spans: list[dict[str, np.ndarray]] = []
    for axis in (2, 3):
        spans.append({})
        for done in _probe(probe, names, axis, (size, across, bands), spans[-1]):
            yield (axis - 2) * size + done, 2 * size
    widths: list[Any] = [probe.get_submodule(name).out_channels for name in names]
    return [
        Layer(name, int(width), spans[0][name], spans[1][name])
        for name, width in zip(names, widths, strict=True)
    ]


def _probe(
    net: nn.Module, names: Sequence[str], axis: int, shape: tuple[int, int, int], spans: dict[str, np.ndarray]
) -> Generator[int]:
    """Fill `spans` along an axis: name → (units, 2), first and last pixel + 1 that each sees; yields lines done."""
    size, across, bands = shape

    def note(lines: Sequence[int], name: str, output: torch.Tensor) -> None:
        middle = output.select(5 - axis, output.shape[5 - axis] // 2)  # (n, channels, units)
        found = middle.isnan().any(1).numpy()
        span = spans.setdefault(name, np.tile([size, 0], (found.shape[1], 1)))
        for line, sees in zip(lines, found, strict=True):
            span[sees, 0] = np.minimum(span[sees, 0], line)
            span[sees, 1] = line + 1

    for start in range(0, size, _BATCH):
        lines = range(start, min(start + _BATCH, size))
        images = torch.zeros(len(lines), bands, *((size, across) if axis == 2 else (across, size)))
        for number, line in enumerate(lines):
            images[number].select(axis - 1, line).fill_(torch.nan)
        with hooked(net, names, functools.partial(note, lines)), torch.inference_mode():
            net(images)
        yield lines[-1] + 1


def _takes(net: nn.Module, bands: int, size: int, across: int) -> bool:
    """Whether the network works on such narrow images too, which are probed faster."""
    try:
        with torch.inference_mode():
            net(torch.zeros(1, bands, size, across)), net(torch.zeros(1, bands, across, size))
    except Exception:  # noqa: BLE001 - a foreign network refuses in its own way
        return False
    return True


def global_parts(net: nn.Module, size: int, bands: int) -> dict[str, str]:
    """Name of each module that weighs a map by all of it → `GATES` or `NORMS`."""
    shapes: dict[str, tuple[Any, Any]] = {}

    def note(name: str, module: nn.Module) -> Any:
        def hook(_module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
            given = inputs[0] if inputs else None
            shapes[name] = tuple(getattr(given, "shape", ())), tuple(getattr(output, "shape", ()))

        return module.register_forward_hook(hook)

    handles = [note(name, module) for name, module in net.named_modules()]
    one = next(net.parameters())
    with torch.inference_mode():
        net(torch.zeros(1, bands, size, size, dtype=one.dtype, device=one.device))
    for handle in handles:
        handle.remove()
    found: dict[str, str] = {}
    for name, module in net.named_modules():
        if isinstance(module, _GLOBAL_NORMS) and name:
            found[name] = NORMS
        elif name and _is_gate(name, module, shapes):
            found[name] = GATES
    return found


def _is_gate(name: str, module: nn.Module, shapes: dict[str, tuple[Any, Any]]) -> bool:
    """Whether it gives a map as it came, and all its layers see but one number of each channel."""
    given, gives = shapes.get(name, ((), ()))
    if len(given) != 4 or given != gives or given[2] * given[3] == 1:
        return False
    inner = [
        shapes.get(f"{name}.{each}", ((), ()))[0]
        for each, part in module.named_modules()
        if each and isinstance(part, (nn.Conv1d, nn.Conv2d, nn.Linear))
    ]
    return bool(inner) and all(len(shape) < 4 or shape[2] * shape[3] == 1 for shape in inner)
