"""Who a file is: the hash of its bytes, and a cache that spares reading unchanged files again."""

from __future__ import annotations

import functools
import hashlib
import os
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bearwidgets.data.cache.cache_file import CacheFile, cache_dir
from bearwidgets.data.formats.images import bytes_of, check_image
from bearwidgets.data.parallel import in_threads
from bearwidgets.data.problems import REFUSED, UNSUPPORTED
from bearwidgets.errors import ImageError

if TYPE_CHECKING:
    from collections.abc import Mapping

_DIGEST = 16
_SCHEMA = 7  # goes up when what is stored, or which files count as usable, changes
_BATCH = 16  # files that one task of the pool reads
_COLUMNS = (
    "(path TEXT PRIMARY KEY, size INTEGER, modified INTEGER, changed INTEGER, content TEXT, width INTEGER,"
    " height INTEGER, reason TEXT, kind TEXT) WITHOUT ROWID"
)
_FRESH = 100_000_000  # ns: a file this young may change again without a new modification time


@dataclass(frozen=True)
class Facts:
    """What a file says of itself.

    The content id ("" if it could not be read), width and height in px after the EXIF turn (0 if it is no usable
    image), and why it cannot be used and the kind of that problem ("" if it can).
    """

    content: str
    width: int
    height: int
    reason: str = ""
    kind: str = ""


def hash_bytes(data: bytes) -> str:
    """Hex blake2b of 16 bytes."""
    return hashlib.blake2b(data, digest_size=_DIGEST).hexdigest()


def content_id(path: Path) -> str:
    """Hex blake2b of 16 bytes over the file's bytes.

    Raises:
        OSError: The file cannot be read.
    """
    digest = hashlib.blake2b(digest_size=_DIGEST)
    with Path(path).open("rb") as file:
        while block := file.read(2**20):
            digest.update(block)
    return digest.hexdigest()


def copy_id(content: str, path: str) -> str:
    """The item id of one of several files with the same bytes: the content id and the posix path, hashed."""
    return hash_bytes(f"{content}\0{path}".encode())


def look_into(files: Mapping[str, os.stat_result], cache: IdentityCache | None = None) -> dict[str, Facts]:
    """Hash and check files, each only if it changed since the cache saw it; hard links are read once.

    The files are absolute paths of regular files with their `os.stat`.
    """
    cache = _cache_at(cache_dir()) if cache is None else cache
    facts = cache.get(files)
    groups: dict[tuple[int, int], list[str]] = {}
    for index, (path, stat) in enumerate(files.items()):
        if path not in facts:  # Windows may not tell the inode
            groups.setdefault((stat.st_dev, stat.st_ino) if stat.st_ino else (-1, index), []).append(path)
    chosen = [paths[0] for paths in groups.values()]
    looks = list(in_threads(_look, chosen, threads=min(8, (os.cpu_count() or 1) + 1), batch=_BATCH))
    keep: dict[str, Facts] = {}
    for paths, (look, n_bytes) in zip(groups.values(), looks, strict=True):
        for path in paths:
            facts[path] = look
            if n_bytes == files[path].st_size:
                keep[path] = look
    cache.put(files, keep)
    return facts


def _look(path: str) -> tuple[Facts, int]:
    """Read one file: its facts and how many bytes were read (-1 if another try may tell more)."""
    content, n_bytes = "", 0
    try:
        with bytes_of(path) as data:
            content, n_bytes = hash_bytes(data), len(data)
            width, height = check_image(data)
            return Facts(content, width, height), n_bytes
    except ImageError as error:
        # a limit may be raised and a package be installed meanwhile
        again = not content or error.kind in {REFUSED, UNSUPPORTED}
        return Facts(content, 0, 0, str(error), error.kind), -1 if again else n_bytes


class IdentityCache:
    """Facts of files by absolute path, size and times, in SQLite; safe to delete, shared by processes.

    Where the folder cannot be written, or the database is damaged beyond use, it lives in memory only.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.path = (cache_dir() if folder is None else folder) / "identity.sqlite"
        self._file = CacheFile(self.path, _COLUMNS, _SCHEMA)
        self._memory: dict[str, tuple[tuple[int, int, int], Facts]] = {}

    def get(self, files: Mapping[str, os.stat_result]) -> dict[str, Facts]:
        """The facts of those files that are unchanged since `put`."""
        found = {
            path: facts
            for path, (key, facts) in self._memory.items()
            if path in files and _key(files[path]) == key
        }
        for path, size, modified, changed, *facts in self._file.get(files):
            if _key(files[path]) == (size, modified, changed):
                found[path] = Facts(*facts)
        return found

    def put(self, files: Mapping[str, os.stat_result], facts: Mapping[str, Facts]) -> None:
        """Keep facts; of files that changed this very moment, nothing is kept."""
        now = time.time_ns()
        keys = {path: _key(files[path]) for path in facts if abs(now - files[path].st_mtime_ns) > _FRESH}
        rows = [
            (path, *key, each.content, each.width, each.height, each.reason, each.kind)
            for path, key in keys.items()
            for each in [facts[path]]
        ]
        try:
            self._file.put(rows)
        except (sqlite3.Error, OSError):
            self._memory.update({path: (key, facts[path]) for path, key in keys.items()})


_cache_at = functools.cache(IdentityCache)


def _key(stat: os.stat_result) -> tuple[int, int, int]:
    """Size and times; the time of change sees what keeps the other two, such as two files that swap names."""
    return stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns
