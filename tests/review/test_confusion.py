"""Confusion matrices: the numbers beside scikit-learn's, whose mistake a cell is, groups, and what is refused."""

from __future__ import annotations

import sys
import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from made_data import CLASSES
from scipy.special import softmax
from sklearn.metrics import confusion_matrix, multilabel_confusion_matrix, precision_recall_fscore_support

from bearwidgets.errors import BadInputError
from bearwidgets.figures import wilson
from bearwidgets.review.confusion import Confusion
from bearwidgets.review.inspect.counts import confusion_counts, most_confused
from bearwidgets.review.inspect.groups import Group
from bearwidgets.review.review import Review

NAMES = list("abcdef")


def made_labels(n=500, k=5, seed=0, wrong=0.3):
    """Labels, and predictions of which some are wrong; of `NAMES` the last is never there, "e" never predicted."""
    random = np.random.default_rng(seed)
    actual = random.integers(0, k, n)
    predicted = np.where(random.random(n) < wrong, random.integers(0, k, n), actual)
    predicted[predicted == k - 1] = 0
    return [NAMES[each] for each in actual], [NAMES[each] for each in predicted]


@pytest.fixture
def confusion():
    return Confusion.from_predictions(*made_labels(), NAMES)


# Numbers


def test_confused_pairs_by_count_then_share():
    actual, predicted = pd.Series(list("aaabbc")), pd.Series(list("abbbab"))
    counts = confusion_counts(actual, predicted, list("abc"))
    assert (counts.index.name, counts.columns.name) == ("actual", "predicted")
    assert list(most_confused(counts).itertuples(index=False, name=None)) == [
        ("a", "b", 2, pytest.approx(2 / 3)),
        ("c", "b", 1, 1.0),
        ("b", "a", 1, 0.5),
    ]
    assert [len(most_confused(counts, least)) for least in (2, 3)] == [1, 0]
    nothing = confusion_counts(actual[:0], predicted[:0], ["a", "b"])
    assert nothing.to_numpy().tolist() == [[0, 0], [0, 0]]
    assert most_confused(nothing).empty


@pytest.mark.parametrize(
    ("ours", "theirs"), [(None, None), ("actual", "true"), ("predicted", "pred"), ("all", "all")]
)
def test_counts_and_rates_are_those_of_scikit_learn(confusion, ours, theirs):
    expected = confusion_matrix(*made_labels(), labels=NAMES, normalize=theirs)
    frame = confusion.to_frame(ours)
    assert (list(frame.index), list(frame.columns)) == (NAMES, NAMES)
    assert frame.fillna(0).to_numpy() == pytest.approx(expected)  # there it is 0 where nothing is to share
    assert frame.isna().to_numpy().any() == (ours in {"actual", "predicted"})
    again = Confusion.from_counts(confusion.to_frame().iloc[::-1])
    assert again.to_frame().loc[NAMES, NAMES].equals(confusion.to_frame())


def test_figures_of_each_class_are_those_of_scikit_learn(confusion):
    table = confusion.per_class()
    expected = precision_recall_fscore_support(*made_labels(), labels=NAMES, zero_division=np.nan)
    for name, values in zip(("precision", "recall", "f1", "support"), expected, strict=True):
        assert table[name].to_numpy() == pytest.approx(values, nan_ok=True), name
    hits, support, predicted = confusion.counts[0, 0], table.support["a"], table.predicted["a"]
    assert table.loc["a", ["recall_low", "recall_high"]].tolist() == pytest.approx(wilson(hits, support))
    assert table.loc["a", ["precision_low", "precision_high"]].tolist() == pytest.approx(
        wilson(hits, predicted)
    )
    told = confusion.per_class_told()
    assert told.loc["f", ["precision", "recall", "f1"]].tolist() == ["–", "–", "–"]
    assert told.loc["e", ["precision", "recall", "f1"]].str.split(" (", regex=False).str[0].tolist() == [
        "–", "0.0 %", "0.0 %",
    ]  # fmt: skip


