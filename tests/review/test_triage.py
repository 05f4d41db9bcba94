"""Triage: one list over all checks, in the order in which a look most likely changes something."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from bearwidgets.review.checks.issues import Issues
from bearwidgets.review.checks.registry import CHECKS, Check, CheckResult
from bearwidgets.review.checks.run import find_issues
from bearwidgets.review.ranking import any_of, chance_of_change
from bearwidgets.review.scores import label_issue, likely_wrong


def issues_of(ds, **results):
    """Issues as if these checks had given these results."""
    known = {
        name: CHECKS[name] if name in CHECKS else Check(name, name.title(), np.zeros) for name in results
    }
    return Issues(ds, {name: (known[name], result) for name, result in results.items()}, {})


def flags(rows, **fields):
    flag = np.isin(np.arange(24), rows)
    return CheckResult(flag.astype(float), flag, **fields)


def copies(*groups):
    """Groups of rows, the first of each is to stay."""
    group, keeper = np.full(24, -1), np.zeros(24, bool)
    for number, rows in enumerate(groups):
        group[rows], keeper[rows[0]] = number, True
    return flags([row for rows in groups for row in rows], group=group, keeper=keeper, why=["A copy"] * 24)


def rows_of(ds, frame):
    return [ds.index_of(id_) for id_ in frame.index]


def decided(ds, **actions):
    rows = [(ds.table.id[row], action) for action, rows in actions.items() for row in rows]
    return pd.DataFrame(rows, columns=["id", "action"]).set_index("id")


def test_each_image_is_listed_once_with_all_its_reasons(ds):
    doubted = np.where(np.arange(24) == 7, "teddy", ds.table.label)
    chance = np.where(np.arange(24) == 7, 0.9, 0.01)
    issues = issues_of(
        ds,
        label_issues=flags(
            [7], chance=chance, new_label=doubted, why=["Labeled black. The model says teddy"] * 24
        ),
        dark=flags([3, 7], why=["Too dark to see"] * 24),
    )
    table = issues.triage
    assert rows_of(ds, table) == [7, 3]
    assert table.why.iloc[0] == "Labeled black. The model says teddy. Also: Too dark to see"
    assert table.checks.tolist() == [("label_issues", "dark"), ("dark",)]
    assert table[["check", "proposal", "new_label"]].to_numpy().tolist() == [
        ["label_issues", "relabel", "teddy"],
        ["dark", "delete", None],
    ]
    assert 0.9 < table.score.iloc[0] < 1
    assert issues.queues()[0] == ("triage", "Review first", 2, False)
    pd.testing.assert_frame_equal(issues.queue("triage"), table)


def test_a_fact_comes_before_the_surest_guess(ds):
    off_topic = flags([0], chance=np.where(np.arange(24) == 0, 1.0, 0))
    table = issues_of(ds, off_topic=off_topic, exact_duplicates=copies([5, 2])).triage
    assert rows_of(ds, table) == [5, 2, 0]


def test_copies_are_side_by_side(ds):
    issues = issues_of(
        ds,
        exact_duplicates=copies([5, 2]),
        near_duplicates=copies([2, 9], [20, 21]),
        off_topic=flags([0, 9], chance=np.where(np.isin(np.arange(24), [0, 9]), 0.95, 0)),
    )
    table = issues.triage
    assert sorted(rows_of(ds, table)[:3]) == [2, 5, 9]
    together = table.iloc[:3]
    assert len(set(together.group)) == 1
    assert together.keeper.tolist() == [True, False, False], "one stays of all copies of an image"
    assert together.proposal.tolist() == ["keep", "delete", "delete"]
    assert table.proposal.iloc[3:].tolist() == ["delete", "keep", "delete"]


@pytest.mark.parametrize(
    ("name", "rows", "said"),
    [
        ("blurred", range(20), "Blurred: 20 of 24 images (the figures)"),
        ("spurious_correlation", [1, 2], "Spurious correlation: 2 of 24 images (the figures)"),
        ("blurred", range(6), None),
        ("blurred", [], None),
        ("spurious_correlation", [], None),
        ("label_issues", range(20), None),
        ("exact_duplicates", range(20), None),
    ],
)
def test_what_is_said_of_the_whole_set_is_no_list(ds, name, rows, said):
    issues = issues_of(ds, **{name: flags(list(rows), note="the figures")})
    assert issues.findings.get(name) == said
    assert ("(of the whole set)" in repr(issues)) == bool(said)
    assert len(issues.triage) == (0 if said else len(list(rows)))
    assert len(issues.queue(name)) == len(list(rows)), "whoever asks for it sees it all the same"


def test_an_image_that_no_check_flags_is_listed_where_it_is_likely_to_be_changed(ds):
    chance = np.full(24, 0.1)
    chance[4] = 0.4
    result = CheckResult(np.full(24, 0.4), np.zeros(24, bool), 0.5, chance=chance)
    table = issues_of(ds, off_topic=result).triage
    assert rows_of(ds, table) == [4]
    assert table.why.tolist() == ["Off topic: nearly (40 % of 50 %)"]


def test_checks_that_pay_for_this_person_come_earlier(ds):
    issues = issues_of(ds, dark=flags(range(6)), bright=flags(range(6, 12)))
    before = issues.triage.score
    kept, deleted = [0, 1, 2], [6, 7, 8]
    after = issues.triage_after(decided(ds, keep=kept, delete=deleted))
    assert rows_of(ds, after) == [*range(6, 12), *range(6)]
    dark, bright = ds.table.id[5], ds.table.id[11]
    assert after.score[dark] < before[dark] < after.score[bright]
    unsure = issues.triage_after(decided(ds, unsure=kept))
    assert unsure.score.to_numpy() == pytest.approx(before.to_numpy()), "an open answer says nothing"


def test_the_list_does_not_grow_as_everything_in_it_is_changed(ds):
    chance = np.linspace(0.9, 0.0, 24)
    issues = issues_of(ds, off_topic=CheckResult(chance, chance > 0.7, 0.7, chance=chance))
    n = len(issues.triage)
    assert n == (chance >= 0.25).sum()
    after = issues.triage_after(decided(ds, delete=range(10)))
    assert (len(after), rows_of(ds, after)) == (n, list(range(n)))
    assert after.score.iloc[-1] > 0.6


def test_an_answer_says_something_of_the_checks_that_it_answers(ds):
    issues = issues_of(
        ds, dark=flags(range(6)), label_issues=flags(range(12), new_label=ds.table.label.to_numpy())
    )
    before = issues.triage.score
    kept = decided(ds, keep=[0, 1, 2]).assign(about=[("label",)] * 3)
    after = issues.triage_after(kept).score
    dark, doubted = ds.table.id[5], ds.table.id[11]
    assert after[doubted] < before[doubted]
    all_answered = issues.triage_after(kept.assign(about=[("label", "image")] * 3)).score
    assert all_answered[dark] < after[dark] < before[dark]


def test_one_copy_that_goes_is_a_look_that_paid(ds):
    issues = issues_of(ds, near_duplicates=copies([0, 1], [2, 3], [4, 5]))
    before = issues.triage.score.iloc[-1]
    settled = issues.triage_after(decided(ds, keep=[0, 2], delete=[1, 3])).score[ds.table.id[4]]
    refused = issues.triage_after(decided(ds, keep=[0, 1, 2, 3])).score[ds.table.id[4]]
    assert refused < before < settled


def test_what_was_learned_goes_to_issues_that_are_found_later(ds):
    dark, later = flags(range(6)), flags(range(3, 9))
    looks = issues_of(ds, dark=dark).looks(decided(ds, keep=[0, 1, 2]))
    before = issues_of(ds, dark=later).triage.score.iloc[0]
    after = issues_of(ds, dark=later, bright=flags([20])).triage_after(decided(ds), looks)
    assert rows_of(ds, after)[0] == 20
    assert after.score.min() < before, "what was kept is no item of the new queue, and is remembered"
    gone = looks.without(ds.table.id[:3])
    assert issues_of(ds, dark=later).triage_after(None, gone).score.iloc[0] == before


def test_a_relabel_that_the_checks_know_says_nothing_of_them(ds):
    """Of a corrected label the checks say that it is fine: as if looks at what is fine paid."""
    chance = np.where(np.arange(24) < 6, 0.9, 0.05)
    doubted = np.where(ds.table.label == "teddy", "black", "teddy")
    issues = issues_of(
        ds, label_issues=CheckResult(chance, chance > 0.5, 0.5, chance=chance, new_label=doubted)
    )
    relabels = decided(ds, relabel=[20, 21]).assign(new_label=ds.table.label.to_numpy()[[20, 21]])
    pd.testing.assert_frame_equal(issues.triage_after(relabels), issues.triage)
    real = relabels.assign(new_label=doubted[[20, 21]])
    assert issues.triage_after(real).score.max() > issues.triage.score.max()


def test_chances_are_the_given_ones_before_any_decision():
    said = np.array([[0.2, np.nan], [0.5, 0.5], [np.nan, np.nan]])
    none = np.zeros((0, 2)), np.zeros(0, bool)
    chances = chance_of_change(said, *none, learn_slope=np.array([True, False]))
    assert chances == pytest.approx(np.array([[0.2, 0], [0.5, 0.5], [0, 0]]))
    assert any_of(chances) == pytest.approx([0.2, 0.75, 0])


def test_many_decisions_outweigh_what_was_said():
    """A check that says 0.9 of items of which one in five is changed, and one that says 0.1 of four in five."""
    rng = np.random.default_rng(0)
    said = np.full((800, 2), np.nan)
    said[:400, 0], said[400:, 1] = 0.9, 0.1
    changed = rng.random(800) < np.where(np.arange(800) < 400, 0.2, 0.8)
    chances = chance_of_change(said, said, changed, learn_slope=np.zeros(2, bool))
    assert [chances[0, 0], chances[400, 1]] == pytest.approx([0.2, 0.8], abs=0.06)


def test_a_model_that_knows_little_calls_few_labels_wrong():
    rng = np.random.default_rng(0)
    target = rng.integers(0, 10, 3000)
    wrong = rng.random(3000) < 0.1
    true = np.where(wrong, (target + 1) % 10, target)
    sure = np.full((3000, 10), 0.01)
    sure[np.arange(3000), true] = 0.91
    guess = rng.dirichlet(np.full(10, 1.0), 3000)
    likely, chance = likely_wrong(sure, target, label_issue(sure, target))
    assert (likely == wrong).all()
    assert chance.sum() == pytest.approx(wrong.sum(), rel=0.01)
    likely, chance = likely_wrong(guess, target, label_issue(guess, target))
    assert (guess.argmax(1) != target).mean() > 0.85
    assert likely.mean() < 0.02
    assert chance.mean() < 0.02


def test_nothing_found_is_no_queue(ds):
    issues = find_issues(ds, ["exact_duplicates"])
    assert issues.triage.empty
    assert [name for name, *_ in issues.queues()] == ["exact_duplicates"]
    assert list(issues_of(ds).triage.columns) == list(issues.triage.columns)
