"""The trainings of a learner as live curves, with Stop and a plot to choose the learning rate in."""

from __future__ import annotations

import html
import logging
import math
import threading
import time
from dataclasses import replace
from numbers import Real
from typing import TYPE_CHECKING, Any

from bearwidgets.errors import BadInputError, BearwidgetsError, check_whole, shortened
from bearwidgets.figures import counted
from bearwidgets.widgets import protocol
from bearwidgets.widgets.inspect.charts import svg_chart
from bearwidgets.widgets.protocol import Chart, ChartLine, MonitorState
from bearwidgets.widgets.view import View, bundle

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from bearwidgets.learn.curves import Curves
    from bearwidgets.learn.find_rate import RateSearch
    from bearwidgets.learn.progress import Progress
    from bearwidgets.widgets.protocol import MonitorReply, RateRequest

log = logging.getLogger("bearwidgets")
EVERY = 0.25  # s between two updates of the page, at least
SHARE = 0.02  # of a training's time that its updates may take
EMPTY = (
    "This learner has no history yet. Run learn.fine_tune(4), or monitor.fit(4), and the curves appear here."
)
QUICK = (
    "The quick mode fits its head in one go, so there is a point for each training and no curve. "
    "Train with mode='full' to see curves."
)
_LEFT_OUT = 5  # last steps of a search that are not drawn: the loss rises beyond all bounds there
_RATES = ("valley", "slide", "steep", "minimum")


