"""The hosts that have a kernel: how each is started, where it shows the widget, how it is made dark."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar

from host import Host
from labserver import TOKEN, Lab, free_port, running, start_lab
from pages import Colab, Executed, StaticPage, VSCode

if TYPE_CHECKING:
    from collections.abc import Iterator

# Until the import has ended, nbclassic may still be putting back the views of a saved notebook.
RUN_CELL = """index => new Promise(done => {
  const { notebook } = Jupyter;
  notebook.events.one("finished_execute.CodeCell", done);
  notebook.execute_cells([index]);
})"""
JUPYTER = ("ipywidgets", "anywidget", "ipykernel")


class JupyterLab(Host):
    """JupyterLab: cells are run by command."""

    title = "JupyterLab, newest"
    packages = ("jupyterlab", *JUPYTER)
    limits: ClassVar = {}
    cells = "jupyterapp.shell.currentWidget.context.model.cells.length"
    app, where = "jupyterlab", "doc/tree"

    @contextmanager
    def serve(self) -> Iterator[None]:
        theme = f"JupyterLab {self.theme.title()}"
        with start_lab(self.home / "server", python=self.python, app=self.app, theme=theme) as server:
            self.notebook(server.root)
            self.lab = Lab(self.page, server, where=self.where)
            self.url = server.url
            yield

    def show(self) -> None:
        self.lab.goto("show.ipynb")
        for index in (0, 1):
            self.lab.run_cell(index)

    def reload(self) -> None:
        self.lab.save()
        self.page.reload()


class JupyterLab440(JupyterLab):
    """The first JupyterLab that is allowed, with the newest of all others."""

    title = "JupyterLab 4.4.0"
    packages = ("jupyterlab==4.4.0", *JUPYTER)


class Lowest(JupyterLab):
    """The lowest versions that pyproject.toml allows of what has a front end."""

    title = "JupyterLab, lowest versions"
    packages = ("jupyterlab>=4.4", "ipywidgets>=8.1", "anywidget>=0.9.13", "ipykernel>=6.29")
    options = ("--resolution", "lowest-direct")


class Notebook(JupyterLab):
    """Notebook 7, which is made of JupyterLab's parts."""

    title = "Notebook 7"
    packages = ("notebook>=7", *JUPYTER)
    app, where = "notebook", "notebooks"


class NbClassic(JupyterLab):
    """The notebook of old; it has no dark theme, its system may have one."""

    title = "nbclassic"
    packages = ("nbclassic", *JUPYTER)
    themes = ("light",)
    cells = "Jupyter.notebook.get_cells().length"
    app = "nbclassic"

    def show(self) -> None:
        self.page.goto(f"{self.url}/notebooks/show.ipynb?token={TOKEN}")
        self.page.wait_for_function("window.Jupyter?.notebook?.kernel?.is_connected()", timeout=60_000)
        for index in (0, 1):
            self.page.evaluate(RUN_CELL, index)

    def reload(self) -> None:
        self.page.evaluate("Jupyter.notebook.save_checkpoint()")
        self.page.reload()


class App(Host):
    """A program in one file, served by one command."""

    program: ClassVar[str]  # with {code} and {theme}; none: a notebook
    command: ClassVar[str]  # with {file}, {port} and {theme}
    path: ClassVar[str] = ""

    @contextmanager
    def serve(self) -> Iterator[None]:
        file = self.home / "app.py"
        if self.program:
            file.write_text(self.program.format(code=self.code, theme=self.theme))
        else:
            file = self.notebook(self.home)
        port = free_port()
        command = self.command.format(file=file, port=port, theme=self.theme).split()
        server = f"http://127.0.0.1:{port}"
        self.url = server + self.path.format(theme=self.theme)
        # What is asked for at the start is not the widget: a server may run the program for each visit.
        with running([self.python, "-m", *command], f"{server}/ready", self.home / "log", cwd=self.home):
            yield


class Voila(App):
    """Voilà: a notebook without its cells, a kernel for each visit."""

    title = "Voilà"
    packages = ("voila", *JUPYTER)
    program = ""
    command = "voila {file} --port={port} --no-browser --theme={theme}"


class MarimoRun(App):
    """marimo as an app."""

    title = "marimo run"
    packages = ("marimo",)
    shows = ("cleaner", "matrix")  # it has no ipywidgets boxes
    program = """# /// script
# [tool.marimo.display]
# theme = "{theme}"
# ///
import marimo

app = marimo.App()


@app.cell
def _():
    import views

    {code}
    return


if __name__ == "__main__":
    app.run()
"""
    command = "marimo run {file} --headless --no-token --port {port}"


class MarimoEdit(MarimoRun):
    """marimo as a notebook."""

    title = "marimo edit"
    limits: ClassVar = {}
    command = "marimo -y edit {file} --headless --no-token --port {port}"
    cells = "document.querySelectorAll('[data-cell-id]').length"

    def show(self) -> None:
        self.page.goto(self.url)
        connect, cell = self.page.get_by_text("Click to connect"), self.page.locator(".cm-content")
        connect.or_(cell).first.wait_for(timeout=60_000)  # a busy machine makes marimo give up waiting
        if connect.is_visible():
            connect.click()
        cell.click(timeout=60_000)
        self.page.keyboard.press("Control+Enter")


class Panel(App):
    """Panel, where the widget stands in a column that is as wide as what it holds."""

    title = "Panel, pn.Column(cleaner)"
    packages = ("panel", "ipywidgets_bokeh")
    npm = ("anywidget", "requirejs")
    program = """import panel as pn
import views

pn.extension("ipywidgets")
pn.Column({code}).servable()
"""
    command = "panel serve {file} --port {port}"
    path = "/app?theme={theme}"


class PanelWide(Panel):
    """Panel, where the widget is as wide as the page."""

    title = "Panel, stretch_width"
    shows = ("cleaner",)
    program = """import panel as pn
import views

pn.extension("ipywidgets")
pn.pane.IPyWidget({code}, sizing_mode="stretch_width").servable()
"""


class Solara(App):
    """Solara's own server."""

    title = "Solara"
    packages = ("solara", "anywidget")
    npm = ("requirejs", "@widgetti/solara-vuetify3-app@5.2.0")  # Solara 1.64 asks for this version
    program = """import solara
import views


@solara.component
def Page():
    shown = solara.use_memo(lambda: {code}, [])
    solara.display(shown)
"""
    command = "solara run {file} --port {port} --no-open --theme-variant {theme}"


HOSTS: dict[str, type[Host]] = {
    "lab": JupyterLab,
    "lab440": JupyterLab440,
    "lowest": Lowest,
    "notebook": Notebook,
    "nbclassic": NbClassic,
    "voila": Voila,
    "marimo": MarimoEdit,
    "marimo-run": MarimoRun,
    "panel": Panel,
    "panel-wide": PanelWide,
    "solara": Solara,
    "vscode": VSCode,
    "colab": Colab,
    "nbconvert": StaticPage,
    "execute": Executed,
}
