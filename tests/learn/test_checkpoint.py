"""A training that was cut off goes on as if it had not been; files that are no checkpoint of it are refused."""

import json
import os
import pickle
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import safetensors.torch
import torch
from made_data import CLASSES, TINY, Bomb, write_images

from bearwidgets import Dataset, Learner
from bearwidgets.errors import BadInputError
from bearwidgets.learn import resume
from bearwidgets.learn import run as fitting
from bearwidgets.learn.tensor_file import fingerprint


@pytest.fixture(scope="module")
def ds(tmp_path_factory):
    return Dataset.from_folder(
        write_images(tmp_path_factory.mktemp("cut") / "images", dict.fromkeys(CLASSES, 8))
    )


@pytest.fixture(scope="module")
def whole(ds):
    """A training of 20 steps that nothing cut off."""
    learn = learner(ds)
    assert len(list(training(learn))) == 20
    return learn


@pytest.fixture
def every_step(monkeypatch):
    """Keep the checkpoint current at every step, not once a minute."""
    monkeypatch.setattr(fitting, "CHECKPOINT_EVERY", -1.0)


def learner(ds):
    return Learner(ds, **TINY)


def training(learn, path=None, **options):
    """Two phases of two epochs, five steps each."""
    options = {"mode": "full", "freeze_epochs": 2, "batch_size": 4, "checkpoint": path, **options}
    return learn.fine_tuning(2, **options)


def cut_off(ds, path, after, **options):
    """Train for so many steps, and be gone."""
    steps = training(learner(ds), path, **options)
    for _ in range(after):
        next(steps)


def assert_same(learn, whole):
    pd.testing.assert_frame_equal(learn.steps, whole.steps, check_exact=True)
    pd.testing.assert_frame_equal(
        learn.history.drop(columns="seconds"), whole.history.drop(columns="seconds"), check_exact=True
    )
    assert learn.provenance == whole.provenance
    for one, other in zip(learn.training_dynamics()[1], whole.training_dynamics()[1], strict=True):
        np.testing.assert_array_equal(one, other)
    for name, tensor in whole.module.state_dict().items():
        assert torch.equal(learn.module.state_dict()[name], tensor), name


@pytest.mark.usefixtures("every_step")
@pytest.mark.parametrize("after", [1, 5, 7, 10, 13, 20])
def test_the_same_losses_and_weights_wherever_it_was_cut_off(ds, whole, tmp_path, after):
    path = tmp_path / "kept.safetensors"
    cut_off(ds, path, after)
    learn = learner(ds)
    notes = [step.note for step in training(learn, path) if step.note]
    assert len(notes) == 1
    assert "finished" in notes[0] if after == 20 else "going on in epoch" in notes[0]
    assert_same(learn, whole)


def test_the_file_that_it_goes_on_from_can_be_replaced_as_soon_as_it_is_read(ds, tmp_path):
    """Tensors that are the mapped file would change with it, and on Windows nobody could replace it."""
    path = tmp_path / "kept.safetensors"
    list(training(learner(ds), path))
    tensors = resume._read(path).tensors
    before = fingerprint(tensors)
    with path.open("r+b") as file:
        file.write(bytes(path.stat().st_size))
    assert fingerprint(tensors) == before


@pytest.mark.usefixtures("every_step")
@pytest.mark.parametrize(
    "options",
    [
        {"accumulate": 2},
        {"mixup": 0.4, "cutmix": 1.0, "label_smoothing": 0.1},
        {"save_best": True, "early_stopping": 1},
        {"sampling": "balanced", "class_weights": "balanced", "gradient_clip": 0.1},
        {"train_bn": False, "augment": "strong"},
    ],
    ids=lambda options: next(iter(options)),
)
def test_whatever_the_recipe(ds, tmp_path, options):
    whole = learner(ds)
    list(training(whole, **options))
    for after in (7, 13):
        path = tmp_path / f"{after}.safetensors"
        cut_off(ds, path, min(after, len(whole.steps)), **options)
        learn = learner(ds)
        list(training(learn, path, **options))
        assert_same(learn, whole)


