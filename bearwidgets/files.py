"""Files: atomic writes, draft folders, locks, and the files of a workspace."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import shutil
import stat as modes
import sys
import time
import uuid
from glob import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from bearwidgets.errors import WorkspaceError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

if os.name == "nt":
    import msvcrt
else:
    import fcntl

_FULL = {errno.ENOSPC, errno.EDQUOT} if hasattr(errno, "EDQUOT") else {errno.ENOSPC}
_REFUSED = {errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EEXIST}
_BUSY = {errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES, errno.EDEADLK}
# Windows's own numbers; it denies access to a file that is open, too, and does not find what has a long path.
_DENIED, _IN_USE, _NOT_FOUND = 5, {32, 33}, {3, 206}
_LONG_PATH = 248  # characters from which on it makes no folder; of a file it is 260
_PAUSES = (0.05, 0.1, 0.2, 0.3, 0.4)  # seconds between tries: virus scanners and indexers are done after one
_NO_FOLDER_SYNC = {errno.EINVAL, errno.EBADF, errno.EACCES, errno.ENOTSUP, errno.EOPNOTSUPP}
_POLL = 0.01  # seconds between two tries for the lock
_DEAD = 3600.0  # seconds without a sign of life after which a draft is nobody's
_BEAT = 1.0  # seconds between two signs of life
_OWN = sum(getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY", "O_CLOEXEC"))
_TEMPORARY = re.compile(r"\.bearwidgets-[0-9a-f]{8}\.tmp")


_OTHER_PLACE = (
    "Pass workspace= with a folder that can be written when you open the data set, or change the permissions."
)


def explain(error: OSError, path: Path, outcome: str, way_out: str = _OTHER_PLACE) -> WorkspaceError:
    """The error that tells a user what stood in the way, what became of the work, and what to do."""
    if isinstance(error, WorkspaceError):
        return error
    if error.errno in _FULL:
        return WorkspaceError(
            f"The disk that holds {path} is full. {outcome} Free some space, then do it again."
        )
    reason = getattr(error, "winerror", None)
    if in_use(error):
        return WorkspaceError(
            f"{path} is open in another program. {outcome} Close it there, then do it again."
        )
    longest = max((str(each) for each in (path, error.filename, error.filename2) if each), key=len)
    if reason in _NOT_FOUND and len(longest) >= _LONG_PATH:
        return WorkspaceError(
            f"{longest} is longer than Windows allows ({len(longest)} characters). {outcome} Use a folder whose own"
            " path is shorter (workspace=, for the trash), or switch on long paths in Windows."
        )
    if reason == _DENIED:
        way_out = f"If it is open in another program, close it there. {way_out}"
    if error.errno in _REFUSED:
        return WorkspaceError(f"{path} cannot be written ({error.strerror}). {outcome} {way_out}")
    return WorkspaceError(f"{path}: {error.strerror or error}. {outcome}")


def in_use(error: OSError) -> bool:
    """Whether another program has the file open, on Windows; on other systems that stops nobody."""
    return getattr(error, "winerror", None) in _IN_USE


def patiently(rename: Callable[[], object]) -> None:
    """Rename or remove, and try again for about a second while Windows says that the file is open elsewhere.

    Raises:
        OSError: It was refused for another reason, or to the end.
    """
    for pause in _PAUSES:
        try:
            rename()
        except OSError as error:
            if getattr(error, "winerror", None) not in {_DENIED} | _IN_USE:
                raise
            time.sleep(pause)
        else:
            return
    rename()


def sync_file(file: BinaryIO) -> None:
    """Have what was written last through a power cut, on macOS too, whose fsync stops at the disk's own memory."""
    file.flush()
    os.fsync(file.fileno())
    if sys.platform == "darwin":
        with contextlib.suppress(OSError):  # network shares have no call for it
            fcntl.fcntl(file.fileno(), fcntl.F_FULLFSYNC)


def sync_folder(folder: Path) -> None:
    """Make new names in a folder last through a power cut, where the system has a call for it."""
    if os.name == "nt":
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno not in _NO_FOLDER_SYNC:  # network shares sync files only
            raise


