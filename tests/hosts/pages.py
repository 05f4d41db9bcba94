"""Hosts without a kernel here: pages that stand in for VS Code and Colab, the page of nbconvert, runs to the end."""

from __future__ import annotations

import functools
import http.server
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar

from host import NO_CELLS, ROOT, Host

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Frame

PAGES = {"cleaner": "cleaner.html?n=60&height=600&queues", "matrix": "view.html?view=confusion&grid"}
FRAME = '<body style="margin:0"><iframe style="border:0;width:1042px;height:{height}px" src="{url}">'
DRESS = """([style, mark]) => {
  document.head.prepend(Object.assign(document.createElement("style"), { textContent: style }));
  document[mark[0]].setAttribute(mark[1], mark[2]);
}"""
DONE = "kernel.setJob({state: 'done', before: {error_rate: .1, n: 9}, after: {error_rate: .1, n: 9}})"


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        """Keeps the table readable."""


class StandIn(Host):
    """A page that looks as the host does to the widget; JavaScript plays the kernel."""

    packages = ()
    shows = ("cleaner", "matrix")
    limits: ClassVar = NO_CELLS | {"reload": "it keeps nothing"}
    height: ClassVar[int]  # of the frame, px
    grounds: ClassVar[dict[str, tuple[str, str]]]  # theme: background and text
    variables: ClassVar[str]
    mark: ClassVar[tuple[str, str, str]]

    @contextmanager
    def serve(self) -> Iterator[None]:
        handler = functools.partial(_Quiet, directory=str(ROOT))
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            self.url = f"http://127.0.0.1:{server.server_address[1]}"
            yield
            server.shutdown()

    def show(self) -> None:
        url = f"{self.url}/tests/browser/{PAGES[self.what]}"
        self.page.set_content(FRAME.format(height=self.height, url=url))
        self.frame.wait_for_function("window.kernel", timeout=15_000)
        ground, text = self.grounds[self.theme]
        style = (self.variables + "body { background: GROUND; color: TEXT }").replace("GROUND", ground)
        mark = [each.replace("THEME", self.theme) for each in self.mark]
        self.frame.evaluate(DRESS, [style.replace("TEXT", text), mark])

    @property
    def frame(self) -> Frame:
        return self.page.frames[-1]

    def decisions(self) -> list[str]:
        return self.frame.evaluate(
            "kernel.log.filter(m => /^(mark|undo)$/.test(m.op)).map(m => m.action ?? m.op)"
        )

    def asked(self, op: str) -> int:
        return self.frame.evaluate("op => kernel.log.filter(message => message.op === op).length", op)

    def let_train(self) -> None:
        self.frame.evaluate(DONE)


class VSCode(StandIn):
    """VS Code puts all outputs into one frame, far higher than the screen; ipywidgets sets white on :root."""

    title = "VS Code (stand-in page)"
    height = 12_000
    grounds: ClassVar = {"light": ("#ffffff", "#3b3b3b"), "dark": ("#1f1f1f", "#cccccc")}
    variables = """:root { --jp-layout-color1: white; --jp-ui-font-color1: rgb(0 0 0 / 87%) }
        body { padding-top: 5000px }"""  # other outputs, above this one
    mark = ("body", "class", "vscode-THEME")


class Colab(StandIn):
    """Colab sets two variables over those of ipywidgets and marks the page; each output has a frame of its own."""

    title = "Colab (stand-in page)"
    height = 700
    grounds: ClassVar = {"light": ("#ffffff", "#1f1f1f"), "dark": ("#383838", "#e3e3e3")}
    variables = ":root { --jp-layout-color1: white; --jp-layout-color2: GROUND; --jp-ui-font-color1: TEXT }"
    mark = ("documentElement", "theme", "THEME")


class StaticPage(Host):
    """The page that nbconvert makes of an executed notebook, its scripts from npm's packages."""

    title = "nbconvert page, offline"
    packages = ("nbconvert", "ipywidgets", "anywidget", "ipykernel")
    npm = ("@jupyter-widgets/html-manager", "requirejs", "anywidget")
    shows = ("static",)
    code = "views.cleaner()"

    @contextmanager
    def serve(self) -> Iterator[None]:
        theme = f"--HTMLExporter.theme={self.theme}"
        self.run("jupyter-nbconvert", "--to", "html", "--execute", theme, str(self.notebook(self.home)))
        self.url = f"file://{self.home}/show.html"
        yield


class Executed(Host):
    """Programs that run a notebook to its end and show nothing."""

    title = "papermill, jupyter execute"
    packages = ("papermill", "nbclient", "ipywidgets", "anywidget", "ipykernel")
    themes = ("light",)
    shows = ("executed",)
    code = "views.cleaner()"

    @contextmanager
    def serve(self) -> Iterator[None]:
        notebook = str(self.notebook(self.home))
        self.run("papermill", notebook, str(self.home / "out.ipynb"))
        self.run("jupyter-execute", notebook)
        self.url = "about:blank"
        yield
