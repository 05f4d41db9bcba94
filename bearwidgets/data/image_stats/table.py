"""Statistics of the pixels of every image of a data set, from one decode in threads, kept by content."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from bearwidgets.data.cache.cache_file import CacheFile, cache_dir
from bearwidgets.data.formats.images import bytes_of
from bearwidgets.data.image_stats.pixel_stats import NAMES, SMALL, PixelStats, measure
from bearwidgets.data.parallel import in_threads
from bearwidgets.errors import ImageError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping
    from pathlib import Path

    from bearwidgets.data.item_table import ItemTable

_SCHEMA = 5  # goes up when a value is measured otherwise
_COLUMNS = "(content TEXT PRIMARY KEY, figures BLOB, small BLOB, format TEXT, frames INTEGER)"
_BATCH = 8  # images that a thread takes at once


def image_stats_of(ds: ItemTable, *, cache: ImageStatsCache | None = None) -> pd.DataFrame:
    """Measure the pixels of every image, each content once, those that were measured before not again.

    They are taken at a short side of at most 256 px. A file that cannot be decoded has its reason in `problem`
    and NaN elsewhere.

    Args:
        ds: The data set.
        cache: The user's cache if not given.

    Returns:
        A row for each row of `ds.table`, in its order:

        - brightness: mean, 0 to 1; p1, p5, p50, p95, p99: its percentiles.
        - contrast: p99 - p1, 0 to 1.
        - blur: width of the sharpest quarter of the steepest edges, px, 0 to 8; NaN if empty.
        - entropy: of the gray levels, 0 to 8 bits.
        - colorfulness: 0 is gray, 109 extremely colorful; chroma: distance of the most colorful hundredth from
          gray, 0 to 1.
        - bar_left, bar_top, bar_right, bar_bottom: share of the image that a bar of one tone takes.
        - size: square root of width times height, px; shape: width / height.
        - format: as the bytes say; frames: 1, or more for an animation.
        - small: bytes of the whole image at 32 × 32 px in gray, squished.
        - problem: why it cannot be decoded, "" if it can.

    Example:
        >>> stats = image_stats_of(ds)
        >>> len(stats) == len(ds), sorted(set(stats.format))
        (True, ['JPEG', 'PNG'])
    """
    steps = measuring(ds, cache=cache)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def measuring(
    ds: ItemTable, *, cache: ImageStatsCache | None = None
) -> Generator[tuple[int, int], None, pd.DataFrame]:
    """As `image_stats_of`, step by step: yields how many images are done, and of how many."""
    contents = ds.table["content"]
    paths = [ds.path_of(id_) for id_ in ds.table["id"]]
    stats, problems = yield from _stats_of(
        dict(zip(contents, paths, strict=True)), ImageStatsCache() if cache is None else cache
    )
    unknown = PixelStats(np.full(len(NAMES), np.nan, np.float32), np.zeros((SMALL, SMALL), np.uint8), "", 0)
    rows = [stats.get(content, unknown) for content in contents]
    values = np.array([each.stats for each in rows], dtype=np.float64).reshape(-1, len(NAMES))
    frame = pd.DataFrame(values, columns=list(NAMES))
    width, height = (ds.table[side].to_numpy(dtype=np.float64) for side in ("width", "height"))
    small = np.array([each.small for each in rows], dtype=np.uint8).reshape(-1, SMALL, SMALL)
    return frame.assign(
        size=np.sqrt(width * height),
        shape=width / height,
        format=[each.format for each in rows],
        frames=[each.frames for each in rows],
        small=[each.tobytes() for each in small],
        problem=[
            problems.get(content) or _missing(path) for content, path in zip(contents, paths, strict=True)
        ],
    )


def small_images(stats: pd.DataFrame) -> np.ndarray:
    """The small copies (n, 32, 32), uint8, of the column `small`."""
    return np.frombuffer(b"".join(stats["small"]), np.uint8).reshape(-1, SMALL, SMALL)


def _stats_of(
    files: Mapping[str, Path], cache: ImageStatsCache
) -> Generator[tuple[int, int], None, tuple[dict[str, PixelStats], dict[str, str]]]:
    """Statistics and problems by content."""
    known = cache.get(files)
    missing = [content for content in files if content not in known]
    fresh: dict[str, PixelStats] = {}
    problems: dict[str, str] = {}
    paths = (files[content] for content in missing)
    for done, result in enumerate(in_threads(_try, paths, batch=_BATCH)):
        content = missing[done]
        if isinstance(result, str):
            problems[content] = result
        else:
            fresh[content] = result
        yield done + 1, len(missing)
    cache.put(fresh)
    return known | fresh, problems


def _try(path: Path) -> PixelStats | str:
    try:
        with bytes_of(path) as data:
            return measure(data)
    except ImageError as error:
        return str(error)


def _missing(path: Path) -> str:
    """A file may have gone since the data set was opened, and its statistics are kept by its content."""
    return "" if path.exists() else "The file is gone."


class ImageStatsCache:
    """Statistics by content id in SQLite: safe to delete at any time, shared by processes, not needed to work.

    Args:
        folder: The user's cache folder if not given.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.path = (cache_dir() if folder is None else folder) / "image_stats.sqlite"
        self._file = CacheFile(self.path, _COLUMNS, _SCHEMA)

    def get(self, contents: Iterable[str]) -> dict[str, PixelStats]:
        """Those that are kept."""
        found: dict[str, PixelStats] = {}
        for content, figures, small, format_, frames in self._file.get(contents):
            values = np.frombuffer(figures, np.float32)
            pixels = np.frombuffer(small, np.uint8)
            if len(values) == len(NAMES) and len(pixels) == SMALL * SMALL:
                found[content] = PixelStats(values, pixels.reshape(SMALL, SMALL), format_, frames)
        return found

    def put(self, stats: Mapping[str, PixelStats]) -> None:
        """Keep some; a cache that cannot be written is done without."""
        rows = [
            (content, each.stats.tobytes(), each.small.tobytes(), each.format, each.frames)
            for content, each in stats.items()
        ]
        with contextlib.suppress(sqlite3.Error, OSError):
            self._file.put(rows)
