"""From files to batches of pixels: decoded once, within a budget, the same whatever thread does it."""

from __future__ import annotations

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import bearwidgets.data.augment.loader as module
from bearwidgets.data import parallel
from bearwidgets.data.augment.augment import Augment
from bearwidgets.data.augment.loader import ImageFiles, load_batches
from bearwidgets.data.augment.transforms import Resize
from bearwidgets.data.formats.images import open_image
from bearwidgets.errors import BadInputError, ImageError

CROP = Augment(8, area=(0.3, 1), flip=0.5)


@pytest.fixture
def paths(images):
    return sorted(images.rglob("*.jpg"))  # 24 of 48 × 40 px


@pytest.fixture
def opened():
    """How often each path was opened, and the function that counts it."""
    counts, lock = Counter(), threading.Lock()

    def count(path):
        with lock:
            counts[path] += 1
        return open_image(path)

    return counts, count


def loaded(paths, batches, transform, *, presize=16, budget=2**20, **options):
    return list(
        load_batches(
            ImageFiles(paths, open_image, presize=presize, budget=budget), batches, transform, **options
        )
    )


def same(left, right):
    return all((a.pixels == b.pixels).all() for a, b in zip(left, right, strict=True))


def test_an_image_is_decoded_once(paths, opened):
    counts, count = opened
    images = ImageFiles(paths, count, presize=16)
    first = [np.asarray(images[row]) for row in range(24)]
    again = [np.asarray(images[row]) for row in range(24)]
    assert all((a == b).all() for a, b in zip(first, again, strict=True))
    assert set(counts.values()) == {1}
    assert (len(counts), len(images)) == (24, 24)


@given(
    width=st.integers(1, 80), height=st.integers(1, 80), presize=st.integers(1, 80), bands=st.integers(0, 3)
)
@settings(max_examples=60, deadline=None)
def test_the_short_side_is_the_presize_and_the_aspect_is_kept(width, height, presize, bands):
    source = (
        Image.new("L", (width, height), 9) if not bands else np.full((height, width, bands), 9, np.float32)
    )
    image = ImageFiles([None], lambda _: source, presize=presize)[0]
    got = image.size if isinstance(image, Image.Image) else image.shape[1::-1]
    scale = min(1, presize / min(width, height))
    assert min(got) == min(presize, width, height)
    assert np.abs(np.array(got) - np.array([width, height]) * scale).max() <= 0.5
    assert (np.asarray(image).round(3) == 9).all()


def test_the_budget_is_kept_and_the_rest_is_opened_anew(paths, opened):
    counts, count = opened
    each = 24 * 20 * 3
    images = ImageFiles(paths, count, presize=20, budget=10 * each + 5)
    for _ in range(3):
        for row in range(24):
            images[row].load()
    assert images.nbytes == 10 * each
    assert sorted(counts.values()) == [1] * 10 + [3] * 14


def test_a_small_image_still_finds_room_where_a_large_one_did_not():
    sizes = {"a": 10, "b": 10, "c": 3}
    counts = Counter()

    def draw(name):
        counts[name] += 1
        return np.zeros((sizes[name], 1, 1), np.float32)

    images = ImageFiles(list(sizes), draw, presize=None, budget=60)
    for row in (0, 1, 2, 0, 1, 2):
        assert len(images[row]) == sizes["abc"[row]]
    assert counts == {"a": 1, "b": 2, "c": 1}
    assert images.nbytes == 52


def test_many_threads_keep_the_budget_too(paths, monkeypatch):
    each = 24 * 20 * 3

    def slowly(kept):
        time.sleep(0.001)  # hands over to another thread in the midst of the counting
        return len(kept.data)

    monkeypatch.setattr(module._Kept, "nbytes", property(slowly))
    images = ImageFiles(paths * 4, open_image, presize=20, budget=37 * each)
    with ThreadPoolExecutor(8) as pool:
        sums = list(pool.map(lambda _: [np.asarray(images[row]).sum() for row in range(96)], range(8)))
    assert all(each == sums[0] for each in sums)
    assert images.nbytes == sum(len(kept.data) for kept in images._kept.values()) == 37 * each


def test_an_image_that_two_threads_open_at_once_counts_once(paths):
    both = threading.Barrier(2, timeout=10)

    def opener(path):
        both.wait()
        return open_image(path)

    images = ImageFiles(paths, opener, presize=None)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(images.__getitem__, [0, 0]))
    assert images.nbytes == 48 * 40 * 3


def test_a_kept_image_cannot_be_spoilt_by_who_gets_it(paths):
    images = ImageFiles(paths, open_image, presize=16)
    wanted = np.asarray(images[0]).copy()
    images[0].paste("red", (0, 0, 5, 5))
    assert (np.asarray(images[0]) == wanted).all()
    bands = ImageFiles([None], lambda _: np.ones((4, 4, 5)), presize=None)
    assert bands[0].shape == (4, 4, 5)
    with pytest.raises(ValueError, match="read-only"):
        bands[0][0] = 7


