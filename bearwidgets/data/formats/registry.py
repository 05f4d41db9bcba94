r"""The file formats that can be opened: each is one module of this folder that registers itself here.

A new format is one new file. Where it lies does not matter as long as it is imported; those of this folder are
found by themselves:

    register(Format("PPM", rb"P6\s", "ppm", size=header_size, open=open_ppm))
"""

from __future__ import annotations

import functools
import importlib
import os
import pkgutil
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Callable

HEAD = 64
"""Bytes of a file that tell its format."""

ImageLike: TypeAlias = Image.Image | np.ndarray
"""An image of mode RGB or L (one band), or float32 values (h, w, bands) where there are other bands than those."""


@dataclass(frozen=True)
class Format:
    """What has to be known to use files of one format; its functions raise `ImageError` with the reason.

    Attributes:
        name: As the field writes it, such as "PNG".
        start: Regular expression of the first bytes of such a file (`HEAD` are looked at); the name is never.
        suffix: Of a file that is written, without the dot; after it those that files have too, with spaces between.
        size: Bytes of a file and the most px → width and height in px, upright; from the header, with a cheap look
            whether the file is whole.
        open: Bytes, the most px, a short side in px that suffices (or None) → upright image of mode RGB.
        bands: Bytes, number of bands, the most px, a short side that suffices → an image of so many bands; None
            where there are only those of `open`.
        n_frames: Bytes → number of frames; None where there is never more than one.
        title: How messages name it; `name` if not given.
    """

    name: str
    start: bytes
    suffix: str
    size: Callable[[bytes, int], tuple[int, int]]
    open: Callable[[bytes, int, int | None], Image.Image]
    bands: Callable[[bytes, int, int, int | None], ImageLike] | None = None
    n_frames: Callable[[bytes], int] | None = None
    title: str = ""

    @property
    def suffixes(self) -> list[str]:
        """The endings that names of such files have, without the dot, in small letters."""
        return self.suffix.split()


_formats: dict[str, Format] = {}


def register(entry: Format) -> None:
    """Make a format known, in place of an earlier one of the same name."""
    _formats[entry.name] = entry


def format_of(data: bytes) -> Format | None:
    """The format that the first bytes of a file announce, or None."""
    _import_all()
    head = data[:HEAD]
    return next((each for each in _formats.values() if re.match(each.start, head, re.DOTALL)), None)


def suffixes_of(name: str) -> list[str]:
    """The endings, without the dot, that are right for a format by its name; none where it is not known."""
    _import_all()
    return _formats[name].suffixes if name in _formats else []


def allowed() -> str:
    """Which formats there are, as the end of a sentence."""
    _import_all()
    names = sorted((each.title or each.name for each in _formats.values()), key=str.casefold)
    return f"allowed are {', '.join(names[:-1])} and {names[-1]}"


@functools.cache
def _import_all() -> None:
    package = importlib.import_module(__package__ or "")
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{package.__name__}.{module.name}")


def announces_image(path: str) -> bool:
    """Whether the first bytes of a file are those of an image."""
    if not os.path.isfile(path):  # noqa: PTH113 - opening a pipe would wait for ever
        return False
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - there may be 100,000 of them
            return format_of(file.read(HEAD)) is not None
    except OSError:
        return False
