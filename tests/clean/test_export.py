"""The cleaned data somewhere else: whole or not at all, and never into something else."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import sys

import pytest
from made_data import write_images

from bearwidgets.clean import export as exports
from bearwidgets.clean.export import export
from bearwidgets.clean.journal import Journal
from bearwidgets.data.dataset import Dataset
from bearwidgets.errors import BadInputError, WorkspaceError


@pytest.fixture
def journal(ds):
    """One deleted, one unsure, one relabeled; one of them in the evaluation split."""
    journal = Journal.open(ds)
    valid = ds.table.id[ds.table.split == "valid"].tolist()
    train = ds.table.id[ds.table.split == "train"].tolist()
    journal.record([train[0]], "delete")
    journal.record([valid[0]], "delete")
    journal.record([train[1]], "unsure")
    journal.record([train[2]], "relabel", "teddy")
    return journal


def rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def left_over(folder):
    return sorted(each.name for each in folder.iterdir())


def test_folder(ds, journal, tmp_path):
    moved = ds.table.path[ds.table.split == "train"].iloc[2]
    found = export(ds, journal, tmp_path / "clean", "folder")
    assert (found.path, found.items) == (tmp_path / "clean", 21)
    copies = [path.relative_to(found.path) for path in found.path.rglob("*.jpg")]
    assert len(copies) == 21
    assert {path.parts[0] for path in copies} == {"black", "grizzly", "teddy"}
    assert sum(path.parts[0] == "teddy" for path in copies) == 9
    source = ds.root / moved
    (copy,) = [each for each in found.path.rglob("*.jpg") if each.read_bytes() == source.read_bytes()]
    assert copy.parent.name == "teddy"
    assert copy.stat().st_mtime_ns == source.stat().st_mtime_ns
    assert left_over(tmp_path) == ["clean", "images"]
    assert len(Dataset.from_folder(ds.root)) == 24, "the data itself is as it was"


@pytest.mark.parametrize(
    ("form", "head"),
    [
        ("csv", ["path", "label", "split", "tags", "note"]),
        ("fastai", ["name", "label"]),
        ("fastclass", ["file", "class"]),
    ],
)
def test_tables(ds, journal, tmp_path, form, head):
    found = export(ds, journal, tmp_path / "new" / "out.csv", form)
    table = rows(found.path)
    assert table[0] == head
    assert len(table) - 1 == found.items == 21
    cleaned = ds.cleaned(journal, exam="corrected").table
    assert [row[:2] for row in table[1:]] == cleaned[["path", "label"]].to_numpy().tolist()
    assert left_over(found.path.parent) == ["out.csv"]


def test_tags_and_notes_are_cells_that_no_spreadsheet_runs(ds, journal, tmp_path):
    kept = ds.table[ds.table.split == "train"].iloc[4]
    journal.remark([kept.id], add=["=odd", "b"], note="two\r\n=lines")
    found = rows(export(ds, journal, tmp_path / "out.csv", "csv").path)
    assert [kept.path, kept.label, "train", "'=odd; b", "two\n'=lines"] in found
    assert sum(row[3:] == ["", ""] for row in found) == len(found) - 2


def test_a_csv_can_be_read_back(ds, journal, tmp_path):
    found = export(ds, journal, tmp_path / "out.csv", "csv")
    again = Dataset.from_csv(found.path, root=ds.root, split="split", workspace=tmp_path / "space")
    cleaned = ds.cleaned(journal, exam="corrected").table
    assert again.table[["path", "label", "split"]].equals(cleaned[["path", "label", "split"]])


def test_a_test_split_keeps_its_folder(make_images, tmp_path):
    for split in ("train", "valid", "test"):
        make_images(tmp_path / "data" / split, {"black": 2, "teddy": 2}, seed=len(split))
    ds = Dataset.from_folder(tmp_path / "data")
    found = export(ds, Journal.open(ds), tmp_path / "clean", "folder")
    again = Dataset.from_folder(found.path)
    assert again.table.groupby(["split", "label"]).size().tolist() == [2] * 6


def test_one_name_in_two_folders_of_one_class(tmp_path):
    root = tmp_path / "data"
    for number, place in enumerate(("black/a", "black/b", "black/c", "teddy")):
        write_images(root / place, {".": 1}, seed=number)
    shutil.move(root / "black/c/000.jpg", root / "black/c/000.JPG")
    ds = Dataset.from_folder(root)
    assert len(ds) == 4
    found = export(ds, Journal.open(ds), tmp_path / "clean", "folder")
    names = sorted(each.name.casefold() for each in (found.path / "black").iterdir())
    assert names == ["000-2.jpg", "000-3.jpg", "000.jpg"]
    bytes_of = {path.read_bytes() for path in found.path.rglob("*.*") if path.is_file()}
    assert bytes_of == {path.read_bytes() for path in root.rglob("0*") if path.is_file()}


@pytest.mark.parametrize("form", ["folder", "csv"])
@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_is_there_is_not_overwritten(ds, journal, tmp_path, form, kind):
    to = tmp_path / "there"
    to.write_text("mine") if kind == "file" else to.mkdir()
    with pytest.raises(BadInputError, match="is there already and is not overwritten"):
        export(ds, journal, to, form)
    assert to.is_dir() if kind == "folder" else to.read_text() == "mine"


def test_copies_do_not_go_among_the_classes(ds, journal):
    for to in (ds.root / "clean", ds.root / "black" / "clean"):
        with pytest.raises(BadInputError, match="data set's own folder"):
            export(ds, journal, to, "folder")
        assert not to.exists()
    assert export(ds, journal, ds.root / "cleaned.csv", "fastai").items == 21


def test_unknown_form(ds, journal, tmp_path):
    with pytest.raises(BadInputError, match="Did you mean 'folder'"):
        export(ds, journal, tmp_path / "x", "foldr")


@pytest.mark.parametrize("form", ["folder", "csv"])
def test_a_failure_leaves_nothing(ds, journal, tmp_path, form, monkeypatch):
    calls = []

    def full(*arguments, **_):
        calls.append(arguments)
        if len(calls) == 3 or form == "csv":
            raise OSError(28, "No space left on device")
        shutil.copyfile(*arguments)

    monkeypatch.setattr(exports.shutil, "copy2", full)
    monkeypatch.setattr(exports, "csv_text", full)
    with pytest.raises(WorkspaceError, match=r"disk .* is full. Nothing was exported"):
        export(ds, journal, tmp_path / "out", form)
    assert calls
    assert left_over(tmp_path) == ["images"]


def test_a_picture_that_is_gone_leaves_nothing(ds, journal, tmp_path):
    ds.path_of(ds.table.id.iloc[-1]).unlink()
    with pytest.raises(WorkspaceError, match=r"\.jpg: No such file .* Nothing was exported"):
        export(ds, journal, tmp_path / "out", "folder")
    assert left_over(tmp_path) == ["images"]


def test_nothing_left_to_export(ds, tmp_path):
    journal = Journal.open(ds)
    journal.record(ds.table.id.tolist(), "delete")
    assert export(ds, journal, tmp_path / "out", "folder").items == 0
    assert export(ds, journal, tmp_path / "out.csv", "csv").items == 0
    assert (tmp_path / "out").is_dir()
    assert rows(tmp_path / "out.csv") == [["path", "label", "split", "tags", "note"]]


@pytest.mark.parametrize("form", ["csv", "fastai", "fastclass"])
def test_names_that_look_like_formulas_are_written_as_they_are(images, tmp_path, form):
    (images / "black").rename(images / "=1+1")
    (images / "teddy").rename(images / "-1")
    ds = Dataset.from_folder(images)
    table = rows(export(ds, Journal.open(ds), tmp_path / "out.csv", form).path)
    assert [row[:2] for row in table[1:]] == ds.table[["path", "label"]].to_numpy().tolist()


@pytest.mark.skipif(os.name == "nt", reason="locks tell a dead draft from a living one on POSIX")
def test_what_a_killed_export_left_is_cleared_away(ds, tmp_path):
    code = (
        "import os, pathlib, sys\n"
        "from bearwidgets import Dataset, Journal\n"
        "from bearwidgets.clean.export import export\n"
        "ds = Dataset.from_folder(sys.argv[1]); pathlib.Path.rename = lambda *_: os._exit(9)\n"
        "export(ds, Journal.open(ds), pathlib.Path(sys.argv[2]), 'folder')"
    )
    command = [sys.executable, "-c", code, str(ds.root), str(tmp_path / "out")]
    assert subprocess.run(command, timeout=60, check=False).returncode == 9
    assert len(left_over(tmp_path)) == 2
    export(ds, Journal.open(ds), tmp_path / "out", "folder")
    assert left_over(tmp_path) == ["images", "out"]


@pytest.mark.parametrize("label", ["../../out", "a/b", "..", ".", "C:\\x", "nul"])
def test_a_label_of_a_table_cannot_lead_out_of_the_folder(ds, tmp_path, label):
    frame = ds.table[["path", "label"]].copy()
    frame.loc[0, "label"] = label
    other = Dataset.from_df(frame, root=ds.root, workspace=tmp_path / "space")
    with pytest.raises(BadInputError, match=r"cannot be a folder.*export a table"):
        export(other, Journal.open(other), tmp_path / "deep" / "er" / "out", "folder")
    assert left_over(tmp_path) == ["images", "space"] or left_over(tmp_path) == ["images"]
    assert export(other, Journal.open(other), tmp_path / "out.csv", "csv").items == 24


@pytest.mark.skipif(os.name == "nt", reason="file names are Unicode on Windows")
def test_a_name_that_is_no_unicode(images, tmp_path):
    try:
        (images / "black" / "000.jpg").rename(images / "black" / os.fsdecode(b"\xff.jpg"))
    except OSError:
        pytest.skip("this file system takes Unicode names only")
    ds = Dataset.from_folder(images)
    journal = Journal.open(ds)
    for form in ("csv", "folder"):
        assert export(ds, journal, tmp_path / form, form).items == len(ds)


@pytest.mark.parametrize("form", ["csv", "fastai", "fastclass"])
def test_names_with_line_ends_stay_one_cell(tmp_path, make_images, form):
    root = make_images(tmp_path / "set", {"black": 3, "teddy": 3})
    (root / "black" / "000.jpg").rename(root / "black" / "a\rb.jpg")
    (root / "black" / "001.jpg").rename(root / "black" / "a\nb.jpg")
    ds = Dataset.from_folder(root)
    found = export(ds, Journal.open(ds), tmp_path / "out.csv", form)
    assert {row[0] for row in rows(found.path)[1:]} == set(ds.table.path)


def test_a_name_that_is_too_long_is_a_sentence(ds, journal, tmp_path):
    with pytest.raises(BadInputError, match="cannot be a path"):
        export(ds, journal, tmp_path / ("a" * 300), "csv")
    with pytest.raises(BadInputError, match="cannot be a path"):
        Journal.merge("a" * 300, ds.workspace, tmp_path / "merged")
