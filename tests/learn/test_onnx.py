"""ONNX files: in onnxruntime, on images as they are, they say what the learner says."""

from __future__ import annotations

import dataclasses
import json
import logging
import sys
from types import SimpleNamespace

import numpy as np
import onnx
import onnxruntime
import pandas as pd
import pytest
import torch
from PIL import Image

from bearwidgets.data.augment.transforms import METHODS, Resize
from bearwidgets.data.dataset import Dataset
from bearwidgets.data.formats.images import open_image
from bearwidgets.errors import BadInputError, TrainingError, WorkspaceError
from bearwidgets.learn.input.preprocessing import Projection
from bearwidgets.learn.network.model import Classifier, create_body
from bearwidgets.learn.saved import onnx as export
from bearwidgets.learn.saved.onnx import export_onnx
from bearwidgets.learn.saved.onnx_resize import KERNELS, resize_model
from bearwidgets.learn.state import TrainingHistory

CLASSES = ["ours brun é", "熊", 'a "b" & <c>']
SIZES = [(32, 32), (47, 61), (200, 90), (7, 300), (400, 401), (1, 1)]
RESIZED = [(40, 40), (40, 60), (1, 5), (30, 23), (97, 300), (333, 41), (500, 640), (161, 80), (1001, 899)]


def photo(height, width, seed=0):
    """A smooth RGB image, as photos are; noise, on which versions of Pillow differ, is looked at elsewhere."""
    few = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return Image.fromarray(few).resize((width, height), Image.Resampling.BICUBIC)


def made_learner(ds=None, in_chans=3, pca=None, **changes):
    """What a trained learner has, without a training; its head tells the images here apart, so that it shows if
    they come out different.
    """
    channels = in_chans if pca is None else 3
    body, features, source, preprocessing = create_body("test_resnet", None, 32, 0, in_chans=channels)
    module = Classifier(body, features, 3).eval()
    pixels = np.stack([np.asarray(photo(32, 32, seed)) for seed in range(32)])[..., [0, 1, 2][:channels]]
    images = dataclasses.replace(preprocessing, in_chans=channels).normalize(pixels, torch.device("cpu"))
    with torch.no_grad():
        seen = body(images)
        module.head.weight.copy_(torch.randn(3, features, generator=torch.Generator().manual_seed(0)))
        module.head.bias.zero_()
        logits = module.head(seen)
        module.head.weight.mul_(2 / logits.std(0)[:, None])
        module.head.bias.copy_(-module.head(seen).mean(0))
    preprocessing = dataclasses.replace(preprocessing, in_chans=in_chans, pca=pca, **changes)
    fixed = {
        "arch": "test_resnet",
        "classes": CLASSES,
        "size": 32,
        "seed": 0,
        "mode": "full",
        "is_trained": True,
    }
    return SimpleNamespace(
        **fixed,
        module=module,
        preprocessing=preprocessing,
        source=source,
        ds=ds,
        provenance="full mode: test_resnet (random) at 32 px, unfrozen epoch 3 of 3",
        record=TrainingHistory(),
        history=pd.DataFrame([{"stage": "unfrozen", "epoch": 3.0, "valid_error": float("nan")}]),
    )


def by_learner(learn, image):
    pixels = learn.preprocessing.resizer(image)[None].copy()
    with torch.inference_mode():
        logits = learn.module(learn.preprocessing.normalize(pixels, torch.device("cpu")))
    return torch.softmax(logits, 1).numpy()


def session_of(resize, *, photo):
    model = resize_model(resize, 3, "in", "out", photo=photo)
    onnx.checker.check_model(model, full_check=True)
    return onnxruntime.InferenceSession(model.SerializeToString())


def by_file(path, images):
    session = onnxruntime.InferenceSession(path)
    (probabilities,) = session.run(["probabilities"], {"pictures": images})
    return probabilities


@pytest.fixture(scope="module")
def learn():
    return made_learner()


@pytest.fixture(scope="module")
def exported(learn, tmp_path_factory):
    return export_onnx(learn, tmp_path_factory.mktemp("onnx") / "bears.onnx")


@pytest.mark.parametrize("n", [1, 3])
@pytest.mark.parametrize("size", SIZES)
def test_pictures_of_any_size_one_or_several_at_once(learn, exported, size, n):
    images = [photo(*size, seed) for seed in range(n)]
    got = by_file(exported, np.stack([np.asarray(each) for each in images]))
    wanted = np.concatenate([by_learner(learn, each) for each in images])
    assert (got.shape, got.dtype) == ((n, 3), np.float32)
    assert got.sum(1) == pytest.approx(1, abs=1e-5)
    assert np.abs(got - wanted).max() < 5e-4


