"""From images to the body's input, and to metadata and back."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from PIL import Image

from bearwidgets.errors import BadInputError, ImageError
from bearwidgets.learn.input.preprocessing import Preprocessing, Projection

CPU = torch.device("cpu")
PCA = Projection(((1.0, 0.0, 0.0, 2.0), (0.0, -1.0, 0.0, 0.0), (0.5, 0.5, 0.5, 0.5)), (0.0, 1.0, -0.25))


def test_pixels_are_normalized_by_mean_and_deviation():
    preprocessing = Preprocessing(1, (0.5, 0.25, 0.0), (0.5, 0.25, 1.0))
    tensor = preprocessing.normalize(np.array([[[[255, 0, 51]]]], np.uint8), CPU)
    assert tensor.shape == (1, 3, 1, 1)
    assert tensor.flatten().tolist() == pytest.approx([1.0, -1.0, 0.2])


def test_floats_are_not_scaled_again():
    preprocessing = Preprocessing(1, (1.0, 0.0), (2.0, 0.5), in_chans=2)
    tensor = preprocessing.normalize(np.array([[[[5.0, -1.0]]]], np.float32), CPU)
    assert tensor.flatten().tolist() == [2.0, -2.0]
    gray = Preprocessing(1, (0.5,), (0.5,), in_chans=1)
    assert gray.normalize(np.array([[[[255]]]], np.uint8), CPU).item() == 1


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_the_projection_comes_before_the_normalization(dtype):
    preprocessing = Preprocessing(1, (0.5, 0.0, 0.25), (1.0, 2.0, 0.5), in_chans=4, pca=PCA)
    bands = np.array([51, 102, 0, 255])
    pixels = bands.astype(dtype) if dtype == "uint8" else (bands / 255).astype(dtype)
    tensor = preprocessing.normalize(pixels[None, None, None], CPU)
    # 0.2 + 2 · 1 = 2.2; 1 - 0.4 = 0.6; (0.2 + 0.4 + 0 + 1) / 2 - 0.25 = 0.55
    assert tensor.shape == (1, preprocessing.channels, 1, 1)
    assert tensor.flatten().tolist() == pytest.approx([1.7, 0.3, 0.6], abs=1e-6)


@pytest.mark.parametrize("pca", [None, PCA])
def test_channels_lie_last_in_memory(pca):
    channels = 4 if pca is None else 3
    preprocessing = Preprocessing(8, (0.0,) * channels, (1.0,) * channels, in_chans=4, pca=pca)
    pixels = np.random.default_rng(0).random((2, 8, 6, 4), dtype=np.float32)
    tensor = preprocessing.normalize(pixels, CPU)
    assert tensor.shape == (2, channels, 8, 6)
    assert tensor.is_contiguous(memory_format=torch.channels_last)
    if pca is None:
        np.testing.assert_array_equal(tensor.permute(0, 2, 3, 1).numpy(), pixels)


@pytest.mark.parametrize("shape", [(2, 8, 8, 1), (2, 8, 8, 4), (8, 8, 3), (2, 3, 8, 8)])
def test_pixels_of_other_bands_are_refused(shape):
    with pytest.raises(BadInputError, match=r"allowed are \(n, height, width, 3\)"):
        Preprocessing(8, (0.5,) * 3, (0.5,) * 3).normalize(np.zeros(shape, np.uint8), CPU)


def test_pictures_are_opened_in_their_bands_and_no_larger_than_needed(tmp_path):
    Image.new("RGB", (1600, 800), "red").save(tmp_path / "x.jpg")
    np.save(tmp_path / "x.npy", np.ones((20, 30, 5), np.float32))
    plain = Preprocessing(90, (0.5,) * 3, (0.5,) * 3)
    assert plain.open(tmp_path / "x.jpg").size == (200, 100)
    assert plain.open((tmp_path / "x.jpg").read_bytes(), at_least=101).size == (400, 200)
    five = Preprocessing(16, (0.5,) * 5, (0.5,) * 5, in_chans=5)
    pixels = five.resizer(five.open(tmp_path / "x.npy"))
    assert (pixels.shape, pixels.dtype) == ((16, 16, 5), np.float32)
    assert five.normalize(pixels[None], CPU).mean().item() == pytest.approx(1)
    with pytest.raises(ImageError, match="has 5 bands"):
        plain.open(tmp_path / "x.npy")
    gray = Preprocessing(16, (0.5,), (0.5,), in_chans=1)
    assert gray.resizer(gray.open(tmp_path / "x.jpg")).shape == (16, 16, 1)
    padded = Preprocessing(8, (0.5,) * 3, (0.5,) * 3, "nearest", "pad").resizer(
        plain.open(tmp_path / "x.jpg")
    )
    assert (padded[0] == 0).all()
    assert (padded[4, :, 0] > 250).all()


@pytest.mark.parametrize(
    "preprocessing",
    [
        Preprocessing(224, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
        Preprocessing(64, (0.1,), (0.2,), "nearest", "crop", 1),
        Preprocessing(64, (0.5, 0.5, 0.1 + 0.2), (1e-9, 1.0, 2.0), "bilinear", "pad", 4, PCA),
    ],
)
def test_metadata_bring_all_of_it_back(preprocessing):
    metadata = json.loads(json.dumps({"arch": "resnet18", **preprocessing.as_metadata()}))
    assert Preprocessing.from_metadata(metadata) == preprocessing
    assert hash(Preprocessing.from_metadata(metadata)) == hash(preprocessing)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        *(({name: ...}, f"lacks '{name}'") for name in ("size", "mean", "std", "interpolation")),
        *(({"size": each}, f"size is {each!r}") for each in (0, "64", True)),
        ({"size": 10**9}, "at most 8192"),
        *(
            ({"mean": each}, "list of 3 finite numbers")
            for each in ([0.5], [0.5] * 5, None, "abc", [[1]] * 3)
        ),
        *(({"mean": [each] * 3}, "list of 3 finite numbers") for each in (float("nan"), 10**400, True)),
        *(({"std": [0.5, 0.5, each]}, "above 0") for each in (0, -1, 1e-60)),
        ({"interpolation": "bicubik"}, "Did you mean 'bicubic'"),
        ({"interpolation": []}, "damaged"),
        ({"resize": "squash"}, "Did you mean 'squish'"),
        *(({"in_chans": each}, f"in_chans is {each}") for each in (0, 2.5)),
        ({"pca": []}, "damaged"),
        ({"pca": {"matrix": [[1.0] * 4] * 3}}, "lacks 'offset'"),
        ({"pca": {"matrix": [[1.0] * 4] * 2, "offset": [0.0] * 3}}, "3 rows"),
        ({"pca": {"matrix": [[1.0] * 3] * 3, "offset": [0.0] * 3}}, "a row of pca"),
        ({"pca": {"matrix": [[1.0] * 4] * 3, "offset": [0.0]}}, "offset of pca"),
    ],
)
def test_a_damaged_entry_is_a_sentence(changes, words):
    metadata = {**Preprocessing(64, (0.5,) * 3, (0.5,) * 3, in_chans=4, pca=PCA).as_metadata(), **changes}
    given = {name: each for name, each in metadata.items() if each is not ...}
    with pytest.raises(BadInputError, match="preprocessing in the metadata is damaged") as caught:
        Preprocessing.from_metadata(given)
    assert words in str(caught.value)
