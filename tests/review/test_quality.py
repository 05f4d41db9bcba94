"""Quality checks: each finds what was done to an image, and says nothing of clean sets."""

from __future__ import annotations

import numpy as np
from made_data import rotten_png, scene
from PIL import Image, ImageEnhance, ImageFilter

from bearwidgets.data.dataset import Dataset
from bearwidgets.review.checks.run import find_issues

QUALITY = [
    "dark", "bright", "blurred", "low_information", "low_contrast", "odd_size", "odd_shape", "gray_among_color",
    "animated", "wrong_extension",
]  # fmt: skip


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
    issues = find_issues(ds, names or QUALITY)
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
    black = write(
        tmp_path / "black", lambda image: ImageEnhance.Brightness(image).enhance(0.02), rows=range(20)
    )
    assert flagged(black, ["dark"])["dark"] == list(range(20))


def test_a_gray_set_has_no_gray_among_color(tmp_path):
    ds = write(tmp_path / "gray", gray, rows=range(24))
    assert flagged(ds, ["gray_among_color"]) == {}


def test_a_right_extension_in_capitals_is_right(tmp_path):
    folder = tmp_path / "formats"
    write(folder)
    scene(50).save(folder / "a" / "50.jpg", "PNG")
    scene(51).save(folder / "a" / "51.JPEG", "JPEG")
    assert flagged(Dataset.from_folder(folder), ["wrong_extension", "animated"]) == {"wrong_extension": [50]}


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
    issues = find_issues(ds, QUALITY)
    scores = issues.table.filter(like="_score")
    assert ((scores >= 0) & (scores <= 1)).all(axis=None)
    assert issues.summary.threshold.dropna().min() >= 0.5
    from bearwidgets.review.checks.quality import MEASURED

    for check in MEASURED.values():
        assert check.score(np.array([check.good, check.least, check.worst])).tolist() == [0, 0.5, 1]


def marked(number):
    """An image with a logo of many tones in its lower right corner."""
    image = scene(number)
    logo = scene(999, (60, 45))
    image.paste(logo, (180, 135))
    return image


def test_bars_and_repeated_marks_at_the_edges(tmp_path):
    folder = tmp_path / "borders"
    assert flagged(write(folder, n=16), ["repeated_borders"]) == {}
    for number in range(30, 35):
        marked(number).save(folder / "a" / f"{number}.png")
    boxed = Image.new("RGB", (240, 180), "black")
    boxed.paste(scene(40, (240, 120)), (0, 30))
    boxed.save(folder / "a" / "40.png")
    assert flagged(Dataset.from_folder(folder), ["repeated_borders"]) == {
        "repeated_borders": [30, 31, 32, 33, 34, 40]
    }
    queue = find_issues(Dataset.from_folder(folder), ["repeated_borders"]).queue("repeated_borders")
    assert (
        queue.set_index("path").why["a/30.png"] == "Its lower right corner is the same as in 4 other images"
    )
