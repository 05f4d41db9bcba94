"""What Pillow opens: JPEG, PNG, WebP, GIF (first frame) and BMP, turned as their EXIF says; TIFFs by `tiffs`."""

from __future__ import annotations

import functools
import io
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from bearwidgets.data.formats.limits import check_extent
from bearwidgets.data.formats.rasters import as_floats, check_bands
from bearwidgets.data.formats.registry import Format, ImageLike, register
from bearwidgets.errors import ImageError

if TYPE_CHECKING:
    from collections.abc import Callable

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SIDEWAYS = {_TURNS[orientation] for orientation in (5, 6, 7, 8)}  # they swap width and height
_ORIENTATION = 0x0112
_DEEP = 65535  # what Pillow's gray modes of more than 8 bits go up to in a PNG or TIFF
_COLOR_MODES = {"LA": 2, "RGBA": 4, "CMYK": 4}

# The plugins are called themselves, not Image.open: its bomb check warns, and turning a warning into an error
# is not safe in several threads. `_open` holds the limit instead.
_OPENERS: dict[str, Callable[[Any], Any]] = {
    "JPEG": JpegImagePlugin.jpeg_factory,
    "PNG": PngImagePlugin.PngImageFile,
    "GIF": GifImagePlugin.GifImageFile,
    "WebP": WebPImagePlugin.WebPImageFile,
    "BMP": BmpImagePlugin.BmpImageFile,
    "TIFF": TiffImagePlugin.TiffImageFile,
}


def open_photo(kind: str, data: bytes, max_pixels: int, at_least: int | None) -> Image.Image:
    """The photo in mode RGB; arguments as of `Format.open`, after a key of `_OPENERS`."""
    return _decode(kind, data, to_rgb, max_pixels, at_least)


def photo_size(kind: str, data: bytes, max_pixels: int) -> tuple[int, int]:
    """Width and height of the upright photo; damage in the middle of the data is not looked for."""
    image, turn = _open(kind, data, max_pixels)
    width, height = image.size
    if not _is_whole(kind, data):
        try:
            image.load()
        except Exception as error:  # a broken file makes a decoder raise anything
            raise ImageError(_decode_reason(error)) from error
    return (height, width) if turn in _SIDEWAYS else (width, height)


def photo_bands(kind: str, data: bytes, in_chans: int, max_pixels: int, at_least: int | None) -> ImageLike:
    """The photo in RGB or gray for three bands or one, else the bands that it has; see `open_bands`."""
    if in_chans == 3:
        return open_photo(kind, data, max_pixels, at_least)
    if in_chans == 1:
        image = _decode(kind, data, _to_gray, max_pixels, at_least)
        if image.mode == "L":
            return image
        values = np.asarray(image, dtype=np.float32)[..., None]
        return as_floats(values if image.mode == "F" else values / _DEEP)
    image = _decode(kind, data, lambda image: image, max_pixels, None)
    is_gray = _is_deep(image) or image.mode in {"1", "L"}
    check_bands(_COLOR_MODES.get(image.mode, 1 if is_gray else 3), in_chans)
    return as_floats(np.asarray(image))


def to_rgb(image: Image.Image) -> Image.Image:
    """The image in mode RGB, over white where it is transparent; deep gray brought down to 8 bits."""
    mode = image.mode
    if mode == "RGB" and "transparency" not in image.info:
        return image
    if _is_deep(image):
        return _from_deep(np.asarray(image), _DEEP if mode.startswith("I;16") else None)
    if "transparency" in image.info or mode in {"RGBA", "LA", "PA", "RGBa", "La"}:
        if mode in {"RGBa", "La"}:
            image = image.convert("RGBA" if mode == "RGBa" else "LA")
        layer = image.convert("RGBA")
        white = Image.new("RGBA", layer.size, "white")
        return Image.alpha_composite(white, layer).convert("RGB")
    return image.convert("RGB")


