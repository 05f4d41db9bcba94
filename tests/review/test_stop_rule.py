"""The stop rule: what a random sample of what is left shows, and how often that is wrong."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest
from scipy.stats import hypergeom

from bearwidgets.errors import BadInputError
from bearwidgets.review.effect.stop_rule import RECALL, Draw, most_wrong, sample_size


def done(left, drawn, found, wrong=0, number=1, others=0):
    return Draw(number, left, drawn, found, drawn, wrong, others)


def test_the_smallest_sample_in_which_none_is_wrong():
    drawn = sample_size(1000, 200, 1)  # 222 in all: 23 left are too many

    def unseen(n):
        return comb(977, n) / comb(1000, n)

    assert unseen(drawn) <= 0.025 < unseen(drawn - 1)
    assert done(1000, drawn, 200).holds
    assert not done(1000, drawn - 1, 200).holds
    assert not done(1000, drawn, 200, wrong=1).holds


def test_the_bound_by_counting():
    most = most_wrong(60, 20, 1, 0.05)

    def so_few(wrong):
        return sum(comb(wrong, k) * comb(60 - wrong, 20 - k) for k in (0, 1)) / comb(60, 20)

    assert so_few(most) > 0.05 >= so_few(most + 1)
    assert most_wrong(60, 60, 7, 0.05) == 7
    assert most_wrong(60, 0, 0, 0.05) == 60


@pytest.mark.parametrize(("left", "found"), [(40, 0), (40, 9), (300, 20), (300, 90)])
@pytest.mark.parametrize("number", [1, 2])
def test_what_one_sample_says_is_wrong_at_most_as_often_as_it_may(left, found, number):
    for expected in (0, 6):
        drawn = sample_size(left, found, number, expected)
        seen = np.arange(drawn + 1)
        says = np.array([k <= left and done(left, drawn, found, int(k), number).holds for k in seen])
        for wrong in range(left + 1):
            untrue = says & (found + seen < RECALL * (found + wrong) - 1e-9)
            assert hypergeom.pmf(seen[untrue], left, wrong, drawn).sum() <= Draw(number, left, 0, 0).risk


def test_many_samples_in_turn_are_wrong_in_one_of_twenty_reviews_at_most():
    random, untrue = np.random.default_rng(0), 0
    for _ in range(400):
        left, found, hidden = 400, 90, 12  # 88 %: it must not be said yet
        for number in (1, 2, 3, 4):
            drawn = sample_size(left, found, number)
            wrong = int(random.hypergeometric(hidden, left - hidden, drawn))
            untrue += done(left, drawn, found, wrong, number).holds and found + wrong < RECALL * 102
            left, found, hidden = left - drawn, found + wrong, hidden - wrong
            if hidden + found == 0 or found >= RECALL * 102:
                break
    assert untrue <= 0.05 * 400


def test_a_sample_is_larger_where_wrong_ones_are_expected():
    sizes = [sample_size(1300, 200, 1, expected) for expected in (0, 3, 8)]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[2] < 1300
    assert sample_size(1300, 200, 1, 90) > 1000, "too many are left: nearly all would have to be looked at"
    assert sample_size(1300, 200, 2) > sizes[0], "a further sample must be surer"
    assert sample_size(1300, 0, 1) > 1200, "nothing found: each single one counts"
    assert sample_size(0, 5, 1) == 0


def test_a_sample_says_nothing_until_it_is_done():
    begun = Draw(1, 1300, 192, 200, looked=100)
    assert begun.recall is None
    assert not begun.holds
    assert str(begun).endswith("should 92 more images drawn at random be right.")
    lost = Draw(1, 1300, 192, 200, looked=100, wrong=4)
    assert not lost.can_hold
    assert str(lost).startswith(
        "Too many may be left: 4 of 100 drawn at random were wrong. Go on down the list"
    )


def test_the_sentences():
    promise = "With 95 % confidence at least 90 % of the wrong labels are found"
    assert str(done(1300, 192, 200)) == f"{promise}: 0 of 192 drawn at random were wrong."
    missed = done(1300, 192, 200, wrong=2)
    again = sample_size(1300 - 192, 202, 2)
    assert missed.recall < RECALL
    assert f"look at {again} more images drawn at random" in str(missed)
    assert f"surely found are {int(100 * missed.recall)} %" in str(missed)


def test_what_is_found_elsewhere_since_counts_and_the_sample_stays():
    missed = done(1300, 300, 200, wrong=2)
    found = done(1300, 300, 200, wrong=2, others=12)
    assert not missed.holds
    assert found.holds
    assert done(50, 50, 0).holds, "everything is looked at"


@pytest.mark.parametrize(
    "numbers",
    [
        (0, 10, 5, 0),
        (1, 10, 11, 0),
        (1, 10, 5, -1),
        (1, 10, 5, 0, 6),
        (1, 10, 5, 0, 2, 3),
        (1, 9, 5, 0, 5, 0, 5),
    ],
)
def test_numbers_that_cannot_be_are_refused(numbers):
    with pytest.raises(BadInputError, match="no such sample"):
        Draw(*numbers)
