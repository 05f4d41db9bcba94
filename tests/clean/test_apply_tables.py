"""Rounds of a data set whose labels are in a table."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd
import pytest
from rounds_kit import (
    OLD,
    open_csv,
    open_journal,
    snapshot,
)

from bearwidgets.clean.journal import Journal
from bearwidgets.data.dataset import Dataset
from bearwidgets.errors import ConflictError

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
