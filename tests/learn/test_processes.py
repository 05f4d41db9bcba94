"""Several processes train as one does; whatever ends one of them ends them all, in one sentence."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import safetensors.torch
import torch

from bearwidgets import Dataset, Learner, cli
from bearwidgets.errors import BadInputError
from bearwidgets.learn.training.launch import TOGETHER, launch
from bearwidgets.learn.training.recipe import Phase
from bearwidgets.learn.training.schedule import OneCycle

ENVIRONMENT = {**os.environ, "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}
OPTIONS = {"batch_size": 6, "precision": "32"}

SCRIPT = """
import json, os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # tests in the background inherit that it is ignored
from bearwidgets import Dataset, Learner
from bearwidgets.learn.training.launch import launch

folder, out, options = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
fabric = launch(2, "32")
learn = Learner(Dataset.from_folder(folder), options.pop("arch", "test_resnet"), weights=None, size=32)
learn.fabric = fabric
print("rank", fabric.global_rank, flush=True)
{body}
learn.unfreeze()
learn.fit_one_cycle(2, 1e-3, progress=True, **options)
if fabric.is_global_zero:
    import safetensors.torch
    learn.steps.to_json(out + ".steps", double_precision=15)
    learn.history.to_json(out + ".history", double_precision=15)
    weights = learn.module.state_dict().items()
    safetensors.torch.save_file({name: tensor.contiguous() for name, tensor in weights}, out)
    safetensors.torch.save_file(learn.record.dynamics.tensors, out + ".trace")
