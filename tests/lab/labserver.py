"""A JupyterLab server of its own, and one notebook in one page of it, driven by commands and never by clicks."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
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


def free_port() -> int:
    """A port of the loopback address that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def running(command: list[str], url: str, log: Path, **options: Any) -> Iterator[None]:
    """A server that answers at `url` for as long as the block lasts; `options` are those of `Popen`."""
    with log.open("w") as said:
        process = subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT, **options)
        try:
            _wait_for(url, process, log)
            yield
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


@contextmanager
def start_lab(
    home: Path, *, python: str = sys.executable, app: str = "jupyterlab", theme: str = "JupyterLab Light"
) -> Iterator[Server]:
    """JupyterLab on the loopback address, with settings, caches and kernels of its own in the folder `home`.

    `app` is the module that is started with `python`: "jupyterlab", "notebook" or "nbclassic".
    """
    settings = home / "config" / "lab" / "settings"
    settings.mkdir(parents=True)
    chosen = {
        "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
        "@jupyterlab/apputils-extension:themes": {"theme": theme},
    }
    (home / "data" / "lab" / "settings").mkdir(parents=True)
    (settings / "overrides.json").write_text(json.dumps(chosen))
    root = home / "work"
    root.mkdir()
    port = free_port()
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
        "--JupyterNotebookApp.expose_app_in_browser=True",
        f"--LabServerApp.app_settings_dir={settings}",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]
    url = f"http://127.0.0.1:{port}"
    command = [python, "-m", app, *options]
    with running(command, f"{url}/api?token={TOKEN}", home / "log", env=environment):
        yield Server(url, root)


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 90
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=2):  # noqa: S310 - our own server
                return
        except urllib.error.HTTPError:  # it answers
            return
        except OSError:
            time.sleep(0.2)
    raise RuntimeError(f"The server did not start:\n{log.read_text()[-3000:]}")


class Lab:
    """One notebook in one page."""

    def __init__(self, page: Page, server: Server, *, where: str = "doc/tree") -> None:
        self.page = page
        self.server = server
        self.where = where
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
        self.goto(name)

    def goto(self, name: str) -> None:
        """Open a notebook that is there, with its kernel ready."""
        self.page.goto(f"{self.server.url}/{self.where}/{name}?token={TOKEN}")
        self.page.wait_for_function("() => window.jupyterapp?.shell?.currentWidget?.context", timeout=60_000)
        self.page.evaluate(
            """async () => {
                 const { context, sessionContext } = window.jupyterapp.shell.currentWidget;
                 await context.ready;
                 await sessionContext.ready;
                 await sessionContext.session.kernel.info;
               }"""
        )

    def close(self) -> None:
        """Close the views of the kernel, then the page.

        The kernel lives on. A page that finds views in it brings them back, and a view that is made at the same time
        may never get an answer.
        """
        self.page.evaluate(
            """async () => {
                 const kernel = window.jupyterapp?.shell?.currentWidget?.sessionContext?.session?.kernel;
                 const code = "import ipywidgets; ipywidgets.Widget.close_all()";
                 if (kernel?.status === "idle") await kernel.requestExecute({ code, silent: true }).done;
               }"""
        )
        self.page.close()

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
