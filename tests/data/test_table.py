"""Data sets from tables: CSV files and DataFrames, and what odd cells do to them."""

from __future__ import annotations

import ntpath
import os
import sys
from pathlib import Path, PureWindowsPath

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_data import reasons, save_image

import bearwidgets as bw
from bearwidgets.data.dataset import Dataset
from bearwidgets.data.listing.cells import PathReader
from bearwidgets.data.listing.labels import notes_on_labels
from bearwidgets.errors import BadInputError, MissingFileError


class TestTable:
    def write(self, images, rows, name="labels.csv", header="path,label"):
        file = images.parent / name
        file.write_text(header + "\n" + "".join(f"{row}\n" for row in rows), encoding="utf-8")
        return file

    def test_csv(self, images):
        file = self.write(images, ["black/000.jpg,x", "./teddy/../teddy/001.jpg,y", "grizzly\\002.jpg,y"])
        ds = Dataset.from_csv(file, root=images)
        assert ds.table["path"].tolist() == ["black/000.jpg", "grizzly/002.jpg", "teddy/001.jpg"]
        assert ds.table["label"].tolist() == ["x", "y", "y"]
        assert (ds.source, ds.csv, ds.root) == ("csv", file, images)
        assert (ds.columns.path, ds.columns.label, ds.columns.split) == ("path", "label", None)

    def test_root_is_the_folder_of_the_csv(self, images):
        file = self.write(images, ["black/000.jpg,x"], name="images/labels.csv")
        assert len(Dataset.from_csv(file)) == 1

    def test_misspelt_column(self, images):
        file = self.write(images, ["black/000.jpg,x"], header="file,labels")
        with pytest.raises(BadInputError, match=r"No column 'label'.*Did you mean 'labels'"):
            Dataset.from_csv(file, root=images, path="file")
        with pytest.raises(BadInputError, match="No column 'path'"):
            Dataset.from_csv(file, root=images)
        with pytest.raises(BadInputError, match="No column 'fold'"):
            Dataset.from_csv(file, root=images, path="file", label="labels", split="fold")

    def test_bad_rows_are_problems(self, images, tmp_path):
        outside = save_image(tmp_path / "outside.png")
        rows = [
            "black/000.jpg,x",
            "black/001.jpg,",
            "black/002.jpg,x",
            "black/002.jpg,x",
            "black/003.jpg,x",
            "./black/003.jpg,y",
            "../outside.png,x",
            "black/../../outside.png,x",
            f"{outside},x",
            f"{images / 'black' / '004.jpg'},x",
            "black/none.jpg,x",
            "black,x",
            ",x",
            "https://example.org/1.jpg,x",
            "C:\\bears\\1.jpg,x",
            "black/000.jpg/x.jpg,x",
        ]
        ds = Dataset.from_csv(self.write(images, rows), root=images)
        assert ds.table["path"].tolist() == ["black/000.jpg", "black/002.jpg", "black/004.jpg"]
        found = reasons(ds)
        assert found["black/001.jpg"] == "no label (row 2)"
        assert found["black/003.jpg"] == "named in several rows that contradict each other (x, y)"
        assert "leaves the data folder" in found["../outside.png"]
        assert "leaves the data folder" in found["black/../../outside.png"]
        assert "absolute path" in found[str(outside)]
        assert found["black/none.jpg"] == found["black/000.jpg/x.jpg"] == "no such file"
        assert "no regular file" in found["black"]
        assert found["row 13"] == "no path (row 13)"
        assert "web address" in found["https://example.org/1.jpg"]
        assert "absolute path" in found["C:\\bears\\1.jpg"]
        assert len(found) == 11
        assert any("2 rows name a file that another row names already" in note for note in ds.notes)

    @pytest.mark.skipif(os.name == "nt", reason="links need a privilege on Windows")
    def test_links_in_a_table(self, images, tmp_path):
        outside = save_image(tmp_path / "outside" / "x.png")
        (images / "link.png").symlink_to(outside)
        (images / "folder").symlink_to(outside.parent)
        rows = ["black/000.jpg,x", "link.png,x", "folder/x.png,x"]
        found = reasons(Dataset.from_csv(self.write(images, rows), root=images))
        assert set(found) == {"link.png", "folder/x.png"}

    @pytest.mark.parametrize(
        ("cells", "wanted", "column"),
        [
            (["train", "VAL", "test", "True", "False"], ["train", "valid", "test", "valid", "train"], "s"),
            (["Training", "dev", "eval", "validation", "testing"], ["train", *["valid"] * 3, "test"], "s"),
            ([0, 0, 1, 0, 1], ["train", "train", "valid", "train", "valid"], "is_valid"),
            ([0.0, 0.0, 1.0, 0.0, 1.0], ["train", "train", "valid", "train", "valid"], "s"),
            (["FALSE", "true", "0", "1", "1.0"], ["train", "valid", "train", "valid", "valid"], "s"),
            ([True, False, True, False, True], ["train", "valid", "train", "valid", "train"], "is_train"),
            ([1, 0, 1, 0, 0], ["test", "valid", "test", "train", "train"], "isTest"),
        ],
    )
    def test_split_column(self, images, cells, wanted, column):
        frame = pd.DataFrame({"path": [f"black/00{n}.jpg" for n in range(5)], "label": "x", column: cells})
        if column == "isTest":  # the rest is split by hash
            wanted = Dataset.from_df(frame, root=images, split=column).table["split"].tolist()
            assert [each == "test" for each in wanted] == [cell == 1 for cell in cells]
        assert Dataset.from_df(frame, root=images, split=column).table["split"].tolist() == wanted

    @pytest.mark.parametrize(
        ("cells", "column", "said"),
        [
            (["train", "bogus", "valid"], "s", "'s' says 'bogus'; allowed are train, valid, test"),
            ([0, 1, 2], "fold", r"map\(\{0: 'train', 1: 'valid', 2: 'test'\}\).*frame\['fold'\] == 2"),
            (["0", "1", "2"], "s", r"map\(\{'0': 'train', '1': 'valid', '2': 'test'\}\)"),
            ([0, 1, 3], "fold", r"says '3'.*frame\['fold'\] == 3"),
            ([0, 1, 0], "train_test_split", "does not say which of test and train is meant"),
        ],
    )
    def test_a_split_that_is_unknown_is_no_other_split(self, images, cells, column, said):
        frame = pd.DataFrame({"path": [f"black/00{n}.jpg" for n in range(3)], "label": "x", column: cells})
        with pytest.raises(BadInputError, match=said):
            Dataset.from_df(frame, root=images, split=column)

    def test_a_row_without_a_split_is_a_problem(self, images):
        frame = pd.DataFrame({"path": ["black/000.jpg", "black/001.jpg"], "label": "x", "s": ["train", None]})
        assert "the split is ''" in reasons(Dataset.from_df(frame, root=images, split="s"))["black/001.jpg"]

    def test_split_column_without_valid(self, images):
        rows = [f"black/00{n}.jpg,x,{'test' if n < 3 else 'train'}" for n in range(8)]
        ds = Dataset.from_csv(self.write(images, rows, header="path,label,s"), root=images, split="s")
        assert ds.table["split"].value_counts().to_dict() == {"test": 3, "train": 4, "valid": 1}

    def test_csv_that_is_none(self, images, tmp_path):
        with pytest.raises(MissingFileError, match="No file"):
            Dataset.from_csv(tmp_path / "none.csv")
        for data, words in [
            (b"", "is empty"),
            (b"path,label\n\xff\xfe,x\n", "not encoded in"),
            (b'a\n"b', "cannot be read"),
        ]:
            (tmp_path / "x.csv").write_bytes(data)
            with pytest.raises(BadInputError, match=words):
                Dataset.from_csv(tmp_path / "x.csv")
        with pytest.raises(BadInputError, match="cannot be read"):
            Dataset.from_csv(images)
        with pytest.raises(MissingFileError):
            Dataset.from_csv(self.write(images, ["a,b"]), root=tmp_path / "none")

    def test_a_byte_order_mark_and_other_encodings(self, images, tmp_path):
        file = tmp_path / "x.csv"
        file.write_text("path;label\nblack/000.jpg;Bär\n", encoding="utf-8-sig")
        assert Dataset.from_csv(file, root=images, sep=";").classes == ["Bär"]
        file.write_text("path,label\nblack/000.jpg,Bär\n", encoding="latin-1")
        assert Dataset.from_csv(file, root=images, encoding="latin-1").classes == ["Bär"]

    @pytest.mark.parametrize(
        ("labels", "wanted"),
        [
            ([1, 2, 10], ["1", "10", "2"]),
            ([1.0, 2.0, np.nan], ["1", "2"]),
            ([1.5, 2.0, 3.0], ["1.5", "2.0", "3.0"]),
            ([True, False, True], ["False", "True"]),
            (["01", "1.0.0", "NA"], ["01", "1.0.0", "NA"]),
            ([None, pd.NA, " x "], ["x"]),
            (pd.Categorical(["b", "a", "b"]), ["a", "b"]),
        ],
    )
    def test_labels_become_text(self, images, labels, wanted):
        frame = pd.DataFrame({"path": [f"black/00{n}.jpg" for n in range(3)], "label": labels})
        assert Dataset.from_df(frame, root=images).classes == wanted

    def test_numbers_in_a_csv(self, images):
        file = self.write(images, ["black/000.jpg,1.0", "black/001.jpg,2.0", "black/002.jpg,"])
        assert Dataset.from_csv(file, root=images).classes == ["1", "2"]
        file = self.write(images, ["black/000.jpg,007", "black/001.jpg,NA"])
        assert Dataset.from_csv(file, root=images).classes == ["007", "NA"]

    def test_frame(self, images):
        frame = pd.DataFrame(
            {"f": [Path("black/000.jpg"), images / "teddy" / "000.jpg"], "y": ["a", "b"]}, index=[7, 7]
        )
        before = frame.copy()
        ds = Dataset.from_df(frame, root=images, path="f", label="y")
        assert (ds.source, ds.csv, len(ds)) == ("df", None, 2)
        pd.testing.assert_frame_equal(frame, before)

    @settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.lists(st.text(max_size=12) | st.none() | st.floats(), min_size=1, max_size=5))
    def test_any_cell_is_used_or_reported(self, images, cells):
        frame = pd.DataFrame({"path": ["black/000.jpg", *cells], "label": "x"}, dtype=object)
        ds = Dataset.from_df(frame, root=images)
        assert ds.table["path"].tolist() == ["black/000.jpg"]
        repr(ds)


