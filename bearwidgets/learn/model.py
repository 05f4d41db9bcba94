"""The network: a timm body that turns pictures into features, and a linear head that turns those into logits."""

from __future__ import annotations

import copy
import hashlib
import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import timm
import torch
from timm.data.config import resolve_data_config
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from bearwidgets.errors import BadInputError
from bearwidgets.learn import weights as weights_module
from bearwidgets.learn.preprocessing import Preprocessing


class Classifier(nn.Module):
    """Body and linear head; `forward` takes normalised pictures (n, 3, h, w) and gives logits (n, classes)."""

    def __init__(self, body: nn.Module, features: int, classes: int) -> None:
        super().__init__()
        self.body = body
        self.head = nn.Linear(features, classes)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Logits (n, classes)."""
        return self.head(self.body(pictures))


@dataclass(frozen=True)
class BodySource:
    """What a body was made of: its timm name, and the words for where its weights came from."""

    arch: str
    weights: str


def create_body(
    arch: str, weights: str | Path | None, size: int, seed: int
) -> tuple[nn.Module, int, BodySource, Preprocessing]:
    """A timm body without its classifier, in evaluation mode; with its number of features.

    Args:
        arch: any timm name, or `efficientnet_lite0`.
        weights: `"auto"` (the offline package for EfficientNet-Lite0, timm's download for others), `"offline"`,
            a file of tensors, or None for random ones drawn from `seed`.
        size: side of the square input, px.
        seed: used for random weights only; the global generator is left as it was.

    Raises:
        BadInputError: an unknown architecture, weights of another one, or weights that cannot be had.
    """
    if not isinstance(size, int) or size < 32:
        raise BadInputError(
            f"size is {size!r}; allowed is a whole number of pixels from 32 on, for example 224."
        )
    name = weights_module.resolve_arch(arch)
    offline = weights == "offline" or (weights == "auto" and name == weights_module.OFFLINE_ARCH)
    if weights == "offline" and name != weights_module.OFFLINE_ARCH:
        raise BadInputError(f"No offline weights for {arch!r}. Allowed: {weights_module.CHOICES}.")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        body = _downloaded(name, size) if weights == "auto" and not offline else empty_body(name, size)
    if offline:
        tensors, source = weights_module.offline_weights(), "ImageNet, offline"
        body.load_state_dict(weights_module.matching(tensors, body.state_dict(), "The offline file"))
    elif weights == "auto":
        source = "ImageNet, timm"
    elif weights is None:
        source = "random"
    else:
        tensors, source = weights_module.read_weights_file(weights), Path(weights).name
        body.load_state_dict(weights_module.matching(tensors, body.state_dict(), source))
    config = resolve_data_config(model=body)
    preprocessing = Preprocessing(size, tuple(config["mean"]), tuple(config["std"]), config["interpolation"])
    return body.eval(), width(body), BodySource(name, source), preprocessing


def width(body: nn.Module) -> int:
    """How many features a timm body gives: more than its last map has where layers follow the pooling."""
    return int(getattr(body, "head_hidden_size", None) or body.num_features)  # ty: ignore[invalid-argument-type]


def empty_body(name: str, size: int, *, pretrained: bool = False) -> nn.Module:
    """A timm body for pictures of `size` px; a transformer's grid of patches is made for that size."""
    config = timm.get_pretrained_cfg(name)
    grid: dict[str, Any] = {"img_size": size} if config is not None and config.fixed_input_size else {}
    return timm.create_model(name, pretrained=pretrained, num_classes=0, **grid)


def _downloaded(name: str, size: int) -> nn.Module:
    try:
        return empty_body(name, size, pretrained=True)
    except (OSError, RuntimeError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0][:160]
        raise BadInputError(
            f"No pretrained weights for {name!r} could be had: neither cached nor downloaded ({reason}). "
            f"Allowed: {weights_module.CHOICES}."
        ) from error


def fingerprint(module: nn.Module) -> str:
    """Hex hash of a module's tensors: equal weights, equal fingerprint."""
    digest = hashlib.blake2b(digest_size=12)
    for name, tensor in module.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def for_inference(body: nn.Module, precision: torch.dtype, size: int) -> nn.Module:
    """A copy of `body` for evaluation only, with batch norms folded into the convolutions before them.

    In evaluation mode a batch norm is a linear map, so folding is exact up to rounding and halves the time on a
    CPU. Which convolution feeds which norm is read off the order of the children; a picture of noise through both
    networks proves the reading, and where it was wrong the body is left as it is.
    """
    plain = copy.deepcopy(body).eval()
    folded = _fold_norms(copy.deepcopy(plain))
    device = next(plain.parameters()).device
    noise = torch.rand(1, 3, size, size, generator=torch.Generator().manual_seed(0)).to(device) * 2 - 1
    with torch.inference_mode():
        wanted, got = plain(noise), folded(noise)
    chosen = (
        folded if torch.allclose(wanted, got, rtol=1e-3, atol=1e-3 * float(wanted.abs().max())) else plain
    )
    return chosen.to(precision).to(memory_format=torch.channels_last)


def _fold_norms(body: nn.Module) -> nn.Module:
    for module in list(body.modules()):
        children = list(module.named_children())
        for (name, convolution), (norm_name, norm) in itertools.pairwise(children):
            if not (isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d)):
                continue
            if convolution.out_channels == norm.num_features and norm.track_running_stats:
                setattr(module, name, fuse_conv_bn_eval(convolution, norm))
                setattr(module, norm_name, getattr(norm, "act", nn.Identity()))
    return body


def fast_precision(device: torch.device) -> torch.dtype:
    """bfloat16 where the processor has instructions for it, else float32."""
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    has = getattr(torch.cpu, "get_capabilities", dict)()
    return torch.bfloat16 if has.get("avx512_bf16") or has.get("amx_bf16") else torch.float32
