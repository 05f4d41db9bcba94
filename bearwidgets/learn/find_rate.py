"""The learning rate range test: train a little at growing rates, look where the loss falls, undo everything.

Source: Smith, "Cyclical learning rates for training neural networks" (2017), with the numbers of fastai 2.8.
"""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import io
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bearwidgets.errors import BadInputError, TrainingError, check_whole
from bearwidgets.learn.run import TrainingRun
from bearwidgets.learn.training.recipe import Phase
from bearwidgets.learn.training.schedule import Exponential
from bearwidgets.learn.training.train import make_optimizer, run_phase

if TYPE_CHECKING:
    from collections.abc import Generator

    from bearwidgets.learn.predict import Predicts
    from bearwidgets.learn.progress import Progress
    from bearwidgets.learn.training.recipe import Recipe

SKIP_END = 5
DIVERGED = 4.0  # times the lowest loss so far: the test ends
SLIDE_STEPS, SLIDE_BEND = 15, 0.005


@dataclasses.dataclass(frozen=True, repr=False)
class RateSearch:
    """What `lr_find` found; shown as a plot in a notebook."""

    table: pd.DataFrame  # a row a step: lr, loss (smoothed over the steps, 0.98), in the order of the steps
    valley: float  # rate two thirds down the longest fall of the loss; the default advice
    slide: float  # rate before the loss bends up, by an interval slide rule
    steep: float  # rate at which the loss falls fastest
    minimum: float  # a tenth of the rate of the lowest loss

    def __str__(self) -> str:
        return (
            f"learning rates: valley {self.valley:.2g}, slide {self.slide:.2g}, steep {self.steep:.2g}, "
            f"minimum {self.minimum:.2g} ({len(self.table)} steps)"
        )

    __repr__ = __str__

    def plot(self) -> Any:
        """A matplotlib Figure: smoothed loss against rate, the suggestions marked."""
        from matplotlib.figure import Figure

        figure = Figure(figsize=(6.0, 3.6), layout="constrained")
        axes = figure.subplots()
        shown = self.table.iloc[: -SKIP_END or None]
        axes.plot(shown.lr, shown.loss, color="#4c72b0")
        for name, marker in (("valley", "o"), ("slide", "s"), ("steep", "^"), ("minimum", "D")):
            rate = getattr(self, name)
            loss = float(np.interp(np.log(rate), np.log(shown.lr), shown.loss))
            axes.plot([rate], [loss], marker, label=f"{name}  {rate:.1e}")
        axes.set(xscale="log", xlabel="learning rate of the head", ylabel="loss, smoothed")
        axes.grid(visible=True, alpha=0.3)
        axes.legend(frameon=False)
        return figure

    def _repr_png_(self) -> bytes:
        out = io.BytesIO()
        self.plot().savefig(out, format="png", dpi=100)
        return out.getvalue()


def suggest(table: pd.DataFrame, steps: int) -> RateSearch:
    """The suggestions for a test of so many `steps`, of which the first tenth and the last five are left out."""
    good = table[np.isfinite(table.loss)]
    cut = good.iloc[steps // 10 : -SKIP_END]
    if len(cut) < 3:
        raise BadInputError(
            f"The loss diverged after {len(table)} of {steps} steps: nothing can be read from that. Call lr_find "
            "with a smaller start_lr, or more steps."
        )
    lr, loss = cut.lr.to_numpy(), cut.loss.to_numpy()
    return RateSearch(
        table,
        valley=_valley(lr, loss),
        slide=_slide(lr, loss),
        steep=float(lr[:-1][np.argmin(np.diff(loss) / np.diff(np.log(lr)))]),
        minimum=float(lr[loss.argmin()] / 10),
    )


def _valley(lr: np.ndarray, loss: np.ndarray) -> float:
    """The middle of the second third of the longest fall, which need not be one without a break."""
    length = np.ones(len(loss), dtype=int)
    for end in range(1, len(loss)):
        higher = length[:end][loss[:end] > loss[end]]
        length[end] = higher.max(initial=0) + 1
    fall = int(length.max())
    start = int(length.argmax()) - fall
    return float(lr[max(start + int(fall / 3) + int(fall / 6), 0)])


def _slide(lr: np.ndarray, loss: np.ndarray) -> float:
    slope = np.gradient(loss)
    right, left = -1, -1 - SLIDE_STEPS
    found = lr[max(left, -len(lr))]
    while left >= -len(lr) and abs(slope[right] - slope[left]) > SLIDE_BEND:
        found = lr[left]
        right, left = right - 1, left - 1
    return float(found)


def searching_rate(
    learn: Predicts, start: float, end: float, steps: int, recipe: Recipe
) -> Generator[Progress, None, RateSearch]:
    """What `FitMethods.lr_find` does, with its arguments: train until the loss diverges, then undo all of it."""
    if not (all(isinstance(each, Real) for each in (start, end)) and 0 < start < end):
        raise BadInputError(
            f"start_lr is {start!r} and end_lr is {end!r}; allowed are 0 < start_lr < end_lr."
        )
    check_whole("steps", steps, 20)
    phase = Phase("lr_find", 1, end, Exponential(start / end), learn.frozen_to, steps)
    run = TrainingRun(learn, [phase], dataclasses.replace(recipe, checkpoint=None, log=None))
    return _search(run, phase)


def _search(run: TrainingRun, phase: Phase) -> Generator[Progress, None, RateSearch]:
    learn, rows = run.learn, list[tuple[float | None, float]]()
    # Where the loss becomes no number the test has come to its end.
    with _undone(learn), contextlib.suppress(TrainingError):
        optimizer = make_optimizer(learn.module, run.groups, phase, run.recipe)
        training = run_phase(
            run.fabric, learn.module, optimizer, run.batches, phase, run.recipe, seed=learn.seed
        )
        with contextlib.closing(training):
            for step in training:
                rows.append((step.lr, step.train_loss or 0.0))
                if rows[-1][1] > DIVERGED * min(loss for _, loss in rows):
                    break
                yield step
    return suggest(pd.DataFrame(rows, columns=["lr", "loss"]), phase.steps or 0)


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
