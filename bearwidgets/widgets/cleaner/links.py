"""Views that follow each other: what is selected or shown in one, the others of its group are told of."""

from __future__ import annotations

import threading
import weakref
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from bearwidgets.errors import BadInputError, shortened
from bearwidgets.widgets.cleaner.questions import CHOSEN
from bearwidgets.widgets.protocol import Filter, LinkEvent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bearwidgets.widgets.cleaner.board import Board
    from bearwidgets.widgets.view import View


class Linked(Protocol):
    """Whose views follow others: a `Session`."""

    links: Links
    views: weakref.WeakSet[View]


_groups: weakref.WeakKeyDictionary[Any, Links] = weakref.WeakKeyDictionary()


class Shown(NamedTuple):
    """What a view was made to show: a filter, or exactly some images."""

    filter: Filter
    ids: np.ndarray | None  # those that it lets through; None for all
    exactly: bool  # these ids, whatever the filter
    where: str  # the view in words


class Links:
    """The views that have one selection and one filter; it keeps none of them alive.

    Attributes:
        selected: ids of the images that are selected in any of them.
        where: in which view, in words.
        shown: what one of them was made to show last.
    """

    def __init__(self) -> None:
        self._sessions: weakref.WeakSet[Linked] = weakref.WeakSet()
        self._lock = threading.Lock()
        self.selected: list[str] = []
        self.where = ""
        self.shown = Shown(Filter(), None, exactly=False, where="")

    def join(self, session: Linked) -> None:
        """Tell the views of this session from now on."""
        with self._lock:
            self._sessions = self._sessions | {session}

    def leave(self, session: Linked) -> None:
        """Tell the views of this session no longer."""
        with self._lock:
            self._sessions = self._sessions - {session}

    def select(self, ids: Sequence[str], where: str, by: str = "") -> None:
        """These images are selected now; `by` is the page that says so, and need not hear it."""
        if list(ids) == self.selected:
            return
        self.selected, self.where = list(ids), where
        self._tell(by)

    def show(self, board: Board, where: str) -> None:
        """A board was made to show something; of an order or a queue the others are not told."""
        view = board.view
        exactly = view.queue == CHOSEN and view.similar is None
        some = exactly or (view.filter != Filter() and view.similar is None)
        if not some and self.shown.ids is None:
            return
        ids = board.ids[board.order] if some else None
        self.shown = Shown(view.filter, ids, exactly, where)
        self._tell("")

    def _tell(self, by: str) -> None:
        views = [view for session in list(self._sessions) for view in session.views]
        # Each page asks for its part in turn: nobody waits here for the lock of another session.
        for view in views if len(views) > 1 else []:
            view.tell(LinkEvent(by))


def as_ranges(places: np.ndarray) -> list[tuple[int, int]]:
    """Places (n,) as sorted half-open ranges."""
    found = np.unique(places)
    ends = np.flatnonzero(np.diff(found) > 1)
    starts = np.concatenate([found[:1], found[ends + 1]])
    stops = np.concatenate([found[ends], found[-1:]]) + 1
    return list(zip(starts.tolist(), stops.tolist(), strict=True))


def links_of(source: Any) -> Links:
    """The group of all views on one source, which is a review or the learner behind it; of None one of its own."""
    return Links() if source is None else _groups.setdefault(source, Links())


def link(*views: Any) -> None:
    """Have views share one selection and one filter: what is chosen in one, the others show at once.

    Views on one review do so without this; it is for those on different reviews or data sets, in which the same
    images are found by their content. One view alone follows no other from now on.

    Args:
        *views: each a `Cleaner`, `ConfusionMatrix` or `ImageMap` with images.

    Raises:
        BadInputError: no view, or one that has no images to select.

    Example:
        >>> first, second = bw.Cleaner(learn), bw.Cleaner(ds)
        >>> bw.link(first, second)
        >>> first.select(ds.table.id[:2])
        2
        >>> len(second.selected)
        2
    """
    sessions: list[Linked] = []
    for view in views:
        session = getattr(getattr(view, "cleaner", view), "_session", None)
        if session is None:
            raise BadInputError(f"{shortened(view)} cannot be linked; allowed are views that have images.")
        sessions.append(session)
    if not sessions:
        raise BadInputError(
            "link() came without a view; give it two or more, or one that is to follow no other."
        )
    group = Links()
    for session in sessions:
        session.links.leave(session)
        session.links = group
        group.join(session)
