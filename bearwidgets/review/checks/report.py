"""A report of all issues as one HTML page with small images: no script, no network, everything escaped."""

from __future__ import annotations

import base64
from functools import partial
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from bearwidgets.data.cache.thumbs import Thumbnails
from bearwidgets.data.output import write_output
from bearwidgets.errors import ImageError, check_whole
from bearwidgets.safe_text import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    import pandas as pd

    from bearwidgets.data.dataset import Dataset

PX = 160
_STYLE = """
:root { color-scheme: light dark; font: 14px/1.45 system-ui, sans-serif; }
body { margin: 2rem auto; max-width: 72rem; padding: 0 1rem; }
h2 { margin: 2rem 0 .25rem; } h2 small { font-weight: normal; opacity: .7; }
.certain { color: light-dark(#b00020, #ff8a80); }
table { border-collapse: collapse; }
td, th { padding: .15rem .75rem .15rem 0; text-align: left; vertical-align: top; }
td.n { text-align: right; font-variant-numeric: tabular-nums; }
.tiles { display: flex; flex-wrap: wrap; gap: .75rem; margin-top: .5rem; }
.group { display: flex; gap: .5rem; padding: .4rem; border: 1px solid light-dark(#bbb, #555); border-radius: 6px; }
figure { margin: 0; width: 160px; font-size: 12px; overflow-wrap: anywhere; }
img { width: 160px; height: 160px; object-fit: contain; background: light-dark(#eee, #222); display: block; }
.keeper { font-weight: bold; } .why { opacity: .8; }
"""


def write_report(
    path: Path,
    ds: Dataset,
    summary: pd.DataFrame,
    queues: Mapping[str, pd.DataFrame],
    problems: pd.DataFrame,
    left_out: Mapping[str, str],
    *,
    top: int,
) -> Path:
    """Write the page, atomically: a table of all checks, then the first `top` images of each queue, groups whole."""
    check_whole("top", top, 1)
    title = escape(f"Issues of {ds.root.name}")
    parts = [
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>',
        f"<style>{_STYLE}</style><h1>{title}</h1><p>{len(ds):,} items.</p>",
        _overview(summary, left_out),
    ]
    tile = partial(_tile, ds, Thumbnails())
    parts += [_section(summary.loc[name], queue, top, tile) for name, queue in queues.items() if len(queue)]
    if len(problems):
        rows = "".join(
            f"<tr><td>{escape(visible(path))}</td><td>{escape(kind)}</td><td>{escape(reason)}</td></tr>"
            for path, reason, kind in problems.to_numpy()
        )
        parts.append(f'<h2 id="unreadable">Not usable</h2><table>{rows}</table>')
    parts.append("</html>")
    return write_output(path, "\n".join(parts).encode("utf-8", "backslashreplace"), "The report")


def _overview(summary: pd.DataFrame, left_out: Mapping[str, str]) -> str:
    rows = []
    for name, row in summary.iterrows():
        link = f'<a href="#{escape(str(name))}">{escape(row.title)}</a>' if row.flagged else escape(row.title)
        how_many = "" if row.certain == row.flagged else f"{row.certain:,} "
        certain = f'<span class="certain">{how_many}certain</span>' if row.certain else ""
        rows.append(
            f'<tr><td>{link}</td><td class="n">{row.flagged:,}</td><td>{certain}</td><td>{escape(row.note)}</td></tr>'
        )
    rows += [
        f'<tr><td>{escape(name)}</td><td class="n">–</td><td></td><td>left out: {escape(reason)}</td></tr>'
        for name, reason in left_out.items()
    ]
    return f"<table><tr><th>Check</th><th>Items</th><th></th><th></th></tr>{''.join(rows)}</table>"


def _section(check: pd.Series, queue: pd.DataFrame, top: int, tile: Callable[[Any, pd.Series], str]) -> str:
    shown = queue.head(top)
    if (last := shown.group.iloc[-1]) >= 0:  # the last group is not cut in two
        shown = queue[: max(len(shown), int((queue.group == last).to_numpy().nonzero()[0][-1]) + 1)]
    some = f"{len(shown)} of {len(queue):,}" if len(shown) < len(queue) else f"{len(queue):,}"
    return (
        f'<h2 id="{escape(str(check.name))}">{escape(check.title)} <small>{some}</small></h2>'
        f'<p>{escape(check.note)}</p><div class="tiles">{"".join(_grouped(shown, tile))}</div>'
    )


def _grouped(shown: pd.DataFrame, tile: Callable[[Any, pd.Series], str]) -> Iterator[str]:
    alone = shown.group.where(shown.group >= 0, -1 - np.arange(len(shown)))
    for _, members in shown.groupby(alone.to_numpy(), sort=False):
        tiles = "".join(tile(id_, row) for id_, row in members.iterrows())
        yield f'<div class="group">{tiles}</div>' if len(members) > 1 else tiles


def _tile(ds: Dataset, thumbnails: Thumbnails, id_: Any, row: pd.Series) -> str:
    content = ds.table.content.iloc[ds.index_of(id_)]
    try:
        data = base64.b64encode(thumbnails.jpeg(ds.path_of(id_), content, PX)).decode()
        image = f'<img alt="{escape(visible(row.path))}" loading="lazy" src="data:image/jpeg;base64,{data}">'
    except ImageError as error:
        image = f"<em>{escape(str(error))}</em>"
    keeper = '<span class="keeper">★ proposed to stay</span><br>' if row.keeper else ""
    return (
        f"<figure>{image}<figcaption>{keeper}{escape(visible(row.path))}<br><b>{escape(visible(row.label))}</b>"
        f' · {row.score:.2f}<br><span class="why">{escape(visible(row.why))}</span></figcaption></figure>'
    )