def test_intervals_of_f1_hold_the_true_one():
    # A class of which 60 % are found and that a quarter of the rest of the size is called: true F1 from large counts.
    shares = np.array([[0.5, 0.1], [0.1, 0.3]])
    true = 2 * 0.3 / (0.4 + 0.4)
    random = np.random.default_rng(0)
    held = []
    for _ in range(400):
        counts = random.multinomial(60, shares.ravel()).reshape(2, 2)
        low, high = Confusion.from_counts(counts, ["no", "yes"]).per_class().loc["yes", ["f1_low", "f1_high"]]
        held.append(low <= true <= high)
    assert 0.92 <= np.mean(held) <= 0.99


@pytest.mark.parametrize(
    ("normalize", "said", "right"),
    [
        ("actual", "31 of 160 grizzly called black (19 %)", "129 of 160 grizzly called grizzly (81 %)"),
        (
            "predicted",
            "31 of 71 called black are grizzly (44 %)",
            "129 of 129 called grizzly are grizzly (100 %)",
        ),
        ("all", "31 of 200 are grizzly called black (16 %)", "129 of 200 are grizzly called grizzly (64 %)"),
    ],
)
def test_a_cell_in_words(normalize, said, right):
    confusion = Confusion.from_counts([[40, 0], [31, 129]], ["black", "grizzly"])
    assert confusion.sentence("grizzly", "black", normalize) == said
    assert confusion.sentence("grizzly", "grizzly", normalize) == right


def test_a_cell_in_words_says_no_more_than_is_known():
    confusion = Confusion.from_counts([[0, 0, 0], [1, 1200, 0], [0, 0, 0]], ["a\u202eb", "b", "c"])
    assert confusion.sentence("b", "a\u202eb") == "1 of 1,201 b called a\\u202eb (under 1 %)"
    assert confusion.sentence("b", "b") == "1,200 of 1,201 b called b (over 99 %)"
    assert confusion.sentence("b", "c") == "0 of 1,201 b called c (0 %)"
    assert confusion.sentence("c", "b") == "0 of 0 c called b (–)"
    assert confusion.who_is_wrong("b", "c") == ""


def test_classes_may_be_numbers():
    confusion = Confusion.from_predictions(np.array([0, 3, 3]), [0.0, 0.0, 3.0])
    assert confusion.sentence(np.int64(3), 0) == "1 of 2 3 called 0 (50 %)"
    twelve = Confusion.from_predictions(range(12), range(12))
    assert twelve.classes == tuple(map(str, range(12))), "as scikit-learn orders numbers"
    assert twelve.order("name") == list(range(12))


def test_items_are_found_by_cell_row_and_column():
    confusion = Confusion.from_predictions(list("aabb"), list("abba"), ids=[10, 11, 12, 13])
    assert confusion.ids("a", "b") == [11]
    assert (confusion.ids("b"), confusion.ids(predicted="a"), confusion.ids()) == (
        [12, 13],
        [10, 13],
        [10, 11, 12, 13],
    )
    held = confusion.items.actual.nbytes + confusion.items.predicted.nbytes + confusion.counts.nbytes
    assert held == 4 * 2 * 4 + 4 * 8


def test_orders(confusion):
    counts = Confusion.from_counts([[5, 1, 0], [0, 9, 0], [6, 0, 1]], ["b", "A", "c"])
    assert counts.order("name") == [1, 0, 2]
    assert counts.order("size") == [1, 2, 0]
    assert counts.order("most confused") == [0, 2, 1]
    assert sorted(confusion.order("similarity")) == list(range(6))
    assert confusion.most_confused(3).equals(most_confused(confusion.to_frame()).head(3))
    assert Confusion.from_counts(np.eye(3), list("abc")).most_confused().empty