def test_the_pictures_here_are_told_apart(learn):
    told = np.concatenate([by_learner(learn, photo(*size, seed)) for size in SIZES for seed in range(3)])
    assert np.ptp(told, 0).min() > 0.05, "or the other tests prove nothing"


def test_the_file_says_what_it_is_and_is_sound_and_whole(learn, exported):
    session = onnxruntime.InferenceSession(exported)
    notes = session.get_modelmeta().custom_metadata_map
    assert json.loads(notes["classes"]) == CLASSES
    assert json.loads(notes["made_by"]) == learn.provenance
    assert json.loads(notes["preprocessing"]) == learn.preprocessing.as_metadata()
    assert set(json.loads(notes["versions"])) == {"bearwidgets", "torch", "timm", "python"}
    assert "uint8 (n, height, width, bands)" in session.get_modelmeta().description
    assert session.get_modelmeta().producer_name == "bearwidgets"
    told = [(each.name, each.type, each.shape) for each in (*session.get_inputs(), *session.get_outputs())]
    assert told == [
        ("pictures", "tensor(uint8)", ["n", "height", "width", 3]),
        ("probabilities", "tensor(float)", ["n", 3]),
    ]
    model = onnx.load(exported)
    onnx.checker.check_model(model, full_check=True)
    assert {each.data_location for each in model.graph.initializer} == {onnx.TensorProto.DEFAULT}
    assert {each.domain for each in model.opset_import} == {""}
    assert b".py" not in exported.read_bytes(), "nothing of this machine"
    assert [each.name for each in exported.parent.iterdir()] == ["bears.onnx"]


def test_a_look_at_the_data_and_nothing_said(images, tmp_path, capfd, caplog, recwarn):
    ds = Dataset.from_folder(images, valid_pct=0.25)
    (images / ds.table.path[0]).unlink()
    learn, before = made_learner(ds), torch.random.get_rng_state()
    caplog.set_level(logging.INFO)
    path = export_onnx(learn, str(tmp_path / "bears.onnx"))
    assert capfd.readouterr() == ("", "")
    assert caplog.records == []
    assert len(recwarn) == 0
    assert logging.root.manager.disable == 0
    assert torch.equal(before, torch.random.get_rng_state())
    table = onnxruntime.InferenceSession(path).get_modelmeta().custom_metadata_map
    assert json.loads(table["data"])["items"]["valid"] == {"black": 2, "grizzly": 2, "teddy": 2}


def test_many_bands_are_projected_and_padded_in_the_graph(tmp_path):
    rows = tuple(map(tuple, np.random.default_rng(0).normal(0, 0.4, (3, 5)).tolist()))
    learn = made_learner(in_chans=5, pca=Projection(rows, (0.1, 0.2, 0.3)), resize="pad")
    path = export_onnx(learn, tmp_path / "bands.onnx")
    assert onnxruntime.InferenceSession(path).get_inputs()[0].type == "tensor(float)"
    for height, width in ((80, 50), (33, 90)):
        values = np.concatenate([np.asarray(photo(height, width, seed)) for seed in (0, 1)], 2)
        values = values[..., :5] / np.float32(255)
        assert np.abs(by_file(path, values[None]) - by_learner(learn, values)).max() < 1e-3


def test_a_file_that_says_something_else_is_not_written(exported, tmp_path, monkeypatch):
    monkeypatch.setattr(export, "_export", lambda *_: onnx.load(exported))
    learn = made_learner()
    path = export_onnx(learn, tmp_path / "bears.onnx")
    with torch.no_grad():
        learn.module.head.bias[0] += 0.1
    before = path.read_bytes()
    with pytest.raises(TrainingError, match=r"other probabilities: they differ by .* Nothing was written"):
        export_onnx(learn, path)
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["bears.onnx"]


@pytest.mark.parametrize("name", ["onnx", "onnxscript", "onnxruntime"])
def test_a_missing_package_is_named(learn, tmp_path, monkeypatch, name):
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(BadInputError, match=rf"needs {name}, .*pip install 'bearwidgets\[export\]'"):
        export_onnx(learn, tmp_path / "bears.onnx")
    assert list(tmp_path.iterdir()) == []


