"""The trainings of a learner: fastai's conveniences, over one loop."""

from __future__ import annotations

import copy
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import nn
from tqdm import tqdm

from bearwidgets.errors import BadInputError, TrainingError, check_whole
from bearwidgets.learn.diagnosis.diagnosis import diagnose
from bearwidgets.learn.diagnosis.evidence import evidence_of
from bearwidgets.learn.fit_head import fit_features_and_head, usable_features
from bearwidgets.learn.network.groups import layer_groups
from bearwidgets.learn.predict import Predicts
from bearwidgets.learn.progress import QUICK_STAGES, run_with_bar
from bearwidgets.learn.provenance import as_mode
from bearwidgets.learn.training.recipe import Phase, check_share, fine_tune_phases, make_recipe
from bearwidgets.learn.training.schedule import Constant, FlatCosine, OneCycle

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence

    from typing_extensions import Self

    from bearwidgets.learn.diagnosis.evidence import Finding
    from bearwidgets.learn.find_rate import RateSearch
    from bearwidgets.learn.progress import Progress
    from bearwidgets.learn.provenance import ModeName
    from bearwidgets.learn.training.recipe import Rate

DEFAULT_LR = 1e-3  # fastai's
SCRATCH: dict[str, Any] = {
    "augment": "standard",
    "weight_decay": 0.05,
    "label_smoothing": 0.1,
    "gradient_clip": 1.0,
}
"""What `fit_from_scratch` adds: augmentation, decay and smoothing, since nothing else keeps the weights in bounds."""


