"""A card that comes from a file is not believed: type and range of every entry are looked at before it is used."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

from bearwidgets.errors import BadInputError
from bearwidgets.learn.input.preprocessing import Preprocessing
from bearwidgets.learn.network.model import POOLS
from bearwidgets.learn.provenance import OLD_MODES
from bearwidgets.learn.saved.metadata import FORMAT, HEADS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MAX_SIZE = 8192
MAX_LENGTH = 10_000


def check_metadata(card: object, source: str) -> dict[str, Any]:
    """The card of a file, brought to the present format; every entry is of the type and range it has to be.

    Raises:
        BadInputError: it is no card, of a newer format, or damaged.
    """
    if not isinstance(card, dict) or not _is_count(card.get("format"), 1):
        raise BadInputError(
            f"{source} holds tensors but no bearwidgets card; expected a file of `learn.save`."
        )
    if card["format"] > FORMAT:
        version = str(card.get("version"))
        by = version if re.fullmatch(r"[\w.+-]{1,40}", version, re.ASCII) else "of unknown version"
        raise BadInputError(
            f"{source} was written by bearwidgets {by}, a newer one; update bearwidgets to read it."
        )
    if card["format"] == 1:
        card = _upgraded(card)
    if missing := [name for name in SCHEMA if name not in card]:
        raise BadInputError(
            f"The card of {source} lacks {', '.join(missing)}: the file was changed or is broken."
        )
    for name, (rule, words) in SCHEMA.items():
        if not rule(card[name]):
            raise BadInputError(
                f"The card of {source} has {str(card[name])[:80]!r} for {name}; allowed is {words}. The file was "
                "changed or is broken."
            )
    try:
        preprocessing = Preprocessing.from_metadata(card["preprocessing"])
    except BadInputError as error:
        said = "".join(each if each.isprintable() else "?" for each in str(error))  # it quotes what came
        raise BadInputError(f"{source}: {said}") from error
    if preprocessing.size != card["size"]:
        raise BadInputError(
            f"The card of {source} has two sizes, {card['size']} and {preprocessing.size} px: the file was changed."
        )
    return {name: card[name] for name in ("format", *SCHEMA)}


def _upgraded(card: dict[str, Any]) -> dict[str, Any]:
    """A card of format 1, which said less and had the preprocessing among the rest."""
    flat = ("size", "mean", "std", "interpolation")
    old = ("arch", "timm", "weights", "classes", "seed", "mode", "made_by")
    if missing := [name for name in (*flat, *old) if name not in card]:
        return {name: card[name] for name in SCHEMA if name in card and name not in missing}
    return {
        **{name: card[name] for name in (*old, "size")},
        "format": FORMAT,
        "version": card.get("version", "?"),
        "created": None,
        "head": "linear",
        "pool": "avg",
        "preprocessing": {name: card[name] for name in flat}
        | {"resize": "squish", "in_chans": 3, "pca": None},
        "versions": {"bearwidgets": card.get("version", "?")},
        "data": None,
        "metrics": {"last_epoch": None, "valid": None},
        "history": [],
        "licence": "Not noted by the version of bearwidgets that wrote this file.",
        "intended_use": "Not noted by the version of bearwidgets that wrote this file.",
    }


def _is_words(value: object) -> bool:
    """Some text; JSON can hold halves of surrogate pairs, which nothing can print."""
    if not isinstance(value, str) or not 0 < len(value) <= MAX_LENGTH:
        return False
    return not any("\ud800" <= each <= "\udfff" for each in value)


def _is_count(value: object, least: int = 0, most: int = 2**53) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _is_number(value: object) -> bool:
    return (isinstance(value, float) and math.isfinite(value)) or _is_count(value, -(2**53))


def _one_of(value: object, allowed: Iterable[str]) -> bool:
    return isinstance(value, str) and value in allowed


def _is_row(value: object) -> bool:
    """A flat table of figures and words, or of such tables by class."""
    return isinstance(value, dict) and all(
        _is_words(key) and (each is None or isinstance(each, bool) or _is_number(each) or _is_words(each))
        for key, each in value.items()
    )


def _is_share(value: Any) -> bool:
    return _is_number(value) and 0 <= value <= 1


def _is_scores(value: object) -> bool:
    """What `Learner.evaluate` gives."""
    if not isinstance(value, dict):
        return value is None
    per_class, metrics = value.get("per_class", {}), value.get("metrics", {})
    flat = {name: each for name, each in value.items() if name not in ("per_class", "metrics")}
    return (
        _is_row(flat)
        and _is_row(metrics)
        and _is_count(value.get("n"), 1)
        and _is_share(value.get("error_rate"))
        and _is_share(value.get("error_rate_corrected", 0))
        and isinstance(per_class, dict)
        and all(_is_words(name) and _is_row(each) for name, each in per_class.items())
        and all(_is_count(each.get("n")) and _is_share(each.get("accuracy")) for each in per_class.values())
    )


def _is_metrics(value: object) -> bool:
    if not isinstance(value, dict) or not {"last_epoch", "valid"} <= set(value):
        return False
    last = value["last_epoch"]
    if not _is_scores(value["valid"]):
        return False
    return last is None or (
        _is_row(last) and (last.get("valid_error") is None or _is_share(last["valid_error"]))
    )


def _is_classes(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_words, value)) and 0 < len(set(value)) == len(value)


def _is_table(value: object) -> bool:
    return isinstance(value, dict)  # `Preprocessing.from_metadata` looks at what is in it


def _is_data(value: object) -> bool:
    if value is None:
        return True
    items = value.get("items") if isinstance(value, dict) else None
    return (
        isinstance(value, dict)
        and _is_words(value.get("hash"))
        and (value.get("exam") is None or _is_words(value.get("exam")))
        and isinstance(items, dict)
        and all(_is_words(split) and isinstance(part, dict) for split, part in items.items())
        and all(_is_words(label) and _is_count(n) for part in items.values() for label, n in part.items())
    )


SCHEMA: dict[str, tuple[Callable[[Any], bool], str]] = {
    "version": (_is_words, "a version"),
    "created": (lambda value: value is None or _is_words(value), "a time"),
    "arch": (_is_words, "a name"),
    "timm": (_is_words, "a name"),
    "weights": (_is_words, "words"),
    "head": (lambda value: _one_of(value, HEADS), ", ".join(map(repr, HEADS))),
    "pool": (lambda value: _one_of(value, POOLS), ", ".join(map(repr, POOLS))),
    "classes": (_is_classes, "a list of different names"),
    "size": (lambda value: _is_count(value, 32, MAX_SIZE), f"a whole number from 32 to {MAX_SIZE}"),
    "seed": (lambda value: _is_count(value, 0, 2**32 - 1), f"a whole number from 0 to {2**32 - 1}"),
    "mode": (lambda value: _one_of(value, ("quick", "full", *OLD_MODES)), "'quick' or 'full'"),
    "made_by": (_is_words, "words"),
    "preprocessing": (_is_table, "a table"),
    "versions": (_is_row, "versions by name"),
    "data": (_is_data, "a hash and numbers of items, or nothing"),
    "metrics": (_is_metrics, "figures by name"),
    "history": (lambda value: isinstance(value, list) and all(map(_is_row, value)), "a list of epochs"),
    "licence": (_is_words, "words"),
    "intended_use": (_is_words, "words"),
}
