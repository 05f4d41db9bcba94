"""Bring rounds to an end that their process could not: what journal, receipt and files say is made true.

An apply that was interrupted is taken back, a rollback is finished. A receipt that is lost or damaged follows from
journal and files; a round whose journal line is lost stands and is told, so that it can be rolled back.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from bearwidgets.clean.apply.plan import Receipt
from bearwidgets.clean.apply.round import Round
from bearwidgets.clean.log.item_index import Item
from bearwidgets.clean.log.writer import now
from bearwidgets.data.actions import RELABEL
from bearwidgets.data.workspace import (
    ABANDONED,
    APPLIED,
    DAMAGED,
    ROLLED_BACK,
    ROLLING_BACK,
    round_folder,
    state_of,
    unfinished_rounds,
)
from bearwidgets.errors import ConflictError, WorkspaceError
from bearwidgets.files import explain, in_use

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable
    from typing import Any

    from bearwidgets.clean.apply.paths import DataPaths
    from bearwidgets.clean.log.item_index import Items
    from bearwidgets.clean.log.writer import JournalStore


class Recovery:
    """What `Rounds` is made on.

    Args:
        store: The journal.
        paths: Where the files lie.
        items: The items; kept up to date.

    Attributes:
        notes: Sentences on what was brought to an end, and on what could not be.
        moved: Rounds whose files were moved to bring them to an end.
        step: Is told each step before it is taken.
    """

    def __init__(self, store: JournalStore, paths: DataPaths, items: Items) -> None:
        self._store = store
        self.paths = paths
        self._items = items
        self.notes: list[str] = []
        self.moved = 0
        self.step: Any = _no_step

    def recover(self) -> dict[int, Receipt]:
        """Bring rounds to an end that their process could not, within `JournalStore.writing`.

        What is beyond mending is told in `notes`.

        Returns:
            The rollbacks that were finished, by round.

        Raises:
            ConflictError: A file was replaced at this very moment.
            OSError: The system refused.
        """
        finished = {}
        for number, state in unfinished_rounds(self.paths.workspace).items():
            try:
                round_ = Round.read(self.paths, number, self.step)
                round_.check_paths()
            except WorkspaceError as error:
                folder = round_folder(self.paths.workspace, number)
                self._tell(
                    f"{error} Some of its files may not be where they belong. When all of them are, move {folder} out"
                    " of the workspace, and this is not said again."
                )
                continue
            if round_.source != round_.paths.source:
                self._tell(
                    f"Round {number} was interrupted; open the data set from its {round_.source} to mend it."
                )
            elif (receipt := self._bring_to_end(round_, state)) is not None:
                finished[number] = receipt
        for number in self._unknown():
            self._tell(
                f"Round {number} was applied, but its line in the journal is lost or damaged, so its decisions"
                f" count as pending. Its files are where it put them; rollback({number}) brings them back."
            )
        return finished

    def _bring_to_end(self, round_: Round, state: str | None) -> Receipt | None:
        """What journal, receipt and files say of an unfinished round, made true; the receipt of a rollback."""
        known = self._store.state.rounds.get(round_.number)
        if known is not None and known.rolled_back_at is not None:
            self._note(round_, ROLLED_BACK)
        elif known is None and state is None:
            self._abandon(round_)
        elif state == ROLLING_BACK or (state == DAMAGED and round_.partly_back()):
            receipt = self._finish_rollback(round_)
            self._tell(f"Rolling back round {round_.number} had been interrupted; it is finished now.")
            return receipt
        else:
            self._note(round_, APPLIED)
        return None

    def _recover_first(self) -> dict[int, Receipt]:
        """`recover`, before anything else is done."""
        with self._explained(
            "An interrupted round could not be brought to an end, so nothing else was done."
        ):
            return self.recover()

    def recover_if_alone(self) -> bool:
        """Recover when a journal is opened, unless another process is at work; whether any file was moved.

        Whatever stands in the way is told in `notes`: the journal can be read all the same.
        """
        try:
            if not (unfinished_rounds(self.paths.workspace) or self._unknown()):
                return False
            with self._store.holding(wait=0) as held:
                if not held:
                    return False
                self._store.refresh()
                before = self.moved
                self._recover_first()
        except (OSError, ConflictError) as error:
            self._tell(str(error))
            return False
        return self.moved > before

    def _finish_rollback(self, round_: Round) -> Receipt:
        number = round_.number
        try:
            left = round_.take_back()
        except (OSError, ConflictError) as error:
            outcome = f"Rolling back round {number} stopped half way, no file is lost; call rollback again."
            raise self._explain(error, outcome) from error
        self.moved += 1
        self.step("journal")
        if number in self._store.state.rounds:
            try:
                self._store.append([{"action": "rollback", "round": number}])
            except OSError as error:
                raise WorkspaceError(
                    f"The files of round {number} are back, but the journal could not be told ({error}), so its"
                    " decisions still count as carried out; call rollback again."
                ) from error
        else:
            self._items_back(round_)
        self._note(round_, ROLLED_BACK, left)
        self.notes += left
        return Receipt.of(round_, undone=True, notes=left)

    def _abandon(self, round_: Round) -> None:
        """Take back a round whose process died."""
        left = round_.take_back()
        self.moved += 1
        self._items_back(round_)
        self._note(round_, ABANDONED, left)
        self._tell(
            f"Round {round_.number} had been interrupted; its files were put back, its decisions are pending again."
        )
        self.notes += left

    def _explain(self, error: OSError | ConflictError, outcome: str) -> WorkspaceError | ConflictError:
        """What stood in the way, where, and what became of the work."""
        if isinstance(error, ConflictError):
            return ConflictError(f"{error} {outcome}")
        if isinstance(error, WorkspaceError):
            return WorkspaceError(f"{error} {outcome}")
        where = Path(os.fsdecode(error.filename or self.paths.workspace))
        if where.name.startswith(".bearwidgets-"):
            where = Path(error.filename2) if in_use(error) and error.filename2 else where.parent
        if where.is_relative_to(self.paths.workspace):
            return explain(error, where, outcome)
        return explain(error, where, outcome, way_out="Make it writable, then do it again.")

    @contextlib.contextmanager
    def _explained(self, outcome: str) -> Generator[None]:
        try:
            yield
        except WorkspaceError:
            raise
        except OSError as error:
            raise self._explain(error, outcome) from error

    def _tell(self, note: str) -> None:
        if note not in self.notes:
            self.notes.append(note)

    def _note(self, round_: Round, state: str, left: Iterable[str] = ()) -> None:
        """Write the receipt; if that fails the journal knows, and the next recovery writes it."""
        try:
            round_.note(state, now(), self._store.by, list(left))
        except OSError as error:
            self.notes.append(f"The receipt of round {round_.number} could not be written: {error}.")

    def _items_back(self, round_: Round) -> None:
        """The items are where they were before the round, whatever was seen where the round had put them."""
        self._items.drop_at({each.target for each in round_.moves if each.action == RELABEL})
        for each in round_.moves:
            self._items.put(each.id, Item(each.path, each.label, each.content))

    def _unknown(self) -> list[int]:
        """The rounds that were applied and that the journal does not know."""
        folders = {each: self.paths.round_folder(each) for each in self.paths.rounds_on_disk()}
        known = self._store.state.rounds
        return [each for each, folder in folders.items() if each not in known and state_of(folder) == APPLIED]


def _no_step(_: str) -> None:
    """Nobody listens to the steps."""
