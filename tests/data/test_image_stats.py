"""Statistics of pixels against what was done to an image, their cache, files that do not decode."""

from __future__ import annotations

import sqlite3

import numpy as np
import pytest
from made_data import packed, rotten_png, scene
from PIL import Image, ImageFilter

from bearwidgets.data.dataset import Dataset
from bearwidgets.data.formats.images import open_image
from bearwidgets.data.image_stats import pixel_stats, table
from bearwidgets.data.image_stats.pixel_stats import NAMES, bars, blur_px, measure
from bearwidgets.data.image_stats.table import ImageStatsCache, image_stats_of, small_images
from bearwidgets.errors import ImageError


def stat(image, name):
    return dict(zip(NAMES, measure(packed(image)).stats, strict=True))[name]


@pytest.mark.parametrize("sigma", [1.0, 1.5, 2.0, 2.5])
def test_blur_is_measured_in_px(sigma):
    measured = blur_px(np.asarray(scene().filter(ImageFilter.GaussianBlur(sigma)).convert("L")))
    assert measured == pytest.approx(np.hypot(sigma, 0.5), rel=0.2)


def test_blur_minds_neither_noise_nor_contrast_nor_size():
    sharp, soft = scene(), scene().filter(ImageFilter.GaussianBlur(3))
    random = np.random.default_rng(0)
    noisy = np.asarray(soft, float) + random.normal(0, 4, (180, 240, 3))
    noisy = Image.fromarray(noisy.clip(0, 255).astype(np.uint8))
    dim = soft.point([value // 3 for value in range(256)] * 3)
    large = scene(size=(1200, 900))
    assert stat(noisy, "blur") > 2 * stat(sharp, "blur")
    assert stat(dim, "blur") == pytest.approx(stat(soft, "blur"), rel=0.25)
    assert stat(large, "blur") < 1


def test_blur_of_images_without_edges():
    assert np.isnan(blur_px(np.full((50, 50), 9, np.uint8)))
    assert blur_px(np.tile(np.linspace(0, 255, 256).astype(np.uint8), (50, 1))) == 8
    assert np.isnan(blur_px(np.zeros((4, 50), np.uint8)))


def test_light_information_and_color_by_hand():
    half = Image.new("RGB", (64, 64), "black")
    half.paste("white", (0, 0, 32, 64))
    assert stat(half, "brightness") == pytest.approx(0.5)
    assert [stat(half, name) for name in ("p1", "p5", "p95", "p99")] == [0, 0, 1, 1]
    assert stat(half, "contrast") == 1
    assert stat(half, "entropy") == pytest.approx(1)
    assert stat(half, "colorfulness") == stat(half, "chroma") == 0
    red = Image.new("RGB", (64, 64), (255, 0, 0))
    assert stat(red, "chroma") == 1
    assert stat(red, "colorfulness") == pytest.approx(0.3 * np.hypot(255, 127.5))
    assert stat(red, "entropy") == 0


def test_bars_end_at_a_step_and_a_plain_background_is_none():
    image = np.asarray(scene().convert("L")).copy()
    image[:18] = 0
    image[:, -24:] = 0
    image[2:12, 20:60] = 255  # words in the bar
    assert bars(image) == pytest.approx((0, 0.1, 0.1, 0), abs=0.01)
    fading = np.tile(np.linspace(255, 100, 200), (100, 1)).astype(np.uint8)
    assert bars(fading) == (0, 0, 0, 0)
    assert bars(np.full((60, 60), 7, np.uint8)) == (0, 0, 0, 0)


def test_a_large_jpeg_is_decoded_at_a_part_of_its_size(monkeypatch):
    seen = []
    real = pixel_stats.open_image
    monkeypatch.setattr(
        pixel_stats, "open_image", lambda data, **how: seen.append(real(data, **how)) or seen[0]
    )
    stats = measure(packed(scene(size=(2400, 1800)), "JPEG"))
    assert min(seen[0].size) < 512
    assert (stats.format, stats.frames) == ("JPEG", 1)


def test_animations_have_their_frames_counted():
    frames = [scene(seed) for seed in range(3)]
    for kind in ("GIF", "PNG", "WEBP"):
        assert measure(packed(frames[0], kind, save_all=True, append_images=frames[1:])).frames == 3
        assert measure(packed(frames[0], kind)).frames == 1


@pytest.fixture
def ds(tmp_path):
    folder = tmp_path / "images"
    for label, seeds in {"a": (0, 1, 2), "b": (3, 4)}.items():
        (folder / label).mkdir(parents=True)
        for seed in seeds:
            scene(seed).save(folder / label / f"{seed}.jpg")
    whole = (folder / "a" / "0.jpg").read_bytes()
    (folder / "b" / "copy.jpg").write_bytes(whole)
    # whole by its ends, rubbish in the middle of a progressive scan's tables
    (folder / "b" / "rotten.png").write_bytes(rotten_png())
    return Dataset.from_folder(folder)


def test_a_row_for_each_item_and_broken_files_are_not_fatal(ds):
    frame = image_stats_of(ds)
    assert len(frame) == len(ds) == 7
    row = frame[ds.table.path == "b/rotten.png"].iloc[0]
    assert row.problem.startswith("broken")
    assert np.isnan(row.brightness)
    good = frame[ds.table.path != "b/rotten.png"]
    assert (good.problem == "").all()
    assert good.brightness.notna().all()
    first, copy = (frame[ds.table.path == path].iloc[0] for path in ("a/0.jpg", "b/copy.jpg"))
    assert first.equals(copy)
    assert small_images(frame).shape == (7, 32, 32)
    assert (
        np.abs(
            small_images(frame)[0]
            - np.asarray(open_image(ds.path_of(ds.table.id[0])).convert("L").resize((32, 32), 4), int)
        ).max()
        <= 1
    )


def test_what_was_measured_is_not_measured_again(ds, monkeypatch):
    first = image_stats_of(ds)
    monkeypatch.setattr(
        table,
        "measure",
        lambda data: pytest.fail("measured again") if b"PNG" not in data[:8] else measure(data),
    )
    again = image_stats_of(ds)
    assert first.equals(again)


def test_a_cache_that_is_damaged_or_cannot_be_written_is_done_without(ds, tmp_path):
    truth = image_stats_of(ds)
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "image_stats.sqlite").write_bytes(b"no database at all" * 99)
    assert image_stats_of(ds, cache=ImageStatsCache(tmp_path / "bad")).equals(truth)
    assert len(ImageStatsCache(tmp_path / "bad").get(ds.table.content)) == 5  # made anew
    (tmp_path / "file").write_text("")
    assert image_stats_of(ds, cache=ImageStatsCache(tmp_path / "file")).equals(truth)


def test_rows_of_the_cache_that_do_not_fit_are_not_used(ds, tmp_path):
    cache = ImageStatsCache(tmp_path)
    image_stats_of(ds, cache=cache)
    with sqlite3.connect(cache.path) as database:
        database.execute("UPDATE cache SET small = x'00'")
    assert cache.get(ds.table.content) == {}


def test_bytes_that_are_no_image_are_refused():
    with pytest.raises(ImageError, match="not an image"):
        measure(b"something else altogether")


def test_a_long_and_thin_image_is_measured_at_a_bounded_number_of_pixels(monkeypatch):
    data = packed(scene(2, (3000, 60)))
    whole = pixel_stats.measure(data)
    monkeypatch.setattr(pixel_stats, "_MOST", 20_000)
    seen = []
    monkeypatch.setattr(pixel_stats, "blur_px", lambda pixels: seen.append(pixels.size) or 1.0)
    small = pixel_stats.measure(data)
    assert seen[0] <= 20_000 * 1.1
    np.testing.assert_allclose(small.stats[:7], whole.stats[:7], atol=0.05)


@pytest.mark.parametrize("error", [MemoryError(), IndexError("odd"), TypeError("odd")])
def test_whatever_one_image_raises_is_its_own_problem(tmp_path, make_images, monkeypatch, error):
    ds = Dataset.from_folder(make_images(tmp_path / "set", {"a": 3, "b": 3}))
    real, measured = pixel_stats.blur_px, []

    def once_broken(pixels):
        measured.append(pixels)
        if len(measured) == 2:
            raise error
        return real(pixels)

    monkeypatch.setattr(pixel_stats, "blur_px", once_broken)
    problems = image_stats_of(ds)["problem"]
    assert (problems != "").sum() == 1
    assert (image_stats_of(ds)["problem"] == "").all()  # it was not kept
