"""Which file the cell of a path column means, and what tells the cells from the files where none is found."""

from __future__ import annotations

import ntpath
import os
import posixpath
import re
import unicodedata
from itertools import islice, takewhile
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

from bearwidgets.data.listing.labels import cell_text
from bearwidgets.data.listing.walk import NOT_TEXT, is_text
from bearwidgets.data.problems import claims_image
from bearwidgets.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import PurePath

_ADDRESS = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]+://")
ELSEWHERE = "an absolute path of another computer: there is no such file on this one"
_LOOKED_AT = 50_000  # files among which the one that a cell means is looked for


class PathReader:
    """The posix path relative to a root that a cell means.

    Backslashes count as slashes (except, on other systems than Windows, in the name of a file that exists), accents
    may be written either way, absolute paths and file:// are allowed if they lead below the root.

    Args:
        root: A resolved folder.
        suffix: What is added to cells that do not end so, such as ".jpg".
        folder: The folder below the root that the cells are relative to.
    """

    def __init__(self, root: PurePath, suffix: str = "", folder: str = "") -> None:
        self._root, self._suffix, self._folder = root, suffix, folder
        self._spelled: dict[str, dict[str, str]] = {}

    def path_of(self, cell: object) -> str:
        """The path that a cell means, whether a file is there or not.

        Raises:
            BadInputError: It names nothing below the root; the message is the reason.
        """
        text = self._text_of(cell)
        if self._suffix and not text.endswith(self._suffix):
            text += self._suffix
        if "\\" in text and (os.sep == "\\" or not self._is_there(text)):
            text = text.replace("\\", "/")
        if os.path.isabs(text) or ntpath.splitdrive(text)[0]:  # noqa: PTH117
            return self._spelling(self._below(posixpath.normpath(text)))
        path = posixpath.normpath(posixpath.join(self._folder, text))
        if path == ".." or path.startswith("../"):
            raise BadInputError("a path that leaves the data folder: refused")
        return self._spelling(path)

    def _text_of(self, cell: object) -> str:
        """A cell as the text of a path of the file system."""
        text = cell_text(cell)
        if not text:
            raise BadInputError("no path")
        if text != cell and isinstance(cell, str) and is_text(cell) and "\0" not in cell:
            text = cell if self._is_there(cell) else text  # spaces may belong to it
        if not is_text(text):
            raise BadInputError(NOT_TEXT)
        if "\0" in text:
            raise BadInputError("a path with a NUL character in it")
        if text.startswith("file://"):
            text = url2pathname(unquote(urlsplit(text).path))
        if _ADDRESS.match(text):
            raise BadInputError("a web address, not a file: download it first")
        return text

    def _below(self, path: str) -> str:
        base = self._root.as_posix().rstrip("/") + "/"
        if os.path.normcase(path).startswith(os.path.normcase(base)):
            return path[len(base) :]
        here = "an absolute path outside the data folder: refused; pass root= with its folder"
        raise BadInputError(here if os.path.lexists(path) else ELSEWHERE)

    def _is_there(self, path: str) -> bool:
        return os.path.lexists(os.path.join(self._root, path))  # noqa: PTH118 - 100,000 of them

    def _spelling(self, path: str) -> str:
        """The path as the disk writes its accents."""
        if path.isascii() or self._is_there(path):
            return path
        folder = ""
        for part in path.split("/"):
            folder = posixpath.join(folder, self._names_in(folder).get(_composed(part), part))
        return folder

    def _names_in(self, folder: str) -> dict[str, str]:
        """Names in a folder by their composed spelling."""
        if folder not in self._spelled:
            try:
                names = os.listdir(os.path.join(self._root, folder))  # noqa: PTH118, PTH208
            except (OSError, ValueError):
                names = []
            self._spelled[folder] = {_composed(name): name for name in names}
        return self._spelled[folder]


def difference(cells: Iterable[str], root: PurePath) -> str:
    """What tells the first of these cells, which name no file, from a file of nearly that name; "" for none."""
    there: dict[str, list[str]] = {}
    for path in islice(_files(root), _LOOKED_AT):
        there.setdefault(_key(path), []).append(path)
    for cell in cells:
        near = there.get(_key(cell.replace("\\", "/")))
        if near:
            found = max(near, key=lambda path: _n_common(path.split("/"), cell.replace("\\", "/").split("/")))
            return f"{cell!r} is not there, but {found!r} is: {_advice(cell, found)}."
    return ""


def _n_common(one: list[str], other: list[str]) -> int:
    """How many of their last parts are the same."""
    same = (a == b for a, b in zip(one[-2::-1], other[-2::-1], strict=False))
    return len(list(takewhile(bool, same)))


def _advice(cell: str, found: str) -> str:
    text = posixpath.normpath(cell.replace("\\", "/"))
    written = cell if len(cell) == len(text) else text
    (head, stem, ending), (real_head, real_stem, real_ending) = _taken_apart(text), _taken_apart(found)
    told = []
    if stem != real_stem and stem.lower() == real_stem.lower():
        told.append("upper and lower case differ")
    elif stem != real_stem:
        told.append("the leading zeros are lost (read that column as text, as with dtype=str)")
    if ending != real_ending:
        told.append(f'pass suffix="{real_ending}"' if not ending else f"the files end in {real_ending!r}")
    if head != real_head and real_head.endswith(head):
        told.append(f'pass folder="{real_head.removesuffix(head).rstrip("/")}"')
    elif head != real_head and head.endswith(real_head):
        told.append(
            f"cut {written[: len(head) - len(real_head)]!r} off the paths, as with .str.removeprefix()"
        )
    elif head != real_head:
        told.append(f"the files lie in {real_head!r}")
    return "; ".join(told)


def _taken_apart(path: str) -> tuple[str, str, str]:
    """Folder with its slash, name without the ending of an image, that ending."""
    name = posixpath.basename(path)
    stem, ending = posixpath.splitext(name) if claims_image(name) else (name, "")
    return path[: len(path) - len(name)], stem, ending


def _key(path: str) -> str:
    """What stays of a name where its folder, ending, case, accents or leading zeros differ."""
    stem = _composed(_taken_apart(path)[1]).lower()
    return stem.lstrip("0") or "0"


def _files(root: PurePath) -> Iterator[str]:
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        base = os.path.relpath(folder, root).replace(os.sep, "/")
        for name in sorted(names):
            if claims_image(name) and is_text(name):
                yield name if base == "." else f"{base}/{name}"


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)
