"""What the campaigns share: a count of all bytes, processes that may be killed, and the figures at the end."""

from __future__ import annotations

import argparse
import hashlib
import os
import pickle
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))


def bag(*places: Path) -> Counter[str]:
    """How often each content is there, in all files below these folders."""
    files = (
        each for place in places for each in place.rglob("*") if each.is_file() and not each.is_symlink()
    )
    return Counter(map(digest, files))


def digest(file: Path) -> str:
    """The content of a file."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def child(work: Callable[[], Any]) -> tuple[int, Any]:
    """Run a function in a process of its own: its exit status, and what it gives.

    A signal that ended it is a negative status. An exception gives the status 1 and its traceback.
    """
    reading, writing = os.pipe()
    number = os.fork()
    if number == 0:
        status = 0
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                answer = work()
        except BaseException:  # noqa: BLE001 - it is told to the parent
            answer, status = traceback.format_exc(), 1
        with os.fdopen(writing, "wb") as pipe:
            pickle.dump(answer, pipe)
        os._exit(status)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        data = pipe.read()
    status = os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])
    return status, pickle.loads(data) if data else None  # noqa: S301 - from our own child


def options(words: str | None, **defaults: float | str) -> argparse.Namespace:
    """The options of the command line: --name for each default, of its type."""
    parser = argparse.ArgumentParser(description=words, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in defaults.items():
        parser.add_argument(f"--{name}", type=type(default), default=default, help="default: %(default)s")
    return parser.parse_args()


def grounds(other: Path | None = None) -> tempfile.TemporaryDirectory[str]:
    """A temporary folder, in `other` where that is there, for a `with` block."""
    where = other if other is not None and other.is_dir() else None
    return tempfile.TemporaryDirectory(prefix="bearwidgets-", dir=where, ignore_cleanup_errors=True)


class Tally:
    """The runs of a campaign and what went wrong in them."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.runs: Counter[str] = Counter()
        self.failures: list[str] = []
        self.bytes_lost = 0
        self._began = time.monotonic()

    def take(self, kind: str, problem: str, *, bytes_lost: int = 0) -> None:
        """Count a run; `problem` is "" if all was as it must be."""
        self.runs[kind] += 1
        self.bytes_lost += bytes_lost
        if problem:
            self.failures.append(f"{kind}: {problem}")

    def report(self) -> int:
        """Print the figures; gives the exit status, which is 1 where nothing ran, too."""
        for kind, n in sorted(self.runs.items()):
            failed = sum(each.startswith(f"{kind}:") for each in self.failures)
            print(f"{kind:40} {n:6} runs {failed:5} failures")
        worst = max(self.failures, key=len, default="none")
        seconds = time.monotonic() - self._began
        print(
            f"{self.name}: {self.runs.total()} runs, {len(self.failures)} failures, {self.bytes_lost} bytes lost,"
        )
        print(f"{seconds:.0f} s; worst: {worst}")
        return 1 if self.failures or not self.runs else 0
