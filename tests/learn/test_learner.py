"""The learner from end to end, on a tiny set with a tiny network."""

from __future__ import annotations

import random
from unittest.mock import Mock

import numpy as np
import pandas as pd
import pytest
import torch
from made_data import TINY, squeezed
from PIL import Image

from bearwidgets.data.dataset import Dataset
from bearwidgets.errors import BadInputError, ImageError
from bearwidgets.learn.head.features import FeatureStore
from bearwidgets.learn.learner import Learner


def global_states() -> tuple:
    return random.getstate(), np.random.get_state()[1].tolist(), torch.random.get_rng_state().tolist()  # noqa: NPY002


def test_cached_training_learns_and_says_how(trained):
    scores = trained.evaluate("valid")
    assert scores["n"] == 6
    assert scores["error_rate"] <= 1 / 6
    assert trained.provenance.startswith("quick mode: features of the frozen test_resnet (random) at 32 px")
    assert scores["provenance"] == scores["made_by"] == trained.made_by == trained.provenance
    assert trained.history.stage.tolist() == ["head"]
    assert trained.history.valid_error.iloc[0] == scores["error_rate"]
    table, probabilities = trained.predictions()
    assert (table.id == trained.ds.table.id).all()
    assert probabilities.shape == (24, 3)
    assert probabilities.sum(1) == pytest.approx(1)
    assert trained.ds.exam is not None
    ids, held_out = trained.out_of_fold()
    train = table.split == "train"
    assert ids == table.id[train].tolist()
    assert held_out.shape == (18, 3)
    assert not np.allclose(held_out, probabilities[train])


def test_exact_training_learns_epoch_by_epoch(ds):
    learn = Learner(ds, **TINY, seed=1).fine_tune(3, mode="full", progress=False)
    assert learn.history.stage.tolist() == ["frozen", "unfrozen", "unfrozen", "unfrozen"]
    assert learn.history.epoch.tolist() == [1, 1, 2, 3]
    assert learn.history.train_loss.iloc[-1] < learn.history.train_loss.iloc[0]
    assert learn.provenance == "full mode: test_resnet (random) at 32 px, unfrozen epoch 3 of 3"
    assert learn.history.valid_loss.iloc[-1] == pytest.approx(learn.evaluate("valid")["loss"])
    assert learn.out_of_fold() is None
    table, probabilities = learn.predictions()
    pixels = np.stack([squeezed(ds.path_of(each)) for each in table.id])
    with torch.inference_mode():
        logits = learn.module(learn.preprocessing.normalize(pixels, torch.device("cpu")))
    assert probabilities == pytest.approx(torch.softmax(logits, 1).numpy(), abs=0.03)


def test_evaluate_by_hand(trained, monkeypatch):
    valid = trained.ds.table[trained.ds.table.split == "valid"]
    given = pd.DataFrame({"id": valid.id[:4], "split": "valid", "content": list("wxyz")})
    given["label"] = ["black", "black", "grizzly", "teddy"]
    p = np.array([[0.5, 0.25, 0.25], [0.1, 0.8, 0.1], [0.2, 0.7, 0.1], [0.1, 0.1, 0.8]], np.float32)
    monkeypatch.setattr(trained, "predictions", lambda *_, **__: (given, p))
    scores = trained.evaluate("valid")
    assert scores["loss"] == pytest.approx(-np.log([0.5, 0.1, 0.7, 0.8]).mean(), rel=1e-5)
    assert (scores["accuracy"], scores["error_rate"], scores["n"]) == (0.75, 0.25, 4)
    assert scores["per_class"] == {
        "black": {"n": 2, "accuracy": 0.5},
        "grizzly": {"n": 1, "accuracy": 1.0},
        "teddy": {"n": 1, "accuracy": 1.0},
    }


@pytest.mark.parametrize("mode", ["quick", "full"])
def test_the_same_seed_gives_the_same_numbers_and_leaves_the_global_random_state(ds, mode):
    before = global_states()
    first, second = (Learner(ds, **TINY, seed=4).fine_tune(1, mode=mode, progress=False) for _ in range(2))
    assert (first.predictions()[1] == second.predictions()[1]).all()
    assert global_states() == before


