"""Messages: whatever comes is answered or refused in words, and nothing escapes."""

from __future__ import annotations

import json
import logging

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bearwidgets.errors import BadInputError
from bearwidgets.widgets import protocol

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)
messages = values | st.fixed_dictionaries(
    {"kind": st.just("request"), "id": st.integers(), "op": st.sampled_from(["take", "give", 3, None])},
    optional={"start": values, "name": values, "names": values, "ranges": values},
)


def take(fields):
    return {
        "start": protocol.whole(fields, "start", 0, 9),
        "name": protocol.text(fields, "name"),
        "names": protocol.texts(fields, "names"),
        "ranges": protocol.ranges(fields, 9),
    }


def request(op="take", **fields):
    return {"kind": "request", "id": 7, "op": op, **fields}


@given(messages)
def test_any_message_gives_a_reply_or_none(content):
    found = protocol.answer({"take": take, "give": dict}, content)
    if found is None:
        return
    reply, buffers = found
    assert (reply["kind"], reply["id"], buffers) == ("reply", content["id"], [])
    assert reply["ok"] is ("result" in reply)
    assert reply["ok"] is not ("error" in reply)
    json.dumps(reply, allow_nan=False)


@pytest.mark.parametrize(
    "content", [None, 3, "hello", [], {}, {"kind": "request"}, {"kind": "request", "id": "7", "op": "take"}]
)
def test_what_is_no_request_is_logged_and_not_answered(content, caplog):
    with caplog.at_level(logging.WARNING, "bearwidgets"):
        assert protocol.answer({"take": take}, content) is None
    assert "no request" in caplog.text


def test_true_is_no_request_number():
    assert protocol.answer({"take": take}, {"kind": "request", "id": True, "op": "take"}) is None


def test_handler_gets_its_own_fields_only():
    given_fields = []
    protocol.answer({"take": given_fields.append}, request(id=1, start=2))
    assert given_fields == [{"start": 2}]


def test_buffers_come_with_the_reply():
    reply, buffers = protocol.answer({"take": lambda _: ({"n": 1}, [b"one"])}, request())
    assert (reply, buffers) == ({"kind": "reply", "id": 7, "ok": True, "result": {"n": 1}}, [b"one"])


def test_what_a_user_can_mend_comes_back_as_its_sentence(caplog):
    def refuse(_):
        raise BadInputError("Two is not allowed; take one.")

    reply, _ = protocol.answer({"take": refuse}, request())
    assert reply["error"] == "Two is not allowed; take one."
    assert not caplog.records


def test_unknown_op_names_the_nearest():
    reply, _ = protocol.answer({"undo": take, "redo": take}, request("undoo"))
    assert reply["ok"] is False
    assert "Did you mean 'undo'?" in reply["error"]


def test_unforeseen_error_becomes_a_sentence_and_a_log_record(caplog):
    reply, buffers = protocol.answer({"take": lambda _: {}["gone"]}, request())
    assert reply["ok"] is False
    assert reply["error"].startswith("Unforeseen error, KeyError: 'gone'. Nothing was lost")
    assert buffers == []
    assert caplog.records[0].exc_info


def test_result_that_cannot_be_sent_is_an_unforeseen_error_too(caplog):
    reply, _ = protocol.answer({"take": lambda _: {"many": np.arange(3)}}, request())
    assert reply["ok"] is False
    assert reply["error"].startswith("Unforeseen error")
    assert caplog.records


def test_plain_numbers():
    found = protocol.plain(
        {
            1: float("nan"),
            "a": [np.float32("inf"), np.float64(0.5), np.int64(3), np.bool_(1)],
            "t": (None, "x"),
        }
    )
    assert found == {"1": None, "a": [None, 0.5, 3, True], "t": [None, "x"]}
    assert json.dumps(found, allow_nan=False)
    assert type(found["a"][3]) is bool


@pytest.mark.parametrize("value", [None, True, 1.0, "1", -1, 10, [1]])
def test_whole_refuses(value):
    with pytest.raises(BadInputError, match=r"n is .*; allowed is a whole number from 0 to 9"):
        protocol.whole({"n": value}, "n", 0, 9)


def test_whole_takes_both_ends():
    assert [protocol.whole({"n": n}, "n", 0, 9) for n in (0, 9)] == [0, 9]


BAD_RANGES = ["x", 3, {"a": 1}, [None], [[0]], [[0, 1, 2]], [[2, 1]], [[0, 10]], [[-1, 2]], [[0.0, 1]]]


@pytest.mark.parametrize("value", [*BAD_RANGES, [[False, True]]])
def test_ranges_refuse(value):
    with pytest.raises(BadInputError, match="range"):
        protocol.ranges({"ranges": value}, 9)


def test_ranges_allow_empty_ones_and_the_whole():
    assert protocol.ranges({"ranges": [[0, 9], [9, 9]]}, 9) == [(0, 9), (9, 9)]
    assert protocol.ranges({}, 9) == []


@pytest.mark.parametrize("value", [None, "ab", [1], ["a", None], {"a": 1}])
def test_texts_refuse(value):
    with pytest.raises(BadInputError, match="allowed is a list of texts"):
        protocol.texts({"ids": value}, "ids")


def test_a_very_long_list_is_refused_in_a_short_sentence():
    with pytest.raises(BadInputError) as caught:
        protocol.texts({"ids": ["a"] * (protocol.MAX_RANGES + 1)}, "ids")
    assert len(str(caught.value)) < 200
