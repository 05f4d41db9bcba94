"""The Cleaner: a grid in the notebook in which suspects are cleared, and the same in Python."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import anywidget
import traitlets

from bearwidgets.errors import BadInputError, TrainingError, unknown_name
from bearwidgets.widgets import protocol
from bearwidgets.widgets.cleaner.requests import Requests
from bearwidgets.widgets.cleaner.session import Session
from bearwidgets.widgets.cleaner.snapshot import Snapshot, make_snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd

    from bearwidgets.clean.apply.plan import Plan, Receipt
    from bearwidgets.clean.journal import Journal
    from bearwidgets.data.dataset import Dataset
    from bearwidgets.review.checks.issues import Issues
    from bearwidgets.review.effect.effect import Effect
    from bearwidgets.review.effect.running_yield import ReviewYield
    from bearwidgets.review.review import Review
    from bearwidgets.widgets.cleaner.queues import IssueSource
    from bearwidgets.widgets.job import JobState

STATIC = Path(__file__).parents[2] / "static"


class Cleaner(anywidget.AnyWidget):
    """A grid of thumbnails, the most suspect first, in which each is kept, relabelled, deleted or left as unsure.

    Every decision is in the journal of the workspace at once; no file changes before `apply`.

    Args:
        source: a trained `Learner`, a `Review`, a `Dataset` (no scores, ordered by path) or a fastai `Learner`.
        issues: queues of suspects beside the label issues, such as duplicates: what `find_issues` gives, or any
            object with `queues()` and `queue(name)` as in `bearwidgets.widgets.cleaner.queues.IssueSource`.
        journal: the decisions; the workspace's own if not given.
        height: of the view, px.

    Attributes:
        effect: what the last retrain changed on the evaluation split, or None.

    Raises:
        BadInputError: a source that cannot be shown.
        WorkspaceError: the workspace cannot be written.

    Example:
        >>> cleaner = bw.Cleaner(learn)  # doctest: +SKIP
        >>> cleaner.mark(["0f3a…"], "relabel", "grizzly")  # doctest: +SKIP
    """

    _esm = STATIC / "cleaner.js"
    _css = STATIC / "cleaner.css"
    height = traitlets.Int(640, help="Height of the view, px.").tag(sync=True)
    px = traitlets.Int(176, help="Side of a tile, px.").tag(sync=True)

    def __init__(
        self,
        source: Any,
        *,
        issues: IssueSource | None = None,
        journal: Journal | None = None,
        height: int = 640,
    ) -> None:
        super().__init__(height=height)
        self.lock = threading.RLock()
        self._session = Session(source, journal, self.lock, self._told, issues)
        self._requests = Requests(self._session)
        self.on_msg(self._on_message)

    def __repr__(self) -> str:
        state = self._session.state()
        return f"Cleaner({state['title']}: {state['items']} items, {state['marked']} marked)"

    @property
    def ds(self) -> Dataset:
        """The data set as it is on disk now."""
        return self._session.ds

    @property
    def review(self) -> Review | None:
        """The scores shown now, if any."""
        return self._session.review

    @property
    def learn(self) -> Any:
        """The learner that made them, if any; after a retrain the new one."""
        return self._session.learn

    @property
    def journal(self) -> Journal:
        """The decisions."""
        return self._session.journal

    @property
    def decisions(self) -> pd.DataFrame:
        """The decision now in force for each item that has one."""
        return self._session.journal.decisions

    @property
    def effect(self) -> Effect | None:
        """What the last retrain changed on the evaluation split."""
        return self._session.effect

    @property
    def issues(self) -> IssueSource | None:
        """Where the queues come from, if anywhere; other ones can be given at any time."""
        return self._session.board.issues

    @issues.setter
    def issues(self, issues: IssueSource | None) -> None:
        with self.lock:
            self._session.take_issues(issues)
            self._session.tell_state()

    def find_issues(self, checks: Sequence[str] | None = None) -> Issues:
        """Run the checks, all or some by name, and show their queues.

        Raises:
            BadInputError: an unknown check.
        """
        from bearwidgets.review.checks.run import find_issues

        self.issues = found = find_issues(self.review if self.review is not None else self.ds, checks)
        return found

    @property
    def review_yield(self) -> ReviewYield:
        """What the last decisions brought, what is left to find, and whether looking on pays.

        Of the queue that is shown; without one, of all items by how suspect their label is. Decisions count from
        the last retrain or applied round on, if they were made in this queue.

        Example:
            >>> print(cleaner.review_yield)  # doctest: +SKIP
            3 of the last 25 decisions changed something (12%). About 6 errors are left in 405 (90%: 0 to 17).
        """
        with self.lock:
            self._session.refresh()
            return self._session.review_yield()

    def mark(
        self, ids: str | Sequence[str], action: str, label: str | None = None, *, new_class: bool = False
    ) -> int:
        """Decide on items: the act of one button or key, and one step to undo.

        Args:
            ids: one id or several.
            action: "keep", "delete", "relabel", "unsure", "clear" (withdraw) or "accept" (take the suggestion).
            label: the new label, for "relabel".
            new_class: allow a label that is no class yet.

        Returns:
            How many decisions changed.

        Raises:
            BadInputError: an unknown id, action or class.
        """
        with self.lock:
            if label is not None and not new_class and label not in (known := self._session.classes()):
                hint = "; a class that does not exist yet needs new_class=True"
                raise BadInputError(unknown_name("class", label, known, "in this data set") + hint)
            rows = self._session.board.rows_of(_listed(ids))
            changed = self._session.mark(rows, action, label)
            self._session.tell_items(changed)
            return len(changed)

    def settle(self, keep: str | Sequence[str] | None = None) -> int:
        """Keep one of each group in the queue that is shown and delete the others: one act, one step to undo.

        What the filters hide is left alone.

        Args:
            keep: one id or several that stay, each in its group, whatever was decided before; without them, all
                groups keep the proposed one, and what is decided already stays as it is.

        Returns:
            How many decisions changed.

        Raises:
            BadInputError: there are no groups of copies in the view, or an id is in none.

        Example:
            >>> cleaner.show(queue="near_duplicates")  # doctest: +SKIP
            14
            >>> cleaner.settle()  # doctest: +SKIP
            14
        """
        with self.lock:
            board = self._session.board
            rows = board.order if keep is None else board.rows_of(_listed(keep))
            changed = self._session.settle(rows, keepers=keep is None)
            self._session.tell_items(changed)
            return len(changed)

    def undo(self) -> int:
        """Take the last act back, across restarts too; gives how many items it touched."""
        return self._again("undo")

    def redo(self) -> int:
        """Do again what was undone last; gives how many items it touched."""
        return self._again("redo")

    def show(self, **view: Any) -> int:
        """Filter and sort: `queue`, `label`, `predicted`, `split`, `decision`, `text`, `sort`, `descending`.

        What is not named is shown in full, the most suspect first.

        Returns:
            How many items are shown.

        Example:
            >>> cleaner.show(label="black", predicted="grizzly", sort="loss")  # doctest: +SKIP
            12
            >>> cleaner.show(queue="near_duplicates", decision="undecided")  # doctest: +SKIP
            6
        """
        with self.lock:
            self._session.show(view)
            self._session.tell_state()
            return len(self._session.board.order)

    def on_scores(self, listener: Callable[[], None]) -> None:
        """Have a function called whenever scores or files changed: after a retrain, an apply, a rollback."""
        self._session.listeners.append(listener)

    def retrain(self, *, epochs: int = 4, wait: bool = True) -> JobState:
        """Train on the data with the decisions taken into account, and measure what that changed.

        Args:
            epochs: as in `Learner.fine_tune`; the mode is that of the learner.
            wait: until it is done; else it goes on in the background, `stop` ends it.

        Raises:
            BadInputError: there is no learner to retrain.
            ConflictError: a training is running.
            TrainingError: it failed; scores and learner are as before.
        """
        self._session.retrain(epochs)
        state = self._session.job.wait() if wait else self._session.job.state
        if state.state == "failed":
            raise TrainingError(state.error)
        return state

    def stop(self) -> None:
        """Stop a training at its next step; scores and learner stay as they were."""
        self._session.job.stop()

    def apply(self, *, dry_run: bool = False) -> Plan | Receipt:
        """Move files as decided: deletes to the trash of the workspace, relabels to their class.

        Args:
            dry_run: only say what would be done.

        Raises:
            ConflictError: files are not what the decisions were made for; nothing was changed.
            WorkspaceError: the disk is full or cannot be written; what was begun is taken back.
        """
        with self.lock:
            if dry_run:
                return self._session.journal.plan()
            receipt = self._session.apply()
            self._session.tell_state()
            return receipt

    def rollback(self, round: int | None = None) -> Receipt:  # noqa: A002 - the field's word, as in Journal
        """Put files back where they were before a round, the last one if not given.

        Raises:
            BadInputError: no such round, or a later one stands in the way.
            ConflictError: files changed meanwhile; nothing was changed.
        """
        with self.lock:
            receipt = self._session.rollback(round)
            self._session.tell_state()
            return receipt

    def snapshot(self, n: int = 24, *, px: int = 110) -> Snapshot:
        """A static contact sheet of the first `n` items of the view, readable without a kernel."""
        with self.lock:
            session = self._session
            state = session.state()
            items = [session.board.item(place) for place in range(min(n, len(session.board.order)))]
            title = f"{state['title']}: {len(items)} of {state['total']} items, {state['marked']} marked"
            return make_snapshot(title, items, session.ds, session.thumbnails, px)

    def _again(self, what: str) -> int:
        with self.lock:
            ids = self._session.undo() if what == "undo" else self._session.redo()
            self._session.tell_items(ids)
            return len(ids)

    def _told(self, event: dict[str, Any]) -> None:
        self.send(protocol.plain({"kind": "event", **event}))

    def _on_message(self, _widget: Any, content: Any, _buffers: Any) -> None:
        with self.lock:  # an answer must not be overtaken by the news of what came after it
            answer = protocol.answer(self._requests.handlers, content)
            if answer is not None:
                self.send(answer[0], cast("list[Any]", answer[1]))

    @traitlets.validate("height", "px")
    def _check_length(self, proposal: Any) -> int:
        low, high = (200, 4000) if proposal["trait"].name == "height" else (96, 320)
        if not low <= proposal["value"] <= high:
            raise BadInputError(
                f"{proposal['trait'].name} is {proposal['value']}; allowed is {low} to {high} px."
            )
        return proposal["value"]


def _listed(ids: str | Sequence[str]) -> list[str]:
    """One id or several, as a list."""
    if ids is None or not hasattr(ids, "__iter__"):
        raise BadInputError(f"ids are {ids!r}; give one id, or a list of them; they stand in ds.table.id.")
    return [ids] if isinstance(ids, str) else list(ids)
