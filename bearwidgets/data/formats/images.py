"""Open pictures that come from strangers: by content and never by name, bounded, turned, always RGB.

Allowed are JPEG, PNG, WebP, GIF (first frame), BMP, TIFF and NumPy's arrays. Whatever cannot be used raises
`ImageError`, whose message is a reason that a person understands.
"""

from __future__ import annotations

import io
from pathlib import Path
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

from bearwidgets.data.formats.rasters import NPY_START, npy_header, read_npy, view
from bearwidgets.data.formats.tiffs import beyond_photo, check_tiff, read_tiff
from bearwidgets.errors import ImageError

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_PIXELS = 89_478_485
"""Width times height above which a picture is refused: where Pillow starts to warn of a bomb."""

MAX_BYTES = 512 * 2**20
"""Size of a file above which it is refused unread."""

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_FIRST_SIDEWAYS = 5  # the EXIF orientations 5 to 8 swap width and height
_ORIENTATION = 0x0112

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
_STARTS = {
    b"\xff\xd8\xff": "JPEG",
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
    b"BM": "BMP",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"II+\0": "TIFF",
    b"MM\0+": "TIFF",
    NPY_START: "NPY",
}
_OTHER_STARTS = {
    b"%PDF": "a PDF document",
    b"PK\x03\x04": "a ZIP archive or office document",
    b"8BPS": "a Photoshop file",
    b"\x1f\x8b": "a compressed archive",
    b"Rar!": "a compressed archive",
    b"7z\xbc\xaf": "a compressed archive",
    b"{": "text (JSON)",
}
_ALLOWED = "allowed are JPEG, PNG, WebP, GIF, BMP, TIFF and NumPy arrays (.npy)"


def sniff(head: bytes) -> str | None:
    """Say which of the allowed formats the first bytes of a file announce, or None."""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WebP"
    return next((kind for start, kind in _STARTS.items() if head.startswith(start)), None)


def open_image(
    source: str | Path | bytes, *, max_pixels: int = MAX_PIXELS, at_least: int | None = None
) -> Image.Image:
    """Open a picture as RGB, turned as its EXIF orientation says, over white where it is transparent.

    An array, or a TIFF that is more than a photo, shows its first three bands (the first in grey, if there are
    fewer), each stretched from its 2nd to its 98th percentile.

    Args:
        source: A path, or the bytes of a file.
        max_pixels: The largest width times height that is decoded.
        at_least: A short side in px that suffices: a large JPEG is then decoded at a half, a quarter or an
            eighth of its size, never smaller than this. The picture is not resized to it.

    Returns:
        A picture of mode RGB that carries no metadata (no EXIF, no GPS, no comments).

    Raises:
        ImageError: The file is missing, of another format, broken or too large; the message is the reason.

    Example:
        >>> open_image("bears/teddy/1.jpg", at_least=224).size  # doctest: +SKIP
        (333, 250)
    """
    data = source if isinstance(source, bytes) else read_bytes(source)
    kind = sniff(data[:16])
    if kind == "NPY":
        return view(read_npy(data, max_pixels))
    if kind == "TIFF" and (header := beyond_photo(data)) is not None:
        return view(read_tiff(data, header, max_pixels))
    return decode(data, to_rgb, max_pixels=max_pixels, at_least=at_least)


