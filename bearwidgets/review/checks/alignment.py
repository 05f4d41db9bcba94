"""Where one image lies in another: windows to begin with, refined until the pixels agree or do not."""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np

WAVES = 6
"""How many waves in each direction a view is known by; more would not bear a window that is not quite right."""

_PLACES = {1.0: 1, 0.85: 3, 0.7: 4, 0.55: 5}  # width of a window → how many places it takes side by side
_SEEN = 16  # points of a side at which windows are compared
_LONGEST = 1.7  # times that one side of a window may be shrunk more than the other
_WITHIN = 0.03  # how far beyond the image's edge a point still counts, as a share of its side


class Pairs(NamedTuple):
    """Pairs of images, the second one seen as a window of the first."""

    whole: np.ndarray  # (m,) index of the image that holds the window
    part: np.ndarray  # (m,) index of the image that is the window
    flipped: np.ndarray  # (m,) bool, whether the part is mirrored
    map: np.ndarray  # (m, 4) float64: width, left, height, top of the window, as shares of the whole image

    def at(self, rows: np.ndarray | slice) -> Pairs:
        """Some of the pairs."""
        return Pairs(*(field[rows] for field in self))


def windows() -> np.ndarray:
    """(w, 4) windows of an image that a crop may have kept: width, left, height, top, the whole image first."""
    sides = [(width, left) for width, n in _PLACES.items() for left in np.linspace(0, 1 - width, n)]
    pairs = itertools.product(sides, sides)
    return np.array(
        [
            (width, left, height, top)
            for (width, left), (height, top) in pairs
            if max(width, height) <= _LONGEST * min(width, height)
        ]
    )


def views(images: np.ndarray, maps: np.ndarray, side: int) -> np.ndarray:
    """Windows (m, 4) of images (m, h, w), as in `Pairs.map`, sampled on a grid: (m, side, side) float32.

    Beyond its edge an image goes on with its outermost pixels.
    """
    return _sampled(images, maps, side)[0]


def unit_waves(images: np.ndarray) -> np.ndarray:
    """(m, 35) float32 of length 1: the lowest waves but for the mean; even columns first, then the odd ones.

    The odd ones (the last 18) change sign when an image is mirrored. Images without any contrast are zeros.
    """
    from scipy.fft import dctn

    low = dctn(images.astype(np.float32), axes=(1, 2), norm="ortho")[:, :WAVES, :WAVES]
    return _unit(low, images.shape[1])


EVEN = WAVES * WAVES // 2 - 1
"""How many of the columns of `unit_waves` stay when an image is mirrored."""


def window_waves(images: np.ndarray, places: np.ndarray) -> np.ndarray:
    """(m, w, 35) `unit_waves` of windows (w, 4) of images (m, height, width), each seen at 16 × 16 points.

    Sampling and waves are linear and go along one side after the other, and many windows share a side; so that no
    window has to be sampled.
    """
    columns, column = _side_waves(places[:, :2], images.shape[2])
    rows, row = _side_waves(places[:, 2:], images.shape[1])
    across = images[:, None].astype(np.float32) @ columns.transpose(0, 2, 1)
    low = rows[row] @ across[:, column]
    return _unit(low.reshape(-1, WAVES, WAVES), _SEEN).reshape(len(images), len(places), -1)


def _side_waves(sides: np.ndarray, length: int) -> tuple[np.ndarray, np.ndarray]:
    """Weights (s, 6, length) that give the lowest waves along the different sides, and which of them each one is."""
    from scipy.fft import dct

    different, which = np.unique(sides, axis=0, return_inverse=True)
    places = _places(different[:, :1], different[:, 1:], _SEEN, length)
    bilinear = np.maximum(1 - np.abs(places[:, :, None] - np.arange(length)), 0)
    return dct(bilinear, axis=1, norm="ortho")[:, :WAVES].astype(np.float32), which.ravel()


def _unit(low: np.ndarray, side: int) -> np.ndarray:
    even = low[:, :, ::2].reshape(len(low), -1)[:, 1:]
    odd = low[:, :, 1::2].reshape(len(low), -1)
    both = np.concatenate([even, odd], axis=1)
    length = np.linalg.norm(both, axis=1, keepdims=True)
    return np.where(length > 1e-3 * side, both / np.maximum(length, 1e-9), 0).astype(np.float32)


