"""The running yield, what is left to find, and the hint to stop; on made-up scores whose truth is known."""

from __future__ import annotations

import re

import numpy as np
import pytest
from stub_issues import StubIssues
from stub_learner import StubLearner

from bearwidgets.clean.journal import Journal
from bearwidgets.review.effect.running_yield import KEPT, WINDOW, review_yield
from bearwidgets.widgets.cleaner import review_trials as looks_module
from bearwidgets.widgets.cleaner.session import Session
from bearwidgets.widgets.protocol import ViewSpec


def made_up(seed, n=500, slope=1.5, middle=2.0):
    """Scores, the most suspect first, and whether each label is wrong."""
    generator = np.random.default_rng(seed)
    odds = np.sort(generator.normal(0, 2, n))[::-1]
    wrong = generator.random(n) < 1 / (1 + np.exp(-slope * (odds - middle)))
    return 1 / (1 + np.exp(-odds)), wrong


def looked(score, wrong, n):
    changed = np.full(len(score), np.nan)
    changed[:n] = wrong[:n]
    return review_yield(score, changed, np.arange(len(score)))


def test_the_newest_decisions_count():
    changed = np.array([1.0] * 10 + [0.0] * 30 + [np.nan] * 5)
    figures = review_yield(np.linspace(1, 0, 45), changed, np.arange(45)[::-1])
    assert (figures.decided, figures.changed, figures.left) == (40, 10, 5)
    assert (figures.recent, figures.recent_changed, figures.rate) == (WINDOW, 10, 0.4)


def test_little_says_little():
    score, wrong = made_up(0)
    assert str(looked(score, wrong, 0)) == "Nothing here is decided yet."
    assert looked(score, wrong, 24).errors is None
    assert str(looked(score, np.ones(500), 1)) == "1 of the last 1 decision changed something (100 %)."
    assert looked(score, np.ones(500), 100).errors is None, (
        "everything was wrong: who knows how far that goes"
    )
    few = np.ones(500)
    few[: KEPT - 1] = 0
    assert looked(score, few, 100).errors is None
    everything = looked(score, wrong, 500)
    assert (everything.left, everything.errors, everything.hint) == (0, None, "")


def test_the_interval_holds_what_is_left_as_often_as_it_says():
    hits, said = 0, 0
    for seed in range(60):
        score, wrong = made_up(seed)
        figures = looked(score, wrong, 150)
        if figures.errors is not None:
            said += 1
            hits += figures.low <= wrong[150:].sum() <= figures.high
    assert said > 50
    assert 0.8 <= hits / said <= 1.0


def test_the_estimate_does_not_depend_on_the_order_of_looking():
    score, wrong = made_up(3)
    shuffled = np.random.default_rng(1).permutation(500)
    changed = np.full(500, np.nan)
    changed[:150] = wrong[:150]
    one = review_yield(score, changed, np.arange(500))
    other = review_yield(score[shuffled], changed[shuffled], np.arange(500))
    assert (one.errors, one.ahead) == pytest.approx((other.errors, other.ahead))


@pytest.mark.parametrize("score", [np.ones(400), np.r_[np.ones(200), np.zeros(200)]])
def test_scores_that_say_nothing_give_the_rate(score):
    wrong = np.random.default_rng(0).random(400) < 0.3
    figures = looked(score[np.random.default_rng(1).permutation(400)], wrong, 200)
    assert figures.errors == pytest.approx(60, abs=15)


def test_stop_when_neither_the_last_nor_the_next_decisions_change_much():
    score, wrong = made_up(5, slope=4)
    stops = [n for n in range(25, 450, 25) if looked(score, wrong, n).stop]
    assert stops == list(range(stops[0], 450, 25)), "once it is time to stop, it stays so"
    assert wrong[: stops[0]].sum() >= 0.95 * wrong.sum()
    assert stops[0] < 250
    hint = looked(score, wrong, stops[0]).hint
    left = f"of the other {500 - stops[0]} may still be wrong"
    assert re.match(rf"You can stop here: (no|one) change in the last 25\. .* {left} \(\d", hint)
    assert str(looked(score, wrong, stops[0])).endswith(hint)
    noisy = np.random.default_rng(0).random(500) < 0.3
    assert not any(looked(score, noisy, n).stop for n in range(25, 450, 25)), "three of ten are wrong"


# ---------------------------------------------------------------------- in a session


@pytest.fixture
def session(ds):
    ids = ds.table.id
    copies = [
        (ids[5], 0.9, 0, True),
        (ids[1], 0.9, 0, False),
        (ids[7], 0.8, 1, True),
        (ids[6], 0.8, 1, False),
    ]
    return Session(StubLearner(ds), issues=StubIssues(copies=copies))


def test_all_items_by_their_label_issue(session):
    session.mark(session.board.ids[:6], "delete", None)
    session.mark(session.board.ids[6:10], "keep", None)
    session.mark(session.board.ids[10:12], "unsure", None)
    figures = session.review_yield()
    assert (figures.decided, figures.changed, figures.left) == (10, 6, 12), "unsure is neither"
    assert figures.recent_changed == 6
    session.undo()
    assert session.review_yield().left == 14


def test_a_queue_counts_its_own_looks_and_a_group_is_one(session):
    session.mark(session.board.ids[10:14], "delete", None)
    session.show(ViewSpec("queue", queue="copies"))
    assert session.review_yield().decided == 0
    session.resolve_group(session.board.ids[session.board.order[:1]], keepers=True)
    figures = session.review_yield()
    assert (figures.decided, figures.changed, figures.left) == (1, 1, 1)
    session.show(ViewSpec("label_issue"))
    figures = session.review_yield()
    assert (figures.decided, figures.left) == (4, 18), "copies say nothing about labels"


def test_looks_count_anew_after_a_round_and_after_a_retrain(session):
    session.mark(session.board.ids[:4], "keep", None)
    session.mark(session.board.ids[4:6], "delete", None)
    session.apply()
    assert session.review_yield().decided == 0, "what was kept alone would say that nothing was found"
    again = Session(StubLearner(session.ds))
    assert again.review_yield().decided == 0
    session.rollback(None)
    assert session.review_yield().decided == 6
    session.retrain()
    session.job.wait()
    assert session.review_yield().decided == 0


def test_without_scores_there_is_nothing_to_say(ds):
    session = Session(ds)
    session.mark(session.board.ids[:4], "delete", None)
    assert session.review_yield().decided == 0
    assert looks_module.counted_from(Journal.open(ds)) == 0
