"""The two exams of a cleaning: the evaluation split, and cross-validation of all images."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bearwidgets.data.exam import judged_labels
from bearwidgets.errors import BadInputError
from bearwidgets.figures import counted
from bearwidgets.learn.progress import run_with_bar
from bearwidgets.review.effect import effect as told
from bearwidgets.review.effect.effect import Effect, class_table, effect_table
from bearwidgets.review.effect.paired import PairedChange, paired_change

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from bearwidgets.data.cleaned import HasDecisions
    from bearwidgets.data.dataset import Dataset
    from bearwidgets.learn.predict import Predicts
    from bearwidgets.learn.progress import Progress
    from bearwidgets.review.effect.cross_fitting import Choice

FEWEST = 20  # images from which they are cross-validated
MOST = 10_000
MOST_TO_COMPUTE = 2_000  # features that are computed for the measurement alone
# Folds share their training images, so their mean strays by more than the images drawn tell: Nadeau & Bengio,
# "Inference for the generalization error", Machine Learning 52 (2003); the root of 1 + k / (k - 1) for k = 5 folds.
WIDEN = 1.5
_LEFT_OUT = "\0"  # no class has that name
_WHY = {
    "evaluation": "The evaluation split shows what the two learners do with images that neither was trained on. "
    "It has {n}, so it misses small changes.",
    "cross": "Cross-validation judges every image by learners that did not see it, trained on the labels before and "
    "after the cleaning. It shows what the labels are worth to such a learner, not how good this one is.",
    "bias": "A label that was accepted because the model suggested it favors the learner after the cleaning, for the "
    "model had seen the images that cross-validation holds out. On corrected labels the error changes by "
    "{corrected}, on those that nobody changed by {same}; only the evaluation split is free of that.",
}


def measure_effect(before: Predicts, after: Predicts, ds: Dataset, journal: HasDecisions) -> Effect:
    """Compare two learners, without and with the decisions, see `measuring`."""
    return run_with_bar(measuring(before, after, ds, journal), show=False)


def measuring(
    before: Any,
    after: Any,
    ds: Dataset,
    journal: HasDecisions,
    *,
    groups: Mapping[str, object] | None = None,
) -> Generator[Progress, None, Effect]:
    """Measure in steps what the decisions changed.

    Args:
        before: a learner trained without the decisions.
        after: one trained with them.
        ds: the data as they are on disk now.
        journal: the decisions.
        groups: item id to the group of images that belong together, such as near copies.

    Raises:
        BadInputError: no evaluation split, and no features for a cross-validation.
    """
    corrected = ds.cleaned(journal, exam="corrected")
    rows = _on_evaluation_split(before, after, ds, corrected)
    notes = [_WHY["evaluation"].format(n=counted(rows[next(iter(rows))].n, "image"))] if rows else []
    classes = None
    cross = yield from _cross_validation(before, after, ds, corrected, groups)
    if isinstance(cross, str):
        notes += [cross] if cross else []
    else:
        rows |= cross.rows()
        classes = cross.classes()
        notes.append(_WHY["cross"])
        notes += _bias(rows)
    if not rows:
        raise BadInputError(
            "There is no evaluation split, so no effect can be measured; set valid_pct above 0."
        )
    return Effect(effect_table(rows), *([] if classes is None else [classes]), notes=notes)


def _on_evaluation_split(
    before: Any, after: Any, ds: Dataset, corrected: Dataset
) -> dict[tuple[str, str], PairedChange]:
    if not (ds.table.split == "valid").any():
        return {}
    examined = dataclasses.replace(ds, table=ds.table.assign(label=judged_labels(ds.table, ds.exam)))
    rows = {(told.EVALUATION, told.AS_THEY_WERE): _compare(before, after, examined)}
    if (corrected.table.split == "valid").any():
        rows[told.EVALUATION, told.CORRECTED] = _compare(before, after, corrected)
    return rows


def _compare(before: Any, after: Any, ds: Dataset) -> PairedChange:
    wrong = []
    for learn in (before, after):
        table, probabilities = learn.predictions(ds)
        here = (table.split == "valid").to_numpy()
        predicted = np.array(learn.classes, dtype=object)[probabilities[here].argmax(1)]
        wrong.append((predicted != table.label[here].to_numpy()).astype(float))
        pieces = table.content[here].tolist()
    return paired_change(*wrong, pieces)


@dataclasses.dataclass(frozen=True)
class _Crossed:
    """What cross-validation said of n images; labels are class numbers, -1 where the image is left out."""

    content: list[str]
    names: np.ndarray
    before: np.ndarray
    after: np.ndarray
    said_before: np.ndarray  # (repeats, n)
    said_after: np.ndarray

    def _wrong(self, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return (self.said_before != labels).mean(0), (self.said_after != labels).mean(0)

    def rows(self) -> dict[tuple[str, str], PairedChange]:
        """The change on each kind of labels."""
        there = self.after >= 0
        kinds = {
            told.AS_THEY_WERE: (self.before, np.ones(len(there), dtype=bool)),
            told.CORRECTED: (self.after, there),
            told.NEVER_CHANGED: (self.before, self.before == self.after),
        }
        rows = {}
        for name, (labels, here) in kinds.items():
            if here.any():
                wrong = [each[here] for each in self._wrong(labels)]
                pieces = np.array(self.content)[here]
                rows[told.CROSS_VALIDATION, name] = paired_change(*wrong, pieces, widen=WIDEN)
        return rows

    def classes(self) -> pd.DataFrame:
        """The change on the corrected labels, a row a class."""
        there = self.after >= 0
        wrong = [each[there] for each in self._wrong(self.after)]
        pieces = np.array(self.content)[there].tolist()
        return class_table(self.names[self.after[there]], *wrong, pieces, widen=WIDEN)


def _cross_validation(
    before: Any, after: Any, ds: Dataset, corrected: Dataset, groups: Mapping[str, object] | None
) -> Generator[Progress, None, _Crossed | str]:
    """What came out, or a sentence why there is nothing to say."""
    if getattr(before, "ds", None) is None or not hasattr(before, "compute_features"):
        return "Only the evaluation split is judged: cross-validation takes a bw.Learner, which has features."
    from bearwidgets.review.effect.cross_fitting import LEFT_OUT, cross_fit

    first = before.data()
    table = first.table.assign(label=judged_labels(first.table, first.exam))
    if not FEWEST <= len(table) <= MOST:
        return f"Cross-validation is of {FEWEST} to {MOST:,} images; these are {len(table):,}."
    base = before.with_data(first)
    yield from _features(base, table, ds)
    table = table[[each in base.features for each in table.content]].reset_index(drop=True)
    after = table.id.map(dict(zip(corrected.table.id, corrected.table.label, strict=True)))
    names = np.array(sorted({*table.label, *after.dropna()}), dtype=object)
    numbers = [
        pd.Index(names).get_indexer(pd.Index(each))
        for each in (table.label, after.fillna("\0").astype(object))
    ]
    if any(len(np.unique(each[each != LEFT_OUT])) < 2 for each in numbers) or len(table) < FEWEST:
        return f"Cross-validation needs two classes and {FEWEST} images, before and after the cleaning."
    content = table.content.tolist()
    same = [(groups or {}).get(each) for each in table.id]
    features = base.features.array(content)
    choices = [_choice(each, names) for each in (before, after)]
    found = yield from cross_fit(features, *numbers, content, groups=same, choices=choices, seed=before.seed)
    return _Crossed(content, names, *numbers, found.before, found.after)


def _choice(learn: Any, names: np.ndarray) -> Choice | None:
    """How its head was fitted, where it has one of all these classes."""
    from bearwidgets.review.effect.cross_fitting import Choice

    fit = getattr(learn, "head_fit", None)
    if fit is None or list(learn.classes) != names.tolist():
        return None
    return Choice(fit.strength, fit.transition.astype(np.float64))


def _features(base: Any, table: pd.DataFrame, ds: Dataset) -> Generator[Progress]:
    """Those that are missing, where the images are there and few enough."""
    missing = ds.table[ds.table.content.isin(table.content)]
    missing = missing[[each not in base.features for each in missing.content]]
    if len(missing) <= MOST_TO_COMPUTE:
        yield from base.features.compute(missing.content.tolist(), [ds.path_of(each) for each in missing.id])


def _bias(rows: Mapping[tuple[str, str], PairedChange]) -> list[str]:
    """How much the two ways to read the labels differ, in a sentence."""
    found = [rows.get((told.CROSS_VALIDATION, each)) for each in (told.CORRECTED, told.NEVER_CHANGED)]
    corrected, same = (
        f"{100 * (each.error_after - each.error_before):+.1f} points".replace("-", "−") if each else ""
        for each in found
    )
    return [_WHY["bias"].format(corrected=corrected, same=same)] if corrected and same else []
