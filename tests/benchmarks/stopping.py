"""How often a review that is told to stop has found 90 % of the wrong labels, and what it costs.

    python tests/benchmarks/stopping.py [--runs 200] [--n 1500] [--only NAME,NAME]

The label sets of `label_errors.py`. Scores are those of the package's ranking on probabilities out of fold, of a
logistic regression on 64 principal components of the features of the offline network: they need no learner, and are
made once for each label set. Twenty times n images are drawn from it, of the bears four fifths, and each of these is
reviewed ten times, with other samples. A reviewer who makes no mistake goes down the ranking until the running yield
says that it no longer pays. Then come random samples of what is left (`stop_rule`): each is looked at as a whole;
where it does not show that 90 % are found, 100 more images down the list are looked at before the next one. No sample
is drawn of more than three quarters of what is left: looking down the list costs less.

"The hint alone" is where the running yield says to stop. "Tested after every look" is the rule as published, for
comparison: one sample of everything left, tested at 5 % after each image.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pandas as pd
from common import new_cache, parser, print_table
from label_errors import Task, bears_tasks, cifar_tasks
from scipy.stats import hypergeom
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict

import bearwidgets as bw
from bearwidgets.figures import percent
from bearwidgets.review.effect.running_yield import PAYS, WINDOW, ReviewYield, review_yield
from bearwidgets.review.effect.stop_rule import RECALL, Draw, sample_size
from bearwidgets.review.scores import label_issue

FURTHER = 100  # images down the list between two samples
MOST = 3 / 4  # of what is left, in one sample
SETS = 20  # of images, of each label set
SETS_OF_BEARS = 10


class Told(NamedTuple):
    """When one way to stop said so."""

    looks: int
    recall: float


class Outcome(NamedTuple):
    """One review."""

    n: int
    hint: Told
    rule: Told
    published: Told
    samples: int  # drawn until then; 0 where everything was looked at before


class Images(NamedTuple):
    """What is reviewed, in several reviews that draw other samples of it."""

    score: np.ndarray
    wrong: np.ndarray
    known: dict[bytes, ReviewYield]  # by which are decided: reviews are alike until their first sample


class Simulated:
    """A review that is under way; all arrays (n,) in the order of the ranking."""

    def __init__(self, images: Images, seed: int) -> None:
        self.images, self.random = images, np.random.default_rng(seed)
        order = np.argsort(-images.score, kind="stable")
        self.score, self.wrong = images.score[order], images.wrong[order]
        self.when = np.full(len(order), -1)

    def look(self, rows: np.ndarray) -> None:
        """Decide on these, in this order."""
        self.when[rows] = self.when.max() + 1 + np.arange(len(rows))

    @property
    def left(self) -> np.ndarray:
        """Rows that are not decided, the most suspect first."""
        return np.flatnonzero(self.when < 0)

    @property
    def found(self) -> int:
        """Wrong labels among the decided."""
        return int(self.wrong[self.when >= 0].sum())

    def told(self) -> Told:
        """To stop now."""
        return Told(len(self.when) - len(self.left), self.found / max(int(self.wrong.sum()), 1))

    def figures(self) -> ReviewYield:
        """What the Cleaner would show."""
        decided = self.when >= 0
        known, key = self.images.known, decided.tobytes()
        if key not in known:
            known[key] = review_yield(self.score, np.where(decided, self.wrong, np.nan), self.when)
        return known[key]

    def down_to_the_hint(self) -> None:
        """Look down the list until it no longer pays."""
        while len(self.left) > WINDOW:
            self.look(newest := self.left[:WINDOW])
            if self.wrong[newest].mean() <= PAYS and self.figures().stop:
                return
        self.look(self.left)

    def sampled(self) -> int:
        """Draw samples until one shows that enough is found; gives how many."""
        draws: list[Draw] = []
        while len(left := self.left):
            if (sample := self._sample(len(draws) + 1)) is not None:
                before = self.found
                self.look(sample)
                wrong = int(self.wrong[sample].sum())
                draws.append(Draw(len(draws) + 1, len(left), len(sample), before, len(sample), wrong))
            if self._shown(draws):
                return len(draws)
            for _ in range(FURTHER // WINDOW):
                self.look(self.left[:WINDOW])
                if self._shown(draws):
                    return len(draws)
        return len(draws)

    def _sample(self, number: int) -> np.ndarray | None:
        """What is drawn now; None where that would be too much, or nobody knows how much is left to find."""
        left = self.left
        if sample_size(len(left), self.found, number) > MOST * len(left):
            return None  # even if nothing were left to find; the estimate takes longer
        expected = self.figures().errors
        if expected is None:
            return None
        drawn = sample_size(len(left), self.found, number, expected)
        return self.random.choice(left, drawn, replace=False) if drawn <= MOST * len(left) else None

    def _shown(self, draws: list[Draw]) -> bool:
        """Whether any sample shows it, with what was found since."""
        return any(replace(each, others=self.found - each.found - each.wrong).holds for each in draws)


def published(begun: Simulated) -> Told:
    """The rule as published, from the hint on: at random through all that is left, tested after every image."""
    rows, before = begun.random.permutation(begun.left), begun.found
    if not len(rows):
        return begun.told()
    looked, seen = np.arange(1, len(rows) + 1), begun.wrong[rows].cumsum()
    too_many = np.floor((before + seen) / RECALL + 1e-9).astype(int) - before + 1
    possible = too_many <= len(rows) - looked + seen
    chance = np.zeros(len(rows))
    chance[possible] = hypergeom.cdf(seen[possible], len(rows), too_many[possible], looked[possible])
    end = int(np.argmax(chance < 0.05)) + 1
    begun.look(rows[:end])
    return begun.told()


def simulate(images: Images, seed: int) -> Outcome:
    """Review until each rule says to stop."""
    review, other = Simulated(images, seed), Simulated(images, seed)
    review.down_to_the_hint()
    hint = review.told()
    other.when = review.when.copy()
    samples = review.sampled()
    return Outcome(len(images.score), hint, review.told(), published(other), samples)


def features_of(task: Task) -> np.ndarray:
    """(n, 64) principal components of the features of its images."""
    frame = pd.DataFrame({"path": task.paths, "label": task.clean})
    workspace = new_cache(keep=True) / "workspace"
    ds = bw.Dataset.from_df(frame, root=task.folder, workspace=workspace, valid_pct=0)
    learn = bw.Learner(ds, size=224 if task.name == "bears" else 128)
    for _ in learn.compute_features():
        pass
    content = dict(zip(ds.table.path, ds.table.content, strict=True))
    features = learn.features.array([content[path] for path in task.paths])
    return PCA(64, random_state=0).fit_transform(features)


def scored(task: Task, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Scores (n,) and which labels are wrong (n,)."""
    target = pd.Categorical(task.given).codes
    head = LogisticRegression(C=0.01, max_iter=300)
    chances = cross_val_predict(head, features, target, cv=5, method="predict_proba")
    return label_issue(chances, target), task.given != task.clean


