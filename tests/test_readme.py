"""What the README says of the package is so."""

from __future__ import annotations

import ast
import functools
import re

from made_data import REPOSITORY

import bearwidgets as bw

README = (REPOSITORY / "README.md").read_text("utf-8")
PACKAGE = REPOSITORY / "bearwidgets"


def test_the_map_names_every_room():
    said = dict(re.findall(r"^\| `(\S+)/` \| (.+) \|$", README, re.MULTILINE))
    docstrings = {path.parent: ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
                  for path in PACKAGE.glob("*/**/__init__.py") if "frontend" not in path.parts}  # fmt: skip
    rooms = {path.relative_to(PACKAGE).as_posix(): text.split("\n")[0] for path, text in docstrings.items()}
    assert said == rooms


def test_the_tour_runs(tmp_path, monkeypatch):
    tour = re.search(r"```python\n(import bearwidgets as bw\n.*?)```", README, re.DOTALL)[1]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(bw, "sample_bears", functools.partial(bw.sample_bears, n=60))
    names = {}
    exec(tour, names)  # noqa: S102 - the README is ours
    assert names["cleaner"].effect is not None
