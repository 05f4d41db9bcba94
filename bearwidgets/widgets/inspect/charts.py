"""Charts of a few curves as inline SVG, for outputs without a kernel; colors follow the page's text."""

from __future__ import annotations

import html
import math
from typing import TYPE_CHECKING

from bearwidgets.figures import short_number
from bearwidgets.safe_text import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bearwidgets.widgets.protocol import Chart

WIDTH, HEIGHT = 380, 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 8, 34, 34
_COLORS = ("#3d7edb", "#d9730d", "#2f9e5b", "#a855c7", "#c23b5e", "#7d7d2a")
_TICKS = 6


def ticks(low: float, high: float) -> list[float]:
    """Round numbers from `low` to `high`, a step of 1, 2 or 5 times a power of ten apart.

    Example:
        >>> ticks(0.0, 2.3)
        [0.0, 0.5, 1.0, 1.5, 2.0]
    """
    if not high > low:
        return [low]
    rough = (high - low) / _TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(each * power for each in (1, 2, 5, 10) if each * power >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [round(number * step, 12) for number in range(first, math.floor(high / step + 1e-9) + 1)]


def log_ticks(low: float, high: float) -> list[float]:
    """Powers of ten between two numbers above 0, at most eight."""
    first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
    return [10.0**power for power in range(first, last + 1, max(1, (last - first) // 7))]


def svg_chart(chart: Chart, marks: Sequence[tuple[float, str]] = ()) -> str:
    """One chart; `marks` are (x, name) of vertical lines."""
    points = [point for line in chart.lines for point in line.points]
    across, x_ticks = _axis([x for x, _ in points], _LEFT, WIDTH - _RIGHT, log=chart.log, keep=True)
    up, y_ticks = _axis([y for _, y in points], HEIGHT - _BOTTOM, _TOP)
    parts = [_text(WIDTH / 2, 13, visible(chart.title), "middle", bold=True)]
    for value in y_ticks:
        parts += [
            _rule(_LEFT, up(value), WIDTH - _RIGHT, up(value)),
            _number(_LEFT - 4, up(value) + 3, value, "end"),
        ]
    for value in x_ticks:
        parts += [_rule(across(value), _TOP, across(value), HEIGHT - _BOTTOM)]
        parts += [_number(across(value), HEIGHT - _BOTTOM + 12, value, "middle")]
    parts.append(_text((WIDTH + _LEFT) / 2, HEIGHT - 6, chart.x, "middle"))
    parts += [
        _rule(across(x), _TOP, across(x), HEIGHT - _BOTTOM, "3 3") for x, _ in marks[1:] if not chart.log
    ]
    for number, line in enumerate(chart.lines):
        color = _COLORS[number % len(_COLORS)]
        parts.append(_curve([(across(x), up(y)) for x, y in line.points], color))
        parts.append(_text(_LEFT + 4 + number * 112, 28, f"● {visible(line.name)}", "start", color))
    label = html.escape(f"{chart.title}: " + ", ".join(visible(line.name) for line in chart.lines))
    size = f'width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}"'
    return f'<svg {size} role="img" aria-label="{label}" font-family="sans-serif">{"".join(parts)}</svg>'


def _axis(
    values: list[float], start: float, end: float, *, log: bool = False, keep: bool = False
) -> tuple[Callable[[float], float], list[float]]:
    """Value → px, and where ticks stand; the ends are those of the values if `keep`, else a little beyond."""
    low, high = min(values, default=0.0), max(values, default=1.0)
    if log and low > 0:
        bottom, top = math.log10(low), math.log10(high)
        along = (end - start) / ((top - bottom) or 1)
        return (lambda value: start + (math.log10(value) - bottom) * along), log_ticks(low, high)
    if keep:
        low = min(low, 0.0)
    else:
        room = 0.06 * (high - low)
        low, high = (0.0 if 0 <= low < 0.5 * high else low - room), high + room
    if low == high:
        low, high = low - 0.5, high + 0.5
    return (lambda value: start + (value - low) / (high - low) * (end - start)), ticks(low, high)


def _curve(points: list[tuple[float, float]], color: str) -> str:
    if len(points) == 1:
        ((x, y),) = points
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{color}"/>'
    joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{joined}" fill="none" stroke="{color}" stroke-width="1.6"/>'


def _rule(x1: float, y1: float, x2: float, y2: float, dash: str = "") -> str:
    dashed = f' stroke-dasharray="{dash}" opacity=".6"' if dash else ' opacity=".15"'
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="currentColor"{dashed}/>'


def _number(x: float, y: float, value: float, anchor: str) -> str:
    return _text(x, y, short_number(value), anchor, size=10)


def _text(
    x: float,
    y: float,
    text: str,
    anchor: str,
    fill: str = "currentColor",
    *,
    size: int = 11,
    bold: bool = False,
) -> str:
    weight = ' font-weight="600"' if bold else ""
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}"{weight}'
    return f'<text {place} fill="{fill}">{html.escape(text)}</text>'
