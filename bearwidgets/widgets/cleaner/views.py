"""From the names and values that a person gives to the view they stand for, and what is wrong with one."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from bearwidgets.data.split import SPLITS
from bearwidgets.errors import BadInputError, unknown_name
from bearwidgets.widgets.parse import parse
from bearwidgets.widgets.protocol import Filter, ViewSpec

if TYPE_CHECKING:
    from collections.abc import Sequence

FILTERS = tuple(field.name for field in dataclasses.fields(Filter))
OTHERS = tuple(field.name for field in dataclasses.fields(ViewSpec) if field.name != "filter")


def view_of(wanted: dict[str, Any], *, scored: bool) -> ViewSpec:
    """The view that names and values stand for; what is not named is shown in full, the most suspect first.

    Args:
        wanted: any of the fields of `Filter` and `ViewSpec`.
        scored: whether there are scores to sort by.

    Raises:
        BadInputError: an unknown name, or a value that is not allowed.
    """
    for name in wanted:
        if name not in (*FILTERS, *OTHERS):
            raise BadInputError(unknown_name("filter", name, (*FILTERS, *OTHERS)))
    sort = "queue" if wanted.get("queue") else "label_issue" if scored else "path"
    spec: dict[str, Any] = {"sort": sort, "descending": sort != "path"}
    spec |= {name: value for name, value in wanted.items() if name in OTHERS}
    return parse(ViewSpec, spec | {"filter": {name: wanted[name] for name in FILTERS if wanted.get(name)}})


def check_view(view: ViewSpec, classes: Sequence[str]) -> None:
    """Refuse a view of classes or splits that there are not.

    Raises:
        BadInputError: an unknown class or split.
    """
    wanted = view.filter
    for kind, value, known in (
        ("class", wanted.label, classes),
        ("class", wanted.predicted, classes),
        ("split", wanted.split, SPLITS),
    ):
        if value and value not in known:
            raise BadInputError(unknown_name(kind, value, known))