class TrainMonitor(View):
    """Live curves of a learner's trainings: loss, metrics and learning rate, with a Stop button.

    It follows every training of the learner: one in another cell, one in the background, one of before (from
    `learn.history`). "Find a rate" runs `learn.lr_find`; a click in its plot sets `rate`. While a cell trains, some
    kernels hear of a click only once the cell has ended: there the notebook's own Stop ends the training, and `fit`,
    which trains in the background, always hears of Stop.

    Args:
        learn: the `Learner`.
        height: of the view, px.

    Attributes:
        learn: the learner.
        rate: the learning rate that `fit` and `fine_tune` take, or None for their own.
        search: what the last search for a rate found, or None.

    Raises:
        BadInputError: it is no learner of bearwidgets.

    Example:
        >>> monitor = bw.TrainMonitor(bw.Learner(ds))
        >>> monitor.rate = 1e-3
        >>> monitor.fine_tune(mode="quick", wait=True)
        >>> monitor.state().charts[0].title
        'Loss'
    """

    _esm = bundle("monitor.js")
    _css = bundle("monitor.css")

    def __init__(self, learn: Any, *, height: int = 460) -> None:
        from bearwidgets.learn.fit_methods import FitMethods

        if not isinstance(learn, FitMethods):
            raise BadInputError(f"{shortened(learn)} is no bw.Learner; a TrainMonitor follows one.")
        self.learn = learn
        self.search: RateSearch | None = None
        self._rate: float | None = None
        self._thread: threading.Thread | None = None
        self._told, self._pause, self._since, self._epochs = 0.0, EVERY, 0.0, 0
        self._curves = _curves_of(learn)
        state = "running" if learn.followers.running else "empty" if learn.history.empty else "done"
        self._state = MonitorState(state, "", "", 0, 0, None, [], [], None, {}, None)
        handlers = {
            "monitor": (protocol.Nothing, lambda _request: self._reply()),
            "stop": (protocol.Nothing, self._on_stop),
            "find_rate": (protocol.Nothing, self._on_find_rate),
            "rate": (protocol.RateRequest, self._on_rate),
        }
        super().__init__(handlers, threading.RLock(), height=height)
        learn.followers.add(self)

    def __repr__(self) -> str:
        return f"TrainMonitor({self.learn!r})"

    @property
    def rate(self) -> float | None:
        """The learning rate that `fit` and `fine_tune` take; None for their own."""
        return self._rate

    @rate.setter
    def rate(self, value: float | None) -> None:
        good = isinstance(value, Real) and not isinstance(value, bool) and 0 < value < math.inf
        if value is not None and not good:
            raise BadInputError(f"rate is {shortened(value)}; allowed is a number above 0, or None.")
        self._rate = None if value is None else float(value)
        self._tell_state()

    def fit(self, epochs: int = 1, *, wait: bool = False, **options: Any) -> None:
        """Train what is not frozen for some epochs with one cycle of the rate, in the background.

        Args:
            epochs: passes over the training split.
            wait: return at the end of the training.
            **options: fields of `Recipe`, such as batch_size.

        Raises:
            BadInputError: an option that does not exist, or a number that is not allowed.
            ConflictError: the learner is being trained.
        """
        from bearwidgets.learn.fit_methods import DEFAULT_LR
        from bearwidgets.learn.training.recipe import Phase
        from bearwidgets.learn.training.schedule import OneCycle

        check_whole("epochs", epochs, 1)
        rate = self.rate or DEFAULT_LR
        phase = Phase("one cycle", epochs, rate, OneCycle(), self.learn.frozen_to)
        self._begin(self.learn.fitting([phase], **options), wait=wait)

    def fine_tune(self, epochs: int = 4, *, wait: bool = False, **options: Any) -> None:
        """Run `learn.fine_tune` in the background, with `rate` as its `base_lr`; arguments as there, and `wait`."""
        if self.rate is not None:
            options = {"base_lr": self.rate, **options}
        self._begin(self.learn.fine_tuning(epochs, **options), wait=wait)

    def find_rate(self, *, wait: bool = False, **options: Any) -> None:
        """Run `learn.lr_find` in the background and plot it here; arguments as there, and `wait`."""
        self._begin(self.learn.finding_rate(**options), wait=wait)

    def stop(self) -> None:
        """End what trains this learner at its next batch; the learner can be used as it is then."""
        if self.learn.followers.stop():
            with self.lock:
                self._state = replace(self._state, state="stopping")
            self._tell_state()

    def wait(self) -> None:
        """Wait for what was begun here; Ctrl-C stops it."""
        while (thread := self._thread) is not None and thread.is_alive():
            try:
                thread.join(0.1)
            except KeyboardInterrupt:
                self.stop()

    def state(self) -> MonitorState:
        """What the view shows now."""
        with self.lock:
            curves, search = self._curves, self.search
            return replace(
                self._state,
                charts=charts_of(curves),
                phases=list(curves.phases),
                message=self._message(),
                search=None if search is None else _search_chart(search),
                suggested={} if search is None else {name: getattr(search, name) for name in _RATES},
                rate=self._rate,
            )

    def static_html(self) -> str:
        """The curves as inline SVG, at most 60 KB."""
        state = self.state()
        drawn = [svg_chart(chart, state.phases) for chart in state.charts]
        drawn += [svg_chart(state.search)] if state.search else []
        message = f'<p style="font:12px sans-serif">{html.escape(state.message)}</p>' if state.message else ""
        return f"{message}<div>{''.join(drawn)}</div>"

    # what the followed learner tells, in the thread that trains

    def begun(self) -> None:
        """A training or a search begins."""
        with self.lock:
            self._since, self._epochs = time.monotonic(), self.learn.record.n_epochs
            self._state = replace(self._state, state="running", message="", stage="", step=0, total=0)
        self._tell_state()

    def stepped(self, step: Progress) -> None:
        """One step is done; the page hears of it at most four times a second."""
        now = time.monotonic()
        with self.lock:
            if step.stage != self._state.stage:
                self._since = now
            if step.stage != "lr_find":
                self._curves.add(step)
            if self.learn.record.n_epochs != self._epochs:
                self._epochs = self.learn.record.n_epochs
                self._curves.epoch(self.learn.history.iloc[-1].to_dict())
            left = (now - self._since) / step.step * (step.total - step.step) if step.step else None
            self._state = replace(
                self._state, stage=step.stage, step=step.step, total=step.total, seconds_left=left
            )
        if now - self._told >= self._pause:
            self._tell_state()
            took = time.monotonic() - now
            self._told, self._pause = now, max(EVERY, took / SHARE)

    def ended(self, error: str | None, result: Any) -> None:
        """It came to its end."""
        from bearwidgets.learn.find_rate import RateSearch

        with self.lock:
            if isinstance(result, RateSearch):
                self.search = result
            self._curves = _curves_of(self.learn)
            ended = "failed" if error else "stopped" if self.learn.followers.stopped else "done"
            ended = "empty" if ended == "done" and self.learn.history.empty else ended
            stopped = (
                "Stopped. You can use the learner as it is, or go on training." if ended == "stopped" else ""
            )
            self._state = replace(
                self._state,
                state=ended,
                message=error or stopped,
                stage="",
                step=0,
                total=0,
                seconds_left=None,
            )
        self._tell_state()

    def _begin(self, steps: Generator[Progress], *, wait: bool) -> None:
        from bearwidgets.errors import ConflictError

        if self.learn.followers.running:
            raise ConflictError("This learner is being trained; wait for that or stop it first.")
        if wait:
            for _ in steps:
                pass
            return
        self._thread = threading.Thread(target=_run, args=(steps,), name="bearwidgets-train", daemon=True)
        self._thread.start()

    def _message(self) -> str:
        """What is to be known besides the curves."""
        curves, state = self._curves, self._state
        said = [state.message] if state.message else []
        if not curves.lines and not self.learn.followers.running and not said:
            said.append(EMPTY)
        if curves.phases and {stage for _, stage in curves.phases} == {"head"}:
            said.append(QUICK)
        if curves.left_out:
            said.append(
                f"{counted(curves.left_out, 'number')} that were not finite are left out of the curves."
            )
        return " ".join(said)

    def _tell_state(self) -> None:
        if self.comm is None:
            return  # nobody would see it
        with self.lock:  # no answer is to be overtaken
            self.tell(protocol.MonitorEvent(self.state()))

    def _reply(self) -> MonitorReply:
        return protocol.MonitorReply(self.state())

    def _on_stop(self, _request: protocol.Nothing) -> protocol.Nothing:
        self.stop()
        return protocol.Nothing()

    def _on_find_rate(self, _request: protocol.Nothing) -> protocol.Nothing:
        self.find_rate()
        return protocol.Nothing()

    def _on_rate(self, request: RateRequest) -> MonitorReply:
        self.rate = request.rate
        return self._reply()


