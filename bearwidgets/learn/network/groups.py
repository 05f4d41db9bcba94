"""Parameters in groups: by depth, for rates that rise towards the head; by kind, for weight decay and norms."""

from __future__ import annotations

import fnmatch
import itertools
import math
from typing import TYPE_CHECKING

import torch
from torch import nn

from bearwidgets.errors import BadInputError, check_whole
from bearwidgets.learn.network.libraries import timm
from bearwidgets.learn.network.model import Classifier

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_NORMS = (
    *(nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm),
    *(nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d),
    *(nn.LayerNorm, nn.GroupNorm, nn.RMSNorm),
)
_TABLES = ("bias", "pos_embed", "position", "_token")  # in the name of a parameter that is no layer's weight
_USUAL_SIZE = 224


def layer_groups(module: nn.Module, n: int = 3) -> list[list[nn.Parameter]]:
    """Parameters in groups by depth: the earliest layers first, the head of a `Classifier` last.

    The body is cut into `n - 1` groups of about as many layers each, its layers in the order that timm's
    `group_matcher` of the architecture gives, or, where there is none, in the order in which a forward pass reaches
    them; what has no head is cut into `n`. Frozen parameters are among them, no group is empty, and a body of too few
    layers gives fewer groups.
    """
    check_whole("n", n, 1, of=" of groups", like=", for example 3")
    body, head = (module.body, module.head) if isinstance(module, Classifier) else (module, nn.Identity())
    last = list(head.parameters())
    known = {id(parameter) for parameter in last}
    layers = [[each for each in layer if id(each) not in known] for layer in _layers(body, n)]
    layers = [layer for layer in layers if layer]
    if not last:
        return _cut(layers, n)
    if n == 1:
        return [[*(parameter for layer in layers for parameter in layer), *last]]
    return [*_cut(layers, n - 1), last]


