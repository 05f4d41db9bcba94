"""Did the cleaning help? Two exams, each on the labels as they were and as corrected, and one verdict."""

from __future__ import annotations

import html
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from bearwidgets.figures import counted, interval, percent, short_number
from bearwidgets.review.effect.paired import PairedChange, paired_change

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

EVALUATION = "evaluation split"
CROSS_VALIDATION = "cross-validation"
AS_THEY_WERE = "as they were"
CORRECTED = "corrected"
NEVER_CHANGED = "never changed"
SURE = 0.05
SMALL = 0.01  # a change of the error that is as good as none
CONTRADICTS = 2  # mistakes more on the evaluation split
MOST_MORE = 10  # times as many images are the most that is asked for
ROWS = ["n", "error_before", "error_after", "low", "high", "fixed", "broken", "p_value"]


@dataclass(frozen=True)
class Effect:
    """What the cleaning changed; printed, the verdict and then the figures it rests on.

    Attributes:
        table: a row an exam and a way to read its labels, index (exam, labels): n, error_before and error_after (0 to
            1), low and high (95 % interval of the change of the error), fixed (wrong before, right after), broken,
            p_value (of fixed against broken). Exams are the "evaluation split", which neither learner was trained
            on, and "cross-validation" of all images; labels are "as they were", "corrected", and those "never
            changed" by a decision.
        classes: a row a class of the exam of the verdict: n, error_before, error_after, low, high, fixed, broken,
            p_value, q_value (the same under false-discovery control: Benjamini & Hochberg, 1995).
        notes: sentences on what each exam can show and what it cannot.

    Example:
        >>> row = PairedChange(297, 0.1, 0.063, low=-0.064, high=-0.01, fixed=12, broken=1, p_value=0.003)
        >>> print(Effect(effect_table({("cross-validation", "corrected"): row})).verdict)
        Cleaning helped: 11 fewer mistakes among 297 images (95 %: 3 to 19).
    """

    table: pd.DataFrame
    classes: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=[*ROWS, "q_value"]))
    notes: list[str] = field(default_factory=list)

    @property
    def judged_on(self) -> tuple[str, str]:
        """The exam and the labels that the verdict is of: cross-validation and corrected labels where they are."""
        for exam in (CROSS_VALIDATION, EVALUATION):
            for labels in (CORRECTED, AS_THEY_WERE):
                if (exam, labels) in self.table.index:
                    return exam, labels
        raise KeyError("an effect without a row")

    @property
    def _row(self) -> pd.Series:
        return self.table.loc[[self.judged_on]].iloc[0]

    @property
    def verdict(self) -> str:
        """What it comes to in one sentence; none of better or worse where the two exams contradict each other."""
        row, exam = self._row, (EVALUATION, AS_THEY_WERE)
        if exam in self.table.index and row.high < 0:
            held = self.table.loc[[exam]].iloc[0]
            if held.broken - held.fixed >= CONTRADICTS:
                return (
                    f"The exams contradict each other: {mistakes(row)} by cross-validation, but "
                    f"{mistakes(held)} of the evaluation split. Look at your decisions again."
                )
        return told_change(row)

    @property
    def class_lines(self) -> list[str]:
        """A sentence a class whose change is more than chance."""
        sure = self.classes[self.classes.q_value <= SURE]
        return [f"{name}: {mistakes(row)}." for name, row in sure.iterrows()]

    @property
    def summary(self) -> pd.DataFrame:
        """The table as a person reads it: errors and the change of mistakes, each with its 95 % interval."""
        rows = [_told(row) for _, row in self.table.iterrows()]
        index = pd.MultiIndex.from_tuples(list(self.table.index), names=["exam", "labels"])
        return pd.DataFrame(rows, index=index)

    def __str__(self) -> str:
        return "\n".join([self.verdict, self.summary.to_string(), *self.class_lines, *self.notes])

    def _repr_html_(self) -> str:
        more = "".join(f"<li>{html.escape(each)}</li>" for each in [*self.class_lines, *self.notes])
        listed = f"<ul>{more}</ul>" if more else ""
        return f"<p><b>{html.escape(self.verdict)}</b></p>{self.summary.to_html()}{listed}"


def effect_table(rows: Mapping[tuple[str, str], PairedChange]) -> pd.DataFrame:
    """`Effect.table` of the change of each exam and labels."""
    index = pd.MultiIndex.from_tuples(list(rows), names=["exam", "labels"])
    return pd.DataFrame([asdict(each) for each in rows.values()], index=index, columns=ROWS)


def class_table(
    labels: np.ndarray, before: np.ndarray, after: np.ndarray, pieces: Sequence[object], *, widen: float = 1.0
) -> pd.DataFrame:
    """`Effect.classes`: the change among the images (n,) of each label; the other arguments as in `paired_change`."""
    from scipy.stats import false_discovery_control

    names, found = sorted(set(labels)), np.asarray(pieces)
    rows = [
        asdict(paired_change(before[here], after[here], found[here], widen=widen))
        for here in (labels == name for name in names)
    ]
    table = pd.DataFrame(rows, index=pd.Index(names, name="class"), columns=ROWS)
    return table.assign(q_value=false_discovery_control(table.p_value) if rows else [])


def told_change(row: pd.Series) -> str:
    """The verdict on one row of `Effect.table`, in one sentence that claims no more than the interval allows."""
    n, change = int(row.n), row.error_after - row.error_before
    if row.high < 0:
        return f"Cleaning helped: {mistakes(row)}."
    if row.low > 0:
        return f"Cleaning made it worse: {mistakes(row)}."
    half = (row.high - row.low) / 2
    more = n * (half / abs(change)) ** 2 - n if abs(change) * n >= 0.5 else np.inf
    if half > SMALL and more <= MOST_MORE * n:
        return f"Too few images to tell: {mistakes(row)}; about {_rounded(more)} more images would do."
    ends = f"between {_side(row.low * n)} and {_side(row.high * n)}"
    return f"No measurable change: {ends} among {counted(n, 'image')} (95 %)."


def mistakes(row: pd.Series) -> str:
    """The change in words, such as "11 fewer mistakes among 297 images (95 %: 3 to 19)"."""
    n, change = int(row.n), row.error_after - row.error_before
    number, word = round(abs(change) * n), "fewer" if change <= 0 else "more"
    if row.low < 0 < row.high:
        ends = f"{_side(row.low * n)} to {_side(row.high * n)}"
    else:
        ends = " to ".join(_few(each * n) for each in sorted((abs(row.low), abs(row.high))))
    return f"{number:,} {word} mistake{'' if number == 1 else 's'} among {counted(n, 'image')} (95 %: {ends})"


def _side(change: float) -> str:
    """A signed number of mistakes in words."""
    number = round(abs(change))
    return "none" if not number else f"{number:,} {'fewer' if change < 0 else 'more'}"


def _few(number: float) -> str:
    return f"{round(number):,}" if number >= 0.5 else "under 1"


def _rounded(number: float) -> str:
    """Two digits that count, at least 10."""
    return short_number(float(f"{max(number, 10):.2g}"))


def _error(share: float, n: int) -> str:
    return f"{percent(share, 1)} ({interval(round(share * n), n)})"


def _told(row: pd.Series) -> dict[str, str | int]:
    n = int(row.n)
    change = (
        f"{_side((row.error_after - row.error_before) * n)} ({_side(row.low * n)} to {_side(row.high * n)})"
    )
    return {
        "images": n,
        "error before": _error(row.error_before, n),
        "error after": _error(row.error_after, n),
        "mistakes (95 %)": change,
        "fixed": int(row.fixed),
        "broken": int(row.broken),
    }
