"""What the bytes of a file say of its parts, without decoding: whether its end is there, and what is only text in it.

A file whose pixels are all there is read: what lacks only the mark of its end gets one, and metadata of a size that
no decoder takes is left out.
"""

from __future__ import annotations

import re
import zlib
from typing import Literal

from bearwidgets.data.problems import REFUSED
from bearwidgets.errors import ImageError

CUT_OFF = "cut off: the file ends before the image does"
_TEXT_CHUNKS = {b"tEXt", b"zTXt", b"iTXt", b"iCCP"}
_MOST_TEXT = 2**20  # bytes; Pillow refuses a PNG with a longer text
_LONG_HEAD = 2**16  # bytes before the first frame of a GIF
_PPM_HEAD = 4096  # bytes
_PPM_COMMENTS = 1000
_WEBP_PIXELS = {b"VP8 ", b"VP8L", b"ANMF"}
_MOST_EXIF = 2**26  # bytes
_END = b"\xff\xd9"
_JPEG_MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd7\xff]")  # that has a length behind it, or ends the image
_BIG_TIFF = 43
_TYPE_BYTES = {
    3: 2,
    4: 4,
    5: 8,
    8: 2,
    9: 4,
    10: 8,
    11: 4,
    12: 8,
    13: 4,
    16: 8,
    17: 8,
    18: 8,
}  # 1 of all others
MOST_ENTRIES = 2**18
"""Of all directories of a TIFF together."""


def jpeg_is_whole(data: bytes) -> bool:
    """Whether an end marker follows the start of the scan (one before it belongs to the EXIF thumbnail)."""
    start = _jpeg_head(data)[0]
    return start > 0 and data.find(_END, start) > 0


def jpeg_variants(data: bytes) -> list[bytes]:
    """The file without EXIF blocks that are too large; if it lacks its end marker, with one, also after rubbish.

    All pixels are there if both show the same: a decoder makes up what is missing from what follows.
    """
    scan, exif = _jpeg_head(data)
    if exif and not exif_is_small(b"".join(data[start + 10 : end] for start, end in exif)):
        kept = zip([0, *(end for _, end in exif)], [*(start for start, _ in exif), len(data)], strict=True)
        data = b"".join(data[start:end] for start, end in kept)
        scan = _jpeg_head(data)[0]
    if not scan or data.endswith(_END) or data.find(_END, scan) > 0:
        return [data]
    return [data + _END, data + b"\xa5\x5a\x3c" * 64 + _END]


def jpeg_scans(data: bytes) -> int:
    """Number of scans up to the end marker of the image, what is appended not counted; a progressive JPEG has ten."""
    at, n_scans = _jpeg_head(data)[0], 0
    if not at:
        return data.count(b"\xff\xda")
    while (found := _JPEG_MARKER.search(data, at)) and found[0] != _END:
        n_scans += found[0] == b"\xff\xda"
        at = found.end() + int.from_bytes(data[found.end() : found.end() + 2], "big")
    return n_scans


def _jpeg_head(data: bytes) -> tuple[int, list[tuple[int, int]]]:
    """Where the first scan begins, or 0, and start and end of the EXIF blocks before it."""
    position, exif = 2, []
    while data[position : position + 1] == b"\xff":
        marker = data[position + 1 : position + 2]
        if marker == b"\xda":
            return position, exif
        if marker == b"\xff":
            position += 1
            continue
        end = position + 2 + int.from_bytes(data[position + 2 : position + 4], "big")
        if marker == b"\xe1" and data[position + 4 : position + 10] == b"Exif\0\0":
            exif.append((position, end))
        position = end
    return 0, exif


def exif_is_small(block: bytes) -> bool:
    """Whether the entries of an EXIF block, all of which a reader loads, say that they hold few bytes in sum."""
    return tiff_claims(block.removeprefix(b"Exif\0\0"), 1)[1] <= _MOST_EXIF


def tiff_claims(data: bytes, most_pages: int) -> tuple[int, int]:
    """How many entries the directories of a TIFF or EXIF block have, and how many bytes these say that they hold."""
    order: Literal["little", "big"] = "little" if data[:2] == b"II" else "big"
    big = int.from_bytes(data[2:4], order) == _BIG_TIFF
    count_bytes, entry_bytes, offset_bytes = (8, 20, 8) if big else (2, 12, 4)

    def number(start: int, n_bytes: int) -> int:
        return int.from_bytes(data[start : start + n_bytes], order)

    at, claimed, entries, seen = number(8 if big else 4, offset_bytes), 0, 0, set()
    while 0 < at < len(data) and at not in seen and len(seen) < most_pages and entries <= MOST_ENTRIES:
        seen.add(at)
        start, n_entries = at + count_bytes, number(at, count_bytes)
        entries += n_entries
        end = start + n_entries * entry_bytes
        for entry in range(start, min(end, len(data)), entry_bytes):
            claimed += _TYPE_BYTES.get(number(entry + 2, 2), 1) * number(entry + 4, offset_bytes)
        at = number(end, offset_bytes)
    return entries, claimed


def png_is_whole(data: bytes) -> bool:
    """Whether the chunk that ends a PNG is there."""
    return any(kind == b"IEND" for kind, _, _ in _png_chunks(data))


def png_variants(data: bytes) -> list[bytes]:
    """The file without texts and profiles that are too large for Pillow."""
    parts, kept, left_out = [data[:8]], 0, False
    for kind, start, end in _png_chunks(data):
        n_bytes = _inflated(data[start + 8 : end - 4]) if kind in _TEXT_CHUNKS else 0
        kept += n_bytes
        if n_bytes > _MOST_TEXT or kept > 16 * _MOST_TEXT:
            left_out = True
        else:
            parts.append(data[start:end])
    return [b"".join(parts) if left_out else data]


