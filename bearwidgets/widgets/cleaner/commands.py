"""The buttons and keys of a Cleaner as methods, for use from Python; what they do is shown in the view at once."""

from __future__ import annotations

from dataclasses import fields
from numbers import Number
from typing import TYPE_CHECKING, Any

from bearwidgets.data.listing.labels import label_texts
from bearwidgets.errors import BadInputError, TrainingError, check_whole, shortened, unknown_name
from bearwidgets.widgets.cleaner.queues import CHOSEN
from bearwidgets.widgets.cleaner.snapshot import Snapshot, make_snapshot
from bearwidgets.widgets.cleaner.tools import Tools, listed
from bearwidgets.widgets.parse import parse
from bearwidgets.widgets.protocol import Filter, ViewSpec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typing_extensions import Self

    from bearwidgets.clean.apply.plan import Plan, Receipt
    from bearwidgets.widgets.protocol import JobState

FILTERS = tuple(field.name for field in fields(Filter))
FIRST_SCREEN = 24  # images of the contact sheet that goes with the output
OTHERS = tuple(field.name for field in fields(ViewSpec) if field.name != "filter")


class Commands(Tools):
    """What a person can do with the items; the base of `Cleaner`."""

    def mark(
        self, ids: str | Sequence[str], action: str, label: str | None = None, *, new_class: bool = False
    ) -> int:
        """Decide on items: the act of one button or key, and one step to undo.

        Args:
            ids: one id or path, or several.
            action: "keep" (the answer to what the queue asks: the label is right, the image is fine, or the group of
                copies is none), "delete", "relabel", "unsure", "clear" (withdraw every answer) or "accept" (what the
                queue proposes: the suggested label, delete, or keep one of the copies). Without a queue it is about
                the label.
            label: the new label, for "relabel".
            new_class: allow a label that is no class yet.

        Returns:
            How many decisions changed.

        Raises:
            BadInputError: an unknown id, action or class.

        Example:
            >>> cleaner.mark(cleaner.review.suspects(1).index, "accept")
            1
            >>> cleaner.undo()
            1
        """
        if isinstance(label, Number):  # as tables with numbered classes have them
            label = label_texts([label])[0]
        with self.lock:
            if label is not None and not new_class and label not in (known := self._session.classes()):
                hint = "; a class that does not exist yet needs new_class=True"
                raise BadInputError(unknown_name("class", label, known, "in this data set") + hint)
            changed = self._session.mark(listed(ids), action, label)
            return self._session.tell_items(changed)

    def resolve_group(self, keep: str | Sequence[str] | None = None) -> int:
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
            >>> cleaner.show(queue="near_duplicates") > 0
            True
            >>> cleaner.resolve_group() > 0
            True
        """
        with self.lock:
            board = self._session.board
            ids = board.ids[board.order].tolist() if keep is None else listed(keep)
            changed = self._session.resolve_group(ids, keepers=keep is None)
            return self._session.tell_items(changed)

    def settle(self, keep: str | Sequence[str] | None = None) -> int:
        """The older name of `resolve_group`."""
        return self.resolve_group(keep)

    def undo(self) -> int:
        """Take the last act back, across restarts too: of this view first; gives how many items it touched."""
        with self.lock:
            return self._session.tell_items(self._session.step("undo").ids)

    def redo(self) -> int:
        """Do again what was undone last; gives how many items it touched."""
        with self.lock:
            return self._session.tell_items(self._session.step("redo").ids)

    def show(self, *, ids: str | Sequence[str] | None = None, **view: Any) -> int:
        """Filter and sort the view.

        By `queue`, `label`, `predicted`, `split`, `decision`, `text`, `tag`, `ranges`, `sort` and `descending`; or
        `similar`. What is not named is shown in full, the most suspect first.

        `sort` takes a score, "path", "label", "decided", "queue" or the name of a check. `ranges` takes the two ends
        of "confidence", "label_issue" (both 0 to 1) and "size" (px), and once the checks have measured the pixels
        those of "brightness" and "sharpness" (both 0 to 1; 1 is an edge one pixel wide); None leaves an end open.
        `similar` takes an id or path and shows the images that look most like it, whatever else is said.

        Args:
            ids: show exactly these items, in this order, until `show` is called again.
            **view: any of the names above.

        Returns:
            How many items are shown.

        Raises:
            BadInputError: an unknown name, value or id.

        Example:
            >>> cleaner.show(label="black", sort="path", descending=False) > 0
            True
            >>> cleaner.show(ids=ds.table.id[:3])
            3
            >>> cleaner.show(ranges={"confidence": (0, 1)}) == len(ds)
            True
        """
        with self.lock:
            if ids is None:
                spec = view_of(view, scored=self._session.review is not None)
                self._session.show(spec)
                if spec.queue != CHOSEN:
                    self._session.board.choose(None)
            elif view:
                raise BadInputError(
                    f"ids and {', '.join(view)} came together; show(ids=…) shows exactly these items."
                )
            else:
                self._session.board.choose(listed(ids))
                self._session.show(ViewSpec("queue", queue=CHOSEN))
            self._session.tell_state()
            return len(self._session.board.order)

    def select(self, ids: str | Sequence[str]) -> int:
        """Select items, here and in every view that follows this one; gives their number.

        Args:
            ids: ids or paths; an empty list selects nothing.

        Raises:
            BadInputError: no such id or path.

        Example:
            >>> cleaner.select(ds.table.id[:2])
            2
            >>> cleaner.selected == ds.table.id[:2].tolist()
            True
        """
        with self.lock:
            return self._session.select(listed(ids))

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
        self._session.end_finding()
        self._session.retrain(epochs)
        if wait:
            self.wait()
        return self._session.job.state

    def wait(self) -> Self:
        """Wait for what goes on in the background; Ctrl-C stops it.

        Raises:
            TrainingError: it failed; the message says why.

        Example:
            >>> cleaner.wait() is cleaner
            True
        """
        self._session.painted.set()  # who waits here sees no images
        if self._session.job.wait().state == "failed":
            raise TrainingError(self._session.job.state.error)
        return self

    def stop(self) -> None:
        """Stop what goes on in the background at its next step; a retrain leaves scores and learner as they were."""
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
        self._session.end_finding()
        with self.lock:
            receipt = self._session.apply()
            self._session.tell_state()
            return receipt

    def rollback(self, round: int | None = None) -> Receipt:  # noqa: A002 - the field's word, as in Journal
        """Put files back where they were before a round, the last one if not given.

        Raises:
            BadInputError: no such round, or a later one stands in the way.
            ConflictError: files changed meanwhile; nothing was changed.
        """
        self._session.end_finding()
        with self.lock:
            receipt = self._session.rollback(round)
            self._session.tell_state()
            return receipt

    def snapshot(self, n: int = 24, *, px: int = 110) -> Snapshot:
        """A static contact sheet of the first `n` items of the view, readable without a kernel."""
        check_whole("n", n, 0, of=" of images")
        check_whole("px", px, 16, 1000)
        return self._sheet(n, px)

    def static_html(self) -> str:
        """The first screen as a small contact sheet, which goes with the output of the cell."""
        return self._sheet(FIRST_SCREEN, 96, small=True).html

    def _sheet(self, n: int, px: int, *, small: bool = False) -> Snapshot:
        with self.lock:
            session = self._session
            state = session.state()
            items = (session.board.item(place) for place in range(min(n, state.total)))
            return make_snapshot(state, items, session.ds, session.thumbnails, px, small=small)


def view_of(wanted: dict[str, Any], *, scored: bool) -> ViewSpec:
    """The view that fields of `Filter` and `ViewSpec` stand for; what is not named is shown in full.

    The most suspect are first, or where nothing is `scored` the items by path.
    """
    if "ranges" in wanted:
        wanted = {**wanted, "ranges": _ranges(wanted["ranges"])}
    for name in wanted:
        if name not in (*FILTERS, *OTHERS):
            raise BadInputError(unknown_name("filter", name, (*FILTERS, *OTHERS)))
    sort = "queue" if wanted.get("queue") else "label_issue" if scored else "path"
    spec: dict[str, Any] = {"sort": sort, "descending": sort != "path"}
    spec |= {name: value for name, value in wanted.items() if name in OTHERS}
    return parse(ViewSpec, spec | {"filter": {name: wanted[name] for name in FILTERS if wanted.get(name)}})


def _ranges(given: Any) -> Any:
    """Range filters as messages have them, from a mapping of names to pairs."""
    if not isinstance(given, dict):
        return given
    for name, ends in given.items():
        if not isinstance(ends, (tuple, list)) or len(ends) != 2:
            raise BadInputError(
                f"The range of {name} is {shortened(ends)}; give its two ends, such as (0.9, None)."
            )
    return [{"name": name, "low": low, "high": high} for name, (low, high) in given.items()]
