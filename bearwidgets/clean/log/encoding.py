"""One line of the journal: an entry as JSON with a checksum over its bytes, and back with every value checked."""

from __future__ import annotations

import json
import math
import re
import zlib
from typing import TYPE_CHECKING, Any

from bearwidgets.data.actions import ABOUT, RECORDED, RELABEL, REMARK
from bearwidgets.files import checked

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

VERSION = 2  # the newest that is read; a line has the lowest that can read it
Line = dict[str, Any]

_SUM = re.compile(rb',"crc":"([0-9a-f]{8})"\}')
_LENGTH = 18  # bytes of a checksum
_LARGEST = 2**53  # of numbers: what every reader of JSON can hold
_HEAD = {"seq": int, "time": str, "by": str}
_ITEM = {"id": str, "path": str}
_OTHERS: dict[str, dict[str, type]] = {
    "undo": {"of": int},
    "redo": {"of": int},
    "apply": {"round": int, "of": list},
    "rollback": {"round": int},
    "accept": {"of": list},
    REMARK: {**_ITEM, "tags": list, "note": str},
}
_MAY: dict[str, type | tuple[type, ...]] = {
    "about": list,
    "content": str,
    "copies": list,
    "from": (str, type(None)),
    "group": int,
    "lines": int,
    "round": int,
    "seen": dict,
    "session": str,
}
_KNOWN = {"v", "action", "to", *_HEAD, *_ITEM, *_MAY, "of"}  # all that lines without a checksum have


def version_of(entry: Mapping[str, Any]) -> int:
    """The lowest version that can read an entry: remarks came with the second."""
    return 2 if entry["action"] == REMARK else 1


class NewerVersionError(ValueError):
    """A newer version of bearwidgets wrote the line."""


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is no finite number")
    return number


_READER = json.JSONDecoder(
    parse_float=_finite, parse_constant=_finite
)  # no NaN, which `encode` could not write


def encode(line: Line) -> bytes:
    """One line without its line end; file names that are not valid Unicode become escapes."""
    try:
        data = json.dumps(line, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    except UnicodeEncodeError:
        data = json.dumps(line, separators=(",", ":"), allow_nan=False).encode()
    return data[:-1] + b',"crc":"%08x"}' % zlib.crc32(data)


def encode_all(lines: Iterable[Line]) -> bytes:
    """Lines as they stand in the file, each with its line end."""
    return b"".join(encode(line) + b"\n" for line in lines)


def decode(piece: bytes, *, last: bool = False) -> Line:
    """The entry of a line; one from before there were checksums needs none.

    Args:
        piece: The line.
        last: Nothing follows it.

    Raises:
        NewerVersionError: A newer version wrote it: the checksum says so or, without one, it stands at the end and is
            no line of this version's with a damaged number.
        ValueError: It is torn or damaged, or makes no sense; the text says which.
    """
    found = _SUM.fullmatch(piece[-_LENGTH:])
    if found and zlib.crc32(piece[:-_LENGTH] + b"}") != int(found.group(1), 16):
        raise ValueError("is damaged")
    try:
        line = _READER.decode(piece.decode())
    except (ValueError, RecursionError) as error:
        raise ValueError("is damaged") from error
    if not isinstance(line, dict):
        raise ValueError("is damaged")  # noqa: TRY004 - the data, not the call
    version, wrong = line.get("v"), _wrong(line)
    if type(version) is int and version > VERSION and (found or (last and wrong)):
        raise NewerVersionError(str(version))
    if type(version) is not int or version < 1 or version > VERSION or not (found or line.keys() <= _KNOWN):
        raise ValueError("is damaged")
    if wrong:
        raise ValueError(f"makes no sense ({wrong})")
    line.pop("crc", None)
    return line


def _wrong(line: Line) -> str:
    try:
        _check(line)
    except ValueError as error:
        return str(error)
    return ""


def _check(line: Line) -> None:
    """Every value that is used is of its kind and in its range."""
    action = checked(line, {"seq": int, "action": str})["action"]
    if action not in RECORDED and action not in _OTHERS:
        raise ValueError(f"no action {action!r}")
    checked(line, _HEAD)
    checked(line, _ITEM if action in RECORDED else _OTHERS[action])
    checked(line, {name: kind for name, kind in _MAY.items() if name in line})
    if action == RELABEL and not checked(line, {"to": str})["to"]:
        raise ValueError("an empty label")
    numbers = [line[name] for name in ("seq", "group", "lines", "round") if name in line]
    if not all(0 < each < _LARGEST for each in numbers):
        raise ValueError("a number out of range")
    for name, kind in {"copies": str, "tags": str, "of": int if action == "apply" else str}.items():
        listed = line.get(name)
        if isinstance(listed, list) and not all(type(each) is kind for each in listed):
            raise ValueError(f"its {name!r} holds something else")
    if not all(type(each) is str and each in ABOUT for each in line.get("about", ())):
        raise ValueError("its 'about' holds something else")
    if ("lines" in line) and not line.get("group", _LARGEST) <= line["seq"] < line["group"] + line["lines"]:
        raise ValueError("a number out of its act")
