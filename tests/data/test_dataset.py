"""What a data set shows, and the views of it: cleaned, without some items."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from made_data import reasons
from PIL import Image

import bearwidgets as bw
from bearwidgets.data.dataset import Dataset
from bearwidgets.data.formats import limits
from bearwidgets.data.image_stats.table import image_stats_of
from bearwidgets.errors import BadInputError

COLUMNS = ["id", "path", "label", "split", "width", "height", "content"]


def decisions(rows: list[dict]) -> object:
    class Journal:
        pass

    journal = Journal()
    journal.decisions = pd.DataFrame(
        rows, columns=["id", "path", "content", "action", "new_label", "seq"]
    ).set_index("id")
    return journal


class TestViews:
    def journal(self, ds, rows):
        return decisions(
            [
                {
                    **ds.table.loc[row, ["id", "path", "content"]],
                    "action": action,
                    "new_label": label,
                    "seq": seq,
                }
                for seq, (row, action, label) in enumerate(rows)
            ]
        )

    def rows(self, ds, split, n):
        return ds.table.index[ds.table["split"] == split][:n].tolist()

    def test_decisions_on_train(self, images):
        ds = Dataset.from_folder(images)
        a, b, c, d = self.rows(ds, "train", 4)
        journal = self.journal(
            ds, [(a, "delete", None), (b, "relabel", "teddy"), (c, "unsure", None), (d, "keep", None)]
        )
        before = ds.table.copy()
        view = ds.cleaned(journal)
        pd.testing.assert_frame_equal(ds.table, before)
        assert list(view.table.columns) == COLUMNS
        assert view.table.index.equals(pd.RangeIndex(22))
        ids = ds.table["id"]
        assert set(ids) - set(view.table["id"]) == {ids[a], ids[c]}
        assert view.table.loc[view.index_of(ids[b]), "label"] == "teddy"
        assert view.table.loc[view.index_of(ids[d]), "label"] == ds.table.loc[d, "label"]
        assert view.notes == [
            "decisions taken into account in train: 1 deleted, 1 left out as unsure, 1 relabeled"
        ]

    def test_the_exam_is_frozen_unless_asked(self, images):
        ds = Dataset.from_folder(images)
        a, b = self.rows(ds, "valid", 2)
        journal = self.journal(ds, [(a, "delete", None), (b, "relabel", "polar")])
        pd.testing.assert_frame_equal(ds.cleaned(journal).table, ds.table)
        corrected = ds.cleaned(journal, exam="corrected")
        assert len(corrected) == 23
        assert "polar" in corrected.classes
        assert any("in valid: 1 deleted, 1 relabeled" in note for note in corrected.notes)
        with pytest.raises(BadInputError, match="Did you mean 'corrected'"):
            ds.cleaned(journal, exam="correct")

    def test_the_newest_decision_on_an_item_wins(self, images):
        data = (images / "black" / "000.jpg").read_bytes()
        (images / "black" / "copy.jpg").write_bytes(data)
        ds = Dataset.from_folder(images, valid_pct=0)
        copy = ds.table.set_index("path").loc["black/copy.jpg"]
        by_content = {
            "id": copy["content"],
            "path": "black/copy.jpg",
            "content": copy["content"],
            "new_label": "teddy",
        }
        by_id = {**by_content, "id": copy["id"], "new_label": "grizzly"}
        for first, second in [(by_content, by_id), (by_id, by_content)]:
            rows = [{**first, "action": "relabel", "seq": 1}, {**second, "action": "relabel", "seq": 2}]
            view = ds.cleaned(decisions(rows[::-1]))
            labels = view.table.set_index("path")["label"]
            assert labels["black/copy.jpg"] == second["new_label"]
            assert labels["black/000.jpg"] == "black", "the other copy is decided on apart"

    def test_nothing_decided(self, images):
        ds = Dataset.from_folder(images)
        view = ds.cleaned(decisions([]))
        pd.testing.assert_frame_equal(view.table, ds.table)
        assert view.notes == ds.notes

    def test_without(self, images):
        ds = Dataset.from_folder(images)
        ids = ds.table["id"][:2].tolist()
        less = ds.without(ids, "broken: its pixels cannot be decoded")
        assert len(less) == 22
        assert reasons(less) == {f"black/00{n}.jpg": "broken: its pixels cannot be decoded" for n in (0, 1)}
        assert less.index_of(ds.table["id"][2]) == 0
        assert len(ds) == 24
        assert reasons(less.without([ds.table["id"][2]], ["why"]))["black/002.jpg"] == "why"
        with pytest.raises(BadInputError, match="No item"):
            less.without(ids, "again")
        with pytest.raises(BadInputError, match="2 ids came with 1 reasons"):
            ds.without(ids, ["one"])

    def test_what_turned_out_broken_is_not_examined(self, images):
        ds = Dataset.from_folder(images)
        id_ = ds.table["id"][self.rows(ds, "valid", 1)[0]]
        view = ds.cleaned(decisions([])).without([id_], "broken")
        assert id_ not in view.freeze_exam().items

    def test_repr(self, images):
        text = repr(Dataset.from_folder(images))
        assert "Dataset of 24 images in 3 classes" in text
        assert "train 18, valid 6" in text
        assert "black 8, grizzly 8, teddy 8" in text
        html = Dataset.from_folder(images)._repr_html_()
        assert html.count("<tr>") == 4
        assert "skipped" not in html

    def test_repr_stays_short(self, tmp_path, make_images):
        make_images(tmp_path, {f"class{n:03}": 1 for n in range(120)})
        for number in range(50):
            (tmp_path / "class000" / f"{number}.txt").write_text("x")
        ds = Dataset.from_folder(tmp_path)
        assert "and 100 more" in repr(ds)
        assert "50 files skipped" in repr(ds)
        assert "50 not an image: text" in repr(ds)
        assert "and 48 more" in repr(ds)
        assert len(repr(ds)) < 3000
        assert ds._repr_html_().count("<tr>") == 21


def test_real_data(shared_data):
    bears = Dataset.from_folder(shared_data / "bears")
    assert (len(bears), bears.classes) == (480, ["black", "grizzly", "teddy"])
    assert bears.table["split"].value_counts().to_dict() == {"train": 384, "valid": 96}
    cifar = Dataset.from_csv(shared_data / "cifar10n" / "labels.csv", label="worst")
    assert (len(cifar), len(cifar.classes)) == (6000, 10)
    assert bears.problems.empty
    assert cifar.problems.empty


@pytest.mark.parametrize(
    ("use", "words"),
    [
        (lambda: bw.Learner("bears"), "ds is 'bears'; a Dataset is needed: bw.Dataset.from_folder('bears')."),
        (lambda: bw.Learner(Path("a") / "b"), "bw.Dataset.from_folder('a/b')"),
        (lambda: bw.Learner([1]), "ds is list; a Dataset is needed: bw.Dataset.from_folder('bears')."),
        (lambda: bw.Journal.open(3), "source is 3; a Dataset is needed"),
        (lambda: bw.Journal.open(None), "source is None; a Dataset is needed"),
    ],
)
def test_what_is_no_data_set_is_told_how_to_become_one(use, words):
    with pytest.raises(BadInputError) as caught:
        use()
    assert words in str(caught.value)


def test_the_limit_of_pixels_is_an_argument_and_holds_for_all_that_opens_images(
    tmp_path, make_images, monkeypatch
):
    monkeypatch.setattr(limits, "_most_pixels", 1000)
    root = make_images(tmp_path / "set", {"a": 2, "b": 2}, size=(30, 30))
    Image.new("RGB", (100, 90)).save(root / "a" / "large.png")
    (problem,) = Dataset.from_folder(root).problems.to_dict("records")
    assert problem["kind"] == "refused"
    assert "max_pixels=" in problem["reason"]
    ds = Dataset.from_folder(root, max_pixels=9000)
    assert len(ds) == 5
    assert (image_stats_of(ds)["problem"] == "").all()
    with pytest.raises(BadInputError, match="max_pixels is 0"):
        Dataset.from_folder(root, max_pixels=0)
