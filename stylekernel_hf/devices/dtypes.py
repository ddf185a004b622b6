"""Which dtypes a device computes in at full speed."""

from __future__ import annotations

import torch


def is_native(dtype: torch.dtype, device: torch.device) -> bool:
    """Whether `device` computes in `dtype` at least about as fast as in float32.

    Of the half floats a GPU has those that it holds to have without emulation, a CPU those that
    oneDNN has kernels for: most servers have bfloat16, most laptops neither, and what a CPU
    emulates takes ten times as long as float32. Of other devices nothing is known but float32.
    """
    if dtype == torch.float32:
        return True
    if device.type == "cuda":
        return dtype == torch.float16 or torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type != "cpu":
        return False
    # torch itself asks this way before it compiles for half floats; builds without oneDNN have
    # no such operators.
    name = "_is_mkldnn_bf16_supported" if dtype == torch.bfloat16 else "_is_mkldnn_fp16_supported"
    ask = getattr(torch.ops.mkldnn, name, None)
    return bool(ask and ask())
