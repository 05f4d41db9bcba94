"""Figures of one split, their intervals, and metrics by name, from torchmetrics; on probabilities that are there.

Whatever gives one figure per class becomes the plain mean over the classes that have items: a class without any says
nothing about the model, and neither fails nor drags the mean down. `F1Score(average="macro")` of torchmetrics itself
counts such a class as 0 once something was predicted as it.
"""

from __future__ import annotations

import inspect
import re
import warnings
from collections.abc import Iterable, Mapping, Sized
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pandas as pd
import torch

from bearwidgets.errors import BadInputError, unknown_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torchmetrics import Metric

FLOOR = 1e-7
Wanted: TypeAlias = "str | Metric | Iterable[str | Metric] | Mapping[str, Metric] | None"

PREFIX = "Multiclass"
SHORT = {
    "f1": "F1Score",
    "precision": "Precision",
    "recall": "Recall",
    "specificity": "Specificity",
    "auroc": "AUROC",
    "average_precision": "AveragePrecision",
    "jaccard": "JaccardIndex",
    "kappa": "CohenKappa",
    "matthews": "MatthewsCorrCoef",
    "calibration": "CalibrationError",
}
_TOP = re.compile(r"top_([1-9][0-9]{0,3})")
_RANKING = ("AUROC", "LogAUC", "EER")  # compare items of a class with others: they need both


def make_metrics(wanted: Wanted, n_classes: int) -> dict[str, Metric]:
    """Metrics by the name they are shown under.

    `wanted` is one or several of: a short name ("f1", "precision", "recall", "specificity", "auroc",
    "average_precision", "jaccard", "kappa", "matthews", "calibration" (expected calibration error, 15 bins), "top_3"
    (share of the items whose class is among the 3 most probable)), a class of `torchmetrics.classification`
    ("F1Score" or "MulticlassF1Score"), or a `torchmetrics.Metric`; a mapping gives names of your own to the latter.
    One that is unknown, takes other arguments or gives a table is refused.
    """
    if wanted is None or (isinstance(wanted, Sized) and not len(wanted)):
        return {}
    from torchmetrics import Metric

    if isinstance(wanted, (str, Metric)):
        wanted = [wanted]
    if not isinstance(wanted, Iterable):
        raise BadInputError(_not_a_metric(wanted))
    named = wanted.items() if isinstance(wanted, Mapping) else [(_name(each), each) for each in wanted]
    metrics: dict[str, Metric] = {}
    for name, each in named:
        metric = _by_name(each, n_classes) if isinstance(each, str) else each
        if not isinstance(metric, Metric):
            raise BadInputError(_not_a_metric(metric))
        _try(str(name), metric, n_classes)
        metrics[str(name)] = metric
    return metrics


def compute_metrics(
    metrics: Mapping[str, Metric], probabilities: np.ndarray, target: np.ndarray
) -> dict[str, float]:
    """Each metric on these items alone, by name; the metrics that are given are not changed.

    Probabilities are (n, classes), `target` class numbers (n,); items below 0 (their class is gone) are left out,
    since no metric knows them. The value is nan where it is not defined, as on no items, or for the AUROC of a single
    class.
    """
    known = np.asarray(target) >= 0
    rows = torch.from_numpy(np.ascontiguousarray(probabilities[known], dtype=np.float32))
    numbers = torch.from_numpy(np.ascontiguousarray(target[known], dtype=np.int64))
    if not len(numbers):
        return dict.fromkeys(metrics, float("nan"))
    return {name: _value(metric, rows, numbers) for name, metric in metrics.items()}


def _value(metric: Metric, rows: torch.Tensor, numbers: torch.Tensor) -> float:
    fresh = metric.clone().cpu()
    fresh.reset()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # on classes without items, which `_mean` leaves out
        fresh.update(rows, numbers)
        result = fresh.compute()
    if isinstance(result, (int, float)) or (isinstance(result, torch.Tensor) and result.ndim == 0):
        return float(result)
    if not isinstance(result, torch.Tensor) or result.shape != (rows.shape[1],):
        raise BadInputError(
            f"{type(metric).__name__} gives a table; allowed are metrics that give one number, or one for each "
            "class. Call it yourself on `learn.predictions()`."
        )
    counts = np.bincount(numbers.numpy(), minlength=rows.shape[1])
    return _mean(result.double().numpy(), counts, ranking=type(metric).__name__.endswith(_RANKING))


