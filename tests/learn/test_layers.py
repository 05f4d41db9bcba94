"""What layers respond to: receptive fields to the pixel, the strongest places, what is kept on disk."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from made_data import TINY
from PIL import Image
from timm.layers import SqueezeExcite
from torch import nn

from bearwidgets.data.dataset import Dataset
from bearwidgets.errors import BadInputError
from bearwidgets.learn.layers import responses as responses_module
from bearwidgets.learn.layers.fields import GATES, NORMS, global_parts, hooked, layers_of
from bearwidgets.learn.layers.responses import LayerResponses
from bearwidgets.learn.layers.tiles import GRAY, heat, kernels, mosaic, patch
from bearwidgets.learn.learner import Learner
from bearwidgets.learn.network.lite import EfficientNetLite

SIZE = 32


def found(generator):
    """What a generator returns."""
    while True:
        try:
            next(generator)
        except StopIteration as end:
            return end.value


class Edges(nn.Module):
    """Channel 0 of the first convolution likes a step from dark to bright, channel 1 one from bright to dark."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 3, 3)
        self.second = nn.Conv2d(3, 4, (1, 3), stride=2, padding=(0, 1))
        self.head = nn.Linear(4, 2)
        with torch.no_grad():
            self.first.weight.zero_()
            self.first.bias.zero_()
            self.first.weight[0, :, :, 0], self.first.weight[0, :, :, 2] = -1, 1
            self.first.weight[1, :, :, 0], self.first.weight[1, :, :, 2] = 1, -1
            self.first.weight[2] = 1

    def forward(self, images):
        return self.head(torch.relu(self.second(torch.relu(self.first(images)))).mean((2, 3)))


STEP = 14  # where the bright half of an image begins


@pytest.fixture
def edges(tmp_path):
    """Plain images, and one with a step that its name tells: bright to the right, or to the left."""
    for number in range(10):
        folder = tmp_path / "edges" / ("black" if number % 2 else "teddy")
        folder.mkdir(parents=True, exist_ok=True)
        pixels = np.full((SIZE, SIZE, 3), 20 * number, np.uint8)
        name = f"plain{number}"
        if number in (3, 6):
            name = "right" if number == 3 else "left"
            side = slice(STEP, None) if number == 3 else slice(STEP)
            pixels[:] = 0
            pixels[:, side] = 255
        Image.fromarray(pixels).save(folder / f"{name}.png")
    ds = Dataset.from_folder(tmp_path / "edges")
    return Learner.from_module(Edges(), ds, size=SIZE, normalize="none")


def look(learn, **options):
    looked = LayerResponses(learn, **options)
    steps = list(looked.compute())
    return looked, steps


def test_a_filter_for_edges_finds_the_images_with_edges(edges):
    looked, steps = look(edges)
    paths = edges.ds.table.set_index("id").path
    assert [each.name for each in looked.layers] == ["first", "second"]
    for channel, name, column in ((0, "black/right.png", STEP), (1, "teddy/left.png", STEP)):
        best, *others = looked.top("first", channel)
        assert paths[best.id] == name
        assert best.value == pytest.approx(9 * 1.0, rel=0.01), (
            "three bands of three rows of a step from 0 to 1"
        )
        left, top, right, bottom = best.box
        assert (right - left, bottom - top) == (3, 3)
        assert left < column < right, "the step lies in what the unit sees"
        assert all(each.value < best.value for each in others)
    bright = [paths[each.id] for each in looked.top("first", 2)]
    assert set(bright[:2]) == {"black/right.png", "teddy/left.png"}
    assert bright[2] == "black/plain9.png"
    assert len({each.id for each in looked.top("first", 2)}) == 9, "each place in another image"
    assert [(each.stage, each.step) for each in steps if each.stage == "layers"] == [
        ("layers", 8),
        ("layers", 10),
    ]


def test_places_are_where_the_map_is_highest(edges):
    looked, _ = look(edges)
    for name in ("first", "second"):
        for channel in range(3):
            best = looked.top(name, channel)[0]
            values = looked.maps(best.id, name)[channel]
            assert values.max() == pytest.approx(best.value, rel=1e-3)
            layer = looked.layer(name)
            there = [place for place in range(values.size) if layer.box(place) == best.box]
            assert values.ravel()[there].max() == pytest.approx(values.max(), rel=1e-3), "of equal ones any"
            (x, y), (left, top, right, bottom) = best.center, best.box
            assert left - 1 <= x <= right + 1
            assert top - 1 <= y <= bottom + 1
    assert looked.strongest("first")[0] == looked.top("first", 0)[0].value


