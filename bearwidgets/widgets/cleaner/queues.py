"""Queues of suspects in a grid: which items, in which order, what belongs together. No widget here."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pandas as pd

from bearwidgets.data.actions import DUPLICATE, LEFT_OUT, RELABEL
from bearwidgets.errors import BadInputError, shortened, unknown_name
from bearwidgets.widgets import protocol
from bearwidgets.widgets.cleaner.questions import (
    ACCEPT_SAYS,
    BITS,
    CHOSEN,
    KEEP_SAYS,
    LOOK_AGAIN,
    ONE,
    STANDS,
    TRIAGE,
    Tally,
    accepted_in,
    asked_by,
    bits_of,
)
from bearwidgets.widgets.protocol import Decision, Group

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bearwidgets.review.checks.triage import Looks

NO_GROUP = -1


class IssueSource(Protocol):
    """What a Cleaner needs to know of issues.

    There may be `findings` as well, by name of a queue, and `triage_after(decisions)`, see `Issues`.
    """

    def queues(self) -> Sequence[tuple[str, str, int, bool]]:
        """Name, title, number of flagged items, and whether a flag is a fact and no guess."""
        ...

    def queue(self, name: str) -> pd.DataFrame:
        """Its flagged items by id, the most suspect first, groups together: score, group, keeper, why."""
        ...


@dataclass(frozen=True)
class Queue:
    """One list of suspects."""

    name: str  # such as "near_duplicates"
    title: str  # what a person reads
    certain: bool  # a flag is a fact, not a guess
    rows: np.ndarray  # (m,) rows of `ds.table`, the most suspect first
    score: np.ndarray  # (m,) in [0, 1], higher is more suspect
    group: np.ndarray  # (m,) which belong together; -1 for none
    keeper: np.ndarray  # (m,) the one of its group that is proposed to stay
    why: list[str]  # a sentence for each, "" for none
    checks: Sequence[tuple[str, ...]] = ()  # (m,) why each is in a triage, the main reason first
    finding: str = ""  # a sentence where this is about the whole set and no list to work through

    @functools.cached_property
    def about(self) -> str:
        """What it asks, one of `actions.ABOUT`."""
        return asked_by(self.name, has_keepers=bool(self.keeper.any()))

    @functools.cached_property
    def accepts(self) -> str:
        """What Enter does, a key of `questions.ACCEPT_SAYS`."""
        return accepted_in(self.name, has_keepers=bool(self.keeper.any()))

    @functools.cached_property
    def copies(self) -> np.ndarray:
        """(m,) which are in a group of which one is enough, and proposed to stay."""
        return np.isin(self.group, self.group[self.keeper]) & (self.group != NO_GROUP)

    @functools.cached_property
    def asked(self) -> list[tuple[str, ...]]:
        """(m,) what each item is asked, some of `actions.ABOUT`: in a triage what each of its checks asks."""
        if not self.checks:
            return [(self.about,)] * len(self.rows)
        each = zip(self.copies, self.checks, strict=True)
        return [(DUPLICATE,) if copy else tuple(dict.fromkeys(map(asked_by, names))) for copy, names in each]

    def accepted(self, place: int) -> str:
        """What Enter does on the item at this place of the queue, a key of `questions.ACCEPT_SAYS`."""
        if not self.checks:
            return self.accepts
        return ONE if self.copies[place] else accepted_in(self.checks[place][0])

    def tally(self) -> Tally:
        """The count of its problems, all of which are left."""
        asked = np.array([bits_of(each) for each in self.asked], dtype=np.int64)
        if self.name == LOOK_AGAIN:
            asked[:] = STANDS
        return Tally(self.rows, asked, np.where(self.copies, self.group, NO_GROUP))

    @functools.cached_property
    def n_groups(self) -> int:
        """How many groups it has."""
        return len(np.unique(self.group[self.group != NO_GROUP]))


@dataclass(frozen=True)
class Groups:
    """Which items of a view belong together: the fields of `protocol.Group` as arrays (k,) in its order."""

    number: np.ndarray  # -1 for what is in none
    at: np.ndarray
    shown: np.ndarray  # 1 for what is in none
    size: np.ndarray
    keeper: np.ndarray
    differs: np.ndarray
    copies: np.ndarray

    def item(self, place: int, proposal: Decision | None) -> Group:
        """What a tile says of its group."""
        return Group(**{name: each[place].item() for name, each in vars(self).items()}, proposal=proposal)

    def same(self, which: np.ndarray) -> np.ndarray:
        """(k,) who is in a group of some of these (k,); none of them may be without one."""
        return np.isin(self.number, self.number[which])

    def firm(self, action: np.ndarray, answers: np.ndarray) -> np.ndarray:
        """(k,) who stays, as a person said: with a new label, or no duplicate, by action and answers in force."""
        said = ((answers & BITS[DUPLICATE]) != 0) | (action == RELABEL)
        return self.copies & said & ~np.isin(action, LEFT_OUT)

    def keepers_stay(
        self, which: np.ndarray, action: np.ndarray, answers: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Where the proposed one of each group stays: who is to be kept, and who is to go.

        What is decided is not decided again: where a copy is `firm` that one stays, and a group whose proposed one is
        to go is left alone. That a label is right says nothing about copies. `which` (k,) are in groups of copies.
        """
        firm = self.same(which) & self.firm(action, answers)
        undecided = self.same(which) & ~firm & ~np.isin(action, LEFT_OUT)
        stays = self.keeper & undecided & ~self.same(firm)
        return stays, self.same(stays | firm) & undecided & ~stays

    def runs(self) -> list[tuple[int, int]]:
        """How many stand together, from the first place on: pairs of a size and how often in a row it comes."""
        sizes = self.shown[self.at == 0]
        if not len(sizes):
            return []
        starts = np.flatnonzero(np.diff(sizes, prepend=0))
        times = np.diff(starts, append=len(sizes))
        return list(zip(sizes[starts].tolist(), times.tolist(), strict=True))


