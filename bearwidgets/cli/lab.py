"""JupyterLab on a notebook of one's own, from the command line."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from bearwidgets.cli import commands
from bearwidgets.cli.say import say
from bearwidgets.files import explain, write_atomic


def clean(options: Any) -> int:
    """Read a folder and open JupyterLab on a notebook that cleans it."""
    from bearwidgets import Dataset

    ds = Dataset.from_folder(options.folder)  # what is wrong with it is said before JupyterLab starts
    say(ds)
    cells = ["import bearwidgets as bw", f"cleaner = bw.clean({options.folder!r})\ncleaner"]
    return open_lab(ds.root, f"clean_{ds.root.name}.ipynb", _notebook(cells), options)


def _notebook(cells: list[str]) -> bytes:
    """A notebook of these cells of code, none of which was run."""
    none_run: dict[str, Any] = {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": []}
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    content = {
        "cells": [{"id": f"cell-{n}", "source": cell, **none_run} for n, cell in enumerate(cells)],
        "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(content, indent=1).encode()


def open_lab(folder: Path, name: str, content: bytes, options: Any) -> int:
    """JupyterLab on a notebook in the working folder, until a person ends it.

    The notebook finds the folder of images in `BEARWIDGETS_DATA`; one of this name that is there stays as it is.
    """
    notebook = Path(name)
    if notebook.exists():
        say(f"{notebook} is here already; it is opened as it is.")
    else:
        try:
            write_atomic(notebook, content)
        except OSError as error:
            way_out = "Call it in a folder that can be written."
            raise explain(error, notebook.resolve(), "JupyterLab was not opened.", way_out) from error
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


def _lab_options(options: Any) -> list[str]:
    """What of the options is JupyterLab's; without --allow-root it does not run as root, as in most containers."""
    values = [f"--{name}={value}" for name in ("ip", "port") if (value := getattr(options, name)) is not None]
    root = options.allow_root or (hasattr(os, "geteuid") and os.geteuid() == 0)
    return [*values, *["--no-browser"] * options.no_browser, *["--allow-root"] * root]
