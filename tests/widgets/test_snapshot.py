"""The contact sheet: static, whole, and safe whatever files are called."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from unittest.mock import Mock

import pytest
from made_data import write_images
from stub_learner import paths

from bearwidgets.data.dataset import Dataset
from bearwidgets.errors import BadInputError, WorkspaceError
from bearwidgets.widgets.cleaner.cleaner import Cleaner

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
    assert "images: 3 of 24 items, 1 marked" in page.text
    assert "grizzly → teddy 90%" in page.text
    assert "⇒ teddy" in page.text


@pytest.mark.parametrize(
    ("action", "words"), [("delete", "✗ delete"), ("unsure", "? unsure"), ("keep", "✓ keep")]
)
def test_says_each_decision(cleaner, action, words):
    cleaner.mark(cleaner.review.suspects(1).index, action)
    assert words in Tags(cleaner.snapshot(1).html).text


def test_is_static(cleaner):
    html = cleaner.snapshot().html
    assert not re.search(r"<(script|iframe|object|link|form)|javascript:|\son\w+=|https?:", html)


def test_without_scores_and_with_fewer_items_than_asked_for(ds):
    page = Tags(Cleaner(ds).snapshot(500).html)
    assert sum(tag == "img" for tag, _ in page.tags) == 24
    assert "→" not in page.text
    assert Tags(Cleaner(ds).snapshot(0).html).text.endswith("0 of 24 items, 0 marked")


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
    assert "✗ delete" in Tags(cleaner.snapshot(1).html).text


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
