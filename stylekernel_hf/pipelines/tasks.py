"""`pipeline("style-kernel")`: the pipeline with a checkpoint, on a device, in one call."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Literal, overload

from typing_extensions import Unpack

from stylekernel_hf.errors.given_values import shown
from stylekernel_hf.runtime.engines import RUNTIMES, Runtime

if TYPE_CHECKING:
    import torch

    from stylekernel_hf.hub.options import AccessOptions
    from stylekernel_hf.pipelines.runtime_pipeline import RuntimePipeline
    from stylekernel_hf.pipelines.style_kernel import StyleKernelPipeline

TASKS = ("style-kernel",)


@overload
def pipeline(
    task: str,
    *,
    model: str | os.PathLike[str] | None = None,
    device: str | torch.device | None = None,
    dtype: torch.dtype | str | None = None,
    variant: str | None = None,
    runtime: Literal["torch"] = "torch",
    **access: Unpack[AccessOptions],
) -> StyleKernelPipeline: ...
@overload
def pipeline(
    task: str,
    *,
    model: str | os.PathLike[str] | None = None,
    device: str | torch.device | None = None,
    dtype: torch.dtype | str | None = None,
    variant: str | None = None,
    runtime: Runtime,
    **access: Unpack[AccessOptions],
) -> RuntimePipeline: ...
@overload
def pipeline(
    task: str,
    *,
    model: str | os.PathLike[str] | None = None,
    device: str | torch.device | None = None,
    dtype: torch.dtype | str | None = None,
    variant: str | None = None,
    runtime: Literal["auto"],
    **access: Unpack[AccessOptions],
) -> StyleKernelPipeline | RuntimePipeline: ...
def pipeline(
    task: str,
    *,
    model: str | os.PathLike[str] | None = None,
    device: str | torch.device | None = None,
    dtype: torch.dtype | str | None = None,
    variant: str | None = None,
    runtime: Literal["torch", "auto"] | Runtime = "torch",
    **access: Unpack[AccessOptions],
) -> StyleKernelPipeline | RuntimePipeline:
    """Return a pipeline that is ready to stylize, with the embedded weights by default.

    Args:
        task: "style-kernel", the only task there is.
        model: A checkpoint folder, a Hub repository "owner/name", or the file of an adapter for the
            weights in the package. By default these weights are used as they are, and nothing is
            downloaded.
        device: By default CUDA, else MPS, else the CPU.
        dtype: torch.float32 (the default), torch.bfloat16 or torch.float16, or one of their names,
            such as "bfloat16". A CPU without instructions for half floats emulates them, which is
            ten times as slow as float32; a warning says so.
        variant: The infix of the weights' file name, such as "fp16".
        runtime: "torch"; or "onnx" (ONNX Runtime) or "openvino", which run on the CPU and do not
            import torch, in float32, OpenVINO also in bfloat16 where the CPU computes in it. Their
            pipeline is a RuntimePipeline, which is called in the same way, but with arrays in place
            of tensors. "auto" takes the fastest here of those that are installed, as the page on
            speed says.
        **access: `revision`, `token`, `cache_dir` and `local_files_only`, as
            `StyleKernelModel.from_pretrained` takes them.

    Returns:
        The pipeline, on the device and in the dtype.

    Raises:
        ValueError: The task is unknown, or this machine or the runtime lacks the device or the
            dtype.
        OSError: The checkpoint is missing; see also `StyleKernelModel.from_pretrained`.
        ImportError: The runtime is not installed (the extras "onnx" and "openvino").

    Example:
        >>> from stylekernel_hf import pipeline
        >>> pipe = pipeline("style-kernel", device="cpu")
        >>> pipe.dtype
        torch.float32
    """
    if task not in TASKS:
        raise ValueError(f"task must be 'style-kernel', got {task!r}")
    if runtime == "auto":
        runtime = _fastest(device, dtype, variant)
    if runtime == "torch":
        from stylekernel_hf.pipelines.loading import load_pipeline

        return load_pipeline(model, device, dtype, variant, access)
    if runtime not in RUNTIMES:
        raise ValueError(
            f"runtime must be 'torch', 'onnx', 'openvino' or 'auto', got {shown(runtime)}"
        )
    _check_cpu(device, variant, runtime)
    return _load_runtime(model, runtime, dtype, access)


def _load_runtime(
    model: str | os.PathLike[str] | None, runtime: Runtime, dtype: Any, access: Any
) -> RuntimePipeline:
    from stylekernel_hf.export.checkpoint import read_network
    from stylekernel_hf.pipelines.runtime_pipeline import RuntimePipeline

    name = _name_of(dtype)
    if model is None and not access:
        return RuntimePipeline(read_network(), runtime, name)
    from stylekernel_hf.hub.sources import HubAccess

    hub_access = HubAccess(**access)
    return RuntimePipeline(read_network(model, hub_access), runtime, name)


def _fastest(device: Any, dtype: Any, variant: str | None) -> Literal["torch"] | Runtime:
    if variant is not None:
        return "torch"
    from stylekernel_hf.runtime.choice import choose_runtime, look_around

    wanted = None if device is None else str(device)
    return choose_runtime(look_around(), device=wanted, dtype=_name_of(dtype), pictures=None)


def _name_of(dtype: Any) -> str:
    return "float32" if dtype is None else str(dtype).removeprefix("torch.")


def _check_cpu(device: Any, variant: str | None, runtime: Runtime) -> None:
    if device is not None and str(device) != "cpu":
        raise ValueError(f"device must be 'cpu' with runtime={runtime!r}, got {shown(device)}")
    if variant is not None:
        raise ValueError(f"variant must be None with runtime={runtime!r}, got {shown(variant)}")
