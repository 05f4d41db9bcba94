"""What Pillow opens, turned as its EXIF says, of an animation the first frame; TIFFs by `tiffs`."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import io
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    Jpeg2KImagePlugin,
    JpegImagePlugin,
    PngImagePlugin,
    PpmImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
    features,
)

from bearwidgets.data.formats import structure
from bearwidgets.data.formats.limits import check_bytes, check_extent, decoding
from bearwidgets.data.formats.modes import deep_levels, digest, is_deep, shrunk_rgb
from bearwidgets.data.formats.rasters import as_floats, check_bands
from bearwidgets.data.formats.registry import Format, ImageLike, register
from bearwidgets.data.problems import REFUSED
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
_COLOR_MODES = {"LA": 2, "RGBA": 4, "CMYK": 4}
_MODE_BYTES = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16B": 2, "I;16L": 2}  # a px; 4 of all others
_SLOW_VALUES = 2**22  # that a decoder in Python makes: a second or two
_SLOW_BYTES = 2**24  # that a decoder in Python reads
_SCANNED = 2**31  # px times scans of a progressive JPEG, of which there may be thousands in a small file
_FEW_SCANS = 40
_WAVES = 2**24  # px of a JPEG 2000, whose decoder takes some 0.2 s for a million


class _Kind(NamedTuple):
    """How files of one format are opened by Pillow.

    The plugins are called themselves, not Image.open: its bomb check warns, and turning a warning into an error is
    not safe in several threads. `_open` holds the limits instead.
    """

    opener: Callable[[Any], Any]
    whole: Callable[[bytes], bool] = lambda _: False  # surely; where it is False, decoding has to tell
    variants: Callable[[bytes], list[bytes]] = lambda data: [
        data
    ]  # what is decoded instead, all to the same pixels
    n_bytes: int = 0  # that the decoder takes for a px, the image not counted


def _avif(file: io.BytesIO) -> Any:
    return importlib.import_module("PIL.AvifImagePlugin").AvifImageFile(file)


def _heic(file: io.BytesIO) -> Any:
    return importlib.import_module("pillow_heif").HeifImageFile(file)


_KINDS: dict[str, _Kind] = {
    "JPEG": _Kind(JpegImagePlugin.jpeg_factory, structure.jpeg_is_whole, structure.jpeg_variants),
    "PNG": _Kind(PngImagePlugin.PngImageFile, structure.png_is_whole, structure.png_variants),
    "WebP": _Kind(WebPImagePlugin.WebPImageFile, structure.webp_is_whole, structure.webp_variants, 16),
    "GIF": _Kind(GifImagePlugin.GifImageFile, variants=structure.gif_variants),
    "BMP": _Kind(BmpImagePlugin.BmpImageFile),
    "PPM": _Kind(PpmImagePlugin.PpmImageFile, variants=structure.ppm_variants),
    "TIFF": _Kind(TiffImagePlugin.TiffImageFile),
    "JPEG 2000": _Kind(Jpeg2KImagePlugin.Jpeg2KImageFile, structure.jp2_is_whole, n_bytes=16),
    "AVIF": _Kind(_avif, structure.boxes_are_whole, structure.box_variants, 8),
    "HEIC": _Kind(_heic, structure.boxes_are_whole, structure.box_variants, 8),
}


def open_photo(kind: str, data: bytes, max_pixels: int, at_least: int | None) -> Image.Image:
    """The photo in mode RGB; arguments as of `Format.open`, after a key of `_KINDS`."""
    return _decode(kind, data, shrunk_rgb, max_pixels, at_least)


def photo_size(kind: str, data: bytes, max_pixels: int) -> tuple[int, int]:
    """Width and height of the upright photo; damage in the middle of the data is not looked for."""
    image, turn = _open(kind, _KINDS[kind].variants(data)[0], max_pixels)
    width, height = image.size
    if not _KINDS[kind].whole(data):
        pixels_count = kind == "JPEG"  # of two variants, which have to be alike
        _decode(
            kind,
            data,
            lambda image, _: image if pixels_count else image.crop((0, 0, 1, 1)),
            max_pixels,
            None if pixels_count else 1,
        )
    check_bytes(
        kind, _drafted(kind, image, data, 1)[1], max_pixels
    )  # once decoding fails for sure, refused at once
    return (height, width) if turn in _SIDEWAYS else (width, height)


def photo_bands(kind: str, data: bytes, in_chans: int, max_pixels: int, at_least: int | None) -> ImageLike:
    """The photo in RGB or gray for three bands or one, else the bands that it has; see `open_bands`."""
    if in_chans == 3:
        return open_photo(kind, data, max_pixels, at_least)
    if in_chans == 1:
        image = _decode(kind, data, _to_gray, max_pixels, at_least)
        return image if image.mode == "L" else as_floats(np.asarray(image)[..., None])
    image = _decode(kind, data, lambda image, _: image, max_pixels, None)
    is_gray = is_deep(image) or image.mode in {"1", "L"}
    check_bands(_COLOR_MODES.get(image.mode, 1 if is_gray else 3), in_chans)
    return as_floats(np.asarray(image))


def _to_gray(image: Image.Image, factor: int) -> Image.Image:
    return deep_levels(image) if is_deep(image) else shrunk_rgb(image, factor).convert("L")


def _decode(
    kind: str,
    data: bytes,
    convert: Callable[[Image.Image, int], Image.Image],
    max_pixels: int,
    at_least: int | None,
) -> Image.Image:
    """The decoded image, converted (at a fraction that suffices), upright, without metadata."""
    variants = _KINDS[kind].variants(data)
    if len(variants) == 1:
        return _decode_variant(kind, variants[0], convert, max_pixels, at_least)
    shown: set[bytes] = set()
    image = None
    for each in variants:
        del image  # before there is another
        try:
            image = _decode_variant(kind, each, convert, max_pixels, at_least)
        except ImageError as error:
            raise ImageError(
                str(error) if error.kind == REFUSED else structure.CUT_OFF, error.kind
            ) from error
        shown.add(digest(image))
    if image is None or len(shown) > 1:
        raise ImageError(structure.CUT_OFF)
    return image


def _decode_variant(
    kind: str,
    data: bytes,
    convert: Callable[[Image.Image, int], Image.Image],
    max_pixels: int,
    at_least: int | None,
) -> Image.Image:
    encoded, turn = _open(kind, data, max_pixels)
    factor, n_bytes = _drafted(kind, encoded, data, at_least)
    with decoding(kind, n_bytes, max_pixels):
        try:
            encoded.load()
            image = convert(encoded, factor)
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
        image = _KINDS[kind].opener(io.BytesIO(data))
    except Image.DecompressionBombError as error:
        reason = (
            f"too large: a {kind} with more pixels than Pillow opens; PIL.Image.MAX_IMAGE_PIXELS is its limit"
        )
        raise ImageError(reason, REFUSED) from error
    except Exception as error:  # a broken header makes a plugin raise anything
        raise ImageError(f"broken {kind}: its header cannot be read ({len(data):,} bytes)") from error
    check_extent(kind, *image.size, None, max_pixels)
    _check_speed(kind, image, data)
    # Pillow turns a TIFF itself while it decodes, and reports the size of the turned image; so does pillow-heif.
    return image, None if kind in {"TIFF", "HEIC"} else _turn(image)


def _check_speed(kind: str, image: Image.Image, data: bytes) -> None:
    """Refuse what is small and takes minutes: decoders in Python, and a JPEG of thousands of scans.

    Raises:
        ImageError: The reason.
    """
    n_values = image.width * image.height * len(image.getbands())
    in_python = any(tile[0] in Image.DECODERS for tile in getattr(image, "tile", ()))
    if in_python and (n_values > _SLOW_VALUES or len(data) > _SLOW_BYTES):
        raise ImageError(
            f"too large: a {kind} of {image.width} x {image.height} px in a coding that is slow to read, the limit "
            f"is {_SLOW_VALUES / 1e6:.0f} million values; save it as PNG",
            REFUSED,
        )
    scans = structure.jpeg_scans(data) if image.info.get("progressive") else 1
    if scans > _FEW_SCANS and scans * image.width * image.height > _SCANNED:
        raise ImageError(
            f"a JPEG of {scans:,} scans, which would take minutes: save it as another JPEG", REFUSED
        )


def _drafted(kind: str, image: Image.Image, data: bytes, at_least: int | None) -> tuple[int, int]:
    """Let the decoder give a half, a quarter or an eighth, where it can and that suffices.

    Returns:
        By how much the decoded image is then shrunk at once, and the bytes that all of it takes.
    """
    stored, short = image.width * image.height, min(image.size)
    at_least = short if at_least is None else max(1, at_least)
    if isinstance(image, Jpeg2KImagePlugin.Jpeg2KImageFile):
        halvings = min(max(0, (short // at_least).bit_length() - 1), structure.jp2_levels(data))
        image.reduce = halvings
        stored >>= 2 * halvings
        short >>= halvings
        if stored > _WAVES:
            raise ImageError(
                f"too large: a JPEG 2000 of {image.width} x {image.height} px takes minutes: save it as JPEG",
                REFUSED,
            )
        decoded = stored
    else:
        width, height = (max(1, side * at_least // short) for side in image.size)
        image.draft(None, (width, height))
        decoded, short = image.width * image.height, min(image.size)
    factor = max(1, short // (2 * at_least))
    coefficients = 6 * stored if kind == "JPEG" and image.info.get("progressive") else 0
    work = max(_KINDS[kind].n_bytes, 8 // factor**2)
    return factor, coefficients + decoded * (_MODE_BYTES.get(image.mode, 4) + work)


def _turn(image: Image.Image) -> Image.Transpose | None:
    """How the EXIF orientation turns the image; an invalid or unreadable one turns nothing."""
    try:
        if not structure.exif_is_small(image.info.get("exif", b"")):
            return None
        # Image's own method, because that of a PNG decodes the whole image to look for late chunks.
        orientation = Image.Image.getexif(image).get(_ORIENTATION)
    except Exception:  # noqa: BLE001 - the image is good even where its EXIF block is rubbish
        return None
    return _TURNS.get(orientation) if isinstance(orientation, int) else None


def _n_frames(kind: str, data: bytes) -> int:
    if kind == "GIF":
        return structure.gif_frames(data)
    try:
        with _KINDS[kind].opener(io.BytesIO(_KINDS[kind].variants(data)[0])) as image:
            return int(getattr(image, "n_frames", 1))
    except Exception as error:  # a broken file makes a decoder raise anything
        raise ImageError(f"broken: its frames cannot be counted ({error or type(error).__name__})") from error


def _decode_reason(error: Exception) -> str:
    text = str(error)
    if "truncated" in text or isinstance(error, EOFError):
        return structure.CUT_OFF
    if isinstance(error, MemoryError):
        return "too large for this machine's memory"
    return f"broken: its pixels cannot be decoded ({text or type(error).__name__})"


_STARTS = [
    ("JPEG", rb"\xff\xd8\xff", "jpg jpeg jpe jfif mpo"),
    ("PNG", rb"\x89PNG\r\n\x1a\n", "png apng"),
    ("WebP", rb"RIFF....WEBP", "webp"),
    ("GIF", rb"GIF8[79]a", "gif"),
    ("BMP", rb"BM", "bmp dib"),
    ("PPM", rb"P[1-6f]\s+[\d#]", "ppm pgm pbm pnm pfm"),
    ("JPEG 2000", rb"\xff\x4f\xff\x51|\0\0\0\x0cjP  ", "jp2 j2k j2c jpc jpf jpx jpm"),
]
if features.check("avif"):  # from Pillow 11.3 on
    _STARTS.append(("AVIF", rb"....ftyp(avi[fs]|m[is][f]1.{4}(.{4})*?avi[fs])", "avif avifs"))
if importlib.util.find_spec("pillow_heif"):
    _STARTS.append(("HEIC", rb"....ftyp(he[iv][cxms]|m[is]f1.{4}(.{4})*?he[iv][cxms])", "heic heif hif"))

for _name, _start, _suffix in _STARTS:
    register(
        Format(
            _name,
            _start,
            _suffix,
            size=functools.partial(photo_size, _name),
            open=functools.partial(open_photo, _name),
            bands=functools.partial(photo_bands, _name),
            n_frames=functools.partial(_n_frames, _name) if _name in {"PNG", "WebP", "GIF", "AVIF"} else None,
            title="PPM/PGM/PBM" if _name == "PPM" else "",
        )
    )
