"""The decisions in force as columns beside the item table, and every count of them, kept up by what changes."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from bearwidgets.data.actions import DELETE, KEEP, LEFT_OUT, RELABEL
from bearwidgets.widgets.cleaner.questions import EVERY, bits_of, first_of
from bearwidgets.widgets.protocol import Decision

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bearwidgets.clean.log.fold import Decision as Recorded
    from bearwidgets.data.dataset import Dataset
    from bearwidgets.widgets.cleaner.queues import Queue, Queues


class DecisionColumns:
    """Decisions on the items of a data set; a change costs the same however many items and decisions there are.

    Attributes:
        action: (n,) the action, "" for none.
        new_label: (n,) the label of a relabel, else None.
        seq: (n,) the number of the journal line, -1 for none.
        undecided: (n,) which have none.
        answers: (n,) what is answered on each, as bits of `questions.BITS`.
        training: (n,) the label under which each item trains now; None if it does not: not in train, deleted, unsure.
        stale: (n,) which items train otherwise now than in the training that made the scores.
        by_action: how many there are of each action.
        new_classes: how many items each label is given to.
        exam_marks: decisions on items outside of train: proposed corrections of the exam.
    """

    def __init__(
        self,
        ds: Dataset,
        index: pd.Index,
        decisions: pd.DataFrame,
        trained_on: Mapping[str, str],
        queues: Queues,
        settled: Mapping[str, Sequence[str]],
    ) -> None:
        table, n = ds.table, len(ds.table)
        self._index = index
        self._labels = table.label.to_numpy(dtype=object)
        self._train = (table.split == "train").to_numpy()
        self._queues = queues
        self.action = np.full(n, "", dtype=object)
        self.new_label = np.full(n, None, dtype=object)
        self.seq = np.full(n, -1, dtype=np.int64)
        self.undecided = np.ones(n, dtype=bool)
        self._settled = np.zeros(n, dtype=np.uint8)
        at = index.get_indexer(pd.Index(list(settled), dtype=object))
        self._settled[at[at >= 0]] = np.fromiter(map(bits_of, settled.values()), np.uint8, len(at))[at >= 0]
        self.answers = self._settled.copy()
        self.training = self._labels.copy()
        self.training[~self._train] = None
        self.by_action: Counter[str] = Counter()
        self.new_classes: Counter[str] = Counter()
        self.exam_marks = 0
        for queue in queues:
            self.count_in(queue)
        self.trained_on(trained_on)
        rows = self._index.get_indexer(decisions.index)
        here = decisions[rows >= 0]
        about = [each.split(", ") if each else () for each in here.about]
        self._put(rows[rows >= 0], here.action.tolist(), here.new_label.tolist(), here.seq.tolist(), about)

    def update(self, changes: Mapping[str, Recorded | None]) -> np.ndarray:
        """Take the decisions that changed, by id; None for one that is gone. Gives the rows that are here."""
        rows = self._index.get_indexer(pd.Index(list(changes), dtype=object))
        found = [each for row, each in zip(rows, changes.values(), strict=True) if row >= 0]
        self._put(
            rows[rows >= 0],
            ["" if each is None else each.action for each in found],
            [None if each is None else each.new_label for each in found],
            [-1 if each is None else each.seq for each in found],
            [() if each is None else each.about for each in found],
        )
        return rows[rows >= 0]

    def trained_on(self, labels: Mapping[str, str]) -> None:
        """The scores shown come from a training on these items and labels, by id."""
        self._trained = np.array([labels.get(each) for each in self._index], dtype=object)
        self._lost = len(labels) - int(pd.notna(self._trained).sum())
        self.stale = self.training != self._trained
        self._n_stale = int(self.stale.sum())

    @property
    def n_changes(self) -> int:
        """On how many items a training now would see something else than the one that made the scores."""
        return self._lost + self._n_stale

    def at(self, row: int, asked: int) -> Decision | None:
        """The decision in force on an item; of several answers one to what is `asked` (bits), if there is one."""
        action = self.action[row]
        if not action:
            return None
        about = first_of(int(self.answers[row]), asked) if action == KEEP else None
        return Decision(action, self.new_label[row], about)

    def count_in(self, queue: Queue) -> None:
        """Count the decisions in a queue that counts all of its items as not decided."""
        rows, tally = queue.rows, self._queues.tallies[queue.name]
        tally.count(rows, np.zeros(len(rows), np.uint8), np.ones(len(rows), dtype=bool), -1)
        tally.count(rows, self.answers[rows], self.action[rows] != DELETE, 1)

    def _put(
        self,
        rows: np.ndarray,
        actions: list[str],
        labels: list[str | None],
        seqs: list[int],
        about: list[Sequence[str]],
    ) -> None:
        """Change the decisions of some rows, and every count by what changes there."""
        self._count(rows, -1)
        self.action[rows], self.seq[rows] = actions, seqs
        action = self.action[rows]
        relabel = action == RELABEL
        self.new_label[rows] = labels
        self.new_label[rows[~relabel]] = None
        self.undecided[rows] = action == ""
        said = np.fromiter(map(bits_of, about), np.uint8, len(rows))
        self.answers[rows] = np.where(np.isin(action, LEFT_OUT), EVERY, said | self._settled[rows])
        trains = self._train[rows] & ~np.isin(action, LEFT_OUT)
        self.training[rows] = np.where(relabel, self.new_label[rows], self._labels[rows])
        self.training[rows[~trains]] = None
        self.stale[rows] = self.training[rows] != self._trained[rows]
        self._count(rows, 1)

    def _count(self, rows: np.ndarray, sign: int) -> None:
        action = self.action[rows]
        for counter, names in ((self.by_action, action), (self.new_classes, self.new_label[rows])):
            for name, n in Counter(names.tolist()).items():
                counter[name] += sign * n
        self.exam_marks += sign * int((np.isin(action, (RELABEL, *LEFT_OUT)) & ~self._train[rows]).sum())
        self._n_stale += sign * int(self.stale[rows].sum())
        self._queues.count(rows, self.answers[rows], action != DELETE, sign)