def test_kept_or_not_the_pixels_are_the_same(paths):
    rows = [list(range(12)), list(range(12))] * 2
    assert same(loaded(paths, rows, CROP), loaded(paths, rows, CROP, budget=2000))
    assert same(loaded(paths, rows, CROP), loaded(paths, rows, CROP, budget=0))


@pytest.mark.parametrize(
    ("options", "told"), [({"presize": 0}, "presize is 0"), ({"presize": 1, "budget": -1}, "budget is -1")]
)
def test_bad_bounds_are_told(options, told):
    with pytest.raises(BadInputError, match=told):
        ImageFiles([], open_image, **options)


def test_batches_come_in_order_and_whole(paths):
    rows = [[3, 1], [0], [], [5, 4, 2], *[[row] for row in range(20)]]
    batches = loaded(paths, rows, Resize(8))
    assert [batch.rows.tolist() for batch in batches] == rows
    assert [batch.pixels.shape for batch in batches] == [(len(each), 8, 8, 3) for each in rows]
    single = {row: loaded(paths, [[row]], Resize(8))[0].pixels[0] for row in range(6)}
    for batch in batches[:4]:
        for row, pixels in zip(batch.rows, batch.pixels, strict=True):
            assert (pixels == single[row]).all()


def test_random_transforms_repeat_whatever_thread_runs_them(paths, monkeypatch):
    rows = [list(range(8))] * 6
    first, other = (loaded(paths, rows, CROP, seed=seed) for seed in (1, 2))
    assert not same(first, other)
    assert not (first[0].pixels == first[1].pixels).all()
    for threads in (1, 7):
        monkeypatch.setattr(parallel, "n_threads", lambda threads=threads: threads)
        assert same(first, loaded(paths, rows, CROP, seed=1))


def test_the_generator_follows_from_seed_batch_and_row(paths):
    images = ImageFiles(paths, open_image, presize=16)
    (batch,) = load_batches(images, [[4, 9]], CROP, seed=3, first=7)
    for place, row in enumerate((4, 9)):
        assert (batch.pixels[place] == CROP(images[row], np.random.default_rng((3, 7, row)))).all()


def test_unreadable_files_are_problems_and_not_errors(paths, tmp_path):
    page = tmp_path / "page.jpg"
    page.write_text("<html>login</html>")
    (batch,) = loaded([page, paths[0], tmp_path / "none.jpg"], [[0, 1, 2]], Resize(8))
    assert batch.rows.tolist() == [1]
    assert batch.pixels.shape == (1, 8, 8, 3)
    assert "web page" in batch.problems[0]
    assert "cannot be read" in batch.problems[2]
    (batch,) = loaded([page], [[0]], Resize(8))
    assert (len(batch.rows), len(batch.pixels), list(batch.problems)) == (0, 0, [0])


def test_a_file_that_was_mended_is_no_problem_any_more(paths, tmp_path):
    path = tmp_path / "late.jpg"
    images = ImageFiles([path], open_image, presize=8)
    with pytest.raises(ImageError):
        images[0]
    path.write_bytes(paths[0].read_bytes())
    assert images[0].size == (10, 8)


@pytest.mark.parametrize(
    "error", [RuntimeError("out of cheese"), MemoryError(), IndexError("7"), SyntaxError("odd")]
)
def test_whatever_one_file_raises_is_its_own_problem(paths, error):
    def broken(path):
        if path == paths[1]:
            raise error
        return open_image(path)

    batches = list(load_batches(ImageFiles(paths, broken, presize=8), [[0, 1], [2]], Resize(8)))
    assert [batch.rows.tolist() for batch in batches] == [[0], [2]]
    assert str(error) in batches[0].problems[1]


def test_arrays_of_bands_make_batches_of_floats():
    values = np.random.default_rng(0).normal(size=(6, 5, 4)).astype(np.float32)
    (batch,) = load_batches(ImageFiles([1, 2], lambda _: values, presize=None), [[0, 1]], Resize(5))
    assert (batch.pixels.shape, batch.pixels.dtype) == ((2, 5, 5, 4), np.float32)


def test_a_few_batches_are_read_ahead_and_no_more(paths):
    asked = []

    def rows():
        for row in range(24):
            asked.append(row)
            yield [row]

    batches = load_batches(ImageFiles(paths, open_image, presize=8), rows(), Resize(8))
    next(batches)
    assert asked == [0, 1, 2, 3, 4]
    batches.close()


def test_bytes_beside_floats_come_on_one_scale():
    """A set of photos and of deep images: 0 to 255 beside 0 to 1 would be silently wrong."""
    made = {"bytes": Image.new("RGB", (8, 8), (255, 0, 51)), "floats": np.full((8, 8, 3), 0.5, np.float32)}
    images = ImageFiles([Path("bytes"), Path("floats")], lambda path: made[path.name], presize=8)
    (batch,) = load_batches(images, [[0, 1]], Resize(8))
    assert batch.pixels.dtype == np.float32
    assert batch.pixels[0, 0, 0] == pytest.approx([1, 0, 0.2])
    assert batch.pixels[1, 0, 0] == pytest.approx([0.5] * 3)
