"""The demo: from nothing to a grid of suspicious bears in JupyterLab."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import bearwidgets
from bearwidgets.cli import commands
from bearwidgets.cli.lab import open_lab
from bearwidgets.cli.say import say
from bearwidgets.figures import percent

NOTEBOOK = "01_clean_your_bears.ipynb"
PACKAGE = Path(bearwidgets.__file__).parent


def demo(options: Any) -> int:
    """Train on the sample bears or on own images, list what to review first, open JupyterLab."""
    from bearwidgets import Dataset, find_issues, sample_bears

    began = time.monotonic()
    if options.data:
        folder = Path(options.data)
    else:
        say("Drawing the sample bears …")
        folder = sample_bears("bears")
    ds = Dataset.from_folder(folder)
    say(ds)
    learn = commands.trained(ds, quiet=False)
    say(commands.review_first(find_issues(learn), 20))
    if (ds.table.split == "valid").any():
        scores = learn.evaluate("valid")
        say(
            f"\nHeld-out error {percent(scores['error_rate'], 1)} on {scores['n']} images; {scores['provenance']}."
        )
    say(f"Done in {time.monotonic() - began:.1f} s.")
    return commands.OK if options.no_lab else _open_lab(folder, options)


def _open_lab(folder: Path, options: Any) -> int:
    shipped = next(
        file
        for place in (PACKAGE, PACKAGE.parent)  # as installed; in a copy of the repository
        if (file := place / "notebooks" / NOTEBOOK).is_file()
    )
    return open_lab(folder, NOTEBOOK, shipped.read_bytes(), options)
