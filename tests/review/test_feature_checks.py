"""Checks of features, labels and properties: what was planted is found, chance and clean data are passed over."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from bearwidgets.review.checks.drift import drift_in_order, natural_order, order_drift
from bearwidgets.review.checks.imbalance import class_imbalance, rare_classes
from bearwidgets.review.checks.outliers import distance_ratio, imagenet_distances, off_topic, outlier_score
from bearwidgets.review.checks.spurious import property_skill, spurious_correlation
from bearwidgets.review.checks.weak_groups import _holm, find_weak_groups, weak_groups
from bearwidgets.review.neighbors import nearest


def inputs_of(columns, **others):
    """What a check is given: a table with these columns, and what else it needs."""
    plain = {"threshold": None, "imagenet": None, "features": None}
    return SimpleNamespace(table=pd.DataFrame(columns), **plain | others)


# Off topic: far from all others, for the density around them


def balls(n=400, d=64, seed=0, spreads=(0.4, 0.4, 0.4)):
    """Classes of features as wide as said."""
    rng = np.random.default_rng(seed)
    target = rng.integers(0, len(spreads), n)
    middles = rng.normal(size=(len(spreads), d))
    return middles[target] + np.array(spreads)[target, None] * rng.normal(size=(n, d)), target


def off_topic_in(x, target):
    return off_topic(inputs_of({"label": target.astype(str)}, neighbors=nearest(x)))


def ratios(x, target):
    near = nearest(x)
    return distance_ratio(near.index, near.similarity, target)


def test_ratios_by_hand():
    index = np.array([[1, 2], [0, 2], [0, 1], [0, -1]])
    similarity = np.array([[0.9, 0.8], [0.9, 0.7], [0.8, 0.7], [0.2, np.nan]])
    # mean distances are 0.15, 0.2, 0.25 and 0.8; the middle of class 0 is 0.2, of class 1 0.25 and of class 2 0.8
    ratio = distance_ratio(index, similarity, np.array([0, 0, 1, 2]))
    around = np.array([(0.175 + 0.25) / 2, (0.175 + 0.25) / 2, 0.175, 0.175])
    assert ratio == pytest.approx(np.array([0.15, 0.2, 0.25, 0.8]) / around, rel=1e-4)


def test_off_topic_images_are_found_even_as_a_small_clump():
    x, target = balls()
    rng = np.random.default_rng(1)
    others = rng.normal(size=(8, 64)) * 1.2
    others[4:] = others[3] + 0.5 * rng.normal(size=(4, 64))  # nearer to each other than to the rest
    x[:8] = others
    found = off_topic_in(x, target)
    assert found.flag[:8].all()
    assert found.flag.sum() <= 10
    said = f"{found.flag.sum()} of 400 images are unlike the others; a score of 0.5 is "
    assert found.note.startswith(said)


def test_the_reason_says_what_an_image_looks_like():
    x, target = balls()
    x[:2] = np.random.default_rng(1).normal(size=(2, 64)) * 1.2
    given = inputs_of({"label": target.astype(str)}, neighbors=nearest(x), features=x)
    given.imagenet = head_that_says(np.full((400, 10), 0.1))
    why = off_topic(given).why
    assert why[0].endswith("× the usual distance); looks like: sloth bear (93 %)")
    assert why[1].endswith("× the usual distance)")


def head_that_says(p):
    """A classifier of ImageNet with these probabilities for all items, and a name for the first that is flagged."""
    return SimpleNamespace(
        bias=np.zeros(p.shape[1]),
        probabilities=lambda _: p,
        looks_like=lambda features: ["sloth bear (93 %)", *[""] * (len(features) - 1)],
    )


def test_imagenet_distances_by_hand():
    p = np.array([[1, 0, 0], [1, 0, 0], [0, 0.5, 0.5], [0, 0.64, 0.36]], np.float32)
    rare, distance = imagenet_distances(head_that_says(p), p, np.array([0, 0, 1, 1]))
    second = np.array([0.57, 0.43])
    assert rare == pytest.approx(-np.log([1, 1, *(p[2:, 1:] @ second**0.5)]), abs=1e-6)
    assert distance == pytest.approx(-np.log([1, 1, *(np.sqrt(p[2:, 1:] * second).sum(1))]), abs=1e-6)


def test_what_imagenet_takes_for_something_else_is_more_off_topic():
    x, target = balls()
    x[4] = 0
    p = np.random.default_rng(2).dirichlet([8, 8, 1, 1], 400)
    p[:2] = [0, 0, 0.5, 0.5]
    given = inputs_of({"label": target.astype(str)}, neighbors=nearest(x), features=x)
    alone = off_topic(given).score
    given.imagenet = head_that_says(p)
    both = off_topic(given)
    assert (both.score[:2] > alone[:2] + 0.2).all()
    assert np.isnan(both.score[4])
    assert both.flag[2:].mean() < 0.03
    assert "where ImageNet's classes are the usual ones" in both.note


def test_a_varied_class_is_not_off_topic():
    x, target = balls(spreads=(0.2, 0.2, 0.2, 0.8))
    assert off_topic_in(x, target).flag.mean() < 0.02
    score, _ = outlier_score(ratios(x, np.zeros(400, int)))
    assert (score >= 0.5).mean() > 0.1  # as it would be were its own density not known


def test_a_wrong_label_alone_makes_no_outlier():
    x, target = balls(spreads=(0.2, 0.7))
    wrong = target.copy()
    wrong[0] = 1 - wrong[0]
    assert ratios(x, wrong)[0] == pytest.approx(ratios(x, target)[0], rel=0.02)


@pytest.mark.parametrize("d", [8, 64, 512])
def test_clean_data_is_hardly_flagged(d):
    assert off_topic_in(*balls(1000, d)).flag.mean() <= 0.03


def test_unknown_items_have_no_score_and_copies_are_no_outliers():
    x, target = balls(50)
    x[4] = 0
    found = off_topic_in(x, target)
    assert np.isnan(found.score[4])
    assert not found.flag[4]
    assert np.isfinite(np.delete(found.score, 4)).all()
    assert np.isnan(off_topic_in(x * 0, target).score).all()
    assert len(off_topic_in(x[:0], target[:0]).score) == 0
    score, least = outlier_score(ratios(np.ones((30, 4)), np.zeros(30, int)))
    assert (score == 0).all()
    assert least == pytest.approx(1.25)


# Weak groups


def clusters(n=900, d=40, seed=0):
    rng = np.random.default_rng(seed)
    member = rng.integers(0, 9, n)
    x = rng.normal(size=(9, d))[member] + 0.2 * rng.normal(size=(n, d))
    return x.astype(np.float32), member, rng


def weak_groups_in(x, right):
    ids = [f"i{number}" for number in range(len(x))]
    review = pd.DataFrame({"label": "black", "predicted": np.where(right, "black", "teddy")}, index=ids)[::-1]
    return weak_groups(inputs_of({"id": ids}, features=x, review=SimpleNamespace(table=review)))


def test_a_planted_weak_group_is_found():
    x, member, rng = clusters()
    found = weak_groups_in(x, rng.random(900) < np.where(member == 4, 0.55, 0.95))
    assert found.flag[member == 4].mean() > 0.9
    assert found.flag[member != 4].mean() < 0.02
    assert (found.group[found.flag] >= 0).all()
    assert (found.group[~found.flag] == -1).all()
    assert 0.2 < np.median(found.score[member == 4]) < 0.7


def test_errors_at_random_make_no_weak_group():
    x, _, rng = clusters()
    flagged = [find_weak_groups(x, rng.random(900) < 0.8, seed=seed).weak.sum() for seed in range(20)]
    assert sum(flagged) == 0


def test_items_without_a_prediction_or_features_are_in_no_group():
    x, _, rng = clusters()
    right = (rng.random(900) < 0.8).astype(float)
    right[3], x[5] = np.nan, 0
    found = find_weak_groups(x, right)
    assert (np.flatnonzero(found.group < 0) == [3, 5]).all()
    assert found.size.sum() == 898
    assert np.bincount(found.group[found.group >= 0]).tolist() == found.size.tolist()
    for number in range(len(found.size)):
        inside = found.group == number
        assert found.accuracy[number] == pytest.approx(right[inside].mean())
        assert found.elsewhere[number] == pytest.approx(np.nanmean(right[~inside & (found.group >= 0)]))
    assert (np.diff(found.p) >= 0).all()


def test_too_few_items_have_no_groups():
    found = weak_groups_in(np.ones((10, 3), np.float32), np.ones(10, bool))
    assert not found.flag.any()
    assert np.isnan(found.score).all()


def test_holm_by_hand():
    assert _holm(np.array([0.01, 0.04, 0.03])) == pytest.approx([0.03, 0.06, 0.06])


# Simple properties that give the label away


def spurious_in(target, **columns):
    labels = {"label": np.asarray(target).astype(str)}
    return spurious_correlation(inputs_of(labels, image_stats=pd.DataFrame(columns)))


def test_a_property_that_tells_the_label_is_named():
    rng = np.random.default_rng(0)
    target = rng.integers(0, 3, 300)
    found = spurious_in(target, brightness=0.3 * target + rng.normal(0, 0.03, 300), shape=rng.random(300))
    assert found.flag.mean() > 0.95
    assert found.score[found.flag].min() > found.score[~found.flag].max(initial=0)


def test_a_weak_link_and_chance_are_not_flagged():
    rng = np.random.default_rng(0)
    target = rng.integers(0, 2, 2000)
    brightness = 0.5 * target + rng.normal(size=2000)
    found = spurious_in(target, brightness=brightness, contrast=rng.random(2000))
    assert not found.flag.any()
    assert "Brightness" in found.note


@pytest.mark.parametrize("n", [20, 60, 400])
def test_many_properties_of_noise_tell_nothing(n):
    rng = np.random.default_rng(n)
    for _ in range(10):
        skill = property_skill(rng.random(n), rng.integers(0, 3, n))
        assert skill is None or not skill.gives_away


def test_rare_classes_weigh_as_much_as_common_ones_and_a_middle_is_told_too():
    values = np.random.default_rng(0).random(1000)
    skill = property_skill(values, np.repeat([0, 1], [950, 50]))
    assert skill.balanced_accuracy == pytest.approx(0.5, abs=0.12)  # not 0.95
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
    assert np.isnan(spurious_in([0, 1, 0], brightness=[0.1, 0.2, 0.3]).score).all()


# Rare classes


@pytest.mark.parametrize(
    ("counts", "rare"),
    [
        ([100, 100, 100], []),
        ([160, 160, 159], []),
        ([100, 60, 140], []),
        ([100, 110, 30], [2]),
        ([75, 25], []),  # 1:3 of two classes is common
        ([95, 5], [1]),
        ([100, 50, 25, 12, 6, 3], []),  # a long tail is that data's own way
        ([100, 50, 25, 12, 6, 1], [5]),  # but below a tenth of the middle is rare
    ],
)
def test_which_are_rare(counts, rare):
    assert np.flatnonzero(rare_classes(np.array(counts))[1]).tolist() == rare


def test_items_of_rare_classes_are_flagged_as_groups():
    found = class_imbalance(inputs_of({"label": ["black"] * 100 + ["grizzly"] * 90 + ["teddy"] * 9}))
    assert found.flag.sum() == 9
    assert found.flag[-9:].all()
    assert (found.group[-9:] == 2).all()
    assert (found.group[:190] == -1).all()
    assert found.score[-1] == pytest.approx(0.9)
    assert found.score[0] == 0
    assert found.score[-1] >= found.threshold
    assert "the smallest is teddy with 9, the largest black with 100" in found.note
    assert not class_imbalance(inputs_of({"label": ["black"] * 10})).flag.any()
    assert len(class_imbalance(inputs_of({"label": []})).flag) == 0


# Drift in the order of the files


def drifting(drift, n=300, seed=0):
    """Features that change by so much from the first to the last file of a class."""
    rng = np.random.default_rng(seed)
    target = np.repeat([0, 1, 2], n // 3)
    place = np.tile(np.linspace(0, 1, n // 3), 3)
    x = rng.normal(size=(3, 32))[target] + 0.4 * rng.normal(size=(n, 32))
    return x + drift * place[:, None] * rng.normal(size=32), target


def drift_in(x, target, order=slice(None)):
    count = np.arange(len(x)) % (len(x) // 3)
    paths = np.array([f"c{label}/img_{number}.jpg" for label, number in zip(target, count, strict=True)])
    table = {"path": paths[order], "label": target[order].astype(str)}
    return drift_in_order(inputs_of(table, neighbors=nearest(x[order])))


def test_drift_is_found_in_whatever_order_the_table_stands():
    x, target = drifting(1.0)
    found = drift_in(x, target)
    order = np.random.default_rng(0).permutation(300)
    other = drift_in(x, target, order)
    assert found.flag.sum() > 20
    assert found.score[order] == pytest.approx(other.score, abs=1e-6, nan_ok=True)
    assert found.note == other.note
    assert "(p = 0.005)" in found.note


def test_files_sorted_by_class_are_no_drift():
    rng = np.random.default_rng(5)
    p = []
    for seed in range(20):
        x, target = drifting(0.0, seed=seed)
        assert not drift_in(x, target).flag.any()
        p.append(order_drift(nearest(x).index, target, seed=int(rng.integers(99))).p)
    assert 0.25 < np.mean(p) < 0.75  # even, where there is nothing


def test_distances_in_the_order_by_hand():
    # one class of four items at 1/8, 3/8, 5/8 and 7/8; neighbors are next to each other, and one of another class
    index = np.array([[1, 4], [0, 4], [3, 4], [2, -1], [0, 1]])
    found = order_drift(index, np.array([0, 0, 0, 0, 1]))
    assert found.distance == pytest.approx(0.25)
    usual = ((1 / 8) ** 2 + (7 / 8) ** 2) / 2
    assert found.nearness[0] == pytest.approx(1 - 0.25 / usual)
    assert np.isnan(found.nearness[4])


def test_no_neighbors_are_no_drift():
    found = order_drift(np.full((4, 2), -1), np.zeros(4, int))
    assert (found.p, found.effect) == (1, 0)
    assert np.isnan(found.nearness).all()
    assert not drift_in(np.zeros((3, 4)), np.arange(3)).flag.any()


def test_natural_order():
    paths = ["b/2.jpg", "a/img_10.png", "a/img_9.png", "a/x.png", "7/1.jpg", "a/img_010.png"]
    wanted = ["7/1.jpg", "a/img_9.png", "a/img_010.png", "a/img_10.png", "a/x.png", "b/2.jpg"]
    assert [paths[row] for row in natural_order(paths)] == wanted
