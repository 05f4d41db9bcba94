"""Apply, roll back and recover rounds: the order in which plan, files and journal change.

Apply: plan on disk, files, journal line (from here on the round counts), receipt. Roll back: receipt "rolling back",
files, journal line, receipt. What is found in between is taken back to where it started.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from bearwidgets.clean.apply.plan import Receipt, check_file, make_plan
from bearwidgets.clean.apply.round import ABANDONED, APPLIED, ROLLED_BACK, ROLLING_BACK, Round, state_of
from bearwidgets.clean.log.item_index import Item
from bearwidgets.clean.log.manifest import manifest_bytes
from bearwidgets.clean.log.writer import now
from bearwidgets.data.actions import DELETE, RELABEL
from bearwidgets.errors import BadInputError, ConflictError, and_more, unknown_name
from bearwidgets.files import explain, locked

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    import pandas as pd

    from bearwidgets.clean.apply.paths import DataPaths
    from bearwidgets.clean.apply.plan import Plan
    from bearwidgets.clean.log.item_index import Items
    from bearwidgets.clean.log.writer import JournalStore

_LISTED = 5  # obstacles named in an error


class Rounds:
    """The rounds of one data set.

    Args:
        store: The journal.
        paths: Where the files lie.
        items: The items; kept up to date.
        table: `Dataset.table`.
    """

    def __init__(self, store: JournalStore, paths: DataPaths, items: Items, table: pd.DataFrame) -> None:
        self._store = store
        self.paths = paths
        self._items = items
        self._splits = dict(zip(table["id"].tolist(), table["split"].tolist(), strict=True))
        self.notes: list[str] = []
        self.step: Any = _no_step

    def plan(self) -> Plan:
        """What `apply` would do now."""
        numbers = [0, *self.paths.rounds_on_disk(), *self._store.state.rounds]
        return make_plan(self._store.state.pending(), self._items, self.paths, max(numbers) + 1)

    def apply(self, plan: Plan | None) -> Receipt:
        """Carry out a plan, within `JournalStore.writing`; without one, make one, which must have no problems.

        Raises:
            BadInputError: Nothing is pending.
            ConflictError: The files are not as planned; everything is as it was.
            WorkspaceError: The disk is full or cannot be written; everything is as it was.
        """
        self.recover()
        if plan is None:
            plan = self.plan()
            if not plan.ok:
                obstacles = [f"{path}: {reason}" for path, reason in plan.problems.to_numpy()]
                raise ConflictError(
                    f"{_some(obstacles)} Nothing was changed. Mend this or take those decisions back; or apply what"
                    " can be applied: journal.apply(journal.plan())."
                )
        else:
            self._check(plan)
        if not plan.steps:
            raise BadInputError("There is nothing to apply: no decision to delete or relabel is pending.")
        round_ = Round(self.paths, plan.round, plan.steps, self.paths.source, step=self.step)
        try:
            self._carry_out(round_)
        except BaseException as error:
            self._store.refresh()
            if plan.round not in self._store.state.rounds:
                self._give_up(round_, error)
            raise
        self._note(round_, APPLIED)
        return Receipt.of(round_)

    def roll_back(self, number: int | None) -> Receipt:
        """Undo a round, the newest if none is given, within `JournalStore.writing`.

        Raises:
            BadInputError: There is no such round, or it is rolled back already.
            ConflictError: A later round stands, or files changed or are in the way; nothing was changed.
            WorkspaceError: The disk is full or cannot be written; call again to finish.
        """
        finished = self.recover()
        if number is None:
            number = max(
                [*finished, *(each.number for each in self._store.state.standing_rounds())], default=None
            )
        if number is None:
            raise BadInputError("There is no round to roll back: nothing has been applied.")
        if number in finished:
            return finished[number]
        self._check_order(number)
        round_ = Round.read(self.paths, number, self.step)
        obstacles = round_.obstacles()
        if obstacles:
            raise ConflictError(
                f"Round {number} cannot be rolled back: {_some(obstacles)} Nothing was changed. Put those files where"
                f" the round left them ({round_.folder / 'plan.json'} lists them), then do it again."
            )
        round_.note(ROLLING_BACK, now(), self._store.by)
        return self._finish_rollback(round_)

    def recover(self) -> dict[int, Receipt]:
        """Bring rounds to an end that their process could not, within `JournalStore.writing`.

        Returns:
            The rollbacks that were finished, by round.
        """
        finished = {}
        standing = {each.number for each in self._store.state.standing_rounds()}
        for number in self.paths.rounds_on_disk():
            state = state_of(self.paths.round_folder(number))
            if state is not None and state != ROLLING_BACK:
                continue
            round_ = Round.read(self.paths, number, self.step)
            if round_.source != self.paths.source:
                self._tell(
                    f"Round {number} was interrupted; open the data set from its {round_.source} to mend it."
                )
            elif state == ROLLING_BACK and number in standing:
                finished[number] = self._finish_rollback(round_)
                self._tell(f"Rolling back round {number} had been interrupted; it is finished now.")
            elif state == ROLLING_BACK:
                self._note(round_, ROLLED_BACK)
            elif number in self._store.state.rounds:
                self._note(round_, APPLIED)
            else:
                self._abandon(round_)
        return finished

    def recover_if_alone(self) -> bool:
        """Recover when a journal is opened, unless another process is at work; whether anything was done."""
        numbers = self.paths.rounds_on_disk()
        states = (state_of(self.paths.round_folder(number)) for number in numbers)
        if all(state not in {None, ROLLING_BACK} for state in states):
            return False
        with self._store.guard, locked(self.paths.lock, wait=0) as held:
            if not held:
                return False
            self._store.refresh()
            before = len(self.notes)
            self.recover()
            return len(self.notes) > before

    def follow(self, line: Mapping[str, Any]) -> None:
        """Keep the items where the files are when a round was applied or rolled back, here or elsewhere."""
        if line.get("action") == "rollback":
            self._items_back(Round.read(self.paths, line["round"], self.step))
        elif line.get("action") == "apply":
            for each in Round.read(self.paths, line["round"], self.step).moves:
                if each.action == DELETE:
                    self._items.drop(each.id)
                else:
                    self._items.put(each.id, Item(each.target, str(each.new_label), each.content))

    def _items_back(self, round_: Round) -> None:
        """The items are where they were before the round, whatever was seen where the round had put them."""
        self._items.drop_at({each.target for each in round_.moves if each.action == RELABEL})
        for each in round_.moves:
            self._items.put(each.id, Item(each.path, each.label, each.content))

    def _carry_out(self, round_: Round) -> None:
        latest = self._store.state.latest
        manifest = manifest_bytes(latest[each.id] for each in round_.moves)
        new_labels = round_.begin(now(), self._store.by, manifest, self._rows())
        round_.carry_out(new_labels)
        self.step("journal")
        self._store.append(
            [{"action": "apply", "round": round_.number, "of": [each.seq for each in round_.moves]}]
        )

    def _give_up(self, round_: Round, error: BaseException) -> None:
        """Put everything back after a failure, and raise what the user should read."""
        try:
            left = round_.take_back()
        except OSError as second:
            outcome = (
                f"Applying stopped ({error}) and not every file could be put back. None is lost; the journal"
            )
            raise explain(
                second, round_.folder, f"{outcome} finishes the job when it is opened again."
            ) from error
        if round_.folder.exists():
            self._note(round_, ABANDONED)
        outcome = f"Everything was put back, round {round_.number} did not happen. {' '.join(left)}".strip()
        if isinstance(error, ConflictError):
            raise ConflictError(f"{error} {outcome} Make a new plan.") from error
        if isinstance(error, OSError):
            raise explain(error, round_.folder, outcome) from error

    def _finish_rollback(self, round_: Round) -> Receipt:
        try:
            left = round_.take_back()
            self.step("journal")
            self._store.append([{"action": "rollback", "round": round_.number}])
        except OSError as error:
            raise explain(
                error,
                round_.folder,
                f"Rolling back round {round_.number} stopped half way, no file is lost; call rollback again.",
            ) from error
        self._note(round_, ROLLED_BACK)
        self.notes += left
        return Receipt.of(round_, undone=True, notes=left)

    def _abandon(self, round_: Round) -> None:
        """Take back a round whose process died."""
        left = round_.take_back()
        self._items_back(round_)
        self._note(round_, ABANDONED)
        self._tell(
            f"Round {round_.number} had been interrupted; its files were put back, its decisions are pending again."
        )
        self.notes += left

    def _tell(self, note: str) -> None:
        if note not in self.notes:
            self.notes.append(note)

    def _note(self, round_: Round, state: str) -> None:
        """Write the receipt; if that fails the journal knows, and the next recovery writes it."""
        try:
            round_.note(state, now(), self._store.by)
        except OSError as error:
            self.notes.append(f"The receipt of round {round_.number} could not be written: {error}.")

    def _check(self, plan: Plan) -> None:
        """Refuse a plan that is out of date."""
        latest = self._store.state.latest
        found = []
        if plan.round in {*self.paths.rounds_on_disk(), *self._store.state.rounds}:
            found.append(f"round {plan.round} was applied meanwhile.")
        for step in plan.steps:
            decision = latest.get(step.id)
            if decision is None or not decision.pending or decision.seq != step.seq:
                found.append(f"{step.path}: the decision was changed.")
            elif reason := check_file(self.paths, step.path, step.content)[0]:
                found.append(f"{step.path}: {reason}.")
            elif step.moves_file and os.path.lexists(self.paths.target_of(step.action, step.target)):
                found.append(f"{step.target}: a file appeared there.")
        if found:
            raise ConflictError(
                f"The plan is out of date: {_some(found)} Nothing was changed. Make a new plan."
            )

    def _check_order(self, number: int) -> None:
        known, standing = (
            self._store.state.rounds,
            [each.number for each in self._store.state.standing_rounds()],
        )
        if number not in known:
            raise BadInputError(
                unknown_name("round", number, map(str, known), "in this journal")
                if known
                else f"No round {number}: nothing was applied yet."
            )
        if number not in standing:
            raise BadInputError(f"Round {number} was rolled back at {known[number].rolled_back_at} already.")
        later = [each for each in standing if each > number]
        if later:
            raise ConflictError(
                f"Round {number} cannot be rolled back before the later ones: roll back"
                f" {', '.join(map(str, reversed(later)))} first. Nothing was changed."
            )

    def _rows(self) -> Iterator[tuple[str, str, str]]:
        """Path, label and split of the items as earlier rounds left them, which a DataFrame does not know."""
        for id_, split in self._splits.items():
            item, decision = self._items.get(id_), self._store.state.latest.get(id_)
            if item is not None:
                done = decision is not None and decision.applied is not None and decision.label == item.label
                label = decision.new_label if decision is not None and done else None
                yield item.path, label or item.label, split


def _some(obstacles: list[str]) -> str:
    return and_more([each.rstrip(".") for each in obstacles], _LISTED, separator="; ") + "."


def _no_step(_: str) -> None:
    """Nobody listens to the steps."""
