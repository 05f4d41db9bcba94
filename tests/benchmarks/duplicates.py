"""Duplicates: precision and recall of pairs beside imagededup (phash, cnn) and cleanvision, on the same files.

    python tests/benchmarks/duplicates.py --peer-python /tmp/peers/bin/python [--n 200]

Two sets: the 480 bears with the groups that a person found in them, and a made one: of photos of the bears that are
nobody's copy, each gets one or two copies, each made in one of the ways of `WAYS`. A pair is right if both files show
the same photo; copies of one copy are a pair as well, for all. The peers run with their defaults (of imagededup: 10
bits, and a cosine of 0.9); imagededup's cnn needs weights from the internet and says so where it cannot have them.
"""

from __future__ import annotations

import csv
import itertools
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from common import ask, new_cache, new_folder, parser, print_table, shared
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

PEER = """
import json, sys, time, warnings, logging
warnings.simplefilter("ignore"); logging.disable(logging.CRITICAL)
folder, which = sys.argv[1:]
began = time.monotonic()
if which == "cleanvision":
    from cleanvision import Imagelab
    lab = Imagelab(data_path=folder)
    lab.find_issues({"exact_duplicates": {}, "near_duplicates": {}}, verbose=False)
    kinds = ("exact_duplicates", "near_duplicates")
    sets = [each for kind in kinds for each in lab.info.get(kind, {}).get("sets", [])]
    pairs = [[a, b] for each in sets for i, a in enumerate(each) for b in each[i + 1:]]
else:
    from imagededup import methods
    method = methods.PHash(verbose=False) if which == "phash" else methods.CNN(verbose=False)
    found = method.find_duplicates(image_dir=folder, recursive=True)
    pairs = [[folder + "/" + a, folder + "/" + b] for a, others in found.items() for b in others]
print(json.dumps({"pairs": pairs, "seconds": time.monotonic() - began}))
"""


def _box(image: Image.Image, share: float, random: np.random.Generator) -> Image.Image:
    """A window of this share of the sides, somewhere in the image."""
    width, height = (round(side * share) for side in image.size)
    left, top = random.integers(image.width - width + 1), random.integers(image.height - height + 1)
    return image.crop((left, top, left + width, top + height))


def _shifted(image: Image.Image, random: np.random.Generator) -> Image.Image:
    hue = np.array(image.convert("HSV"))
    hue[..., 0] += np.uint8(random.choice([-20, 20]))
    return Image.fromarray(hue, "HSV").convert("RGB")


def _stamped(image: Image.Image, _: np.random.Generator) -> Image.Image:
    stamp = image.copy()
    stamp.paste((255, 255, 255), (0, int(image.height * 0.92), int(image.width * 0.6), image.height))
    return stamp


