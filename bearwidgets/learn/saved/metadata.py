"""The metadata of a saved learner: what it was made of, how, and how good it is; plain JSON."""

from __future__ import annotations

import json
import platform
from dataclasses import asdict
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import timm
import torch
from torch import nn

from bearwidgets.data.identity import hash_bytes
from bearwidgets.errors import BadInputError, and_more
from bearwidgets.files import as_json
from bearwidgets.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pandas as pd

    from bearwidgets.data.dataset import Dataset
    from bearwidgets.learn.state import LearnerState

FORMAT = 3
HEADS = {"linear": nn.Linear, "mlp": nn.Sequential, "none": nn.Identity, "own": nn.Module}


def describe(
    learn: LearnerState, *, scores: Mapping[str, Any] | None = None, origin: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The metadata of a learner; computes nothing that takes time.

    `scores` are what `learn.evaluate("valid")` gave for the present weights, if it is known. `origin` is the metadata
    that the learner was loaded from, if it was not trained since: it knows data and figures that the learner itself
    no longer has.
    """
    known, source = dict(origin or {}), learn.source
    old = known.get("metrics") or {}
    history = as_json(learn.history.to_dict("records"))
    pool = getattr(getattr(learn.module.body, "global_pool", None), "pool_type", None)
    if known and not _same_exam(learn.ds, known["data"]):
        scores = None  # made on other images, which the training may have seen
    return {
        "format": FORMAT,
        "version": __version__,
        "created": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "arch": learn.arch,
        "timm": source.arch,
        "weights": source.weights,
        "source": {**asdict(source), "origin": source.origin.value, "tag": source.tag or None},
        "head": next(name for name, kind in HEADS.items() if isinstance(learn.module.head, kind)),
        "pool": "catavgmax" if pool == "catavgmax" else "avg",
        "classes": list(learn.classes),
        "size": learn.size,
        "seed": learn.seed,
        "provenance": as_json(learn.record.provenance),
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
            "valid": as_json(scores) if scores else old.get("valid"),
        },
        "history": history or known.get("history", []),
        "licence": source.license_note,
        "intended_use": intended_use(learn.classes),
    }


def _same_exam(ds: Dataset | None, data: Mapping[str, Any] | None) -> bool:
    return ds is not None and ds.exam is not None and data is not None and ds.exam.hash == data.get("exam")


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


def intended_use(classes: Iterable[str]) -> str:
    """What the learner is for, and what it cannot know."""
    return (
        f"Sorts images into {len(list(classes))} classes, if they were taken like the training images. Every image "
        "gets one of these classes, even if it shows none of them. Not for decisions about people, and not where a "
        "mistake does harm and nobody checks."
    )


def _listed(names: list[str]) -> str:
    return and_more(list(map(repr, names)), 20)


def check_classes(classes: Iterable[str], ds: Dataset, *, source: str = "This learner") -> str | None:
    """Compare the classes of a saved model with those of new data; an error names all that the model does not know.

    Returns None if they are the same; a notice, with the model called `source`, if the data merely lack some, which a
    prediction can live with.
    """
    known, here = list(classes), list(ds.classes)
    new, absent = [each for each in here if each not in known], [each for each in known if each not in here]
    if not new:
        return f"{source} also knows {_listed(absent)}; these data have none of it." if absent else None
    missing = f" It knows {_listed(absent)}, of which the data have none." if absent else ""
    raise BadInputError(
        f"{source} does not know {_listed(new)}, which the data have.{missing} Make a learner for the classes of the "
        "data with `learn.transfer(ds)`, or give these items labels that it knows."
    )
