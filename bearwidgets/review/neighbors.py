"""The nearest items of each by the cosine of their features: exact, block by block, in bounded memory.

Above `MOST_EXACT` items an index of faiss answers.
"""

from __future__ import annotations

import importlib
from numbers import Integral
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
import torch

from bearwidgets.errors import BadInputError, check_whole

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

BLOCK = 4096
"""Rows that are compared at once, with twice as many others: 128 MiB of similarities."""
MOST_EXACT = 200_000
_LISTS = 4  # lists of the approximate index for the square root of n, see the guidelines of faiss
_PROBES = 32


_Answer = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Some rows, their neighbors and the cosines, rows counted among the items that have features."""


class Neighbors(NamedTuple):
    """The nearest items of each item."""

    index: np.ndarray  # (n, k) int64, the nearest first; -1 where there is none
    similarity: np.ndarray  # (n, k) float32, cosine, -1 to 1; NaN where there is none


def nearest(features: np.ndarray, k: int = 50, *, block: int = BLOCK, seed: int = 0) -> Neighbors:
    """The `k` nearest others of each item by cosine; where there are fewer others, there are fewer columns.

    Exact (to the rounding of float32, equals in any order) up to 200,000 items; above that an inverted file of faiss
    (Johnson, Douze, Jégou, 2019, Billion-scale similarity search with GPUs) finds nearly all of them. Memory beside
    the features (n, d): `block` × 2 `block` similarities. A row of zeros (an image that did not decode) has no
    neighbors and is none.
    """
    features = _checked(features, k, block)
    lengths = np.sqrt(np.einsum("nd,nd->n", features, features))
    known = np.flatnonzero(lengths > 0)
    k = min(k, max(len(features) - 1, 0))
    index = np.full((len(features), k), -1, np.int64)
    similarity = np.full((len(features), k), np.nan, np.float32)
    columns = min(k, max(len(known) - 1, 0))
    if not columns:
        return Neighbors(index, similarity)
    items = _Items(features, lengths, known)
    many = len(known) > MOST_EXACT
    answers = _by_index(items, columns, block, seed) if many else _exact(items, columns, block)
    for rows, others, values in answers:
        index[known[rows], :columns] = np.where(others >= 0, known[others], -1)
        similarity[known[rows], :columns] = values
    return Neighbors(index, similarity)


class _Store(Protocol):
    """Features by content id, such as a `FeatureStore`."""

    def __contains__(self, content: object) -> bool: ...

    def array(self, contents: Sequence[str]) -> np.ndarray: ...


def distances_from(content: str, contents: Sequence[str], features: _Store) -> np.ndarray:
    """Cosine distance (n,) float32 of images from one: 0 is the same direction, 1 has nothing in common.

    Features are read block by block, so that there is never a copy of all. NaN where an image has none, or zeros.
    """
    own = features.array([content])[0]
    distance = np.full(len(contents), np.nan, np.float32)
    known = np.array([row for row, each in enumerate(contents) if each in features], dtype=np.int64)
    for start in range(0, len(known), BLOCK):
        rows = known[start : start + BLOCK]
        block = features.array([contents[row] for row in rows.tolist()])
        lengths = np.linalg.norm(block, axis=1) * np.linalg.norm(own)
        with np.errstate(invalid="ignore", divide="ignore"):
            distance[rows] = np.clip(1 - block @ own / lengths, 0, 2)
    return distance


def _checked(features: np.ndarray, k: int, block: int) -> np.ndarray:
    if np.ndim(features) != 2:
        raise BadInputError(f"features have shape {np.shape(features)}; give a table (items, dimensions).")
    check_whole("k", k, 1, kind=Integral)
    check_whole("block", block, 1, kind=Integral)
    features = np.asarray(features, np.float32)
    step = max(1, 2**24 // max(features.shape[1], 1))
    if not all(np.isfinite(features[at : at + step]).all() for at in range(0, len(features), step)):
        raise BadInputError(
            "features hold values that are not finite; put zeros where an item has no features."
        )
    return features


def _exact(items: _Items, k: int, block: int) -> Iterator[_Answer]:
    for start in range(0, len(items), block):
        rows = torch.arange(start, min(start + block, len(items)))
        own = items.unit(rows.numpy())
        best = torch.full((len(rows), k), -torch.inf, device=items.device)
        index = torch.zeros((len(rows), k), dtype=torch.int64, device=items.device)
        for at in range(0, len(items), 2 * block):
            similarity = own @ items.unit(slice(at, at + 2 * block)).T
            itself = (rows >= at) & (rows < at + 2 * block)
            similarity[itself.nonzero()[:, 0], rows[itself] - at] = -torch.inf
            values, others = similarity.topk(min(k, similarity.shape[1]), dim=1)
            best, order = torch.cat([best, values], 1).topk(k, dim=1)
            index = torch.cat([index, others + at], 1).gather(1, order)
        yield rows.numpy(), index.cpu().numpy(), best.clamp_(-1, 1).cpu().numpy()


class _Items:
    """Features of the items that have some, brought to length 1 when they are read, never all at once."""

    def __init__(self, features: np.ndarray, lengths: np.ndarray, known: np.ndarray) -> None:
        self.features, self.lengths, self.known = features, lengths, known
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.table = torch.from_numpy(features).to(self.device)

    def __len__(self) -> int:
        return len(self.known)

    def unit(self, rows: np.ndarray | slice) -> torch.Tensor:
        """(rows, d) float32 of length 1."""
        numbers = self.known[rows]
        lengths = torch.from_numpy(self.lengths[numbers])[:, None]
        return self._read(numbers).div_(lengths.to(self.device))

    def products(self, rows: np.ndarray, others: np.ndarray) -> torch.Tensor:
        """Cosine (rows, k) float32 of some rows with `others` (rows, k) of each."""
        numbers = self.known[others]
        theirs = self._read(numbers.ravel()).view(*numbers.shape, -1)
        lengths = torch.from_numpy(self.lengths[numbers]).to(self.device)
        return (theirs @ self.unit(rows)[:, :, None])[:, :, 0] / lengths

    def _read(self, numbers: np.ndarray) -> torch.Tensor:
        return self.table.index_select(0, torch.from_numpy(numbers).to(self.device))


def _by_index(items: _Items, k: int, block: int, seed: int) -> Iterator[_Answer]:
    """Nearly all of the nearest, by the lists of an inverted file whose middles are the most like the item."""
    try:
        faiss: Any = importlib.import_module("faiss")  # an extra, not known where types are checked
    except ImportError:
        raise BadInputError(
            f"{len(items):,} items came; up to {MOST_EXACT:,} are compared exactly, and more need an index: "
            "pip install 'bearwidgets[large]'."
        ) from None
    n_lists = int(_LISTS * len(items) ** 0.5)
    width = items.features.shape[1]
    index = faiss.index_factory(width, f"IVF{n_lists},SQfp16", faiss.METRIC_INNER_PRODUCT)
    index.nprobe, index.cp.seed = min(_PROBES, n_lists), seed
    sample = np.random.default_rng(seed).choice(len(items), min(len(items), 40 * n_lists), replace=False)
    index.train(items.unit(np.sort(sample)).cpu().numpy())
    parts = [np.arange(at, min(at + block, len(items))) for at in range(0, len(items), block)]
    for rows in parts:
        index.add(items.unit(rows).cpu().numpy())
    for rows in parts:
        _, others = index.search(items.unit(rows).cpu().numpy(), k + 1)
        yield _ranked(items, rows, others, k)


def _ranked(items: _Items, rows: np.ndarray, others: np.ndarray, k: int) -> _Answer:
    """The index' answer in float32, without the item itself; it may have found fewer than asked for."""
    missing = torch.from_numpy((others < 0) | (others == rows[:, None]))
    exact = items.products(rows, np.maximum(others, 0)).cpu()
    best, order = exact.masked_fill(missing, -torch.inf).topk(k, dim=1)
    found = np.take_along_axis(others, order.numpy(), 1)
    none = torch.isinf(best)
    values = best.clamp(-1, 1).masked_fill(none, torch.nan).numpy()
    return rows, np.where(none.numpy(), -1, found), values
