"""The effect of cleaning by hand: labels as they were and as corrected; what is left to find, and when to stop."""

from __future__ import annotations

import re
from types import SimpleNamespace

import numpy as np
import pytest
from made_data import CLASSES
from stub_issues import StubIssues
from stub_learner import StubLearner

from bearwidgets.clean.journal import Journal
from bearwidgets.data.dataset import Dataset
from bearwidgets.errors import BadInputError
from bearwidgets.review.effect.effect import Effect, effect_table
from bearwidgets.review.effect.measure import measure_effect
from bearwidgets.review.effect.paired import PairedChange, paired_change, sign_test
from bearwidgets.review.effect.running_yield import KEPT, WINDOW, review_yield
from bearwidgets.widgets.cleaner import review_trials as looks_module
from bearwidgets.widgets.cleaner.session import Session
from bearwidgets.widgets.protocol import ViewSpec


class Oracle:
    """A learner that gives each label on disk, except for the items named."""

    classes = CLASSES

    def __init__(self, ds: Dataset, wrong: dict[str, str]):
        self.says = {**dict(zip(ds.table.id, ds.table.label, strict=True)), **wrong}

    def predictions(self, ds: Dataset):
        numbers = [CLASSES.index(self.says[each]) for each in ds.table.id]
        return ds.table, np.eye(3, dtype=np.float32)[numbers]


def journal(ds: Dataset, **acts: tuple[str, str]) -> SimpleNamespace:
    """Decisions: `i<row>=(action, new label)`."""
    rows = ds.table.iloc[[int(name[1:]) for name in acts]].set_index("id")[["path", "content"]].astype(object)
    action, new_label = zip(*acts.values(), strict=True) if acts else ((), ())
    return SimpleNamespace(decisions=rows.assign(action=action, new_label=new_label, seq=range(len(acts))))


def valid_rows(ds: Dataset) -> list[int]:
    return np.flatnonzero(ds.table.split == "valid").tolist()


def another(label: str) -> str:
    return next(each for each in CLASSES if each != label)


def test_fixed_and_broken_by_hand(ds):
    ids, labels = (ds.table[name][valid_rows(ds)].tolist() for name in ("id", "label"))
    before = Oracle(ds, {ids[row]: another(labels[row]) for row in (0, 1, 2)})
    after = Oracle(ds, {ids[row]: another(labels[row]) for row in (2, 3)})
    row = measure_effect(before, after, ds, journal(ds)).table.loc["evaluation split", "as they were"]
    assert (row["n"], row["fixed"], row["broken"]) == (6, 2, 1)
    assert (row["error_before"], row["error_after"]) == pytest.approx((3 / 6, 2 / 6))
    assert row["p_value"] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("fixed", "broken", "p"),
    [(0, 0, 1), (1, 0, 1), (5, 0, 2 / 32), (6, 0, 2 / 64), (7, 1, 18 / 256), (3, 3, 1), (1, 7, 18 / 256)],
)
def test_p_values_by_hand(fixed, broken, p):
    assert sign_test(fixed, broken) == pytest.approx(p)


def test_training_items_do_not_count(ds):
    train = np.flatnonzero(ds.table.split == "train").tolist()
    wrong = {ds.table.id[row]: another(ds.table.label[row]) for row in train}
    table = measure_effect(Oracle(ds, wrong), Oracle(ds, {}), ds, journal(ds)).table
    assert (table.n == 6).all()
    assert (table.error_before == 0).all()


def test_labels_as_they_were_and_as_corrected(ds):
    first, second, third = valid_rows(ds)[:3]
    new = another(ds.table.label[first])
    decided = journal(ds, **{f"i{first}": ("relabel", new), f"i{second}": ("delete", "")})
    after = Oracle(ds, {ds.table.id[first]: new, ds.table.id[third]: another(ds.table.label[third])})
    table = measure_effect(Oracle(ds, {}), after, ds, decided).table
    assert table.n.tolist() == [6, 5]
    assert table.error_before.tolist() == pytest.approx([0, 1 / 5])
    assert table.error_after.tolist() == pytest.approx([2 / 6, 1 / 5])
    assert table.loc[("evaluation split", "corrected"), ["fixed", "broken"]].tolist() == [1, 1]


