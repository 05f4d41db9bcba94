"""What a training tells of itself while it runs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """Where a training stands.

    Attributes:
        stage: what is being done, in words.
        step: steps of this stage that are done.
        total: steps of this stage.
        epoch: epochs done, as a fraction; 0 outside the epochs.
        train_loss: smoothed training loss (mean log-loss), if there is one.
        valid_loss: mean log-loss on the evaluation split, at the end of an epoch.
        valid_error: share of the evaluation split that is wrong, 0 to 1, at the end of an epoch.
        loss: training loss of this step alone.
        lr: learning rate of this step, that of the head.
        momentum: beta1 of this step.
        note: a sentence to be shown once, such as where a training that was cut off goes on.
    """

    stage: str
    step: int
    total: int
    epoch: float = 0.0
    train_loss: float | None = None
    valid_loss: float | None = None
    valid_error: float | None = None
    loss: float | None = None
    lr: float | None = None
    momentum: float | None = None
    note: str = ""
