"""Which mean and deviation images are normalized with, and the preprocessing that a learner starts with."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from bearwidgets.data.augment.loader import ImageFiles, load_batches
from bearwidgets.data.formats.rasters import check_in_chans
from bearwidgets.errors import BadInputError, ImageError, unknown_name
from bearwidgets.learn.input.preprocessing import Preprocessing, Projection, check_statistics

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from bearwidgets.data.dataset import Dataset

Statistics: TypeAlias = tuple[tuple[float, ...], tuple[float, ...]]
"""Mean and standard deviation of each channel, of values scaled to [0, 1]."""

NORMALIZATIONS = ("weights", "data", "batch", "none")
BANDS = ("adapt", "pca")
LARGE_BATCH = 512
"""Images that `normalize="batch"` looks at."""

CENTER, SPREAD = 0.5, 0.25
"""Mean and deviation of each channel of a projection over the training pixels, about those of a photo's."""

_BATCH = 8  # images a step, held as float64
_FLAT = 1e-10  # share of the largest variance below which a component says nothing
_DIGITS = 7  # significant ones that are kept: sums differ in the last places between machines

_TRIED = 8  # images of which one has to open
_FAR = 0.001  # difference of statistics from which on a warning is due


def resolve_normalization(
    normalize: str | Sequence[Any] | None,
    config: Mapping[str, Any],
    channels: int,
    *,
    pretrained: bool,
    measure: Callable[[str], Statistics],
) -> Statistics:
    """Mean and standard deviation of each channel, by what was asked for.

    `normalize` is as in `Learner`; None is "weights" where there are pretrained ones, else "data". Where there are,
    other statistics than their own draw a warning. `config` has "mean" and "std" of each channel that the body takes,
    as timm's data config has them; `measure` gives the statistics of the training pixels for "data" or "batch".
    """
    own = tuple(config["mean"]), tuple(config["std"])
    choice = ("weights" if pretrained else "data") if normalize is None else normalize
    if isinstance(choice, str):
        if choice not in NORMALIZATIONS:
            raise BadInputError(unknown_name("normalization", choice, NORMALIZATIONS))
        if choice == "weights":
            return own
        none = (0.0,) * channels, (1.0,) * channels
        ours = none if choice == "none" else measure(choice)
    elif isinstance(choice, (list, tuple)) and len(choice) == 2:
        ours = check_statistics(*choice, channels)
    else:
        allowed = ", ".join(map(repr, NORMALIZATIONS))
        raise BadInputError(
            f"normalize is {str(choice)[:100]}; allowed are {allowed} or a pair of lists, (mean, std)."
        )
    if pretrained:
        _warn_of_others("a pair of lists" if not isinstance(choice, str) else repr(choice), ours, own)
    return ours


def make_preprocessing(
    ds: Dataset,
    config: Mapping[str, Any],
    size: int,
    *,
    pretrained: bool,
    normalize: str | Sequence[Any] | None = None,
    resize: str = "squish",
    in_chans: int = 3,
    bands: str = "adapt",
    seed: int = 0,
) -> Preprocessing:
    """How the images of a data set become the input of a body; training images are opened only if needed.

    Arguments are those of `Learner` and of `resolve_normalization`; `config` has the "interpolation" as well (`vars`
    of a `Preprocessing` will do). The training split is measured, less the files that cannot be opened.
    """
    check_in_chans(in_chans)
    if bands not in BANDS:
        raise BadInputError(unknown_name("way with bands", bands, BANDS))
    if bands == "pca" and in_chans < 3:
        raise BadInputError(too_few_bands(in_chans))
    channels = 3 if bands == "pca" else in_chans
    plain = Preprocessing(
        size, (0.0,) * in_chans, (1.0,) * in_chans, config["interpolation"], resize, in_chans
    )
    train = ds.table["id"][ds.table["split"] == "train"]
    paths = [ds.path_of(id_) for id_ in train]
    _check_opens(paths, plain)
    pca = fit_pca(training_pixels(paths, plain)) if bands == "pca" else None

    def measure(method: str) -> Statistics:
        if pca is not None and method == "data":  # made so on these very pixels
            return (CENTER,) * 3, (SPREAD,) * 3
        pixels = training_pixels(paths if method == "data" else _drawn(paths, seed), plain)
        mean, std = channel_statistics(pixels if pca is None else (projected(pca, each) for each in pixels))
        return rounded(mean), rounded(std)

    mean, std = resolve_normalization(normalize, config, channels, pretrained=pretrained, measure=measure)
    return Preprocessing(size, mean, std, config["interpolation"], resize, in_chans, pca)


def _drawn(paths: Sequence[Path], seed: int) -> list[Path]:
    order = np.random.default_rng(seed).permutation(len(paths))
    return [paths[row] for row in sorted(order[:LARGE_BATCH])]


def _check_opens(paths: Sequence[Path], preprocessing: Preprocessing) -> None:
    """Refuse at once what would fail for every image, such as another number of bands."""
    reason = ""
    for path in paths[:_TRIED]:
        try:
            preprocessing.open(path)
        except ImageError as error:
            reason = reason or f"{path.name}: {error}"
        else:
            return
    if reason:
        tried = min(_TRIED, len(paths))
        raise BadInputError(f"None of the first {tried} training images can be opened ({reason}).")


def _warn_of_others(choice: str, ours: Statistics, own: Statistics) -> None:
    (means, own_means), (stds, own_stds) = (np.array(pair) for pair in zip(ours, own, strict=True))
    apart = float(np.abs(means - own_means).max())
    ratio = float(np.exp(np.abs(np.log(stds / own_stds)).max()))
    if apart <= _FAR and ratio <= 1 + _FAR:
        return
    warnings.warn(
        f"The weights were trained on images normalized with mean {_shown(own[0])} and std {_shown(own[1])}, but "
        f"normalize={choice} gives mean {_shown(ours[0])} and std {_shown(ours[1])}: the means are up to {apart:.2g} "
        f"apart, the deviations differ by a factor of up to {ratio:.2g}. The features may suffer; "
        "normalize='weights' gives the weights what they are used to.",
        stacklevel=5,  # whoever makes the learner
    )


def _shown(values: Sequence[float]) -> str:
    shown = ", ".join(f"{value:.3g}" for value in values[:4])
    return f"({shown}, …)" if len(values) > 4 else f"({shown})"


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
