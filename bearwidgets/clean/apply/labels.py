"""A round's change to a CSV file of labels: only the records that it concerns, every other byte stays.

Of a record with a new label the other cells keep what they say; quotes stand where they are needed.
"""

from __future__ import annotations

import codecs
import csv
import io
from typing import TYPE_CHECKING

from bearwidgets.data.actions import RELABEL
from bearwidgets.data.listing.applied import APPLIED_COLUMNS, applied_rows
from bearwidgets.data.listing.cells import PathReader
from bearwidgets.errors import BadInputError, ConflictError
from bearwidgets.safe_text import csv_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import TypeAlias

    from bearwidgets.clean.apply.moves import Move
    from bearwidgets.clean.apply.paths import DataPaths
    from bearwidgets.data.listing.frame import Columns

    Row: TypeAlias = tuple[str, str, str, str, str]

_BOM = "\ufeff"


def edit_labels(data: bytes, paths: DataPaths, moves: Sequence[Move]) -> bytes:
    """Give the rows of relabeled images their new label and take out those of deleted ones.

    Args:
        data: The file.
        paths: Where it lies and how it is read.
        moves: What happens to which image.

    Returns:
        The new file, with the old one's encoding, delimiter and line ends.

    Raises:
        ConflictError: The file is not the table it was: a column or a row is missing, or it cannot be read.
    """
    columns = paths.columns
    try:
        records = list(_records(data.decode(columns.encoding), columns.sep))
    except (UnicodeDecodeError, csv.Error, TypeError) as error:
        raise ConflictError(
            f"{paths.labels} cannot be rewritten line by line ({error}). Allowed are a delimiter of one character and"
            " the encoding that it was opened with; nothing was changed."
        ) from error
    first = next((at for at, (cells, _) in enumerate(records) if cells), 0)  # blank lines may stand before it
    path_at, label_at = _header(records[first:], columns, str(paths.labels))
    waiting = {each.path: each for each in moves}
    out = [raw for _, raw in records[: first + 1]]
    seen = set()
    reader = PathReader(paths.root, columns.suffix, columns.folder)
    for cells, raw in records[first + 1 :]:
        path = _path(cells, path_at, reader)
        seen.add(path)
        move = waiting.get(path)
        if move is None:
            out.append(raw)
        elif move.action == RELABEL:
            out.append(_with_label(cells, raw, label_at, str(move.new_label), columns.sep))
    if missing := waiting.keys() - seen:
        raise ConflictError(
            f"{paths.labels} has no row for {min(missing)!r}: it was changed since the data set was opened. Open the"
            " data set again; nothing was changed."
        )
    try:
        return _encoded("".join(out), columns.encoding, with_mark=data.startswith(codecs.BOM_UTF8))
    except UnicodeEncodeError as error:
        letters = error.object[error.start : error.end]
        raise ConflictError(
            f"{paths.labels} is in {columns.encoding}, which has no {letters!r}: relabel to another name, or save the"
            " table in UTF-8 and open the data set again. Nothing was changed."
        ) from error


def _encoded(text: str, encoding: str, *, with_mark: bool) -> bytes:
    """The text in the encoding; utf-8-sig, which reads files with and without a mark, writes one where one was."""
    if codecs.lookup(encoding).name == "utf-8-sig" and not with_mark:
        encoding = "utf-8"
    return text.encode(encoding)


def frame_labels(rows: Iterable[Row], moves: Sequence[Move], old: bytes) -> bytes:
    """labels.csv for labels that came as a DataFrame, see `applied`.

    Args:
        rows: Of every item path, label, split, content and the label as the frame has it.
        moves: What happens to which image.
        old: The file as earlier rounds left it.
    """
    before = {row["path"]: (row["frame_path"], row["frame_label"]) for row in applied_rows(old)}
    waiting = {each.path: each for each in moves}
    lines = [csv_line(APPLIED_COLUMNS)]
    for path, label, split, content, framed in rows:
        frame, move = before.get(path, (path, framed)), waiting.get(path)
        if move is None:
            now = path, label
        elif move.action == RELABEL:
            now = move.target, str(move.new_label)
        else:
            continue
        lines.append(csv_line((*now, split, *(("", "") if now == frame else frame), content)))
    return "".join(lines).encode()


def _records(text: str, sep: str) -> Iterator[tuple[list[str], str]]:
    """The cells of each record with the very text it came from; a quoted cell may span lines."""
    taken: list[str] = []

    def lines() -> Iterator[str]:
        for line in io.StringIO(text, newline=""):
            taken.append(line)
            yield line

    for cells in csv.reader(lines(), delimiter=sep):
        raw = "".join(taken)
        taken.clear()
        yield cells, raw


def _header(records: list[tuple[list[str], str]], columns: Columns, name: str) -> tuple[int, int]:
    head = [cell.removeprefix(_BOM) for cell in records[0][0]] if records else []
    for column in (columns.path, columns.label):
        if column not in head:
            raise ConflictError(
                f"{name} has no column {column!r} any more (there are {', '.join(head)}). Open the data set again;"
                " nothing was changed."
            )
    return head.index(columns.path), head.index(columns.label)


def _path(cells: list[str], at: int, reader: PathReader) -> str:
    try:
        return reader.path_of(cells[at]) if at < len(cells) else ""
    except BadInputError:
        return ""  # a row that the data set could not use either; it stays as it is


def _with_label(cells: list[str], raw: str, at: int, label: str, sep: str) -> str:
    end = raw[len(raw.rstrip("\r\n")) :]
    return csv_line([*cells[:at], label, *cells[at + 1 :]], sep=sep, end=end)
