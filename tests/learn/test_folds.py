"""Folds: who lies in which, and what a cross-validation makes of them."""

from __future__ import annotations

import copy
import shutil
import warnings
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_data import CLASSES, TINY, write_images
from PIL import Image

from bearwidgets.data.dataset import Dataset
from bearwidgets.errors import BadInputError
from bearwidgets.learn.folds import cross_validation
from bearwidgets.learn.folds.cross_validation import CrossValidation, cross_validate
from bearwidgets.learn.folds.folds import assign_folds
from bearwidgets.learn.learner import Learner
from bearwidgets.review.checks.run import find_issues
from bearwidgets.review.review import Review
from bearwidgets.widgets.cleaner.cleaner import Cleaner

QUIET = {**TINY, "progress": False}


@pytest.fixture(scope="module")
def ds(tmp_path_factory) -> Dataset:
    folder = write_images(tmp_path_factory.mktemp("folds") / "images", dict.fromkeys(CLASSES, 8))
    return Dataset.from_folder(folder, valid_pct=0.25)


@pytest.fixture(scope="module")
def cv(ds) -> CrossValidation:
    """Trained once for all tests that only look at it."""
    return cross_validate(ds, 3, **QUIET)


# ---------------------------------------------------------------- who lies in which fold


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 30)), min_size=2, max_size=60),
    st.integers(2, 7),
    st.integers(0, 3),
)
def test_copies_stay_together_and_classes_are_spread(rows, folds, seed):
    """With one label for each content, every class is held out in as many folds as it can be."""
    content = [f"{label}-{number:02}" for label, number in rows]
    labels = [f"class {label}" for label, _ in rows]
    if len(set(content)) < folds:
        with pytest.raises(BadInputError, match="folds of"):
            assign_folds(content, labels, folds, seed=seed)
        return
    fold = assign_folds(content, labels, folds, seed=seed)
    assert set(fold.tolist()) == set(range(folds))
    table = pd.DataFrame({"content": content, "label": labels, "fold": fold})
    assert table.groupby("content").fold.nunique().max() == 1
    pieces = table.groupby("label").content.nunique().clip(upper=folds)
    assert (table.groupby("label").fold.nunique() == pieces).all()


