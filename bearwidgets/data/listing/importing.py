"""Write what another library holds as a folder of files: once, whole or not at all, never over anything."""

from __future__ import annotations

import dataclasses
import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bearwidgets.data.formats.images import check_image, known_format
from bearwidgets.data.identity import hash_bytes
from bearwidgets.data.problems import UNREADABLE, Problem
from bearwidgets.errors import BadInputError, ImageError, and_more
from bearwidgets.files import draft_folder, explain
from bearwidgets.safe_text import folded, safe_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from PIL import Image

    from bearwidgets.data.listing.libraries import Part

MARKER = ".bearwidgets-import.json"
_VERSION = 1
_LOOKED_AT = 64  # rows whose images tell one data set from another
_SHOWN = 3
_IN_PNG = {"1", "L", "LA", "P", "RGB", "RGBA", "I;16"}


@dataclass(frozen=True)
class Imported:
    """What an import wrote, kept as `MARKER`: of what, how many files, class → folder, and problems."""

    fingerprint: str
    images: int
    renamed: dict[str, str]
    problems: list[Problem]

    @property
    def notes(self) -> list[str]:
        """Sentences on what is called otherwise here."""
        return [f"the class {old!r} is called {new!r} here, as a folder" for old, new in self.renamed.items()]


def import_parts(parts: Sequence[Part], root: Path) -> Imported:
    """Write `root/<class>/<row>` or `root/<split>/<class>/<row>`, unless that is done already.

    The files are written into a folder beside `root` that takes its name at last. What a killed import left there
    is removed by a later one.

    Raises:
        BadInputError: the folder holds something else, or no image can be used.
        WorkspaceError: the folder cannot be written.
    """
    fingerprint = _fingerprint(parts)
    if (done := _finished(root, fingerprint)) is not None:
        return done
    try:
        with draft_folder(root) as (draft, alive):
            imported = _write(parts, draft, alive, fingerprint)
    except OSError as error:
        if (done := _finished(root, fingerprint)) is not None:  # by another process, meanwhile
            return done
        raise explain(
            error, root, "No image was imported.", "Choose a folder that can be written."
        ) from error
    return imported


def _finished(root: Path, fingerprint: str) -> Imported | None:
    """The import that is there already, or None where `root` is free."""
    if not root.exists() or (root.is_dir() and not any(root.iterdir())):
        return None
    if not root.is_dir():
        raise BadInputError(f"{str(root)!r} is a file; name a folder that does not exist yet.")
    try:
        card = json.loads((root / MARKER).read_text(encoding="utf-8"))
        version, problems = card["version"], [_problem(*each) for each in card["problems"]]
        found = Imported(card["fingerprint"], card["images"], dict(card["renamed"]), problems)
    except FileNotFoundError:
        raise BadInputError(
            f"The folder {str(root)!r} holds something else; nothing is written there. Name one that does not exist "
            "yet."
        ) from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadInputError(f"{str(root / MARKER)!r} is damaged ({error}); name another folder.") from error
    if version != _VERSION or found.fingerprint != fingerprint:
        raise BadInputError(
            f"The folder {str(root)!r} holds an import of another data set, or of the same one with other rows, "
            "another order or other labels. Name another folder, or open this one with Dataset.from_folder."
        )
    return found


def _problem(path: str, reason: str, kind: str = UNREADABLE) -> Problem:
    """A problem of an import; a card of an earlier version does not tell the kind."""
    return Problem(str(path), str(reason), str(kind))


def _fingerprint(parts: Sequence[Part]) -> str:
    """Hash of all labels, where they are at hand, and of some rows evenly spread over each split."""
    seen: list[object] = []
    for part in parts:
        seen += [part.split, part.n, hash_bytes(repr(list(part.labels)).encode(errors="replace"))]
        for row in range(0, part.n, max(1, part.n // _LOOKED_AT)):
            try:
                image, label = part.read(row)
            except ImageError as error:
                seen.append(str(error))
                continue
            pixels = image if isinstance(image, bytes) else image.tobytes()
            seen += [hash_bytes(pixels), label]
    return hash_bytes(json.dumps(seen).encode())


def _write(parts: Sequence[Part], draft: Path, alive: Callable[[], None], fingerprint: str) -> Imported:
    names, problems, n = FolderNames(), [], 0
    for part, row, width in _rows(parts):
        alive()
        try:
            image, label = part.read(row)
            data = image if isinstance(image, bytes) else _encoded(image)
            check_image(data)
        except ImageError as error:
            problems.append(_problem(f"{part.split} row {row}".strip(), f"not written: {error}", error.kind))
            continue
        folder = draft / part.split / names.of(label)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{row:0{width}}.{known_format(data).suffixes[0]}").write_bytes(data)
        n += 1
    if not n:
        shown = and_more([f"{each.path}: {each.reason}" for each in problems], _SHOWN, separator="; ")
        raise BadInputError(f"None of the {len(problems)} rows of this data set can be used ({shown}).")
    imported = Imported(fingerprint, n, names.changed, problems)
    card = {"version": _VERSION, **dataclasses.asdict(imported)}
    (draft / MARKER).write_text(json.dumps(card, indent=1), encoding="utf-8")
    return imported


def _rows(parts: Sequence[Part]) -> Iterator[tuple[Part, int, int]]:
    """Every row with the digits of its number, under a bar if it takes longer."""
    from tqdm.auto import tqdm

    with tqdm(total=sum(part.n for part in parts), desc="images", delay=2, leave=False) as bar:
        for part in parts:
            for row in range(part.n):
                yield part, row, max(5, len(str(part.n - 1)))
                bar.update()


def _encoded(image: Image.Image) -> bytes:
    """The bytes of a file that keeps every pixel, without metadata."""
    buffer = io.BytesIO()
    if image.mode in {"F", "I"}:
        image.save(buffer, "TIFF")
    else:
        (image if image.mode in _IN_PNG else image.convert("RGB")).save(buffer, "PNG", exif=b"")
    return buffer.getvalue()


class FolderNames:
    """Folder names for classes: safe on Linux, macOS and Windows, no two alike but for case or accents.

    Attributes:
        changed: class → folder, where that is another name.
    """

    def __init__(self) -> None:
        self.changed: dict[str, str] = {}
        self._of: dict[str, str] = {}
        self._taken: set[str] = set()

    def of(self, label: str) -> str:
        """The folder of a class, the same each time."""
        if label not in self._of:
            name = wanted = safe_name(label)
            number = 1
            while folded(name) in self._taken:
                number += 1
                name = f"{wanted}-{number}"
            self._taken.add(folded(name))
            self._of[label] = name
            if name != label:
                self.changed[label] = name
        return self._of[label]
