"""Random clicks and keys in a Cleaner in a real JupyterLab: no cell of the notebook may change, and no view be lost.

python tests/lab/monkey.py [--acts 2000] [--seed 0]
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if __name__ == "__main__":
    sys.path[:0] = [str(each) for each in (Path(__file__).parents[2], Path(__file__).parents[1])]

from labserver import Lab, start_lab

if TYPE_CHECKING:
    from playwright.sync_api import Page

KEYS = [
    *"abcdefghijklmnopqrsuvwxyz0123456789/?.,-",
    *("Enter", "Escape", "Delete", "Backspace", "Space", "Home", "End", "PageUp", "PageDown"),
    *("ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Shift+ArrowDown", "Control+a", "Control+z"),
    *("Shift+Enter", "Control+Enter", "Shift+m", "Control+Shift+z"),
]
SOURCES = """() => [...window.jupyterapp.shell.currentWidget.context.model.cells]
    .map(cell => cell.type + cell.sharedModel.source)"""


def act_at_random(page: Page, acts: int, seed: int) -> str:
    """Click and type in the first view; the first act after which the notebook or the view is another one, or ""."""
    chance = random.Random(seed)  # noqa: S311
    view = page.locator(".bw-root").first
    view.scroll_into_view_if_needed()
    page.locator(".bw-cell").first.click()
    before = page.evaluate(SOURCES)
    last = "the first click"
    for number in range(acts):
        if chance.random() < 0.4:
            box = view.bounding_box()
            x, y = box["x"] + box["width"] * chance.random(), box["y"] + box["height"] * chance.random()
            page.mouse.click(x, y, click_count=chance.choice([1, 1, 1, 2]))
            last = f"{last}, a click at {x - box['x']:.0f}, {y - box['y']:.0f}"
        else:
            key = chance.choice(KEYS)
            page.keyboard.press(key)
            last = f"{last}, {key}"
        if number % 10 == 0 or number == acts - 1:
            if page.evaluate(SOURCES) != before:
                return f"the notebook changed after act {number}: {last}"
            if view.count() != 1 or not view.is_visible():
                return f"the view was lost after act {number}: {last}"
            last = ""
    return ""


def main() -> int:
    """Run from the command line."""
    from install_browser import FLAGS, find_browser
    from playwright.sync_api import sync_playwright
    from test_notebooks import open_cleaner

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--acts", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="bearwidgets-", ignore_cleanup_errors=True) as home,
        start_lab(Path(home)) as server,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=find_browser(), args=FLAGS)
        lab = Lab(browser.new_page(viewport={"width": 1400, "height": 1000}), server)
        open_cleaner(lab, "1 + 1", "2 + 2")
        problem = act_at_random(lab.page, options.acts, options.seed)
        complaints = "; ".join(lab.complaints)
        lab.page.screenshot(path=str(Path(home).parent / "bearwidgets-monkey.png"))
        browser.close()
    said = problem or "no cell changed, no view lost"
    print(f"{options.acts} acts, seed {options.seed}: {said}. Console: {complaints or 'nothing'}")
    return 1 if problem or complaints else 0


if __name__ == "__main__":
    raise SystemExit(main())
