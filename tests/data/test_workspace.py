"""Whose a workspace is, and what a data folder says when a round of moved files is half done."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import warnings

import pytest
from made_data import write_images

from bearwidgets.clean.journal import Journal
from bearwidgets.data.dataset import Dataset
from bearwidgets.data.workspace import check_owner, half_done, own, round_folder, round_numbers
from bearwidgets.errors import WorkspaceError
from bearwidgets.files import refuse_links, write_atomic


@pytest.fixture
def two(tmp_path):
    """Two data folders, and the workspace of the first."""
    for n, name in enumerate(("a", "b")):
        write_images(tmp_path / name, {"black": 3, "teddy": 3}, seed=n)
    ds = Dataset.from_folder(tmp_path / "a", workspace=tmp_path / "ws")
    journal = Journal.open(ds)
    journal.record([ds.table.id[0]], "delete")
    journal.apply()
    return tmp_path / "a", tmp_path / "b", tmp_path / "ws"


def test_a_workspace_belongs_to_one_data_folder(two):
    a, b, workspace = two
    with pytest.raises(
        WorkspaceError, match=f"belongs to the data in {a}, not to {b}.*Pass another workspace="
    ):
        Journal.open(Dataset.from_folder(b, workspace=workspace))
    a.rename(a.with_name("moved"))
    moved = Dataset.from_folder(a.with_name("moved"), workspace=workspace)
    with pytest.raises(WorkspaceError, match=r"delete .*root.json"):
        Journal.open(moved)
    (workspace / "root.json").unlink()
    Journal.open(moved).rollback(1)
    assert len(moved.reread()) == 6
    assert check_owner(workspace, moved.root)


def test_a_second_data_set_that_was_open_before_is_refused_too(tmp_path, two):
    _, b, _ = two
    workspace = tmp_path / "new"
    first, second = (Journal.open(Dataset.from_folder(each, workspace=workspace)) for each in two[:2])
    first.record([Dataset.from_folder(two[0]).table.id[0]], "keep")
    with pytest.raises(WorkspaceError, match=f"not to {b}"):
        second.record([Dataset.from_folder(b).table.id[0]], "keep")
    with pytest.raises(WorkspaceError, match=f"not to {b}"):
        second.rollback()


@pytest.mark.parametrize("inside", [".bearwidgets", "deep/er", "."])
def test_folder_and_workspace_move_together(tmp_path, inside):
    root = tmp_path / "bears"
    root.mkdir()
    own(root / inside, root)
    assert check_owner(root / inside, root)
    shutil.copytree(root, tmp_path / "copy")
    root.rename(tmp_path / "other")
    for name in ("copy", "other"):
        assert check_owner(tmp_path / name / inside, tmp_path / name)


@pytest.mark.parametrize(
    "damage", [lambda data: data.replace(b"/a", b"/x"), lambda _: b"[" * 10**5, lambda _: b"7"]
)
def test_a_damaged_name_locks_nobody_out(two, damage):
    a, _, workspace = two
    file = workspace / "root.json"
    file.write_bytes(damage(file.read_bytes()))
    assert not check_owner(workspace, a)
    journal = Journal.open(Dataset.from_folder(a, workspace=workspace))
    journal.rollback()
    assert check_owner(workspace, a)


@pytest.mark.parametrize(
    ("receipt", "told"),
    [
        (None, True),
        ("", True),
        ("[" * 10**5, True),
        ('{"state": "rolling back"}', True),
        ('{"state": "rolling bacj"}', True),
        ('{"state": "applied"}', False),
        ('{"state": "abandoned"}', False),
    ],
)
def test_a_half_done_round_is_told_when_the_folder_is_read(images, receipt, told):
    folder = round_folder(images / ".bearwidgets", 12)
    folder.mkdir(parents=True)
    (folder / "plan.json").write_text(json.dumps({"v": 1}))
    if receipt is not None:
        (folder / "receipt.json").write_text(receipt)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        ds = Dataset.from_folder(images)
    said = [str(each.message) for each in caught] + ds.notes
    assert [each for each in said if "round 12 of moved files may be half done" in each] == said * told
    assert len(said) == 2 * told
    own(images / ".bearwidgets", images.parent)
    assert half_done(images / ".bearwidgets", images) == []


def test_only_folders_that_a_round_makes_are_rounds(tmp_path):
    for name in ("0001", "0012", "00003", "12345", "x", "1", "\uff11\uff12\uff13\uff14"):
        (tmp_path / "rounds" / name).mkdir(parents=True)
    assert round_numbers(tmp_path) == [1, 12, 12345]


def _write_often(folder, name, failed):
    for n in range(300):
        try:
            write_atomic(folder / name, bytes([n % 256]))
        except OSError as error:
            failed.put(repr(error))


def test_writers_leave_each_others_temporary_files_alone(tmp_path):
    context = multiprocessing.get_context("fork" if hasattr(os, "fork") else "spawn")
    failed = context.SimpleQueue()
    writers = [context.Process(target=_write_often, args=(tmp_path, f"{n}.json", failed)) for n in range(3)]
    for each in writers:
        each.start()
    for each in writers:
        each.join(120)
    assert failed.empty(), failed.get()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["0.json", "1.json", "2.json"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with a name here")
def test_a_pipe_that_a_stranger_left_stops_nobody(tmp_path, make_images):
    os.mkfifo(tmp_path / ".bearwidgets-00000000.tmp")
    write_atomic(tmp_path / "a.json", b"{}")
    root = make_images(tmp_path / "images", {"black": 3, "teddy": 3})
    (root / ".bearwidgets").mkdir()
    os.mkfifo(root / ".bearwidgets" / "labels.csv")
    with pytest.raises(WorkspaceError, match=r"labels.csv is no file"):
        Dataset.from_folder(root)


def test_a_temporary_file_that_goes_while_the_workspace_is_looked_at_stops_nobody(tmp_path, monkeypatch):
    gone = tmp_path / ".bearwidgets-00000000.tmp"
    monkeypatch.setattr(type(tmp_path), "iterdir", lambda folder: iter([gone] if folder == tmp_path else []))
    refuse_links(tmp_path)