def test_the_frozen_labels_count_after_files_were_moved(ds, images):
    """A relabel that was applied to the exam must not pass for learning."""
    row = valid_rows(ds)[0]
    ds.freeze_exam()
    old, new = ds.table.label[row], another(ds.table.label[row])
    (images / ds.table.path[row]).rename(images / new / "moved.jpg")
    moved = Dataset.from_folder(images)
    assert moved.table[moved.table.id == ds.table.id[row]].label.tolist() == [new]
    table = measure_effect(
        Oracle(moved, {ds.table.id[row]: old}), Oracle(moved, {}), moved, journal(moved)
    ).table
    assert table.loc[("evaluation split", "as they were"), ["fixed", "broken"]].tolist() == [0, 1]
    assert table.loc[("evaluation split", "corrected"), ["fixed", "broken"]].tolist() == [1, 0]


def test_an_exam_of_which_nothing_is_left_has_no_corrected_row(ds):
    decided = journal(ds, **{f"i{row}": ("delete", "") for row in valid_rows(ds)})
    table = measure_effect(Oracle(ds, {}), Oracle(ds, {}), ds, decided).table
    assert table.index.tolist() == [("evaluation split", "as they were")]


def test_no_evaluation_split_is_refused(images):
    ds = Dataset.from_folder(images, valid_pct=0)
    with pytest.raises(BadInputError, match="set valid_pct above 0"):
        measure_effect(Oracle(ds, {}), Oracle(ds, {}), ds, journal(ds))


def change(n: int, before: int, after: int, low: float, high: float) -> PairedChange:
    """Mistakes before and after among n images; the ends of the interval in mistakes."""
    fixed, broken = max(before - after, 0), max(after - before, 0)
    return PairedChange(n, before / n, after / n, low / n, high / n, fixed, broken, 1.0)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ((297, 30, 19, -19, -3), "Cleaning helped: 11 fewer mistakes among 297 images (95 %: 3 to 19)."),
        ((297, 19, 28, 2, 16), "Cleaning made it worse: 9 more mistakes among 297 images (95 %: 2 to 16)."),
        ((60, 3, 2, -3.3, 1), ("Too few images to tell: 1 fewer mistake among 60 images (95 %: 3 fewer to 1 more); "
                                "about 220 more images would do.")),
        ((60, 3, 4, -1, 3.3), ("Too few images to tell: 1 more mistake among 60 images (95 %: 1 fewer to 3 more); "
                                "about 220 more images would do.")),
        ((60, 3, 3, -2, 2), "No measurable change: between 2 fewer and 2 more among 60 images (95 %)."),
        ((2000, 100, 99, -12, 10), "No measurable change: between 12 fewer and 10 more among 2,000 images (95 %)."),
        ((500, 10, 8, -4.4, -0.2), "Cleaning helped: 2 fewer mistakes among 500 images (95 %: under 1 to 4)."),
    ],
)  # fmt: skip
def test_the_verdict_claims_no_more_than_the_interval_and_comes_first(row, words):
    effect = Effect(effect_table({("evaluation split", "corrected"): change(*row)}), notes=["<b>"])
    assert str(effect).split("\n")[0] == effect.verdict == words
    assert effect._repr_html_().startswith(f"<p><b>{words}</b></p><table")
    assert effect._repr_html_().endswith("<ul><li>&lt;b&gt;</li></ul>")


def test_the_verdict_is_of_all_images_on_corrected_labels_where_it_can_be():
    small, large = change(60, 3, 4, -1, 3), change(300, 30, 19, -19, -3)
    rows = {
        ("evaluation split", "as they were"): small,
        ("evaluation split", "corrected"): small,
        ("cross-validation", "as they were"): small,
        ("cross-validation", "corrected"): large,
    }
    effect = Effect(effect_table(rows))
    assert effect.judged_on == ("cross-validation", "corrected")
    assert effect.verdict.startswith("Cleaning helped: 11 fewer")
    assert effect.summary.loc["cross-validation", "corrected"].to_dict() == {
        "images": 300,
        "error before": "10.0 % (7.1–13.9 %)",
        "error after": "6.3 % (4.1–9.7 %)",
        "mistakes (95 %)": "11 fewer (19 fewer to 3 fewer)",
        "fixed": 11,
        "broken": 0,
    }
    assert Effect(effect_table(dict(list(rows.items())[:1]))).judged_on == (
        "evaluation split",
        "as they were",
    )


