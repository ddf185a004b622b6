"""`pipeline("style-kernel")`: the pipeline with a checkpoint, on a device, in one call."""

from __future__ import annotations

import logging
import os

import torch

from stylekernel_hf.devices.dtypes import is_native
from stylekernel_hf.errors.first_line import first_line
from stylekernel_hf.hub.sources import HubAccess
from stylekernel_hf.pipelines.style_kernel import StyleKernelPipeline
from stylekernel_hf.pretrained.checkpoint import EMBEDDED_CHECKPOINT, load_checkpoint

logger = logging.getLogger(__name__)
TASKS = ("style-kernel",)


def pipeline(
    task: str,
    *,
    model: str | os.PathLike[str] | None = None,
    device: str | torch.device | None = None,
    dtype: torch.dtype = torch.float32,
    variant: str | None = None,
    revision: str | None = None,
    token: str | bool | None = None,
    cache_dir: str | os.PathLike[str] | None = None,
    local_files_only: bool = False,
) -> StyleKernelPipeline:
    """Return a ready pipeline for `task`, of which there is one: "style-kernel".

    `model` is a checkpoint folder or a Hub repository "owner/name"; by default the weights
    embedded in the package are used, and nothing is downloaded. `device` defaults to CUDA, then
    MPS, then the CPU. `dtype` is torch.float32, torch.bfloat16 or torch.float16: all three on the
    CPU, with a warning where it emulates them, ten times as slow as float32, and on others those
    that the device has. `variant`, `revision`, `token`, `cache_dir` and `local_files_only` are
    those of `StyleKernelModel.from_pretrained`, whose errors are raised for a checkpoint that
    cannot be had or is not whole.

    Raises ValueError for an unknown task and for a device or dtype that is not to be had here.
    """
    if task not in TASKS:
        raise ValueError(f"task must be 'style-kernel', got {task!r}")
    if dtype not in (torch.float32, torch.bfloat16, torch.float16):
        raise ValueError(f"dtype must be torch.float32, bfloat16 or float16, got {dtype}")
    target = _resolve_device(device)
    _check_dtype(dtype, target)
    access = HubAccess(revision, token, cache_dir, local_files_only)
    network = load_checkpoint(
        EMBEDDED_CHECKPOINT if model is None else model,
        access=access,
        variant=variant,
        dtype=dtype,
    )
    return StyleKernelPipeline(network.to(target))


def _resolve_device(device: str | torch.device | None) -> torch.device:
    if device is None:
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        resolved = torch.device(device)
        torch.empty(0, device=resolved)
    # Which of these torch raises depends on the kind of device that is lacking.
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = first_line(error)
        raise ValueError(
            f"device must be one that this machine has, got {str(device)!r}: {reason}"
        ) from error
    if resolved.type == "meta":
        raise ValueError("device must be one that computes, got 'meta'")
    return resolved


def _check_dtype(dtype: torch.dtype, device: torch.device) -> None:
    try:
        probe = torch.zeros(1, 1, device=device, dtype=dtype)
        probe.mm(probe)
    # Which of these torch raises depends on the device and the dtype.
    except (RuntimeError, TypeError, NotImplementedError) as error:
        reason = first_line(error)
        raise ValueError(f"dtype must be one that {device} has, got {dtype}: {reason}") from error
    if device.type == "cpu" and not is_native(dtype, device):
        logger.warning("dtype %s is emulated by this CPU: torch.float32 is much faster", dtype)
