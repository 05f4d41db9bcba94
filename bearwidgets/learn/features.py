"""Features: what the body says of each picture, computed once and kept.

The cache is keyed by the pictures' content, the body's weights and the preprocessing, so it is right by
construction: other weights or other pixels have other keys. It lies in the user's cache folder as safetensors
shards, bounded in size, and may be deleted at any time.
"""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import safetensors
import safetensors.numpy
import torch

from bearwidgets.data.identity import cache_dir
from bearwidgets.data.transforms import load_batches
from bearwidgets.learn.model import Preprocessing, fast_precision, fingerprint, for_inference, width

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from torch import nn

BATCH = 16
SHARD = 4096
MAX_BYTES = 2 * 2**30


@dataclass(frozen=True)
class Progress:
    """Where a training stands.

    Attributes:
        stage: what is being done, in words.
        step: steps of this stage that are done.
        total: steps of this stage.
        epoch: epochs done, as a fraction; 0 outside the epochs.
        train_loss: smoothed training loss (mean log-loss), if there is one.
        valid_loss: mean log-loss on the evaluation split, at the end of an epoch.
        valid_error: share of the evaluation split that is wrong, 0 to 1, at the end of an epoch.
    """

    stage: str
    step: int
    total: int
    epoch: float = 0.0
    train_loss: float | None = None
    valid_loss: float | None = None
    valid_error: float | None = None


class FeatureStore:
    """Features of one body under one preprocessing, by content id, in memory and (if `keep`) on disk.

    Attributes:
        key: hex hash of weights and preprocessing.
        problems: content id → reason, for pictures that could not be decoded.
    """

    def __init__(self, body: nn.Module, preprocessing: Preprocessing, *, keep: bool) -> None:
        self.body = body
        self.preprocessing = preprocessing
        self.precision = fast_precision(next(body.parameters()).device)
        self.key = f"{fingerprint(body)}-{abs(_stable_hash(preprocessing, self.precision)):x}"
        self.problems: dict[str, str] = {}
        self._rows: dict[str, np.ndarray] = {}
        self._fast: nn.Module | None = None
        self._folder = cache_dir() / "features" / self.key if keep else None
        if self._folder is not None:
            self._read_shards()

    def array(self, contents: Sequence[str]) -> np.ndarray:
        """Features (n, d), float32, of pictures that `compute` has seen."""
        if not len(contents):
            return np.zeros((0, width(self.body)), np.float32)
        return np.stack([self._rows[each] for each in contents]).astype(np.float32)

    def compute(self, contents: Sequence[str], paths: Sequence[Path]) -> Iterator[Progress]:
        """Compute what is not there yet; what is done is kept even if the iteration is given up half-way."""
        wanted = {
            content: path
            for content, path in zip(contents, paths, strict=True)
            if content not in self._rows and content not in self.problems
        }
        keys, files = list(wanted), list(wanted.values())
        total, fresh, done = len(keys), [], 0
        batches = [range(start, min(start + BATCH, total)) for start in range(0, total, BATCH)]
        transform, size = self.preprocessing.squeeze, self.preprocessing.size
        try:
            for batch in load_batches(files, batches, transform, at_least=size):
                if len(batch.rows):
                    for row, values in zip(batch.rows, self.of_pixels(batch.pixels), strict=True):
                        self._rows[keys[row]] = values
                        fresh.append(keys[row])
                self.problems.update({keys[row]: reason for row, reason in batch.problems.items()})
                done += len(batch.rows) + len(batch.problems)
                if len(fresh) >= SHARD:
                    self._write_shard(fresh)
                    fresh = []
                yield Progress("features", done, total)
        finally:
            self._write_shard(fresh)

    def of_pixels(self, pixels: np.ndarray) -> np.ndarray:
        """Features (n, d), float16, of pixels (n, size, size, 3), uint8."""
        if self._fast is None:
            self._fast = for_inference(self.body, self.precision, self.preprocessing.size)
        device = next(self._fast.parameters()).device
        with torch.inference_mode():
            pictures = self.preprocessing.normalise(pixels, device).to(self.precision)
            features = self._fast(pictures).float()
        return features.clamp(-65504, 65504).cpu().numpy().astype(np.float16)

    def _read_shards(self) -> None:
        for path in sorted(self._folder.glob("*.safetensors")) if self._folder else []:
            try:
                with safetensors.safe_open(path, "numpy") as shard:
                    contents = json.loads((shard.metadata() or {})["contents"])
                    values = shard.get_tensor("features")
            except (safetensors.SafetensorError, OSError, KeyError, ValueError):
                continue  # a damaged cache file is no loss: its features are computed again
            if values.shape == (len(contents), width(self.body)):
                self._rows.update(zip(contents, values, strict=True))

    def _write_shard(self, contents: list[str]) -> None:
        if self._folder is None or not contents:
            return
        values = {"features": np.stack([self._rows[each] for each in contents])}
        data = safetensors.numpy.save(values, metadata={"contents": json.dumps(contents)})
        temporary = self._folder / f"{contents[0]}.{os.getpid()}.part"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            temporary.write_bytes(data)
            temporary.replace(temporary.with_name(f"{contents[0]}.safetensors"))
            _bound(self._folder.parent)
        except OSError:  # a cache that cannot be written is done without
            self._folder = None
            with contextlib.suppress(OSError):
                temporary.unlink()


def _stable_hash(preprocessing: Preprocessing, precision: torch.dtype) -> int:
    import zlib

    return zlib.crc32(f"{preprocessing}{precision}".encode())


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
