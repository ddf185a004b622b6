"""Fused kernels in Triton's interpreter, on the CPU, against the slow answers.

Triton settles when it is first imported whether it interprets: `test_fused_kernels` runs this file
in a Python of its own, with TRITON_INTERPRET=1.
"""

from __future__ import annotations

import os
from typing import Any

import pytest
import torch
from torch import Tensor

from stylekernel_hf.ops.dynamic_conv import dynamic_conv2d
from stylekernel_hf.ops.gated_attention import GATED_FLOOR
from stylekernel_hf.ops.triton_kernels import dynamic_conv as fused_conv
from stylekernel_hf.ops.triton_kernels import fused_kernel
from stylekernel_hf.ops.triton_kernels import gated_attention as fused_attention
from stylekernel_hf.ops.triton_kernels.fused_kernel import FusedKernel
from tests.model.references import (
    as_array,
    assert_near,
    dynamic_conv2d_by_loops,
    gated_weights_by_loops,
)
from tests.tiny import tiny_model

TOLERANCES = {torch.float32: 2e-6, torch.bfloat16: 1e-2, torch.float16: 2e-3}


def test_triton_interprets() -> None:
    assert os.environ["TRITON_INTERPRET"] == "1"


def features_and_kernels(
    size: int, groups: int, shape: tuple[int, int, int, int]
) -> tuple[Tensor, Tensor]:
    batch, channels, height, width = shape
    features = torch.randn(batch, channels, height, width, dtype=torch.float64)
    return features, torch.randn(batch, groups * size**2, height, width, dtype=torch.float64)


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize(
    ("size", "groups", "shape"),
    [(1, 1, (1, 1, 1, 1)), (3, 2, (2, 6, 7, 11)), (5, 4, (1, 4, 2, 3)), (3, 1, (1, 3, 9, 8))],
)
def test_convolution_is_that_of_the_loops(
    size: int,
    groups: int,
    shape: tuple[int, int, int, int],
    dtype: torch.dtype,
) -> None:
    features, kernels = (part.to(dtype) for part in features_and_kernels(size, groups, shape))
    expected = dynamic_conv2d_by_loops(features, kernels, groups)
    for layout in (torch.contiguous_format, torch.channels_last):
        out = fused_conv.convolve(features.contiguous(memory_format=layout), kernels, groups)
        assert out.dtype == dtype and out.is_contiguous(memory_format=layout)
        assert_near(out, expected, TOLERANCES[dtype] * max(1, abs(expected).max()))


def test_mixed_dtypes_are_promoted() -> None:
    features, kernels = features_and_kernels(3, 2, (1, 4, 3, 3))
    out = fused_conv.convolve(features.bfloat16(), kernels.float(), 2)
    assert out.dtype == dynamic_conv2d(features.bfloat16(), kernels.float(), 2).dtype


@pytest.mark.parametrize(("size", "groups"), [(1, 2), (3, 2), (5, 1)])
def test_gradients_are_those_of_the_portable_path(size: int, groups: int) -> None:
    exact = [part.requires_grad_() for part in features_and_kernels(size, groups, (2, 6, 8, 9))]
    # Nothing arrives from the border, which is renewed.
    arriving = torch.nn.functional.pad(torch.randn(1, 1, 4, 5, dtype=torch.float64), (2, 2, 2, 2))
    arriving = arriving.expand(2, 6, 8, 9)
    dynamic_conv2d(*exact, groups).backward(arriving)
    single = [part.detach().float() for part in exact]
    # As a training run has them: a slice of more channels, and a gradient that is broadcast.
    wider = torch.cat([single[1], single[1]], dim=1)[:, : single[1].shape[1]]
    gradients = fused_conv.gradients(single[0], wider, groups, arriving.float())
    for actual, expected in zip(gradients, exact, strict=True):
        assert expected.grad is not None
        assert_near(actual, expected.grad, 1e-5)


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize(
    ("rows", "tokens", "width", "values"), [(5, 7, 4, 3), (70, 40, 20, 33), (3, 1, 1, 1)]
)
def test_attention_is_that_of_the_loops(
    rows: int, tokens: int, width: int, values: int, dtype: torch.dtype
) -> None:
    query, key = (torch.randn(2, count, width) * 1.5 for count in (rows, tokens))
    gamma, beta = torch.rand(2, rows, 1) + 0.5, torch.randn(2, rows, 1) * 0.2
    beta[:, 0] = 1000  # A row that is gated away altogether.
    value = torch.randn(2, tokens, values)
    inputs = [part.to(dtype) for part in (query, key, value, gamma, beta)]
    query, key, value, gamma, beta = inputs
    expected = gated_weights_by_loops(query, key, gamma, beta) @ as_array(value)
    out = fused_attention.attend(*inputs, GATED_FLOOR)
    assert out.dtype == dtype
    assert_near(out, expected, TOLERANCES[dtype] * 2)


def test_attention_in_several_blocks_of_width_and_values(monkeypatch: pytest.MonkeyPatch) -> None:
    module = fused_attention
    monkeypatch.setattr(module, "_WIDTH", 16)
    monkeypatch.setattr(module, "_VALUES", 16)
    query, key = torch.randn(1, 9, 40), torch.randn(1, 50, 40)
    gamma, beta = torch.ones(1, 9, 1), torch.zeros(1, 9, 1)
    value = torch.randn(1, 50, 35)
    expected = gated_weights_by_loops(query, key, gamma, beta) @ as_array(value)
    assert_near(module.attend(query, key, value, gamma, beta, GATED_FLOOR), expected, 1e-5)


def test_one_style_serves_a_batch_of_contents() -> None:
    query, key, value = torch.randn(3, 4, 5), torch.randn(1, 6, 5), torch.randn(1, 6, 2)
    gamma, beta = torch.ones(3, 4, 1), torch.zeros(3, 4, 1)
    attend = fused_attention.attend
    together = attend(query, key, value, gamma, beta, GATED_FLOOR)
    for item in range(3):
        part = slice(item, item + 1)
        alone = attend(query[part], key, value, gamma[part], beta[part], GATED_FLOOR)
        assert_near(together[part], alone, 1e-6)


def test_network_paints_and_learns_the_same_with_fused_kernels(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fused_kernel, "is_fusible", lambda tensor: True)
    model = tiny_model()
    content, painting = torch.rand(1, 3, 24, 16), torch.rand(1, 3, 16, 16)

    def outcome() -> tuple[Tensor, Tensor]:
        model.zero_grad()
        painted = model(content, model.encode_style(painting))
        painted.square().sum().backward()
        weight = model.kernel_generators[0].head.weight  # type: ignore[union-attr]
        with torch.inference_mode():
            again = model(content, model.encode_style(painting))
        assert isinstance(weight.grad, Tensor)
        return again, weight.grad.clone()

    calls: list[str] = []
    call = FusedKernel.__call__

    def counted(self: FusedKernel, *inputs: Any) -> Any:
        result = call(self, *inputs)
        assert result is not None
        calls.append(self._function)
        return result

    monkeypatch.setattr(FusedKernel, "__call__", counted)
    fused = outcome()
    assert {*calls} == {"convolve", "gradients", "attend"}
    monkeypatch.setattr(FusedKernel, "__call__", lambda *_: None)
    for actual, expected in zip(fused, outcome(), strict=True):
        torch.testing.assert_close(actual, expected, rtol=1e-4, atol=1e-5)
