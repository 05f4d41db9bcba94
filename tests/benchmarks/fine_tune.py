"""fine_tune(4) on the 480 bears at 224 px: quick and full mode beside fastai's, same split, body and weights.

    python tests/benchmarks/fine_tune.py [--seeds 5] [--epochs 4] [--methods quick full fastai]

Wall time from the learner to its held-out error (features and weights cold), error on the 96 held-out images, and
peak memory. Every training has a process of its own, one after another, the three in turn; the seed draws the split
and everything random. Imports and the folder's table are not counted.
"""

from __future__ import annotations

import argparse
import json
import sys
import time

from common import ask, bears_copy, fastai_learner, parser, peak, print_table

METHODS = ("quick", "full", "fastai")


def train(method: str, seed: int, epochs: int) -> dict[str, float]:
    """One training in this process: seconds, error, peak memory in MiB before and after."""
    folder = bears_copy()

    import bearwidgets as bw

    ds = bw.Dataset.from_folder(folder, seed=seed)
    import timm  # noqa: F401 - imports are not counted
    import torch
    from fastai.vision import all as _  # noqa: F401

    bw.Learner  # noqa: B018
    torch.nn.Linear(2, 2)(torch.zeros(1, 2))
    before = peak()
    began = time.monotonic()
    if method == "fastai":
        learn = fastai_learner(ds.table, ds.root, seed)
        with learn.no_bar(), learn.no_logging():
            learn.fine_tune(epochs)
            error = float(learn.validate()[1])
    else:
        learn = bw.Learner(ds, seed=seed).fine_tune(epochs, mode=method, progress=False)
        error = learn.evaluate("valid")["error_rate"]
    return {"seconds": time.monotonic() - began, "error": error, "before": before, "peak": peak()}


def main() -> None:
    """Print a row a seed."""
    taken = parser(__doc__, seeds=5, epochs=4)
    taken.add_argument("--methods", nargs="+", choices=METHODS, default=METHODS)
    taken.add_argument("--child", nargs=2, metavar=("METHOD", "SEED"), help=argparse.SUPPRESS)
    options = taken.parse_args()
    if options.child:
        print(json.dumps(train(options.child[0], int(options.child[1]), options.epochs)))
        return
    methods = options.methods
    rows, all_ = [], {method: [] for method in methods}
    for seed in range(options.seeds):
        for method in methods:
            child = ("--epochs", options.epochs, "--child", method, seed)
            all_[method].append(ask(sys.executable, __file__, *child))
        now = {method: all_[method][-1] for method in methods}
        rows.append([seed, *(cell for method in methods for cell in cells(now[method])), *ratios(now)])
        print(rows[-1], flush=True)
    mean = {
        method: {name: sum(each[name] for each in runs) / len(runs) for name in runs[0]}
        for method, runs in all_.items()
    }
    rows.append(["mean", *(cell for method in methods for cell in cells(mean[method])), *ratios(mean)])
    header = ["seed", *(f"{method} {what}" for method in methods for what in ("time", "error", "memory"))]
    header += [f"{method} faster" for method in ours(mean)]
    print_table(f"fine_tune({options.epochs}) on 384 of the bears", header, rows)


def cells(run: dict[str, float]) -> list[str]:
    """Time, error, and memory as the peak above what the imports took."""
    return [
        f"{run['seconds']:.1f} s",
        f"{run['error']:.1%}",
        f"{(run['peak'] - run['before']) / 1024:.1f} GB",
    ]


def ratios(runs: dict[str, dict[str, float]]) -> list[str]:
    """How many times faster than fastai each of ours is; nothing where fastai did not run."""
    return [f"{runs['fastai']['seconds'] / runs[method]['seconds']:.1f}×" for method in ours(runs)]


def ours(runs: dict[str, dict[str, float]]) -> list[str]:
    """The methods that are compared with fastai."""
    return [method for method in runs if method != "fastai" and "fastai" in runs]


if __name__ == "__main__":
    main()
