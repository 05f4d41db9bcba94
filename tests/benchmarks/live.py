"""Out-of-fold scores that follow ten decisions, beside heads that are fitted anew from where they were.

    python tests/benchmarks/live.py [--n 6000] [--labels random1] [--batches 4]

Images of `cifar10n`, features of the offline network at 128 px. After each batch of ten corrected labels, the most
suspect first: the time that `WarmHeads.follow` takes, and how near it comes to heads fitted to convergence: the root
mean square of the difference beside that of the change which the decisions make, and the rank correlation of the
probabilities of the labels. Above 6,000 the images are there more than once, with noise on their features.
"""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
from common import features_of, parser, print_table, shared
from scipy.stats import spearmanr

from bearwidgets.learn.head.linear_head import fitted_head
from bearwidgets.learn.head.warm_heads import WarmHeads

BATCH = 10
CONVERGED = 300  # steps


def taken(n: int, labels: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features (n, d) and class numbers of the given and of the right labels."""
    table = pd.read_csv(shared("cifar10n") / "labels.csv")
    features = features_of(table.assign(label=table.clean), shared("cifar10n"), 128)
    given, right = (pd.Categorical(table[each], sorted(set(table.clean))).codes for each in (labels, "clean"))
    random = np.random.default_rng(0)
    more = np.r_[np.arange(len(table)), random.integers(0, len(table), max(0, n - len(table)))][:n]
    noise = random.normal(0, 0.1 * features.std(0), (n, features.shape[1]))
    noise[: len(table)] = 0
    return (features[more] + noise).astype(np.float32), given[more].astype(int), right[more].astype(int)


def main() -> None:
    """Print the table."""
    options = parser(__doc__, n=6000, labels="random1", batches=4).parse_args()
    features, given, right = taken(options.n, options.labels)
    names, n = np.arange(options.n).astype(str), options.n
    began = time.perf_counter()
    fit = fitted_head(features, given, names, int(given.max()) + 1, 0)
    first = time.perf_counter() - began
    order = np.argsort(fit.out_of_fold[np.arange(n), given])
    heads, anew, now = WarmHeads(features, fit), WarmHeads(features, fit), given.copy()
    start = anew.follow(now, CONVERGED)
    rows = []
    for batch in range(options.batches):
        looked = order[batch * BATCH : (batch + 1) * BATCH]
        now[looked] = right[looked]
        began = time.perf_counter()
        soon = heads.follow(now)
        took = time.perf_counter() - began
        began = time.perf_counter()
        long = anew.follow(now, CONVERGED)
        full = time.perf_counter() - began
        off, moved = (float(np.sqrt((each**2).mean())) for each in (soon - long, long - start))
        rank = spearmanr(*(each[np.arange(n), now] for each in (soon, long)))[0]
        rows.append([batch + 1, f"{took:.2f} s", f"{full:.2f} s", f"{off / moved:.3f}", f"{rank:.5f}"])
    print(f"The first fit, with the choice of its strength: {first:.1f} s")
    header = ["batch", "followed in", "to convergence in", "off, of the change", "rank correlation"]
    print_table(f"{n:,} images × {features.shape[1]:,} features, {BATCH} decisions a batch", header, rows)


if __name__ == "__main__":
    main()
