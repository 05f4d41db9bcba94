"""The quick mode: features of the frozen body, computed once, and a linear head fitted to convergence on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from bearwidgets.errors import BadInputError
from bearwidgets.learn.head.linear_head import STRENGTHS, HeadFit, fit_head
from bearwidgets.learn.progress import Progress
from bearwidgets.learn.provenance import Provenance
from bearwidgets.learn.scores import class_numbers

if TYPE_CHECKING:
    from collections.abc import Generator

    from bearwidgets.learn.predict import Predicts


def usable_features(learn: Predicts) -> Generator[Progress]:
    """The features of all items; those that cannot be decoded leave the learner's data set."""
    yield from learn.compute_features()
    learn.leave_out(learn.undecodable())


def fit_features_and_head(learn: Predicts) -> Generator[Progress]:
    """Features, then the head with the best of several L2 strengths; yields progress, and at last the scores."""
    if not isinstance(learn.module.head, torch.nn.Linear):
        raise BadInputError(
            "The quick mode fits a linear head, and this network has none at its end; use mode='full'."
        )
    yield from usable_features(learn)
    table = learn.data().table
    train = table[table.split == "train"]
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
    provenance = Provenance("quick", learn.arch, learn.source.weights, learn.size, strength=fit.strength)
    learn.record.trained(provenance, list(train.id), fit)
    scores = learn.evaluate("valid") if (table.split == "valid").any() else None
    train_loss = fit.held_out_loss[fit.strength]
    learn.record.epoch("head", 0, train_loss, scores)
    done, loss, error = len(STRENGTHS), None, None
    if scores:
        loss, error = scores["loss"], scores["error_rate"]
    yield Progress("head", done, done, train_loss=train_loss, valid_loss=loss, valid_error=error)
