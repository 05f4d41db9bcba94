"""Two people's journals become one: what each did alone is taken, what they dispute is unsure and listed."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import replace

import pytest

from bearwidgets.clean.journal import Journal
from bearwidgets.errors import BadInputError, MissingFileError, WorkspaceError


@pytest.fixture
def people(dataset, tmp_path):
    """Two journals on the same images, in workspaces of their own."""
    ada = Journal.open(replace(dataset, workspace=tmp_path / "ada"), by="Ada")
    bo = Journal.open(replace(dataset, workspace=tmp_path / "bo"), by="Bo")
    return ada, bo


def in_force(journal):
    return {id_: (row.action, row.new_label, row.decided_by) for id_, row in journal.decisions.iterrows()}


def test_two_ways(dataset, people, tmp_path):
    ada, bo = people
    a, b, c, d, e = dataset.table["id"].tolist()[:5]
    ada.record([a, b], "delete")
    ada.record([c], "relabel", "teddy")
    bo.record([b], "delete")
    bo.record([c], "relabel", "grizzly", seen={c: {"loss": 4.0}})
    bo.record([d], "relabel", "grizzly", seen={d: {"loss": 3.0}})
    bo.record([e], "unsure")
    result = Journal.merge(tmp_path / "ada", tmp_path / "bo", tmp_path / "both", by="Cy")
    assert result.taken == 2
    assert result.conflicts["id"].tolist() == [c]
    row = result.conflicts.iloc[0]
    assert (row["ours_action"], row["ours_label"], row["ours_by"]) == ("relabel", "teddy", "Ada")
    assert (row["theirs_action"], row["theirs_label"], row["theirs_by"]) == ("relabel", "grizzly", "Bo")
    both = Journal.open(replace(dataset, workspace=tmp_path / "both"))
    assert in_force(both) == {
        a: ("delete", None, "Ada"),
        b: ("delete", None, "Ada"),
        c: ("unsure", None, "Cy"),
        d: ("relabel", "grizzly", "Bo"),
        e: ("unsure", None, "Bo"),
    }
    assert both.decisions.loc[d, "loss"] == 3.0
    assert ada.decision(c).action == "relabel"
    assert sorted(both.undo()) == sorted([c, d, e])
    assert in_force(both) == in_force(ada)


def test_into_ours_and_again(dataset, people):
    ada, bo = people
    a, b = dataset.table["id"].tolist()[:2]
    ada.record([a], "keep")
    bo.record([b], "delete")
    assert Journal.merge(ada.path.parent, bo.path, ada.path.parent).taken == 1
    assert in_force(ada) == {a: ("keep", None, "Ada"), b: ("delete", None, "Bo")}
    size = ada.path.stat().st_size
    again = Journal.merge(ada.path, bo.path, ada.path)
    assert (again.taken, len(again.conflicts), ada.path.stat().st_size) == (0, 0, size)


def test_answers_to_different_questions_are_joined(dataset, people):
    ada, bo = people
    a, b, c, d = dataset.table["id"].tolist()[:4]
    ada.record([a, c], "keep", about="image")
    ada.record([b], "relabel", "teddy")
    ada.record([d], "relabel", "teddy")
    bo.record([a], "keep")
    bo.record([b], "keep", about="duplicate")
    bo.record([c], "delete")
    bo.record([d], "keep")
    result = Journal.merge(ada.path, bo.path, ada.path)
    assert (result.taken, set(result.conflicts["id"])) == (2, {c, d})
    joined = ada.decisions.loc[[a, b], ["action", "new_label", "about"]].to_numpy().tolist()
    assert joined == [["keep", None, "label, image"], ["relabel", "teddy", "label, duplicate"]]
    assert Journal.merge(ada.path, bo.path, ada.path).taken == 0


def test_three_ways_from_a_shared_beginning(dataset, people):
    ada, bo = people
    a, b, c, d = dataset.table["id"].tolist()[:4]
    ada.record([a, b, c, d], "delete")
    bo.path.parent.mkdir()
    shutil.copy(ada.path, bo.path)
    ada.record([a], "keep")
    ada.record([c], "keep")
    bo.record([b], "clear")
    bo.record([c], "clear")
    bo.record([d], "relabel", "teddy")
    result = Journal.merge(ada.path, bo.path, ada.path, by="Cy")
    assert result.conflicts[["id", "ours_action", "theirs_action"]].to_numpy().tolist() == [
        [c, "keep", "clear"]
    ]
    assert in_force(ada) == {
        a: ("keep", None, "Ada"),
        c: ("unsure", None, "Cy"),
        d: ("relabel", "teddy", "Bo"),
    }


def test_what_is_applied_is_not_made_unsure(dataset, people):
    ada, bo = people
    a, b = dataset.table["id"].tolist()[:2]
    ada.record([a, b], "delete")
    ada.apply()
    bo.record([a], "delete")
    bo.record([b], "keep")
    result = Journal.merge(ada.path, bo.path, ada.path)
    assert (result.taken, result.conflicts["id"].tolist()) == (0, [b])
    assert in_force(ada) == {}
    ada.rollback(1)


def test_what_they_applied_is_taken_as_a_decision(dataset, people):
    ada, bo = people
    (a,) = dataset.table["id"].tolist()[:1]
    bo.record([a], "delete")
    bo.apply()
    bo.rollback(1)
    ada.record([a], "delete")
    ada.undo()
    assert Journal.merge(ada.path, bo.path, ada.path).taken == 1
    assert in_force(ada) == {a: ("delete", None, "Bo")}


def test_merging_either_way_round_disputes_the_same(dataset, people, tmp_path):
    ada, bo = people
    ids = dataset.table["id"].tolist()
    actions = ["keep", "delete", "unsure", None]
    for n, id_ in enumerate(ids[:16]):
        if (one := actions[n % 4]) is not None:
            ada.record([id_], one)
        if (other := actions[n // 4]) is not None:
            bo.record([id_], other)
    one = Journal.merge(ada.path, bo.path, tmp_path / "one")
    other = Journal.merge(bo.path, ada.path, tmp_path / "other")
    assert set(one.conflicts["id"]) == set(other.conflicts["id"])
    assert len(one.conflicts) == 6
    results = [
        in_force(Journal.open(replace(dataset, workspace=tmp_path / name))) for name in ("one", "other")
    ]
    assert {id_: said[0] for id_, said in results[0].items()} == {
        id_: said[0] for id_, said in results[1].items()
    }


def test_a_merge_that_is_killed_leaves_nothing_and_can_be_done_again(dataset, people, tmp_path):
    ada, bo = people
    ids = dataset.table["id"].tolist()
    ada.record(ids[:2], "delete")
    bo.record(ids[2:5], "keep")
    code = (
        "import os, pathlib, sys; from bearwidgets import Journal\n"
        "pathlib.Path.replace = lambda *_: os._exit(9)\n"
        "Journal.merge(*sys.argv[1:])"
    )
    paths = [ada.path.parent, bo.path, tmp_path / "into"]
    command = [sys.executable, "-c", code, *map(str, paths)]
    assert subprocess.run(command, timeout=60, check=False).returncode == 9
    assert not (tmp_path / "into" / "journal.jsonl").exists()
    assert Journal.merge(*paths).taken == 3
    assert [each.name for each in (tmp_path / "into").iterdir()] == ["journal.jsonl"]
    assert len(Journal.open(tmp_path / "into").decisions) == 5


@pytest.mark.parametrize(
    "change", [b"\x00", b'"id":[],', b'"path":null,', b'"content":[],', b'"seen":{"loss":NaN},']
)
@pytest.mark.parametrize("side", [0, 1])
def test_a_damaged_line_of_either_side_is_passed_over_and_told(dataset, people, tmp_path, change, side):
    ids = dataset.table["id"].tolist()
    for person, action in zip(people, ("keep", "delete"), strict=True):
        for id_ in ids[:3]:
            person.record([id_], action)
    file = people[side].path
    lines = [re.sub(rb',"crc":"\w+"', b"", line) for line in file.read_bytes().splitlines(keepends=True)]
    lines[1] = b"{" + change + lines[1][1:-2] + b"," + change[:-1] + b"}\n"
    file.write_bytes(b"".join(lines))
    with pytest.warns(UserWarning, match=f"{('ours', 'theirs')[side]}: entry 2"):
        result = Journal.merge(people[0].path, people[1].path, tmp_path / "into")
    assert len(result.notes) == 1
    assert result.conflicts["id"].tolist() == [ids[0], ids[2]]
    assert result.taken == side ^ 1


def test_refusals(dataset, people, tmp_path):
    ada, bo = people
    ids = dataset.table["id"].tolist()
    ada.record(ids[:1], "keep")
    with pytest.raises(MissingFileError, match="No journal"):
        Journal.merge(ada.path, tmp_path / "nobody", tmp_path / "into")
    bo.record(ids[:1], "delete")
    with pytest.raises(BadInputError, match="is there already"):
        Journal.merge(ada.path, bo.path, bo.path.parent)
    with bo.path.open("a") as file:
        file.write('{"v":3}\n')
    before = ada.path.read_bytes()
    with pytest.raises(WorkspaceError, match="newer"):
        Journal.merge(ada.path, bo.path, ada.path)
    assert ada.path.read_bytes() == before
