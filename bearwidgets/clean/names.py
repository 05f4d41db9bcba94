"""Names that are safe as a folder on Linux, macOS and Windows, and names that collide with no other."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from bearwidgets.errors import BadInputError, ConflictError

if TYPE_CHECKING:
    from collections.abc import Iterable

LONGEST = 100  # bytes of UTF-8 in a class name: leaves room for the file's name in Windows' 260 characters
_LONGEST_FILE = 255  # bytes, the limit of the common file systems
_DEVICES = re.compile(
    r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9\u00b9\u00b2\u00b3])\s*(\..*)?", re.IGNORECASE
)
_FORBIDDEN = set('/\\<>:"|?*')
_TURNED = set(
    "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)  # they make a name read as another one


def folded(name: str) -> str:
    """The name as a file system sees it that tells neither case nor ways to write an accent."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


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


def unsafe(name: str) -> str:
    """Why a text is no safe folder name ("has a separator"); "" if it is one."""
    reasons = {
        "is empty": not name.strip(),
        "starts or ends with a space": name != name.strip(),
        "starts with a dot": name.startswith("."),
        "ends with a dot, which Windows drops": name.endswith("."),
        'has a separator or one of < > : " | ? *': bool(_FORBIDDEN & set(name)),
        "has a control character": any(unicodedata.category(char) in {"Cc", "Zl", "Zp"} for char in name),
        "turns the reading direction": bool(_TURNED & set(name)),
        "is not valid Unicode": any(unicodedata.category(char) == "Cs" for char in name),
        "is a device on Windows": bool(_DEVICES.fullmatch(name)),
        f"is longer than {LONGEST} bytes": len(name.encode(errors="replace")) > LONGEST,
    }
    return next((reason for reason, holds in reasons.items() if holds), "")


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
