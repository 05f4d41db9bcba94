"""The last maps of features inside a network: where they are, and whether the features are their plain mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch.overrides import TorchFunctionMode

from bearwidgets.learn.explain.rollout import Rollout
from bearwidgets.learn.network.network_heads import alike, noise

if TYPE_CHECKING:
    from collections.abc import Collection

    import numpy as np
    from torch import nn

    from bearwidgets.learn.input.preprocessing import Preprocessing


class Seen(NamedTuple):
    """What a network makes of some images."""

    logits: torch.Tensor  # (n, classes)
    features: torch.Tensor  # (n, d)
    maps: torch.Tensor  # (n, channels, rows, columns)


class Network:
    """The network of a learner, ready to be asked what lies between an image and the logits.

    Where a network turns maps (n, channels, rows, columns) into one number for each channel, or lays them out flat,
    is found by watching it at work on noise, so it need not say so; the last such place is taken.

    Attributes:
        body: Normalized images (n, bands, h, w) → features (n, d), float32; in evaluation mode, without gradients of
            its parameters.
        head: Features → logits (n, classes).
        preprocessing: How a file becomes the network's input.
        has_maps: Whether there is such a place; transformers of patches have none.
        is_mean: Whether the features are exactly the mean of the maps over all their places.
        rollout: How its attention carries the patches to the head.
        attends: Whether that can be read.
    """

    def __init__(self, body: nn.Module, head: nn.Module, preprocessing: Preprocessing) -> None:
        size, channels = preprocessing.size, preprocessing.channels
        self.body, self.head, self.preprocessing = (
            body.requires_grad_(requires_grad=False),
            head,
            preprocessing,
        )
        self.device = next(self.body.parameters()).device
        self._wanted: tuple[int, ...] = ()
        self.has_maps = self.is_mean = False
        images = noise(2, channels, size).to(self.device)
        self._find(images)
        self.rollout = Rollout(body, images)
        self.attends = self.rollout.side > 0 and not self.has_maps

    def _find(self, images: torch.Tensor) -> None:
        with torch.inference_mode(), _Watch() as watch:
            features = self.body(images)
        for n in (1, 2):  # of two networks side by side there are two places, one after the other
            places = tuple(watch.kept)[-n:]
            maps = _side_by_side([watch.map(place) for place in places])
            if len(places) == n and maps is not None and _is_mean(maps, features):
                self._wanted, self.has_maps, self.is_mean = places, True, True
                return
        self._wanted = tuple(watch.kept)[-1:]
        self.has_maps = bool(self._wanted)

    def see(self, images: torch.Tensor) -> Seen:
        """Logits, features and maps of normalized images, without gradients."""
        with torch.inference_mode(), _Watch(self._wanted) as watch:
            features = self.body(images)
            return Seen(self.head(features), features, self._maps(watch, features))

    def from_maps(self, images: torch.Tensor) -> tuple[torch.Tensor, list[tuple[torch.Tensor, bool]]]:
        """Logits (n, classes), and the maps as leaves from which gradients reach them; see `channels_first`."""
        with torch.enable_grad(), _Watch(self._wanted, leaves=True) as watch:
            logits = self.head(self.body(images))
        return logits, [watch.kept[place] for place in self._wanted]

    def logits(self, images: torch.Tensor) -> torch.Tensor:
        """Logits (n, classes), with gradients where the images ask for them."""
        return self.head(self.body(images))

    def input_of(self, pixels: np.ndarray) -> torch.Tensor:
        """Normalized images of pixels (n, size, size, bands)."""
        return self.preprocessing.normalize(pixels, self.device)

    def _maps(self, watch: _Watch, features: torch.Tensor) -> torch.Tensor:
        if not self.has_maps:
            return features.new_zeros(len(features), 0, 1, 1)
        maps = _side_by_side([watch.map(place) for place in self._wanted])
        assert maps is not None  # noqa: S101 - as they were found
        return maps


def _is_mean(maps: torch.Tensor, features: torch.Tensor) -> bool:
    mean = maps.mean((2, 3))
    return mean.shape == features.shape and alike(mean, features)


def _side_by_side(maps: list[torch.Tensor]) -> torch.Tensor | None:
    """The maps of one network or of several as one; None where there are none, or their grids differ."""
    return torch.cat(maps, 1) if len({each.shape[2:] for each in maps}) == 1 else None


class _Watch(TorchFunctionMode):
    """Notes each map that is turned into a number for each channel, or laid out flat.

    Args:
        wanted: Numbers of the places of which the maps are kept; of all if None.
        leaves: What is kept takes gradients, and what made it does not.

    Attributes:
        kept: Number of a place → map as the network has it, and whether its channels come last.
    """

    def __init__(self, wanted: Collection[int] | None = None, *, leaves: bool = False) -> None:
        super().__init__()
        self._wanted, self._leaves = wanted, leaves
        self._n = 0
        self._last: tuple[torch.Tensor, torch.Tensor] | None = None
        self.kept: dict[int, tuple[torch.Tensor, bool]] = {}

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        found = func(*args, **(kwargs or {}))
        given: Any = args[0] if args else None
        last = _channels_last(given, found)
        if last is None:
            return found
        used = self._note(given, last=last)
        return found if used is given else func(used, *args[1:], **(kwargs or {}))

    def _note(self, given: torch.Tensor, *, last: bool) -> torch.Tensor:
        """The map to go on with: a leaf if one is wanted; the same where one is pooled twice."""
        if self._last is not None and given is self._last[0]:
            return self._last[1]
        wanted = self._wanted is None or self._n in self._wanted
        used = given.detach().requires_grad_() if wanted and self._leaves else given
        if wanted:
            self.kept[self._n] = used, last
        self._last = given, used
        self._n += 1
        return used

    def map(self, place: int) -> torch.Tensor:
        """The map of a place (n, channels, rows, columns)."""
        return channels_first(*self.kept[place])


def channels_first(values: torch.Tensor, last: bool) -> torch.Tensor:  # noqa: FBT001 - a pair of `_Watch.kept`
    """Values (n, channels, rows, columns) of a map, or of gradients of one, whose channels may come last."""
    return values.permute(0, 3, 1, 2) if last else values


def _channels_last(given: object, found: object) -> bool | None:
    """Whether the channels come last in a map of which a function made what is looked for; None where it did not."""
    if not isinstance(given, torch.Tensor) or not isinstance(found, torch.Tensor) or given.ndim != 4:
        return None
    n, first, second, third = given.shape
    shape = tuple(found.shape)
    if second * third > 1 and shape in ((n, first), (n, first, 1, 1)):
        return False
    if first * second > 1 and shape in ((n, third), (n, 1, 1, third)):
        return True
    return False if min(first, second * third) > 1 and shape == (n, first * second * third) else None
