"""`bw.clean(folder)` on the 480 bears: first images, suspects, all checks; cold caches, beside fastai if asked for.

    python tests/benchmarks/first_images.py [--runs 3] [--fastai 1]

Each run is a process of its own. Times count from the call, on the side of the kernel: to the reply that holds the
first 48 images, to the scores, to the last check. In the rows "after imports" PyTorch and the rest are loaded before
the call; "fresh kernel" has nothing loaded but the names of the call, whose own import is the column before. fastai's
time is that of `folder_to_grid.py`: fine_tune(1) and its cleaner, after imports.
"""

from __future__ import annotations

import sys
from statistics import median

from common import ask, bears_copy, new_folder, parser, print_table

PROGRAM = """
import json, os, sys, time
folder, work, loaded = sys.argv[1:]
os.environ["BEARWIDGETS_CACHE"] = work
began = time.monotonic()
import bearwidgets as bw
bw.Cleaner
named = time.monotonic() - began
if loaded == "True":
    from bearwidgets.review.checks.registry import CHECKS
    bw.Learner, list(CHECKS)
    import scipy.stats, sklearn.cluster, sklearn.decomposition, sklearn.tree, torch
    torch.nn.Linear(2, 2)(torch.zeros(1, 2))
times = {"import": named}
began = time.monotonic()

def heard(content, buffers=None):
    state = content.get("state") or content.get("reply", {}).get("state") or {}
    if content["kind"] == "reply" and buffers:
        times["images"] = time.monotonic() - began
    if state.get("can", {}).get("scores"):
        times.setdefault("suspects", time.monotonic() - began)

cleaner = bw.clean(folder)
cleaner.send = heard
page = {"op": "page", "revision": 1, "start": 0, "stop": 48, "px": 160}
cleaner._handle_custom_msg({"kind": "request", "id": 1, **page}, [])
cleaner.wait()
times["checks"] = time.monotonic() - began
print(json.dumps(times))
"""
PARTS = ("import", "images", "suspects", "checks")


def main() -> None:
    """Alternate the sides, print each run and the medians."""
    options = parser(__doc__, runs=3, fastai=0).parse_args()
    folder = bears_copy()
    found: dict[str, list[dict[str, float]]] = {}
    rows = []
    for number in range(options.runs):
        for name, loaded in (("after imports", True), ("fresh kernel", False)):
            times = ask(sys.executable, "-c", PROGRAM, folder, new_folder(), loaded)
            found.setdefault(name, []).append(times)
            rows.append([number, name, *(f"{times[part]:.2f} s" for part in PARTS)])
            print(rows[-1], flush=True)
        if options.fastai:
            from folder_to_grid import fastai

            seconds = fastai(folder)["painted"]
            found.setdefault("fastai", []).append(dict.fromkeys(("images", "suspects"), seconds))
            rows.append([number, "fastai", "", f"{seconds:.1f} s", f"{seconds:.1f} s", ""])
            print(rows[-1], flush=True)
    for name, all_times in found.items():
        middle = {part: median(each[part] for each in all_times) for part in PARTS if part in all_times[0]}
        rows.append(["median", name, *(f"{middle[part]:.2f} s" if part in middle else "" for part in PARTS)])
    print_table("A folder in one call, 480 bears at 224 px", ["run", "what", *PARTS], rows)


if __name__ == "__main__":
    main()
