"""Train on a folder of images, clear the ones that look wrong, retrain, measure: inside one notebook.

The public names load on first use, so that `import bearwidgets` imports no torch.
"""

from __future__ import annotations

import importlib
import inspect
from types import ModuleType
from typing import TYPE_CHECKING, Any

from bearwidgets.version import __version__

_WHERE = {
    "Augment": "data.augment.augment",
    "BearwidgetsError": "errors",
    "Cleaner": "widgets.cleaner.cleaner",
    "Confusion": "review.confusion",
    "ConfusionMatrix": "widgets.inspect.confusion",
    "CrossValidation": "learn.folds.cross_validation",
    "Dataset": "data.dataset",
    "Explain": "widgets.inspect.explain",
    "Journal": "clean.journal",
    "ImageClassifier": "learn.estimator",
    "ImageError": "errors",
    "ImageMap": "widgets.inspect.image_map",
    "Issues": "review.checks.issues",
    "Layers": "widgets.inspect.layers",
    "Learner": "learn.learner",
    "Recipe": "learn.training.recipe",
    "Review": "review.review",
    "TrainMonitor": "widgets.inspect.monitor",
    "check": "review.checks.registry",
    "cross_validate": "learn.folds.cross_validation",
    "find_issues": "review.checks.run",
    "link": "widgets.cleaner.links",
    "sample_bears": "data.samples.samples",
}
__all__ = [
    "Augment",
    "BearwidgetsError",
    "Cleaner",
    "Confusion",
    "ConfusionMatrix",
    "CrossValidation",
    "Dataset",
    "Explain",
    "ImageClassifier",
    "ImageError",
    "ImageMap",
    "Issues",
    "Journal",
    "Layers",
    "Learner",
    "Recipe",
    "Review",
    "TrainMonitor",
    "__version__",
    "check",
    "clean",
    "cross_validate",
    "find_issues",
    "link",
    "sample_bears",
]

if TYPE_CHECKING:
    from bearwidgets.clean.journal import Journal
    from bearwidgets.data.augment.augment import Augment
    from bearwidgets.data.dataset import Dataset
    from bearwidgets.data.samples.samples import sample_bears
    from bearwidgets.errors import BearwidgetsError, ImageError
    from bearwidgets.learn.estimator import ImageClassifier
    from bearwidgets.learn.folds.cross_validation import CrossValidation, cross_validate
    from bearwidgets.learn.learner import Learner
    from bearwidgets.learn.training.recipe import Recipe
    from bearwidgets.review.checks.issues import Issues
    from bearwidgets.review.checks.registry import check
    from bearwidgets.review.checks.run import find_issues
    from bearwidgets.review.confusion import Confusion
    from bearwidgets.review.review import Review
    from bearwidgets.widgets.cleaner.cleaner import Cleaner, clean
    from bearwidgets.widgets.cleaner.links import link
    from bearwidgets.widgets.inspect.confusion import ConfusionMatrix
    from bearwidgets.widgets.inspect.explain import Explain
    from bearwidgets.widgets.inspect.image_map import ImageMap
    from bearwidgets.widgets.inspect.layers import Layers
    from bearwidgets.widgets.inspect.monitor import TrainMonitor


class _Clean(ModuleType):
    """The room `bearwidgets.clean`; the import system puts it where the function of that name is looked for."""

    def __call__(self, folder: Any, **options: Any) -> Cleaner:
        """Read a folder of images and show the grid at once; train, rank and check in the background.

        See `help(bw.clean.clean)` for the options and an example.
        """
        return self.clean(folder, **options)

    @property
    def clean(self) -> Any:
        return importlib.import_module("bearwidgets.widgets.cleaner.cleaner").clean

    @property
    def __signature__(self) -> inspect.Signature:
        return inspect.signature(self.clean)


importlib.import_module("bearwidgets.clean").__class__ = _Clean


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'bearwidgets' has no attribute {name!r}")
    try:
        value = getattr(importlib.import_module(f"bearwidgets.{_WHERE[name]}"), name)
    except ModuleNotFoundError as error:
        if str(error.name).startswith("bearwidgets"):
            raise
        raise ModuleNotFoundError(
            f"bearwidgets.{name} needs {error.name}, which is not installed. `pip install bearwidgets` brings it.",
            name=error.name,
        ) from error
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
