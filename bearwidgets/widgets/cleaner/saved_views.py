"""Views under names, in views.json of the workspace."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from bearwidgets.errors import BadInputError, shortened, unknown_name
from bearwidgets.files import checked, explain, locked, read_json, write_atomic
from bearwidgets.safe_text import as_json, has_unseen
from bearwidgets.widgets.cleaner.queues import CHOSEN
from bearwidgets.widgets.parse import parse
from bearwidgets.widgets.protocol import SavedView, ViewSpec

if TYPE_CHECKING:
    from pathlib import Path

MOST, LONGEST = 50, 60  # views, characters of a name


class SavedViews:
    """The saved views of one workspace; several notebooks may save at once.

    Args:
        workspace: The folder.

    Attributes:
        note: A sentence on what could not be read, or "".
    """

    def __init__(self, workspace: Path) -> None:
        self.path = workspace / "views.json"
        self.note = ""
        self._read: tuple[object, list[SavedView]] = None, []

    def all(self) -> list[SavedView]:
        """Every view that can be read, the oldest first."""
        try:
            stat = self.path.stat()
            known = stat.st_mtime_ns, stat.st_size, stat.st_ino
        except OSError:
            known = None
        if known != self._read[0]:
            self._read = known, [] if known is None else self._parsed()
        return self._read[1]

    def _parsed(self) -> list[SavedView]:
        self.note = ""
        try:
            found = checked(read_json(self.path), {"views": list})["views"]
            return [parse(SavedView, each) for each in found[:MOST]]
        except (OSError, ValueError) as error:
            self.note = f"The saved views cannot be read ({error}); move {self.path} away to save new ones"
            return []

    def save(self, name: str, view: ViewSpec) -> None:
        """Keep a view under a name, in the place of an older one of that name.

        Raises:
            BadInputError: The name is no text of 1 to 60 characters on one line, there are 50 views, or it is the
                view of items chosen in the notebook, which are not kept.
            WorkspaceError: It cannot be written.
        """
        name = name.strip() if isinstance(name, str) else name
        if not isinstance(name, str) or not 0 < len(name) <= LONGEST or has_unseen(name):
            raise BadInputError(
                f"The name of the view is {shortened(name)}; allowed is a text of 1 to {LONGEST} characters on one"
                " line."
            )
        if view.queue == CHOSEN:
            raise BadInputError(
                "Items chosen in the notebook cannot be saved as a view; give them a tag and filter by it."
            )
        self._change(name, view)

    def drop(self, name: str) -> None:
        """Forget the view of that name.

        Raises:
            BadInputError: There is none.
            WorkspaceError: It cannot be written.
        """
        self._change(name, None)

    def _change(self, name: str, view: ViewSpec | None) -> None:
        with locked(self.path.with_suffix(".lock")):
            self._read = None, []
            views = {each.name: each for each in self.all()}
            if self.note:
                raise BadInputError(f"{self.note}. Nothing was saved.")
            if view is None and name not in views:
                raise BadInputError(unknown_name("saved view", name, views))
            if view is None:
                del views[name]
            else:
                views[name] = SavedView(name, view)
            if len(views) > MOST:
                raise BadInputError(f"There are {MOST} saved views, and no more are kept; drop one first.")
            content = {"v": 1, "views": as_json(list(views.values()))}
            try:
                write_atomic(self.path, json.dumps(content, indent=1).encode())
            except OSError as error:
                raise explain(error, self.path, "The view was not saved.") from error
