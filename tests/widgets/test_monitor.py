"""The monitor of trainings: what its page is told, Stop, the rate, and what goes with the output."""

from __future__ import annotations

import gc
import re
import time
import weakref
import xml.etree.ElementTree as ET

import pytest
from made_data import TINY

from bearwidgets.errors import BadInputError, ConflictError
from bearwidgets.learn.learner import Learner
from bearwidgets.safe_text import as_json
from bearwidgets.widgets.inspect import monitor as monitor_module
from bearwidgets.widgets.inspect.charts import log_ticks, svg_chart, ticks
from bearwidgets.widgets.inspect.monitor import TrainMonitor
from bearwidgets.widgets.parse import parse
from bearwidgets.widgets.protocol import MONITOR_REQUESTS, Chart, ChartLine, MonitorEvent

SMALL = {"batch_size": 6, "precision": "32"}
QUIET = {"progress": False, **SMALL}


@pytest.fixture
def learn(ds):
    return Learner(ds, **TINY)


@pytest.fixture
def monitor(learn):
    return TrainMonitor(learn)


@pytest.fixture
def sent(monitor):
    sent = []
    monitor.send = lambda content, _buffers=None: sent.append(content)
    return sent


def ask(monitor, sent, op, **fields):
    monitor._handle_custom_msg({"kind": "request", "id": 1, "op": op, **fields}, [])
    reply = [each for each in sent if each["kind"] == "reply"][-1]
    if reply["ok"]:
        assert as_json(parse(MONITOR_REQUESTS[op][1], reply["result"])) == reply["result"]
    return reply


def events(sent):
    found = [{**each} for each in sent if each["kind"] == "event"]
    for each in found:
        del each["kind"]
        parse(MonitorEvent, each)
    return [each["monitor"] for each in found]


def titles(state):
    return [chart["title"] for chart in state["charts"]]


def test_before_a_training_it_says_what_to_do(monitor, sent):
    state = ask(monitor, sent, "monitor")["result"]["monitor"]
    assert (state["state"], state["charts"]) == ("empty", [])
    assert "Run learn.fine_tune(4)" in state["message"]
    assert "Run learn.fine_tune(4)" in monitor.static_html()


def test_it_follows_a_training_in_a_cell(monitor, sent, learn, monkeypatch):
    monkeypatch.setattr(monitor_module, "EVERY", 0.0)
    monkeypatch.setattr(monitor_module, "SHARE", 1e9)
    monitor._pause = 0.0
    learn.fit_one_cycle(2, 1e-3, **QUIET)
    told = events(sent)
    assert [each["state"] for each in told] == ["running"] * (len(told) - 1) + ["done"]
    assert len(told) == 8, "beginning, end, and one a step"
    assert [each["step"] for each in told[1:-1]] == [1, 2, 3, 4, 5, 6]
    assert told[3]["seconds_left"] > 0
    last = told[-1]
    assert titles(last) == ["Loss", "On the evaluation split", "Learning rate"]
    loss = {line["name"]: line["points"] for line in last["charts"][0]["lines"]}
    assert loss["validation loss"] == [
        [x, pytest.approx(y, rel=1e-4)] for x, y in enumerate(learn.history.valid_loss, 1)
    ]
    assert len(last["charts"][2]["lines"][0]["points"]) == 6
    assert last["phases"] == [[0, "one cycle"]]
    assert last == events(sent)[-1] == ask(monitor, sent, "monitor")["result"]["monitor"]


def test_updates_are_few_and_none_are_made_for_a_closed_view(monitor, sent, learn):
    learn.fit(2, 1e-3, **QUIET)
    assert len(events(sent)) <= 2 + 4, "at most four a second"
    monitor.close()
    made = []
    monitor.state = lambda: made.append(1)
    learn.fit(1, 1e-3, **QUIET)
    assert made == []


def test_messages_stay_small_however_long_the_training(monitor):
    for step in range(1, 30_001):
        monitor._curves.step("one cycle", step / 100, lr=1e-3 + step * 1e-9, loss=0.7123456789 / step)
    size = len(str(as_json(monitor.state())))
    assert size < 30_000


def test_it_stops_a_training_in_the_background(monitor, sent, learn):
    monitor.rate = 2e-3
    monitor.fit(5000, **SMALL)
    with pytest.raises(ConflictError, match="is being trained"):
        monitor.find_rate()
    assert "is being trained" in ask(monitor, sent, "find_rate")["error"]
    assert ask(monitor, sent, "stop")["ok"]
    monitor.wait()
    last = events(sent)[-1]
    assert last["state"] == "stopped"
    assert "go on training" in last["message"]
    assert len(learn.steps) < 15_000
    assert learn.steps.lr.max() <= 2e-3
    assert learn.is_trained or learn.steps.empty


