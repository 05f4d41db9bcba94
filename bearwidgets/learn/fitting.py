"""What a `fit` does besides the loop: evaluation after each epoch, the best weights, stopping, going on."""

from __future__ import annotations

import copy
import dataclasses
import hashlib
import json
import logging
import time
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from lightning_fabric import Fabric

from bearwidgets.data.augment import augmentation
from bearwidgets.data.loading import Pictures
from bearwidgets.errors import BadInputError
from bearwidgets.learn import checkpoint
from bearwidgets.learn.batches import PictureBatches
from bearwidgets.learn.finder import DIVERGED
from bearwidgets.learn.groups import layer_groups
from bearwidgets.learn.loggers import make_logger
from bearwidgets.learn.measure import class_numbers
from bearwidgets.learn.model import fast_precision
from bearwidgets.learn.recipe import Phase, Recipe
from bearwidgets.learn.schedule import Exponential
from bearwidgets.learn.train import make_optimizer, run_phase

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from bearwidgets.learn.learner import Learner
    from bearwidgets.learn.progress import Progress

PRESIZE = 1.5  # a picture is kept so much larger than the network sees it
CHECKPOINT_EVERY = 60.0  # s


def make_fabric(device: torch.device, precision: str, **processes: Any) -> Fabric:
    """Fabric for one device in the asked-for precision; `processes` for several (devices, strategy)."""
    if precision == "auto":
        precision = "bf16" if fast_precision(device) == torch.bfloat16 else "32"
    names: dict[str, Any] = {"bf16": "bf16-mixed", "32": "32-true"}
    with _no_chatter():
        return Fabric(accelerator=device.type, precision=names[precision], **(processes or {"devices": 1}))


@contextmanager
def _no_chatter() -> Generator[None]:
    """Fabric tells on a log that everybody sees which precision it uses; `made_by` and the recipe say it already."""
    chatter = logging.getLogger("lightning_fabric.utilities.rank_zero")
    level = chatter.level
    chatter.setLevel(logging.WARNING)
    try:
        yield
    finally:
        chatter.setLevel(level)


