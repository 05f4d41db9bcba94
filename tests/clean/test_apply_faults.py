"""Rounds that fail, are interrupted or damaged: nothing is lost, and what happened is told."""

from __future__ import annotations

import errno
import itertools
import json
import os
import warnings
from pathlib import Path

import pandas as pd
import pytest
from rounds_kit import across, no_links, only_links, open_csv, open_journal, snapshot

from bearwidgets import files as disk
from bearwidgets.clean.apply import moves
from bearwidgets.clean.apply.round import Round
from bearwidgets.clean.journal import Journal
from bearwidgets.data.dataset import Dataset
from bearwidgets.errors import ConflictError, WorkspaceError
from bearwidgets.widgets.cleaner.cleaner import Cleaner

pytestmark = pytest.mark.usefixtures("quick")


def half_full_disk(patch, _journal, root):
    across(patch, room=sum((root / "black" / name).stat().st_size for name in ("000.jpg", "001.jpg")) - 1)


def no_room_for_the_journal_line(patch, journal, _root):
    def full(_):
        raise WorkspaceError("full")

    patch.setattr(journal._store, "append", full)


def copies_with_other_bytes(patch, _journal, _root):
    across(patch)
    patch.setattr(moves.shutil, "copyfileobj", lambda _, writing, _size: writing.write(b"rot"))


def ctrl_c(patch, journal, root):
    pressed = []

    def interrupt(step):
        if step == "move" and not (root / "black" / "001.jpg").exists() and not pressed:
            pressed.append(step)
            raise KeyboardInterrupt

    patch.setattr(journal._rounds, "step", interrupt)


def open_in_a_viewer(patch, _journal, root):
    real, looked_at = Path.rename, root / "black" / "001.jpg"

    def rename(source, target):
        if source == looked_at:
            error = PermissionError(errno.EACCES, "used by another process", str(source))
            error.winerror = 32
            raise error
        return real(source, target)

    no_links(patch)
    patch.setattr(Path, "rename", rename)
    patch.setattr(disk.time, "sleep", lambda _: None)


@pytest.mark.parametrize(
    ("fault", "error", "said"),
    [
        (
            open_in_a_viewer,
            WorkspaceError,
            r"001.jpg is open in another.*Everything was put back.*Close it there",
        ),
        (half_full_disk, WorkspaceError, r"full.*Everything was put back.*Free some space"),
        (no_room_for_the_journal_line, WorkspaceError, "full"),
        (copies_with_other_bytes, ConflictError, r"other bytes.*put back"),
        (ctrl_c, KeyboardInterrupt, None),
    ],
)
def test_a_fault_while_applying_leaves_all_as_it_was(bears, decided, monkeypatch, fault, error, said):
    journal, _, before = decided
    table = journal.decisions
    with monkeypatch.context() as patch:
        fault(patch, journal, bears)
        with pytest.raises(error, match=said):
            journal.apply()
    assert snapshot(bears) == before
    pd.testing.assert_frame_equal(journal.decisions, table)
    assert journal.rounds.empty
    journal.rollback(journal.apply().round)
    assert snapshot(bears) == before


def test_a_full_disk_while_rolling_back_is_finished_later(bears, decided, monkeypatch):
    journal, _, before = decided
    journal.apply()
    with monkeypatch.context() as patch:
        across(patch, room=1, full="black")
        with pytest.raises(WorkspaceError, match=r"stopped half way.*call rollback again"):
            journal.rollback(1)
    assert journal.rollback(1).counts == {"delete": 3, "relabel": 3}
    assert snapshot(bears) == before
    assert len(journal.decisions) == 8


@pytest.mark.parametrize("system", [None, only_links, no_links])
def test_a_file_that_appears_at_the_very_last_moment(bears, decided, monkeypatch, system):
    if system is not None:
        system(monkeypatch)
    journal, _, before = decided

    def appear(step):
        if step == "move" and (bears / "teddy" / "000-2.jpg").exists():
            (bears / "teddy" / "002-2.jpg").write_bytes(b"mine")

    journal._rounds.step = appear
    with pytest.raises(ConflictError, match=r"appeared at .*002-2.jpg.*put back"):
        journal.apply()
    after = snapshot(bears)
    assert after.pop("teddy/002-2.jpg")[0] == b"mine"
    assert after == before


