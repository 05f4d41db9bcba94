"""The cached mode as a scikit-learn classifier: features of a frozen body, a linear head, images in, labels out."""

from __future__ import annotations

import copy
import os
import threading
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from bearwidgets.data.formats.images import read_bytes
from bearwidgets.data.identity import hash_bytes
from bearwidgets.errors import BadInputError, ImageError
from bearwidgets.learn.head.features import BATCH, FeatureStore
from bearwidgets.learn.head.linear_head import HeadFit, fit_head
from bearwidgets.learn.input.user_image import as_image
from bearwidgets.learn.network.model import create_body

if TYPE_CHECKING:
    from typing_extensions import Self

    from bearwidgets.learn.input.preprocessing import Preprocessing

BODIES = 4  # that the process keeps for estimators to come
KEPT = 100_000  # images whose features each of them keeps
_ORIENTATION = 0x0112


class ImageClassifier(ClassifierMixin, BaseEstimator):
    """A linear classifier on the features of a pretrained network, for scikit-learn's tools.

    It is the cached mode of `Learner`: the L2 strength of the head is chosen by cross-validation inside `fit`.
    `X` is a sequence of images (paths, files as bytes, PIL images, uint8 arrays (h, w, 3), mixed as you like), or
    one uint8 array (n, h, w, 3). Equal images never straddle a fold inside `fit`.

    Features are kept in the process by the bytes of the image, so `cross_val_score` and `GridSearchCV` compute them
    once, and clones share them. With `n_jobs` each process computes its own: threads or one job are faster.

    Args:
        arch: as in `Learner`.
        weights: as in `Learner`.
        size: as in `Learner`, px.
        seed: of the folds inside `fit`, and of the weights where they are None; 0 to 2**32 - 1.

    Attributes:
        classes_: (n_classes,) the sorted labels, in the order of the columns of `predict_proba`.
        coef_: (n_classes, n_features) float32, weights of the head.
        intercept_: (n_classes,) float32.
        strength_: the L2 strength that was chosen, see `HeadFit`.

    There is no `n_features_in_`, for images may have any size.

    Example:
        >>> from sklearn.model_selection import cross_val_score  # doctest: +SKIP
        >>> cross_val_score(bw.ImageClassifier(), paths, labels, cv=5).mean()  # doctest: +SKIP
        0.95
    """

    def __init__(
        self,
        arch: str = "efficientnet_lite0",
        weights: str | Path | None = "auto",
        size: int = 224,
        seed: int = 0,
    ) -> None:
        self.arch = arch
        self.weights = weights
        self.size = size
        self.seed = seed

    def fit(self, X: Any, y: Any) -> Self:  # noqa: N803 - scikit-learn's name
        """Compute the features of `X` and fit the head on the labels `y` (n,), of any sortable kind.

        Raises:
            BadInputError: images or labels that are none, other numbers of them, fewer than two classes, an unknown
                architecture, weights that cannot be had.
            ImageError: one of `X` cannot be opened as an image; the message says which.
        """
        images = _images(X)
        if y is None:
            raise BadInputError("y is None; allowed is one label for each image.")
        labels = np.asarray(y)
        if labels.shape != (len(images),):
            raise BadInputError(
                f"y has shape {labels.shape}; {len(images)} images need one label each, ({len(images)},)."
            )
        try:
            check_classification_targets(labels)
            classes, target = np.unique(labels, return_inverse=True)
        except (TypeError, ValueError) as error:
            raise BadInputError(
                f"y holds no classes ({error}); allowed are texts, whole numbers or booleans, all of one type."
            ) from error
        if len(classes) < 2:
            raise BadInputError(f"All labels are {classes[0]!r}; a classifier needs two classes or more.")
        body = _shared_body(self.arch, self.weights, self.size, self.seed)
        features, keys = body.features(images)
        fit = None
        for fit in fit_head(features, target, np.array(keys), len(classes), self.seed):  # noqa: B007 - the last one
            pass
        assert isinstance(fit, HeadFit)  # noqa: S101 - fit_head always ends with one
        self.classes_, self._body = classes, body
        self.coef_, self.intercept_, self.strength_ = fit.weight, fit.bias, fit.strength
        return self

    def predict_proba(self, X: Any) -> np.ndarray:  # noqa: N803
        """Probabilities (n, n_classes), float64.

        Raises:
            NotFittedError: before `fit`.
            BadInputError: as `fit`.
            ImageError: as `fit`.
        """
        check_is_fitted(self)
        features, _ = self._body.features(_images(X))
        return softmax(features.astype(np.float64) @ self.coef_.T + self.intercept_, axis=1)

    def predict(self, X: Any) -> np.ndarray:  # noqa: N803
        """The most probable label (n,) of each image; errors as `predict_proba`."""
        check_is_fitted(self)
        return self.classes_[self.predict_proba(X).argmax(1)]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.no_validation = True  # of X: images are no table
        return tags


