"""Plan, apply, roll back: all or nothing, and back byte for byte, whatever the files are called."""

from __future__ import annotations

import errno
import functools
import os
import shutil
import stat
import tempfile
import warnings
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_data import write_images
from rounds_kit import (
    OLD,
    decide,
    files,
    no_links,
    only_links,
    open_journal,
    other_file_system,
    snapshot,
)

from bearwidgets import files as disk
from bearwidgets.clean.apply.free_names import FreeNames
from bearwidgets.clean.journal import Journal
from bearwidgets.clean.log import writer as log
from bearwidgets.data.dataset import Dataset
from bearwidgets.errors import BadInputError, ConflictError, WorkspaceError

pytestmark = pytest.mark.usefixtures("quick")


def test_plan_changes_nothing_and_says_all(bears, decided):
    journal, _, before = decided
    plan = journal.plan()
    assert plan.ok
    assert plan.counts == {"keep": 1, "delete": 3, "relabel": 3, "unsure": 1, "absent": 0}
    assert plan.moves.columns.tolist() == ["id", "path", "action", "label", "new_label", "target", "split"]
    assert plan.moves[["path", "target"]].to_numpy().tolist() == [
        ["black/000.jpg", "trash/0001/black/000.jpg"],
        ["black/001.jpg", "trash/0001/black/001.jpg"],
        ["black/002.jpg", "panda/002.jpg"],
        ["grizzly/000.jpg", "teddy/000-2.jpg"],
        ["grizzly/002.jpg", "teddy/002-2.jpg"],
        ["teddy/003.jpg", "trash/0001/teddy/003.jpg"],
    ]
    assert "3 to delete, 3 to relabel" in repr(plan)
    assert snapshot(bears) == before
    assert not (bears / ".bearwidgets" / "rounds").exists()


def test_apply_and_rollback(bears, decided):
    journal, _, before = decided
    table, pending = journal.decisions, journal.version
    receipt = journal.apply()
    assert receipt.counts == {"delete": 3, "relabel": 3}
    after = snapshot(bears)
    assert after["panda/002.jpg"] == before["black/002.jpg"]
    assert after["teddy/000-2.jpg"] == before["grizzly/000.jpg"]
    assert after["teddy/000.jpg"] == before["teddy/000.jpg"]
    assert "black/000.jpg" not in after
    trash = bears / ".bearwidgets" / "trash" / "0001" / "black" / "000.jpg"
    assert (trash.read_bytes(), trash.stat().st_mtime_ns) == before["black/000.jpg"][:2]
    assert sorted(journal.decisions["action"]) == ["keep", "unsure"]
    assert list(journal.changes_since(pending).values()) == [None] * 6
    assert journal.rounds.loc[1, ["delete", "relabel", "rolled_back_at"]].tolist() == [3, 3, None]
    files_of_round = {"plan.json", "plan-copy.json", "receipt.json", "manifest.csv"}
    assert {each.name for each in receipt.folder.iterdir()} == files_of_round
    again = Journal.open(Dataset.from_folder(bears))
    assert sorted(again.decisions["action"]) == ["keep", "unsure"]
    trash.touch()
    back = again.rollback(receipt.round)
    assert back.round == 1
    assert sorted(each.action for each in journal.changes_since(pending).values()) == sorted(
        ["delete"] * 3 + ["relabel"] * 3
    )
    assert snapshot(bears) == before
    assert not trash.parent.parent.exists()
    for each in (journal, again, Journal.open(Dataset.from_folder(bears))):
        pd.testing.assert_frame_equal(each.decisions, table)
        assert each.plan().counts == {"keep": 1, "delete": 3, "relabel": 3, "unsure": 1, "absent": 0}
        assert each.plan().ok
    assert again.apply().round == 2
    assert again.rounds["rolled_back_at"].isna().tolist() == [False, True]


