"""Send a Cleaner, a ConfusionMatrix and an ImageMap messages that no front end should: too long, of another form.

    python tests/campaigns/messages.py [--runs 5000] [--seed 0]

Each message is a real one in which something was changed: a field left out, renamed, added, or given a value of
another type, without bound, or that no JSON can hold; now and then it is a new state of the widget. Right is:
whatever has a number gets one reply that can be sent, a refusal is one short sentence of bearwidgets, nothing is
raised or logged as an error, and decisions, files and the view change only where the reply says so and as the
message asked.
"""

from __future__ import annotations

import copy
import functools
import importlib
import logging
import os
import random
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import common
from common import Tally, bag
from jupyter_client.session import json_packer
from made_data import write_images
from stub_issues import StubIssues
from stub_learner import StubLearner

from bearwidgets.data.actions import ACCEPT
from bearwidgets.data.dataset import Dataset
from bearwidgets.errors import shortened
from bearwidgets.safe_text import as_json
from bearwidgets.widgets.cleaner.cleaner import Cleaner
from bearwidgets.widgets.inspect.confusion import ConfusionMatrix
from bearwidgets.widgets.inspect.image_map import ImageMap
from bearwidgets.widgets.protocol import Filter

if TYPE_CHECKING:
    from bearwidgets.widgets.view import View

SLOWEST = 5.0  # seconds of processor time for one message
LONGEST = 5000  # characters of a refusal
NO_FILTER = as_json(Filter())
DECIDING = {"mark", "resolve_group", "undo", "redo", "apply", "rollback"}


def real(view: View, ids: list[str], revision: int) -> list[dict[str, Any]]:
    """A message of each kind, as the front end sends it."""
    places = {"revision": revision, "ranges": [[0, 2], [3, 4]]}
    messages = [
        {"op": "hello"},
        {
            "op": "view",
            "sort": "loss",
            "descending": True,
            "filter": {**NO_FILTER, "text": "a"},
            "queue": None,
        },
        {"op": "view", "sort": "queue", "descending": True, "filter": NO_FILTER, "queue": "copies"},
        {"op": "page", "revision": revision, "start": 0, "stop": 4, "px": 160, "images": True},
        {"op": "locate", "item": ids[0]},
        {"op": "full", "item": ids[1]},
        *(
            {"op": "mark", **places, "action": action, "label": None}
            for action in ("keep", "delete", "clear", ACCEPT)
        ),
        {"op": "mark", **places, "action": "relabel", "label": "teddy"},
        {"op": "mark", "ids": ids[:3], "action": "unsure"},
        {"op": "resolve_group", **places, "keepers": True},
        {"op": "undo"},
        {"op": "redo"},
        {"op": "seen", **places},
        {"op": "select", **places},
        {"op": "yield"},
        {"op": "pending"},
        {"op": "plan"},
        {"op": "apply", "token": "0123456789abcdef"},
        {"op": "rounds"},
        {"op": "rollback", "round": 1},
        {"op": "retrain"},
        {"op": "stop"},
        {"op": "view", "sort": "path", "filter": NO_FILTER, "similar": ids[2]},
        {
            "op": "view",
            "sort": "path",
            "filter": {**NO_FILTER, "ranges": [{"name": "size", "low": 3, "high": None}]},
        },
        {"op": "tag", **places, "tag": "ask Ann", "on": True},
        {"op": "tag", "ids": ids[:3], "tag": "ask Ann", "on": False},
        {"op": "note", "item": ids[0], "text": "Two bears?"},
        {"op": "ranges"},
        {"op": "suggestions", "revision": revision, "at_least": 0.5},
        {"op": "save_view", "name": "mine"},
        {"op": "drop_view", "name": "mine"},
        {"op": "explain", "item": ids[0], "method": None, "label": "teddy", "image": False},
        {"op": "explain_module"},
    ]
    if isinstance(view, ConfusionMatrix):
        messages += [
            {"op": "matrix", "part": "train", "labels": "as on disk"},
            {"op": "cells", "blocks": [{"actual": ["black"], "predicted": ["teddy", "grizzly"]}]},
            {"op": "scores"},
            {"op": "group", "name": "none", "rename": "real", "pinned": True},
            {"op": "module"},
        ]
    if isinstance(view, ImageMap):
        messages += [
            {"op": "map"},
            {"op": "map_pairs"},
            {"op": "map_color", "revision": 1, "name": "loss"},
            {"op": "map_items", "revision": 1, "numbers": [0, 3], "px": 160},
            {"op": "map_select", "revision": 1, "ranges": [[0, 2], [3, 4]]},
            {"op": "map_open", "revision": 1, "number": 2},
        ]
    return [{"kind": "request", "id": 7, **copy.deepcopy(each)} for each in messages]