class FitMethods(Predicts):
    """What a learner does to train."""

    @property
    def diagnosis(self) -> list[Finding]:
        """What the trainings show that deserves a word, each with its figure; empty where nothing can be told."""
        return diagnose(evidence_of(self)) if self.is_trained else []

    def fine_tune(
        self,
        epochs: int = 4,
        base_lr: float = 2e-3,
        *,
        mode: ModeName = "quick",
        freeze_epochs: int | None = None,
        lr_mult: float = 100,
        pct_start: float = 0.3,
        div: float = 5.0,
        progress: bool = True,
        **options: Any,
    ) -> Self:
        """Train, with a progress bar; Ctrl-C (or the notebook's Stop) leaves a usable learner.

        Args:
            epochs: passes over the training split after those with a frozen body, in the full mode. The quick mode
                fits its head to convergence, however many are asked for.
            base_lr: highest rate of the frozen phase; half of it is that of the head afterwards.
            mode: `"quick"` computes the frozen body's features once and fits a linear head on them; `"full"` trains
                the whole network after that, with augmentation. "cached" and "exact" are their older names.
            freeze_epochs: passes with a frozen body before, in the full mode. None fits the head of a pretrained
                body as the quick mode does and keeps its batch norms' statistics (`norm_eval`), which distorts its
                features less (Kumar et al., "Fine-tuning can distort pretrained features and underperform
                out-of-distribution", ICLR 2022). A number is fastai's `fine_tune`; so is None, with 1, for a body
                without pretrained weights or that was trained here before, for a module of one's own, and for a head
                that is not linear.
            lr_mult: the earliest layers train so much slower than the head.
            pct_start: share of the second phase in which the rate rises.
            div: the second phase starts with the highest rate divided by this.
            progress: show a bar, and afterwards what the training shows (`diagnosis`).
            **options: fields of `Recipe`, full mode only: batch_size, augment, mixup, early_stopping, …

        Returns:
            The learner itself.

        Raises:
            BadInputError: an unknown mode or option, a number that is not allowed, fewer than two classes.
            TrainingError: the loss became no number; the message says where.
        """
        options |= {"freeze_epochs": freeze_epochs, "lr_mult": lr_mult, "pct_start": pct_start, "div": div}
        steps = self.fine_tuning(epochs, base_lr, mode=mode, **options)
        head_first = freeze_epochs is None and self._has_fresh_body()
        first = QUICK_STAGES if as_mode(mode) == "quick" or head_first else ("frozen",)
        return self._show(steps, [*first, *["unfrozen"] * (as_mode(mode) == "full")], progress=progress)

    def fine_tuning(
        self,
        epochs: int = 4,
        base_lr: float = 2e-3,
        *,
        mode: ModeName = "quick",
        freeze_epochs: int | None = None,
        lr_mult: float = 100,
        pct_start: float = 0.3,
        div: float = 5.0,
        **options: Any,
    ) -> Generator[Progress]:
        """As `fine_tune`, step by step: yields progress, and stops when the iteration stops."""
        mode = as_mode(mode)
        head_first = freeze_epochs is None and self._has_fresh_body()
        if freeze_epochs is None:
            freeze_epochs = 0 if head_first else 1
        phases = fine_tune_phases(epochs, base_lr, freeze_epochs, lr_mult, pct_start, div)
        if mode == "full" and head_first:
            return self.followers.told(self._fine_tuning_after_head(phases, {"norm_eval": True, **options}))
        if mode == "full":
            return self.fitting(phases, **options)
        if options:
            raise BadInputError(
                f"The quick mode has no option {next(iter(options))!r}: it fits a linear head by itself. Use "
                "mode='full'."
            )
        self.data().freeze_exam()
        return self.followers.told(fit_features_and_head(self))

    def _has_fresh_body(self) -> bool:
        """Whether the body has pretrained weights, and they are as they came, under a linear head."""
        known = self.source.is_pretrained
        return known and isinstance(self.module.head, nn.Linear) and self.mode != "full"

    def _fine_tuning_after_head(
        self, phases: Sequence[Phase], options: dict[str, Any]
    ) -> Generator[Progress]:
        checkpoint = options.get("checkpoint")
        goes_on = checkpoint is not None and Path(checkpoint).expanduser().exists()
        self._fitting(phases, options)  # says at once what is wrong

        def run() -> Generator[Progress]:
            # Either leaves out what cannot be decoded, so that a training that was cut off finds the same items.
            yield from usable_features(self) if goes_on else fit_features_and_head(self)
            yield from self._fitting(phases, options)

        return run()

    def fit(self, epochs: int, lr: Rate = DEFAULT_LR, *, progress: bool = True, **options: Any) -> Self:
        """Train at a constant rate, with what `freeze`, `freeze_to` and `unfreeze` left to train.

        Args:
            epochs: passes over the training split.
            lr: for all layer groups; `slice(first, last)` spreads geometrically from the earliest to the head,
                `slice(last)` gives a tenth to all but the head; a list has one for each group.
            progress: show a bar.
            **options: fields of `Recipe`.

        Returns:
            The learner itself.
        """
        return self._fit(Phase("constant", epochs, lr, Constant(), self.frozen_to), options, show=progress)

    def fit_one_cycle(
        self,
        epochs: int,
        lr_max: Rate = DEFAULT_LR,
        *,
        pct_start: float = 0.25,
        div: float = 25.0,
        div_final: float = 1e5,
        progress: bool = True,
        **options: Any,
    ) -> Self:
        """Train with one rise and one fall of the rate, momentum against it; arguments else as `fit`.

        Args:
            epochs: passes over the training split.
            lr_max: at the top.
            pct_start: share of the steps spent rising.
            div: the start is the top divided by this.
            div_final: the end is the top divided by this.
            progress: show a bar.
            **options: fields of `Recipe`.
        """
        check_share(pct_start)
        schedule = OneCycle(pct_start, div, div_final)
        return self._fit(Phase("one cycle", epochs, lr_max, schedule, self.frozen_to), options, show=progress)

    def fit_flat_cos(
        self,
        epochs: int,
        lr: Rate = DEFAULT_LR,
        *,
        pct_start: float = 0.75,
        div_final: float = 1e5,
        progress: bool = True,
        **options: Any,
    ) -> Self:
        """Train at a constant rate for `pct_start` of the steps, then down a cosine; arguments else as `fit`."""
        check_share(pct_start)
        schedule = FlatCosine(pct_start, div_final)
        return self._fit(Phase("flat cosine", epochs, lr, schedule, self.frozen_to), options, show=progress)

    def fit_from_scratch(
        self, epochs: int = 30, lr_max: float = 4e-3, *, progress: bool = True, **options: Any
    ) -> Self:
        """Train a network without pretrained weights: one cycle, all layers at one rate, `SCRATCH` for all else.

        Args:
            epochs: passes over the training split; thirty are few, a hundred are common.
            lr_max: at the top.
            progress: show a bar.
            **options: fields of `Recipe`, before those of `SCRATCH`.
        """
        self.unfreeze()
        return self._fit(
            Phase("from scratch", epochs, lr_max, OneCycle()), {**SCRATCH, **options}, show=progress
        )

    def _fit(self, phase: Phase, options: Mapping[str, Any], *, show: bool) -> Self:
        check_whole("epochs", phase.epochs, 0)
        phases = [phase] if phase.epochs else []
        return self._show(self.fitting(phases, **options), [each.stage for each in phases], progress=show)

    def fitting(self, phases: Sequence[Phase], **options: Any) -> Generator[Progress]:
        """Train through the whole network, step by step, in phases of your own; options are fields of `Recipe`."""
        return self.followers.told(self._fitting(phases, options))

    def _fitting(self, phases: Sequence[Phase], options: Mapping[str, Any]) -> Generator[Progress]:
        from bearwidgets.learn.run import TrainingRun  # the loop's libraries take long to load

        recipe = make_recipe(options)
        self.data().freeze_exam()
        self._pristine = self._pristine or copy.deepcopy(self.module.body)
        return TrainingRun(self, phases, recipe).run()

    def freeze(self) -> None:
        """Leave the body as it is in the next `fit`, apart from its norm layers (see `Recipe.train_bn`)."""
        self.freeze_to(-1)

    def unfreeze(self) -> None:
        """Train all layers in the next `fit`."""
        self.freeze_to(0)

    def freeze_to(self, n: int) -> None:
        """Leave the layer groups before the one numbered `n` as they are in the next `fit`; negative from the head.

        Raises:
            BadInputError: there is no such group.
        """
        groups = len(layer_groups(self.module))
        if not isinstance(n, int) or isinstance(n, bool) or not -groups <= n < groups:
            raise BadInputError(
                f"No layer group {n!r}: this network has {groups}, the last one is the head. Allowed is "
                f"{-groups} to {groups - 1}."
            )
        self.frozen_to = n

    def lr_find(
        self,
        start_lr: float = 1e-7,
        end_lr: float = 10.0,
        steps: int = 100,
        *,
        progress: bool = True,
        **options: Any,
    ) -> RateSearch:
        """Find a rate to start from: train at growing rates, then put everything back as it was. Writes no file.

        Args:
            start_lr: of the first step.
            end_lr: of the last step; the test ends before where the loss diverges.
            steps: batches to train on.
            progress: show a bar.
            **options: fields of `Recipe`.

        Returns:
            The suggestions `valley`, `slide`, `steep` and `minimum`; shown as a plot in a notebook.

        Raises:
            BadInputError: rates or steps that are not allowed, or a loss that diverged at once.
        """
        steps_ = self.finding_rate(start_lr, end_lr, steps, **options)
        found = run_with_bar(steps_, show=progress, stages=["lr_find"])
        if found is None:
            raise TrainingError("The search for a rate was stopped; the learner is as it was.")
        return found

    def finding_rate(
        self, start_lr: float = 1e-7, end_lr: float = 10.0, steps: int = 100, **options: Any
    ) -> Generator[Progress, None, RateSearch | None]:
        """As `lr_find`, step by step: yields progress and returns what it found, None once it was stopped."""
        from bearwidgets.learn.find_rate import searching_rate

        return self.followers.told(searching_rate(self, start_lr, end_lr, steps, make_recipe(options)))

    def _show(self, steps: Generator[Progress], stages: Sequence[str], *, progress: bool) -> Self:
        """Run to the end, with a bar, and say what the training shows."""
        progress = progress and (self.fabric is None or self.fabric.is_global_zero)
        try:
            run_with_bar(self.followers.interrupting(steps), show=progress, stages=stages)
        except KeyboardInterrupt:
            steps.close()
            use = "use this learner as it is, or " if self.is_trained else ""
            warnings.warn(f"Interrupted. You can {use}continue training: {self!r}.", stacklevel=3)
            return self
        for finding in self.diagnosis if progress else []:
            tqdm.write(str(finding))
        return self