def test_nothing_to_apply_and_nothing_to_roll_back(bears):
    journal, ids = open_journal(bears)
    with pytest.raises(BadInputError, match="nothing was applied"):
        journal.rollback(1)
    journal.record(list(ids.values()), "keep")
    plan = journal.plan()
    assert plan.ok
    for receipt in (journal.apply(), journal.apply(plan)):
        assert (receipt.round, receipt.counts, len(receipt.moves)) == (0, {"delete": 0, "relabel": 0}, 0)
        assert repr(receipt) == "Nothing to do: no decision to delete or relabel is pending"
    assert journal.rounds.empty
    assert not (bears / ".bearwidgets" / "rounds").exists()


def test_split_folders_and_subfolders_stay(tmp_path):
    write_images(tmp_path / "set" / "train", {"black": 3, "teddy": 3})
    write_images(tmp_path / "set" / "valid", {"black": 2, "teddy": 2}, seed=1)
    deep = tmp_path / "set" / "valid" / "black" / "den"
    deep.mkdir()
    (tmp_path / "set" / "valid" / "black" / "001.jpg").rename(deep / "001.jpg")
    journal, ids = open_journal(tmp_path / "set")
    journal.record([ids["train/black/000.jpg"], ids["valid/black/den/001.jpg"]], "relabel", "teddy")
    assert journal.plan().moves["target"].tolist() == ["train/teddy/000-2.jpg", "valid/teddy/den/001.jpg"]
    before = snapshot(tmp_path / "set")
    journal.apply()
    assert (tmp_path / "set" / "valid" / "black" / "den").is_dir()
    journal.rollback(1)
    assert snapshot(tmp_path / "set") == before


def test_names_that_differ_only_in_case_or_accents_get_numbers(tmp_path):
    free = FreeNames(tmp_path)
    (tmp_path / "teddy").mkdir()
    (tmp_path / "teddy" / "Bär.JPG").touch()
    (tmp_path / "teddy" / "x-2.jpg").touch()
    assert free.take("teddy/BÄR.jpg") == "teddy/BÄR-2.jpg"
    assert free.take("teddy/ba\u0308r.jpg") == "teddy/ba\u0308r-3.jpg"
    assert [free.take("teddy/x.jpg") for _ in range(3)] == ["teddy/x.jpg", "teddy/x-3.jpg", "teddy/x-4.jpg"]
    assert free.take("new/photo.jpg?v=2") == "new/photo.jpg?v=2"
    assert free.take("new/PHOTO.jpg?v=2") == "new/PHOTO-2.jpg?v=2"
    long = "é" * 125 + ".jpg"
    assert free.take(long) == long
    assert len(free.take(long).encode()) <= 255


def test_two_deletes_that_differ_in_case(bears):
    shutil.copy(bears / "black" / "000.jpg", bears / "black" / "A.jpg")
    shutil.copy(bears / "black" / "001.jpg", bears / "black" / "a.jpg")
    if len(files(bears)) != 14:
        pytest.skip("this file system does not tell case")
    before = snapshot(bears)
    journal, ids = open_journal(bears)
    journal.record([ids["black/A.jpg"], ids["black/a.jpg"]], "delete")
    assert journal.plan().moves["target"].tolist() == ["trash/0001/black/A.jpg", "trash/0001/black/a-2.jpg"]
    journal.apply()
    journal.rollback(1)
    assert snapshot(bears) == before


def test_a_copy_is_decided_apart_from_its_original(bears):
    shutil.copy2(bears / "black" / "000.jpg", bears / "teddy" / "copy.jpg")
    before = snapshot(bears)
    journal, ids = open_journal(bears)
    journal.record([ids["teddy/copy.jpg"]], "delete")
    journal.record([ids["black/000.jpg"]], "relabel", "grizzly")
    journal.apply()
    assert "black/000.jpg" not in files(bears)
    again, _ = open_journal(bears)
    assert again.decisions.empty
    again.rollback(1)
    assert snapshot(bears) == before
    assert sorted(open_journal(bears)[0].decisions["action"]) == ["delete", "relabel"]


