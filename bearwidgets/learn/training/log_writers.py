"""What the loggers by name write: TensorBoard event files, an MLflow file store, CSV files; all on this machine."""

from __future__ import annotations

import contextlib
import csv
import json
import math
import os
import re
import time
from numbers import Real
from typing import TYPE_CHECKING, Any

from bearwidgets.errors import BadInputError, WorkspaceError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping
    from pathlib import Path

    from bearwidgets.learn.progress import Progress

STEP_COLUMNS = ("step", "stage", "epoch", "lr", "momentum", "loss")
EXPERIMENT = "bearwidgets"


# Folders come as functions that make them: a package that is missing leaves no empty folder behind.


class CountingLogger:
    """Gives steps and epochs their numbers, and keeps the figures among what it is told."""

    def __init__(self, steps: int, epochs: int) -> None:
        self.steps, self.epochs = steps, epochs

    def log_step(self, record: Progress) -> None:
        """Count the step and write its figures."""
        self.steps += 1
        figures = {"loss": record.loss, "lr": record.lr, "momentum": record.momentum}
        self._write({f"step/{name}": value for name, value in _figures(figures).items()}, self.steps)

    def log_epoch(self, row: Mapping[str, Any]) -> None:
        """Count the epoch and write its figures."""
        self.epochs += 1
        figures = {name: value for name, value in _figures(row).items() if name != "epoch"}
        self._write({f"epoch/{name}": value for name, value in figures.items()}, self.epochs)

    def _write(self, figures: Mapping[str, float], number: int) -> None:
        raise NotImplementedError


class TensorBoardLogger(CountingLogger):
    """Event files for TensorBoard."""

    def __init__(self, make_folder: Callable[[], Path], steps: int, epochs: int) -> None:
        super().__init__(steps, epochs)
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise BadInputError(_missing("tensorboard")) from error
        self._writer = SummaryWriter(str(make_folder()))

    def _write(self, figures: Mapping[str, float], number: int) -> None:
        for name, value in figures.items():
            self._writer.add_scalar(name, value, number)

    def log_recipe(self, recipe: Mapping[str, Any]) -> None:
        """A table under TEXT."""
        rows = [f"| {_cell(name)} | {_cell(value)} |" for name, value in recipe.items()]
        self._writer.add_text("recipe", "\n".join(["| | |", "|-|-|", *rows]), self.steps)

    def close(self) -> None:
        """Write what is left."""
        self._writer.close()


class MLflowLogger(CountingLogger):
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

    def _write(self, figures: Mapping[str, float], number: int) -> None:
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        metrics = [Metric(_mlflow_name(name), value, now, number) for name, value in figures.items()]
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


class CSVLogger:
    """`steps.csv`, `epochs.csv` and `recipe.json`, current after every step and epoch."""

    def __init__(self, make_folder: Callable[[], Path], steps: int, epochs: int) -> None:
        self._folder, self._step, self._epoch = make_folder(), steps, epochs
        self._rows: list[dict[str, Any]] = []
        self._file = (self._folder / "steps.csv").open("w", encoding="utf-8", newline="", buffering=1)
        self._writer = csv.writer(self._file)
        self._writer.writerow(STEP_COLUMNS)

    def log_step(self, record: Progress) -> None:
        """A line of `steps.csv`; its step is counted over all phases."""
        self._step += 1
        self._writer.writerow([self._step, *(getattr(record, name) for name in STEP_COLUMNS[1:])])

    def log_epoch(self, row: Mapping[str, Any]) -> None:
        """Write `epochs.csv` anew: a later row may have columns that the ones before it lack."""
        self._epoch += 1
        self._rows.append({"number": self._epoch, **row})
        columns = list(dict.fromkeys(name for each in self._rows for name in each))
        with (self._folder / "epochs.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, columns)
            writer.writeheader()
            writer.writerows(self._rows)

    def log_recipe(self, recipe: Mapping[str, Any]) -> None:
        """Write `recipe.json`."""
        text = json.dumps(dict(recipe), indent=1, ensure_ascii=False, default=str)
        (self._folder / "recipe.json").write_text(text + "\n", encoding="utf-8")

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _figures(values: Mapping[str, Any]) -> dict[str, float]:
    """The numbers among some values."""
    return {
        name: float(value)
        for name, value in values.items()
        if isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)
    }


def _mlflow_name(name: str) -> str:
    return re.sub(r"[^\w\-. /:]", "_", name, flags=re.ASCII)[:250]


def _cell(value: Any) -> str:
    return " ".join(str(value).split()).replace("|", "\\|")


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
