"""What a learner is: its data, its network, how an image becomes the network's input, and what its trainings left."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pandas as pd
import torch

from bearwidgets.data.dataset import check_dataset
from bearwidgets.errors import BadInputError
from bearwidgets.learn.followers import Followers
from bearwidgets.learn.head.features import FeatureStore
from bearwidgets.learn.scores import make_metrics

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lightning_fabric import Fabric
    from torch import nn

    from bearwidgets.data.dataset import Dataset
    from bearwidgets.learn.head.linear_head import HeadFit
    from bearwidgets.learn.input.preprocessing import Preprocessing
    from bearwidgets.learn.network.model import BodySource, Classifier
    from bearwidgets.learn.progress import Progress
    from bearwidgets.learn.provenance import Mode, Provenance
    from bearwidgets.learn.training.training_dynamics import TrainingDynamics


HISTORY = ["stage", "epoch", "train_loss", "valid_loss", "valid_error", "seconds"]
STEPS = ["stage", "step", "epoch", "lr", "momentum", "loss"]


@dataclass
class TrainingHistory:
    """All trainings of one learner, one after another."""

    provenance: Provenance | None = None  # how the present weights were made; None before the first training
    head_fit: HeadFit | None = None  # of the last training, if it was in the quick mode
    fitted_on: list[str] = field(default_factory=list)  # ids of the items of that fit, in its order
    scores: dict[str, Any] | None = None  # on the exam, of the present weights, if they were measured
    origin: dict[str, Any] | None = None  # metadata of the file it was loaded from, if not trained since
    dynamics: TrainingDynamics | None = None  # of the full mode since the last training in the quick mode
    _epochs: list[dict[str, Any]] = field(default_factory=list)
    _steps: list[tuple] = field(default_factory=list)

    @property
    def mode(self) -> Mode | None:
        """Of the last training; None before."""
        return self.provenance.mode if self.provenance else None

    @property
    def n_epochs(self) -> int:
        """Rows of `history`."""
        return len(self._epochs)

    @property
    def history(self) -> pd.DataFrame:
        """A row an epoch: `HISTORY`, then metrics."""
        extra = [name for row in self._epochs for name in row if name not in HISTORY]
        return pd.DataFrame(self._epochs, columns=[*HISTORY, *dict.fromkeys(extra)])

    @property
    def steps(self) -> pd.DataFrame:
        """A row a training step: `STEPS`."""
        return pd.DataFrame(self._steps, columns=STEPS)

    def trained(self, provenance: Provenance, ids: list[str], head_fit: HeadFit | None = None) -> None:
        """Note that the weights are new."""
        self.provenance, self.head_fit, self.fitted_on = provenance, head_fit, ids
        self.scores = self.origin = None
        if provenance.mode == "quick":
            self.dynamics = None

    def add_to_provenance(self, **more: Any) -> None:
        """Note how the training ended: fields of `Provenance`."""
        if self.provenance is not None:
            self.provenance = replace(self.provenance, **more)

    def step(self, step: Progress) -> None:
        """Note one step of the loop."""
        self._steps.append((step.stage, step.step, step.epoch, step.lr, step.momentum, step.loss))

    def epoch(
        self,
        stage: str,
        epoch: float,
        train_loss: float | None,
        scores: Mapping[str, Any] | None,
        seconds: float | None = None,
    ) -> None:
        """Note the end of an epoch; `scores` as `Learner.evaluate` gives them, or None without evaluation split."""
        scores = scores or {}
        row = [stage, epoch, train_loss, scores.get("loss"), scores.get("error_rate"), seconds]
        self._epochs.append(dict(zip(HISTORY, row, strict=True)) | dict(scores.get("metrics", {})))

    def resume(self, history: list[dict[str, Any]], steps: list[dict[str, Any]]) -> None:
        """Take up the rows of a training that was cut off."""
        self._epochs = list(history)
        self._steps = [tuple(row.get(name) for name in STEPS) for row in steps]


class LearnerState:
    """The lowest of the four classes of a learner: what it is made of. `Learner` describes arguments and attributes.

    `keep` says whether features are kept on disk; `features` are those known so far, of the same body.
    """

    def __init__(
        self,
        ds: Dataset | None,
        classes: Sequence[str],
        module: Classifier,
        preprocessing: Preprocessing,
        *,
        arch: str,
        seed: int,
        source: BodySource,
        keep: bool = True,
        features: FeatureStore | None = None,
        metrics: Sequence[Any] | Mapping[str, Any] = (),
        frozen_to: int = 0,
    ) -> None:
        self.ds = ds
        self.classes = list(classes)
        self.module = module.to("cuda" if torch.cuda.is_available() else "cpu").eval()
        self.preprocessing = preprocessing
        self.arch, self.seed, self.source = arch, seed, source
        self.features = features or FeatureStore(self.module.body, preprocessing, keep=keep)
        self.record = TrainingHistory()
        self.followers = Followers()
        self.frozen_to = frozen_to
        self.fabric: Fabric | None = None
        self._pristine: nn.Module | None = None  # the body before it was trained
        self.use_metrics(metrics)

    def __repr__(self) -> str:
        state = f"trained: {self.provenance}" if self.is_trained else "not trained yet"
        return f"Learner({self.arch}, {len(self.classes)} classes, {self.size} px, {state})"

    @property
    def size(self) -> int:
        """Side of the square images that the body sees, px."""
        return self.preprocessing.size

    @property
    def is_trained(self) -> bool:
        """Whether it was trained, here or before it was loaded."""
        return self.record.provenance is not None

    @property
    def provenance(self) -> str:
        """How the present weights were made, in words; empty before the first training."""
        return str(self.record.provenance or "")

    @property
    def made_by(self) -> str:
        """The older name of `provenance`."""
        return self.provenance

    @property
    def mode(self) -> Mode | None:
        """The mode of the last training, "quick" or "full"; None before."""
        return self.record.mode

    @property
    def head_fit(self) -> HeadFit | None:
        """The fit of the linear head, where the last training was in the quick mode."""
        return self.record.head_fit

    @property
    def history(self) -> pd.DataFrame:
        """A row an epoch: stage, epoch, train_loss, valid_loss, valid_error, seconds, then `metrics`.

        In the quick mode one row, whose train_loss is the held-out loss inside the training split.
        """
        return self.record.history

    @property
    def steps(self) -> pd.DataFrame:
        """A row a training step: stage, step, epoch, lr (of the head), momentum, loss; none in the quick mode."""
        return self.record.steps

    def data(self, ds: Dataset | None = None) -> Dataset:
        """This data set, or else the learner's own; without either an error says how to give one."""
        found = self.ds if ds is None else ds
        if found is None:
            raise BadInputError(
                "This learner has no data set. Give it one with `Learner.load(path, ds)`, `learn.with_data(ds)` or "
                "`learn.transfer(ds)`, or ask for one with `learn.evaluate('valid', ds)`."
            )
        return check_dataset(found)

    def use_metrics(self, metrics: Sequence[Any] | Mapping[str, Any]) -> None:
        """Have `evaluate` and `history` give these metrics from now on; as `metrics` of the constructor."""
        self.metrics = make_metrics(metrics, len(self.classes))
        self._wanted_metrics = metrics

    def forget_features(self) -> None:
        """Compute features anew from now on: the body has changed."""
        self.features = FeatureStore(self.module.body, self.preprocessing, keep=False)

    def undecodable(self) -> dict[str, str]:
        """Id → reason of the items whose images turned out not to be decodable when features were computed."""
        table, problems = self.data().table, self.features.problems
        known = zip(table["id"], table["content"], strict=True)
        return {id_: problems[content] for id_, content in known if content in problems}

    def leave_out(self, problems: Mapping[str, str]) -> None:
        """Move items that a training cannot use to `ds.problems`, with a warning; `problems` are id → reason."""
        if problems:
            self.ds = self.data().without(list(problems), list(problems.values()))
            warnings.warn(
                f"{len(problems)} images could not be decoded and are left out; see `learn.ds.problems`.",
                stacklevel=4,
            )

    def _check_trained(self) -> None:
        if not self.is_trained:
            raise BadInputError("This learner is not trained yet; call `learn.fine_tune(4)` first.")
