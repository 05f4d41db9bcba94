"""Copies of one image: candidates by their lowest waves and by features, verified on the pixels."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PIL import Image

from bearwidgets.data.formats.images import open_image
from bearwidgets.data.image_stats.table import small_images
from bearwidgets.data.parallel import in_threads, one_thread
from bearwidgets.errors import ImageError
from bearwidgets.figures import percent
from bearwidgets.review.checks.alignment import EVEN, Pairs, refine, unit_waves, views, window_waves, windows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import pandas as pd

    from bearwidgets.data.dataset import Dataset
    from bearwidgets.review.neighbors import Neighbors

MOST_WINDOWED = 4_000
"""Images up to which every window of every image is compared with every other image; above, whole images are,
and windows only of those that are neighbors by their features."""

_CANDIDATES = 4  # for each image, those that look most like it
_LOOKS_ALIKE = 0.8  # correlation of the lowest waves of a candidate
_ROUGHLY = 0.75  # correlation of 16 × 16 points after alignment
SURE = 0.8
"""Similarity from which two images are called copies: the median correlation of the details in 36 parts of them.

Details are what the lowest waves, by which candidates are chosen, do not tell; in the median a stamp or blown-out
lights do not count. Other photos hardly come above 0.6.
"""
_ALL = 0.5  # the details of all parts together have to agree as well
# px of the short side; so small an image has few details, which may agree by chance
_TINY, _TINY_SURE = 64, 0.85
_FAINT = 64 * 2.0**2  # squared gray levels of a part of 64 points: below two levels a point it is rounding
_MOST_NEIGHBORS = 4_000  # pairs by features, the most similar ones
_SIDE = 128  # px of the images on which a candidate is verified
_POINTS = 48
_ROUNDS = 6  # on the larger images, where the window is nearly right already
_BLOCK = 256


class Copies(NamedTuple):
    """Pairs of rows that show the same image."""

    first: np.ndarray  # (m,) row of the image that shows more
    second: np.ndarray  # (m,) row of the other
    similarity: np.ndarray  # (m,) median correlation of the details in 36 parts of them, 0 to 1
    how: np.ndarray  # (m,) what was done to the second one: "cropped to 59 % and mirrored"

    def at_least(self, similarity: float) -> Copies:
        """The pairs from a similarity on."""
        rows = self.similarity >= similarity
        return Copies(*(field[rows] for field in self))


def find_copies(
    ds: Dataset, image_stats: pd.DataFrame, neighbors: Neighbors | None = None, *, least: float = SURE
) -> Copies:
    """Pairs of images that are copies but not the same bytes: crop, resize, recompression, flip, color shift.

    Each content takes part once, by its first row. Neighbors by features find crops in data sets of more than 4,000
    images. No copy has a similarity below 0.5 nor, of small images, below 0.85, whatever `least` is.
    """
    good = (image_stats["problem"] == "").to_numpy() & ~ds.table["content"].duplicated().to_numpy()
    rows = np.flatnonzero(good)
    small = small_images(image_stats.iloc[rows])
    with one_thread():  # the products are so small that threads of linear algebra wait more than they work
        pairs = _candidates(small)
        if neighbors is not None:
            near = _by_features(small, _among(neighbors, rows))
            pairs = Pairs(*(np.concatenate(both) for both in zip(pairs, near, strict=True)))
        pairs = _prune(small, pairs)
        paths = [ds.path_of(id_) for id_ in ds.table["id"].iloc[rows]]
        tiny = ds.table[["width", "height"]].min(axis=1).to_numpy()[rows] < _TINY
        pairs, similarity = _by_blocks(pairs, lambda some: _verify(paths, tiny, some))
    how = np.array([_how(*each) for each in zip(pairs.map, pairs.flipped, strict=True)], dtype=object)
    return Copies(rows[pairs.whole], rows[pairs.part], similarity, how).at_least(max(least, _ALL))


def _candidates(small: np.ndarray) -> Pairs:
    """The images that most likely hold each image as a window (or as a whole, in large data sets)."""
    n = len(small)
    known = unit_waves(small)
    places = windows() if n <= MOST_WINDOWED else windows()[:1]
    best = np.full((n, _CANDIDATES), -1.0, np.float32)
    held = np.zeros((n, _CANDIDATES, 3), np.int64)  # whole, window, flipped

    def look(block: tuple[int, np.ndarray]) -> tuple[int, np.ndarray, np.ndarray, np.ndarray]:
        start, some = block
        waves = window_waves(some, places) if len(places) > 1 else known[start : start + len(some), None]
        return start, *_best_window(waves, known)

    for start, score, window, flipped in in_threads(look, _blocks_of(small, len(places))):
        wholes = len(score)
        score[np.arange(wholes), start + np.arange(wholes)] = -1
        number = np.broadcast_to(start + np.arange(wholes)[:, None], score.shape)
        fresh = np.stack([number, window, flipped], axis=2)
        every = np.concatenate([best, score.T], axis=1)
        order = np.argpartition(-every, _CANDIDATES - 1, axis=1)[:, :_CANDIDATES]
        best = np.take_along_axis(every, order, axis=1)
        both = np.concatenate([held, fresh.transpose(1, 0, 2)], axis=1)
        held = np.take_along_axis(both, order[:, :, None], axis=1)
    part, slot = np.nonzero(best >= _LOOKS_ALIKE)
    whole, window, flipped = held[part, slot].T
    return Pairs(whole, part, flipped.astype(bool), places[window])


def _blocks_of(small: np.ndarray, n_places: int) -> Iterator[tuple[int, np.ndarray]]:
    """Some images at a time, as many as have few windows together, with the number of the first one."""
    step = max(1, _BLOCK // n_places) if n_places > 1 else _BLOCK
    for start in range(0, len(small), step):
        yield start, small[start : start + step]


def _best_window(waves: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For some images and all images: correlation of the best window, its number, is it flipped."""
    even = waves[:, :, :EVEN] @ known[:, :EVEN].T
    odd = waves[:, :, EVEN:] @ known[:, EVEN:].T
    score = even + np.abs(odd)
    window = score.argmax(1)
    chosen = window[:, None]
    flipped = np.take_along_axis(odd, chosen, axis=1)[:, 0] < 0
    return np.take_along_axis(score, chosen, axis=1)[:, 0], window, flipped


