"""The cached mode: features of the frozen body, computed once, and a linear head fitted to convergence on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from bearwidgets.errors import BadInputError
from bearwidgets.learn.head.linear_head import STRENGTHS, HeadFit, fit_head
from bearwidgets.learn.progress import Progress
from bearwidgets.learn.scores.scores import class_numbers

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from bearwidgets.data.dataset import Dataset
    from bearwidgets.learn.learner import Learner


def compute_features(
    learn: Learner, ds: Dataset | None = None, split: str | None = None
) -> Iterator[Progress]:
    """The features of all items, or of one split; what cannot be decoded leaves the learner's own data set."""
    used = learn.ds if ds is None else ds
    table = used.table if split is None else used.table[used.table.split == split]
    store = learn.features
    yield from store.compute(list(table.content), [used.path_of(each) for each in table.id])
    broken = table[table.content.isin(list(store.problems))]
    if used is learn.ds and len(broken):
        learn.leave_out(list(broken.id), [store.problems[each] for each in broken.content])


def fit_cached(learn: Learner) -> Generator[Progress]:
    """Features, then the head with the best of several L2 strengths; yields progress, and at last the scores.

    Raises:
        BadInputError: fewer than two classes to train on, or a network without a linear head.
    """
    if not isinstance(learn.module.head, torch.nn.Linear):
        raise BadInputError(
            "The cached mode fits a linear head, and this network has none at its end; use mode='exact'."
        )
    yield from compute_features(learn)
    train = learn.ds.table[learn.ds.table.split == "train"]
    target = class_numbers(train.label, learn.classes)
    features = learn.features.array(list(train.content))
    fit: HeadFit | None = None
    losses: list[float] = []
    for result in fit_head(features, target, train.content.to_numpy(), len(learn.classes), learn.seed):
        if isinstance(result, HeadFit):
            fit = result
        else:
            losses.append(result)
            yield Progress("head", len(losses), len(STRENGTHS), train_loss=min(losses))
    assert fit is not None  # noqa: S101 - fit_head always ends with one
    with torch.no_grad():
        learn.module.head.weight.copy_(torch.from_numpy(fit.weight))
        learn.module.head.bias.copy_(torch.from_numpy(fit.bias))
    made_by = (
        f"cached: features of the frozen {learn.arch} ({learn.source.weights}) at {learn.size} px, "
        f"linear head, L2 {fit.strength:g}"
    )
    learn.record.trained("cached", made_by, fit, list(train.id))
    scores = learn.evaluate("valid") if (learn.ds.table.split == "valid").any() else None
    train_loss = fit.held_out_loss[fit.strength]
    learn.record.epoch("head", 0, train_loss, scores)
    done, loss, error = len(STRENGTHS), None, None
    if scores:
        loss, error = scores["loss"], scores["error_rate"]
    yield Progress("head", done, done, train_loss=train_loss, valid_loss=loss, valid_error=error)
