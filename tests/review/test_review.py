"""Reviews: numbers by hand, refusals, lists, and the ranking on real photos."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from made_data import CLASSES, TINY
from sklearn.metrics import average_precision_score

from bearwidgets.data.dataset import Dataset
from bearwidgets.errors import BadInputError
from bearwidgets.learn.learner import Learner
from bearwidgets.review.review import Review

P = np.array([[0.8, 0.1, 0.1], [0.6, 0.3, 0.1], [0.1, 0.2, 0.7], [0.2, 0.5, 0.3]])
LABELS = ["black", "grizzly", "black", "teddy"]
SPLITS = ["train", "train", "valid", "valid"]


def frame(**columns: object) -> pd.DataFrame:
    return pd.DataFrame({"id": list("abcd"), "label": LABELS, "split": SPLITS, **columns})


@pytest.fixture
def review() -> Review:
    return Review.from_predictions(frame(), P, CLASSES)


def test_the_table_by_hand(review):
    table = review.table
    assert list(table.columns) == [
        "path", "label", "split", "predicted", "confidence", "loss", "margin", "label_issue", "suggested",
        "second", "why",
    ]  # fmt: skip
    assert table.index.tolist() == list("abcd")
    assert table.predicted.tolist() == ["black", "black", "teddy", "grizzly"]
    assert table.suggested.tolist() == table.predicted.tolist()
    assert table.second.tolist() == ["grizzly", "teddy", "grizzly", "black"]
    assert table.why["c"] == "Labeled black. The model says teddy (70 %)"
    assert table.confidence.tolist() == pytest.approx([0.8, 0.6, 0.7, 0.5])
    assert table.loss.tolist() == pytest.approx(-np.log([0.8, 0.3, 0.1, 0.3]), rel=1e-5)
    assert table.margin.tolist() == pytest.approx(np.log([8, 0.5, 1 / 7, 0.6]), rel=1e-5)
    assert review.probabilities.dtype == np.float32


def test_lists_are_ordered_and_by_split(review):
    assert review.top_losses(2).index.tolist() == ["c", "b"]
    assert review.top_losses(9, "valid").index.tolist() == ["c", "d"]
    for n in (-1, "3", 2.0):
        with pytest.raises(BadInputError, match="allowed is a whole number from 0 on"):
            review.suspects(n)
    assert review.suspects(1).index.tolist() == ["c"]
    assert review.suspects(9).label_issue.is_monotonic_decreasing


def test_the_confusion_matrix_per_split(review):
    assert review.confusion_matrix("valid").to_numpy().tolist() == [[0, 0, 1], [0, 0, 0], [0, 1, 0]]
    assert review.confusion_matrix("train").to_numpy().tolist() == [[1, 0, 0], [1, 0, 0], [0, 0, 0]]
    assert review.confusion_matrix(None).to_numpy().sum() == 4
    assert review.confusion_matrix().equals(review.confusion_matrix("valid"))
    assert review.most_confused(split="valid").to_numpy().tolist() == [
        ["black", "teddy", 1, 1.0],
        ["teddy", "grizzly", 1, 1.0],
    ]
    with pytest.raises(BadInputError, match=r"No split 'tset'.*known are train, valid"):
        review.confusion_matrix("tset")


@pytest.mark.parametrize(
    ("probabilities", "classes", "sentence"),
    [
        (np.full((4, 3), np.nan), CLASSES, "not numbers"),
        (np.log(P), CLASSES, "negative"),
        (P * 5, CLASSES, "logits need a softmax"),
        (P[:3], CLASSES, r"shape \(3, 3\); 4 items and 3 classes need \(4, 3\)"),
        (P[:, :2], CLASSES, "need"),
        (P[:, 0], CLASSES, "shape"),
        (P, ["black", "grizzly", "tedy"], "No class 'teddy' in this review.*Did you mean 'tedy'"),
        (P, ["black", "black", "teddy"], "different classes"),
        (np.ones((4, 1)), ["black"], "two or more"),
    ],
)
def test_what_does_not_fit_is_refused(probabilities, classes, sentence):
    with pytest.raises(BadInputError, match=sentence):
        Review.from_predictions(frame(), probabilities, classes)


def test_tables_that_do_not_fit_are_refused():
    with pytest.raises(BadInputError, match=r"No column 'label'.*Did you mean 'labels'"):
        Review.from_predictions(frame().rename(columns={"label": "labels"}), P, CLASSES)
    with pytest.raises(BadInputError, match="'a' stands twice"):
        Review.from_predictions(frame(id=list("aacd")), P, CLASSES)
    with pytest.raises(BadInputError, match="No class nan"):
        Review.from_predictions(frame(label=["black", np.nan, "teddy", "teddy"]), P, CLASSES)


def test_a_table_of_labels_alone_is_enough():
    review = Review.from_predictions(pd.DataFrame({"label": LABELS}), P, CLASSES)
    assert review.table.index.tolist() == ["0", "1", "2", "3"]
    assert set(review.table.split) == {"train"}
    assert review.ds is None
    indexed = Review.from_predictions(frame().set_index("id"), P, CLASSES)
    assert indexed.table.index.tolist() == list("abcd")


def test_the_given_array_and_table_stay_as_they_are():
    given, table = P.astype(np.float32), frame()
    review = Review.from_predictions(table, given, CLASSES)
    review.probabilities[0] = 0
    assert given[0, 0] == np.float32(0.8)
    assert table.equals(frame())


def test_predictions_for_a_data_set(ds):
    p = np.eye(3, dtype=np.float32)[ds.table.label.map(CLASSES.index)]
    review = Review.from_predictions(ds, p, CLASSES, provenance="an oracle")
    assert review.ds is ds
    assert (review.table.index == ds.table.id).all()
    assert (review.table.predicted == review.table.label).all()
    assert "an oracle" in repr(review)
    n, wrong = (ds.table.split == "valid").sum(), p.copy()
    assert review.in_short == "Model · 0.0 % error"
    at = np.flatnonzero(ds.table.split == "valid")[0]
    wrong[at] = np.roll(wrong[at], 1)
    assert Review.from_predictions(ds, wrong, CLASSES).in_short == f"Model · {100 / n:.1f} % error"
    assert Review.from_predictions(ds.table.assign(split="train"), p, CLASSES).in_short == "Model"
    former = Review.from_predictions(ds, p, ds.classes, made_by="an oracle")
    assert former.made_by == review.provenance == "an oracle"
    assert (review.out_of_fold, review.over_epochs) == (None, False)


def oracle(labels: pd.Series) -> pd.DataFrame:
    """A model that is right everywhere, with columns in another order."""
    right = pd.get_dummies(labels).astype(float) * 0.97 + 0.01
    return right[right.columns[::-1]]


@pytest.mark.parametrize("named", ["id", "path", "whole path", "backslashes"])
def test_rows_with_names_are_put_in_order(ds, named):
    names = {
        "id": ds.table.id,
        "path": ds.table.path,
        "whole path": [str(ds.root / path) for path in ds.table.path],
        "backslashes": ds.table.path.str.replace("/", "\\"),
    }[named]
    shuffled = oracle(ds.table.label).set_axis(list(names)).sample(frac=1, random_state=0)
    review = Review.from_predictions(ds, shuffled, ds.classes)
    assert (review.table.predicted == review.table.label).all()
    assert review.notes == []


def test_rows_of_a_table_are_matched_by_its_index():
    table = frame().set_index(pd.Index([7, 5, 9, 3]))
    given = pd.DataFrame(P, index=table.index)
    review = Review.from_predictions(table, given.sample(frac=1, random_state=1), CLASSES)
    assert review.probabilities == pytest.approx(P)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda p: p.rename(index={p.index[0]: "nobody.jpg"}), "1 of them name no item here.*nobody.jpg"),
        (lambda p: p.iloc[1:], "1 of them are items without a row"),
        (lambda p: pd.concat([p, p.iloc[:1]]), "1 of them stand there twice"),
        (lambda p: p.set_axis(np.arange(len(p))[::-1]), "24 of them name no item here"),
    ],
)
def test_rows_whose_names_do_not_fit_are_refused(ds, change, said):
    with pytest.raises(BadInputError, match=said):
        Review.from_predictions(ds, change(oracle(ds.table.label).set_axis(ds.table.path)), ds.classes)


def test_an_order_that_is_as_good_as_chance_is_noted(ds):
    right = oracle(ds.table.label)[ds.classes].to_numpy()
    assert Review.from_predictions(ds, right, ds.classes).notes == []
    shuffled = np.random.default_rng(1).permutation(right)
    assert "as by chance (33 %)" in repr(Review.from_predictions(ds, shuffled, ds.classes))


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        ([0, 1, 2, 2], [0, 1, 2]),
        ([0.0, 1.0, 2.0, 2.0], np.arange(3)),
        (["0", "1", "2", "2"], torch.arange(3)),
        ([0, 1, 2, 2], ["0", "1", "2"]),
        (["a", "b", "c", "c"], pd.Index(list("abc"))),
    ],
)
@pytest.mark.parametrize("kind", [np.float16, torch.float16, torch.bfloat16, torch.float64, list])
def test_classes_as_numbers_and_outputs_of_a_network(labels, classes, kind):
    given = (
        P.tolist() if kind is list else P.astype(kind) if kind is np.float16 else torch.tensor(P, dtype=kind)
    )
    if isinstance(given, torch.Tensor):
        given.requires_grad_()
    review = Review.from_predictions(frame(label=labels), given, classes)
    assert set(review.table.label) == set(review.classes)
    assert review.probabilities == pytest.approx(P, abs=0.01)


@pytest.mark.parametrize("names", [["1.0", "2.0"], [f"{number / 2}" for number in range(1, 13)], ["a ", "b"]])
def test_names_of_classes_that_are_text_stay_as_they_are(names):
    given = pd.DataFrame(np.full((len(names), len(names)), 1 / len(names)), columns=names)
    review = Review.from_predictions(pd.DataFrame({"label": names}), given, names)
    assert review.classes == review.table.label.tolist() == names


@pytest.mark.parametrize("classes", [None, "abc", {"a": 0, "b": 1, "c": 2}, {"a", "b", "c"}, 3])
def test_what_is_no_list_of_classes_is_refused(classes):
    with pytest.raises(BadInputError, match=r"classes is .*allowed is a list of the names"):
        Review.from_predictions(frame(), P, classes)


@pytest.mark.trains
def test_a_learner_is_reviewed_out_of_fold(trained):
    review = Review(trained)
    _, plain = trained.predictions()
    ids, held_out = trained.out_of_fold()
    here = review.table.index.get_indexer(ids)
    assert (review.probabilities[here] == held_out).all()
    valid = (review.table.split == "valid").to_numpy()
    assert (review.probabilities[valid] == plain[valid]).all()
    assert review.out_of_fold is True
    assert review.provenance.endswith("; training items judged out of fold")
    assert (review.ds, review.learn) == (trained.ds, trained)


@pytest.mark.trains
def test_the_reason_says_who_judged_and_what_the_nearest_images_are(trained):
    review = Review(trained)
    held = review.table.index.isin(trained.out_of_fold()[0])
    assert held.any()
    assert not held.all()
    assert (review.table.why.str.contains("never trained on this image") == held).all()
    assert review.table.why.str.contains(r"\. \d of its 5 nearest images (?:is|are) labeled \w+$").all()
    again = review.rebind(trained.ds)
    assert again.table.why.tolist() == review.table.why.tolist()


@pytest.mark.trains
def test_where_the_body_has_changed_since_the_reason_has_no_neighbors(trained, monkeypatch):
    monkeypatch.setattr(trained, "features", trained.features)  # as it was, afterwards
    review = Review(trained)
    trained.forget_features()
    again = review.rebind(trained.ds)
    assert not again.table.why.str.contains("nearest").any()
    assert (again.table.label_issue == review.table.label_issue).all()


def test_a_review_without_third_class_has_no_second_suggestion():
    review = Review.from_predictions(
        pd.DataFrame({"label": ["a", "b"]}), np.array([[0.9, 0.1]] * 2), ["a", "b"]
    )
    assert review.table.second.tolist() == ["b", ""]


def test_an_untrained_or_wrong_thing_is_refused(ds):
    with pytest.raises(BadInputError, match="not trained yet"):
        Review(Learner(ds, **TINY))
    with pytest.raises(BadInputError, match=r"not str.*from_predictions"):
        Review("learner")


@pytest.mark.trains
def test_rebinding_keeps_probabilities_by_content(trained, images):
    review = Review(trained)
    (images / "black" / "000.jpg").rename(images / "teddy" / "moved.jpg")
    (images / "black" / "001.jpg").unlink()
    ds = Dataset.from_folder(images)
    after = review.rebind(ds)
    assert len(after.table) == 23
    assert after.ds is ds
    moved = after.table[after.table.path == "teddy/moved.jpg"]
    assert moved.label.tolist() == ["teddy"]
    row = after.table.index.get_loc(moved.index[0])
    assert (
        after.probabilities[row] == review.probabilities[review.table.index.get_loc(moved.index[0])]
    ).all()
    assert moved.loss.iloc[0] > review.table.loss[moved.index[0]]


@pytest.mark.trains
def test_rebinding_leaves_out_what_it_does_not_know(trained, images, make_images):
    make_images(images, {"polar": 2}, seed=3)
    after = Review(trained).rebind(Dataset.from_folder(images))
    assert len(after.table) == 24
    assert "polar" not in set(after.table.label)


@pytest.mark.slow
def test_planted_flips_in_real_photos_rank_high(shared_data, tmp_path):
    paths = sorted((shared_data / "bears").rglob("*.*"))
    table = pd.DataFrame({"path": [path.relative_to(shared_data / "bears").as_posix() for path in paths]})
    table["label"] = [path.parent.name for path in paths]
    figures = []
    for seed in (0, 1):
        random = np.random.default_rng(seed)
        flipped = random.random(len(table)) < 0.1
        wrong = [random.choice([each for each in CLASSES if each != label]) for label in table.label]
        given = table.assign(label=np.where(flipped, wrong, table.label))
        ds = Dataset.from_df(given, root=shared_data / "bears", seed=seed, workspace=tmp_path / str(seed))
        review = Review(Learner(ds, seed=seed).fine_tune(progress=False))
        is_wrong = review.table.path.isin(table.path[flipped]).to_numpy()
        figures.append(average_precision_score(is_wrong, review.table.label_issue))
    assert np.mean(figures) > 0.85
