"""`pipeline("style-kernel")`: the pipeline with a checkpoint, on a device, in one call."""

from __future__ import annotations

import os

import torch
from typing_extensions import Unpack

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

TASKS = ("style-kernel",)
_DTYPES = (torch.float32, torch.bfloat16, torch.float16)


def pipeline(
    task: str,
    *,
    model: str | os.PathLike[str] | None = None,
    device: str | torch.device | None = None,
    dtype: torch.dtype = torch.float32,
    variant: str | None = None,
    **access: Unpack[AccessOptions],
) -> StyleKernelPipeline:
    """Return a pipeline that is ready to stylize, with the embedded weights by default.

    Args:
        task: "style-kernel", the only task there is.
        model: A checkpoint folder or a Hub repository "owner/name". By default the weights in the
            package are used, and nothing is downloaded.
        device: By default CUDA, else MPS, else the CPU.
        dtype: torch.float32, torch.bfloat16 or torch.float16. A CPU without instructions for half
            floats emulates them, which is ten times as slow as float32; a warning says so.
        variant: The infix of the weights' file name, such as "fp16".
        **access: `revision`, `token`, `cache_dir` and `local_files_only`, as
            `StyleKernelModel.from_pretrained` takes them.

    Returns:
        The pipeline, on the device and in the dtype.

    Raises:
        ValueError: The task is unknown, or this machine lacks the device or the dtype.
        OSError: The checkpoint is missing; see also `StyleKernelModel.from_pretrained`.

    Example:
        >>> from stylekernel_hf import pipeline
        >>> pipe = pipeline("style-kernel", device="cpu")
        >>> pipe.dtype
        torch.float32
    """
    if task not in TASKS:
        raise ValueError(f"task must be 'style-kernel', got {task!r}")
    hub_access = HubAccess(**access)
    check_dtype(dtype, _DTYPES)
    target = best_device() if device is None else resolve_device(device)
    check_device_has_dtype(dtype, target)
    network = load_checkpoint(
        EMBEDDED_CHECKPOINT if model is None else model,
        access=hub_access,
        variant=variant,
        dtype=dtype,
    )
    return StyleKernelPipeline(network.to(target))
