"""What a training shows, in words: findings, each with the figures it rests on; nothing where nothing can be told.

A finding is made only where chance is an unlikely cause of it and where it is large enough to matter; the bounds are
constants, here and in `loss_rules`. Each rule says in its own docstring what it tests, and where the test comes from.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.special import bdtr, bdtrc

from bearwidgets.errors import and_more
from bearwidgets.figures import percent, wilson
from bearwidgets.learn.diagnosis.evidence import Finding, Score, TrainingEvidence, numbers
from bearwidgets.learn.diagnosis.loss_rules import FITTED, loss_not_down, rate_too_high, rate_too_low

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

CERTAIN = 0.05  # how often chance alone may look so, as is usual
TRAIN_ERROR = 0.1  # of trained images; wrong labels in downloaded sets explain up to about so much
FEW_TRAIN = 10  # images of a class; five folds then hold two each
FEW_BESIDE_OTHERS = 0.1  # of the median class; Buda et al. (2018) find harm from a tenth on
ENOUGH_TRAIN = 100  # images of a class that are enough, however many the others have
FEW_VALID = 5  # images of a class: with four, a coin gets all of them right in 6 % of cases
HALF_WIDTH = 0.1  # of the interval of the error rate: with more, 10 % cannot be told from 25 %
WORSE = 0.05  # in the error rate, between the best epoch and now: a person would see it and wonder
SHOWN = 3  # classes named in a sentence


def diagnose(evidence: TrainingEvidence) -> list[Finding]:
    """Findings on a training, the gravest first; empty where all is well or nothing can be told."""
    if evidence.mode == "quick":  # steps of an earlier training in the full mode tell nothing of this one
        evidence = replace(evidence, steps=evidence.steps.iloc[:0])
    rate = [*rate_too_high(evidence)] or [*rate_too_low(evidence)]
    chance = [*_chance_level(evidence)]
    return [
        *rate,
        *chance,
        *([] if rate else _under_fit(evidence)),  # where the rate is wrong, it is the cause
        *([] if rate or chance else _over_fit(evidence)),
        *([] if chance else _class_swallowed(evidence)),  # at chance level, naming one class only is the rule
        *_few_train_images(evidence),
        *_few_valid_images(evidence),
        *_small_validation(evidence, epochs=not chance),
    ]


def _chance_level(evidence: TrainingEvidence) -> Iterator[Finding]:
    """No better than always naming the class that is most frequent in training.

    Exact binomial test of the images that are right against that class's share of the evaluation split. As a test
    that finds nothing proves nothing, the accuracy must also be known to be low: its 95 % Wilson interval ends below
    the middle between that share and 1, so that a network half-way up is called that in 2.5 % of cases at most.
    """
    wrong, n = evidence.valid
    counts = {name: evidence.valid_counts.get(name, 0) for name in evidence.train_counts}
    if not n or len(counts) < 2:
        return
    frequent = max(counts, key=lambda name: (evidence.train_counts[name], counts[name]))
    right, naming = n - wrong, counts[frequent]
    by_chance = float(bdtrc(right - 1, n, naming / n)) if right else 1.0
    if by_chance >= CERTAIN and wilson(right, n)[1] < (1 + naming / n) / 2:
        figure = {"right": right, "n": n, "naming_one_class": naming, "p_value": by_chance}
        sentence = (
            f"{right} of {n} validation images are classified correctly; always answering {_name(frequent)} "
            f"would get {naming}. The network is no better than that."
        )
        advice = (
            "Check that the labels fit their images, then train for more epochs or at another learning rate."
        )
        yield Finding("chance_level", sentence, figure, advice)


def _under_fit(evidence: TrainingEvidence) -> Iterator[Finding]:
    """The training images themselves are not learned.

    Where steps were made, their losses tell (see `loss_rules`). The head of the quick mode is fitted to its end:
    there the held-out loss is not low, and the error on images that the head was fitted on is above `TRAIN_ERROR`
    (95 % Wilson interval) and at least half of that on held-out ones, so that more of it lies in the features than in
    the fit.
    """
    if evidence.mode != "quick":
        yield from loss_not_down(evidence)
        return
    seen, unseen, losses = evidence.in_sample, evidence.out_of_fold, evidence.held_out_loss
    if not (seen and unseen and losses) or min(losses.values()) <= FITTED * evidence.blind:
        return
    if wilson(*seen)[0] > TRAIN_ERROR and seen.error >= unseen.error / 2:
        sentence = (
            f"{percent(seen.error, 1)} of the {seen.n} images that the head was trained on are wrong, "
            f"{percent(unseen.error, 1)} of held-out ones: their features do not tell the classes apart."
        )
        figure = {"train_error": seen.error, "held_out_error": unseen.error, "n": seen.n}
        advice = "Look for wrong labels, then try a larger `size`, a larger body, or mode='full'."
        yield Finding("under_fit", sentence, {**figure, "held_out_loss": min(losses.values())}, advice)


def _over_fit(evidence: TrainingEvidence) -> Iterator[Finding]:
    """The metric gets worse while the training loss falls: not when valid_loss is above train_loss.

    That rule is fastai's (Howard & Gugger, 2020, chapter 1). The lower error rate of the last two epochs (one alone
    may be a stray) is held against that of the best before; the test says how often the last of so many epochs would
    be that far above the lowest if all had the same true error and each its own images. They have the same images,
    whose common ups and downs cancel, so the test is conservative. Where the best weights were put back, the error
    now counts, not that of the last epochs.
    """
    found = _worsening(evidence)
    if found is None or found.by_chance >= CERTAIN:
        return
    losses = numbers(evidence.trained, "train_loss")
    if losses[-1] < losses[found.row]:
        best, last, epoch = found.best, found.last, evidence.trained.iloc[found.row]
        sentence = (
            f"The validation error was lowest at {epoch.stage} epoch {epoch.epoch:.0f} ({percent(best.error, 1)}) "
            f"and {percent(last.error, 1)} or more at last (n = {last.n}), while the training loss fell: overfitting."
        )
        figure = {"best_error": best.error, "error": last.error, "n": last.n, "p_value": found.by_chance}
        advice = "Train for fewer epochs or with save_best=True, augment more, or add images."
        yield Finding("over_fit", sentence, {**figure, "best_epoch": int(epoch.epoch)}, advice)


def _class_swallowed(evidence: TrainingEvidence) -> Iterator[Finding]:
    """A class that is never predicted, with enough images that it should have been.

    A network that named it as often as it occurs would leave it out with probability (1 - share)^n; that must be
    below 0.05, divided by the number of classes (Bonferroni). A class without training images is no surprise.
    """
    n, known = evidence.valid.n, [name for name, count in evidence.train_counts.items() if count]
    counts = {name: evidence.valid_counts.get(name, 0) for name in known}
    never = {
        name: count
        for name, count in counts.items()
        if not evidence.valid_predicted.get(name, 0)
        and (1 - count / n if n else 1) ** n < CERTAIN / len(known)
    }
    if never:
        listed = _listed(never)
        sentence = (
            f"Never predicted on {n} validation images: {listed}, with the number of images in parentheses."
        )
        advice = "Check their labels, add images of them, or train with sampling='balanced'."
        yield Finding("class_swallowed", sentence, {"never_predicted": never, "n": n}, advice)


def _few_train_images(evidence: TrainingEvidence) -> Iterator[Finding]:
    """Classes with fewer training images than `FEW_TRAIN`, or than a tenth of the median class and `ENOUGH_TRAIN`."""
    counts = evidence.train_counts
    median = float(np.median(list(counts.values()))) if counts else 0.0
    bound = max(FEW_TRAIN, min(FEW_BESIDE_OTHERS * median, ENOUGH_TRAIN))
    few = {name: count for name, count in counts.items() if count < bound}
    if few:
        sentence = f"Few training images: {_listed(few)}; the median class has {median:g}."
        advice = "Add images of them; until then train with sampling='balanced', and expect errors there."
        yield Finding("few_train_images", sentence, {"few": few, "median": median}, advice)


def _few_valid_images(evidence: TrainingEvidence) -> Iterator[Finding]:
    """Classes with so few validation images that even a perfect score could be a coin's: 0.5^4 is above 0.05."""
    counts = {name: evidence.valid_counts.get(name, 0) for name in evidence.train_counts}
    few = {name: count for name, count in counts.items() if count < FEW_VALID}
    if few and evidence.valid.n:
        sentence = f"Too few validation images to tell how well these are recognized: {_listed(few)}."
        advice = f"Put at least {FEW_VALID} images of each class into the validation split, better 20."
        yield Finding("few_valid_images", sentence, {"few": few}, advice)


