"""The data set: an item table with its ways in (folder, CSV file, DataFrame, other libraries)."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from bearwidgets.data.formats.limits import allow_pixels
from bearwidgets.data.listing.applied import read_applied
from bearwidgets.data.listing.folder import list_folder
from bearwidgets.data.listing.frame import Columns, list_frame, read_csv
from bearwidgets.data.listing.groups import group_by_pattern
from bearwidgets.data.listing.importing import import_parts
from bearwidgets.data.listing.libraries import huggingface_parts, torchvision_parts
from bearwidgets.data.show import ShownItems
from bearwidgets.data.split import check_arguments
from bearwidgets.data.summary import html_summary, text_summary
from bearwidgets.data.tabulate import tabulate
from bearwidgets.data.workspace import resolved, workspace_of
from bearwidgets.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pandas as pd

    from bearwidgets.data.listing.libraries import Part


@dataclass(frozen=True, eq=False, repr=False)
class Dataset(ShownItems):
    """Labeled images with a split, made by `from_folder`, `from_csv` or `from_df`; never changed afterwards.

    Attributes:
        source: What the labels came from.
        csv: The CSV file the labels came from, if any.
        columns: How that CSV file or DataFrame was read.
        others: Those of `ItemTable`: root, workspace, table, problems, notes, valid_pct, seed.

    Example:
        >>> ds = bw.Dataset.from_folder("bears")
        >>> ds.table.columns.tolist()
        ['id', 'path', 'label', 'split', 'width', 'height', 'content']
    """

    source: Literal["folder", "csv", "df"]
    csv: Path | None = None
    columns: Columns | None = None
    _frame: pd.DataFrame | None = None  # what `from_df` was given

    @classmethod
    def from_folder(
        cls,
        path: str | Path,
        *,
        valid_pct: float = 0.2,
        seed: int = 42,
        groups: str | None = None,
        follow_links: bool = False,
        max_pixels: int | None = None,
        workspace: str | Path | None = None,
    ) -> Dataset:
        r"""Read a folder with one folder per class in it, or with train/ valid/ test/ of those.

        Where the folders do not say who is valid, the exam that was frozen at the first training does, else a
        seeded split by content hash.

        Args:
            path: The data folder.
            valid_pct: Share of valid items, 0 to below 1.
            seed: Seed of the split.
            groups: A regular expression that finds in a path what must stay on one side of the split, such as
                r"patient\d+"; its first group, else all of it. The table then has a column `group`.
            follow_links: Whether links that leave the folder, and links to folders, are followed: only where the
                links are yours. A folder is read once, so a circle of links ends.
            max_pixels: Width times height above which an image is refused; 89 million if not given. A larger number
                than before holds from now on for all that opens images in this process, as training does.
            workspace: Folder for journal and exam; `.bearwidgets` inside the data folder if not given.

        Raises:
            MissingFileError: There is no such folder.
            BadInputError: It is no folder, its class folders are missing or a level off, or no image in it can be
                used.
            WorkspaceError: A frozen exam is there but cannot be read.

        Example:
            >>> bw.Dataset.from_folder("bears", valid_pct=0.2, seed=42).classes
            ['black', 'grizzly', 'teddy']
        """
        valid_pct, seed = check_arguments(valid_pct, seed)
        allow_pixels(max_pixels)
        root = resolved(path)
        space = workspace_of(workspace, root)
        listing = list_folder(root, skip=space, follow_links=follow_links)
        if groups is not None:
            group_by_pattern(listing, groups)
        parts = tabulate(listing, root, space, valid_pct=valid_pct, seed=seed)
        return cls(root, space, *parts, valid_pct, seed, "folder", groups=groups, follow_links=follow_links)

    @classmethod
    def from_csv(
        cls,
        csv: str | Path,
        *,
        root: str | Path | None = None,
        path: str = "path",
        label: str = "label",
        split: str | None = None,
        suffix: str = "",
        folder: str = "",
        sep: str = ",",
        encoding: str = "utf-8-sig",
        valid_pct: float = 0.2,
        seed: int = 42,
        groups: str | None = None,
        follow_links: bool = False,
        max_pixels: int | None = None,
        workspace: str | Path | None = None,
    ) -> Dataset:
        """Read a CSV file with a column of paths and a column of labels.

        Args:
            csv: The CSV file, with a header line.
            root: The folder that paths are relative to and must not leave; that of the CSV if not given.
            path: Name of the column of paths.
            label: Name of the column of labels.
            split: Name of a column that says train, valid or test (or 0 and 1, False and True for "is valid", or for
                what the column's name says, as is_train does), if any.
            suffix: What the paths lack, such as ".jpg".
            folder: The folder below `root` that the paths are relative to.
            sep: The delimiter.
            encoding: The encoding.
            valid_pct: As in `from_folder`.
            seed: As in `from_folder`.
            groups: Name of a column, or a pattern as in `from_folder`.
            follow_links: As in `from_folder`.
            max_pixels: As in `from_folder`.
            workspace: As in `from_folder`.

        Raises:
            MissingFileError: The CSV file or the root is not there.
            BadInputError: The file is no such table, a column is missing, labels are several for an image or measured
                numbers, a split is unknown, or no image can be used.

        Example:
            >>> ds.table[["path", "label"]].to_csv("labels.csv")
            >>> bw.Dataset.from_csv("labels.csv", root="bears").classes
            ['black', 'grizzly', 'teddy']
        """
        valid_pct, seed = check_arguments(valid_pct, seed)
        allow_pixels(max_pixels)
        file = resolved(csv)
        columns = Columns(path, label, split, sep, encoding, suffix, folder)
        frame = read_csv(file, columns)
        base = file.parent if root is None else resolved(root)
        space = workspace_of(workspace, base)
        listing = list_frame(frame, base, columns, groups=groups, follow_links=follow_links)
        parts = tabulate(listing, base, space, valid_pct=valid_pct, seed=seed)
        kept: dict[str, Any] = {"columns": columns, "groups": groups, "follow_links": follow_links}
        return cls(base, space, *parts, valid_pct, seed, "csv", csv=file, **kept)

    @classmethod
    def from_df(
        cls,
        frame: pd.DataFrame,
        *,
        root: str | Path = ".",
        path: str = "path",
        label: str = "label",
        split: str | None = None,
        suffix: str = "",
        folder: str = "",
        valid_pct: float = 0.2,
        seed: int = 42,
        groups: str | None = None,
        follow_links: bool = False,
        max_pixels: int | None = None,
        workspace: str | Path | None = None,
    ) -> Dataset:
        """Read a DataFrame with a column of paths and a column of labels; arguments and errors as `from_csv`.

        Relabels that were applied earlier are laid over the frame, which does not know them; a note says how many.
        A label that was changed in the frame since is the frame's.

        Example:
            >>> frame = pd.DataFrame({"file": ds.table.path, "y": ds.table.label})
            >>> bw.Dataset.from_df(frame, root="bears", path="file", label="y").classes
            ['black', 'grizzly', 'teddy']
        """
        valid_pct, seed = check_arguments(valid_pct, seed)
        allow_pixels(max_pixels)
        base = resolved(root)
        columns = Columns(path, label, split, suffix=suffix, folder=folder)
        space = workspace_of(workspace, base)
        applied = read_applied(space)
        listing = list_frame(frame, base, columns, groups=groups, follow_links=follow_links, applied=applied)
        parts = tabulate(listing, base, space, valid_pct=valid_pct, seed=seed)
        kept: dict[str, Any] = {"columns": columns, "groups": groups, "follow_links": follow_links}
        return cls(base, space, *parts, valid_pct, seed, "df", _frame=frame, **kept)

    @classmethod
    def from_huggingface(
        cls,
        dataset: Any,
        folder: str | Path,
        *,
        image: str = "image",
        label: str = "label",
        valid_pct: float = 0.2,
        seed: int = 42,
        max_pixels: int | None = None,
        workspace: str | Path | None = None,
    ) -> Dataset:
        """Write the images of a Hugging Face data set into a folder, once, and read that folder.

        Files can be relabeled and trashed, rows of an Arrow table cannot. The bytes of each image are kept as
        they are; a file is called after the number of its row. A second call finds the folder finished and leaves
        it as it is, your relabels and deletes included. What cannot be written is in `problems`.

        Args:
            dataset: A `datasets.Dataset` (written to `folder/<class>/`), or a `DatasetDict` with a train split
                (`folder/<split>/<class>/`).
            folder: A folder that does not exist yet, or the one of an earlier call.
            image: Name of the column of images.
            label: Name of the column of classes: ClassLabel, text or whole numbers.
            valid_pct: As in `from_folder`, where no split is called "validation".
            seed: As in `from_folder`.
            max_pixels: As in `from_folder`.
            workspace: As in `from_folder`.

        Raises:
            BadInputError: Another kind of data set or column, an unknown split, a folder with something else in
                it, or no image can be used.
            WorkspaceError: The folder cannot be written.

        Example:
            >>> import datasets
            >>> ds = bw.Dataset.from_huggingface(datasets.load_dataset("beans"), "beans")  # doctest: +SKIP
        """
        check_arguments(valid_pct, seed)
        allow_pixels(max_pixels)
        parts = huggingface_parts(dataset, image=image, label=label)
        return cls._imported(parts, folder, valid_pct=valid_pct, seed=seed, workspace=workspace)

    @classmethod
    def from_torchvision(
        cls,
        dataset: Any,
        folder: str | Path,
        *,
        valid_pct: float = 0.2,
        seed: int = 42,
        max_pixels: int | None = None,
        workspace: str | Path | None = None,
    ) -> Dataset:
        """Write the images of a torchvision data set into a folder, once, and read that folder.

        Files that it has (`samples`, as in `ImageFolder`) are copied; other images become PNG without loss, as
        they are before any `transform`. For the rest see `from_huggingface`.

        Args:
            dataset: A data set whose rows are (image, class), a `Subset` of one, or a mapping of split to such,
                with a train split.
            folder: As in `from_huggingface`.
            valid_pct: As in `from_folder`.
            seed: As in `from_folder`.
            max_pixels: As in `from_folder`.
            workspace: As in `from_folder`.

        Raises:
            BadInputError: As `from_huggingface`.
            WorkspaceError: As `from_huggingface`.

        Example:
            >>> from torchvision.datasets import CIFAR10
            >>> parts = {"train": CIFAR10("data"), "test": CIFAR10("data", train=False)}  # doctest: +SKIP
            >>> ds = bw.Dataset.from_torchvision(parts, "cifar10")  # doctest: +SKIP
        """
        check_arguments(valid_pct, seed)
        allow_pixels(max_pixels)
        parts = torchvision_parts(dataset)
        return cls._imported(parts, folder, valid_pct=valid_pct, seed=seed, workspace=workspace)

    @classmethod
    def _imported(cls, parts: Sequence[Part], folder: str | Path, **options: Any) -> Dataset:
        root = resolved(folder)
        imported = import_parts(parts, root)
        return cls.from_folder(root, **options).with_import_notes(imported.problems, imported.notes)

    def reread(self) -> Dataset:
        """The same data set read anew from disk, after files were moved or labels were rewritten.

        Raises:
            MissingFileError: The folder or the CSV file is gone.
            BadInputError: No image in it can be used any more.
        """
        names = ("valid_pct", "seed", "workspace", "groups", "follow_links")
        drawn: dict[str, Any] = {name: getattr(self, name) for name in names}
        if self.source == "folder":
            return Dataset.from_folder(self.root, **drawn)
        columns = self.columns or Columns()
        if self.source == "csv" and self.csv is not None:
            return Dataset.from_csv(self.csv, root=self.root, **asdict(columns), **drawn)
        rewritten = self.workspace / "labels.csv"
        if rewritten.is_file():
            columns = Columns(split="split")
        frame = read_csv(rewritten, columns) if rewritten.is_file() else self._frame
        assert frame is not None  # noqa: S101 - `from_df` keeps it
        if rewritten.is_file() and self.groups and self._frame is not None and self.groups in self._frame:
            known = dict(zip(self.table["path"], self.table["group"], strict=True))
            frame = frame.assign(**{self.groups: frame["path"].map(known)})
        read_as = {name: getattr(columns, name) for name in ("path", "label", "split", "suffix", "folder")}
        fresh = Dataset.from_df(frame, root=self.root, **read_as, **drawn)
        return replace(fresh, columns=self.columns, _frame=self._frame)

    def __repr__(self) -> str:
        return text_summary(self, self.csv or self.root)

    def _repr_html_(self) -> str:
        return html_summary(self, self.csv or self.root)


def check_dataset(value: object, name: str = "ds") -> Dataset:
    """The value if it is a `Dataset`; else a BadInputError, which calls it `name` and says how to make one."""
    if isinstance(value, Dataset):
        return value
    path = str(value) if isinstance(value, (str, os.PathLike)) else ""
    came = (
        repr(path or value) if path or isinstance(value, (int, float, type(None))) else type(value).__name__
    )
    raise BadInputError(
        f"{name} is {came}; a Dataset is needed: bw.Dataset.from_folder({path or 'bears'!r})."
    )
