"""A retrain on the data with the decisions taken into account: the steps, the new scores, what they changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bearwidgets.data.actions import RELABEL
from bearwidgets.errors import BadInputError
from bearwidgets.review.checks.issues import Issues
from bearwidgets.review.effect import measure
from bearwidgets.review.effect.effect import AS_THEY_WERE, CORRECTED, EVALUATION
from bearwidgets.review.review import Review
from bearwidgets.widgets.protocol import ErrorRates

if TYPE_CHECKING:
    from collections.abc import Generator

    from bearwidgets.clean.journal import Journal
    from bearwidgets.data.dataset import Dataset
    from bearwidgets.learn.progress import Progress
    from bearwidgets.review.effect.effect import Effect
    from bearwidgets.widgets.cleaner.board import Board


def begin(learn: Any, cleaned: Dataset, epochs: int) -> tuple[Any, Generator[Progress]]:
    """A learner like this one on other data, and the steps of its training."""
    if not hasattr(learn, "with_data"):
        raise BadInputError(
            "There is no bearwidgets Learner to retrain; train one with `learn = bw.Learner(ds)` and "
            "`learn.fine_tune()`, and give it to the Cleaner."
        )
    learner = learn.with_data(cleaned)
    return learner, learner.fine_tuning(epochs, mode=learn.mode)


def labels_decided(board: Board) -> Dataset:
    """The items with the labels that training items are to have; a relabel outside of train is not taken over."""
    labels = board.labels.copy()
    relabeled = (board.decisions.action == RELABEL) & (board.splits == "train")
    labels[relabeled] = board.decisions.new_label[relabeled]
    return board.ds.with_table(board.ds.table.assign(label=labels))


def review_anew(learner: Any, decided: Dataset) -> Review:
    """Scores of the new learner; without items of a class that it does not know."""
    known = decided.table.label.isin(learner.classes)  # a class may be in deleted or in exam items only
    return Review(learner, decided.with_table(decided.table[known].reset_index(drop=True)))


def measuring(
    first: Any, learner: Any, ds: Dataset, journal: Journal, issues: object
) -> Generator[Progress, None, Effect | None]:
    """What a retrain changed, measured in steps; None where there is nothing to measure on."""
    try:
        return (yield from measure.measuring(first, learner, ds, journal, groups=_near_copies(issues)))
    except BadInputError:
        return None


def _near_copies(issues: object) -> dict[str, str]:
    """Item id to the group of near copies that it is in."""
    if not isinstance(issues, Issues) or "near_duplicates" not in issues.names:
        return {}
    groups = issues.queue("near_duplicates").group
    return {str(each): str(group) for each, group in groups.items() if group >= 0}


def figures_of(effect: Effect | None) -> dict[str, Any]:
    """The effect as fields of a `JobState`."""
    if effect is None:
        return {"message": "done; there is no evaluation split to measure on"}
    rates = {}
    if EVALUATION in effect.table.index.get_level_values("exam"):
        rows = effect.table.loc[EVALUATION]
        were, n = rows.loc[AS_THEY_WERE], int(rows.n.loc[AS_THEY_WERE])
        corrected = rows.error_after.get(CORRECTED)
        after = ErrorRates(float(were.error_after), n, None if corrected is None else float(corrected))
        rates = {"before": ErrorRates(float(were.error_before), n), "after": after}
    return {"message": effect.verdict, **rates}
