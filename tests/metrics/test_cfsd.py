"""CFSD against a float64 computation by scipy, which goes another way."""

import numpy as np
import pytest
import torch
from scipy.special import rel_entr, softmax

from stylekernel_hf.metrics.cfsd import ContentStructuralDistance, structural_divergence
from stylekernel_hf.metrics.perceptual import load_perceptual_network
from tests.tiny import save_tiny_vgg


def slow_divergence(features: np.ndarray, content_features: np.ndarray) -> float:
    """Place by place, column-major as the authors' code reads them, which makes no difference."""
    points, content_points = (
        x.transpose(2, 1, 0).reshape(-1, len(x)) / len(x)
        for x in map(np.float64, (features, content_features))
    )
    total = 0.0
    for place in range(len(points)):
        p, q = (softmax([float(x[place] @ other) for other in x]) for x in (content_points, points))
        total += rel_entr(p, q).sum()
    return total


@pytest.mark.parametrize("scale", [0.01, 1, 6])
def test_divergence_equals_that_of_scipy(scale: float) -> None:
    generator = torch.Generator().manual_seed(0)
    # More places than one block of rows holds.
    features, content = torch.rand(2, 8, 17, 19, generator=generator) * scale
    expected = slow_divergence(features.numpy(), content.numpy())
    assert structural_divergence(features, content) == pytest.approx(expected, rel=1e-3)


def test_a_sharp_result_of_a_flat_content_stays_finite_and_right() -> None:
    generator = torch.Generator().manual_seed(1)
    features, content = torch.rand(2, 8, 5, 5, generator=generator)
    expected = slow_divergence(features.numpy() * 100, content.numpy())
    assert expected > 1000
    assert structural_divergence(features * 100, content) == pytest.approx(expected, rel=1e-3)


def test_the_content_itself_is_at_no_distance() -> None:
    content = torch.rand(8, 9, 9, generator=torch.Generator().manual_seed(2))
    assert structural_divergence(content.clone(), content) == 0


def test_a_picture_is_compared_by_the_network_s_relu3_1(tmp_path) -> None:
    network = load_perceptual_network(save_tiny_vgg(tmp_path / "vgg.safetensors"))
    result, content = torch.rand(2, 1, 3, 64, 64, generator=torch.Generator().manual_seed(3))
    points, content_points = (network(x)[2][0] for x in (result, content))
    expected = slow_divergence(points.numpy(), content_points.numpy())
    assert ContentStructuralDistance(network)(result, content) == pytest.approx(expected, rel=1e-3)
    assert expected > 1e-6


def test_features_on_which_places_resemble_only_themselves_are_refused() -> None:
    content = torch.randn(8, 9, 9, generator=torch.Generator().manual_seed(4)).relu() * 5000
    with pytest.raises(ValueError, match="cfsd needs VGG-19 with torchvision's weights"):
        structural_divergence(content.flip(1), content)
