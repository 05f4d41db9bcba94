"""Queues of suspects in a grid: which items, in which order, what belongs together. No widget here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pandas as pd

from bearwidgets.errors import BadInputError, unknown_name

if TYPE_CHECKING:
    from collections.abc import Sequence

NO_GROUP = -1


class IssueSource(Protocol):
    """What a Cleaner needs to know of issues."""

    def queues(self) -> Sequence[tuple[str, str, int, bool]]:
        """Name, title, number of flagged items, and whether a flag is a fact and no guess."""
        ...

    def queue(self, name: str) -> pd.DataFrame:
        """Its flagged items by id, the most suspect first, groups together: score, group, keeper, why."""
        ...


@dataclass(frozen=True)
class Queue:
    """One list of suspects.

    Attributes:
        name: such as "near_duplicates".
        title: what a person reads.
        certain: a flag is a fact, not a guess.
        rows: (m,) rows of `ds.table`, the most suspect first.
        score: (m,) in [0, 1], higher is more suspect.
        group: (m,) which belong together; -1 for none.
        keeper: (m,) the one of its group that is proposed to stay.
        why: a sentence for each, "" for none.
    """

    name: str
    title: str
    certain: bool
    rows: np.ndarray
    score: np.ndarray
    group: np.ndarray
    keeper: np.ndarray
    why: list[str]


@dataclass(frozen=True)
class Groups:
    """Which items of a view belong together; arrays in the order of the view.

    Attributes:
        number: (k,) the group; -1 for none.
        at: (k,) place in the group, as far as the view shows it.
        shown: (k,) how many of the group the view shows; 1 for what is in none.
        size: (k,) how many the group has.
        keeper: (k,) the one that is proposed to stay.
        differs: (k,) whether labels in the group contradict each other.
        copies: (k,) whether one of the group is proposed to stay: they show the same, and one is enough.
    """

    number: np.ndarray
    at: np.ndarray
    shown: np.ndarray
    size: np.ndarray
    keeper: np.ndarray
    differs: np.ndarray
    copies: np.ndarray

    def item(self, place: int) -> dict[str, Any] | None:
        """What a tile says of its group; None for an item in none."""
        if self.number[place] == NO_GROUP:
            return None
        names = ("number", "at", "shown", "size", "keeper", "differs", "copies")
        return {name: getattr(self, name)[place].item() for name in names}

    def runs(self) -> list[list[int]]:
        """How many stand together, from the first place on: pairs of a size and how often in a row it comes."""
        sizes = self.shown[self.at == 0]
        if not len(sizes):
            return []
        starts = np.flatnonzero(np.diff(sizes, prepend=0))
        return np.stack([sizes[starts], np.diff(starts, append=len(sizes))], 1).tolist()


class Queues:
    """All queues, placed in one data set.

    Args:
        issues: where they come from, or None.
        index: ids of the items, in the order of `ds.table`.
    """

    def __init__(self, issues: IssueSource | None, index: pd.Index) -> None:
        self._all: dict[str, Queue] = {}
        if issues is not None:
            if not hasattr(issues, "queues"):
                raise BadInputError(
                    f"issues are what bw.find_issues(…) gives, and not {type(issues).__name__}."
                )
            for name, title, _, certain in issues.queues():
                self._all[name] = _placed((name, title, certain), issues.queue(name), index)

    def __contains__(self, name: object) -> bool:
        return name in self._all

    def get(self, name: str | None) -> Queue | None:
        """The queue of that name; None for None.

        Raises:
            BadInputError: there is no such queue.
        """
        if name is None:
            return None
        if not self._all:
            raise BadInputError(
                f"There is no queue {name!r}: this Cleaner has no issues; make it with Cleaner(source, issues=...)."
            )
        if name not in self._all:
            raise BadInputError(unknown_name("queue", name, self._all))
        return self._all[name]

    def message(self, undecided: np.ndarray) -> list[dict[str, Any]]:
        """Counts for the view: certain queues first, empty ones last.

        Args:
            undecided: (n,) which rows of the table have no decision.
        """
        listed = [
            {
                "name": queue.name,
                "title": queue.title,
                "certain": queue.certain,
                "total": len(queue.rows),
                "undecided": int(undecided[queue.rows].sum()),
                "groups": len(np.unique(queue.group[queue.group != NO_GROUP])),
            }
            for queue in self._all.values()
        ]
        return sorted(listed, key=lambda each: (not each["total"], not each["certain"]))


def _placed(entry: tuple[str, str, bool], frame: pd.DataFrame, index: pd.Index) -> Queue:
    """A queue whose items are known by their rows; those that are gone are left out, and who is alone since."""

    def column(wanted: str, otherwise: Any) -> pd.Series:
        return frame[wanted].fillna(otherwise) if wanted in frame else pd.Series(otherwise, frame.index)

    rows = index.get_indexer(frame.index)
    group = column("group", NO_GROUP).to_numpy(dtype=np.int64)
    here = rows >= 0
    had, has = (pd.Series(group).map(pd.Series(each).value_counts()) for each in (group, group[here]))
    here &= ~((group != NO_GROUP) & (had > 1) & ~(has > 1)).to_numpy()
    return Queue(
        *entry,
        rows[here],
        column("score", 1.0).to_numpy(dtype=np.float64)[here],
        group[here],
        column("keeper", False).to_numpy(dtype=bool)[here],
        column("why", "")[here].astype(str).tolist(),
    )


def together(order: np.ndarray, queue: Queue, labels: np.ndarray) -> tuple[np.ndarray, Groups | None]:
    """An order in which no group is torn apart: each stands where its first member stood.

    Args:
        order: rows of the queue that are shown.
        queue: with or without groups.
        labels: (n,) of all rows.

    Returns:
        The order, and the groups; None for a queue without any.
    """
    members = pd.Series(queue.group, index=queue.rows)
    members = members[members.map(members.value_counts()) > 1]
    members = members[members != NO_GROUP]
    if members.empty:
        return order, None
    number = members.reindex(order, fill_value=NO_GROUP).to_numpy()
    alone = number == NO_GROUP
    codes = pd.factorize(np.where(alone, NO_GROUP - 1 - np.arange(len(order)), number))[0]
    moved = np.argsort(codes, kind="stable")
    order, number, codes = order[moved], number[moved], codes[moved]
    shown = np.bincount(codes)
    starts = np.cumsum(shown) - shown
    per_group = pd.DataFrame({"size": members, "label": labels[members.index]}).groupby(members.to_numpy())
    size = per_group.size().reindex(number, fill_value=1).to_numpy()
    differs = (per_group.label.min() != per_group.label.max()).reindex(number, fill_value=False).to_numpy()
    keepers = queue.rows[queue.keeper]
    at = np.arange(len(order)) - starts[codes]
    keeper = np.isin(order, keepers) & (number != NO_GROUP)
    copies = np.isin(number, queue.group[queue.keeper]) & (number != NO_GROUP)
    return order, Groups(number, at, shown[codes], size, keeper, differs, copies)
