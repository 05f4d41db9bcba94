"""The check of bars and of what is repeated along the edges: watermarks, logos, captions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bearwidgets.data.image_stats.table import small_images
from bearwidgets.figures import percent
from bearwidgets.review.checks.registry import CheckResult, adaptive_threshold, check

if TYPE_CHECKING:
    from bearwidgets.review.checks.inputs import CheckInputs

_SIDES = ("left", "top", "right", "bottom")
_BAR = (0.0, 0.03, 0.5)  # share of the image that bars take, for the scores 0, 0.5 and 1
_STRIP, _CORNER = 4, 8  # of the 32 px of a small image
_MOST = 4_000  # images that the others are compared with; what many share is found among so many
_SAME = 0.97  # correlation of a place that is the same in two images
_OTHERWISE = 0.5  # correlation of what is left of them, above which they are alike altogether
_FEWEST = 3  # other images with the same place
_TEXTURE = 10.0  # gray levels; a place without detail is no mark
_BLOCK = 512


@check("repeated_borders", title="Repeated borders", needs=["image_stats"])
def repeated_borders(inputs: CheckInputs) -> CheckResult:
    """Bars of one tone along the edges, and places at the edges that are the same in images that are not."""
    stats = inputs.image_stats
    bars = stats[[f"bar_{side}" for side in _SIDES]].to_numpy()
    area = 1 - (1 - bars[:, 0] - bars[:, 2]).clip(0) * (1 - bars[:, 1] - bars[:, 3]).clip(0)
    readable = (stats["problem"] == "").to_numpy()
    shared, place = np.zeros(len(stats), np.int64), np.full(len(stats), "", dtype=object)
    shared[readable], place[readable] = _shared(small_images(stats[readable]))
    score = np.interp(area, _BAR, [0.0, 0.5, 1.0])
    score = np.where(shared >= _FEWEST, np.maximum(score, 0.5 + 0.5 * shared / (shared + 10)), score)
    score = np.where(readable, score, np.nan)
    threshold = inputs.threshold or adaptive_threshold(score, most=np.inf)
    flag = np.nan_to_num(score) >= threshold
    why = [
        ""
        if not odd
        else f"Its {where} is the same as in {n:,} other images"
        if n >= _FEWEST
        else f"Bars along the edges take {percent(part)} of it"
        for odd, where, n, part in zip(flag, place, shared, area, strict=True)
    ]
    return CheckResult(score, flag, threshold, why=why, note=f"images with bars: {int((area > 0).sum()):,}")


def places() -> dict[str, tuple[slice, slice]]:
    """Name of each place → rows and columns of a small image."""
    first, last = slice(0, _STRIP), slice(-_STRIP, None)
    near, far, every = slice(0, _CORNER), slice(-_CORNER, None), slice(None)
    return {
        "top edge": (first, every),
        "bottom edge": (last, every),
        "left edge": (every, first),
        "right edge": (every, last),
        "upper left corner": (near, near),
        "upper right corner": (near, far),
        "lower left corner": (far, near),
        "lower right corner": (far, far),
    }


def _shared(small: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each of (n, 32, 32) images, how many others have the same place, at most, and which place that is."""
    most, where = np.zeros(len(small), np.int64), np.full(len(small), "", dtype=object)
    step = -(-len(small) // _MOST) if len(small) else 1
    for name, (rows, columns) in places().items():
        mark = np.zeros(small.shape[1:], bool)
        mark[rows, columns] = True
        pixels = _detail(small[:, mark].astype(np.float32), np.argwhere(mark))
        textured = np.flatnonzero(pixels.std(1) >= _TEXTURE)
        inside, outside = _unit(pixels[textured]), _unit(small[textured][:, ~mark].astype(np.float32))
        for start in range(0, len(textured), _BLOCK):
            some = slice(start, start + _BLOCK)
            same = inside[some] @ inside[::step].T >= _SAME
            same &= outside[some] @ outside[::step].T < _OTHERWISE
            counts = same.sum(1)
            better = counts > most[textured[some]]
            most[textured[some][better]] = counts[better]
            where[textured[some][better]] = name
    return most, where


def _detail(pixels: np.ndarray, at: np.ndarray) -> np.ndarray:
    """What a curved surface through pixels (n, m) leaves of them: skies and vignettes are alike, marks are not."""
    y, x = (at / 31).T
    terms = np.stack([np.ones(len(at)), x, y, x * x, x * y, y * y], axis=1)
    basis = np.linalg.qr(terms)[0].astype(np.float32)
    return pixels - (pixels @ basis) @ basis.T


def _unit(rows: np.ndarray) -> np.ndarray:
    """Rows of mean 0 and length 1."""
    rows = rows - rows.mean(1, keepdims=True)
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6)
