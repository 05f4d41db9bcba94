"""Schedules against fastai's own, and by hand."""

from __future__ import annotations

import pytest

from bearwidgets.learn.training.recipe import fine_tune_phases
from bearwidgets.learn.training.schedule import Constant, Exponential, FlatCosine, OneCycle, cosine


@pytest.mark.parametrize("options", [{}, {"pct_start": 0.99}, {"pct_start": 0.3, "div": 5.0}])
def test_rates_and_momenta_are_those_of_fastai(options):
    schedule = pytest.importorskip("fastai.callback.schedule")
    cycle = OneCycle(**options)
    rate = schedule.combined_cos(cycle.pct_start, 1 / cycle.div, 1, 1 / 1e5)
    momentum = schedule.combined_cos(cycle.pct_start, 0.95, 0.85, 0.95)
    for step in range(101):
        assert cycle.at(step / 100) == pytest.approx((rate(step / 100), momentum(step / 100)), rel=1e-5)


def test_one_cycle_by_hand():
    cycle = OneCycle(pct_start=0.25)
    assert cycle.at(0.0) == pytest.approx((0.04, 0.95))
    assert cycle.at(0.125) == pytest.approx((0.52, 0.9))  # half-way up
    assert cycle.at(0.25) == pytest.approx((1.0, 0.85))
    assert cycle.at(0.625) == pytest.approx((0.500005, 0.9))  # half-way down
    assert cycle.at(1.0) == pytest.approx((1e-5, 0.95))


def test_the_others_by_hand():
    assert [FlatCosine().at(share)[0] for share in (0, 0.5, 0.75, 1)] == pytest.approx([1, 1, 1, 1e-5])
    assert FlatCosine().at(0.875) == pytest.approx((0.500005, 0.9))
    assert Constant().at(0.3) == (1.0, 0.9)
    assert [Exponential(1e-4).at(share)[0] for share in (0, 0.5, 1)] == pytest.approx([1e-4, 1e-2, 1])


def test_a_ramp_ends_where_it_should():
    assert [cosine(1, 3, share) for share in (-1, 0, 0.5, 1, 2)] == pytest.approx([1, 1, 2, 3, 3])


def test_the_phases_of_fine_tune():
    frozen, unfrozen = fine_tune_phases(3)
    assert (frozen.stage, frozen.epochs, frozen.lr, frozen.frozen_to) == ("frozen", 1, slice(2e-3), -1)
    assert frozen.schedule == OneCycle(pct_start=0.99)
    assert (unfrozen.epochs, unfrozen.lr, unfrozen.frozen_to) == (3, slice(1e-5, 1e-3), 0)
    assert unfrozen.schedule == OneCycle(pct_start=0.3, div=5.0)
    assert [phase.stage for phase in fine_tune_phases(0)] == ["frozen"]
    assert [phase.stage for phase in fine_tune_phases(2, freeze_epochs=0)] == ["unfrozen"]
