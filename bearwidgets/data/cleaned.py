"""Take decisions into account without touching a file."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Protocol

import numpy as np

from bearwidgets.data.actions import DELETE, LEFT_OUT, RELABEL, UNSURE
from bearwidgets.data.split import SPLITS
from bearwidgets.errors import BadInputError, unknown_name

if TYPE_CHECKING:
    import pandas as pd


class HasDecisions(Protocol):
    """What `Dataset.cleaned` needs of a journal."""

    @property
    def decisions(self) -> pd.DataFrame:
        """Index id; columns path, content, action, new_label and seq (the larger, the newer)."""
        ...


def cleaned_table(table: pd.DataFrame, decisions: pd.DataFrame, exam: str) -> tuple[pd.DataFrame, list[str]]:
    """The table after the decisions, and notes on what that changed; see `ItemTable.cleaned`.

    A decision is about an item if the ids are equal, or both content and path; the newest one counts.

    Raises:
        BadInputError: `exam` is neither "frozen" nor "corrected".
    """
    if exam not in {"frozen", "corrected"}:
        raise BadInputError(unknown_name("kind of exam", exam, ["frozen", "corrected"]))
    actions, new_labels = _match(table, decisions)
    if exam == "frozen":
        actions[(table["split"] != "train").to_numpy()] = ""
    labels = table["label"].to_numpy(dtype=object)
    relabel = (actions == RELABEL) & (new_labels != labels)
    out = np.isin(actions, LEFT_OUT)
    cleaned = table.assign(label=np.where(relabel, new_labels, labels))[~out].reset_index(drop=True)
    return cleaned, _notes(table["split"].to_numpy(dtype=object), actions, relabel)


def _match(table: pd.DataFrame, decisions: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Action and new label for each row of the table, "" where there is none."""
    order = decisions.sort_values("seq")
    columns = (order[name].tolist() for name in ("content", "path", "seq", "action", "new_label"))
    by_id: dict[str, tuple[int, str, str]] = {}
    by_file: dict[tuple[str, str], tuple[int, str, str]] = {}
    for id_, content, path, seq, action, new_label in zip(order.index.tolist(), *columns, strict=True):
        by_id[id_] = by_file[content, path] = (seq, action, new_label)
    none = (-1, "", "")
    found = [
        max(by_id.get(id_, none), by_file.get((content, path), none), key=lambda each: each[0])
        for id_, content, path in zip(table["id"], table["content"], table["path"], strict=True)
    ]
    actions = np.array([action for _, action, _ in found], dtype=object)
    return actions, np.array([label for _, _, label in found], dtype=object)


def _notes(splits: np.ndarray, actions: np.ndarray, relabel: np.ndarray) -> list[str]:
    words = {DELETE: "deleted", UNSURE: "left out as unsure"}
    notes = []
    for split in SPLITS:
        here = splits == split
        counts = Counter(words[action] for action in actions[here] if action in words)
        counts["relabeled"] = int(relabel[here].sum())
        told = [f"{n} {word}" for word, n in sorted(counts.items()) if n]
        if told:
            notes.append(f"decisions taken into account in {split}: {', '.join(told)}")
    return notes
