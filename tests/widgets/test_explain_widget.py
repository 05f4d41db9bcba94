"""What the network looked at, as a view and in the zoom of a Cleaner: what is told is what the learner says."""

from __future__ import annotations

import gc
import io
import time
import weakref

import numpy as np
import pytest
from made_data import TINY, write_images
from PIL import Image
from stub_learner import StubLearner, probabilities_of
from test_snapshot import Tags

from bearwidgets.data.dataset import Dataset
from bearwidgets.errors import BadInputError, ImageError
from bearwidgets.learn.learner import Learner
from bearwidgets.review.review import Review
from bearwidgets.widgets import explaining
from bearwidgets.widgets.cleaner.cleaner import Cleaner
from bearwidgets.widgets.inspect import explain as explain_module
from bearwidgets.widgets.inspect.explain import AGAINST, FOR, Explain, painted

pytestmark = pytest.mark.trains


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A learner of the quick mode for tests that only read it."""
    folder = write_images(
        tmp_path_factory.mktemp("explain") / "images", {"black": 6, "grizzly": 6, "teddy": 6}
    )
    ds = Dataset.from_folder(folder, valid_pct=0.25, workspace=folder.parent / "space")
    return Learner(ds, **{**TINY, "size": 96}).fine_tune(progress=False)


@pytest.fixture
def view(trained):
    return Explain(trained)


@pytest.fixture
def sent(view):
    sent = []
    view.send = lambda content, buffers=None: sent.append((content, buffers))
    return sent


def ask(view, sent, op, **fields):
    view._handle_custom_msg({"kind": "request", "id": 1, "op": op, **fields}, [])
    return next(each for each in reversed(sent) if each[0]["kind"] == "reply")


def test_the_hardest_of_the_evaluation_split_come_first(view, trained):
    table, probabilities = trained.predictions(split="valid")
    right = probabilities[np.arange(len(table)), [trained.classes.index(each) for each in table.label]]
    assert view.ids == table.id.to_numpy()[np.argsort(right, kind="stable")].tolist()
    assert repr(view) == f"Explain({len(table)} images, class_map)"


def test_a_view_that_is_dropped_is_freed_though_its_learner_lives_on(trained):
    view = Explain(trained)
    view.maps(view.ids[0], "black")
    reference = weakref.ref(view)
    del view
    gc.collect()
    assert reference() is None


def test_a_later_training_of_a_bare_learner_has_the_page_ask_anew(tmp_path):
    folder = write_images(tmp_path / "images", {"black": 4, "teddy": 4})
    learn = Learner(Dataset.from_folder(folder, valid_pct=0.25), **TINY).fine_tune(progress=False)
    view, sent = Explain(learn), []
    view.send = lambda content, buffers=None: sent.append((content, buffers))
    before = view.explain(view.ids[0]).logits
    learn.fine_tune(1, mode="full", progress=False)
    assert [content for content, _ in sent] == [{"kind": "event", "event": "items", "ids": None}]
    result = ask(view, sent, "explain", item=view.ids[0])[0]["result"]
    told = learn.predict(learn.data().path_of(view.ids[0])).probabilities
    assert {each["name"]: each["probability"] for each in result["maps"]} == pytest.approx(told, abs=5e-3)
    assert not np.allclose(view.explain(view.ids[0]).logits, before)


def test_the_page_gets_the_maps_and_the_image(view, sent):
    assert ask(view, sent, "items")[0]["result"] == {"ids": view.ids}
    content, buffers = ask(view, sent, "explain", item=view.ids[0])
    result = content["result"]
    maps = np.frombuffer(buffers[0], "<f4").reshape(-1, result["rows"], result["columns"])
    assert (result["method"], result["exact"], result["others"]) == ("class_map", True, [])
    assert [each["probability"] for each in result["maps"]] == sorted(
        (each["probability"] for each in result["maps"]), reverse=True
    )
    for numbers, values in zip(result["maps"], maps, strict=True):
        np.testing.assert_array_equal(values, view.maps(view.ids[0], numbers["name"]))
        assert values.sum() == pytest.approx(numbers["sum"], abs=1e-4)
        assert numbers["sum"] + numbers["constant"] == pytest.approx(numbers["logit"], abs=1e-4)
    assert Image.open(io.BytesIO(buffers[1])).size == (48, 40)
    assert (result["seen"], result["size"]) == ([0, 0, 1, 1], 96)
    assert len(ask(view, sent, "explain", item=view.ids[0], image=False)[1]) == 1


@pytest.mark.parametrize("method", ["grad_cam", "integrated_gradients", "occlusion"])
def test_other_methods(view, sent, method):
    content, _ = ask(view, sent, "explain", item=view.ids[0], method=method)
    result = content["result"]
    assert (result["method"], result["exact"]) == (method, False)
    assert result["methods"] == ["class_map", "grad_cam", "occlusion", "integrated_gradients"]
    assert (result["maps"][0]["constant"] is None) == (method != "integrated_gradients")
    fixed = Explain(view.learn, view.ids[:1], method=method)
    assert fixed.explain(view.ids[0]).method == method
    assert fixed.to_frame()["sum"].isna().all() == (method != "integrated_gradients")


@pytest.mark.parametrize(
    ("op", "fields", "sentence"),
    [
        ("explain", {"item": "nobody"}, "No item 'nobody'"),
        ("explain", {"method": "gradcam"}, "Did you mean 'grad_cam'"),
        ("explain", {"label": "grizly"}, "Did you mean 'grizzly'"),
        ("explain", {"method": 3}, "method is 3"),
        ("check_map", {"label": "grizly"}, ""),
        ("check_map", {}, "label is None"),
    ],
)
def test_refuses(view, sent, op, fields, sentence):
    content, _ = ask(view, sent, op, **{"item": view.ids[0], **fields})
    if op == "check_map" and content["ok"]:  # it is found out in the background
        state = view._job.wait()
        assert (state.state, "Did you mean 'grizzly'" in state.error) == ("failed", True)
    else:
        assert not content["ok"]
        assert sentence in content["error"]


def test_a_check_runs_in_the_background_and_tells_its_curves(view, sent):
    item = view.ids[0]
    assert ask(view, sent, "check_map", item=item, label="black")[0]["ok"]
    assert view._job.wait().state == "done"
    (event,) = [content for content, _ in sent if content.get("event") == "curve"]
    curve = view.curve(item, "black")
    assert (event["item"], event["label"], event["method"]) == (item, "black", "class_map")
    np.testing.assert_allclose(event["deletion"], curve.deletion, atol=1e-4)
    np.testing.assert_allclose(event["random"], curve.random.mean(0), atol=1e-4)
    assert event["verdict"] == curve.verdict
    jobs = [content["job"] for content, _ in sent if content.get("event") == "job"]
    assert (jobs[0]["kind"], jobs[-1]["state"]) == ("check", "done")


def test_a_check_can_be_stopped(view, sent, monkeypatch):
    from bearwidgets.learn.explain import faithfulness

    monkeypatch.setattr(faithfulness, "_BATCH", 1)
    logits = type(view._explainer.network).logits
    monkeypatch.setattr(
        type(view._explainer.network),
        "logits",
        lambda self, images: (time.sleep(0.05), logits(self, images))[1],
    )
    ask(view, sent, "check_map", item=view.ids[0], label="black")
    assert (
        "A map is being checked" in ask(view, sent, "check_map", item=view.ids[0], label="black")[0]["error"]
    )
    ask(view, sent, "stop")
    assert view._job.wait().state == "stopped"
    assert not [content for content, _ in sent if content.get("event") == "curve"]


def test_ids_and_paths_and_other_sources(trained):
    ds = trained.ds
    chosen = [ds.table.id[2], ds.table.path[0]]
    view = Explain(Review(trained), chosen)
    assert view.ids == [ds.table.id[2], ds.table.id[0]]
    assert Explain(Cleaner(trained), ds.table.path[1]).ids == [ds.table.id[1]]
    for wrong, sentence in ((["nobody"], "No item 'nobody'"), ([], "no images to explain"), (3, "ids are 3")):
        with pytest.raises(BadInputError, match=sentence):
            Explain(trained, wrong)
    with pytest.raises(BadInputError, match="No method 'gradcam'"):
        Explain(trained, method="gradcam")


def test_it_follows_the_retraining_of_a_cleaner(make_images, tmp_path):
    ds = Dataset.from_folder(make_images(tmp_path / "some", {"black": 6, "teddy": 6}))
    cleaner = Cleaner(Learner(ds, **{**TINY, "size": 96}).fine_tune(progress=False))
    view, sent = Explain(cleaner), []
    view.send = lambda content, _buffers=None: sent.append(content)
    before = view.maps(view.ids[0], "black")
    train = ds.table[(ds.table.split == "train") & (ds.table.label == "black")]
    cleaner.mark(train.id[:2], "relabel", "teddy")
    assert cleaner.retrain().state == "done"
    assert {"kind": "event", "event": "items", "ids": None} in sent
    assert view.learn is cleaner.learn
    assert not np.allclose(view.maps(view.ids[0], "black"), before)


def test_no_network_is_said(trained):
    ds = trained.ds
    given = Review.from_predictions(ds, probabilities_of(ds.table.label, ds.classes), ds.classes)
    for source in (given, Cleaner(given), Cleaner(ds)):
        with pytest.raises(BadInputError, match="There is no network to look into"):
            Explain(source)
    with pytest.raises(BadInputError, match="StubLearner has no single network"):
        Explain(StubLearner(ds))


def test_one_image_of_one_class(make_images, tmp_path):
    ds = Dataset.from_folder(make_images(tmp_path / "one", {"black": 2, "teddy": 1}), valid_pct=0)
    learn = Learner(ds, **{**TINY, "size": 96}).fine_tune(progress=False)
    view = Explain(learn, ds.table.id[0])
    assert len(view.to_frame()) == 1


def test_a_frame_and_an_image_that_cannot_be_opened(make_images, tmp_path):
    folder = make_images(tmp_path / "some", {"black": 4, "teddy": 4})
    ds = Dataset.from_folder(folder, valid_pct=0)
    learn = Learner(ds, **{**TINY, "size": 96}).fine_tune(progress=False)
    gone = ds.path_of(ds.table.id[1])
    gone.write_bytes(b"no image")
    view = Explain(learn, ds.table.id.tolist())
    frame = view.to_frame()
    assert frame.index.tolist() == view.ids
    assert frame.predicted.isna().tolist() == [False, True] + [False] * 6
    good = frame.dropna()
    np.testing.assert_allclose(good["sum"] + good.constant, good.logit, atol=1e-4)
    assert good.predicted.tolist() == [learn.predict(ds.root / path).label for path in good.path]
    with pytest.raises(ImageError):
        view.explain(view.ids[1])
    sent = []
    view.send = lambda content, buffers=None: sent.append((content, buffers))
    assert ask(view, sent, "explain", item=view.ids[1])[0]["error"].startswith("'black/001.jpg' ")
    assert "<em>" in view.static_html()


def test_the_copy_is_a_sheet_of_images_under_their_maps(view, monkeypatch):
    monkeypatch.setattr(explain_module, "_LONGEST", 1e9)
    page = Tags(view.static_html())
    images = [attrs for tag, attrs in page.tags if tag == "img"]
    assert len(images) == min(len(view.ids), explain_module.TILES)
    assert all(attrs["src"].startswith("data:image/jpeg;base64,") for attrs in images)
    assert "network: " in page.text
    assert len(view._repr_mimebundle_()[0]["text/html"]) < 60 * 2**10


def test_a_map_is_painted_on_what_the_network_saw():
    gray = Image.new("RGB", (200, 100), (128, 128, 128))
    values = np.array([[1.0, -1.0]], np.float32)
    image = np.asarray(Image.open(io.BytesIO(painted(gray, values, (0.25, 0, 0.75, 1)))), float)
    strong = [0.3 * 128 + 0.7 * np.array(color) for color in (FOR, AGAINST)]
    np.testing.assert_allclose(image[50, 60], strong[0], atol=12)
    np.testing.assert_allclose(image[50, 140], strong[1], atol=12)
    np.testing.assert_allclose(image[50, [20, 180]], 128, atol=4)
    padded = np.asarray(
        Image.open(
            io.BytesIO(
                painted(
                    gray, np.eye(3, dtype=np.float32)[1:2].T @ np.ones((1, 3), np.float32), (0, -0.5, 1, 1.5)
                )
            )
        ),
        float,
    )
    np.testing.assert_allclose(padded[50, 100], strong[0], atol=12)


def test_names_are_escaped(make_images, tmp_path, monkeypatch):
    monkeypatch.setattr(explain_module, "_LONGEST", 1e9)
    nasty = "<b>bear"
    ds = Dataset.from_folder(make_images(tmp_path / "some", {nasty: 4, "teddy": 4}), valid_pct=0)
    view = Explain(Learner(ds, **{**TINY, "size": 96}).fine_tune(progress=False))
    page = Tags(view.static_html())
    assert nasty in page.text
    assert "b" not in {tag for tag, _ in page.tags}


# ---------------------------------------------------------------- in the zoom of a Cleaner


def test_a_cleaner_explains_an_item(trained):
    cleaner, sent = Cleaner(trained), []
    cleaner.send = lambda content, buffers=None: sent.append((content, buffers))
    item = trained.ds.table.id[0]
    content, buffers = ask(cleaner, sent, "explain", item=item, image=False)
    result = content["result"]
    assert len(buffers) == 1
    assert (result["item"], result["label"]) == (item, trained.ds.table.label[0])
    assert result["maps"][0]["name"] == trained.predict(trained.ds.path_of(item)).label
    assert "No item" in ask(cleaner, sent, "explain", item="nobody")[0]["error"]


def test_a_cleaner_without_a_network_says_so(trained):
    ds = trained.ds
    given = Review.from_predictions(ds, probabilities_of(ds.table.label, ds.classes), ds.classes)
    for source in (given, ds):
        cleaner, sent = Cleaner(source), []
        cleaner.send = lambda content, buffers=None, sent=sent: sent.append((content, buffers))
        assert ask(cleaner, sent, "explain", item=ds.table.id[0])[0]["error"] == explaining.NO_NETWORK


def test_a_label_that_the_network_does_not_know(trained):
    reply, _ = explaining.Explaining().reply(
        trained, trained.ds, explain_module.protocol.ExplainRequest(trained.ds.table.id[0]), "polar"
    )
    assert (reply.label, len(reply.maps)) == ("polar", 3)
