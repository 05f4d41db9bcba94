"""The feature cache: right by construction, and no loss when it is damaged, unwritable or cut short."""

from __future__ import annotations

import errno
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
import torch
from made_data import squeezed

import bearwidgets.learn.head.features as module
from bearwidgets.data.cache.cache_file import cache_dir
from bearwidgets.data.identity import content_id
from bearwidgets.learn.head.features import FeatureStore
from bearwidgets.learn.input.preprocessing import Preprocessing, Projection
from bearwidgets.learn.network.model import create_body

SIZE = 32


def store(seed: int = 0, size: int = SIZE, *, keep: bool = True) -> FeatureStore:
    body, _, _, preprocessing = create_body("test_resnet", None, size, seed)
    return FeatureStore(body, preprocessing, keep=keep)


def filled(paths: list[Path], **options) -> FeatureStore:
    made = store(**options)
    list(made.compute(contents(paths), paths))
    return made


def contents(paths: list[Path]) -> list[str]:
    return [content_id(path) for path in paths]


def shards() -> list[Path]:
    return sorted((cache_dir() / "features").glob("*/*.safetensors"))


def test_features_are_those_of_the_body(paths, monkeypatch):
    monkeypatch.setattr(module, "fast_precision", lambda _: torch.float32)
    made = filled(paths)
    assert made.preprocessing.interpolation == "bilinear"  # that of this architecture
    pixels = np.stack([squeezed(path) for path in paths])
    with torch.inference_mode():
        wanted = made.body(made.preprocessing.normalize(pixels, torch.device("cpu"))).numpy()
    got = made.array(contents(paths))
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, wanted, rtol=2e-3, atol=1e-3 * np.abs(wanted).max())


def test_progress_counts_every_picture_and_a_second_store_reads_them_from_disk(paths, computed):
    first = store()
    steps = list(first.compute(contents(paths), paths))
    assert [step.step for step in steps] == [8, 16, 24]
    assert {(step.stage, step.total) for step in steps} == {("features", 24)}
    assert sum(computed) == len(paths)
    second = filled(paths)
    assert sum(computed) == len(paths)
    assert (first.array(contents(paths)) == second.array(contents(paths))).all()


@pytest.mark.parametrize("other", [{"seed": 1}, {"size": 48}])
def test_other_weights_or_another_size_have_another_key(paths, computed, other):
    first = filled(paths[:4])
    second = filled(paths[:4], **other)
    assert first.key != second.key
    assert computed == [4, 4]


def test_any_part_of_the_preprocessing_is_in_the_key():
    body = store().body
    plain = Preprocessing(SIZE, (0.5,) * 3, (0.5,) * 3, "bicubic")
    rows = ((1.0,) * 3,) * 3
    changes = [
        *({}, {"mean": (0.4,) * 3}, {"std": (0.4,) * 3}, {"interpolation": "bilinear"}, {"resize": "crop"}),
        *({"pca": Projection(rows, offset)} for offset in ((0.0,) * 3, (0.0, 0.0, 1e-9))),
    ]
    keys = {FeatureStore(body, replace(plain, **each), keep=False).key for each in changes}
    assert len(keys) == len(changes)


def test_how_files_are_decoded_is_in_the_key(monkeypatch):
    before = store(keep=False).key
    monkeypatch.setattr(module, "DECODING", module.DECODING + 1)
    assert store(keep=False).key != before


def test_pictures_of_many_bands_have_features(tmp_path):
    generator = np.random.default_rng(0)
    files = [tmp_path / f"{number}.npy" for number in range(3)]
    for file in files:
        np.save(file, generator.random((40, 50, 5), dtype=np.float32))
    files.append(tmp_path / "other.npy")
    np.save(files[-1], np.zeros((9, 9, 4), np.float32))
    pca = Projection(tuple(map(tuple, np.eye(3, 5).tolist())), (0.0,) * 3)
    body = store().body
    made = FeatureStore(body, Preprocessing(SIZE, (0.5,) * 3, (0.5,) * 3, in_chans=5, pca=pca), keep=False)
    list(made.compute(contents(files), files))
    features = made.array(contents(files[:3]))
    assert np.isfinite(features).all()
    assert np.abs(features[0] - features[1]).max() > 0
    assert list(made.problems.values()) == [
        "it has 4 bands, but in_chans=5 is asked for: pass in_chans=4, or take it out of the data"
    ]


