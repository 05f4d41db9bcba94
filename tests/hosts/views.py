"""What a host shows: the views over drawn bears, with a learner that trains on once a file is there."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from stub_issues import StubIssues
from stub_learner import StubLearner

import bearwidgets as bw

HOME = Path(os.environ["HOSTS_HOME"])
REQUESTS, GO = HOME / "requests.jsonl", HOME / "go"


class Gate:
    """A training goes on once there is a file `go`."""

    def wait(self, seconds: float) -> bool:
        until = time.monotonic() + seconds
        while not GO.exists() and time.monotonic() < until:
            time.sleep(0.05)
        return GO.exists()


def _note(_widget: object, content: object, _buffers: object) -> None:
    with REQUESTS.open("a") as file:
        file.write(json.dumps(content) + "\n")


def learner() -> StubLearner:
    """Takes every ninth of sixty bears for a teddy."""
    ds = bw.Dataset.from_folder(bw.sample_bears(HOME / "bears", n=60))
    learn = StubLearner(ds, dict.fromkeys(ds.table.path[::9], "teddy"))
    learn.go = Gate()
    return learn


def cleaner() -> bw.Cleaner:
    """The bears and a queue."""
    learn = learner()
    dark = StubIssues(dark=[(item, 0.9, None, None) for item in learn.ds.table.id[:4]])
    made = bw.Cleaner(learn, issues=dark)
    made.on_msg(_note)
    return made


def matrix() -> bw.ConfusionMatrix:
    """The confusion matrix of all of them, its grid below it."""
    return bw.ConfusionMatrix(learner(), split="all")


def box() -> object:
    """The Cleaner in a row, which is as wide as what it holds."""
    from ipywidgets import HBox

    return HBox([cleaner()])
