"""The errors that bearwidgets raises for what a user can mend.

Each derives from `BearwidgetsError` and from the standard kind that fits, so that `except ValueError` works too.
"""

from __future__ import annotations

import difflib
import reprlib
import traceback
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


_SHOWN = 80  # characters of a value that came in
_short = reprlib.Repr()
_short.maxstring = _short.maxlong = _short.maxother = _SHOWN


class BearwidgetsError(Exception):
    """Base of every error that bearwidgets raises on purpose.

    A notebook shows its sentence alone; `%tb` shows the lines that led to it.
    """

    def _render_traceback_(self) -> list[str]:
        """What IPython shows of it: the sentence, and the whole within its magic function `tb`."""
        from IPython.core.getipython import get_ipython

        shell = get_ipython()
        if shell is not None and any(frame.f_code.co_name == "tb" for frame, _ in traceback.walk_stack(None)):
            return shell.InteractiveTB.structured_traceback(type(self), self, self.__traceback__)
        return [f"{type(self).__name__}: {self}", "(%tb shows the lines of code that led here)"]


class BadInputError(BearwidgetsError, ValueError):
    """What came in cannot be used; the message says what is allowed."""


class MissingFileError(BearwidgetsError, FileNotFoundError):
    """A file or folder that was named is not there."""


class ImageError(BearwidgetsError, ValueError):
    """One file that cannot be used as an image; the message is the reason, fit for `Dataset.problems`.

    Attributes:
        kind: As in the column of that name: "unreadable", "not an image", "unsupported", "refused" or "missing".
    """

    def __init__(self, reason: str, kind: str = "unreadable") -> None:
        super().__init__(reason)
        self.kind = kind


class WorkspaceError(BearwidgetsError, OSError):
    """The workspace cannot be written or read (read-only folder, full disk, a newer journal)."""


class ConflictError(BearwidgetsError, RuntimeError):
    """The files on disk are not what the plan was made for; nothing was changed."""


class TrainingError(BearwidgetsError, RuntimeError):
    """A training that failed half-way; what was there before it is as it was."""


def unknown_name(kind: str, name: object, known: Iterable[str], where: str = "") -> str:
    """Sentence for a name that is not known, with what is known and the nearest miss.

    Example:
        >>> unknown_name("class", "grizly", ["black", "grizzly"], "in this data set")
        "No class 'grizly' in this data set; known are black, grizzly. Did you mean 'grizzly'?"
    """
    names = [str(each) for each in known]
    shown = and_more(names, 20)
    near = difflib.get_close_matches(str(name)[:_SHOWN], names, n=1)
    place = f" {where}" if where else ""
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return f"No {kind} {shortened(name)}{place}; known are {shown}.{hint}"


def shortened(value: object) -> str:
    """A value as an error message shows it, in at most 80 characters, however long or deep it is.

    Example:
        >>> len(shortened("a" * 1000))
        80
    """
    return _short.repr(value)[:_SHOWN]


def check_whole(
    name: str,
    value: object,
    least: int,
    most: int | None = None,
    *,
    of: str = "",
    like: str = "",
    kind: type = int,
) -> None:
    """Refuse what is no whole number from `least` on, or up to `most`; `of` says of what, `like` gives an example.

    Example:
        >>> check_whole("folds", 1, 2)
        Traceback (most recent call last):
        bearwidgets.errors.BadInputError: folds is 1; allowed is a whole number from 2 on.
    """
    whole = isinstance(value, kind) and not isinstance(value, bool)
    if not whole or value < least or (most is not None and value > most):  # ty: ignore[unsupported-operator]
        end = f"from {least} on" if most is None else f"from {least} to {most}"
        raise BadInputError(f"{name} is {value!r}; allowed is a whole number{of} {end}{like}.")


def and_more(names: Iterable[object], most: int, *, separator: str = ", ") -> str:
    """The first `most` names of a list, and how many there are besides.

    Example:
        >>> and_more(["black", "grizzly", "teddy"], 2)
        'black, grizzly and 1 more'
    """
    texts = [str(each) for each in names]
    more = f" and {len(texts) - most:,} more" if len(texts) > most else ""
    return separator.join(texts[:most]) + more