def moved_by(net, names, size):
    """For each layer the pixels that change a unit: (name, axis) → (lines, units), in a network of random weights."""
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(1, 3, size, size, generator=generator)
    moved = {}
    for axis in (2, 3):
        images = image.repeat(size + 1, 1, 1, 1)
        for line in range(size):
            images[line].select(axis - 1, line).add_(torch.rand(3, size, generator=generator))

        def note(name, output, axis=axis):
            changed = (output[:-1] != output[-1:]).any(1)  # (lines, h, w)
            moved[name, axis] = changed.any(5 - axis - 1).numpy()

        with hooked(net, names, note), torch.no_grad():
            net(images)
    return moved


class Uneven(nn.Module):
    """Dilation, a pool, padding on one side, kernels that are not square, a gate that sees the whole map."""

    def __init__(self):
        super().__init__()
        self.one = nn.Conv2d(3, 6, 3, dilation=2, padding=2)
        self.two = nn.Conv2d(6, 6, (1, 5), stride=(1, 2), groups=2)
        self.gate = Gate()
        self.three = nn.Conv2d(6, 4, (5, 1), padding=(2, 0))

    def forward(self, images):
        values = self.two(nn.functional.pad(torch.relu(self.one(images)), (0, 3, 0, 0)))
        return self.three(nn.functional.max_pool2d(self.gate(values), 2)).mean((2, 3))