def problem_cases():
    def missing(bears):
        (bears / "black" / "000.jpg").rename(bears / "moved.jpg")

    def changed(bears):
        (bears / "black" / "000.jpg").write_bytes(b"other")

    def link(bears):
        (bears / "black" / "000.jpg").rename(bears / "black" / "real.bin")
        (bears / "black" / "000.jpg").symlink_to("real.bin")

    def folder_in_the_way(bears):
        (bears / "panda").write_text("a file called panda")

    return [
        (missing, "not there any more"),
        (changed, "other bytes"),
        (link, "is a link"),
        (folder_in_the_way, "it is no folder"),
    ]


@pytest.mark.parametrize(("spoil", "said"), problem_cases(), ids=lambda value: getattr(value, "__name__", ""))
def test_problems_stop_apply_unless_the_plan_is_given(bears, decided, spoil, said):
    journal = decided[0]
    spoil(bears)
    before = snapshot(bears)
    plan = journal.plan()
    assert not plan.ok
    assert said in plan.problems["reason"].iloc[0]
    with pytest.raises(ConflictError, match=said):
        journal.apply()
    assert snapshot(bears) == before
    journal.apply(plan)
    assert len(journal.decisions) == 3
    journal.rollback(1)
    assert snapshot(bears) == before


def test_no_permission_and_no_room_are_problems(bears, decided, monkeypatch):
    journal = decided[0]
    real = os.access
    with monkeypatch.context() as patch:
        patch.setattr(os, "access", lambda path, mode: Path(path).name != "teddy" and real(path, mode))
        plan = journal.plan()
    assert plan.problems["path"].tolist() == ["grizzly/000.jpg", "grizzly/002.jpg", "teddy/003.jpg"]
    assert "no permission" in plan.problems["reason"].iloc[0]


def test_no_room_on_another_file_system(bears, monkeypatch):
    elsewhere = other_file_system()
    journal, ids = open_journal(bears, workspace=elsewhere)
    decide(journal, ids)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(100, 0, 100))
    plan = journal.plan()
    assert plan.problems["path"].tolist() == [str(elsewhere)]
    assert "bytes free" in plan.problems["reason"].iloc[0]
    shutil.rmtree(elsewhere)


def test_across_file_systems(bears):
    elsewhere = other_file_system()
    before = snapshot(bears)
    journal, ids = open_journal(bears, workspace=elsewhere)
    decide(journal, ids)
    journal.apply()
    trashed = elsewhere / "trash" / "0001" / "black" / "000.jpg"
    assert (trashed.read_bytes(), trashed.stat().st_mtime_ns) == before["black/000.jpg"][:2]
    journal.rollback(1)
    assert snapshot(bears) == before
    assert files(elsewhere) == []
    shutil.rmtree(elsewhere)


@pytest.mark.parametrize("system", [only_links, no_links])
def test_on_a_system_with_fewer_calls(bears, decided, monkeypatch, system):
    system(monkeypatch)
    test_apply_and_rollback(bears, decided)


def other_bytes(root, _journal, _ids):
    victim = root / "grizzly" / "002.jpg"
    old = victim.stat()
    victim.write_bytes(victim.read_bytes()[:-1] + b"\0")
    os.utime(victim, ns=(old.st_atime_ns, old.st_mtime_ns))


def file_at_the_target(root, _journal, _ids):
    (root / "teddy" / "002-2.jpg").write_bytes(b"mine")


def other_decision(_root, journal, ids):
    journal.record([ids["black/000.jpg"]], "keep")


