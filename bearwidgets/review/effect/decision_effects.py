"""A table with a row a decision: what it does to the loss on the evaluation split, the most harmful first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bearwidgets.data.actions import LEFT_OUT, RELABEL
from bearwidgets.errors import BadInputError
from bearwidgets.figures import counted
from bearwidgets.learn.head.linear_head import fitted_head
from bearwidgets.review.effect.influence import ABSENT, Changes, Items, influence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bearwidgets.data.dataset import Dataset
    from bearwidgets.review.effect.influence import Influence

FALSE_SHARE = 0.05
"""The share of decisions that are called harmful and are not, at most and on average."""
COLUMNS = ("path", "action", "label", "new_label", "effect", "harms", "reason")
UNCHANGED = "This decision changes no label in the training, so it has no effect on the exam"
_NO_FEATURES = (
    "The effect of each decision needs the features of a bearwidgets Learner; fastai learners, cross-validation and "
    "given predictions have none here. Train one: learn = bw.Learner(ds).fine_tune(4), bw.Cleaner(learn)."
)


def decision_effects(learn: Any, ds: Dataset, journal: Any) -> pd.DataFrame:
    """What each decision on a training item does to the exam, by a Newton step of the linear head without it.

    The exam is the evaluation split with the labels that were decided for it. All other decisions stay as they are,
    whether the learner was retrained or not; see `influence`. The head takes each label at its word: one that allows
    for wrong labels, as that of the quick mode does, forgives a wrong decision, and one step says less of what it
    would do. A learner of the full mode is judged by a linear head on the features of its body.

    Args:
        learn: a trained bearwidgets learner; its strength is taken in the quick mode.
        ds: the data as they are on disk.
        journal: whose decisions.

    Returns:
        DataFrame by id, the most harmful first: path, action, label (on disk), new_label ("" where there is none),
        effect (change of the exam's mean log-loss in nats by this decision; negative helps), harms (bool: the rise is
        more than chance, by a t-test over the images of the exam, the false discovery rate over all decisions held at
        5 %, Benjamini and Hochberg, 1995), reason (one sentence).

    Raises:
        BadInputError: no evaluation split, no decision, none on a training item, or a learner without features.

    Example:
        >>> journal = bw.Journal.open(ds)
        >>> journal.record(list(ds.table.id[ds.table.split == "train"][:1]), "delete")
        1
        >>> decision_effects(learn, ds, journal).action.tolist()
        ['delete']
    """
    decided = _decided(ds, journal)
    if not hasattr(learn, "compute_features") or not hasattr(learn, "record"):
        raise BadInputError(_NO_FEATURES)
    exam = ds.cleaned(journal, exam="corrected").table
    exam = exam[exam.split == "valid"]
    if exam.empty:
        raise BadInputError(
            "No image of the evaluation split is left, so no decision can be judged; set valid_pct above 0."
        )
    for _ in learn.compute_features(ds):
        pass
    train = ds.cleaned(journal).table
    train = train[train.split == "train"]
    train, exam, decided = (each[_known(learn, each.content)] for each in (train, exam, decided))
    classes = sorted(set(train.label))
    strength, places = _strength(learn, train, classes), pd.Index(classes)
    exam = exam[exam.label.isin(classes)]
    now = np.where(decided.action == RELABEL, decided.new_label, decided.label)
    before, after = places.get_indexer(pd.Index(decided.label)), places.get_indexer(pd.Index(now))
    after = np.where(decided.action.isin(LEFT_OUT), ABSENT, after)
    alone = before == ABSENT  # the class of the label on disk has no image left in the training
    found = influence(
        Items(_features(learn, train), places.get_indexer(pd.Index(train.label))),
        Items(_features(learn, exam), places.get_indexer(pd.Index(exam.label))),
        Changes(_features(learn, decided), after, np.where(alone, after, before)),
        strength,
        np.eye(len(classes)),
    )
    harms = _harms(found, len(exam))
    rows = range(len(decided))
    labels = exam.label.to_numpy(dtype=object)
    told = [
        _reason(found.loss[row], labels[found.worst[row]], alone=alone[row], label=decided.label.iloc[row])
        for row in rows
    ]
    table = decided.assign(effect=np.where(alone, np.nan, found.loss), harms=harms, reason=told)
    table["new_label"] = table.new_label.where(table.action == RELABEL, "")
    return table[list(COLUMNS)].sort_values("effect", ascending=False, kind="stable")


def _decided(ds: Dataset, journal: Any) -> pd.DataFrame:
    """The items of the training split that are decided, by id, with their label on disk and the decision."""
    decisions = journal.decisions
    if decisions.empty:
        raise BadInputError(
            "There is no decision yet, so there is none to judge; decide on some images first."
        )
    if not (ds.table.split == "valid").any():
        raise BadInputError(
            "There is no evaluation split, so no decision can be judged; set valid_pct above 0."
        )
    items = ds.table.set_index("id")[["path", "label", "split", "content"]]
    found = items[items.split == "train"].join(decisions[["action", "new_label"]], how="inner")
    if found.empty:
        raise BadInputError(
            "All decisions are on the exam, and the exam is not trained on; what is decided on training images has "
            "an effect."
        )
    return found


def _known(learn: Any, contents: pd.Series) -> np.ndarray:
    return np.array([each in learn.features for each in contents], dtype=bool)


def _features(learn: Any, table: pd.DataFrame) -> np.ndarray:
    return learn.features.array(table.content.tolist())


def _strength(learn: Any, train: pd.DataFrame, classes: list[str]) -> float:
    """The L2 strength of the learner's own head, or of one that is fitted to its features."""
    if len(classes) < 2:
        raise BadInputError("All training images have one label now, so there is nothing to tell apart.")
    fit = learn.record.head_fit
    if fit is None or fit.bias.ndim > 1:  # trained throughout, or the mean of two heads
        target = pd.Index(classes).get_indexer(pd.Index(train.label))
        contents = train.content.to_numpy()
        fit = fitted_head(_features(learn, train), target, contents, len(classes), learn.seed)
    return fit.strength


def _harms(found: Influence, n_exam: int) -> np.ndarray:
    from scipy.stats import false_discovery_control, t

    p = np.ones(len(found.loss))
    told = np.isfinite(found.error) & (found.error > 0)
    p[told] = t.sf(found.loss[told] / found.error[told], max(n_exam - 1, 1))
    return false_discovery_control(p) <= FALSE_SHARE


def _reason(loss: float, worst: Sequence[str], *, alone: bool, label: str) -> str:
    if alone:
        return f"Without this decision {label} would have a single training image, too few to tell"
    if not loss:
        return UNCHANGED
    size = np.format_float_positional(abs(loss), precision=2, fractional=False, trim="-")
    if loss < 0:
        return f"With this decision the exam's loss falls by {size}"
    of = sorted(set(worst))
    whose = (
        f"{counted(len(worst), 'evaluation image')} of {' and '.join(of)}"
        if len(of) <= len("ab")
        else (f"{len(worst)} evaluation images of {len(of)} classes")
    )
    return f"With this decision the exam's loss rises by {size}, most on {whose}"
