"""List the files of a data folder with their labels and splits, without opening one.

Links that leave the folder are refused, links to other folders are not followed, so no loop can catch the walk.
"""

from __future__ import annotations

import os
import stat as modes
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bearwidgets.data.images import sniff
from bearwidgets.data.split import split_name
from bearwidgets.errors import BadInputError, MissingFileError, unknown_name

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NO_LABEL = "lies in no class folder, so it has no label"


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
    raise MissingFileError(f"No folder {str(root)!r}: give the folder that holds one folder per class.{near}")


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
    listing = Listing()
    folders = _subfolders(root, "", listing, skip)
    parts = _split_folders(root, folders)
    if parts:
        for name in folders:
            if name not in parts:
                listing.problems.append((name, "this folder is none of train, valid, test; it was left out"))
    else:
        parts = {"": ""}
    for part, split in parts.items():
        names = _subfolders(root / part, part, listing, skip) if part else folders
        for name in names:
            _list_class(root, f"{part}/{name}" if part else name, name, split, listing)
    if not listing.labels:
        _refuse_empty(root, folders, listing)
    return listing


def _split_folders(root: Path, folders: list[str]) -> dict[str, str]:
    """Names of the split folders to their split; empty if the folders are classes (one may be called train)."""
    parts = {
        name: split
        for name in folders
        if (split := split_name(name)) and name.lower() not in {"true", "false"}
    }
    if "train" not in parts.values() or (len(parts) == 1 and len(folders) > 1):
        return {}
    train = next(name for name, split in parts.items() if split == "train")
    with os.scandir(root / train) as entries:
        has_classes = any(each.is_dir() and not each.name.startswith(".") for each in entries)
    return parts if has_classes else {}


def _subfolders(folder: Path, prefix: str, listing: Listing, skip: Path | None) -> list[str]:
    """Names of the folders in one that holds classes; images that lie loose in it become problems."""
    names = []
    for entry in _entries(str(folder), prefix, listing):
        path = f"{prefix}/{entry.name}" if prefix else entry.name
        if entry.name.startswith("."):
            continue
        if entry.is_dir(follow_symlinks=False):
            if skip is None or entry.path != str(skip):
                names.append(entry.name)
        elif entry.is_symlink() and entry.is_dir():
            _refuse_linked_folder(entry, path, listing)
        elif entry.is_file() and _announces_image(entry.path):
            listing.problems.append((path, NO_LABEL))
    return names


def _list_class(root: Path, top: str, label: str, split: str, listing: Listing) -> None:
    """List every file below a class folder."""
    real_root = str(root)
    before = len(listing.labels)
    waiting = [top]
    while waiting:
        folder = waiting.pop()
        for entry in _entries(f"{real_root}{os.sep}{folder.replace('/', os.sep)}", folder, listing):
            path = f"{folder}/{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                if not entry.name.startswith("."):
                    waiting.append(path)
            elif entry.is_symlink() and entry.is_dir():
                _refuse_linked_folder(entry, path, listing)
            else:
                _list_file(entry, path, real_root, label, split, listing)
    if len(listing.labels) == before:
        listing.notes.append(f"the folder {top!r} holds no file that can be used")


def _list_file(
    entry: os.DirEntry[str], path: str, root: str, label: str, split: str, listing: Listing
) -> None:
    try:
        # DirEntry.stat knows no inode on Windows, and hard links are told by it.
        stat = os.stat(entry.path) if os.name == "nt" else entry.stat()  # noqa: PTH116
    except OSError as error:
        reason = "a link that leads nowhere or in a circle" if entry.is_symlink() else stat_reason(error)
        listing.problems.append((path, reason))
        return
    if entry.is_symlink() and not is_inside(root, entry.path):
        listing.problems.append((path, "a link that leaves the data folder: refused; copy the file here"))
    elif not modes.S_ISREG(stat.st_mode):
        listing.problems.append((path, "no regular file (a device, pipe or socket)"))
    else:
        listing.add(path, label, split, stat)


def _entries(folder: str, prefix: str, listing: Listing) -> Iterator[os.DirEntry[str]]:
    """The entries of a folder by name; what cannot be listed or named in text becomes a problem."""
    try:
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except OSError as error:
        listing.problems.append((prefix or ".", f"this folder {stat_reason(error)}"))
        return
    for entry in entries:
        try:
            entry.name.encode()
        except UnicodeEncodeError:
            shown = f"{prefix}/{entry.name}".lstrip("/").encode("utf-8", "backslashreplace").decode()
            listing.problems.append((shown, "its name is no valid UTF-8 text: rename it"))
        else:
            yield entry


def is_inside(root: str, path: str) -> bool:
    """Whether `path`, with all links followed, lies below `root`, which is resolved already."""
    real = os.path.realpath(path)
    return real == root or real.startswith(root.rstrip(os.sep) + os.sep)


def stat_reason(error: OSError) -> str:
    """The reason for `Dataset.problems` in an error of the file system."""
    return f"cannot be read: {(error.strerror or str(error)).lower()}"


def _refuse_linked_folder(entry: os.DirEntry[str], path: str, listing: Listing) -> None:
    listing.problems.append(
        (path, "a link to a folder, not followed: copy the images here if they belong here")
    )


def _announces_image(path: str) -> bool:
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - a Path for each of many files takes longer than reading
            return sniff(file.read(16)) is not None
    except OSError:
        return False


def _refuse_empty(root: Path, folders: list[str], listing: Listing) -> None:
    loose = sum(reason == NO_LABEL for _, reason in listing.problems)
    if loose:
        what = f"{loose} images lie in no class folder"
    elif folders:
        what = f"its folders ({', '.join(folders[:5])}) hold no file that can be used"
    else:
        what = "it is empty" if not any(root.iterdir()) else "it has no folders"
    refused = "".join(f" {path}: {reason}." for path, reason in listing.problems[:3] if reason != NO_LABEL)
    raise BadInputError(
        f"No labelled images in {str(root)!r}: {what}.{refused} Allowed is one folder per class with the images in"
        " it, or train/ valid/ test/ of those; with labels in a table use Dataset.from_csv."
    )
