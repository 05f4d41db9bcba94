"""Move one file so that its bytes are whole under some known name at every moment, and no other file is replaced.

On one file system a move is the system's rename that refuses a name that is taken; where there is none, a second name
(a hard link, which refuses it too) and then the end of the first one; without links, a rename after a look. Between
file systems it is a copy under a part name beside the target, read back and compared, then the first name is dropped
and the part gets its own name. Wherever a process dies, `put_back` can tell from the files that are there how far the
move came. A name is dropped only where the file itself, by its bytes or as the same file, has another one.
"""

from __future__ import annotations

import ctypes
import errno
import functools
import os
import shutil
import stat as modes
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bearwidgets.clean.apply.free_names import FreeNames
from bearwidgets.data.actions import DELETE
from bearwidgets.data.identity import content_id
from bearwidgets.errors import ConflictError
from bearwidgets.files import keep_owner, make_folders, patiently, sync_file, sync_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from typing import TypeAlias

    Step: TypeAlias = Callable[[str], None]  # is told each step before it is taken

# the file system, or a sandbox, has no such call
_NOT_HERE = {errno.EPERM, errno.ENOSYS, errno.EMLINK, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP}
_HERE = -100  # AT_FDCWD: paths are relative to the working folder, if they are relative


@dataclass(frozen=True)
class Move:
    """One file's way: from `path` (relative to the data root) to `target`.

    The target of a delete is relative to the workspace, that of a relabel to the data root; it is `path` itself
    where only a table of labels changes. Size (bytes), mtime_ns and content tell the file again.
    """

    id: str
    seq: int
    action: str
    label: str
    new_label: str | None
    path: str
    target: str
    content: str
    size: int
    mtime_ns: int

    @property
    def moves_file(self) -> bool:
        """Whether the file itself goes somewhere else."""
        return self.action == DELETE or self.path != self.target


@dataclass(frozen=True)
class FileMove:
    """A file's two paths, the part names a copy has on either side, and what tells the file."""

    source: Path
    target: Path
    part: str
    content: str
    size: int
    mtime_ns: int

    @property
    def target_part(self) -> Path:
        """The unfinished copy on the way there."""
        return self.target.with_name(self.part)

    @property
    def source_part(self) -> Path:
        """The unfinished copy on the way back."""
        return self.source.with_name(self.part)


def move(file: FileMove, step: Step) -> None:
    """Move the file to its target.

    Raises:
        ConflictError: The file changed, or something has the target's name; nothing was moved.
        OSError: The system refused.
    """
    stat = file.source.lstat()
    if (stat.st_size, stat.st_mtime_ns) != (file.size, file.mtime_ns):
        raise ConflictError(f"{file.source} was changed a moment ago, so it was not moved.")
    _transfer(file.source, stat, file.target, file.target_part, file, step)


def put_back(file: FileMove, step: Step) -> str:
    """Bring the file back to its source, however far a move in either direction came; again and again if need be.

    Returns:
        Why it could not be done and where the file is, in which case no file but a needless copy was touched, or "".

    Raises:
        ConflictError: The file was replaced at this very moment.
        OSError: The system refused.
    """
    source, target, part = file.source, file.target, file.target_part
    told = [_settle(file.source_part, source, (source, target, part), file, step)]
    if os.path.lexists(source):
        told += [_settle(part, target, (source, target), file, step), _tidy(file, step)]
    else:
        holder = next((each for each in (target, part) if not wrong(each, file.content)), None)
        if holder is None:
            told.append(wrong(target, file.content))
        else:
            _transfer(holder, holder.lstat(), source, file.source_part, file, step)
        told.append(_settle(part, target, (source, target), file, step))
    return "; ".join(filter(None, told))


def wrong(file: Path, content: str) -> str:
    """Why a file is not the one that was moved, or ""."""
    try:
        same = modes.S_ISREG(file.lstat().st_mode) and content_id(file) == content
    except (FileNotFoundError, NotADirectoryError):
        return f"{file} is gone"
    return "" if same else f"{file} was changed since it was moved"


def rename_new(source: Path, target: Path) -> bool:
    """Rename in one step, but never onto a name that is taken (as POSIX's rename would, without a word).

    Returns:
        Whether it was done; False where the system or the file system has no such call.

    Raises:
        OSError: It is refused: the name is taken, the target is on another file system, …
    """
    if os.name == "nt":
        patiently(lambda: source.rename(target))
        return True
    call = _exclusive_rename()
    if call is None:
        return False
    if call(os.fsencode(source), os.fsencode(target)) == 0:
        return True
    number = ctypes.get_errno()
    if number in _NOT_HERE:
        return False
    raise OSError(number, os.strerror(number), str(source), None, str(target))