class Queues:
    """All queues, placed in one data set whose ids are `index`, with what is left of each."""

    def __init__(
        self, issues: IssueSource | None, index: pd.Index, chosen: Sequence[str] | None = None
    ) -> None:
        self._all: dict[str, Queue] = {}
        self.tallies: dict[str, Tally] = {}
        self._index = index
        self._issues = issues
        if issues is not None:
            if not hasattr(issues, "queues"):
                raise BadInputError(
                    f"issues are what bw.find_issues(…) gives, and not {type(issues).__name__}."
                )
            findings = getattr(issues, "findings", {})
            for name, title, _, certain in issues.queues():
                queue = _placed((name, title, certain), issues.queue(name), index)
                self._add(replace(queue, finding=findings.get(name, "")))
        self.choose(chosen)

    def rank_anew(self, decisions: pd.DataFrame, earlier: Looks | None = None) -> Queue | None:
        """Order the triage by what these decisions, and earlier looks, say of its checks; None without a triage.

        None of it is answered.
        """
        triage_after, known = getattr(self._issues, "triage_after", None), self._all.get(TRIAGE)
        if triage_after is None or known is None:
            return None
        looks = () if earlier is None else (earlier,)
        frame = triage_after(decisions, *looks)
        return self._add(_placed((TRIAGE, known.title, known.certain), frame, self._index))

    def choose(self, ids: Sequence[str] | None) -> Queue | None:
        """Have a queue of these items, each once, in this order, none of them answered; None takes it away."""
        frame = None if ids is None else pd.DataFrame(index=list(ids))
        return self._put(CHOSEN, "Chosen in the notebook", frame)

    def look_again(self, harmful: pd.DataFrame | None) -> Queue | None:
        """Have a queue of items whose decisions harm, by id with the reason as `why`; None takes it away."""
        return self._put(LOOK_AGAIN, "Look again", harmful)

    def _put(self, name: str, title: str, frame: pd.DataFrame | None) -> Queue | None:
        for each in (self._all, self.tallies):
            each.pop(name, None)
        return None if frame is None else self._add(_placed((name, title, True), frame, self._index))

    def _add(self, queue: Queue) -> Queue:
        self._all[queue.name] = queue
        self.tallies[queue.name] = queue.tally()
        return queue

    def __iter__(self) -> Iterator[Queue]:
        return iter(self._all.values())

    @property
    def names(self) -> list[str]:
        """The names of all queues."""
        return list(self._all)

    def get(self, name: str | None) -> Queue | None:
        """The queue of that name; None for None."""
        if name is None:
            return None
        if not self._all:
            raise BadInputError(
                f"There is no queue {shortened(name)}: this Cleaner has no issues; make it with "
                "Cleaner(source, issues=...)."
            )
        if name not in self._all:
            raise BadInputError(unknown_name("queue", name, self._all))
        return self._all[name]

    def count(self, rows: np.ndarray, answers: np.ndarray, stays: np.ndarray, sign: int) -> None:
        """Count these rows of the table in or out, as `Tally.count`."""
        for tally in self.tallies.values():
            tally.count(rows, answers, stays, sign)

    def message(self) -> list[protocol.Queue]:
        """Counts for the view: the triage and certain queues first, empty ones last."""
        listed = [
            protocol.Queue(
                name=name,
                title=each.title,
                certain=each.certain,
                total=len(each.rows),
                undecided=self.tallies[name].undecided,
                groups=each.n_groups,
                problems=self.tallies[name].problems,
                left=self.tallies[name].left,
                accept=ACCEPT_SAYS[each.accepts],
                keep=KEEP_SAYS[each.about],
                finding=each.finding,
            )
            for name, each in self._all.items()
        ]
        return sorted(listed, key=lambda each: (not each.total, each.name != TRIAGE, not each.certain))


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
        column("checks", "")[here].tolist() if "checks" in frame else (),
    )


def together(order: np.ndarray, queue: Queue, labels: np.ndarray) -> tuple[np.ndarray, Groups | None]:
    """An order (rows of the queue) in which each group stands where its first member stood, and the groups if any."""
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
    keepers, several = queue.rows[queue.keeper], number != NO_GROUP
    at = np.arange(len(order)) - starts[codes]
    keeper = np.isin(order, keepers) & several
    copies = np.isin(order, queue.rows[queue.copies]) & several
    return order, Groups(number, at, shown[codes], size, keeper, differs, copies)
