"""Weights of a file put into a body: names, sizes and bands are fitted where the libraries have a rule for it."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

import timm
import torch

from bearwidgets.errors import BadInputError
from bearwidgets.learn.network.bodies import TORCHVISION, empty_body, native_size, torchvision_names
from bearwidgets.learn.network.weights import fill

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import nn

# torchvision's own files have these
_OLD_DENSENET = re.compile(r"(denselayer\d+\.(?:norm|conv))\.([12])(?=\.)")


def load(body: nn.Module, name: str, tensors: Mapping[str, torch.Tensor], source: str) -> None:
    """Put tensors of a file, called `source` in an error, into a body that `empty_body` made of `name`, in place."""
    in_chans, size, _ = body.input_shape  # ty: ignore[not-iterable]
    tensors = {_OLD_DENSENET.sub(r"\1\2", key): tensor for key, tensor in tensors.items()}
    try:
        fill(body, tensors, source, in_chans)
    except BadInputError as error:
        try:
            fill(body, _by_library(body, name, tensors, size), source, in_chans)
        except BadInputError:
            raise BadInputError(f"{error}{_other_library(name, tensors)}") from error


def _by_library(
    body: nn.Module, name: str, tensors: dict[str, torch.Tensor], size: int
) -> dict[str, torch.Tensor]:
    """Position embeddings resampled for the body's size, and names of older files brought up to date."""
    try:
        if name.startswith(f"{TORCHVISION}vit_"):
            from torchvision.models.vision_transformer import interpolate_embeddings

            return dict(interpolate_embeddings(size, body.patch_size, dict(tensors)))  # ty: ignore[invalid-argument-type]
        rule = getattr(sys.modules[type(body).__module__], "checkpoint_filter_fn", None)
        return dict(rule(dict(tensors), body)) if rule else tensors
    except Exception:  # noqa: BLE001 - such a rule raises anything for tensors that are not its own
        return tensors


def _other_library(name: str, tensors: Mapping[str, torch.Tensor]) -> str:
    """A hint, if the model of this name in the other library has these names for its tensors."""
    base = name.removeprefix(TORCHVISION).partition(".")[0]
    if not (timm.is_model(base) and base in torchvision_names()):
        return ""
    other = base if name.startswith(TORCHVISION) else TORCHVISION + base
    with torch.random.fork_rng(devices=[]):
        wanted = empty_body(other, native_size(other)).state_dict()
    if any(key not in tensors or tensors[key].shape != tensor.shape for key, tensor in wanted.items()):
        return ""
    return f" Its names are those of the other library: use arch={other!r}."
