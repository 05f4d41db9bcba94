"""The queue of likely wrong labels, taken from a review."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bearwidgets.data.actions import RELABEL
from bearwidgets.review.checks.registry import CheckResult, check
from bearwidgets.review.scores import TIMES

if TYPE_CHECKING:
    from bearwidgets.review.checks.inputs import CheckInputs


@check("label_issues", title="Likely wrong labels", needs=["review"], proposes=RELABEL)
def label_issues(inputs: CheckInputs) -> CheckResult:
    """Flagged where another label is far more likely, in the order of the review's `label_issue`."""
    assert inputs.review is not None  # noqa: S101 - the check needs it
    given, ids = inputs.review.table, inputs.table.id
    likely, chance = inputs.review.likely_wrong()
    review = given.assign(chance=chance, likely=likely.astype(float)).reindex(ids)
    flag = (review.likely == 1).to_numpy()
    differ = int((review.predicted.notna() & (review.predicted != review.label)).sum())
    note = (
        f"{differ:,} of {len(flag):,} labels are not the predicted ones; for {flag.sum():,} another one is at least "
        f"{TIMES:.0f} times as likely ({inputs.review.provenance})"
    )
    return CheckResult(
        review.label_issue.to_numpy(dtype=np.float64),
        flag,
        why=review.why.fillna("").tolist(),
        note=note,
        new_label=review.predicted.to_numpy(),
        chance=review.chance.to_numpy(),
    )
