"""The scikit-learn estimator: conventions, kinds of images, features that are computed once; a module in skorch."""

from __future__ import annotations

import io
import pickle
import shutil

import joblib
import numpy as np
import pandas as pd
import pytest
import torch
from made_data import TINY
from PIL import Image
from sklearn.base import clone, is_classifier
from sklearn.exceptions import NotFittedError
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import estimator_checks, get_tags
from skorch import NeuralNetClassifier

from bearwidgets.data.dataset import Dataset
from bearwidgets.errors import BadInputError, ImageError
from bearwidgets.learn import estimator
from bearwidgets.learn.estimator import ImageClassifier
from bearwidgets.learn.learner import Learner
from bearwidgets.learn.network.model import create_body


@pytest.fixture(scope="module")
def paths(trained) -> list:
    return sorted(trained.ds.root.rglob("*.jpg"))


@pytest.fixture(scope="module")
def labels(paths) -> list[str]:
    return [path.parent.name for path in paths]


@pytest.fixture(scope="module")
def model(paths, labels) -> ImageClassifier:
    """Fitted once for all tests that only ask it."""
    return ImageClassifier(**TINY).fit(paths, labels)


@pytest.fixture
def computed(computed) -> list[int]:
    """The same, with no body of another test left."""
    estimator._known_store.cache_clear()
    return computed


def test_it_learns_says_labels_and_leaves_the_global_random_state(paths, labels):
    before = np.random.get_state()[1].tolist(), torch.random.get_rng_state().tolist()  # noqa: NPY002
    model = ImageClassifier(**TINY)
    assert model.fit(paths, labels) is model
    assert model.classes_.tolist() == ["black", "grizzly", "teddy"]
    assert model.predict(paths[::8]).tolist() == ["black", "grizzly", "teddy"]
    probabilities = model.predict_proba(paths)
    assert probabilities.shape == (24, 3)
    assert probabilities.dtype == np.float64
    assert probabilities.sum(1) == pytest.approx(1, abs=1e-9)
    assert (model.classes_[probabilities.argmax(1)] == model.predict(paths)).all()
    assert model.score(paths, labels) == (model.predict(paths) == np.array(labels)).mean() > 0.9
    assert log_loss(labels, probabilities) < np.log(3) / 2
    assert (model.coef_.shape[0], model.intercept_.shape) == (3, (3,))
    assert model.strength_ > 0
    assert (np.random.get_state()[1].tolist(), torch.random.get_rng_state().tolist()) == before  # noqa: NPY002


def test_it_is_the_cached_mode(paths, model):
    ds = Dataset.from_folder(paths[0].parent.parent, valid_pct=0)
    learn = Learner(ds, **TINY, normalize="weights").fine_tune(progress=False)
    assert [ds.root / path for path in ds.table.path] == paths
    assert model.strength_ == learn.head_fit.strength
    assert model.predict_proba(paths) == pytest.approx(learn.predictions()[1], abs=1e-3)


@pytest.mark.parametrize(
    "check",
    [
        "check_no_attributes_set_in_init",
        "check_get_params_invariance",
        "check_set_params",
        "check_parameters_default_constructible",
        "check_estimator_repr",
    ],
)
def test_the_conventions_of_scikit_learn(check):
    getattr(estimator_checks, check)("ImageClassifier", ImageClassifier())


def test_before_fit_it_says_so(paths):
    assert is_classifier(ImageClassifier())
    assert not get_tags(ImageClassifier()).input_tags.two_d_array
    for ask in ("predict", "predict_proba"):
        with pytest.raises(NotFittedError):
            getattr(ImageClassifier(**TINY), ask)(paths)
    with pytest.raises(NotFittedError):
        ImageClassifier(**TINY).score(paths, ["a"] * 24)


def test_cross_validation_computes_each_picture_once(paths, labels, computed):
    scores = cross_val_score(ImageClassifier(**TINY), paths, labels, cv=3)
    assert (len(scores), scores.mean() > 0.9) == (3, True)
    assert sum(computed) == 24
    model = ImageClassifier(**TINY).fit(paths, labels)
    clone(model).fit(paths, labels).predict(paths)
    assert sum(computed) == 24
    clone(model).set_params(seed=1).fit(paths[::4], labels[::4])
    assert sum(computed) == 30, "another seed has other random weights"


