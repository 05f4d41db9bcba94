"""What a data set shows of itself, as text and as HTML."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import pandas as pd

from bearwidgets.data.problems import problem_lines
from bearwidgets.data.split import SPLITS
from bearwidgets.errors import and_more
from bearwidgets.figures import counted
from bearwidgets.safe_text import visible

if TYPE_CHECKING:
    from pathlib import Path

    from bearwidgets.data.item_table import ItemTable

_CLASSES = 20


def text_summary(ds: ItemTable, origin: Path) -> str:
    """A few lines: counts by split and class, skipped files, notes."""
    counts = ds.table["label"].value_counts().reindex(ds.classes)
    shown = and_more([f"{visible(str(label))} {n}" for label, n in counts.items()], _CLASSES)
    lines = [
        (
            f"Dataset of {counted(len(ds), 'image')} in {counted(len(ds.classes), 'class', 'classes')}"
            f" from {visible(str(origin))}"
        ),
        f"  {_splits(ds)}",
        f"  {shown}",
    ]
    if len(ds.problems):
        lines.append(f"  {counted(len(ds.problems), 'file')} skipped, see .problems:")
        lines += [f"    {visible(line)}" for line in problem_lines(ds.problems)]
    lines += [f"  note: {visible(note)}" for note in ds.notes]
    return "\n".join(lines)


def html_summary(ds: ItemTable, origin: Path) -> str:
    """A table of counts by class and split with skipped files and notes; every name is escaped."""
    counts = pd.crosstab(ds.table["label"], ds.table["split"])
    splits = [split for split in SPLITS if split in counts.columns]
    head = "".join(f"<th>{split}</th>" for split in splits)
    rows = ""
    for label in counts.index[:_CLASSES]:
        cells = "".join(f"<td>{counts.loc[label, split]:,}</td>" for split in splits)
        rows += f"<tr><th><bdi>{escape(visible(str(label)))}</bdi></th>{cells}</tr>"
    more = f"<p>and {len(counts) - _CLASSES:,} more classes</p>" if len(counts) > _CLASSES else ""
    listed = [f"note: {note}" for note in ds.notes]
    if len(ds.problems):
        listed.append(f"{counted(len(ds.problems), 'file')} skipped, see .problems:")
        listed += problem_lines(ds.problems)
    items = "".join(f"<li><bdi>{escape(visible(line))}</bdi></li>" for line in listed)
    return (
        f"<div><p>Dataset of {counted(len(ds), 'image')} in {counted(len(ds.classes), 'class', 'classes')}"
        f" from <bdi>{escape(visible(str(origin)))}</bdi></p>"
        f"<table><thead><tr><th>label</th>{head}</tr></thead><tbody>{rows}</tbody></table>{more}"
        + (f"<ul>{items}</ul>" if items else "")
        + "</div>"
    )


def _splits(ds: ItemTable) -> str:
    counts = ds.table["split"].value_counts()
    return ", ".join(f"{split} {counts[split]:,}" for split in SPLITS if split in counts.index)
