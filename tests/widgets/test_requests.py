"""Every request that a Cleaner's view may make, as messages."""

from __future__ import annotations

import io
import json

import pytest
from made_data import write_images
from PIL import Image
from stub_learner import id_at

from bearwidgets.clean.journal import Journal
from bearwidgets.data.dataset import Dataset
from bearwidgets.safe_text import as_json
from bearwidgets.widgets.cleaner.requests import Requests
from bearwidgets.widgets.cleaner.session import Session
from bearwidgets.widgets.parse import answer, parse
from bearwidgets.widgets.protocol import GRID_REQUESTS, PAGE, SHOWN


class Front:
    """The other end: sends requests, as JSON would carry them, and unpacks replies."""

    def __init__(self, source):
        self.told = []
        self.session = Session(source)
        self.session.views.add(self)
        self.handlers = Requests(self.session).handlers
        self.buffers = []

    def tell(self, event):
        self.told.append(event)

    def decisions_changed(self, version):
        pass

    def scores_changed(self):
        pass

    def send(self, op, **fields):
        message = json.loads(json.dumps({"kind": "request", "id": 5, "op": op, **fields}))
        reply, self.buffers = answer(self.handlers, message)
        assert (reply["kind"], reply["id"]) == ("reply", 5)
        return json.loads(json.dumps(reply, allow_nan=False))

    def ask(self, op, **fields):
        reply = self.send(op, **fields)
        assert reply["ok"], reply
        assert as_json(parse(GRID_REQUESTS[op][1], reply["result"])) == reply["result"]
        return reply["result"]

    def refused(self, op, **fields):
        reply = self.send(op, **fields)
        assert not reply["ok"], reply
        assert "Unexpected" not in reply["error"]
        assert reply["error"].endswith((".", "?"))
        return reply["error"]

    @property
    def revision(self):
        return self.session.board.revision


@pytest.fixture
def front(learn):
    return Front(learn)


def test_hello(front):
    result = front.ask("hello")
    assert result["state"]["items"] == 24


def test_view(front):
    result = front.ask("view", filter={"label": "black", "text": "00"}, sort="path", descending=False)
    assert result["state"]["total"] == 8
    assert result["state"]["view"] == {
        "filter": {
            "label": "black",
            "predicted": None,
            "split": None,
            "decision": None,
            "text": "00",
            "ranges": [],
            "tag": None,
        },
        "sort": "path",
        "descending": False,
        "queue": None,
        "similar": None,
    }
    empty = {"label": None, "predicted": None, "split": None, "decision": None, "text": ""}
    assert front.ask("view", filter=empty, sort="loss", descending=True)["state"]["total"] == 24


@pytest.mark.parametrize(
    "fields",
    [
        {"sort": "los"},
        {},
        {"sort": "loss", "descending": "yes"},
        {"sort": "loss", "filter": [1]},
        {"sort": "loss", "filter": {"label": 3}},
        {"sort": "loss", "filter": {"decision": "gone"}},
    ],
)
def test_view_refuses(front, fields):
    before = front.revision
    front.refused("view", **fields)
    assert front.revision == before


def test_page(front, wrong):
    result = front.ask("page", revision=front.revision, start=0, stop=3, px=160)
    assert (result["revision"], result["start"], len(result["items"])) == (front.revision, 0, 3)
    item = result["items"][0]
    assert (item["path"], item["predicted"], item["i"], item["buffer"]) == (wrong, "teddy", 0, 0)
    assert [each["buffer"] for each in result["items"]] == [0, 1, 2]
    assert len(front.buffers) == 3
    assert Image.open(io.BytesIO(front.buffers[0])).format == "JPEG"


def test_page_without_pictures_or_scores(ds):
    front = Front(ds)
    result = front.ask("page", revision=front.revision, start=4, stop=6, px=320, images=False)
    assert front.buffers == []
    item = result["items"][0]
    assert item["i"] == 4
    assert {item[name] for name in ("buffer", "predicted", "confidence", "loss", "label_issue")} == {None}


