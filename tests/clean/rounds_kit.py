"""What the tests of journals and rounds share: a folder of bears, its journal, and systems that can do less."""

from __future__ import annotations

import errno
import json
import os
import tempfile
from pathlib import Path

import pytest
from made_data import write_images

from bearwidgets.clean.apply import moves
from bearwidgets.clean.journal import Journal
from bearwidgets.data.dataset import Dataset

OLD = 1_500_000_000_123_456_789  # ns: a time that nobody gets by accident


def write_bears(root, classes=(("black", 4), ("grizzly", 4), ("teddy", 4))):
    write_images(root, dict(classes))
    for n, file in enumerate(sorted(root.rglob("*.jpg"))):
        os.utime(file, ns=(OLD, OLD + n * 1_000_000_007))
    return root


def snapshot(root):
    """Every file outside the workspace with bytes, time and permissions, and every folder."""
    found = {}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if name.split("/")[0] != ".bearwidgets":
            status = path.lstat()
            found[name] = (path.read_bytes(), status.st_mtime_ns, status.st_mode) if path.is_file() else None
    return found


def open_journal(root, **options):
    dataset = Dataset.from_folder(root, **options)
    ids = dict(zip(dataset.table["path"], dataset.table["id"], strict=True))
    return Journal.open(dataset), ids


def decide(journal, ids):
    journal.record([ids["black/000.jpg"], ids["black/001.jpg"], ids["teddy/003.jpg"]], "delete")
    journal.record([ids["grizzly/000.jpg"], ids["grizzly/002.jpg"]], "relabel", "teddy")
    journal.record([ids["black/002.jpg"]], "relabel", "panda")
    journal.record([ids["black/003.jpg"]], "keep")
    journal.record([ids["teddy/000.jpg"]], "unsure")


def files(root):
    return sorted(each.relative_to(root).as_posix() for each in root.rglob("*.jpg"))


def other_file_system():
    """A folder on another file system than the temporary folder, or a skip."""
    memory = Path("/dev/shm")  # noqa: S108 - looked for, not relied on
    if not memory.is_dir() or memory.stat().st_dev == Path(tempfile.gettempdir()).stat().st_dev:
        pytest.skip("there is no second file system here")
    return Path(tempfile.mkdtemp(dir=memory))


def across(monkeypatch, *, room=10**9, full="trash"):
    """Make the trash seem to lie on another file system; folders of one name have room for so many bytes."""
    real = moves.rename_new

    def rename(source, target):
        if ("trash" in Path(source).parts) != ("trash" in Path(target).parts):
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        return real(source, target)

    def copy(reading, writing, _size):
        nonlocal room
        data = reading.read()
        if full in Path(writing.name).parts:
            room -= len(data)
            if room < 0:
                writing.write(data[:5])
                raise OSError(errno.ENOSPC, "No space left on device")
        writing.write(data)

    monkeypatch.setattr(moves, "rename_new", rename)
    monkeypatch.setattr(moves.shutil, "copyfileobj", copy)


def only_links(monkeypatch):
    """A system without a rename that refuses a taken name."""
    monkeypatch.setattr(moves, "rename_new", lambda _source, _target: False)


def no_links(monkeypatch):
    """The same without hard links."""

    def refuse(*_args, **_options):
        raise OSError(errno.EMLINK, "Too many links")

    only_links(monkeypatch)
    monkeypatch.setattr(moves.os, "link", refuse)


def open_csv(file):
    dataset = Dataset.from_csv(file, path="file", label="label", sep=";")
    ids = dict(zip(dataset.table["path"], dataset.table["id"], strict=True))
    return Journal.open(dataset), ids


def ids_of(dataset, n=None):
    return dataset.table["id"].tolist()[:n]


def in_force(journal):
    table = journal.decisions
    return {id_: (row.action, row.new_label) for id_, row in table.iterrows()}


def lines_of(journal):
    return [json.loads(line) for line in journal.path.read_text(encoding="utf-8").splitlines() if line]
