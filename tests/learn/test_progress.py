"""The one bar over all stages of long work: what it says, how it ends, and what a saved notebook keeps of it."""

from __future__ import annotations

import io
import re
import sys
from types import SimpleNamespace

import IPython
import IPython.display
import pytest

from bearwidgets.errors import BadInputError
from bearwidgets.learn.progress import Progress, run_with_bar, with_bar
from bearwidgets.review.checks.run import find_issues


@pytest.fixture
def shown(monkeypatch):
    """What a notebook shows: a list of outputs, each a list of what it held, one after another."""
    outputs = []

    def display(data, *, raw, display_id):
        assert raw
        assert display_id
        outputs.append([data])
        return SimpleNamespace(update=lambda data, **_: outputs[-1].append(data))

    monkeypatch.setattr(IPython, "get_ipython", lambda: SimpleNamespace(kernel=None))
    monkeypatch.setattr(IPython.display, "display", display)
    return outputs


def work(error=None, note=""):
    yield Progress("features", 6, 12, note=note)
    yield Progress("features", 12, 12)
    if error is not None:
        raise error
    yield Progress("head", 1, 2, train_loss=0.21)
    yield Progress("head", 2, 2, valid_error=0.05)
    return "result"


def texts(shown):
    (output,) = shown
    return [re.sub(r"[\d.]+ s$", "0 s", each["text/plain"]) for each in output]


def share(output):
    return float(re.search(r'value="([\d.]+)"', output["text/html"])[1])


def test_one_bar_from_the_call_to_the_end(shown):
    assert run_with_bar(work(), show=True, stages=["features", "head"]) == "result"
    assert texts(shown) == [
        "features · head · 0 s",
        "features 6 of 12 · head · 0 s",
        "features 12 of 12 · head · 0 s",
        "✓ features · head 1 of 2 · loss 0.210 · 0 s",
        "✓ features · head 2 of 2 · valid error 5.0 % · 0 s",
        "✓ features · ✓ head · valid error 5.0 % · 0 s",
    ]
    assert [share(each) for each in shown[0]] == [0, 0.25, 0.5, 0.75, 1, 1]
    assert "#2e7d32" in shown[0][-1]["text/html"]


@pytest.mark.parametrize(
    ("error", "word"), [(KeyboardInterrupt(), "interrupted"), (BadInputError("Too few."), "failed")]
)
def test_an_end_before_the_end_is_told(shown, error, word):
    with pytest.raises(type(error)):
        run_with_bar(work(error), show=True, stages=["features", "head"])
    assert texts(shown)[-1] == f"features 12 of 12 · head · {word} · 0 s"
    assert "#2e7d32" not in shown[0][-1]["text/html"]


def test_who_has_seen_enough_ends_it_well(shown):
    steps = with_bar(work(), show=True, stages=["features", "head"])
    next(steps)
    steps.close()
    assert texts(shown)[-1] == "✓ features · ✓ head · 0 s"


def test_a_note_stays_and_many_stages_are_not_listed(shown, capsys):
    run_with_bar(work(note="It goes on."), show=True, stages=[*"abcdef", "features", "head"])
    assert capsys.readouterr().out == "It goes on.\n"
    assert texts(shown)[1:4:2] == ["features 6 of 12 · 0 s", "head 1 of 2 · loss 0.210 · 0 s"]


def test_names_are_text_and_not_markup(shown):
    run_with_bar((Progress(each, 1, 1) for each in ["<b>"]), show=True)
    assert "<b>" not in shown[0][-1]["text/html"]


def test_no_bar_where_none_is_wanted_and_one_line_where_nobody_sees_it(capsys):
    assert run_with_bar(work(note="It goes on."), show=False) == "result"
    assert capsys.readouterr() == ("", "")
    assert run_with_bar(work(), show=True) == "result", "its output is no terminal here"
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("✓ features · ✓ head")
    assert captured.err.count("\n") == 1


def test_a_terminal_has_one_line(monkeypatch):
    terminal = io.StringIO()
    terminal.isatty = lambda: True
    monkeypatch.setattr(sys, "stderr", terminal)
    run_with_bar(work(), show=True, stages=["features", "head"])
    said = terminal.getvalue()
    assert "✓ features · head 1 of 2" in said
    assert said.count("\n") == 1
    assert "?" not in said
    assert "it/s" not in said


def test_issues_show_their_stages(shown, ds):
    find_issues(ds)
    assert "pixels 24 of 24 · features · checks · 0 s" in texts(shown)
    assert texts(shown)[-1] == "✓ pixels · ✓ features · ✓ checks · 0 s"
    find_issues(ds, progress=False)
    assert len(shown) == 1