def test_ctrl_c_after_the_round_counts(bears, decided, monkeypatch):
    journal, _, before = decided
    real = journal._store.append

    def append(entries):
        real(entries)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(journal._store, "append", append)
        with pytest.raises(KeyboardInterrupt):
            journal.apply()
    assert snapshot(bears) != before
    again, _ = open_journal(bears)
    assert again.rounds["rolled_back_at"].isna().tolist() == [True]
    again.rollback(1)
    assert snapshot(bears) == before


def test_plan_of_a_stranger_leads_nowhere_else(bears, tmp_path):
    journal, ids = open_journal(bears)
    journal.record([ids["black/000.jpg"]], "delete")
    receipt = journal.apply()
    file = receipt.folder / "plan.json"
    plan = json.loads(file.read_text())
    del plan["hash"]  # rounds of earlier versions have none
    for path in ("../evil.jpg", str(tmp_path / "evil.jpg"), "loop/evil.jpg"):
        plan["moves"][0]["path"] = path
        file.write_text(json.dumps(plan))
        if path.startswith("loop"):
            (bears / "loop").symlink_to(tmp_path)
        with pytest.raises(ConflictError, match="outside it is ever touched"):
            journal.rollback(1)
    assert not (tmp_path / "evil.jpg").exists()
    (file.parent / "receipt.json").unlink()  # as if it had been interrupted
    with pytest.warns(UserWarning, match="Round 1 cannot be taken back"):
        journal, ids = open_journal(bears)
    journal.record([ids["black/001.jpg"]], "delete")
    assert len(journal.apply().moves) == 1


def test_a_lost_journal_does_not_roll_back_old_rounds(bears, decided):
    journal, ids, _ = decided
    journal.apply()
    after = snapshot(bears)
    journal.path.rename(bears / "old-journal.jsonl")
    with pytest.warns(UserWarning, match=r"Round 1 was applied, but its line|The journal is damaged"):
        again, ids = open_journal(bears)
    again.accept_damage()
    after["old-journal.jsonl"] = snapshot(bears)["old-journal.jsonl"]
    assert snapshot(bears) == after
    again.record([ids["black/003.jpg"]], "delete")
    assert again.apply().round == 2


# --- killed ---


class Killed(BaseException):
    """Ends a process without a word."""


def kill(journal, step="move", nth=3, act="apply"):
    """Leave everything as a process does that is killed before its nth step of this name."""
    left = nth

    def tick(name):
        nonlocal left
        left -= name == step
        if not left:
            raise Killed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(journal._rounds, "step", tick)
        patch.setattr(journal._rounds, "_stopped", lambda *_: None)
        with pytest.raises(Killed):
            getattr(journal, act)()


@pytest.fixture
def half(bears, decided):
    """The folder of `decided`, with half of its round applied."""
    kill(decided[0])
    assert snapshot(bears) != decided[2]
    return bears


def read(root):
    with pytest.warns(UserWarning, match="round 1 of moved files may be half done"):
        return Dataset.from_folder(root)


def test_recovery_waits_for_the_right_kind_of_data_set(bears):
    file = bears / "labels.csv"
    file.write_text("file;label\nblack/000.jpg;black\nblack/001.jpg;black\nteddy/000.jpg;teddy\n")
    journal, ids = open_csv(file)
    journal.record([ids["black/000.jpg"]], "relabel", "grizzly")
    journal.record([ids["black/001.jpg"]], "delete")
    before = snapshot(bears)
    kill(journal, "sync folders", 1)
    half = snapshot(bears)
    assert half != before
    dataset = read(bears)
    with pytest.warns(UserWarning, match="open the data set from its csv"):
        Journal.open(dataset)
    assert snapshot(bears) == half
    with pytest.warns(UserWarning, match=r"may be half done|had been interrupted"):
        open_csv(file)
    assert snapshot(bears) == before


