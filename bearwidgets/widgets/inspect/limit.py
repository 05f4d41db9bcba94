"""Which images a matrix counts: all, or those that another view was filtered to."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bearwidgets.widgets.cleaner.links import Links, Shown

MATRIX = "the confusion matrix"


class Limit:
    """The filter of another view, which holds until that view shows all again or a person wants all.

    What another matrix shows is no limit: that is a cell, which would leave nothing but itself.

    Attributes:
        number: another one after every change; a page that knows it knows the limit.
    """

    def __init__(self, links: Links) -> None:
        self.number = 0
        self._links = links
        self._known = links.group.shown  # what was shown before is no news
        self._limit: Shown | None = None

    def shown(self) -> Shown | None:
        """What limits the matrix now; None where nothing does."""
        news = self._links.group.shown
        if news is not self._known:
            self._known = news
            if news.by is not self._links:
                matrix = news.by is not None and news.by.place == MATRIX
                self._set(None if news.ids is None or matrix else news)
        return self._limit

    def lift(self) -> None:
        """Count all from now on, until another filter comes."""
        self.shown()
        self._set(None)

    def _set(self, limit: Shown | None) -> None:
        if limit is not self._limit:
            self._limit = limit
            self.number += 1
