"""What a Cleaner does without its widget: decisions, rounds, stale scores, retraining in the background."""

from __future__ import annotations

import threading

import pytest
from stub_learner import StubLearner, id_at, paths, probabilities_of

from bearwidgets.clean.journal import Journal
from bearwidgets.data.dataset import Dataset
from bearwidgets.errors import BadInputError, ConflictError
from bearwidgets.review.review import Review
from bearwidgets.widgets.cleaner import watching
from bearwidgets.widgets.cleaner.commands import view_of
from bearwidgets.widgets.cleaner.requests import Requests
from bearwidgets.widgets.cleaner.session import Session
from bearwidgets.widgets.protocol import Can, Nothing


@pytest.fixture
def told(ear):
    return ear.told


@pytest.fixture
def session(learn, ear):
    session = Session(learn)
    session.views.add(ear)
    return session


def ids(session, *which):
    return [id_at(session.ds, path) for path in which]


def show(session, **view):
    session.show(view_of(view, scored=True))


def first(session, n):
    return session.ds.table.id[:n].tolist()


def rows(session, *which):
    return session.board.rows_of(ids(session, *which))


def retrain(session):
    session.retrain()
    return session.job.wait()


def decided(session):
    return {row.path: (row.action, row.new_label) for row in session.journal.decisions.itertuples()}


# ---------------------------------------------------------------------- sources


def test_sources(ds, learn):
    assert Session(ds).review is None
    assert Session(Review(learn)).learn is learn
    assert Session(learn).board.scored.all()


def test_a_review_without_data_set_is_refused(ds):
    review = Review.from_predictions(ds.table, probabilities_of(ds.table.label, ds.classes), ds.classes)
    with pytest.raises(BadInputError, match="no data set"):
        Session(review)


# ---------------------------------------------------------------------- decisions


def test_marking_again_changes_nothing(session):
    session.mark(first(session, 3), "keep", None)
    assert session.mark(first(session, 4), "keep", None) == [session.ds.table.id[3]]


def test_accept_takes_the_suggestion_or_keeps_in_one_act(session, wrong):
    right = paths(session.ds, "black")[0]
    assert len(session.mark(ids(session, wrong, right), "accept", None)) == 2
    assert decided(session) == {wrong: ("relabel", "teddy"), right: ("keep", None)}
    session.journal.undo()
    assert decided(session) == {}


def test_accept_without_scores_changes_nothing(ds):
    session = Session(ds)
    assert session.mark(first(session, 5), "accept", None) == []


def test_the_journal_keeps_what_was_on_the_screen(session, wrong):
    session.mark(ids(session, wrong), "accept", None)
    row = session.journal.decisions.iloc[0]
    assert (row.rank_by, row.predicted, row.confidence) == ("label_issue", "teddy", pytest.approx(0.9))
    assert (row.loss, row.label_issue) == (pytest.approx(3, abs=0.1), pytest.approx(1, abs=0.2))


def test_decisions_of_another_journal_appear(ds, session):
    other = Journal.open(ds, by="Bea")
    other.record([ds.table.id[0]], "delete")
    session.refresh()
    assert session.board.decisions.action[0] == "delete"
    other.undo()
    session.refresh()
    assert session.board.decisions.action[0] == ""


def test_what_is_decided_elsewhere_is_told_to_open_views(ds, session, told):
    one, two = first(session, 2)
    Journal.open(ds, by="Bea").record([one], "delete")
    session.look()
    assert [event.event for event in told] == ["state", "items"]
    assert (told[0].state.marked, told[1].ids) == (1, [one])
    session.look()
    session.mark([two], "keep", None)
    session.look()
    assert len(told) == 2, "nothing is new, and one's own act is no news"


def test_a_view_that_is_shown_is_watched(ds, session, told, monkeypatch):
    monkeypatch.setattr(watching, "EVERY", 0.01)
    came = threading.Event()
    monkeypatch.setattr(session, "tell", lambda _: came.set())
    Requests(session).handlers["hello"][1](Nothing())
    Journal.open(ds, by="Bea").record(first(session, 1), "delete")
    assert came.wait(20)
    assert session.board.decisions.action[0] == "delete"


