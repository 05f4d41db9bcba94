"""A report of all issues as one HTML page with small pictures: no script, no network, everything escaped."""

from __future__ import annotations

import base64
from html import escape
from typing import TYPE_CHECKING, Any

from bearwidgets.data.cache.thumbs import Thumbnails
from bearwidgets.errors import BadInputError, ImageError, WorkspaceError
from bearwidgets.files import write_atomic

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bearwidgets.review.checks.issues import Issues

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


def make_report(issues: Issues, top: int) -> str:
    """The page: a table of all checks, then the first `top` pictures of each queue, groups whole."""
    title = f"Issues of {issues.ds.root.name}"
    parts = [
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>',
        f"<style>{_STYLE}</style><h1>{escape(title)}</h1><p>{len(issues.table):,} items.</p>",
        _overview(issues),
    ]
    thumbnails = Thumbnails()
    shown = [name for name in issues.names if issues.summary.flagged[name] and name != "unreadable"]
    parts += [_section(issues, name, top, thumbnails) for name in shown]
    if len(issues.problems):
        rows = "".join(
            f"<tr><td>{escape(path)}</td><td>{escape(reason)}</td></tr>"
            for path, reason in issues.problems.to_numpy()
        )
        parts.append(f'<h2 id="unreadable">Not usable</h2><table>{rows}</table>')
    parts.append("</html>")
    return "\n".join(parts)


def write_report(issues: Issues, path: Path, top: int) -> Path:
    """Write the page, atomically.

    Raises:
        BadInputError: `top` is no whole number from 1 on.
        WorkspaceError: it cannot be written.
    """
    if not isinstance(top, int) or top < 1:
        raise BadInputError(f"top is {top!r}; allowed is a whole number from 1 on.")
    try:
        write_atomic(path, make_report(issues, top).encode("utf-8", "backslashreplace"))
    except OSError as error:
        raise WorkspaceError(
            f"The report could not be written to {str(path)!r}: {error.strerror or error}."
        ) from error
    return path


def _overview(issues: Issues) -> str:
    rows = []
    for name, row in issues.summary.iterrows():
        link = f'<a href="#{escape(str(name))}">{escape(row.title)}</a>' if row.flagged else escape(row.title)
        how_many = "" if row.certain == row.flagged else f"{row.certain:,} "
        certain = f'<span class="certain">{how_many}certain</span>' if row.certain else ""
        rows.append(
            f'<tr><td>{link}</td><td class="n">{row.flagged:,}</td><td>{certain}</td><td>{escape(row.note)}</td></tr>'
        )
    rows += [
        f'<tr><td>{escape(name)}</td><td class="n">–</td><td></td><td>left out: {escape(reason)}</td></tr>'
        for name, reason in issues.left_out.items()
    ]
    return f"<table><tr><th>Check</th><th>Items</th><th></th><th></th></tr>{''.join(rows)}</table>"


def _section(issues: Issues, name: str, top: int, thumbnails: Thumbnails) -> str:
    row, queue = issues.summary.loc[name], issues.queue(name)
    shown = queue.head(top)
    if len(shown) and (last := shown.group.iloc[-1]) >= 0:  # the last group is not cut in two
        shown = queue[: max(len(shown), int((queue.group == last).to_numpy().nonzero()[0][-1]) + 1)]
    some = f"{len(shown)} of {len(queue):,}" if len(shown) < len(queue) else f"{len(queue):,}"
    tiles = "".join(_grouped(issues, shown, thumbnails))
    return (
        f'<h2 id="{escape(name)}">{escape(row.title)} <small>{some}</small></h2><p>{escape(row.note)}</p>'
        f'<div class="tiles">{tiles}</div>'
    )


def _grouped(issues: Issues, shown: Any, thumbnails: Thumbnails) -> Iterator[str]:
    alone = shown.group.where(shown.group >= 0, -1 - shown.reset_index().index.to_numpy())
    for _, members in shown.groupby(alone.to_numpy(), sort=False):
        tiles = "".join(_tile(issues, id_, row, thumbnails) for id_, row in members.iterrows())
        yield f'<div class="group">{tiles}</div>' if len(members) > 1 else tiles


def _tile(issues: Issues, id_: Any, row: Any, thumbnails: Thumbnails) -> str:
    content = issues.ds.table.content.iloc[issues.ds.index_of(id_)]
    try:
        data = base64.b64encode(thumbnails.jpeg(issues.ds.path_of(id_), content, PX)).decode()
        picture = f'<img alt="{escape(row.path)}" loading="lazy" src="data:image/jpeg;base64,{data}">'
    except ImageError as error:
        picture = f"<em>{escape(str(error))}</em>"
    keeper = '<span class="keeper">★ proposed to stay</span><br>' if row.keeper else ""
    return (
        f"<figure>{picture}<figcaption>{keeper}{escape(row.path)}<br><b>{escape(row.label)}</b> · {row.score:.2f}"
        f'<br><span class="why">{escape(row.why)}</span></figcaption></figure>'
    )
