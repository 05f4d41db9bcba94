"""All that looks wrong with a data set: runs the checks and keeps one queue for each."""

from __future__ import annotations

from dataclasses import replace
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bearwidgets.data.dataset import Dataset
from bearwidgets.errors import BadInputError, WorkspaceError, unknown_name
from bearwidgets.files import check_output, safe_cell, write_atomic
from bearwidgets.review.checks.registry import (
    CHECKS,
    Check,
    Evidence,
    Found,
    adaptive_threshold,
    check,
    register,
)
from bearwidgets.review.review import Review

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

REPORTS, TABLES = (".html", ".htm"), (".csv", ".parquet")  # endings
__all__ = [
    "CHECKS",
    "Check",
    "Evidence",
    "Found",
    "Issues",
    "adaptive_threshold",
    "check",
    "find_issues",
    "register",
]


class Issues:
    """What the checks found, one queue for each.

    Made by `find_issues`.

    Attributes:
        ds: The data set.
        table: DataFrame by id: path, label, split, then for each check `<name>_score` (0 to 1, NaN where it cannot
            tell) and `<name>_issue` (bool).
        summary: DataFrame by name: title, flagged (number of items), certain (for how many of them that is a fact
            and no guess), threshold, note.
        problems: DataFrame of the files that no picture could be made of: path, reason. Those that were seen when
            the data set was read have no row in `table`; the summary counts all of them as unreadable.
        left_out: Name of a check that did not run → reason.

    Example:
        >>> issues = bw.find_issues(learn)  # doctest: +SKIP
        >>> issues.queue("near_duplicates")  # doctest: +SKIP
    """

    def __init__(
        self, evidence: Evidence, found: dict[str, tuple[Check, Found]], left_out: dict[str, str]
    ) -> None:
        self.ds = evidence.ds
        self.left_out = dict(left_out)
        self._items = evidence.ds.table.set_index("id")[["path", "label", "split"]]
        self._found = {name: each for name, (_, each) in found.items()}
        self._checks = {name: each for name, (each, _) in found.items()}
        columns: dict[str, np.ndarray] = {}
        for name, each in self._found.items():
            columns[f"{name}_score"] = each.score
            columns[f"{name}_issue"] = each.flag
        self.table = self._items.assign(**columns)
        self.problems = self._problems()
        self.summary = self._summary()

    def _problems(self) -> pd.DataFrame:
        problems = self.ds.problems[["path", "reason"]]
        if "unreadable" not in self._found:
            return problems
        found = self._found["unreadable"]
        late = pd.DataFrame(
            {"path": self._items.path[found.flag].to_numpy(), "reason": np.array(found.why)[found.flag]}
        )
        return pd.concat([problems, late], ignore_index=True)

    def _summary(self) -> pd.DataFrame:
        rows = [
            {
                "title": self._checks[name].title,
                "flagged": len(self.problems) if name == "unreadable" else int(found.flag.sum()),
                "certain": len(self.problems) if name == "unreadable" else int(self._facts(name).sum()),
                "threshold": np.nan if found.threshold is None else found.threshold,
                "note": found.note,
            }
            for name, found in self._found.items()
        ]
        columns = ["title", "flagged", "certain", "threshold", "note"]
        return pd.DataFrame(rows, columns=columns, index=pd.Index(list(self._found), name="name"))

    @property
    def names(self) -> list[str]:
        """Names of the checks that ran, in the order in which their queues are shown."""
        return list(self._found)

    def _facts(self, name: str) -> np.ndarray:
        """(n,) bool, of which items the check is certain."""
        found = self._found[name]
        if found.fact is None:
            return found.flag & self._checks[name].certain
        return found.flag & found.fact

    def queues(self) -> list[tuple[str, str, int, bool]]:
        """Name, title, number of flagged items and whether any of that is certain, for each check that ran."""
        return [
            (name, self._checks[name].title, int(found.flag.sum()), bool(self._facts(name).any()))
            for name, found in self._found.items()
        ]

    def queue(self, name: str) -> pd.DataFrame:
        """The flagged items of one check, the most suspect first, the items of a group together, its keeper ahead.

        Returns:
            DataFrame by id: path, label, split, score, group (-1 for none), keeper, why.

        Raises:
            BadInputError: There is no such check, or it was left out.
        """
        if name in self.left_out:
            raise BadInputError(f"The check {name!r} was left out: {self.left_out[name]}.")
        if name not in self._found:
            raise BadInputError(unknown_name("check", name, self._found, "among these issues"))
        found = self._found[name]
        n = len(self._items)
        frame = self._items.assign(
            score=found.score,
            group=np.full(n, -1) if found.group is None else found.group,
            keeper=np.zeros(n, bool) if found.keeper is None else found.keeper,
            why=pd.Series(list(found.why) or [""] * n, index=self._items.index, dtype=object),
        )[found.flag]
        # an item without a group is a group of its own
        together = frame.group.where(frame.group >= 0, -2 - np.arange(len(frame)))
        worst = frame.score.groupby(together).transform("max")
        keys = (~frame.keeper, together, -worst.fillna(0))
        ties = np.lexsort([-frame.score.fillna(0), *keys])
        return frame.iloc[ties]

    @property
    def certain(self) -> int:
        """Of how many items and files any check is certain; each counts once."""
        facts = [self._facts(name) for name in self._found if name != "unreadable"]
        items = int(np.any(facts, axis=0).sum()) if facts else 0
        return items + (len(self.problems) if "unreadable" in self._found else 0)

    def report(self, path: str | Path, *, top: int = 24) -> Path:
        """Write one HTML page: all checks with their figures, and the first `top` pictures of each queue.

        Raises:
            BadInputError: The path does not end in .html, or is there and no file.
            WorkspaceError: It cannot be written.
        """
        from bearwidgets.review.checks.report import write_report

        return write_report(self, check_output(path, REPORTS), top)

    def save(self, path: str | Path) -> Path:
        """Write `table` for other programs: `.csv` (cells that a spreadsheet would run are quoted), or `.parquet`.

        Raises:
            BadInputError: Another ending, pyarrow is missing, or the path is there and no file.
            WorkspaceError: It cannot be written.
        """
        path = check_output(path, TABLES)
        try:
            if path.suffix.lower() == ".csv":
                text = self.table.reset_index().map(safe_cell).to_csv(index=False, lineterminator="\n")
                data = text.encode("utf-8", "surrogateescape")
            else:
                data = self.table.to_parquet()
        except ImportError as error:
            raise BadInputError("Parquet needs pyarrow: `pip install pyarrow`, or write a .csv.") from error
        try:
            write_atomic(path, data)
        except OSError as error:
            raise WorkspaceError(
                f"The issues could not be written to {str(path)!r}: {error.strerror or error}."
            ) from error
        return path

    def __repr__(self) -> str:
        lines = [f"Issues of {len(self.table):,} items, {len(self._found)} checks:"]
        width = max((len(title) for title in self.summary.title), default=0)
        for name, row in self.summary.iterrows():
            mark = ""
            if row.certain:
                mark = " (certain)" if row.certain == row.flagged else f" ({row.certain:,} certain)"
            lines.append(f"  {row.title:<{width}}  {row.flagged:>6,}{mark}  {name}")
        lines += [f"  left out: {name}, {reason}" for name, reason in self.left_out.items()]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        left = "".join(f"<li>{escape(name)}: {escape(reason)}</li>" for name, reason in self.left_out.items())
        return (
            f"<div><p>Issues of {len(self.table):,} items</p>{self.summary.to_html(na_rep='')}"
            + (f"<p>Left out:</p><ul>{left}</ul>" if left else "")
            + "</div>"
        )


