"""Tags and notes: kept in the journal, undone, found again after moves, in no cell that a spreadsheet would run."""

from __future__ import annotations

import csv
import errno
import json
import shutil
from dataclasses import replace

import pytest
from rounds_kit import ids_of, lines_of, snapshot

from bearwidgets.clean.journal import Journal
from bearwidgets.clean.log import file as journal_file
from bearwidgets.clean.log.encoding import encode
from bearwidgets.clean.log.remarks import LONGEST_NOTE, LONGEST_TAG, MOST_PER_ITEM, MOST_TAGS
from bearwidgets.data.dataset import Dataset
from bearwidgets.errors import BadInputError, WorkspaceError


def said(journal):
    return {id_: (each.tags, each.note) for id_, each in journal.remarks.items()}


def test_tags_and_notes_change_as_acts_and_outlive_a_restart(dataset, journal):
    one, two = ids_of(dataset, 2)
    assert journal.remark([one, two, one], add=["ask Ann", "blurry"]) == [one, two]
    assert journal.remark([one], add=["blurry"]) == []
    assert journal.remark([one], remove=["ask Ann"], note=" Two bears?\r\nOr one. ") == [one]
    assert said(journal) == {
        one: (("blurry",), "Two bears?\nOr one."),
        two: (("ask Ann", "blurry"), ""),
    }
    assert journal.tags == {"blurry": 2, "ask Ann": 1}
    assert said(Journal.open(dataset)) == said(journal)
    assert journal.undo() == [one]
    assert said(journal)[one] == (("ask Ann", "blurry"), "")
    assert journal.redo() == [one]
    assert journal.undo() == [one]
    assert journal.undo() == [one, two]
    assert (said(journal), journal.tags) == ({}, {})
    assert not journal.can_undo


def test_they_are_no_decisions(dataset, journal):
    one, two = ids_of(dataset, 2)
    journal.record([one], "delete")
    journal.remark([one, two], add=["odd"], note="=1+1")
    assert journal.decisions[["action", "tags", "note"]].to_numpy().tolist() == [["delete", "odd", "=1+1"]]
    assert [each.action for each in journal.history(one)] == ["delete"]
    assert len(journal.plan().moves) == 1
    journal.undo()
    assert journal.decisions.note.tolist() == [""]


def test_another_journal_is_told_of_them(dataset, journal):
    other = Journal.open(dataset, by="Ben")
    known = other.version
    (one,) = ids_of(dataset, 1)
    journal.remark([one], add=["odd"])
    assert other.changes_since(known) == {one: None}
    assert other.remarks[one].decided_by == "Ada"


def test_they_follow_a_file_to_another_class_and_back(dataset, journal):
    (one,) = ids_of(dataset, 1)
    journal.remark([one], add=["odd"])
    journal.record([one], "relabel", "teddy")
    journal.apply()
    moved = Journal.open(dataset.reread())
    assert said(moved) == {one: (("odd",), "")}
    moved.rollback()
    assert said(Journal.open(dataset.reread())) == {one: (("odd",), "")}


def test_the_manifest_has_them_with_and_without_a_decision(dataset, journal):
    one, two, three = ids_of(dataset, 3)
    journal.record([one], "keep", seen={one: {"loss": 0.5}})
    journal.remark([one], note='=cmd("x")\n-1')
    journal.remark([two, three], add=["+ask", "b"])
    journal.remark([three], remove=["+ask", "b"])
    with journal.write_manifest().open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["id"], row["action"], row["loss"], row["tags"], row["note"]) for row in rows] == [
        (one, "keep", "0.5", "", "'=cmd(\"x\")\n'-1"),
        (two, "", "", "'+ask; b", ""),
    ]


@pytest.mark.parametrize(
    "tag",
    [
        "",
        "  ",
        "a" * 10_000,
        "a" * (LONGEST_TAG + 1),
        "a,b",
        "a;b",
        "two\nlines",
        "bl\u202eack",
        "a\u200b",
        3,
        None,
    ],
)
def test_a_tag_is_a_short_text_on_one_line(dataset, journal, tag):
    with pytest.raises(BadInputError, match="allowed is a text of 1 to 50"):
        journal.remark(ids_of(dataset, 1), add=[tag])
    assert not journal.path.exists()


@pytest.mark.parametrize("note", ["a" * (LONGEST_NOTE + 1), "bell\x07", "turned \u202e", "\ud83d", 3])
def test_a_note_is_a_text_without_control_characters(dataset, journal, note):
    with pytest.raises(BadInputError, match="allowed is a text of at most"):
        journal.remark(ids_of(dataset, 1), note=note)


