"""The diagnosis: each finding, its near neighbor that must stay silent, how often noise alone raises an alarm."""

from __future__ import annotations

import dataclasses
from collections import Counter
from types import SimpleNamespace
from unittest.mock import ANY

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_data import CLASSES
from scipy.stats import binomtest
from stub_learner import StubLearner, paths

from bearwidgets.data.dataset import Dataset
from bearwidgets.learn.diagnosis.diagnosis import _by_chance, diagnose
from bearwidgets.learn.diagnosis.evidence import Finding, Score, TrainingEvidence, evidence_of

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


def split(n, classes=CLASSES):
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
        "train_counts": dict.fromkeys(CLASSES, 60),
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


def test_a_finding_says_its_sentence_and_its_advice():
    assert str(Finding("code", "It is so.", {"n": 1}, "Do this.")) == "It is so. Do this."


# Evidence of trainings that go wrong in one way


def bumped(loss, rows, by):
    loss[rows] += by
    return evidence(steps=steps(loss))


def risen(*parts):
    return evidence(steps=steps(np.concatenate(parts), lr=0.2))


def two_phases(first, second, *stages):
    parts = zip((descent(1.1, first), descent(0.5, second)), stages, strict=True)
    return evidence(steps=pd.concat([steps(loss, stage=stage) for loss, stage in parts]))


def stuck(lr=2e-6, at=1.12, n=60, **changes):
    return evidence(steps=steps(level(at, n), lr=lr), **changes)


def falling(loss=None, valid=(1.0, 0.9, 0.8, 0.7), **changes):
    """One long, steady fall to 0.6, and the validation loss with it."""
    loss = np.linspace(1.1, 0.6, 60) + level(0, 60) if loss is None else loss
    errors = [0.3, 0.1, 0.06, 0.05][-len(valid) :]
    return evidence(**{"steps": steps(loss), "history": history(errors, valid), **changes})


def after_a_frozen_epoch(last):
    rows = [history([0.1], [0.9], stage="frozen"), history([0.05], [last], stage="unfrozen")]
    parts = [steps(level(0.9, 9), stage="frozen"), steps(np.linspace(0.9, 0.6, 30), stage="unfrozen")]
    return falling(history=pd.concat(rows), steps=pd.concat(parts))


def cached(in_sample, out_of_fold, loss=0.9):
    row = history([0.05], [0.1], [loss], stage="head")
    fit = {"held_out_loss": {100.0: loss, 30.0: loss + 0.1}, "mode": "quick"}
    return evidence(history=row, steps=steps([]), in_sample=in_sample, out_of_fold=out_of_fold, **fit)


def after_a_wild_training(mode):
    rows = pd.concat([history([0.3, 0.01, 0.3, 0.4]), history([0.05], stage="head")])
    return evidence(history=rows, steps=steps([1.1, *level(8, 40)], lr=0.9), mode=mode)


def worse(n=400, best=40, last=80, **changes):
    errors = np.array([150, best, last, last]) / n
    return evidence(n=n, wrong=last, **{"history": history(errors), **changes})


def predicting(right, n=120, **changes):
    others = {"history": history([1 - right / n]), "valid_right": taken(split(n), n - right)}
    return evidence(**{"n": n, **others, **changes})


