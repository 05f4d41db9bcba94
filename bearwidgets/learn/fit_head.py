"""The quick mode: features of the frozen body, computed once, and a linear head fitted to convergence on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from bearwidgets.errors import BadInputError
from bearwidgets.learn.head.linear_head import STRENGTHS, HeadFit, fit_head, mean_fit
from bearwidgets.learn.network.network_heads import linear_parts
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
    """Features, then each linear head with the best of several L2 strengths; yields progress, at last the scores."""
    parts = linear_parts(learn.module.head)
    if not parts:
        raise BadInputError(
            "The quick mode fits a linear head, and this network has none at its end; use mode='full'."
        )
    yield from usable_features(learn)
    table = learn.data().table
    train = table[table.split == "train"]
    target = class_numbers(train.label, learn.classes)
    features = learn.features.array(list(train.content))
    fits: list[HeadFit] = []
    done = len(parts) * len(STRENGTHS)
    for _, columns in parts:
        losses: list[float] = []
        contents = train.content.to_numpy()
        for result in fit_head(features[:, columns], target, contents, len(learn.classes), learn.seed):
            if isinstance(result, HeadFit):
                fits.append(result)
            else:
                losses.append(result)
                tried = len(fits) * len(STRENGTHS) + len(losses)
                yield Progress("head", tried, done, train_loss=min(losses))
    with torch.no_grad():
        for (layer, _), fit in zip(parts, fits, strict=True):
            layer.weight.copy_(torch.from_numpy(fit.weight))
            layer.bias.copy_(torch.from_numpy(fit.bias))
    first, *more = [fit.strength for fit in fits]
    made = "quick", learn.arch, learn.source.weights, learn.size
    provenance = Provenance(*made, strength=first, second_strength=more[0] if more else None)
    learn.record.trained(provenance, list(train.id), mean_fit(fits))
    scores = learn.evaluate("valid") if (table.split == "valid").any() else None
    train_loss = sum(fit.held_out_loss[fit.strength] for fit in fits) / len(fits)
    learn.record.epoch("head", 0, train_loss, scores)
    loss = error = None
    if scores:
        loss, error = scores["loss"], scores["error_rate"]
    yield Progress("head", done, done, train_loss=train_loss, valid_loss=loss, valid_error=error)