def _cut(layers: list[list[nn.Parameter]], n: int) -> list[list[nn.Parameter]]:
    n = min(n, len(layers))
    bounds = [(number * len(layers) + n // 2) // n for number in range(n)] + [len(layers)]
    return [
        [parameter for layer in layers[start:end] for parameter in layer]
        for start, end in itertools.pairwise(bounds)
    ]


def _layers(body: nn.Module, wanted: int) -> list[list[nn.Parameter]]:
    """Parameters by layer, in order of depth."""
    matcher = getattr(body, "group_matcher", None)
    if callable(matcher):
        numbers = timm.models.group_parameters(body, matcher(coarse=False), reverse=True)
        if len(set(numbers.values())) >= wanted:
            return _sorted(body, numbers)
    return _by_forward_pass(body)


def _sorted(body: nn.Module, numbers: dict[str, int]) -> list[list[nn.Parameter]]:
    """Parameters by the number of their layer; one that has none goes with the parameter before it."""
    layers: dict[int, list[nn.Parameter]] = {}
    number = 0
    for name, parameter in body.named_parameters():
        number = numbers.get(name, number)
        layers.setdefault(number, []).append(parameter)
    return [layers[number] for number in sorted(layers)]


def _by_forward_pass(body: nn.Module) -> list[list[nn.Parameter]]:
    """Parameters by the module that owns them, modules as an image of noise reaches them.

    A module that is not called itself (as the last layer of an attention) goes with the one registered before it.
    """
    place: dict[int, int] = {}
    for module in _reached(body):
        place.setdefault(id(module), len(place))
    layers: dict[int, list[nn.Parameter]] = {}
    seen: set[int] = set()
    here = 0
    for module in body.modules():
        here = place.get(id(module), here)
        own = [each for each in module.parameters(recurse=False) if id(each) not in seen]
        seen.update(map(id, own))
        if own:
            layers.setdefault(here, []).extend(own)
    return [layers[number] for number in sorted(layers)]


def _reached(body: nn.Module) -> list[nn.Module]:
    """Modules in the order in which a forward pass reaches them; as registered where none can be made."""
    first = next((each for each in body.modules() if isinstance(each, nn.Conv2d)), None)
    guess = (first.in_channels if first else 3, _USUAL_SIZE, _USUAL_SIZE)
    like = next(body.parameters(), torch.zeros(1))
    noise = torch.rand(1, *getattr(body, "input_shape", guess), generator=torch.Generator().manual_seed(0))
    order: list[nn.Module] = []
    hooks = [
        module.register_forward_pre_hook(lambda module, _: order.append(module)) for module in body.modules()
    ]
    modes = [(module, module.training) for module in body.modules()]
    try:
        body.eval()
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            body(noise.to(like))
    except Exception:  # noqa: BLE001 - a foreign module raises what it likes; its own order serves too
        return list(body.modules())
    finally:
        for hook in hooks:
            hook.remove()
        for module, training in modes:
            module.training = training
    return order


def _is_norm(module: nn.Module) -> bool:
    """Torch's norm layers, and those of others (timm has a dozen): by statistics, or by name and plain scales."""
    if isinstance(module, _NORMS) or _statistics(module):
        return True
    named = "norm" in type(module).__name__.lower()
    return named and all(parameter.ndim < 2 for parameter in module.parameters(recurse=False))


def _statistics(module: nn.Module) -> bool:
    return any(getattr(module, name, None) is not None for name in ("running_mean", "running_var"))


def norm_parameters(module: nn.Module) -> list[nn.Parameter]:
    """Parameters of all norm layers: batch, instance, layer, group and RMS norms, torch's, timm's and others'."""
    found = {
        id(parameter): parameter
        for each in module.modules()
        if _is_norm(each)
        for parameter in each.parameters(recurse=False)
    }
    return list(found.values())


def batch_norms(module: nn.Module) -> list[nn.Module]:
    """The layers whose running statistics move in training mode; frozen ones, without a momentum, do not."""
    return [each for each in module.modules() if _statistics(each) and hasattr(each, "momentum")]


def decays(module: nn.Module) -> set[int]:
    """Ids of the parameters that weight decay is for: the weights of layers.

    Not: norms, biases and other parameters of one dimension, tokens, and tables of positions, which are known by
    timm's `no_weight_decay()` and by their names.
    """
    norms = {id(parameter) for parameter in norm_parameters(module)}
    spared = list(_spared(module))
    return {
        id(parameter)
        for name, parameter in module.named_parameters()
        if parameter.ndim > 1
        and id(parameter) not in norms
        and not any(word in name.rpartition(".")[2] for word in _TABLES)
        and not any(fnmatch.fnmatchcase(name, pattern) for pattern in spared)
    }


def _spared(module: nn.Module) -> Iterator[str]:
    """What timm's models say of themselves, or of parts of them, under the names the whole has for it."""
    for prefix, part in module.named_modules():
        if callable(names := getattr(part, "no_weight_decay", None)):
            yield from (f"{prefix}.{name}" if prefix else name for name in names())


def spread_rates(lr: float | slice | Sequence[float], n: int) -> list[float]:
    """Learning rates of `n` layer groups, as `Optimizer.set_hyper` of fastai 2.8 has them.

    `lr` is one rate for all groups; `slice(first, last)`, spread geometrically; `slice(last)`, a tenth of it for all
    groups but the last; or a list of n rates (of one: for all).
    """
    if isinstance(lr, slice):
        if lr.step is not None:
            raise BadInputError(f"lr is {lr}; allowed is slice(first, last) or slice(last), without a step.")
        last = _rate(lr.stop, lr)
        first = last / 10 if lr.start is None else _rate(lr.start, lr)
        if lr.start is None or n == 1:
            return [first] * (n - 1) + [last]
        return [first * (last / first) ** (number / (n - 1)) for number in range(n)]
    rates = [_rate(each, lr) for each in (lr if isinstance(lr, (list, tuple)) else [lr])]
    if len(rates) not in (1, n):
        raise BadInputError(
            f"lr has {len(rates)} rates, but there are {n} layer groups; allowed is one rate, one for each group, "
            "slice(first, last) or slice(last)."
        )
    return rates * n if len(rates) == 1 else rates


def _rate(value: object, whole: object) -> float:
    try:
        rate = float("nan") if isinstance(value, (bool, str)) else float(value)  # ty: ignore[invalid-argument-type]
    except (TypeError, ValueError):
        rate = float("nan")
    if not (math.isfinite(rate) and rate > 0):
        raise BadInputError(
            f"lr is {whole!r}; allowed is a rate above 0, slice(first, last), slice(last) or a list of rates, "
            "for example slice(1e-5, 1e-3)."
        )
    return rate
