"""Renewing the border of a feature map."""

from __future__ import annotations

import pytest
import torch

from stylekernel_hf.ops.border import replicate_border
from tests.model.references import as_array, assert_near, with_border_renewed


@pytest.mark.parametrize("gradients", [False, True])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("width", [0, 1, 2])
@pytest.mark.parametrize("size", [(9, 7), (5, 5), (4, 9), (2, 3), (1, 1)])
def test_outer_rows_and_columns_become_copies(
    size: tuple[int, int], width: int, stride: int, gradients: bool
) -> None:
    features = torch.randn(2, 3, *size, dtype=torch.float64)
    expected = with_border_renewed(features.clone(), width, stride)
    # As a convolution's output is: no leaf.
    renewed = replicate_border(features.requires_grad_(gradients) * 1, width, stride=stride)
    assert_near(renewed, expected)


def test_gradient_is_that_of_the_copies() -> None:
    features = torch.randn(1, 2, 6, 7, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: replicate_border(x * 1, 2), features)
    (gradient,) = torch.autograd.grad(replicate_border(features * 1, 1).sum(), features)
    assert not as_array(gradient)[..., 0, :].any()
    assert as_array(gradient)[..., 1, 1] == pytest.approx(4)


@torch.inference_mode()
def test_memory_format_and_memory_stay_the_features_own() -> None:
    features = torch.randn(1, 8, 6, 7).contiguous(memory_format=torch.channels_last)
    renewed = replicate_border(features, 1)
    assert renewed.data_ptr() == features.data_ptr()
    assert renewed.is_contiguous(memory_format=torch.channels_last)
