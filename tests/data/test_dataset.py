"""Data sets from folders, CSV files and DataFrames: the ordinary ways, and what odd files do to them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

import bearwidgets as bw
from bearwidgets.data.dataset import Dataset
from bearwidgets.data.identity import content_id, copy_id
from bearwidgets.errors import BadInputError, MissingFileError

COLUMNS = ["id", "path", "label", "split", "width", "height", "content"]


def save(path: Path, color: object = "red", size: tuple[int, int] = (20, 10)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, color).save(path, "PNG")
    return path


def reasons(ds: Dataset) -> dict[str, str]:
    return dict(zip(ds.problems["path"], ds.problems["reason"], strict=True))


def decisions(rows: list[dict]) -> object:
    class Journal:
        pass

    journal = Journal()
    journal.decisions = pd.DataFrame(
        rows, columns=["id", "path", "content", "action", "new_label", "seq"]
    ).set_index("id")
    return journal


class TestFolder:
    def test_table(self, images):
        ds = Dataset.from_folder(images)
        assert list(ds.table.columns) == COLUMNS
        assert len(ds) == len(ds.table) == 24
        assert ds.table.index.equals(pd.RangeIndex(24))
        assert ds.table["path"].tolist() == sorted(f"{c}/{n:03}.jpg" for c in ds.classes for n in range(8))
        assert ds.classes == ["black", "grizzly", "teddy"]
        assert ds.table["content"].tolist() == [content_id(images / path) for path in ds.table["path"]]
        assert ds.table["id"].tolist() == ds.table["content"].tolist()
        assert set(zip(ds.table["width"], ds.table["height"], strict=True)) == {(48, 40)}
        assert ds.table.loc[ds.table["split"] == "valid", "label"].value_counts().tolist() == [2, 2, 2]
        assert (ds.source, ds.root, ds.workspace) == ("folder", images, images / ".bearwidgets")
        assert ds.problems.empty
        assert list(ds.problems.columns) == ["path", "reason", "kind"]
        assert ds.notes == []
        assert not ds.workspace.exists(), "reading writes nothing"

    def test_ids(self, images):
        ds = Dataset.from_folder(images)
        for row, (id_, path) in enumerate(zip(ds.table["id"], ds.table["path"], strict=True)):
            assert ds.index_of(id_) == row
            assert ds.path_of(id_) == images / path
        with pytest.raises(BadInputError, match="No item 'x'"):
            ds.path_of("x")

    def test_the_split_does_not_hang_on_names_or_place(self, images, tmp_path):
        first = Dataset.from_folder(images).table
        for number, path in enumerate(sorted(images.rglob("*.jpg"), reverse=True)):
            path.rename(path.with_name(f"renamed{number}.png"))
        images.rename(tmp_path / "elsewhere")
        second = Dataset.from_folder(tmp_path / "elsewhere").table
        assert dict(zip(first["id"], first["split"], strict=True)) == dict(
            zip(second["id"], second["split"], strict=True)
        )

    def test_folders_in_a_class(self, images):
        save(images / "teddy" / "deep" / "deeper" / "x.png")
        ds = Dataset.from_folder(images)
        assert ds.table.set_index("path").loc["teddy/deep/deeper/x.png", "label"] == "teddy"

    def test_hidden_folders_and_the_workspace_are_no_data(self, images):
        for hidden in (".bearwidgets/trash", ".ipynb_checkpoints", "teddy/.cache", "space/trash/0001"):
            save(images / hidden / "x.png", "blue")
        assert len(Dataset.from_folder(images, workspace=images / "space")) == 24

    def test_the_home_folder_and_strings(self, images, monkeypatch):
        monkeypatch.setenv("HOME", str(images.parent))
        monkeypatch.setenv("USERPROFILE", str(images.parent))
        assert Dataset.from_folder(f"~/{images.name}").root == images

    @pytest.mark.parametrize("valid", ["valid", "val", "Validation"])
    def test_split_folders(self, tmp_path, make_images, valid):
        for seed, name in enumerate(("train", valid, "test")):
            make_images(tmp_path / name, {"black": 3, "teddy": 3}, seed=seed)
        (tmp_path / "models").mkdir()
        ds = Dataset.from_folder(tmp_path)
        assert ds.classes == ["black", "teddy"]
        assert ds.table["split"].tolist() == [
            {"train": "train", "test": "test"}.get(path.split("/")[0], "valid") for path in ds.table["path"]
        ]
        assert "left out" in reasons(ds)["models"]

    def test_train_and_test_without_valid(self, tmp_path, make_images):
        for seed, name in enumerate(("train", "test")):
            make_images(tmp_path / name, {"black": 10, "teddy": 10}, seed=seed)
        counts = Dataset.from_folder(tmp_path).table["split"].value_counts().to_dict()
        assert counts == {"train": 16, "valid": 4, "test": 20}

    def test_a_class_may_be_called_train(self, tmp_path, make_images):
        make_images(tmp_path, {"train": 3, "bus": 3})
        assert Dataset.from_folder(tmp_path).classes == ["bus", "train"]

    def test_the_same_image_in_train_and_valid_is_told(self, tmp_path, make_images):
        for name in ("train", "valid"):
            make_images(tmp_path / name, {"black": 3, "teddy": 3})
        ds = Dataset.from_folder(tmp_path)
        assert any("6 of these groups lie in two splits" in note for note in ds.notes)

    def test_copies(self, images):
        data = (images / "black" / "000.jpg").read_bytes()
        for path in ("black/copy.jpg", "teddy/copy.jpg"):
            (images / path).write_bytes(data)
        ds = Dataset.from_folder(images)
        copies = ds.table[ds.table["content"] == content_id(images / "black" / "000.jpg")]
        assert copies["path"].tolist() == ["black/000.jpg", "black/copy.jpg", "teddy/copy.jpg"]
        assert copies["id"].tolist() == [
            copy_id(c, p) for c, p in zip(copies["content"], copies["path"], strict=True)
        ]
        assert ds.table["id"].is_unique
        assert len(set(copies["split"])) == 1
        assert any("1 of these groups lie under two" in note for note in ds.notes)


class TestBadFolder:
    def test_no_such_folder(self, images):
        with pytest.raises(MissingFileError, match="Did you mean 'images'"):
            Dataset.from_folder(images.parent / "imagse")
        with pytest.raises(FileNotFoundError):
            Dataset.from_folder(images / "no" / "such")

    def test_a_file(self, images):
        with pytest.raises(BadInputError, match="is a file"):
            Dataset.from_folder(images / "black" / "000.jpg")

    def test_empty(self, tmp_path):
        (tmp_path / "e").mkdir()
        with pytest.raises(BadInputError, match=r"it is empty.*one folder per class"):
            Dataset.from_folder(tmp_path / "e")
        (tmp_path / "e" / "bear").mkdir()
        with pytest.raises(BadInputError, match=r"its folders \(bear\) hold no file"):
            Dataset.from_folder(tmp_path / "e")

    def test_images_without_class_folders(self, images):
        with pytest.raises(BadInputError, match=r"8 images lie in no class folder.*from_csv"):
            Dataset.from_folder(images / "black")

    def test_nothing_usable(self, tmp_path):
        for name in "abcde":
            (tmp_path / "bear").mkdir(exist_ok=True)
            (tmp_path / "bear" / f"{name}.jpg").write_bytes(b"")
        with pytest.raises(BadInputError, match=r"bear/a\.jpg: empty file.*and 2 more"):
            Dataset.from_folder(tmp_path)

    def test_one_class_and_one_image(self, tmp_path):
        save(tmp_path / "bear" / "1.png")
        ds = Dataset.from_folder(tmp_path)
        assert ds.table["split"].tolist() == ["train"]
        assert "only one class" in ds.notes[0]
        assert "one image only in 'bear'" in ds.notes[1]

    def test_bad_files_are_problems_and_the_rest_is_used(self, images):
        folder = images / "teddy"
        (folder / "zero.jpg").write_bytes(b"")
        (folder / "page.jpg").write_bytes(b"<!DOCTYPE html><html>")
        (folder / "cut.jpg").write_bytes((folder / "000.jpg").read_bytes()[:-20])
        (folder / "drawing.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
        (folder / "notes.txt").write_text("hello")
        (folder / "photo.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(40))
        for loose in ("labels.csv", "README.md"):
            (images / loose).write_bytes(b"not an image")
        (images / "loose.jpg").write_bytes((folder / "000.jpg").read_bytes())
        ds = Dataset.from_folder(images)
        assert len(ds) == 24
        found = reasons(ds)
        assert found["teddy/zero.jpg"] == "empty file (0 bytes)"
        assert "web page" in found["teddy/page.jpg"]
        assert "cut off" in found["teddy/cut.jpg"]
        assert "SVG" in found["teddy/drawing.svg"]
        assert "text" in found["teddy/notes.txt"]
        assert "no class folder" in found["loose.jpg"]
        assert ds.problems["path"].is_monotonic_increasing
        assert dict(zip(ds.problems["path"], ds.problems["kind"], strict=True)) == {
            "loose.jpg": "refused",
            "teddy/cut.jpg": "unreadable",
            "teddy/drawing.svg": "unsupported",
            "teddy/notes.txt": "not an image",
            "teddy/page.jpg": "unreadable",
            "teddy/photo.heic": "unsupported",
            "teddy/zero.jpg": "unreadable",
        }
        assert "7 files skipped" in repr(ds)
        assert "1 unreadable: empty file (teddy/zero.jpg)" in repr(ds)
        assert bw.find_issues(ds).summary.loc["unreadable", "certain"] == 3

    def test_files_of_the_system_are_no_problem(self, images):
        for name in (
            *(".DS_Store", "._000.jpg", "Thumbs.db", "DESKTOP.INI", "Icon\r", ".gitkeep", ".picasa.ini"),
            *("@eaDir/000.jpg/SYNOPHOTO_THUMB_XL.jpg", "__MACOSX/teddy/x.png", "$RECYCLE.BIN/x.png"),
        ):
            for folder in (images, images / "teddy"):
                save(folder / name).write_bytes(b"\0\x05\x16\x07" + bytes(40))
        save(images / "teddy" / ".hidden.png", "blue")
        (images / "teddy" / ".torn.png").write_bytes(b"")
        ds = Dataset.from_folder(images)
        assert len(ds) == 25
        assert "teddy/.hidden.png" in ds.table["path"].tolist()
        assert reasons(ds) == {"teddy/.torn.png": "empty file (0 bytes)"}

    @pytest.mark.parametrize("place", ["grizzly/work", "work", "grizzly", "."])
    @pytest.mark.parametrize("named", [True, False])
    def test_what_was_deleted_is_no_data_wherever_the_workspace_lies(self, images, place, named):
        space = images / place
        ds = Dataset.from_folder(images, workspace=space)
        journal = bw.Journal.open(ds)
        journal.record(ds.table["id"][[0, 9]].tolist(), "delete")
        journal.apply()
        again = Dataset.from_folder(images, workspace=space if named else None)
        assert again.table["path"].tolist() == ds.table["path"].drop([0, 9]).tolist()
        assert again.problems.empty
        frame = pd.DataFrame({"path": [p.relative_to(images).as_posix() for p in images.rglob("*.jpg")]})
        table = Dataset.from_df(frame.assign(label="x"), root=images, workspace=space if named else None)
        assert len(table) == 22
        assert set(table.problems["kind"]) == {"refused"}

    def test_a_class_may_be_called_trash(self, images):
        save(images / "trash" / "x.png")
        assert "trash" in Dataset.from_folder(images).classes
        with pytest.raises(BadInputError, match=r"trash' belongs to a workspace"):
            Dataset.from_folder(images, workspace=images)

    def test_unreadable_file_and_folder(self, images, monkeypatch):
        real_open, real_scan = Path.open, os.scandir

        def open_(self, *args, **options):
            if self.name == "003.jpg":
                raise PermissionError(13, "Permission denied")
            return real_open(self, *args, **options)

        def scan(path):
            if str(path).endswith("grizzly"):
                raise PermissionError(13, "Permission denied")
            return real_scan(path)

        monkeypatch.setattr(Path, "open", open_)
        monkeypatch.setattr(os, "scandir", scan)
        ds = Dataset.from_folder(images)
        assert len(ds) == 14
        assert reasons(ds)["black/003.jpg"] == "cannot be read: permission denied"
        assert reasons(ds)["grizzly"] == "this folder cannot be read: permission denied"
        assert any("'grizzly' holds no file" in note for note in ds.notes)

    def test_file_names(self, images):
        names = [
            'a"b.png',
            "it's.png",
            "a<b>&.png",
            "line\nbreak.png",
            "🐻.png",
            "שלום.png",
            "x\u202egpj.png",
            "a,b;.png",
        ]
        names += ["=cmd.png", "%20.png", " space .png", "x" * 200, "photo.jpg?v=2", "UPPER.JPG", "upper.jpg"]
        used = 0
        for number, name in enumerate(names):
            try:
                save(images / "teddy" / name, (number, 0, 0))
                used += 1
            except OSError:
                continue
        ds = Dataset.from_folder(images)
        assert len(ds) == 24 + used
        assert ds.problems.empty
        for id_ in ds.table["id"]:
            assert ds.path_of(id_).is_file()

    def test_class_names_are_escaped(self, tmp_path, make_images):
        label = "<script>alert(1)<\\script>" if os.name != "nt" else "a&b"
        make_images(tmp_path, {label: 3, "a\u202eb": 3})
        (tmp_path / label / "<img src=x onerror=alert(2)>").write_bytes(b"")
        ds = Dataset.from_folder(tmp_path)
        for text in (ds._repr_html_(), repr(ds)):
            assert "\u202e" not in text
        assert "<script" not in ds._repr_html_()
        assert "<img" not in ds._repr_html_()

    def test_names_that_differ_only_in_case_or_encoding(self, tmp_path):
        for number, name in enumerate(("Bear/1.png", "bear/1.png", "bär/1.png", "ba\u0308r/1.png")):
            save(tmp_path / name, (number, 0, 0))
        if len(list(tmp_path.iterdir())) < 4:
            pytest.skip("this file system does not tell such names apart")
        ds = Dataset.from_folder(tmp_path)
        assert len(ds) == len(ds.classes) == 4
        assert sum("differ only in case" in note for note in ds.notes) == 2
        assert any("2 paths differ from another" in note for note in ds.notes)

    @pytest.mark.skipif(sys.platform != "linux", reason="other systems have text names only")
    def test_a_name_that_is_no_text(self, images):
        with open(os.fsencode(images) + b"/teddy/\xff\xfe.jpg", "wb") as file:  # noqa: PTH123
            file.write(b"x")
        ds = Dataset.from_folder(images)
        assert len(ds) == 24
        assert "UTF-8" in reasons(ds)["teddy/\\udcff\\udcfe.jpg"]


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege on Windows")
class TestLinks:
    def test_loops_and_links_to_folders(self, images):
        (images / "teddy" / "up").symlink_to(images)
        (images / "teddy" / "self").symlink_to("self")
        (images / "teddy" / "other").symlink_to("../black")
        (images / "again").symlink_to("teddy")
        (images / "circle").symlink_to("circle")
        os.mkfifo(images / "pipe")
        ds = Dataset.from_folder(images)
        assert len(ds) == 24
        assert set(reasons(ds)) == {"teddy/up", "teddy/self", "teddy/other", "again"}

    def test_links_that_leave_the_folder(self, images, tmp_path):
        outside = save(tmp_path / "outside" / "secret.png")
        (images / "teddy" / "leak.png").symlink_to(outside)
        (images / "teddy" / "folder").symlink_to(outside.parent)
        (images / "stolen").symlink_to(outside.parent)
        ds = Dataset.from_folder(images)
        assert len(ds) == 24
        assert "leaves the data folder" in reasons(ds)["teddy/leak.png"]
        assert set(reasons(ds)) == {"teddy/leak.png", "teddy/folder", "stolen"}

    def test_a_neighbor_with_a_longer_name_is_outside(self, images, tmp_path):
        outside = save(tmp_path / "images-of-others" / "x.png")
        (images / "teddy" / "leak.png").symlink_to(outside)
        assert len(Dataset.from_folder(images)) == 24

    def test_links_to_a_file_inside_are_copies(self, images):
        (images / "teddy" / "link.jpg").symlink_to("../black/000.jpg")
        assert Dataset.from_folder(images).table["content"].duplicated().sum() == 1

    def test_the_root_itself_may_be_a_link(self, images, tmp_path):
        (tmp_path / "link").symlink_to(images)
        ds = Dataset.from_folder(tmp_path / "link")
        assert (len(ds), ds.root) == (24, images)

    def test_broken_links_and_sockets(self, images):
        (images / "teddy" / "broken.jpg").symlink_to("nowhere.jpg")
        os.mkfifo(images / "teddy" / "pipe.jpg")
        found = reasons(Dataset.from_folder(images))
        assert "nowhere" in found["teddy/broken.jpg"]
        assert "no regular file" in found["teddy/pipe.jpg"]

    def test_a_file_that_becomes_a_link_later_is_refused(self, images, tmp_path):
        ds = Dataset.from_folder(images)
        path = ds.path_of(ds.table["id"][0])
        outside = save(tmp_path / "outside.png")
        path.unlink()
        path.symlink_to(outside)
        with pytest.raises(BadInputError, match="leaves the data folder"):
            ds.path_of(ds.table["id"][0])


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
        outside = save(tmp_path / "outside.png")
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
        outside = save(tmp_path / "outside" / "x.png")
        (images / "link.png").symlink_to(outside)
        (images / "folder").symlink_to(outside.parent)
        rows = ["black/000.jpg,x", "link.png,x", "folder/x.png,x"]
        found = reasons(Dataset.from_csv(self.write(images, rows), root=images))
        assert set(found) == {"link.png", "folder/x.png"}

    def test_split_column(self, images):
        rows = [
            f"black/00{n}.jpg,x,{s}"
            for n, s in enumerate(["train", "VAL", "test", "", "bogus", "True", "False"])
        ]
        ds = Dataset.from_csv(self.write(images, rows, header="path,label,s"), root=images, split="s")
        assert ds.table["split"].tolist() == ["train", "valid", "test", "valid", "train"]
        assert "'bogus'; allowed are train, valid, test" in reasons(ds)["black/004.jpg"]
        assert "the split is ''" in reasons(ds)["black/003.jpg"]

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


class TestViews:
    def journal(self, ds, rows):
        return decisions(
            [
                {
                    **ds.table.loc[row, ["id", "path", "content"]],
                    "action": action,
                    "new_label": label,
                    "seq": seq,
                }
                for seq, (row, action, label) in enumerate(rows)
            ]
        )

    def rows(self, ds, split, n):
        return ds.table.index[ds.table["split"] == split][:n].tolist()

    def test_decisions_on_train(self, images):
        ds = Dataset.from_folder(images)
        a, b, c, d = self.rows(ds, "train", 4)
        journal = self.journal(
            ds, [(a, "delete", None), (b, "relabel", "teddy"), (c, "unsure", None), (d, "keep", None)]
        )
        before = ds.table.copy()
        view = ds.cleaned(journal)
        pd.testing.assert_frame_equal(ds.table, before)
        assert list(view.table.columns) == COLUMNS
        assert view.table.index.equals(pd.RangeIndex(22))
        ids = ds.table["id"]
        assert set(ids) - set(view.table["id"]) == {ids[a], ids[c]}
        assert view.table.loc[view.index_of(ids[b]), "label"] == "teddy"
        assert view.table.loc[view.index_of(ids[d]), "label"] == ds.table.loc[d, "label"]
        assert view.notes == [
            "decisions taken into account in train: 1 deleted, 1 left out as unsure, 1 relabeled"
        ]

    def test_the_exam_is_frozen_unless_asked(self, images):
        ds = Dataset.from_folder(images)
        a, b = self.rows(ds, "valid", 2)
        journal = self.journal(ds, [(a, "delete", None), (b, "relabel", "polar")])
        pd.testing.assert_frame_equal(ds.cleaned(journal).table, ds.table)
        corrected = ds.cleaned(journal, exam="corrected")
        assert len(corrected) == 23
        assert "polar" in corrected.classes
        assert any("in valid: 1 deleted, 1 relabeled" in note for note in corrected.notes)
        with pytest.raises(BadInputError, match="Did you mean 'corrected'"):
            ds.cleaned(journal, exam="correct")

    def test_the_newest_decision_on_an_item_wins(self, images):
        data = (images / "black" / "000.jpg").read_bytes()
        (images / "black" / "copy.jpg").write_bytes(data)
        ds = Dataset.from_folder(images, valid_pct=0)
        copy = ds.table.set_index("path").loc["black/copy.jpg"]
        by_content = {
            "id": copy["content"],
            "path": "black/copy.jpg",
            "content": copy["content"],
            "new_label": "teddy",
        }
        by_id = {**by_content, "id": copy["id"], "new_label": "grizzly"}
        for first, second in [(by_content, by_id), (by_id, by_content)]:
            rows = [{**first, "action": "relabel", "seq": 1}, {**second, "action": "relabel", "seq": 2}]
            view = ds.cleaned(decisions(rows[::-1]))
            labels = view.table.set_index("path")["label"]
            assert labels["black/copy.jpg"] == second["new_label"]
            assert labels["black/000.jpg"] == "black", "the other copy is decided on apart"

    def test_nothing_decided(self, images):
        ds = Dataset.from_folder(images)
        view = ds.cleaned(decisions([]))
        pd.testing.assert_frame_equal(view.table, ds.table)
        assert view.notes == ds.notes

    def test_without(self, images):
        ds = Dataset.from_folder(images)
        ids = ds.table["id"][:2].tolist()
        less = ds.without(ids, "broken: its pixels cannot be decoded")
        assert len(less) == 22
        assert reasons(less) == {f"black/00{n}.jpg": "broken: its pixels cannot be decoded" for n in (0, 1)}
        assert less.index_of(ds.table["id"][2]) == 0
        assert len(ds) == 24
        assert reasons(less.without([ds.table["id"][2]], ["why"]))["black/002.jpg"] == "why"
        with pytest.raises(BadInputError, match="No item"):
            less.without(ids, "again")
        with pytest.raises(BadInputError, match="2 ids came with 1 reasons"):
            ds.without(ids, ["one"])

    def test_what_turned_out_broken_is_not_examined(self, images):
        ds = Dataset.from_folder(images)
        id_ = ds.table["id"][self.rows(ds, "valid", 1)[0]]
        view = ds.cleaned(decisions([])).without([id_], "broken")
        assert id_ not in view.freeze_exam().items

    def test_repr(self, images):
        text = repr(Dataset.from_folder(images))
        assert "Dataset of 24 images in 3 classes" in text
        assert "train 18, valid 6" in text
        assert "black 8, grizzly 8, teddy 8" in text
        html = Dataset.from_folder(images)._repr_html_()
        assert html.count("<tr>") == 4
        assert "skipped" not in html

    def test_repr_stays_short(self, tmp_path, make_images):
        make_images(tmp_path, {f"class{n:03}": 1 for n in range(120)})
        for number in range(50):
            (tmp_path / "class000" / f"{number}.txt").write_text("x")
        ds = Dataset.from_folder(tmp_path)
        assert "and 100 more" in repr(ds)
        assert "50 files skipped" in repr(ds)
        assert "50 not an image: text" in repr(ds)
        assert "and 48 more" in repr(ds)
        assert len(repr(ds)) < 3000
        assert ds._repr_html_().count("<tr>") == 21


def test_a_folder_that_cannot_be_written_is_read(images):
    for folder in (images, *images.iterdir()):
        folder.chmod(0o555)
    try:
        assert len(Dataset.from_folder(images)) == 24
    finally:
        for folder in (images, *images.iterdir()):
            folder.chmod(0o755)


def test_real_data(shared_data):
    bears = Dataset.from_folder(shared_data / "bears")
    assert (len(bears), bears.classes) == (480, ["black", "grizzly", "teddy"])
    assert bears.table["split"].value_counts().to_dict() == {"train": 384, "valid": 96}
    cifar = Dataset.from_csv(shared_data / "cifar10n" / "labels.csv", label="worst")
    assert (len(cifar), len(cifar.classes)) == (6000, 10)
    assert bears.problems.empty
    assert cifar.problems.empty


def test_rows_longer_than_the_header_shift_nothing(images):
    (images / "labels.csv").write_text("path,label\nblack/000.jpg,x,\nteddy/000.jpg,y,\n")
    assert Dataset.from_csv(images / "labels.csv").table.label.tolist() == ["x", "y"]


@pytest.mark.parametrize("path", [None, 3, "", "a\0b", "~nobody-of-that-name/x", "x" * 5000])
def test_what_cannot_be_a_path_is_a_sentence(path):
    with pytest.raises((BadInputError, MissingFileError)):
        Dataset.from_folder(path)


@pytest.mark.parametrize(
    ("use", "words"),
    [
        (lambda: bw.Learner("bears"), "ds is 'bears'; a Dataset is needed: bw.Dataset.from_folder('bears')."),
        (lambda: bw.Learner(Path("a") / "b"), "bw.Dataset.from_folder('a/b')"),
        (lambda: bw.Learner([1]), "ds is list; a Dataset is needed: bw.Dataset.from_folder('bears')."),
        (lambda: bw.Journal.open(3), "source is 3; a Dataset is needed"),
        (lambda: bw.Journal.open(None), "source is None; a Dataset is needed"),
    ],
)
def test_what_is_no_data_set_is_told_how_to_become_one(use, words):
    with pytest.raises(BadInputError) as caught:
        use()
    assert words in str(caught.value)
