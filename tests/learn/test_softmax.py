"""The linear classifier behind the head: its optimum, its correction for wrong labels, the estimate of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_data import clouds
from sklearn.linear_model import LogisticRegression

from bearwidgets.learn.head import softmax
from bearwidgets.learn.head.softmax import Softmax, estimate_transition, fit_softmax


@pytest.mark.parametrize("strength", [0.5, 30.0])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_it_is_scikit_learns_optimum(strength, n_classes):
    values, target = clouds(120, n_classes, 1.5)
    ours = fit_softmax(values, target, n_classes, strength).probabilities(values)
    # Two logits that share the weight of one have half its squared length: the same problem at twice the strength.
    theirs = LogisticRegression(C=(2 if n_classes == 2 else 1) / strength, tol=1e-8, max_iter=1000)
    assert ours == pytest.approx(theirs.fit(values, target).predict_proba(values), abs=2e-3)


@pytest.mark.parametrize("transition", [None, np.array([[0.7, 0.3, 0], [0, 1, 0], [0.1, 0.2, 0.7]])])
def test_the_gradient_is_that_of_the_loss(transition):
    """Any step away from the optimum costs."""
    values, target = clouds(120, 3, 1.5)
    best = fit_softmax(values, target, 3, 2.0, transition=transition)

    def loss(model: Softmax) -> float:
        p = model.probabilities(values)
        p = p if transition is None else p @ transition
        return -np.log(p[np.arange(len(target)), target]).sum() + (model.weight**2).sum()

    random = np.random.default_rng(0)
    for _ in range(20):
        step = random.normal(scale=0.05, size=best.weight.shape)
        assert loss(Softmax(best.weight + step, best.bias)) > loss(best)
        assert loss(Softmax(best.weight, best.bias + random.normal(scale=0.1, size=3))) > loss(best)


def test_where_it_starts_does_not_matter():
    values, target = clouds(120, 3, 1.5)
    start = fit_softmax(values, target, 3, 100.0)
    fresh, warm = fit_softmax(values, target, 3, 2.0), fit_softmax(values, target, 3, 2.0, start=start)
    assert warm.probabilities(values) == pytest.approx(fresh.probabilities(values), abs=2e-3)


def test_with_the_true_transition_wrong_labels_are_not_learned():
    values, clean = clouds(900, 3, 1.5)
    given_labels = np.where((np.random.default_rng(0).random(900) < 0.4) & (clean == 0), 1, clean)
    transition = np.array([[0.6, 0.4, 0], [0, 1, 0], [0, 0, 1]])
    new, right = clouds(900, 3, 1.5, seed=1)
    plain = fit_softmax(values, given_labels, 3, 1.0).probabilities(new)
    corrected = fit_softmax(values, given_labels, 3, 1.0, transition=transition).probabilities(new)
    assert (corrected.argmax(1) == right).mean() > (plain.argmax(1) == right).mean() + 0.03


def test_the_estimate_finds_what_is_labeled_as_what():
    values, clean = clouds(3000, 3, 4.0)
    given_labels = np.where((np.random.default_rng(0).random(3000) < 0.2) & (clean == 2), 0, clean)
    p = fit_softmax(values, clean, 3, 1.0).probabilities(values)
    wanted = np.array([[1, 0, 0], [0, 1, 0], [0.2, 0, 0.8]])
    assert estimate_transition(p, given_labels) == pytest.approx(wanted, abs=0.03)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 2), st.lists(st.floats(0, 1), min_size=3, max_size=3)), max_size=12))
def test_any_estimate_is_a_transition(rows):
    target = np.array([label for label, _ in rows], dtype=np.int64)
    p = np.array([values for _, values in rows]).reshape(-1, 3) + 1e-9
    transition = estimate_transition(p / p.sum(1, keepdims=True), target)
    assert np.isfinite(transition).all()
    assert transition.sum(1) == pytest.approx(1)
    assert (transition >= 0).all()
    assert (transition.diagonal() > 0).all()


def test_two_classes_that_cannot_be_told_apart_are_no_wrong_labels():
    # What the model says of the first two classes has nothing to do with their labels.
    said = np.array([[0.95, 0.04, 0.01], [0.04, 0.95, 0.01]])
    rows = np.vstack([said[np.arange(60) % 2], [[0.01, 0.01, 0.98]] * 30])
    target = np.repeat([0, 1, 2], 30)
    assert estimate_transition(rows, target)[:2] == pytest.approx(np.eye(3)[:2])
    # Labels that go one way are told from that: every fourth 0 is labeled 1.
    target = np.array([0, 1] * 30 + [2] * 30)
    target[:60:8] = 1
    found = estimate_transition(rows, target)
    assert found[0] == pytest.approx([0.74, 0.25, 0.01], abs=0.02)
    assert found[1].argmax() == 1


def test_threads_are_as_before_when_the_last_of_several_fits_ends():
    def threads():
        return [each["num_threads"] for each in softmax._controller().info() if each["user_api"] == "blas"]

    before = threads()
    first, second = softmax._one_thread(), softmax._one_thread()
    first.__enter__()
    second.__enter__()
    assert set(threads()) == {1}
    first.__exit__(None, None, None)
    assert set(threads()) == {1}
    second.__exit__(None, None, None)
    assert threads() == before
