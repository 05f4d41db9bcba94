"""Scores and queues are those of now: found anew after a withdrawn label and moved files, behind the grid."""

from __future__ import annotations

import threading

import pytest

from bearwidgets.clean.journal import Journal
from bearwidgets.errors import BadInputError
from bearwidgets.learn.progress import Progress
from bearwidgets.review.checks.run import find_issues, finding_again
from bearwidgets.widgets.cleaner import finding as finding_module
from bearwidgets.widgets.cleaner import session as session_module
from bearwidgets.widgets.cleaner.cleaner import Cleaner
from bearwidgets.widgets.cleaner.commands import view_of
from bearwidgets.widgets.cleaner.session import Session


def shown(session):
    return session.board.ids[session.board.order].tolist()


def left(session):
    return {each.name: (each.total, each.problems, each.left) for each in session.state().queues}


@pytest.fixture
def labeled(learn):
    """A Cleaner whose queue of likely wrong labels is found by the stub."""
    return Session(learn, None, find_issues(learn, ["label_issues"], progress=False))


def retrained(session, wrong):
    """After a training on the corrected label; gives the id."""
    (id_,) = session.ds.table.id[session.ds.table.path == wrong]
    session.mark([id_], "relabel", "teddy")
    session.retrain()
    assert session.job.wait().state == "done"
    return id_


@pytest.mark.parametrize("withdraw", ["undo", "clear", "keep", "elsewhere", "undone clear is done again"])
def test_queues_and_scores_follow_a_label_that_is_withdrawn_after_a_retrain(labeled, wrong, withdraw):
    id_ = retrained(labeled, wrong)
    report = labeled.job.state
    told = []
    labeled.listeners.append(lambda: told.append(labeled.review.table.label[id_]))
    order, labeled.at_work = shown(labeled), True
    if withdraw == "undo":
        labeled.step("undo")
    elif withdraw == "elsewhere":
        Journal.open(labeled.ds).record([id_], "clear")
        labeled.refresh()
    elif withdraw in {"clear", "keep"}:
        labeled.mark([id_], withdraw, None)
    else:
        labeled.mark([id_], "clear", None)
        labeled.step("undo")
        labeled.job.wait()
        labeled.step("redo")
    assert labeled.job.wait() == report, "the report of the training stays"
    assert not labeled.state().outdated
    n_left = 0 if withdraw == "keep" else 1
    assert left(labeled)["label_issues"] == (1, 1, n_left)
    assert labeled.board.judged[labeled.board.rows_of([id_])[0]] == "grizzly"
    assert told[-1] == "grizzly", "the matrix hears of it"
    assert shown(labeled) == order, "nothing moves under the hand"
    labeled.show(view_of({"queue": "label_issues"}, scored=True))
    assert shown(labeled) == [id_]
    if withdraw == "undo":
        assert labeled.ready == "1 suspect found"
        labeled.show(view_of({"queue": "triage"}, scored=True))
    if withdraw in {"undo", "keep"}:
        assert labeled.ready == ""


def test_what_is_withdrawn_during_a_training_is_found_after_it(labeled, learn, wrong):
    (id_,) = labeled.ds.table.id[labeled.ds.table.path == wrong]
    labeled.mark([id_], "relabel", "teddy")

    def at_the_checks(issues, source, real=session_module.finding_again):
        labeled.step("undo")
        return real(issues, source)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session_module, "finding_again", at_the_checks)
        labeled.retrain()
        labeled.job.wait()
    assert left(labeled)["label_issues"] == (1, 1, 1)
    assert not labeled.state().outdated


def test_queues_of_many_items_are_found_behind_the_grid(labeled, wrong, monkeypatch):
    """After moved files the order is shown at once, and what was found is offered."""
    monkeypatch.setattr(session_module, "AT_ONCE", 10)
    go, first = threading.Event(), labeled.ds.table.id[0]

    def held(issues, source, real=finding_module.finding_again):
        yield Progress("checks", 0, 1)
        assert go.wait(20)
        return (yield from real(issues, source))

    monkeypatch.setattr(finding_module, "finding_again", held)
    labeled.mark([first], "delete", None)
    with labeled.lock:
        labeled.apply()
        state = labeled.state()
        order = shown(labeled)
    assert (state.outdated, state.job.kind, state.can.apply, state.can.retrain) == (
        True,
        "find",
        False,
        False,
    )
    assert [each.name for each in state.job.phases] == ["pixels", "features", "checks"]
    with pytest.raises(BadInputError, match="Queues are being found anew"):
        labeled.rollback(None)
    go.set()
    assert labeled.job.wait().state == "idle"
    state = labeled.state()
    assert (state.outdated, state.ready, shown(labeled)) == (False, "1 suspect found", order)


@pytest.mark.parametrize("act", ["apply", "rollback", "retrain"])
def test_python_does_not_wait_for_queues_that_go_out_of_date(learn, wrong, monkeypatch, act):
    cleaner = Cleaner(learn, issues=find_issues(learn, ["label_issues"], progress=False))
    cleaner.mark(cleaner.ds.table.id[0], "delete")
    cleaner.apply()
    go, reached = threading.Event(), threading.Event()

    def held(issues, source, real=finding_module.finding_again):
        reached.set()
        while not go.is_set() and cleaner._session.job.state.state == "running":
            yield Progress("checks", 0, 1)
        return (yield from real(issues, source))

    monkeypatch.setattr(finding_module, "finding_again", held)
    with cleaner.lock:
        cleaner._session._find_soon()
    assert reached.wait(20)
    monkeypatch.setattr(finding_module, "finding_again", finding_again)
    getattr(cleaner, act)()
    assert cleaner.wait().issues is not None
    assert not cleaner._session.state().outdated


def test_queues_are_looked_for_again_after_an_act_that_failed(learn, wrong, monkeypatch):
    cleaner = Cleaner(learn, issues=find_issues(learn, ["label_issues"], progress=False))
    cleaner._session._to_find = cleaner._session.outdated = True  # as where Python put it off
    with pytest.raises(BadInputError, match="round"):
        cleaner.rollback(7)
    assert not cleaner.wait()._session.state().outdated


def test_a_search_that_was_stopped_leaves_the_queues_called_out_of_date(labeled, wrong, monkeypatch):
    id_ = retrained(labeled, wrong)

    def endless(_issues, _source):
        while True:
            yield Progress("checks", 0, 1)

    monkeypatch.setattr(finding_module, "finding_again", endless)
    labeled.mark([id_], "clear", None)
    labeled.end_finding()
    state = labeled.state()
    assert (state.job.state, state.job.message) == ("stopped", "stopped; the queues of before stay")
    assert state.outdated


def test_images_that_a_rollback_brings_back_after_a_training_have_scores_and_queues(labeled, wrong):
    (id_,) = labeled.ds.table.id[labeled.ds.table.path == wrong]
    labeled.mark([id_], "delete", None)
    labeled.apply()
    labeled.retrain()
    assert labeled.job.wait().state == "done"
    labeled.rollback(None)
    assert labeled.board.scored.all()
    assert left(labeled)["label_issues"][0] == 1
