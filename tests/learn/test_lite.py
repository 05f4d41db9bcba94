"""EfficientNet-Lite0 and Lite2 of this package beside timm's: the same names, the same numbers, in training too."""

from __future__ import annotations

import copy
import subprocess
import sys

import pytest
import torch

import bearwidgets as bw
from bearwidgets.learn.network.bodies import empty_body, preprocessing_for, usual_size
from bearwidgets.learn.network.groups import layer_groups
from bearwidgets.learn.network.lite import LITE0, LITE2, SIZES, EfficientNetLite
from bearwidgets.learn.network.model import create_body, fingerprint, for_inference
from bearwidgets.learn.network.network_heads import noise
from bearwidgets.learn.network.weights import load, offline_weights


@pytest.fixture(scope="module", params=SIZES)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def ours(name):
    return create_body(name, "offline", SIZES[name], 0)[0]


@pytest.fixture(scope="module")
def timms(name):
    body = empty_body(name, SIZES[name])
    load(body, name, offline_weights(name), "")
    return body


def same(one, other):
    return list(one) == list(other) and all(torch.equal(one[name], other[name]) for name in one)


def test_same_names_tensors_and_preprocessing(name, ours, timms):
    assert isinstance(ours, EfficientNetLite)
    assert same(ours.state_dict(), timms.state_dict())
    assert fingerprint(ours) == fingerprint(timms)
    both = [preprocessing_for(name, body, SIZES[name]) for body in (ours, timms)]
    assert both[0] == both[1]
    assert timms.pretrained_cfg["input_size"] == (3, SIZES[name], SIZES[name])


@pytest.mark.parametrize("size", [224, 97])
def test_same_features(ours, timms, size):
    images = noise(2, 3, size)
    with torch.inference_mode():
        assert torch.equal(ours(images), timms(images))
        folded = [for_inference(body, torch.float32, size)(images) for body in (ours, timms)]
    assert torch.equal(*folded)


def test_same_training(ours, timms):
    trained = []
    for body in (ours, timms):
        network = copy.deepcopy(body).train()
        optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
        for _ in range(2):
            optimizer.zero_grad()
            network(noise(4, 3, 64)).square().mean().backward()
            optimizer.step()
        trained.append(network.state_dict())
    assert same(*trained)
    assert not torch.equal(trained[0]["conv_stem.weight"], ours.conv_stem.weight)


def test_same_layer_groups(ours, timms):
    assert [len(each) for each in layer_groups(ours)] == [len(each) for each in layer_groups(timms)]


@pytest.mark.parametrize("options", [{"in_chans": 1}, {"pool": "catavgmax"}])
def test_other_inputs_and_poolings_are_timms(options):
    assert not isinstance(create_body("efficientnet_lite0", "offline", 64, 0, **options)[0], EfficientNetLite)


def test_each_sees_images_of_its_own_size_where_none_is_asked_for(images):
    ds = bw.Dataset.from_folder(images)
    wanted = {
        "efficientnet_lite0": 224,
        LITE0: 224,
        "efficientnet_lite2": 260,
        LITE2: 260,
        "test_resnet": 224,
    }
    assert {name: usual_size(name) for name in wanted} == wanted
    learn = bw.Learner(ds, "efficientnet_lite2", seed=1)
    assert (learn.size, learn.source.weights) == (260, "ImageNet, offline")
    assert learn.source.license_note.startswith("Started from EfficientNet-Lite2 (Apache-2.0)")
    assert bw.Learner(ds, "efficientnet_lite2", size=64).size == 64


QUICK = """
import sys
import bearwidgets as bw
learn = bw.Learner(bw.Dataset.from_folder(sys.argv[1]), size=64).fine_tune(progress=False)
bw.find_issues(bw.Review(learn), progress=False)
print({"timm", "torchvision", "torch._dynamo", "lightning_fabric", "torchmetrics"} & set(sys.modules))
"""


def test_a_quick_training_and_the_checks_load_no_other_network_library(images):
    command = [sys.executable, "-c", QUICK, str(images)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert (done.stdout, done.returncode) == ("set()\n", 0), done.stderr
