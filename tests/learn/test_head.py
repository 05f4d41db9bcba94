"""The linear head: its optimum, its strength, folds that leak nothing, its correction for wrong labels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_data import clouds
from sklearn.linear_model import LogisticRegression

from bearwidgets.data import parallel
from bearwidgets.errors import BadInputError
from bearwidgets.learn.head import linear_head as head
from bearwidgets.learn.head.linear_head import HeadFit, fit_head
from bearwidgets.learn.head.softmax import Softmax, estimate_transition, fit_softmax


def fit(features, target, groups=None, n_classes=None, seed=0) -> HeadFit:
    target = np.asarray(target)
    groups = np.array([f"{row:05}" for row in range(len(target))]) if groups is None else np.asarray(groups)
    *losses, result = fit_head(features, target, groups, n_classes or int(target.max()) + 1, seed)
    assert isinstance(result, HeadFit)
    assert losses == list(result.held_out_loss.values())
    return result


def logits(result: HeadFit, features: np.ndarray) -> np.ndarray:
    return features @ result.weight.T + result.bias


def test_the_strength_and_without_correction_the_probabilities_are_those_of_the_least_held_out_loss(
    monkeypatch,
):
    monkeypatch.setattr(head, "CORRECTIONS", 0)
    features, target = clouds(90, 3, 1.5)
    result = fit(features, target)
    assert result.strength == min(result.held_out_loss, key=result.held_out_loss.__getitem__)
    assert len(result.held_out_loss) > 2
    picked = result.out_of_fold[np.arange(len(target)), target]
    assert -np.log(picked).mean() == pytest.approx(result.held_out_loss[result.strength], rel=1e-4)
    assert (result.transition == np.eye(3)).all()


def test_a_class_that_is_labeled_as_another_is_noticed_and_not_learned(monkeypatch):
    features, clean = clouds(600, 3, 2.5)
    target = np.where((np.random.default_rng(1).random(600) < 0.3) & (clean == 0), 1, clean)
    corrected = fit(features, target)
    assert corrected.transition[0, 1] == pytest.approx(0.3, abs=0.1)
    assert corrected.transition[1, 0] < 0.1
    assert corrected.transition.sum(1) == pytest.approx(1)
    monkeypatch.setattr(head, "CORRECTIONS", 0)
    plain = fit(features, target)
    assert corrected.strength == plain.strength

    def found(result: HeadFit) -> float:
        """Mean probability of the right label where the given one is wrong."""
        rows = np.flatnonzero(target != clean)
        return float(result.out_of_fold[rows, clean[rows]].mean())

    assert found(corrected) > found(plain) + 0.05
    new, right = clouds(600, 3, 2.5, seed=5)
    errors = [(logits(result, new).argmax(1) != right).mean() for result in (corrected, plain)]
    assert errors[0] <= errors[1]


def test_a_class_without_images_takes_part_in_no_correction_and_is_never_predicted():
    features, target = clouds(60, 2, 6.0)
    result = fit(features, target * 2, n_classes=4)
    assert result.weight.shape == (4, 12)
    assert set(logits(result, features).argmax(1)) == {0, 2}
    assert result.transition[[1, 3]].tolist() == np.eye(4)[[1, 3]].tolist()
    assert result.out_of_fold[:, [1, 3]].max() < 1e-5


def test_pure_noise_gets_a_stronger_penalty_than_clear_classes():
    noise, target = clouds(90, 3, 0.0)
    clear, _ = clouds(90, 3, 8.0)
    assert fit(noise, target).strength > fit(clear, target).strength
    assert fit(noise, target).held_out_loss[fit(noise, target).strength] == pytest.approx(np.log(3), abs=0.1)


def test_the_head_solves_the_penalised_problem(monkeypatch):
    """At the optimum the gradient of the loss that `HeadFit.strength` documents vanishes."""
    monkeypatch.setattr(head, "CORRECTIONS", 0)
    features, target = clouds(80, 3, 1.0)
    features = features * 7 + 100  # weight and bias are for them as they come
    result = fit(features, target)
    centred = features - features.mean(0)
    scale = centred.std()
    scores = np.exp(logits(result, features) - logits(result, features).max(1, keepdims=True))
    wrong = scores / scores.sum(1, keepdims=True) - np.eye(3)[target]
    gradient = wrong.T @ (centred / scale) + result.strength * result.weight * scale
    assert np.abs(gradient).max() < 0.01 * np.abs(np.eye(3)[target].T @ (centred / scale)).max()


@pytest.mark.parametrize("contents", [25, 10_000])
def test_held_out_rows_never_saw_the_item_or_a_copy_of_it(contents):
    groups = np.array([f"{each:05}" for each in np.random.default_rng(0).integers(0, contents, 60)])
    assert (len(set(groups)) == 60) == (contents > 25)
    target = np.arange(60) % 3
    seen = np.zeros(60, dtype=int)
    for train, held in head._folds(target, groups, 0):
        assert not set(groups[train]) & set(groups[held])
        seen[held] += 1
    assert (seen == 1).all()


def test_a_copy_with_a_wrong_label_does_not_vouch_for_itself():
    features, target = clouds(60, 2, 8.0)
    features = np.vstack([features, features[:4]])
    target = np.concatenate([target, 1 - target[:4]])  # byte-identical copies, the other label
    groups = np.array([str(row) for row in [*range(60), *range(4)]])
    result = fit(features, target, groups)
    assert (result.out_of_fold[60:, :].argmax(1) == target[:4]).all()


def test_a_class_with_one_image():
    features, target = clouds(30, 2, 6.0)
    features, target = np.vstack([features, np.full((1, 12), 9.0)]), np.append(target, 2)
    result = fit(features, target)
    assert logits(result, features)[-1].argmax() == 2
    assert result.out_of_fold[-1, 2] < 1e-5  # no head that did not see it can know its class
    assert result.out_of_fold.sum(1) == pytest.approx(1)


@pytest.mark.parametrize("target", [[0, 0, 0], [1], []])
def test_fewer_than_two_classes_is_a_clear_error(target):
    with pytest.raises(BadInputError, match=r"at least two classes. Put them in folders"):
        list(fit_head(np.zeros((len(target), 3)), np.array(target, int), np.arange(len(target)), 2, 0))


@pytest.mark.parametrize("groups", [["a", "b"], ["a", "a"]])
def test_one_image_for_each_class(groups):
    result = fit(np.array([[0.0, 1.0], [1.0, 0.0]]), [0, 1], groups)
    assert result.out_of_fold == pytest.approx(0.5)
    assert logits(result, np.array([[0.0, 1.0], [1.0, 0.0]])).argmax(1).tolist() == [0, 1]


def test_pictures_that_are_all_alike():
    result = fit(np.ones((6, 4)), [0, 1, 0, 1, 0, 1])
    assert np.isfinite(result.weight).all()
    assert result.out_of_fold == pytest.approx(0.5, abs=0.2)


@settings(deadline=None, max_examples=25)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5)), min_size=2, max_size=24))
def test_any_labels_and_copies_give_probabilities(rows):
    target = np.array([label for label, _ in rows])
    features = np.random.default_rng(0).normal(size=(len(rows), 5))
    groups = np.array([f"g{group}" for _, group in rows])
    if len(np.unique(target)) < 2:
        return
    result = fit(features, target, groups, 4)
    assert result.out_of_fold.shape == (len(rows), 4)
    assert np.isfinite(result.out_of_fold).all()
    assert result.out_of_fold.sum(1) == pytest.approx(1, abs=1e-5)
    assert np.isfinite(result.weight).all()


def test_the_same_seed_gives_the_same_head_and_leaves_the_global_state():
    features, target = clouds(40, 2, 1.0)
    before = np.random.get_state()[1].copy()  # noqa: NPY002 - the global state is what is looked at
    assert (fit(features, target, seed=3).out_of_fold == fit(features, target, seed=3).out_of_fold).all()
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002


# The classifier behind it


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
        return [each["num_threads"] for each in parallel._controller().info() if each["user_api"] == "blas"]

    before = threads()
    first, second = parallel.one_thread(), parallel.one_thread()
    first.__enter__()
    second.__enter__()
    assert set(threads()) == {1}
    first.__exit__(None, None, None)
    assert set(threads()) == {1}
    second.__exit__(None, None, None)
    assert threads() == before
