"""What a grid's view may ask for: each message of `protocol.GRID_REQUESTS` is answered from the session."""

from __future__ import annotations

import functools
import io
import secrets
from collections import Counter
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pandas as pd
from PIL import Image

from bearwidgets.clean.log.lines import deed
from bearwidgets.data.actions import CHANGING, KEEP
from bearwidgets.data.formats.images import open_image
from bearwidgets.data.parallel import in_threads
from bearwidgets.errors import BadInputError, ConflictError, ImageError
from bearwidgets.widgets import protocol
from bearwidgets.widgets.cleaner.similar import looks_like
from bearwidgets.widgets.cleaner.suggestions import runs_of
from bearwidgets.widgets.cleaner.tool_requests import ToolRequests
from bearwidgets.widgets.cleaner.watching import watch
from bearwidgets.widgets.protocol import PAGE, SHOWN

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bearwidgets.clean.apply.plan import Plan, Receipt
    from bearwidgets.clean.journal import Step
    from bearwidgets.clean.log.fold import Decision
    from bearwidgets.review.review import Review
    from bearwidgets.widgets.cleaner.session import Session

FULL_PX = 1600
HasImage = TypeVar("HasImage", protocol.Item, protocol.MapItem)
TOP = 5


class Requests(ToolRequests):
    """The requests of one view; `handlers` are as `answer` takes them."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._shown: tuple[str, Plan] | None = None
        self.handlers: dict[str, tuple[type, Callable[[Any], Any]]] = {
            op: (request, functools.partial(self._run, getattr(self, f"_{op}")))
            for op, (request, _) in protocol.GRID_REQUESTS.items()
        }

    def _run(self, handler: Callable[[Any], Any], request: Any) -> Any:
        with self._session.lock:
            self._session.refresh()
            revision = self._session.board.revision
            if getattr(request, "ids", None) is None and getattr(request, "revision", revision) != revision:
                raise ConflictError("The order of the items changed meanwhile; nothing was done. Look again.")
            return handler(request)

    def _hello(self, _request: protocol.Nothing) -> protocol.StateReply:
        watch(self._session)
        return protocol.StateReply(self._session.state())

    def _view(self, view: protocol.ViewSpec) -> protocol.StateReply:
        self._session.show(view)
        return protocol.StateReply(self._session.state())

    def _page(self, request: protocol.PageRequest) -> tuple[protocol.PageReply, list[bytes]]:
        session, board, start = self._session, self._session.board, request.start
        if not start <= request.stop <= start + PAGE or start > len(board.order):
            raise BadInputError(
                f"The page {start} to {request.stop} does not fit; allowed are {PAGE} items from 0 to "
                f"{len(board.order)}."
            )
        items = [board.item(place) for place in range(start, min(request.stop, len(board.order)))]
        buffers: list[bytes] = []
        if request.images:
            rows = board.order[start : start + len(items)].tolist()
            items, buffers = with_images(session, items, rows, request.px)
            session.painted.set()
        return protocol.PageReply(board.revision, start, items), buffers

    def _locate(self, request: protocol.ItemRequest) -> protocol.LocateReply:
        return protocol.LocateReply(self._session.board.place_of(request.item))

    def _next(self, request: protocol.NextRequest) -> protocol.LocateReply:
        return protocol.LocateReply(self._session.board.next_left(request.start, back=request.back))

    def _mark(self, request: protocol.MarkRequest) -> protocol.MarkReply:
        return self._marked(self._session.mark(self._named(request), request.action, request.label))

    def _resolve_group(self, request: protocol.ResolveGroupRequest) -> protocol.MarkReply:
        ids = self._session.board.ids_at(request.ranges)
        return self._marked(self._session.resolve_group(ids, keepers=request.keepers))

    def _undo(self, _request: protocol.Nothing) -> protocol.StepReply:
        return self._stepped(self._session.step("undo"))

    def _redo(self, _request: protocol.Nothing) -> protocol.StepReply:
        return self._stepped(self._session.step("redo"))

    def _stepped(self, step: Step) -> protocol.StepReply:
        board, ids = self._session.board, step.ids
        self._session.at_work = True
        places = [place for each in ids[:SHOWN] if (place := board.place_of(each)) is not None]
        return protocol.StepReply(
            len(ids), ids[:SHOWN], self._session.state(), min(places, default=None), step.what
        )

    def _full(self, request: protocol.ItemRequest) -> tuple[protocol.FullReply, list[bytes]]:
        session, board = self._session, self._session.board
        row = int(board.rows_of([request.item])[0])
        path = session.ds.path_of(request.item)
        try:
            image = open_image(path, at_least=FULL_PX // 2)
        except ImageError as error:
            raise ImageError(f"{board.paths[row]!r} {error}.") from error
        image.thumbnail((FULL_PX, FULL_PX), Image.Resampling.BICUBIC)
        stream = io.BytesIO()
        image.save(stream, "JPEG", quality=88)
        item = session.ds.table.iloc[row]
        reply = protocol.FullReply(
            id=request.item,
            path=board.paths[row],
            width=int(item.width),
            height=int(item.height),
            bytes=path.stat().st_size,
            mime="image/jpeg",
            label=board.labels[row],
            predicted=board.predicted[row],
            suggested=board.suggested[row],
            probabilities=_most_probable(session.review, request.item),
            looks_like=looks_like(session.learn, item.content),
            decision=board.decision(row),
            proposal=board.proposal(row),
            history=_history(session.journal.history(request.item), session.journal.by),
        )
        return reply, [stream.getvalue()]

    def _seen(self, request: protocol.RangesRequest) -> protocol.StateReply:
        self._session.at_work |= any(start > 0 for start, _ in request.ranges)
        self._session.board.mark_seen(self._session.board.ids_at(request.ranges))
        return protocol.StateReply(self._session.state())

    def _select(self, request: protocol.SelectRequest) -> protocol.Nothing:
        self._session.select(self._session.board.ids_at(request.ranges), request.by)
        return protocol.Nothing()

    def _link(self, _request: protocol.Nothing) -> protocol.LinkReply:
        session = self._session
        if session.links.offer() and not session.at_work:
            session.follow("shown")
        group, places = session.links.group, session.board.places_of(session.links.group.selected)
        return protocol.LinkReply(
            session.state(), runs_of(places[places >= 0]), len(places), group.where, session.links.offer()
        )

    def _follow(self, request: protocol.FollowRequest) -> protocol.StateReply:
        self._session.follow(request.what)
        return protocol.StateReply(self._session.state())

    def _yield(self, _request: protocol.Nothing) -> protocol.YieldReply:
        found = self._session.review_yield()
        figures = {field.name: getattr(found, field.name) for field in fields(protocol.Yield)}
        return protocol.YieldReply(protocol.Yield(**figures) if found.decided else None)

    def _pending(self, _request: protocol.Nothing) -> protocol.PendingReply:
        board, decisions = self._session.board, self._session.board.decisions
        rows = np.flatnonzero(~decisions.undecided)
        rows = rows[np.argsort(-decisions.seq[rows], kind="stable")]
        kinds = [each[rows] for each in (decisions.action, board.labels, decisions.new_label)]
        items = zip(
            *(each[:SHOWN] for each in (board.ids[rows], board.paths[rows], *kinds, board.splits[rows])),
            strict=True,
        )
        counts = Counter(zip(*kinds, strict=True)).most_common()
        return protocol.PendingReply(
            [protocol.PendingGroup(*kind, count) for kind, count in counts],
            [protocol.PendingItem(*each) for each in items],
            len(rows),
        )

    def _plan(self, _request: protocol.Nothing) -> protocol.PlanReply:
        plan = self._session.journal.plan()
        self._shown = (secrets.token_hex(8), plan)
        held_out = plan.moves.split != "train"
        moves = pd.concat([plan.moves[~held_out].head(SHOWN), plan.moves[held_out].head(SHOWN)])
        problems = plan.problems.head(SHOWN)[["path", "reason"]].to_dict("records")
        return protocol.PlanReply(
            counts=plan.counts,
            held_out={action: int((plan.moves.action[held_out] == action).sum()) for action in CHANGING},
            moves=[protocol.PlannedMove(**each) for each in moves.to_dict("records")],
            total=len(plan.moves),
            problems=[protocol.PlanProblem(**each) for each in problems],
            problems_total=len(plan.problems),
            token=self._shown[0],
            ok=bool(len(plan.moves)),
        )

    def _apply(self, request: protocol.ApplyRequest) -> protocol.RoundReply:
        if self._shown is None or self._shown[0] != request.token:
            raise ConflictError(
                "This plan was shown before something changed; look at the new one. Nothing was moved."
            )
        plan, self._shown = self._shown[1], None
        if not request.held_out:
            plan = plan.of_train()
        return self._moved(self._session.apply(plan))

    def _rounds(self, _request: protocol.Nothing) -> protocol.RoundsReply:
        return protocol.RoundsReply(
            [
                protocol.Round(
                    row["round"],
                    row["applied_at"],
                    {action: row[action] for action in CHANGING},
                    isinstance(row["rolled_back_at"], str),
                )
                for row in self._session.journal.rounds.reset_index().to_dict("records")
            ]
        )

    def _rollback(self, request: protocol.RollbackRequest) -> protocol.RoundReply:
        return self._moved(self._session.rollback(request.round))

    def _moved(self, receipt: Receipt) -> protocol.RoundReply:
        sentences = " ".join([f"{receipt.summary()}.", *receipt.notes])
        return protocol.RoundReply(receipt.round, receipt.counts, self._session.state(), sentences)

    def _retrain(self, _request: protocol.Nothing) -> protocol.Nothing:
        self._session.retrain()
        return protocol.Nothing()

    def _stop(self, _request: protocol.Nothing) -> protocol.Nothing:
        self._session.job.stop()
        return protocol.Nothing()


def with_images(
    session: Session, items: list[HasImage], rows: Sequence[int], px: int
) -> tuple[list[HasImage], list[bytes]]:
    """Items that say which buffer is their image, a JPEG of at most `px`, or why there is none; and the buffers."""

    def thumbnail(row: int) -> bytes | ImageError:
        try:
            return session.thumbnail(row, px)
        except ImageError as error:
            return error

    found: list[HasImage] = []
    buffers: list[bytes] = []
    for item, image in zip(items, in_threads(thumbnail, rows), strict=True):
        if isinstance(image, ImageError):
            found.append(replace(item, error=str(image)))
        else:
            found.append(replace(item, buffer=len(buffers)))
            buffers.append(image)
    return found, buffers


def _history(decisions: Sequence[Decision], reader: str) -> list[protocol.HistoryEntry]:
    """Each decision on an item as it was chosen, the oldest first; those of the reader are "you"."""
    entries = []
    for before, each in zip([None, *decisions], decisions, strict=False):
        action = deed(before, each)
        new = [about for about in each.about if before is None or about not in before.about] or each.about
        label, about = (each.new_label, None) if action != KEEP else (None, new[0])
        by = "you" if each.decided_by == reader else each.decided_by
        entries.append(protocol.HistoryEntry(each.decided_at, by, action, label, about))
    return entries


def _most_probable(review: Review | None, id_: str) -> list[tuple[str, float]]:
    if review is None or id_ not in review.table.index:
        return []
    row = review.probabilities[review.table.index.get_loc(id_)]
    return [(review.classes[each], float(row[each])) for each in np.argsort(-row)[:TOP].tolist()]
