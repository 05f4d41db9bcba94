"""The map of the images as a view: where points lie, what colors say, what a selection shows."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_data import REPOSITORY, write_images
from stub_issues import StubIssues
from stub_learner import StubLearner, id_at, paths

from bearwidgets.data.dataset import Dataset
from bearwidgets.errors import BadInputError, MissingFileError
from bearwidgets.review.inspect.projector import read_projector
from bearwidgets.review.review import Review
from bearwidgets.widgets.cleaner.cleaner import Cleaner
from bearwidgets.widgets.inspect import map_copy
from bearwidgets.widgets.inspect.image_map import ImageMap


class Features:
    """Features by content id, of most images: classes lie in three directions, some noise around them."""

    def __init__(self, ds, *, without=()):
        noise = np.random.default_rng(0).normal(0, 0.1, (len(ds), 6))
        middles = np.eye(6)[pd.Index(ds.classes).get_indexer(ds.table.label)]
        kept = dict(zip(ds.table.content, (middles + noise).astype(np.float32), strict=True))
        self.kept = {content: row for content, row in kept.items() if content not in without}

    def __contains__(self, content):
        return content in self.kept

    def array(self, contents):
        return np.stack([self.kept[each] for each in contents])


class Seeing(StubLearner):
    """A learner with features."""

    def __init__(self, ds, mistakes=None, *, known=None):
        super().__init__(ds, mistakes, known=known)
        self.features = Features(ds)

    def with_data(self, ds):
        child = super().with_data(ds)
        child.features = self.features
        return child


@pytest.fixture
def learn(ds, wrong):
    return Seeing(ds, {wrong: "teddy"})


@pytest.fixture
def image_map(learn):
    return ImageMap(learn)


class Page:
    """A page that asks a map, and keeps what it is told."""

    def __init__(self, image_map):
        self.events, self.replies = [], []
        image_map.send = self._hear
        self.image_map = image_map

    def _hear(self, content, buffers=None):
        (self.events if content["kind"] == "event" else self.replies).append((content, buffers))

    def ask(self, op, **fields):
        self.image_map._handle_custom_msg({"kind": "request", "id": 1, "op": op, **fields}, [])
        return self.replies[-1]

    def map(self):
        reply, buffers = self.ask("map")
        return reply["result"], np.frombuffer(buffers[0], "<f4").reshape(-1, 3)

    def color(self, name, revision=1):
        reply, buffers = self.ask("map_color", revision=revision, name=name)
        assert reply["ok"], reply
        scale = reply["result"]["coloring"]["scale"]
        return reply["result"], np.frombuffer(buffers[0], "<f4" if scale else "<i4")

    def told(self):
        return [event["what"] for event, _ in self.events if event["event"] == "map"]

    def wait_pairs(self):
        self.ask("map_pairs")
        self.image_map._points._finding.join(120)  # PyTorch is loaded for it
        return self.ask("map_pairs")


@pytest.fixture
def page(image_map):
    return Page(image_map)


def test_points_are_there_at_once(page, ds):
    result, positions = page.map()
    assert (result["revision"], result["total"], result["by"], result["note"]) == (1, 24, "features", "")
    assert (result["selected"], result["grid"]) == ([], True)
    assert np.abs(positions).max() == pytest.approx(1)
    middles = {label: positions[ds.table.label == label].mean(0) for label in ds.classes}
    own = np.stack([middles[label] for label in ds.table.label])
    apart = np.linalg.norm(middles["black"] - middles["teddy"])
    assert np.linalg.norm(positions - own, axis=1).max() < apart, "classes lie in clouds"


def test_pairs_come_from_the_background_and_are_told(page):
    assert page.ask("map_pairs")[0]["result"]["ready"] in (False, True)
    reply, buffers = page.wait_pairs()
    result = reply["result"]
    assert (result["ready"], result["near"], result["mid"], result["far"]) == (True, 10, 5, 20)
    near = np.frombuffer(buffers[0], "<i4").reshape(24, 10)
    assert [len(each) for each in buffers] == [24 * 4 * n for n in (10, 5, 20)]
    assert not (near == np.arange(24)[:, None]).any(), "no image is its own neighbor"
    assert page.told() == ["pairs"]


def test_colors(page, image_map, ds):
    result, values = page.color("label")
    assert result["names"] == ["black", "grizzly", "teddy"]
    assert [result["names"][each] for each in values] == ds.table.label.tolist()
    names = [each["name"] for each in result["colorings"]]
    assert names[:4] == ["label", "predicted", "decision", "split"]
    assert {"loss", "confidence", "label_issue", "margin"} <= set(names)
    result, values = page.color("predicted")
    wrong = ds.table.path.tolist().index(paths(ds, "grizzly")[0])
    assert result["names"][values[wrong]] == "teddy"
    image_map.cleaner.mark(ds.table.id[3], "delete")
    result, values = page.color("decision")
    assert [result["names"][each] for each in values] == ["undecided"] * 3 + ["delete"] + ["undecided"] * 20
    assert page.told() == ["colors"]
    result, values = page.color("split")
    assert [result["names"][each] for each in values] == ds.table.split.tolist()
    result, values = page.color("loss")
    assert values.argmax() == wrong
    assert result["coloring"] == {"name": "loss", "title": "Loss", "scale": True}
    assert result["low"] < result["high"] <= values.max()


def test_scores_of_all_checks_color_too_once_they_are_there(page, image_map, ds):
    issues = StubIssues(blurred=[(ds.table.id[3], 0.9, None, None)], dark=[])
    scores = np.linspace(0, 1, 24)
    scores[2] = np.nan
    issues.table = pd.DataFrame({"blurred_score": scores, "dark_score": np.nan}, index=ds.table.id)
    page.color("label")
    image_map.cleaner.issues = issues
    assert page.told() == ["colors"], "the page is told to look again"
    given = Page(ImageMap(image_map.cleaner.learn, issues=issues)).color("blurred")
    assert given[1] == pytest.approx(scores, nan_ok=True)
    result, values = page.color("blurred")
    assert result["coloring"] == {"name": "blurred", "title": "Blurred", "scale": True}
    assert values == pytest.approx(scores, nan_ok=True)
    assert "dark" not in [each["name"] for each in result["colorings"]], "of no image it is known"


def test_new_checks_are_told(page, image_map, learn):
    image_map.cleaner.find_issues(["bright", "dark"])
    assert "colors" in page.told()
    result, values = page.color("dark")
    assert result["coloring"]["title"] == "Too dark"
    assert np.isfinite(values).all()
    assert learn is image_map.cleaner.learn


def test_a_selection_shows_its_images_below(page, image_map, ds):
    reply, _ = page.ask("map_select", revision=1, ranges=[[2, 4], [9, 10], [3, 4]])
    assert reply["ok"], reply
    ids = ds.table.id.tolist()
    assert image_map.selected == [ids[2], ids[3], ids[9]]
    board = image_map.cleaner._session.board
    assert board.ids[board.order].tolist() == image_map.selected
    assert page.map()[0]["selected"] == [[2, 4], [9, 10]]
    page.ask("map_select", revision=1, ranges=[])
    assert image_map.selected == []
    assert len(board.order) == 3, "with nothing selected the grid stays as it is"


def test_ranges_may_overlap_and_be_empty_and_end_nowhere(page, image_map, ds):
    ranges = [[0, 24]] * 5000 + [[7, 7], [9, 2]]
    assert page.ask("map_select", revision=1, ranges=ranges)[0]["ok"]
    assert image_map.selected == ds.table.id.tolist()
    assert page.ask("map_select", revision=1, ranges=[[7, 7], [9, 2]])[0]["ok"]
    assert image_map.selected == []
    assert "no point" in page.ask("map_select", revision=1, ranges=[[0, 2**53]])[0]["error"]


def test_the_grid_below_has_all_keys(page, ds):
    page.ask("map_select", revision=1, ranges=[[5, 6]])
    revision = page.ask("hello")[0]["result"]["state"]["revision"]
    items = page.ask("page", revision=revision, start=0, stop=1, px=160)[0]["result"]["items"]
    assert items[0]["id"] == ds.table.id[5]
    assert page.ask("mark", revision=revision, ranges=[[0, 1]], action="delete")[0]["ok"]
    assert page.ask("module")[0]["result"]["code"] == Cleaner._esm
    assert {event["event"] for event, _ in page.events} >= {"map", "state"}


def test_opening_a_point_shows_its_neighbors(page, image_map, ds):
    page.wait_pairs()
    assert page.ask("map_open", revision=1, number=0)[0]["ok"]
    assert image_map.selected == [ds.table.id[0]]
    board = image_map.cleaner._session.board
    shown = board.ids[board.order].tolist()
    assert shown[0] == ds.table.id[0]
    assert len(shown) == 11
    nearest = ds.table.set_index("id").label[shown[1:6]]
    assert (nearest == ds.table.label[0]).all()


def test_select_in_python_is_shown_in_the_page(page, image_map, ds):
    assert image_map.select(ds.table.path[:3]) == 3
    assert page.events[-1][0]["event"] == "link"
    assert page.ask("map_link")[0]["result"]["selected"] == [[0, 3]]
    assert image_map.select(ds.table.id[7]) == 1
    assert image_map.select([]) == 0
    assert page.ask("map_link")[0]["result"]["selected"] == []
    with pytest.raises(BadInputError, match="No item 'nowhere'"):
        image_map.select("nowhere")


def test_items_have_words_and_images(page, ds):
    reply, buffers = page.ask("map_items", revision=1, numbers=[4, 0], px=160)
    first, second = reply["result"]["items"]
    assert (first["number"], first["path"], second["id"]) == (4, ds.table.path[4], ds.table.id[0])
    assert all(buffers[each["buffer"]][:2] == b"\xff\xd8" for each in (first, second))
    ds.path_of(ds.table.id[1]).unlink()
    reply, buffers = page.ask("map_items", revision=1, numbers=[1], px=160)
    assert "cannot be read" in reply["result"]["items"][0]["error"]
    assert buffers == []


@pytest.mark.parametrize(
    ("op", "fields", "sentence"),
    [
        ("map_color", {"revision": 1, "name": "los"}, "Did you mean 'loss'"),
        ("map_color", {"revision": 2, "name": "loss"}, "changed meanwhile"),
        ("map_color", {"revision": 1, "name": 3}, "name is 3"),
        ("map_items", {"revision": 1, "numbers": [24], "px": 160}, "no point 24; allowed are 0 to 23"),
        ("map_items", {"revision": 1, "numbers": [0] * 257, "px": 160}, "257 images were asked for"),
        ("map_items", {"revision": 1, "numbers": [-1], "px": 160}, "-1"),
        ("map_select", {"revision": 1, "ranges": [[3, 25]]}, "no point 24"),
        ("map_select", {"revision": 1, "ranges": [["a", 2]]}, "ranges"),
        ("map_open", {"revision": 1, "number": 24}, "no point 24"),
    ],
)
def test_refuses(page, image_map, op, fields, sentence):
    reply, _ = page.ask(op, **fields)
    assert not reply["ok"]
    assert sentence in reply["error"]
    assert image_map.selected == []


def test_without_features_predictions_are_compared(ds):
    image_map = ImageMap(StubLearner(ds))
    result, positions = Page(image_map).map()
    assert result["by"] == "predictions"
    assert len(np.unique(positions.round(4), axis=0)) == 3
    assert repr(image_map) == "ImageMap(24 images by predictions)"


def test_images_without_a_feature_are_off_the_map(ds):
    learn = StubLearner(ds)
    learn.features = Features(ds, without=set(ds.table.content[:2]))
    image_map = ImageMap(learn)
    page = Page(image_map)
    result, positions = page.map()
    assert np.isnan(positions).all(1).tolist() == [True] * 2 + [False] * 22
    assert result["note"] == "2 images cannot be placed: no features are known."
    _, buffers = page.wait_pairs()
    for each, width in zip(buffers, (10, 5, 20), strict=True):
        pairs = np.frombuffer(each, "<i4").reshape(24, width)
        assert (pairs[:2] == -1).all()
        assert not np.isin(pairs, [0, 1]).any()


def test_features_that_are_not_numbers(ds):
    learn = StubLearner(ds)
    learn.features = Features(ds)
    for content in ds.table.content[:1]:
        learn.features.kept[content] = np.full(6, np.nan, np.float32)
    result, positions = Page(ImageMap(learn)).map()
    assert np.isnan(positions).any(1).sum() == 1
    assert "1 image cannot be placed" in result["note"]
    for content in ds.table.content:
        learn.features.kept[content] = np.zeros(6, np.float32)
    page = Page(ImageMap(learn))
    result, positions = page.map()
    assert np.isnan(positions).all()
    assert result["note"] == "No image can be placed: their features are all zeros or not numbers."
    assert page.ask("map_pairs")[0]["result"]["note"].startswith("Shown by principal components")


def test_before_any_training(ds):
    image_map = ImageMap(ds)
    page = Page(image_map)
    result, _ = page.map()
    assert "give the map a trained Learner" in result["note"]
    assert [each["name"] for each in page.color("label")[0]["colorings"]] == ["label", "decision", "split"]
    assert "24 images cannot be placed" in image_map.static_html()


def test_few_images_stay_where_components_put_them(make_images, tmp_path):
    ds = Dataset.from_folder(make_images(tmp_path / "few", {"black": 1, "teddy": 2}), valid_pct=0)
    page = Page(ImageMap(ds, vectors=np.eye(3)))
    reply, buffers = page.ask("map_pairs")
    assert reply["result"]["note"] == "Shown by principal components: a layout needs 16 images or more."
    assert (reply["result"]["ready"], reply["result"]["near"], buffers) == (True, 0, [])


def test_one_class_and_one_image(make_images, tmp_path):
    ds = Dataset.from_folder(make_images(tmp_path / "one", {"teddy": 1}), valid_pct=0)
    image_map = ImageMap(ds, vectors=[[1.0, 2.0]])
    page = Page(image_map)
    result, positions = page.map()
    assert positions.tolist() == [[0, 0, 0]]
    assert (result["total"], result["note"]) == (1, "")
    assert page.color("label")[0]["names"] == ["teddy"]
    assert "1 image by vectors" in image_map.static_html()


def test_no_images_left(make_images, tmp_path):
    ds = Dataset.from_folder(make_images(tmp_path / "few", {"black": 1, "teddy": 1}), valid_pct=0)
    image_map = ImageMap(ds)
    page = Page(image_map)
    image_map.cleaner.mark(ds.table.id.tolist(), "delete")
    image_map.cleaner.apply()
    result, positions = page.map()
    assert (result["total"], result["note"], len(positions)) == (0, "There are no images.", 0)
    assert page.color("label", result["revision"])[0]["names"] == []
    assert page.ask("map_pairs")[0]["result"]["ready"]
    assert "0 images" in image_map.static_html()


def test_follows_files_that_move(page, image_map, ds):
    page.ask("map_select", revision=1, ranges=[[0, 2]])
    image_map.cleaner.mark(ds.table.id[0], "delete")
    image_map.cleaner.apply()
    assert page.told()[-1] == "points"
    result, positions = page.map()
    assert (result["revision"], result["total"], len(positions)) == (2, 23, 23)
    assert image_map.selected == [ds.table.id[1]]
    assert result["selected"] == [[0, 1]]
    assert "changed meanwhile" in page.ask("map_open", revision=1, number=0)[0]["error"]


def test_a_retrain_that_moves_no_point_keeps_the_map(page, image_map, ds):
    image_map.cleaner.mark(id_at(ds, paths(ds, "grizzly")[0]), "relabel", "teddy")
    assert image_map.cleaner.retrain().state == "done"
    assert set(page.told()) == {"colors"}
    assert page.map()[0]["revision"] == 1


def test_a_grid_elsewhere(learn, ds):
    cleaner = Cleaner(learn)
    image_map = ImageMap(cleaner.review, cleaner=cleaner)
    page = Page(image_map)
    assert not page.map()[0]["grid"]
    image_map.select(ds.table.id[:2])
    assert len(cleaner._session.board.order) == 2
    cleaner.mark(ds.table.id[0], "keep")
    assert {event["event"] for event, _ in page.events} == {"map", "link"}
    with pytest.raises(BadInputError, match="another review"):
        ImageMap(Review(learn), cleaner=cleaner)
    with pytest.raises(BadInputError, match=r"set cleaner\.issues"):
        ImageMap(cleaner.review, cleaner=cleaner, issues=StubIssues())
    with pytest.raises(BadInputError, match=r"allowed is the bw\.Cleaner"):
        ImageMap(learn, cleaner="grid")


# ------------------------------------------------------------------ vectors from elsewhere


def test_vectors_as_an_array(ds):
    vectors = np.random.default_rng(1).normal(size=(24, 4))
    vectors[5, 0] = np.nan
    result, positions = Page(ImageMap(ds, vectors=vectors)).map()
    assert result["by"] == "vectors"
    assert np.isnan(positions).any(1).nonzero()[0].tolist() == [5]


@pytest.mark.parametrize("column", ["id", "path"])
def test_vectors_by_id_or_path(ds, column):
    vectors = pd.DataFrame(np.eye(24)[:, :20], index=ds.table[column]).iloc[4:].sample(frac=1, random_state=0)
    vectors.loc["no such image"] = 1
    _, positions = Page(ImageMap(ds, vectors=vectors)).map()
    assert np.isnan(positions).any(1).nonzero()[0].tolist() == [0, 1, 2, 3, *range(20, 24)]


@pytest.mark.parametrize(
    ("vectors", "sentence"),
    [
        (np.zeros((23, 4)), r"shape \(23, 4\); allowed is \(24, dimensions\)"),
        (np.zeros(24), r"shape \(24,\)"),
        ([["a"] * 2] * 24, "allowed is a table of numbers"),
        (pd.DataFrame(np.zeros((2, 2)), index=["x", "y"]), "None of the 2 vectors .* such as 'x'"),
        (pd.DataFrame({"a": ["b"]}, index=["x"]), "allowed is a table of numbers"),
        (pd.DataFrame(), "None of the 0 vectors"),
        (3, "shape"),
    ],
)
def test_vectors_that_do_not_fit(ds, vectors, sentence):
    with pytest.raises(BadInputError, match=sentence):
        ImageMap(ds, vectors=vectors)


def test_out_to_the_projector_and_back(learn, image_map, ds, tmp_path):
    image_map.cleaner.mark(ds.table.id[1], "delete")
    folder = image_map.export_projector(tmp_path / "projector")
    vectors, metadata = read_projector(folder)
    assert vectors == pytest.approx(learn.features.array(ds.table.content), abs=1e-4)
    assert metadata.id.tolist() == ds.table.id.tolist()
    assert metadata.path.tolist() == ds.table.path.tolist()
    assert metadata.decision.tolist()[:3] == ["undecided", "delete", "undecided"]
    assert float(metadata.loss[0]) == pytest.approx(
        image_map.cleaner.review.table.loss[ds.table.id[0]], rel=1e-3
    )
    back = ImageMap(ds, vectors=folder)
    assert Page(back).map()[1] == pytest.approx(image_map._points.positions, abs=1e-3)
    image_map.export_projector(folder)  # once more, in the same place


def test_an_export_may_not_lie_among_the_images(image_map, ds):
    before = sorted(ds.root.rglob("*"))
    for folder in (ds.root, ds.root / "projector"):
        with pytest.raises(BadInputError, match="data set's own folder"):
            image_map.export_projector(folder)
    assert sorted(ds.root.rglob("*")) == before


def test_an_export_of_nothing(ds, tmp_path):
    with pytest.raises(BadInputError, match="No image has a vector yet"):
        ImageMap(ds).export_projector(tmp_path / "projector")
    assert not (tmp_path / "projector").exists()


def test_vectors_of_a_folder_that_is_not_there(ds):
    with pytest.raises(MissingFileError, match="There is no folder"):
        ImageMap(ds, vectors="nowhere")


# ------------------------------------------------------------------ the copy


def test_the_copy_is_one_small_image_with_a_legend(learn, image_map):
    html = image_map._repr_mimebundle_()[0]["text/html"]
    assert "24 images by features" in html
    assert all(f"{label} (8)" in html for label in learn.classes)
    assert len(html.encode()) < 60 * 2**10


def test_the_copy_of_many_points_and_classes_with_odd_names():
    positions = np.random.default_rng(0).uniform(-1, 1, (100_000, 2)).astype(np.float32)
    codes = np.arange(100_000, dtype=np.int32) % 300
    names = [f"<b>class {each}</b>" for each in range(300)]
    html = map_copy.map_copy(positions, codes, names, "<i>words</i>")
    assert "<b>" not in html
    assert "<i>" not in html
    assert "290 other classes (96,660)" in html
    assert len(html.encode()) < 60 * 2**10


def test_the_copy_has_the_colors_of_the_page():
    colors = Path(REPOSITORY / "bearwidgets/frontend/src/map/colors.js").read_text("utf-8")
    light = re.search(r"CLASSES = \{\s*light: \[(.*?)\]", colors)[1]
    assert re.findall(r"#\w{6}", light) == list(map_copy.COLORS)
    assert re.search(r'OTHER = \{ light: "(#\w{6})"', colors)[1] == map_copy.OTHER


def test_names_of_classes_that_are_markup(tmp_path):
    folder = write_images(tmp_path / "images", {"<b>teddy<b>": 2, "black": 2})
    html = ImageMap(Dataset.from_folder(folder), vectors=np.eye(4)).static_html()
    assert "<b>" not in html
    assert "&lt;b&gt;teddy" in html