def test_several_labels_for_an_item():
    random = np.random.default_rng(0)
    actual, predicted = random.integers(0, 2, (2, 40, 3))
    expected = multilabel_confusion_matrix(actual, predicted)
    lists = [
        [[name for name, has in zip("xyz", row, strict=True) if has] for row in each]
        for each in (actual, predicted)
    ]
    frames = [pd.DataFrame(each, columns=list("xyz"))[list("zyx")] for each in (actual, predicted)]
    for given, classes in (
        ((actual, predicted), list("xyz")),
        (lists, None),
        (frames, None),
        (lists, list("zyx")),
    ):
        found = Confusion.by_label(*given, classes)
        assert [found[name].counts.tolist() for name in "xyz"] == expected.tolist()
        assert found["x"].classes == ("not x", "x")
    assert list(Confusion.by_label(lists[0], lists[1], list("zyxw")))[-1] == "w"


# Of a review


def planted(seed=0, *, n=4000, k=4, noise=0.1, far=3.0):
    """A review of a good model with 10 % wrong labels, two classes that look alike, and the true labels."""
    random = np.random.default_rng(seed)
    centers = np.eye(k) * far
    centers[1] = centers[0] + 0.5 * (centers[1] - centers[0])
    truth = random.integers(0, k, n)
    points = centers[truth] + random.normal(size=(n, k))
    p = softmax(-((points[:, None] - centers) ** 2).sum(-1) / 2, axis=1)
    flipped = random.random(n) < noise
    given = np.where(flipped, (truth + random.integers(1, k, n)) % k, truth)
    names = NAMES[:k]
    table = pd.DataFrame(
        {"label": [names[each] for each in given], "split": np.where(np.arange(n) % 4, "train", "valid")}
    )
    return Review.from_predictions(table, p, names), truth


def test_a_review_gives_the_same_numbers():
    review, _ = planted(n=300)
    for split in (None, "train", "valid"):
        confusion = Confusion.of(review, split)
        assert confusion.to_frame().equals(review.confusion_matrix(split))
        pd.testing.assert_frame_equal(confusion.most_confused(99), review.most_confused(split=split))
        assert (confusion.split, confusion.labels) == (split, review.labels)
        table = review.table if split is None else review.table[review.table.split == split]
        ids = table.index[(table.label == "a") & (table.predicted == "b")]
        assert confusion.ids("a", "b") == ids.tolist()
    with pytest.raises(BadInputError, match=r"No split 'test'.*known are train, valid"):
        Confusion.of(review, "test")


def test_the_two_parts_of_a_cell_are_near_the_planted_wrong_labels():
    parts = np.zeros((3, 4, 4))
    for seed in range(4):
        review, truth = planted(seed)
        confusion = Confusion.of(review)
        assert confusion.label_wrong + confusion.model_wrong == pytest.approx(confusion.counts)
        assert (confusion.label_wrong >= 0).all()
        assert (confusion.model_wrong >= -1e-9).all()
        bad = np.array([NAMES.index(each) for each in review.table.label]) != truth
        cells = confusion.items.actual * 4 + confusion.items.predicted
        parts += [
            np.bincount(cells[bad], minlength=16).reshape(4, 4),
            confusion.label_wrong,
            confusion.counts,
        ]
    true, expected, counts = parts
    off = ~np.eye(4, dtype=bool)
    assert true[off].sum() > 700  # the case says something
    assert expected[off].sum() == pytest.approx(true[off].sum(), rel=0.15)
    shares = (expected / counts)[off], (true / counts)[off]
    assert np.abs(shares[0] - shares[1]).max() < 0.15
    assert expected[0, 1] / counts[0, 1] < 0.5 < expected[2, 3] / counts[2, 3]  # alike, and not alike


