"""The learner: a data set and a network, trained and asked."""

from __future__ import annotations

import copy
import io
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
import torch
from lightning_fabric import Fabric
from PIL import Image, ImageOps

from bearwidgets.data.images import open_image
from bearwidgets.errors import BadInputError, unknown_name
from bearwidgets.learn import bundle
from bearwidgets.learn.features import FeatureStore
from bearwidgets.learn.head import STRENGTHS, HeadFit, fit_head
from bearwidgets.learn.model import Classifier, create_body, fast_precision
from bearwidgets.learn.progress import Progress
from bearwidgets.learn.train import Items, fine_tune_phases, run_phase

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from bearwidgets.data.dataset import Dataset

Mode = Literal["cached", "exact"]
HISTORY = ["stage", "epoch", "train_loss", "valid_loss", "valid_error"]


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


class Learner:
    """A pretrained body and a head of its own for the classes of a data set.

    Args:
        ds: the data set.
        arch: any timm name; `efficientnet_lite0` comes with its ImageNet weights, no network needed.
        weights: `"auto"`, `"offline"`, a `.safetensors` or `.pth` file, or None for random ones.
        size: side of the square pictures the body sees, px.
        seed: of everything random here; the global generators are left alone.

    Attributes:
        classes: names of the classes, in the order of the columns of `probabilities`.
        history: DataFrame with a row for each epoch; in the cached mode one row, whose train_loss is the held-out
            loss inside the training split.
        made_by: how the present numbers were made, in words; empty before the first training.
        module: the network, a plain `nn.Module`.

    Raises:
        BadInputError: an unknown architecture or weights that cannot be had.

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
    ) -> None:
        if not isinstance(seed, int) or not 0 <= seed < 2**32:
            raise BadInputError(f"seed is {seed!r}; allowed is a whole number from 0 to {2**32 - 1}.")
        body, features, self.source, preprocessing = create_body(arch, weights, size, seed)
        self.arch, self.size, self.seed = arch, size, seed
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            network = Classifier(body, features, len(ds.classes))
        self._set_up(ds, list(ds.classes), network, FeatureStore(_to_device(body), preprocessing, keep=True))

    def _set_up(
        self, ds: Dataset | None, classes: list[str], module: Classifier, store: FeatureStore
    ) -> None:
        self.ds: Any = ds
        self.classes = classes
        self.module = _to_device(module).eval()
        self.history = pd.DataFrame(columns=HISTORY)
        self.made_by = ""
        self.mode: Mode | None = None
        self.head_fit: HeadFit | None = None
        self._store = store
        self._fitted_on: list[str] = []
        self._pristine: Any = None  # the body before exact training

    def __repr__(self) -> str:
        state = f"trained: {self.made_by}" if self.made_by else "not trained yet"
        return f"Learner({self.arch}, {len(self.classes)} classes, {self.size} px, {state})"

    def fine_tune(self, epochs: int = 4, *, mode: Mode = "cached", progress: bool = True) -> Learner:
        """Train, with a progress bar; Ctrl-C (or the notebook's Stop) leaves a usable learner.

        Args:
            epochs: passes over the training split after one pass with a frozen body, in the exact mode. The
                cached mode fits its head to convergence, however many are asked for.
            mode: `"cached"` computes the frozen body's features once and fits a linear head on them;
                `"exact"` sends every epoch through the whole network, with augmentation.
            progress: show a bar.

        Returns:
            The learner itself.

        Raises:
            BadInputError: an unknown mode, a number of epochs below 0, fewer than two classes to train on.
        """
        from tqdm.auto import tqdm

        steps = self.fine_tuning(epochs, mode=mode)
        stage = ""
        with tqdm(disable=not progress, mininterval=0.2) as bar:
            try:
                for step in steps:
                    if step.stage != stage:
                        stage = step.stage
                        bar.reset(step.total)
                        bar.set_description(stage, refresh=False)
                    bar.set_postfix(_figures(step), refresh=step.step == step.total)
                    bar.update(step.step - bar.n)
            except KeyboardInterrupt:
                steps.close()
                use = "used or " if self.made_by else ""
                warnings.warn(f"Stopped by hand. {self!r} can be {use}trained on.", stacklevel=2)
        return self

    def fine_tuning(self, epochs: int = 4, *, mode: Mode = "cached") -> Generator[Progress]:
        """As `fine_tune`, step by step: yields progress, and stops when the iteration stops."""
        if mode not in ("cached", "exact"):
            raise BadInputError(unknown_name("mode", mode, ["cached", "exact"]))
        if not isinstance(epochs, int) or epochs < 0:
            raise BadInputError(f"epochs is {epochs!r}; allowed is a whole number from 0 on.")
        if self.ds is None:
            raise BadInputError("This learner has no data set; give one with `learn.with_data(ds)`.")
        self.ds.freeze_exam()
        return self._cached() if mode == "cached" else self._exact(epochs)

    def _cached(self) -> Generator[Progress]:
        yield from self._compute_features()
        train = self.ds.table[self.ds.table.split == "train"]
        target = self._targets(train.label)
        features = self._store.array(list(train.content))
        fit: HeadFit | None = None
        losses: list[float] = []
        for result in fit_head(features, target, train.content.to_numpy(), len(self.classes), self.seed):
            if isinstance(result, HeadFit):
                fit = result
            else:
                losses.append(result)
                yield Progress("head", len(losses), len(STRENGTHS), train_loss=min(losses))
        assert fit is not None  # noqa: S101 - fit_head always ends with one
        with torch.no_grad():
            self.module.head.weight.copy_(torch.from_numpy(fit.weight))
            self.module.head.bias.copy_(torch.from_numpy(fit.bias))
        self.mode, self.head_fit, self._fitted_on = "cached", fit, list(train.id)
        self.made_by = (
            f"cached: features of the frozen {self.arch} ({self.source.weights}) at {self.size} px, "
            f"linear head, L2 {fit.strength:g}"
        )
        scores = self.evaluate("valid") if (self.ds.table.split == "valid").any() else None
        self._log("head", 0, fit.held_out_loss[fit.strength], scores)
        yield Progress(
            "head",
            len(STRENGTHS),
            len(STRENGTHS),
            train_loss=fit.held_out_loss[fit.strength],
            valid_loss=scores["loss"] if scores else None,
            valid_error=scores["error_rate"] if scores else None,
        )

    def _exact(self, epochs: int) -> Generator[Progress]:
        device = next(self.module.parameters()).device
        precision = "bf16-mixed" if fast_precision(device) == torch.bfloat16 else "32-true"
        fabric = Fabric(accelerator=device.type, devices=1, precision=precision)
        yield from self._compute_features()  # so that a picture that cannot be decoded is out before the loop
        train = self.ds.table[self.ds.table.split == "train"]
        target = self._targets(train.label)
        if len(np.unique(target)) < 2:
            raise BadInputError(
                f"The training split holds {len(train)} images of one class; at least two are needed."
            )
        items = Items([self.ds.path_of(each) for each in train.id], target)
        here = (self.ds.table.split == "valid").to_numpy()
        has_valid = bool(here.any())
        examined = replace(self.ds, table=self.ds.table[here].reset_index(drop=True))
        body, preprocessing = self.module.body, self._store.preprocessing
        self._pristine = self._pristine or copy.deepcopy(body)
        try:
            for number, phase in enumerate(
                fine_tune_phases(epochs, batch_size=min(64, max(2, len(train) // 4)))
            ):
                done = 0
                for step in run_phase(
                    fabric, self.module, items, phase, preprocessing, self.seed * 2 + number
                ):
                    self.mode, self.head_fit, self._fitted_on = "exact", None, list(train.id)
                    self.made_by = (
                        f"exact: {self.arch} ({self.source.weights}) at {self.size} px, "
                        f"{phase.stage} epoch {step.epoch:.3g} of {phase.epochs}"
                    )
                    if int(step.epoch + 1e-9) == done:
                        yield step
                        continue
                    done += 1
                    self._store = FeatureStore(body, preprocessing, keep=False)
                    scores = self.evaluate("valid", examined) if has_valid else None
                    self._log(phase.stage, done, step.train_loss, scores)
                    loss, error = (scores["loss"], scores["error_rate"]) if scores else (None, None)
                    yield replace(step, valid_loss=loss, valid_error=error)
        finally:
            self._store = FeatureStore(body, preprocessing, keep=False)

    def _compute_features(self, ds: Dataset | None = None) -> Iterator[Progress]:
        ds = self.ds if ds is None else ds
        contents = list(ds.table.content)
        yield from self._store.compute(contents, [ds.path_of(each) for each in ds.table.id])
        if ds is self.ds and (broken := [each in self._store.problems for each in contents]) and any(broken):
            rows = ds.table[broken]
            self.ds = ds.without(list(rows.id), [self._store.problems[each] for each in rows.content])
            warnings.warn(
                f"{len(rows)} images could not be decoded and are left out; see `learn.ds.problems`.",
                stacklevel=3,
            )

    def predictions(self, ds: Dataset | None = None) -> tuple[pd.DataFrame, np.ndarray]:
        """Probabilities for every item of every split, without augmentation.

        Args:
            ds: other items than the learner's own.

        Returns:
            The table of the items, and probabilities (n, classes), float32.

        Raises:
            BadInputError: the learner is not trained, or has no data set.
        """
        self._check_trained()
        if ds is None and self.ds is None:
            raise BadInputError(
                "This learner was loaded without a data set; give one: `Learner.load(path, ds)`."
            )
        for _ in self._compute_features(ds):
            pass
        ds = self.ds if ds is None else ds
        table = ds.table[~ds.table.content.isin(list(self._store.problems))].reset_index(drop=True)
        return table, self._probabilities(self._store.array(list(table.content)))

    def out_of_fold(self) -> tuple[list[str], np.ndarray] | None:
        """Ids and probabilities (n, classes) of training items from heads that did not see them, if there are any."""
        if self.head_fit is None:
            return None
        held = self.head_fit.held
        ids = [id_ for id_, is_held in zip(self._fitted_on, held, strict=True) if is_held]
        return ids, self.head_fit.out_of_fold[held]

    def evaluate(self, split: str = "valid", ds: Dataset | None = None) -> dict[str, Any]:
        """Measure on one split, without augmentation.

        Args:
            split: "valid", "train" or "test".
            ds: where to take items and labels from instead, such as `learn.ds.cleaned(journal, exam="corrected")`.

        Returns:
            loss (mean log-loss, nats), accuracy and error_rate (0 to 1), n, per_class (class → n, accuracy) and
            made_by (how the probabilities were made). The labels of "valid" are those of the frozen exam; where
            the labels on disk were corrected since, error_rate_corrected is on these.

        Raises:
            BadInputError: no such split, or the learner is not trained.
        """
        used = self.ds if ds is None else ds
        if used is None:
            raise BadInputError("This learner has no data set; give one: `learn.evaluate('valid', ds)`.")
        known = sorted(used.table.split.unique())
        if split not in known:
            raise BadInputError(unknown_name("split", split, known, "in this data set"))
        table, probabilities = self.predictions(ds)
        here = (table.split == split).to_numpy()
        labels, chosen = table.label[here], probabilities[here]
        predicted = chosen.argmax(1)
        exam = self.ds.exam if ds is None and split == "valid" else None
        if exam is None:
            target = self._targets(labels)
        else:  # a class may be gone from the data since; its items count as wrong
            then = table.content[here].map(exam.items).fillna(labels)
            target = pd.Index(self.classes).get_indexer(pd.Index(then))
        right = predicted == target
        per_class = {
            name: {"n": int((target == number).sum()), "accuracy": float(right[target == number].mean())}
            for number, name in enumerate(self.classes)
            if (target == number).any()
        }
        picked = np.where(target < 0, 0.0, chosen[np.arange(len(target)), target])
        corrected = {}
        if exam is not None and (then != labels).any():
            wrong = predicted != pd.Index(self.classes).get_indexer(pd.Index(labels))
            corrected = {"error_rate_corrected": float(wrong.mean())}
        return {
            "loss": float(-np.log(np.maximum(picked, 1e-7)).mean()),
            "accuracy": float(right.mean()),
            "error_rate": float(1 - right.mean()),
            **corrected,
            "n": len(target),
            "per_class": per_class,
            "made_by": self.made_by,
        }

    def predict(self, image: str | Path | bytes | Image.Image | np.ndarray) -> Prediction:
        """Classify one picture: a path, a PIL image, an array (h, w, 3) or (h, w) of uint8, or a file's bytes.

        Raises:
            ImageError: it cannot be opened as a picture.
            BadInputError: another kind of thing, or the learner is not trained.
        """
        self._check_trained()
        picture = _as_picture(image, self.size)
        pixels = self._store.preprocessing.resizer(picture)[None].copy()
        row = self._probabilities(self._store.of_pixels(pixels).astype(np.float32))[0]
        best = int(row.argmax())
        return Prediction(
            self.classes[best], float(row[best]), dict(zip(self.classes, map(float, row), strict=True))
        )

    def with_data(self, ds: Dataset) -> Learner:
        """A learner for other items, not trained yet, that shares the features known so far.

        Its body is a copy of this one's as it was before any exact training, so that two learners compare.
        """
        other = type(self).__new__(type(self))
        other.arch, other.size, other.seed, other.source = self.arch, self.size, self.seed, self.source
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            body = copy.deepcopy(self._pristine or self.module.body)
            network = Classifier(body, self.module.head.in_features, len(ds.classes))
        store = FeatureStore(body, self._store.preprocessing, keep=True) if self._pristine else self._store
        other._set_up(ds, list(ds.classes), network, store)  # noqa: SLF001 - its own class
        return other

    def save(self, path: str | Path) -> Path:
        """Write weights, classes and preprocessing into one safetensors file, atomically; no pickle.

        Raises:
            BadInputError: the learner is not trained.
        """
        self._check_trained()
        return bundle.write(Path(path), self.module, bundle.describe(self))

    @classmethod
    def load(cls, path: str | Path, ds: Dataset | None = None) -> Learner:
        """Read what `save` wrote; nothing in the file is ever executed.

        Raises:
            MissingFileError: no such file.
            BadInputError: not a bearwidgets file, or broken.
        """
        card, tensors = bundle.read(Path(path))
        learner = cls.__new__(cls)
        body, features, learner.source, preprocessing = bundle.empty_body(card)
        learner.arch, learner.size, learner.seed = card["arch"], card["size"], card["seed"]
        network = Classifier(body, features, len(card["classes"]))
        bundle.fill(network, tensors, Path(path))
        store = FeatureStore(_to_device(network).body, preprocessing, keep=card["mode"] == "cached")
        learner._set_up(ds, card["classes"], network, store)  # noqa: SLF001 - its own class
        learner.mode, learner.made_by = card["mode"], card["made_by"]
        return learner

    def _probabilities(self, features: np.ndarray) -> np.ndarray:
        head = self.module.head
        with torch.inference_mode():
            logits = torch.from_numpy(features) @ head.weight.float().cpu().T + head.bias.float().cpu()
            return torch.softmax(logits, 1).numpy()

    def _targets(self, labels: pd.Series) -> np.ndarray:
        target = pd.Index(self.classes).get_indexer(pd.Index(labels))
        if (target < 0).any():
            strange = labels[target < 0].iloc[0]
            raise BadInputError(unknown_name("class", strange, self.classes, "in this learner"))
        return target.astype(np.int64)

    def _log(self, stage: str, epoch: int, train_loss: float | None, scores: dict[str, Any] | None) -> None:
        row = [
            stage,
            epoch,
            train_loss,
            *((scores["loss"], scores["error_rate"]) if scores else (None, None)),
        ]
        self.history = pd.DataFrame([*self.history.to_numpy().tolist(), row], columns=HISTORY)

    def _check_trained(self) -> None:
        if not self.made_by:
            raise BadInputError("This learner is not trained yet; call `learn.fine_tune(4)` first.")


def _to_device(module: Any) -> Any:
    return module.to("cuda" if torch.cuda.is_available() else "cpu")


def _figures(step: Progress) -> dict[str, str]:
    figures = {"loss": step.train_loss, "valid loss": step.valid_loss, "valid error": step.valid_error}
    return {name: f"{value:.3f}" for name, value in figures.items() if value is not None}


def _as_picture(image: object, size: int) -> Image.Image:
    if isinstance(image, (str, Path, bytes)):
        return open_image(image, at_least=size)
    if isinstance(image, np.ndarray):
        if (
            image.dtype != np.uint8
            or image.ndim not in (2, 3)
            or (image.ndim == 3 and image.shape[2] not in (3, 4))
            or not image.size
        ):
            raise BadInputError(
                f"An array of shape {image.shape} and type {image.dtype} is no picture; allowed are (h, w), "
                "(h, w, 3) and (h, w, 4) of uint8."
            )
        image = Image.fromarray(image)
    if not isinstance(image, Image.Image):
        raise BadInputError(
            f"{type(image).__name__} is no picture; allowed are a path, bytes, a PIL image or a uint8 array."
        )
    image = ImageOps.exif_transpose(image)  # a picture that Pillow opened is not turned yet
    data = io.BytesIO()
    image.save(data, "PNG") if image.mode in ("RGBA", "LA", "P", "L", "I;16", "1") else image.convert(
        "RGB"
    ).save(data, "PNG")
    return open_image(data.getvalue())
