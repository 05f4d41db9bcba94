"""Look at the images as the network sees them: some of a data set, or many looks at one of them."""

from __future__ import annotations

import difflib
import io
import math
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bearwidgets.data.augment.augment import Augment, augmentation
from bearwidgets.data.augment.transforms import Resize
from bearwidgets.data.formats.images import open_image
from bearwidgets.data.item_table import ItemTable
from bearwidgets.data.output import check_output, write_output
from bearwidgets.data.split import SPLITS
from bearwidgets.errors import BadInputError, ImageError, check_whole, unknown_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.figure import Figure


_ENDINGS = (".png", ".jpg", ".jpeg", ".svg", ".pdf")
_MOST = 100  # images on one sheet
_COLUMNS = 10
_CELL = 1.7  # inches from one image to the next
_PAGE = "#ececec"  # not white, so that images on white have an edge
_GAP = 0.08  # inches between images, and around them
_LINE = 0.22  # inches of a caption
_LETTERS = 22  # of a caption


class Sheet:
    """Images with a caption each, which a notebook shows when it is a cell's result.

    It brings its own light page and black letters, so it can be read in a light and in a dark notebook. A bare
    matplotlib figure would not be shown unless matplotlib was set up for the notebook.

    Attributes:
        figure: The matplotlib figure.
        problems: Path → reason, for files that were passed over because they cannot be opened.

    Example:
        >>> sheet = ds.show_batch(9)
        >>> sheet.save("batch.png")
    """

    def __init__(
        self,
        ds: ItemTable,
        images: Sequence[np.ndarray],
        captions: Sequence[str],
        problems: Mapping[str, str],
    ) -> None:
        self.problems, self._root = dict(problems), ds.root
        note = f"{len(problems)} passed over: see .problems" if problems else ""
        self.figure = _figure(images, captions, note)
        self._n = len(images)

    def save(self, path: str | Path) -> None:
        """Write it to a file, whose ending says in which format: .png, .jpg, .svg, .pdf.

        Raises:
            BadInputError: Another ending, or a file of the data folder that is there already.
            WorkspaceError: It cannot be written.
        """
        path = check_output(path, _ENDINGS)
        if path.exists() and path.resolve().is_relative_to(self._root):
            raise BadInputError(
                f"{str(path)!r} is a file of the data folder; give a name that is not taken there."
            )
        write_output(path, self._drawn(path.suffix[1:].lower()), "The sheet")

    def _repr_jpeg_(self) -> bytes:
        # A notebook with a few sheets as PNG would be ten times as large.
        return self._drawn("jpeg")

    def _drawn(self, kind: str) -> bytes:
        data = io.BytesIO()
        with warnings.catch_warnings():
            # A label in a script that matplotlib's own font lacks shows as boxes, and needs no warning a letter.
            warnings.filterwarnings("ignore", message="Glyph .* missing from font")
            self.figure.savefig(data, format=kind, dpi=100, facecolor=_PAGE)
        return data.getvalue()

    def __repr__(self) -> str:
        return f"<Sheet of {self._n} images; .save(path) writes it to a file>"


def show_batch(
    ds: ItemTable, n: int, *, split: str, augment: str | Augment | None, size: int, seed: int
) -> Sheet:
    """Some images of a split with their labels; see `Dataset.show_batch`."""
    check_whole("n", n, 1, _MOST, of=" of images")
    if split not in SPLITS:
        raise BadInputError(unknown_name("split", split, SPLITS))
    table = ds.table[ds.table["split"] == split]
    if table.empty:
        filled = [each for each in SPLITS if (ds.table["split"] == each).any()]
        raise BadInputError(f"No item is in the split {split!r}; there are some in {', '.join(filled)}.")
    chosen = augmentation("none" if augment is None else augment, size)
    rng = np.random.default_rng(seed)
    pixels, captions, problems = [], [], {}
    for row in rng.permutation(len(table)):
        item = table.iloc[row]
        try:
            image = open_image(ds.path_of(item["id"]), at_least=size)
        except ImageError as error:
            problems[item["path"]] = str(error)
            continue
        pixels.append(chosen(image, np.random.default_rng((seed, row))))
        captions.append(item["label"])
        if len(pixels) == n:
            break
    if not pixels:
        path, reason = next(iter(problems.items()))
        raise ImageError(f"None of the {len(problems)} images of {split!r} can be opened; {path}: {reason}.")
    return Sheet(ds, pixels, captions, problems)


