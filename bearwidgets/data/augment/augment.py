"""What is random about a training image: one warp of the image, then its light, then a part that is blotted out.

All geometry of an image is one matrix, and the image is warped once by it: no blur of several
interpolations on top of each other, and pixels of the larger image instead of empty corners wherever it has them
(the "presizing" of Howard and Gugger, "Deep Learning for Coders", 2020, chapter 5).
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from bearwidgets.data.augment.geometry import (
    bounds,
    from_unit,
    perspective,
    rotation,
    sample,
    to_unit,
    translation,
)
from bearwidgets.data.augment.lighting import blot, recolor, relight, relight_values
from bearwidgets.data.augment.transforms import (
    RESAMPLING,
    Resize,
    check_square,
    frame,
    layers_of,
    pixels_of,
)
from bearwidgets.errors import BadInputError, unknown_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bearwidgets.data.formats.registry import ImageLike

_TRIES = 10  # for a random crop that fits, as many as torchvision takes
_LONG = math.log(10 / 3)  # of the longer side of what is erased by the shorter one, at most
_QUARTERS = (Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270)
_CORNERS = ((-1, -1), (-1, 1), (1, -1), (1, 1))

_LIMITS = {
    "shift": (0, 0.5, "a share of the side"),
    "flip": (0, 1, "a probability"),
    "rotate": (0, 180, "degrees"),
    "zoom": (1, 10, "a factor"),
    "warp": (0, 0.3, "a share of half the side"),
    "p_affine": (0, 1, "a probability"),
    "brightness": (0, 0.99, "a strength"),
    "contrast": (0, 0.99, "a strength"),
    "saturation": (0, 0.99, "a strength"),
    "hue": (0, 180, "degrees"),
    "p_lighting": (0, 1, "a probability"),
    "erase": (0, 1, "a probability"),
}


def _drawn(most: float, p: float, rng: np.random.Generator) -> float:
    """A number from -`most` to `most`, or 0 where nothing is drawn."""
    return rng.uniform(-most, most) if most and rng.random() < p else 0.0


def _check_number(name: str, given: object, low: float, high: float, unit: str) -> None:
    if not isinstance(given, (int, float)) or not low <= given <= high:
        raise BadInputError(f"{name} is {given!r}; allowed is {unit} from {low} to {high}.")


def _check_range(name: str, given: object, high: float) -> None:
    numbers = given if isinstance(given, tuple) and len(given) == 2 else (0, 0)
    if not (all(isinstance(each, (int, float)) for each in numbers) and 0 < numbers[0] <= numbers[1] <= high):
        top = "" if math.isinf(high) else f" and up to {high:g}"
        raise BadInputError(
            f"{name} is {given!r}; allowed is a pair like (0.5, 1): two numbers above 0{top}, the smaller one first."
        )


@dataclass(frozen=True)
class Augment:
    """A random look at an image; with no argument it is that of the evaluation.

    The geometry is, from image to output: a random crop (`area`) or else the part that `resize` shows; its shift,
    perspective warp, rotation and zoom; then mirror and quarter turns, which cost no sharpness. A random crop is laid
    so that it stays inside the image, if it can. What lies outside is the image's mirror image, or black where
    `resize` is "pad" and there is no random crop. Arrays of bands are moved and relit (brightness and contrast) as
    images are; saturation, hue and erasing leave them alone.

    Attributes:
        size: Side of the output, px.
        resize: How the image is shown where `area` is None, as `Resize.method`; and what is looked at when nothing
            else is drawn.
        interpolation: As of `Resize`; what is rotated or warped is bilinear, unless this is "nearest".
        area: Share of the image's area that a random crop has, from 0 to 1, drawn between the two; None for no
            such crop. The method of Szegedy et al., "Going deeper with convolutions" (2015).
        aspect: Width by height of that crop, drawn between the two, evenly in its logarithm.
        shift: Moved by a whole number of output px, each way up to this share of the side, 0 to 0.5.
        flip: Probability of the mirror image, left for right.
        quarter_turns: Whether the output is turned by 0, 90, 180 or 270 degrees.
        rotate: Turned by up to so many degrees either way, 0 to 180.
        zoom: Enlarged by up to this factor about a random place, 1 to 10.
        warp: How far the corners move by a look from one side, as a share of half the side, 0 to 0.3.
        p_affine: Probability of each of rotation, zoom and both directions of the warp.
        brightness: 0 to 0.99; logits of all values move by logit((1 ± b) / 2) with b up to this. In an array by so
            many standard deviations of the band.
        contrast: 0 to 0.99; logits are multiplied with up to 1 / (1 - c), or down to 1 - c. In an array the
            distances to the band's mean are.
        saturation: 0 to 0.99; the distance to gray is multiplied as for `contrast`.
        hue: Colors turn by up to so many degrees either way about the gray axis, 0 to 180.
        p_lighting: Probability of each of brightness, contrast, saturation and hue.
        erase: Probability that a rectangle is filled with noise: Zhong et al., "Random erasing" (2017).
        erase_area: Share of the output's area that it has, drawn between the two.

    Raises:
        BadInputError: A value out of its range; the message names it.

    Example:
        >>> turned = Augment(64, rotate=30, p_affine=1)
        >>> turned(Image.new("RGB", (90, 60)), np.random.default_rng(0)).shape
        (64, 64, 3)
    """

    size: int = 224
    resize: str = "squish"
    interpolation: str = "bicubic"
    area: tuple[float, float] | None = None
    aspect: tuple[float, float] = (3 / 4, 4 / 3)
    shift: float = 0.0
    flip: float = 0.0
    quarter_turns: bool = False
    rotate: float = 0.0
    zoom: float = 1.0
    warp: float = 0.0
    p_affine: float = 0.75
    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    hue: float = 0.0
    p_lighting: float = 0.75
    erase: float = 0.0
    erase_area: tuple[float, float] = (0.02, 1 / 3)

    def __post_init__(self) -> None:
        check_square(self.size, self.resize, self.interpolation)
        for name, limits in _LIMITS.items():
            _check_number(name, getattr(self, name), *limits)
        if self.area is not None:
            _check_range("area", self.area, 1)
        _check_range("aspect", self.aspect, math.inf)
        _check_range("erase_area", self.erase_area, 1)

    def __call__(self, image: ImageLike, rng: np.random.Generator) -> np.ndarray:
        """Pixels (size, size, bands) of an image: uint8 of a `PIL.Image.Image`, float32 of an array."""
        layers = self._moved(layers_of(image), rng)
        if not isinstance(image, Image.Image):
            return relight_values(pixels_of(layers), *self._light(rng))
        if image.mode == "RGB":
            saturation = math.exp(_drawn(-math.log(1 - self.saturation), self.p_lighting, rng))
            layers = [recolor(layers[0], saturation, _drawn(self.hue, self.p_lighting, rng))]
        pixels = relight(pixels_of(layers), *self._light(rng))
        if rng.random() >= self.erase:
            return pixels
        aspect = math.exp(rng.uniform(-_LONG, _LONG))
        return blot(pixels, rng.uniform(*self.erase_area), aspect, rng)

    def _moved(self, layers: list[Image.Image], rng: np.random.Generator) -> list[Image.Image]:
        """The layers at `size` × `size` px after everything that moves pixels."""
        inner = self._inner(rng)
        if self.area is None and inner is None:
            resize = Resize(self.size, self.resize, self.interpolation)
            moved = [resize.layer(layer) for layer in layers]
        else:
            matrix = self._matrix(*layers[0].size, inner, rng)
            mirror = self.area is not None or self.resize != "pad"
            kernel = RESAMPLING[self.interpolation]
            moved = [sample(layer, matrix, self.size, kernel, mirror=mirror) for layer in layers]
        turns = [Image.Transpose.FLIP_LEFT_RIGHT] if rng.random() < self.flip else []
        if self.quarter_turns and (quarters := int(rng.integers(4))):
            turns.append(_QUARTERS[quarters - 1])
        for turn in turns:
            moved = [layer.transpose(turn) for layer in moved]
        return moved

    def _matrix(
        self, width: int, height: int, inner: np.ndarray | None, rng: np.random.Generator
    ) -> np.ndarray:
        """Output px → px of an image of this size."""
        unit = to_unit(self.size) if inner is None else inner @ to_unit(self.size)
        if self.area is None:
            return from_unit(frame(width, height, self.resize)) @ unit
        crop = self._crop(width, height, self.area, rng)
        matrix = from_unit((0, 0, *crop)) @ unit
        left, top, right, bottom = bounds(matrix, self.size)
        place = rng.random(2) * (width - (right - left), height - (bottom - top)) - (left, top)
        return translation(*place) @ matrix

    def _crop(
        self, width: int, height: int, area: tuple[float, float], rng: np.random.Generator
    ) -> tuple[int, int]:
        """Width and height of a random crop; the largest of an allowed aspect where no drawn one fits."""
        low, high = (math.log(each) for each in self.aspect)
        for _ in range(_TRIES):
            pixels, aspect = rng.uniform(*area) * width * height, math.exp(rng.uniform(low, high))
            crop = round(math.sqrt(pixels * aspect)), round(math.sqrt(pixels / aspect))
            if 0 < crop[0] <= width and 0 < crop[1] <= height:
                return crop
        return (
            max(1, min(width, round(height * self.aspect[1]))),
            max(1, min(height, round(width / self.aspect[0]))),
        )

    def _inner(self, rng: np.random.Generator) -> np.ndarray | None:
        """Shift, warp, rotation and zoom on the square from -1 to 1; None if nothing is drawn."""
        parts = []
        if self.shift:
            most = round(self.shift * self.size)
            parts.append(translation(*rng.integers(-most, most, 2, endpoint=True) * (2 / self.size)))
        x, y = _drawn(self.warp, self.p_affine, rng), _drawn(self.warp, self.p_affine, rng)
        if x or y:
            seen = [(-1 - y, -1 - x), (-1 + y, 1 + x), (1 + y, -1 + x), (1 - y, 1 - x)]
            parts.append(perspective(seen, _CORNERS))
        if degrees := _drawn(self.rotate, self.p_affine, rng):
            parts.append(rotation(degrees))
        if self.zoom > 1 and rng.random() < self.p_affine:
            share = 1 / rng.uniform(1, self.zoom)
            parts.append(translation(*(1 - share) * rng.uniform(-1, 1, 2)) @ np.diag([share, share, 1]))
        return functools.reduce(np.matmul, parts) if parts else None

    def _light(self, rng: np.random.Generator) -> tuple[float, float]:
        """What is added to the logits, and what they are multiplied with."""
        brightness = _drawn(self.brightness, self.p_lighting, rng)
        contrast = _drawn(-math.log(1 - self.contrast), self.p_lighting, rng)
        return math.log((1 + brightness) / (1 - brightness)), math.exp(contrast)


@dataclass(frozen=True)
class Preset:
    """A named augmentation: what it does and for which images, in a line."""

    augment: Augment
    description: str


PRESETS: Mapping[str, Preset] = {
    "none": Preset(Augment(), "no chance at all: every look is that of the evaluation"),
    "light": Preset(
        Augment(area=(0.35, 1), flip=0.5), "a random crop of 35-100 % of the area, mirrored half of the time"
    ),
    "standard": Preset(
        Augment(flip=0.5, rotate=10, zoom=1.1, warp=0.2, brightness=0.2, contrast=0.2),
        "fastai's aug_transforms: mirror, a little rotation, zoom, perspective and light; for photos",
    ),
    "strong": Preset(
        Augment(
            area=(0.25, 1),
            flip=0.5,
            rotate=30,
            warp=0.2,
            p_affine=0.5,
            brightness=0.4,
            contrast=0.4,
            saturation=0.5,
            hue=20,
            erase=0.25,
        ),
        "small crops, large rotations, other colors, erased parts; for long trainings and few images",
    ),
    "aerial": Preset(
        Augment(flip=0.5, quarter_turns=True, zoom=1.1, brightness=0.2, contrast=0.2),
        "mirror, quarter turns, zoom and light, no perspective; for satellite and microscope",
    ),
    "upright": Preset(
        Augment(rotate=10, zoom=1.1, warp=0.2, brightness=0.2, contrast=0.2),
        '"standard" without the mirror; for text, digits and signs',
    ),
    "small": Preset(
        Augment(shift=0.125, flip=0.5),
        "moved by up to an eighth of the side (4 of 32 px), mirrored half of the time; for images of about 32 px",
    ),
}
"""The named augmentations, by name."""


def augmentation(
    which: str | Augment, size: int, *, interpolation: str = "bicubic", resize: str = "squish"
) -> Augment:
    """An augmentation by its name in `PRESETS`, or one's own, for the network's size and its way to resize."""
    if isinstance(which, str) and which in PRESETS:
        which = PRESETS[which].augment
    if not isinstance(which, Augment):
        raise BadInputError(
            f"{unknown_name('augmentation', which, PRESETS)} An Augment of your own is allowed too."
        )
    return replace(which, size=size, interpolation=interpolation, resize=resize)