class Gate(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Conv2d(6, 6, 1)

    def forward(self, values):
        return values * torch.sigmoid(self.fc(values.mean((2, 3), keepdim=True)))


@pytest.mark.parametrize("make", [lambda: EfficientNetLite().eval(), lambda: Uneven().eval()])
def test_receptive_fields_are_those_that_pixels_show(make):
    torch.manual_seed(0)
    net, size = make(), 64
    gated = hasattr(net, "gate")
    layers = found(layers_of(net, size, 3))
    if gated:
        assert [each.name for each in layers] == ["one", "two", "three"], "a gate has no places"
        net.gate = nn.Identity()
    moved = moved_by(net, [each.name for each in layers], size)
    for layer in layers:
        for axis, spans in ((2, layer.rows), (3, layer.columns)):
            seen = moved[layer.name, axis]
            lines = np.arange(size)[:, None]
            inside = (lines >= spans[:, 0]) & (lines < spans[:, 1])
            assert not (seen & ~inside).any(), f"{layer.name} sees more than its field"
            units = np.arange(len(spans))
            ends = np.concatenate([seen[spans[:, 0], units], seen[spans[:, 1] - 1, units]])
            # a change may get lost in a ReLU on its way through many layers
            assert ends.mean() > (0.99 if layer.field[0] < size // 2 else 0.5), layer.name


def test_known_fields_of_the_default_body():
    layers = {each.name: each for each in found(layers_of(EfficientNetLite().eval(), 224, 3))}
    assert len(layers) == 49
    assert layers["conv_stem"].field == (3, 3)
    assert layers["blocks.0.0.conv_dw"].field == (7, 7)
    assert layers["blocks.1.0.conv_dw"].field == (11, 11)
    assert len(layers["conv_head"].rows) == 7
    assert layers["conv_stem"].columns[[0, -1]].tolist() == [[0, 3], [222, 224]], "padding is no pixel"


def test_what_was_found_is_read_from_disk_while_weights_and_items_are_the_same(edges, monkeypatch):
    first, _ = look(edges)
    calls = []
    original = LayerResponses._forward
    monkeypatch.setattr(
        LayerResponses, "_forward", lambda self, pixels: calls.append(1) or original(self, pixels)
    )
    again, steps = look(edges)
    assert calls == []
    assert (steps[-1].step, steps[-1].total, again.done) == (10, 10, 10)
    assert again.top("second", 1) == first.top("second", 1)
    assert again.layers[1].field == first.layers[1].field
    assert look(edges, n=5)[0].done == 5
    assert len(calls) == 1, "other items are looked at"
    with torch.no_grad():
        edges.module.body.first.weight.mul_(2)
    edges.forget_features()
    assert look(edges)[0].top("first", 0)[0].value == pytest.approx(18, rel=0.01)
    (file,) = [path for path in again._file.parent.glob("*") if path == again._file]
    file.write_bytes(file.read_bytes()[:-50])
    fresh = LayerResponses(edges)
    assert not fresh._read() or fresh._file != file
    monkeypatch.setattr(responses_module, "MOST_FILES", 2)
    look(edges, n=3)
    assert len(list(file.parent.glob("*.safetensors"))) == 2


def test_it_can_be_left_half_way_and_keeps_what_was_found(edges):
    looked = LayerResponses(edges)
    steps = looked.compute()
    while next(steps).stage != "layers":
        pass
    steps.close()
    assert looked.done == 8
    assert len(looked.top("first", 0)) == 8
    assert not looked._file.exists()


def test_a_sample_is_drawn_by_seed_and_a_broken_image_is_left_out(edges):
    drawn = LayerResponses(edges, n=4)
    assert drawn.ids == LayerResponses(edges, n=4).ids != LayerResponses(edges, n=4, seed=1).ids
    edges.ds.path_of(drawn.ids[0]).write_bytes(b"no image")
    list(drawn.compute())
    assert (list(drawn.problems), drawn.done) == (drawn.ids[:1], 4)
    assert len(drawn.top("first", 0)) == 3


def test_any_timm_net_with_gates_group_norms_or_other_bands(ds):
    looked, _ = look(Learner(ds, **{**TINY, "in_chans": 1}))
    assert looked.layers[0].field == (3, 3)
    assert looked.done == 24
    assert looked.pixels(looked.ids[0]).shape == (32, 32, 1)
    gated = Learner(ds, "test_efficientnet", weights=None, size=64)
    looked, _ = look(gated, n=4)
    assert any("se" in name.split(".") for name, _ in gated.module.body.named_modules()), "it has gates"
    assert not any(".se." in each.name for each in looked.layers)
    assert looked.layers[2].field[0] < 64
    assert looked.left_out == ["squeeze-and-excite gates"]
    assert LayerResponses(Learner(ds, **TINY), n=1).left_out == []


def test_what_looks_at_the_whole_image_is_named():
    parts = nn.Sequential(nn.Conv2d(3, 8, 3), nn.GroupNorm(2, 8), SqueezeExcite(8), nn.BatchNorm2d(8))
    assert global_parts(parts.eval(), 16, 3) == {"1": NORMS, "2": GATES}


def test_a_transformer_has_one_layer_of_places(ds):
    looked, _ = look(Learner(ds, "test_vit", weights=None, size=160), n=3)
    (layer,) = looked.layers
    assert layer.field == (16, 16)
    assert {each.box[0] % 16 for each in looked.top(layer.name, 0)} == {0}


def test_names_and_numbers_that_are_not_there_are_refused(edges, ds):
    looked, _ = look(edges, n=3)
    for ask, said in (
        (lambda: looked.top("frist", 0), "Did you mean 'first'"),
        (lambda: looked.top("first", 3), "channel is 3; allowed is a whole number from 0 to 2"),
        (lambda: looked.maps("xyz", "first"), "No image 'xyz'"),
        (lambda: LayerResponses(edges, n=0), "n is 0"),
        (lambda: LayerResponses(Learner.from_module(Flat(), ds, size=32)), "has no convolutions"),
    ):
        with pytest.raises(BadInputError, match=said):
            ask()


class Flat(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Linear(3, 3)
        self.head = nn.Linear(3, 3)

    def forward(self, images):
        return self.head(torch.relu(self.body(images.mean((2, 3)))))


def test_patches_end_at_the_border_and_kernels_share_a_scale(edges):
    looked, _ = look(edges)
    layer = looked.layer("second")
    assert layer.field == (3, 5)
    pixels = np.full((SIZE, SIZE, 3), 255, np.uint8)
    corner = np.asarray(patch(pixels, layer.box(0), layer, 50))
    assert (corner[25, 0] == GRAY).all(), "left of the image"
    assert (corner[30, 45] == 255).all()
    best = looked.top("first", 0)
    assert mosaic(looked, looked.layer("first"), best, 10).size == (34, 34)
    shown = kernels(edges.module.body.first.weight.detach().numpy())
    assert shown.shape == (3, 3, 3, 3)
    assert (shown[0, 0, 0].tolist(), shown[0, 0, 2].tolist()) == ([0, 0, 0], [255, 255, 255])
    assert shown[0, 0, 1].tolist() == [128, 128, 128]
    assert kernels(np.ones((2, 5, 3, 3), np.float32)).shape == (2, 3, 3, 3)
    assert np.asarray(heat(np.array([[-1.0, 0.5, 2.0]]), 1.0)).tolist() == [[0, 128, 255]]
