"""The confusion matrix as a view: what its cells count is what a click shows."""

from __future__ import annotations

import numpy as np
import pytest
from stub_learner import StubLearner, id_at, paths, probabilities_of

from bearwidgets.data.dataset import Dataset
from bearwidgets.errors import BadInputError
from bearwidgets.review.confusion import Confusion
from bearwidgets.review.review import Review
from bearwidgets.widgets.cleaner.cleaner import Cleaner
from bearwidgets.widgets.inspect.confusion import ConfusionMatrix
from bearwidgets.widgets.protocol import Filter


@pytest.fixture
def learn(ds):
    mistaken = dict.fromkeys(paths(ds, "grizzly")[:2], "teddy") | {paths(ds, "black", "valid")[0]: "teddy"}
    return StubLearner(ds, mistaken)


@pytest.fixture
def matrix(learn):
    return ConfusionMatrix(learn)


@pytest.fixture
def sent(matrix):
    sent = []
    matrix.send = lambda content, _buffers=None: sent.append(content)
    return sent


def ask(matrix, sent, op, **fields):
    matrix._handle_custom_msg({"kind": "request", "id": 1, "op": op, **fields}, [])
    return sent[-1]


def counts(matrix):
    """The counts as they are sent."""
    reply, buffers = matrix.counted()
    return table(reply, buffers, 1, "<i4")


def table(reply, buffers, which, kind):
    """One of the buffers as a table of all cells."""
    n = len(reply.classes)
    found = np.zeros(n * n, dtype=kind)
    found[np.frombuffer(buffers[0], "<i4")] = np.frombuffer(buffers[which], kind)
    return found.reshape(n, -1).tolist()


def check_cells(matrix):
    """Every cell counts the images that its click shows."""
    reply, _ = matrix.counted()
    shown = [[matrix.show(actual, each) for each in reply.classes] for actual in reply.classes]
    assert counts(matrix) == shown
    assert reply.total == sum(map(sum, shown))


def test_hello(matrix, sent, ds):
    result = ask(matrix, sent, "matrix")["result"]
    n = int((ds.table.split == "valid").sum())
    assert (result["part"], result["parts"], result["total"]) == ("valid", ["valid", "train", "all"], n)
    assert result["classes"] == ["black", "grizzly", "teddy"]
    assert result["kinds"] == ["as decided", "as on disk"]
    assert set(result["orders"]) == {"name", "size", "most confused", "similarity"}
    assert counts(matrix)[0][2] == 1
    assert result["accuracy"] == pytest.approx((n - 1) / n)
    assert (result["grid"], result["images"], result["difference"]) == (True, True, None)


def test_the_numbers_are_those_of_the_review(matrix):
    review = matrix.cleaner.review
    assert matrix.to_frame().equals(review.confusion_matrix("valid"))
    ask_all = ConfusionMatrix(review, split="all")
    assert ask_all.most_confused().equals(review.most_confused())
    assert ask_all.per_class().support.sum() == len(review.table)
    assert ask_all.confusion.sentence("grizzly", "teddy").startswith("2 of ")


def cells(*blocks):
    return [{"actual": actual, "predicted": predicted} for actual, predicted in blocks]


def test_a_cell_filters_the_grid(matrix, sent):
    assert ask(matrix, sent, "cells", blocks=cells((["black"], ["teddy"]))) == {
        "kind": "reply",
        "id": 1,
        "ok": True,
        "result": {},
    }
    board = matrix.cleaner._session.board
    assert board.view.filter == Filter(label="black", predicted="teddy", split="valid")
    assert len(board.order) == 1


def test_several_cells_show_their_images_the_surest_first(learn, sent):
    matrix = ConfusionMatrix(learn, split="all")
    matrix.send = lambda content, _buffers=None: sent.append(content)
    ask(matrix, sent, "cells", blocks=cells((["grizzly"], ["teddy", "black"]), (["black"], ["teddy"])))
    board = matrix.cleaner._session.board
    assert sorted(board.labels[board.order]) == ["black", "grizzly", "grizzly"]
    sure = board.scores["confidence"][board.order]
    assert (np.diff(sure) <= 0).all()
    assert matrix.show(["grizzly", "black"], "teddy") == 3
    assert matrix.show("grizzly") == 8, "a whole row"
    assert matrix.show() == 24


