"""Open image files of unknown origin: by content and never by name, bounded, upright, always RGB.

Whatever cannot be used raises `ImageError`, whose message is a reason that a person understands.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bearwidgets.data.formats.registry import MAX_PIXELS, Format, allowed, format_of
from bearwidgets.errors import ImageError

if TYPE_CHECKING:
    from PIL import Image

MAX_BYTES = 512 * 2**20
"""Size of a file above which it is refused unread."""

_OTHER_STARTS = {
    b"%PDF": "a PDF document",
    b"PK\x03\x04": "a ZIP archive or office document",
    b"8BPS": "a Photoshop file",
    b"\x1f\x8b": "a compressed archive",
    b"Rar!": "a compressed archive",
    b"7z\xbc\xaf": "a compressed archive",
    b"{": "text (JSON)",
}
_NOT_READ = ("a HEIC or AVIF photo", "a Photoshop file", "an SVG drawing")  # images all the same


def open_image(
    source: str | Path | bytes, *, max_pixels: int = MAX_PIXELS, at_least: int | None = None
) -> Image.Image:
    """Open an image as RGB, turned as its EXIF orientation says, over white where it is transparent.

    It carries no metadata (no EXIF, no GPS, no comments). An array, or a TIFF that is more than a photo, shows its
    first three bands (the first in gray, if there are fewer), each stretched from its 2nd to its 98th percentile.

    Args:
        source: A path, or the bytes of a file.
        max_pixels: The largest width times height that is decoded.
        at_least: A short side in px that suffices: a large JPEG is then decoded at a half, a quarter or an
            eighth of its size, never smaller than this. The image is not resized to it.

    Raises:
        ImageError: The file is missing, of another format, broken or too large; the message is the reason.
    """
    data = bytes_of(source)
    return known_format(data).open(data, max_pixels, at_least)


def check_image(data: bytes, *, max_pixels: int = MAX_PIXELS) -> tuple[int, int]:
    """Width and height in px after the EXIF turn, by the header and a cheap look whether the file is whole.

    Raises:
        ImageError: As `open_image`, but damage in the middle of the image's data is not looked for.
    """
    return known_format(data).size(data, max_pixels)


def read_bytes(path: str | Path) -> bytes:
    """Read a whole file of at most `MAX_BYTES`.

    Raises:
        ImageError: It is missing, unreadable or larger.
    """
    try:
        with Path(path).open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        kind = "missing" if isinstance(error, FileNotFoundError) else "unreadable"
        raise ImageError(f"cannot be read: {(error.strerror or str(error)).lower()}", kind) from error
    if len(data) > MAX_BYTES:
        raise ImageError(f"larger than {MAX_BYTES // 2**20} MB, the limit for one file", "refused")
    return data


def bytes_of(source: str | Path | bytes) -> bytes:
    """The source if it is bytes, else those of the file of this path."""
    return source if isinstance(source, bytes) else read_bytes(source)


def known_format(data: bytes) -> Format:
    """The format of a file by its bytes.

    Raises:
        ImageError: It is none of those allowed; the message says what it is instead.
    """
    found = format_of(data)
    if found is None:
        reason = _other_kind(data)
        raise ImageError(reason, "unsupported" if reason.startswith(_NOT_READ) else "not an image")
    return found


def _other_kind(data: bytes) -> str:
    """Say what a file is that is none of the allowed formats."""
    if not data:
        return "empty file (0 bytes)"
    if not any(data[:4096]):
        return f"only zero bytes, a failed copy or download; {allowed()}"
    if data[4:8] == b"ftyp":
        what = "a HEIC or AVIF photo" if data[8:12] in {b"heic", b"heix", b"mif1", b"avif"} else "a video"
        return f"{what}, not read here: save it as JPEG; {allowed()}"
    text = data[:2048].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if b"<svg" in text:
        return "an SVG drawing, never read as an image: save it as PNG"
    if text.startswith((b"<!doctype html", b"<html", b"<head", b"<body", b"<!--", b"<script")):
        return "a web page (HTML), not an image: the download failed or needs a login"
    what = next((what for start, what in _OTHER_STARTS.items() if data.startswith(start)), None)
    if what is None:
        what = "text" if b"\0" not in data[:2048] and _is_text(data[:2048]) else "of an unknown kind"
    return f"{what}, not an image; {allowed()}"


def _is_text(head: bytes) -> bool:
    try:
        head[:-4].decode()  # the cut may have split the last character
    except UnicodeDecodeError:
        return False
    return True
