"""The folder that TensorBoard's projector reads: vectors, what is known of each, and their images in one sheet.

Format: https://www.tensorflow.org/tensorboard/tensorboard_projector_plugin
"""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from PIL import Image, ImageOps

from bearwidgets.data.workspace import resolved
from bearwidgets.errors import BadInputError, MissingFileError, shortened
from bearwidgets.files import explain, make_folders, write_atomic
from bearwidgets.safe_text import safe_cell, visible

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

VECTORS, METADATA, SPRITE, CONFIG = FILES = (
    "vectors.tsv",
    "metadata.tsv",
    "sprite.png",
    "projector_config.pbtxt",
)
_LARGEST = 8192  # px, the longest side of a sheet that TensorBoard takes
_SIDE, _LEAST = 64, 8  # px of an image in it; below the least there is no sheet
_BACKGROUND = (128, 128, 128)


def sprite_side(n: int) -> int:
    """Side of each of `n` images, px, in a square sheet that TensorBoard takes; 0 where they would be too small.

    Example:
        >>> sprite_side(480), sprite_side(100_000), sprite_side(10_000_000)
        (64, 25, 0)
    """
    side = min(_SIDE, _LARGEST // _columns(n))
    return side if n and side >= _LEAST else 0


def write_projector(
    folder: str | Path, vectors: np.ndarray, metadata: pd.DataFrame, images: Iterable[Image.Image | None]
) -> Path:
    """Write the four files, each in one step; others in the folder stay as they are.

    Args:
        folder: Where; it is made if it is not there.
        vectors: (n, d).
        metadata: A row for each, with two columns or more.
        images: One for each, in the same order; None for one that cannot be shown.

    Raises:
        BadInputError: There is nothing to write, or the folder is a file.
        WorkspaceError: It cannot be written.
    """
    to = resolved(folder)
    n, d = vectors.shape
    if not n or not d:
        raise BadInputError("There are no vectors to export.")
    if to.exists() and not to.is_dir():
        raise BadInputError(f"{str(to)!r} is a file; name a folder.")
    side = sprite_side(n)
    try:
        make_folders(to)
        write_atomic(to / VECTORS, _lines(_numbers(row) for row in vectors))
        write_atomic(to / METADATA, _lines(_cells([*metadata.columns], metadata)))
        if side:
            write_atomic(to / SPRITE, _sheet(images, n, side))
        write_atomic(to / CONFIG, _config(n, d, side).encode())
    except OSError as error:
        raise explain(error, to, "Not all was exported.", "Give another folder.") from error
    return to


def read_projector(folder: str | Path) -> tuple[np.ndarray, pd.DataFrame]:
    """The vectors (n, d) float32 of such a folder, and the metadata as a table of text.

    Of several embeddings in its configuration the first one is read; without a configuration, vectors.tsv and
    metadata.tsv are. Metadata of one column has no names of columns; here it is called "name".

    Raises:
        MissingFileError: There is no such folder, or a file is missing in it.
        BadInputError: A file lies outside of it, or is no such table, or the two do not go together.
    """
    at = resolved(folder)
    if not at.is_dir():
        raise MissingFileError(f"There is no folder {str(at)!r}.")
    config = _text(at / CONFIG) if (at / CONFIG).is_file() else ""
    paths = [
        _inside(at, found[1] if (found := re.search(rf'\b{key}\s*:\s*"([^"]+)"', config)) else name)
        for key, name in (("tensor_path", VECTORS), ("metadata_path", METADATA))
    ]
    vectors, metadata = _read_vectors(paths[0]), _read_metadata(paths[1])
    if len(vectors) != len(metadata):
        raise BadInputError(
            f"{paths[0].name} has {len(vectors):,} rows and {paths[1].name} {len(metadata):,}; both need one for "
            "each image."
        )
    return vectors, metadata


def _columns(n: int) -> int:
    """How many images stand beside each other in a square sheet."""
    return max(1, int(np.ceil(np.sqrt(n))))


def _numbers(row: np.ndarray) -> str:
    return "\t".join([f"{each:.6g}" for each in row.tolist()])


def _cells(names: list[str], table: pd.DataFrame) -> Iterable[str]:
    yield "\t".join(names)
    for row in table.itertuples(index=False, name=None):
        yield "\t".join([visible(str(safe_cell(each))) for each in row])


def _lines(lines: Iterable[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode(errors="backslashreplace")


def _sheet(images: Iterable[Image.Image | None], n: int, side: int) -> bytes:
    columns = _columns(n)
    sheet = Image.new("RGB", (columns * side, columns * side), _BACKGROUND)
    for at, image in enumerate(images):
        if image is not None:
            tile = ImageOps.pad(image.convert("RGB"), (side, side), color=_BACKGROUND)
            sheet.paste(tile, (at % columns * side, at // columns * side))
    stream = io.BytesIO()
    sheet.save(stream, "PNG")
    return stream.getvalue()


def _config(n: int, d: int, side: int) -> str:
    dims = f"    single_image_dim: {side}\n" * 2
    sprite = f'  sprite {{\n    image_path: "{SPRITE}"\n{dims}  }}\n'
    return (
        f'embeddings {{\n  tensor_name: "images"\n  tensor_shape: {n}\n  tensor_shape: {d}\n'
        f'  tensor_path: "{VECTORS}"\n  metadata_path: "{METADATA}"\n{sprite if side else ""}}}\n'
    )


def _inside(folder: Path, name: str) -> Path:
    path = (folder / name).resolve()
    if folder not in path.parents:
        raise BadInputError(f"The configuration names {shortened(name)}, which lies outside of its folder.")
    if not path.is_file():
        raise MissingFileError(f"There is no file {name!r} in {str(folder)!r}.")
    return path


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise explain(error, path, "Nothing was read.", "Give another folder.") from error
    except UnicodeDecodeError:
        raise BadInputError(f"{path.name} is no text in UTF-8.") from None


def _read_vectors(path: Path) -> np.ndarray:
    found = _table(path)
    try:
        return found.to_numpy(np.float32, na_value=np.nan)
    except ValueError:
        number = found.apply(pd.to_numeric, errors="coerce")
        row, column = np.argwhere((number.isna() & found.notna() & (found != "")).to_numpy())[0]
        raise BadInputError(
            f"{path.name}, line {row + 1}, has {shortened(found.iloc[row, column])} where a number is needed."
        ) from None


def _read_metadata(path: Path) -> pd.DataFrame:
    found = _table(path, dtype=str, keep_default_na=False)
    if found.shape[1] == 1:
        return found.set_axis(["name"], axis=1)
    return found.iloc[1:].set_axis(found.iloc[0].tolist(), axis=1).reset_index(drop=True)


def _table(path: Path, **options: object) -> pd.DataFrame:
    """A file of cells between tabs, nothing quoted."""
    text = io.StringIO(_text(path))
    try:
        return pd.read_csv(
            text, sep="\t", header=None, quoting=3, skip_blank_lines=False, low_memory=False, **options
        )  # ty: ignore[no-matching-overload]
    except pd.errors.EmptyDataError:
        raise BadInputError(f"{path.name} is empty.") from None
    except pd.errors.ParserError as error:
        raise BadInputError(
            f"{path.name} is no table of cells between tabs: {shortened(str(error))}"
        ) from None
