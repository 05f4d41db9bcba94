"""What the loggers by name write: TensorBoard event files, an MLflow file store, CSV files; all on this machine."""

from __future__ import annotations

import contextlib
import json
import math
import os
import re
import time
from numbers import Real
from typing import TYPE_CHECKING, Any

from lightning_fabric.loggers import CSVLogger, TensorBoardLogger

from bearwidgets.errors import BadInputError, WorkspaceError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping
    from pathlib import Path

    from bearwidgets.learn.progress import Progress

EXPERIMENT = "bearwidgets"


# Folders come as functions that make them: a package that is missing leaves no empty folder behind.


class CountingLog:
    """Gives steps and epochs their numbers; how they are written is up to the classes below."""

    def __init__(self, steps: int, epochs: int) -> None:
        self.steps, self.epochs = steps, epochs

    def log_step(self, record: Progress) -> None:
        """Count the step and write what it tells."""
        self.steps += 1
        names = ("stage", "epoch", "lr", "momentum", "loss")
        self._write("step", {name: getattr(record, name) for name in names}, self.steps)

    def log_epoch(self, row: Mapping[str, Any]) -> None:
        """Count the epoch and write what it tells."""
        self.epochs += 1
        self._write("epoch", row, self.epochs)

    def _write(self, kind: str, values: Mapping[str, Any], number: int) -> None:
        """Write the values of one "step" or "epoch"."""


class TensorBoardLog(CountingLog):
    """Event files for TensorBoard."""

    def __init__(self, make_folder: Callable[[], Path], steps: int, epochs: int) -> None:
        super().__init__(steps, epochs)
        try:
            import torch.utils.tensorboard  # noqa: F401 - before there is a folder
        except ImportError as error:
            raise BadInputError(_missing("tensorboard")) from error
        self._writer = TensorBoardLogger(make_folder(), name="", version="")

    def _write(self, kind: str, values: Mapping[str, Any], number: int) -> None:
        self._writer.log_metrics(figures(kind, values), number)

    def log_recipe(self, recipe: Mapping[str, Any]) -> None:
        """A table under TEXT."""
        cells = [[" ".join(str(each).split()).replace("|", "\\|") for each in row] for row in recipe.items()]
        rows = ["| | |", "|-|-|", *(f"| {name} | {value} |" for name, value in cells)]
        self._writer.experiment.add_text("recipe", "\n".join(rows), self.steps)

    def close(self) -> None:
        """Write what is left."""
        self._writer.finalize("success")


class CSVLog(CountingLog):
    """`steps/metrics.csv`, `epochs/metrics.csv` and `recipe.json`, current after every step and epoch."""

    def __init__(self, make_folder: Callable[[], Path], steps: int, epochs: int) -> None:
        super().__init__(steps, epochs)
        self._folder = make_folder()
        self._writers = {
            kind: CSVLogger(self._folder, f"{kind}s", version="", flush_logs_every_n_steps=1)
            for kind in ("step", "epoch")
        }

    def _write(self, kind: str, values: Mapping[str, Any], number: int) -> None:
        self._writers[kind].log_metrics(dict(values), number)

    def log_recipe(self, recipe: Mapping[str, Any]) -> None:
        """Write `recipe.json`."""
        text = json.dumps(dict(recipe), indent=1, ensure_ascii=False, default=str)
        (self._folder / "recipe.json").write_text(text + "\n", encoding="utf-8")

    def close(self) -> None:
        """All is written already."""


class MLflowLog(CountingLog):
    """A run in an MLflow file store; no server, and nothing is sent to anybody."""

    def __init__(self, make_folder: Callable[[], Path], run_name: str, steps: int, epochs: int) -> None:
        super().__init__(steps, epochs)
        # newer versions refuse file stores unless told that they are meant, and report their use unless told not to
        with _environment(MLFLOW_ALLOW_FILE_STORE="true", MLFLOW_DISABLE_TELEMETRY="true"):
            try:
                from mlflow import MlflowClient
                from mlflow.exceptions import MlflowException
            except ImportError as error:
                raise BadInputError(_missing("mlflow")) from error
            folder = make_folder()
            try:
                self._client = MlflowClient(tracking_uri=folder.as_uri())
                known = self._client.get_experiment_by_name(EXPERIMENT)
                experiment = known.experiment_id if known else self._client.create_experiment(EXPERIMENT)
                self.run_id = self._client.create_run(experiment, run_name=run_name).info.run_id
            except MlflowException as error:
                raise WorkspaceError(f"{str(folder)!r} is no folder MLflow can log to: {error}.") from error

    def _write(self, kind: str, values: Mapping[str, Any], number: int) -> None:
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        metrics = [
            Metric(_mlflow_name(name), value, now, number) for name, value in figures(kind, values).items()
        ]
        self._client.log_batch(self.run_id, metrics=metrics)

    def log_recipe(self, recipe: Mapping[str, Any]) -> None:
        """The run's parameters; long ones are cut off."""
        from mlflow.entities import Param
        from mlflow.utils.validation import MAX_PARAM_VAL_LENGTH

        parameters = [
            Param(_mlflow_name(str(name)), str(value)[:MAX_PARAM_VAL_LENGTH])
            for name, value in recipe.items()
        ]
        self._client.log_batch(self.run_id, params=parameters)

    def close(self) -> None:
        """Mark the run as finished."""
        self._client.set_terminated(self.run_id)


def figures(kind: str, values: Mapping[str, Any]) -> dict[str, float]:
    """The numbers among some values, under the names `kind/…`; the epoch is the axis."""
    return {
        f"{kind}/{name}": float(value)
        for name, value in values.items()
        if name != "epoch"
        and isinstance(value, Real)
        and not isinstance(value, bool)
        and math.isfinite(value)
    }


def _mlflow_name(name: str) -> str:
    return re.sub(r"[^\w\-. /:]", "_", name, flags=re.ASCII)[:250]


@contextlib.contextmanager
def _environment(**variables: str) -> Generator[None]:
    """Environment variables for the length of a block, where the user has not set them."""
    added = {name: value for name, value in variables.items() if name not in os.environ}
    os.environ.update(added)
    try:
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)


def _missing(name: str) -> str:
    return f"The logger {name!r} needs a package that is not installed; run `pip install 'bearwidgets[log]'`."
