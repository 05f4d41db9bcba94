"""A JupyterLab server of its own, and one notebook in one page of it, driven by commands and never by clicks."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

TOKEN = "bearwidgets-tests"  # noqa: S105 - a server that lives for the tests, on the loopback address
# What JupyterLab itself and headless Chromium say; none of it is ours.
FOREIGN = (
    "favicon",
    "WebGL",
    "third-party cookie",
    "ResizeObserver loop",
    "/lsp/",
    "api/contents",
    "404 (Not Found)",
)


@dataclass
class Server:
    """A running JupyterLab."""

    url: str
    root: Path


@contextmanager
def start_lab(home: Path) -> Iterator[Server]:
    """JupyterLab on the loopback address, with settings, caches and kernels of its own in the folder `home`."""
    settings = home / "config" / "lab" / "settings"
    settings.mkdir(parents=True)
    quiet = {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False}}
    (home / "data" / "lab" / "settings").mkdir(parents=True)
    (settings / "overrides.json").write_text(json.dumps(quiet))
    root = home / "work"
    root.mkdir()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **os.environ,
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
        "IPYTHONDIR": str(home / "ipython"),
        "BEARWIDGETS_CACHE": str(home / "cache"),
    }
    options = [
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        "--ServerApp.open_browser=False",
        f"--IdentityProvider.token={TOKEN}",
        f"--ServerApp.root_dir={root}",
        "--ServerApp.allow_root=True",
        "--LabApp.expose_app_in_browser=True",
        f"--LabApp.app_settings_dir={settings}",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]
    log = (home / "log").open("w")
    process = subprocess.Popen(
        [sys.executable, "-m", "jupyterlab", *options], env=environment, stdout=log, stderr=subprocess.STDOUT
    )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_for(f"{url}/api?token={TOKEN}", process, home / "log")
        yield Server(url, root)
    finally:
        process.terminate()
        process.wait(20)
        log.close()


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 90
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=2):  # noqa: S310 - our own server
                return
        except OSError:
            time.sleep(0.2)
    raise RuntimeError(f"JupyterLab did not start:\n{log.read_text()[-3000:]}")


class Lab:
    """One notebook in one page."""

    def __init__(self, page: Page, server: Server) -> None:
        self.page = page
        self.server = server
        self.complaints: list[str] = []
        page.on("console", self._note)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _note(self, message: Any) -> None:
        text = f"{message.text} {message.location.get('url', '')}"
        if message.type == "error" and not any(each in text for each in FOREIGN):
            self.complaints.append(text)

    def open(self, cells: list[str] | Path, name: str = "test.ipynb") -> None:
        """Write a notebook of code cells, or copy one, and open it with its kernel ready."""
        if isinstance(cells, Path):
            notebook = nbformat.read(cells, 4)
        else:
            notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
            notebook.metadata["kernelspec"] = {
                "name": "python3",
                "display_name": "Python 3",
                "language": "python",
            }
        nbformat.write(notebook, self.server.root / name)
        self.page.goto(f"{self.server.url}/doc/tree/{name}?token={TOKEN}")
        self.page.wait_for_function("() => window.jupyterapp?.shell?.currentWidget?.context", timeout=60_000)
        self.page.evaluate(
            """async () => {
                 const { context, sessionContext } = window.jupyterapp.shell.currentWidget;
                 await context.ready;
                 await sessionContext.ready;
                 await sessionContext.session.kernel.info;
               }"""
        )

    def run_all(self, timeout: float = 240_000) -> None:
        """Run every cell by command and wait for the last one; a cell that raised fails the test."""
        self.page.set_default_timeout(timeout)
        self.page.evaluate(
            "async () => { await window.jupyterapp.commands.execute('notebook:run-all-cells'); }"
        )
        self.page.set_default_timeout(30_000)
        errors = self.page.evaluate(
            """() => [...window.jupyterapp.shell.currentWidget.context.model.cells]
                 .flatMap(cell => cell.type === 'code' ? cell.outputs.toJSON() : [])
                 .filter(output => output.output_type === 'error')
                 .map(output => output.ename + ': ' + output.evalue)"""
        )
        assert not errors, errors

    def start_cell(self, index: int) -> None:
        """Start one cell and do not wait for it."""
        self.page.evaluate(
            """index => {
                 const app = window.jupyterapp;
                 app.shell.currentWidget.content.activeCellIndex = index;
                 void app.commands.execute('notebook:run-cell');
               }""",
            index,
        )

    def run_cell(self, index: int, timeout: float = 240_000) -> None:
        """Run one cell by command and wait for it; one that raised fails."""
        self.page.set_default_timeout(timeout)
        outputs = self.page.evaluate(
            """async index => {
                 const app = window.jupyterapp;
                 app.shell.currentWidget.content.activeCellIndex = index;
                 await app.commands.execute('notebook:run-cell');
                 return app.shell.currentWidget.context.model.cells.get(index).outputs.toJSON();
               }""",
            index,
        )
        self.page.set_default_timeout(30_000)
        errors = [output for output in outputs if output["output_type"] == "error"]
        assert not errors, errors

    def text_of(self, index: int) -> str:
        """What a cell printed."""
        return self.page.evaluate(
            """index => window.jupyterapp.shell.currentWidget.context.model.cells.get(index).outputs.toJSON()
                 .filter(output => output.output_type === 'stream').map(output => output.text).flat().join('')""",
            index,
        )

    def save(self) -> dict[str, Any]:
        """Save the notebook by command; gives what lies on disk then."""
        self.page.evaluate("async () => { await window.jupyterapp.commands.execute('docmanager:save'); }")
        name = self.page.evaluate("() => window.jupyterapp.shell.currentWidget.context.path")
        return json.loads((self.server.root / name).read_text())

    def dark(self) -> None:
        """Switch to JupyterLab's dark theme."""
        self.page.evaluate(
            "async () => { await window.jupyterapp.commands.execute('apputils:change-theme',"
            " {theme: 'JupyterLab Dark'}); }"
        )
        self.page.wait_for_selector("body[data-jp-theme-light=false]", state="attached")
