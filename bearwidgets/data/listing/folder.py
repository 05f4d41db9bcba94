"""List the files of a data folder with their labels and splits, without opening one.

Links that leave the folder are refused, links to other folders are not followed, so no loop
catches the walk.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from bearwidgets.data.listing.walk import NO_LABEL, Listing, Walk
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


def list_folder(root: Path, *, skip: Path | None = None) -> Listing:
    """List a folder per class, or train/ valid/ test/ of those, below `root` (a resolved path).

    Args:
        root: The data folder.
        skip: A folder inside it that is no data, such as the workspace.

    Raises:
        MissingFileError: There is no such folder.
        BadInputError: It is no folder, or no class folder is in it.
    """
    check_folder(root)
    walk = Walk(str(root), str(skip))
    folders = walk.subfolders("")
    parts = _split_folders(root, folders)
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
    return walk.listing


def was_emptied(workspace: Path) -> bool:
    """Whether rounds of decisions were applied here: a data set without an image may then be brought back."""
    rounds = workspace / "rounds"
    return rounds.is_dir() and any(rounds.iterdir())


def _split_folders(root: Path, folders: list[str]) -> dict[str, str]:
    """Names of the split folders to their split; empty if the folders are classes (one may be called train)."""
    parts = {name: split for name in folders if (split := split_name(name))}
    if "train" not in parts.values() or (len(parts) == 1 and len(folders) > 1):
        return {}
    train = next(name for name, split in parts.items() if split == "train")
    with os.scandir(root / train) as entries:
        has_classes = any(each.is_dir() and not each.name.startswith(".") for each in entries)
    return parts if has_classes else {}


def _nothing_found(root: Path, folders: list[str], problems: list[Problem]) -> str:
    loose = sum(each.reason == NO_LABEL for each in problems)
    if loose:
        what = f"{loose} images lie in no class folder"
    elif folders:
        what = f"its folders ({', '.join(folders[:5])}) hold no file that can be used"
    else:
        what = "it has no folders in it" if any(root.iterdir()) else "it is empty"
    refused = "".join(f" {each.path}: {each.reason}." for each in problems[:3] if each.reason != NO_LABEL)
    return (
        f"No labeled images in {str(root)!r}: {what}.{refused} Allowed is one folder per class with the images"
        " in it, or train/ valid/ test/ of those; with labels in a table use Dataset.from_csv."
    )
