"""EfficientNet-Lite0 of this package beside timm's: the same names, the same numbers, in training too."""

from __future__ import annotations

import copy
import subprocess
import sys

import pytest
import torch

from bearwidgets.learn.network.bodies import OFFLINE_ARCH, empty_body, preprocessing_for
from bearwidgets.learn.network.groups import layer_groups
from bearwidgets.learn.network.lite import EfficientNetLite0
from bearwidgets.learn.network.model import create_body, fingerprint, for_inference
from bearwidgets.learn.network.network_heads import noise
from bearwidgets.learn.network.weights import load, offline_weights


@pytest.fixture(scope="module")
def ours():
    return create_body("efficientnet_lite0", "offline", 224, 0)[0]


@pytest.fixture(scope="module")
def timms():
    body = empty_body(OFFLINE_ARCH, 224)
    load(body, OFFLINE_ARCH, offline_weights(), "")
    return body


def same(one, other):
    return list(one) == list(other) and all(torch.equal(one[name], other[name]) for name in one)


def test_same_names_tensors_and_preprocessing(ours, timms):
    assert isinstance(ours, EfficientNetLite0)
    assert same(ours.state_dict(), timms.state_dict())
    assert fingerprint(ours) == fingerprint(timms)
    both = [preprocessing_for(OFFLINE_ARCH, body, 224) for body in (ours, timms)]
    assert both[0] == both[1]


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
    assert not isinstance(
        create_body("efficientnet_lite0", "offline", 64, 0, **options)[0], EfficientNetLite0
    )


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
