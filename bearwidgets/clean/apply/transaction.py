"""Apply rounds and roll them back: the order in which plan, files and journal change.

Apply: plan on disk, files, journal line (from here on the round counts), receipt. Roll back: receipt "rolling back",
files, journal line, receipt. What is found in between is brought to an end by `recovery`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from bearwidgets.clean.apply.plan import Receipt, check_file, make_plan
from bearwidgets.clean.apply.recovery import Recovery
from bearwidgets.clean.apply.round import Round
from bearwidgets.clean.log.item_index import Item
from bearwidgets.clean.log.manifest import manifest_bytes
from bearwidgets.clean.log.writer import now
from bearwidgets.data.actions import DELETE, RELABEL
from bearwidgets.data.workspace import (
    ABANDONED,
    APPLIED,
    ROLLING_BACK,
)
from bearwidgets.errors import BadInputError, ConflictError, WorkspaceError, and_more, unknown_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    import pandas as pd

    from bearwidgets.clean.apply.labels import Row
    from bearwidgets.clean.apply.paths import DataPaths
    from bearwidgets.clean.apply.plan import Plan
    from bearwidgets.clean.log.item_index import Items
    from bearwidgets.clean.log.writer import JournalStore

_LISTED = 5  # obstacles named in an error


class Rounds(Recovery):
    """The rounds of one data set.

    Args:
        store: The journal.
        paths: Where the files lie.
        items: The items; kept up to date.
        table: `Dataset.table`.
    """

    def __init__(self, store: JournalStore, paths: DataPaths, items: Items, table: pd.DataFrame) -> None:
        super().__init__(store, paths, items)
        self._splits = dict(zip(table["id"].tolist(), table["split"].tolist(), strict=True))

    def plan(self) -> Plan:
        """What `apply` would do now.

        Raises:
            WorkspaceError: A folder cannot be read.
        """
        with self._explained("Nothing was changed."):
            numbers = [0, *self.paths.rounds_on_disk(), *self._store.state.rounds]
            decisions, number = self._store.state.pending(), max(numbers) + 1
            return make_plan(decisions, self._items, self.paths, number, self._splits)

    def apply(self, plan: Plan | None) -> Receipt:
        """Carry out a plan, within `JournalStore.writing`; without one, make one, which must have no problems.

        Returns:
            The receipt; one of round 0 if nothing is pending.

        Raises:
            ConflictError: The files are not as planned; everything is as it was.
            WorkspaceError: The disk is full or cannot be written; everything is as it was.
        """
        self._recover_first()
        if plan is None:
            plan = self.plan()
            if not plan.ok:
                obstacles = [f"{path}: {reason}" for path, reason in plan.problems.to_numpy()]
                raise ConflictError(
                    f"{_some(obstacles)} Nothing was changed. Mend this or take those decisions back; or apply what"
                    " can be applied: journal.apply(journal.plan())."
                )
        elif plan.steps:
            with self._explained("Nothing was changed."):
                self._check(plan)
        if not plan.steps:
            return Receipt.of_nothing(self.paths)
        round_ = Round(self.paths, plan.round, plan.steps, self.paths.source, step=self.step)
        try:
            self._carry_out(round_)
        except BaseException as error:
            self._stopped(round_, error)
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
        finished = self._recover_first()
        with self._explained("Nothing was changed."):
            if number is None:
                number = max([*finished, *self._standing()], default=None)
            if number is None:
                raise BadInputError("There is no round to roll back: no decisions are applied.")
            if number in finished:
                return finished[number]
            self._check_order(number)
            round_ = Round.read(self.paths, number, self.step)
            obstacles = round_.obstacles()
            if obstacles:
                raise ConflictError(
                    f"Round {number} cannot be rolled back: {_some(obstacles)} Nothing was changed. Put those files"
                    f" where the round left them ({round_.folder / 'plan.json'} lists them), then do it again."
                )
            round_.note(ROLLING_BACK, now(), self._store.by)
        return self._finish_rollback(round_)

    def follow(self, line: Mapping[str, Any]) -> None:
        """Keep the items where the files are when a round was applied or rolled back, here or elsewhere."""
        try:
            round_ = Round.read(self.paths, line["round"], self.step)
        except WorkspaceError as error:
            self._tell(f"{error} Open the data set again, to have its files where they are.")
            return
        if line["action"] == "rollback":
            self._items_back(round_)
            return
        for each in round_.moves:
            if each.action == DELETE:
                self._items.drop(each.id)
            else:
                self._items.put(each.id, Item(each.target, str(each.new_label), each.content))

    def relabeled_files(self, number: int) -> list[tuple[str, str, str]]:
        """Content id, path and target of the files that a round moved to another class; none of a lost plan."""
        try:
            moves = Round.read(self.paths, number, self.step).moves
        except WorkspaceError:  # told where the round itself is wanted
            return []
        return [(each.content, each.path, each.target) for each in moves if each.action == RELABEL]

    def _carry_out(self, round_: Round) -> None:
        latest = self._store.state.latest
        manifest = manifest_bytes(latest[each.id] for each in round_.moves)
        new_labels = round_.begin(now(), self._store.by, manifest, self._rows())
        round_.carry_out(new_labels)
        self.step("journal")
        self._store.append(
            [{"action": "apply", "round": round_.number, "of": [each.seq for each in round_.moves]}]
        )

    def _stopped(self, round_: Round, error: BaseException) -> None:
        """After a failure put everything back, unless the round counts; raise what the user should read."""
        with self._explained(
            f"Whether round {round_.number} counts is not known; open the journal again to see."
        ):
            self._store.refresh()
        if round_.number not in self._store.state.rounds:
            self._give_up(round_, error)
        elif isinstance(error, OSError):
            raise WorkspaceError(
                f"Round {round_.number} was carried out and counts, though the disk may not keep it: {error}"
                f" rollback({round_.number}) undoes it."
            ) from error

    def _give_up(self, round_: Round, error: BaseException) -> None:
        try:
            left = round_.take_back()
        except (OSError, ConflictError) as second:
            outcome = (
                f"Applying stopped ({error}) and not every file could be put back. None is lost; the journal finishes"
                " the job when it is opened again."
            )
            raise self._explain(second, outcome) from error
        if round_.folder.exists():
            self._note(round_, ABANDONED, left)
        told = " ".join(f"{each}." for each in left)
        outcome = f"Everything was put back, round {round_.number} did not happen. {told}".strip()
        if isinstance(error, ConflictError):
            raise ConflictError(f"{error} {outcome} Make a new plan.") from error
        if isinstance(error, OSError):
            raise self._explain(error, outcome) from error

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

    def _standing(self) -> list[int]:
        """The rounds that can be rolled back, oldest first."""
        return sorted([*self._unknown(), *(each.number for each in self._store.state.standing_rounds())])

    def _check_order(self, number: int) -> None:
        known, standing = self._store.state.rounds, self._standing()
        if number not in known and number not in standing:
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

    def _rows(self) -> Iterator[Row]:
        """Path, label, split and content of the items as rounds left them, and the label they were read with."""
        for id_, split in self._splits.items():
            item, decision = self._items.get(id_), self._store.state.latest.get(id_)
            if item is not None:
                done = decision is not None and decision.applied is not None and decision.label == item.label
                label = decision.new_label if decision is not None and done else None
                yield item.path, label or item.label, split, item.content, item.label


def _some(obstacles: list[str]) -> str:
    return and_more([each.rstrip(".") for each in obstacles], _LISTED, separator="; ") + "."
