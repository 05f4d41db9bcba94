"""Held-out error on the 480 bears over several seeds: cached fine_tune beside fastai's, same body and weights.

python tests/benchmarks/held_out_error.py [--seeds 5] [--epochs 4]
"""

from __future__ import annotations

import argparse
import time

from common import bears_copy, fastai_learner, print_table


def main() -> None:
    """Print errors and times for each seed; a seed draws the split and everything random in both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=4)
    options = parser.parse_args()
    folder = bears_copy()

    import numpy as np

    import bearwidgets as bw

    rows, ours, theirs = [], [], []
    for seed in range(options.seeds):
        ds = bw.Dataset.from_folder(folder, seed=seed)
        began = time.monotonic()
        learn = bw.Learner(ds, seed=seed).fine_tune(options.epochs, progress=False)
        our_time, our_error = time.monotonic() - began, learn.evaluate("valid")["error_rate"]
        began = time.monotonic()
        peer = fastai_learner(ds.table, ds.root, seed)
        with peer.no_bar(), peer.no_logging():
            peer.fine_tune(options.epochs)
            their_error = float(peer.validate()[1])
        their_time = time.monotonic() - began
        ours.append(our_error)
        theirs.append(their_error)
        rows.append(
            [seed, f"{our_error:.1%}", f"{our_time:.1f} s", f"{their_error:.1%}", f"{their_time:.1f} s"]
        )
        print(rows[-1], flush=True)
    rows.append(["mean", f"{np.mean(ours):.1%}", "", f"{np.mean(theirs):.1%}", ""])
    header = ["seed", "bearwidgets error", "time", f"fastai fine_tune({options.epochs}) error", "time"]
    print_table(
        "Held-out error on 96 of 480 bears, 224 px (features of later seeds come from the cache)",
        header,
        rows,
    )


if __name__ == "__main__":
    main()
