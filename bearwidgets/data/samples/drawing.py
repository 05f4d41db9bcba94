"""A brush that draws shaded, furry blobs, and a few helpers for colors, for the drawn sample set."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from PIL import ImageDraw

Color = tuple[float, float, float]

_TURN = np.linspace(0, 2 * np.pi, 64, endpoint=False)
_RING = np.stack([np.cos(_TURN), np.sin(_TURN)], axis=1)
INK: Color = (24, 20, 20)
WHITE: Color = (250, 250, 248)


def shade(color: Color, factor: float) -> tuple[int, int, int]:
    """The color times a brightness factor, cut to 0..255."""
    red, green, blue = (max(0, min(255, int(channel * factor))) for channel in color)
    return red, green, blue


def blend(a: Color, b: Color, part: float) -> Color:
    """Mix of two colors: `a` at part 0, `b` at part 1."""
    red, green, blue = (x + (y - x) * part for x, y in zip(a, b, strict=True))
    return red, green, blue


def pick(rng: np.random.Generator, colors: list[Color], wobble: float = 0.12) -> Color:
    """One of the colors, a little lighter or darker and a little off in hue."""
    color = np.array(colors[int(rng.integers(len(colors)))])
    factor = 1 + wobble * rng.standard_normal()
    red, green, blue = (color * (factor + 0.28 * wobble * rng.standard_normal(3))).tolist()
    return red, green, blue


class Brush:
    """Draws blobs, dots and lines given in a bear's units onto an RGBA layer in pixels.

    The matrix (2, 2) takes the bear's units to pixels, the origin is the pixel place of the bear's (0, 0), and
    `light` the direction to the light in the image.
    """

    def __init__(
        self,
        draw: ImageDraw.ImageDraw,
        rng: np.random.Generator,
        *,
        matrix: np.ndarray,
        origin: tuple[float, float],
        light: tuple[float, float],
    ) -> None:
        self.draw = draw
        self.rng = rng
        self.matrix = matrix
        self.origin = np.array(origin)
        self.unit = float(np.sqrt(abs(np.linalg.det(matrix))))
        self.light = np.linalg.solve(matrix, np.array(light)) * self.unit

    def place(self, points: np.ndarray) -> np.ndarray:
        """Points (k, 2) in the bear's units as pixels (k, 2)."""
        return points @ self.matrix.T + self.origin

    def blob(
        self,
        at: tuple[float, float],
        radius: tuple[float, float],
        color: Color,
        *,
        tilt: float = 0.0,
        shag: float = 0.0,
        depth: float = 0.4,
        fur: int = 0,
        tips: tuple[Color, float] | None = None,
    ) -> None:
        """A round part with half axes turned by `tilt` degrees, shaded towards the light, with `fur` strokes on it.

        Its outline is torn by up to `shag` of the radius, its rim is darker than its middle by `depth`, and a part
        of the strokes has bright tips.
        """
        angle = np.deg2rad(tilt)
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        axes = turn * np.array(radius)
        towards = self.light * min(radius)
        torn = 1 + min(shag, 9 / (self.unit * min(radius))) * self.rng.random((len(_RING), 1))
        steps = int(np.clip(self.unit * min(radius) / 5, 3, 11))
        for part in np.linspace(0, 1, steps).tolist():
            ring = (_RING * torn if part < 0.4 else _RING) * (1 - 0.75 * part)
            outline = ring @ axes.T + np.array(at) + towards * 0.32 * part
            self.draw.polygon(
                self.place(outline).ravel().tolist(), fill=shade(color, 1.08 + depth * (part - 1))
            )
        if fur:
            reach = min(12 / self.unit, (0.14 + 0.9 * shag) * np.sqrt(radius[0] * radius[1]))
            self._fur(np.array(at), axes, color, count=fur, tips=tips, length=reach)

    def _fur(
        self,
        at: np.ndarray,
        axes: np.ndarray,
        color: Color,
        *,
        count: int,
        tips: tuple[Color, float] | None,
        length: float,
    ) -> None:
        theta = self.rng.uniform(0, 2 * np.pi, count)
        spot = np.stack([np.cos(theta), np.sin(theta)], axis=1) * 0.96 * np.sqrt(self.rng.random((count, 1)))
        start = spot @ axes.T
        flow = spot * 0.6 + np.array([0.0, 0.5]) + 0.22 * self.rng.standard_normal((count, 2))
        lit = 3.2 + 2 * (start @ self.light) / np.sqrt(abs(np.linalg.det(axes)))
        lit = np.clip(lit + self.rng.standard_normal(count), 0, 6).astype(int)
        inks = [shade(color, 0.72 + 0.085 * step) for step in range(7)]
        if tips:
            lit[self.rng.random(count) < tips[1]] = 7
            inks.append(shade(tips[0], 1))
        ends = np.hstack([self.place(start + at), self.place(start + flow * length + at)])
        for line, ink in zip(ends.tolist(), lit.tolist(), strict=True):
            self.draw.line(line, fill=inks[ink], width=2)

    def dot(self, at: tuple[float, float], radius: tuple[float, float], color: Color) -> None:
        """A flat ellipse."""
        outline = _RING * np.array(radius) + np.array(at)
        self.draw.polygon(self.place(outline).ravel().tolist(), fill=shade(color, 1))

    def line(self, points: list[tuple[float, float]], color: Color, width: float) -> None:
        """A bent line of the width in the bear's units."""
        line = self.place(np.array(points)).ravel().tolist()
        self.draw.line(line, fill=shade(color, 1), width=max(1, round(width * self.unit)), joint="curve")
