"""Decisions that harm: a queue of them, which one act withdraws and one undo brings back."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from stub_learner import paths

from bearwidgets.errors import BadInputError
from bearwidgets.review.effect import decision_effects
from bearwidgets.widgets.cleaner.cleaner import Cleaner
from bearwidgets.widgets.cleaner.questions import LOOK_AGAIN
from bearwidgets.widgets.cleaner.requests import Requests
from bearwidgets.widgets.protocol import GRID_REQUESTS, Nothing

WHY = "With this decision the exam's loss rises by 0.01, most on 2 evaluation images of black"


@pytest.fixture
def cleaner(learn, ds, monkeypatch):
    """Three grizzlies are relabeled to teddy, which harms, and one black image is deleted, which does not."""
    calls = []

    def written_down(learn, ds, journal):
        calls.append(journal)
        decided = journal.decisions[["path", "action", "new_label"]]
        harms = (decided.action == "relabel").to_numpy()
        effect = np.where(harms, 0.01, -0.01)
        return decided.assign(
            label="grizzly", effect=effect, harms=harms, reason=np.where(harms, WHY, "It helps")
        )

    monkeypatch.setattr(decision_effects, "decision_effects", written_down)
    cleaner = Cleaner(learn)
    cleaner.calls = calls
    cleaner.mark(paths(ds, "grizzly")[:3], "relabel", "teddy")
    cleaner.mark(paths(ds, "black")[0], "delete")
    return cleaner


def queue(cleaner):
    found = [each for each in cleaner._session.state().queues if each.name == LOOK_AGAIN]
    return (found[0].total, found[0].left) if found else None


def test_blame_fills_the_queue_and_the_reason_is_on_the_tile(cleaner):
    assert queue(cleaner) is None
    assert cleaner.blame.harms.sum() == 3
    assert queue(cleaner) == (3, 3)
    assert cleaner.show(queue=LOOK_AGAIN) == 3
    item = cleaner._session.board.item(0)
    assert (item.why, item.decision.label, item.proposal) == (WHY, "teddy", None)
    assert cleaner._session.state().accept == ""
    assert (
        cleaner.show(queue=LOOK_AGAIN, decision="undecided") == 3
    )  # they are decided, and still to be looked at


def test_it_is_computed_once_until_a_decision_changes(cleaner):
    own = cleaner.blame
    own["effect"] = 0  # a copy
    assert cleaner.blame.effect.max() == 0.01
    assert len(cleaner.calls) == 1
    cleaner.undo()
    assert len(cleaner.blame) == 3
    assert len(cleaner.calls) == 2


def test_who_is_decided_anew_leaves_the_queue(cleaner, ds):
    assert len(cleaner.blame) == 4
    cleaner.show(queue=LOOK_AGAIN)
    cleaner.mark(paths(ds, "grizzly")[0], "keep")
    assert queue(cleaner) == (2, 2)
    assert len(cleaner._session.board.order) == 3  # nothing moves under the hand
    cleaner.mark(paths(ds, "teddy")[0], "delete")
    assert queue(cleaner) == (2, 2)


def test_undone_in_one_act_and_one_undo_brings_them_back(cleaner, ds):
    assert cleaner.undo_harmful() == 3
    assert cleaner.decisions.action.tolist() == ["delete"]
    assert queue(cleaner) == (0, 0)
    assert cleaner.undo() == 3
    assert len(cleaner.decisions) == 4
    assert set(cleaner.decisions.path[cleaner.decisions.action == "relabel"]) == set(paths(ds, "grizzly")[:3])


def test_from_the_view(cleaner):
    handlers = Requests(cleaner._session).handlers
    assert handlers["undo_harmful"][1](Nothing()).changed == 0  # nothing was looked for
    assert len(cleaner.blame) == 4
    assert handlers["undo_harmful"][1](Nothing()).changed == 3
    assert GRID_REQUESTS["undo_harmful"][0] is Nothing


def test_a_retrain_looks_for_them(cleaner):
    cleaner.retrain()
    assert queue(cleaner) == (3, 3)


def test_without_features_or_decisions_it_is_said(learn, ds):
    cleaner = Cleaner(learn)
    with pytest.raises(BadInputError, match="There is no decision yet"):
        _ = cleaner.blame
    cleaner.mark(paths(ds, "grizzly")[0], "delete")
    with pytest.raises(BadInputError, match="needs the features of a bearwidgets Learner"):
        cleaner.undo_harmful()
    cleaner.retrain()  # which does without
    assert isinstance(cleaner.decisions, pd.DataFrame)
    assert queue(cleaner) is None
