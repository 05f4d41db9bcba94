"""The training loop, through the whole network: a generator that yields progress and can be left at any batch.

It is written on Lightning Fabric, which knows about devices, precision and several processes; what is left here is
the loop itself. It prints nothing, shows nothing and starts no thread.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from bearwidgets.data.transforms import RandomCrop, load_batches
from bearwidgets.learn.progress import Progress
from bearwidgets.learn.schedule import OneCycle

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lightning_fabric import Fabric

    from bearwidgets.learn.model import Classifier
    from bearwidgets.learn.preprocessing import Preprocessing

SMOOTHING = 0.9


@dataclass(frozen=True)
class Items:
    """Pictures to train on: their files and their class numbers (n,)."""

    paths: list[Path]
    target: np.ndarray


@dataclass(frozen=True)
class Phase:
    """Some epochs with one schedule.

    Attributes:
        epochs: passes over the training items.
        schedules: one for the body, one for the head; None for the body keeps it frozen, apart from its batch
            norms, which stay trainable and in training mode, as fastai has it.
        batch_size: items a step; the last, smaller batch is kept unless it holds a single item.
        weight_decay: decoupled, none on biases and norms.
        stage: the words that `Progress` shows.
    """

    epochs: int
    body: OneCycle | None
    head: OneCycle
    batch_size: int
    weight_decay: float
    stage: str


def fine_tune_phases(
    epochs: int, *, base_lr: float = 2e-3, freeze_epochs: int = 1, lr_mult: float = 100, batch_size: int = 64
) -> list[Phase]:
    """The two phases of fastai's `fine_tune`, its body and its head as two groups.

    First the head, the body's norms at a tenth of its rate; then all of it at half the rate, the body `lr_mult`
    times slower than the head.
    """
    first = OneCycle(base_lr, pct_start=0.99)
    rate = base_lr / 2
    head = OneCycle(rate, pct_start=0.3, div=5)
    body = OneCycle(rate / lr_mult, pct_start=0.3, div=5)
    phases = [Phase(freeze_epochs, None, first, batch_size, 0.01, "frozen")] if freeze_epochs else []
    return [*phases, Phase(epochs, body, head, batch_size, 0.01, "unfrozen")] if epochs else phases


def run_phase(
    fabric: Fabric, model: Classifier, items: Items, phase: Phase, preprocessing: Preprocessing, seed: int
) -> Iterator[Progress]:
    """Train `model` in place, yielding after every batch; stop iterating and it stops, in a usable state.

    Raises:
        FloatingPointError: the loss is not a number; the message says at which step and rate.
    """
    groups = _parameter_groups(model, phase)
    optimizer = torch.optim.AdamW(groups, lr=phase.head.lr_max, betas=(0.9, 0.99), eps=1e-5)
    module, optimizer = fabric.setup(model, optimizer)
    generator = np.random.default_rng(seed)
    order = [_batches(len(items.target), phase.batch_size, generator) for _ in range(phase.epochs)]
    total = sum(map(len, order))
    transform = RandomCrop(preprocessing.size, preprocessing.interpolation)
    step, smooth = 0, None
    module.train()
    try:
        for epoch, batches in enumerate(order):
            loaded = load_batches(
                items.paths, batches, transform, at_least=preprocessing.size, seed=seed * 1000 + epoch
            )
            for batch in loaded:
                step += 1
                if len(batch.rows) < 2:  # files vanished meanwhile; a batch norm cannot train on one picture
                    continue
                _set_rates(optimizer, (step - 1) / total)
                pictures = preprocessing.normalize(batch.pixels, fabric.device)
                target = torch.from_numpy(items.target[batch.rows]).to(fabric.device)
                loss = functional.cross_entropy(module(pictures), target)
                if not torch.isfinite(loss):
                    rate = optimizer.param_groups[-1]["lr"]
                    raise FloatingPointError(
                        f"The loss is not a number at step {step} of {total} (rate {rate:.2g}); the weights are "
                        "those of the step before. Train with a lower rate."
                    )
                fabric.backward(loss)
                optimizer.step()
                optimizer.zero_grad()
                now = loss.item()
                smooth = now if smooth is None else SMOOTHING * smooth + (1 - SMOOTHING) * now
                yield Progress(phase.stage, step, total, epoch=step / total * phase.epochs, train_loss=smooth)
    finally:
        model.eval()


def _batches(n: int, size: int, generator: np.random.Generator) -> list[list[int]]:
    order = generator.permutation(n)
    batches = [order[start : start + size] for start in range(0, n, size)]
    if len(batches) > 1 and len(batches[-1]) == 1:  # a batch norm cannot train on one picture
        batches.pop()
    return [batch.tolist() for batch in batches]


def _parameter_groups(model: Classifier, phase: Phase) -> list[dict]:
    norms = {
        id(parameter)
        for module in model.modules()
        if isinstance(module, nn.BatchNorm2d)
        for parameter in module.parameters()
    }
    groups = []
    for part, schedule in ((model.body, phase.body), (model.head, phase.head)):
        decayed, plain = [], []
        for parameter in part.parameters():
            frozen = schedule is None and id(parameter) not in norms
            parameter.requires_grad_(not frozen)
            if not frozen:
                (plain if parameter.ndim < 2 else decayed).append(parameter)
        used = schedule or replace(phase.head, lr_max=phase.head.lr_max / 10)
        groups += [
            {"params": decayed, "weight_decay": phase.weight_decay, "schedule": used},
            {"params": plain, "weight_decay": 0.0, "schedule": used},
        ]
    return [group for group in groups if group["params"]]


def _set_rates(optimizer: torch.optim.Optimizer, share: float) -> None:
    for group in optimizer.param_groups:
        group["lr"], momentum = group["schedule"].at(share)
        group["betas"] = (momentum, 0.99)
