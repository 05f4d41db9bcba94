"""Loggers: what they wrote is read back with the tools that it is for."""

from __future__ import annotations

import json
import math
import os
import sys
import warnings

import numpy as np
import pandas as pd
import pytest

from bearwidgets.errors import BadInputError, WorkspaceError
from bearwidgets.learn.progress import Progress
from bearwidgets.learn.training.loggers import METHODS, make_logger

PLAN = {"network": "test_resnet at 32 px", "classes": "black, grizzly | teddy", "options": "Recipe(…)"}
EPOCHS = [
    {"stage": "frozen", "epoch": 1.0, "train_loss": 1.5, "valid_loss": None, "valid_error": float("nan")},
    {"stage": "unfrozen", "epoch": 1.0, "train_loss": np.float32(0.5), "valid_loss": 0.75, "f1": 0.25},
]


def train(logger) -> None:
    """Two phases, of two steps and of one."""
    logger.log_step(Progress("frozen", 1, 2, epoch=0.5, loss=3.0, lr=0.1, momentum=0.95))
    logger.log_step(Progress("frozen", 2, 2, epoch=1, loss=2.0, lr=0.2, momentum=0.85))
    logger.log_epoch(EPOCHS[0])
    logger.log_step(Progress("unfrozen", 1, 1, epoch=1, loss=math.inf, lr=0.05))
    logger.log_epoch(EPOCHS[1])
    logger.close()


class Mine:
    """A logger of one's own."""

    def __init__(self):
        self.heard = []

    def log_step(self, record):
        self.heard.append(record.loss)

    def log_epoch(self, row):
        self.heard.append(row["stage"])

    def log_recipe(self, recipe):
        self.heard.append(recipe["network"])

    def close(self):
        self.heard.append("closed")


WHOLE = ["test_resnet at 32 px", 3.0, 2.0, "frozen", math.inf, "unfrozen", "closed"]


def read_events(folder):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder))
    events.Reload()
    scalars = {
        name: [(each.step, round(each.value, 5)) for each in events.Scalars(name)]
        for name in events.Tags()["scalars"]
    }
    return scalars, events


def test_tensorboard_reads_what_was_logged(tmp_path, capfd):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        train(make_logger([("tensorboard", tmp_path / "logs"), ("csv", tmp_path / "csv")], PLAN))
    assert capfd.readouterr() == ("", "")
    (run,) = (tmp_path / "logs").iterdir()
    assert run.name.endswith("-test_resnet-at-32-px")
    scalars, events = read_events(run)
    assert scalars == {
        "step/loss": [(1, 3.0), (2, 2.0)],
        "step/lr": [(1, 0.1), (2, 0.2), (3, 0.05)],
        "step/momentum": [(1, 0.95), (2, 0.85)],
        "epoch/train_loss": [(1, 1.5), (2, 0.5)],
        "epoch/valid_loss": [(2, 0.75)],
        "epoch/f1": [(2, 0.25)],
    }
    text = events.Tensors("recipe/text_summary")[0].tensor_proto.string_val[0].decode()
    assert "| classes | black, grizzly \\| teddy |" in text


def test_mlflow_reads_what_was_logged(tmp_path, monkeypatch, capfd):
    before = dict(os.environ)
    train(make_logger(("mlflow", tmp_path / "a store"), PLAN))
    assert dict(os.environ) == before
    assert capfd.readouterr() == ("", "")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=(tmp_path / "a store").as_uri())
    (run,) = client.search_runs([client.get_experiment_by_name("bearwidgets").experiment_id])
    assert run.info.status == "FINISHED"
    assert run.info.run_name.endswith("-test_resnet-at-32-px")
    assert run.data.params == PLAN
    history = client.get_metric_history(run.info.run_id, "step/lr")
    assert [(each.step, each.value) for each in history] == [(1, 0.1), (2, 0.2), (3, 0.05)]
    assert run.data.metrics["epoch/f1"] == 0.25
    assert [each.step for each in client.get_metric_history(run.info.run_id, "epoch/train_loss")] == [1, 2]


