"""Data sets of Hugging Face and torchvision, written as folders."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
from pathlib import Path

import datasets
import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image
from torch.utils.data import Subset
from torchvision.datasets import CIFAR10, DatasetFolder, ImageFolder
from torchvision.transforms import v2

from bearwidgets import files
from bearwidgets.data.dataset import Dataset
from bearwidgets.data.formats import limits
from bearwidgets.data.listing import importing
from bearwidgets.data.listing.importing import MARKER, FolderNames
from bearwidgets.errors import BadInputError, WorkspaceError
from bearwidgets.safe_text import folded, unsafe


def encoded(value: int, kind: str = "JPEG") -> bytes:
    pixels = np.random.default_rng(value).integers(0, 256, (9, 12, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind)
    return buffer.getvalue()


def huggingface(files, labels, names=("cat", "dog")) -> datasets.Dataset:
    kind = datasets.ClassLabel(names=list(names)) if names else None
    features = {"image": datasets.Image(), "label": kind or datasets.Value("string")}
    rows = [{"bytes": each, "path": None} if isinstance(each, bytes) else each for each in files]
    return datasets.Dataset.from_dict({"image": rows, "label": labels}, features=datasets.Features(features))


@pytest.fixture
def pets() -> datasets.Dataset:
    return huggingface([encoded(row, "PNG" if row == 3 else "JPEG") for row in range(10)], [0, 1] * 5)


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != MARKER
    }


class Cifar(CIFAR10):
    """CIFAR10 with a few made-up images, none downloaded."""

    def __init__(self, n: int, transform=None, target_transform=None):
        self.data = np.random.default_rng(0).integers(0, 256, (n, 32, 32, 3), dtype=np.uint8)
        self.targets = [row % 3 for row in range(n)]
        self.classes = ["airplane", "automobile", "bird"]
        self.transform, self.target_transform = transform, target_transform


# ---------------------------------------------------------------- Hugging Face


def test_the_bytes_are_those_of_the_rows(pets, tmp_path):
    ds = Dataset.from_huggingface(pets, tmp_path / "pets", valid_pct=0.4, seed=3)
    assert ds.classes == ["cat", "dog"]
    assert ds.table.path.tolist() == [
        *(f"cat/{row:05}.jpg" for row in (0, 2, 4, 6, 8)),
        *(f"dog/{row:05}.{'png' if row == 3 else 'jpg'}" for row in (1, 3, 5, 7, 9)),
    ]
    for path in ds.table.path:
        assert (ds.root / path).read_bytes() == encoded(
            int(path[4:9]), "PNG" if path[4:9] == "00003" else "JPEG"
        )
    assert (ds.table.split == "valid").sum() == 4
    assert (ds.valid_pct, ds.seed, len(ds.problems)) == (0.4, 3, 0)
    assert ds.reread().table.equals(ds.table)


def test_splits_become_folders(pets, tmp_path):
    parts = {"train": pets.select(range(6)), "validation": pets.select([6, 7]), "test": pets.select([8, 9])}
    ds = Dataset.from_huggingface(datasets.DatasetDict(parts), tmp_path / "pets")
    assert ds.table.split.value_counts().to_dict() == {"train": 6, "valid": 2, "test": 2}
    assert ds.table.path[ds.table.split == "valid"].tolist() == ["valid/cat/00000.jpg", "valid/dog/00001.jpg"]


def test_text_labels_other_columns_and_formats(tmp_path):
    data = huggingface([encoded(row) for row in range(4)], ["a b", "c", "a b", "c"], names=None)
    data = data.rename_columns({"image": "img", "label": "kind"}).add_column("more", [1, 2, 3, 4])
    data = data.with_transform(lambda _: pytest.fail("transforms are not asked"))
    ds = Dataset.from_huggingface(data, tmp_path / "new", image="img", label="kind")
    assert ds.table.path.tolist() == ["a b/00000.jpg", "a b/00002.jpg", "c/00001.jpg", "c/00003.jpg"]


def test_whole_numbers_as_labels_and_images_by_path(images, tmp_path):
    files = sorted(images.rglob("*.jpg"))[:3]
    features = datasets.Features({"image": datasets.Image(), "label": datasets.Value("int64")})
    data = datasets.Dataset.from_dict({"image": list(map(str, files)), "label": [7, 9, 7]}, features=features)
    ds = Dataset.from_huggingface(data, tmp_path / "new")
    assert ds.classes == ["7", "9"]
    assert (ds.root / "9" / "00001.jpg").read_bytes() == files[1].read_bytes()


def test_rows_that_cannot_be_written_are_problems(tmp_path):
    files = [
        encoded(0),
        b"<html>",
        encoded(2)[:60],
        None,
        {"bytes": None, "path": "/none.jpg"},
        encoded(5),
        encoded(6),
    ]
    data = huggingface(files, [0, 0, 1, 1, 1, -1, 1])
    first = Dataset.from_huggingface(data, tmp_path / "pets")
    again = Dataset.from_huggingface(data, tmp_path / "pets")
    for ds in (first, again):
        assert ds.table.path.tolist() == ["cat/00000.jpg", "dog/00006.jpg"]
        assert ds.problems.path.tolist() == [f"row {row}" for row in (1, 2, 3, 4, 5)]
        reasons = ds.problems.reason.tolist()
        assert all(each.startswith("not written: ") for each in reasons)
        for reason, words in zip(
            reasons, ["web page", "broken|cut off", "no image", "cannot be read", "no label"], strict=True
        ):
            assert any(word in reason for word in words.split("|")), (reason, words)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data.to_iterable_dataset(), "without streaming=True"),
        (lambda data: data.rename_column("label", "lable"), r"No column 'label'.*Did you mean 'lable'"),
        (
            lambda data: (
                data.cast_column("image", datasets.Image(decode=False))
                .remove_columns("image")
                .add_column("image", ["x"] * 10)
            ),
            "not images",
        ),
        (
            lambda data: data.remove_columns("label").add_column("label", [[1]] * 10),
            "one class for each image",
        ),
        (
            lambda data: data.remove_columns("label").add_column("label", [0.5] * 10),
            "one class for each image",
        ),
        (lambda data: {"train": data, "unsupervised": data}, "'unsupervised' is none of train, valid, test"),
        (lambda data: {"train": data, "val": data, "validation": data}, "'validation' is there twice"),
        (lambda data: {"test": data}, "no split 'train' among 'test'"),
        (lambda _: {}, "no split 'train' among none"),
        (lambda _: [1, 2], "list is no Hugging Face data set"),
        (lambda _: huggingface([b"x", b""], [0, 1]), "None of the 2 rows .* can be used"),
        (lambda data: data.select([]), "None of the 0 rows"),
    ],
)
def test_what_is_no_such_data_set(pets, tmp_path, change, message):
    with pytest.raises(BadInputError, match=message):
        Dataset.from_huggingface(change(pets), tmp_path / "pets")
    assert list(tmp_path.iterdir()) == []


# ---------------------------------------------------------------- torchvision


def test_the_files_of_an_image_folder_are_copied(images, tmp_path):
    data = ImageFolder(images, transform=v2.Grayscale())
    ds = Dataset.from_torchvision(data, tmp_path / "new")
    assert ds.classes == ["black", "grizzly", "teddy"]
    for row, (path, label) in enumerate(data.samples):
        assert (ds.root / data.classes[label] / f"{row:05}.jpg").read_bytes() == Path(path).read_bytes()


def test_files_of_other_kinds_are_copied_too(tmp_path):
    for label in "ab":
        (tmp_path / "arrays" / label).mkdir(parents=True)
        np.save(tmp_path / "arrays" / label / "1.npy", np.full((6, 7, 5), ord(label), np.float32))
    data = DatasetFolder(tmp_path / "arrays", loader=np.load, extensions=(".npy",))
    ds = Dataset.from_torchvision(data, tmp_path / "new", valid_pct=0)
    assert ds.table.path.tolist() == ["a/00000.npy", "b/00001.npy"]
    assert (np.load(ds.root / "b" / "00001.npy") == ord("b")).all()


def test_images_without_a_file_keep_every_pixel(tmp_path):
    transform = v2.Compose([v2.ToImage(), v2.ToDtype(torch.float32), v2.RandomCrop(8)])
    data = {"train": Cifar(9, transform), "test": Cifar(3)}
    ds = Dataset.from_torchvision(data, tmp_path / "cifar")
    assert ds.classes == ["airplane", "automobile", "bird"]
    assert (ds.table.split != "test").sum() == 9
    for row in range(9):
        with Image.open(ds.root / "train" / ds.classes[row % 3] / f"{row:05}.png") as image:
            assert (np.asarray(image) == data["train"].data[row]).all()
    assert data["train"].transform is transform


def test_parts_of_a_data_set(images, tmp_path):
    whole = ImageFolder(images)
    part = Subset(Subset(whole, range(4, 20)), [0, 5, 15])
    ds = Dataset.from_torchvision(part, tmp_path / "part")
    assert ds.table.path.tolist() == ["black/00000.jpg", "grizzly/00001.jpg", "teddy/00002.jpg"]
    assert (ds.root / "teddy" / "00002.jpg").read_bytes() == Path(whole.samples[19][0]).read_bytes()


class Rows(list):
    """A data set as people write it."""


@pytest.mark.parametrize(
    "image",
    [
        Image.new("L", (5, 4), 9),
        Image.new("RGBA", (5, 4), (9, 8, 7, 6)),
        Image.new("CMYK", (5, 4)),
        Image.new("F", (5, 4), 0.5),
        np.full((4, 5), 9, np.uint8),
        np.full((4, 5, 3), 9, np.uint8),
        np.full((4, 5, 1), 9, np.uint8),
        torch.full((3, 4, 5), 9, dtype=torch.uint8),
        torch.full((1, 4, 5), 9, dtype=torch.uint8),
    ],
    ids=lambda image: str(image.mode if isinstance(image, Image.Image) else tuple(image.shape)),
)
def test_every_sort_of_image(image, tmp_path):
    ds = Dataset.from_torchvision(Rows([(image, "a"), (image, "b")]), tmp_path / "new")
    assert ds.table[["width", "height"]].to_numpy().tolist() == [[5, 4], [5, 4]]


def test_grey_values_beyond_bytes_are_kept(tmp_path):
    values = np.linspace(0, 3000, 20, dtype=np.float32).reshape(4, 5)
    ds = Dataset.from_torchvision(
        Rows([(Image.fromarray(values), "a"), (Image.fromarray(values), "b")]), tmp_path / "new"
    )
    with Image.open(ds.path_of(ds.table.id[0])) as image:
        assert (np.asarray(image) == values).all()


def test_an_image_is_turned_and_tells_no_place(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    exif.get_ifd(0x8825)[1] = "N"
    buffer = io.BytesIO()
    Image.new("RGB", (6, 4)).save(buffer, "JPEG", exif=exif)
    image = Image.open(buffer)
    ds = Dataset.from_torchvision(Rows([(image, 0), (image, 1)]), tmp_path / "new")
    assert ds.table[["width", "height"]].to_numpy().tolist() == [[4, 6], [4, 6]]
    with Image.open(ds.path_of(ds.table.id[0])) as image:
        assert len(image.getexif()) == 0


@pytest.mark.parametrize("label", [1, np.int64(1), torch.tensor(1), "1", True])
def test_every_sort_of_label(label, tmp_path):
    data = Rows([(Image.new("L", (4, 4), 5), label), (Image.new("L", (4, 4), 6), "0")])
    assert Dataset.from_torchvision(data, tmp_path / "new").classes == [
        "0",
        str(label if label is True else 1),
    ]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (Rows([(torch.zeros(3, 4, 4), 0)]), r"Tensor of float32, shape \(4, 4, 3\)"),
        (Rows([(None, 0)]), "An image is NoneType"),
        (Rows([(Image.new("L", (4, 4)), (1, 2))]), "A label is tuple"),
        (Rows([(Image.new("L", (4, 4)), 0.5)]), "A label is float"),
        (Rows([Image.new("L", (4, 4))]), "A row is Image; allowed is"),
        (Cifar(3, target_transform=str), "target_transform"),
        (iter([]), "list_iterator is no torchvision data set"),
        (Rows(), "None of the 0 rows"),
    ],
)
def test_what_is_no_torchvision_data_set(data, message, tmp_path):
    with pytest.raises(BadInputError, match=message):
        Dataset.from_torchvision(data, tmp_path / "new")
    assert list(tmp_path.iterdir()) == []


def test_the_two_are_told_apart(pets, tmp_path):
    with pytest.raises(BadInputError, match="goes to from_huggingface"):
        Dataset.from_torchvision(pets, tmp_path / "new")
    with pytest.raises(BadInputError, match="goes to from_torchvision"):
        Dataset.from_huggingface(Cifar(3), tmp_path / "new")


def test_rows_that_a_loader_cannot_give_are_problems(images, tmp_path):
    class Torn(Cifar):
        def __getitem__(self, row):
            if row == 1:
                raise OSError("torn file")
            return super().__getitem__(row)

    data = Torn(4)
    data.targets[2] = 8
    with pytest.raises(IndexError):
        data.classes[8]
    ds = Dataset.from_torchvision(data, tmp_path / "new")
    assert ds.problems.to_numpy().tolist() == [
        ["row 1", "not written: the data set cannot give it: torn file", "unreadable"],
        ["row 2", "not written: its label is 8, and there are 3 classes", "refused"],
    ]


# ---------------------------------------------------------------- the folder


def test_a_finished_import_is_left_as_it_is(pets, tmp_path, monkeypatch):
    ds = Dataset.from_huggingface(pets, tmp_path / "pets")
    (ds.root / "cat" / "00000.jpg").rename(ds.root / "dog" / "moved.jpg")
    (ds.root / "dog" / "00001.jpg").unlink()
    before = files_of(ds.root)
    monkeypatch.setattr(importing, "_write", lambda *_: pytest.fail("written again"))
    again = Dataset.from_huggingface(pets, tmp_path / "pets")
    assert files_of(ds.root) == before
    assert len(again) == 9
    assert "dog/moved.jpg" in again.table.path.tolist()


@pytest.mark.parametrize("change", ["rows", "order", "label", "image"])
def test_another_data_set_is_not_taken_for_the_first(pets, tmp_path, change):
    Dataset.from_huggingface(pets, tmp_path / "pets")
    before = files_of(tmp_path)
    labels, files = (
        [0, 1] * 5,
        [each["bytes"] for each in pets.cast_column("image", datasets.Image(decode=False))["image"]],
    )
    other = {
        "rows": lambda: pets.select(range(9)),
        "order": lambda: pets.select([1, 0, *range(2, 10)]),
        "label": lambda: huggingface(files, [1, 1, *labels[2:]]),
        "image": lambda: huggingface([encoded(77), *files[1:]], labels),
    }[change]()
    with pytest.raises(BadInputError, match="holds an import of another data set"):
        Dataset.from_huggingface(other, tmp_path / "pets")
    assert files_of(tmp_path) == before


def test_every_label_tells_data_sets_apart(pets, tmp_path, monkeypatch):
    """The images of some rows are looked at, the labels of all."""
    monkeypatch.setattr(importing, "_LOOKED_AT", 1)
    labels = [0, 1] * 5
    files = [encoded(row) for row in range(10)]
    Dataset.from_huggingface(huggingface(files, labels), tmp_path / "pets")
    labels[5] = 0
    with pytest.raises(BadInputError, match="holds an import of another data set"):
        Dataset.from_huggingface(huggingface(files, labels), tmp_path / "pets")
    data = Cifar(10)
    Dataset.from_torchvision(data, tmp_path / "cifar")
    data.targets[5] = 0
    with pytest.raises(BadInputError, match="holds an import of another data set"):
        Dataset.from_torchvision(data, tmp_path / "cifar")


def test_nothing_is_written_over(pets, tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(BadInputError, match="holds something else"):
        Dataset.from_huggingface(pets, folder)
    with pytest.raises(BadInputError, match="is a file"):
        Dataset.from_huggingface(pets, folder / "notes.txt")
    (folder / MARKER).write_text("{}")
    with pytest.raises(BadInputError, match="is damaged"):
        Dataset.from_huggingface(pets, folder)
    assert (folder / "notes.txt").read_text() == "mine"
    (tmp_path / "empty").mkdir()
    assert len(Dataset.from_huggingface(pets, tmp_path / "empty")) == 10


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_a_torn_import_leaves_nothing_and_is_started_anew(pets, tmp_path, monkeypatch, error):
    original, written = Path.write_bytes, []

    def failing(self, data):
        written.append(self)
        if len(written) == 5:
            raise error
        return original(self, data)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", failing)
        expected = WorkspaceError if isinstance(error, OSError) else error
        with pytest.raises(
            expected, match="disk .* is full. No image was imported" if isinstance(error, OSError) else None
        ):
            Dataset.from_huggingface(pets, tmp_path / "pets")
    assert list(tmp_path.iterdir()) == []
    assert len(Dataset.from_huggingface(pets, tmp_path / "pets")) == 10


def test_what_a_killed_import_left_is_removed_later(pets, tmp_path):
    names = [".pets.0123abcd.part", ".pets.89abcdef.part", ".other.0123abcd.part", ".pets.part"]
    for name in names:
        (tmp_path / name / "cat").mkdir(parents=True)
    with contextlib.ExitStack() as held:
        files._lock(tmp_path / names[1], held)  # an import that is at work
        Dataset.from_huggingface(pets, tmp_path / "pets")
    assert {each.name for each in tmp_path.iterdir()} == {"pets", *names[1:]}


def test_an_import_at_work_shows_signs_of_life(pets, tmp_path, monkeypatch):
    touched, clock = [], iter(range(0, 10_000, 1))
    monkeypatch.setattr(files.time, "monotonic", lambda: next(clock))
    original = Path.touch
    monkeypatch.setattr(Path, "touch", lambda self: touched.append(self.name) or original(self))
    Dataset.from_huggingface(pets, tmp_path / "pets")
    assert len(touched) >= 2
    assert all(name.endswith(".part") for name in touched)


def test_two_imports_at_once(pets, tmp_path, monkeypatch):
    """Another process finishes the same folder while this one writes."""
    original = importing._write

    def overtaken(parts, draft, *others):
        imported = original(parts, draft, *others)
        shutil.copytree(draft, tmp_path / "pets")
        return imported

    monkeypatch.setattr(importing, "_write", overtaken)
    assert len(Dataset.from_huggingface(pets, tmp_path / "pets")) == 10
    assert [each.name for each in tmp_path.iterdir()] == ["pets"]


def test_wrong_arguments_are_refused_before_anything_is_written(pets, tmp_path):
    for arguments in ({"valid_pct": 20}, {"seed": "x"}):
        with pytest.raises(BadInputError):
            Dataset.from_huggingface(pets, tmp_path / "pets", **arguments)
        with pytest.raises(BadInputError):
            Dataset.from_torchvision(Cifar(4), tmp_path / "pets", **arguments)
    with pytest.raises(BadInputError, match="is no path"):
        Dataset.from_huggingface(pets, None)
    assert list(tmp_path.iterdir()) == []


def test_classes_that_are_no_folders(tmp_path):
    names = ["../up", "a/b", "A/B", "con", "", ".hidden", "train"]
    files = [encoded(row) for row in range(7)]
    ds = Dataset.from_huggingface(huggingface(files, list(range(7)), names), tmp_path / "x" / "odd")
    assert ds.classes == ["A_B-2", "_con", "_up", "a_b", "hidden", "train", "unnamed"]
    assert len(ds) == 7
    assert [each.name for each in tmp_path.iterdir()] == ["x"]
    assert [each.name for each in (tmp_path / "x").iterdir()] == ["odd"]
    assert "the class 'a/b' is called 'a_b' here, as a folder" in ds.notes
    assert not any("'train'" in note for note in ds.notes if "is called" in note)


@given(st.lists(st.text(), max_size=8))
@example(["a/b", "a_b", "A_B", "a_b-2"])
@example(
    [
        "aux.txt",
        "COM¹",
        "com1 .x",
        "\u202egnp",
        "\ud800",
        "é" * 90,
        "e\u0301" * 90,
        "ﬃ" * 40,
        "a" * 200,
        "a" * 201,
    ]
)
@example(["..", ".", " ", "x.", "\u2028", "\xa0", "x \xa0."])
def test_every_class_gets_a_safe_folder_of_its_own(labels):
    names = FolderNames()
    folders = {label: names.of(label) for label in labels}
    assert [unsafe(each) for each in folders.values()] == [""] * len(folders)
    assert len({folded(each) for each in folders.values()}) == len(folders)
    assert names.changed == {label: each for label, each in folders.items() if label != each}
    assert all(
        folders[label] == label for label in labels[:1] if not unsafe(label) and len(label.encode()) < 90
    )


def test_the_marker_says_what_was_written(pets, tmp_path):
    Dataset.from_huggingface(pets, tmp_path / "pets")
    card = json.loads((tmp_path / "pets" / MARKER).read_text())
    assert (card["version"], card["images"], card["problems"], card["renamed"]) == (1, 10, [], {})


def test_larger_images_can_be_allowed(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "_most_pixels", 19)
    rows = Rows([(Image.new("L", (5, 4)), "a"), (Image.new("L", (5, 3)), "b"), (Image.new("L", (5, 3)), "b")])
    ds = Dataset.from_torchvision(rows, tmp_path / "new")
    assert ds.problems.kind.tolist() == ["refused"]
    assert Dataset.from_torchvision(rows, tmp_path / "again", max_pixels=20).problems.empty
