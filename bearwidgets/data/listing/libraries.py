"""Data sets of other libraries, read row by row: an image, as the bytes of its file where there is one, and a class.

No such library is imported here: a data set is known by what it can do.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageOps

from bearwidgets.data.formats.images import read_bytes
from bearwidgets.data.problems import MISSING, REFUSED
from bearwidgets.data.split import SPLITS, split_name
from bearwidgets.errors import BadInputError, ImageError, unknown_name

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


@dataclass(frozen=True)
class Part:
    """One split of a foreign data set.

    Attributes:
        split: "train", "valid" or "test"; "" if the data set has no splits.
        n: number of rows.
        read: row → image and class; an ImageError is a problem of that row alone.
        labels: of all rows, where they can be had without the images; they only tell data sets apart.
    """

    split: str
    n: int
    read: Callable[[int], tuple[bytes | Image.Image, str]]
    labels: Sequence[object]


def huggingface_parts(dataset: Any, *, image: str, label: str) -> list[Part]:
    """The splits of a `datasets.Dataset` or `DatasetDict`.

    Raises:
        BadInputError: it is something else, a column is missing or of another kind, or a split has another name.
    """
    return [_huggingface_part(each, split, image, label) for split, each in _by_split(dataset).items()]


def _huggingface_part(dataset: Any, split: str, image: str, label: str) -> Part:
    if not all(hasattr(dataset, name) for name in ("features", "cast_column", "select_columns", "__len__")):
        raise BadInputError(
            f"{type(dataset).__name__} is no Hugging Face data set with rows; allowed are datasets.Dataset and "
            "DatasetDict. Load a streaming one without streaming=True; a torchvision one goes to from_torchvision."
        )
    for column in (image, label):
        if column not in dataset.column_names:
            raise BadInputError(unknown_name("column", column, dataset.column_names, "in this data set"))
    feature, kind = dataset.features[image], dataset.features[label]
    if type(feature).__name__ != "Image":
        raise BadInputError(
            f"The column {image!r} is {feature}, not images; make it so with "
            f"dataset.cast_column({image!r}, datasets.Image()), or name another one with image=."
        )
    if type(kind).__name__ not in {"ClassLabel", "Value"} or "float" in str(getattr(kind, "dtype", "")):
        raise BadInputError(
            f"The column {label!r} is {kind}; allowed is one class for each image, as ClassLabel, text or whole "
            "number. Name another column with label=."
        )
    plain = dataset.with_format(None).select_columns([image, label])
    plain = plain.cast_column(image, dataclasses.replace(feature, decode=False))
    names = getattr(kind, "names", None)

    def read(row: int) -> tuple[bytes, str]:
        cells = plain[row]
        name = _label(cells[label], names)
        file: dict[str, Any] = cells[image] or {"bytes": None, "path": None}
        if not file["bytes"] and not file["path"]:
            raise ImageError("no image in this row", MISSING)
        return file["bytes"] or read_bytes(file["path"]), name

    return Part(split, len(plain), read, plain[label][:])


def torchvision_parts(dataset: Any) -> list[Part]:
    """The splits of a torchvision data set, of a part of one (`Subset`), or of a mapping of split to these.

    Raises:
        BadInputError: it is something else, it has a target_transform, or a split has another name.
    """
    return [_torchvision_part(each, split) for split, each in _by_split(dataset).items()]


def _torchvision_part(dataset: Any, split: str) -> Part:
    if not all(hasattr(dataset, name) for name in ("__getitem__", "__len__")) or hasattr(
        dataset, "column_names"
    ):
        raise BadInputError(
            f"{type(dataset).__name__} is no torchvision data set; allowed is one whose rows are (image, class), "
            "or a mapping of split to such. A Hugging Face one goes to from_huggingface."
        )
    rows: Sequence[int] = range(len(dataset))
    while hasattr(dataset, "indices") and hasattr(dataset, "dataset"):
        rows = [int(dataset.indices[row]) for row in rows]
        dataset = dataset.dataset
    if getattr(dataset, "target_transform", None) is not None:
        raise BadInputError(
            "This data set has a target_transform, so its labels are not those of its classes; make it without one."
        )
    plain = copy.copy(dataset)  # images are taken as they are before any transform, the user's object stays
    for name in ("transform", "transforms"):
        if hasattr(plain, name):
            setattr(plain, name, None)
    names = getattr(dataset, "classes", None)
    names = names and [", ".join(each) if isinstance(each, tuple) else str(each) for each in names]
    files = getattr(dataset, "samples", None)
    files = files if isinstance(files, list) and len(files) == len(dataset) else None
    targets = getattr(dataset, "targets", None)

    def read(row: int) -> tuple[bytes | Image.Image, str]:
        if files is not None:
            path, target = files[rows[row]]
            return read_bytes(path), _label(target, names)
        try:
            item = plain[rows[row]]
        except Exception as error:  # whatever a foreign loader makes of a broken file
            raise ImageError(f"the data set cannot give it: {error}") from error
        if not isinstance(item, (tuple, list)) or len(item) != 2:
            raise BadInputError(f"A row is {type(item).__name__}; allowed is (image, class).")
        return _image(item[0]), _label(item[1], names)

    known = targets if targets is not None and len(targets) == len(dataset) else [None] * len(dataset)
    return Part(split, len(rows), read, [str(known[row]) for row in rows])


def _by_split(dataset: Any) -> dict[str, Any]:
    """Data sets by split name; "" where there are no splits.

    Raises:
        BadInputError: a name that is no split, one that comes twice, or no train.
    """
    if not isinstance(dataset, Mapping):
        return {"": dataset}
    found: dict[str, Any] = {}
    for key, each in dataset.items():
        split = split_name(str(key))
        if split is None or split in found:
            known = "is there twice" if split else f"is none of {', '.join(SPLITS)}"
            raise BadInputError(
                f"The split {key!r} {known}; give a mapping with the splits that you want, such as "
                "{'train': data['train'], 'test': data['test']}."
            )
        found[split] = each
    if "train" not in found:
        raise BadInputError(f"There is no split 'train' among {', '.join(map(repr, dataset)) or 'none'}.")
    return found


def _label(value: Any, names: Sequence[str] | None) -> str:
    """The class of a row, in words.

    Raises:
        ImageError: this row has no class.
        BadInputError: rows of this kind have none at all.
    """
    if hasattr(value, "item") and getattr(value, "ndim", 1) == 0:  # a number of NumPy or torch
        value = value.item()
    if value is None or value == "" or (names is not None and value == -1):
        raise ImageError("no label", REFUSED)
    if isinstance(value, str):
        return value
    if not isinstance(value, Integral):
        raise BadInputError(
            f"A label is {type(value).__name__}; allowed is one class for each image, as whole number or text."
        )
    if names is None:
        return str(value)
    if not 0 <= value < len(names):
        raise ImageError(f"its label is {value}, and there are {len(names)} classes", REFUSED)
    return names[int(value)]


def _image(image: Any) -> Image.Image:
    """A PIL image, turned as its EXIF says.

    Raises:
        BadInputError: images of this kind cannot be written without loss.
    """
    if isinstance(image, Image.Image):
        return ImageOps.exif_transpose(image)
    pixels = image
    if hasattr(image, "detach"):
        pixels = np.asarray(image.detach().cpu())
        pixels = np.moveaxis(pixels, 0, -1) if pixels.ndim == 3 else pixels
    if isinstance(pixels, np.ndarray) and pixels.dtype == np.uint8:
        flat = pixels[..., 0] if pixels.ndim == 3 and pixels.shape[-1] == 1 else pixels
        if flat.ndim == 2 or (flat.ndim == 3 and flat.shape[-1] in {3, 4}):
            return Image.fromarray(np.ascontiguousarray(flat))
    kind = f" of {pixels.dtype}, shape {pixels.shape}" if isinstance(pixels, np.ndarray) else ""
    raise BadInputError(
        f"An image is {type(image).__name__}{kind}; allowed are PIL images and uint8 values (h, w), (h, w, 3) or "
        "(h, w, 4), of a tensor (bands, h, w). Make the data set without what turns images into such numbers."
    )