@pytest.mark.parametrize(
    ("happens", "said"),
    [
        (other_bytes, "grizzly/002.jpg"),
        (file_at_the_target, "teddy/002-2.jpg: a file appeared"),
        (other_decision, "the decision was changed"),
    ],
)
def test_a_plan_that_is_out_of_date_is_refused(bears, decided, happens, said):
    journal, ids, _ = decided
    plan = journal.plan()
    happens(bears, journal, ids)
    before = snapshot(bears)
    with pytest.raises(ConflictError, match=rf"out of date.*{said}.*Nothing was changed"):
        journal.apply(plan)
    assert snapshot(bears) == before
    journal.apply(journal.plan())
    assert snapshot(bears) != before
    journal.rollback()
    assert snapshot(bears) == before


def test_rollback_is_refused_where_files_changed(bears, decided):
    journal = decided[0]
    journal.apply()
    moved = bears / "panda" / "002.jpg"
    good = moved.read_bytes()
    moved.write_bytes(b"edited")
    before = snapshot(bears)
    with pytest.raises(ConflictError, match=r"panda/002.jpg was changed.*Nothing was changed"):
        journal.rollback(1)
    moved.write_bytes(good)
    (bears / "black" / "000.jpg").write_bytes(b"new")
    with pytest.raises(ConflictError, match=r"in the way at .*black/000.jpg"):
        journal.rollback(1)
    (bears / "black" / "000.jpg").unlink()
    moved.rename(bears / "panda" / "renamed.jpg")
    with pytest.raises(ConflictError, match=r"panda/002.jpg is gone"):
        journal.rollback(1)
    (bears / "panda" / "renamed.jpg").rename(moved)
    assert set(snapshot(bears)) == set(before)
    journal.rollback(1)


def test_rounds_go_back_from_the_newest(bears):
    journal, ids = open_journal(bears)
    first = snapshot(bears)
    journal.record([ids["black/000.jpg"]], "relabel", "teddy")
    journal.apply()
    second = snapshot(bears)
    journal.record([ids["black/000.jpg"]], "relabel", "grizzly")
    journal.record([ids["teddy/000.jpg"]], "delete")
    assert journal.apply().round == 2
    with pytest.raises(ConflictError, match="roll back 2 first"):
        journal.rollback(1)
    with pytest.raises(BadInputError, match="No round 3"):
        journal.rollback(3)
    journal.rollback(2)
    assert snapshot(bears) == second
    with pytest.raises(BadInputError, match="rolled back at"):
        journal.rollback(2)
    journal.rollback(1)
    assert snapshot(bears) == first
    assert journal.decision(ids["black/000.jpg"]).new_label == "grizzly"


def test_what_was_applied_is_not_undone(bears):
    journal, ids = open_journal(bears)
    journal.record([ids["black/000.jpg"]], "delete")
    journal.record([ids["black/001.jpg"]], "keep")
    journal.apply()
    assert journal.undo() == [ids["black/001.jpg"]]
    assert not journal.can_undo
    assert journal.undo() == []
    journal.rollback(1)
    assert journal.undo() == [ids["black/000.jpg"]]


def test_another_journal_follows_the_files(bears):
    journal, ids = open_journal(bears)
    other, _ = open_journal(bears)
    decide(journal, ids)
    journal.apply()
    other.record([ids["black/002.jpg"]], "relabel", "teddy")
    with pytest.raises(BadInputError, match="No item"):
        other.record([ids["black/000.jpg"]], "keep")
    assert other.plan().moves[["path", "target"]].to_numpy().tolist() == [
        ["panda/002.jpg", "teddy/002-3.jpg"]
    ]


def test_plan_is_on_disk_before_the_first_file_moves(bears, decided, monkeypatch):
    journal = decided[0]
    happened = []

    def sync(descriptor):
        happened.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))

    if not Path("/proc/self/fd").exists():
        pytest.skip("this system does not tell the name of an open file")
    monkeypatch.setattr(os, "fsync", sync)
    journal._rounds.step = happened.append
    folder = journal.apply().folder
    first, commit = happened.index("move"), happened.index("journal")
    planned = happened.index("write plan")
    assert happened[planned + 1].startswith(str(folder / ".bearwidgets-"))
    assert happened[planned + 2] == str(folder)
    assert planned + 2 < first
    assert {str(bears / name) for name in ("black", "grizzly", "teddy", "panda")} <= set(
        happened[first:commit]
    )
    assert happened[commit + 1] == str(journal.path)