def test_labels_as_decided_and_as_on_disk(learn, ds):
    wrong = paths(ds, "grizzly")[0]
    matrix = ConfusionMatrix(learn, split="all")
    matrix.cleaner.mark(id_at(ds, wrong), "relabel", "teddy")
    assert matrix.cleaner.retrain().state == "done"
    decided = matrix.to_frame().to_numpy().sum(1).tolist()
    matrix = ConfusionMatrix(matrix.cleaner.review, cleaner=matrix.cleaner, split="all", labels="as on disk")
    assert decided == [8, 7, 9]
    assert matrix.to_frame().to_numpy().sum(1).tolist() == [8, 8, 8]
    reply, _ = matrix.counted()
    assert (reply.kind, reply.labels) == ("as on disk", "labels as on disk")
    assert matrix.show("grizzly") == 8


def test_decisions_say_who_is_wrong_at_once(matrix, sent, ds):
    path = paths(ds, "black", "valid")[0]
    matrix.cleaner.mark(id_at(ds, path), "relabel", "teddy")
    assert [each for each in sent if each.get("event") == "matrix"], "the page is told to ask again"
    assert (
        matrix.confusion.who_is_wrong("black", "teddy")
        == "of 1, about 1 with a wrong label and 0 where the model is wrong"
    )
    matrix.cleaner.mark(id_at(ds, path), "keep")
    assert (
        matrix.confusion.who_is_wrong("black", "teddy")
        == "of 1, about 0 with a wrong label and 1 where the model is wrong"
    )


def test_a_matrix_without_images(sent):
    given = Confusion.from_counts([[8, 2], [1, 9]], ["black", "teddy"])
    matrix = ConfusionMatrix(given)
    matrix.send = lambda content, _buffers=None: sent.append(content)
    result = ask(matrix, sent, "matrix")["result"]
    assert (result["images"], result["grid"], result["total"], result["parts"]) == (False, False, 20, [""])
    assert "without images" in ask(matrix, sent, "cells", blocks=cells((["black"], ["teddy"])))["error"]
    assert "labels as given" in matrix._repr_mimebundle_()[0]["text/html"]
    labels = Confusion.by_label([["dog"], ["ball", "dog"], []], [["dog"], ["dog"], ["ball"]])
    several = ConfusionMatrix(labels, split="dog")
    reply, _ = several.counted()
    assert (reply.part_title, sorted(reply.parts), counts(several)) == (
        "Label",
        ["ball", "dog"],
        [[1, 0], [0, 2]],
    )
    with pytest.raises(BadInputError, match="No matrix 'cat'"):
        ConfusionMatrix(labels, split="cat")
    with pytest.raises(BadInputError, match="one at least"):
        ConfusionMatrix({})


def test_two_rounds_compared(ds):
    before = StubLearner(ds, dict.fromkeys(paths(ds, "grizzly"), "black"))
    matrix = ConfusionMatrix(StubLearner(ds), split="all", compare=before)
    reply, buffers = matrix.counted()
    assert (reply.difference.paired, reply.difference.changed) == (True, 2)
    was = Review(before).confusion_matrix(None).to_numpy()
    assert table(reply, buffers, 3, "<i4") == was.tolist()
    assert was[1, 0] == 6
    assert table(reply, buffers, 4, "u1")[1] == [1, 1, 0]
    assert "6 before, 0 after, more than chance" in matrix.difference.sentence("grizzly", "black")


def test_groups_are_renamed_and_pinned(ds, sent):
    swapped = {
        path: other
        for one, other in (("black", "grizzly"), ("grizzly", "black"))
        for path in paths(ds, one)[:4]
    }
    matrix = ConfusionMatrix(StubLearner(ds, swapped), split="all")
    matrix.send = lambda content, _buffers=None: sent.append(content)
    (group,) = ask(matrix, sent, "matrix")["result"]["groups"]
    assert group["members"] == [0, 1]
    assert ask(matrix, sent, "group", name=group["name"], rename="real")["ok"]
    assert [each.name for each in matrix.groups] == ["real"]
    assert "no other group's" in ask(matrix, sent, "group", name="real", rename="teddy")["error"]
    assert "No group" in ask(matrix, sent, "group", name="reel", pinned=True)["error"]
    (group,) = ask(matrix, sent, "matrix")["result"]["groups"]
    assert (group["name"], group["pinned"]) == ("real", True)
    matrix.pin_group("real", pinned=False)
    assert not matrix.groups[0].pinned


def test_the_figures_of_each_class(matrix, sent):
    told = ask(matrix, sent, "scores")["result"]
    assert told["columns"] == ["class", "support", "predicted", "precision", "recall", "f1"]
    assert told["rows"][1][0] == "grizzly"
    assert told["rows"][1][4].startswith("100.0 % (")


