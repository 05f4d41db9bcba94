"""Run the checks on a data set."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bearwidgets.data.dataset import Dataset
from bearwidgets.errors import BadInputError, shortened, unknown_name
from bearwidgets.learn.progress import Progress, run_with_bar
from bearwidgets.review.checks.inputs import CheckInputs
from bearwidgets.review.checks.issues import Issues
from bearwidgets.review.checks.registry import CHECKS, Check, CheckResult, adaptive_threshold
from bearwidgets.review.review import Review

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Sequence

    from bearwidgets.learn.predict import Predicts

ISSUE_STAGES = ("pixels", "features", "checks")


def find_issues(
    source: Dataset | Review | Any,
    checks: Sequence[str] | None = None,
    *,
    thresholds: Mapping[str, float] | None = None,
    progress: bool = True,
) -> Issues:
    """Run the checks on a data set; those whose needs are missing, or that fail, are left out with the reason.

    Args:
        source: A data set (images only), or a `Learner`, a cross-validation or a `Review` of one (predictions and
            features as well).
        checks: Names in `CHECKS`; all if not given.
        thresholds: Name of a check → the score, above 0 and at most 1, from which it flags an item. A lower one finds
            more. Those of the other checks follow the data; `issues.summary["threshold"]` shows all of them. Copies
            are known down to a similarity of 0.5; weak groups, order drift and spurious correlation have to be
            significant besides.
        progress: Show a bar.

    Raises:
        BadInputError: Another kind of source, a review without a data set, an unknown check, or a threshold that is
            not between 0 and 1.

    Example:
        >>> issues = bw.find_issues(ds, ["blurred", "dark"], thresholds={"blurred": 0.3})
        >>> float(issues.summary.threshold["blurred"])
        0.3
    """
    steps = finding_issues(source, checks, thresholds=thresholds)
    return run_with_bar(steps, show=progress, stages=ISSUE_STAGES)


def finding_issues(
    source: Dataset | Review | Any,
    checks: Sequence[str] | None = None,
    *,
    thresholds: Mapping[str, float] | None = None,
) -> Generator[Progress, None, Issues]:
    """As `find_issues`, step by step: yields progress, and stops when the iteration stops."""
    names = list(CHECKS) if checks is None else known_checks(checks)
    given = _checked_thresholds(thresholds or {})
    inputs = _inputs(source)
    results: dict[str, tuple[Check, CheckResult]] = {}
    left_out: dict[str, str] = {}
    with contextlib.suppress(Exception):  # the check that asks for it will say so
        yield from inputs.computing({need for name in names for need in CHECKS[name].needs})
    for done, name in enumerate(names):
        yield Progress("checks", done, len(names))
        each = CHECKS[name]
        missing = [reason for need in each.needs if (reason := inputs.lacks(need))]
        if missing:
            left_out[name] = "; ".join(missing)
            continue
        inputs.table = inputs.ds.table.copy()  # what a check of a user's own does to it stays with that check
        inputs.threshold = given.get(name)
        try:
            results[name] = (each, _checked(each.run(inputs), inputs.ds.table["id"], inputs.threshold))
        except Exception as error:  # noqa: BLE001 - one check of a user's own is not to take the others down
            left_out[name] = f"failed with {type(error).__name__}: {error}"
    yield Progress("checks", len(names), len(names))
    return Issues(inputs.ds, results, left_out, vars(inputs).get("image_stats"), given)


def finding_again(issues: Issues, source: Dataset | Review | Any) -> Generator[Progress, None, Issues]:
    """As `finding_issues`, with the checks and thresholds of issues that were found before."""
    before = {*issues.names, *issues.left_out}
    names = [name for name in CHECKS if name in before]
    return finding_issues(source, names, thresholds=issues.thresholds)


def known_checks(checks: Iterable[str]) -> list[str]:
    """The names that these checks, one or several, have now, each once, in the order of their queues.

    Raises:
        BadInputError: An unknown check.
    """
    names = [checks] if isinstance(checks, str) else list(checks)
    for name in names:
        if name not in CHECKS:
            raise BadInputError(unknown_name("check", name, CHECKS))
    wanted = {CHECKS[name].name for name in names}
    return [name for name in CHECKS if name in wanted]


def _checked_thresholds(thresholds: Mapping[str, float]) -> dict[str, float]:
    """The thresholds by the names that checks have now."""
    if not isinstance(thresholds, Mapping):
        raise BadInputError(
            f"thresholds are {shortened(thresholds)}; allowed is a mapping of check names to scores."
        )
    known_checks(thresholds)
    for name, value in thresholds.items():
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value <= 1:
            raise BadInputError(
                f"The threshold of {name!r} is {value!r}; allowed is a number above 0 and up to 1."
            )
    return {CHECKS[name].name: float(value) for name, value in thresholds.items()}


def _inputs(source: Any) -> CheckInputs:
    if isinstance(source, Dataset):
        return CheckInputs(source)
    if isinstance(source, Review):
        if source.ds is None:
            raise BadInputError(
                "This review has no data set, so there are no images to look at; make it with "
                "Review(learn) or Review.from_predictions(ds, probabilities, classes)."
            )
        return CheckInputs(source.ds, source, _with_features(source.learn))
    if not (hasattr(source, "predictions") or hasattr(source, "dls")):
        raise BadInputError(
            f"Issues are found in a Dataset, a Learner or a Review, not in {type(source).__name__}."
        )
    if not getattr(source, "is_trained", True):
        return CheckInputs(source.ds, None, _with_features(source))
    review = Review(source)
    if review.ds is None:
        raise BadInputError("This learner has no data set; give its review of one: Review(learn, ds).")
    return CheckInputs(review.ds, review, _with_features(source))


def _with_features(learn: Any) -> Predicts | None:
    """The learner itself, or the first of a cross-validation (one body is as good as another); None for others."""
    first = next(iter(getattr(learn, "learners", [learn])), None)
    return first if hasattr(first, "compute_features") else None


def _checked(result: Any, ids: pd.Series, threshold: float | None) -> CheckResult:
    """What a check gave, as a `CheckResult` whose shapes, types and values fit.

    Raises:
        BadInputError: They do not.
    """
    if not isinstance(result, CheckResult):
        score = _column("score", result, ids, np.float64)
        result = _flagged(score, adaptive_threshold(score) if threshold is None else threshold)
    elif threshold is not None and result.threshold != threshold:  # the check does not ask for it
        flagged = _flagged(_column("score", result.score, ids, np.float64), threshold)
        result = replace(result, flag=flagged.flag, threshold=threshold)
    kinds: dict[str, type] = {"score": np.float64, "flag": bool, "group": np.int64, "keeper": bool}
    kinds |= {"fact": bool, "chance": np.float64, "new_label": object}
    columns = {
        name: _column(name, values, ids, kind)
        for name, kind in kinds.items()
        if (values := getattr(result, name)) is not None
    }
    if len(result.why) not in (0, len(ids)):
        raise BadInputError(f"it gave {len(result.why)} sentences; {len(ids)} items need {len(ids)}, or none")
    known = columns["score"][~np.isnan(columns["score"])]
    if len(known) and (known.min() < 0 or known.max() > 1):
        raise BadInputError(
            f"its scores go from {known.min():g} to {known.max():g}; allowed is 0 to 1, higher is more suspect"
        )
    return replace(result, **columns, why=["" if each is None else str(each) for each in result.why])


def _flagged(score: np.ndarray, threshold: float) -> CheckResult:
    with np.errstate(invalid="ignore"):
        return CheckResult(score, score >= threshold, threshold)


def _column(name: str, values: Any, ids: pd.Series, kind: type) -> np.ndarray:
    """One value for each item; a Series is put in order by its index, which holds ids or numbers of rows."""
    if isinstance(values, pd.Series):
        for wanted in (ids, ids.index):
            if values.index.is_unique and set(values.index) == set(wanted):
                values = values.reindex(wanted)
                break
        else:
            raise BadInputError(f"the index of its {name} holds neither the ids nor the rows of the table")
    if np.shape(values) != (len(ids),):
        raise BadInputError(f"its {name} has shape {np.shape(values)}; {len(ids)} items need ({len(ids)},)")
    return np.asarray(values, dtype=kind)
