"""The distance of features of unit length."""

from __future__ import annotations

import numpy as np
import torch

from stylekernel_hf.metrics.feature_distance import feature_distance
from stylekernel_hf.metrics.perceptual import PerceptualNetwork
from tests.evaluation.conftest import network

__all__ = ["network"]


def test_distance_is_that_of_unit_features_of_every_level(network: PerceptualNetwork) -> None:
    one, other = torch.rand(2, 1, 3, 48, 40, generator=torch.Generator().manual_seed(0))
    expected = 0.0
    for level, reference in zip(network(one), network(other), strict=True):
        a, b = (each[0].detach().double().numpy() for each in (level, reference))
        a, b = (each / (np.linalg.norm(each, axis=0) + 1e-10) for each in (a, b))
        expected += ((a - b) ** 2).sum(axis=0).mean()
    actual = feature_distance(network, one, other)
    assert actual > 0.01
    np.testing.assert_allclose(actual, expected, rtol=1e-4)
    assert feature_distance(network, one, one) == 0
