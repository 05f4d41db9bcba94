"""Plan, apply, roll back, recover: all or nothing, and back byte for byte, whatever gets in the way."""

from __future__ import annotations

import errno
import functools
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import textwrap
import warnings
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_data import write_images

from bearwidgets import files as disk
from bearwidgets.clean.apply import moves
from bearwidgets.clean.apply.free_names import FreeNames
from bearwidgets.clean.journal import Journal
from bearwidgets.clean.log import writer as log
from bearwidgets.clean.log.manifest import ManifestWriter
from bearwidgets.data.dataset import Dataset
from bearwidgets.errors import BadInputError, ConflictError, WorkspaceError
from bearwidgets.widgets.cleaner.cleaner import Cleaner

OLD = 1_500_000_000_123_456_789  # ns: a time that nobody gets by accident


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    """No waiting for the disk, and no manifest behind the back of a test that takes its folder away."""
    monkeypatch.setattr(os, "fsync", lambda _: None)
    monkeypatch.setattr(ManifestWriter, "touch", lambda _: None)


@pytest.fixture
def bears(tmp_path):
    return write_bears(tmp_path / "bears")


def write_bears(root, classes=(("black", 4), ("grizzly", 4), ("teddy", 4))):
    write_images(root, dict(classes))
    for n, file in enumerate(sorted(root.rglob("*.jpg"))):
        os.utime(file, ns=(OLD, OLD + n * 1_000_000_007))
    return root


def snapshot(root):
    """Every file outside the workspace with bytes, time and permissions, and every folder."""
    found = {}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if name.split("/")[0] != ".bearwidgets":
            status = path.lstat()
            found[name] = (path.read_bytes(), status.st_mtime_ns, status.st_mode) if path.is_file() else None
    return found


def open_journal(root, **options):
    dataset = Dataset.from_folder(root, **options)
    ids = dict(zip(dataset.table["path"], dataset.table["id"], strict=True))
    return Journal.open(dataset), ids


def decide(journal, ids):
    journal.record([ids["black/000.jpg"], ids["black/001.jpg"], ids["teddy/003.jpg"]], "delete")
    journal.record([ids["grizzly/000.jpg"], ids["grizzly/002.jpg"]], "relabel", "teddy")
    journal.record([ids["black/002.jpg"]], "relabel", "panda")
    journal.record([ids["black/003.jpg"]], "keep")
    journal.record([ids["teddy/000.jpg"]], "unsure")


@pytest.fixture
def decided(bears):
    """A journal with decisions of every kind, the ids by path, and the files as they are."""
    journal, ids = open_journal(bears)
    decide(journal, ids)
    return journal, ids, snapshot(bears)


def files(root):
    return sorted(each.relative_to(root).as_posix() for each in root.rglob("*.jpg"))


def test_plan_changes_nothing_and_says_all(bears, decided):
    journal, _, before = decided
    plan = journal.plan()
    assert plan.ok
    assert plan.counts == {"keep": 1, "delete": 3, "relabel": 3, "unsure": 1, "absent": 0}
    assert plan.moves.columns.tolist() == ["id", "path", "action", "label", "new_label", "target"]
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
    assert {each.name for each in receipt.folder.iterdir()} == {"plan.json", "receipt.json", "manifest.csv"}
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
    with pytest.raises(BadInputError, match="nothing to apply"):
        journal.apply()
    assert journal.plan().ok


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


def other_file_system():
    """A folder on another file system than the temporary folder, or a skip."""
    memory = Path("/dev/shm")  # noqa: S108 - looked for, not relied on
    if not memory.is_dir() or memory.stat().st_dev == Path(tempfile.gettempdir()).stat().st_dev:
        pytest.skip("there is no second file system here")
    return Path(tempfile.mkdtemp(dir=memory))


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


