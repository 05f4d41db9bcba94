"""In which order classes stand, and which are confused so often that they make a group."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from bearwidgets.errors import BadInputError, and_more, shortened, unknown_name
from bearwidgets.review.inspect.counts import mistakes_only, name_key, rates

if TYPE_CHECKING:
    from collections.abc import Sequence

ORDERS = ("name", "size", "most confused", "similarity")
LIFT = 2.0
"""How many times as often as on average the classes of two parts have to be confused for the parts to be joined."""
LEVEL = 0.05
MOST_ORDERED = 400
"""Classes up to which leaves are put in the best order, which takes a second at 600 and grows with the cube."""


@dataclass(frozen=True)
class Group:
    """Some classes that are shown as one.

    Attributes:
        name: what it is called.
        members: names of its classes.
        pinned: whether it stays as it is when groups are found anew.
    """

    name: str
    members: tuple[str, ...]
    pinned: bool = False

    def renamed(self, name: str) -> Group:
        """The same group under another name; it is pinned, for a group found anew would lose the name."""
        return replace(self, name=name, pinned=True)

    def pin(self, *, pinned: bool = True) -> Group:
        """The same group, that stays as it is when groups are found anew, or no longer."""
        return replace(self, pinned=pinned)


def class_order(counts: np.ndarray, classes: Sequence[str], by: str) -> np.ndarray:
    """Class numbers (classes,) in an order: one of `ORDERS`; see `Confusion.order`.

    Raises:
        BadInputError: There is no such order.
    """
    if by == "name":
        return np.array(sorted(range(len(classes)), key=lambda number: name_key(classes[number])))
    if by == "similarity":
        return similarity_order(counts)
    mistakes = mistakes_only(counts)
    keys = {"size": counts.sum(1), "most confused": mistakes.sum(0) + mistakes.sum(1)}
    if by not in keys:
        raise BadInputError(unknown_name("order", by, ORDERS))
    return np.argsort(-keys[by], kind="stable")


def similarity_order(counts: np.ndarray) -> np.ndarray:
    """Class numbers (classes,), classes that are confused with each other beside each other.

    The order of the leaves of the tree that `found_groups` cuts; up to `MOST_ORDERED` classes the one with the
    smallest distances between neighbors (Bar-Joseph, Gifford and Jaakkola, "Fast optimal leaf ordering for
    hierarchical clustering", 2001).
    """
    from scipy.cluster.hierarchy import leaves_list, optimal_leaf_ordering

    if len(counts) < 3:
        return np.arange(len(counts))
    distances = _distances(counts, np.arange(len(counts)))
    tree = _tree(distances)
    if len(counts) <= MOST_ORDERED:
        tree = optimal_leaf_ordering(tree, distances)
    return leaves_list(tree).astype(np.int64)


def found_groups(counts: np.ndarray, free: np.ndarray) -> list[np.ndarray]:
    """Class numbers, sorted, of each group of two or more classes, found from the confusion of the `free` ones.

    Average linkage on 1 minus the mean of the two rates at which two classes are called each other makes a tree.
    From its leaves up, two parts are joined where their classes are called each other at least `LIFT` times as often
    as if all mistakes were spread evenly over the classes, and more often than chance would do that for any pair of
    classes (Poisson, at `LEVEL`, with Bonferroni's correction for the number of pairs).
    """
    from scipy.special import pdtrc

    n = len(counts)
    if n < 3 or len(free) < 2:
        return []
    mistakes, support = mistakes_only(counts), counts.sum(1)
    both = mistakes + mistakes.T
    # How likely an item is to be called one certain other class, if all are as likely.
    evenly = mistakes.sum() / max(1, support.sum()) / (n - 1)
    parts: dict[int, np.ndarray] = {number: free[[number]] for number in range(len(free))}
    for step, (first, second, *_) in enumerate(_tree(_distances(counts, free))):
        if first not in parts or second not in parts:
            continue
        one, other = parts[int(first)], parts[int(second)]
        seen = both[np.ix_(one, other)].sum()
        expected = evenly * (support[one].sum() * len(other) + support[other].sum() * len(one))
        often = seen >= LIFT * expected > 0
        if often and pdtrc(seen - 1, expected) <= LEVEL / (n * (n - 1) / 2):
            parts[len(free) + step] = np.concatenate([one, other])
            del parts[int(first)], parts[int(second)]
    return sorted((np.sort(part) for part in parts.values() if len(part) > 1), key=lambda part: part[0])


def named_group(numbers: np.ndarray, counts: np.ndarray, classes: Sequence[str], taken: set[str]) -> Group:
    """A group of class numbers, called after its two classes that are most confused with the others in it."""
    inner = mistakes_only(counts[np.ix_(numbers, numbers)])
    order = numbers[np.argsort(-(inner.sum(0) + inner.sum(1)), kind="stable")]
    name = and_more([classes[number] for number in order], 2)
    while name in taken:
        name += " (group)"
    return Group(name, tuple(classes[number] for number in numbers))


def folded_classes(classes: Sequence[str], groups: Sequence[Group]) -> tuple[list[str], np.ndarray]:
    """Names after folding, a group standing where its first class stood, and the new number (classes,) of each class.

    Raises:
        BadInputError: A group has no class or an unknown one, shares one with another group, or has a taken name.
    """
    group_of: dict[str, str] = {}
    for group in groups:
        if not group.members:
            raise BadInputError(f"The group {shortened(group.name)} has no classes; allowed are one or more.")
        for member in group.members:
            if member not in classes:
                raise BadInputError(unknown_name("class", member, classes, "in this matrix"))
            if member in group_of:
                raise BadInputError(f"The class {shortened(member)} is in two groups; allowed is one.")
            group_of[member] = group.name
    names = [group.name for group in groups]
    for name in names:
        if names.count(name) > 1 or (name in classes and name not in group_of):
            raise BadInputError(f"Two groups or classes are called {shortened(name)}; rename one of them.")
    folded = list(dict.fromkeys(group_of.get(name, name) for name in classes))
    position = {name: number for number, name in enumerate(folded)}
    return folded, np.array([position[group_of.get(name, name)] for name in classes], dtype=np.int32)


def fold_cells(values: np.ndarray, number: np.ndarray) -> np.ndarray:
    """Sums (groups, groups) of values (classes, classes) over the new number (classes,) of each class."""
    n = int(number.max()) + 1
    folded = np.zeros((n, n), dtype=values.dtype)
    np.add.at(folded, (number[:, None], number[None, :]), values)
    return folded


def _distances(counts: np.ndarray, free: np.ndarray) -> np.ndarray:
    """1 minus the mean of the two rates at which two of the free classes are called each other, condensed."""
    from scipy.spatial.distance import squareform

    rate = np.nan_to_num(rates(counts, "actual"))[np.ix_(free, free)]
    distances = 1 - (rate + rate.T) / 2
    np.fill_diagonal(distances, 0)
    return squareform(distances, checks=False)


def _tree(distances: np.ndarray) -> np.ndarray:
    from scipy.cluster.hierarchy import linkage

    return linkage(distances, "average")
