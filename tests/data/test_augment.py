"""Random looks: one warp that is true to its references, drawn as it is said, the same for the same generator."""

from __future__ import annotations

import dataclasses
import inspect
import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.stats import kstest
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional

import bearwidgets.data.augment.augment as module
from bearwidgets.data.augment.augment import PRESETS, Augment, augmentation
from bearwidgets.data.augment.geometry import bounds, cut, from_unit, perspective, rotation, sample, to_unit
from bearwidgets.data.augment.lighting import blot, recolor, relight, relight_values
from bearwidgets.data.augment.transforms import METHODS, Resize
from bearwidgets.errors import BadInputError

BICUBIC, BILINEAR = Image.Resampling.BICUBIC, Image.Resampling.BILINEAR


def rng(seed=0):
    return np.random.default_rng(seed)


def waves(width, height):
    """A smooth image of mode RGB without any symmetry, so that interpolation costs it little."""
    y, x = np.mgrid[:height, :width] + 0.5
    bands = [np.sin(x / 9 + y / 17), np.cos(x / 13 - y / 11), x / width - y / height]
    return Image.fromarray((np.stack(bands, -1) * 110 + 128).round().astype(np.uint8))


def places(width, height):
    """An array whose two bands tell where in the image a pixel is: x and y of its middle."""
    y, x = np.mgrid[:height, :width] + 0.5
    return np.stack([x, y], -1).astype(np.float32)


@pytest.fixture
def all_drawn(monkeypatch):
    """Everything that is drawn from -m to m is m."""
    monkeypatch.setattr(module, "_drawn", lambda most, *_: most)


# What it is for any image


@given(
    name=st.sampled_from(list(PRESETS)),
    resize=st.sampled_from(METHODS),
    interpolation=st.sampled_from(["nearest", "bilinear", "bicubic", "lanczos"]),
    width=st.integers(1, 120),
    height=st.integers(1, 120),
    size=st.integers(1, 48),
    seed=st.integers(0, 999),
)
@settings(max_examples=250, deadline=None)
def test_any_image_becomes_pixels_of_what_it_holds(name, resize, interpolation, width, height, size, seed):
    augment = augmentation(name, size, interpolation=interpolation, resize=resize)
    augment = dataclasses.replace(augment, brightness=0, contrast=0, saturation=0, hue=0, erase=0)
    for image, bands in (
        (Image.new("RGB", (width, height), (200, 200, 200)), 3),
        (Image.new("L", (width, height), 200), 1),
        (np.full((height, width, 2), 200, np.float32), 2),
    ):
        pixels = augment(image, rng(seed))
        assert pixels.shape == (size, size, bands)
        assert pixels.dtype == (np.float32 if bands == 2 else np.uint8)
        if augment.area is not None or resize != "pad":
            np.testing.assert_allclose(pixels, 200, atol=0.01)  # no empty corner anywhere
        else:
            # Bicubic and lanczos overshoot at the bars by up to 22 %, in a corner in both directions.
            assert pixels.min() > -0.5 * 200
            assert pixels.max() < 1.5 * 200


@pytest.mark.parametrize("name", PRESETS)
def test_the_same_generator_draws_the_same_in_any_thread(name):
    augment, image = augmentation(name, 24), waves(50, 40)
    wanted = [augment(image, rng(seed)) for seed in range(12)]
    with ThreadPoolExecutor(6) as pool:
        got = list(pool.map(lambda seed: augment(image, rng(seed)), range(12)))
    assert all((a == b).all() for a, b in zip(wanted, got, strict=True))
    alike = len({each.tobytes() for each in wanted})
    assert alike == 1 if name == "none" else alike > 8


@pytest.mark.parametrize("method", METHODS)
def test_none_is_the_evaluation(method):
    image = waves(61, 40)
    augment = augmentation("none", 24, interpolation="bilinear", resize=method)
    assert (augment(image, rng()) == Resize(24, method, "bilinear")(image)).all()
    never = Augment(24, method, "bilinear", rotate=40, p_affine=0)
    assert (never(image, rng()) == augment(image, rng())).all()


