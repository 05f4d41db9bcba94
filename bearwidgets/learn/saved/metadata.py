"""The metadata of a saved learner (what it was made of, how, and how good it is; plain JSON), and its model card."""

from __future__ import annotations

import html
import json
import platform
import re
from dataclasses import asdict
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from bearwidgets.data.identity import hash_bytes
from bearwidgets.errors import BadInputError, and_more
from bearwidgets.figures import interval, percent
from bearwidgets.learn.network.libraries import timm
from bearwidgets.learn.network.network_heads import MeanHead
from bearwidgets.learn.provenance import Provenance
from bearwidgets.safe_text import as_json
from bearwidgets.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pandas as pd

    from bearwidgets.data.dataset import Dataset
    from bearwidgets.learn.state import LearnerState

FORMAT = 4
"""Raised with every new field of `Provenance` and every new kind of head: readers from before refuse both, and only
by the number do they know that the file is newer, and not broken."""
MOST_ROWS = 100
FEW = 20  # items of a class, below which its figure says little
NOT_MEASURED = "not measured"
HEADS = {
    "linear": nn.Linear,
    "mlp": nn.Sequential,
    "none": nn.Identity,
    "mean": MeanHead,
    "own": nn.Module,  # any other
}


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


def model_card(metadata: Mapping[str, Any]) -> str:
    """Markdown of metadata, as `metadata.describe` makes them or `bundle.read` gives them.

    Intervals are Wilson's at 95 % (Wilson, 1927): they hold for new images only if these are like the ones that
    were counted.
    """
    parts = [
        [f"# Image classifier: {_names(metadata['classes'])}"],
        _facts(metadata),
        ["## What it is for", _text(metadata["intended_use"])],
        ["## How good it is", *_figures(metadata)],
        ["## What is not known", *_limits(metadata)],
        ["## What it was trained on", *_data(metadata["data"])],
        [
            "## How it was trained",
            _text(Provenance.from_stored(metadata["provenance"])),
            *_history(metadata["history"]),
        ],
        ["## License of the weights", _text(metadata["licence"])],
    ]
    return "\n\n".join(each for part in parts for each in part) + "\n"


def _facts(metadata: Mapping[str, Any]) -> list[str]:
    seen = metadata["preprocessing"]
    image = (
        f"{metadata['size']} × {metadata['size']} px, {seen.get('resize', 'squish')}, {seen['interpolation']}"
    )
    rows = [
        ("Network", metadata["arch"]),
        ("Weights at the start", metadata["weights"]),
        ("Sees", f"{image}, bands: {seen.get('in_chans', 3)}"),
        ("Saved", metadata["created"] or "not noted"),
        ("Made with", ", ".join(f"{name} {version}" for name, version in metadata["versions"].items())),
    ]
    return [_table(("", ""), rows)]


def _figures(metadata: Mapping[str, Any]) -> list[str]:
    scores, last = metadata["metrics"]["valid"], metadata["metrics"]["last_epoch"] or {}
    if scores is None:
        if last.get("valid_error") is None:
            return ["Not measured: there are no figures on images that were kept from training."]
        error = (
            f"Error rate {percent(last['valid_error'], 1)} on the evaluation split, at the end of training."
        )
        return [error, *_more(last), "Per class: not measured."]
    n, wrong = scores["n"], round(scores["error_rate"] * scores["n"])
    sentence = (
        f"On n = {n} images of the evaluation split, which no training saw: {wrong} wrong, an error rate of "
        f"{percent(scores['error_rate'], 1)} (95 % interval {interval(wrong, n)})."
    )
    corrected = scores.get("error_rate_corrected")
    if corrected is not None:
        sentence += f" On the labels as corrected since: {percent(corrected, 1)}."
    return [sentence, *_more(scores.get("metrics") or last), *_per_class(metadata["classes"], scores)]


def _more(row: Mapping[str, Any]) -> list[str]:
    """Metrics beside loss and error."""
    usual = {"stage", "epoch", "train_loss", "valid_loss", "valid_error", "seconds"}
    others = {name: value for name, value in row.items() if name not in usual}
    rows = [(name, NOT_MEASURED if value is None else _short(value)) for name, value in others.items()]
    return [_table(("Metric", "Value"), rows)] if rows else []


def _per_class(classes: list[str], scores: Mapping[str, Any]) -> list[str]:
    known, rows = scores.get("per_class", {}), []
    for name in classes[:MOST_ROWS]:
        each = known.get(name)
        if each is None or not each["n"]:
            rows.append((name, 0, NOT_MEASURED, ""))
        else:
            right = round(each["accuracy"] * each["n"])
            rows.append((name, each["n"], percent(each["accuracy"], 1), interval(right, each["n"])))
    more = [f"… and {len(classes) - MOST_ROWS} more classes."] if len(classes) > MOST_ROWS else []
    return [_table(("Class", "n", "Right", "95 % interval"), rows), *more]


def _limits(metadata: Mapping[str, Any]) -> list[str]:
    scores, metrics = metadata["metrics"]["valid"], metadata["metrics"]["last_epoch"] or {}
    per_class = (scores or {}).get("per_class", {})
    few = [name for name in metadata["classes"] if 0 < per_class.get(name, {"n": FEW})["n"] < FEW]
    limits = []
    if few and scores is not None:
        limits.append(f"Fewer than {FEW} images were counted of {_names(few)}: their figures say little.")
    if "calibration" not in {**metrics, **((scores or {}).get("metrics") or {})}:
        limits.append("Whether the probabilities can be trusted (calibration): not measured.")
    limits += [
        "Images of another source, place, camera or season than the training images: not measured.",
        "Images that show none of the classes: not measured; each gets one of them.",
    ]
    return ["\n".join(f"- {each}" for each in limits)]


def _data(data: Mapping[str, Any] | None) -> list[str]:
    if data is None:
        return ["Not noted in this file."]
    splits = list(data["items"])
    classes = list(dict.fromkeys(label for part in data["items"].values() for label in part))
    rows = [(name, *(data["items"][split].get(name, 0) for split in splits)) for name in classes[:MOST_ROWS]]
    rows.append(("all", *(sum(data["items"][split].values()) for split in splits)))
    exam = f", of the exam {_text(data['exam'])}" if data.get("exam") else ""
    hashes = f"Hash of contents, labels and splits: {_text(data['hash'])}{exam}."
    return [_table(("Class", *splits), rows), hashes]


def _history(history: list[Mapping[str, Any]]) -> list[str]:
    if not history:
        return []
    shown = history[-MOST_ROWS:]
    columns = list(dict.fromkeys(name for row in shown for name in row))
    rows = [["" if row.get(name) is None else _short(row[name]) for name in columns] for row in shown]
    return [_table(columns, rows)]


def _table(header: Iterable[Any], rows: Iterable[Iterable[Any]]) -> str:
    cells = [list(map(_text, row)) for row in (header, *rows)]
    lines = [f"| {' | '.join(row)} |" for row in cells]
    return "\n".join([lines[0], "|" + "---|" * len(cells[0]), *lines[1:]])


def _names(names: list[str]) -> str:
    return and_more([_text(name) for name in names], 20)


def _text(value: Any) -> str:
    """One line of Markdown that means nothing but itself: the words of a file may come from anybody."""
    line = "".join(each if each.isprintable() else " " for each in str(value))
    return re.sub(r"([\\`*_\[\]|~#!])", r"\\\1", html.escape(" ".join(line.split()), quote=False))


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
