"""The numbers behind a map of the images: principal components, the pairs that a layout moves, its quality.

The layout itself, which moves the points until near images are near, runs in the page (frontend/src/map/layout.js).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bearwidgets.errors import BadInputError

NEAR, MID, FAR = 10, 5, 20  # pairs of each image, as in PaCMAP
FEWEST = 16  # images from which on a layout says more than principal components
_REDUCED = 100  # dimensions in which neighbors are looked for, as in PaCMAP
_TRIED = 6  # images of which the second nearest is a mid-near one
_MORE, _ROUNDS = 6, 4  # vectors and rounds of the power iteration beside those that are asked for
_BLOCK = 4096


class Pairs(NamedTuple):
    """Which others each image is pulled to and pushed from: rows, -1 where there is none."""

    near: np.ndarray  # (n, 10) int32, the nearest first
    mid: np.ndarray  # (n, 5) int32
    far: np.ndarray  # (n, 20) int32


def unit_vectors(vectors: np.ndarray) -> np.ndarray:
    """The rows (n, d) float32 brought to length 1; zeros where a row holds no direction or is not finite.

    Raises:
        BadInputError: It is no table of numbers.
    """
    if np.ndim(vectors) != 2:
        raise BadInputError(f"vectors have shape {np.shape(vectors)}; give a table (images, dimensions).")
    found = np.array(vectors, np.float32)
    found[~np.isfinite(found).all(1)] = 0
    # In float64, for the squares of large values are infinite in float32.
    lengths = np.sqrt(np.einsum("nd,nd->n", found, found, dtype=np.float64))
    return np.divide(found, lengths[:, None], out=found, where=lengths[:, None] > 0, casting="same_kind")


def reduced(vectors: np.ndarray, k: int, *, center: bool, seed: int = 0) -> np.ndarray:
    """The rows (n, d) on their `k` strongest axes, (n, k) float32, by a seeded randomized power iteration.

    With `center` these are principal components; without, inner products stay as they are, as far as `k` axes hold
    them. The data is never copied.

    Source: Halko, Martinsson, Tropp, 2011, Finding structure with randomness.

    Example:
        >>> line = np.outer(np.arange(5.0), [1, 2, 2])
        >>> np.allclose(reduced(line, 1, center=True)[:, 0], [-6, -3, 0, 3, 6], atol=1e-4)
        True
    """
    n, d = vectors.shape
    mean = vectors.mean(0) if center and n else np.zeros(d, np.float32)
    basis = np.random.default_rng(seed).normal(size=(d, min(k + _MORE, n, d))).astype(np.float32)
    for _ in range(_ROUNDS):
        scores = vectors @ basis - mean @ basis
        basis = np.linalg.qr(vectors.T @ scores - np.outer(mean, scores.sum(0)))[0]
    scores = vectors @ basis - mean @ basis
    _, axes = np.linalg.eigh(scores.T.astype(np.float64) @ scores)
    axes = axes[:, ::-1][:, :k].astype(np.float32)
    found = np.zeros((n, k), np.float32)
    found[:, : axes.shape[1]] = scores @ axes
    # The sign of an axis is free: its largest direction is positive, so that each run gives the same map.
    directions = basis @ axes
    for column in range(axes.shape[1]):
        if directions[np.abs(directions[:, column]).argmax(), column] < 0:
            found[:, column] *= -1
    return found


def components(unit: np.ndarray, *, seed: int = 0) -> np.ndarray:
    """Three principal components (n, 3) float32 within -1 and 1, one scale for all; NaN where a row is zeros.

    Args:
        unit: Rows (n, d) as `unit_vectors` gives them.
        seed: Of the power iteration.
    """
    known = unit.any(1)
    found = np.full((len(unit), 3), np.nan, np.float32)
    found[known] = reduced(unit if known.all() else unit[known], 3, center=True, seed=seed)
    largest = np.abs(found[known]).max(initial=0)
    found[known] = found[known] / largest if largest > np.finfo(np.float32).eps else 0
    return found


def layout_pairs(unit: np.ndarray, *, seed: int = 0) -> Pairs:
    """The pairs of a PaCMAP layout: the 10 nearest of each image by cosine, 5 mid-near ones, 20 random others.

    Neighbors are looked for on the 100 strongest axes. A mid-near one is the second nearest of six random images.

    Source: Wang, Huang, Rudin, Shaposhnik, 2021, Understanding How Dimension Reduction Tools Work.

    Args:
        unit: Rows (n, d) as `unit_vectors` gives them; those of zeros are in no pair.
        seed: Of what is random; the same gives the same pairs.

    Raises:
        BadInputError: More than 200,000 images without faiss, see `bearwidgets.review.neighbors.nearest`.
    """
    from bearwidgets.review.neighbors import nearest  # torch

    random = np.random.default_rng(seed)
    small = reduced(unit, _REDUCED, center=False, seed=seed) if unit.shape[1] > _REDUCED else unit
    small = unit_vectors(small)
    near = np.full((len(unit), NEAR), -1, np.int32)
    found = nearest(small, NEAR, seed=seed).index
    near[:, : found.shape[1]] = found
    known = np.flatnonzero(small.any(1))
    mid = np.full((len(unit), MID), -1, np.int32)
    far = np.full((len(unit), FAR), -1, np.int32)
    for start in range(0, len(known), _BLOCK):
        rows = known[start : start + _BLOCK]
        mid[rows] = _mid_near(small, rows, known, random)
        others = random.choice(known, (len(rows), FAR))
        taken = (others == rows[:, None]) | (others[:, :, None] == near[rows][:, None]).any(2)
        far[rows] = np.where(taken, -1, others)
    return Pairs(near, mid, far)


def _mid_near(
    unit: np.ndarray, rows: np.ndarray, known: np.ndarray, random: np.random.Generator
) -> np.ndarray:
    tried = random.choice(known, (len(rows), MID, _TRIED))
    found = np.full((len(rows), MID), -1)
    for column in range(MID):  # one by one, in bounded memory
        others = tried[:, column]
        alike = np.einsum("nd,ntd->nt", unit[rows], unit[others])
        alike[others == rows[:, None]] = -np.inf
        second = np.argsort(-alike, axis=1, kind="stable")[:, 1]
        chosen = others[np.arange(len(rows)), second]
        found[:, column] = np.where(chosen == rows, -1, chosen)
    return found


def neighbors_kept(unit: np.ndarray, positions: np.ndarray, k: int = 10) -> float:
    """Share of the `k` nearest images by cosine, 0 to 1, that are among the `k` nearest points on the map.

    Args:
        unit: Rows (n, d) as `unit_vectors` gives them, none of zeros.
        positions: Points (n, 2) or (n, 3).
        k: How many neighbors of each.

    Example:
        >>> corners = np.array([[1, 0], [0.9, 0.1], [0, 1], [0.1, 0.9]])
        >>> neighbors_kept(unit_vectors(corners), corners, k=1)
        1.0
    """
    from sklearn.neighbors import NearestNeighbors

    from bearwidgets.review.neighbors import nearest

    theirs = nearest(unit, k).index
    ours = NearestNeighbors(n_neighbors=theirs.shape[1]).fit(positions).kneighbors(return_distance=False)
    return float((theirs[:, :, None] == ours[:, None]).any(2).mean())
