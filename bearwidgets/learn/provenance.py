"""How weights were made, in fields (mode, network, how far the training came), which `str` puts into words."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, Literal

from bearwidgets.errors import BadInputError, unknown_name

Mode = Literal["quick", "full"]
ModeName = Literal["quick", "full", "cached", "exact"]
OLD_MODES: dict[str, Mode] = {"cached": "quick", "exact": "full"}
"""What the modes were called before; still understood."""


def as_mode(mode: str) -> Mode:
    """The mode of this name; the older names "cached" and "exact" are understood."""
    mode = OLD_MODES.get(mode, mode)
    if mode not in ("quick", "full"):
        raise BadInputError(unknown_name("mode", mode, ["quick", "full"]))
    return mode


@dataclass(frozen=True)
class Provenance:
    """How weights were made; `str` tells it in words.

    Example:
        >>> str(Provenance("full", "resnet18", "random", 224, stage="unfrozen", epoch=4.0, epochs=4))
        'full mode: resnet18 (random) at 224 px, unfrozen epoch 4 of 4'
    """

    mode: Mode
    arch: str = ""
    weights: str = ""  # what the body started from
    size: int = 0  # side of the images, px
    strength: float | None = None  # the L2 penalty of the head, in the quick mode
    second_strength: float | None = None  # that of the second head, where the mean of two is taken
    stage: str = ""  # the last phase, in the full mode, and how far it came
    epoch: float = 0.0
    epochs: int = 0
    stopped_early: bool = False  # as the validation loss did not fall any more
    best_loss: float | None = None  # validation loss of the best epoch, where its weights were put back
    words: str = ""  # what an older file says instead, of which only the mode is known

    def __str__(self) -> str:
        if self.words:
            return self.words
        network = f"{self.arch} ({self.weights}) at {self.size} px"
        if self.mode == "quick":
            head = f"linear head, L2 {self.strength:g}"
            if self.second_strength is not None:
                head = f"mean of two linear heads, L2 {self.strength:g} and {self.second_strength:g}"
            return f"quick mode: features of the frozen {network}, {head}"
        early = ", stopped early" if self.stopped_early else ""
        best = (
            "" if self.best_loss is None else f", best of the epochs (validation loss {self.best_loss:.3f})"
        )
        return f"full mode: {network}, {self.stage} epoch {self.epoch:.3g} of {self.epochs}{early}{best}"

    @classmethod
    def from_stored(cls, stored: Any) -> Provenance:
        """What a file holds: the fields, or the words of an older version.

        Raises:
            TypeError, ValueError: it holds something else.
        """
        if isinstance(stored, str):
            return cls("full", words=stored)
        found = cls(**stored)
        kinds = {"bool": bool, "int": int, "float": (int, float), "float | None": (int, float, type(None))}
        for each in fields(cls):
            if not isinstance(getattr(found, each.name), kinds.get(str(each.type), str)):
                raise TypeError(stored)
        if found.mode in ("quick", "cached") and found.strength is None and not found.words:
            raise ValueError(stored)
        return replace(found, mode=as_mode(found.mode))
