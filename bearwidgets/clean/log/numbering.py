"""Which lines of a journal count: entries are numbered without a gap, and an act of several is there whole or not.

What was recorded and cannot be read any more leaves a gap in the numbers; that is damage, and is told. A line or an
act that its writer, who was killed, did not write to its end leaves none, for the next writer takes its number.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bearwidgets.errors import and_more

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bearwidgets.clean.log.encoding import Line


@dataclass
class Found:
    """One line of the file: its number there, and the entry, or why there is none."""

    number: int
    line: Line | None
    reason: str = ""


@dataclass
class News:
    """What a look into the file brought.

    Attributes:
        lines: The entries since the last look, or all of them.
        anew: The file is not a longer version of what was read before; `lines` starts at its beginning.
        notes: Why lines were passed over.
        damage: What was recorded and cannot be read: which entries ("5-7"), and a sentence.
        lost: Sentences on what was recorded and is not there any more at the end.
    """

    lines: list[Line] = field(default_factory=list)
    anew: bool = False
    notes: list[str] = field(default_factory=list)
    damage: dict[str, str] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)


class Numbering:
    """Goes through the lines of one file in order.

    Args:
        name: Of the file, for sentences.
    """

    def __init__(self, name: str) -> None:
        self.next = 1  # the number that the next entry must have
        self._name = name

    def take(self, found: Sequence[Found], recorded: int, news: News) -> None:
        """Put what counts into `news`, and what is wrong.

        Args:
            found: Lines; an act that is unfinished at the end is not among them (`unfinished`).
            recorded: How many entries were recorded for certain when the lines were read.
            news: Is added to.
        """
        act: list[Line] = []
        unread: list[int] = []
        for each in found:
            line = each.line
            if line is None:
                news.notes.append(f"line {each.number} of {self._name} {each.reason} and was passed over")
                unread.append(each.number)
                continue
            if act and not _same_act(act[-1], line):
                self._close(act, line["seq"], news)
                act = []
            self._check_number(line["seq"], unread, news)
            unread = []
            if "lines" in line:
                act.append(line)
            else:
                news.lines.append(line)
        if unread and not 0 < recorded < self.next:  # a line with its end was written whole
            self._check_number(self.next + len(unread), unread, news)
            self.next -= 1
        if act:
            self._close(act, self.next, news)
        if recorded >= self.next:
            news.lost.append(
                f"{_entries(self.next, recorded)} of {self._name} were recorded and are not there any more"
            )

    def _close(self, act: list[Line], following: int, news: News) -> None:
        """An act ends here: it counts if it is whole, or if the next number says that it was whole once."""
        end = _end(act[-1])
        if act[-1]["seq"] == end or following > end:
            news.lines += act
            return
        self.next = act[0]["seq"]
        news.notes.append(
            f"an act of {act[-1]['lines']:,} decisions by {act[-1]['by']} was never written to its end in"
            f" {self._name} and was passed over"
        )

    def _check_number(self, number: int, unread: Sequence[int], news: News) -> None:
        first, last = self.next, number - 1
        if number > first:
            where = f" (line{'s' * (len(unread) > 1)} {and_more(unread, 5)})" if unread else ""
            news.damage[f"{first}-{last}"] = (
                f"{_entries(first, last)} of {self._name}{where} cannot be read: damaged or lost after recording"
            )
        elif number < first:
            news.damage[f"{number} after {first - 1}"] = (
                f"entry {number} of {self._name} stands after entry {first - 1}"
            )
        self.next = number + 1


def unfinished(found: Sequence[Found]) -> int:
    """Where an act begins that was not written to its end (yet), at the end of the lines; their number if none is."""
    last = next((each.line for each in reversed(found) if each.line is not None), None)
    if last is None or "lines" not in last or last["seq"] == _end(last):
        return len(found)
    start = next(index for index, each in enumerate(found) if each.line and _same_act(each.line, last))
    return len(found) if len(found) - start >= last["lines"] else start


def _entries(first: int, last: int) -> str:
    return f"entry {first}" if first == last else f"entries {first} to {last}"


def _end(line: Line) -> int:
    return line["group"] + line["lines"] - 1


def _same_act(one: Line, other: Line) -> bool:
    return "lines" in one and "lines" in other and one["group"] == other["group"]