def refine(images: np.ndarray, pairs: Pairs, side: int, rounds: int = 12) -> tuple[Pairs, np.ndarray]:
    """Shift and stretch each window until it shows what the part shows, and say how well it does.

    Least squares on the pixels of gray images (n, h, w) at a grid of `side` points, linear in the four numbers of
    the window and in gain and bias of the light, repeated (Lucas and Kanade, 1981, An iterative image registration
    technique; Baker and Matthews, 2004). Gives the correlation (m,) of the pixels too, -1 to 1; 0 where the window
    has left the image.
    """
    whole = images[pairs.whole].astype(np.float32)
    part = images[pairs.part].astype(np.float32)
    part[pairs.flipped] = part[pairs.flipped, :, ::-1]
    full = np.tile([1.0, 0.0, 1.0, 0.0], (len(part), 1))
    target = _sampled(part, full, side)[0].reshape(len(part), -1)
    maps = pairs.map.copy()
    best, best_maps = np.full(len(maps), -1.0), maps.copy()
    for _ in range(rounds):
        pixels, across, down = _sampled(whole, maps, side)
        match = _correlation(pixels.reshape(len(maps), -1), target)
        better = match > best
        best[better], best_maps[better] = match[better], maps[better]
        maps = _step(maps, pixels, across, down, target)
    width, left, height, top = best_maps.T
    inside = (np.minimum(left, top) >= -_WITHIN) & (np.maximum(left + width, top + height) <= 1 + _WITHIN)
    return pairs._replace(map=best_maps), np.where(inside, best, 0)


def _step(
    maps: np.ndarray, pixels: np.ndarray, across: np.ndarray, down: np.ndarray, target: np.ndarray
) -> np.ndarray:
    """One step of the least squares; it is bounded, and those without a solution stay where they are."""
    m, side = pixels.shape[:2]
    along = _grid(side).astype(np.float32)
    fields = [
        across * along, across, down * along[:, None], down, pixels, np.ones_like(pixels),
    ]  # fmt: skip
    basis = np.stack(fields, axis=1).reshape(m, 6, side * side)
    normal = basis @ basis.transpose(0, 2, 1)
    damping = 1e-4 * np.einsum("mii->mi", normal) + 1e-6
    normal[:, range(6), range(6)] += damping
    found = np.linalg.solve(normal.astype(np.float64), (basis @ target[:, :, None]).astype(np.float64))[
        ..., 0
    ]
    gain = found[:, 4:5]
    steps = np.where(np.abs(gain) > 0.1, found[:, :4] / np.where(np.abs(gain) > 0.1, gain, 1), 0)
    moved = maps + steps.clip(-0.1, 0.1)
    moved[:, [0, 2]] = moved[:, [0, 2]].clip(0.3, 1.1)
    return moved


def _correlation(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Correlation (m,) of rows; 0 for rows without contrast."""
    a = a - a.mean(1, keepdims=True)
    b = b - b.mean(1, keepdims=True)
    scale = np.sqrt((a * a).sum(1) * (b * b).sum(1))
    return np.where(scale > 1, (a * b).sum(1) / np.maximum(scale, 1), 0).astype(np.float64)


def _grid(side: int) -> np.ndarray:
    """Middles of `side` cells between 0 and 1."""
    return (np.arange(side) + 0.5) / side


def _places(size: np.ndarray, start: np.ndarray, side: int, length: int) -> np.ndarray:
    """Where on `length` pixels the points (m, side) of windows lie, of a size and start (m, 1) as in `Pairs.map`."""
    return ((size * _grid(side) + start) * length - 0.5).clip(0, length - 1.001)


def _sampled(images: np.ndarray, maps: np.ndarray, side: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Windows of images (m, side, side), bilinear, and their slopes across and down for a window's own side."""
    m, height, width = images.shape
    x = _places(maps[:, :1], maps[:, 1:2], side, width)
    y = _places(maps[:, 2:3], maps[:, 3:4], side, height)
    left, top = x.astype(np.int64), y.astype(np.int64)
    right_share = (x - left).astype(np.float32)[:, None, :]
    low_share = (y - top).astype(np.float32)[:, :, None]
    rows = np.arange(m)[:, None, None]
    corner = images[rows, top[:, :, None], left[:, None, :]].astype(np.float32)
    right = images[rows, top[:, :, None], left[:, None, :] + 1].astype(np.float32)
    below = images[rows, top[:, :, None] + 1, left[:, None, :]].astype(np.float32)
    opposite = images[rows, top[:, :, None] + 1, left[:, None, :] + 1].astype(np.float32)
    upper = corner + (right - corner) * right_share
    lower = below + (opposite - below) * right_share
    pixels = upper + (lower - upper) * low_share
    across = ((right - corner) * (1 - low_share) + (opposite - below) * low_share) * width
    return pixels, across, (lower - upper) * height
