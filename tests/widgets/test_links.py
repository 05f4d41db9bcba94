"""Views that follow each other: one selection, one filter, whoever chose."""

from __future__ import annotations

import gc
import shutil
import weakref

import numpy as np
import pytest
from stub_learner import StubLearner, id_at, paths

import bearwidgets as bw
from bearwidgets.errors import BadInputError
from bearwidgets.review.review import Review
from bearwidgets.widgets.cleaner.cleaner import Cleaner
from bearwidgets.widgets.inspect.confusion import ConfusionMatrix
from bearwidgets.widgets.inspect.image_map import ImageMap


def answer(view, op, **args):
    """What the page of a view is answered, and the buffers."""
    told = []
    send, view.send = view.send, lambda content, buffers=None: told.append((content, buffers))
    view._handle_custom_msg({"kind": "request", "id": 1, "op": op, **args}, [])
    view.send = send
    replies = [each for each in told if each[0]["kind"] == "reply"]
    assert replies[0][0]["ok"], replies[0][0]
    return replies[0][0]["result"], replies[0][1]


def heard(view):
    """The events that a view's page hears from now on."""
    told = []
    view.send = lambda content, buffers=None: told.append(content.get("event"))  # noqa: ARG005
    return told


@pytest.fixture
def review(learn):
    return Review(learn)


@pytest.fixture
def views(review):
    return Cleaner(review), ConfusionMatrix(review), ImageMap(review)


def test_what_is_selected_in_one_is_selected_in_all(views, ds):
    cleaner, matrix, image_map = views
    told = [heard(view) for view in views]
    ids = ds.table.id[:3].tolist()
    assert cleaner.select(ids) == 3
    assert all("link" in each for each in told), "each page is told to ask"
    assert sorted(matrix.cleaner.selected) == sorted(image_map.selected) == sorted(ids)
    found = answer(image_map, "map_link")[0]
    assert found["selected"] == [[0, 3]]
    result, _ = answer(matrix, "link")
    assert (result["selected"], result["where"], result["offer"]) == (3, "the Cleaner", "")
    assert sum(stop - start for start, stop in result["ranges"]) == 3
    assert image_map.select([]) == 0
    assert cleaner.selected == []


def test_the_cells_of_what_is_selected_are_marked(views, ds, wrong):
    cleaner, matrix, _ = views
    matrix.split = "all"
    cleaner.select([wrong, *paths(ds, "black")[:2]])
    result, (buffer,) = answer(matrix, "matrix_link")
    assert (result["selected"], result["where"]) == (3, "the Cleaner")
    cells = np.frombuffer(buffer, "<i4").reshape(-1, 3)
    assert cells.tolist() == [[0, 0, 2], [1, 2, 1]], "two black bears, and the grizzly that is called a teddy"


def test_a_page_is_not_told_of_its_own_selection_by_name(views):
    cleaner, *_ = views
    told = []
    cleaner.send = lambda content, buffers=None: told.append(content)  # noqa: ARG005
    request = {"kind": "request", "id": 1, "op": "select", "revision": 1, "ranges": [[0, 2]], "by": "me"}
    cleaner._handle_custom_msg(request, [])
    events = [each for each in told if each.get("event") == "link"]
    assert [each["by"] for each in events] == ["me"], "the page drops what it did itself"


def test_a_cell_that_is_opened_is_shown_where_nobody_works(views, ds):
    cleaner, matrix, image_map = views
    matrix.split = "all"
    assert matrix.show("grizzly", "teddy") == 1
    result, _ = answer(cleaner, "link")
    assert result["state"]["view"]["filter"]["label"] == "grizzly"
    assert (result["state"]["total"], result["offer"]) == (1, "")
    shown = answer(image_map, "map_link")[0]
    assert (len(shown["shown"]), shown["where"]) == (1, "the confusion matrix")
    cleaner.mark(ds.table.id[0], "keep")  # the person works here now
    assert matrix.show("grizzly", "grizzly") == 7
    result, _ = answer(cleaner, "link")
    assert result["state"]["total"] == 1, "nothing moves under a hand that works"
    assert result["offer"] == "7 images shown in the confusion matrix."
    assert answer(cleaner, "follow", what="shown")[0]["state"]["total"] == 7
    assert answer(cleaner, "link")[0]["offer"] == ""


def test_all_are_shown_again(views):
    cleaner, matrix, image_map = views
    matrix.split = "all"
    matrix.show("grizzly", "teddy")
    answer(cleaner, "link")
    matrix.cleaner.show()
    assert answer(cleaner, "link")[0]["state"]["total"] == 24
    assert answer(image_map, "map_link")[0]["shown"] == []