def test_its_grid_comes_from_python(matrix, sent):
    assert ask(matrix, sent, "module")["result"]["code"] == Cleaner._esm


@pytest.mark.parametrize("split", ["valid", "train", "all"])
def test_cells_count_what_a_click_shows(matrix, sent, split):
    assert ask(matrix, sent, "matrix", part=split)["result"]["part"] == split
    check_cells(matrix)


@pytest.mark.parametrize(
    ("op", "fields", "sentence"),
    [
        ("cells", {"blocks": [{"actual": ["grizly"], "predicted": ["black"]}]}, "Did you mean 'grizzly'"),
        ("cells", {"blocks": [{"actual": ["black"]}]}, "predicted is None"),
        ("cells", {"blocks": []}, "No cell"),
        ("matrix", {"part": "vald"}, "Did you mean 'valid'"),
        ("matrix", {"part": 3}, "part is 3"),
        ("matrix", {"labels": "on disk"}, "Did you mean 'as on disk'"),
    ],
)
def test_refuses(matrix, sent, op, fields, sentence):
    order = matrix.cleaner._session.board.order
    reply = ask(matrix, sent, op, **fields)
    assert not reply["ok"]
    assert sentence in reply["error"]
    assert matrix.split == "valid"
    assert matrix.cleaner._session.board.order is order


def test_split_to_begin_with(learn):
    assert ConfusionMatrix(learn, split="all").confusion.total == 24
    with pytest.raises(BadInputError, match="No split 'test'"):
        ConfusionMatrix(learn, split="test")


def test_without_an_evaluation_split(images):
    matrix = ConfusionMatrix(StubLearner(Dataset.from_folder(images, valid_pct=0)))
    assert (matrix.split, matrix.counted()[0].parts) == ("train", ["train", "all"])


def test_a_grid_below_or_elsewhere(learn, matrix, sent):
    assert matrix.counted()[0].grid
    page = ask(matrix, sent, "page", revision=1, start=0, stop=3, px=160)
    assert len(page["result"]["items"]) == 3
    matrix.cleaner.mark(matrix.cleaner.ds.table.id[0], "keep")
    assert [each.get("event") for each in sent[1:]] == ["matrix", "state", "items"], (
        "the grid below hears of it"
    )
    cleaner = Cleaner(learn)
    linked = ConfusionMatrix(learn, cleaner=cleaner)
    assert not linked.counted()[0].grid
    linked.show("black", "teddy")
    assert len(cleaner._session.board.order) == 1


def test_needs_predictions(ds):
    with pytest.raises(BadInputError, match="needs predictions"):
        ConfusionMatrix(ds)
    review = Review.from_predictions(ds, probabilities_of(ds.table.label, ds.classes), ds.classes)
    with pytest.raises(BadInputError, match="the grid it drives"):
        ConfusionMatrix(review, cleaner=Cleaner(ds))


def test_follows_a_retrain_with_a_new_class(matrix, sent, ds):
    wrong = paths(ds, "grizzly")[0]
    matrix.cleaner.mark(id_at(ds, wrong), "relabel", "polar", new_class=True)
    assert matrix.cleaner.retrain().state == "done"
    assert {"kind": "event", "event": "matrix"} in sent
    reply = ask(matrix, sent, "matrix", part="all")
    assert reply["result"]["classes"] == ["black", "grizzly", "polar", "teddy"]
    check_cells(matrix)
    assert matrix.show("polar", "polar") == 1, "it was trained with this label"


def test_follows_files_that_move(make_images, tmp_path):
    for seed, split in enumerate(("train", "valid")):
        make_images(tmp_path / "data" / split, {"black": 2, "teddy": 2}, seed=seed)
    ds = Dataset.from_folder(tmp_path / "data", valid_pct=0)
    matrix = ConfusionMatrix(StubLearner(ds))
    sent = []
    matrix.send = sent.append
    matrix.cleaner.mark(ds.table.id[ds.table.split == "valid"].tolist(), "delete")
    matrix.cleaner.apply()
    assert {"kind": "event", "event": "matrix"} in sent
    reply, _ = matrix.counted()
    assert (reply.part, reply.parts) == ("train", ["train", "all"])
    check_cells(matrix)
    matrix.cleaner.rollback()
    assert matrix.counted()[0].parts == ["valid", "train", "all"]
