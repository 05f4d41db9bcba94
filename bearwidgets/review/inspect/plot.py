"""A confusion matrix drawn for a paper."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bearwidgets.errors import BadInputError
from bearwidgets.figures import counted, percent
from bearwidgets.review.inspect.counts import rates
from bearwidgets.safe_text import cut_middle, visible

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_COUNTED = 20
"""Classes up to which the cells have counts."""
MOST_NAMED = 80
_LONGEST = 22  # characters of a name
_OF = {
    "actual": "share of the images with the label",
    "predicted": "share of those called so",
    "all": "share of all",
}


def plot_matrix(counts: np.ndarray, classes: Sequence[str], normalize: str, ax: Any = None) -> Any:
    """Counts (classes, classes) as a matplotlib Figure; see `Confusion.plot`."""
    shares = rates(counts, normalize)
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise BadInputError(
            "A plot needs matplotlib, which is not installed: `pip install matplotlib`. to_frame() has the numbers."
        ) from error
    n = len(classes)
    if ax is None:
        side = min(12.0, 3.4 + 0.4 * min(n, MOST_COUNTED) + 0.1 * max(0, n - MOST_COUNTED))
        ax = Figure(figsize=(side + 0.8, side), layout="constrained").subplots()
    ax.set_facecolor("0.9")  # a class without items
    top = float(np.nanmax(shares, initial=1e-9)) if normalize == "all" else 1.0
    image = ax.imshow(np.ma.masked_invalid(shares), cmap="cividis", vmin=0, vmax=top)
    bar = ax.figure.colorbar(image, ax=ax, label=_OF[normalize], shrink=0.7)
    bar.ax.yaxis.set_major_formatter(lambda share, _: percent(share, 0 if top > 0.1 else 1))
    bar.outline.set_visible(False)
    ax.set(xlabel="predicted", ylabel="actual")
    if n <= MOST_NAMED:
        names = [cut_middle(visible(name), _LONGEST) for name in classes]
        ax.set_xticks(range(n), names, rotation=90, parse_math=False)
        ax.set_yticks(range(n), names, parse_math=False)
    else:
        ax.set(xticks=[], yticks=[], title=counted(n, "class", "classes"))
    if n <= MOST_COUNTED:
        for (row, column), count in np.ndenumerate(counts):
            dark = shares[row, column] < top / 2
            ax.text(
                column,
                row,
                f"{count:,}" if count else "",
                ha="center",
                va="center",
                color="w" if dark else "k",
            )
    return ax.figure
