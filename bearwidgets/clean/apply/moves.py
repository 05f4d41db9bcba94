"""Move one file so that its bytes are whole under some known name at every moment, and no other file is replaced.

On one file system a move is a second name (a hard link, which refuses a name that is taken) followed by dropping the
first name; where there are no links it is a rename after a look. Between file systems it is a copy under a part name
beside the target, read back and compared, then the first name is dropped and the part gets its own name. Wherever a
process dies, `put_back` can tell from the names that are there how far the move came.
"""

from __future__ import annotations

import errno
import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bearwidgets.data.actions import DELETE
from bearwidgets.data.identity import content_id
from bearwidgets.errors import ConflictError
from bearwidgets.files import sync_folder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import TypeAlias

    Step: TypeAlias = Callable[[str], None]  # is told each step before it is taken

_NO_LINKS = {errno.EPERM, errno.ENOSYS, errno.EMLINK, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP}


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
    _transfer(file.source, file.target, file.target_part, file, step)


def put_back(file: FileMove, step: Step) -> str:
    """Bring the file back to its source, however far a move in either direction came; again and again if need be.

    Returns:
        Why it could not be done, in which case no file was touched, or "".

    Raises:
        OSError: The system refused.
    """
    if os.path.lexists(file.source_part):
        if os.path.lexists(file.target) or os.path.lexists(file.target_part) or os.path.lexists(file.source):
            step("drop unfinished copy")
            file.source_part.unlink()
        else:
            step("name the copy")
            _rename_new(file.source_part, file.source, step)
    if os.path.lexists(file.source):
        return _tidy(file, step)
    holder = file.target
    if os.path.lexists(file.target_part):
        if os.path.lexists(file.target) and file.target.samefile(file.target_part):
            step("drop second name")
            file.target_part.unlink()
        else:
            holder = file.target_part
    reason = wrong(holder, file.content)
    if reason:
        return reason
    file.source.parent.mkdir(parents=True, exist_ok=True)
    _transfer(holder, file.source, file.source_part, file, step)
    return ""


def wrong(file: Path, content: str) -> str:
    """Why a file is not the one that was moved, or ""."""
    try:
        return "" if content_id(file) == content else f"{file} was changed since it was moved"
    except FileNotFoundError:
        return f"{file} is gone"


def _tidy(file: FileMove, step: Step) -> str:
    """The file has its old name; drop what an unfinished move left beside the new one."""
    if os.path.lexists(file.target_part):
        step("drop unfinished copy")
        file.target_part.unlink()
    if os.path.lexists(file.target):
        if file.source.samefile(file.target):
            step("drop second name")
            file.target.unlink()
        elif not wrong(file.target, file.content) and wrong(file.source, file.content):
            return f"{file.source} appeared since the file of that name was moved to {file.target}"
    return ""


def _transfer(source: Path, target: Path, part: Path, file: FileMove, step: Step) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    step("move")
    try:
        _rename_new(source, target, step)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        _copy_across(source, target, part, file, step)
    stat = target.lstat()
    if stat.st_mtime_ns != file.mtime_ns:
        step("set time")
        os.utime(target, ns=(stat.st_atime_ns, file.mtime_ns))


def _rename_new(source: Path, target: Path, step: Step) -> None:
    """Rename, but never onto a name that is taken (as POSIX's rename would, without a word)."""
    if os.name == "nt":
        source.rename(target)
        return
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target)) from error
        source.rename(target)
        return
    step("drop first name")
    source.unlink()  # the file itself stays, under the target's name


def _copy_across(source: Path, target: Path, part: Path, file: FileMove, step: Step) -> None:
    if os.path.lexists(target):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
    try:
        step("copy")
        with source.open("rb") as reading, part.open("wb") as writing:
            shutil.copyfileobj(reading, writing, 2**20)
            step("sync copy")
            writing.flush()
            os.fsync(writing.fileno())
        shutil.copystat(source, part, follow_symlinks=False)
        sync_folder(part.parent)
        _require_same(part, source, file)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    step("drop first name")
    source.unlink()  # the file itself was read back from the copy
    step("name the copy")
    _rename_new(part, target, step)


def _require_same(copy: Path, source: Path, file: FileMove) -> None:
    if wrong(copy, file.content):
        raise ConflictError(
            f"The copy of {source} in {copy.parent} reads back with other bytes; it was not moved."
        )
