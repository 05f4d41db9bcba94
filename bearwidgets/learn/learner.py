"""The learner: a data set and a network, trained and asked."""

from __future__ import annotations

import copy
import warnings
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
import torch

from bearwidgets.data.augment.augment import augmentation
from bearwidgets.data.augment.loader import ImageFiles, load_batches
from bearwidgets.errors import BadInputError, unknown_name
from bearwidgets.learn.diagnosis.diagnosis import diagnose
from bearwidgets.learn.diagnosis.evidence import evidence_of
from bearwidgets.learn.fit_head import compute_features
from bearwidgets.learn.fit_methods import Fits
from bearwidgets.learn.head.features import FeatureStore
from bearwidgets.learn.history import Record
from bearwidgets.learn.input.normalization import make_preprocessing
from bearwidgets.learn.input.user_image import as_image
from bearwidgets.learn.network.foreign import split_module
from bearwidgets.learn.network.model import BodySource, Classifier, create_body
from bearwidgets.learn.network.network_heads import mlp_head
from bearwidgets.learn.run import PRESIZE
from bearwidgets.learn.saved import bundle
from bearwidgets.learn.saved.metadata import OWN, check_classes, describe
from bearwidgets.learn.saved.model_card import model_card
from bearwidgets.learn.scores.metrics import compute_metrics, make_metrics
from bearwidgets.learn.scores.scores import class_numbers, measure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lightning_fabric import Fabric
    from PIL import Image
    from torch import nn

    from bearwidgets.data.augment.augment import Augment
    from bearwidgets.data.dataset import Dataset
    from bearwidgets.learn.diagnosis.evidence import Finding
    from bearwidgets.learn.history import Mode
    from bearwidgets.learn.input.preprocessing import Preprocessing


@dataclass(frozen=True)
class Prediction:
    """What a learner says of one picture.

    Attributes:
        label: the most probable class.
        probability: of that class, 0 to 1.
        probabilities: of every class, by name.
    """

    label: str
    probability: float
    probabilities: dict[str, float]


