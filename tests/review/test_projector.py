"""The folder of TensorBoard's projector: what is written is what it reads, and what cannot be read is said."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from bearwidgets.errors import BadInputError, MissingFileError, WorkspaceError
from bearwidgets.review.inspect.projector import FILES, read_projector, sprite_side, write_projector

VECTORS = np.array([[1, 0.25, -3e-7], [0, 1e20, 2], [5, 6, 7]], np.float32)
NAMES = ["<b>a</b>", "=1+1", "two\twords\nand\u202emore"]
METADATA = pd.DataFrame({"id": ["a1", "b2", "c3"], "label": NAMES})


def images():
    yield Image.new("RGB", (80, 40), "red")
    yield None
    yield Image.new("L", (10, 10), 255)


@pytest.fixture
def folder(tmp_path):
    return write_projector(tmp_path / "new" / "projector", VECTORS, METADATA, images())


def test_what_is_written_is_read_back(folder):
    assert sorted(each.name for each in folder.iterdir()) == sorted(FILES)
    vectors, metadata = read_projector(folder)
    assert vectors == pytest.approx(VECTORS, rel=1e-5)
    assert metadata.id.tolist() == ["a1", "b2", "c3"]
    assert metadata.label.tolist() == ["<b>a</b>", "'=1+1", "two\\twords\\nand\\u202emore"]


def test_the_sheet_has_each_image_in_its_place(folder):
    sheet = Image.open(folder / "sprite.png")
    assert sheet.size == (128, 128)
    assert sheet.getpixel((32, 32)) == (255, 0, 0)
    assert sheet.getpixel((32, 4)) == (128, 128, 128), "a wide image keeps its shape"
    assert sheet.getpixel((96, 32)) == (128, 128, 128), "no image"
    assert sheet.getpixel((32, 96)) == (255, 255, 255)


SIDES = {0: 0, 1: 64, 16_384: 64, 16_385: 63, 100_000: 25, 1_048_576: 8, 1_048_577: 0}


@pytest.mark.parametrize(("n", "side"), SIDES.items())
def test_sheets_are_no_larger_than_tensorboard_takes(n, side):
    assert sprite_side(n) == side
    assert side * np.ceil(np.sqrt(n)) <= 8192


def test_tensorboard_reads_it(folder):
    from google.protobuf import text_format
    from tensorboard.plugins.projector import projector_config_pb2, projector_plugin

    config = text_format.Parse(
        (folder / "projector_config.pbtxt").read_text(), projector_config_pb2.ProjectorConfig()
    )
    (embedding,) = config.embeddings
    assert list(embedding.tensor_shape) == [3, 3]
    assert (embedding.metadata_path, embedding.sprite.image_path) == ("metadata.tsv", "sprite.png")
    assert list(embedding.sprite.single_image_dim) == [64, 64]
    tensor = projector_plugin._read_tensor_tsv_file(str(folder / embedding.tensor_path))
    assert np.asarray(tensor) == pytest.approx(VECTORS, rel=1e-5)


def test_files_of_another_origin(tmp_path):
    (tmp_path / "v.tsv").write_text("1\t2\r\n3\t\r\n")
    (tmp_path / "m.tsv").write_text("\ufeffblack/1.jpg\nNA\n", encoding="utf-8")
    (tmp_path / "projector_config.pbtxt").write_text(
        'embeddings { metadata_path: "m.tsv" tensor_path: "v.tsv" }\nembeddings { tensor_path: "other.tsv" }'
    )
    vectors, metadata = read_projector(tmp_path)
    assert vectors[0].tolist() == [1, 2]
    assert np.isnan(vectors[1]).tolist() == [False, True]
    assert metadata.name.tolist() == ["black/1.jpg", "NA"]


@pytest.mark.parametrize(
    ("file", "text", "sentence"),
    [
        ("vectors.tsv", "1\t2\n3\tx\n5\t6\n", "line 2, has 'x' where a number is needed"),
        ("vectors.tsv", "1\t2\n3\n", "vectors.tsv has 2 rows and metadata.tsv 3"),
        ("vectors.tsv", "1\t2\n3\t4\t5\n5\t6\n", "no table of cells between tabs"),
        ("vectors.tsv", "", "vectors.tsv is empty"),
        ("metadata.tsv", "id\tlabel\n", "has 3 rows and metadata.tsv 0"),
        ("projector_config.pbtxt", 'tensor_path: "../vectors.tsv"', "outside of its folder"),
        ("projector_config.pbtxt", 'tensor_path: "/etc/passwd"', "outside of its folder"),
        ("projector_config.pbtxt", 'tensor_path: "none.tsv"', "no file 'none.tsv'"),
    ],
)
def test_what_cannot_be_read_is_said(folder, file, text, sentence):
    (folder / file).write_text(text)
    with pytest.raises((BadInputError, MissingFileError), match=sentence):
        read_projector(folder)


def test_bytes_that_are_no_text(folder):
    (folder / "vectors.tsv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadInputError, match="no text in UTF-8"):
        read_projector(folder)


def test_no_folder(tmp_path):
    with pytest.raises(MissingFileError, match="There is no folder"):
        read_projector(tmp_path / "none")
    (tmp_path / "file").touch()
    with pytest.raises(BadInputError, match="is a file"):
        write_projector(tmp_path / "file", VECTORS, METADATA, images())


def test_nothing_outside_of_the_folder_is_touched(tmp_path):
    outside = tmp_path / "precious.tsv"
    outside.write_text("mine")
    folder = tmp_path / "projector"
    folder.mkdir()
    (folder / "vectors.tsv").symlink_to(outside)
    (folder / "notes.txt").write_text("stays")
    write_projector(folder, VECTORS, METADATA, images())
    assert outside.read_text() == "mine"
    assert (folder / "notes.txt").read_text() == "stays"
    assert not (folder / "vectors.tsv").is_symlink()


def test_a_full_disk_leaves_whole_files(folder, monkeypatch):
    before = (folder / "vectors.tsv").read_bytes()

    def full(*_):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(WorkspaceError, match=r"Not all was exported\. Free some space"):
        write_projector(folder, VECTORS * 2, METADATA, images())
    assert (folder / "vectors.tsv").read_bytes() == before
    assert sorted(each.name for each in folder.iterdir()) == sorted(FILES)
