"""The journal: record, undo, redo, restarts, torn lines, full disks, several writers."""

from __future__ import annotations

import errno
import json
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

from bearwidgets import files as disk
from bearwidgets.clean.journal import Journal
from bearwidgets.clean.log import file as journal_file
from bearwidgets.clean.log.encoding import encode
from bearwidgets.clean.log.fold import DecisionState
from bearwidgets.clean.log.manifest import ManifestWriter
from bearwidgets.data.dataset import Dataset
from bearwidgets.errors import BadInputError, ConflictError, MissingFileError, WorkspaceError


def ids_of(dataset, n=None):
    return dataset.table["id"].tolist()[:n]


def in_force(journal):
    table = journal.decisions
    return {id_: (row.action, row.new_label) for id_, row in table.iterrows()}


def lines_of(journal):
    return [json.loads(line) for line in journal.path.read_text(encoding="utf-8").splitlines() if line]


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


@pytest.mark.parametrize("whole", [False, True])
def test_torn_last_line_at_every_byte(dataset, tmp_path, whole):
    ids = ids_of(dataset, 4)
    source = Journal.open(replace(dataset, workspace=tmp_path / "source"))
    for id_ in ids[:2]:
        source.record([id_], "delete")
    data = source.path.read_bytes()
    start = data.index(b"\n") + 1
    cuts = [len(data) - 1] if whole else range(start + 1, len(data) - 1)
    for cut in cuts:
        space = replace(dataset, workspace=tmp_path / f"cut-{cut}")
        space.workspace.mkdir()
        (space.workspace / "journal.jsonl").write_bytes(data[:cut])
        torn = Journal.open(space)
        expected = ids[:2] if whole else ids[:1]
        assert list(in_force(torn)) == expected
        torn.record([ids[2]], "unsure")
        for each in (torn, Journal.open(space)):
            assert list(in_force(each)) == [*expected, ids[2]]
        assert torn.path.read_bytes().startswith(data[:cut] + b"\n{")


def test_reader_beside_a_slow_writer(dataset, journal, tmp_path):
    ids = ids_of(dataset, 3)
    journal.record([ids[0]], "delete")
    journal.record([ids[1]], "delete")
    data = journal.path.read_bytes()
    slow = replace(dataset, workspace=tmp_path / "slow")
    slow.workspace.mkdir()
    path = slow.workspace / "journal.jsonl"
    path.write_bytes(b"")
    reader = Journal.open(slow)
    versions = []
    with path.open("ab", buffering=0) as file:
        for byte in data:
            file.write(bytes([byte]))
            versions.append(reader.version)
    assert versions[-1] == 2
    assert versions == sorted(versions)
    assert list(in_force(reader)) == ids[:2]


def test_damaged_line_in_the_middle_is_passed_over_and_told(dataset, journal):
    a, b, c = ids_of(dataset, 3)
    for id_ in (a, b, c):
        journal.record([id_], "delete")
    lines = journal.path.read_bytes().splitlines(keepends=True)
    lines[1] = b"\x00\x00\xff garbage\n"
    lines.insert(2, b'{"v":1,"seq":9,"action":"dance"}\n')
    journal.path.write_bytes(b"".join(lines))
    with pytest.warns(UserWarning, match="entry 2"):
        again = Journal.open(dataset)
    assert list(in_force(again)) == [a, c]
    assert "line 2" in again.notes[0]
    assert "'dance'" in again.notes[1]


@pytest.fixture
def damaged(dataset, journal):
    """A journal whose line that took a delete back is damaged by one byte."""
    a, b = ids_of(dataset, 2)
    journal.record([a], "delete")
    journal.undo()
    journal.record([b], "keep")
    data = bytearray(journal.path.read_bytes())
    data[data.index(b'"undo"') + 2] ^= 1
    journal.path.write_bytes(data)
    return journal


def test_damage_is_told_and_apply_waits_until_it_is_accepted(dataset, damaged):
    with pytest.warns(UserWarning, match=r"entry 2 of journal.jsonl \(line 2\)"):
        again = Journal.open(dataset)
    (said,) = again.damage
    assert said in again.notes
    for plan in (None, again.plan()):
        with pytest.raises(ConflictError, match="accept_damage"):
            again.apply(plan)
    again.record(ids_of(dataset, 4)[3:], "delete")
    assert again.accept_damage() == [said]
    assert Journal.open(dataset).damage == again.damage == []
    assert again.apply().counts["delete"] == 2


