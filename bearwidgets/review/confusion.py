"""A confusion matrix as numbers: the ways to make one, and to fold classes that are confused into groups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bearwidgets.data.split import check_split
from bearwidgets.errors import BadInputError, shortened, unknown_name
from bearwidgets.review.inspect.blame import chance_wrong
from bearwidgets.review.inspect.counts import count_cells, name_key
from bearwidgets.review.inspect.given import (
    class_list,
    class_numbers,
    given_counts,
    given_labels,
    label_tables,
    plain_list,
    same_length,
)
from bearwidgets.review.inspect.groups import (
    Group,
    class_tree,
    fold_cells,
    folded_classes,
    found_groups,
    named_group,
)
from bearwidgets.review.inspect.matrix import Items, Matrix
from bearwidgets.review.review import Review

if TYPE_CHECKING:
    from collections.abc import Sequence

AS_DECIDED, AS_ON_DISK = "as decided", "as on disk"
LABELS = (AS_DECIDED, AS_ON_DISK)


@dataclass(frozen=True, eq=False)
class Confusion(Matrix):
    """How often each class is called each class; made by `of`, `from_counts` or `from_predictions`.

    It takes memory for its cells and one pair of class numbers an item; which items a cell holds is found on demand.

    Attributes:
        classes: names of the rows and columns.
        counts: (classes, classes) int64; rows are the labels, columns the predicted ones.
        label_wrong: (classes, classes), how many labels of each cell are expected to be wrong; see `of`. None where
            nothing is known of that.
        labels: which labels count, in words.
        split: whose items are counted; None for all.
        items: the items, or None where only counts were given.
        groups: what is folded; see `fold`.
        whole: the matrix before it was folded, or None.

    Example:
        >>> confusion = Confusion.from_predictions(["black", "grizzly", "grizzly"], ["black", "black", "grizzly"])
        >>> confusion.sentence("grizzly", "black")
        '1 of 2 grizzly called black (50 %)'
    """

    groups: tuple[Group, ...] = ()
    whole: Confusion | None = None

    @classmethod
    def of(
        cls,
        review: Review,
        split: str | None = None,
        *,
        labels: str = AS_DECIDED,
        decisions: pd.DataFrame | None = None,
        ids: Any = None,
    ) -> Confusion:
        """The matrix of a review: the same numbers as `Review.confusion_matrix` and `Review.most_confused`.

        `label_wrong` is the sum, over the images of a cell, of the chance that the label is wrong: the score
        `label_issue`, which ranks, moved so that it sums over the review to the number of labels that confident
        learning counts as wrong and that are likely wrong (`scores.likely_wrong`). It is an estimate: near the
        truth for a model that is good and knows how sure it is, and too many by some for one that is weak or too sure
        of itself. What a person decided stands for itself: an image relabeled to the label that counts, or kept with
        that label, has a right one, and one relabeled to another has a wrong one. Images to delete keep their score,
        for their label may be right.

        Args:
            review: with a table of items and probabilities.
            split: "train", "valid" or "test"; None for all items.
            labels: "as decided", those of the review's table, or "as on disk", which are the same without a data set.
                Classes that are only on disk come last.
            decisions: those in force, as `Journal.decisions`. What the review was trained with is known without.
            ids: a list or array of the items that are counted; None for all. Others than the review's do not count.

        Raises:
            BadInputError: no review, no such split, another word for the labels, or decisions that are no table.

        Example:
            >>> Confusion.of(review).total == len(review.table)
            True
        """
        if not isinstance(review, Review):
            raise BadInputError(
                f"A confusion matrix needs predictions, a bw.Review, not {type(review).__name__}. Train, then give "
                "bw.Review(learn); for counts or labels alone use Confusion.from_counts or from_predictions."
            )
        if labels not in LABELS:
            raise BadInputError(unknown_name("kind of labels", labels, LABELS))
        if split is not None:
            check_split(split, review.table, "in this review")
        table, on_disk = review.table, review.labels_on_disk
        actual = table.label if labels == AS_DECIDED else on_disk
        classes = [*review.classes, *sorted({*actual.unique()} - {*review.classes}, key=name_key)]
        here = np.ones(len(table), dtype=bool) if split is None else (table.split == split).to_numpy()
        if ids is not None:
            here &= table.index.isin(ids)
        chance = chance_wrong(review.likely_wrong()[1], actual, table.label, on_disk, decisions)[here]
        codes = [class_numbers(pd.Index(each[here]), classes) for each in (actual, table.predicted)]
        wrong = np.bincount(codes[0].astype(np.int64) * len(classes) + codes[1], chance, len(classes) ** 2)
        return cls(
            tuple(classes),
            count_cells(*codes, len(classes)),
            wrong.reshape(len(classes), -1),
            review.labels if labels == AS_DECIDED or review.ds is None else f"labels {AS_ON_DISK}",
            split,
            Items(table.index.to_numpy(dtype=object)[here], *codes),
        )

    @classmethod
    def from_counts(cls, matrix: Any, classes: Any = None) -> Confusion:
        """A matrix that was counted elsewhere, such as by `sklearn.metrics.confusion_matrix`.

        Args:
            matrix: (classes, classes), counts; rows are the labels, columns the predicted ones. A DataFrame with the
                names of the classes, or an array.
            classes: names of the rows of an array.

        Raises:
            BadInputError: not square, no counts, or names that do not fit.

        Example:
            >>> Confusion.from_counts([[8, 2], [1, 9]], ["black", "teddy"]).sentence("black", "teddy", "predicted")
            '2 of 11 called teddy are black (18 %)'
        """
        names, values = given_counts(matrix, classes)
        return cls(tuple(names), values)

    @classmethod
    def from_predictions(
        cls, actual: Any, predicted: Any, classes: Any = None, *, ids: Any = None
    ) -> Confusion:
        """A matrix of labels and predicted labels, one of each for each item; no images are needed.

        Args:
            actual: (n,) names or numbers of classes.
            predicted: (n,) the same.
            classes: names in the order of the rows; without, all names that come up, sorted.
            ids: (n,) names of the items, by which two matrices are compared; see `ConfusionDifference`.

        Raises:
            BadInputError: nothing given, lists that do not fit together, a label that is missing or no class.

        Example:
            >>> Confusion.from_predictions([0, 1, 1], [0, 0, 1]).counts.tolist()
            [[1, 0], [1, 1]]
        """
        texts = given_labels(actual, "actual"), given_labels(predicted, "predicted")
        same_length(*texts, "actual and predicted")
        if classes is None and not texts[0]:
            raise BadInputError("There are no predictions; give a label and a predicted label for each item.")
        names = class_list(sorted({*texts[0], *texts[1]}, key=name_key) if classes is None else classes)
        codes = [class_numbers(pd.Index(each), names) for each in texts]
        named = None
        if ids is not None:
            named = np.array(plain_list(ids, "ids"), dtype=object)
            same_length(named, texts[0], "ids and actual")
            if pd.Index(named).has_duplicates:
                twice = named[pd.Index(named).duplicated()][0]
                raise BadInputError(
                    f"The id {shortened(twice)} stands twice in ids; each item needs its own."
                )
        return cls(tuple(names), count_cells(*codes, len(names)), items=Items(named, *codes))

    @classmethod
    def by_label(cls, actual: Any, predicted: Any, classes: Any = None) -> dict[str, Confusion]:
        """A matrix of two classes for each label, "not dog" and "dog", where an item has several labels or none.

        Args:
            actual: (n, labels) of 0 and 1, an array or a DataFrame; or a list of the labels of each item.
            predicted: the same.
            classes: names of the columns, which an array needs.

        Raises:
            BadInputError: shapes or names that do not fit together, or other values.

        Example:
            >>> found = Confusion.by_label([["dog", "ball"], []], [["dog"], ["dog"]])
            >>> found["dog"].counts.tolist()
            [[0, 1], [0, 1]]
        """
        names, has, given = label_tables(actual, predicted, classes)
        both, has_n, given_n = ((each.sum(0)) for each in (has & given, has, given))
        neither = len(has) - has_n - given_n + both
        cells = np.stack([neither, given_n - both, has_n - both, both], axis=1).reshape(-1, 2, 2)
        return {name: cls((f"not {name}", name), cell) for name, cell in zip(names, cells, strict=True)}

    def find_groups(self, keep: Sequence[Group] = ()) -> tuple[Group, ...]:
        """Groups of classes that are confused with each other, see `inspect.groups.found_groups`, pinned ones first.

        Args:
            keep: groups of before; those that are pinned stay, with the classes that are still there.
        """
        whole = self.whole or self
        left = (set(group.members) & set(whole.classes) for group in keep)
        kept = [
            Group(group.name, tuple(name for name in group.members if name in members), pinned=True)
            for group, members in zip(keep, left, strict=True)
            if group.pinned and members
        ]
        held = {name for group in kept for name in group.members}
        free = np.array(
            [number for number, name in enumerate(whole.classes) if name not in held], dtype=np.int64
        )
        taken = {*whole.classes, *(group.name for group in kept)}
        tree = class_tree(whole.counts, free) if held else whole.tree
        for members in found_groups(whole.counts, free, tree):
            kept.append(named_group(members, whole.counts, whole.classes, taken))
            taken.add(kept[-1].name)
        return tuple(kept)

    def fold(self, groups: Sequence[Group] | None = None) -> Confusion:
        """The matrix with each group as one class, whose counts are sums; `whole` is the one that was folded.

        A matrix that is folded already is folded anew: only the groups that are given count. Mistakes within a group
        stand on its diagonal.

        Args:
            groups: without, those of `find_groups`.

        Raises:
            BadInputError: groups that overlap, or names that are unknown or taken.

        Example:
            >>> confusion = Confusion.from_counts([[6, 4, 0], [3, 7, 0], [0, 1, 9]], ["black", "grizzly", "teddy"])
            >>> folded = confusion.fold([Group("real", ("black", "grizzly"))])
            >>> folded.counts.tolist(), folded.unfold("real") is confusion
            ([[20, 0], [1, 9]], True)
        """
        whole = self.whole or self
        groups = whole.find_groups() if groups is None else tuple(groups)
        if not groups:
            return whole
        names, number = folded_classes(whole.classes, groups)
        return Confusion(
            tuple(names),
            fold_cells(whole.counts, number),
            None if whole.label_wrong is None else fold_cells(whole.label_wrong, number),
            whole.labels,
            whole.split,
            whole.items and whole.items.onto(number),
            groups,
            whole,
        )

    def unfold(self, name: str) -> Confusion:
        """The matrix with one group opened, and the others folded as they are.

        Raises:
            BadInputError: no such group.
        """
        if name not in (known := [group.name for group in self.groups]):
            raise BadInputError(unknown_name("group", name, known, "in this matrix"))
        return self.fold([group for group in self.groups if group.name != name])
