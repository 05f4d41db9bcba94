"""What a `fit` does besides the loop: evaluation after each epoch, the best weights, stopping, going on."""

from __future__ import annotations

import copy
import dataclasses
import time
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from bearwidgets.data.augment.augment import augmentation
from bearwidgets.data.augment.loader import ImageFiles
from bearwidgets.errors import BadInputError
from bearwidgets.learn.input.preprocessing import PRESIZE
from bearwidgets.learn.network.groups import layer_groups
from bearwidgets.learn.provenance import Provenance
from bearwidgets.learn.resume import Resumable
from bearwidgets.learn.scores.scores import class_numbers
from bearwidgets.learn.training.batches import ImageBatches
from bearwidgets.learn.training.checkpoint import TrainingPosition
from bearwidgets.learn.training.fabric import make_fabric
from bearwidgets.learn.training.launch import check_alike
from bearwidgets.learn.training.loggers import make_logger
from bearwidgets.learn.training.train import make_optimizer, run_phase
from bearwidgets.learn.training.training_dynamics import TrainingDynamics, make_dynamics

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from bearwidgets.learn.predict import Predicts
    from bearwidgets.learn.progress import Progress
    from bearwidgets.learn.training.recipe import Phase, Recipe

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
        device = next(learn.module.parameters()).device
        self.fabric = learn.fabric or make_fabric(device, recipe.precision)
        ds = learn.data()
        table = ds.table
        self.train = table[table.split == "train"].reset_index(drop=True)
        self.kept = Resumable(learn, self.train, self.phases, recipe)
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
        self.position = TrainingPosition()
        self.dynamics: TrainingDynamics | None = None

    def run(self) -> Generator[Progress]:
        """All phases; leaves the learner usable wherever it is left."""
        plan = self.kept.plan
        if self.fabric.world_size > 1:
            check_alike(self.fabric, plan)
        self.dynamics = make_dynamics(
            list(self.train.id), len(self.learn.classes), self.learn.record.dynamics, self.learn.out_of_fold()
        )
        if (found := self.kept.take_up(self.dynamics)) is not None:
            self.best, self.position = found.part("best") or None, found.position
        self.learn.record.dynamics = self.dynamics
        logger = None
        if self.fabric.is_global_zero and not self._is_done():
            steps, epochs = self.kept.done(self.position, self.batches.steps)
            logger = make_logger(self.recipe.log, plan, steps=steps, epochs=epochs)
        try:
            if found is not None and self.phases:
                yield self.kept.where(self.position, self.batches.steps)
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
        self.kept.restore_moments(optimizer)
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

    def _keep(self, optimizer: torch.optim.Optimizer | None) -> None:
        if self.fabric.is_global_zero:
            self.kept.keep(self.position, self.best, optimizer, self.dynamics)

    def _is_done(self) -> bool:
        return self.position.phase >= len(self.phases)

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
