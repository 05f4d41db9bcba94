"""A made-up image set with planted faults and an answer key, to try things on without downloading anything."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, replace
from numbers import Integral, Real
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageFilter, ImageOps

from bearwidgets.data.samples.bears import BEARS
from bearwidgets.data.samples.compose import OTHERS, bear_image, other_image
from bearwidgets.data.workspace import as_path
from bearwidgets.errors import BadInputError
from bearwidgets.figures import percent
from bearwidgets.files import draft_folder, explain
from bearwidgets.safe_text import csv_line

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

FAULTS = {
    "wrong_label": 0.32,
    "off_topic": 0.18,
    "near_duplicate": 0.16,
    "duplicate": 0.1,
    "broken": 0.1,
    "dark": 0.07,
    "blurred": 0.07,
}
"""The planted faults and the part that each has among all of them."""

ANSWERS = "answers.csv"
MARKER = ".sample_bears.json"
_VERSION = 1
_FEWEST, _MOST_FAULTS = 12, 0.5
_COPIES = ("duplicate", "near_duplicate")
_AWKWARD = (
    "IMG {k} (copy).JPG",
    "{label}-bear_1024x768 ({k}).jpeg",
    "DSC0{k}.JPG",
    "bear's lunch {k}.jpg",
    "Bär {k}.jpg",
    "100% {label} #{k}.jpg",
    "{label} & friends, no. {k}.Jpg",
)
_HTML = (
    b"<!DOCTYPE html>\n<html><head><title>403 Forbidden</title></head><body>No hotlinking.</body></html>\n"
)


@dataclass(frozen=True)
class _Slot:
    number: int
    label: str
    name: str
    fault: str = ""
    source: str = ""
    truth: str = ""  # of a wrong label, where it follows the rule of `mixed_up`

    @property
    def path(self) -> str:
        return f"{self.label}/{self.name}"


def sample_bears(
    path: str | os.PathLike[str], n: int = 300, seed: int = 0, faults: float = 0.1, *, mixed_up: float = 0.0
) -> Path:
    """Write a made-up set of drawn grizzlies, black bears and teddies, with faults planted in it.

    The folder gets one folder per class and `answers.csv`, which lists each faulty file: `path` (posix, relative
    to the folder), `fault` (a key of `FAULTS`), `true_label` (empty for an image that shows no bear) and `detail`.
    The same arguments give the same files. The set is drawn beside the folder and moved there when it is whole;
    a folder that already holds the set of the same arguments is left as it is, your edits to it included.

    Args:
        path: The folder to make; it may exist if it is empty.
        n: Number of files, 12 or more, faulty ones included; about 320 x 260 px each.
        seed: Whole number from 0.
        faults: Part of the files that are faulty, from 0 to 0.5.
        mixed_up: Part of the other files that have a wrong label besides, from 0 to 0.5, all by one rule: each bear
            is called what the next in a row is called, as by somebody who takes black bears for grizzlies, grizzlies
            for teddies, and teddies for black bears. A few faults hardly change what a learner makes of the set;
            with `n=400, mixed_up=0.35` the effect of cleaning can be seen and measured.

    Returns:
        The folder.

    Raises:
        BadInputError: An argument out of range, or the folder holds something else.
        WorkspaceError: The folder cannot be written.

    Example:
        >>> import bearwidgets as bw
        >>> folder = bw.sample_bears("small_bears", n=30)
        >>> sorted(path.name for path in folder.iterdir() if path.is_dir())
        ['black', 'grizzly', 'teddy']
    """
    n, seed, faults, mixed_up = _checked(n, seed, faults, mixed_up)
    folder = as_path(path)
    root = folder.resolve()
    marker = {"version": _VERSION, "n": n, "seed": seed, "faults": faults}
    marker |= {"mixed_up": mixed_up} if mixed_up else {}
    if _is_there(root, marker):
        return folder
    try:
        with draft_folder(root) as (draft, alive):
            _write_set(draft, _plan(n, seed, faults, mixed_up), seed, alive)
            (draft / MARKER).write_text(json.dumps(marker) + "\n", encoding="utf-8")
    except OSError as error:
        raise explain(error, root, "No bears were drawn.", "Choose a folder that can be written.") from error
    return folder


def _checked(n: int, seed: int, faults: float, mixed_up: float) -> tuple[int, int, float, float]:
    for name, value, least in (("n", n, _FEWEST), ("seed", seed, 0)):
        if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
            raise BadInputError(f"{name} is {value!r}; it must be a whole number, {least} or more.")
    for name, share in (("faults", faults), ("mixed_up", mixed_up)):
        if not isinstance(share, Real) or not 0 <= share <= _MOST_FAULTS:
            raise BadInputError(
                f"{name} is {share!r}; it must be a number from 0 to {_MOST_FAULTS}, such as 0.1 for 10 %."
            )
    return int(n), int(seed), float(faults), float(mixed_up)


def _is_there(root: Path, marker: dict[str, float]) -> bool:
    """Whether the very set is there already; raises where the folder holds anything else."""
    if not root.exists():
        return False
    if not root.is_dir():
        raise BadInputError(f"{root} is a file; give a folder that does not exist yet.")
    kept = root / MARKER
    if kept.is_file():
        try:
            found = json.loads(kept.read_text(encoding="utf-8"))
        except ValueError:
            found = None
        if found == marker:
            return True
        raise BadInputError(
            f"{root} holds sample bears of other arguments ({found}, asked for {marker}); give another folder."
        )
    if next(root.iterdir(), None) is not None:
        raise BadInputError(
            f"{root} is not empty and was not made by sample_bears; give a new or an empty folder."
        )
    if root == Path.cwd() or root in Path.cwd().parents:
        raise BadInputError(
            f"{root} is the folder that Python works in; give a new folder inside it, such as 'bears'."
        )
    return False


def _shares(total: int) -> list[str]:
    """Names of `total` faults in the proportions of `FAULTS`, by largest remainders."""
    exact = np.array(list(FAULTS.values())) * total
    counts = np.floor(exact).astype(int)
    for extra in np.argsort(counts - exact, kind="stable")[: total - int(counts.sum())]:
        counts[extra] += 1
    return [fault for fault, count in zip(FAULTS, counts.tolist(), strict=True) for _ in range(count)]


def _plan(n: int, seed: int, faults: float, mixed_up: float) -> list[_Slot]:
    """All files; the faulty ones stand last, so that the clean ones that they copy are there before them."""
    rng = np.random.default_rng([seed, n])
    planted = _shares(round(n * faults))
    whole = n - len(planted)
    labels = [BEARS[number % len(BEARS)] for number in range(n)]
    names = _names(labels, rng)
    slots = [_Slot(number, labels[number], names[number]) for number in range(whole)]
    order = rng.permutation(whole).tolist()
    mixed = round(whole * mixed_up)
    for number in order[whole - mixed :]:  # the last ones: the first are copied
        called = BEARS.index(labels[number])
        slots[number] = replace(slots[number], fault="wrong_label", truth=BEARS[called - 1])
    sources = iter(order)
    for number, fault in enumerate(planted, start=whole):
        source = slots[next(sources)] if fault in _COPIES else None
        label = source.label if source else labels[number]
        slots.append(_Slot(number, label, names[number], fault, source.path if source else ""))
    return slots


def _names(labels: list[str], rng: np.random.Generator) -> list[str]:
    numbers = (rng.permutation(len(labels)) + 1).tolist()
    awkward = set(rng.choice(len(labels), max(2, len(labels) // 25), replace=False).tolist())
    names = []
    for number, label in zip(numbers, labels, strict=True):
        pattern = _AWKWARD[number % len(_AWKWARD)] if number - 1 in awkward else "{k:04d}.jpg"
        names.append(pattern.format(k=number, label=label))
    return names


def _write_set(root: Path, slots: list[_Slot], seed: int, alive: Callable[[], None]) -> None:
    for label in BEARS:
        (root / label).mkdir()
    answers = []
    for slot in slots:
        alive()
        content, true_label, detail = _make(root, slot, np.random.default_rng([seed, slot.number, _VERSION]))
        (root / slot.path).write_bytes(content)
        if slot.fault:
            answers.append((slot.path, slot.fault, true_label, detail))
    lines = map(csv_line, [("path", "fault", "true_label", "detail"), *sorted(answers)])
    (root / ANSWERS).write_bytes("".join(lines).encode())


def _make(root: Path, slot: _Slot, rng: np.random.Generator) -> tuple[bytes, str, str]:
    """Bytes, true label and a detail for the answer key."""
    if slot.source:
        content, how = _copied(root / slot.source, slot.fault, rng)
        return content, slot.label, f"{how} {slot.source}"
    if slot.fault == "off_topic":
        thing = OTHERS[slot.number % len(OTHERS)]
        return _encoded(other_image(thing, rng), rng), "", f"shows a {thing}"
    if slot.fault == "wrong_label":
        truth = slot.truth or str(rng.choice([each for each in BEARS if each != slot.label]))
        return _encoded(bear_image(truth, rng), rng), truth, f"a {truth} filed as {slot.label}"
    image = bear_image(slot.label, rng)
    if slot.fault == "broken":
        content, how = _broken(_jpeg(image, 80), slot.number % 3, rng)
        return content, slot.label, how
    image, how = _spoilt(image, slot.fault, rng)
    return _encoded(image, rng), slot.label, how


def _spoilt(image: Image.Image, fault: str, rng: np.random.Generator) -> tuple[Image.Image, str]:
    if fault == "dark":
        level = rng.uniform(0.05, 0.11)
        return image.point([int(value * level) for value in range(256)] * 3), f"{percent(level)} of the light"
    if fault == "blurred":
        radius = rng.uniform(7, 11)
        return image.filter(ImageFilter.GaussianBlur(radius)), f"Gaussian blur of {radius:.0f} px"
    return image, ""


def _copied(source: Path, fault: str, rng: np.random.Generator) -> tuple[bytes, str]:
    if fault == "duplicate":
        return source.read_bytes(), "same bytes as"
    with Image.open(source) as image:
        content, how = _altered(ImageOps.exif_transpose(image).convert("RGB"), rng)
    return content, f"{how} copy of"


def _altered(image: Image.Image, rng: np.random.Generator) -> tuple[bytes, str]:
    steps = rng.permutation(["mirrored", "cropped", "resized"])[: int(rng.integers(1, 3))].tolist()
    for step in steps:
        if step == "mirrored":
            image = ImageOps.mirror(image)
        elif step == "cropped":
            cut = (rng.uniform(0.01, 0.05, 4) * (*image.size, *image.size)).astype(int).tolist()
            image = ImageOps.crop(image, tuple(cut))
        else:
            scale = rng.uniform(0.55, 0.85)
            image = image.resize(
                (round(image.width * scale), round(image.height * scale)), Image.Resampling.LANCZOS
            )
    return _jpeg(image, int(rng.integers(45, 70))), ", ".join([*steps, "recompressed"])


def _broken(content: bytes, kind: int, rng: np.random.Generator) -> tuple[bytes, str]:
    if kind == 0:
        part = rng.uniform(0.2, 0.6)
        return content[: int(len(content) * part)], f"cut off after {percent(part)}"
    return (b"", "zero bytes") if kind == 1 else (_HTML, "an HTML page named as an image")


def _jpeg(image: Image.Image, quality: int) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def _encoded(image: Image.Image, rng: np.random.Generator) -> bytes:
    """Mostly JPEG of mixed quality; a few lie on their side with an EXIF turn, a few are PNG whatever the name."""
    odd = rng.random()
    buffer = io.BytesIO()
    if odd < 0.015:
        image.quantize(96).save(buffer, "PNG")
    elif odd < 0.035:
        exif = Image.Exif()
        exif[0x0112] = 6
        image.transpose(Image.Transpose.ROTATE_90).save(buffer, "JPEG", quality=80, exif=exif)
    else:
        image.save(buffer, "JPEG", quality=int(rng.choice((35, 60, 75, 80, 85, 92))))
    return buffer.getvalue()