def test_files_that_are_moved_elsewhere_during_a_training_are_read_after_it(ds, session, learn):
    learn.go.clear()
    session.retrain()
    assert learn.reached.wait(20)
    other = Journal.open(ds, by="Bea")
    other.record(first(session, 1), "delete")
    other.apply()
    session.refresh()
    assert len(session.ds) == 24
    learn.go.set()
    session.job.wait()
    session.refresh()
    assert (len(session.ds), len(session.board.ids)) == (23, 23)


def test_show_and_state_know_of_decisions_made_elsewhere(ds, session):
    Journal.open(ds, by="Bea").record([ds.table.id[0]], "delete")
    show(session, decision="delete")
    assert len(session.board.order) == 1
    Journal.open(ds, by="Bea").record([ds.table.id[1]], "delete")
    assert session.state().marked == 2


def test_decisions_survive_a_new_session(ds, learn, session):
    session.mark(first(session, 3), "delete", None)
    again = Session(learn)
    assert again.state().marked == 3
    assert len(again.journal.undo()) == 3


# ---------------------------------------------------------------------- view


def test_a_filter_loses_no_decision(session):
    session.mark(first(session, 6), "delete", None)
    before = decided(session)
    show(session, label="teddy")
    session.mark(session.board.ids_at([(0, 1)]), "keep", None)
    show(session, text="nothing is called so")
    assert session.state().marked == 7
    show(session)
    assert decided(session).items() >= before.items()
    assert session.state().total == 24


def test_state_has_what_the_view_needs(session):
    state = session.state()
    assert (state.queues, state.runs, state.job.state) == ([], [], "idle")
    assert state.can == Can(undo=False, redo=False, scores=True, retrain=True, apply=False, rollback=False)
    assert (state.title, state.items, state.note) == ("images", 24, None)
    assert state.model == "Quick model · 0.0 % error"


def test_note_speaks_of_a_damaged_journal(ds):
    journal = Journal.open(ds)
    for id_ in ds.table.id[:2]:
        journal.record([id_], "keep")
    journal.path.write_bytes(b"x" + journal.path.read_bytes())
    with pytest.warns(UserWarning, match="journal is damaged"):
        session = Session(ds)
    assert "entry 1 of journal.jsonl (line 1)" in session.state().note


def test_note_speaks_of_files_that_could_not_be_used(images):
    (images / "black" / "torn.jpg").write_bytes(b"")
    session = Session(Dataset.from_folder(images))
    assert "1 file could not" in session.state().note


# ---------------------------------------------------------------------- rounds


def test_apply_moves_files_and_scores_stay_attached_by_content(session, wrong):
    gone = paths(session.ds, "black")[0]
    session.mark(ids(session, wrong), "accept", None)
    session.mark(ids(session, gone), "delete", None)
    receipt = session.apply()
    assert receipt.counts == {"delete": 1, "relabel": 1}
    assert len(session.ds) == 23
    assert gone not in set(session.ds.table.path)
    moved = session.ds.table[
        session.ds.table.path == receipt.moves.target[receipt.moves.path == wrong].iloc[0]
    ]
    assert moved.label.tolist() == ["teddy"]
    row = session.board.rows_of(moved.id.tolist())[0]
    assert (session.board.labels[row], session.board.predicted[row]) == ("teddy", "teddy")
    assert session.board.scores["loss"][row] < 0.2
    assert session.board.scored.all()
    assert session.state().marked == 0
    assert session.state().can.rollback
    assert session.thumbnail(row, 160)


def test_rollback_brings_files_and_decisions_back(session, wrong):
    before = session.ds.table.path.tolist()
    session.mark(ids(session, wrong), "accept", None)
    session.apply()
    session.rollback(None)
    assert session.ds.table.path.tolist() == before
    assert decided(session) == {wrong: ("relabel", "teddy")}
    assert session.board.scored.all()
    with pytest.raises(BadInputError, match="no round to roll back"):
        session.rollback(None)


