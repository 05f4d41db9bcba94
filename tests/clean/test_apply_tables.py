"""Rounds of a data set whose labels are in a table."""

from __future__ import annotations

import csv
import errno
import io
import os
import shutil
from pathlib import Path

import pandas as pd
import pytest
from rounds_kit import (
    OLD,
    open_csv,
    open_journal,
    snapshot,
)

from bearwidgets import files
from bearwidgets.clean.journal import Journal
from bearwidgets.data.dataset import Dataset
from bearwidgets.errors import ConflictError, WorkspaceError

pytestmark = pytest.mark.usefixtures("quick")


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


def test_csv_that_is_open_in_excel(bears, table, monkeypatch):
    journal, ids = open_csv(table)
    before = snapshot(bears)
    journal.record([ids["black/000.jpg"]], "relabel", "grizzly")
    real = Path.replace

    def replace(source, target):
        if target == table:
            error = PermissionError(errno.EACCES, "used by another process", str(source), None, str(target))
            error.winerror = 32
            raise error
        return real(source, target)

    monkeypatch.setattr(Path, "replace", replace)
    monkeypatch.setattr(files.time, "sleep", lambda _: None)
    with pytest.raises(WorkspaceError, match=r"labels.csv is open in another program.*Close it there"):
        journal.apply()
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


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", ""], ids=repr)
@pytest.mark.parametrize("cell", ["two\nlines", "two\rlines", "two\r\nlines", 'a "b"', "a;b", "", " x "])
def test_csv_cells_of_a_changed_row_keep_what_they_say(bears, end, cell):
    file = bears / "labels.csv"
    quoted, line = '"' + cell.replace('"', '""') + '"', end or "\n"
    text = f"file;label;note{line}teddy/000.jpg;teddy;x{line}black/000.jpg;black;{quoted}{end}"
    file.write_bytes(text.encode())
    journal, ids = open_csv(file)
    journal.record([ids["black/000.jpg"]], "relabel", "teddy")
    journal.apply()
    rows = list(csv.reader(io.StringIO(file.read_bytes().decode(), newline=""), delimiter=";"))
    assert rows[1:] == [["teddy/000.jpg", "teddy", "x"], ["black/000.jpg", "teddy", cell]]
    assert file.read_bytes().endswith(end.encode())


def test_blank_lines_before_the_header_stay(bears):
    file = bears / "labels.csv"
    file.write_bytes(b"\n\r\nfile;label\nteddy/000.jpg;teddy\nblack/000.jpg;black\n")
    journal, ids = open_csv(file)
    journal.record([ids["black/000.jpg"]], "relabel", "teddy")
    journal.apply()
    assert file.read_bytes() == b"\n\r\nfile;label\nteddy/000.jpg;teddy\nblack/000.jpg;teddy\n"


def test_a_label_that_the_encoding_of_the_table_lacks_is_refused(bears):
    file = bears / "labels.csv"
    file.write_bytes("file;label\nteddy/000.jpg;ours brun é\nblack/000.jpg;black\n".encode("latin-1"))
    ds = Dataset.from_csv(file, path="file", label="label", sep=";", encoding="latin-1")
    journal = Journal.open(ds)
    journal.record([ds.table.id[0]], "relabel", "日本")
    before = snapshot(bears)
    with pytest.raises(ConflictError, match="is in latin-1, which has no '日本'"):
        journal.apply()
    assert snapshot(bears) == before


@pytest.fixture
def frame():
    """Labels that are not the names of the folders."""
    paths = ["black/000.jpg", "black/001.jpg", "teddy/000.jpg"]
    return pd.DataFrame({"f": paths, "y": ["dark", "dark", "toy"]})


def open_frame(frame, root):
    dataset = Dataset.from_df(frame, root=root, path="f", label="y")
    return dataset, Journal.open(dataset), dict(zip(dataset.table["path"], dataset.table["id"], strict=True))


def labels_in(table):
    return table.set_index("path")["label"].to_dict()


