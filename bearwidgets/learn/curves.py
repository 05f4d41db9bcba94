"""The curves of all trainings of a learner on one axis of epochs, each of a bounded number of points."""

from __future__ import annotations

import math
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from bearwidgets.learn.progress import Progress

POINTS = 200  # most of one curve
SMOOTHING = 0.98  # of the training loss, as `learn.lr_find` and the progress bar have it
TRAIN, VALID, ERROR, RATE = "training loss", "validation loss", "error rate", "learning rate"
_NAMES = {"valid_loss": VALID, "valid_error": ERROR}
_NO_METRIC = {"stage", "epoch", "train_loss", "seconds"}


class Line:
    """Points (x, y) of a curve in their order; of more than `POINTS` every second is left out, never the last."""

    def __init__(self) -> None:
        self._kept: list[tuple[float, float]] = []
        self._last: tuple[float, float] | None = None
        self._every, self._seen = 1, 0

    def add(self, x: float, y: float) -> None:
        """Add a point."""
        self._last = (x, y)
        if self._seen % self._every == 0:
            self._kept.append(self._last)
            if len(self._kept) >= POINTS:
                self._kept, self._every = self._kept[::2], 2 * self._every
        self._seen += 1

    @property
    def points(self) -> list[tuple[float, float]]:
        """At most `POINTS` of them."""
        there = self._last is None or self._kept[-1] == self._last
        return list(self._kept) if there else [*self._kept, self._last]


class Curves:
    """Loss, rate and metrics over the epochs of all trainings, one after another.

    A quick training has no epochs; it counts as one. Numbers that are not finite are left out and counted.

    Attributes:
        lines: name → `Line`; x is epochs since the first training.
        phases: (x, stage) where each phase of a training began.
        left_out: how many numbers were not finite.

    Example:
        >>> curves = Curves()
        >>> curves.step("one cycle", 0.5, lr=1e-3, loss=0.7)
        >>> curves.epoch({"stage": "one cycle", "epoch": 1.0, "valid_loss": 0.4, "valid_error": 0.1})
        >>> curves.lines["validation loss"].points
        [(1.0, 0.4)]
    """

    def __init__(self) -> None:
        self.lines: dict[str, Line] = {}
        self.phases: list[tuple[float, str]] = []
        self.left_out = 0
        self._stage, self._epoch, self._begin, self._x = "", math.inf, 0.0, 0.0
        self._fresh = True  # no step since the last epoch's end
        self._smooth, self._n = 0.0, 0

    @classmethod
    def of(cls, history: pd.DataFrame, steps: pd.DataFrame) -> Curves:
        """Those of a learner's `history` and `steps`."""
        curves, start = cls(), 0
        rows = history.to_dict("records")
        columns = (steps[name].tolist() for name in ("stage", "epoch", "lr", "loss"))
        done = list(zip(*columns, strict=True))
        for row, end in zip(rows, _ends(history, steps), strict=True):
            for stage, epoch, lr, loss in done[start:end]:
                curves.step(stage, epoch, lr=lr, loss=loss)
            curves.epoch(row)
            start = max(start, end)
        for stage, epoch, lr, loss in done[start:]:
            curves.step(stage, epoch, lr=lr, loss=loss)
        return curves

    def add(self, step: Progress) -> None:
        """Add a step of a training that goes on; one of a quick training is none."""
        if step.lr is not None and step.loss is not None:
            self.step(step.stage, step.epoch, lr=step.lr, loss=step.loss)

    def step(self, stage: str, epoch: float, *, lr: float, loss: float) -> None:
        """Add a step: `epoch` is how many of its phase are done by then, a fraction."""
        if stage != self._stage or epoch <= self._epoch:
            self._begin_phase(stage)
        self._reach(epoch)
        self._fresh = False
        self._put(RATE, lr)
        if math.isfinite(loss):
            self._smooth, self._n = SMOOTHING * self._smooth + (1 - SMOOTHING) * loss, self._n + 1
            self._put(TRAIN, self._smooth / (1 - SMOOTHING**self._n))
        else:
            self.left_out += 1

    def epoch(self, row: Mapping[Any, Any]) -> None:
        """Add a row of `Learner.history`."""
        stage, epoch = row["stage"], row["epoch"] or 1.0
        again = epoch < self._epoch or (self._fresh and epoch == self._epoch)
        if not row["epoch"] or stage != self._stage or again:
            self._begin_phase(stage)
        self._reach(epoch)
        if self._fresh:  # there are no steps to take it from
            self._put(TRAIN, row.get("train_loss"))
        self._fresh = True
        for name, value in row.items():
            if name not in _NO_METRIC:
                self._put(_NAMES.get(name, name), value)

    def _begin_phase(self, stage: str) -> None:
        self._stage, self._begin, self._epoch = stage, self._x, 0.0
        self._smooth, self._n, self._fresh = 0.0, 0, True
        self.phases.append((self._x, stage))

    def _reach(self, epoch: float) -> None:
        self._epoch, self._x = epoch, self._begin + epoch

    def _put(self, name: str, value: Any) -> None:
        if not isinstance(value, Real) or isinstance(value, bool) or math.isnan(value):
            return  # NaN in a table stands for what was not measured
        if math.isfinite(value):
            self.lines.setdefault(name, Line()).add(self._x, float(value))
        else:
            self.left_out += 1


def _ends(history: pd.DataFrame, steps: pd.DataFrame) -> list[int]:
    """For each epoch how many of all steps were done at its end; 0 where its steps are not known.

    Looked up from the last epoch on: a learner that was loaded from a file knows epochs, but no steps, of before.
    """
    stages, epochs = steps.stage.to_numpy(), steps.epoch.to_numpy(dtype=float)
    ends, known = [], len(steps)
    for stage, epoch in zip(history.stage[::-1], history.epoch[::-1], strict=True):
        same = (stages[:known] == stage) & (np.abs(epochs[:known] - epoch) < 1e-5)
        places = np.flatnonzero(same)
        ends.append(int(places[-1]) + 1 if len(places) else 0)
        known = int(places[-1]) if len(places) else known
    return ends[::-1]
