"""The queue of likely wrong labels, taken from a review."""

from __future__ import annotations

import numpy as np

from bearwidgets.review.checks.registry import Evidence, Found, check


@check("label_issues", title="Likely wrong labels", needs=["review"])
def label_issues(evidence: Evidence) -> Found:
    """Flagged where label and prediction disagree, in the order of the review's `label_issue`."""
    assert evidence.review is not None  # noqa: S101 - the check needs it
    review = evidence.review.table.reindex(evidence.table.id)
    score = review.label_issue.to_numpy(dtype=np.float64)
    flag = review.predicted.notna().to_numpy() & (review.predicted != review.label).to_numpy()
    if "why" in review:
        why = review.why.fillna("").tolist()
    else:
        why = [
            f"predicted {name} with {sure:.0%}" if wrong else ""
            for name, sure, wrong in zip(review.predicted, review.confidence, flag, strict=True)
        ]
    note = f"{flag.sum():,} of {len(flag):,} labels are not the predicted ones ({evidence.review.made_by})"
    return Found(score, flag, why=why, note=note)
