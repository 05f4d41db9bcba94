"""The append-only file of JSON lines under the journal: reading what is there, adding whole lines or none.

The lock file beside it is as long, in bytes, as entries were recorded, so that what is lost at the end is missed.
"""

from __future__ import annotations

import contextlib
import itertools
import os
from typing import TYPE_CHECKING

from bearwidgets.clean.log.encoding import VERSION, NewerVersionError, decode, encode_all
from bearwidgets.clean.log.numbering import Found, News, Numbering, unfinished
from bearwidgets.errors import WorkspaceError
from bearwidgets.files import explain, open_own, sync_folder, write_atomic

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import BinaryIO

    from bearwidgets.clean.log.encoding import Line

_TAIL = 256  # bytes before the reading position that must be as they were


class JournalFile:
    """One journal file as one reader sees it.

    A last line without its line end counts when it is whole JSON, which half a line never is; else it is left
    for the next look, as is an act of several lines of which the last are not there yet. Whoever appends after it
    starts on a fresh line.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = path.with_suffix(".lock")
        self._forget()

    def _forget(self) -> None:
        self._seen = (0, 0, 0)  # the file at the last look: size, modification time, inode
        self._position = 0  # after the last line that has its line end
        self._tail = b""  # the bytes before the position
        self._early = b""  # a last line that was taken before its line end came
        self._count = 0  # lines before the position
        self._numbering = Numbering(self.path.name)

    @property
    def next_number(self) -> int:
        """The number of the next entry, after `read`; one that is damaged is not given again."""
        return self._numbering.next

    def read(self) -> News | None:
        """The lines that were added since the last call; None if the file is as it was.

        Raises:
            WorkspaceError: The file cannot be read, or a newer version of bearwidgets wrote in it.
        """
        try:
            stat = self.path.stat()
            seen = (stat.st_size, stat.st_mtime_ns, stat.st_ino)
            if seen == self._seen:
                return None
            recorded = self._recorded()  # before the lines, which it then never is ahead of
            with os.fdopen(open_own(self.path), "rb") as file:
                file.seek(self._position - len(self._tail))
                known = self._tail + self._early
                data = file.read()
                same = data.startswith(known)
                if not same:
                    self._forget()
                    file.seek(0)
                    data = file.read()
        except FileNotFoundError:
            news = News(anew=self._count > 0 or bool(self._early))
            self._forget()
            self._numbering.take([], self._recorded(), news)
            return news
        except OSError as error:
            raise explain(error, self.path, "Nothing was read.") from error
        news = self._digest(data[len(self._tail) :], recorded, News(anew=not same))
        self._seen = seen
        return news

    def read_again(self) -> News:
        """All lines, whatever was read before.

        Raises:
            WorkspaceError: As `read`.
        """
        self._forget()
        news = self.read() or News()
        news.anew = True
        return news

    def read_whole(self) -> tuple[bytes, News]:
        """The file's bytes and what they say, where nothing was read yet.

        Raises:
            WorkspaceError: As `read`.
        """
        recorded = self._recorded()
        try:
            with os.fdopen(open_own(self.path), "rb") as file:
                data = file.read()
        except OSError as error:
            raise explain(error, self.path, "Nothing was read.") from error
        return data, self._digest(data, recorded, News())

    def append(self, lines: Sequence[Line], lock: BinaryIO | None) -> None:
        """Add numbered lines and make them last; all of them or, when that fails, none.

        Args:
            lines: The lines.
            lock: The lock file that the caller holds.

        Raises:
            WorkspaceError: The disk is full or cannot be written; the file is as it was, if the text says so.
        """
        data = encode_all(lines)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            new = not self.path.exists()
            descriptor = open_own(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
            try:
                _append(descriptor, data)
            finally:
                os.close(descriptor)
            if new:
                sync_folder(self.path.parent)
        except _UnknownEndError as error:
            outcome = (
                "It may have been recorded all the same: see what the journal says before you do it again."
            )
            raise explain(error, self.path, outcome) from error
        except OSError as error:
            raise explain(error, self.path, "Nothing was recorded, what was there is kept.") from error
        if lock is not None:
            with contextlib.suppress(OSError):  # the entries are safe; only a loss would not be seen
                lock.truncate(lines[-1]["seq"])

    def begin_anew(self, lines: Sequence[Line], lock: BinaryIO | None) -> Path:
        """Have only these lines in the file, and the lines of before in another one beside it, which is given.

        There is a whole journal at any time.

        Raises:
            WorkspaceError: The disk is full or cannot be written; the file is as it was.
        """
        names = (self.path.with_name(f"{self.path.stem}-{number}.jsonl") for number in itertools.count(1))
        kept = next(each for each in names if not os.path.lexists(each))
        try:
            with os.fdopen(open_own(self.path), "rb") as file:
                write_atomic(kept, file.read())
            if lock is not None:
                lock.truncate(len(lines))  # at any time at most as many as there are
            write_atomic(self.path, encode_all(lines))
        except OSError as error:
            raise explain(error, self.path, "The journal is as it was.") from error
        return kept

    def _recorded(self) -> int:
        """How many entries were recorded at least; an earlier version adds some without counting them."""
        try:
            return self._lock.stat().st_size
        except OSError:
            return 0

    def _digest(self, data: bytes, recorded: int, news: News) -> News:
        end = data.rfind(b"\n") + 1
        pieces = data[:end].split(b"\n")[:-1]
        skip = 1 if pieces and pieces[0] == self._early else 0  # taken before its line end came
        numbered = list(enumerate(pieces, self._count + 1))
        found = [
            self._found(number, piece, last=piece is pieces[-1])
            for number, piece in numbered[skip:]
            if piece.strip()
        ]
        rest, early = data[end:], self._early if skip == end == 0 else b""
        if rest and rest != early:
            one = self._found(self._count + len(pieces) + 1, rest, last=True)
            if one.line is not None:
                found.append(one)
                early = rest
        cut = unfinished(found)
        if cut < len(found):
            pieces, early = pieces[: found[cut].number - self._count - 1], b""
            end = sum(len(piece) + 1 for piece in pieces)
        self._numbering.take(found[:cut], recorded, news)
        self._count += len(pieces)
        self._position += end
        self._tail = (self._tail + data[:end])[-_TAIL:]
        self._early = early
        return news

    def _found(self, number: int, piece: bytes, *, last: bool) -> Found:
        try:
            return Found(number, decode(piece, last=last))
        except NewerVersionError as error:
            raise WorkspaceError(
                f"{self.path} was written by a newer bearwidgets (journal version {error}; this one knows"
                f" {VERSION}). Nothing was read or written. Upgrade with: pip install -U bearwidgets"
            ) from error
        except ValueError as error:
            return Found(number, None, str(error))


class _UnknownEndError(OSError):
    """Writing failed, and so did cutting the file back to what it was."""


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
    except BaseException as error:
        try:
            os.ftruncate(descriptor, size)
        except OSError:
            if isinstance(error, OSError):
                raise _UnknownEndError(error.errno, error.strerror) from error
        raise


def _last_byte(descriptor: int, size: int) -> bytes:
    os.lseek(descriptor, size - 1, os.SEEK_SET)
    return os.read(descriptor, 1)
