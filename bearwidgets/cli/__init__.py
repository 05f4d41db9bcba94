"""The command line: from a folder to a clean folder, without a notebook."""

from __future__ import annotations

import io
import os
import sys
import traceback
import warnings
from typing import TYPE_CHECKING

from bearwidgets.cli.commands import OK
from bearwidgets.cli.parser import make_parser
from bearwidgets.cli.say import say
from bearwidgets.errors import BearwidgetsError

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; gives 0, 1 (failed; of `check`: found something certain) or 2 (usage; of `check`: failed)."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # what the terminal cannot show is no failure
            stream.reconfigure(errors="backslashreplace")
    options = make_parser().parse_args(arguments)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _warn  # ty: ignore[invalid-assignment] - Python's own way to print them otherwise
            return options.run(options)
    except BearwidgetsError as error:
        return _ended(str(error), options.failed)
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115, PTH123 - Python flushes it once more at its end
        return OK
    except KeyboardInterrupt:
        return _ended("stopped", options.failed)
    except Exception:  # noqa: BLE001 - nobody has foreseen it; a report of it needs the lines of code
        traceback.print_exc()
        return options.failed


def _warn(message: Warning | str, *_: object, **__: object) -> None:
    say(f"bearwidgets: {message}", error=True)


def _ended(why: str, status: int) -> int:
    if os.environ.get("LOCAL_RANK", "0") == "0":  # of several processes the first one says it
        say(f"bearwidgets: {why}", error=True)
    return status
