"""The journal: every decision on every image, kept line by line, undone, merged, applied and rolled back."""

from __future__ import annotations

import warnings
from collections import Counter
from pathlib import Path
from types import NoneType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from bearwidgets.clean.apply.paths import DataPaths
from bearwidgets.clean.apply.plan import Plan
from bearwidgets.clean.apply.transaction import Rounds
from bearwidgets.clean.log.item_index import Items
from bearwidgets.clean.log.lines import (
    check_choice,
    check_class,
    decisions_table,
    entry,
    in_words,
    remark_entry,
    rounds_table,
)
from bearwidgets.clean.log.manifest import ManifestWriter
from bearwidgets.clean.log.merge import MergeResult, merge_journals
from bearwidgets.clean.log.remarks import NOTHING, changed, check_number, checked_note, checked_tag
from bearwidgets.clean.log.reset import first_lines
from bearwidgets.clean.log.writer import JournalStore, user_name
from bearwidgets.data.actions import ACTIONS, Choice
from bearwidgets.data.dataset import check_dataset
from bearwidgets.data.workspace import resolved
from bearwidgets.errors import BadInputError, ConflictError, MissingFileError, and_more, shortened
from bearwidgets.files import refuse_links

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from bearwidgets.clean.apply.plan import Receipt
    from bearwidgets.clean.log.fold import Decision
    from bearwidgets.clean.log.remarks import Remark
    from bearwidgets.data.dataset import Dataset


class Step(NamedTuple):
    """What an undo or redo did.

    Attributes:
        ids: The items it was about; none if there was nothing to do.
        what: The act in words, and whose it was if not this journal's own, such as that of another view in this
            process or of another notebook: "delete black/26.jpg (other view)".
    """

    ids: list[str]
    what: str


