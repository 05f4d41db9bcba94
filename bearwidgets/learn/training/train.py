"""The training loop, through the whole network: a generator that yields progress and can be left at any batch.

It is written on Lightning Fabric, which knows about devices, precision and several processes; what is left here is
the loop itself. It prints nothing, shows nothing, writes no file and starts no thread. All that is random in a step
follows from the seed and the number of the step, so a training that was cut off goes on as if it had not been.
"""

from __future__ import annotations

import contextlib
import math
from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from bearwidgets.errors import TrainingError
from bearwidgets.learn.network.groups import batch_norms, decays, norm_parameters, spread_rates
from bearwidgets.learn.progress import Progress
from bearwidgets.learn.training.cpu_speed import fast_training
from bearwidgets.learn.training.launch import reduce, shared_batch_norms

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from lightning_fabric import Fabric
    from torch import nn

    from bearwidgets.learn.training.batches import ImageBatches, Minibatch
    from bearwidgets.learn.training.recipe import Phase, Recipe
    from bearwidgets.learn.training.training_dynamics import TrainingDynamics

SMOOTHING = 0.98  # of the loss that is shown, and that `lr_find` reads; fastai's number
BETA2, EPSILON = 0.99, 1e-5  # fastai's Adam


def make_optimizer(
    model: nn.Module, groups: Sequence[Sequence[nn.Parameter]], phase: Phase, recipe: Recipe
) -> torch.optim.Optimizer:
    """The recipe's optimizer over the layer groups that are not frozen; decides which are, and what decays."""
    rates = spread_rates(phase.lr, len(groups))
    frozen = range(len(groups))[: phase.frozen_to] if phase.frozen_to else range(0)
    norms, decaying = {id(each) for each in norm_parameters(model)}, decays(model)
    parts = []
    for number, (group, rate) in enumerate(zip(groups, rates, strict=True)):
        for parameter in group:
            trains = number not in frozen or (recipe.train_bn and id(parameter) in norms)
            parameter.requires_grad_(trains)
        for decay in (True, False):
            chosen = [each for each in group if each.requires_grad and (id(each) in decaying) == decay]
            if chosen:
                weight_decay = recipe.weight_decay if decay else 0.0
                parts.append({"params": chosen, "weight_decay": weight_decay, "lr": rate, "lr_max": rate})
    if recipe.optimizer is not None:
        return recipe.optimizer(parts, rates[-1])
    return torch.optim.AdamW(parts, betas=(0.9, BETA2), eps=EPSILON)


def run_phase(
    fabric: Fabric,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    batches: ImageBatches,
    phase: Phase,
    recipe: Recipe,
    *,
    seed: int,
    first_step: int = 0,
    dynamics: TrainingDynamics | None = None,
) -> Generator[Progress]:
    """Train `model` in place, yielding after every batch; stop iterating and it stops, in a usable state.

    The first `first_step` steps of the phase are done already. `dynamics` gets what the network says of every image,
    unless the recipe mixes images.

    Raises:
        TrainingError: the loss became NaN; the message says at which step and rate, and the weights are the
            last ones with which it was one.
    """
    steps = phase.steps or phase.epochs * batches.steps
    module, optimizer = fabric.setup(model, optimizer)
    mix = _mixer(recipe, batches.n_classes)
    dynamics = None if recipe.mixup or recipe.cutmix else dynamics
    now = [*model.parameters(), *model.buffers()]
    good = [each.detach().clone() for each in now]
    smooth, step = 0.0, first_step
    _train_mode(model, recipe)
    try:
        with fast_training(model, fabric.device), shared_batch_norms(model, fabric):
            while step < steps:
                epoch, first = divmod(step, batches.steps)
                for batch in batches.epoch(epoch, first):
                    rate, momentum = _set_rates(optimizer, *phase.schedule.at(step / steps))
                    loss, logits = 0.0, None
                    if len(batch.target):
                        with _random(seed, step, fabric):
                            images, target = mix(batch.images, batch.target)
                            logits = module(images)
                            mean = _mean_loss(logits, target, batch, batches, recipe)
                            fabric.backward(mean / _gathered(step, batches.steps, recipe.accumulate))
                        loss = float(reduce(fabric, mean.detach()))
                    if not math.isfinite(loss):
                        _copy(good, now)
                        raise TrainingError(_not_a_number(phase, step, steps, rate))
                    if dynamics is not None and logits is not None and batch.rows is not None:
                        dynamics.add(batch.rows, logits, fabric)
                    step += 1
                    if step % batches.steps % recipe.accumulate == 0 or step == steps:
                        _copy(now, good)
                        if recipe.gradient_clip is not None:
                            fabric.clip_gradients(module, optimizer, max_norm=recipe.gradient_clip)
                        optimizer.step()
                        optimizer.zero_grad()
                    done = step - first_step
                    smooth = SMOOTHING * smooth + (1 - SMOOTHING) * loss
                    yield Progress(
                        phase.stage,
                        step,
                        steps,
                        epoch=step / batches.steps,
                        train_loss=smooth / (1 - SMOOTHING**done),
                        loss=loss,
                        lr=rate,
                        momentum=momentum,
                    )
                    if step >= steps:
                        break
    finally:
        model.eval()
        model.zero_grad()


