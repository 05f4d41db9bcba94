"""The grid's order: filters, sorts, decisions that never move anything, what was seen."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stub_learner import StubLearner, probabilities_of

from bearwidgets.data.actions import answers_of
from bearwidgets.data.dataset import Dataset
from bearwidgets.errors import BadInputError
from bearwidgets.review.review import Review
from bearwidgets.widgets.cleaner.board import SCORES, Board
from bearwidgets.widgets.protocol import SORTS, Decision, Filter, ViewSpec

NO_DECISIONS = pd.DataFrame(columns=["action", "new_label", "seq", "about"], index=pd.Index([], dtype=object))


def decisions(**each):
    return {
        id_: SimpleNamespace(action=action, new_label=label, seq=seq, about=answers_of(action))
        for seq, (id_, (action, label)) in enumerate(each.items())
    }


@pytest.fixture
def review(ds):
    return Review(StubLearner(ds, {"black/000.jpg": "teddy", "grizzly/001.jpg": "black"}))


@pytest.fixture
def board(ds, review):
    return Board(ds, review, NO_DECISIONS)


def shown(board, column="path"):
    return [getattr(board.item(place), column) for place in range(len(board.order))]


def test_most_suspect_first(board):
    assert board.view == ViewSpec(sort="label_issue", descending=True)
    assert set(shown(board)[:2]) == {"black/000.jpg", "grizzly/001.jpg"}


def test_without_scores_by_path(ds):
    board = Board(ds, None, NO_DECISIONS)
    assert shown(board) == sorted(ds.table.path)
    assert set(shown(board, "predicted")) == {None}
    assert not board.scored.any()
    assert board.evidence(0) == {"rank_by": "path"}


def test_every_filter(board):
    board.show(ViewSpec(sort="label_issue", filter=Filter(label="black")))
    assert set(shown(board, "label")) == {"black"}
    board.show(ViewSpec(sort="label_issue", filter=Filter(predicted="teddy", label="black")))
    assert shown(board) == ["black/000.jpg"]
    board.show(ViewSpec(sort="label_issue", filter=Filter(split="valid")))
    assert set(shown(board, "split")) == {"valid"}
    board.show(ViewSpec(sort="label_issue", filter=Filter(text="GRIZZLY/00")))
    assert len(board.order) == 8
    board.show(ViewSpec(sort="label_issue", filter=Filter(label="nothing of the kind")))
    assert len(board.order) == 0


def test_filter_by_decision(ds, board):
    one, two, three = ds.table.id[:3]
    board.update(decisions(**{one: ("delete", None), two: ("relabel", "teddy"), three: ("keep", None)}))
    found = {}
    for wanted in ("pending", "undecided", "delete", "relabel", "keep", "unsure"):
        board.show(ViewSpec(sort="label_issue", filter=Filter(decision=wanted)))
        found[wanted] = set(shown(board, "id"))
    assert found["pending"] == {one, two, three}
    assert found["undecided"] == set(ds.table.id) - {one, two, three}
    assert (found["delete"], found["relabel"], found["keep"], found["unsure"]) == (
        {one},
        {two},
        {three},
        set(),
    )


@pytest.mark.parametrize("sort", [each for each in SORTS if each != "queue"])
def test_sorts_go_both_ways(board, sort):
    if sort != "label_issue":  # in which what is decided steps back
        board.update(decisions(**{board.ids[3]: ("keep", None), board.ids[5]: ("delete", None)}))
    column = board.scores.get(sort)
    if column is None:
        column = {"path": board.paths, "label": board.labels, "decided": board.decisions.seq}[sort]
    for descending in (True, False):
        board.show(ViewSpec(sort=sort, descending=descending))
        keys = column[board.order].tolist()
        assert keys == sorted(keys, reverse=descending)


@settings(deadline=None)
@given(
    scores=st.lists(st.none() | st.floats(-5, 5), min_size=24, max_size=24),
    name=st.sampled_from(SCORES),
    descending=st.booleans(),
)
def test_nan_scores_come_last_either_way(scores, name, descending, shared_board):
    board = shared_board
    board.scores[name] = np.array([np.nan if each is None else each for each in scores])
    board.show(ViewSpec(sort=name, descending=descending))
    keys = board.scores[name][board.order]
    known = keys[~np.isnan(keys)]
    assert np.isnan(keys[len(known) :]).all()
    assert known.tolist() == sorted(known.tolist(), reverse=descending)
    assert sorted(board.order.tolist()) == list(range(24))


@pytest.fixture(scope="module")
def shared_board(shared_ds):
    return Board(shared_ds, Review(StubLearner(shared_ds)), NO_DECISIONS)


def test_items_without_scores_come_last(ds, review):
    half = Review.from_predictions(
        ds.table[ds.table.label != "black"], probabilities_of(ds.table.label[8:], ds.classes), ds.classes
    )
    board = Board(ds, half, NO_DECISIONS)
    for descending in (True, False):
        board.show(ViewSpec(sort="loss", descending=descending))
        assert shown(board, "label")[-8:] == ["black"] * 8
    item = board.item(23)
    assert item.predicted is None
    assert np.isnan(item.loss)


def test_marks_never_reorder(board):
    board.show(ViewSpec(sort="decided"))
    order, revision = board.order.copy(), board.revision
    board.update(decisions(**{board.ids[20]: ("delete", None)}))
    assert (board.order == order).all()
    assert board.revision == revision
    assert board.item(board.place_of(board.ids[20])).decision == Decision("delete")
    board.show(ViewSpec(sort="decided"))
    assert board.place_of(board.ids[20]) == 0


@settings(deadline=None)
@given(
    updates=st.lists(
        st.dictionaries(
            st.integers(0, 23),
            st.none()
            | st.tuples(st.sampled_from(["keep", "delete", "relabel", "unsure"]), st.integers(0, 99)),
            max_size=4,
        ),
        max_size=6,
    )
)
def test_what_changes_adds_up_to_what_is_there(updates, shared_board):
    board, known = shared_board, {}
    board.trained_on(dict(zip(board.ids[:9], board.labels[:9], strict=True)))
    board.load(board.ds, board.review, NO_DECISIONS)
    for update in updates:
        each = {}
        for row, made in update.items():
            action, seq = made or ("", -1)
            label = "teddy" if action == "relabel" else None
            each[board.ids[row]] = made and SimpleNamespace(
                action=action, new_label=label, seq=seq, about=answers_of(action)
            )
        board.update(each)
        known |= each
    columns = vars(board.decisions)
    rows = [
        (id_, made.action, made.new_label, made.seq, ", ".join(made.about))
        for id_, made in known.items()
        if made
    ]
    table = pd.DataFrame(rows, columns=["id", *NO_DECISIONS.columns]).set_index("id")
    board.load(board.ds, board.review, table)
    for name, anew in vars(board.decisions).items():
        if name in ("by_action", "new_classes"):
            assert +columns[name] == +anew, name
        elif isinstance(anew, np.ndarray):
            assert columns[name].tolist() == anew.tolist(), name
        elif isinstance(anew, int):
            assert columns[name] == anew, name


def test_decisions_on_items_that_are_not_here_do_no_harm(board):
    board.update(decisions(ffff=("delete", None)))
    assert (board.decisions.action == "").all()


def test_places_and_ids(ds, board):
    board.show(ViewSpec(sort="path", descending=False, filter=Filter(label="grizzly")))
    assert board.ids_at([(0, 2), (1, 3)]) == ds.table.id[8:11].tolist()
    assert board.ids_at([]) == []
    assert board.place_of(board.ids[9]) == 1
    assert board.place_of(board.ids[0]) is None
    assert board.place_of("ffff") is None
    assert board.rows_of([board.ids[9], board.ids[0]]).tolist() == [9, 0]
    with pytest.raises(BadInputError, match="No item 'ffff'"):
        board.rows_of([board.ids[9], "ffff"])


def test_counts_and_exam_marks(ds, board):
    valid = ds.table.id[ds.table.split == "valid"].tolist()
    train = ds.table.id[ds.table.split == "train"].tolist()
    board.update(
        decisions(**{valid[0]: ("delete", None), valid[1]: ("keep", None), train[0]: ("unsure", None)})
    )
    counts = board.counts()
    assert counts.label == {"black": 8, "grizzly": 8, "teddy": 8}
    assert sum(counts.split.values()) == 24
    assert counts.action == {"keep": 1, "delete": 1, "relabel": 0, "unsure": 1}
    assert board.decisions.exam_marks == 1


def test_many_items_are_columns_and_not_objects(review_of_many):
    n, review = 100_000, review_of_many(100_000)
    board = Board(review.ds, review, NO_DECISIONS)
    assert all(isinstance(column, np.ndarray) and column.shape == (n,) for column in board.scores.values())
    held = [value for value in vars(board).values() if isinstance(value, (dict, list, set, tuple))]
    assert sum(map(sys.getsizeof, held)) < 10_000, "nothing is kept per item before anyone looks"
    board.show(ViewSpec(sort="path", descending=False, filter=Filter(text="00077")))
    assert shown(board)[0] == "black/000077.jpg"
    assert board.place_of("0001869f") is None
    assert len(board.ids_at([(0, 6), (5, 8)])) == 8
    with pytest.raises(BadInputError, match="ranges overlap"):
        board.ids_at([(0, len(board.order))] * 1000)


def test_where_the_model_knows_no_third_class_there_is_no_second_suggestion(tmp_path, images):
    kept = Dataset.from_folder(images).table.query("label != 'teddy'")[["path", "label"]]
    ds = Dataset.from_df(kept, root=images, workspace=tmp_path / "work")
    believed = np.tile([0.7, 0.3], (len(ds), 1))
    board = Board(ds, Review.from_predictions(ds, believed, ["black", "grizzly"]), NO_DECISIONS)
    seconds = {(item.label, item.second) for item in map(board.item, range(len(ds)))}
    assert seconds == {("black", "grizzly"), ("grizzly", None)}
