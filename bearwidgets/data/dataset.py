"""The data set: an item table with its ways in (folder, CSV file, DataFrame, other libraries) and ways to show."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from bearwidgets.data.item_table import ItemTable
from bearwidgets.data.listing.folder import list_folder
from bearwidgets.data.listing.frame import Columns, list_frame, read_csv
from bearwidgets.data.listing.importing import import_parts
from bearwidgets.data.listing.libraries import huggingface_parts, torchvision_parts
from bearwidgets.data.show import show_augmented, show_batch
from bearwidgets.data.split import check_arguments
from bearwidgets.data.summary import html_summary, text_summary
from bearwidgets.data.tabulate import tabulate
from bearwidgets.errors import BadInputError
from bearwidgets.files import refuse_links

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from bearwidgets.data.augment.augment import Augment
    from bearwidgets.data.listing.libraries import Part
    from bearwidgets.data.show import Sheet


@dataclass(frozen=True, eq=False, repr=False)
class Dataset(ItemTable):
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
        cls, path: str | Path, *, valid_pct: float = 0.2, seed: int = 42, workspace: str | Path | None = None
    ) -> Dataset:
        """Read a folder with one folder per class in it, or with train/ valid/ test/ of those.

        Where the folders do not say who is valid, the exam that was frozen at the first training does, else a
        seeded split by content hash.

        Args:
            path: The data folder.
            valid_pct: Share of valid items, 0 to below 1.
            seed: Seed of the split.
            workspace: Folder for journal and exam; `.bearwidgets` inside the data folder if not given.

        Raises:
            MissingFileError: There is no such folder.
            BadInputError: It is no folder, it has no class folders, or no image in it can be used.
            WorkspaceError: A frozen exam is there but cannot be read.

        Example:
            >>> bw.Dataset.from_folder("bears", valid_pct=0.2, seed=42).classes
            ['black', 'grizzly', 'teddy']
        """
        valid_pct, seed = check_arguments(valid_pct, seed)
        root = _resolved(path)
        space = _workspace(workspace, root)
        parts = tabulate(list_folder(root, skip=space), root, space, valid_pct=valid_pct, seed=seed)
        return cls(root, space, *parts, valid_pct, seed, "folder")

    @classmethod
    def from_csv(
        cls,
        csv: str | Path,
        *,
        root: str | Path | None = None,
        path: str = "path",
        label: str = "label",
        split: str | None = None,
        sep: str = ",",
        encoding: str = "utf-8-sig",
        valid_pct: float = 0.2,
        seed: int = 42,
        workspace: str | Path | None = None,
    ) -> Dataset:
        """Read a CSV file with a column of paths and a column of labels.

        Args:
            csv: The CSV file, with a header line.
            root: The folder that paths are relative to and must not leave; that of the CSV if not given.
            path: Name of the column of paths.
            label: Name of the column of labels.
            split: Name of a column that says train, valid or test (or False, True for "is valid"), if any.
            sep: The delimiter.
            encoding: The encoding.
            valid_pct: As in `from_folder`.
            seed: As in `from_folder`.
            workspace: As in `from_folder`.

        Raises:
            MissingFileError: The CSV file or the root is not there.
            BadInputError: The file is no such table, a column is missing, or no image can be used.

        Example:
            >>> ds.table[["path", "label"]].to_csv("labels.csv")
            >>> bw.Dataset.from_csv("labels.csv", root="bears").classes
            ['black', 'grizzly', 'teddy']
        """
        valid_pct, seed = check_arguments(valid_pct, seed)
        file = _resolved(csv)
        columns = Columns(path, label, split, sep, encoding)
        frame = read_csv(file, columns)
        folder = file.parent if root is None else _resolved(root)
        space = _workspace(workspace, folder)
        parts = tabulate(list_frame(frame, folder, columns), folder, space, valid_pct=valid_pct, seed=seed)
        return cls(folder, space, *parts, valid_pct, seed, "csv", file, columns)

    @classmethod
    def from_df(
        cls,
        frame: pd.DataFrame,
        *,
        root: str | Path = ".",
        path: str = "path",
        label: str = "label",
        split: str | None = None,
        valid_pct: float = 0.2,
        seed: int = 42,
        workspace: str | Path | None = None,
    ) -> Dataset:
        """Read a DataFrame with a column of paths and a column of labels; arguments and errors as `from_csv`.

        Example:
            >>> frame = pd.DataFrame({"file": ds.table.path, "y": ds.table.label})
            >>> bw.Dataset.from_df(frame, root="bears", path="file", label="y").classes
            ['black', 'grizzly', 'teddy']
        """
        valid_pct, seed = check_arguments(valid_pct, seed)
        folder = _resolved(root)
        columns = Columns(path, label, split)
        space = _workspace(workspace, folder)
        parts = tabulate(list_frame(frame, folder, columns), folder, space, valid_pct=valid_pct, seed=seed)
        return cls(folder, space, *parts, valid_pct, seed, "df", None, columns, frame)

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
        parts = torchvision_parts(dataset)
        return cls._imported(parts, folder, valid_pct=valid_pct, seed=seed, workspace=workspace)

    @classmethod
    def _imported(cls, parts: Sequence[Part], folder: str | Path, **options: Any) -> Dataset:
        root = _resolved(folder)
        imported = import_parts(parts, root)
        return cls.from_folder(root, **options).with_import_notes(imported.problems, imported.notes)

    def show_batch(
        self,
        n: int = 9,
        *,
        split: str = "train",
        augment: str | Augment | None = None,
        size: int = 224,
        seed: int = 0,
    ) -> Sheet:
        """Some images with their labels, as the network sees them; files that cannot be opened are passed over.

        Args:
            n: How many, 1 to 100; fewer are shown where the split holds fewer.
            split: "train", "valid" or "test".
            augment: A name of `augment.PRESETS`, or an `Augment`; None for the looks of evaluation.
            size: Side of the images, px.
            seed: Draws the images and what is random about their looks.

        Raises:
            BadInputError: A value is not allowed, or no item is in this split.
            ImageError: None of the split's files can be opened.

        Example:
            >>> sheet = ds.show_batch(9, augment="light")
        """
        return show_batch(self, n, split=split, augment=augment, size=size, seed=seed)

    def show_augmented(
        self,
        item: str | Path,
        n: int = 8,
        augment: str | Augment = "standard",
        *,
        size: int = 224,
        seed: int = 0,
    ) -> Sheet:
        """An image as evaluation sees it, and `n` random looks at it as training does.

        Args:
            item: Id or path of an item.
            n: How many random looks, 1 to 100.
            augment: As of `show_batch`.
            size: As of `show_batch`.
            seed: As of `show_batch`.

        Raises:
            BadInputError: There is no such item, or a value is not allowed.
            ImageError: The item's file cannot be opened.

        Example:
            >>> sheet = ds.show_augmented(ds.table.id[0], augment="strong")
        """
        return show_augmented(self, item, n, augment, size=size, seed=seed)

    def reread(self) -> Dataset:
        """The same data set read anew from disk, after files were moved or labels were rewritten.

        Raises:
            MissingFileError: The folder or the CSV file is gone.
            BadInputError: No image in it can be used any more.
        """
        drawn: dict[str, Any] = {"valid_pct": self.valid_pct, "seed": self.seed, "workspace": self.workspace}
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
        names: dict[str, Any] = {"path": columns.path, "label": columns.label, "split": columns.split}
        fresh = Dataset.from_df(frame, root=self.root, **names, **drawn)
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


def _resolved(path: str | Path) -> Path:
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


def _workspace(workspace: str | Path | None, root: Path) -> Path:
    space = root / ".bearwidgets" if workspace is None else _resolved(workspace)
    refuse_links(space)
    return space
