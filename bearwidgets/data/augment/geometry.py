"""Any mixture of crop, turn, zoom and perspective as one matrix, and one warp of the image by it.

Coordinates are continuous: the top left corner of an image is (0, 0), the middle of its first pixel (0.5, 0.5).
A matrix (3, 3) takes places of the output to places of the source, both in homogeneous coordinates.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Sequence

Box = tuple[float, float, float, float]
"""Left, top, right and bottom in px."""

_MARGIN = 2  # px that a bilinear sample, and a rounding error, reach beyond their place
_FINE = 1.25  # px of the source for one of the output, along either axis, that a warp is given at most


def from_unit(box: Box) -> np.ndarray:
    """Matrix that takes the square from -1 to 1 to a box."""
    left, top, right, bottom = box
    half_width, half_height = (right - left) / 2, (bottom - top) / 2
    return np.array([[half_width, 0, left + half_width], [0, half_height, top + half_height], [0, 0, 1]])


def to_unit(size: int) -> np.ndarray:
    """Matrix that takes a square of `size` px to the square from -1 to 1."""
    return np.array([[2 / size, 0, -1], [0, 2 / size, -1], [0, 0, 1]])


def translation(x: float, y: float) -> np.ndarray:
    """Matrix that takes (0, 0) to (x, y)."""
    return np.array([[1, 0, x], [0, 1, y], [0, 0, 1]])


def rotation(degrees: float) -> np.ndarray:
    """Matrix of a turn about (0, 0)."""
    angle = math.radians(degrees)
    cos, sin = math.cos(angle), math.sin(angle)
    return np.array([[cos, sin, 0], [-sin, cos, 0], [0, 0, 1]])


def perspective(source: Sequence[tuple[float, float]], target: Sequence[tuple[float, float]]) -> np.ndarray:
    """Matrix that takes four points to four others, no three of them on a line."""
    rows: list[list[float]] = []
    for (x, y), (u, v) in zip(source, target, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
    values = np.linalg.solve(np.array(rows), np.array(target, dtype=float).ravel())
    return np.append(values, 1).reshape(3, 3)


def bounds(matrix: np.ndarray, size: int) -> Box:
    """The smallest box in the source that holds all of an output of `size` px."""
    corners = matrix @ np.array([[0, size, 0, size], [0, 0, size, size], [1, 1, 1, 1]])
    x, y = corners[:2] / corners[2]
    return float(x.min()), float(y.min()), float(x.max()), float(y.max())


def sample(
    layer: Image.Image, matrix: np.ndarray, size: int, kernel: Image.Resampling, *, mirror: bool
) -> Image.Image:
    """What a matrix (output px → source px) shows of a layer, at `size` × `size` px, smoothed where it shrinks.

    Without turn and slant this is Pillow's resize, whose kernel widens with the shrinking. Else it is one bilinear
    warp. Pillow's warp does not smooth, and would make false patterns of fine ones; so a source of more than 1.25
    times the output's resolution is shrunk to that before, as smoothly as Pillow's resize does it. On photos
    both roads differ by 36 to 44 dB, and contours are 0.88 to 0.96 times as sharp. (Pillow's bicubic warp is no
    nearer: it ripples on slopes, overshoots by half at edges, and takes more than twice as long.)

    The layer is of mode RGB, L or F; what lies outside it is its mirror image, or black. The kernel is that of
    what is neither turned nor slanted; "nearest" is of all, and never smoothed.
    """
    if not (matrix[0, 1] or matrix[1, 0] or matrix[2, 0] or matrix[2, 1]):  # nothing is turned or slanted
        return _scaled(layer, bounds(matrix, size), size, kernel, mirror=mirror)
    box = _whole(bounds(matrix, size), _MARGIN)
    if not _inside(box, layer.size):
        layer, matrix = cut(layer, box, mirror=mirror), translation(-box[0], -box[1]) @ matrix
        box = (0, 0, *layer.size)
    if kernel == Image.Resampling.NEAREST:
        return _warped(layer, matrix, size, kernel)
    steps = _steps(matrix, size)
    if max(steps) > _FINE:
        width, height = box[2] - box[0], box[3] - box[1]
        small = (
            min(width, math.ceil(width * _FINE / steps[0])),
            min(height, math.ceil(height * _FINE / steps[1])),
        )
        layer = layer.resize(small, Image.Resampling.BICUBIC, box=box, reducing_gap=2.0)
        matrix = from_unit((0, 0, *small)) @ np.linalg.inv(from_unit(box)) @ matrix
    return _warped(layer, matrix, size, Image.Resampling.BILINEAR)


def cut(layer: Image.Image, box: tuple[int, int, int, int], *, mirror: bool) -> Image.Image:
    """Part of a layer, in whole px, that may reach beyond it; there its mirror image is, or black."""
    if not mirror or _inside(box, layer.size):
        return layer.crop(box)
    left, top, right, bottom = box
    width, height = layer.size
    part = Image.new(layer.mode, (right - left, bottom - top))
    for column in range(left // width, math.ceil(right / width)):
        x = _overlap(column, width, left, right)
        for row in range(top // height, math.ceil(bottom / height)):
            y = _overlap(row, height, top, bottom)
            tile = layer.crop((x[0], y[0], x[1], y[1]))
            if column % 2:
                tile = tile.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
            if row % 2:
                tile = tile.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
            part.paste(tile, (x[2] - left, y[2] - top))
    return part


def _overlap(number: int, length: int, first: int, last: int) -> tuple[int, int, int]:
    """Which px of the layer the tile of this number shows between two places, and where that begins."""
    start, stop = max(first, number * length), min(last, (number + 1) * length)
    low, high = start - number * length, stop - number * length
    return (length - high, length - low, start) if number % 2 else (low, high, start)


def _warped(layer: Image.Image, matrix: np.ndarray, size: int, kernel: Image.Resampling) -> Image.Image:
    numbers = (matrix / matrix[2, 2]).ravel()[:8].tolist()
    return layer.transform((size, size), Image.Transform.PERSPECTIVE, numbers, kernel)


def _scaled(
    layer: Image.Image, box: Box, size: int, kernel: Image.Resampling, *, mirror: bool
) -> Image.Image:
    left, top, right, bottom = (round(each, 6) for each in box)  # a rounding error is no part of the outside
    whole = _whole((left, top, right, bottom), 0)
    if not _inside(whole, layer.size):
        layer = cut(layer, whole, mirror=mirror)
        left, top, right, bottom = left - whole[0], top - whole[1], right - whole[0], bottom - whole[1]
    return layer.resize((size, size), kernel, box=(left, top, right, bottom), reducing_gap=2.0)


def _whole(box: Box, margin: int) -> tuple[int, int, int, int]:
    left, top, right, bottom = box
    return (
        math.floor(left) - margin,
        math.floor(top) - margin,
        math.ceil(right) + margin,
        math.ceil(bottom) + margin,
    )


def _inside(box: tuple[int, int, int, int], size: tuple[int, int]) -> bool:
    return box[0] >= 0 and box[1] >= 0 and box[2] <= size[0] and box[3] <= size[1]


def _steps(matrix: np.ndarray, size: int) -> tuple[float, float]:
    """Source px, along its x and its y axis, for one output px in the middle of the output."""
    x, y, z = matrix @ (size / 2, size / 2, 1)
    slope = (matrix[:2, :2] - np.outer((x / z, y / z), matrix[2, :2])) / z
    across, down = np.hypot(slope[:, 0], slope[:, 1])
    return float(across), float(down)
