"""A learner as one ONNX file that takes images as they are: resizing and normalization are a part of the graph."""

from __future__ import annotations

import contextlib
import copy
import json
import logging
import re
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image
from torch import nn

from bearwidgets.data.output import check_output, write_output
from bearwidgets.errors import BadInputError, ImageError, TrainingError
from bearwidgets.learn.saved.metadata import describe
from bearwidgets.learn.saved.onnx_resize import OPSET, resize_model
from bearwidgets.version import __version__

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from bearwidgets.data.formats.registry import ImageLike
    from bearwidgets.learn.input.preprocessing import Preprocessing
    from bearwidgets.learn.state import LearnerState

INPUT, RESIZED, OUTPUT = "pictures", "resized", "probabilities"
LIMIT = 2**31 - 2**24  # bytes of weights that one protobuf message has room for
TOLERANCE = 1e-3
BYTE = 255
PHOTO_BANDS = (1, 3)
COLORS = re.compile(r"\x1b\[[0-9;]*m")


class Deployed(nn.Module):
    """A learner's way from resized images to probabilities, in float32; the network takes normalized images."""

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(self, network: nn.Module, preprocessing: Preprocessing) -> None:
        super().__init__()
        self.network = network
        self.pca = preprocessing.pca
        self.scale = BYTE if preprocessing.in_chans in PHOTO_BANDS else 1
        self.register_buffer("mean", torch.tensor(preprocessing.mean).reshape(-1, 1, 1))
        self.register_buffer("std", torch.tensor(preprocessing.std).reshape(-1, 1, 1))

    def forward(self, resized: torch.Tensor) -> torch.Tensor:
        """Probabilities (n, classes) of images (n, bands, size, size), float32; photos from 0 to 255."""
        values = resized / self.scale
        if self.pca is not None:
            values = self.pca(values.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        return torch.softmax(self.network((values - self.mean) / self.std), 1)


def export_onnx(learn: LearnerState, path: str | Path) -> Path:
    """Write a trained learner as one ONNX file, atomically; weights are float32.

    The graph takes `pictures`, uint8 (n, height, width, 3), RGB and turned upright ((n, height, width, 1) for gray
    ones; float32 for other bands), of any number and size, one size a call; it gives `probabilities`, float32
    (n, classes). Its metadata hold `classes`, `made_by`, `preprocessing`, `versions` and more, all as JSON.
    The file is run in onnxruntime on a few images beside the learner's network in float32, before it is written.

    Example:
        >>> import onnxruntime
        >>> session = onnxruntime.InferenceSession(export_onnx(learn, "bears.onnx"))
        >>> image = np.asarray(Image.open(ds.path_of(ds.table.id[0])).convert("RGB"))
        >>> session.run(None, {"pictures": image[None]})[0].shape
        (1, 3)
    """
    if not learn.is_trained:
        raise BadInputError("This learner is not trained yet; call `learn.fine_tune(4)` first.")
    _check_packages("onnx", "onnxscript", "onnxruntime")
    path = check_output(path, (".onnx",))
    network = copy.deepcopy(learn.module).cpu().float().to(memory_format=torch.contiguous_format)
    deployed = Deployed(network, learn.preprocessing).eval()
    needed = sum(tensor.numel() * tensor.element_size() for tensor in deployed.state_dict().values())
    if needed > LIMIT:
        raise BadInputError(
            f"The network takes {needed / 2**30:.1f} GiB; one ONNX file holds less than 2. Export a smaller one."
        )
    exported = _export(deployed, learn.preprocessing)
    known = describe(learn, scores=learn.record.scores, origin=learn.record.origin)
    _describe(exported, {**known, "made_by": learn.provenance})
    data = exported.SerializeToString(deterministic=True)
    _verify(data, deployed.network, learn)
    return write_output(path, data, "The ONNX file")


def _export(deployed: Deployed, preprocessing: Preprocessing) -> Any:
    """The graph as a protobuf message, without the traces of this machine that the exporter leaves in it."""
    from onnx import compose

    bands, size = preprocessing.in_chans, preprocessing.size
    resizing = resize_model(preprocessing.resizer, bands, INPUT, RESIZED, photo=bands in PHOTO_BANDS)
    try:
        with _quiet(), torch.random.fork_rng(devices=[]):
            program: Any = torch.onnx.export(
                deployed,
                (torch.zeros(2, bands, size, size),),
                dynamo=True,
                verbose=False,
                input_names=[RESIZED],
                output_names=[OUTPUT],
                dynamic_shapes=({0: "n"},),
                opset_version=OPSET,
            )
    except Exception as error:  # an exporter meets all sorts of networks
        lines = COLORS.sub("", str(error.__cause__ or error)).strip().splitlines()
        reason = (lines or [type(error).__name__])[0][:200]
        raise BadInputError(
            f"This network cannot be exported to ONNX: {reason} Use another architecture, or `learn.save`."
        ) from error
    message = program.model_proto
    graph = message.graph
    told = (*graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer)
    for each in (graph, *told, *message.functions):
        del each.metadata_props[:]
    resizing.ir_version = message.ir_version
    return compose.merge_models(resizing, message, [(RESIZED, RESIZED)])


def _describe(message: Any, metadata: dict[str, Any]) -> None:
    message.producer_name, message.producer_version = "bearwidgets", __version__
    kind = "uint8" if message.graph.input[0].type.tensor_type.elem_type == 2 else "float32"
    message.doc_string = (
        f"Image classifier by bearwidgets {__version__}. Input '{INPUT}': {kind} (n, height, width, bands), "
        "upright, RGB where there are 3 bands, any size, one size a call; nothing is to be done to them before. "
        f"Output '{OUTPUT}': float32 (n, classes), in the order of 'classes' in the metadata."
    )
    for name in ("classes", "made_by", "preprocessing", "versions", "created", "data", "metrics", "licence"):
        entry = message.metadata_props.add()
        entry.key, entry.value = name, json.dumps(metadata[name], ensure_ascii=False)


def _verify(data: bytes, network: nn.Module, learn: LearnerState) -> None:
    """Run the file beside the learner's network on a few images, whose probabilities must differ by little."""
    import onnxruntime

    preprocessing = learn.preprocessing
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    for image in _some_images(learn):
        pixels = preprocessing.resizer(image)[None].copy()
        with torch.inference_mode():
            wanted = torch.softmax(network(preprocessing.normalize(pixels, torch.device("cpu"))), 1).numpy()
        values = np.asarray(image)
        values = values.reshape(1, *values.shape[:2], preprocessing.in_chans)
        (got,) = session.run(None, {INPUT: values})
        difference = float(np.abs(got - wanted).mean())
        if not difference <= TOLERANCE:
            raise TrainingError(
                f"The exported network gives other probabilities: they differ by {difference:.2g} on average; "
                f"allowed is {TOLERANCE:g}. Nothing was written; use another architecture, or `learn.save`."
            )


def _some_images(learn: LearnerState) -> list[ImageLike]:
    """Up to four images of the learner's data, and one smooth made-up one each way that sizes can go."""
    preprocessing = learn.preprocessing
    images: list[ImageLike] = []
    paths = [] if learn.ds is None else [learn.ds.path_of(each) for each in learn.ds.table.id]
    for path in paths[:: max(1, len(paths) // 4)][:4]:
        with contextlib.suppress(ImageError):  # a file that is gone is no fault of the network
            image = preprocessing.open(path)
            if isinstance(image, Image.Image) == (preprocessing.in_chans in PHOTO_BANDS):
                images.append(image)
    generator = np.random.default_rng(0)
    size = preprocessing.size
    for height, width in ((2 * size + 1, 3 * size), (size // 2 + 1, size + 5)):
        bands = [
            Image.fromarray(generator.integers(0, 256, (5, 5), dtype=np.uint8)).resize((width, height))
            for _ in range(preprocessing.in_chans)
        ]
        if preprocessing.in_chans in PHOTO_BANDS:
            images.append(Image.merge("RGB", bands) if len(bands) == 3 else bands[0])
        else:
            images.append(np.stack([np.asarray(band, dtype=np.float32) / BYTE for band in bands], -1))
    return images


@contextlib.contextmanager
def _quiet() -> Generator[None]:
    """Keep the exporter's warnings and log lines, which are for its makers, from the user."""
    before = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def _check_packages(*names: str) -> None:
    for name in names:
        try:
            __import__(name)
        except ImportError as error:
            raise BadInputError(
                f"ONNX export needs {name}, which is not installed; run `pip install 'bearwidgets[export]'`."
            ) from error
