"""List the files of a data folder with their labels and splits, without opening one.

Links that leave the folder are refused, links to other folders are not followed, so no loop
catches the walk.
"""

from __future__ import annotations

import os
import stat as modes
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bearwidgets.data.formats.registry import format_of
from bearwidgets.data.split import split_name
from bearwidgets.errors import BadInputError, MissingFileError, unknown_name

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NO_LABEL = "lies in no class folder, so it has no label"
LEAVING_LINK = "a link that leaves the data folder: refused; copy the file here"
NOT_REGULAR = "no regular file (a device, pipe or socket)"
NOT_TEXT = "its name is no valid UTF-8 text: rename it"
_LINKED_FOLDER = "a link to a folder, not followed: copy the images here if they belong here"


@dataclass
class Listing:
    """Files with labels, not opened yet.

    Attributes:
        labels: Posix path relative to the root, to the label.
        splits: The same paths, to "train", "valid", "test", or "" where the files do not say.
        stats: The same paths, to what `os.stat` says.
        problems: Path and reason of what cannot be used.
        notes: Sentences for the user about the whole.
    """

    labels: dict[str, str] = field(default_factory=dict)
    splits: dict[str, str] = field(default_factory=dict)
    stats: dict[str, os.stat_result] = field(default_factory=dict)
    problems: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, path: str, label: str, split: str, stat: os.stat_result) -> None:
        """Take a regular file."""
        self.labels[path] = label
        self.splits[path] = split
        self.stats[path] = stat


def check_folder(root: Path) -> None:
    """Refuse what is no folder.

    Raises:
        MissingFileError: There is nothing at `root`.
        BadInputError: `root` is a file.
    """
    if root.is_dir():
        return
    if root.exists():
        raise BadInputError(f"{str(root)!r} is a file; allowed is a folder with one folder per class in it")
    near = ""
    if root.parent.is_dir():
        folders = [each.name for each in root.parent.iterdir() if each.is_dir()]
        near = " " + unknown_name("folder", root.name, folders, f"in {str(root.parent)!r}") if folders else ""
    raise MissingFileError(f"No folder {str(root)!r}: give the folder that holds the images.{near}")


def list_folder(root: Path, *, skip: Path | None = None) -> Listing:
    """List a folder per class, or train/ valid/ test/ of those, below `root` (a resolved path).

    Args:
        root: The data folder.
        skip: A folder inside it that is no data, such as the workspace.

    Raises:
        MissingFileError: There is no such folder.
        BadInputError: It is no folder, or no class folder is in it.
    """
    check_folder(root)
    walk = _Walk(str(root), str(skip))
    folders = walk.subfolders("")
    parts = _split_folders(root, folders)
    for part, split in parts.items():
        for name in walk.subfolders(part):
            walk.list_class(f"{part}/{name}", name, split)
    for name in folders:
        if not parts:
            walk.list_class(name, name, "")
        elif name not in parts:
            walk.refuse(name, "this folder is none of train, valid, test: left out")
    if not walk.listing.labels and not (skip is not None and was_emptied(skip)):
        raise BadInputError(_nothing_found(root, folders, walk.listing.problems))
    return walk.listing


def was_emptied(workspace: Path) -> bool:
    """Whether rounds of decisions were applied here: a data set without an image may then be brought back."""
    rounds = workspace / "rounds"
    return rounds.is_dir() and any(rounds.iterdir())


