"""What a `fit` does besides the loop: evaluation after each epoch, the best weights, stopping, going on."""

from __future__ import annotations

import copy
import dataclasses
import time
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from bearwidgets.data.augment.augment import augmentation
from bearwidgets.data.augment.loader import ImageFiles
from bearwidgets.errors import BadInputError
from bearwidgets.learn.input.preprocessing import PRESIZE
from bearwidgets.learn.network.groups import layer_groups
from bearwidgets.learn.network.network_heads import MeanHead
from bearwidgets.learn.provenance import Provenance
from bearwidgets.learn.resume import Resumable, TrainingPosition
from bearwidgets.learn.scores import class_numbers
from bearwidgets.learn.training.batches import ImageBatches
from bearwidgets.learn.training.launch import check_alike, make_fabric
from bearwidgets.learn.training.loggers import Loggers, make_logger
from bearwidgets.learn.training.train import make_optimizer, run_phase
from bearwidgets.learn.training.training_dynamics import TrainingDynamics, make_dynamics

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from bearwidgets.learn.predict import Predicts
    from bearwidgets.learn.progress import Progress
    from bearwidgets.learn.training.recipe import Phase, Recipe

CHECKPOINT_EVERY = 60.0  # s


class TrainingRun:
    """One call of a `fit`: several phases over the same data, of a learner whose module is trained in place.

    Raises:
        BadInputError: two networks at once, fewer than two classes to train on, nothing to tell the best epoch by, or
            a checkpoint that cannot be kept; from `run`, one that belongs to another training.
    """

    def __init__(self, learn: Predicts, phases: Sequence[Phase], recipe: Recipe) -> None:
        if isinstance(learn.module.head, MeanHead):
            raise BadInputError(
                "quality='best' is of the quick mode, fine_tune(mode='quick'). To train a whole network, take one: "
                "bw.Learner(ds, 'efficientnet_lite2')."
            )
        self.learn, self.phases, self.recipe = learn, list(phases), recipe
        device = next(learn.module.parameters()).device
        self.fabric = learn.fabric or make_fabric(device, recipe.precision)
        ds = learn.data()
        self.examines = bool((ds.table.split == "valid").any())
        self.train = ds.table[ds.table.split == "train"].reset_index(drop=True)
        self.kept = Resumable(learn, self.train, self.phases, recipe)
        target = class_numbers(self.train.label, learn.classes)
        if len(np.unique(target)) < 2:
            raise BadInputError(
                f"The training split holds {len(target)} images of {len(np.unique(target))} class; at least two "
                "classes are needed."
            )
        if (recipe.save_best or recipe.early_stopping) and not self.examines:
            raise BadInputError(
                "save_best and early_stopping compare the epochs on the evaluation split, and this data set has "
                "none. Leave them out, or make the data set with valid_pct=0.2."
            )
        seen = learn.preprocessing
        presize = round(PRESIZE * seen.size)
        paths = [ds.path_of(each) for each in self.train.id]
        images = ImageFiles(paths, partial(seen.open, at_least=presize), presize=presize)
        augment = augmentation(
            recipe.augment, seen.size, interpolation=seen.interpolation, resize=seen.resize
        )
        self.batches = ImageBatches(
            images, target, learn.classes, seen, augment, recipe, self.fabric, learn.seed
        )
        learn.module.to(memory_format=torch.channels_last)
        self.groups = layer_groups(learn.module)
        self.best: dict[str, torch.Tensor] | None = None
        self.position, self.began, self.saved = TrainingPosition(), 0.0, 0.0
        self.dynamics: TrainingDynamics | None = None
        self.logger = Loggers([])

    def run(self) -> Generator[Progress]:
        """All phases; leaves the learner usable wherever it is left."""
        learn, plan, n_steps = self.learn, self.kept.plan, self.batches.steps
        if self.fabric.world_size > 1:
            check_alike(self.fabric, plan)
        self.dynamics = make_dynamics(
            list(self.train.id), len(learn.classes), learn.record.dynamics, learn.out_of_fold()
        )
        if (found := self.kept.take_up(self.dynamics)) is not None:
            self.best, self.position = found.part("best") or None, found.position
        learn.record.dynamics = self.dynamics
        if self.fabric.is_global_zero and self.position.phase < len(self.phases):
            steps, epochs = self.kept.done(self.position, n_steps)
            self.logger = make_logger(self.recipe.log, plan, steps=steps, epochs=epochs)
        try:
            if found is not None and self.phases:
                yield self.kept.where(self.position, n_steps)
            while self.position.phase < len(self.phases):
                yield from self._phase(self.phases[self.position.phase])
            if self.recipe.save_best and self.best is not None:
                learn.module.load_state_dict(self.best)
                learn.record.add_to_provenance(best_loss=self.position.best_loss)
        finally:
            self.logger.close()
            problems = {self.train.id[row]: reason for row, reason in self.batches.problems.items()}
            learn.leave_out(learn.undecodable() | problems)
            learn.forget_features()

    def _phase(self, phase: Phase) -> Generator[Progress]:
        """One phase, from where it stands; what comes after an epoch is in `_end_epoch`."""
        learn, number = self.learn, self.position.phase
        optimizer = make_optimizer(learn.module, self.groups, phase, self.recipe)
        self.kept.restore_moments(optimizer)
        self.saved = time.monotonic()
        self.began = self.saved - self.position.seconds
        steps = run_phase(
            self.fabric,
            learn.module,
            optimizer,
            self.batches,
            phase,
            self.recipe,
            seed=learn.seed * 100 + number,
            first_step=self.position.step,
            dynamics=self.dynamics,
        )
        with closing(steps):
            for step in steps:
                self._note(phase, step)
                within = step.step % self.batches.steps
                if within and step.step != step.total:
                    now = time.monotonic()
                    if now - self.saved > CHECKPOINT_EVERY and not within % self.recipe.accumulate:
                        self.position.seconds = now - self.began
                        self._keep(optimizer)
                    yield step
                else:
                    yield self._end_epoch(phase, step, optimizer)
                if self.position.phase != number:
                    return

    def _note(self, phase: Phase, step: Progress) -> None:
        """Tell all who want to know of a step: the learner's record, the logger, the user's function."""
        learn = self.learn
        how = Provenance("full", learn.arch, learn.source.weights, learn.size, stage=phase.stage)
        how = dataclasses.replace(how, epoch=step.epoch, epochs=phase.epochs)
        learn.record.trained(how, list(self.train.id))
        learn.record.step(step)
        self.position.step = step.step
        self.logger.log_step(step)
        if self.recipe.on_step is not None:
            self.recipe.on_step(step)

    def _end_epoch(self, phase: Phase, step: Progress, optimizer: torch.optim.Optimizer) -> Progress:
        """Scores, a row of the history, whether it is enough, a checkpoint; gives the step with the scores."""
        learn, position, patience = self.learn, self.position, self.recipe.early_stopping
        learn.forget_features()
        scores = self._examine()
        self._compare(scores)
        losses = learn.steps.loss.tail((step.step - 1) % self.batches.steps + 1).to_numpy()
        seconds = time.monotonic() - self.began
        learn.record.epoch(phase.stage, round(step.epoch, 6), float(losses.mean()), scores, seconds)
        self.logger.log_epoch(learn.history.iloc[-1].to_dict())
        enough = patience is not None and position.waited >= patience
        learn.record.add_to_provenance(stopped_early=enough)
        position.seconds = 0.0
        ended = enough or step.step == step.total
        if ended:
            position.phase, position.step, position.waited = position.phase + 1, 0, 0
        self._keep(None if ended else optimizer)
        self.began = self.saved
        found = scores or {}
        return dataclasses.replace(step, valid_loss=found.get("loss"), valid_error=found.get("error_rate"))

    def _examine(self) -> dict[str, Any] | None:
        """Scores on the evaluation split, made by the first process and known to all."""
        scores = self.learn.evaluate("valid") if self.examines and self.fabric.is_global_zero else None
        return self.fabric.broadcast(scores) if self.fabric.world_size > 1 else scores

    def _compare(self, scores: dict[str, Any] | None) -> None:
        """Note whether this epoch is the best one so far, and its weights."""
        position = self.position
        position.waited += 1
        if scores is not None and (position.best_loss is None or scores["loss"] < position.best_loss):
            position.best_loss, position.waited = scores["loss"], 0
            if self.recipe.save_best:
                self.best = copy.deepcopy(self.learn.module.state_dict())

    def _keep(self, optimizer: torch.optim.Optimizer | None) -> None:
        if self.fabric.is_global_zero:
            self.kept.keep(self.position, self.best, optimizer, self.dynamics)
        self.saved = time.monotonic()
