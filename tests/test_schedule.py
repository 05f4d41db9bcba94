"""The one-cycle schedule against fastai's own."""

from __future__ import annotations

import pytest

from bearwidgets.learn.schedule import OneCycle, cosine
from bearwidgets.learn.train import fine_tune_phases


@pytest.mark.parametrize("options", [{}, {"pct_start": 0.99}, {"pct_start": 0.3, "div": 5.0}])
def test_rates_and_momenta_are_those_of_fastai(options):
    schedule = pytest.importorskip("fastai.callback.schedule")
    cycle = OneCycle(2e-3, **options)
    rate = schedule.combined_cos(cycle.pct_start, cycle.lr_max / cycle.div, cycle.lr_max, cycle.lr_max / 1e5)
    momentum = schedule.combined_cos(cycle.pct_start, 0.95, 0.85, 0.95)
    for step in range(101):
        assert cycle.at(step / 100) == pytest.approx((rate(step / 100), momentum(step / 100)), rel=1e-5)


def test_numbers_by_hand():
    cycle = OneCycle(1.0, pct_start=0.25)
    assert cycle.at(0.0) == pytest.approx((0.04, 0.95))
    assert cycle.at(0.125) == pytest.approx((0.52, 0.9))  # half-way up
    assert cycle.at(0.25) == pytest.approx((1.0, 0.85))
    assert cycle.at(0.625) == pytest.approx((0.500005, 0.9))  # half-way down
    assert cycle.at(1.0) == pytest.approx((1e-5, 0.95))


def test_a_ramp_ends_where_it_should():
    assert [cosine(1, 3, share) for share in (-1, 0, 0.5, 1, 2)] == pytest.approx([1, 1, 2, 3, 3])


def test_the_phases_of_fine_tune():
    frozen, unfrozen = fine_tune_phases(3, batch_size=8)
    assert (frozen.epochs, frozen.body, frozen.head.lr_max, frozen.head.pct_start) == (1, None, 2e-3, 0.99)
    assert (unfrozen.epochs, unfrozen.head.lr_max, unfrozen.head.div, unfrozen.head.pct_start) == (
        3,
        1e-3,
        5,
        0.3,
    )
    assert unfrozen.body is not None
    assert unfrozen.body.lr_max == pytest.approx(1e-5)
    assert [phase.stage for phase in fine_tune_phases(0)] == ["frozen"]