def _mean(per_class: np.ndarray, counts: np.ndarray, *, ranking: bool) -> float:
    defined = (counts > 0) & np.isfinite(per_class)
    if ranking:
        defined &= counts < counts.sum()
    return float(per_class[defined].mean()) if defined.any() else float("nan")


def _by_name(name: str, n_classes: int) -> Metric:
    import torchmetrics.classification as known

    top = _TOP.fullmatch(name)
    if top and int(top[1]) > n_classes:
        raise BadInputError(
            f"{name!r} of {n_classes} classes is always right; allowed is up to top_{n_classes}."
        )
    if top:
        return known.MulticlassAccuracy(n_classes, top_k=int(top[1]), average="micro")
    classes = {
        each.removeprefix(PREFIX): kind for each, kind in vars(known).items() if each.startswith(PREFIX)
    }
    kind = classes.get(SHORT.get(name, name.removeprefix(PREFIX)))
    if kind is None:
        raise BadInputError(unknown_name("metric", name, [*SHORT, "top_3", *sorted(classes)]))
    options: dict[str, Any] = {"average": None} if "average" in inspect.signature(kind).parameters else {}
    try:
        return kind(num_classes=n_classes, **options)
    except (TypeError, ValueError) as error:
        raise BadInputError(
            f"{kind.__name__} cannot be made from its name alone ({error}); give the metric itself, such as "
            f"torchmetrics.classification.{kind.__name__}(num_classes={n_classes}, …)."
        ) from error


def _name(each: object) -> str:
    return each if isinstance(each, str) else type(each).__name__


def _try(name: str, metric: Metric, n_classes: int) -> None:
    """Compute on one made-up item per class, so that a metric of another sort fails now and not after an epoch."""
    try:
        _value(metric, torch.eye(n_classes), torch.arange(n_classes))
    except BadInputError:
        raise
    except Exception as error:  # a metric of another sort raises anything
        raise BadInputError(
            f"The metric {name!r} does not take probabilities ({n_classes} items, {n_classes} classes) and class "
            f"numbers: {(str(error).splitlines() or [type(error).__name__])[0][:200]} Allowed are multiclass metrics "
            f"with num_classes={n_classes}."
        ) from error


def _not_a_metric(each: object) -> str:
    return (
        f"{each!r} is no metric; allowed are names such as {', '.join(map(repr, [*SHORT][:3]))} or 'top_3', and "
        "torchmetrics.Metric objects."
    )


def split_scores(
    labels: pd.Series,
    probabilities: np.ndarray,
    classes: Sequence[str],
    now: pd.Series | None = None,
    metrics: Mapping[str, Metric] | None = None,
) -> dict[str, Any]:
    """Loss (mean log-loss, nats), accuracy, error_rate, n, per_class (class → n, accuracy) of (n, classes).

    A label (n,) that is no class (it may be gone since) counts as wrong. Labels that were corrected since, `now`,
    make error_rate_corrected where they are others; metrics are computed where some are given.
    """
    target = pd.Index(classes).get_indexer(pd.Index(labels))
    predicted = probabilities.argmax(1)
    right = predicted == target
    picked = np.where(target < 0, 0.0, probabilities[np.arange(len(target)), target])
    corrected = {}
    if now is not None and (now.to_numpy() != labels.to_numpy()).any():
        wrong = predicted != pd.Index(classes).get_indexer(pd.Index(now))
        corrected = {"error_rate_corrected": float(wrong.mean())}
    per_class: Mapping[str, Any] = {
        name: {"n": int((target == number).sum()), "accuracy": float(right[target == number].mean())}
        for number, name in enumerate(classes)
        if (target == number).any()
    }
    return {
        "loss": float(-np.log(np.maximum(picked, FLOOR)).mean()),
        "accuracy": float(right.mean()),
        "error_rate": float(1 - right.mean()),
        **corrected,
        "n": len(target),
        "per_class": per_class,
        **({"metrics": compute_metrics(metrics, probabilities, target)} if metrics else {}),
    }


def class_numbers(labels: pd.Series, classes: Sequence[str]) -> np.ndarray:
    """Labels (n,) as class numbers (n,) int64; a label that is no class is an error."""
    target = pd.Index(classes).get_indexer(pd.Index(labels))
    if (target < 0).any():
        raise BadInputError(unknown_name("class", labels[target < 0].iloc[0], classes, "in this learner"))
    return target.astype(np.int64)
