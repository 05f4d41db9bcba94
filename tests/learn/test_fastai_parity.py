"""Step by step beside fastai: same weights, same batches, the same rates, momenta and losses.

In double precision, so that what differs is a difference of method and not of rounding.
"""

from __future__ import annotations

import copy
import itertools

import pandas as pd
import pytest
import torch
from lightning_fabric import Fabric
from torch import nn
from torch.nn import functional

from bearwidgets.learn.find_rate import suggest
from bearwidgets.learn.training.batches import Minibatch
from bearwidgets.learn.training.recipe import Phase, Recipe, fine_tune_phases
from bearwidgets.learn.training.schedule import Exponential, FlatCosine, OneCycle
from bearwidgets.learn.training.train import make_optimizer, run_phase

fastai_vision = pytest.importorskip("fastai.vision.all")

STEPS, SIZE, CLASSES = 10, 8, 3


class Tensors:
    """Ten batches of made-up pictures, the same every epoch."""

    def __init__(self):
        generator = torch.Generator().manual_seed(1)
        self.steps, self.n_classes, self.class_weights = STEPS, CLASSES, None
        self.pictures = torch.rand(STEPS * SIZE, 3, 32, 32, generator=generator).double()
        self.target = torch.randint(0, CLASSES, (STEPS * SIZE,), generator=generator)
        self.pictures += self.target[:, None, None, None] * 0.2

    def epoch(self, _number, first=0):
        for start in range(first * SIZE, STEPS * SIZE, SIZE):
            part = slice(start, start + SIZE)
            yield Minibatch(self.pictures[part], self.target[part], float(SIZE))


@pytest.fixture
def data() -> Tensors:
    return Tensors()


def fastai_learner(data, *, whole=False):
    """A fastai learner in fastai's three groups, without dropout: a small network, or a resnet18 with its head."""
    from fastai.vision.learner import _resnet_split, create_vision_model
    from fastai.vision.models import resnet18

    torch.manual_seed(3)
    widths = [(3, 8), (8, 16), (16, 16)]
    layers = [layer for each in widths for layer in (nn.Conv2d(*each, 3), nn.BatchNorm2d(each[1]), nn.ReLU())]
    head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, CLASSES))
    small = nn.Sequential(nn.Sequential(*layers), head)
    model = (create_vision_model(resnet18, CLASSES, pretrained=False) if whole else small).double()
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    items = list(zip(data.pictures, data.target, strict=True))
    loader = fastai_vision.DataLoader(items, bs=SIZE, shuffle=False, num_workers=0)
    dls = fastai_vision.DataLoaders(loader, loader, device=torch.device("cpu"))
    return fastai_vision.Learner(dls, model, loss_func=_loss, splitter=_resnet_split, metrics=[])


def _loss(logits, target):
    return functional.cross_entropy(logits, target).float()  # fastai smooths in single precision


class Seen(fastai_vision.Callback):
    """Rates of all groups, momentum and loss of every training step."""

    def before_fit(self):
        self.rows = getattr(self, "rows", [])

    def after_loss(self):
        if self.training:
            hypers, loss = self.learn.opt.hypers, float(self.learn.loss.detach())
            self.rows.append(([each["lr"] for each in hypers], hypers[-1]["mom"], loss))


def theirs(data, train, **how):
    learn, seen = fastai_learner(data, **how), Seen()
    learn.add_cb(seen)
    start = copy.deepcopy(learn.model)
    with learn.no_bar(), learn.no_logging():
        train(learn)
    return start, seen.rows, learn


def ours(model, data, phases, recipe=None):
    recipe = recipe or Recipe()
    groups = [[*part.parameters()] for part in (model[0][:6], model[0][6:], model[1])]
    rows = []
    fabric = Fabric(accelerator="cpu", devices=1, precision="64-true")
    for phase in phases:
        optimizer = make_optimizer(model, groups, phase, recipe)
        for step in run_phase(fabric, model, optimizer, data, phase, recipe, seed=0):
            rates = {id(each): part["lr"] for part in optimizer.param_groups for each in part["params"]}
            found = [next(rates[id(each)] for each in group if id(each) in rates) for group in groups]
            rows.append((found, step.momentum, step.loss))
    return rows


def assert_alike(mine, other):
    for number, (ours_, theirs_) in enumerate(zip(mine, other, strict=True)):
        assert ours_[0] == pytest.approx(theirs_[0], rel=1e-5), f"rates, {number}"
        assert ours_[1] == pytest.approx(theirs_[1], abs=1e-6), f"momentum, {number}"
        assert ours_[2] == pytest.approx(theirs_[2], abs=1e-4), f"loss, {number}"


def test_fine_tune_is_fastais_over_twenty_steps(data):
    start, rows, learn = theirs(data, lambda learn: learn.fine_tune(1), whole=True)
    mine = ours(start, data, fine_tune_phases(1))
    assert len(rows) == 20
    assert_alike(mine, rows)
    for (name, parameter), other in zip(start.named_parameters(), learn.model.parameters(), strict=True):
        assert torch.allclose(parameter, other, atol=2e-4), name


def test_fit_one_cycle_is_fastais(data):
    start, rows, _ = theirs(data, lambda learn: learn.fit_one_cycle(2, slice(1e-4, 1e-2)))
    phase = Phase("one cycle", 2, slice(1e-4, 1e-2), OneCycle())
    assert_alike(ours(start, data, [phase]), rows)


def test_fit_flat_cos_is_fastais_but_for_its_momentum(data):
    start, rows, _ = theirs(data, lambda learn: learn.fit_flat_cos(1, 3e-4))
    momentum = rows[0][1]
    phase = Phase("flat cosine", 1, 3e-4, FlatCosine(momentum=momentum))
    assert_alike(ours(start, data, [phase]), rows)


def test_lr_find_sees_and_suggests_what_fastai_does(data, tmp_path):
    from fastai.callback.schedule import minimum, slide, steep, valley

    learn = fastai_learner(data)
    learn.path = tmp_path
    start = copy.deepcopy(learn.model)
    with learn.no_bar():
        found = learn.lr_find(suggest_funcs=(valley, slide, steep, minimum), show_plot=False)
    phase = Phase("lr_find", 1, 10.0, Exponential(1e-8), steps=100)
    fabric = Fabric(accelerator="cpu", devices=1, precision="64-true")
    optimizer = make_optimizer(start, [list(start.parameters())], phase, Recipe())
    table = pd.DataFrame({"lr": learn.recorder.lrs, "loss": [float(each) for each in learn.recorder.losses]})
    steps = itertools.islice(run_phase(fabric, start, optimizer, data, phase, Recipe(), seed=0), len(table))
    rates, losses = zip(*((step.lr, step.train_loss) for step in steps), strict=True)
    assert rates == pytest.approx(table.lr, rel=1e-5)
    assert losses[:60] == pytest.approx(table.loss[:60], abs=1e-4)
    ours_ = suggest(table, 100)
    for name in ("valley", "slide", "steep", "minimum"):
        assert getattr(ours_, name) == pytest.approx(getattr(found, name), rel=1e-3), name
