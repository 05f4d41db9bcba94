"""What a learner keeps of its trainings: a row an epoch, a row a step, and how the present weights were made."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bearwidgets.learn.head.linear_head import HeadFit
    from bearwidgets.learn.progress import Progress
    from bearwidgets.learn.provenance import Mode, Provenance
    from bearwidgets.learn.training.training_dynamics import TrainingDynamics

HISTORY = ["stage", "epoch", "train_loss", "valid_loss", "valid_error", "seconds"]
STEPS = ["stage", "step", "epoch", "lr", "momentum", "loss"]


@dataclass
class TrainingHistory:
    """All trainings of one learner, one after another."""

    provenance: Provenance | None = None  # how the present weights were made; None before the first training
    head_fit: HeadFit | None = None  # of the last training, if it was in the quick mode
    fitted_on: list[str] = field(default_factory=list)  # ids of the items of that fit, in its order
    scores: dict[str, Any] | None = None  # on the exam, of the present weights, if they were measured
    origin: dict[str, Any] | None = None  # metadata of the file it was loaded from, if not trained since
    dynamics: TrainingDynamics | None = None  # of the full mode since the last training in the quick mode
    _epochs: list[dict[str, Any]] = field(default_factory=list)
    _steps: list[tuple] = field(default_factory=list)

    @property
    def mode(self) -> Mode | None:
        """Of the last training; None before."""
        return self.provenance.mode if self.provenance else None

    @property
    def history(self) -> pd.DataFrame:
        """A row an epoch: `HISTORY`, then metrics."""
        extra = [name for row in self._epochs for name in row if name not in HISTORY]
        return pd.DataFrame(self._epochs, columns=[*HISTORY, *dict.fromkeys(extra)])

    @property
    def steps(self) -> pd.DataFrame:
        """A row a training step: `STEPS`."""
        return pd.DataFrame(self._steps, columns=STEPS)

    def trained(self, provenance: Provenance, ids: list[str], head_fit: HeadFit | None = None) -> None:
        """Note that the weights are new."""
        self.provenance, self.head_fit, self.fitted_on = provenance, head_fit, ids
        self.scores = self.origin = None
        if provenance.mode == "quick":
            self.dynamics = None

    def add_to_provenance(self, **more: Any) -> None:
        """Note how the training ended: fields of `Provenance`."""
        if self.provenance is not None:
            self.provenance = replace(self.provenance, **more)

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
