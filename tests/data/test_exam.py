"""The frozen evaluation split."""

from __future__ import annotations

import contextlib
import json
import shutil
import threading
import warnings

import numpy as np
import pytest

from bearwidgets.data import exam
from bearwidgets.data.dataset import Dataset
from bearwidgets.data.exam import find_exam, freeze, read_exams
from bearwidgets.errors import WorkspaceError


def valid(ds: Dataset) -> set[str]:
    return set(ds.table["content"][ds.table["split"] == "valid"])


def add_images(make_images, images, n=10):
    make_images(images / "more", {"black": n}, seed=7)
    for number, path in enumerate(sorted((images / "more" / "black").iterdir())):
        path.rename(images / "black" / f"new{number}.jpg")
    shutil.rmtree(images / "more")


def test_new_images_go_to_train_once_the_exam_is_frozen(images, make_images):
    ds = Dataset.from_folder(images)
    assert ds.exam is None
    exam = ds.freeze_exam()
    assert set(exam.items) == valid(ds)
    assert exam.items.items() <= dict(zip(ds.table["content"], ds.table["label"], strict=True)).items()
    add_images(make_images, images)
    again = Dataset.from_folder(images)
    assert len(again) == len(ds) + 10
    assert valid(again) == valid(ds)
    assert again.exam == exam


def test_without_freezing_new_images_are_split_as_well(images, make_images):
    before = valid(Dataset.from_folder(images))
    add_images(make_images, images)
    assert len(valid(Dataset.from_folder(images))) > len(before)


def test_another_seed_or_share_is_another_exam(images):
    ds = Dataset.from_folder(images)
    ds.freeze_exam()
    for options in ({"seed": 1}, {"valid_pct": 0.3}):
        other = Dataset.from_folder(images, **options)
        assert other.exam is None
        other.freeze_exam()
    assert len(read_exams(ds.workspace)) == 3
    assert valid(Dataset.from_folder(images)) == valid(ds)


def test_numbers_of_numpy_are_kept_as_well(images):
    ds = Dataset.from_folder(images, valid_pct=np.float32(0.25), seed=np.int64(3))
    ds.freeze_exam()
    assert Dataset.from_folder(images, valid_pct=0.25, seed=3).exam == ds.exam is not None


def test_freezing_twice_changes_nothing(images):
    ds = Dataset.from_folder(images)
    first = ds.freeze_exam()
    text = (ds.workspace / "exam.json").read_text()
    assert ds.freeze_exam() == first
    assert (ds.workspace / "exam.json").read_text() == text


def test_labels_stay_as_they_were_when_a_file_moves(images):
    ds = Dataset.from_folder(images)
    exam = ds.freeze_exam()
    row = ds.table[(ds.table["split"] == "valid") & (ds.table["label"] == "black")].iloc[0]
    (images / row["path"]).rename(images / "teddy" / "moved.jpg")
    again = Dataset.from_folder(images)
    moved = again.table.loc[again.index_of(row["id"])]
    assert (moved["split"], moved["label"]) == ("valid", "teddy")
    assert again.exam.items[row["content"]] == "black"
    assert again.exam.hash == exam.hash


def test_images_that_are_gone_are_told_of(images):
    ds = Dataset.from_folder(images)
    ds.freeze_exam()
    gone = ds.table[ds.table["split"] == "valid"].iloc[0]["path"]
    (images / gone).unlink()
    again = Dataset.from_folder(images)
    assert len(valid(again)) == len(valid(ds)) - 1
    assert any("1 of the 6 images of the frozen exam" in note for note in again.notes)


def test_other_data_in_the_same_folder_gets_an_exam_of_its_own(images, make_images):
    Dataset.from_folder(images).freeze_exam()
    for label in ("black", "grizzly", "teddy"):
        shutil.rmtree(images / label)
    make_images(images, {"cat": 6, "dog": 6}, seed=9)
    ds = Dataset.from_folder(images)
    assert ds.exam is None
    assert len(valid(ds)) == 2
    ds.freeze_exam()
    assert len(read_exams(ds.workspace)) == 2
    assert valid(Dataset.from_folder(images)) == valid(ds)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "damaged"),
        ("[]", "damaged"),
        ('{"version": 1}', "damaged"),
        ('{"version": 1, "exams": [{"a": 1}]}', "damaged"),
        ('{"version": 2, "exams": []}', "has version 2"),
        ('{"version": -1, "exams": []}', "damaged"),
        ('{"version": true, "exams": []}', "damaged"),
        ('{"version": 1, "exams": {}}', "damaged"),
        ('{"version": 1, "exams": [], "hasi": ""}', "damaged"),
        ("[" * 100_000 + "]" * 100_000, "damaged"),
    ],
)
def test_an_exam_that_cannot_be_read_is_never_replaced(images, text, words):
    file = images / ".bearwidgets" / "exam.json"
    file.parent.mkdir()
    file.write_text(text)
    with pytest.raises(WorkspaceError, match=words):
        Dataset.from_folder(images)
    assert file.read_text() == text