def test_mlflow_reports_to_nobody(tmp_path, monkeypatch):
    seen = []

    from mlflow.exceptions import MlflowException

    def client(tracking_uri):
        seen.append((tracking_uri, os.environ.get("MLFLOW_DISABLE_TELEMETRY")))
        raise MlflowException("far enough")

    monkeypatch.delenv("MLFLOW_DISABLE_TELEMETRY", raising=False)
    monkeypatch.setattr("mlflow.MlflowClient", client)
    with pytest.raises(WorkspaceError, match="no folder MLflow can log to: far enough"):
        make_logger(("mlflow", tmp_path), {})
    assert seen == [(tmp_path.as_uri(), "true")]
    assert "MLFLOW_DISABLE_TELEMETRY" not in os.environ


def test_csv_files_are_current_at_every_moment_and_a_training_that_goes_on_counts_on(tmp_path):
    logger = make_logger(("csv", tmp_path), PLAN, steps=40, epochs=2)
    (run,) = tmp_path.iterdir()
    logger.log_step(Progress("frozen", 1, 2, epoch=0.5, loss=3.0, lr=0.1, momentum=0.95))
    assert pd.read_csv(run / "steps" / "metrics.csv").to_dict("records") == [
        {"step": 41, "stage": "frozen", "epoch": 0.5, "lr": 0.1, "momentum": 0.95, "loss": 3.0}
    ]
    logger.log_epoch(EPOCHS[0])
    logger.log_epoch(EPOCHS[1])
    epochs = pd.read_csv(run / "epochs" / "metrics.csv")
    assert (epochs.step.tolist(), epochs.f1.isna().tolist()) == ([3, 4], [True, False])
    logger.close()
    assert json.loads((run / "recipe.json").read_text("utf-8")) == PLAN


def test_without_a_folder_the_current_one_is_used(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    train(make_logger(["tensorboard", "csv", "csv", "mlflow"], PLAN))
    assert sorted(each.name for each in tmp_path.iterdir()) == ["mlruns", "runs"]
    assert len(list((tmp_path / "runs").iterdir())) == 3, "runs of one second lie apart"


def test_objects_of_ones_own_hear_everything_in_order(tmp_path):
    train(make_logger(None, PLAN))
    first, second = Mine(), Mine()
    train(make_logger(first, PLAN))
    assert first.heard == WHOLE
    train(make_logger([second, ("csv", tmp_path)], PLAN))
    assert second.heard == WHOLE


def test_a_full_disk_does_not_end_the_training(tmp_path):
    mine, broken = Mine(), Mine()
    logger = make_logger([broken, mine], PLAN)

    def full(record):
        raise OSError(28, "No space left on device")

    broken.log_step = full
    with pytest.warns(UserWarning, match=r"Mine cannot write any more \(No space left.*goes on"):
        train(logger)
    assert mine.heard == WHOLE
    assert broken.heard == WHOLE[:1]


def test_an_error_in_ones_own_logger_is_seen_and_a_refusal_closes_it():
    mine = Mine()
    logger = make_logger(mine, PLAN)
    mine.log_epoch = lambda _: 1 / 0
    with pytest.raises(ZeroDivisionError):
        train(logger)
    mine = Mine()
    with pytest.raises(BadInputError, match="No logger"):
        make_logger([mine, "nothing"], PLAN)
    assert mine.heard == ["closed"]


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("tensorbord", r"No logger 'tensorbord'; known are .*, mlflow, csv. Did you mean 'tensorboard'"),
        (("wandb", "x"), r"No logger 'wandb'"),
        (7, r"7 is no logger: it lacks log_step, log_epoch, log_recipe, close"),
        (("csv", "a", "b"), r"is no logger"),
        (type("Half", (), dict.fromkeys(METHODS[:3], print))(), r"it lacks close\."),
    ],
)
def test_what_is_no_logger_is_refused(wanted, message):
    with pytest.raises(BadInputError, match=message):
        make_logger(wanted, PLAN)


@pytest.mark.parametrize("name", ["tensorboard", "csv", "mlflow"])
def test_a_folder_that_cannot_be_written_is_named(tmp_path, name):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(WorkspaceError, match=r"log folder '.*logs' cannot be written: .*Give another one"):
        make_logger((name, tmp_path / "file" / "logs"), PLAN)


@pytest.mark.parametrize(
    ("name", "module"), [("tensorboard", "torch.utils.tensorboard"), ("mlflow", "mlflow")]
)
def test_a_missing_package_is_named_and_leaves_nothing(tmp_path, monkeypatch, name, module):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(BadInputError, match=rf"'{name}' needs .* `pip install 'bearwidgets\[log\]'`"):
        make_logger((name, tmp_path / "logs"), PLAN)
    assert list(tmp_path.iterdir()) == []