@pytest.mark.parametrize("name", PRESETS)
def test_arrays_are_moved_as_images_are(name):
    augment = dataclasses.replace(augmentation(name, 30), p_lighting=0, erase=0)
    image = waves(70, 50)
    for seed in range(8):
        pixels = augment(image, rng(seed)).astype(float)
        values = augment(np.asarray(image, dtype=np.float32), rng(seed))
        assert np.abs(pixels - values).max() < 2.5


# Where the pixels come from


@pytest.mark.parametrize("resize", ["squish", "crop", "pad"])
def test_turned_squares_show_what_the_matrix_says(resize):
    image = places(200, 120)
    augment = Augment(40, resize, "bilinear", rotate=25, warp=0.2, zoom=1.2, p_affine=1)
    for seed in range(10):
        pixels = augment(image, rng(seed))
        matrix = augment._matrix(200, 120, augment._inner(rng(seed)), rng())
        y, x = np.mgrid[:40, :40] + 0.5
        wanted = matrix @ np.stack([x, y, np.ones_like(x)]).reshape(3, -1)
        wanted = (wanted[:2] / wanted[2]).T.reshape(40, 40, 2)
        inside = ((wanted > 12) & (wanted < np.array([188, 108]))).all(-1)
        assert inside.sum() > 300
        np.testing.assert_allclose(pixels[inside], wanted[inside], atol=0.05)


def test_a_perspective_is_torchvisions():
    image = waves(160, 120)
    corners = [[12, 8], [150, 3], [155, 118], [4, 101]]
    square = [[0, 0], [96, 0], [96, 96], [0, 96]]
    matrix = perspective([tuple(each) for each in square], [tuple(each) for each in corners])
    got = np.asarray(sample(image, matrix, 96, BILINEAR, mirror=True)).astype(float)
    # torchvision's output is as large as its input: the part at the top left is what is asked for.
    tensor = functional.pil_to_tensor(image).float()
    reference = functional.perspective(tensor, corners, square, interpolation="bilinear")
    assert np.abs(got - reference[:, :96, :96].permute(1, 2, 0).numpy())[2:-2, 2:-2].mean() < 0.6


@pytest.mark.trains
def test_the_composition_is_fastais(all_drawn):
    augment_module = pytest.importorskip("fastai.vision.augment")
    image = waves(96, 96)
    got = Augment(96, rotate=10, warp=0.2)(image, rng()).astype(float)
    tensor = augment_module.TensorImage(functional.pil_to_tensor(image)[None].float() / 255)
    warp = augment_module.Warp(draw_x=0.2, draw_y=0.2, p=1.0, magnitude=0.2)
    turn = augment_module.Rotate(draw=10, p=1.0)
    (both,) = augment_module.setup_aug_tfms([warp, turn])
    reference = both(tensor, split_idx=0)[0].permute(1, 2, 0).numpy() * 255
    assert np.abs(got - reference).mean() < 1.5  # its corners are middles of pixels: 1 % smaller
    other = np.asarray(Augment(96, rotate=10, warp=0.1)(image, rng())).astype(float)
    assert np.abs(other - reference).mean() > 4


@pytest.mark.trains
def test_standard_has_the_numbers_of_fastai():
    augment_module = pytest.importorskip("fastai.vision.augment")
    given = inspect.signature(augment_module.aug_transforms).parameters
    standard = PRESETS["standard"].augment
    for ours, theirs in (
        (standard.rotate, "max_rotate"),
        (standard.zoom, "max_zoom"),
        (standard.warp, "max_warp"),
        (standard.brightness, "max_lighting"),
        (standard.contrast, "max_lighting"),
        (standard.p_affine, "p_affine"),
        (standard.p_lighting, "p_lighting"),
    ):
        assert ours == given[theirs].default, theirs
    assert standard.flip == inspect.signature(augment_module.Flip.__init__).parameters["p"].default
    assert given["min_zoom"].default == given["min_scale"].default == 1


def test_a_straight_part_is_pillows_resize():
    image = waves(90, 60)
    matrix = from_unit((10, 5, 77.5, 55)) @ to_unit(32)
    reference = image.resize((32, 32), BICUBIC, box=(10, 5, 77.5, 55))
    assert (np.asarray(sample(image, matrix, 32, BICUBIC, mirror=True)) == np.asarray(reference)).all()


