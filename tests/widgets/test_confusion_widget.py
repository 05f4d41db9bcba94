"""The confusion matrix as a view: what its cells count is what a click shows."""

from __future__ import annotations

import pytest
from stub_learner import StubLearner, id_at, paths, probabilities_of

from bearwidgets.data.dataset import Dataset
from bearwidgets.errors import BadInputError
from bearwidgets.review.review import Review
from bearwidgets.safe_text import as_json
from bearwidgets.widgets.cleaner.cleaner import Cleaner
from bearwidgets.widgets.confusion import ConfusionMatrix
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


def check_cells(matrix):
    """Every cell counts the images that its click shows."""
    told = as_json(matrix.counted())
    shown = [[matrix.show(actual, each) for each in told["classes"]] for actual in told["classes"]]
    assert told["counts"] == shown
    assert told["total"] == sum(map(sum, shown))


def test_hello(matrix, sent, ds):
    result = ask(matrix, sent, "matrix")["result"]
    n = int((ds.table.split == "valid").sum())
    assert (result["split"], result["splits"], result["total"]) == ("valid", ["valid", "train", "all"], n)
    assert result["classes"] == ["black", "grizzly", "teddy"]
    assert result["counts"][0][2] == 1
    assert result["accuracy"] == pytest.approx((n - 1) / n)


def test_a_cell_filters_the_grid(matrix, sent):
    assert ask(matrix, sent, "cell", actual="black", predicted="teddy") == {
        "kind": "reply",
        "id": 1,
        "ok": True,
        "result": {},
    }
    board = matrix.cleaner._session.board
    assert board.view.filter == Filter(label="black", predicted="teddy", split="valid")
    assert len(board.order) == 1


@pytest.mark.parametrize("split", ["valid", "train", "all"])
def test_cells_count_what_a_click_shows(matrix, sent, split):
    assert ask(matrix, sent, "matrix", split=split)["result"]["split"] == split
    check_cells(matrix)


@pytest.mark.parametrize(
    ("op", "fields", "sentence"),
    [
        ("cell", {"actual": "grizly", "predicted": "black"}, "Did you mean 'grizzly'"),
        ("cell", {"actual": "black"}, "predicted is None"),
        ("matrix", {"split": "vald"}, "Did you mean 'valid'"),
        ("matrix", {"split": 3}, "split is 3"),
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
    assert ConfusionMatrix(learn, split="all").counted().total == 24
    with pytest.raises(BadInputError, match="No split 'test'"):
        ConfusionMatrix(learn, split="test")


def test_without_an_evaluation_split(images):
    matrix = ConfusionMatrix(StubLearner(Dataset.from_folder(images, valid_pct=0)))
    assert (matrix.split, matrix.counted().splits) == ("train", ["train", "all"])


def test_a_grid_below_or_elsewhere(learn, matrix, sent):
    assert matrix.counted().grid
    page = ask(matrix, sent, "page", revision=1, start=0, stop=3, px=160)
    assert len(page["result"]["items"]) == 3
    matrix.cleaner.mark(matrix.cleaner.ds.table.id[0], "keep")
    assert [each.get("event") for each in sent[1:]] == ["state", "items"], "the grid below hears of it"
    cleaner = Cleaner(learn)
    linked = ConfusionMatrix(learn, cleaner=cleaner)
    assert not linked.counted().grid
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
    (event,) = [each for each in sent if each["event"] == "matrix"]
    assert event["matrix"]["classes"] == ["black", "grizzly", "polar", "teddy"]
    assert ask(matrix, sent, "matrix", split="all")["ok"]
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
    told = [each["matrix"] for each in sent if each["event"] == "matrix"]
    assert (told[0]["split"], told[0]["splits"]) == ("train", ["train", "all"])
    check_cells(matrix)
    matrix.cleaner.rollback()
    assert matrix.counted().splits == ["valid", "train", "all"]
