"""The drawn sample set: what it holds, what its answer key says, how hard it is, and what it refuses."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import numpy as np
import pytest
from made_data import CLASSES
from PIL import Image, ImageOps

import bearwidgets as bw
from bearwidgets.data.samples import samples
from bearwidgets.errors import BadInputError, WorkspaceError

if TYPE_CHECKING:
    from pathlib import Path


def answers_of(root: Path) -> dict[str, dict[str, str]]:
    with (root / "answers.csv").open(encoding="utf-8", newline="") as file:
        return {row["path"]: row for row in csv.DictReader(file)}


def files_of(root: Path) -> dict[str, bytes]:
    files = [path for path in root.rglob("*") if path.is_file()]
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}


def gray(content: bytes) -> np.ndarray:
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(content)))
    return np.asarray(upright.convert("L").reduce(2), dtype=float)


def sharpness(content: bytes) -> float:
    """Strong edges against the image's contrast: about 1 to 5 for a clean one."""
    pixels = gray(content)
    middle = pixels[1:-1, 1:-1]
    edges = np.abs(4 * middle - pixels[:-2, 1:-1] - pixels[2:, 1:-1] - pixels[1:-1, :-2] - pixels[1:-1, 2:])
    return float(np.percentile(edges, 99) / (pixels.std() + 1))


def with_fault(root: Path, fault: str) -> list[dict[str, str]]:
    rows = [row for row in answers_of(root).values() if row["fault"] == fault]
    assert rows, f"no {fault} was planted"
    return rows


