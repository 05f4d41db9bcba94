"""Whose mistake an image is: the chance that its label is wrong, with what a person decided."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bearwidgets.data.actions import KEEP, LABEL, RELABEL
from bearwidgets.errors import BadInputError, shortened


def chance_wrong(
    chance: np.ndarray,
    counted_label: pd.Series,
    decided: pd.Series,
    on_disk: pd.Series,
    decisions: pd.DataFrame | None,
) -> np.ndarray:
    """The chance (n,) that the label that counts is wrong; what a person decided overrides the chance given.

    Labels (n,) are those that count, those that were decided when the model was trained, and those on disk.
    """
    chance = np.where(decided != on_disk, counted_label != decided, chance)
    if decisions is None:
        return chance
    if not isinstance(decisions, pd.DataFrame) or not {"action", "new_label"} <= {*decisions}:
        raise BadInputError(
            f"decisions is {shortened(decisions)}; allowed is a table with action and new_label by id, such as "
            "journal.decisions."
        )
    action, new_label = (decisions[name].reindex(decided.index) for name in ("action", "new_label"))
    chance = np.where(action == RELABEL, counted_label != new_label, chance)
    kept = (action == KEEP).to_numpy()
    if "about" in decisions:
        answered = {id_ for id_, about in decisions.about.items() if not about or LABEL in about}
        kept = kept & decided.index.isin(answered)
    return np.where(kept, 0.0, chance)
