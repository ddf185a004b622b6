"""Runs all work on every device in every dtype."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import Any

import torch

from stylekernel_hf import __version__
from stylekernel_hf.benchmark.cold_start import measure_cold_start
from stylekernel_hf.benchmark.machine import MachineLimits, measure_limits
from stylekernel_hf.benchmark.operations import count_demand
from stylekernel_hf.benchmark.result import Benchmark, Measurement
from stylekernel_hf.benchmark.timing import measure_cost
from stylekernel_hf.benchmark.work import Plan, all_work
from stylekernel_hf.devices.dtypes import is_native
from stylekernel_hf.pipelines.cuda_graphs import record_network
from stylekernel_hf.pipelines.style_kernel import StyleKernelPipeline
from stylekernel_hf.pipelines.tasks import pipeline

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def default_dtypes(devices: Sequence[str]) -> list[str]:
    """Return float32, and bfloat16 if all of the devices compute in it natively."""
    native = all(is_native(torch.bfloat16, torch.device(device)) for device in devices)
    return ["float32", *(["bfloat16"] if native else [])]


def run_benchmark(
    plan: Plan,
    *,
    model: str | os.PathLike[str] | None,
    devices: Sequence[str],
    dtypes: Sequence[str],
    modes: Sequence[bool],
    limit_side: int,
    on_measurement: Callable[[Measurement], None],
) -> Benchmark:
    """Measure everything; `modes` says of each run whether CUDA graphs are used.

    A mode that does not work on a device is left out, with a warning. Raises ValueError for
    unknown dtypes and devices, and for sizes that the network cannot take.
    """
    for dtype in dtypes:
        if dtype not in DTYPES:
            raise ValueError(f"dtype must be one of {', '.join(DTYPES)}, got {dtype!r}")
    measurements: list[Measurement] = []
    for device, dtype in product(devices, dtypes):
        pipe = pipeline("style-kernel", model=model, device=device, dtype=DTYPES[dtype])
        plan.check(pipe.model.stride)
        limits = measure_limits(pipe.device, pipe.dtype, side=limit_side, repeats=plan.repeats)
        for compiled in sorted(modes):
            if compiled and not record_network(pipe.model):
                continue
            for measurement in measure_pipeline(pipe, plan, limits, compiled=compiled):
                measurements.append(measurement)
                on_measurement(measurement)
    return Benchmark(describe_machine(), measure_cold_start(repeats=plan.repeats), measurements)


@torch.inference_mode()
def measure_pipeline(
    pipe: StyleKernelPipeline, plan: Plan, limits: MachineLimits, *, compiled: bool
) -> Iterator[Measurement]:
    """Measure all work with one pipeline, whose network is `compiled` to CUDA graphs or not."""
    for work in all_work(pipe, plan):
        cost = measure_cost(work.run, pipe.device, repeats=plan.repeats)
        yield Measurement(
            work=work.name,
            size=work.size,
            device=pipe.device.type,
            dtype=str(pipe.dtype).removeprefix("torch."),
            compiled=compiled,
            seconds=cost.seconds,
            peak_bytes=cost.peak_bytes,
            # The operators of a recording cannot be counted.
            demand=count_demand(work.run) if work.counted and not compiled else None,
            limits=limits,
        )


def describe_machine() -> dict[str, Any]:
    """Return versions, system, threads and GPU."""
    return {
        "stylekernel_hf": __version__,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "threads": torch.get_num_threads(),
        "cuda": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
    }