def test_what_a_lasso_holds_can_be_shown_in_the_cleaner(views, ds):
    cleaner, _, image_map = views
    cleaner.show(label="teddy")
    ids = [id_at(ds, path) for path in [*paths(ds, "black")[:2], *paths(ds, "teddy")[:1]]]
    image_map.select(ids)
    result, _ = answer(cleaner, "link")
    assert (result["selected"], sum(stop - start for start, stop in result["ranges"])) == (3, 1)
    assert result["where"] == "the map"
    assert answer(cleaner, "follow", what="selected")[0]["state"]["total"] == 3
    assert sorted(cleaner.selected) == sorted(ids)


def test_views_on_one_learner_follow_each_other_and_on_another_do_not(learn, ds):
    first, second = Cleaner(learn), Cleaner(learn)
    other = Cleaner(StubLearner(ds, {}))
    first.select(ds.table.id[:1])
    assert second.selected == first.selected
    assert other.selected == []


def test_link_joins_views_and_parts_one(learn, ds):
    first, second, third = Cleaner(learn), Cleaner(StubLearner(ds, {})), Cleaner(ds)
    bw.link(first, second, third)
    third.select(ds.table.id[4:6])
    assert first.selected == second.selected == third.selected
    bw.link(second)
    first.select(ds.table.id[:1])
    assert len(third.selected) == 1
    assert second.selected == []


def test_other_data_shows_what_it_has(learn, ds, images, tmp_path):
    first = Cleaner(learn)
    for label in ("black", "grizzly"):
        shutil.copytree(images / label, tmp_path / "part" / label)
    part = Cleaner(bw.Dataset.from_folder(tmp_path / "part"))
    bw.link(first, part)
    first.select(ds.table.id)
    result, _ = answer(part, "link")
    assert result["selected"] == 24
    assert sum(stop - start for start, stop in result["ranges"]) == 16


def test_what_cannot_be_linked_is_said():
    counts = bw.Confusion.from_counts([[3, 1], [0, 4]], ["a", "b"])
    with pytest.raises(BadInputError, match=r"ConfusionMatrix\(2 classes, ''\) cannot be linked"):
        bw.link(bw.ConfusionMatrix(counts))
    with pytest.raises(BadInputError, match="came without a view"):
        bw.link()


def test_a_group_keeps_no_view_alive(learn):
    cleaner = Cleaner(learn)
    session = weakref.ref(cleaner._session)
    other = Cleaner(learn)
    del cleaner
    gc.collect()
    assert session() is None
    assert other.select([]) == 0


def test_two_matrices_tell_each_other_what_they_show(learn):
    first, second = ConfusionMatrix(learn, split="all"), ConfusionMatrix(learn, split="all")
    first.show("grizzly", "teddy")
    told = {"selected": 0, "shown": 1, "where": "the confusion matrix", "limit": 0}
    assert answer(second, "matrix_link")[0] == told, "a cell of another matrix is marked"
    assert second.limited == ""
    assert answer(first, "matrix_link")[0]["shown"] == 0, "it is what the person just chose there"


def test_a_selection_ends_with_the_last_view(learn, ds):
    cleaner = Cleaner(learn)
    cleaner.select(ds.table.id[:2])
    assert answer(cleaner, "hello")[0]["state"]["selected"] == 2
    del cleaner
    gc.collect()
    assert Cleaner(learn).selected == []


def test_a_filter_of_another_view_limits_the_counts(views, ds):
    cleaner, matrix, _ = views
    matrix.split = "all"
    n, everything = len(ds.table), matrix.confusion.counts.tolist()
    black = cleaner.show(label="black")
    assert matrix.limited == f"{black} of {n} images: filter from the Cleaner"
    assert matrix.confusion.counts.sum(1).tolist() == [black, 0, 0]
    limit = answer(matrix, "matrix_link")[0]
    assert (limit["shown"], limit["limit"]) == (0, 1), "the page is told to ask for another matrix"
    told = answer(matrix, "matrix")[0]
    assert (told["total"], told["limited"], told["limit"]) == (black, matrix.limited, 1)
    assert matrix.limited in matrix.static_html()
    assert matrix.show("black", "black") == told["total"] == black
    assert matrix.confusion.total == black, "a cell that is opened here leaves the limit"
    told = answer(matrix, "matrix", everything=True)[0]
    assert (told["total"], told["limited"]) == (n, "")
    assert matrix.confusion.counts.tolist() == everything
    cleaner.show(label="teddy")
    assert matrix.confusion.total < n
    cleaner.show()
    assert (matrix.limited, matrix.confusion.total) == ("", n)
    cleaner.show(label="teddy")
    matrix.count_all()
    assert (matrix.limited, matrix.confusion.total) == ("", n)