def skewed():
    """A network that names the frequent class gains nothing by it."""
    train, valid = ({"black": n, "grizzly": n // 8, "teddy": n // 8} for n in (160, 96))
    said = {"valid_right": {"black": 96}, "valid_predicted": {"black": 120}}
    return predicting(96, train_counts=train, valid_counts=valid, **said)


def never_a_teddy(**changes):
    return evidence(**{"valid_predicted": {"black": 60, "grizzly": 60}, **changes})


def held_out(teddies):
    counts = {"black": 40, "grizzly": 40, "teddy": teddies}
    return evidence(valid_counts=counts, valid_right=counts, valid_predicted=counts)


def errors_of_96(*wrong):
    return evidence(n=96, wrong=wrong[-1], history=history(np.array(wrong) / 96))


SHORT = descent(1.1, 0.6, 20, noise=0.02)
NOT_FINITE = descent(1.1, 0.15)
NOT_FINITE[30] = np.nan
P_VALUE = binomtest(42, 120, 1 / 3, alternative="greater").pvalue


def about(value, by=0.05):
    return pytest.approx(value, abs=by)


@pytest.mark.parametrize(
    ("given_evidence", "code", "words", "figure"),
    [
        (
            evidence(steps=steps(NOT_FINITE, lr=0.5)),
            "rate_too_high",
            "The training loss was not finite at step 31: the learning rate 0.5 is too high.",
            {"step": 31, "lr": 0.5},
        ),
        (
            risen(descent(1.1, 0.4, 30), level(0.8, 30)),
            "rate_too_high",
            "from as low as 0.4",
            {"low": about(0.4), "high": about(0.8), "blind_guessing": ANY, "lr": 0.2},
        ),
        (risen([0.3], level(0.7, 40)), "rate_too_high", "from as low as 0.30", ANY),
        (
            risen(
                [1.15], level(6.0, 8, 2.0), descent(2.0, 0.8, 51)
            ),  # a leap: low is before it, not after it
            "rate_too_high",
            "rose to 6",
            {"low": 1.15, "high": about(6, 1), "blind_guessing": ANY, "lr": 0.2},
        ),
        (
            stuck(),
            "rate_too_low",
            "hardly moved in 60 steps: 1.1",
            {"steps": 60, "lr": 2e-6, "blind_guessing": about(BLIND, 1e-6), "start": ANY, "end": ANY},
        ),
        (
            falling(),
            "under_fit",
            "in the last 30 steps, to 0.6",
            {"fall": about(0.25, 0.06), "steps": 30, "end": ANY, "blind_guessing": ANY},
        ),
        (falling(SHORT), "under_fit", "in only 20 steps", ANY),
        (
            falling(valid=[1.3]),
            "under_fit",
            "still falling",
            ANY,
        ),  # a single epoch needs no falling validation loss
        (after_a_frozen_epoch(0.7), "under_fit", "still falling", ANY),
        (
            cached(Score(60, 180), Score(80, 180)),
            "under_fit",
            "180 images that the head was trained on are wrong, 44.4 % of held-out ones",
            {"train_error": 1 / 3, "held_out_error": 4 / 9, "n": 180, "held_out_loss": 0.9},
        ),
        (after_a_wild_training("full"), "rate_too_high", "rose to", ANY),
        (
            worse(),
            "over_fit",
            "lowest at fit epoch 2 (10.0 %) and 20.0 % or more at last (n = 400), while the training loss fell",
            {"best_epoch": 2, "best_error": 0.1, "error": 0.2, "n": 400, "p_value": about(0, 0.001)},
        ),
        (
            predicting(
                42, valid_predicted={"teddy": 120}
            ),  # that the others are never predicted goes without saying
            "chance_level",
            "42 of 120 validation images are classified correctly; always answering 'black' would get 40.",
            {"right": 42, "n": 120, "naming_one_class": 40, "p_value": about(P_VALUE, 1e-9)},
        ),
        (skewed(), "chance_level", "would get 96", ANY),
        (never_a_teddy(), "class_swallowed", "'teddy' (40)", {"never_predicted": {"teddy": 40}, "n": 120}),
        (held_out(4), "few_valid_images", "'teddy' (4)", {"few": {"teddy": 4}}),
        (
            evidence(history=history([None] * 4), **NO_VALID),
            "small_validation",
            "no validation images",
            {"n": 0},
        ),
        (
            errors_of_96(40, 18, 25, 24),
            "small_validation",
            "That an earlier epoch had 18.8 % may be chance.",
            {"error": 0.25, "n": 96, "low": ANY, "high": ANY, "best_error": 18 / 96},
        ),
    ],
)
def test_what_is_found(given_evidence, code, words, figure):
    finding = only(given_evidence)
    assert finding.code == code
    assert words in finding.sentence
    assert finding.figure == figure


@pytest.mark.parametrize(
    "given_evidence",
    [
        stuck(lr=2e-3),  # weights did move: a plateau, or labels that tell nothing
        stuck(at=0.1),  # fitted
        stuck(n=15),
        evidence(steps=steps(level(1.12, noise=0.6, seed=1), lr=2e-6)),  # it may have moved
        evidence(steps=pd.concat([steps(descent(1.1, 0.5), stage="frozen"), steps(level(0.5), 2e-6)])),
        falling(np.concatenate([SHORT, level(SHORT[-5:].mean(), 60, 0.02)])),  # the same fall, long over
        after_a_frozen_epoch(0.95),
        falling(valid=[0.7, 0.8, 0.9, 1.0]),  # learning by rote
        falling(valid=[1.0, 0.9, 0.7, 0.75]),  # its lowest is past
        falling(valid=[0.5, 0.4, 0.3, 0.2]),  # hard augmentation only
        falling(valid=[None] * 4),  # nobody can tell
        falling(np.linspace(0.8, 0.1, 60)),  # fitted
        falling(level(0.6)),  # nothing falls any more
        falling(np.linspace(0.63, 0.6, 60)),  # too little to matter
        falling([1.1, 0.9]),  # too few to tell
        cached(Score(2, 180), Score(8, 180), loss=0.12),  # a good training
        cached(Score(10, 180), Score(80, 180)),  # fitted well: the rest is in the fit, not in the features
        cached(Score(25, 180), Score(25, 180)),  # 13.9 %, from 9.6 % on
        cached(Score(35, 180), Score(80, 180)),  # less than half
        cached(Score(60, 180), Score(80, 180), loss=0.2),
        cached(Score(60, 180), None),
        after_a_wild_training("quick"),  # steps of an earlier training tell nothing of a cached one
        held_out(5),
        errors_of_96(29, 10, 3, 4),  # enough to tell
        errors_of_96(40, 23, 25, 24),
    ],
)
def test_what_is_passed_over_in_silence(given_evidence):
    assert diagnose(given_evidence) == []


@pytest.mark.parametrize(
    ("code", "given_evidence"),
    [
        *(
            ("rate_too_high", bumped(descent(1.1, 0.15), place, 1.5)) for place in (0, 10, 30, 58)
        ),  # a strange batch
        ("rate_too_high", bumped(descent(1.1, 0.15), slice(10, 20), 1.5)),  # a bump on the way to a good end
        ("rate_too_high", bumped(descent(1.1, 0.2, noise=0.4), slice(-7, None), 0.12)),  # a rise within noise
        ("rate_too_high", two_phases(0.1, 0.3, "frozen", "unfrozen")),
        ("rate_too_high", two_phases(0.1, 0.3, "fit", "fit")),
        ("over_fit", worse(n=96, best=4, last=5)),  # one more mistake
        ("over_fit", worse(last=55)),  # 10 % and 13.8 %: within chance
        (
            "over_fit",
            worse(history=history(np.array([150, 40, 40, 80]) / 400)),
        ),  # the last epoch alone: a stray
        (
            "over_fit",
            worse(history=history(np.array([150, 40, 80, 80]) / 400, train_loss=[0.9, 0.3, 0.4, 0.5])),
        ),
        # the metric holds
        ("over_fit", worse(last=20, history=history([0.1, *[0.05] * 3], valid_loss=[0.2, 0.3, 0.6, 0.9]))),
        ("over_fit", worse(valid_right=taken(split(400), 42))),  # the best weights were put back
        ("chance_level", predicting(52)),  # p = 0.014
        ("chance_level", predicting(6, n=12)),  # p = 0.18, but 50 % may well be 74 %
        ("class_swallowed", evidence(valid_predicted={"black": 60, "grizzly": 59, "teddy": 1})),
        (
            "class_swallowed",
            never_a_teddy(
                valid_counts={"black": 60, "grizzly": 57, "teddy": 3},
                valid_right={"black": 60, "grizzly": 57},
            ),
        ),
        ("class_swallowed", never_a_teddy(train_counts={"black": 60, "grizzly": 60, "teddy": 0})),
    ],
)
def test_what_is_something_else(code, given_evidence):
    assert code not in codes(given_evidence)


def test_few_images_make_more_than_one_finding():
    assert "chance_level" in codes(predicting(3, n=12)), "25 % of 12 are hardly above half"
    finding = diagnose(evidence(n=12, wrong=1))[-1]
    assert finding.code == "small_validation"
    said = "Validation error 8.3 % on 12 images: for new ones between 1.5 % and 35.4 % (with 95 % certainty)."
    assert finding.sentence == said
    assert finding.figure == pytest.approx({"error": 1 / 12, "n": 12, "low": 0.0149, "high": 0.354}, abs=1e-3)


@pytest.mark.parametrize(("best", "last", "n", "epochs"), [(4, 9, 96, 4), (20, 30, 60, 10), (0, 3, 12, 3)])
def test_the_chance_of_a_worsening_is_that_of_drawn_epochs(best, last, n, epochs):
    drawn = np.random.default_rng(0).binomial(n, (best + last) / (2 * n), (100_000, epochs))
    share = (drawn[:, -1] - drawn[:, :-1].min(1) >= last - best).mean()
    assert _by_chance(best, last, n, epochs) == pytest.approx(share, abs=0.006)


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
    said = diagnose(evidence(train_counts=dict(zip(CLASSES, counts, strict=True))))
    found = [each for each in said if "few" in each.code]
    assert [list(each.figure["few"].values()) for each in found] == ([few] if few else [])
    assert all(each.code == "few_train_images" for each in found)


def test_three_classes_are_named_the_fewest_first_and_the_rest_counted():
    counts = {**dict.fromkeys("aghijk", 60), "b": 4, "c": 3, "d": 5, "e": 2, "f" * 50: 1}
    (told,) = [each for each in diagnose(evidence(train_counts=counts)) if each.code == "few_train_images"]
    wanted = f"Few training images: '{'f' * 19}…' (1), 'e' (2), 'c' (3) and 2 more; the median"
    assert told.sentence.startswith(wanted)


def test_blind_guessing_costs_the_entropy_of_the_shares():
    assert evidence(train_counts={"a": 3, "b": 1, "c": 0}).blind == pytest.approx(0.5623, abs=1e-4)


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
    assert found.train_counts == {name: 8 - n[name] for name in CLASSES}
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
