"""Tags and a note on items: what a person wants to remember, beside the decision. Pure: no files."""

from __future__ import annotations

import unicodedata
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bearwidgets.errors import BadInputError, shortened
from bearwidgets.safe_text import has_unseen

if TYPE_CHECKING:
    from collections.abc import Iterable

LONGEST_TAG, LONGEST_NOTE = 50, 1000  # characters
MOST_TAGS, MOST_PER_ITEM = 200, 20  # different ones
NOTHING: tuple[tuple[str, ...], str] = ((), "")
TAG_SEPARATOR = "; "  # in a cell of a table
_REFUSED = ",;"  # would part a tag in two there


@dataclass(frozen=True)
class Remark:
    """Tags and a note of one item, as they are from one journal line on.

    Attributes:
        id: The item's id.
        path: Where the item was, posix, relative to the data root.
        content: The content id of its bytes.
        label: The label as it was.
        tags: In the order in which they were given.
        note: "" for none.
        decided_at: UTC, ISO 8601.
        decided_by: Who.
        seq: The number of the journal line.
    """

    id: str
    path: str
    content: str
    label: str | None
    tags: tuple[str, ...]
    note: str
    decided_at: str
    decided_by: str
    seq: int

    @property
    def value(self) -> tuple[tuple[str, ...], str]:
        """What is remarked, to compare with another remark."""
        return self.tags, self.note


def value_of(remark: Remark | None) -> tuple[tuple[str, ...], str]:
    """What is remarked; nothing for None."""
    return NOTHING if remark is None else remark.value


def tags_cell(remark: Remark | None) -> str:
    """The tags as one cell of a table; "" for None."""
    return TAG_SEPARATOR.join(value_of(remark)[0])


def checked_tag(tag: object) -> str:
    """The tag without space around it.

    Raises:
        BadInputError: It is no text of 1 to 50 characters on one line, or has a comma or a semicolon.

    Example:
        >>> checked_tag(" ask Ann ")
        'ask Ann'
    """
    name = unicodedata.normalize("NFC", tag.strip()) if isinstance(tag, str) else ""
    if not 0 < len(name) <= LONGEST_TAG or has_unseen(name) or set(_REFUSED) & set(name):
        raise BadInputError(
            f"The tag is {shortened(tag)}; allowed is a text of 1 to {LONGEST_TAG} characters on one line, without"
            " comma or semicolon, such as 'ask Ann'."
        )
    return name


def check_number(tags: set[str]) -> None:
    """Refuse more different tags than a menu can list.

    Raises:
        BadInputError: There would be more than 200.
    """
    if len(tags) > MOST_TAGS:
        raise BadInputError(
            f"There would be {len(tags)} different tags; allowed are {MOST_TAGS}. Use some that there are."
        )


def checked_note(text: object) -> str:
    r"""The note without space around it, every line end as "\n".

    Raises:
        BadInputError: It is no text of at most 1,000 characters, or has control characters.
    """
    note = unicodedata.normalize("NFC", text).strip() if isinstance(text, str) else None
    lines = [] if note is None else note.splitlines()
    note = "\n".join(lines)
    if not isinstance(text, str) or len(note) > LONGEST_NOTE or any(has_control(each) for each in lines):
        raise BadInputError(
            f"The note is {shortened(text)}; allowed is a text of at most {LONGEST_NOTE:,} characters, without"
            " control characters."
        )
    return note


def has_control(line: str) -> bool:
    """Whether a line steers a terminal, turns the reading direction or cannot be stored; tabs and joiners do not."""
    return has_unseen(f"a{line}a".replace("\t", " "))


def changed(
    before: Remark | None, add: Iterable[str], remove: Iterable[str], note: str | None
) -> tuple[tuple[str, ...], str] | None:
    """Tags and note of an item after a change, or None where nothing changes.

    Raises:
        BadInputError: The item would have more than 20 tags.
    """
    were, noted = value_of(before)
    gone = set(remove)
    tags = tuple(each for each in dict.fromkeys([*were, *add]) if each not in gone)
    after = tags, noted if note is None else note
    if len(tags) > MOST_PER_ITEM:
        raise BadInputError(
            f"An item would have {len(tags)} tags; allowed are {MOST_PER_ITEM}. Take some away first."
        )
    return None if after == (were, noted) else after


def merged(was: Remark | None, ours: Remark | None, theirs: Remark | None) -> tuple[tuple[str, ...], str]:
    """Tags and note of ours with what they changed since both were the same; two new notes follow each other."""
    (tags, note), (our_tags, our_note), (their_tags, their_note) = map(value_of, (was, ours, theirs))
    both = dict.fromkeys([*our_tags, *(each for each in their_tags if each not in tags)])
    kept = [each for each in both if each in their_tags or each not in tags]
    if note not in (our_note, their_note) and our_note != their_note:
        their_note = f"{our_note}\n{their_note}"[:LONGEST_NOTE].strip()
    return tuple(kept[:MOST_PER_ITEM]), our_note if their_note == note else their_note


class Remarks(dict[str, Remark]):
    """The newest remark on each item, which may say nothing any more, and how many items have each tag."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: Counter[str] = Counter()

    def put(self, id_: str, remark: Remark | None) -> None:
        """Take another remark for an item; None for none."""
        self.counts.subtract(value_of(self.pop(id_, None))[0])
        if remark is not None:
            self[id_] = remark
            self.counts.update(remark.tags)

    def said(self, id_: str) -> Remark | None:
        """Tags and note of an item; None where it has neither."""
        remark = self.get(id_)
        return None if value_of(remark) == NOTHING else remark

    def tags(self) -> dict[str, int]:
        """How many items have each tag, the most frequent first."""
        return {tag: n for tag, n in self.counts.most_common() if n > 0}
