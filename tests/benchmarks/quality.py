"""Quality checks and hashes in one decode pass beside cleanvision: time, cold, and what each finds of planted faults.

    python tests/benchmarks/quality.py --peer-python /tmp/peers/bin/python [--runs 3] [--large 60]

Time: from the folder to the table of issues, without imports, each in a process and with a cache of its own, in turn;
the 480 bears (270 px), and photos of 2,400 px made of them. "bearwidgets" is one decode pass with all figures and
hashes, and the checks of quality and of exact duplicates, as cleanvision has them; "all checks" adds the search for
near-duplicates, crops among them, and what else needs no model. CPU time of all cores stands beside the wall clock.

Faults: each tenth bear is spoilt in one of the ways of `FAULTS`, from harmless to strong; found are the flagged ones
among them, wrong those flagged by the same check that are not spoilt.
"""

from __future__ import annotations

import statistics
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
from common import ask, new_folder, parser, print_table, shared
from PIL import Image, ImageEnhance, ImageFilter

if TYPE_CHECKING:
    from pathlib import Path

OURS = """
import json, os, sys, time, tempfile
folder = sys.argv[1]
os.environ["BEARWIDGETS_CACHE"] = tempfile.mkdtemp()
from bearwidgets.data.dataset import Dataset
from bearwidgets.review.checks.registry import CHECKS
from bearwidgets.review.checks.run import find_issues
list(CHECKS)  # loads their modules
def clock():
    every = os.times()
    return time.monotonic(), every.user + every.system + every.children_user + every.children_system
began = clock()
from bearwidgets.review.checks.quality import QUALITY
names = None if "all" in sys.argv else ["exact_duplicates", "repeated_borders", *QUALITY]
issues = find_issues(Dataset.from_folder(folder, workspace=tempfile.mkdtemp()), names)
ended = clock()
found = {name: issues.queue(name).path.tolist() for name in issues.names}
"""
CLEANVISION = """
import json, os, sys, time
folder = sys.argv[1]
from cleanvision import Imagelab
def clock():
    every = os.times()
    return time.monotonic(), every.user + every.system + every.children_user + every.children_system
began = clock()
lab = Imagelab(data_path=folder)
lab.find_issues(verbose=False)
ended = clock()
paths = [os.path.relpath(each, folder) for each in lab.issues.index]
columns = [each for each in lab.issues.columns if each.startswith("is_") and each.endswith("_issue")]
found = {each[3:-6]: [p for p, flag in zip(paths, lab.issues[each]) if flag] for each in columns}
"""
ANSWER = """
print(json.dumps({"wall": ended[0] - began[0], "cpu": ended[1] - began[1], "found": found}))
"""


def _blurred(px: float) -> Any:
    return lambda image: image.filter(ImageFilter.GaussianBlur(px))


def _bright(factor: float) -> Any:
    return lambda image: ImageEnhance.Brightness(image).enhance(factor)


def _fog(share: float) -> Any:
    return lambda image: Image.blend(image, Image.new("RGB", image.size, "white"), share)


def _noisy(image: Image.Image) -> Image.Image:
    pixels = np.asarray(image.filter(ImageFilter.GaussianBlur(3)), dtype=np.float64)
    pixels += np.random.default_rng(0).normal(0, 5, pixels.shape)
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


