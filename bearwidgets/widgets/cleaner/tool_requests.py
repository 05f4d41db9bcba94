"""What the tools beside the grid may ask for: tags, notes, ranges, suggestions, saved views, class maps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bearwidgets.errors import BadInputError
from bearwidgets.widgets import protocol
from bearwidgets.widgets.cleaner.suggestions import THRESHOLDS, pairs_of, runs_of, suggestions, sure_ones
from bearwidgets.widgets.explaining import Explaining
from bearwidgets.widgets.protocol import SHOWN
from bearwidgets.widgets.view import bundle

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bearwidgets.widgets.cleaner.session import Session


class ToolRequests:
    """What `Requests` is made on."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._explaining = Explaining()

    def _named(self, request: protocol.MarkRequest | protocol.TagRequest) -> Sequence[str]:
        """The ids that a request is about."""
        if request.ids is not None and request.ranges:
            raise BadInputError("ids and ranges came together; allowed is one of them. Nothing was changed.")
        return self._session.board.ids_at(request.ranges) if request.ids is None else request.ids

    def _marked(self, changed: Sequence[str]) -> protocol.MarkReply:
        return protocol.MarkReply(len(changed), list(changed[:SHOWN]), self._session.state())

    def _tag(self, request: protocol.TagRequest) -> protocol.MarkReply:
        change = {"add" if request.on else "remove": [request.tag]}
        return self._marked(self._session.remark(self._named(request), **change))

    def _note(self, request: protocol.NoteRequest) -> protocol.MarkReply:
        return self._marked(self._session.remark([request.item], note=request.text))

    def _ranges(self, _request: protocol.Nothing) -> protocol.RangesReply:
        return protocol.RangesReply(self._session.board.ranges())

    def _suggestions(self, request: protocol.SuggestionsRequest) -> protocol.SuggestionsReply:
        every = suggestions(self._session.board, request.label, request.becomes)
        found = sure_ones(every, request.at_least)
        return protocol.SuggestionsReply(
            ranges=runs_of([each.place for each in found]),
            count=len(found),
            pairs=[protocol.SuggestedPair(*pair, count) for pair, count in pairs_of(found)],
            thresholds=[each for each in THRESHOLDS if sure_ones(every, each)],
        )

    def _undo_harmful(self, _request: protocol.Nothing) -> protocol.MarkReply:
        return self._marked(self._session.undo_harmful())

    def _save_view(self, request: protocol.SaveViewRequest) -> protocol.StateReply:
        self._session.save_view(request.name)
        return protocol.StateReply(self._session.state())

    def _drop_view(self, request: protocol.SaveViewRequest) -> protocol.StateReply:
        self._session.saved_views.drop(request.name)
        return protocol.StateReply(self._session.state())

    def _explain(self, request: protocol.ExplainRequest) -> tuple[protocol.ExplainReply, list[bytes]]:
        session, board = self._session, self._session.board
        row = int(board.rows_of([request.item])[0])
        return self._explaining.reply(session.learn, session.ds, request, board.labels[row])

    def _explain_module(self, _request: protocol.Nothing) -> protocol.ModuleReply:
        return protocol.ModuleReply(bundle("explain.js"))
