"""Figures of every picture of a data set, from one decode in threads, kept by content."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from bearwidgets.data.cache.cache_file import CacheFile
from bearwidgets.data.formats.images import read_bytes
from bearwidgets.data.identity import cache_dir
from bearwidgets.data.image_stats.hashes import difference_hash, perceptual_hash
from bearwidgets.data.image_stats.measure import FIGURES, SMALL, Looked, look
from bearwidgets.errors import ImageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from bearwidgets.data.dataset import Dataset

_SCHEMA = 2  # goes up when a figure is measured otherwise
_COLUMNS = "(content TEXT PRIMARY KEY, figures BLOB, small BLOB, format TEXT, frames INTEGER)"
_BATCH = 8  # pictures that one task of the pool takes
_MOST_THREADS = 16


def looks_of(ds: Dataset, *, cache: LooksCache | None = None) -> pd.DataFrame:
    """Measure the pixels of every picture, each content once, those that were measured before not again.

    Figures are taken at a short side of at most 256 px. A file that cannot be decoded has its reason in `problem`
    and NaN elsewhere.

    Args:
        ds: The data set.
        cache: The user's cache if not given.

    Returns:
        A row for each row of `ds.table`, in its order:

        - brightness: mean, 0 to 1; p1, p5, p50, p95, p99: its percentiles.
        - contrast: p99 - p1, 0 to 1.
        - blur: width of the sharpest quarter of the steepest edges, px, 0 to 8; NaN if empty.
        - entropy: of the grey levels, 0 to 8 bits.
        - colorfulness: 0 is grey, 109 extremely colourful; chroma: distance of the most colourful hundredth from
          grey, 0 to 1.
        - bar_left, bar_top, bar_right, bar_bottom: share of the picture that a bar of one tone takes.
        - size: square root of width times height, px; shape: width / height.
        - format: as the bytes say; frames: 1, or more for an animation.
        - phash, dhash: perceptual hashes of the small copy, and phash_flipped of its mirror image, uint64.
        - small: bytes of the whole picture at 32 × 32 px in grey, squished.
        - problem: why it cannot be decoded, "" if it can.

    Example:
        >>> looks_of(Dataset.from_folder("bears"))[["brightness", "blur"]]  # doctest: +SKIP
    """
    contents = ds.table["content"]
    paths = [ds.path_of(id_) for id_ in ds.table["id"]]
    looked, problems = _look_at(
        dict(zip(contents, paths, strict=True)), LooksCache() if cache is None else cache
    )
    unknown = Looked(np.full(len(FIGURES), np.nan, np.float32), np.zeros((SMALL, SMALL), np.uint8), "", 0)
    rows = [looked.get(content, unknown) for content in contents]
    figures = np.array([each.figures for each in rows], dtype=np.float64).reshape(-1, len(FIGURES))
    frame = pd.DataFrame(figures, columns=list(FIGURES))
    width, height = (ds.table[side].to_numpy(dtype=np.float64) for side in ("width", "height"))
    small = np.array([each.small for each in rows], dtype=np.uint8).reshape(-1, SMALL, SMALL)
    return frame.assign(
        size=np.sqrt(width * height),
        shape=width / height,
        format=[each.format for each in rows],
        frames=[each.frames for each in rows],
        phash=perceptual_hash(small),
        phash_flipped=perceptual_hash(small[:, :, ::-1]),
        dhash=difference_hash(small),
        small=[each.tobytes() for each in small],
        problem=[
            problems.get(content) or _missing(path) for content, path in zip(contents, paths, strict=True)
        ],
    )


def small_pictures(looks: pd.DataFrame) -> np.ndarray:
    """The small copies (n, 32, 32), uint8, of the column `small`."""
    return np.frombuffer(b"".join(looks["small"]), np.uint8).reshape(-1, SMALL, SMALL)


def _look_at(files: Mapping[str, Path], cache: LooksCache) -> tuple[dict[str, Looked], dict[str, str]]:
    """Looks and problems by content."""
    looked = cache.get(files)
    missing = [content for content in files if content not in looked]
    batches = [missing[start : start + _BATCH] for start in range(0, len(missing), _BATCH)]
    fresh: dict[str, Looked] = {}
    problems: dict[str, str] = {}

    def measure(batch: list[str]) -> list[Looked | str]:
        return [_try(files[content]) for content in batch]

    with ThreadPoolExecutor(min(_MOST_THREADS, os.cpu_count() or 1)) as pool:
        for batch, results in zip(batches, pool.map(measure, batches), strict=True):
            for content, result in zip(batch, results, strict=True):
                if isinstance(result, str):
                    problems[content] = result
                else:
                    fresh[content] = result
    cache.put(fresh)
    return looked | fresh, problems


def _try(path: Path) -> Looked | str:
    try:
        return look(read_bytes(path))
    except ImageError as error:
        return str(error)


def _missing(path: Path) -> str:
    """A file may have gone since the data set was opened, and its looks are kept by its content."""
    return "" if path.exists() else "The file is gone."


class LooksCache:
    """Looks by content id in SQLite; safe to delete at any time, shared by processes, done without where it fails.

    Args:
        folder: The user's cache folder if not given.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.path = (cache_dir() if folder is None else folder) / "looks.sqlite"
        self._file = CacheFile(self.path, _COLUMNS, _SCHEMA)

    def get(self, contents: Iterable[str]) -> dict[str, Looked]:
        """Those that are kept."""
        found: dict[str, Looked] = {}
        for content, figures, small, format_, frames in self._file.get(contents):
            values = np.frombuffer(figures, np.float32)
            pixels = np.frombuffer(small, np.uint8)
            if len(values) == len(FIGURES) and len(pixels) == SMALL * SMALL:
                found[content] = Looked(values, pixels.reshape(SMALL, SMALL), format_, frames)
        return found

    def put(self, looked: Mapping[str, Looked]) -> None:
        """Keep some; a cache that cannot be written is done without."""
        rows = [
            (content, each.figures.tobytes(), each.small.tobytes(), each.format, each.frames)
            for content, each in looked.items()
        ]
        with contextlib.suppress(sqlite3.Error, OSError):
            self._file.put(rows)
