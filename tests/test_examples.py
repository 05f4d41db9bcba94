"""Every example of a docstring runs as it is written, in a folder that holds the sample bears."""

from __future__ import annotations

import copy
import doctest
import importlib
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

import bearwidgets as bw

PACKAGE = Path(bw.__file__).parent
SKIPPED = 9  # what no test can run: downloads, several processes
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def docstrings():
    """Those with an example, of all modules."""
    for path in sorted(PACKAGE.rglob("*.py")):
        if "node_modules" not in path.parts and ">>>" in path.read_text("utf-8"):
            name = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
            module = importlib.import_module(name.removesuffix(".__init__"))
            yield from (test for test in doctest.DocTestFinder().find(module) if test.examples)


DOCSTRINGS = list(docstrings())


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    """A folder that holds the bears, the bears as they were at first, what was made of them, and a cache."""
    folder, cache = tmp_path_factory.mktemp("examples"), tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BEARWIDGETS_CACHE", str(cache))
        ds = bw.Dataset.from_folder(bw.sample_bears(folder / "bears", n=80))
        learn = bw.Learner(ds).fine_tune(1)
        review = bw.Review(learn)
        made = {"ds": ds, "learn": learn, "review": review, "issues": bw.find_issues(review)}
    kept = shutil.copytree(folder / "bears", tmp_path_factory.mktemp("kept") / "bears")
    return folder, kept, made, cache


@pytest.fixture
def run(world, monkeypatch):
    """Runs the examples of a docstring and returns what failed; what they name is copied for each.

    An example may train, delete and apply: the folder is as it was at first, the objects are its own.
    """
    folder, kept, made, cache = world
    monkeypatch.chdir(folder)
    monkeypatch.setenv("BEARWIDGETS_CACHE", str(cache))

    def named(words):
        yield from {"bw": bw, "np": np, "pd": pd, "torch": torch, "folder": Path("bears")}.items()
        if words.isdisjoint({*made, "bears", "folder", "journal", "cleaner"}):
            return
        shutil.rmtree(folder / "bears")
        shutil.copytree(kept, folder / "bears")
        own = copy.deepcopy(made)
        yield from own.items()
        if "journal" in words or "cleaner" in words:
            yield "journal", (journal := bw.Journal.open(own["ds"]))
            yield "cleaner", bw.Cleaner(own["review"], issues=own["issues"], journal=journal)

    def run_examples(docstring):
        said = []
        words = {word for each in docstring.examples for word in re.findall(r"\w+", each.source)}
        docstring.globs.update({name: value for name, value in named(words) if name in words})
        doctest.DocTestRunner(optionflags=FLAGS, verbose=False).run(docstring, out=said.append)
        return "".join(said)

    return run_examples


def is_skipped(example):
    return example.options.get(doctest.SKIP, False)


@pytest.mark.parametrize(
    "docstring",
    [
        pytest.param(test, id=test.name.removeprefix("bearwidgets."))
        for test in DOCSTRINGS
        if not all(map(is_skipped, test.examples))
    ],
)
def test_an_example_runs_as_it_is_written(docstring, run):
    failures = run(docstring)
    assert not failures, failures


def test_few_examples_are_skipped():
    assert sum(is_skipped(example) for test in DOCSTRINGS for example in test.examples) <= SKIPPED


def test_a_wrong_example_would_be_seen(run):
    source = ">>> len(learn.classes), len(ds.classes)\n(3, 4)"
    wrong = doctest.DocTestParser().get_doctest(source, {}, "wrong", None, 0)
    assert "(3, 3)" in run(wrong)
