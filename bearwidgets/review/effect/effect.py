"""Did the cleaning help? Two learners on the same frozen exam, on its labels as they were and as corrected."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bearwidgets.data.exam import judged_labels
from bearwidgets.errors import BadInputError
from bearwidgets.figures import counted, interval, percent

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from bearwidgets.data.dataset import Dataset
    from bearwidgets.learn.predict import Predicts

SURE = 0.05


@dataclass(frozen=True)
class Effect:
    """What a retrain changed on the evaluation split; printed, the verdict and then the figures it rests on.

    Attributes:
        table: a row for each way to read the labels ("as they were", "corrected"): n, error_before, error_after
            (0 to 1), fixed (wrong before, right after), broken (right before, wrong after), p_value. There is no
            row "corrected" where the decisions leave nothing of the evaluation split.

    Example:
        >>> row = {"n": 60, "error_before": 0.05, "error_after": 4 / 60, "fixed": 0, "broken": 1, "p_value": 1.0}
        >>> print(Effect(pd.DataFrame.from_dict({"as they were": row}, orient="index")).verdict)
        No clear change: 0 of 60 images fixed, 1 broken; so small a difference is within chance (p = 1).
    """

    table: pd.DataFrame

    @property
    def verdict(self) -> str:
        """What it comes to in one sentence, on the corrected labels where there are any."""
        return _verdict(self.table.iloc[-1])

    @property
    def summary(self) -> pd.DataFrame:
        """The table as a person reads it: errors in percent, each with its 95 % interval (see `figures.wilson`)."""
        rows = [_told(row) for row in self.table.to_dict("records")]
        told = pd.DataFrame(rows, index=[f"labels {name}" for name in self.table.index])
        return told.drop_duplicates()  # nothing was corrected

    def __str__(self) -> str:
        return f"{self.verdict}\n{self.summary.to_string()}"

    def _repr_html_(self) -> str:
        return f"<p>{self.verdict}</p>{self.summary.to_html()}"


def measure_effect(before: Predicts, after: Predicts, ds: Dataset, journal: Any) -> Effect:
    """Compare two learners, without and with the decisions, on the evaluation split of `ds`, the data as they were.

    The p-value is that of the exact sign test on the items where the two differ (McNemar's test, exact form): how
    often chance alone would part them at least as unevenly. Without an evaluation split there is nothing to tell.
    """
    if not (ds.table.split == "valid").any():
        raise BadInputError(
            "There is no evaluation split, so no effect can be measured; set valid_pct above 0."
        )
    examined = dataclasses.replace(ds, table=ds.table.assign(label=judged_labels(ds.table, ds.exam)))
    rows = {"as they were": _compare(before, after, examined)}
    corrected = ds.cleaned(journal, exam="corrected")
    if (corrected.table.split == "valid").any():
        rows["corrected"] = _compare(before, after, corrected)
    return Effect(pd.DataFrame.from_dict(rows, orient="index"))


def _compare(before: Predicts, after: Predicts, ds: Dataset) -> dict[str, float]:
    right = []
    for learn in (before, after):
        table, probabilities = learn.predictions(ds)
        here = (table.split == "valid").to_numpy()
        predicted = np.array(learn.classes, dtype=object)[probabilities[here].argmax(1)]
        right.append(predicted == table.label[here].to_numpy())
    fixed, broken = int((~right[0] & right[1]).sum()), int((right[0] & ~right[1]).sum())
    return {
        "n": len(right[0]),
        "error_before": float((~right[0]).mean()),
        "error_after": float((~right[1]).mean()),
        "fixed": fixed,
        "broken": broken,
        "p_value": sign_test(fixed, broken),
    }


def sign_test(fixed: int, broken: int) -> float:
    """Two-sided p-value of `fixed` against `broken` under a fair coin; 1.0 where nothing differs."""
    from scipy.stats import binomtest

    return float(binomtest(fixed, fixed + broken).pvalue) if fixed + broken else 1.0


def _told(row: Mapping[Hashable, float]) -> dict[str, str | int]:
    n = int(row["n"])
    errors = {when: row[f"error_{when}"] for when in ("before", "after")}
    told = {
        f"error {when}": f"{percent(error, 1)} ({interval(round(error * n), n)})"
        for when, error in errors.items()
    }
    return {"images": n, **told, "fixed": int(row["fixed"]), "broken": int(row["broken"])}


def _verdict(row: pd.Series) -> str:
    fixed, broken = int(row["fixed"]), int(row["broken"])
    counts = f"{fixed} of {counted(int(row['n']), 'image')} fixed, {broken} broken"
    if fixed == broken:
        return f"No difference: {counts}."
    if row["p_value"] > SURE:
        return (
            f"No clear change: {counts}; so small a difference is within chance (p = {row['p_value']:.2g})."
        )
    change = "Better" if fixed > broken else "Worse"
    return f"{change}: {counts}; chance alone hardly does that (p = {row['p_value']:.2g})."
