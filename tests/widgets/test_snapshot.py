"""The contact sheet: static, whole, and safe whatever files are called."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from unittest.mock import Mock

import nbformat
import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from made_data import write_images
from nbconvert import HTMLExporter
from stub_learner import paths

from bearwidgets.data.dataset import Dataset
from bearwidgets.errors import BadInputError, WorkspaceError
from bearwidgets.review.review import Review
from bearwidgets.widgets.cleaner import snapshot
from bearwidgets.widgets.cleaner.cleaner import Cleaner
from bearwidgets.widgets.inspect.confusion import ConfusionMatrix
from bearwidgets.widgets.inspect.image_map import ImageMap
from bearwidgets.widgets.protocol import Decision

VIEW = "application/vnd.jupyter.widget-view+json"
NASTY = '<img src=x onerror="alert(1)">'


class Tags(HTMLParser):
    def __init__(self, html):
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


@pytest.fixture(autouse=True)
def _on_a_slow_machine_too(monkeypatch):
    monkeypatch.setattr(snapshot, "_LONGEST", 1e9)


@pytest.fixture
def cleaner(learn):
    return Cleaner(learn)


def test_shows_the_first_of_the_view(cleaner):
    cleaner.mark(cleaner.review.suspects(1).index, "relabel", "teddy")
    page = Tags(cleaner.snapshot(3).html)
    images = [attrs for tag, attrs in page.tags if tag == "img"]
    assert len(images) == 3
    assert images[0]["alt"] == paths(cleaner.ds, "grizzly")[0]
    assert all(attrs["src"].startswith("data:image/jpeg;base64,") for attrs in images)
    assert "images: the first 3 of 24 images, 1 decision" in page.text
    assert page.text.count("grizzlymodel: teddy (90 %)→ teddy") == 1


@pytest.mark.parametrize(
    ("action", "words"), [("delete", "✕ delete"), ("unsure", "? unsure"), ("keep", "✓ label is right")]
)
def test_says_each_decision(cleaner, action, words):
    cleaner.mark(cleaner.review.suspects(1).index, action)
    assert words in Tags(cleaner.snapshot(1).html).text


def test_says_what_is_proposed_until_it_is_decided(learn):
    proposed = replace(Cleaner(learn)._session.board.item(0), proposal=Decision("delete"), decision=None)
    decided = replace(proposed, decision=Decision("keep"))
    assert "suggested: ✕ delete" in snapshot._caption(proposed)
    assert snapshot._caption(decided)[-1] == "✓ keep"


def test_is_static(cleaner):
    html = cleaner.snapshot().html
    assert not re.search(r"<(script|iframe|object|link|form)|javascript:|\son\w+=|https?:", html)


def test_without_scores_and_with_fewer_items_than_asked_for(ds):
    page = Tags(Cleaner(ds).snapshot(500).html)
    assert sum(tag == "img" for tag, _ in page.tags) == 24
    assert "model" not in page.text
    assert Tags(Cleaner(ds).snapshot(0).html).text.endswith("the first 0 of 24 images, 0 decisions")


def test_names_that_are_html_are_text(tmp_path):
    root = tmp_path / f"{NASTY[:-2]}&"
    folder = write_images(root, {NASTY.replace("/", ""): 3, "teddy": 3})
    (folder / "teddy" / "000.jpg").rename(folder / "teddy" / f"{NASTY} ' .jpg")
    page = Tags(Cleaner(Dataset.from_folder(folder)).snapshot().html)
    assert {tag for tag, _ in page.tags} == {"div", "p", "br", "img"}
    assert not any(name.startswith("on") for _, attrs in page.tags for name in attrs)
    assert any(NASTY in attrs.get("title", "") for _, attrs in page.tags)
    assert NASTY in page.text


def test_a_picture_that_cannot_be_opened_says_so(ds):
    ds.path_of(ds.table.id[0]).unlink()
    page = Tags(Cleaner(ds).snapshot(2).html)
    assert [tag for tag, _ in page.tags].count("em") == 1
    assert "cannot be read" in page.text


def test_knows_of_decisions_made_elsewhere(ds, cleaner):
    Cleaner(ds).mark(cleaner.review.suspects(1).index, "delete")
    assert "✕ delete" in Tags(cleaner.snapshot(1).html).text


def test_save(cleaner, tmp_path):
    sheet = cleaner.snapshot(2)
    page = sheet.save(tmp_path / "sheet.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert sheet._repr_html_() in page
    with pytest.raises(WorkspaceError, match="there is no folder"):
        sheet.save(tmp_path / "no" / "sheet.html")
    image = cleaner.ds.path_of(cleaner.ds.table.id[0])
    before = image.read_bytes()
    with pytest.raises(BadInputError, match=r"allowed are \.html"):
        sheet.save(image)
    assert image.read_bytes() == before


def test_save_replaces_the_sheet_in_one_step(cleaner, tmp_path, monkeypatch):
    path, larger = cleaner.snapshot(1).save(tmp_path / "sheet.html"), cleaner.snapshot(2)
    before = path.read_bytes()
    monkeypatch.setattr(Path, "replace", Mock(side_effect=OSError(28, "No space left on device")))
    with pytest.raises(
        WorkspaceError, match=r"disk .* is full. The snapshot was not written. Free some space"
    ):
        larger.save(path)
    assert path.read_bytes() == before
    assert list(tmp_path.glob("*.html")) == [path]
    assert not list(tmp_path.glob(".bearwidgets-*"))


def test_what_cannot_be_seen_in_a_name_is_spelled_out(tmp_path):
    folder = write_images(tmp_path / "images", {"teddy\u200b": 3, "teddy": 3})
    (folder / "teddy" / "000.jpg").rename(folder / "teddy" / "a\u202egpj.jpg")
    page = Tags(Cleaner(Dataset.from_folder(folder)).snapshot().html)
    assert r"teddy\u200b" in page.text
    assert any(attrs.get("title") == r"teddy/a\u202egpj.jpg" for _, attrs in page.tags)
    assert "\u202e" not in str(page.tags)


# The copy that goes with every output


def outputs_of(view):
    """What a notebook keeps of a cell that ends with the view."""
    with capture_output(stdout=False, stderr=False) as captured:
        view._ipython_display_()
    return [each.data for each in captured.outputs]


@pytest.fixture
def notebook():
    """An IPython as a kernel has it."""
    yield InteractiveShell.instance()
    InteractiveShell.clear_instance()


@pytest.mark.usefixtures("notebook")
@pytest.mark.parametrize("cls", [Cleaner, ConfusionMatrix, ImageMap])
def test_a_notebook_keeps_the_view_and_beside_it_a_copy(learn, cls):
    view = cls(learn)
    live, copy = outputs_of(view)
    assert live[VIEW]["model_id"] == view.model_id
    assert "text/html" not in live, "JupyterLab shows one kind of data of an output"
    assert VIEW not in copy
    html = copy["text/html"]
    assert view._repr_mimebundle_()[0].keys() == {*live, "text/html"}, "for a host that asks for one bundle"
    assert f"bw-copy-{view.name_of_copy}" in html
    assert "To go on, run the notebook." in Tags(html).text


@pytest.mark.usefixtures("notebook")
@pytest.mark.parametrize("saved_state", [True, False])
def test_a_page_made_of_the_notebook_shows_the_copy_once(learn, saved_state):
    view = Cleaner(learn)
    outputs = [nbformat.v4.new_output("display_data", data) for data in outputs_of(view)]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("cleaner", outputs=outputs)])
    if saved_state:  # as nbconvert --execute and papermill keep it
        state = {
            "state": {view.model_id: {"model_name": "AnyModel", "model_module": "anywidget", "state": {}}}
        }
        notebook.metadata["widgets"] = {"application/vnd.jupyter.widget-state+json": state}
    page = Tags(HTMLExporter().from_notebook_node(notebook)[0])
    assert page.text.count("the first 24 of 24 images") == 1
    assert sum(tag == "img" and attrs["src"].startswith("data:image/jpeg") for tag, attrs in page.tags) == 24


def test_the_copy_is_small_whatever_the_names(tmp_path):
    folder = write_images(tmp_path / "images", {"black": 20, "teddy": 20})
    for file in folder.rglob("*.jpg"):
        file.rename(file.with_name("&" * 200 + file.name))
    cleaner = Cleaner(Dataset.from_folder(folder))
    html = cleaner._repr_mimebundle_()[0]["text/html"]
    assert 1 < html.count("<img") < 24
    assert len(html.encode()) < 60 * 2**10
    assert len(cleaner.snapshot().html.encode()) > 60 * 2**10, "what is asked for is whole"


def test_the_copy_is_of_the_moment(learn):
    cleaner = Cleaner(learn)
    cleaner.show(label="grizzly", sort="path", descending=False)
    cleaner.mark(paths(cleaner.ds, "grizzly")[0], "delete")
    page = Tags(cleaner._repr_mimebundle_()[0]["text/html"])
    shown = [attrs["alt"] for tag, attrs in page.tags if tag == "img"]
    assert shown == sorted(cleaner.ds.table.path[cleaner.ds.table.label == "grizzly"])
    assert page.text.count("✕ delete") == 1


def test_the_copy_waits_for_no_image(learn, monkeypatch):
    """Where many have to be decoded the sheet ends early, for the view is waited for."""
    monkeypatch.setattr(snapshot, "_LONGEST", -1)
    cleaner = Cleaner(learn)
    assert "the first 0 of 24 images" in cleaner._repr_mimebundle_()[0]["text/html"]
    assert cleaner.snapshot(5).html.count("<img") == 5


def test_a_path_that_leaves_the_folder_by_now_is_not_followed(ds, tmp_path):
    outside = write_images(tmp_path / "outside", {"x": 8})
    black = ds.root / "black"
    black.rename(tmp_path / "was")
    black.symlink_to(outside / "x", target_is_directory=True)
    html = Cleaner(ds).snapshot().html
    assert html.count("leaves the data folder") == 8
    assert html.count("<img") == 16


def test_the_copy_of_a_matrix_is_a_table_with_its_counts(learn):
    html = ConfusionMatrix(learn, split="all")._repr_mimebundle_()[0]["text/html"]
    assert re.findall(r"<td>(\d+)</td>", html) == list("800071008")
    assert "24 images, split all, labels as on disk, 96 % as predicted" in Tags(html).text


def test_the_copy_of_a_matrix_of_many_classes_shows_those_with_errors(ds):
    names = [f"{NASTY} {number}" for number in range(300)]
    labels = [names[number % 300] for number in range(600)]
    table = ds.table.iloc[np.zeros(600, int)].assign(
        id=[f"{each:032x}" for each in range(600)],
        content=[f"{each:032x}" for each in range(600)],
        label=labels,
    )
    many = replace(ds, table=table.reset_index(drop=True))
    probabilities = np.eye(300, dtype=np.float32)[[number % 300 for number in range(600)]]
    probabilities[7] = probabilities[250]
    review = Review.from_predictions(many, probabilities, names)
    matrix = ConfusionMatrix(review, split="all")
    html = matrix._repr_mimebundle_()[0]["text/html"]
    assert "the 20 classes with the most errors of 300" in html
    assert all(names[each] in Tags(html).text for each in (7, 250))
    assert {tag for tag, _ in Tags(html).tags} <= {
        "style",
        "div",
        "p",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
    }
    assert len(html) < 60 * 2**10
