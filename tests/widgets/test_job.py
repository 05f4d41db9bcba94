"""The background job: progress, Stop, failures, and never two at once."""

from __future__ import annotations

import threading

import pytest

from bearwidgets.errors import BadInputError, ConflictError
from bearwidgets.learn.progress import Progress
from bearwidgets.widgets import job as jobs
from bearwidgets.widgets.job import CURVE_POINTS, Job, JobState


def steps(n, stage="head", **fields):
    for step in range(1, n + 1):
        yield Progress(stage, step, n, train_loss=1 / step, **fields)


def held(go, n, reached=None):
    """Steps that wait for `go`, each."""
    for step in range(1, n + 1):
        if reached is not None:
            reached.set()
        assert go.wait(20)
        yield Progress("head", step, n)


@pytest.fixture
def told():
    return []


@pytest.fixture
def job(told):
    return Job(told.append)


def test_runs_to_its_end_and_gives_the_figures(job, told):
    job.start(steps(5), lambda: {"message": "better", "after": {"error_rate": 0.1}})
    state = job.wait()
    assert (state.state, state.message, state.after) == ("done", "better", {"error_rate": 0.1})
    assert not job.running
    assert told[0].state == "running"
    assert told[-1] is state
    assert [each.message for each in told].count("measuring") == 1


def test_stop_works_at_the_next_step_and_never_finishes(job):
    reached, go, finished = threading.Event(), threading.Event(), []
    work = held(go, 1000, reached)
    job.start(work, lambda: finished.append(1) or {})
    assert reached.wait(20)
    job.stop()
    assert job.state.state == "stopping"
    assert job.running
    go.set()
    state = job.wait()
    assert state.state == "stopped"
    assert work.gi_frame is None, "closed"
    assert finished == []


def test_stop_at_the_last_step_still_leaves_things_as_they_were(job):
    finished = []

    def until_stopped():
        yield Progress("head", 1, 2)
        job.stop()

    job.start(until_stopped(), lambda: finished.append(1) or {})
    assert job.wait().state == "stopped"
    assert finished == []


def test_stop_when_nothing_runs_changes_nothing(job, told):
    job.stop()
    assert job.state == JobState()
    job.start(steps(1), dict)
    job.wait()
    job.stop()
    assert job.state.state == "done"
    job.start(steps(1), dict)
    assert job.wait().state == "done", "an old Stop does not end the next training"


def test_stop_that_comes_as_it_ends_does_not_leave_it_stopping():
    """The end may come between Stop's look at the state and its word."""
    ends = []

    class Ending(Job):
        @property
        def running(self):
            if not ends:
                ends.append(threading.Thread(target=lambda: self._set(state="done")))
                ends[0].start()
                ends[0].join(0.2)
                return True
            return super().running

    job = Ending(lambda _: None)
    job.stop()
    ends[0].join()
    assert job.state.state == "done"


def test_only_one_at_a_time(job):
    go = threading.Event()
    job.start(held(go, 1), dict)
    with pytest.raises(ConflictError, match="A training is running"):
        job.start(steps(1), dict)
    go.set()
    assert job.wait().state == "done"


@pytest.mark.parametrize(
    ("error", "sentence", "logged"),
    [
        (BadInputError("Two classes are needed."), "Two classes are needed.", False),
        (RuntimeError("no memory"), "RuntimeError: no memory. Scores and learner are as before.", True),
    ],
)
@pytest.mark.parametrize("where", ["steps", "finish"])
def test_failure_is_a_sentence(job, error, sentence, logged, where, caplog):
    def broken(*_):
        raise error
        yield

    def finish():
        raise error

    job.start(broken() if where == "steps" else steps(2), finish)
    state = job.wait()
    assert (state.state, state.error) == ("failed", sentence)
    assert bool(caplog.records) is logged
    job.start(steps(1), dict)
    assert job.wait().state == "done"


def test_progress_is_told_with_time_left_and_curve(job, told, monkeypatch):
    monkeypatch.setattr(jobs, "EVERY", 0)
    job.start(steps(4, valid_error=0.25), dict)
    job.wait()
    running = [each for each in told if each.total]
    assert [each.step for each in running[:4]] == [1, 2, 3, 4]
    assert all(each.total == 4 and each.seconds_left >= 0 for each in running[:4])
    assert running[3].curve == [(0.0, 1.0, 0.25), (1.0, 0.5, 0.25), (2.0, 1 / 3, 0.25), (3.0, 0.25, 0.25)]


def test_quick_steps_are_not_all_told(job, told):
    job.start(steps(500), dict)
    job.wait()
    assert len(told) < 100


def test_curve_stays_short_and_keeps_its_errors(job, told, monkeypatch):
    monkeypatch.setattr(jobs, "EVERY", 0)

    def long():
        for step in range(1, 2001):
            yield Progress("head", step, 2000, train_loss=1.0, valid_error=0.5 if step % 100 == 0 else None)

    job.start(long(), dict)
    curve = job.wait().curve
    assert len(curve) <= CURVE_POINTS + 1
    assert sum(point[2] is not None for point in curve) == 20
    xs = [point[0] for point in curve]
    assert xs == sorted(xs)


def test_a_new_stage_begins_its_curve_anew_but_unfreezing_goes_on(job, told, monkeypatch):
    monkeypatch.setattr(jobs, "EVERY", 0)

    def stages():
        yield from steps(2, "features")
        yield from steps(2, "frozen epoch")
        yield from steps(2, "unfrozen epochs")

    job.start(stages(), dict)
    job.wait()
    lengths = [(each.message, len(each.curve)) for each in told if each.total][:6]
    assert lengths == [
        *[("features", 1), ("features", 2)],
        *[("frozen epoch", 1), ("frozen epoch", 2)],
        *[("unfrozen epochs", 3), ("unfrozen epochs", 4)],
    ]


def test_ctrl_c_while_waiting_stops_it(job, monkeypatch):
    go, joined = threading.Event(), []
    job.start(held(go, 100), dict)

    def join(self, timeout=None, real=threading.Thread.join):
        joined.append(timeout)
        if len(joined) == 1:
            raise KeyboardInterrupt
        go.set()
        real(self, timeout)

    monkeypatch.setattr(threading.Thread, "join", join)
    assert job.wait().state == "stopped"