class _Body:
    """A frozen body with the features of the images that it has seen, the latest `KEPT` of them.

    Pickled without the features, with the weights: an estimator works where these cannot be had.
    """

    def __init__(self, body: torch.nn.Module, preprocessing: Preprocessing) -> None:
        device = "cuda" if torch.cuda.is_available() else "cpu"
        self._store = FeatureStore(body.to(device), preprocessing, keep=False)
        self._rows: OrderedDict[str, np.ndarray] = OrderedDict()
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[type[_Body], tuple[torch.nn.Module, Preprocessing]]:
        return _Body, (copy.deepcopy(self._store.body).cpu(), self._store.preprocessing)

    def features(self, images: list[Any]) -> tuple[np.ndarray, list[str]]:
        """Features (n, d), float32, and the hash of each image."""
        keyed = [_keyed(row, each) for row, each in enumerate(images)]
        with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool, self._lock:
            found = {key: self._rows[key] for key, _ in keyed if key in self._rows}
            new = {key: (row, each) for row, (key, each) in enumerate(keyed) if key not in found}
            keys = list(new)
            for start in range(0, len(keys), BATCH):
                some = keys[start : start + BATCH]
                pixels = np.stack(
                    list(pool.map(self._pixels, *zip(*(new[key] for key in some), strict=True)))
                )
                found.update(zip(some, self._store.of_pixels(pixels), strict=True))
            for key, values in found.items():
                self._rows[key] = values
                self._rows.move_to_end(key)
            while len(self._rows) > KEPT:
                self._rows.popitem(last=False)
        return np.stack([found[key] for key, _ in keyed]).astype(np.float32), [key for key, _ in keyed]

    def _pixels(self, row: int, given: object) -> np.ndarray:
        preprocessing = self._store.preprocessing
        try:
            return preprocessing.resizer(as_image(given, preprocessing))
        except (ImageError, BadInputError) as error:
            raise type(error)(f"X[{row}]: {error}") from error


_bodies: OrderedDict[str, _Body] = OrderedDict()
_bodies_lock = threading.Lock()


def _shared_body(arch: str, weights: str | Path | None, size: int, seed: int) -> _Body:
    """The body of these parameters, the same one for all estimators of this process."""
    if not isinstance(seed, (int, np.integer)) or isinstance(seed, bool) or not 0 <= seed < 2**32:
        raise BadInputError(f"seed is {seed!r}; allowed is a whole number from 0 to {2**32 - 1}.")
    if not (weights is None or isinstance(weights, (str, Path))):
        raise BadInputError(
            f"weights is {weights!r}; allowed are 'auto', 'offline', the path of a file, or None."
        )
    stamp = None
    if weights is not None and Path(weights).is_file():
        stat = Path(weights).stat()
        stamp = (stat.st_mtime_ns, stat.st_size)
    size = int(size) if isinstance(size, np.integer) else size  # as a grid to search has it
    key = repr((arch, weights, size, int(seed), stamp))
    with _bodies_lock:
        if key not in _bodies:
            module, _, _, preprocessing = create_body(arch, weights, size, int(seed))
            _bodies[key] = _Body(module, preprocessing)
        _bodies.move_to_end(key)
        while len(_bodies) > BODIES:
            _bodies.popitem(last=False)
        return _bodies[key]


def _images(X: Any) -> list[Any]:  # noqa: N803 - scikit-learn's name
    """The images as a list.

    Raises:
        BadInputError: it is no sequence of images, or an empty one.
    """
    if isinstance(X, np.ndarray) and X.dtype != object and X.dtype.kind != "U":
        if X.dtype != np.uint8 or X.ndim != 4 or X.shape[3] not in {3, 4}:
            raise BadInputError(
                f"X is an array of shape {X.shape} and type {X.dtype}; allowed is (n, h, w, 3) of uint8, or a "
                "sequence of paths, bytes, PIL images and arrays."
            )
    elif isinstance(X, (str, bytes, Path, Image.Image)) or not (
        hasattr(X, "__len__") and hasattr(X, "__iter__")
    ):
        raise BadInputError(
            f"X is {type(X).__name__}; allowed is a sequence of images. Put a single one into a list."
        )
    elif hasattr(X, "columns"):
        raise BadInputError("X is a table; allowed is one column of it, such as X['path'].")
    images = list(X)
    if not images:
        raise BadInputError("X is empty; allowed is one image or more.")
    return images


def _keyed(row: int, given: Any) -> tuple[str, Any]:
    """The hash of an image's content, and what to open: a path is read at once.

    Raises:
        ImageError: a file that cannot be read, or a PIL image whose file turns out to be broken.
    """
    try:
        data = read_bytes(given) if isinstance(given, (str, Path)) else given
        if isinstance(data, Image.Image):
            return hash_bytes(_looks(data)), data
    except Exception as error:  # a broken file makes a decoder raise anything
        named = f", {str(given)!r}" if isinstance(given, (str, Path)) else ""
        raise ImageError(f"X[{row}]{named}: {error}") from error
    if isinstance(data, np.ndarray):
        return hash_bytes(repr((data.shape, data.dtype)).encode() + data.tobytes()), data
    return hash_bytes(data) if isinstance(data, bytes) else f"X[{row}]", data


def _looks(image: Image.Image) -> bytes:
    """All that decides how a PIL image looks."""
    exif = image.getexif().get(_ORIENTATION)
    facts = (image.mode, image.size, image.getpalette(), image.info.get("transparency"), exif)
    return repr(facts).encode() + image.tobytes()
