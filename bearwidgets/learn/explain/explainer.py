"""What a learner looked at: maps of one image or of many, by the method that fits its network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from bearwidgets.data.augment.transforms import frame
from bearwidgets.errors import BadInputError, ImageError, shortened, unknown_name
from bearwidgets.learn.explain import attribution
from bearwidgets.learn.explain.faithfulness import MOST_CELLS, check_map
from bearwidgets.learn.explain.feature_maps import Network
from bearwidgets.learn.head.features import on_all_cores, small_batches
from bearwidgets.learn.predict import Predicts

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from pathlib import Path

    from bearwidgets.data.augment.loader import Batch
    from bearwidgets.learn.explain.faithfulness import Curve
    from bearwidgets.learn.input.preprocessing import Preprocessing
    from bearwidgets.learn.progress import Progress

CLASS_MAP, GRAD_CAM, GRADIENTS, OCCLUSION, ROLLOUT = METHODS = (
    "class_map",
    "grad_cam",
    "integrated_gradients",
    "occlusion",
    "attention_rollout",
)
MOST_CLASSES = 100
"""Classes of which maps are made at once, the most probable ones; others when they are asked for."""
MOST_GRADIENTS = 3
"""The same for integrated gradients, each of which takes as long as dozens of predictions."""
GRADIENT_CELLS = 28


@dataclass(frozen=True, repr=False)
class Explanation:
    """What a network looked at in one image.

    Attributes:
        method: One of "class_map", "grad_cam", "integrated_gradients", "occlusion" and "attention_rollout".
        classes: Names of all classes.
        shown: (k,) numbers of the classes of which there are maps.
        maps: (k, rows, columns) float32: what speaks for the class at each place (above 0), and against it. In
            logits, but for Grad-CAM, whose numbers have no unit, and attention rollout: shares, for each class
            the same.
        constants: (k,) what belongs to no place, so that map and constant sum to the logit (of integrated gradients
            nearly); None where maps are no shares of it.
        logits: (classes,) float32.
        probabilities: (classes,) float32.
    """

    method: str
    classes: list[str]
    shown: np.ndarray
    maps: np.ndarray
    constants: np.ndarray | None
    logits: np.ndarray
    probabilities: np.ndarray

    def __repr__(self) -> str:
        best = int(self.logits.argmax())
        return f"Explanation({self.method}: {self.classes[best]!r}, logit {self.logits[best]:.2f})"

    def map(self, label: str) -> np.ndarray:
        """The map (rows, columns) of a class.

        Raises:
            BadInputError: No such class, or none with a map here.
        """
        known = [self.classes[each] for each in self.shown]
        if label not in known:
            where = "with a map here" if label in self.classes else "in this learner"
            raise BadInputError(unknown_name("class", label, known, where))
        return self.maps[known.index(label)]

    def difference(self, label: str, other: str) -> np.ndarray:
        """Why one class and not another: the map (rows, columns) of the one less that of the other."""
        return self.map(label) - self.map(other)


class Explainer:
    """Asks the network of a trained learner what it looked at; follows it through further trainings.

    Args:
        learn: A trained `Learner`.

    Raises:
        BadInputError: Not a learner of this package, or not trained.

    Example:
        >>> found = Explainer(learn).explain(ds.path_of(ds.table.id[0]))
        >>> found.method, found.maps.shape
        ('class_map', (3, 7, 7))
        >>> bool(np.allclose(found.maps.sum((1, 2)) + found.constants, found.logits, atol=1e-4))
        True
    """

    def __init__(self, learn: Any) -> None:
        self.learn = check_learner(learn)
        self._known: tuple[object, Network] | None = None

    @property
    def network(self) -> Network:
        """The network as it is now."""
        now = self.learn.features  # another one after each training that changes the body
        if self._known is None or self._known[0] is not now:
            body = now.network(torch.float32)
            self._known = now, Network(body, self.learn.module.head, self.learn.preprocessing)
        network = self._known[1]
        network.head = self.learn.module.head
        return network

    @property
    def methods(self) -> list[str]:
        """The methods that this network allows, the one to take first."""
        network = self.network
        exact = [CLASS_MAP] if network.is_mean and isinstance(network.head, (nn.Linear, nn.Identity)) else []
        maps = [GRAD_CAM] if network.has_maps else []
        return [*exact, *maps, OCCLUSION, *([ROLLOUT] if network.attends else []), GRADIENTS]

    def check_method(self, method: str | None) -> str:
        """The method that is meant, the first of `methods` by default.

        Raises:
            BadInputError: An unknown one, or none for this network.
        """
        allowed = self.methods
        if method is None:
            return allowed[0]
        if method in METHODS and method not in allowed:
            reason = "this network has no maps of features at its end, as transformers have none"
            if method == CLASS_MAP and self.network.has_maps:
                reason = "between its maps of features and its logits is more than a mean and a linear layer"
            if method == ROLLOUT:
                reason = "the attention of this network cannot be read, or it has none from patch to patch"
            raise BadInputError(f"No {method} here: {reason}. Allowed are {', '.join(allowed)}.")
        if method not in METHODS:
            raise BadInputError(unknown_name("method", shortened(method).strip("'"), allowed))
        return method

    def explain(
        self, image: str | Path | bytes, *, method: str | None = None, classes: Sequence[str] = ()
    ) -> Explanation:
        """What the network looked at in one image.

        Args:
            image: A path, or the bytes of a file.
            method: See `methods`.
            classes: Of which there are to be maps in any case, such as the label.

        Raises:
            ImageError: It cannot be opened as an image.
            BadInputError: An unknown method or class, or logits that are not finite.
        """
        chosen, images = self.check_method(method), self._input(image)
        if chosen == CLASS_MAP:
            maps, logits = attribution.class_map(self.network, images, self._linear()[0])
            return self._exact(maps[0], logits[0], classes)
        with torch.inference_mode():
            logits = self.network.logits(images)[0].cpu().numpy()
        shown = self._shown(logits, classes, MOST_GRADIENTS if chosen == GRADIENTS else MOST_CLASSES)
        maps, constants = self._maps(chosen, images, shown)
        return self._told(chosen, maps, constants, logits, shown)

    def curve(
        self, image: str | Path | bytes, label: str, *, method: str | None = None
    ) -> Generator[Progress, None, Curve]:
        """Whether to believe the map of a class: its deletion and insertion curves; see `Curve`."""
        found = self.explain(image, method=method, classes=[label])
        values = found.map(label)[None]
        if max(values.shape) > MOST_CELLS:
            values = attribution.summed_in_cells(values, MOST_CELLS)
        cls = found.classes.index(label)
        return (yield from check_map(self.network, self._input(image), values[0], cls, label))

    def explain_many(
        self, files: Sequence[Path | bytes], classes: Sequence[str] = ()
    ) -> Generator[Explanation | ImageError]:
        """Exact class maps of many images, in their order, on all cores; of one that does not open, its error.

        Raises:
            BadInputError: The network has no exact class maps; see `methods`.
        """
        self.check_method(CLASS_MAP)
        network, weight = self.network, self._linear()[0]

        def work(batch: Batch) -> tuple[Batch, np.ndarray, np.ndarray]:
            if not len(batch.rows):
                return batch, np.zeros(0), np.zeros(0)
            return batch, *attribution.class_map(network, network.input_of(batch.pixels), weight)

        loaded = small_batches(files, network.preprocessing, torch.float32)
        for batch, maps, logits in on_all_cores(work, loaded, network.device):
            made = dict(zip(batch.rows.tolist(), zip(maps, logits, strict=True), strict=True))
            for row in sorted({*made, *batch.problems}):
                if row in batch.problems:
                    yield ImageError(batch.problems[row])
                else:
                    yield self._exact(*made[row], classes)

    def _linear(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Weight (classes, channels) and bias (classes,) of the head; without one, of one that does nothing."""
        n, head, device = len(self.learn.classes), self.network.head, self.network.device
        if not isinstance(head, nn.Linear):
            return torch.eye(n, device=device), torch.zeros(n, device=device)
        bias = torch.zeros(n, device=device) if head.bias is None else head.bias
        return head.weight.detach(), bias.detach()

    def _input(self, image: str | Path | bytes) -> torch.Tensor:
        """What the network takes of an image, (1, bands, size, size)."""
        preprocessing = self.network.preprocessing
        return self.network.input_of(preprocessing.resizer(preprocessing.open(image))[None].copy())

    def _exact(self, maps: np.ndarray, logits: np.ndarray, classes: Sequence[str]) -> Explanation:
        """Of the maps of all classes (classes, rows, columns)."""
        shown = self._shown(logits, classes, MOST_CLASSES)
        constants = self._linear()[1].float().cpu().numpy()
        return self._told(CLASS_MAP, maps[shown], constants[shown], logits, shown)

    def _maps(
        self, method: str, images: torch.Tensor, shown: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Maps (k, rows, columns) of some classes, and their constants (k,) where the maps sum to a share."""
        if method == GRAD_CAM:
            return attribution.grad_cam(self.network, images, shown.tolist()), None
        if method == OCCLUSION:
            return attribution.occlusion(self.network, images)[shown], None
        if method == ROLLOUT:
            return self.network.rollout(images).cpu().numpy().repeat(len(shown), 0), None
        found = attribution.integrated_gradients(self.network, images, shown.tolist())
        with torch.inference_mode():
            constants = self.network.logits(torch.zeros_like(images))[0].cpu().numpy()[shown]
        return attribution.summed_in_cells(found, GRADIENT_CELLS), constants

    def _shown(self, logits: np.ndarray, classes: Sequence[str], most: int) -> np.ndarray:
        """Numbers (k,) of the classes of which maps are shown: the most probable, and those asked for."""
        if not np.isfinite(logits).all():
            raise BadInputError(
                "The network gives numbers that are not finite for this image, so there is nothing to explain; see "
                "learn.diagnosis."
            )
        known = self.learn.classes
        for name in classes:
            if name not in known:
                raise BadInputError(unknown_name("class", name, known, "in this learner"))
        asked = [known.index(name) for name in classes]
        order = [each for each in np.argsort(-logits, kind="stable").tolist() if each not in asked]
        return np.sort(np.array([*asked, *order[: max(0, most - len(asked))]], dtype=int))

    def _told(
        self,
        method: str,
        maps: np.ndarray,
        constants: np.ndarray | None,
        logits: np.ndarray,
        shown: np.ndarray,
    ) -> Explanation:
        lifted = np.exp(logits - logits.max())
        return Explanation(
            method,
            self.learn.classes,
            shown,
            maps.astype(np.float32),
            constants,
            logits,
            lifted / lifted.sum(),
        )


def check_learner(learn: object) -> Predicts:
    """Refuse what has no network that could be looked into."""
    if isinstance(learn, Predicts):
        if not learn.is_trained:
            raise BadInputError("This learner is not trained yet; call `learn.fine_tune(4)` first.")
        return learn
    kind = f"{type(learn).__module__}.{type(learn).__qualname__}".removeprefix("builtins.")
    several = (
        " It has one learner for each fold: take one of its `learners`." if hasattr(learn, "learners") else ""
    )
    raise BadInputError(
        f"{kind} has no single network of bearwidgets to look into; allowed is a trained bw.Learner.{several}"
    )


def seen_part(preprocessing: Preprocessing, width: int, height: int) -> tuple[float, float, float, float]:
    """What a network sees of an image of `width` × `height` px: left, top, right, bottom, as shares of the two.

    Below 0 or above 1 where it is padded.
    """
    left, top, right, bottom = frame(width, height, preprocessing.resize)
    return left / width, top / height, right / width, bottom / height
