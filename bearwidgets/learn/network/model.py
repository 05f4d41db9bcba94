"""The network: a body that turns images into features, a head that turns those into logits; by name, or a module."""

from __future__ import annotations

import copy
import itertools
from dataclasses import replace
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from bearwidgets.errors import BadInputError, MissingFileError, check_whole, unknown_name
from bearwidgets.learn import tensor_file
from bearwidgets.learn.network import downloads, lite
from bearwidgets.learn.network.bodies import (
    TORCHVISION,
    BodySource,
    Origin,
    empty_body,
    noted,
    preprocessing_for,
    pretrained_timm_body,
    resolve_arch,
)
from bearwidgets.learn.network.libraries import timm
from bearwidgets.learn.network.network_heads import MeanHead, alike, mlp_head, noise, take_off_head
from bearwidgets.learn.network.weights import CHOICES, OFFLINE, load, offline_weights, read_weights_file

if TYPE_CHECKING:
    from bearwidgets.learn.input.preprocessing import Preprocessing

POOLS = ("avg", "catavgmax")
# what goes together with quality="best"
_OF_BEST: dict[str, tuple[object, ...]] = {
    "arch": ("efficientnet_lite0",),
    "weights": ("auto", "offline"),
    "head": ("linear",),
    "in_chans": (3,),
}


class Classifier(nn.Module):
    """Body and head; `forward` takes normalized images (n, bands, h, w) and gives logits (n, classes).

    The head is a new linear layer by default; it is an Identity for a body that gives logits itself.
    """

    def __init__(self, body: nn.Module, features: int, classes: int, head: nn.Module | None = None) -> None:
        super().__init__()
        self.body = body
        self.head = nn.Linear(features, classes) if head is None else head

    @property
    def splits(self) -> bool:
        """Whether the features stand before the head, so that a head can be trained on them alone."""
        return not isinstance(self.head, nn.Identity)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits (n, classes)."""
        return self.head(self.body(images))


def create_body(
    arch: str, weights: str | Path | None, size: int, seed: int, *, in_chans: int = 3, pool: str = "avg"
) -> tuple[nn.Module, int, BodySource, Preprocessing]:
    """A body without its classifier, in evaluation mode; its number of features, its source and its preprocessing.

    Arguments are those of `Learner`; `pool` is as of `empty_body`. The seed is for random weights only, the global
    generator is left as it was; the first layer's pretrained weights are adapted to other bands as timm does it.
    """
    check_input(size, in_chans)
    if pool not in POOLS:
        raise BadInputError(unknown_name("pool", pool, POOLS))
    name = resolve_arch(arch)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        body, source = _with_weights(arch, name, weights, size, in_chans, pool)
    preprocessing = preprocessing_for(name, body, size, in_chans)
    return body, width(body), source, preprocessing


def create_best(size: int, **given: object) -> tuple[nn.Module, int, BodySource, Preprocessing]:
    """As `create_body`, of both offline networks: features side by side. `given` are options of `Learner`.

    Raises:
        BadInputError: one of them is of a single network.
        MissingFileError: the package of one of the two is not installed.
    """
    for name, value in given.items():
        if value not in _OF_BEST[name]:
            raise BadInputError(
                f"quality='best' is the mean of EfficientNet-Lite0 and Lite2 with their offline weights, each with a "
                f"linear head, on color images; {name} is {value!r}. Leave {name} out, or leave quality out."
            )
    made = [create_body(name, "offline", size, 0) for name in lite.SIZES]
    (first, _, source, preprocessing), (second, *_) = made
    body = noted(lite.LitePair(first, second).eval(), 2 * lite.FEATURES, 3, size)
    return body, width(body), replace(source, arch=lite.BOTH), preprocessing


def with_head(body: nn.Module, classes: int, seed: int, kind: str) -> Classifier:
    """A body and a new head: "linear", "mlp" (see `mlp_head`), or "mean" (see `MeanHead`)."""
    features = width(body)
    if kind == "mlp":
        return Classifier(body, features, classes, mlp_head(features, classes, seed=seed))
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return Classifier(body, features, classes, MeanHead(features, classes) if kind == "mean" else None)


def check_input(size: int, in_chans: int) -> None:
    """Refuse images that no network takes."""
    check_whole("size", size, 32, of=" of pixels", like=", for example 224")
    check_whole("in_chans", in_chans, 1, of=" of bands", like=", for example 3")


def check_seed(seed: object) -> None:
    """Refuse what is no seed."""
    check_whole("seed", seed, 0, 2**32 - 1, kind=Integral)


def _with_weights(
    arch: str, name: str, weights: str | Path | None, size: int, in_chans: int, pool: str
) -> tuple[nn.Module, BodySource]:
    """A body, and where its weights came from."""
    if weights == "auto" and name not in OFFLINE:
        return _downloaded(name, size, in_chans, pool)
    if weights == "offline" and name not in OFFLINE:
        raise BadInputError(f"No offline weights for {arch!r}. Allowed: {CHOICES}.")
    if weights in ("auto", "offline"):
        try:
            tensors, source = offline_weights(name), BodySource(name, Origin.OFFLINE, license="Apache-2.0")
        except MissingFileError:
            if weights == "offline":
                raise
            return _downloaded(name, size, in_chans, pool)
    elif isinstance(weights, (str, Path)):
        tensors, source = read_weights_file(weights), BodySource(name, Origin.FILE, Path(weights).name)
    elif weights is None:
        tensors, source = {}, BodySource(name, Origin.RANDOM)
    else:
        raise BadInputError(f"weights is {weights!r}; allowed are 'auto', {CHOICES}.")
    if source.origin is Origin.OFFLINE and in_chans == 3 and pool == "avg":
        body = noted(lite.EfficientNetLite(name).eval(), lite.FEATURES, in_chans, size)
    else:
        body = empty_body(name, size, in_chans=in_chans, pool=pool)
    if source.origin is Origin.RANDOM:
        return body, source
    load(body, name, tensors, source.weights)
    return body, source


def _downloaded(name: str, size: int, in_chans: int, pool: str) -> tuple[nn.Module, BodySource]:
    if name.startswith(TORCHVISION):
        tensors, tag = downloads.torchvision_tensors(name.removeprefix(TORCHVISION))
        body = empty_body(name, size, in_chans=in_chans, pool=pool)
        load(body, name, tensors, f"The file of {name!r}")
        return body, BodySource(name, Origin.TORCHVISION, tag)
    content, tag = downloads.timm_content(name)
    config = timm.get_pretrained_cfg(name)
    body = pretrained_timm_body(content, name, size, in_chans, pool)
    return body, BodySource(name, Origin.TIMM, tag, config.license if config is not None else None)


def width(body: nn.Module) -> int:
    """How many features a body gives, as noted on it; a body made by timm itself says it in its own way."""
    noted = getattr(body, "feature_width", None) or getattr(body, "head_hidden_size", None)
    return int(noted or body.num_features)  # ty: ignore[invalid-argument-type]


def fingerprint(module: nn.Module) -> str:
    """Hex hash of a module's tensors: equal weights, equal fingerprint."""
    return tensor_file.fingerprint(module.state_dict())


