"""Who lies in which fold: classes spread evenly, copies and groups kept together, the same for the same seed."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bearwidgets.data.dataset import Dataset
from bearwidgets.data.identity import hash_bytes
from bearwidgets.data.split import check_split, pieces
from bearwidgets.errors import BadInputError, and_more, check_whole, unknown_name

if TYPE_CHECKING:
    from collections.abc import Sequence

_SHOWN = 5


@dataclass(frozen=True)
class Folds:
    """The `n` folds of one data set, made by `draw`."""

    n: int
    splits: tuple[str, ...]  # whose items are folded
    seed: int
    notes: list[str]  # sentences on classes that are not held out in every fold
    _of: Mapping[str, int]  # content id to number
    _groups: Mapping[str, object]  # id to group

    @classmethod
    def draw(
        cls,
        ds: Dataset,
        n: int,
        *,
        splits: str | Sequence[str],
        groups: str | Mapping[str, object] | Sequence[object] | None,
        seed: int,
    ) -> Folds:
        """Draw folds; arguments and errors as in `cross_validate`."""
        if not isinstance(ds, Dataset):
            raise BadInputError(
                f"Folds are drawn from a Dataset, not from {type(ds).__name__}; of a learner take `learn.ds`."
            )
        splits = (splits,) if isinstance(splits, str) else tuple(splits)
        return cls(n, splits, seed, [], {}, groups_by_id(ds, groups)).redraw(ds)

    def redraw(self, ds: Dataset) -> Folds:
        """Folds of other items, drawn in the same way."""
        for split in self.splits:
            check_split(split, ds.table)
        table = ds.table[ds.table["split"].isin(self.splits)]
        content, labels = table["content"].tolist(), table["label"].tolist()
        groups = [self._groups.get(each) for each in table["id"]]
        fold = assign_folds(content, labels, self.n, groups=groups, seed=self.seed)
        notes = check_folds(fold, np.array(labels, dtype=object), self.n)
        return replace(self, notes=notes, _of=dict(zip(content, fold.tolist(), strict=True)))

    def seen(self, ds: Dataset) -> np.ndarray:
        """Number (n,) of the fold that holds an item with these bytes; -1 where no learner ever saw them."""
        return ds.table["content"].map(self._of).fillna(-1).to_numpy(dtype=np.int64)

    def numbers(self, ds: Dataset) -> np.ndarray:
        """Number (n,) of the fold that an item of `ds` is held out in; -1 where its split is not folded."""
        return np.where(ds.table["split"].isin(self.splits), self.seen(ds), -1)

    def data(self, ds: Dataset, number: int) -> Dataset:
        """What the learner of one fold gets: the fold as "valid", the others as "train", all other items as "test".

        No item is missing, so that every fold has the same classes and the same features.
        """
        fold = self.numbers(ds)
        split = np.where(fold < 0, "test", np.where(fold == number, "valid", "train"))
        table = ds.table.assign(split=split.astype(object))
        return ds.with_table(table)  # the exam to freeze is that of the data on disk


def assign_folds(
    content: Sequence[str],
    labels: Sequence[str],
    folds: int = 5,
    *,
    groups: Sequence[object] | None = None,
    seed: int = 0,
) -> np.ndarray:
    """Number (n,) int64 of the fold, 0 to folds - 1, that each item is held out in.

    Items with the same bytes (`content`) or of one group (None and NaN are none), and whatever these join in turn,
    are one piece. Pieces go, the largest first and else in the order of a hash of seed and content, into the fold
    that has the least share of their classes, then into the smallest. So no fold is empty, a class of n pieces is
    held out in at least min(n, folds) folds where a piece has one label, and neither names nor the order of files
    matter.

    Example:
        >>> assign_folds(["0a", "0b", "0b", "0c"], ["bear", "bear", "bear", "teddy"], folds=3).tolist()
        [1, 0, 0, 2]
    """
    check_whole("folds", folds, 2, like=", such as 5")
    members: dict[int, list[int]] = defaultdict(list)
    for row, piece in enumerate(pieces(content, groups).tolist()):
        members[piece].append(row)
    if folds > len(members):
        raise BadInputError(
            f"{folds} folds of {len(members)} different images or groups; allowed are 2 to {len(members)}."
        )
    names = {piece: min(content[row] for row in rows) for piece, rows in members.items()}
    rank = {piece: hash_bytes(f"{seed}:{name}".encode()) for piece, name in names.items()}
    of_class = Counter(labels)
    held: list[Counter[str]] = [Counter() for _ in range(folds)]
    n_held = [0] * folds
    fold_of = np.zeros(len(content), dtype=np.int64)
    for piece in sorted(members, key=lambda each: (-len(members[each]), rank[each])):
        its = [labels[row] for row in members[piece]]
        fold = min(
            range(folds),
            key=lambda each: (sum(held[each][label] / of_class[label] for label in set(its)), n_held[each]),
        )
        fold_of[members[piece]] = fold
        held[fold].update(its)
        n_held[fold] += len(its)
    return fold_of


def check_folds(fold: np.ndarray, labels: np.ndarray, folds: int) -> list[str]:
    """Sentences on classes that are not held out in every fold; a fold that would train on one class is an error."""
    present = pd.crosstab(labels, fold).reindex(columns=range(folds), fill_value=0)
    trained = present.sum(axis=1).to_numpy()[:, None] - present.to_numpy() > 0
    if (trained.sum(axis=0) < 2).any():
        counts = ", ".join(f"{label} {n}" for label, n in present.sum(axis=1).items())
        raise BadInputError(
            "A fold would be trained on fewer than two classes, for a class lies in one fold with all its images, "
            f"copies or groups ({counts}). Add images to it, or leave it out of the data set."
        )
    missing = (present == 0).sum(axis=1)
    told = [f"{label!r} in {n} of {folds}" for label, n in missing[missing > 0].items()]
    if not told:
        return []
    note = (
        f"Some folds hold no image of a class ({and_more(told, _SHOWN)}): it has fewer images, "
        "apart from copies and groups, than there are folds. The figures of the folds differ the more for it."
    )
    return [note]


def groups_by_id(
    ds: Dataset, groups: str | Mapping[str, object] | Sequence[object] | None
) -> dict[str, object]:
    """Group of each item by its id, None for an item that stands alone."""
    ids = ds.table["id"].tolist()
    if groups is None:
        return dict.fromkeys(ids)
    given: Any = groups
    if isinstance(given, str):
        if given not in ds.table:
            raise BadInputError(unknown_name("column", given, map(str, ds.table.columns), "in ds.table"))
        given = ds.table[given]
    if isinstance(given, pd.Series) and not given.index.equals(ds.table.index):
        given = given.to_dict()
    if isinstance(given, Mapping):
        paths = ds.table["path"].tolist()
        if not given.keys() & {*ids, *paths}:
            raise BadInputError(
                f"groups has {len(given)} keys, none of them an id or path of this data set; take these from "
                "ds.table."
            )
        return {id_: given.get(id_, given.get(path)) for id_, path in zip(ids, paths, strict=True)}
    values = list(given)
    if len(values) != len(ids):
        raise BadInputError(
            f"groups has {len(values)} values; allowed is one for each of the {len(ids)} rows of ds.table, or a "
            "mapping from id or path to the group."
        )
    return dict(zip(ids, values, strict=True))
