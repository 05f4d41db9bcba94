"""What layers respond to as a view: its messages, the images in them, Stop, and what goes with the output."""

from __future__ import annotations

import gc
import io
import threading
import weakref

import numpy as np
import pytest
from made_data import TINY
from PIL import Image

from bearwidgets.errors import BadInputError, ConflictError
from bearwidgets.learn.layers.responses import LayerResponses
from bearwidgets.learn.learner import Learner
from bearwidgets.safe_text import as_json
from bearwidgets.widgets.inspect.layers import PAGE, Layers
from bearwidgets.widgets.parse import parse
from bearwidgets.widgets.protocol import LAYERS_REQUESTS, JobEvent


@pytest.fixture
def learn(ds):
    return Learner(ds, **TINY)


@pytest.fixture
def layers(learn):
    layers = Layers(learn)
    assert layers.wait().state == "done"
    return layers


def listening(layers):
    sent = []
    layers.send = lambda content, buffers=None: sent.append((content, buffers or []))
    return sent


@pytest.fixture
def sent(layers):
    return listening(layers)


def ask(layers, sent, op, **fields):
    layers._handle_custom_msg({"kind": "request", "id": 1, "op": op, **fields}, [])
    reply, buffers = [each for each in sent if each[0]["kind"] == "reply"][-1]
    if reply["ok"]:
        assert as_json(parse(LAYERS_REQUESTS[op][1], reply["result"])) == reply["result"]
    return reply, buffers


def opened(data):
    return Image.open(io.BytesIO(data))


def test_layers_are_listed_with_what_they_see(layers, sent):
    result = ask(layers, sent, "layers")[0]["result"]
    assert result["job"]["state"] == "done"
    assert result["note"].startswith("The strongest responses in 24 images;")
    first = result["layers"][0]
    assert (first["field"], first["kernels"], result["size"]) == ([3, 3], True, 32)
    assert not any(each["kernels"] for each in result["layers"][1:])
    table = layers.table
    assert table.name.tolist() == [each["name"] for each in result["layers"]]
    assert (table.field_height.diff().dropna() >= 0).sum() > len(table) / 2


def test_a_page_of_channels_has_an_image_each(layers, sent):
    name, channels = layers.table.loc[0, ["name", "channels"]]
    reply, buffers = ask(layers, sent, "channels", layer=name, start=2, stop=5)
    assert [each["number"] for each in reply["result"]["channels"]] == [2, 3, 4]
    assert [opened(data).size for data in buffers] == [(136, 136)] * 3
    for each in reply["result"]["channels"]:
        assert each["value"] == pytest.approx(layers.top(name, each["number"]).value[0])
    reply, buffers = ask(layers, sent, "channels", layer=name, start=0, stop=10**6)
    assert len(buffers) == min(channels, PAGE)
    assert (
        ask(layers, sent, "channels", layer=name, start=10**6, stop=2 * 10**6)[0]["result"]["channels"] == []
    )


def test_a_channel_in_full_names_images_and_places(layers, sent, learn):
    name = layers.table.name.iloc[2]
    reply, buffers = ask(layers, sent, "channel", layer=name, channel=1)
    top, patches = layers.top(name, 1), reply["result"]["patches"]
    assert len(buffers) == 2 * len(patches) == 18
    assert [each["path"] for each in patches] == top.path.tolist()
    assert [each["box"] for each in patches] == top[["left", "top", "right", "bottom"]].to_numpy().tolist()
    assert top.value.is_monotonic_decreasing
    assert set(top.path) <= set(learn.ds.table.path)
    assert opened(buffers[0]).size == (160, 160)
    assert opened(buffers[1]).size == (32, 32), "never enlarged"


