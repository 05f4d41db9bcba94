"""Where the weights of a body came from: fields for programs, and the words that are made of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

OWN = "own module"  # in the place of an architecture's name, for a network that no name rebuilds
_IMAGENET = (
    "ImageNet's images come with terms for non-commercial research; whether these bind weights that were trained on "
    "them is not settled."
)


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
            Origin.OFFLINE: f"Started from EfficientNet-Lite0 ({self.license}), trained on ImageNet. {_IMAGENET}",
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
