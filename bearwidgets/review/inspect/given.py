"""Matrices and predictions from outside, checked: names of classes as text, counts and class numbers as int64."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bearwidgets.data.listing.labels import label_texts
from bearwidgets.errors import BadInputError, shortened, unknown_name
from bearwidgets.figures import counted
from bearwidgets.review.inspect.counts import name_key

if TYPE_CHECKING:
    from collections.abc import Sequence, Sized

_MOST = 2**53  # whole numbers up to it are exact as floats


def plain_list(values: Any, what: str) -> list[Any]:
    """A list, array, column or tensor as a list.

    Raises:
        BadInputError: It is nothing of the kind.
    """
    if isinstance(values, (str, bytes, dict)) or not hasattr(values, "__iter__"):
        raise BadInputError(
            f"{what} is {shortened(values)}; allowed is a list, an array or a column of a table."
        )
    return values.tolist() if hasattr(values, "tolist") else list(values)


def class_list(classes: Any) -> list[str]:
    """Names of one or more different classes as text.

    Raises:
        BadInputError: There are none, one is missing, or one stands twice.
    """
    names = label_texts(plain_list(classes, "classes"))
    if not names or "" in names:
        raise BadInputError(
            "classes is empty or has an empty name; allowed is a list of the names of the classes."
        )
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise BadInputError(f"The class {shortened(twice)} stands twice; give each class once.")
    return names


def given_counts(matrix: Any, classes: Any = None) -> tuple[list[str], np.ndarray]:
    """Names and counts (classes, classes) int64 of a matrix: rows are the labels, columns the predicted ones.

    Raises:
        BadInputError: It is not square, holds something else than counts, or its names do not fit.
    """
    if isinstance(matrix, pd.DataFrame):
        names = class_list(matrix.index)
        matrix = matrix.set_axis(names, axis=0).set_axis(class_list(matrix.columns), axis=1)
        if set(matrix.columns) != set(names):
            raise BadInputError(
                "The rows and the columns of the matrix have different names; both are the classes, rows the labels "
                "and columns the predicted ones."
            )
        names = names if classes is None else class_list(classes)
        if set(names) != set(matrix.index):
            raise BadInputError(
                "classes are other names than those of the rows of the matrix; leave classes out."
            )
        matrix = matrix.loc[names, names]
    elif classes is None:
        raise BadInputError("A matrix without names needs classes=[…], the names of its rows in their order.")
    else:
        names = class_list(classes)
    try:
        values = np.asarray(matrix, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise BadInputError(f"The matrix is no table of numbers ({error}); allowed are counts.") from error
    if values.shape != (len(names), len(names)):
        raise BadInputError(
            f"The matrix has shape {values.shape}; {len(names)} classes need ({len(names)}, {len(names)})."
        )
    whole = np.isfinite(values) & (values >= 0) & (values <= _MOST) & (np.floor(values) == values)
    if not whole.all():
        row, column = np.argwhere(~whole)[0]
        raise BadInputError(
            f"The matrix holds {values[row, column]:g} in row {shortened(names[row])}, column "
            f"{shortened(names[column])}; allowed are counts, whole numbers from 0 on. Give the matrix before it was "
            "normalized."
        )
    return names, values.astype(np.int64)


def given_labels(values: Any, what: str) -> list[str]:
    """A label as text for each item.

    Raises:
        BadInputError: One is missing, or there are several for an item.
    """
    listed = plain_list(values, what)
    if listed and isinstance(listed[0], (list, tuple, set, np.ndarray)):
        raise BadInputError(
            f"{what} has several values for an item; allowed is one label for each. Of probabilities give the most "
            "probable class, as with probabilities.argmax(1); with several labels for an item use Confusion.by_label."
        )
    texts = label_texts(listed)
    if "" in texts:
        raise BadInputError(
            f"{what} has no label in row {texts.index('') + 1}; leave such items out of both lists."
        )
    return texts


def class_numbers(labels: pd.Index, classes: Sequence[str]) -> np.ndarray:
    """Class numbers (n,) int32 of labels.

    Raises:
        BadInputError: One is no class.
    """
    numbers = pd.Index(classes).get_indexer(labels)
    if (numbers < 0).any():
        raise BadInputError(unknown_name("class", labels[numbers < 0][0], classes, "in this matrix"))
    return numbers.astype(np.int32)


def same_length(first: Sized, second: Sized, words: str) -> None:
    """Refuse two lists that are not of the same length; `words` name both."""
    if len(first) != len(second):
        raise BadInputError(
            f"{words} have {len(first):,} and {len(second):,} items; allowed are as many in both."
        )


def label_tables(
    actual: Any, predicted: Any, classes: Any = None
) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Names, and which of them each item has and was given, two arrays (n, classes) bool.

    Raises:
        BadInputError: They do not fit together, or hold something else.
    """
    tables = [_label_table(actual, classes, "actual"), _label_table(predicted, classes, "predicted")]
    same_length(*tables, "actual and predicted")
    names = (
        sorted({str(name) for table in tables for name in table}, key=name_key)
        if classes is None
        else class_list(classes)
    )
    if tables[0].empty or not names:
        raise BadInputError("There are no items or no labels; give the labels of one item or more.")
    for name in {*tables[0], *tables[1]} - {*names}:
        raise BadInputError(unknown_name("class", name, names, "in this matrix"))
    has, given = (table.reindex(columns=names, fill_value=False).to_numpy() for table in tables)
    return names, has, given


def _label_table(values: Any, classes: Any, what: str) -> pd.DataFrame:
    """One of the two tables, with those labels as columns that are known from it or from `classes`."""
    if isinstance(values, pd.DataFrame):
        return _yes_or_no(values.to_numpy(), class_list(values.columns), what)
    if getattr(values, "ndim", 1) == 2:
        if classes is None:
            raise BadInputError(f"{what} has columns without names; give them in their order as classes=[…].")
        return _yes_or_no(np.asarray(values), class_list(classes), what)
    rows = plain_list(values, what)
    if not all(isinstance(row, (list, tuple, set, frozenset)) for row in rows):
        raise BadInputError(
            f"{what} is no list of labels for each item; allowed is [['dog', 'ball'], [], …], or an array or table "
            "of 0 and 1 with a column for each label."
        )
    texts = [label_texts(list(row)) for row in rows]
    names = sorted(
        {text for row in texts for text in row} | {*(() if classes is None else class_list(classes))}
    )
    number = {name: column for column, name in enumerate(names)}
    found = np.zeros((len(rows), len(names)), dtype=bool)
    found[
        np.repeat(np.arange(len(rows)), [len(row) for row in texts]),
        [number[each] for row in texts for each in row],
    ] = True
    return pd.DataFrame(found, columns=names)


def _yes_or_no(values: np.ndarray, names: list[str], what: str) -> pd.DataFrame:
    if values.shape[1] != len(names):
        raise BadInputError(
            f"{what} has {counted(values.shape[1], 'column')} for {counted(len(names), 'class', 'classes')}; "
            "allowed are as many."
        )
    try:
        numbers = values.astype(np.float64)
    except (TypeError, ValueError):
        numbers = np.full(values.shape, np.nan)
    if not np.isin(numbers, (0, 1)).all():
        raise BadInputError(
            f"{what} holds something else than 0 and 1; of probabilities give probabilities >= 0.5."
        )
    return pd.DataFrame(numbers.astype(bool), columns=names)
