"""The front end and its fake kernel keep to the messages of widgets/protocol.py."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bearwidgets.safe_text import as_json
from bearwidgets.widgets.parse import parse
from bearwidgets.widgets.protocol import GRID_REQUESTS, REQUESTS, Filter, ItemsEvent, JobEvent, StateEvent

if TYPE_CHECKING:
    from playwright.sync_api import Page

Open = Callable[..., "Page"]
SCRIPT = Path(__file__).parents[2] / "bearwidgets" / "frontend" / "scripts" / "write_types.py"
NO_FILTER = as_json(Filter())
ASKED = [
    ("hello", {}),
    ("view", {"sort": "queue", "descending": True, "filter": NO_FILTER, "queue": "copies"}),
    ("page", {"revision": 2, "start": 0, "stop": 5, "px": 160, "images": True}),
    ("resolve_group", {"revision": 2, "ranges": [[0, 1]], "keepers": True}),
    ("mark", {"revision": 2, "ranges": [[0, 5]], "action": "relabel", "label": "teddy"}),
    ("mark", {"ids": ["id1"], "action": "delete"}),
    ("undo", {}),
    ("undo_harmful", {}),
    ("redo", {}),
    ("locate", {"item": "id30"}),
    ("next", {"revision": 2, "start": 0, "back": False}),
    ("full", {"item": "id30"}),
    ("seen", {"revision": 2, "ranges": [[0, 3]]}),
    ("select", {"revision": 2, "ranges": [[0, 3]], "by": "page"}),
    ("link", {}),
    ("follow", {"what": "shown"}),
    ("yield", {}),
    ("pending", {}),
    ("plan", {}),
    ("apply", {"token": "t1"}),
    ("rounds", {}),
    ("rollback", {"round": 1}),
    ("retrain", {}),
    ("stop", {}),
    ("tag", {"revision": 2, "ranges": [[0, 2]], "tag": "ask Ann", "on": True}),
    ("note", {"item": "id30", "text": "Two bears?"}),
    ("ranges", {}),
    ("suggestions", {"revision": 2, "at_least": 0.5}),
    ("save_view", {"name": "mine"}),
    ("drop_view", {"name": "mine"}),
    ("explain", {"item": "id30", "method": None, "label": None, "image": True}),
    ("explain_module", {}),
]


def test_types_of_the_front_end_are_fresh() -> None:
    done = subprocess.run([sys.executable, SCRIPT, "--fresh"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.browser
def test_the_fake_kernel_and_the_front_end_keep_to_the_contract(open_page: Open) -> None:
    page = open_page("cleaner.html?queues")
    page.wait_for_selector(".bw-cell img")
    page.evaluate("window.heard = []; kernel.on('msg:custom', (content) => heard.push(content))")
    for number, (op, fields) in enumerate(ASKED):
        assert fields.items() <= as_json(parse(REQUESTS[op][0], fields)).items()
        page.evaluate(
            "message => kernel.send(message)", {"kind": "request", "id": -number, "op": op, **fields}
        )
        page.wait_for_function("id => heard.some(each => each.id === id)", arg=-number)
    replies = {each["id"]: each for each in page.evaluate("heard") if each["kind"] == "reply"}
    for number, (op, _) in enumerate(ASKED):
        result = replies[-number].get("result")
        if op == "explain_module":
            result["code"] = result["code"][:80]  # a request may hold no text as long as a bundle
        assert as_json(parse(REQUESTS[op][1], result)) == result, replies[-number]
    assert {op for op, _ in ASKED} == set(GRID_REQUESTS)
    events = {"state": StateEvent, "items": ItemsEvent, "job": JobEvent}
    for event in page.evaluate("heard.filter(each => each.kind === 'event')"):
        del event["kind"]
        assert as_json(parse(events[event["event"]], event)) == event
    for message in page.evaluate("kernel.log.filter(each => each.kind === 'request' && each.id > 0)"):
        fields = {name: value for name, value in message.items() if name not in ("kind", "id", "op")}
        parse(REQUESTS[message["op"]][0], fields)
