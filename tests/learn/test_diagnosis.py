"""The diagnosis: each finding, its near neighbor that must stay silent, how often noise alone raises an alarm."""

from __future__ import annotations

import dataclasses
from collections import Counter
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest
from stub_learner import StubLearner, paths

from bearwidgets.data.dataset import Dataset
from bearwidgets.learn.diagnosis.diagnosis import _by_chance, diagnose, wilson
from bearwidgets.learn.diagnosis.evidence import Finding, Score, TrainingEvidence, evidence_of
from bearwidgets.learn.diagnosis.loss_rules import last_phase

THREE = ("black", "grizzly", "teddy")
BLIND = float(np.log(3))
PER_EPOCH = 15
NO_VALID = {"valid_counts": {}, "valid_right": {}, "valid_predicted": {}}


def steps(loss, lr=2e-3, stage="fit"):
    """Training steps with these losses, (n,), at one rate or at (n,) of them."""
    count = np.arange(1, len(loss) + 1)
    columns = {"stage": stage, "step": count, "epoch": count / PER_EPOCH, "lr": lr, "momentum": 0.9}
    return pd.DataFrame({**columns, "loss": loss})


def history(valid_error, valid_loss=None, train_loss=None, stage="fit"):
    """A row an epoch; losses fall from 0.9 to 0.2 where none are given."""
    fall = np.linspace(0.9, 0.2, len(valid_error))
    columns = {
        "stage": stage,
        "epoch": np.arange(1, len(valid_error) + 1),
        "train_loss": fall if train_loss is None else train_loss,
        "valid_loss": fall if valid_loss is None else valid_loss,
        "valid_error": valid_error,
    }
    return pd.DataFrame(columns)


def descent(start, end, n=60, noise=0.05, seed=0):
    """Losses (n,) that come down fast and then level off, as of a good training."""
    share = np.arange(n) / (n - 1)
    return end + (start - end) * np.exp(-6 * share) + np.random.default_rng(seed).normal(0, noise, n)


def level(at, n=60, noise=0.03, seed=0):
    return at + np.random.default_rng(seed).normal(0, noise, n)