class Learner(Fits):
    """A pretrained body and a head of its own for the classes of a data set.

    Args:
        ds: the data set.
        arch: any timm or torchvision name; `efficientnet_lite0` comes with its ImageNet weights, no network needed.
        weights: `"auto"` (cached, offline package or download), `"offline"`, a `.safetensors` or `.pth` file, or
            None for random ones.
        size: side of the square pictures the body sees, px.
        seed: of everything random here; the global generators are left alone.
        resize: how a picture becomes a square: "squish" (all of it, the aspect is lost), "crop" or "pad".
        normalize: "weights" (mean and deviation the weights were made with; the default with weights), "data" (those
            of the training split; the default without), "batch" (of one large batch), "none", or (mean, std).
        in_chans: bands of the images; 1 for grey, more for `.npy` and TIFF files of many bands.
        bands: with other than three bands: "adapt" the first layer of the weights, or "pca" to three bands.
        head: "linear", which the cached mode needs, or fastai's "mlp" on average and maximum pooling.
        metrics: names of torchmetrics ("f1", "auroc", …) or its objects, for `evaluate` and `history`.

    Attributes:
        classes: names of the classes, in the order of the columns of `probabilities`.
        module: the network, a plain `nn.Module`: normalized pictures (n, in_chans, size, size) → logits (n, classes).
        preprocessing: how a file becomes the network's input.
        features: the features of the present body, by content.
        record: all trainings so far.
        metrics: name → torchmetrics object, see `use_metrics`.
        frozen_to: how many layer groups `fit` and its like leave frozen; negative counts from the head.
        fabric: Lightning Fabric of several processes, or None for one.

    Raises:
        BadInputError: an unknown architecture, or weights that cannot be had.

    Example:
        >>> learn = bw.Learner(bw.Dataset.from_folder("bears"))  # doctest: +SKIP
        >>> learn.fine_tune(4)  # doctest: +SKIP
        >>> learn.evaluate("valid")["error_rate"]  # doctest: +SKIP
        0.03125
    """

    def __init__(
        self,
        ds: Dataset,
        arch: str = "efficientnet_lite0",
        weights: str | Path | None = "auto",
        size: int = 224,
        seed: int = 0,
        *,
        resize: Literal["squish", "crop", "pad"] = "squish",
        normalize: str | tuple[Sequence[float], Sequence[float]] | None = None,
        in_chans: int = 3,
        bands: Literal["adapt", "pca"] = "adapt",
        head: Literal["linear", "mlp"] = "linear",
        metrics: Sequence[Any] | Mapping[str, Any] = (),
    ) -> None:
        _check_seed(seed)
        if head not in ("linear", "mlp"):
            raise BadInputError(unknown_name("head", head, ["linear", "mlp"]))
        body, features, source, own = create_body(
            arch,
            weights,
            size,
            seed,
            in_chans=3 if bands == "pca" else in_chans,
            pool="catavgmax" if head == "mlp" else "avg",
        )
        network = _with_head(body, features, len(ds.classes), seed, mlp=head == "mlp")
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
        self.arch, self.seed, self.source = arch, seed, source
        self._set_up(ds, list(ds.classes), network, preprocessing, keep=True)
        self.use_metrics(metrics)
        self.frozen_to = 0 if weights is None else -1

    def _set_up(
        self,
        ds: Dataset | None,
        classes: list[str],
        module: Classifier,
        preprocessing: Preprocessing,
        *,
        keep: bool,
        features: FeatureStore | None = None,
    ) -> None:
        self.ds: Any = ds
        self.classes = classes
        self.module = module.to("cuda" if torch.cuda.is_available() else "cpu").eval()
        self.preprocessing = preprocessing
        self.features = features or FeatureStore(self.module.body, preprocessing, keep=keep)
        self.record = Record()
        self.use_metrics(())
        self.frozen_to = 0
        self.fabric: Fabric | None = None
        self._pristine: Any = None  # the body before exact training

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
                the cached mode works too.
            ds: the data set.
            size: as in `Learner`, and so the others.
            seed: of everything random.
            resize: how a picture becomes a square.
            normalize: "data", "batch", "none", or the (mean, std) that the module was trained with.
            in_chans: bands of the images.
            metrics: for `evaluate` and `history`.

        Raises:
            BadInputError: its output is not (n, classes).
        """
        _check_seed(seed)
        if normalize == "weights":
            raise BadInputError(
                "It is not known how a module of yours was trained; allowed for normalize are 'data', 'batch', "
                "'none' or the pair (mean, std) that it was trained with."
            )
        network = split_module(module, len(ds.classes), size, in_chans)
        learner = cls.__new__(cls)
        learner.arch, learner.seed = type(module).__name__, seed
        learner.source = BodySource(OWN, "a module of one's own")
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
        learner._set_up(ds, list(ds.classes), network, preprocessing, keep=True)  # noqa: SLF001 - its own class
        learner.use_metrics(metrics)
        return learner

    def __repr__(self) -> str:
        state = f"trained: {self.made_by}" if self.made_by else "not trained yet"
        return f"Learner({self.arch}, {len(self.classes)} classes, {self.size} px, {state})"

    @property
    def size(self) -> int:
        """Side of the square pictures the body sees, px."""
        return self.preprocessing.size

    @property
    def made_by(self) -> str:
        """How the present numbers were made, in words; empty before the first training."""
        return self.record.made_by

    @property
    def mode(self) -> Mode | None:
        """The mode of the last training, "cached" or "exact"; None before."""
        return self.record.mode

    @property
    def head_fit(self) -> Any:
        """The fit of the linear head in the cached mode, else None."""
        return self.record.head_fit

    @property
    def history(self) -> pd.DataFrame:
        """A row an epoch: stage, epoch, train_loss, valid_loss, valid_error, seconds, then `metrics`.

        In the cached mode one row, whose train_loss is the held-out loss inside the training split.
        """
        return self.record.history

    @property
    def steps(self) -> pd.DataFrame:
        """A row a step of the loop: stage, step, epoch, lr (of the head), momentum, loss; none in the cached mode."""
        return self.record.steps

    @property
    def diagnosis(self) -> list[Finding]:
        """What the trainings show that deserves a word, each with its figure; empty where nothing can be told."""
        return diagnose(evidence_of(self)) if self.made_by else []

    def predictions(
        self, ds: Dataset | None = None, *, split: str | None = None
    ) -> tuple[pd.DataFrame, np.ndarray]:
        """Probabilities for every item, without augmentation.

        Args:
            ds: other items than the learner's own.
            split: only those of "train", "valid" or "test".

        Returns:
            The table of the items, and probabilities (n, classes), float32.

        Raises:
            BadInputError: the learner is not trained, or has no data set.
        """
        self._check_trained()
        if ds is None:
            self._check_data()
        for _ in compute_features(self, ds, split):
            pass
        table = (self.ds if ds is None else ds).table
        wanted = ~table.content.isin(list(self.features.problems))
        table = table[wanted if split is None else wanted & (table.split == split)].reset_index(drop=True)
        return table, self._probabilities(self.features.array(list(table.content)))

    def tta(
        self,
        split: str = "valid",
        n: int = 4,
        *,
        beta: float = 0.25,
        augment: str | Augment = "light",
        ds: Dataset | None = None,
    ) -> tuple[pd.DataFrame, np.ndarray]:
        """Test-time augmentation: mean probabilities of `n` augmented views of each picture, and the plain one.

        Args:
            split: "train", "valid" or "test".
            n: views.
            beta: weight of the plain view, 0 to 1; the mean of the others has the rest (fastai's rule).
            augment: as in `Recipe`.
            ds: other items than the learner's own.

        Returns:
            As `predictions`.
        """
        if not isinstance(n, int) or n < 1 or not 0 <= beta <= 1:
            raise BadInputError(
                f"n is {n!r} and beta is {beta!r}; allowed are n from 1 on and beta from 0 to 1."
            )
        table, plain = self.predictions(ds, split=split)
        used = self.ds if ds is None else ds
        paths = [used.path_of(each) for each in table.id]
        presize = round(PRESIZE * self.size)
        pictures = ImageFiles(paths, partial(self.preprocessing.open, at_least=presize), presize=presize)
        transform = augmentation(
            augment,
            self.size,
            interpolation=self.preprocessing.interpolation,
            resize=self.preprocessing.resize,
        )
        batches = [range(start, min(start + 32, len(table))) for start in range(0, len(table), 32)]
        total = np.zeros_like(plain)
        for view in range(n):
            for batch in load_batches(pictures, batches, transform, seed=self.seed * 1000 + view):
                features = self.features.of_pixels(batch.pixels).astype(np.float32)
                total[batch.rows] += self._probabilities(features)
        return table, (1 - beta) * total / n + beta * plain

    def out_of_fold(self) -> tuple[list[str], np.ndarray] | None:
        """Ids and probabilities (n, classes) of training items from heads that did not see them, if there are any."""
        if self.head_fit is None:
            return None
        held = self.head_fit.held
        ids = [id_ for id_, is_held in zip(self.record.fitted_on, held, strict=True) if is_held]
        return ids, self.head_fit.out_of_fold[held]

    def training_dynamics(self) -> tuple[list[str], list[np.ndarray]] | None:
        """Ids of training items and what was said of them before, where the whole network was trained.

        Returns:
            Ids and two arrays (n, classes): the mean probabilities over the epochs, and those of heads that did not
            see the item, from the cached training before; NaN where there are none. See `Trace`.
        """
        return None if self.record.trace is None else self.record.trace.opinions()

    def evaluate(self, split: str = "valid", ds: Dataset | None = None, *, tta: int = 0) -> dict[str, Any]:
        """Measure on one split, without augmentation.

        Args:
            split: "valid", "train" or "test".
            ds: where to take items and labels from instead, such as `learn.ds.cleaned(journal, exam="corrected")`.
            tta: as many augmented views of each picture besides (see `tta`).

        Returns:
            loss (mean log-loss, nats), accuracy and error_rate (0 to 1), n, per_class (class → n, accuracy), metrics
            (name → value, if the learner has some) and made_by (how the probabilities were made). The labels of
            "valid" are those of the frozen exam; where the labels on disk were corrected since,
            error_rate_corrected is on these.

        Raises:
            BadInputError: no such split, or the learner is not trained.
        """
        used = self.ds if ds is None else ds
        if used is None:
            raise BadInputError("This learner has no data set; give one: `learn.evaluate('valid', ds)`.")
        known = sorted(used.table.split.unique())
        if split not in known:
            raise BadInputError(unknown_name("split", split, known, "in this data set"))
        table, chosen = self.tta(split, tta, ds=ds) if tta else self.predictions(ds, split=split)
        exam = self.ds.exam if ds is None and split == "valid" else None
        labels = table.label if exam is None else table.content.map(exam.items).fillna(table.label)
        if exam is None:  # a class of the exam may be gone from the data since; others have to be known
            class_numbers(labels, self.classes)
        scores = measure(labels, chosen, self.classes, table.label)
        if self.metrics:
            target = pd.Index(self.classes).get_indexer(pd.Index(labels))
            scores["metrics"] = compute_metrics(self.metrics, chosen, target)
        scores["made_by"] = self.made_by + (f", {tta} augmented views" if tta else "")
        if exam is not None and not tta:
            self.record.scores = scores
        return scores

    def predict(self, image: str | Path | bytes | Image.Image | np.ndarray) -> Prediction:
        """Classify one picture: a path, a PIL image, an array (h, w, 3) or (h, w) of uint8, or a file's bytes.

        Raises:
            ImageError: it cannot be opened as a picture.
            BadInputError: another kind of thing, or the learner is not trained.
        """
        self._check_trained()
        picture = as_image(image, self.preprocessing)
        pixels = self.preprocessing.resizer(picture)[None].copy()
        row = self._probabilities(self.features.of_pixels(pixels).astype(np.float32))[0]
        best = int(row.argmax())
        return Prediction(
            self.classes[best], float(row[best]), dict(zip(self.classes, map(float, row), strict=True))
        )

    def with_data(self, ds: Dataset) -> Learner:
        """A learner for other items, not trained yet, that shares the features known so far.

        Its body is a copy of this one's as it was before any exact training, so that two learners compare.
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
        other.source = replace(
            self.source, weights=f"{self.source.weights}, then {len(self.classes)} classes"
        )
        return other

    def _sibling(self, ds: Dataset, body: nn.Module, features: FeatureStore | None) -> Learner:
        other = type(self).__new__(type(self))
        other.arch, other.seed, other.source = self.arch, self.seed, self.source
        head = self.module.head
        if isinstance(head, torch.nn.Linear):
            network = _with_head(body, head.in_features, len(ds.classes), self.seed, mlp=False)
        elif isinstance(head, torch.nn.Sequential):
            network = _with_head(body, head[0].num_features, len(ds.classes), self.seed, mlp=True)
        elif len(ds.classes) == len(self.classes):
            network = Classifier(body, len(ds.classes), len(ds.classes), torch.nn.Identity())
        else:
            raise BadInputError(
                f"This network of your own gives {len(self.classes)} logits and has no layer that could be replaced "
                f"for {len(ds.classes)} classes; make one for them, and use Learner.from_module(module, ds)."
            )
        other._set_up(ds, list(ds.classes), network, self.preprocessing, keep=True, features=features)  # noqa: SLF001 - its own class
        other.use_metrics(self._wanted_metrics)
        other.frozen_to, other.fabric = self.frozen_to, self.fabric
        return other

    def save(self, path: str | Path) -> Path:
        """Write weights, classes and preprocessing into one safetensors file, atomically; no pickle.

        Raises:
            BadInputError: the learner is not trained.
        """
        self._check_trained()
        return bundle.write(
            Path(path), self.module, describe(self, scores=self.record.scores, origin=self.record.origin)
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
        network = None
        if module is not None:
            card, _ = bundle.read(Path(path))
            network = split_module(
                module, len(card["classes"]), card["size"], card["preprocessing"]["in_chans"]
            )
        card, network, source, preprocessing = bundle.load(Path(path), network)
        if ds is not None and (notice := check_classes(card["classes"], ds, source=Path(path).name)):
            warnings.warn(notice, stacklevel=2)
        learner = cls.__new__(cls)
        learner.arch, learner.seed, learner.source = card["arch"], card["seed"], source
        learner._set_up(ds, card["classes"], network, preprocessing, keep=card["mode"] == "cached")  # noqa: SLF001 - its own class
        learner.record.trained(card["mode"], card["made_by"], None, [])
        learner.record.resume(card["history"], [])
        learner.record.origin = card
        learner.frozen_to = -1
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

        self._check_trained()
        return export_onnx(self, Path(path))

    def use_metrics(self, metrics: Sequence[Any] | Mapping[str, Any]) -> None:
        """Have `evaluate` and `history` give these metrics from now on; as `metrics` of the constructor."""
        self.metrics = make_metrics(metrics, len(self.classes))
        self._wanted_metrics = metrics

    def forget_features(self) -> None:
        """Compute features anew from now on: the body has changed."""
        self.features = FeatureStore(self.module.body, self.preprocessing, keep=False)

    def leave_out(self, ids: Sequence[str], reasons: Sequence[str]) -> None:
        """Move items that turned out to be unusable to `ds.problems`, with a warning."""
        self.ds = self.ds.without(list(ids), list(reasons))
        warnings.warn(
            f"{len(ids)} images could not be decoded and are left out; see `learn.ds.problems`.", stacklevel=4
        )

    def _probabilities(self, features: np.ndarray) -> np.ndarray:
        head = self.module.head
        device = next(self.module.parameters()).device
        with torch.inference_mode():
            logits = head(torch.from_numpy(features).to(device)).float().cpu()
            return torch.softmax(logits, 1).numpy()

    def _check_trained(self) -> None:
        if not self.made_by:
            raise BadInputError("This learner is not trained yet; call `learn.fine_tune(4)` first.")


def _with_head(body: nn.Module, features: int, classes: int, seed: int, *, mlp: bool) -> Classifier:
    if mlp:
        return Classifier(body, features, classes, mlp_head(features, classes, seed=seed))
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return Classifier(body, features, classes)


def _check_seed(seed: object) -> None:
    if not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed < 2**32:
        raise BadInputError(f"seed is {seed!r}; allowed is a whole number from 0 to {2**32 - 1}.")
