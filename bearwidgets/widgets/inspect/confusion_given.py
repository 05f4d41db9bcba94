"""What a confusion matrix can be made of, and compared with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bearwidgets.errors import BadInputError, shortened
from bearwidgets.review.confusion import Confusion
from bearwidgets.review.review import Review

if TYPE_CHECKING:
    from collections.abc import Sequence


def made_before(compare: Any) -> Confusion | Review | None:
    """What a matrix is compared with: a learner is reviewed."""
    return compare if compare is None or isinstance(compare, (Confusion, Review)) else Review(compare)


def given_matrices(source: Any) -> dict[str, Confusion]:
    """Matrices without images by name; none for another source."""
    if isinstance(source, Confusion):
        return {source.split or "": source}
    if not isinstance(source, Mapping):
        return {}
    if not source or not all(isinstance(each, Confusion) for each in source.values()):
        raise BadInputError(
            f"source is {shortened(source)}; allowed is a dict of names and Confusion, with one at least."
        )
    return {str(name): each for name, each in source.items()}


def names_of(given: str | Sequence[str]) -> list[str]:
    """One name or several as a list."""
    return [given] if isinstance(given, str) else list(given)
