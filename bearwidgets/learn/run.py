"""What a `fit` does besides the loop: evaluation after each epoch, the best weights, stopping, going on."""

from __future__ import annotations

import copy
import dataclasses
import hashlib
import json
import time
import warnings
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from bearwidgets.data.augment.augment import augmentation
from bearwidgets.data.augment.loader import ImageFiles
from bearwidgets.errors import BadInputError, WorkspaceError
from bearwidgets.learn.input.preprocessing import PRESIZE
from bearwidgets.learn.network.groups import layer_groups
from bearwidgets.learn.progress import Progress
from bearwidgets.learn.provenance import Provenance
from bearwidgets.learn.scores.scores import class_numbers
from bearwidgets.learn.training import checkpoint
from bearwidgets.learn.training.batches import ImageBatches
from bearwidgets.learn.training.fabric import make_fabric
from bearwidgets.learn.training.launch import check_alike
from bearwidgets.learn.training.loggers import make_logger
from bearwidgets.learn.training.lr_finder import DIVERGED
from bearwidgets.learn.training.recipe import Phase, Recipe
from bearwidgets.learn.training.schedule import Exponential
from bearwidgets.learn.training.train import make_optimizer, run_phase
from bearwidgets.learn.training.training_dynamics import TrainingDynamics, make_dynamics

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    import pandas as pd

    from bearwidgets.learn.predict import Predicts

CHECKPOINT_EVERY = 60.0  # s


