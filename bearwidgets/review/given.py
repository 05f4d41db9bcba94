"""Probabilities from outside: class names as text, any array as float32, rows by the names they carry."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bearwidgets.data.listing.cells import PathReader
from bearwidgets.data.listing.frame import Columns
from bearwidgets.data.listing.labels import label_texts
from bearwidgets.errors import BadInputError, and_more, unknown_name
from bearwidgets.figures import percent

if TYPE_CHECKING:
    from bearwidgets.data.dataset import Dataset

_FEWEST = 20  # items from which on agreement with the labels tells from chance


def class_names(classes: Any) -> list[str]:
    """The names of the classes as text, numbers included.

    Raises:
        BadInputError: It is no list of names, or not of two or more different ones.
    """
    listed = classes.tolist() if hasattr(classes, "tolist") else classes
    if listed is None or isinstance(listed, (str, Mapping, AbstractSet)) or not hasattr(listed, "__iter__"):
        raise BadInputError(
            f"classes is {listed!r}; allowed is a list of the names of the columns of probabilities, in their order,"
            " such as Dataset.classes."
        )
    names = label_texts(list(listed))
    if len(names) < 2 or len(set(names)) != len(names):
        raise BadInputError(f"A review needs two or more different classes, not {names!r}.")
    return names


def item_frame(table: pd.DataFrame) -> pd.DataFrame:
    """A copy of the table with columns id, path, split and label, the latter as text.

    Raises:
        BadInputError: There is no label, or an id stands twice.
    """
    if "label" not in table:
        raise BadInputError(unknown_name("column", "label", map(str, table.columns), "in this table"))
    frame = table.reset_index(drop="id" in table or table.index.name != "id").copy()
    if "id" not in frame:
        frame["id"] = [str(number) for number in range(len(frame))]
    frame["path"] = frame["path"] if "path" in frame else frame["id"]
    frame["split"] = frame.get("split", "train")
    if frame.id.duplicated().any():
        raise BadInputError(f"The id {frame.id[frame.id.duplicated()].iloc[0]!r} stands twice in the table.")
    texts = label_texts(frame["label"].tolist())
    frame["label"] = [text or label for text, label in zip(texts, frame["label"], strict=True)]
    return frame


def given_rows(
    probabilities: Any, table: pd.DataFrame | Dataset, frame: pd.DataFrame, classes: list[str]
) -> np.ndarray:
    """The probabilities (n, classes) float32 in the order of `frame`, which `item_frame` made of `table`.

    Raises:
        BadInputError: They are no numbers, or rows or columns carry names that do not fit.
    """
    if isinstance(probabilities, pd.DataFrame):
        probabilities = _by_row(_by_column(probabilities, classes), table, frame)
    elif hasattr(probabilities, "detach"):  # a tensor, which may need a gradient or be of half precision
        probabilities = probabilities.detach().float().cpu().numpy()
    try:
        return np.array(probabilities, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise BadInputError(
            f"probabilities are no table of numbers ({error}); allowed is an array (items, classes)."
        ) from error


def chance_note(predicted: pd.Series, labels: pd.Series) -> list[str]:
    """A sentence where predictions agree with the labels no more often than by chance."""
    n = len(labels)
    shares = labels.value_counts(normalize=True) * predicted.value_counts(normalize=True)
    chance = float(shares.sum())
    agree = float((predicted == labels).mean()) if n else 1.0
    if n < _FEWEST or agree > chance + 2 * np.sqrt(chance * (1 - chance) / n):
        return []
    told = f"the predictions agree with {percent(agree)} of the labels, as by chance ({percent(chance)})"
    ask = "are rows and columns in the order of Dataset.table and of classes?"
    return [f"{told}: {ask} A DataFrame with ids or paths as its index is put in order"]


def _by_column(probabilities: pd.DataFrame, classes: list[str]) -> pd.DataFrame:
    """The columns in the order of the classes, where they have names."""
    if isinstance(probabilities.columns, pd.RangeIndex):
        return probabilities
    named = probabilities.set_axis(label_texts(probabilities.columns.tolist()), axis=1)
    for name in classes:
        if name not in named:
            raise BadInputError(unknown_name("class", name, named.columns, "among these columns"))
    return named[classes]


def _by_row(probabilities: pd.DataFrame, table: pd.DataFrame | Dataset, frame: pd.DataFrame) -> pd.DataFrame:
    """The rows in the order of the items, where they have names: ids, paths, or the index of a table."""
    index = probabilities.index
    if index.equals(pd.RangeIndex(len(index))):
        return probabilities
    if index.nlevels > 1:
        raise BadInputError(
            f"The rows of probabilities have {index.nlevels} levels of names; allowed is one, of ids or paths."
        )
    ways: list[tuple[pd.Index, Any]] = [(index, frame["id"])]
    if isinstance(table, pd.DataFrame):
        ways += [(index, frame["path"]), (index, table.index)]
    else:
        columns = table.columns or Columns()
        reader = PathReader(table.root, columns.suffix, columns.folder)
        ways.append((pd.Index([_path(reader, each) for each in index]), frame["path"]))
    names, keys = max(ways, key=lambda way: int(way[0].isin(way[1]).sum()))
    strangers, twice, without = ~names.isin(keys), names.duplicated(), ~pd.Index(keys).isin(names)
    for bad, which, said in (
        (strangers, index, "name no item here by its id or path"),
        (twice, index, "stand there twice"),
        (without, pd.Index(frame["path"]), "are items without a row"),
    ):
        if bad.any():
            raise BadInputError(
                f"The rows of probabilities carry names, but {bad.sum():,} of them {said}"
                f" ({and_more(map(repr, which[bad]), 3)}). Allowed are the ids or paths of all items as the index,"
                " each once; or an array without names in the order of Dataset.table."
            )
    return probabilities.set_axis(names).loc[list(keys)]


def _path(reader: PathReader, cell: object) -> str:
    try:
        return reader.path_of(cell)
    except BadInputError:
        return str(cell)
