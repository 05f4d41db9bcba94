"""Streamed statistics, principal components, and which normalization follows from them."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import PCA

from bearwidgets.data.dataset import Dataset
from bearwidgets.errors import BadInputError
from bearwidgets.learn.input import normalization
from bearwidgets.learn.input.normalization import (
    channel_statistics,
    fit_pca,
    make_preprocessing,
    projected,
    resolve_normalization,
)

IMAGENET = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225), "interpolation": "bilinear"}
HALVES = {"mean": (0.5,) * 3, "std": (0.5,) * 3, "interpolation": "bicubic"}


def batches(values: np.ndarray, sizes: list[int]) -> list[np.ndarray]:
    """Pixels (n, 1, 1, bands) of values (n, bands), cut into batches of these sizes over and over."""
    ends = np.cumsum([sizes[number % len(sizes)] for number in range(len(values))])
    return [part[:, None, None, :] for part in np.split(values, ends[ends < len(values)])]


def test_statistics_by_hand():
    bright = np.array([[[[0, 255]], [[51, 204]]]], np.uint8)  # 0, 0.2 and 1, 0.8
    dark = np.array([[[102, 0]]], np.uint8)  # 0.4 and 0; one image without the axis of the batch
    mean, std = channel_statistics([bright, dark])
    assert (mean.dtype, std.dtype) == (np.float64, np.float64)
    assert mean.tolist() == pytest.approx([0.2, 0.6])
    assert std.tolist() == pytest.approx([(0.08 / 3) ** 0.5, (0.56 / 3) ** 0.5])


@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 5),
    st.lists(st.integers(1, 9), min_size=1, max_size=5),
    st.sampled_from([(0, 1), (0.5, 1e-3), (1e6, 1), (-3, 1e5)]),
)
@settings(max_examples=60, deadline=None)
def test_streaming_gives_what_all_at_once_gives(seed, bands, sizes, scale):
    generator = np.random.default_rng(seed)
    values = generator.normal(*scale, (40, bands)).astype(np.float32)
    mean, std = channel_statistics(batches(values, sizes))
    np.testing.assert_allclose(mean, values.mean(0, dtype=np.float64), rtol=1e-9, atol=1e-9 * scale[1])
    np.testing.assert_allclose(std, values.std(0, dtype=np.float64), rtol=1e-7)


def test_constant_bands_are_not_scaled_and_are_named():
    values = np.stack([np.arange(6.0), np.full(6, 0.1), np.full(6, 7.0)], axis=-1)
    with pytest.warns(UserWarning, match=r"Of 3 bands, those numbered 1, 2 \(from 0\) have the same value"):
        mean, std = channel_statistics(batches(values, [4]))
    assert mean.tolist() == pytest.approx([2.5, 0.1, 7])
    assert std[1:].tolist() == [1, 1]


@pytest.mark.parametrize("measure", [channel_statistics, fit_pca])
@pytest.mark.parametrize("empty", [[], [np.zeros((0, 4, 4, 3), np.uint8)]])
def test_nothing_to_measure_is_a_sentence(measure, empty):
    with pytest.raises(BadInputError, match="no training image that could be opened"):
        measure(empty)


def mixed(bands: int, n: int = 600, seed: int = 0) -> np.ndarray:
    """Values (n, bands) that vary in all directions, in each to another degree."""
    generator = np.random.default_rng(seed)
    turn = np.linalg.qr(generator.normal(size=(bands, bands)))[0]
    spread = generator.normal(size=(n, bands)) * np.linspace(3, 0.5, bands)
    return spread @ turn.T + generator.normal(size=bands)


@pytest.mark.parametrize("bands", [3, 5, 13])
def test_components_are_those_of_scikit_learn(bands):
    values = mixed(bands)
    pca = fit_pca(batches(values, [64]))
    wanted = PCA(3).fit(values)
    matrix = np.array(pca.matrix)
    lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
    np.testing.assert_allclose(lengths[:, 0], 0.25 / wanted.explained_variance_**0.5, rtol=1e-2)
    along = matrix / lengths
    np.testing.assert_allclose(np.abs((along * wanted.components_).sum(1)), 1, atol=1e-6)
    assert (matrix[np.arange(3), np.abs(matrix).argmax(1)] > 0).all()


def test_what_comes_out_is_like_the_channels_of_photos_and_of_tensors_the_same():
    values = mixed(7).astype(np.float32)
    pca = fit_pca(batches(values, [50]))
    channels = projected(pca, values)
    np.testing.assert_allclose(pca(torch.from_numpy(values)).numpy(), channels, atol=1e-5)
    np.testing.assert_allclose(channels.mean(0), 0.5, atol=1e-5)
    np.testing.assert_allclose(channels.std(0), 0.25, rtol=1e-5)
    np.testing.assert_allclose(np.corrcoef(channels.T), np.eye(3), atol=1e-4)


def test_equal_data_give_equal_matrices_however_they_are_cut():
    values = mixed(6)
    first, second, third = (fit_pca(batches(values, sizes)) for sizes in ([8], [8], [5, 100]))
    assert first == second
    np.testing.assert_allclose(first.matrix, third.matrix, rtol=1e-5)
    negative = fit_pca(batches(-values, [8]))
    np.testing.assert_allclose(negative.matrix, first.matrix, rtol=1e-5)  # signs are fixed


@pytest.mark.parametrize("bands", [1, 2])
def test_too_few_bands_for_components(bands):
    with pytest.raises(BadInputError, match=f"need three bands or more, the images have {bands}"):
        fit_pca(batches(mixed(3)[:, :bands], [10]))


def test_flat_directions_are_constant_channels():
    values = np.repeat(mixed(3)[:, :1], 4, axis=1)
    with pytest.warns(UserWarning, match="vary in 1 directions only"):
        pca = fit_pca(batches(values, [10]))
    channels = projected(pca, values)
    assert channels[:, 0].std() == pytest.approx(0.25, rel=1e-5)
    assert (channels[:, 1:] == 0.5).all()
    with pytest.raises(BadInputError, match="are the same"):
        fit_pca([np.full((2, 3, 3, 4), 0.1)])


def measured(method: str):
    return {"data": ((0.1,) * 3, (0.2,) * 3), "batch": ((0.3,) * 3, (0.4,) * 3)}[method]


def resolved(normalize, *, pretrained=False, channels=3, config=IMAGENET):
    return resolve_normalization(normalize, config, channels, pretrained=pretrained, measure=measured)


@pytest.mark.parametrize(
    ("normalize", "wanted"),
    [
        (None, measured("data")),
        ("weights", (IMAGENET["mean"], IMAGENET["std"])),
        ("data", measured("data")),
        ("batch", measured("batch")),
        ("none", ((0,) * 3, (1,) * 3)),
        (([0.1, 0.2, 0.3], [1, 2, 3]), ((0.1, 0.2, 0.3), (1, 2, 3))),
    ],
)
def test_every_choice(normalize, wanted):
    assert resolved(normalize) == wanted


@pytest.mark.parametrize("normalize", ["data", "batch", "none", ([0.1] * 3, [0.2] * 3)])
def test_other_statistics_than_the_weights_own_are_warned_of(normalize):
    with pytest.warns(UserWarning, match=r"\(0.485, 0.456, 0.406\).*normalize='weights' gives") as caught:
        resolved(normalize, pretrained=True)
    assert (repr(normalize) if isinstance(normalize, str) else "a pair of lists") in str(caught[0].message)
    with pytest.warns(UserWarning, match=r"up to 0\.25 apart, .* factor of up to 2\.5\."):
        resolved(([0.5, 0.75, 0.4], [0.2, 0.5, 0.6]), pretrained=True, config=HALVES)


@pytest.mark.parametrize("normalize", [None, "weights", (IMAGENET["mean"], IMAGENET["std"])])
def test_no_warning_where_the_weights_get_their_own(normalize):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert resolved(normalize, pretrained=True) == (IMAGENET["mean"], IMAGENET["std"])
        resolved("data", pretrained=False)


@pytest.mark.parametrize(
    ("normalize", "words"),
    [
        ("weight", "Did you mean 'weights'"),
        ("imagenet", "known are weights, data, batch, none"),
        (([0.5], [0.5]), "list of 3 finite numbers"),
        (([0.5] * 3, [0.5, 0.5, 0]), "above 0"),
        (([0.5] * 3, [0.5, 0.5, float("inf")]), "std is"),
        (([0.5] * 3,), "a pair of lists"),
        (0.5, "a pair of lists"),
    ],
)
def test_other_normalisations_are_refused(normalize, words):
    with pytest.raises(BadInputError) as caught:
        resolved(normalize)
    assert words in str(caught.value)


@pytest.fixture
def fields(tmp_path) -> Dataset:
    """Two classes of 5-band images of 16-bit numbers, all of equal size."""
    generator = np.random.default_rng(0)
    for name in ("wheat", "maize"):
        (tmp_path / name).mkdir()
        for number in range(10):
            pixels = generator.integers(0, 30000 + 5000 * np.arange(5), (12, 12, 5)).astype(np.uint16)
            np.save(tmp_path / name / f"{number}.npy", pixels)
    return Dataset.from_folder(tmp_path)


def training_values(ds: Dataset) -> np.ndarray:
    ids = ds.table["id"][ds.table["split"] == "train"]
    return np.concatenate([np.load(ds.path_of(each)).reshape(-1, 5) for each in ids]) / 65535


def test_the_training_split_alone_is_measured(fields):
    made = make_preprocessing(fields, IMAGENET, 12, pretrained=False, in_chans=5)
    values = training_values(fields)
    assert made.mean == pytest.approx(values.mean(0), rel=1e-6)
    assert made.std == pytest.approx(values.std(0), rel=1e-6)
    assert (made.size, made.interpolation, made.resize, made.in_chans) == (12, "bilinear", "squish", 5)
    assert made == make_preprocessing(fields, IMAGENET, 12, pretrained=False, in_chans=5)


def test_a_large_batch_is_drawn_by_the_seed(fields, monkeypatch):
    def made(seed):
        return make_preprocessing(fields, IMAGENET, 12, **own, normalize="batch", seed=seed)

    own = {"pretrained": False, "in_chans": 5}
    assert made(0).mean == pytest.approx(training_values(fields).mean(0), rel=1e-6)
    monkeypatch.setattr(normalization, "LARGE_BATCH", 3)
    assert made(0) == made(0)
    assert made(0) != made(1)
    assert made(0).mean == pytest.approx(training_values(fields).mean(0), rel=0.2)


def test_components_are_fitted_on_training_pixels(fields):
    options = {"in_chans": 5, "bands": "pca"}
    made = make_preprocessing(fields, IMAGENET, 12, pretrained=True, **options)
    assert (made.channels, made.in_chans) == (3, 5)
    assert (made.mean, made.std) == (IMAGENET["mean"], IMAGENET["std"])
    wanted = fit_pca([training_values(fields)[:, None, None, :]])
    np.testing.assert_allclose(made.pca.matrix, wanted.matrix, rtol=1e-4)
    own = make_preprocessing(fields, IMAGENET, 12, pretrained=False, **options)
    assert (own.mean, own.std) == ((0.5,) * 3, (0.25,) * 3)
    drawn = make_preprocessing(fields, IMAGENET, 12, pretrained=False, normalize="batch", **options)
    assert drawn.mean == pytest.approx((0.5,) * 3, abs=1e-4)
    assert drawn.std == pytest.approx((0.25,) * 3, abs=1e-4)


def test_photos_need_no_look_with_the_weights_own(images, monkeypatch):
    monkeypatch.setattr(normalization, "training_pixels", lambda *_: pytest.fail("looked"))
    ds = Dataset.from_folder(images)
    made = make_preprocessing(ds, IMAGENET, 64, pretrained=True, resize="crop")
    assert (made.mean, made.std, made.in_chans) == (IMAGENET["mean"], IMAGENET["std"], 3)
    assert made.resize == "crop"


def test_broken_files_and_a_whole_batch_of_them_are_passed_over(fields):
    ids = fields.table["id"][fields.table["split"] == "train"].tolist()
    assert len(ids) == 16
    fields.path_of(ids[0]).write_bytes(b"\x93NUMPY broken")
    for each in ids[8:]:
        fields.path_of(each).unlink()
    made = make_preprocessing(fields, IMAGENET, 12, pretrained=False, in_chans=5)
    whole = [np.load(fields.path_of(each)).reshape(-1, 5) for each in ids[1:8]]
    assert made.mean == pytest.approx(np.concatenate(whole).mean(0) / 65535, rel=1e-6)
    own = {"pretrained": False, "in_chans": 5, "bands": "pca"}
    drawn = make_preprocessing(fields, IMAGENET, 12, **own, normalize="batch")
    assert drawn.mean == pytest.approx((0.5,) * 3, abs=1e-4)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "None of the first 8 .* has 5 bands, but in_chans=3"),
        ({"pretrained": False}, "None of the first 8 .* has 5 bands, but in_chans=3"),
        ({"bands": "PCA"}, "Did you mean 'pca'|known are adapt, pca"),
        ({"bands": "pca", "in_chans": 2}, "need three bands or more"),
        ({"in_chans": 0}, "in_chans is 0"),
        ({"in_chans": 5, "resize": "squash"}, "Did you mean 'squish'"),
        ({"in_chans": 5, "normalize": "weigths"}, "Did you mean 'weights'"),
    ],
)
def test_odd_options_are_refused(fields, options, words):
    with pytest.raises(BadInputError, match=words):
        make_preprocessing(fields, IMAGENET, 12, **{"pretrained": True, **options})
