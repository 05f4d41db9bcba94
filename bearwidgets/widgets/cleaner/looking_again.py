"""The effect of each decision, kept until decisions, learner or items are others. No widget here."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from bearwidgets.data.dataset import Dataset


class KnownEffects:
    """The last table of `decision_effects`, and what it was made of."""

    def __init__(self) -> None:
        self._of: tuple[Any, Dataset | None, int] = (None, None, -1)
        self._table: pd.DataFrame | None = None

    def table(self, learn: Any, ds: Dataset, decisions: pd.DataFrame, version: int) -> pd.DataFrame:
        """A row a decision, see `decision_effects`; `version` is that of the journal with these decisions."""
        from bearwidgets.review.effect.decision_effects import decision_effects

        if self._table is None or self._of[0] is not learn or self._of[1] is not ds or self._of[2] != version:
            self._table = decision_effects(learn, ds, SimpleNamespace(decisions=decisions))
            self._of = learn, ds, version
        return self._table


def harmful(table: pd.DataFrame) -> pd.DataFrame:
    """Of such a table the decisions that harm, by id, with the reason as `why`."""
    return table[table.harms][["reason"]].rename(columns={"reason": "why"})
