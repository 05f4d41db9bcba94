"""Text that is safe everywhere: folder names, table cells, JSON values, lines on a screen."""

from __future__ import annotations

import csv
import dataclasses
import io
import math
import re
import unicodedata
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

LONGEST = 100  # bytes of UTF-8 in a class name: leaves room for the file's name in Windows' 260 characters
_DEVICES = re.compile(
    r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9\u00b9\u00b2\u00b3])\s*(\..*)?", re.IGNORECASE
)
_FORBIDDEN = set('/\\<>:"|?*')
# They make a name read as another one.
_TURNED = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_BLANK = set("\u115f\u1160\u2800\u3164\uffa0")  # printable, and yet nothing is seen
# Between letters and emoji they are part of a word; at either end nothing is seen of them.
_JOINERS = "\u200c\u200d"
# Spaces of all kinds, dots and joiners at either end.
_EDGES = re.compile(rf"^[\s.{_JOINERS}]+|[\s.{_JOINERS}]+$")
# Where a spreadsheet begins a formula: at the start of a cell, also of one that another separator would make.
_FORMULA = re.compile(
    r"(^|[;|\t\r\n])([\s\"]*)(?=[=+\-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b])|^(?=[\t\r\n])"
)


def folded(name: str) -> str:
    """The name as a file system sees it that tells neither case nor ways to write an accent."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


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
        "has a character that cannot be seen": has_unseen(name),
        f"is longer than {LONGEST} bytes": len(name.encode(errors="replace")) > LONGEST,
    }
    return next((reason for reason, holds in reasons.items() if holds), "")


def has_unseen(name: str) -> bool:
    """Whether a name has something in it that cannot be seen, so that it reads as another one."""
    plain = name[:1] + name[1:-1].translate(dict.fromkeys(map(ord, _JOINERS))) + name[1:][-1:]
    return visible(plain) != plain


def look_of(name: str) -> str:
    """What is seen of a name, whatever its case and its ways to write accents, spaces and wide letters."""
    spaced = "".join(" " if char.isspace() else char for char in unicodedata.normalize("NFKC", name))
    seen = "".join(char for char in spaced if visible(char) == char and char not in _JOINERS)
    return folded(" ".join(seen.split()))


def safe_name(label: str) -> str:
    """The label as a folder name: whatever `unsafe` would object to is replaced by "_" or cut off.

    Example:
        >>> safe_name("a/b"), safe_name("con"), safe_name(" teddy. ")
        ('a_b', '_con', 'teddy')
    """
    name = "".join("_" if unsafe(f"a{char}a") else char for char in label)
    name = _EDGES.sub("", name).encode()[: LONGEST - 8].decode(errors="ignore")
    name = _EDGES.sub("", name) or "unnamed"
    return f"_{name}" if unsafe(name) else name


def csv_line(cells: Iterable[Any], *, sep: str = ",", end: str = "\n") -> str:
    r"""A record of a CSV file. A cell with a line end of any kind is quoted, which Python's own writer forgets.

    Example:
        >>> csv_line(["a,b", "two\rlines", None, 0.5])
        '"a,b","two\rlines",,0.5\n'
    """
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=sep, lineterminator="\r\n").writerow(cells)  # these two are quoted then
    return text.getvalue()[:-2] + end


def csv_text(table: pd.DataFrame) -> str:
    """A table as CSV without its index; what is missing is an empty cell."""
    rows = table.astype(object).where(table.notna(), "").itertuples(index=False, name=None)
    return "".join(map(csv_line, [table.columns, *rows]))


def safe_cell(value: Any) -> Any:
    """A text that a spreadsheet would take for a formula gets a ' before the sign, numbers stay numbers.

    Signs after a semicolon, tab or line end count as well: a program may part cells there.

    Example:
        >>> safe_cell("=1+1"), safe_cell("x;=1+1"), safe_cell(-0.5), safe_cell("teddy")
        ("'=1+1", "x;'=1+1", -0.5, 'teddy')
    """
    if not isinstance(value, str) or not _FORMULA.search(value):
        return value
    return _FORMULA.sub(lambda found: f"{found.group(1) or ''}{found.group(2) or ''}'", value)


def visible(text: str) -> str:
    r"""The text on one line, with what cannot be seen, steers a terminal or turns the reading direction spelled out.

    Example:
        >>> visible("bl\u202eack")
        'bl\\u202eack'
    """
    return "".join(
        each
        if each.isprintable() and each not in _BLANK
        else each.encode("unicode_escape", "surrogatepass").decode()
        for each in text
    )


def cut_middle(text: str, most: int) -> str:
    """A text in at most so many characters: both ends stay, for names of classes often differ there only.

    Example:
        >>> cut_middle("northern grizzly bear", 11), cut_middle("teddy", 11)
        ('north… bear', 'teddy')
    """
    if len(text) <= most:
        return text
    return f"{text[: most // 2]}…{text[len(text) - (most - 1) // 2 :]}"


def as_json(value: Any) -> Any:
    r"""The same value as JSON can hold it: NumPy's numbers as Python's, NaN and infinities as None, others as text.

    A dataclass becomes a dict of its fields. Halves of surrogate pairs, which no file can hold, are written out.

    Example:
        >>> as_json({"n": (1, float("nan"))})
        {'n': [1, None]}
        >>> as_json("half \ud83d")
        'half \\ud83d'
    """
    if dataclasses.is_dataclass(value):
        value = vars(value)
    if isinstance(value, dict):
        return {as_json(str(key)): as_json(each) for key, each in value.items()}
    if hasattr(value, "tolist"):  # NumPy's arrays and numbers
        return as_json(value.tolist())
    if isinstance(value, (list, tuple)):
        return [as_json(each) for each in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, (bool, int)):
        return value
    text = str(value)
    return text if text.isascii() else text.encode(errors="backslashreplace").decode()
