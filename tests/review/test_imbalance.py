"""Rare classes."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from bearwidgets.review.checks.imbalance import class_imbalance, rare_classes


def made_inputs(**counts):
    return SimpleNamespace(
        threshold=None, table=pd.DataFrame({"label": np.repeat(list(counts), list(counts.values()))})
    )


@pytest.mark.parametrize(
    ("counts", "rare"),
    [
        ([100, 100, 100], []),
        ([160, 160, 159], []),
        ([100, 60, 140], []),
        ([100, 110, 30], [2]),
        ([75, 25], []),  # 1:3 of two classes is common
        ([95, 5], [1]),
        ([100, 50, 25, 12, 6, 3], []),  # a long tail is that data's own way
        ([100, 50, 25, 12, 6, 1], [5]),  # but below a tenth of the middle is rare
    ],
)
def test_which_are_rare(counts, rare):
    assert np.flatnonzero(rare_classes(np.array(counts))[1]).tolist() == rare


def test_items_of_rare_classes_are_flagged_as_groups():
    found = class_imbalance(made_inputs(black=100, grizzly=90, teddy=9))
    assert found.flag.sum() == 9
    assert found.flag[-9:].all()
    assert (found.group[-9:] == 2).all()
    assert (found.group[:190] == -1).all()
    assert found.score[-1] == pytest.approx(0.9)
    assert found.score[0] == 0
    assert found.score[-1] >= found.threshold
    assert "the smallest is teddy with 9, the largest black with 100" in found.note


def test_one_class_or_none():
    assert not class_imbalance(made_inputs(black=10)).flag.any()
    assert len(class_imbalance(made_inputs()).flag) == 0
