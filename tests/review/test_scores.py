"""Scores by hand, and the sentences about labels: the words for each case, the neighbors that are counted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_data import CLASSES

from bearwidgets.review import scores
from bearwidgets.review.scores import NEAREST, Near, near_labels, reasons

P = np.array([[0.7, 0.2, 0.1], [0.1, 0.6, 0.3], [0.0, 1.0, 0.0]], dtype=np.float32)


def test_losses_and_margins_by_hand():
    losses = scores.log_loss(P, np.array([0, 2, 1]))
    assert losses == pytest.approx([0.3566749, 1.2039728, 0.0], abs=1e-6)
    assert scores.log_loss(P[2:], np.array([0])) == pytest.approx(-np.log(1e-7), rel=1e-5)
    margins = scores.log_margin(P, np.array([0, 2, 1]))
    assert margins == pytest.approx([np.log(0.7 / 0.2), np.log(0.3 / 0.6), np.log(1 / 1e-7)], rel=1e-5)


def test_issues_by_hand():
    # Given and predicted are the same throughout, so nothing goes one way, and no softening would lessen the loss.
    p = np.array([[0.8, 0.1, 0.1], [0.5, 0.3, 0.2], [0.1, 0.8, 0.1]])
    margin = np.log([8, 5 / 3, 8])
    # Of the mean margin of each class a quarter is taken off.
    score = np.log([1.6, 1.0, 1.6]) + margin - 0.25 * np.array([margin[:2].mean()] * 2 + [margin[2]])
    assert scores.label_issue(p, np.array([0, 0, 1])) == pytest.approx(1 / (1 + np.exp(score)), rel=1e-2)


def test_what_goes_one_way_is_more_suspect_than_what_goes_both_ways(monkeypatch):
    monkeypatch.setattr(scores, "CLASS_SHARE", 0.0)
    monkeypatch.setattr(scores, "POWERS", (0.9999, 1.0))
    taken = np.array([0.3, 0.6, 0.05, 0.05])  # predicted 1
    p = np.array([taken] * 9 + [taken[[2, 3, 0, 1]]] * 9 + [taken[[2, 3, 1, 0]]] * 9)
    target = np.array([0] * 9 + [2] * 9 + [3] * 9)
    # Nine of class 0 are taken for 1, none the other way; nine each of 2 and 3 are taken for each other.
    issue = scores.label_issue(p, target)
    assert issue[9:] == pytest.approx(1 / (1 + 0.6 * 0.5), rel=1e-3)
    ratio = np.log(9.5 / 0.5) - np.sqrt(1 / 9.5 + 1 / 0.5)
    assert issue[:9] == pytest.approx(1 / (1 + 0.6 * 0.5 / np.exp(ratio)), rel=1e-3)


def test_one_item_more_in_a_cell_than_in_its_mirror_says_nothing(monkeypatch):
    monkeypatch.setattr(scores, "CLASS_SHARE", 0.0)
    monkeypatch.setattr(scores, "POWERS", (0.9999, 1.0))
    p = np.array([[0.3, 0.7], [0.7, 0.3], [0.7, 0.3]])
    issue = scores.label_issue(p, np.array([0, 1, 1]))
    assert issue == pytest.approx(1 / (1 + 0.6 * 3 / 7), rel=1e-3)


def test_probabilities_that_are_too_sure_are_softened():
    # Every second label is wrong, whatever the probability says: all that is left is a half and a half.
    p = np.array([[0.999, 0.001], [0.001, 0.999]] * 20)
    issue = scores.label_issue(p, np.array([0, 0] * 20))
    assert (issue[1::2] > issue[::2]).all()
    assert issue[1::2].max() < 0.999  # as they are: 1 - 2e-6
    assert scores.label_issue(np.zeros((0, 3), np.float32), np.zeros(0, np.int64)).shape == (0,)


def test_scores_leave_the_probabilities_as_they_are():
    before = P.copy()
    scores.log_margin(P, np.array([0, 1, 2]))
    scores.label_issue(P, np.array([0, 1, 2]))
    scores.second_choice(P, np.array([0, 1, 2]))
    assert (before == P).all()


def test_the_second_choice_is_neither_predicted_nor_given():
    p = np.array([[0.5, 0.3, 0.2], [0.5, 0.3, 0.2], [0.5, 0.3, 0.2], [0.2, 0.5, 0.3]])
    assert scores.second_choice(p, np.array([0, 1, 2, 2])).tolist() == [1, 2, 1, 0]
    two = np.array([[0.9, 0.1], [0.9, 0.1], [0.0, 1.0]])
    assert scores.second_choice(two, np.array([0, 1, 1])).tolist() == [1, -1, 0], "or there is none"


def test_the_consensus_is_the_mean_of_what_there_is():
    one, other = np.array([[0.8, 0.1, 0.1]] * 2), np.array([[0.2, 0.4, 0.4], [np.nan] * 3])
    assert scores.consensus([one, other]) == pytest.approx(np.array([[0.5, 0.25, 0.25], one[0]]))
    assert scores.consensus([one[:0], one[:0]]).shape == (0, 3)


@given(st.lists(st.floats(0, 1, width=32), min_size=2, max_size=5), st.integers(0, 4))
def test_scores_are_finite_and_agree_with_each_other(values, target):
    probabilities = np.array([values], dtype=np.float32) + 1e-6
    probabilities /= probabilities.sum(1, keepdims=True)
    number = np.array([target % len(values)])
    loss, margin = scores.log_loss(probabilities, number), scores.log_margin(probabilities, number)
    assert np.isfinite(loss).all()
    assert loss[0] >= 0
    others = np.delete(probabilities[0], number[0])
    assert (margin[0] < 0) == (probabilities[0, number[0]] < others.max())
    assert 0 <= scores.label_issue(probabilities, number)[0] <= 1


# Sentences


def clusters(n: int = 8) -> tuple[np.ndarray, np.ndarray]:
    """Three tight clusters of n items around three axes, labeled 0, 1, 2; lengths differ."""
    random = np.random.default_rng(0)
    target = np.repeat(np.arange(3), n)
    features = np.eye(3)[target] + random.normal(scale=0.01, size=(3 * n, 3))
    return features * random.uniform(0.1, 10, size=(3 * n, 1)), target


@pytest.mark.parametrize(
    ("p", "unseen", "sentence"),
    [
        ([0.01, 0.97, 0.02], True, "The model, which never trained on this image, says grizzly (97 %)"),
        ([0.01, 0.97, 0.02], False, "The model says grizzly (97 %)"),
        ([0.0, 1.0, 0.0], False, "The model says grizzly (over 99 %)"),
        ([0.9, 0.03, 0.07], False, "The model agrees (90 %); next comes teddy (7 %)"),
        (
            [1.0, 0.0, 0.0],
            True,
            "The model, which never trained on this image, agrees (over 99 %); next comes grizzly (under 1 %)",
        ),
    ],
)
def test_the_sentence_of_each_case(p, unseen, sentence):
    said = reasons(np.array([p]), np.array([0]), CLASSES, unseen=np.array([unseen]))
    assert said == [f"Labeled black. {sentence}"]
    if not unseen:
        assert reasons(np.array([p]), np.array([0]), CLASSES) == said


def test_each_sentence_speaks_of_its_own_item():
    p = np.array([[0.2, 0.7, 0.1], [0.1, 0.1, 0.8], [0.3, 0.1, 0.6]])
    given = p.copy()
    near = Near(np.array([2, 0]), np.array([2, 1]), np.array([1, 4]))
    assert reasons(p, np.array([0, 2, 0]), CLASSES, unseen=np.array([0, 1, 0], bool), near=near) == [
        "Labeled black. The model says grizzly (70 %). 4 of its 5 nearest images are labeled grizzly",
        "Labeled teddy. The model, which never trained on this image, agrees (80 %); next comes black (10 %)",
        "Labeled black. The model says teddy (60 %). 1 of its 5 nearest images is labeled teddy",
    ]
    assert (p == given).all()


def test_the_nearest_are_those_of_the_same_direction():
    features, target = clusters()
    given = target.copy()
    given[[0, 8]] = 1, 0  # one wrong label in each of two clusters
    near = near_labels(features, np.array([8, 0, 16]), given, 3, target)
    assert near.rows.tolist() == [8, 0, 16]
    assert near.label.tolist() == [1, 0, 2]
    assert near.count.tolist() == [5, 5, 5]  # the item itself is no neighbor: its own label does not count


def test_of_two_equally_common_labels_the_expected_one_counts():
    features = np.array([[1.0, 0.001 * row] for row in range(6)])
    given = np.array([0, 1, 1, 2, 2, 0])
    for expected in (1, 2):
        near = near_labels(features, np.array([0]), given, 3, np.full(6, expected))
        assert (near.label.tolist(), near.count.tolist()) == ([expected], [2])


@pytest.mark.parametrize("n", [0, 1, NEAREST])
def test_too_few_items_have_no_neighbors_worth_a_word(n):
    near = near_labels(np.ones((n, 2)), np.arange(n), np.zeros(n, int), 2, np.zeros(n, int))
    assert [len(each) for each in near] == [0, 0, 0]
    said = reasons(np.full((n, 2), 0.5), np.zeros(n, int), CLASSES, near=near)
    assert said == ["Labeled black. The model agrees (50 %); next comes grizzly (50 %)"] * n


def test_images_without_features_do_not_break_it():
    near = near_labels(np.zeros((8, 4)), np.arange(8), np.arange(8) % 2, 2, np.zeros(8, int))
    assert len(near.rows) == 8
    assert (near.count <= NEAREST).all()