def test_where_the_exams_contradict_each_other_nothing_is_claimed():
    rows = {
        ("evaluation split", "as they were"): change(60, 3, 5, -1, 5),
        ("cross-validation", "corrected"): change(300, 30, 19, -19, -3),
    }
    verdict = Effect(effect_table(rows)).verdict
    assert verdict.startswith("The exams contradict each other: 11 fewer mistakes among 300 images")
    assert "2 more mistakes among 60 images" in verdict


# The interval of two learners on the same images


def test_a_paired_change_by_hand():
    before, after = np.array([1.0, 1, 0, 0, 0]), np.array([0.0, 1, 0, 0, 1])
    found = paired_change(before, after, list("abcde"))
    assert (found.n, found.fixed, found.broken, found.p_value) == (5, 1, 1, 1.0)
    assert (found.error_before, found.error_after) == pytest.approx((0.4, 0.4))
    assert found.low == pytest.approx(-found.high, abs=0.01)
    wider = paired_change(before, after, list("abcde"), widen=2)
    assert wider.high == pytest.approx(2 * found.high)
    assert paired_change(np.zeros(0), np.zeros(0), []).n == 0


def test_few_images_without_a_difference_are_no_certainty():
    nothing = np.zeros(20)
    found = paired_change(nothing, nothing, range(20))
    assert found.low < -0.05 < 0.05 < found.high
    assert paired_change(np.zeros(2000), np.zeros(2000), range(2000)).high < 0.002


def test_copies_count_once():
    before, after = np.repeat([1.0, 0, 0, 1], 10), np.repeat([0.0, 0, 0, 1], 10)
    apart, together = (paired_change(before, after, each) for each in (range(40), np.repeat(range(4), 10)))
    assert together.high - together.low > 1.5 * (apart.high - apart.low)


def test_the_interval_holds_the_true_change_as_often_as_it_says():
    generator, held = np.random.default_rng(0), 0
    for _ in range(300):
        kind = generator.choice(3, size=120, p=[0.08, 0.03, 0.89])  # fixed, broken, neither
        found = paired_change((kind == 0).astype(float), (kind == 1).astype(float), range(120))
        held += found.low <= -0.05 <= found.high
    assert 0.92 <= held / 300 <= 0.99


# The running yield, on made-up scores whose truth is known


def made_up(seed, n=500, slope=1.5, middle=2.0):
    """Scores, the most suspect first, and whether each label is wrong."""
    generator = np.random.default_rng(seed)
    odds = np.sort(generator.normal(0, 2, n))[::-1]
    wrong = generator.random(n) < 1 / (1 + np.exp(-slope * (odds - middle)))
    return 1 / (1 + np.exp(-odds)), wrong


def looked(score, wrong, n):
    changed = np.full(len(score), np.nan)
    changed[:n] = wrong[:n]
    return review_yield(score, changed, np.arange(len(score)))


def test_the_newest_decisions_count():
    changed = np.array([1.0] * 10 + [0.0] * 30 + [np.nan] * 5)
    figures = review_yield(np.linspace(1, 0, 45), changed, np.arange(45)[::-1])
    assert (figures.decided, figures.changed, figures.left) == (40, 10, 5)
    assert (figures.recent, figures.recent_changed, figures.rate) == (WINDOW, 10, 0.4)


def test_little_says_little():
    score, wrong = made_up(0)
    assert str(looked(score, wrong, 0)) == "Nothing here is decided yet."
    assert looked(score, wrong, 24).errors is None
    assert str(looked(score, np.ones(500), 1)) == "1 of the last 1 decision changed something (100 %)."
    assert looked(score, np.ones(500), 100).errors is None, "who knows how far that goes"
    few = np.ones(500)
    few[: KEPT - 1] = 0
    assert looked(score, few, 100).errors is None
    everything = looked(score, wrong, 500)
    assert (everything.left, everything.errors, everything.hint) == (0, None, "")


