"""The quick mode as a scikit-learn classifier: features of a frozen body, a linear head, images in, labels out."""

from __future__ import annotations

import functools
import threading
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
from bearwidgets.learn.head.features import FeatureStore
from bearwidgets.learn.head.linear_head import fitted_head
from bearwidgets.learn.input.preprocessing import as_file
from bearwidgets.learn.network.bodies import usual_size
from bearwidgets.learn.network.model import check_input, check_seed, create_body

if TYPE_CHECKING:
    from typing_extensions import Self

    from bearwidgets.learn.input.preprocessing import Preprocessing

BODIES = 4  # that the process keeps for estimators to come
KEPT = 100_000  # images whose features each of them keeps
_lock = threading.Lock()  # of all stores: two threads would compute the same features twice


class ImageClassifier(ClassifierMixin, BaseEstimator):
    """A linear classifier on the features of a pretrained network, for scikit-learn's tools.

    It is the quick mode of `Learner`: the L2 strength of the head is chosen by cross-validation inside `fit`.
    `X` is a sequence of images (paths, files as bytes, PIL images, uint8 arrays (h, w, 3), mixed as you like), or
    one uint8 array (n, h, w, 3). Equal images are always in the same fold inside `fit`.

    Features are kept in the process by the content of the image, so `cross_val_score` and `GridSearchCV` compute them
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

    There is no `n_features_in_`, as images may have any size.

    Example:
        >>> from sklearn.model_selection import cross_val_score
        >>> paths = [ds.path_of(each) for each in ds.table.id]
        >>> scores = cross_val_score(bw.ImageClassifier(size=64), paths, ds.table.label, cv=3)
        >>> len(scores)
        3
    """

    def __init__(
        self,
        arch: str = "efficientnet_lite0",
        weights: str | Path | None = "auto",
        size: int | None = None,
        seed: int = 0,
    ) -> None:
        self.arch, self.weights, self.size, self.seed = arch, weights, size, seed

    def fit(self, X: Any, y: Any) -> Self:  # noqa: N803 - scikit-learn's name
        """Compute the features of `X` and fit the head on the labels `y` (n,), of any sortable kind.

        Raises:
            BadInputError: images, labels or parameters that cannot be used.
            ImageError: one of `X` cannot be opened as an image; the message says which.
        """
        images = _images(X)
        classes, target = _classes(y, len(images))
        store = _store_for(self.arch, self.weights, self.size, self.seed)
        features, keys = _features(store, images)
        fit = fitted_head(features, target, np.array(keys), len(classes), self.seed)
        self.classes_, self._store = classes, store
        self.coef_, self.intercept_, self.strength_ = fit.weight, fit.bias, fit.strength
        return self

    def predict_proba(self, X: Any) -> np.ndarray:  # noqa: N803
        """Probabilities (n, n_classes), float64; errors as `fit`, and NotFittedError before it."""
        check_is_fitted(self)
        features, _ = _features(self._store, _images(X))
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

    def __getstate__(self) -> dict[str, Any]:
        """Pickled with the weights, which may not be at hand elsewhere, and without the features of images."""
        state = dict(super().__getstate__())
        if store := state.pop("_store", None):
            state["_network"] = store.body, store.preprocessing
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        network = state.pop("_network", None)
        super().__setstate__(state)
        if network:
            self._store = _new_store(*network)


def _new_store(body: torch.nn.Module, preprocessing: Preprocessing) -> FeatureStore:
    return FeatureStore(body.to("cuda" if torch.cuda.is_available() else "cpu"), preprocessing, keep=False)


def _store_for(arch: str, weights: str | Path | None, size: int | None, seed: int) -> FeatureStore:
    """The body of these parameters with its features, the same one for all estimators of this process."""
    check_seed(seed)
    if not (weights is None or isinstance(weights, (str, Path))):
        raise BadInputError(
            f"weights is {weights!r}; allowed are 'auto', 'offline', the path of a file, or None."
        )
    if size is None:
        size = usual_size(arch)
    size = int(size) if isinstance(size, np.integer) else size  # as a grid to search has it
    check_input(size, 3)
    stamp = None
    if weights is not None and Path(weights).is_file():
        stat = Path(weights).stat()
        stamp = (stat.st_mtime_ns, stat.st_size)
    return _known_store(arch, weights, size, int(seed), stamp)


@functools.lru_cache(BODIES)
def _known_store(arch: str, weights: str | Path | None, size: int, seed: int, _stamp: object) -> FeatureStore:
    body, _, _, preprocessing = create_body(arch, weights, size, seed)
    return _new_store(body, preprocessing)


def _features(store: FeatureStore, images: list[Any]) -> tuple[np.ndarray, list[str]]:
    """Features (n, d), float32, and the hash of each image."""
    files = [_file_of(row, each) for row, each in enumerate(images)]
    keys = [hash_bytes(each) for each in files]
    with _lock:
        for _ in store.compute(keys, files):
            pass
        problems = dict(store.problems)
        store.problems.clear()
        for row, key in enumerate(keys):
            if key in problems:
                raise ImageError(f"X[{row}]: {problems[key]}")
        features = store.array(keys)
        store.forget(keys, most=KEPT)
    return features, keys


def _file_of(row: int, given: Any) -> bytes:
    """The bytes of an image file; what is wrong says in which row it was."""
    try:
        file = as_file(given)
        return file if isinstance(file, bytes) else read_bytes(file)
    except BadInputError as error:
        raise BadInputError(f"X[{row}]: {error}") from error
    except Exception as error:  # a broken file makes a decoder raise anything
        named = f", {str(given)!r}" if isinstance(given, (str, Path)) else ""
        raise ImageError(f"X[{row}]{named}: {error}") from error


def _classes(y: Any, n: int) -> tuple[np.ndarray, np.ndarray]:
    """The classes, sorted, and the number of the class of each of `n` images."""
    labels = np.asarray(y)
    if y is None or labels.shape != (n,):
        what = "y is None" if y is None else f"y has shape {labels.shape}"
        raise BadInputError(f"{what}; {n} images need one label each, ({n},).")
    try:
        check_classification_targets(labels)
        classes, target = np.unique(labels, return_inverse=True)
    except (TypeError, ValueError) as error:
        raise BadInputError(
            f"y holds no classes ({error}); allowed are texts, whole numbers or booleans, all of one type."
        ) from error
    if len(classes) < 2:
        raise BadInputError(f"All labels are {classes[0]!r}; a classifier needs two classes or more.")
    return classes, target


def _images(X: Any) -> list[Any]:  # noqa: N803 - scikit-learn's name
    """The images as a list."""
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
