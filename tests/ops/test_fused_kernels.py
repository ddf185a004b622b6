"""When fused kernels are taken and what happens when they fail; their numbers, also on CUDA."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from stylekernel_hf.ops import dynamic_conv
from stylekernel_hf.ops import gated_attention as attention
from stylekernel_hf.ops.dynamic_conv import dynamic_conv2d
from stylekernel_hf.ops.gated_attention import gated_attention
from stylekernel_hf.ops.triton_kernels import fused_kernel
from stylekernel_hf.ops.triton_kernels.fused_kernel import FusedKernel
from tests.model.references import assert_near

ROOT = Path(__file__).parents[2]
TOLERANCES = {torch.float32: 2e-6, torch.bfloat16: 1e-2, torch.float16: 2e-3}


def test_kernels_give_the_slow_answers_in_tritons_interpreter() -> None:
    pytest.importorskip("triton", reason="needs Triton")
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-x", "tests/ops/interpreted_kernels.py"],
        cwd=ROOT,
        env=os.environ | {"TRITON_INTERPRET": "1"},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout
    assert "skipped" not in run.stdout


def broken_kernel(monkeypatch: pytest.MonkeyPatch, error: Exception) -> FusedKernel:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(fused_kernel, "is_fusible", lambda tensor: True)
    monkeypatch.setattr(attention, "fail", fail, raising=False)
    return FusedKernel("stylekernel_hf.ops.gated_attention", "fail")


@pytest.mark.parametrize("part", ["attention", "convolution"])
def test_failure_falls_back_to_the_portable_path_with_one_warning(
    part: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    compute: Callable[[], Tensor]
    if part == "attention":
        query, key, value = torch.randn(1, 4, 5), torch.randn(1, 6, 5), torch.randn(1, 6, 2)
        compute = lambda: gated_attention(query, key, value, *torch.ones(2, 1, 4, 1))  # noqa: E731
        module, name = attention, "_fused_attend"
    else:
        features, kernels = torch.randn(1, 2, 3, 3), torch.randn(1, 9, 3, 3)
        compute = lambda: dynamic_conv2d(features, kernels, 1)  # noqa: E731
        module, name = dynamic_conv, "_fused_convolve"
    expected = compute()
    broken = broken_kernel(monkeypatch, RuntimeError("no compiler\nand much more"))
    monkeypatch.setattr(module, name, broken)
    with caplog.at_level(logging.WARNING, logger="stylekernel_hf"):
        for _ in range(3):
            assert torch.equal(compute(), expected)
    assert [record.getMessage() for record in caplog.records] == [
        "the fused kernel fail does not work here, using the portable path: no compiler"
    ]


def test_out_of_memory_is_left_to_smaller_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = broken_kernel(monkeypatch, torch.OutOfMemoryError("full"))
    for _ in range(2):
        with pytest.raises(torch.OutOfMemoryError):
            broken(torch.zeros(1))


def test_tensors_elsewhere_and_of_other_dtypes_are_left_alone() -> None:
    never = FusedKernel("no.such.module", "function")
    assert never(torch.zeros(1)) is None
    assert never._works
    assert not fused_kernel.is_fusible(torch.zeros(1, device="meta"))


def test_tensors_whose_places_exceed_32_bits_are_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fused_kernel, "is_fusible", lambda tensor: True)
    never = FusedKernel("no.such.module", "function")
    large = torch.empty(2**16, 2**15, device="meta")
    assert never(torch.zeros(1), large, 3) is None
    assert never._works
    assert never(torch.zeros(1), large[1:], 3) is None
    assert not never._works


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", TOLERANCES)
def test_kernels_on_cuda_are_near_the_portable_path(dtype: torch.dtype) -> None:
    features = torch.randn(2, 96, 67, 45).cuda().to(dtype)
    kernels = torch.randn(2, 8 * 9, 67, 45).cuda().to(dtype)
    query, key = (torch.randn(2, count, 64).cuda().to(dtype) for count in (700, 250))
    gamma, beta = torch.rand(2, 2, 700, 1).cuda().to(dtype)
    value = torch.randn(2, 250, 160).cuda().to(dtype)
    double = [part.double() for part in (features, kernels, query, key, value, gamma, beta)]
    fused = dynamic_conv2d(features, kernels, 8), gated_attention(query, key, value, gamma, beta)
    # Doubles go the portable way.
    exact = dynamic_conv2d(*double[:2], 8), gated_attention(*double[2:])
    for actual, expected in zip(fused, exact, strict=True):
        assert_near(
            actual.cpu(), expected.cpu(), 4 * TOLERANCES[dtype] * float(expected.abs().max())
        )
    assert dynamic_conv._fused_convolve._works and attention._fused_attend._works
