"""Review first: what share of the known bad images comes in the first looks, beside other orders.

    python tests/benchmarks/triage.py [--sets 10]

The 480 bears with a person's verdicts, and sets with planted faults, half of them made of the bears without a fault
and half of 32 px photos of six animals (CIFAR-10): 5 % wrong labels, 5 % off topic (real finds among the bears;
vehicles), 5 % duplicates, 3 % unreadable or poor. A look is an image, or all copies of one. "learned" is ordered
anew after every 20 looks of a person who answers by the truth. The other orders: `label_issue`; the best of all
checks by its own score, chosen anew for every number of looks; the queues one after the other, certain ones first;
a random order.
"""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from common import new_cache, parser, print_table, shared
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LOOKS = (20, 40, 80)
EVERY = 20
ANIMALS = ["bird", "cat", "deer", "dog", "frog", "horse"]
GOOD = 410  # images without a fault of a planted set, about as many as the bears have
UNSURE = "unsure"
Source = tuple["Path", str]
SPOIL: list[Callable[[Image.Image], Image.Image]] = [
    lambda image: image.filter(ImageFilter.GaussianBlur(max(image.size) / 60)),
    lambda image: ImageEnhance.Brightness(image).enhance(0.08),
    lambda image: Image.blend(image, Image.new("RGB", image.size, (250, 250, 250)), 0.95),
]
CHANGE: list[Callable[[Image.Image], Image.Image] | None] = [
    None,
    lambda image: image.crop((image.width // 10, image.height // 10, image.width * 9 // 10, image.height * 9 // 10)),
    ImageOps.mirror,
    lambda image: image.resize((image.width // 2, image.height // 2)) if min(image.size) > 100
    else ImageEnhance.Brightness(image).enhance(1.2),
]  # fmt: skip


class Case(NamedTuple):
    """A set, what was found in it, and what is wrong with each item: "" for nothing."""

    name: str
    issues: Any
    label_issue: pd.Series
    fault: pd.Series


# ---------------------------------------------------------------- the sets


def verdicts() -> dict[str, str]:
    """Path of a bear → the verdict of a person."""
    table = pd.read_csv(shared("bears").parent / "bears-verdicts.csv")
    return dict(zip(table.file, table.verdict, strict=True))


def good_and_strange(name: str, random: np.random.Generator) -> tuple[list[Source], list[Source]]:
    """Images without a fault, and images of something else, each with a label."""
    if name == "bears":
        root, said = shared("bears"), verdicts()
        copies = set(pd.read_csv(root.parent / "bears-duplicates.csv").file)
        files = [path.relative_to(root) for path in root.rglob("*.*") if path.is_file()]
        paths = sorted(path.as_posix() for path in files if not path.parts[0].startswith("."))  # no workspace
        good = [path for path in paths if path not in said and path not in copies]
        strange = [path for path, verdict in said.items() if verdict == "delete"]
        both = [[(root / path, path.split("/")[0]) for path in each] for each in (good, strange)]
        return both[0], both[1]
    root = shared("cifar10n")
    table = pd.read_csv(root / "labels.csv")
    known = [(root / path, label) for path, label in zip(table.path, table.clean, strict=True)]
    good = [each for each in known if each[1] in ANIMALS]
    strange = [(path, ANIMALS[random.integers(6)]) for path, label in known if label not in ANIMALS]
    random.shuffle(good)
    random.shuffle(strange)
    return good[:GOOD], strange


def plant(
    folder: Path, good: list[Source], strange: list[Source], random: np.random.Generator
) -> dict[str, str]:
    """Write a set; gives the fault by path. Duplicates and what is off topic come on top of the good ones."""
    good, faults = list(good), {}
    random.shuffle(good)
    n = round(len(good) / 0.9)
    five, three = round(0.05 * n), round(0.03 * n)
    classes = sorted({label for _, label in good})
    numbers = iter(random.permutation(10 * n).tolist())

    def put(
        source: Path, label: str, fault: str, change: Callable[[Image.Image], Image.Image] | None = None
    ) -> None:
        path = f"{label}/{next(numbers):05d}.jpg"
        (folder / label).mkdir(parents=True, exist_ok=True)
        if fault == "unreadable":
            (folder / path).write_bytes(rotten(source))
        elif change is None:
            (folder / path).write_bytes(source.read_bytes())
        else:
            change(Image.open(source).convert("RGB")).save(folder / path, quality=90)
        faults[path] = fault

    for at, (source, label) in enumerate(good):
        if at < five:
            put(source, random.choice([each for each in classes if each != label]), "wrong label")
        elif at < five + three:
            put(source, label, "poor" if at % 4 else "unreadable", SPOIL[at % 4 - 1] if at % 4 else None)
        else:
            put(source, label, "")
        if five + three <= at < 2 * five + three:
            put(source, label, "duplicate", CHANGE[at // 2 % 4] if at % 2 else None)
    for at in random.permutation(len(strange))[:five]:
        put(*strange[at], "off topic")
    return faults


def rotten(source: Path) -> bytes:
    """An image whose header is good and whose pixels do not decode."""
    data = io.BytesIO()
    Image.open(source).convert("RGB").save(data, "png")
    whole, middle = bytearray(data.getvalue()), len(data.getvalue()) // 2
    whole[middle : middle + 16] = bytes(16)
    return bytes(whole)


def case(name: str, folder: Path, faults: dict[str, str], workspace: Path) -> Case:
    """Train in the quick mode and run all checks."""
    import bearwidgets as bw

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # copies across the split, unreadable files: planted
        ds = bw.Dataset.from_folder(folder, workspace=workspace)
        issues = bw.find_issues(learn := bw.Learner(ds).fine_tune(4, progress=False))
        review = bw.Review(learn)
    table = issues.ds.table.set_index("id")  # without what does not decode: that is told before any look
    return Case(
        name, issues, review.table.label_issue.reindex(table.index), table.path.map(faults).fillna("")
    )


# ---------------------------------------------------------------- the orders


def units_of(issues: Any) -> pd.Series:
    """What is seen at one look, by id: the number of a group of copies, or one of the item's own below 0."""
    group = issues.triage.group.reindex(issues.table.index).fillna(-1).astype(int)
    return group.where(group >= 0, -1 - np.arange(len(group)))


def by_score(score: pd.Series) -> list[str]:
    """Ids, the highest score first."""
    return score.fillna(-1).sort_values(ascending=False, kind="stable").index.tolist()


def looks(ids: list[str], units: pd.Series) -> list[int]:
    """The looks that an order of ids stands for, each once."""
    return list(dict.fromkeys(units[ids].tolist()))


def learned(made: Case, units: pd.Series) -> list[int]:
    """The looks of a person who decides by the truth and gets the list anew after every 20."""
    taken: list[int] = []
    action = made.fault.map({"": "keep", UNSURE: UNSURE}).fillna("delete")
    while len(taken) < max(LOOKS):
        decided = action[units.isin(taken)].to_frame("action")
        ids = [*made.issues.triage_after(decided).index, *by_score(made.label_issue)]
        seen = set(taken)
        taken += [unit for unit in looks(ids, units) if unit not in seen][:EVERY]
    return taken


def orders(made: Case) -> dict[str, list[list[int]]]:
    """Looks by the name of an order; of several the best one counts."""
    issues, units = made.issues, units_of(made.issues)
    rest = by_score(made.label_issue)
    listed = [name for name in issues.names if name not in issues.findings]
    listed.sort(key=lambda name: not issues.summary.certain[name])
    fixed = [id_ for name in listed for id_ in issues.queue(name).index]
    return {
        "review first, learned": [learned(made, units)],
        "review first": [looks([*issues.triage.index, *rest], units)],
        "label_issue": [looks(rest, units)],
        "best single check": [looks(by_score(issues.table[f"{name}_score"]), units) for name in issues.names],
        "queues in a fixed order": [looks([*fixed, *rest], units)],
    }


def found(made: Case, *, unsure: bool = False) -> dict[str, list[float]]:
    """Share of the known bad in the first looks, by the name of the order."""
    units = units_of(made.issues)
    bad = (made.fault != "") & (unsure | (made.fault != UNSURE))
    shares = {
        name: [max(float(bad[units.isin(each[:k])].sum()) for each in tried) / bad.sum() for k in LOOKS]
        for name, tried in orders(made).items()
    }
    return shares | {"random": [min(1.0, k / units.nunique()) for k in LOOKS]}


def report(title: str, cases: list[Case], *, unsure: bool = False) -> None:
    """One table: the mean over the sets, and in how many of them an order is below the best single check."""
    shares = [found(each, unsure=unsure) for each in cases]
    rows = []
    for name in shares[0]:
        mean = np.mean([each[name] for each in shares], axis=0)
        below = sum(
            mine < best - 1e-9
            for each in shares
            for mine, best in zip(each[name], each["best single check"], strict=True)
        )
        rows.append(
            [name, *(f"{100 * value:.0f} %" for value in mean), f"{below} of {len(LOOKS) * len(cases)}"]
        )
    header = ["order", *(f"first {k}" for k in LOOKS), "below the best single check"]
    print_table(f"{title} ({len(cases)})" if len(cases) > 1 else title, header, rows)


def main() -> None:
    """Print the tables."""
    options = parser(__doc__, sets=10).parse_args()
    home = new_cache(keep=True)
    bears = case("bears", shared("bears"), verdicts(), home / "workspace")
    print(f"{len(bears.issues.triage)} images to review first")
    report("The bears: 50 to delete or relabel", [bears])
    report("The bears: these and 11 that a person was not sure of", [bears], unsure=True)
    planted: dict[str, list[Case]] = {"bears": [], "cifar10n": []}
    for seed in range(options.sets):
        name, random = "bears" if seed < options.sets / 2 else "cifar10n", np.random.default_rng(seed)
        folder = home / f"planted{seed}"
        faults = plant(folder, *good_and_strange(name, random), random)
        planted[name].append(case(name, folder, faults, home / f"workspace{seed}"))
        shares = found(planted[name][-1])
        print(name, seed, {name: np.round(each, 3).tolist() for name, each in shares.items()}, flush=True)
    for name, cases in planted.items():
        if cases:
            report(f"Planted in {name}", cases)


if __name__ == "__main__":
    main()
