"""Statistics of training pixels, streamed over batches in float64, so that no set is too large for them."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bearwidgets.data.augment.loader import ImageFiles, load_batches
from bearwidgets.errors import BadInputError
from bearwidgets.learn.input.preprocessing import Projection

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from bearwidgets.learn.input.preprocessing import Preprocessing

CENTER, SPREAD = 0.5, 0.25
"""Mean and deviation of each channel of a projection over the training pixels, about those of a photo's."""

_BATCH = 8  # images a step, held as float64
_FLAT = 1e-10  # share of the largest variance below which a component says nothing
_DIGITS = 7  # significant ones that are kept: sums differ in the last places between machines


class _Moments(NamedTuple):
    """Of all pixels: mean (bands,), covariance (bands, bands), and which bands are the same everywhere (bands,)."""

    mean: np.ndarray
    covariance: np.ndarray
    constant: np.ndarray


def channel_statistics(batches: Iterable[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation (bands,), float64, of each band over all pixels, one batch in memory at a time.

    Pixels are (n, h, w, bands) or (h, w, bands): uint8, which are scaled to [0, 1], or floats. The deviation of a
    band that is the same everywhere is given as 1, with a warning.
    """
    moments = _moments(batches)
    std = np.sqrt(np.diag(moments.covariance))
    if moments.constant.any():
        bands = ", ".join(str(band) for band in np.flatnonzero(moments.constant))
        warnings.warn(
            f"Of {len(std)} bands, those numbered {bands} (from 0) have the same value in all training pixels: they "
            "say nothing, and are not scaled.",
            stacklevel=2,
        )
    return moments.mean, np.where(moments.constant, 1.0, std)


def fit_pca(batches: Iterable[np.ndarray]) -> Projection:
    """The map from many bands to the three principal components of training pixels.

    Each component is shifted and scaled so that it has mean 0.5 and standard deviation 0.25 over the training
    pixels: two deviations to either side span [0, 1], and that is about what the channels of photos have there, so
    the normalization of pretrained weights applies. The components are those of the covariance, so a band with
    large numbers counts for more: bring floats of several units to one scale before. A component's sign is such
    that its largest coefficient (the first of equals) is positive.
    """
    moments = _moments(batches)
    bands = len(moments.mean)
    if bands < 3:
        raise BadInputError(too_few_bands(bands))
    variances, vectors = np.linalg.eigh(moments.covariance)
    variances, components = variances[::-1][:3], vectors.T[::-1][:3]
    if moments.constant.all():
        raise BadInputError("All training pixels are the same, so they have no principal components.")
    flat = variances <= variances[0] * _FLAT
    if flat.any():
        warnings.warn(
            f"The training pixels vary in {3 - int(flat.sum())} directions only; the other channels of the "
            "projection are 0.5 everywhere.",
            stacklevel=2,
        )
    largest = np.abs(components).round(9).argmax(1)
    signs = np.sign(components[np.arange(3), largest])
    scale = np.where(flat, 0.0, SPREAD * signs / np.sqrt(np.where(flat, 1.0, variances)))
    matrix = tuple(rounded(row) for row in components * scale[:, None])
    return Projection(matrix, rounded(CENTER - np.array(matrix) @ moments.mean))


def training_pixels(paths: Sequence[Path], preprocessing: Preprocessing) -> Iterator[np.ndarray]:
    """Pixels (n, size, size, bands) of the images that open, as a body would see them, some images at a time."""
    images = ImageFiles(paths, preprocessing.open, presize=None, budget=0)  # each is needed once
    batches = [range(start, min(start + _BATCH, len(paths))) for start in range(0, len(paths), _BATCH)]
    for batch in load_batches(images, batches, preprocessing.resizer):
        if len(batch.rows):
            yield batch.pixels


def projected(pca: Projection, pixels: np.ndarray) -> np.ndarray:
    """Float64 channels (..., 3) of pixels (..., bands)."""
    return _unit(pixels) @ np.array(pca.matrix).T + np.array(pca.offset)


def rounded(values: np.ndarray) -> tuple[float, ...]:
    """As floats of as many digits as two machines agree on."""
    return tuple(float(f"{value:.{_DIGITS}g}") for value in values)


def too_few_bands(bands: int) -> str:
    """Why there can be no projection of so few bands."""
    return (
        f"Three principal components need three bands or more, the images have {bands}; "
        "allowed is bands='adapt', for which the first layer of the body is made to fit."
    )


def _moments(batches: Iterable[np.ndarray]) -> _Moments:
    """From sums over all batches, less the first batch's mean: else a large mean would swallow small differences."""
    n, first, total, products, least, greatest = 0, np.zeros(1), 0.0, 0.0, np.inf, -np.inf
    for pixels in batches:
        values = _unit(pixels).reshape(-1, pixels.shape[-1])
        if len(values):
            first = first if n else values.mean(0)
            apart = values - first
            n, total, products = n + len(values), total + apart.sum(0), products + apart.T @ apart
            least, greatest = np.minimum(least, values.min(0)), np.maximum(greatest, values.max(0))
    if not n:
        raise BadInputError("There is no training image that could be opened, so none can be measured.")
    apart = total / n
    covariance = products / n - np.outer(apart, apart)
    return _Moments(first + apart, covariance, np.asarray(least == greatest))


def _unit(pixels: np.ndarray) -> np.ndarray:
    """Float64 of pixels, bytes scaled to [0, 1]."""
    values = pixels.astype(np.float64)
    return values / 255 if pixels.dtype == np.uint8 else values
