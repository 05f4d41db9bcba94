"""Scenes, things in front and images of something else, for the drawn sample set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from bearwidgets.data.samples.drawing import Brush, Color, blend, pick, shade

if TYPE_CHECKING:
    from collections.abc import Callable

GREENS: list[Color] = [(66, 104, 52), (92, 128, 62), (48, 82, 48), (120, 140, 70)]


class Canvas(NamedTuple):
    """What is drawn on, of so many px, and the chance that draws."""

    draw: ImageDraw.ImageDraw
    rng: np.random.Generator
    width: int
    height: int

    def oval(self, at: tuple[float, float], radius: tuple[float, float], fill: Color) -> None:
        """A flat ellipse."""
        (x, y), (rx, ry) = at, radius
        self.draw.ellipse((x - rx, y - ry, x + rx, y + ry), fill=shade(fill, 1))

    def tufts(self, top: int, colors: list[Color]) -> None:
        """Grass from a height on."""
        for _ in range(110):
            x, y = self.rng.uniform(0, self.width), self.rng.uniform(top, self.height)
            tall = 4 + 12 * (y - top) / self.height
            blade = (x, y, x + self.rng.uniform(-4, 4), y - tall)
            self.draw.line(blade, fill=shade(pick(self.rng, colors), 1), width=2)

    def fir(self, at: tuple[float, float], tall: float, color: Color, snow: float = 0.0) -> None:
        """A tree of three tiers."""
        x, y = at
        for tier in range(3):
            base, half = y - tall * 0.26 * tier, tall * (0.3 - 0.07 * tier)
            peak = base - tall * 0.46
            shape = (x - half, base, x + half, base, x, peak)
            self.draw.polygon(shape, fill=shade(color, 0.85 + 0.12 * tier))
            if snow:
                cap = (x - half * 0.5, peak + tall * 0.2, x + half * 0.3, peak + tall * 0.17, x, peak)
                self.draw.polygon(cap, shade(blend(color, (240, 244, 250), snow), 1))


@dataclass(frozen=True)
class Scene:
    """A background: sky and ground from top to bottom, the color of its light, and what stands in it."""

    sky: tuple[Color, Color]
    ground: tuple[Color, Color]
    light: Color
    front: tuple[Callable[[Canvas], None], ...]
    paint: Callable[[Canvas, int], None]


def paint_scene(name: str, size: tuple[int, int], rng: np.random.Generator) -> Image.Image:
    """The empty scene as an RGB image of `size`, softly out of focus."""
    place = SCENES[name]
    height = size[1]
    horizon = int(height * rng.uniform(0.42, 0.6))
    tone = rng.uniform(0.85, 1.12)
    rows = np.empty((height, 1, 3), dtype=np.float32)
    for part, (top, bottom) in ((slice(0, horizon), place.sky), (slice(horizon, height), place.ground)):
        steps = np.linspace(0, 1, rows[part].shape[0])[:, None, None]
        rows[part] = (np.array(top) * (1 - steps) + np.array(bottom) * steps) * tone
    image = Image.fromarray(np.clip(rows, 0, 255).astype(np.uint8)).resize(size, Image.Resampling.NEAREST)
    place.paint(Canvas(ImageDraw.Draw(image), rng, *size), horizon)
    return image.filter(ImageFilter.BoxBlur(rng.uniform(0.8, 2.4)))


def _forest(on: Canvas, horizon: int) -> None:
    draw, rng, width, _height = on
    for _ in range(46):
        at = (rng.uniform(0, width), rng.uniform(0, horizon))
        on.oval(at, (rng.uniform(10, 34), rng.uniform(8, 24)), pick(rng, GREENS, 0.25))
    for _ in range(int(rng.integers(4, 9))):
        x, wide = rng.uniform(0, width), rng.uniform(5, 16)
        foot = horizon + rng.uniform(-6, 26)
        bark = pick(rng, [(78, 60, 46), (98, 80, 64), (60, 50, 44)])
        draw.polygon(
            (x - wide, foot, x + wide, foot, x + wide * 0.7, 0, x - wide * 0.7, 0), fill=shade(bark, 1)
        )
        draw.line((x - wide * 0.5, foot, x - wide * 0.4, 0), fill=shade(bark, 1.3), width=3)
    on.tufts(horizon, [*GREENS, (112, 92, 60)])


def _snow(on: Canvas, horizon: int) -> None:
    _draw, rng, width, height = on
    for _ in range(int(rng.integers(4, 11))):
        at = (rng.uniform(0, width), horizon + rng.uniform(-4, 16))
        on.fir(at, rng.uniform(40, 110), pick(rng, [(58, 84, 80), (74, 100, 96)]), snow=0.8)
    for _ in range(6):
        at = (rng.uniform(0, width), rng.uniform(horizon + 14, height))
        on.oval(
            at,
            (rng.uniform(40, 120), rng.uniform(6, 20)),
            pick(rng, [(236, 240, 248), (216, 226, 240)], 0.02),
        )


def _room(on: Canvas, horizon: int) -> None:
    draw, rng, width, height = on
    horizon = int(height * 0.66)
    wall = pick(rng, [(206, 190, 166), (176, 192, 196), (214, 186, 180), (190, 196, 170), (150, 140, 150)])
    floor = pick(rng, [(150, 108, 70), (120, 86, 60), (170, 150, 130)])
    draw.rectangle((0, 0, width, horizon), fill=shade(wall, 1))
    gap = int(rng.integers(16, 44))
    for x in range(0, width, gap):
        draw.line((x, 0, x, horizon), fill=shade(wall, 0.93), width=gap // 3)
    draw.rectangle((0, horizon, width, height), fill=shade(floor, 1))
    for y in range(horizon, height, 14):
        draw.line((0, y, width, y), fill=shade(floor, 0.86), width=1)
    draw.rectangle((0, horizon - 7, width, horizon), fill=shade(wall, 1.16))
    x, y = rng.uniform(0, width * 0.75), rng.uniform(8, height * 0.2)
    wide, tall = rng.uniform(50, 90), rng.uniform(50, 84)
    glass = pick(rng, [(170, 206, 232), (222, 196, 140), (120, 150, 120), (226, 226, 226)])
    draw.rectangle((x, y, x + wide, y + tall), fill=shade(glass, 1), outline=shade(wall, 0.6), width=5)
    draw.line((x + wide / 2, y, x + wide / 2, y + tall), fill=shade(wall, 0.6), width=3)
    rug = pick(rng, [(168, 70, 66), (84, 104, 140), (200, 180, 140), (110, 130, 100)])
    for part in (1.0, 0.84):
        at = (width * 0.5, (horizon + height) * 0.52)
        on.oval(
            at, (width * 0.46 * part, (height - horizon) * 0.42 * part), blend(rug, (255, 255, 255), 1 - part)
        )


def _meadow(on: Canvas, horizon: int) -> None:
    draw, rng, width, height = on
    for _ in range(int(rng.integers(2, 5))):
        x, y = rng.uniform(0, width), rng.uniform(8, horizon * 0.6)
        for puff in range(4):
            on.oval((x + 16 * puff, y + rng.uniform(-5, 5)), (20, 10), (246, 248, 250))
    for _ in range(3):
        at = (rng.uniform(0, width), horizon + 18)
        on.oval(at, (rng.uniform(80, 180), rng.uniform(26, 60)), pick(rng, [(108, 146, 92), (126, 156, 110)]))
    draw.rectangle(
        (0, horizon + 16, width, height), fill=shade(pick(rng, [(124, 160, 72), (142, 158, 80)]), 1)
    )
    on.tufts(horizon + 16, [(100, 140, 60), (150, 176, 90), (168, 170, 96)])
    for _ in range(34):
        at = (rng.uniform(0, width), rng.uniform(horizon + 20, height))
        bloom = pick(rng, [(248, 240, 240), (246, 206, 70), (214, 110, 130), (150, 120, 200)])
        on.oval(at, (2.6, 2.2), bloom)


def _river(on: Canvas, horizon: int) -> None:
    draw, rng, width, height = on
    for _ in range(24):
        at = (rng.uniform(0, width), horizon - rng.uniform(0, 34))
        on.oval(at, (rng.uniform(14, 34), rng.uniform(12, 28)), pick(rng, GREENS, 0.2))
    draw.rectangle((0, horizon, width, height), fill=shade(pick(rng, [(84, 128, 148), (98, 138, 140)]), 1))
    for _ in range(50):
        x, y = rng.uniform(0, width), rng.uniform(horizon, height)
        ripple = pick(rng, [(170, 204, 214), (62, 104, 126), (214, 232, 236)])
        draw.line((x, y, x + rng.uniform(10, 46), y + 1), fill=shade(ripple, 1), width=2)
    for _ in range(int(rng.integers(3, 8))):
        at = (rng.uniform(0, width), rng.uniform(horizon, height))
        wide = rng.uniform(10, 34)
        stone = pick(rng, [(122, 120, 116), (146, 138, 126), (100, 100, 104)])
        on.oval(at, (wide, wide * 0.55), stone)
        on.oval(
            (at[0] - wide * 0.2, at[1] - wide * 0.2),
            (wide * 0.6, wide * 0.25),
            blend(stone, (230, 230, 226), 0.4),
        )


def _night(on: Canvas, horizon: int) -> None:
    draw, rng, width, _height = on
    for _ in range(40):
        x, y = rng.uniform(0, width), rng.uniform(0, horizon)
        draw.ellipse((x, y, x + 1.6, y + 1.6), fill=(220, 226, 240))
    x, y = rng.uniform(30, width - 30), rng.uniform(24, horizon * 0.6)
    for radius, glow in ((34, 0.12), (25, 0.22), (17, 1.0)):
        on.oval((x, y), (radius, radius), blend((44, 58, 92), (246, 240, 214), glow))
    for _ in range(9):
        on.fir(
            (rng.uniform(0, width), horizon + 12),
            rng.uniform(40, 120),
            pick(rng, [(26, 38, 50), (32, 48, 58)]),
        )
    on.tufts(horizon, [(44, 64, 68), (58, 76, 74)])


def _grass(on: Canvas) -> None:
    draw, rng, width, height = on
    tall = height * rng.uniform(0.12, 0.42)
    for x in np.sort(rng.uniform(-20, width + 20, 70)).tolist():
        tip, lean = height - tall * rng.uniform(0.4, 1.0), rng.uniform(-40, 40)
        blade = shade(pick(rng, [*GREENS, (150, 150, 84)], 0.2), 1)
        draw.polygon((x - 5, height, x + 5, height, x + lean, tip), fill=blade)


def _branch(on: Canvas) -> None:
    draw, rng, width, height = on
    bark = pick(rng, [(78, 58, 44), (98, 78, 58)])
    start, stop = rng.uniform(0.0, 0.8, 2) * height
    xs = np.linspace(-10, width + 10, 12)
    ys = np.linspace(start, stop, 12) + np.cumsum(rng.normal(0, 12, 12))
    draw.line(
        np.stack([xs, ys], axis=1).ravel().tolist(),
        fill=shade(bark, 1),
        width=int(rng.integers(7, 18)),
        joint="curve",
    )
    leaf = pick(rng, [*GREENS, (196, 140, 60)])
    for x in rng.uniform(0, width, 46).tolist():
        y = float(np.interp(x, xs, ys)) + rng.normal(0, 22)
        long = rng.uniform(8, 20)
        draw.ellipse(
            (x - long, y - long * 0.5, x + long, y + long * 0.5), fill=shade(leaf, rng.uniform(0.75, 1.25))
        )


def _flakes(on: Canvas) -> None:
    draw, rng, width, height = on
    for x, y, r in zip(
        rng.uniform(0, width, 90), rng.uniform(0, height, 90), rng.uniform(2, 8, 90), strict=True
    ):
        draw.ellipse((x - r, y - r, x + r, y + r), fill=(246, 248, 252))


def _cushion(on: Canvas) -> None:
    draw, rng, width, height = on
    at = (width * rng.uniform(0.15, 0.85), height * rng.uniform(0.86, 1.0))
    matrix = np.eye(2) * height * rng.uniform(0.18, 0.3)
    brush = Brush(draw, rng, matrix=matrix, origin=at, light=(-0.4, -0.8))
    brush.blob(
        (0, 0), (1.4, 0.8), pick(rng, [(90, 120, 160), (190, 90, 80), (220, 196, 120)]), shag=0.03, fur=60
    )


def _blocks(on: Canvas) -> None:
    draw, rng, width, height = on
    for _ in range(3):
        x, side = rng.uniform(0, width * 0.9), height * rng.uniform(0.1, 0.2)
        y = height - side * rng.uniform(0.8, 1.6)
        block = pick(rng, [(200, 70, 60), (70, 110, 180), (230, 180, 60), (100, 160, 90)])
        draw.rectangle((x, y, x + side, y + side), fill=shade(block, 1))
        draw.polygon(
            (x, y, x + side * 0.3, y - side * 0.3, x + side * 1.3, y - side * 0.3, x + side, y),
            fill=shade(block, 1.2),
        )
        draw.polygon(
            (x + side, y, x + side * 1.3, y - side * 0.3, x + side * 1.3, y + side * 0.7, x + side, y + side),
            fill=shade(block, 0.75),
        )


SCENES: dict[str, Scene] = {
    "forest": Scene(
        ((120, 150, 104), (86, 112, 70)),
        ((104, 98, 62), (76, 78, 46)),
        (0.94, 0.98, 0.88),
        (_branch, _grass),
        _forest,
    ),
    "snow": Scene(
        ((176, 200, 224), (222, 230, 240)),
        ((230, 236, 246), (206, 218, 236)),
        (0.98, 1.0, 1.08),
        (_flakes, _branch),
        _snow,
    ),
    "room": Scene(
        ((206, 190, 166), (206, 190, 166)),
        ((150, 108, 70), (120, 86, 60)),
        (1.04, 1.0, 0.93),
        (_cushion, _blocks),
        _room,
    ),
    "meadow": Scene(
        ((132, 184, 228), (200, 222, 236)),
        ((128, 160, 80), (100, 136, 58)),
        (1.06, 1.03, 0.95),
        (_grass, _grass),
        _meadow,
    ),
    "river": Scene(
        ((168, 200, 222), (206, 220, 226)),
        ((90, 130, 146), (70, 110, 130)),
        (1.0, 1.01, 1.02),
        (_branch, _grass),
        _river,
    ),
    "night": Scene(
        ((22, 30, 58), (52, 66, 100)),
        ((48, 62, 70), (30, 42, 50)),
        (0.56, 0.62, 0.8),
        (_grass, _branch),
        _night,
    ),
}
