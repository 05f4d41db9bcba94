"""Learners of the real fastai, seen through `Review`."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

from bearwidgets.errors import BadInputError
from bearwidgets.review.review import Review

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    fastai = pytest.importorskip("fastai.vision.all")

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.trains]  # warnings of fastai are its own


@pytest.fixture(autouse=True)
def _seed(monkeypatch):
    """Weights of the tiny network repeat; the test's own process has its random state back afterwards."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


def options() -> dict:
    augment = fastai.aug_transforms(max_rotate=30, max_lighting=0.9, p_lighting=1.0)
    crop = fastai.RandomResizedCrop(32, min_scale=0.3)
    return {"item_tfms": crop, "batch_tfms": augment, "bs": 4, "num_workers": 0}


def learner(dls, loss=None):
    nn = fastai.nn
    layers = [nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(2), fastai.Flatten(), nn.Linear(16, 3)]
    network = nn.Sequential(*layers)
    return fastai.Learner(dls, network, loss_func=loss or fastai.CrossEntropyLossFlat())


def by_folder(images):
    return fastai.ImageDataLoaders.from_folder(images, valid_pct=0.25, seed=3, **options())


def by_name(images):
    files = fastai.get_image_files(images)
    return fastai.ImageDataLoaders.from_path_func(
        images, files, lambda path: path.parent.name, valid_pct=0.25, seed=3, **options()
    )


def frame_of(images, label):
    names = [path.relative_to(images).as_posix() for path in sorted(images.rglob("*.jpg"))]
    return pd.DataFrame({"name": names, "label": [label(name) for name in names]})


def by_frame(images):
    frame = frame_of(images, lambda name: name.split("/")[0])
    return fastai.ImageDataLoaders.from_df(frame, path=images, valid_pct=0.25, seed=3, **options())


def files_of(dls, images) -> list[str]:
    items = dls.valid_ds.items
    if isinstance(items, pd.DataFrame):
        return items["name"].tolist()
    return [path.relative_to(images).as_posix() for path in items]


@pytest.mark.parametrize("make", [by_folder, by_name, by_frame])
def test_items_labels_splits_and_probabilities(images, make):
    dls = make(images)
    learn = learner(dls)
    review = Review(learn)
    table = review.table
    assert len(table) == 24
    assert review.classes == ["black", "grizzly", "teddy"]
    assert (table.label == table.path.str.split("/").str[0]).all()
    assert set(table.path[table.split == "valid"]) == set(files_of(dls, images))
    with learn.no_bar():
        wanted, targets = learn.get_preds(dl=dls.valid)
    rows = [table.path.tolist().index(path) for path in files_of(dls, images)]
    np.testing.assert_allclose(review.probabilities[rows], wanted.numpy(), atol=1e-5)
    assert [review.classes[int(each)] for each in targets] == table.label.iloc[rows].tolist()
    assert review.learn is learn


def test_training_items_are_predicted_without_augmentation_and_the_learner_is_left_as_it_was(images):
    learn = learner(by_folder(images))
    before = [parameter.clone() for parameter in learn.model.parameters()]
    first, second = Review(learn), Review(learn)
    assert (first.probabilities == second.probabilities).all()
    train = first.table.split == "train"
    paths = [images / path for path in first.table.path[train]]
    with learn.no_bar():
        wanted, _ = learn.get_preds(dl=learn.dls.test_dl(paths, num_workers=0))
    np.testing.assert_allclose(first.probabilities[train.to_numpy()], wanted.numpy(), atol=1e-5)
    assert all((old == new).all() for old, new in zip(before, learn.model.parameters(), strict=True))
    learn.fit(1)


def test_several_labels_and_no_classes_are_refused(images):
    several = frame_of(images, lambda name: "a b" if "0" in name[-5] else "a")
    dls = fastai.ImageDataLoaders.from_df(several, path=images, label_delim=" ", seed=3, **options())
    with pytest.raises(BadInputError, match=r"several labels each; use Review.from_predictions"):
        Review(learner(dls, fastai.BCEWithLogitsLossFlat()))
    numbers, kind = frame_of(images, lambda name: float(name[-5])), fastai.RegressionBlock()
    dls = fastai.ImageDataLoaders.from_df(numbers, path=images, y_block=kind, seed=3, **options())
    with pytest.raises(BadInputError, match="no classifier"):
        Review(learner(dls, fastai.MSELossFlat()))


def test_a_loaded_learner_without_items_is_told_how_to_get_some(images, tmp_path):
    learn = learner(by_folder(images))
    learn.export(tmp_path / "export.pkl")
    with pytest.raises(BadInputError, match=r"no items, as after load_learner.*learn\.dls.*from_predictions"):
        Review(fastai.load_learner(tmp_path / "export.pkl"))


def test_logits_are_noticed(images):
    learn = learner(by_folder(images), fastai.nn.CrossEntropyLoss())
    with pytest.raises(BadInputError, match=r"logits need a softmax|negative"):
        Review(learn)
