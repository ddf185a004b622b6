"""Distances against loops in float64, and against what they should not notice."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from stylekernel_hf.metrics.distances import content_distance, moments, style_distance

WIDTHS = (3, 4, 5, 6, 7)


def random_features(seed: int, *, side: int = 16, batch: int = 2) -> list[Tensor]:
    """Five layers as after a ReLU, each at half the size of the one before."""
    generator = torch.Generator().manual_seed(seed)
    return [
        torch.randn(batch, width, max(side >> level, 2), max(side >> level, 2), generator=generator)
        .mul(2)
        .relu()
        for level, width in enumerate(WIDTHS)
    ]


def slow_moments(channel: np.ndarray) -> tuple[float, float]:
    values = [float(value) for value in channel.flatten()]
    mean = math.fsum(values) / len(values)
    return mean, math.sqrt(math.fsum((value - mean) ** 2 for value in values) / len(values) + 1e-6)


def slow_content_distance(features: list[Tensor], targets: list[Tensor], item: int) -> float:
    layers: list[float] = []
    for a, b in ((features[3], targets[3]), (features[4], targets[4])):
        squares: list[float] = []
        for first, second in zip(a[item].double().numpy(), b[item].double().numpy(), strict=True):
            (m1, s1), (m2, s2) = slow_moments(first), slow_moments(second)
            squares += [
                ((x - m1) / s1 - (y - m2) / s2) ** 2
                for x, y in zip(first.flatten(), second.flatten(), strict=True)
            ]
        layers.append(float(sum(squares)) / len(squares))
    return sum(layers) / 2


def slow_style_distance(features: list[Tensor], targets: list[Tensor], item: int) -> float:
    layers: list[float] = []
    for a, b in zip(features, targets, strict=True):
        difference = energy = 0.0
        for first, second in zip(a[item].double().numpy(), b[item].double().numpy(), strict=True):
            for x, y in zip(slow_moments(first), slow_moments(second), strict=True):
                difference += (x - y) ** 2
                energy += y**2
        layers.append(float(difference / (energy + 1e-6)))
    return sum(layers) / 5


@pytest.mark.parametrize(
    ("distance", "slow"),
    [(content_distance, slow_content_distance), (style_distance, slow_style_distance)],
)
def test_distances_equal_loops_in_float64(distance, slow):
    features, targets = random_features(0), random_features(1)
    expected = [slow(features, targets, item) for item in range(2)]
    torch.testing.assert_close(
        distance(features, targets), torch.tensor(expected), rtol=1e-5, atol=0
    )


@pytest.mark.parametrize("distance", [content_distance, style_distance])
def test_a_picture_is_at_no_distance_from_itself(distance):
    features = random_features(2)
    assert distance(features, [layer.clone() for layer in features]).tolist() == [0, 0]


def test_unrelated_pictures_are_at_content_distance_2():
    distance = content_distance(random_features(3, side=512), random_features(4, side=512))
    torch.testing.assert_close(distance, torch.full((2,), 2.0), rtol=0.02, atol=0)


def test_content_distance_ignores_scale_and_shift_of_channels():
    features, targets = random_features(5), random_features(6)
    generator = torch.Generator().manual_seed(7)
    scales = [torch.rand(layer.shape[1], 1, 1, generator=generator) * 9 + 1 for layer in features]
    changed = [layer * scale + 4 for layer, scale in zip(features, scales, strict=True)]
    torch.testing.assert_close(
        content_distance(changed, targets), content_distance(features, targets), rtol=1e-4, atol=0
    )


def test_style_distance_ignores_where_things_are():
    features, targets = random_features(7), random_features(8)
    shuffled = [
        layer.flatten(2)[..., torch.randperm(layer[0, 0].numel())].view_as(layer)
        for layer in features
    ]
    torch.testing.assert_close(style_distance(shuffled, targets), style_distance(features, targets))


def test_style_distance_takes_pictures_of_two_sizes():
    features = random_features(9)
    tiled = [layer.repeat(1, 1, 2, 3) for layer in features]
    torch.testing.assert_close(style_distance(tiled, features), torch.zeros(2), rtol=0, atol=1e-8)


def test_silent_channels_leave_distances_and_gradients_finite():
    silent = [torch.zeros_like(layer).requires_grad_() for layer in random_features(10)]
    targets = [torch.zeros_like(layer) for layer in silent]
    total = (content_distance(silent, targets) + style_distance(silent, targets)).sum()
    total.backward()
    assert total.item() == 0
    assert all(layer.grad is not None and layer.grad.isfinite().all() for layer in silent)


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_gradient_of_moments_equals_plain_autograd(memory_format: torch.memory_format):
    generator = torch.Generator().manual_seed(11)
    features = torch.randn(2, 3, 5, 4, generator=generator) * 3 + 1
    weights = torch.randn(2, 6, generator=generator)

    actual = features.to(memory_format=memory_format, copy=True).requires_grad_()
    (moments(actual) * weights).sum().backward()

    plain = features.double().requires_grad_()
    variance, mean = torch.var_mean(plain, dim=(2, 3), correction=0)
    expected = torch.cat([mean, (variance + 1e-6).sqrt()], dim=1)
    (expected * weights).sum().backward()

    torch.testing.assert_close(moments(features).double(), expected, rtol=1e-5, atol=1e-6)
    assert actual.grad is not None and plain.grad is not None
    torch.testing.assert_close(actual.grad.double(), plain.grad, rtol=1e-4, atol=1e-6)


def test_moments_of_bfloat16_are_taken_in_float32():
    generator = torch.Generator().manual_seed(12)
    features = (torch.randn(1, 2, 64, 64, generator=generator) + 20).bfloat16().requires_grad_()
    result = moments(features)
    result.sum().backward()
    expected = [slow_moments(channel) for channel in features[0].detach().double().numpy()]
    torch.testing.assert_close(
        result.detach(), torch.tensor(expected).T.reshape(1, 4), rtol=1e-5, atol=0
    )
    assert features.grad is not None and features.grad.dtype == torch.bfloat16


@pytest.mark.parametrize("slow", [slow_content_distance, slow_style_distance])
def test_gradient_of_distances_equals_finite_differences(slow):
    distance = content_distance if slow is slow_content_distance else style_distance
    features, targets = random_features(13, side=4, batch=1), random_features(14, side=4, batch=1)
    features = [layer + 0.1 for layer in features]
    for level in (3, 4):
        inputs = [layer.clone() for layer in features]
        inputs[level].requires_grad_()
        distance(inputs, targets).sum().backward()
        gradient = inputs[level].grad
        assert gradient is not None
        for place in ((0, 0, 0, 0), (0, 5, 1, 1)):
            values: list[float] = []
            for step in (1e-4, -1e-4):
                moved = [layer.double() for layer in features]
                moved[level][place] += step
                values.append(slow(moved, targets, 0))
            slope = (values[0] - values[1]) / 2e-4
            assert gradient[place].item() == pytest.approx(slope, rel=1e-3, abs=1e-5)
