"""The tools beside the grid as methods, for use from Python: similar images, tags and notes, suggestions, views."""

from __future__ import annotations

from numbers import Integral
from typing import TYPE_CHECKING

import pandas as pd

from bearwidgets.errors import BadInputError, check_whole, shortened, unknown_name
from bearwidgets.widgets.cleaner.suggestions import suggestions, sure_ones

if TYPE_CHECKING:
    import threading
    from collections.abc import Sequence
    from pathlib import Path

    from bearwidgets.widgets.cleaner.session import Session


class Tools:
    """What a person can do with the items besides deciding; the base of `Commands`."""

    _session: Session
    lock: threading.RLock

    def similar(self, item: str, n: int = 20) -> pd.DataFrame:
        """The images that look most like one, by the cosine of the features that the learner has at hand.

        In the view they are shown by `cleaner.show(similar=item)`.

        Args:
            item: an id or path.
            n: how many.

        Returns:
            DataFrame by id, nearest first: path, label, distance (0 is the same, 1 has nothing in common).

        Raises:
            BadInputError: no such item, or there are no features of it.

        Example:
            >>> list(cleaner.similar(ds.table.path[0], n=3).columns)
            ['path', 'label', 'distance']
        """
        check_whole("n", n, 1, kind=Integral)
        with self.lock:
            self._session.refresh()
            board = self._session.board
            found = board.similar_to(int(board.rows_of(listed(item))[0]), int(n))
            return pd.DataFrame(
                {
                    "path": board.paths[found.rows],
                    "label": board.labels[found.rows],
                    "distance": found.distance.astype(float),
                },
                index=pd.Index(board.ids[found.rows], name="id"),
            )

    def tag(self, ids: str | Sequence[str], tag: str) -> int:
        """Give a tag to items, by id or path: one step to undo. It is in the journal, and changes no file.

        Returns:
            How many items did not have it.

        Raises:
            BadInputError: an unknown id, or no text of 1 to 50 characters without comma and semicolon.

        Example:
            >>> cleaner.tag(ds.table.path[:2], "ask Ann"), cleaner.tags
            (2, {'ask Ann': 2})
            >>> cleaner.show(tag="ask Ann")
            2
            >>> cleaner.untag(ds.table.path[:2], "ask Ann")
            2
        """
        return self._remark(ids, add=[tag])

    def untag(self, ids: str | Sequence[str], tag: str) -> int:
        """Take a tag away from items; gives how many had it."""
        return self._remark(ids, remove=[tag])

    def note(self, ids: str | Sequence[str], text: str) -> int:
        """Write a note on items, at most 1,000 characters, in the place of the one before; "" takes it away.

        Returns:
            How many notes changed.

        Raises:
            BadInputError: an unknown id, or a text that is too long or has control characters.

        Example:
            >>> cleaner.note(ds.table.path[0], "Two bears?")
            1
            >>> cleaner.undo()
            1
        """
        return self._remark(ids, note=text)

    def _remark(self, ids: str | Sequence[str], **change: object) -> int:
        with self.lock:
            return self._session.tell_items(self._session.remark(listed(ids), **change))

    @property
    def tags(self) -> dict[str, int]:
        """How many items have each tag, the most frequent first."""
        return self._session.journal.tags

    def suggestions(
        self, at_least: float = 0.0, *, label: str | None = None, becomes: str | None = None
    ) -> pd.DataFrame:
        """What in the view is undecided and would be changed by accepting what is proposed.

        Args:
            at_least: 0 to 1: the confidence of the model, or where an image is to go the score of the queue.
            label: only items with this label.
            becomes: only those that would get this label, or "delete".

        Returns:
            DataFrame by id, in the order of the view: path, label, becomes, confidence.

        Raises:
            BadInputError: a threshold that is not between 0 and 1.

        Example:
            >>> sure = cleaner.suggestions(0.95)
            >>> cleaner.mark(sure.index, "accept") >= len(sure)     # one act, one step to undo; what stays counts too
            True
        """
        with self.lock:
            self._session.refresh()
            board = self._session.board
            found = sure_ones(suggestions(board, label, becomes), at_least)
            rows = [each.row for each in found]
            return pd.DataFrame(
                {
                    "path": board.paths[rows],
                    "label": board.labels[rows],
                    "becomes": [each.becomes for each in found],
                    "confidence": [each.confidence for each in found],
                },
                index=pd.Index(board.ids[rows], name="id", dtype=object),
            )

    def undo_harmful(self) -> int:
        """Withdraw the decisions that harm, see `Cleaner.blame`: one act, one step to undo.

        Returns:
            How many decisions were withdrawn.

        Raises:
            BadInputError: as `Cleaner.blame`.

        Example:
            >>> cleaner.mark(ds.table.id[ds.table.split == "train"][:1], "delete")
            1
            >>> cleaner.undo_harmful() in (0, 1)
            True
        """
        self._session.blame()
        with self.lock:
            return self._session.tell_items(self._session.undo_harmful())

    @property
    def saved_views(self) -> list[str]:
        """The names of the views that were saved, the oldest first."""
        return [each.name for each in self._session.saved_views.all()]

    def save_view(self, name: str) -> None:
        """Keep filter, order and queue of the view under a name, in the workspace; an older one of that name goes.

        Raises:
            BadInputError: no text of 1 to 60 characters, there are 50 views, or `show(ids=…)` chose the items.
            WorkspaceError: it cannot be written.

        Example:
            >>> shown = cleaner.show(label="black", sort="loss")
            >>> cleaner.save_view("black by loss")
            >>> cleaner.show_view("black by loss") == shown
            True
            >>> cleaner.drop_view("black by loss")
        """
        with self.lock:
            self._session.save_view(name)
            self._session.tell_state()

    def show_view(self, name: str) -> int:
        """Show a view that was saved; gives how many items it has.

        Raises:
            BadInputError: there is none of that name, or its queue, class or tag is not there any more.
        """
        with self.lock:
            views = {each.name: each.view for each in self._session.saved_views.all()}
            if name not in views:
                raise BadInputError(unknown_name("saved view", name, views))
            self._session.show(views[name])
            self._session.tell_state()
            return len(self._session.board.order)

    def drop_view(self, name: str) -> None:
        """Forget a view that was saved.

        Raises:
            BadInputError: there is none of that name.
        """
        with self.lock:
            self._session.saved_views.drop(name)
            self._session.tell_state()

    def reset(self) -> Path:
        """Begin a new journal, without decisions, tags and notes; the old one is kept, and its path is returned.

        Rounds that were applied stand, and can still be rolled back. No image is touched.

        Raises:
            BadInputError: a training is running, or there is no journal yet.
            WorkspaceError: it cannot be written; the journal is as it was.

        Example:
            >>> cleaner.mark(ds.table.path[0], "delete")
            1
            >>> cleaner.reset().name, len(cleaner.decisions)
            ('journal-1.jsonl', 0)
        """
        with self.lock:
            kept = self._session.reset()
            self._session.tell_items(self._session.board.ids.tolist())
            return kept


def listed(ids: str | Sequence[str]) -> list[str]:
    """One id or several, as a list."""
    found = [ids] if isinstance(ids, str) else list(ids) if hasattr(ids, "__iter__") else None
    if found is None or not all(isinstance(each, str) for each in found):
        raise BadInputError(
            f"ids are {shortened(ids)}; give one id or path, or a list of them; they stand in ds.table."
        )
    return found
