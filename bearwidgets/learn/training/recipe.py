"""What a training is told besides its data: phases (how long, how fast, what is frozen) and a recipe (all else)."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from bearwidgets.data.augment.augment import augmentation
from bearwidgets.errors import BadInputError, check_whole, unknown_name
from bearwidgets.learn.training.schedule import OneCycle

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from torch import Tensor
    from torch.optim import Optimizer

    from bearwidgets.data.augment.augment import Augment
    from bearwidgets.learn.progress import Progress
    from bearwidgets.learn.training.schedule import Schedule

Rate = float | slice | list | tuple  # as fastai: one, slice(first, last), slice(last), or one for each group


@dataclass(frozen=True)
class Recipe:
    """How to train, apart from rates and epochs; the options of every `fit` of a Learner.

    Attributes:
        batch_size: images a step; None for 64, or a quarter of the data where that is less. The last, smaller
            batch of an epoch is kept, unless it holds a single image (a batch norm cannot train on one).
        augment: a name of `bearwidgets.data.augment.augment.PRESETS`, or an `Augment`.
        weight_decay: decoupled, as a share of the rate; none on biases, norms and position embeddings.
        train_bn: whether the norm layers of frozen groups train all the same (their weights, and a batch norm's
            statistics), as fastai has it; False keeps them as they are, and makes a frozen body really frozen.
        norm_eval: whether batch norms normalize by the statistics that the weights came with, and keep these; their
            weights train. Better than the statistics of small batches where a set is small, or its images were
            enlarged and so lack detail that the body was trained on.
        gradient_clip: longest gradient, as a norm over all parameters, or None.
        accumulate: batches whose gradients are gathered before the weights change.
        label_smoothing: share of the target that is spread over all classes, 0 to below 1.
        mixup: alpha of Beta(alpha, alpha) that mixes pairs of images and targets, 0 for none (Zhang et al., 2018).
        cutmix: the same for pasted rectangles, 0 for none (Yun et al., 2019); with mixup too, a coin decides.
        class_weights: "balanced" (n / (classes · n of the class), as scikit-learn), or class → weight; None: all 1.
        sampling: "shuffle" shows every image once an epoch; "balanced" draws with replacement, each class as often.
        early_stopping: stop after so many epochs without a lower validation loss, or None.
        save_best: end with the weights of the epoch of the lowest validation loss.
        precision: "auto" (bfloat16 where the machine is fast at it), "bf16" or "32".
        checkpoint: a file that is kept current while training; where it exists already, training goes on from it.
        log: "tensorboard", "mlflow", "csv", (name, folder), a logger object, or a list of these.
        loss: (logits (n, classes), target) → the loss of each item, (n,), or their mean; target is (n,) class
            numbers, or (n, classes) shares where images are mixed. None: cross entropy.
        optimizer: (parameter groups, lr) → a torch optimizer, whose rates the schedule sets and whose momentum stays
            as it was made; None: AdamW, with the schedule's momentum.
        on_step: called with the `Progress` of each step once it is done; what it raises ends the training.

    Example:
        >>> focal = lambda logits, y: (1 - logits.softmax(1).gather(1, y[:, None])[:, 0]) ** 2 * (
        ...     torch.nn.functional.cross_entropy(logits, y, reduction="none")
        ... )
        >>> seen = []
        >>> _ = bw.Learner(ds).fine_tune(
        ...     1, mode="full", loss=focal, optimizer=torch.optim.SGD, on_step=seen.append, progress=False
        ... )  # doctest: +SKIP
        >>> seen[-1].loss < seen[0].loss  # doctest: +SKIP
        True
    """

    batch_size: int | None = None
    augment: str | Augment = "light"
    weight_decay: float = 0.01
    train_bn: bool = True
    norm_eval: bool = False
    gradient_clip: float | None = None
    accumulate: int = 1
    label_smoothing: float = 0.0
    mixup: float = 0.0
    cutmix: float = 0.0
    class_weights: Literal["balanced"] | Mapping[str, float] | None = None
    sampling: Literal["shuffle", "balanced"] = "shuffle"
    early_stopping: int | None = None
    save_best: bool = False
    precision: Literal["auto", "bf16", "32"] = "auto"
    checkpoint: str | Path | None = None
    log: Any = None
    loss: Callable[[Tensor, Tensor], Tensor] | None = field(default=None, repr=False)
    optimizer: Callable[[list[dict[str, Any]], float], Optimizer] | None = field(default=None, repr=False)
    on_step: Callable[[Progress], object] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        check_whole("accumulate", self.accumulate, 1)
        for name in ("batch_size", "early_stopping"):
            if getattr(self, name) is not None:
                check_whole(name, getattr(self, name), 1)
        for name in ("weight_decay", "label_smoothing", "mixup", "cutmix", "gradient_clip"):
            value = getattr(self, name)
            if value is not None and not (_is_number(value) and value >= 0):
                raise BadInputError(f"{name} is {value!r}; allowed is a number from 0 on.")
        if self.label_smoothing >= 1:
            raise BadInputError(f"label_smoothing is {self.label_smoothing!r}; allowed is 0 to below 1.")
        for name, allowed in (("sampling", ["shuffle", "balanced"]), ("precision", ["auto", "bf16", "32"])):
            if getattr(self, name) not in allowed:
                raise BadInputError(unknown_name(name, getattr(self, name), allowed))
        for name in ("train_bn", "norm_eval", "save_best"):
            if not isinstance(getattr(self, name), bool):
                raise BadInputError(f"{name} is {getattr(self, name)!r}; allowed is True or False.")
        self._check_functions()
        self._check_class_weights()
        augmentation(self.augment, 32)

    def _check_functions(self) -> None:
        for name in ("loss", "optimizer", "on_step"):
            if getattr(self, name) is not None and not callable(getattr(self, name)):
                raise BadInputError(f"{name} is {getattr(self, name)!r}; allowed is a function.")
        if self.loss is not None and (self.label_smoothing or self.class_weights is not None):
            raise BadInputError(
                "label_smoothing and class_weights are of the loss that is built in. Leave them out, or put them "
                "into the loss of your own."
            )

    def _check_class_weights(self) -> None:
        weights = self.class_weights
        if weights is None or weights == "balanced":
            return
        good = isinstance(weights, Mapping) and all(
            _is_number(each) and each >= 0 for each in weights.values()
        )
        if not good:
            raise BadInputError(
                f"class_weights is {weights!r}; allowed is 'balanced' or a mapping of class to weight."
            )


def make_recipe(options: Mapping[str, Any]) -> Recipe:
    """A recipe of keyword options; one that does not exist is refused, with the name that it is near to."""
    known = [field.name for field in dataclasses.fields(Recipe)]
    for name in options:
        if name not in known:
            raise BadInputError(unknown_name("option", name, known, "of a training"))
    return Recipe(**options)


@dataclass(frozen=True)
class Phase:
    """Some epochs with one schedule, and the highest rate that it stands for, as `FitMethods.fit` takes it."""

    stage: str  # the words that `Progress` shows
    epochs: int
    lr: Rate
    schedule: Schedule
    frozen_to: int = 0  # groups before this one are frozen; negative counts from the end, -1 leaves the head
    steps: int | None = None  # end after so many, whatever `epochs` says


def fine_tune_phases(
    epochs: int,
    base_lr: float = 2e-3,
    freeze_epochs: int = 1,
    lr_mult: float = 100,
    pct_start: float = 0.3,
    div: float = 5.0,
) -> list[Phase]:
    """The phases of fastai's `fine_tune`: first the head alone, then all of it at half the rate, spread by depth."""
    check_whole("epochs", epochs, 0)
    check_whole("freeze_epochs", freeze_epochs, 0)
    for name, value in (("base_lr", base_lr), ("lr_mult", lr_mult), ("div", div)):
        if not _is_number(value) or value <= 0:
            raise BadInputError(f"{name} is {value!r}; allowed is a number above 0.")
    check_share(pct_start)
    frozen = Phase("frozen", freeze_epochs, slice(base_lr), OneCycle(pct_start=0.99), frozen_to=-1)
    rate = base_lr / 2
    unfrozen = Phase("unfrozen", epochs, slice(rate / lr_mult, rate), OneCycle(pct_start, div))
    return [phase for phase in (frozen, unfrozen) if phase.epochs]


def check_share(pct_start: object) -> None:
    """Raise BadInputError unless it is a number between 0 and 1."""
    if not isinstance(pct_start, (int, float)) or not 0 < pct_start < 1:
        raise BadInputError(
            f"pct_start is {pct_start!r}; allowed is a share above 0 and below 1, such as 0.25."
        )


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