def find_issues(source: Dataset | Review | Any, checks: Sequence[str] | None = None) -> Issues:
    """Run the checks on a data set; those whose needs are missing, or that fail, are left out with the reason.

    Args:
        source: A data set (pictures only), or a `Learner`, a cross-validation or a `Review` of one (predictions and
            features as well).
        checks: Names in `CHECKS`; all if not given.

    Raises:
        BadInputError: Another kind of source, a review without a data set, or an unknown check.

    Example:
        >>> issues = find_issues(Dataset.from_folder("bears"))  # doctest: +SKIP
        >>> issues.summary[["title", "flagged"]]  # doctest: +SKIP
    """
    names = list(CHECKS) if checks is None else _known([checks] if isinstance(checks, str) else checks)
    evidence = _evidence(source)
    found: dict[str, tuple[Check, Found]] = {}
    left_out: dict[str, str] = {}
    for name in names:
        each = CHECKS[name]
        missing = [reason for need in each.needs if (reason := evidence.lacks(need))]
        if missing:
            left_out[name] = "; ".join(missing)
            continue
        evidence.table = (
            evidence.ds.table.copy()
        )  # what a check of a user's own does to it stays with that check
        try:
            found[name] = (each, _checked(each.run(evidence), evidence.ds.table["id"]))
        except Exception as error:  # noqa: BLE001 - one check of a user's own is not to take the others down
            left_out[name] = f"failed with {type(error).__name__}: {error}"
    return Issues(evidence, found, left_out)


def _known(names: Sequence[str]) -> list[str]:
    for name in names:
        if name not in CHECKS:
            raise BadInputError(unknown_name("check", name, CHECKS))
    return [name for name in CHECKS if name in set(names)]


def _evidence(source: Any) -> Evidence:
    if isinstance(source, Dataset):
        return Evidence(source)
    if isinstance(source, Review):
        if source.ds is None:
            raise BadInputError(
                "This review has no data set, so there are no pictures to look at; make it with "
                "Review(learn) or Review.from_predictions(ds, probabilities, classes)."
            )
        return Evidence(source.ds, source, source.learn)
    if not (hasattr(source, "predictions") or hasattr(source, "dls")):
        raise BadInputError(
            f"Issues are found in a Dataset, a Learner or a Review, not in {type(source).__name__}."
        )
    if getattr(source, "made_by", None) == "":  # not trained yet
        return Evidence(source.ds, None, source)
    review = Review(source)
    if review.ds is None:
        raise BadInputError("This learner has no data set; give its review of one: Review(learn, ds).")
    return Evidence(review.ds, review, source)


def _checked(result: Any, ids: pd.Series) -> Found:
    """What a check gave, as a `Found` whose shapes, types and values fit.

    Raises:
        BadInputError: They do not.
    """
    if not isinstance(result, Found):
        score = _column("score", result, ids, np.float64)
        threshold = adaptive_threshold(score)
        with np.errstate(invalid="ignore"):
            result = Found(score, score >= threshold, threshold)
    kinds = {"score": np.float64, "flag": bool, "group": np.int64, "keeper": bool, "fact": bool}
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