def test_how_many_tags_there_may_be(dataset, journal):
    one, two = ids_of(dataset, 2)
    journal.remark([one], add=[f"tag {n}" for n in range(MOST_PER_ITEM)])
    with pytest.raises(BadInputError, match="would have 21 tags"):
        journal.remark([two, one], add=["one more"])
    assert two not in journal.remarks
    ids = dataset.table.id.tolist()
    for number in range(1, MOST_TAGS // MOST_PER_ITEM):
        journal.remark([ids[number]], add=[f"tag {number} {n}" for n in range(MOST_PER_ITEM)])
    with pytest.raises(BadInputError, match="201 different tags"):
        journal.remark([ids[-1]], add=["one more"])


def test_an_id_of_another_data_set_is_refused(journal):
    with pytest.raises(BadInputError, match="No item 'ffff'"):
        journal.remark(["ffff"], add=["odd"])


@pytest.mark.parametrize("change", [{"tags": "odd"}, {"tags": [3]}, {"note": None}, {"tags": None}])
def test_a_line_that_makes_no_sense_is_damage(dataset, journal, change):
    journal.remark(ids_of(dataset, 1), add=["odd"])
    (line,) = lines_of(journal)
    line = {name: value for name, value in {**line, **change}.items() if name != "crc"}
    journal.path.write_bytes(encode(line) + b"\n")
    with pytest.warns(UserWarning, match="damaged"):
        assert Journal.open(dataset).remarks == {}


def test_a_long_line_from_a_stranger_is_cut(dataset, journal):
    (one,) = ids_of(dataset, 1)
    journal.remark([one], add=["odd"])
    (line,) = lines_of(journal)
    assert line["v"] == 2  # an older version says that it needs a newer one
    line |= {"tags": ["a" * 999 + str(n) for n in range(99)], "note": "a" * 99_999}
    line.pop("crc")
    journal.path.write_bytes(encode(json.loads(json.dumps(line))) + b"\n")
    tags, note = said(Journal.open(dataset))[one]
    assert (len(tags), {len(tag) for tag in tags}, len(note)) == (MOST_PER_ITEM, {LONGEST_TAG}, LONGEST_NOTE)


def test_two_peoples_remarks_become_one_act(dataset, journal, tmp_path):
    one, two, three = ids_of(dataset, 3)
    journal.remark([one, two], add=["a", "b"], note="mine")
    theirs = tmp_path / "theirs"
    shutil.copytree(dataset.workspace, theirs, ignore=lambda *_: ["root.json"])
    other = Journal.open(replace(dataset, workspace=theirs), by="Ben")
    journal.remark([one], add=["ours"], remove=["a"], note="new of ours")
    journal.remark([two], remove=["a"])
    other.remark([one], add=["theirs"], remove=["b"], note="new of theirs")
    other.remark([two], note="")
    other.remark([three], add=["c"])
    other.record([three], "delete")
    before = said(journal)
    assert Journal.merge(dataset.workspace, theirs, dataset.workspace).taken == 1
    assert said(journal) == {
        one: (("ours", "theirs"), "new of ours\nnew of theirs"),
        two: (("b",), ""),
        three: (("c",), ""),
    }
    assert set(journal.undo()) == {one, two, three}
    assert (said(journal), len(journal.decisions)) == (before, 0)
    journal.redo()
    assert Journal.merge(dataset.workspace, theirs, dataset.workspace).taken == 0


# ---------------------------------------------------------------------- a new journal


def test_a_reset_keeps_the_old_journal_under_another_name(dataset, journal):
    one, two = ids_of(dataset, 2)
    journal.record([one, two], "delete")
    journal.remark([one], add=["odd"])
    old, known = journal.path.read_bytes(), journal.version
    other = Journal.open(dataset)
    kept = journal.reset()
    assert (kept.name, kept.read_bytes(), journal.path.read_bytes()) == ("journal-1.jsonl", old, b"")
    for each in (journal, other, Journal.open(dataset)):
        assert (len(each.decisions), each.remarks, each.can_undo, each.damage) == (0, {}, False, [])
    assert journal.changes_since(known) == {one: None, two: None}
    assert other.record([two], "keep") == 1
    assert [line["seq"] for line in lines_of(journal)] == [1]
    assert journal.reset().name == "journal-2.jsonl"
    with journal.write_manifest().open() as file:
        assert len(list(csv.DictReader(file))) == 0


def test_rounds_that_stand_go_over_into_a_new_journal(decided, bears):
    journal, _, before = decided
    journal.apply()
    journal.record(ids_of(Dataset.from_folder(bears), 1), "unsure")
    pending = journal.rounds.loc[1, ["delete", "relabel"]].tolist()
    journal.reset()
    fresh = Journal.open(Dataset.from_folder(bears))
    assert (fresh.notes, fresh.standing, len(fresh.decisions)) == ([], [1], 0)
    assert fresh.rounds.loc[1, ["delete", "relabel"]].tolist() == pending
    assert not fresh.can_undo
    fresh.rollback()
    assert snapshot(bears) == before
    assert fresh.decisions.action.isin(["delete", "relabel"]).sum() == sum(pending)
    assert journal.apply().round == 2


def test_nothing_to_reset(journal):
    with pytest.raises(BadInputError, match="nothing is recorded yet"):
        journal.reset()


def test_a_reset_on_a_full_disk_changes_nothing(dataset, journal, monkeypatch):
    journal.record(ids_of(dataset, 2), "delete")
    old = journal.path.read_bytes()

    def full(path, data, **_):
        if path == journal.path:
            raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(journal_file, "write_atomic", full)
        with pytest.raises(WorkspaceError, match="The journal is as it was"):
            journal.reset()
    assert journal.path.read_bytes() == old
    assert (len(Journal.open(dataset).decisions), journal.damage) == (2, [])
    assert journal.record(ids_of(dataset, 2), "keep") == 2
