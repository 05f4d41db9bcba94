"""Journals with torn, damaged, lost and doubled lines, cut off acts, other versions: what counts and what is told."""

from __future__ import annotations

import errno
import json
import os
import re
from dataclasses import replace

import pytest
from rounds_kit import ids_of, in_force

from bearwidgets.clean.journal import Journal
from bearwidgets.clean.log import file as journal_file
from bearwidgets.clean.log.encoding import encode
from bearwidgets.clean.log.fold import DecisionState
from bearwidgets.errors import ConflictError, WorkspaceError


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
    line = encode({"v": 9, "seq": 2, "action": "dream"})
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
        file.write(b'{"v":9,"seq":2,"action":"keep"}\n')
    before = journal.path.read_bytes()
    with pytest.raises(WorkspaceError, match=r"newer bearwidgets.*pip install -U"):
        Journal.open(dataset)
    with pytest.raises(WorkspaceError, match="newer"):
        journal.record(ids_of(dataset, 2), "delete")
    assert journal.path.read_bytes() == before
