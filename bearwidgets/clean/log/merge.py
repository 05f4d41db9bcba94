"""Two people's journals become one: three ways where they share a beginning, with a list of what they disagree on."""

from __future__ import annotations

import contextlib
import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from bearwidgets.clean.log.encoding import encode_all
from bearwidgets.clean.log.file import JournalFile
from bearwidgets.clean.log.fold import DecisionState
from bearwidgets.clean.log.item_index import Items
from bearwidgets.clean.log.remarks import merged, value_of
from bearwidgets.clean.log.writer import JournalStore, numbered
from bearwidgets.data.actions import ABOUT, CLEAR, KEEP, LABEL, RELABEL, REMARK, UNSURE, answers_of
from bearwidgets.errors import BadInputError, MissingFileError, and_more
from bearwidgets.files import explain, refuse_link, write_atomic

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bearwidgets.clean.log.encoding import Line
    from bearwidgets.clean.log.fold import Decision, ItemId
    from bearwidgets.clean.log.remarks import Remark, Remarks

_SAID = ("action", "label", "by", "at")
_COLUMNS = ("id", "path", *(f"{side}_{what}" for side in ("ours", "theirs") for what in _SAID))


@dataclass(frozen=True)
class MergeResult:
    """What a merge did.

    Attributes:
        path: The merged journal.
        taken: How many of their decisions were taken.
        conflicts: Items on which both decided differently: id, path, ours_action, ours_label, ours_by, ours_at,
            theirs_action, theirs_label, theirs_by, theirs_at. An action is "clear" where a side has no decision
            any more.
        notes: What could not be read in either journal, and was passed over.
    """

    path: Path
    taken: int
    conflicts: pd.DataFrame
    notes: tuple[str, ...] = ()


def merge_journals(ours: Path, theirs: Path, into: Path, by: str) -> MergeResult:
    """See `Journal.merge`."""
    ours, theirs = _journal(ours), _journal(theirs)
    target = into if into.suffix == ".jsonl" else into / "journal.jsonl"
    _, their_news = JournalFile(theirs).read_whole()
    if target.exists() and target.samefile(ours):
        store = JournalStore(target, Items(None), by)
        with store.writing():
            _, our_news = JournalFile(target).read_whole()
            taken, disputed, conflicts = _compare(our_news.lines, their_news.lines)
            if taken or disputed:
                store.append([*taken, *disputed], bulk=True)
    elif target.exists():
        raise BadInputError(
            f"{target} is there already. Merge into a folder without a journal, or into ours: merge({str(ours)!r},"
            f" theirs, {str(ours)!r})."
        )
    else:
        file = JournalFile(ours)
        data, our_news = file.read_whole()
        taken, disputed, conflicts = _compare(our_news.lines, their_news.lines)
        _write(target, data, numbered([*taken, *disputed], file.next_number, by, bulk=True))
    notes = tuple(
        f"{who}: {said}"
        for who, news in (("ours", our_news), ("theirs", their_news))
        for said in [*news.lost.values(), *news.damage.values()]
    )
    if notes:
        warnings.warn(
            f"What cannot be read was passed over. {and_more(notes, 3, separator='; ')}", stacklevel=3
        )
    return MergeResult(
        target, len(taken), pd.DataFrame(conflicts, columns=list(_COLUMNS), dtype=object), notes
    )


def _journal(place: Path) -> Path:
    file = place if place.is_file() else place / "journal.jsonl"
    refuse_link(file)
    if not file.is_file():
        raise MissingFileError(f"No journal at {place}: give a workspace folder or a journal.jsonl.")
    return file.resolve()


def _write(target: Path, ours: bytes, lines: Sequence[Line]) -> None:
    """Ours and the new lines as a new file, which gets its name when it is whole."""
    end = b"" if not ours or ours.endswith(b"\n") else b"\n"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(target, ours + end + encode_all(lines))
    except OSError as error:
        raise explain(error, target, "Nothing was merged.") from error