def test_the_rim_of_a_part_is_interpolated_with_what_lies_beyond_it():
    for box in ((-7, 20, 29.9999, 57), (20, -7, 57, 29.9999)):  # over one edge, so that a part is cut out
        matrix = from_unit(box) @ rotation(1e-7) @ to_unit(148)
        bands = [Image.fromarray(band) for band in np.moveaxis(places(80, 80), 2, 0)]
        x, y = (np.asarray(sample(band, matrix, 148, BILINEAR, mirror=True)) for band in bands)
        rim = x[100, -5:] if box[0] < 0 else y[-5:, 100]
        np.testing.assert_allclose(rim, 30 - 0.25 * np.arange(4.5, 0, -1), atol=0.01)


@given(
    left=st.integers(-60, 20),
    top=st.integers(-60, 20),
    width=st.integers(1, 90),
    height=st.integers(1, 90),
    size=st.tuples(st.integers(1, 30), st.integers(1, 30)),
)
@settings(max_examples=80, deadline=None)
def test_beyond_the_edge_is_the_mirror_image(left, top, width, height, size):
    values = rng().integers(0, 256, (size[1], size[0]), dtype=np.uint8)
    box = (left, top, left + width, top + height)
    got = np.asarray(cut(Image.fromarray(values), box, mirror=True))
    x, y = (np.arange(box[each], box[each + 2]) for each in (0, 1))
    # numpy mirrors as often as it must if it is told to begin far enough away
    mirrored = np.pad(values, 150, mode="symmetric")
    assert (got == mirrored[np.ix_(y + 150, x + 150)]).all()
    got, black = np.asarray(cut(Image.fromarray(values), box, mirror=False)), np.pad(values, 150)
    assert (got == black[np.ix_(y + 150, x + 150)]).all()


def test_padding_stays_black_where_it_is_turned():
    white = Image.new("L", (100, 50), 255)
    for seed in range(20):
        pixels = Augment(40, "pad", rotate=45, p_affine=1)(white, rng(seed))
        assert (pixels == 0).mean() > 0.3
        assert (pixels == 255).mean() > 0.3


@pytest.mark.parametrize("factor", [1.5, 1.7, 2, 2.6, 4.3])
@pytest.mark.parametrize("degrees", [0, 12, 45])
def test_a_fine_checkerboard_is_grey_when_it_is_shrunk(factor, degrees):
    board = Image.fromarray((np.indices((300, 300)).sum(0) % 2 * 255).astype(np.uint8))
    side = 60 * factor
    box = (150 - side / 2, 150 - side / 2, 150 + side / 2, 150 + side / 2)
    matrix = from_unit(box) @ rotation(degrees) @ to_unit(60)
    pixels = np.asarray(sample(board, matrix, 60, BICUBIC, mirror=True)).astype(int)
    assert np.abs(pixels - 127).max() < (45 if factor == 1.5 else 15)
    plain = board.transform((60, 60), Image.Transform.PERSPECTIVE, matrix.ravel()[:8].tolist(), BICUBIC)
    if (factor, degrees) in {(1.5, 12), (1.7, 0), (2.6, 45)}:
        assert np.abs(np.asarray(plain).astype(int) - 127).max() > 100  # what it is without care


@pytest.mark.parametrize(
    "factors", [(0.7, 0.7), (1, 1), (1.2, 1.2), (1.5, 1.5), (2.2, 2.2), (3.1, 3.1), (3.1, 0.9), (0.9, 3.1)]
)
def test_turned_images_are_as_sharp_as_straight_ones(factors):
    noise = Image.fromarray(rng().normal(128, 40, (150, 150)).clip(0, 255).astype(np.uint8))
    noise = noise.resize((300, 300), BICUBIC)
    matrix = from_unit((0, 0, 80 * factors[0], 80 * factors[1])) @ to_unit(80)
    straight, turned = (
        np.asarray(sample(noise, each, 80, BICUBIC, mirror=True)).astype(float)
        for each in (matrix, matrix @ rotation(1e-6))
    )
    for axis in (0, 1):
        steps = [np.abs(np.diff(each, axis=axis)).mean() for each in (turned, straight)]
        assert steps[0] / steps[1] == pytest.approx(1, abs=0.25)
    assert np.corrcoef(turned.ravel(), straight.ravel())[0, 1] > 0.9