def test_ctrl_c_while_features_are_computed_leaves_a_learner_to_train_on(ds, monkeypatch, computed):
    learn = Learner(ds, **TINY)
    original, calls = FeatureStore.of_pixels, []

    def interrupted(self, pixels):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return original(self, pixels)

    with monkeypatch.context() as patch, pytest.warns(UserWarning, match="Interrupted"):  # noqa: PT031 - the patch is to end with it
        patch.setattr(FeatureStore, "of_pixels", interrupted)
        learn.fine_tune(progress=False)
    with pytest.raises(BadInputError, match="not trained yet"):
        learn.predict(np.zeros((9, 9, 3), np.uint8))
    assert learn.fine_tune(progress=False).evaluate("valid")["n"] == 6
    assert sum(computed) == 24, "nothing is computed twice"


def test_ctrl_c_in_a_second_cached_training_leaves_the_first(ds, monkeypatch):
    learn = Learner(ds, **TINY).fine_tune(progress=False)
    before = learn.predictions()[1]
    with monkeypatch.context() as patch, pytest.warns(UserWarning, match="use this learner as it is"):  # noqa: PT031 - the patch is to end with it
        patch.setattr("bearwidgets.learn.head.linear_head.fit_softmax", Mock(side_effect=KeyboardInterrupt))
        learn.fine_tune(progress=False)
    assert (learn.predictions()[1] == before).all()


def test_ctrl_c_in_the_middle_of_exact_training_leaves_a_usable_learner(ds, monkeypatch):
    learn = Learner(ds, **TINY)
    steps = [0]
    original = torch.optim.AdamW.step

    def step(self, *args, **kwargs):
        steps[0] += 1
        if steps[0] == 7:
            raise KeyboardInterrupt
        return original(self, *args, **kwargs)

    with monkeypatch.context() as patch, pytest.warns(UserWarning, match="Interrupted"):  # noqa: PT031 - the patch is to end with it
        patch.setattr(torch.optim.AdamW, "step", step)
        learn.fine_tune(3, mode="full", progress=False)
    assert "unfrozen epoch" in learn.provenance
    assert not learn.module.training
    assert learn.predictions()[1].sum(1) == pytest.approx(1)
    assert learn.fine_tune(1, mode="full", progress=False).evaluate("valid")["n"] == 6


@pytest.mark.parametrize(("old", "new"), [("cached", "quick"), ("exact", "full")])
def test_the_older_names_of_the_modes_are_understood(ds, old, new):
    assert Learner(ds, **TINY).fine_tune(1, mode=old, progress=False).mode == new


def test_reading_leaves_the_data_set_as_it_is(trained, images):
    learn = trained.transfer(trained.ds).fine_tune(progress=False)
    path = images / "black" / "new.png"
    Image.fromarray(np.random.default_rng(5).integers(0, 256, (60, 60, 3), np.uint8)).save(path)
    grown = Dataset.from_folder(images, valid_pct=0.25)
    path.write_bytes(path.read_bytes()[:3000])
    learn.ds = grown
    table, probabilities = learn.predictions()
    assert learn.ds is grown
    assert set(grown.table.path) - set(table.path) == {"black/new.png"}
    assert len(probabilities) == len(table) == len(grown) - 1
    assert list(learn.features.problems.values())


