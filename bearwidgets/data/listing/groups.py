"""Which images belong together (one patient, animal, scene), so that they stay on one side of the split."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bearwidgets.data.listing.labels import cell_text
from bearwidgets.errors import BadInputError

if TYPE_CHECKING:
    import pandas as pd

    from bearwidgets.data.listing.walk import Listing


def group_by_pattern(listing: Listing, pattern: str, or_what: str = "") -> None:
    r"""Put files into groups by what a regular expression finds in their paths: its first group, else all of it.

    Args:
        listing: Gets `groups`, and a note on files in none.
        pattern: Such as r"patient\d+".
        or_what: What else the argument may be, for the message.

    Raises:
        BadInputError: It is no regular expression, or finds nothing in any path.
    """
    try:
        found = {path: re.search(pattern, path) for path in listing.labels}
    except (re.error, TypeError) as error:
        raise BadInputError(
            f"groups is {pattern!r}; allowed is {or_what}a regular expression that finds the group in a path, such"
            f" as r'patient\\d+' ({error})."
        ) from error
    listing.groups = {
        path: match[1 if match.re.groups else 0] or "" for path, match in found.items() if match
    }
    if listing.labels and not any(listing.groups.values()):
        raise BadInputError(
            f"groups={pattern!r} finds nothing in any path, such as {min(listing.labels)!r}; allowed is {or_what}a"
            " regular expression that finds the group in a path."
        )
    _note(listing)


def group_by_column(listing: Listing, paths: list[str], cells: pd.Series) -> None:
    """Put files into groups by a column of a table.

    Args:
        listing: Gets `groups`, and a note on files in none.
        paths: Of each row.
        cells: The group of each row; an empty one is none.
    """
    for path, cell in zip(paths, cells, strict=True):
        if path in listing.labels and (group := cell_text(cell)):
            listing.groups.setdefault(path, group)
    _note(listing)


def _note(listing: Listing) -> None:
    alone = sum(not listing.groups.get(path) for path in listing.labels)
    if alone:
        listing.notes.append(
            f"{alone:,} of {len(listing.labels):,} images are in no group: each stands alone"
        )
