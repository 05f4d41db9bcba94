"""Whether to believe a map: what covering the marked patches does to the probability, beside a random order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from bearwidgets.learn.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Generator

    from bearwidgets.learn.explain.feature_maps import Network

STAGE = "checking the map"
LEVELS = 10
"""Steps in which the image is covered; each is so much more of its patches."""
ORDERS = 8
"""Random orders beside it: by chance a useless map is better than all of them one time in nine."""
MOST_CELLS = 14
"""Most patches to a side; finer maps are summed in so many."""
_LEAST = 0.05  # what covering the whole image has to change in the probability for the test to say anything
_BATCH = 8


@dataclass(frozen=True, repr=False)
class Curve:
    """The deletion and the insertion curve of a map.

    Source: Petsiuk, Das & Saenko, "RISE", BMVC 2018. Covered patches have the mean color.

    Attributes:
        label: The class of which it is the map.
        shares: (levels + 1,) of the patches that are covered, or shown, 0 to 1.
        deletion: (levels + 1,) the probability of the class with the most important patches covered.
        insertion: (levels + 1,) the same with only these shown.
        random: (orders, levels + 1) the same with random patches covered.
    """

    label: str
    shares: np.ndarray
    deletion: np.ndarray
    insertion: np.ndarray
    random: np.ndarray

    def __repr__(self) -> str:
        return f"Curve({self.label!r}: {self.verdict})"

    @property
    def deletion_area(self) -> float:
        """Area under the deletion curve, 0 to 1; lower is better."""
        return _area(self.deletion)

    @property
    def insertion_area(self) -> float:
        """Area under the insertion curve, 0 to 1; higher is better."""
        return _area(self.insertion)

    @property
    def random_areas(self) -> np.ndarray:
        """(orders,) the same of random orders; it is one number for both curves of an order and its reverse."""
        return np.array([_area(each) for each in self.random])

    @property
    def verdict(self) -> str:
        """Whether to believe the map, in one sentence."""
        areas = self.random_areas
        falls, rises = self.deletion_area < areas.min(), self.insertion_area > areas.max()
        numbers = (
            f"area {self.deletion_area:.2f} when they are covered, {self.insertion_area:.2f} when only they are "
            f"shown; random patches {areas.mean():.2f}"
        )
        if abs(self.deletion[0] - self.deletion[-1]) < _LEAST:
            return f"This test says nothing: covering the whole image hardly changes the probability of {self.label}."
        if falls and rises:
            return f"You can believe this map: the patches it marks matter more than random ones ({numbers})."
        if falls or rises:
            return f"Believe this map with care: only one of two tests is better than chance ({numbers})."
        return f"Do not rely on this map: the patches it marks matter no more than random ones ({numbers})."


def _area(values: np.ndarray) -> float:
    return float(np.mean((values[1:] + values[:-1]) / 2))


def check_map(
    network: Network, image: torch.Tensor, values: np.ndarray, cls: int, label: str, seed: int = 0
) -> Generator[Progress, None, Curve]:
    """Cover the patches of one normalized image (1, bands, h, w) in the order of a map (rows, columns), and randomly.

    A random order counts as insertion too: showing its last patches is covering its first ones. Returns the curve.
    """
    rows, columns = values.shape
    cells = rows * columns
    generator = np.random.default_rng(seed)
    mixed = generator.permutation(cells)  # so that what is equal comes in no order of its own
    best = mixed[np.argsort(-values.ravel()[mixed], kind="stable")]
    counts = np.round(np.linspace(0, cells, LEVELS + 1)).astype(int)
    orders = [best, best[::-1], *(generator.permutation(cells) for _ in range(ORDERS))]
    covered = [order[:count] for order in orders for count in counts[1:-1]]
    masks = np.ones((len(covered) + 2, cells), np.float32)
    masks[-1] = 0  # the last two are nothing covered, and everything
    for mask, places in zip(masks[:-2], covered, strict=True):
        mask[places] = 0
    found = []
    for start in range(0, len(masks), _BATCH):
        shown = torch.from_numpy(masks[start : start + _BATCH].reshape(-1, 1, rows, columns)).to(image.device)
        with torch.inference_mode():
            shown = torch.nn.functional.interpolate(shown, image.shape[-2:], mode="nearest")
            found.append(torch.softmax(network.logits(image * shown), 1)[:, cls].cpu().numpy())
        yield Progress(STAGE, min(start + _BATCH, len(masks)), len(masks))
    whole, nothing = np.concatenate(found)[-2:]
    inner = np.concatenate(found)[:-2].reshape(len(orders), -1)
    curves = np.column_stack([np.full(len(orders), whole), inner, np.full(len(orders), nothing)])
    return Curve(label, counts / cells, curves[0], curves[1][::-1], curves[2:])
