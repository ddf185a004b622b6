"""Every fast path equals its plain reference: values and gradients, in every dtype and layout."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor

from stylekernel_hf.ops import gated_attention as attention
from stylekernel_hf.ops.activation import relu_, relu_reference
from stylekernel_hf.ops.border import replicate_border, replicate_border_reference
from stylekernel_hf.ops.dynamic_conv import dynamic_conv2d, dynamic_conv2d_reference
from stylekernel_hf.ops.gated_attention import gated_attention, gated_attention_reference
from stylekernel_hf.ops.upsampled_conv import upsampled_conv2d, upsampled_conv2d_reference

CHANNELS = 4
TOLERANCES = {torch.float64: 1e-10, torch.float32: 1e-5, torch.bfloat16: 0.04}


class Operation(NamedTuple):
    """A fast path, its reference, and the shapes of its inputs beside the features."""

    fast: Callable[..., Tensor]
    reference: Callable[..., Tensor]
    others: Callable[[int, int, int], list[tuple[int, ...]]]


def none(*_: int) -> list[tuple[int, ...]]:
    return []


def kernels(count: int, batch: int, height: int, width: int) -> list[tuple[int, ...]]:
    return [(batch, count, height, width)]


def convolution(*_: int) -> list[tuple[int, ...]]:
    return [(6, CHANNELS, 3, 3), (6,)]


def tokens(batch: int, height: int, width: int) -> list[tuple[int, ...]]:
    pixels = height * width
    return [(batch, 7, CHANNELS), (batch, 7, 3), (batch, pixels, 1), (batch, pixels, 1)]


def attend(function: Callable[..., Tensor], features: Tensor, *others: Tensor) -> Tensor:
    return function(features.flatten(2).transpose(1, 2), *others)


OPERATIONS = {
    "relu": Operation(relu_, relu_reference, none),
    **{
        f"border of {width} after stride {stride}": Operation(
            partial(replicate_border, width=width, stride=stride),
            partial(replicate_border_reference, width=width, stride=stride),
            none,
        )
        for width, stride in ((0, 1), (1, 1), (1, 2), (2, 1))
    },
    **{
        f"dynamic convolution of {size} taps": Operation(
            partial(dynamic_conv2d, groups=2),
            partial(dynamic_conv2d_reference, groups=2),
            partial(kernels, 2 * size**2),
        )
        for size in (1, 3, 5)
    },
    "gated attention": Operation(
        partial(attend, gated_attention), partial(attend, gated_attention_reference), tokens
    ),
    "upsampled convolution": Operation(upsampled_conv2d, upsampled_conv2d_reference, convolution),
}


@pytest.fixture(params=OPERATIONS)
def operation(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Operation:
    monkeypatch.setattr(attention, "QUERY_CHUNK", 7)
    return OPERATIONS[request.param]


def inputs(operation: Operation, shape: tuple[int, int, int], layout: Any) -> list[Tensor]:
    batch, height, width = shape
    features = torch.randn(batch, CHANNELS, height, width, dtype=torch.float64)
    others = [torch.randn(each, dtype=torch.float64) for each in operation.others(*shape)]
    return [features.contiguous(memory_format=layout), *others]


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("shape", [(1, 6, 5), (2, 9, 8), (1, 3, 4)])
@pytest.mark.parametrize("dtype", TOLERANCES)
@torch.inference_mode()
def test_values_are_those_of_the_reference(
    operation: Operation, dtype: torch.dtype, shape: tuple[int, int, int], layout: Any
) -> None:
    given = [part.to(dtype) for part in inputs(operation, shape, layout)]
    expected = operation.reference(*(part.double() for part in given))
    actual = operation.fast(*given)
    assert actual.dtype == dtype
    tolerance = TOLERANCES[dtype] * float(expected.abs().max())
    torch.testing.assert_close(actual.double(), expected, rtol=0, atol=tolerance)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("shape", [(1, 6, 5), (2, 9, 8), (1, 3, 4)])
def test_gradients_are_those_of_the_reference(
    operation: Operation, shape: tuple[int, int, int], layout: Any
) -> None:
    leaves = [part.requires_grad_() for part in inputs(operation, shape, layout)]
    # relu_ works in place, which a leaf does not allow.
    actual, expected = (
        function(leaves[0] * 1, *leaves[1:]) for function in (operation.fast, operation.reference)
    )
    arriving = torch.randn_like(expected)
    gradients = [torch.autograd.grad(each, leaves, arriving) for each in (actual, expected)]
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-8, atol=1e-8)
