"""A folder in a Cleaner: the grid at once, then training, scores and checks behind it."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest
from made_data import CLASSES, write_images
from stub_learner import StubLearner, paths

import bearwidgets as bw
from bearwidgets.clean.journal import Journal
from bearwidgets.data.dataset import Dataset
from bearwidgets.errors import BadInputError, TrainingError
from bearwidgets.widgets.cleaner import opening
from bearwidgets.widgets.protocol import ViewSpec

SUSPECTS = ViewSpec("label_issue")


@pytest.fixture
def go(monkeypatch):
    """A learner whose training waits for this, and which is wrong about one image; `go.made` lists such learners."""
    monkeypatch.setattr(opening, "PAINTING", 60)
    waits = threading.Event()
    waits.made = []

    def make(ds, seed):
        learn = StubLearner(ds, {paths(ds, "grizzly", "valid")[0]: "teddy"})
        learn.go, learn.seed = waits, seed
        waits.made.append(learn)
        return learn

    monkeypatch.setattr("bearwidgets.learn.learner.Learner", make)
    return waits


def state(cleaner):
    return cleaner._session.state()


def order(cleaner):
    board = cleaner._session.board
    return board.ids[board.order].tolist()


def request(cleaner, op, **fields):
    cleaner._handle_custom_msg({"kind": "request", "id": 1, "op": op, **fields}, [])


def test_the_grid_is_there_before_the_training(images, go):
    cleaner = bw.clean(images, checks=["dark"])
    before = state(cleaner)
    assert (before.total, before.can.scores, before.job.kind) == (24, False, "open")
    phases = [each.name for each in before.job.phases if each.name != opening.LOADING]
    assert phases == ["loading network", "features", "head", "pixels", "checks"]
    assert before.provenance == "no scores yet"
    assert [each.path for each in map(cleaner._session.board.item, range(24))] == list(cleaner.ds.table.path)
    go.set()
    cleaner.wait()
    after = state(cleaner)
    assert after.can.scores
    assert {each.state for each in after.job.phases} == {"done"}
    assert (after.job.state, after.view, after.ready) == ("done", SUSPECTS, "")
    assert order(cleaner)[0] == cleaner.review.suspects(1).index[0]
    assert list(cleaner.issues.summary.index) == ["dark"]


WORK = {
    "mark": lambda cleaner: cleaner.mark(cleaner.ds.table.id[3], "keep"),
    "page marks": lambda cleaner: request(cleaner, "mark", action="keep", ranges=[[3, 4]], revision=1),
    "select": lambda cleaner: request(cleaner, "select", ranges=[[0, 1]], revision=1),
    "scroll": lambda cleaner: request(cleaner, "seen", ranges=[[8, 16]], revision=1),
    "filter": lambda cleaner: cleaner.show(decision="undecided"),
}


@pytest.mark.parametrize("work", WORK.values(), ids=WORK)
def test_nothing_moves_under_a_hand_that_works(images, go, work):
    cleaner = bw.clean(images, checks=["dark"])
    work(cleaner)
    seen, revision, decided = order(cleaner), state(cleaner).revision, len(cleaner.decisions)
    go.set()
    cleaner.wait()
    assert (order(cleaner), state(cleaner).revision) == (seen, revision)
    assert len(cleaner.decisions) == decided
    assert state(cleaner).ready == "1 suspect found"
    assert state(cleaner).can.scores
    cleaner.show(sort="label_issue")
    assert (state(cleaner).ready, order(cleaner)[0]) == ("", cleaner.review.suspects(1).index[0])


def test_what_was_only_looked_at_may_move(images, go):
    cleaner = bw.clean(images, checks=[])
    request(cleaner, "seen", ranges=[[0, 12]], revision=1)
    request(cleaner, "select", ranges=[], revision=1)
    go.set()
    assert state(cleaner.wait()).view == SUSPECTS


def test_stop_leaves_the_grid_as_it_is(images, go):
    cleaner = bw.clean(images)
    cleaner._session.painted.set()
    while not go.made:
        cleaner._session.job._thread.join(0.01)
    cleaner.stop()
    go.set()
    assert state(cleaner.wait()).job.state == "stopped"
    assert state(cleaner).job.message == "stopped; what was found stays"
    assert "failed" not in {each.state for each in state(cleaner).job.phases}
    assert cleaner.review is None


def test_an_error_is_a_sentence_and_a_failed_phase(images, go):
    cleaner = bw.clean(images)
    cleaner._session.painted.set()
    while not go.made:
        cleaner._session.job._thread.join(0.01)
    go.made[0].error = RuntimeError("no memory")
    go.set()
    with pytest.raises(TrainingError, match=r"RuntimeError: no memory\. What was found stays\."):
        cleaner.wait()
    assert "failed" in {each.state for each in state(cleaner).job.phases}
    assert cleaner.mark(cleaner.ds.table.id[0], "keep") == 1


def test_one_class_is_checked_all_the_same(tmp_path):
    folder = write_images(tmp_path / "images", {"black": 6})
    cleaner = bw.Cleaner(folder).wait()
    found = state(cleaner)
    assert found.job.state == "done"
    assert found.job.message == found.provenance
    assert [each.name for each in found.job.phases if each.state == "failed"] == ["head"]
    assert found.provenance.startswith("Not trained: The training split holds")
    assert "near_duplicates" in cleaner.issues.summary.index


@pytest.mark.parametrize(
    ("options", "sentence"),
    [({"checks": ["drak"]}, "Did you mean 'dark'"), ({"valid_pct": 2}, "valid_pct"), ({"seed": -1}, "seed")],
)
def test_what_is_wrong_is_said_at_once(images, options, sentence):
    with pytest.raises(BadInputError, match=sentence):
        bw.clean(images, **options)


def test_options_reach_split_learner_and_view(images, go):
    go.set()
    cleaner = bw.clean(str(images), valid_pct=0.5, seed=7, checks="dark", height=400).wait()
    assert (cleaner.ds.seed, cleaner.ds.valid_pct, go.made[0].seed, cleaner.height) == (7, 0.5, 7, 400)
    other = bw.Cleaner(images, issues=cleaner.issues).wait()
    assert (other.ds.seed, go.made[1].seed) == (42, 0)
    assert other.issues is cleaner.issues, "given ones are not found anew"


def test_as_the_long_way(images, tmp_path):
    """One call, and the calls that it stands for: the same scores, issues and decisions."""
    write_images(images, {"teddy": 2}, seed=0)
    (images / "black" / "broken.jpg").write_bytes((images / "black" / "000.jpg").read_bytes()[:600])
    short = bw.clean(images)
    short.mark(short.ds.table.id[0], "delete")
    short.wait()
    ds = Dataset.from_folder(images, workspace=tmp_path / "other")
    learn = bw.Learner(ds).fine_tune(progress=False)
    issues = bw.find_issues(learn)
    long = bw.Cleaner(learn, issues=issues)
    columns = ["path", "label", "split", "predicted", "confidence", "loss", "label_issue", "why"]
    assert short.review.table[columns].equals(long.review.table[columns])
    assert short.issues.table.equals(issues.table)
    assert short.issues.summary.equals(issues.summary)
    assert short.ds.table.equals(long.ds.table)
    assert short.learn.provenance == learn.provenance
    assert Journal.open(short.ds).decisions.action.tolist() == ["delete"]
    assert (
        len(short.plan().moves) == 1 if hasattr(short, "plan") else len(short.apply(dry_run=True).moves) == 1
    )


WITHOUT_TORCH = """
import sys
import bearwidgets as bw
from bearwidgets.widgets.cleaner import opening

def say(*words):
    # Two threads speak: each line is one write.
    sys.stdout.write(" ".join(map(str, words)) + "\\n")

class Finder:
    def find_spec(self, name, *_):
        if name == "torch":
            say(cleaner._session.painted.is_set())
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Finder())
opening.PAINTING = 60
cleaner = bw.clean(sys.argv[1], checks=["dark"])
cleaner.send = lambda content, buffers=None: content["kind"] == "reply" and say(len(buffers))
cleaner._handle_custom_msg(
    {"kind": "request", "id": 1, "op": "page", "revision": 1, "start": 0, "stop": 12, "px": 160}, []
)
cleaner.wait()
say(cleaner._session.state().provenance, list(cleaner.issues.summary.index))
"""


def test_images_are_there_before_torch_is_asked_for(images):
    """And where it is not installed, what needs none is done all the same."""
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH, str(images)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = sorted(done.stdout.splitlines())
    assert lines == ["12", "Not trained: torch is not installed. ['dark']", "True"]


def test_classes_of_the_folder(images, go):
    go.set()
    assert state(bw.clean(images, checks=[]).wait()).classes == CLASSES