FAULTS: dict[str, tuple[str, str, Any]] = {  # what is done: our check, cleanvision's, how
    "blur 1 px (harmless)": ("blurred", "blurry", _blurred(1)),
    "blur 2 px": ("blurred", "blurry", _blurred(2)),
    "blur 3 px": ("blurred", "blurry", _blurred(3)),
    "blur 3 px, noise": ("blurred", "blurry", _noisy),
    "light × 0.5 (harmless)": ("dark", "dark", _bright(0.5)),
    "light × 0.25": ("dark", "dark", _bright(0.25)),
    "light × 0.1": ("dark", "dark", _bright(0.1)),
    "fog 0.8": ("bright", "light", _fog(0.8)),
    "fog 0.95": ("bright", "light", _fog(0.95)),
    "contrast × 0.15": ("low_contrast", "", lambda image: ImageEnhance.Contrast(image).enhance(0.15)),
    "almost one tone": ("low_information", "low_information", lambda image: image.point(lambda v: 200 + v // 128)),
    "gray": ("gray_among_color", "grayscale", lambda image: image.convert("L").convert("RGB")),
    "gray, one band": ("gray_among_color", "grayscale", lambda image: image.convert("L")),
    "48 px": ("odd_size", "odd_size", lambda image: image.resize((54, 42))),
    "6 : 1": ("odd_shape", "odd_aspect_ratio", lambda image: image.resize((540, 90))),
}  # fmt: skip


def run(python: str, program: str, folder: Path, *more: str) -> dict[str, Any]:
    """What a program of its own process answered."""
    return ask(python, "-c", program + ANSWER, folder, *more)


def measure_time(name: str, folder: Path, python: str, runs: int) -> list[list[Any]]:
    """Rows with the median times of both, and the ratio of the medians."""
    sides = {
        "bearwidgets": (sys.executable, OURS, folder),
        "bearwidgets, all checks": (sys.executable, OURS, folder, "all"),
        "cleanvision": (python, CLEANVISION, folder),
    }
    times: dict[str, list[dict[str, float]]] = {who: [] for who in sides}
    for _ in range(runs):
        for who, side in sides.items():
            times[who].append(run(*side))
    kinds = ("wall", "cpu")
    middle = {
        who: [statistics.median(each[kind] for each in all_) for kind in kinds] for who, all_ in times.items()
    }
    ratio = [theirs / mine for mine, theirs in zip(middle["bearwidgets"], middle["cleanvision"], strict=True)]
    rows = [[name, who, f"{wall:.2f} s", f"{cpu:.2f} s"] for who, (wall, cpu) in middle.items()]
    return [*rows, [name, "ratio", f"{ratio[0]:.1f} ×", f"{ratio[1]:.1f} ×"]]


def spoil(folder: Path, change: Any, at: int) -> set[str]:
    """Write the bears, each tenth spoilt; the paths of those."""
    spoilt = set()
    for number, path in enumerate(sorted(shared("bears").rglob("*.jpg"))):
        target = folder / path.parent.name / path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        if number % 10 == at:
            change(Image.open(path).convert("RGB")).save(target, quality=90)
            spoilt.add(f"{target.parent.name}/{target.name}")
        else:
            target.write_bytes(path.read_bytes())
    return spoilt


def measure_faults(python: str) -> list[list[Any]]:
    """A row for each fault: found and wrong, of both."""
    rows = []
    for at, (name, (mine, theirs, change)) in enumerate(FAULTS.items()):
        folder = new_folder() / "bears"
        spoilt = spoil(folder, change, at % 10)
        row: list[Any] = [name, len(spoilt)]
        for key, who, program in ((mine, sys.executable, OURS), (theirs, python, CLEANVISION)):
            if not key:
                row += ["no such check", ""]
                continue
            flagged = set(run(who, program, folder)["found"].get(key, []))
            row += [len(flagged & spoilt), len(flagged - spoilt)]
        rows.append(row)
        print(row, flush=True)
    return rows


def enlarged(n: int) -> Path:
    """Photos of 2,400 px made of the bears."""
    folder = new_folder() / "large"
    random = np.random.default_rng(0)
    for path in sorted(shared("bears").rglob("*.jpg"))[:: max(1, 480 // n)]:
        target = folder / path.parent.name / path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        image = Image.open(path).convert("RGB")
        scale = 2400 / max(image.size)
        size = round(image.width * scale), round(image.height * scale)
        grain = random.normal(0, 6, (size[1], size[0], 1))  # of a camera
        pixels = np.asarray(image.resize(size, Image.Resampling.BICUBIC)) + grain
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(target, quality=90)
    return folder


def main() -> None:
    """Times, then faults."""
    taken = parser(__doc__, runs=3, large=60)
    taken.add_argument("--peer-python", required=True, help="an interpreter with cleanvision")
    options = taken.parse_args()
    rows = measure_time("480 bears", shared("bears"), options.peer_python, options.runs)
    large = enlarged(options.large)
    rows += measure_time(f"{options.large} photos of 2,400 px", large, options.peer_python, options.runs)
    print_table("Quality, cold", ["set", "who", "wall clock", "CPU"], rows)
    head = ["fault", "spoilt", "found", "wrong", "cleanvision found", "wrong"]
    print_table("Planted faults among 480 bears", head, measure_faults(options.peer_python))


if __name__ == "__main__":
    main()
