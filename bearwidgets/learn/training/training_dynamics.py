"""What a network said of every training image while it trained, for a label that it learns late may be wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from bearwidgets.errors import BadInputError
from bearwidgets.learn.training.launch import reduce

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lightning_fabric import Fabric

MOST_VALUES = 2**26  # items · classes: half a gigabyte, for there are two tensors of them


class TrainingDynamics:
    """Probabilities of each training item, summed over a training; they cost nothing, for training computes them.

    The last weights of a network may know wrong labels by heart. The mean over the epochs does not: Pleiss et al.,
    "Identifying mislabeled data using the area under the margin ranking", NeurIPS 2020, and Swayamdipta et al.,
    "Dataset cartography", EMNLP 2020, who call it training dynamics.

    `start` are ids and probabilities of items from heads that did not see them, where the training starts from such.
    The tensors are total (n, classes), the sum of the items' probabilities; count (n,), how many these are; and
    start (n, classes), NaN for items without; all float32.
    """

    def __init__(
        self, ids: Sequence[str], n_classes: int, start: tuple[Sequence[str], np.ndarray] | None = None
    ) -> None:
        self.ids = list(ids)
        shape = (len(self.ids), n_classes)
        self.tensors = {
            "total": torch.zeros(shape),
            "count": torch.zeros(len(self.ids)),
            "start": torch.full(shape, torch.nan),
        }
        if start is not None:
            numbers = {id_: number for number, id_ in enumerate(self.ids)}
            known = [(numbers[id_], row) for row, id_ in enumerate(start[0]) if id_ in numbers]
            rows, others = (list(each) for each in zip(*known, strict=True)) if known else ([], [])
            self.tensors["start"][rows] = torch.from_numpy(np.asarray(start[1], dtype=np.float32)[others])

    def add(self, rows: np.ndarray, logits: torch.Tensor, fabric: Fabric) -> None:
        """Add a minibatch: numbers of its items among `ids`, and logits (n, classes) of those of this process."""
        own = torch.softmax(logits.detach().float(), 1)
        p = own.new_zeros(len(rows), own.shape[1])
        p[fabric.global_rank :: fabric.world_size] = own
        p = reduce(fabric, p, "sum")
        index = torch.from_numpy(np.ascontiguousarray(rows))
        self.tensors["total"].index_add_(0, index, p.cpu())
        self.tensors["count"].index_add_(0, index, torch.ones(len(rows)))

    def opinions(self) -> tuple[list[str], list[np.ndarray]]:
        """Ids of the items that were trained on, and for these two kinds of probabilities (n, classes), float32.

        The mean over the training, and those of the start; NaN where there are none.
        """
        seen = self.tensors["count"] > 0
        mean = self.tensors["total"][seen] / self.tensors["count"][seen, None]
        ids = [self.ids[row] for row in torch.nonzero(seen).ravel().tolist()]
        return ids, [mean.numpy(), self.tensors["start"][seen].numpy()]

    def subset(self, ids: Sequence[str]) -> TrainingDynamics:
        """The same for some of the items."""
        numbers = {id_: number for number, id_ in enumerate(self.ids)}
        rows = torch.tensor([numbers[each] for each in ids], dtype=torch.long)
        dynamics = TrainingDynamics(ids, self.tensors["total"].shape[1])
        dynamics.tensors = {name: tensor[rows] for name, tensor in self.tensors.items()}
        return dynamics

    def restore(self, tensors: Mapping[str, torch.Tensor]) -> None:
        """Go on from the tensors of another trace of these items; none at all change nothing, others are refused."""
        if not tensors:
            return
        if {name: each.shape for name, each in tensors.items()} != {
            name: each.shape for name, each in self.tensors.items()
        }:
            raise BadInputError(
                "The checkpoint is of other items or classes than this training. Give the name of a new file."
            )
        self.tensors = dict(tensors)


def make_dynamics(
    ids: Sequence[str],
    n_classes: int,
    last: TrainingDynamics | None,
    start: tuple[Sequence[str], np.ndarray] | None,
) -> TrainingDynamics | None:
    """Those of a training that begins now: `last` goes on, where it knows all items; None where memory is short."""
    if last is not None and set(ids) <= set(last.ids):
        return last.subset(ids)
    return None if len(ids) * n_classes > MOST_VALUES else TrainingDynamics(ids, n_classes, start)
