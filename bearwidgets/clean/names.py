"""Names that are safe as a folder on Linux, macOS and Windows, and names that collide with no other."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from bearwidgets.errors import BadInputError, ConflictError
from bearwidgets.files import folded, unsafe

if TYPE_CHECKING:
    from collections.abc import Iterable

_LONGEST_FILE = 255  # bytes, the limit of the common file systems


def check_new_class(name: str, known: Iterable[str]) -> str:
    """A class name that is known, or a new one that is safe as a folder name.

    Args:
        name: What came in.
        known: The classes there are; these are always allowed.

    Returns:
        The name.

    Raises:
        BadInputError: The name cannot be a folder everywhere, or differs from a known one only in case.

    Example:
        >>> check_new_class("panda", ["black", "grizzly"])
        'panda'
    """
    known = list(known)
    if name in known:
        return name
    if reason := unsafe(name):
        raise BadInputError(
            f"A new class cannot be called {name!r}: the name {reason}. Take letters, digits, spaces, '-' and '_', or"
            f" one of the classes there are: {', '.join(known[:20])}."
        )
    for each in known:
        if folded(each) == folded(name):
            raise BadInputError(
                f"A new class {name!r} would differ from {each!r} only in case or accents, which is one folder on"
                f" Windows and macOS. Did you mean {each!r}?"
            )
    return name


def inside(base: Path, relative: str) -> Path:
    """The absolute path of `relative` under `base`.

    Raises:
        ConflictError: It leads out of `base`, by itself or through a link on the way.
    """
    parts = PurePosixPath(relative)
    path = base / parts
    if parts.is_absolute() or ".." in parts.parts or not parts.parts:
        raise ConflictError(f"{relative!r} does not lie inside {base}; nothing outside it is ever touched.")
    if not path.parent.resolve().is_relative_to(base.resolve()):
        raise ConflictError(
            f"{relative!r} leads out of {base} through a link; nothing outside it is ever touched."
        )
    return path


class FreeNames:
    """Target paths that no file has yet, the same for the same folder and the same order of questions.

    A name that is taken (in any case or way to write an accent, by a file or by an earlier answer) becomes
    `name-2.jpg`, `name-3.jpg` and so on.
    """

    def __init__(self, base: Path) -> None:
        self._base = base
        self._answered: set[str] = set()
        self._there: dict[PurePosixPath, set[str]] = {}

    def take(self, wanted: str) -> str:
        """The wanted posix path relative to the base, or the next one that is free."""
        path = PurePosixPath(wanted)
        free, number = path, 1
        while folded(free.name) in self._names_in(path.parent) or folded(str(free)) in self._answered:
            number += 1
            free = path.with_name(_numbered(path, number))
        self._answered.add(folded(str(free)))
        return str(free)

    def _names_in(self, folder: PurePosixPath) -> set[str]:
        if folder not in self._there:
            there = self._base / folder
            self._there[folder] = {folded(each.name) for each in there.iterdir()} if there.is_dir() else set()
        return self._there[folder]


def _numbered(path: PurePosixPath, number: int) -> str:
    ending = f"-{number}{path.suffix}"
    stem = path.stem
    while stem and len((stem + ending).encode(errors="surrogateescape")) > _LONGEST_FILE:
        stem = stem[:-1]
    return stem + ending