def _among(neighbors: Neighbors, rows: np.ndarray) -> np.ndarray:
    """(m, 2) pairs of numbers among `rows` that are nearest to one another by features, the most similar first."""
    number = np.full(len(neighbors.index), -1)
    number[rows] = np.arange(len(rows))
    near = neighbors.index[rows][:, :_CANDIDATES]
    similarity = neighbors.similarity[rows][:, :_CANDIDATES]
    first = np.repeat(np.arange(len(rows)), near.shape[1])
    second = np.where(near >= 0, number[near], -1).ravel()
    order = np.argsort(-np.nan_to_num(similarity.ravel(), nan=-1), kind="stable")
    pairs = np.stack([first, second], axis=1)[order]
    return pairs[(pairs[:, 1] >= 0)][:_MOST_NEIGHBORS]


def _by_features(small: np.ndarray, near: np.ndarray) -> Pairs:
    """Pairs with the window of each image in which the other fits best, both ways round."""
    places = windows()
    both = np.unique(np.concatenate([near, near[:, ::-1]]), axis=0)
    known = unit_waves(small)
    window, flipped = np.zeros(len(both), np.int64), np.zeros(len(both), bool)
    starts = np.flatnonzero(np.diff(both[:, 0], prepend=-1))
    for start, end in itertools.pairwise([*starts, len(both)]):
        whole = both[start, 0]
        waves = window_waves(small[whole : whole + 1], places)
        _, best, flip = _best_window(waves, known[both[start:end, 1]])
        window[start:end], flipped[start:end] = best[0], flip[0]
    return Pairs(both[:, 0], both[:, 1], flipped, places[window])


