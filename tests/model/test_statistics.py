import numpy as np
import pytest
import torch

from stylekernel_hf.model.statistics import channel_statistics, normalise
from tests.model.references import as_array, assert_near


def test_statistics_are_those_of_numpy():
    features = torch.randn(2, 3, 5, 7) * 4 + 9
    mean, std = channel_statistics(features)
    exact = as_array(features)
    assert_near(mean, exact.mean(axis=(2, 3), keepdims=True), 1e-5)
    assert_near(std, exact.std(axis=(2, 3), keepdims=True), 1e-5)


def test_a_large_mean_costs_the_deviation_no_accuracy():
    features = torch.randn(1, 2, 16, 16) + 3000
    exact = as_array(features).std(axis=(2, 3), keepdims=True)
    assert_near(channel_statistics(features).std, exact, 1e-3)


def test_half_precision_features_are_summed_in_float32():
    # In bfloat16, 256 ones and a half more would still be 256.
    features = torch.ones(1, 1, 32, 32, dtype=torch.bfloat16)
    features[..., 16:] = 1.5
    mean, std = channel_statistics(features)
    assert mean.dtype == std.dtype == torch.float32
    assert_near(mean.flatten(), np.array([1.25]), 1e-6)
    assert_near(std.flatten(), np.array([0.25]), 1e-4)


def test_normalised_features_have_mean_zero_and_deviation_one():
    mean, std = channel_statistics(normalise(torch.randn(2, 3, 6, 5) * 3 - 2))
    assert_near(mean, torch.zeros(2, 3, 1, 1), 1e-5)
    assert_near(std, torch.ones(2, 3, 1, 1), 1e-4)


def test_normalise_gives_the_statistics_asked_for():
    scale, shift = torch.rand(2, 3, 1, 1) + 0.5, torch.randn(2, 3, 1, 1)
    restyled = as_array(normalise(torch.randn(2, 3, 6, 5) * 3 - 2, scale=scale, shift=shift))
    assert_near(shift, restyled.mean(axis=(2, 3), keepdims=True), 1e-5)
    assert_near(scale, restyled.std(axis=(2, 3), keepdims=True), 1e-4)


@pytest.mark.parametrize("value", [0.0, -3.0, 100.0])
def test_constant_channels_become_the_shift(value: float):
    constant = torch.full((1, 2, 4, 4), value)
    assert_near(normalise(constant, scale=2.0, shift=0.75), torch.full((1, 2, 4, 4), 0.75), 1e-2)


def test_gradients_of_constant_channels_are_finite():
    constant = torch.full((1, 2, 4, 4), 3.0, requires_grad=True)
    (normalise(constant) * torch.randn(1, 2, 4, 4)).sum().backward()
    assert constant.grad is not None
    assert constant.grad.isfinite().all()


def test_with_the_statistics_of_the_whole_a_crop_is_normalised_as_in_the_whole():
    whole = torch.randn(1, 3, 8, 9)
    whole[..., :4] += 2
    crop = whole[..., 2:7, :4]
    normalised = normalise(crop, channel_statistics(whole))
    assert_near(normalised, normalise(whole)[..., 2:7, :4], 1e-6)
    assert (normalised - normalise(crop)).abs().max() > 0.5
