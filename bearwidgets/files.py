"""Writing to disk so that a full disk, a lost connection or a killed process leaves the old state or the new one."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from bearwidgets.errors import BadInputError, WorkspaceError

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

if os.name == "nt":
    import msvcrt
else:
    import fcntl

_FULL = {errno.ENOSPC, errno.EDQUOT} if hasattr(errno, "EDQUOT") else {errno.ENOSPC}
_REFUSED = {errno.EROFS, errno.EACCES, errno.EPERM}
_BUSY = {errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES, errno.EDEADLK}
_NO_FOLDER_SYNC = {errno.EINVAL, errno.EBADF, errno.EACCES, errno.ENOTSUP, errno.EOPNOTSUPP}
_POLL = 0.01  # seconds between two tries for the lock


def explain(error: OSError, path: Path, outcome: str) -> WorkspaceError:
    """The error that tells a user what stood in the way, what became of the work, and what to do."""
    if isinstance(error, WorkspaceError):
        return error
    if error.errno in _FULL:
        return WorkspaceError(
            f"The disk that holds {path} is full. {outcome} Free some space, then do it again."
        )
    if error.errno in _REFUSED:
        return WorkspaceError(
            f"{path} cannot be written ({error.strerror}). {outcome} Pass workspace= with a folder that can be"
            " written when you open the data set, or change the permissions."
        )
    return WorkspaceError(f"{path}: {error.strerror or error}. {outcome}")


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


def write_atomic(path: Path, data: bytes, *, like: os.stat_result | None = None) -> None:
    """Replace a file by `data` in one step: whoever reads sees all of the old bytes or all of the new ones.

    Args:
        path: The file; its folder exists.
        data: The new bytes.
        like: Take the permissions and the modification time from here.
    """
    descriptor, name = tempfile.mkstemp(prefix=".bearwidgets-", suffix=".tmp", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if like is None:
            temporary.chmod(0o666 & ~_umask())
        else:
            temporary.chmod(like.st_mode & 0o7777)
            os.utime(temporary, ns=(like.st_atime_ns, like.st_mtime_ns))
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def check_output(path: str | Path, endings: Sequence[str]) -> Path:
    """A file that is to be written or replaced, checked before the work is done for it.

    Args:
        path: Where; a name that does not end as its format does may be somebody's picture, and is refused.
        endings: Those of the format, in small letters.

    Raises:
        BadInputError: Another ending, or something is there that is no file.
        WorkspaceError: Its folder is not there.
    """
    path = Path(path).expanduser()
    if path.suffix.lower() not in endings:
        raise BadInputError(
            f"{path.name!r} does not say in which format; allowed are {' and '.join(endings)}."
        )
    if path.exists() and not path.is_file():
        raise BadInputError(f"{str(path)!r} is there and no file; give another name.")
    if not path.parent.is_dir():
        raise WorkspaceError(f"{str(path)!r} cannot be written: there is no folder {str(path.parent)!r}.")
    return path


def _umask() -> int:
    """The process's mask, which can only be read by setting it."""
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


@contextlib.contextmanager
def locked(path: Path, *, wait: float = 30.0) -> Generator[bool]:
    """Hold the writer's lock: one process, and one `with` block, at a time.

    The operating system holds the lock and drops it when its process ends, however it ends; the file that stays
    behind means nothing. A fork does not inherit it beyond the block.

    Args:
        path: The lock file; it is made if need be.
        wait: Seconds to wait for another writer; with 0 the block runs at once and is told whether it has the lock.

    Yields:
        Whether the lock is held.

    Raises:
        WorkspaceError: Another process held it all the while, or the file system knows no locks.
    """
    try:
        opened = path.open("a+b")
    except OSError as error:
        raise explain(error, path, "Nothing was written.") from error
    with opened as file:
        held = _take(file, path, time.monotonic() + wait)
        if not held and wait:
            raise WorkspaceError(
                f"Another process has been writing in {path.parent} for {wait:g} s. Wait until it is done (a large"
                " apply takes a while) or close the other notebook, then do it again."
            )
        try:
            yield held
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
