"""Which mean and deviation images are normalized with, and the preprocessing that a learner starts with."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from bearwidgets.data.formats.rasters import check_in_chans
from bearwidgets.errors import BadInputError, ImageError, unknown_name
from bearwidgets.learn.input.channel_stats import (
    CENTER,
    SPREAD,
    channel_statistics,
    fit_pca,
    projected,
    rounded,
    too_few_bands,
    training_pixels,
)
from bearwidgets.learn.input.preprocessing import Preprocessing, check_statistics

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from bearwidgets.data.dataset import Dataset

Statistics: TypeAlias = tuple[tuple[float, ...], tuple[float, ...]]
"""Mean and standard deviation of each channel, of values scaled to [0, 1]."""

NORMALIZATIONS = ("weights", "data", "batch", "none")
BANDS = ("adapt", "pca")
LARGE_BATCH = 512
"""Images that `normalize="batch"` looks at."""

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
