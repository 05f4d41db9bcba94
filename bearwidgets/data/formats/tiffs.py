"""TIFFs that are more than photos: many bands, side by side or one after the other or a page each; deep; floats.

Pillow reads what it can. The rest is read by tifffile, the extra `bands`, page by page, once the header has shown
that what comes out is of a known size; no other file that the metadata may name is opened.
"""

from __future__ import annotations

import importlib
import io
import zlib
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from PIL import TiffImagePlugin

from bearwidgets.data.formats.rasters import check_extent
from bearwidgets.errors import ImageError

_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC = 256, 257, 258, 259, 262
_STRIPS, _ORIENTATION, _SAMPLES, _STRIP_BYTES, _PLANAR, _PREDICTOR = 273, 274, 277, 279, 284, 317
_TILE_WIDTH, _TILE_HEIGHT, _TILES, _TILE_BYTES, _EXTRA, _FORMAT, _SUBFILE = 322, 323, 324, 325, 338, 339, 254

_TYPES = {
    **{(bits, 1): f"uint{bits}" for bits in (8, 16, 32, 64)},
    **{(bits, 2): f"int{bits}" for bits in (8, 16, 32, 64)},
    **{(bits, 3): f"float{bits}" for bits in (16, 32, 64)},
}
_COMPRESSIONS = {1: "none", 5: "LZW", 8: "deflate", 32946: "deflate"}
_DEFLATED = (8, 32946)
_LZW, _FLOAT_PREDICTOR = 5, 3
_GREY = (0, 1)
_COLOURS = (2, 5)  # RGB and CMYK
_NOT_A_PAGE = 1 | 4  # bits of a reduced copy and of a mask
_PREMULTIPLIED = 1
_PILLOW_TYPES = ("uint8", "uint16", "float32")  # of grey pages that Pillow gives as they are
_MOST_PAGES = 4096