def nested(depth: int) -> list[Any]:
    """A list in a list in a list."""
    return functools.reduce(lambda inner, _: [inner], range(depth), [])


def values(chance: random.Random) -> Any:
    """Something that a field should not be."""
    n = chance.choice([10, 1000, 200_000])
    deep = nested(n % 4999)
    # fmt: off
    plain = [None, True, False, 0, -1, 3, 2**53, 2**53 + 1, 10 ** (n % 4000), 0.5, float("nan"), float("inf")]
    texts = ["", "teddy", "Teddy", "keep", "../out", "__class__", "nul\0", "\u202eyddet", "x" * n, "\ud800" * n]
    lists = [[], [[]], [None], ["a"] * n, [[0, 1]] * n, [[0, 1, 2]], [[1, 0]], [[-5, 5]], [[0.0, 1.0]], deep]
    # fmt: on
    tables = [{}, {"text": "\ud800"}, {"label": "x" * n}, {"a": deep}, {str(k): k for k in range(n % 9999)}]
    return chance.choice(chance.choice([plain, texts, lists, tables]))


def changed(message: dict[str, Any], chance: random.Random) -> tuple[str, Any]:
    """The message with one to three changes, and what kind of change the first is."""
    weights = {"drop": 1, "rename": 1, "add": 1, "swap": 1, "value": 3, "inner": 2}
    kinds = chance.choices([*weights], [*weights.values()], k=chance.choice([1, 1, 2, 3]))
    if chance.random() < 0.03:
        return "junk", values(chance)
    for kind in kinds:
        name = chance.choice(list(message) or ["op"])
        inner = message.get(name)
        if kind == "drop":
            message.pop(name, None)
        elif kind == "rename":
            message[chance.choice([name[:-1], f"{name}s", name.upper(), "\ud800"])] = message.pop(name, 1)
        elif kind == "add":
            message[
                chance.choice(["label", "ids", "ranges", "revision", "keepers", "x" * 9999, "\ud800"])
            ] = values(chance)
        elif kind == "swap":
            message["op"] = chance.choice([*DECIDING, "page", "view", "select", "undoo", "cells", "__init__"])
        elif kind == "inner" and isinstance(inner, dict) and inner:
            inner[chance.choice(list(inner))] = values(chance)
        elif kind == "inner" and isinstance(inner, list) and inner:
            inner[chance.randrange(len(inner))] = values(chance)
        else:
            message[name] = values(chance)
    return kinds[0], message