def test_a_deleted_image_has_its_scores_again_after_a_rollback(session, wrong):
    session.mark(ids(session, wrong), "delete", None)
    session.apply()
    session.rollback(1)
    assert session.board.scored.all()
    assert session.board.predicted[rows(session, wrong)[0]] == "teddy"


def test_seen_stays_across_apply(session):
    session.board.mark_seen(first(session, 5))
    session.mark(ids(session, session.ds.table.path[0]), "delete", None)
    session.apply()
    assert session.state().seen == 4
    session.rollback(1)
    assert session.state().seen == 5


# ---------------------------------------------------------------------- stale scores


def test_scores_are_as_fresh_after_moving_files_as_before(session, wrong):
    assert not session.state().stale
    session.mark(ids(session, wrong), "relabel", "teddy")
    assert session.state().stale
    assert retrain(session).state == "done"
    assert not session.state().stale
    session.apply()
    assert not session.state().stale, "the files now say what the scores were made for"
    session.rollback(None)
    assert not session.state().stale
    session.journal.undo()
    assert session.state().stale


def test_stale_scores_stay_stale_when_files_move(session, wrong):
    session.mark(ids(session, wrong), "relabel", "teddy")
    session.apply()
    assert session.state().stale
    session.rollback(None)
    assert session.state().stale


def test_marks_made_while_training_are_not_in_it(session, learn, wrong):
    learn.go.clear()
    session.retrain()
    assert learn.reached.wait(20)
    session.mark(ids(session, wrong), "relabel", "teddy")
    learn.go.set()
    assert session.job.wait().state == "done"
    assert session.state().stale


def test_without_scores_nothing_is_stale(ds):
    session = Session(ds)
    session.mark(first(session, 1), "delete", None)
    assert session.state().stale is False


# ---------------------------------------------------------------------- retraining


def test_retrain_swaps_learner_scores_and_effect(session, learn, wrong, told):
    session.mark(ids(session, wrong), "relabel", "teddy")
    revision = session.board.revision
    state = retrain(session)
    (child,) = learn.children
    assert session.learn is child
    assert session.first_learn is learn
    assert session.review.learn is child
    assert child.ds.table.label[child.ds.table.path == wrong].tolist() == ["teddy"], (
        "trained on the new label"
    )
    assert session.board.revision > revision
    assert state.after.n == (session.ds.table.split == "valid").sum()
    assert state.before.error_rate == 0.0
    assert session.effect is not None
    assert state.message == session.effect.verdict
    assert state.message in str(session.effect)
    assert [event.event for event in told][-2:] == ["job", "state"]
    assert told[-1].state.job.state == "done"


def test_scores_after_a_retrain_are_those_of_the_new_labels(session, wrong):
    session.mark(ids(session, wrong), "relabel", "teddy")
    row = rows(session, wrong)[0]
    before = session.board.scores["loss"][row]
    retrain(session)
    assert before > 2
    assert session.board.scores["loss"][row] < 0.2
    assert session.board.labels[row] == "grizzly", "the label on disk"


def test_failure_leaves_scores(session, learn):
    learn.error, review = RuntimeError("no memory"), session.review
    assert retrain(session).error.startswith("RuntimeError: no memory.")
    assert (session.review, session.learn) == (review, learn)
    learn.error = None
    assert retrain(session).state == "done"


def test_the_lock_is_free_while_it_trains(session, learn):
    learn.go.clear()
    session.retrain()
    assert learn.reached.wait(20)
    taken = []

    def mark():
        with session.lock:
            session.mark(first(session, 1), "keep", None)
            taken.append(session.state().job.state)

    thread = threading.Thread(target=mark)
    thread.start()
    thread.join(10)
    assert taken == ["running"]
    learn.go.set()
    assert session.job.wait().state == "done"


