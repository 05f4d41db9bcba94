"""Go through the folders of a data set: what is a file to list, what is no data, which links may be followed."""

from __future__ import annotations

import os
import re
import stat as modes
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bearwidgets.data.formats.registry import announces_image
from bearwidgets.data.listing.applied import Applied
from bearwidgets.data.problems import MISSING, REFUSED, UNREADABLE, Problem, claims_image
from bearwidgets.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Iterator

NO_LABEL = "lies in no class folder, so it has no label"
LEAVING_LINK = (
    "a link that leaves the data folder: copy the file here, or pass follow_links=True if it is yours"
)
NOT_REGULAR = "no regular file (a device, pipe or socket)"
NOT_TEXT = "its name is no valid UTF-8 text: rename it"
DELETED = "lies in the trash of a workspace: it was deleted by a decision"
LINKED_FOLDER = (
    "a link to a folder, not followed: copy the folder here, or pass follow_links=True if it is yours"
)
_CIRCLE = "a link to a folder that is read already, or to one that holds the data folder"
_JOURNAL = "journal.jsonl"
_KEPT_APART = ("trash", "rounds")  # folders of a workspace with files that were data once
_OF_WORKSPACE = {_JOURNAL, "journal.lock", "manifest.csv", "exam.json", "labels.csv", "root.json"}
_ROUND = re.compile(r"\d{4,}")
_OF_SYSTEM = {
    *("thumbs.db", "ehthumbs.db", "desktop.ini", "picasa.ini", "icon\r", "lost+found", "__macosx"),
    *("@eadir", "#recycle", "$recycle.bin", "system volume information"),
}


@dataclass
class Listing:
    """Files with labels, not opened yet.

    Attributes:
        labels: Posix path relative to the root, to the label.
        splits: The same paths, to "train", "valid", "test", or "" where the files do not say.
        stats: The same paths, to what `os.stat` says.
        problems: What cannot be used.
        groups: The same paths, to the group that stays on one side of the split; empty if there are none.
        notes: Sentences for the user about the whole.
        hint: What may help where most files are missing.
    """

    labels: dict[str, str] = field(default_factory=dict)
    splits: dict[str, str] = field(default_factory=dict)
    stats: dict[str, os.stat_result] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    groups: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    applied: Applied = field(default_factory=Applied)
    hint: str = ""

    def add(self, path: str, label: str, split: str, stat: os.stat_result) -> None:
        """Take a regular file."""
        self.labels[path] = label
        self.splits[path] = split
        self.stats[path] = stat


