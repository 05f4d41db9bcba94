"""TIFFs: photos by Pillow; many bands, side by side or one after the other or a page each, deep ones and floats.

tifffile reads the directories. What Pillow gives as it is, such as LZW without a further package, it decodes; the
rest is decoded by tifffile, page by page, once the header has shown that what comes out is of a known size. No
other file that the metadata may name is opened.
"""

from __future__ import annotations

import importlib
import io
import logging
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from PIL import TiffImagePlugin

from bearwidgets.data.formats.limits import check_extent, decoding
from bearwidgets.data.formats.photos import open_photo, photo_bands, photo_size
from bearwidgets.data.formats.rasters import FLOAT_BYTES, VIEW_BYTES, check_bands, image_of, view
from bearwidgets.data.formats.registry import Format, ImageLike, register
from bearwidgets.data.formats.structure import MOST_ENTRIES, tiff_claims
from bearwidgets.data.problems import REFUSED, UNSUPPORTED
from bearwidgets.errors import ImageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from PIL import Image

Image_ = TypeVar("Image_")

_COMPRESSIONS = {1: "none", 5: "LZW", 8: "deflate", 32946: "deflate"}
_DEFLATED = (8, 32946)
_LZW, _FLOAT_PREDICTOR = 5, 3
_GRAY = (0, 1)
_COLORS = (2, 5)  # RGB and CMYK
_NOT_A_PAGE = 1 | 4  # bits of a reduced copy and of a mask
_PREMULTIPLIED = 1
_PILLOW_TYPES = ("uint8", "uint16", "float32")  # of gray pages that Pillow gives as they are
_MOST_PAGES = 4096
_MOST_CLAIMED = 4  # times the file that its entries may say they hold
_MOST_PHOTO_BANDS = 4  # red, green, blue and how opaque
_BITS, _ORIENTATION = 258, 274

logging.getLogger("tifffile").addHandler(logging.NullHandler())  # a damaged file is told of by an ImageError


