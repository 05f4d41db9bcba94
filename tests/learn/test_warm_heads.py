"""Heads of folds that follow a few changed labels, beside heads that are fitted anew."""

from __future__ import annotations

import numpy as np
import pytest

from bearwidgets.learn.head.linear_head import HeadFit, fitted_head, mean_fit
from bearwidgets.learn.head.warm_heads import WarmHeads


def clouds(n: int = 240, d: int = 20) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features of three classes, their labels with a fifth of them wrong, and the right ones."""
    random = np.random.default_rng(0)
    right = np.arange(n) % 3
    features = (np.eye(3, d)[right] * 2 + random.normal(0, 1, (n, d)) + 5).astype(np.float32)
    wrong = random.random(n) < 0.2
    return features, np.where(wrong, (right + 1) % 3, right), right


def fitted(features: np.ndarray, labels: np.ndarray, classes: int = 3) -> HeadFit:
    return fitted_head(features, labels, np.arange(len(labels)).astype(str), classes, 0)


def test_without_a_step_they_say_what_the_fit_said():
    features, labels, _ = clouds()
    fit = fitted(features, labels)
    assert np.abs(WarmHeads(features, fit).follow(labels, 0) - fit.out_of_fold).max() < 1e-5


@pytest.mark.parametrize("n", [240, 16], ids=["many", "fewer than features"])
def test_after_some_labels_changed_they_say_what_a_new_fit_would(n):
    features, labels, right = clouds(n)
    fit = fitted(features, labels)
    heads, now = WarmHeads(features, fit), labels.copy()
    rows = np.flatnonzero(labels != right)[: max(2, n // 24)]
    now[rows] = right[rows]
    long = WarmHeads(features, fit).follow(now, 200)
    soon = heads.follow(now)
    moved = np.abs(long - fit.out_of_fold).max()
    assert moved > 0.005
    assert np.abs(soon - long).max() < 0.35 * moved
    assert np.abs(heads.follow(now) - long).max() < 0.1 * moved, "what was left is made up for"


def test_what_is_left_out_is_judged_and_not_learned():
    features, labels, _ = clouds()
    labels[:20] = 2
    heads, now = WarmHeads(features, fitted(features, labels)), labels.copy()
    now[:20] = -1
    before, after = heads.follow(labels), heads.follow(now, 20)
    assert after[:20, 2].mean() < before[:20, 2].mean()
    assert after.sum(1) == pytest.approx(1, abs=1e-5)


def test_a_class_that_had_no_image_is_no_answer():
    features, labels, _ = clouds(60)
    heads, now = WarmHeads(features, fitted(features, labels, 4)), labels.copy()
    now[0] = 3
    assert heads.follow(now)[:, 3].max() < 1e-3


def test_the_mean_of_two_heads_has_no_folds_to_go_on_from():
    features, labels, _ = clouds(60)
    fit = fitted(features, labels)
    assert fit.folds is not None
    assert mean_fit([fit, fit]).folds is None
