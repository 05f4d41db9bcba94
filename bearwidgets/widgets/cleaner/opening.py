"""The first work on a folder, behind the grid: train, rank, check, as one would in three lines of one's own."""

from __future__ import annotations

import importlib
import sys
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bearwidgets.data.image_stats.table import image_stats_of
from bearwidgets.errors import BadInputError
from bearwidgets.learn.progress import QUICK_STAGES, Progress
from bearwidgets.review.checks.run import ISSUE_STAGES, finding_issues
from bearwidgets.review.review import Review

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from bearwidgets.data.dataset import Dataset
    from bearwidgets.learn.learner import Learner
    from bearwidgets.review.checks.issues import Issues

PAINTING = 1.0  # s that the first images are waited for, so that the imports do not hold them up
LOADING, NETWORK = "loading PyTorch", "loading network"


@dataclass(frozen=True)
class Opening:
    """A data set that a Cleaner is to train on and to check.

    Attributes:
        ds: The data set.
        seed: Of the learner.
        checks: Names of checks, as in `find_issues`; None for all.
    """

    ds: Dataset
    seed: int = 0
    checks: Sequence[str] | None = None

    @property
    def phases(self) -> list[str]:
        """The names of the phases, in their order."""
        loading = [] if "torch" in sys.modules else [LOADING]
        checking = [each for each in ISSUE_STAGES if each not in QUICK_STAGES] if self._checks else []
        return [*loading, NETWORK, *QUICK_STAGES, *checking]

    @property
    def _checks(self) -> bool:
        return self.checks is None or len(self.checks) > 0

    def steps(self, painted: threading.Event) -> Generator[Progress | Review | Issues]:
        """Do it: yields progress, the scores and the issues as soon as they are known.

        Where no learner can be trained, as on images of one class, a note says why, and the checks that need none
        are run. The imports wait a moment for `painted`, which is set once the first images are shown.
        """
        phases, source = self.phases, self.ds
        if LOADING in phases:
            yield Progress(LOADING, 0, 0)
            painted.wait(PAINTING)
            # Python loads PyTorch on one core and hardly lets go of it; decoding images takes another
            threading.Thread(target=image_stats_of, args=(self.ds,), daemon=True).start()
        try:
            source = Review((yield from self._training(phases)))
            yield source
        except BadInputError as error:
            yield Progress("head", 0, 0, failed=True, note=f"Not trained: {error}")
        except ModuleNotFoundError as error:
            yield Progress("head", 0, 0, failed=True, note=f"Not trained: {error.name} is not installed.")
        if self._checks:
            yield (yield from finding_issues(source, self.checks))

    def _training(self, phases: Sequence[str]) -> Generator[Progress, None, Learner]:
        if LOADING in phases:
            importlib.import_module("torch")
            yield Progress(LOADING, 1, 1)
        yield Progress(NETWORK, 0, 0)
        from bearwidgets.learn.learner import Learner

        # first needed after the features, which leave Python time to load it
        threading.Thread(
            target=importlib.import_module, args=("sklearn.model_selection",), daemon=True
        ).start()
        learn = Learner(self.ds, seed=self.seed)
        yield from learn.fine_tuning()
        return learn
