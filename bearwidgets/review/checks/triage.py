"""Triage: one list over all checks, the image first of which a look most likely changes something."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from bearwidgets.data.actions import CHANGING, DELETE, DUPLICATE, KEEP, LABEL, RELABEL, verb
from bearwidgets.figures import percent
from bearwidgets.review.ranking import any_of, chance_of_change

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bearwidgets.review.checks.registry import Check, CheckResult

    Results = Mapping[str, tuple[Check, CheckResult]]

NAME, TITLE = "triage", "Review first"
LEAST = 0.25
"""Probability, before any decision, from which an item is listed that no check flags."""
WHOLE_SET = 0.3  # share of flagged items from which a check tells of the set, and not of single items
_A_FEW = 10  # flagged items, up to which they are looked at one by one all the same
_FACT = 0.999
# How often a look at a flagged item changes something, where the check has no score that says so.
_PAYS = {KEEP: 0.9, DELETE: 0.5, RELABEL: 0.5, "": 0.15}


class Looks(NamedTuple):
    """Looks that were taken, one a row by id.

    Attributes:
        said: a column for each check: what it took for the probability that the look changes something; NaN where it
            said nothing, or where the look changed nothing and did not speak of it.
        changed: whether it changed something.
    """

    said: pd.DataFrame
    changed: pd.Series

    def and_before(self, earlier: Looks | None) -> Looks:
        """These and those of before."""
        return self if earlier is None else Looks(*map(pd.concat, zip(earlier, self, strict=True)))

    def without(self, ids: Iterable[str]) -> Looks:
        """All but those at these items."""
        stay = ~self.changed.index.isin(list(ids))
        return Looks(self.said[stay], self.changed[stay])


def facts(check: Check, result: CheckResult) -> np.ndarray:
    """(n,) bool, of which items the check is certain."""
    return result.flag & (check.certain if result.fact is None else result.fact)


def finding(check: Check, result: CheckResult) -> str:
    """What a check found out about the data set as a whole, in one sentence; "" where it lists single items."""
    flagged, n = int(result.flag.sum()), len(result.flag)
    common = check.proposes in (DELETE, "") and flagged > max(_A_FEW, WHOLE_SET * n)
    if not flagged or facts(check, result).any() or not (check.about_set or common):
        return ""
    said = f"{check.title}: {flagged:,} of {n:,} images"
    return f"{said} ({result.note})" if result.note else said


def proposals(check: Check, result: CheckResult, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What a check proposes for each item: action (n,), "" for none, and new label (n,), None but for a relabel."""
    action = np.full(len(labels), check.proposes, dtype=object)
    new_label = np.full(len(labels), None, dtype=object)
    if check.proposes == KEEP and result.keeper is not None:
        action[~result.keeper] = DELETE
    if check.proposes == RELABEL and result.new_label is not None:
        other = pd.notna(result.new_label) & (result.new_label != labels)
        new_label[other] = result.new_label[other]
        action[~other] = KEEP
    return action, new_label


def proposed(row: pd.Series) -> str:
    """What is proposed for a row of a queue, in the words of the Cleaner; "" where a person has to think."""
    return verb(row.proposal, row.new_label, DUPLICATE if row.group >= 0 else LABEL)


def looks_of(items: pd.DataFrame, results: Results, decisions: pd.DataFrame) -> Looks:
    """The looks that ended in these decisions (by id: action), a group of copies being one look.

    A relabel to the label that the checks know already is none: what they said of the label before is not known.
    """
    said = np.array([_said(*each) for each in results.values()]).reshape(len(results), len(items)).T
    if "new_label" in decisions:
        corrected = items.label.reindex(decisions.index) == decisions.new_label
        decisions = decisions[~((decisions.action == RELABEL) & corrected)]
    changed, abouts = _looks(items.index, decisions, _copies(results, len(items))[0])
    for row, about in abouts.items():
        if not changed[row]:
            said[row, [check.asks not in about for check, _ in results.values()]] = np.nan
    taken, names = ~np.isnan(changed), list(results)
    return Looks(pd.DataFrame(said, items.index, names)[taken], pd.Series(changed == 1, items.index)[taken])


def triage(items: pd.DataFrame, results: Results, looks: Looks | None = None) -> pd.DataFrame:
    """The list, see `Issues.triage`; what `looks` say of the checks is learned.

    An item without a check that flags it is listed where it is likely to be changed all the same.
    """
    listed = {name: each for name, each in results.items() if not finding(*each)}
    rows = np.arange(len(items))
    group, keeper = _copies(listed, len(items))
    if not listed:
        return _frame(items, rows[:0], {}, group, keeper, np.zeros((len(items), 0)))
    said = np.stack([_said(*each) for each in listed.values()], axis=1)
    slopes = np.array([result.chance is not None for _, result in listed.values()])
    taken = Looks(pd.DataFrame(), pd.Series(dtype=bool)) if looks is None else looks
    spoken = taken.said.reindex(columns=list(listed)).to_numpy(dtype=np.float64)
    chances = chance_of_change(said, spoken, taken.changed.to_numpy(dtype=bool), learn_slope=slopes)
    flagged = np.any([result.flag for _, result in listed.values()], axis=0)
    likely = any_of(np.nan_to_num(said)) >= LEAST
    chance = any_of(chances)
    score = np.stack([np.nan_to_num(result.score) for _, result in listed.values()], axis=1)
    each = pd.DataFrame({"chance": chance, "score": score[rows, chances.argmax(1)]})
    together = np.where(group < 0, len(items) + rows, group)
    worst = each.groupby(together).transform("max").to_numpy()
    order = np.lexsort([~keeper, together, *-worst.T[::-1]])
    # as many as were likely before: what is learned from the most suspect ones would make all others likely
    others = np.cumsum(~flagged[order]) <= (likely & ~flagged).sum()
    return _frame(items, order[flagged[order] | others], listed, group, keeper, chances)