def test_rows_longer_than_the_header_shift_nothing(images):
    (images / "labels.csv").write_text("path,label\nblack/000.jpg,x,\nteddy/000.jpg,y,\n")
    assert Dataset.from_csv(images / "labels.csv").table.label.tolist() == ["x", "y"]


def refusal(frame: object, root: Path, **options: object) -> str:
    with pytest.raises(BadInputError) as caught:
        Dataset.from_df(frame, root=root, **options)
    return str(caught.value)


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        (["000", "001"], 'pass suffix=".jpg"'),
        (["0", "1"], "the leading zeros are lost"),
        (["000.png", "001.png"], "the files end in '.jpg'"),
        (["000.JPG", "001.JPG"], "the files end in '.jpg'"),
        (["./black/000.png"], "'black/000.jpg' is: the files end in '.jpg'."),
        (["Black/000.jpg"], "the files lie in 'black/'"),
        (["C:\\me\\black\\000.jpg"], "cut 'C:\\\\me\\\\' off the paths"),
        (["/data/local-files/?d=black/000.jpg"], "cut '/data/local-files/?d=' off the paths"),
    ],
)
def test_where_no_row_finds_its_file_the_difference_is_told(images, cells, said):
    frame = pd.DataFrame({"path": cells, "label": "x"})
    told = refusal(frame, images if "lack" in cells[0] else images / "black")
    assert said in told
    assert "root= with its folder" not in told


