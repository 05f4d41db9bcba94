"""All that looks wrong with a data set: one queue for each check."""

from __future__ import annotations

from functools import cached_property
from html import escape
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from bearwidgets.data.output import check_output, write_output
from bearwidgets.data.problems import UNREADABLE
from bearwidgets.errors import BadInputError, unknown_name
from bearwidgets.review.checks.registry import current_name
from bearwidgets.review.checks.report import write_report
from bearwidgets.review.checks.triage import NAME, TITLE, facts, finding, looks_of, proposals, triage
from bearwidgets.safe_text import csv_text, safe_cell

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from bearwidgets.data.dataset import Dataset
    from bearwidgets.review.checks.registry import Check, CheckResult
    from bearwidgets.review.checks.triage import Looks

REPORTS, TABLES = (".html", ".htm"), (".csv", ".parquet")  # endings


class Issues:
    """What the checks found, one queue for each.

    Made by `find_issues`.

    Attributes:
        ds: The data set.
        table: DataFrame by id: path, label, split, then for each check `<name>_score` (0 to 1, NaN where it cannot
            tell) and `<name>_issue` (bool).
        summary: DataFrame by name: title, flagged (number of items), certain (for how many of them that is a fact
            and no guess), threshold (the score from which an item is flagged, NaN where no score decides), note.
        problems: DataFrame of the files that cannot be used: path, reason, kind. Those that were seen when the data
            set was read have no row in `table`; the summary counts those of the kind "unreadable".
        findings: Name of a check → a sentence, where what it found is said of the whole data set, such as a
            brightness that gives labels away, or blur in most images: nothing to decide image by image.
        left_out: Name of a check that did not run → reason.
        thresholds: Those that were given, by name of a check.
        image_stats: DataFrame by id of the figures of the pixels (`data.image_stats`); None where no check needed
            them.

    Example:
        >>> issues = bw.find_issues(learn)
        >>> list(issues.queue("near_duplicates").columns)
        ['path', 'label', 'split', 'score', 'group', 'keeper', 'proposal', 'new_label', 'why']
    """

    def __init__(
        self,
        ds: Dataset,
        results: dict[str, tuple[Check, CheckResult]],
        left_out: dict[str, str],
        image_stats: pd.DataFrame | None = None,
        thresholds: Mapping[str, float] | None = None,
    ) -> None:
        self.ds = ds
        self.thresholds = dict(thresholds or {})
        self.left_out = dict(left_out)
        self._items = ds.table.set_index("id")[["path", "label", "split"]]
        self._results = {name: result for name, (_, result) in results.items()}
        self._checks = {name: each for name, (each, _) in results.items()}
        columns: dict[str, np.ndarray] = {}
        for name, result in self._results.items():
            columns[f"{name}_score"], columns[f"{name}_issue"] = result.score, result.flag
        self.table = self._items.assign(**columns)
        self.image_stats = None
        if image_stats is not None:
            self.image_stats = image_stats.drop(columns="small").set_index(self._items.index)
        self.findings = {name: said for name, each in results.items() if (said := finding(*each))}
        self.problems = self._problems()
        self.summary = self._summary()

    def _problems(self) -> pd.DataFrame:
        problems = self.ds.problems
        if "unreadable" not in self._results:
            return problems
        result = self._results["unreadable"]
        why = np.array(result.why)[result.flag]
        late = pd.DataFrame(
            {"path": self._items.path[result.flag].to_numpy(), "reason": why, "kind": UNREADABLE}
        )
        return pd.concat([problems, late], ignore_index=True)

    @property
    def _unreadable(self) -> int:
        return int((self.problems["kind"] == UNREADABLE).sum())

    def _summary(self) -> pd.DataFrame:
        rows = [
            {
                "title": self._checks[name].title,
                "flagged": self._unreadable if name == "unreadable" else int(result.flag.sum()),
                "certain": self._unreadable if name == "unreadable" else int(self._facts(name).sum()),
                "threshold": np.nan if result.threshold is None else result.threshold,
                "note": result.note,
            }
            for name, result in self._results.items()
        ]
        columns = ["title", "flagged", "certain", "threshold", "note"]
        return pd.DataFrame(rows, columns=columns, index=pd.Index(list(self._results), name="name"))

    @property
    def names(self) -> list[str]:
        """Names of the checks that ran, in the order in which their queues are shown."""
        return list(self._results)

    def _facts(self, name: str) -> np.ndarray:
        return facts(self._checks[name], self._results[name])

    @cached_property
    def triage(self) -> pd.DataFrame:
        """One list over all checks: the images to look at first.

        Each image stands in it once, with all its reasons, copies side by side. What is certain comes first (a file
        that cannot be read, copies of the same bytes), then what a look most likely changes; see
        `bearwidgets.review.ranking.chance_of_change`. `findings` are not in it.

        Returns:
            DataFrame by id: path, label, split, score (probability that a look changes something, 0 to 1), check (the
            likeliest reason), checks (all that flag it), proposal ("delete", "relabel", "keep" or ""), new_label (of
            a relabel, else None), group (-1 for none), keeper (the copy that is proposed to stay), why.

        Example:
            >>> issues.triage.check.iloc[0]
            'exact_duplicates'
        """
        return self.triage_after(None)

    def triage_after(self, decisions: pd.DataFrame | None, earlier: Looks | None = None) -> pd.DataFrame:
        """The same list after some decisions: checks whose images were changed come earlier, others later.

        Args:
            decisions: by id: action, as in `Journal.decisions`. "unsure" says nothing of a check.
            earlier: `looks` on issues that were found before, such as those before a training.

        Example:
            >>> issues.triage_after(bw.Journal.open(ds).decisions).columns.equals(issues.triage.columns)
            True
        """
        looks = earlier if decisions is None else self.looks(decisions).and_before(earlier)
        return triage(self._items, self._checked, looks)

    def looks(self, decisions: pd.DataFrame) -> Looks:
        """What these decisions (by id: action) say of the checks, to be kept for issues that are found later.

        Example:
            >>> issues.looks(bw.Journal.open(ds).decisions).changed.dtype
            dtype('bool')
        """
        return looks_of(self._items, self._checked, decisions)

    @property
    def _checked(self) -> dict[str, tuple[Check, CheckResult]]:
        return {name: (self._checks[name], result) for name, result in self._results.items()}

    def queues(self) -> list[tuple[str, str, int, bool]]:
        """Name, title, number of items and whether any of that is certain: the triage, then each check that ran."""
        first = [(NAME, TITLE, len(self.triage), False)] if len(self.triage) else []
        return first + [
            (name, self._checks[name].title, int(result.flag.sum()), bool(self._facts(name).any()))
            for name, result in self._results.items()
        ]

    def queue(self, name: str) -> pd.DataFrame:
        """The flagged items of one check, the most suspect first, the items of a group together, its keeper ahead.

        Returns:
            DataFrame by id: path, label, split, score, group (-1 for none), keeper, proposal ("delete", "relabel",
            "keep" or ""), new_label (of a relabel, else None), why. "triage" gives `triage`.

        Raises:
            BadInputError: There is no such check, or it was left out.
        """
        name = current_name(name)
        if name == NAME:
            return self.triage
        if name in self.left_out:
            raise BadInputError(f"The check {name!r} was left out: {self.left_out[name]}.")
        if name not in self._results:
            raise BadInputError(unknown_name("check", name, self._results, "among these issues"))
        result = self._results[name]
        n = len(self._items)
        proposal, new_label = proposals(self._checks[name], result, self._items.label.to_numpy())
        frame = self._items.assign(
            score=result.score,
            group=np.full(n, -1) if result.group is None else result.group,
            keeper=np.zeros(n, bool) if result.keeper is None else result.keeper,
            proposal=proposal,
            new_label=pd.Series(new_label, index=self._items.index, dtype=object),
            why=pd.Series(list(result.why) or [""] * n, index=self._items.index, dtype=object),
        )[result.flag]
        # an item without a group is a group of its own
        together = frame.group.where(frame.group >= 0, -2 - np.arange(len(frame)))
        worst = frame.score.groupby(together).transform("max")
        keys = (~frame.keeper, together, -worst.fillna(0))
        ties = np.lexsort([-frame.score.fillna(0), *keys])
        return frame.iloc[ties]

    @property
    def certain(self) -> int:
        """Of how many items and files any check is certain; each counts once."""
        facts = [self._facts(name) for name in self._results if name != "unreadable"]
        items = int(np.any(facts, axis=0).sum()) if facts else 0
        return items + (self._unreadable if "unreadable" in self._results else 0)

    def report(self, path: str | Path, *, top: int = 24) -> Path:
        """Write one HTML page: all checks with their figures, what is true of the whole set, and images.

        The first `top` images to review, each with what is proposed and why, and the first `top` of each queue.

        Raises:
            BadInputError: The path does not end in .html, or is there and no file; or `top` is no whole number from
                1 on.
            WorkspaceError: It cannot be written.

        Example:
            >>> issues.report("issues.html").name
            'issues.html'
        """
        listed = [name for name in (NAME, *self.names) if name not in ("unreadable", *self.findings)]
        return write_report(
            check_output(path, REPORTS),
            self.ds,
            self.summary,
            self.findings,
            {name: self.queue(name) for name in listed},
            self.problems,
            self.left_out,
            top=top,
        )

    def save(self, path: str | Path) -> Path:
        """Write `table` for other programs: `.csv` (cells that a spreadsheet would run are quoted), or `.parquet`.

        Raises:
            BadInputError: Another ending, pyarrow is missing, or the path is there and no file.
            WorkspaceError: It cannot be written.
        """
        path = check_output(path, TABLES)
        try:
            if path.suffix.lower() == ".csv":
                data = csv_text(self.table.reset_index().map(safe_cell)).encode("utf-8", "surrogateescape")
            else:
                data = self.table.to_parquet()
        except ImportError as error:
            raise BadInputError("Parquet needs pyarrow: `pip install pyarrow`, or write a .csv.") from error
        return write_output(path, data, "The issues")

    def __repr__(self) -> str:
        title = f"Issues of {len(self.table):,} items, {len(self._results)} checks:"
        lines = [*self.findings.values(), title]
        width = max((len(title) for title in self.summary.title), default=0)
        for name, row in self.summary.iterrows():
            mark = " (of the whole set)" if name in self.findings else ""
            if row.certain:
                mark = " (certain)" if row.certain == row.flagged else f" ({row.certain:,} certain)"
            lines.append(f"  {row.title:<{width}}  {row.flagged:>6,}{mark}  {name}")
        lines += [f"  left out: {name}, {reason}" for name, reason in self.left_out.items()]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        said = "".join(f"<p>{escape(each)}</p>" for each in self.findings.values())
        left = "".join(f"<li>{escape(name)}: {escape(reason)}</li>" for name, reason in self.left_out.items())
        return (
            f"<div>{said}<p>Issues of {len(self.table):,} items</p>{self.summary.to_html(na_rep='')}"
            + (f"<p>Left out:</p><ul>{left}</ul>" if left else "")
            + "</div>"
        )
