"""Where the files of one data set lie: images, workspace, and the table of labels if labels are no folders."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bearwidgets.clean.apply.free_names import inside
from bearwidgets.data.actions import DELETE
from bearwidgets.data.listing.frame import Columns
from bearwidgets.data.split import split_name
from bearwidgets.errors import WorkspaceError
from bearwidgets.files import explain

if TYPE_CHECKING:
    from pathlib import Path

    from bearwidgets.data.dataset import Dataset

_ROUND = re.compile(r"\d{4,}")


@dataclass(frozen=True)
class DataPaths:
    """The folders and files that the clean room reads and writes.

    Attributes:
        root: The folder with the images.
        workspace: The folder for journal, manifest, rounds and trash.
        source: "folder", "csv" or "df".
        labels: The CSV file with the labels; None where the folders are the labels.
        columns: How `labels` is read.
    """

    root: Path
    workspace: Path
    source: str
    labels: Path | None
    columns: Columns

    @classmethod
    def of(cls, dataset: Dataset) -> DataPaths:
        """The paths of a data set; labels that came as a DataFrame get a file in the workspace."""
        root, workspace = dataset.root, dataset.workspace
        if dataset.source == "folder":
            return cls(root, workspace, "folder", None, Columns())
        if dataset.source == "csv" and dataset.csv is not None:
            return cls(root, workspace, "csv", dataset.csv, dataset.columns or Columns())
        return cls(root, workspace, "df", workspace / "labels.csv", Columns(split="split"))

    @property
    def journal(self) -> Path:
        """The journal file."""
        return self.workspace / "journal.jsonl"

    @property
    def lock(self) -> Path:
        """The file whose lock the writer holds."""
        return self.workspace / "journal.lock"

    def round_folder(self, number: int) -> Path:
        """The folder with plan and receipt of a round."""
        return self.workspace / "rounds" / f"{number:04d}"

    def rounds_on_disk(self) -> list[int]:
        """The numbers of all rounds that were ever begun, in order."""
        folder = self.workspace / "rounds"
        if not folder.is_dir():
            return []
        return sorted(int(each.name) for each in folder.iterdir() if _ROUND.fullmatch(each.name))

    def source_of(self, path: str) -> Path:
        """The absolute path of an image."""
        return inside(self.root, path)

    def target_of(self, action: str, target: str) -> Path:
        """The absolute path where a round puts an image: deletes go to the workspace, the rest stays in the root."""
        return inside(self.workspace if action == DELETE else self.root, target)

    def class_path(self, path: str, label: str, new_label: str) -> str:
        """The path of an image under another class: the class folder is exchanged, split and subfolders stay."""
        parts = path.split("/")
        in_split = len(parts) > 2 and parts[1] == label and split_name(parts[0]) is not None
        parts[1 if in_split else 0] = new_label
        return "/".join(parts)

    def check_writable(self) -> None:
        """Make sure that decisions could be kept; nothing is written.

        Raises:
            WorkspaceError: The workspace cannot be made or written.
        """
        there = nearest(self.workspace)
        if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
            raise WorkspaceError(
                f"The workspace {self.workspace} cannot be written, so no decision could be kept. Pass workspace="
                f' with a folder that can be: Dataset.from_{self.source}(..., workspace="my-workspace").'
            )

    def prepare(self) -> None:
        """Make the workspace.

        Raises:
            WorkspaceError: It cannot be made or written.
        """
        self.check_writable()
        try:
            self.workspace.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise explain(error, self.workspace, "No decision could be kept.") from error


def nearest(folder: Path) -> Path:
    """The folder itself, or the next one above it that is there."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder
