"""What a network says of the training items while it trains."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from made_data import TINY

from bearwidgets import Review, cross_validate
from bearwidgets.errors import BadInputError
from bearwidgets.learn.training import training_dynamics as dynamics_module
from bearwidgets.learn.training.launch import make_fabric
from bearwidgets.learn.training.training_dynamics import TrainingDynamics
from bearwidgets.review.scores import consensus

FULL = {"mode": "full", "batch_size": 6, "precision": "32"}


def test_means_by_hand():
    fabric = make_fabric(torch.device("cpu"), "32")
    heads = ["c", "strange", "a"], np.array([[1, 0], [0.5, 0.5], [0.2, 0.8]])
    found = TrainingDynamics(["a", "unseen", "c", "no head"], 2, heads)
    odds = torch.tensor([[0.9, 0.1], [0.6, 0.4]])
    found.add(np.array([2, 0]), odds.log(), fabric)
    found.add(np.array([2, 2]), odds.flip(1).log(), fabric)
    found.add(np.array([3]), torch.zeros(1, 2), fabric)
    ids, (mean, start) = found.opinions()
    assert ids == ["a", "c", "no head"]
    by_hand = [[0.6, 0.4], [(0.9 + 0.1 + 0.4) / 3, (0.1 + 0.9 + 0.6) / 3], [0.5, 0.5]]
    assert mean == pytest.approx(np.array(by_hand))
    assert start == pytest.approx(np.array([[0.2, 0.8], [1.0, 0.0], [np.nan, np.nan]]), nan_ok=True)


def test_the_first_epoch_at_a_rate_of_nearly_nothing_says_what_the_network_says(pretrained):
    pretrained.fine_tuning(1, mode="quick").close()
    pretrained.fit(1, 1e-12, augment="none", norm_eval=True, batch_size=6, precision="32", progress=False)
    table, probabilities = pretrained.predictions()
    ids, (mean, _) = pretrained.training_dynamics()
    assert mean == pytest.approx(probabilities[table.set_index("id").index.get_indexer(ids)], abs=1e-3)


def test_every_item_is_seen_once_an_epoch_and_a_review_brings_the_opinions_together(pretrained, ds):
    pretrained.fine_tune(2, **FULL, progress=False)
    review = Review(pretrained)
    _, last = pretrained.predictions()
    ids, earlier = pretrained.training_dynamics()
    assert ids == ds.table.id[ds.table.split == "train"].tolist()
    assert pretrained.record.dynamics.tensors["count"].tolist() == [2] * len(ids)
    assert earlier[0].sum(1) == pytest.approx(1, abs=1e-5)
    assert np.isfinite(earlier[1]).any()
    rows = review.table.index.get_indexer(ids)
    assert review.probabilities[rows] == pytest.approx(consensus([last[rows], *earlier]))
    assert abs(review.probabilities[rows] - last[rows]).max() > 1e-3
    others = np.setdiff1d(np.arange(len(ds.table)), rows)
    assert (review.probabilities[others] == last[others]).all()
    assert review.made_by.endswith("training items judged in sample and over the epochs")
    assert not review.table.why.str.contains("did not see").any()


def test_a_cached_training_ends_the_trace_and_another_fit_goes_on_with_it(pretrained):
    pretrained.fine_tune(1, **FULL, progress=False)
    pretrained.fit(2, 1e-4, batch_size=6, precision="32", progress=False)
    assert set(pretrained.record.dynamics.tensors["count"].tolist()) == {3}
    pretrained.fine_tune(progress=False)
    assert pretrained.training_dynamics() is None
    assert Review(pretrained).made_by.endswith("out of fold")


def test_mixed_pictures_say_nothing(pretrained):
    pretrained.fine_tune(1, **FULL, mixup=0.4, progress=False)
    assert pretrained.training_dynamics()[0] == []
    assert Review(pretrained).made_by.endswith("training items judged in sample")


def test_what_would_take_too_much_memory_is_not_kept(pretrained, monkeypatch):
    monkeypatch.setattr(dynamics_module, "MOST_VALUES", 10)
    pretrained.fine_tune(1, **FULL, progress=False)
    assert pretrained.training_dynamics() is None
    Review(pretrained)


def test_folds_bring_together_what_their_learners_said(ds):
    cv = cross_validate(ds, 3, mode="full", epochs=1, fit_options={"batch_size": 6}, progress=False, **TINY)
    ids, (mean,) = cv.training_dynamics()
    first = ds.table.id[ds.table.split == "train"].iloc[0]
    said = []
    for learner in cv.learners:
        known, (theirs, _) = learner.training_dynamics()
        said += [theirs[known.index(first)]] if first in known else []
    assert len(said) == 2
    assert mean[ids.index(first)] == pytest.approx(np.mean(said, 0))
    review = Review(cv)
    assert review.made_by.endswith("out of fold and over the epochs")
    held, probabilities = cv.out_of_fold()
    wanted = consensus([probabilities[[held.index(first)]], mean[[ids.index(first)]]])
    assert review.probabilities[review.table.index.get_loc(first)] == pytest.approx(wanted[0], abs=1e-6)


def test_folds_of_mixed_pictures_are_judged_out_of_fold_alone(ds):
    options = {"batch_size": 6, "mixup": 0.4}
    cv = cross_validate(ds, 2, mode="full", epochs=1, fit_options=options, progress=False, **TINY)
    assert cv.training_dynamics()[0] == []
    review = Review(cv)
    assert review.made_by.endswith("out of fold")
    assert review.table.why.str.contains("never trained on this image").sum() == len(cv.out_of_fold()[0])


def test_what_was_said_of_the_others_stays_when_an_item_leaves(pretrained):
    pretrained.fine_tune(1, **FULL, progress=False)
    gone = pretrained.record.dynamics.ids[0]
    start = pretrained.training_dynamics()[1][1][1:]
    pretrained.leave_out({gone: "broken"})
    pretrained.fit(1, 1e-4, batch_size=6, precision="32", progress=False)
    ids, (_, kept) = pretrained.training_dynamics()
    assert gone not in ids
    assert set(pretrained.record.dynamics.tensors["count"].tolist()) == {2}
    np.testing.assert_array_equal(kept, start)


def test_tensors_of_other_items_are_refused():
    other = TrainingDynamics(["a"], 2)
    with pytest.raises(BadInputError, match="of other items or classes"):
        TrainingDynamics(["a", "b"], 2).restore(other.tensors)
