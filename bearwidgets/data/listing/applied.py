"""What rounds did to the labels of a DataFrame, laid over the frame when it is read again.

The frame itself is its owner's. `labels.csv` of the workspace holds path, label and split as the rounds left them
and, where these differ from the frame, frame_path and frame_label; content tells the image again.
"""

from __future__ import annotations

import csv
import io
import os
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

APPLIED_COLUMNS = ("path", "label", "split", "frame_path", "frame_label", "content")


@dataclass(frozen=True)
class Applied:
    """Where files of a frame lie now, and labels: content (and path) → the frame's label and the one in force."""

    moved: dict[str, str] = field(default_factory=dict)
    labels: dict[str | tuple[str, str], tuple[str, str]] = field(default_factory=dict)

    def path_of(self, path: str, root: Path) -> str:
        """Where the file of a row is now."""
        now = self.moved.get(path)
        gone = now is not None and not os.path.lexists(root / path) and os.path.lexists(root / now)
        return now if now is not None and gone else path

    def label_of(self, label: str, content: str, path: str) -> str:
        """The label in force; one that was changed in the frame since stays."""
        was, now = self.labels.get((content, path)) or self.labels.get(content) or (label, label)
        return now if label == was else label


def applied_rows(data: bytes) -> list[dict[str, str]]:
    """The rows of labels.csv that differ from the frame; none of a damaged file, or one of earlier versions."""
    try:
        rows = list(csv.DictReader(io.StringIO(data.decode(), newline="")))
    except (UnicodeDecodeError, csv.Error):
        return []
    whole = (row for row in rows if all(isinstance(row.get(name), str) for name in APPLIED_COLUMNS))
    return [row for row in whole if row["frame_path"]]


def read_applied(workspace: Path) -> Applied:
    """What labels.csv of a workspace says; nothing where there is none."""
    try:
        rows = applied_rows((workspace / "labels.csv").read_bytes())
    except OSError:
        return Applied()
    counts = Counter(row["content"] for row in rows)
    labels: dict[str | tuple[str, str], tuple[str, str]] = {}
    for row in rows:
        changed = row["frame_label"], row["label"]
        labels[row["content"], row["path"]] = changed
        if counts[row["content"]] == 1:
            labels[row["content"]] = changed
    return Applied({row["frame_path"]: row["path"] for row in rows}, labels)