def write_atomic(path: Path, data: bytes, *, like: os.stat_result | None = None, sync: bool = True) -> None:
    """Replace a file by `data` in one step: whoever reads sees all of the old bytes or all of the new ones.

    Args:
        path: The file; its folder exists.
        data: The new bytes.
        like: Take the owner, the permissions and the modification time from here.
        sync: Make it last through a power cut; a cache, which may be lost, need not wait for the disk.
    """
    with _being_made(path.parent, ".bearwidgets-", ".tmp", Path.touch) as temporary:
        with temporary.open("r+b") as file:
            file.write(data)
            if sync:
                sync_file(file)
        if like is not None:
            keep_owner(temporary, like)
            temporary.chmod(like.st_mode & 0o7777)
            os.utime(temporary, ns=(like.st_atime_ns, like.st_mtime_ns))
        patiently(lambda: temporary.replace(path))
    if sync:
        with contextlib.suppress(OSError):
            for each in path.parent.glob(".bearwidgets-*.tmp"):
                if _TEMPORARY.fullmatch(each.name):
                    _remove_dead(each)
        sync_folder(path.parent)


def keep_owner(path: Path, like: os.stat_result) -> None:
    """Give a new file or folder the owner and group of the one it stands for, as far as the system lets us.

    Only root may give files away; the others keep the group where they are in it.
    """
    if os.name == "nt" or (like.st_uid, like.st_gid) == (path.stat().st_uid, path.stat().st_gid):
        return
    for owner in (like.st_uid, -1):
        with contextlib.suppress(OSError):
            os.chown(path, owner, like.st_gid)
            return


def make_folders(folder: Path) -> None:
    """Make a folder and those above it that are missing, each with the owner of the one it lies in."""
    if not folder.is_dir():
        make_folders(folder.parent)
        folder.mkdir(exist_ok=True)
        keep_owner(folder, folder.parent.stat())


@contextlib.contextmanager
def _being_made(folder: Path, head: str, tail: str, make: Callable[[Path], None]) -> Generator[Path]:
    """Make something under a new name, and hold a lock on it, which ends with the process: its maker lives.

    It is removed at the end, unless it got another name.
    """
    while True:
        path = folder / f"{head}{uuid.uuid4().hex[:8]}{tail}"
        make(path)
        with contextlib.ExitStack() as held:
            held.callback(_remove, path)
            if _lock(path, held):
                yield path
                return


def _lock(path: Path, held: contextlib.ExitStack) -> bool:
    """Lock what was just made; False if it was removed as dead before that."""
    if os.name == "nt":
        return True
    try:
        descriptor = os.open(path, os.O_RDONLY)
        held.callback(os.close, descriptor)
        with contextlib.suppress(OSError):  # a file system without locks: its age will tell
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        return os.path.samestat(os.fstat(descriptor), path.lstat())
    except FileNotFoundError:
        return False


def _remove_dead(path: Path) -> None:
    """Remove what a killed process was making: its lock is free or, without locks, it is an hour old."""
    with contextlib.suppress(OSError), contextlib.ExitStack() as held:
        stat = path.lstat()
        young = time.time() - stat.st_mtime < _DEAD
        if not (modes.S_ISREG(stat.st_mode) or modes.S_ISDIR(stat.st_mode)) or (os.name == "nt" and young):
            return
        if os.name != "nt":
            descriptor = os.open(path, os.O_RDONLY | _OWN)
            held.callback(os.close, descriptor)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                if error.errno in _BUSY or young:
                    return
        _remove(path)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def draft_folder(root: Path) -> Generator[tuple[Path, Callable[[], None]]]:
    """Fill a folder beside `root` that takes its name at the end of the block, or is removed if the block fails.

    Drafts that a killed process left behind are removed; where the system has no locks that tell, after an hour
    without a sign of life.

    Args:
        root: A resolved path where nothing is yet, or an empty folder.

    Yields:
        The draft, and a function to call now and then as a sign of life.

    Raises:
        OSError: The folder cannot be written, or `root` is there and not empty.
    """
    root.parent.mkdir(parents=True, exist_ok=True)
    for old in root.parent.glob(f".{escape(root.name)}.????????.part"):
        _remove_dead(old)
    last = time.monotonic()
    with _being_made(root.parent, f".{root.name}.", ".part", Path.mkdir) as draft:

        def alive() -> None:
            nonlocal last
            if time.monotonic() - last > _BEAT:
                draft.touch()
                last = time.monotonic()

        yield draft, alive
        if root.exists():
            root.rmdir()
        patiently(lambda: draft.rename(root))


def open_own(path: Path, flags: int = os.O_RDONLY) -> int:
    """Open a file of a workspace, which a stranger may have made: no link is followed. Gives the descriptor.

    Raises:
        WorkspaceError: It is a link, or no file.
        OSError: The system refused.
    """
    if not hasattr(os, "O_NOFOLLOW"):
        refuse_link(path)
    try:
        descriptor = os.open(path, flags | _OWN, 0o666)
    except OSError:
        refuse_link(path)
        raise
    if not modes.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise _no_file(path)
    return descriptor


