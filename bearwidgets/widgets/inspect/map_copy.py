"""The map as one small image with a legend in words: what is seen where no kernel is. Everything is escaped."""

from __future__ import annotations

import base64
import html
import io

import numpy as np
from PIL import Image

from bearwidgets.safe_text import cut_middle, visible

# Those of frontend/src/map/colors.js: ten colors that people with any kind of color vision tell apart on white.
COLORS = (
    "#2952ad",
    "#ff8400",
    "#52947b",
    "#a56bc5",
    "#6b0019",
    "#00bdff",
    "#8cb57b",
    "#4a296b",
    "#b55a00",
    "#7b4a4a",
)
OTHER = "#c2c2c2"
_SIDE, _EDGE = 420, 10
_MOST_NAME = 40


def map_copy(positions: np.ndarray, codes: np.ndarray, names: list[str], words: str) -> str:
    """The points as a PNG of a few colors in HTML.

    Args:
        positions: (n, 2) within -1 and 1; NaN where an image has no place.
        codes: (n,) places in `names`, -1 for none.
        names: Of the classes; the ten most frequent have a color, the others are gray.
        words: What is shown.
    """
    placed = np.isfinite(positions).all(1)
    frequent = np.bincount(codes[codes >= 0], minlength=len(names))
    colored = np.sort(np.argsort(-frequent, kind="stable")[: len(COLORS)])
    place = np.full(len(names) + 1, len(COLORS))
    place[colored] = np.arange(len(colored))
    png = _png(positions[placed], place[codes[placed]])
    legend = [_entry(names[code], frequent[code], COLORS[at]) for at, code in enumerate(colored)]
    if len(names) > len(colored):
        legend.append(
            _entry(
                f"{len(names) - len(colored)} other classes", frequent.sum() - frequent[colored].sum(), OTHER
            )
        )
    title = html.escape(visible(words))
    image = f'<img alt="{title}" width="{_SIDE}" src="data:image/png;base64,{png}">'
    font = "font:12px sans-serif"
    return f'<p style="{font}">{title}</p>{image}<p style="{font}">{" ".join(legend)}</p>'


def _entry(name: str, n: int, color: str) -> str:
    shown = html.escape(visible(cut_middle(name, _MOST_NAME)))
    return f'<span style="color:{color}">&#9679;</span> {shown} ({n:,})&ensp;'


def _png(positions: np.ndarray, colors: np.ndarray) -> str:
    """Points of 3 px in an image of 12 colors, base64."""
    pixels = np.zeros((_SIDE, _SIDE), np.uint8)
    if len(positions):
        low, high = positions.min(0), positions.max(0)
        span = float((high - low).max()) or 1.0
        at = (positions - (low + high) / 2) / span * (_SIDE - 2 * _EDGE) + _SIDE / 2
        x, y = at.round().astype(int).T
        for dx in (-1, 0, 1):
            for dy in (-1, 0, 1):
                pixels[_SIDE - 1 - (y + dy), x + dx] = colors + 1
    image = Image.fromarray(pixels, "P")
    image.putpalette(bytes.fromhex("".join(("ffffff", *(each[1:] for each in (*COLORS, OTHER))))))
    stream = io.BytesIO()
    image.save(stream, "PNG", optimize=True)
    return base64.b64encode(stream.getvalue()).decode()