def _small_validation(evidence: TrainingEvidence, *, epochs: bool) -> Iterator[Finding]:
    """The error rate is hardly known, or a worsening that looks large may be chance.

    95 % Wilson interval (Wilson, 1927; Brown, Cai & DasGupta, 2001, recommend it for small n), with a half-width
    above `HALF_WIDTH`; or (with `epochs`) the best epoch's error was lower by `WORSE` or more, but in that interval.
    """
    now = evidence.valid
    advice = (
        "Give more images to the validation split, or use cross-validation: `bw.cross_validate(ds, folds=5)`."
    )
    if not now.n:
        sentence = "There are no validation images, so it is not known how well new images are recognized."
        yield Finding("small_validation", sentence, {"n": 0}, advice)
        return
    low, high = wilson(*now)
    figure: dict[str, Any] = {"error": now.error, "n": now.n, "low": low, "high": high}
    sentence = (
        f"Validation error {percent(now.error, 1)} on {now.n} images: for new ones between {percent(low, 1)} and "
        f"{percent(high, 1)} (with 95 % certainty)."
    )
    best = min(numbers(evidence.trained, "valid_error"), default=math.nan)
    if (high - low) / 2 > HALF_WIDTH:
        yield Finding("small_validation", sentence, figure, advice)
    elif epochs and low <= best <= now.error - WORSE:
        sentence += f" That an earlier epoch had {percent(best, 1)} may be chance."
        yield Finding("small_validation", sentence, {**figure, "best_error": float(best)}, advice)


