"""A training that was cut off goes on: where it stood, in one safetensors file that is replaced atomically."""

from __future__ import annotations

import hashlib
import json
import tempfile
import warnings
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import safetensors
import safetensors.torch
import torch

from bearwidgets.data.workspace import resolved
from bearwidgets.errors import BadInputError, WorkspaceError
from bearwidgets.files import patiently, sync_file, sync_folder
from bearwidgets.learn import tensor_file
from bearwidgets.learn.progress import Progress
from bearwidgets.learn.provenance import Provenance

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pandas as pd

    from bearwidgets.learn.predict import Predicts
    from bearwidgets.learn.training.recipe import Phase, Recipe
    from bearwidgets.learn.training.training_dynamics import TrainingDynamics


CARD = "bearwidgets-checkpoint"
NEW = "Give the name of a new file"


@dataclass
class TrainingPosition:
    """Where a training stands."""

    phase: int = 0  # number of the phase; past the last one the training is finished
    step: int = 0  # steps of it that are done
    best_loss: float | None = None  # lowest validation loss so far
    waited: int = 0  # epochs of this phase since it was reached
    seconds: float = 0.0  # that the present epoch took before the training was cut off


@dataclass(frozen=True)
class Checkpoint:
    """What the file holds: the rows of `Learner.history` and `Learner.steps` so far, and how the weights were made.

    The plan is what has to be the same for the training to go on, name → value in words. Tensors are `model.…`,
    `best.…` (of the best epoch so far), `moments.…` (of the optimizer) and `trace.…` (see `TrainingDynamics`).
    """

    plan: dict[str, str]
    position: TrainingPosition
    history: list[dict[str, Any]]
    steps: list[dict[str, Any]]
    provenance: Provenance
    tensors: dict[str, torch.Tensor]

    def part(self, name: str) -> dict[str, torch.Tensor]:
        """The tensors of "model", "best", "moments" or "trace"."""
        return {
            key[len(name) + 1 :]: each for key, each in self.tensors.items() if key.startswith(f"{name}.")
        }


class Resumable:
    """One training and its checkpoint, if the recipe asks for one.

    Attributes:
        plan: what has to be the same for the training to go on: name → value, in words.
        found: the checkpoint that the training goes on from, until its moments are back in an optimizer.
    """

    def __init__(self, learn: Predicts, train: pd.DataFrame, phases: Sequence[Phase], recipe: Recipe) -> None:
        self._path = None if recipe.checkpoint is None else resolved(recipe.checkpoint)
        if self._path is not None:
            _check_path(self._path)
        self._learn, self._train, self._phases = learn, train, phases
        self.plan = _plan(learn, train, phases, recipe)
        self.found: Checkpoint | None = None

    def take_up(self, dynamics: TrainingDynamics | None) -> Checkpoint | None:
        """Put weights, rows and training dynamics back as the checkpoint has them; None where there is none.

        Raises:
            BadInputError: it belongs to another training, or is broken; nothing was changed.
        """
        if self._path is None or not self._path.exists():
            return None
        found, learn, name = _read(self._path), self._learn, self._path.name
        if others := [each for each, value in self.plan.items() if found.plan.get(each) != value]:
            raise BadInputError(
                f"{name} is the checkpoint of another training, with another {', another '.join(others)}. {NEW}, or "
                "train with what it was made with."
            )
        now = {key: tensor.shape for key, tensor in learn.module.state_dict().items()}
        for part in ["model", *(["best"] if found.part("best") else [])]:
            if {key: tensor.shape for key, tensor in found.part(part).items()} != now:
                raise BadInputError(
                    f"{name} is the checkpoint of another architecture or of other classes. {NEW}."
                )
        if dynamics is not None:
            dynamics.restore(found.part("trace"))
        learn.module.load_state_dict(found.part("model"))
        learn.record.resume(found.history, found.steps)
        learn.record.trained(found.provenance, list(self._train.id))
        self.found = found
        return found

    def restore_moments(self, optimizer: torch.optim.Optimizer) -> None:
        """Put the moments back into the first optimizer after a checkpoint was taken up; broken ones are refused."""
        if self.found is None or self._path is None:
            return
        parameters = [each for group in optimizer.param_groups for each in group["params"]]
        state: dict[int, dict[str, torch.Tensor]] = {}
        try:
            for name, tensor in self.found.part("moments").items():
                number, key = name.split(".")
                like = parameters[int(number)] if tensor.ndim else tensor
                if tensor.shape != like.shape:
                    raise ValueError(name)  # noqa: TRY301 - one sentence for all of them
                # laid out in memory as the parameter is: the same sums in the same order
                state.setdefault(int(number), {})[key] = torch.empty_like(like).copy_(tensor)
        except (ValueError, IndexError, RuntimeError) as error:
            raise BadInputError(f"{self._path.name} is a damaged checkpoint. {NEW}.") from error
        optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
        self.found = None

    def keep(
        self,
        position: TrainingPosition,
        best: Mapping[str, torch.Tensor] | None,
        optimizer: torch.optim.Optimizer | None,
        dynamics: TrainingDynamics | None,
    ) -> None:
        """Write the checkpoint anew; where that fails the training goes on, with a warning."""
        if self._path is None:
            return
        record = self._learn.record
        moments = optimizer.state_dict()["state"] if optimizer else {}
        parts = {
            "model": self._learn.module.state_dict(),
            "best": best or {},
            "moments": {f"{n}.{name}": each for n, state in moments.items() for name, each in state.items()},
            "trace": dynamics.tensors if dynamics else {},
        }
        tensors = {
            f"{part}.{name}": tensor
            for part, held in parts.items()
            for name, tensor in held.items()
            if tensor is not None
        }
        provenance = record.provenance or Provenance("full")
        rows = _rows(record.history), _rows(record.steps)
        try:
            _write(self._path, Checkpoint(self.plan, position, *rows, provenance, tensors))
        except WorkspaceError as error:
            warnings.warn(f"{error} The training goes on.", stacklevel=5)

    def done(self, position: TrainingPosition, steps: int) -> tuple[int, int]:
        """Steps and epochs that were done before the training was cut off; `steps` are those of an epoch."""
        epochs = sum(phase.epochs for phase in self._phases[: position.phase])
        return epochs * steps + position.step, epochs + position.step // steps

    def where(self, position: TrainingPosition, steps: int) -> Progress:
        """The progress that says where a training that was cut off goes on."""
        name = "" if self._path is None else self._path.name
        if position.phase >= len(self._phases):
            phase, total = self._phases[-1], self._phases[-1].epochs * steps
            note = f"{name}: this training is finished."
            return Progress(phase.stage, total, total, epoch=phase.epochs, note=note)
        phase, epoch = self._phases[position.phase], position.step / steps
        note = (
            f"{name}: going on in epoch {int(epoch) + 1} of {phase.epochs} ({phase.stage}), "
            f"after {position.step} of {phase.epochs * steps} steps."
        )
        return Progress(phase.stage, position.step, phase.epochs * steps, epoch=epoch, note=note)


