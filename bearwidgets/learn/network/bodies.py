"""Bodies: networks of timm and torchvision without their classifiers, and where their weights came from."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

import torch
from torch import nn

from bearwidgets.errors import BadInputError, unknown_name
from bearwidgets.learn.input.preprocessing import Preprocessing
from bearwidgets.learn.network import lite
from bearwidgets.learn.network.libraries import timm, torchvision
from bearwidgets.learn.network.network_heads import noise, take_off_head

OWN = "own module"  # in the place of an architecture's name, for a network that no name rebuilds
_IMAGENET = (
    "ImageNet's images come with terms for non-commercial research; whether these bind weights that were trained on "
    "them is not settled."
)
OFFLINE_ARCH = lite.LITE0  # of the weights that are always there
ALIASES = {name.removeprefix("tf_"): name for name in lite.SIZES}
TORCHVISION = "torchvision/"
_IMAGENET_CLASSES = 1000
_HALVES = (0.5, 0.5, 0.5)
# one output only, and no change of the input that a file would not tell of
_PLAIN: dict[str, Any] = {"aux_logits": False, "init_weights": True, "transform_input": False}
_OPTIONS = dict.fromkeys(("googlenet", "inception_v3"), _PLAIN)


class Origin(Enum):
    """Who made the weights that a body started from."""

    RANDOM = "random"
    OFFLINE = "offline"
    TIMM = "timm"
    TORCHVISION = "torchvision"
    FILE = "file"
    OWN = "own"
    NOTED = "noted"  # a file of an older version says it in words only


@dataclass(frozen=True)
class BodySource:
    """What a body was made of."""

    arch: str  # timm's name or `torchvision/…`; `OWN` for a module of the user's
    origin: Origin
    tag: str = ""  # of timm or torchvision, or the name of the file
    license: str | None = None  # as whoever made the weights states it; None where nothing is stated
    stages: tuple[int, ...] = ()  # numbers of classes that the body was trained on since, one after another

    @property
    def is_pretrained(self) -> bool:
        """Whether somebody trained the weights before, as far as is known."""
        return self.origin not in (Origin.RANDOM, Origin.OWN)

    @property
    def weights(self) -> str:
        """Where the weights came from, in words."""
        start = {
            Origin.RANDOM: "random",
            Origin.OFFLINE: "ImageNet, offline",
            Origin.OWN: "a module of one's own",
            Origin.TIMM: f"{self.tag}, timm",
            Origin.TORCHVISION: f"{self.tag}, torchvision",
        }.get(self.origin, self.tag)
        return ", then ".join([start, *(f"{each} classes" for each in self.stages)])

    @property
    def license_note(self) -> str:
        """What is known of the license of the weights, in words."""
        name = self.arch
        return {
            Origin.OWN: "Started from a network of one's own; its license is not known here.",
            Origin.RANDOM: "No foreign weights: trained from random ones.",
            Origin.OFFLINE: f"Started from {_in_full(name)} ({self.license}), trained on ImageNet. {_IMAGENET}",
            Origin.TIMM: f"Started from timm's weights of {name} (license by timm: {self.license or 'not stated'}). "
            + _IMAGENET,
            Origin.TORCHVISION: f"Started from torchvision's weights of {name}; torchvision states no license. "
            + _IMAGENET,
            Origin.FILE: f"Started from weights of {self.tag!r}, whose license is not known here: look where they "
            "came from.",
            Origin.NOTED: self.license or "Not noted in the file that this learner was loaded from.",
        }[self.origin]

    def then(self, classes: int) -> BodySource:
        """The same after a training on so many classes."""
        return replace(self, stages=(*self.stages, classes))


def _in_full(name: str) -> str:
    """The offline networks of a name as their makers write them."""
    return " and ".join(f"EfficientNet-Lite{each[-1]}" for each in name.split("+"))


class _Unversioned(nn.Module):
    """Takes tables of tensors without the version that torchvision's own asks for: files do not keep it."""

    def _load_from_state_dict(self, *args: Any, **options: Any) -> None:
        nn.Module._load_from_state_dict(self, *args, **options)  # noqa: SLF001 - as its class does once the version is right


