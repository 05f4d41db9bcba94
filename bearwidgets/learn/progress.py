"""What long work tells of itself while it runs, and the one bar that shows it."""

from __future__ import annotations

import html
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from typing_extensions import override

from bearwidgets.figures import percent

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

Result = TypeVar("Result")

EVERY = 0.2  # s between two looks of the bar
QUICK_STAGES = ("features", "head")  # of a training in the quick mode
MOST_NAMES = 5  # of stages in a line; of more only the present one is named


@dataclass(frozen=True)
class Progress:
    """Where some work stands: the stage in words, how many of its steps are done, the figures known by then.

    A total of 0 is one that is not known.
    """

    stage: str
    step: int
    total: int
    epoch: float = 0.0  # epochs done, as a fraction; 0 outside the epochs
    train_loss: float | None = None  # mean log-loss, smoothed over the steps
    valid_loss: float | None = None  # mean log-loss on the evaluation split, at the end of an epoch
    valid_error: float | None = None  # share of the evaluation split that is wrong, 0 to 1, then too
    loss: float | None = None  # of this step alone
    lr: float | None = None  # that of the head
    momentum: float | None = None  # beta1
    failed: bool = False  # this stage came to no end, and the work goes on without it
    note: str = ""  # a sentence to be shown once, such as where a training that was cut off goes on


@dataclass
class Stages:
    """The stages of some work as one line and one share.

    Attributes:
        names: Those that are known to come; others are added when they begin.
        ended: How it ended, in a word; "" while it goes on.
    """

    names: list[str]
    ended: str = ""
    _at: int = 0
    _step: Progress | None = None
    _began: float = field(default_factory=time.monotonic)

    def reach(self, step: Progress) -> bool:
        """Take a step; says whether a stage began."""
        began = self._step is None or step.stage != self._step.stage
        if step.stage not in self.names:
            self.names.append(step.stage)
        self._at, self._step = self.names.index(step.stage), step
        return began

    @property
    def share(self) -> float:
        """How much is done, 0 to 1: each stage counts the same."""
        if self.ended == "done":
            return 1.0
        step = self._step
        within = step.step / step.total if step is not None and step.total else 0.0
        return (self._at + within) / max(len(self.names), 1)

    @property
    def text(self) -> str:
        """Such as "✓ features · head 3 of 9 · loss 0.210 · 4 s"."""
        done = len(self.names) if self.ended == "done" else self._at
        now = [self._now(name) for name in self.names[done : done + 1]]
        words = [f"✓ {name}" for name in self.names[:done]] + now + self.names[done + 1 :]
        if len(self.names) > MOST_NAMES:
            words = now or [f"✓ {self.names[-1]}"]
        words += _figures(self._step)
        seconds = time.monotonic() - self._began
        ended = [self.ended] if self.ended not in ("", "done") else []
        return " · ".join([*words, *ended, f"{seconds:.1f} s" if self.ended else f"{seconds:.0f} s"])

    def _now(self, name: str) -> str:
        step = self._step
        return f"{name} {step.step:,} of {step.total:,}" if step is not None and step.total else name


def _figures(step: Progress | None) -> list[str]:
    """The figures that are known by then, in words."""
    if step is None:
        return []
    losses = {"loss": step.train_loss, "valid loss": step.valid_loss}
    words = [f"{name} {value:.3f}" for name, value in losses.items() if value is not None]
    return words if step.valid_error is None else [*words, f"valid error {percent(step.valid_error, 1)}"]


def with_bar(
    steps: Generator[Progress, None, Result], *, show: bool, stages: Sequence[str] = ()
) -> Generator[Progress, None, Result]:
    """The same steps and the same result, with one bar over all `stages` in the notebook or the terminal."""
    shown, told, line = Stages(list(stages)), 0.0, make_bar(show=show)
    try:
        line.draw(shown)
        while True:
            try:
                step = next(steps)
            except StopIteration as end:
                shown.ended = "done"
                return end.value
            if step.note and show:
                line.write(step.note)
            now = time.monotonic()
            if shown.reach(step) or step.step == step.total or now - told > EVERY:
                told = now
                line.draw(shown)
            yield step
    except GeneratorExit:  # who asked for the steps has seen enough
        shown.ended = "done"
        raise
    except BaseException as error:
        shown.ended = "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"
        raise
    finally:
        line.draw(shown)
        line.close()


def run_with_bar(
    steps: Generator[Progress, None, Result], *, show: bool, stages: Sequence[str] = ()
) -> Result:
    """Take all the steps, with a bar; gives the result."""
    shown = with_bar(steps, show=show, stages=stages)
    while True:
        try:
            next(shown)
        except StopIteration as end:
            return end.value


def make_bar(*, show: bool) -> Bar:
    """A bar for where the program runs."""
    if not show:
        return Bar()
    ipython: Any = sys.modules.get("IPython")  # a notebook has loaded it; nothing else needs it
    if ipython is not None and hasattr(ipython.get_ipython(), "kernel"):
        return NotebookBar(ipython.display.display)
    return TerminalBar()


class Bar:
    """A bar that nobody sees."""

    def draw(self, stages: Stages) -> None:
        """Show how it stands."""

    def write(self, text: str) -> None:
        """Show a sentence that stays."""

    def close(self) -> None:
        """Draw no more."""


class TerminalBar(Bar):
    """One line of tqdm's; where the output is no terminal, only how it ended."""

    def __init__(self) -> None:
        from tqdm import tqdm

        self._bar: Any = tqdm(total=1.0, bar_format="{desc} |{bar:20}|", disable=None)
        self._text = ""

    @override
    def draw(self, stages: Stages) -> None:
        self._text = stages.text
        self._bar.n = stages.share
        self._bar.set_description_str(stages.text)

    @override
    def write(self, text: str) -> None:
        self._bar.write(text, file=sys.stdout)

    @override
    def close(self) -> None:
        if self._bar.disable:
            sys.stderr.write(f"{self._text}\n")
        self._bar.close()


class NotebookBar(Bar):
    """One output that is drawn over; a saved notebook keeps its last line."""

    def __init__(self, display: Callable[..., Any]) -> None:
        self._display = display
        self._handle: Any = None

    @override
    def draw(self, stages: Stages) -> None:
        color = {"": "auto", "done": "#2e7d32"}.get(stages.ended, "#9e9e9e")
        bar = f'<progress max="1" value="{stages.share:.3f}" style="accent-color:{color}"></progress>'
        data = {"text/plain": stages.text, "text/html": f"<div>{bar} {html.escape(stages.text)}</div>"}
        if self._handle is None:
            self._handle = self._display(data, raw=True, display_id=True)
        else:
            self._handle.update(data, raw=True)

    @override
    def write(self, text: str) -> None:
        sys.stdout.write(f"{text}\n")
