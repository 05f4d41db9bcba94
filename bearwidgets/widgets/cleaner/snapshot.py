"""A contact sheet in plain HTML: what the grid showed, for when the kernel is gone. No script, everything escaped."""

from __future__ import annotations

import base64
import html
import io
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image

from bearwidgets.data.actions import KEEP, badge
from bearwidgets.data.cache.thumbs import SIZES
from bearwidgets.data.output import check_output, write_output
from bearwidgets.errors import BearwidgetsError
from bearwidgets.figures import counted, percent
from bearwidgets.review.checks.issues import REPORTS
from bearwidgets.safe_text import visible

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from bearwidgets.data.cache.thumbs import Thumbnails
    from bearwidgets.data.dataset import Dataset
    from bearwidgets.widgets.protocol import Decision, Item, State

_STYLE = (
    "display:inline-block;width:{px}px;margin:4px;vertical-align:top;font:11px/1.35 sans-serif;overflow:hidden;"
    "text-overflow:ellipsis;white-space:nowrap"
)
_LARGEST = 56 * 2**10  # bytes of the tiles of a sheet that goes with every output
_LONGEST = 0.3  # s that its images may take; in a view that was opened before they lie in the cache


@dataclass(frozen=True, repr=False)
class Snapshot:
    """A contact sheet; a notebook shows it, `save` writes it.

    Attributes:
        html: the sheet, safe to show: text is escaped, images are small JPEGs in it.
    """

    html: str

    def __repr__(self) -> str:
        return f"Snapshot({len(self.html) / 1024:.0f} KB of HTML)"

    def _repr_html_(self) -> str:
        return self.html

    def save(self, path: str | Path) -> Path:
        """Write the sheet as a page of its own, in one step.

        Raises:
            BadInputError: the path does not end in .html, or is there and no file.
            WorkspaceError: the file cannot be written.
        """
        page = f'<!doctype html><meta charset="utf-8"><title>bearwidgets</title>{self.html}'
        return write_output(
            check_output(path, REPORTS), page.encode(errors="backslashreplace"), "The snapshot"
        )


def make_snapshot(
    state: State, items: Iterable[Item], ds: Dataset, thumbnails: Thumbnails, px: int, *, small: bool = False
) -> Snapshot:
    """Draw a sheet of items, as `Board.item` gives them, in tiles of `px` px.

    A `small` one has images of no more than that size, and ends where it would be more than 56 KB or take too long.
    """
    tiles: list[str] = []
    until, left = time.monotonic() + _LONGEST, _LARGEST
    for item in items:
        tile = _tile(item, ds, thumbnails, px, small=small)
        left -= len(tile.encode())
        if small and (left < 0 or time.monotonic() > until):
            break
        tiles.append(tile)
    shown = f"the first {len(tiles):,} of {counted(state.total, 'image')}"
    title = f"{state.title}: {shown}, {counted(state.marked, 'decision')}"
    head = f'<p style="font:12px sans-serif">{_text(title)}</p>'
    return Snapshot(f'<div class="bw-snapshot">{head}{"".join(tiles)}</div>')


def _tile(item: Item, ds: Dataset, thumbnails: Thumbnails, px: int, *, small: bool) -> str:
    content = str(ds.table.content.iat[ds.index_of(item.id)])
    try:
        jpeg = thumbnails.jpeg(ds.path_of(item.id), content, SIZES[0])
        data = base64.b64encode(_shrunk(jpeg, px) if small else jpeg).decode()
        box = f"width:{px}px;height:{px}px;object-fit:contain"
        image = f'<img style="{box}" alt="{_text(item.path)}" src="data:image/jpeg;base64,{data}">'
    except BearwidgetsError as error:  # also of a path that was made to leave the folder
        image = f"<em>{_text(str(error))}</em>"
    lines = "<br>".join(map(_text, _caption(item)))
    return f'<div style="{_STYLE.format(px=px)}" title="{_text(item.path)}">{image}<br>{lines}</div>'


def _shrunk(jpeg: bytes, px: int) -> bytes:
    with Image.open(io.BytesIO(jpeg)) as image:
        image.thumbnail((px, px))
        stream = io.BytesIO()
        image.save(stream, "JPEG", quality=60)
    return stream.getvalue()


def _caption(item: Item) -> list[str]:
    """The label, what the model says, and the decision, or else what is proposed."""
    lines = [item.label]
    if item.predicted is not None:
        lines.append(f"model: {item.predicted} ({percent(item.confidence or 0)})")
    if item.decision:
        lines.append(_words(item.decision))
    elif item.proposal and item.proposal.action != KEEP and item.proposal.label != item.predicted:
        lines.append(f"suggested: {_words(item.proposal)}")
    return lines


def _words(decision: Decision) -> str:
    return badge(decision.action, decision.label, decision.about)


def _text(text: str) -> str:
    return html.escape(visible(text))
