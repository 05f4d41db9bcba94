"""What the metadata of a file may hold: nothing in it is used before its type and range were looked at."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from bearwidgets.errors import BadInputError
from bearwidgets.learn.input.preprocessing import Preprocessing
from bearwidgets.learn.network.bodies import Origin
from bearwidgets.learn.network.model import POOLS
from bearwidgets.learn.provenance import Provenance
from bearwidgets.learn.saved.metadata import FORMAT, HEADS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

MAX_SIZE = 8192
MAX_LENGTH = 10_000
NOT_NOTED = "Not noted by the version of bearwidgets that wrote this file."


class Rule(NamedTuple):
    """What an entry may be: a test, and words for an error."""

    holds: Callable[[Any], bool]
    words: str


def _whole(least: int, most: int = 2**53) -> Rule:
    def holds(value: Any) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most

    return Rule(holds, f"a whole number from {least} to {most}")


def _one_of(names: Iterable[str]) -> Rule:
    allowed = list(names)
    return Rule(lambda value: isinstance(value, str) and value in allowed, " or ".join(map(repr, allowed)))


def _optional(rule: Rule) -> Rule:
    return Rule(lambda value: value is None or rule.holds(value), f"{rule.words}, or nothing")


def _list_of(rule: Rule) -> Rule:
    return Rule(
        lambda value: isinstance(value, list) and all(map(rule.holds, value)), f"a list of {rule.words}"
    )


def _table_of(rest: Rule, *, needed: Mapping[str, Rule] | None = None, **possible: Rule) -> Rule:
    """A table: entries that must be there, entries that may be there, and a rule for all others."""
    known = {**(needed or {}), **possible}

    def holds(value: Any) -> bool:
        return (
            isinstance(value, dict)
            and all(name in value for name in needed or ())
            and all(TEXT.holds(name) and known.get(name, rest).holds(each) for name, each in value.items())
        )

    return Rule(holds, f"a table of {rest.words}")


def _is_text(value: object) -> bool:
    """Some text; JSON can hold halves of surrogate pairs, which nothing can print."""
    if not isinstance(value, str) or not 0 < len(value) <= MAX_LENGTH:
        return False
    return not any("\ud800" <= each <= "\udfff" for each in value)


def _is_number(value: object) -> bool:
    return (isinstance(value, float) and math.isfinite(value)) or _whole(-(2**53)).holds(value)


def _is_provenance(value: object) -> bool:
    try:
        found = Provenance.from_stored(value)
    except (TypeError, ValueError):
        return False
    return isinstance(value, dict) and all(not each or _is_text(each) for each in (found.words, found.arch))


ANY = Rule(lambda _: True, "anything")
TEXT = Rule(_is_text, "text")
NAMES = Rule(
    lambda value: _list_of(TEXT).holds(value) and 0 < len(set(value)) == len(value),
    "a list of different names",
)
SHARE = Rule(lambda value: _is_number(value) and 0 <= value <= 1, "a share from 0 to 1")
CELL = _optional(
    Rule(lambda value: isinstance(value, bool) or _is_number(value) or _is_text(value), "figures")
)
ROW = _table_of(CELL)
EPOCH = _table_of(CELL, valid_error=_optional(SHARE))
SCORES = _table_of(
    CELL,
    needed={"n": _whole(1), "error_rate": SHARE},
    error_rate_corrected=SHARE,
    metrics=ROW,
    per_class=_table_of(_table_of(CELL, needed={"n": _whole(0), "accuracy": SHARE})),
)
SOURCE = _table_of(
    ANY,
    needed={
        "origin": _one_of(each.value for each in Origin),
        "tag": _optional(TEXT),
        "license": _optional(TEXT),
        "stages": _list_of(_whole(1)),
    },
)
DATA = _table_of(ANY, needed={"hash": TEXT, "items": _table_of(_table_of(_whole(0)))}, exam=_optional(TEXT))
SCHEMA = {
    "version": TEXT,
    "created": _optional(TEXT),
    "arch": TEXT,
    "timm": TEXT,
    "weights": TEXT,
    "source": _optional(SOURCE),
    "head": _one_of(HEADS),
    "pool": _one_of(POOLS),
    "classes": NAMES,
    "size": _whole(32, MAX_SIZE),
    "seed": _whole(0, 2**32 - 1),
    "provenance": Rule(_is_provenance, "how the weights were made, with the mode 'quick' or 'full'"),
    "preprocessing": _table_of(ANY),  # `Preprocessing.from_metadata` looks at what is in it
    "versions": ROW,
    "data": _optional(DATA),
    "metrics": _table_of(ANY, needed={"valid": _optional(SCORES), "last_epoch": _optional(EPOCH)}),
    "history": _list_of(ROW),
    "licence": TEXT,
    "intended_use": TEXT,
}
LATER: dict[str, Any] = {"source": None}  # what older files do not have; readers from before pass over it


def check_metadata(metadata: object, source: str) -> dict[str, Any]:
    """The metadata of a file, brought to the present format; every entry is as `SCHEMA` has it."""
    if not isinstance(metadata, dict) or not _whole(1).holds(metadata.get("format")):
        raise BadInputError(
            f"{source} holds tensors but no bearwidgets metadata; expected a file of `learn.save`."
        )
    if metadata["format"] > FORMAT:
        version = str(metadata.get("version"))
        by = version if re.fullmatch(r"[\w.+-]{1,40}", version, re.ASCII) else "of unknown version"
        raise BadInputError(
            f"{source} was written by bearwidgets {by}, a newer one; update bearwidgets to read it."
        )
    older = metadata["format"] < FORMAT
    metadata = (
        LATER | (_upgraded(metadata) if metadata["format"] == 1 else metadata) | dict[str, Any](format=FORMAT)
    )
    if older and "mode" in metadata and "made_by" in metadata:
        metadata["provenance"] = {"mode": metadata["mode"], "words": metadata["made_by"]}
    if missing := [name for name in SCHEMA if name not in metadata]:
        raise BadInputError(
            f"The metadata of {source} lacks {', '.join(missing)}: the file was changed or is broken."
        )
    for name, rule in SCHEMA.items():
        if not rule.holds(metadata[name]):
            raise BadInputError(
                f"The metadata of {source} has {str(metadata[name])[:80]!r} for {name}; allowed is {rule.words}. The "
                "file was changed or is broken."
            )
    try:
        preprocessing = Preprocessing.from_metadata(metadata["preprocessing"])
    except BadInputError as error:
        said = "".join(each if each.isprintable() else "?" for each in str(error))  # it quotes what came
        raise BadInputError(f"{source}: {said}") from error
    if preprocessing.size != metadata["size"]:
        raise BadInputError(
            f"The metadata of {source} has two sizes, {metadata['size']} and {preprocessing.size} px: the file was "
            "changed."
        )
    return {name: metadata[name] for name in ("format", *SCHEMA)}


def _upgraded(old: dict[str, Any]) -> dict[str, Any]:
    """The metadata of format 1, which said less and had the preprocessing among the rest."""
    flat = ("size", "mean", "std", "interpolation")
    kept = ("arch", "timm", "weights", "classes", "size", "seed", "mode", "made_by")
    if any(name not in old for name in (*flat, *kept)):
        return {name: old[name] for name in kept if name in old}
    return {
        **{name: old[name] for name in kept},
        "version": old.get("version", "?"),
        "created": None,
        "head": "linear",
        "pool": "avg",
        "preprocessing": {**{name: old[name] for name in flat}, "in_chans": 3},
        "versions": {"bearwidgets": old.get("version", "?")},
        "data": None,
        "metrics": {"last_epoch": None, "valid": None},
        "history": [],
        "licence": NOT_NOTED,
        "intended_use": NOT_NOTED,
    }
