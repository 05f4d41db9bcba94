"""The training loop through the whole network, its schedules, and the minibatches it is fed."""

from __future__ import annotations

import copy
from functools import partial

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from made_data import CLASSES
from torch import nn
from torch.nn.functional import cross_entropy

from bearwidgets.data.augment.augment import augmentation
from bearwidgets.data.augment.loader import ImageFiles
from bearwidgets.errors import BadInputError, TrainingError
from bearwidgets.learn.network.groups import layer_groups
from bearwidgets.learn.network.model import Classifier, create_body
from bearwidgets.learn.training.batches import ImageBatches, Minibatch, class_weights, default_batch_size
from bearwidgets.learn.training.cpu_speed import depthwise_in_float32
from bearwidgets.learn.training.recipe import Phase, Recipe, fine_tune_phases, make_recipe
from bearwidgets.learn.training.schedule import Constant, Exponential, FlatCosine, OneCycle
from bearwidgets.learn.training.train import make_optimizer, run_phase

PREPROCESSING = create_body("test_resnet", None, 32, 0)[3]


@pytest.fixture
def network() -> Classifier:
    return new_network()


def new_network(seed: int = 0) -> Classifier:
    body, features, _, _ = create_body("test_resnet", None, 32, seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Classifier(body, features, 3).eval()


def single() -> Fabric:
    return Fabric(accelerator="cpu", devices=1, precision="32-true")


def batches_of(paths, recipe=None, seed=0) -> ImageBatches:
    target = np.array([CLASSES.index(path.parent.name) for path in paths])
    images = ImageFiles(paths, partial(PREPROCESSING.open, at_least=48), presize=48)
    augment = augmentation("light", 32)
    return ImageBatches(
        images, target, CLASSES, PREPROCESSING, augment, recipe or Recipe(batch_size=8), single(), seed
    )


def phase(epochs: int = 1, *, frozen_to: int = 0, lr: float = 5e-3) -> Phase:
    return Phase("some", epochs, lr, OneCycle(), frozen_to)


def run(network, batches, which, recipe=None, seed=0, first_step=0):
    recipe = recipe or Recipe(batch_size=8)
    optimizer = make_optimizer(network, layer_groups(network), which, recipe)
    return run_phase(single(), network, optimizer, batches, which, recipe, seed=seed, first_step=first_step)


class Given:
    """Minibatches that are given."""

    def __init__(self, *minibatches, class_weights=None):
        self.minibatches, self.steps, self.n_classes = minibatches, len(minibatches), 3
        self.class_weights = class_weights

    def epoch(self, _number, first=0):
        yield from self.minibatches[first:]


def minibatch(n=6, seed=0):
    generator = torch.Generator().manual_seed(seed)
    images = torch.randn(n, 3, 32, 32, generator=generator)
    return Minibatch(images, torch.arange(n) % 3, float(n))


def test_schedules_by_hand():
    at_a_time = [OneCycle(pct_start=0.25).at(share) for share in (0, 0.125, 0.25, 0.625, 1)]
    by_hand = [(0.04, 0.95), (0.52, 0.9), (1, 0.85), (0.500005, 0.9), (1e-5, 0.95)]
    assert np.array(at_a_time) == pytest.approx(np.array(by_hand))
    assert [FlatCosine().at(share)[0] for share in (0, 0.5, 0.75, 1)] == pytest.approx([1, 1, 1, 1e-5])
    assert FlatCosine().at(0.875) == pytest.approx((0.500005, 0.9))
    assert Constant().at(0.3) == (1.0, 0.9)
    assert [Exponential(1e-4).at(share)[0] for share in (0, 0.5, 1)] == pytest.approx([1e-4, 1e-2, 1])


def test_fine_tune_without_epochs_or_without_frozen_ones_has_one_phase():
    assert [(phase.stage, phase.epochs) for phase in fine_tune_phases(0)] == [("frozen", 1)]
    phases = fine_tune_phases(2, freeze_epochs=0)
    assert [(phase.stage, phase.epochs) for phase in phases] == [("unfrozen", 2)]


def test_depthwise_convolutions_stay_out_of_mixed_precision_and_a_copy_has_its_own_weights():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network, images = (
            nn.Sequential(nn.Conv2d(4, 4, 3), nn.Conv2d(4, 4, 3, groups=4)),
            torch.randn(2, 4, 8, 8),
        )
    with torch.autocast("cpu", torch.bfloat16), depthwise_in_float32(network):
        assert network(images).dtype == torch.float32
        other = copy.deepcopy(network)
    assert "forward" not in vars(network[1])
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        other[1].weight.zero_()
        other[1].bias.zero_()
        assert not other(images).any()
        assert network(images).any()
        assert network(images).dtype == torch.bfloat16
    other.to(torch.bfloat16)(images.bfloat16())


def test_every_batch_is_a_step_and_epochs_are_counted(network, paths):
    steps = list(run(network, batches_of(paths), phase(2)))
    assert [step.step for step in steps] == [1, 2, 3, 4, 5, 6]
    assert [step.epoch for step in steps] == pytest.approx([1 / 3, 2 / 3, 1, 4 / 3, 5 / 3, 2])
    assert {step.total for step in steps} == {6}
    assert steps[0].lr == pytest.approx(5e-3 / 25)
    assert steps[0].momentum == 0.95
    assert not network.training
    smooth = 0.0
    for number, step in enumerate(steps, 1):
        smooth = 0.98 * smooth + 0.02 * step.loss
        assert step.train_loss == pytest.approx(smooth / (1 - 0.98**number)), "smoothed as fastai does"


def changed_by(network, batches, which, recipe=None) -> set[str]:
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    list(run(network, batches, which, recipe))
    return {name for name, tensor in network.state_dict().items() if not torch.equal(tensor, before[name])}


def test_a_frozen_body_changes_in_its_norms_only_and_with_train_bn_off_not_at_all(network, paths):
    recipe = Recipe(batch_size=8, train_bn=False)
    assert changed_by(network, batches_of(paths), phase(frozen_to=-1), recipe) == {"head.weight", "head.bias"}
    changed = changed_by(network, batches_of(paths), phase(frozen_to=-1))
    norms = {name for name, module in network.named_modules() if isinstance(module, nn.BatchNorm2d)}
    assert {"head.weight", "head.bias"} <= changed
    assert changed - {"head.weight", "head.bias"}
    assert all(name.rpartition(".")[0] in norms for name in changed - {"head.weight", "head.bias"})


def test_with_norm_eval_statistics_stay_and_everything_else_trains(network, paths):
    changed = changed_by(network, batches_of(paths), phase(), Recipe(batch_size=8, norm_eval=True))
    everything = {name for name, _ in network.named_parameters()}
    assert changed == everything
    assert not any(norm.training for norm in network.modules())


def test_frozen_to_one_trains_the_later_half(network, paths):
    recipe = Recipe(batch_size=8, train_bn=False)
    changed = changed_by(network, batches_of(paths), phase(frozen_to=1), recipe)
    first, second, _ = layer_groups(network)
    names = {id(parameter): name for name, parameter in network.named_parameters()}
    assert not {names[id(each)] for each in first} & changed
    assert {names[id(each)] for each in second} & changed
    list(run(network, batches_of(paths), phase()))
    assert all(parameter.requires_grad for parameter in network.parameters()), "and all of it when unfrozen"


def test_norms_and_biases_do_not_decay_and_rates_rise_to_the_head(network):
    optimizer = make_optimizer(network, layer_groups(network), fine_tune_phases(1)[1], Recipe())
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            assert (group["weight_decay"] == 0) == (parameter.ndim < 2)
    assert [group["lr"] for group in optimizer.param_groups] == pytest.approx(
        [1e-5] * 2 + [1e-4] * 2 + [1e-3] * 2
    )


def test_leaving_after_one_batch_leaves_a_usable_network(network, paths):
    steps = run(network, batches_of(paths), phase())
    next(steps)
    steps.close()
    assert not network.training
    assert all(parameter.grad is None for parameter in network.parameters())
    assert "forward" not in {name for module in network.modules() for name in vars(module)}
    assert torch.isfinite(network(torch.zeros(1, 3, 32, 32))).all()


def test_the_same_seed_trains_the_same_and_leaves_the_global_state(paths):
    def losses(seed):
        torch.manual_seed(9)
        state = torch.random.get_rng_state()
        found = [step.loss for step in run(new_network(), batches_of(paths, seed=seed), phase(), seed=seed)]
        assert torch.equal(torch.random.get_rng_state(), state)
        return found

    assert losses(0) == losses(0)
    assert losses(0) != losses(1)


def test_a_phase_that_starts_in_the_middle_sees_the_same_batches(paths):
    batches = batches_of(paths)
    whole = [batch for epoch in range(2) for batch in batches.epoch(epoch)]
    rest = [*batches.epoch(0, 2), *batches.epoch(1)]
    assert len(whole) == 6
    for first, second in zip(whole[2:], rest, strict=True):
        assert torch.equal(first.images, second.images)
        assert torch.equal(first.target, second.target)


def test_a_loss_that_is_no_number_stops_with_step_and_rate_and_the_last_good_weights(network):
    bad = Minibatch(torch.full((6, 3, 32, 32), float("nan")), torch.arange(6) % 3, 6.0)
    steps = run(network, Given(minibatch(), minibatch(seed=1), bad), phase())
    next(steps), next(steps)
    with pytest.raises(TrainingError, match=r"step 3 of 3 .*rate [\d.e-]+\).*lower rate"):
        next(steps)
    assert all(torch.isfinite(tensor).all() for tensor in network.state_dict().values())
    assert not network.training
    reference = new_network()
    steps = run(reference, Given(minibatch(), minibatch(seed=1), minibatch(seed=2)), phase())
    next(steps)
    weights = {name: tensor.clone() for name, tensor in reference.named_parameters()}
    assert all(torch.equal(tensor, weights[name]) for name, tensor in network.named_parameters())


def test_files_that_vanish_meanwhile_are_passed_over(network, paths):
    batches = batches_of(paths)
    for path in paths[:18]:
        path.unlink()
    steps = list(run(network, batches, phase(2)))
    assert all(np.isfinite(step.train_loss) for step in steps)
    assert sorted(batches.problems) == list(range(18))


def test_accumulated_batches_are_one_large_batch(network):
    parts = [minibatch(3, seed) for seed in (1, 2)]
    images, target = (torch.cat([getattr(part, name) for part in parts]) for name in ("images", "target"))
    whole = Minibatch(images, target, 6.0)
    still = Phase("some", 1, 1e-3, Constant(), frozen_to=-1)  # batch norms kept out: they see the parts
    recipe = Recipe(accumulate=2, train_bn=False)
    list(run(network, Given(*parts), still, recipe))
    other = new_network()
    list(run(other, Given(whole), still, Recipe(train_bn=False)))
    assert torch.allclose(network.head.weight, other.head.weight, atol=1e-7)
    assert not torch.equal(other.head.weight, new_network().head.weight)


def test_gradients_are_clipped(network):
    lengths = []
    original = torch.optim.AdamW.step

    def step(self, *args, **kwargs):
        gradients = [each.grad for group in self.param_groups for each in group["params"]]
        lengths.append(float(torch.stack([each.norm() for each in gradients]).norm()))
        return original(self, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.optim.AdamW, "step", step)
        list(run(network, Given(minibatch()), phase(), Recipe(gradient_clip=0.01)))
    assert lengths == pytest.approx([0.01], rel=1e-3)


def test_class_weights_and_smoothing_make_the_loss_of_torch(network):
    weights = torch.tensor([1.0, 2.0, 0.5])
    batch = minibatch(5)
    batch = Minibatch(batch.images, batch.target, float(weights[batch.target].sum()))
    wanted = cross_entropy(network.eval()(batch.images), batch.target, weight=weights, label_smoothing=0.1)
    recipe = Recipe(label_smoothing=0.1, train_bn=False)
    which = Phase("some", 1, 1e-3, Constant(), frozen_to=-1)
    (step,) = run(network, Given(batch, class_weights=weights), which, recipe)
    assert step.loss == pytest.approx(float(wanted.detach()), rel=1e-5)


@pytest.mark.parametrize("options", [{"mixup": 0.4}, {"cutmix": 1.0}, {"mixup": 0.4, "cutmix": 1.0}])
def test_mixed_pictures_have_another_loss_and_repeat_by_seed(options):
    def losses(recipe):
        return [step.loss for step in run(new_network(), Given(minibatch(), minibatch()), phase(), recipe)]

    assert losses(Recipe(**options)) == losses(Recipe(**options))
    assert losses(Recipe(**options)) != losses(Recipe())


@pytest.mark.parametrize(
    ("n", "size", "sizes"),
    [(8, 4, [4, 4]), (9, 4, [4, 4]), (10, 4, [4, 4, 2]), (3, 4, [3]), (2, 4, [2]), (24, 1000, [24])],
)
def test_a_last_batch_of_one_is_dropped(paths, n, size, sizes):
    batches = batches_of(paths[:n], Recipe(batch_size=size))
    assert batches.steps == len(sizes)
    assert [len(batch.target) for batch in batches.epoch(0)] == sizes


def test_every_picture_comes_once_an_epoch_in_another_order(paths):
    batches = batches_of(paths)
    first, second = (np.concatenate(batches._order(epoch)).tolist() for epoch in (0, 1))
    assert sorted(first) == sorted(second) == list(range(24))
    assert first != second


def test_balanced_sampling_shows_each_class_as_often(paths):
    few = [path for path in paths if path.parent.name != "teddy" or path.name == "000.jpg"]
    batches = batches_of(few, Recipe(batch_size=8, sampling="balanced"))
    shown = np.concatenate([rows for epoch in range(200) for rows in batches._order(epoch)])
    shares = np.bincount(batches._target[shown]) / len(shown)
    assert shares == pytest.approx([1 / 3] * 3, abs=0.03)


def test_class_weights_by_hand():
    target = np.array([0, 0, 0, 1])
    assert class_weights("balanced", target, CLASSES) == pytest.approx([4 / 6, 2, 2])
    assert class_weights({"teddy": 3}, target, CLASSES) == pytest.approx([1, 1, 3])
    assert class_weights(None, target, CLASSES) is None
    with pytest.raises(BadInputError, match="Did you mean 'teddy'"):
        class_weights({"tedy": 3}, target, CLASSES)
    with pytest.raises(BadInputError, match="nothing would be learned"):
        class_weights({"black": 0, "grizzly": 0}, target, CLASSES)


@pytest.mark.parametrize(("n", "size"), [(2, 2), (20, 5), (256, 64), (10_000, 64)])
def test_the_usual_batch_is_a_quarter_of_few_images(n, size):
    assert default_batch_size(n) == size


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"batchsize": 8}, "Did you mean 'batch_size'"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"accumulate": 1.5}, "accumulate is 1.5"),
        ({"mixup": -1}, "mixup is -1"),
        ({"label_smoothing": 1.0}, "0 to below 1"),
        ({"sampling": "balnced"}, "Did you mean 'balanced'"),
        ({"augment": "standart"}, "Did you mean 'standard'"),
        ({"class_weights": [1, 2]}, "'balanced' or a mapping"),
        ({"weight_decay": float("nan")}, "weight_decay is nan"),
        ({"save_best": 1}, "True or False"),
        ({"loss": "focal"}, "loss is 'focal'; allowed is a function"),
        ({"loss": print, "label_smoothing": 0.1}, "of the loss that is built in"),
        ({"on_step": 3}, "on_step is 3"),
    ],
)
def test_options_that_are_not_allowed_are_named(options, words):
    with pytest.raises(BadInputError, match=words):
        make_recipe(options)


