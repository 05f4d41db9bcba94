"""Who trains and who is examined: by hash, so that neither file order nor names decide."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from numbers import Integral, Real
from typing import TYPE_CHECKING

import numpy as np

from bearwidgets.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Sequence

SPLITS = ("train", "valid", "test")

_NAMES = {
    "train": "train",
    "training": "train",
    "valid": "valid",
    "val": "valid",
    "validation": "valid",
    "test": "test",
    "testing": "test",
}


def split_name(text: str) -> str | None:
    """The split that a folder name or a cell of a table means ("val" and "Validation" are "valid"), or None."""
    return _NAMES.get(text.strip().lower())


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


def split_by_hash(
    content: Sequence[str], labels: Sequence[str], valid_pct: float = 0.2, seed: int = 42
) -> np.ndarray:
    """Split items into "train" and "valid" (n,), each class in the same proportion.

    Items with the same bytes land on one side. In each class the groups of equal bytes are put in the order
    of a hash of seed and content, and the first ones up to `valid_pct` of the class are valid. Each class keeps
    at least one item in train; a class of two or more contents has at least one in valid.

    Raises:
        BadInputError: `valid_pct` or `seed` is not allowed.

    Example:
        >>> split_by_hash(["0a", "0b", "0b"], ["bear", "bear", "bear"], valid_pct=0.4).tolist()
        ['train', 'valid', 'valid']
    """
    valid_pct, seed = check_arguments(valid_pct, seed)
    members: dict[str, list[str]] = defaultdict(list)
    for each, label in zip(content, labels, strict=True):
        members[each].append(label)
    strata: dict[str, list[str]] = defaultdict(list)
    for each, its_labels in members.items():
        strata[min(its_labels)].append(each)
    order = {each: _rank(each, seed) for each in members}
    valid: set[str] = set()
    if valid_pct > 0:
        for groups in strata.values():
            valid |= _first_share(sorted(groups, key=order.__getitem__), members, valid_pct)
    _keep_one_in_train(valid, members, order)
    return np.array(["valid" if each in valid else "train" for each in content], dtype=object)


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