def test_page_ends_with_the_view_and_has_a_limit(front):
    assert len(front.ask("page", revision=front.revision, start=20, stop=200, px=160)["items"]) == 4
    assert front.ask("page", revision=front.revision, start=24, stop=30, px=160)["items"] == []
    front.refused("page", revision=front.revision, start=0, stop=PAGE + 1, px=160)
    front.refused("page", revision=front.revision, start=25, stop=30, px=160)
    front.refused("page", revision=front.revision, start=3, stop=2, px=160)
    for px in (100, 200):
        front.refused("page", revision=front.revision, start=0, stop=3, px=px)


def test_an_older_revision_is_refused(front):
    old = front.revision
    front.ask("view", sort="path", descending=False)
    for op, fields in (
        ("page", {"start": 0, "stop": 3, "px": 160}),
        ("mark", {"ranges": [[0, 3]], "action": "delete"}),
        ("seen", {"ranges": [[0, 3]]}),
    ):
        assert "order of the items changed" in front.refused(op, revision=old, **fields)
    assert front.ask("hello")["state"]["marked"] == 0


def test_a_file_that_is_gone_has_its_reason_on_its_tile(ds, front):
    ds.path_of(ds.table.id[0]).unlink()
    front.ask("view", sort="path", descending=False)
    items = front.ask("page", revision=front.revision, start=0, stop=2, px=320)["items"]
    assert items[0]["buffer"] is None
    assert items[0]["error"]
    assert (items[1]["buffer"], items[1]["error"]) == (0, None)
    front.refused("full", item=ds.table.id[0])


def test_locate(front):
    front.ask("view", filter={"label": "black"}, sort="path", descending=False)
    ids = front.session.ds.table.id
    assert front.ask("locate", item=ids[3]) == {"index": 3}
    assert front.ask("locate", item=ids[20]) == {"index": None}
    assert front.ask("locate", item="ffff") == {"index": None}
    front.refused("locate")


ONE = {"ids": ["{id}"]}
TWO = {"revision": 1, "ranges": [[0, 2]]}


@pytest.mark.parametrize(
    ("op", "fields", "sentence"),
    [
        ("mark", {**ONE, **TWO, "action": "delete"}, "ids and ranges came together"),
        ("mark", {**ONE, "action": "delete", "label": "teddy"}, "label='teddy'"),
        ("mark", {**ONE, "action": "accept", "label": "teddy"}, "takes what is proposed"),
        ("mark", {**ONE, "action": "keep", "labl": "teddy"}, "Did you mean 'label'"),
        ("mark", {"ids": ["\ud800"], "action": "keep"}, "valid Unicode"),
        ("mark", {**TWO, "action": "relabel"}, "label=None"),
        ("mark", {**TWO, "action": "relabel", "label": 3}, "label is 3"),
        ("mark", {**TWO, "action": "relabel", "label": "../out"}, "cannot be called '../out'"),
        ("mark", {**TWO, "action": "relabel", "label": "Teddy"}, "Did you mean 'teddy'"),
        ("mark", {**TWO, "action": "relabel", "label": ""}, "is empty"),
        ("mark", {**TWO, "action": "delet"}, "Did you mean 'delete'"),
        ("mark", {**TWO, "action": "keep", "ranges": [[0, 20], [10, 24]]}, "ranges overlap"),
        *(
            ("mark", {**TWO, "action": "keep", "ranges": each}, "range")
            for each in ([[0, 24], [2, 1]], [[-1, 2]])
        ),
        ("resolve_group", {**TWO, "keeper": False}, "Did you mean 'keepers'"),
        ("undo", {"revision": 1}, "No field 'revision'"),
        ("view", {"sort": "path", "filter": {"text": "\ud800"}}, "text is '\\ud800'"),
    ],
)
def test_what_is_not_clear_decides_nothing(front, op, fields, sentence):
    id_ = front.session.ds.table.id[0]
    front.session.mark([id_], "unsure", None)
    fields = {name: [id_] if value == ["{id}"] else value for name, value in fields.items()}
    assert sentence in front.refused(op, **fields)
    assert front.session.journal.decisions.action.to_dict() == {id_: "unsure"}
    assert front.ask("hello")["state"]["view"]["filter"]["text"] == ""


