"""The effect of cleaning: counts and p-values by hand, labels as they were and as corrected."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from bearwidgets.data.dataset import Dataset
from bearwidgets.errors import BadInputError
from bearwidgets.review.effect.effect import Effect, measure_effect, sign_test

CLASSES = ["black", "grizzly", "teddy"]


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
    rows = ds.table.iloc[[int(name[1:]) for name in acts]]
    frame = pd.DataFrame(
        {
            "path": rows.path.tolist(),
            "content": rows.content.tolist(),
            "action": [action for action, _ in acts.values()],
            "new_label": [label for _, label in acts.values()],
            "seq": range(len(acts)),
        },
        index=pd.Index(rows.id.tolist(), name="id"),
        dtype=object,
    )
    return SimpleNamespace(decisions=frame)


def valid_rows(ds: Dataset) -> list[int]:
    return np.flatnonzero(ds.table.split == "valid").tolist()


def another(label: str) -> str:
    return next(each for each in CLASSES if each != label)


def test_fixed_and_broken_by_hand(ds):
    ids, labels = (ds.table[name][valid_rows(ds)].tolist() for name in ("id", "label"))
    before = Oracle(ds, {ids[row]: another(labels[row]) for row in (0, 1, 2)})
    after = Oracle(ds, {ids[row]: another(labels[row]) for row in (2, 3)})
    row = measure_effect(before, after, ds, journal(ds)).table.loc["as they were"]
    assert (row["n"], row["fixed"], row["broken"]) == (6, 2, 1)
    assert (row["error_before"], row["error_after"]) == pytest.approx((3 / 6, 2 / 6))
    assert row["p_value"] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("fixed", "broken", "p"),
    [
        (0, 0, 1.0),
        (1, 0, 1.0),
        (5, 0, 2 / 32),
        (6, 0, 2 / 64),
        (7, 1, 2 * 9 / 256),
        (3, 3, 1.0),
        (1, 7, 2 * 9 / 256),
    ],
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
    assert table.loc["corrected", ["fixed", "broken"]].tolist() == [1, 1]


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
    assert table.loc["as they were", ["fixed", "broken"]].tolist() == [0, 1]
    assert table.loc["corrected", ["fixed", "broken"]].tolist() == [1, 0]


def test_an_exam_of_which_nothing_is_left_has_no_corrected_row(ds):
    decided = journal(ds, **{f"i{row}": ("delete", "") for row in valid_rows(ds)})
    table = measure_effect(Oracle(ds, {}), Oracle(ds, {}), ds, decided).table
    assert table.index.tolist() == ["as they were"]


def test_no_evaluation_split_is_refused(images):
    ds = Dataset.from_folder(images, valid_pct=0)
    with pytest.raises(BadInputError, match="set valid_pct above 0"):
        measure_effect(Oracle(ds, {}), Oracle(ds, {}), ds, journal(ds))


@pytest.mark.parametrize(
    ("fixed", "broken", "words"),
    [(9, 0, "better"), (0, 9, "worse"), (2, 1, "too few images differ"), (3, 3, "no difference")],
)
def test_the_sentence_claims_no_more_than_the_numbers(fixed, broken, words):
    row = {
        "n": 100,
        "error_before": 0.2,
        "error_after": 0.2 - (fixed - broken) / 100,
        "fixed": fixed,
        "broken": broken,
    }
    table = pd.DataFrame.from_dict(
        {"as they were": {**row, "p_value": sign_test(fixed, broken)}}, orient="index"
    )
    text = str(Effect(table))
    assert words in text
    assert f"{fixed} fixed, {broken} broken" in text
