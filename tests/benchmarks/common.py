"""What the benchmarks share: the data, the machine's name, tables, and fastai with the same body and weights."""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import warnings
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    import pandas as pd

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
sys.path.insert(0, str(ROOT / "tests" / "lab"))


def shared(name: str) -> Path:
    """A folder of the real data beside the repository; ends the program where it is absent."""
    folder = ROOT.parent / "shared" / "data" / name
    if not folder.is_dir():
        raise SystemExit(f"No data at {folder}; this benchmark needs it.")
    return folder.resolve()


def parser(text: str | None, **defaults: Any) -> argparse.ArgumentParser:
    """The options of a benchmark: its docstring, and one option for each default, of the default's type."""
    made = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in defaults.items():
        made.add_argument(f"--{name.replace('_', '-')}", type=type(default), default=default)
    return made


def new_folder() -> Path:
    """A new temporary folder."""
    return Path(tempfile.mkdtemp(prefix="bearwidgets-bench-"))


def new_cache(*, keep: bool = False) -> Path:
    """A new temporary folder that holds the cache from now on; with `keep` one that the user has set stays."""
    home = new_folder()
    if not keep or "BEARWIDGETS_CACHE" not in os.environ:
        os.environ["BEARWIDGETS_CACHE"] = str(home / "cache")
    return home


def features_of(frame: pd.DataFrame, root: Path, size: int) -> np.ndarray:
    """Features (n, d) of the images of a frame (path, label) by the offline network, at a size in px."""
    import bearwidgets as bw

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ds = bw.Dataset.from_df(
            frame[["path", "label"]], root=root, valid_pct=0, workspace=new_cache(keep=True)
        )
        learn = bw.Learner(ds, size=size)
        for _ in learn.compute_features():
            pass
    contents = ds.table.set_index("path").content.reindex(frame.path)
    return learn.features.array(contents.tolist())


def bears_copy() -> Path:
    """A writable copy of the 480 bears in a temporary folder, with a cold cache of its own."""
    folder = new_cache() / "bears"
    shutil.copytree(shared("bears"), folder)
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    return folder


def ask(python: str, *arguments: object) -> Any:
    """The JSON that another process prints in its last line.

    Args:
        python: The interpreter.
        arguments: For it: a file, or `-c` and a program, and what that takes.

    Raises:
        ValueError: The process failed; the text is the last line of its error.
    """
    command = [python, *map(str, arguments)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    if done.returncode:
        raise ValueError(done.stderr.strip().splitlines()[-1])
    return json.loads(done.stdout.splitlines()[-1])


def middle_and_slow(times: list[float], digits: int = 0) -> str:
    """The median and the 95th percentile of some times in milliseconds."""
    ordered = sorted(times)
    chosen = [ordered[min(len(times) - 1, int(share * len(times)))] for share in (0.5, 0.95)]
    return " / ".join(f"{each:.{digits}f}" for each in chosen) + " ms"


def peak() -> float:
    """Largest resident memory of this process so far, MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@contextmanager
def open_lab() -> Iterator[Any]:
    """A page of a real JupyterLab of its own, in headless Chromium."""
    from install_browser import FLAGS, find_browser
    from labserver import Lab, start_lab
    from playwright.sync_api import sync_playwright

    with start_lab(new_folder()) as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=FLAGS)
        yield Lab(browser.new_page(viewport={"width": 1400, "height": 1000}), server)
        browser.close()


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


def fastai_loaders(table: Any, root: Path, item: list[Any], batch: list[Any], batch_size: int) -> Any:
    """fastai's loaders on the items of a bearwidgets table, same split, with these transforms."""
    from fastai.vision.all import CategoryBlock, DataBlock, ImageBlock, IndexSplitter

    rows = table.reset_index(drop=True)
    paths = [root / path for path in rows.path]
    labels = dict(zip(paths, rows.label, strict=True))
    block = DataBlock(
        blocks=(ImageBlock, CategoryBlock),
        get_y=lambda path: labels[path],  # fastcore asks for a signature, which methods of dict lack
        splitter=IndexSplitter(rows.index[rows.split == "valid"].tolist()),
        item_tfms=item,
        batch_tfms=batch,
    )
    return block.dataloaders(paths, bs=batch_size, num_workers=0)


def fastai_learner(table: Any, root: Path, seed: int) -> Any:
    """A fastai vision learner on the items of a bearwidgets table: same split, body and weights, 224 px."""
    import torch
    from fastai.vision.all import Normalize, Resize, error_rate, set_seed, vision_learner

    from bearwidgets.learn.network.bodies import OFFLINE_ARCH
    from bearwidgets.learn.network.weights import offline_weights

    set_seed(seed)
    normalize = Normalize.from_stats([0.5] * 3, [0.5] * 3, cuda=torch.cuda.is_available())
    dls = fastai_loaders(table, root, [Resize(224)], [normalize], 64)
    learn = vision_learner(dls, OFFLINE_ARCH, pretrained=False, metrics=error_rate, normalize=False)
    body = learn.model[0].model
    missing = body.load_state_dict(offline_weights(), strict=False).missing_keys
    assert not missing, missing
    learn.freeze()
    return learn
