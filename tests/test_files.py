"""Renames that Windows refuses for a moment while a scanner has the file open, and what lasts through a power cut."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from bearwidgets import files
from bearwidgets.files import draft_folder, explain, write_atomic

PAUSES = [0.05, 0.1, 0.2, 0.3, 0.4]


def refusal(winerror: int | None) -> PermissionError:
    """What Windows raises; without its own number what other systems raise."""
    error = PermissionError(13, "Access is denied")
    if winerror is not None:
        error.winerror = winerror
    return error


@pytest.fixture
def slept(monkeypatch):
    """The seconds that were waited; nobody waits here."""
    pauses = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    return pauses


@pytest.fixture
def refuse(monkeypatch, slept):
    """`refuse("replace", 2, 32)`: the first two calls of this method of a path are refused with this number."""

    def patch(name, times, winerror):
        real = getattr(Path, name)

        def refusing(*arguments):
            if len(slept) < times:
                raise refusal(winerror)
            return real(*arguments)

        monkeypatch.setattr(Path, name, refusing)

    return patch


def replace_a_file(folder):
    write_atomic(folder / "file", b"new")
    assert (folder / "file").read_bytes() == b"new"


def name_a_draft(folder):
    with draft_folder(folder / "made") as (draft, _):
        (draft / "file").touch()
    assert (folder / "made" / "file").is_file()


@pytest.mark.parametrize(("name", "act"), [("replace", replace_a_file), ("rename", name_a_draft)])
@pytest.mark.parametrize("winerror", [5, 32, 33])
def test_a_file_that_is_open_elsewhere_for_a_moment(tmp_path, refuse, slept, name, act, winerror):
    refuse(name, 2, winerror)
    act(tmp_path)
    assert slept == PAUSES[:2]
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(("winerror", "waited"), [(32, PAUSES), (17, []), (None, [])])
def test_a_refusal_that_stays_is_raised_and_another_one_at_once(tmp_path, refuse, slept, winerror, waited):
    refuse("replace", 10, winerror)
    with pytest.raises(PermissionError):
        replace_a_file(tmp_path)
    assert slept == waited
    assert not list(tmp_path.iterdir()), "nothing stays behind"


OPEN = "a.jpg is open in another program. Nothing was moved. Close it there, then do it again."
DENIED = "a.jpg cannot be written (Access is denied). Nothing was moved. {}Make it writable."
PERHAPS = "If it is open in another program, close it there. "


@pytest.mark.parametrize(
    ("winerror", "said"),
    [(32, OPEN), (33, OPEN), (5, DENIED.format(PERHAPS)), (None, DENIED.format(""))],
)
def test_what_to_do_about_it(winerror, said):
    error = explain(refusal(winerror), Path("a.jpg"), "Nothing was moved.", way_out="Make it writable.")
    assert str(error) == said


@pytest.mark.parametrize("winerror", [3, 206])
def test_a_trash_too_deep_for_windows(winerror):
    error = FileNotFoundError(2, "The system cannot find the path specified", "a.jpg", None, "t" * 261)
    error.winerror = winerror
    said = str(explain(error, Path("a.jpg"), "Nothing was moved."))
    assert "longer than Windows allows (261 characters). Nothing was moved. Use a folder whose" in said
    error.filename2 = "trash"
    assert "a.jpg: The system cannot find" in str(explain(error, Path("a.jpg"), "Nothing was moved."))


def test_on_macos_the_disk_itself_is_asked_to_write(tmp_path, monkeypatch):
    asked = []
    fake = SimpleNamespace(F_FULLFSYNC=51, fcntl=lambda _, what: asked.append(what))
    monkeypatch.setattr(files, "fcntl", fake, raising=False)
    for platform in ("linux", "darwin"):
        monkeypatch.setattr(files.sys, "platform", platform)
        with (tmp_path / platform).open("wb") as file:
            file.write(b"1")
            files.sync_file(file)
    assert asked == [51]
