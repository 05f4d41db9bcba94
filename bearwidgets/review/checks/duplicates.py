"""Checks of copies: the same bytes, the same image, contradictory labels, copies across splits."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from bearwidgets.data.actions import KEEP
from bearwidgets.errors import and_more
from bearwidgets.review.checks.copies import SURE
from bearwidgets.review.checks.registry import CheckResult, check

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from bearwidgets.review.checks.inputs import CheckInputs

_SPLITS = {"train": "in the training split", "valid": "in the evaluation split", "test": "in the test split"}
_NEARLY = 0.999  # score of a copy that is not the same bytes, at most: those of the same bytes come first


@check(
    "contradictory_labels", title="Contradictory copies", needs=["image_stats"], certain=True, proposes=KEEP
)
def contradictory_labels(inputs: CheckInputs) -> CheckResult:
    """Copies that do not all have the same label: one at least is wrong, for certain where the bytes are the same."""
    return _differing(inputs, "label", "labeled {}".format)


@check("leakage", title="Copies across splits", needs=["image_stats"], certain=True, proposes=KEEP)
def leakage(inputs: CheckInputs) -> CheckResult:
    """Copies in two splits, of which the one that is not for training stays; certain where the bytes are the same."""
    return _differing(inputs, "split", _SPLITS.__getitem__)


@check("exact_duplicates", title="Exact duplicates", certain=True, proposes=KEEP)
def exact_duplicates(inputs: CheckInputs) -> CheckResult:
    """Files with the same bytes."""
    group = _same_bytes(inputs.table)
    flag = group >= 0
    keeper = _keepers(inputs, group)
    paths = inputs.table["path"].to_numpy()
    why = [""] * len(flag)
    for rows in _members(group):
        for row in rows:
            others = [paths[other] for other in rows if other != row]
            why[row] = f"An exact copy of {and_more(others, 3)}"
    note = _can_go(flag & ~keeper, "is an exact copy")
    return CheckResult(flag.astype(np.float64), flag, group=group, keeper=keeper, why=why, note=note)


@check("near_duplicates", title="Near-duplicates", needs=["image_stats"], proposes=KEEP)
def near_duplicates(inputs: CheckInputs) -> CheckResult:
    """Crops, resized, recompressed, mirrored or recolored copies; files with the same bytes take part once."""
    copies, n = inputs.copies, len(inputs.table)
    group = _components(n, copies.first, copies.second)
    score, why = np.zeros(n), [""] * n
    paths = inputs.table["path"].to_numpy()
    for first, second, similarity, how in zip(*copies, strict=True):
        for row, other in ((first, second), (second, first)):
            if similarity > score[row]:
                score[row] = similarity
                which = "This" if row == second else "The other"
                why[row] = f"The same image as {paths[other]}. {which} one is {how}"
    flag = group >= 0
    keeper = _keepers(inputs, group, inputs.image_stats["blur"])
    note = _can_go(flag & ~keeper, "shows the same as one that stays")
    return CheckResult(
        score.clip(0, 1), flag, inputs.threshold or SURE, group=group, keeper=keeper, why=why, note=note
    )


def _differing(inputs: CheckInputs, column: str, words: Callable[[str], str]) -> CheckResult:
    """Groups of copies that differ in a column, of which `words` says what a value means."""
    table, n = inputs.table, len(inputs.table)
    same, copies = _same_bytes(table), inputs.copies
    first, second = _linked(table["content"].to_numpy())
    every = _components(n, np.concatenate([first, copies.first]), np.concatenate([second, copies.second]))
    values, paths = table[column].to_numpy(), table["path"].to_numpy()
    near = np.zeros(n)
    for ends in (copies.first, copies.second):
        np.maximum.at(near, ends, copies.similarity)
    group, score, why, fact = np.full(n, -1), np.zeros(n), [""] * n, np.zeros(n, bool)
    for number, rows in enumerate(_members(every)):
        if len(set(values[rows])) < 2:
            continue
        group[rows] = number
        for row in rows:
            others = [other for other in rows if values[other] != values[row]]
            alike = [other for other in others if same[other] == same[row] >= 0]
            other = (alike or others)[0]
            what = "file" if alike else "image"
            why[row] = f"The same {what} as {paths[other]}, which is {words(values[other])}"
            fact[row] = bool(alike)
            score[row] = 1 if alike else min(near[rows].max(), _NEARLY)
    flag = group >= 0
    keeper = _keepers(inputs, group, inputs.image_stats["blur"])
    note = f"images whose copies differ in their {column}: {len(set(group[flag])):,}"
    return CheckResult(
        score, flag, inputs.threshold, group=group, keeper=keeper, why=why, note=note, fact=fact
    )


def _linked(contents: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each row with the first row of the same content."""
    _, first, number = np.unique(contents.astype(str), return_index=True, return_inverse=True)
    return first[number], np.arange(len(contents))


def _same_bytes(table: pd.DataFrame) -> np.ndarray:
    """(n,) group of the files with the same bytes, -1 for none."""
    return _components(len(table), *_linked(table["content"].to_numpy()))


def _components(n: int, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(n,) group of the rows that pairs link, numbered by their first rows; -1 for those without another."""
    links = coo_matrix((np.ones(len(first)), (first, second)), shape=(n, n))
    _, number = connected_components(links, directed=False)
    sizes = np.bincount(number, minlength=1)
    group = np.full(n, -1)
    several = sizes[number] > 1
    _, starts, again = np.unique(number[several], return_index=True, return_inverse=True)
    group[several] = np.argsort(np.argsort(starts))[again]
    return group


def _members(group: np.ndarray) -> list[np.ndarray]:
    """Rows of each group."""
    order = np.argsort(group, kind="stable")
    order = order[group[order] >= 0]
    return np.split(order, np.flatnonzero(np.diff(group[order])) + 1) if len(order) else []


def _keepers(inputs: CheckInputs, group: np.ndarray, blur: pd.Series | None = None) -> np.ndarray:
    """(n,) bool, the one of each group to stay; without `blur` where the bytes are the same.

    It has the label of the majority, then it is not for training (the evaluation split stays as it is), then it has
    the label that the predictions believe, then it is the largest, the sharpest, the first.
    """
    table = inputs.table
    labels, area = table["label"].to_numpy(), (table["width"] * table["height"]).to_numpy()
    exam, believed = (table["split"] != "train").to_numpy(), _believed(inputs)
    edges = np.zeros(len(table)) if blur is None else blur.fillna(np.inf).to_numpy()
    keeper = np.zeros(len(table), bool)
    for rows in _members(group):
        counts = Counter(labels[rows])
        most = max(counts.values())
        belief = {}
        if len(counts) > 1:
            belief = {label: believed[rows[labels[rows] == label]].mean() for label in counts}
        best = max(
            rows,
            key=lambda row: (
                counts[labels[row]] == most, exam[row], belief.get(labels[row], 0), area[row], -edges[row], -row
            ),
        )  # fmt: skip
        keeper[best] = True
    return keeper


def _believed(inputs: CheckInputs) -> np.ndarray:
    """(n,) probability that the predictions give to the label of each item; 0 where there are none."""
    if inputs.review is None:
        return np.zeros(len(inputs.table))
    return np.exp(-inputs.review.table["loss"].reindex(inputs.table["id"])).fillna(0).to_numpy()


def _can_go(rows: np.ndarray, why: str) -> str:
    n = int(rows.sum())
    return f"{n:,} files can go: each {why}" if n != 1 else f"1 file can go: it {why}"
