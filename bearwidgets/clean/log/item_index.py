"""The items of a data set as the journal sees them: where each lies now, and which item a journal line means."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bearwidgets.errors import BadInputError, shortened

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd


class Item(NamedTuple):
    """Where an item lies (posix, relative to the data root), its label and its content id."""

    path: str
    label: str
    content: str


class Items:
    """The items by id; kept up to date while rounds are applied and rolled back.

    Args:
        table: `Dataset.table`, or None for a journal without its data set, where every id stands for itself.
    """

    def __init__(self, table: pd.DataFrame | None) -> None:
        self._items: dict[str, Item] = {}
        if table is not None:
            columns = (table[name].tolist() for name in Item._fields)
            self._items = dict(zip(table["id"].tolist(), map(Item, *columns), strict=True))
        self._all_known = table is not None
        self._by_file: dict[tuple[str, str], str] | None = None
        self._copies: dict[str, list[str]] | None = None

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, id_: str) -> Item:
        """The item of an id.

        Raises:
            BadInputError: No item has it.
        """
        item = self.get(id_)
        if item is None:
            raise BadInputError(
                f"No item {shortened(id_)} in this data set of {len(self)} items; ids stand in the column 'id'"
                " of its table. If files changed since it was opened, open it again."
            )
        return item

    def get(self, id_: str) -> Item | None:
        """The item of an id, or None."""
        return self._items.get(id_)

    def resolve(self, id_: str, content: str, path: str, copies: Iterable[str] | None = None) -> str:
        """The id that an item of a journal line has now.

        A file that has a copy is told apart by its path, so its id changes when a copy comes or goes; content and
        path together find it again. If no file has the path any more, it is the one that was not there when the line
        was written, unless a copy is gone: that one may be the item. A line about an item that is not here keeps its
        id.

        Args:
            id_: The id in the line.
            content: Its content id.
            path: Where it lies, as far as the journal knows.
            copies: Where the other files with its content lie, as far as the journal knows; None if it does not know.
        """
        if id_ == content and id_ in self._items:
            return id_
        if self._by_file is None:
            self._by_file = {(item.content, item.path): each for each, item in self._items.items()}
        if not self._all_known:  # the first line about a file gives it its id
            return id_ if id_ == content else self._by_file.setdefault((content, path), id_)
        known = self._by_file.get((content, path))
        if known is not None or id_ in self._items:
            return known or id_
        others = set(copies if copies is not None else () if id_ == content else self._same(content))
        new = [each for each in self._same(content) if each not in others]
        if len(self._same(content)) <= len(others) or not new:
            return id_
        near = [each for each in new if each.rpartition("/")[0] == path.rpartition("/")[0]]
        found = new if len(new) == 1 else near
        return self._by_file[content, found[0]] if len(found) == 1 else id_

    def copies_of(self, id_: str) -> list[str]:
        """The paths of the other items with the bytes of this one."""
        item = self._items[id_]
        return [each for each in self._same(item.content) if each != item.path]

    @property
    def have_copies(self) -> bool:
        """Whether any two items have the same bytes."""
        return any(id_ != item.content for id_, item in self._items.items())

    def _same(self, content: str) -> list[str]:
        if self._copies is None:
            self._copies = {}
            for item in self._items.values():
                self._copies.setdefault(item.content, []).append(item.path)
        return self._copies.get(content, [])

    def put(self, id_: str, item: Item) -> None:
        """An item lies somewhere else now, has another label, or is back."""
        self._items[id_] = item
        self._by_file = self._copies = None

    def drop(self, id_: str) -> None:
        """An item is gone."""
        self._items.pop(id_, None)
        self._by_file = self._copies = None

    def drop_at(self, paths: set[str]) -> None:
        """Whatever was seen at these paths is not there any more."""
        for id_ in [each for each, item in self._items.items() if item.path in paths]:
            self.drop(id_)