def test_nearest_makes_no_new_values():
    labels = Image.fromarray(rng().integers(0, 2, (90, 90), dtype=np.uint8) * 200)
    pixels = Augment(30, interpolation="nearest", rotate=30, warp=0.2, p_affine=1)(labels, rng())
    assert set(np.unique(pixels)) == {0, 200}


# How it is drawn


def test_random_crops_are_those_of_torchvision():
    crop = v2.RandomResizedCrop(32, scale=(0.35, 1), ratio=(3 / 4, 4 / 3))
    theirs = []
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        for _ in range(3000):
            part = crop.make_params([torch.empty(3, 3000, 4000, device="meta")])
            theirs.append((part["width"], part["height"], part["left"], part["top"]))
    augment = PRESETS["light"].augment
    ours = []
    for seed in range(3000):
        left, top, right, bottom = bounds(augment._matrix(4000, 3000, None, rng(seed)), augment.size)
        ours.append((right - left, bottom - top, left, top))
    names = ("width", "height", "left", "top")
    for name, a, b in zip(names, np.array(ours).T, np.array(theirs).T, strict=True):
        assert kstest(a, b).pvalue > 0.01, name
    assert kstest(np.array(ours)[:, 0], np.array(theirs)[:, 0] * 0.97).pvalue < 1e-4  # it would be seen


def test_crops_show_the_asked_for_share_and_half_are_mirrored():
    image = places(251, 251)
    shares, mirrored = [], []
    for seed in range(300):
        pixels = augmentation("light", 16)(image, rng(seed))
        width, height = (np.ptp(pixels[..., band]) * 16 / 15 for band in (0, 1))
        shares.append(width * height / 251**2)
        mirrored.append(pixels[0, 0, 0] > pixels[0, -1, 0])
    assert 0.33 < min(shares) < 0.4
    assert 0.9 < max(shares) < 1.03
    assert 0.42 < np.mean(mirrored) < 0.58


def test_a_long_image_is_cropped_all_along_it():
    lefts = []
    for seed in range(200):
        left, top, right, bottom = bounds(PRESETS["light"].augment._matrix(900, 100, None, rng(seed)), 224)
        assert (top, bottom - top) == pytest.approx((0, 100))
        assert right - left <= 134
        lefts.append(left)
    assert kstest(np.array(lefts) / (900 - 133), "uniform").pvalue > 0.01


@pytest.mark.parametrize("degrees", [15, 45, 180])
def test_a_turned_crop_stays_inside_where_it_can(degrees):
    augment = Augment(50, area=(0.1, 0.2), rotate=degrees, warp=0.2, p_affine=1)
    for seed in range(100):
        left, top, right, bottom = bounds(augment._matrix(300, 300, augment._inner(rng(seed)), rng(seed)), 50)
        assert min(left, top) > -1e-6
        assert max(right, bottom) < 300 + 1e-6


def test_rotation_and_zoom_are_drawn_as_said(monkeypatch):
    drawn = []
    monkeypatch.setattr(module, "rotation", lambda degrees: (drawn.append(degrees), rotation(degrees))[1])
    augment = Augment(50, rotate=10)
    for seed in range(2000):
        augment._inner(rng(seed))
    assert len(drawn) / 2000 == pytest.approx(0.75, abs=0.03)
    assert kstest(np.array(drawn) / 20 + 0.5, "uniform").pvalue > 0.01
    matrices = [Augment(50, zoom=1.1, p_affine=1)._inner(rng(seed)) for seed in range(1000)]
    factors = np.array([1 / each[0, 0] for each in matrices])
    assert kstest((factors - 1) / 0.1, "uniform").pvalue > 0.01
    slack = np.array([each[0, 2] / (1 - each[0, 0]) for each in matrices])
    assert kstest(slack / 2 + 0.5, "uniform").pvalue > 0.01


