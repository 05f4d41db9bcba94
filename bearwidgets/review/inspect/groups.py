"""In which order classes stand, and which are confused so often that they make a group."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bearwidgets.errors import BadInputError, and_more, shortened, unknown_name
from bearwidgets.review.inspect.counts import mistakes_only, name_key, rates

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

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


class Tree(NamedTuple):
    """Classes joined by how often they are confused: distances between them, condensed, and SciPy's linkage."""

    distances: np.ndarray
    joins: np.ndarray


def class_order(
    counts: np.ndarray, classes: Sequence[str], by: str, tree: Callable[[], Tree | None]
) -> np.ndarray:
    """Class numbers (classes,) in an order: one of `ORDERS`; see `Confusion.order`. `tree` is that of all classes.

    Raises:
        BadInputError: There is no such order.
    """
    if by == "name":
        return np.array(sorted(range(len(classes)), key=lambda number: name_key(classes[number])))
    if by == "similarity":
        return similarity_order(len(counts), tree())
    mistakes = mistakes_only(counts)
    keys = {"size": counts.sum(1), "most confused": mistakes.sum(0) + mistakes.sum(1)}
    if by not in keys:
        raise BadInputError(unknown_name("order", by, ORDERS))
    return np.argsort(-keys[by], kind="stable")


def similarity_order(n: int, tree: Tree | None) -> np.ndarray:
    """Class numbers (classes,), classes that are confused with each other beside each other.

    The order of the leaves of the tree that `found_groups` cuts; up to `MOST_ORDERED` classes the one with the
    smallest distances between neighbors (Bar-Joseph, Gifford and Jaakkola, "Fast optimal leaf ordering for
    hierarchical clustering", 2001).
    """
    from scipy.cluster.hierarchy import leaves_list, optimal_leaf_ordering

    if tree is None:
        return np.arange(n)
    joins = optimal_leaf_ordering(tree.joins, tree.distances) if n <= MOST_ORDERED else tree.joins
    return leaves_list(joins).astype(np.int64)


def found_groups(counts: np.ndarray, free: np.ndarray, tree: Tree | None) -> list[np.ndarray]:
    """Class numbers, sorted, of each group of two or more classes, found from the confusion of the `free` ones.

    `tree` is that of the free ones, see `class_tree`. From its leaves up, two parts are joined where their classes
    are called each other at least `LIFT` times as often as if all mistakes were spread evenly over the classes, and
    more often than chance would do that for any pair of classes (Poisson, at `LEVEL`, with Bonferroni's correction
    for the number of pairs).
    """
    from scipy.special import pdtrc

    n = len(counts)
    if tree is None:
        return []
    mistakes, support = mistakes_only(counts), counts.sum(1)
    # How likely an item is to be called one certain other class, if all are as likely.
    evenly = mistakes.sum() / max(1, support.sum()) / (n - 1)
    seen = (mistakes + mistakes.T)[np.ix_(free, free)]  # between parts, each in the place of its first class
    size, weight = np.ones(len(free), dtype=np.int64), support[free]
    parts = {number: (number, free[[number]]) for number in range(len(free))}
    for step, (first, second, *_) in enumerate(tree.joins):
        if first not in parts or second not in parts:
            continue
        (one, members), (other, more) = parts[int(first)], parts[int(second)]
        expected = evenly * (weight[one] * size[other] + weight[other] * size[one])
        often = seen[one, other] >= LIFT * expected > 0
        if often and pdtrc(seen[one, other] - 1, expected) <= LEVEL / (n * (n - 1) / 2):
            parts[len(free) + step] = one, np.concatenate([members, more])
            del parts[int(first)], parts[int(second)]
            seen[one] += seen[other]
            seen[:, one] += seen[:, other]
            size[one] += size[other]
            weight[one] += weight[other]
    return sorted((np.sort(part) for _, part in parts.values() if len(part) > 1), key=lambda part: part[0])


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


def class_tree(counts: np.ndarray, free: np.ndarray) -> Tree | None:
    """The tree of the free classes by average linkage.

    The distance of two is 1 minus the mean of the two rates at which they are called each other.

    None where there is too little to join: fewer than three classes, or fewer than two free ones.
    """
    from scipy.cluster.hierarchy import linkage
    from scipy.spatial.distance import squareform

    if len(counts) < 3 or len(free) < 2:
        return None
    rate = np.nan_to_num(rates(counts, "actual"))[np.ix_(free, free)]
    distances = 1 - (rate + rate.T) / 2
    np.fill_diagonal(distances, 0)
    condensed = squareform(distances, checks=False)
    return Tree(condensed, linkage(condensed, "average"))
