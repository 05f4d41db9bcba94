"""The table of what each decision does to the exam."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from made_data import CLASSES, TINY, write_images
from stub_learner import StubLearner, paths

from bearwidgets.clean.journal import Journal
from bearwidgets.data.dataset import Dataset
from bearwidgets.errors import BadInputError
from bearwidgets.learn.head.linear_head import rotate
from bearwidgets.learn.learner import Learner
from bearwidgets.review.effect import decision_effects as module
from bearwidgets.review.effect.decision_effects import UNCHANGED, decision_effects


@pytest.fixture(scope="module")
def learn(tmp_path_factory):
    """A learner of the quick mode on 60 images to train on and 30 held out."""
    folder = write_images(tmp_path_factory.mktemp("effects") / "images", dict.fromkeys(CLASSES, 30))
    return Learner(Dataset.from_folder(folder, valid_pct=1 / 3), **TINY).fine_tune(progress=False)


@pytest.fixture
def ds(learn):
    return learn.ds


@pytest.fixture
def journal(ds, tmp_path):
    return Journal.open(Dataset.from_folder(ds.root, valid_pct=1 / 3, workspace=tmp_path / "space"))


def ids(ds, label, split="train"):
    named = set(paths(ds, label, split))
    return ds.table.id[ds.table.path.isin(named)].tolist()


def test_a_wrong_label_harms_and_what_changes_nothing_says_so(learn, ds, journal):
    grizzly, black, teddy = (ids(ds, label) for label in ("grizzly", "black", "teddy"))
    journal.record(grizzly[:3], "relabel", "teddy")
    journal.record(black[:2], "delete")
    journal.record(black[2:3], "unsure")
    journal.record(teddy[:1], "keep")
    journal.record(ids(ds, "teddy", "valid")[:1], "delete")
    table = decision_effects(learn, ds, journal)
    assert list(table.columns) == list(module.COLUMNS)
    assert set(table.index) == {*grizzly[:3], *black[:3], teddy[0]}  # not those of the exam
    assert set(table.index[:3]) == set(grizzly[:3])
    assert (table.effect[:3] > 0).all()
    assert table.effect.is_monotonic_decreasing
    assert table.new_label.tolist()[:3] == ["teddy"] * 3
    assert set(table.new_label[3:]) == {""}
    assert table.reason.iloc[0].startswith("With this decision the exam's loss rises by 0.")
    assert "evaluation image" in table.reason.iloc[0]
    assert (table.effect[teddy[0]], table.harms[teddy[0]], table.reason[teddy[0]]) == (0, False, UNCHANGED)


def test_what_helps_is_said_to(learn, ds, journal):
    """Labels that are wrong on disk, and put right."""
    grizzly = ids(ds, "grizzly")[:8]
    table = ds.table.assign(label=ds.table.label.where(~ds.table.id.isin(grizzly), "teddy"))
    wrong = ds.with_table(table)
    decisions = journal.decisions.reindex(grizzly).assign(
        path=table.set_index("id").path,
        content=table.set_index("id").content,
        action="relabel",
        new_label="grizzly",
        seq=1,
    )
    trained = learn.with_data(wrong).fine_tune(progress=False)
    found = decision_effects(trained, wrong, SimpleNamespace(decisions=decisions))
    assert (found.effect < 0).all()
    assert not found.harms.any()
    assert found.reason.str.startswith("With this decision the exam's loss falls by 0.").all()


def test_harm_is_more_than_chance_and_few_are_called_so_by_mistake(monkeypatch):
    """Of effects that are noise alone next to none harm; a large one does."""
    random = np.random.default_rng(0)
    noise = random.normal(size=(1000, 50)) / np.sqrt(50)
    found = SimpleNamespace(loss=noise.mean(1), error=noise.std(1, ddof=1) / np.sqrt(50))
    assert module._harms(found, 50).sum() <= 2
    found.loss[7] = 10 * found.error[7]
    assert module._harms(found, 50)[7]
    found.error[7] = np.nan
    assert not module._harms(found, 50)[7]


def test_a_class_that_was_emptied_cannot_be_told(learn, ds, journal):
    teddy = ids(ds, "teddy")
    journal.record(teddy, "relabel", "black")
    table = decision_effects(learn, ds, journal)
    assert table.effect.isna().all()
    assert set(table.reason) == {
        "Without this decision teddy would have a single training image, too few to tell"
    }


def test_a_learner_trained_throughout_is_judged_by_a_head_on_its_features(learn, ds, journal):
    journal.record(ids(ds, "grizzly")[:3], "relabel", "teddy")
    quick = decision_effects(learn, ds, journal)
    full = learn.with_data(ds)
    full.record.head_fit = None
    assert np.sign(decision_effects(full, ds, journal).effect).tolist() == np.sign(quick.effect).tolist()


def test_bad_input_is_one_clear_sentence(learn, ds, journal):
    with pytest.raises(BadInputError, match="There is no decision yet"):
        decision_effects(learn, ds, journal)
    journal.record(ids(ds, "teddy", "valid")[:1], "delete")
    with pytest.raises(BadInputError, match="All decisions are on the exam"):
        decision_effects(learn, ds, journal)
    journal.record(ids(ds, "teddy")[:1], "delete")
    with pytest.raises(BadInputError, match="needs the features of a bearwidgets Learner"):
        decision_effects(StubLearner(ds), ds, journal)
    alone = ds.with_table(ds.table.assign(split="train"))
    with pytest.raises(BadInputError, match="There is no evaluation split"):
        decision_effects(learn, alone, journal)
    journal.record(ds.table.id[ds.table.split == "valid"].tolist(), "delete")
    with pytest.raises(BadInputError, match="No image of the evaluation split is left"):
        decision_effects(learn, ds, journal)
    journal.record([*ids(ds, "grizzly"), *ids(ds, "teddy")], "delete")
    journal.record(ids(ds, "teddy", "valid"), "keep")
    with pytest.raises(BadInputError, match="have one label now"):
        decision_effects(learn, ds, journal)


def test_turned_features_keep_their_distances():
    features = np.random.default_rng(0).normal(size=(30, 8)).astype(np.float32) * np.arange(1, 9)
    turned = rotate(features).values
    assert np.all(np.diff((turned**2).sum(0)) >= -1e-3)  # the longest axes come last
    apart = np.linalg.norm(features[0] - features[1]) / np.linalg.norm(turned[0] - turned[1])
    assert apart == pytest.approx(
        np.linalg.norm(features[2] - features[9]) / np.linalg.norm(turned[2] - turned[9]), rel=1e-3
    )
