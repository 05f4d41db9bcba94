"""The map of the images: from features to a settled map, frames a second, lasso, neighbors kept beside pacmap.

    python tests/benchmarks/image_map.py [--runs 3] [--points 100000] [--pacmap VENV/bin/python]

The first table is a real JupyterLab with 6,000 CIFAR images whose features are at hand: times count from the run of
the cell that shows it. The second is made-up points in a page of their own; a frame counts when it was painted with
the camera moved. The third has the layout alone, ours in Node, PaCMAP's in a process of its own, from the features.
"""

from __future__ import annotations

import http.server
import json
import os
import subprocess
import threading
import time
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np
from common import ROOT, ask, new_cache, new_folder, open_lab, parser, print_table, shared

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page

SET_UP = """
import os
os.environ["BEARWIDGETS_CACHE"] = {cache!r}
import numpy as np, pandas as pd, torch
import bearwidgets as bw
rows = pd.read_csv({folder!r} + "/labels.csv")
ds = bw.Dataset.from_df(rows, root={folder!r}, path="path", label="aggregate", workspace={home!r})
learn = bw.Learner(ds).fine_tune(4)
review = bw.Review(learn)
bw.ImageMap, bw.Cleaner
np.save({home!r} + "/features.npy", learn.features.array(ds.table.content.tolist()))
"""
SHOW = "bw.ImageMap(review)"
WATCH = """() => {
  window.bwTimes = {};
  const began = performance.now();
  const look = () => {
    const root = document.querySelector(".bw-map");
    for (const name of ["ready", "settled"]) if (root?.dataset[name]) bwTimes[name] ??= performance.now() - began;
    if (!bwTimes.settled) requestAnimationFrame(look);
  };
  look();
}"""
# Every frame gets one move, and is counted once it was painted.
FRAMES = """async ([frames, button]) => {
  const stage = document.querySelector(".bw-map-stage");
  stage.setPointerCapture = () => {};
  const box = stage.getBoundingClientRect();
  const frame = () => new Promise((done) => requestAnimationFrame(done));
  const send = (kind, i) => stage.dispatchEvent(new PointerEvent(kind, {
    pointerId: 1, button, bubbles: true,
    clientX: box.x + box.width / 2 + 40 * Math.sin(i / 9), clientY: box.y + box.height / 2 + 40 * Math.cos(i / 9),
  }));
  send("pointerdown", 0);
  await frame();
  const began = performance.now();
  for (let i = 1; i <= frames; i++) {
    send("pointermove", i);
    await frame();
  }
  const took = performance.now() - began;
  send("pointercancel", 0);
  return frames / (took / 1000);
}"""
LASSO = """() => {
  const stage = document.querySelector(".bw-map-stage");
  const frame = () => new Promise((done) => requestAnimationFrame(done));
  window.bwLasso = new Promise((done) => stage.addEventListener("pointerup", async () => {
    const began = performance.now();
    await frame();
    await frame();
    done(performance.now() - began);
  }, { capture: true, once: true }));
}"""
LAYOUT = """
import { readFileSync, writeFileSync } from "node:fs";
const { placed, settle } = await import(process.argv[1]);
const folder = process.argv[2];
const dims = Number(process.argv[3]);
const read = (name, Kind) => new Kind(new Uint8Array(readFileSync(`${folder}/${name}`)).buffer);
const start = read("start", Float32Array);
const pairs = Object.fromEntries(["near", "mid", "far"].map((name) => [name, read(name, Int32Array)]));
const at = new Float32Array((start.length / 3) * dims);
const began = performance.now();
for (const _ of settle(start, dims, pairs, at));
const seconds = (performance.now() - began) / 1000;
writeFileSync(`${folder}/positions`, placed(at, dims, start));
console.log(JSON.stringify(seconds));
"""
PACMAP = """
import json, sys, time
began = time.perf_counter()
import numpy as np, pacmap
loaded = time.perf_counter() - began
unit = np.load(sys.argv[1])
began = time.perf_counter()
found = pacmap.PaCMAP(n_components=int(sys.argv[3]), random_state=0).fit_transform(unit)
seconds = time.perf_counter() - began
np.save(sys.argv[2], found)
print(json.dumps([loaded, seconds, pacmap.__version__ if hasattr(pacmap, "__version__") else ""]))
"""


def in_jupyterlab(home: Path, runs: int) -> list[list[Any]]:
    """Times of the real map of 6,000 images."""
    cache, folder = os.environ["BEARWIDGETS_CACHE"], str(shared("cifar10n"))
    rows = []
    with open_lab() as lab:
        lab.open([SET_UP.format(cache=cache, folder=folder, home=str(home)), *[SHOW] * runs])
        lab.run_cell(0, timeout=1_200_000)
        for run in range(runs):
            lab.page.evaluate(WATCH)
            lab.run_cell(run + 1)
            lab.page.wait_for_function("window.bwTimes.settled", timeout=60_000)
            times = lab.page.evaluate("window.bwTimes")
            rows.append([run, f"{times['ready'] / 1000:.2f} s", f"{times['settled'] / 1000:.2f} s"])
            lab.page.evaluate("document.querySelectorAll('.bw-root').forEach((each) => each.remove())")
    return rows


