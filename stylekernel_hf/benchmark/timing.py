"""Seconds and peak memory of one piece of work."""

from __future__ import annotations

import contextlib
import ctypes
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch

_CLEAR_REFS, _STATUS = Path("/proc/self/clear_refs"), Path("/proc/self/status")


class Cost(NamedTuple):
    """Seconds and peak memory of one piece of work."""

    seconds: float
    """Median of the repeats after a warm-up."""
    fastest: float
    """Seconds of the fastest repeat."""
    peak_bytes: int | None
    """Peak memory in bytes beyond what was in use before; None if it cannot be measured."""


def measure_cost(work: Callable[[], object], device: torch.device, *, repeats: int) -> Cost:
    """Run `work` once to warm up, then `repeats` times.

    Memory is the device's own on CUDA, resident memory on Linux, and not measured elsewhere. The
    first run counts, because later ones find memory kept for reuse.
    """
    if repeats < 1:
        raise ValueError(f"repeats must be at least 1, got {repeats}")
    before = _reset_peak(device)
    work()
    peak = _peak(device)
    seconds: list[float] = []
    for _ in range(repeats):
        _synchronise(device)
        start = time.perf_counter()
        work()
        _synchronise(device)
        seconds.append(time.perf_counter() - start)
    grown = None if before is None or peak is None else max(0, peak - before)
    return Cost(statistics.median(seconds), min(seconds), grown)


def _synchronise(device: torch.device) -> None:
    if device.type in ("cuda", "mps"):
        getattr(torch, device.type).synchronize()


def _reset_peak(device: torch.device) -> int | None:
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        return torch.cuda.memory_allocated(device)
    with contextlib.suppress(AttributeError, OSError):
        # Freed memory kept for reuse would hide what the work allocates.
        ctypes.CDLL(None).malloc_trim(0)
    with contextlib.suppress(OSError):
        _CLEAR_REFS.write_text("5")  # Linux resets the peak to what is resident now.
        return _status("VmRSS")
    return None


def _peak(device: torch.device) -> int | None:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return _status("VmHWM")


def _status(field: str) -> int | None:
    with contextlib.suppress(OSError):
        for line in _STATUS.read_text().splitlines():
            if line.startswith(f"{field}:"):
                return int(line.split()[1]) * 1024
    return None
