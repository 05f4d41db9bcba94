"""manifest.csv: current, safe to open in a spreadsheet, never half written."""

from __future__ import annotations

import contextlib
import csv
import errno
import io
import subprocess
import sys
import textwrap
import time

import pandas as pd
import pytest

from bearwidgets import files as disk
from bearwidgets.clean.journal import Journal
from bearwidgets.clean.log import manifest
from bearwidgets.clean.log.fold import Decision
from bearwidgets.clean.log.manifest import COLUMNS, manifest_bytes
from bearwidgets.errors import WorkspaceError
from bearwidgets.safe_text import safe_cell


def read(journal):
    return pd.read_csv(journal.write_manifest(), keep_default_na=False).set_index("path")


def wait_for(condition):
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_columns_and_rows(dataset, journal):
    ids = dataset.table["id"].tolist()
    journal.record(
        ids[:1], "relabel", "teddy", seen={ids[0]: {"predicted": "teddy", "confidence": 0.75, "loss": 4.5}}
    )
    journal.record(ids[1:3], "unsure")
    journal.record(ids[2:3], "clear")
    text = journal.write_manifest().read_bytes().decode()
    header, first, second = text.splitlines()
    assert header.startswith("path,label,action,new_label,predicted,confidence,loss,label_issue,decided_at,")
    assert header.endswith(",decided_by,id,tags,note,about")
    assert header == ",".join(COLUMNS)
    assert first.startswith("black/000.jpg,black,relabel,teddy,teddy,0.75,4.5,,20")
    assert first.endswith(f"Z,Ada,{ids[0]},,,label")
    assert second.startswith("black/001.jpg,black,unsure,,,,,,20")


def test_rounds_leave_it_and_come_back(dataset, journal):
    journal.record(dataset.table["id"].tolist()[:2], "delete")
    journal.record(dataset.table["id"].tolist()[2:3], "keep")
    receipt = journal.apply()
    assert read(journal)["action"].tolist() == ["keep"]
    assert pd.read_csv(receipt.folder / "manifest.csv")["action"].tolist() == ["delete", "delete"]
    journal.rollback(1)
    assert len(read(journal)) == 3


@pytest.mark.parametrize(
    "cell", ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "\nx", "=cmd|'/c calc'!A1", "\uff1d1"]
)
def test_formulas_are_text_and_other_cells_stay(cell):
    assert safe_cell(cell) == "'" + cell
    assert all(safe_cell(other) is other for other in ("teddy", f"a{cell}", "", -0.5, 3, None, True))


@pytest.mark.parametrize(
    ("cell", "safe"),
    [
        ("x;=1+1;y", "x;'=1+1;y"),
        ("a\t-1", "a\t'-1"),
        ("a\n @b", "a\n '@b"),
        ('a;"=1"', 'a;"\'=1"'),
        (" =1", " '=1"),
    ],
)
def test_formulas_after_another_separator_are_text(cell, safe):
    assert safe_cell(cell) == safe


def test_temporary_files_of_killed_processes_are_cleared_away(tmp_path):
    old, name = tmp_path / ".bearwidgets-01234567.tmp", tmp_path / ".bearwidgets-mine.tmp"
    for each in (old, name):
        each.write_text("half")
    with contextlib.ExitStack() as held:
        disk._lock(old, held)
        disk.write_atomic(tmp_path / "a.csv", b"1")
        assert old.exists()
    disk.write_atomic(tmp_path / "a.csv", b"2")
    assert sorted(each.name for each in tmp_path.iterdir()) == [name.name, "a.csv"]


def test_every_text_column_is_made_safe():
    decision = Decision(
        "@id", "=p", "c", "relabel", "+l", "-n", "@t", "\tb", 1, {"predicted": "=x", "loss": -1.0}
    )
    _, row = csv.reader(io.StringIO(manifest_bytes([decision]).decode(), newline=""))
    assert row == ["'=p", "'+l", "relabel", "'-n", "'=x", "", "-1.0", "", "'@t", "'\tb", "'@id", "", "", ""]


def test_names_with_anything_in_them_survive():
    path = 'a "b",\n\r\n<i>;é🐻\u202e.jpg'
    decision = Decision("id", path, "c", "keep", "l", None, "t", "b", 1, {})
    _, row = csv.reader(io.StringIO(manifest_bytes([decision]).decode(), newline=""))
    assert row[0] == path


def test_follows_by_itself(dataset, journal):
    path = dataset.workspace / "manifest.csv"
    journal.record(dataset.table["id"].tolist(), "keep")
    wait_for(path.exists)
    journal.undo()
    wait_for(lambda: path.read_text().count("\n") == 1)
    assert journal.notes == []


def test_a_burst_is_written_once(dataset, journal, monkeypatch):
    written = []
    monkeypatch.setattr(manifest, "write_atomic", lambda _, data: written.append(data))
    for id_ in dataset.table["id"].tolist():
        journal.record([id_], "keep")
    wait_for(lambda: written)
    assert len(written) < 5
    wait_for(lambda: written[-1].count(b"\n") == len(dataset) + 1)


def record_all_in_another_process(dataset, then=""):
    code = """
        import os, sys
        from bearwidgets import Dataset, Journal
        dataset = Dataset.from_folder(sys.argv[1])
        Journal.open(dataset).record(dataset.table["id"].tolist(), "delete")
    """
    command = [sys.executable, "-c", textwrap.dedent(code) + then, str(dataset.root)]
    subprocess.run(command, check=not then, timeout=60)
    return dataset.workspace / "manifest.csv"


def test_current_when_python_ends_at_once(dataset):
    assert record_all_in_another_process(dataset).read_text().count(",delete,") == len(dataset)


def test_stale_manifest_of_a_killed_process_is_renewed_on_opening(dataset):
    path = record_all_in_another_process(dataset, then="os._exit(9)")
    assert not path.exists()
    journal = Journal.open(dataset)
    wait_for(path.exists)
    assert len(journal.decisions) == len(dataset)


def test_full_disk_keeps_the_old_one_and_says_so(dataset, journal, monkeypatch):
    ids = dataset.table["id"].tolist()
    journal.record(ids[:1], "keep")
    path = journal.write_manifest()
    before = path.read_bytes()

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(disk.Path, "replace", full)
        journal.record(ids[:3], "delete")
        with pytest.raises(WorkspaceError, match="full"):
            journal.write_manifest()
        wait_for(lambda: journal.notes)
        assert "The journal is safe" in journal.notes[0]
    assert path.read_bytes() == before
    assert [each.name for each in dataset.workspace.iterdir() if each.suffix == ".tmp"] == []
    assert len(read(journal)) == 3
    assert journal.notes == []
