"""The append-only file of JSON lines under the journal: reading what is there, adding whole lines or none."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bearwidgets.errors import WorkspaceError
from bearwidgets.files import explain, sync_folder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

VERSION = 1
_TAIL = 256  # bytes before the reading position that must be as they were
Line = dict[str, Any]


@dataclass
class News:
    """What a look into the file brought.

    Attributes:
        lines: The lines since the last look, or all of them.
        anew: The file is not a longer version of what was read before; `lines` starts at its beginning.
        skipped: Why lines were passed over.
    """

    lines: list[Line] = field(default_factory=list)
    anew: bool = False
    skipped: list[str] = field(default_factory=list)


class JournalFile:
    """One journal file as one reader sees it.

    A last line without its line end counts when it is whole JSON, which half a line never is; else it is left
    for the next look. Whoever appends after it starts on a fresh line.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._forget()

    def _forget(self) -> None:
        self._seen = (0, 0, 0)  # the file at the last look: size, modification time, inode
        self._position = 0  # after the last line that has its line end
        self._tail = b""  # the bytes before the position
        self._early = b""  # a last line that was taken before its line end came
        self._count = 0  # lines before the position

    def read(self) -> News:
        """The lines that were added since the last call.

        Raises:
            WorkspaceError: The file cannot be read, or a newer version of bearwidgets wrote in it.
        """
        try:
            stat = self.path.stat()
            seen = (stat.st_size, stat.st_mtime_ns, stat.st_ino)
            if seen == self._seen:
                return News()
            with self.path.open("rb") as file:
                file.seek(self._position - len(self._tail))
                known = self._tail + self._early
                data = file.read()
                same = data.startswith(known)
                if not same:
                    self._forget()
                    file.seek(0)
                    data = file.read()
        except FileNotFoundError:
            anew = self._count > 0 or bool(self._early)
            self._forget()
            return News(anew=anew)
        except OSError as error:
            raise explain(error, self.path, "Nothing was read.") from error
        news = self._digest(data[len(self._tail) :], anew=not same)
        self._seen = seen
        return news

    def append(self, lines: Sequence[Line]) -> None:
        """Add lines and make them last; all of them or, when that fails, none. The caller holds the lock.

        Raises:
            WorkspaceError: The disk is full or cannot be written; the file is as it was.
        """
        data = b"".join(encode(line) + b"\n" for line in lines)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            new = not self.path.exists()
            descriptor = os.open(
                self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o666
            )
            try:
                _append(descriptor, data)
            finally:
                os.close(descriptor)
            if new:
                sync_folder(self.path.parent)
        except OSError as error:
            raise explain(error, self.path, "Nothing was recorded, what was there is kept.") from error

    def _digest(self, data: bytes, *, anew: bool) -> News:
        news = News(anew=anew)
        end = data.rfind(b"\n") + 1
        for index, piece in enumerate(data[:end].split(b"\n")[:-1]):
            self._count += 1
            if not piece.strip() or (index == 0 and self._early and piece == self._early):
                continue
            line = _parse(piece)
            if line is None:
                news.skipped.append(f"line {self._count} of {self.path.name} is damaged and was passed over")
            else:
                self._check_version(line)
                news.lines.append(line)
        rest = data[end:]
        if rest and rest != self._early and (line := _parse(rest)) is not None:
            self._check_version(line)
            news.lines.append(line)
            self._early = rest
        elif end:
            self._early = b""
        self._position += end
        self._tail = (self._tail + data[:end])[-_TAIL:]
        return news

    def _check_version(self, line: Line) -> None:
        if line.get("v") != VERSION:
            raise WorkspaceError(
                f"{self.path} was written by a newer bearwidgets (journal version {line.get('v')!r}; this one knows"
                f" {VERSION}). Nothing was read or written. Upgrade with: pip install -U bearwidgets"
            )


def encode(line: Line) -> bytes:
    """One line of JSON in UTF-8 without its line end; file names that are not valid Unicode become escapes."""
    try:
        return json.dumps(line, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    except UnicodeEncodeError:
        return json.dumps(line, separators=(",", ":"), allow_nan=False).encode()


def _parse(piece: bytes) -> Line | None:
    """The object of one line, or None if the line is torn or damaged."""
    try:
        line = json.loads(piece.decode())
    except (ValueError, RecursionError):
        return None
    return line if isinstance(line, dict) and "v" in line else None


def _append(descriptor: int, data: bytes) -> None:
    """Write and sync at the end of a file; on any failure cut the file back to what it was."""
    size = os.fstat(descriptor).st_size
    try:
        if size and _last_byte(descriptor, size) != b"\n":
            data = b"\n" + data
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        os.fsync(descriptor)
    except BaseException:
        os.ftruncate(descriptor, size)
        raise


def _last_byte(descriptor: int, size: int) -> bytes:
    os.lseek(descriptor, size - 1, os.SEEK_SET)
    return os.read(descriptor, 1)
