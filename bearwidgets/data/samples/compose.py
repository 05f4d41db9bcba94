"""Whole images for the sample set: a bear in a place, in some light, through some camera; or something else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from bearwidgets.data.samples.bears import draw_bear, sample_look
from bearwidgets.data.samples.drawing import Brush, Color, pick, shade
from bearwidgets.data.samples.scenery import SCENES, Canvas, paint_scene

if TYPE_CHECKING:
    from collections.abc import Callable

OTHERS = ("car", "house", "fruit", "chart", "landscape")
_SIZES = ((320, 260), (320, 240), (340, 230), (300, 300), (250, 320))
_POSES = ("sitting", "standing", "walking", "head")
_POSE_ODDS = {
    "black": (0.24, 0.14, 0.36, 0.26),
    "grizzly": (0.22, 0.14, 0.38, 0.26),
    "teddy": (0.46, 0.2, 0.12, 0.22),
}
_SCENE_ODDS = {
    "black": (0.34, 0.14, 0.06, 0.2, 0.16, 0.1),
    "grizzly": (0.24, 0.14, 0.06, 0.22, 0.24, 0.1),
    "teddy": (0.1, 0.1, 0.5, 0.16, 0.06, 0.08),
}
_FINE = 2


def bear_image(kind: str, rng: np.random.Generator) -> Image.Image:
    """An RGB image of about 320 x 260 px of one bear; the state of `rng` alone decides it."""
    size = _SIZES[int(rng.choice(len(_SIZES), p=(0.4, 0.2, 0.15, 0.12, 0.13)))]
    place = str(rng.choice(list(SCENES), p=_SCENE_ODDS[kind]))
    pose = str(rng.choice(_POSES, p=_POSE_ODDS[kind]))
    look = sample_look(kind, rng)
    scene = paint_scene(place, size, rng)
    zoom = min(size) * rng.uniform(*{"head": (0.5, 0.68), "walking": (0.27, 0.38)}.get(pose, (0.3, 0.46)))
    at = (size[0] * rng.uniform(0.4, 0.6), size[1] * (0.56 if pose == "head" else rng.uniform(0.48, 0.6)))
    if pose != "head":
        scene = _shadow(scene, (at[0], at[1] + zoom), zoom * (1.15 if pose == "walking" else 0.75))
    layer = Image.new("RGBA", (size[0] * _FINE, size[1] * _FINE), (*shade(look.fur, 0.6), 0))
    draw = ImageDraw.Draw(layer)
    brush = _brush(draw, rng, zoom, at)
    if pose == "walking":
        brush.origin = brush.place(np.array([-0.25, 0.0]))
    draw_bear(brush, look, pose)
    for _ in range(int(rng.choice(3, p=(0.5, 0.38, 0.12)))):
        front = SCENES[place].front
        front[int(rng.choice(len(front)))](Canvas(draw, rng, *layer.size))
    return _camera(_lay_over(scene, layer, SCENES[place].light), rng)


def _brush(
    draw: ImageDraw.ImageDraw, rng: np.random.Generator, zoom: float, at: tuple[float, float]
) -> Brush:
    lean = np.deg2rad(rng.normal(0, 6))
    turn = np.array([[np.cos(lean), -np.sin(lean)], [np.sin(lean), np.cos(lean)]])
    stretch = np.diag([rng.choice((-1, 1)) * rng.uniform(0.93, 1.07), 1.0])
    sun = rng.uniform(-0.8, 0.8)
    return Brush(
        draw,
        rng,
        matrix=turn @ stretch * zoom * _FINE,
        origin=(at[0] * _FINE, at[1] * _FINE),
        light=(float(np.sin(sun)), float(-np.cos(sun))),
    )


def _shadow(scene: Image.Image, at: tuple[float, float], wide: float) -> Image.Image:
    dim = Image.new("L", scene.size, 0)
    x, y = at
    ImageDraw.Draw(dim).ellipse((x - wide, y - wide * 0.16, x + wide, y + wide * 0.16), fill=120)
    return Image.composite(
        Image.new("RGB", scene.size, (14, 16, 20)), scene, dim.filter(ImageFilter.BoxBlur(7))
    )


def _lay_over(scene: Image.Image, layer: Image.Image, light: Color) -> np.ndarray:
    front = np.asarray(layer.reduce(_FINE))
    under = np.asarray(scene).astype(np.float32)
    return under + (front[..., :3] * np.array(light, np.float32) - under) * (
        front[..., 3:] * np.float32(1 / 255)
    )


def _camera(pixels: np.ndarray, rng: np.random.Generator) -> Image.Image:
    """Uneven light, exposure, contrast, grain and a touch of blur."""
    height, width = pixels.shape[:2]
    across = np.linspace(-1, 1, width, dtype=np.float32)[None, :, None]
    down = np.linspace(-1, 1, height, dtype=np.float32)[:, None, None]
    side, top = rng.normal(0, 0.09, 2).astype(np.float32)
    contrast, exposure = rng.uniform(0.86, 1.1), rng.uniform(0.84, 1.16)
    gain = np.float32(exposure * contrast) * (1 + side * across + top * down - 0.09 * (across**2 + down**2))
    warm = np.array([1 + rng.normal(0, 0.04), 1.0, 1 + rng.normal(0, 0.05)], np.float32)
    grain = rng.standard_normal((height, width, 1), dtype=np.float32) * np.float32(rng.uniform(1, 6))
    pixels = pixels * warm * gain + (grain + np.float32(120 * (1 - contrast)))
    image = Image.fromarray(np.clip(pixels, 0, 255, out=pixels).astype(np.uint8))
    blur = rng.uniform(-0.8, 1.3)
    return image.filter(ImageFilter.BoxBlur(blur)) if blur > 0.2 else image


def other_image(name: str, rng: np.random.Generator) -> Image.Image:
    """An RGB image without a bear: one of `OTHERS`."""
    size = _SIZES[int(rng.integers(3))]
    if name == "chart":
        return _chart(size, rng)
    outdoors = "room" if name == "fruit" else str(rng.choice(["meadow", "river", "forest", "snow"]))
    scene = paint_scene(outdoors, size, rng)
    layer = Image.new("RGBA", (size[0] * _FINE, size[1] * _FINE), (60, 60, 60, 0))
    draw = ImageDraw.Draw(layer)
    brush = _brush(draw, rng, size[1] * rng.uniform(0.3, 0.4), (size[0] * 0.5, size[1] * 0.58))
    things: dict[str, Callable[[Brush], None]] = {"car": _car, "house": _house, "fruit": _fruit}
    if name in things:
        things[name](brush)
    return _camera(_lay_over(scene, layer, SCENES[outdoors].light), rng)


def _panel(brush: Brush, corners: list[tuple[float, float]], color: Color) -> None:
    brush.draw.polygon(brush.place(np.array(corners)).ravel().tolist(), fill=shade(color, 1))


def _car(brush: Brush) -> None:
    paint = pick(brush.rng, [(190, 40, 40), (50, 90, 170), (230, 190, 60), (220, 222, 226)])
    dark = shade(paint, 0.7)
    _panel(brush, [(-1.3, 0.75), (-1.3, 0.3), (-0.9, 0.18), (1.0, 0.18), (1.35, 0.35), (1.35, 0.75)], paint)
    _panel(brush, [(-0.85, 0.2), (-0.55, -0.3), (0.45, -0.3), (0.85, 0.2)], dark)
    for left, right in ((-0.7, -0.1), (0.0, 0.62)):
        _panel(
            brush, [(left, 0.16), (left + 0.2, -0.2), (right - 0.14, -0.2), (right, 0.16)], (186, 212, 226)
        )
    _panel(brush, [(-1.3, 0.62), (1.35, 0.62), (1.35, 0.75), (-1.3, 0.75)], dark)
    for x in (-0.75, 0.8):
        brush.dot((x, 0.76), (0.27, 0.27), (30, 30, 32))
        brush.dot((x, 0.76), (0.13, 0.13), (176, 180, 184))
    brush.dot((1.25, 0.42), (0.09, 0.07), (252, 244, 200))


def _house(brush: Brush) -> None:
    wall = pick(brush.rng, [(226, 210, 180), (200, 120, 90), (180, 196, 206)])
    _panel(brush, [(-0.9, 1.0), (-0.9, -0.1), (0.9, -0.1), (0.9, 1.0)], wall)
    _panel(
        brush, [(-1.15, -0.05), (0.0, -0.95), (1.15, -0.05)], pick(brush.rng, [(150, 60, 50), (90, 80, 84)])
    )
    _panel(brush, [(-0.18, 1.0), (-0.18, 0.4), (0.18, 0.4), (0.18, 1.0)], (96, 64, 44))
    for x in (-0.58, 0.58):
        _panel(brush, [(x - 0.2, 0.55), (x - 0.2, 0.15), (x + 0.2, 0.15), (x + 0.2, 0.55)], (176, 206, 226))
        brush.line([(x, 0.15), (x, 0.55)], (250, 250, 250), 0.04)


def _fruit(brush: Brush) -> None:
    brush.blob((0, 0.75), (1.1, 0.3), (222, 222, 228))
    for x in (-0.6, 0.0, 0.6, -0.3, 0.3):
        skin = pick(brush.rng, [(206, 50, 44), (240, 150, 40), (150, 190, 60), (244, 210, 70)])
        y = 0.45 if x in {-0.6, 0.0, 0.6} else 0.05
        brush.blob((x, y), (0.36, 0.34), skin)
        brush.dot((x - 0.1, y - 0.14), (0.07, 0.05), (252, 244, 232))
        brush.line([(x, y - 0.3), (x + 0.05, y - 0.44)], (90, 64, 40), 0.04)


def _chart(size: tuple[int, int], rng: np.random.Generator) -> Image.Image:
    image = Image.new("RGB", size, (250, 250, 248))
    draw = ImageDraw.Draw(image)
    width, height = size
    bar = pick(rng, [(60, 110, 180), (210, 120, 50), (80, 150, 110)])
    for row in range(1, 6):
        y = height - 30 - row * (height - 60) / 5
        draw.line((34, y, width - 16, y), fill=(222, 222, 222), width=1)
    for step, tall in enumerate(rng.uniform(0.15, 0.95, 7)):
        x = 44 + step * (width - 70) / 7
        draw.rectangle((x, height - 30 - tall * (height - 60), x + 24, height - 30), fill=shade(bar, 1))
    draw.line((34, 20, 34, height - 30, width - 16, height - 30), fill=(60, 60, 60), width=2)
    return image
