"""List the files that a table names: a CSV file or a DataFrame with a column of paths and one of labels."""

from __future__ import annotations

import ntpath
import os
import posixpath
import re
import stat as modes
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from bearwidgets.data.listing.folder import check_folder
from bearwidgets.data.listing.walk import (
    DELETED,
    LEAVING_LINK,
    NOT_REGULAR,
    NOT_TEXT,
    Listing,
    is_inside,
    is_text,
    stat_reason,
    was_deleted,
)
from bearwidgets.data.problems import MISSING, REFUSED, UNREADABLE, Problem
from bearwidgets.data.split import SPLITS, split_name
from bearwidgets.errors import BadInputError, MissingFileError, unknown_name

if TYPE_CHECKING:
    from pathlib import Path

_NUMBER = re.compile(r"-?\d+(\.0+)?")
_IS_VALID = {"False": "train", "True": "valid"}  # how fastai's tables say it
_ADDRESS = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]+://")


@dataclass(frozen=True)
class Columns:
    """How a table is read: the names of its columns, and of a CSV file the delimiter and the encoding."""

    path: str = "path"
    label: str = "label"
    split: str | None = None
    sep: str = ","
    encoding: str = "utf-8-sig"


def read_csv(csv: Path, columns: Columns) -> pd.DataFrame:
    """Read a CSV file with every cell as text, an empty cell as "".

    Raises:
        MissingFileError: There is no such file.
        BadInputError: It cannot be read as a table.
    """
    if not csv.exists():
        raise MissingFileError(f"No file {str(csv)!r}: give the CSV file with the paths and labels.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", pd.errors.ParserWarning)  # says that a row is longer
            return pd.read_csv(
                csv,
                sep=columns.sep,
                encoding=columns.encoding,
                dtype=str,
                keep_default_na=False,
                na_filter=False,
                index_col=False,  # a row longer than the header does not shift the others
            )
    except UnicodeDecodeError as error:
        raise BadInputError(
            f"{str(csv)!r} is not encoded in {columns.encoding}: pass encoding=, such as 'latin-1' ({error})."
        ) from error
    except pd.errors.EmptyDataError as error:
        raise BadInputError(f"{str(csv)!r} is empty; allowed is a table with a header line.") from error
    except (pd.errors.ParserError, LookupError, OSError) as error:
        raise BadInputError(f"{str(csv)!r} cannot be read as a CSV table: {error}.") from error


def list_frame(frame: pd.DataFrame, root: Path, columns: Columns) -> Listing:
    """List the files that the rows name, without opening one.

    Rows without a usable path, label or split become problems. A row that says the same twice counts once; a
    file under two labels is left out, for nothing says which is right.

    Raises:
        MissingFileError: `root` does not exist.
        BadInputError: `root` is no folder, or a column is missing.
    """
    check_folder(root)
    for name in (columns.path, columns.label, columns.split):
        if name is not None and name not in frame.columns:
            raise BadInputError(unknown_name("column", name, map(str, frame.columns), "in this table"))
    listing = Listing()
    labels = label_texts(frame[columns.label].tolist())
    splits = [""] * len(frame) if columns.split is None else [_text(each) for each in frame[columns.split]]
    rows: dict[str, set[tuple[str, str]]] = {}
    n_rows = 0
    for number, (cell, label, split) in enumerate(
        zip(frame[columns.path], labels, splits, strict=True), start=1
    ):
        path, reason = _check_row(cell, label, split, root, has_split=columns.split is not None)
        if reason:
            listing.problems.append(Problem(path or f"row {number}", f"{reason} (row {number})", REFUSED))
        else:
            n_rows += 1
            rows.setdefault(path, set()).add((label, _split_of(split) or ""))
    if n_rows > len(rows):
        listing.notes.append(f"{n_rows - len(rows)} rows name a file that another row names already")
    _take_files(rows, root, listing)
    return listing


def label_texts(labels: list[Any]) -> list[str]:
    """Labels as text: a missing one is "", and numbers lose the ".0" that pandas gives to whole floats."""
    texts = [_text(label) for label in labels]
    if all(_NUMBER.fullmatch(text) for text in texts if text):
        return [text.split(".")[0] for text in texts]
    return texts


