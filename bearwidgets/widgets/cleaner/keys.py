"""Which keys do what: presets, keys of one's own, and the classes that stand on the digits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

from bearwidgets.errors import BadInputError, shortened, unknown_name

if TYPE_CHECKING:
    from collections.abc import Collection

    from bearwidgets.widgets.cleaner.board import Board

DIGITS = 9
ACTS = (
    *("accept", "delete", "keep", "unsure", "clear", "relabel", "group", "next", "undo", "redo"),
    *("zoom", "similar", "compare", "tag", "queues", "search", "window", "help", "right", "explain"),
)
"""What a key can do; beside these, the name of a class: relabel to it."""

PRESETS: dict[str, dict[str, str]] = {
    "default": {},
    "fastclass": {"Space": "1", "d": "delete"},
    "prodigy": {"a": "accept", "x": "delete", "Space": "right", "Backspace": "undo"},
    "cleanlab": {"q": "keep", "w": "accept", "e": "delete", "n": "unsure"},
    "label studio": {"Ctrl+Enter": "accept", "Ctrl+Space": "right"},
}
"""Keys of other tools, which differ from the default ones; the others stay."""

_LONGEST = 40


def own_keys(keys: str | Mapping[str, str], classes: Collection[str]) -> dict[str, str]:
    """Key → act, of a preset by its name or of one's own.

    A key is a letter or digit, or the name that a browser gives it, such as `Backspace`, `Space` or `Ctrl+Enter`. An
    act is one of `ACTS`, a digit (the class that stands on it) or the name of a class.

    Raises:
        BadInputError: an unknown preset or act.
    """
    if isinstance(keys, str):
        if keys not in PRESETS:
            raise BadInputError(unknown_name("preset of keys", keys, PRESETS))
        return PRESETS[keys]
    if not isinstance(keys, Mapping):
        raise BadInputError(
            f"keys is {shortened(keys)}; allowed is the name of a preset ({', '.join(PRESETS)}) or a dict such as"
            " {'d': 'delete'}."
        )
    for key, act in keys.items():
        if not isinstance(key, str) or not 0 < len(key) <= _LONGEST:
            raise BadInputError(
                f"{shortened(key)} is no key; allowed are letters and names such as 'Ctrl+Enter'."
            )
        if act not in (*ACTS, *classes, *map(str, range(1, DIGITS + 1))):
            raise BadInputError(unknown_name("act of a key", act, (*ACTS, *classes)))
    return dict(keys)


class Digits:
    """The classes on the keys 1 to 9, fixed for the session; new classes come at the end.

    Where there are more classes than digits, a queue has those that its images have or would get, the most frequent
    first.
    """

    def __init__(self) -> None:
        self._order: list[str] = []
        self._of_queue: dict[str | None, list[str]] = {}

    def ordered(self, classes: Collection[str]) -> list[str]:
        """Classes in the order in which they came, those that came together by name."""
        self._order += sorted(set(classes) - set(self._order))
        return [name for name in self._order if name in classes]

    def of(self, board: Board, classes: list[str]) -> list[str]:
        """The classes on the digits in the view."""
        if len(classes) <= DIGITS:
            return classes
        queue = board.view.queue
        if queue not in self._of_queue:
            listed = board.queues.get(queue)
            rows = board.order if listed is None else listed.rows
            counts = Counter([*board.suggested[rows].tolist(), *board.labels[rows].tolist()])
            known = [name for name, _ in counts.most_common() if name in set(classes)]
            self._of_queue[queue] = [*known, *(each for each in classes if each not in counts)][:DIGITS]
        return self._of_queue[queue]
