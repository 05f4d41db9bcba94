"""What a map shows of the images: where they lie, what pulls them together, their colors. No widget here."""

from __future__ import annotations

import functools
import logging
import threading
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from bearwidgets.data.actions import ACTIONS
from bearwidgets.data.split import SPLITS
from bearwidgets.errors import BadInputError, BearwidgetsError, unknown_name
from bearwidgets.review.inspect.layout import FEWEST, Pairs, components, layout_pairs, unit_vectors
from bearwidgets.widgets.cleaner.similar import features_at_hand
from bearwidgets.widgets.protocol import MapColoring, ViewSpec

if TYPE_CHECKING:
    from collections.abc import Callable

    from bearwidgets.review.review import Review
    from bearwidgets.widgets.cleaner.board import Board

log = logging.getLogger("bearwidgets")

SEED = 0
FEATURES, PREDICTIONS, VECTORS = "features", "predictions", "vectors"
_NAMED = {"label": "Label", "predicted": "Prediction", "decision": "Decision", "split": "Split"}
_UNDECIDED = "undecided"
_EDGE = (
    0.01  # share of the values beyond each end of a scale, so that one extreme does not make the rest alike
)


class Given(NamedTuple):
    """Vectors that were given: one for each of some items."""

    ids: pd.Index
    vectors: np.ndarray  # (n, d) float32


class MapPoints:
    """The points of one map, a row for each item of a board.

    Attributes:
        ids: (n,) of the items.
        by: what they lie by: "features", "predictions" or "vectors".
        pairs: what the layout pulls and pushes; None before `find_pairs` is done, or a sentence why there are none.
    """

    def __init__(self, board: Board, review: Review | None, given: Given | None) -> None:
        self.ids = board.ids
        vectors, self.by = vectors_of(board, review, given)
        self.unit = unit_vectors(vectors)
        self.pairs: Pairs | str | None = None
        self._finding: threading.Thread | None = None

    @functools.cached_property
    def positions(self) -> np.ndarray:
        """Principal components (n, 3) float32 within -1 and 1; NaN where there is nothing to place an image by."""
        return components(self.unit, seed=SEED)

    @property
    def placed(self) -> np.ndarray:
        """(n,) bool, which images have a place."""
        return np.asarray(self.unit.any(1))

    def find_pairs(self, done: Callable[[], None]) -> threading.Thread | None:
        """Look for the pairs in the background, once; `done` is called there."""
        if self.placed.sum() < FEWEST:
            self.pairs = f"Shown by principal components: a layout needs {FEWEST} images or more."
        elif self._finding is None:
            self._finding = threading.Thread(target=self._find, args=[done], daemon=True)
            self._finding.start()
        return self._finding

    def _find(self, done: Callable[[], None]) -> None:
        try:
            self.pairs = layout_pairs(self.unit, seed=SEED)
        except (BearwidgetsError, ImportError) as error:
            self.pairs = f"Shown by principal components. {error}"
        except Exception as error:
            log.exception("The neighbors of the map were not found")
            self.pairs = f"Shown by principal components. Unexpected error, {type(error).__name__}: {error}."
        done()

    def nearest(self, row: int) -> np.ndarray:
        """Rows of the nearest images of one, the nearest first; none before they are found."""
        near = self.pairs.near[row] if isinstance(self.pairs, Pairs) else np.zeros(0, np.int64)
        return near[near >= 0]


def vectors_of(board: Board, review: Review | None, given: Given | None) -> tuple[np.ndarray, str]:
    """By what the items of a board lie: (n, d), zeros where there are none; and what that is."""
    n = len(board.ids)
    if given is not None:
        rows = given.ids.get_indexer(pd.Index(board.ids, dtype=object))
        return _filled(n, rows >= 0, given.vectors[rows[rows >= 0]]), VECTORS
    features = features_at_hand(getattr(review, "learn", None))
    if features is not None:
        known = np.fromiter((each in features for each in board.contents), bool, n)
        if known.any():
            return _filled(n, known, features.array(board.contents[known].tolist())), FEATURES
    if review is None:
        return np.zeros((n, 0), np.float32), PREDICTIONS
    rows = review.table.index.get_indexer(pd.Index(board.ids, dtype=object))
    # The root of probabilities has length 1, and its cosine is the Bhattacharyya coefficient.
    return _filled(n, rows >= 0, np.sqrt(review.probabilities[rows[rows >= 0]])), PREDICTIONS


def _filled(n: int, known: np.ndarray, values: np.ndarray) -> np.ndarray:
    found = np.zeros((n, values.shape[1]), np.float32)
    found[known] = values
    return found


def colorings(board: Board) -> list[MapColoring]:
    """All that the points can be colored by: names first, then scores, those of checks last."""
    values = board.values  # noqa: PD011 - a board's own
    scores = [each for each in values.sorts(ViewSpec("path")) if values.score(each.name) is not None]
    names = [name for name in _NAMED if name != "predicted" or board.scored.any()]
    return [
        *(MapColoring(name, _NAMED[name], scale=False) for name in names),
        *(MapColoring(each.name, each.title, scale=True) for each in scores),
    ]


def named_values(board: Board, name: str) -> tuple[np.ndarray, list[str]]:
    """Of "label", "predicted", "decision" or "split": (n,) int32 places in its names, -1 for none; and these."""
    if name == "decision":
        values = np.where(board.decisions.undecided, _UNDECIDED, board.decisions.action)
        names = [_UNDECIDED, *ACTIONS]
    elif name == "split":
        values, names = board.splits, [each for each in SPLITS if (board.splits == each).any()]
    else:
        values = board.judged if name == "label" else board.predicted
        names = sorted({each for each in values.tolist() if each is not None})
    return pd.Index(names, dtype=object).get_indexer(pd.Index(values, dtype=object)).astype(np.int32), names


def scale_values(board: Board, name: str) -> tuple[np.ndarray, float, float]:
    """A score (n,) float32, NaN for none, and where its colors begin and end.

    Raises:
        BadInputError: there is no such score.
    """
    score = board.values.score(name)  # noqa: PD011 - a board's own
    if score is None:
        raise BadInputError(
            unknown_name("coloring", name, [each.name for each in colorings(board)], "of this map")
        )
    known = score[np.isfinite(score)]
    low, high = np.quantile(known, [_EDGE, 1 - _EDGE]).tolist() if len(known) else (0.0, 1.0)
    return score.astype(np.float32), low, high if high > low else low + 1
