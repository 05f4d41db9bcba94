"""One pass over images that finds, for every channel of every layer, the places that excite it most.

The idea: Zeiler and Fergus, "Visualizing and understanding convolutional networks", ECCV 2014.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import safetensors.torch
import torch

from bearwidgets.data.augment.loader import ImageFiles, load_batches
from bearwidgets.data.cache.cache_file import cache_dir
from bearwidgets.errors import BadInputError, check_whole, unknown_name
from bearwidgets.files import write_atomic
from bearwidgets.learn import tensor_file
from bearwidgets.learn.layers.fields import Layer, global_parts, hooked, layers_of
from bearwidgets.learn.network.model import for_inference
from bearwidgets.learn.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from PIL import Image

    from bearwidgets.data.augment.loader import Batch
    from bearwidgets.learn.predict import Predicts

TOP = 9  # places that are kept of a channel, each in another image
BATCH = 8
MOST_FILES = 32  # results that are kept on disk
PIXELS = 2**27  # bytes of images that stay in memory
_VERSION = 1
_KEY = "layers"  # in the header of a file: what the tensors are of


@dataclass(frozen=True)
class Response:
    """A place in an image that excites a channel.

    Attributes:
        id: of the item.
        value: the output of the convolution and its batch norm there.
        box: left, top, right, bottom in px of the image as the network sees it: the receptive field, clipped.
        center: x and y in px of the unit's own place, for a receptive field may be the whole image.
    """

    id: str
    value: float
    box: tuple[int, int, int, int]
    center: tuple[float, float]


class LayerResponses:
    """The layers of a learner's body and what excites each of their channels, as far as `compute` has come.

    Args:
        learn: the learner, whose body has convolutions.
        n: look at so many images of its data set, drawn at random.
        seed: of that draw.

    Attributes:
        layers: in the order in which the network uses them; empty before `compute`.
        ids: the items that are looked at, in that order.
        done: how many of them were looked at.
        problems: id → reason, of images that could not be decoded.
        left_out: what looks at the whole image and is left out of the receptive fields, in words.

    Raises:
        BadInputError: a network without convolutions, or a number that is not allowed.
    """

    def __init__(self, learn: Predicts, *, n: int = 512, seed: int = 0) -> None:
        check_whole("n", n, 1)
        check_whole("seed", seed, 0)
        ds, seen = learn.data(), learn.preprocessing
        if not any(isinstance(each, torch.nn.Conv2d) for each in learn.module.body.modules()):
            raise BadInputError(
                "This network has no convolutions, so its layers have no places in an image that could be shown."
            )
        rows = np.random.default_rng(seed).permutation(len(ds.table))[:n]
        table = ds.table.iloc[rows]
        self.learn, self.ids = learn, list(table.id)
        self.layers: list[Layer] = []
        self.done = 0
        self.problems: dict[str, str] = {}
        self._best: dict[str, tuple[torch.Tensor, torch.Tensor, torch.Tensor]] = {}
        self._files = ImageFiles(
            [ds.path_of(each) for each in table.id], self._open, presize=None, budget=PIXELS
        )
        self._rows = {each: row for row, each in enumerate(self.ids)}
        self._net = for_inference(learn.module.body, learn.features.precision, seen.size, seen.channels)
        self.left_out = sorted(set(global_parts(self._net, seen.size, seen.channels).values()), reverse=True)
        told = f"{learn.features.key} {_VERSION} {list(table.content)}"
        digest = hashlib.blake2b(told.encode(), digest_size=16).hexdigest()
        self._file = cache_dir() / "layers" / f"{digest}.safetensors"

    def __repr__(self) -> str:
        return f"LayerResponses({len(self.layers)} layers, {self.done} of {len(self.ids)} images)"

    def layer(self, name: str) -> Layer:
        """The layer of that name.

        Raises:
            BadInputError: there is none.
        """
        for each in self.layers:
            if each.name == name:
                return each
        names = [each.name for each in self.layers]
        raise BadInputError(unknown_name("layer", name, names, "in this network"))

    def top(self, layer: str, channel: int) -> list[Response]:
        """The places that excite a channel most, at most `TOP`, the strongest first, each in another image.

        Raises:
            BadInputError: no such layer or channel.
        """
        of = self.layer(layer)
        check_whole("channel", channel, 0, of.channels - 1)
        if layer not in self._best:
            return []
        values, images, places = (each[:, channel].tolist() for each in self._best[layer])
        found = zip(values, images, places, strict=True)
        size = self.learn.preprocessing.size
        return [
            Response(self.ids[row], value, of.box(place), of.center(place, size))
            for value, row, place in found
            if row >= 0
        ]

    def strongest(self, layer: str) -> np.ndarray:
        """For each channel of a layer the highest value in all images, (channels,); NaN before any."""
        of = self.layer(layer)
        if layer not in self._best:
            return np.full(of.channels, np.nan)
        return self._best[layer][0][0].numpy()

    def maps(self, image: str, layer: str) -> np.ndarray:
        """The outputs of a layer for an item: (channels, height, width), float32.

        Raises:
            BadInputError: no such item among `ids`, or no such layer.
            ImageError: its image cannot be decoded.
        """
        self.layer(layer)
        kept: list[torch.Tensor] = []
        pixels = self.pixels(image)[None].copy()
        with hooked(self._net, [layer], lambda _name, output: kept.append(output.clone())):
            self._forward(pixels)
        return kept[0][0].float().cpu().numpy()

    def pixels(self, image: str) -> np.ndarray:
        """An item as the network sees it: (size, size, bands), uint8 or float32."""
        if image not in self._rows:
            raise BadInputError(f"No image {image!r} among the {len(self.ids):,} that were looked at.")
        return self.learn.preprocessing.resizer(self._files[self._rows[image]])

    def compute(self) -> Generator[Progress]:
        """Look at all images, or read what was found before; stop iterating and what was found so far stays."""
        if self._read():
            yield Progress("layers", len(self.ids), len(self.ids))
            return
        seen = self.learn.preprocessing
        probing = layers_of(self._net, seen.size, seen.channels)
        while True:
            try:
                yield Progress("receptive fields", *next(probing))
            except StopIteration as end:
                self.layers = end.value
                break
        if not self.layers:
            raise BadInputError("No convolution of this network sees more than one place of an image.")
        total = len(self.ids)
        batches = [range(start, min(start + BATCH, total)) for start in range(0, total, BATCH)]
        with contextlib.closing(load_batches(self._files, batches, seen.resizer)) as loaded:
            for batch in loaded:
                self.problems.update({self.ids[row]: reason for row, reason in batch.problems.items()})
                if len(batch.rows):
                    self._look(batch)
                self.done += len(batch.rows) + len(batch.problems)
                yield Progress("layers", self.done, total)
        self._write()

    def _look(self, batch: Batch) -> None:
        rows = torch.from_numpy(batch.rows).int()[:, None]
        names = [each.name for each in self.layers]
        with hooked(self._net, names, lambda name, output: self._add(name, output, rows)):
            self._forward(batch.pixels)

    def _open(self, source: Path | bytes) -> Image.Image | np.ndarray:
        from PIL import Image

        pixels = self.learn.preprocessing.resizer(self.learn.preprocessing.open(source))
        if pixels.dtype != np.uint8:
            return pixels
        return Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)

    def _forward(self, pixels: np.ndarray) -> None:
        weight = next(self._net.parameters())
        with torch.inference_mode():
            self._net(self.learn.preprocessing.normalize(pixels, weight.device).to(weight.dtype))

    def _add(self, name: str, output: torch.Tensor, rows: torch.Tensor) -> None:
        """Take the outputs (n, channels, h, w) of a layer for some images, (n, 1), into account."""
        highest = output.amax((2, 3)).float().cpu()
        if name not in self._best:
            empty = torch.full((TOP, output.shape[1]), -torch.inf)
            none = torch.full(empty.shape, -1, dtype=torch.int32)
            self._best[name] = empty, none, none
        values, images, places = self._best[name]
        better = highest > values[-1]
        if not better.any():
            return
        of, channels = better.nonzero(as_tuple=True)
        found = output[of.to(output.device), channels.to(output.device)].flatten(1).argmax(1).int().cpu()
        at = torch.zeros(highest.shape, dtype=torch.int32)
        at[of, channels] = found
        highest = highest.where(better, -torch.inf)
        values, order = torch.cat([values, highest]).sort(dim=0, descending=True, stable=True)
        order = order[:TOP]
        numbers = rows.expand_as(at)
        images = torch.cat([images, numbers]).gather(0, order)
        places = torch.cat([places, at]).gather(0, order)
        values = values[:TOP]
        self._best[name] = values, images.where(values > -torch.inf, -1), places

    def _read(self) -> bool:
        """Whether all of it was found before and is still there."""
        try:
            known, tensors = tensor_file.read(self._file, _KEY)
            layers = [
                Layer(name, channels, tensors[f"{name} rows"].numpy(), tensors[f"{name} columns"].numpy())
                for name, channels in known["layers"]
            ]
            best = {
                each.name: tuple(tensors[f"{each.name} {what}"] for what in ("values", "images", "places"))
                for each in layers
            }
            problems = {str(key): str(value) for key, value in known["problems"].items()}
        except (ValueError, KeyError, TypeError, AttributeError):
            return False  # a damaged cache file is no loss
        self.layers, self._best, self.problems, self.done = layers, best, problems, len(self.ids)  # ty: ignore[invalid-assignment]
        return True

    def _write(self) -> None:
        tensors = {}
        for each in self.layers:
            parts = zip(("values", "images", "places"), self._best.get(each.name, ()), strict=False)
            tensors |= {f"{each.name} {what}": tensor for what, tensor in parts}
            tensors[f"{each.name} rows"] = torch.from_numpy(each.rows)
            tensors[f"{each.name} columns"] = torch.from_numpy(each.columns)
        known = {"layers": [(each.name, each.channels) for each in self.layers], "problems": self.problems}
        plain, header = tensor_file.packed(tensors, _KEY, json.dumps(known))
        with contextlib.suppress(OSError):  # a cache that cannot be written is done without
            self._file.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(self._file, safetensors.torch.save(plain, metadata=header), sync=False)
            files = sorted(self._file.parent.glob("*.safetensors"), key=lambda path: path.stat().st_mtime)
            for old in files[:-MOST_FILES]:
                old.unlink(missing_ok=True)