class _Worsening(NamedTuple):
    row: int  # of the best epoch among those with training steps
    best: Score
    last: Score  # the better of the last two epochs, or now where that is better still
    by_chance: float


def _worsening(evidence: TrainingEvidence) -> _Worsening | None:
    """The best epoch against the last two, of those with training steps; None where the error is not higher."""
    errors, n = numbers(evidence.trained, "valid_error"), evidence.valid.n
    if len(errors) < 3 or not n or not np.isfinite(errors).all():
        return None
    row = int(errors[:-2].argmin())
    best, last = round(float(errors[row]) * n), round(float(errors[-2:].min()) * n)
    last = min(last, evidence.valid.wrong)
    if last <= best:
        return None
    return _Worsening(row, Score(best, n), Score(last, n), _by_chance(best, last, n, len(errors) - 1))


def _by_chance(best: int, last: int, n: int, epochs: int) -> float:
    """Probability that the last of `epochs` equally good ones has so many more mistakes than the best before it."""
    wrong = np.arange(n + 1)
    at_most = bdtr(wrong, n, (best + last) / (2 * n))
    exactly = np.diff(at_most, prepend=0.0)
    gap = last - best
    none_lower = np.ones(n + 1)
    none_lower[gap:] = (1 - at_most[: n + 1 - gap]) ** (epochs - 1)
    return float((exactly * (1 - none_lower)).sum())


def _name(label: str) -> str:
    """The label in quotes, cut to 20 characters; what cannot be printed is escaped."""
    shown = repr(label)[1:-1]
    return f"'{shown}'" if len(shown) <= 20 else f"'{shown[:19]}…'"


def _listed(counts: Mapping[str, int]) -> str:
    """At most `SHOWN` classes with their counts, the smallest first."""
    first = sorted(counts, key=lambda name: (counts[name], name))
    return and_more([f"{_name(name)} ({counts[name]})" for name in first], SHOWN)
