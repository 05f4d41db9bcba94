"""The items of a data set as the journal sees them: where each lies now, and which item a journal line means."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bearwidgets.errors import BadInputError, shortened

if TYPE_CHECKING:
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
        self._by_file: dict[tuple[str, str], str] | None = None

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

    def resolve(self, id_: str, content: str, path: str) -> str:
        """The id that an item of a journal line has now.

        A file that has a copy is told apart by its path, so its id changes when a copy comes or goes; content and
        path together find it again. A line about an item that is not here keeps its id.
        """
        if id_ in self._items:
            return id_
        if self._by_file is None:
            self._by_file = {(item.content, item.path): each for each, item in self._items.items()}
        return self._by_file.get((content, path), id_)

    def put(self, id_: str, item: Item) -> None:
        """An item lies somewhere else now, has another label, or is back."""
        self._items[id_] = item
        self._by_file = None

    def drop(self, id_: str) -> None:
        """An item is gone."""
        self._items.pop(id_, None)
        self._by_file = None

    def drop_at(self, paths: set[str]) -> None:
        """Whatever was seen at these paths is not there any more."""
        for id_ in [each for each, item in self._items.items() if item.path in paths]:
            self.drop(id_)
