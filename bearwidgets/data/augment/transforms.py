"""From an image to the square of pixels that a network sees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from bearwidgets.errors import BadInputError, check_whole, unknown_name

if TYPE_CHECKING:
    from bearwidgets.data.formats.registry import ImageLike

RESAMPLING = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
METHODS = ("squish", "crop", "pad")


@dataclass(frozen=True)
class Resize:
    """An image at `size` × `size` px, always the same: what evaluation and prediction use.

    Attributes:
        size: Side of the output, px.
        method: "squish" shows the whole image and does not keep its aspect; "crop" keeps the aspect and shows
            the square in its middle; "pad" keeps the aspect and shows the whole image between black bars. Black
            and not the mirror image, because bars that repeat the image show an animal twice, and because any
            other program can do the same with the trained network.
        interpolation: "nearest", "bilinear", "bicubic" or "lanczos"; all but the first smooth where they shrink.

    Raises:
        BadInputError: A size below 1, or an unknown method or interpolation.

    Example:
        >>> Resize(4, "crop")(Image.new("RGB", (30, 20), "red")).shape
        (4, 4, 3)
    """

    size: int
    method: str = "squish"
    interpolation: str = "bicubic"

    def __post_init__(self) -> None:
        check_square(self.size, self.method, self.interpolation)

    def __call__(self, image: ImageLike) -> np.ndarray:
        """Pixels (size, size, bands) of an image: uint8 of a `PIL.Image.Image`, float32 of an array."""
        return pixels_of([self.layer(layer) for layer in layers_of(image)])

    def layer(self, layer: Image.Image) -> Image.Image:
        """One layer of an image, as of `layers_of`, at `size` × `size` px."""
        width, height = layer.size
        resampling = RESAMPLING[self.interpolation]
        if self.method != "pad":
            box = frame(width, height, self.method)
            return layer.resize((self.size, self.size), resampling, box=box, reducing_gap=2.0)
        scale = self.size / max(width, height)
        inner = (max(1, round(width * scale)), max(1, round(height * scale)))
        square = Image.new(layer.mode, (self.size, self.size))
        corner = ((self.size - inner[0]) // 2, (self.size - inner[1]) // 2)
        square.paste(layer.resize(inner, resampling, reducing_gap=2.0), corner)
        return square


def frame(width: int, height: int, method: str) -> tuple[int, int, int, int]:
    """Which part of an image fills the output: left, top, right, bottom in px; of "pad" it reaches beyond."""
    if method == "squish":
        return 0, 0, width, height
    side = min(width, height) if method == "crop" else max(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    return left, top, left + side, top + side


def layers_of(image: ImageLike) -> list[Image.Image]:
    """What Pillow can resample: the image itself (RGB or L), or one image of mode F for each band of an array."""
    if isinstance(image, Image.Image):
        if image.mode not in {"RGB", "L"}:
            raise BadInputError(
                f"An image of mode {image.mode!r} came; allowed are RGB and L: convert it first."
            )
        return [image]
    if image.ndim != 3 or not image.size:
        raise BadInputError(
            f"An array of shape {image.shape} came; allowed is (height, width, bands), all of them 1 or more."
        )
    bands = np.moveaxis(image, 2, 0)
    return [Image.fromarray(np.ascontiguousarray(band, dtype=np.float32)) for band in bands]


def pixels_of(layers: list[Image.Image]) -> np.ndarray:
    """Array (h, w, bands) of what `layers_of` gave: uint8 of RGB and L, float32 of F."""
    if layers[0].mode == "RGB":
        return np.asarray(layers[0])
    return np.stack([np.asarray(layer) for layer in layers], axis=-1)


def check_square(size: object, method: str, interpolation: str) -> None:
    """Raise a BadInputError unless a square can be made of these."""
    check_whole("size", size, 1, of=" of pixels", like=", for example 224")
    if method not in METHODS:
        raise BadInputError(unknown_name("way to resize", method, METHODS))
    if interpolation not in RESAMPLING:
        raise BadInputError(unknown_name("interpolation", interpolation, RESAMPLING))
