"""Vectors that a map takes from elsewhere, and those it hands on to TensorBoard's projector. No widget here."""

from __future__ import annotations

import functools
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from PIL import Image

from bearwidgets.data.cache.thumbs import SIZES
from bearwidgets.data.parallel import in_threads
from bearwidgets.data.workspace import resolved
from bearwidgets.errors import BadInputError, ImageError, shortened
from bearwidgets.review.inspect.projector import read_projector, write_projector
from bearwidgets.widgets.inspect.map_points import Given, colorings, named_values, scale_values, vectors_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bearwidgets.widgets.cleaner.board import Board
    from bearwidgets.widgets.cleaner.session import Session


def given_vectors(vectors: Any, board: Board) -> Given:
    """Vectors as `ImageMap` takes them, by the id of their item.

    Raises:
        BadInputError: They are no table of numbers, or do not fit the items.
        MissingFileError: There is no such folder.
    """
    if isinstance(vectors, (str, Path)):
        found, metadata = read_projector(vectors)
        rows = _best_rows([metadata.iloc[:, at].tolist() for at in range(metadata.shape[1])], board)
        return _given(found, rows, board)
    if isinstance(vectors, pd.DataFrame):
        return _given(_numbers(vectors), _best_rows([vectors.index.tolist()], board), board)
    found, n = _numbers(vectors), len(board.ids)
    if found.ndim != 2 or len(found) != n:
        raise BadInputError(
            f"vectors have shape {found.shape}; allowed is ({n}, dimensions), a row for each image in the order of "
            "ds.table, or a DataFrame whose index are ids or paths."
        )
    return Given(pd.Index(board.ids, dtype=object), found)


def _numbers(vectors: Any) -> np.ndarray:
    try:
        return np.asarray(vectors, np.float32)
    except (TypeError, ValueError):
        raise BadInputError(f"vectors is {shortened(vectors)}; allowed is a table of numbers.") from None


def _best_rows(columns: Sequence[Sequence[Any]], board: Board) -> np.ndarray:
    """Rows of the items that the names of one of the columns mean, as ids or as paths; -1 for none."""
    known = [pd.Index(each, dtype=object) for each in (board.ids, board.paths)]
    found = [index.get_indexer(pd.Index(names, dtype=object)) for names in columns for index in known]
    best = max(found, key=lambda rows: (rows >= 0).sum())
    if not (best >= 0).any():
        raise BadInputError(
            f"None of the {len(best):,} vectors belongs to an image here: their names, such as "
            f"{shortened(columns[0][0]) if len(best) else '(none)'}, are neither ids nor paths of ds.table."
        )
    return best


def _given(vectors: np.ndarray, rows: np.ndarray, board: Board) -> Given:
    """Of vectors that mean the same item the first one is taken."""
    known = np.flatnonzero(rows >= 0)
    _, first = np.unique(rows[known], return_index=True)
    taken = known[first]
    return Given(pd.Index(board.ids[rows[taken]], dtype=object), vectors[taken])


def export_vectors(session: Session, given: Given | None, folder: str | Path) -> Path:
    """Write the vectors of a map, all that the points can be colored by and the images as `write_projector` does.

    Raises:
        BadInputError: No image has a vector, or the folder lies among the images.
        WorkspaceError: It cannot be written.
    """
    board, ds = session.board, session.ds
    to = resolved(folder)
    if ds.source == "folder" and ds.root.resolve() in (to, *to.parents):
        raise BadInputError(
            f"{str(to)!r} lies in the data set's own folder, where its images would be read as more data; name a "
            "folder outside of it."
        )
    vectors, _ = vectors_of(board, session.review, given)
    rows = np.flatnonzero(np.isfinite(vectors).all(1) & vectors.any(1))
    if not len(rows):
        raise BadInputError(
            "No image has a vector yet: give the map a trained Learner, a Review, or vectors."
        )
    small = functools.partial(_image, session)
    return write_projector(to, vectors[rows], _metadata(board, rows), in_threads(small, rows.tolist()))


def _metadata(board: Board, rows: np.ndarray) -> pd.DataFrame:
    """Id, path and all that points can be colored by, as text."""
    columns: dict[str, Any] = {"id": board.ids[rows], "path": board.paths[rows]}
    for each in colorings(board):
        if each.scale:
            score = scale_values(board, each.name)[0][rows]
            columns[each.name] = [f"{value:.5g}" if np.isfinite(value) else "" for value in score]
        else:
            codes, names = named_values(board, each.name)
            columns[each.name] = np.array([*names, ""], dtype=object)[codes[rows]]
    return pd.DataFrame(columns)


def _image(session: Session, row: int) -> Image.Image | None:
    try:
        return Image.open(io.BytesIO(session.thumbnail(row, min(SIZES))))
    except ImageError:
        return None
