import numpy as np
import pytest
import torch

from stylekernel_hf.model.kernel_generator import KernelGenerator, StyleKernels
from tests.model.references import (
    as_array,
    assert_near,
    channel_shuffle_by_loops,
    dynamic_conv2d_by_loops,
    with_border_renewed,
)


def generator_of(
    *, kernel_size: int = 3, groups: int = 2, convolutions: int, shuffle: bool = True
) -> KernelGenerator:
    return KernelGenerator(
        5,
        7,
        4,
        kernel_size=kernel_size,
        groups=groups,
        convolutions=convolutions,
        shuffle=shuffle,
    ).double()


def random_kernels(height: int, width: int, convolutions: int) -> StyleKernels:
    taps = torch.randn(2, convolutions * 2 * 9, height, width, dtype=torch.float64)
    scale, shift = torch.randn(2, 2, 4, height, width, dtype=torch.float64)
    return StyleKernels(taps, scale, shift)


@pytest.mark.parametrize("kernel_size", [1, 3, 5])
@pytest.mark.parametrize("convolutions", [1, 2, 3])
def test_kernels_start_at_the_identity_up_to_the_shuffles(kernel_size: int, convolutions: int):
    generator = generator_of(kernel_size=kernel_size, convolutions=convolutions)
    torch.nn.init.zeros_(generator.head.weight)
    features = torch.randn(2, 4, 6, 3, dtype=torch.float64)
    kernels = generator(torch.randn(2, 5, 6, 3, dtype=torch.float64))
    expected = with_border_renewed(features, kernel_size // 2)
    for _ in range(convolutions - 1):
        expected = with_border_renewed(channel_shuffle_by_loops(expected, 2), kernel_size // 2)
    assert_near(generator.apply_kernels(features, kernels), expected)


def test_kernels_start_near_the_identity():
    generator = generator_of(convolutions=1)
    features = torch.randn(2, 4, 6, 3, dtype=torch.float64)
    kernels = generator(torch.randn(2, 5, 6, 3, dtype=torch.float64))
    filtered = generator.apply_kernels(features, kernels)
    assert 1e-4 < np.abs(as_array(filtered) - with_border_renewed(features, 1)).mean() < 0.2


def test_convolutions_are_applied_in_turn_then_scale_and_shift():
    kernels = random_kernels(4, 5, convolutions=2)
    features = torch.randn(2, 4, 4, 5, dtype=torch.float64)
    once = dynamic_conv2d_by_loops(features, kernels.taps[:, :18], 2)
    shuffled = torch.from_numpy(channel_shuffle_by_loops(with_border_renewed(once, 1), 2))
    twice = dynamic_conv2d_by_loops(shuffled, kernels.taps[:, 18:], 2)
    renewed = with_border_renewed(twice, 1)
    expected = renewed * as_array(kernels.scale) + as_array(kernels.shift)
    assert_near(generator_of(convolutions=2).apply_kernels(features, kernels), expected)


def test_kernels_of_a_pixel_depend_on_the_aligned_style_there_only():
    generator = generator_of(convolutions=1)
    aligned = torch.randn(1, 5, 7, 7, dtype=torch.float64)
    changed = aligned.clone()
    changed[..., 3, 3] += 5
    for before, after in zip(generator(aligned), generator(changed), strict=True):
        touched = (before != after).any(dim=1)[0]
        expected = torch.zeros(7, 7, dtype=torch.bool)
        expected[3, 3] = True
        assert torch.equal(touched, expected)


@pytest.mark.parametrize("size", [(3, 2), (6, 4), (9, 8), (12, 8)])
@pytest.mark.parametrize("convolutions", [0, 2])
def test_kernels_for_finer_features_are_interpolated(size: tuple[int, int], convolutions: int):
    generator = generator_of(convolutions=convolutions)
    aligned = torch.randn(2, 5, 3, 2, dtype=torch.float64)
    for fine, coarse in zip(generator(aligned, size), generator(aligned), strict=True):
        if coarse.shape[1]:
            assert_near(fine, torch.nn.functional.interpolate(coarse, size, mode="bilinear"))
        assert fine.shape == (2, coarse.shape[1], *size)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_taps_come_with_the_pixels_innermost(layout: torch.memory_format):
    aligned = torch.randn(2, 5, 6, 4, dtype=torch.float64).contiguous(memory_format=layout)
    assert generator_of(convolutions=2)(aligned).taps.is_contiguous()


def test_gradient_reaches_all_parameters():
    generator = generator_of(convolutions=2)
    features = torch.randn(2, 4, 6, 6, dtype=torch.float64)
    kernels = generator(torch.randn(2, 5, 3, 3, dtype=torch.float64), (6, 6))
    (generator.apply_kernels(features, kernels) * torch.randn_like(features)).sum().backward()
    for name, parameter in generator.named_parameters():
        assert parameter.grad is not None, name
        # Every channel of the hidden layer, every tap, scale and shift of the head.
        assert all(channel.any() for channel in parameter.grad), name


def test_without_convolutions_features_are_scaled_and_shifted():
    generator = generator_of(convolutions=0)
    features = torch.randn(2, 4, 6, 4, dtype=torch.float64)
    kernels = generator(torch.randn(2, 5, 6, 4, dtype=torch.float64))
    expected = features * kernels.scale + kernels.shift
    assert_near(generator.apply_kernels(features, kernels), expected)
    assert generator.head.out_channels == 8


def test_without_shuffle_groups_stay_apart():
    generator = generator_of(convolutions=3, shuffle=False)
    kernels = random_kernels(4, 3, 3)
    features = torch.randn(2, 4, 4, 3, dtype=torch.float64)
    changed = features.clone()
    changed[:, :2] += 1
    difference = generator.apply_kernels(changed, kernels) - generator.apply_kernels(
        features, kernels
    )
    assert difference[:, :2].abs().max() > 0.1
    assert not difference[:, 2:].any()
