"""The queue of likely wrong labels, taken from a review."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bearwidgets.review.checks.registry import CheckResult, check

if TYPE_CHECKING:
    from bearwidgets.review.checks.inputs import CheckInputs


@check("label_issues", title="Likely wrong labels", needs=["review"])
def label_issues(inputs: CheckInputs) -> CheckResult:
    """Flagged where label and prediction disagree, in the order of the review's `label_issue`."""
    assert inputs.review is not None  # noqa: S101 - the check needs it
    review = inputs.review.table.reindex(inputs.table.id)
    score = review.label_issue.to_numpy(dtype=np.float64)
    flag = review.predicted.notna().to_numpy() & (review.predicted != review.label).to_numpy()
    note = f"{flag.sum():,} of {len(flag):,} labels are not the predicted ones ({inputs.review.provenance})"
    return CheckResult(score, flag, why=review.why.fillna("").tolist(), note=note)
