"""Names for files that are moved or copied: none that is taken, nothing outside of its folder."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from bearwidgets.errors import ConflictError
from bearwidgets.safe_text import folded

_LONGEST_FILE = 255  # bytes, the limit of the common file systems


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
    """Paths that no file has yet, the same ones for the same folder and the same order of calls.

    A name that is taken (in any case or way to write an accent, by a file or by an earlier call) becomes
    `name-2.jpg`, `name-3.jpg` and so on.

    Example:
        >>> free = FreeNames(folder)
        >>> free.take("black/a.jpg"), free.take("black/A.jpg")
        ('black/a.jpg', 'black/A-2.jpg')
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
