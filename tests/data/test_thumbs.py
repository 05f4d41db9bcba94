"""Thumbnails: what they look like, and that their cache stays within its bounds."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from bearwidgets.data.cache import thumbs
from bearwidgets.data.cache.thumbs import Thumbnails, make_thumbnail
from bearwidgets.data.identity import content_id
from bearwidgets.errors import BadInputError, ImageError


@pytest.fixture
def photo(tmp_path):
    """A photo of 800 x 600 px with a place and a maker in its EXIF, to be turned by 90 degrees."""
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "SecretMaker"
    exif.get_ifd(0x8825)[29] = "2026:01:02"
    path = tmp_path / "photo.jpg"
    Image.new("RGB", (800, 600), "teal").save(path, exif=exif)
    return path


def shape(data: bytes) -> tuple[int, int]:
    image = Image.open(io.BytesIO(data))
    image.load()
    assert image.format == "JPEG"
    return image.size


def on_disk(folder) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*.jpg"))


def test_size_turn_and_no_metadata(photo):
    for px, size in [(160, (120, 160)), (320, (240, 320))]:
        data = Thumbnails().jpeg(photo, content_id(photo), px)
        assert shape(data) == size
        assert b"Exif" not in data
        assert b"SecretMaker" not in data
        assert b"2026:01:02" not in data


def test_small_images_keep_their_size_and_thin_ones_a_pixel(tmp_path):
    for size, wanted in [((32, 32), (32, 32)), ((2000, 2), (160, 1)), ((1, 1), (1, 1))]:
        Image.new("RGB", size).save(tmp_path / "x.png")
        assert shape(make_thumbnail(tmp_path / "x.png", 160)) == wanted


def test_it_looks_like_the_image(tmp_path):
    pixels = np.zeros((400, 800, 3), np.uint8)
    pixels[:, 400:] = (0, 0, 255)
    Image.fromarray(pixels).save(tmp_path / "x.jpg")
    small = np.asarray(Image.open(io.BytesIO(make_thumbnail(tmp_path / "x.jpg", 160)))).astype(int)
    assert np.abs(small[40, 20] - (0, 0, 0)).max() < 10
    assert np.abs(small[40, 140] - (0, 0, 255)).max() < 10


def test_made_once_then_from_memory_then_from_disk(photo, monkeypatch):
    content = content_id(photo)
    first = Thumbnails()
    data = first.jpeg(photo, content, 160)
    photo.unlink()
    assert first.jpeg(photo, content, 160) is data
    assert Thumbnails().jpeg(photo, content, 160) == data
    with pytest.raises(ImageError):
        Thumbnails().jpeg(photo, content, 320)
    monkeypatch.setattr(thumbs, "DECODING", thumbs.DECODING + 1)
    with pytest.raises(ImageError):  # as the image was decoded before
        Thumbnails().jpeg(photo, content, 160)


def test_bad_arguments(photo):
    with pytest.raises(BadInputError, match="allowed are 160, 320"):
        Thumbnails().jpeg(photo, "0a", 200)
    for content in ("", "../../x", "ABC"):
        with pytest.raises(BadInputError, match="no content id"):
            Thumbnails().jpeg(photo, content, 160)


def test_unusable_files_raise_and_leave_nothing(tmp_path):
    (tmp_path / "x.jpg").write_bytes(b"<html>")
    with pytest.raises(ImageError, match="web page"):
        Thumbnails(tmp_path / "t").jpeg(tmp_path / "x.jpg", "0a", 160)
    assert not list(tmp_path.glob("t/**/*.jpg"))


def test_memory_is_bounded_and_what_was_used_lately_stays(photo):
    size = len(make_thumbnail(photo, 160))
    thumbnails = Thumbnails(memory_bytes=3 * size)
    used = thumbnails.jpeg(photo, f"{0:032x}", 160)
    for number in range(10):
        thumbnails.jpeg(photo, f"{number:032x}", 160)
        assert thumbnails.jpeg(photo, f"{0:032x}", 160) is used
    assert len(thumbnails._held) == 3
    assert thumbnails._n_held == sum(map(len, thumbnails._held.values())) <= 3 * size


def test_disk_is_bounded_and_the_oldest_goes_first(photo, tmp_path):
    folder = tmp_path / "t"
    size = len(make_thumbnail(photo, 160))
    bound = 20 * size
    other = folder / "160" / "no-thumbnail.txt"
    other.parent.mkdir(parents=True)
    other.write_bytes(b"x" * size)
    thumbnails = Thumbnails(folder, disk_bytes=bound)
    for number in range(60):
        thumbnails.jpeg(photo, f"{number:032x}", 160)
        file = thumbnails._file((f"{number:032x}", 160))
        os.utime(file, (1e9 + number, 1e9 + number))
        assert on_disk(folder) <= bound * 1.1 + size
    assert not thumbnails._file((f"{0:032x}", 160)).exists()
    assert thumbnails._file((f"{59:032x}", 160)).exists()
    assert other.exists()


def test_torn_damaged_and_foreign_files_are_made_again(photo):
    content = content_id(photo)
    data = Thumbnails().jpeg(photo, content, 160)
    file = Thumbnails()._file((content, 160))
    kept = file.read_bytes()
    flipped = bytearray(kept)
    flipped[len(kept) // 2] ^= 1
    for rubbish in (b"", kept[: len(kept) // 2], bytes(flipped), data, b"<html>"):
        file.write_bytes(rubbish)
        assert Thumbnails().jpeg(photo, content, 160) == data
        assert file.read_bytes() == kept


def test_a_used_thumbnail_is_marked_as_used(photo):
    content = content_id(photo)
    Thumbnails().jpeg(photo, content, 160)
    file = Thumbnails()._file((content, 160))
    os.utime(file, (1e9, 1e9))
    Thumbnails().jpeg(photo, content, 160)
    assert file.stat().st_mtime > 1e9


def test_a_folder_that_cannot_be_written_is_warned_of_once(photo, tmp_path):
    (tmp_path / "file").write_text("in the way")
    thumbnails = Thumbnails(tmp_path / "file" / "t")
    with pytest.warns(UserWarning, match="held in memory only"):
        assert shape(thumbnails.jpeg(photo, "0a", 160)) == (120, 160)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        thumbnails.jpeg(photo, "0b", 160)
    photo.unlink()
    assert shape(thumbnails.jpeg(photo, "0a", 160)) == (120, 160)


def test_the_cache_may_be_deleted_at_any_time(photo, tmp_path, monkeypatch):
    thumbnails = Thumbnails(tmp_path / "t")
    real = thumbs.Path.replace

    def replace(self, target):
        shutil.rmtree(tmp_path / "t")
        return real(self, target)

    with monkeypatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("error")
        patch.setattr(thumbs.Path, "replace", replace)
        thumbnails.jpeg(photo, "0a", 160)
    thumbnails.jpeg(photo, "0b", 160)
    assert thumbnails._file(("0b", 160)).exists()


def test_half_written_files_go_only_when_nobody_writes_them(photo, tmp_path):
    folder = tmp_path / "t"
    (folder / "160" / "0a").mkdir(parents=True)
    young, old = (
        folder / "160" / "0a" / ".bearwidgets-young.tmp",
        folder / "160" / "0a" / ".bearwidgets-old.tmp",
    )
    for path in (young, old):
        path.write_bytes(b"x" * 1000)
    os.utime(old, (1e9, 1e9))
    Thumbnails(folder, disk_bytes=100).jpeg(photo, "0a", 160)
    assert young.exists()
    assert not old.exists()


def test_a_full_disk_leaves_no_half_file(photo, tmp_path, monkeypatch):
    def replace(self, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(thumbs.Path, "replace", replace)
    with pytest.warns(UserWarning, match="No space left"):
        Thumbnails(tmp_path / "t").jpeg(photo, "0a", 160)
    assert [path for path in (tmp_path / "t").rglob("*") if path.is_file()] == []


def test_threads_and_processes_share_a_folder(images, tmp_path):
    folder = tmp_path / "t"
    paths = sorted(images.rglob("*.jpg"))
    code = (
        "import sys; from pathlib import Path; from bearwidgets.data.cache.thumbs import *\n"
        "from bearwidgets.data.identity import content_id\n"
        "thumbnails = Thumbnails(Path(sys.argv[2]), disk_bytes=20_000)\n"
        "for path in sorted(Path(sys.argv[1]).rglob('*.jpg')) * 3:\n"
        "    assert thumbnails.jpeg(path, content_id(path), 160)[:2] == b'\\xff\\xd8'\n"
    )
    others = [subprocess.Popen([sys.executable, "-c", code, str(images), str(folder)]) for _ in range(2)]
    thumbnails = Thumbnails(folder, memory_bytes=5_000, disk_bytes=20_000)
    with warnings.catch_warnings(), ThreadPoolExecutor(6) as pool:
        warnings.simplefilter("error")
        found = list(pool.map(lambda path: thumbnails.jpeg(path, content_id(path), 160), paths * 5))
    assert found == found[:24] * 5
    assert found[:24] == [make_thumbnail(path, 160) for path in paths]
    assert [other.wait() for other in others] == [0, 0]
    assert thumbnails._n_held == sum(map(len, thumbnails._held.values())) <= 5_000
