"""The small data set of most tests of the views, and a learner that is wrong about one image of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from made_data import write_images
from stub_learner import StubLearner, paths, probabilities_of

from bearwidgets.data.dataset import Dataset
from bearwidgets.review.review import Review


class Ear:
    """A view that only keeps what it is told."""

    def __init__(self):
        self.told = []
        self.tell = self.told.append
        self.scores_changed = lambda: None
        self.decisions_changed = lambda _version: None


@pytest.fixture
def ear():
    return Ear()


@pytest.fixture
def ds(images):
    return Dataset.from_folder(images)


@pytest.fixture(scope="module")
def shared_ds(tmp_path_factory):
    """The same for all tests of a file, where a property is tested over and over."""
    folder = write_images(
        tmp_path_factory.mktemp("shared") / "images", {"black": 8, "grizzly": 8, "teddy": 8}
    )
    return Dataset.from_folder(folder, workspace=folder.parent / "space")


@pytest.fixture
def wrong(ds):
    """A training image that the stub takes for a teddy."""
    return paths(ds, "grizzly")[0]


@pytest.fixture
def learn(ds, wrong):
    return StubLearner(ds, {wrong: "teddy"})


@pytest.fixture
def review_of_many(ds):
    """A function that makes a review of so many items, without files; their ids are numbers in hexadecimal."""

    def make(n):
        numbers = np.arange(n)
        table = pd.DataFrame(
            {
                "id": [f"{number:08x}" for number in range(n)],
                "path": [f"black/{number:06}.jpg" for number in range(n)],
                "label": np.array(["black", "grizzly", "teddy"], dtype=object)[numbers % 3],
                "split": np.array(["train", "valid"], dtype=object)[(numbers % 5 == 0).astype(int)],
                "width": 8,
                "height": 8,
                "content": [f"{number:08x}" for number in range(n)],
            }
        )
        many = replace(ds, table=table)
        predicted = probabilities_of(table.label.to_numpy()[::-1], many.classes)
        return Review.from_predictions(many, predicted, many.classes)

    return make
