"""Messages between a view and the kernel: checked, answered under the request's number, errors included.

An exception in a message handler is invisible in a notebook, so none leaves `answer`: what a user can mend comes
back as its sentence, what is our fault comes back as such and is logged with its traceback.
"""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING, Any

from bearwidgets.errors import BadInputError, BearwidgetsError, unknown_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

log = logging.getLogger("bearwidgets")

Answer = tuple[dict[str, Any], list[bytes]]
MAX_RANGES = 100_000


def answer(handlers: Mapping[str, Callable[..., Any]], content: object) -> Answer | None:
    """Run the handler that a message asks for.

    Args:
        handlers: op → function of the message's other fields; it returns a dict, or a dict and binary buffers.
        content: the message as it came.

    Returns:
        The reply and its buffers; None for what is no request (it has no number to answer under).
    """
    if (
        not isinstance(content, dict)
        or content.get("kind") != "request"
        or type(content.get("id")) is not int
    ):
        log.warning("A message that is no request was left unanswered: %.200r", content)
        return None
    fields = {str(key): value for key, value in content.items() if key not in ("kind", "id", "op")}
    try:
        result = handlers[text(content, "op", handlers)](fields)
        body, buffers = result if isinstance(result, tuple) else (result, [])
        reply = {"kind": "reply", "id": content["id"], "ok": True, "result": plain(body)}
    except BearwidgetsError as error:
        return {"kind": "reply", "id": content["id"], "ok": False, "error": str(error)}, []
    except Exception as error:  # the one place where an unforeseen error can still reach the user
        log.exception("The request %r failed", content.get("op"))
        sentence = (
            f"Unforeseen error, {type(error).__name__}: {error}. Nothing was lost; the log has the details."
        )
        return {"kind": "reply", "id": content["id"], "ok": False, "error": sentence}, []
    return reply, buffers


def plain(value: Any) -> Any:
    """The same value as JSON can hold it: numpy scalars as numbers, NaN and infinities as None."""
    if isinstance(value, dict):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def whole(fields: Mapping[str, Any], name: str, low: int, high: int) -> int:
    """The whole number in a field, `low` to `high`, both allowed.

    Raises:
        BadInputError: anything else.
    """
    value = fields.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise BadInputError(f"{name} is {value!r}; allowed is a whole number from {low} to {high}.")
    return value


def text(fields: Mapping[str, Any], name: str, allowed: Iterable[str] | None = None) -> str:
    """The text in a field, one of `allowed` where that is given.

    Raises:
        BadInputError: anything else.
    """
    value = fields.get(name)
    if not isinstance(value, str):
        raise BadInputError(f"{name} is {value!r}; allowed is text.")
    if allowed is not None and value not in (known := list(allowed)):
        raise BadInputError(unknown_name(name, value, known))
    return value


def texts(fields: Mapping[str, Any], name: str) -> list[str]:
    """The list of texts in a field.

    Raises:
        BadInputError: anything else.
    """
    value = fields.get(name)
    if (
        not isinstance(value, list)
        or len(value) > MAX_RANGES
        or not all(isinstance(each, str) for each in value)
    ):
        raise BadInputError(f"{name} is {value!r:.80}; allowed is a list of texts.")
    return value


def ranges(fields: Mapping[str, Any], total: int) -> list[tuple[int, int]]:
    """The half-open ranges of places in the field `ranges`, within 0 and `total`.

    Raises:
        BadInputError: anything else.
    """
    value: Sequence[Any] = fields.get("ranges") or ()
    if not isinstance(value, (list, tuple)) or len(value) > MAX_RANGES:
        raise BadInputError(f"ranges is {value!r:.80}; allowed is a list of pairs [start, stop].")
    found = []
    for pair in value:
        good = isinstance(pair, (list, tuple)) and len(pair) == 2 and all(type(each) is int for each in pair)
        if not good or not 0 <= pair[0] <= pair[1] <= total:
            raise BadInputError(
                f"The range {pair!r:.80} does not fit; allowed is [start, stop] within 0 and {total}."
            )
        found.append((pair[0], pair[1]))
    return found
