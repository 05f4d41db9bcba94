"""The items of a data set as the journal sees them: where each lies now, and which item a journal line means."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bearwidgets.errors import BadInputError

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
        self._rows: dict[str, int] = {}
        self._paths: list[str] = []
        self._labels: list[str] = []
        self._contents: list[str] = []
        if table is not None:
            self._rows = {id_: row for row, id_ in enumerate(table["id"].tolist())}
            self._paths, self._labels = table["path"].tolist(), table["label"].tolist()
            self._contents = table["content"].tolist()
        self._by_place: dict[tuple[str, str], str] | None = None

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, id_: str) -> Item:
        """The item of an id.

        Raises:
            BadInputError: No item has it.
        """
        item = self.get(id_)
        if item is None:
            raise BadInputError(
                f"No item {id_!r} in this data set of {len(self)} items; ids stand in the column 'id' of its table."
                " If files changed since it was opened, open it again."
            )
        return item

    def get(self, id_: str) -> Item | None:
        """The item of an id, or None."""
        row = self._rows.get(id_)
        return None if row is None else Item(self._paths[row], self._labels[row], self._contents[row])

    def resolve(self, id_: str, content: str, path: str) -> str:
        """The id that an item of a journal line has now.

        A file that has a copy is told apart by its path, so its id changes when a copy comes or goes; content and
        path together find it again. A line about an item that is not here keeps its id.
        """
        if id_ in self._rows:
            return id_
        if self._by_place is None:
            self._by_place = {
                (self._contents[row], self._paths[row]): each for each, row in self._rows.items()
            }
        return self._by_place.get((content, path), id_)

    def put(self, id_: str, item: Item) -> None:
        """An item lies somewhere else now, has another label, or is back."""
        row = self._rows.setdefault(id_, len(self._paths))
        for column, value in zip((self._paths, self._labels, self._contents), item, strict=True):
            column[row : row + 1] = [value]
        self._by_place = None

    def drop(self, id_: str) -> None:
        """An item is gone."""
        self._rows.pop(id_, None)
        self._by_place = None

    def drop_at(self, paths: set[str]) -> None:
        """Whatever was seen at these paths is not there any more."""
        for id_ in [each for each, row in self._rows.items() if self._paths[row] in paths]:
            self.drop(id_)
