"""The frozen evaluation split: who is examined, and under which label, stays once a model was trained.

Kept in `exam.json` of the workspace, one exam per share and seed:
`{"version": 1, "exams": [{"valid_pct": 0.2, "seed": 42, "frozen_at": "…", "hash": "…", "items": {…}}], "hash": "…"}`;
the last hash is over all exams. Files of earlier versions do not have it.
"""

from __future__ import annotations

import contextlib
import json
import warnings
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from bearwidgets.data.identity import hash_bytes
from bearwidgets.errors import WorkspaceError
from bearwidgets.files import checked, locked, read_json, write_atomic

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path
    from typing import BinaryIO

    import pandas as pd

_VERSION = 1
_LOCK = "exam.lock"
_FIELDS = {"valid_pct": (int, float), "seed": int, "frozen_at": str, "hash": str, "items": dict}
_in_memory: dict[Path, list[Exam]] = {}  # exams of workspaces that cannot be written, for this process


@dataclass(frozen=True)
class Exam:
    """One frozen evaluation split.

    Attributes:
        valid_pct: The share it was drawn with.
        seed: The seed it was drawn with.
        frozen_at: UTC time, ISO 8601.
        hash: Over the items; tells whether two scores were made on the same exam.
        items: Content id to the label at the time of freezing.
    """

    valid_pct: float
    seed: int
    frozen_at: str
    hash: str
    items: Mapping[str, str]


def judged_labels(table: pd.DataFrame, exam: Exam | None) -> pd.Series:
    """The labels (n,) that count: in the evaluation split those of the frozen exam, elsewhere those of the table."""
    if exam is None:
        return table["label"]
    return table["content"].map(exam.items).where(table["split"] == "valid").fillna(table["label"])


def read_exams(workspace: Path) -> list[Exam]:
    """All exams of a workspace, oldest first.

    Raises:
        WorkspaceError: `exam.json` is unreadable, damaged, edited, or written by a newer version.
    """
    path = workspace / "exam.json"
    try:
        exams = _parsed(read_json(path), path)
    except (FileNotFoundError, NotADirectoryError):
        exams = []
    except ValueError as error:
        raise _UnreadableError(f"The frozen exam {str(path)!r} is damaged ({error}). {_WAY_OUT}") from error
    except _UnreadableError:
        raise
    except OSError as error:
        raise _UnreadableError(f"The frozen exam {str(path)!r} cannot be read: {error}.") from error
    return exams + list(_in_memory.get(workspace, []))


def lost_exams(workspace: Path) -> list[str]:
    """A sentence if fewer exams are kept than were frozen here, so that a lost file is not taken for none."""
    lock = workspace / _LOCK
    frozen = lock.stat().st_size if lock.is_file() else 0
    if frozen <= len(read_exams(workspace)):
        return []
    gone = (
        f"the frozen exam {str(workspace / 'exam.json')!r} is gone or not whole, so the split is drawn anew"
    )
    return [f"{gone}; put the file back, or scores before and after do not compare"]


class _UnreadableError(WorkspaceError):
    """`exam.json` is there and cannot be used; it is not written over."""


def _parsed(found: Any, path: Path) -> list[Exam]:
    version = checked(found, {"version": int})["version"]
    if version > _VERSION:
        raise _UnreadableError(
            f"The frozen exam {str(path)!r} has version {version}; this bearwidgets reads version {_VERSION}."
            " Update bearwidgets, or pass another workspace=."
        )
    kept = checked(found, {"exams": list})["exams"]
    if version < 1 or found.keys() - {"version", "exams", "hash"}:
        raise ValueError("it has a version or a field that no bearwidgets wrote")
    exams = [Exam(**checked(each, _FIELDS)) for each in kept]
    for exam in exams:
        if not all(isinstance(label, str) for label in exam.items.values()):
            raise ValueError("a label is no text")
    changed = any(_hash(exam.items) != exam.hash for exam in exams)
    if changed or found.get("hash", _hash_all(exams)) != _hash_all(
        exams
    ):  # files of earlier versions have none
        raise _UnreadableError(f"The frozen exam {str(path)!r} was changed by hand or damaged. {_WAY_OUT}")
    return exams


_WAY_OUT = (
    "Move that file away: the next training freezes a new exam, and scores before and after do not compare."
)


def find_exam(
    workspace: Path, valid_pct: float, seed: int, contents: Collection[str] | None = None
) -> Exam | None:
    """The newest exam of this share and seed of which any item is in `contents`.

    Raises:
        WorkspaceError: As `read_exams`.
    """
    for exam in reversed(read_exams(workspace)):
        if (exam.valid_pct, exam.seed) == (valid_pct, seed) and (
            contents is None or any(each in contents for each in exam.items)
        ):
            return exam
    return None


def freeze(workspace: Path, valid_pct: float, seed: int, items: Mapping[str, str]) -> Exam:
    """Keep an exam (content id → label), unless one of this share and seed with any of these items is kept already.

    Where the workspace cannot be written the exam lasts for this process only, and a warning says so once.

    Returns:
        The exam in force.

    Raises:
        WorkspaceError: As `read_exams`.
    """
    known = find_exam(workspace, valid_pct, seed, items.keys())
    if known is not None or not items:
        return known or Exam(valid_pct, seed, "", _hash({}), {})
    now = datetime.now(timezone.utc).isoformat(timespec="seconds").replace("+00:00", "Z")
    exam = Exam(valid_pct, seed, now, _hash(items), dict(items))
    try:
        workspace.mkdir(parents=True, exist_ok=True)
        with locked(workspace / _LOCK) as lock:
            known = find_exam(workspace, valid_pct, seed, items.keys())  # frozen elsewhere meanwhile
            if known is None:
                _keep([*read_exams(workspace), exam], workspace, lock)
    except _UnreadableError:
        raise
    except OSError as error:
        if workspace not in _in_memory:
            reason = getattr(error.__cause__, "strerror", None) or error.strerror or error
            warnings.warn(
                f"The evaluation split cannot be kept in {str(workspace)!r} ({reason}): it is frozen"
                " for this session only. Pass workspace= with a folder that can be written.",
                stacklevel=3,
            )
        _in_memory.setdefault(workspace, []).append(exam)
    return known or exam


def _keep(exams: list[Exam], workspace: Path, lock: BinaryIO | None) -> None:
    content = {"version": _VERSION, "exams": [asdict(each) for each in exams], "hash": _hash_all(exams)}
    write_atomic(workspace / "exam.json", json.dumps(content, indent=1, ensure_ascii=False).encode())
    if lock is not None:
        with contextlib.suppress(OSError):  # the exams are kept; only a loss would not be seen
            lock.truncate(len(exams))  # the lock file is as long as exams are kept: see `lost_exams`


def _hash_all(exams: list[Exam]) -> str:
    return hash_bytes(json.dumps([asdict(each) for each in exams], sort_keys=True).encode())


def _hash(items: Mapping[str, str]) -> str:
    return hash_bytes(json.dumps(sorted(items.items())).encode())
