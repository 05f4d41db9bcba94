"""Where the items of journal lines lie now: rounds moved some of them after the lines were written.

Files with the same bytes are told apart by their paths, so a line about one of them means the file that lies where
that one came to lie.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import TypeAlias

    from bearwidgets.clean.log.encoding import Line

    Places: TypeAlias = Mapping[
        tuple[str, str], str
    ]  # content id and path at some time, to the path at the end
    Moves: TypeAlias = Callable[
        [int], Iterable[tuple[str, str, str]]
    ]  # content id, path, target of a round's moves

ROUNDS = ("apply", "rollback")


def places_at_end(lines: Sequence[Line], moves: Moves) -> list[Places]:
    """For each line the places of that time, as far as rounds in later lines changed them."""
    now: Places = {}
    found: list[Places] = [now] * len(lines)
    for index in range(len(lines) - 1, -1, -1):
        line = lines[index]
        if line["action"] in ROUNDS:
            ways = list(moves(line["round"]))
            if line["action"] == "rollback":
                ways = [(content, target, path) for content, path, target in ways]
            before = {(content, path): now.get((content, target), target) for content, path, target in ways}
            taken = {(content, target) for content, _, target in ways}
            now = {**{key: path for key, path in now.items() if key not in taken}, **before}
        found[index] = now
    return found