def drawn(score: np.ndarray, wrong: np.ndarray, n: int, seed: int) -> Images:
    """Some of the images at random."""
    n = min(n, len(score) * 4 // 5)
    taken = np.random.default_rng(seed).choice(len(score), n, replace=False)
    return Images(score[taken], wrong[taken], {})


def row_of(name: str, outcomes: list[Outcome]) -> list[str]:
    """A line of the table."""
    cells = [name]
    for way in ("hint", "published", "rule"):
        told = [getattr(each, way) for each in outcomes]
        reached = sum(each.recall >= RECALL - 1e-9 for each in told)
        share = np.mean([each.looks / run.n for each, run in zip(told, outcomes, strict=True)])
        cells += [f"{reached / len(told):.3f}", percent(float(share))]
    early = [each for each in outcomes if each.rule.looks < each.n]
    cells += [
        f"{np.median([each.rule.recall for each in outcomes]):.3f}",
        percent(len(early) / len(outcomes)),
    ]
    return [*cells, f"{np.mean([each.samples for each in outcomes]):.1f}"]


def main() -> None:
    """Print the table."""
    options = parser(__doc__, runs=200, n=1500, only="").parse_args()
    groups = [[task] for task in cifar_tasks()] + [bears_tasks(SETS_OF_BEARS)]
    features: dict[str, np.ndarray] = {}
    rows = []
    for tasks in groups:
        name = tasks[0].name
        if options.only and name not in options.only.split(","):
            continue
        home = str(tasks[0].folder)
        if home not in features:
            features[home] = features_of(tasks[0])
        sets = [scored(task, features[home]) for task in tasks]
        draws = [drawn(*sets[seed % len(sets)], options.n, seed) for seed in range(SETS)]
        outcomes = [simulate(draws[seed % SETS], seed) for seed in range(options.runs)]
        rows.append(row_of(name, outcomes))
        print(rows[-1], flush=True)
    header = ["labels"]
    for way in ("the hint alone", "tested after every look", "the rule"):
        header += [f"{way}: 90 % are found when told to stop", "looks, share of all"]
    header += ["recall then, median", "stopped before the end", "samples"]
    print_table(f"Told to stop, {options.runs} reviews each", header, rows)


if __name__ == "__main__":
    main()
