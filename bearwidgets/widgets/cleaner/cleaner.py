"""The Cleaner: a grid in the notebook in which suspicious images are cleared, and the same in Python."""

from __future__ import annotations

from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, Any

import traitlets

from bearwidgets.data.dataset import Dataset
from bearwidgets.errors import check_whole
from bearwidgets.figures import counted
from bearwidgets.review.checks.run import known_checks
from bearwidgets.widgets.cleaner.commands import Commands
from bearwidgets.widgets.cleaner.keys import own_keys
from bearwidgets.widgets.cleaner.opening import Opening
from bearwidgets.widgets.cleaner.requests import Requests
from bearwidgets.widgets.cleaner.session import Session
from bearwidgets.widgets.view import View, bundle

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pandas as pd

    from bearwidgets.clean.journal import Journal
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
        source: a folder of images, as in `clean`; or a trained `Learner`, a `Review`, a `Dataset` (no scores,
            ordered by path) or a fastai `Learner`.
        issues: queues of suspects beside the label issues, such as duplicates: what `find_issues` gives, of which the
            view shows `Issues.triage` first, or any object with `queues()` and `queue(name)` as in
            `bearwidgets.widgets.cleaner.queues.IssueSource`.
        journal: the decisions; the workspace's own if not given.
        height: of the view, px.
        keys: keys of another tool ("fastclass", "prodigy", "cleanlab", "label studio"), or of your own: a dict of
            key → act such as `{"d": "delete", "g": "grizzly"}`; the others stay as they are. The acts are in
            `bearwidgets.widgets.cleaner.keys.ACTS`; the name of a class relabels to it.

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

    own_keys = traitlets.Dict(help="Key → act, where they differ from the default ones.").tag(sync=True)

    def __init__(
        self,
        source: Any,
        *,
        issues: IssueSource | None = None,
        journal: Journal | None = None,
        height: int = 600,
        keys: str | Mapping[str, str] = "default",
    ) -> None:
        if isinstance(source, (str, Path)):
            source = Opening(Dataset.from_folder(source), checks=None if issues is None else ())
        opening = source if isinstance(source, Opening) else None
        self._session = Session(source if opening is None else opening.ds, journal, issues)
        own = own_keys(keys, self._session.classes())
        super().__init__(Requests(self._session).handlers, self._session.lock, height=height, own_keys=own)
        self._session.join(self)
        if opening is not None:
            self._session.open(opening)

    def __repr__(self) -> str:
        state = self._session.state()
        items, decisions = counted(state.items, "image"), counted(state.marked, "decision")
        return f"Cleaner({state.title}: {items}, {decisions})"

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
    def blame(self) -> pd.DataFrame:
        """What each decision on a training image does to the exam, the most harmful first: see `decision_effects`.

        By a Newton step of the linear head without the decision, in seconds. Those that harm by more than chance are
        the queue "look_again" from then on; after each retrain they are so of themselves.

        Returns:
            DataFrame by id: path, action, label, new_label, effect (change of the exam's mean log-loss in nats;
            negative helps), harms (bool), reason (one sentence).

        Raises:
            BadInputError: no evaluation split, no decision on a training image, or a learner without features.

        Example:
            >>> cleaner.mark(ds.table.id[ds.table.split == "train"][:2], "delete")
            2
            >>> list(cleaner.blame.columns)
            ['path', 'action', 'label', 'new_label', 'effect', 'harms', 'reason']
        """
        return self._session.blame().copy()

    @property
    def selected(self) -> list[str]:
        """Ids of the items that are selected in the view or in one that it follows, those here in its order.

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


def clean(
    folder: str | Path,
    *,
    valid_pct: float = 0.2,
    seed: int | None = None,
    checks: Sequence[str] | None = None,
    height: int = 600,
) -> Cleaner:
    """Read a folder of images and show the grid at once; train, rank and check in the background.

    It is `Dataset.from_folder`, `Learner.fine_tune`, `find_issues` and `Cleaner` in one call, with the same figures.
    The suspects come first as soon as they are known; in a view that somebody works in nothing moves, and a button
    shows them. `cleaner.wait()` waits for the end, `cleaner.stop()` ends it early.

    Args:
        folder: One folder per class in it, or train/ valid/ test/ of those.
        valid_pct: Share of valid items, 0 to below 1, as in `Dataset.from_folder`.
        seed: Of the split and of the learner; their own defaults if not given.
        checks: Names of checks, as in `find_issues`; all if not given, none for an empty list.
        height: Of the view, px.

    Raises:
        BadInputError: An unknown check, or as `Dataset.from_folder`.
        MissingFileError: There is no such folder.

    Example:
        >>> cleaner = bw.clean("bears").wait()
        >>> cleaner.learn.is_trained, len(cleaner.issues.summary) > 0
        (True, True)
    """
    if checks is not None:
        known_checks(checks)  # says at once what is wrong
    if seed is not None:
        check_whole("seed", seed, 0, 2**32 - 1, kind=Integral)
    split: dict[str, Any] = {} if seed is None else {"seed": seed}
    ds = Dataset.from_folder(folder, valid_pct=valid_pct, **split)
    return Cleaner(Opening(ds, seed or 0, checks), height=height)