def test_damage_that_comes_after_another_was_accepted_is_told(dataset, damaged):
    with pytest.warns(UserWarning, match="entry 2"):
        Journal.open(dataset).accept_damage()
    lines = damaged.path.read_bytes().splitlines(keepends=True)
    damaged.path.write_bytes(b"".join(lines[1:]))
    with pytest.warns(UserWarning, match="entries 1 to 2"):
        Journal.open(dataset)


@pytest.mark.parametrize("change", ["flip", "cut out", "swap", "twice", "cut off", "lost"])
def test_whatever_happens_to_a_recorded_line_is_told(dataset, journal, change):
    for id_ in ids_of(dataset, 5):
        journal.record([id_], "delete")
    lines = journal.path.read_bytes().splitlines(keepends=True)
    changed = {
        "flip": [*lines[:2], lines[2].replace(b"delete", b"unsure"), *lines[3:]],
        "cut out": [*lines[:2], *lines[3:]],
        "swap": [lines[0], lines[2], lines[1], *lines[3:]],
        "twice": [*lines[:2], *lines[1:]],
        "cut off": [*lines[:3], lines[3][:40]],
        "lost": [],
    }
    journal.path.write_bytes(b"".join(changed[change]))
    with pytest.warns(UserWarning, match="journal is damaged"):
        again = Journal.open(dataset)
    assert {action for action, _ in in_force(again).values()} <= {"delete"}
    again.record(ids_of(dataset, 6)[5:], "keep")
    assert again.damage
    if change == "twice":  # the others are where they were
        assert [said for said in again.damage if "cannot be read" in said] == []
    if change in {"cut off", "lost"}:  # told once; the rest of the journal is whole
        assert again.accept_damage()
        assert again.damage == Journal.open(dataset).damage == []
        return
    with pytest.warns(UserWarning, match="journal is damaged"):
        Journal.open(dataset)


@pytest.mark.parametrize(
    "version", [b'"v":0', b'"v":3', b'"v":-1', b'"v":null', b'"v":"1"', b'"v":[]', b'"v":true']
)
@pytest.mark.parametrize("at", [1, 4])
@pytest.mark.parametrize("summed", [True, False])
def test_a_damaged_version_is_one_damaged_line(dataset, journal, version, at, summed):
    ids = ids_of(dataset, 5)
    for id_ in ids:
        journal.record([id_], "delete")
    lines = journal.path.read_bytes().splitlines(keepends=True)
    if not summed:
        lines = [re.sub(rb',"crc":"\w+"', b"", line) for line in lines]
    lines[at] = lines[at].replace(b'"v":1', version)
    journal.path.write_bytes(b"".join(lines))
    with pytest.warns(UserWarning, match=f"entry {at + 1}"):
        again = Journal.open(dataset)
    assert list(in_force(again)) == [id_ for id_ in ids if id_ != ids[at]]


def test_a_newer_version_with_its_checksum_is_known_anywhere(dataset, journal):
    journal.record(ids_of(dataset, 1), "delete")
    line = encode({"v": 2, "seq": 2, "action": "dream"})
    journal.path.write_bytes(line + b"\n" + journal.path.read_bytes())
    with pytest.raises(WorkspaceError, match="newer"):
        Journal.open(dataset)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("seq", "1"),
        ("seq", 0),
        ("seq", 1e999),
        ("seq", True),
        ("action", []),
        ("action", "dance"),
        ("id", []),
        ("path", None),
        ("content", {}),
        ("from", 3),
        ("to", ""),
        ("to", None),
        ("group", "1"),
        ("lines", 0),
        ("lines", 2),
        ("time", 7),
        ("by", None),
        ("seen", "x"),
        ("seen", {"loss": float("nan")}),
        ("seen", {"loss": [1e999]}),
        ("more", 1),
    ],
)
def test_a_line_with_a_value_of_another_kind_is_passed_over(dataset, journal, name, value):
    a, b, c = ids_of(dataset, 3)
    for id_ in (a, b, c):
        journal.record([id_], "relabel", "teddy")
    lines = [re.sub(rb',"crc":"\w+"', b"", line) for line in journal.path.read_bytes().splitlines()]
    lines[1] = json.dumps({**json.loads(lines[1]), name: value}).encode()
    journal.path.write_bytes(b"\n".join(lines) + b"\n")
    with pytest.warns(UserWarning, match="entry 2"):
        again = Journal.open(dataset)
    assert list(in_force(again)) == [a, c]