def _no_file(path: Path) -> WorkspaceError:
    return WorkspaceError(f"{path} is no file. Nothing was read or written; move it away.")


def refuse_link(path: Path) -> None:
    """Refuse a file or folder of a workspace that is a link.

    Raises:
        WorkspaceError: It is one.
    """
    if path.is_symlink():
        raise WorkspaceError(
            f"{path} is a link to {str(path.readlink())!r}. Nothing is read or written through a link in a workspace:"
            " a data set from others could so lead into any file of yours. Take the link away, or pass workspace="
            " with the folder that you mean."
        )


def refuse_links(workspace: Path) -> None:
    """Refuse a workspace that is a link, or that has links in it or in its folder of rounds.

    Raises:
        WorkspaceError: There is one.
    """
    refuse_link(workspace)
    for folder in (workspace, workspace / "rounds"):
        with contextlib.suppress(FileNotFoundError, NotADirectoryError, PermissionError):
            for each in folder.iterdir():
                refuse_link(each)
                # To read a pipe or a device may take for ever; what has just gone was another's temporary file.
                if not (each.is_file() or each.is_dir()) and each.exists():
                    raise _no_file(each)


def read_json(path: Path) -> Any:
    """The value in a JSON file of a workspace.

    Raises:
        FileNotFoundError: It is not there.
        ValueError: It is no JSON.
        WorkspaceError: It is a link, or no file.
        OSError: It cannot be read.
    """
    with os.fdopen(open_own(path), "rb") as file:
        data = file.read()
    try:
        return json.loads(data)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def checked(value: object, kinds: Mapping[str, type | tuple[type, ...]]) -> dict[str, Any]:
    """The fields of a JSON object, each looked at before anything is made of it; others are left out.

    Args:
        value: What was read.
        kinds: The fields that it must have, with the types that each may have; True and False are no numbers.

    Raises:
        ValueError: It is no object, or a field is missing or of another type.

    Example:
        >>> checked({"seed": 42}, {"seed": int})
        {'seed': 42}
    """
    if not isinstance(value, dict):
        raise ValueError(f"{type(value).__name__} in place of an object")  # noqa: TRY004 - the data, not the call
    for name, kind in kinds.items():
        if name not in value:
            raise ValueError(f"it has no {name!r}")
        found = value[name]
        if not isinstance(found, kind) or (isinstance(found, bool) and kind is not bool):
            raise ValueError(f"its {name!r} is of type {type(found).__name__}")
    return {name: value[name] for name in kinds}


@contextlib.contextmanager
def locked(path: Path, *, wait: float = 30.0) -> Generator[BinaryIO | None]:
    """Hold the writer's lock: one process, and one `with` block, at a time.

    The operating system holds the lock and drops it when its process ends, however it ends; the file that stays
    behind means nothing but its length, which the holder may set. A fork does not inherit it beyond the block.

    Args:
        path: The lock file; it is made if need be.
        wait: Seconds to wait for another writer; with 0 the block runs at once and is told whether it has the lock.

    Yields:
        The lock file while it is held, else None.

    Raises:
        WorkspaceError: Another process held it all the while, or the file system knows no locks.
    """
    try:
        descriptor = open_own(path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
    except OSError as error:
        raise explain(error, path, "Nothing was written.") from error
    with os.fdopen(descriptor, "a+b") as file:
        held = _take(file, path, time.monotonic() + wait)
        if not held and wait:
            raise WorkspaceError(
                f"Another process has been writing in {path.parent} for {wait:g} s. Wait until it is done (a large"
                " apply takes a while) or close the other notebook, then do it again."
            )
        try:
            yield file if held else None
        finally:
            if held:
                _release(file)


def _take(file: BinaryIO, path: Path, deadline: float) -> bool:
    while True:
        try:
            if os.name == "nt":
                file.seek(0)
                msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            else:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in _BUSY:
                raise WorkspaceError(
                    f"The file system of {path.parent} has no file locks ({error.strerror}), so two writers could"
                    " mix up the journal. Pass workspace= with a folder on a local disk."
                ) from error
            if time.monotonic() >= deadline:
                return False
            time.sleep(_POLL)
        else:
            return True


def _release(file: BinaryIO) -> None:
    if os.name == "nt":
        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)
    else:
        fcntl.flock(file, fcntl.LOCK_UN)