def split(n, classes=THREE):
    """n images, spread evenly."""
    return {name: n // len(classes) + (place < n % len(classes)) for place, name in enumerate(classes)}


def taken(counts, n):
    """`counts` less n, taken evenly."""
    left = dict(counts)
    for place in range(n):
        name = [each for each in left if left[each]][place % sum(map(bool, left.values()))]
        left[name] -= 1
    return left


def evidence(*, n=120, wrong=6, **changes):
    """A plainly good training, apart from the changes."""
    counts = split(n)
    good = {
        "history": history([0.3, 0.1, 0.06, wrong / n if n else None]),
        "steps": steps(descent(1.1, 0.15)),
        "train_counts": dict.fromkeys(THREE, 60),
        "valid_counts": counts,
        "valid_right": taken(counts, wrong),
        "valid_predicted": counts,
        "mode": "full",
    }
    return TrainingEvidence(**{**good, **changes})


def codes(given_evidence):
    return [finding.code for finding in diagnose(given_evidence)]


def only(given_evidence):
    """The one finding that there is."""
    (finding,) = diagnose(given_evidence)
    return finding


@pytest.mark.parametrize("seed", range(5))
def test_a_good_training_is_passed_over_in_silence(seed):
    assert diagnose(evidence(steps=steps(descent(1.1, 0.15, seed=seed)))) == []
    assert diagnose(evidence(steps=steps(descent(1.6, 0.15, seed=seed)))) == [], "a raw head may start above"


def test_a_good_cached_training_is_passed_over_in_silence():
    good = {
        "held_out_loss": {100.0: 0.15, 30.0: 0.12},
        "in_sample": Score(2, 180),
        "out_of_fold": Score(8, 180),
    }
    row = history([0.05], [0.1], [0.12], stage="head")
    assert diagnose(evidence(history=row, steps=steps([]), mode="quick", **good)) == []


def test_a_finding_says_its_sentence_and_its_advice():
    assert str(Finding("code", "It is so.", {"n": 1}, "Do this.")) == "It is so. Do this."


# Rate too high


def test_a_loss_that_is_no_number():
    loss = descent(1.1, 0.15)
    loss[30] = np.nan
    finding = only(evidence(steps=steps(loss, lr=0.5)))
    assert finding.code == "rate_too_high"
    assert finding.figure == {"step": 31, "lr": 0.5}
    assert (
        finding.sentence == "The training loss was not finite at step 31: the learning rate 0.5 is too high."
    )


def test_a_loss_that_ends_above_where_it_had_been():
    loss = np.concatenate([descent(1.1, 0.4, 30), level(0.8, 30)])
    finding = only(evidence(steps=steps(loss, lr=0.2)))
    assert finding.code == "rate_too_high"
    assert finding.figure["high"] == pytest.approx(0.8, abs=0.05)
    assert finding.figure["low"] == pytest.approx(0.4, abs=0.05)
    assert "from as low as 0.4" in finding.sentence


def test_a_loss_that_never_comes_back_below_its_first_step():
    assert codes(evidence(steps=steps([0.3, *level(0.7, 40)], lr=0.2))) == ["rate_too_high"]


def test_a_leap_far_above_blind_guessing():
    loss = np.concatenate([[1.15], level(6.0, 8, 2.0), descent(2.0, 0.8, 51)])
    finding = only(evidence(steps=steps(loss, lr=0.2)))
    assert finding.code == "rate_too_high"
    assert finding.figure["low"] == 1.15, "before the leap, not after it"
    assert finding.figure["high"] > 4


def bumped(loss, rows, by):
    loss[rows] += by
    return steps(loss)


@pytest.mark.parametrize(
    "some",
    [
        *(bumped(descent(1.1, 0.15), place, 1.5) for place in (0, 10, 30, 58)),  # one strange batch
        bumped(descent(1.1, 0.15), slice(10, 20), 1.5),  # a bump on the way to a good end
        bumped(descent(1.1, 0.2, noise=0.4), slice(-7, None), 0.12),  # a rise within noise
        pd.concat([steps(descent(1.1, 0.1), stage="frozen"), steps(descent(0.5, 0.12), stage="unfrozen")]),
    ],
)
def test_what_is_no_rate_too_high(some):
    assert "rate_too_high" not in codes(evidence(steps=some))


# Rate too low


def stuck(lr=2e-6, at=1.12, n=60, **changes):
    return evidence(steps=steps(level(at, n), lr=lr), **changes)


def test_a_loss_that_stands_still_at_a_tiny_rate():
    finding = only(stuck())
    assert finding.code == "rate_too_low"
    assert finding.figure["steps"] == 60
    assert finding.figure["lr"] == 2e-6
    assert finding.figure["blind_guessing"] == pytest.approx(BLIND)
    assert "hardly moved in 60 steps: 1.1" in finding.sentence


@pytest.mark.parametrize(
    "other",
    [
        stuck(lr=2e-3),  # weights did move: a plateau, or labels that tell nothing
        stuck(at=0.1),  # fitted
        stuck(n=15),
        evidence(steps=steps(level(1.12, noise=0.6, seed=1), lr=2e-6)),  # it may have moved
        evidence(steps=pd.concat([steps(descent(1.1, 0.5), stage="frozen"), steps(level(0.5), 2e-6)])),
    ],
)
def test_standing_still_for_another_reason_is_no_rate_too_low(other):
    assert diagnose(other) == []


# Under-fit


def falling(**changes):
    """One long, steady fall to 0.6, and the validation loss with it."""
    loss = np.linspace(1.1, 0.6, 60) + level(0, 60)
    return evidence(
        **{"steps": steps(loss), "history": history([0.3, 0.1, 0.06, 0.05], [1.0, 0.9, 0.8, 0.7]), **changes}
    )


def test_a_loss_that_is_still_falling():
    finding = only(falling())
    assert finding.code == "under_fit"
    assert finding.figure["fall"] == pytest.approx(0.25, abs=0.06)
    assert finding.figure["steps"] == 30
    assert "in the last 30 steps, to 0.6" in finding.sentence


def test_a_short_training_is_judged_by_all_its_steps():
    few = descent(1.1, 0.6, 20, noise=0.02)
    finding = only(falling(steps=steps(few)))
    assert finding.code == "under_fit"
    assert "in only 20 steps" in finding.sentence
    long = np.concatenate([few, level(few[-5:].mean(), 60, 0.02)])
    assert diagnose(falling(steps=steps(long))) == [], "the same fall, long over"


def test_a_single_epoch_needs_no_falling_validation_loss():
    assert codes(falling(history=history([0.05], [1.3]))) == ["under_fit"]


def test_an_epoch_after_a_frozen_one_is_held_against_that():
    def after(last):
        rows = [history([0.1], [0.9], stage="frozen"), history([0.05], [last], stage="unfrozen")]
        parts = [steps(level(0.9, 9), stage="frozen"), steps(np.linspace(0.9, 0.6, 30), stage="unfrozen")]
        return codes(falling(history=pd.concat(rows), steps=pd.concat(parts)))

    assert after(0.7) == ["under_fit"]
    assert after(0.95) == []


@pytest.mark.parametrize(
    "other",
    [
        falling(history=history([0.3, 0.1, 0.06, 0.05], [0.7, 0.8, 0.9, 1.0])),  # learning by rote
        falling(history=history([0.3, 0.1, 0.06, 0.05], [1.0, 0.9, 0.7, 0.75])),  # its lowest is past
        falling(history=history([0.3, 0.1, 0.06, 0.05], [0.5, 0.4, 0.3, 0.2])),  # hard augmentation only
        falling(history=history([0.3, 0.1, 0.06, 0.05], [None] * 4)),  # nobody can tell
        falling(steps=steps(np.linspace(0.8, 0.1, 60))),  # fitted
        falling(steps=steps(level(0.6))),  # nothing falls any more
        falling(steps=steps(np.linspace(0.63, 0.6, 60))),  # too little to matter
        falling(steps=steps([1.1, 0.9])),  # too few to tell
    ],
)
def test_no_under_fit_where_more_epochs_would_not_help_or_nobody_can_tell(other):
    assert diagnose(other) == []


def cached(in_sample, out_of_fold, loss=0.9):
    row = history([0.05], [0.1], [loss], stage="head")
    fit = {
        "held_out_loss": {100.0: loss, 30.0: loss + 0.1},
        "in_sample": in_sample,
        "out_of_fold": out_of_fold,
    }
    return evidence(history=row, steps=steps([]), mode="quick", **fit)


def test_features_that_do_not_tell_the_classes_apart():
    finding = only(cached(Score(60, 180), Score(80, 180)))
    assert finding.code == "under_fit"
    assert finding.figure == {"train_error": 1 / 3, "held_out_error": 4 / 9, "n": 180, "held_out_loss": 0.9}
    assert "180 images that the head was trained on are wrong, 44.4 % of held-out ones" in finding.sentence


@pytest.mark.parametrize(
    "other",
    [
        cached(Score(10, 180), Score(80, 180)),  # fitted well: the rest is in the fit, not in the features
        cached(Score(25, 180), Score(25, 180)),  # 13.9 %, from 9.6 % on
        cached(Score(35, 180), Score(80, 180)),  # less than half
        cached(Score(60, 180), Score(80, 180), loss=0.2),
        cached(Score(60, 180), None),
    ],
)
def test_a_head_that_fits_or_cannot_be_judged_is_silent(other):
    assert diagnose(other) == []


def test_steps_of_an_earlier_training_tell_nothing_of_a_cached_one():
    wild = steps([1.1, *level(8, 40)], lr=0.9)
    rows = pd.concat([history([0.3, 0.01, 0.3, 0.4]), history([0.05], stage="head")])
    assert diagnose(evidence(history=rows, steps=wild, mode="quick")) == []
    assert codes(evidence(history=rows, steps=wild)) == ["rate_too_high"]


# Over-fit


def worse(n=400, best=40, last=80, **changes):
    errors = np.array([150, best, last, last]) / n
    return evidence(n=n, wrong=last, **{"history": history(errors), **changes})


def test_a_metric_that_got_worse_while_the_training_loss_fell():
    finding = only(worse())
    assert finding.code == "over_fit"
    figure = dict(finding.figure)
    assert figure.pop("p_value") < 0.001
    assert figure == {"best_epoch": 2, "best_error": 0.1, "error": 0.2, "n": 400}
    assert finding.sentence == (
        "The validation error was lowest at fit epoch 2 (10.0 %) and 20.0 % or more at last (n = 400), while the "
        "training loss fell: overfitting."
    )


@pytest.mark.parametrize(
    "other",
    [
        worse(n=96, best=4, last=5),  # one more mistake
        worse(n=400, best=40, last=55),  # 10 % and 13.8 %: within chance
        worse(history=history(np.array([150, 40, 40, 80]) / 400)),  # the last epoch alone: a stray
        worse(history=history(np.array([150, 40, 80, 80]) / 400, train_loss=[0.9, 0.3, 0.4, 0.5])),
        worse(
            history=history([0.1, 0.05, 0.05, 0.05], valid_loss=[0.2, 0.3, 0.6, 0.9]), last=20
        ),  # the metric holds
        worse(valid_right=taken(split(400), 42)),  # the best weights were put back
    ],
)
def test_what_is_no_over_fit(other):
    assert "over_fit" not in codes(other)


def test_more_epochs_to_choose_the_best_of_ask_for_more():
    assert _by_chance(40, 60, 400, 2) < 0.05 < _by_chance(40, 60, 400, 20)


@pytest.mark.parametrize(("best", "last", "n", "epochs"), [(4, 9, 96, 4), (20, 30, 60, 10), (0, 3, 12, 3)])
def test_the_chance_of_a_worsening_is_that_of_drawn_epochs(best, last, n, epochs):
    drawn = np.random.default_rng(0).binomial(n, (best + last) / (2 * n), (100_000, epochs))
    share = (drawn[:, -1] - drawn[:, :-1].min(1) >= last - best).mean()
    assert _by_chance(best, last, n, epochs) == pytest.approx(share, abs=0.006)


# Chance level, swallowed classes


def predicting(right, n=120, **changes):
    counts = split(n)
    return evidence(
        **{"n": n, "history": history([1 - right / n]), "valid_right": taken(counts, n - right), **changes}
    )


def test_no_better_than_naming_one_class():
    finding = only(predicting(42, valid_predicted={"teddy": 120}))
    assert finding.code == "chance_level", "that the others are never predicted goes without saying"
    assert finding.figure["right"] == 42
    assert finding.figure["naming_one_class"] == 40
    assert finding.figure["p_value"] == pytest.approx(binomtest(42, 120, 1 / 3, alternative="greater").pvalue)
    assert finding.sentence.startswith(
        "42 of 120 validation images are classified correctly; always answering 'black' would get 40."
    )


def test_a_network_that_names_the_frequent_class_gains_nothing_by_it():
    skewed = {"black": 160, "grizzly": 20, "teddy": 20}
    counts = {"black": 96, "grizzly": 12, "teddy": 12}
    said = {"valid_counts": counts, "valid_right": {"black": 96}, "valid_predicted": {"black": 120}}
    finding, *_ = diagnose(predicting(96, train_counts=skewed, **said))
    assert finding.code == "chance_level"
    assert finding.figure["naming_one_class"] == 96


def test_better_than_chance_or_too_few_to_tell_is_silent():
    assert "chance_level" not in codes(predicting(52))  # p = 0.014
    assert "chance_level" not in codes(predicting(6, n=12)), "p = 0.18, but 50 % may well be 74 %"
    assert "chance_level" in codes(predicting(3, n=12)), "and 25 % hardly above half"


def test_a_class_that_is_never_predicted():
    finding = only(evidence(valid_predicted={"black": 60, "grizzly": 60}))
    assert finding.code == "class_swallowed"
    assert finding.figure == {"never_predicted": {"teddy": 40}, "n": 120}
    assert "'teddy' (40)" in finding.sentence


@pytest.mark.parametrize(
    "changes",
    [
        {"valid_predicted": {"black": 60, "grizzly": 59, "teddy": 1}},
        {
            "valid_predicted": {"black": 60, "grizzly": 60},
            "valid_counts": {"black": 60, "grizzly": 57, "teddy": 3},
            "valid_right": {"black": 60, "grizzly": 57},
        },
        {
            "valid_predicted": {"black": 60, "grizzly": 60},
            "train_counts": {"black": 60, "grizzly": 60, "teddy": 0},
        },
    ],
)
def test_a_class_that_need_not_have_been_predicted(changes):
    assert "class_swallowed" not in codes(evidence(**changes))


# Numbers of images


@pytest.mark.parametrize(
    ("counts", "few"),
    [
        ((60, 60, 9), [9]),
        ((60, 60, 10), []),
        ((200, 200, 15), [15]),  # below a tenth of the median class
        ((200, 200, 20), []),
        ((9000, 9000, 150), []),  # few beside the others, but enough
        ((9000, 9000, 99), [99]),
        ((60, 60, 0), [0]),
    ],
)
def test_few_training_images(counts, few):
    found = [
        each
        for each in diagnose(evidence(train_counts=dict(zip(THREE, counts, strict=True))))
        if "few" in each.code
    ]
    assert [list(each.figure["few"].values()) for each in found] == ([few] if few else [])
    assert all(each.code == "few_train_images" for each in found)


def test_three_classes_are_named_the_fewest_first_and_the_rest_counted():
    counts = {**dict.fromkeys("aghijk", 60), "b": 4, "c": 3, "d": 5, "e": 2, "f" * 50: 1}
    (told,) = [each for each in diagnose(evidence(train_counts=counts)) if each.code == "few_train_images"]
    wanted = f"Few training images: '{'f' * 19}…' (1), 'e' (2), 'c' (3) and 2 more; the median"
    assert told.sentence.startswith(wanted)


def test_few_validation_images():
    def of(count):
        changed = {"black": 40, "grizzly": 40, "teddy": count}
        return diagnose(evidence(valid_counts=changed, valid_right=changed, valid_predicted=changed))

    (finding,) = of(4)
    assert (finding.code, finding.figure) == ("few_valid_images", {"few": {"teddy": 4}})
    assert of(5) == []


def test_a_validation_split_too_small_to_tell():
    finding = diagnose(evidence(n=12, wrong=1))[-1]
    assert finding.code == "small_validation"
    assert finding.sentence == (
        "Validation error 8.3 % on 12 images: for new ones between 1.5 % and 35.4 % (with 95 % certainty)."
    )
    assert finding.figure == pytest.approx({"error": 1 / 12, "n": 12, "low": 0.0149, "high": 0.354}, abs=1e-3)
    assert diagnose(evidence(n=96, wrong=4, history=history([0.3, 0.1, 0.03, 4 / 96]))) == [], "enough"


def test_no_validation_split():
    finding = only(evidence(history=history([None] * 4), **NO_VALID))
    assert (finding.code, finding.figure) == ("small_validation", {"n": 0})


def test_a_worsening_that_looks_large_and_may_be_chance():
    finding = only(evidence(n=96, wrong=24, history=history(np.array([40, 18, 25, 24]) / 96)))
    assert finding.code == "small_validation"
    assert finding.sentence.endswith("That an earlier epoch had 18.8 % may be chance.")
    assert finding.figure["best_error"] == 18 / 96
    assert diagnose(evidence(n=96, wrong=24, history=history(np.array([40, 23, 25, 24]) / 96))) == []


@pytest.mark.parametrize(("hits", "n"), [(0, 5), (4, 96), (50, 100), (12, 12)])
def test_the_interval_is_wilsons(hits, n):
    interval = binomtest(hits, n).proportion_ci(method="wilson")
    assert wilson(hits, n) == pytest.approx((interval.low, interval.high))


def test_blind_guessing_costs_the_entropy_of_the_shares():
    assert evidence().blind == pytest.approx(BLIND)
    assert evidence(train_counts={"a": 3, "b": 1, "c": 0}).blind == pytest.approx(0.5623, abs=1e-4)


def test_the_last_phase_begins_where_stage_or_count_begin_anew():
    first, second = steps([1.0] * 5, stage="frozen"), steps([2.0] * 4, stage="unfrozen")
    assert last_phase(pd.concat([first, second])).loss.tolist() == [2.0] * 4
    assert last_phase(pd.concat([second, second])).loss.tolist() == [2.0] * 4
    assert last_phase(first).loss.tolist() == [1.0] * 5
    assert last_phase(steps([])).empty


# All findings


def noise(seed, n, epochs, per_epoch, deviation):
    """A training that changes nothing: losses and errors are draws around fixed levels, but for the training loss."""
    rng = np.random.default_rng(seed)
    errors = rng.binomial(n, 0.3, epochs)
    valid_loss = 0.8 + rng.normal(0, deviation, epochs)
    rows = history(errors / n, valid_loss)
    return evidence(
        n=n, wrong=errors[-1], history=rows, steps=steps(0.8 + rng.normal(0, deviation, epochs * per_epoch))
    )


@pytest.mark.parametrize(
    ("n", "epochs", "per_epoch", "deviation"),
    [(60, 4, 4, 0.3), (96, 3, 20, 0.2), (96, 30, 4, 0.05), (400, 10, 12, 0.5), (400, 4, 2, 0.1)],
)
def test_noise_alone_raises_an_alarm_in_one_of_twenty_at_most(n, epochs, per_epoch, deviation):
    told = {"small_validation"}  # that little is known is no alarm
    found = [set(codes(noise(seed, n, epochs, per_epoch, deviation))) - told for seed in range(200)]
    assert sum(map(bool, found)) <= 10, Counter(code for each in found for code in each)


counts_of_classes = st.dictionaries(
    st.text(min_size=1, max_size=60), st.integers(0, 300), min_size=1, max_size=8
)
losses = st.lists(st.one_of(st.floats(0, 30), st.just(np.nan)), max_size=70)
errors_of_epochs = st.lists(st.one_of(st.floats(0, 1), st.none()), max_size=12)


@st.composite
def anything(draw):
    """TrainingEvidence of any training, sense or none."""
    train = draw(counts_of_classes)
    valid = {name: draw(st.integers(0, 60)) for name in train}
    right = {name: draw(st.integers(0, count)) for name, count in valid.items()}
    errors = draw(errors_of_epochs)
    score = st.one_of(
        st.none(), st.builds(lambda n, share: Score(int(n * share), n), st.integers(1, 500), st.floats(0, 1))
    )
    return TrainingEvidence(
        history(errors, train_loss=[draw(st.floats(0, 9)) for _ in errors]),
        steps(draw(losses), draw(st.sampled_from([1e-6, 1e-3, 0.3]))),
        train,
        valid,
        right,
        {name: draw(st.integers(0, 60)) for name in train},
        draw(st.sampled_from(["full", "quick"])),
        draw(st.dictionaries(st.floats(1, 1e4), st.floats(0, 5), max_size=3)),
        draw(score),
        draw(score),
    )


@given(anything())
@settings(max_examples=150, deadline=None)
def test_every_sentence_is_short_and_every_figure_a_number(given_evidence):
    found = diagnose(given_evidence)
    assert len({each.code for each in found}) == len(found), "one finding of a kind"
    for each in found:
        assert len(each.sentence) <= 200
        assert len(each.advice) <= 200
        assert each.sentence[-1] == each.advice[-1] == "."
        assert "nan" not in each.sentence.split()
        numbers = [value for value in each.figure.values() if not isinstance(value, dict)]
        assert np.isfinite(numbers).all()


@given(anything(), st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_the_order_of_the_classes_does_not_matter(given_evidence, random):
    names = list(given_evidence.train_counts)
    random.shuffle(names)
    fields = ("train_counts", "valid_counts", "valid_right", "valid_predicted")
    shuffled = {each: {name: getattr(given_evidence, each)[name] for name in names} for each in fields}
    other = diagnose(dataclasses.replace(given_evidence, **shuffled))
    assert list(map(str, other)) == list(map(str, diagnose(given_evidence)))


# Collected from a learner


class Known(StubLearner):
    """A stub that answers for one split, as a learner does."""

    def data(self):
        return self.ds

    def predictions(self, ds=None, *, split=None):
        table, probabilities = super().predictions(ds)
        here = (table.split == split).to_numpy()
        return table[here].reset_index(drop=True), probabilities[here]


def learner(ds, mistakes=None, head_fit=None):
    learn = Known(ds, mistakes)
    learn.history, learn.steps, learn.head_fit = history([0.5]), steps([1.0]), head_fit
    return learn


def test_evidence_of_an_exact_training(ds):
    (victim, *_), n = paths(ds, "teddy", "valid"), ds.table[ds.table.split == "valid"].label.value_counts()
    found = evidence_of(learner(ds, {victim: "black"}))
    assert found.train_counts == {name: 8 - n[name] for name in THREE}
    assert found.valid_counts == n.to_dict()
    assert found.valid_right == {**n.to_dict(), "teddy": n["teddy"] - 1}
    assert found.valid_predicted == {**n.to_dict(), "teddy": n["teddy"] - 1, "black": n["black"] + 1}
    assert found.valid == Score(1, n.sum())
    assert (found.history.valid_error.tolist(), found.steps.loss.tolist()) == ([0.5], [1.0])
    assert (found.in_sample, found.out_of_fold, found.held_out_loss) == (None, None, {})


def test_evidence_of_a_cached_training(ds, monkeypatch):
    victim = paths(ds, "teddy")[0]
    learn = learner(ds, {victim: "black"}, SimpleNamespace(held_out_loss={100.0: 0.5}))
    train = ds.table[ds.table.split == "train"]
    all_black = np.tile([0.8, 0.1, 0.1], (len(train), 1))
    monkeypatch.setattr(learn, "out_of_fold", lambda: (train.id.tolist(), all_black))
    found = evidence_of(learn)
    assert found.in_sample == Score(1, len(train))
    assert found.out_of_fold == Score(int((train.label != "black").sum()), len(train))
    assert found.held_out_loss == {100.0: 0.5}
    assert found.mode == "quick"


def test_evidence_counts_by_the_labels_of_the_frozen_exam(images, ds):
    ds.freeze_exam()
    (place, *_) = paths(ds, "teddy", "valid")
    (images / place).rename(images / "black" / "moved.jpg")
    fresh = Dataset.from_folder(images, valid_pct=0.25)
    found = evidence_of(learner(fresh))
    assert found.valid.wrong == 1, "the learner says black, as on disk; the exam says teddy"
    assert found.valid_counts == evidence_of(learner(ds)).valid_counts


def test_evidence_without_an_evaluation_split(images):
    found = evidence_of(learner(Dataset.from_folder(images, valid_pct=0)))
    assert found.valid == Score(0, 0)
    assert "small_validation" in codes(found)
