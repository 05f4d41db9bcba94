"""The journal: record, undo, redo, restarts, copies, full disks, several writers."""

from __future__ import annotations

import errno
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from made_data import write_images
from rounds_kit import ids_of, in_force, lines_of

from bearwidgets import files as disk
from bearwidgets.clean.journal import Journal
from bearwidgets.clean.log import file as journal_file
from bearwidgets.clean.log import writer as log_writer
from bearwidgets.clean.log.manifest import ManifestWriter
from bearwidgets.data.dataset import Dataset
from bearwidgets.errors import BadInputError, MissingFileError, WorkspaceError


def test_record_writes_one_line_per_item(dataset, journal):
    first, second = ids_of(dataset, 2)
    seen = {
        first: {"rank_by": "loss", "predicted": "teddy", "confidence": np.float32(0.5), "loss": float("nan")}
    }
    assert journal.record([first, second, first], "relabel", "grizzly", seen=seen) == 2
    one, two = lines_of(journal)
    assert one["v"] == 1
    assert (one["seq"], one["by"], one["id"], one["path"]) == (1, "Ada", first, "black/000.jpg")
    assert (one["action"], one["from"], one["to"]) == ("relabel", "black", "grizzly")
    assert one["seen"] == {"rank_by": "loss", "predicted": "teddy", "confidence": 0.5, "loss": None}
    assert one["group"] == two["group"] == 1
    assert "seen" not in two
    assert one["time"].endswith("Z")


ANSWERS = ("label", "image", "duplicate")


@pytest.mark.parametrize(
    ("acts", "whole"),
    [
        ([("keep", None)], ("keep", None, ("label",))),
        ([("keep", None, "image")], ("keep", None, ("image",))),
        ([("keep", None, "duplicate"), ("keep", None)], ("keep", None, ("label", "duplicate"))),
        ([("relabel", "teddy"), ("keep", None, "image")], ("relabel", "teddy", ("label", "image"))),
        ([("keep", None, "image"), ("relabel", "teddy")], ("relabel", "teddy", ("label", "image"))),
        ([("relabel", "teddy"), ("keep", None, "image"), ("keep", None)], ("keep", None, ("label", "image"))),
        ([("keep", None, "image"), ("relabel", "black")], ("keep", None, ("label", "image"))),
        ([("keep", None, ANSWERS), ("delete", None)], ("delete", None, ())),
        ([("delete", None), ("keep", None, "duplicate")], ("keep", None, ("duplicate",))),
        ([("unsure", None), ("keep", None, "image")], ("keep", None, ("image",))),
    ],
)
def test_answers_stand_side_by_side(dataset, journal, acts, whole):
    (id_,) = ids_of(dataset, 1)
    wholes = [None]
    for action, label, *about in acts:
        assert journal.record([id_], action, label, about=about[0] if about else ()) == 1
        wholes.append(journal.decision(id_).whole)
    assert wholes[-1] == whole
    assert journal.record([id_], *acts[-1][:2], about=acts[-1][2] if len(acts[-1]) > 2 else ()) == 0
    assert Journal.open(dataset).decision(id_).whole == whole
    for before in reversed(wholes[:-1]):
        journal.undo()
        assert getattr(journal.decision(id_), "whole", None) == before
    journal.redo()
    journal.record([id_], "clear")
    assert journal.decision(id_) is None
    journal.record([id_], "keep", about="image")
    assert journal.decision(id_).about == ("image",)


@pytest.mark.parametrize(
    ("action", "about", "said"),
    [
        ("delete", "image", "only 'keep' is about something"),
        ("keep", "imag", "Did you mean 'image'"),
        ("keep", ["label", "x"], "No answer 'x'"),
    ],
)
def test_what_a_keep_cannot_be_about_is_refused(dataset, journal, action, about, said):
    with pytest.raises(BadInputError, match=said):
        journal.record(ids_of(dataset, 1), action, about=about)
    assert not journal.path.exists()