class Training:
    """One call of a `fit`: several phases over the same data.

    Args:
        learn: whose module is trained in place.
        phases: what to do, in order.
        recipe: how.

    Raises:
        BadInputError: fewer than two classes to train on, or a checkpoint that belongs to another training.
    """

    def __init__(self, learn: Learner, phases: Sequence[Phase], recipe: Recipe) -> None:
        self.learn, self.phases, self.recipe = learn, list(phases), recipe
        device = next(learn.module.parameters()).device
        self.fabric = learn.fabric or make_fabric(device, recipe.precision)
        table = learn.ds.table
        self.train = table[table.split == "train"].reset_index(drop=True)
        target = class_numbers(self.train.label, learn.classes)
        if len(np.unique(target)) < 2:
            raise BadInputError(
                f"The training split holds {len(target)} images of {len(np.unique(target))} class; at least two "
                "classes are needed."
            )
        self.paths = [learn.ds.path_of(each) for each in self.train.id]
        preprocessing = learn.preprocessing
        presize = round(PRESIZE * preprocessing.size)
        pictures = Pictures(self.paths, partial(preprocessing.open, at_least=presize), presize=presize)
        augment = augmentation(
            recipe.augment,
            preprocessing.size,
            interpolation=preprocessing.interpolation,
            resize=preprocessing.resize,
        )
        self.batches = PictureBatches(
            pictures, target, learn.classes, preprocessing, augment, recipe, self.fabric, learn.seed
        )
        learn.module.to(memory_format=torch.channels_last)
        self.groups = layer_groups(learn.module)
        self.best: dict[str, torch.Tensor] | None = None
        self.place: dict[str, Any] = {"phase": 0, "step": 0, "best_loss": None, "done": False}
        self.moments: dict[str, torch.Tensor] | None = None

    def run(self) -> Generator[Progress]:
        """All phases; leaves the learner usable wherever it is left."""
        self._go_on()
        logger = None
        if self.fabric.is_global_zero:
            done, epochs = self._done()
            logger = make_logger(self.recipe.log, self._plan(), steps=done, epochs=epochs)
        try:
            for number in range(self.place["phase"], len(self.phases)):
                if self.place["done"]:
                    break
                yield from self._phase(number, logger)
                self.place |= {"phase": number + 1, "step": 0}
            if self.recipe.save_best and self.best is not None:
                self.learn.module.load_state_dict(self.best)
                self.learn.record.made_by += (
                    f", best of the epochs (validation loss {self.place['best_loss']:.3f})"
                )
        finally:
            self.learn.forget_features()
            if logger is not None:
                logger.close()
            if self.batches.problems:
                rows = list(self.batches.problems)
                self.learn.leave_out(list(self.train.id.iloc[rows]), list(self.batches.problems.values()))

    def _phase(self, number: int, logger: Any) -> Generator[Progress]:
        learn, phase, steps = self.learn, self.phases[number], self.batches.steps
        optimizer = make_optimizer(learn.module, self.groups, phase, self.recipe)
        if self.moments is not None:
            checkpoint.restore_moments(self.moments, optimizer)
            self.moments = None
        waited, began, saved = 0, time.monotonic(), time.monotonic()
        losses: list[float] = []
        run = run_phase(
            self.fabric,
            learn.module,
            optimizer,
            self.batches,
            phase,
            self.recipe,
            seed=learn.seed * 100 + number,
            first_step=self.place["step"],
        )
        for step in run:
            learn.record.step(step)
            self._say(phase, step)
            losses.append(step.loss or 0.0)
            self.place["step"] = step.step
            if logger is not None:
                logger.log_step(step)
            if step.step % steps and step.step != step.total:
                if time.monotonic() - saved > CHECKPOINT_EVERY and not step.step % self.recipe.accumulate:
                    self._keep(optimizer)
                    saved = time.monotonic()
                yield step
                continue
            learn.forget_features()
            scores = self._examine()
            waited = 0 if self._is_best(scores) else waited + 1
            learn.record.epoch(
                phase.stage, round(step.epoch, 6), float(np.mean(losses)), scores, time.monotonic() - began
            )
            if logger is not None:
                logger.log_epoch(learn.history.iloc[-1].to_dict())
            last = number == len(self.phases) - 1 and step.step == step.total
            enough = self.recipe.early_stopping is not None and waited >= self.recipe.early_stopping
            self.place["done"] = last or (enough and number == len(self.phases) - 1)
            self._keep(optimizer)
            losses, began, saved = [], time.monotonic(), time.monotonic()
            yield dataclasses.replace(
                step,
                valid_loss=scores["loss"] if scores else None,
                valid_error=scores["error_rate"] if scores else None,
            )
            if enough:
                learn.record.made_by += ", stopped early"
                run.close()
                return

    def _done(self) -> tuple[int, int]:
        """Steps and epochs of this training that were done before it was cut off."""
        before = sum(phase.epochs for phase in self.phases[: self.place["phase"]])
        return before * self.batches.steps + self.place["step"], before + self.place[
            "step"
        ] // self.batches.steps

    def _say(self, phase: Phase, step: Progress) -> None:
        learn = self.learn
        made_by = (
            f"exact: {learn.arch} ({learn.source.weights}) at {learn.size} px, "
            f"{phase.stage} epoch {step.epoch:.3g} of {phase.epochs}"
        )
        learn.record.trained("exact", made_by, None, list(self.train.id))

    def _examine(self) -> dict[str, Any] | None:
        """Scores on the evaluation split, made by the first process and known to all."""
        scores = None
        if self.fabric.is_global_zero and (self.learn.ds.table.split == "valid").any():
            scores = self.learn.evaluate("valid")
        return self.fabric.broadcast(scores) if self.fabric.world_size > 1 else scores

    def _is_best(self, scores: dict[str, Any] | None) -> bool:
        loss = self.place["best_loss"]
        if scores is None or (loss is not None and scores["loss"] >= loss):
            return False
        self.place["best_loss"] = scores["loss"]
        if self.recipe.save_best:
            self.best = copy.deepcopy(self.learn.module.state_dict())
        return True

    def _keep(self, optimizer: torch.optim.Optimizer) -> None:
        if self.recipe.checkpoint is None or not self.fabric.is_global_zero:
            return
        learn = self.learn
        card = {
            "plan": self._plan(),
            "place": self.place,
            "history": json.loads(learn.history.to_json(orient="records")),
            "steps": json.loads(learn.steps.to_json(orient="records")),
            "made_by": learn.made_by,
        }
        checkpoint.write(_path(self.recipe.checkpoint), learn.module, optimizer, self.best, card)

    def _go_on(self) -> None:
        """Take up the training of the checkpoint, if there is one."""
        if self.recipe.checkpoint is None or not _path(self.recipe.checkpoint).exists():
            return
        path, learn = _path(self.recipe.checkpoint), self.learn
        tensors, card = checkpoint.read(path)
        now = self._plan()
        try:
            others = [name for name, value in now.items() if card["plan"].get(name) != value]
            place, history, steps = dict(card["place"]), list(card["history"]), list(card["steps"])
            made_by = str(card["made_by"])
        except (KeyError, TypeError, AttributeError) as error:
            raise BadInputError(
                f"{path.name} is a damaged checkpoint; give the name of a new file."
            ) from error
        if others:
            raise BadInputError(
                f"{path.name} is the checkpoint of another training: {', '.join(others)} differ. Give the name of a "
                "new file, or train with what it was made with."
            )
        checkpoint.restore_weights(path, tensors, learn.module)
        self.best = checkpoint.part(tensors, "best") or None
        self.moments, self.place = tensors if place["step"] else None, place
        learn.record.resume(history, steps)
        learn.record.trained("exact", made_by, None, list(self.train.id))

    def _plan(self) -> dict[str, str]:
        """What has to be the same for a training to go on."""
        recipe = dataclasses.replace(self.recipe, checkpoint=None, log=None)
        data = hashlib.sha256("\n".join([*self.train.content, *self.train.label]).encode()).hexdigest()
        return {
            "architecture": f"{self.learn.arch} at {self.learn.size} px",
            "classes": ", ".join(self.learn.classes),
            "phases": repr(self.phases),
            "options": repr(recipe),
            "training data": data,
            "seed": str(self.learn.seed),
        }


def _path(path: str | Path) -> Path:
    return Path(path).expanduser()


def find_rate(learn: Learner, start: float, end: float, steps: int, recipe: Recipe) -> Generator[Progress]:
    """Train with rates from `start` to `end` for `steps` steps, or until the loss diverges; then undo all of it."""
    phase = Phase("lr_find", 1, end, Exponential(start / end), learn.frozen_to, steps)
    with _undone(learn):
        training = Training(learn, [phase], dataclasses.replace(recipe, checkpoint=None, log=None))
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


@contextmanager
def _undone(learn: Learner) -> Generator[None]:
    """Leave weights, what is frozen, and everything the learner says of itself as they were."""
    weights = copy.deepcopy(learn.module.state_dict())
    frozen = [parameter.requires_grad for parameter in learn.module.parameters()]
    try:
        yield
    finally:
        learn.module.load_state_dict(weights)
        for parameter, grad in zip(learn.module.parameters(), frozen, strict=True):
            parameter.requires_grad_(grad)