WAYS: dict[str, Any] = {
    "exact": None,
    "recompressed": lambda image, _: image,
    "half size": lambda image, _: image.resize((image.width // 2, image.height // 2)),
    "double size": lambda image, _: image.resize((image.width * 2, image.height * 2)),
    "squished": lambda image, _: image.resize((image.width, image.height * 3 // 4)),
    "mirrored": lambda image, _: ImageOps.mirror(image),
    "crop 90 %": lambda image, random: _box(image, 0.9, random),
    "crop 75 %": lambda image, random: _box(image, 0.75, random),
    "crop 60 %": lambda image, random: _box(image, 0.6, random),
    "mirrored crop 80 %": lambda image, random: ImageOps.mirror(_box(image, 0.8, random)),
    "lighter": lambda image, _: ImageEnhance.Brightness(image).enhance(1.4),
    "darker": lambda image, _: ImageEnhance.Brightness(image).enhance(0.6),
    "contrast": lambda image, _: ImageEnhance.Contrast(image).enhance(1.5),
    "hue": _shifted,
    "gray": lambda image, _: ImageOps.grayscale(image).convert("RGB"),
    "blurred": lambda image, _: image.filter(ImageFilter.GaussianBlur(1.5)),
    "stamped": _stamped,
}


def make_set(folder: Path, n: int, seed: int) -> dict[frozenset[str], str]:
    """Write originals and copies; pair of paths → the way the copy was made, or "two copies"."""
    random = np.random.default_rng(seed)
    known = {row["file"] for row in csv.DictReader(shared("bears").with_name("bears-duplicates.csv").open())}
    files = [
        path
        for path in sorted(shared("bears").rglob("*.jpg"))
        if f"{path.parent.name}/{path.name}" not in known
    ]
    chosen = random.permutation(len(files))[:n]
    truth, ways = {}, itertools.cycle(WAYS)
    for number, at in enumerate(chosen):
        label = files[at].parent.name
        (folder / label).mkdir(parents=True, exist_ok=True)
        image = Image.open(files[at]).convert("RGB")
        names = [folder / label / f"{number:04}_0.jpg"]
        names[0].write_bytes(files[at].read_bytes())
        for copy in range(1 + number % 2):
            way = next(ways)
            names.append(folder / label / f"{number:04}_{copy + 1}.jpg")
            if WAYS[way] is None:
                names[-1].write_bytes(files[at].read_bytes())
            else:
                quality = 40 if way == "recompressed" else 85
                WAYS[way](image, random).save(names[-1], quality=quality)
            truth[frozenset(map(str, (names[0], names[-1])))] = way
        if len(names) > 2:
            truth[frozenset(map(str, names[1:]))] = "two copies"
    return truth


def true_bears() -> dict[frozenset[str], str]:
    """The pairs that a person found."""
    groups: dict[str, list[str]] = {}
    for row in csv.DictReader(shared("bears").with_name("bears-duplicates.csv").open()):
        groups.setdefault(row["group"], []).append(str(shared("bears") / row["file"]))
    return {frozenset(each): "exact" if Path(each[0]).read_bytes() == Path(each[1]).read_bytes() else "crop"
            for each in groups.values()}  # fmt: skip


def ours(folder: Path, *, features: bool) -> tuple[set[frozenset[str]], float]:
    """Pairs inside of our groups, exact and near, and seconds from the folder on."""
    home = new_cache()
    from bearwidgets.data.dataset import Dataset
    from bearwidgets.learn.learner import Learner
    from bearwidgets.review.checks.run import find_issues

    began = time.monotonic()
    ds = Dataset.from_folder(folder, workspace=home / "workspace")
    issues = find_issues(Learner(ds) if features else ds, ["exact_duplicates", "near_duplicates"])
    pairs = set()
    for name in issues.names:
        for _, group in issues.queue(name).groupby("group"):
            pairs |= {frozenset(map(str, each)) for each in itertools.combinations(ds.root / group.path, 2)}
    if issues.left_out:
        print(issues.left_out, file=sys.stderr)
    return pairs, time.monotonic() - began


def peer(python: str, folder: Path, which: str) -> tuple[set[frozenset[str]], float] | str:
    """Pairs and seconds, or why there are none."""
    try:
        found = ask(python, "-c", PEER, folder, which)
    except ValueError as error:
        return f"did not run: {str(error)[:90]}"
    return {frozenset(map(str, each)) for each in found["pairs"]}, found["seconds"]


def _closed(pairs: set[frozenset[str]]) -> set[frozenset[str]]:
    """The pairs, and those of copies of one copy: who shows a pair as the same bytes need not show it twice."""
    group: dict[str, set[str]] = {}
    for pair in pairs:
        whole = set().union(*(group.get(each, {each}) for each in pair))
        group.update(dict.fromkeys(whole, whole))
    unlike = {id(each): each for each in group.values()}.values()
    return {frozenset(each) for whole in unlike for each in itertools.combinations(whole, 2)}


def measure(name: str, folder: Path, truth: dict[frozenset[str], str], python: str) -> None:
    """Print precision and recall of all, and the recall of each way."""
    runs: dict[str, Any] = {
        "bearwidgets, no features": ours(folder, features=False),
        "bearwidgets, features": ours(folder, features=True),
    }
    for which in ("phash", "cnn", "cleanvision") if python else ():
        runs["cleanvision" if which == "cleanvision" else f"imagededup {which}"] = peer(python, folder, which)
    rows, by_way = [], []
    for who, result in runs.items():
        if isinstance(result, str):
            rows.append([who, result, "", "", "", ""])
            continue
        pairs, seconds = _closed(result[0]), result[1]
        right = pairs & set(truth)
        precision = len(right) / len(pairs) if pairs else float("nan")
        scores = [f"{each:.3f}" for each in (precision, len(right) / len(truth))]
        rows.append([who, len(pairs), len(right), *scores, f"{seconds:.1f} s"])
        by_way.append([who, *(
            f"{np.mean([pair in pairs for pair, each in truth.items() if each == way]):.2f}"
            for way in dict.fromkeys(truth.values())
        )])  # fmt: skip
        if who.startswith("bearwidgets"):
            for pair in sorted(map(sorted, pairs - set(truth))):
                print("  wrong:", *(Path(each).relative_to(folder) for each in pair))
            for pair, way in truth.items():
                if pair not in pairs:
                    print(f"  missed ({way}):", *sorted(str(Path(each).relative_to(folder)) for each in pair))
    head = ["who", "pairs", "right", "precision", "recall", "time"]
    print_table(f"{name}: {len(truth)} true pairs", head, rows)
    print_table(f"{name}: recall by the way of the copy", ["who", *dict.fromkeys(truth.values())], by_way)


def main() -> None:
    """Both sets; --n is the number of originals of the made one, --peer-python has imagededup and cleanvision."""
    options = parser(__doc__, n=200, seed=0, peer_python="").parse_args()
    measure("480 bears", shared("bears"), true_bears(), options.peer_python)
    folder = new_folder() / "copies"
    measure("made copies", folder, make_set(folder, options.n, options.seed), options.peer_python)


if __name__ == "__main__":
    main()
