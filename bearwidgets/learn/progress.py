"""What a training tells of itself while it runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable


@dataclass(frozen=True)
class Progress:
    """Where a training stands: the stage in words, how many of its steps are done, the figures known by then."""

    stage: str
    step: int
    total: int
    epoch: float = 0.0  # epochs done, as a fraction; 0 outside the epochs
    train_loss: float | None = None  # mean log-loss, smoothed over the steps
    valid_loss: float | None = None  # mean log-loss on the evaluation split, at the end of an epoch
    valid_error: float | None = None  # share of the evaluation split that is wrong, 0 to 1, then too
    loss: float | None = None  # of this step alone
    lr: float | None = None  # that of the head
    momentum: float | None = None  # beta1
    note: str = ""  # a sentence to be shown once, such as where a training that was cut off goes on


def with_bar(steps: Iterable[Progress], *, show: bool) -> Generator[Progress]:
    """The same steps, with a bar in the notebook or the terminal that shows them."""
    from tqdm.auto import tqdm

    stage = ""
    with tqdm(disable=not show, mininterval=0.2) as bar:
        for step in steps:
            if step.note and show:
                tqdm.write(step.note)
            if step.stage != stage:
                stage = step.stage
                bar.reset(step.total)
                bar.set_description(stage, refresh=False)
            figures = {
                "loss": step.train_loss,
                "valid loss": step.valid_loss,
                "valid error": step.valid_error,
            }
            shown = {name: f"{value:.3f}" for name, value in figures.items() if value is not None}
            bar.set_postfix(shown, refresh=step.step == step.total)
            bar.update(step.step - bar.n)
            yield step
