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
    """The view that fields of `Filter` and `ViewSpec` stand for; what is not named is shown in full.

    The most suspect are first, or where nothing is `scored` the items by path.
    """
    for name in wanted:
        if name not in (*FILTERS, *OTHERS):
            raise BadInputError(unknown_name("filter", name, (*FILTERS, *OTHERS)))
    sort = "queue" if wanted.get("queue") else "label_issue" if scored else "path"
    spec: dict[str, Any] = {"sort": sort, "descending": sort != "path"}
    spec |= {name: value for name, value in wanted.items() if name in OTHERS}
    return parse(ViewSpec, spec | {"filter": {name: wanted[name] for name in FILTERS if wanted.get(name)}})


def check_view(view: ViewSpec, classes: Sequence[str]) -> None:
    """Refuse a view of classes or splits that there are not."""
    given, predicted, split = view.filter.label, view.filter.predicted, view.filter.split
    for kind, value, known in (
        ("class", given, classes),
        ("class", predicted, classes),
        ("split", split, SPLITS),
    ):
        if value and value not in known:
            raise BadInputError(unknown_name(kind, value, known))