def _mean_loss(
    logits: torch.Tensor, target: torch.Tensor, batch: Minibatch, batches: ImageBatches, recipe: Recipe
) -> torch.Tensor:
    if recipe.loss is not None:
        return recipe.loss(logits, target).mean()
    weight, smoothing = batches.class_weights, recipe.label_smoothing
    summed = functional.cross_entropy(
        logits, target, weight=weight, label_smoothing=smoothing, reduction="sum"
    )
    return summed / batch.total


def _gathered(step: int, steps: int, accumulate: int) -> int:
    """How many batches the gradients of this one are gathered with; the last ones of an epoch may be fewer."""
    number = step % steps
    return min(accumulate, steps - number // accumulate * accumulate)


def _train_mode(model: nn.Module, recipe: Recipe) -> None:
    """Training mode, apart from the batch norms whose statistics the recipe keeps."""
    model.train()
    for norm in batch_norms(model):
        frozen = not any(parameter.requires_grad for parameter in norm.parameters())
        if recipe.norm_eval or (frozen and not recipe.train_bn):
            norm.eval()


def _set_rates(optimizer: torch.optim.Optimizer, factor: float, momentum: float) -> tuple[float, float]:
    for group in optimizer.param_groups:
        group["lr"] = group["lr_max"] * factor
        if isinstance(optimizer, torch.optim.AdamW):
            group["betas"] = (momentum, BETA2)
    return optimizer.param_groups[-1]["lr"], momentum


@contextlib.contextmanager
def _random(seed: int, step: int, fabric: Fabric) -> Generator[None]:
    """Seed torch's global generators for one step, and leave them as they were."""
    devices = [fabric.device] if fabric.device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed((seed * 1_000_003 + step) * 1_009 + fabric.global_rank)
        yield


def _mixer(recipe: Recipe, n_classes: int) -> Callable[..., tuple[torch.Tensor, torch.Tensor]]:
    from torchvision.transforms import v2

    kinds = [(v2.MixUp, recipe.mixup), (v2.CutMix, recipe.cutmix)]
    chosen = [kind(alpha=alpha, num_classes=n_classes) for kind, alpha in kinds if alpha]
    if not chosen:
        return lambda images, target: (images, target)
    return v2.RandomChoice(chosen) if len(chosen) > 1 else chosen[0]


@torch.no_grad()
def _copy(source: Sequence[torch.Tensor], target: Sequence[torch.Tensor]) -> None:
    for each, its_copy in zip(source, target, strict=True):
        its_copy.copy_(each)


def _not_a_number(phase: Phase, step: int, steps: int, rate: float) -> str:
    return (
        f"The loss became NaN at step {step + 1} of {steps} ({phase.stage}, rate {rate:.2g}). The weights were "
        "restored to those of the last finite step. Train with a lower rate, for example that of `learn.lr_find()`, "
        "or with gradient_clip=1."
    )