def test_mark_ranges_and_undo(front):
    result = front.ask("mark", revision=front.revision, ranges=[[0, 3], [5, 6]], action="delete", label=None)
    assert (result["changed"], len(result["ids"]), result["state"]["marked"]) == (4, 4, 4)
    assert result["state"]["can"]["undo"]
    undone = front.ask("undo")
    paths = front.session.board.paths[front.session.board.order[[0, 1, 2, 5]]]
    what = f"delete {', '.join(paths[:3])} and 1 more"
    assert (undone["changed"], undone["index"], undone["what"]) == (4, 0, what)
    assert undone["state"]["marked"] == 0
    redone = front.ask("redo")
    assert (redone["changed"], redone["what"]) == (4, what)
    assert front.ask("redo")["changed"] == 0


def test_undo_of_what_the_view_does_not_show(front):
    front.ask("mark", ids=[front.session.ds.table.id[0]], action="keep")
    front.ask("view", filter={"label": "teddy"}, sort="path", descending=False)
    undone = front.ask("undo")
    assert (undone["changed"], undone["index"], undone["what"]) == (1, None, "keep black/000.jpg")


def test_mark_by_ids_needs_no_revision(front):
    ids = front.session.ds.table.id[:2].tolist()
    front.ask("view", filter={"label": "teddy"}, sort="path", descending=False)
    assert front.ask("mark", ids=ids, action="relabel", label="teddy")["ids"] == ids
    assert front.ask("mark", ids=ids, action="clear")["state"]["marked"] == 0
    assert "No item 'ffff'" in front.refused("mark", ids=["ffff"], action="keep")
    front.refused("mark", ids="ffff", action="keep")


def test_mark_accept(front):
    result = front.ask("mark", revision=front.revision, ranges=[[0, 2]], action="accept")
    assert result["state"]["counts"]["action"] == {"keep": 1, "delete": 0, "relabel": 1, "unsure": 0}


def test_mark_tells_at_most_some_ids(tmp_path):
    folder = write_images(tmp_path / "many", {"black": SHOWN + 60, "teddy": 2}, size=(8, 8))
    front = Front(Dataset.from_folder(folder))
    n = SHOWN + 62
    result = front.ask("mark", revision=front.revision, ranges=[[0, n]], action="delete")
    assert (result["changed"], len(result["ids"])) == (n, SHOWN)
    pending = front.ask("pending")
    assert (pending["total"], len(pending["items"])) == (n, SHOWN)
    assert pending["groups"][0] == {
        "action": "delete",
        "label": "black",
        "new_label": None,
        "count": SHOWN + 60,
    }
    plan = front.ask("plan")
    held_out = (front.session.ds.table.split != "train").sum()
    splits = [each["split"] for each in plan["moves"]]
    assert splits == ["train"] * SHOWN + ["valid"] * held_out
    assert (plan["total"], plan["held_out"]) == (n, {"delete": held_out, "relabel": 0})
    for path in front.session.ds.table.path:
        (folder / path).unlink()
    plan = front.ask("plan")
    assert (plan["problems_total"], len(plan["problems"])) == (n, SHOWN)


