"""The confusion matrix and its pairs, by hand."""

from __future__ import annotations

import pandas as pd
import pytest

from bearwidgets.review.confusion import confusion_counts, most_confused

ACTUAL = pd.Series(["a", "a", "a", "b", "b", "c"])
PREDICTED = pd.Series(["a", "b", "b", "b", "a", "b"])


def counts() -> pd.DataFrame:
    return confusion_counts(ACTUAL, PREDICTED, ["a", "b", "c"])


def test_pairs_by_count_then_share():
    assert (counts().index.name, counts().columns.name) == ("actual", "predicted")
    table = most_confused(counts())
    assert list(table.itertuples(index=False, name=None)) == [
        ("a", "b", 2, pytest.approx(2 / 3)),
        ("c", "b", 1, 1.0),
        ("b", "a", 1, 0.5),
    ]
    assert len(most_confused(counts(), 2)) == 1
    assert len(most_confused(counts(), 3)) == 0


def test_a_class_without_items_and_no_items_at_all():
    assert confusion_counts(ACTUAL[:0], PREDICTED[:0], ["a", "b"]).to_numpy().tolist() == [[0, 0], [0, 0]]
    assert most_confused(confusion_counts(ACTUAL[:0], PREDICTED[:0], ["a", "b"])).empty
