"""The classifier of ImageNet on features that were computed anyway: exactly what it takes, or nothing is said."""

from __future__ import annotations

import numpy as np
import pytest
import timm
import torch

from bearwidgets.learn.head import imagenet
from bearwidgets.learn.head.features import FeatureStore
from bearwidgets.learn.network.bodies import OFFLINE_ARCH
from bearwidgets.learn.network.model import create_best, create_body
from bearwidgets.learn.network.weights import OFFLINE, offline_weights


def store(**options) -> FeatureStore:
    body, _, _, preprocessing = create_body("efficientnet_lite0", "auto", 64, 0, **options)
    return FeatureStore(body, preprocessing, keep=False)


@pytest.mark.parametrize("arch", OFFLINE)
def test_the_features_are_what_the_classifier_takes(arch):
    body, _, _, preprocessing = create_body(arch, "offline", 64, 0)
    features = FeatureStore(body, preprocessing, keep=False)
    whole = timm.create_model(arch).eval()
    whole.load_state_dict(offline_weights(arch))
    pixels = np.random.default_rng(0).integers(0, 256, (4, 64, 64, 3), np.uint8)
    with torch.inference_mode():
        wanted = whole(preprocessing.normalize(pixels, torch.device("cpu"))).log_softmax(1).numpy()
    head = imagenet.imagenet_head(features)
    assert head is not None
    assert np.log(head.probabilities(features.of_pixels(pixels))) == pytest.approx(wanted, abs=0.3)


def test_of_two_networks_the_logits_are_the_mean():
    body, _, _, preprocessing = create_best(64)
    features = FeatureStore(body, preprocessing, keep=False)
    head = imagenet.imagenet_head(features)
    assert head is not None
    values = features.of_pixels(np.random.default_rng(0).integers(0, 256, (4, 64, 64, 3), np.uint8))
    halves = zip(np.split(values, 2, axis=1), OFFLINE, strict=True)
    logs = [np.log(imagenet.head_of(arch).probabilities(half)) for half, arch in halves]
    wanted = np.exp((logs[0] + logs[1]) / 2)
    assert head.probabilities(values) == pytest.approx(wanted / wanted.sum(1, keepdims=True), abs=1e-4)


def test_what_an_image_looks_like_is_said_from_a_fifth_on():
    head = imagenet.ImageNetHead(torch.eye(1000), torch.zeros(1000))
    features = np.zeros((2, 1000), np.float32)
    features[0, 297], features[1, 297] = 9.5, 5.0
    assert head.looks_like(features) == ["sloth bear (93 %)", ""]


def test_the_names_are_those_of_timm():
    info = timm.data.ImageNetInfo()
    wanted = [info.index_to_description(number).split(",")[0] for number in range(1000)]
    assert imagenet._class_names() == wanted


def test_other_bodies_have_no_such_classifier():
    assert imagenet.imagenet_head(store(in_chans=1)) is None
    assert imagenet.imagenet_head(store(pool="catavgmax")) is None
    trained = store()
    with torch.no_grad():
        trained.body.conv_stem.weight += 1
    assert imagenet.imagenet_head(FeatureStore(trained.body, trained.preprocessing, keep=False)) is None


def test_a_body_whose_package_is_missing_here_has_none(monkeypatch):
    features = store()
    imagenet.head_of.cache_clear()
    monkeypatch.setitem(OFFLINE, OFFLINE_ARCH, OFFLINE[OFFLINE_ARCH]._replace(package="no-such-package==1"))
    assert imagenet.imagenet_head(features) is None
