"""What a learner keeps of its trainings: a row an epoch, a row a step, and how the present numbers were made."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bearwidgets.learn.head.linear_head import HeadFit
    from bearwidgets.learn.progress import Progress
    from bearwidgets.learn.training.training_dynamics import Trace

Mode = Literal["cached", "exact"]
HISTORY = ["stage", "epoch", "train_loss", "valid_loss", "valid_error", "seconds"]
STEPS = ["stage", "step", "epoch", "lr", "momentum", "loss"]


@dataclass
class Record:
    """All trainings of one learner, one after another.

    Attributes:
        made_by: how the present numbers were made, in words; empty before the first training.
        mode: of the last training.
        head_fit: of the last training, if it was a cached one.
        fitted_on: ids of the items of that fit, in its order.
        scores: on the exam, of the present weights, if they were measured.
        origin: the card of the file that the learner was loaded from, if it was not trained since.
        trace: of the trainings of the whole network since the last cached one.
    """

    made_by: str = ""
    mode: Mode | None = None
    head_fit: HeadFit | None = None
    fitted_on: list[str] = field(default_factory=list)
    scores: dict[str, Any] | None = None
    origin: dict[str, Any] | None = None
    trace: Trace | None = None
    _epochs: list[dict[str, Any]] = field(default_factory=list)
    _steps: list[tuple] = field(default_factory=list)

    @property
    def history(self) -> pd.DataFrame:
        """A row an epoch: `HISTORY`, then metrics."""
        extra = [name for row in self._epochs for name in row if name not in HISTORY]
        return pd.DataFrame(self._epochs, columns=[*HISTORY, *dict.fromkeys(extra)])

    @property
    def steps(self) -> pd.DataFrame:
        """A row a training step: `STEPS`."""
        return pd.DataFrame(self._steps, columns=STEPS)

    def trained(self, mode: Mode, made_by: str, head_fit: HeadFit | None, ids: list[str]) -> None:
        """Note that the weights are new."""
        self.mode, self.made_by, self.head_fit, self.fitted_on = mode, made_by, head_fit, ids
        self.scores = self.origin = None
        if mode == "cached":
            self.trace = None

    def step(self, step: Progress) -> None:
        """Note one step of the loop."""
        self._steps.append((step.stage, step.step, step.epoch, step.lr, step.momentum, step.loss))

    def epoch(
        self,
        stage: str,
        epoch: float,
        train_loss: float | None,
        scores: Mapping[str, Any] | None,
        seconds: float | None = None,
    ) -> None:
        """Note the end of an epoch; `scores` as `Learner.evaluate` gives them, or None without evaluation split."""
        scores = scores or {}
        row = [stage, epoch, train_loss, scores.get("loss"), scores.get("error_rate"), seconds]
        self._epochs.append(dict(zip(HISTORY, row, strict=True)) | dict(scores.get("metrics", {})))

    def resume(self, history: list[dict[str, Any]], steps: list[dict[str, Any]]) -> None:
        """Take up the rows of a training that was cut off."""
        self._epochs = list(history)
        self._steps = [tuple(row.get(name) for name in STEPS) for row in steps]
