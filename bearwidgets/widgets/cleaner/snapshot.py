"""A contact sheet in plain HTML: what the grid showed, for when the kernel is gone. No script, everything escaped."""

from __future__ import annotations

import base64
import html
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bearwidgets.data.output import check_output, write_output
from bearwidgets.errors import ImageError
from bearwidgets.review.checks.issues import REPORTS
from bearwidgets.safe_text import visible

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from bearwidgets.data.cache.thumbs import Thumbnails
    from bearwidgets.data.dataset import Dataset
    from bearwidgets.widgets.protocol import Item

_STYLE = (
    "display:inline-block;width:{px}px;margin:4px;vertical-align:top;font:11px/1.35 sans-serif;overflow:hidden;"
    "text-overflow:ellipsis;white-space:nowrap"
)
_WORDS = {"delete": "✗ delete", "unsure": "? unsure", "keep": "✓ keep"}


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
    title: str, items: Iterable[Item], ds: Dataset, thumbnails: Thumbnails, px: int
) -> Snapshot:
    """Draw a sheet of items, as `Board.item` gives them, with images of at most `px` px."""
    tiles = "".join(_tile(item, ds, thumbnails, px) for item in items)
    return Snapshot(
        f'<div class="bw-snapshot"><p style="font:12px sans-serif">{_text(title)}</p>{tiles}</div>'
    )


def _tile(item: Item, ds: Dataset, thumbnails: Thumbnails, px: int) -> str:
    row = ds.table.iloc[ds.index_of(item.id)]
    words = [item.label]
    if item.predicted is not None:
        words = [f"{item.label} → {item.predicted} {item.confidence:.0%}"]
    decision = item.decision
    if decision:
        words.append(_WORDS.get(decision.action, f"⇒ {decision.label}"))
    try:
        data = base64.b64encode(thumbnails.jpeg(ds.path_of(item.id), row.content, 160)).decode()
        box = f"width:{px}px;height:{px}px;object-fit:contain"
        image = f'<img style="{box}" alt="{_text(item.path)}" src="data:image/jpeg;base64,{data}">'
    except ImageError as error:
        image = f"<em>{_text(str(error))}</em>"
    lines = "<br>".join(map(_text, words))
    return f'<div style="{_STYLE.format(px=px)}" title="{_text(item.path)}">{image}<br>{lines}</div>'


def _text(text: str) -> str:
    return html.escape(visible(text))
