"""One file for a trained learner: safetensors, with a JSON card in its header. Nothing in it can be executed."""

from __future__ import annotations

import contextlib
import json
import os
from typing import TYPE_CHECKING, Any

import safetensors
import safetensors.torch
import timm

from bearwidgets import __version__
from bearwidgets.errors import BadInputError, MissingFileError, WorkspaceError
from bearwidgets.learn import model
from bearwidgets.learn.preprocessing import Preprocessing
from bearwidgets.learn.weights import matching

if TYPE_CHECKING:
    from pathlib import Path

    import torch
    from torch import nn

    from bearwidgets.learn.learner import Learner

FORMAT = 1
CARD = "bearwidgets"
KEYS = (
    "arch",
    "timm",
    "weights",
    "classes",
    "size",
    "seed",
    "mean",
    "std",
    "interpolation",
    "mode",
    "made_by",
)


def describe(learn: Learner) -> dict[str, Any]:
    """The card of a learner: all that `Learner.load` needs besides the tensors."""
    preprocessing = learn._store.preprocessing  # noqa: SLF001
    return {
        "format": FORMAT,
        "version": __version__,
        "arch": learn.arch,
        "timm": learn.source.arch,
        "weights": learn.source.weights,
        "classes": learn.classes,
        "size": learn.size,
        "seed": learn.seed,
        "mean": preprocessing.mean,
        "std": preprocessing.std,
        "interpolation": preprocessing.interpolation,
        "mode": learn.mode,
        "made_by": learn.made_by,
    }


def write(path: Path, module: nn.Module, card: dict[str, Any]) -> Path:
    """Write atomically: the old file stays until the new one is whole."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in module.state_dict().items()}
    data = safetensors.torch.save(tensors, metadata={CARD: json.dumps(card)})
    path = path.expanduser()
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise WorkspaceError(f"The learner could not be saved to {str(path)!r}: {error.strerror}.") from error
    return path


def read(path: Path) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    """Card and tensors of a file that `write` made.

    Raises:
        MissingFileError: no such file.
        BadInputError: not such a file, broken, or of a newer format.
    """
    path = path.expanduser()
    if not path.is_file():
        raise MissingFileError(f"No file at {str(path)!r}; expected one that `learn.save` wrote.")
    try:
        with safetensors.safe_open(path, "pt") as file:
            card = json.loads((file.metadata() or {}).get(CARD, "null"))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
    except (safetensors.SafetensorError, ValueError, OSError) as error:
        raise BadInputError(
            f"{path.name} is not a file that `learn.save` wrote, or it is broken ({error}). It was not executed."
        ) from error
    if not isinstance(card, dict) or not isinstance(card.get("format"), int):
        raise BadInputError(
            f"{path.name} holds tensors but no bearwidgets card; expected a file of `learn.save`."
        )
    if card["format"] > FORMAT:
        raise BadInputError(
            f"{path.name} was written by bearwidgets {card.get('version')}, a newer one; "
            "update bearwidgets to read it."
        )
    if missing := [name for name in KEYS if name not in card]:
        raise BadInputError(
            f"The card of {path.name} lacks {', '.join(missing)}: the file was changed or is broken."
        )
    return card, tensors


def empty_body(card: dict[str, Any]) -> tuple[nn.Module, int, model.BodySource, Preprocessing]:
    """The body that a card names, without weights."""
    if not timm.is_model(card["timm"].split(".")[0]):
        raise BadInputError(
            f"The file needs the architecture {card['timm']!r}, unknown to timm {timm.__version__}."
        )
    body = model.empty_body(card["timm"], card["size"]).eval()
    preprocessing = Preprocessing(
        card["size"], tuple(card["mean"]), tuple(card["std"]), card["interpolation"]
    )
    return body, model.width(body), model.BodySource(card["timm"], card["weights"]), preprocessing


def fill(module: nn.Module, tensors: dict[str, torch.Tensor], path: Path) -> None:
    """Put the tensors into the network, in place."""
    module.load_state_dict(matching(tensors, module.state_dict(), path.name))
