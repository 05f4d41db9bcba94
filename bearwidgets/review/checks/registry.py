"""What a check is, what it may read, what it answers, and where all checks are registered."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from bearwidgets.errors import BadInputError, unknown_name

if TYPE_CHECKING:
    import pandas as pd

    from bearwidgets.data.dataset import Dataset
    from bearwidgets.review.checks.copies import Copies
    from bearwidgets.review.neighbors import Neighbors
    from bearwidgets.review.review import Review

BUILT_IN = (
    "duplicates",
    "labels",
    "outliers",
    "quality",
    "borders",
    "weak_groups",
    "spurious",
    "imbalance",
    "drift",
)
"""The modules of this room that register checks, in the order in which their queues are shown."""

NEEDS = ("looks", "features", "review")
_ROOM = "bearwidgets.review.checks."
_DEVIATIONS = (
    3.5  # robust standard deviations, Iglewicz and Hoaglin (1993), How to Detect and Handle Outliers
)
_STANDS_OUT = 0.05  # of the score: where all items are alike, the least that sets one apart
_TO_DEVIATION = 1.4826  # median absolute deviation to standard deviation of a normal distribution


@dataclass(frozen=True)
class Found:
    """What one check says of the n items, in the order of `Evidence.table`.

    Attributes:
        score: (n,) float64 in 0 to 1, higher is more suspect; NaN where the check cannot tell.
        flag: (n,) bool.
        threshold: The score from which an item is flagged, as this data had it; None where there is no such score.
        group: (n,) int64, items that belong together, such as copies of one picture; -1 for none.
        keeper: (n,) bool, the one of its group that is proposed to stay.
        why: (n,) a sentence for each item, "" for none; or nothing at all.
        note: A sentence on the whole data set, with its figures.
        fact: (n,) bool, which flags are facts and no guesses; if not given, all of a certain check, none of another.
    """

    score: np.ndarray
    flag: np.ndarray
    threshold: float | None = None
    group: np.ndarray | None = None
    keeper: np.ndarray | None = None
    why: Sequence[str] = ()
    note: str = ""
    fact: np.ndarray | None = None


@dataclass(frozen=True)
class Check:
    """One kind of issue.

    Attributes:
        name: A column name, such as "dark".
        title: What a person reads, such as "Too dark".
        run: Evidence → what was found; or only scores (n,), which are flagged by `adaptive_threshold`.
        needs: Some of "looks", "features", "review", without which the check is left out.
        certain: A flag is a fact, not a guess, or may be one, see `Found.fact`.
    """

    name: str
    title: str
    run: Callable[[Evidence], Found | Any]
    needs: tuple[str, ...] = ()
    certain: bool = False


class Evidence:
    """What checks may read; everything is computed once, when it is first asked for.

    Args:
        ds: The data set.
        review: Its review, if there is one.
        learn: The learner whose body gives the features, if there is one.

    Attributes:
        ds: The data set.
        table: Its table: id, content, path, label, split, width, height; a row for each of n items.
        review: Scores and probabilities, or None. It may lack some items, so go by the id.
    """

    def __init__(self, ds: Dataset, review: Review | None = None, learn: Any = None) -> None:
        self.ds = ds
        self.table: pd.DataFrame = ds.table
        self.review = review
        folds = getattr(
            learn, "learners", None
        )  # of a cross-validation; one of its bodies is as good as another
        self._learn = folds[0] if folds else learn

    def lacks(self, need: str) -> str:
        """Why something that a check needs is not to be had, or "" where it is."""
        if need == "review" and self.review is None:
            return "needs predictions: give a trained Learner or a Review"
        if need == "features" and not hasattr(self._learn, "features"):
            return "needs features: give a bearwidgets Learner, or a Review of one"
        return ""

    @cached_property
    def looks(self) -> pd.DataFrame:
        """Figures of the pixels, a row for each item; see `bearwidgets.data.image_stats.table.image_stats_of`."""
        from bearwidgets.data.image_stats.table import image_stats_of

        return image_stats_of(self.ds)

    @cached_property
    def copies(self) -> Copies:
        """Pairs of pictures that are copies but not the same bytes; see `copies.find_copies`."""
        from bearwidgets.review.checks.copies import find_copies

        return find_copies(self.ds, self.looks, None if self.lacks("features") else self.neighbors)

    @cached_property
    def features(self) -> np.ndarray | None:
        """(n, d) float32 of the learner's body, zeros where a picture does not decode; None without a learner."""
        if self.lacks("features"):
            return None
        from bearwidgets.learn.fit_head import compute_features

        ds = self.ds
        for _ in compute_features(self._learn, ds):
            pass
        store = self._learn.features
        broken = ds.table.content.isin(list(store.problems)).to_numpy()
        good = store.array(list(ds.table.content[~broken]))
        features = np.zeros((len(ds), good.shape[1]), np.float32)
        features[~broken] = good
        return features

    @cached_property
    def neighbors(self) -> Neighbors:
        """The nearest items of each by the cosine of their features.

        Raises:
            BadInputError: There are no features; a check that asks has "features" among its needs.
        """
        from bearwidgets.review.neighbors import Neighbors

        if self.features is None:
            raise BadInputError(f"Neighbors cannot be had: {self.lacks('features')}.")
        return Neighbors(self.features)


