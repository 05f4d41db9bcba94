"""Which folders of a data folder are splits and which are classes; if they lie a level off, which one to give."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from bearwidgets.data.split import beside_split, split_name, splits_in
from bearwidgets.errors import BadInputError, and_more

if TYPE_CHECKING:
    from bearwidgets.data.listing.walk import Walk

_WANTED = "train, valid and test with one folder per class directly in each"


def split_folders(walk: Walk, folders: list[str]) -> dict[str, str]:
    """Names of the split folders to their split; empty if the folders are classes (one may be called train).

    Raises:
        BadInputError: They are neither, as far as their names and what lies in them tell.
    """
    level = _Level(walk, folders)
    splits = set(level.exact.values())
    if "train" not in splits:
        level.check_names()
    elif level.holds_splits(splits):
        return level.exact
    level.check_classes()
    return {}


def check_splits(walk: Walk, parts: dict[str, str]) -> None:
    """Refuse split folders of which nothing could be taken, and those with other classes than train.

    Raises:
        BadInputError: Another split would be made in place of the user's, or classes would be examined that no
            image was trained on.
    """
    labels: dict[str, set[str]] = {split: set() for split in parts.values()}
    for path, split in walk.listing.splits.items():
        labels[split].add(walk.listing.labels[path])
    for part, split in parts.items():
        if split == "train":
            continue
        folders, images = walk.look(part)
        if split == "valid" and not labels["valid"] and images:
            raise BadInputError(
                f"{_full(walk, part)!r} holds images and no class folders, so who is examined has no label. Put them"
                " into one folder per class, as in train, or take the folder out of the data: a share of train is"
                " then held out."
            )
        if labels[split] and not labels[split] & labels["train"]:
            raise BadInputError(
                f"The folders in {part!r} ({and_more(sorted(labels[split]), 5)}) are none of those in train"
                f" ({and_more(sorted(labels['train']), 5) or 'it holds none'}). Allowed are folders {_WANTED}."
                f" If {part!r} has no labels, give {_full(walk, _train(parts))!r} or use Dataset.from_csv."
            )
        if split == "valid" and not labels["valid"]:
            empty = " and its folders" if folders else ""
            walk.listing.notes.append(f"{part!r}{empty} holds no image: a share of train is held out instead")


class _Level:
    """What lies in each of some folders side by side."""

    def __init__(self, walk: Walk, folders: list[str]) -> None:
        self.walk = walk
        self.folders = folders
        self.exact = {name: split for name in folders if (split := split_name(name))}
        self.hinted = {name: split for name in folders if (split := next(iter(splits_in(name)), None))}
        self.inside = {name: walk.look(name) for name in folders}

    def holds_splits(self, splits: set[str]) -> bool:
        """Whether the folders that are named as splits, train among them, are splits."""
        train = _train(self.exact)
        nested, images = self.inside[train]
        strangers = [name for name in self.folders if name not in self.hinted]
        if nested and not images:
            rivals = [name for name in strangers if self.inside[name][1]]
            if len(splits) == 1 and rivals:
                raise BadInputError(
                    f"{train!r} holds folders ({and_more(nested, 5)}), {and_more(map(repr, rivals), 3)} images. If"
                    f" {train!r} is a split, give {_full(self.walk, train)!r}; if it is a class, rename it."
                )
            return True
        if images and not nested and (len(splits) > 1 or not strangers):
            self._refuse_flat()
        return len(splits) > 1 or not strangers

    def check_names(self) -> None:
        """Refuse folders that look like splits under other names, or without one to train on."""
        if len(set(self.hinted.values())) < 2:
            return
        looked_at = [self.inside[name] for name in self.hinted]
        if all(nested and not images for nested, images in looked_at):
            first = _train(self.hinted) if "train" in self.hinted.values() else next(iter(self.hinted))
            raise BadInputError(
                f"The folders {and_more(map(repr, self.hinted), 5)} look like splits. Rename them so that there are"
                f" {_WANTED}; or give one of them: {_full(self.walk, _innermost(self.walk, first))!r}."
            )
        alike: dict[str | None, set[str]] = {}
        for name, split in self.hinted.items():
            alike.setdefault(beside_split(name), set()).add(split)
        alike.pop(None, None)  # test_positive and train_station are classes
        if len(self.hinted) == len(self.folders) and any(len(splits) > 1 for splits in alike.values()):
            self._refuse_flat()

    def check_classes(self) -> None:
        """Refuse class folders that hold splits; note those that hold what looks like classes."""
        nested = {name: found for name, (found, images) in self.inside.items() if found and not images}
        for name, found in nested.items():
            splits = {split_name(each) for each in found} - {None}
            if "train" in splits and (len(splits) > 1 or len(self.folders) == 1):
                raise BadInputError(
                    f"{name!r} holds {and_more(found, 5)}. If these are the splits, give {_full(self.walk, name)!r};"
                    f" if {name!r} is a class, the splits belong above the classes: train/{name}."
                )
        if len(self.folders) == 1 and nested:
            inner = _innermost(self.walk, self.folders[0])
            names = self.walk.look(inner)[0]
            if len(names) > 1:
                self.walk.listing.notes.append(
                    f"{inner!r} holds the folders {and_more(map(repr, names), 5)}: if these are the classes, give"
                    f" {_full(self.walk, inner)!r}"
                )
        elif len(nested) == len(self.folders) > 1:
            shared = sorted(set.intersection(*map(set, nested.values())))
            if len(shared) > 1:
                self.walk.listing.notes.append(
                    f"each of the folders {and_more(map(repr, nested), 5)} holds {and_more(map(repr, shared), 5)}: if"
                    f" these are the classes, give one of them, such as {_full(self.walk, self.folders[0])!r}"
                )

    def _refuse_flat(self) -> NoReturn:
        names = and_more(map(repr, self.hinted), 5)
        raise BadInputError(
            f"The folders {names} are named as splits, but do not hold class folders. Allowed are folders {_WANTED};"
            f" with labels in a table use Dataset.from_csv(..., root={self.walk.root!r}, split=...)."
        )


def _train(parts: dict[str, str]) -> str:
    return next(name for name, split in parts.items() if split == "train")


def _innermost(walk: Walk, folder: str) -> str:
    """The folder, or what it alone holds, as long as that is one folder only."""
    folders, images = walk.look(folder)
    while len(folders) == 1 and not images:
        inner = f"{folder}/{folders[0]}"
        folders, images = walk.look(inner)
        if not folders:  # the last one holds the images: its name may be the class
            break
        folder = inner
    return folder


def _full(walk: Walk, folder: str) -> str:
    return f"{walk.root}/{folder}"