def test_data_frame_gets_a_file_of_labels(bears, frame):
    before = snapshot(bears)
    dataset, journal, ids = open_frame(frame, bears)
    journal.record([ids["black/000.jpg"]], "relabel", "grizzly")
    receipt = journal.apply()
    file = dataset.workspace / "labels.csv"
    assert receipt.labels == file
    assert f"the labels are in {file}" in repr(receipt)
    relabeled = {"black/000.jpg": "grizzly", "black/001.jpg": "dark", "teddy/000.jpg": "toy"}
    assert labels_in(pd.read_csv(file)) == relabeled
    first = file.read_bytes()
    again, second, ids = open_frame(frame, bears)
    assert labels_in(again.table) == labels_in(again.reread().table) == relabeled
    assert any("1 labels are those of decisions that were applied" in note for note in again.notes)
    second.record([ids["teddy/000.jpg"]], "delete")
    second.record([ids["black/001.jpg"]], "relabel", "toy")
    second.apply()
    assert labels_in(pd.read_csv(file)) == {"black/000.jpg": "grizzly", "black/001.jpg": "toy"}
    assert labels_in(open_frame(frame, bears)[0].table) == {
        "black/000.jpg": "grizzly",
        "black/001.jpg": "toy",
    }
    second.rollback(2)
    assert file.read_bytes() == first
    second.rollback(1)
    assert not file.exists()
    assert snapshot(bears) == before
    assert labels_in(open_frame(frame, bears)[0].table) == dict(zip(frame.f, frame.y, strict=True))


def test_an_applied_label_belongs_to_the_image_and_yields_to_a_newer_frame(bears, frame):
    _, journal, ids = open_frame(frame, bears)
    journal.record([ids["black/000.jpg"]], "relabel", "grizzly")
    journal.apply()
    (bears / "black" / "000.jpg").rename(bears / "renamed.jpg")
    renamed = frame.assign(f=frame.f.replace("black/000.jpg", "renamed.jpg"))
    assert labels_in(open_frame(renamed, bears)[0].table)["renamed.jpg"] == "grizzly"
    (bears / "renamed.jpg").rename(bears / "black" / "000.jpg")
    newer = frame.assign(y=["polar", "dark", "toy"])
    assert labels_in(open_frame(newer, bears)[0].table)["black/000.jpg"] == "polar"
    shutil.copy(bears / "black" / "002.jpg", bears / "black" / "000.jpg")  # another image
    assert labels_in(open_frame(frame, bears)[0].table)["black/000.jpg"] == "dark"
    for damage in (b"\xff", b"a,b\n1\n", b'path,label,split,frame_path,frame_label,content\n"x'):
        (bears / ".bearwidgets" / "labels.csv").write_bytes(damage)
        assert labels_in(open_frame(frame, bears)[0].table)["black/000.jpg"] == "dark"


def test_one_of_two_copies_in_a_frame_is_relabeled(bears, frame):
    shutil.copy(bears / "black" / "000.jpg", bears / "black" / "001.jpg")
    _, journal, ids = open_frame(frame, bears)
    journal.record([ids["black/000.jpg"]], "relabel", "grizzly")
    journal.apply()
    assert labels_in(open_frame(frame, bears)[0].table)["black/000.jpg"] == "grizzly"
    journal.record([ids["black/001.jpg"]], "relabel", "toy")
    journal.apply()
    assert labels_in(open_frame(frame, bears)[0].table) == {
        "black/000.jpg": "grizzly",
        "black/001.jpg": "toy",
        "teddy/000.jpg": "toy",
    }


def test_where_labels_are_the_folders_a_relabel_moves_the_file(bears, frame):
    """As in every fastai learner that was made from folders: whoever reads the folder sees it."""
    before = snapshot(bears)
    frame = frame.assign(y=[path.split("/")[0] for path in frame.f])
    dataset, journal, ids = open_frame(frame, bears)
    journal.record([ids["black/000.jpg"]], "relabel", "grizzly")
    journal.record([ids["teddy/000.jpg"]], "delete")
    assert journal.apply().moves["target"].tolist() == ["grizzly/000-2.jpg", "trash/0001/teddy/000.jpg"]
    moved = {"black/001.jpg": "black", "grizzly/000-2.jpg": "grizzly"}
    assert Dataset.from_folder(bears).table.set_index("path").label["grizzly/000-2.jpg"] == "grizzly"
    for again in (open_frame(frame, bears)[0], dataset.reread()):
        assert labels_in(again.table) == moved
    Journal.open(Dataset.from_folder(bears)).rollback(1)
    assert snapshot(bears) == before
    assert labels_in(open_frame(frame, bears)[0].table) == dict(zip(frame.f, frame.y, strict=True))


def test_an_applied_label_with_a_line_end_is_not_lost(bears, frame):
    frame.loc[0, "y"] = "x\ry"
    _, journal, ids = open_frame(frame, bears)
    journal.record([ids["black/000.jpg"]], "relabel", "dark")
    journal.apply()
    dataset, journal, ids = open_frame(frame, bears)
    journal.record([ids["black/001.jpg"]], "delete")
    journal.apply()
    left = {"black/000.jpg": "dark", "teddy/000.jpg": "toy"}
    assert labels_in(open_frame(frame, bears)[0].table) == labels_in(dataset.reread().table) == left
