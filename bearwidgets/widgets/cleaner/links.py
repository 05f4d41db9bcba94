"""Views that follow each other: what is selected or shown in one, the others of its group are told of."""

from __future__ import annotations

import threading
import weakref
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

import numpy as np

from bearwidgets.errors import BadInputError, shortened
from bearwidgets.figures import counted
from bearwidgets.widgets.cleaner.questions import CHOSEN
from bearwidgets.widgets.protocol import Filter, LinkEvent, ViewSpec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bearwidgets.widgets.cleaner.board import Board
    from bearwidgets.widgets.view import View


# The group is held by its members alone: a selection ends with the last view.
_groups: weakref.WeakKeyDictionary[Any, weakref.ref[Group]] = weakref.WeakKeyDictionary()


class Session(Protocol):
    """Whose views are told: what `bearwidgets.widgets.cleaner.session.Session` has."""

    links: Links
    views: weakref.WeakSet[View]


class Shown(NamedTuple):
    """What a view was made to show: a filter, or exactly some images."""

    filter: Filter
    ids: np.ndarray | None  # those that it lets through; None for all
    exactly: bool  # these ids, whatever the filter
    by: Links | None


class Group:
    """The views that have one selection and one filter; it keeps none of them alive, and lives as long as they do.

    Attributes:
        selected: ids of the images that are selected in any of them.
        where: in which view, in words.
        shown: what one of them was made to show last.
    """

    def __init__(self) -> None:
        self._sessions: weakref.WeakSet[Session] = weakref.WeakSet()
        self._lock = threading.Lock()
        self.selected: list[str] = []
        self.where = ""
        self.shown = Shown(Filter(), None, exactly=False, by=None)

    def join(self, session: Session) -> None:
        """Tell the views of this session from now on."""
        with self._lock:
            self._sessions = self._sessions | {session}

    def leave(self, session: Session) -> None:
        """Tell the views of this session no longer."""
        with self._lock:
            self._sessions = self._sessions - {session}

    def tell(self, page: str = "") -> None:
        """Tell every view that there is news, which a `page` that made them need not hear."""
        views = [view for session in list(self._sessions) for view in session.views]
        # Each page asks for its part in turn: nobody waits here for the lock of another session.
        for view in views if len(views) > 1 else []:
            view.tell(LinkEvent(page))


class Links:
    """What a session has in common with those that it follows, and that follow it.

    Args:
        source: All views on one source, a learner or a review, are in one group; for None it is one of its own.

    Attributes:
        group: the views in question.
        place: what the session's view is called where others speak of it.
    """

    def __init__(self, source: Any) -> None:
        known = None if source is None else _groups.get(source)
        self.group = (known() if known is not None else None) or Group()
        if source is not None:
            _groups[source] = weakref.ref(self.group)
        self.place = "the Cleaner"
        self._followed = self.group.shown

    def select(self, ids: Sequence[str], page: str = "") -> None:
        """These images are selected now; `page` is where that was done."""
        if list(ids) == self.group.selected:
            return
        self.group.selected, self.group.where = list(ids), self.place
        self.group.tell(page)

    def selected(self, board: Board) -> list[str]:
        """Ids of what is selected, those of a board in its order and first."""
        ids = self.group.selected
        places = board.places_of(ids)
        return [ids[at] for at in np.argsort(np.where(places < 0, len(board.ids), places), kind="stable")]

    def show(self, board: Board) -> None:
        """A board was made to show something; of an order or a queue the others are not told."""
        view = board.view
        exactly = view.queue == CHOSEN and view.similar is None
        some = exactly or (view.filter != Filter() and view.similar is None)
        if some or self.group.shown.ids is not None:
            ids = board.ids[board.order] if some else None
            self.group.shown = Shown(view.filter, ids, exactly, self)
            self.group.tell()
        self._followed = self.group.shown

    @property
    def shown_elsewhere(self) -> np.ndarray:
        """Ids of the images to which another view was limited; none where it shows all."""
        shown = self.group.shown
        return np.zeros(0, dtype=object) if shown.ids is None or shown.by is self else shown.ids

    @property
    def where_shown(self) -> str:
        """In which view that is, in words."""
        by = self.group.shown.by
        return by.place if by is not None else ""

    def offer(self) -> str:
        """What another view shows and this one does not, in a sentence; or ""."""
        shown = self.group.shown
        if shown is self._followed:
            return ""
        what = "All images are" if shown.ids is None else counted(len(shown.ids), "image")
        return f"{what} shown in {self.where_shown}."

    def follow(self, board: Board, what: Literal["selected", "shown"], unlimited: ViewSpec) -> None:
        """Have a board show what another view shows, or what is selected in any.

        Args:
            board: The one of this session.
            what: Which of both.
            unlimited: What it shows where it was limited to some images, and is no longer.
        """
        shown, ids = self.group.shown, self.group.selected
        if what == "shown":
            self._followed = shown
            ids = shown.ids.tolist() if shown.exactly and shown.ids is not None else None
        if ids is not None:
            here = set(board.ids[board.among(ids)])
            board.choose([each for each in ids if each in here])
            board.show(ViewSpec("queue", queue=CHOSEN))
        else:
            view = unlimited if board.view.queue == CHOSEN else board.view
            board.show(replace(view, filter=shown.filter, similar=None))


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
    sessions: list[Session] = []
    for view in views:
        session = getattr(getattr(view, "cleaner", view), "_session", None)
        if session is None:
            raise BadInputError(f"{shortened(view)} cannot be linked; allowed are views that have images.")
        sessions.append(session)
    if not sessions:
        raise BadInputError(
            "link() came without a view; give it two or more, or one that is to follow no other."
        )
    group = Group()
    for session in sessions:
        session.links.group.leave(session)
        session.links.group = group
        group.join(session)
