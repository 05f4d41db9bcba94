"""The base of every view in the notebook: what the page asks is answered, what happens is told, one at a time."""

from __future__ import annotations

import secrets
import weakref
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import anywidget
import traitlets
from ipywidgets.widgets.widget import _instances

from bearwidgets.errors import BadInputError, shortened
from bearwidgets.safe_text import as_json
from bearwidgets.widgets import protocol
from bearwidgets.widgets.parse import answer

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping


_STATIC = Path(__file__).parents[1] / "static"
_ALLOWED = {"height": (200, 4000), "map_height": (200, 4000), "px": (96, 320)}
# The copy is hidden while the view lives; JupyterLab's "Error displaying widget" where a notebook was opened again.
COPY = (
    "<style>:root:has(.bw-live-{name}) .bw-copy-{name},"
    ".jp-OutputArea-child:has(+.jp-OutputArea-child .bw-copy-{name}) .jupyter-widgets:not(:has(*))"
    '{{display:none}}</style><div class="bw-copy-{name}">{shown}'
    '<p style="font:12px sans-serif">This is a copy of the view as it was on {time:%Y-%m-%d at %H:%M}. '
    "To go on, run the notebook.</p></div>"
)


def bundle(name: str) -> str:
    """The text of a file of the front end; a path anywidget would watch, and keep every view alive for that."""
    return (_STATIC / name).read_text(encoding="utf-8")


def grid_module() -> dict[str, tuple[type, Callable[[Any], Any]]]:
    """The handler that hands the code of a grid to a view with one below it, so that its own bundle needs none."""
    return {"module": (protocol.Nothing, lambda _request: protocol.ModuleReply(bundle("cleaner.js")))}


class Length(traitlets.Int):
    """A length in px; an error says what is allowed."""

    def validate(self, obj: Any, value: Any) -> int:  # noqa: ARG002 - traitlets' signature
        """Refuse what is out of its bounds."""
        name = self.name or ""
        if not _allowed(name, value):
            low, high = _ALLOWED[name]
            raise BadInputError(f"{name} is {shortened(value)}; allowed is {low} to {high} px, whole.")
        return value


class View(anywidget.AnyWidget):
    """A view whose front end asks by messages; `handlers` are as in `answer`, `lock` is one for all its views."""

    height = Length(600, help="Height of the view, px.").tag(sync=True)
    px = Length(176, help="Side of a tile, px.").tag(sync=True)
    name_of_copy = traitlets.Unicode(help="What the static copy in the output is called.").tag(sync=True)
    changes = traitlets.Int(
        read_only=True, help="Grows with every decision, undo, apply and rollback, whoever made it."
    ).tag(sync=True)

    def __init__(
        self,
        handlers: Mapping[str, tuple[type, Callable[[Any], Any]]],
        lock: threading.RLock,
        **traits: Any,
    ) -> None:
        super().__init__(name_of_copy=secrets.token_hex(4), **traits)
        self.lock = lock
        self._handlers = handlers
        self.on_msg(View._receive)
        self._hold(weakref.proxy(self))

    def _hold(self, view: Any) -> None:
        """Have ipywidgets, which keeps all widgets until `close`, keep this one only once it was displayed."""
        if self.comm is not None:
            # a method taken from the proxy itself would hold the view
            self.comm.on_msg(lambda message: view._handle_msg(message))  # noqa: PLW0108, SLF001
            _instances[self.model_id] = view

    def _repr_mimebundle_(self, **options: Any) -> Any:
        """The view, and a copy of it for where no kernel is."""
        data, metadata = self._live(**options)
        return {**data, "text/html": self._copy()}, metadata

    def _ipython_display_(self) -> None:
        """Show the view and then its copy, as two outputs, for JupyterLab shows but one kind of data of each.

        Of a notebook that is opened again that would be "Error displaying widget: model not found".
        """
        from IPython.display import display

        data, metadata = self._live()
        display(data, metadata=metadata, raw=True)
        display({"text/html": self._copy(), "text/plain": ""}, raw=True)

    def _live(self, **options: Any) -> Any:
        self._hold(self)
        return super()._repr_mimebundle_(**options) or ({}, {})

    def _copy(self) -> str:
        now = datetime.now().astimezone()
        return COPY.format(name=self.name_of_copy, shown=self.static_html(), time=now)

    def static_html(self) -> str:
        """What the view shows now, as plain HTML of at most 60 KB in which everything is escaped."""
        raise NotImplementedError

    def tell(self, event: protocol.KernelEvent) -> None:
        """Send an event to the page."""
        self.send({"kind": "event", **as_json(event)})

    def decisions_changed(self, version: int) -> None:
        """Called with `Journal.version` whenever it grew."""
        self.set_trait("changes", version)

    def scores_changed(self) -> None:
        """Called after a retrain, an apply, a rollback."""

    def set_state(self, sync_data: Any) -> None:
        """Take what the page may set, in its bounds; the rest is dropped: a page may not change the view's code."""
        given = sync_data if isinstance(sync_data, dict) else {}
        super().set_state(
            {name: given[name] for name in _ALLOWED if name in given and _allowed(name, given[name])}
        )

    def _receive(self, content: Any, _buffers: Any) -> None:
        with self.lock:  # an answer must not be overtaken by the news of what came after it
            found = answer(self._handlers, content)
            if found is not None:
                self.send(found[0], cast("list[Any]", found[1]))


def _allowed(name: str, value: object) -> bool:
    low, high = _ALLOWED[name]
    return type(value) is int and low <= value <= high
