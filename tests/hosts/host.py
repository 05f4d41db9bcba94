"""What a host is: a program that shows a widget in a page, started for one widget and one theme."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import sysconfig
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import nbformat

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from playwright.sync_api import Frame, Page, Route

ROOT = Path(__file__).resolve().parents[2]
NO_CELLS = {"keys stay here": "it has no cells"}


@dataclass
class Host:
    """One start of a host.

    Attributes:
        python: its interpreter.
        home: a folder of its own.
        theme: "light" or "dark".
        what: the function of `views` whose widget it shows: "cleaner", "matrix" or "box".
        page: an empty page, in which it shows the widget.
    """

    python: str
    home: Path
    theme: str
    what: str
    page: Page
    url: str = field(default="", init=False)

    title: ClassVar[str]
    packages: ClassVar[tuple[str, ...]]  # none: the page stands in for a host
    npm: ClassVar[tuple[str, ...]] = ()  # what its pages fetch from the network
    options: ClassVar[tuple[str, ...]] = ()  # for the installer
    themes: ClassVar[tuple[str, ...]] = ("light", "dark")
    shows: ClassVar[tuple[str, ...]] = ("cleaner", "matrix", "box")
    cells: ClassVar[str] = ""  # JavaScript that counts the cells
    limits: ClassVar[dict[str, str]] = NO_CELLS  # a probe that does not apply, and why

    @property
    def code(self) -> str:
        """The expression whose value is shown."""
        return f"views.{self.what}()"

    def notebook(self, folder: Path) -> Path:
        """A notebook that shows it."""
        cells = [nbformat.v4.new_code_cell(cell) for cell in ("import views", self.code)]
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        path = folder / "show.ipynb"
        nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), path)
        return path

    def serve(self) -> AbstractContextManager[None]:
        """Serves `url` for as long as it lasts."""
        raise NotImplementedError

    def show(self) -> None:
        """Have the page show the widget."""
        self.page.goto(self.url)

    def reload(self) -> None:
        """Load the page anew, as a person does who comes back."""
        self.page.reload()

    @property
    def frame(self) -> Frame:
        """Where in the page the widget is."""
        return self.page.main_frame

    def decisions(self) -> list[str]:
        """The actions so far, as the journal has them."""
        return [line["action"] for line in _lines(self.home / "bears" / ".bearwidgets" / "journal.jsonl")]

    def asked(self, op: str) -> int:
        """How many requests of a kind the kernel had."""
        return sum(line["op"] == op for line in _lines(self.home / "requests.jsonl"))

    def let_train(self) -> None:
        """Have a training that waits go on."""
        (self.home / "go").touch()

    def run(self, program: str, *arguments: str) -> None:
        """Run a program of its environment to its end."""
        command = [Path(self.python).with_name(program), *arguments]
        with (self.home / "log").open("a") as log:
            subprocess.run(command, cwd=self.home, stdout=log, stderr=log, check=True, timeout=180)

    def answer(self, route: Route) -> None:
        """Give what a page wants of the network from the packages of npm, or nothing."""
        modules = Path(self.python).parents[1] / "node_modules"
        found = re.search(r"/((?:@[\w-]+/)?[\w.-]+)@[^/]+/(.+)$", route.request.url)
        file = modules / found[1] / found[2] if found else modules / "requirejs" / "require.js"
        file = file if file.is_file() else file.with_name(f"{file.name}.js")
        wanted = file.exists() and (found or "require" in route.request.url)
        route.fulfill(path=file) if wanted else route.abort()

    @classmethod
    def install(cls, work: Path) -> str:
        """The interpreter of an environment that has the host, made once; the rest is that of this interpreter."""
        if not cls.packages:
            return sys.executable
        folder = work / "environments" / re.sub(r"[^\w.]+", "-", "-".join(cls.packages))
        python = folder / "bin" / "python"
        done = folder / "made"
        if not done.exists():
            site = folder / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
            steps = [
                ["uv", "venv", "-q", "--clear", "--python", sys.executable, folder],
                ["uv", "pip", "install", "-q", "--python", python, *cls.options, *cls.packages],
                ["npm", "install", "--silent", "--no-save", "--prefix", folder, *cls.npm],
            ]
            for step in steps if cls.npm else steps[:2]:
                subprocess.run(step, check=True)
            (site / "rest.pth").write_text(sysconfig.get_path("purelib") + "\n")
            done.touch()
        return str(python)

    @classmethod
    def versions(cls, python: str) -> str:
        """What was installed of the packages that the host is made of."""
        said = subprocess.run(
            ["uv", "pip", "list", "--python", python, "--format", "json"], capture_output=True, check=True
        )
        known = {each["name"]: each["version"] for each in json.loads(said.stdout)}
        names = [re.split(r"[=<>]", each)[0] for each in cls.packages if not each.startswith("ipykernel")]
        return ", ".join(f"{name} {known[name.replace('_', '-')]}" for name in names)


def _lines(path: Path) -> list[dict[str, str]]:
    text = path.read_text("utf-8") if path.exists() else ""
    return [json.loads(line) for line in text.splitlines()]
