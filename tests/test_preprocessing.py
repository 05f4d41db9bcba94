"""From pictures to the body's input."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from bearwidgets.learn.preprocessing import Preprocessing


def test_pixels_are_normalised_by_mean_and_deviation():
    preprocessing = Preprocessing(1, (0.5, 0.25, 0.0), (0.5, 0.25, 1.0))
    tensor = preprocessing.normalize(np.array([[[[255, 0, 51]]]], np.uint8), torch.device("cpu"))
    assert tensor.shape == (1, 3, 1, 1)
    assert tensor.flatten().tolist() == pytest.approx([1.0, -1.0, 0.2])