def test_the_two_parts_of_a_cell_in_words():
    confusion = replace(
        Confusion.from_counts([[9, 1], [31, 9]], ["b", "g"]), label_wrong=np.array([[0.4, 1], [12.4, 0]])
    )
    assert (
        confusion.who_is_wrong("g", "b")
        == "of 31, about 12 with a wrong label and 19 where the model is wrong"
    )
    assert confusion.who_is_wrong("b", "b") == "of 9, about 0 with a wrong label and 9 where both are right"


def test_decisions_override_the_score():
    review, _ = planted(n=200)
    wrong = review.table[review.table.label != review.table.predicted].head(5)
    actions = ["relabel", "relabel", "keep", "keep", "delete"]
    decisions = pd.DataFrame(
        {
            "action": actions,
            "new_label": [wrong.predicted.iloc[0], wrong.label.iloc[1], None, None, None],
            "about": [("label",), ("label",), (), ("image",), ()],
        },
        index=wrong.index,
    )
    before, after = (Confusion.of(review, decisions=each) for each in (None, decisions))
    assert (after.counts == before.counts).all()
    chance = review.likely_wrong()[1][review.table.index.get_indexer(wrong.index)]
    expected = before.label_wrong.copy()
    cells = [before.cell(*each) for each in zip(wrong.label, wrong.predicted, strict=True)]
    for cell, old, new in zip(cells, chance, [1, 0, 0, chance[3], chance[4]], strict=True):
        expected[cell] += new - old
    assert after.label_wrong == pytest.approx(expected)
    plain = Confusion.of(review, decisions=decisions.drop(columns="about").iloc[:3])
    assert plain.label_wrong == pytest.approx(expected)


def test_labels_as_decided_and_as_on_disk(ds):
    ids = ds.table.id[ds.table.label == "black"].tolist()[:2]
    decided = ds.with_table(ds.table.assign(label=ds.table.label.mask(ds.table.id.isin(ids), "grizzly")))
    p = np.eye(3, dtype=np.float32)[ds.table.label.map(CLASSES.index)]
    p[ds.table.id.isin(ids), :] = [0, 1, 0]
    review = Review.from_predictions(decided, p, CLASSES)
    now, disk = Confusion.of(review), Confusion.of(review, labels="as on disk")
    assert (now.labels, disk.labels) == ("labels as decided before the training", "labels as on disk")
    assert now.to_frame().equals(review.confusion_matrix(None))
    assert (now.counts[0, 1], disk.counts[0, 1]) == (0, 2)
    assert disk.ids("black", "grizzly") == ids
    assert disk.label_wrong[0, 1] == 2
    assert (
        disk.who_is_wrong("black", "grizzly")
        == "of 2, about 2 with a wrong label and 0 where the model is wrong"
    )
    half = review.rebind(ds.with_table(decided.table.iloc[::2]))
    assert Confusion.of(half).label_wrong.sum() < now.label_wrong.sum(), "not the chances of before"
    fewer = ds.table.assign(label=ds.table.label.replace("teddy", "black"))
    gone = Review.from_predictions(ds.with_table(fewer), np.tile([0.6, 0.4], (len(ds.table), 1)), CLASSES[:2])
    assert Confusion.of(gone, labels="as on disk").classes == ("black", "grizzly", "teddy")


# Groups


def grouped_counts(k=40, size=4, per_class=100, seed=0, within=20.0, elsewhere=2.0):
    """Classes in groups of some; mistakes are mostly within a group."""
    random = np.random.default_rng(seed)
    group = np.arange(k) // size
    rate = np.where(group[:, None] == group, within / (size - 1), elsewhere / (k - size)) / 100
    np.fill_diagonal(rate, 1 - within / 100 - elsewhere / 100)
    counts = np.array([random.multinomial(per_class, row / row.sum()) for row in rate])
    return counts, [f"class {number:03}" for number in range(k)]