def torchvision_names() -> list[str]:
    """Torchvision's classifiers of images."""
    return torchvision.models.list_models(module=torchvision.models)


def resolve_arch(arch: str) -> str:
    """The full name of `arch`: timm's, or `torchvision/…` for one that only torchvision has or that was given so."""
    if not isinstance(arch, str):
        raise BadInputError(f"arch is {arch!r}; allowed is the name of a model, for example 'resnet18'.")
    if ALIASES.get(arch, arch) in lite.SIZES:
        return ALIASES.get(arch, arch)  # without a look into timm, which takes long to load
    ours = torchvision_names()
    if arch.startswith(TORCHVISION):
        if (name := arch.removeprefix(TORCHVISION)) not in ours:
            raise BadInputError(unknown_name("architecture", name, ours, "in torchvision"))
        return arch
    name = ALIASES.get(arch, arch)
    base, _, tag = name.partition(".")
    if timm.is_model(base):
        tags = [each.partition(".")[2] for each in timm.list_pretrained(f"{base}.*")]
        if tag and tag not in tags:
            raise BadInputError(unknown_name("pretrained tag", tag, tags, f"of {base!r}"))
        return name
    if name in ours:
        return TORCHVISION + name
    known = dict.fromkeys([*ALIASES, *timm.list_models(), *ours])
    near = difflib.get_close_matches(name, known, n=4, cutoff=0.5)
    hint = f" Did you mean {', '.join(map(repr, near))}?" if near else ""
    raise BadInputError(
        f"No architecture {arch!r}; any name of timm (timm.list_models()) or of torchvision "
        f"(torchvision.models.list_models()) is allowed.{hint}"
    )


def usual_size(arch: str) -> int:
    """Side of the images, px, where none is asked for: what an offline network was made for, 224 for any other."""
    return lite.SIZES.get(resolve_arch(arch), 224)


def empty_body(name: str, size: int, *, in_chans: int = 3, pool: str = "avg", **options: Any) -> nn.Module:
    """A body with random weights from the global generator, in evaluation mode.

    `name` is as `resolve_arch` gives it; a transformer's grid of patches is made for `size`. pool="catavgmax" gives
    mean and maximum, twice the features. Further options are those of timm.
    """
    try:
        if name.startswith(TORCHVISION):
            body = _torchvision_body(name.removeprefix(TORCHVISION), size, in_chans, pool)
        else:
            body = _timm_body(name, size, in_chans, pool, **options)
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            width = _width_of(body(noise(1, in_chans, size)), body, pool)
    except Exception as error:  # each architecture says in its own way what does not suit it
        reason = (str(error).splitlines() or [""])[0][:160] or type(error).__name__
        bands = f", {in_chans} bands" if in_chans != 3 else ""
        pooling = f", pool={pool!r}" if pool != "avg" else ""
        raise BadInputError(
            f"{name!r} cannot be had for {size} px{bands}{pooling} ({reason}). "
            f"It was made for {native_size(name)} px, 3 bands and pool='avg'."
        ) from error
    return noted(body, width, in_chans, size)


def _timm_body(name: str, size: int, in_chans: int, pool: str, **options: Any) -> nn.Module:
    config = timm.get_pretrained_cfg(name)
    if config is not None and config.fixed_input_size:
        options["img_size"] = size
    if pool != "avg":
        options["global_pool"] = pool
    return timm.create_model(name, num_classes=0, in_chans=in_chans, **options).eval()


def pretrained_timm_body(
    content: dict[str, Any], name: str, size: int, in_chans: int, pool: str
) -> nn.Module:
    """A timm body with the weights of timm's own file, which timm itself fits to size and bands."""
    overlay = {"state_dict": content}
    body = empty_body(
        name, size, in_chans=in_chans, pool=pool, pretrained=True, pretrained_cfg_overlay=overlay
    )
    vars(body)["pretrained_cfg"].pop("state_dict")  # or all weights would be kept twice
    return body


