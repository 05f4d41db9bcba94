"""The command line: exit codes, words for people, JSON for programs, no traceback."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from made_data import REPOSITORY, write_images

from bearwidgets import cli
from bearwidgets.clean.journal import Journal
from bearwidgets.cli import commands, demo
from bearwidgets.cli.parser import make_parser
from bearwidgets.cli.say import say_json
from bearwidgets.data.dataset import Dataset
from bearwidgets.data.formats import limits
from bearwidgets.learn.learner import Learner

COMMANDS = ("demo", "clean", "check", "train", "apply", "rollback", "export")
SMALL = ("--weights", "none", "--size", "32")
RECIPE = (
    "--arch test_resnet --mode full --epochs 2 --lr 0.01 --seed 3 --batch-size 6"
    " --augment standard --precision 32 --resize pad"
)


@pytest.fixture
def run(capsys):
    """`run("check", folder)` gives exit code, stdout, stderr."""

    def call(*arguments):
        try:
            code = cli.main([str(each) for each in arguments])
        except SystemExit as ended:
            code = ended.code
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


@pytest.fixture
def quick(monkeypatch):
    """Train on small images with weights from a seed."""
    real = commands.trained
    monkeypatch.setattr(
        commands, "trained", lambda ds, **options: real(ds, **{"weights": None, "size": 32, **options})
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example_that_parses(run, command):
    code, out, _ = run(command, "--help")
    assert code == 0
    example = re.search(r"^example: bearwidgets (.*)", out, re.MULTILINE)[1].split()
    assert example[0] == command
    assert make_parser().parse_args(example).run.__name__ == command


def test_help_and_version(run):
    code, out, _ = run("--help")
    assert code == 0
    assert all(command in out for command in COMMANDS)
    assert run("--version")[:2] == (0, "bearwidgets 0.1.0\n")


@pytest.mark.parametrize(
    "arguments",
    [
        "", "chek bears", "check", "check bears --top -5", "check bears --top many", "train bears --size 0",
        "train bears --mode fast", "rollback bears --round 0", "export bears", "export bears --to x --as zip",
    ],
)  # fmt: skip
def test_usage_errors_are_2(run, arguments):
    code, out, err = run(*arguments.split())
    assert (code, out) == (2, "")
    assert err.startswith("usage: bearwidgets")


@pytest.mark.parametrize(
    "command",
    ["check {}", "train {}", "apply {}", "rollback {}", "export {} --to x", "demo --data {}", "clean {}"],
)
def test_a_missing_folder_is_one_sentence(run, command):
    code, out, err = run(*command.format("nowhere").split())
    assert (code, out) == (2 if command.startswith("check") else 1, "")
    assert re.fullmatch(r"bearwidgets: .*nowhere.*\n", err)


def test_a_name_that_is_too_long_is_one_sentence_and_a_surprise_is_a_failure(run, images, monkeypatch):
    for arguments in (["check", "a" * 300], ["check", images, "--report", f"{'a' * 300}.html"]):
        code, _, err = run(*arguments)
        assert (code, err.count("\n")) == (2, 1)
        assert "cannot be a path on this machine" in err
    monkeypatch.setattr(commands, "_dataset", lambda _options: 1 / 0)
    code, _, err = run("check", images)
    assert (code, err.splitlines()[-1]) == (2, "ZeroDivisionError: division by zero"), (
        "1 would be: found something"
    )


def test_a_folder_without_images(run, tmp_path):
    (tmp_path / "empty").mkdir()
    code, _, err = run("check", tmp_path / "empty")
    assert code == 2
    assert err.count("\n") == 1


def test_check_finds_and_says_so(run, images, quick):
    (images / "black" / "torn.jpg").write_bytes(b"")
    (images / "teddy" / "copy.jpg").write_bytes((images / "black" / "001.jpg").read_bytes())
    code, out, _ = run("check", images, "--top", 3)
    assert code == 1
    assert "torn.jpg" in out
    assert re.search(r"Contradictory copies +2 \(certain\)", out)
    assert re.search(
        r"^Review first: 3 of \d+ images\n +image +label +proposed +why\n1 +\S+ +\w+ +keep +\w",
        out,
        re.MULTILINE,
    )
    code, out, err = run("check", images, "--top", 2, "--json")
    found = json.loads(out)
    assert (code, err) == (1, "")
    assert (found["items"], len(found["suspects"]), len(found["problems"])) == (25, 2, 1)
    assert found["certain"] >= 3
    assert {each["name"]: each["flagged"] for each in found["summary"]}["contradictory_labels"] == 2
    assert set(found["suspects"][0]) >= {"id", "path", "label", "suggested", "label_issue"}
    assert [each["path"] for each in found["triage"]] == ["black/001.jpg", "teddy/copy.jpg"]
    assert [each["proposal"] for each in found["triage"]] == ["keep", "delete"]


def test_check_is_0_where_nothing_is_found(run, images, monkeypatch):
    from stub_learner import StubLearner

    monkeypatch.setattr(commands, "trained", lambda ds, **_: StubLearner(ds))
    code, out, _ = run("check", images)
    assert code == 0
    assert "Nothing certain was found." in out


def test_check_writes_a_report_and_the_scores(run, images, quick, tmp_path):
    page, table = tmp_path / "bears.html", tmp_path / "bears.csv"
    (images / "teddy" / "<b>copy.jpg").write_bytes((images / "black" / "001.jpg").read_bytes())
    code, out, _ = run("check", images, "--report", page, "--out", table)
    assert code == 1
    assert f"written: {page}" in out
    text = page.read_text("utf-8")
    assert "&lt;b&gt;copy.jpg" in text
    assert "<b>copy" not in text
    assert "<script" not in text
    assert text.count("data:image/jpeg;base64,") >= 2
    assert "contradictory_labels_score" in table.read_text("utf-8").splitlines()[0]
    assert len(table.read_text("utf-8").splitlines()) == 26


def test_check_looks_where_it_writes_before_it_works(run, images, monkeypatch, tmp_path):
    monkeypatch.setattr(commands, "_dataset", lambda _: pytest.fail("it began to work"))
    image = images / "black" / "001.jpg"
    before = image.read_bytes()
    (tmp_path / "folder.csv").mkdir()
    for option, path, said in [
        ("--out", tmp_path / "bears.xls", "allowed are .csv and .parquet"),
        ("--out", tmp_path / "folder.csv", "is there and no file"),
        ("--out", tmp_path / "nowhere" / "bears.csv", "there is no folder"),
        ("--report", image, "allowed are .html and .htm"),
    ]:
        code, out, err = run("check", images, option, path)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert said in err
    shutil.copy(image, tmp_path / "without-ending")
    code, _, err = run("train", images, "--save", tmp_path / "without-ending")
    assert (code, "is an image, which is not written over" in err) == (1, True)
    assert image.read_bytes() == (tmp_path / "without-ending").read_bytes() == before


def test_names_are_shown_as_they_are_but_cannot_steer_the_terminal(run, images, quick):
    (images / "black" / "b\x1b[31mroken.jpg").write_bytes(b"")
    (images / "black" / "torn.jpg").write_bytes(b"")
    shutil.copy(images / "black" / "000.jpg", images / "black" / f"медведь-{'x' * 80}.jpg")
    _, out, _ = run("check", images, "--top", 24)
    assert "\x1b" not in out
    assert "b\\x1b[31mroken.jpg" in out
    assert f"…{'x' * 55}.jpg" in out


def test_no_name_steers_the_terminal(run, make_images, tmp_path, quick):
    root = make_images(tmp_path / "x\x9b31m", {"\x1b]0;pwned\x07black": 6, "te\u202eddy": 6})
    ds = Dataset.from_folder(root)
    Journal.open(ds).record(ds.table.id[:2].tolist(), "delete")
    for arguments in (
        ("check", root),
        ("apply", root, "--dry-run"),
        ("train", root, *SMALL),
        ("check", root / "no"),
    ):
        for form in ((), ("--json",)):
            _, out, err = run(*arguments, *form)
            assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(out + err), arguments
            if form and out:
                assert isinstance(json.loads(out), dict)


def test_json_is_the_same_in_every_encoding(capsys):
    machine = {"bär": ["\x7f\x1b\u202e", "\U0001f43b"]}
    say_json(machine)
    out = capsys.readouterr().out
    assert (out.isascii(), out.rstrip("\n").isprintable(), json.loads(out)) == (True, True, machine)


def test_a_table_of_labels(run, images, quick, tmp_path):
    table = Dataset.from_folder(images).table
    frame = table.assign(id=table.path.str.removesuffix(".jpg"), kind=table.label)[["id", "kind", "split"]]
    frame.to_csv(tmp_path / "labels.csv", index=False)
    how = (
        "--root",
        images,
        "--path",
        "id",
        "--label",
        "kind",
        "--split",
        "split",
        "--suffix",
        ".jpg",
        "--json",
    )
    code, out, err = run("check", tmp_path / "labels.csv", *how)
    assert (code, json.loads(out)["items"], err) == (0, 24, "")
    code, out, _ = run("train", tmp_path / "labels.csv", *how, *SMALL)
    assert (code, json.loads(out)["n"]) == (0, 6)
    ds = Dataset.from_csv(tmp_path / "labels.csv", root=images, path="id", label="kind", suffix=".jpg")
    Journal.open(ds).record([ds.table.id[0]], "delete")
    assert json.loads(run("apply", tmp_path / "labels.csv", *how)[1])["counts"]["delete"] == 1
    assert len((tmp_path / "labels.csv").read_text().splitlines()) == 24
    assert run("rollback", tmp_path / "labels.csv", *how)[0] == 0
    assert (tmp_path / "labels.csv").read_text() == frame.to_csv(index=False)
    code, _, err = run("check", images, "--label", "kind")
    assert (code, "--label is of a table of labels" in err) == (2, True)
    code, _, err = run("check", tmp_path / "labels.csv", "--root", images)
    assert (code, "No column 'path'" in err) == (2, True)


def test_large_images_are_read_where_they_are_allowed(run, images, monkeypatch):
    monkeypatch.setattr(limits, "_most_pixels", 100)
    code, _, why = run("check", images)
    assert (code, "the limit is" in why) == (2, True)
    assert "24" in run("check", images, "--max-pixels", "1000000")[1]


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege on Windows")
def test_links_and_groups_are_options(run, images, tmp_path, quick):
    (tmp_path / "linked").mkdir()
    for label in ("black", "teddy"):
        (tmp_path / "linked" / label).symlink_to(images / label)
    assert run("check", tmp_path / "linked")[0] == 2
    code, out, _ = run("check", tmp_path / "linked", "--follow-links", "--groups", "00[0-3]", "--json")
    assert (code, json.loads(out)["items"]) == (0, 16)
    code, _, err = run("check", images, "--groups", "nobody")
    assert (code, "groups='nobody' finds nothing" in err) == (2, True)


def test_images_of_one_class_are_checked_all_the_same(run, make_images, tmp_path):
    folder = make_images(tmp_path / "one", {"teddy": 6})
    code, out, _ = run("check", folder)
    assert code == 0
    assert "not trained: " in out
    assert "Exact duplicates" in out


def test_train_saves_and_measures(run, images, tmp_path):
    code, out, _ = run("train", images, *SMALL, "--save", tmp_path / "bears.bw")
    assert code == 0
    assert "held-out images" in out
    assert str(tmp_path / "bears.bw") in out
    assert Learner.load(tmp_path / "bears.bw").classes == ["black", "grizzly", "teddy"]


def test_train_on_the_cleaned_data_as_json(run, ds):
    journal = Journal.open(ds)
    journal.record(ds.table.id[ds.table.label == "black"].tolist(), "relabel", "polar")
    code, out, _ = run("train", ds.root, *SMALL, "--cleaned", "--json")
    found = json.loads(out)
    assert code == 0
    assert {"loss", "accuracy", "error_rate", "n", "per_class", "made_by", "saved"} <= set(found)
    assert found["saved"] is None


def test_train_with_a_recipe(run, images, tmp_path):
    options = [*SMALL, *RECIPE.split(), "--checkpoint", tmp_path / "kept.safetensors"]
    code, out, _ = run("train", images, *options, "--export", tmp_path / "bears.onnx")
    assert code == 0
    assert "from scratch" in out
    assert f"saved to {tmp_path / 'bears.onnx'}" in out
    assert (tmp_path / "bears.onnx").is_file()
    code, out, _ = run("train", images, *options)
    assert code == 0
    assert "kept.safetensors: this training is finished." in out
    code, _, err = run("train", images, *options, "--lr", "0.02")
    assert code == 1
    assert "another list of phases" in err


@pytest.mark.parametrize("option", [("--lr", "1"), ("--log", "csv"), ("--devices", "2")])
def test_options_of_the_full_mode(run, images, option):
    code, out, err = run("train", images, *SMALL, *option)
    assert (code, out) == (1, "")
    assert f"{option[0]} is of the full mode" in err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--weights", "none", "--arch", "efficientnet_lite"), "efficientnet_lite"),
        (("--weights", "nowhere.bin"), "nowhere.bin"),
        (("--quality", "best", "--arch", "resnet18"), "arch is 'resnet18'"),
        ((*SMALL, "--mode", "full", "--epochs", "-1"), "epochs"),
        ((*SMALL, "--save", "no/such/folder/x.bw"), "there is no folder"),
    ],
)
def test_train_refuses_in_a_sentence(run, images, arguments, sentence):
    code, _, err = run("train", images, *arguments)
    said = [line for line in err.splitlines() if line.startswith("bearwidgets: ")]
    assert code == 1
    assert len(said) == 1
    assert sentence in said[0]
    assert "Traceback" not in err


def test_apply_and_rollback(run, ds):
    assert run("apply", ds.root)[:2] == (
        0,
        "Nothing to do: no decision to delete or relabel is pending.\n",
    )
    journal = Journal.open(ds)
    journal.record(ds.table.id[:2].tolist(), "delete")
    journal.record([ds.table.id[2]], "relabel", "teddy")
    before = sorted(path for path in ds.root.rglob("*.jpg"))
    code, out, _ = run("apply", ds.root, "--dry-run")
    assert (code, "2 to delete, 1 to relabel" in out) == (0, True)
    assert sorted(ds.root.rglob("*.jpg")) == before
    code, out, _ = run("apply", ds.root)
    assert code == 0
    assert "Round 1 applied: 2 images deleted, 1 relabeled." in out
    assert f"bearwidgets rollback {ds.root} --round 1" in out
    assert len(Dataset.from_folder(ds.root)) == 22
    code, out, _ = run("rollback", ds.root)
    assert (code, out) == (0, "Round 1 undone: all 3 files are back in place.\n")
    assert sorted(ds.root.rglob("*.jpg")) == before
    code, _, err = run("rollback", ds.root)
    assert (code, "no round to roll back" in err) == (1, True)
    code, _, err = run("rollback", ds.root, "--round", 7)
    assert (code, err.count("\n")) == (1, 1)


@pytest.mark.filterwarnings("ignore:The journal is damaged")
def test_apply_waits_until_damage_is_accepted(run, ds):
    journal = Journal.open(ds)
    journal.record(ds.table.id[:1].tolist(), "delete")
    journal.undo()
    journal.record(ds.table.id[1:2].tolist(), "delete")
    journal.path.write_bytes(journal.path.read_bytes().replace(b'"undo"', b'"undp"'))
    code, _, err = run("apply", ds.root)
    assert code == 1
    assert "entry 2 of journal.jsonl (line 2) cannot be read" in err
    assert "--accept-damage" in err
    code, out, _ = run("apply", ds.root, "--accept-damage")
    assert code == 0
    assert "2 images deleted" in out


def test_apply_and_rollback_as_json(run, ds):
    Journal.open(ds).record(ds.table.id[:2].tolist(), "delete")
    code, out, _ = run("apply", ds.root, "--dry-run", "--json")
    planned = json.loads(out)
    assert (code, planned["counts"]["delete"], len(planned["moves"]), planned["problems"]) == (0, 2, 2, [])
    done = json.loads(run("apply", ds.root, "--json")[1])
    assert done["round"] == 1
    assert json.loads(run("apply", ds.root, "--json")[1])["moves"] == []
    back = json.loads(run("rollback", ds.root, "--json")[1])
    assert (back["round"], back["counts"]["delete"]) == (1, 2)


def test_apply_stops_where_something_is_in_the_way(run, ds):
    journal = Journal.open(ds)
    journal.record([ds.table.id[0]], "relabel", "polar")
    journal.record([ds.table.id[1]], "delete")
    (ds.root / "polar").write_text("a file where the folder should be")
    code, out, _ = run("apply", ds.root, "--dry-run")
    assert code == 1
    assert "1 problem" in out
    code, _, err = run("apply", ds.root)
    assert code == 1
    assert "Nothing was changed" in err
    assert (ds.root / ds.table.path[1]).is_file()


def test_a_workspace_somewhere_else(run, ds, tmp_path):
    other = Dataset.from_folder(ds.root, workspace=tmp_path / "space")
    Journal.open(other).record([ds.table.id[0]], "delete")
    code, out, _ = run("apply", ds.root, "--workspace", tmp_path / "space", "--json")
    assert (code, json.loads(out)["counts"]["delete"]) == (0, 1)
    assert not (ds.root / ".bearwidgets").exists()


@pytest.mark.parametrize("form", ["folder", "csv", "fastai", "fastclass"])
def test_export(run, ds, tmp_path, form):
    Journal.open(ds).record([ds.table.id[0]], "delete")
    to = tmp_path / "out"
    code, out, _ = run("export", ds.root, "--to", to, "--as", form)
    assert (code, out) == (0, f"23 images written to {to}\n")
    assert to.is_dir() is (form == "folder")
    code, out, err = run("export", ds.root, "--to", to, "--as", form)
    assert (code, out, err.count("\n")) == (1, "", 1)
    code, out, _ = run("export", ds.root, "--to", tmp_path / "again", "--as", form, "--json")
    assert json.loads(out) == {"written": str(tmp_path / "again"), "items": 23, "form": form}


def test_ctrl_c_is_one_line(run, images, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(commands, "_dataset", interrupted)
    assert run("check", images) == (2, "", "bearwidgets: stopped\n")
    assert run("apply", images) == (1, "", "bearwidgets: stopped\n")


def process(*arguments, cwd, **environment):
    return subprocess.run(
        [sys.executable, "-m", "bearwidgets.cli", *map(str, arguments)],
        capture_output=True,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1", **environment},
        timeout=500,
        check=False,
    )


def test_as_a_process_with_a_terminal_that_knows_ascii_only(ds, tmp_path):
    Journal.open(ds).record([ds.table.id[0]], "delete")
    done = process("apply", ds.root, "--dry-run", cwd=tmp_path, PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, b"")
    assert rb"black/000.jpg \u2192 " in done.stdout
    failed = process("check", "bärs", cwd=tmp_path, PYTHONIOENCODING="ascii")
    assert (failed.returncode, failed.stdout, failed.stderr.count(b"\n")) == (2, b"", 1)


def test_demo_of_ones_own_images(run, tmp_path, quick):
    folder = write_images(tmp_path / "mine", {"black": 6, "teddy": 6})
    code, out, _ = run("demo", "--data", folder, "--no-lab")
    assert code == 0
    assert re.search(r"Review first: .*Held-out error.*Done in \d+\.\d s\.", out, re.DOTALL)


@pytest.fixture
def open_lab(images, capsys, monkeypatch, tmp_path):
    """`open_lab("--port", "8899")` in an empty folder gives exit code, stdout and how JupyterLab was started.

    With `of="clean"` it is the notebook of that command.
    """
    started = []

    class JupyterLab(contextlib.nullcontext):
        """Is asked to end by Ctrl+C, and ends when it is waited for again."""

        returncode, asked = None, False

        def __init__(self, command, env):
            super().__init__(self)
            started.append((command, env["BEARWIDGETS_DATA"]))

        def poll(self):
            return self.returncode

        def wait(self):
            if not self.asked:
                self.asked = True
                raise KeyboardInterrupt
            self.returncode = 0

    def call(*given, of="demo"):
        options = make_parser().parse_args([of, *given])
        code = demo._open_lab(images, options) if of == "demo" else options.run(options)
        return code, capsys.readouterr().out, started

    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setattr(subprocess, "Popen", JupyterLab)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    return call


@pytest.mark.parametrize(
    ("user", "given", "taken"),
    [
        (0, [], ["--allow-root"]),
        (1000, [], []),
        (1000, ["--allow-root"], ["--allow-root"]),
        (1000, ["--port", "8899", "--no-browser"], ["--port=8899", "--no-browser"]),
        (0, ["--ip", "::"], ["--ip=::", "--allow-root"]),
    ],
)
def test_jupyterlab_is_opened_on_a_notebook_of_ones_own(open_lab, images, monkeypatch, user, given, taken):
    monkeypatch.setattr(os, "geteuid", lambda: user, raising=False)
    code, out, started = open_lab(*given)
    assert (code, out) == (0, "")
    assert started == [([sys.executable, "-m", "jupyterlab", *taken, demo.NOTEBOOK], str(images))]
    assert Path(demo.NOTEBOOK).read_bytes() == (REPOSITORY / "notebooks" / demo.NOTEBOOK).read_bytes()


def test_clean_opens_a_notebook_of_two_cells(open_lab, images):
    code, out, started = open_lab(str(images), "--port", "8899", of="clean")
    assert (code, "grizzly" in out) == (0, True)
    ((command, data),) = started
    assert (command[-1], data) == ("clean_images.ipynb", str(images))
    notebook = nbformat.read("clean_images.ipynb", as_version=4)
    nbformat.validate(notebook)
    source = [cell.source for cell in notebook.cells]
    assert source == ["import bearwidgets as bw", f"cleaner = bw.clean({str(images)!r})\ncleaner"]


def test_a_notebook_that_is_there_stays_as_it_is(open_lab):
    Path(demo.NOTEBOOK).write_text("mine")
    code, out, started = open_lab()
    assert (code, out, len(started)) == (0, f"{demo.NOTEBOOK} is here already; it is opened as it is.\n", 1)
    assert Path(demo.NOTEBOOK).read_text() == "mine"


def test_without_jupyterlab_it_says_how_to_go_on(open_lab, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    code, out, started = open_lab()
    assert (code, started) == (1, [])
    assert out == f"To continue: pip install 'bearwidgets[lab]', then jupyter lab {demo.NOTEBOOK}\n"
    assert Path(demo.NOTEBOOK).is_file()


@pytest.mark.slow
def test_demo_twice(tmp_path):
    first = process("demo", "--no-lab", cwd=tmp_path)
    assert first.returncode == 0, first.stderr.decode()
    words = first.stdout.decode()
    assert "Review first: 20 of" in words
    assert "Held-out error" in words
    assert (tmp_path / "bears" / "answers.csv").is_file()
    again = process("demo", "--no-lab", cwd=tmp_path)
    assert again.returncode == 0, "the bears that are there already are taken"
