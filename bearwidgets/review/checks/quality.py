"""Checks of single images: light, blur, information, size, shape, color, file format.

Each maps one figure to a score, which is 0.5 where a figure begins to be odd by any measure. An item is flagged where
it stands out of its own data set too, or where its figure is bad however common it is there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import numpy as np

from bearwidgets.data.actions import DELETE
from bearwidgets.data.formats.registry import suffixes_of
from bearwidgets.data.problems import UNREADABLE
from bearwidgets.figures import percent
from bearwidgets.review.checks.registry import Check, CheckResult, adaptive_threshold, register

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from bearwidgets.review.checks.inputs import CheckInputs


@dataclass(frozen=True)
class Measured:
    """A check of one figure."""

    title: str  # what a person reads
    figure: Callable[
        [CheckInputs], np.ndarray
    ]  # (n,), NaN where unknown; its sign does not count for the score
    good: float  # of which nothing is to be said: score 0
    least: float  # that begins to be odd: score 0.5; nothing on its good side is flagged by itself
    worst: float  # the oddest: score 1
    always: (
        float | None
    )  # from which an item is flagged however common it is; None where only the rare is odd
    words: Callable[[float], str]  # the figure as a person reads it
    sentence: str  # of a flagged item; `{}` takes the words
    name: str  # what the figure is called, for the note on its median; "" for no note

    def __call__(self, inputs: CheckInputs) -> CheckResult:
        """Score, threshold and sentences."""
        figure = np.asarray(self.figure(inputs), dtype=np.float64)
        score = self.score(figure)
        most = np.inf if self.always is None else float(self.score(np.array(self.always)))
        threshold = inputs.threshold or adaptive_threshold(score, most=most)
        flag = np.nan_to_num(score) >= threshold
        why = [
            self.sentence.format(self.words(value)) if flagged else ""
            for value, flagged in zip(figure, flag, strict=True)
        ]
        known = figure[np.isfinite(figure)]
        note = f"median {self.name}: {self.words(np.median(known))}" if self.name and len(known) else ""
        return CheckResult(score, flag, threshold, why=why, note=note)

    def score(self, figure: np.ndarray) -> np.ndarray:
        """Scores in 0 to 1 of figures (n,)."""
        sign = 1 if self.worst > self.good else -1
        points = [sign * self.good, sign * self.least, sign * self.worst]
        return np.interp(sign * np.abs(figure), points, [0.0, 0.5, 1.0])


def _column(name: str) -> Callable[[CheckInputs], np.ndarray]:
    return lambda inputs: inputs.image_stats[name].to_numpy()


def _doublings(inputs: CheckInputs) -> np.ndarray:
    """How often the median size has to be doubled to get each size; below 0 for smaller ones."""
    size = inputs.image_stats["size"].to_numpy()
    return np.log2(size / np.median(size))


def _times(doublings: float) -> str:
    return f"{2 ** abs(doublings):.1f} times {'smaller' if doublings < 0 else 'larger'}"


def _elongation(inputs: CheckInputs) -> np.ndarray:
    """Long side through short side."""
    shape = inputs.image_stats["shape"].to_numpy()
    return np.maximum(shape, 1 / shape)


MEASURED = {
    "dark": Measured(
        "Too dark", _column("p95"), 1, 0.35, 0, 0.25,
        percent, "95 % of its pixels are darker than {} of white", "brightness that 5 % of the pixels exceed",
    ),
    "bright": Measured(
        "Too bright", _column("p5"), 0, 0.8, 1, 0.97,
        percent, "95 % of its pixels are brighter than {} of white", "brightness that 95 % of the pixels exceed",
    ),
    "blurred": Measured(
        "Blurred", _column("blur"), 0.5, 1.5, 8, 2.5,
        "{:.1f} px".format, "Even its sharpest edges are {} wide", "width of the sharpest edges",
    ),
    "low_information": Measured(
        "Little information", _column("entropy"), 8, 2, 0, 1,
        "{:.1f} of 8 bits".format, "Hardly any detail: its gray levels hold {}", "information in the gray levels",
    ),
    "low_contrast": Measured(
        "Low contrast", _column("contrast"), 1, 0.2, 0, 0.06,
        percent, "Light and dark are only {} of the full range apart", "distance from dark to light",
    ),
    "odd_size": Measured(
        "Odd size", _doublings, 0, 1.5, 6, None, _times, "{} than most", "",
    ),
    "odd_shape": Measured(
        "Odd shape", _elongation, 1, 2.5, 10, 5,
        "{:.1f} times".format, "Its long side is {} its short side", "long side beside the short one",
    ),
    "gray_among_color": Measured(
        "Gray among color", _column("chroma"), 0.5, 0.04, 0, None,
        percent, "Black and white, in a set of color images", "strength of the strongest color",
    ),
}  # fmt: skip


def unreadable(inputs: CheckInputs) -> CheckResult:
    """Files whose header was good but whose pixels do not decode."""
    result = _facts(inputs.image_stats["problem"])
    unreadable = (inputs.ds.problems["kind"] == UNREADABLE).sum()
    note = f"skipped when the data set was read: {unreadable:,}; found later: {result.flag.sum():,}"
    return replace(result, note=note)


def animated(inputs: CheckInputs) -> CheckResult:
    """Images of more than one frame, of which only the first is used."""
    return _facts(
        f"{n} frames, of which only the first is used" if n > 1 else "" for n in inputs.image_stats["frames"]
    )


def wrong_extension(inputs: CheckInputs) -> CheckResult:
    """Files whose name promises another format than their bytes have."""
    return _facts(map(_wrong_extension, inputs.table["path"], inputs.image_stats["format"]))


def _wrong_extension(path: str, kind: str) -> str:
    ending = PurePosixPath(path).suffix
    known = suffixes_of(kind)
    if not known or ending.lower().removeprefix(".") in known:
        return ""
    return f"Named {ending or 'without an extension'}, but the file is {kind}"


def _facts(sentences: Iterable[str]) -> CheckResult:
    """A result that flags the items of which there is something to say."""
    why = list(sentences)
    flag = np.array([bool(each) for each in why])
    return CheckResult(flag.astype(np.float64), flag, why=why)


QUALITY = ("unreadable", *MEASURED, "animated", "wrong_extension")
"""Names of the checks of this module."""

_POOR = ("dark", "bright", "blurred", "low_information", "low_contrast", "odd_size", "odd_shape")
_NEEDS = ("image_stats",)
register(Check("unreadable", "Unreadable", unreadable, _NEEDS, certain=True, proposes=DELETE))
for _name, _check in MEASURED.items():
    register(Check(_name, _check.title, _check, _NEEDS, proposes=DELETE if _name in _POOR else ""))
register(Check("animated", "Animated", animated, _NEEDS))
register(Check("wrong_extension", "Wrong file extension", wrong_extension, _NEEDS))
