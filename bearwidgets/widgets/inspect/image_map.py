"""The map of the images as a view: each is a point, near images are near, what is selected is shown in a grid."""

from __future__ import annotations

import functools
import weakref
from typing import TYPE_CHECKING, Any

import numpy as np

from bearwidgets.errors import BadInputError, ConflictError, shortened
from bearwidgets.figures import counted
from bearwidgets.review.inspect.layout import Pairs
from bearwidgets.review.review import Review
from bearwidgets.widgets import protocol
from bearwidgets.widgets.cleaner.cleaner import Cleaner
from bearwidgets.widgets.cleaner.requests import Requests, with_images
from bearwidgets.widgets.cleaner.suggestions import runs_of
from bearwidgets.widgets.inspect.map_copy import map_copy
from bearwidgets.widgets.inspect.map_points import MapPoints, colorings, named_values, scale_values
from bearwidgets.widgets.inspect.map_vectors import export_vectors, given_vectors
from bearwidgets.widgets.protocol import PAGE
from bearwidgets.widgets.view import Length, View, bundle, grid_module

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import pandas as pd

    from bearwidgets.widgets.cleaner.queues import IssueSource
    from bearwidgets.widgets.protocol import KernelEvent

_Buffers = list[bytes]


class ImageMap(View):
    """Every image as a point on a map: at once by principal components, then in a layout that settles as one looks.

    Near points are images that look alike to the network (the cosine of its features) or, where no features are at
    hand, those with like predictions. Points can be colored by label, prediction, decision, split and every score;
    what is selected with lasso or box is shown in the grid.

    Args:
        source: a `Review`, or what a `Cleaner` takes.
        issues: of the grid below, as a `Cleaner` takes them; the points can be colored by the scores of each check.
        cleaner: a grid elsewhere in the notebook to drive instead of one below.
        vectors: by which the points lie instead: (n, d), a row for each image in the order of `ds.table`; a DataFrame
            whose index are ids or paths; or a folder as `export_projector` and TensorBoard's projector write it, in
            which one column of the metadata has ids or paths. Images without a vector, or with NaN in it, are off the
            map.
        map_height: of the map, px.
        height: of the grid below, px.

    Attributes:
        cleaner: the grid as a `Cleaner`, with all its methods.

    Raises:
        BadInputError: a source that cannot be shown, or vectors that do not fit.

    Example:
        >>> image_map = bw.ImageMap(review)
        >>> image_map.select(review.table.index[:3])
        3
        >>> image_map.selected == review.table.index[:3].tolist()
        True
    """

    _esm = bundle("map.js")
    _css = bundle("map.css")

    map_height = Length(520, help="Height of the map, px.").tag(sync=True)

    def __init__(
        self,
        source: Any,
        *,
        issues: IssueSource | None = None,
        cleaner: Cleaner | None = None,
        vectors: np.ndarray | pd.DataFrame | str | Path | None = None,
        map_height: int = 520,
        height: int = 460,
    ) -> None:
        if not isinstance(cleaner, (Cleaner, type(None))):
            raise BadInputError(f"cleaner is {shortened(cleaner)}; allowed is the bw.Cleaner to drive.")
        if cleaner is not None and isinstance(source, Review) and source is not cleaner.review:
            raise BadInputError("The cleaner shows another review than the one given; give cleaner.review.")
        if cleaner is not None and issues is not None:
            raise BadInputError("issues came with a cleaner, which has its own; set cleaner.issues.")
        self.cleaner = cleaner or Cleaner(source, issues=issues)
        self._session = self.cleaner._session  # noqa: SLF001 - the same work, seen in another view
        self._has_grid = cleaner is None
        self._given = None if vectors is None else given_vectors(vectors, self._board)
        self._revision = 1
        if cleaner is None:
            self._session.links.place = "the map"
        self._points, self._colorings = self._points_of_now(), colorings(self._board)
        handlers: dict[str, tuple[type, Callable[[Any], Any]]] = {
            op: (request, functools.partial(self._run, getattr(type(self), f"_{op}")))
            for op, (request, _) in protocol.MAP_REQUESTS.items()
        }
        super().__init__(
            handlers | grid_module() | Requests(self._session).handlers,
            self.cleaner.lock,
            map_height=map_height,
            height=height,
        )
        self._session.join(self)

    def __repr__(self) -> str:
        return f"ImageMap({self._words()})"

    @property
    def selected(self) -> list[str]:
        """Ids of the images that are selected on the map or in a view that follows it, in the order of `ds.table`.

        Example:
            >>> image_map = bw.ImageMap(review)
            >>> image_map.selected
            []
        """
        with self.lock:
            return self._board.ids[self._rows_selected()].tolist()

    def select(self, ids: str | Sequence[str]) -> int:
        """Select images on the map, and show them in the grid if there are any; gives their number.

        Raises:
            BadInputError: no such id or path.
        """
        with self.lock:
            rows = np.unique(self._board.rows_of([ids] if isinstance(ids, str) else list(ids)))
            self._choose(rows, rows)
            return len(rows)

    def export_projector(self, folder: str | Path) -> Path:
        """Write what TensorBoard's projector reads: vectors, metadata and small images, in four files of a folder.

        The metadata has the ids, the paths and all that the points can be colored by. See it by
        `tensorboard --logdir FOLDER`, or load the two tables at https://projector.tensorflow.org; `vectors=FOLDER`
        reads them back. Images are up to 64 px, and smaller from 16,385 images on.

        Args:
            folder: made if it is not there; files of these names in it are replaced.

        Raises:
            BadInputError: no image has a vector, or the folder is a file or lies among the images.
            WorkspaceError: it cannot be written.

        Example:
            >>> image_map = bw.ImageMap(review)
            >>> folder = image_map.export_projector("projector")
            >>> sorted(each.name for each in folder.iterdir())
            ['metadata.tsv', 'projector_config.pbtxt', 'sprite.png', 'vectors.tsv']
            >>> bw.ImageMap(review, vectors=folder)
            ImageMap(... images by vectors)
        """
        with self.lock:
            return export_vectors(self._session, self._given, folder)

    def static_html(self) -> str:
        """The points as a small image, with a legend in words."""
        with self.lock:
            codes, names = named_values(self._board, "label")
            words = f"{self._words()}, at their principal components"
            return map_copy(self._points.positions[:, :2], codes, names, words)

    # ------------------------------------------------------------------ the images of now

    @property
    def _board(self) -> Any:
        return self._session.board

    def _points_of_now(self) -> MapPoints:
        return MapPoints(self._board, self._session.review, self._given)

    def scores_changed(self) -> None:
        """Show the images and scores of now; points stay where they are while nothing about them changed."""
        points, before = self._points_of_now(), self._points
        if np.array_equal(points.ids, before.ids) and np.array_equal(points.unit, before.unit):
            self.tell(protocol.MapEvent("colors"))
            return
        self._points, self._revision = points, self._revision + 1
        self.tell(protocol.MapEvent("points"))

    def decisions_changed(self, version: int) -> None:
        """Color by the decisions of now."""
        super().decisions_changed(version)
        self.tell(protocol.MapEvent("colors"))

    def tell(self, event: KernelEvent) -> None:
        """Send an event to the page, which hears of a grid only where it has one."""
        if self._has_grid or isinstance(event, (protocol.MapEvent, protocol.LinkEvent)):
            super().tell(event)
        if isinstance(event, protocol.StateEvent) and colorings(self._board) != self._colorings:
            self._colorings = colorings(self._board)  # of checks that were run since
            self.tell(protocol.MapEvent("colors"))

    def _words(self) -> str:
        placed = int(self._points.placed.sum())
        lacking = len(self._points.unit) - placed
        missing = f"; {counted(lacking, 'image')} cannot be placed, having none" if lacking else ""
        return f"{counted(placed, 'image')} by {self._points.by}{missing}"

    def _note(self) -> str:
        """Why some images or all are not on the map; or ""."""
        lacking = int((~self._points.placed).sum())
        if not lacking:
            return "" if len(self._points.unit) else "There are no images."
        if lacking < len(self._points.unit):
            return f"{counted(lacking, 'image')} cannot be placed: no {self._points.by} are known."
        if self._session.review is None and self._given is None:
            return "There is nothing to place images by yet: give the map a trained Learner, a Review, or vectors."
        return f"No image can be placed: their {self._points.by} are all zeros or not numbers."

    # ------------------------------------------------------------------ what the page asks

    def _run(self, handler: Callable[[Any, Any], Any], request: Any) -> Any:
        with self.lock:
            self._session.refresh()
            if getattr(request, "revision", self._revision) != self._revision:
                raise ConflictError("The images changed meanwhile; nothing was done. Look again.")
            return handler(self, request)

    def _map(self, _request: protocol.Nothing) -> tuple[protocol.MapReply, _Buffers]:
        reply = protocol.MapReply(
            revision=self._revision,
            total=len(self._points.unit),
            by=self._points.by,
            note=self._note(),
            selected=runs_of(self._rows_selected()),
            grid=self._has_grid,
        )
        positions = self._points.positions.tobytes()
        self._find_pairs()  # they are asked for next
        return reply, [positions]

    def _find_pairs(self) -> None:
        points, view = self._points, weakref.ref(self)

        def done() -> None:
            found = view()
            if found is not None and found._points is points:  # noqa: SLF001 - its own
                found.tell(protocol.MapEvent("pairs"))

        if points.pairs is None:
            points.find_pairs(done)

    def _map_pairs(self, _request: protocol.Nothing) -> tuple[protocol.MapPairsReply, _Buffers]:
        self._find_pairs()
        points = self._points
        pairs, sizes, buffers = points.pairs, (0, 0, 0), []
        if isinstance(pairs, Pairs):
            near, mid, far = pairs
            sizes, buffers = (near.shape[1], mid.shape[1], far.shape[1]), [each.tobytes() for each in pairs]
        note = pairs if isinstance(pairs, str) else ""
        return protocol.MapPairsReply(self._revision, pairs is not None, *sizes, note=note), buffers

    def _map_color(self, request: protocol.MapColorRequest) -> tuple[protocol.MapColorReply, _Buffers]:
        self._colorings = colorings(self._board)
        known = {each.name: each for each in self._colorings}
        coloring = known.get(request.name)
        names, low, high = [], 0.0, 1.0
        if coloring is not None and not coloring.scale:
            values, names = named_values(self._board, request.name)
        else:
            values, low, high = scale_values(self._board, request.name)
            coloring = known[request.name]
        return protocol.MapColorReply(self._revision, coloring, self._colorings, names, low, high), [
            values.tobytes()
        ]

    def _map_items(self, request: protocol.MapItemsRequest) -> tuple[protocol.MapItemsReply, _Buffers]:
        rows = self._rows(request.numbers)
        if len(rows) > PAGE:
            raise BadInputError(f"{len(rows)} images were asked for; allowed are {PAGE}.")
        items, buffers = with_images(self._session, [self._item(row) for row in rows], rows, request.px)
        return protocol.MapItemsReply(self._revision, items), buffers

    def _item(self, row: int) -> protocol.MapItem:
        board = self._board
        return protocol.MapItem(
            number=row,
            id=board.ids[row],
            path=board.paths[row],
            label=board.labels[row],
            predicted=board.predicted[row],
            confidence=float(board.scores["confidence"][row]),
            why=board.why(row),
            decision=board.decision(row),
        )

    def _map_select(self, request: protocol.MapSelectRequest) -> protocol.Nothing:
        n = len(self._points.unit)
        ends = np.array(request.ranges, np.int64).reshape(-1, 2)
        ends = ends[ends[:, 0] < ends[:, 1]]
        self._rows([int(ends.max()) - 1] if len(ends) else [])
        # how many ranges begin and end at each row, for they may overlap
        begun = np.bincount(ends[:, 0], minlength=n + 1) - np.bincount(ends[:, 1], minlength=n + 1)
        rows = np.flatnonzero(begun.cumsum() > 0)
        self._choose(rows, rows, request.by)
        return protocol.Nothing()

    def _map_open(self, request: protocol.MapOpenRequest) -> protocol.Nothing:
        rows = np.array(self._rows([request.number]))
        self._choose(rows, np.concatenate([rows, self._points.nearest(request.number)]), request.by)
        return protocol.Nothing()

    def _choose(self, rows: np.ndarray, shown: np.ndarray, by: str = "") -> None:
        """Select some rows, and have the grid show some, if there are any."""
        if len(shown):
            self.cleaner.show(ids=self._board.ids[shown].tolist())
        self._session.select(self._board.ids[rows].tolist(), by)

    def _rows_selected(self) -> np.ndarray:
        return np.flatnonzero(self._board.among(self._session.links.group.selected))

    def _map_link(self, _request: protocol.Nothing) -> protocol.MapLinkReply:
        links = self._session.links
        rows = np.flatnonzero(self._board.among(links.shown_elsewhere))
        return protocol.MapLinkReply(
            self._revision, runs_of(self._rows_selected()), runs_of(rows), links.where_shown
        )

    def _rows(self, numbers: Sequence[int]) -> list[int]:
        n = len(self._points.unit)
        for number in numbers:
            if number >= n:
                raise BadInputError(f"There is no point {number}; allowed are 0 to {n - 1}.")
        return list(numbers)