def test_recovery_warns_and_keeps_what_a_person_did_meanwhile(half, decided):
    (half / "black" / "000.jpg").write_bytes(b"mine")
    (half / "teddy" / "000-2.jpg").write_bytes(b"edited")
    dataset = read(half)
    with pytest.warns(UserWarning, match=r"Round 1 had been interrupted.*open it again"):
        again = Journal.open(dataset)
    assert any("black/000.jpg appeared" in note for note in again.notes)
    after = snapshot(half)
    assert after["black/000.jpg"][0] == b"mine"
    assert (half / ".bearwidgets" / "trash" / "0001" / "black" / "000.jpg").exists()
    assert after["black/001.jpg"] == decided[2]["black/001.jpg"]
    receipt = json.loads((half / ".bearwidgets" / "rounds" / "0001" / "receipt.json").read_text())
    assert "black/000.jpg appeared" in receipt["left"][0]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (told,) = open_journal(half)[0].notes
    assert "black/000.jpg (delete)" in told  # its image lies in the trash


def test_a_cleaner_opened_after_a_kill_shows_the_files_as_they_are_again(half, decided):
    dataset = read(half)
    with pytest.warns(UserWarning, match="had been interrupted"):
        cleaner = Cleaner(dataset)
    assert sorted(cleaner.ds.table.path) == sorted(decided[1])
    assert sorted(dataset.table.path) != sorted(cleaner.ds.table.path)
    assert len(cleaner.decisions) == 8
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cleaner.apply()


@pytest.mark.parametrize("act", ["apply", "rollback"])
@pytest.mark.parametrize("taken", ["source", "target", "both"])
@pytest.mark.parametrize("step", ["drop first name", "name the copy"])
def test_a_copy_that_may_be_the_only_one_is_kept(bears, decided, monkeypatch, act, taken, step):
    journal, _, before = decided
    if act == "rollback":
        journal.apply()
    names = {"source": bears / "black" / "000.jpg", "target": bears / ".bearwidgets/trash/0001/black/000.jpg"}
    with monkeypatch.context() as patch:
        across(patch)
        kill(journal, step, 1 if act == "apply" else 3, act)
    for name in names if taken == "both" else [taken]:
        if not names[name].exists():
            names[name].parent.mkdir(parents=True, exist_ok=True)
            names[name].write_bytes(name.encode())
    there = {each.read_bytes() for each in bears.rglob("*") if each.is_file()}
    dataset = read(bears)
    with pytest.warns(UserWarning, match="had been interrupted"):
        again = Journal.open(dataset)
    assert there >= {data for data, *_ in filter(None, before.values())}
    left = {each.read_bytes(): each for each in bears.rglob("*") if each.is_file()}
    assert {data for data, *_ in filter(None, before.values())} <= left.keys()
    assert {name.encode() for name in names if name.encode() in there} <= left.keys()
    assert not list(bears.rglob("*.part"))
    if left[before["black/000.jpg"][0]] != names["source"]:
        assert str(left[before["black/000.jpg"][0]]) in " ".join(again.notes)


def test_an_edit_during_a_copy_to_another_disk_is_kept(bears, decided, monkeypatch):
    journal, _, _ = decided
    image = bears / "black" / "000.jpg"

    def step(name):
        if name == "sync copy" and image.exists():
            image.write_bytes(b"edited while it was copied")

    across(monkeypatch)
    journal._rounds.step = step
    with pytest.raises(ConflictError, match="was changed a moment ago"):
        journal.apply()
    assert image.read_bytes() == b"edited while it was copied"


def test_a_file_under_the_name_of_a_copy_is_neither_lost_nor_called_the_target(bears, decided, monkeypatch):
    journal, _, _ = decided
    part = bears / ".bearwidgets" / "trash" / "0001" / "black" / ".bearwidgets-0001-000000.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"the only copy of an older file")
    across(monkeypatch)
    with pytest.raises(ConflictError, match="part since the plan was made"):
        journal.apply()
    assert b"the only copy of an older file" in {
        each.read_bytes() for each in bears.rglob("*") if each.is_file()
    }


