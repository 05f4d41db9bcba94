"""Duplicates: what is a copy and what is not, groups, keepers, contradictions, leakage, alignment."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from made_data import rotten_png, scene
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

from bearwidgets.data.dataset import Dataset
from bearwidgets.data.image_stats.table import image_stats_of
from bearwidgets.review.checks import copies as module
from bearwidgets.review.checks.alignment import Pairs, refine, unit_waves, views, window_waves, windows
from bearwidgets.review.checks.copies import find_copies
from bearwidgets.review.checks.run import find_issues
from bearwidgets.review.neighbors import nearest
from bearwidgets.review.review import Review

NAMES = ["contradictory_labels", "leakage", "exact_duplicates", "near_duplicates"]
WAYS = {
    "half": lambda image: image.resize((120, 90)),
    "larger": lambda image: image.resize((480, 360)),
    "squished": lambda image: image.resize((240, 140)),
    "lighter": lambda image: ImageEnhance.Brightness(image).enhance(1.3),
    "grey": lambda image: image.convert("L").convert("RGB"),
    "mirrored": ImageOps.mirror,
    "crop": lambda image: image.crop((50, 20, 220, 150)),
    "mirrored crop": lambda image: ImageOps.mirror(image.crop((10, 30, 190, 170))),
}


def write(folder, n=12):
    """`n` different pictures in two classes; path of the first one."""
    for number in range(n):
        label = folder / ("a" if number % 2 else "b")
        label.mkdir(parents=True, exist_ok=True)
        scene(number).save(label / f"{number:02}.jpg", quality=90)
    return folder


def pairs_of(ds, **how):
    found = find_copies(ds, image_stats_of(ds), **how)
    return {frozenset(ds.table.path[[one, two]]) for one, two in zip(found.first, found.second, strict=True)}


def test_each_kind_of_copy_is_found_and_nothing_else(tmp_path):
    folder, wanted = write(tmp_path), set()
    for number, (way, change) in enumerate(WAYS.items()):
        change(scene(number)).save(folder / "a" / f"{way}.jpg", quality=80)
        wanted.add(frozenset({f"{'a' if number % 2 else 'b'}/{number:02}.jpg", f"a/{way}.jpg"}))
    assert pairs_of(Dataset.from_folder(folder)) == wanted


def test_different_pictures_are_no_copies(tmp_path):
    folder = write(tmp_path, 30)
    Image.new("RGB", (90, 80), "red").save(folder / "a" / "red.png")
    Image.new("RGB", (90, 80), "blue").save(folder / "a" / "blue.png")
    (folder / "a" / "rotten.png").write_bytes(rotten_png())
    assert pairs_of(Dataset.from_folder(folder)) == set()


def test_crops_in_large_sets_are_found_by_their_features(tmp_path, monkeypatch):
    folder = write(tmp_path)
    WAYS["crop"](scene(4)).save(folder / "a" / "copy.jpg", quality=80)
    ds = Dataset.from_folder(folder)
    monkeypatch.setattr(module, "MOST_WINDOWED", 3)
    assert pairs_of(ds) == set()
    features = np.random.default_rng(0).normal(size=(len(ds), 8))
    one, two = ds.table.path.tolist().index("b/04.jpg"), ds.table.path.tolist().index("a/copy.jpg")
    features[one] = features[two] + 0.1
    features[3] = 0  # does not decode
    assert pairs_of(ds, neighbors=nearest(features)) == {frozenset({"b/04.jpg", "a/copy.jpg"})}


def test_whole_copies_in_large_sets_need_no_features(tmp_path, monkeypatch):
    folder = write(tmp_path)
    WAYS["mirrored"](scene(4)).save(folder / "a" / "copy.jpg", quality=80)
    monkeypatch.setattr(module, "MOST_WINDOWED", 3)
    monkeypatch.setattr(module, "_BLOCK", 5)
    assert pairs_of(Dataset.from_folder(folder)) == {frozenset({"b/04.jpg", "a/copy.jpg"})}


@pytest.fixture
def copied(tmp_path):
    """A set with a copy in the same class, one in the other class, and a near-copy in the exam."""
    folder = tmp_path / "split"
    for part in ("train", "valid"):
        write(folder / part, 4)
        for path in (folder / part).rglob("*.jpg"):
            scene(int(path.stem) + (100 if part == "valid" else 0)).save(path, quality=90)
    train = folder / "train"
    (train / "a" / "same.jpg").write_bytes((train / "a" / "01.jpg").read_bytes())
    (train / "a" / "wrong.jpg").write_bytes((train / "b" / "02.jpg").read_bytes())
    (train / "b" / "again.jpg").write_bytes((train / "b" / "02.jpg").read_bytes())
    scene(103).resize((480, 360)).save(train / "a" / "leaked.jpg", quality=90)
    return Dataset.from_folder(folder)


def test_groups_and_keepers_by_hand(copied):
    issues = find_issues(copied, NAMES)
    assert issues.names == NAMES
    exact = issues.queue("exact_duplicates")
    assert sorted(sorted(paths) for _, paths in exact.groupby("group").path) == [
        ["train/a/01.jpg", "train/a/same.jpg"],
        ["train/a/wrong.jpg", "train/b/02.jpg", "train/b/again.jpg"],
    ]
    assert set(exact.path[exact.keeper]) == {"train/a/01.jpg", "train/b/02.jpg"}  # the majority's label
    wrong = issues.queue("contradictory_labels")
    assert set(wrong.path) == {"train/a/wrong.jpg", "train/b/02.jpg", "train/b/again.jpg"}
    assert wrong.score.tolist() == [1, 1, 1]
    leaked = issues.queue("leakage")
    assert leaked.path.tolist() == ["valid/a/03.jpg", "train/a/leaked.jpg"]
    assert leaked.keeper.tolist() == [True, False]  # the exam's, though the other is larger
    assert leaked.score.max() < 1
    assert issues.summary.certain.tolist() == [3, 0, 5, 0], "a near-copy across splits is likely, not certain"
    assert issues.certain == 5, "each item counts once"
    assert "(certain)" in str(issues)
    assert issues.queue("near_duplicates").why.tolist() == [
        "The same image as train/a/leaked.jpg. This one is resized, recolored or saved again",
        "The same image as valid/a/03.jpg. The other one is resized, recolored or saved again",
    ]
    assert issues.queue("near_duplicates").path.tolist() == ["valid/a/03.jpg", "train/a/leaked.jpg"]


def test_the_keeper_is_the_larger_then_the_sharper(tmp_path):
    folder = write(tmp_path)
    scene(4).resize((480, 360)).save(folder / "b" / "large.jpg", quality=90)
    scene(6).filter(ImageFilter.GaussianBlur(1.2)).save(folder / "b" / "0soft.jpg", quality=90)
    ds = Dataset.from_folder(folder, valid_pct=0)
    queue = find_issues(ds, ["near_duplicates"]).queue("near_duplicates")
    assert set(queue.path[queue.keeper]) == {"b/large.jpg", "b/06.jpg"}
    assert set(queue.path) == {"b/large.jpg", "b/04.jpg", "b/06.jpg", "b/0soft.jpg"}


def test_the_keeper_of_a_contradiction_has_the_label_that_is_believed(tmp_path):
    folder = write(tmp_path)
    (folder / "a" / "00_wrong.jpg").write_bytes((folder / "b" / "02.jpg").read_bytes())
    scene(4).resize((480, 360)).save(folder / "a" / "large.jpg", quality=90)  # shows what b/04.jpg shows
    ds = Dataset.from_folder(folder, valid_pct=0)
    right = np.where(ds.table.path.str.startswith("b") | ds.table.path.str.contains("wrong|large"), 0.9, 0.1)
    for believed, kept in ((right, {"b/02.jpg", "b/04.jpg"}), (1 - right, {"a/00_wrong.jpg", "a/large.jpg"})):
        review = Review.from_predictions(ds, np.stack([1 - believed, believed], axis=1), ["a", "b"])
        queue = find_issues(review, ["contradictory_labels"]).queue("contradictory_labels")
        assert set(queue.path[queue.keeper]) == kept


def test_one_picture_is_found_again_however_often_it_is_there(tmp_path):
    folder = write(tmp_path, 2)
    for number in range(5):
        (folder / "a" / f"again{number}.jpg").write_bytes((folder / "a" / "01.jpg").read_bytes())
    (folder / "b" / "00.jpg").write_bytes((folder / "a" / "01.jpg").read_bytes())
    issues = find_issues(Dataset.from_folder(folder, valid_pct=0), NAMES)
    assert issues.left_out == {}
    assert len(issues.queue("contradictory_labels")) == 7
    ds = Dataset.from_folder(folder, valid_pct=0)
    assert len(find_copies(ds, image_stats_of(ds), nearest(np.ones((len(ds), 4)), k=3)).how) == 0


def test_alignment_finds_the_window():
    whole = np.asarray(scene(3).convert("L").resize((128, 128)))
    true = np.array([[0.7, 0.2, 0.6, 0.1]])
    part = views(whole[None], true, 128)[0]
    pictures = np.stack([whole, part.astype(np.uint8)])
    near = true + np.array([0.05, -0.04, -0.03, 0.03])
    start = Pairs(np.array([0]), np.array([1]), np.array([False]), near)
    pairs, agree = refine(pictures, start, 48, 20)
    assert pairs.map == pytest.approx(true, abs=0.01)
    assert agree[0] > 0.99
    blank = np.zeros_like(pictures)
    assert refine(blank, start, 16)[1].tolist() == [0]


def test_windows_are_inside_and_the_whole_is_first():
    places = windows()
    assert places[0].tolist() == [1, 0, 1, 0]
    assert (places[:, 0] + places[:, 1] <= 1 + 1e-9).all()
    assert (places[:, 2] + places[:, 3] <= 1 + 1e-9).all()
    assert np.allclose(np.linalg.norm(unit_waves(np.eye(32)[None] * 200), axis=1), 1)
    assert not unit_waves(np.full((2, 32, 32), 9)).any()


def test_the_waves_of_windows_are_those_of_the_sampled_windows():
    images = np.random.default_rng(0).integers(0, 256, (2, 32, 32)).astype(np.uint8)
    places = windows()
    seen = views(np.repeat(images, len(places), axis=0), np.tile(places, (2, 1)), 16)
    assert window_waves(images, places).reshape(-1, 35) == pytest.approx(unit_waves(seen), abs=1e-5)
    assert not window_waves(np.full((1, 32, 32), 9), places).any()


def test_the_copies_among_real_photos(shared_data):
    """Precision and recall 1 on what a person found; the contradictory pair of the same bytes comes first."""
    ds = Dataset.from_folder(shared_data / "bears", workspace=str(shared_data.parent / "none"))
    issues = find_issues(ds, NAMES)
    assert not issues.left_out
    truth = {}
    for row in csv.DictReader((shared_data / "bears-duplicates.csv").open()):
        truth.setdefault(row["group"], set()).add(row["file"])
    found = [
        set(files)
        for name in ("exact_duplicates", "near_duplicates")
        for files in issues.queue(name).groupby("group").path.apply(list)
    ]
    assert sorted(map(sorted, found)) == sorted(map(sorted, truth.values()))
    first = issues.queue("contradictory_labels").path[:2]
    assert set(first) == {"black/00000169.jpg", "grizzly/00000122.jpg"}
