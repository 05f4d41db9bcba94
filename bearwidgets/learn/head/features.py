"""Features: what the body says of each image, computed once and kept.

The cache is keyed by the images' content, how they are decoded, the body's weights and the preprocessing, so it is
right by construction: other weights or other pixels have other keys. It lies in the user's cache folder as
safetensors shards, bounded in size, and may be deleted at any time.
"""

from __future__ import annotations

import contextlib
import functools
import json
import zlib
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import safetensors.torch
import torch

from bearwidgets.data.augment.loader import Batch, ImageFiles, load_batches
from bearwidgets.data.cache.cache_file import cache_dir
from bearwidgets.data.formats.images import DECODING
from bearwidgets.data.parallel import in_threads
from bearwidgets.files import write_atomic
from bearwidgets.learn import tensor_file
from bearwidgets.learn.network.model import fast_precision, fingerprint, for_inference, width
from bearwidgets.learn.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
    from pathlib import Path

    from torch import nn

    from bearwidgets.learn.input.preprocessing import Preprocessing

Result = TypeVar("Result")

BATCH, BATCH_BYTES = 8, 4 * 224 * 224 * 3 * 4
"""Most images and bytes of pixels in a batch: so few that what lies between two layers stays in a core's caches."""
MOST_WORKERS = 8
SHARD = 4096
MAX_BYTES = 2 * 2**30
CONTENTS = "contents"  # of a shard, in its header: the content ids of its rows


class FeatureStore:
    """Features of one body under one preprocessing, by content id, in memory and (if `keep`) on disk.

    Attributes:
        weights: hex hash of the body's weights.
        key: hex hash of weights, preprocessing and how files are decoded.
        problems: content id → reason, for images that could not be decoded.
    """

    def __init__(self, body: nn.Module, preprocessing: Preprocessing, *, keep: bool) -> None:
        self.body = body
        self.preprocessing = preprocessing
        self.precision = fast_precision(next(body.parameters()).device)
        read_as = f"{preprocessing}{self.precision}{DECODING}"
        self.weights = fingerprint(body)
        self.key = f"{self.weights}-{zlib.crc32(read_as.encode()):x}"
        self.problems: dict[str, str] = {}
        self._rows: dict[str, np.ndarray] = {}
        self._unwritten: list[str] = []
        self._folder = cache_dir() / "features" / self.key if keep else None
        self._read_shards()

    def __contains__(self, content: object) -> bool:
        return content in self._rows

    @property
    def width(self) -> int:
        """How many features there are of an image."""
        return width(self.body)

    def array(self, contents: Sequence[str]) -> np.ndarray:
        """Features (n, d), float32, of images that `compute` has seen."""
        if not len(contents):
            return np.zeros((0, self.width), np.float32)
        return np.stack([self._rows[each] for each in contents]).astype(np.float32)

    def compute(self, contents: Sequence[str], paths: Sequence[Path | bytes]) -> Iterator[Progress]:
        """Compute what is not there yet; what is done is kept even if the iteration is given up half-way."""
        wanted = {
            content: path
            for content, path in zip(contents, paths, strict=True)
            if content not in self._rows and content not in self.problems
        }
        keys, files = list(wanted), list(wanted.values())
        total, done = len(keys), 0
        loaded = small_batches(files, self.preprocessing, self.precision)
        try:
            with contextlib.closing(self._forward(loaded, keys)) as steps:
                for batch in steps:
                    self.problems.update({keys[row]: reason for row, reason in batch.problems.items()})
                    done += len(batch.rows) + len(batch.problems)
                    if len(self._unwritten) >= SHARD:
                        self._write_shard()
                    yield Progress("features", done, total)
        finally:
            self._write_shard()

    def forget(self, but: Sequence[str], *, most: int) -> None:
        """Drop the features of all contents but these, if there are more than `most`."""
        if len(self._rows) > most:
            self._rows = {each: self._rows[each] for each in but}

    def _forward(self, batches: Iterator[Batch], keys: Sequence[str]) -> Generator[Batch]:
        """Compute and keep the features of each batch."""
        # `_fast` is made here, before the workers ask for it
        device = next(self._fast.parameters()).device
        yield from on_all_cores(functools.partial(self._keep, keys), batches, device)

    def _keep(self, keys: Sequence[str], batch: Batch) -> Batch:
        for row, values in zip(batch.rows, self.of_pixels(batch.pixels), strict=True):
            self._rows[keys[row]] = values
            self._unwritten.append(keys[row])
        return batch

    @functools.cached_property
    def _fast(self) -> nn.Module:
        return for_inference(self.body, self.precision, self.preprocessing.size, self.preprocessing.channels)

    def network(self, precision: torch.dtype) -> nn.Module:
        """The body made ready for evaluation in this precision; the same each time in that of the features."""
        if precision == self.precision:
            return self._fast
        return for_inference(self.body, precision, self.preprocessing.size, self.preprocessing.channels)

    def of_pixels(self, pixels: np.ndarray) -> np.ndarray:
        """Features (n, d), float16, of pixels (n, size, size, bands), uint8 or float32."""
        if not len(pixels):
            return np.zeros((0, self.width), np.float16)
        device = next(self._fast.parameters()).device
        with torch.inference_mode():
            images = self.preprocessing.normalize(pixels, device).to(self.precision)
            features = self._fast(images).float()
        return features.clamp(-65504, 65504).cpu().numpy().astype(np.float16)

    def _read_shards(self) -> None:
        for path in sorted(self._folder.glob("*.safetensors")) if self._folder else []:
            try:
                contents, tensors = tensor_file.read(path, CONTENTS)
                values = tensors["features"].numpy()
            except (ValueError, KeyError, TypeError):
                continue  # a damaged cache file is no loss: its features are computed again
            known = isinstance(contents, list) and all(isinstance(each, str) for each in contents)
            if known and values.shape == (len(contents), self.width) and np.isfinite(values).all():
                self._rows.update(zip(contents, values, strict=True))

    def _write_shard(self) -> None:
        contents = self._unwritten[:]
        del self._unwritten[: len(contents)]
        if self._folder is None or not contents:
            return
        values = {"features": torch.from_numpy(np.stack([self._rows[each] for each in contents]))}
        plain, header = tensor_file.packed(values, CONTENTS, json.dumps(contents))
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            data = safetensors.torch.save(plain, metadata=header)
            write_atomic(self._folder / f"{contents[0]}.safetensors", data, sync=False)
            _bound(self._folder.parent)
        except OSError:  # a cache that cannot be written is done without
            self._folder = None