@pytest.mark.parametrize("action", ["undo", "redo", "apply", "rollback", "accept"])
@pytest.mark.parametrize("value", [None, "x", [], ["a", []], {}, 1e999, -1, 10**30])
def test_a_line_of_a_round_or_an_undo_with_another_value_is_passed_over(dataset, journal, action, value):
    a, b = ids_of(dataset, 2)
    journal.record([a], "delete")
    line = {"v": 1, "seq": 2, "time": "t", "by": "x", "action": action, "of": value, "round": value}
    with journal.path.open("ab") as file:
        file.write(json.dumps(line).encode() + b"\n")
    assert list(in_force(journal)) == [a]
    assert journal.rounds.empty
    assert journal.record([b], "delete") == 1
    assert list(in_force(Journal(dataset.workspace, dataset, "Ada"))) == [a, b]


@pytest.mark.parametrize("kept", [1, 2, 3, 3.5])
def test_an_act_that_was_not_written_to_its_end_never_happened(dataset, journal, kept):
    ids = ids_of(dataset, 6)
    journal.record(ids[:1], "keep")
    size = journal.path.stat().st_size
    journal.record(ids[1:5], "delete")
    lines = journal.path.read_bytes()[size:].splitlines(keepends=True)
    half = b"".join(lines)[: int(kept * len(lines[0]))] if kept % 1 else b"".join(lines[:kept])
    journal.path.write_bytes(journal.path.read_bytes()[:size] + half)
    os.truncate(dataset.workspace / "journal.lock", 1)  # the writer was killed before it returned
    again = Journal.open(dataset)
    assert list(in_force(again)) == ids[:1]
    again.record(ids[5:], "unsure")
    for reader in (again, Journal.open(dataset)):
        assert list(in_force(reader)) == [ids[0], ids[5]]
        assert "never written to its end" in reader.notes[-1]
        assert reader.damage == []


def cut_off_act(dataset, journal, ids, kept):
    """An act of which some lines reached the disk before the power went, and half of the next one."""
    size = journal.path.stat().st_size if journal.path.exists() else 0
    journal.record(ids, "delete")
    data = journal.path.read_bytes()
    lines = data[size:].splitlines(keepends=True)
    journal.path.write_bytes(data[:size] + b"".join(lines[:kept]) + lines[kept][:30])
    os.truncate(dataset.workspace / "journal.lock", 1)


@pytest.mark.parametrize("kept", [1, 2, 3])
@pytest.mark.parametrize("n", [2, 4, 5])
@pytest.mark.parametrize("damage", [None, 0, 1, 2])
def test_an_act_that_takes_the_numbers_of_one_that_was_cut_off(dataset, journal, kept, n, damage):
    ids = ids_of(dataset)
    journal.record(ids[:1], "keep")
    cut_off_act(dataset, journal, ids[1:5], kept)
    again = Journal.open(dataset, by="Bo")
    size = journal.path.stat().st_size
    assert again.record(ids[5 : 5 + n], "unsure") == n
    new = ids[5 : 5 + n]
    if damage is not None and damage < n - 1:
        lines = journal.path.read_bytes()[size:].lstrip(b"\n").splitlines(keepends=True)
        lines[damage] = b"x" + lines[damage]
        journal.path.write_bytes(journal.path.read_bytes()[:size] + b"\n" + b"".join(lines))
        del new[damage]
    for reader in (again, Journal(dataset.workspace, dataset, "Ada")):
        assert list(in_force(reader)) == [ids[0], *new]
        assert bool(reader.damage) == (len(new) < n)


def test_half_an_act_after_one_that_was_cut_off_waits(dataset, journal):
    ids = ids_of(dataset)
    journal.record(ids[:1], "keep")
    cut_off_act(dataset, journal, ids[1:5], 2)
    Journal.open(dataset).record(ids[5:9], "unsure")
    data = journal.path.read_bytes()
    lines = data.splitlines(keepends=True)
    os.truncate(dataset.workspace / "journal.lock", 1)
    journal.path.write_bytes(b"".join(lines[:-2]))
    reader = Journal(dataset.workspace, dataset, "Ada")
    assert list(in_force(reader)) == ids[:1]
    journal.path.write_bytes(data)
    assert list(in_force(reader)) == [ids[0], *ids[5:9]]
    assert reader.damage == []


