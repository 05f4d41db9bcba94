"""Drift in the order of the files."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from bearwidgets.review.checks.drift import drift_in_order, natural_order, order_drift
from bearwidgets.review.neighbors import nearest


def made(drift, n=300, seed=0):
    """Features that change by so much from the first to the last file of a class."""
    rng = np.random.default_rng(seed)
    target = np.repeat([0, 1, 2], n // 3)
    place = np.tile(np.linspace(0, 1, n // 3), 3)
    x = rng.normal(size=(3, 32))[target] + 0.4 * rng.normal(size=(n, 32))
    return x + drift * place[:, None] * rng.normal(size=32), target


def made_inputs(x, target, shuffled=None):
    count = np.arange(len(x)) % (len(x) // 3)
    paths = np.array([f"c{label}/img_{number}.jpg" for label, number in zip(target, count, strict=True)])
    order = np.arange(len(x)) if shuffled is None else shuffled
    table = pd.DataFrame({"path": paths[order], "label": target[order].astype(str)})
    return SimpleNamespace(threshold=None, table=table, neighbors=nearest(x[order]))


def test_drift_is_found_in_whatever_order_the_table_stands():
    x, target = made(1.0)
    found = drift_in_order(made_inputs(x, target))
    order = np.random.default_rng(0).permutation(300)
    other = drift_in_order(made_inputs(x, target, order))
    assert found.flag.sum() > 20
    assert found.score[order] == pytest.approx(other.score, abs=1e-6, nan_ok=True)
    assert found.note == other.note
    assert "(p = 0.005)" in found.note


def test_files_sorted_by_class_are_no_drift():
    rng = np.random.default_rng(5)
    p = []
    for seed in range(20):
        x, target = made(0.0, seed=seed)
        assert not drift_in_order(made_inputs(x, target)).flag.any()
        p.append(order_drift(nearest(x).index, target, seed=int(rng.integers(99))).p)
    assert 0.25 < np.mean(p) < 0.75  # even, where there is nothing


def test_distances_by_hand():
    # one class of four items at 1/8, 3/8, 5/8 and 7/8; neighbors are next to each other, and one of another class
    index = np.array([[1, 4], [0, 4], [3, 4], [2, -1], [0, 1]])
    found = order_drift(index, np.array([0, 0, 0, 0, 1]))
    assert found.distance == pytest.approx(0.25)
    usual = ((1 / 8) ** 2 + (7 / 8) ** 2) / 2
    assert found.nearness[0] == pytest.approx(1 - 0.25 / usual)
    assert np.isnan(found.nearness[4])


def test_no_neighbors():
    found = order_drift(np.full((4, 2), -1), np.zeros(4, int))
    assert found.p == 1
    assert found.effect == 0
    assert np.isnan(found.nearness).all()
    assert not drift_in_order(made_inputs(np.zeros((3, 4)), np.arange(3))).flag.any()


def test_natural_order():
    paths = ["b/2.jpg", "a/img_10.png", "a/img_9.png", "a/x.png", "7/1.jpg", "a/img_010.png"]
    wanted = ["7/1.jpg", "a/img_9.png", "a/img_010.png", "a/img_10.png", "a/x.png", "b/2.jpg"]
    assert [paths[row] for row in natural_order(paths)] == wanted
