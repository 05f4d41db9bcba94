"""What the network looked at, as a view: a map over the image, for each class, and why one and not another."""

from __future__ import annotations

import base64
import html
import io
import threading
import time
import weakref
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from PIL import Image

from bearwidgets.data.cache.thumbs import make_thumbnail
from bearwidgets.data.dataset import check_dataset
from bearwidgets.errors import BadInputError, BearwidgetsError, ImageError, shortened
from bearwidgets.figures import counted, percent
from bearwidgets.learn.explain.explainer import CLASS_MAP, seen_part
from bearwidgets.learn.fit_methods import FitMethods
from bearwidgets.review.review import Review
from bearwidgets.safe_text import visible
from bearwidgets.widgets import protocol
from bearwidgets.widgets.cleaner.cleaner import Cleaner
from bearwidgets.widgets.cleaner.tools import listed
from bearwidgets.widgets.explaining import Explaining
from bearwidgets.widgets.job import Job
from bearwidgets.widgets.view import View, bundle

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from bearwidgets.data.dataset import Dataset
    from bearwidgets.learn.explain.explainer import Explainer, Explanation
    from bearwidgets.learn.explain.faithfulness import Curve
    from bearwidgets.learn.predict import Predicts
    from bearwidgets.learn.progress import Progress

MOST = 10_000  # images in one view
TILES, TILE_PX = 12, 150
_LARGEST, _LONGEST = 56 * 2**10, 1.0  # bytes of the tiles of the static copy, s that they may take
_FONT = "font:11px/1.35 sans-serif;overflow:hidden"
FOR, AGAINST = (232, 89, 12), (25, 113, 194)
"""Colors of what speaks for a class and against it."""


