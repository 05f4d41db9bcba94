"""Checks of single pictures: light, blur, information, size, shape, colour, bars, file format.

Each maps one figure to a score, which is 0.5 where a figure begins to be odd by any measure. An item is flagged where
it stands out of its own data set too, or where its figure is bad however common it is there.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import numpy as np

from bearwidgets.review.checks.registry import Check, Evidence, Found, adaptive_threshold, register

if TYPE_CHECKING:
    from collections.abc import Callable

SUFFIXES = {
    "JPEG": {".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"},
    "PNG": {".png", ".apng"},
    "GIF": {".gif"},
    "WebP": {".webp"},
    "BMP": {".bmp", ".dib"},
    "TIFF": {".tif", ".tiff", ".btf", ".tf8"},
    "NPY": {".npy"},
}
"""The endings of file names that are right for each format."""


@dataclass(frozen=True)
class Measured:
    """A check of one figure.

    Attributes:
        figure: Evidence → (n,) figure, NaN where it is unknown.
        good: Figure of which nothing is to be said: score 0.
        least: Figure that begins to be odd: score 0.5. Nothing on the good side of it is flagged.
        worst: The oddest figure: score 1.
        always: Figure from which an item is flagged however common it is; None where only what is rare is odd.
        sentence: Says the figure of a flagged item; `{:…}` takes it.
    """

    figure: Callable[[Evidence], np.ndarray]
    good: float
    least: float
    worst: float
    always: float | None
    sentence: str

    def __call__(self, evidence: Evidence) -> Found:
        """Score, threshold and sentences."""
        figure = np.asarray(self.figure(evidence), dtype=np.float64)
        score = self._score(figure)
        most = np.inf if self.always is None else float(self._score(np.array(self.always)))
        threshold = adaptive_threshold(score, most=most)
        flag = np.nan_to_num(score) >= threshold
        why = [self.sentence.format(value) if odd else "" for value, odd in zip(figure, flag, strict=True)]
        known = figure[np.isfinite(figure)]
        note = (
            f"median: {self.sentence.format(np.median(known))}"
            if len(known)
            else "no picture could be measured"
        )
        return Found(score, flag, threshold, why=why, note=note)

    def _score(self, figure: np.ndarray) -> np.ndarray:
        sign = 1 if self.worst > self.good else -1
        points = [sign * self.good, sign * self.least, sign * self.worst]
        return np.interp(sign * figure, points, [0.0, 0.5, 1.0])


def _look(name: str) -> Callable[[Evidence], np.ndarray]:
    return lambda evidence: evidence.looks[name].to_numpy()


def _times_off(evidence: Evidence) -> np.ndarray:
    """How many times larger or smaller than the median size."""
    size = evidence.looks["size"].to_numpy()
    ratio = size / np.median(size)
    return np.maximum(ratio, 1 / ratio)


def _elongation(evidence: Evidence) -> np.ndarray:
    """Long side through short side."""
    shape = evidence.looks["shape"].to_numpy()
    return np.maximum(shape, 1 / shape)


def unreadable(evidence: Evidence) -> Found:
    """Files whose header was good but whose pixels do not decode."""
    why = evidence.looks["problem"].tolist()
    flag = np.array([bool(each) for each in why])
    skipped = len(evidence.ds.problems)
    note = f"skipped when the data set was read: {skipped:,}; do not decode: {flag.sum():,}"
    return Found(flag.astype(np.float64), flag, why=why, note=note)


def animated(evidence: Evidence) -> Found:
    """Pictures of more than one frame, of which only the first is used."""
    frames = evidence.looks["frames"].to_numpy()
    flag = frames > 1
    why = [
        f"{n} frames, of which only the first is used" if odd else ""
        for n, odd in zip(frames, flag, strict=True)
    ]
    return Found(flag.astype(np.float64), flag, why=why)


def wrong_extension(evidence: Evidence) -> Found:
    """Files whose name promises another format than their bytes have."""
    why = []
    for path, format_ in zip(evidence.table["path"], evidence.looks["format"], strict=True):
        ending = PurePosixPath(path).suffix
        right = not format_ or ending.lower() in SUFFIXES[format_]
        why.append("" if right else f"named {ending or 'without an ending'}, but it is {format_}")
    flag = np.array([bool(each) for each in why])
    return Found(flag.astype(np.float64), flag, why=why)


_MEASURED = {
    "dark": (
        "Too dark",
        Measured(_look("p95"), 1, 0.35, 0, 0.25, "95 % of it is darker than {:.0%} of white"),
    ),
    "bright": (
        "Too bright",
        Measured(_look("p5"), 0, 0.8, 1, 0.97, "95 % of it is brighter than {:.0%} of white"),
    ),
    "blurred": (
        "Blurred",
        Measured(_look("blur"), 0.5, 1.5, 8, 2.5, "even its sharpest edges are {:.1f} px wide"),
    ),
    "low_information": (
        "Little information",
        Measured(_look("entropy"), 8, 2, 0, 1, "its grey levels hold {:.1f} of 8 bits"),
    ),
    "low_contrast": (
        "Low contrast",
        Measured(_look("contrast"), 1, 0.2, 0, 0.06, "its light and dark are {:.0%} of the full range apart"),
    ),
    "odd_size": (
        "Odd size",
        Measured(
            _times_off, 0, 1.5, 6, None, "2 to the power of {:.1f} times larger or smaller than the median"
        ),
    ),
    "odd_shape": (
        "Odd shape",
        Measured(_elongation, 1, 2.5, 10, 5, "its long side is {:.1f} times the short one"),
    ),
    "grey_among_color": (
        "Grey among colour",
        Measured(_look("chroma"), 0.5, 0.04, 0, None, "its strongest colour is {:.0%} away from grey"),
    ),
}
_FACTS = {
    "animated": ("Animated", animated),
    "wrong_extension": ("Wrong file extension", wrong_extension),
}

QUALITY = ("unreadable", *_MEASURED, *_FACTS)
"""Names of the checks of this module."""

register(Check("unreadable", "Unreadable", unreadable, ("looks",), certain=True))
for _name, (_title, _run) in {**_MEASURED, **_FACTS}.items():
    register(Check(_name, _title, _run, ("looks",)))
