"""The training loop through the whole network."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from torch import nn

from bearwidgets.learn.model import Classifier, create_body
from bearwidgets.learn.schedule import OneCycle
from bearwidgets.learn.train import Items, Phase, _batches, _parameter_groups, fine_tune_phases, run_phase


@pytest.fixture
def items(images) -> Items:
    paths = sorted(images.rglob("*.jpg"))
    names = sorted({path.parent.name for path in paths})
    return Items(paths, np.array([names.index(path.parent.name) for path in paths]))


@pytest.fixture
def network() -> Classifier:
    body, features, _, _ = create_body("test_resnet", None, 32, 0)
    return Classifier(body, features, 3).eval()


def phase(epochs: int = 1, *, frozen: bool = False, lr: float = 5e-3) -> Phase:
    cycle = OneCycle(lr)
    return Phase(epochs, None if frozen else cycle, cycle, 8, 0.01, "frozen" if frozen else "unfrozen")


def run(network: Classifier, items: Items, which: Phase, seed: int = 0):
    preprocessing = create_body("test_resnet", None, 32, 0)[3]
    return run_phase(Fabric(accelerator="cpu", devices=1), network, items, which, preprocessing, seed)


def test_the_loss_goes_down_on_an_easy_set(network, items):
    losses = [step.train_loss for step in run(network, items, phase(8))]
    assert losses[-1] < 0.6 * losses[0]


def test_every_batch_is_a_step_and_epochs_are_counted(network, items):
    steps = list(run(network, items, phase(2)))
    assert [step.step for step in steps] == [1, 2, 3, 4, 5, 6]
    assert [step.epoch for step in steps] == pytest.approx([1 / 3, 2 / 3, 1, 4 / 3, 5 / 3, 2])
    assert {step.total for step in steps} == {6}
    assert not network.training


def test_a_frozen_body_changes_in_its_norms_only(network, items):
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    list(run(network, items, phase(frozen=True)))
    norms = {name for name, module in network.named_modules() if isinstance(module, nn.BatchNorm2d)}
    after = network.state_dict()
    changed = {name for name in after if not torch.equal(after[name], before[name])}
    assert {"head.weight", "head.bias"} <= changed
    assert changed - {"head.weight", "head.bias"}
    assert all(name.rpartition(".")[0] in norms for name in changed - {"head.weight", "head.bias"})


def test_all_of_it_trains_when_unfrozen(network, items):
    list(run(network, items, phase(frozen=True)))
    list(run(network, items, phase()))
    assert all(parameter.requires_grad for parameter in network.parameters())


def test_norms_and_biases_do_not_decay(network):
    for group in _parameter_groups(network, fine_tune_phases(1)[1]):
        for parameter in group["params"]:
            assert (group["weight_decay"] == 0) == (parameter.ndim < 2)


def test_leaving_after_one_batch_leaves_a_usable_network(network, items):
    steps = run(network, items, phase())
    next(steps)
    steps.close()
    assert not network.training
    assert torch.isfinite(network(torch.zeros(1, 3, 32, 32))).all()


def test_the_same_seed_trains_the_same_and_leaves_the_global_state(items):
    def trained(seed):
        torch.manual_seed(9)
        network = Classifier(create_body("test_resnet", None, 32, 0)[0], 96, 3)
        state = torch.random.get_rng_state()
        losses = [step.train_loss for step in run(network, items, phase(), seed)]
        assert torch.equal(torch.random.get_rng_state(), state)
        return losses

    assert trained(0) == trained(0)
    assert trained(0) != trained(1)


def test_a_loss_that_is_no_number_stops_with_the_step(network, items):
    with torch.no_grad():
        network.head.weight.fill_(float("nan"))
    with pytest.raises(FloatingPointError, match="step 1 of 3"):
        list(run(network, items, phase()))


def test_files_that_vanish_meanwhile_are_passed_over(network, items):
    for path in items.paths[:18]:
        path.unlink()
    steps = list(run(network, items, phase(2)))
    assert all(np.isfinite(step.train_loss) for step in steps)
    assert not network.training


@pytest.mark.parametrize(("n", "sizes"), [(8, [4, 4]), (9, [4, 4]), (10, [4, 4, 2]), (3, [3]), (1, [1])])
def test_a_last_batch_of_one_is_dropped(n, sizes):
    batches = _batches(n, 4, np.random.default_rng(0))
    assert [len(batch) for batch in batches] == sizes
    assert len({row for batch in batches for row in batch}) == sum(sizes)
