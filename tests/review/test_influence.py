"""The effect of each decision on the exam: one Newton step without it, beside really fitting without it."""

from __future__ import annotations

import numpy as np
import pytest
from made_data import clouds
from scipy.stats import spearmanr

from bearwidgets.learn.head.linear_head import rotate
from bearwidgets.review.effect import newton
from bearwidgets.review.effect.influence import ABSENT, Changes, Items, influence

CLASSES, STRENGTH, DECIDED = 3, 3.0, 36
NOISY = np.full((CLASSES, CLASSES), 0.05) + 0.85 * np.eye(CLASSES)


class Case:
    """Three clouds, some labels wrong; a third of the decided are deletes, some put a wrong label on."""

    def __init__(self, transition: np.ndarray) -> None:
        random = np.random.default_rng(3)
        values, right = clouds(420, CLASSES, 2.0, seed=5)
        values = values.astype(np.float32)
        self.exam = Items(values[240:], right[240:])
        self.features, now = values[:240], right[:240].copy()
        before = np.where(random.random(240) < 0.4, random.integers(0, CLASSES, 240), now)
        now[:DECIDED:3] = ABSENT
        now[1:DECIDED:6] = (now[1:DECIDED:6] + 1) % CLASSES
        now[DECIDED:] = before[DECIDED:]
        self.now, self.before, self.transition = now, before, transition
        self.changes = Changes(values[:DECIDED], now[:DECIDED], before[:DECIDED])

    def influence(self):
        there = self.now != ABSENT
        train = Items(self.features[there], self.now[there])
        return influence(train, self.exam, self.changes, STRENGTH, self.transition)

    def refitted(self):
        """Mean log-loss and expected mistakes with all decisions less those without each."""
        turned = rotate(self.features[self.now != ABSENT])
        matrix = None if self.transition is not NOISY else self.transition

        def turn(features):
            return (((features - turned.mean) / turned.scale) @ turned.axes).astype(np.float32)

        def judge(target):
            there = target != ABSENT
            fit = newton.at_minimum(turn(self.features[there]), target[there], CLASSES, STRENGTH, matrix)
            judged = np.hstack([turn(self.exam.features), np.ones((len(self.exam.target), 1), np.float32)])
            p = newton.probabilities(judged, fit.weight)[np.arange(len(judged)), self.exam.target]
            return np.array([-np.log(p).mean(), (1 - p).sum()])

        def without(row):
            target = self.now.copy()
            target[row] = self.before[row]
            return judge(target)

        return judge(self.now) - np.array([without(row) for row in range(DECIDED)])


@pytest.fixture(params=[np.eye(CLASSES), NOISY], ids=["plain", "corrected"])
def case(request):
    return Case(request.param)


def test_a_newton_step_is_what_really_fitting_without_the_decision_gives(case, monkeypatch):
    monkeypatch.setattr(newton, "CONVERGED", 1e-7)
    found, real = case.influence(), case.refitted()
    assert np.abs(real[:, 0]).max() > 1e-3
    assert np.linalg.norm(found.loss - real[:, 0]) < 0.15 * np.linalg.norm(real[:, 0])
    assert spearmanr(found.loss, real[:, 0])[0] > 0.98
    assert spearmanr(found.mistakes, real[:, 1])[0] > 0.98


def test_nearly_the_same_where_there_are_too_many_weights_for_a_whole_hessian(case, monkeypatch):
    exact = case.influence()
    monkeypatch.setattr(newton, "DENSE", 12)
    near = case.influence()
    assert spearmanr(near.loss, exact.loss)[0] > 0.98
    assert spearmanr(near.mistakes, exact.mistakes)[0] > 0.98


def test_leverage_matters(case, monkeypatch):
    """First order alone, without the change of the Hessian, is further off where an item is left out or put back."""
    monkeypatch.setattr(newton, "CONVERGED", 1e-7)
    real, whole = case.refitted()[:, 0], case.influence().loss
    monkeypatch.setattr(
        newton.Curvature, "leverage", lambda _, values: np.zeros((len(values), CLASSES, CLASSES))
    )
    deletes = case.changes.now == ABSENT
    first_order = case.influence().loss
    assert np.abs(whole - real)[deletes].mean() < 0.7 * np.abs(first_order - real)[deletes].mean()


def test_what_changes_nothing_has_no_effect(case):
    same = case.changes.now == case.changes.before
    found = case.influence()
    assert same.any()
    assert not found.loss[same].any()
    assert not found.mistakes[same].any()
    assert not found.worst[same].any()
    assert np.isnan(found.error[same]).all()


def test_the_standard_error_is_that_of_the_mean_over_the_images(case):
    found = case.influence()
    harmful = found.loss > 0
    assert harmful.any()
    assert (found.error[harmful] > 0).all()
    assert np.isnan(found.error[~harmful]).all()
    assert found.worst[harmful].any(1).all()
    doubled = Case(case.transition)
    doubled.exam = Items(np.tile(case.exam.features, (4, 1)), np.tile(case.exam.target, 4))
    other = doubled.influence()
    assert np.allclose(other.loss, found.loss, rtol=1e-3, atol=1e-6)
    assert np.allclose(other.error[harmful], found.error[harmful] / 2, rtol=0.02)


def test_no_decision_at_all(case):
    case.changes = Changes(case.features[:0], case.now[:0], case.before[:0])
    found = case.influence()
    assert found.loss.shape == (0,)
    assert found.worst.shape == (0, len(case.exam.target))