@dataclass(frozen=True)
class _Header:
    """What the first directory of a TIFF says, and which alike pages follow."""

    first: Any  # tifffile's page
    pages: tuple[int, ...]  # numbers of the gray pages alike; the first alone if it has more samples
    segments: list[tuple[int, int]]  # offset and number of bytes of every strip or tile of the pages
    broken: bool  # the directory of a later page cannot be read
    dtype: str  # name of the type of the values, "" if it is none that can be used
    orientation: int
    premultiplied: bool  # colors were multiplied by an alpha band

    @property
    def samples(self) -> int:
        return self.first.samplesperpixel

    @property
    def bands(self) -> int:
        return self.samples if self.samples > 1 else len(self.pages)

    @property
    def planar(self) -> bool:
        """Whether the bands lie one after the other."""
        return self.samples > 1 and self.first.planarconfig == 2

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in px after the turn that the orientation asks for."""
        width, height = self.first.imagewidth, self.first.imagelength
        return (height, width) if 5 <= self.orientation <= 8 else (width, height)

    @property
    def strange_gray(self) -> bool:
        """Whether it is gray of a type that Pillow brings into another one."""
        return (
            self.samples == 1 and self.first.photometric in _GRAY and self.dtype not in ("", *_PILLOW_TYPES)
        )

    @property
    def for_pillow(self) -> bool:
        """Whether Pillow gives the values as they are."""
        if self.samples == 1:
            return self.first.photometric in _GRAY and not self.strange_gray
        colors = self.first.photometric in _COLORS and self.samples == 4 and not self.premultiplied
        return colors and self.dtype == "uint8" and not self.planar


def _header(data: bytes) -> _Header:
    """Read the directories of a TIFF.

    Raises:
        ImageError: They cannot be read, or claim far more than the file holds.
    """
    _check_directories(data)
    try:
        return _directories(data)
    except Exception as error:  # a broken directory makes the parser raise anything
        raise ImageError(f"broken TIFF: its header cannot be read ({len(data):,} bytes)") from error


def _check_directories(data: bytes) -> None:
    """Refuse directories whose entries say that they hold many times the file: readers load each of them."""
    entries, claimed = tiff_claims(data, _MOST_PAGES)
    if entries > MOST_ENTRIES:
        raise ImageError(f"a TIFF with {entries:,} entries, the limit is {MOST_ENTRIES:,}", REFUSED)
    if claimed > _MOST_CLAIMED * (len(data) + 2**16):
        raise ImageError(
            f"a TIFF of {len(data):,} bytes whose entries say that they hold {claimed:,}", REFUSED
        )


def _directories(data: bytes) -> _Header:
    import tifffile

    with tifffile.TiffFile(io.BytesIO(data)) as file:
        first = file.pages.first
        _check_numbers(first)
        pages: dict[int, Any] = {0: first}
        seen, broken = {first.offset}, False
        while first.samplesperpixel == 1 and first.photometric in _GRAY and len(seen) < _MOST_PAGES:
            try:
                page: Any = file.pages[len(seen)]
            except IndexError:
                end = file.pages.next_page_offset or 0
                broken = data[end : end + file.tiff.offsetsize] != bytes(file.tiff.offsetsize)
                break
            except Exception:  # noqa: BLE001 - a broken directory makes the parser raise anything
                broken = True
                break
            if page.offset in seen:
                break
            if not page.subfiletype & _NOT_A_PAGE and _kind(page) == _kind(first):
                pages[len(seen)] = page
            seen.add(page.offset)
    segments = [
        (int(offset), int(count))
        for page in pages.values()
        for offset, count in zip(page.dataoffsets, page.databytecounts, strict=False)
    ]
    usable = first.bitspersample in (8, 16, 32, 64) and first.dtype is not None and first.dtype.kind in "uif"
    return _Header(
        first,
        tuple(pages),
        segments,
        broken,
        dtype=str(first.dtype) if usable else "",
        orientation=int(first.tags.valueof(_ORIENTATION, 1)),
        premultiplied=_PREMULTIPLIED in first.extrasamples,
    )


def _check_numbers(page: Any) -> None:
    numbers = (page.imagewidth, page.imagelength, page.samplesperpixel, page.tilewidth, page.tilelength)
    if not all(
        isinstance(each, int) for each in (*numbers, page.photometric, page.compression, page.predictor)
    ):
        raise TypeError(f"the sizes are {numbers}")
    bits = page.tags.valueof(_BITS, 1)
    if isinstance(bits, tuple) and len(bits) not in (1, page.samplesperpixel):
        raise ValueError(f"{page.samplesperpixel} samples have {len(bits)} numbers of bits")


def _kind(page: Any) -> tuple[Any, ...]:
    return page.imagewidth, page.imagelength, page.samplesperpixel, page.dtype, page.photometric


def _is_photo(data: bytes, header: _Header) -> bool:
    """Whether Pillow makes the right image of it.

    It does not of planes of more than 8 bits, which it mixes up; and a stack of such pages is no photo.
    """
    deep = header.dtype not in ("uint8", "")
    if deep and (header.planar or len(header.pages) > 1 or header.broken):
        return False
    try:
        TiffImagePlugin.TiffImageFile(io.BytesIO(data)).close()
    except Exception:  # noqa: BLE001 - Pillow raises anything for what it does not know
        return False
    return True


def _beyond_photo(data: bytes) -> _Header | None:
    """The header of a TIFF that Pillow makes no right image of, though its directories can be read."""
    try:
        header = _header(data)
    except ImageError as error:
        if error.kind == REFUSED:
            raise
        return None
    return None if _is_photo(data, header) else header


def _check(data: bytes, header: _Header, max_pixels: int) -> None:
    """Refuse by the header what cannot be read, or is too large or cut off."""
    first = header.first
    check_extent("TIFF", first.imagewidth, first.imagelength, header.bands, max_pixels)
    if first.tilewidth or first.tilelength:
        check_extent("TIFF with tiles", first.tilewidth, first.tilelength, header.samples, max_pixels)
    if not header.dtype or first.imagedepth != 1:
        raise ImageError(
            "a TIFF of an odd type; allowed are whole numbers and floats of 8, 16, 32 or 64 bits, without a depth",
            UNSUPPORTED,
        )
    if header.broken or any(offset + count > len(data) for offset, count in header.segments):
        raise ImageError("cut off: the file ends before the image does")
    if header.for_pillow:
        return
    if first.compression not in _COMPRESSIONS:
        known = ", ".join(dict.fromkeys(_COMPRESSIONS.values()))
        raise ImageError(
            f"a TIFF of {header.bands} bands compressed by method {int(first.compression)}; allowed are {known}",
            UNSUPPORTED,
        )
    if first.compression == _LZW or first.predictor == _FLOAT_PREDICTOR:
        try:
            importlib.import_module("imagecodecs")
        except ImportError as error:
            raise ImageError(
                f"a TIFF of {header.bands} bands, compressed by LZW or with a float predictor: to read it run "
                "`pip install imagecodecs`, or save it without compression or with deflate",
                UNSUPPORTED,
            ) from error


def _read(
    data: bytes, header: _Header, max_pixels: int, use: Callable[[np.ndarray], Image_], use_bytes: int
) -> Image_:
    """What `use` makes, at so many bytes a px, of the array (height, width, bands), in its own type and turned."""
    _check(data, header, max_pixels)
    n_bytes = use_bytes + 2 * header.bands * np.dtype(header.dtype).itemsize  # decoded, then put together
    with decoding("TIFF", header.size[0] * header.size[1] * n_bytes, max_pixels):
        try:
            values = _by_pillow(data, header) if header.for_pillow else _by_tifffile(data, header)
        except Exception as error:  # broken strips make a decoder raise anything
            raise ImageError(f"broken: its bands cannot be decoded ({str(error)[:200]})") from error
        return use(values)


def _by_pillow(data: bytes, header: _Header) -> np.ndarray:
    image = TiffImagePlugin.TiffImageFile(io.BytesIO(data))
    if header.samples > 1:
        return np.asarray(image)
    pages = []
    for page in header.pages:
        image.seek(page)
        pages.append(np.asarray(image))  # turned by Pillow while it decodes
    return np.stack(pages, axis=-1)


def _by_tifffile(data: bytes, header: _Header) -> np.ndarray:
    import tifffile

    with tifffile.TiffFile(io.BytesIO(data)) as file:
        pages: list[Any] = [file.pages[page] for page in header.pages]
        for page in pages if header.first.compression in _DEFLATED else ():
            _check_deflated(data, page)
        arrays = [page.asarray(maxworkers=1) for page in pages]
    if header.samples == 1:
        return _turned(np.stack(arrays, axis=-1), header.orientation)
    return _turned(np.moveaxis(arrays[0], 0, -1) if header.planar else arrays[0], header.orientation)


def _check_deflated(data: bytes, page: Any) -> None:
    """Refuse strips that inflate to more than the page; tifffile would inflate each as far as it goes."""
    # the last tiles are padded
    across, down = page.imagewidth + page.tilewidth, page.imagelength + page.tilelength
    left = across * down * page.samplesperpixel * page.dtype.itemsize
    for offset, count in zip(page.dataoffsets, page.databytecounts, strict=True):
        left -= len(zlib.decompressobj().decompress(data[offset : offset + count], left + 1))
        if left < 0:
            raise ValueError("its strips hold more than the image")


def _turned(values: np.ndarray, orientation: int) -> np.ndarray:
    if 5 <= orientation <= 8:
        values = values.transpose(1, 0, 2)
    down = orientation in (3, 4, 7, 8)
    across = orientation in (2, 3, 6, 7)
    return values[:: -1 if down else 1, :: -1 if across else 1]


def _size(data: bytes, max_pixels: int) -> tuple[int, int]:
    header = _beyond_photo(data)
    if header is None:
        return photo_size("TIFF", data, max_pixels)
    _check(data, header, max_pixels)
    return header.size


def _open(data: bytes, max_pixels: int, at_least: int | None) -> Image.Image:
    header = _beyond_photo(data)
    if header is None:
        return open_photo("TIFF", data, max_pixels, at_least)
    return _read(data, header, max_pixels, view, VIEW_BYTES)


def _bands(data: bytes, in_chans: int, max_pixels: int, at_least: int | None) -> ImageLike:
    header = _header(data)
    as_photo = in_chans == 3 or (in_chans == 1 and not header.strange_gray)
    if as_photo and header.samples <= _MOST_PHOTO_BANDS and _is_photo(data, header):
        return photo_bands("TIFF", data, in_chans, max_pixels, at_least)
    check_bands(header.bands, in_chans)
    return _read(data, header, max_pixels, image_of, FLOAT_BYTES * in_chans)


register(Format("TIFF", rb"II[*+]\x00|MM\x00[*+]", "tif tiff btf tf8", size=_size, open=_open, bands=_bands))
