"""The Cleaner as a widget and as a Python object; its work is tested in test_session and test_requests."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from stub_learner import id_at, paths

from bearwidgets.clean.journal import Journal
from bearwidgets.data.dataset import Dataset
from bearwidgets.data.samples.samples import sample_bears
from bearwidgets.errors import BadInputError, BearwidgetsError
from bearwidgets.learn.learner import Learner
from bearwidgets.review.review import Review
from bearwidgets.widgets.cleaner.cleaner import Cleaner
from bearwidgets.widgets.inspect.confusion import ConfusionMatrix


def heard(cleaner):
    """What the cleaner sends from now on: (content, buffers)."""
    sent = []
    cleaner.send = lambda content, buffers=None: sent.append((content, buffers))
    return sent


@pytest.fixture
def cleaner(learn):
    return Cleaner(learn)


@pytest.fixture
def sent(cleaner):
    return heard(cleaner)


def ask(cleaner, op, **fields):
    cleaner._handle_custom_msg({"kind": "request", "id": 1, "op": op, **fields}, [])


# ---------------------------------------------------------------------- widget


def test_a_message_is_answered_with_its_buffers(cleaner, sent):
    ask(cleaner, "page", revision=1, start=0, stop=2, px=160)
    ((reply, buffers),) = sent
    assert (reply["kind"], reply["id"], reply["ok"]) == ("reply", 1, True)
    assert all(each.startswith(b"\xff\xd8") for each in buffers)


def test_a_full_queue_of_messages_leaves_the_traits_alone(cleaner, sent):
    before = cleaner.get_state()
    ask(cleaner, "mark", revision=1, ranges=[[0, 24]], action="delete")
    ask(cleaner, "page", revision=1, start=0, stop=24, px=320)
    assert cleaner.get_state() == before | {"changes": cleaner.journal.version}


def test_traits_stay_small_with_many_items(review_of_many):
    cleaner = Cleaner(review_of_many(10_000))
    cleaner.mark(cleaner.ds.table.id[:1000].tolist(), "delete")
    state = cleaner.get_state()
    assert {"_esm", "_css", "height", "px"} <= set(state)
    rest = {name: value for name, value in state.items() if name not in ("_esm", "_css")}
    assert len(json.dumps(rest, default=str)) < 2000
    assert "00000001" not in json.dumps(state, default=str)


@pytest.mark.parametrize(
    ("name", "value"),
    [("height", 10), ("height", 9000), ("px", 95), ("px", 321), ("height", "tall"), ("px", None)],
)
def test_lengths_have_limits(cleaner, name, value):
    before = getattr(cleaner, name)
    with pytest.raises(BadInputError, match=f"{name} is {value!r}; allowed is"):
        setattr(cleaner, name, value)
    assert getattr(cleaner, name) == before


def test_a_refused_height_leaves_no_cleaner(ds):
    with pytest.raises(BadInputError):
        Cleaner(ds, height=3)


@pytest.mark.parametrize(
    ("mistake", "sentence"),
    [
        (lambda cleaner: Cleaner(cleaner.ds, journal="j"), "journal is 'j'; a Journal is needed"),
        (
            lambda cleaner: ConfusionMatrix(cleaner.review, cleaner=3),
            "cleaner is 3; allowed is the bw.Cleaner",
        ),
        (lambda cleaner: cleaner.ds.cleaned(None), "journal is None; a Journal is needed"),
        (lambda cleaner: cleaner.review.most_confused("2"), "min_count is '2'; allowed is a whole number"),
        (lambda cleaner: cleaner.snapshot(px="96"), "px is '96'; allowed is a whole number"),
        (lambda cleaner: cleaner.snapshot(-1), "n is -1; allowed is a whole number of images"),
        (lambda _: Review.from_predictions(None, [[1.0]], ["a"]), "table is None; a Dataset is needed"),
        (lambda _: Learner.load(3), "3 is no path"),
        (lambda _: sample_bears(None), "None is no path"),
    ],
)
def test_a_mistake_ends_in_a_sentence(cleaner, mistake, sentence):
    with pytest.raises(BadInputError, match=sentence):
        mistake(cleaner)


def test_repr(cleaner):
    assert repr(cleaner) == "Cleaner(images: 24 images, 0 decisions)"


# ---------------------------------------------------------------------- Python


def test_every_button_has_its_method(cleaner, sent):
    one, two = cleaner.ds.table.id[:2]
    assert cleaner.mark(one, "delete") == 1
    assert cleaner.mark([one, two], "relabel", "teddy") == 2
    assert cleaner.decisions.action.to_dict() == {one: "relabel", two: "relabel"}
    assert cleaner.undo() == 2
    assert cleaner.decisions.action.to_dict() == {one: "delete"}
    assert cleaner.redo() == 2
    assert cleaner.undo() == 2
    assert cleaner.undo() == 1
    assert cleaner.undo() == 0
    events = [content["event"] for content, _ in sent]
    assert events == ["state", "items"] * 6 + ["state"]
    assert sent[1][0]["ids"] == [one]


def test_ids_as_a_table_has_them(cleaner):
    assert cleaner.mark(cleaner.ds.table.id[:3], "keep") == 3
    assert cleaner.mark(cleaner.review.suspects(2).index, "delete") == 2
    assert cleaner.mark([], "delete") == 0


def test_a_new_class_is_meant(cleaner):
    with pytest.raises(BadInputError, match=r"Did you mean 'grizzly'\?.*new_class=True"):
        cleaner.mark(cleaner.ds.table.id[0], "relabel", "grizly")
    assert len(cleaner.decisions) == 0
    assert cleaner.mark(cleaner.ds.table.id[0], "relabel", "polar", new_class=True) == 1
    assert cleaner.mark(cleaner.ds.table.id[1], "relabel", "polar") == 1, "it is a class from now on"


def test_items_are_named_by_id_or_path(cleaner):
    table = cleaner.ds.table
    assert cleaner.mark([table.id[0], table.path[1]], "delete") == 2
    assert cleaner.mark(table.path[1], "clear") == 1
    assert cleaner.show(ids=table.path[2:5]) == 3
    assert cleaner.decisions.index.tolist() == [table.id[0]]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("ffff", "keep"), "No item 'ffff'"),
        (([["{id}"]], "keep"), "give one id or path"),
        (("{id}", "kepp"), "Did you mean 'keep'"),
        (("{id}", "relabel"), "label=None"),
        (("{id}", "delete", "teddy"), "label='teddy'"),
    ],
)
def test_mark_refuses_in_words(cleaner, arguments, sentence):
    id_, *rest = arguments
    with pytest.raises(BadInputError, match=sentence):
        cleaner.mark(id_.format(id=cleaner.ds.table.id[0]) if isinstance(id_, str) else id_, *rest)
    assert len(cleaner.decisions) == 0


def test_show_counts_and_tells(cleaner, sent):
    assert cleaner.show(label="black") == 8
    assert cleaner.show(label="grizzly", predicted="teddy", sort="loss") == 1
    assert cleaner.show() == 24
    assert [content["event"] for content, _ in sent] == ["state"] * 3
    with pytest.raises(BadInputError, match="Did you mean 'split'"):
        cleaner.show(splt="valid")


def test_exactly_these_items_in_this_order(cleaner, sent):
    ids = cleaner.ds.table.id[[9, 2, 20]].tolist()
    assert cleaner.show(ids=[*ids, ids[0]]) == 3
    board = cleaner._session.board
    assert board.ids_at([(0, 3)]) == ids
    cleaner.mark(ids[1], "keep")
    (queue,) = sent[-2][0]["state"]["queues"]
    assert (queue["name"], queue["total"], queue["undecided"]) == ("chosen", 3, 2)
    cleaner.mark(ids[0], "delete")
    cleaner.apply()
    assert board.ids_at([(0, 2)]) == ids[1:], "what is gone is left out"
    assert cleaner.show() == 23
    assert cleaner._session.state().queues == [], "until show is called again"
    with pytest.raises(BadInputError, match="No item 'ffff'"):
        cleaner.show(ids=["ffff"])
    with pytest.raises(BadInputError, match="ids and label came together"):
        cleaner.show(ids=ids, label="black")
    assert cleaner.show(ids=[]) == 0


def test_what_is_selected_in_the_view(cleaner, sent):
    cleaner.show(label="black", sort="path", descending=False)
    ask(cleaner, "select", revision=cleaner._session.board.revision, ranges=[[1, 3]])
    assert sent[-1][0]["ok"]
    assert cleaner.selected == cleaner.ds.table.id[1:3].tolist()
    ask(cleaner, "select", revision=1, ranges=[[0, 1]])
    assert not sent[-1][0]["ok"], "places of another order"


def test_apply_dry_run_then_apply_then_rollback(cleaner, sent):
    before = cleaner.ds.table.path.tolist()
    cleaner.mark(cleaner.ds.table.id[0], "delete")
    plan = cleaner.apply(dry_run=True)
    assert (plan.ok, len(plan.moves)) == (True, 1)
    assert (cleaner.ds.root / before[0]).is_file()
    receipt = cleaner.apply()
    assert not (cleaner.ds.root / before[0]).exists()
    assert len(cleaner.ds) == 23
    assert cleaner.rollback().round == receipt.round
    assert cleaner.ds.table.path.tolist() == before
    assert [content["event"] for content, _ in sent][-2:] == ["state", "state"]


def test_retrain_in_the_background_and_stop(cleaner, learn):
    learn.go.clear()
    review = cleaner.review
    assert cleaner.retrain(wait=False).state == "running"
    assert learn.reached.wait(20)
    cleaner.stop()
    learn.go.set()
    assert cleaner._session.job.wait().state == "stopped"
    assert (cleaner.learn, cleaner.review, cleaner.effect) == (learn, review, None)
    assert cleaner.retrain().state == "done"
    assert cleaner.learn is not learn
    assert cleaner.effect.table.loc["evaluation split"].index.tolist() == ["as they were", "corrected"]


def test_a_journal_of_ones_own(ds):
    journal = Journal.open(ds, by="Ada")
    cleaner = Cleaner(ds, journal=journal)
    cleaner.mark(ds.table.id[0], "keep")
    assert cleaner.journal is journal
    assert journal.decisions.decided_by.tolist() == ["Ada"]


@pytest.mark.parametrize("source", [None, 3, {"bears"}, pd.DataFrame()])
def test_what_cannot_be_shown(source):
    with pytest.raises(BadInputError, match=r"source is .*allowed are a trained bw\.Learner, .*from_folder"):
        Cleaner(source)


def test_a_read_only_workspace_is_said_before_work_begins(images, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    ds = Dataset.from_folder(images, workspace=blocked / "space")
    with pytest.raises(BearwidgetsError, match="workspace"):
        Cleaner(ds).mark(ds.table.id[0], "keep")


def test_two_cleaners_on_one_data_set(ds):
    one, two = Cleaner(ds), Cleaner(Dataset.from_folder(ds.root))
    sent = heard(two)
    first, second = ds.table.id[:2]
    one.mark(first, "delete")
    ask(two, "hello")
    assert sent[-1][0]["result"]["state"]["marked"] == 1
    two.mark(second, "keep")
    assert one.undo() == 1, "its own act, though that of the other is newer"
    assert two.decisions.action.to_dict() == {second: "keep"}
    assert one.undo() == 1, "that of the other, where it has none"
    assert len(two.decisions) == 0
    one.mark(first, "delete")
    one.apply()
    ask(two, "hello")
    assert sent[-1][0]["ok"]
    revision = sent[-1][0]["result"]["state"]["revision"]
    two.show(sort="path", descending=False)
    ask(two, "page", revision=revision + 1, start=0, stop=24, px=320)
    items = sent[-1][0]["result"]["items"]
    assert [item["error"] for item in items] == [None] * 23, "what one applied, the other has read anew"
    assert two.mark(second, "delete") == 1
    assert two.apply().counts["delete"] == 1
    assert len(Dataset.from_folder(ds.root)) == 22


@pytest.mark.trains
def test_the_way_with_a_real_learner(make_images, tmp_path):
    folder = make_images(tmp_path / "bears", {"black": 6, "teddy": 6})
    ds = Dataset.from_folder(folder)
    learn = Learner(ds, size=32, weights=None).fine_tune(1, progress=False)
    cleaner = Cleaner(learn)
    place = paths(ds, "black")[0]
    cleaner.mark(id_at(ds, place), "relabel", "teddy")
    assert cleaner._session.state().stale
    state = cleaner.retrain()
    assert state.state == "done", state.error
    assert state.after.n == (ds.table.split == "valid").sum()
    assert state.curve
    assert not cleaner._session.state().stale
    cleaner.apply()
    assert not cleaner._session.state().stale
    assert place not in set(cleaner.ds.table.path)
    assert cleaner.retrain().state == "done"
