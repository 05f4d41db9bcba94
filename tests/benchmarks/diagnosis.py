"""What the diagnosis says of trainings that go wrong on purpose, each in one way, and of sane ones.

    python tests/benchmarks/diagnosis.py [--seeds 2]

A tiny network from random weights on CIFAR-10 images of three classes at 32 px: 600 to train on and 600 held out,
drawn by the seed. Sane is one cycle of 15 epochs with a top rate of 5e-3, which ends at about 17 % error. Two minutes
of one core. A network with batch norm forgives one cycle's high rates: its loss comes down slowly, as that of a hard
problem does, so the trial with one cycle at a hundredfold rate is expected to go unnoticed as such.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from common import new_cache, parser, print_table, shared

if TYPE_CHECKING:
    from collections.abc import Callable

CLASSES = ("airplane", "frog", "truck")
RATE = 5e-3


@dataclass(frozen=True)
class Trial:
    """One way to train.

    Attributes:
        name: what is done.
        expected: the findings that are to come; others may come besides, where they are true too.
        train: what to do with a fresh learner.
        spoil: what to do with the table (path, label, split) before, given the seed's generator.
    """

    name: str
    expected: set[str]
    train: Callable[[Any], Any]
    spoil: Callable[[Any, Any], Any] = lambda rows, _: rows


def one_cycle(epochs: int, rate: float = RATE) -> Callable[[Any], Any]:
    """Train with one cycle."""
    return lambda learn: learn.fit_one_cycle(epochs, rate, progress=False)


def noisy(rows: Any, rng: Any) -> Any:
    """Four in ten training labels become one of the other two classes."""
    place = rows.label.map(CLASSES.index)
    wrong = (rng.random(len(rows)) < 0.4) & (rows.split == "train")
    return rows.assign(label=((place + wrong * rng.integers(1, 3, len(rows))) % 3).map(CLASSES.__getitem__))


def starved(rows: Any, _rng: Any) -> Any:
    """Six frogs are left to train on."""
    frogs = rows.index[(rows.label == "frog") & (rows.split == "train")]
    return rows.drop(frogs[6:])


def few_held_out(rows: Any, _rng: Any) -> Any:
    """Twelve images are left to validate on."""
    return rows.drop(rows.index[rows.split == "valid"][12:])


TRIALS = [
    Trial("sane", set(), one_cycle(15)),
    Trial("one epoch only", {"under_fit"}, one_cycle(1)),
    Trial("three epochs only", {"under_fit"}, one_cycle(3)),
    Trial(
        "40 % wrong labels, 25 epochs at a constant rate, no augmentation",
        {"over_fit"},
        lambda learn: learn.fit(25, 1e-3, augment="none", progress=False),
        noisy,
    ),
    Trial(
        "constant rate, 100 x too high",
        {"rate_too_high"},
        lambda learn: learn.fit(6, 100 * RATE, progress=False),
    ),
    Trial("one cycle, 100 x too high", set(), one_cycle(6, 100 * RATE)),
    Trial("one cycle, 1000 x too low", {"rate_too_low"}, one_cycle(6, RATE / 1000)),
    Trial("six training images of one class", {"few_train_images"}, one_cycle(15), starved),
    Trial("12 validation images", {"small_validation", "few_valid_images"}, one_cycle(15), few_held_out),
    Trial("quick mode on a random body", {"under_fit"}, lambda learn: learn.fine_tune(progress=False)),
]


def table_of(seed: int) -> Any:
    """600 training and 600 validation rows, and the generator that drew them."""
    import numpy as np
    import pandas as pd

    rng = np.random.default_rng(seed)
    rows = pd.read_csv(shared("cifar10n") / "labels.csv").rename(columns={"clean": "label"})
    rows = rows[rows.label.isin(CLASSES)][["path", "label"]].sample(1200, random_state=rng, ignore_index=True)
    return rows.assign(split=["train"] * 600 + ["valid"] * 600), rng


def diagnosed(trial: Trial, seed: int) -> tuple[list[Any], float]:
    """The findings on one training, and its error."""
    import bearwidgets as bw

    rows, rng = table_of(seed)
    with tempfile.TemporaryDirectory(prefix="bearwidgets-bench-") as home:
        options = {"root": shared("cifar10n"), "split": "split", "workspace": home}
        ds = bw.Dataset.from_df(trial.spoil(rows, rng), **options)
        learn = bw.Learner(ds, "test_resnet", weights=None, size=32, seed=seed)
        trial.train(learn)
        return learn.diagnosis, learn.evaluate("valid")["error_rate"]


def main() -> None:
    """Print which findings came, in how many of the seeds, and each sentence once."""
    options = parser(__doc__, seeds=2).parse_args()
    new_cache()

    table, sentences = [], []
    for trial in TRIALS:
        runs = [diagnosed(trial, seed) for seed in range(options.seeds)]
        came = [{finding.code for finding in findings} for findings, _ in runs]
        errors = ", ".join(f"{error:.0%}" for _, error in runs)
        wanted, besides = (
            ", ".join(f"{code} {sum(code in each for each in came)}/{len(came)}" for code in sorted(codes))
            or "-"
            for codes in (trial.expected, set().union(*came) - trial.expected)
        )
        table.append([trial.name, errors, wanted, besides])
        sentences += [f"- {trial.name}: {finding}" for finding in runs[0][0]]
        print(table[-1], flush=True)
    print_table(
        f"Findings on trainings that go wrong in one way ({options.seeds} seeds: findings came in so many)",
        ["training", "error", "expected", "besides"],
        table,
    )
    print("\n".join(sentences))


if __name__ == "__main__":
    main()
