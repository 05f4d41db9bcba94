"""The data set: one table of items, made from a folder, a CSV file or a DataFrame."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from bearwidgets.data import exam as exams
from bearwidgets.data.cleaned import cleaned_table
from bearwidgets.data.listing.folder import is_inside, list_folder
from bearwidgets.data.listing.frame import Columns, list_frame, read_csv
from bearwidgets.data.listing.importing import import_parts
from bearwidgets.data.listing.libraries import huggingface_parts, torchvision_parts
from bearwidgets.data.show import show_augmented, show_batch
from bearwidgets.data.split import check_arguments
from bearwidgets.data.summary import html_summary, text_summary
from bearwidgets.data.tabulate import tabulate
from bearwidgets.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bearwidgets.data.augment.augment import Augment
    from bearwidgets.data.cleaned import HasDecisions
    from bearwidgets.data.show import Sheet


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Labelled images with a split, made by `from_folder`, `from_csv` or `from_df`; never changed afterwards.

    Attributes:
        root: The resolved folder that paths are relative to.
        workspace: Folder for journal, manifest and exam.
        source: What the labels came from.
        table: One row per usable image, sorted by path: id, path (posix, relative to root), label, split
            ("train", "valid" or "test"), width and height (px, after the EXIF turn), content (hash of the
            bytes). The id is the content, unless other files have the same bytes.
        problems: What could not be used: path, reason.
        notes: Sentences on what deserves a look, such as "only one class".
        valid_pct: Share of items that the split by hash put into "valid".
        seed: Seed of that split.
        csv: The CSV file the labels came from, if any.
        columns: How that CSV file or DataFrame was read.

    Example:
        >>> ds = Dataset.from_folder("bears")  # doctest: +SKIP
        >>> ds.table.head(1)  # doctest: +SKIP
    """

    root: Path
    workspace: Path
    source: Literal["folder", "csv", "df"]
    table: pd.DataFrame
    problems: pd.DataFrame
    notes: list[str]
    valid_pct: float
    seed: int
    csv: Path | None = None
    columns: Columns | None = None
    _frame: pd.DataFrame | None = None  # what `from_df` was given
    _loaded: Dataset | None = None  # the data set as on disk, if this one is a cleaned view of it

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
            >>> ds = Dataset.from_folder("bears", valid_pct=0.2, seed=42)  # doctest: +SKIP
        """
        valid_pct, seed = check_arguments(valid_pct, seed)
        root = _resolved(path)
        space = _workspace(workspace, root)
        parts = tabulate(list_folder(root, skip=space), root, space, valid_pct=valid_pct, seed=seed)
        return cls(root, space, "folder", *parts, valid_pct, seed)

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
            >>> ds = Dataset.from_csv("labels.csv", root="images", label="worst")  # doctest: +SKIP
        """
        valid_pct, seed = check_arguments(valid_pct, seed)
        file = _resolved(csv)
        columns = Columns(path, label, split, sep, encoding)
        frame = read_csv(file, columns)
        folder = file.parent if root is None else _resolved(root)
        space = _workspace(workspace, folder)
        listing = list_frame(frame, folder, columns)
        parts = tabulate(listing, folder, space, valid_pct=valid_pct, seed=seed)
        return cls(folder, space, "csv", *parts, valid_pct, seed, file, columns)

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
            >>> frame = pd.DataFrame({"file": ["1.jpg", "2.jpg"], "y": ["black", "teddy"]})
            >>> ds = Dataset.from_df(frame, root="images", path="file", label="y")  # doctest: +SKIP
        """
        valid_pct, seed = check_arguments(valid_pct, seed)
        folder = _resolved(root)
        columns = Columns(path, label, split)
        space = _workspace(workspace, folder)
        listing = list_frame(frame, folder, columns)
        parts = tabulate(listing, folder, space, valid_pct=valid_pct, seed=seed)
        return cls(folder, space, "df", *parts, valid_pct, seed, None, columns, frame)

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
        """Write the pictures of a Hugging Face data set into a folder, once, and read that folder.

        Files can be relabelled and trashed, rows of an Arrow table cannot. The bytes of each picture are kept as
        they are; a file is called after the number of its row. A second call finds the folder finished and leaves
        it as it is, your relabels and deletes included. What cannot be written is in `problems`.

        Args:
            dataset: A `datasets.Dataset` (written to `folder/<class>/`), or a `DatasetDict` with a train split
                (`folder/<split>/<class>/`).
            folder: A folder that does not exist yet, or the one of an earlier call.
            image: Name of the column of pictures.
            label: Name of the column of classes: ClassLabel, text or whole numbers.
            valid_pct: As in `from_folder`, where no split is called "validation".
            seed: As in `from_folder`.
            workspace: As in `from_folder`.

        Raises:
            BadInputError: Another kind of data set or column, an unknown split, a folder with something else in
                it, or no picture can be used.
            WorkspaceError: The folder cannot be written.

        Example:
            >>> import datasets  # doctest: +SKIP
            >>> ds = Dataset.from_huggingface(datasets.load_dataset("beans"), "beans")  # doctest: +SKIP
        """
        check_arguments(valid_pct, seed)
        root = _resolved(folder)
        imported = import_parts(huggingface_parts(dataset, image=image, label=label), root)
        return imported.told_by(cls.from_folder(root, valid_pct=valid_pct, seed=seed, workspace=workspace))

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
        """Write the pictures of a torchvision data set into a folder, once, and read that folder.

        Files that it has (`samples`, as in `ImageFolder`) are copied; other pictures become PNG without loss, as
        they are before any `transform`. For the rest see `from_huggingface`.

        Args:
            dataset: A data set whose rows are (picture, class), a `Subset` of one, or a mapping of split to such,
                with a train split.
            folder: As in `from_huggingface`.
            valid_pct: As in `from_folder`.
            seed: As in `from_folder`.
            workspace: As in `from_folder`.

        Raises:
            BadInputError: As `from_huggingface`.
            WorkspaceError: As `from_huggingface`.

        Example:
            >>> from torchvision.datasets import CIFAR10  # doctest: +SKIP
            >>> parts = {"train": CIFAR10("data"), "test": CIFAR10("data", train=False)}  # doctest: +SKIP
            >>> ds = Dataset.from_torchvision(parts, "cifar10")  # doctest: +SKIP
        """
        check_arguments(valid_pct, seed)
        root = _resolved(folder)
        imported = import_parts(torchvision_parts(dataset), root)
        return imported.told_by(cls.from_folder(root, valid_pct=valid_pct, seed=seed, workspace=workspace))

    @cached_property
    def classes(self) -> list[str]:
        """Sorted labels of the items."""
        return sorted(set(self.table["label"]))

    @property
    def exam(self) -> exams.Exam | None:
        """The frozen evaluation split of this `valid_pct` and `seed`, or None before `freeze_exam`.

        Raises:
            WorkspaceError: `exam.json` cannot be read.
        """
        return exams.find_exam(self.workspace, self.valid_pct, self.seed, set(self.table["content"]))

    def freeze_exam(self) -> exams.Exam:
        """Keep who is valid, and under which label on disk, unless that is kept already.

        Raises:
            WorkspaceError: `exam.json` is there but cannot be read.
        """
        table = self.loaded.table
        valid = table[table["split"] == "valid"]
        items = dict(zip(valid["content"][::-1], valid["label"][::-1], strict=True))
        return exams.freeze(self.workspace, self.valid_pct, self.seed, items)

    def index_of(self, id: str) -> int:  # noqa: A002 - the name of the column
        """Position of an item in the table.

        Raises:
            BadInputError: There is no item with this id.
        """
        try:
            return self._positions[id]
        except KeyError:
            raise BadInputError(
                f"No item {id!r} in this data set of {len(self):,} items: take an id from Dataset.table."
            ) from None

    def path_of(self, id: str) -> Path:  # noqa: A002 - the name of the column
        """Absolute path of an item's file.

        Raises:
            BadInputError: There is no such item, or its path was made to leave the data folder by now.
        """
        path = self.root / self._paths[self.index_of(id)]
        if not is_inside(str(self.root), str(path)):
            raise BadInputError(f"{str(path)!r} leaves the data folder {str(self.root)!r}: refused.")
        return path

    def cleaned(self, journal: HasDecisions, *, exam: Literal["frozen", "corrected"] = "frozen") -> Dataset:
        """The same data with the decisions taken into account; nothing on disk changes.

        Among the items of train, "delete" and "unsure" leave out and "relabel" gives the new label. Those of
        valid and test stay as they were, for cleaning the exam must not pass for learning; `exam="corrected"`
        takes the decisions there too.

        Args:
            journal: A `Journal`, or anything whose `decisions` is such a table.
            exam: What happens to valid and test.

        Raises:
            BadInputError: `exam` is neither of the two.
        """
        table, notes = cleaned_table(self.table, journal.decisions, exam)
        return replace(self, table=table, notes=[*self.notes, *notes], _loaded=self.loaded)

    def without(self, ids: Sequence[str], reasons: str | Sequence[str]) -> Dataset:
        """The same data without items that turned out to be unusable; they move to `problems`.

        Args:
            ids: Items of this data set.
            reasons: One reason for each, or one for all.

        Raises:
            BadInputError: An id is unknown, or the numbers of ids and reasons differ.
        """
        each = [reasons] * len(ids) if isinstance(reasons, str) else list(reasons)
        if len(each) != len(ids):
            raise BadInputError(
                f"{len(ids)} ids came with {len(each)} reasons; give one for each, or one for all."
            )
        rows = [self.index_of(id_) for id_ in ids]
        found = pd.DataFrame({"path": [self._paths[row] for row in rows], "reason": each}, dtype=object)
        problems = pd.concat([self.problems, found], ignore_index=True).sort_values("path", ignore_index=True)
        table = self.table.drop(index=rows).reset_index(drop=True)
        loaded = None if self._loaded is None else self._loaded.without(ids, reasons)
        return replace(self, table=table, problems=problems, _loaded=loaded)

    def show_batch(
        self,
        n: int = 9,
        *,
        split: str = "train",
        augment: str | Augment | None = None,
        size: int = 224,
        seed: int = 0,
    ) -> Sheet:
        """Some pictures with their labels, as the network sees them; files that cannot be opened are passed over.

        Args:
            n: How many, 1 to 100; fewer are shown where the split holds fewer.
            split: "train", "valid" or "test".
            augment: A name of `augment.PRESETS`, or an `Augment`; None for the looks of evaluation.
            size: Side of the pictures, px.
            seed: Draws the pictures and what is random about their looks.

        Raises:
            BadInputError: A value is not allowed, or no item is in this split.
            ImageError: None of the split's files can be opened.

        Example:
            >>> ds.show_batch(9, augment="light")  # doctest: +SKIP
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
        """A picture as evaluation sees it, and `n` random looks at it as training does.

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
            >>> ds.show_augmented("teddy/12.jpg", augment="strong")  # doctest: +SKIP
        """
        return show_augmented(self, item, n, augment, size=size, seed=seed)

    @property
    def loaded(self) -> Dataset:
        """The data set as it was read from disk, if this one is a cleaned view of it; else itself."""
        return self if self._loaded is None else self._loaded

    def reloaded(self) -> Dataset:
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

    @cached_property
    def _positions(self) -> dict[str, int]:
        return {id_: row for row, id_ in enumerate(self.table["id"])}

    @cached_property
    def _paths(self) -> list[str]:
        return self.table["path"].tolist()

    def __len__(self) -> int:
        return len(self.table)

    def __repr__(self) -> str:
        return text_summary(self)

    def _repr_html_(self) -> str:
        return html_summary(self)


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
    return root / ".bearwidgets" if workspace is None else _resolved(workspace)
