"""Files that are made on request, such as a report or a saved learner: where they may be written, and how."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bearwidgets.data.formats.registry import announces_image
from bearwidgets.data.problems import claims_image
from bearwidgets.data.workspace import as_path
from bearwidgets.errors import BadInputError, WorkspaceError
from bearwidgets.files import explain, write_atomic

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def check_output(path: str | Path, endings: Sequence[str]) -> Path:
    """A file that is to be written or replaced, checked before the work is done for it.

    Args:
        path: Where; an image whose name does not say that it is one is never replaced.
        endings: Those of the format, in small letters; "" for a name that has none.

    Raises:
        BadInputError: Another ending, or something is there that is no file, or an image.
        WorkspaceError: Its folder is not there.
    """
    path = as_path(path)
    if path.suffix.lower() not in endings:
        raise BadInputError(
            f"{path.name!r} does not say in which format; allowed are {' and '.join(filter(None, endings))}."
        )
    if path.exists() and not path.is_file():
        raise BadInputError(f"{str(path)!r} is there and no file; give another name.")
    if announces_image(str(path)) and not claims_image(path.name):
        raise BadInputError(f"{str(path)!r} is an image, which is not written over; give another name.")
    if not path.parent.is_dir():
        raise WorkspaceError(f"{str(path)!r} cannot be written: there is no folder {str(path.parent)!r}.")
    return path


def write_output(path: Path, data: bytes, what: str) -> Path:
    """Write a file that was asked for, in one step; `what` it is begins the sentence if that fails.

    Raises:
        WorkspaceError: It cannot be written.
    """
    try:
        write_atomic(path, data)
    except OSError as error:
        raise explain(error, path, f"{what} was not written.", "Give another path.") from error
    return path
