"""The square of pixels that a network sees, by each way to resize."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from bearwidgets.data.augment.transforms import METHODS, RESAMPLING, Resize
from bearwidgets.errors import BadInputError

RED, GREEN, BLUE = [255, 0, 0], [0, 128, 0], [0, 0, 255]


@pytest.fixture
def flag() -> Image.Image:
    """60 × 20 px: a green edge of 10 px at either end, red on the left of the middle, blue on the right."""
    image = Image.new("RGB", (60, 20), "green")
    image.paste("red", (10, 0, 30, 20))
    image.paste("blue", (30, 0, 50, 20))
    return image


def test_squish_shows_the_whole_image(flag):
    pixels = Resize(12, "squish", "bilinear")(flag)
    assert (pixels.shape, pixels.dtype) == ((12, 12, 3), np.uint8)
    assert pixels[0, [0, 4, 8, 11]].tolist() == [GREEN, RED, BLUE, GREEN]


def test_crop_shows_the_square_in_the_middle(flag):
    pixels = Resize(20, "crop")(flag)
    assert (pixels[:, :10] == RED).all()
    assert (pixels[:, 10:] == BLUE).all()
    assert (Resize(20, "crop")(flag.transpose(Image.Transpose.ROTATE_90))[10:] == RED).all()


def test_pad_shows_the_whole_image_between_black_bars(flag):
    pixels = Resize(60, "pad")(flag)
    assert (pixels[:20] == 0).all()
    assert (pixels[40:] == 0).all()
    assert (pixels[20:40] == np.asarray(flag)).all()
    upright = Resize(60, "pad")(flag.transpose(Image.Transpose.ROTATE_90))
    assert (upright[:, :20] == 0).all()
    assert (upright[:, 40:] == 0).all()
    assert (upright[:, 20:40] != 0).any()


@given(
    width=st.integers(1, 90),
    height=st.integers(1, 90),
    size=st.integers(1, 40),
    method=st.sampled_from(METHODS),
    interpolation=st.sampled_from(list(RESAMPLING)),
    bands=st.sampled_from(["L", "RGB", 1, 5]),
)
@settings(max_examples=120, deadline=None)
def test_any_image_becomes_a_square_of_its_own_values(width, height, size, method, interpolation, bands):
    resize = Resize(size, method, interpolation)
    if isinstance(bands, str):
        image = Image.new(bands, (width, height), 200 if bands == "L" else (200, 200, 200))
        pixels, depth, dtype = resize(image), len(bands), np.uint8
    else:
        pixels, depth, dtype = resize(np.full((height, width, bands), 200, np.float64)), bands, np.float32
    assert (pixels.shape, pixels.dtype) == ((size, size, depth), dtype)
    shown = np.isclose(pixels, 200)
    assert (shown | (pixels == 0)).all()
    assert shown.any()
    if method != "pad":
        assert shown.all()
    elif width >= height:
        assert shown.any(0).all()  # the long side is filled


@pytest.mark.parametrize("method", METHODS)
def test_an_array_is_resized_as_the_image_of_its_values(method):
    values = np.random.default_rng(0).integers(60, 190, (31, 47, 3), dtype=np.uint8)
    image, array = (Resize(16, method)(each) for each in (Image.fromarray(values), values.astype(np.float32)))
    assert np.abs(array - image).max() <= 1.01  # rounded once more on the way in uint8


def test_values_of_any_range_are_kept():
    values = np.random.default_rng(0).normal(-5000, 1, (8, 8, 2)).astype(np.float32)
    np.testing.assert_allclose(Resize(8)(values), values, rtol=1e-6)


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic", "lanczos"])
def test_a_fine_checkerboard_is_grey_when_it_is_shrunk(interpolation):
    board = (np.indices((200, 200)).sum(0) % 2 * 255).astype(np.uint8)
    pixels = Resize(80, "squish", interpolation)(Image.fromarray(board))[8:-8, 8:-8]
    assert np.abs(pixels.astype(int) - 127).max() < 12


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((0,), "size is 0; allowed is a whole number of pixels from 1 on"),
        ((True,), "size is True"),
        ((12.0,), "size is 12.0"),
        ((12, "crops"), "No way to resize 'crops'; known are squish, crop, pad. Did you mean 'crop'?"),
        ((12, "pad", "cubic"), "No interpolation 'cubic'.*Did you mean 'bicubic'?"),
    ],
)
def test_bad_arguments_are_told(arguments, told):
    with pytest.raises(BadInputError, match=told.replace("?", r"\?")):
        Resize(*arguments)


@pytest.mark.parametrize(
    ("image", "told"),
    [
        (Image.new("P", (3, 3)), "mode 'P' came; allowed are RGB and L"),
        (np.zeros((3, 3)), r"shape \(3, 3\) came; allowed is \(height, width, bands\)"),
        (np.zeros((3, 0, 1)), "all of them 1 or more"),
    ],
)
def test_what_is_no_image_is_told(image, told):
    with pytest.raises(BadInputError, match=told):
        Resize(4)(image)
