"""The package as it is imported and as it is installed."""

from __future__ import annotations

import email
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml
from made_data import REPOSITORY

import bearwidgets

PUBLIC = {
    "Augment",
    "BearwidgetsError",
    "Cleaner",
    "ConfusionMatrix",
    "CrossValidation",
    "Dataset",
    "ImageClassifier",
    "ImageError",
    "Issues",
    "Journal",
    "Learner",
    "Recipe",
    "Review",
    "__version__",
    "check",
    "cross_validate",
    "find_issues",
    "sample_bears",
}
HEAVY = {
    "torch",
    "torchvision",
    "timm",
    "pandas",
    "numpy",
    "PIL",
    "sklearn",
    "ipywidgets",
    "anywidget",
    "IPython",
}
PACKAGE = REPOSITORY / "bearwidgets"


def python(code):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=REPOSITORY, timeout=300, check=False
    )


@pytest.mark.parametrize(
    ("names", "absent"),
    [
        ("bearwidgets.cli", HEAVY),
        ("bw.Dataset, bw.Journal, bw.sample_bears", {"torch", "timm", "anywidget", "ipywidgets"}),
    ],
)
def test_import_loads_nothing_heavy(names, absent):
    done = python(
        f"import sys, bearwidgets, bearwidgets.cli, bearwidgets as bw; {names}; print({absent} & set(sys.modules))"
    )
    assert (done.stdout, done.returncode) == ("set()\n", 0), done.stderr


def test_public_names():
    assert set(bearwidgets.__all__) == set(dir(bearwidgets)) == PUBLIC
    assert all(getattr(bearwidgets, name) is not None for name in PUBLIC)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'Cleanr'"):
        bearwidgets.Cleanr  # noqa: B018 - the look-up is the test


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Names in a wheel of the tree; a copy is built, so that the tree stays as it is."""
    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}") or shutil.which("uv")
    if uv is None:
        pytest.fail("the test needs uv, which `make test` puts beside Python")
    tree, out = tmp_path_factory.mktemp("tree") / "copy", tmp_path_factory.mktemp("wheel")
    tree.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(REPOSITORY / name, tree / name)
    left_out = shutil.ignore_patterns("node_modules", "__pycache__")
    shutil.copytree(REPOSITORY / "bearwidgets", tree / "bearwidgets", ignore=left_out)
    done = subprocess.run(
        [uv, "build", "--wheel", "--out-dir", str(out), str(tree)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (file,) = out.glob("*.whl")
    with zipfile.ZipFile(file) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_wheel_holds_the_built_front_end(wheel):
    for name in ("cleaner.js", "cleaner.css", "confusion.js", "confusion.css"):
        assert wheel[f"bearwidgets/static/{name}"] == (REPOSITORY / "bearwidgets/static" / name).read_bytes()


def test_the_wheel_holds_every_module_and_no_sources_of_the_front_end(wheel):
    modules = {f"bearwidgets/{path.relative_to(PACKAGE).as_posix()}" for path in PACKAGE.rglob("*.py")}
    modules = {name for name in modules if not name.startswith("bearwidgets/frontend/")}
    assert {*modules, "bearwidgets/py.typed"} <= set(wheel)
    inside = {name for name in wheel if ".dist-info/" not in name}
    assert {Path(name).suffix for name in inside} <= {".py", ".js", ".css", ".typed"}
    assert not any("frontend" in name or "node_modules" in name or "tests" in name for name in inside)


@pytest.fixture(scope="module")
def metadata(wheel):
    (text,) = [text.decode() for name, text in wheel.items() if name.endswith("METADATA")]
    return email.message_from_string(text)


def test_the_wheel_brings_command_license_and_version(wheel, metadata):
    (entry,) = [text.decode() for name, text in wheel.items() if name.endswith("entry_points.txt")]
    assert "bearwidgets = bearwidgets.cli:main" in entry
    assert any(name.endswith("LICENSE") for name in wheel)
    assert metadata["Version"] == bearwidgets.__version__


def test_the_environment_asks_for_what_the_package_asks_for(metadata):
    *conda, pip = yaml.safe_load((REPOSITORY / "environment.yml").read_text("utf-8"))["dependencies"]
    wanted = {line.partition(";")[0] for line in metadata.get_all("Requires-Dist") if "extra" not in line}
    lab = {line.partition(";")[0] for line in metadata.get_all("Requires-Dist") if "extra == 'lab'" in line}
    wanted |= lab | {f"python{metadata['Requires-Python']}", "pip", "-e ."}
    on_conda = {"pytorch": "torch", "lightning": "lightning-fabric"}  # other names, the same libraries
    assert lab
    assert {
        re.sub(r"^\w+(?=>)", lambda name: on_conda.get(name[0], name[0]), line)
        for line in (*conda, *pip["pip"])
    } == wanted
