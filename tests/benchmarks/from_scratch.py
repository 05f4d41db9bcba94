"""From scratch: a small residual network on 6,000 CIFAR-10 images of 32 px, beside fastai's fit_one_cycle.

    python tests/benchmarks/from_scratch.py [--epochs 12] [--seeds 3]

Clean labels, 4,800 images to train on and 1,200 held out, the same split, the same network with the same first
weights, the same rate, epochs and batch size on both sides. fastai gets the CIFAR standard (padding 4, random crop,
flip, normalized), ours the preset `small`. Both report the accuracy after the last epoch.
"""

from __future__ import annotations

import time
from typing import Any

from common import fastai_loaders, new_cache, parser, print_table, shared

RATE, BATCH, WEIGHT_DECAY = 8e-3, 64, 0.02
STATISTICS = [0.4914, 0.4822, 0.4465], [0.247, 0.2435, 0.2616]


def network(seed: int) -> Any:
    """A residual network of about 0.7 million weights for 32 px; its first weights follow from the seed."""
    import torch
    from torch import nn

    def convolution(before: int, after: int, *, pool: bool = False) -> nn.Sequential:
        layers = [nn.Conv2d(before, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU()]
        return nn.Sequential(*layers, *([nn.MaxPool2d(2)] if pool else []))

    class Residual(nn.Module):
        def __init__(self, width: int) -> None:
            super().__init__()
            self.inner = nn.Sequential(convolution(width, width), convolution(width, width))

        def forward(self, maps: Any) -> Any:
            return maps + self.inner(maps)

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.Sequential(
            convolution(3, 32),
            convolution(32, 64, pool=True),
            Residual(64),
            convolution(64, 96, pool=True),
            convolution(96, 128, pool=True),
            Residual(128),
            nn.AdaptiveMaxPool2d(1),
            nn.Flatten(),
            nn.Linear(128, 10),
        )


def fastai_accuracy(ds: Any, seed: int, epochs: int) -> float:
    """Accuracy of fastai on the same items."""
    from fastai.vision.all import Flip, Learner, Normalize, RandomCrop, accuracy, set_seed
    from fastai.vision.augment import CropPad
    from torch import nn

    set_seed(seed)
    batch = [Flip(), Normalize.from_stats(*STATISTICS)]
    dls = fastai_loaders(ds.table, ds.root, [CropPad(40), RandomCrop(32)], batch, BATCH)
    learn = Learner(dls, network(seed), loss_func=nn.CrossEntropyLoss(), metrics=accuracy)
    with learn.no_bar(), learn.no_logging():
        learn.fit_one_cycle(epochs, RATE, wd=WEIGHT_DECAY)
        return float(learn.validate()[1])


def main() -> None:
    """Print a row a seed."""
    options = parser(__doc__, seeds=3, epochs=12).parse_args()
    home = new_cache()

    import bearwidgets as bw

    rows = []
    for seed in range(options.seeds):
        folder = shared("cifar10n")
        ds = bw.Dataset.from_csv(
            folder / "labels.csv", root=folder, label="clean", seed=seed, workspace=home / f"work{seed}"
        )
        began = time.monotonic()
        learn = bw.Learner.from_module(network(seed), ds, size=32, seed=seed, normalize=STATISTICS)
        recipe = {"augment": "small", "batch_size": BATCH, "weight_decay": WEIGHT_DECAY}
        learn.fit_one_cycle(options.epochs, RATE, **recipe, progress=False)
        ours, our_time = learn.evaluate("valid")["accuracy"], time.monotonic() - began
        began = time.monotonic()
        theirs = fastai_accuracy(ds, seed, options.epochs)
        their_time = time.monotonic() - began
        rows.append([seed, f"{ours:.1%}", f"{our_time:.0f} s", f"{theirs:.1%}", f"{their_time:.0f} s"])
        print(rows[-1], flush=True)
    header = ["seed", "bearwidgets accuracy", "time", "fastai accuracy", "time"]
    print_table(f"{options.epochs} epochs from scratch, 4,800 CIFAR-10 images of 32 px", header, rows)


if __name__ == "__main__":
    main()