def test_a_folder_between_is_told_and_given(images):
    frame = pd.DataFrame({"id": ["000", "001"], "label": "x"})
    assert 'pass suffix=".jpg"; pass folder="black"' in refusal(frame, images, path="id")
    ds = Dataset.from_df(frame, root=images, path="id", suffix=".jpg", folder="black")
    assert ds.table["path"].tolist() == ["black/000.jpg", "black/001.jpg"]
    assert ds.reread().table["path"].tolist() == ds.table["path"].tolist()
    with pytest.raises(BadInputError, match="leaves the data folder"):
        Dataset.from_df(frame, root=images / "black", path="id", folder="../..")


def test_most_rows_without_a_file_are_noted(images):
    frame = pd.DataFrame({"path": ["black/000.jpg", "black/001", "black/002", "black/003"], "label": "x"})
    notes = Dataset.from_df(frame, root=images).notes
    assert any("most rows name no file" in note and 'suffix=".jpg"' in note for note in notes)


def test_an_apply_finds_rows_of_files_without_ending_and_with_other_accents(tmp_path):
    for number in range(4):
        save_image(tmp_path / "images" / f"ba\u0308r{number}.png", (number, 0, 0))
    rows = "".join(f"b\u00e4r{number},{'xy'[number % 2]}\n" for number in range(4))
    (tmp_path / "labels.csv").write_text("path,label\n" + rows, encoding="utf-8")
    ds = Dataset.from_csv(tmp_path / "labels.csv", root=tmp_path / "images", suffix=".png")
    assert len(ds) == 4
    journal = bw.Journal.open(ds)
    journal.record([ds.table["id"][0]], "delete")
    journal.record([ds.table["id"][1]], "relabel", "x")
    journal.apply()
    rows = (tmp_path / "labels.csv").read_text("utf-8").splitlines()[1:]
    assert rows == [
        "b\u00e4r1,x",
        "b\u00e4r2,x",
        "b\u00e4r3,y",
    ]
    assert len(ds.reread()) == 3