def test_small_moves_by_whole_pixels_and_shows_the_mirror_image_beyond():
    values = rng().integers(0, 256, (32, 32, 3), dtype=np.uint8)
    padded = np.pad(values, ((4, 4), (4, 4), (0, 0)), mode="symmetric")
    windows = {
        side.tobytes(): (x, y, mirrored)
        for x in range(9)
        for y in range(9)
        for mirrored in (False, True)
        for side in [padded[y : y + 32, x : x + 32][:, :: -1 if mirrored else 1]]
    }
    small, image = augmentation("small", 32), Image.fromarray(values)
    seen = [windows[small(image, rng(seed)).tobytes()] for seed in range(600)]
    assert len(set(seen)) > 150  # of 162
    assert {x for x, _, _ in seen} == {y for _, y, _ in seen} == set(range(9))
    assert 0.42 < np.mean([mirrored for _, _, mirrored in seen]) < 0.58


def test_aerial_is_seen_from_all_eight_sides_without_loss():
    values = rng().integers(0, 256, (32, 32, 3), dtype=np.uint8)
    sides = [np.rot90(each, turns) for each in (values, values[:, ::-1]) for turns in range(4)]
    augment = dataclasses.replace(augmentation("aerial", 32), zoom=1, p_lighting=0)
    seen = [augment(Image.fromarray(values), rng(seed)) for seed in range(400)]
    counts = [sum((each == side).all() for each in seen) for side in sides]
    assert sum(counts) == 400
    assert min(counts) > 25


def test_upright_never_mirrors_and_standard_does():
    image = places(60, 60)
    for name, share in (("upright", 0), ("standard", 0.5)):
        augment = dataclasses.replace(augmentation(name, 20), p_lighting=0)
        pixels = np.stack([augment(image, rng(seed)) for seed in range(200)])
        assert (pixels[:, 10, 0, 0] > pixels[:, 10, -1, 0]).mean() == pytest.approx(share, abs=0.1)


# Light, color and blots


@pytest.mark.trains
def test_light_is_moved_in_logits_as_by_fastai():
    augment_module = pytest.importorskip("fastai.vision.augment")
    values = np.arange(1, 255, dtype=np.uint8)
    tensor = augment_module.TensorImage(torch.from_numpy(values.astype(np.float32) / 255)[None, None, None])
    for change, factor in ((0.6, 1.0), (0.41, 1.25), (0.5, 0.8)):
        bright = augment_module.Brightness(draw=change, p=1.0)
        contrast = augment_module.Contrast(draw=factor, p=1.0)
        (both,) = augment_module.setup_aug_tfms([bright, contrast])
        wanted = both(tensor.clone(), split_idx=0).flatten().numpy() * 255
        assert np.abs(relight(values, math.log(change / (1 - change)), factor) - wanted).max() <= 0.51


def test_brightness_and_contrast_are_drawn_as_said():
    augment = Augment(brightness=0.2, contrast=0.2)
    added, factor = np.array([augment._light(rng(seed)) for seed in range(3000)]).T
    assert (added != 0).mean() == pytest.approx(0.75, abs=0.03)
    assert (factor != 1).mean() == pytest.approx(0.75, abs=0.03)
    change = 1 / (1 + np.exp(-added[added != 0]))  # fastai's number, from 0.4 to 0.6
    assert kstest((change - 0.4) / 0.2, "uniform").pvalue > 0.01
    logs = np.log(factor[factor != 1]) / -math.log(0.8)
    assert kstest(logs / 2 + 0.5, "uniform").pvalue > 0.01


def test_values_without_bounds_are_relit_but_never_recolored_or_blotted():
    values = rng().normal([5, -300], [1, 20], (40, 40, 2)).astype(np.float32)
    lit = relight_values(values, 0.5, 2)
    assert lit.dtype == np.float32
    np.testing.assert_allclose(lit.mean((0, 1)), values.mean((0, 1)) + 0.5 * values.std((0, 1)), rtol=1e-4)
    np.testing.assert_allclose(lit.std((0, 1)), 2 * values.std((0, 1)), rtol=1e-4)
    assert relight_values(values, 0, 1) is values
    values = rng().normal(0, 1, (20, 20, 3)).astype(np.float32)
    assert (Augment(20, saturation=0.9, hue=90, p_lighting=1, erase=1)(values, rng()) == values).all()
    assert (Augment(20, brightness=0.5, p_lighting=1)(values, rng()) != values).all()


