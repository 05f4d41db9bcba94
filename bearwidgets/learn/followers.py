"""Who follows the trainings of a learner: told of every step in the thread that trains, able to stop at the next."""

from __future__ import annotations

import logging
import threading
import weakref
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from bearwidgets.errors import BearwidgetsError, ConflictError

if TYPE_CHECKING:
    from collections.abc import Generator

    from bearwidgets.learn.progress import Progress

Result = TypeVar("Result")
log = logging.getLogger("bearwidgets")


class Follower(Protocol):
    """What is told; it is kept as long as somebody else keeps it."""

    def begun(self) -> None:
        """Some work begins."""

    def stepped(self, step: Progress) -> None:
        """A step of it is done."""

    def ended(self, error: str | None, result: Any) -> None:
        """It ended: of itself, by `Followers.stop`, or with an error, here in a sentence."""


class Followers:
    """All followers of one learner.

    Attributes:
        stopped: whether the work that runs, or ran last, was asked to stop.
    """

    def __init__(self) -> None:
        self._all: weakref.WeakSet[Any] = weakref.WeakSet()
        self._lock = threading.Lock()
        self._works: threading.Thread | None = None
        self.stopped = False

    def __reduce__(self) -> tuple[type[Followers], tuple[()]]:
        """A copy of a learner is followed by nobody."""
        return Followers, ()

    @property
    def running(self) -> bool:
        """Whether a training or a search for a rate is at work."""
        return self._works is not None and self._works.is_alive()

    def add(self, follower: Follower) -> None:
        """Tell this one too from now on."""
        with self._lock:
            self._all.add(follower)

    def stop(self) -> bool:
        """Have what runs end at its next step; says whether anything runs."""
        self.stopped = self.stopped or self.running
        return self.running

    def told(self, steps: Generator[Progress, None, Result]) -> Generator[Progress, None, Result | None]:
        """The same steps and the same result, told to all; ends with None once `stop` was called.

        Raises:
            ConflictError: another thread trains this learner.
        """
        now = threading.current_thread()
        if self.running and self._works is not now:
            raise ConflictError("This learner is being trained; wait for that or stop it first.")
        self._works, self.stopped = now, False
        error = result = None
        self._tell("begun")
        try:
            while not self.stopped:
                try:
                    step = next(steps)
                except StopIteration as end:
                    result = end.value
                    return result
                self._tell("stepped", step)
                yield step
        except (GeneratorExit, KeyboardInterrupt):
            self.stopped = True
            raise
        except BaseException as caught:
            ours = isinstance(caught, BearwidgetsError)
            error = str(caught) if ours else f"{type(caught).__name__}: {caught}"
            raise
        finally:
            steps.close()
            self._works = None
            self._tell("ended", error, result)
        return None

    def interrupting(self, steps: Generator[Progress]) -> Generator[Progress]:
        """The same steps of `told`; a stop, such as by a view's button, raises KeyboardInterrupt as Ctrl-C does."""
        yield from steps
        if self.stopped:
            raise KeyboardInterrupt

    def _tell(self, what: str, *about: Any) -> None:
        with self._lock:
            followers = list(self._all)
        for each in followers:
            try:
                getattr(each, what)(*about)
            except Exception:  # who only looks on ends no training
                log.exception("A follower of a training failed")
