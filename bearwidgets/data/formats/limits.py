"""What one image file may cost, over all threads, and that the trouble of one file stays its own.

Pixels, sides and bytes are bounded before anything is decoded. Whatever else a file makes a decoder raise becomes an
`ImageError`, which is a row in `Dataset.problems` and stops nothing.
"""

from __future__ import annotations

import contextlib
import functools
import threading
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from bearwidgets.data.problems import REFUSED
from bearwidgets.errors import BadInputError, BearwidgetsError, ImageError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

MAX_PIXELS = 89_478_485
"""Width times height above which an image is refused: where Pillow starts to warn of a bomb."""

MAX_SIDE = 65_535
"""Width and height in px above which an image is refused: what JPEG, GIF and most programs go up to."""

MAX_VALUES = 2**27
"""Width times height times bands above which an array is refused: 512 MB as float32."""

_BYTES_A_PIXEL = 12  # what decoding may take, working copies included, for each pixel of the limit: 1 GB

SMALL = 2**21
"""Fewer bytes are not counted: the threads together cannot take much of them."""

Given = ParamSpec("Given")
Result = TypeVar("Result")


class Room:
    """So many bytes, shared by all threads: whoever needs some waits until they are free.

    What is larger than the whole takes all of it, alone. A thread that holds some must not ask for more of the same.
    """

    def __init__(self, n_bytes: int) -> None:
        self.n_bytes = n_bytes
        self._free = n_bytes
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def take(self, n_bytes: int) -> Generator[None]:
        """Hold some bytes within the block."""
        if n_bytes < SMALL:
            yield
            return
        wanted = min(n_bytes, self.n_bytes)
        with self._changed:
            self._changed.wait_for(lambda: self._free >= wanted)
            self._free -= wanted
        try:
            yield
        finally:
            with self._changed:
                self._free += wanted
                self._changed.notify_all()


FILES = Room(2**29)
"""The bytes of files that are held while they are decoded."""

PIXELS = Room(MAX_PIXELS * _BYTES_A_PIXEL)
"""The bytes of pixels, working copies included, while they are decoded."""

_most_pixels = MAX_PIXELS


def allow_pixels(max_pixels: int | None) -> None:
    """Let images of so many px be opened from now on in this process; None or a smaller number changes nothing.

    Raises:
        BadInputError: It is no whole number above zero.
    """
    global _most_pixels  # noqa: PLW0603 - an image is opened again by whatever shows, checks or trains on it
    if max_pixels is None:
        return
    if isinstance(max_pixels, bool) or not isinstance(max_pixels, int) or max_pixels < 1:
        raise BadInputError(f"max_pixels is {max_pixels!r}; allowed is a whole number of px from 1 on.")
    _most_pixels = max(_most_pixels, max_pixels)


def most_pixels() -> int:
    """The px that an image may have in this process: `MAX_PIXELS`, unless `allow_pixels` raised it."""
    return _most_pixels


def check_extent(what: str, width: int, height: int, bands: int | None, max_pixels: int) -> None:
    """Refuse an empty or too large image before it is read; `bands` is None for a photo.

    Raises:
        ImageError: The reason.
    """
    of_bands = "" if bands is None else f" and {bands} bands"
    if min(width, height, 1 if bands is None else bands) < 1:
        raise ImageError(f"{what} of {width} x {height} px{of_bands}: there is no image in it")
    if max(width, height) > MAX_SIDE:
        raise ImageError(
            f"too large: {width} x {height} px, the limit for a side is {MAX_SIDE:,} px", REFUSED
        )
    if width * height > max_pixels:
        raise ImageError(
            f"too large: {width} x {height} px, the limit is {max_pixels / 1e6:.0f} million px; max_pixels= sets it",
            REFUSED,
        )
    if bands is not None and width * height * bands > MAX_VALUES:
        raise ImageError(
            f"too large: {width} x {height} px of {bands} bands, the limit is {MAX_VALUES / 1e6:.0f} million values",
            REFUSED,
        )


def check_bytes(what: str, n_bytes: int, max_pixels: int) -> None:
    """Refuse what takes more bytes to decode than any image within the limit of pixels may.

    Raises:
        ImageError: The reason.
    """
    most = max(max_pixels, MAX_PIXELS) * _BYTES_A_PIXEL
    if n_bytes > most:
        raise ImageError(
            f"too large: to decode this {what} takes {n_bytes / 1e9:.1f} GB of memory, the limit is "
            f"{most / 1e9:.1f} GB; max_pixels= raises it",
            REFUSED,
        )


@contextlib.contextmanager
def decoding(what: str, n_bytes: int, max_pixels: int) -> Generator[None]:
    """Decode within the block, once there is room for the bytes that it takes; errors as of `check_bytes`."""
    check_bytes(what, n_bytes, max_pixels)
    with PIXELS.take(n_bytes):
        yield


def its_own_trouble(work: Callable[Given, Result]) -> Callable[Given, Result]:
    """Make an ImageError of whatever `work` raises over one file, so that it is the trouble of that file alone."""

    @functools.wraps(work)
    def guarded(*args: Given.args, **kwargs: Given.kwargs) -> Result:
        try:
            return work(*args, **kwargs)
        except BearwidgetsError:
            raise
        except MemoryError as error:
            raise ImageError("too large for this machine's memory", REFUSED) from error
        except Exception as error:  # a damaged file makes a decoder raise anything
            told = f"{type(error).__name__}: {str(error)[:200]}".rstrip(": ")
            raise ImageError(f"broken: it cannot be read as an image ({told})") from error

    return guarded
