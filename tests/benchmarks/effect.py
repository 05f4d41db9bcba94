"""Simulated cleanings whose true effect is known: how often the interval holds it, and how often "helped" is wrong.

    python tests/benchmarks/effect.py [--runs 200] [--harmful 60] [--n 300] [--labels random1]
    python tests/benchmarks/effect.py --sets 10

Four classes of `cifar10n` (cat, deer, dog, horse; about 2,400 images, features of the offline network at 128 px).
Each run draws n images with the labels that one person gave; the true effect is the change of the error of two heads,
of the labels before and after, on the clean labels of all other images. 20 % of the images are an evaluation split,
whose labels nobody touches, as the Cleaner has it. A reviewer looks at the most suspicious labels:

- "careful": 15 % of the images, right but for 2 % slips;
- "nothing changed": looks, and takes everything back;
- "relabels at random": 10 % of the images, whatever they show: that harms;
- "accepts every suggestion": 10 % of the images, whose labels are all right: that harms too, and by suggestions of a
  model that has seen what cross-validation holds out.

With `--sets` the verdicts of the Cleaner itself, on so many sample sets with the labels of a third mixed up and on so
many with the usual few faults: a reviewer who knows the answers decides on the most suspicious 45 % and 20 %.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from common import features_of, new_cache, parser, print_table, shared

import bearwidgets as bw
from bearwidgets.learn.head.linear_head import HeadFit, fitted_head
from bearwidgets.learn.progress import run_with_bar
from bearwidgets.review.effect import effect as told
from bearwidgets.review.effect.cross_fitting import Choice, cross_fit
from bearwidgets.review.effect.effect import Effect, effect_table
from bearwidgets.review.effect.measure import WIDEN
from bearwidgets.review.effect.paired import paired_change

ANIMALS = ("cat", "deer", "dog", "horse")
VERDICTS = {
    "Cleaning helped": "helped",
    "Cleaning made it worse": "made it worse",
    "The exams contradict": "exams contradict",
    "Too few": "too few images",
    "No measurable": "no measurable change",
}
INTERVAL = ["labels", "true change, points", "measured", "half width", "interval holds the truth"]
KINDS = ("careful", "nothing changed", "relabels at random", "accepts every suggestion")


class Run(NamedTuple):
    """One cleaning."""

    truth: float  # change of the error on all other images
    effect: Effect


def fitted(features: np.ndarray, labels: np.ndarray) -> HeadFit:
    """A head on all of these, as the quick mode fits it."""
    return fitted_head(features, labels, np.arange(len(labels)).astype(str), len(ANIMALS), 0)


def decided(
    kind: str, given: np.ndarray, true: np.ndarray, fit: HeadFit, random: np.random.Generator
) -> np.ndarray:
    """The labels after the review."""
    n, after = len(given), given.copy()
    order = np.argsort(fit.out_of_fold[np.arange(n), given])
    if kind == "careful":
        looked = order[: int(0.15 * n)]
        slip = random.random(len(looked)) < 0.02
        after[looked] = np.where(slip, random.integers(0, len(ANIMALS), len(looked)), true[looked])
    elif kind == "relabels at random":
        looked = random.permutation(n)[: int(0.1 * n)]
        after[looked] = random.integers(0, len(ANIMALS), len(looked))
    elif kind == "accepts every suggestion":
        looked = order[: int(0.1 * n)]
        after[looked] = fit.out_of_fold[looked].argmax(1)
    return after


def simulate(kind: str, features: np.ndarray, noisy: np.ndarray, clean: np.ndarray, n: int, seed: int) -> Run:
    """Clean n images and measure it as the Cleaner does; relabels of its evaluation split are not made."""
    random = np.random.default_rng(seed)
    rows = random.permutation(len(features))
    rows, others = rows[:n], rows[n:]
    x, true = features[rows], clean[rows]
    given = true if kind == "accepts every suggestion" else noisy[rows]
    train = np.arange(n) >= n // 5
    after = given.copy()
    first = fitted(x[train], given[train])
    after[train] = decided(kind, given[train], true[train], first, random)
    second = fitted(x[train], after[train])
    said = [(features @ each.weight.T + each.bias).argmax(1) for each in (first, second)]
    wrong = [(each != clean)[others].mean() for each in said]
    content = [str(each) for each in rows]
    exam = [(each[rows][~train] != given[~train]).astype(float) for each in said]
    table = {(told.EVALUATION, told.AS_THEY_WERE): paired_change(*exam, np.array(content)[~train])}
    choices = [Choice(each.strength, each.transition.astype(float)) for each in (first, second)]
    found = run_with_bar(cross_fit(x, given, after, content, choices=choices, seed=seed), show=False)
    for name, labels, here in (
        (told.AS_THEY_WERE, given, train | True),
        (told.CORRECTED, after, train | True),
        (told.NEVER_CHANGED, given, given == after),
    ):
        judged = [(each != labels).mean(0)[here] for each in found]
        change = paired_change(*judged, np.array(content)[here], widen=WIDEN)
        table[told.CROSS_VALIDATION, name] = change
    return Run(float(wrong[1] - wrong[0]), Effect(effect_table(table)))


def sample_verdict(seed: int, looks: float, **made: float) -> str:
    """The verdict of the Cleaner on a sample set that was cleaned by its answer key."""
    folder = new_cache(keep=True) / "bears"
    bw.sample_bears(folder, seed=seed, **made)
    learn = bw.Learner(bw.Dataset.from_folder(folder)).fine_tune(progress=False)
    cleaner, key = bw.Cleaner(learn), pd.read_csv(folder / "answers.csv").set_index("path")
    for id_, row in cleaner.review.suspects(round(looks * len(learn.ds))).iterrows():
        fault, truth = key.loc[row.path, ["fault", "true_label"]] if row.path in key.index else ("", "")
        if fault == "wrong_label":
            cleaner.mark(id_, "relabel", truth)
        elif fault == "off_topic":
            cleaner.mark(id_, "delete")
    cleaner.retrain()
    return cleaner.effect.verdict


def print_samples(sets: int) -> None:
    """Print the verdicts on sample sets."""
    rows = []
    for seed in range(sets):
        mixed_up = sample_verdict(seed, 0.45, n=400, mixed_up=0.35)
        rows.append([seed, mixed_up, sample_verdict(seed, 0.2, n=300)])
        print(rows[-1], flush=True)
    print_table("Sample sets", ["seed", "400 images, a third mixed up", "300 images, the usual faults"], rows)


def main() -> None:
    """Print the tables."""
    options = parser(__doc__, runs=200, harmful=60, n=300, labels="random1", sets=0).parse_args()
    if options.sets:
        print_samples(options.sets)
        return
    table = pd.read_csv(shared("cifar10n") / "labels.csv")
    table = table[table.clean.isin(ANIMALS) & table[options.labels].isin(ANIMALS)]
    features = features_of(table.assign(label=table.clean), shared("cifar10n"), 128)
    clean, noisy = (table[each].map(ANIMALS.index).to_numpy() for each in ("clean", options.labels))
    exams = [
        (told.CROSS_VALIDATION, each) for each in (told.CORRECTED, told.AS_THEY_WERE, told.NEVER_CHANGED)
    ]
    held, verdicts = [], []
    for kind in KINDS:
        n = options.runs if kind in KINDS[:2] else options.harmful
        runs = [simulate(kind, features, noisy, clean, options.n, seed) for seed in range(n)]
        truth = np.array([run.truth for run in runs])
        for exam in exams:
            rows = pd.DataFrame([run.effect.table.loc[[exam]].iloc[0] for run in runs])
            inside = (rows.low <= truth) & (truth <= rows.high)
            said = (rows.error_after - rows.error_before).mean()
            half = ((rows.high - rows.low) / 2).mean()
            held.append(
                [
                    kind,
                    n,
                    exam[1],
                    f"{100 * truth.mean():+.2f}",
                    f"{100 * said:+.2f}",
                    f"{100 * half:.2f}",
                    f"{inside.mean():.3f}",
                ]
            )
        first = [run.effect.verdict.split(":")[0] for run in runs]
        shares = [sum(each.startswith(words) for each in first) / len(runs) for words in VERDICTS]
        verdicts.append([kind, n, f"{(truth < 0).mean():.2f}", *(f"{each:.3f}" for each in shares)])
        print(kind, flush=True)
    print_table("The interval", ["reviewer", "runs", *INTERVAL], held)
    print_table("The verdict", ["reviewer", "runs", "truly better", *VERDICTS.values()], verdicts)


if __name__ == "__main__":
    main()
