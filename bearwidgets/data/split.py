"""Who trains and who is examined: by hash, so that neither file order nor names decide."""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from numbers import Integral, Real
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from bearwidgets.errors import BadInputError, unknown_name

if TYPE_CHECKING:
    from collections.abc import Sequence

SPLITS = ("train", "valid", "test")

_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
_NAMES = {
    "train": "train",
    "training": "train",
    "valid": "valid",
    "val": "valid",
    "validate": "valid",
    "validation": "valid",
    "dev": "valid",
    "eval": "valid",
    "evaluation": "valid",
    "test": "test",
    "testing": "test",
}


def split_name(text: str) -> str | None:
    """The split that a folder name or a cell of a table means ("val" and "Validation" are "valid"), or None."""
    return _NAMES.get(text.strip().lower())


def splits_in(name: str) -> set[str]:
    """The splits that words in a name mean: {"train"} for "seg_train" and "train2017", none for "bears"."""
    return {split for word in _WORD.findall(name) if (split := split_name(word))}


def beside_split(name: str) -> str | None:
    """The letters beside the word for a split at one end of a name, "images" of "Images_train"; None without one."""
    words = [word.lower() for word in _WORD.findall(name)]
    for word, rest in ((words[:1], words[1:]), (words[-1:], words[:-1])):
        if word and split_name(word[0]):
            return " ".join(rest)
    return None


def check_split(split: str, table: pd.DataFrame, where: str = "in this data set") -> None:
    """Refuse the name of a split that has no items."""
    known = sorted(table["split"].unique())
    if split not in known:
        raise BadInputError(unknown_name("split", split, known, where))


def check_arguments(valid_pct: float, seed: int) -> tuple[float, int]:
    """The share and the seed as plain numbers.

    Raises:
        BadInputError: The share is no number from 0 to below 1, or the seed is no whole number.
    """
    if not isinstance(seed, Integral):
        raise BadInputError(f"seed is {seed!r}; allowed is a whole number, such as 42.")
    if not isinstance(valid_pct, Real) or not 0 <= valid_pct < 1:
        hint = f" Did you mean {valid_pct / 100:g}?" if isinstance(valid_pct, int) and valid_pct >= 1 else ""
        raise BadInputError(
            f"valid_pct is {valid_pct!r}; allowed is a share from 0 to below 1, such as 0.2.{hint}"
        )
    return float(valid_pct), int(seed)


def pieces(content: Sequence[str], groups: Sequence[object] | None) -> np.ndarray:
    """Number (n,) of the piece each item belongs to: what equal bytes and equal groups join, directly or not."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    contents, unique = pd.factorize(np.asarray(content, dtype=object))
    joined = contents if groups is None else pd.factorize(np.asarray(groups, dtype=object))[0]
    known = joined >= 0
    nodes = len(unique) + len(content)
    links = (contents[known], len(unique) + joined[known])
    graph = coo_matrix((np.ones(known.sum(), dtype=bool), links), shape=(nodes, nodes))
    return connected_components(graph, directed=False)[1][contents]


def split_by_hash(
    content: Sequence[str],
    labels: Sequence[str],
    valid_pct: float = 0.2,
    seed: int = 42,
    groups: Sequence[str | None] | None = None,
) -> np.ndarray:
    """Split items into "train" and "valid" (n,), each class in the same proportion.

    Items with the same bytes or of one group (None is none) land on one side. In each class these pieces are put in
    the order of a hash of seed and content, of a group its name, and the first ones up to `valid_pct` of the class
    are valid. Each class keeps at least one item in train; a class of two or more pieces has at least one in valid.

    Raises:
        BadInputError: `valid_pct` or `seed` is not allowed.

    Example:
        >>> split_by_hash(["0a", "0b", "0b"], ["bear", "bear", "bear"], valid_pct=0.4).tolist()
        ['train', 'valid', 'valid']
    """
    valid_pct, seed = check_arguments(valid_pct, seed)
    if groups is not None:
        content = _names_of_pieces(content, groups)
    members: dict[str, list[str]] = defaultdict(list)
    for each, label in zip(content, labels, strict=True):
        members[each].append(label)
    strata: dict[str, list[str]] = defaultdict(list)
    for each, its_labels in members.items():
        strata[min(its_labels)].append(each)
    order = {each: _rank(each, seed) for each in members}
    valid: set[str] = set()
    if valid_pct > 0:
        for names in strata.values():
            valid |= _first_share(sorted(names, key=order.__getitem__), members, valid_pct)
    _keep_one_in_train(valid, members, order)
    return np.array(["valid" if each in valid else "train" for each in content], dtype=object)


def _names_of_pieces(content: Sequence[str], groups: Sequence[str | None]) -> list[str]:
    """For each item the first name of its piece: that of a group, else the content."""
    names: dict[int, tuple[bool, str]] = {}
    number = pieces(content, groups).tolist()
    for piece, each, group in zip(number, content, groups, strict=True):
        name = (True, each) if group is None else (False, group)
        names[piece] = min(name, names.get(piece, name))
    return [names[piece][1] for piece in number]


def _rank(content: str, seed: int) -> bytes:
    return hashlib.blake2b(f"{seed}:{content}".encode(), digest_size=16).digest()


def _first_share(groups: list[str], members: dict[str, list[str]], valid_pct: float) -> set[str]:
    """The first groups that come nearest to the share of the items; at least one."""
    total = sum(len(members[each]) for each in groups)
    wanted = valid_pct * total
    chosen: set[str] = set()
    n = 0
    for each in groups:
        size = len(members[each])
        if chosen and abs(n + size - wanted) > abs(n - wanted):
            break
        chosen.add(each)
        n += size
    return chosen


def _keep_one_in_train(valid: set[str], members: dict[str, list[str]], order: dict[str, bytes]) -> None:
    """Move groups to train until each class has an item there; equal bytes under two labels can take the last."""
    in_train = Counter(label for each in members if each not in valid for label in members[each])
    for label in sorted({label for labels in members.values() for label in labels}):
        if not in_train[label]:
            last = max((each for each in valid if label in members[each]), key=order.__getitem__)
            valid.remove(last)
            in_train.update(members[last])
