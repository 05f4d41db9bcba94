"""Spurious correlation: a simple property of the image that gives the label away."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from bearwidgets.figures import percent
from bearwidgets.review.checks.registry import CheckResult, check

if TYPE_CHECKING:
    from bearwidgets.review.checks.inputs import CheckInputs

SEED = 0
PROPERTIES = {
    "brightness": "brightness",
    "contrast": "contrast",
    "blur": "blur",
    "entropy": "amount of detail",
    "colorfulness": "colorfulness",
    "size": "size in pixels",
    "shape": "width to height",
}
"""Columns of `CheckInputs.image_stats`, and what a person calls them."""
_FOLDS = 5
_LEAST_SKILL = 0.35  # of the way from chance to always right
_DEVIATIONS = 4.0  # of chance: far beyond what several properties give by luck


class Skill(NamedTuple):
    """How well one property alone tells the label, under cross-validation.

    balanced_accuracy (0 to 1, mean over the classes), chance (the same of a guess), error (standard deviation of a
    guess), and probability (n,) of each item's own label, NaN where the property is not known or not told.
    """

    balanced_accuracy: float
    chance: float
    error: float
    probability: np.ndarray
    right: np.ndarray

    @property
    def skill(self) -> float:
        """Share of the way from chance to always right, 0 to 1."""
        return max(0.0, (self.balanced_accuracy - self.chance) / (1 - self.chance))

    @property
    def beyond_chance(self) -> bool:
        """Whether it predicts the label better than luck would."""
        return self.balanced_accuracy - self.chance > _DEVIATIONS * self.error

    @property
    def gives_away(self) -> bool:
        """Whether it predicts the label beyond doubt, and to a degree that matters."""
        return self.beyond_chance and self.skill >= _LEAST_SKILL


def property_skill(values: np.ndarray, target: np.ndarray, *, seed: int = SEED) -> Skill | None:
    """Predict the label from one number alone: a small decision tree, classes weighted alike, five folds.

    `values` (n,) are NaN where unknown. There is no skill to tell where fewer than two classes have five items with a
    value, or all values are one.
    """
    from sklearn.model_selection import StratifiedKFold
    from sklearn.tree import DecisionTreeClassifier

    probability, correct = np.full(len(values), np.nan), np.zeros(len(values), bool)
    counts = np.bincount(target[np.isfinite(values)], minlength=int(target.max(initial=0)) + 1)
    rows = np.flatnonzero(np.isfinite(values) & (counts[target] >= _FOLDS))
    classes, codes = np.unique(target[rows], return_inverse=True)
    if len(classes) < 2 or np.ptp(values[rows]) == 0:
        return None
    x = values[rows, None]
    leaf = max(2, min(50, len(rows) // (10 * len(classes))))
    for train, test in StratifiedKFold(_FOLDS, shuffle=True, random_state=seed).split(x, codes):
        tree = DecisionTreeClassifier(
            max_leaf_nodes=4 * len(classes), min_samples_leaf=leaf, class_weight="balanced", random_state=seed
        )
        guess = tree.fit(x[train], codes[train]).predict_proba(x[test])
        probability[rows[test]] = guess[np.arange(len(test)), codes[test]]
        correct[rows[test]] = guess.argmax(1) == codes[test]
    size = np.bincount(codes)
    recall = np.bincount(codes, weights=correct[rows]) / size
    chance = 1 / len(classes)
    error = float(np.sqrt((chance * (1 - chance) / size).sum())) / len(classes)
    return Skill(float(recall.mean()), chance, error, probability, correct)


@check("spurious_correlation", title="Spurious correlation", needs=["image_stats"], about_set=True)
def spurious_correlation(inputs: CheckInputs) -> CheckResult:
    """Items whose label the most telling simple property gives away, if there is one that tells it at all."""
    target = pd.factorize(inputs.table.label, sort=True)[0]
    known = [name for name in PROPERTIES if name in inputs.image_stats]
    skills = {name: property_skill(inputs.image_stats[name].to_numpy(np.float64), target) for name in known}
    found = {name: each for name, each in skills.items() if each is not None}
    n = len(target)
    if not found:
        return CheckResult(np.full(n, np.nan), np.zeros(n, bool), note="too few items or classes to tell")
    best = max(found, key=lambda name: found[name].skill)
    top = found[best]
    guilty = [name for name, each in found.items() if each.gives_away]
    score = np.clip(top.probability, 0.0, 1.0) * top.skill
    if inputs.threshold is None:
        flag = top.right & top.gives_away
    else:
        flag = top.right & top.beyond_chance & (score >= inputs.threshold)
    right, chance = percent(top.balanced_accuracy), f"guessing: {percent(top.chance)}"
    said = f"{PROPERTIES[best].capitalize()} alone predicts the label of {right} of the images"
    note = f"{said}, as a mean over the classes ({chance})"
    if len(guilty) > 1:
        note += f"; so do {', '.join(PROPERTIES[name] for name in guilty if name != best)}"
    why = [f"{said} ({chance})" if each else "" for each in flag]
    return CheckResult(score, flag, inputs.threshold, why=why, note=note)
