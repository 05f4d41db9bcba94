"""The images that look most like one of them, by the features that a learner has at hand. No widget here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from bearwidgets.errors import BadInputError

if TYPE_CHECKING:
    from bearwidgets.data.dataset import Dataset

MOST = 200  # shown in the view


class Similar(NamedTuple):
    """Rows of `ds.table`, nearest first, and how far each is: 0 is the same direction, 1 has nothing in common."""

    rows: np.ndarray
    distance: np.ndarray
    typical: float  # the median distance of all other images

    def why(self, place: int, path: str) -> str:
        """The distance of one of them from the image at a path, in words."""
        far = f"half of all images are {self.typical:.2f} or more away"
        return f"Distance {self.distance[place]:.2f} from {path}; {far}"


def similar_to(ds: Dataset, learn: Any, row: int, n: int) -> Similar:
    """The `n` nearest others of a row.

    Raises:
        BadInputError: There are no features of this image.
    """
    from bearwidgets.review.neighbors import distances_from  # torch

    features = features_at_hand(learn)
    contents = ds.table["content"].tolist()
    if features is None or contents[row] not in features:
        raise BadInputError(
            "There are no features at hand by which images could be compared: give the Cleaner a bearwidgets Learner "
            "(or a Review of one); after a training in full mode, run cleaner.find_issues() once."
        )
    distance = distances_from(contents[row], contents, features)
    distance[row] = np.nan
    known = int(np.isfinite(distance).sum())
    rows = np.argsort(distance, kind="stable")[: min(n, known)]
    return Similar(rows, distance[rows], float(np.nanmedian(distance)) if known else np.nan)


def features_at_hand(learn: Any) -> Any:
    """The features that a learner, or the first of a cross-validation, has computed; None where there are none."""
    return getattr(next(iter(getattr(learn, "learners", [learn])), None), "features", None)


def looks_like(learn: Any, content: str) -> str:
    """What an image is among the classes of ImageNet, such as "sloth bear (93 %)"; "" where that is not known."""
    features = features_at_hand(learn)
    if features is None or content not in features:
        return ""
    from bearwidgets.learn.head.imagenet import imagenet_head  # torch

    head = imagenet_head(features)
    return "" if head is None else head.looks_like(features.array([content]))[0]