def test_a_keep_that_does_not_say_what_it_is_about_is_about_the_label(dataset, journal):
    """As in journals from before there were three answers, whose lines stay as they were."""
    (id_,) = ids_of(dataset, 1)
    journal.record([id_], "keep")
    assert "about" not in lines_of(journal)[0]
    assert journal.decisions.about.tolist() == ["label"]


def test_own_acts_are_undone_first_and_those_of_others_are_called_so(dataset, journal, monkeypatch):
    a, b, c, d = ids_of(dataset, 4)
    journal.record([a], "delete")
    here = log_writer.this_process
    monkeypatch.setattr(log_writer, "this_process", lambda: "another process ")
    other = Journal.open(dataset, by="Bea")
    other.record([b, c], "keep")
    journal.record([d], "relabel", "teddy")
    other.record([d], "keep", about="image")
    assert other.step("undo").what == "keep black/003.jpg"
    assert other.step("undo").what == "keep black/001.jpg, black/002.jpg"
    assert other.step("undo") == ([d], "relabel black/003.jpg to teddy (other notebook)")
    assert other.step("undo") == ([a], "delete black/000.jpg (earlier session)")
    assert other.step("undo") == ([], "")
    with monkeypatch.context() as back:
        back.setattr(log_writer, "this_process", here)
        assert journal.step("redo").what == "delete black/000.jpg (other notebook)"
    assert other.step("redo").what == "relabel black/003.jpg to teddy"


def test_another_view_in_this_process_is_no_other_notebook(dataset, journal):
    a, b = ids_of(dataset, 2)
    journal.record([a], "delete")
    view = Journal.open(dataset)
    journal.record([b], "keep")
    assert view.step("undo").what == "keep black/001.jpg (other view)"
    assert view.step("undo").what == "delete black/000.jpg (other view)"
    assert journal.step("redo").what == "delete black/000.jpg (other view)"


def test_another_process_is_another_notebook(dataset, journal):
    code = (
        "import sys; from bearwidgets import Dataset, Journal; ds = Dataset.from_folder(sys.argv[1]);"
        "Journal.open(ds).record([ds.table.id[0]], 'delete')"
    )
    subprocess.run([sys.executable, "-c", code, str(dataset.root)], check=True)
    assert journal.step("undo").what == "delete black/000.jpg (other notebook)"


def test_what_was_decided_on_since_is_not_undone_under_it(dataset, journal):
    a, b = ids_of(dataset, 2)
    other = Journal.open(dataset, by="Bea")
    journal.record([a], "unsure")
    journal.record([b], "delete")
    other.record([b], "keep")
    assert journal.undo() == [a], "the newest of its own on which nobody else has decided"
    assert journal.undo() == [b], "that of the other"
    assert in_force(journal) == {b: ("delete", None)}
    assert journal.undo() == [b]
    assert in_force(other) == {}


def test_decisions_table(dataset, journal):
    first, second, third = ids_of(dataset, 3)
    journal.record([first], "delete")
    journal.record([second], "relabel", "teddy", seen={second: {"loss": 2.5, "label_issue": np.True_}})
    journal.record([third], "unsure")
    journal.record([third], "clear")
    table = journal.decisions
    assert table.index.name == "id"
    assert table.index.tolist() == [first, second]
    assert table.loc[second, ["path", "action", "label", "new_label", "decided_by", "loss"]].tolist() == [
        "black/001.jpg",
        "relabel",
        "black",
        "teddy",
        "Ada",
        2.5,
    ]
    assert table.loc[second, "label_issue"] is True
    assert table.loc[first, "new_label"] is None
    assert journal.decisions is table
    assert journal.decision(first).action == "delete"
    assert journal.decision(third) is None


def test_one_undo_takes_back_a_bulk_act_also_after_a_restart(dataset, journal):
    ids = ids_of(dataset, 10)
    journal.record(ids[:1], "keep")
    journal.record(ids, "delete")
    again = Journal.open(dataset)
    assert again.can_undo
    assert not again.can_redo
    assert again.undo() == ids
    assert in_force(again) == {ids[0]: ("keep", None)}
    third = Journal.open(dataset)
    assert third.redo() == ids
    assert set(in_force(third).values()) == {("delete", None)}
    assert third.redo() == []
    assert third.undo() == ids
    assert third.undo() == ids[:1]
    assert third.undo() == []
    assert in_force(third) == {}


