"""What a new journal begins with: the rounds that stand, so that they can still be rolled back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bearwidgets.clean.log.merge import entry_again
from bearwidgets.clean.log.writer import numbered

if TYPE_CHECKING:
    from bearwidgets.clean.log.encoding import Line
    from bearwidgets.clean.log.fold import DecisionState


def first_lines(state: DecisionState) -> list[Line]:
    """The lines of a journal in which nothing but the rounds that stand, and their decisions, was recorded."""
    lines: list[Line] = []
    for each in state.standing_rounds():
        decisions = [entry_again(decision) for decision in each.decisions]
        made = numbered(decisions, len(lines) + 1, each.by, bulk=True)
        applied = {
            "action": "apply",
            "round": each.number,
            "of": [line["seq"] for line in made],
            "time": each.applied_at,
        }
        lines += [*made, *numbered([applied], len(lines) + len(made) + 1, each.by, bulk=False)]
    return lines
