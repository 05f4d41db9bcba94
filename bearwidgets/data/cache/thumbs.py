"""Thumbnails: small JPEGs by content, made once, kept in memory and on disk within bounds."""

from __future__ import annotations

import contextlib
import io
import os
import re
import threading
import time
import warnings
import zlib
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from bearwidgets.data.cache.cache_file import cache_dir
from bearwidgets.data.formats.images import DECODING, open_image
from bearwidgets.data.formats.limits import its_own_trouble
from bearwidgets.errors import BadInputError
from bearwidgets.files import write_atomic

if TYPE_CHECKING:
    from collections.abc import Iterator

SIZES = (160, 320, 640)
"""Allowed lengths of the long side in px; the longest is for screens with two pixels for one of the page."""

_QUALITY = 80
_DAY = 86_400  # s; a thumbnail that is used is marked as used at most this often
_OURS = re.compile(r"[0-9a-f]+(-\d+)?\.jpg|\.bearwidgets-.*\.tmp")
_CHECKSUM = 4  # bytes behind each JPEG on disk, which programs that show it pass over
_KEPT = 0.8  # share of the bound that is left after clearing


class Thumbnails:
    """Thumbnails by content id and size, from memory, else from disk, else from the image.

    Several threads and several processes may share one folder. What was used least lately goes first, in
    memory and on disk (there the bound is held to within a tenth). A folder that cannot be written is warned of once,
    and memory alone serves then.
    """

    def __init__(
        self, folder: Path | None = None, *, memory_bytes: int = 64 * 2**20, disk_bytes: int = 512 * 2**20
    ) -> None:
        self.folder = cache_dir() / "thumbs" if folder is None else Path(folder)
        self.memory_bytes = memory_bytes
        self.disk_bytes = disk_bytes
        self._lock = threading.Lock()
        self._held: OrderedDict[tuple[str, int], bytes] = OrderedDict()
        self._n_held = 0
        self._unseen: float = float("inf")  # bytes written since the folder was measured; never measured yet
        self._disk_works = True

    def jpeg(self, path: str | Path, content: str, px: int) -> bytes:
        """JPEG bytes of the image, its long side at most `px` (see `SIZES`), without any metadata.

        The file is opened only if its thumbnail is nowhere yet.

        Raises:
            ImageError: The file cannot be used.
            BadInputError: `px` is not allowed, or `content` is no content id.
        """
        if px not in SIZES:
            raise BadInputError(
                f"Thumbnails of {px!r} px are not made; allowed are {', '.join(map(str, SIZES))}."
            )
        if not content or not set(content) <= set("0123456789abcdef"):
            raise BadInputError(f"{content!r} is no content id: it is made of the digits 0-9 and a-f.")
        key = (content, px)
        with self._lock:
            if key in self._held:
                self._held.move_to_end(key)
                return self._held[key]
        data = self._read(key)
        if data is None:
            data = make_thumbnail(path, px)
            self._write(key, data)
        self._hold(key, data)
        return data

    def _hold(self, key: tuple[str, int], data: bytes) -> None:
        with self._lock:
            self._n_held += len(data) - len(self._held.pop(key, b""))
            self._held[key] = data
            while self._n_held > self.memory_bytes:
                _, dropped = self._held.popitem(last=False)
                self._n_held -= len(dropped)

    def _file(self, key: tuple[str, int]) -> Path:
        content, px = key
        return self.folder / str(px) / content[:2] / f"{content}-{DECODING}.jpg"

    def _read(self, key: tuple[str, int]) -> bytes | None:
        file = self._file(key)
        try:
            kept = file.read_bytes()
            data, checksum = kept[:-_CHECKSUM], kept[-_CHECKSUM:]
            if checksum != _checksum(data):
                return None  # cut off when the machine failed, or damaged since
            if time.time() - file.stat().st_mtime > _DAY:
                with contextlib.suppress(OSError):  # a folder of someone else is good to read
                    os.utime(file)
        except OSError:
            return None
        return data

    def _write(self, key: tuple[str, int], data: bytes) -> None:
        """Put a thumbnail on disk by a rename; not synced, for a torn one is seen on reading."""
        if not self._disk_works:
            return
        file = self._file(key)
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(file, data + _checksum(data), sync=False)
        except OSError as error:
            self._give_up_disk(error, file)
            return
        with self._lock:
            self._unseen += len(data)
            due = self._unseen > self.disk_bytes / 10
            if due:
                self._unseen = 0
        if due:
            self._clear()

    def _give_up_disk(self, error: OSError, file: Path) -> None:
        if isinstance(error, FileNotFoundError):
            return  # the cache was deleted meanwhile, which is allowed at any time
        if os.name == "nt" and file.exists():
            return  # another process has just written it, and Windows refuses to replace a file that is open
        with self._lock:
            first, self._disk_works = self._disk_works, False
        if first:
            warnings.warn(
                f"Thumbnails cannot be kept in {str(self.folder)!r} ({error.strerror}): they are held in"
                " memory only. Set BEARWIDGETS_CACHE to a folder that can be written.",
                stacklevel=4,
            )

    def _clear(self) -> None:
        """Measure the folder; above the bound, remove what was used least lately."""
        files = sorted(_kept_files(self.folder))
        total = sum(size for _, size, _ in files)
        if total <= self.disk_bytes:
            return
        for _, size, file in files:
            with contextlib.suppress(OSError):  # another process was faster, or has it open
                Path(file).unlink()
            total -= size
            if total <= self.disk_bytes * _KEPT:
                return


@its_own_trouble
def make_thumbnail(path: str | Path, px: int) -> bytes:
    """JPEG bytes of an image, quality 80, its long side at most `px`; a smaller image keeps its size.

    Raises:
        ImageError: The file cannot be used.
    """
    image = open_image(path, at_least=px)
    image.thumbnail((px, px), Image.Resampling.BICUBIC, reducing_gap=2.0)
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=_QUALITY)
    return stream.getvalue()


def _checksum(data: bytes) -> bytes:
    return zlib.crc32(data).to_bytes(_CHECKSUM, "big")


def _kept_files(folder: Path) -> Iterator[tuple[float, int, str]]:
    """Time of last use, size in bytes and path of thumbnails, whole or left half-written, below a folder."""
    for px in SIZES:
        for where, _, names in os.walk(folder / str(px)):
            for name in names:
                if not _OURS.fullmatch(name):
                    continue
                file = os.path.join(where, name)  # noqa: PTH118 - up to 100,000 of them
                with contextlib.suppress(OSError):  # removed meanwhile
                    stat = os.stat(file)  # noqa: PTH116
                    if name.endswith(".jpg") or time.time() - stat.st_mtime > _DAY:  # another may write it
                        yield stat.st_mtime, stat.st_size, file
