"""The card of a saved learner: what it was made of, how, and how good it is; plain JSON."""

from __future__ import annotations

import json
import math
import platform
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import numpy as np
import timm
import torch
from torch import nn

from bearwidgets.data.identity import hash_bytes
from bearwidgets.errors import BadInputError
from bearwidgets.learn.network.model import OWN
from bearwidgets.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from bearwidgets.data.dataset import Dataset
    from bearwidgets.learn.network.model import BodySource
    from bearwidgets.learn.state import LearnerState

FORMAT = 2
HEADS = {"linear": nn.Linear, "mlp": nn.Sequential, "none": nn.Identity, "own": nn.Module}


def describe(
    learn: LearnerState, *, scores: Mapping[str, Any] | None = None, origin: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The card of a learner; computes nothing that takes time.

    Args:
        learn: a trained learner.
        scores: what `learn.evaluate("valid")` gave for the present weights, if it is known.
        origin: the card that the learner was loaded from, if it was not trained since: it knows data and figures
            that the learner itself no longer has.
    """
    known = dict(origin or {})
    old = known.get("metrics") or {}
    history = plain(learn.history.to_dict("records"))
    if known and not _same_exam(learn.ds, known["data"]):
        scores = None  # made on other images, which the training may have seen
    return {
        "format": FORMAT,
        "version": __version__,
        "created": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "arch": learn.arch,
        "timm": learn.source.arch,
        "weights": learn.source.weights,
        "head": next(name for name, kind in HEADS.items() if isinstance(learn.module.head, kind)),
        "pool": "catavgmax" if _pool_of(learn.module.body) == "catavgmax" else "avg",
        "classes": list(learn.classes),
        "size": learn.size,
        "seed": learn.seed,
        "mode": learn.mode,
        "made_by": learn.provenance,
        "preprocessing": learn.preprocessing.as_metadata(),
        "versions": {
            "bearwidgets": __version__,
            "torch": str(torch.__version__),
            "timm": timm.__version__,
            "python": platform.python_version(),
        },
        "data": known["data"] if known else describe_data(learn.ds),
        "metrics": {
            "last_epoch": history[-1] if history else old.get("last_epoch"),
            "valid": plain(scores) if scores else old.get("valid"),
        },
        "history": history or known.get("history", []),
        "licence": licence_note(learn.source),
        "intended_use": intended_use(learn.classes),
    }


def _same_exam(ds: Dataset | None, data: Mapping[str, Any] | None) -> bool:
    return ds is not None and ds.exam is not None and data is not None and ds.exam.hash == data.get("exam")


def _pool_of(body: nn.Module) -> str | None:
    return getattr(getattr(body, "global_pool", None), "pool_type", None)


def describe_data(ds: Dataset | None) -> dict[str, Any] | None:
    """Which items under which labels in which split: a hash over all, and how many there are."""
    if ds is None:
        return None
    return {
        "hash": data_hash(ds.table),
        "exam": ds.exam.hash if ds.exam else None,
        "items": {
            str(split): {str(label): int(n) for label, n in part.label.value_counts().sort_index().items()}
            for split, part in ds.table.groupby("split")
        },
    }


def data_hash(table: pd.DataFrame) -> str:
    """Hash of the contents, labels and splits of a table, whatever the order and the paths."""
    rows = zip(table.content, table.label, table.split, strict=True)
    return hash_bytes("\n".join(sorted(json.dumps(list(map(str, row))) for row in rows)).encode())


def licence_note(source: BodySource) -> str:
    """What is known of the licence of the weights that a training started from."""
    imagenet = (
        "ImageNet's images come with terms for non-commercial research; whether these bind weights that were "
        "trained on them is not settled."
    )
    start = source.weights.partition(", then ")[0]  # further stages were the user's own
    if source.arch == OWN:
        return "Started from a network of one's own; its licence is not known here."
    if start == "random":
        return "No foreign weights: trained from random ones."
    if start == "ImageNet, offline":
        return f"Started from EfficientNet-Lite0 (Apache-2.0), trained on ImageNet. {imagenet}"
    if start.endswith(", timm"):
        config = timm.get_pretrained_cfg(source.arch)
        stated = config.license if config is not None and config.license else "not stated"
        return f"Started from timm's weights of {source.arch} (licence by timm: {stated}). {imagenet}"
    if start.endswith(", torchvision"):
        return (
            f"Started from torchvision's weights of {source.arch}; torchvision states no licence. {imagenet}"
        )
    return f"Started from weights of {start!r}, whose licence is not known here: look where they came from."


def intended_use(classes: Iterable[str]) -> str:
    """What the learner is for, and what it cannot know."""
    return (
        f"Telling apart images of {len(list(classes))} classes, taken as the training images were. Every image "
        "gets one of these classes, also one that shows none of them. Not for decisions about people, nor where a "
        "mistake does harm and nobody looks."
    )


def check_classes(classes: Iterable[str], ds: Dataset, *, source: str = "This learner") -> str | None:
    """Compare the classes of a saved model with those of new data.

    Args:
        classes: of the model.
        ds: the new data.
        source: what the model is called in the sentence.

    Returns:
        None if they are the same; a notice if the data merely lack some, which a prediction can live with.

    Raises:
        BadInputError: the data have classes that the model does not know; all are named, and what to do.
    """
    known, here = list(classes), list(ds.classes)
    new, absent = [each for each in here if each not in known], [each for each in known if each not in here]
    if not new:
        return f"{source} also knows {_names(absent)}; these data have none of it." if absent else None
    missing = f" It knows {_names(absent)}, of which the data have none." if absent else ""
    raise BadInputError(
        f"{source} does not know {_names(new)}, which the data have.{missing} Make a learner for the classes of the "
        "data with `learn.transfer(ds)`, or give these items labels that it knows."
    )


def _names(names: list[str]) -> str:
    return ", ".join(map(repr, names[:20])) + (f" and {len(names) - 20} more" if len(names) > 20 else "")


def plain(value: Any) -> Any:
    """The value as JSON has it: numbers that are not finite become None, NumPy's become Python's."""
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [plain(each) for each in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, (bool, int, str)) else str(value)
