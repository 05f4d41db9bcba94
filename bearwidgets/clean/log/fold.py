"""What a journal's lines add up to: decisions in force, what can be undone, the rounds. Pure: no files."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from bearwidgets.clean.log.remarks import LONGEST_NOTE, LONGEST_TAG, MOST_PER_ITEM, Remark, Remarks
from bearwidgets.data.actions import CLEAR, RECORDED, RELABEL, REMARK, answers_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import TypeAlias

    from bearwidgets.clean.log.places import Places

    ItemId: TypeAlias = Callable[[str, str, str, Iterable[str] | None], str]

_NO_PLACES: Places = {}
SEEN = ("rank_by", "predicted", "confidence", "loss", "label_issue")


@dataclass(slots=True, eq=False)
class Decision:
    """One decision on one item.

    Attributes:
        id: The item's id.
        path: Where the item was, posix, relative to the data root.
        content: The content id of its bytes.
        action: keep, delete, relabel, unsure or clear.
        label: The label as it was.
        new_label: The label it gets; None unless the action is relabel.
        decided_at: UTC, ISO 8601.
        decided_by: Who.
        seq: The number of the journal line.
        seen: What the screen showed: rank_by, predicted, confidence, loss, label_issue (those that are known).
        about: What a keep or relabel answers, some of `actions.ABOUT`: every answer on the item that stands. A delete
            and an unsure leave nothing to ask.
        applied: The round that carried it out, or None.
    """

    id: str
    path: str
    content: str
    action: str
    label: str | None
    new_label: str | None
    decided_at: str
    decided_by: str
    seq: int
    seen: Mapping[str, Any]
    about: tuple[str, ...] = ()
    applied: int | None = None

    @property
    def whole(self) -> tuple[str, str | None, tuple[str, ...]]:
        """What was decided and answered, to compare with another decision."""
        return self.action, self.new_label, self.about

    @property
    def value(self) -> tuple[str, str | None]:
        """What was decided, to compare with another decision."""
        return self.action, self.new_label

    @property
    def pending(self) -> bool:
        """Whether it is in force: neither withdrawn nor carried out."""
        return self.applied is None and self.action != CLEAR


@dataclass(slots=True)
class Act:
    """What one call recorded, undone and redone as a whole.

    Attributes:
        seq: The number of its first journal line.
        session: Who recorded it, see `JournalStore.session`; None for a merge, and before there were sessions.
        before: The newest decision on each item before it.
        after: What it decided.
        undone: Who undid it and the number of that line, while it is undone.
    """

    seq: int
    session: str | None = None
    before: dict[str, Decision | None] = field(default_factory=dict)
    after: dict[str, Decision] = field(default_factory=dict)
    remarks: dict[str, tuple[Remark | None, Remark]] = field(default_factory=dict)  # before and after
    undone: tuple[str | None, int] = (None, 0)

    @property
    def ids(self) -> list[str]:
        """The items that it is about."""
        return list(dict.fromkeys([*self.after, *self.remarks]))

    @property
    def applied(self) -> bool:
        """Whether a round carried some of it out, so that it cannot be undone before the round is rolled back."""
        return any(each.applied is not None for each in self.after.values())


@dataclass(slots=True)
class AppliedRound:
    """A round as the journal tells it; `rolled_back_at` is None while it stands."""

    number: int
    applied_at: str
    by: str
    decisions: list[Decision]
    rolled_back_at: str | None = None


class DecisionState:
    """The sum of the lines so far; `fold` adds one, at a cost that does not grow with what is there.

    Attributes:
        version: Grows with every line.
        changed: The version at which each item's decision changed last, the newest change last.
        latest: The newest decision on each item, in force or not.
        remarks: The newest tags and note of each item.
        choices: How many decisions in force say each action and new label.

    Args:
        item_id: Finds the id that an item has now for the id, the content id, the path and the paths of its copies in
            a line; lines speak of items as they were when they were written.
        before: The state that this one takes the place of; what was decided there counts as changed.
    """

    def __init__(self, item_id: ItemId, before: DecisionState | None = None) -> None:
        self._item_id = item_id
        self.version = 0 if before is None else before.version + 1
        self.changed: dict[str, int] = {} if before is None else dict.fromkeys(before.changed, self.version)
        self.latest: dict[str, Decision] = {}
        self.remarks = Remarks()
        self.choices: Counter[tuple[str, str | None]] = Counter()
        self.undoable: list[Act] = []
        self.redoable: list[Act] = []
        self._acts: Counter[str | None] = Counter()  # in `undoable`, by session
        self._newest: dict[str | None, int] = {}  # the number of each session's newest act
        self.rounds: dict[int, AppliedRound] = {}
        self.accepted: set[str] = set()  # damage that somebody has looked at
        self._open_group: int | None = None

    def fold(self, line: Mapping[str, Any], places: Places = _NO_PLACES) -> None:
        """Add one line; `places` says where items lie that were moved since it was written.

        Raises:
            ValueError: The line makes no sense; the state is as it was.
        """
        self.version += 1
        try:
            action = line["action"]
            if action in RECORDED:
                self._decide(self._decision(line, places), line)
            elif action == REMARK:
                self._take(self._remark(line, places), line)
            else:
                self._other(line, action)
        except (KeyError, TypeError) as error:
            raise ValueError(f"{type(error).__name__}: {error}") from error
        self._open_group = line.get("group") if action in (*RECORDED, REMARK) else None

    def changed_since(self, version: int) -> dict[str, Decision | None]:
        """The items whose decision changed after a version, and what is in force now; the newest change is last."""
        ids = takewhile(lambda id_: self.changed[id_] > version, reversed(self.changed))
        return {id_: self.in_force(id_) for id_ in reversed(list(ids))}

    def in_force(self, id_: str) -> Decision | None:
        """The decision in force on an item, if there is one."""
        decision = self.latest.get(id_)
        return decision if decision is not None and decision.pending else None

    def next_act(self, step: str, session: str | None = None) -> Act | None:
        """The act that "undo" would take back, or that "redo" would do again, for one session.

        Its own newest one comes first: that it recorded, or undid; only where it has none that of another. An act is
        left alone where its items were decided on since, or were carried out by a round. What was undone before the
        session's own newest act is not done again.
        """
        own = [] if step == "undo" and not self._acts[session] else self._own(step, session)
        act = next((each for each in own if self._stands(each, step)), None)
        if act is None or (step == "undo" and act.applied):
            act = next((each for each in self._candidates(step, session) if self._stands(each, step)), None)
        return None if act is None or (step == "undo" and act.applied) else act

    def _candidates(self, step: str, session: str | None) -> Iterable[Act]:
        if step == "undo":
            return reversed(self.undoable)
        since = self._newest.get(session, 0)
        return (each for each in reversed(self.redoable) if each.undone[1] > since)

    def _own(self, step: str, session: str | None) -> Iterable[Act]:
        acts = self._candidates(step, session)
        return (each for each in acts if (each.session if step == "undo" else each.undone[0]) == session)

    def _stands(self, act: Act, step: str) -> bool:
        """Whether nothing was decided on its items since."""
        if step == "undo" and act is self.undoable[-1]:
            return True
        now = act.after if step == "undo" else act.before
        noted = {id_: both[step == "undo"] for id_, both in act.remarks.items()}
        return all(self.latest.get(id_) is made for id_, made in now.items()) and all(
            self.remarks.get(id_) is remark for id_, remark in noted.items()
        )

    def settled(self) -> dict[str, tuple[str, ...]]:
        """What relabels that a round carried out answered, by item: the answers outlive the decision."""
        latest = self.latest.items()
        return {
            id_: each.about for id_, each in latest if each.applied is not None and each.action == RELABEL
        }

    def pending(self) -> Iterable[Decision]:
        """The decisions in force, by item, in the order in which the items were first decided on."""
        return (each for each in self.latest.values() if each.pending)

    def standing_rounds(self) -> list[AppliedRound]:
        """The rounds that were applied and not rolled back, oldest first."""
        return [each for _, each in sorted(self.rounds.items()) if each.rolled_back_at is None]

    def _decision(self, line: Mapping[str, Any], places: Places) -> Decision:
        new_label = line["to"] if line["action"] == RELABEL else None
        return Decision(
            **self._head(line, places),
            action=line["action"],
            new_label=new_label,
            seen=line.get("seen", {}),
            about=tuple(line.get("about", answers_of(line["action"]))),
        )

    def _remark(self, line: Mapping[str, Any], places: Places) -> Remark:
        tags = tuple(
            each[:LONGEST_TAG] for each in line["tags"][:MOST_PER_ITEM]
        )  # a stranger may have written it
        return Remark(**self._head(line, places), tags=tags, note=line["note"][:LONGEST_NOTE])

    def _head(self, line: Mapping[str, Any], places: Places) -> dict[str, Any]:
        """What a decision and a remark have in common: the item, who and when."""
        content = line.get("content", line["id"])
        path, *copies = (
            places.get((content, each), each) for each in (line["path"], *line.get("copies", ()))
        )
        return {
            "id": self._item_id(line["id"], content, path, copies if "copies" in line else None),
            "path": line["path"],
            "content": content,
            "label": line.get("from"),
            "decided_at": line["time"],
            "decided_by": line["by"],
            "seq": line["seq"],
        }

    def _act(self, line: Mapping[str, Any]) -> Act:
        """The act that a line belongs to."""
        seq, group, session = line["seq"], line.get("group"), line.get("session")
        if group is None or group != self._open_group:
            self.undoable.append(Act(seq if group is None else group, session))
            self.redoable = [each for each in self.redoable if each.undone[0] != session]
            self._acts[session] += 1
            self._newest[session] = seq
        return self.undoable[-1]

    def _decide(self, decision: Decision, line: Mapping[str, Any]) -> None:
        act = self._act(line)
        act.before.setdefault(decision.id, self.latest.get(decision.id))
        act.after[decision.id] = decision
        self._set(decision.id, decision)

    def _take(self, remark: Remark, line: Mapping[str, Any]) -> None:
        act = self._act(line)
        before, _ = act.remarks.get(remark.id, (self.remarks.get(remark.id), None))
        act.remarks[remark.id] = before, remark
        self._note(remark.id, remark)

    def _other(self, line: Mapping[str, Any], action: object) -> None:
        if action == "undo":
            act = _pop(self.undoable, line["of"])
            self._acts[act.session] -= 1
            act.undone = line.get("session"), line["seq"]
            self.redoable.append(act)
            self._restore(act.before, {id_: before for id_, (before, _) in act.remarks.items()})
        elif action == "redo":
            act = _pop(self.redoable, line["of"])
            self._acts[act.session] += 1
            self.undoable.append(act)
            self._restore(act.after, {id_: after for id_, (_, after) in act.remarks.items()})
        elif action == "accept":
            self.accepted.update(line["of"])
        elif action == "apply":
            self._apply(line)
        elif action == "rollback":
            done = self.rounds[line["round"]]
            done.rolled_back_at = line["time"]
            for decision in done.decisions:
                self._set_applied(decision, None)
        else:
            raise TypeError(f"no action {action!r}")

    def _apply(self, line: Mapping[str, Any]) -> None:
        number, seqs = line["round"], set(line["of"])
        decisions = [each for each in self.latest.values() if each.seq in seqs and each.pending]
        self.rounds[number] = AppliedRound(number, line["time"], line["by"], decisions)
        for decision in decisions:
            self._set_applied(decision, number)

    def _restore(
        self, decisions: Mapping[str, Decision | None], remarks: Mapping[str, Remark | None]
    ) -> None:
        for id_, decision in decisions.items():
            self._set(id_, decision)
        for id_, remark in remarks.items():
            self._note(id_, remark)

    def _set(self, id_: str, decision: Decision | None) -> None:
        self._count(id_, -1)
        if decision is None:
            self.latest.pop(id_, None)
        else:
            self.latest[id_] = decision
        self._count(id_, 1)

    def _note(self, id_: str, remark: Remark | None) -> None:
        self.remarks.put(id_, remark)
        self._changed(id_)

    def _set_applied(self, decision: Decision, number: int | None) -> None:
        self._count(decision.id, -1)
        decision.applied = number
        self._count(decision.id, 1)

    def _count(self, id_: str, change: int) -> None:
        """Count the decision on an item out before it changes and in again after."""
        decision = self.in_force(id_)
        if decision is not None:
            self.choices[decision.value] += change
        self._changed(id_)

    def _changed(self, id_: str) -> None:
        self.changed.pop(id_, None)
        self.changed[id_] = self.version


def _pop(acts: list[Act], seq: int) -> Act:
    for index in range(len(acts) - 1, -1, -1):
        if acts[index].seq == seq:
            return acts.pop(index)
    raise KeyError(f"no act {seq} to take back or do again")