def test_equal_pictures_are_computed_once_and_share_a_fold(paths, labels, computed, tmp_path, monkeypatch):
    groups, original = [], estimator.fitted_head

    def spied(features, target, group, *rest):
        groups.append(group.tolist())
        return original(features, target, group, *rest)

    monkeypatch.setattr(estimator, "fitted_head", spied)
    copies = [shutil.copy(path, tmp_path / f"{number}.jpg") for number, path in enumerate(paths)]
    model = ImageClassifier(**TINY).fit([*paths, *copies], labels * 2)
    assert groups[0][:24] == groups[0][24:]
    assert len(set(groups[0])) == 24
    model.predict([path.read_bytes() for path in paths])
    assert sum(computed) == 24
    copies[0].write_bytes(copies[1].read_bytes())
    assert (model.predict_proba([copies[0]]) == model.predict_proba([copies[1]])).all()


def test_only_so_many_features_are_kept(paths, labels, computed, monkeypatch):
    monkeypatch.setattr(estimator, "KEPT", 5)
    model = ImageClassifier(**TINY).fit(paths, labels)
    model.predict(paths)
    assert sum(computed) == 24
    model.predict(paths[:4])
    model.predict(paths[:4])
    assert sum(computed) == 24
    model.predict(paths[4:5])
    assert sum(computed) == 25, "the others went"


def test_a_grid_is_searched_and_it_stands_at_the_end_of_a_pipeline(paths, labels):
    grid = GridSearchCV(ImageClassifier(**TINY), {"size": np.array([32, 48])}, cv=2).fit(paths, labels)
    assert grid.best_params_["size"] in (32, 48)
    assert grid.predict(paths[:1]).tolist() == ["black"]

    def crop(images):
        return [Image.open(path).crop((4, 4, 40, 36)) for path in images]

    model = make_pipeline(FunctionTransformer(crop), ImageClassifier(**TINY))
    assert cross_val_predict(model, paths, labels, cv=2).shape == (24,)
    assert model.fit(paths, labels).score(paths, labels) > 0.9


def test_every_kind_of_picture_says_the_same(paths, model):
    expected = model.predict_proba(paths)
    arrays = [np.asarray(Image.open(path)) for path in paths]
    for given, apart in [
        ([str(path) for path in paths], 0),
        (np.array([str(path) for path in paths]), 0),
        (pd.Series(paths, index=range(50, 74)), 0),
        (tuple(path.read_bytes() for path in paths), 0),
        ([Image.open(path) for path in paths], 0.02),
        (arrays, 0.02),
        (np.stack(arrays), 0.02),
        ([*paths[:12], *arrays[12:]], 0.02),
    ]:
        assert model.predict_proba(given) == pytest.approx(expected, abs=apart or 1e-12)


def test_what_looks_different_is_told_apart(model, computed):
    """PIL images with the same numbers in them: other palette, other transparency, other turn."""
    pixels = np.random.default_rng(0).integers(0, 2, (32, 32)).astype(np.uint8)
    images = [Image.fromarray(pixels, "L").copy() for _ in range(5)]
    colors = [255, 0, 0, 0, 255, 0]
    for image, palette in zip(images[1:4], [[0, 0, 0, 255, 255, 255], colors, colors], strict=True):
        image.putpalette(palette)
    images[3].info["transparency"] = 0
    images[4].getexif()[0x0112] = 6
    images.append(Image.frombytes("L", (16, 64), pixels.tobytes()))
    model.predict(images)
    assert sum(computed) == 6
    model.predict([pixels, pixels.reshape(64, 16)])
    assert sum(computed) == 6, "arrays of the same pixels"


def test_labels_of_other_kinds(paths):
    for labels in (
        np.arange(24) % 2,
        np.arange(24) % 2 == 0,
        pd.Series(["b", "a"] * 12, index=range(24, 48)),
    ):
        model = ImageClassifier(**TINY).fit(paths, labels)
        assert model.classes_.tolist() == sorted(set(labels))
        assert model.predict(paths).dtype == np.unique(labels).dtype
        assert model.predict_proba(paths).shape == (24, 2)


def test_it_is_pickled_with_its_weights(paths, model, tmp_path, computed, monkeypatch):
    expected = model.predict_proba(paths)
    joblib.dump(model, tmp_path / "model.joblib")
    monkeypatch.setattr(estimator, "create_body", lambda *_: pytest.fail("its weights may be gone"))
    for again in (pickle.loads(pickle.dumps(model)), joblib.load(tmp_path / "model.joblib")):  # noqa: S301
        assert again.predict_proba(paths) == pytest.approx(expected, abs=1e-6)
        assert again.get_params() == model.get_params()
    assert sum(computed) == 2 * 24


