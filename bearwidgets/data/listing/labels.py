"""What the cells of a table say about label and split: one label as text, one of three splits; else a sentence."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bearwidgets.data.split import SPLITS, split_name, splits_in
from bearwidgets.errors import BadInputError, and_more

if TYPE_CHECKING:
    from collections.abc import Collection

_NUMBER = re.compile(r"-?\d+(\.0+)?")
_YES, _NO = {"true", "1", "1.0"}, {"false", "0", "0.0"}
_SEVERAL = (list, tuple, set, frozenset, dict, np.ndarray)
_SEPARATORS = ("|", ";", ",", " ")
_FEW = 10  # numbers that differ more often than this, and from image to image, are no classes


def cell_text(value: Any) -> str:
    """A cell as text; None, NaN and NA are ""."""
    if isinstance(value, str):
        return value.strip()
    return "" if pd.api.types.is_scalar(value) and pd.isna(value) else str(value)


def label_texts(labels: list[Any]) -> list[str]:
    """Names of classes as text: text as it is, a missing one as "", whole numbers without the ".0" of floats.

    Raises:
        BadInputError: There are several in a cell.
    """
    _check_single(labels)
    texts = [str(label) if isinstance(label, str) else cell_text(label) for label in labels]
    numbers = {text for text, label in zip(texts, labels, strict=True) if text and not isinstance(label, str)}
    if not all(map(_NUMBER.fullmatch, numbers)):
        return texts
    return [
        text if isinstance(label, str) else text.split(".")[0]
        for text, label in zip(texts, labels, strict=True)
    ]


def class_texts(labels: list[Any]) -> list[str]:
    """The label of each row of a table as text: a missing one is "", and numbers, also as text, lose a ".0".

    Raises:
        BadInputError: There are several in a cell, or they are measured numbers and no classes.
    """
    _check_single(labels)
    texts = [cell_text(label) for label in labels]
    if all(_NUMBER.fullmatch(text) for text in texts if text):
        return [text.split(".")[0] for text in texts]
    different = set(texts) - {""}
    if len(different) > max(_FEW, len(texts) / 2) and all(map(_is_number, different)):
        raise BadInputError(
            f"The labels are {len(different):,} different numbers in {len(texts):,} rows, such as {texts[0]}: that is"
            " regression, and classes are learned here. Cut the numbers into classes, as with pd.cut(numbers, 3)."
        )
    return texts


def _check_single(labels: list[Any]) -> None:
    """Refuse a cell of several labels."""
    for row, label in enumerate(labels, start=1):
        if isinstance(label, _SEVERAL):
            raise BadInputError(
                f"The label of row {row} is {label!r}; allowed is one label for each image, as text or number. With"
                " several labels for an image (multi-label) choose the one to learn, or make one data set for each."
            )


def notes_on_labels(labels: list[str]) -> list[str]:
    """A sentence where cells seem to hold several labels each: then every combination is a class of its own."""
    names = set(labels) - {""}
    for separator in _SEPARATORS:
        parts = {name: frozenset(name.split(separator)) - {""} for name in names}
        least = 2 if separator == " " else 1  # "bear" in "black bear" is no sign
        whole = Counter(found for found in parts.values() if len(found) >= least)
        rarest = _by_rarest(whole)
        joined = [
            name
            for name, found in parts.items()
            if len(found) > 1
            and (whole[found] > 1 or any(other < found for part in found for other in rarest.get(part, ())))
        ]
        if len(joined) > 1 and len(joined) * 4 >= len(names):
            shown = and_more(map(repr, sorted(joined)), 2)
            told = f"labels such as {shown} look like several labels in one cell (multi-label)"
            return [f"{told}: each combination is a class of its own here"]
    return []


def _by_rarest(sets: Collection[frozenset[str]]) -> dict[str, list[frozenset[str]]]:
    """The sets by the part of each that fewest of them have: all subsets of a set lie under its own parts."""
    n_sets = Counter(part for each in sets for part in each)
    found: dict[str, list[frozenset[str]]] = {}
    for each in sets:
        found.setdefault(min(each, key=n_sets.__getitem__), []).append(each)
    return found


def split_texts(cells: list[Any], column: str) -> list[str]:
    """The split that each cell means, "" for an empty one; 0 and 1 mean "is valid", or what the column's name says.

    Raises:
        BadInputError: A cell says something else: with its row left out the split would be another one.
    """
    texts = [cell_text(cell) for cell in cells]
    if {text.removesuffix(".0") for text in texts if text} == {"0", "1", "2"}:
        kind = str if any(isinstance(cell, str) for cell in cells) else int
        names = {kind(number): split for number, split in enumerate(SPLITS)}
        raise BadInputError(
            f"The split column {column!r} says 0, 1 and 2, which may be splits or folds; allowed are"
            f" {', '.join(SPLITS)}. If they are splits, map them, as with frame[{column!r}].map({names}). For folds"
            f" choose one that is held out: frame[{column!r}] == {kind(2)!r}."
        )
    meant = {text: _split_of(text, column) for text in set(texts)}
    unknown = sorted(text for text, split in meant.items() if split is None)
    if unknown:
        folds = all(text.removesuffix(".0").isdigit() for text in unknown)
        hint = f" For folds choose one that is held out: frame[{column!r}] == {unknown[0]}." if folds else ""
        raise BadInputError(
            f"The split column {column!r} says {and_more(map(repr, unknown), 5)}; allowed are {', '.join(SPLITS)}"
            f" (also val, dev, eval, testing, …), or True and False, 1 and 0 for 'is valid'.{hint}"
        )
    return [meant[text] or "" for text in texts]


def _split_of(text: str, column: str) -> str | None:
    """The split that a cell means; None if it means none."""
    word = text.lower()
    if not text or (split := split_name(word)):
        return "" if not text else split
    if word not in _YES | _NO:
        return None
    named = splits_in(column)
    if len(named) > 1:
        raise BadInputError(
            f"{text} in the column {column!r} does not say which of {' and '.join(sorted(named))} is meant: give a"
            " column with these words in it, or call it is_valid."
        )
    yes = next(iter(named), "valid")
    return yes if word in _YES else ("valid" if yes == "train" else "train")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