class Sender:
    """The other end of one view: sends, and says what is wrong with what comes back."""

    def __init__(self, view: View) -> None:
        self.view = view
        self.cleaner: Cleaner = getattr(view, "cleaner", view)
        self.session = self.cleaner._session
        self.heard: list[dict[str, Any]] = []
        view.send = self._hear

    def _hear(self, content: dict[str, Any], _buffers: Any = None) -> None:
        json_packer(content)
        self.heard.append(content)

    def state(self) -> tuple[Any, ...]:
        """What only a message that says so may change."""
        decisions = {
            row.Index: (row.action, row.new_label) for row in self.cleaner.journal.decisions.itertuples()
        }
        files = bag(*(self.cleaner.ds.root / name for name in self.cleaner.ds.classes))
        return decisions, files, self.session.board.view

    def problem(self, message: Any) -> str:
        """Send a message; what was wrong, or ""."""
        before, began = self.state(), time.process_time()
        self.heard.clear()
        asked = copy.copy(message)
        self.view._handle_msg({"content": {"data": {"method": "custom", "content": message}}, "buffers": []})
        self.session.job.wait()
        seconds = time.process_time() - began
        replies = [each for each in self.heard if each["kind"] == "reply"]
        is_request = (
            isinstance(asked, dict) and asked.get("kind") == "request" and type(asked.get("id")) is int
        )
        if len(replies) != is_request:
            return f"{len(replies)} replies"
        if seconds > SLOWEST:
            return f"{seconds:.0f} s"
        reply = replies[0] if replies else {"ok": False, "error": "None."}
        if not reply["ok"]:
            error = reply["error"]
            if "Unexpected" in error or len(error) > LONGEST or not error.endswith((".", "?")):
                return f"the error {error[:200]!r}"
        return self._silent(asked, reply, before)

    def update_problem(self, state: Any) -> str:
        """Send a state of the widget; what was wrong, or ""."""
        code, before = self.view._esm, self.state()
        self.view._handle_msg({"content": {"data": {"method": "update", "state": state}}, "buffers": []})
        if not (200 <= self.view.height <= 4000 and 96 <= self.view.px <= 320):
            return f"{self.view.height} px high, tiles of {self.view.px} px"
        return "" if (self.view._esm, self.state()) == (code, before) else "another state changed"

    def _silent(self, asked: Any, reply: dict[str, Any], before: tuple[Any, ...]) -> str:
        """What changed and was not asked for, or not said."""
        after = self.state()
        if not reply["ok"]:
            return "" if after == before else "refused, and yet something changed"
        op = asked["op"]
        (were, files, view), (are, files_after, view_after) = before, after
        ids = {each for each in were.keys() | are.keys() if were.get(each) != are.get(each)}
        wanted = {(asked.get("action"), asked.get("label")), ("keep", None)}
        free = op != "mark" or asked["action"] in (ACCEPT, "clear")
        faults = {
            "the view changed": view_after != view and op not in ("view", "cells", "map_select", "map_open"),
            "files changed": files_after != files and op not in ("apply", "rollback"),
            "decisions changed": ids and op not in DECIDING,
            "decisions changed that the reply does not name": ids - set(reply["result"].get("ids", ids)),
            "another decision than asked for": not free and {are[each] for each in ids} - wanted,
        }
        return next((what for what, holds in faults.items() if holds), "")


class Errors(logging.Handler):
    """Keeps what is logged as an error or with a traceback, by any library."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info or record.levelno >= logging.ERROR:
            self.said.append(record.getMessage())


def campaign(base: Path, runs: int, seed: int, tally: Tally) -> None:
    """Send so many messages, in turn to each kind of view; each run begins with a real decision now and then."""
    chance = random.Random(seed)  # noqa: S311
    folder = write_images(base / "images", {"black": 8, "grizzly": 8, "teddy": 8})
    ds = Dataset.from_folder(folder)
    learn = StubLearner(ds, {ds.table.path[9]: "teddy"})
    ids = ds.table.id.tolist()
    issues = StubIssues(copies=[(id_, 0.9, at // 2, at % 2 == 0) for at, id_ in enumerate(ids[:6])])
    senders = [Sender(Cleaner(learn, issues=issues)), Sender(ConfusionMatrix(learn)), Sender(ImageMap(learn))]
    errors = Errors()
    logging.getLogger().addHandler(errors)
    for number in range(runs):
        sender = senders[number % len(senders)]
        if number % 20 < len(senders):
            sender.cleaner.mark(chance.sample(ids, 2), chance.choice(["keep", "delete", "unsure", "clear"]))
        sender.session.refresh()
        message = chance.choice(real(sender.view, ids, sender.session.board.revision))
        kind, message = changed(message, chance)
        if chance.random() < 0.05:
            names = chance.sample(["height", "px", "_esm", "_css", "layout", "comm", "x"], 3)
            kind, message = (
                "update",
                chance.choice([values(chance), {name: values(chance) for name in names}]),
            )
        problem = (sender.update_problem if kind == "update" else sender.problem)(message)
        if errors.said:
            problem = problem or f"logged: {errors.said[0][:300]}"
            errors.said.clear()
        where = f"{problem}; seed {seed}, message {number}: {shortened(message)}"
        tally.take(f"{type(sender.view).__name__} {kind}", problem and where)


def main() -> int:
    """Run from the command line."""
    options, tally = common.options(__doc__, runs=5000, seed=0), Tally("messages")
    importlib.import_module(
        "bearwidgets.learn.explain.explainer"
    )  # PyTorch: its loading is no message's time
    with common.grounds() as folder:
        base = Path(folder)
        os.environ["BEARWIDGETS_CACHE"] = str(base / "cache")
        campaign(base, options.runs, options.seed, tally)
    return tally.report()


if __name__ == "__main__":
    raise SystemExit(main())