def test_other_weights_in_a_file_of_the_same_name_are_other_weights(paths, labels, tmp_path):
    file = tmp_path / "body.pth"
    models = []
    for seed in (1, 2):
        body, *_ = create_body("test_resnet", None, 32, seed)
        torch.save({**body.state_dict(), "size": torch.zeros(seed)}, file)  # another one, as times are coarse
        models.append(ImageClassifier("test_resnet", file, 32).fit(paths, labels))
    assert (models[0].predict_proba(paths) != models[1].predict_proba(paths)).any()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (None, "X is NoneType; allowed is a sequence"),
        ("one.jpg", "Put a single one into a list"),
        (Image.new("RGB", (4, 4)), "Put a single one into a list"),
        (b"\xff\xd8", "Put a single one into a list"),
        ([], "X is empty"),
        (
            np.zeros((2, 4, 4, 3)),
            r"shape \(2, 4, 4, 3\) and type float64; allowed is \(n, h, w, 3\) of uint8",
        ),
        (np.zeros((4, 4, 3), np.uint8), r"shape \(4, 4, 3\)"),
        (np.zeros((2, 48), np.uint8), r"shape \(2, 48\)"),
        (pd.DataFrame({"path": ["a"]}), r"one column of it, such as X\['path'\]"),
        ([np.zeros((4, 4, 3), np.uint8), None], r"X\[1\]: NoneType is no image"),
        ([np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4))], r"X\[1\]: An array of shape"),
    ],
)
def test_what_are_no_pictures(given, message, model):
    with pytest.raises(BadInputError, match=message):
        ImageClassifier(**TINY).fit(given, ["a", "b"])
    with pytest.raises(BadInputError, match=message):
        model.predict(given)


def test_a_picture_that_cannot_be_opened_is_named(paths, model, tmp_path):
    torn = io.BytesIO(paths[0].read_bytes()[:-200])
    for given, message in [
        (tmp_path / "none.jpg", r"X\[2\], '.*none.jpg': cannot be read: no such file"),
        (b"<html>", r"X\[2\]: .*web page"),
        (paths[0].read_bytes()[:600], r"X\[2\]: .*(cut off|broken)"),
        (Image.open(torn), r"X\[2\]: .*truncated"),
    ]:
        with pytest.raises(ImageError, match=message):
            model.predict([*paths[:2], given])


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (None, "y is None"),
        (["a"] * 3, r"y has shape \(3,\); 24 images need one label each"),
        ([["a"]] * 24, r"y has shape \(24, 1\)"),
        (["a"] * 24, "All labels are .*'a'"),
        (np.array(["a", 1] * 12, dtype=object), "y holds no classes .*all of one type"),
        (np.linspace(0, 1, 24), "y holds no classes .*continuous"),
    ],
)
def test_what_are_no_labels(labels, message, paths):
    with pytest.raises(BadInputError, match=message):
        ImageClassifier(**TINY).fit(paths, labels)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"arch": "test_resnat"}, "test_resnet"),
        ({"arch": 5}, "arch is 5"),
        ({"weights": 7}, "weights is 7; allowed are"),
        ({"weights": "none.pth"}, "No weights file"),
        ({"size": 8}, "size is 8"),
        ({"size": [32]}, r"size is \[32\]"),
        ({"seed": -1}, "seed is -1"),
        ({"seed": None}, "seed is None"),
    ],
)
def test_wrong_parameters_are_refused_by_fit(options, message, paths, labels):
    model = ImageClassifier(**{**TINY, **options})
    with pytest.raises((BadInputError, FileNotFoundError), match=message):
        model.fit(paths, labels)


def test_the_module_of_a_learner_trains_in_skorch(paths):
    learn = Learner(Dataset.from_folder(paths[0].parent.parent, valid_pct=0), **TINY)
    images = [learn.preprocessing.open(learn.ds.path_of(each)) for each in learn.ds.table.id]
    pixels = np.stack([learn.preprocessing.resizer(each) for each in images])
    tensors = learn.preprocessing.normalize(pixels, torch.device("cpu")).contiguous()
    target = pd.Index(learn.classes).get_indexer(learn.ds.table.label)
    made_of = {"criterion": torch.nn.CrossEntropyLoss, "optimizer": torch.optim.Adam}
    net = NeuralNetClassifier(learn.module, **made_of, lr=1e-2, max_epochs=5, train_split=None, verbose=0)
    net.fit(tensors, target)
    assert net.history[-1, "train_loss"] < net.history[0, "train_loss"]
    assert net.predict(tensors).shape == (24,)
    with torch.inference_mode():
        logits = learn.module.eval()(tensors)
    assert net.forward(tensors).numpy() == pytest.approx(logits.numpy(), abs=1e-4)
