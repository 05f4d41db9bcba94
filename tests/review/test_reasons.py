"""Sentences about labels: the words for each case, and the neighbors that are counted."""

from __future__ import annotations

import numpy as np
import pytest

from bearwidgets.review.reasons import NEAREST, Near, near_labels, reasons

CLASSES = ["black", "grizzly", "teddy"]


def clusters(n: int = 8) -> tuple[np.ndarray, np.ndarray]:
    """Three tight clusters of n items around three axes, labelled 0, 1, 2; lengths differ."""
    random = np.random.default_rng(0)
    target = np.repeat(np.arange(3), n)
    features = np.eye(3)[target] + random.normal(scale=0.01, size=(3 * n, 3))
    return features * random.uniform(0.1, 10, size=(3 * n, 1)), target


@pytest.mark.parametrize(
    ("p", "unseen", "sentence"),
    [
        (
            [0.01, 0.97, 0.02],
            True,
            "Labelled black, but the model that did not see it gives grizzly 0.97 and black 0.01.",
        ),
        ([0.01, 0.97, 0.02], False, "Labelled black, but the model gives grizzly 0.97 and black 0.01."),
        (
            [0.0, 1.0, 0.0],
            False,
            "Labelled black, but the model gives grizzly over 0.99 and black under 0.01.",
        ),
        ([0.9, 0.03, 0.07], False, "Labelled black, and the model gives black 0.90; next comes teddy 0.07."),
        (
            [0.9, 0.03, 0.07],
            True,
            "Labelled black, and the model that did not see it gives black 0.90; next comes teddy 0.07.",
        ),
    ],
)
def test_the_sentence_of_each_case(p, unseen, sentence):
    assert reasons(np.array([p]), np.array([0]), CLASSES, unseen=np.array([unseen])) == [sentence]
    if not unseen:
        assert reasons(np.array([p]), np.array([0]), CLASSES) == [sentence]


def test_each_sentence_speaks_of_its_own_item():
    p = np.array([[0.2, 0.7, 0.1], [0.1, 0.1, 0.8], [0.3, 0.1, 0.6]])
    near = Near(np.array([2, 0]), np.array([2, 1]), np.array([1, 4]))
    first, second, third = reasons(
        p, np.array([0, 2, 0]), CLASSES, unseen=np.array([0, 1, 0], bool), near=near
    )
    assert first == (
        "Labelled black, but the model gives grizzly 0.70 and black 0.20; 4 of its 5 nearest pictures are grizzly."
    )
    assert (
        second == "Labelled teddy, and the model that did not see it gives teddy 0.80; next comes black 0.10."
    )
    assert third.endswith("; 1 of its 5 nearest pictures is teddy.")


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
    assert (
        reasons(np.full((n, 2), 0.5), np.zeros(n, int), CLASSES, near=near)
        == ["Labelled black, and the model gives black 0.50; next comes grizzly 0.50."] * n
    )


def test_pictures_without_features_do_not_break_it():
    near = near_labels(np.zeros((8, 4)), np.arange(8), np.arange(8) % 2, 2, np.zeros(8, int))
    assert len(near.rows) == 8
    assert (near.count <= NEAREST).all()


def test_probabilities_stay_as_they_are():
    p = np.array([[0.2, 0.8]])
    reasons(p, np.array([0]), CLASSES)
    assert p.tolist() == [[0.2, 0.8]]
