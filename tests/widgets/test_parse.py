"""Messages: whatever comes is answered or refused in words, and nothing escapes."""

from __future__ import annotations

import functools
import json
import logging
from dataclasses import asdict, dataclass, field
from typing import Annotated, Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bearwidgets.errors import BadInputError
from bearwidgets.safe_text import as_json
from bearwidgets.widgets import parse as parsing
from bearwidgets.widgets.parse import answer, parse


@dataclass(frozen=True)
class Inner:
    label: str | None = None


@dataclass(frozen=True)
class Take:
    start: Annotated[int, range(10)]
    name: Annotated[str, ("undo", "redo")]
    names: list[str]
    ranges: list[tuple[int, int]]
    flag: bool = True
    share: float | None = None
    inner: Inner = field(default_factory=Inner)
    counts: dict[str, int] = field(default_factory=dict)
    state: Literal["idle", "running"] = "idle"
    points: list[tuple[float, float | None]] = field(default_factory=list)


GOOD = {"start": 0, "name": "undo", "names": ["a"], "ranges": [[0, 9], [9, 9]]}
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)
messages = values | st.fixed_dictionaries(
    {"kind": st.just("request"), "id": st.integers(), "op": st.sampled_from(["take", "give", 3, None])},
    optional=dict.fromkeys(asdict(Take(**GOOD)), values),
)


def handlers(handler=lambda _: Inner()):
    return {"take": (Take, lambda request: request), "undo": (Inner, handler)}


def request(op="undo", **fields):
    return {"kind": "request", "id": 7, "op": op, **fields}


@given(messages)
def test_any_message_gives_a_reply_or_none(content):
    found = answer(handlers(), content)
    if found is None:
        return
    reply, buffers = found
    assert (reply["kind"], reply["id"], buffers) == ("reply", content["id"], [])
    assert reply["ok"] is ("result" in reply)
    assert reply["ok"] is not ("error" in reply)
    assert "Unexpected" not in reply.get("error", "")
    json.dumps(reply, allow_nan=False)


def test_a_message_there_and_back():
    fields = {
        **GOOD,
        "flag": False,
        "share": 1,
        "inner": {"label": "x"},
        "counts": {"a": 1},
        "state": "running",
        "points": [[0, None], [1.5, 2]],
    }
    message = parse(Take, fields)
    assert message.ranges == [(0, 9), (9, 9)]
    assert as_json(message) == fields
    assert parse(Take, GOOD | dict.fromkeys(("flag", "inner", "counts"))) == Take(
        **GOOD | {"ranges": message.ranges}
    )


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        *(({"start": value}, "start is .*whole number from 0 to 9") for value in (None, True, 1.0, "1", -1, 10, [1])),
        *(({"ranges": value}, "range") for value in ("x", 3, {"a": 1}, [None], [[0]], [[0, 1, 2]])),
        *(({"ranges": value}, "range") for value in ([[0.0, 1]], [[False, True]])),
        *(({"names": value}, "list of at most|names is") for value in (None, "ab", [1], ["a", None], {"a": 1})),
        ({"names": ["a"] * (parsing.LONGEST_LIST + 1)}, "a list of at most 100,000 texts"),
        ({"name": "und"}, "Did you mean 'undo'"),
        ({"name": 3}, "name is 3; allowed is text"),
        ({"flag": 1}, "flag is 1; allowed is true or false"),
        ({"share": "1"}, "a finite number"),
        ({"inner": []}, "a table of names and values"),
        ({"inner": {"label": 3}}, "label is 3; allowed is text"),
        ({"counts": {"a": "b"}}, "counts is 'b'; allowed is a whole number"),
        ({"state": "runing"}, "Did you mean 'running'"),
        ({"points": [[1]]}, "a list of 2 values"),
        ({"lable": 3}, "No field 'lable' in Take"),
        ({"inner": {"lable": 3}}, "No field 'lable' in Inner; .*Did you mean 'label'"),
        ({"state": "running" * 10_000}, "No state 'runn"),
        *(({"share": value}, "share is (inf|nan); allowed is a finite number") for value in (1e400, float("nan"))),
        *(({"names": [text]}, "text of at most 4,096 characters in valid") for text in ("\ud800", "a" * 4097)),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_said_in_a_short_sentence(fields, sentence):
    with pytest.raises(BadInputError, match=sentence) as caught:
        parse(Take, GOOD | fields)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    "content",
    [None, 3, "hello", [], {}, {"kind": "request"}, request(id="7"), request(id=True)],
)
def test_what_is_no_request_is_logged_and_not_answered(content, caplog):
    with caplog.at_level(logging.WARNING, "bearwidgets"):
        assert answer(handlers(), content) is None
    assert "no request" in caplog.text


def nested(depth):
    """A list in a list in a list."""
    return functools.reduce(lambda inner, _: [inner], range(depth), [])


@pytest.mark.parametrize("bad", ["\ud800", "x" * 100_000, "\udfff" * 100_000, nested(9000)])
def test_whatever_a_message_mirrors_can_be_sent_and_is_short(bad, caplog):
    def refuse(_):
        raise BadInputError(f"{bad if isinstance(bad, str) else 'This'} is no class.")

    for content in (request(), request(bad), request("take", **GOOD | {"name": bad})):
        reply, _ = answer(handlers(refuse), content)
        assert len(json.dumps(reply, ensure_ascii=False).encode()) < 30_000
        assert not reply["ok"]
    assert answer(handlers(), {"kind": bad}) is None
    assert len(caplog.text) < 500
    reply, _ = answer(handlers(lambda _: Inner("half \ud800")), request("undo"))
    assert reply["result"]["label"] == "half \\ud800"


def test_buffers_come_with_the_reply():
    reply, buffers = answer(handlers(lambda _: (Inner("a"), [b"one"])), request())
    assert (reply, buffers) == (
        {"kind": "reply", "id": 7, "ok": True, "result": {"label": "a"}},
        [b"one"],
    )


def test_what_a_user_can_mend_comes_back_as_its_sentence(caplog):
    def refuse(_):
        raise BadInputError("Two is not allowed; take one.")

    reply, _ = answer(handlers(refuse), request())
    assert reply["error"] == "Two is not allowed; take one."
    assert "Did you mean 'undo'?" in answer(handlers(), request("undoo"))[0]["error"]
    assert not caplog.records


def test_unexpected_error_becomes_a_sentence_and_a_log_record(caplog):
    reply, buffers = answer(handlers(lambda _: {}["gone"]), request())
    assert reply["ok"] is False
    assert reply["error"].startswith("Unexpected error, KeyError: 'gone'. Nothing was lost")
    assert buffers == []
    assert caplog.records[0].exc_info


def test_numbers_of_numpy_are_sent_as_plain_ones():
    found = as_json([np.float32("inf"), np.float64(0.5), np.int64(3), np.bool_(1), (None, "x"), float("nan")])
    assert found == [None, 0.5, 3, True, [None, "x"], None]
    assert json.dumps(found, allow_nan=False)
    assert type(found[3]) is bool
