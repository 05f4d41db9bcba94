"""The base of all views: what is dropped or closed is freed, whatever it was used for."""

from __future__ import annotations

import gc
import threading
import weakref

import ipywidgets
import pytest
import traitlets

from bearwidgets.widgets.cleaner import watching
from bearwidgets.widgets.cleaner.cleaner import Cleaner
from bearwidgets.widgets.inspect.confusion import ConfusionMatrix
from bearwidgets.widgets.inspect.explain import Explain
from bearwidgets.widgets.inspect.image_map import ImageMap
from bearwidgets.widgets.inspect.layers import Layers
from bearwidgets.widgets.inspect.monitor import TrainMonitor
from bearwidgets.widgets.view import View


def used(view):
    """Weak references to a view that was worked in, and to what it is made of."""
    cleaner = getattr(view, "cleaner", view)
    sent = []
    view.send = lambda content, _buffers=None: sent.append(content)
    for op, fields in (
        ("hello", {}),
        ("page", {"revision": 1, "start": 0, "stop": 3, "px": 160}),
        ("nothing", {}),
    ):
        content = {"kind": "request", "id": 1, "op": op, **fields}
        view._handle_msg({"content": {"data": {"method": "custom", "content": content}}, "buffers": []})
    assert [each.get("ok") for each in sent] == [True, True, False]
    cleaner.mark(cleaner.ds.table.id[:2].tolist(), "keep")
    cleaner.on_scores(lambda: view.height)
    cleaner.snapshot(1)
    assert cleaner.retrain().state == "done"
    cleaner.undo()
    session = cleaner._session
    return [weakref.ref(each) for each in (view, cleaner, session, session.board, session.journal)]


def wait_for_timers():
    """The manifest of what was decided is written in a moment."""
    for thread in threading.enumerate():
        if isinstance(thread, threading.Timer):
            thread.join()


def alive(references):
    wait_for_timers()
    with watching.looking:
        gc.collect()
        return [each() for each in references if each() is not None]


@pytest.mark.parametrize("cls", [Cleaner, ConfusionMatrix, ImageMap])
def test_a_view_that_is_dropped_or_closed_is_freed_though_its_learner_lives_on(learn, cls):
    references = used(cls(learn))
    assert alive(references) == [], "never displayed"
    view = cls(learn)
    references = used(view)
    view._repr_mimebundle_()
    del view
    assert alive(references)[0], "the page still shows it"
    references[0]().close()
    assert alive(references) == []


def test_a_view_in_a_box_is_kept_by_the_box(learn):
    box = ipywidgets.VBox([Cleaner(learn)])
    gc.collect()
    (cleaner,) = box.children
    sent = []
    cleaner.send = lambda content, _buffers=None: sent.append(content)
    content = {"kind": "request", "id": 1, "op": "hello"}
    data = {"method": "custom", "content": content}
    cleaner.comm.handle_msg({"content": {"data": data}, "buffers": []})
    assert sent[0]["ok"]
    assert cleaner.model_id in ipywidgets.Widget.get_manager_state()["state"]


def test_every_kind_of_view_is_tested_here():
    alone = {Explain, Layers, TrainMonitor}  # have no Cleaner; their own tests drop them
    assert set(View.__subclasses__()) - alone == {Cleaner, ConfusionMatrix, ImageMap}


def test_a_matrix_that_is_dropped_or_closed_leaves_the_grid_it_drove(learn):
    cleaner = Cleaner(learn)
    for shown in (False, True):
        matrix = ConfusionMatrix(learn, cleaner=cleaner)
        reference = weakref.ref(matrix)
        if shown:
            matrix._repr_mimebundle_()
            matrix.close()
        del matrix
        assert alive([reference]) == []
    assert set(cleaner._session.views) == {cleaner}


@pytest.mark.parametrize(
    "state",
    [
        None,
        [],
        "x",
        {"height": "high"},
        {"height": 10**9, "px": 96.5},
        {"_esm": "alert(1)", "_css": [], "changes": 9, "layout": None},
    ],
    ids=lambda state: str(state)[:30],
)
def test_a_page_sets_the_size_of_tiles_and_nothing_else(learn, state, caplog):
    view = Cleaner(learn)
    code = view._esm
    update(view, state)
    update(view, {"px": 200})
    assert (view._esm, view.height, view.px, caplog.text) == (code, 600, 200, "")


def update(view, state):
    """What a page sends to change traits."""
    view._handle_msg({"content": {"data": {"method": "update", "state": state}}, "buffers": []})


def test_observers_learn_of_every_change(learn, tmp_path):
    cleaner = Cleaner(learn)
    matrix = ConfusionMatrix(learn, cleaner=cleaner)
    ids, told = cleaner.ds.table.id[:2].tolist(), []
    for view in (cleaner, matrix):
        view.observe(lambda change: told.append((change.owner, change.new)), "changes")
    marked = {"kind": "request", "id": 1, "op": "mark", "ids": ids, "action": "delete"}
    other = Cleaner(learn.ds)
    for act in (
        lambda: cleaner.mark(ids, "keep"),
        lambda: cleaner._receive(marked, None),
        cleaner.undo,
        cleaner.redo,
        lambda: (other.mark(ids[:1], "unsure"), cleaner.show()),
        cleaner.apply,
        cleaner.rollback,
    ):
        told.clear()
        act()
        assert {owner for owner, _ in told} == {cleaner, matrix}
        assert cleaner.changes == matrix.changes == cleaner.journal.version
    with pytest.raises(traitlets.TraitError):
        cleaner.changes = 0
