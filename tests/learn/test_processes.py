"""Several processes train one network: all end where one ends, and no other machine reaches them."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bearwidgets import Dataset, Learner, cli
from bearwidgets.errors import BadInputError
from bearwidgets.learn.training.launch import launch

ENVIRONMENT = {**os.environ, "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}
TINY = {"weights": None, "size": 32}
FIT = {"batch_size": 6, "precision": "32", "augment": "none", "accumulate": 2, "gradient_clip": 0.2}
SCRIPT = f"""
import sys, time
from bearwidgets import Dataset, Learner
from bearwidgets.learn.training.launch import launch

learn = Learner(Dataset.from_folder(sys.argv[1]), "test_vit", **{TINY})
learn.fabric = launch(2, "32")
print(f"rank {{learn.fabric.global_rank}}\\n", end="", flush=True)  # in one piece
{{body}}
learn.unfreeze()
learn.fit(2, 1e-3, progress=False, **{FIT})
if learn.fabric.is_global_zero:
    learn.steps.to_json(sys.argv[2] + ".steps", double_precision=15)
    learn.save(sys.argv[2])
"""


@pytest.fixture
def start(tmp_path, images):
    """`start(body)` starts the script in two processes; they are ended with the test."""
    started = []

    def call(body=""):
        script = tmp_path / "script.py"
        script.write_text(SCRIPT.replace("{body}", body))
        command = [sys.executable, script, images, tmp_path / "out"]
        pipe = subprocess.PIPE
        started.append(subprocess.Popen(command, env=ENVIRONMENT, stdout=pipe, stderr=pipe, text=True))
        return started[-1]

    yield call
    for process in started:
        process.kill()
        process.communicate()


def test_two_processes_train_as_one(start, images, tmp_path):
    first = start()
    one = Learner(Dataset.from_folder(images), "test_vit", **TINY)
    one.unfreeze()
    one.fit(2, 1e-3, progress=False, **FIT)
    out, err = first.communicate(timeout=240)
    assert first.returncode == 0, err
    assert sorted(out.split()) == ["0", "1", "rank", "rank"]
    assert "find_unused_parameters" not in err
    steps = pd.read_json(tmp_path / "out.steps")
    np.testing.assert_allclose(steps.loss, one.steps.loss, atol=2e-4)
    two = Learner.load(tmp_path / "out", Dataset.from_folder(images))
    np.testing.assert_allclose(two.predictions()[1], one.predictions()[1], atol=2e-3)


def children(process):
    return [int(each) for each in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def lives(process):
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def listening(process):
    """Addresses at which a process waits for connections."""
    targets = set()
    for each in Path(f"/proc/{process}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile; one that listens stays open
            targets.add(os.readlink(each))  # noqa: PTH115 - no paths
    rows = [
        line.split()
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/{process}/net/{table}").read_text().splitlines()[1:]
    ]
    return {row[1].split(":")[0] for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in targets}


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
@pytest.mark.parametrize("killed", ["first", "other"])
def test_nothing_listens_beyond_this_machine_and_none_outlives_another(start, killed):
    first = start("while True: learn.fabric.barrier(); time.sleep(0.1)")
    assert {first.stdout.readline(), first.stdout.readline()} == {"rank 0\n", "rank 1\n"}
    both = [first.pid, *children(first.pid)]
    assert len(both) == 2
    loopback = {"0100007F", "00000000000000000000000001000000"}
    assert {address for each in both for address in listening(each)} <= loopback
    os.kill(both[killed == "other"], signal.SIGKILL)
    deadline = time.monotonic() + 30
    while any(map(lives, both)) and time.monotonic() < deadline:
        time.sleep(0.05)
        first.poll()
    assert not [each for each in both if lives(each)]
    assert first.wait(5) != 0


@pytest.mark.parametrize("devices", [0, 9, 2.0, True, "2"])
def test_devices_that_are_not_allowed(devices):
    with pytest.raises(BadInputError, match="allowed is a whole number from 1 to 8"):
        launch(devices)


def test_what_cannot_be_launched_and_what_need_not_be(monkeypatch):
    with pytest.raises(BadInputError, match="precision"):
        launch(2, "16")
    assert launch(1, "32").world_size == 1
    monkeypatch.delattr(sys.modules["__main__"], "__file__", raising=False)
    with pytest.raises(BadInputError, match="Put the training into a script"):
        launch(2)


def test_windows_trains_in_one_process(monkeypatch):
    monkeypatch.setattr(sys, "platform", "win32")
    assert launch(1, "32").world_size == 1
    with pytest.raises(BadInputError, match=r"on Windows .* Train in one"):
        launch(2)


def run_cli(*arguments):
    options = ("--arch", "test_resnet", "--weights", "none", "--size", 32, "--mode", "full", "--epochs", 1)
    command = [sys.executable, "-m", "bearwidgets.cli", "train", *map(str, (*arguments, *options))]
    return subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=240, check=False)


def test_the_command_trains_in_two_processes(images, tmp_path):
    done = run_cli(images, "--devices", 2, "--batch-size", 6, "--save", tmp_path / "x.bw")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("held-out images") == done.stdout.count("saved to") == 1
    assert np.isfinite(Learner.load(tmp_path / "x.bw", Dataset.from_folder(images)).predictions()[1]).all()


def test_bad_input_to_two_processes_is_one_sentence(images):
    done = run_cli(images, "--devices", 2, "--augment", "stong")
    assert done.returncode == 1
    said = [line for line in done.stderr.splitlines() if line.startswith("bearwidgets: ")]
    assert len(said) == 1
    assert "stong" in said[0]
    assert "Traceback" not in done.stderr


def test_the_command_says_what_the_quick_mode_does_not_need(images, capsys):
    assert cli.main(["train", str(images), "--devices", "2"]) == 1
    assert "--devices is of the full mode: add --mode full" in capsys.readouterr().err
