"""Who hears of a training: loggers by name (TensorBoard, MLflow, CSV files), objects of one's own, several at once.

The x axis is one count over all phases of a training: of its steps for `step/…`, of its epochs for `epoch/…`. All is
written on this machine. Folders come as functions that make them: a missing package leaves no empty folder behind.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import re
import time
import warnings
from datetime import datetime, timezone
from functools import partialmethod
from numbers import Real
from typing import TYPE_CHECKING, Any, Protocol

from lightning_fabric.loggers import CSVLogger, TensorBoardLogger

from bearwidgets.data.workspace import resolved
from bearwidgets.errors import BadInputError, WorkspaceError, unknown_name

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping
    from pathlib import Path

    from bearwidgets.learn.progress import Progress

EXPERIMENT = "bearwidgets"
METHODS = ("log_step", "log_epoch", "log_recipe", "close")
NAMES = ("tensorboard", "mlflow", "csv")


class Logger(Protocol):
    """What a training tells of itself, and to whom; any object with these methods will do."""

    def log_step(self, record: Progress) -> None:
        """One step of the loop is done: its stage, epoch, lr, momentum and loss."""

    def log_epoch(self, row: Mapping[str, Any]) -> None:
        """One epoch is done: a row of `Learner.history`."""

    def log_recipe(self, recipe: Mapping[str, Any]) -> None:
        """How the training is done, in words; once, before the first step."""

    def close(self) -> None:
        """The training has ended."""


def make_logger(wanted: Any, description: Mapping[str, Any], *, steps: int = 0, epochs: int = 0) -> Loggers:
    """Loggers that have been told the description; none of them for None.

    Args:
        wanted: None; a name; (name, folder); an object with the methods of `Logger`; or a list of these. Names are

            - "tensorboard": event files in `runs/<time>-<network>` of the current folder, where
              `tensorboard --logdir runs` looks for them;
            - "mlflow": a run of the experiment "bearwidgets" in the file store `mlruns` of the current folder, where
              `MLFLOW_ALLOW_FILE_STORE=true mlflow ui` looks for it;
            - "csv": `steps/metrics.csv`, `epochs/metrics.csv` and `recipe.json` in `runs/<time>-<network>`.

            A folder of your own takes the place of `runs` or `mlruns`.
        description: how the training is done, in words; its first value is a part of the run's name.
        steps: steps that were done and logged before, where a training goes on.
        epochs: epochs that were done and logged before.
    """
    several = [] if wanted is None else wanted if isinstance(wanted, list) else [wanted]
    logger = Loggers([])
    try:
        for each in several:
            logger.members.append(_make_one(each, _run_name(description), steps, epochs))
        logger.log_recipe(description)
    except BaseException:
        logger.close()
        raise
    return logger


class Loggers:
    """Several loggers as one. One that can no longer write is given up with a warning; the training goes on."""

    def __init__(self, members: list[Any]) -> None:
        self.members = list(members)

    def tell(self, method: str, *what: Any) -> None:
        """Call one of `METHODS` of each."""
        for member in list(self.members):
            try:
                getattr(member, method)(*what)
            except OSError as error:
                self.members.remove(member)
                warnings.warn(
                    f"{type(member).__name__} cannot write any more ({error.strerror or error}) and is left out; the "
                    "training goes on.",
                    stacklevel=4,
                )

    log_step = partialmethod(tell, "log_step")
    log_epoch = partialmethod(tell, "log_epoch")
    log_recipe = partialmethod(tell, "log_recipe")

    def close(self) -> None:
        """Close each."""
        self.tell("close")
        self.members = []


def _make_one(wanted: Any, run_name: str, steps: int, epochs: int) -> Any:
    name, folder = wanted if isinstance(wanted, tuple) and len(wanted) == 2 else (wanted, None)
    if not isinstance(name, str):
        missing = [each for each in METHODS if not callable(getattr(wanted, each, None))]
        if missing:
            raise BadInputError(
                f"{wanted!r} is no logger: it lacks {', '.join(missing)}. Allowed are {', '.join(map(repr, NAMES))}, "
                "(name, folder), an object with these methods, or a list of such."
            )
        return wanted
    if name not in NAMES:
        raise BadInputError(unknown_name("logger", name, NAMES))
    if name == "mlflow":
        return MLflowLog(lambda: _folder(folder or "mlruns"), run_name, steps, epochs)
    kind = {"tensorboard": TensorBoardLog, "csv": CSVLog}[name]
    return kind(lambda: _run_folder(_folder(folder or "runs"), run_name), steps, epochs)


def _folder(folder: str | Path) -> Path:
    """The folder, made if it is not there."""
    path = resolved(folder)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _not_writable(path, error) from error
    return path


def _run_folder(parent: Path, run_name: str) -> Path:
    """A new folder in `parent`; two runs of one second get different ones."""
    for number in range(1, 10_000):
        path = parent / (run_name if number == 1 else f"{run_name}-{number}")
        try:
            path.mkdir()
        except FileExistsError:
            continue
        except OSError as error:
            raise _not_writable(parent, error) from error
        return path
    raise WorkspaceError(f"{str(parent)!r} holds 10,000 runs of this second; give another folder.")


def _not_writable(path: Path, error: OSError) -> WorkspaceError:
    return WorkspaceError(
        f"The log folder {str(path)!r} cannot be written: {error.strerror}. Give another one, as in "
        "('tensorboard', 'a/folder')."
    )


def _run_name(description: Mapping[str, Any]) -> str:
    what = str(next(iter(description.values()), ""))
    slug = re.sub(r"[^A-Za-z0-9_]+", "-", what)[:60].strip("-")
    return "-".join(filter(None, [datetime.now(timezone.utc).strftime("%Y%m%d-%H%M%S"), slug]))


class CountingLog(Logger):
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