def test_full(front, wrong):
    result = front.ask("full", item=id_at(front.session.ds, wrong))
    assert (result["path"], result["width"], result["height"]) == (wrong, 48, 40)
    assert (result["label"], result["predicted"], result["suggested"]) == ("grizzly", "teddy", "teddy")
    assert result["probabilities"][0][0] == "teddy"
    assert (result["decision"], result["history"], result["mime"]) == (None, [], "image/jpeg")
    assert result["bytes"] > 100
    assert Image.open(io.BytesIO(front.buffers[0])).size == (48, 40)
    front.ask("mark", ids=[result["id"]], action="relabel", label="teddy")
    again = front.ask("full", item=result["id"])
    assert again["decision"] == {"action": "relabel", "label": "teddy", "about": None}
    (entry,) = again["history"]
    assert (entry["action"], entry["by"]) == ("relabel", "you")
    other = Journal.open(front.session.ds, by="Ada")
    other.record([result["id"]], "delete")
    (_, newest) = front.ask("full", item=result["id"])["history"]
    assert (newest["by"], newest["time"]) == ("Ada", other.decisions.decided_at.iloc[0])
    front.session.journal.record([result["id"]], "keep", about="image")
    line = front.ask("full", item=result["id"])["history"][-1]
    assert (line["action"], line["label"], line["about"]) == ("keep", None, "image")
    assert "No item" in front.refused("full", item="ffff")


def test_full_of_a_large_picture_is_made_smaller(tmp_path):
    folder = write_images(tmp_path / "big", {"black": 2, "teddy": 2}, size=(2000, 1200))
    front = Front(Dataset.from_folder(folder))
    front.ask("full", item=front.session.ds.table.id[0])
    assert max(Image.open(io.BytesIO(front.buffers[0])).size) <= 1600


def test_pending_newest_first(front):
    ids = front.session.ds.table.id
    front.ask("mark", ids=[ids[0]], action="delete")
    front.ask("mark", ids=[ids[9]], action="relabel", label="polar")
    result = front.ask("pending")
    assert [each["id"] for each in result["items"]] == [ids[9], ids[0]]
    assert {"action": "relabel", "label": "grizzly", "new_label": "polar", "count": 1} in result["groups"]


def test_plan_apply_rollback(front, wrong):
    deleted, moved = front.session.ds.table.path[0], wrong
    front.ask("mark", ids=[front.session.ds.table.id[0]], action="delete")
    front.ask("mark", ids=[id_at(front.session.ds, moved)], action="relabel", label="teddy")
    plan = front.ask("plan")
    assert (plan["ok"], plan["total"], plan["problems"]) == (True, 2, [])
    assert {each["path"] for each in plan["moves"]} == {deleted, moved}
    revision = front.revision
    done = front.ask("apply", token=plan["token"])
    assert (done["round"], done["counts"]) == (1, {"delete": 1, "relabel": 1})
    assert done["message"].startswith("Round 1 applied: 1 image deleted, 1 relabeled.")
    assert done["state"]["items"] == 23
    assert done["state"]["revision"] > revision
    (entry,) = front.ask("rounds")["rounds"]
    assert (entry["round"], entry["rolled_back"], entry["counts"]) == (1, False, {"delete": 1, "relabel": 1})
    assert entry["time"] == front.session.journal.rounds.applied_at.iloc[0]
    back = front.ask("rollback", round=1)
    assert back["state"]["items"] == 24
    assert "Round 1 undone: all 2 files are back in place." in back["message"]
    assert front.ask("rounds")["rounds"][0]["rolled_back"] is True
    assert "rolled back at" in front.refused("rollback", round=1)
    front.refused("rollback", round=9)
    front.refused("rollback")


def test_rounds_that_stand_beside_one_rolled_back(front):
    for number in (1, 2):
        front.ask("mark", ids=[front.session.ds.table.id[0]], action="delete")
        front.ask("apply", token=front.ask("plan")["token"])
        assert len(front.ask("rounds")["rounds"]) == number
    front.ask("rollback", round=2)
    assert [each["rolled_back"] for each in front.ask("rounds")["rounds"]] == [False, True]
    assert front.ask("hello")["state"]["can"]["rollback"]
    front.ask("rollback", round=1)
    assert not front.ask("hello")["state"]["can"]["rollback"]