def decode(
    data: bytes,
    convert: Callable[[Image.Image], Image.Image],
    *,
    max_pixels: int = MAX_PIXELS,
    at_least: int | None = None,
) -> Image.Image:
    """Decode the bytes of a file that Pillow reads, convert its mode, and turn it as its EXIF orientation says.

    Args:
        data: The bytes of a file.
        convert: Decoded picture → picture of the mode that is wanted.
        max_pixels: As of `open_image`.
        at_least: As of `open_image`.

    Raises:
        ImageError: As `open_image`.
    """
    picture, turn = _open(data, max_pixels)
    if at_least is not None:
        short = min(picture.size)
        width, height = (max(1, side * at_least // short) for side in picture.size)
        picture.draft(None, (width, height))
    try:
        picture.load()
        image = convert(picture)
        if turn is not None:
            image = image.transpose(turn)
    except Exception as error:  # a broken file makes a decoder raise anything
        raise ImageError(_decode_reason(error)) from error
    if image is picture:
        image = picture.copy()
    image.info = {}
    return image


def image_size(path: str | Path, *, max_pixels: int = MAX_PIXELS) -> tuple[int, int]:
    """Width and height in px after the EXIF turn, by the header and a cheap look whether the file is whole.

    Raises:
        ImageError: As `open_image`, but damage in the middle of the picture's data is not looked for.
    """
    return check_image(read_bytes(path), max_pixels=max_pixels)


def check_image(data: bytes, *, max_pixels: int = MAX_PIXELS) -> tuple[int, int]:
    """As `image_size`, for the bytes of a file."""
    kind = sniff(data[:16])
    if kind == "NPY":
        return npy_header(data, max_pixels).size
    if kind == "TIFF" and (header := beyond_photo(data)) is not None:
        check_tiff(data, header, max_pixels)
        return header.size
    picture, turn = _open(data, max_pixels)
    width, height = picture.size
    if not _is_whole(picture.format, data):
        try:
            picture.load()
        except Exception as error:  # a broken file makes a decoder raise anything
            raise ImageError(_decode_reason(error)) from error
    sideways = (
        turn is not None and next(key for key, each in _TURNS.items() if each is turn) >= _FIRST_SIDEWAYS
    )
    return (height, width) if sideways else (width, height)


def read_bytes(path: str | Path) -> bytes:
    """Read a whole file of at most `MAX_BYTES`.

    Raises:
        ImageError: It is missing, unreadable or larger.
    """
    try:
        with Path(path).open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ImageError(f"cannot be read: {(error.strerror or str(error)).lower()}") from error
    if len(data) > MAX_BYTES:
        raise ImageError(f"larger than {MAX_BYTES // 2**20} MB, the limit for one file")
    return data


def _open(data: bytes, max_pixels: int) -> tuple[Image.Image, Image.Transpose | None]:
    """Read the header; give the undecoded picture and how it has to be turned."""
    kind = sniff(data[:16])
    if kind is None:
        raise ImageError(_stranger(data))
    try:
        picture = _OPENERS[kind](io.BytesIO(data))
    except Exception as error:  # a broken header makes a plugin raise anything
        raise ImageError(_header_reason(kind, data, error)) from error
    width, height = picture.size
    if width < 1 or height < 1:
        raise ImageError(f"{kind} of {width} x {height} px: there is no picture in it")
    if width * height > max_pixels:
        raise ImageError(f"too large: {width} x {height} px, the limit is {max_pixels / 1e6:.0f} million px")
    # Pillow turns a TIFF itself while it decodes, and reports the size of the turned picture.
    return picture, None if kind == "TIFF" else _turn(picture)


def _turn(picture: Image.Image) -> Image.Transpose | None:
    """How the EXIF orientation turns the picture; an invalid or unreadable one turns nothing."""
    try:
        # Image's own method, because that of a PNG decodes the whole picture to look for late chunks.
        orientation = Image.Image.getexif(picture).get(_ORIENTATION)
    except Exception:  # noqa: BLE001 - the picture is good even where its EXIF block is rubbish
        return None
    return _TURNS.get(orientation) if isinstance(orientation, int) else None


def to_rgb(picture: Image.Image) -> Image.Image:
    """The picture in mode RGB, over white where it is transparent; deep grey brought down to 8 bits."""
    mode = picture.mode
    if mode == "RGB" and "transparency" not in picture.info:
        return picture
    if mode in {"I", "F"} or mode.startswith("I;16"):
        return _from_deep(np.asarray(picture), 65535 if mode.startswith("I;16") else None)
    if "transparency" in picture.info or mode in {"RGBA", "LA", "PA", "RGBa", "La"}:
        if mode in {"RGBa", "La"}:
            picture = picture.convert("RGBA" if mode == "RGBa" else "LA")
        layer = picture.convert("RGBA")
        white = Image.new("RGBA", layer.size, "white")
        return Image.alpha_composite(white, layer).convert("RGB")
    return picture.convert("RGB")


def _from_deep(values: np.ndarray, top: float | None) -> Image.Image:
    """Bring grey values of more than 8 bits, shape (height, width), from 0 to `top` down to 8 bits.

    Where no `top` is agreed on (32 bits, floats) it is the first of 1, 255, 65535 that holds all values; negative
    or larger ones are stretched from their least to their greatest.
    """
    values = np.nan_to_num(values.astype(np.float64), posinf=0, neginf=0)
    if top is None:
        least, greatest = float(values.min()), float(values.max())
        if least < 0 or greatest > 65535:
            values = values - least
            top = greatest - least or 1
        else:
            top = next(each for each in (1, 255, 65535) if greatest <= each)
    return Image.fromarray((values * (255 / top)).round().astype(np.uint8)).convert("RGB")


def _is_whole(kind: str | None, data: bytes) -> bool:
    """Whether the file surely reaches its end; where that is not plain, False, and decoding has to tell."""
    if kind in {"JPEG", "MPO"}:
        return _jpeg_is_whole(data)
    if kind == "PNG":
        return _png_is_whole(data)
    if kind == "WEBP":
        return len(data) >= 8 + int.from_bytes(data[4:8], "little")
    return False


def _jpeg_is_whole(data: bytes) -> bool:
    """Whether an end marker follows the start of the scan (one before it belongs to the EXIF thumbnail)."""
    position = 2
    while data[position : position + 1] == b"\xff":
        marker = data[position + 1]
        if marker == 0xDA:
            return data.find(b"\xff\xd9", position) > 0
        if marker == 0xFF:
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


def _stranger(data: bytes) -> str:
    """Say what a file is that is none of the allowed formats."""
    if not data:
        return "empty file (0 bytes)"
    if not any(data[:4096]):
        return f"only zero bytes, a failed copy or download; {_ALLOWED}"
    if data[4:8] == b"ftyp":
        what = "a HEIC or AVIF photo" if data[8:12] in {b"heic", b"heix", b"mif1", b"avif"} else "a video"
        return f"{what}, not read here: save it as JPEG; {_ALLOWED}"
    text = data[:2048].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if b"<svg" in text:
        return "an SVG drawing, never read as an image: save it as PNG"
    if text.startswith((b"<!doctype html", b"<html", b"<head", b"<body", b"<!--", b"<script")):
        return "a web page (HTML), not an image: the download failed or needs a login"
    what = next((what for start, what in _OTHER_STARTS.items() if data.startswith(start)), None)
    if what is None:
        what = "text" if b"\0" not in data[:2048] and _is_text(data[:2048]) else "of an unknown kind"
    return f"{what}, not an image; {_ALLOWED}"


def _is_text(head: bytes) -> bool:
    try:
        head[:-4].decode()  # the cut may have split the last character
    except UnicodeDecodeError:
        return False
    return True


def _header_reason(kind: str, data: bytes, error: Exception) -> str:
    if isinstance(error, Image.DecompressionBombError):
        return f"too large: a {kind} with more pixels than Pillow opens"
    return f"broken {kind}: its header cannot be read ({len(data):,} bytes)"


def _decode_reason(error: Exception) -> str:
    text = str(error)
    if "truncated" in text or isinstance(error, EOFError):
        return "cut off: the file ends before the picture does"
    if isinstance(error, MemoryError):
        return "too large for this machine's memory"
    return f"broken: its pixels cannot be decoded ({text or type(error).__name__})"