def test_groups_are_found_from_the_confusion():
    counts, names = grouped_counts()
    shuffled = np.random.default_rng(1).permutation(len(names))
    confusion = Confusion.from_counts(counts[np.ix_(shuffled, shuffled)], [names[each] for each in shuffled])
    groups = confusion.find_groups()
    found = sorted(sorted(group.members) for group in groups)
    assert found == [names[start : start + 4] for start in range(0, 40, 4)]
    assert all(group.name.endswith(" and 2 more") for group in groups)
    order = [confusion.classes[each] for each in confusion.order("similarity")]
    assert all(
        abs(order.index(a) - order.index(b)) < 4 for members in found for a in members for b in members
    )


def test_a_group_is_called_after_its_two_most_confused_classes():
    counts = 900 * np.eye(8, dtype=int)
    counts[:3, :3] += [[0, 40, 50], [40, 0, 60], [50, 70, 0]]
    names = ["a", "b", "c", "c, b and 1 more", *"efgh"]
    (group,) = Confusion.from_counts(counts, names).find_groups()
    assert group == Group("c, b and 1 more (group)", ("a", "b", "c"))
    assert Confusion.from_counts(counts, names).fold().classes[:2] == (group.name, "c, b and 1 more")


@pytest.mark.parametrize("k", [2, 3, 10, 100])
def test_evenly_spread_mistakes_make_no_groups(k):
    random = np.random.default_rng(k)
    rate = np.full((k, k), 0.2 / (k - 1))
    np.fill_diagonal(rate, 0.8)
    marked = 0
    for _ in range(20):
        counts = np.array([random.multinomial(100, row) for row in rate])
        marked += bool(Confusion.from_counts(counts, range(k)).find_groups())
    assert marked <= 2


def test_two_of_three_classes_can_be_a_group():
    confusion = Confusion.from_counts([[60, 38, 2], [35, 63, 2], [1, 2, 97]], CLASSES)
    assert confusion.find_groups() == (Group("black, grizzly", ("black", "grizzly")),)
    assert Confusion.from_counts(np.eye(3) * 100, CLASSES).find_groups() == ()


def test_folding_sums_and_unfolding_gives_back():
    counts, names = grouped_counts(k=12)
    confusion = replace(
        Confusion.from_counts(counts, names),
        label_wrong=counts / 4,
        items=Confusion.from_predictions(names, names).items,
    )
    groups = confusion.find_groups()
    folded = confusion.fold()
    assert len(folded.classes) == 3 == len(groups)
    assert folded.counts.tolist() == counts.reshape(3, 4, 3, 4).sum((1, 3)).tolist()
    assert folded.label_wrong == pytest.approx(folded.counts / 4)
    assert folded.items.actual.tolist() == np.repeat([0, 1, 2], 4).tolist()
    partly = folded.unfold(groups[0].name)
    assert partly.classes == (*names[:4], groups[1].name, groups[2].name)
    assert partly.unfold(groups[1].name).unfold(groups[2].name) is confusion
    assert folded.fold([]) is confusion
    assert folded.per_class().recall.min() > 0.9
    with pytest.raises(BadInputError, match="No group 'x'"):
        folded.unfold("x")


def test_pinned_and_renamed_groups_stay():
    counts, names = grouped_counts(k=12)
    first, *_ = Confusion.from_counts(counts, names).find_groups()
    mine = replace(first, members=(*names[:2], names[11], "gone")).renamed("mine")
    other, names = grouped_counts(k=12, size=3, seed=5)
    found = Confusion.from_counts(other, names).find_groups([mine, Group("not pinned", tuple(names[4:8]))])
    assert found[0] == Group("mine", (*names[:2], names[11]), pinned=True)
    assert all(set(group.members).isdisjoint(found[0].members) for group in found[1:])
    assert "not pinned" not in {group.name for group in found}
    assert mine.pin(pinned=False).pinned is False
    assert Confusion.from_counts(other, names).fold(found).classes[0] == "mine"