def _frame(
    items: pd.DataFrame,
    rows: np.ndarray,
    listed: Results,
    group: np.ndarray,
    keeper: np.ndarray,
    chances: np.ndarray,
) -> pd.DataFrame:
    """The table of these rows, in this order."""
    chance = any_of(chances)
    labels = items.label.to_numpy()
    proposed = [proposals(*each, labels) for each in listed.values()]
    names = list(listed)
    found = []
    for row in rows.tolist():
        reasons = _reasons(listed, chances[row], row)
        main = reasons[0]
        action, new_label = (each[row] for each in proposed[main])
        copy = group[row] >= 0
        found.append(
            {
                "score": chance[row],
                "check": names[main],
                "checks": tuple(names[each] for each in reasons),
                "proposal": (KEEP if keeper[row] else DELETE) if copy else action,
                "new_label": None if copy else new_label,
                "group": group[row],
                "keeper": keeper[row],
                "why": ". Also: ".join(filter(None, (_why(listed[names[each]], row) for each in reasons))),
            }
        )
    columns = ["score", "check", "checks", "proposal", "new_label", "group", "keeper", "why"]
    frame = pd.DataFrame(found, columns=columns, index=items.index[rows])
    frame["new_label"] = pd.Series([each["new_label"] for each in found], index=frame.index, dtype=object)
    return items.iloc[rows].join(frame)


def _reasons(listed: Results, chances: np.ndarray, row: int) -> list[int]:
    """Numbers of the checks that flag an item, the likeliest reason first; the likeliest one where none does."""
    flagged = np.array([result.flag[row] for _, result in listed.values()])
    order = np.argsort(-chances, kind="stable")
    return order[flagged[order]].tolist() or order[:1].tolist()


def _why(checked: tuple[Check, CheckResult], row: int) -> str:
    check, result = checked
    said = result.why[row] if len(result.why) else ""
    if said or result.flag[row]:
        return said or check.title
    return f"{check.title}: nearly ({percent(result.score[row])} of {percent(result.threshold or 1)})"


def _said(check: Check, result: CheckResult) -> np.ndarray:
    """(n,) what a check takes for the probability that a look changes something; NaN where it says nothing."""
    said = np.where(result.flag, _PAYS[check.proposes], np.nan) if result.chance is None else result.chance
    return np.where(facts(check, result), _FACT, np.minimum(said, 0.95))


def _looks(
    index: pd.Index, decisions: pd.DataFrame, group: np.ndarray
) -> tuple[np.ndarray, dict[int, tuple[str, ...]]]:
    """What each look brought, a group being one look, and by row what those answered that did not answer all.

    The first is (n,) 1.0 where it changed something, 0.0 where not, NaN where there was none.
    """
    action = decisions.action.reindex(index)
    changed = action.isin(CHANGING).astype(float).where(action.isin((*CHANGING, KEEP)))
    together = np.where(group >= 0, group, -1 - np.arange(len(index)))
    about = decisions.about if "about" in decisions else pd.Series(dtype=object)
    rows = index.get_indexer(about.index)
    abouts = {row: each for row, each in zip(rows.tolist(), about, strict=True) if row >= 0 and each}
    return changed.groupby(together).transform("max").to_numpy(), abouts


def _copies(listed: Results, n: int) -> tuple[np.ndarray, np.ndarray]:
    """What belongs together by any check of copies: group (n,), -1 for none, and keeper (n,) bool.

    The one that stays is the one of the check that sees most of the group.
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    copies = [
        (result.flag & (result.group >= 0), result.group, result.keeper)
        for check, result in listed.values()
        if check.proposes == KEEP and result.group is not None and result.keeper is not None
    ]
    first, second = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for flag, numbers, _ in copies:
        rows = np.flatnonzero(flag)
        _, start, inverse = np.unique(numbers[rows], return_index=True, return_inverse=True)
        first.append(rows)
        second.append(rows[start[inverse]])
    ends = np.concatenate(first), np.concatenate(second)
    links = coo_matrix((np.ones(len(ends[0])), ends), shape=(n, n))
    number = connected_components(links, directed=False)[1]
    group = np.where(np.bincount(number, minlength=1)[number] > 1, number, -1)
    keeper, most = np.zeros(n, bool), np.zeros(n, np.int64)
    for flag, _, stays in copies:
        seen = np.bincount(number[flag], minlength=n)
        keeper = np.where((seen > most)[number], stays & flag, keeper)
        most = np.maximum(seen, most)
    kept = np.flatnonzero(keeper & (group >= 0))
    kept = kept[np.unique(number[kept], return_index=True)[1]]  # one of each group
    return group, np.isin(np.arange(n), kept)
