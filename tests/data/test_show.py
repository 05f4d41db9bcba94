"""Sheets of images: which ones, under which words, shown once and readable."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from bearwidgets import Dataset
from bearwidgets.data.augment.augment import Augment
from bearwidgets.data.augment.transforms import Resize
from bearwidgets.errors import BadInputError, ImageError


def shown(sheet):
    return [axes.get_images()[0].get_array() for axes in sheet.figure.axes]


def words(sheet):
    return [axes.get_title() for axes in sheet.figure.axes]


def test_a_batch_shows_items_of_the_split_under_their_labels(ds):
    sheet = ds.show_batch(6, size=32)
    looks = {}
    for row in ds.table.itertuples():
        pixels = Resize(32)(Image.open(ds.path_of(row.id)).convert("RGB"))
        looks[pixels.tobytes()] = row.label, row.split
    found = [looks[each.tobytes()] for each in shown(sheet)]
    assert [label for label, _ in found] == words(sheet)
    assert {split for _, split in found} == {"train"}
    assert len({each.tobytes() for each in shown(sheet)}) == 6
    few = [looks[each.tobytes()][1] for each in shown(ds.show_batch(100, split="valid", size=32))]
    assert few == ["valid"] * (ds.table.split == "valid").sum(), "those that there are"


def test_the_seed_draws_items_and_looks(ds):
    one, same, other = (ds.show_batch(5, augment="standard", size=24, seed=seed) for seed in (1, 1, 2))
    assert all((a == b).all() for a, b in zip(shown(one), shown(same), strict=True))
    assert not all((a == b).all() for a, b in zip(shown(one), shown(other), strict=True))
    one, other = ({each.tobytes() for each in shown(ds.show_batch(5, size=24, seed=seed))} for seed in (1, 2))
    assert one != other, "other items"


def test_files_that_broke_since_are_passed_over_and_told(ds):
    train = ds.table[ds.table["split"] == "train"]
    for path in train["path"][:-3]:
        (ds.root / path).write_bytes(b"no image")
    sheet = ds.show_batch(3, size=16)
    assert len(shown(sheet)) == 3
    assert 0 < len(sheet.problems) <= len(train) - 3
    assert set(sheet.problems) <= set(train["path"][:-3])
    said = [text.get_text() for text in sheet.figure.texts]
    assert f"{len(sheet.problems)} passed over: see .problems" in said
    for path in train["path"]:
        (ds.root / path).unlink(missing_ok=True)
    with pytest.raises(
        ImageError, match=r"None of the \d+ images of 'train' can be opened; .*cannot be read"
    ):
        ds.show_batch(3)


def test_an_item_is_shown_first_as_it_is_and_then_at_random(ds, monkeypatch):
    row = ds.table.iloc[5]
    sheet = ds.show_augmented(row["id"], 7, "strong", size=32)
    pixels = shown(sheet)
    assert words(sheet) == [f"{row['label']} (original)", *[""] * 7]
    assert (pixels[0] == Resize(32)(Image.open(ds.root / row["path"]).convert("RGB"))).all()
    assert len({each.tobytes() for each in pixels}) == 8
    monkeypatch.chdir(ds.root.parent)
    path = ds.root / row["path"]
    for same in (row["path"], path, str(path), Path(ds.root.name) / row["path"]):
        assert (shown(ds.show_augmented(same, 1, "none", size=32))[1] == pixels[0]).all()
    pixels = shown(ds.show_augmented(ds.table["id"][0], 3, Augment(rotate=90, p_affine=1), size=20))
    assert [each.shape for each in pixels] == [(20, 20, 3)] * 4
    assert not (pixels[1] == pixels[2]).all()


def test_a_broken_item_is_told_with_its_reason(ds):
    row = ds.table.iloc[0]
    (ds.root / row["path"]).write_text("<html>")
    with pytest.raises(ImageError, match=f"{row['path']} cannot be shown: .*web page"):
        ds.show_augmented(row["id"])


@pytest.mark.parametrize(
    ("item", "told"),
    [
        (
            "grizzly/00.jpg",
            r"No item 'grizzly/00.jpg' in this data set of 24 items: .*mean 'grizzly/00\d.jpg'\?",
        ),
        ("", "No item ''"),
        (12, "No item '12'"),
        (Path("/etc/passwd"), "No item '/etc/passwd'"),
    ],
)
def test_an_unknown_item_is_told(ds, item, told):
    with pytest.raises(BadInputError, match=told):
        ds.show_augmented(item)


@pytest.mark.parametrize("n", [0, -1, 101, 2.0, True])
def test_a_bad_number_is_told(ds, n):
    for show in (ds.show_batch, lambda n: ds.show_augmented(ds.table["id"][0], n)):
        with pytest.raises(BadInputError, match="allowed is a whole number of images from 1 to 100"):
            show(n)


def test_other_bad_arguments_are_told(ds):
    with pytest.raises(BadInputError, match=r"No split 'training'; known are .*, test. Did you mean 'train'"):
        ds.show_batch(split="training")
    with pytest.raises(BadInputError, match="No item is in the split 'test'; there are some in train, valid"):
        ds.show_batch(split="test")
    with pytest.raises(BadInputError, match="Did you mean 'aerial'"):
        ds.show_batch(augment="arial")
    with pytest.raises(BadInputError, match="size is 0"):
        ds.show_augmented(ds.table["id"][0], size=0)


def test_labels_are_words_and_no_formulas(make_images, tmp_path):
    names = [r"$\frac{$", "a^b_c $x$", "grizzly 熊", "two\nlines", "x" * 80]
    folder = make_images(tmp_path / "odd", {"a": 10})
    frame = pd.DataFrame({"path": [f"a/{number:03}.jpg" for number in range(10)], "label": names * 2})
    sheet = Dataset.from_df(frame, root=folder, valid_pct=0).show_batch(10, size=16)
    assert sheet._repr_jpeg_().startswith(b"\xff\xd8")
    assert set(words(sheet)) == {r"$\frac{$", "a^b_c $x$", "grizzly 熊", "two lines", "x" * 21 + "…"}


def test_a_notebook_shows_it_once_and_pyplot_knows_nothing_of_it(ds):
    from IPython.core.interactiveshell import InteractiveShell
    from matplotlib import _pylab_helpers

    sheet = ds.show_batch(4, size=16)
    data, _ = InteractiveShell.instance().display_formatter.format(sheet)
    assert set(data) == {"image/jpeg", "text/plain"}
    assert data["text/plain"] == "<Sheet of 4 images; .save(path) writes it to a file>"
    assert _pylab_helpers.Gcf.get_all_fig_managers() == []


def test_it_is_readable_whatever_the_page_and_the_users_style(ds, tmp_path):
    import matplotlib as mpl

    with mpl.rc_context({"text.color": "white", "savefig.facecolor": "black", "text.usetex": True}):
        ds.show_batch(4, size=16).save(tmp_path / "sheet.png")
    pixels = np.asarray(Image.open(tmp_path / "sheet.png").convert("RGBA"))
    assert (pixels[..., 3] == 255).all()  # its page does not shine through
    assert pixels[0].min() > 220
    assert (pixels[:30, :, :3].max(-1) < 60).sum() > 20  # black letters


def test_no_image_of_the_data_set_is_written_over(ds):
    path = ds.path_of(ds.table.id[0])
    before = path.read_bytes()
    with pytest.raises(
        BadInputError, match="is a file of the data folder; give a name that is not taken there"
    ):
        ds.show_batch(4, size=16).save(path)
    with pytest.raises(BadInputError, match=r"does not say in which format; allowed are \.png"):
        ds.show_batch(4, size=16).save(path.with_suffix(".bw"))
    assert path.read_bytes() == before
    assert not path.with_suffix(".bw").exists()


def test_it_is_saved_in_the_format_of_the_ending(ds, tmp_path):
    sheet = ds.show_batch(2, size=16)
    for ending, start in (("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF"), ("jpg", b"\xff\xd8")):
        sheet.save(tmp_path / f"sheet.{ending}")
        assert (tmp_path / f"sheet.{ending}").read_bytes().startswith(start)


@pytest.mark.parametrize(("n", "columns"), [(1, 1), (2, 2), (9, 3), (10, 4), (18, 5)])
def test_the_sheet_is_about_square_and_images_lie_apart(ds, n, columns):
    figure = ds.show_batch(n, size=8).figure
    boxes = [axes.get_position() for axes in figure.axes]
    assert len({round(box.x0, 6) for box in boxes}) == columns
    assert all(box.x0 > 0 and box.y0 > 0 and box.x1 < 1 and box.y1 < 0.98 for box in boxes)
    assert not any(a.overlaps(b) for number, a in enumerate(boxes) for b in boxes[:number])
    width, height = figure.get_size_inches()
    assert all(box.width * width == pytest.approx(box.height * height) for box in boxes)