def frames_a_second(points: int, runs: int) -> list[list[Any]]:
    """Moving, turning and selecting made-up points."""
    from install_browser import FLAGS, find_browser
    from playwright.sync_api import sync_playwright

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Quiet) as server, sync_playwright() as playwright:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        browser = playwright.chromium.launch(executable_path=find_browser(), args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto(
            f"http://127.0.0.1:{server.server_address[1]}/tests/browser/view.html?view=map&few&n={points}"
        )
        page.wait_for_selector("[data-ready]", timeout=60_000)
        flat = [page.evaluate(FRAMES, [90, 2]) for _ in range(runs)]
        lassos = [_lasso(page) for _ in range(runs)]
        page.locator(".bw-map-stage").focus()
        page.keyboard.press("Escape")
        page.keyboard.press("3")
        deep = [page.evaluate(FRAMES, [90, 0]) for _ in range(runs)]
        for _ in range(4):
            page.keyboard.press("+")
        page.wait_for_timeout(2000)
        images = [page.evaluate(FRAMES, [90, 0]) for _ in range(runs)]
        browser.close()
        server.shutdown()
    return [
        ["panning, frames a second", f"{median(flat):.0f}", "45"],
        ["turning in 3-D, frames a second", f"{median(deep):.0f}", "45"],
        ["the same closer, with images on it", f"{median(images):.0f}", ""],
        ["lasso, from letting go to the frame that shows it", f"{median(lassos):.0f} ms", "100 ms"],
    ]


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, directory=str(ROOT), **options)

    def log_message(self, *args: object) -> None:
        """Keeps the table readable."""


def _lasso(page: Page) -> float:
    """Milliseconds of a lasso of 120 corners around most points."""
    box = page.locator(".bw-map-stage").bounding_box()
    assert box
    page.locator(".bw-map-stage").focus()
    page.keyboard.press("l")
    page.evaluate(LASSO)
    x, y, r = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, box["height"] * 0.4
    angles = np.linspace(0, 2 * np.pi, 120)
    page.mouse.move(x + r, y)
    page.mouse.down()
    for angle in angles:
        page.mouse.move(x + r * np.cos(angle), y + r * np.sin(angle))
    page.mouse.up()
    took = page.evaluate("window.bwLasso")
    page.keyboard.press("m")
    return took


def layouts(features: np.ndarray, pacmap: str) -> list[list[Any]]:
    """Neighbors kept, and seconds, of both layouts in 2-D and 3-D."""
    import torch  # before the clock starts, as in a kernel with a learner

    from bearwidgets.review.inspect.layout import components, layout_pairs, neighbors_kept, unit_vectors

    torch.ones(1)
    folder, rows = new_folder(), []
    began = time.perf_counter()
    unit = unit_vectors(features)
    start = components(unit)
    first = time.perf_counter() - began
    pairs = layout_pairs(unit)
    found = time.perf_counter() - began
    start.tofile(folder / "start")
    for name, each in zip(("near", "mid", "far"), pairs, strict=True):
        each.tofile(folder / name)
    np.save(folder / "unit.npy", unit)
    module = (ROOT / "bearwidgets/frontend/src/map/layout.js").as_uri()
    for dims in (2, 3):
        kept = neighbors_kept(unit, start[:, :dims])
        rows.append([f"principal components, {dims}-D", f"{first:.2f} s", f"{kept:.3f}"])
        command = ["node", "--input-type=module", "-e", LAYOUT, module, str(folder), str(dims)]
        seconds = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        positions = np.fromfile(folder / "positions", np.float32).reshape(-1, 3)[:, :dims]
        kept = neighbors_kept(unit, positions)
        rows.append([f"bearwidgets, {dims}-D", f"{found:.2f} + {seconds:.2f} s", f"{kept:.3f}"])
        if pacmap:
            made = folder / "pacmap.npy"
            loaded, seconds, version = ask(pacmap, "-c", PACMAP, folder / "unit.npy", made, dims)
            kept = neighbors_kept(unit, np.load(made))
            rows.append([f"pacmap {version}, {dims}-D", f"{loaded:.2f} + {seconds:.2f} s", f"{kept:.3f}"])
    return rows


def main() -> None:
    """Measure, print the tables."""
    options = parser(__doc__, runs=3, points=100_000, pacmap="").parse_args()
    home = new_cache(keep=True)
    rows = in_jupyterlab(home, options.runs)
    print_table("6,000 images in JupyterLab", ["run", "principal components in sight", "settled"], rows)
    rows = frames_a_second(options.points, options.runs)
    print_table(f"{options.points:,} points, software rendering", ["what", "measured", "asked"], rows)
    rows = layouts(np.load(home / "features.npy"), options.pacmap)
    header = ["layout of the 6,000", "neighbors (or import) + layout", "share of the 10 nearest kept"]
    print_table("Beside pacmap", header, rows)
    static = ROOT / "bearwidgets" / "static"
    size = sum((static / f"map.{ending}").stat().st_size for ending in ("js", "css"))
    print(f"The bundle: {size / 1000:.1f} KB, packed.")


if __name__ == "__main__":
    main()
