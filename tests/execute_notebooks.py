"""Run the notebooks and keep their outputs, without the state of widgets: `make notebooks`."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
VIEW = "application/vnd.jupyter.widget-view+json"


def execute(path: Path) -> None:
    """Run one notebook in a folder of its own and write it back."""
    notebook = nbformat.read(path, 4)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["BEARWIDGETS_CACHE"] = f"{folder}/cache"
        client = NotebookClient(notebook, timeout=600, resources={"metadata": {"path": folder}})
        client.execute()
        notebook.metadata.pop("widgets", None)
        for cell in notebook.cells:
            cell.metadata.pop("execution", None)
            if cell.cell_type == "code":
                cell.outputs = [each for each in cell.outputs if each.get("name") != "stderr"]
                for output in cell.outputs:
                    output.get("data", {}).pop(VIEW, None)
        text = nbformat.writes(notebook).replace(f"{folder}/", "")
    path.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    for each in sorted(NOTEBOOKS.glob("*.ipynb")):
        print(each.name, flush=True)
        execute(each)