@pytest.mark.parametrize("mode", ["quick", "full"])
def test_an_image_that_only_fails_when_decoded_is_left_out_and_listed(images, mode):
    victim = images / "teddy" / "003.jpg"
    data = victim.read_bytes()
    ds = Dataset.from_folder(images, valid_pct=0.25)
    assert len(ds) == 24
    victim.write_bytes(data[: len(data) // 2])
    learn = Learner(ds, **TINY)
    with pytest.warns(UserWarning, match=r"1 images could not be decoded"):
        learn.fine_tune(1, mode=mode, progress=False)
    assert len(learn.ds) == 23
    assert learn.ds.problems.path.tolist() == ["teddy/003.jpg"]
    assert "cut off" in learn.ds.problems.reason.iloc[0]
    assert len(learn.predictions()[0]) == len(learn.predictions(ds)[0]) == 23


@pytest.mark.parametrize("kind", ["path", "string", "bytes", "pil", "array", "alpha"])
def test_predict_takes_every_sort_of_picture(trained, images, tmp_path, kind):
    path = tmp_path / "one.png"
    Image.open(images / "black" / "000.jpg").save(path)
    image = Image.open(path)
    given = {
        "path": path,
        "string": str(path),
        "bytes": path.read_bytes(),
        "pil": image,
        "array": np.asarray(image),
        "alpha": image.convert("RGBA"),
    }
    prediction = trained.predict(given[kind])
    assert prediction == trained.predict(path)
    assert prediction.label == "black"
    assert prediction.probability == max(prediction.probabilities.values())
    known = trained.predictions()[1][trained.ds.table.path == "black/000.jpg"][0]
    assert list(prediction.probabilities.values()) == pytest.approx(known, abs=0.02)


def test_a_pil_image_is_turned_as_its_file_would_be(trained, tmp_path):
    pixels = np.zeros((40, 60, 3), np.uint8)
    pixels[:, :30] = 255
    image = Image.fromarray(pixels)
    exif = Image.Exif()
    exif[0x0112] = 6
    image.save(tmp_path / "turned.png", exif=exif)
    by_path = trained.predict(tmp_path / "turned.png")
    assert trained.predict(Image.open(tmp_path / "turned.png")) == by_path
    assert trained.predict(image).probabilities != by_path.probabilities


@pytest.mark.parametrize("mode", ["L", "1", "P", "LA", "CMYK", "F", "I", "HSV"])
def test_predict_takes_every_mode_of_pil(trained, mode):
    image = Image.new("RGB", (20, 20), "red").convert("L" if mode in "LA I F" else "RGB").convert(mode)
    assert trained.predict(image).label in trained.classes


@pytest.mark.parametrize(
    "given",
    [
        *(np.zeros(shape, np.uint8) for shape in ((4, 4, 2), 4, (0, 4, 3))),
        np.zeros((4, 4, 3)),
        None,
        7,
        [1, 2],
    ],
)
def test_predict_refuses_what_is_no_picture(trained, given):
    with pytest.raises(BadInputError, match=r"no image; allowed are"):
        trained.predict(given)


def test_predict_says_why_a_file_cannot_be_used(trained, tmp_path):
    (tmp_path / "page.jpg").write_text("<html>")
    with pytest.raises(ImageError, match="web page"):
        trained.predict(tmp_path / "page.jpg")
    with pytest.raises(ImageError, match="cannot be read"):
        trained.predict(tmp_path / "none.jpg")


def test_wrong_arguments_are_refused(ds, trained):
    with pytest.raises(BadInputError, match=r"Did you mean 'quick'"):
        trained.fine_tune(mode="quik")
    for epochs in (-1, 1.5, "3"):
        with pytest.raises(BadInputError, match="epochs is"):
            trained.fine_tune(epochs)
    with pytest.raises(BadInputError, match=r"No split 'vlid'.*Did you mean 'valid'"):
        trained.evaluate("vlid")
    for act in (lambda each: each.evaluate(), lambda each: each.predictions(), lambda each: each.save("x")):
        with pytest.raises(BadInputError, match="not trained yet"):
            act(Learner(ds, **TINY))


@pytest.mark.parametrize("mode", ["quick", "full"])
def test_one_class_only_is_a_clear_error(make_images, tmp_path, mode):
    ds = Dataset.from_folder(make_images(tmp_path / "one", {"bear": 6}))
    with pytest.raises(BadInputError, match=r"one class|1 class"):
        Learner(ds, **TINY).fine_tune(1, mode=mode, progress=False)


@pytest.mark.parametrize("mode", ["quick", "full"])
def test_a_class_with_one_image_trains(make_images, tmp_path, mode):
    ds = Dataset.from_folder(make_images(tmp_path / "few", {"a": 6, "b": 6, "c": 1}))
    learn = Learner(ds, **TINY).fine_tune(1, mode=mode, progress=False)
    assert learn.predictions()[1].shape == (13, 3)


def test_no_evaluation_split_trains_without_its_numbers(images):
    learn = Learner(Dataset.from_folder(images, valid_pct=0), **TINY)
    learn.fine_tune(1, mode="full", progress=False)
    assert learn.history.valid_loss.isna().all()
    with pytest.raises(BadInputError, match="No split 'valid'"):
        learn.evaluate("valid")


def test_a_workspace_that_cannot_be_written_still_trains(images, tmp_path):
    (tmp_path / "file").write_text("no folder")
    ds = Dataset.from_folder(images, valid_pct=0.25, workspace=tmp_path / "file" / "space")
    with pytest.warns(UserWarning, match="frozen for this session only"):
        learn = Learner(ds, **TINY).fine_tune(progress=False)
    assert learn.evaluate("valid")["n"] == 6
    assert (tmp_path / "file").read_text() == "no folder"


def test_other_data_shares_the_features_and_labels_that_are_not_known_are_named(
    trained, images, make_images, computed
):
    make_images(images, {"polar": 3}, seed=7)
    computed.clear()
    other = trained.with_data(Dataset.from_folder(images, valid_pct=0.25)).fine_tune(progress=False)
    assert computed == [3]
    assert other.classes == ["black", "grizzly", "polar", "teddy"]
    assert other.predictions()[1].shape == (27, 4)
    assert trained.predictions()[1].shape == (24, 3)
    with pytest.raises(BadInputError, match="No class 'polar' in this learner"):
        trained.evaluate("train", other.ds)


@pytest.mark.slow
def test_bears_are_told_apart(shared_data, tmp_path):
    errors = []
    for seed in (0, 1, 2):
        ds = Dataset.from_folder(shared_data / "bears", seed=seed, workspace=tmp_path / str(seed))
        errors.append(Learner(ds, seed=seed).fine_tune(progress=False).evaluate("valid")["error_rate"])
    assert np.mean(errors) < 0.08


@pytest.mark.slow
def test_tiny_pictures_with_labels_in_a_table(shared_data, tmp_path):
    rows = pd.read_csv(shared_data / "cifar10n" / "labels.csv").head(600)
    ds = Dataset.from_df(rows, root=shared_data / "cifar10n", label="clean", workspace=tmp_path)
    assert (len(ds), len(ds.classes)) == (600, 10)
    scores = Learner(ds, size=96).fine_tune(progress=False).evaluate("valid")
    assert scores["accuracy"] > 0.4  # chance is 0.1


def test_exact_training_of_a_second_learner_leaves_the_first_alone(ds):
    first = Learner(ds, **TINY).fine_tune(1, mode="full", progress=False)
    before = [each.clone() for each in first.module.state_dict().values()]
    second = first.with_data(ds)
    pristine = Learner(ds, **TINY)
    same = zip(second.module.body.parameters(), pristine.module.body.parameters(), strict=True)
    assert all(torch.equal(one, other) for one, other in same), "both start from the same weights"
    second.fine_tune(1, mode="full", progress=False)
    after = first.module.state_dict().values()
    assert all(torch.equal(one, other) for one, other in zip(before, after, strict=True))


def test_the_exam_keeps_its_labels_when_files_are_moved(images):
    learn = Learner(Dataset.from_folder(images, valid_pct=0.25), **TINY).fine_tune(progress=False)
    place = learn.ds.table[learn.ds.table.split == "valid"].path.iloc[0]
    other = next(each for each in learn.classes if not place.startswith(each))
    (images / place).rename(images / other / "moved.jpg")
    fresh = Learner(Dataset.from_folder(images, valid_pct=0.25), **TINY).fine_tune(progress=False)
    scores = fresh.evaluate("valid")
    assert scores["n"] == 6
    assert abs(scores["error_rate_corrected"] - scores["error_rate"]) == pytest.approx(1 / 6)
    assert "error_rate_corrected" not in learn.evaluate("valid", learn.ds)