class Journal:
    """The decisions on a data set: `journal.jsonl` in its workspace. Made by `Journal.open`.

    Several journals, threads and processes may have the same file open; each sees what the others write. What
    `record` returned from is on disk.

    Attributes:
        path: The file.
        by: Who decides.
        recovered: Whether a round that had been interrupted was brought to an end when the journal was opened; a data
            set that was read before has to be read again (`Dataset.reread`).

    Example:
        >>> journal = bw.Journal.open(ds)
        >>> journal.record(ds.table.id[:2], "relabel", "grizzly")
        2
        >>> receipt = journal.apply()
        >>> receipt.counts["relabel"]
        2
        >>> undone = journal.rollback(receipt.round)
    """

    def __init__(self, workspace: Path, dataset: Dataset | None, by: str) -> None:
        self.path = workspace / "journal.jsonl"
        self.by = by
        self.recovered = False
        self._items = Items(None if dataset is None else dataset.table)
        self._store = JournalStore(self.path, self._items, by)
        self._folders = dataset is not None and dataset.source == "folder"
        self._classes = set() if dataset is None else set(dataset.classes)
        self._manifest = ManifestWriter(workspace / "manifest.csv", self._manifest_changes)
        self._in_manifest = 0  # the version that the manifest is of
        self._table: tuple[int, pd.DataFrame] | None = None  # the decisions and the version they are of
        self._rounds: Rounds | None = None
        if dataset is not None:
            paths = DataPaths.of(dataset)
            self._store.prepare = paths.prepare
            self._rounds = Rounds(self._store, paths, self._items, dataset.table)
            self._store.moves = self._rounds.relabeled_files

    @classmethod
    def open(cls, source: Dataset | Path | str, *, by: str | None = None) -> Journal:
        """Open the journal of a data set, or a workspace folder to read the decisions in it.

        A round of moves that was interrupted (a killed kernel, a power cut) is taken back here: the files are as
        before it, its decisions pending again, and a warning says so. So does one where entries are damaged.

        Args:
            source: The data set; or a workspace folder, whose journal can then be read but not written.
            by: The name of the person who decides; BEARWIDGETS_USER, that at a JupyterHub or the system's
                user name if not given.

        Raises:
            MissingFileError: There is no journal in the folder.
            WorkspaceError: The workspace cannot be written, or a newer version wrote the journal.
        """
        name = user_name(by)
        if isinstance(source, (str, Path)):
            workspace = Path(source).expanduser().resolve()
            refuse_links(workspace)
            if not (workspace / "journal.jsonl").is_file():
                raise MissingFileError(
                    f"No journal in {workspace}: give a workspace, such as 'bears/.bearwidgets', or the data set."
                )
            journal = cls(workspace, None, name)
            journal._warn_of_damage()
            return journal
        # Decisions are about the files, not about a view of them.
        dataset = check_dataset(source, "source").on_disk
        refuse_links(dataset.workspace)
        journal = cls(dataset.workspace, dataset, name)
        journal._start()
        journal._warn_of_damage()
        return journal

    def reopen(self, source: Dataset) -> Journal:
        """The journal of the data set as it is now, by the same person; what this one did counts as its own."""
        journal = Journal.open(source, by=self.by)
        journal._store.go_on_as(self._store)  # noqa: SLF001 - of this very class
        return journal

    @property
    def settled(self) -> dict[str, tuple[str, ...]]:
        """What relabels that stand in the files by now have answered, by id: answers outlive the applied decision."""
        with self._store.reading() as state:
            return state.settled()

    @property
    def version(self) -> int:
        """Grows with every change to the decisions, whoever makes it."""
        with self._store.reading() as state:
            return state.version

    def changes_since(self, version: int) -> dict[str, Decision | None]:
        """The items whose decision changed after a `version`, by whomever, the newest change last.

        Its cost grows with what changed, where `decisions` makes a table of everything. Read `version` first, then
        the changes since the one before; what comes in between is then told twice, never missed.

        Returns:
            Per id the decision now in force, or None where there is none any more.

        Example:
            >>> known = journal.version
            >>> journal.record(list(ds.table.id[:2]), "delete")
            2
            >>> [decision.action for decision in journal.changes_since(known).values()]
            ['delete', 'delete']
            >>> sorted(journal.changes_since(known)) == sorted(journal.undo())
            True
        """
        with self._store.reading() as state:
            return state.changed_since(version)

    @property
    def decisions(self) -> pd.DataFrame:
        """The decision now in force per item, oldest first.

        Decisions that were withdrawn, undone or applied are not in it; those about images that the data set does not
        have are. Do not change the table; it is shared until the next decision.

        Returns:
            Index id; columns path, content, action, label (as it was), new_label, decided_at, decided_by, seq, about
            (what a keep or relabel answers: "label", "image, duplicate"), what the screen showed: rank_by, predicted,
            confidence, loss, label_issue; and tags (parted by "; ") and note.
        """
        with self._store.reading() as state:
            if self._table is None or self._table[0] != state.version:
                self._table = state.version, decisions_table(state.pending(), state.remarks)
            return self._table[1]

    @property
    def rounds(self) -> pd.DataFrame:
        """The rounds that were applied.

        Returns:
            Index round; columns applied_at, by, delete and relabel (how many), rolled_back_at (None while it stands).
        """
        with self._store.reading() as state:
            return rounds_table(state.rounds.values())

    @property
    def notes(self) -> list[str]:
        """Sentences on what a user should know: lines passed over, rounds taken back, a manifest not written."""
        failure = [] if self._manifest.failure is None else [str(self._manifest.failure)]
        rounds = self._rounds.notes if self._rounds else []
        return [*self._store.skipped, *self.damage, *self._absent(), *rounds, *failure]

    @property
    def damage(self) -> list[str]:
        """Sentences on what was recorded and cannot be read, or is not there any more.

        A damaged line may have withdrawn a decision, which is then in force again: `apply` refuses until it is
        accepted. What is missing at the end, as in a journal from a backup, is told only.
        """
        with self._store.reading():
            return [*self._store.lost.values(), *self._store.damage.values()]

    def accept_damage(self) -> list[str]:
        """Go on without what is damaged, after a look at the decisions in force; that this was said is recorded.

        Returns:
            The sentences of `damage`, which is empty from now on.

        Raises:
            WorkspaceError: As `record`.

        Example:
            >>> journal.accept_damage()
            []
        """
        self._need_dataset("accept_damage")
        with self._store.writing():
            told = {**self._store.lost, **self._store.damage}
            if told:
                self._store.append([{"action": "accept", "of": list(told)}])
        return list(told.values())

    @property
    def standing(self) -> list[int]:
        """The rounds that were applied and not rolled back, oldest first; quick, where `rounds` makes a table."""
        with self._store.reading() as state:
            return [each.number for each in state.standing_rounds()]

    def decision(self, id: str) -> Decision | None:  # noqa: A002 - the name of the column
        """The decision in force on one item, or None; quick, where `decisions` makes a table."""
        with self._store.reading() as state:
            return state.in_force(id)

    def history(self, id: str) -> list[Decision]:  # noqa: A002 - the name of the column
        """Every decision on one item that was not undone, the oldest first; a withdrawal is one of them."""
        with self._store.reading() as state:
            return [act.after[id] for act in state.undoable if id in act.after]

    def record(
        self,
        ids: Sequence[str],
        action: str,
        label: str | None = None,
        *,
        about: str | Sequence[str] = (),
        seen: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> int:
        """Decide on items: one act, which one undo takes back. On disk when this returns.

        A relabel to the label that an item has is recorded as keep. What is decided that way already is not recorded
        again.

        A keep answers a question: that the label is right (what it says if nothing else is named, and in journals
        from before there were three), that the image is fine, or that it is no duplicate. These answers stand side by
        side, with a new label too, which only "the label is right" takes back. Delete and unsure answer everything,
        clear takes back all answers, undo and redo those of their act. Merging joins the answers of two people. The
        manifest lists them; apply, exports and labels.csv follow the action alone.

        Args:
            ids: Items of the data set.
            action: keep, delete, relabel, unsure, or clear (withdraws the decision).
            label: The new class of a relabel; one that does not exist yet must be safe as a folder name.
            about: What a keep says is fine: "label", "image" or "duplicate", or several of them.
            seen: Per id what the screen showed: any of rank_by, predicted, confidence, loss, label_issue.

        Returns:
            How many items changed.

        Raises:
            BadInputError: An id, the action, the label or what it is about is not allowed; nothing was recorded.
            WorkspaceError: The disk is full or cannot be written; nothing was recorded.

        Example:
            >>> journal.record(list(ds.table.id[:1]), "relabel", "grizzly")
            1
            >>> journal.record(list(ds.table.id[:1]), "keep", about="image")
            1
            >>> journal.decisions.loc[ds.table.id[0], ["new_label", "about"]].tolist()
            ['grizzly', 'label, image']
        """
        if ids is None or not hasattr(ids, "__iter__"):
            raise BadInputError(f"ids are {shortened(ids)}; allowed is a list of ids.")
        if isinstance(ids, str):
            came = shortened(ids)
            raise BadInputError(f"ids is the text {came}; allowed is a list of ids, such as [{came}].")
        answers = (about,) if isinstance(about, str) else tuple(about)
        check_choice(action, label, answers)
        return len(self.record_each(dict.fromkeys(ids, Choice(action, label, answers)), seen=seen))

    def record_each(
        self,
        choices: Mapping[str, Choice | tuple[str, str | None]],
        *,
        seen: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> list[str]:
        """As `record`, with a choice (or an action and a label) for each id: still one act, for one undo.

        Returns:
            The ids whose decision changed.
        """
        self._need_dataset("record")
        chosen = {id_: Choice(*choice) for id_, choice in choices.items()}
        for choice in set(chosen.values()):
            check_choice(*choice)
        self._check_classes({each.label for each in chosen.values() if each.label is not None})
        entries = []
        with self._store.writing() as state:
            for id_, choice in chosen.items():
                shown = None if seen is None else seen.get(id_)
                line = entry(id_, choice, items=self._items, latest=state.latest, seen=shown)
                if line is not None:
                    entries.append(line)
            if entries:
                self._store.append(entries, bulk=True)
        self._manifest.touch()
        return [line["id"] for line in entries]

    @property
    def remarks(self) -> dict[str, Remark]:
        """Tags and note by id, of the items that have any.

        Example:
            >>> journal.remark(ds.table.id[:2], add=["ask Ann"], note="Two bears?") == list(ds.table.id[:2])
            True
            >>> [each.tags for each in journal.remarks.values()], journal.tags
            ([('ask Ann',), ('ask Ann',)], {'ask Ann': 2})
            >>> journal.remark(ds.table.id[:2], remove=["ask Ann"], note="") == list(ds.table.id[:2])
            True
        """
        with self._store.reading() as state:
            return {id_: each for id_, each in state.remarks.items() if each.value != NOTHING}

    @property
    def tags(self) -> dict[str, int]:
        """How many items have each tag, the most frequent first."""
        with self._store.reading() as state:
            return state.remarks.tags()

    def remark(
        self,
        ids: Sequence[str],
        *,
        add: Sequence[str] = (),
        remove: Sequence[str] = (),
        note: str | None = None,
    ) -> list[str]:
        """Give tags to items, take tags away, or write a note: one act, which one undo takes back.

        Tags and notes are no decisions: they change neither files nor training. They are on disk when this returns.

        Args:
            ids: Items of the data set.
            add: Tags of 1 to 50 characters, without comma or semicolon; at most 20 on an item, 200 in all.
            remove: Tags to take away.
            note: The note of each from now on, at most 1,000 characters; "" takes it away, None leaves it.

        Returns:
            The ids whose tags or note changed.

        Raises:
            BadInputError: An id, a tag or the note is not allowed; nothing was recorded.
            WorkspaceError: As `record`.
        """
        self._need_dataset("remark")
        add, remove = ([checked_tag(each) for each in tags] for tags in (add, remove))
        note = None if note is None else checked_note(note)
        entries = []
        with self._store.writing() as state:
            check_number({*state.remarks.tags(), *add})
            for id_ in dict.fromkeys(ids):
                after = changed(state.remarks.get(id_), add, remove, note)
                line = remark_entry(id_, after or NOTHING, self._items)
                if after is not None:
                    entries.append(line)
            if entries:
                self._store.append(entries, bulk=True)
        self._manifest.touch()
        return [line["id"] for line in entries]

    @property
    def can_undo(self) -> bool:
        """Whether `undo` would take something back."""
        with self._store.reading() as state:
            return state.next_act("undo", self._store.session) is not None

    @property
    def can_redo(self) -> bool:
        """Whether `redo` would do something again."""
        with self._store.reading() as state:
            return state.next_act("redo", self._store.session) is not None

    def undo(self) -> list[str]:
        """Take back the newest act that is not taken back yet; a bulk act as a whole, also after a restart.

        This journal's own acts come first; those of another one on the same file, such as another view's or another
        notebook's, only where none of its own is left. What a round carried out is not undone here: roll the round
        back first.

        Returns:
            The ids it was about; empty if there is nothing to undo.

        Raises:
            WorkspaceError: As `record`.
        """
        return self.step("undo").ids

    def redo(self) -> list[str]:
        """Do again what `undo` took back last, unless something was decided here since; its own undo first.

        Returns:
            The ids it was about; empty if there is nothing to do again.

        Raises:
            WorkspaceError: As `record`.
        """
        return self.step("redo").ids

    def step(self, what: Literal["undo", "redo"]) -> Step:
        """`undo` or `redo`, with what that was in words.

        Raises:
            WorkspaceError: As `record`.

        Example:
            >>> journal.record(list(ds.table.id[:1]), "delete")
            1
            >>> journal.step("undo").what
            'delete black/0001.jpg'
        """
        self._need_dataset(what)
        with self._store.writing() as state:
            act = state.next_act(what, self._store.session)
            if act is None:
                return Step([], "")
            maker, when = (act.session, act.seq) if what == "undo" else act.undone
            self._store.append([{"action": what, "of": act.seq}])
        self._manifest.touch()
        return Step(act.ids, in_words(act) + self._store.whose(maker, when))

    def plan(self) -> Plan:
        """What `apply` would do, with every file's bytes checked; nothing is changed."""
        rounds = self._need_dataset("plan")
        with self._store.reading():
            return rounds.plan()

    def apply(self, plan: Plan | None = None) -> Receipt:
        """Carry out the decisions to delete and relabel: all that are planned, or none.

        Deleted images go to the workspace's trash, relabeled ones to the folder of their class. Labels from a CSV
        file change in that file (the one before is kept with the round), labels from a DataFrame are written to
        labels.csv in the workspace. Read the data set again afterwards: its paths and labels are those of before.

        Args:
            plan: From `plan()`; its problems are left out and stay pending. Without one, a problem stops it all.

        Returns:
            What was done; of round 0 where nothing is pending, so that doing it again is no error.

        Raises:
            ConflictError: Files are not as planned, or the journal is damaged (`damage`); everything is as it was.
            WorkspaceError: The disk is full or cannot be written; everything is as it was.
        """
        rounds = self._need_dataset("apply")
        if not isinstance(plan, (Plan, NoneType)):
            raise BadInputError(f"plan is {shortened(plan)}; allowed is what journal.plan() gives, or none.")
        with self._store.writing():
            if damage := self._store.damage:
                raise ConflictError(
                    f"The journal is damaged: {and_more(damage.values(), 3, separator='; ')}. What is lost may have"
                    " withdrawn a decision, so nothing was changed. Look at the decisions in force"
                    " (journal.decisions), then call journal.accept_damage() (on the command line: bearwidgets apply"
                    " --accept-damage) and apply again."
                )
            receipt = rounds.apply(plan)
        self._manifest.touch()
        return receipt

    def rollback(self, round: int | None = None) -> Receipt:  # noqa: A002 - the word of plan and receipt
        """Bring back the files of a round, the newest if none is given: byte for byte, with their names and times.

        Its decisions are pending again. Rounds are rolled back from the newest to the oldest.

        Raises:
            BadInputError: There is no such round, or none to roll back, or it is rolled back already.
            ConflictError: A later round stands, a file changed or is in the way; nothing was changed.
            WorkspaceError: The disk is full or cannot be written; call it again to finish.
        """
        rounds = self._need_dataset("rollback")
        if isinstance(round, bool) or not isinstance(round, (int, np.integer, NoneType)):
            raise BadInputError(
                f"round is {shortened(round)}; allowed is the number of a round, see journal.rounds."
            )
        with self._store.writing():
            receipt = rounds.roll_back(None if round is None else int(round))
        self._manifest.touch()
        return receipt

    def reset(self) -> Path:
        """Begin a new journal, without decisions, tags and notes, and keep the old one beside it.

        Rounds that were applied stand, and can still be rolled back; undo does not reach back. No image is touched.
        To have the old journal back, put it in the place of the new one.

        Returns:
            The old journal, such as `journal-1.jsonl`.

        Raises:
            BadInputError: There is no journal yet.
            WorkspaceError: The disk is full or cannot be written; the journal is as it was.

        Example:
            >>> journal.record(list(ds.table.id[:2]), "delete")
            2
            >>> journal.reset().name, len(journal.decisions)
            ('journal-1.jsonl', 0)
        """
        self._need_dataset("reset")
        with self._store.writing() as state:
            if not self.path.exists():
                raise BadInputError("There is no journal to reset: nothing is recorded yet.")
            kept = self._store.begin_anew(first_lines(state))
        self._manifest.touch()
        return kept

    def prepare(self) -> None:
        """Make the workspace, where there was nothing to keep yet.

        Raises:
            WorkspaceError: It cannot be made or written, or is another data set's.
        """
        self._need_dataset("prepare").paths.prepare()

    def write_manifest(self) -> Path:
        """Write manifest.csv now; it also follows every change by itself.

        Raises:
            WorkspaceError: It cannot be written: a full disk, or another program has it open.
        """
        self.prepare()
        return self._manifest.write()

    @staticmethod
    def merge(
        ours: Path | str, theirs: Path | str, into: Path | str, *, by: str | None = None
    ) -> MergeResult:
        """Bring two people's decisions together.

        What only one of the two decided or changed since their journals were the same is taken. Where both decided
        differently, the item becomes unsure, so that nothing is done to it before somebody has looked again. All of
        it is one act: one undo leaves ours.

        Args:
            ours: A workspace folder or journal file.
            theirs: Another.
            into: A folder for the merged journal; `ours` itself, or one without a journal.
            by: Who merges.

        Returns:
            How many decisions were taken, and the conflicts as a table.

        Raises:
            MissingFileError: There is no journal at `ours` or `theirs`.
            BadInputError: `into` has a journal of its own.
            WorkspaceError: A journal cannot be read or written.
        """
        return merge_journals(resolved(ours), resolved(theirs), resolved(into), user_name(by))

    def __repr__(self) -> str:
        with self._store.reading() as state:
            counts = Counter(each.action for each in state.pending())
        said = ", ".join(f"{counts[action]} {action}" for action in ACTIONS if action in counts)
        return f"Journal({str(self.path)!r}: {said or 'no decisions pending'})"

    def _start(self) -> None:
        rounds = self._need_dataset("open")
        rounds.paths.check_writable()
        self._store.refresh()
        self._store.mark_opened()
        self._store.follow = rounds.follow
        self.recovered = rounds.recover_if_alone()
        if rounds.notes:
            again = " If the data set was opened before this, open it again." if self.recovered else ""
            warnings.warn(f"{' '.join(rounds.notes)}{again}", stacklevel=3)
        manifest = self._manifest.path
        if self.path.exists() and (
            not manifest.exists() or manifest.stat().st_mtime_ns < self.path.stat().st_mtime_ns
        ):
            self._manifest.touch()

    def _absent(self) -> list[str]:
        """A sentence on the decisions whose image is not in the data set."""
        if self._rounds is None:
            return []
        with self._store.reading() as state:
            absent = [
                f"{each.path} ({each.action})" for each in state.pending() if self._items.get(each.id) is None
            ]
        return (
            [f"decisions whose image is not in the data set (any more): {and_more(absent, 5)}"]
            if absent
            else []
        )

    def _warn_of_damage(self) -> None:
        if damage := self.damage:
            warnings.warn(
                f"The journal is damaged: {and_more(damage, 3, separator='; ')}. What was withdrawn may be in force"
                " again: look at journal.decisions, then call journal.accept_damage().",
                stacklevel=3,
            )

    def _need_dataset(self, what: str) -> Rounds:
        if self._rounds is None:
            raise BadInputError(
                f"{what} needs the data set, and this journal was opened from its folder, to read. Use"
                " Journal.open(Dataset.from_folder(...))."
            )
        return self._rounds

    def _check_classes(self, labels: set[str]) -> None:
        """Refuse new classes that are no safe folder, or that differ too little from one another."""
        if new := labels - self._classes:
            with self._store.reading() as state:
                known = self._classes | {to for (_, to), n in state.choices.items() if n and to is not None}
            for label in sorted(new):
                known.add(check_class(label, known, folders=self._folders))

    def _manifest_changes(self) -> Mapping[str, tuple[Decision | None, Remark | None]]:
        with self._store.reading() as state:
            changes, self._in_manifest = state.changed_since(self._in_manifest), state.version
            return {id_: (each, state.remarks.said(id_)) for id_, each in changes.items()}
