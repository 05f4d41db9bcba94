"""From a person's act to the journal lines that say it, and from decisions to tables."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pandas as pd

from bearwidgets.clean.log.fold import SEEN
from bearwidgets.clean.names import check_new_class
from bearwidgets.data.actions import CHANGING, CLEAR, KEEP, RECORDED, RELABEL
from bearwidgets.data.split import split_name
from bearwidgets.errors import BadInputError, unknown_name

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from bearwidgets.clean.log.file import Line
    from bearwidgets.clean.log.fold import AppliedRound, Decision
    from bearwidgets.clean.log.item_index import Items

_DECISION = ("path", "content", "action", "label", "new_label", "decided_at", "decided_by", "seq")
_ROUND = ("round", "applied_at", "by", *CHANGING, "rolled_back_at")


def check_choice(action: str, label: str | None) -> None:
    """Refuse a choice that makes no sense, before anything is looked up.

    Raises:
        BadInputError: The action is unknown, or a label came without relabel, or relabel without a label.
    """
    if action not in RECORDED:
        raise BadInputError(unknown_name("action", action, RECORDED))
    if (action == RELABEL) != (label is not None):
        hint = "record(ids, 'relabel', 'grizzly')" if label is None else f"record(ids, {action!r})"
        raise BadInputError(f"Action {action!r} came with label={label!r}; allowed is {hint}.")
    if label is not None and not isinstance(label, str):
        raise BadInputError(
            f"The label {label!r} is no text; allowed is the name of a class, such as 'grizzly'."
        )


def check_class(label: str, classes: Collection[str], *, folders: bool) -> str:
    """A class that is there, or a new one with a safe name.

    Args:
        label: What came in.
        classes: The classes there are.
        folders: Whether classes are folders, where a name such as "valid" would be read as a split.

    Raises:
        BadInputError: The name is not allowed.
    """
    name = check_new_class(label, sorted(classes))
    is_split = split_name(name) is not None and name.lower() not in {"true", "false"}
    if folders and is_split and name not in classes:
        raise BadInputError(
            f"A new class cannot be called {name!r}: a folder of that name is read as a split."
        )
    return name


def entry(
    id_: str,
    action: str,
    new_label: str | None,
    *,
    items: Items,
    latest: Mapping[str, Decision],
    seen: Mapping[str, Any] | None,
) -> Line | None:
    """What the journal line of a decision on one item says, or None if nothing changes.

    Raises:
        BadInputError: There is no such item.
    """
    before = latest.get(id_)
    pending = before if before is not None and before.pending else None
    item = items.get(id_) if action == CLEAR and before is not None else items[id_]
    place = item or before  # what is not in the data set any more can still be cleared
    if place is None or (action == CLEAR and pending is None):
        return None
    if action == RELABEL and new_label == place.label:
        action, new_label = KEEP, None
    if pending is not None and pending.value == (action, new_label):
        return None
    line: Line = {"id": id_, "path": place.path, "action": action, "from": place.label}
    if new_label is not None:
        line["to"] = new_label
    if place.content != id_:
        line["content"] = place.content
    if seen:
        line["seen"] = {name: _plain(seen[name]) for name in SEEN if name in seen}
    return line


def decisions_table(decisions: Iterable[Decision]) -> pd.DataFrame:
    """See `Journal.decisions`."""
    ordered = sorted(decisions, key=lambda each: each.seq)
    index = pd.Index([each.id for each in ordered], name="id", dtype=object)
    columns = {name: [getattr(each, name) for each in ordered] for name in _DECISION}
    columns |= {name: [each.seen.get(name) for each in ordered] for name in SEEN}
    types = {name: "int64" if name == "seq" else object for name in columns}
    return pd.DataFrame({name: pd.Series(columns[name], index, dtype=types[name]) for name in columns}, index)


def rounds_table(rounds: Iterable[AppliedRound]) -> pd.DataFrame:
    """See `Journal.rounds`."""
    rows = []
    for each in rounds:
        counts = [sum(decision.action == action for decision in each.decisions) for action in CHANGING]
        rows.append((each.number, each.applied_at, each.by, *counts, each.rolled_back_at))
    return pd.DataFrame(rows, columns=list(_ROUND)).set_index("round")


def _plain(value: Any) -> Any:
    """A value that JSON can hold: numbers of numpy become Python's, what is not a number becomes None."""
    value = value.item() if hasattr(value, "item") else value
    return None if isinstance(value, float) and not math.isfinite(value) else value
