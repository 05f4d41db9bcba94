"""The journal's file and the sum of its lines, kept together: what is in memory is always what can be read back."""

from __future__ import annotations

import contextlib
import datetime as dt
import getpass
import os
import secrets
import threading
from typing import TYPE_CHECKING, Any

from bearwidgets.clean.log.encoding import version_of
from bearwidgets.clean.log.file import JournalFile
from bearwidgets.clean.log.fold import DecisionState
from bearwidgets.clean.log.places import ROUNDS, places_at_end
from bearwidgets.errors import BadInputError
from bearwidgets.files import locked

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence
    from pathlib import Path
    from typing import BinaryIO

    from bearwidgets.clean.log.encoding import Line
    from bearwidgets.clean.log.item_index import Items
    from bearwidgets.clean.log.numbering import News
    from bearwidgets.clean.log.places import Moves


_PROCESS = secrets.token_hex(4)


def this_process() -> str:
    """How the sessions of this process begin, and no other's: a forked one has another number."""
    return f"{_PROCESS}.{os.getpid():x}."


class JournalStore:
    """A journal file, read as far as it goes and added to by one writer at a time.

    Args:
        path: journal.jsonl.
        items: The items its lines speak of.
        by: Who writes.

    Attributes:
        session: Stands in every line that this store writes, so that one's own acts are known from those of others.
        since: The newest entry when it was opened.
    """

    def __init__(self, path: Path, items: Items, by: str) -> None:
        self.path = path
        self.by = by
        self.session = this_process() + secrets.token_hex(4)
        self.since = 0
        self.state = DecisionState(items.resolve)
        self.skipped: list[str] = []
        self._lost: dict[str, str] = {}
        self._damage: dict[str, str] = {}
        self.follow: Callable[[Mapping[str, Any]], None] | None = (
            None  # told of rounds in lines that are added
        )
        self.moves: Moves = lambda _: ()  # the files that a round gave other paths
        self.prepare: Callable[[], None] | None = None  # makes the folder before writing, or refuses
        self.guard = threading.RLock()
        self._items = items
        self._file = JournalFile(path)
        self._lock: BinaryIO | None = None  # while this store holds it
        self._stale = False  # an interrupt came between reading and what is in memory
        self._known = 0  # the number of the newest entry that is in memory

    def refresh(self) -> None:
        """Take in what was added since, by whomever.

        Raises:
            WorkspaceError: The file cannot be read, or is a newer version's.
        """
        with self.guard:
            stale, self._stale = self._stale, True
            news = self._file.read_again() if stale else self._file.read()
            if news is not None:
                new = [line for line in news.lines if line["seq"] > self._known] if stale else news.lines
                if self.follow is not None and (stale or not news.anew) and self._follow(new):
                    news = self._file.read_again()
                self._take_in(news)
            self._stale = False

    def _take_in(self, news: News) -> None:
        if news.anew:
            self.state = DecisionState(self._items.resolve, self.state)
            self.skipped, self._lost, self._damage = [], {}, {}
        self.skipped += news.notes
        self._lost |= news.lost
        self._damage |= news.damage
        for line, places in zip(news.lines, places_at_end(news.lines, self.moves), strict=True):
            try:
                self.state.fold(line, places)
            except ValueError as error:
                self._damage[str(line["seq"])] = (
                    f"entry {line['seq']} of {self.path.name} was passed over: {error}"
                )
        self._known = self._file.next_number - 1

    def _follow(self, lines: Sequence[Line]) -> bool:
        """Keep the items where rounds in new lines brought them; whether all lines then mean other items."""
        moved = [line for line in lines if line["action"] in ROUNDS]
        for line in moved:
            if self.follow is not None:
                self.follow(line)
        return bool(moved) and self._items.have_copies

    def mark_opened(self) -> None:
        """What was read so far was there before this store."""
        self.since = self._known

    def go_on_as(self, other: JournalStore) -> None:
        """Be the same session as another store."""
        self.session, self.since = other.session, other.since

    def whose(self, session: str | None, seq: int) -> str:
        """Which other session made an entry, in words; "" for this one."""
        if session == self.session:
            return ""
        if session is not None and session.startswith(this_process()):
            return " (other view)"
        return " (other notebook)" if seq > self.since else " (earlier session)"

    @property
    def damage(self) -> dict[str, str]:
        """What was recorded and cannot be read, as far as it was read and nobody has accepted it; with sentences."""
        return self._not_accepted(self._damage)

    @property
    def lost(self) -> dict[str, str]:
        """What was recorded and is not there any more at the end, unless somebody has accepted it; with sentences."""
        return self._not_accepted(self._lost)

    def _not_accepted(self, told: Mapping[str, str]) -> dict[str, str]:
        return {which: said for which, said in told.items() if which not in self.state.accepted}

    @contextlib.contextmanager
    def reading(self) -> Generator[DecisionState]:
        """Everything read, and nothing else read or written meanwhile by this store; gives the state."""
        with self.guard:
            self.refresh()
            yield self.state

    @contextlib.contextmanager
    def writing(self) -> Generator[DecisionState]:
        """Be the only writer, with everything read; gives the state.

        Raises:
            WorkspaceError: The workspace cannot be written, another writer does not finish, or the journal is a newer
                version's.
        """
        with self.guard:
            if self.prepare is not None:
                self.prepare()
            with self.holding():
                self.refresh()
                yield self.state

    @contextlib.contextmanager
    def holding(self, *, wait: float = 30.0) -> Generator[bool]:
        """Hold the writer's lock, which `append` needs; tells whether it is held, as `locked`, with its errors."""
        with self.guard, locked(self.path.with_suffix(".lock"), wait=wait) as lock:
            self._lock = lock
            try:
                yield lock is not None
            finally:
                self._lock = None

    def append(self, entries: Sequence[Mapping[str, Any]], *, bulk: bool = False) -> None:
        """Add entries within `writing` or `holding`, all or none; several that are one act when `bulk`.

        Raises:
            WorkspaceError: The disk is full or cannot be written; nothing changed.
        """
        lines = numbered(entries, self._file.next_number, self.by, bulk=bulk, session=self.session)
        self._file.append(lines, self._lock)
        self.refresh()

    def begin_anew(self, lines: Sequence[Line]) -> Path:
        """Have only these lines, within `writing`; gives the file that has those of before.

        Raises:
            WorkspaceError: The disk is full or cannot be written; nothing changed.
        """
        kept = self._file.begin_anew(lines, self._lock)
        self.refresh()
        return kept


def numbered(
    entries: Sequence[Mapping[str, Any]], first: int, by: str, *, bulk: bool, session: str | None = None
) -> list[Line]:
    """Entries as lines, from a number on; those of one act say how many there are."""
    head: Line = {"time": now(), "by": by} | ({} if session is None else {"session": session})
    group = {"group": first, "lines": len(entries)} if bulk and len(entries) > 1 else {}
    return [
        {"v": version_of(entry), "seq": first + n, **head, **entry, **group}
        for n, entry in enumerate(entries)
    ]


def now() -> str:
    """UTC as ISO 8601, to the second."""
    return dt.datetime.now(dt.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def user_name(by: str | None) -> str:
    """Who decides: the name that was given, BEARWIDGETS_USER, the name at a JupyterHub, or that of the system's user.

    Raises:
        BadInputError: The name is no text.
    """
    if by is not None and not (isinstance(by, str) and by.strip()):
        raise BadInputError(f"by is {by!r}; allowed is the name of the person who decides, such as by='Ada'.")
    given = (by, *(os.environ.get(each, "").strip() for each in ("BEARWIDGETS_USER", "JUPYTERHUB_USER")))
    for name in filter(None, given):
        return name
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # containers run under users without a name
        return "unknown"
