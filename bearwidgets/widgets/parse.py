"""From a message to a dataclass: one function checks every field by its type, and says in words what does not fit."""

from __future__ import annotations

import dataclasses
import functools
import logging
import types
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from bearwidgets.errors import BadInputError, BearwidgetsError, unknown_name
from bearwidgets.files import as_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

log = logging.getLogger("bearwidgets")

Answer = tuple[dict[str, Any], list[bytes]]
Message = TypeVar("Message")
LONGEST_LIST = 100_000


@dataclass(frozen=True)
class OneOf:
    """A text field allows these only: `Annotated[str, OneOf(("path", "loss"))]`."""

    names: tuple[str, ...]


@dataclass(frozen=True)
class Between:
    """A number field allows `low` to `high`, both included: `Annotated[int, Between(0, 9)]`."""

    low: int
    high: int


@dataclass(frozen=True)
class Span:
    """A pair of places is half open and grows: `Annotated[tuple[int, int], Span()]`."""


def parse(cls: type[Message], fields: object, *, exact: bool = False) -> Message:
    """The dataclass that a message stands for, nested ones included.

    Args:
        cls: a dataclass whose fields are bool, int, float, str, None, lists, tuples, dicts, other dataclasses, unions
            of these, or `Annotated` with `OneOf`, `Between` or `Span`.
        fields: the message, as JSON carries it. None stands for the default of a field that has one.
        exact: refuse fields that there are not; else they are passed over, as an older or newer front end may send.

    Raises:
        BadInputError: a field is missing or does not fit.

    Example:
        >>> from bearwidgets.widgets.protocol import ItemRequest
        >>> parse(ItemRequest, {"item": "0f3a"})
        ItemRequest(item='0f3a')
    """
    return _checked(cls, cls.__name__, fields, exact=exact)


def answer(handlers: Mapping[str, tuple[type, Callable[[Any], Any]]], content: object) -> Answer | None:
    """Run the handler that a message asks for.

    An exception in a message handler is invisible in a notebook, so none leaves this function: what a user can mend
    comes back as its sentence, what is our fault comes back as such and is logged with its traceback.

    Args:
        handlers: op → dataclass of the request, and a function of it; it returns the reply's dataclass, or that and
            binary buffers.
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
    reply = {"kind": "reply", "id": content["id"]}
    try:
        cls, handler = handlers[_text("op", content.get("op"), tuple(handlers))]
        result = handler(parse(cls, content))
        body, buffers = result if isinstance(result, tuple) else (result, [])
        return {**reply, "ok": True, "result": as_message(body)}, buffers
    except BearwidgetsError as error:
        sentence = str(error)
    except Exception as error:  # the one place where an unforeseen error can still reach the user
        log.exception("The request %r failed", content.get("op"))
        sentence = (
            f"Unexpected error, {type(error).__name__}: {error}. Nothing was lost; the log has the details."
        )
    return {**reply, "ok": False, "error": sentence}, []


def as_message(value: Any) -> Any:
    """A dataclass, with all that is in it, as JSON can hold it."""
    if dataclasses.is_dataclass(value):
        return {field.name: as_message(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, (list, tuple)):
        return [as_message(each) for each in value]
    return as_json(value)


@functools.cache
def hints(cls: type) -> dict[str, Any]:
    """Field → type, `Annotated` included."""
    return get_type_hints(cls, include_extras=True)


def is_union(kind: Any) -> bool:
    """Whether a type is `X | Y`."""
    return isinstance(kind, types.UnionType) or str(get_origin(kind)) == "typing.Union"


def _checked(kind: Any, name: str, value: Any, *, exact: bool) -> Any:
    if dataclasses.is_dataclass(kind):
        return _dataclass(kind, name, value, exact=exact)
    inside = get_args(kind)
    if is_union(kind):
        (other,) = [each for each in inside if each is not type(None)]
        return None if value is None else _checked(other, name, value, exact=exact)
    check = _CHECKS.get(get_origin(kind))
    return _plain(kind, name, value) if check is None else check(inside, name, value, exact=exact)


def _dataclass(cls: Any, name: str, value: Any, *, exact: bool) -> Any:
    if not isinstance(value, dict):
        raise _refusal(name, value, "a table of names and values")
    known = {field.name: field for field in dataclasses.fields(cls)}
    for each in value if exact else ():
        if each not in known:
            raise BadInputError(unknown_name("field", each, known, f"in {cls.__name__}"))
    found = {}
    for each, field in known.items():
        given = value.get(each)
        optional = (
            field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING
        )
        if not (given is None and optional):
            found[each] = _checked(hints(cls)[each], each, given, exact=exact)
        elif exact and each not in value:
            raise BadInputError(f"The field {each!r} is missing in {cls.__name__}.")
    return cls(**found)


def _annotated(inside: Any, name: str, value: Any, *, exact: bool) -> Any:
    kind, rule = inside
    if isinstance(rule, OneOf):
        return _text(name, value, rule.names)
    if isinstance(rule, Between):
        if type(value) is not int or not rule.low <= value <= rule.high:
            raise _refusal(name, value, f"a whole number from {rule.low} to {rule.high}")
        return value
    pair = isinstance(value, (list, tuple)) and len(value) == 2 and all(type(each) is int for each in value)
    if not pair or not 0 <= value[0] <= value[1]:
        raise BadInputError(f"The range {value!r:.80} does not fit; allowed is [start, stop] from 0 on.")
    return _checked(kind, name, value, exact=exact)


def _list(inside: Any, name: str, value: Any, *, exact: bool) -> Any:
    if not isinstance(value, (list, tuple)) or len(value) > LONGEST_LIST:
        what = "texts" if inside[0] is str else "pairs [start, stop]" if name == "ranges" else "values"
        raise _refusal(name, value, f"a list of at most {LONGEST_LIST:,} {what}")
    return [_checked(inside[0], name, each, exact=exact) for each in value]


def _tuple(inside: Any, name: str, value: Any, *, exact: bool) -> Any:
    if not isinstance(value, (list, tuple)) or len(value) != len(inside):
        raise _refusal(name, value, f"a list of {len(inside)} values")
    return tuple(_checked(part, name, each, exact=exact) for part, each in zip(inside, value, strict=True))


def _dict(inside: Any, name: str, value: Any, *, exact: bool) -> Any:
    if not isinstance(value, dict):
        raise _refusal(name, value, "a table of names and values")
    return {str(key): _checked(inside[1], name, each, exact=exact) for key, each in value.items()}


def _literal(inside: Any, name: str, value: Any, *, exact: bool) -> str:  # noqa: ARG001 - as the others
    return _text(name, value, inside)


def _plain(kind: Any, name: str, value: Any) -> Any:
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        raise _refusal(name, value, _WORDS[kind])
    return value


def _text(name: str, value: Any, allowed: tuple[str, ...] = ()) -> str:
    if allowed and isinstance(value, str) and value not in allowed:
        raise BadInputError(unknown_name(name, value, allowed))
    return _plain(str, name, value)


def _refusal(name: str, value: Any, allowed: str) -> BadInputError:
    return BadInputError(f"{name} is {value!r:.80}; allowed is {allowed}.")


_WORDS = {str: "text", int: "a whole number", bool: "true or false", float: "a number"}
_CHECKS = {Annotated: _annotated, Literal: _literal, list: _list, tuple: _tuple, dict: _dict}
