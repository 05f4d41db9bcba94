"""From listed files to the table of items: open each, give ids, split."""

from __future__ import annotations

import os
import warnings
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bearwidgets.data.exam import find_exam, lost_exams
from bearwidgets.data.formats.registry import allowed
from bearwidgets.data.identity import copy_id, look_into
from bearwidgets.data.import_notes import notes_on
from bearwidgets.data.listing.folder import was_emptied
from bearwidgets.data.problems import NOT_IMAGE, UNREADABLE, Problem, claims_image, problem_table
from bearwidgets.data.split import split_by_hash
from bearwidgets.data.workspace import half_done
from bearwidgets.errors import BadInputError, and_more

if TYPE_CHECKING:
    from pathlib import Path

    from bearwidgets.data.identity import Facts
    from bearwidgets.data.listing.walk import Listing

_SHOWN = 3


def tabulate(
    listing: Listing, root: Path, workspace: Path, *, valid_pct: float, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """Open the listed files and make what `Dataset.table`, `Dataset.problems` and `Dataset.notes` are.

    Raises:
        BadInputError: No file can be used.
        WorkspaceError: The frozen exam cannot be read.
    """
    base = f"{str(root).rstrip(os.sep)}{os.sep}"
    files = {path: f"{base}{path.replace('/', os.sep)}" for path in sorted(listing.labels)}
    facts = look_into({file: listing.stats[path] for path, file in files.items()})
    broken = [_problem(path, facts[file]) for path, file in files.items() if facts[file].reason]
    problems = problem_table([*listing.problems, *broken])
    paths = [path for path, file in files.items() if not facts[file].reason]
    if not paths:
        if not was_emptied(workspace):
            raise BadInputError(_nothing_usable(root, problems, listing.hint))
        listing.notes.append(
            "no image is left: all were moved by decisions; roll a round back to have them again"
        )
    elif listing.hint:
        listing.notes.append(f"most rows name no file: {listing.hint.rstrip('.')}")
    usable = [facts[files[path]] for path in paths]
    counts = Counter(each.content for each in usable)
    said = [listing.labels[path] for path in paths]
    labels = [
        listing.applied.label_of(label, each.content, path)
        for label, each, path in zip(said, usable, paths, strict=True)
    ]
    if n := sum(one != other for one, other in zip(said, labels, strict=True)):
        listing.notes.append(
            f"{n} labels are those of decisions that were applied, kept in {workspace / 'labels.csv'}"
        )
    columns = {
        "id": [
            each.content if counts[each.content] == 1 else copy_id(each.content, path)
            for path, each in zip(paths, usable, strict=True)
        ],
        "path": paths,
        "label": labels,
        "split": [listing.splits[path] for path in paths],
        "width": [each.width for each in usable],
        "height": [each.height for each in usable],
        "content": [each.content for each in usable],
    }
    table = pd.DataFrame(columns)
    if listing.groups:
        table["group"] = pd.Series([listing.groups.get(path) or None for path in paths], dtype=object)
    table["split"], exam_notes = _split(table, workspace, valid_pct, seed)
    unfinished = half_done(workspace, root)
    for note in unfinished:
        warnings.warn(note, stacklevel=3)
    return (
        table,
        problems,
        [*unfinished, *listing.notes, *exam_notes, *notes_on(table)],
    )


def _problem(path: str, facts: Facts) -> Problem:
    """What no format knows and yet is named as an image, is an image that cannot be read."""
    lost = facts.kind == NOT_IMAGE and claims_image(path)
    return Problem(path, facts.reason, UNREADABLE if lost else facts.kind)


def _split(table: pd.DataFrame, workspace: Path, valid_pct: float, seed: int) -> tuple[Any, list[str]]:
    """The split of each row (as the files say, else as the frozen exam says, else by hash), and notes on it."""
    split = table["split"].to_numpy(dtype=object, copy=True)
    if (split == "valid").any():
        return np.where(split == "", "train", split), []
    content = table["content"].to_numpy(dtype=object)
    ours = split != "test"
    frozen = find_exam(workspace, valid_pct, seed, set(content[ours]))
    if frozen is None:
        labels = table["label"].to_numpy(dtype=object)
        groups = table["group"].to_numpy(dtype=object)[ours] if "group" in table else None
        split[ours] = split_by_hash(content[ours], labels[ours], valid_pct, seed, groups)
        return split, lost_exams(workspace)
    known = np.array([each in frozen.items for each in content])
    split[ours] = np.where(known[ours], "valid", "train")
    gone = len(frozen.items) - len(set(content[known & ours]))
    if gone:
        return split, [f"{gone} of the {len(frozen.items)} images of the frozen exam are no longer here"]
    return split, []


def _nothing_usable(root: Path, problems: pd.DataFrame, hint: str) -> str:
    named = problems["path"] + ": " + problems["reason"]
    shown = and_more(named, _SHOWN, separator="; ")
    if hint:
        return f"No image below {str(root)!r} can be used ({shown}). {hint}"
    kinds = allowed()
    return (
        f"No image below {str(root)!r} can be used ({shown}). {kinds[0].upper()}{kinds[1:]}; the content decides,"
        " not the name."
    )