@pytest.mark.parametrize("system", [None, only_links, across])
def test_a_file_that_takes_the_old_name_meanwhile_stays(bears, decided, monkeypatch, system):
    """Renamed onto the source: before the move, or when its bytes are safe already and only the name is dropped."""
    journal, _, before = decided
    victim, mine = bears / "black" / "000.jpg", bears / "mine"
    mine.write_bytes(b"mine")

    def meanwhile(step):
        if step == ("drop first name" if system else "move") and mine.exists():
            if not system:
                victim.rename(bears / "elsewhere")
            mine.rename(victim)

    with monkeypatch.context() as patch:
        if system:
            system(patch)
        journal._rounds.step = meanwhile
        if system is only_links:
            journal.apply()
        else:
            with pytest.raises(ConflictError, match=r"black/000.jpg was (replaced|changed) a moment ago"):
                journal.apply()
    assert victim.read_bytes() == b"mine"
    assert before["black/000.jpg"][0] in {each.read_bytes() for each in bears.rglob("*") if each.is_file()}


def test_root_leaves_files_to_their_owner(bears, decided, monkeypatch):
    given = {}
    monkeypatch.setattr(os, "chown", lambda path, *owner: given.update({Path(path).name: owner}))
    real = Path.stat

    def stat_of_another(path, **options):
        found = real(path, **options)
        other = path.name == "black" or path == bears
        return os.stat_result([*found[:4], 1234, 567, *found[6:]]) if other else found

    monkeypatch.setattr(Path, "stat", stat_of_another)
    decided[0].apply()
    assert given["panda"] == (1234, 567)


def test_a_copy_across_devices_and_a_table_keep_their_owner(bears, decided, monkeypatch):
    if os.geteuid():
        pytest.skip("only root can give files away")
    for each in bears.rglob("*.jpg"):
        os.chown(each, 1234, 567)
    with monkeypatch.context() as patch:
        across(patch)
        decided[0].apply()
        trashed = bears / ".bearwidgets" / "trash" / "0001" / "black" / "000.jpg"
        assert (trashed.stat().st_uid, trashed.stat().st_gid) == (1234, 567)
        decided[0].rollback()
    assert {(each.stat().st_uid, each.stat().st_gid) for each in bears.rglob("*.jpg")} == {(1234, 567)}
    table = bears / "labels.csv"
    table.write_text("a")
    os.chown(table, 1234, 567)
    disk.write_atomic(table, b"b", like=table.stat())
    assert (table.stat().st_uid, table.stat().st_gid) == (1234, 567)


# --- damaged ---


def flipped(file, word):
    """One byte within this word is another one."""
    data = bytearray(file.read_bytes())
    data[data.index(word.encode()) + 1] ^= 1
    file.write_bytes(data)


def test_a_round_whose_journal_line_is_damaged_can_be_rolled_back(bears, decided):
    journal, _, before = decided
    journal.apply()
    flipped(journal.path, '"apply"')
    with pytest.warns(UserWarning, match=r"Round 1 was applied, but its line in the journal.*rollback\(1\)"):
        again = open_journal(bears)[0]
    again.rollback(1)
    assert snapshot(bears) == before
    assert open_journal(bears)[0].plan().counts["delete"] == 3


def unreadable(file):
    file.write_bytes(b"[" * 10**5)


def of_other_types(file):
    plan = json.loads(file.read_text())
    for name, value in (("made", 1.5), ("moves", [{**plan["moves"][0], "id": []}])):
        plan[name] = value
    plan.pop("hash", None)
    file.write_text(json.dumps(plan))


def a_flip(file):
    flipped(file, "roll" if b"rolling" in file.read_bytes() else "appl" if "receipt" in file.name else "move")


PLAN_FILES, RECEIPT, DAMAGES = (
    ("plan.json", "plan-copy.json"),
    ("receipt.json",),
    (unreadable, Path.unlink, a_flip),
)


