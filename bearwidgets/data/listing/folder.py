"""List the files of a data folder with their labels and splits, without opening one.

Links that leave the folder are refused and links to other folders are not followed, unless the user says that the
links are theirs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bearwidgets.data.listing.levels import check_splits, split_folders
from bearwidgets.data.listing.walk import LINKED_FOLDER, NO_LABEL, Listing, Walk
from bearwidgets.data.split import split_name
from bearwidgets.errors import BadInputError, MissingFileError, unknown_name

if TYPE_CHECKING:
    from pathlib import Path

    from bearwidgets.data.problems import Problem


def check_folder(root: Path) -> None:
    """Refuse what is no folder.

    Raises:
        MissingFileError: There is nothing at `root`.
        BadInputError: `root` is a file.
    """
    if root.is_dir():
        return
    if root.exists():
        raise BadInputError(f"{str(root)!r} is a file; allowed is a folder with one folder per class in it")
    near = ""
    if root.parent.is_dir():
        folders = [each.name for each in root.parent.iterdir() if each.is_dir()]
        near = " " + unknown_name("folder", root.name, folders, f"in {str(root.parent)!r}") if folders else ""
    raise MissingFileError(f"No folder {str(root)!r}: give the folder that holds the images.{near}")


def list_folder(root: Path, *, skip: Path | None = None, follow_links: bool = False) -> Listing:
    """List a folder per class, or train/ valid/ test/ of those, below `root` (a resolved path).

    Args:
        root: The data folder.
        skip: The workspace: what it keeps is no data.
        follow_links: Whether links that leave the root, and links to folders, are followed.

    Raises:
        MissingFileError: There is no such folder.
        BadInputError: It is no folder, no class folder is in it, or the folders are those of another level.
    """
    check_folder(root)
    walk = Walk(str(root), str(skip), follow_links=follow_links)
    folders = walk.subfolders("")
    _check_links(walk.listing.problems, folders)
    parts = split_folders(walk, folders)
    for part, split in parts.items():
        for name in walk.subfolders(part):
            walk.list_class(f"{part}/{name}", name, split)
    for name in folders:
        if not parts:
            walk.list_class(name, name, "")
        elif name not in parts:
            walk.refuse(name, "this folder is none of train, valid, test: left out")
    if not walk.listing.labels and not (skip is not None and was_emptied(skip)):
        raise BadInputError(_nothing_found(root, folders, walk.listing.problems))
    if parts:
        check_splits(walk, parts)
    return walk.listing


def was_emptied(workspace: Path) -> bool:
    """Whether rounds of decisions were applied here: a data set without an image may then be brought back."""
    rounds = workspace / "rounds"
    return rounds.is_dir() and any(rounds.iterdir())


def _check_links(problems: list[Problem], folders: list[str]) -> None:
    """Refuse a linked split folder beside others: without it another split would be made."""
    linked = [each.path for each in problems if each.reason == LINKED_FOLDER and split_name(each.path)]
    if linked and all(split_name(name) for name in folders):
        raise BadInputError(
            f"The folder {linked[0]!r} is a link, and links to folders are not followed. If it is yours, pass"
            " follow_links=True (--follow-links); else copy the folder here."
        )


def _nothing_found(root: Path, folders: list[str], problems: list[Problem]) -> str:
    loose = sum(each.reason == NO_LABEL for each in problems)
    if loose:
        what = f"{loose} images lie in no class folder"
    elif folders:
        what = f"its folders ({', '.join(folders[:5])}) hold no file that can be used"
    else:
        what = "it has no folders in it" if any(root.iterdir()) else "it is empty"
    refused = "".join(f" {each.path}: {each.reason}." for each in problems[:3] if each.reason != NO_LABEL)
    unlabeled = (
        " Images without labels: move them into a folder there, such as 'unlabeled', and open this one again; R in a"
        " Cleaner then gives each its class."
    )
    return (
        f"No labeled images in {str(root)!r}: {what}.{refused} Allowed is one folder per class with the images"
        " in it, or train/ valid/ test/ of those; with labels in a table use Dataset.from_csv."
        f"{unlabeled if loose else ''}"
    )
