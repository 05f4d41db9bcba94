"""Who hears of a training: loggers by name, objects of one's own, several at once.

The x axis is one count over all phases of a training: of its steps for `step/…`, of its epochs for `epoch/…`.
"""

from __future__ import annotations

import re
import warnings
from datetime import datetime, timezone
from functools import partialmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from bearwidgets.errors import BadInputError, WorkspaceError, unknown_name
from bearwidgets.learn.training.log_writers import CSVLog, MLflowLog, TensorBoardLog

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bearwidgets.learn.progress import Progress

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
    """A logger that has been told the description; one that does nothing for None.

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
    path = Path(folder).expanduser().resolve()
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
