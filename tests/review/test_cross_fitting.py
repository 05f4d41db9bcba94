"""Cross-validation under two sets of labels, on made-up features and with a real learner."""

from __future__ import annotations

import numpy as np
import pytest
from made_data import TINY

from bearwidgets.clean.journal import Journal
from bearwidgets.data.dataset import Dataset
from bearwidgets.learn.learner import Learner
from bearwidgets.learn.progress import run_with_bar
from bearwidgets.review.effect import cross_fitting
from bearwidgets.review.effect.cross_fitting import LEFT_OUT, Choice, cross_fit
from bearwidgets.review.effect.measure import measure_effect

PLAIN = (Choice(10.0, np.eye(3)), Choice(10.0, np.eye(3)))


def clouds(n: int = 240, spread: float = 1.2) -> tuple[np.ndarray, np.ndarray]:
    """Features of three classes and the class of each image."""
    generator = np.random.default_rng(0)
    labels = np.arange(n) % 3
    return (np.eye(3)[labels] * 3 + generator.normal(0, spread, (n, 3))).astype(np.float32), labels


def flipped(labels: np.ndarray, share: float) -> np.ndarray:
    generator = np.random.default_rng(1)
    wrong = generator.random(len(labels)) < share
    return np.where(wrong, (labels + generator.integers(1, 3, len(labels))) % 3, labels)


def crossed(features, before, after, content=None, **options):
    names = [str(each) for each in (range(len(before)) if content is None else content)]
    steps = cross_fit(features, before, after, names, choices=PLAIN, **options)
    return run_with_bar(steps, show=False)


def test_right_labels_are_worth_more_than_wrong_ones():
    features, labels = clouds()
    found = crossed(features, flipped(labels, 0.4), labels)
    errors = [(said != labels).mean() for said in found]
    assert errors[1] < errors[0] - 0.01
    assert found.before.shape == (10, 240)


def test_the_same_labels_give_the_same_answers_and_the_same_seed_the_same_folds():
    features, labels = clouds(90)
    found = crossed(features, labels, labels)
    assert (found.before == found.after).all()
    other = crossed(features, labels, flipped(labels, 0.3))
    assert (other.before == found.before).all()
    assert (crossed(features, labels, labels, seed=1).before != found.before).any()


def test_no_image_is_judged_by_a_head_that_saw_a_copy_of_it():
    """Labels that only a copy could tell are not known."""
    generator = np.random.default_rng(2)
    half = generator.normal(size=(60, 40)).astype(np.float32)
    features, labels = np.vstack([half, half]), np.tile(generator.integers(0, 3, 60), 2)
    apart = crossed(features, labels, labels, range(120))
    together = crossed(features, labels, labels, [*range(60)] * 2)
    grouped = crossed(features, labels, labels, range(120), groups=[*range(60)] * 2)
    assert (apart.before == labels).mean() > 0.7
    assert max((each.before == labels).mean() for each in (together, grouped)) < 0.5


def test_what_is_left_out_is_not_learned_from():
    features, labels = clouds(120)
    labels[:30] = 2
    left = labels.copy()
    left[:30] = LEFT_OUT
    found = crossed(features, labels, left)
    truth = np.arange(120) % 3
    assert (found.after[:, :30] != truth[:30]).mean() < (found.before[:, :30] != truth[:30]).mean()


def test_strength_and_correction_are_chosen_where_none_are_given():
    features, labels = clouds(90)
    names = [str(each) for each in range(90)]
    found = run_with_bar(cross_fit(features, flipped(labels, 0.2), labels, names), show=False)
    assert (found.after == labels).mean() > 0.8


@pytest.mark.trains
def test_a_cleaning_is_measured_on_two_exams(images, monkeypatch):
    monkeypatch.setattr(cross_fitting, "REPEATS", (2, 2))
    learn = Learner(Dataset.from_folder(images, valid_pct=0.25), **TINY).fine_tune(progress=False)
    ds = learn.data()
    journal = Journal.open(ds)
    effect = measure_effect(learn, learn, ds, journal)
    kinds = ["as they were", "corrected", "never changed"]
    assert effect.table.loc["cross-validation"].index.tolist() == kinds
    assert effect.table.loc["evaluation split"].n.tolist() == [6, 6]
    assert (effect.table.error_before == effect.table.error_after).all()
    assert effect.verdict.startswith("No measurable change")
    assert effect.classes.n.tolist() == [8, 8, 8]

    row = ds.table[ds.table.split == "train"].iloc[0]
    other = next(each for each in learn.classes if each != row.label)
    journal.record([row.id], "relabel", other)
    effect = measure_effect(learn, learn, ds, journal)
    assert effect.table.loc["cross-validation"].n.tolist() == [24, 24, 23]
    assert any("accepted because the model suggested it" in each for each in effect.notes)
    journal.record([row.id], "delete")
    effect = measure_effect(learn, learn, ds, journal)
    assert effect.table.loc["cross-validation"].n.tolist() == [24, 23, 23]

    moved = ds.with_table(ds.table[ds.table.id != row.id])  # a round has moved it away since
    effect = measure_effect(learn, learn, moved, journal)
    assert effect.table.loc["cross-validation"].n.tolist() == [24, 23, 23]


@pytest.mark.trains
def test_few_images_are_not_cross_validated(images, monkeypatch):
    learn = Learner(Dataset.from_folder(images, valid_pct=0.25), **TINY).fine_tune(progress=False)
    monkeypatch.setattr("bearwidgets.review.effect.measure.FEWEST", 25)
    effect = measure_effect(learn, learn, learn.data(), Journal.open(learn.data()))
    assert effect.judged_on == ("evaluation split", "corrected")
    assert effect.notes[1] == "Cross-validation is of 25 to 10,000 images; these are 24."
