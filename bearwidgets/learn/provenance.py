"""How weights were made, in fields (mode, network, how far the training came), which `str` puts into words."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from bearwidgets.errors import BadInputError, unknown_name

Mode = Literal["quick", "full"]
ModeName = Literal["quick", "full", "cached", "exact"]
ModeName = Literal["quick", "full", "cached", "exact"]
OLD_MODES: dict[str, Mode] = {"cached": "quick", "exact": "full"}
"""What the modes were called before; still understood."""


def as_mode(mode: str) -> Mode:
    """The mode of this name; the older names "cached" and "exact" are understood.

    Raises:
        BadInputError: no such mode.

    Example:
        >>> as_mode("exact")
        'full'
    """
    if mode in ("quick", "full"):
        return mode
    if mode in OLD_MODES:
        return OLD_MODES[mode]
    raise BadInputError(unknown_name("mode", mode, ["quick", "full"]))


@dataclass(frozen=True)
class Provenance:
    """How weights were made; `str` tells it in words.

    Attributes:
        mode: of the training.
        arch: name of the architecture.
        weights: what the body started from.
        size: side of the images, px.
        strength: the L2 penalty of the head, in the quick mode.
        stage: the last phase, in the full mode.
        epoch: how far it came.
        epochs: how many it had.
        stopped_early: whether it ended because the validation loss did not fall any more.
        best_loss: validation loss of the best epoch, where its weights were put back.
        words: what a file says instead, of which only the mode is known.

    Example:
        >>> str(Provenance("full", "resnet18", "random", 224, stage="unfrozen", epoch=4.0, epochs=4))
        'full mode: resnet18 (random) at 224 px, unfrozen epoch 4 of 4'
    """

    mode: Mode
    arch: str = ""
    weights: str = ""
    size: int = 0
    strength: float | None = None
    stage: str = ""
    epoch: float = 0.0
    epochs: int = 0
    stopped_early: bool = False
    best_loss: float | None = None
    words: str = ""

    def __str__(self) -> str:
        if self.words:
            return self.words
        network = f"{self.arch} ({self.weights}) at {self.size} px"
        if self.mode == "quick":
            return f"quick mode: features of the frozen {network}, linear head, L2 {self.strength:g}"
        early = ", stopped early" if self.stopped_early else ""
        best = (
            "" if self.best_loss is None else f", best of the epochs (validation loss {self.best_loss:.3f})"
        )
        return f"full mode: {network}, {self.stage} epoch {self.epoch:.3g} of {self.epochs}{early}{best}"

    @classmethod
    def from_stored(cls, stored: Any) -> Provenance:
        """What a checkpoint holds: the fields, or the words of an older version.

        Raises:
            TypeError: it holds something else.
        """
        if isinstance(stored, str):
            return cls("full", words=stored)
        kinds = {"mode": str, "size": int, "epochs": int, "stopped_early": bool}
        found = cls(**stored)
        if not all(isinstance(getattr(found, name), kind) for name, kind in kinds.items()):
            raise TypeError(stored)
        return replace(found, mode=as_mode(found.mode))
