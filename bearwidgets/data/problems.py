"""What could not be used: path, reason and kind of each file, as a table and in lines for a person."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

from bearwidgets.errors import and_more

if TYPE_CHECKING:
    from collections.abc import Iterable

UNREADABLE, NOT_IMAGE, UNSUPPORTED, REFUSED, MISSING = KINDS = (
    "unreadable",  # claims to be an image, by its content or its ending, and cannot be decoded
    "not an image",
    "unsupported",  # an image of a format that is not read here
    "refused",  # by a rule: a link that leaves the folder, a limit, a row without a label
    "missing",
)
_ENDINGS = {
    ending
    for words in (
        ".jpg .jpeg .jpe .jfif .mpo .png .apng .gif .webp .bmp .dib .tif .tiff .btf .tf8 .npy",
        ".avif .heic .heif .ppm .pgm .pbm .pnm .jp2 .j2k .jpx .jxl .ico .tga .svg .psd .exr .hdr .dcm",
        ".cr2 .cr3 .nef .arw .dng .orf .rw2 .raf",
    )
    for ending in words.split()
}
_COLUMNS = ["path", "reason", "kind"]
_DETAIL = re.compile(r" \([^()]*\)$")  # such as the number of a row, which tells files with one reason apart
_SHOWN = 2


def claims_image(path: str) -> bool:
    """Whether the ending of a file's name says that it is an image, of whatever format."""
    return PurePosixPath(path).suffix.lower() in _ENDINGS


class Problem(NamedTuple):
    """One file, folder or row that could not be used: posix path, why, and one of `KINDS`."""

    path: str
    reason: str
    kind: str


def problem_table(problems: Iterable[tuple[str, str, str]]) -> pd.DataFrame:
    """`Dataset.problems`: path, reason, kind; sorted by path."""
    table = pd.DataFrame(list(problems), columns=_COLUMNS, dtype=object)
    return table.sort_values("path", kind="stable", ignore_index=True)


def problem_lines(problems: pd.DataFrame, most: int = 8) -> list[str]:
    """One line for each reason, the worst kind first: how many, the reason, and the first paths.

    Example:
        >>> problem_lines(problem_table([("a.jpg", "empty file", "unreadable")]))
        ['1 unreadable: empty file (a.jpg)']
    """
    reasons = problems["reason"].str.replace(_DETAIL, "", regex=True)
    groups = [
        (KINDS.index(kind), -len(paths), reason, paths.tolist())
        for (kind, reason), paths in problems["path"].groupby([problems["kind"], reasons])
    ]
    lines = [
        f"{-n:,} {KINDS[kind]}: {reason} ({and_more(paths, _SHOWN)})"
        for kind, n, reason, paths in sorted(groups)
    ]
    left = lines[most:]
    return lines[:most] + ([f"and {len(left):,} more reasons"] if left else [])
