"""Whether the fused kernels compile for GPUs, and fit into them, without having one."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
import torch

from stylekernel_hf.ops import dynamic_conv
from stylekernel_hf.ops import gated_attention as attention
from stylekernel_hf.ops.triton_kernels import fused_kernel
from stylekernel_hf.pretrained.presets import PRESETS, build_model

absent_gpu = pytest.importorskip("tests.ops.absent_gpu", reason="needs Triton")
driver = pytest.importorskip("triton.runtime", reason="needs Triton").driver

KERNELS = (
    dynamic_conv._fused_convolve,
    dynamic_conv._fused_gradients,
    attention._fused_attend,
)

# The tightest of small; the others take four minutes.
CASES = [("small", 86, torch.float32)]
OTHERS = [
    (preset, capability, dtype)
    for preset in PRESETS
    for capability in absent_gpu.SHARED_MEMORY
    for dtype in (torch.float32, torch.float16, torch.bfloat16)
    if (preset, capability, dtype) not in CASES
]


@pytest.mark.parametrize(
    ("preset", "capability", "dtype"),
    [*CASES, *(pytest.param(*other, marks=pytest.mark.slow) for other in OTHERS)],
)
def test_kernels_of_the_presets_fit_into_gpus(
    preset: str,
    capability: int,
    dtype: torch.dtype,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
) -> None:
    gpu = absent_gpu.AbsentGpu(capability)
    monkeypatch.setattr(driver, "_active", gpu)
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(fused_kernel, "is_fusible", lambda tensor: True)
    for kernel in KERNELS:
        monkeypatch.setattr(kernel, "_works", True)
    with torch.device("meta"), caplog.at_level(logging.WARNING, logger="stylekernel_hf"):
        model = build_model(preset).to(dtype).to(memory_format=torch.channels_last)
        photo, painting = torch.empty(1, 3, 64, 64).to(dtype), torch.empty(1, 3, 512, 512).to(dtype)
        model(photo, model.encode_style(painting)).sum().backward()
        with torch.inference_mode():
            model(photo, model.encode_style(painting))
    assert not caplog.messages
    assert gpu.loaded == {"_gather", "_correlate", "_attend"}