def charts_of(curves: Curves) -> list[Chart]:
    """Loss, metrics and rate, as far as there is anything to see."""
    from bearwidgets.learn.curves import RATE, TRAIN, VALID

    metrics = [name for name in curves.lines if name not in (TRAIN, VALID, RATE)]
    kinds = [("Loss", [TRAIN, VALID]), ("On the evaluation split", metrics), ("Learning rate", [RATE])]
    charts = []
    for title, names in kinds:
        lines = [_line(name, curves.lines[name].points) for name in names if name in curves.lines]
        if lines:
            charts.append(Chart(title, "epoch", title.lower(), lines))
    return charts


def _search_chart(search: RateSearch) -> Chart:
    table = search.table.iloc[: -_LEFT_OUT or None]
    line = _line("loss, smoothed", list(zip(table.lr, table.loss, strict=True)))
    return Chart("Find a rate", "learning rate", "loss", [line], log=True)


def _line(name: str, points: Sequence[tuple[float, float]]) -> ChartLine:
    """Points with five digits that count: more would only make messages longer."""
    short = [(float(f"{x:.5g}"), float(f"{y:.5g}")) for x, y in points if math.isfinite(y)]
    return ChartLine(name, short)


def _curves_of(learn: Any) -> Curves:
    from bearwidgets.learn.curves import Curves

    return Curves.of(learn.history, learn.steps)


def _run(steps: Generator[Progress]) -> None:
    """Train to the end; followers hear of an error, and nobody above the thread would."""
    try:
        for _ in steps:
            pass
    except BearwidgetsError:
        log.info("The training ended with an error, which the view shows", exc_info=True)
    except Exception:
        log.exception("The training failed")
