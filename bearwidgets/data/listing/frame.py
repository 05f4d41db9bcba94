"""List the files that a table names: a CSV file or a DataFrame with a column of paths and one of labels."""

from __future__ import annotations

import os
import posixpath
import stat as modes
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from bearwidgets.data.listing.applied import Applied
from bearwidgets.data.listing.cells import ELSEWHERE, PathReader, difference
from bearwidgets.data.listing.folder import check_folder
from bearwidgets.data.listing.groups import group_by_column, group_by_pattern
from bearwidgets.data.listing.labels import cell_text, class_texts, notes_on_labels, split_texts
from bearwidgets.data.listing.walk import (
    DELETED,
    LEAVING_LINK,
    NOT_REGULAR,
    Listing,
    is_inside,
    is_text,
    stat_reason,
    was_deleted,
)
from bearwidgets.data.problems import MISSING, REFUSED, UNREADABLE, Problem
from bearwidgets.data.split import SPLITS
from bearwidgets.errors import BadInputError, MissingFileError, and_more, unknown_name

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Columns:
    """How a table is read: names of columns, what its paths lack; of a CSV file also delimiter and encoding."""

    path: str = "path"
    label: str = "label"
    split: str | None = None
    sep: str = ","
    encoding: str = "utf-8-sig"
    suffix: str = ""
    folder: str = ""


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


def list_frame(
    frame: pd.DataFrame,
    root: Path,
    columns: Columns,
    *,
    groups: str | None = None,
    follow_links: bool = False,
    applied: Applied | None = None,
) -> Listing:
    """List the files that the rows name, or that rounds `applied` made of them, without opening one.

    Rows without a usable path, label or split become problems. A row that says the same twice counts once; a
    file under two labels is left out, for nothing says which is right.

    Raises:
        MissingFileError: `root` does not exist.
        BadInputError: `root` is no folder; a column is missing; labels or splits are of another kind.
    """
    check_folder(root)
    _check_frame(frame, columns)
    listing = Listing(applied=applied or Applied())
    rows, paths = _read_rows(frame, root, columns, listing)
    _take_files(rows, root, listing, follow_links=follow_links)
    lost = [each.path for each in listing.problems if each.kind == MISSING or ELSEWHERE in each.reason]
    if len(lost) > len(listing.labels):
        written = dict(zip(paths[::-1], map(cell_text, frame[columns.path][::-1]), strict=True))
        listing.hint = difference((written[path] for path in lost if path in written), root)
    if isinstance(groups, (str, int)) and groups in frame.columns:
        group_by_column(listing, paths, frame[groups])
    elif groups is not None:
        group_by_pattern(listing, groups, f"one of the columns {and_more(frame.columns, 10)}, or ")
    return listing


def _read_rows(
    frame: pd.DataFrame, root: Path, columns: Columns, listing: Listing
) -> tuple[dict[str, set[tuple[str, str]]], list[str]]:
    """Path → label and split as each row says, and the path of each row."""
    labels = class_texts(frame[columns.label].tolist())
    listing.notes += notes_on_labels(labels)
    splits = [""] * len(frame)
    if columns.split is not None:
        splits = split_texts(frame[columns.split].tolist(), columns.split)
    reader = PathReader(root, columns.suffix, columns.folder)
    rows: dict[str, set[tuple[str, str]]] = {}
    paths: list[str] = []
    n_rows = 0
    for number, (cell, label, split) in enumerate(
        zip(frame[columns.path], labels, splits, strict=True), start=1
    ):
        try:
            path = listing.applied.path_of(reader.path_of(cell), root)
            reason = "" if label else "no label"
            reason = reason if is_text(label) else "a label that is no valid text"
        except BadInputError as error:
            path, reason = cell_text(cell), str(error)
        paths.append(path)
        if columns.split is not None and not split:
            reason = reason or f"the split is {split!r}; allowed are {', '.join(SPLITS)}"
        if reason:
            listing.problems.append(Problem(path or f"row {number}", f"{reason} (row {number})", REFUSED))
        else:
            n_rows += 1
            rows.setdefault(path, set()).add((label, split))
    if n_rows > len(rows):
        listing.notes.append(f"{n_rows - len(rows)} rows name a file that another row names already")
    return rows, paths


def _check_frame(frame: object, columns: Columns) -> None:
    """Refuse what is no table with one column of each name."""
    if not isinstance(frame, pd.DataFrame):
        near = " A CSV file goes to Dataset.from_csv." if isinstance(frame, (str, os.PathLike)) else ""
        raise BadInputError(
            f"The table is {type(frame).__name__}; allowed is a pandas DataFrame: pd.DataFrame(...), or .to_pandas()"
            f" of other libraries.{near}"
        )
    names = [str(name) for name in frame.columns]
    for argument in ("path", "label", "split"):
        name = getattr(columns, argument)
        if name is None and argument == "split":
            continue
        if not isinstance(name, (str, int)):
            raise BadInputError(
                f"{argument} is {name!r}; allowed is the name of one column ({and_more(names, 10)}). Columns of 0 and"
                " 1 for each class (one-hot) become one label with frame[[...]].idxmax(axis=1); with several labels"
                " for an image choose one."
            )
        if name not in frame.columns:
            raise BadInputError(unknown_name("column", name, names, "in this table"))
        if names.count(str(name)) > 1:
            raise BadInputError(
                f"The table has {names.count(str(name))} columns called {name!r}; rename all but one."
            )


def _take_files(
    rows: dict[str, set[tuple[str, str]]], root: Path, listing: Listing, *, follow_links: bool
) -> None:
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
        inside = follow_links or (folders[folder] and (not linked or is_inside(str(root), file)))
        if not inside:
            listing.problems.append(Problem(path, LEAVING_LINK, REFUSED))
        elif not modes.S_ISREG(stat.st_mode):
            listing.problems.append(Problem(path, NOT_REGULAR, REFUSED))
        elif was_deleted(str(root), path):
            listing.problems.append(Problem(path, DELETED, REFUSED))
        else:
            ((label, split),) = said
            listing.add(path, label, split, stat)