@pytest.fixture(scope="module")
def bears(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bw.sample_bears(tmp_path_factory.mktemp("made") / "bears", n=72, seed=3, faults=0.5)


def test_holds_n_files_in_balanced_class_folders_and_the_key_in_the_root(bears):
    assert sorted(path.name for path in bears.iterdir() if path.is_dir()) == CLASSES
    counts = [len(list((bears / label).iterdir())) for label in CLASSES]
    assert sum(counts) == 72
    assert min(counts) >= 18
    files = sorted(path.name for path in bears.iterdir() if path.is_file())
    assert files == [".sample_bears.json", "answers.csv"]


def test_the_key_lists_exactly_the_faulty_files_with_every_kind_of_fault(bears):
    answers = answers_of(bears)
    assert len(answers) == 36
    assert {row["fault"] for row in answers.values()} == set(samples.FAULTS)
    assert all((bears / path).is_file() and row["detail"] for path, row in answers.items())


def test_clean_files_are_readable_bright_and_sharp_and_of_varied_content(bears):
    files, answers = files_of(bears), answers_of(bears)
    clean = [content for path, content in files.items() if "/" in path and path not in answers]
    assert len(clean) == len(set(clean)) == 36
    assert min(gray(content).mean() for content in clean) > 20
    assert min(sharpness(content) for content in clean) > 0.6


def test_the_true_label_is_the_folder_unless_that_is_the_fault(bears):
    for row in answers_of(bears).values():
        folder = row["path"].split("/")[0]
        allowed = {"wrong_label": set(CLASSES) - {folder}, "off_topic": {""}}
        assert row["true_label"] in allowed.get(row["fault"], {folder}), row


def test_duplicates_have_the_bytes_of_the_clean_file_they_name(bears):
    files, answers = files_of(bears), answers_of(bears)
    for row in with_fault(bears, "duplicate"):
        source = row["detail"].removeprefix("same bytes as ")
        assert files[source] == files[row["path"]]
        assert source not in answers
        assert source != row["path"]


def test_near_duplicates_look_like_the_clean_file_they_name_and_like_no_other(bears):
    files, answers = files_of(bears), answers_of(bears)

    def tiny(content: bytes) -> np.ndarray:
        image = Image.fromarray(gray(content).astype(np.uint8)).resize((12, 12))
        pixels = np.asarray(image, dtype=float).ravel()
        return (pixels - pixels.mean()) / pixels.std()

    clean = [path for path in files if "/" in path and path not in answers]
    for row in with_fault(bears, "near_duplicate"):
        how, _, source = row["detail"].partition(" copy of ")
        copy = Image.open(io.BytesIO(files[row["path"]]))
        buffer = io.BytesIO()
        (ImageOps.mirror(copy) if "mirrored" in how else copy).save(buffer, "PNG")
        likeness = {path: float(tiny(files[path]) @ tiny(buffer.getvalue())) / 144 for path in clean}
        assert max(likeness, key=likeness.__getitem__) == source
        assert files[source] != files[row["path"]]


def test_dark_blurred_and_broken_files_are_what_they_are_called(bears):
    files = files_of(bears)
    assert max(gray(files[row["path"]]).mean() for row in with_fault(bears, "dark")) < 20
    assert max(sharpness(files[row["path"]]) for row in with_fault(bears, "blurred")) < 0.6
    for row in with_fault(bears, "broken"):
        with pytest.raises(OSError, match=r"cannot identify|truncated"):
            gray(files[row["path"]])


def test_the_data_set_reads_every_file_but_the_broken_ones(bears, tmp_path):
    dataset = bw.Dataset.from_folder(bears, workspace=tmp_path / "workspace")
    assert dataset.classes == CLASSES
    assert set(dataset.problems["path"]) == {row["path"] for row in with_fault(bears, "broken")}


def test_some_names_are_awkward_and_none_clash(bears):
    names = [path.lower() for path in files_of(bears) if "/" in path]
    assert len(names) == len(set(names))
    assert any(" " in name for name in names)
    assert not any(set(name.partition("/")[2]) & set('\\/:*?"<>|') for name in names)


def test_the_same_arguments_give_the_same_bytes_and_others_do_not(tmp_path):
    before = np.random.get_state()[1].tolist()  # noqa: NPY002
    made = [bw.sample_bears(tmp_path / str(turn), n=12, seed=turn // 2, faults=0.3) for turn in range(3)]
    first, same, other = map(files_of, made)
    assert first == same
    assert first["answers.csv"] != other["answers.csv"]
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002


@pytest.mark.parametrize(
    ("n", "faults", "planted"), [(12, 0.0, 0), (12, 0.5, 6), (13, 0.1, 1), (31, 0.25, 8)]
)
def test_small_sets_hold_the_promised_numbers(tmp_path, n, faults, planted):
    root = bw.sample_bears(tmp_path / "set", n=n, seed=5, faults=faults)
    assert len([path for path in files_of(root) if "/" in path]) == n
    assert len(answers_of(root)) == planted


def test_mixed_up_labels_follow_one_rule_and_leave_the_rest_as_it_was(tmp_path):
    plain = answers_of(bw.sample_bears(tmp_path / "plain", n=60, seed=1, faults=0.2))
    root = bw.sample_bears(tmp_path / "mixed", n=60, seed=1, faults=0.2, mixed_up=0.25)
    answers = answers_of(root)
    assert {path: each for path, each in answers.items() if path in plain} == plain
    added = {path: each["true_label"] for path, each in answers.items() if path not in plain}
    assert len(added) == round(0.25 * 48)
    truth = {"grizzly": "black", "teddy": "grizzly", "black": "teddy"}
    assert all(true == truth[path.split("/")[0]] for path, true in added.items())
    with pytest.raises(BadInputError, match="other arguments"):
        bw.sample_bears(root, n=60, seed=1, faults=0.2)


def test_a_second_call_returns_at_once_and_keeps_your_edits(tmp_path, monkeypatch):
    root = bw.sample_bears(tmp_path / "bears", n=12)
    next((root / "black").iterdir()).unlink()
    before = files_of(root)
    monkeypatch.setattr(samples, "_write_set", lambda *_: pytest.fail("drawn again"))
    assert bw.sample_bears(root, n=12) == root
    assert files_of(root) == before


def test_an_empty_folder_is_filled_and_missing_parents_are_made(tmp_path, monkeypatch):
    (tmp_path / "empty").mkdir()
    assert (bw.sample_bears(tmp_path / "empty", n=12) / "answers.csv").is_file()
    monkeypatch.chdir(tmp_path)
    assert (bw.sample_bears("a/b/bears", n=12) / "answers.csv").is_file()
    assert sorted(path.name for path in (tmp_path / "a" / "b").iterdir()) == ["bears"]
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert bw.sample_bears("~/bears", n=12) == tmp_path / "bears"


def test_a_folder_with_anything_else_and_that_of_python_are_refused_and_left_alone(tmp_path, monkeypatch):
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "photo.jpg").write_bytes(b"mine")
    with pytest.raises(
        BadInputError, match=r"not empty and was not made by sample_bears.*or an empty folder"
    ):
        bw.sample_bears(mine, n=12)
    with pytest.raises(BadInputError, match="is a file"):
        bw.sample_bears(mine / "photo.jpg", n=12)
    assert files_of(mine) == {"photo.jpg": b"mine"}
    made = bw.sample_bears(tmp_path / "made", n=12)
    before = files_of(made)
    with pytest.raises(BadInputError, match=r"other arguments.*give another folder"):
        bw.sample_bears(made, n=13)
    (made / ".sample_bears.json").write_text("torn{", encoding="utf-8")
    with pytest.raises(BadInputError, match="other arguments"):
        bw.sample_bears(made, n=12)
    assert set(files_of(made)) == set(before)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(BadInputError, match="Python works in"):
        bw.sample_bears(".", n=12)


@pytest.mark.parametrize("stop", [KeyboardInterrupt, OSError])
def test_an_interrupted_call_leaves_nothing_and_a_place_that_cannot_be_written_is_named(
    tmp_path, monkeypatch, stop
):
    draw, calls = samples.bear_image, []

    def interrupted(*arguments):
        calls.append(1)
        if len(calls) > 5:
            raise stop("no space left")
        return draw(*arguments)

    monkeypatch.setattr(samples, "bear_image", interrupted)
    raised = KeyboardInterrupt if stop is KeyboardInterrupt else WorkspaceError
    with pytest.raises(raised, match="no space left"):
        bw.sample_bears(tmp_path / "bears", n=12)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(
        WorkspaceError, match=r"bears cannot be written .* Choose a folder that can be written"
    ):
        bw.sample_bears(tmp_path / "file" / "bears", n=12)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n": 11}, "n is 11; it must be a whole number, 12 or more"),
        ({"n": 12.0}, "n is 12.0"),
        ({"n": True}, "n is True"),
        ({"n": "300"}, "n is '300'"),
        ({"seed": -1}, "seed is -1; it must be a whole number, 0 or more"),
        ({"faults": 0.51}, "faults is 0.51; it must be a number from 0 to 0.5"),
        ({"faults": -0.1}, "faults is -0.1"),
        ({"faults": float("nan")}, "faults is nan"),
        ({"faults": None}, "faults is None"),
        ({"mixed_up": 0.6}, "mixed_up is 0.6; it must be a number from 0 to 0.5"),
    ],
)
def test_bad_arguments_are_refused_before_anything_is_written(tmp_path, arguments, message):
    with pytest.raises(BadInputError, match=message):
        bw.sample_bears(tmp_path / "bears", **arguments)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_a_linear_head_gets_90_to_97_percent_right_and_finds_the_wrong_labels(tmp_path, seed):
    from sklearn.metrics import average_precision_score

    ds = bw.Dataset.from_folder(bw.sample_bears(tmp_path / "bears", n=300, seed=seed))
    answers = answers_of(ds.root)
    learn = bw.Learner(ds).fine_tune(progress=False)
    table = bw.Review(learn).table
    fault = np.array([answers[path]["fault"] if path in answers else "" for path in table.path])
    clean = fault == ""
    right = (table.predicted == table.label)[clean].mean()
    assert 0.90 <= right <= 0.97
    judged = np.isin(fault, ["", "wrong_label"])  # other faults are suspects with good reason
    found = average_precision_score(fault[judged] == "wrong_label", table.label_issue[judged])
    assert found > 0.7
