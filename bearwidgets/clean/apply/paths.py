"""Where the files of one data set lie: images, workspace, and the table of labels if labels are no folders."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bearwidgets.clean.apply.free_names import inside
from bearwidgets.data.actions import DELETE
from bearwidgets.data.listing.frame import Columns
from bearwidgets.data.split import split_name
from bearwidgets.data.workspace import check_owner, own, round_folder, round_numbers
from bearwidgets.errors import WorkspaceError

if TYPE_CHECKING:
    from pathlib import Path

    from bearwidgets.data.dataset import Dataset


@dataclass(frozen=True)
class DataPaths:
    """The folders and files that the clean room reads and writes.

    Attributes:
        root: The folder with the images.
        workspace: The folder for journal, manifest, rounds and trash.
        source: "folder", "csv" or "df".
        labels: The CSV file with the labels; None where the folders are the labels.
        columns: How `labels` is read.
        by_folder: Whether each label of a DataFrame is the name of the file's folder: a relabel then moves the file,
            so that whoever reads the folder sees it.
    """

    root: Path
    workspace: Path
    source: str
    labels: Path | None
    columns: Columns
    by_folder: bool = False

    @classmethod
    def of(cls, dataset: Dataset) -> DataPaths:
        """The paths of a data set; labels that came as a DataFrame get a file in the workspace."""
        root, workspace = dataset.root, dataset.workspace
        if dataset.source == "folder":
            return cls(root, workspace, "folder", None, Columns())
        if dataset.source == "csv" and dataset.csv is not None:
            return cls(root, workspace, "csv", dataset.csv, dataset.columns or Columns())
        rows = zip(dataset.table["path"], dataset.table["label"], strict=True)
        by_folder = all(path.split("/")[-2:-1] == [label] for path, label in rows)
        return cls(root, workspace, "df", workspace / "labels.csv", Columns(split="split"), by_folder)

    def of_round(self, source: str) -> DataPaths:
        """The same for a round of labels from folders or a DataFrame, however the data set is opened now."""
        if source == self.source or {source, self.source} != {"folder", "df"}:
            return self
        return replace(self, source=source, labels=self.workspace / "labels.csv" if source == "df" else None)

    @property
    def journal(self) -> Path:
        """The journal file."""
        return self.workspace / "journal.jsonl"

    def round_folder(self, number: int) -> Path:
        """The folder with plan and receipt of a round."""
        return round_folder(self.workspace, number)

    def rounds_on_disk(self) -> list[int]:
        """The numbers of all rounds that were ever begun, in order."""
        return round_numbers(self.workspace)

    def source_of(self, path: str) -> Path:
        """The absolute path of an image."""
        return inside(self.root, path)

    def target_of(self, action: str, target: str) -> Path:
        """The absolute path where a round puts an image: deletes go to the workspace, the rest stays in the root."""
        return inside(self.workspace if action == DELETE else self.root, target)

    def class_path(self, path: str, label: str, new_label: str) -> str:
        """The path of an image under another class: the class folder is exchanged, split and subfolders stay."""
        parts = path.split("/")
        if self.by_folder:
            return "/".join([*parts[:-2], new_label, parts[-1]])
        in_split = len(parts) > 2 and parts[1] == label and split_name(parts[0]) is not None
        parts[1 if in_split else 0] = new_label
        return "/".join(parts)

    def check_writable(self) -> bool:
        """Make sure that decisions could be kept; nothing is written.

        Returns:
            Whether the workspace names this data set as its own already.

        Raises:
            WorkspaceError: The workspace cannot be made or written, or is another data set's.
        """
        named = check_owner(self.workspace, self.root)
        there = nearest(self.workspace)
        if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
            raise WorkspaceError(
                f"The workspace {self.workspace} cannot be written, so no decision could be kept. Pass workspace="
                f' with a folder that can be: Dataset.from_{self.source}(..., workspace="my-workspace").'
            )
        return named

    def prepare(self) -> None:
        """Make the workspace, which is this data set's from here on.

        Raises:
            WorkspaceError: It cannot be made or written, or is another data set's.
        """
        if not self.check_writable():
            own(self.workspace, self.root)


def nearest(folder: Path) -> Path:
    """The folder itself, or the next one above it that is there."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder
