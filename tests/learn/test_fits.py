"""The trainings of a learner: fits, freezing, rates, early stopping, best weights, views, transfer."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from made_data import TINY
from torch import nn

from bearwidgets.data.dataset import Dataset
from bearwidgets.errors import BadInputError, ImageError, TrainingError
from bearwidgets.learn.input.preprocessing import Preprocessing
from bearwidgets.learn.learner import Learner
from bearwidgets.learn.network.groups import layer_groups

QUIET = {"progress": False, "batch_size": 6, "precision": "32"}


@pytest.fixture
def learn(ds) -> Learner:
    return Learner(ds, **TINY)


def weights_of(learn) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in learn.module.state_dict().items()}


@pytest.mark.parametrize("fit", ["fit", "fit_one_cycle", "fit_flat_cos", "fit_from_scratch"])
def test_every_fit_trains_and_keeps_a_row_an_epoch_and_a_row_a_step(learn, fit):
    assert getattr(learn, fit)(4, 1e-2, **QUIET) is learn
    history, steps = learn.history, learn.steps
    assert history.epoch.tolist() == [1, 2, 3, 4]
    assert history.train_loss.iloc[-1] < history.train_loss.iloc[0]
    assert history.valid_loss.iloc[-1] == pytest.approx(learn.evaluate("valid")["loss"])
    assert (history.seconds > 0).all()
    assert steps.step.tolist() == list(range(1, 13))
    assert steps.lr.max() == pytest.approx(1e-2, rel=0.1)
    for epoch in range(1, 5):
        mine = steps[(steps.epoch > epoch - 1) & (steps.epoch <= epoch)]
        assert history.train_loss[epoch - 1] == pytest.approx(mine.loss.mean())
    assert learn.mode == "full"
    assert "epoch 4 of 4" in learn.provenance


def test_fits_one_after_another_add_up_and_no_epochs_change_nothing(learn):
    before = weights_of(learn)
    learn.fit(0, **QUIET)
    assert all(torch.equal(tensor, before[name]) for name, tensor in weights_of(learn).items())
    assert learn.provenance == ""
    learn.fit(1, 1e-3, **QUIET).fit_one_cycle(1, 1e-3, **QUIET)
    assert learn.history.stage.tolist() == ["constant", "one cycle"]
    assert learn.steps.stage.tolist() == ["constant"] * 3 + ["one cycle"] * 3


def test_a_pretrained_body_starts_frozen_gets_its_head_first_and_keeps_its_statistics(pretrained):
    assert pretrained.frozen_to == -1
    before = weights_of(pretrained)
    pretrained.fine_tune(2, mode="full", **QUIET)
    after = weights_of(pretrained)
    assert pretrained.history.stage.tolist() == ["head", "unfrozen", "unfrozen"]
    assert pretrained.steps.stage.unique().tolist() == ["unfrozen"]
    assert pretrained.mode == "full"
    assert "unfrozen epoch 2 of 2" in pretrained.made_by
    for name, tensor in before.items():
        kept = "running" in name or "tracked" in name
        assert torch.equal(after[name], tensor) == kept, name
    assert pretrained.out_of_fold() is None
    pretrained.fine_tune(1, mode="full", **QUIET)  # a body that was trained keeps its head and goes on
    assert pretrained.history.stage.tolist() == ["head", "unfrozen", "unfrozen", "frozen", "unfrozen"]
    assert set(pretrained.record.dynamics.tensors["count"].tolist()) == {4}


def test_a_number_of_frozen_epochs_is_fastais_fine_tune(pretrained):
    before = weights_of(pretrained)
    pretrained.fine_tune(1, mode="full", freeze_epochs=1, **QUIET)
    assert pretrained.history.stage.tolist() == ["frozen", "unfrozen"]
    assert not torch.equal(weights_of(pretrained)["body.bn1.running_mean"], before["body.bn1.running_mean"])


@pytest.mark.parametrize("options", [{}, {"weights": "body", "head": "mlp"}])
def test_without_weights_or_linear_head_none_is_one_frozen_epoch(ds, pretrained, tmp_path, options):
    options = {**TINY, **options}
    if options["weights"] == "body":
        options["weights"] = tmp_path / "body.safetensors"
    learn = Learner(ds, **options).fine_tune(1, mode="full", **QUIET)
    assert learn.history.stage.tolist() == ["frozen", "unfrozen"]


def test_going_on_leaves_out_what_was_left_out_before(ds, pretrained, tmp_path, monkeypatch):
    train = ds.table[ds.table.split == "train"]
    broken, original = str(ds.path_of(train.id.iloc[0])), Preprocessing.open

    def open_(self, source, **options):
        if str(source) == broken:
            raise ImageError(f"{broken} could not be decoded")
        return original(self, source, **options)

    monkeypatch.setattr(Preprocessing, "open", open_)
    options = {
        "mode": "full",
        "batch_size": 6,
        "precision": "32",
        "checkpoint": tmp_path / "kept.safetensors",
    }
    steps = pretrained.fine_tuning(2, **options)
    with pytest.warns(UserWarning, match="could not be decoded"):
        next(step for step in steps if step.epoch == 1 and step.stage == "unfrozen")
    steps.close()
    learn = Learner(ds, **{**TINY, "weights": tmp_path / "body.safetensors"})
    with pytest.warns(UserWarning, match="could not be decoded"):
        learn.fine_tune(2, **options, progress=False)
    assert learn.history.stage.tolist() == ["head", "unfrozen", "unfrozen"]


def test_going_on_after_the_head_fits_no_second_one(ds, pretrained, tmp_path):
    path = tmp_path / "kept.safetensors"
    body = tmp_path / "body.safetensors"
    options = {"mode": "full", "batch_size": 6, "precision": "32"}
    whole = pretrained.fine_tune(2, **options, progress=False)
    steps = Learner(ds, **{**TINY, "weights": body}).fine_tuning(2, **options, checkpoint=path)
    for step in steps:
        if step.epoch == 1 and step.stage == "unfrozen":
            break
    steps.close()
    learn = Learner(ds, **{**TINY, "weights": body})
    stages = [step.stage for step in learn.fine_tuning(2, **options, checkpoint=path)]
    assert set(stages) == {"unfrozen"}
    assert learn.history.stage.tolist() == whole.history.stage.tolist()
    for name, tensor in weights_of(whole).items():
        assert torch.equal(weights_of(learn)[name], tensor), name


def test_freeze_leaves_the_body_and_unfreeze_trains_it(learn):
    assert learn.frozen_to == 0, "random weights start unfrozen"
    learn.freeze()
    before = weights_of(learn)
    learn.fit(1, 1e-2, train_bn=False, **QUIET)
    assert {name for name, tensor in weights_of(learn).items() if not torch.equal(tensor, before[name])} == {
        "head.weight",
        "head.bias",
    }
    learn.unfreeze()
    learn.fit(1, 1e-2, **QUIET)
    assert not torch.equal(weights_of(learn)["body.conv1.0.weight"], before["body.conv1.0.weight"])


@pytest.mark.parametrize(
    ("act", "words"),
    [
        *(
            (partial(Learner.freeze_to, n=n), "this network has 3, the last one")
            for n in (3, -4, 1.5, True, "head")
        ),
        *(
            (partial(Learner.fit, epochs=1, lr=lr), "lr ")
            for lr in (0, -1e-3, float("nan"), "fast", [1e-3, 1e-2], slice(1e-4, 1e-3, 2))
        ),
        (partial(Learner.fine_tune, mixup=0.4), r"quick mode has no option 'mixup'.*mode='full'"),
        (
            partial(Learner.fine_tuning, mode="full", mixpu=0.2),
            "Did you mean 'mixup'",
        ),  # before a head is fitted
        (partial(Learner.lr_find, start_lr=0), "allowed"),
        (partial(Learner.lr_find, start_lr=1, end_lr=0.1), "allowed"),
        (partial(Learner.lr_find, steps=3), "allowed"),
    ],
)
def test_what_is_not_allowed_is_refused_before_anything_is_trained(pretrained, act, words):
    with pytest.raises(BadInputError, match=words):
        act(pretrained)
    assert not pretrained.is_trained


def test_lr_find_puts_everything_back_writes_nothing_and_shows_a_plot(learn, images):
    learn.fit(1, 1e-3, **QUIET)
    learn.freeze_to(1)
    before, state = weights_of(learn), torch.random.get_rng_state()
    history, made_by = learn.history, learn.provenance
    grads = [parameter.requires_grad for parameter in learn.module.parameters()]
    predictions = learn.predictions()[1]
    files = {path: path.stat().st_mtime_ns for path in images.rglob("*")}
    found = learn.lr_find(steps=40, progress=False, batch_size=6)
    assert all(torch.equal(tensor, before[name]) for name, tensor in weights_of(learn).items())
    assert torch.equal(torch.random.get_rng_state(), state)
    assert learn.history.equals(history)
    assert learn.provenance == made_by
    assert [parameter.requires_grad for parameter in learn.module.parameters()] == grads
    assert (learn.predictions()[1] == predictions).all()
    assert {path: path.stat().st_mtime_ns for path in images.rglob("*")} == files
    assert not learn.module.training
    assert 1e-7 < found.valley < 10
    assert all(1e-8 < getattr(found, name) < 10 for name in ("slide", "steep", "minimum"))
    assert found.table.lr.is_monotonic_increasing
    assert found._repr_png_().startswith(b"\x89PNG")
    labels = [text.get_text() for text in found.plot().axes[0].get_legend().get_texts()]
    assert [label.split()[0] for label in labels] == ["valley", "slide", "steep", "minimum"]
    assert f"valley {found.valley:.2g}" in str(found)


def test_lr_find_does_not_freeze_the_exam_of_a_folder_it_cannot_write(learn, images):
    images.chmod(0o555)
    try:
        assert learn.lr_find(steps=20, progress=False, batch_size=6).valley > 0
    finally:
        images.chmod(0o755)
    assert not (images / ".bearwidgets").exists()


def test_lr_find_that_diverges_at_once_says_so(learn):
    with pytest.raises(BadInputError, match="smaller start_lr"):
        learn.lr_find(1e6, 1e9, steps=20, progress=False, batch_size=6)
    assert all(torch.isfinite(tensor).all() for tensor in weights_of(learn).values())


def test_a_rate_far_too_high_keeps_the_last_good_weights(learn):
    with pytest.raises(TrainingError, match=r"became NaN at step \d+ of 300 \(constant, rate 1e\+36\)"):
        learn.fit(100, 1e36, **QUIET)
    assert all(torch.isfinite(tensor).all() for tensor in weights_of(learn).values())


def test_early_stopping_and_the_best_weights(learn):
    learn.fit(30, 0.3, early_stopping=2, save_best=True, **QUIET)
    history = learn.history
    assert len(history) < 30
    best = int(history.valid_loss.argmin())
    assert len(history) == best + 3
    assert learn.evaluate("valid")["loss"] == pytest.approx(history.valid_loss.min(), rel=1e-5)
    assert "stopped early" in learn.provenance
    assert "best of the epochs" in learn.provenance


def test_metrics_go_into_scores_and_history(ds):
    learn = Learner(ds, **TINY, metrics=["f1", "top_2"]).fit(1, 1e-2, **QUIET)
    scores = learn.evaluate("valid")
    assert set(scores["metrics"]) == {"f1", "top_2"}
    assert learn.history.top_2.iloc[0] == pytest.approx(scores["metrics"]["top_2"])


def test_tta_is_the_mean_of_augmented_views_and_the_plain_one(learn):
    learn.fit(3, 1e-2, **QUIET)
    table, plain = learn.predictions(split="valid")
    same, without = learn.tta("valid", 2, augment="none", beta=0.5)
    assert (same.id == table.id).all()
    assert without == pytest.approx(plain, abs=2e-2)  # one view of the kept picture, one of the file
    views = learn.tta("valid", 3, beta=0.0)[1]
    assert views.sum(1) == pytest.approx(1)
    assert not np.allclose(views, plain, atol=1e-4)
    assert learn.tta("valid", 3, beta=1.0)[1] == pytest.approx(plain)
    assert "3 augmented views" in learn.evaluate("valid", tta=3)["made_by"]
    with pytest.raises(BadInputError, match="beta"):
        learn.tta(beta=2)


def test_metrics_go_with_a_transfer_to_other_classes_and_come_to_a_loaded_learner(ds, make_images, tmp_path):
    learn = Learner(ds, **TINY, metrics=["f1"]).fine_tune(progress=False)
    trees = Dataset.from_folder(make_images(tmp_path / "trees", {"elm": 6, "oak": 6}))
    assert set(learn.transfer(trees).fine_tune(progress=False).evaluate("valid")["metrics"]) == {"f1"}
    again = Learner.load(learn.save(tmp_path / "x.bw"), ds)
    assert "metrics" not in again.evaluate("valid")
    again.use_metrics(["recall"])
    assert set(again.evaluate("valid")["metrics"]) == {"recall"}


def test_transfer_keeps_the_trained_body_and_gets_a_new_head(learn, make_images, tmp_path):
    learn.fit(1, 1e-2, **QUIET)
    trees = Dataset.from_folder(make_images(tmp_path / "trees", {"elm": 6, "oak": 6}), valid_pct=0.3)
    other = learn.transfer(trees)
    assert other.classes == ["elm", "oak"]
    assert other.frozen_to == learn.frozen_to
    for name, tensor in learn.module.body.state_dict().items():
        assert torch.equal(other.module.body.state_dict()[name], tensor)
    assert other.source.weights == "random, then 3 classes"
    before = weights_of(learn)
    other.fine_tune(progress=False)
    other.fit(1, 1e-2, **QUIET)
    assert all(torch.equal(tensor, before[name]) for name, tensor in weights_of(learn).items())
    saved = Learner.load(other.save(tmp_path / "trees.bw"), trees)
    assert saved.predictions()[1] == pytest.approx(other.predictions()[1], abs=0.02)


def own_module() -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(
            nn.Conv2d(3, 8, 3, stride=2),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(8, 3),
        )


def test_a_module_of_ones_own_trains_in_both_modes_and_is_not_changed(ds):
    module = own_module()
    learn = Learner.from_module(module, ds, size=32).fine_tune(progress=False)
    assert learn.evaluate("valid")["n"] == 6
    learn.unfreeze()
    learn.fit_one_cycle(2, 1e-2, **QUIET)
    assert all(torch.equal(a, b) for a, b in zip(module.parameters(), own_module().parameters(), strict=True))


def test_a_module_that_is_a_head_itself_trains_exactly_only(ds):
    class Whole(nn.Module):
        def __init__(self):
            super().__init__()
            self.maps = nn.Conv2d(3, 3, 3)

        def forward(self, pictures):
            return self.maps(pictures).mean((2, 3))

    learn = Learner.from_module(Whole(), ds, size=32)
    with pytest.raises(BadInputError, match=r"use mode='full'"):
        learn.fine_tune(progress=False)
    learn.fit(1, 1e-2, **QUIET)
    assert learn.predictions()[1].sum(1) == pytest.approx(1)


def test_the_head_of_fastai_trains_in_the_full_mode_alone(ds):
    learn = Learner(ds, **TINY, head="mlp").fit(2, 1e-2, **QUIET)
    assert isinstance(learn.module.head, nn.Sequential)
    assert [len(group) > 0 for group in layer_groups(learn.module)] == [True] * 3
    with pytest.raises(BadInputError, match="mode='full'"):
        learn.fine_tune(progress=False)


@pytest.mark.parametrize("bands", ["adapt", "pca"])
def test_pictures_of_five_bands(tmp_path, bands):
    rng = np.random.default_rng(0)
    for number, name in enumerate(("wheat", "maize")):
        (tmp_path / "fields" / name).mkdir(parents=True)
        for image in range(8):
            values = rng.random((40, 40, 5)).astype(np.float32) * 0.2
            values[:, :, number] += 0.6
            np.save(tmp_path / "fields" / name / f"{image}.npy", values)
    ds = Dataset.from_folder(tmp_path / "fields", valid_pct=0.25)
    learn = Learner(ds, **TINY, in_chans=5, bands=bands).fine_tune(progress=False)
    assert learn.evaluate("valid")["error_rate"] == 0
    learn.fit(1, 1e-3, **QUIET)
    again = Learner.load(learn.save(tmp_path / "fields.bw"), ds)
    assert again.predictions()[1] == pytest.approx(learn.predictions()[1], abs=0.02)
    assert again.predict(np.load(ds.path_of(ds.table.id[0]))).label in ("wheat", "maize")


def test_grey_pictures(ds):
    learn = Learner(ds, **TINY, in_chans=1).fine_tune(progress=False)
    assert learn.module.body.conv1[0].in_channels == 1
    assert learn.predict(np.full((40, 40), 9, np.uint8)).label in ds.classes


def test_how_it_went_is_shown_findings_are_told_and_all_of_it_is_logged(learn, capsys, tmp_path):
    learn.fit(1, 1e-6, batch_size=6, log=("csv", tmp_path / "runs"))
    assert [path for path in (tmp_path / "runs").rglob("*") if path.is_file()]
    out = capsys.readouterr()
    assert "constant" in out.err
    assert "valid loss" in out.err
    assert out.out.strip()  # six held-out images are too few to tell anything
