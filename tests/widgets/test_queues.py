"""Queues in the grid: counts, order, groups that stay together, one act for a group."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stub_issues import StubIssues

from bearwidgets.errors import BadInputError
from bearwidgets.learn.progress import Progress
from bearwidgets.review.checks.issues import Issues
from bearwidgets.review.checks.registry import CHECKS, CheckResult
from bearwidgets.review.checks.run import find_issues
from bearwidgets.widgets.cleaner.cleaner import Cleaner
from bearwidgets.widgets.cleaner.commands import view_of
from bearwidgets.widgets.cleaner.questions import accepted_in, asked_by
from bearwidgets.widgets.cleaner.queues import NO_GROUP, Queue, together
from bearwidgets.widgets.cleaner.session import Session
from bearwidgets.widgets.protocol import Decision, Group, ViewSpec


@pytest.fixture
def ids(ds):
    return ds.table.id.tolist()


@pytest.fixture
def issues(ids):
    copies = [(ids[5], 0.9, 0, True), (ids[1], 0.9, 0, False), (ids[20], 0.9, 0, False)]
    copies += [(ids[7], 0.8, 1, True), (ids[6], 0.8, 1, False), (ids[3], 0.7, -1, False)]
    return StubIssues(
        ("contradictory",),
        empty=[],
        dark=[(ids[2], 1.0, -1, False), (ids[9], 0.5, -1, False)],
        copies=copies,
        contradictory=[(ids[0], 1.0, 4, True), (ids[8], 1.0, 4, False)],
    )


@pytest.fixture
def session(learn, issues):
    return Session(learn, None, issues)


def shown(session):
    return session.board.ids[session.board.order].tolist()


def show(session, view):
    session.show(view_of(view, scored=session.review is not None))


def groups(session):
    return [session.board.item(place).group for place in range(len(session.board.order))]


def decided(session):
    return dict(session.journal.decisions.action)


def test_counts_certain_first_and_empty_last(session, ids):
    session.mark([ids[2], ids[5]], "delete", None)
    found = [(q.name, q.undecided, q.total, q.certain, q.groups) for q in session.state().queues]
    assert found == [
        ("contradictory", 2, 2, True, 1),
        ("dark", 1, 2, False, 0),
        ("copies", 5, 6, False, 2),
        ("empty", 0, 0, False, 0),
    ]


def test_a_queue_filters_in_its_order_and_other_filters_work_inside(session, ids):
    show(session, {"queue": "copies"})
    assert shown(session) == [ids[i] for i in (5, 1, 20, 7, 6, 3)]
    assert session.board.runs == [(3, 1), (2, 1), (1, 1)]
    assert session.state().view.queue == "copies"
    assert session.board.item(0).why == "It is in copies."
    show(session, {"queue": "copies", "label": "black"})
    assert shown(session) == [ids[i] for i in (5, 1, 7, 6, 3)]
    assert groups(session)[1] == Group(
        number=0, at=1, shown=2, size=3, keeper=False, differs=True, copies=True, proposal=Decision("delete")
    )
    assert [each and each.differs for each in groups(session)] == [True, True, False, False, None]
    show(session, {"queue": "dark"})
    assert (groups(session), session.board.runs) == ([None, None], [])
    show(session, {})
    assert len(shown(session)) == 24


@pytest.mark.parametrize("sort", ["path", "loss", "label", "queue"])
@pytest.mark.parametrize("descending", [True, False])
def test_no_sort_tears_a_group(session, sort, descending):
    show(session, {"queue": "copies", "sort": sort, "descending": descending})
    numbers = [None if each is None else each.number for each in groups(session)]
    assert sum(a != b for a, b in itertools.pairwise(numbers)) == 2
    assert [each.at for each in groups(session) if each and each.number == 0] == [0, 1, 2]


@settings(deadline=None)
@given(st.lists(st.integers(-1, 4), min_size=1, max_size=30), st.randoms(use_true_random=False))
def test_runs_say_how_many_stand_together(numbers, random):
    rows = np.arange(len(numbers))
    group = np.array(sorted(numbers))
    queue = Queue("q", "Q", False, rows, rows / 100, group, rows % 3 == 0, [""] * len(rows))
    order = np.array(random.sample(rows.tolist(), random.randint(1, len(rows))))
    moved, found = together(order, queue, np.array(["black"] * len(rows), dtype=object))
    assert sorted(moved) == sorted(order)
    if found is None:
        assert pd.Series(group[group != NO_GROUP]).is_unique
        return
    sizes = [size for size, times in found.runs() for _ in range(times)]
    assert sum(sizes) == len(order)
    starts = np.cumsum([0, *sizes[:-1]])
    at = vars(found)["at"]
    assert at[starts].tolist() == [0] * len(sizes)
    assert (found.shown == np.repeat(sizes, sizes)).all()
    assert (np.diff(np.repeat(starts, sizes)) != 0).tolist() == (at[1:] == 0).tolist()


def test_settling_keeps_one_of_each_group_in_one_act(session, ids):
    show(session, {"queue": "copies"})
    changed = session.resolve_group(shown(session), keepers=True)
    assert len(changed) == 5
    assert decided(session) == {
        ids[5]: "keep",
        ids[7]: "keep",
        **dict.fromkeys((ids[1], ids[20], ids[6]), "delete"),
    }
    assert session.journal.decisions.rank_by.tolist() == ["copies"] * 5
    assert len(session.journal.undo()) == 5
    assert decided(session) == {}


def test_settling_leaves_a_new_label_and_what_is_hidden(session, ids):
    session.mark([ids[5]], "relabel", "teddy")
    show(session, {"queue": "copies", "label": "black"})
    session.resolve_group([ids[1]], keepers=True)
    assert decided(session) == {ids[5]: "relabel", ids[1]: "delete"}


def test_settling_without_a_keeper_or_a_group_is_refused(session, ids):
    with pytest.raises(BadInputError, match="no groups of copies in this view"):
        session.resolve_group(shown(session)[:3], keepers=True)
    show(session, {"queue": "copies", "label": "teddy"})
    with pytest.raises(BadInputError, match="hidden by the filters"):
        session.resolve_group(shown(session), keepers=True)
    show(session, {"queue": "copies"})
    with pytest.raises(BadInputError, match="in no group of copies"):
        session.resolve_group([ids[3]], keepers=True)
    assert decided(session) == {}


def test_settling_all_respects_what_is_decided(session, ids):
    session.journal.record([ids[20]], "keep", about="duplicate")
    session.mark([ids[7]], "delete", None)
    show(session, {"queue": "copies"})
    session.resolve_group(shown(session), keepers=True)
    assert decided(session) == {
        ids[20]: "keep", ids[5]: "delete", ids[1]: "delete",  # the one that a person kept stays, not the proposed one
        ids[7]: "delete",  # the proposed one is to go, so the other is left to the person
    }  # fmt: skip
    assert session.resolve_group(shown(session), keepers=True) == []
    session.resolve_group([ids[5]], keepers=False)
    assert decided(session)[ids[5]] == "keep", "a person who names one decides anew"
    assert decided(session)[ids[20]] == "delete"


def test_a_copy_that_is_kept_counts_though_the_proposed_one_is_hidden(session, ids):
    session.journal.record([ids[1]], "keep", about="duplicate")
    show(session, {"queue": "copies", "decision": "keep"})
    assert shown(session) == [ids[1]]
    assert session.resolve_group(shown(session), keepers=True) == []
    show(session, {"queue": "copies"})
    session.resolve_group([ids[20]], keepers=True)
    assert decided(session) == {ids[1]: "keep", ids[5]: "delete", ids[20]: "delete"}


def left(session):
    return {each.name: (each.left, each.problems, each.undecided) for each in session.state().queues}


@pytest.fixture
def busy(learn, ids):
    """An image in every kind of queue."""
    return Session(
        learn,
        None,
        StubIssues(
            copies=[(ids[5], 0.9, 0, True), (ids[1], 0.9, 0, False), (ids[20], 0.9, 0, False)],
            off_topic=[(ids[5], 0.9, -1, False), (ids[9], 0.9, -1, False)],
            label_issues=[(ids[5], 0.9, -1, False), (ids[8], 0.9, -1, False)],
            wide=[(ids[5], 0.9, -1, False)],
        ),
    )


def test_an_answer_ticks_only_the_queues_that_ask_for_it(busy, ids):
    assert left(busy) == {
        "copies": (1, 1, 3),
        "off_topic": (2, 2, 2),
        "label_issues": (2, 2, 2),
        "wide": (1, 1, 1),
    }
    show(busy, {"queue": "label_issues"})
    busy.mark([ids[5]], "keep", None)
    assert (left(busy)["copies"], left(busy)["off_topic"], left(busy)["label_issues"]) == (
        (1, 1, 3), (2, 2, 2), (1, 2, 1),
    )  # fmt: skip
    show(busy, {"queue": "off_topic"})
    assert busy.board.item(0).decision == Decision("keep", None, "label")
    busy.mark([ids[5]], "keep", None)
    assert (left(busy)["off_topic"], left(busy)["wide"], left(busy)["copies"][0]) == ((1, 2, 1), (0, 1, 0), 1)
    assert busy.board.item(0).decision == Decision("keep", None, "image")
    show(busy, {"queue": "copies"})
    busy.mark([ids[5]], "keep", None)
    assert left(busy)["copies"] == (0, 1, 0), "no duplicates is said of the whole group"
    assert decided(busy) == dict.fromkeys((ids[5], ids[1], ids[20]), "keep")
    assert len(busy.journal.undo()) == 3
    busy.mark([ids[1], ids[20]], "delete", None)
    assert left(busy)["copies"] == (0, 1, 0), "one of them stays"
    busy.mark([ids[1]], "unsure", None)
    assert left(busy)["copies"] == (1, 1, 1)


@pytest.mark.parametrize(
    ("queue", "accept", "keep", "decides"),
    [
        ("copies", "keep one of the copies", "not duplicates", {5: "keep", 1: "delete", 20: "delete"}),
        ("off_topic", "delete", "image is fine", {5: "delete"}),
        ("label_issues", "suggested label", "label is right", {5: "keep"}),
        (None, "suggested label", "label is right", {5: "keep"}),
        ("wide", "", "image is fine", {}),
    ],
)
def test_enter_does_what_the_queue_proposes(busy, ids, queue, accept, keep, decides):
    show(busy, {"queue": queue} if queue else {})
    state = busy.state()
    assert (state.accept, state.keep) == (accept, keep)
    assert all((each.accept, each.keep) == (accept, keep) for each in state.queues if each.name == queue)
    proposal = busy.board.item(busy.board.place_of(ids[5])).proposal
    assert (proposal and proposal.action) == decides.get(5)
    busy.mark([ids[5]], "accept", None)
    assert decided(busy) == {ids[row]: action for row, action in decides.items()}


def test_that_a_label_is_right_does_not_save_a_copy(busy, ids):
    busy.mark([ids[1], ids[5]], "keep", None)
    show(busy, {"queue": "copies"})
    busy.mark([ids[1]], "accept", None)
    assert decided(busy) == {ids[5]: "keep", ids[1]: "delete", ids[20]: "delete"}
    assert left(busy)["copies"] == (0, 1, 0)


def test_what_is_left_comes_next_and_is_undecided(busy, ids):
    show(busy, {"queue": "copies"})
    busy.mark([ids[5], ids[1]], "delete", None)
    assert busy.board.next_left(-1, back=False) is None, "the last one need not be looked at"
    show(busy, {"queue": "label_issues"})
    assert busy.board.item(busy.board.next_left(-1, back=False)).id == ids[8]
    show(busy, {"queue": "label_issues", "decision": "undecided"})
    assert shown(busy) == [ids[8]]


def test_what_is_decided_steps_back_in_the_next_order(busy, ids):
    show(busy, {"queue": "off_topic"})
    busy.mark([ids[5]], "keep", None)
    assert shown(busy) == [ids[5], ids[9]], "nothing moves under the hand"
    show(busy, {"queue": "off_topic"})
    assert shown(busy) == [ids[9], ids[5]]
    show(busy, {})
    first = shown(busy)[0]
    busy.mark([first], "keep", None)
    show(busy, {})
    assert shown(busy)[-1] == first
    show(busy, {"queue": "off_topic", "sort": "path", "descending": False})
    assert shown(busy) == [ids[5], ids[9]], "an order that was asked for is that order"


@pytest.mark.parametrize(("label", "listed"), [("teddy", 0), ("black", 1)])
def test_a_corrected_image_is_no_suspect_again(learn, wrong, label, listed):
    """Nor where the model says something else than the person."""
    session = Session(learn, None, find_issues(learn, ["label_issues", "class_imbalance"], progress=False))
    (id_,) = session.ds.table.id[session.ds.table.path == wrong]
    assert left(session)["label_issues"] == (1, 1, 1)
    session.mark([id_], "relabel", label)
    session.apply()
    queue = next(each for each in session.state().queues if each.name == "label_issues")
    assert (queue.left, queue.total, session.state().outdated) == (0, listed, False)
    if listed:
        show(session, {"queue": "label_issues"})
        assert session.board.item(0).why.startswith("Labeled black.")
        assert session.board.next_left(-1, back=False) is None
    session.rollback(1)
    assert left(session)["label_issues"] == (0, 1, 0)
    session.journal.undo()
    assert left(session)["label_issues"] == (1, 1, 1)


def test_a_retrain_finds_the_queues_anew(learn, wrong):
    session = Session(learn, None, find_issues(learn, ["label_issues"], progress=False))
    (id_,) = session.ds.table.id[session.ds.table.path == wrong]
    session.mark([id_], "relabel", "teddy")
    session.retrain()
    assert session.job.wait().state == "done"
    assert left(session)["label_issues"] == (0, 0, 0)
    assert not session.state().outdated


def test_queues_that_cannot_be_found_anew_are_called_out_of_date(session, ids):
    session.mark([ids[2]], "delete", None)
    session.apply()
    assert session.state().outdated
    session.take_issues(None)
    assert not session.state().outdated


def test_groups_that_are_no_copies_are_not_settled(ds, ids):
    rare = [(ids[i], 1.0, 0, False) for i in range(4)]
    session = Session(ds, None, StubIssues(rare=rare))
    show(session, {"queue": "rare"})
    assert [each.copies for each in groups(session)] == [False] * 4
    for keepers in (True, False):
        with pytest.raises(BadInputError, match="no groups of copies"):
            session.resolve_group(shown(session)[:1], keepers=keepers)


def test_issues_of_another_data_set_are_told(ds):
    with pytest.warns(UserWarning, match="None of the items in these issues is in this data set"):
        Cleaner(ds, issues=StubIssues(dark=[("f" * 32, 1.0, -1, False)]))
    with pytest.raises(BadInputError, match=r"what bw\.find_issues"):
        Cleaner(ds, issues=3)


@pytest.mark.parametrize(
    ("view", "said"),
    [
        ({"text": 3}, "text is 3; allowed is text"),
        ({"queue": ["copies"]}, "queue is"),
        ({"descending": "no"}, "allowed is true or false"),
    ],
)
def test_views_of_another_type_are_told(session, view, said):
    with pytest.raises(BadInputError, match=said):
        show(session, view)


def test_ids_of_another_type_are_told(ds, issues):
    cleaner = Cleaner(ds, issues=issues)
    cleaner.show(queue="copies")
    for act in (lambda: cleaner.mark(None, "keep"), lambda: cleaner.resolve_group(3)):
        with pytest.raises(BadInputError, match="give one id or path, or a list of them"):
            act()


def test_unknown_queues_are_told(session, ds):
    with pytest.raises(BadInputError, match="Did you mean 'copies'"):
        show(session, {"queue": "copys"})
    with pytest.raises(BadInputError, match="needs a queue"):
        show(session, {"sort": "queue"})
    with pytest.raises(BadInputError, match="has no issues"):
        show(Session(ds), {"queue": "copies"})


def test_a_round_takes_what_is_gone_out_of_the_queue(session, ids):
    show(session, {"queue": "copies"})
    session.resolve_group([ids[7]], keepers=True)
    session.apply()
    assert shown(session) == [ids[i] for i in (5, 1, 20, 3)], "the keeper is no copy any more"


def test_other_issues_at_any_time(ds, issues, ids):
    cleaner = Cleaner(ds, issues=issues)
    assert cleaner.show(queue="copies") == 6
    assert cleaner.resolve_group([ids[1]]) == 3
    cleaner.issues = StubIssues(dark=[(ids[2], 1.0, -1, False)])
    assert cleaner._session.state().total == 24, "its queue is gone"
    assert cleaner.show(queue="dark") == 1
    cleaner.issues = None
    assert cleaner.issues is None
    assert cleaner._session.state().queues == []


@pytest.fixture
def triaged(ds, learn, wrong):
    """Copies at the rows 3 and 1, dark images at 0, 2, 4 and 5, one of which is also off topic, and a wrong label."""
    rows, label = np.arange(24), ds.index_of(ds.table.id[ds.table.path == wrong].item())
    group = np.where(np.isin(rows, (1, 3)), 0, -1)

    def result(*flagged, **fields):
        flag = np.isin(rows, flagged)
        return CheckResult(flag.astype(float), flag, **fields)

    found = {
        "exact_duplicates": result(1, 3, group=group, keeper=rows == 3),
        "label_issues": result(label, new_label=np.where(rows == label, "teddy", ds.table.label)),
        "off_topic": result(5),
        "dark": result(0, 2, 4, 5),
        "spurious_correlation": result(*range(20)),
    }
    return Session(learn, None, Issues(ds, {name: (CHECKS[name], each) for name, each in found.items()}, {}))


def test_a_cleaner_with_issues_opens_on_what_to_review_first(triaged, ids):
    assert triaged.board.view == ViewSpec("queue", queue="triage")
    assert set(shown(triaged)[:2]) == {ids[3], ids[1]}, "what is certain comes first"
    assert shown(triaged)[2] == ids[5], "two reasons"
    first = triaged.state().queues[0]
    assert (first.name, first.title, first.certain) == ("triage", "Review first", False)
    assert (first.total, first.problems, first.left) == (7, 6, 6)
    assert (first.keep, first.accept) == ("nothing is wrong", "what is proposed")
    findings = {each.name: each.finding for each in triaged.state().queues if each.finding}
    assert findings == {"spurious_correlation": "Spurious correlation: 20 of 24 images"}


def test_enter_and_keep_answer_the_question_of_each_image(ds, triaged, ids, wrong):
    label = ds.table.id[ds.table.path == wrong].item()
    proposed = {shown(triaged)[place]: triaged.board.item(place).proposal for place in range(7)}
    assert proposed[label] == Decision("relabel", "teddy")
    assert (proposed[ids[1]], proposed[ids[0]]) == (Decision("delete"), Decision("delete"))
    triaged.mark([ids[1], label, ids[0]], "accept", None)
    assert decided(triaged) == {ids[3]: "keep", ids[1]: "delete", label: "relabel", ids[0]: "delete"}
    assert triaged.state().queues[0].left == 3
    triaged.mark([ids[5]], "keep", None)
    assert triaged.state().queues[0].left == 2, "both of its reasons are answered"
    assert [each.left for each in triaged.state().queues if each.name in ("off_topic", "dark")] == [0, 2]


def test_the_order_is_learned_and_changes_only_with_a_new_view(triaged, ids):
    before = shown(triaged)
    triaged.mark([ids[0], ids[2]], "keep", None)
    assert shown(triaged) == before
    show(triaged, {"queue": "triage"})
    assert shown(triaged)[-3:] == [ids[4], ids[0], ids[2]], "dark images do not pay, wrong labels may"
    assert triaged.state().queues[0].left == 4


@pytest.mark.parametrize("after", ["retrain", "apply", "another session"])
def test_what_the_person_taught_stays(ds, triaged, ids, learn, after, monkeypatch):
    """Dark images did not pay, whatever happened since."""

    def again(issues, _source):
        yield Progress("checks", 1, 1)
        return Issues(ds, issues._checked, {})

    for module in ("session", "finding"):
        monkeypatch.setattr(f"bearwidgets.widgets.cleaner.{module}.finding_again", again)
    triaged.mark([ids[0], ids[2]], "keep", None)
    if after == "retrain":
        triaged.retrain()
        assert triaged.job.wait().state == "done"
        issues = triaged.board.issues
    elif after == "apply":
        triaged.mark([ids[23]], "delete", None)
        triaged.apply()
        issues = triaged.board.issues
    else:
        triaged = Session(learn, None, triaged.board.issues)
        issues = triaged.board.issues
    plain = issues.triage.score
    learned = triaged.board.queues.get("triage")
    now = dict(zip(triaged.board.ids[learned.rows], learned.score, strict=True))
    assert ids[4] in now
    assert now[ids[4]] < plain[ids[4]]


def test_what_check_asks_what():
    """An answer that is named in no check would be asked nowhere."""
    asked = {asked_by(name) for name in CHECKS}
    assert asked == {"label", "image", "duplicate"}
    assert [accepted_in(name) for name in ("off_topic", "wrong_extension", "leakage", "chosen", "triage")] == [
        "delete", "", "one", "suggested", "proposed",
    ]  # fmt: skip
