"""What each check flags and says of it, word for word; and that quality checks say nothing of clean sets."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from made_data import rotten_png, scene
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

from bearwidgets.data.dataset import Dataset
from bearwidgets.data.formats.images import open_image
from bearwidgets.errors import ImageError
from bearwidgets.review.checks.quality import MEASURED, QUALITY
from bearwidgets.review.checks.registry import CHECKS
from bearwidgets.review.checks.run import find_issues
from bearwidgets.review.review import Review

PIXELS = {
    "contradictory_labels": ("b/copy.png", "The same file as train/a/01.png, which is labeled a"),
    "leakage": ("b/02.png", "The same file as valid/b/02.png, which is in the evaluation split"),
    "exact_duplicates": ("b/copy.png", "An exact copy of train/a/01.png"),
    "near_duplicates": (
        "b/crop.png",
        "The same image as train/a/03.png. This one is cropped to 58 % and mirrored",
    ),
    "dark": ("a/dark.png", "95 % of its pixels are darker than 15 % of white"),
    "bright": ("a/bright.png", "95 % of its pixels are brighter than 91 % of white"),
    "blurred": ("a/blurred.png", "Even its sharpest edges are 3.0 px wide"),
    "low_information": ("a/plain.png", "Hardly any detail: its gray levels hold 0.1 of 8 bits"),
    "low_contrast": ("a/flat.png", "Light and dark are only 6 % of the full range apart"),
    "odd_size": ("a/small.png", "10.0 times smaller than most"),
    "odd_shape": ("a/long.png", "Its long side is 9.0 times its short side"),
    "gray_among_color": ("a/gray.png", "Black and white, in a set of color images"),
    "animated": ("a/moving.gif", "3 frames, of which only the first is used"),
    "wrong_extension": ("a/named.jpg", "Named .jpg, but the file is PNG"),
    "repeated_borders": ("a/boxed.png", "Bars along the edges take 33 % of it"),
}


SEEN = [name for name in QUALITY if name != "unreadable"]
NOTES = {
    "leakage": "images whose copies differ in their split: 1",
    "exact_duplicates": "2 files can go: each is an exact copy",
    "near_duplicates": "1 file can go: it shows the same as one that stays",
    "unreadable": "skipped when the data set was read: 0; found later: 1",
    "blurred": "median width of the sharpest edges: 0.9 px",
    "odd_size": "",
}


def boxed():
    """An image between black bars."""
    image = Image.new("RGB", (240, 180), "black")
    image.paste(scene(40, (240, 120)), (0, 30))
    return image


@pytest.fixture(scope="module")
def spoilt(tmp_path_factory):
    """Issues of a data set with a fault for each check of the pixels."""
    folder = tmp_path_factory.mktemp("spoilt")
    a, b, valid = folder / "train" / "a", folder / "train" / "b", folder / "valid" / "b"
    for each in (a, b, valid):
        each.mkdir(parents=True)
    for number in range(24):
        scene(number).save((a if number % 2 else b) / f"{number:02}.png")
    (b / "copy.png").write_bytes((a / "01.png").read_bytes())
    (valid / "02.png").write_bytes((b / "02.png").read_bytes())
    ImageOps.mirror(scene(3).crop((10, 30, 190, 170))).save(b / "crop.png")
    (a / "rotten.png").write_bytes(rotten_png())
    white = Image.new("RGB", (240, 180), "white")
    ImageEnhance.Brightness(scene(30)).enhance(0.2).save(a / "dark.png")
    Image.blend(scene(31), white, 0.9).save(a / "bright.png")
    scene(32).filter(ImageFilter.GaussianBlur(3)).save(a / "blurred.png")
    white.paste("black", (80, 80, 160, 90))
    white.save(a / "plain.png")
    Image.blend(scene(33), Image.new("RGB", (240, 180), (120, 110, 100)), 0.9).save(a / "flat.png")
    scene(34).resize((24, 18)).save(a / "small.png")
    scene(35).resize((900, 100)).save(a / "long.png")
    ImageOps.grayscale(scene(36)).convert("RGB").save(a / "gray.png")
    scene(37).save(a / "moving.gif", save_all=True, append_images=[scene(38), scene(39)])
    scene(41).save(a / "named.jpg", "PNG")
    boxed().save(a / "boxed.png")
    return find_issues(Dataset.from_folder(folder))


@pytest.mark.parametrize("name", PIXELS)
def test_of_the_pixels(spoilt, name):
    path, sentence = PIXELS[name]
    assert dict(spoilt.queue(name)[["path", "why"]].to_numpy())[f"train/{path}"] == sentence


@pytest.mark.parametrize("name", SEEN)
def test_images_without_a_fault_are_not_flagged(spoilt, name):
    found = set(spoilt.queue(name).path)
    assert f"train/{PIXELS[name][0]}" in found
    assert not any(Path(path).stem.isdecimal() for path in found)


def test_of_the_whole_data_set(spoilt):
    assert spoilt.summary.note[list(NOTES)].to_dict() == NOTES


def test_of_a_file_that_cannot_be_decoded(spoilt):
    """The reason that the reader of images gives."""
    (row,) = spoilt.queue("unreadable").itertuples()
    with pytest.raises(ImageError, match=re.escape(row.why)):
        open_image(spoilt.ds.path_of(row.Index))


@pytest.mark.parametrize(
    ("size", "sentence"),
    [
        (250, "1.0 times larger than most"),
        (65, "3.7 times smaller than most"),
        (890, "3.7 times larger than most"),
    ],
)
def test_of_the_size(size, sentence):
    """Ordinary sizes score next to nothing, and the score rises with the logarithm of the ratio."""
    inputs = SimpleNamespace(threshold=0.001, image_stats=pd.DataFrame({"size": [240.0] * 9 + [size]}))
    result = CHECKS["odd_size"].run(inputs)
    assert result.why[-1] == sentence
    assert result.score[:9].max() == 0
    assert result.score[-1] == pytest.approx(np.interp(abs(np.log2(size / 240)), [0, 1.5, 6], [0, 0.5, 1]))


def off_topic(_):
    """Each item has two neighbors at a distance of 0.1, the first one at 0.18."""
    near = np.stack([np.roll(np.arange(30), 1), np.roll(np.arange(30), -1)], axis=1)
    similarity = np.full((30, 2), 0.9)
    similarity[0] = 0.82
    neighbors = SimpleNamespace(index=near, similarity=similarity)
    table = pd.DataFrame({"label": ["a"] * 30})
    return SimpleNamespace(table=table, neighbors=neighbors, features=np.zeros((30, 4)), imagenet=None)


def weak_groups(rng):
    """Two clusters, the second one with 15 of 37 right."""
    member = np.repeat([0, 1], 37)
    ids = [str(number) for number in range(74)]
    review = pd.DataFrame({"label": "a", "predicted": ["a"] * 52 + ["b"] * 22}, index=ids)
    features = np.eye(2, 40)[member] + 0.01 * rng.normal(size=(74, 40))
    return SimpleNamespace(
        table=pd.DataFrame({"id": ids}), features=features, review=SimpleNamespace(table=review)
    )


def spurious_correlation(rng):
    target = np.repeat([0, 1, 2], 100)
    stats = pd.DataFrame({"brightness": 0.1 * target + rng.normal(0, 0.07, 300), "shape": rng.random(300)})
    return SimpleNamespace(table=pd.DataFrame({"label": target.astype(str)}), image_stats=stats)


def class_imbalance(_):
    return SimpleNamespace(table=pd.DataFrame({"label": ["teddy"] * 9 + ["black"] * 100 + ["grizzly"] * 90}))


def order_drift(_):
    """Each item's neighbor is the next file."""
    table = pd.DataFrame({"path": [f"a/{number}.jpg" for number in range(90)], "label": "a"})
    neighbors = SimpleNamespace(index=np.roll(np.arange(90), -1)[:, None])
    return SimpleNamespace(table=table, neighbors=neighbors)