class Walk:
    """Takes files below a root into a listing; what cannot be taken becomes a problem.

    Args:
        root: The resolved data folder.
        space: The workspace, whose files are no data.
        follow_links: Whether links that leave the root, and links to folders, are followed.
    """

    def __init__(self, root: str, space: str, *, follow_links: bool = False) -> None:
        self.root = root
        self.space = space
        self.follow_links = follow_links
        self.listing = Listing()

    def refuse(self, path: str, reason: str, kind: str = REFUSED) -> None:
        """Note what cannot be taken."""
        self.listing.problems.append(Problem(path, reason, kind))

    def subfolders(self, folder: str) -> list[str]:
        """Names of the folders in one that holds classes; images that lie loose in it are refused."""
        names = []
        for path, entry in self.entries(folder):
            if not _is_folder(entry):
                if announces_image(entry.path):
                    self.refuse(path, NO_LABEL)
            elif entry.is_symlink() and not self.follow_links:
                self.refuse(path, LINKED_FOLDER)
            elif entry.is_symlink() and self._leads_up(entry.path):
                self.refuse(path, _CIRCLE)
            elif not self._is_bare_workspace(path):
                names.append(entry.name)
        return names

    def list_class(self, top: str, label: str, split: str) -> None:
        """Take every file below a class folder; with links followed, each folder once."""
        before = len(self.listing.labels)
        waiting = [top]
        seen = {_identity(self._full(top))}
        while waiting:
            for path, entry in self.entries(waiting.pop()):
                if not _is_folder(entry):
                    stat = self._stat(path, entry)
                    if stat is not None:
                        self.listing.add(path, label, split, stat)
                elif entry.is_symlink() and not self.follow_links:
                    self.refuse(path, LINKED_FOLDER)
                elif self.follow_links and (
                    (which := _identity(entry.path)) in seen or self._leads_up(entry.path)
                ):
                    self.refuse(path, _CIRCLE)
                else:
                    if self.follow_links:
                        seen.add(which)
                    waiting.append(path)
        if len(self.listing.labels) == before:
            self.listing.notes.append(f"the folder {top!r} holds no file that can be used")

    def look(self, folder: str) -> tuple[list[str], bool]:
        """Names of the folders in a folder, and whether an image lies beside them; nothing is taken or refused."""
        folders, images = [], False
        for _, entry in Walk(self.root, self.space, follow_links=self.follow_links).entries(folder):
            if _is_folder(entry):
                folders += [entry.name] if self.follow_links or not entry.is_symlink() else []
            else:
                images = images or claims_image(entry.name) or announces_image(entry.path)
        return folders, images

    def entries(self, folder: str) -> Iterator[tuple[str, os.DirEntry[str]]]:
        """Posix path and entry of what may be data in a folder, by name.

        A folder that cannot be listed and names that are no text are refused.

        Raises:
            BadInputError: It is a workspace, and something else than deleted images lies in its trash.
        """
        try:
            with os.scandir(self._full(folder)) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except OSError as error:
            self.refuse(folder or ".", f"this folder {stat_reason(error)}", UNREADABLE)
            return
        is_space = self._full(folder) == self.space or any(entry.name == _JOURNAL for entry in entries)
        for entry in entries:
            path = f"{folder}/{entry.name}" if folder else entry.name
            if is_space and entry.name in (*_OF_WORKSPACE, *_KEPT_APART):
                _check_kept_apart(entry)
            elif not is_text(path):
                self.refuse(path.encode("utf-8", "backslashreplace").decode(), NOT_TEXT)
            elif not _is_of_system(entry):
                yield path, entry

    def _full(self, folder: str) -> str:
        return os.path.join(self.root, folder) if folder else self.root  # noqa: PTH118 - 100,000 of them

    def _leads_up(self, path: str) -> bool:
        """Whether a folder is, or a link leads to, the root or a folder above it."""
        return is_inside(os.path.realpath(path), self.root)

    def _is_bare_workspace(self, folder: str) -> bool:
        """Whether a folder is a workspace and nothing else."""
        full = self._full(folder)
        is_space = full == self.space or os.path.isfile(os.path.join(full, _JOURNAL))  # noqa: PTH113, PTH118
        return is_space and next(self.entries(folder), None) is None

    def _stat(self, path: str, entry: os.DirEntry[str]) -> os.stat_result | None:
        """What the system says of a regular file inside the root, or None after refusing it."""
        try:
            # DirEntry.stat knows no inode on Windows, and hard links are told by it.
            stat = os.stat(entry.path) if os.name == "nt" else entry.stat()  # noqa: PTH116
        except OSError as error:
            if entry.is_symlink():
                self.refuse(path, "a link that leads nowhere or in a circle", MISSING)
            else:
                self.refuse(path, stat_reason(error), UNREADABLE)
            return None
        if entry.is_symlink() and not self.follow_links and not is_inside(self.root, entry.path):
            self.refuse(path, LEAVING_LINK)
        elif not modes.S_ISREG(stat.st_mode):
            self.refuse(path, NOT_REGULAR)
        else:
            return stat
        return None


def was_deleted(root: str, path: str) -> bool:
    """Whether a path relative to `root` leads into what a workspace keeps apart, where deleted images lie."""
    parts = path.split("/")
    places = (number for number, part in enumerate(parts[:-1]) if part in _KEPT_APART)
    return any(os.path.isfile(os.path.join(root, *parts[:number], _JOURNAL)) for number in places)  # noqa: PTH113, PTH118


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


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether it is a folder or a link to one; a link that leads in a circle is none."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def _is_of_system(entry: os.DirEntry[str]) -> bool:
    """Whether systems and tools left it there: known names, hidden folders, hidden files that are no image."""
    name = entry.name.lower()
    if name in _OF_SYSTEM:
        return True
    if not name.startswith("."):
        return False
    if _is_folder(entry):
        return True
    if entry.is_symlink() or (claims_image(name) and not name.startswith("._")):
        return False
    return not announces_image(entry.path)


def _check_kept_apart(entry: os.DirEntry[str]) -> None:
    """Refuse a class folder that is called as a folder of the workspace in which it lies."""
    if entry.name in _KEPT_APART and entry.is_dir():
        with os.scandir(entry.path) as found:
            others = [each.name for each in found if not _ROUND.fullmatch(each.name)]
        if others:
            raise BadInputError(
                f"The folder {entry.path!r} belongs to a workspace, but holds something else ({others[0]!r}). If it"
                " is a class, pass workspace= with a folder outside of the data, or rename it."
            )


def _identity(path: str) -> tuple[int, int]:
    stat = os.stat(path)  # noqa: PTH116
    return stat.st_dev, stat.st_ino
