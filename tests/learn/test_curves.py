"""Followers of trainings, and the curves that are made of what they hear or of a learner's history."""

from __future__ import annotations

import copy
import gc
import math
import pickle
import threading
from itertools import pairwise

import pandas as pd
import pytest
from made_data import TINY

from bearwidgets.errors import ConflictError, TrainingError
from bearwidgets.learn.curves import ERROR, POINTS, RATE, TRAIN, VALID, Curves, Line
from bearwidgets.learn.followers import Followers
from bearwidgets.learn.learner import Learner
from bearwidgets.learn.progress import Progress
from bearwidgets.learn.state import HISTORY, STEPS

QUIET = {"progress": False, "batch_size": 6, "precision": "32"}


@pytest.fixture
def learn(ds) -> Learner:
    return Learner(ds, **TINY)


class Ear:
    """Hears all and keeps the curves of it; stops the training after so many steps."""

    def __init__(self, learn, *, stop_after=None):
        self.learn, self.stop_after = learn, stop_after
        self.steps, self.ends, self.begins, self.curves = [], [], 0, Curves()
        learn.followers.add(self)

    def begun(self):
        self.begins += 1

    def stepped(self, step):
        self.steps.append(step)
        if len(self.steps) == self.stop_after:
            assert self.learn.followers.stop()

    def ended(self, error, result):
        self.ends.append((error, self.learn.followers.stopped, type(result).__name__))


def points(curves):
    return {name: line.points for name, line in curves.lines.items()}


def test_a_follower_hears_every_step_of_every_training(learn):
    ear = Ear(learn)
    learn.fit(2, 1e-3, **QUIET)
    assert [each.step for each in ear.steps] == list(range(1, 7))
    learn.fine_tune(progress=False)
    assert {each.stage for each in ear.steps[6:]} == {"features", "head"}
    assert learn.lr_find(steps=20, progress=False, batch_size=6).valley > 0
    assert ear.begins == 3
    assert ear.ends == [(None, False, "NoneType")] * 2 + [(None, False, "RateSearch")]
    assert not learn.followers.running
    del ear
    gc.collect()
    assert not list(learn.followers._all), "who follows is kept by nobody but itself"


def test_the_full_mode_after_a_head_is_one_training(pretrained):
    ear = Ear(pretrained)
    pretrained.fine_tune(1, mode="full", **QUIET)
    assert ear.begins == len(ear.ends) == 1
    assert len([each for each in ear.steps if each.stage == "unfrozen"]) == 3


def test_stop_ends_at_the_next_batch_and_leaves_a_usable_learner(learn):
    ear = Ear(learn, stop_after=4)
    with pytest.warns(UserWarning, match="Interrupted"):
        learn.fit(9, 1e-3, **QUIET)
    assert len(learn.steps) == 4
    assert ear.ends == [(None, True, "NoneType")]
    assert learn.evaluate("valid")["n"] == 6
    assert len(list(learn.fine_tuning(1, mode="full", freeze_epochs=0, batch_size=6))) == 3
    assert not learn.followers.stop(), "nothing runs"


def test_a_stopped_search_says_so_and_an_error_is_told(learn):
    ear = Ear(learn, stop_after=2)
    with pytest.raises(TrainingError, match="search for a rate was stopped"):
        learn.lr_find(progress=False, batch_size=6)
    with pytest.raises(TrainingError):
        learn.fit(3, 1e30, **QUIET)
    assert "The loss became NaN at step" in ear.ends[-1][0]


def test_two_threads_do_not_train_one_learner_at_once():
    followers, go = Followers(), threading.Event()

    def steps():
        yield Progress("one", 1, 2)
        go.wait(10)

    thread = threading.Thread(target=lambda: list(followers.told(steps())))
    thread.start()
    while not followers.running:
        pass
    with pytest.raises(ConflictError, match="is being trained"):
        next(followers.told(steps()))
    go.set()
    thread.join()
    assert len(list(followers.told(steps()))) == 1


def test_a_copy_of_a_learner_is_followed_by_nobody(learn):
    ear = Ear(learn)
    copy.deepcopy(learn).fit(1, 1e-3, **QUIET)
    pickle.loads(pickle.dumps(learn.followers))  # noqa: S301 - our own
    assert ear.steps == []


def test_a_follower_that_fails_ends_no_training(learn, caplog):
    ear = Ear(learn)
    ear.stepped = lambda _step: 1 / 0
    learn.fit(1, 1e-3, **QUIET)
    assert "A follower of a training failed" in caplog.text


def test_curves_of_a_history_are_those_that_were_heard_live(learn):
    ear = Ear(learn)
    known = [0]

    def stepped(step):
        ear.curves.add(step)
        if learn.record.n_epochs != known[0]:
            known[0] = learn.record.n_epochs
            ear.curves.epoch(learn.history.iloc[-1].to_dict())

    ear.stepped = stepped
    learn.fit(2, 1e-3, **QUIET).fit(1, 1e-3, **QUIET).fit(1, 1e-3, **QUIET)
    learn.fine_tune(progress=False)
    after = Curves.of(learn.history, learn.steps)
    assert points(after) == points(ear.curves)
    assert after.phases == ear.curves.phases
    assert [x for x, _ in after.lines[VALID].points] == [1, 2, 3, 4, 5]
    assert [x for x, _ in after.phases] == [0, 2, 3, 4]
    assert after.lines[ERROR].points[-1][1] == learn.history.valid_error.iloc[-1]
    assert len(after.lines[RATE].points) == 12


def history(*rows):
    return pd.DataFrame([dict.fromkeys(HISTORY) | row for row in rows], columns=HISTORY)


def test_epochs_without_steps_come_before_those_with(learn):
    learn.fit(2, 1e-3, **QUIET)
    old = history(
        {"stage": "constant", "epoch": 1.0, "train_loss": 0.9, "valid_loss": 0.8},
        {"stage": "constant", "epoch": 2.0, "train_loss": 0.7, "valid_loss": 0.6},
    )
    curves = Curves.of(pd.concat([old, learn.history], ignore_index=True), learn.steps)
    assert [x for x, _ in curves.lines[VALID].points] == [1, 2, 3, 4]
    assert curves.lines[TRAIN].points[:2] == [(1, 0.9), (2, 0.7)]
    assert curves.lines[RATE].points[0][0] == pytest.approx(2 + 1 / 3)


def test_numbers_that_are_not_finite_are_left_out():
    steps = pd.DataFrame(
        [("constant", 1, 0.5, 1e-3, 0.9, math.nan), ("constant", 2, 1.0, 1e-3, 0.9, 0.4)], columns=STEPS
    )
    curves = Curves.of(history({"stage": "constant", "epoch": 1.0, "valid_loss": math.inf}), steps)
    assert curves.lines[TRAIN].points == [(1.0, pytest.approx(0.4))]
    assert curves.left_out == 2
    assert VALID not in curves.lines


def test_a_long_curve_keeps_its_ends_and_stays_short():
    line = Line()
    for x in range(12345):
        line.add(x, x)
    kept = line.points
    assert len(kept) <= POINTS
    assert (kept[0], kept[-1]) == ((0, 0), (12344, 12344))
    gaps = {b[0] - a[0] for a, b in pairwise(kept[:-1])}
    assert len(gaps) == 1, "evenly"
