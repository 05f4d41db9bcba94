"""What others write into the journals of open views is shown there before long, by one thread for all of them."""

from __future__ import annotations

import threading
import weakref
from typing import TYPE_CHECKING

from bearwidgets.errors import BearwidgetsError

if TYPE_CHECKING:
    from bearwidgets.widgets.cleaner.session import Session

EVERY = 1.0  # s between two looks at the files
_sessions: weakref.WeakSet[Session] = weakref.WeakSet()
_changing = threading.Lock()
looking = threading.Lock()  # held while sessions are: who takes it knows that none is held by this
_threads: list[threading.Thread] = []  # the one that looks, while there is any session


def watch(session: Session) -> None:
    """Look at the journal of this session from now on, for as long as somebody holds it."""
    with _changing:
        _sessions.add(session)
        if not _threads:
            _threads.append(threading.Thread(target=_run, name="bearwidgets-news", daemon=True))
            _threads[0].start()


def look() -> bool:
    """Have every session show what is new; whether there is any."""
    with looking:
        return _look()


def _look() -> bool:
    with _changing:
        sessions = list(_sessions)
        if not sessions:
            _threads.clear()
    for session in sessions:
        try:
            session.look()
        except (BearwidgetsError, OSError):  # whoever asks next is told
            continue
    return bool(sessions)


def _run() -> None:
    pause = threading.Event()
    while look():
        pause.wait(EVERY)