def _decode(
    kind: str,
    data: bytes,
    convert: Callable[[Image.Image], Image.Image],
    max_pixels: int,
    at_least: int | None,
) -> Image.Image:
    """The decoded image, its mode converted, upright, without metadata."""
    encoded, turn = _open(kind, data, max_pixels)
    if at_least is not None:
        short = min(encoded.size)
        width, height = (max(1, side * at_least // short) for side in encoded.size)
        encoded.draft(None, (width, height))
    try:
        encoded.load()
        image = convert(encoded)
        if turn is not None:
            image = image.transpose(turn)
    except Exception as error:  # a broken file makes a decoder raise anything
        raise ImageError(_decode_reason(error)) from error
    if image is encoded:
        image = encoded.copy()
    image.info = {}
    return image


def _open(kind: str, data: bytes, max_pixels: int) -> tuple[Image.Image, Image.Transpose | None]:
    """Read the header; give the undecoded image and how it has to be turned."""
    try:
        image = _OPENERS[kind](io.BytesIO(data))
    except Exception as error:  # a broken header makes a plugin raise anything
        if isinstance(error, Image.DecompressionBombError):
            reason = f"too large: a {kind} with more pixels than Pillow opens"
        else:
            reason = f"broken {kind}: its header cannot be read ({len(data):,} bytes)"
        raise ImageError(reason) from error
    check_extent(kind, *image.size, None, max_pixels)
    # Pillow turns a TIFF itself while it decodes, and reports the size of the turned image.
    return image, None if kind == "TIFF" else _turn(image)


def _turn(image: Image.Image) -> Image.Transpose | None:
    """How the EXIF orientation turns the image; an invalid or unreadable one turns nothing."""
    try:
        # Image's own method, because that of a PNG decodes the whole image to look for late chunks.
        orientation = Image.Image.getexif(image).get(_ORIENTATION)
    except Exception:  # noqa: BLE001 - the image is good even where its EXIF block is rubbish
        return None
    return _TURNS.get(orientation) if isinstance(orientation, int) else None


def _from_deep(values: np.ndarray, top: float | None) -> Image.Image:
    """Bring gray values of more than 8 bits, shape (height, width), from 0 to `top` down to 8 bits.

    Where no `top` is agreed on (32 bits, floats) it is the first of 1, 255, 65535 that holds all values; negative
    or larger ones are stretched from their least to their greatest.
    """
    values = np.nan_to_num(values.astype(np.float64), posinf=0, neginf=0)
    if top is None:
        least, greatest = float(values.min()), float(values.max())
        if least < 0 or greatest > _DEEP:
            values = values - least
            top = greatest - least or 1
        else:
            top = next(each for each in (1, 255, _DEEP) if greatest <= each)
    return Image.fromarray((values * (255 / top)).round().astype(np.uint8)).convert("RGB")


def _to_gray(image: Image.Image) -> Image.Image:
    return image if _is_deep(image) else to_rgb(image).convert("L")


def _is_deep(image: Image.Image) -> bool:
    return image.mode in {"I", "F"} or image.mode.startswith("I;16")


def _is_whole(kind: str, data: bytes) -> bool:
    """Whether the file surely reaches its end; where that is not plain, False, and decoding has to tell."""
    if kind == "JPEG":
        return _jpeg_is_whole(data)
    if kind == "PNG":
        return _png_is_whole(data)
    if kind == "WebP":
        return len(data) >= 8 + int.from_bytes(data[4:8], "little")
    return False


def _jpeg_is_whole(data: bytes) -> bool:
    """Whether an end marker follows the start of the scan (one before it belongs to the EXIF thumbnail)."""
    position = 2
    while data[position : position + 1] == b"\xff":
        marker = data[position + 1 : position + 2]
        if marker == b"\xda":
            return data.find(b"\xff\xd9", position) > 0
        if marker == b"\xff":
            position += 1
            continue
        position += 2 + int.from_bytes(data[position + 2 : position + 4], "big")
    return False


def _png_is_whole(data: bytes) -> bool:
    position = 8
    while position + 12 <= len(data):
        if data[position + 4 : position + 8] == b"IEND":
            return True
        position += 12 + int.from_bytes(data[position : position + 4], "big")
    return False


def _n_frames(kind: str, data: bytes) -> int:
    try:
        with _OPENERS[kind](io.BytesIO(data)) as image:
            return int(getattr(image, "n_frames", 1))
    except Exception as error:  # a broken file makes a decoder raise anything
        raise ImageError(f"broken: its frames cannot be counted ({error or type(error).__name__})") from error


def _decode_reason(error: Exception) -> str:
    text = str(error)
    if "truncated" in text or isinstance(error, EOFError):
        return "cut off: the file ends before the image does"
    if isinstance(error, MemoryError):
        return "too large for this machine's memory"
    return f"broken: its pixels cannot be decoded ({text or type(error).__name__})"


for _name, _start, _suffix in (
    ("JPEG", rb"\xff\xd8\xff", "jpg"),
    ("PNG", rb"\x89PNG\r\n\x1a\n", "png"),
    ("WebP", rb"RIFF....WEBP", "webp"),
    ("GIF", rb"GIF8[79]a", "gif"),
    ("BMP", rb"BM", "bmp"),
):
    register(
        Format(
            _name,
            _start,
            _suffix,
            size=functools.partial(photo_size, _name),
            open=functools.partial(open_photo, _name),
            bands=functools.partial(photo_bands, _name),
            n_frames=functools.partial(_n_frames, _name) if _name in {"PNG", "WebP", "GIF"} else None,
        )
    )