def test_each_item_its_own_choice_in_one_act(dataset, journal):
    a, b, c = ids_of(dataset, 3)
    assert journal.record_each({a: ("relabel", "teddy"), b: ("delete", None), c: ("clear", None)}) == [a, b]
    assert in_force(journal) == {a: ("relabel", "teddy"), b: ("delete", None)}
    assert journal.undo() == [a, b]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((["x"], "delete"), "No item 'x'"),  # three good ids stand before it
        (("abc", "delete"), "list of ids"),
        (([], "delte"), "Did you mean 'delete'"),
        (([], "relabel"), "record(ids, 'relabel', 'grizzly')"),
        (([], "keep", "black"), "label='black'"),
        (([], "relabel", "Black"), "Did you mean 'black'"),
        (([], "relabel", "a/b"), "separator"),
        (([], "relabel", "a\\b"), "separator"),
        (([], "relabel", ".hidden"), "dot"),
        (([], "relabel", ".."), "dot"),
        (([], "relabel", "end."), "dot"),
        (([], "relabel", " "), "empty"),
        (([], "relabel", "a\nb"), "control"),
        (([], "relabel", "a\0b"), "control"),
        (([], "relabel", "a\u202eb"), "direction"),
        (([], "relabel", "nul"), "device"),
        (([], "relabel", "COM1.txt"), "device"),
        (([], "relabel", "x" * 101), "longer"),
        (([], "relabel", 7), "no text"),
        (([], "relabel", "valid"), "split"),
    ],
)
def test_bad_input_is_refused_and_nothing_is_written(dataset, journal, arguments, said):
    ids, *rest = arguments
    with pytest.raises(BadInputError, match=re.escape(said)):
        journal.record(ids if isinstance(ids, str) else [*ids_of(dataset, 3), *ids], *rest)
    assert not journal.path.exists()


def test_new_classes_are_told_apart(dataset, journal):
    a, b = ids_of(dataset, 2)
    journal.record([a], "relabel", "panda bear")
    with pytest.raises(BadInputError, match="Did you mean 'panda bear'"):
        Journal.open(dataset).record([b], "relabel", "Panda Bear")
    assert journal.record([b], "relabel", "panda bear") == 1


def test_journal_that_was_replaced_is_read_anew(dataset, journal):
    a, b, c = ids_of(dataset, 3)
    journal.record([a], "delete")
    old = journal.path.read_bytes()
    journal.record([b], "delete")
    version = journal.version
    journal.path.write_bytes(old)
    assert list(in_force(journal)) == [a]
    assert journal.version > version
    assert {id_: each and each.action for id_, each in journal.changes_since(version).items()} == {
        a: "delete",
        b: None,
    }
    journal.path.unlink()
    assert in_force(journal) == {}
    journal.record([c], "keep")
    assert list(in_force(journal)) == [c]
    changes = journal.changes_since(version)
    assert (changes[a], changes[b], changes[c].action) == (None, None, "keep")


