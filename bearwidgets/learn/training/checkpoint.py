"""A training that was cut off goes on: where it stood, in one safetensors file that is replaced atomically."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import safetensors
import safetensors.torch
import torch

from bearwidgets.errors import BadInputError, WorkspaceError
from bearwidgets.files import sync_folder
from bearwidgets.learn.provenance import Provenance

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import nn

    from bearwidgets.learn.training.training_dynamics import TrainingDynamics

CARD = "bearwidgets-checkpoint"
NEW = "Give the name of a new file"


@dataclass
class TrainingPosition:
    """Where a training stands.

    Attributes:
        phase: number of the phase; past the last one the training is finished.
        step: steps of it that are done.
        best_loss: lowest validation loss so far.
        waited: epochs of this phase since it was reached.
        seconds: that were spent on the present epoch before the training was cut off.
    """

    phase: int = 0
    step: int = 0
    best_loss: float | None = None
    waited: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class Checkpoint:
    """What the file holds.

    Attributes:
        plan: what has to be the same for the training to go on: name → value, in words.
        position: where it stands.
        history: rows of `Learner.history` so far.
        steps: rows of `Learner.steps` so far.
        provenance: how the weights were made.
        tensors: `model.…`, `best.…` (of the best epoch so far), `moments.…` (of the optimizer) and `trace.…` (see
            `TrainingDynamics`), by name.
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


def tensors_of(
    model: nn.Module,
    best: Mapping[str, torch.Tensor] | None,
    optimizer: torch.optim.Optimizer | None,
    dynamics: TrainingDynamics | None = None,
) -> dict[str, torch.Tensor]:
    """Weights, the best weights so far, moments and the training dynamics, as `Checkpoint.tensors` has them."""
    tensors = {f"model.{name}": tensor for name, tensor in model.state_dict().items()}
    tensors |= {f"best.{name}": tensor for name, tensor in (best or {}).items()}
    for number, state in optimizer.state_dict()["state"].items() if optimizer else []:
        tensors |= {
            f"moments.{number}.{name}": tensor for name, tensor in state.items() if tensor is not None
        }
    tensors |= {f"trace.{name}": tensor for name, tensor in (dynamics.tensors if dynamics else {}).items()}
    return tensors


def check_path(path: Path) -> None:
    """See to it, before a training starts, that its checkpoint can be written.

    Raises:
        BadInputError: the folder is not there, or the path is one itself.
        WorkspaceError: nothing can be written there.
    """
    if not path.parent.is_dir():
        raise BadInputError(
            f"The checkpoint {str(path)!r} cannot be kept: there is no folder {str(path.parent)!r}. Make it, or give "
            "another path."
        )
    if path.is_dir():
        raise BadInputError(f"The checkpoint {str(path)!r} is a folder. {NEW}.")
    try:
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise WorkspaceError(
            f"The checkpoint {str(path)!r} cannot be kept: {error.strerror or error}. Give a path in a folder that "
            "can be written."
        ) from error


def write(path: Path, checkpoint: Checkpoint) -> None:
    """Write atomically: a process that is killed meanwhile leaves the old file, and a part of the new one beside it.

    Raises:
        WorkspaceError: the file cannot be written; the old one is as it was.
    """
    card = {name: each for name, each in vars(checkpoint).items() if name != "tensors"}
    card["position"], card["provenance"] = asdict(checkpoint.position), asdict(checkpoint.provenance)
    plain = {
        name: tensor.detach().to("cpu", copy=True, memory_format=torch.contiguous_format)
        for name, tensor in checkpoint.tensors.items()
    }
    # One name, so that the next try takes the place of a broken one.
    part = path.with_name(f".{path.name}.part")
    try:
        safetensors.torch.save_file(plain, part, metadata={CARD: json.dumps(card)})
        with part.open("r+b") as file:
            os.fsync(file.fileno())
        part.replace(path)
        sync_folder(path.parent)
    except (OSError, safetensors.SafetensorError) as error:
        raise WorkspaceError(
            f"The checkpoint {str(path)!r} could not be written: {_reason(error)}."
        ) from error


def read(path: Path) -> Checkpoint:
    """What `write` wrote; nothing in the file is ever executed.

    Raises:
        BadInputError: it is no checkpoint, or broken.
    """
    try:
        with safetensors.safe_open(path, "pt") as file:
            card = json.loads((file.metadata() or {}).get(CARD, "null"))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
    except (safetensors.SafetensorError, ValueError, OSError, RecursionError) as error:
        raise BadInputError(
            f"{path.name} is no checkpoint of a training, or it is broken ({_reason(error)}). It was not executed. "
            f"{NEW}."
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
    except (KeyError, TypeError, AttributeError, ValueError, BadInputError) as error:
        raise BadInputError(f"{path.name} is a damaged checkpoint. {NEW}.") from error
    return found


def _check(found: Checkpoint) -> None:
    place, kinds = found.position, {"plan": dict, "history": list, "steps": list}
    good = all(isinstance(getattr(found, name), kind) for name, kind in kinds.items())
    good = good and all(isinstance(row, dict) for row in [*found.history, *found.steps])
    counts = (place.phase, place.step, place.waited)
    good = good and all(type(each) is int and each >= 0 for each in counts)
    if not (good and isinstance(place.best_loss, (float, type(None))) and isinstance(place.seconds, float)):
        raise ValueError(place)


def check_plan(path: Path, found: Checkpoint, plan: Mapping[str, str]) -> None:
    """Refuse the checkpoint of another training.

    Raises:
        BadInputError: the message says what differs.
    """
    others = [name for name, value in plan.items() if found.plan.get(name) != value]
    if others:
        raise BadInputError(
            f"{path.name} is the checkpoint of another training, with another {', another '.join(others)}. {NEW}, or "
            "train with what it was made with."
        )


def restore_weights(path: Path, found: Checkpoint, model: nn.Module) -> None:
    """Put the weights back.

    Raises:
        BadInputError: tensors of another architecture; the model is as it was.
    """
    now = {name: tensor.shape for name, tensor in model.state_dict().items()}
    for part in ["model", *(["best"] if found.part("best") else [])]:
        if {name: tensor.shape for name, tensor in found.part(part).items()} != now:
            raise BadInputError(
                f"{path.name} is the checkpoint of another architecture or of other classes. {NEW}."
            )
    model.load_state_dict(found.part("model"))


def restore_moments(path: Path, found: Checkpoint, optimizer: torch.optim.Optimizer) -> None:
    """Put the moments back into an optimizer that was made alike.

    Raises:
        BadInputError: moments of other parameters.
    """
    parameters = [each for group in optimizer.param_groups for each in group["params"]]
    whole = optimizer.state_dict()
    whole["state"] = {}
    try:
        for name, tensor in found.part("moments").items():
            number, key = name.split(".")
            like = parameters[int(number)] if tensor.ndim else tensor
            if tensor.shape != like.shape:
                raise ValueError(name)  # noqa: TRY301 - one sentence for all of them
            # laid out in memory as the parameter is: the same sums in the same order
            whole["state"].setdefault(int(number), {})[key] = torch.empty_like(like).copy_(tensor)
    except (ValueError, IndexError, RuntimeError) as error:
        raise BadInputError(f"{path.name} is a damaged checkpoint. {NEW}.") from error
    optimizer.load_state_dict(whole)


def _reason(error: Exception) -> str:
    words = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return words.splitlines()[0][:160].rstrip(".")