def test_an_edited_exam_is_noticed(images):
    ds = Dataset.from_folder(images)
    ds.freeze_exam()
    file = ds.workspace / "exam.json"
    content = json.loads(file.read_text())
    content["exams"][0]["items"].popitem()
    file.write_text(json.dumps(content))
    with pytest.raises(WorkspaceError, match="changed by hand"):
        Dataset.from_folder(images)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("seed", 43),
        ("valid_pct", 0.3),
        ("frozen_at", ""),
        ("items", [1]),
        ("items", {"a": 1}),
        ("hash", None),
    ],
)
def test_every_value_of_a_frozen_exam_is_checked(images, name, value):
    ds = Dataset.from_folder(images)
    ds.freeze_exam()
    file = ds.workspace / "exam.json"
    content = json.loads(file.read_text())
    content["exams"][0][name] = value
    file.write_text(json.dumps(content))
    with pytest.raises(WorkspaceError, match="frozen exam"):
        Dataset.from_folder(images)


def test_an_exam_of_an_earlier_version_is_read(images):
    ds = Dataset.from_folder(images)
    exam = ds.freeze_exam()
    file = ds.workspace / "exam.json"
    content = json.loads(file.read_text())
    del content["hash"]
    file.write_text(json.dumps(content))
    (ds.workspace / "exam.lock").unlink()
    assert Dataset.from_folder(images).exam == exam
    assert Dataset.from_folder(images).notes == ds.notes


def test_a_lost_exam_is_told_until_a_new_one_is_frozen(images):
    ds = Dataset.from_folder(images)
    ds.freeze_exam()
    (ds.workspace / "exam.json").unlink()
    again = Dataset.from_folder(images)
    assert any("is gone" in note for note in again.notes)
    again.freeze_exam()
    assert not any("is gone" in note for note in Dataset.from_folder(images).notes)


def test_a_count_that_cannot_be_kept_does_not_unfreeze(tmp_path, monkeypatch):
    real = exam.locked

    @contextlib.contextmanager
    def locked(path):
        with real(path) as file, path.open("rb") as read_only:
            assert file is not None
            yield read_only

    monkeypatch.setattr(exam, "locked", locked)
    frozen = freeze(tmp_path, 0.2, 42, {"0a": "black"})
    assert read_exams(tmp_path) == [frozen]
    assert (tmp_path / "exam.lock").stat().st_size == 0


def test_exams_that_are_frozen_at_the_same_time_are_all_kept(tmp_path):
    def work(seed):
        for n in range(10):
            freeze(tmp_path, 0.2, seed, {f"{seed}-{n}": "black"})

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(read_exams(tmp_path)) == 40


@pytest.mark.parametrize("name", ["", "exam.json", "journal.jsonl", "rounds", "rounds/0001"])
def test_a_link_in_the_workspace_is_refused(images, tmp_path, name):
    (tmp_path / "elsewhere").mkdir()
    link = images / ".bearwidgets" / name
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(WorkspaceError, match="is a link to"):
        Dataset.from_folder(images)


def test_a_workspace_that_cannot_be_written_keeps_it_for_the_session(images, tmp_path, make_images):
    (tmp_path / "file").write_text("in the way")
    space = tmp_path / "file" / "workspace"
    ds = Dataset.from_folder(images, workspace=space)
    with pytest.warns(UserWarning, match="this session only"):
        exam = ds.freeze_exam()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert ds.freeze_exam() == exam
        Dataset.from_folder(images, workspace=space, seed=1).freeze_exam()
    add_images(make_images, images)
    again = Dataset.from_folder(images, workspace=space)
    assert valid(again) == valid(ds)
    assert again.exam == exam


def test_a_failed_write_leaves_the_old_exam(images, monkeypatch):
    ds = Dataset.from_folder(images)
    ds.freeze_exam()
    text = (ds.workspace / "exam.json").read_text()

    def replace(self, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.replace", replace)
    with pytest.warns(UserWarning, match="No space left"):
        freeze(ds.workspace, 0.5, 1, {"0a": "x"})
    assert (ds.workspace / "exam.json").read_text() == text
    assert sorted(path.name for path in ds.workspace.iterdir()) == ["exam.json", "exam.lock"]


def test_an_exam_without_items_is_not_kept(images):
    ds = Dataset.from_folder(images, valid_pct=0)
    assert ds.freeze_exam().items == {}
    assert find_exam(ds.workspace, 0, 42) is None


def test_a_cleaned_view_freezes_the_labels_on_disk(images):
    ds = Dataset.from_folder(images)
    row = ds.table[ds.table["split"] == "valid"].iloc[0]

    class Journal:
        decisions = (
            ds.table[ds.table["id"] == row["id"]]
            .assign(action="relabel", new_label="other", seq=1)
            .set_index("id")
        )

    view = ds.cleaned(Journal(), exam="corrected")
    assert view.table.loc[view.index_of(row["id"]), "label"] == "other"
    assert view.freeze_exam().items[row["content"]] == row["label"]
