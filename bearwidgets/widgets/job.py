"""One thing at a time in the background, with progress and a Stop that works at the next step."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from bearwidgets.errors import BadInputError, BearwidgetsError, ConflictError
from bearwidgets.learn.progress import Progress
from bearwidgets.widgets.protocol import Curve, JobState, Phase

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

log = logging.getLogger("bearwidgets")

EVERY = 0.2
CURVE_POINTS = 200
RUNNING = ("running", "stopping")
_LEFT = {
    "open": "what was found stays",
    "retrain": "scores and learner are as before",
    "find": "the queues of before stay",
    "check": "the map is as before",
}
_DOING = {"find": "Queues are being found anew", "check": "A map is being checked"}


class Job:
    """Runs the steps of a generator in a thread and tells from there how it goes, at most five times a second."""

    def __init__(self, tell: Callable[[JobState], None]) -> None:
        self._tell = tell
        self._stop = threading.Event()
        self._changing = threading.Lock()
        self._thread: threading.Thread | None = None
        self.state = self._before = JobState()

    @property
    def running(self) -> bool:
        """Whether it is at work."""
        return self.state.state in RUNNING

    def refuse(self, what: str, error: type[BearwidgetsError] = BadInputError) -> None:
        """Say, by an error, that this is to wait, where a job is running."""
        if self.running:
            doing = _DOING.get(self.state.kind, "A training is running")
            raise error(f"{doing}; wait for it or stop it {what}.")

    def start(
        self,
        steps: Generator[Progress],
        finish: Callable[[], dict[str, Any]],
        *,
        kind: Literal["retrain", "open", "find", "check"] = "retrain",
        phases: Sequence[str] = (),
    ) -> None:
        """Begin, where no job is running.

        Args:
            steps: the work; each phase has the stage of its steps as its name.
            finish: gives the fields of the last `JobState`, in the thread.
            kind: as in `JobState`. Where queues are found anew the report of the job before comes back at the end.
            phases: names of those that are known to come; others are added when they begin.
        """
        self.refuse("before another is begun", ConflictError)
        self._stop.clear()
        self._before = self._before if self.state.kind == "find" else self.state
        self.state = JobState(
            state="running", message="starting", kind=kind, phases=[Phase(name) for name in phases]
        )
        self._tell(self.state)
        thread = threading.Thread(target=self._run, args=(steps, finish), name="bearwidgets-job", daemon=True)
        thread.start()
        self._thread = thread  # one that is not started yet would pass for one that has ended

    def stop(self) -> None:
        """Ask it to stop at the next step."""
        with self._changing:  # its end may come between the look and the word
            if not self.running:
                return
            self._stop.set()
            self.state = replace(self.state, state="stopping", message="stopping at the next step")
        self._tell(self.state)

    def wait(self) -> JobState:
        """Wait for the end; Ctrl-C stops the job and waits for that."""
        while (thread := self._thread) is not None and thread.is_alive():
            try:
                thread.join(0.1)
            except KeyboardInterrupt:
                self.stop()
        return self.state

    def _run(self, steps: Generator[Progress], finish: Callable[[], dict[str, Any]]) -> None:
        try:
            if self._follow(steps):
                if self.state.kind == "retrain":
                    self._reach(Progress("measuring", 0, 0))
                report = finish()
                self._end("done", **(vars(self._before) if self.state.kind == "find" else report))
            else:
                self._end("stopped", message=f"stopped; {_LEFT[self.state.kind]}")
        except BearwidgetsError as error:
            self._end("failed", message="failed", error=str(error))
        except Exception as error:  # the thread's end: nobody above it would see this
            log.exception("The job failed")
            left = _LEFT[self.state.kind].capitalize()
            self._end("failed", message="failed", error=f"{type(error).__name__}: {error}. {left}.")

    def _follow(self, steps: Generator[Progress]) -> bool:
        """Whether it came to its end; False when it was stopped."""
        stage, since, told = "", time.monotonic(), 0.0
        curve: Curve = []
        for step in steps:
            if self._stop.is_set():
                steps.close()
                return False
            now = time.monotonic()
            if step.stage != stage:
                goes_on = stage.startswith("frozen") and step.stage.startswith("unfrozen")
                curve = curve if goes_on else []
                stage, since, told = step.stage, now, 0.0
            if step.train_loss is not None:
                place = curve[-1][0] + 1 if curve else 0.0
                curve = _thinned([*curve, (place, step.train_loss, step.valid_error)])
            left = (now - since) / step.step * (step.total - step.step) if step.step else None
            if now - told >= EVERY or step.valid_error is not None:
                told = now
                self._reach(step, seconds_left=left, curve=curve)
        return not self._stop.is_set()

    def _reach(self, step: Progress, **changes: Any) -> None:
        phases = _at(self.state.phases, step)
        self._set(step=step.step, total=step.total, message=step.stage, phases=phases, **changes)

    def _end(self, ended: str, **changes: Any) -> None:
        """Nothing goes on: what was at work is done, failed, or waits for another time."""
        left = {"done": "done", "failed": "failed"}.get(ended, "waiting")
        phases = [
            replace(each, state=left) if each.state == "running" else each for each in self.state.phases
        ]
        self._set(**{"state": ended, "phases": phases, "seconds_left": None, **changes})

    def _set(self, **changes: Any) -> None:
        with self._changing:
            if self.state.state == "stopping" and changes.get("state") is None:
                changes.pop("message", None)
            self.state = replace(self.state, **changes)
        self._tell(self.state)


def _at(phases: Sequence[Phase], step: Progress) -> list[Phase]:
    """The phases when the work is at this step: those before it are done, one that was not announced is added."""
    names = [each.name for each in phases]
    place = names.index(step.stage) if step.stage in names else len(names)
    before = [each if each.state == "failed" else replace(each, state="done") for each in phases[:place]]
    ended = step.total and step.step == step.total
    state = "failed" if step.failed else "done" if ended else "running"
    now = Phase(step.stage, step.step, step.total or None, state)
    return [*before, now, *phases[place + 1 :]]


def _thinned(curve: Curve) -> Curve:
    """Every second point goes once there are too many, never one with an error on it."""
    if len(curve) <= CURVE_POINTS:
        return curve
    return [point for number, point in enumerate(curve) if number % 2 == 0 or point[2] is not None]
