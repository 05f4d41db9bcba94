"""From a person's act to the journal lines that say it, and from decisions to tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from bearwidgets.clean.log.fold import SEEN, Decision
from bearwidgets.clean.log.remarks import Remark, tags_cell, value_of
from bearwidgets.data.actions import (
    ABOUT,
    CHANGING,
    CLEAR,
    KEEP,
    LABEL,
    RECORDED,
    RELABEL,
    REMARK,
    Choice,
    answers_of,
)
from bearwidgets.data.split import split_name
from bearwidgets.errors import BadInputError, and_more, shortened, unknown_name
from bearwidgets.safe_text import as_json, look_of, unsafe

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bearwidgets.clean.log.encoding import Line
    from bearwidgets.clean.log.fold import Act, AppliedRound
    from bearwidgets.clean.log.item_index import Item, Items

_DECISION = ("path", "content", "action", "label", "new_label", "decided_at", "decided_by", "seq")
_NAMED = 3  # files of an act in words, and kinds of what it did
_COPIES = 8  # paths of copies in a line at most; with more, a renamed one is not found again
_ROUND = ("round", "applied_at", "by", *CHANGING, "rolled_back_at")


def check_choice(action: str, label: str | None, about: Sequence[str] = ()) -> None:
    """Refuse a choice that makes no sense, before anything is looked up.

    Raises:
        BadInputError: The action is unknown, or a label came without relabel, or relabel without a label, or what it
            is about is unknown or came without keep.
    """
    if action not in RECORDED:
        raise BadInputError(unknown_name("action", action, RECORDED))
    if (action == RELABEL) != (label is not None):
        hint = "record(ids, 'relabel', 'grizzly')" if label is None else f"record(ids, {action!r})"
        raise BadInputError(f"Action {action!r} came with label={shortened(label)}; allowed is {hint}.")
    if label is not None and not isinstance(label, str):
        raise BadInputError(
            f"The label {shortened(label)} is no text; allowed is the name of a class, such as 'grizzly'."
        )
    if about and action != KEEP:
        raise BadInputError(
            f"Action {action!r} came with about={shortened(list(about))}; only 'keep' is about something."
        )
    for each in about:
        if each not in ABOUT:
            raise BadInputError(unknown_name("answer", each, ABOUT, "that keep is about"))


def check_class(name: str, classes: Iterable[str], *, folders: bool) -> str:
    """A class that is there, or a new one whose name is safe as a folder on Linux, macOS and Windows.

    Args:
        name: What came in.
        classes: The classes there are; these are always allowed.
        folders: Whether classes are folders, where a name such as "valid" would be read as a split.

    Raises:
        BadInputError: The name cannot be a folder everywhere, or differs from another one only in case or accents.

    Example:
        >>> check_class("panda", ["black", "grizzly"], folders=True)
        'panda'
    """
    classes = sorted(classes)
    if name in classes:
        return name
    reason = unsafe(name)
    if folders and split_name(name) is not None and name.lower() not in {"true", "false"}:
        reason = reason or "is read as that of a split"
    if reason:
        raise BadInputError(
            f"A new class cannot be called {shortened(name)}: the name {reason}. Use letters, digits, spaces, '-' and"
            f" '_', or one of the classes there are: {and_more(classes, 20)}."
        )
    if same := [each for each in classes if look_of(each) == look_of(name)]:
        raise BadInputError(
            f"A new class {shortened(name)} would differ from {same[0]!r} only in case or accents (which is one"
            f" folder on Windows and macOS) or in what cannot be seen. Did you mean {same[0]!r}?"
        )
    return name


def after(
    choice: Choice, pending: Decision | None, label: str | None
) -> tuple[str, str | None, tuple[str, ...]]:
    """What is decided and answered on an item after a choice, as `Decision.whole`.

    The answers of a keep and a relabel add up. That the image is fine or no duplicate leaves a new label; that the
    label is right takes it back. Every other action takes the place of all.
    """
    action, new_label, about = choice
    if action == RELABEL and new_label == label:
        action, new_label = KEEP, None
    about = about or answers_of(action)
    if about and pending is not None:
        if action == KEEP and LABEL not in about and pending.action == RELABEL:
            action, new_label = pending.value
        about = tuple(each for each in ABOUT if each in (*about, *pending.about))
    return action, new_label, about


def entry(
    id_: str,
    choice: Choice,
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
    item = items.get(id_) if choice.action == CLEAR and before is not None else items[id_]
    place = item or before  # what is not in the data set any more can still be cleared
    if place is None or (choice.action == CLEAR and pending is None):
        return None
    action, new_label, about = after(choice, pending, place.label)
    if pending is not None and pending.whole == (action, new_label, about):
        return None
    line = _head(id_, action, place, items)
    if new_label is not None:
        line["to"] = new_label
    if about != answers_of(action):
        line["about"] = list(about)
    if seen:
        line["seen"] = {name: as_json(seen[name]) for name in SEEN if name in seen}
    return line


def remark_entry(id_: str, after: tuple[tuple[str, ...], str], items: Items) -> Line:
    """What the journal line of tags and a note says.

    Raises:
        BadInputError: There is no such item.
    """
    return {**_head(id_, REMARK, items[id_], items), "tags": list(after[0]), "note": after[1]}


def _head(id_: str, action: str, place: Item | Decision, items: Items) -> Line:
    """What the line says of its item."""
    line: Line = {"id": id_, "path": place.path, "action": action, "from": place.label}
    if place.content != id_:
        line["content"] = place.content
        if items.get(id_) is not None and len(copies := items.copies_of(id_)) <= _COPIES:
            line["copies"] = copies
    return line


def deed(before: Decision | None, decision: Decision) -> str:
    """The action that was chosen: keep, too, where that only added an answer to a new label."""
    same = before is not None and before.pending and before.value == decision.value
    return KEEP if same else decision.action


def in_words(act: Act) -> str:
    """What an act did and to which files: "delete black/26.jpg", "relabel black/26.jpg to teddy"."""
    kinds: dict[tuple[str, str | None], list[str]] = {}
    for id_, decision in act.after.items():
        action = deed(act.before[id_], decision)
        label = decision.new_label if action == RELABEL else None
        kinds.setdefault((action, label), []).append(decision.path)
    if act.remarks:
        kinds["tags or note of", None] = [remark.path for _, remark in act.remarks.values()]
    said = [
        f"{action} {and_more(paths, _NAMED)}{'' if label is None else f' to {label}'}"
        for (action, label), paths in kinds.items()
    ]
    return and_more(said, _NAMED, separator="; ")


def decisions_table(decisions: Iterable[Decision], remarks: Mapping[str, Remark]) -> pd.DataFrame:
    """See `Journal.decisions`."""
    ordered = sorted(decisions, key=lambda each: each.seq)
    index = pd.Index([each.id for each in ordered], name="id", dtype=object)
    columns = {name: [getattr(each, name) for each in ordered] for name in _DECISION}
    columns["about"] = [", ".join(each.about) for each in ordered]
    columns |= {name: [each.seen.get(name) for each in ordered] for name in SEEN}
    said = [remarks.get(each.id) for each in ordered]
    columns |= {"tags": [tags_cell(each) for each in said], "note": [value_of(each)[1] for each in said]}
    types = {name: "int64" if name == "seq" else object for name in columns}
    return pd.DataFrame({name: pd.Series(columns[name], index, dtype=types[name]) for name in columns}, index)


def rounds_table(rounds: Iterable[AppliedRound]) -> pd.DataFrame:
    """See `Journal.rounds`."""
    rows = []
    for each in rounds:
        counts = [sum(decision.action == action for decision in each.decisions) for action in CHANGING]
        rows.append((each.number, each.applied_at, each.by, *counts, each.rolled_back_at))
    return pd.DataFrame(rows, columns=list(_ROUND)).set_index("round")
