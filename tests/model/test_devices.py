"""Whether the network makes tensors only where its inputs are, without a second device.

PyTorch's fake tensors have a device, shape and dtype but no values: an operation of one on CUDA
with one on the CPU fails as it would on a GPU.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from stylekernel_hf.ops import upsampled_conv
from stylekernel_hf.ops.triton_kernels import fused_kernel
from stylekernel_hf.pretrained.presets import PRESETS, build_model

pytestmark = pytest.mark.skipif(torch.version.cuda is None, reason="needs PyTorch with CUDA")


@pytest.fixture
def fake_cuda(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    # Triton has no fake kernels; the tests of the fused kernels are elsewhere.
    monkeypatch.setattr(fused_kernel, "is_fusible", lambda tensor: False)
    upsampled_conv._shares.cache_clear()
    with FakeTensorMode():
        yield
    torch.set_default_dtype(torch.float32)
    upsampled_conv._shares.cache_clear()


def test_a_tensor_left_on_the_cpu_is_found(fake_cuda: None) -> None:
    with pytest.raises(RuntimeError, match="same device"):
        torch.ones(2, device="cuda") + torch.ones(2)


@pytest.mark.parametrize(
    ("dtype", "layout"),
    [(torch.float32, torch.contiguous_format), (torch.bfloat16, torch.channels_last)],
)
@pytest.mark.parametrize("preset", PRESETS)
def test_network_stays_on_cuda(
    preset: str, dtype: torch.dtype, layout: torch.memory_format, fake_cuda: None
) -> None:
    torch.set_default_dtype(dtype)
    with torch.device("cuda"):
        model = build_model(preset)
        photo, painting = (
            torch.empty(1, 3, *sides).to(memory_format=layout) for sides in ((48, 64), (64, 80))
        )
        strengths = torch.empty(1, 1, 48, 64)
    with torch.inference_mode():
        for strength in (1.0, strengths):
            painted = model(photo, model.encode_style(painting), strength)
            assert painted.is_cuda and painted.dtype == dtype and painted.shape == photo.shape