@functools.cache
def _exclusive_rename() -> Callable[[bytes, bytes], int] | None:
    library = ctypes.CDLL(None, use_errno=True)
    if sys.platform == "darwin":  # RENAME_EXCL
        return lambda source, target: library.renamex_np(source, target, ctypes.c_uint(4))
    if hasattr(library, "renameat2"):  # RENAME_NOREPLACE
        return lambda source, target: library.renameat2(_HERE, source, _HERE, target, ctypes.c_uint(1))
    return None


def _settle(part: Path, own: Path, others: Sequence[Path], file: FileMove, step: Step) -> str:
    """End a copy that has no name yet: drop it where the file stands under another one, else give it its own.

    Returns:
        Where the copy is if it could have neither, or "".
    """
    if not os.path.lexists(part):
        return ""
    standing = next((each for each in others if not wrong(each, file.content)), None)
    if standing is not None:
        if not _begins(part, standing):
            return f"{part} is no copy of {standing}, so it was kept"
        step("drop unfinished copy")
        part.unlink()
        return ""
    if wrong(part, file.content):
        return f"{file.source} is gone or was changed while it was copied; what was copied is kept as {part}"
    step("name the copy")
    named = own.with_name(FreeNames(own.parent).take(own.name))
    _rename(part, named, step)
    return "" if named == own else f"another file has the name {own}, so the one of before is kept as {named}"


def _begins(part: Path, whole: Path) -> bool:
    """Whether a file is the beginning of another one, or all of it, as an unfinished copy is."""
    if not modes.S_ISREG(part.lstat().st_mode):
        return False
    with part.open("rb") as copied, whole.open("rb") as reading:
        while block := copied.read(2**20):
            if block != reading.read(len(block)):
                return False
    return True


def _tidy(file: FileMove, step: Step) -> str:
    """Something has the file's old name; drop the second name that an unfinished move left."""
    if os.path.lexists(file.target):
        if os.path.samestat(file.source.lstat(), file.target.lstat()):
            step("drop second name")
            file.target.unlink()
        elif not wrong(file.target, file.content) and wrong(file.source, file.content):
            return f"{file.source} appeared since the file of that name was moved to {file.target}"
    return ""


def _transfer(
    source: Path, stat: os.stat_result, target: Path, part: Path, file: FileMove, step: Step
) -> None:
    """Move what `stat` was said of."""
    make_folders(target.parent)
    step("move")
    try:
        _rename(source, target, step)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        _copy_across(source, target, part, file, step)
    else:
        if not os.path.samestat(stat, target.lstat()):
            _rename(target, source, step)
            raise ConflictError(f"{source} was replaced a moment ago, so it was not moved.")
    stat = target.lstat()
    if stat.st_mtime_ns != file.mtime_ns:
        step("set time")
        os.utime(target, ns=(stat.st_atime_ns, file.mtime_ns))


def _rename(source: Path, target: Path, step: Step) -> None:
    """`rename_new`, or the next best."""
    if rename_new(source, target):
        return
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _NOT_HERE:
            raise
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target)) from error
        patiently(lambda: source.rename(target))
        return
    step("drop first name")
    if os.path.samestat(source.lstat(), target.lstat()):  # else another file has just taken the name
        source.unlink()


def _copy_across(source: Path, target: Path, part: Path, file: FileMove, step: Step) -> None:
    if os.path.lexists(target):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
    step("copy")
    with source.open("rb") as reading:
        stat = os.fstat(reading.fileno())  # before the first byte: whoever writes from here on changes it
        writing = part.open("xb")
        try:
            with writing:
                shutil.copyfileobj(reading, writing, 2**20)
                step("sync copy")
                sync_file(writing)
            keep_owner(part, stat)
            shutil.copystat(source, part, follow_symlinks=False)
            sync_folder(part.parent)
            _require_same(part, source, file)
        except BaseException as error:
            if isinstance(error, OSError) and error.filename is None:  # a write that failed knows no name
                error.filename = str(part.parent)
            if os.path.lexists(part) and not wrong(source, file.content):
                part.unlink()
            raise
    step("drop first name")
    now = source.lstat()
    if (now.st_ino, now.st_size, now.st_mtime_ns) != (stat.st_ino, stat.st_size, stat.st_mtime_ns):
        raise ConflictError(f"{source} was changed a moment ago, so it was not moved.")
    patiently(source.unlink)  # the file itself was read back from the copy
    step("name the copy")
    _rename(part, target, step)


def _require_same(copy: Path, source: Path, file: FileMove) -> None:
    if wrong(copy, file.content):
        raise ConflictError(
            f"The copy of {source} in {copy.parent} reads back with other bytes; it was not moved."
        )