def label_issues(_):
    """One label of ten is doubted; were it one of two, the probabilities would hardly count."""
    p = np.array([[0.01, 0.02, 0.97]] + [[0.07, 0.9, 0.03]] * 9)
    frame = pd.DataFrame({"id": [str(number) for number in range(10)], "label": ["grizzly"] + ["black"] * 9})
    return SimpleNamespace(
        table=frame, review=Review.from_predictions(frame, p[:, [1, 0, 2]], ["black", "grizzly", "teddy"])
    )


MADE = {
    off_topic: "Unlike the other images (1.8× the usual distance)",
    weak_groups: "One of 37 similar images, of which the model gets 41 % right (elsewhere 100 %)",
    spurious_correlation: "Brightness alone predicts the label of 60 % of the images (guessing: 33 %)",
    class_imbalance: "One of only 9 images of teddy: 10 % of the usual number",
    order_drift: "Similar images are 98 % nearer in the order of the files than by chance",
    label_issues: "Labeled grizzly. The model says teddy (97 %)",
}


@pytest.mark.parametrize("make", MADE)
def test_of_the_rest(make):
    inputs = make(np.random.default_rng(0))
    inputs.threshold = None
    result = CHECKS[make.__name__].run(inputs)
    assert next(each for each, flagged in zip(result.why, result.flag, strict=True) if flagged) == MADE[make]


def test_no_check_is_forgotten():
    built_in = {name for name, each in CHECKS.items() if each.built_in}
    assert built_in == {*PIXELS, *(make.__name__ for make in MADE), "unreadable"}