def _compare(
    our_lines: Sequence[Line], their_lines: Sequence[Line]
) -> tuple[list[Line], list[Line], list[tuple[Any, ...]]]:
    """Entries that take their decisions, those that make items unsure or merge remarks, and the conflicts."""
    shared = 0
    for one, other in zip(our_lines, their_lines, strict=False):
        if one != other:
            break
        shared += 1
    paths = {
        (line.get("content", line["id"]), line["path"]): line["id"] for line in our_lines if "id" in line
    }
    ids = set(paths.values())

    def our_id(id_: str, content: str, path: str, _copies: object) -> str:
        return id_ if id_ in ids else paths.get((content, path), id_)

    sums = [_sum(lines, our_id) for lines in (our_lines[:shared], our_lines, their_lines)]
    base, ours, theirs = map(_decisions, sums)
    taken, disputed, conflicts = [], [], []
    for id_ in dict.fromkeys([*theirs, *base]):
        was, one, other = base.get(id_), ours.get(id_), theirs.get(id_)
        if _value(other) in (_value(was), _value(one)):
            continue
        known = next(each for each in (other, one, was) if each is not None)
        if _value(one) == _value(was):
            taken.append(entry_again(known, action=CLEAR) if other is None else entry_again(other))
            continue
        if both := _both(one, other):
            taken += [entry_again(both)] if both.whole != _value(one) else []
            continue
        conflicts.append((id_, known.path, *_said(one), *_said(other)))
        if one is None or (one.applied is None and one.action != UNSURE):
            disputed.append(entry_again(known, action=UNSURE))
    return taken, disputed + _remarks(*(each.remarks for each in sums)), conflicts


def _remarks(base: Remarks, ours: Remarks, theirs: Remarks) -> list[Line]:
    """Entries that bring tags and notes of both together."""
    entries = []
    for id_ in dict.fromkeys([*theirs, *base]):
        was, one, other = base.get(id_), ours.get(id_), theirs.get(id_)
        tags, note = merged(was, one, other)
        if (tags, note) != value_of(one):
            known = next(each for each in (other, one, was) if each is not None)
            entries.append({**_head(known, REMARK), "tags": list(tags), "note": note})
    return entries


def _sum(lines: Sequence[Line], item_id: ItemId) -> DecisionState:
    """What some lines add up to; nonsense was reported when they were read."""
    state = DecisionState(item_id)
    for line in lines:
        with contextlib.suppress(ValueError):
            state.fold(line)
    return state


def _decisions(state: DecisionState) -> dict[str, Decision]:
    """The decisions that were made and not withdrawn, carried out or not."""
    return {id_: each for id_, each in state.latest.items() if each.action != CLEAR}


def _value(decision: Decision | None) -> tuple[Any, ...] | None:
    return None if decision is None else decision.whole


def _both(one: Decision | None, other: Decision | None) -> Decision | None:
    """The decision of two whose answers do not contradict each other; None where they do."""
    if one is None or other is None or not {one.action, other.action} <= {KEEP, RELABEL}:
        return None
    about_label = {each.value: each for each in (one, other) if LABEL in each.about}
    if one.applied is not None or len(about_label) > 1:
        return None
    leading = next(iter(about_label.values()), other)
    about = tuple(each for each in ABOUT if each in (*one.about, *other.about))
    return replace(leading, about=about)


def _head(made: Decision | Remark, action: str) -> Line:
    """What a line says of its item."""
    entry: Line = {"id": made.id, "path": made.path, "action": action, "from": made.label}
    if made.content != made.id:
        entry["content"] = made.content
    return entry


def entry_again(decision: Decision, *, action: str = "") -> Line:
    """The line of a decision of theirs, or of another action on the same item that is decided now."""
    entry = _head(decision, action or decision.action)
    if action:
        return entry
    if decision.new_label is not None:
        entry["to"] = decision.new_label
    if decision.about != answers_of(decision.action):
        entry["about"] = list(decision.about)
    return {**entry, "seen": dict(decision.seen), "time": decision.decided_at, "by": decision.decided_by}


def _said(decision: Decision | None) -> tuple[str | None, ...]:
    if decision is None:
        return CLEAR, None, None, None
    return decision.action, decision.new_label, decision.decided_by, decision.decided_at
