"""What the benchmarks share: the data, the machine's name, tables, and fastai with the same body and weights."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import sys
import tempfile
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
sys.path.insert(0, str(ROOT / "tests" / "lab"))


def shared(name: str) -> Path:
    """A folder of the real data beside the repository; ends the program where it is absent."""
    folder = ROOT.parent / "shared" / "data" / name
    if not folder.is_dir():
        raise SystemExit(f"No data at {folder}; this benchmark needs it.")
    return folder.resolve()


def bears_copy() -> Path:
    """A writable copy of the 480 bears in a temporary folder, with a cold cache of its own."""
    home = Path(tempfile.mkdtemp(prefix="bearwidgets-bench-"))
    os.environ["BEARWIDGETS_CACHE"] = str(home / "cache")
    folder = home / "bears"
    shutil.copytree(shared("bears"), folder)
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    return folder


def machine() -> str:
    """One line: processor, cores, memory, versions, date."""
    model = platform.processor() or platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []:
        if line.startswith("model name"):
            model = line.split(":")[1].strip()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    names = ("bearwidgets", "torch", "timm", "fastai", "jupyterlab", "ipykernel", "anywidget")
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in names)
    date = datetime.now(timezone.utc).date()
    return f"{model}, {os.cpu_count()} cores, {memory:.0f} GB; Python {platform.python_version()}, {versions}; {date}"


def print_table(title: str, header: list[str], rows: list[list[Any]]) -> None:
    """A table in Markdown, ready for RESULTS.md."""
    print(f"\n### {title}\n")
    print("| " + " | ".join(header) + " |")
    print("|" + "---|" * len(header))
    for row in rows:
        print("| " + " | ".join(str(each) for each in row) + " |")
    print(f"\n{machine()}\n", flush=True)


def fastai_learner(table: Any, root: Path, seed: int) -> Any:
    """A fastai vision learner on the items of a bearwidgets table: same split, body and weights, 224 px."""
    import torch
    from fastai.vision.all import (
        CategoryBlock,
        DataBlock,
        ImageBlock,
        IndexSplitter,
        Normalize,
        Resize,
        error_rate,
        set_seed,
        vision_learner,
    )

    from bearwidgets.learn.network.weights import OFFLINE_ARCH, offline_weights

    set_seed(seed)
    rows = table.reset_index(drop=True)
    block = DataBlock(
        blocks=(ImageBlock, CategoryBlock),
        get_y=lambda path: labels[path],
        splitter=IndexSplitter(rows.index[rows.split == "valid"].tolist()),
        item_tfms=Resize(224),
        batch_tfms=Normalize.from_stats([0.5] * 3, [0.5] * 3, cuda=torch.cuda.is_available()),
    )
    paths = [root / path for path in rows.path]
    labels = dict(zip(paths, rows.label, strict=True))
    dls = block.dataloaders(paths, bs=64, num_workers=0)
    learn = vision_learner(dls, OFFLINE_ARCH, pretrained=False, metrics=error_rate, normalize=False)
    body = learn.model[0].model
    missing = body.load_state_dict(offline_weights(), strict=False).missing_keys
    assert not missing, missing
    learn.freeze()
    return learn