def test_without_copies_classes_and_folds_are_even():
    labels = ["a"] * 23 + ["b"] * 12 + ["c"] * 7
    fold = assign_folds([f"{row:02}" for row in range(42)], labels, 5)
    for label, n in Counter(labels).items():
        counts = np.bincount(fold[np.array(labels) == label], minlength=5)
        assert set(counts) <= {n // 5, n // 5 + 1}
    assert set(np.bincount(fold)) == {8, 9}


def test_neither_order_nor_anything_but_content_and_seed_decides():
    content, labels = [f"{row:02}" for row in range(40)], ["a", "b"] * 20
    fold = assign_folds(content, labels, 4)
    again = assign_folds(content[::-1], labels[::-1], 4)[::-1]
    assert (fold == again).all()
    assert (fold != assign_folds(content, labels, 4, seed=1)).any()


def test_groups_and_copies_join_in_turn():
    """a and b are copies, b and c are of one group, c and d are copies: all four are one piece."""
    content = ["1", "1", "2", "2", *(f"x{row}" for row in range(8))]
    groups = [None, "bear", "bear", float("nan"), *([None] * 8)]
    for seed in range(5):
        fold = assign_folds(content, ["a", "b"] * 6, 4, groups=groups, seed=seed)
        assert len(set(fold[:4])) == 1
        assert len(set(fold)) == 4


def test_copies_under_two_labels_stay_together():
    content = [f"{row // 2:02}" for row in range(24)]
    fold = assign_folds(content, ["a", "b"] * 12, 3)
    assert (fold[::2] == fold[1::2]).all()
    assert np.bincount(fold).tolist() == [8, 8, 8]


@pytest.mark.parametrize("folds", [1, 0, -2, 2.0, "5", True, None])
def test_a_number_of_folds_that_is_none(folds):
    with pytest.raises(BadInputError, match=r"folds is .*; allowed is a whole number from 2 on"):
        assign_folds(["1", "2", "3"], ["a", "b", "a"], folds)


# ---------------------------------------------------------------- a cross-validation


def test_every_training_item_is_judged_by_a_learner_that_did_not_see_it(cv, ds):
    train = ds.table[ds.table.split == "train"]
    ids, probabilities = cv.out_of_fold()
    assert sorted(ids) == sorted(train.id)
    by_id = dict(zip(ids, probabilities, strict=True))
    held = Counter()
    for learner in cv.learners:
        own = learner.ds.table
        examined = own.id[own.split == "valid"]
        assert not set(own.content[own.split == "train"]) & set(own.content[own.split == "valid"])
        table, expected = learner.predictions()
        rows = table.index[table.id.isin(examined)]
        assert np.array([by_id[each] for each in table.id[rows]]) == pytest.approx(expected[rows], rel=1e-4)
        held.update(examined)
    assert held == Counter(train.id)


def test_the_exam_is_left_alone_and_the_ensemble_is_measured_on_it(cv, ds):
    valid = ds.table[ds.table.split == "valid"]
    for learner in cv.learners:
        assert set(learner.ds.table.id[learner.ds.table.split == "test"]) == set(valid.id)
    table, probabilities = cv.predictions()
    assert table.equals(ds.table)
    rows = (table.split == "valid").to_numpy()
    mean = np.mean([learner.predictions()[1][rows] for learner in cv.learners], axis=0)
    assert probabilities[rows] == pytest.approx(mean)
    scores = cv.evaluate("valid")
    right = np.array(cv.classes)[mean.argmax(1)] == valid.label
    assert (scores["n"], scores["accuracy"]) == (6, pytest.approx(right.mean()))
    assert scores["made_by"].endswith("; mean probability")
    assert ds.exam is not None
    assert set(ds.exam.items) == set(valid.content)


def test_the_table_has_the_figures_of_each_fold(cv, ds):
    assert cv.table.index.tolist() == [1, 2, 3]
    assert cv.table.n.sum() == (ds.table.split == "train").sum() == 18
    assert (cv.table.n + cv.table.n_train == 18).all()
    for row, learner in zip(cv.table.itertuples(), cv.learners, strict=True):
        scores = learner.evaluate("valid")
        assert row.loss == pytest.approx(scores["loss"], rel=1e-4)
        assert (row.accuracy, row.n) == (scores["accuracy"], scores["n"])
        assert row.error_rate == pytest.approx(1 - row.accuracy)
    pooled = cv.evaluate("train")
    assert pooled["n"] == 18
    assert pooled["accuracy"] == pytest.approx((cv.table.accuracy * cv.table.n).sum() / 18)
    assert pooled["made_by"].endswith("; judged out of fold")


def test_the_summary_by_hand(cv):
    cv = copy.copy(cv)
    fixed = {"n_train": 2, "n": 1, "accuracy": 1, "error_rate": 0}
    cv._rows = [{**fixed, "loss": loss} for loss in (1.0, 2.0, 6.0)]
    row = cv.summary.loc["loss"]
    assert row["mean"] == pytest.approx(3)
    assert row["std"] == pytest.approx(7**0.5)
    assert row["standard_error"] == pytest.approx((7 * (1 / 3 + 1 / 2)) ** 0.5)
    assert set(cv.summary.index) == {"loss", "accuracy", "error_rate"}


def test_metrics_by_name_have_their_spread_and_features_are_computed_once_for_all_folds(ds, computed):
    cv = cross_validate(ds, 4, metrics=["f1"], **QUIET)
    assert cv.table.columns.tolist()[-1] == "f1"
    assert cv.summary.loc["f1", "mean"] == pytest.approx(cv.table.f1.mean())
    assert cv.table.f1.between(0, 1).all()
    assert cv.evaluate("valid")["metrics"].keys() == {"f1"}
    assert sum(computed) == 24


def test_exact_folds_start_from_the_same_fresh_body(ds):
    cv = cross_validate(ds, 2, mode="full", epochs=1, **QUIET)
    assert [learner.mode for learner in cv.learners] == ["full", "full"]
    assert cv.mode == "full"
    bodies = [list(learner.module.body.parameters()) for learner in cv.learners]
    assert any((one != other).any() for one, other in zip(*bodies, strict=True))
    alone = Learner(ds, **TINY).with_data(cv.learners[1].ds).fine_tune(1, mode="full", progress=False)
    last = zip(alone.module.parameters(), cv.learners[1].module.parameters(), strict=True)
    assert all((one == other).all() for one, other in last), "the first fold left nothing behind"
    ids, probabilities = cv.out_of_fold()
    assert (len(ids), probabilities.shape) == (18, (18, 3))


def test_options_of_the_training_reach_every_fold(ds):
    cv = cross_validate(ds, 2, mode="full", epochs=1, fit_options={"norm_eval": True}, **QUIET)
    fresh = dict(Learner(ds, **TINY).module.body.named_buffers())
    for learner in cv.learners:
        buffers = learner.module.body.named_buffers()
        assert all((value == fresh[name]).all() for name, value in buffers)
    with pytest.raises(BadInputError, match="A checkpoint belongs to one training"):
        cross_validate(ds, mode="full", fit_options={"checkpoint": "kept.safetensors"}, **QUIET)
    with pytest.raises(BadInputError, match="Did you mean 'norm_eval'"):
        cross_validate(ds, mode="full", fit_options={"norm_evl": True}, **QUIET)


def test_the_same_seed_gives_the_same_numbers(ds):
    first, second, other = (cross_validate(ds, 3, seed=seed, **QUIET) for seed in (1, 1, 2))
    assert (first.predictions()[1] == second.predictions()[1]).all()
    assert first.out_of_fold()[0] == second.out_of_fold()[0]
    assert (first.predictions()[1] != other.predictions()[1]).any()


def test_valid_can_be_folded_too(ds):
    cv = cross_validate(ds, 4, splits=("train", "valid"), **QUIET)
    assert sorted(cv.out_of_fold()[0]) == sorted(ds.table.id)
    assert cv.table.n.sum() == 24
    scores = cv.evaluate("valid")
    assert (scores["n"], scores["made_by"].endswith("judged out of fold")) == (6, True)
    ids, probabilities = cv.out_of_fold()
    assert (cv.predictions()[0].id == ids).all()
    assert (cv.predictions()[1] == probabilities).all()


def test_a_copy_of_a_training_item_in_the_exam_is_judged_by_the_learner_that_did_not_see_it(images):
    rows = [(path.relative_to(images).as_posix(), path.parent.name) for path in sorted(images.rglob("*.jpg"))]
    frame = pd.DataFrame(rows, columns=["path", "label"]).assign(split="train")
    shutil.copy(images / "black" / "000.jpg", images / "copy.jpg")
    frame.loc[len(frame)] = ["copy.jpg", "black", "valid"]
    ds = Dataset.from_df(frame, root=images, split="split")
    cv = cross_validate(ds, 3, **QUIET)
    table, probabilities = cv.predictions()
    twin, original = (table.index[table.path == path][0] for path in ("copy.jpg", "black/000.jpg"))
    assert probabilities[twin] == pytest.approx(probabilities[original], rel=1e-4)
    mean = np.mean([each.predictions(ds)[1][twin] for each in cv.learners], axis=0)
    assert probabilities[twin] != pytest.approx(mean, rel=1e-4)
    assert table.id[twin] not in cv.out_of_fold()[0]
    assert {each.ds.table.split[each.ds.table.path == "copy.jpg"].item() for each in cv.learners} == {"test"}


@pytest.mark.parametrize("kind", ["by path", "by id", "column", "series"])
def test_groups_are_never_torn(ds, kind):
    table = ds.table
    group = ["odd" if int(path[-5]) % 2 else None for path in table.path]
    given_as = {
        "by path": {path: each for path, each in zip(table.path, group, strict=True) if each},
        "by id": dict(zip(table.id, group, strict=True)),
        "column": group,
        "series": pd.Series(group, index=table.index),
    }[kind]
    cv = cross_validate(ds, 3, groups=given_as, **QUIET)
    held = [set(each.ds.table.path[each.ds.table.split == "valid"]) for each in cv.learners]
    together = {path for path in table.path[table.split == "train"] if int(path[-5]) % 2}
    assert sum(bool(together & each) for each in held) == 1
    assert sum(map(len, held)) == 18


def test_it_is_trained_anew_on_other_data(cv, ds):
    cleaned = ds.without(cv.out_of_fold()[0][:2], "deleted")
    after = cv.with_data(cleaned)
    assert not after.learners
    assert len(cv.learners) == 3
    steps = list(after.fine_tuning(4, mode="quick"))
    assert {step.stage.split(":")[0] for step in steps} == {"fold 1 of 3", "fold 2 of 3", "fold 3 of 3"}
    assert after.table.n.sum() == 16
    assert len(Review(after, ds).table) == 24


def test_a_cleaner_shows_it_and_retrains_it(images):
    shutil.move(images / "black" / "000.jpg", images / "teddy" / "moved.jpg")
    cv = cross_validate(Dataset.from_folder(images, valid_pct=0.25), 3, **QUIET)
    issues = find_issues(cv, ["off_topic", "label_issues"])
    assert issues.names == ["label_issues", "off_topic"], issues.left_out
    cleaner = Cleaner(cv)
    assert "3 folds of train" in cleaner.review.made_by
    assert "judged out of fold" in cleaner.review.made_by
    wrong = cleaner.review.suspects(1, "train")
    assert wrong.path.tolist() == ["teddy/moved.jpg"]
    cleaner.mark(wrong.index.tolist(), "relabel", "black")
    assert cleaner.retrain().state == "done"
    assert isinstance(cleaner.learn, CrossValidation)
    assert len(cleaner.learn.learners) == 3
    assert cleaner.effect.table.n.tolist() == [6, 6]
    assert cleaner.review.table.loc[wrong.index[0], "predicted"] == "black"


def test_predict_is_the_mean_of_the_learners(cv):
    path = cv.ds.root / "black" / "000.jpg"
    prediction = cv.predict(path)
    each = [learner.predict(path).probabilities for learner in cv.learners]
    mean = {name: np.mean([one[name] for one in each]) for name in cv.classes}
    assert prediction.probabilities == pytest.approx(mean)
    assert prediction.label == max(prediction.probabilities, key=prediction.probabilities.__getitem__)
    assert prediction.probability == max(prediction.probabilities.values())
    assert cv.predict(np.asarray(Image.open(path))).label == prediction.label


# ---------------------------------------------------------------- stopped, broken, wrong


def test_ctrl_c_leaves_the_finished_folds(ds, monkeypatch):
    original = Learner.fine_tuning

    def interrupted(self, *args, **kwargs):
        valid = self.ds.table.id[self.ds.table.split == "valid"]
        for step in original(self, *args, **kwargs):
            if self.ds is not ds and len(started) == 2 and step.stage == "head":
                raise KeyboardInterrupt
            yield step
        started.append(set(valid))

    started = []
    monkeypatch.setattr(Learner, "fine_tuning", interrupted)
    with pytest.warns(UserWarning, match=r"Interrupted. CrossValidation\(held-out error .* can be used"):
        cv = cross_validate(ds, 4, **QUIET)
    assert (len(cv.learners), len(cv.table)) == (2, 2)
    assert set(cv.out_of_fold()[0]) == started[0] | started[1]
    assert "2 of 4 folds of train" in cv.made_by
    assert cv.predictions()[1].shape == (24, 3)
    assert len(Review(cv).table) == 24
    assert cv.evaluate("valid")["n"] == 6
    assert cv.evaluate("train")["n"] == len(started[0] | started[1])
    monkeypatch.setattr(Learner, "fine_tuning", original)
    list(cv.fine_tuning())
    assert len(cv.learners) == 4


def test_it_stops_at_a_step_and_closes_the_training_of_the_fold(ds, monkeypatch):
    closed, original = [], Learner.fine_tuning

    def watched(self, *args, **kwargs):
        try:
            yield from original(self, *args, **kwargs)
        finally:
            closed.append(self.ds)

    monkeypatch.setattr(Learner, "fine_tuning", watched)
    cv = CrossValidation(ds, 3, **TINY)
    steps = cv.fine_tuning()
    assert next(steps).stage == "fold 1 of 3: features"
    assert not closed
    steps.close()
    assert len(closed) == 1
    for ask in (cv.predictions, cv.evaluate, lambda: cv.predict("x.jpg"), lambda: Review(cv)):
        with pytest.raises(BadInputError, match="No fold is trained yet"):
            ask()
    assert cv.out_of_fold() is None
    assert (cv.made_by, len(cv.table)) == ("", 0)
    assert repr(cv) == "CrossValidation(3 folds, none trained yet)"


def test_a_picture_that_only_fails_when_decoded_is_left_out_once(images):
    ds = Dataset.from_folder(images, valid_pct=0)
    victim = images / "teddy" / "003.jpg"
    victim.write_bytes(victim.read_bytes()[:400])
    with pytest.warns(UserWarning, match="could not be decoded") as told:
        cv = cross_validate(ds, 3, **QUIET)
    assert sum("could not be decoded" in str(each.message) for each in told) == 1
    assert cv.table.n.sum() == 23
    assert cv.ds.problems.path.tolist() == ["teddy/003.jpg"]
    assert len(cv.predictions()[0]) == len(cv.out_of_fold()[0]) == 23
    assert len(Review(cv).table) == 23


def test_a_class_smaller_than_the_folds_is_told(make_images, tmp_path):
    ds = Dataset.from_folder(make_images(tmp_path / "few", {"a": 6, "b": 6, "c": 2}), valid_pct=0)
    with pytest.warns(UserWarning, match=r"hold no image of a class \('c' in 2 of 4\)"):
        cv = cross_validate(ds, 4, **QUIET)
    assert cv.table.n.sum() == 14
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cross_validate(ds, 2, **QUIET)


def test_a_class_of_one_image_beside_another_cannot_be_folded(make_images, tmp_path):
    ds = Dataset.from_folder(make_images(tmp_path / "one", {"a": 6, "b": 1}), valid_pct=0)
    with pytest.raises(BadInputError, match=r"fewer than two classes.*a 6, b 1.*Add images"):
        cross_validate(ds, 3, **QUIET)
    ds = Dataset.from_folder(make_images(tmp_path / "alone", {"bear": 6}), valid_pct=0)
    with pytest.raises(BadInputError, match="fewer than two classes"):
        cross_validate(ds, 3, **QUIET)


def test_wrong_arguments_are_refused(ds, cv, monkeypatch):
    with pytest.raises(BadInputError, match="Did you mean 'quick'"):
        cross_validate(ds, mode="quik", **QUIET)
    with pytest.raises(BadInputError, match="No split 'vlid'"):
        cv.evaluate("vlid")
    monkeypatch.setattr(cross_validation, "Learner", lambda *_, **__: pytest.fail("refused too late"))
    for arguments, message in [
        ({"folds": 1}, "folds is 1; allowed is a whole number from 2 on"),
        ({"folds": 50}, "50 folds of 18 different images"),
        ({"splits": ("train", "vlid")}, "No split 'vlid'.*Did you mean 'valid'"),
        ({"splits": "test"}, "No split 'test'"),
        ({"groups": "pth"}, "No column 'pth'.*Did you mean 'path'"),
        ({"groups": ["a"]}, "groups has 1 values; allowed is one for each of the 24 rows"),
        ({"groups": {"none.jpg": "a"}}, "none of them an id or path"),
    ]:
        with pytest.raises(BadInputError, match=message):
            cross_validate(ds, **arguments, **QUIET)
    with pytest.raises(BadInputError, match=r"not from str; of a learner take `learn.ds`"):
        cross_validate("images", **QUIET)


def test_labels_that_are_no_class_are_named(cv, images, make_images):
    make_images(images, {"polar": 3}, seed=7)  # not in the folder of `cv`
    with pytest.raises(BadInputError, match="No class 'polar'"):
        cv.evaluate("train", Dataset.from_folder(images, valid_pct=0.25))
