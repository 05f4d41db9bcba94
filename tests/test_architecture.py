"""One way round: a room imports only from rooms to its left."""

from __future__ import annotations

import ast
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import bearwidgets

ROOMS = ("data", "clean", "learn", "review", "widgets", "cli")
FREE = ("errors", "figures", "files", "safe_text", "version")
PACKAGE = Path(bearwidgets.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))


def room_of(path):
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imported(tree):
    """Dotted names that a module imports, those for types and those in functions too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, name.name) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: imports are absolute here"
            yield from ((node.lineno, f"{node.module}.{name.name}") for name in node.names)


def to_the_right(path, source):
    """Imports from rooms to the right of the module's own, types included."""
    own = ROOMS.index(room_of(path))
    for line, name in imported(ast.parse(source)):
        parts = name.split(".")
        if parts[0] != "bearwidgets" or len(parts) == 1 or parts[1] in (*FREE, "__version__"):
            continue
        if parts[1] in ROOMS and ROOMS.index(parts[1]) > own:
            yield f"{path.name}:{line} imports {name}"
        elif parts[1] not in ROOMS and room_of(path) != "cli":
            yield f"{path.name}:{line} imports {name} from the whole package"


def test_every_module_is_in_a_room():
    strange = {room_of(path) for path in FILES} - {*ROOMS, *FREE, "__init__"}
    assert strange <= {"frontend"}


@pytest.mark.parametrize("room", ROOMS)
def test_imports_go_left(room):
    files = [path for path in FILES if room_of(path) == room]
    assert files
    assert [each for path in files for each in to_the_right(path, path.read_text("utf-8"))] == []


MODULES = {
    ".".join(("bearwidgets", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(
        ".__init__"
    ): path
    for path in FILES
}


def graph(changed=None):
    """Module → modules that it imports, for types only and inside of functions too; `changed` has other sources."""
    arrows = {}
    for module, path in MODULES.items():
        source = (changed or {}).get(module) or path.read_text("utf-8")
        arrows[module] = set()
        for _, name in imported(ast.parse(source)):
            known = name
            while known and known not in MODULES:
                known = known.rpartition(".")[0]
            if known and known != module:
                arrows[module].add(known)
    return arrows


def by_room(arrows):
    """The same between rooms: a folder in a room is one, and so is each module that lies in none of them."""
    rooms = {module: module.rpartition(".")[0] if module.count(".") > 2 else module for module in arrows}
    found = {room: set() for room in rooms.values()}
    for module, others in arrows.items():
        found[rooms[module]] |= {rooms[each] for each in others} - {rooms[module]}
    return found


def circle(arrows):
    """One circle of these arrows, or none."""
    try:
        TopologicalSorter(arrows).prepare()
    except CycleError as error:
        return error.args[1]
    return None


def test_no_circle_between_modules_or_rooms():
    arrows = graph()
    assert circle(arrows) is None
    assert circle(by_room(arrows)) is None


@pytest.mark.parametrize(
    ("module", "source", "seen"),
    [
        (
            "bearwidgets.learn.predict",
            "if TYPE_CHECKING:\n    from bearwidgets.learn.learner import Learner",
            graph,
        ),
        ("bearwidgets.learn.run", "def run():\n    from bearwidgets.learn import fit_methods", graph),
        (
            "bearwidgets.learn.network.weights",
            "from bearwidgets.learn.saved.bundle import load",
            lambda changed: by_room(graph(changed)),
        ),
    ],
)
def test_a_circle_would_be_seen(module, source, seen):
    added = MODULES[module].read_text("utf-8") + "\n" + source
    assert circle(seen({module: added})) is not None


def test_errors_imports_nothing_of_the_package():
    names = [name for _, name in imported(ast.parse((PACKAGE / "errors.py").read_text("utf-8")))]
    assert not any(name.startswith("bearwidgets") for name in names)


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("from bearwidgets.learn.learner import Learner", 1),
        ("def f():\n    import bearwidgets.widgets.cleaner.cleaner", 1),
        ("from bearwidgets import Cleaner", 1),
        ("from bearwidgets.errors import ImageError\nfrom bearwidgets.data import split\nimport numpy", 0),
    ],
)
def test_a_wrong_import_would_be_seen(source, found):
    assert len(list(to_the_right(PACKAGE / "clean" / "journal.py", source))) == found


@pytest.mark.parametrize("room", ["data", "clean"])
def test_no_torch_on_the_left(room):
    for path in FILES:
        if room_of(path) == room:
            names = [name.split(".")[0] for _, name in imported(ast.parse(path.read_text("utf-8")))]
            assert not {"torch", "torchvision", "timm", "lightning_fabric", "anywidget"} & set(names), path


@pytest.mark.parametrize("room", ["data", "clean", "learn", "review"])
def test_no_widget_left_of_the_widgets(room):
    for path in FILES:
        if room_of(path) == room:
            names = [name.split(".")[0] for _, name in imported(ast.parse(path.read_text("utf-8")))]
            assert not {"anywidget", "ipywidgets", "traitlets", "IPython"} & set(names), path


def test_only_the_standard_library_at_the_top_of_the_package():
    names = {
        name.split(".")[0] for _, name in imported(ast.parse((PACKAGE / "__init__.py").read_text("utf-8")))
    }
    assert names - {"bearwidgets"} <= set(sys.stdlib_module_names)


def impatient(source):
    """Lines that rename a file outside `patiently`: one argument that is no text, as `path.replace(other)` has."""
    tree = ast.parse(source)
    waited_for = {
        id(each) for node in ast.walk(tree) if isinstance(node, ast.Lambda) for each in ast.walk(node)
    }
    for node in ast.walk(tree):
        if (
            not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute))
            or id(node) in waited_for
        ):
            continue
        plain = len(node.args) == 1 and not node.keywords and not isinstance(node.args[0], ast.Constant)
        if node.func.attr in {"rename", "replace"} and plain:
            yield node.lineno


def test_every_rename_waits_for_a_file_that_is_open_elsewhere():
    assert [f"{path.name}:{line}" for path in FILES for line in impatient(path.read_text("utf-8"))] == []
    assert list(
        impatient("a.replace(b)\npatiently(lambda: a.rename(b))\nindex.rename('x'); t.replace('a', 'b')")
    ) == [1]
