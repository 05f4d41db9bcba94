"""One file for a trained learner: safetensors, with JSON metadata in its header. Nothing in it can be executed."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

import safetensors.torch
import torch

from bearwidgets.data.output import check_output, write_output
from bearwidgets.data.workspace import resolved
from bearwidgets.errors import BadInputError, MissingFileError
from bearwidgets.learn import tensor_file
from bearwidgets.learn.input.preprocessing import Preprocessing
from bearwidgets.learn.network import bodies, lite, model
from bearwidgets.learn.network.bodies import OWN, BodySource, Origin
from bearwidgets.learn.network.libraries import timm, torchvision
from bearwidgets.learn.network.network_heads import mlp_head
from bearwidgets.learn.saved.metadata_schema import check_metadata

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import nn

ENDINGS = (".bw", ".safetensors", "")
KEY = "bearwidgets"  # of our metadata in the header of the file
SLACK = 5_000_000  # numbers that a network may have beside those of the file, before anything is made of it
STARTS = {
    b"<": "a web page: the download failed or needs a login",
    b"PK": "a zip archive, such as torch.save writes",
    b"\x80": "a pickle, which could run code",
    b"\x1f\x8b": "a compressed archive",
    b"\x89HDF": "an HDF5 file",
    b"{": "JSON",
}


def write(path: Path, module: nn.Module, metadata: Mapping[str, Any]) -> Path:
    """Write atomically: the old file stays until the new one is whole."""
    path, tensors = check_output(path, ENDINGS), module.state_dict()
    if broken := _not_finite(tensors):
        raise BadInputError(
            f"The learner holds weights that are not finite (in {broken!r}): its training went wrong. Nothing was "
            "saved; train again with a lower rate."
        )
    plain, header = tensor_file.packed(tensors, KEY, json.dumps(metadata, allow_nan=False))
    return write_output(path, safetensors.torch.save(plain, metadata=header), "The learner")


def load(
    path: Path, network: model.Classifier | None = None
) -> tuple[dict[str, Any], model.Classifier, BodySource, Preprocessing]:
    """Metadata, network, where its weights came from, and preprocessing of a file that `write` made.

    A `network` is filled with the weights and given back; it is needed where the file was made from a module of one's
    own. `BadInputError` is raised for another file, a broken or a changed one, an architecture that is not known
    here, and tensors that are not those of the architecture.
    """
    metadata, tensors = read(path)
    if network is None:
        network = _empty_network(metadata, tensors, path.name)
    fill(network, tensors, path)
    return metadata, network, _source(metadata), Preprocessing.from_metadata(metadata["preprocessing"])


def read(path: Path) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    """Metadata, checked and in the present format, and tensors of a file that `write` made."""
    path = resolved(path)
    if not path.is_file():
        raise MissingFileError(f"No file at {str(path)!r}; expected one that `learn.save` wrote.")
    try:
        metadata, tensors = tensor_file.read(path, KEY)
    except ValueError as error:
        why = _kind(path) or error
        raise BadInputError(
            f"{path.name} is not a file that `learn.save` wrote, or it is broken ({why}). It was not executed."
        ) from error
    return check_metadata(metadata, path.name), tensors


def fill(module: nn.Module, tensors: Mapping[str, torch.Tensor], path: Path) -> None:
    """Put the tensors into the network, in place: all of them, each where it belongs."""
    wanted = module.state_dict()
    if lacking := [name for name in wanted if name not in tensors]:
        raise BadInputError(_another(path, f"lacks {len(lacking)} of {len(wanted)} tensors", lacking[0]))
    if strange := [name for name in tensors if name not in wanted]:
        raise BadInputError(_another(path, f"has {len(strange)} tensors too many", strange[0]))
    for name, tensor in wanted.items():
        found = tensors[name]
        if (found.shape, found.dtype) != (tensor.shape, tensor.dtype):
            what = f"has {_shape(found)} where {_shape(tensor)} is needed"
            raise BadInputError(_another(path, what, name))
    if broken := _not_finite(tensors):
        raise BadInputError(
            f"{path.name} holds weights that are not finite (in {broken!r}): the training went wrong, or the file "
            "was changed. Take another file."
        )
    module.load_state_dict(dict(tensors))


def _empty_network(
    metadata: dict[str, Any], tensors: Mapping[str, torch.Tensor], name: str
) -> model.Classifier:
    """The network that metadata name, with random weights."""
    arch, preprocessing = metadata["timm"], Preprocessing.from_metadata(metadata["preprocessing"])
    if arch == OWN or metadata["head"] in ("none", "own"):
        raise BadInputError(
            f"{name} was made from a module of one's own, which only its own code can build; build it, and load with "
            "`Learner.load(path, module=module)`."
        )
    if (arch, metadata["head"], preprocessing.channels) == (lite.BOTH, "mean", 3):
        with torch.random.fork_rng(devices=[]):
            pair = lite.LitePair(*map(lite.EfficientNetLite, lite.SIZES)).eval()
        body = bodies.noted(pair, 2 * lite.FEATURES, 3, metadata["size"])
        return model.with_head(body, len(metadata["classes"]), 0, "mean")
    try:
        bodies.resolve_arch(arch)
    except BadInputError as error:
        raise BadInputError(
            f"{name} needs the architecture {arch!r}, unknown to timm {timm.__version__} and torchvision "
            f"{torchvision.__version__}: update them, or take another file."
        ) from error
    if _numbers_of(arch) > 2 * sum(tensor.numel() for tensor in tensors.values()) + SLACK:
        raise BadInputError(_another(name, f"is far too small for {arch!r}", next(iter(tensors), "")))
    with torch.random.fork_rng(devices=[]):
        body = bodies.empty_body(
            arch, metadata["size"], in_chans=preprocessing.channels, pool=metadata["pool"]
        ).eval()
        features, classes = model.width(body), len(metadata["classes"])
        head = mlp_head(features, classes) if metadata["head"] == "mlp" else None
        return model.Classifier(body, features, classes, head)


def _numbers_of(arch: str) -> int:
    """How many numbers a network holds, found out without making them; 0 where that cannot be done."""
    # not every architecture can be made of nothing
    with contextlib.suppress(Exception), torch.device("meta"):
        if arch.startswith(bodies.TORCHVISION):
            network = torchvision.models.get_model(arch.removeprefix(bodies.TORCHVISION), weights=None)
        else:
            network = timm.create_model(arch, num_classes=0)
        return sum(tensor.numel() for tensor in network.state_dict().values())
    return 0


def _source(metadata: Mapping[str, Any]) -> BodySource:
    arch, fields = metadata["timm"], metadata["source"]
    if fields is None:  # a file of an older version, which has words only
        return BodySource(arch, Origin.NOTED, metadata["weights"], metadata["licence"])
    origin, tag = Origin(fields["origin"]), fields["tag"] or ""
    return BodySource(arch, origin, tag, fields["license"], tuple(fields["stages"]))


def _another(path: Path | str, what: str, tensor: str) -> str:
    name = path if isinstance(path, str) else path.name
    return (
        f"{name} {what} (first: {tensor[:80]!r}): its tensors belong to another architecture than its metadata say, "
        "or the file was changed."
    )


def _shape(tensor: torch.Tensor) -> str:
    return f"{str(tensor.dtype).removeprefix('torch.')} {tuple(tensor.shape)}"


def _not_finite(tensors: Mapping[str, torch.Tensor]) -> str | None:
    """Name of the first tensor that holds nan or infinity."""
    return next((name for name, tensor in tensors.items() if not bool(torch.isfinite(tensor).all())), None)


def _kind(path: Path) -> str | None:
    """What a foreign file is, by its first bytes."""
    try:
        with path.open("rb") as file:
            head = file.read(8).lstrip(b"\xef\xbb\xbf \t\r\n")
    except OSError:
        return None
    return next((what for start, what in STARTS.items() if head.startswith(start)), None)
