"""Sentences about labels: the words for each case, and the neighbors that are counted."""

from __future__ import annotations

import numpy as np
import pytest

from bearwidgets.review.reasons import NEAREST, Near, near_labels, reasons

CLASSES = ["black", "grizzly", "teddy"]


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
    assert (
        reasons(np.full((n, 2), 0.5), np.zeros(n, int), CLASSES, near=near)
        == ["Labeled black. The model agrees (50 %); next comes grizzly (50 %)"] * n
    )


def test_images_without_features_do_not_break_it():
    near = near_labels(np.zeros((8, 4)), np.arange(8), np.arange(8) % 2, 2, np.zeros(8, int))
    assert len(near.rows) == 8
    assert (near.count <= NEAREST).all()