def relative_path(cell: object, root: Path) -> str:
    """The posix path relative to `root`, which is resolved, that a cell of a path column means.

    Backslashes count as slashes where no file of that very name exists; absolute paths are allowed if they lead
    below `root`.

    Raises:
        BadInputError: It names nothing below `root`; the message is the reason.
    """
    text = _text(cell)
    if not text:
        raise BadInputError("no path")
    if text != cell and isinstance(cell, str) and is_text(cell) and "\0" not in cell:
        text = cell if os.path.lexists(os.path.join(root, cell)) else text  # noqa: PTH118 - spaces may belong to it
    if not is_text(text):
        raise BadInputError(NOT_TEXT)
    if "\0" in text:
        raise BadInputError("a path with a NUL character in it")
    if _ADDRESS.match(text):
        raise BadInputError("a web address, not a file: download it first")
    if "\\" in text and not os.path.lexists(os.path.join(root, text)):  # noqa: PTH118 - 100,000 of them
        text = text.replace("\\", "/")
    if os.path.isabs(text) or ntpath.splitdrive(text)[0]:  # noqa: PTH117
        base = root.as_posix().rstrip("/") + "/"
        text = posixpath.normpath(text)
        if not text.startswith(base):
            raise BadInputError(
                "an absolute path outside the data folder: refused; pass root= with its folder"
            )
        return text[len(base) :]
    path = posixpath.normpath(text)
    if path == ".." or path.startswith("../"):
        raise BadInputError("a path that leaves the data folder: refused")
    return path


def _text(value: Any) -> str:
    """A cell as text; None, NaN and NA are ""."""
    if isinstance(value, str):
        return value.strip()
    return "" if pd.api.types.is_scalar(value) and pd.isna(value) else str(value)


def _split_of(text: str) -> str | None:
    return _IS_VALID.get(text) or split_name(text)


def _check_row(cell: object, label: str, split: str, root: Path, *, has_split: bool) -> tuple[str, str]:
    """The path of a row, and why the row cannot be used ("" if it can)."""
    try:
        path = relative_path(cell, root)
    except BadInputError as error:
        return _text(cell), str(error)
    if not label:
        return path, "no label"
    if has_split and _split_of(split) is None:
        return path, f"the split is {split!r}; allowed are {', '.join(SPLITS)}"
    return path, ""


def _take_files(rows: dict[str, set[tuple[str, str]]], root: Path, listing: Listing) -> None:
    folders: dict[str, bool] = {}
    for path, said in rows.items():
        if len(said) > 1:
            shown = ", ".join(sorted(" ".join(each).strip() for each in said))
            reason = f"named in several rows that contradict each other ({shown})"
            listing.problems.append(Problem(path, reason, REFUSED))
            continue
        file = os.path.join(root, path)  # noqa: PTH118 - a Path for each of 100,000 rows takes seconds
        try:
            stat = os.stat(file)  # noqa: PTH116
            linked = os.path.islink(file)  # noqa: PTH114
        except (FileNotFoundError, NotADirectoryError):
            listing.problems.append(Problem(path, "no such file", MISSING))
            continue
        except (OSError, ValueError) as error:
            reason = stat_reason(error) if isinstance(error, OSError) else "no valid path"
            listing.problems.append(Problem(path, reason, UNREADABLE))
            continue
        folder = posixpath.dirname(path)
        if folder not in folders:
            folders[folder] = is_inside(str(root), os.path.dirname(file))  # noqa: PTH120
        if not folders[folder] or (linked and not is_inside(str(root), file)):
            listing.problems.append(Problem(path, LEAVING_LINK, REFUSED))
        elif not modes.S_ISREG(stat.st_mode):
            listing.problems.append(Problem(path, NOT_REGULAR, REFUSED))
        elif was_deleted(str(root), path):
            listing.problems.append(Problem(path, DELETED, REFUSED))
        else:
            ((label, split),) = said
            listing.add(path, label, split, stat)
