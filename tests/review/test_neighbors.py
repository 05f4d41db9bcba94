"""Nearest items: the same as by brute force."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from bearwidgets.errors import BadInputError
from bearwidgets.review import neighbors
from bearwidgets.review.neighbors import nearest


def by_force(x, k):
    unit = x.astype(np.float64) / np.linalg.norm(x.astype(np.float64), axis=1, keepdims=True)
    similarity = unit @ unit.T
    np.fill_diagonal(similarity, -2)
    index = np.argsort(-similarity, axis=1, kind="stable")[:, :k]
    return index, np.take_along_axis(similarity, index, 1)


def clustered(n=700, d=48, seed=0, spread=0.5):
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(6, d))[rng.integers(0, 6, n)] + spread * rng.normal(size=(n, d))).astype(
        np.float32
    )


def assert_same(x, found, k):
    index, similarity = found
    assert similarity == pytest.approx(by_force(x, k)[1], abs=2e-6)
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    assert np.einsum("nkd,nd->nk", unit[index], unit) == pytest.approx(similarity, abs=2e-6)
    assert (index != np.arange(len(x))[:, None]).all()
    assert all(len(set(row)) == k for row in index.tolist())


@pytest.mark.parametrize("block", [1, 64, 1000])
@pytest.mark.parametrize("spread", [0.5, 0.003])
def test_as_by_brute_force(block, spread):
    x = clustered(60 if block == 1 else 700, spread=spread)
    assert_same(x, nearest(x, 9, block=block), 9)


def test_more_equal_copies_than_neighbors():
    x = np.repeat(clustered(4), 120, axis=0)
    index, similarity = nearest(x, 10)
    assert similarity == pytest.approx(1.0, abs=1e-5)
    assert (index // 120 == np.arange(480)[:, None] // 120).all()
    assert (index != np.arange(480)[:, None]).all()


def test_scale_does_not_count():
    x = clustered(200)
    grown = x * np.random.default_rng(1).uniform(0.01, 100, (200, 1)).astype(np.float32)
    assert nearest(grown, 5)[1] == pytest.approx(nearest(x, 5)[1], abs=1e-5)


def test_items_without_features_have_no_neighbors_and_are_none():
    x = clustered(60)
    x[[3, 40]] = 0
    found = nearest(x, k=58)
    assert (found.index[[3, 40]] == -1).all()
    assert np.isnan(found.similarity[[3, 40]]).all()
    assert not np.isin([3, 40], found.index).any()
    others = np.delete(np.arange(60), [3, 40])
    assert (found.index[others, :57] >= 0).all()
    assert (found.index[others, 57] == -1).all()


def test_small_sets():
    assert nearest(np.zeros((0, 4)), 3)[0].shape == (0, 0)
    assert nearest(np.ones((1, 4)), 3)[0].shape == (1, 0)
    assert nearest(np.ones((2, 4)), 3)[0].tolist() == [[1], [0]]
    assert (nearest(np.zeros((3, 4)), 1)[0] == -1).all()


@pytest.mark.parametrize(
    ("x", "options", "said"),
    [
        (np.zeros(3), {}, "shape"),
        (np.array([[np.nan, 1.0]]), {}, "not finite"),
        (np.eye(3), {"k": 0}, "k is 0"),
        (np.eye(3), {"block": 0.5}, "block is 0.5"),
    ],
)
def test_what_cannot_be_used_is_said(x, options, said):
    with pytest.raises(BadInputError, match=said):
        nearest(x, **{"k": 1, **options})


def test_without_the_index_the_extra_is_named(monkeypatch):
    monkeypatch.setattr(neighbors, "MOST_EXACT", 100)
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(BadInputError, match=r"101 items came; .* pip install 'bearwidgets\[large\]'"):
        nearest(clustered(101), 3)


def test_the_index_finds_nearly_all(monkeypatch):
    pytest.importorskip("faiss")
    x = clustered(5000, d=32)
    exact = nearest(x, 10).index
    monkeypatch.setattr(neighbors, "MOST_EXACT", 100)
    x = np.insert(x, 7, 0, axis=0)
    index, similarity = nearest(x, 10)
    assert (index[7] == -1).all()
    index = np.delete(index, 7, 0)
    index -= index > 7
    assert np.mean([len(set(a) & set(b)) for a, b in zip(index, exact, strict=True)]) > 9
    assert (np.diff(np.delete(similarity, 7, 0), axis=1) <= 1e-6).all()
    assert (index != np.arange(5000)[:, None]).all()


class Store(dict):
    """Features by name, as a learner has them."""

    def array(self, names):
        return np.stack([self[name] for name in names]).astype(np.float32)


@pytest.mark.parametrize("block", [1, 64, 4096])
def test_distances_from_one_are_those_by_force(monkeypatch, block):
    monkeypatch.setattr(neighbors, "BLOCK", block)
    x = clustered()
    x[5] = 0
    names = [f"n{row}" for row in range(len(x))]
    store = Store(zip(names, x.copy(), strict=True))
    del store["n7"]
    found = neighbors.distances_from("n3", names, store)
    assert np.flatnonzero(np.isnan(found)).tolist() == [5, 7]
    x[5] = x[7] = 1
    unit = x.astype(np.float64) / np.linalg.norm(x, axis=1, keepdims=True)
    expected = 1 - unit @ unit[3]
    expected[[5, 7]] = np.nan
    assert found == pytest.approx(expected, abs=2e-6, nan_ok=True)
    assert (found[3], found[~np.isnan(found)].min() >= 0) == (pytest.approx(0, abs=2e-6), True)
    assert np.isnan(neighbors.distances_from("n5", names, store)).all()