def test_a_file_address_is_a_path(images):
    frame = pd.DataFrame(
        {"path": [f"file://{images.as_posix()}/black/00{n}.jpg" for n in range(3)], "label": "x"}
    )
    assert len(Dataset.from_df(frame, root=images)) == 3


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ([["healthy"], ["rust", "scab"]] * 6, r"row 1 is \['healthy'\].*one label for each image"),
        ([{"a"}, {"b"}] * 6, "one label for each image"),
        (np.linspace(0, 1, 12).tolist(), "12 different numbers in 12 rows"),
        ([f"{number}.25" for number in range(12)], "regression"),
    ],
)
def test_what_is_not_one_label_is_refused(images, labels, said):
    paths = [path.relative_to(images).as_posix() for path in sorted(images.rglob("*.jpg"))[:12]]
    with pytest.raises(BadInputError, match=said):
        Dataset.from_df(pd.DataFrame({"path": paths, "label": labels}), root=images)


@pytest.mark.parametrize(
    ("labels", "noted"),
    [
        (["clear primary", "clear primary water", "haze", "clear road primary"], True),
        (["Effusion", "Cardiomegaly|Effusion", "Effusion|Mass", "Mass"], True),
        (["cat,dog", "dog,cat", "cat", "bird"], True),
        (["black bear", "grizzly bear", "teddy bear", "bear"], False),
        (["bull terrier", "american bull terrier", "beagle", "pug"], False),
        (["red car", "blue car", "red bus", "blue bus"], False),
        (["tench, Tinca tinca", "crane", "crane, bird", "shark"], False),
    ],
)
def test_several_labels_in_a_cell_are_noted(images, labels, noted):
    frame = pd.DataFrame({"path": [f"black/00{n}.jpg" for n in range(4)], "label": labels})
    assert any("multi-label" in note for note in Dataset.from_df(frame, root=images).notes) is noted


def test_looking_for_several_labels_does_not_compare_each_name_with_each():
    steps = 0

    def count(*_: object) -> None:
        nonlocal steps
        steps += 1

    names = [f"genus{number % 7} species{number}" for number in range(300)]
    before = sys.getprofile()
    sys.setprofile(count)
    try:
        assert notes_on_labels(names) == []
    finally:
        sys.setprofile(before)
    assert steps < 100 * len(names)


@pytest.mark.parametrize("cell", ["C:\\data\\img\\1.jpg", "c:/Data/img/1.jpg", "img\\1.jpg", "img/1.jpg"])
@pytest.mark.parametrize("there", [True, False])
def test_paths_of_windows_are_posix_also_where_the_file_is_there(monkeypatch, cell, there):
    reader = PathReader(PureWindowsPath("C:/data"))
    monkeypatch.setattr(reader, "_is_there", lambda _: there)
    monkeypatch.setattr(os, "sep", "\\")
    monkeypatch.setattr(os.path, "normcase", ntpath.normcase)
    assert reader.path_of(cell) == "img/1.jpg"


FRAME = pd.DataFrame({"path": ["black/000.jpg"], "label": ["x"]})


@pytest.mark.parametrize(
    ("frame", "options", "said"),
    [
        (pd.concat([FRAME, FRAME], axis=1), {}, "2 columns called 'path'"),
        (FRAME, {"label": ["label"]}, r"label is \['label'\]; allowed is the name of one column"),
        (FRAME, {"groups": ["label"]}, r"groups is \['label'\]; allowed is one of the columns path, label"),
        (FRAME, {"path": None}, "path is None; allowed is the name of one column"),
        (FRAME.to_dict("list"), {}, "The table is dict; allowed is a pandas DataFrame"),
        (FRAME["path"], {}, "The table is Series"),
        ("labels.csv", {}, "goes to Dataset.from_csv"),
    ],
)
def test_frames_that_are_no_plain_table(images, frame, options, said):
    with pytest.raises(BadInputError, match=said):
        Dataset.from_df(frame, root=images, **options)


def test_columns_may_be_numbers(images):
    frame = pd.DataFrame({0: ["black/000.jpg"], 1: ["x"]})
    assert Dataset.from_df(frame, root=images, path=0, label=1).classes == ["x"]