class TrainingRun:
    """One call of a `fit`: several phases over the same data.

    Args:
        learn: whose module is trained, in place.
        phases: what to do, in order.
        recipe: how.

    Raises:
        BadInputError: fewer than two classes to train on, nothing to tell the best epoch by, or a checkpoint that
            cannot be kept; from `run`, one that belongs to another training.
    """

    def __init__(self, learn: Predicts, phases: Sequence[Phase], recipe: Recipe) -> None:
        self.learn, self.phases, self.recipe = learn, list(phases), recipe
        self.path = None if recipe.checkpoint is None else Path(recipe.checkpoint).expanduser()
        if self.path is not None:
            checkpoint.check_path(self.path)
        device = next(learn.module.parameters()).device
        self.fabric = learn.fabric or make_fabric(device, recipe.precision)
        ds = learn.data()
        table = ds.table
        self.train = table[table.split == "train"].reset_index(drop=True)
        target = class_numbers(self.train.label, learn.classes)
        if len(np.unique(target)) < 2:
            raise BadInputError(
                f"The training split holds {len(target)} images of {len(np.unique(target))} class; at least two "
                "classes are needed."
            )
        if (recipe.save_best or recipe.early_stopping) and not (table.split == "valid").any():
            raise BadInputError(
                "save_best and early_stopping compare the epochs on the evaluation split, and this data set has "
                "none. Leave them out, or make the data set with valid_pct=0.2."
            )
        self.paths = [ds.path_of(each) for each in self.train.id]
        preprocessing = learn.preprocessing
        presize = round(PRESIZE * preprocessing.size)
        images = ImageFiles(self.paths, partial(preprocessing.open, at_least=presize), presize=presize)
        augment = augmentation(
            recipe.augment,
            preprocessing.size,
            interpolation=preprocessing.interpolation,
            resize=preprocessing.resize,
        )
        self.batches = ImageBatches(
            images, target, learn.classes, preprocessing, augment, recipe, self.fabric, learn.seed
        )
        learn.module.to(memory_format=torch.channels_last)
        self.groups = layer_groups(learn.module)
        self.best: dict[str, torch.Tensor] | None = None
        self.position = checkpoint.TrainingPosition()
        self.resumed: checkpoint.Checkpoint | None = None
        self.dynamics: TrainingDynamics | None = None

    def run(self) -> Generator[Progress]:
        """All phases; leaves the learner usable wherever it is left."""
        plan = self._plan()
        if self.fabric.world_size > 1:
            check_alike(self.fabric, plan)
        self.dynamics = make_dynamics(
            list(self.train.id), len(self.learn.classes), self.learn.record.dynamics, self.learn.out_of_fold()
        )
        self._go_on(plan)
        self.learn.record.dynamics = self.dynamics
        logger = None
        if self.fabric.is_global_zero and not self._is_done():
            steps, epochs = self._done()
            logger = make_logger(self.recipe.log, plan, steps=steps, epochs=epochs)
        try:
            if self.resumed is not None and self.phases:
                yield self._where()
            while not self._is_done():
                yield from self._phase(logger)
            if self.recipe.save_best and self.best is not None:
                self.learn.module.load_state_dict(self.best)
                self.learn.record.add_to_provenance(best_loss=self.position.best_loss)
        finally:
            if logger is not None:
                logger.close()
            problems = {self.train.id[row]: reason for row, reason in self.batches.problems.items()}
            self.learn.leave_out(self.learn.undecodable() | problems)
            self.learn.forget_features()

    def _phase(self, logger: Any) -> Generator[Progress]:
        learn, position, number, steps = self.learn, self.position, self.position.phase, self.batches.steps
        phase = self.phases[number]
        optimizer = make_optimizer(learn.module, self.groups, phase, self.recipe)
        if self.resumed is not None and self.path is not None:
            checkpoint.restore_moments(self.path, self.resumed, optimizer)
            self.resumed = None
        before, began, saved = position.seconds, time.monotonic(), time.monotonic()
        so_far = position.step % steps
        losses: list[float] = learn.steps.loss.tail(so_far).tolist() if so_far else []
        run = run_phase(
            self.fabric,
            learn.module,
            optimizer,
            self.batches,
            phase,
            self.recipe,
            seed=learn.seed * 100 + number,
            first_step=position.step,
            dynamics=self.dynamics,
        )
        for step in run:
            self._note(phase, step, logger)
            losses.append(step.loss or 0.0)
            so_far, now = step.step % steps, time.monotonic()
            if so_far and step.step != step.total:
                if now - saved > CHECKPOINT_EVERY and not so_far % self.recipe.accumulate:
                    position.seconds = before + now - began
                    self._keep(optimizer)
                    saved = time.monotonic()
                yield step
                continue
            learn.forget_features()
            scores = self._examine()
            position.waited = 0 if self._is_best(scores) else position.waited + 1
            seconds = before + time.monotonic() - began
            learn.record.epoch(phase.stage, round(step.epoch, 6), float(np.mean(losses)), scores, seconds)
            if logger is not None:
                logger.log_epoch(learn.history.iloc[-1].to_dict())
            enough = self.recipe.early_stopping is not None and position.waited >= self.recipe.early_stopping
            learn.record.add_to_provenance(stopped_early=enough)
            position.seconds = 0.0
            ended = enough or step.step == step.total
            if ended:
                position.phase, position.step, position.waited = number + 1, 0, 0
            self._keep(None if ended else optimizer)
            losses, before, began, saved = [], 0.0, time.monotonic(), time.monotonic()
            found = scores or {}
            yield dataclasses.replace(step, valid_loss=found.get("loss"), valid_error=found.get("error_rate"))
            if enough:
                run.close()
                return

    def _note(self, phase: Phase, step: Progress, logger: Any) -> None:
        """Tell all who want to know of a step: the learner's record, the logger, the user's function."""
        learn = self.learn
        provenance = Provenance(
            "full",
            learn.arch,
            learn.source.weights,
            learn.size,
            stage=phase.stage,
            epoch=step.epoch,
            epochs=phase.epochs,
        )
        learn.record.trained(provenance, list(self.train.id))
        learn.record.step(step)
        self.position.step = step.step
        if logger is not None:
            logger.log_step(step)
        if self.recipe.on_step is not None:
            self.recipe.on_step(step)

    def _is_done(self) -> bool:
        return self.position.phase >= len(self.phases)

    def _done(self) -> tuple[int, int]:
        """Steps and epochs of this training that were done before it was cut off."""
        steps = self.batches.steps
        epochs = sum(phase.epochs for phase in self.phases[: self.position.phase])
        return epochs * steps + self.position.step, epochs + self.position.step // steps

    def _where(self) -> Progress:
        """Where a training that was cut off goes on."""
        assert self.path is not None  # noqa: S101 - only then
        steps, position = self.batches.steps, self.position
        if self._is_done():
            phase, total = self.phases[-1], self.phases[-1].epochs * steps
            note = f"{self.path.name}: this training is finished."
            return Progress(phase.stage, total, total, epoch=phase.epochs, note=note)
        phase, epoch = self.phases[position.phase], position.step / steps
        note = (
            f"{self.path.name}: going on in epoch {int(epoch) + 1} of {phase.epochs} ({phase.stage}), "
            f"after {position.step} of {phase.epochs * steps} steps."
        )
        return Progress(phase.stage, position.step, phase.epochs * steps, epoch=epoch, note=note)

    def _examine(self) -> dict[str, Any] | None:
        """Scores on the evaluation split, made by the first process and known to all."""
        scores = None
        if self.fabric.is_global_zero and (self.learn.data().table.split == "valid").any():
            scores = self.learn.evaluate("valid")
        return self.fabric.broadcast(scores) if self.fabric.world_size > 1 else scores

    def _is_best(self, scores: dict[str, Any] | None) -> bool:
        loss = self.position.best_loss
        if scores is None or (loss is not None and scores["loss"] >= loss):
            return False
        self.position.best_loss = scores["loss"]
        if self.recipe.save_best:
            self.best = copy.deepcopy(self.learn.module.state_dict())
        return True

    def _keep(self, optimizer: torch.optim.Optimizer | None) -> None:
        if self.path is None or not self.fabric.is_global_zero:
            return
        learn = self.learn
        found = checkpoint.Checkpoint(
            self._plan(),
            self.position,
            _rows(learn.history),
            _rows(learn.steps),
            learn.record.provenance or Provenance("full"),
            checkpoint.tensors_of(learn.module, self.best, optimizer, self.dynamics),
        )
        try:
            checkpoint.write(self.path, found)
        except WorkspaceError as error:
            warnings.warn(f"{error} The training goes on.", stacklevel=4)

    def _go_on(self, plan: dict[str, str]) -> None:
        """Take up the training of the checkpoint, if there is one."""
        if self.path is None or not self.path.exists():
            return
        found, learn = checkpoint.read(self.path), self.learn
        checkpoint.check_plan(self.path, found, plan)
        if self.dynamics is not None:
            self.dynamics.restore(found.part("trace"))
        checkpoint.restore_weights(self.path, found, learn.module)
        self.best = found.part("best") or None
        self.position, self.resumed = found.position, found
        learn.record.resume(found.history, found.steps)
        learn.record.trained(found.provenance, list(self.train.id))

    def _plan(self) -> dict[str, str]:
        """What has to be the same for a training to go on."""
        recipe = dataclasses.replace(self.recipe, checkpoint=None, log=None)
        table, preprocessing = self.learn.data().table, self.learn.preprocessing.as_metadata()
        own = {"loss": recipe.loss, "optimizer": recipe.optimizer}
        return {
            **{
                name: getattr(each, "__qualname__", type(each).__name__)
                for name, each in own.items()
                if each is not None
            },
            "architecture": f"{self.learn.arch} at {self.learn.size} px",
            "list of classes": ", ".join(self.learn.classes),
            "preprocessing": json.dumps(preprocessing, sort_keys=True),
            "list of phases": repr(self.phases),
            "set of options": repr(recipe),
            "training split": _digest(self.train),
            "evaluation split": _digest(table[table.split == "valid"]),
            "seed": str(self.learn.seed),
            **{
                name: getattr(each, "__qualname__", type(each).__name__)
                for name, each in own.items()
                if each is not None
            },
        }


def _digest(table: pd.DataFrame) -> str:
    return hashlib.sha256("\n".join([*table.content, *table.label]).encode()).hexdigest()


def _rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as JSON can hold them, every digit of them."""
    return table.astype(object).where(table.notna(), None).to_dict("records")


def find_rate(learn: Predicts, start: float, end: float, steps: int, recipe: Recipe) -> Generator[Progress]:
    """Train with rates from `start` to `end` for `steps` steps, or until the loss diverges; then undo all of it."""
    phase = Phase("lr_find", 1, end, Exponential(start / end), learn.frozen_to, steps)
    with _undone(learn):
        training = TrainingRun(learn, [phase], dataclasses.replace(recipe, checkpoint=None, log=None))
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