def test_equal_bytes_are_computed_once_wherever_they_lie(paths, computed, tmp_path):
    copy = tmp_path / "copy.jpg"
    copy.write_bytes(paths[0].read_bytes())
    made = filled([paths[0], copy])
    assert computed == [1]
    assert made.array(contents([paths[0], copy])).shape == (2, 96)
    filled([paths[0].rename(tmp_path / "moved.bin")])
    assert computed == [1]


def shard_of(width: int, contents: str | None, value: float = 0, **header: str) -> bytes:
    values = {"features": np.full((1, width), value, np.float16)}
    return safetensors.numpy.save(values, contents and {"contents": contents, **header})


@pytest.mark.parametrize(
    "damaged",
    [
        *(b"", b"not tensors at all", shard_of(96, '["a"]')[:100]),
        *(shard_of(96, None), shard_of(5, '["a"]'), shard_of(96, '["a", "b"]')),
        *(shard_of(96, "null"), shard_of(96, "[" * 100_000), shard_of(96, "[[]]"), shard_of(96, "5")),
        *(shard_of(96, '["a"]', np.nan), shard_of(96, '["a"]', checksum="0" * 24)),
    ],
)
def test_a_damaged_shard_is_computed_again(paths, computed, damaged):
    first = filled(paths[:5]).array(contents(paths[:5]))
    (shard,) = shards()
    shard.write_bytes(damaged)
    second = filled(paths[:5])
    assert computed == [5, 5]
    assert (second.array(contents(paths[:5])) == first).all()
    filled(paths[:5])
    assert computed == [5, 5]  # and it was mended


def test_one_flipped_bit_is_seen_and_a_shard_without_checksum_is_read(paths, computed):
    first = filled(paths[:5]).array(contents(paths[:5]))
    (shard,) = shards()
    whole = shard.read_bytes()
    changed = bytearray(whole)
    changed[-1] ^= 64
    shard.write_bytes(changed)
    assert (filled(paths[:5]).array(contents(paths[:5])) == first).all()
    assert computed == [5, 5]
    with safetensors.safe_open(shard, "numpy") as file:
        values, known = file.get_tensor("features"), file.metadata()["contents"]
    shard.write_bytes(safetensors.numpy.save({"features": values}, {"contents": known}))
    assert (filled(paths[:5]).array(contents(paths[:5])) == first).all()
    assert computed == [5, 5]


def test_an_unwritable_cache_is_done_without(paths, tmp_path, monkeypatch):
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where the cache folder should be")
    monkeypatch.setenv("BEARWIDGETS_CACHE", str(blocked))
    assert filled(paths[:3]).array(contents(paths[:3])).shape == (3, 96)


def test_a_full_disk_leaves_no_half_written_shard(paths, monkeypatch):
    def full(self, target):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    assert filled(paths[:3]).array(contents(paths[:3])).shape == (3, 96)
    assert [each for each in (cache_dir() / "features").rglob("*") if each.is_file()] == []


def test_what_was_done_before_an_interruption_is_kept(paths, computed):
    steps = store().compute(contents(paths), paths)
    next(steps)
    steps.close()
    filled(paths)
    assert sum(computed) == len(paths)  # nothing twice


def test_pictures_that_cannot_be_decoded_are_problems(paths, tmp_path):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(paths[0].read_bytes()[:300])
    made = store()
    steps = list(made.compute(["x" * 32, *contents(paths[:2])], [broken, *paths[:2]]))
    assert steps[-1].step == steps[-1].total == 3
    assert list(made.problems) == ["x" * 32]
    assert made.array(contents(paths[:2])).shape == (2, 96)


def test_the_cache_is_bounded_the_oldest_go_first(paths, monkeypatch):
    filled(paths[:3])
    (old,) = shards()
    os.utime(old, (1, 1))
    monkeypatch.setattr(module, "MAX_BYTES", old.stat().st_size + 10)
    filled(paths[3:6], seed=1)
    assert [shard.exists() for shard in [old, *shards()]] == [False, True]


def test_without_keeping_nothing_is_written(paths):
    made = filled(paths[:2], keep=False)
    assert shards() == []
    assert made.array([]).shape == (0, 96)
