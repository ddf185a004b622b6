"""The dtypes that a device computes in natively."""

from __future__ import annotations

import torch


def is_native(dtype: torch.dtype, device: torch.device) -> bool:
    """Return whether `device` computes in `dtype` about as fast as in float32, or faster.

    A CPU computes natively in the half floats that oneDNN has kernels for: bfloat16 on most
    servers, neither of them on most laptops. An emulated dtype takes ten times as long as float32.
    On devices other than CPUs and CUDA only float32 counts as native.
    """
    if dtype == torch.float32:
        return True
    if device.type == "cuda":
        return dtype == torch.float16 or torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type != "cpu":
        return False
    # Private operators, which torch's own compiler asks too; builds without oneDNN lack them.
    name = "_is_mkldnn_bf16_supported" if dtype == torch.bfloat16 else "_is_mkldnn_fp16_supported"
    ask = getattr(torch.ops.mkldnn, name, None)
    return bool(ask and ask())
