"""From files to batches of pixels."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from PIL import Image

from bearwidgets.data.transforms import RandomCrop, Squeeze, load_batches


@pytest.fixture
def paths(images):
    return sorted(images.rglob("*.jpg"))


def loaded(paths, batches, transform, **options):
    return list(load_batches(paths, batches, transform, at_least=transform.size, **options))


def test_squeeze_keeps_the_whole_picture():
    image = Image.new("RGB", (60, 20), "red")
    image.paste("blue", (30, 0, 60, 20))
    pixels = Squeeze(16)(image)
    assert pixels.shape == (16, 16, 3)
    assert pixels.dtype == np.uint8
    assert pixels[8, 1].tolist() == [255, 0, 0]
    assert pixels[8, 14].tolist() == [0, 0, 255]


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1), (2, 7)])
def test_both_work_on_tiny_and_thin_pictures(size):
    image = Image.new("RGB", size, "green")
    for pixels in (Squeeze(8)(image), RandomCrop(8)(image, np.random.default_rng(0))):
        assert pixels.shape == (8, 8, 3)
        assert (pixels == (0, 128, 0)).all()


def test_a_random_crop_shows_35_to_100_percent_and_flips_half_the_time():
    # Left to right 0 … 250, so that a row of the crop tells where it came from.
    ramp = Image.fromarray(
        np.repeat(np.repeat(np.arange(0, 251, dtype=np.uint8)[None, :, None], 251, 0), 3, 2)
    )
    widths, flips = [], 0
    for seed in range(300):
        row = RandomCrop(16)(ramp, np.random.default_rng(seed))[8, :, 0].astype(int)
        flips += bool(row[0] > row[-1])
        widths.append(abs(row[-1] - row[0]) / 251 * 16 / 15)
    assert 0.4 < flips / 300 < 0.6
    assert min(widths) == pytest.approx((0.35 * 3 / 4) ** 0.5, abs=0.06)
    assert max(widths) == pytest.approx(1, abs=0.05)


def test_batches_come_in_order_and_whole(paths):
    rows = [[3, 1], [0], [5, 4, 2]]
    batches = loaded(paths, rows, Squeeze(8))
    assert [batch.rows.tolist() for batch in batches] == rows
    single = {row: loaded(paths, [[row]], Squeeze(8))[0].pixels[0] for row in range(6)}
    for batch in batches:
        for row, pixels in zip(batch.rows, batch.pixels, strict=True):
            assert (pixels == single[row]).all()


def test_random_transforms_repeat_whatever_thread_runs_them(paths):
    rows = [list(range(8))] * 6
    first, second, other = (loaded(paths, rows, RandomCrop(8), seed=seed) for seed in (1, 1, 2))
    assert all((a.pixels == b.pixels).all() for a, b in zip(first, second, strict=True))
    assert not all((a.pixels == b.pixels).all() for a, b in zip(first, other, strict=True))
    assert not (first[0].pixels == first[1].pixels).all()


def test_unreadable_files_are_problems_and_not_errors(paths, tmp_path):
    page = tmp_path / "page.jpg"
    page.write_text("<html>login</html>")
    (batch,) = loaded([page, paths[0], tmp_path / "none.jpg"], [[0, 1, 2]], Squeeze(8))
    assert batch.rows.tolist() == [1]
    assert batch.pixels.shape == (1, 8, 8, 3)
    assert "web page" in batch.problems[0]
    assert "cannot be read" in batch.problems[2]
    (batch,) = loaded([page], [[0]], Squeeze(8))
    assert (len(batch.rows), len(batch.pixels), list(batch.problems)) == (0, 0, [0])


def test_leaving_early_ends_the_threads(paths):
    before = threading.active_count()
    batches = load_batches(paths, [[row] for row in range(24)], Squeeze(8), at_least=8)
    next(batches)
    batches.close()
    assert threading.active_count() == before