@pytest.mark.parametrize("where", ["write", "fsync"])
def test_full_disk_leaves_journal_and_memory_as_they_were(dataset, journal, monkeypatch, where):
    ids = ids_of(dataset, 6)
    journal.record(ids[:2], "delete")
    before, version, table = journal.path.read_bytes(), journal.version, in_force(journal)
    real_write = os.write
    calls = []

    def write(descriptor, data):
        calls.append(len(data))
        if len(calls) > 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real_write(descriptor, data[: len(data) // 2])

    def fsync(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(journal_file.os, where, write if where == "write" else fsync)
        with pytest.raises(WorkspaceError, match=r"full.*Nothing was recorded.*Free some space"):
            journal.record(ids, "unsure")
        with pytest.raises(WorkspaceError):
            journal.undo()
    assert journal.path.read_bytes() == before
    assert (journal.version, in_force(journal)) == (version, table)
    assert journal.record(ids, "unsure") == 6
    assert set(in_force(Journal.open(dataset)).values()) == {("unsure", None)}


def test_short_writes_are_continued(dataset, journal, monkeypatch):
    real_write = os.write
    monkeypatch.setattr(journal_file.os, "write", lambda descriptor, data: real_write(descriptor, data[:7]))
    journal.record(ids_of(dataset, 3), "delete")
    assert len(in_force(Journal.open(dataset))) == 3


def test_read_only_root_says_workspace(dataset, monkeypatch, tmp_path):
    real_access = os.access
    monkeypatch.setattr(
        os, "access", lambda path, mode: Path(path) != dataset.root and real_access(path, mode)
    )
    with pytest.raises(WorkspaceError, match="workspace="):
        Journal.open(dataset)
    elsewhere = replace(dataset, workspace=tmp_path / "new" / "space")
    assert Journal.open(elsewhere).record(ids_of(dataset, 1), "delete") == 1


@pytest.mark.parametrize(
    ("owner", "call", "code", "said"),
    [
        (journal_file.os, "open", errno.EROFS, r"Read-only.*workspace="),
        (disk.fcntl, "flock", errno.ENOSYS, "no file locks"),
    ],
)
def test_a_file_system_that_refuses_says_so(dataset, journal, monkeypatch, owner, call, code, said):
    def refuse(*_):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(owner, call, refuse)
    with pytest.raises(WorkspaceError, match=said):
        journal.record(ids_of(dataset, 1), "delete")
    monkeypatch.undo()
    assert in_force(journal) == {}


def run(code, *arguments):
    script = "import sys\nfrom bearwidgets import Dataset, Journal\n"
    command = [sys.executable, "-c", script + textwrap.dedent(code), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_two_processes_write_at_once(dataset, journal):
    code = """
        dataset = Dataset.from_folder(sys.argv[1])
        journal = Journal.open(dataset, by=sys.argv[2])
        ids = dataset.table["id"].tolist()
        for n in range(15):
            for id_ in ids[:3]:
                journal.record([id_], ("delete", "unsure", "keep")[n % 3])
    """
    processes = [run(code, dataset.root, name) for name in ("Ada", "Bo")]
    for process in processes:
        process.communicate(timeout=60)
        assert process.returncode == 0
    lines = lines_of(journal)
    assert [line["seq"] for line in lines] == list(range(1, len(lines) + 1))
    assert {line["by"] for line in lines} == {"Ada", "Bo"}
    assert in_force(journal) == in_force(Journal.open(dataset))


def test_a_killed_writer_leaves_no_lock(dataset, journal):
    code = """
        import os
        from pathlib import Path
        from bearwidgets.files import locked
        Path(sys.argv[1]).parent.mkdir(exist_ok=True)
        with locked(Path(sys.argv[1])):
            print("held", flush=True)
            sys.stdin.readline()
            os._exit(9)
    """
    lock = dataset.workspace / "journal.lock"
    process = subprocess.Popen(
        [sys.executable, "-c", "import sys\n" + textwrap.dedent(code), str(lock)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "held\n"
    with pytest.raises(WorkspaceError, match="Another process"), disk.locked(lock, wait=0.05):
        pass
    with disk.locked(lock, wait=0) as held:
        assert not held
    process.communicate("\n", timeout=30)
    assert lock.exists()
    assert journal.record(ids_of(dataset, 1), "delete") == 1


def test_decisions_follow_a_file_that_has_a_copy(images, tmp_path):
    shutil.copy(images / "black" / "000.jpg", images / "teddy" / "copy.jpg")
    dataset = Dataset.from_folder(images)
    table = dataset.table.set_index("path")
    original, copy = table.loc["black/000.jpg", "id"], table.loc["teddy/copy.jpg", "id"]
    assert original != copy
    journal = Journal.open(dataset)
    journal.record([copy], "delete")
    journal.record([original], "keep")
    (images / "teddy" / "copy.jpg").rename(tmp_path / "gone.jpg")
    alone = Dataset.from_folder(images)
    new_id = alone.table.set_index("path").loc["black/000.jpg", "id"]
    assert in_force(Journal.open(alone)) == {copy: ("delete", None), new_id: ("keep", None)}
    assert Journal.open(alone).record([copy], "clear") == 1


@pytest.fixture
def with_copies(images):
    """A function that reads the folder anew; three of its files have the same bytes."""
    for copy in ("grizzly/copy.jpg", "teddy/copy.jpg"):
        shutil.copy2(images / "black" / "000.jpg", images / copy)
    return lambda: Dataset.from_folder(images)


def by_path(journal):
    """What is in force on which file, wherever it lies now."""
    places = {id_: journal._items.get(id_) for id_ in journal.decisions.index}
    return {place.path: in_force(journal)[id_] for id_, place in places.items() if place is not None}


def id_at(dataset, path):
    return dataset.table.set_index("path").loc[path, "id"]


def test_the_newest_decision_on_a_copy_outlives_a_rollback(with_copies):
    before = with_copies()
    Journal.open(before).record([id_at(before, "teddy/copy.jpg")], "relabel", "black")
    old = Journal.open(before)
    old.apply()
    after = with_copies()
    journal = Journal.open(after)
    assert in_force(journal) == {}
    journal.record([id_at(after, "black/copy.jpg")], "keep")
    journal.rollback(1)
    for reader in (old, journal, Journal.open(with_copies())):
        assert by_path(reader) == {"teddy/copy.jpg": ("keep", None)}
        assert reader.plan().counts["relabel"] == 0


@pytest.mark.parametrize(
    ("new", "kept"),
    [
        ("teddy/other.jpg", True),
        ("grizzly/other.jpg", True),
        (None, False),  # the copy is gone: nobody means one of the others
    ],
)
def test_a_decision_follows_a_copy_that_is_renamed(with_copies, images, new, kept):
    before = with_copies()
    Journal.open(before).record([id_at(before, "teddy/copy.jpg")], "delete")
    (images / "teddy/copy.jpg").rename(images / new if new else images.parent / "gone.jpg")
    journal = Journal.open(with_copies())
    assert by_path(journal) == ({new: ("delete", None)} if kept else {})
    assert [note for note in journal.notes if "teddy/copy.jpg (delete)" in note] == journal.notes
    assert bool(journal.notes) is not kept


def test_of_two_renamed_copies_each_keeps_its_own_decision(with_copies, images):
    before = with_copies()
    journal = Journal.open(before)
    for folder, action in (("teddy", "delete"), ("grizzly", "unsure")):
        journal.record([id_at(before, f"{folder}/copy.jpg")], action)
        (images / folder / "copy.jpg").rename(images / folder / "other.jpg")
    again = Journal.open(with_copies())
    assert by_path(again) == {"teddy/other.jpg": ("delete", None), "grizzly/other.jpg": ("unsure", None)}


@pytest.mark.parametrize("seed", range(6))
def test_memory_and_a_fresh_reading_agree_where_files_have_copies(with_copies, seed):
    choose = random.Random(seed)  # noqa: S311 - no secret
    journal = other = Journal.open(with_copies())
    for _ in range(14):
        step = choose.choice(["mark", "mark", "mark", "undo", "apply", "rollback", "open"])
        ids = [
            id_ for id_, item in journal._items._items.items() if item.path.endswith(("copy.jpg", "000.jpg"))
        ]
        if step == "mark":
            journal.record([choose.choice(ids)], *choose.choice([*CHOICES, ("relabel", "black")]))
        elif step == "undo":
            journal.undo()
        elif step == "apply" and (plan := journal.plan()).steps and plan.ok:
            journal.apply(plan)
        elif step == "rollback" and journal.standing:
            journal.rollback()
        elif step == "open":
            journal, other = Journal.open(with_copies()), journal
        fresh = Journal.open(with_copies())
        assert by_path(journal) == by_path(other) == by_path(fresh)
        assert journal.can_undo == fresh.can_undo


def test_decisions_follow_a_renamed_file(dataset, journal, images):
    (first,) = ids_of(dataset, 1)
    journal.record([first], "unsure")
    (images / "black" / "000.jpg").rename(images / "teddy" / "new name.jpg")
    assert in_force(Journal.open(Dataset.from_folder(images))) == {first: ("unsure", None)}


def test_journal_of_a_cleaned_view_speaks_of_the_files(dataset, journal):
    train = dataset.table[dataset.table["split"] == "train"]["id"].tolist()
    journal.record(train[:1], "delete")
    view = Journal.open(dataset.cleaned(journal))
    assert view.record(train[:1], "keep") == 1


def test_open_a_folder_to_read(dataset, journal, tmp_path):
    journal.record(ids_of(dataset, 2), "delete")
    read = Journal.open(dataset.workspace)
    assert len(read.decisions) == 2
    with pytest.raises(BadInputError, match="needs the data set"):
        read.record(ids_of(dataset, 1), "keep")
    with pytest.raises(MissingFileError, match="No journal"):
        Journal.open(tmp_path)


def test_who_decides(dataset, monkeypatch):
    monkeypatch.setenv("BEARWIDGETS_USER", "Grace")
    assert Journal.open(dataset).by == "Grace"
    assert Journal.open(dataset, by="Ada").by == "Ada"
    monkeypatch.delenv("BEARWIDGETS_USER")
    monkeypatch.setenv("JUPYTERHUB_USER", "emmy")
    assert Journal.open(dataset).by == "emmy", "whose system's user is jovyan or root"
    monkeypatch.delenv("JUPYTERHUB_USER")
    monkeypatch.setattr("getpass.getuser", lambda: "root")
    assert Journal.open(dataset).by == "root"
    with pytest.raises(BadInputError, match="by="):
        Journal.open(dataset, by=" ")


def test_opening_alone_writes_nothing(dataset, journal):
    assert in_force(journal) == {}
    assert "no decisions" in repr(journal)
    assert not dataset.workspace.exists()


CHOICES = [
    ("keep", None),
    ("delete", None),
    ("unsure", None),
    ("clear", None),
    ("relabel", "teddy"),
    ("relabel", "new"),
]


class JournalMachine(RuleBasedStateMachine):
    """Any order of acts, undo, redo, restarts, torn lines and a second writer gives what a simple model gives."""

    images: Path

    def __init__(self):
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(dir=self.images.parent))
        self.dataset = replace(Dataset.from_folder(self.images), workspace=self.folder)
        self.ids = ids_of(self.dataset)
        self.labels = dict(zip(self.ids, self.dataset.table["label"], strict=True))
        self.journal, self.other = Journal.open(self.dataset), Journal.open(self.dataset)
        self.all, self.past, self.future = (
            {},
            [],
            [],
        )  # all: per item a number that is given once, and what it says
        self.number, self.recorded = 0, {}
        self.followed, self.known = {}, 0

    def teardown(self):
        shutil.rmtree(self.folder)

    @rule(
        picked=st.sets(st.integers(0, 5), min_size=1), choice=st.sampled_from(CHOICES), second=st.booleans()
    )
    def record(self, picked, choice, second):
        ids = [self.ids[n] for n in sorted(picked)]
        writer = self.other if second else self.journal
        changed = {}
        for id_ in ids:
            said = ("keep", None) if choice == ("relabel", self.labels[id_]) else choice
            said = None if said[0] == "clear" else said
            if said != self.now.get(id_):
                self.number += 1
                changed[id_] = (self.all.get(id_), (self.number, said))
        assert writer.record(ids, *choice) == len(changed)
        self.take(writer, changed)

    @rule(
        picked=st.sets(st.integers(0, 5), min_size=1),
        note=st.sampled_from(["", "a", "b"]),
        second=st.booleans(),
    )
    def remark(self, picked, note, second):
        writer = self.other if second else self.journal
        changed = {}
        for id_ in (self.ids[n] for n in sorted(picked)):
            key = "note", id_
            if note != ((self.all.get(key) or (0, ""))[1]):
                self.number += 1
                changed[key] = (self.all.get(key), (self.number, note))
        assert writer.remark([self.ids[n] for n in sorted(picked)], note=note) == [id_ for _, id_ in changed]
        self.take(writer, changed)

    def take(self, writer, changed):
        if changed:
            self.past.append((writer, changed))
            self.recorded[writer] = self.number
            self.future = [each for each in self.future if each[0] is not writer]
            self.all.update({key: new for key, (_, new) in changed.items()})

    @property
    def now(self):
        return {key: each[1] for key, each in self.all.items() if key in self.labels and each and each[1]}

    @property
    def notes(self):
        return {
            key[1]: each[1] for key, each in self.all.items() if key not in self.labels and each and each[1]
        }

    def next_act(self, acts, side):
        """The newest act of whose items nothing else was said since."""
        return next(
            (
                each
                for each in reversed(acts)
                if all(self.all.get(id_) == both[side] for id_, both in each[1].items())
            ),
            None,
        )

    def next_undo(self, writer):
        own = [each for each in self.past if each[0] is writer]
        return self.next_act(own, 1) or self.next_act(self.past, 1)

    def next_redo(self, writer):
        """Of what was undone since this one recorded last: what it undid itself, or else what another did."""
        since = [act for _, act, when in self.future if when > self.recorded.get(writer, 0)]
        own = [act for who, act, _ in self.future if who is writer]
        return self.next_act(own, 0) or self.next_act(since, 0)

    def items_of(self, act):
        return {key if key in self.labels else key[1] for key in (act[1] if act else ())}

    @rule(second=st.booleans())
    def undo(self, second):
        writer = self.other if second else self.journal
        act = self.next_undo(writer)
        assert set(writer.undo()) == self.items_of(act)
        if act:
            self.past.remove(act)
            self.number += 1
            self.future.append((writer, act, self.number))
            self.all.update({id_: old for id_, (old, _) in act[1].items()})

    @rule(second=st.booleans())
    def redo(self, second):
        writer = self.other if second else self.journal
        act = self.next_redo(writer)
        assert set(writer.redo()) == self.items_of(act)
        if act:
            self.future = [each for each in self.future if each[1] is not act]
            self.past.append(act)
            self.all.update({id_: new for id_, (_, new) in act[1].items()})

    @rule()
    def reopen(self):
        self.journal = Journal.open(self.dataset)
        self.followed, self.known = {}, 0

    @rule()
    def follow(self):
        """Who takes in what changed, now and then, ends with what is in force."""
        self.known, changes = self.journal.version, self.journal.changes_since(self.known)
        for id_, decision in changes.items():
            if decision is None:
                self.followed.pop(id_, None)
            else:
                self.followed[id_] = decision.value
        assert self.followed == self.now
        assert self.journal.changes_since(self.known) == {}

    @precondition(lambda self: self.journal.path.exists())
    @rule(torn=st.binary(max_size=20).filter(lambda data: b"\n" not in data))
    def tear(self, torn):
        with self.journal.path.open("ab") as file:
            file.write(b'{"v":1,"seq":' + torn)

    @invariant()
    def equals_the_model(self):
        assert in_force(self.journal) == self.now
        assert in_force(self.other) == self.now
        for writer in (self.journal, self.other):
            assert {id_: each.note for id_, each in writer.remarks.items()} == self.notes
            assert writer.can_undo == bool(self.next_undo(writer))
            assert writer.can_redo == bool(self.next_redo(writer))


def test_journal_equals_a_simple_model(tmp_path, monkeypatch):
    monkeypatch.setattr(
        ManifestWriter, "touch", lambda _: None
    )  # its thread would write into a folder that goes
    JournalMachine.images = write_images(tmp_path / "images", {"black": 3, "teddy": 3})
    run_state_machine_as_test(
        JournalMachine,
        settings=settings(max_examples=25, stateful_step_count=20, deadline=None, database=None),
    )


def test_what_is_no_round_plan_or_list_of_ids_is_refused(ds):
    journal = Journal.open(ds)
    for call in (
        lambda: journal.rollback(1.5),
        lambda: journal.rollback(True),
        lambda: journal.rollback("a"),
        lambda: journal.apply("x"),
        lambda: journal.record(None, "keep"),
    ):
        with pytest.raises(BadInputError, match="allowed is"):
            call()
