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
        lost: What was recorded and is not there any more at the end: which entries ("lost 8-9"), and a sentence.
    """

    lines: list[Line] = field(default_factory=list)
    anew: bool = False
    notes: list[str] = field(default_factory=list)
    damage: dict[str, str] = field(default_factory=dict)
    lost: dict[str, str] = field(default_factory=dict)


class Numbering:
    """Goes through the lines of one file in order.

    Args:
        name: Of the file, for sentences.
    """

    def __init__(self, name: str) -> None:
        self.next = 1  # the number that the next entry must have
        self._gaps: list[tuple[int, int]] = []  # numbers that were not there when their turn came
        self._late: set[int] = set()  # numbers that came after a greater one
        self._name = name

    def take(self, found: Sequence[Found], recorded: int, news: News) -> None:
        """Put what counts into `news`, and what is wrong.

        Args:
            found: Lines; an act that is unfinished at the end is not among them (`unfinished`).
            recorded: How many entries were recorded for certain when the lines were read.
            news: Is added to.
        """
        act = Act(self.next)
        unread: list[int] = []
        for each in found:
            line = each.line
            if line is None:
                news.notes.append(f"line {each.number} of {self._name} {each.reason} and was passed over")
                unread.append(each.number)
                continue
            if not act.has(line, len(unread)):
                self._close(act, line["seq"], news)
                act = Act(self.next)
            self._check_number(line["seq"], unread, news)
            unread = []
            if "lines" in line:
                act.lines[line["seq"]] = line
            else:
                news.lines.append(line)
        # A line with its end was written whole, unless whoever kept the count was killed after just what it says.
        begun = bool(act.lines) and not act.ended
        if unread and not 0 < recorded == (act.expected if begun else self.next) - 1:
            self._check_number(self.next + len(unread), unread, news)
            self.next -= 1
        self._close(act, self.next, news)
        for first, last in self._gaps:
            if last - first < len(self._late) and self._late.issuperset(range(first, last + 1)):
                news.damage.pop(f"{first}-{last}", None)  # they are told as out of place
        if recorded >= self.next:
            were, are = ("was", "is") if recorded == self.next else ("were", "are")
            news.lost[f"lost {self.next}-{recorded}"] = (
                f"{_entries(self.next, recorded)} of {self._name} {were} recorded and {are} not there any more"
            )

    def _close(self, act: Act, following: int, news: News) -> None:
        """An act ends here: it counts if it is whole, or if the next number says that it was whole once."""
        if not act.lines:
            return
        last = act.last
        if act.ended or following > _end(last):
            news.lines += act.lines.values()
            return
        self.next = max(act.expected, next(iter(act.lines)))
        news.notes.append(
            f"an act of {last['lines']:,} decisions by {last['by']} was never written to its end in"
            f" {self._name} and was passed over"
        )

    def _check_number(self, number: int, unread: Sequence[int], news: News) -> None:
        first, last = self.next, number - 1
        if number > first:
            self._gaps.append((first, last))
            where = f" (line{'s' * (len(unread) > 1)} {and_more(unread, 5)})" if unread else ""
            news.damage[f"{first}-{last}"] = (
                f"{_entries(first, last)} of {self._name}{where} cannot be read: damaged or lost after recording"
            )
        elif number < first:
            self._late.add(number)
            news.damage[f"{number} after {first - 1}"] = (
                f"entry {number} of {self._name} stands after entry {first - 1}"
            )
        self.next = max(self.next, number + 1)


class Act:
    """Lines that lie together and were written as one act.

    Attributes:
        lines: By number, in the order in which they came.
        expected: The number that the next entry had to have where it begins.
    """

    def __init__(self, expected: int = 1) -> None:
        self.expected = expected
        self.lines: dict[int, Line] = {}

    @property
    def last(self) -> Line:
        """The line that came last."""
        return next(reversed(self.lines.values()))

    @property
    def ended(self) -> bool:
        """Whether its last line is there."""
        return _end(self.last) in self.lines

    def has(self, line: Line, unread: int) -> bool:
        """Whether a line that comes after `unread` damaged ones goes on with it.

        The next act takes the numbers of one that was not written to its end, and may even have as many lines.
        """
        if not self.lines or "lines" not in line:
            return False
        last, seq = self.last, line["seq"]
        if (line["group"], line["lines"]) != (last["group"], last["lines"]):
            return False
        if seq in self.lines:
            return self.lines[seq] == line  # it is there twice
        in_place = seq - last["seq"] > unread  # else some of the damaged lines are of another act, or of none
        return in_place or not unread or all(line[name] == last[name] for name in ("time", "by"))


def unfinished(found: Sequence[Found]) -> int:
    """Where an act begins that was not written to its end (yet), at the end of the lines; their number if none is."""
    last = next((each.line for each in reversed(found) if each.line is not None), None)
    if last is None or "lines" not in last or last["seq"] == _end(last):
        return len(found)
    act, start, unread = Act(), 0, 0
    for index, each in enumerate(found):
        if each.line is None:
            unread += 1
            continue
        if not act.has(each.line, unread):
            act, start = Act(), index
        if "lines" in each.line:
            act.lines[each.line["seq"]] = each.line
        unread = 0
    begins = last["group"] in act.lines or (start > 0 and found[start - 1].line is None)
    return start if begins and not act.ended and len(found) - start < last["lines"] else len(found)


def _entries(first: int, last: int) -> str:
    return f"entry {first}" if first == last else f"entries {first} to {last}"


def _end(line: Line) -> int:
    return line["group"] + line["lines"] - 1