def test_the_interval_holds_what_is_left_as_often_as_it_says():
    hits, said = 0, 0
    for seed in range(60):
        score, wrong = made_up(seed)
        figures = looked(score, wrong, 150)
        if figures.errors is not None:
            said += 1
            hits += figures.low <= wrong[150:].sum() <= figures.high
    assert said > 50
    assert 0.8 <= hits / said <= 1.0


def test_the_estimate_does_not_depend_on_the_order_of_looking():
    score, wrong = made_up(3)
    shuffled = np.random.default_rng(1).permutation(500)
    changed = np.full(500, np.nan)
    changed[:150] = wrong[:150]
    one = review_yield(score, changed, np.arange(500))
    other = review_yield(score[shuffled], changed[shuffled], np.arange(500))
    assert (one.errors, one.ahead) == pytest.approx((other.errors, other.ahead))


@pytest.mark.parametrize("score", [np.ones(400), np.r_[np.ones(200), np.zeros(200)]])
def test_scores_that_say_nothing_give_the_rate(score):
    wrong = np.random.default_rng(0).random(400) < 0.3
    figures = looked(score[np.random.default_rng(1).permutation(400)], wrong, 200)
    assert figures.errors == pytest.approx(60, abs=15)


def test_stop_when_neither_the_last_nor_the_next_decisions_change_much():
    score, wrong = made_up(5, slope=4)
    stops = [n for n in range(25, 450, 25) if looked(score, wrong, n).stop]
    assert stops == list(range(stops[0], 450, 25)), "once it is time to stop, it stays so"
    assert wrong[: stops[0]].sum() >= 0.95 * wrong.sum()
    assert stops[0] < 250
    hint = looked(score, wrong, stops[0]).hint
    left = f"of the other {500 - stops[0]} may still be wrong"
    assert re.match(rf"You can stop here: (no|one) change in the last 25\. .* {left} \(\d", hint)
    assert str(looked(score, wrong, stops[0])).endswith(hint)
    noisy = np.random.default_rng(0).random(500) < 0.3
    assert not any(looked(score, noisy, n).stop for n in range(25, 450, 25)), "three of ten are wrong"


# The same in a session


@pytest.fixture
def session(ds):
    rows = [(5, 0.9, 0, True), (1, 0.9, 0, False), (7, 0.8, 1, True), (6, 0.8, 1, False)]
    copies = [(ds.table.id[row], *rest) for row, *rest in rows]
    return Session(StubLearner(ds), issues=StubIssues(copies=copies))


def test_all_items_by_their_label_issue(session):
    session.mark(session.board.ids[:6], "delete", None)
    session.mark(session.board.ids[6:10], "keep", None)
    session.mark(session.board.ids[10:12], "unsure", None)
    figures = session.review_yield()
    assert (figures.decided, figures.changed, figures.left) == (10, 6, 12), "unsure is neither"
    assert figures.recent_changed == 6
    session.journal.undo()
    session.refresh()
    assert session.review_yield().left == 14


def test_a_queue_counts_its_own_looks_and_a_group_is_one(session):
    session.mark(session.board.ids[10:14], "delete", None)
    session.show(ViewSpec("queue", queue="copies"))
    assert session.review_yield().decided == 0
    session.resolve_group(session.board.ids[session.board.order[:1]], keepers=True)
    figures = session.review_yield()
    assert (figures.decided, figures.changed, figures.left) == (1, 1, 1)
    session.show(ViewSpec("label_issue"))
    figures = session.review_yield()
    assert (figures.decided, figures.left) == (4, 19), (
        "copies say nothing about labels: that of the kept one is open"
    )


def test_looks_count_anew_after_a_round_and_after_a_retrain(session):
    session.mark(session.board.ids[:4], "keep", None)
    session.mark(session.board.ids[4:6], "delete", None)
    session.apply()
    assert session.review_yield().decided == 0, "what was kept alone would say that nothing was found"
    again = Session(StubLearner(session.ds))
    assert again.review_yield().decided == 0
    session.rollback(None)
    assert session.review_yield().decided == 6
    session.retrain()
    session.job.wait()
    assert session.review_yield().decided == 0


def test_without_scores_there_is_nothing_to_say(ds):
    session = Session(ds)
    session.mark(session.board.ids[:4], "delete", None)
    assert session.review_yield().decided == 0
    assert looks_module.counted_from(Journal.open(ds)) == 0