def _png_chunks(data: bytes) -> list[tuple[bytes, int, int]]:
    """Kind, start and end of every chunk that is whole."""
    chunks, start = [], 8
    while start + 12 <= len(data):
        end = start + 12 + int.from_bytes(data[start : start + 4], "big")
        if end > len(data):
            break
        chunks.append((data[start + 4 : start + 8], start, end))
        start = end
    return chunks


def _inflated(body: bytes) -> int:
    """Bytes of a text, those that are compressed after its name included; one more than the most is enough."""
    packed = body.find(b"\x78", body.find(b"\0"))  # how a zlib stream begins
    try:
        text = zlib.decompressobj().decompress(body[packed:], _MOST_TEXT + 1) if packed >= 0 else b""
    except zlib.error:
        text = b""
    return max(len(body), len(text))


def webp_is_whole(data: bytes) -> bool:
    """Whether a WebP is as long as it says."""
    return len(data) >= 8 + int.from_bytes(data[4:8], "little")


def webp_variants(data: bytes) -> list[bytes]:
    """The file; if it is shorter than it says, up to the last part that is whole.

    Raises:
        ImageError: No part that is whole holds pixels.
    """
    if webp_is_whole(data):
        return [data]
    end, has_pixels = 12, False
    while end + 8 <= len(data):
        n_bytes = int.from_bytes(data[end + 4 : end + 8], "little")
        if end + 8 + n_bytes > len(data):
            break
        has_pixels = has_pixels or data[end : end + 4] in _WEBP_PIXELS
        end += 8 + n_bytes + n_bytes % 2
    if not has_pixels:
        raise ImageError(CUT_OFF)
    whole = data[:end].ljust(end, b"\0")
    return [whole[:4] + (end - 8).to_bytes(4, "little") + whole[8:]]


def gif_frames(data: bytes, most: int = 1000) -> int:
    """Number of frames, counted up to `most`."""
    return sum(kind == b"," for kind, _, _ in _gif_blocks(data, most)) or 1


def gif_variants(data: bytes) -> list[bytes]:
    """The file without long texts before its first frame, which Pillow joins in quadratic time."""
    blocks = _gif_blocks(data, 1)
    first = next((start for kind, start, _ in blocks if kind == b","), len(data))
    if first < _LONG_HEAD or not blocks:
        return [data]
    controls = b"".join(data[start:end] for kind, start, end in blocks if kind == b"!\xf9")
    return [data[: blocks[0][1]] + controls + data[first:]]


def _gif_blocks(data: bytes, most: int) -> list[tuple[bytes, int, int]]:
    """Kind ("," for a frame, "!" and its label for an extension), start and end of blocks, up to `most` frames."""
    blocks: list[tuple[bytes, int, int]] = []
    at, frames = 13 + _gif_colors(data, 10), 0
    while frames < most and data[at : at + 1] in {b",", b"!"}:
        is_frame = data[at : at + 1] == b","
        end = at + 2 if not is_frame else at + 11 + _gif_colors(data, at + 9)
        while end < len(data) and data[end]:
            end += 1 + data[end]
        end += 1
        frames += is_frame
        blocks.append((b"," if is_frame else data[at : at + 2], at, end))
        at = end
    return blocks


def _gif_colors(data: bytes, at: int) -> int:
    """Bytes of the table of colors that the flags at this place announce."""
    flags = int.from_bytes(data[at : at + 1], "big")
    return 3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0


def ppm_variants(data: bytes) -> list[bytes]:
    """The file, once its header is seen to be short: Pillow reads a byte at a time, and comments in quadratic time.

    Raises:
        ImageError: It is not.
    """
    words = re.sub(rb"#[^\r\n]*", b" ", data[:_PPM_HEAD]).split(maxsplit=4)
    plain = data[1:2] in b"123"
    if len(words) < 4 or (plain and data.count(b"#") > _PPM_COMMENTS):
        raise ImageError(f"broken PPM: its header cannot be read ({len(data):,} bytes)")
    return [data]


def box_variants(data: bytes) -> list[bytes]:
    """The file, once its EXIF block is seen to be small, which the plugins load at once.

    Raises:
        ImageError: It is not.
    """
    for start in (b"II*\0", b"MM\0*"):
        at = data.find(start)
        if at >= 0 and not exif_is_small(data[at:]):
            raise ImageError(f"an EXIF block that says it holds more than {_MOST_EXIF // 2**20} MB", REFUSED)
    return [data]


def boxes_are_whole(data: bytes) -> bool:
    """Whether the boxes of an AVIF, HEIC or JPEG 2000 file reach its end and no further."""
    at = 0
    while at + 8 <= len(data):
        n_bytes = int.from_bytes(data[at : at + 4], "big")
        if n_bytes == 1:
            n_bytes = int.from_bytes(data[at + 8 : at + 16], "big")
        if n_bytes < 8:
            return n_bytes == 0  # up to the end, however long that is
        at += n_bytes
    return at == len(data)


def jp2_is_whole(data: bytes) -> bool:
    """Whether the code of a JPEG 2000 file ends with its end marker."""
    return data.rstrip(b"\0").endswith(_END)


def jp2_levels(data: bytes) -> int:
    """How often the sides of a JPEG 2000 can be halved while it is decoded."""
    start = data.find(b"\xff\x4f\xff\x51")
    style = data.find(b"\xff\x52\x00", start, data.find(b"\xff\x90", start))
    return data[style + 9] if start >= 0 and 0 < style < len(data) - 9 else 0