def test_the_old_learner_is_measured_in_the_background_too(session, learn, monkeypatch):
    """A learner that was just loaded has to compute all its features first."""
    used = []
    predictions = learn.predictions

    def told(ds=None):
        used.append(threading.current_thread())
        return predictions(ds)

    monkeypatch.setattr(learn, "predictions", told)
    assert retrain(session).state == "done"
    assert used
    assert threading.main_thread() not in used


def test_no_files_are_moved_and_no_second_training_starts_meanwhile(session, learn):
    session.mark(first(session, 1), "delete", None)
    learn.go.clear()
    session.retrain()
    can = session.state().can
    assert (can.retrain, can.apply, can.rollback) == (False, False, False)
    with pytest.raises(BadInputError, match="A training is running"):
        session.apply()
    with pytest.raises(BadInputError, match="A training is running"):
        session.rollback(1)
    with pytest.raises(ConflictError):
        session.retrain()
    learn.go.set()
    assert session.job.wait().state == "done"


def test_retrain_needs_a_learner(ds):
    review = Review.from_predictions(ds, probabilities_of(ds.table.label, ds.classes), ds.classes)
    session = Session(review)
    assert not session.state().can.retrain
    with pytest.raises(BadInputError, match="no bearwidgets Learner to retrain"):
        session.retrain()


def test_retrain_without_an_evaluation_split(images):
    session = Session(StubLearner(Dataset.from_folder(images, valid_pct=0)))
    state = retrain(session)
    assert state.state == "done"
    assert (state.before, state.after, session.effect) == (None, None, None)
    assert "no evaluation split" in state.message


def test_retrain_with_a_new_class(session, wrong):
    session.mark(ids(session, wrong), "relabel", "polar")
    assert retrain(session).state == "done"
    assert "polar" in session.learn.classes
    assert session.board.scored.all()


def test_retrain_with_a_new_class_in_the_evaluation_split_only(session):
    """The exam stays as it was, so the new learner does not know that class."""
    place = paths(session.ds, "black", "valid")[0]
    session.mark(ids(session, place), "relabel", "polar")
    state = retrain(session)
    assert state.state == "done", state.error
    assert session.board.scored.all()


def test_retrain_after_a_new_class_was_applied(session):
    session.mark(ids(session, paths(session.ds, "black", "valid")[0]), "relabel", "polar")
    session.mark(ids(session, paths(session.ds, "black")[0]), "relabel", "polar")
    session.apply()
    assert "polar" in session.ds.classes
    state = retrain(session)
    assert state.state == "done", state.error
    assert session.board.scored.all()


def test_retrain_after_a_whole_class_was_deleted(images):
    session = Session(StubLearner(Dataset.from_folder(images, valid_pct=0)))
    session.mark(session.board.ids[session.board.labels == "black"].tolist(), "delete", None)
    state = retrain(session)
    assert state.state == "done", state.error
    assert session.learn.classes == ["grizzly", "teddy"]
    assert session.board.scored.sum() == 16


def test_a_grid_on_the_review_of_a_retrain_knows_the_labels_on_disk(session):
    place = paths(session.ds, "grizzly", "train")[0]
    session.mark(ids(session, place), "relabel", "teddy")
    assert retrain(session).state == "done"
    other = Session(session.review)
    (row,) = rows(other, place)
    assert other.board.labels[row] == "grizzly"
    assert (other.board.decisions.action[row], other.board.decisions.new_label[row]) == ("relabel", "teddy")
    other.mark(ids(other, place), "relabel", "teddy")
    assert other.journal.plan().moves.target.tolist() == ["teddy/000-2.jpg"]


def test_retrain_when_nothing_of_the_exam_is_left(session):
    session.mark(session.board.ids[session.board.splits == "valid"].tolist(), "delete", None)
    state = retrain(session)
    assert state.state == "done", state.error
    assert state.after.error_rate_corrected is None


def test_a_listener_that_fails_undoes_nothing(session, caplog):
    session.listeners.append(lambda: 1 / 0)
    session.mark(ids(session, paths(session.ds, "grizzly", "train")[0]), "relabel", "teddy")
    assert retrain(session).state == "done"
    assert session.apply().counts["relabel"] == 1
    assert "listener" in caplog.text
