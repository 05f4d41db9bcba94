"""manifest.csv: the decisions in force as a table that a spreadsheet can open without running any of it."""

from __future__ import annotations

import atexit
import contextlib
import threading
import time
import weakref
from typing import TYPE_CHECKING, Any

from bearwidgets.clean.log.fold import SEEN
from bearwidgets.clean.log.remarks import tags_cell, value_of
from bearwidgets.errors import WorkspaceError
from bearwidgets.files import explain, write_atomic
from bearwidgets.safe_text import csv_line, safe_cell

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path
    from typing import TypeAlias

    from bearwidgets.clean.log.fold import Decision
    from bearwidgets.clean.log.remarks import Remark

    Row: TypeAlias = tuple[str, str, bytes]  # path, id, the line of the file

COLUMNS = (
    "path",
    "label",
    "action",
    "new_label",
    "predicted",
    "confidence",
    "loss",
    "label_issue",
    "decided_at",
    "decided_by",
    "id",
    "tags",
    "note",
    "about",
)
_SHORTEST, _LONGEST = 0.3, 5.0  # seconds that a burst of decisions may last before the file is written
_SHARE = 20  # times as long as writing took last, so that a large file does not slow down the decisions


def manifest_bytes(decisions: Iterable[Decision]) -> bytes:
    """The manifest of some decisions: UTF-8, one line each, sorted by path."""
    return _table(sorted(_row(each, None) for each in decisions))


def _table(rows: Iterable[Row]) -> bytes:
    return b"".join([_line(COLUMNS), *(line for _, _, line in rows)])


def _line(cells: Iterable[Any]) -> bytes:
    return csv_line(cells).encode(errors="backslashreplace")


def _row(decision: Decision | None, remark: Remark | None) -> Row:
    """The line of an item; without a decision, that of its tags and note has no action."""
    about = decision or remark
    if about is None:
        raise ValueError("neither a decision nor a remark")
    cells = {name: getattr(about, name) for name in ("path", "label", "decided_at", "decided_by", "id")}
    if decision is not None:
        cells |= {
            "action": decision.action,
            "new_label": decision.new_label,
            "about": ", ".join(decision.about),
            **{name: decision.seen.get(name) for name in SEEN},
        }
    cells |= {"tags": tags_cell(remark), "note": value_of(remark)[1]}
    found = [cells.get(name) for name in COLUMNS]
    return about.path, about.id, _line([safe_cell("" if cell is None else cell) for cell in found])


class ManifestWriter:
    """Keeps the file current behind the journal's back: soon after a change, and at the latest when Python ends.

    Args:
        path: manifest.csv.
        changes: Gives the items of which something changed since it was asked last, with decision, tags and note
            in force.
    """

    def __init__(
        self, path: Path, changes: Callable[[], Mapping[str, tuple[Decision | None, Remark | None]]]
    ) -> None:
        self.path = path
        self._changes = changes
        self._rows: dict[str, Row] = {}  # as written last: only what changed is made anew
        self._lock = threading.Lock()  # around the timer
        self._turn = threading.Lock()  # around reading and writing: the newest content is written last
        self._timer: threading.Timer | None = None
        self._delay = _SHORTEST
        self.failure: WorkspaceError | None = None  # why the file is not current, if it is not
        _writers.add(self)

    def touch(self) -> None:
        """Something changed: write before long, once for all that changes until then."""
        with self._lock:
            if self._timer is None:
                self._timer = threading.Timer(self._delay, self.flush)
                self._timer.daemon = True
                self._timer.start()

    def flush(self) -> None:
        """Write now if it is due; a failure is kept in `failure` and tried again with the next change."""
        if self._timer is None and self.failure is None:
            return
        with contextlib.suppress(WorkspaceError):  # kept in `failure`, and no one waits for this thread
            self.write()

    def write(self) -> Path:
        """Write now.

        Raises:
            WorkspaceError: The file cannot be written: a full disk, or another program has it open.
        """
        with self._lock:
            waiting, self._timer = self._timer, None
        if waiting is not None:
            waiting.cancel()
        with self._turn:
            began = time.monotonic()
            try:
                write_atomic(self.path, self._content())
            except OSError as error:
                outcome = "The journal is safe; the manifest is older than it."
                self.failure = explain(error, self.path, outcome)
                raise self.failure from error
            self.failure = None
            self._delay = min(max(_SHORTEST, _SHARE * (time.monotonic() - began)), _LONGEST)
        return self.path

    def _content(self) -> bytes:
        for id_, (decision, remark) in self._changes().items():
            if decision is None and remark is None:
                self._rows.pop(id_, None)
            else:
                self._rows[id_] = _row(decision, remark)
        self._rows = {row[1]: row for row in sorted(self._rows.values())}  # quick: nearly sorted already
        return _table(self._rows.values())


_writers: weakref.WeakSet[ManifestWriter] = weakref.WeakSet()


@atexit.register
def _flush_all() -> None:
    for writer in list(_writers):
        writer.flush()