"""


@pytest.fixture
def start(tmp_path, images):
    """`start(body, **options)` starts the script in two processes; it is ended with the test."""
    started = []

    def call(body="", **options):
        script = tmp_path / "script.py"
        script.write_text(SCRIPT.replace("{body}", body))
        arguments = [images, tmp_path / "out", json.dumps({**OPTIONS, **options})]
        pipe = subprocess.PIPE
        keeper = subprocess.Popen(
            [sys.executable, script, *arguments], env=ENVIRONMENT, stdout=pipe, stderr=pipe, text=True
        )
        started.append(keeper)
        return keeper

    yield call
    for keeper in started:
        keeper.kill()
        keeper.communicate()


def members(keeper):
    """Process ids of those that a keeper has started."""
    return [int(each) for each in Path(f"/proc/{keeper}/task/{keeper}/children").read_text().split()]


def lives(process):
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def assert_gone(processes, seconds=20.0):
    deadline = time.monotonic() + seconds
    while any(map(lives, processes)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not [each for each in processes if lives(each)]


on_linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


def alone(images, **options):
    learn = Learner(Dataset.from_folder(images), options.pop("arch", "test_resnet"), weights=None, size=32)
    learn.unfreeze()
    return learn.fit_one_cycle(2, 1e-3, progress=False, **{**OPTIONS, **options})


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"arch": "test_vit"},
        {"class_weights": {"black": 3.0}, "label_smoothing": 0.1, "accumulate": 2, "gradient_clip": 0.2},
        {"sampling": "balanced", "augment": "strong", "batch_size": 7, "save_best": True},
    ],
    ids=["batch norms", "transformer", "weights", "balanced"],
)
def test_two_processes_train_as_one(start, images, tmp_path, options):
    keeper = start(**options)
    whole = alone(images, **options)
    out, err = keeper.communicate(timeout=240)
    assert keeper.returncode == 0, err
    assert [line for line in out.splitlines() if line.startswith("rank")] == ["rank 0"]
    steps = pd.read_json(tmp_path / "out.steps")
    history = pd.read_json(tmp_path / "out.history")
    np.testing.assert_allclose(steps.loss, whole.steps.loss, atol=2e-4)
    np.testing.assert_allclose(steps.lr, whole.steps.lr, rtol=1e-9)
    np.testing.assert_allclose(history.valid_loss, whole.history.valid_loss, atol=2e-4)
    for name, tensor in safetensors.torch.load_file(tmp_path / "out").items():
        mine = whole.module.state_dict()[name]
        assert torch.allclose(tensor.double(), mine.double(), atol=2e-3), name
    for name, tensor in safetensors.torch.load_file(tmp_path / "out.trace").items():
        assert torch.allclose(tensor, whole.record.dynamics.tensors[name], atol=2e-3, equal_nan=True), name


def test_they_go_on_from_the_checkpoint_of_one(start, images, tmp_path):
    path = str(tmp_path / "kept.safetensors")
    learn = Learner(Dataset.from_folder(images), "test_resnet", weights=None, size=32)
    whole = alone(images)
    phase = Phase("one cycle", 2, 1e-3, OneCycle(0.25, 25.0, 1e5), 0)
    steps = learn.fitting([phase], **OPTIONS, checkpoint=path)
    for step in steps:
        if step.epoch >= 1:
            break
    steps.close()
    keeper = start(checkpoint=path)
    out, err = keeper.communicate(timeout=240)
    assert keeper.returncode == 0, err
    assert "going on in epoch 2 of 2" in out
    losses = pd.read_json(tmp_path / "out.steps").loss
    np.testing.assert_allclose(losses, whole.steps.loss, atol=2e-4)


def test_a_torn_file_is_said_once(start, images):
    torn = images / "black" / "torn.jpg"
    torn.write_bytes((images / "black" / "000.jpg").read_bytes()[:500])
    keeper = start()
    _, err = keeper.communicate(timeout=240)
    assert keeper.returncode == 0, err
    assert err.count("could not be decoded") <= 1


def test_what_ends_one_is_said_once_and_ends_all(start):
    keeper = start("if fabric.global_rank == 1: raise ValueError('out of bears')")
    _, err = keeper.communicate(timeout=120)
    assert keeper.returncode == 1
    assert err.count("Traceback") == 1, err
    assert err.count("ValueError: out of bears") == 1


def test_what_ends_both_is_said_once(start):
    keeper = start("raise ValueError('out of bears')")
    _, err = keeper.communicate(timeout=120)
    assert keeper.returncode == 1
    assert err.count("ValueError: out of bears") == 1


@on_linux
def test_a_killed_process_ends_the_other(start):
    keeper = start("import time; time.sleep(60)")
    assert keeper.stdout.readline() == "rank 0\n"
    both = members(keeper.pid)
    assert len(both) == 2
    os.kill(both[1], signal.SIGKILL)
    _, err = keeper.communicate(timeout=60)
    assert keeper.returncode == 1
    assert "process 2 of 2 was ended by the system with signal 9 (out of memory?)" in err
    assert_gone(both)


@on_linux
@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGINT])
def test_without_the_keeper_they_end(start, ending):
    keeper = start("import time; time.sleep(60)")
    assert keeper.stdout.readline() == "rank 0\n"
    both = members(keeper.pid)
    keeper.send_signal(ending)
    keeper.wait(60)
    assert_gone(both)


@on_linux
def test_nothing_listens_beyond_this_machine(start):
    keeper = start("import time; time.sleep(60)")
    assert keeper.stdout.readline() == "rank 0\n"
    open_ports = {
        (int(line.split()[1].split(":")[1], 16), line.split()[1].split(":")[0])
        for process in members(keeper.pid)
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/{process}/net/{table}").read_text().splitlines()[1:]
        if line.split()[3] == "0A" and line.split()[9] in sockets(process)
    }
    loopback = {"0100007F", "00000000000000000000000001000000"}
    assert {address for _, address in open_ports} <= loopback


def sockets(process):
    """Inodes of the sockets that a process has open."""
    found = set()
    for each in Path(f"/proc/{process}/fd").iterdir():
        try:
            target = str(each.readlink())
        except OSError:
            continue
        if target.startswith("socket:["):
            found.add(target[8:-1])
    return found


@pytest.mark.parametrize("devices", [0, 9, 2.0, True, "2"])
def test_devices_that_are_not_allowed(devices):
    with pytest.raises(BadInputError, match="allowed is a whole number from 1 to 8"):
        launch(devices)


def test_a_precision_that_is_not_allowed():
    with pytest.raises(BadInputError, match="precision"):
        launch(2, "16")


def test_one_device_is_no_launch(monkeypatch):
    monkeypatch.delenv(TOGETHER, raising=False)
    assert launch(1, "32").world_size == 1


def test_a_prompt_cannot_be_run_again(monkeypatch):
    monkeypatch.delattr(sys.modules["__main__"], "__file__", raising=False)
    with pytest.raises(BadInputError, match="Put the training into a script"):
        launch(2)


def run_cli(*arguments):
    command = [sys.executable, "-m", "bearwidgets.cli", "train", *map(str, arguments)]
    return subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=240, check=False)


TINY = ("--arch", "test_resnet", "--weights", "none", "--size", "32", "--mode", "full", "--epochs", "1")


def test_the_command_trains_in_two_processes(images, tmp_path):
    done = run_cli(
        images, *TINY, "--devices", 2, "--batch-size", 6, "--precision", "32", "--save", tmp_path / "x.bw"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("held-out images") == 1
    assert done.stdout.count("saved to") == 1
    two = Learner.load(tmp_path / "x.bw", Dataset.from_folder(images))
    one = Learner(Dataset.from_folder(images), "test_resnet", weights=None, size=32)
    one.fit_from_scratch(1, progress=False, batch_size=6, precision="32")
    np.testing.assert_allclose(two.predictions()[1], one.predictions()[1], atol=1e-3)


def test_bad_input_to_two_processes_is_one_sentence(images):
    done = run_cli(images, *TINY, "--devices", 2, "--augment", "stong")
    assert done.returncode == 1
    said = [line for line in done.stderr.splitlines() if line.startswith("bearwidgets: ")]
    assert len(said) == 1
    assert "stong" in said[0]
    assert "Traceback" not in done.stderr


def test_the_command_says_what_the_cached_mode_does_not_need(images, capsys):
    assert cli.main(["train", str(images), "--devices", "2"]) == 1
    assert "--devices is of the full mode: add --mode full" in capsys.readouterr().err
