"""What a Cleaner does, without the widget: data set, scores, decisions and training in step with each other."""

from __future__ import annotations

import contextlib
import functools
import logging
import threading
import warnings
import weakref
from typing import TYPE_CHECKING, Any, Literal

from bearwidgets.clean.journal import Journal
from bearwidgets.data.actions import ACCEPT, CLEAR, DELETE, KEEP, MARKS, RELABEL, Choice
from bearwidgets.data.cache.cache_file import cache_dir
from bearwidgets.data.cache.thumbs import Thumbnails
from bearwidgets.data.dataset import Dataset
from bearwidgets.data.split import SPLITS
from bearwidgets.errors import BadInputError, BearwidgetsError, shortened, unknown_name
from bearwidgets.figures import counted
from bearwidgets.learn.progress import QUICK_STAGES, Progress, run_with_bar
from bearwidgets.review.checks.issues import Issues
from bearwidgets.review.checks.run import ISSUE_STAGES, finding_again
from bearwidgets.review.effect.running_yield import ReviewYield, review_yield
from bearwidgets.review.review import Review
from bearwidgets.widgets.cleaner import retraining
from bearwidgets.widgets.cleaner.board import Board
from bearwidgets.widgets.cleaner.finding import finding, is_behind, labels_now
from bearwidgets.widgets.cleaner.keys import Digits
from bearwidgets.widgets.cleaner.learned import Learned
from bearwidgets.widgets.cleaner.links import Links
from bearwidgets.widgets.cleaner.looking_again import KnownEffects, harmful
from bearwidgets.widgets.cleaner.questions import LOOK_AGAIN, TRIAGE
from bearwidgets.widgets.cleaner.review_trials import counted_from, review_trials
from bearwidgets.widgets.cleaner.saved_views import SavedViews
from bearwidgets.widgets.job import Job
from bearwidgets.widgets.protocol import (
    Can,
    ItemsEvent,
    JobEvent,
    KernelEvent,
    State,
    StateEvent,
    ViewSpec,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence
    from pathlib import Path

    import pandas as pd

    from bearwidgets.clean.apply.plan import Receipt
    from bearwidgets.clean.journal import Step
    from bearwidgets.clean.log.remarks import Remark
    from bearwidgets.review.effect.effect import Effect
    from bearwidgets.widgets.cleaner.opening import Opening
    from bearwidgets.widgets.cleaner.queues import IssueSource
    from bearwidgets.widgets.protocol import JobState
    from bearwidgets.widgets.view import View

log = logging.getLogger("bearwidgets")

TOLD = 2000
AT_ONCE = 3000  # items on which the checks take about a second, once features and pixels are known
_thumbnails_in = functools.cache(Thumbnails)  # all views share what is held in memory


class Session:
    """One person's work on one data set.

    Attributes:
        lock: held by whoever calls; the training thread takes it to swap scores.
        views: told of each event and of new scores; they live no longer for that. Joined by a new set, for the
            training thread may be going through this one.
        listeners: called when scores or files changed.
        links: the views that follow this one, what is selected in any of them, and what they show.
        remarks: tags and notes by id, as the board shows them.
        effect: what the last retrain changed on the evaluation split, or None.
        painted: set once a view had its first images.
        at_work: whether a person did something in the order that is shown: decided, selected, scrolled, filtered.
        ready: a sentence on suspects that were found and not shown, for a person was at work; or "".
        outdated: whether the queues are of before files moved or labels changed, and are not found anew yet.
        untrained: why the first work on a folder trained nothing; or "".
    """

    def __init__(
        self, source: Any, journal: Journal | None = None, issues: IssueSource | None = None
    ) -> None:
        self.review, ds = _opened(source)
        self.ds: Dataset = ds.on_disk
        self.learn: Any = self.review.learn if self.review is not None else None
        self.first_learn = self.learn
        self.effect: Effect | None = None
        self.lock = threading.RLock()
        self.views: weakref.WeakSet[View] = weakref.WeakSet()
        self._digits = Digits()
        self.listeners: list[Callable[[], None]] = []
        self.remarks: dict[str, Remark] = {}
        self.painted = threading.Event()
        self.at_work = self.outdated = False
        self._behind = False  # files were moved elsewhere during a job, and are not read anew yet
        self._to_find = False  # scores and queues are to be found anew once no job is running
        self._looked: tuple[int, int, int] | None = None  # the journal's file at the last look
        self.ready = self.untrained = ""
        self.job = Job(self._tell_job)
        self.thumbnails = _thumbnails_in(cache_dir() / "thumbs")
        self._full_review = self.review  # of items, too, that a round has moved away since
        self._yield: tuple[tuple[int, int, int], ReviewYield] | None = None
        if not isinstance(journal, (Journal, type(None))):
            raise BadInputError(f"journal is {shortened(journal)}; a Journal is needed: bw.Journal.open(ds).")
        self.journal = Journal.open(self.ds) if journal is None else journal
        self.saved_views = SavedViews(self.journal.path.parent)
        self._read_journal()
        self._count_from = counted_from(self.journal)
        decisions, settled = self.journal.decisions, self.journal.settled
        self._learned = Learned(self._count_from)
        self.board = Board(self.ds, self.review, decisions, issues, self.remarks, settled)
        self._rank()
        self.links = Links(self.learn if self.learn is not None else self.review)
        self.links.group.join(self)
        self._effects = KnownEffects()
        self._warn_of_other_data()
        self._trained_on(getattr(self.learn, "ds", None) or ds)
        if self.journal.recovered:  # the data set was read while a round was half done
            self._reload()

    # ------------------------------------------------------------------ decisions

    def mark(self, ids: Sequence[str], action: str, label: str | None) -> list[str]:
        """Decide on items; gives the ids whose decision changed."""
        if action not in MARKS:
            raise BadInputError(unknown_name("action", action, MARKS))
        rows = self.board.rows_of(ids)
        if action == ACCEPT and label is not None:
            raise BadInputError(
                f"Action 'accept' came with label={shortened(label)}; it takes what is proposed."
            )
        if action == ACCEPT:
            return self._record(self.board.accepted(rows))
        if action == KEEP and label is None:
            return self._record(self.board.kept(rows))
        return self._record(dict.fromkeys(rows.tolist(), Choice(action, label)))

    def resolve_group(self, ids: Sequence[str], *, keepers: bool) -> list[str]:
        """Keep one of each group, see `Board.resolved`, as one act; gives the ids whose decision changed."""
        return self._record(self.board.resolved(self.board.rows_of(ids), keepers=keepers))

    def _record(self, choices: Mapping[int, Choice]) -> list[str]:
        self.at_work = True
        ids = self.board.ids[list(choices)]
        evidence = {id_: self.board.evidence(row) for id_, row in zip(ids, choices, strict=True)}
        changed = self.journal.record_each(dict(zip(ids, choices.values(), strict=True)), seen=evidence)
        self._take_news(changed)
        return changed

    def remark(self, ids: Sequence[str], **change: Any) -> list[str]:
        """Tag items or write their note, see `Journal.remark`; gives the ids that changed."""
        found = self.board.ids[self.board.rows_of(ids)].tolist()
        changed = self.journal.remark(found, **change)
        self._take_news(changed)
        return changed

    def reset(self) -> Path:
        """Begin a new journal, see `Journal.reset`."""
        if self.job.state.kind != "find":
            self.job.refuse("before you reset the journal")
        kept = self.journal.reset()
        self.refresh()
        self._count_from = counted_from(self.journal)
        self._learned = Learned(self._count_from)
        return kept

    def step(self, what: Literal["undo", "redo"]) -> Step:
        """Undo or redo, see `Journal.step`."""
        step = self.journal.step(what)
        self._take_news(step.ids)
        return step

    def refresh(self) -> None:
        """Show decisions that were made elsewhere too."""
        self._take_news([])

    def look(self) -> None:
        """As `refresh`, for whoever holds no lock and looks often: next to nothing where the file is as it was."""
        stat = self.journal.path.stat()
        seen = (stat.st_size, stat.st_mtime_ns, stat.st_ino)
        if seen != self._looked:
            self._looked = seen
            with self.lock:
                self.refresh()

    def _take_news(self, own: Sequence[str]) -> None:
        """Take in what is new in the journal; what is not about one's `own` items is told to every view."""
        known, version = self._known_version, self.journal.version
        if version == known and not (self._behind and not self.job.running):
            return
        applied = self._standing
        self._read_journal()
        self._behind |= self._standing != applied
        if self._behind and not self.job.running:
            self._reload()
            news = None
        else:
            changes = self.journal.changes_since(known)
            self._learned.forget(changes)
            if is_behind(self.board, self.board.update(changes)):
                self._find_soon()
            news = list(changes.keys() - set(own))
        if news != []:
            self.tell_state()
            self.tell(ItemsEvent(news if news is not None and len(news) <= TOLD else None))

    def _load_board(self, *, hold: bool = False) -> None:
        self.board.load(self.ds, self.review, self.journal.decisions, self.journal.settled, hold=hold)
        self._rank(hold=hold)

    def _rank(self, *, hold: bool = False) -> None:
        """Put what to review first in the order that the decisions teach; the shown order stays with `hold`."""
        queue = self.board.queues.get(TRIAGE) if TRIAGE in self.board.queues.names else None
        if queue is None:
            return
        self._learned.rank(self.board, self.journal.decisions)
        if not hold and self.board.view.queue == TRIAGE and self.board.queues.get(TRIAGE) is not queue:
            self.board.show(self.board.view)

    def _read_journal(self) -> None:
        self._known_version = self.journal.version
        self._standing = self.journal.standing
        self.remarks.clear()
        self.remarks.update(self.journal.remarks)
        self._count_changes()

    def join(self, view: View) -> None:
        """Tell this view from now on."""
        self.views = self.views | {view}
        self._count_changes()

    def _count_changes(self) -> None:
        """Have every view tell its observers how much is recorded."""
        for view in list(self.views):
            view.decisions_changed(self._known_version)

    # ------------------------------------------------------------------ view

    def show(self, view: ViewSpec) -> None:
        """Filter and sort anew; an unknown class, split or queue is refused, unless it is the one that is shown."""
        wanted, shown, classes = view.filter, self.board.view.filter, self.classes()
        for kind, value, now, known in (
            ("class", wanted.label, shown.label, classes),
            ("class", wanted.predicted, shown.predicted, classes),
            ("split", wanted.split, shown.split, SPLITS),
            ("tag", wanted.tag, shown.tag, self.journal.tags),
        ):
            if value and value not in (now, *known):
                raise BadInputError(unknown_name(kind, value, known))
        self.refresh()
        if view.queue == TRIAGE:
            self._learned.rank(self.board, self.journal.decisions)
        self.board.show(view)
        self.at_work = True
        first = suspects_first(self.board)
        if (view.queue, view.sort) == (first.queue, first.sort):
            self.ready = ""
        self.links.show(self.board)

    def blame(self) -> pd.DataFrame:
        """What each decision does to the exam, see `decision_effects`; those that harm are a queue from now on.

        It may take seconds, in which whoever holds the lock must not wait for it.
        """
        with self.lock:
            self.refresh()
            made_of = self.learn, self.ds, self.journal.decisions, self.journal.version
        table = self._effects.table(*made_of)
        with self.lock:
            if self.journal.version == made_of[-1]:
                self.board.look_again(harmful(table))
                self.tell_state()
        return table

    def undo_harmful(self) -> list[str]:
        """Withdraw the decisions in the queue of those that harm, as one act; gives their ids."""
        known = LOOK_AGAIN in self.board.queues.names
        queue = self.board.queues.get(LOOK_AGAIN) if known else None
        if queue is None or not len(queue.rows):
            return []
        return self.mark(self.board.ids[queue.rows].tolist(), CLEAR, None)

    def select(self, ids: Sequence[str], page: str = "") -> int:
        """Select items here and in every view that follows; gives their number."""
        found = self.board.ids[self.board.rows_of(list(dict.fromkeys(ids)))].tolist()
        self.at_work |= bool(found)
        self.links.select(found, page)
        return len(found)

    @property
    def selected(self) -> list[str]:
        """Ids of the items that are selected, those of this view in its order and first."""
        return self.links.selected(self.board)

    def follow(self, what: Literal["selected", "shown"]) -> None:
        """Show what another view shows, or what is selected in any."""
        self.links.follow(self.board, what, suspects_first(self.board))
        self.tell_state()

    def save_view(self, name: str) -> None:
        """Keep the view as it is now under a name."""
        self.journal.prepare()
        self.saved_views.save(name, self.board.view)

    def take_issues(self, issues: IssueSource | None) -> None:
        """Show other queues; the view stays where its queue is still there."""
        self.board.issues, self.outdated = issues, False
        self._load_board()
        self._warn_of_other_data()

    # ------------------------------------------------------------------ scores and queues of now

    def _find_soon(self) -> None:
        """Have scores and queues of what is there now, in the background, as soon as no other job is running."""
        self.outdated, self._to_find = self.board.issues is not None, True
        if not self.job.running:
            self._to_find = False
            phases = ISSUE_STAGES if isinstance(self.board.issues, Issues) else ()
            self.job.start(self._finding(), dict, kind="find", phases=phases)

    def _finding(self) -> Generator[Progress]:
        with self.lock:
            ds, issues, before = self.ds, self.board.issues, self.review
            labeled = ds.with_table(ds.table.assign(label=labels_now(self.board)))
        review, found = yield from finding(issues, self._full_review, self.learn, labeled)
        with self.lock:
            if self.ds is ds and self.board.issues is issues and self.review is before:
                self._take_found(review, found)
                self._show_again()
                self._tell_listeners()

    def _take_found(self, review: Review | None, issues: IssueSource | None) -> None:
        self.review, self.board.issues, self._to_find = review, issues, False
        self.outdated = issues is not None and not isinstance(issues, Issues)

    def _show_again(self) -> None:
        """Show new queues in the same view; where a person is at work its order stays, and suspects are offered."""
        self._load_board(hold=self.at_work)
        if is_behind(self.board):  # a label was withdrawn meanwhile
            self._find_soon()
        if self.at_work and self.board.issues is not None:
            self.ready = _suspects_found(self.board)
        self.tell_state()
        self.tell(ItemsEvent(None))

    def end_finding(self) -> None:
        """Put off looking for queues and wait for that, which whoever holds the lock must not."""
        if self.job.running and self.job.state.kind == "find":
            self.job.stop()
            self.job.wait()
            self._to_find = True

    def _warn_of_other_data(self) -> None:
        flagged = sum(number for _, _, number, _ in self.board.issues.queues()) if self.board.issues else 0
        if flagged and not any(each.total for each in self.board.queues.message()):
            warnings.warn(
                "None of the items in these issues is in this data set; find them in this one: find_issues(ds).",
                stacklevel=4,
            )

    def review_yield(self) -> ReviewYield:
        """What the decisions brought in the queue that is shown, or in all items by how suspect their label is."""
        key = (self.journal.version, self.board.revision, self._count_from)
        if self._yield is None or self._yield[0] != key:
            trials = review_trials(self.board, self.journal.decisions, self._count_from)
            self._yield = key, review_yield(*trials)
        return self._yield[1]

    def classes(self) -> list[str]:
        """Classes of the data, of the model and of the decisions; those that came later at the end."""
        new = [name for name, n in self.board.decisions.new_classes.items() if n and name]
        scored = self.review.classes if self.review is not None else ()
        return self._digits.ordered({*self.ds.classes, *new, *scored})

    def state(self) -> State:
        """What the view shows around the grid."""
        self.refresh()
        board, busy, scored = self.board, self.job.running, self.review is not None
        counts, unusable = board.counts(), len(self.ds.problems)
        unused = [f"{counted(unusable, 'file')} could not be used; see ds.problems"] if unusable else []
        keep, accept = board.words
        changes = board.decisions.n_changes if scored else 0
        to_apply = counts.action[DELETE] + counts.action[RELABEL]
        saved = self.saved_views.all()
        lost = [self.saved_views.note] if self.saved_views.note else []
        return State(
            revision=board.revision,
            total=len(board.order),
            items=len(board.ids),
            classes=(classes := self.classes()),
            digits=self._digits.of(board, classes),
            counts=counts,
            seen=int(board.seen.sum()),
            marked=sum(counts.action.values()),
            view=board.view,
            queues=board.queues.message(),
            runs=board.runs,
            can=Can(
                undo=self.journal.can_undo,
                redo=self.journal.can_redo,
                scores=scored,
                retrain=hasattr(self.learn, "with_data") and not busy,
                apply=bool(to_apply) and not busy,
                rollback=bool(self._standing) and not busy,
            ),
            stale=bool(changes),
            job=self.job.state,
            ready=self.ready,
            title=self.ds.root.name,
            provenance=getattr(self.review, "provenance", self._no_scores()),
            model="" if self.review is None else self.review.in_short,
            is_trained=bool(getattr(self.learn, "is_trained", scored)),
            exam_marks=board.decisions.exam_marks,
            keep=keep,
            asks=board.about,
            accept=accept,
            changes=changes,
            to_apply=to_apply,
            outdated=self.outdated,
            note=". ".join([*self.journal.damage, *getattr(self.review, "notes", ()), *unused, *lost])
            or None,
            sorts=board.values.sorts(board.view),  # noqa: PD011 - no table
            tags=self.journal.tags,
            saved=saved,
            selected=len(self.links.group.selected),
        )

    def _no_scores(self) -> str:
        if self.job.running and self.job.state.kind == "open":
            return "no scores yet"
        return self.untrained or "no scores: give the Cleaner a trained Learner"

    def tell(self, event: KernelEvent) -> None:
        """Say something to every view."""
        for view in list(self.views):
            view.tell(event)

    def tell_state(self) -> None:
        """Let the views know that something around the grid changed."""
        self.tell(StateEvent(self.state()))

    def tell_items(self, ids: Sequence[str]) -> int:
        """Let the views know that these items changed; gives how many did."""
        self.at_work = True
        self.tell_state()
        if ids:
            self.tell(ItemsEvent(list(ids) if len(ids) <= TOLD else None))
        return len(ids)

    def _tell_job(self, state: JobState) -> None:
        self.tell(JobEvent(state))
        if not self.job.running:
            with self.lock:
                if self._to_find:
                    self._find_soon()
                self.tell_state()

    def thumbnail(self, row: int, px: int) -> bytes:
        """JPEG of one item."""
        return self.thumbnails.jpeg(self.ds.path_of(self.board.ids[row]), self.board.contents[row], px)

    # ------------------------------------------------------------------ files

    def apply(self, plan: Any = None) -> Receipt:
        """Move the files, then read the data set anew."""
        return self._moved(lambda: self.journal.apply(plan))

    def rollback(self, number: int | None) -> Receipt:
        """Move the files back, then read the data set anew."""
        return self._moved(lambda: self.journal.rollback(number))

    def _moved(self, move: Callable[[], Receipt]) -> Receipt:
        self.job.refuse("before files are moved")
        self._learned.keep(self.board, self.journal.decisions)
        try:
            receipt = move()
        except BearwidgetsError:
            if self._to_find:
                self._find_soon()
            raise
        self._reload()
        return receipt

    def _reload(self) -> None:
        self._behind = False
        self.ds = self.ds.reread()
        self.journal = self.journal.reopen(self.ds)
        self.review = self._full_review.rebind(self.ds) if self._full_review is not None else None
        self._read_journal()
        self._count_from = counted_from(self.journal)
        self._learned.after = max(self._learned.after, self._count_from)
        self.outdated = self.board.issues is not None
        takes_long = isinstance(self.board.issues, Issues) and len(self.ds) > AT_ONCE
        if not takes_long:
            with contextlib.suppress(BearwidgetsError):  # the queues of before stay, and are called so
                steps = finding(self.board.issues, self._full_review, self.learn, self.ds)
                self._take_found(*run_with_bar(steps, show=False))
        self._load_board()
        if takes_long:
            self._find_soon()
        self._tell_listeners()

    def _tell_listeners(self) -> None:
        for listener in [*(view.scores_changed for view in self.views), *self.listeners]:
            try:
                listener()
            except Exception:  # what was done stands, whatever a view makes of it
                log.exception("A listener of the Cleaner failed")

    # ------------------------------------------------------------------ training

    def open(self, opening: Opening) -> None:
        """Start the first work on a folder, in the background."""
        steps, end = self._opening(opening), lambda: {"message": self.untrained or "done"}
        self.job.start(steps, end, kind="open", phases=opening.phases)

    def _opening(self, opening: Opening) -> Generator[Progress]:
        for step in opening.steps(self.painted):
            if isinstance(step, Progress):
                self.untrained = step.note or self.untrained
                yield step
                continue
            with self.lock:
                if isinstance(step, Review):
                    self._take_first(step)
                else:
                    self.board.issues, self.outdated = step, False
                self._show_suspects()
                if isinstance(step, Review):
                    self._trained_on(self.learn.ds)
                    self._tell_listeners()

    def _take_first(self, review: Review) -> None:
        """The first scores, of a learner that was trained behind the grid."""
        self.learn = self.first_learn = review.learn
        self.review = self._full_review = review
        if review.ds is not None and len(review.ds) != len(self.ds):  # some cannot be decoded
            self.ds = review.ds.on_disk
            self.journal = self.journal.reopen(self.ds)

    def _show_suspects(self) -> None:
        """Put the suspects first; where a person is at work the order stays, and it is said that they are there."""
        self._load_board(hold=True)
        first = suspects_first(self.board)
        if not self.at_work:
            self.board.show(first)
        elif first != self.board.view:
            self.ready = _suspects_found(self.board)
        self.tell_state()
        self.tell(ItemsEvent(None))

    def retrain(self, epochs: int = 4) -> None:
        """Start training on the data with the decisions taken into account, in the background."""
        with self.lock:
            self.refresh()
            cleaned = self.ds.cleaned(self.journal)
            learner, steps = retraining.begin(self.learn, cleaned, epochs)
            checking = ISSUE_STAGES if isinstance(self.board.issues, Issues) else ()
            phases = dict.fromkeys([*QUICK_STAGES, *checking, "measuring"])
            phases = tuple(phases) if self.learn.mode == "quick" else ()
            found: list[tuple[Review, IssueSource | None, Effect | None]] = []
            steps = self._retraining(learner, steps, found.append)
            self.job.start(steps, lambda: self._take(learner, cleaned, *found[0]), phases=phases)
            self.effect = None

    def _retraining(
        self,
        learner: Any,
        steps: Generator[Progress],
        tell: Callable[[tuple[Review, IssueSource | None, Effect | None]], None],
    ) -> Generator[Progress]:
        """Train, and tell the scores, issues and effect that come out."""
        yield from steps
        with self.lock:
            decided, issues = retraining.labels_decided(self.board), self.board.issues
        review = retraining.review_anew(learner, decided)
        if isinstance(issues, Issues):
            issues = yield from finding_again(issues, review)
        effect = yield from retraining.measuring(self.first_learn, learner, self.ds, self.journal, issues)
        tell((review, issues, effect))

    def _take(
        self,
        learner: Any,
        cleaned: Dataset,
        review: Review,
        issues: IssueSource | None,
        effect: Effect | None,
    ) -> dict[str, Any]:
        """Swap the new learner and its scores in; gives the figures for the view."""
        with self.lock:
            self._learned.keep(self.board, self.journal.decisions)
            self.learn, self.effect = learner, effect
            self._take_found(review, issues)
            self._full_review = review
            self._count_from = max(self.journal.decisions.seq, default=0)  # decided on other scores
            self._load_board()
            self._trained_on(cleaned)
            self._tell_listeners()
            if is_behind(self.board):  # a label was withdrawn while the scores were made
                self._find_soon()
        try:
            self.blame()
        except BadInputError:
            pass  # no decision that can be judged
        except Exception:  # the retrain stands, whatever becomes of this
            log.exception("The effects of the decisions were not found")
        return retraining.figures_of(effect)

    def _trained_on(self, ds: Dataset) -> None:
        """The scores shown now come from a learner that was trained on these items and labels."""
        train = ds.table[ds.table.split == "train"]
        self.board.trained_on(dict(zip(train.id.tolist(), train.label.tolist(), strict=True)))


def suspects_first(board: Board) -> ViewSpec:
    """The view with what most deserves a look first."""
    if TRIAGE in board.queues.names:
        return ViewSpec("queue", queue=TRIAGE)
    return ViewSpec("label_issue") if board.review is not None else ViewSpec("path", descending=False)


def _suspects_found(board: Board) -> str:
    listed = {each.name: each.undecided for each in board.queues.message()}
    n = listed.get(TRIAGE, sum(listed.values()) or int((board.suggested != board.labels)[board.scored].sum()))
    return f"{counted(n, 'suspect')} found" if n else ""


def _opened(source: Any) -> tuple[Review | None, Dataset]:
    """The scores, if the source has any, and the data set of what a Cleaner was given."""
    if isinstance(source, Dataset):
        return None, source
    if not (isinstance(source, Review) or hasattr(source, "predictions") or hasattr(source, "dls")):
        came = repr(source) if isinstance(source, (str, int, float, type(None))) else type(source).__name__
        raise BadInputError(
            f"source is {came}; allowed are a trained bw.Learner, a bw.Review, a bw.Dataset and a trained "
            "fastai Learner. For a folder of images: bw.Cleaner(bw.Dataset.from_folder('bears'))."
        )
    review = source if isinstance(source, Review) else Review(source)
    if review.ds is None:
        raise BadInputError(
            "This review has no data set, so there are no images to show; make it with "
            "Review.from_predictions(ds, probabilities, classes)."
        )
    return review, review.ds
