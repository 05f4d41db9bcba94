"""A training that was cut off goes on: where it stood, in one safetensors file that is replaced atomically."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import safetensors
import safetensors.torch

from bearwidgets.errors import BadInputError, WorkspaceError
from bearwidgets.files import sync_folder
from bearwidgets.learn import tensor_file
from bearwidgets.learn.provenance import Provenance

if TYPE_CHECKING:
    from pathlib import Path

    import torch

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


def check_path(path: Path) -> None:
    """Refuse, before a training starts, a path at which no checkpoint can be written."""
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
    card = {**vars(checkpoint), "position": asdict(checkpoint.position)}
    card["provenance"] = asdict(checkpoint.provenance)
    tensors, header = tensor_file.packed(card.pop("tensors"), CARD, json.dumps(card))
    # One name, so that the next try takes the place of a broken one.
    part = path.with_name(f".{path.name}.part")
    try:
        safetensors.torch.save_file(tensors, part, metadata=header)
        with part.open("r+b") as file:
            os.fsync(file.fileno())
        part.replace(path)
        sync_folder(path.parent)
    except (OSError, safetensors.SafetensorError) as error:
        raise WorkspaceError(
            f"The checkpoint {str(path)!r} could not be written: {tensor_file.reason(error)}."
        ) from error


def read(path: Path) -> Checkpoint:
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