def focal(logits, target):
    """Lin et al., "Focal loss for dense object detection", 2017, with gamma 2."""
    chance = logits.softmax(1).gather(1, target[:, None])[:, 0]
    return (1 - chance) ** 2 * cross_entropy(logits, target, reduction="none")


def sgd(groups, lr):
    return torch.optim.SGD(groups, lr, momentum=0.9)


def test_a_loss_and_an_optimizer_of_ones_own_are_as_in_a_loop_by_hand():
    ours, theirs = new_network(), new_network()
    minibatches = [minibatch(seed=seed) for seed in range(3)]
    which = Phase("some", 2, 0.01, Constant())
    recipe = Recipe(loss=focal, optimizer=sgd, weight_decay=0.0)
    losses = [step.loss for step in run(ours, Given(*minibatches), which, recipe)]
    optimizer, by_hand = torch.optim.SGD(theirs.parameters(), 0.01, momentum=0.9), []
    theirs.train()
    for batch in minibatches * 2:
        optimizer.zero_grad()
        loss = focal(theirs(batch.images), batch.target).mean()
        loss.backward()
        optimizer.step()
        by_hand.append(float(loss.detach()))
    assert losses == pytest.approx(by_hand, rel=1e-5)
    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.allclose(mine, other, atol=1e-6)
