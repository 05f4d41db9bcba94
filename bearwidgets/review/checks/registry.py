"""What a check is, what it answers, from which score on that counts, and where all checks are registered."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bearwidgets.data.actions import DELETE, DUPLICATE, IMAGE, KEEP, LABEL, RELABEL
from bearwidgets.errors import BadInputError, unknown_name

if TYPE_CHECKING:
    from bearwidgets.review.checks.inputs import CheckInputs

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

NEEDS = ("image_stats", "features", "review")
PROPOSALS = (DELETE, RELABEL, KEEP)
DEVIATIONS = 3.5
"""Robust standard deviations from which a value is an outlier (Iglewicz and Hoaglin, 1993, How to Detect and Handle
Outliers)."""
_STANDS_OUT = 0.05  # of the score: where all items are alike, the least that sets one apart
_TO_DEVIATION = 1.4826  # median absolute deviation to standard deviation of a normal distribution
_FORMER_NAMES = {"grey_among_color": "gray_among_color"}
_MODULES = tuple(f"bearwidgets.review.checks.{name}" for name in BUILT_IN)


@dataclass(frozen=True)
class CheckResult:
    """What one check says of the n items, in the order of `CheckInputs.table`.

    Attributes:
        score: (n,) float64 in 0 to 1, higher is more suspect; NaN where the check cannot tell.
        flag: (n,) bool.
        threshold: The score from which an item is flagged; None where no score decides.
        group: (n,) int64, items that belong together, such as copies of one image; -1 for none.
        keeper: (n,) bool, the one of its group that is proposed to stay.
        why: (n,) a sentence for each item, "" for none; or nothing at all.
        note: A sentence on the whole data set, with its figures.
        fact: (n,) bool, which flags are facts and no guesses; if not given, all of a certain check, none of another.
        new_label: (n,) the label that is proposed instead, for a check that proposes "relabel".
        chance: (n,) what the check takes for the probability that a look changes something, 0 to 1, NaN where it says
            nothing; if not given, the flags count.
    """

    score: np.ndarray
    flag: np.ndarray
    threshold: float | None = None
    group: np.ndarray | None = None
    keeper: np.ndarray | None = None
    why: Sequence[str] = ()
    note: str = ""
    fact: np.ndarray | None = None
    new_label: np.ndarray | None = None
    chance: np.ndarray | None = None


@dataclass(frozen=True)
class Check:
    """One kind of issue.

    Attributes:
        name: A column name, such as "dark".
        title: What a person reads, such as "Too dark".
        run: CheckInputs → CheckResult; or only scores (n,), which are flagged by `adaptive_threshold`.
        needs: Some of "image_stats" (also known by its former name, "looks"), "features" and "review", without which
            the check is left out.
        certain: A flag is a fact, not a guess, or may be one, see `CheckResult.fact`.
        proposes: What to do with a flagged item: "delete", "relabel", "keep" (one of each group, and delete the
            others), or "" where a person has to think.
        about_set: What it finds is said of the whole data set; there is nothing to decide item by item.
    """

    name: str
    title: str
    run: Callable[[CheckInputs], CheckResult | Any]
    needs: tuple[str, ...] = ()
    certain: bool = False
    proposes: str = ""
    about_set: bool = False

    @property
    def asks(self) -> str:
        """What a person answers who leaves a flagged item as it is, one of `actions.ABOUT`."""
        return {RELABEL: LABEL, KEEP: DUPLICATE}.get(self.proposes, IMAGE)

    @property
    def built_in(self) -> bool:
        """Whether it comes with the package."""
        return self._module in _MODULES

    @property
    def _rank(self) -> tuple[bool, int]:
        return not self.certain, _MODULES.index(self._module) if self.built_in else len(_MODULES)

    @property
    def _module(self) -> str:
        return getattr(self.run, "__module__", "")


class _Registry(Mapping[str, Check]):
    """All checks by name: certain ones first, then in the order of `BUILT_IN`, then those of users."""

    def __init__(self) -> None:
        self._checks: dict[str, Check] = {}

    def _load(self) -> dict[str, Check]:
        for name in _MODULES:
            importlib.import_module(name)
        return self._checks

    def add(self, each: Check) -> None:
        if not each.built_in and each.name in self._load() and self._checks[each.name].built_in:
            raise BadInputError(f"There is a check {each.name!r} already; give yours another name.")
        self._checks[each.name] = each

    def __getitem__(self, name: str) -> Check:
        return self._load()[current_name(name)]

    def __iter__(self) -> Iterator[str]:
        return (each.name for each in sorted(self._load().values(), key=lambda each: each._rank))  # noqa: SLF001

    def __len__(self) -> int:
        return len(self._load())


CHECKS = _Registry()
"""All checks by name, in the order in which their queues are shown."""


def current_name(name: str) -> str:
    """The name of a check, where a former one may be given."""
    return _FORMER_NAMES.get(name, name)


def register(each: Check) -> None:
    """Add a check to those that `find_issues` runs; one of the same name that you added before is replaced.

    Raises:
        BadInputError: Its name is no identifier or that of a built-in check, or it needs or proposes something
            unknown.
    """
    if not isinstance(each.name, str) or not each.name.isidentifier():
        raise BadInputError(f"{each.name!r} is no name for a check: take letters, digits and underscores.")
    for need in each.needs:
        if need not in (*NEEDS, "looks"):
            raise BadInputError(unknown_name("need", need, NEEDS, f"for the check {each.name!r}"))
    if each.proposes and each.proposes not in PROPOSALS:
        raise BadInputError(
            unknown_name("proposal", each.proposes, PROPOSALS, f"for the check {each.name!r}")
        )
    CHECKS.add(each)


def check(
    name: str,
    *,
    title: str | None = None,
    needs: Sequence[str] = (),
    certain: bool = False,
    proposes: str = "",
    about_set: bool = False,
) -> Callable[[Callable[[CheckInputs], Any]], Callable[[CheckInputs], Any]]:
    """Register a function of the inputs as a check.

    Args:
        name: As of `Check`, and so the others.
        title: Made from the name if not given.
        needs: As of `Check`.
        certain: As of `Check`.
        proposes: As of `Check`.
        about_set: As of `Check`.

    Example:
        >>> @bw.check("wide", needs=["image_stats"])
        ... def wide(inputs):
        ...     return (inputs.image_stats["shape"] / 4).clip(0, 1)
        >>> bw.find_issues(ds, ["wide"]).queue("wide").path.tolist()
        []
    """

    def decorate(run: Callable[[CheckInputs], Any]) -> Callable[[CheckInputs], Any]:
        text = title or str(name).replace("_", " ").capitalize()
        register(Check(name, text, run, tuple(needs), certain, proposes, about_set))
        return run

    return decorate


def median_and_deviation(values: np.ndarray) -> tuple[float, float]:
    """Median and robust standard deviation (median absolute deviation × 1.4826) of finite values (n,)."""
    middle = float(np.median(values))
    return middle, _TO_DEVIATION * float(np.median(np.abs(values - middle)))


def adaptive_threshold(score: np.ndarray, *, least: float = 0.5, most: float = 1.0) -> float:
    """The score from which an item stands out of its own data set, of scores (n,) that are NaN where unknown.

    It is the median plus 3.5 robust standard deviations (Iglewicz and Hoaglin, 1993), held between two absolute
    bounds: below the lower nothing is wrong, so that a clean set is not flagged for having a tail; above the upper
    (infinity where only what is rare can be wrong) something is wrong however common it is.
    """
    known = score[np.isfinite(score)]
    if not len(known):
        return least
    middle, deviation = median_and_deviation(known)
    return float(np.clip(middle + max(DEVIATIONS * deviation, _STANDS_OUT), least, most))
