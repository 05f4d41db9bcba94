"""Content ids, and the cache that spares reading unchanged files."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bearwidgets.data import identity
from bearwidgets.data.cache import cache_file
from bearwidgets.data.cache.cache_file import cache_dir
from bearwidgets.data.identity import IdentityCache, content_id, copy_id, look_into

AN_HOUR_AGO = 3600


@pytest.fixture
def cache(tmp_path) -> IdentityCache:
    return IdentityCache(tmp_path / "cache")


@pytest.fixture
def reads(monkeypatch) -> list[str]:
    """The files that were read since."""
    seen = []
    real = identity.bytes_of

    def bytes_of(path):
        seen.append(Path(path).name)
        return real(path)

    monkeypatch.setattr(identity, "bytes_of", bytes_of)
    return seen


def old_files(folder) -> dict[str, os.stat_result]:
    """Every file below a folder with its stat, none of them fresh."""
    files = {}
    for path in sorted(folder.rglob("*.*")):
        past = path.stat().st_mtime - AN_HOUR_AGO
        os.utime(path, (past, past))
        files[str(path)] = path.stat()
    return files


def test_content_id_is_a_hash_of_the_bytes(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"bear" * 1_000_000)
    assert content_id(path) == hashlib.blake2b(b"bear" * 1_000_000, digest_size=16).hexdigest()
    assert len(copy_id("0a", "a/1.jpg")) == 32
    assert copy_id("0a", "a/1.jpg") != copy_id("0a", "a/2.jpg")


def test_cache_folder_can_be_set(monkeypatch, tmp_path):
    monkeypatch.setenv("BEARWIDGETS_CACHE", str(tmp_path))
    assert cache_dir() == tmp_path
    monkeypatch.delenv("BEARWIDGETS_CACHE")
    assert "bearwidgets" in str(cache_dir())


def test_unchanged_files_are_not_read_again(images, cache, reads):
    files = old_files(images)
    first = look_into(files, cache)
    assert len(reads) == 24
    assert all(facts.content == content_id(Path(path)) for path, facts in first.items())
    assert {(facts.width, facts.height, facts.reason) for facts in first.values()} == {(48, 40, "")}
    reads.clear()
    assert look_into(files, IdentityCache(cache.path.parent)) == first
    assert reads == []


def test_changed_files_are_read_again(images, cache, reads):
    files = old_files(images)
    look_into(files, cache)
    path = images / "black" / "000.jpg"
    path.write_bytes(b"no longer an image")
    reads.clear()
    facts = look_into({**files, str(path): path.stat()}, cache)[str(path)]
    assert reads == ["000.jpg"]
    assert (facts.reason[:4], facts.content) == ("text", content_id(path))


@pytest.mark.skipif(os.name == "nt", reason="Windows has no time of change")
def test_two_files_that_swap_names_are_read_again(tmp_path, cache):
    a, b = tmp_path / "a.bmp", tmp_path / "b.bmp"
    a.write_bytes(b"x" * 100)
    b.write_bytes(b"y" * 100)
    for path in (a, b):
        os.utime(path, (1e9, 1e9))
    before = look_into({str(path): path.stat() for path in (a, b)}, cache)
    a.rename(tmp_path / "c")
    b.rename(a)
    (tmp_path / "c").rename(b)
    after = look_into({str(path): path.stat() for path in (a, b)}, cache)
    assert after[str(a)].content == before[str(b)].content != before[str(a)].content


def test_a_file_written_this_moment_is_not_trusted(tmp_path, cache, reads):
    path = tmp_path / "a.txt"
    path.write_bytes(b"one")
    files = {str(path): path.stat()}
    cache.put(files, look_into(files, cache))
    assert cache.get(files) == {}


def test_hard_links_are_read_once(images, cache, reads):
    os.link(images / "black" / "000.jpg", images / "teddy" / "link.jpg")
    facts = look_into(old_files(images), cache)
    assert len(reads) == 24
    assert facts[str(images / "teddy" / "link.jpg")] == facts[str(images / "black" / "000.jpg")]


def test_unreadable_files_have_a_reason_and_are_tried_again(images, cache, monkeypatch, reads):
    files = old_files(images)
    denied = str(images / "black" / "000.jpg")
    real = Path.open

    def open_(self, *args, **options):
        if str(self) == denied:
            raise PermissionError(13, "Permission denied")
        return real(self, *args, **options)

    monkeypatch.setattr(Path, "open", open_)
    assert look_into(files, cache)[denied].reason == "cannot be read: permission denied"
    monkeypatch.setattr(Path, "open", real)
    assert look_into(files, cache)[denied].reason == ""


def test_a_folder_that_cannot_be_written_leaves_memory(images, tmp_path, reads):
    (tmp_path / "file").write_text("a file where the folder should be")
    cache = IdentityCache(tmp_path / "file" / "cache")
    files = old_files(images)
    first = look_into(files, cache)
    reads.clear()
    assert look_into(files, cache) == first
    assert reads == []


@pytest.mark.parametrize("rubbish", [b"", b"no database", b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_damaged_cache_is_made_anew(images, cache, rubbish, reads):
    cache.path.parent.mkdir()
    cache.path.write_bytes(rubbish)
    files = old_files(images)
    first = look_into(files, cache)
    reads.clear()
    assert look_into(files, IdentityCache(cache.path.parent)) == first
    assert reads == []


def test_a_row_with_another_id_than_was_kept_is_read_again(images, cache, reads):
    files = old_files(images)
    first = look_into(files, cache)
    with sqlite3.connect(cache.path) as database:
        database.execute(
            "UPDATE cache SET content = 'f' || substr(content, 2) WHERE path LIKE '%black%000.jpg'"
        )
    database.close()
    reads.clear()
    assert look_into(files, IdentityCache(cache.path.parent)) == first
    assert reads == ["000.jpg"]


def test_a_cache_of_another_version_is_made_anew(images, cache):
    files = old_files(images)
    look_into(files, cache)
    with sqlite3.connect(cache.path) as database:
        database.execute("PRAGMA user_version=99")
    database.close()
    assert cache.get(files) == {}


def test_the_cache_file_is_bounded(images, cache, monkeypatch):
    files = old_files(images)
    look_into(files, cache)
    monkeypatch.setattr(cache_file, "LARGEST", 1000)
    assert cache.get(files) == {}


def test_threads_and_processes_share_the_cache(images, cache):
    files = old_files(images)
    code = (
        "import os, sys; from pathlib import Path; from bearwidgets.data.identity import *\n"
        "files = {str(p): p.stat() for p in Path(sys.argv[1]).rglob('*.jpg')}\n"
        "for _ in range(5): print(len(look_into(files, IdentityCache(Path(sys.argv[2])))))"
    )
    command = [sys.executable, "-c", code, str(images), str(cache.path.parent)]
    others = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(2)]
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: look_into(files, cache), range(8)))
    assert all(result == results[0] for result in results)
    for other in others:
        assert other.communicate()[0].split() == [b"24"] * 5
        assert other.returncode == 0


def test_tables_of_an_older_layout_do_not_stay_in_the_file(images, cache):
    files = old_files(images)
    cache.path.parent.mkdir(parents=True, exist_ok=True)
    with sqlite3.connect(cache.path) as database:
        database.execute('CREATE TABLE "old ""files" (path TEXT)')
    database.close()
    look_into(files, cache)
    assert len(cache.get(files)) == len(files)
    with sqlite3.connect(cache.path) as database:
        names = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    database.close()
    assert names == [("cache",)]
