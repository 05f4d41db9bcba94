"""The Cleaner as a place to work in, in a real JupyterLab on the bears: room for images, inputs, size.

    python tests/benchmarks/workplace.py [--shots FOLDER]

The share is the height of the grid in that of the view, at the height it has by default and at three widths of it;
inputs are presses of a key or the mouse until 50 suspects are decided, all in the order in which the view shows them,
each as it proposes (Enter), or kept (K) where it proposes nothing. `--shots` takes a screenshot of each width, light
and dark.
"""

from __future__ import annotations

from pathlib import Path

from common import ROOT, bears_copy, open_lab, parser, print_table

OPEN = "import bearwidgets as bw; cleaner = bw.clean({folder!r}); cleaner"
WAIT = "cleaner.wait(); print(len(cleaner.ds))"
WIDTHS = (1280, 900, 640)
SUSPECTS = 50
MEASURE = """() => {
  const height = selector => document.querySelector(selector).getBoundingClientRect().height;
  const grid = document.querySelector('.bw-grid').getBoundingClientRect();
  const images = [...document.querySelectorAll('.bw-cell')].map(each => each.getBoundingClientRect());
  const whole = images.filter(box => box.top >= grid.top - 1 && box.bottom <= grid.bottom + 1).length;
  return [height('.bw-grid') / height('.bw-root'), whole];
}"""


def main() -> None:
    """Open, measure, decide, print."""
    options = parser(__doc__, shots="").parse_args()
    shots = Path(options.shots) if options.shots else None
    folder = bears_copy()
    rows: list[list[object]] = []
    with open_lab() as lab:
        page = lab.page
        lab.open([OPEN.format(folder=str(folder)), WAIT])
        lab.run_cell(0)
        lab.run_cell(1, timeout=600_000)
        page.wait_for_selector(".bw-cell img")
        page.locator(".bw-cell").first.click()
        outside = page.viewport_size["width"] - page.locator(".bw-root").bounding_box()["width"]
        for dark in (False, True):
            if dark:
                lab.dark()
            for width in WIDTHS:
                page.set_viewport_size({"width": round(width + outside), "height": 1000})
                page.wait_for_function(
                    f"Math.abs(document.querySelector('.bw-root').offsetWidth - {width}) < 3"
                )
                page.wait_for_function("!document.querySelector('.bw-waiting')")
                share, tiles = page.evaluate(MEASURE)
                if not dark:
                    rows.append([f"share of the height for images, {width} px", f"{share:.0%}"])
                    rows.append([f"whole tiles on the screen, {width} px", tiles])
                if shots:
                    page.screenshot(path=str(shots / f"{width}-{'dark' if dark else 'light'}.png"))
        page.set_viewport_size({"width": round(WIDTHS[0] + outside), "height": 1000})
        page.keyboard.press("0")
        page.wait_for_selector(".bw-dense")
        page.wait_for_function("!document.querySelector('.bw-waiting')")
        rows.append([f"whole tiles on the screen, {WIDTHS[0]} px, dense", page.evaluate(MEASURE)[1]])
        if shots:
            page.screenshot(path=str(shots / "dense-dark.png"))
        page.keyboard.press("0")
        page.locator(".bw-cell").first.click()
        inputs = 1
        while (
            int(page.locator(".bw-root").get_attribute("data-marked") or 0) < SUSPECTS
            and inputs < 2 * SUSPECTS
        ):
            page.keyboard.press("Enter" if "Enter" in page.inner_text(".bw-keys") else "k")
            inputs += 1
            page.wait_for_timeout(150)
        marked = page.locator(".bw-root").get_attribute("data-marked")
        rows.append([f"inputs until {SUSPECTS} suspects are decided ({marked} were)", inputs])
    for name in ("cleaner", "confusion"):
        size = sum(
            (ROOT / "bearwidgets" / "static" / f"{name}.{ending}").stat().st_size for ending in ("js", "css")
        )
        rows.append([f"code of the {name} view, packed", f"{size / 1000:.1f} KB"])
    print_table("The Cleaner as a place to work in", ["", "figure"], rows)


if __name__ == "__main__":
    main()
