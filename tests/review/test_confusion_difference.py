"""Two confusion matrices: the tests of each cell beside SciPy's, marks by chance, planted differences."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import false_discovery_control, fisher_exact

from bearwidgets.errors import BadInputError
from bearwidgets.review.confusion import Confusion
from bearwidgets.review.confusion_difference import ConfusionDifference
from bearwidgets.review.effect.paired import sign_test

RATES = np.array(
    [[0.7, 0.1, 0.1, 0.1], [0.2, 0.7, 0.05, 0.05], [0.02, 0.02, 0.9, 0.06], [0.05, 0.05, 0.1, 0.8]]
)


def drawn(rates, actual, random):
    """Predictions of a model that calls the classes of the items as these rates say."""
    return np.array([random.choice(len(rates), p=rates[each]) for each in actual])


def both_models(rates, seed, *, same_items, n=240, share=0.5):
    """Matrices of two models with rates each; on the same items they often say the same."""
    random = np.random.default_rng(seed)
    actual = [random.integers(0, 4, n)] * 2 if same_items else random.integers(0, 4, (2, n))
    said = [drawn(*each, random) for each in zip(rates, actual, strict=True)]
    if same_items:
        said[1] = np.where(random.random(n) < share, said[0], said[1])
    ids = np.arange(n) if same_items else None
    return [Confusion.from_predictions(*each, range(4), ids=ids) for each in zip(actual, said, strict=True)]


@pytest.mark.parametrize("same_items", [True, False])
def test_two_samples_of_one_model_are_seldom_marked(same_items):
    marked = [
        ConfusionDifference.of(
            *both_models((RATES, RATES), seed, same_items=same_items), level=0.2
        ).marked.any()
        for seed in range(120)
    ]
    assert np.mean(marked) <= 0.2


@pytest.mark.parametrize("same_items", [True, False])
def test_planted_differences_are_found(same_items):
    better = RATES.copy()
    better[1] = [0.0, 0.9, 0.05, 0.05]
    found = sum(
        ConfusionDifference.of(
            *both_models((RATES, better), seed, same_items=same_items, n=600, share=0)
        ).marked
        for seed in range(10)
    )
    assert found[1, 0] == 10
    rest = np.delete(found.ravel(), [4, 5])
    assert rest.sum() <= 3


def test_the_same_items_are_put_against_each_other():
    actual = ["a"] * 20 + ["b"] * 10
    before = Confusion.from_predictions(actual, ["b"] * 12 + ["a"] * 8 + ["b"] * 10, ids=range(30))
    after = Confusion.from_predictions(
        actual[::-1], ["b"] * 10 + ["a"] * 17 + ["b"] * 3, ids=range(29, -1, -1)
    )
    found = ConfusionDifference.of(before, after)
    assert found.paired
    assert found.change.tolist() == [[9, -9], [0, 0]]
    assert found.p_value[0, 1] == pytest.approx(sign_test(0, 9))
    assert np.isnan(found.p_value[1]).all()
    assert found.marked.tolist() == [[True, True], [False, False]]
    assert found.sentence("a", "b") == "a called b: 12 before, 3 after, more than chance (p = 0.0039)"
    assert found.sentence("b", "a") == "b called a: 0 before, 0 after, too few to tell from chance"
    assert found.changes().to_numpy().tolist() == [
        ["a", "a", 8, 17, pytest.approx(0.00390625), True],
        ["a", "b", 12, 3, pytest.approx(0.00390625), True],
    ]
    assert found.to_frame().loc["a", "b"] == -9


def test_other_items_are_compared_by_their_shares():
    before, after = ([[60, 30, 10], [5, 45, 0], [0, 1, 9]], [[140, 50, 10], [1, 49, 0], [0, 0, 4]])
    found = ConfusionDifference.of(*(Confusion.from_counts(each, list("abc")) for each in (before, after)))
    assert not found.paired
    for row, column in ((0, 0), (0, 1), (1, 0)):
        table = [[each[row][column], sum(each[row]) - each[row][column]] for each in (before, after)]
        tails = [fisher_exact(table, alternative=each).pvalue for each in ("less", "greater")]
        assert found.p_value[row, column] == pytest.approx(min(1, 2 * min(tails)))
    assert np.isnan(found.p_value[2]).all()
    tested = ~np.isnan(found.p_value)
    assert (false_discovery_control(found.p_value[tested]) <= 0.05).tolist() == found.marked[tested].tolist()


def test_which_items_are_the_same():
    actual, said = list("ab") * 5, list("aa") * 5
    named = {n: Confusion.from_predictions(actual[:n], said[:n], ids=range(n)) for n in (2, 6, 10)}
    plain = Confusion.from_predictions(actual, said)
    of = ConfusionDifference.of
    assert of(named[6], named[10]).paired
    assert of(named[6], named[10]).after.sum() == 6
    assert not of(named[2], named[10]).paired
    assert of(named[2], named[10], paired=True).paired
    assert not of(named[6], named[10], paired=False).paired
    assert not of(plain, plain).paired
    assert of(plain, plain, paired=True).paired
    others = Confusion.from_predictions(actual[::-1], said, ids=range(10))
    assert not of(named[10], others).paired, "running numbers of other items"
    assert of(named[10], others, paired=True).paired


def test_classes_of_one_of_the_two():
    before = Confusion.from_predictions(list("aab"), list("aba"), ids=range(3))
    after = Confusion.from_predictions(list("cab"), list("cba"), ids=range(3))
    for paired in (True, False):
        found = ConfusionDifference.of(before, after, paired=paired)
        assert found.classes == ("a", "b", "c")
        assert found.change.tolist() == [[-1, 0, 0], [0, 0, 0], [0, 0, 1]]


def test_nothing_to_compare_marks_nothing():
    empty = Confusion.from_counts(np.zeros((2, 2)), list("ab"))
    assert not ConfusionDifference.of(empty, empty).marked.any()
    full = Confusion.from_counts(np.eye(2) * 50, list("ab"))
    assert not ConfusionDifference.of(empty, full).marked.any()
    assert not ConfusionDifference.of(full, full).marked.any()
    assert ConfusionDifference.of(full, full).changes().empty


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"level": 0}, "level is 0; allowed is a number between 0 and 1"),
        ({"level": 5}, "level is 5"),
        ({"paired": True}, "needs the items of both"),
    ],
)
def test_what_cannot_be_compared_is_refused(options, sentence):
    counts = Confusion.from_counts(np.eye(2), list("ab"))
    with pytest.raises(BadInputError, match=sentence):
        ConfusionDifference.of(counts, counts, **options)


def test_items_that_cannot_be_paired_are_refused():
    one, two = (Confusion.from_predictions(list("ab")[:n], list("ab")[:n]) for n in (1, 2))
    named = [Confusion.from_predictions(["a"], ["a"], ids=[each]) for each in "xy"]
    for pair, sentence in (((one, two), "there are 1 and 2"), (named, "share no id")):
        with pytest.raises(BadInputError, match=sentence):
            ConfusionDifference.of(*pair, paired=True)
    with pytest.raises(BadInputError, match="not ndarray"):
        ConfusionDifference.of(one.counts, two)
