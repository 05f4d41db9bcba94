"""One thing at a time in the background, with progress and a Stop that works at the next step."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bearwidgets.errors import BearwidgetsError, ConflictError
from bearwidgets.widgets.protocol import Curve, JobState

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from bearwidgets.learn.progress import Progress

log = logging.getLogger("bearwidgets")

EVERY = 0.2
CURVE_POINTS = 200
RUNNING = ("running", "stopping")


class Job:
    """Runs the steps of a generator in a thread and tells from there how it goes, at most five times a second."""

    def __init__(self, tell: Callable[[JobState], None]) -> None:
        self._tell = tell
        self._stop = threading.Event()
        self._changing = threading.Lock()
        self._thread: threading.Thread | None = None
        self.state = JobState()

    @property
    def running(self) -> bool:
        """Whether it is at work."""
        return self.state.state in RUNNING

    def start(self, steps: Generator[Progress], finish: Callable[[], dict[str, Any]]) -> None:
        """Begin, where no job is running; `finish` gives the fields of the last `JobState`, in the thread."""
        if self.running:
            raise ConflictError("A training is running already; wait for it or press Stop.")
        self._stop.clear()
        self.state = JobState(state="running", message="starting")
        self._tell(self.state)
        self._thread = threading.Thread(
            target=self._run, args=(steps, finish), name="bearwidgets-job", daemon=True
        )
        self._thread.start()

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
        thread = self._thread
        while thread is not None and thread.is_alive():
            try:
                thread.join(0.1)
            except KeyboardInterrupt:
                self.stop()
        return self.state

    def _run(self, steps: Generator[Progress], finish: Callable[[], dict[str, Any]]) -> None:
        try:
            if self._follow(steps):
                self._set(message="measuring")
                self._set(state="done", seconds_left=None, **finish())
            else:
                self._set(
                    state="stopped", seconds_left=None, message="stopped; scores and learner are as before"
                )
        except BearwidgetsError as error:
            self._set(state="failed", seconds_left=None, message="failed", error=str(error))
        except Exception as error:  # the thread's end: nobody above it would see this
            log.exception("The training failed")
            sentence = f"{type(error).__name__}: {error}. Scores and learner are as before."
            self._set(state="failed", seconds_left=None, message="failed", error=sentence)

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
                stage, since = step.stage, now
            if step.train_loss is not None:
                place = curve[-1][0] + 1 if curve else 0.0
                curve = _thinned([*curve, (place, step.train_loss, step.valid_error)])
            left = (now - since) / step.step * (step.total - step.step) if step.step else None
            if now - told >= EVERY or step.valid_error is not None:
                told = now
                self._set(step=step.step, total=step.total, message=stage, seconds_left=left, curve=curve)
        return not self._stop.is_set()

    def _set(self, **changes: Any) -> None:
        with self._changing:
            if self.state.state == "stopping" and changes.get("state") is None:
                changes.pop("message", None)
            self.state = replace(self.state, **changes)
        self._tell(self.state)


def _thinned(curve: Curve) -> Curve:
    """Every second point goes once there are too many, never one with an error on it."""
    if len(curve) <= CURVE_POINTS:
        return curve
    return [point for number, point in enumerate(curve) if number % 2 == 0 or point[2] is not None]
