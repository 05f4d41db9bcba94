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
from bearwidgets.figures import counted, percent
from bearwidgets.review.checks.triage import NAME, TITLE, proposed
from bearwidgets.safe_text import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
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
td img { width: 80px; height: 80px; }
.keeper { font-weight: bold; } .why { opacity: .8; }
"""


def write_report(
    path: Path,
    ds: Dataset,
    summary: pd.DataFrame,
    findings: Mapping[str, str],
    queues: Mapping[str, pd.DataFrame],
    problems: pd.DataFrame,
    left_out: Mapping[str, str],
    *,
    top: int,
) -> Path:
    """Write the page, atomically, see `Issues.report`; groups are shown whole. The triage is one of the queues."""
    check_whole("top", top, 1)
    title = escape(f"Issues of {ds.root.name}")
    parts = [
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>',
        f"<style>{_STYLE}</style><h1>{title}</h1><p>{counted(len(ds), 'image')}.</p>",
        *(f"<p>{escape(visible(said))}</p>" for said in findings.values()),
    ]
    image = partial(_image, ds, Thumbnails())
    parts.append(_overview(summary, left_out, queues))
    for name, queue in queues.items():
        if len(queue):
            shown = _whole(queue, top)
            heading, note = (TITLE, "") if name == NAME else summary.loc[name, ["title", "note"]]
            some = f"{len(shown):,} of {len(queue):,}" if len(shown) < len(queue) else f"{len(queue):,}"
            parts += [
                f'<h2 id="{escape(name)}">{escape(heading)} <small>{some}</small></h2><p>{escape(note)}</p>',
                _rows(shown, image) if name == NAME else _tiles(shown, image),
            ]
    if len(problems):
        rows = "".join(
            f"<tr><td>{escape(visible(path))}</td><td>{escape(kind)}</td><td>{escape(reason)}</td></tr>"
            for path, reason, kind in problems.to_numpy()
        )
        parts.append(f'<h2 id="unreadable">Not usable</h2><table>{rows}</table>')
    parts.append("</html>")
    return write_output(path, "\n".join(parts).encode("utf-8", "backslashreplace"), "The report")


def _whole(queue: pd.DataFrame, top: int) -> pd.DataFrame:
    """The first of a queue, the last group not cut in two."""
    shown = queue.head(top)
    if (last := shown.group.iloc[-1]) >= 0:
        shown = queue[: max(len(shown), int((queue.group == last).to_numpy().nonzero()[0][-1]) + 1)]
    return shown


def _rows(shown: pd.DataFrame, image: Callable[[Any, pd.Series], str]) -> str:
    """An image a row, with what is proposed and why."""
    rows = "".join(
        f"<tr><td>{image(id_, row)}</td><td>{escape(visible(row.path))}</td><td>{escape(visible(row.label))}</td>"
        f"<td><b>{escape(visible(proposed(row)))}</b></td><td>{escape(visible(row.why))}</td></tr>"
        for id_, row in shown.iterrows()
    )
    head = "<tr><th></th><th>Image</th><th>Label</th><th>Proposed</th><th>Why</th></tr>"
    return f"<table>{head}{rows}</table>"


def _overview(summary: pd.DataFrame, left_out: Mapping[str, str], queues: Mapping[str, pd.DataFrame]) -> str:
    rows = []
    for name, row in summary.iterrows():
        title = escape(row.title)
        if row.flagged and (name in queues or name == "unreadable"):
            title = f'<a href="#{escape(str(name))}">{title}</a>'
        how_many = "" if row.certain == row.flagged else f"{row.certain:,} "
        certain = f'<span class="certain">{how_many}certain</span>' if row.certain else ""
        number, note = f'<td class="n">{row.flagged:,}</td>', escape(row.note)
        rows.append(f"<tr><td>{title}</td>{number}<td>{certain}</td><td>{note}</td></tr>")
    rows += [
        f'<tr><td>{escape(name)}</td><td class="n">–</td><td></td><td>left out: {escape(reason)}</td></tr>'
        for name, reason in left_out.items()
    ]
    return f"<table><tr><th>Check</th><th>Images</th><th></th><th></th></tr>{''.join(rows)}</table>"


def _tiles(shown: pd.DataFrame, image: Callable[[Any, pd.Series], str]) -> str:
    alone, groups = shown.group.where(shown.group >= 0, -1 - np.arange(len(shown))), []
    for _, members in shown.groupby(alone.to_numpy(), sort=False):
        tiles = "".join(_tile(row, image(id_, row)) for id_, row in members.iterrows())
        groups.append(f'<div class="group">{tiles}</div>' if len(members) > 1 else tiles)
    return f'<div class="tiles">{"".join(groups)}</div>'


def _tile(row: pd.Series, image: str) -> str:
    keeper = '<span class="keeper">★ proposed to stay</span><br>' if row.keeper else ""
    score = "" if np.isnan(row.score) else f" · score {percent(row.score)}"
    return (
        f"<figure>{image}<figcaption>{keeper}{escape(visible(row.path))}<br><b>{escape(visible(row.label))}</b>"
        f'{score}<br><span class="why">{escape(visible(row.why))}</span></figcaption></figure>'
    )


def _image(ds: Dataset, thumbnails: Thumbnails, id_: Any, row: pd.Series) -> str:
    content = ds.table.content.iloc[ds.index_of(id_)]
    try:
        data = base64.b64encode(thumbnails.jpeg(ds.path_of(id_), content, PX)).decode()
        return f'<img alt="{escape(visible(row.path))}" loading="lazy" src="data:image/jpeg;base64,{data}">'
    except ImageError as error:
        return f"<em>{escape(str(error))}</em>"
