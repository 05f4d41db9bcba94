"""Simple properties that give the label away."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from bearwidgets.review.checks.spurious import property_skill, spurious_correlation


def made_inputs(target, **columns):
    return SimpleNamespace(
        threshold=None,
        table=pd.DataFrame({"label": [f"c{number}" for number in target]}),
        image_stats=pd.DataFrame(columns),
    )


def test_a_property_that_tells_the_label_is_named():
    rng = np.random.default_rng(0)
    target = rng.integers(0, 3, 300)
    brightness = 0.3 * target + rng.normal(0, 0.03, 300)
    found = spurious_correlation(made_inputs(target, brightness=brightness, shape=rng.random(300)))
    assert found.flag.mean() > 0.95
    assert found.score[found.flag].min() > found.score[~found.flag].max(initial=0)


def test_a_weak_link_and_chance_are_not_flagged():
    rng = np.random.default_rng(0)
    target = rng.integers(0, 2, 2000)
    found = spurious_correlation(
        made_inputs(target, brightness=0.5 * target + rng.normal(size=2000), contrast=rng.random(2000))
    )
    assert not found.flag.any()
    assert "Brightness" in found.note


@pytest.mark.parametrize("n", [20, 60, 400])
def test_many_properties_of_noise_tell_nothing(n):
    rng = np.random.default_rng(n)
    for _ in range(10):
        skill = property_skill(rng.random(n), rng.integers(0, 3, n))
        assert skill is None or not skill.gives_away


def test_rare_classes_weigh_as_much_as_common_ones():
    target = np.repeat([0, 1], [950, 50])
    skill = property_skill(np.random.default_rng(0).random(1000), target)
    assert skill.balanced_accuracy == pytest.approx(0.5, abs=0.12)  # not 0.95


def test_the_middle_of_three_is_told_too():
    values = np.random.default_rng(0).random(600)
    skill = property_skill(values, ((values > 0.4) & (values < 0.6)).astype(int))
    assert skill.balanced_accuracy > 0.95  # no straight line could


def test_unknown_values_and_tiny_classes_are_left_out():
    rng = np.random.default_rng(0)
    target = np.repeat([0, 1, 2], [50, 50, 3])
    values = target + rng.normal(0, 0.05, 103)
    values[7] = np.nan
    skill = property_skill(values, target)
    assert np.isnan(skill.probability[7])
    assert np.isnan(skill.probability[-3:]).all()
    assert skill.chance == 0.5
    assert skill.balanced_accuracy > 0.95
    assert property_skill(np.ones(100), np.repeat([0, 1], 50)) is None
    found = spurious_correlation(made_inputs([0, 1, 0], brightness=[0.1, 0.2, 0.3]))
    assert np.isnan(found.score).all()
