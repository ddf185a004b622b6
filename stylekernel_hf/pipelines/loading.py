"""Loading of the pipeline in PyTorch."""

from __future__ import annotations

import os
from typing import Any

import torch

from stylekernel_hf.devices.resolution import (
    best_device,
    check_device_has_dtype,
    check_dtype,
    resolve_device,
)
from stylekernel_hf.hub.options import AccessOptions
from stylekernel_hf.hub.sources import HubAccess
from stylekernel_hf.pipelines.style_kernel import StyleKernelPipeline
from stylekernel_hf.pretrained.checkpoint import EMBEDDED_CHECKPOINT, load_checkpoint

_DTYPES = (torch.float32, torch.bfloat16, torch.float16)


def load_pipeline(
    model: str | os.PathLike[str] | None,
    device: str | torch.device | None,
    dtype: torch.dtype | str | None,
    variant: str | None,
    access: AccessOptions,
) -> StyleKernelPipeline:
    """Load a checkpoint, by default the embedded one; see `pipeline`."""
    hub_access = HubAccess(**access)
    if dtype is None or isinstance(dtype, str):
        # An unknown name stays, and is refused with the names of the others.
        named: Any = {str(each).removeprefix("torch."): each for each in _DTYPES}
        dtype = named.get(dtype or "float32", dtype)
    check_dtype(dtype, _DTYPES)
    assert isinstance(dtype, torch.dtype)
    target = best_device() if device is None else resolve_device(device)
    check_device_has_dtype(dtype, target)
    network = load_checkpoint(
        EMBEDDED_CHECKPOINT if model is None else model,
        access=hub_access,
        variant=variant,
        dtype=dtype,
    )
    return StyleKernelPipeline(network.to(target))
