"""Issues: running checks, own checks, queues, what is left out."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from bearwidgets.errors import BadInputError
from bearwidgets.review.checks.registry import CHECKS, Check, CheckResult, adaptive_threshold, check, register
from bearwidgets.review.checks.run import find_issues
from bearwidgets.review.review import Review


@pytest.fixture(autouse=True)
def _own_checks():
    """Checks that a test registers are gone after it."""
    before = dict(CHECKS._load())
    yield
    CHECKS._checks = before


def reviewed(ds, wrong=()):
    """A review that doubts the items at these rows."""
    target = np.array([ds.classes.index(label) for label in ds.table.label])
    p = np.full((len(ds), 3), 0.05)
    p[np.arange(len(ds)), target] = 0.9
    p[list(wrong)] = np.roll(p[list(wrong)], 1, axis=1)
    return Review.from_predictions(ds, p, ds.classes)


def test_a_check_of_ones_own_in_five_lines(ds):
    check("square")(lambda _: pytest.fail("a cell that runs again replaces its check"))

    @check("square", title="Nearly square")
    def square(inputs):
        return (inputs.table.path == "teddy/003.jpg") * 0.9

    issues = find_issues(ds, ["square"])
    assert issues.queue("square").path.tolist() == ["teddy/003.jpg"]
    assert issues.summary.loc["square"].tolist()[:4] == ["Nearly square", 1, 0, 0.5]
    assert list(issues.table.columns) == ["path", "label", "split", "square_score", "square_issue"]
    assert issues.table.square_issue.sum() == 1
    assert issues.queues() == [("triage", "Review first", 1, False), ("square", "Nearly square", 1, False)]


def test_one_failing_check_does_not_take_the_others_down(ds):
    @check("fails")
    def fails(inputs):
        raise RuntimeError("no such luck")

    check("good")(lambda inputs: np.zeros(len(inputs.table)))
    issues = find_issues(ds, ["fails", "good"])
    assert issues.names == ["good"]
    assert issues.left_out == {"fails": "failed with RuntimeError: no such luck"}
    with pytest.raises(BadInputError, match="left out: failed with RuntimeError"):
        issues.queue("fails")


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        (np.zeros(3), r"its score has shape \(3,\); 24 items need \(24,\)"),
        (np.full(24, 1.5), "its scores go from 1.5 to 1.5; allowed is 0 to 1"),
        (CheckResult(np.zeros(24), np.zeros(24, bool), why=["only one"]), "it gave 1 sentences"),
        (CheckResult(np.zeros(24), np.zeros(24, bool), group=np.zeros(2)), "its group has shape"),
        (np.array(["a"] * 24), "could not convert"),
    ],
)
def test_answers_that_do_not_fit_are_left_out(ds, result, reason):
    check("odd")(lambda _: result)
    issues = find_issues(ds, ["odd"])
    assert issues.names == []
    assert re.search(reason, issues.left_out["odd"])


def test_answers_are_put_in_order_by_their_index(ds):
    score = pd.Series(np.linspace(0, 1, 24), index=ds.table.id)
    check("by_id")(lambda _: score[::-1])
    check("by_row")(lambda _: score.reset_index(drop=True).sample(frac=1, random_state=0))
    check("by_nothing")(lambda _: score.set_axis(np.arange(100, 124)))
    issues = find_issues(ds, ["by_id", "by_row", "by_nothing"])
    assert issues.table["by_id_score"].tolist() == issues.table["by_row_score"].tolist() == score.tolist()
    assert "neither the ids nor the rows" in issues.left_out["by_nothing"]


def test_answers_of_other_types_are_understood_or_left_out(ds, tmp_path):
    flag = (np.arange(24) < 2).astype(int)
    check("numbers")(lambda _: CheckResult(flag, flag, why=[None] * 24, keeper=flag, group=flag - 1.0))
    check("endless")(lambda _: np.full(24, np.inf))
    issues = find_issues(ds, ["numbers", "endless"])
    assert issues.queue("numbers").why.tolist() == ["", ""]
    assert issues.report(tmp_path / "page.html").is_file()
    assert "its scores go from inf to inf" in issues.left_out["endless"]


def test_a_check_cannot_change_the_data_set(ds):
    @check("clumsy")
    def clumsy(inputs):
        inputs.table["label"] = "zzz"
        return np.zeros(24)

    seen = []
    check("after")(lambda inputs: seen.extend(inputs.table.label) or np.zeros(24))
    issues = find_issues(ds, ["clumsy", "after"])
    assert "zzz" not in set(seen)
    assert "zzz" not in set(issues.table.label)
    assert ds.classes == ["black", "grizzly", "teddy"]
    assert "zzz" not in set(ds.table.label)


def test_a_report_says_what_to_review_first_and_what_is_true_of_the_whole_set(ds, tmp_path):
    """One row an image, the last group whole, names escaped, in the words of the Cleaner."""
    pair, place = np.arange(24) < 2, np.arange(24)
    check("same", title="<i>Same</i>", proposes="keep")(
        lambda _: CheckResult(
            pair * 1.0, pair, group=np.where(pair, 0, -1), keeper=place == 1, why=["so"] * 24
        )
    )
    check("gray", about_set=True)(lambda _: CheckResult(np.ones(24), np.ones(24, bool), note="all of it"))
    issues = find_issues(reviewed(ds, wrong=[9]), ["same", "gray", "label_issues"])
    page = issues.report(tmp_path / "page.html", top=2).read_text("utf-8")
    above, rest = page.split('<h2 id="triage">Review first <small>3</small></h2>')
    assert "<p>Gray: 24 of 24 images (all of it)</p>" in above
    first, rest = rest.split('<h2 id="same">&lt;i&gt;Same&lt;/i&gt; <small>2</small></h2>')
    rows = re.findall(r"<tr><td><img .*?></td>(.*?)</tr>", first)
    assert [row.split("</td><td>")[:3] for row in rows] == [
        [f"<td>{ds.table.path[9]}", "grizzly", "<b>relabel to teddy</b>"],
        [f"<td>{ds.table.path[1]}", "black", "<b>keep</b>"],
        [f"<td>{ds.table.path[0]}", "black", "<b>delete</b>"],
    ]
    assert rows[1].endswith("<td>so</td>")
    assert "★ proposed to stay" in rest
    assert 'id="gray"' not in page
    assert 'href="#gray"' not in page
    assert repr(issues).startswith("Gray: 24 of 24 images (all of it)\nIssues of 24 items")
    assert "<p>Gray: 24 of 24 images (all of it)</p>" in issues._repr_html_()


def test_reports_do_not_replace_images_or_folders(ds, tmp_path):
    issues = find_issues(ds, ["class_imbalance"])
    image = ds.path_of(ds.table.id[0])
    with pytest.raises(BadInputError, match=r"allowed are \.html and \.htm"):
        issues.report(image)
    with pytest.raises(BadInputError, match="top is '3'"):
        issues.report(tmp_path / "page.html", top="3")
    (tmp_path / "x.csv").mkdir()
    with pytest.raises(BadInputError, match="is there and no file"):
        issues.save(tmp_path / "x.csv")
    assert issues.save(tmp_path / "TABLE.CSV").is_file()


def test_files_that_have_gone_since_are_unreadable(ds):
    find_issues(ds, ["unreadable"])
    ds.path_of(ds.table.id[3]).unlink()
    issues = find_issues(ds, ["unreadable"])
    assert issues.queue("unreadable").index.tolist() == [ds.table.id[3]]
    assert issues.problems.reason.tolist() == ["The file is gone."]
    assert issues.certain == 1


def test_what_is_missing_is_said(ds):
    check("needy", needs=["review", "features"])(lambda _: np.zeros(24))
    left = find_issues(ds, ["needy", "label_issues"]).left_out
    assert "needs predictions" in left["needy"]
    assert "needs features" in left["needy"]
    assert "give a trained Learner" in left["label_issues"]


def test_label_issues_are_a_queue(ds):
    review = reviewed(ds, wrong=[2, 20])
    queue = find_issues(review, ["label_issues"]).queue("label_issues")
    assert set(queue.index) == set(ds.table.id[[2, 20]])
    assert queue.score.is_monotonic_decreasing
    assert queue.score.tolist() == pytest.approx(review.table.label_issue[queue.index].tolist())
    assert all(queue.why)


def test_label_issues_of_items_without_predictions_are_unknown(ds):
    review = reviewed(ds)
    review.table, review.probabilities = review.table.iloc[5:], review.probabilities[5:]
    issues = find_issues(review, ["label_issues"])
    assert np.isnan(issues.table.label_issues_score[:5]).all()
    assert not issues.table.label_issues_issue.any()


def test_groups_stay_together_and_keepers_come_first(ds):
    score = np.zeros(24)
    group, keeper, flag = np.full(24, -1), np.zeros(24, bool), np.zeros(24, bool)
    for row, value, number, keep in [(0, 0.7, 4, 0), (9, 0.9, 4, 1), (3, 0.8, 1, 1), (5, 0.8, 1, 0)]:
        score[row], group[row], keeper[row], flag[row] = value, number, keep, True
    flag[7], score[7] = True, 0.85
    check("grouped")(lambda _: CheckResult(score, flag, group=group, keeper=keeper))
    queue = find_issues(ds, ["grouped"]).queue("grouped")
    assert [ds.index_of(id_) for id_ in queue.index] == [9, 0, 7, 3, 5]
    assert queue.group.tolist() == [4, 4, -1, 1, 1]


def test_certain_checks_come_first(ds):
    check("guess")(lambda _: np.zeros(24))
    check("fact", certain=True)(lambda _: np.zeros(24))
    names = list(CHECKS)
    assert names.index("fact") < names.index("label_issues") < names.index("guess")
    certain = [CHECKS[name].certain for name in names]
    assert certain == sorted(certain, reverse=True)


def test_registration_refuses_in_words():
    with pytest.raises(BadInputError, match="There is a check 'label_issues' already"):
        register(Check("label_issues", "Mine", np.zeros))
    with pytest.raises(BadInputError, match="no name for a check"):
        register(Check("two words", "Mine", np.zeros))
    with pytest.raises(BadInputError, match="Did you mean 'features'"):
        register(Check("mine", "Mine", np.zeros, needs=("feature",)))


def test_sources_are_refused_in_words(ds):
    with pytest.raises(BadInputError, match="not in str"):
        find_issues("bears")
    with pytest.raises(BadInputError, match="Did you mean 'label_issues'"):
        find_issues(ds, ["label_issue"])
    frame = ds.table[["id", "label"]]
    with pytest.raises(BadInputError, match="has no data set"):
        find_issues(Review.from_predictions(frame, reviewed(ds).probabilities, ds.classes))


def test_the_threshold_follows_the_data_between_its_bounds():
    rng = np.random.default_rng(0)
    usual = rng.normal(0.6, 0.02, 500).clip(0, 1)
    assert 0.6 + 3 * 0.02 < adaptive_threshold(usual) < 0.6 + 4 * 0.02
    assert adaptive_threshold(usual - 0.5) == 0.5
    assert adaptive_threshold(np.ones(9)) == 1
    assert adaptive_threshold(np.ones(9), most=np.inf) > 1
    assert adaptive_threshold(np.full(9, np.nan)) == 0.5


def test_thresholds_are_given_by_name_and_read_in_the_summary(ds):
    check("mine")(lambda _: np.linspace(0, 1, 24))
    flags = np.arange(24) < 2
    check("flags")(lambda _: CheckResult(np.linspace(0, 1, 24), flags, 0.9))

    @check("asks")
    def asks(inputs):
        return CheckResult(np.full(24, 0.5), flags & (inputs.threshold < 0.4), inputs.threshold)

    names = ["mine", "flags", "asks", "low_contrast"]
    given = {"mine": 0.25, "flags": 0.5, "asks": 0.3, "low_contrast": 0.2}
    issues = find_issues(ds, names, thresholds=given)
    assert issues.summary.threshold.to_dict() == given
    assert issues.summary.flagged[["mine", "flags", "asks"]].tolist() == [18, 12, 2]
    assert (issues.table.low_contrast_issue == (issues.table.low_contrast_score >= 0.2)).all()
    assert find_issues(ds, ["flags", "low_contrast"]).summary.flagged.tolist() == [0, 2]


@pytest.mark.parametrize("name", [name for name, each in CHECKS.items() if "features" not in each.needs])
def test_a_threshold_is_taken_by_every_check(ds, name):
    """From 1 on hardly anything is flagged, and never what scores less."""
    issues = find_issues(reviewed(ds, wrong=[2, 20]), [name], thresholds={name: 1})
    assert issues.summary.threshold[name] == 1
    assert (issues.table[f"{name}_score"][issues.table[f"{name}_issue"]] == 1).all()


def test_thresholds_are_checked(ds):
    with pytest.raises(BadInputError, match=r"No check 'blured'.*Did you mean 'blurred'"):
        find_issues(ds, thresholds={"blured": 0.3})
    for value in (0, 1.5, "0.3", True, float("nan")):
        with pytest.raises(BadInputError, match=r"'dark' is .*allowed is a number above 0 and up to 1"):
            find_issues(ds, thresholds={"dark": value})


def test_former_names_still_work(ds):
    check("mine", needs=["looks"])(lambda inputs: inputs.looks["contrast"])
    issues = find_issues(ds, ["mine", "grey_among_color"], thresholds={"grey_among_color": 0.7})
    assert issues.names == ["gray_among_color", "mine"]
    assert issues.summary.threshold["gray_among_color"] == 0.7
    assert len(issues.queue("grey_among_color")) == issues.summary.flagged["gray_among_color"]


def test_issues_show_themselves_with_names_escaped(ds):
    check("odd", title="<b>Odd</b>")(lambda _: np.zeros(24))
    check("left", needs=["review"])(lambda _: np.zeros(24))
    issues = find_issues(ds, ["odd", "left"])
    assert "left out: left, needs predictions" in repr(issues)
    assert "<b>Odd" not in issues._repr_html_()
    assert "left: needs predictions" in issues._repr_html_()