def test_apply_does_only_what_was_shown(front):
    ids = front.session.ds.table.id
    front.ask("mark", ids=[ids[0]], action="delete")
    first = front.ask("plan")["token"]
    second = front.ask("plan")["token"]
    assert "look at the new one" in front.refused("apply", token=first)
    front.ask("undo")
    front.refused("apply", token=second)
    front.refused("apply", token=second)
    front.refused("apply", token="")
    assert all((front.session.ds.root / path).is_file() for path in front.session.ds.table.path)


def test_decisions_made_after_the_plan_stay_pending(front):
    ids = front.session.ds.table.id
    front.ask("mark", ids=[ids[0]], action="delete")
    token = front.ask("plan")["token"]
    front.ask("mark", ids=[ids[1]], action="delete")
    assert front.ask("apply", token=token)["counts"]["delete"] == 1
    assert front.ask("hello")["state"]["marked"] == 1


def test_plan_with_problems_applies_the_rest(ds, front):
    ids = ds.table.id
    front.ask("mark", ids=ids[:2].tolist(), action="delete")
    ds.path_of(ids[0]).unlink()
    plan = front.ask("plan")
    assert (plan["ok"], plan["total"], len(plan["problems"])) == (True, 1, 1)
    assert front.ask("apply", token=plan["token"])["counts"]["delete"] == 1


def test_what_is_held_out_can_be_left_as_it_is(front):
    table = front.session.ds.table
    train, valid = (table[table.split == each].id.tolist()[:2] for each in ("train", "valid"))
    front.ask("mark", ids=[train[0], valid[0]], action="delete")
    front.ask("mark", ids=[train[1], valid[1]], action="relabel", label="polar")
    plan = front.ask("plan")
    assert (plan["held_out"], plan["total"]) == ({"delete": 1, "relabel": 1}, 4)
    assert [(each["label"], each["new_label"]) for each in plan["moves"] if each["action"] == "relabel"] == [
        (label, "polar") for label in table.set_index("id").label[[train[1], valid[1]]]
    ]
    done = front.ask("apply", token=plan["token"], held_out=False)
    assert done["counts"] == {"delete": 1, "relabel": 1}
    assert set(front.session.journal.decisions.index) == set(valid)
    assert done["state"]["to_apply"] == 2


def test_the_next_place_that_needs_an_answer(front):
    front.ask("view", sort="path", descending=False)
    front.ask("mark", revision=front.revision, ranges=[[1, 3]], action="keep")

    def found(start, **fields):
        return front.ask("next", revision=front.revision, start=start, **fields)["index"]

    assert [found(0), found(3), found(23)] == [3, 4, None]
    assert [found(3, back=True), found(0, back=True)] == [0, None]
    assert "order of the items changed" in front.refused("next", revision=0, start=0)


def test_nothing_to_apply(front):
    plan = front.ask("plan")
    assert plan["ok"] is False
    done = front.ask("apply", token=plan["token"])
    assert (done["round"], done["message"].split(":")[0]) == (0, "Nothing to do")


def test_retrain_and_stop(front):
    learn = front.session.learn
    learn.go.clear()
    assert front.ask("retrain") == {}
    assert learn.reached.wait(20)
    assert front.ask("hello")["state"]["job"]["state"] == "running"
    assert "running" in front.refused("retrain")
    assert front.ask("stop") == {}
    assert front.ask("hello")["state"]["job"]["state"] == "stopping"
    learn.go.set()
    assert front.session.job.wait().state == "stopped"
    assert front.told[-1].state.job.state == "stopped"


def test_seen(front):
    assert front.ask("seen", revision=front.revision, ranges=[[0, 5], [3, 8]])["state"]["seen"] == 8
    assert front.ask("seen", revision=front.revision, ranges=[[0, 2]])["state"]["seen"] == 8