@pytest.mark.parametrize(
    ("groups", "sentence"),
    [
        ([Group("x", ("a", "b")), Group("y", ("b", "c"))], "'b' is in two groups"),
        ([Group("x", ("a", "k"))], "No class 'k' in this matrix"),
        ([Group("x", ())], "'x' has no classes"),
        ([Group("c", ("a", "b"))], "called 'c'; rename one"),
        ([Group("x", ("a",)), Group("x", ("b",))], "called 'x'; rename one"),
    ],
)
def test_groups_that_do_not_fit_are_refused(confusion, groups, sentence):
    with pytest.raises(BadInputError, match=sentence):
        confusion.fold(groups)


def test_a_group_may_be_called_as_one_of_its_classes(confusion):
    assert confusion.fold([Group("a", ("a", "b"))]).classes == ("a", "c", "d", "e", "f")


# Plot


@pytest.mark.parametrize("k", [1, 2, 20, 21, 100])
def test_a_plot_has_names_and_counts_where_they_can_be_read(k):
    counts = np.arange(k * k).reshape(k, k) % 7
    names = [f"a name of $class${number} that is too long" for number in range(k)]
    for normalize in ("actual", "predicted", "all"):
        figure = Confusion.from_counts(counts, names).plot(normalize=normalize)
        axes = figure.axes[0]
        assert len(axes.texts) == (k * k if k <= 20 else 0)
        assert len(axes.get_yticklabels()) == (k if k <= 80 else 0)
    if k == 2:
        figure.canvas.draw()
        assert [each.get_text() for each in axes.texts] == ["", "1", "2", "3"]
        assert axes.get_yticklabels()[0].get_text() == "a name of $…s too long"
        assert Confusion.from_counts(counts, names).plot(axes) is figure


