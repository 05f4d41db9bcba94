"""The training behind `lr_find`: a little at growing rates, then all of it is undone."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from bearwidgets.errors import BadInputError, TrainingError
from bearwidgets.learn.progress import with_bar
from bearwidgets.learn.run import TrainingRun
from bearwidgets.learn.training.lr_finder import DIVERGED, RateSearch, suggest
from bearwidgets.learn.training.recipe import Phase, Recipe
from bearwidgets.learn.training.schedule import Exponential
from bearwidgets.learn.training.train import make_optimizer, run_phase

if TYPE_CHECKING:
    from collections.abc import Generator

    from bearwidgets.learn.predict import Predicts
    from bearwidgets.learn.progress import Progress


def search_rate(
    learn: Predicts, start: float, end: float, steps: int, recipe: Recipe, *, show: bool
) -> RateSearch:
    """What `FitMethods.lr_find` does, with its arguments."""
    if not 0 < start < end:
        raise BadInputError(
            f"start_lr is {start!r} and end_lr is {end!r}; allowed are 0 < start_lr < end_lr."
        )
    if not isinstance(steps, int) or steps < 20:
        raise BadInputError(f"steps is {steps!r}; allowed is a whole number from 20 on.")
    learn.data()
    rows: list[tuple[float | None, float | None]] = []
    # Where the loss becomes no number the test has come to its end.
    with contextlib.suppress(TrainingError):
        for step in with_bar(find_rate(learn, start, end, steps, recipe), show=show):
            rows.append((step.lr, step.train_loss))  # noqa: PERF401 - kept where the loop ends in an error
    return suggest(pd.DataFrame(rows, columns=["lr", "loss"]), steps)


def find_rate(learn: Predicts, start: float, end: float, steps: int, recipe: Recipe) -> Generator[Progress]:
    """Train with rates from `start` to `end` for `steps` steps, or until the loss diverges; then undo all of it."""
    phase = Phase("lr_find", 1, end, Exponential(start / end), learn.frozen_to, steps)
    with _undone(learn):
        training = TrainingRun(learn, [phase], dataclasses.replace(recipe, checkpoint=None, log=None))
        optimizer = make_optimizer(learn.module, training.groups, phase, recipe)
        lowest = np.inf
        for step in run_phase(
            training.fabric, learn.module, optimizer, training.batches, phase, recipe, seed=learn.seed
        ):
            yield step
            smooth = step.train_loss or 0.0
            lowest = min(lowest, smooth)
            if smooth > DIVERGED * lowest:
                return


@contextlib.contextmanager
def _undone(learn: Predicts) -> Generator[None]:
    """Leave weights, what is frozen, and everything the learner says of itself as they were."""
    weights = copy.deepcopy(learn.module.state_dict())
    frozen = [parameter.requires_grad for parameter in learn.module.parameters()]
    try:
        yield
    finally:
        learn.module.load_state_dict(weights)
        for parameter, grad in zip(learn.module.parameters(), frozen, strict=True):
            parameter.requires_grad_(grad)