def small_batches(
    files: Sequence[Path | bytes], preprocessing: Preprocessing, precision: torch.dtype
) -> Generator[Batch]:
    """The images of some files as a body sees them, so few a batch as `BATCH` and `BATCH_BYTES` say."""
    pixels = preprocessing.size**2 * preprocessing.channels
    step = max(1, min(BATCH, BATCH_BYTES // (pixels * precision.itemsize)))
    batches = [range(start, min(start + step, len(files))) for start in range(0, len(files), step)]
    images = ImageFiles(files, preprocessing.open, presize=None, budget=0)  # each is needed once
    return load_batches(images, batches, preprocessing.resizer)


def on_all_cores(
    work: Callable[[Batch], Result], batches: Iterable[Batch], device: torch.device
) -> Generator[Result]:
    """What a network makes of each batch, in their order; on a CPU several at once, each on a core of its own.

    Two cores on two batches do as much as two cores on one where nothing else runs, and three times as much where
    something does: nobody waits for the slower core after every layer.
    """
    threads = torch.get_num_threads()
    workers = min(MOST_WORKERS, threads) if device.type == "cpu" else 1
    done = in_threads(
        work,
        batches,
        threads=workers,
        ahead=workers,
        setup=functools.partial(torch.set_num_threads, threads // workers),
    )
    try:
        with contextlib.closing(done):
            yield from done
    finally:
        torch.set_num_threads(threads)  # torch takes a worker's number for the default of later threads


def _bound(folder: Path) -> None:
    """Remove the oldest shards until the cache is within `MAX_BYTES`."""
    shards = sorted(
        ((path.stat(), path) for path in folder.glob("*/*.safetensors")), key=lambda each: each[0].st_mtime
    )
    size = sum(stat.st_size for stat, _ in shards)
    for stat, path in shards:
        if size <= MAX_BYTES:
            return
        path.unlink(missing_ok=True)
        size -= stat.st_size