class _Walk:
    """Takes files below a root into a listing; what cannot be taken becomes a problem."""

    def __init__(self, root: str, skip: str) -> None:
        self.root = root
        self.skip = skip
        self.listing = Listing()

    def refuse(self, path: str, reason: str) -> None:
        self.listing.problems.append((path, reason))

    def subfolders(self, folder: str) -> list[str]:
        """Names of the folders in one that holds classes; images that lie loose in it are refused."""
        names = []
        for path, entry in self._entries(folder):
            if entry.name.startswith(".") or entry.path == self.skip:
                continue
            if not _is_folder(entry):
                if _announces_image(entry.path):
                    self.refuse(path, NO_LABEL)
            elif entry.is_symlink():
                self.refuse(path, _LINKED_FOLDER)
            else:
                names.append(entry.name)
        return names

    def list_class(self, top: str, label: str, split: str) -> None:
        """Take every file below a class folder."""
        before = len(self.listing.labels)
        waiting = [top]
        while waiting:
            for path, entry in self._entries(waiting.pop()):
                if not _is_folder(entry):
                    stat = self._stat(path, entry)
                    if stat is not None:
                        self.listing.add(path, label, split, stat)
                elif entry.is_symlink():
                    self.refuse(path, _LINKED_FOLDER)
                elif not entry.name.startswith("."):
                    waiting.append(path)
        if len(self.listing.labels) == before:
            self.listing.notes.append(f"the folder {top!r} holds no file that can be used")

    def _stat(self, path: str, entry: os.DirEntry[str]) -> os.stat_result | None:
        """What the system says of a regular file inside the root, or None after refusing it."""
        try:
            # DirEntry.stat knows no inode on Windows, and hard links are told by it.
            stat = os.stat(entry.path) if os.name == "nt" else entry.stat()  # noqa: PTH116
        except OSError as error:
            linked = "a link that leads nowhere or in a circle"
            self.refuse(path, linked if entry.is_symlink() else stat_reason(error))
            return None
        if entry.is_symlink() and not is_inside(self.root, entry.path):
            self.refuse(path, LEAVING_LINK)
        elif not modes.S_ISREG(stat.st_mode):
            self.refuse(path, NOT_REGULAR)
        else:
            return stat
        return None

    def _entries(self, folder: str) -> Iterator[tuple[str, os.DirEntry[str]]]:
        """Posix path and entry, by name; a folder that cannot be listed and names that are no text are refused."""
        try:
            with os.scandir(os.path.join(self.root, folder)) as found:  # noqa: PTH118
                entries = sorted(found, key=lambda entry: entry.name)
        except OSError as error:
            self.refuse(folder or ".", f"this folder {stat_reason(error)}")
            return
        for entry in entries:
            path = f"{folder}/{entry.name}" if folder else entry.name
            if is_text(path):
                yield path, entry
            else:
                self.refuse(path.encode("utf-8", "backslashreplace").decode(), NOT_TEXT)


def is_inside(root: str, path: str) -> bool:
    """Whether `path`, with all links followed, lies below `root`, which is resolved already."""
    real = os.path.realpath(path)
    return real == root or real.startswith(root.rstrip(os.sep) + os.sep)


def is_text(name: str) -> bool:
    """Whether a name can be written as UTF-8 (on Linux it may hold any bytes)."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def stat_reason(error: OSError) -> str:
    """The reason for `Dataset.problems` in an error of the file system."""
    return f"cannot be read: {(error.strerror or str(error)).lower()}"


def _split_folders(root: Path, folders: list[str]) -> dict[str, str]:
    """Names of the split folders to their split; empty if the folders are classes (one may be called train)."""
    parts = {name: split for name in folders if (split := split_name(name))}
    if "train" not in parts.values() or (len(parts) == 1 and len(folders) > 1):
        return {}
    train = next(name for name, split in parts.items() if split == "train")
    with os.scandir(root / train) as entries:
        has_classes = any(each.is_dir() and not each.name.startswith(".") for each in entries)
    return parts if has_classes else {}


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether it is a folder or a link to one; a link that leads in a circle is none."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def _announces_image(path: str) -> bool:
    if not os.path.isfile(path):  # noqa: PTH113 - opening a pipe would wait for ever
        return False
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - there may be 100,000 of them
            return format_of(file.read(16)) is not None
    except OSError:
        return False


def _nothing_found(root: Path, folders: list[str], problems: list[tuple[str, str]]) -> str:
    loose = sum(reason == NO_LABEL for _, reason in problems)
    if loose:
        what = f"{loose} images lie in no class folder"
    elif folders:
        what = f"its folders ({', '.join(folders[:5])}) hold no file that can be used"
    else:
        what = "it has no folders in it" if any(root.iterdir()) else "it is empty"
    refused = "".join(f" {path}: {reason}." for path, reason in problems[:3] if reason != NO_LABEL)
    return (
        f"No labeled images in {str(root)!r}: {what}.{refused} Allowed is one folder per class with the images"
        " in it, or train/ valid/ test/ of those; with labels in a table use Dataset.from_csv."
    )
