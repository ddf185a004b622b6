import pytest
import torch
from torch import Tensor

from stylekernel_hf.ops.dynamic_conv import channel_shuffle, dynamic_conv2d
from tests.model.references import (
    Array,
    assert_near,
    channel_shuffle_by_loops,
    dynamic_conv2d_by_loops,
    with_border_renewed,
)


def features_and_kernels(
    size: int, groups: int, shape: tuple[int, int, int, int] = (2, 4, 7, 5)
) -> tuple[Tensor, Tensor]:
    batch, channels, height, width = shape
    features = torch.randn(batch, channels, height, width, dtype=torch.float64)
    return features, torch.randn(batch, groups * size**2, height, width, dtype=torch.float64)


def filtered(features: Tensor, kernels: Tensor, groups: int, size: int) -> Array:
    return with_border_renewed(dynamic_conv2d_by_loops(features, kernels, groups), size // 2)


@pytest.mark.parametrize("size", [1, 3, 5])
@pytest.mark.parametrize("groups", [1, 2, 4])
def test_every_pixel_is_filtered_with_its_own_kernel_but_at_the_border(size: int, groups: int):
    features, kernels = features_and_kernels(size, groups)
    expected = filtered(features, kernels, groups, size)
    assert_near(dynamic_conv2d(features, kernels, groups), expected)


@pytest.mark.parametrize("shape", [(1, 2, 1, 2), (2, 2, 4, 9)])
def test_kernels_that_all_reach_beyond_the_picture_see_zeros(shape: tuple[int, int, int, int]):
    features, kernels = features_and_kernels(5, 2, shape)
    expected = dynamic_conv2d_by_loops(features, kernels, 2)
    assert_near(dynamic_conv2d(features, kernels, 2), expected)


def test_memory_format_makes_no_difference():
    features, kernels = features_and_kernels(3, 2)
    last = torch.channels_last
    mixed = dynamic_conv2d(
        features.to(memory_format=last), kernels.contiguous(memory_format=last), 2
    )
    assert_near(mixed, filtered(features, kernels, 2, 3))


@pytest.mark.parametrize("size", [1, 3, 5])
def test_identity_kernels_leave_features_unchanged_but_at_the_border(size: int):
    features, kernels = features_and_kernels(size, 2)
    kernels.zero_().unflatten(1, (2, size**2))[:, :, size**2 // 2] = 1
    expected = torch.from_numpy(with_border_renewed(features, size // 2))
    assert torch.equal(dynamic_conv2d(features, kernels, 2), expected)


def test_one_kernel_for_all_pixels_is_an_ordinary_convolution():
    features, kernels = features_and_kernels(3, 2, shape=(1, 4, 6, 5))
    kernels = kernels[..., :1, :1].expand_as(kernels)
    weight = kernels[0, :, 0, 0].view(2, 1, 3, 3).repeat_interleave(2, dim=0)
    expected = torch.conv2d(features, weight, padding=1, groups=4)
    assert_near(dynamic_conv2d(features, kernels, 2), with_border_renewed(expected, 1))


@pytest.mark.parametrize("size", [1, 3, 5])
@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("sides", [(2, 3), (5, 6)])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_gradients_are_those_of_finite_differences(
    size: int, groups: int, sides: tuple[int, int], layout: torch.memory_format
):
    features, kernels = (
        part.contiguous(memory_format=layout).requires_grad_()
        for part in features_and_kernels(size, groups, shape=(1, 2, *sides))
    )
    # Along random directions, which every value and every gradient takes part in.
    assert torch.autograd.gradcheck(
        lambda x, k: dynamic_conv2d(x, k, groups), (features, kernels), fast_mode=True
    )


@pytest.mark.parametrize("wanted", [(True, False), (False, True)])
def test_either_gradient_may_be_asked_for_alone(wanted: tuple[bool, bool]):
    inputs = features_and_kernels(3, 2)
    both = [part.clone().requires_grad_() for part in inputs]
    alone = [
        part.clone().requires_grad_(needed) for part, needed in zip(inputs, wanted, strict=True)
    ]
    for x, k in (both, alone):
        dynamic_conv2d(x, k, 2).square().sum().backward()
    for one, other, needed in zip(alone, both, wanted, strict=True):
        assert (one.grad is not None) == needed
        if one.grad is not None:
            assert other.grad is not None
            assert_near(one.grad, other.grad)


def test_bfloat16_gradients_are_near_the_exact_ones():
    exact = [part.requires_grad_() for part in features_and_kernels(3, 2)]
    rounded = [part.detach().bfloat16().requires_grad_() for part in exact]
    weight = torch.randn_like(exact[0])
    for x, k in (exact, rounded):
        (dynamic_conv2d(x, k, 2) * weight.to(x.dtype)).sum().backward()
    for actual, expected in zip(rounded, exact, strict=True):
        assert actual.grad is not None
        assert expected.grad is not None
        assert actual.grad.dtype == torch.bfloat16
        assert_near(actual.grad, expected.grad, 0.02 * expected.grad.abs().max().item())


def test_batch_items_do_not_influence_each_other():
    features, kernels = features_and_kernels(3, 2)
    together = dynamic_conv2d(features, kernels, 2)
    for item in range(2):
        alone = dynamic_conv2d(features[item : item + 1], kernels[item : item + 1], 2)
        assert_near(together[item : item + 1], alone)


@pytest.mark.parametrize("groups", [1, 2, 3, 6])
def test_shuffle_interleaves_the_groups(groups: int):
    features = torch.randn(2, 6, 2, 3)
    expected = channel_shuffle_by_loops(features.numpy(), groups)
    assert torch.equal(channel_shuffle(features, groups), torch.from_numpy(expected))


@pytest.mark.parametrize("groups", [2, 3, 4])
def test_shuffle_with_the_groups_transposed_undoes_it(groups: int):
    features = torch.randn(1, 12, 2, 3)
    shuffled = channel_shuffle(features, groups)
    assert not torch.equal(shuffled, features)
    assert torch.equal(channel_shuffle(shuffled, 12 // groups), features)