@pytest.mark.parametrize("one", range(5))
@pytest.mark.parametrize("at", range(6))
@pytest.mark.parametrize("bulk", [True, False])
def test_a_line_that_is_there_twice_takes_no_other_away(dataset, journal, one, at, bulk):
    ids = ids_of(dataset, 7)
    for some in [ids[:5]] if bulk else [[id_] for id_ in ids[:5]]:
        journal.record(some, "delete")
    lines = journal.path.read_bytes().splitlines(keepends=True)
    lines.insert(at, lines[one])
    journal.path.write_bytes(b"".join(lines))
    reader = Journal(dataset.workspace, dataset, "Ada")
    assert set(in_force(reader)) == set(ids[:5])
    (said,) = {re.sub(r"entry \d", "entry", said) for said in reader.damage}
    assert "stands after" in said
    reader.accept_damage()
    reader.record(ids[5:6], "keep")
    seqs = reader.decisions["seq"].tolist()
    assert len(set(seqs)) == len(seqs)
    assert max(seqs) == 7


@pytest.mark.parametrize("step", ["read", "fold"])
@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
def test_an_interrupt_while_lines_are_read_loses_none(dataset, journal, monkeypatch, step, error):
    ids = ids_of(dataset, 3)
    journal.record(ids, "delete")
    reader = Journal.open(dataset)
    journal.record(ids[:2], "clear")
    with monkeypatch.context() as patch:
        if step == "fold":
            real = DecisionState.fold
            calls = []

            def fold(*arguments):
                calls.append(1)
                if len(calls) > 1:
                    raise error
                real(*arguments)

            patch.setattr(DecisionState, "fold", fold)
        else:
            patch.setattr(journal_file, "unfinished", lambda _: (_ for _ in ()).throw(error()))
        with pytest.raises(error):
            reader.can_undo  # noqa: B018 - reads
    assert list(in_force(reader)) == ids[2:]
    assert reader.undo() == ids[:2]


@pytest.mark.parametrize(("kept", "said"), [(3, "entry 4 of journal.jsonl was rec"), (2, "entries 3 to 4")])
def test_what_is_missing_at_the_end_can_be_accepted_for_good(dataset, journal, kept, said):
    for id_ in ids_of(dataset, 4):
        journal.record([id_], "delete")
    lines = journal.path.read_bytes().splitlines(keepends=True)
    journal.path.write_bytes(b"".join(lines[:kept]))
    beside = Journal(dataset.workspace, dataset, "Bo")
    with pytest.warns(UserWarning, match=said):
        again = Journal.open(dataset)
    assert beside.damage == again.accept_damage()
    assert beside.damage == again.damage == Journal.open(dataset).damage == []
    journal.path.write_bytes(b"".join(lines[:kept]))
    with pytest.warns(UserWarning, match="not there any more"):
        Journal.open(dataset)


@pytest.mark.parametrize("counted", [0, 1, 2, 3])
def test_a_count_that_an_earlier_version_left_behind(dataset, journal, counted):
    ids = ids_of(dataset, 4)
    for id_ in ids:
        journal.record([id_], "delete")
    os.truncate(dataset.workspace / "journal.lock", counted)
    assert Journal.open(dataset).notes == []
    data = journal.path.read_bytes()
    journal.path.write_bytes(data[:-40] + b"x" + data[-39:])
    reader = Journal(dataset.workspace, dataset, "Ada")
    assert bool(reader.damage) == (counted != 3)  # at 3, its writer was killed before it was whole


def test_the_count_is_kept_through_the_held_lock(dataset, journal, tmp_path, monkeypatch):
    other = tmp_path / "other"
    other.write_bytes(b"precious")
    real = journal_file.JournalFile.append

    def swap(*arguments):
        lock = dataset.workspace / "journal.lock"
        lock.rename(tmp_path / "held")
        lock.symlink_to(other)
        real(*arguments)

    monkeypatch.setattr(journal_file.JournalFile, "append", swap)
    journal.record(ids_of(dataset, 2), "delete")
    assert other.read_bytes() == b"precious"
    assert (tmp_path / "held").stat().st_size == 2


def test_one_damaged_line_of_an_act_leaves_the_others(dataset, journal):
    ids = ids_of(dataset, 5)
    journal.record(ids, "delete")
    lines = journal.path.read_bytes().splitlines(keepends=True)
    for at in (0, 2, 4):
        damaged = [*lines[:at], b"x" + lines[at], *lines[at + 1 :]]
        journal.path.write_bytes(b"".join(damaged))
        reader = Journal(dataset.workspace, dataset, "Ada")
        assert list(in_force(reader)) == [*ids[:at], *ids[at + 1 :]]
        assert len(reader.damage) == 1


