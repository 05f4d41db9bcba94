"""A training that was cut off goes on: where it stood, in one safetensors file that is replaced atomically."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import safetensors
import safetensors.torch

from bearwidgets.clean.disk import write_atomic
from bearwidgets.errors import BadInputError

if TYPE_CHECKING:
    from pathlib import Path

    import torch
    from torch import nn

CARD = "bearwidgets-checkpoint"


def write(
    path: Path,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    best: dict[str, torch.Tensor] | None,
    card: dict[str, Any],
) -> None:
    """Write weights, moments, the best weights so far and `card` (where the training stands: JSON), atomically.

    Raises:
        WorkspaceError: the file cannot be written.
    """
    tensors = {f"model.{name}": tensor for name, tensor in model.state_dict().items()}
    tensors |= {f"best.{name}": tensor for name, tensor in (best or {}).items()}
    for number, state in optimizer.state_dict()["state"].items():
        tensors |= {f"moments.{number}.{name}": tensor for name, tensor in state.items()}
    plain = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    write_atomic(path, safetensors.torch.save(plain, metadata={CARD: json.dumps(card)}))


def read(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Tensors and card of a checkpoint; nothing in the file is ever executed.

    Raises:
        BadInputError: it is no checkpoint, or broken.
    """
    try:
        with safetensors.safe_open(path, "pt") as file:
            card = json.loads((file.metadata() or {}).get(CARD, "null"))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
    except (safetensors.SafetensorError, ValueError, OSError) as error:
        raise BadInputError(
            f"{path.name} is no checkpoint of a training, or it is broken ({error}). It was not executed; "
            "give the name of a new file."
        ) from error
    if not isinstance(card, dict):
        raise BadInputError(f"{path.name} is no checkpoint of a training; give the name of a new file.")
    return tensors, card


def part(tensors: dict[str, torch.Tensor], name: str) -> dict[str, torch.Tensor]:
    """The tensors of one part: "model" or "best"."""
    return {key[len(name) + 1 :]: each for key, each in tensors.items() if key.startswith(f"{name}.")}


def restore_weights(path: Path, tensors: dict[str, torch.Tensor], model: nn.Module) -> None:
    """Put the weights back.

    Raises:
        BadInputError: tensors of another architecture.
    """
    weights = part(tensors, "model")
    now = {name: tensor.shape for name, tensor in model.state_dict().items()}
    if {name: tensor.shape for name, tensor in weights.items()} != now:
        raise BadInputError(
            f"{path.name} is the checkpoint of another architecture or of other classes; give the name of a new file."
        )
    model.load_state_dict(weights)


def restore_moments(tensors: dict[str, torch.Tensor], optimizer: torch.optim.Optimizer) -> None:
    """Put the moments back into an optimizer that was made alike."""
    whole = optimizer.state_dict()
    whole["state"] = {}
    for name, tensor in part(tensors, "moments").items():
        number, key = name.split(".")
        whole["state"].setdefault(int(number), {})[key] = tensor
    optimizer.load_state_dict(whole)
