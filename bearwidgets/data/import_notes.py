"""What deserves a look in a table of items, in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bearwidgets.errors import and_more
from bearwidgets.safe_text import folded, has_unseen, look_of

if TYPE_CHECKING:
    import pandas as pd

_SHOWN = 5


def notes_on(table: pd.DataFrame) -> list[str]:
    """Sentences on classes, names, copies and split of a `Dataset.table`; empty if all is well."""
    return [*_on_classes(table), *_on_names(table), *_on_copies(table), *_on_split(table), *_on_groups(table)]


def _on_classes(table: pd.DataFrame) -> list[str]:
    counts = table["label"].value_counts()
    notes = []
    if len(counts) == 1:
        notes.append(f"only one class, {counts.index[0]!r}: a classifier needs at least two")
    single = sorted(counts.index[counts == 1])
    if single:
        notes.append(f"one image only in {_listed(single)}: it stays in train, so the class is not examined")
    labels = counts.index.to_series()
    unseen = sorted(label for label in labels if has_unseen(label))
    if unseen:
        notes.append(f"in the name of {_listed(unseen)} are characters that cannot be seen: rename it")
    return notes + [
        f"the classes {_listed(sorted(alike))} differ only in case, in how accents are encoded or in what is not seen"
        for _, alike in labels.groupby(labels.map(look_of), sort=False)
        if len(alike) > 1
    ]


def _on_names(table: pd.DataFrame) -> list[str]:
    names = [folded(path) for path in table["path"]]
    n = len(names) - len(set(names))
    if not n:
        return []
    return [f"{n} paths differ from another only in case: a Windows or macOS disk would keep one of them"]


def _on_copies(table: pd.DataFrame) -> list[str]:
    copies = table[table["content"].duplicated(keep=False)]
    if copies.empty:
        return []
    notes = [f"{len(copies)} images are byte-identical copies, in {copies['content'].nunique()} groups"]
    under_two = _n_in_several(copies, "content", "label")
    if under_two:
        notes.append(f"{under_two} of these groups lie under two or more labels")
    torn = _n_in_several(copies, "content", "split")
    if torn:
        notes.append(f"{torn} of these groups lie in two splits: the scores on valid or test look too good")
    return notes


def _on_groups(table: pd.DataFrame) -> list[str]:
    torn = _n_in_several(table, "group", "split") if "group" in table else 0
    if not torn:
        return []
    return [f"{torn} groups lie in two or more splits: the scores on valid or test look too good"]


def _n_in_several(table: pd.DataFrame, of: str, column: str) -> int:
    """How many values of one column have more than one value in another."""
    pairs = table[[of, column]].dropna().drop_duplicates()
    return len(set(pairs[of][pairs[of].duplicated()]))


def _on_split(table: pd.DataFrame) -> list[str]:
    notes = []
    if not (table["split"] == "valid").any():
        notes.append("no image is in valid: nothing can be measured")
    trained = set(table["label"][table["split"] == "train"])
    lost = sorted(set(table["label"]) - trained)
    if lost:
        notes.append(f"no image to train on in {_listed(lost)}")
    return notes


def _listed(names: list[str]) -> str:
    return and_more([repr(name) for name in names], _SHOWN)