def across(monkeypatch, *, room=10**9, full="trash"):
    """Make the trash seem to lie on another file system; folders of one name have room for so many bytes."""
    real = os.link

    def link(source, target, **options):
        if ("trash" in Path(source).parts) != ("trash" in Path(target).parts):
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        return real(source, target, **options)

    def copy(reading, writing, _size):
        nonlocal room
        data = reading.read()
        if full in Path(writing.name).parts:
            room -= len(data)
            if room < 0:
                writing.write(data[:5])
                raise OSError(errno.ENOSPC, "No space left on device")
        writing.write(data)

    monkeypatch.setattr(moves.os, "link", link)
    monkeypatch.setattr(moves.shutil, "copyfileobj", copy)


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


@pytest.mark.parametrize(
    ("fault", "error", "said"),
    [
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


def test_without_hard_links(bears, decided, monkeypatch):
    def no_links(*_args, **_options):
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(moves.os, "link", no_links)
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


@pytest.mark.parametrize("links", [True, False])
def test_a_file_that_appears_at_the_very_last_moment(bears, decided, monkeypatch, links):
    if not links:
        monkeypatch.setattr(moves, "_NO_LINKS", {errno.EMLINK})

        def no_links(*_args, **_options):
            raise OSError(errno.EMLINK, "Too many links")

        monkeypatch.setattr(moves.os, "link", no_links)
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


def test_plan_of_a_stranger_leads_nowhere_else(bears, tmp_path):
    journal, ids = open_journal(bears)
    journal.record([ids["black/000.jpg"]], "delete")
    receipt = journal.apply()
    file = receipt.folder / "plan.json"
    plan = json.loads(file.read_text())
    for path in ("../evil.jpg", str(tmp_path / "evil.jpg"), "loop/evil.jpg"):
        plan["moves"][0]["path"] = path
        file.write_text(json.dumps(plan))
        if path.startswith("loop"):
            (bears / "loop").symlink_to(tmp_path)
        with pytest.raises(ConflictError, match="outside it is ever touched"):
            journal.rollback(1)
    assert not (tmp_path / "evil.jpg").exists()


def test_damaged_or_newer_plan(bears):
    journal, ids = open_journal(bears)
    journal.record([ids["black/000.jpg"]], "delete")
    file = journal.apply().folder / "plan.json"
    good = file.read_text()
    for text, said in ((good[:50], "damaged"), (good.replace('"v": 1', '"v": 2'), "newer bearwidgets")):
        file.write_text(text)
        with pytest.raises(WorkspaceError, match=said):
            journal.rollback(1)
    file.unlink()
    with pytest.raises(WorkspaceError, match="no plan"):
        journal.rollback(1)


def test_a_lost_journal_does_not_roll_back_old_rounds(bears, decided):
    journal, ids, _ = decided
    journal.apply()
    after = snapshot(bears)
    journal.path.rename(bears / "old-journal.jsonl")
    again, ids = open_journal(bears)
    after["old-journal.jsonl"] = snapshot(bears)["old-journal.jsonl"]
    assert snapshot(bears) == after
    again.record([ids["black/003.jpg"]], "delete")
    assert again.apply().round == 2


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


# --- labels in a table ---

CSV = (
    "\ufefffile;who;label\r\n"
    'black\\000.jpg;"Ada; B";black\r\n'
    'black/001.jpg;"two\r\nlines";black\r\n'
    "\r\n"
    "nowhere.jpg;x;black\r\n"
    "./teddy/000.jpg;;teddy\r\n"
    "teddy/000.jpg;again;teddy\r\n"
    "teddy/001.jpg;=1+1;teddy"
)


@pytest.fixture
def table(bears):
    file = bears / "labels.csv"
    file.write_bytes(CSV.encode())
    os.utime(file, ns=(OLD, OLD))
    return file


def open_csv(file):
    dataset = Dataset.from_csv(file, path="file", label="label", sep=";")
    ids = dict(zip(dataset.table["path"], dataset.table["id"], strict=True))
    return Journal.open(dataset), ids


def test_csv_changes_only_the_lines_it_must(bears, table):
    journal, ids = open_csv(table)
    before = snapshot(bears)
    journal.record([ids["black/000.jpg"], ids["teddy/000.jpg"]], "relabel", "grizzly")
    journal.record([ids["black/001.jpg"]], "delete")
    receipt = journal.apply()
    assert table.read_bytes().decode() == (
        "\ufefffile;who;label\r\n"
        'black\\000.jpg;"Ada; B";grizzly\r\n'
        "\r\n"
        "nowhere.jpg;x;black\r\n"
        "./teddy/000.jpg;;grizzly\r\n"
        "teddy/000.jpg;again;grizzly\r\n"
        "teddy/001.jpg;=1+1;teddy"
    )
    assert (bears / "black" / "000.jpg").exists()
    assert not (bears / "black" / "001.jpg").exists()
    assert (receipt.folder / "labels-before.csv").read_bytes() == CSV.encode()
    again, _ = open_csv(table)
    assert again.decisions.empty
    again.rollback(1)
    assert snapshot(bears) == before


def test_csv_that_was_edited_since_is_left_alone(bears, table):
    journal, ids = open_csv(table)
    journal.record([ids["black/000.jpg"]], "relabel", "grizzly")
    journal.apply()
    mine = table.read_bytes() + b"\r\nmy/own.jpg;;line\r\n"
    table.write_bytes(mine)
    with pytest.raises(ConflictError, match=r"labels.csv was changed since.*labels-before.csv"):
        journal.rollback(1)
    assert table.read_bytes() == mine
    with pytest.raises(ConflictError, match="labels from a csv"):
        open_journal(bears)[0].rollback(1)


def test_csv_in_a_folder_that_cannot_be_written_is_a_problem(bears, table, monkeypatch, tmp_path):
    file = table.rename(tmp_path / "labels.csv")
    dataset = Dataset.from_csv(file, root=bears, path="file", label="label", sep=";")
    journal = Journal.open(dataset)
    journal.record(dataset.table["id"].tolist()[:1], "relabel", "grizzly")
    real = os.access
    with monkeypatch.context() as patch:
        patch.setattr(os, "access", lambda path, mode: Path(path) != tmp_path and real(path, mode))
        assert journal.plan().problems["path"].tolist() == [str(file)]
    assert journal.plan().ok


@pytest.mark.parametrize(
    ("text", "said"),
    [("file;label\nteddy/001.jpg;teddy\n", "no row for 'black/000.jpg'"), ("a;b\n1;2\n", "no column 'file'")],
)
def test_csv_that_is_another_table_now(bears, table, text, said):
    journal, ids = open_csv(table)
    journal.record([ids["black/000.jpg"]], "relabel", "grizzly")
    table.write_text(text)
    before = snapshot(bears)
    with pytest.raises(ConflictError, match=said):
        journal.apply()
    assert snapshot(bears) == before
    assert len(journal.decisions) == 1


def test_data_frame_gets_a_file_of_labels(bears):
    frame = pd.DataFrame(
        {"f": ["black/000.jpg", "black/001.jpg", "teddy/000.jpg"], "y": ["black", "black", "teddy"]}
    )
    dataset = Dataset.from_df(frame, root=bears, path="f", label="y")
    ids = dict(zip(dataset.table["path"], dataset.table["id"], strict=True))
    before = snapshot(bears)
    Journal.open(dataset).record([ids["black/000.jpg"]], "relabel", "grizzly")
    Journal.open(dataset).apply()
    file = dataset.workspace / "labels.csv"
    assert pd.read_csv(file).set_index("path")["label"].to_dict() == {
        "black/000.jpg": "grizzly",
        "black/001.jpg": "black",
        "teddy/000.jpg": "teddy",
    }
    first = file.read_bytes()
    second = Journal.open(Dataset.from_df(frame, root=bears, path="f", label="y"))
    second.record([ids["teddy/000.jpg"]], "delete")
    second.apply()
    assert pd.read_csv(file).set_index("path")["label"].to_dict() == {
        "black/000.jpg": "grizzly",
        "black/001.jpg": "black",
    }
    second.rollback(2)
    assert file.read_bytes() == first
    second.rollback(1)
    assert not file.exists()
    assert snapshot(bears) == before


# --- any decisions, any names ---

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


# --- killed ---

KILLER = """
import os, shutil, sys, warnings
from pathlib import Path
sys.path[:0] = [sys.argv[1], str(Path(sys.argv[1]).parent)]
import test_apply
from bearwidgets.clean.apply import moves

template, folder, act, way, kind = Path(sys.argv[2]), Path(sys.argv[3]), *sys.argv[4:7]
warnings.simplefilter("ignore")
os.fsync = lambda _: None

def attempt(root, limit):
    '''Die before step `limit`; return the number of steps if there are fewer.'''
    opener = test_apply.open_csv if kind == "csv" else test_apply.open_journal
    journal, _ = opener(root / "labels.csv" if kind == "csv" else root)
    if way == "across":
        test_apply.across(type("Patch", (), {"setattr": staticmethod(setattr)}))
    count = 0
    def step(_):
        nonlocal count
        if count == limit:
            os._exit(9)
        count += 1
    if limit < 0:
        lines = 0
        def trace(frame, event, _):
            nonlocal lines
            if "clean" not in frame.f_code.co_filename:
                return None
            lines += event == "line"
            if lines == -limit:
                os._exit(9)
            return trace
        sys.settrace(trace)
    else:
        journal._rounds.step = step
    journal.apply() if act == "apply" else journal.rollback(1)
    os._exit(0)

def die_at(limit):
    root = folder / f"{limit:+}"
    shutil.copytree(template, root, symlinks=True)
    child = os.fork()
    if child == 0:
        attempt(root, limit)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

if sys.argv[7] == "steps":
    limit = 0
    while die_at(limit) == 9:
        limit += 1
else:
    limit, stride = 1, 3
    while die_at(-limit) == 9:
        limit += stride
        stride = int(stride * 1.25) + 1
"""


def reopened(root):
    """The journal after a kill, whatever it warns of."""
    file = root / "labels.csv"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return (open_csv(file) if file.exists() else open_journal(root))[0]


def kill_everywhere(tmp_path, template, act, way, kind, where):
    """Folders in which a process was killed at every step (or at many lines) of an act, the last one unharmed."""
    if not hasattr(os, "fork"):
        pytest.skip("this test needs fork")
    folder = tmp_path / "killed"
    folder.mkdir()
    arguments = [str(each) for each in (Path(__file__).parent, template, folder, act, way, kind, where)]
    subprocess.run([sys.executable, "-c", textwrap.dedent(KILLER), *arguments], check=True, timeout=120)
    return sorted(folder.iterdir(), key=lambda each: abs(int(each.name)))


@pytest.mark.slow
@pytest.mark.parametrize("where", ["steps", "lines"])
@pytest.mark.parametrize("way", ["same", "across"])
@pytest.mark.parametrize("act", ["apply", "rollback"])
def test_killed_at_any_step(tmp_path, act, way, where):
    template = write_bears(tmp_path / "template", {"black": 2, "grizzly": 1, "teddy": 1})
    journal, ids = open_journal(template)
    journal.record([ids["black/000.jpg"]], "delete")
    journal.record([ids["grizzly/000.jpg"]], "relabel", "teddy")
    journal.record([ids["black/001.jpg"]], "relabel", "panda")
    journal.record([ids["teddy/000.jpg"]], "unsure")
    pending = snapshot(template)
    journal.apply()
    applied = snapshot(template)
    if act == "apply":
        journal.rollback(1)
        shutil.rmtree(template / ".bearwidgets" / "rounds")
        journal.path.write_bytes(b"".join(journal.path.read_bytes().splitlines(keepends=True)[:-2]))
    folders = kill_everywhere(tmp_path, template, act, way, "folder", where)
    assert len(folders) > 10
    ends = set()
    for root in folders:
        again = reopened(root)
        after = snapshot(root)
        assert after in (pending, applied), root
        assert len(again.decisions) == (4 if after == pending else 1), root
        assert not list(root.rglob("*.part"))
        ends.add(after == pending)
        if after == pending:
            assert files(root / ".bearwidgets") == [], root
            again.apply()
            assert snapshot(root) == applied
        again.rollback(again.rounds.index.max())
        assert snapshot(root) == pending
    assert ends == {True, False}


def decided_table(tmp_path):
    """A folder with labels in a CSV file, and its journal with a relabel and a delete."""
    template = write_bears(tmp_path / "template", {"black": 2, "teddy": 1})
    file = template / "labels.csv"
    file.write_text("file;label\nblack/000.jpg;black\nblack/001.jpg;black\nteddy/000.jpg;teddy\n")
    os.utime(file, ns=(OLD, OLD))
    journal, ids = open_csv(file)
    journal.record([ids["black/000.jpg"]], "relabel", "grizzly")
    journal.record([ids["black/001.jpg"]], "delete")
    return template, journal


@pytest.mark.slow
@pytest.mark.parametrize("act", ["apply", "rollback"])
def test_killed_with_labels_in_a_table(tmp_path, act):
    template, journal = decided_table(tmp_path)
    pending = snapshot(template)
    if act == "rollback":
        journal.apply()
    for root in kill_everywhere(tmp_path, template, act, "same", "csv", "steps"):
        again = reopened(root)
        if len(again.rounds) and again.rounds["rolled_back_at"].isna().any():
            again.rollback(again.rounds.index.max())
        assert snapshot(root) == pending
        assert len(again.decisions) == 2


@pytest.mark.slow
def test_recovery_waits_for_the_right_kind_of_data_set(tmp_path):
    template, _ = decided_table(tmp_path)
    before = snapshot(template)
    root = kill_everywhere(tmp_path, template, "apply", "same", "csv", "steps")[-3]
    half = snapshot(root)
    assert half != before
    with pytest.warns(UserWarning, match="open the data set from its csv"):
        open_journal(root)
    assert snapshot(root) == half
    with pytest.warns(UserWarning, match="had been interrupted"):
        open_csv(root / "labels.csv")
    assert snapshot(root) == before


@pytest.mark.slow
def test_recovery_warns_and_keeps_what_a_person_did_meanwhile(tmp_path):
    template = write_bears(tmp_path / "template")
    journal, ids = open_journal(template)
    decide(journal, ids)
    pending = snapshot(template)
    root = kill_everywhere(tmp_path, template, "apply", "same", "folder", "steps")[-4]
    assert snapshot(root) != pending
    (root / "black" / "000.jpg").write_bytes(b"mine")
    (root / "panda" / "002.jpg").write_bytes(b"edited")
    dataset = Dataset.from_folder(root)
    with pytest.warns(UserWarning, match=r"Round 1 had been interrupted.*open it again"):
        again = Journal.open(dataset)
    assert any("black/000.jpg appeared" in note for note in again.notes)
    assert any("panda/002.jpg was changed" in note for note in again.notes)
    after = snapshot(root)
    assert after["black/000.jpg"][0] == b"mine"
    assert after["panda/002.jpg"][0] == b"edited"
    assert (root / ".bearwidgets" / "trash" / "0001" / "black" / "000.jpg").exists()
    assert after["grizzly/000.jpg"] == pending["grizzly/000.jpg"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert open_journal(root)[0].notes == []


@pytest.mark.slow
def test_a_cleaner_opened_after_a_kill_shows_the_files_as_they_are_again(tmp_path):
    template = write_bears(tmp_path / "template")
    journal, ids = open_journal(template)
    decide(journal, ids)
    root = kill_everywhere(tmp_path, template, "apply", "same", "folder", "steps")[-4]
    half = Dataset.from_folder(root)
    with pytest.warns(UserWarning, match="had been interrupted"):
        cleaner = Cleaner(half)
    assert sorted(cleaner.ds.table.path) == sorted(Dataset.from_folder(template).table.path)
    assert sorted(half.table.path) != sorted(cleaner.ds.table.path)
    assert len(cleaner.decisions) == len(journal.decisions)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cleaner.apply()


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
