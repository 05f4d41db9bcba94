"""A contact sheet in plain HTML: what the grid showed, for when the kernel is gone. No script, everything escaped."""

from __future__ import annotations

import base64
import html
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bearwidgets.errors import ImageError, WorkspaceError

if TYPE_CHECKING:
    from collections.abc import Iterable

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
        html: the sheet, safe to show: text is escaped, pictures are small JPEGs in it.
    """

    html: str

    def __repr__(self) -> str:
        return f"Snapshot({len(self.html) / 1024:.0f} KB of HTML)"

    def _repr_html_(self) -> str:
        return self.html

    def save(self, path: str | Path) -> Path:
        """Write the sheet as a page of its own.

        Raises:
            WorkspaceError: the file cannot be written.
        """
        path = Path(path)
        page = f'<!doctype html><meta charset="utf-8"><title>bearwidgets</title>{self.html}'
        try:
            path.write_text(page, encoding="utf-8", errors="backslashreplace")
        except OSError as error:
            raise WorkspaceError(
                f"The snapshot could not be written to {str(path)!r}: {error.strerror}."
            ) from error
        return path


def make_snapshot(
    title: str, items: Iterable[Item], ds: Dataset, thumbnails: Thumbnails, px: int
) -> Snapshot:
    """Draw a sheet of items, as `Board.item` gives them, with pictures of at most `px` px."""
    tiles = "".join(_tile(item, ds, thumbnails, px) for item in items)
    return Snapshot(
        f'<div class="bw-snapshot"><p style="font:12px sans-serif">{html.escape(title)}</p>{tiles}</div>'
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
        picture = f'<img style="{box}" alt="{html.escape(item.path)}" src="data:image/jpeg;base64,{data}">'
    except ImageError as error:
        picture = f"<em>{html.escape(str(error))}</em>"
    lines = "<br>".join(html.escape(word) for word in words)
    return f'<div style="{_STYLE.format(px=px)}" title="{html.escape(item.path)}">{picture}<br>{lines}</div>'
