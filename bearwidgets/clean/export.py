"""The cleaned data somewhere else, in the forms that other tools read; the data set itself stays as it is."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from bearwidgets.clean.apply.free_names import FreeNames
from bearwidgets.clean.log.remarks import tags_cell, value_of
from bearwidgets.data.workspace import resolved
from bearwidgets.errors import BadInputError, unknown_name
from bearwidgets.files import draft_folder, explain, write_atomic
from bearwidgets.safe_text import csv_text, safe_cell, unsafe

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from bearwidgets.clean.log.remarks import Remark
    from bearwidgets.data.dataset import Dataset

Form = Literal["folder", "csv", "fastai", "fastclass"]
_TABLES = {
    "csv": ("path", "label", "split", "tags", "note"),
    "fastai": ("name", "label"),
    "fastclass": ("file", "class"),
}


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        path: the new folder or file.
        items: how many items are in it.
    """

    path: Path
    items: int


def export(ds: Dataset, journal: Any, to: Path, form: Form) -> Exported:
    """Write the items with the decisions taken into account, those of the evaluation split too.

    Args:
        ds: the data set.
        journal: the decisions.
        to: a folder or file that does not exist yet; it appears whole or not at all.
        form: "folder" (copies, a folder per class), "csv" (path, label, split, tags, note), "fastai" (the
            `cleaned.csv` of fastai v1: name, label) or "fastclass" (file, class).

    Raises:
        BadInputError: an unknown form, `to` is there already, or it is a folder among the classes of the data;
            or a label that can be no folder.
        WorkspaceError: it cannot be written.
    """
    if form != "folder" and form not in _TABLES:
        raise BadInputError(unknown_name("form", form, ["folder", *_TABLES]))
    to = resolved(to)
    if to.exists():
        raise BadInputError(
            f"{str(to)!r} is there already and is not overwritten; name a new folder or file."
        )
    table = ds.cleaned(journal, exam="corrected").table
    if form == "folder":
        _check_folders(ds, table, to)
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        if form == "folder":
            _copy(ds, table, to)
        else:
            _write(table, journal.remarks, to, form)
    except OSError as error:
        gone = isinstance(error, FileNotFoundError) and error.filename  # an image, which is then named
        raise explain(error, Path(gone or to), "Nothing was exported.", "Give another path.") from error
    return Exported(to, len(table))


def _check_folders(ds: Dataset, table: pd.DataFrame, to: Path) -> None:
    if ds.root in to.resolve().parents:
        raise BadInputError(
            f"{str(to)!r} lies in the data set's own folder, where the copies would be read as more data; name a "
            "folder outside of it."
        )
    for label in sorted(set(table.label)) if ds.source != "folder" else ():
        if reason := unsafe(label):
            raise BadInputError(
                f"The label {label!r} cannot be a folder: the name {reason}. Relabel these items, or export a table: "
                "csv, fastai or fastclass."
            )


def _copy(ds: Dataset, table: pd.DataFrame, to: Path) -> None:
    split_folders = (table.split == "test").any()
    with draft_folder(to) as (draft, alive):
        free = FreeNames(draft)
        for row in table.itertuples():
            folder = f"{row.split}/{row.label}" if split_folders else str(row.label)
            target = draft / free.take(f"{folder}/{Path(str(row.path)).name}")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ds.path_of(str(row.id)), target)
            alive()


def _write(table: pd.DataFrame, remarks: Mapping[str, Remark], to: Path, form: str) -> None:
    columns, said = _TABLES[form], [remarks.get(each) for each in table["id"]]
    frame = table[
        ["path", "label", "split"]
    ].assign(  # names as they are: what reads this looks for the files
        tags=[safe_cell(tags_cell(each)) for each in said],
        note=[safe_cell(value_of(each)[1]) for each in said],
    )
    frame = frame.iloc[:, : len(columns)].set_axis(list(columns), axis=1)
    write_atomic(to, csv_text(frame).encode(errors="surrogateescape"))
