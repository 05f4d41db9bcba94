"""Metrics by name: against scikit-learn and by hand, on the odd cases too."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torchmetrics
from sklearn import metrics as reference

from bearwidgets.errors import BadInputError
from bearwidgets.learn.scores import SHORT, compute_metrics, make_metrics


@pytest.fixture
def items():
    """Probabilities (60, 4) that are right more often than not, and their class numbers."""
    rng = np.random.default_rng(0)
    target = rng.integers(0, 4, 60)
    scores = rng.random((60, 4)) + 0.8 * np.eye(4)[target]
    return (scores / scores.sum(1, keepdims=True)).astype(np.float32), target


def one(name, probabilities, target):
    (value,) = compute_metrics(make_metrics(name, probabilities.shape[1]), probabilities, target).values()
    return value


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("f1", lambda p, t: reference.f1_score(t, p.argmax(1), average="macro")),
        ("precision", lambda p, t: reference.precision_score(t, p.argmax(1), average="macro")),
        ("recall", lambda p, t: reference.balanced_accuracy_score(t, p.argmax(1))),
        ("auroc", lambda p, t: reference.roc_auc_score(t, p, multi_class="ovr", average="macro")),
        (
            "average_precision",
            lambda p, t: reference.average_precision_score(np.eye(4)[t], p, average="macro"),
        ),
        ("jaccard", lambda p, t: reference.jaccard_score(t, p.argmax(1), average="macro")),
        ("kappa", lambda p, t: reference.cohen_kappa_score(t, p.argmax(1))),
        ("matthews", lambda p, t: reference.matthews_corrcoef(t, p.argmax(1))),
        ("top_1", lambda p, t: reference.accuracy_score(t, p.argmax(1))),
        ("top_2", lambda p, t: reference.top_k_accuracy_score(t, p, k=2)),
        ("MulticlassRecall", lambda p, t: reference.balanced_accuracy_score(t, p.argmax(1))),
        ("HammingDistance", lambda p, t: 1 - reference.balanced_accuracy_score(t, p.argmax(1))),
    ],
)
def test_figures_are_those_of_scikit_learn(items, name, expected):
    assert one(name, *items) == pytest.approx(expected(*items), abs=1e-5)


def test_calibration_and_specificity_by_hand(items):
    sure = np.array([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4]], np.float32)
    assert one("calibration", sure, np.array([0, 1, 0])) == pytest.approx((2 * 0.4 + 0.4) / 3, abs=1e-5)
    probabilities, target = items
    guessed = probabilities.argmax(1)
    shares = [np.mean(guessed[target != number] != number) for number in range(4)]
    assert one("specificity", probabilities, target) == pytest.approx(np.mean(shares), abs=1e-5)


@pytest.mark.parametrize("name", ["f1", "precision", "recall", "jaccard", "auroc", "average_precision"])
def test_classes_without_items_are_left_out_of_the_mean(items, name):
    probabilities, target = items
    here = target != 2
    with_gap = one(name, probabilities[here], target[here])
    assert np.isfinite(with_gap)
    if name in ("f1", "precision", "recall"):
        guessed = probabilities[here].argmax(1)
        assert (guessed == 2).any(), "torchmetrics would count the class as 0"
        expected = getattr(reference, f"{name}_score")(
            target[here], guessed, labels=[0, 1, 3], average="macro"
        )
        assert with_gap == pytest.approx(expected, abs=1e-6)


def test_what_is_not_defined_is_nan(items):
    probabilities, _ = items
    assert np.isnan(one("auroc", probabilities, np.ones(60, int))), "one class only"
    assert np.isnan(one("f1", probabilities[:0], np.zeros(0, int))), "no items"
    assert one("recall", probabilities[:1], np.array([probabilities[0].argmax()])) == 1


def test_items_of_a_class_that_is_gone_are_left_out(items):
    probabilities, target = items
    gone = np.where(target == 1, -1, target)
    assert one("top_1", probabilities, gone) == one("top_1", probabilities[target != 1], target[target != 1])
    assert np.isnan(one("top_1", probabilities, np.full(60, -1)))


def test_every_short_name_gives_a_number_for_every_number_of_classes():
    for n_classes in (2, 3, 120):
        metrics = make_metrics([*SHORT, f"top_{n_classes}"], n_classes)
        values = compute_metrics(metrics, np.eye(n_classes), np.arange(n_classes))
        assert list(values) == [*SHORT, f"top_{n_classes}"]
        assert all(isinstance(value, float) and np.isfinite(value) for value in values.values())
        assert (values["f1"], values["calibration"], values["kappa"]) == pytest.approx((1, 0, 1))


def test_each_computation_starts_afresh_and_leaves_what_it_was_given(items):
    mine = torchmetrics.classification.MulticlassAccuracy(4, average="micro")
    mine.update(torch.eye(4), torch.tensor([1, 1, 1, 1]))
    before = float(mine.compute())
    metrics = make_metrics({"share": mine, "f": torchmetrics.classification.MulticlassF1Score(4)}, 4)
    assert compute_metrics(metrics, *items) == compute_metrics(metrics, *items)
    assert compute_metrics(metrics, *items)["share"] == pytest.approx(one("top_1", *items))
    assert metrics["share"] is mine
    assert float(mine.compute()) == before


def test_a_metric_of_ones_own_is_taken_as_it_is(items):
    macro = torchmetrics.classification.MulticlassF1Score(4, average="macro")
    assert compute_metrics(make_metrics([macro, "f1"], 4), *items)["MulticlassF1Score"] == pytest.approx(
        one("f1", *items)
    )
    assert make_metrics(None, 4) == {}


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("presicion", r"No metric 'presicion'.*Did you mean 'precision'"),
        ("F1score", r"Did you mean 'F1Score'"),
        ("top_0", r"No metric 'top_0'"),
        ("top_5", r"'top_5' of 4 classes is always right; allowed is up to top_4"),
        ("ConfusionMatrix", r"ConfusionMatrix gives a table"),
        ("ROC", r"ROC gives a table"),
        ("FBetaScore", r"MulticlassFBetaScore cannot be made from its name alone.*beta"),
        (7, r"7 is no metric; allowed are names such as 'f1'"),
        ([None], r"None is no metric"),
        (torchmetrics.classification.MulticlassF1Score(7), r"does not take probabilities.*num_classes=4"),
        (torchmetrics.text.CharErrorRate(), r"does not take probabilities"),
    ],
)
def test_what_cannot_be_used_is_refused_at_once(wanted, message):
    with pytest.raises(BadInputError, match=message):
        make_metrics(wanted, 4)