class Explain(View):
    """What the network looked at in some images: a map over each image, of any class, and of why one and not another.

    Where the network takes the mean of its last maps of features and puts a linear layer on it, as most do, the map
    is exact: its places sum to the logit of the class, less a constant that belongs to no place, and the view shows
    the sum. Other networks get Grad-CAM, and transformers occlusion. "Check this map" covers what it marks and says
    whether to believe it.

    Args:
        source: a trained `Learner`, or a `Review` or `Cleaner` made from one; of a `Cleaner` always the present one.
        ids: one id or path, or several; without them those of the evaluation split, the highest loss first.
        method: "class_map", "grad_cam", "integrated_gradients", "occlusion" or, for transformers,
            "attention_rollout"; without it the one that fits best.
        height: of the view, px.

    Attributes:
        ids: ids of the images, in order.

    Raises:
        BadInputError: a source without a network or not trained, an unknown id or method.

    Example:
        >>> explain = bw.Explain(learn, ds.table.id[:3])
        >>> explain.maps(ds.table.id[0], "grizzly").shape
        (7, 7)
    """

    _esm = bundle("explain.js")
    _css = bundle("explain.css")

    def __init__(
        self,
        source: Any,
        ids: str | Sequence[str] | None = None,
        *,
        method: str | None = None,
        height: int = 560,
    ) -> None:
        self._source = source
        self._explaining = Explaining()
        self._method = None if method is None else self._explainer.check_method(method)
        ds = self.ds
        self.ids: list[str] = self._hardest() if ids is None else _known(ds, listed(ids))
        if not self.ids:
            raise BadInputError("There are no images to explain: give the ids of some, from ds.table.")
        if len(self.ids) > MOST:
            raise BadInputError(f"{len(self.ids):,} images came; allowed are {MOST:,} in one view.")
        self._job = Job(lambda state: self.tell(protocol.JobEvent(state)))
        handlers: dict[str, Any] = {
            "items": (protocol.Nothing, lambda _request: protocol.ItemsReply(self.ids)),
            "explain": (protocol.ExplainRequest, self._explain),
            "check_map": (protocol.CheckMapRequest, self._check_map),
            "stop": (protocol.Nothing, self._stop),
        }
        super().__init__(handlers, threading.RLock(), height=height)
        self._trained = _Trained(weakref.ref(self))
        if isinstance(source, Cleaner):
            source.on_scores(self._trained.ended)
        elif isinstance(self.learn, FitMethods):
            self.learn.followers.add(self._trained)

    def __repr__(self) -> str:
        return f"Explain({counted(len(self.ids), 'image')}, {self._method or self._explainer.methods[0]})"

    @property
    def learn(self) -> Predicts:
        """The learner whose network is looked into."""
        return self._explainer.learn

    @property
    def ds(self) -> Dataset:
        """Where the images are."""
        source = self._source
        if isinstance(source, (Review, Cleaner)) and source.ds is not None:
            return source.ds
        return check_dataset(self.learn.data())

    def explain(self, id: str, label: str | None = None, *, method: str | None = None) -> Explanation:  # noqa: A002 - the name of the column
        """Maps, logits and probabilities of one image; see `Explanation`.

        Args:
            id: id or path.
            label: a class of which there is to be a map in any case; its own label always has one.
            method: another one than that of the view.

        Raises:
            ImageError: the image cannot be opened.
            BadInputError: an unknown id, class or method.
        """
        ds = self.ds
        (found,) = _known(ds, listed(id))
        asked = [name for name in (_label(ds, found),) if name in self.learn.classes]
        return self._explainer.explain(
            ds.path_of(found),
            method=method or self._method,
            classes=asked if label is None or label in asked else [*asked, label],
        )

    def maps(self, id: str, label: str, other: str | None = None, *, method: str | None = None) -> np.ndarray:  # noqa: A002
        """The map of a class as numbers (rows, columns), float32; see `Explanation.maps`.

        Args:
            id: id or path.
            label: the class.
            other: another class, for why the one and not the other: the one map less the other.
            method: another one than that of the view.

        Example:
            >>> explain = bw.Explain(learn, ds.table.id[0])
            >>> black, grizzly = (explain.maps(ds.table.id[0], each) for each in ("black", "grizzly"))
            >>> bool(np.allclose(explain.maps(ds.table.id[0], "black", "grizzly"), black - grizzly))
            True
        """
        found = self.explain(id, label, method=method)
        if other is None:
            return found.map(label)
        return found.map(label) - self.explain(id, other, method=method).map(other)

    def curve(self, id: str, label: str | None = None, *, method: str | None = None) -> Curve:  # noqa: A002
        """Whether to believe a map: its deletion and insertion curves, and the verdict; see `Curve`.

        Args:
            id: id or path.
            label: the class; the predicted one if not given.
            method: another one than that of the view.

        Example:
            >>> curve = bw.Explain(learn).curve(ds.table.id[0])
            >>> curve.deletion.shape, 0 <= curve.deletion_area <= 1
            ((11,), True)
        """
        ds = self.ds
        (known,) = _known(ds, listed(id))
        if label is None:
            found = self.explain(known, method=method)
            label = found.classes[int(found.logits.argmax())]
        steps = self._explainer.curve(ds.path_of(known), label, method=method or self._method)
        while True:
            try:
                next(steps)
            except StopIteration as end:
                return end.value

    def to_frame(self) -> pd.DataFrame:
        """A row for each image, by id: path, label, predicted, probability, logit, sum and constant of the map.

        They are of the predicted class; the sum and the constant are NaN where maps are no shares of the logit, and
        all are missing where an image cannot be opened.

        Example:
            >>> frame = bw.Explain(learn, ds.table.id[:2]).to_frame()
            >>> bool(np.allclose(frame["sum"] + frame.constant, frame.logit, atol=1e-4))
            True
        """
        ds = self.ds
        paths = [ds.path_of(each) for each in self.ids]
        explainer, method = self._explainer, self._explainer.check_method(self._method)
        if method == CLASS_MAP:
            found = explainer.explain_many(paths)
        else:
            found = (_or_error(explainer, path, method) for path in paths)
        table = ds.table.set_index("id").loc[self.ids, ["path", "label"]]
        columns = ["predicted", "probability", "logit", "sum", "constant"]
        numbers = pd.DataFrame([_row(each) for each in found], index=table.index, columns=columns)
        return pd.concat([table, numbers], axis=1)

    def static_html(self) -> str:
        """A contact sheet: the first images, each under the map of its predicted class."""
        tiles: list[str] = []
        self._explainer.network  # noqa: B018 - it is made ready before the time counts
        until, left = time.monotonic() + _LONGEST, _LARGEST
        ds = self.ds
        for id_ in self.ids[:TILES]:
            tile = self._tile(ds, id_)
            left -= len(tile.encode())
            if left < 0 or time.monotonic() > until:
                break
            tiles.append(tile)
        shown = f"the first {len(tiles)} of {counted(len(self.ids), 'image')}"
        title = f"What the network looked at: {shown}. Orange speaks for the class, blue against it."
        return f'<p style="font:12px sans-serif">{html.escape(title)}</p>{"".join(tiles)}'

    @property
    def _explainer(self) -> Explainer:
        source = self._source
        return self._explaining.of(source.learn if isinstance(source, (Review, Cleaner)) else source)

    def _hardest(self) -> list[str]:
        """Ids of the evaluation split, or of all items without one, the highest loss first."""
        ds, learn = self.ds, self.learn
        table, probabilities = learn.predictions(
            ds, split="valid" if "valid" in set(ds.table.split) else None
        )
        columns = pd.Index(learn.classes).get_indexer(pd.Index(table.label))
        chances = np.where(columns < 0, 0, probabilities[np.arange(len(table)), columns])
        return table.id.to_numpy()[np.argsort(chances, kind="stable")][:MOST].tolist()

    def _explain(self, request: protocol.ExplainRequest) -> tuple[protocol.ExplainReply, list[bytes]]:
        ds = self.ds
        if request.method is None:
            request = protocol.ExplainRequest(request.item, self._method, request.label, request.image)
        return self._explaining.reply(self.learn, ds, request, _label(ds, request.item))

    def _check_map(self, request: protocol.CheckMapRequest) -> protocol.Nothing:
        path = self.ds.path_of(request.item)
        method = self._explainer.check_method(request.method or self._method)
        steps = self._explainer.curve(path, request.label, method=method)
        self._job.start(self._checking(steps, request, method), dict, kind="check")
        return protocol.Nothing()

    def _checking(
        self, steps: Generator[Progress, None, Curve], request: protocol.CheckMapRequest, method: str
    ) -> Generator[Progress]:
        """The steps of a check, and then the news of its end."""
        curve = yield from steps
        lines = (curve.shares, curve.deletion, curve.insertion, curve.random.mean(0))
        shares, deletion, insertion, random = (each.tolist() for each in lines)
        self.tell(
            protocol.CurveEvent(
                item=request.item,
                label=request.label,
                method=method,
                shares=shares,
                deletion=deletion,
                insertion=insertion,
                random=random,
                verdict=curve.verdict,
            )
        )

    def _stop(self, _request: protocol.Nothing) -> protocol.Nothing:
        self._job.stop()
        return protocol.Nothing()

    def _tile(self, ds: Dataset, id_: str) -> str:
        item = ds.table.iloc[ds.index_of(id_)]
        shown = f"width:{TILE_PX}px;height:{TILE_PX}px;object-fit:contain"
        lines = [item.label]
        try:
            found = self.explain(id_)
            best = int(found.logits.argmax())
            lines.append(f"network: {found.classes[best]} ({percent(float(found.probabilities[best]))})")
            thumbnail = Image.open(io.BytesIO(make_thumbnail(ds.path_of(id_), TILE_PX))).convert("RGB")
            part = seen_part(self.learn.preprocessing, *thumbnail.size)
            data = base64.b64encode(painted(thumbnail, found.map(found.classes[best]), part)).decode()
            image = f'<img style="{shown}" alt="{_text(item.path)}" src="data:image/jpeg;base64,{data}">'
        except BearwidgetsError as error:
            image = f"<em>{_text(str(error))}</em>"
        style = f"display:inline-block;width:{TILE_PX}px;margin:4px;vertical-align:top;{_FONT}"
        return f'<div style="{style}" title="{_text(item.path)}">{image}<br>{"<br>".join(map(_text, lines))}</div>'