class Fixed(torch.nn.Module):
    """It fixes the number of images."""

    def forward(self, images):
        return images.mean((2, 3)).reshape(2, 3)


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"is_trained": False}, "not trained yet"), ({"module": Fixed()}, r"to ONNX: [^\x1b]+ Use another")],
)
def test_a_learner_that_cannot_be_exported_is_refused(learn, tmp_path, changes, message):
    with pytest.raises(BadInputError, match=message):
        export_onnx(SimpleNamespace(**{**vars(learn), **changes}), tmp_path / "bears.onnx")
    with pytest.raises(BadInputError, match=r"cannot resize with 'lanczos'; allowed are 'bilinear' and"):
        export_onnx(made_learner(interpolation="lanczos"), tmp_path / "bears.onnx")
    with pytest.raises(BadInputError, match=r"'photo.jpg' does not say in which format; allowed are \.onnx"):
        export_onnx(learn, tmp_path / "photo.jpg")
    with pytest.raises(WorkspaceError, match=r"no folder .*none"):  # at once
        export_onnx(learn, tmp_path / "none" / "bears.onnx")


def test_a_network_that_torch_cannot_export_or_that_is_too_large_is_refused(learn, tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise RuntimeError("no rule for aten::strange\nand much more")

    monkeypatch.setattr(torch.onnx, "export", refuse)
    with pytest.raises(BadInputError, match=r"exported to ONNX: no rule for aten::strange Use another"):
        export_onnx(learn, tmp_path / "bears.onnx")
    monkeypatch.setattr(export, "LIMIT", 1000)
    with pytest.raises(BadInputError, match=r"one ONNX file holds less than 2"):
        export_onnx(learn, tmp_path / "bears.onnx")


def test_a_full_disk_keeps_the_old_file(learn, exported, tmp_path, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    (tmp_path / "bears.onnx").write_text("old")
    monkeypatch.setattr(export, "_export", lambda *_: onnx.load(exported))
    monkeypatch.setattr("bearwidgets.files.os.fsync", full)
    with pytest.raises(WorkspaceError, match=r"disk .* is full. The ONNX file was not written"):
        export_onnx(learn, tmp_path / "bears.onnx")
    assert (tmp_path / "bears.onnx").read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("interpolation", KERNELS)
@pytest.mark.parametrize("method", METHODS)
def test_images_are_resized_as_pillow_does(method, interpolation):
    resize, generator = Resize(40, method, interpolation), np.random.default_rng(0)
    photos, floats = (session_of(resize, photo=each) for each in (True, False))
    for height, width in RESIZED:
        image = photo(height, width)
        (got,) = photos.run(None, {"in": np.asarray(image)[None]})
        difference = np.abs(got[0].transpose(1, 2, 0) - resize(image))
        assert difference.mean() < 0.3  # newer Pillow takes rows or columns first, whichever is cheaper
        assert difference.max() <= 2
        noise = generator.integers(0, 256, (height, width, 3), dtype=np.uint8)
        (got,) = photos.run(None, {"in": noise[None]})
        assert np.abs(got[0].transpose(1, 2, 0) - resize(Image.fromarray(noise))).mean() < 0.5
        values = np.asarray(image, dtype=np.float32) / 100 - 1
        (got,) = floats.run(None, {"in": values[None]})
        assert np.abs(got[0].transpose(1, 2, 0) - resize(values)).max() < 3e-3


@pytest.mark.slow
def test_offline_weights_on_real_photos(shared_data, tmp_path):
    from bearwidgets.learn.learner import Learner

    ds = Dataset.from_folder(shared_data / "bears", workspace=tmp_path / "space")
    learn = Learner(ds).fine_tune(progress=False)
    path = export_onnx(learn, tmp_path / "bears.onnx")
    network = learn.module.float().cpu()
    session = onnxruntime.InferenceSession(path)
    photos = [open_image(ds.path_of(each)) for each in ds.table.id[::16]]
    alone = SimpleNamespace(module=network, preprocessing=learn.preprocessing)
    wanted = np.concatenate([by_learner(alone, each) for each in photos])
    got = np.concatenate([session.run(None, {"pictures": np.asarray(each)[None]})[0] for each in photos])
    assert np.abs(got - wanted).mean() < 1e-4
    assert np.abs(got - wanted).max() < 2e-3
    told = [learn.predict(each).label for each in photos]
    assert told == [learn.classes[number] for number in got.argmax(1)]
