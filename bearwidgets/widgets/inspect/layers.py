"""What the layers of a network respond to, as a view: patches of the data set's own images, kernels, maps."""

from __future__ import annotations

import base64
import html
import math
import threading
from typing import TYPE_CHECKING, Any

import pandas as pd
from PIL import Image

from bearwidgets.data.parallel import in_threads
from bearwidgets.errors import BadInputError, ConflictError, shortened
from bearwidgets.figures import counted
from bearwidgets.safe_text import visible
from bearwidgets.widgets import protocol
from bearwidgets.widgets.job import Job
from bearwidgets.widgets.protocol import Channel, JobEvent, LayerInfo
from bearwidgets.widgets.view import View, bundle

if TYPE_CHECKING:
    import numpy as np

    from bearwidgets.learn.layers.fields import Layer
    from bearwidgets.widgets.protocol import (
        ChannelReply,
        ChannelRequest,
        ChannelsReply,
        ChannelsRequest,
        JobState,
        LayersReply,
    )

PAGE = 64
CELL, LARGE, WHOLE = 44, 160, 224  # px of a patch in a tile, of a patch by itself, of its whole image
COPIED_LAYERS, COPIED_CHANNELS, COPIED_BYTES = 4, 6, 52_000


class Layers(View):
    """What each channel of each layer responds to: the patches of this data set that excite it most.

    A patch is what the channel's unit sees: its receptive field, cut off at the border of the image. All layers are
    found in one pass over the images, which runs in the background and is kept on disk.

    Args:
        learn: a `Learner` whose body has convolutions; it need not be trained.
        n: look at so many images, drawn at random; more take longer.
        seed: of that draw.
        height: of the view, px.

    Attributes:
        learn: the learner.

    Raises:
        BadInputError: no learner, a network without convolutions, or a number that is not allowed.

    Example:
        >>> layers = bw.Layers(bw.Learner(ds), n=64)
        >>> layers.wait().state
        'done'
        >>> layers.top("blocks.0.0.conv_dw", 3).columns.tolist()
        ['id', 'path', 'label', 'value', 'left', 'top', 'right', 'bottom']
    """

    _esm = bundle("layers.js")
    _css = bundle("layers.css")

    def __init__(self, learn: Any, *, n: int = 512, seed: int = 0, height: int = 600) -> None:
        from bearwidgets.learn.layers.responses import LayerResponses
        from bearwidgets.learn.predict import Predicts

        if not isinstance(learn, Predicts):
            raise BadInputError(f"{shortened(learn)} is no bw.Learner; Layers shows the network of one.")
        self.learn = learn
        self._responses = LayerResponses(learn, n=n, seed=seed)
        self._items = learn.data().table.set_index("id")
        self._n, self._seed = n, seed
        self._maps: tuple[tuple[str, str], Any] | None = None
        handlers = {
            "layers": (protocol.Nothing, lambda _request: self._reply()),
            "look": (protocol.Nothing, self._on_look),
            "stop": (protocol.Nothing, self._on_stop),
            "channels": (protocol.ChannelsRequest, self._channels),
            "channel": (protocol.ChannelRequest, self._channel),
        }
        super().__init__(handlers, threading.RLock(), height=height)
        self._job = Job(self._tell_job)
        self.look()

    def __repr__(self) -> str:
        return f"Layers({self._responses!r})"

    @property
    def table(self) -> pd.DataFrame:
        """A row a layer: name, channels, map_height, map_width (units), field_height, field_width (px)."""
        rows = [
            (each.name, each.channels, len(each.rows), len(each.columns), *each.field)
            for each in self._responses.layers
        ]
        columns = ["name", "channels", "map_height", "map_width", "field_height", "field_width"]
        return pd.DataFrame(rows, columns=columns)

    def look(self) -> None:
        """Look at the images from the beginning, in the background.

        Raises:
            ConflictError: that is going on already.
        """
        from bearwidgets.learn.layers.responses import LayerResponses

        if self._job.running:
            raise ConflictError("The images are being looked at; wait for that or stop it first.")
        if self._responses.done:
            self._responses = LayerResponses(self.learn, n=self._n, seed=self._seed)
        self._job.start(self._responses.compute(), lambda: {"message": "done"}, kind="open")

    def stop(self) -> None:
        """Stop looking at the next images; what was found so far stays."""
        self._job.stop()

    def wait(self) -> JobState:
        """Wait until all images were looked at; Ctrl-C stops it."""
        return self._job.wait()

    def top(self, layer: str, channel: int) -> pd.DataFrame:
        """The places that excite a channel most, each in another image, the strongest first, at most nine.

        Returns:
            A row a place: id, path, label, value (the response: the convolution's output with its batch norm), and
            left, top, right, bottom of its receptive field, px of the image as the network sees it.

        Raises:
            BadInputError: no such layer or channel.
        """
        rows = [
            (each.id, *self._items.loc[each.id, ["path", "label"]], each.value, *each.box)
            for each in self._responses.top(layer, channel)
        ]
        columns = ["id", "path", "label", "value", "left", "top", "right", "bottom"]
        return pd.DataFrame(rows, columns=columns)

    def kernels(self) -> np.ndarray:
        """The kernels of the first layer as colors on one scale, gray is 0: (channels, height, width, 3), uint8."""
        from bearwidgets.learn.layers.tiles import kernels

        if not self._responses.layers:
            raise BadInputError("The layers are not known yet; call layers.wait() first.")
        module: Any = self.learn.module.body.get_submodule(self._responses.layers[0].name)
        return kernels(module.weight.detach().float().cpu().numpy())

    def maps(self, image: str, layer: str) -> np.ndarray:
        """What a layer gives for one image of those looked at, by its id: (channels, height, width), float32.

        Raises:
            BadInputError: no such image or layer.
        """
        return self._responses.maps(image, layer)

    def static_html(self) -> str:
        """Some channels of some layers as images, in at most 60 KB."""
        layers = self._responses.layers
        parts, size = [f"<p>{html.escape(self._note())}</p>"], 0
        step = max(1, -(-len(layers) // COPIED_LAYERS))
        for layer in [*layers[::step][: COPIED_LAYERS - 1], *layers[-1:]]:
            title = f"{visible(layer.name)} · sees {layer.field[1]} × {layer.field[0]} px"
            parts.append(f"<p><b>{html.escape(title)}</b></p>")
            for number in range(0, layer.channels, -(-layer.channels // COPIED_CHANNELS)):
                data = base64.b64encode(self._patches(layer, number, 28, quality=70) or b"").decode()
                size += len(data)
                if data and size < COPIED_BYTES:
                    parts.append(f'<img alt="channel {number}" src="data:image/jpeg;base64,{data}"> ')
        return f'<div style="font:12px sans-serif">{"".join(parts)}</div>'

    def _patches(self, layer: Layer, channel: int, px: int, *, quality: int = 85) -> bytes | None:
        """The patches of a channel as a JPEG."""
        from bearwidgets.learn.layers.tiles import encoded, mosaic

        found = self._responses.top(layer.name, channel)
        return encoded(mosaic(self._responses, layer, found, px), quality=quality) if found else None

    def _note(self) -> str:
        """Which images are looked at."""
        responses, of = self._responses, len(self._items)
        n = len(responses.ids)
        some = counted(n, "image") if n == of else f"{n:,} of {counted(of, 'image')}, drawn at random"
        note = f"The strongest responses in {some}; below each channel its number and its highest response."
        if responses.problems:
            note += f" {counted(len(responses.problems), 'image')} could not be decoded."
        if self._job.state.state == "stopped":
            note += f" Stopped after {responses.done:,} of {n:,}."
        if len(responses.layers) == 1:
            note += " Only one layer of this network sees places: attention looks at the whole image."
        if responses.left_out:
            note += f" Receptive fields leave out {' and '.join(responses.left_out)}."
        return note

    def _reply(self) -> LayersReply:
        layers, body = self._responses.layers, self.learn.module.body
        bands = self.learn.preprocessing.channels
        infos = [
            LayerInfo(
                each.name,
                each.channels,
                (len(each.rows), len(each.columns)),
                each.field,
                number == 0 and getattr(body.get_submodule(each.name), "in_channels", 0) == bands,
            )
            for number, each in enumerate(layers)
        ]
        return protocol.LayersReply(infos, self._job.state, self._note(), self.learn.preprocessing.size)

    def _channels(self, request: ChannelsRequest) -> tuple[ChannelsReply, list[bytes]]:
        responses = self._responses
        layer = responses.layer(request.layer)
        stop = min(request.stop, request.start + PAGE, layer.channels)
        numbers = range(min(request.start, stop), stop)
        strongest = responses.strongest(layer.name)
        images = {"patches": self._all_patches, "kernels": self._all_kernels, "maps": self._all_maps}
        channels, buffers = [], []
        for number, image in zip(numbers, images[request.show](layer, numbers, request.image), strict=True):
            value = float(strongest[number])
            known = math.isfinite(value)
            channels.append(Channel(number, value if known else None, len(buffers) if image else None))
            buffers += [image] if image else []
        return protocol.ChannelsReply(layer.name, channels, responses.done), buffers

    def _all_patches(self, layer: Layer, numbers: range, _image: str | None) -> list[bytes | None]:
        wanted = {each.id for number in numbers for each in self._responses.top(layer.name, number)}
        for _ in in_threads(self._responses.pixels, wanted):  # decodes what is not in memory
            pass
        return [self._patches(layer, number, CELL) for number in numbers]

    def _all_kernels(self, layer: Layer, numbers: range, _image: str | None) -> list[bytes | None]:
        from bearwidgets.learn.layers.tiles import encoded

        if layer is not self._responses.layers[0]:
            raise BadInputError("Only the first layer has kernels that are images: the others see channels.")
        shown = self.kernels()
        return [encoded(Image.fromarray(shown[number]), "PNG") for number in numbers]

    def _all_maps(self, layer: Layer, numbers: range, image: str | None) -> list[bytes | None]:
        from bearwidgets.learn.layers.tiles import encoded, heat

        if image is None:
            raise BadInputError("Maps are of one image; none was named.")
        if self._maps is None or self._maps[0] != (image, layer.name):
            self._maps = (image, layer.name), self._responses.maps(image, layer.name)
        strongest, maps = self._responses.strongest(layer.name), self._maps[1]
        return [encoded(heat(maps[number], float(strongest[number])), "PNG") for number in numbers]

    def _channel(self, request: ChannelRequest) -> tuple[ChannelReply, list[bytes]]:
        from bearwidgets.learn.layers.tiles import as_colors, encoded, patch

        layer = self._responses.layer(request.layer)
        patches, buffers = [], []
        for each in self._responses.top(layer.name, request.channel):
            path, label = self._items.loc[each.id, ["path", "label"]]
            pixels = self._responses.pixels(each.id)
            whole = Image.fromarray(as_colors(pixels))
            whole.thumbnail((WHOLE, WHOLE))
            buffers += [encoded(patch(pixels, each.box, layer, LARGE)), encoded(whole)]
            patches.append(protocol.Patch(each.id, path, label, each.value, each.box, each.center))
        return protocol.ChannelReply(layer.name, request.channel, patches), buffers

    def _on_look(self, _request: protocol.Nothing) -> protocol.Nothing:
        self.look()
        return protocol.Nothing()

    def _on_stop(self, _request: protocol.Nothing) -> protocol.Nothing:
        self.stop()
        return protocol.Nothing()

    def _tell_job(self, job: JobState) -> None:
        if self.comm is None:
            return  # nobody would see it
        with self.lock:  # no answer is to be overtaken
            self.tell(JobEvent(job))