@pytest.mark.parametrize(
    ("act", "name", "damage"),
    [
        *itertools.product(("apply",), PLAN_FILES, DAMAGES),
        *itertools.product((None,), PLAN_FILES + RECEIPT, DAMAGES),
        *itertools.product(("rollback",), PLAN_FILES, DAMAGES),
        *itertools.product(("rollback",), RECEIPT, (unreadable, a_flip)),
    ],
)
def test_one_damaged_file_of_a_round_locks_nobody_out(bears, decided, act, name, damage):
    journal, _, before = decided
    if act == "apply":
        kill(journal)
    else:
        journal.apply()
    if act == "rollback":
        kill(journal, act=act)
    damage(bears / ".bearwidgets" / "rounds" / "0001" / name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        again = open_journal(bears)[0]
    if act is None:
        assert again.rounds["rolled_back_at"].isna().tolist() == [True]
        again.rollback(1)
    assert snapshot(bears) == before


def test_without_any_plan_the_workspace_still_opens(bears, decided):
    journal, ids, _ = decided
    kill(journal)
    for name in ("plan.json", "plan-copy.json"):
        of_other_types(bears / ".bearwidgets" / "rounds" / "0001" / name)
    dataset = read(bears)
    with pytest.warns(UserWarning, match=r"Round 1 has no plan.*cannot be read or understood.*trash holds"):
        again = Journal.open(dataset)
    assert again.record([ids["teddy/001.jpg"]], "delete") == 1
    with pytest.raises(WorkspaceError, match="no plan"):
        Round.read(again._rounds.paths, 1, print)


def test_a_plan_of_a_newer_version(bears, decided):
    journal = decided[0]
    folder = journal.apply().folder
    (folder / "plan-copy.json").unlink()
    plan = json.loads((folder / "plan.json").read_text())
    del plan["hash"]
    (folder / "plan.json").write_text(json.dumps({**plan, "v": 2}))
    with pytest.raises(WorkspaceError, match="newer bearwidgets"):
        journal.rollback(1)


# --- told as it is ---


def refuse_receipts(patch, _journal):
    real = Path.touch

    def touch(path, **options):
        if path.parent.name == "0001":
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        real(path, **options)

    patch.setattr(Path, "touch", touch)


def refuse_reading(patch, _journal):
    def read(path):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    patch.setattr(moves, "content_id", read)


def refuse_lines(patch, journal):
    def append(_):
        raise WorkspaceError("The disk is full. Nothing was recorded.")

    patch.setattr(journal._store, "append", append)


@pytest.mark.parametrize(
    ("fault", "said", "back"),
    [
        (refuse_receipts, r"disk that holds .*rounds/0001 is full\. Nothing was changed", False),
        (refuse_reading, r"000.jpg cannot be written \(Permission denied\)\. Nothing was changed", False),
        (
            refuse_lines,
            r"files of round 1 are back, but the journal could not be told.*call rollback again",
            True,
        ),
    ],
)
def test_an_error_while_rolling_back_is_told_as_it_is(bears, decided, monkeypatch, fault, said, back):
    journal, _, before = decided
    journal.apply()
    applied = snapshot(bears)
    with monkeypatch.context() as patch:
        fault(patch, journal)
        with pytest.raises(WorkspaceError, match=said):
            journal.rollback(1)
    assert snapshot(bears) == (before if back else applied)
    journal.rollback(1)
    assert snapshot(bears) == before


def test_a_line_that_may_be_on_disk_is_not_called_unwritten(bears, decided, monkeypatch):
    journal = decided[0]
    real = journal._store.append

    def append(entries):
        real(entries)
        raise WorkspaceError("It may have been recorded.")

    with monkeypatch.context() as patch:
        patch.setattr(journal._store, "append", append)
        with pytest.raises(
            WorkspaceError, match=r"Round 1 was carried out and counts.*rollback\(1\) undoes it"
        ):
            journal.apply()
    assert len(journal.rounds) == 1
    journal.rollback(1)
    assert snapshot(bears) == decided[2]
