"""manifest.csv: the decisions in force as a table that a spreadsheet can open without running any of it."""

from __future__ import annotations

import atexit
import contextlib
import csv
import io
import threading
import weakref
from typing import TYPE_CHECKING, Any

from bearwidgets.errors import WorkspaceError
from bearwidgets.files import explain, safe_cell, write_atomic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from bearwidgets.clean.log.fold import Decision

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
)
_DELAY = 0.3  # seconds that a burst of decisions may last before the file is written


def manifest_bytes(decisions: Iterable[Decision]) -> bytes:
    """The manifest of some decisions: UTF-8, one line each, sorted by path."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(map(_row, sorted(decisions, key=lambda each: (each.path, each.id))))
    return text.getvalue().encode(errors="backslashreplace")


def _row(decision: Decision) -> list[Any]:
    seen = decision.seen
    cells = (
        decision.path,
        decision.label,
        decision.action,
        decision.new_label,
        seen.get("predicted"),
        seen.get("confidence"),
        seen.get("loss"),
        seen.get("label_issue"),
        decision.decided_at,
        decision.decided_by,
        decision.id,
    )
    return [safe_cell("" if cell is None else cell) for cell in cells]


class ManifestWriter:
    """Keeps the file current behind the journal's back: soon after a change, and at the latest when Python ends.

    Args:
        path: manifest.csv.
        content: Gives the bytes as they should be now.
    """

    def __init__(self, path: Path, content: Callable[[], bytes]) -> None:
        self.path = path
        self._content = content
        self._lock = threading.Lock()  # around the timer
        self._turn = (
            threading.Lock()
        )  # around reading and writing, so that the newest content is written last
        self._timer: threading.Timer | None = None
        self.failure: WorkspaceError | None = None  # why the file is not current, if it is not
        _writers.add(self)

    def touch(self) -> None:
        """Something changed: write before long, once for all that changes until then."""
        with self._lock:
            if self._timer is None:
                self._timer = threading.Timer(_DELAY, self.flush)
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
            try:
                write_atomic(self.path, self._content())
            except OSError as error:
                outcome = "The journal is safe; the manifest is older than it."
                self.failure = explain(error, self.path, outcome)
                raise self.failure from error
            self.failure = None
        return self.path


_writers: weakref.WeakSet[ManifestWriter] = weakref.WeakSet()


@atexit.register
def _flush_all() -> None:
    for writer in list(_writers):
        writer.flush()
