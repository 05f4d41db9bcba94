"""The split by hash."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bearwidgets.data.identity import hash_bytes
from bearwidgets.data.split import split_by_hash, split_name
from bearwidgets.errors import BadInputError

items = st.lists(
    st.tuples(st.integers(0, 30).map(lambda n: hash_bytes(bytes([n]))), st.sampled_from("abc")),
    min_size=1,
    max_size=80,
)


@settings(deadline=None)
@given(items, st.floats(0, 0.99), st.integers(), st.randoms())
def test_promises(rows, valid_pct, seed, shuffler):
    contents, labels = zip(*rows, strict=True)
    split = split_by_hash(contents, labels, valid_pct, seed).tolist()
    assert set(split) <= {"train", "valid"}
    side = dict(zip(contents, split, strict=True))
    assert [side[content] for content in contents] == split, "equal bytes on one side"
    in_train = {label for label, where in zip(labels, split, strict=True) if where == "train"}
    assert in_train == set(labels), "each class has something to train on"
    order = list(range(len(rows)))
    shuffler.shuffle(order)
    again = split_by_hash([contents[i] for i in order], [labels[i] for i in order], valid_pct, seed)
    assert again.tolist() == [split[i] for i in order], "the order does not matter"


@given(st.integers(2, 300), st.floats(0.01, 0.99), st.integers(0, 5))
def test_each_class_has_its_share(n, valid_pct, seed):
    contents = [hash_bytes(b"%d" % number) for number in range(n)]
    n_valid = (split_by_hash(contents, ["bear"] * n, valid_pct, seed) == "valid").sum()
    assert n_valid == min(max(1, n_valid), n - 1)
    assert abs(n_valid - valid_pct * n) <= 1


def test_seeds_differ_and_seeds_repeat():
    contents = [hash_bytes(b"%d" % number) for number in range(200)]
    labels = ["a", "b"] * 100
    first, again, other = (split_by_hash(contents, labels, 0.2, seed).tolist() for seed in (1, 1, 2))
    assert first == again != other
    assert first.count("valid") == other.count("valid") == 40


def test_the_split_of_today_is_the_split_of_tomorrow():
    contents = [hash_bytes(b"%d" % number) for number in range(10)]
    found = split_by_hash(contents, ["bear"] * 10, 0.3, 42).tolist()
    assert [number for number, where in enumerate(found) if where == "valid"] == [1, 2, 3]


def test_a_new_item_moves_at_most_one_other():
    contents = [hash_bytes(b"%d" % number) for number in range(101)]
    before = split_by_hash(contents[:100], ["bear"] * 100, 0.2, 0)
    after = split_by_hash(contents, ["bear"] * 101, 0.2, 0)[:100]
    assert (before != after).sum() <= 1


def test_a_class_whose_only_images_are_copies_stays_in_train():
    assert split_by_hash(["0a", "0a", "0b"], ["x", "x", "y"], 0.5).tolist() == ["train"] * 3


def test_nothing_is_valid_at_zero():
    assert split_by_hash(["0a", "0b"], ["x", "x"], 0).tolist() == ["train", "train"]


@pytest.mark.parametrize("valid_pct", [-0.1, 1, 1.5, 20, float("nan"), "0.2", None])
def test_a_share_that_is_none_is_refused(valid_pct):
    with pytest.raises(BadInputError, match="valid_pct is"):
        split_by_hash(["0a"], ["x"], valid_pct)


@pytest.mark.parametrize("seed", [None, 1.5, "42"])
def test_a_seed_that_is_none_is_refused(seed):
    with pytest.raises(BadInputError, match="seed is"):
        split_by_hash(["0a"], ["x"], seed=seed)


def test_percent_is_understood_in_the_error():
    with pytest.raises(BadInputError, match=r"Did you mean 0\.2\?"):
        split_by_hash(["0a"], ["x"], 20)


def test_names():
    assert [
        split_name(each)
        for each in ("val", "Validation", "validate", " VALID", "Train", "testing", "bears", "")
    ] == [
        *["valid"] * 4,
        "train",
        "test",
        None,
        None,
    ]
