"""What a Cleaner's view may ask for; each request is parsed here and answered from the session."""

from __future__ import annotations

import functools
import io
import secrets
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from bearwidgets.data.cache.thumbs import SIZES
from bearwidgets.data.formats.images import open_image
from bearwidgets.errors import BadInputError, ConflictError, ImageError
from bearwidgets.widgets import protocol
from bearwidgets.widgets.cleaner.board import DECISIONS, SORTS
from bearwidgets.widgets.cleaner.session import MARKS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from bearwidgets.clean.apply.plan import Plan, Receipt
    from bearwidgets.widgets.cleaner.session import Session

PAGE = 256
SHOWN = 200
FULL_PX = 1600
TOP = 5
OPS = (
    *("hello", "view", "page", "locate", "mark", "settle", "undo", "redo", "full", "seen"),
    *("pending", "plan", "apply", "rounds", "rollback", "retrain", "stop"),
)


class Requests:
    """The requests of one view.

    Attributes:
        handlers: op → function of the message's fields.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._shown: tuple[str, Plan] | None = None
        self.handlers: dict[str, Callable[..., Any]] = {
            op: self._locked(getattr(self, f"_{op}")) for op in OPS
        }

    def _locked(self, handler: Callable[[Mapping[str, Any]], Any]) -> Callable[[Mapping[str, Any]], Any]:
        @functools.wraps(handler)
        def run(fields: Mapping[str, Any]) -> Any:
            with self._session.lock:
                self._session.refresh()
                return handler(fields)

        return run

    def _hello(self, _fields: Mapping[str, Any]) -> dict[str, Any]:
        return {"state": self._session.state(), "keys": {"preset": "default"}}

    def _view(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        wanted = fields.get("filter") or {}
        if not isinstance(wanted, dict):
            raise BadInputError(f"filter is {wanted!r:.80}; allowed is a table of names and values.")
        choices: dict[str, Any] = {
            name: protocol.text(wanted, name)
            for name in ("label", "predicted", "split", "text")
            if wanted.get(name)
        }
        if wanted.get("decision"):
            choices["decision"] = protocol.text(wanted, "decision", DECISIONS)
        choices["sort"] = protocol.text(fields, "sort", SORTS)
        choices["descending"] = bool(fields.get("descending"))
        if fields.get("queue"):
            choices["queue"] = protocol.text(fields, "queue")
        self._session.show(choices)
        return {"state": self._session.state()}

    def _page(self, fields: Mapping[str, Any]) -> tuple[dict[str, Any], list[bytes]]:
        self._check_revision(fields)
        board = self._session.board
        start = protocol.whole(fields, "start", 0, len(board.order))
        stop = min(protocol.whole(fields, "stop", start, start + PAGE), len(board.order))
        px = protocol.whole(fields, "px", min(SIZES), max(SIZES))
        stale = self._session.stale_rows
        items, buffers = [], []
        for place in range(start, stop):
            item: dict[str, Any] = board.item(place) | {"buffer": None, "error": None}
            item["stale"] = bool(stale[board.order[place]])
            items.append(item)
            if fields.get("pictures") is False:
                continue
            try:
                buffers.append(self._session.thumbnail(item["id"], px))
                item["buffer"] = len(buffers) - 1
            except ImageError as error:
                item["error"] = str(error)
        return {"revision": board.revision, "start": start, "items": items}, buffers

    def _locate(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        return {"index": self._session.board.place_of(protocol.text(fields, "item"))}

    def _mark(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        board = self._session.board
        action = protocol.text(fields, "action", MARKS)
        label = protocol.text(fields, "label") if action == "relabel" else None
        if "ids" in fields:
            rows = board.rows_of(protocol.texts(fields, "ids"))
        else:
            self._check_revision(fields)
            rows = board.rows_at(protocol.ranges(fields, len(board.order)))
        return self._marked(self._session.mark(rows, action, label))

    def _settle(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        self._check_revision(fields)
        board = self._session.board
        rows = board.rows_at(protocol.ranges(fields, len(board.order)))
        return self._marked(self._session.settle(rows, keepers=fields.get("keepers") is not False))

    def _marked(self, changed: Sequence[str]) -> dict[str, Any]:
        return {"changed": len(changed), "ids": changed[:SHOWN], "state": self._session.state()}

    def _undo(self, _fields: Mapping[str, Any]) -> dict[str, Any]:
        return self._stepped(self._session.undo())

    def _redo(self, _fields: Mapping[str, Any]) -> dict[str, Any]:
        return self._stepped(self._session.redo())

    def _stepped(self, ids: Sequence[str]) -> dict[str, Any]:
        board = self._session.board
        places = [place for each in ids[:SHOWN] if (place := board.place_of(each)) is not None]
        what = f"{len(ids)} {'decision' if len(ids) == 1 else 'decisions'}"
        index = min(places) if places else None
        state = self._session.state()
        return {"changed": len(ids), "ids": list(ids[:SHOWN]), "index": index, "what": what, "state": state}

    def _full(self, fields: Mapping[str, Any]) -> tuple[dict[str, Any], list[bytes]]:
        session, board = self._session, self._session.board
        row = int(board.rows_of([protocol.text(fields, "item")])[0])
        id_ = board.ids[row]
        path = session.ds.path_of(id_)
        try:
            image = open_image(path, at_least=FULL_PX // 2)
        except ImageError as error:
            raise ImageError(f"{board.paths[row]!r} {error}.") from error
        image.thumbnail((FULL_PX, FULL_PX), Image.Resampling.BICUBIC)
        stream = io.BytesIO()
        image.save(stream, "JPEG", quality=88)
        item = session.ds.table.iloc[row]
        details = {
            "id": id_,
            "path": board.paths[row],
            "width": int(item.width),
            "height": int(item.height),
            "bytes": path.stat().st_size,
            "mime": "image/jpeg",
            "label": board.labels[row],
            "predicted": board.predicted[row],
            "suggested": board.suggested[row],
            "probabilities": session.top_probabilities(id_, TOP),
            "decision": {"action": board.actions[row], "label": board.new_labels[row]}
            if board.actions[row]
            else None,
            "history": session.history(id_),
        }
        return details, [stream.getvalue()]

    def _pending(self, _fields: Mapping[str, Any]) -> dict[str, Any]:
        board = self._session.board
        rows = np.flatnonzero(board.actions != "")
        rows = rows[np.argsort(-board.decided[rows], kind="stable")]
        items = [
            {
                "id": board.ids[row],
                "path": board.paths[row],
                "action": board.actions[row],
                "label": board.labels[row],
                "new_label": board.new_labels[row],
                "split": board.splits[row],
            }
            for row in rows[:SHOWN].tolist()
        ]
        groups: dict[tuple[str, str, str | None], int] = {}
        for row in rows.tolist():
            key = (board.actions[row], board.labels[row], board.new_labels[row])
            groups[key] = groups.get(key, 0) + 1
        table = [
            {"action": action, "label": label, "new_label": new_label, "count": count}
            for (action, label, new_label), count in sorted(groups.items(), key=lambda each: -each[1])
        ]
        return {"groups": table, "items": items, "total": len(rows)}

    def _plan(self, _fields: Mapping[str, Any]) -> dict[str, Any]:
        plan = self._session.journal.plan()
        self._shown = (secrets.token_hex(8), plan)
        return {
            "counts": plan.counts,
            "moves": plan.moves.head(SHOWN)[["path", "action", "target"]].to_dict("records"),
            "total": len(plan.moves),
            "problems": plan.problems.head(SHOWN)[["path", "reason"]].to_dict("records"),
            "token": self._shown[0],
            "ok": bool(len(plan.moves)),
        }

    def _apply(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        token = protocol.text(fields, "token")
        if self._shown is None or self._shown[0] != token:
            raise ConflictError(
                "This plan was shown before something changed; look at the new one. Nothing was moved."
            )
        plan, self._shown = self._shown[1], None
        receipt = self._session.apply(plan)
        return self._moved(receipt, f"Round {receipt.round} applied: {_told(receipt)}.")

    def _rounds(self, _fields: Mapping[str, Any]) -> dict[str, Any]:
        rounds = [
            {
                "round": row["round"],
                "time": row["applied_at"],
                "counts": {"delete": row["delete"], "relabel": row["relabel"]},
                "rolled_back": isinstance(row["rolled_back_at"], str),
            }
            for row in self._session.journal.rounds.reset_index().to_dict("records")
        ]
        return {"rounds": rounds}

    def _rollback(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        receipt = self._session.rollback(protocol.whole(fields, "round", 1, 10**9))
        return self._moved(receipt, f"Round {receipt.round} taken back: {_told(receipt)} where they were.")

    def _moved(self, receipt: Receipt, message: str) -> dict[str, Any]:
        return {
            "round": receipt.round,
            "counts": receipt.counts,
            "state": self._session.state(),
            "message": " ".join([message, *receipt.notes]),
        }

    def _retrain(self, _fields: Mapping[str, Any]) -> dict[str, Any]:
        self._session.retrain()
        return {"started": True}

    def _stop(self, _fields: Mapping[str, Any]) -> dict[str, Any]:
        self._session.job.stop()
        return {}

    def _seen(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        self._check_revision(fields)
        board = self._session.board
        board.mark_seen(board.rows_at(protocol.ranges(fields, len(board.order))))
        return {"state": self._session.state()}

    def _check_revision(self, fields: Mapping[str, Any]) -> None:
        if protocol.whole(fields, "revision", 0, 2**53) != self._session.board.revision:
            raise ConflictError("The order of the items changed meanwhile; nothing was done. Look again.")


def _told(receipt: Receipt) -> str:
    return f"{receipt.counts['delete']} deleted, {receipt.counts['relabel']} relabelled"