def _by_blocks(pairs: Pairs, work: Callable[[Pairs], tuple[Pairs, np.ndarray]]) -> tuple[Pairs, np.ndarray]:
    """The pairs with the windows, and the figure of each, that `work` gives for a block of them."""
    blocks = (pairs.at(slice(start, start + _BLOCK)) for start in range(0, len(pairs.part), _BLOCK))
    parts = list(in_threads(work, blocks))
    maps = np.concatenate([pairs.map[:0], *(part.map for part, _ in parts)])
    return pairs._replace(map=maps), np.concatenate([np.zeros(0), *(figure for _, figure in parts)])


def _prune(small: np.ndarray, pairs: Pairs) -> Pairs:
    """Those that agree on the small images too, each two images once, the way round that agrees best."""
    pairs, agree = _by_blocks(pairs, lambda some: refine(small, some, 16))
    order = np.argsort(-agree, kind="stable")
    order = order[agree[order] >= _ROUGHLY]
    ends = np.sort(np.stack([pairs.whole[order], pairs.part[order]], axis=1), axis=1)
    _, first = np.unique(ends, axis=0, return_index=True)
    return pairs.at(order[np.sort(first)])


def _verify(paths: Sequence[object], tiny: np.ndarray, pairs: Pairs) -> tuple[Pairs, np.ndarray]:
    """The pairs aligned on larger images, and how similar they are; 0 where details disagree."""
    used, numbers = np.unique(np.concatenate([pairs.whole, pairs.part]), return_inverse=True)
    images = np.stack(list(in_threads(_open, [paths[row] for row in used])))
    here = pairs._replace(whole=numbers[: len(pairs.part)], part=numbers[len(pairs.part) :])
    here, match = refine(images, here, _POINTS, _ROUNDS)
    seen = views(images[here.whole], here.map, _POINTS)
    shown = images[here.part].astype(np.float32)
    shown[here.flipped] = shown[here.flipped, :, ::-1]
    full = np.tile([1.0, 0.0, 1.0, 0.0], (len(shown), 1))
    parts, every = _agreement(_details(seen), _details(views(shown, full, _POINTS)))
    least = np.where(tiny[pairs.whole] | tiny[pairs.part], _TINY_SURE, _ALL)
    similarity = np.where(least > _ALL, np.minimum(parts, every), parts)
    return pairs._replace(map=here.map), np.where(
        (match > 0) & (np.minimum(similarity, every) >= least), similarity, 0
    )


def _open(path: object) -> np.ndarray:
    try:
        image = open_image(path, at_least=_SIDE)  # ty: ignore[invalid-argument-type]
    except ImageError:  # gone since it was looked at
        return np.zeros((_SIDE, _SIDE), np.uint8)
    return np.asarray(image.convert("L").resize((_SIDE, _SIDE), Image.Resampling.BILINEAR))


def _details(images: np.ndarray) -> np.ndarray:
    """Images (m, side, side) as parts of 8 × 8 points less their means, (m, parts, 64)."""
    m, side, _ = images.shape
    parts = images.reshape(m, side // 8, 8, side // 8, 8).transpose(0, 1, 3, 2, 4).reshape(m, -1, 64)
    return parts - parts.mean(2, keepdims=True)


def _agreement(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cosines of details: the median (m,) over the parts that have any, and that of all parts together.

    Where a third of the parts or more has no details, the median says little, and the lesser of both is taken.
    """
    product, one, two = (a * b).sum(2), (a * a).sum(2), (b * b).sum(2)
    parts = np.where(np.maximum(one, two) >= _FAINT, product / np.sqrt(one * two + 1), np.nan)
    every = product.sum(1) / np.sqrt(one.sum(1) * two.sum(1) + 1)
    few = np.isnan(parts).mean(1) >= 1 / 3
    parts[np.isnan(parts).all(1)] = 0
    median = np.nanmedian(parts, axis=1)
    return np.where(few, np.minimum(median, every), median), every


def _how(place: np.ndarray, flipped: np.bool) -> str:
    """What was done to an image, in words."""
    area = place[0] * place[2]
    done = [f"cropped to {percent(area)}"] if area < 0.95 else []
    done += ["mirrored"] if flipped else []
    return " and ".join(done) or "resized, recolored or saved again"