def _torchvision_body(name: str, size: int, in_chans: int, pool: str) -> nn.Module:
    if pool != "avg":
        raise ValueError("only networks of timm have other poolings")
    options = dict(_OPTIONS.get(name, {}))
    if name.startswith("vit_"):
        options["image_size"] = size
    if name.startswith("maxvit"):
        options["input_size"] = (size, size)
    module = torchvision.models.get_model(name, weights=None, **options).eval()
    if isinstance(module, torchvision.models.MNASNet):
        module.__class__ = type("MNASNet", (_Unversioned, type(module)), {})
    if in_chans != 3:
        _replace_first_convolution(module, in_chans)
    if name.startswith("squeezenet"):
        module.classifier = nn.AdaptiveAvgPool2d(1)  # in the place of a convolution
        return module
    images = noise(2, in_chans, size)
    with torch.no_grad():
        module(images)  # a size that does not suit it shows here
    if take_off_head(module, images, _IMAGENET_CLASSES) is None:
        raise ValueError("its classifier is not a linear layer on features")
    return module


def _replace_first_convolution(module: nn.Module, in_chans: int) -> None:
    """Random weights for other bands, so large that what comes out varies as much as before."""
    name, old = next((name, each) for name, each in module.named_modules() if isinstance(each, nn.Conv2d))
    shape = (in_chans, old.out_channels, old.kernel_size)
    new = nn.Conv2d(*shape, old.stride, old.padding, bias=old.bias is not None)
    with torch.no_grad():
        nn.init.normal_(new.weight, 0.0, float(old.weight.std()) * (3 / in_chans) ** 0.5)
        if old.bias is not None and new.bias is not None:
            new.bias.copy_(old.bias)
    parent, _, last = name.rpartition(".")
    setattr(module.get_submodule(parent), last, new)


def _width_of(features: torch.Tensor, body: nn.Module, pool: str) -> int:
    if features.ndim != 2:
        raise ValueError(f"it gives features of shape {tuple(features.shape)}, not (n, features)")
    if pool != "avg" and features.shape[1] != 2 * int(body.num_features):  # ty: ignore[invalid-argument-type]
        raise ValueError("layers that need the plain mean follow its pooling")
    return features.shape[1]


def noted(body: nn.Module, features: int, in_chans: int, size: int) -> nn.Module:
    """The body, with its number of features and the shape of its images noted on it."""
    vars(body).update(feature_width=int(features), input_shape=(in_chans, size, size))
    return body


def native_size(name: str) -> int:
    """Side of the images, px, that a body's pretrained weights were made for."""
    if name.startswith(TORCHVISION):
        return int(_torchvision_values(name).crop_size[0])
    config = timm.get_pretrained_cfg(name)
    return int(config.input_size[1]) if config is not None else 224


def preprocessing_for(name: str, body: nn.Module, size: int, in_chans: int = 3) -> Preprocessing:
    """What the pretrained weights of a body are used to: their mean, deviation and interpolation, for these bands.

    One band has the mean over red, green and blue; more bands than three repeat these.
    """
    if name.startswith(TORCHVISION):
        values = _torchvision_values(name)
        mean, std, interpolation = values.mean, values.std, values.interpolation.value
        if name.removeprefix(TORCHVISION) in _OPTIONS:  # the change of the input that was switched off
            mean = std = _HALVES
    elif isinstance(body, lite.EfficientNetLite):
        mean, std, interpolation = lite.MEAN, lite.STD, lite.INTERPOLATION
    else:
        config = timm.data.config.resolve_data_config(model=body)
        mean, std, interpolation = config["mean"], config["std"], config["interpolation"]
    bands = _for_bands(mean, in_chans), _for_bands(std, in_chans)
    return Preprocessing(size, *bands, interpolation, in_chans=in_chans)


def _torchvision_values(name: str) -> Any:
    weights = torchvision.models.get_model_weights(name.removeprefix(TORCHVISION))
    return weights.DEFAULT.transforms()  # ty: ignore[missing-attribute]


def _for_bands(values: tuple[float, ...], in_chans: int) -> tuple[float, ...]:
    if len(values) == in_chans:
        return tuple(values)
    if in_chans == 1:
        return (sum(values) / len(values),)
    return tuple(values[band % len(values)] for band in range(in_chans))