def _check_path(path: Path) -> None:
    """Refuse, before a training starts, a path at which no checkpoint can be written."""
    if not path.parent.is_dir():
        raise BadInputError(
            f"The checkpoint {str(path)!r} cannot be kept: there is no folder {str(path.parent)!r}. Make it, or give "
            "another path."
        )
    if path.exists() and not path.is_file():
        raise BadInputError(f"The checkpoint {str(path)!r} is there and no file. {NEW}.")
    try:
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise WorkspaceError(
            f"The checkpoint {str(path)!r} cannot be kept: {error.strerror or error}. Give a path in a folder that "
            "can be written."
        ) from error


def _write(path: Path, checkpoint: Checkpoint) -> None:
    """Write atomically: a process that is killed meanwhile leaves the old file, and a part of the new one beside it.

    Raises:
        WorkspaceError: the file cannot be written; the old one is as it was.
    """
    card = {**vars(checkpoint), "position": asdict(checkpoint.position)}
    card["provenance"] = asdict(checkpoint.provenance)
    tensors, header = tensor_file.packed(card.pop("tensors"), CARD, json.dumps(card))
    # One name, so that the next try takes the place of a broken one.
    part = path.with_name(f".{path.name}.part")
    try:
        safetensors.torch.save_file(tensors, part, metadata=header)
        with part.open("r+b") as file:
            sync_file(file)
        patiently(lambda: part.replace(path))
        sync_folder(path.parent)
    except (OSError, safetensors.SafetensorError) as error:
        raise WorkspaceError(
            f"The checkpoint {str(path)!r} could not be written: {tensor_file.reason(error)}."
        ) from error


def _read(path: Path) -> Checkpoint:
    """What `write` wrote; another file, and a broken one, is refused, and nothing in it is ever executed."""
    try:
        card, tensors = tensor_file.read(path, CARD)
    except ValueError as error:
        raise BadInputError(
            f"{path.name} is no checkpoint of a training, or it is broken ({error}). It was not executed. {NEW}."
        ) from error
    if card is None:
        raise BadInputError(f"{path.name} is no checkpoint of a training. {NEW}.")
    try:
        for old, new in (("place", "position"), ("made_by", "provenance")):  # as they were called before
            if old in card:
                card[new] = card.pop(old)
        card["position"] = TrainingPosition(**card["position"])
        card["provenance"] = Provenance.from_stored(card["provenance"])
        found = Checkpoint(**card, tensors=tensors)
        _check(found)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise BadInputError(f"{path.name} is a damaged checkpoint. {NEW}.") from error
    return found


def _check(found: Checkpoint) -> None:
    place, kinds = found.position, {"plan": dict, "history": list, "steps": list}
    good = all(isinstance(getattr(found, name), kind) for name, kind in kinds.items())
    good = good and all(isinstance(row, dict) for row in [*found.history, *found.steps])
    counts = (place.phase, place.step, place.waited)
    good = good and all(type(each) is int and each >= 0 for each in counts)
    good = good and isinstance(place.best_loss, (float, type(None))) and isinstance(place.seconds, float)
    weights = [each for name, each in found.tensors.items() if name.startswith(("model.", "best."))]
    if not good or any(bool(each.isnan().any()) for each in weights):
        raise ValueError(place)


def _plan(learn: Predicts, train: pd.DataFrame, phases: Sequence[Phase], recipe: Recipe) -> dict[str, str]:
    table, preprocessing = learn.data().table, learn.preprocessing.as_metadata()
    own = {"loss": recipe.loss, "optimizer": recipe.optimizer}
    return {
        "architecture": f"{learn.arch} at {learn.size} px",
        "list of classes": ", ".join(learn.classes),
        "preprocessing": json.dumps(preprocessing, sort_keys=True),
        "list of phases": repr(list(phases)),
        "set of options": repr(replace(recipe, checkpoint=None, log=None)),
        "training split": _digest(train),
        "evaluation split": _digest(table[table.split == "valid"]),
        "seed": str(learn.seed),
        **{name: getattr(each, "__qualname__", type(each).__name__) for name, each in own.items() if each},
    }


def _digest(table: pd.DataFrame) -> str:
    return hashlib.sha256("\n".join([*table.content, *table.label]).encode()).hexdigest()


def _rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as JSON can hold them, every digit of them."""
    return table.astype(object).where(table.notna(), None).to_dict("records")
