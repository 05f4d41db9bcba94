"""A new file format is one file: found by itself, used by all that opens images."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from bearwidgets.data import formats
from bearwidgets.data.cache.thumbs import make_thumbnail
from bearwidgets.data.dataset import Dataset
from bearwidgets.data.formats import registry
from bearwidgets.data.formats.bands import open_bands
from bearwidgets.data.formats.images import open_image
from bearwidgets.data.image_stats.table import image_stats_of
from bearwidgets.errors import ImageError

TOY = '''
"""Toy images: "TOY", width, height and a gray value, a byte each."""
from PIL import Image
from bearwidgets.data.formats.registry import Format, register
from bearwidgets.errors import ImageError

def size(data, max_pixels):
    if len(data) < 6:
        raise ImageError("cut off: the file ends before the image does")
    return data[3], data[4]

def open_toy(data, max_pixels, at_least):
    return Image.new("RGB", size(data, max_pixels), (data[5],) * 3)

register(Format("Toy", rb"TOY", "toy", size=size, open=open_toy))
'''


@pytest.fixture
def with_toys(tmp_path, monkeypatch):
    registry._import_all()  # those that are there register once, when they are imported
    folder = tmp_path / "formats"
    folder.mkdir()
    (folder / "toys.py").write_text(TOY)
    registry.allowed()  # all of the package are known before it is copied
    monkeypatch.setattr(formats, "__path__", [*formats.__path__, str(folder)])
    monkeypatch.setattr(registry, "_formats", dict(registry._formats))
    registry._import_all.cache_clear()
    yield
    registry._import_all.cache_clear()
    sys.modules.pop("bearwidgets.data.formats.toys", None)


@pytest.mark.usefixtures("with_toys")
def test_a_format_is_one_file(tmp_path, make_images):
    root = make_images(tmp_path / "set", {"a": 2, "b": 2})
    (root / "a" / "toy.bin").write_bytes(bytes([*b"TOY", 30, 20, 99]))
    (root / "a" / "half.bin").write_bytes(b"TOY")
    ds = Dataset.from_folder(root)
    assert ds.problems.to_dict("list") == {
        "path": ["a/half.bin"],
        "reason": ["cut off: the file ends before the image does"],
        "kind": ["unreadable"],
    }
    toy = ds.table[ds.table["path"] == "a/toy.bin"].iloc[0]
    assert (toy["width"], toy["height"]) == (30, 20)
    path = ds.path_of(toy["id"])
    assert np.unique(np.asarray(open_image(path))).tolist() == [99]
    assert (open_bands(path, 3).mode, open_bands(path, 1).mode) == ("RGB", "L")
    with pytest.raises(ImageError, match="it has 3 bands"):
        open_bands(path, 5)
    stats = image_stats_of(ds).iloc[ds.index_of(toy["id"])]
    assert (stats["format"], stats["frames"]) == ("Toy", 1)
    assert make_thumbnail(path, 160).startswith(b"\xff\xd8")
    with pytest.raises(ImageError, match=r"allowed are .*BMP, .*, TIFF, Toy and WebP"):
        open_image(b"something else altogether")


def test_without_the_file_there_is_no_such_format():
    assert registry.format_of(b"TOY" + bytes(13)) is None