def test_a_plot_without_matplotlib_says_what_to_install(confusion, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(BadInputError, match="pip install matplotlib"):
        confusion.plot()


# What is refused, and what is not


@pytest.mark.parametrize(
    ("matrix", "classes", "sentence"),
    [
        ([[1, 2], [3, -1]], ["a", "b"], "holds -1 in row 'b', column 'b'; allowed are counts"),
        ([[0.5, 0.5], [0, 1]], ["a", "b"], "holds 0.5 in row 'a'.*before it was normalized"),
        ([[1, np.nan], [0, 1]], ["a", "b"], "holds nan in row 'a', column 'b'"),
        ([[1, np.inf], [0, 1]], ["a", "b"], "holds inf"),
        ([[1, 2, 3], [0, 1, 2]], ["a", "b"], r"shape \(2, 3\); 2 classes need \(2, 2\)"),
        ([[1, 2], [3]], ["a", "b"], "no table of numbers"),
        ([["x", 2], [3, 4]], ["a", "b"], "no table of numbers"),
        ([[1, 2], [3, 4]], None, "needs classes="),
        ([[1, 2], [3, 4]], ["a", "a"], "'a' stands twice"),
        ([[1, 2], [3, 4]], ["a", None], "empty name"),
        ([[1, 2], [3, 4]], "ab", "classes is 'ab'; allowed is a list"),
        ([], [], "classes is empty"),
        (pd.DataFrame([[1, 2], [3, 4]], list("ab"), list("ac")), None, "different names"),
        (pd.DataFrame([[1, 2], [3, 4]], list("ab"), list("ab")), list("xy"), "other names"),
    ],
)
def test_what_is_no_matrix_of_counts_is_refused(matrix, classes, sentence):
    with pytest.raises(BadInputError, match=sentence):
        Confusion.from_counts(matrix, classes)


@pytest.mark.parametrize(
    ("actual", "predicted", "options", "sentence"),
    [
        ([], [], {}, "no predictions"),
        (["a", "b"], ["a"], {}, "have 2 and 1 items"),
        (["a", None], ["a", "a"], {}, "actual has no label in row 2"),
        (["a", "b"], ["a", np.nan], {}, "predicted has no label in row 2"),
        (["a", "b"], ["a", "c"], {"classes": ["a", "b"]}, "No class 'c' in this matrix; known are a, b"),
        (["a", "b"], np.array([[0.1, 0.9], [0.8, 0.2]]), {}, r"probabilities\.argmax\(1\)"),
        ("ab", ["a", "b"], {}, "actual is 'ab'; allowed is a list"),
        (["a", "b"], ["a", "b"], {"ids": [1]}, "ids and actual have 1 and 2"),
        (["a", "b"], ["a", "b"], {"ids": [1, 1]}, "The id 1 stands twice"),
    ],
)
def test_what_are_no_predictions_is_refused(actual, predicted, options, sentence):
    with pytest.raises(BadInputError, match=sentence):
        Confusion.from_predictions(actual, predicted, **options)


@pytest.mark.parametrize(
    ("actual", "predicted", "classes", "sentence"),
    [
        ([[0, 1]], [[1, 1]], None, "No class"),
        (np.array([[0, 1]]), np.array([[0.5, 1]]), ["a", "b"], "predicted holds something else than 0 and 1"),
        (np.array([[0, 1]]), np.array([[0, 1]]), None, "columns without names"),
        (np.array([[0, 1]]), np.array([[0, 1]]), ["a"], "2 columns for 1 class;"),
        ([["a"]], [["a"], ["b"]], None, "have 1 and 2 items"),
        (["a"], ["b"], None, "no list of labels for each item"),
        ([["a"]], [["b"]], ["a"], "No class 'b'"),
        ([], [], None, "no items or no labels"),
    ],
)
def test_what_is_no_set_of_labels_is_refused(actual, predicted, classes, sentence):
    if sentence == "No class":  # lists are labels, not 0 and 1
        assert list(Confusion.by_label(actual, predicted)) == ["0", "1"]
        return
    with pytest.raises(BadInputError, match=sentence):
        Confusion.by_label(actual, predicted, classes)


def test_other_words_and_things_are_refused(confusion, ds):
    review, _ = planted(n=40)
    for call, sentence in (
        (lambda: Confusion.of(ds), "needs predictions, a bw.Review, not Dataset"),
        (lambda: Confusion.of(review, labels="disk"), "No kind of labels 'disk'"),
        (lambda: Confusion.of(review, decisions="journal"), "decisions is 'journal'; allowed is a table"),
        (lambda: Confusion.of(review, decisions=review.table), "allowed is a table with action"),
        (lambda: confusion.to_frame("true"), "No way to normalize 'true'"),
        (lambda: confusion.sentence("a", "b", "row"), "No way to normalize 'row'"),
        (lambda: confusion.sentence("a", "k"), "No class 'k'"),
        (lambda: confusion.order("loss"), "No order 'loss'"),
        (lambda: confusion.most_confused(-1), "whole number from 0 on"),
        (lambda: confusion.ids("a", "b"), "made without ids"),
        (lambda: Confusion.from_counts([[1]], ["a"]).ids(), "made without ids"),
    ):
        with pytest.raises(BadInputError, match=sentence):
            call()


@pytest.mark.parametrize(
    "counts", [[[0]], [[3]], [[1, 0], [0, 0]], np.zeros((2, 2)), np.zeros((4, 4)), np.eye(3), np.ones((2, 2))]
)
def test_few_classes_or_items_give_all_numbers_without_a_warning(counts):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        confusion = Confusion.from_counts(counts, range(len(counts)))
        assert len(confusion.per_class_told()) == len(counts)
        for normalize in ("actual", "predicted", "all"):
            assert confusion.to_frame(normalize).max().max() <= 1 or not confusion.total
            assert confusion.sentence("0", "0", normalize)
        for by in ("name", "size", "most confused", "similarity"):
            assert sorted(confusion.order(by)) == list(range(len(counts)))
        assert confusion.fold().total == confusion.total
        confusion.plot()
