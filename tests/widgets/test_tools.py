"""What the tools beside the grid ask for: similar images, ranges, orders, suggestions, tags, notes, saved views."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest
from stub_issues import StubIssues
from stub_learner import StubLearner, id_at, paths
from test_requests import Front

from bearwidgets.errors import BadInputError
from bearwidgets.learn.head import imagenet
from bearwidgets.review.checks.run import find_issues
from bearwidgets.safe_text import as_json
from bearwidgets.widgets.cleaner.cleaner import Cleaner
from bearwidgets.widgets.cleaner.saved_views import MOST
from bearwidgets.widgets.cleaner.suggestions import runs_of
from bearwidgets.widgets.protocol import Filter

ALL = as_json(Filter())


class StubFeatures(dict):
    """Features by content, which lie on a half circle in the order of the table."""

    weights = "of no known body"

    def array(self, contents):
        return np.stack([self[each] for each in contents])


@pytest.fixture
def learn(ds):
    learn = StubLearner(ds, {paths(ds, "grizzly")[0]: "teddy", paths(ds, "grizzly")[1]: "teddy"})
    angles = np.linspace(0, np.pi, len(ds))
    points = np.stack([np.cos(angles), np.sin(angles)], 1).astype(np.float32)
    learn.features = StubFeatures(zip(ds.table.content, points, strict=True))
    return learn


@pytest.fixture
def front(learn):
    return Front(learn)


@pytest.fixture
def ids(ds):
    return ds.table.id.tolist()


def view(front, **fields):
    return front.ask("view", **{"sort": "path", "descending": False, **fields})["state"]


def page(front):
    total = front.ask("hello")["state"]["total"]
    asked = {"revision": front.revision, "start": 0, "stop": total, "px": 160, "images": False}
    return front.ask("page", **asked)["items"]


# ---------------------------------------------------------------------- similar


def test_similar_shows_the_nearest_first_whatever_the_filter(front, ids):
    state = view(front, similar=ids[10], filter={**ALL, "label": "teddy"})
    assert (state["total"], state["view"]["similar"]) == (24, ids[10])
    items = page(front)
    assert {items[1]["id"], items[2]["id"]} == {ids[9], ids[11]}
    assert items[-1]["id"] == ids[23]
    assert items[1]["why"] == (
        f"Distance 0.01 from {items[0]['path']}; half of all images are 0.32 or more away"
    )
    front.ask("mark", revision=front.revision, ranges=[[0, 3]], action="delete")
    assert front.session.journal.decisions.rank_by.tolist() == ["similar"] * 3
    assert view(front, similar=front.session.ds.table.path[3])["view"]["similar"] == ids[3]
    assert view(front, similar=ids[0], queue="gone", sort="queue")["total"] == 24
    assert view(front)["view"]["similar"] is None


def test_similar_leaves_out_what_has_no_features(front, ds, ids):
    del front.session.learn.features[ds.table.content[3]]
    front.session.learn.features[ds.table.content[4]] = np.zeros(2, np.float32)
    assert view(front, similar=ids[10])["total"] == 22
    assert "no features at hand" in front.refused("view", sort="path", similar=ids[3])


@pytest.mark.parametrize("similar", ["ffff", "", "a" * 5000, 3])
def test_similar_refuses(front, similar):
    before = front.revision
    front.refused("view", sort="path", similar=similar)
    assert front.revision == before


def test_the_zoom_says_what_an_image_looks_like(front, learn, ids, monkeypatch):
    assert front.ask("full", item=ids[3])["looks_like"] == ""
    head = SimpleNamespace(looks_like=lambda features: [f"sloth bear ({len(features)})"])
    monkeypatch.setattr(
        imagenet, "imagenet_head", lambda features: head if features is learn.features else None
    )
    assert front.ask("full", item=ids[3])["looks_like"] == "sloth bear (1)"
    del learn.features[front.session.ds.table.content[3]]
    assert front.ask("full", item=ids[3])["looks_like"] == ""


def test_similar_needs_features(ds, ids):
    assert "no features at hand" in Front(ds).refused("view", sort="path", similar=ids[0])


def test_the_item_that_was_looked_at_goes(front, ids):
    view(front, similar=ids[0])
    front.ask("mark", ids=[ids[0]], action="delete")
    done = front.ask("apply", token=front.ask("plan")["token"])
    assert (done["state"]["total"], done["state"]["view"]["similar"]) == (23, None)


# ---------------------------------------------------------------------- ranges and orders


def test_ranges_filter_and_say_how_values_are_spread(front, ds):
    assert [each["name"] for each in front.ask("ranges")["ranges"]] == ["confidence", "label_issue", "size"]
    issues = find_issues(ds, ["dark"])
    front.session.take_issues(issues)  # now the pixels are measured
    found = {each["name"]: each for each in front.ask("ranges")["ranges"]}
    assert list(found) == ["confidence", "label_issue", "brightness", "sharpness", "size"]
    assert {len(each["counts"]) for each in found.values()} == {20}
    assert [sum(found[name]["counts"]) for name in ("confidence", "brightness", "size")] == [24, 24, 24]
    bright = found["brightness"]
    middle = (bright["low"] + bright["high"]) / 2
    below = {"name": "brightness", "low": None, "high": middle}
    state = view(front, filter={**ALL, "ranges": [below]})
    stats = issues.image_stats.brightness
    assert 0 < state["total"] < 24
    assert {each["id"] for each in page(front)} == set(stats.index[stats <= middle])
    again = {each["name"]: each for each in front.ask("ranges")["ranges"]}
    assert again == found  # those without the range filters
    view(front, filter={**ALL, "label": "black", "ranges": [below]})
    assert sum(front.ask("ranges")["ranges"][0]["counts"]) == 8


def test_a_range_without_result_is_an_empty_view(front):
    nothing = [{"name": "confidence", "low": 2, "high": 3}]
    assert view(front, filter={**ALL, "ranges": nothing})["total"] == 0
    assert page(front) == []
    assert len(front.ask("ranges")["ranges"]) == 3
    view(front, filter={**ALL, "text": "no such path"})
    assert front.ask("ranges")["ranges"] == []


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        ({"name": "confidense"}, "Did you mean 'confidence'?"),
        ({"name": "brightness"}, "known are confidence, label_issue, size"),
        ({"name": "confidence", "low": float("nan")}, "a finite number"),
        ({"name": "confidence", "low": 0.9, "high": 0.1}, "lower end first"),
        ({"name": "confidence", "low": "0.9"}, "a finite number"),
        ({}, "name"),
    ],
)
def test_ranges_refuse(front, wanted, sentence):
    before = front.revision
    assert sentence in front.refused("view", sort="path", filter={**ALL, "ranges": [wanted]})
    assert front.revision == before


def test_every_order_that_is_offered_can_be_shown(ds, learn, ids):
    front = Front(learn)
    issues = StubIssues(dark=[(ids[0], 0.9, -1, False)], odd=[])
    issues.table = ds.table.set_index("id")[["path"]].assign(
        dark_score=np.linspace(0, 1, 24), odd_score=np.nan, path_score=0.5
    )
    front.session.take_issues(issues)
    sorts = view(front, queue="dark", sort="queue")["sorts"]
    names = [each["name"] for each in sorts]
    assert names == [
        "label_issue",
        "loss",
        "margin",
        "confidence",
        "label",
        "path",
        "decided",
        "queue",
        "dark",
    ]
    for each in sorts:
        view(front, sort=each["name"], descending=each["descending"], queue="dark")
    assert sorts[-1] == {"name": "dark", "title": "Dark", "descending": True}
    view(front, sort="dark", descending=True)
    assert [each["id"] for each in page(front)] == ids[::-1]
    front.session.take_issues(None)
    assert front.ask("hello")["state"]["view"]["sort"] == "path"
    assert "No order 'dark' to sort by" in front.refused("view", sort="dark")


def test_orders_without_scores(ds):
    assert [each["name"] for each in Front(ds).ask("hello")["state"]["sorts"]] == ["label", "path", "decided"]


# ---------------------------------------------------------------------- suggestions


def test_suggestions_above_a_threshold_are_accepted_as_one_act(front, ds):
    wrong = paths(ds, "grizzly")[:2]
    asked = {"revision": front.revision, "at_least": 0.9}
    found = front.ask("suggestions", **asked)
    assert (found["count"], found["ranges"]) == (2, [[0, 2]])
    assert found["pairs"] == [{"label": "grizzly", "becomes": "teddy", "count": 2}]
    assert found["thresholds"] == [0.5, 0.6, 0.7, 0.8, 0.9]
    done = front.ask("mark", revision=front.revision, ranges=found["ranges"], action="accept")
    assert done["state"]["counts"]["action"]["relabel"] == 2
    assert set(done["ids"]) == {id_at(ds, path) for path in wrong}
    nothing = {"ranges": [], "count": 0, "pairs": [], "thresholds": []}
    assert front.ask("suggestions", **asked) == nothing
    assert front.ask("undo")["changed"] == 2
    assert front.ask("suggestions", **asked | {"at_least": 0.95})["count"] == 0
    assert front.ask("suggestions", **asked, label="grizzly", becomes="teddy")["count"] == 2
    assert front.ask("suggestions", **asked, label="black", becomes="teddy")["count"] == 0


@pytest.mark.parametrize("at_least", [-0.1, 1.5, float("nan"), "0.5", None])
def test_suggestions_refuse(front, at_least):
    front.refused("suggestions", revision=front.revision, at_least=at_least)


@pytest.mark.parametrize(
    ("places", "runs"),
    [([], []), ([4], [(4, 5)]), ([0, 1, 2], [(0, 3)]), ([0, 2, 3, 7], [(0, 1), (2, 4), (7, 8)])],
)
def test_runs_of_places(places, runs):
    assert runs_of(places) == runs


# ---------------------------------------------------------------------- tags and notes


def test_tags_and_notes(front, ids):
    done = front.ask("tag", revision=front.revision, ranges=[[0, 2]], tag="ask Ann")
    assert (done["changed"], done["state"]["tags"]) == (2, {"ask Ann": 2})
    assert [each["tags"] for each in page(front)][:3] == [["ask Ann"], ["ask Ann"], []]
    tagged = done["ids"]
    assert front.ask("tag", ids=[tagged[0]], tag="ask Ann", on=False)["ids"] == [tagged[0]]
    assert front.ask("note", item=tagged[1], text="Two bears?")["changed"] == 1
    assert front.ask("note", item=tagged[1], text="Two bears?")["changed"] == 0
    state = view(front, filter={**ALL, "tag": "ask Ann"})
    (item,) = page(front)
    assert (state["total"], item["id"], item["tags"], item["note"]) == (
        1,
        tagged[1],
        ["ask Ann"],
        "Two bears?",
    )
    front.ask("tag", ids=[tagged[1]], tag="ask Ann", on=False)
    assert view(front, filter={**ALL, "tag": "ask Ann"})["total"] == 0  # as it is shown already
    assert front.ask("undo")["ids"] == [tagged[1]]
    assert front.ask("hello")["state"]["tags"] == {"ask Ann": 1}
    assert "No tag 'ask An'" in front.refused("view", sort="path", filter={**ALL, "tag": "ask An"})
    assert "1 to 50 characters" in front.refused("tag", ids=ids[:1], tag="a" * 4000)
    assert "control characters" in front.refused("note", item=ids[0], text="\x07")
    assert "No item" in front.refused("note", item="ffff", text="")
    assert "came together" in front.refused(
        "tag", ids=ids[:1], ranges=[[0, 1]], revision=front.revision, tag="a"
    )
    assert "order of the items changed" in front.refused("tag", revision=0, ranges=[[0, 1]], tag="a")


def test_a_class_that_is_gone_stays_shown_until_another_is_chosen(front, ids):
    panda = {**ALL, "label": "panda"}
    front.ask("mark", ids=ids[:1], action="relabel", label="panda")
    view(front, filter=panda)
    front.ask("undo")
    assert "panda" not in front.ask("hello")["state"]["classes"]
    assert view(front, filter={**panda, "split": "train"})["view"]["filter"]["label"] == "panda"
    view(front)
    assert "No class 'panda'" in front.refused("view", sort="path", filter=panda)


# ---------------------------------------------------------------------- saved views


def test_saved_views_are_kept_in_the_workspace(front, learn, ids):
    view(front, filter={**ALL, "label": "black", "ranges": [{"name": "confidence", "low": 0.5}]}, sort="loss")
    state = front.ask("save_view", name=" sure black ")["state"]
    assert [each["name"] for each in state["saved"]] == ["sure black"]
    other = Front(learn)
    saved = other.ask("hello")["state"]["saved"]
    assert saved == state["saved"]
    assert view(other, **saved[0]["view"])["total"] == 8
    view(front, similar=ids[0])
    front.ask("save_view", name="like it")
    front.ask("save_view", name="sure black")
    saved = {each["name"]: each["view"]["similar"] for each in other.ask("hello")["state"]["saved"]}
    assert saved == {"sure black": ids[0], "like it": ids[0]}
    assert [each["name"] for each in other.ask("drop_view", name="like it")["state"]["saved"]] == [
        "sure black"
    ]
    assert "No saved view 'like it'" in front.refused("drop_view", name="like it")


@pytest.mark.parametrize("name", ["", " ", "a" * 61, "two\nlines", "turned \u202e", 3])
def test_a_view_has_a_name(front, name):
    front.refused("save_view", name=name)


def test_there_are_so_many_views(front):
    for number in range(MOST):
        front.ask("save_view", name=f"view {number}")
    assert "50 saved views" in front.refused("save_view", name="one more")
    front.ask("save_view", name="view 3")


def test_chosen_items_are_no_view(front, ids):
    front.session.board.choose(ids[:3])
    view(front, queue="chosen", sort="queue")
    assert "give them a tag" in front.refused("save_view", name="mine")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"views": 3}',
        '{"views": [{"name": "x"}]}',
        "[" * 100_000,
        '{"views": [{"name": 1, "view": {}}]}',
    ],
)
def test_a_damaged_file_of_views_is_told_and_left_alone(front, text):
    file = front.session.saved_views.path
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)
    state = front.ask("hello")["state"]
    assert state["saved"] == []
    assert "The saved views cannot be read" in state["note"]
    assert "Nothing was saved" in front.refused("save_view", name="mine")
    assert file.read_text() == text
    file.write_text(json.dumps({"views": []}))
    assert front.ask("save_view", name="mine")["state"]["note"] is None


# ---------------------------------------------------------------------- from Python


@pytest.fixture
def cleaner(learn):
    return Cleaner(learn)


def test_similar_as_a_table(cleaner, ds, ids):
    found = cleaner.similar(ds.table.path[10], n=np.int64(4))
    assert (found.index.name, list(found.columns)) == ("id", ["path", "label", "distance"])
    assert set(found.index[:2]) == {ids[9], ids[11]}
    assert found.distance.tolist() == pytest.approx(
        [1 - np.cos(np.pi / 23 * n) for n in (1, 1, 2, 2)], abs=1e-6
    )
    assert len(cleaner.similar(ids[10], n=1000)) == 23
    assert cleaner.show(similar=ds.table.path[10]) == 24
    for wrong in ({"item": "ffff"}, {"item": ids[0], "n": 0}, {"item": ids[0], "n": True}, {"item": 3}):
        with pytest.raises(BadInputError):
            cleaner.similar(**wrong)


def test_tags_and_notes_take_paths(cleaner, ds):
    path = ds.table.path[0]
    assert cleaner.tag([path, ds.table.id[1]], "odd") == 2
    assert (cleaner.note(path, "Two bears?"), cleaner.tags) == (1, {"odd": 2})
    assert (cleaner.show(tag="odd"), cleaner.untag(path, "odd"), cleaner.undo()) == (2, 1, 1)
    cleaner.mark(path, "delete")
    assert cleaner.decisions[["tags", "note"]].to_numpy().tolist() == [["odd", "Two bears?"]]
    for wrong in (
        {"ids": "ffff", "tag": "odd"},
        {"ids": path, "tag": "a" * 10_000},
        {"ids": 3, "tag": "odd"},
    ):
        with pytest.raises(BadInputError):
            cleaner.tag(**wrong)


def test_suggestions_as_a_table(cleaner):
    found = cleaner.suggestions(0.5)
    assert found[["label", "becomes"]].to_numpy().tolist() == [["grizzly", "teddy"]] * 2
    assert found.confidence.tolist() == pytest.approx([0.9, 0.9])
    assert cleaner.mark(found.index, "accept") == 2
    assert cleaner.suggestions().empty
    assert cleaner.undo() == 2
    for wrong in (-1, 1.01, float("nan"), "0.5", None, True):
        with pytest.raises(BadInputError, match="from 0 to 1"):
            cleaner.suggestions(wrong)


def test_suggestions_in_a_queue_that_proposes_to_delete(learn, ids):
    issues = StubIssues(off_topic=[(ids[2], 0.9, -1, False), (ids[3], 0.4, -1, False)])
    cleaner = Cleaner(learn, issues=issues)
    cleaner.show(queue="off_topic")
    assert cleaner.suggestions()[["becomes", "confidence"]].to_numpy().tolist() == [
        ["delete", 0.9],
        ["delete", 0.4],
    ]
    assert cleaner.suggestions(0.5, becomes="delete").index.tolist() == [ids[2]]


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        ({"ranges": {"confidence": 0.9}}, "give its two ends"),
        ({"ranges": {"confidence": (float("nan"), 1)}}, "finite"),
        ({"ranges": {"confidense": (0, 1)}}, "Did you mean 'confidence'"),
        ({"ranges": "confidence"}, "a list of at most"),
        ({"tag": "no such"}, "No tag 'no such'"),
        ({"sort": "darkness"}, "No order 'darkness'"),
        ({"similar": "no such"}, "No item 'no such'"),
    ],
)
def test_show_refuses(cleaner, wanted, sentence):
    with pytest.raises(BadInputError, match=sentence):
        cleaner.show(**wanted)


def test_show_takes_ranges(cleaner):
    assert cleaner.show(ranges={"confidence": (0.9, None), "size": (None, 10_000)}) == 24
    assert cleaner.show(ranges={"confidence": (0, 0.1)}) == 0


def test_views_by_name(cleaner):
    cleaner.show(label="black", sort="loss")
    cleaner.save_view("black")
    cleaner.show()
    assert (cleaner.saved_views, cleaner.show_view("black")) == (["black"], 8)
    with pytest.raises(BadInputError, match="Did you mean 'black'"):
        cleaner.show_view("blak")
    cleaner.drop_view("black")
    assert cleaner.saved_views == []


def test_a_reset_reaches_every_view(cleaner, learn, ids):
    other = Cleaner(learn)
    cleaner.mark(ids[:3], "delete")
    cleaner.tag(ids[:2], "odd")
    cleaner.save_view("mine")
    kept = cleaner.reset()
    assert kept.name == "journal-1.jsonl"
    for each in (cleaner, other):
        assert (each.tags, len(each.decisions), each.saved_views) == ({}, 0, ["mine"])
        assert each.show(decision="undecided") == 24


def test_no_reset_while_a_training_runs(cleaner, learn, ids):
    cleaner.mark(ids[0], "delete")
    learn.go.clear()
    cleaner.retrain(wait=False)
    with pytest.raises(BadInputError, match="A training is running"):
        cleaner.reset()
    cleaner.stop()
    learn.go.set()
    cleaner._session.job.wait()
    assert len(cleaner.decisions) == 1
