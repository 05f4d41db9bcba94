"""From a message to a dataclass: one function checks every field by its type, and says in words what does not fit."""

from __future__ import annotations

import dataclasses
import functools
import logging
import math
import re
from types import UnionType
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Literal,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from bearwidgets.errors import BadInputError, BearwidgetsError, shortened, unknown_name
from bearwidgets.safe_text import as_json

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

log = logging.getLogger("bearwidgets")

Answer = tuple[dict[str, Any], list[bytes]]
Parsed = TypeVar("Parsed")
LONGEST_LIST = 100_000
LONGEST_TEXT = 4096  # the longest path
ENVELOPE = ("kind", "id", "op")
UNIONS = (Union, UnionType)
_HALF = re.compile("[\ud800-\udfff]")  # of a surrogate pair: no reply with one could be sent
_WORDS = {
    str: f"text of at most {LONGEST_TEXT:,} characters in valid Unicode",
    int: "a whole number",
    bool: "true or false",
    float: "a finite number",
    dict: "a table of names and values",
}


def answer(handlers: Mapping[str, tuple[type, Callable[[Any], Any]]], content: object) -> Answer | None:
    """The reply to a message, and its buffers; None for what is no request, as it has no number to answer under.

    A handler takes the dataclass of its request and gives that of the reply, or that and buffers. An exception in it
    is invisible in a notebook, so none leaves this function: what a user can mend comes back as its sentence, what is
    our fault comes back as such and is logged with its traceback.
    """
    if (
        not isinstance(content, dict)
        or content.get("kind") != "request"
        or type(content.get("id")) is not int
    ):
        log.warning("A message that is no request was left unanswered: %s", shortened(content))
        return None
    reply = {"kind": "reply", "id": content["id"]}
    try:
        cls, handler = handlers[_named(handlers, "op", content.get("op"))]
        fields = {name: value for name, value in content.items() if name not in ENVELOPE}
        result = handler(parse(cls, fields))
        body, buffers = result if isinstance(result, tuple) else (result, [])
        return {**reply, "ok": True, "result": as_json(body)}, buffers
    except BearwidgetsError as error:
        sentence = str(error)
    except Exception as error:  # the one place where an unforeseen error can still reach the user
        log.exception("The request %r failed", content.get("op"))
        sentence = (
            f"Unexpected error, {type(error).__name__}: {error}. Nothing was lost; the log has the details."
        )
    return {**reply, "ok": False, "error": as_json(sentence[:LONGEST_TEXT])}, []


def parse(cls: type[Parsed], message: object) -> Parsed:
    """The dataclass that a message stands for, nested ones included.

    None stands for the default of a field that has one. A field that is missing, unknown or does not fit is refused.
    """
    return _fit(cls, cls.__name__, message)


@functools.cache
def hints(cls: type) -> dict[str, Any]:
    """Field → type, `Annotated` included."""
    return get_type_hints(cls, include_extras=True)


def has_default(field: dataclasses.Field) -> bool:
    """Whether a field may be left out."""
    return field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING


def _fit(kind: Any, name: str, value: Any) -> Any:
    """The value of a field, where it is of this type."""
    origin, inside = get_origin(kind), get_args(kind)
    if origin in UNIONS:
        (other,) = [each for each in inside if each is not type(None)]
        return None if value is None else _fit(other, name, value)
    if origin is not None:
        return _FITS[origin](inside, name, value)
    if dataclasses.is_dataclass(kind):
        return _dataclass(kind, _of(dict, name, value))
    return float(value) if kind is float and type(value) is int else _of(kind, name, value)


def _dataclass(cls: Any, given: dict[str, Any]) -> Any:
    for name in given:
        if name not in hints(cls):
            raise BadInputError(unknown_name("field", name, hints(cls), f"in {cls.__name__}"))
    found = {
        field.name: _fit(hints(cls)[field.name], field.name, given.get(field.name))
        for field in dataclasses.fields(cls)
        if given.get(field.name) is not None or not has_default(field)
    }
    return cls(**found)


def _annotated(inside: tuple[Any, ...], name: str, value: Any) -> Any:
    kind, rule = inside
    if isinstance(rule, tuple):
        return _named(rule, name, value)
    if isinstance(rule, range) and (type(value) is not int or value not in rule):
        raise _refusal(name, value, f"a whole number from {rule[0]} to {rule[-1]}")
    return _fit(kind, name, value)


def _tuple(inside: tuple[Any, ...], name: str, value: Any) -> Any:
    if not isinstance(value, (list, tuple)) or len(value) != len(inside):
        raise _refusal(name, value, f"a list of {len(inside)} values")
    return tuple(_fit(part, name, each) for part, each in zip(inside, value, strict=True))


def _list(inside: tuple[Any, ...], name: str, value: Any) -> Any:
    if not isinstance(value, (list, tuple)) or len(value) > LONGEST_LIST:
        what = "texts" if inside[0] is str else "pairs [start, stop]" if name == "ranges" else "values"
        raise _refusal(name, value, f"a list of at most {LONGEST_LIST:,} {what}")
    return [_fit(inside[0], name, each) for each in value]


def _dict(inside: tuple[Any, ...], name: str, value: Any) -> Any:
    return {str(key): _fit(inside[1], name, each) for key, each in _of(dict, name, value).items()}


def _named(allowed: Collection[str], name: str, value: Any) -> str:
    if isinstance(value, str) and value not in allowed:
        raise BadInputError(unknown_name(name, value, allowed))
    return _of(str, name, value)


def _of(kind: Any, name: str, value: Any) -> Any:
    fits = type(value) is kind
    if fits and kind is str:
        fits = len(value) <= LONGEST_TEXT and not _HALF.search(value)
    if not fits or (kind is float and not math.isfinite(value)):
        raise _refusal(name, value, _WORDS[kind])
    return value


def _refusal(name: str, value: Any, allowed: str) -> BadInputError:
    return BadInputError(f"{name} is {shortened(value)}; allowed is {allowed}.")


_FITS = {Annotated: _annotated, Literal: _named, list: _list, tuple: _tuple, dict: _dict}