def test_kernels_and_maps(layers, sent):
    first, other = layers.table.name.iloc[[0, 3]]
    _, buffers = ask(layers, sent, "channels", layer=first, start=0, stop=4, show="kernels")
    shown = np.stack([np.asarray(opened(data)) for data in buffers])
    assert (shown == layers.kernels()[:4]).all()
    assert (
        "Only the first layer has kernels"
        in (ask(layers, sent, "channels", layer=other, start=0, stop=4, show="kernels")[0]["error"])
    )
    best = layers.top(other, 0).iloc[0]
    _, buffers = ask(layers, sent, "channels", layer=other, start=0, stop=2, show="maps", image=best.id)
    values, shown = layers.maps(best.id, other)[0], np.asarray(opened(buffers[0]))
    assert shown.shape == values.shape
    if best.value > 0:
        assert shown.max() >= 254, "white is the highest response in all images"
    assert (
        "none was named"
        in ask(layers, sent, "channels", layer=other, start=0, stop=2, show="maps")[0]["error"]
    )


def test_bad_requests_get_a_sentence(layers, sent):
    name = layers.table.name.iloc[0]
    for op, fields, said in (
        ("channels", {"layer": "conv_stemm", "start": 0, "stop": 4}, "No layer 'conv_stemm'"),
        ("channels", {"layer": name, "start": -1, "stop": 4}, "start is -1"),
        ("channels", {"layer": name, "start": 0, "stop": 4, "show": "all"}, "No show 'all'"),
        ("channel", {"layer": name, "channel": 10**6}, "channel is 1000000"),
        ("channels", {"layer": name, "start": 0, "stop": 4, "show": "maps", "image": "x"}, "No image 'x'"),
    ):
        reply, _ = ask(layers, sent, op, **fields)
        assert not reply["ok"]
        assert said in reply["error"]


def test_it_tells_how_far_it_is_and_stops(learn, monkeypatch):
    monkeypatch.setattr("bearwidgets.learn.layers.responses.BATCH", 2)
    go, reached = threading.Event(), threading.Event()
    original = LayerResponses._look

    def look(self, batch):
        original(self, batch)
        if self.done >= 4:
            reached.set()
            go.wait(20)

    monkeypatch.setattr(LayerResponses, "_look", look)
    layers = Layers(learn)
    sent = listening(layers)
    assert reached.wait(60)
    with pytest.raises(ConflictError):
        layers.look()
    assert "wait for that or stop it" in ask(layers, sent, "look")[0]["error"]
    result = ask(layers, sent, "layers")[0]["result"]
    assert (result["job"]["state"], len(result["layers"])) == ("running", len(layers.table))
    _, buffers = ask(layers, sent, "channels", layer=layers.table.name[0], start=0, stop=3)
    assert len(buffers) == 3, "what is found so far is shown"
    ask(layers, sent, "stop")
    go.set()
    assert layers.wait().state == "stopped"
    assert "Stopped after" in ask(layers, sent, "layers")[0]["result"]["note"]
    told = [{**each} for each, _ in sent if each["kind"] == "event"]
    for each in told:
        del each["kind"]
        parse(JobEvent, each)
    assert told[-1]["job"]["state"] == "stopped"
    monkeypatch.setattr(LayerResponses, "_look", original)
    ask(layers, sent, "look")
    assert layers.wait().state == "done"
    assert "Stopped" not in ask(layers, sent, "layers")[0]["result"]["note"]


def test_a_copy_goes_with_the_output(layers):
    text = layers.static_html()
    assert 5 < text.count("data:image/jpeg") <= 24
    assert len(text) < 60_000
    assert "sees 3 × 3 px" in text


def test_only_a_learner_has_layers(learn):
    with pytest.raises(BadInputError, match="Layers shows the network of one"):
        Layers("bears")
    with pytest.raises(BadInputError, match="n is 0"):
        Layers(learn, n=0)


def test_a_view_that_was_dropped_is_freed_though_its_learner_lives_on(learn):
    layers = Layers(learn)
    layers.wait()
    layers._job._thread.join()
    seen = weakref.ref(layers)
    del layers
    gc.collect()
    assert seen() is None