# Quality, in sets of one kind


def gray(image):
    return image.convert("L").convert("RGB")


def write(folder, change=None, n=24, rows=(5,)):
    for number in range(n):
        label = folder / ("a" if number % 2 else "b")
        label.mkdir(parents=True, exist_ok=True)
        image = scene(number)
        if change and number in rows:
            image = change(image)
        image.save(label / f"{number:02}.png")
    return Dataset.from_folder(folder)


def flagged(ds, names=None):
    """Check → numbers of the flagged files."""
    issues = find_issues(ds, names or SEEN)
    assert not issues.left_out
    return {
        name: sorted(int(path[2:4]) for path in issues.queue(name).path)
        for name in issues.names
        if len(issues.queue(name))
    }


def test_a_clean_set_has_nothing(tmp_path):
    assert flagged(write(tmp_path / "clean")) == {}


def dusky(image):
    """So dark that 95 % of it are darker than 30 % of white."""
    return ImageEnhance.Brightness(image).enhance(0.3 * 255 / np.percentile(image.convert("L"), 95))


def test_a_set_that_is_dark_by_nature_is_not_flagged(tmp_path):
    assert flagged(write(tmp_path / "one", dusky), ["dark"]) == {"dark": [5]}
    night = write(tmp_path / "night", dusky, rows=range(24))
    assert (find_issues(night, ["dark"]).table.dark_score > 0.5).all()
    assert flagged(night, ["dark"]) == {}


def test_what_is_bad_however_common_is_flagged(tmp_path):
    black = write(tmp_path / "black", lambda image: image.point(lambda tone: tone // 50), rows=range(20))
    assert flagged(black, ["dark"])["dark"] == list(range(20))


def test_a_gray_set_has_no_gray_among_color(tmp_path):
    ds = write(tmp_path / "gray", gray, rows=range(24))
    assert flagged(ds, ["gray_among_color"]) == {}


def test_a_right_extension_in_capitals_is_right(tmp_path):
    folder = tmp_path / "formats"
    write(folder)
    scene(50).save(folder / "a" / "50.jpg", "PNG")
    scene(51).save(folder / "a" / "51.JPEG", "JPEG")
    others = {"52.pgm": "PPM", "53.jp2": "JPEG2000", "54.J2K": "JPEG2000", "55.tif": "PPM"}
    for name, kind in others.items():
        scene(int(name[:2])).save(folder / "a" / name, kind)
    ds = Dataset.from_folder(folder)
    assert flagged(ds, ["wrong_extension", "animated"]) == {"wrong_extension": [50, 55]}


def test_unreadable_files_are_all_counted(tmp_path):
    folder = tmp_path / "broken"
    write(folder)
    (folder / "a" / "rotten.png").write_bytes(rotten_png())
    (folder / "a" / "page.jpg").write_text("<html>no</html>")
    issues = find_issues(Dataset.from_folder(folder))
    assert issues.summary.loc["unreadable", ["flagged", "certain"]].tolist() == [2, 2]
    assert issues.queue("unreadable").path.tolist() == ["a/rotten.png"]
    assert set(issues.problems.path) == {"a/page.jpg", "a/rotten.png"}
    assert set(issues.left_out) == {name for name in issues.left_out if "needs" in issues.left_out[name]}
    assert np.isnan(issues.table.blurred_score[issues.table.path == "a/rotten.png"]).all()


def test_scores_lie_between_0_and_1_and_are_one_half_where_odd_begins(tmp_path):
    ds = write(tmp_path / "blur", lambda image: image.filter(ImageFilter.GaussianBlur(3)))
    issues = find_issues(ds, SEEN)
    scores = issues.table.filter(like="_score")
    assert ((scores >= 0) & (scores <= 1)).all(axis=None)
    assert issues.summary.threshold.dropna().min() >= 0.5
    for check in MEASURED.values():
        assert check.score(np.array([check.good, check.least, check.worst])).tolist() == [0, 0.5, 1]


def test_bars_and_repeated_marks_at_the_edges(tmp_path):
    folder = tmp_path / "borders"
    assert flagged(write(folder, n=16), ["repeated_borders"]) == {}
    for number in range(30, 35):
        image = scene(number)
        image.paste(scene(999, (60, 45)), (180, 135))  # a logo of many tones
        image.save(folder / "a" / f"{number}.png")
    boxed().save(folder / "a" / "40.png")
    queue = find_issues(Dataset.from_folder(folder), ["repeated_borders"]).queue("repeated_borders")
    assert sorted(queue.path) == [f"a/{number}.png" for number in (30, 31, 32, 33, 34, 40)]
    wanted = "Its lower right corner is the same as in 4 other images"
    assert queue.set_index("path").why["a/30.png"] == wanted