def test_a_journal_of_an_earlier_version_is_read_and_gone_on_with(dataset, journal):
    ids = ids_of(dataset, 6)
    journal.record(ids[:3], "delete")
    journal.undo()
    journal.record(ids[3:4], "keep")
    old = re.sub(rb',"(crc":"\w+"|lines":\d+)', b"", journal.path.read_bytes())
    journal.path.write_bytes(old)
    (dataset.workspace / "journal.lock").write_bytes(b"")
    again = Journal.open(dataset)
    assert in_force(again) == {ids[3]: ("keep", None)}
    again.record(ids[4:], "unsure")
    assert again.path.read_bytes().startswith(old)
    assert Journal.open(dataset).notes == []
    assert len(in_force(Journal.open(dataset))) == 3


def test_where_cutting_back_fails_too_the_error_says_so(dataset, journal, monkeypatch):
    a, b = ids_of(dataset, 2)
    journal.record([a], "keep")

    def fail(*_):
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(journal_file.os, "fsync", fail)
        patch.setattr(journal_file.os, "ftruncate", fail)
        with pytest.raises(WorkspaceError, match="may have been recorded"):
            journal.record([b], "delete")
    assert in_force(journal) == in_force(Journal.open(dataset))


def test_links_are_not_followed(dataset, journal, tmp_path):
    (tmp_path / "bashrc").write_text("mine")
    journal.record(ids_of(dataset, 1), "keep")
    for name in ("journal.jsonl", "journal.lock"):
        file = dataset.workspace / name
        file.rename(tmp_path / name)
        file.symlink_to(tmp_path / "bashrc")
        with pytest.raises(WorkspaceError, match="is a link"):
            journal.record(ids_of(dataset, 2)[1:], "delete")
        for source in (dataset, dataset.workspace):
            with pytest.raises(WorkspaceError, match="is a link"):
                Journal.open(source)
        (tmp_path / name).replace(file)
    assert (tmp_path / "bashrc").read_text() == "mine"


def test_journal_of_a_newer_version_is_left_alone(dataset, journal):
    journal.record(ids_of(dataset, 1), "delete")
    with journal.path.open("ab") as file:
        file.write(b'{"v":2,"seq":2,"action":"keep"}\n')
    before = journal.path.read_bytes()
    with pytest.raises(WorkspaceError, match=r"newer bearwidgets.*pip install -U"):
        Journal.open(dataset)
    with pytest.raises(WorkspaceError, match="newer"):
        journal.record(ids_of(dataset, 2), "delete")
    assert journal.path.read_bytes() == before


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
        self.now, self.past, self.future = {}, [], []
        self.followed, self.known = {}, 0

    def teardown(self):
        shutil.rmtree(self.folder)

    @rule(
        picked=st.sets(st.integers(0, 5), min_size=1), choice=st.sampled_from(CHOICES), second=st.booleans()
    )
    def record(self, picked, choice, second):
        ids = [self.ids[n] for n in sorted(picked)]
        new = dict(self.now)
        for id_ in ids:
            said = ("keep", None) if choice == ("relabel", self.labels[id_]) else choice
            new.pop(id_, None) if said[0] == "clear" else new.update({id_: said})
        changed = sum(new.get(id_) != self.now.get(id_) for id_ in ids)
        writer = self.other if second else self.journal
        assert writer.record(ids, *choice) == changed
        if changed:
            self.past.append(self.now)
            self.future.clear()
            self.now = new

    @rule(second=st.booleans())
    def undo(self, second):
        ids = (self.other if second else self.journal).undo()
        assert bool(ids) == bool(self.past)
        if self.past:
            self.future.append(self.now)
            self.now = self.past.pop()

    @rule()
    def redo(self):
        assert bool(self.journal.redo()) == bool(self.future)
        if self.future:
            self.past.append(self.now)
            self.now = self.future.pop()

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
        assert (self.journal.can_undo, self.journal.can_redo) == (bool(self.past), bool(self.future))


def test_journal_equals_a_simple_model(tmp_path, monkeypatch):
    monkeypatch.setattr(
        ManifestWriter, "touch", lambda _: None
    )  # its thread would write into a folder that goes
    JournalMachine.images = write_images(tmp_path / "images", {"black": 3, "teddy": 3})
    run_state_machine_as_test(
        JournalMachine,
        settings=settings(max_examples=25, stateful_step_count=20, deadline=None, database=None),
    )
