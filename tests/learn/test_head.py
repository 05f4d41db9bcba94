"""The linear head: strength by held-out loss, folds that leak nothing, odd sets of classes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_data import clouds

from bearwidgets.errors import BadInputError
from bearwidgets.learn.head import linear_head as head
from bearwidgets.learn.head.linear_head import HeadFit, fit_head


def fit(features, target, groups=None, n_classes=None, seed=0) -> HeadFit:
    target = np.asarray(target)
    groups = np.array([f"{row:05}" for row in range(len(target))]) if groups is None else np.asarray(groups)
    *losses, result = fit_head(features, target, groups, n_classes or int(target.max()) + 1, seed)
    assert isinstance(result, HeadFit)
    assert losses == list(result.held_out_loss.values())
    return result


def logits(result: HeadFit, features: np.ndarray) -> np.ndarray:
    return features @ result.weight.T + result.bias


def test_the_strength_is_the_one_with_the_least_held_out_loss():
    features, target = clouds(90, 3, 1.5)
    result = fit(features, target)
    assert result.strength == min(result.held_out_loss, key=result.held_out_loss.__getitem__)
    assert len(result.held_out_loss) > 2


def test_without_correction_the_probabilities_are_those_of_the_chosen_strength(monkeypatch):
    monkeypatch.setattr(head, "CORRECTIONS", 0)
    features, target = clouds(90, 3, 1.5)
    result = fit(features, target)
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


def test_held_out_rows_never_saw_the_item_or_a_copy_of_it():
    random = np.random.default_rng(0)
    groups = np.array([f"{each:03}" for each in random.integers(0, 25, 60)])
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


def test_without_copies_each_row_is_held_out_once(monkeypatch):
    features, target = clouds(30, 3, 2.0)
    seen, original = [], head.fit_softmax
    monkeypatch.setattr(
        head,
        "fit_softmax",
        lambda values, *rest, **how: seen.append(values) or original(values, *rest, **how),
    )
    result = fit(features, target)
    assert {len(each) for each in seen[:-1]} == {24}
    assert len(seen) == head.FOLDS * (len(result.held_out_loss) + head.CORRECTIONS) + 1


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
