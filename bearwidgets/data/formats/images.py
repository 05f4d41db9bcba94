"""Open image files of unknown origin: by content and never by name, bounded, upright, always RGB.

Whatever cannot be used raises `ImageError`, whose message is a reason that a person understands.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from bearwidgets.data.formats.limits import FILES, SMALL, its_own_trouble, most_pixels
from bearwidgets.data.formats.registry import Format, allowed, format_of
from bearwidgets.data.problems import MISSING, NOT_IMAGE, REFUSED, UNREADABLE, UNSUPPORTED
from bearwidgets.errors import ImageError

if TYPE_CHECKING:
    from collections.abc import Generator

    from PIL import Image

MAX_BYTES = 512 * 2**20
"""Size of a file above which it is refused unread."""

DECODING = 2
"""Goes up when the same file gives other pixels, so that what was computed of those before is not used again."""

_OTHER_STARTS = {
    b"%PDF": "a PDF document",
    b"%!PS": "a PostScript document",
    b"PK\x03\x04": "a ZIP archive or office document",
    b"\x1f\x8b": "a compressed archive",
    b"Rar!": "a compressed archive",
    b"7z\xbc\xaf": "a compressed archive",
    b"{": "text (JSON)",
}
_UNREAD_STARTS = {
    b"8BPS": "a Photoshop file",
    b"\xff\x0a": "a JPEG XL photo",
    b"\0\0\0\x0cJXL ": "a JPEG XL photo",
    b"\0\0\1\0": "a Windows icon",
}
_COMMENT = re.compile(rb"<!--.*?-->|<\?.*?\?>", re.DOTALL)  # and what is for the reader of XML
_FIRST_TAG = re.compile(rb"\s*<(?:!doctype\s+)?([a-z]+)")
_PAGE_TAGS = set(b"html head body title meta link base script style div p span table center main".split())
_HEIC_BRANDS = set(b"heic heix heim heis hevc hevx hevm hevs mif1 mif2 msf1".split())
_AVIF_BRANDS = {b"avif", b"avis"}


@its_own_trouble
def open_image(
    source: str | Path | bytes, *, max_pixels: int | None = None, at_least: int | None = None
) -> Image.Image:
    """Open an image as RGB, turned as its EXIF orientation says, over white where it is transparent.

    It carries no metadata (no EXIF, no GPS, no comments). Of an animation it is the first frame. An array, or a TIFF
    that is more than a photo, shows its first three bands (the first in gray, if there are fewer), each stretched
    from its 2nd to its 98th percentile. Gray of more than 8 bits is divided by the greatest number of the bits in use
    (8, 10, 12, 14 or 16), so that 12 bits in a file of 16 are not black; a thousandth of the px, which may be hot
    ones, may be above it and is then white.

    Args:
        source: A path, or the bytes of a file.
        max_pixels: The largest width times height that is decoded; that of the process (`allow_pixels`) if not given.
        at_least: A short side in px that suffices: a large image is then decoded at a whole fraction of its size,
            never smaller than this. The image is not resized to it.

    Raises:
        ImageError: The file is missing, of another format, broken or too large; the message is the reason.
    """
    with bytes_of(source) as data:
        return known_format(data).open(data, max_pixels or most_pixels(), at_least)


@its_own_trouble
def check_image(data: bytes, *, max_pixels: int | None = None) -> tuple[int, int]:
    """Width and height in px after the EXIF turn, by the header and a cheap look whether the file is whole.

    Raises:
        ImageError: As `open_image`, but damage in the middle of the image's data is not looked for.
    """
    return known_format(data).size(data, max_pixels or most_pixels())


def read_bytes(path: str | Path) -> bytes:
    """Read a whole file of at most `MAX_BYTES`.

    Raises:
        ImageError: It is missing, unreadable or larger.
    """
    data = _start_of(path, MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise ImageError(f"larger than {MAX_BYTES // 2**20} MB, the limit for one file", REFUSED)
    return data


def _start_of(path: str | Path, n_bytes: int) -> bytes:
    try:
        if stat.S_ISFIFO(os.stat(path).st_mode):  # noqa: PTH116 - opening a pipe would wait for ever
            raise ImageError("is no file", MISSING)
        with Path(path).open("rb") as file:
            return file.read(n_bytes)
    except (OSError, ValueError) as error:  # a ValueError where the name holds a NUL
        reason = getattr(error, "strerror", None) or str(error)
        kind = MISSING if isinstance(error, FileNotFoundError) else UNREADABLE
        raise ImageError(f"cannot be read: {reason.lower()}", kind) from error


@contextlib.contextmanager
def bytes_of(source: str | Path | bytes) -> Generator[bytes]:
    """The source if it is bytes, else those of the file of this path, once there is room for them."""
    if isinstance(source, bytes):
        yield source
        return
    data = _start_of(source, SMALL)
    if len(data) < SMALL:  # as nearly all are
        yield data
        return
    try:
        n_bytes = os.stat(source).st_size  # noqa: PTH116
    except (OSError, ValueError):
        n_bytes = 0  # reading will say why
    with FILES.take(n_bytes):
        yield read_bytes(source)


def known_format(data: bytes) -> Format:
    """The format of a file by its bytes.

    Raises:
        ImageError: It is none of those allowed; the message says what it is instead.
    """
    found = format_of(data)
    if found is None:
        raise _other_kind(data)
    return found


def _other_kind(data: bytes) -> ImageError:
    """Say what a file is that is none of the allowed formats."""
    if data[4:8] == b"ftyp":
        return _other_container(data)
    text = data[:2048].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    unread = _by_start(data, _UNREAD_STARTS)
    kind = NOT_IMAGE
    if not data:
        what = "empty file (0 bytes)"
    elif not any(data[:4096]):
        what = f"only zero bytes, a failed copy or download; {allowed()}"
    elif _is_page(text):
        what = "a web page (HTML), not an image: the download failed or needs a login"
    elif b"<svg" in text:
        what, kind = "an SVG drawing, never read as an image: save it as PNG", UNSUPPORTED
    elif unread is not None:
        what, kind = f"{unread}, not read here: save it as PNG; {allowed()}", UNSUPPORTED
    else:
        is_text = b"\0" not in data[:2048] and _is_text(data[:2048])
        found = _by_start(data, _OTHER_STARTS) or ("text" if is_text else "of an unknown kind")
        what = f"{found}, not an image; {allowed()}"
    return ImageError(what, kind)


def _other_container(data: bytes) -> ImageError:
    """Say what a file of the ISO container is, which photos and videos share, by all the brands that it names."""
    listed = data[16 : min(int.from_bytes(data[:4], "big"), 256)]
    brands = {data[8:12], *(listed[at : at + 4] for at in range(0, len(listed), 4))}
    if brands & _AVIF_BRANDS:
        what, way = "an AVIF photo", "run `pip install --upgrade pillow`"
    elif brands & _HEIC_BRANDS:
        what, way = "a HEIC photo", "run `pip install pillow-heif`"
    elif b"crx " in brands:
        return ImageError(
            f"a raw photo of a camera, not read here: save it as JPEG; {allowed()}", UNSUPPORTED
        )
    else:
        return ImageError(f"a video or sound file, not an image; {allowed()}", NOT_IMAGE)
    return ImageError(f"{what}: to read it {way}, or save it as JPEG", UNSUPPORTED)


def _is_page(text: bytes) -> bool:
    """Whether text in small letters is a web page, by its first tag: a page may have a drawing inside."""
    tag = _FIRST_TAG.match(_COMMENT.sub(b"", text))
    if tag is None:
        return text.startswith(b"<!--") and b"<svg" not in text
    return tag[1] in _PAGE_TAGS


def _by_start(data: bytes, starts: dict[bytes, str]) -> str | None:
    return next((what for start, what in starts.items() if data.startswith(start)), None)


def _is_text(head: bytes) -> bool:
    try:
        head[:-4].decode()  # the cut may have split the last character
    except UnicodeDecodeError:
        return False
    return True
