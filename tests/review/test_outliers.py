"""Off-topic items: far from all others, for the density around them."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from bearwidgets.review.checks.outliers import distance_ratio, off_topic, outlier_score
from bearwidgets.review.neighbors import nearest


def balls(n=400, d=64, seed=0, spreads=(0.4, 0.4, 0.4)):
    """Classes of features as wide as said."""
    rng = np.random.default_rng(seed)
    target = rng.integers(0, len(spreads), n)
    middles = rng.normal(size=(len(spreads), d))
    return middles[target] + np.array(spreads)[target, None] * rng.normal(size=(n, d)), target


def made_inputs(x, target):
    table = pd.DataFrame({"label": [f"class {number}" for number in target]})
    return SimpleNamespace(threshold=None, table=table, features=x, neighbors=nearest(x))


def test_ratios_by_hand():
    index = np.array([[1, 2], [0, 2], [0, 1], [0, -1]])
    similarity = np.array([[0.9, 0.8], [0.9, 0.7], [0.8, 0.7], [0.2, np.nan]])
    # mean distances are 0.15, 0.2, 0.25 and 0.8; the middle of class 0 is 0.2, of class 1 0.25 and of class 2 0.8
    ratio = distance_ratio(index, similarity, np.array([0, 0, 1, 2]))
    middles = np.array([0.175, 0.175, 0.25])
    wanted = [
        0.15 / middles[[1, 2]].mean(),
        0.2 / middles[[0, 2]].mean(),
        0.25 / middles[[0, 1]].mean(),
        0.8 / middles[0],
    ]
    assert ratio == pytest.approx(wanted, rel=1e-4)


def test_off_topic_images_are_found_even_as_a_small_clump():
    x, target = balls()
    rng = np.random.default_rng(1)
    others = rng.normal(size=(8, 64)) * 1.2
    others[4:] = others[3] + 0.5 * rng.normal(size=(4, 64))  # nearer to each other than to the rest
    x[:8] = others
    found = off_topic(made_inputs(x, target))
    assert found.flag[:8].all()
    assert found.flag.sum() <= 10
    assert found.note.startswith(
        f"{found.flag.sum()} of 400 images are unlike the others; a score of 0.5 is "
    )


def test_a_varied_class_is_not_off_topic():
    x, target = balls(spreads=(0.2, 0.2, 0.2, 0.8))
    found = off_topic(made_inputs(x, target))
    assert found.flag.mean() < 0.02
    score, _ = outlier_score(distance_ratio(*_near(x), np.zeros(400, int)))
    assert (score >= 0.5).mean() > 0.1  # as it would be were its own density not known


def _near(x):
    near = nearest(x)
    return near.index, near.similarity


def test_a_wrong_label_alone_makes_no_outlier():
    x, target = balls(spreads=(0.2, 0.7))
    before = distance_ratio(*_near(x), target)
    wrong = target.copy()
    wrong[0] = 1 - wrong[0]
    assert distance_ratio(*_near(x), wrong)[0] == pytest.approx(before[0], rel=0.02)


@pytest.mark.parametrize("d", [8, 64, 512])
def test_clean_data_is_hardly_flagged(d):
    x, target = balls(1000, d)
    assert off_topic(made_inputs(x, target)).flag.mean() <= 0.03


def test_unknown_items_have_no_score():
    x, target = balls(50)
    x[4] = 0
    found = off_topic(made_inputs(x, target))
    assert np.isnan(found.score[4])
    assert not found.flag[4]
    assert np.isfinite(np.delete(found.score, 4)).all()
    assert np.isnan(off_topic(made_inputs(x * 0, target)).score).all()
    assert len(off_topic(made_inputs(x[:0], target[:0])).score) == 0


def test_copies_only():
    score, least = outlier_score(distance_ratio(*_near(np.ones((30, 4))), np.zeros(30, int)))
    assert (score == 0).all()
    assert least == pytest.approx(1.25)