def test_a_click_sets_the_rate_of_the_next_fit(monitor, sent, learn):
    ask(monitor, sent, "find_rate")
    monitor.wait()
    state = ask(monitor, sent, "monitor")["result"]["monitor"]
    assert state["search"]["log"]
    assert set(state["suggested"]) == {"valley", "slide", "steep", "minimum"}
    assert state["suggested"]["valley"] == monitor.search.valley
    assert (state["state"], learn.is_trained) == ("empty", False)
    assert ask(monitor, sent, "rate", rate=0.004)["result"]["monitor"]["rate"] == 0.004
    assert monitor.rate == 0.004
    monitor.fit(1, wait=True, **SMALL)
    assert 0.003 < learn.steps.lr.max() <= 0.004
    for bad in (0, -1, "fast", True, float("nan"), float("inf")):
        with pytest.raises(BadInputError, match="a number above 0"):
            monitor.rate = bad
    assert not ask(monitor, sent, "rate", rate=-1.0)["ok"]
    assert monitor.rate == 0.004


def test_a_training_that_fails_says_why(monitor, sent, learn, caplog):
    monitor.rate = 1e30
    monitor.fit(3, **SMALL)
    monitor.wait()
    last = events(sent)[-1]
    assert last["state"] == "failed"
    assert "The loss became NaN at step" in last["message"]
    with pytest.raises(BadInputError, match=r"No option .batchsize"):
        monitor.fit(1, batchsize=4)
    with pytest.raises(BadInputError, match="epochs is 0;"):
        monitor.fit(0)


def test_the_quick_mode_is_a_point_and_said_to_be(monitor, sent):
    monitor.fine_tune(wait=True)
    state = ask(monitor, sent, "monitor")["result"]["monitor"]
    assert "a point for each training" in state["message"]
    assert [len(line["points"]) for line in state["charts"][0]["lines"]] == [1, 1]
    assert "<circle" in monitor.static_html()


def test_of_a_trained_learner_it_shows_the_history(learn, monkeypatch):
    learn.fit(3, 1e-3, **QUIET)
    monitor = TrainMonitor(learn)
    assert monitor.state().state == "done"
    assert len(monitor.state().charts[0].lines[1].points) == 3
    text = monitor.static_html()
    assert len(text) < 60_000
    for svg in re.findall("<svg.*?</svg>", text):
        ET.fromstring(svg)  # noqa: S314 - our own
    assert {"training loss", "validation loss", "error rate"} <= set(re.findall("● ([^<]+)<", text))


def test_only_a_learner_has_a_monitor():
    with pytest.raises(BadInputError, match="a TrainMonitor follows one"):
        TrainMonitor("bears")


def test_following_costs_next_to_nothing(learn, monitor, sent):
    from bearwidgets.learn.progress import Progress

    learn.fit(1, 1e-3, **QUIET)
    began = time.perf_counter()
    for number in range(1, 2001):
        step = Progress("constant", number, 2000, epoch=number / 10, train_loss=0.5, loss=0.5, lr=1e-3)
        monitor.stepped(step)
    assert (time.perf_counter() - began) / 2000 < 0.005
    assert max(map(len, map(str, sent)), default=0) < 30_000


def test_charts_escape_names_and_have_round_ticks():
    chart = Chart("a<b", "epoch", "loss", [ChartLine("<i>\u202e", [(0.0, 1.0), (1.0, 0.5)])])
    text = svg_chart(chart)
    assert "<i>" not in text
    assert "&lt;i&gt;\\u202e" in text
    assert ticks(0, 1) == [0, 0.2, 0.4, 0.6, 0.8, 1.0]
    assert ticks(0.13, 0.52) == [0.2, 0.3, 0.4, 0.5]
    assert ticks(2, 2) == [2]
    assert log_ticks(1e-7, 10) == pytest.approx([1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1, 10])


def test_a_monitor_that_is_dropped_or_closed_is_freed_though_its_learner_lives_on(learn):
    monitor = TrainMonitor(learn)
    seen = weakref.ref(monitor)
    del monitor
    gc.collect()
    assert seen() is None, "never displayed"
    monitor = TrainMonitor(learn)
    monitor._repr_mimebundle_()
    seen = weakref.ref(monitor)
    del monitor
    gc.collect()
    assert seen() is not None, "the page still shows it"
    seen().close()
    learn.fit(1, 1e-3, **QUIET)
    gc.collect()
    assert seen() is None
