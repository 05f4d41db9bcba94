"""The numbers behind the map: components, pairs, quality."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bearwidgets.errors import BadInputError
from bearwidgets.review.inspect.layout import (
    FAR,
    MID,
    NEAR,
    components,
    layout_pairs,
    neighbors_kept,
    reduced,
    unit_vectors,
)


@pytest.fixture
def clouds():
    """Three clouds of 60 in 40 dimensions, unit length."""
    random = np.random.default_rng(0)
    middles = np.repeat(np.eye(40)[:3] * 4, 60, axis=0)
    return unit_vectors(middles + random.normal(0, 0.5, (180, 40)))


def test_unit_vectors_leave_out_what_has_no_direction():
    found = unit_vectors([[3, 4], [0, 0], [np.nan, 1], [np.inf, 1], [1e38, 1e38]])
    assert found == pytest.approx(
        np.array([[0.6, 0.8], [0, 0], [0, 0], [0, 0], [0.5**0.5, 0.5**0.5]]), abs=1e-6
    )
    with pytest.raises(BadInputError, match=r"shape \(2,\)"):
        unit_vectors([1, 2])


def test_components_are_those_of_an_exact_decomposition(clouds):
    centered = clouds - clouds.mean(0)
    _, _, axes = np.linalg.svd(centered, full_matrices=False)
    exact = centered @ axes[:3].T
    found = components(clouds)
    assert np.abs(found).max() == pytest.approx(1)
    for column in range(2):  # the third of three clouds is noise, whose directions are close to each other
        assert abs(np.corrcoef(found[:, column], exact[:, column])[0, 1]) > 0.999


def test_components_are_the_same_each_time(clouds):
    assert np.array_equal(components(clouds), components(clouds.copy()))


@pytest.mark.parametrize(("n", "d"), [(0, 4), (1, 4), (2, 1), (5, 0), (3, 2)], ids=str)
def test_components_of_little(n, d):
    found = components(unit_vectors(np.random.default_rng(0).normal(size=(n, d))))
    assert found.shape == (n, 3)
    assert np.isfinite(found).all() == (d > 0 or n == 0)
    assert np.abs(found[np.isfinite(found)]).max(initial=0) <= 1


def test_images_that_are_all_alike_lie_in_one_place():
    assert components(unit_vectors(np.ones((5, 3)))).tolist() == [[0, 0, 0]] * 5


def test_reduced_keeps_inner_products():
    vectors = np.random.default_rng(0).normal(size=(50, 8)) @ np.random.default_rng(1).normal(size=(8, 300))
    small = reduced(vectors.astype(np.float32), 8, center=False)
    assert small @ small.T == pytest.approx(vectors @ vectors.T, rel=1e-3, abs=1)


def test_pairs(clouds):
    near, mid, far = layout_pairs(clouds)
    assert [each.shape for each in (near, mid, far)] == [(180, NEAR), (180, MID), (180, FAR)]
    cosine = clouds @ clouds.T
    np.fill_diagonal(cosine, -1)
    exact = np.argsort(-cosine, axis=1)[:, :NEAR]
    assert [set(row) for row in near.tolist()] == [set(row) for row in exact.tolist()]
    own = np.arange(180)[:, None]
    assert not (mid == own).any()
    assert not (far == own).any()
    assert not (far[:, :, None] == near[:, None]).any(2)[far >= 0].any(), "neighbors are not pushed away"
    cloud = np.arange(180) // 60
    assert (cloud[mid] == cloud[:, None]).mean() > 0.5, "mid-near ones are nearer than random ones"
    assert (cloud[far] == cloud[:, None]).mean() < 0.4


def test_pairs_are_seeded(clouds):
    first, again, other = layout_pairs(clouds), layout_pairs(clouds), layout_pairs(clouds, seed=1)
    assert all(np.array_equal(*each) for each in zip(first, again, strict=True))
    assert not np.array_equal(first.far, other.far)


@given(st.integers(1, 30), st.integers(0, 29))
def test_pairs_of_few_and_of_some_without_a_place(n, without):
    vectors = np.random.default_rng(n).normal(size=(n, 5))
    vectors[: min(without, n - 1)] = 0
    unit = unit_vectors(vectors)
    known = set(np.flatnonzero(unit.any(1)).tolist())
    for pairs in layout_pairs(unit):
        assert set(pairs[pairs >= 0].tolist()) <= known
        assert (pairs[~unit.any(1)] == -1).all()


def test_neighbors_kept(clouds):
    assert neighbors_kept(clouds, clouds, k=5) == pytest.approx(1)
    shuffled = np.random.default_rng(0).normal(size=(180, 2))
    assert neighbors_kept(clouds, shuffled, k=5) < 0.15
