"""What excites every channel of every layer, beside a plain pass of the same images through the same network.

    python tests/benchmarks/layers.py [--n 480] [--runs 3]

Both passes start from images in memory and take the same batches; they are made in turn. The cache is cold.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
from common import bears_copy, parser, print_table

import bearwidgets as bw
from bearwidgets.data.augment.loader import load_batches
from bearwidgets.learn.layers import responses
from bearwidgets.learn.layers.responses import LayerResponses

STATIC = Path(bw.__file__).parent / "static"


def resident() -> float:
    """Memory of this process, MB."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * 4096 / 1e6


def plain(looked: LayerResponses) -> float:
    """Seconds for a pass of all images through the network, with nothing kept of it."""
    began = time.perf_counter()
    n, seen = len(looked.ids), looked.learn.preprocessing
    batches = [range(start, min(start + responses.BATCH, n)) for start in range(0, n, responses.BATCH)]
    for batch in load_batches(looked._files, batches, seen.resizer):
        looked._forward(batch.pixels)
    return time.perf_counter() - began


def passed(learn: bw.Learner, n: int) -> tuple[LayerResponses, float, float, float]:
    """A pass over all layers: what it found, seconds for receptive fields and for the images, most MB more."""
    looked = LayerResponses(learn, n=n)
    for row in range(len(looked.ids)):
        looked._files[row]  # decodes it
    before = most = resident()
    began = fields = time.perf_counter()
    for step in looked.compute():
        if step.stage == "receptive fields":
            fields = time.perf_counter()
        most = max(most, resident())
    ended = time.perf_counter()
    looked._file.unlink()
    return looked, fields - began, ended - fields, most - before


def main() -> None:
    """Measure and print."""
    options = parser(__doc__, n=480, runs=3).parse_args()
    learn = bw.Learner(bw.Dataset.from_folder(bears_copy()))
    looked, *_ = passed(learn, 16)  # what is made once
    plain(looked)
    figures = []
    for _ in range(options.runs):
        looked, fields, layers, memory = passed(learn, options.n)
        figures.append((fields, layers, plain(looked), memory))
    fields, layers, forward, memory = np.median(figures, 0)
    channels = sum(each.channels for each in looked.layers)
    looked._write()
    began = time.perf_counter()
    again = LayerResponses(learn, n=options.n)
    list(again.compute())
    read = time.perf_counter() - began
    view = bw.Layers(learn, n=options.n)
    view.wait()
    page = {"layer": looked.layers[-1].name, "start": 0, "stop": 48}
    sent: list = []
    view.send = lambda content, buffers=None: sent.append((content, buffers))
    times = []
    for _ in range(2):
        began = time.perf_counter()
        view._handle_custom_msg({"kind": "request", "id": 1, "op": "channels", **page}, [])
        times.append(time.perf_counter() - began)
    sizes = {
        name: sum((STATIC / f"{name}.{kind}").stat().st_size for kind in ("js", "css"))
        for name in ("monitor", "layers")
    }
    rows = [
        [f"receptive fields of {len(looked.layers)} layers, to the pixel", f"{fields:.1f} s"],
        [f"top {responses.TOP} of {channels:,} channels in {len(looked.ids)} images", f"{layers:.1f} s"],
        ["a plain pass of the same images, in turn", f"{forward:.1f} s"],
        ["ratio of the two passes", f"{layers / forward:.2f}"],
        ["memory more while it runs", f"{memory:.0f} MB"],
        ["read from disk, with the network made anew", f"{read:.2f} s"],
        ["a page of 48 channels: images decoded / in memory", f"{times[0]:.2f} s / {times[1]:.2f} s"],
        ["static copy", f"{len(view.static_html()) / 1000:.0f} KB"],
        *[[f"bundle of {name}, packed", f"{size / 1000:.1f} KB"] for name, size in sizes.items()],
    ]
    print_table(f"What layers respond to, {options.n} bears at {learn.size} px", ["what", "figure"], rows)


if __name__ == "__main__":
    main()