KILLED = """
import os, signal, sys
from bearwidgets import Dataset, Learner
from bearwidgets.learn import run as fitting

fitting.CHECKPOINT_EVERY = -1.0
learn = Learner(Dataset.from_folder(sys.argv[1]), "test_resnet", weights=None, size=32)
options = {"mode": "full", "freeze_epochs": 2, "batch_size": 4, "checkpoint": sys.argv[2]}
for step in learn.fine_tuning(2, **options):
    if len(learn.steps) == int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_process(ds, whole, tmp_path):
    path = tmp_path / "kept.safetensors"
    done = subprocess.run(
        [sys.executable, "-c", KILLED, ds.root, path, "13"],
        env={**os.environ, "CUDA_VISIBLE_DEVICES": ""},
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    learn = learner(ds)
    list(training(learn, path))
    assert_same(learn, whole)


def test_between_the_minutes_an_epoch_is_lost_at_most(ds, whole, tmp_path):
    path = tmp_path / "kept.safetensors"
    cut_off(ds, path, 14)
    learn = learner(ds)
    first = next(training(learn, path))
    assert (first.stage, first.step, len(learn.steps)) == ("unfrozen", 0, 10)
    learn = learner(ds)
    list(training(learn, path))
    assert_same(learn, whole)


def test_a_finished_training_is_not_done_again_and_leaves_other_files_alone(ds, tmp_path, capsys):
    path, other = tmp_path / "kept.safetensors", tmp_path / "kept"
    other.write_bytes(b"mine")
    list(training(learner(ds), path))
    before = path.read_bytes()
    learn = learner(ds)
    learn.fine_tune(2, mode="full", freeze_epochs=2, batch_size=4, checkpoint=path)
    assert "kept.safetensors: this training is finished." in capsys.readouterr().out
    assert path.read_bytes() == before
    assert len(learn.history) == 4
    assert other.read_bytes() == b"mine"
    assert sorted(each.name for each in tmp_path.iterdir() if each.is_file()) == ["kept", "kept.safetensors"]


@pytest.fixture(scope="module")
def once(ds, tmp_path_factory):
    path = tmp_path_factory.mktemp("once") / "kept.safetensors"
    cut_off(ds, path, 6)
    return path


@pytest.fixture
def kept(once, tmp_path):
    """The checkpoint of a training that was cut off."""
    return Path(shutil.copy(once, tmp_path))


@pytest.mark.parametrize(
    ("options", "differs"),
    [
        ({"base_lr": 1e-3}, "list of phases"),
        ({"mixup": 0.2}, "set of options"),
        ({"seed": 1}, "seed"),
        ({"size": 40}, "architecture"),
        ({"arch": "test_efficientnet"}, "architecture"),
        ({"normalize": "none"}, "preprocessing"),
    ],
)
def test_that_of_another_training_is_refused(ds, kept, options, differs):
    before = kept.read_bytes()
    made = {name: options.pop(name) for name in ("seed", "size", "arch", "normalize") if name in options}
    learn = Learner(ds, **{**TINY, **made})
    with pytest.raises(BadInputError, match=f"another training, with another .*{differs}"):
        list(training(learn, kept, **options))
    assert kept.read_bytes() == before
    assert not learn.provenance


def test_that_of_other_data_is_refused(ds, kept, images, make_images):
    make_images(images, {"polar": 8})
    with pytest.raises(BadInputError, match=r"another list of classes.* training split"):
        list(training(learner(Dataset.from_folder(images)), kept))


def test_a_foreign_or_broken_file_is_refused_and_not_executed(ds, kept, tmp_path):
    bomb = pickle.dumps(Bomb(tmp_path / "executed"))
    foreign = safetensors.torch.save({"model.x": torch.zeros(3)})
    for data in (b"", b"\xff" * 4096, bomb, kept.read_bytes()[:-100], foreign):
        kept.write_bytes(data)
        sentence = "It was not executed" if data == bomb else "is no checkpoint of a training"
        with pytest.raises(BadInputError, match=sentence):
            list(training(learner(ds), kept))
        assert kept.read_bytes() == data
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize(
    ("card", "tensors", "sentence"),
    [
        ({"position": {"phase": -3}}, {}, "damaged"),
        ({"position": None}, {}, "damaged"),
        ({"steps": 7}, {}, "damaged"),
        ({"extra": 1}, {}, "damaged"),
        ({}, {"moments.0.exp_avg": torch.zeros(7)}, "damaged"),
        ({}, {"model.head.bias": torch.full((3,), torch.nan)}, "damaged"),
        ({}, {"model.head.weight": None}, "another architecture"),
    ],
)
def test_a_changed_file_is_refused(ds, kept, card, tensors, sentence):
    rewritten(kept, lambda known: {**known, **card}, tensors)
    before = kept.read_bytes()
    with pytest.raises(BadInputError, match=sentence) as raised:
        list(training(learner(ds), kept))
    assert "Give the name of a new file" in str(raised.value)
    assert kept.read_bytes() == before


def rewritten(path, change, tensors=None):
    """The same checkpoint as an older version wrote it, without a checksum, changed; None takes a tensor out."""
    with safetensors.safe_open(path, "pt") as file:
        card = json.loads(file.metadata()[resume.CARD])
    held = safetensors.torch.load_file(path) | (tensors or {})
    held = {name: tensor for name, tensor in held.items() if tensor is not None}
    safetensors.torch.save_file(held, path, {resume.CARD: json.dumps(change(card))})


@pytest.mark.usefixtures("every_step")
@pytest.mark.parametrize("mode", ["exact", None])
def test_a_checkpoint_of_an_older_version_goes_on(ds, whole, tmp_path, mode):
    def older(card):
        how = card.pop("provenance")
        return {**card, "place": card.pop("position"), "made_by": {**how, "mode": mode} if mode else "words"}

    path = tmp_path / "kept.safetensors"
    cut_off(ds, path, 7)
    rewritten(path, older)
    learn = learner(ds)
    list(training(learn, path))
    assert_same(learn, whole)


def test_a_damaged_weight_is_refused(ds, kept):
    data = bytearray(kept.read_bytes())
    data[-3] ^= 1
    kept.write_bytes(data)
    with pytest.raises(BadInputError, match=r"broken \(its checksum is that of other contents\)"):
        list(training(learner(ds), kept))


def test_a_place_that_cannot_be_is_refused_before_the_training(ds, tmp_path):
    with pytest.raises(BadInputError, match="there is no folder"):
        training(learner(ds), tmp_path / "nowhere" / "kept.safetensors")
    with pytest.raises(BadInputError, match="is there and no file"):
        training(learner(ds), tmp_path)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(BadInputError, match="is there and no file"):
            training(learner(ds), tmp_path / "pipe")


def test_a_full_disk_stops_no_training(ds, tmp_path, monkeypatch):
    path = tmp_path / "kept.safetensors"

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(safetensors.torch, "save_file", full)
    learn = learner(ds)
    with pytest.warns(UserWarning, match=r"No space left on device\. The training goes on\."):
        list(training(learn, path))
    assert len(learn.steps) == 20
    assert not path.exists()