class _Trained:
    """Tells a view that is still there that its network is another one now; follows the learner for that."""

    def __init__(self, view: weakref.ref[Explain]) -> None:
        self._view = view

    def begun(self) -> None:
        """A training begins: the network is as it was."""

    def stepped(self, step: Progress) -> None:
        """It goes on."""

    def ended(self, error: str | None = None, result: Any = None) -> None:  # noqa: ARG002 - as `Follower`
        """It is over."""
        if (view := self._view()) is not None:
            view.tell(protocol.ItemsEvent(None))


def painted(image: Image.Image, values: np.ndarray, part: tuple[float, float, float, float]) -> bytes:
    """JPEG of an image under a map (rows, columns), which lies on a part of it: see `seen_part`."""
    width, height = image.size
    left, top, right, bottom = (
        round(share * side) for share, side in zip(part, (width, height, width, height), strict=True)
    )
    scaled = Image.fromarray(values / (float(np.abs(values).max()) or 1.0))
    strength = np.zeros((height, width), np.float32)
    spread = np.asarray(
        scaled.resize((max(1, right - left), max(1, bottom - top)), Image.Resampling.BILINEAR)
    )
    rows, columns = slice(max(0, top), bottom), slice(max(0, left), right)
    there = spread[max(0, -top) :, max(0, -left) :][: height - max(0, top), : width - max(0, left)]
    strength[rows, columns] = there
    share = np.abs(strength)[..., None] * 0.7
    color = np.where(strength[..., None] > 0, FOR, AGAINST)
    mixed = np.asarray(image, np.float32) * (1 - share) + color * share
    stream = io.BytesIO()
    Image.fromarray(mixed.round().astype(np.uint8)).save(stream, "JPEG", quality=60)
    return stream.getvalue()


def _known(ds: Dataset, names: list[str]) -> list[str]:
    """Ids of what ids or paths name, all of which must be there."""
    ids, paths = ds.table["id"].tolist(), dict(zip(ds.table["path"], ds.table["id"], strict=True))
    known = set(ids)
    for name in names:
        if name not in known and name not in paths:
            raise BadInputError(f"No item {shortened(name)} here; ids and paths stand in ds.table.")
    return [name if name in known else paths[name] for name in names]


def _label(ds: Dataset, id_: str) -> str:
    return ds.table["label"].tolist()[ds.index_of(id_)]


def _or_error(explainer: Explainer, path: Any, method: str) -> Explanation | ImageError:
    try:
        return explainer.explain(path, method=method)
    except ImageError as error:
        return error


def _row(found: Explanation | ImageError) -> tuple[Any, ...]:
    if isinstance(found, ImageError):
        return (None, np.nan, np.nan, np.nan, np.nan)
    best = int(found.logits.argmax())
    name = found.classes[best]
    sums = (np.nan, np.nan)
    if found.constants is not None:
        constant = found.constants[found.shown.tolist().index(best)]
        sums = (float(found.map(name).sum()), float(constant))
    return (name, float(found.probabilities[best]), float(found.logits[best]), *sums)


def _text(text: str) -> str:
    return html.escape(visible(text))
