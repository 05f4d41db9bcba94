"""The workspace of a data set: whose it is, and which rounds of moved files in it are half done.

`root.json` in it names the data folder, relative where one lies in the other, so that both can be moved together.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from pathlib import Path
from typing import Any

from bearwidgets.data.identity import hash_bytes
from bearwidgets.errors import BadInputError, WorkspaceError, and_more
from bearwidgets.files import explain, read_json, refuse_links, write_atomic

APPLIED, ROLLING_BACK, ROLLED_BACK, ABANDONED = "applied", "rolling back", "rolled back", "abandoned"
PLANS = ("plan.json", "plan-copy.json")  # in a round's folder; either will do
DAMAGED = "damaged"  # no state that a receipt says: it says nothing that can be understood
_ROUND = re.compile(r"[0-9]{4,}")


def resolved(path: str | os.PathLike[str]) -> Path:
    """A path as the file system has it.

    Raises:
        BadInputError: It cannot be one on this machine.
    """
    if not isinstance(path, (str, os.PathLike)) or not str(path):
        raise BadInputError(
            f"{path!r} is no path: give the name of a folder or file as text or as a pathlib.Path."
        )
    try:
        resolved = Path(path).expanduser().resolve()
        resolved.exists()  # a name that is too long raises here
    except (RuntimeError, OSError, ValueError) as error:  # an unknown ~user, a name too long, a zero byte
        raise BadInputError(f"{str(path)!r} cannot be a path on this machine: {error}.") from error
    return resolved


def as_path(path: str | os.PathLike[str]) -> Path:
    """A path as it was given, "~" replaced; what can be none is refused as by `resolved`."""
    resolved(path)
    return Path(path).expanduser()


def workspace_of(workspace: str | Path | None, root: Path) -> Path:
    """The workspace that was asked for, or the one inside the data folder.

    Raises:
        BadInputError: It cannot be a path.
        WorkspaceError: Links lead out of it.
    """
    space = root / ".bearwidgets" if workspace is None else resolved(workspace)
    refuse_links(space)
    return space


def check_owner(workspace: Path, root: Path) -> bool:
    """Refuse a workspace that another data folder has: its rounds would move files into the wrong folder.

    Both paths are resolved. What root.json says counts only if it is undamaged.

    Returns:
        Whether the workspace names this root; False where it names none yet.

    Raises:
        WorkspaceError: It is another one's.
    """
    file = workspace / "root.json"
    owner = read_object(file)
    named = owner.get("root")
    if not isinstance(named, str) or owner.get("hash") != _hash(named):
        return False
    found = Path(os.path.normpath(workspace / named))
    with contextlib.suppress(OSError, ValueError):  # nothing there, or no path at all
        if found == root or root.samefile(found):
            return True
    raise WorkspaceError(
        f"The workspace {workspace} belongs to the data in {found}, not to {root}. Pass another workspace=; or, if"
        f" that folder was moved or renamed to this one, delete {file} and open the data set again."
    )


def own(workspace: Path, root: Path) -> None:
    """Make a workspace and have it name its root, unless it does.

    Raises:
        WorkspaceError: It is another one's, or cannot be written.
    """
    if check_owner(workspace, root):
        return
    nested = root.is_relative_to(workspace) or workspace.is_relative_to(root)
    named = Path(os.path.relpath(root, workspace)).as_posix() if nested else str(root)
    try:
        workspace.mkdir(parents=True, exist_ok=True)
        content = {"v": 1, "root": named, "hash": _hash(named)}
        write_atomic(workspace / "root.json", json.dumps(content, indent=1).encode())
    except OSError as error:
        raise explain(error, workspace, "No decision could be kept.") from error


def read_object(file: Path) -> dict[str, Any]:
    """The object in a JSON file; empty where there is none that can be read and understood."""
    try:
        found = read_json(file)
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def round_numbers(workspace: Path) -> list[int]:
    """The numbers of all rounds that were ever begun, in order."""
    folder = workspace / "rounds"
    names = {each.name for each in folder.iterdir()} if folder.is_dir() else set()
    numbers = sorted(int(name) for name in names if _ROUND.fullmatch(name))
    return [number for number in numbers if round_folder(workspace, number).name in names]


def round_folder(workspace: Path, number: int) -> Path:
    """The folder with plan and receipt of a round."""
    return workspace / "rounds" / f"{number:04d}"


def state_of(folder: Path) -> str | None:
    """What receipt.json in a round's folder says; None if the round was begun and nothing more is known.

    A folder without a plan counts as abandoned: nothing had moved yet.
    """
    receipt = folder / "receipt.json"
    if os.path.lexists(receipt):
        state = read_object(receipt).get("state")  # of any kind: a list, say
        return state if state in (APPLIED, ROLLING_BACK, ROLLED_BACK, ABANDONED) else DAMAGED
    return None if any((folder / name).exists() for name in PLANS) else ABANDONED


def unfinished_rounds(workspace: Path) -> dict[int, str | None]:
    """The rounds whose receipt does not say that they came to an end, with what it says."""
    states = {number: state_of(round_folder(workspace, number)) for number in round_numbers(workspace)}
    return {number: state for number, state in states.items() if state in {None, ROLLING_BACK, DAMAGED}}


def half_done(workspace: Path, root: Path) -> list[str]:
    """A sentence on rounds that may be half done, so that some files are where they were and some are not."""
    try:
        check_owner(workspace, root)
        rounds = unfinished_rounds(workspace)
    except OSError:  # opening the journal says so
        return []
    if not rounds:
        return []
    several = "rounds" if len(rounds) > 1 else "round"
    told = (
        f"{several} {and_more(rounds, 5)} of moved files may be half done (interrupted, or still at work), so that"
        " some of these images are not where they belong: open the journal or a Cleaner, which brings it to an end"
        " or says why it cannot, then read the data set again"
    )
    return [told]


def _hash(named: str) -> str:
    return hash_bytes(named.encode(errors="surrogatepass"))