def adaptive_threshold(score: np.ndarray, *, least: float = 0.5, most: float = 1.0) -> float:
    """The score from which an item stands out of its own data set.

    It is the median plus 3.5 robust standard deviations (median absolute deviation × 1.4826; Iglewicz and Hoaglin,
    1993), held between two absolute bounds: below the lower nothing is wrong, so that a clean set is not flagged for
    having a tail; above the upper something is wrong however common it is.

    Args:
        score: (n,), NaN where unknown.
        least: The threshold is never below it.
        most: The threshold is never above it; infinity where only what is rare can be wrong.

    Example:
        >>> adaptive_threshold(np.array([0.1, 0.1, 0.2, 0.1, 0.9]))
        0.5
    """
    known = score[np.isfinite(score)]
    if not len(known):
        return least
    middle = float(np.median(known))
    spread = _TO_DEVIATION * float(np.median(np.abs(known - middle)))
    return float(np.clip(middle + max(_DEVIATIONS * spread, _STANDS_OUT), least, most))


class _Registry(Mapping[str, Check]):
    """All checks by name: certain ones first, then in the order of `BUILT_IN`, then those of users."""

    def __init__(self) -> None:
        self._checks: dict[str, Check] = {}

    def _load(self) -> dict[str, Check]:
        for name in BUILT_IN:
            importlib.import_module(_ROOM + name)
        return self._checks

    def add(self, each: Check) -> None:
        if not _is_built_in(each) and each.name in self._load() and _is_built_in(self._checks[each.name]):
            raise BadInputError(f"There is a check {each.name!r} already; give yours another name.")
        self._checks[each.name] = each

    def __getitem__(self, name: str) -> Check:
        return self._load()[name]

    def __iter__(self) -> Iterator[str]:
        order = [_ROOM + name for name in BUILT_IN]
        checks = list(self._load().values())

        def rank(each: Check) -> tuple[bool, int]:
            return not each.certain, order.index(_module(each)) if _is_built_in(each) else len(order)

        return (each.name for each in sorted(checks, key=rank))

    def __len__(self) -> int:
        return len(self._load())


def _module(each: Check) -> str:
    return getattr(each.run, "__module__", "")


def _is_built_in(each: Check) -> bool:
    return _module(each) in {_ROOM + name for name in BUILT_IN}


CHECKS = _Registry()
"""All checks by name, in the order in which their queues are shown."""


def register(each: Check) -> None:
    """Add a check to those that `find_issues` runs; one of the same name that you added before is replaced.

    Raises:
        BadInputError: Its name is no identifier or that of a built-in check, or it needs something unknown.
    """
    if not each.name.isidentifier():
        raise BadInputError(f"{each.name!r} is no name for a check: take letters, digits and underscores.")
    for need in each.needs:
        if need not in NEEDS:
            raise BadInputError(unknown_name("need", need, NEEDS, f"for the check {each.name!r}"))
    CHECKS.add(each)


def check(
    name: str, *, title: str | None = None, needs: Sequence[str] = (), certain: bool = False
) -> Callable[[Callable[[Evidence], Any]], Callable[[Evidence], Any]]:
    """Register a function of the evidence as a check.

    Args:
        name: As of `Check`, and so the others.
        title: Made from the name if not given.
        needs: As of `Check`.
        certain: As of `Check`.

    Example:
        >>> @check("blue", needs=["looks"])
        ... def blue(evidence):
        ...     return evidence.looks["blue"] > 0.8  # doctest: +SKIP
    """

    def decorate(run: Callable[[Evidence], Any]) -> Callable[[Evidence], Any]:
        text = title or name.replace("_", " ").capitalize()
        register(Check(name, text, run, tuple(needs), certain))
        return run

    return decorate