def show_augmented(
    ds: ItemTable, item: str | Path, n: int, augment: str | Augment, *, size: int, seed: int
) -> Sheet:
    """An image and random looks at it; see `Dataset.show_augmented`."""
    check_whole("n", n, 1, _MOST, of=" of images")
    chosen = augmentation(augment, size)
    row = ds.table.iloc[_find(ds, item)]
    try:
        image = open_image(ds.path_of(row["id"]), at_least=size)
    except ImageError as error:
        raise ImageError(f"{row['path']} cannot be shown: {error}.") from error
    looks = [chosen(image, np.random.default_rng((seed, number))) for number in range(n)]
    return Sheet(ds, [Resize(size)(image), *looks], [f"{row['label']} (original)", *[""] * n], {})


def _find(ds: ItemTable, item: str | Path) -> int:
    """Row of the item with this id or path, absolute or relative to the data folder or to where we are."""
    ids, paths = ds.table["id"].tolist(), ds.table["path"].tolist()
    if isinstance(item, str) and item in ids:
        return ids.index(item)
    if isinstance(item, (str, Path)):
        asked = Path(item).expanduser()
        whole = asked.resolve()
        inside = [whole.relative_to(ds.root)] if whole.is_relative_to(ds.root) else []
        for path in (asked, *inside):
            if path.as_posix() in paths:
                return paths.index(path.as_posix())
    near = difflib.get_close_matches(str(item), paths, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise BadInputError(
        f"No item {str(item)!r} in this data set of {len(ids):,} items: "
        f"give an id or a path from Dataset.table.{hint}"
    )


def _figure(images: Sequence[np.ndarray], captions: Sequence[str], note: str) -> Figure:
    """A figure that knows nothing of pyplot, so it leaves no state behind and is shown once."""
    from matplotlib.figure import Figure

    columns = min(_COLUMNS, math.ceil(math.sqrt(len(images))))
    rows = math.ceil(len(images) / columns)
    width, height = columns * _CELL + _GAP, rows * (_CELL + _LINE) + (_LINE if note else _GAP)
    figure = Figure(figsize=(width, height), facecolor=_PAGE)
    for number, (pixels, caption) in enumerate(zip(images, captions, strict=True)):
        row, column = divmod(number, columns)
        left, top = _GAP + column * _CELL, height - (row + 1) * (_CELL + _LINE)
        side = _CELL - _GAP
        axes = figure.add_axes(
            (left / width, top / height, side / width, side / height), xticks=[], yticks=[]
        )
        axes.imshow(pixels)
        axes.set_axis_off()
        # A label is a label: a $ in it does not begin a formula.
        axes.set_title(_caption(caption), fontsize=9, pad=3, color="black", parse_math=False, usetex=False)
    figure.text(_GAP / width, _GAP / height / 2, note, fontsize=8, color="black", usetex=False)
    return figure


def _caption(label: str) -> str:
    plain = "".join(each if each.isprintable() else " " for each in label)
    return plain if len(plain) <= _LETTERS else plain[: _LETTERS - 1] + "…"


@dataclass(frozen=True, eq=False, repr=False)
class ShownItems(ItemTable):
    """Items with ways to look at them."""

    def show_batch(
        self,
        n: int = 9,
        *,
        split: str = "train",
        augment: str | Augment | None = None,
        size: int = 224,
        seed: int = 0,
    ) -> Sheet:
        """Some images with their labels, as the network sees them; files that cannot be opened are passed over.

        Args:
            n: How many, 1 to 100; fewer are shown where the split holds fewer.
            split: "train", "valid" or "test".
            augment: A name of `augment.PRESETS`, or an `Augment`; None for the looks of evaluation.
            size: Side of the images, px.
            seed: Draws the images and what is random about their looks.

        Raises:
            BadInputError: A value is not allowed, or no item is in this split.
            ImageError: None of the split's files can be opened.

        Example:
            >>> sheet = ds.show_batch(9, augment="light")
        """
        return show_batch(self, n, split=split, augment=augment, size=size, seed=seed)

    def show_augmented(
        self,
        item: str | Path,
        n: int = 8,
        augment: str | Augment = "standard",
        *,
        size: int = 224,
        seed: int = 0,
    ) -> Sheet:
        """An image as evaluation sees it, and `n` random looks at it as training does.

        Args:
            item: Id or path of an item.
            n: How many random looks, 1 to 100.
            augment: As of `show_batch`.
            size: As of `show_batch`.
            seed: As of `show_batch`.

        Raises:
            BadInputError: There is no such item, or a value is not allowed.
            ImageError: The item's file cannot be opened.

        Example:
            >>> sheet = ds.show_augmented(ds.table.id[0], augment="strong")
        """
        return show_augmented(self, item, n, augment, size=size, seed=seed)
