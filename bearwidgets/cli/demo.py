"""The demo: from nothing to a grid of suspicious bears in JupyterLab."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import bearwidgets
from bearwidgets.cli import commands
from bearwidgets.cli.say import say
from bearwidgets.figures import percent
from bearwidgets.files import explain, write_atomic

NOTEBOOK = "01_clean_your_bears.ipynb"
PACKAGE = Path(bearwidgets.__file__).parent


def demo(options: Any) -> int:
    """Train on the sample bears or on own images, list the suspects, open JupyterLab."""
    from bearwidgets import Dataset, Review, sample_bears

    began = time.monotonic()
    if options.data:
        folder = Path(options.data)
    else:
        say("Drawing the sample bears …")
        folder = sample_bears("bears")
    ds = Dataset.from_folder(folder)
    say(ds)
    learn = commands.trained(ds, quiet=False)
    say(commands.suspects(Review(learn), 20))
    if (ds.table.split == "valid").any():
        scores = learn.evaluate("valid")
        say(
            f"\nHeld-out error {percent(scores['error_rate'], 1)} on {scores['n']} images; {scores['provenance']}."
        )
    say(f"Done in {time.monotonic() - began:.1f} s.")
    return commands.OK if options.no_lab else _open_lab(folder, options)


def _open_lab(folder: Path, options: Any) -> int:
    """JupyterLab on a notebook in the working folder, until a person ends it."""
    notebook = _own_notebook()
    if importlib.util.find_spec("jupyterlab") is None:
        say(f"To continue: pip install 'bearwidgets[lab]', then jupyter lab {notebook}")
        return commands.FAILED
    command = [sys.executable, "-m", "jupyterlab", *_lab_options(options), str(notebook)]
    environment = {**os.environ, "BEARWIDGETS_DATA": str(folder.resolve())}
    with subprocess.Popen(command, env=environment) as lab:  # noqa: S603 - our own Python
        signal.signal(signal.SIGTERM, lambda *_: lab.terminate())
        while lab.poll() is None:
            with contextlib.suppress(
                KeyboardInterrupt
            ):  # JupyterLab hears Ctrl+C too, and asks whether to end
                lab.wait()
    return lab.returncode


def _own_notebook() -> Path:
    """A copy of the notebook in the working folder; one that is there is a person's own and stays as it is."""
    shipped = next(
        file
        for folder in (PACKAGE, PACKAGE.parent)  # as installed; in a copy of the repository
        if (file := folder / "notebooks" / NOTEBOOK).is_file()
    )
    notebook = Path(NOTEBOOK)
    if notebook.exists():
        say(f"{notebook} is here already; it is opened as it is.")
        return notebook
    try:
        write_atomic(notebook, shipped.read_bytes())
    except OSError as error:
        way_out = "Call it in a folder that can be written."
        raise explain(error, notebook.resolve(), "JupyterLab was not opened.", way_out) from error
    return notebook


def _lab_options(options: Any) -> list[str]:
    """What of the options is JupyterLab's; without --allow-root it does not run as root, as in most containers."""
    values = [f"--{name}={value}" for name in ("ip", "port") if (value := getattr(options, name)) is not None]
    root = options.allow_root or (hasattr(os, "geteuid") and os.geteuid() == 0)
    return [*values, *["--no-browser"] * options.no_browser, *["--allow-root"] * root]
