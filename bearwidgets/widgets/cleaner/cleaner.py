"""The Cleaner: a grid in the notebook in which suspicious images are cleared, and the same in Python."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bearwidgets.widgets.cleaner.commands import Commands
from bearwidgets.widgets.cleaner.requests import Requests
from bearwidgets.widgets.cleaner.session import Session
from bearwidgets.widgets.view import View, bundle

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd

    from bearwidgets.clean.journal import Journal
    from bearwidgets.data.dataset import Dataset
    from bearwidgets.review.checks.issues import Issues
    from bearwidgets.review.effect.effect import Effect
    from bearwidgets.review.effect.running_yield import ReviewYield
    from bearwidgets.review.review import Review
    from bearwidgets.widgets.cleaner.queues import IssueSource


class Cleaner(Commands, View):
    """A grid of thumbnails, the most suspect first, in which each is kept, relabeled, deleted or left as unsure.

    Every decision is in the journal of the workspace at once; no file changes before `apply`. Once it was shown it
    stays in memory until `close`, as all widgets do.

    Args:
        source: a trained `Learner`, a `Review`, a `Dataset` (no scores, ordered by path) or a fastai `Learner`.
        issues: queues of suspects beside the label issues, such as duplicates: what `find_issues` gives, or any
            object with `queues()` and `queue(name)` as in `bearwidgets.widgets.cleaner.queues.IssueSource`.
        journal: the decisions; the workspace's own if not given.
        height: of the view, px.

    Attributes:
        changes: grows with every decision, undo, apply and rollback, whoever made it. In ipywidgets, observe it:
            `cleaner.observe(act, "changes")`; in marimo, cells that use `mo.ui.anywidget(cleaner)` run again.

    Raises:
        BadInputError: a source that cannot be shown.
        WorkspaceError: the workspace cannot be written.

    Example:
        >>> cleaner = bw.Cleaner(learn)
        >>> cleaner.mark(ds.table.id[0], "relabel", "grizzly")
        1
        >>> cleaner.undo()
        1
    """

    _esm = bundle("cleaner.js")
    _css = bundle("cleaner.css")

    def __init__(
        self,
        source: Any,
        *,
        issues: IssueSource | None = None,
        journal: Journal | None = None,
        height: int = 600,
    ) -> None:
        self._session = Session(source, journal, issues)
        super().__init__(Requests(self._session).handlers, self._session.lock, height=height)
        self._session.join(self)

    def __repr__(self) -> str:
        state = self._session.state()
        return f"Cleaner({state.title}: {state.items} items, {state.marked} marked)"

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
        """What the last retrain changed on the evaluation split, or None."""
        return self._session.effect

    @property
    def selected(self) -> list[str]:
        """Ids of the items that are selected in the view, in its order.

        Example:
            >>> cleaner.selected
            []
        """
        return list(self._session.selected)

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
        """What the last decisions brought, what is left to find, and whether going on pays.

        Of the queue that is shown; without one, of all items by how suspect their label is. Decisions count from
        the last retrain or applied round on, if they were made in this queue.

        Example:
            >>> print(cleaner.review_yield)
            Nothing here is decided yet.
        """
        with self.lock:
            self._session.refresh()
            return self._session.review_yield()

    def on_scores(self, listener: Callable[[], None]) -> None:
        """Have a function called whenever scores or files changed: after a retrain, an apply, a rollback."""
        self._session.listeners.append(listener)