def test_colors_keep_their_brightness():
    image = Image.new("RGB", (1, 1), (140, 120, 90))
    gray = np.asarray(image.convert("L")).item()
    for saturation, hue in ((0.5, 0), (1.4, 0), (1, 60), (0.7, -170)):
        assert np.asarray(recolor(image, saturation, hue).convert("L")).item() == pytest.approx(gray, abs=1)
    assert np.asarray(recolor(image, 0, 0)).tolist() == [[[gray] * 3]]
    assert recolor(image, 1, 0) is image
    turned = np.asarray(recolor(image, 1, 180)).astype(int)[0, 0]
    assert turned[2] > turned[0]  # what was warm is cold


@pytest.mark.parametrize("name", ["saturation", "hue"])
def test_colors_are_drawn(name):
    image = Image.new("RGB", (8, 8), (140, 120, 90))
    augment = Augment(8, **{name: 0.5 if name == "saturation" else 20})
    colors = [tuple(augment(image, rng(seed))[0, 0]) for seed in range(200)]
    assert colors.count((140, 120, 90)) / 200 == pytest.approx(0.25, abs=0.1)
    assert len(set(colors)) > 15
    assert (Augment(8, hue=180, p_lighting=1)(Image.new("L", (8, 8), 99), rng()) == 99).all()


@given(share=st.floats(0.001, 1), aspect=st.floats(0.1, 10), size=st.integers(1, 40), seed=st.integers(0, 99))
@settings(max_examples=80, deadline=None)
def test_a_blot_is_a_rectangle_of_noise(share, aspect, size, seed):
    pixels = np.zeros((size, size, 40), np.uint8)  # so many bands that noise is nowhere all black
    hit = blot(pixels, share, aspect, rng(seed)).any(-1)
    rows, columns = hit.any(1).sum(), hit.any(0).sum()
    assert hit.sum() == rows * columns
    assert 1 <= rows <= size
    assert 1 <= columns <= size
    if size > 20 and 0.05 < share < 0.2 and 0.5 < aspect < 2:
        assert rows * columns / size**2 == pytest.approx(share, rel=0.35)
        assert rows / columns == pytest.approx(aspect, rel=0.35)
    assert not pixels.any()


def test_so_many_images_are_blotted():
    black = Image.new("RGB", (32, 32))
    augment = Augment(32, erase=0.25)
    shares = np.array([augment(black, rng(seed)).any(-1).mean() for seed in range(600)])
    assert (shares > 0).mean() == pytest.approx(0.25, abs=0.05)
    assert 0.01 < shares[shares > 0].min() < 0.1
    assert 0.25 < shares.max() < 0.4


# Names and errors


def test_an_augmentation_takes_the_size_of_the_network():
    own = Augment(64, "pad", "nearest", rotate=5)
    taken = augmentation(own, 96, interpolation="bilinear", resize="crop")
    assert taken == Augment(96, "crop", "bilinear", rotate=5)
    assert augmentation("light", 96) == Augment(96, area=(0.35, 1), flip=0.5)
    assert all(preset.description and "\n" not in preset.description for preset in PRESETS.values())


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"rotate": -1}, "rotate is -1; allowed is degrees from 0 to 180"),
        ({"zoom": 0.9}, "zoom is 0.9; allowed is a factor from 1 to 10"),
        ({"flip": float("nan")}, "flip is nan"),
        ({"warp": "much"}, "warp is 'much'"),
        ({"brightness": 1}, "brightness is 1; allowed is a strength from 0 to 0.99"),
        ({"area": (0.5, 1.2)}, r"area is \(0.5, 1.2\); .* two numbers above 0 and up to 1"),
        ({"area": (0, 1)}, "area"),
        ({"area": 0.5}, "area is 0.5"),
        ({"aspect": (2, 1)}, "aspect.*the smaller one first"),
        ({"erase_area": None}, "erase_area is None"),
        ({"size": 0}, "size is 0"),
        ({"resize": "crop it"}, "Did you mean 'crop'"),
    ],
)
def test_a_value_out_of_range_is_told(fields, told):
    with pytest.raises(BadInputError, match=told):
        Augment(**fields)


def test_an_unknown_name_is_told():
    told = r"No augmentation 'standart'; known are none, light.*Did you mean 'standard'\?.*of your own"
    for which, words in (("standart", told), (None, "No augmentation None"), (3, "No augmentation 3")):
        with pytest.raises(BadInputError, match=words):
            augmentation(which, 32)
