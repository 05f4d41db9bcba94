"""The model card: the metadata of a learner as Markdown, which says what was not measured as plainly as what was."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Any

from bearwidgets.errors import and_more
from bearwidgets.learn.provenance import Provenance
from bearwidgets.learn.scores.scores import percent, wilson

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MOST_ROWS = 100
FEW = 20  # items of a class, below which its figure says little
NOT_MEASURED = "not measured"


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
        error = f"Error rate {percent(last['valid_error'])} on the evaluation split, at the end of training."
        return [error, *_more(last), "Per class: not measured."]
    n, wrong = scores["n"], round(scores["error_rate"] * scores["n"])
    sentence = (
        f"On n = {n} images of the evaluation split, which no training saw: {wrong} wrong, an error rate of "
        f"{percent(scores['error_rate'])} ({_interval(wrong, n)})."
    )
    corrected = scores.get("error_rate_corrected")
    if corrected is not None:
        sentence += f" On the labels as corrected since: {percent(corrected)}."
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
            rows.append((name, each["n"], percent(each["accuracy"]), _interval(right, each["n"])))
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


def _interval(count: int, n: int) -> str:
    """Wilson's interval of a share, in words."""
    low, high = wilson(count, n)
    return f"95 % interval {percent(low)} to {percent(high)}"