def for_inference(body: nn.Module, precision: torch.dtype, size: int, in_chans: int = 3) -> nn.Module:
    """A copy of `body` for evaluation only, with batch norms folded into the convolutions before them.

    In evaluation mode a batch norm is a linear map, so folding is exact up to rounding and halves the time on a
    CPU. Which convolution feeds which norm is read off the order of the children; an image of noise through both
    networks proves the reading, and where it was wrong the body is left as it is.
    """
    plain = copy.deepcopy(body).eval()
    folded = _fold_norms(copy.deepcopy(plain))
    images = noise(1, in_chans, size).to(next(plain.parameters()).device)
    with torch.inference_mode():
        wanted, got = plain(images), folded(images)
    right = torch.allclose(wanted, got, rtol=1e-3, atol=1e-3 * float(wanted.abs().max()))
    return (folded if right else plain).to(precision).to(memory_format=torch.channels_last)


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


def split_module(module: nn.Module, n_classes: int, size: int, in_chans: int = 3) -> Classifier:
    """A classifier out of any network that takes images to logits (n, n_classes); the network itself stays as it is.

    Its last linear layer becomes the head, if an image of noise proves that nothing but this layer stands between
    features and logits. Else the whole is the body, and `splits` is False. What gives no such logits is refused.
    """
    if not isinstance(module, nn.Module):
        raise BadInputError(f"{type(module).__name__} is no network; allowed is a torch.nn.Module.")
    check_input(size, in_chans)
    module = getattr(module, "_orig_mod", module)  # what torch.compile was given
    try:
        body = copy.deepcopy(module.module if isinstance(module, nn.DataParallel) else module)
    except Exception as error:  # what a foreign module holds may refuse in any way
        raise BadInputError(
            f"The module cannot be copied ({error}); give one that copy.deepcopy takes."
        ) from error
    body = body.float().eval()
    device = next(body.parameters(), torch.zeros(1)).device
    images = noise(2, in_chans, size).to(device)
    # some give more than logits in training mode
    _logits(copy.deepcopy(body).train(), images, n_classes, 0)
    logits = _logits(body, images, n_classes, 0)
    head = take_off_head(body, images, n_classes)
    features = head.in_features if head is not None else n_classes
    body = noted(body, features, in_chans, size)
    network = Classifier(body, features, n_classes, nn.Identity() if head is None else head).eval()
    if not alike(_logits(network, images, n_classes, 1), logits):
        raise BadInputError(
            "The module gives other logits each time, even in evaluation mode; make it deterministic after .eval()."
        )
    return network


def _logits(module: nn.Module, images: torch.Tensor, n_classes: int, seed: int) -> torch.Tensor:
    """What the module gives for images, if these are logits; `seed` is for what is random inside it."""
    shape = tuple(images.shape)
    mode = "training" if module.training else "evaluation"
    try:
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            torch.default_generator.manual_seed(seed)
            logits = module(images)
    except Exception as error:  # a foreign module raises what it likes
        raise BadInputError(
            f"The module cannot work on images of shape {shape} ({error}) in {mode} mode; give the size and the "
            "in_chans it was made for."
        ) from error
    if not isinstance(logits, torch.Tensor):
        raise BadInputError(
            f"The module gives a {type(logits).__name__} in {mode} mode; allowed is one tensor of logits "
            f"(n, {n_classes}). Switch its further outputs off (as `aux_logits=False` does), or put it into a module "
            "that returns the logits alone."
        )
    if logits.shape != (len(images), n_classes):
        raise BadInputError(
            f"The module gives a tensor of shape {tuple(logits.shape)} for {shape}; for {n_classes} classes it has "
            f"to be {(len(images), n_classes)}. Give its last layer as many outputs as there are classes."
        )
    if not torch.isfinite(logits).all():
        raise BadInputError(
            "The module gives numbers that are not finite for images of noise; check its weights."
        )
    if n_classes > 1 and (logits >= 0).all() and torch.allclose(logits.sum(1), torch.ones(1).to(logits)):
        raise BadInputError(
            "The module gives probabilities; logits are needed. Take the softmax at its end away: it is part of the "
            "loss."
        )
    return logits