def test_file_systems_that_cannot_sync_folders(bears, decided, monkeypatch):
    def refuse(descriptor):
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(os, "fsync", refuse)
    test_apply_and_rollback(bears, decided)


def test_two_processes_do_not_apply_at_once(bears, monkeypatch):
    journal, ids = open_journal(bears)
    other, _ = open_journal(bears)
    decide(journal, ids)
    monkeypatch.setattr(log, "locked", functools.partial(disk.locked, wait=0.05))
    refused = []

    def meanwhile(step):
        if step == "replace labels" or len(refused) > 1:
            return
        with pytest.raises(WorkspaceError, match="Another process"):
            other.apply()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            open_journal(bears)
        refused.append(step)

    journal._rounds.step = meanwhile
    journal.apply()
    assert len(refused) == 2
    assert len(other.rounds) == 1


NAMES = [
    "000.jpg",
    "000-2.jpg",
    "A.jpg",
    "a.JPG",
    "é.jpg",
    "e\u0301.jpg",
    "=x.jpg",
    "q'\"\n<b>.jpg",
    "photo.jpg?v=2",
    "🐻",
]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = write_images(tmp_path_factory.mktemp("pictures"), {"all": 24})
    return sorted((folder / "all").iterdir())


@settings(max_examples=25, deadline=None, database=None)
@given(
    tree=st.sets(
        st.tuples(st.sampled_from(["black", "teddy", "x/y"]), st.sampled_from(NAMES)), min_size=2, max_size=20
    ),
    choices=st.lists(
        st.sampled_from(
            [("delete", None), ("relabel", "teddy"), ("relabel", "black"), ("relabel", "new"), ("keep", None)]
        ),
        min_size=20,
        max_size=20,
    ),
    cut=st.integers(0, 20),
)
def test_any_two_rounds_come_back(pictures, tree, choices, cut):
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for n, (label, name) in enumerate(sorted(tree)):
            (root / label).mkdir(parents=True, exist_ok=True)
            shutil.copy(pictures[n % 18], root / label / name)
            os.utime(root / label / name, ns=(OLD, OLD + n))
        before = snapshot(root)
        journal, ids = open_journal(root)
        states = [before]
        todo = list(zip(ids.values(), choices, strict=False))
        for part in (todo[:cut], todo[cut:]):
            journal.record_each(dict(part))
            if journal.plan().steps:
                journal.apply()
                states.append(snapshot(root))
                kept = [each for each in states[-1].values() if each]
                trashed = sum(each.is_file() for each in (root / ".bearwidgets" / "trash").rglob("*"))
                assert len(kept) + trashed == sum(each is not None for each in before.values())
        journal = Journal.open(Dataset.from_folder(root)) if files_left(states[-1]) else journal
        while len(states) > 1:
            states.pop()
            journal.rollback(len(states))
            assert snapshot(root) == states[-1]


def files_left(state):
    return any(each is not None for each in state.values())


def test_a_data_set_whose_images_are_all_in_the_trash_comes_back(tmp_path):
    folder = write_images(tmp_path / "bears", {"black": 3, "teddy": 2})
    ds = Dataset.from_folder(folder)
    journal = Journal.open(ds)
    journal.record(ds.table.id, "delete")
    receipt = journal.apply()
    empty = Dataset.from_folder(folder)
    assert len(empty) == 0
    assert any("roll a round back" in note for note in empty.notes)
    assert len(ds.reread()) == 0
    Journal.open(empty).rollback(receipt.round)
    assert Dataset.from_folder(folder).table.equals(ds.table)
