"""Weak groups: planted ones are found, chance and hard noise are not."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from bearwidgets.review.checks.weak_groups import _holm, find_weak_groups, weak_groups


def clusters(n=900, d=40, seed=0):
    rng = np.random.default_rng(seed)
    member = rng.integers(0, 9, n)
    x = rng.normal(size=(9, d))[member] + 0.2 * rng.normal(size=(n, d))
    return x.astype(np.float32), member, rng


def made_inputs(x, right):
    ids = [f"i{number}" for number in range(len(x))]
    predicted = np.where(right, "black", "teddy")
    review = pd.DataFrame({"label": "black", "predicted": predicted}, index=ids)
    return SimpleNamespace(
        threshold=None,
        table=pd.DataFrame({"id": ids}),
        features=x,
        review=SimpleNamespace(table=review[::-1]),
    )


def test_a_planted_weak_group_is_found():
    x, member, rng = clusters()
    right = rng.random(900) < np.where(member == 4, 0.55, 0.95)
    found = weak_groups(made_inputs(x, right))
    assert found.flag[member == 4].mean() > 0.9
    assert found.flag[member != 4].mean() < 0.02
    assert (found.group[found.flag] >= 0).all()
    assert (found.group[~found.flag] == -1).all()
    assert 0.2 < np.median(found.score[member == 4]) < 0.7


def test_errors_at_random_make_no_weak_group():
    x, _, rng = clusters()
    flagged = [find_weak_groups(x, rng.random(900) < 0.8, seed=seed).weak.sum() for seed in range(20)]
    assert sum(flagged) == 0


def test_items_without_a_prediction_or_features_are_in_no_group():
    x, _, rng = clusters()
    right = (rng.random(900) < 0.8).astype(float)
    right[3], x[5] = np.nan, 0
    found = find_weak_groups(x, right)
    assert (np.flatnonzero(found.group < 0) == [3, 5]).all()
    assert found.size.sum() == 898
    assert np.bincount(found.group[found.group >= 0]).tolist() == found.size.tolist()
    for number in range(len(found.size)):
        inside = found.group == number
        assert found.accuracy[number] == pytest.approx(right[inside].mean())
        assert found.elsewhere[number] == pytest.approx(np.nanmean(right[~inside & (found.group >= 0)]))
    assert (np.diff(found.p) >= 0).all()


def test_too_few_items_have_no_groups():
    found = weak_groups(made_inputs(np.ones((10, 3), np.float32), np.ones(10, bool)))
    assert not found.flag.any()
    assert np.isnan(found.score).all()


def test_holm_by_hand():
    assert _holm(np.array([0.01, 0.04, 0.03])) == pytest.approx([0.03, 0.06, 0.06])