@dataclass(frozen=True)
class TiffHeader:
    """What the first directory of a TIFF says, and how many alike pages follow.

    Attributes:
        width: As stored, px.
        height: As stored, px.
        samples: Values of each px on a page.
        pages: Numbers of the grey pages of equal size and type; the first alone where it has several samples.
        dtype: Name of the type of the values, "" if it is none of NumPy's.
        planar: Whether the bands lie one after the other.
        photometric: The TIFF's number for what the samples mean.
        premultiplied: Whether colours were multiplied by an alpha band.
        compression: The TIFF's number for it.
        predictor: The TIFF's number for it.
        orientation: 1 to 8, as in EXIF.
        segments: Offset and number of bytes of every strip or tile of the pages.
        tile: Width and height of a tile, px; zeros if there are strips.
        broken: Whether the directory of a later page cannot be read.
    """

    width: int
    height: int
    samples: int
    pages: tuple[int, ...]
    dtype: str
    planar: bool
    photometric: int
    premultiplied: bool
    compression: int
    predictor: int
    orientation: int
    segments: list[tuple[int, int]]
    tile: tuple[int, int]
    broken: bool = False

    @property
    def bands(self) -> int:
        """Samples of a page, or grey pages."""
        return self.samples if self.samples > 1 else len(self.pages)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in px after the turn that the orientation asks for."""
        return (self.height, self.width) if 5 <= self.orientation <= 8 else (self.width, self.height)

    @property
    def strange_grey(self) -> bool:
        """Whether it is grey of a type that Pillow brings into another one."""
        return self.samples == 1 and self.photometric in _GREY and self.dtype not in ("", *_PILLOW_TYPES)

    @property
    def for_pillow(self) -> bool:
        """Whether Pillow gives the values as they are."""
        if self.samples == 1:
            return self.photometric in _GREY and not self.strange_grey
        colours = self.photometric in _COLOURS and self.samples == 4 and not self.premultiplied
        return colours and self.dtype == "uint8" and not self.planar


def tiff_header(data: bytes) -> TiffHeader:
    """Read the directories of a TIFF.

    Raises:
        ImageError: They cannot be read.
    """
    try:
        return _header(data)
    except Exception as error:  # a broken directory makes the parser raise anything
        raise ImageError(f"broken TIFF: its header cannot be read ({len(data):,} bytes)") from error


def beyond_photo(data: bytes) -> TiffHeader | None:
    """The header of a TIFF that Pillow makes no right picture of, though its directories can be read."""
    try:
        header = tiff_header(data)
    except ImageError:
        return None
    return None if is_photo(data, header) else header


def is_photo(data: bytes, header: TiffHeader) -> bool:
    """Whether Pillow makes the right picture of it.

    It does not of planes of more than 8 bits, which it mixes up; and a stack of such pages is no photo.
    """
    deep = header.dtype not in ("uint8", "")
    if deep and ((header.planar and header.samples > 1) or len(header.pages) > 1 or header.broken):
        return False
    try:
        TiffImagePlugin.TiffImageFile(io.BytesIO(data)).close()
    except Exception:  # noqa: BLE001 - Pillow raises anything for what it does not know
        return False
    return True


def check_tiff(data: bytes, header: TiffHeader, max_pixels: int) -> None:
    """Refuse by the header what cannot be read, or is too large or cut off.

    Raises:
        ImageError: The reason.
    """
    check_extent("TIFF", header.width, header.height, header.bands, max_pixels)
    if any(header.tile):
        check_extent("TIFF with tiles", *header.tile, header.samples, max_pixels)
    if not header.dtype:
        raise ImageError(
            "a TIFF of an odd type; allowed are whole numbers and floats of 8, 16, 32 or 64 bits"
        )
    if header.broken or any(offset + count > len(data) for offset, count in header.segments):
        raise ImageError("cut off: the file ends before the picture does")
    if header.for_pillow:
        return
    if header.compression not in _COMPRESSIONS:
        allowed = ", ".join(dict.fromkeys(_COMPRESSIONS.values()))
        raise ImageError(
            f"a TIFF of {header.bands} bands compressed by method {header.compression}; allowed are {allowed}"
        )
    try:
        importlib.import_module("tifffile")
    except ImportError as error:
        raise ImageError(
            f"a TIFF of {header.bands} bands of {header.dtype}: to read it run `pip install 'bearwidgets[bands]'`"
        ) from error
    if header.compression == _LZW or header.predictor == _FLOAT_PREDICTOR:
        try:
            importlib.import_module("imagecodecs")
        except ImportError as error:
            raise ImageError(
                f"a TIFF of {header.bands} bands, compressed by LZW or with a float predictor: to read it run "
                "`pip install imagecodecs`, or save it without compression or with deflate"
            ) from error


def read_tiff(data: bytes, header: TiffHeader, max_pixels: int) -> np.ndarray:
    """The array (height, width, bands) of a TIFF, in its own type, turned as its orientation says.

    Raises:
        ImageError: As `check_tiff`, or its strips are broken.
    """
    check_tiff(data, header, max_pixels)
    try:
        return _by_pillow(data, header) if header.for_pillow else _by_tifffile(data, header)
    except Exception as error:  # broken strips make a decoder raise anything
        raise ImageError(f"broken: its bands cannot be decoded ({str(error)[:200]})") from error


def _header(data: bytes) -> TiffHeader:
    stream = io.BytesIO(data)
    start = data[: 16 if data[2:3] == b"\x2b" else 8]  # of a BigTIFF and of a plain one
    offset = TiffImagePlugin.ImageFileDirectory_v2(start).next
    pages: dict[int, TiffHeader] = {}
    seen: set[int] = set()
    broken = False
    while offset and offset not in seen and len(seen) < _MOST_PAGES:
        seen.add(offset)
        directory = TiffImagePlugin.ImageFileDirectory_v2(start)
        try:
            stream.seek(offset)
            directory.load(stream)
            if not pages or not _number(directory, _SUBFILE, 0) & _NOT_A_PAGE:
                pages[len(seen) - 1] = _page(directory)
        except Exception:
            if not pages:
                raise
            broken = True
            break
        if pages[0].samples > 1 or pages[0].photometric not in _GREY:
            break
        offset = directory.next
    alike = {number: page for number, page in pages.items() if _kind(page) == _kind(pages[0])}
    segments = [segment for page in alike.values() for segment in page.segments]
    return replace(pages[0], pages=tuple(alike), segments=segments, broken=broken)


def _kind(page: TiffHeader) -> tuple[Any, ...]:
    return page.width, page.height, page.samples, page.dtype, page.photometric


def _page(directory: TiffImagePlugin.ImageFileDirectory_v2) -> TiffHeader:
    tiled = _TILES in directory
    offsets = directory.get(_TILES if tiled else _STRIPS, ())
    counts = directory.get(_TILE_BYTES if tiled else _STRIP_BYTES, ())
    bits, samples = directory.get(_BITS, (1,)), _number(directory, _SAMPLES, 1)
    if len(bits) not in (1, samples):
        raise ValueError(f"{samples} samples have {len(bits)} numbers of bits")
    return TiffHeader(
        width=_number(directory, _WIDTH),
        height=_number(directory, _HEIGHT),
        samples=samples,
        pages=(0,),
        dtype=_dtype(set(bits), set(directory.get(_FORMAT, (1,)))),
        planar=_number(directory, _PLANAR, 1) == 2,
        photometric=_number(directory, _PHOTOMETRIC, 1),
        premultiplied=_PREMULTIPLIED in directory.get(_EXTRA, ()),
        compression=_number(directory, _COMPRESSION, 1),
        predictor=_number(directory, _PREDICTOR, 1),
        orientation=_number(directory, _ORIENTATION, 1),
        segments=[(int(offset), int(count)) for offset, count in zip(offsets, counts, strict=False)],
        tile=(_number(directory, _TILE_WIDTH, 0), _number(directory, _TILE_HEIGHT, 0)),
    )


def _number(directory: TiffImagePlugin.ImageFileDirectory_v2, tag: int, default: int | None = None) -> int:
    value = directory.get(tag, default)
    value = value[0] if isinstance(value, tuple) else value
    if not isinstance(value, int):
        raise TypeError(f"tag {tag} is {value!r}")
    return value


def _dtype(bits: set[int], formats: set[int]) -> str:
    return _TYPES.get((*bits, *formats), "") if len(bits) == len(formats) == 1 else ""


def _by_pillow(data: bytes, header: TiffHeader) -> np.ndarray:
    picture = TiffImagePlugin.TiffImageFile(io.BytesIO(data))
    if header.samples > 1:
        return np.asarray(picture)
    pages = []
    for page in header.pages:
        picture.seek(page)
        pages.append(np.asarray(picture))  # turned by Pillow while it decodes
    return np.stack(pages, axis=-1)


def _by_tifffile(data: bytes, header: TiffHeader) -> np.ndarray:
    import tifffile

    with tifffile.TiffFile(io.BytesIO(data)) as file:
        pages: list[Any] = [file.pages[page] for page in header.pages]
        for page in pages:
            _check_page(page, header)
            if header.compression in _DEFLATED:
                _check_deflated(data, page)
        arrays = [page.asarray(maxworkers=1) for page in pages]
    if header.samples == 1:
        return _turned(np.stack(arrays, axis=-1), header.orientation)
    return _turned(np.moveaxis(arrays[0], 0, -1) if header.planar else arrays[0], header.orientation)


def _check_page(page: Any, header: TiffHeader) -> None:
    """Refuse a page of which tifffile thinks otherwise than Pillow, as of one with a depth."""
    shape: tuple[int, ...] = (header.height, header.width)
    if header.samples > 1:
        shape = (header.samples, *shape) if header.planar else (*shape, header.samples)
    ours = (shape, np.dtype(header.dtype or "V"), header.compression, header.tile)
    if (page.shape, page.dtype, int(page.compression), (page.tilewidth, page.tilelength)) != ours:
        raise ValueError("its header contradicts itself")


def _check_deflated(data: bytes, page: Any) -> None:
    """Refuse strips that inflate to more than the page; tifffile would inflate each as far as it goes."""
    across, down = (
        page.imagewidth + page.tilewidth,
        page.imagelength + page.tilelength,
    )  # the last tiles are padded
    left = across * down * page.samplesperpixel * page.dtype.itemsize
    for offset, count in zip(page.dataoffsets, page.databytecounts, strict=True):
        left -= len(zlib.decompressobj().decompress(data[offset : offset + count], left + 1))
        if left < 0:
            raise ValueError("its strips hold more than the picture")


def _turned(values: np.ndarray, orientation: int) -> np.ndarray:
    if 5 <= orientation <= 8:
        values = values.transpose(1, 0, 2)
    down = orientation in (3, 4, 7, 8)
    across = orientation in (2, 3, 6, 7)
    return values[:: -1 if down else 1, :: -1 if across else 1]
