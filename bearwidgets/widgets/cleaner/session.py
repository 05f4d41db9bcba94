"""What a Cleaner does, without the widget: data set, scores, decisions and training in step with each other."""

from __future__ import annotations

import dataclasses
import logging
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from bearwidgets.clean.journal import Journal
from bearwidgets.data.cache.thumbs import Thumbnails
from bearwidgets.data.dataset import Dataset
from bearwidgets.data.split import SPLITS
from bearwidgets.errors import BadInputError, unknown_name
from bearwidgets.review.effect.effect import Effect, measure_effect
from bearwidgets.review.effect.running_yield import ReviewYield, review_yield
from bearwidgets.review.review import Review
from bearwidgets.widgets.cleaner.board import Board, View
from bearwidgets.widgets.cleaner.review_trials import counted_from, looks
from bearwidgets.widgets.job import Job, JobState

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Generator, Mapping, Sequence

    from bearwidgets.clean.apply.plan import Receipt
    from bearwidgets.learn.progress import Progress
    from bearwidgets.widgets.cleaner.queues import IssueSource

log = logging.getLogger("bearwidgets")

MARKS = ("keep", "delete", "relabel", "unsure", "clear", "accept")
TOLD = 2000


class Session:
    """One person's work on one data set.

    Attributes:
        stale_rows: (n,) which items train otherwise now than in the training that made the scores.

    Args:
        source: what `Cleaner` takes.
        journal: the decisions, or None for those of the workspace.
        lock: held by whoever calls; the training thread takes it to swap scores.
        tell: takes events for the view.
        issues: queues of suspects, or None.
    """

    def __init__(
        self,
        source: Any,
        journal: Journal | None,
        lock: threading.RLock,
        tell: Callable[[dict[str, Any]], None],
        issues: IssueSource | None = None,
    ) -> None:
        self.review = (
            None if isinstance(source, Dataset) else source if isinstance(source, Review) else Review(source)
        )
        ds = source if isinstance(source, Dataset) else self.review.ds if self.review is not None else None
        if ds is None:
            raise BadInputError(
                "This review has no data set, so there are no pictures to show; make it with "
                "Review.from_predictions(ds, probabilities, classes)."
            )
        self.ds: Dataset = ds.on_disk
        self.learn: Any = self.review.learn if self.review is not None else None
        self.first_learn = self.learn
        self._full_review = self.review  # of items, too, that a round has moved away since
        self.journal = Journal.open(self.ds) if journal is None else journal
        self.thumbnails = Thumbnails()
        self.board = Board(self.ds, self.review, self.journal.decisions, issues)
        self._warn_of_strangers()
        self._count_from = counted_from(self.journal)
        self._yield: tuple[tuple[int, int, int], ReviewYield] | None = None
        self.effect: Effect | None = None
        self.lock, self._tell = lock, tell
        self.listeners: list[Callable[[], None]] = []
        self.job = Job(self._tell_job)
        self._known_version = self.journal.version
        self._applied = self._standing()
        self._score(getattr(self.learn, "ds", None) or ds)
        self._contents = self.ds.table.content.tolist()
        if self.journal.recovered:  # the data set was read while a round was half done
            self._reload()

    # ------------------------------------------------------------------ staleness

    def _score(self, trained_on: Dataset) -> None:
        """The scores shown now come from a learner that was trained on these items and labels."""
        train = trained_on.table[trained_on.table.split == "train"]
        self._trained_on = dict(zip(train.id.tolist(), train.label.tolist(), strict=True))
        self._align()

    def _align(self) -> None:
        labels = [self._trained_on.get(each) for each in self.board.ids.tolist()]
        self._trained_labels = np.array(labels, dtype=object)
        self._lost = len(labels) - labels.count(None) != len(self._trained_on)
        self.stale_rows = self.board.training != self._trained_labels

    # ------------------------------------------------------------------ decisions

    def mark(self, rows: np.ndarray, action: str, label: str | None) -> list[str]:
        """Decide on rows of the table; gives the ids whose decision changed."""
        if action not in MARKS:
            raise BadInputError(unknown_name("action", action, MARKS))
        board = self.board
        evidence = {board.ids[row]: board.evidence(row) for row in rows.tolist()}
        if action == "accept":
            rows = rows[board.scored[rows]]
            same = board.suggested[rows] == board.labels[rows]
            choices = {
                board.ids[row]: ("keep", None) if agrees else ("relabel", board.suggested[row])
                for row, agrees in zip(rows.tolist(), same, strict=True)
            }
        else:
            choices = {board.ids[row]: (action, label) for row in rows.tolist()}
        return self._record(choices, evidence)

    def settle(self, rows: np.ndarray, *, keepers: bool) -> list[str]:
        """Keep one of each group and delete the others, as one act; gives the ids whose decision changed.

        Args:
            rows: members of groups of the view.
            keepers: the proposed ones stay, see `Board.settled`; else `rows` themselves. What has a new label
                keeps that.
        """
        board = self.board
        stays, goes = board.settled(rows, keepers=keepers)
        stays = stays[board.actions[stays] != "relabel"]
        choices: dict[str, tuple[str, str | None]] = dict.fromkeys(board.ids[stays], ("keep", None))
        choices |= dict.fromkeys(board.ids[goes], ("delete", None))
        evidence = {board.ids[row]: board.evidence(row) for row in (*stays.tolist(), *goes.tolist())}
        return self._record(choices, evidence)

    def _record(
        self, choices: dict[str, tuple[str, str | None]], evidence: dict[str, dict[str, Any]]
    ) -> list[str]:
        changed = self.journal.record_each(choices, seen=evidence)
        self.refresh()
        return changed

    def undo(self) -> list[str]:
        """Take the last act back; gives the ids it touched."""
        ids = self.journal.undo()
        self.refresh()
        return ids

    def redo(self) -> list[str]:
        """Do again what was undone last; gives the ids it touched."""
        ids = self.journal.redo()
        self.refresh()
        return ids

    def refresh(self) -> None:
        """Show decisions that were made elsewhere too."""
        if self.journal.version != self._known_version:
            self._known_version = self.journal.version
            if self._standing() != self._applied and not self.job.running:
                self._reload()
            self.board.decide(self.journal.decisions)
            self.stale_rows = self.board.training != self._trained_labels

    # ------------------------------------------------------------------ view

    def show(self, view: Mapping[str, Any]) -> None:
        """Filter and sort anew."""
        known = [field.name for field in dataclasses.fields(View)]
        for name in view:
            if name not in known:
                raise BadInputError(unknown_name("filter", name, known))
            if not isinstance(view[name], bool if name == "descending" else (str, type(None))):
                wanted = "True or False" if name == "descending" else "text"
                raise BadInputError(f"{name} is {view[name]!r}; allowed is {wanted}.")
        known_values = {"label": self.classes(), "predicted": self.classes(), "split": SPLITS}
        for name, allowed in known_values.items():
            if view.get(name) and view[name] not in allowed:
                raise BadInputError(unknown_name("class" if name != "split" else name, view[name], allowed))
        self.refresh()
        scored = self.review is not None
        default: dict[str, Any] = {"sort": "label_issue" if scored else "path", "descending": scored}
        if view.get("queue"):
            default = {"sort": "queue", "descending": True}
        self.board.show(View(**{**default, **view}))

    def take_issues(self, issues: IssueSource | None) -> None:
        """Show other queues; the view stays where its queue is still there."""
        self.board.issues = issues
        self.board.load(self.ds, self.review, self.journal.decisions)
        self._warn_of_strangers()
        self._align()

    def _warn_of_strangers(self) -> None:
        flagged = sum(number for _, _, number, _ in self.board.issues.queues()) if self.board.issues else 0
        if flagged and not any(each["total"] for each in self.board.queues.message(self.board.undecided)):
            warnings.warn(
                "None of the items in these issues is in this data set; find them in this one: find_issues(ds).",
                stacklevel=4,
            )

    def review_yield(self) -> ReviewYield:
        """What the decisions brought in the queue that is shown, or in all items by how suspect their label is."""
        key = (self.journal.version, self.board.revision, self._count_from)
        if self._yield is None or self._yield[0] != key:
            figures = review_yield(*looks(self.board, self.journal.decisions, self._count_from))
            self._yield = key, figures
        return self._yield[1]

    def classes(self) -> list[str]:
        """Classes of the data, of the model and of the decisions."""
        names = set(self.ds.classes) | set(self.board.new_labels[self.board.actions == "relabel"])
        return sorted(names | set(self.review.classes if self.review is not None else ()))

    def state(self) -> dict[str, Any]:
        """What the view shows around the grid."""
        self.refresh()
        board = self.board
        rounds = self.journal.rounds
        busy = self.job.running
        counts = board.counts()
        return {
            "revision": board.revision,
            "total": len(board.order),
            "items": len(board.ids),
            "classes": self.classes(),
            "counts": counts,
            "seen": int(board.seen.sum()),
            "marked": sum(counts["action"].values()),
            "view": _view_message(board.view),
            "queues": board.queues.message(board.undecided),
            "runs": board.runs,
            "yield": _yield_message(self.review_yield()),
            "can": {
                "undo": self.journal.can_undo,
                "redo": self.journal.can_redo,
                "scores": self.review is not None,
                "retrain": hasattr(self.learn, "with_data") and not busy,
                "apply": bool(counts["action"]["delete"] + counts["action"]["relabel"]) and not busy,
                "rollback": bool(rounds.rolled_back_at.isna().any()) and not busy,
            },
            "stale": self.review is not None and (self._lost or bool(self.stale_rows.any())),
            "job": self.job.state.as_message(),
            "title": self.ds.root.name,
            "made_by": self.review.made_by
            if self.review is not None
            else "no scores: give the Cleaner a trained Learner",
            "exam": {"marks": board.exam_marks},
            "note": f"{len(self.ds.problems)} files could not be used; see ds.problems"
            if len(self.ds.problems)
            else None,
        }

    def tell_state(self) -> None:
        """Let the view know that something around the grid changed."""
        self._tell({"event": "state", "state": self.state()})

    def tell_items(self, ids: Sequence[str]) -> None:
        """Let the view know that these items changed."""
        self.tell_state()
        if ids:
            self._tell({"event": "items", "ids": list(ids) if len(ids) <= TOLD else None})

    def _tell_job(self, state: JobState) -> None:
        self._tell({"event": "job", "job": state.as_message()})
        if not self.job.running:
            with self.lock:
                self.tell_state()

    # ------------------------------------------------------------------ one item

    def thumbnail(self, id_: str, px: int) -> bytes:
        """JPEG of one item."""
        return self.thumbnails.jpeg(self.ds.path_of(id_), self._contents[self.ds.index_of(id_)], px)

    def top_probabilities(self, id_: str, n: int) -> list[list[Any]]:
        """The `n` most probable classes of one item, with their probabilities."""
        if self.review is None or id_ not in self.review.table.index:
            return []
        row = self.review.probabilities[self.review.table.index.get_loc(id_)]
        return [[self.review.classes[each], float(row[each])] for each in np.argsort(-row)[:n].tolist()]

    def history(self, id_: str) -> list[dict[str, Any]]:
        """What was decided on one item and not undone, the newest last."""
        return [
            {
                "time": decision.decided_at,
                "by": decision.decided_by,
                "action": decision.action,
                "label": decision.new_label,
            }
            for decision in self.journal.history(id_)
        ]

    # ------------------------------------------------------------------ files

    def apply(self, plan: Any = None) -> Receipt:
        """Move the files, then read the data set anew."""
        self._not_while_training()
        receipt = self.journal.apply(plan)
        self._reload()
        return receipt

    def rollback(self, number: int | None) -> Receipt:
        """Move the files back, then read the data set anew."""
        self._not_while_training()
        if number is None:
            rounds = self.journal.rounds
            standing = rounds.index[rounds.rolled_back_at.isna()]
            if not len(standing):
                raise BadInputError("There is no round to roll back: nothing has been applied.")
            number = int(standing.max())
        receipt = self.journal.rollback(number)
        self._reload()
        return receipt

    def _standing(self) -> list[int]:
        rounds = self.journal.rounds
        return rounds.index[rounds.rolled_back_at.isna()].tolist()

    def _reload(self) -> None:
        self.ds = self.ds.reread()
        self.journal = Journal.open(self.ds, by=self.journal.by)
        self._contents = self.ds.table.content.tolist()
        self.review = self._full_review.rebind(self.ds) if self._full_review is not None else None
        self._known_version = self.journal.version
        self._applied = self._standing()
        self._count_from = counted_from(self.journal)
        self.board.load(self.ds, self.review, self.journal.decisions)
        self._align()
        self._tell_listeners()

    def _tell_listeners(self) -> None:
        for listener in self.listeners:
            try:
                listener()
            except Exception:  # what was done stands, whatever a view makes of it
                log.exception("A listener of the Cleaner failed")

    def _not_while_training(self) -> None:
        if self.job.running:
            raise BadInputError("A training is running; wait for it or stop it before files are moved.")

    # ------------------------------------------------------------------ training

    def retrain(self, epochs: int = 4) -> None:
        """Start training on the data with the decisions taken into account, in the background."""
        if not hasattr(self.learn, "with_data"):
            raise BadInputError(
                "There is no bearwidgets Learner to retrain; train one with `learn = bw.Learner(ds)` and "
                "`learn.fine_tune()`, and give it to the Cleaner."
            )
        with self.lock:
            self.refresh()
            cleaned = self.ds.cleaned(self.journal)
            learner = self.learn.with_data(cleaned)
            steps: Generator[Progress] = learner.fine_tuning(epochs, mode=self.learn.mode)
            self.job.start(steps, lambda: self._take(learner, cleaned))
            self.effect = None

    def _take(self, learner: Any, cleaned: Dataset) -> dict[str, Any]:
        """Swap the new learner and its scores in; gives the figures for the view."""
        with self.lock:
            relabel = (self.board.actions == "relabel") & (self.board.splits == "train")
            labels = np.where(relabel, self.board.new_labels, self.board.labels)
            table = self.ds.table.assign(label=labels)
        known = table.label.isin(learner.classes)  # a class may be in deleted or in examined items only
        decided = self.ds.with_table(table[known].reset_index(drop=True))
        review = Review(learner, decided)
        effect, figures = None, {"message": "done; there is no evaluation split to measure on"}
        if (self.ds.table.split == "valid").any():
            effect = measure_effect(self.first_learn, learner, self.ds, self.journal)
            were = effect.table.loc["as they were"]
            corrected = effect.table.error_after.get("corrected")
            figures = {
                "message": str(effect),
                "before": {"error_rate": float(were.error_before), "n": int(were.n)},
                "after": {
                    "error_rate": float(were.error_after),
                    "error_rate_corrected": None if corrected is None else float(corrected),
                    "n": int(were.n),
                },
            }
        with self.lock:
            self.learn, self.effect = learner, effect
            self.review = self._full_review = review
            self._count_from = max(self.journal.decisions.seq, default=0)  # decided on other scores
            self.board.load(self.ds, review, self.journal.decisions)
            self._score(cleaned)
            self._tell_listeners()
        return figures


def _view_message(view: View) -> dict[str, Any]:
    fields = dataclasses.asdict(view)
    rest = {name: fields.pop(name) for name in ("sort", "descending", "queue")}
    return {"filter": fields, **rest}


def _yield_message(figures: ReviewYield) -> dict[str, Any] | None:
    if not figures.decided:
        return None
    return {**dataclasses.asdict(figures), "hint": figures.hint}
