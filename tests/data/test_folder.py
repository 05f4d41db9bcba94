"""Data sets from folders: the ordinary ways, and what odd files, links and levels do to them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pandas as pd
import pytest
from made_data import reasons, save_image

import bearwidgets as bw
from bearwidgets.data.dataset import Dataset
from bearwidgets.data.identity import content_id, copy_id
from bearwidgets.errors import BadInputError, MissingFileError
from bearwidgets.safe_text import safe_name, unsafe

COLUMNS = ["id", "path", "label", "split", "width", "height", "content"]


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
        save_image(images / "teddy" / "deep" / "deeper" / "x.png")
        ds = Dataset.from_folder(images)
        assert ds.table.set_index("path").loc["teddy/deep/deeper/x.png", "label"] == "teddy"

    def test_hidden_folders_and_the_workspace_are_no_data(self, images):
        for hidden in (".bearwidgets/trash", ".ipynb_checkpoints", "teddy/.cache", "space/trash/0001"):
            save_image(images / hidden / "x.png", "blue")
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
        save_image(tmp_path / "bear" / "1.png")
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
                save_image(folder / name).write_bytes(b"\0\x05\x16\x07" + bytes(40))
        save_image(images / "teddy" / ".hidden.png", "blue")
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
        save_image(images / "trash" / "x.png")
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
                save_image(images / "teddy" / name, (number, 0, 0))
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
            save_image(tmp_path / name, (number, 0, 0))
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
        outside = save_image(tmp_path / "outside" / "secret.png")
        (images / "teddy" / "leak.png").symlink_to(outside)
        (images / "teddy" / "folder").symlink_to(outside.parent)
        (images / "stolen").symlink_to(outside.parent)
        ds = Dataset.from_folder(images)
        assert len(ds) == 24
        assert "leaves the data folder" in reasons(ds)["teddy/leak.png"]
        assert set(reasons(ds)) == {"teddy/leak.png", "teddy/folder", "stolen"}

    def test_a_neighbor_with_a_longer_name_is_outside(self, images, tmp_path):
        outside = save_image(tmp_path / "images-of-others" / "x.png")
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
        outside = save_image(tmp_path / "outside.png")
        path.unlink()
        path.symlink_to(outside)
        with pytest.raises(BadInputError, match="leaves the data folder"):
            ds.path_of(ds.table["id"][0])


def test_a_folder_that_cannot_be_written_is_read(images):
    for folder in (images, *images.iterdir()):
        folder.chmod(0o555)
    try:
        assert len(Dataset.from_folder(images)) == 24
    finally:
        for folder in (images, *images.iterdir()):
            folder.chmod(0o755)


@pytest.mark.parametrize("path", [None, 3, "", "a\0b", "~nobody-of-that-name/x", "x" * 5000])
def test_what_cannot_be_a_path_is_a_sentence(path):
    with pytest.raises((BadInputError, MissingFileError)):
        Dataset.from_folder(path)


@pytest.mark.parametrize(
    ("name", "unseen", "alike"),
    [
        ("black\u200b", True, True),
        ("bl\u00adack", True, True),
        ("\ufeffblack", True, True),
        ("bl\u202eack", True, True),
        ("black\u3164", True, True),
        ("black\u200d", True, True),
        ("Black", False, True),
        ("\uff42lack", False, True),
        ("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", False, False),
        ("\U0001f469\u200d\U0001f680", False, False),
        ("b\u00e4r 1", False, False),
    ],
)
def test_names_with_what_cannot_be_seen(tmp_path, name, unseen, alike):
    frame = pd.DataFrame({"path": ["0.png", "1.png"], "label": [name, "black"]})
    for number in range(2):
        save_image(tmp_path / f"{number}.png", (number, 0, 0))
    ds = Dataset.from_df(frame, root=tmp_path)
    assert any("cannot be seen: rename it" in note for note in ds.notes) is unseen
    assert any("what is not seen" in note for note in ds.notes) is alike
    assert not {"\u200b", "\u00ad", "\ufeff", "\u202e", "\u3164"} & set(repr(ds))
    assert bool(unsafe(name)) is unseen
    assert not unsafe(safe_name(name))
    journal = bw.Journal.open(Dataset.from_df(frame[1:].assign(path="0.png"), root=tmp_path))
    if unseen or alike:
        with pytest.raises(BadInputError, match=r"cannot be seen|reading direction"):
            journal.record(ds.table["id"][:1].tolist(), "relabel", name)
    else:
        journal.record(ds.table["id"][:1].tolist(), "relabel", name)


AB = ("a", "b")


def write_tree(root: Path, folders: dict[str, tuple[str, ...] | int]) -> Path:
    """`{"train": ("a", "b"), "test": 3}`: three images in each class of train, and three right in test."""
    for number, (folder, inside) in enumerate(folders.items()):
        for label in ("",) if isinstance(inside, int) else inside:
            for each in range(3):
                color = (number * 20, len(label) * 9 + each, sum(map(ord, label)) % 256)
                save_image(root / folder / label / f"{each}.png", color)
    return root


@pytest.mark.parametrize(
    ("folders", "classes"),
    [
        ({"train": AB, "test_images": 3}, AB),
        ({"train": AB, "__MACOSX/train": AB}, AB),
        ({"train": AB, "valid": AB, "extra": AB}, AB),
        ({"train": AB, "eval": AB}, AB),
        ({"train": ("a", "b", "c"), "valid": ("a",), "test": ("b", "d")}, ("a", "b", "c", "d")),
        ({"train": 3, "bus": 3}, ("bus", "train")),
        ({"test": 3, "bus": 3}, ("bus", "test")),
        ({"train_station": 3, "test_tube": 3, "dog": 3}, ("dog", "test_tube", "train_station")),
        ({"train_station": 3, "test_positive": 3}, ("test_positive", "train_station")),
        ({"a/2020": 3, "a/2021": 3, "b": 3}, AB),
    ],
)
def test_the_level_of_the_classes(tmp_path, folders, classes):
    assert Dataset.from_folder(write_tree(tmp_path, folders)).classes == list(classes)


@pytest.mark.parametrize(
    ("folders", "said"),
    [
        (
            {"seg_train/seg_train": AB, "seg_test/seg_test": AB, "seg_pred/seg_pred": 3},
            "/seg_train/seg_train'",
        ),
        ({"trainImages": AB, "valImages": AB}, "look like splits.*/trainImages'"),
        ({"train": 3, "valid": 3, "test": 3}, r"do not hold class folders.*from_csv\(.*split="),
        ({"train": 3, "test1": 3}, "do not hold class folders"),
        ({"train": 3}, "do not hold class folders"),
        ({"training_images": 3, "test_images": 3}, "do not hold class folders"),
        ({"1train": 3, "test": 3}, "do not hold class folders"),
        ({"train_a": 3, "train_b": 3, "test_a": 3, "test_b": 3}, "do not hold class folders"),
        ({"train": AB, "valid": 3}, "valid' holds images and no class folders"),
        (
            {"train": AB, "test/unknown": 3},
            r"'test' \(unknown\) are none of those in train \(a, b\).*/train'",
        ),
        ({"train": AB, "valid": ("A", "B")}, r"'valid' \(A, B\) are none of those"),
        ({"train/a": 3, "train/b": 3, "bus": 3}, "If 'train' is a split, give .*/train'"),
        ({"chest/train": AB, "chest/test": AB}, "give '.*/chest'"),
        ({"chest/train": AB}, "give '.*/chest'"),
        ({"cat": ("train", "test"), "dog": ("train", "test")}, "belong above the classes: train/cat"),
        ({"valid": AB, "test": AB}, "look like splits"),
    ],
)
def test_folders_of_another_level_are_refused(tmp_path, folders, said):
    with pytest.raises(BadInputError, match=said):
        Dataset.from_folder(write_tree(tmp_path, folders))


@pytest.mark.parametrize(
    ("folders", "said"),
    [
        ({"bears": AB}, "/bears'"),
        ({"x/bears": AB}, "/x/bears'"),
        ({"first": AB, "second": AB}, "'first', 'second' holds 'a', 'b'"),
    ],
)
def test_class_folders_that_hold_folders_are_noted(tmp_path, folders, said):
    notes = Dataset.from_folder(write_tree(tmp_path, folders)).notes
    assert any(said in note and "if these are the classes" in note for note in notes)


def test_an_empty_valid_folder_is_noted(tmp_path):
    write_tree(tmp_path, {"train": AB})
    (tmp_path / "valid" / "a").mkdir(parents=True)
    assert any(
        "'valid' and its folders holds no image" in note for note in Dataset.from_folder(tmp_path).notes
    )


def test_images_without_labels_are_told_the_way(tmp_path):
    with pytest.raises(BadInputError, match=r"3 images lie in no class folder.*such as 'unlabeled'"):
        Dataset.from_folder(write_tree(tmp_path, {".": 3}))


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege on Windows")
class TestFollowedLinks:
    def test_links_to_files_and_to_folders_outside(self, images, tmp_path):
        root = tmp_path / "linked"
        (root / "black").mkdir(parents=True)
        for file in (images / "black").iterdir():
            (root / "black" / file.name).symlink_to(file)
        (root / "teddy").symlink_to("../images/teddy")
        ds = Dataset.from_folder(root, follow_links=True)
        assert (len(ds), ds.classes, ds.problems.empty) == (16, ["black", "teddy"], True)
        assert all(ds.path_of(id_).is_file() for id_ in ds.table["id"])
        assert len(ds.reread()) == 16
        frame = ds.table[["path", "label"]]
        assert len(Dataset.from_df(frame, root=root, follow_links=True)) == 16
        with pytest.raises(BadInputError, match="follow_links=True"):
            Dataset.from_df(frame, root=root)

    def test_no_loop_and_no_image_twice_in_a_class(self, images, tmp_path):
        for number, target in enumerate((".", "..", "../..", "../../teddy", "../black", images, tmp_path)):
            (images / "black" / f"link{number}").symlink_to(target)
        (images / "around").symlink_to(".")
        (images / "above").symlink_to("..")
        (images / "teddy" / "black").symlink_to("../black")
        ds = Dataset.from_folder(images, follow_links=True)
        assert ds.classes == ["black", "grizzly", "teddy"]
        assert len(ds) == 24 + 8, "teddy has a link to black"
        assert ds.problems["kind"].unique().tolist() == ["refused", "missing"]

    @pytest.mark.parametrize("split", ["valid", "train", "test"])
    def test_a_linked_split_is_not_replaced_by_another(self, tmp_path, split):
        root = write_tree(tmp_path / "data", {"train": AB, "valid": AB, "test": AB})
        (root / split).rename(tmp_path / "shared")
        (root / split).symlink_to("../shared")
        with pytest.raises(BadInputError, match=f"'{split}' is a link.*follow_links=True"):
            Dataset.from_folder(root)
        counts = Dataset.from_folder(root, follow_links=True).table["split"].value_counts()
        assert counts.to_dict() == {"train": 6, "valid": 6, "test": 6}


def patients(root: Path) -> Path:
    for number in range(10):
        for image in range(6):
            path = root / ("sick", "well")[number % 2] / f"patient{number:02}_{image}.png"
            save_image(path, (number, image, 9))
    return root


def torn(ds: Dataset) -> int:
    return len(ds.table[["group", "split"]].dropna().drop_duplicates()) - len(set(ds.table["group"].dropna()))


class TestGroups:
    def test_a_pattern_keeps_groups_together(self, tmp_path):
        ds = Dataset.from_folder(patients(tmp_path), groups=r"patient\d+")
        assert list(ds.table.columns) == [*COLUMNS, "group"]
        assert ds.table["group"].nunique() == 10
        assert torn(ds) == 0
        assert ds.table["split"].value_counts().to_dict() == {"train": 48, "valid": 12}
        pd.testing.assert_frame_equal(ds.reread().table, ds.table)
        assert Dataset.from_folder(tmp_path, groups=r"patient(\d+)").table["group"][0] == "00"

    def test_a_copy_joins_groups(self, tmp_path):
        patients(tmp_path)
        (tmp_path / "sick" / "patient00_9.png").write_bytes(
            (tmp_path / "well" / "patient01_0.png").read_bytes()
        )
        for seed in range(5):
            ds = Dataset.from_folder(tmp_path, groups=r"patient\d+", seed=seed)
            assert torn(ds) == 0
            assert len(set(ds.table["split"][ds.table["group"].isin(["patient00", "patient01"])])) == 1

    def test_a_column_or_a_pattern_of_a_table(self, tmp_path):
        patients(tmp_path)
        paths = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.png"))
        frame = pd.DataFrame({"path": paths, "label": [path[:4] for path in paths]})
        frame["who"] = [int(path[12:14]) if "patient09" not in path else None for path in paths]
        ds = Dataset.from_df(frame, root=tmp_path, groups="who")
        assert (torn(ds), ds.table["group"].isna().sum()) == (0, 6)
        assert any("6 of 60 images are in no group" in note for note in ds.notes)
        frame.to_csv(tmp_path / "labels.csv", index=False)
        again = Dataset.from_csv(tmp_path / "labels.csv", groups=r"patient\d+")
        assert (torn(again), again.table["group"].nunique()) == (0, 10)

    @pytest.mark.parametrize("groups", ["patiant", "(", 3])
    def test_what_finds_no_group(self, tmp_path, groups):
        with pytest.raises(BadInputError, match="groups"):
            Dataset.from_folder(patients(tmp_path), groups=groups)

    def test_groups_that_the_folders_tear_are_told(self, tmp_path):
        write_tree(tmp_path, {"train": AB, "valid": AB})
        ds = Dataset.from_folder(tmp_path, groups=r"[ab]/0")
        assert any("2 groups lie in two or more splits" in note for note in ds.notes)
